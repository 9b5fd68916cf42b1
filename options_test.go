package bbb_test

import (
	"context"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]bbb.GroupOption{
		"WithWorkers: 0 workers":          bbb.WithWorkers(0),
		"WithWorkers: -3 workers":         bbb.WithWorkers(-3),
		"WithLogoutURL: need an absolute": bbb.WithLogoutURL("portal.example.org"),
		"WithMeetingIDFunc: nil":          bbb.WithMeetingIDFunc(nil),
		"WithCache: nil":                  bbb.WithCache(nil),
		"WithClock: nil":                  bbb.WithClock(nil),
		"WithLogger: nil":                 bbb.WithLogger(nil),
		"WithCheckers: nil":               bbb.WithCheckers(bbb.CheckLoad, nil),
		"WithExtraCheckers: nil":          bbb.WithExtraCheckers(nil),
		"WithSelection: nil":              bbb.WithSelection(nil),
		"nil option":                      nil,
	} {
		g, err := bbb.NewGroup("g", o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `bbb: group "g": `)
		assert.Nil(t, g)
	}
	for _, bad := range []string{"", "ftp://a.example/", "https://", "http:///x", "https://a.example/%zz", "//a.example/"} {
		_, err := bbb.NewGroup("g", bbb.WithLogoutURL(bad))
		require.ErrorContains(t, err, "WithLogoutURL", bad)
	}

	// An option for both is checked in both places.
	for want, o := range map[string]bbb.Option{
		"WithAlgorithm: unknown algorithm Algorithm(4)": bbb.WithAlgorithm(4),
		"WithTimeout: 0s and 1s":                        bbb.WithTimeout(0, time.Second),
		"WithTimeout: 1s and -1s":                       bbb.WithTimeout(time.Second, -time.Second),
		"WithCacheTime: 0s":                             bbb.WithCacheTime(0),
		"WithMaxURLLength: 255":                         bbb.WithMaxURLLength(255),
		"WithFormSigning: unknown way 2":                bbb.WithFormSigning(2),
		"WithAnswerLimit: 0":                            bbb.WithAnswerLimit(0),
		"WithTransport: nil":                            bbb.WithTransport(nil),
		`WithLabels: the label ""`:                      bbb.WithLabels(bbb.Labels{"": "eu"}),
		`WithLabels: the label " a"`:                    bbb.WithLabels(bbb.Labels{" a": "eu"}),
		`WithLabels: the label "b"`:                     bbb.WithLabels(bbb.Labels{"b": "x\ny"}),
		"WithCapacity: -1 and 0":                        bbb.WithCapacity(-1, 0),
		"WithCapacity: 0 and -1":                        bbb.WithCapacity(0, -1),
		"WithHTTPClient: nil":                           bbb.WithHTTPClient(nil),
	} {
		_, err := bbb.NewGroup("g", o)
		require.ErrorContains(t, err, want)
		g := wireGroup(t)
		_, err = g.New("s", "https://bbb1.test", "secret", o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `bbb: server "s": `)
		assert.Zero(t, g.Len())
	}

	for want, opts := range map[string][]bbb.ServerOption{
		`WithHost: ""`:                           {bbb.WithHost("")},
		`WithHost: "-oProxyCommand=x"`:           {bbb.WithHost("-oProxyCommand=x")},
		`WithHost: "a b"`:                        {bbb.WithHost("a b")},
		"WithWeight: 0":                          {bbb.WithWeight(0)},
		"WithWeight: -1":                         {bbb.WithWeight(-1)},
		"WithWeight: NaN":                        {bbb.WithWeight(math.NaN())},
		"WithWeight: +Inf":                       {bbb.WithWeight(math.Inf(1))},
		"WithSecondSecret: the secret is empty":  {bbb.WithSecondSecret("")},
		"WithSecondSecret: the secret is empty ": {bbb.WithSecondSecret(" x")},
		"nil option":                             {nil},
	} {
		_, err := wireGroup(t).New("s", "https://bbb1.test", "secret", opts...)
		require.ErrorContains(t, err, want)
	}
}

// Whoever sets up a group wants to hear of all mistakes at once.
func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := bbb.NewGroup(" g", bbb.WithWorkers(0), nil, bbb.WithCache(nil), bbb.WithTimeout(0, 0), bbb.WithAnswerLimit(-1))
	for _, want := range []string{"the name", "WithWorkers", "nil option", "WithCache", "WithTimeout", "WithAnswerLimit"} {
		require.ErrorContains(t, err, want)
	}
	g := wireGroup(t)
	_, err = g.New("s\n", "ftp://x", " secret", nil, bbb.WithWeight(0), bbb.WithHost("-x"), bbb.WithSecondSecret(""))
	for _, want := range []string{"the name", "https://", "the secret is empty or has blanks", "nil option", "WithWeight", "WithHost", "WithSecondSecret"} {
		require.ErrorContains(t, err, want)
	}
	assert.NotContains(t, err.Error(), " secret\n")

	for _, name := range []string{"", " a", "a ", "a\x00b", "a\nb"} {
		_, err := bbb.NewGroup(name)
		require.ErrorContains(t, err, "the name", "%q", name)
		_, err = g.New(name, "https://bbb1.test", "secret")
		require.ErrorContains(t, err, "the name", "%q", name)
	}
	for _, secret := range []string{"", " x", "x\n"} {
		_, err = g.New("s", "https://bbb1.test", secret)
		require.ErrorContains(t, err, "the secret is empty or has blanks", "%q", secret)
	}
	_, err = bbb.NewServer(nil, "s", "https://bbb1.test", "secret")
	require.ErrorContains(t, err, "nil group")
	assert.Zero(t, g.Len())
}

func TestServersOfOneGroupDiffer(t *testing.T) {
	t.Parallel()
	g := wireGroup(t)
	_, err := g.New("a", "https://a.test", "secret")
	require.NoError(t, err)
	_, err = g.New("a", "https://b.test", "secret")
	require.ErrorIs(t, err, bbb.ErrServerExists)
	require.ErrorContains(t, err, `the name "a" is taken`)
	_, err = g.New("b", "a.test:443", "secret")
	require.ErrorIs(t, err, bbb.ErrServerExists)
	require.ErrorContains(t, err, "https://a.test/bigbluebutton/api")
	_, err = g.New("a", "a.test", "secret")
	require.ErrorIs(t, err, bbb.ErrServerExists)
	assert.ErrorContains(t, err, "the name")
	assert.ErrorContains(t, err, "is the URL of", "both problems")

	require.NoError(t, g.Close(t.Context()))
	_, err = g.New("c", "https://c.test", "secret")
	require.ErrorIs(t, err, bbb.ErrClosed)
	require.ErrorContains(t, err, `bbb: server "c": `)
	assert.Equal(t, 1, g.Len())
}

func TestDefaultsOfServers(t *testing.T) {
	t.Parallel()
	g := wireGroup(t)
	s, err := g.New("a", "https://a.test:8443", "secret")
	require.NoError(t, err)
	assert.Equal(t, "a.test", s.Host())
	assert.InDelta(t, 1, s.Weight(), 0)
	assert.Same(t, g, s.Group())
	assert.Contains(t, s.URL("end", nil), bbb.SHA256.Checksum("end", "", "secret"))

	s, err = g.New("b", "https://b.test", "secret", bbb.WithHost("b.internal"), bbb.WithWeight(2.5), bbb.WithAlgorithm(bbb.SHA1))
	require.NoError(t, err)
	assert.Equal(t, "b.internal", s.Host())
	assert.InDelta(t, 2.5, s.Weight(), 0)
	assert.Contains(t, s.URL("end", nil), bbb.SHA1.Checksum("end", "", "secret"))
}

// What is given to the group holds for its servers, unless one has its own.
func TestGroupDefaultsApplyToServers(t *testing.T) {
	t.Parallel()
	var shared, own atomic.Int32
	counting := func(n *atomic.Int32) http.RoundTripper {
		return roundTripFunc(func(r *http.Request) (*http.Response, error) {
			n.Add(1)
			return xmlAnswer(successAnswer).RoundTrip(r)
		})
	}
	g := wireGroup(t, bbb.WithTransport(counting(&shared)), bbb.WithAlgorithm(bbb.SHA512), bbb.WithUserAgent("portal"), bbb.WithAnswerLimit(10))
	a := wireServerAt(t, g, "https://a.test", "secret", nil)
	b := wireServerAt(t, g, "https://b.test", "secret", counting(&own), bbb.WithAlgorithm(bbb.SHA1), bbb.WithAnswerLimit(10_000))

	_, err := a.Meetings(t.Context())
	require.ErrorIs(t, err, bbb.ErrAnswerTooLarge)
	_, err = b.Meetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int32(1), shared.Load())
	assert.Equal(t, int32(1), own.Load())
	assert.Contains(t, a.URL("end", nil), bbb.SHA512.Checksum("end", "", "secret"))
	assert.Contains(t, b.URL("end", nil), bbb.SHA1.Checksum("end", "", "secret"))
}

// Zero is a value: it is refused where it makes no sense and kept where it does.
func TestExplicitValuesAreHonoured(t *testing.T) {
	t.Parallel()
	var sent http.Header
	rt := handled(func(w http.ResponseWriter, r *http.Request) {
		sent = r.Header.Clone()
		_, _ = io.WriteString(w, successAnswer)
	})
	s := wireServer(t, rt, bbb.WithUserAgent(""))
	_, err := s.Version(t.Context())
	require.NoError(t, err)
	assert.NotEqual(t, "bbb-go", sent.Get("User-Agent"), "the default is gone")

	var query url.Values
	g := wireGroup(t, bbb.WithOrigin("", ""), bbb.WithMeetingIDFunc(func() string { return "made-up" }), bbb.WithTransport(handled(func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query()
		_, _ = io.WriteString(w, successAnswer)
	})))
	wireServerAt(t, g, "https://a.test", "secret", nil)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Room"})
	require.NoError(t, err)
	assert.Equal(t, "made-up", m.ID)
	assert.Equal(t, "made-up", query.Get("meetingID"))
	assert.False(t, query.Has("meta_"+bbb.MetaOrigin), "an empty origin is none")
	assert.False(t, query.Has("meta_"+bbb.MetaOriginServerName))
	assert.False(t, query.Has("logoutURL"))
}

func TestMeetingsAreNamedByUUID(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New()
	s := fakeServer(t, fake)
	seen := map[string]bool{}
	for range 20 {
		m, err := s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Room"})
		require.NoError(t, err)
		assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, m.ID)
		assert.False(t, seen[m.ID])
		seen[m.ID] = true
	}
}

// Of an http.Client only the transport and the time-out are taken.
func TestHTTPClientIsNotKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake := bbbtest.New()
		client := &http.Client{Transport: fake.Transport(), Timeout: 2 * time.Second}
		s := fakeServer(t, fake, bbb.WithTransport(roundTripFunc(nil)), bbb.WithHTTPClient(client))
		client.Transport, client.Timeout = nil, 0
		_, err := s.Meetings(t.Context())
		require.NoError(t, err)
		assert.Nil(t, client.Jar)
		assert.Nil(t, client.CheckRedirect)

		fake.Inject(bbbtest.Fault{Hang: true})
		start := time.Now()
		_, err = s.Meetings(t.Context())
		require.Error(t, err)
		assert.Equal(t, 2*time.Second, time.Since(start))
	})
	// A client without a transport stands for the default one.
	base, last := rawServer(t, successAnswer)
	s := wireServerAt(t, wireGroup(t), base, "secret", nil, bbb.WithHTTPClient(&http.Client{}))
	_, err := s.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "/bigbluebutton/api", last().path)
}

func TestLoggerGetsCallsAndFailures(t *testing.T) {
	t.Parallel()
	var log lockedBuilder
	fake := bbbtest.New()
	g := wireGroup(t, bbb.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	s := wireServerAt(t, g, fake.URL(), fake.Secret(), fake.Transport())
	joined(t, s)
	fake.Inject(bbbtest.Fault{HTML: true})
	_, err := s.Meetings(t.Context())
	require.Error(t, err)
	text := log.String()
	assert.Contains(t, text, "level=DEBUG")
	assert.Contains(t, text, "call=join")
	assert.Contains(t, text, "group=wire")
	assert.Contains(t, text, "level=WARN")
	assert.Contains(t, text, "502 Bad Gateway")
	assert.NotContains(t, text, fake.Secret())
	assert.NotContains(t, text, "checksum=")
	held, _ := fake.Meeting("room")
	assert.NotContains(t, text, held.ModeratorPW)
	assert.Equal(t, 3, strings.Count(text, "bigbluebutton call"))
}

func TestObserverSeesEveryAttempt(t *testing.T) {
	t.Parallel()
	type key struct{}
	var events []bbb.CallEvent
	fake := bbbtest.New(bbbtest.WithSecret(newSecret))
	g := wireGroup(t, bbb.WithObserver(bbb.Observer{
		CallStart: func(ctx context.Context, _ bbb.CallEvent) context.Context {
			return context.WithValue(ctx, key{}, "trace")
		},
		CallDone: func(ctx context.Context, e bbb.CallEvent) {
			assert.Equal(t, "trace", ctx.Value(key{}))
			events = append(events, e)
		},
	}))
	s := wireServerAt(t, g, fake.URL(), oldSecret, roundTripFunc(func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "trace", r.Context().Value(key{}))
		return fake.Transport().RoundTrip(r)
	}), bbb.WithSecondSecret(newSecret))
	_, err := s.Meetings(t.Context())
	require.NoError(t, err)
	require.Len(t, events, 2)
	for i, e := range events {
		assert.Equal(t, i+1, e.Attempt)
		assert.Equal(t, []any{"wire", "bbb1", "getMeetings", 200}, []any{e.Group, e.Server, e.Call, e.StatusCode})
		assert.Positive(t, e.Bytes)
		assert.False(t, e.Start.IsZero())
	}
	require.ErrorIs(t, events[0].Err, bbb.ErrChecksum)
	require.NoError(t, events[1].Err)

	fake.SetDown(true)
	_, err = s.Meetings(t.Context())
	require.Error(t, err)
	assert.Equal(t, err, events[2].Err)
	assert.Zero(t, events[2].StatusCode)
	assert.Zero(t, events[2].Bytes)
}
