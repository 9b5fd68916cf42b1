package bbb_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sent is a request as it arrived at a raw web server.
type sent struct {
	method, path, rawQuery, body string
	header                       http.Header
}

// rawServer is a web server that keeps the requests as they came, to the byte,
// and answers each with the same XML.
func rawServer(t *testing.T, answer string) (baseURL string, last func() sent) {
	t.Helper()
	var mu sync.Mutex
	var got sent
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		// Not r.URL: the request line is what was sent.
		path, query, _ := strings.Cut(r.RequestURI, "?")
		mu.Lock()
		got = sent{r.Method, path, query, string(body), r.Header.Clone()}
		mu.Unlock()
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, func() sent {
		mu.Lock()
		defer mu.Unlock()
		return got
	}
}

// independentChecksum is the rule of the API written down once more, on purpose
// without a line of the package's own.
func independentChecksum(t *testing.T, digits int, text string) string {
	t.Helper()
	switch digits {
	case 40:
		return fmt.Sprintf("%x", sha1.Sum([]byte(text)))
	case 64:
		return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))
	case 96:
		return fmt.Sprintf("%x", sha512.Sum384([]byte(text)))
	case 128:
		return fmt.Sprintf("%x", sha512.Sum512([]byte(text)))
	}
	require.Failf(t, "no checksum", "%d digits", digits)
	return ""
}

// assertSigned checks the last pair of a query against the rest of it.
func assertSigned(t *testing.T, digits int, call, signedQuery, secret string) {
	t.Helper()
	i := strings.LastIndex("&"+signedQuery, "&checksum=")
	require.GreaterOrEqual(t, i, 0, "no checksum in %q", signedQuery)
	query, checksum := "", strings.TrimPrefix(signedQuery, "checksum=")
	if i > 0 {
		query, checksum = signedQuery[:i-1], signedQuery[i+len("checksum="):]
	}
	assert.Equal(t, independentChecksum(t, digits, call+query+secret), checksum, "checksum of %q", query)
}

const successAnswer = "<response><returncode>SUCCESS</returncode></response>"

// awkwardCreate has a value for everything that encoders disagree on.
func awkwardCreate() bbb.CreateParams {
	return bbb.CreateParams{
		MeetingID: "room 1/ä+~*", Name: "Übung & mehr = \"gut\"? 100% (é)", AttendeePW: "a;b", ModeratorPW: "m'p",
		Welcome: "line one<br>\u2028 日本語 🎉", Meta: map[string]string{"bbb-origin": "a=b&c"},
	}
}

// What is sent is what was signed, to the byte: a server hashes the query as it
// came, and anything that encoded it anew on the way would break it.
func TestSentBytesAreSigned(t *testing.T) {
	t.Parallel()
	for _, a := range []bbb.Algorithm{bbb.SHA1, bbb.SHA256, bbb.SHA384, bbb.SHA512} {
		digits := map[bbb.Algorithm]int{bbb.SHA1: 40, bbb.SHA256: 64, bbb.SHA384: 96, bbb.SHA512: 128}[a]
		t.Run(a.String(), func(t *testing.T) {
			t.Parallel()
			base, last := rawServer(t, successAnswer)
			s := wireServerAt(t, wireGroup(t), base, wireSecret, nil, bbb.WithAlgorithm(a))

			_, err := s.CreateMeeting(t.Context(), awkwardCreate())
			require.NoError(t, err)
			got := last()
			assert.Equal(t, http.MethodGet, got.method)
			assert.Equal(t, "/bigbluebutton/api/create", got.path)
			assert.Empty(t, got.body)
			assertSigned(t, digits, "create", got.rawQuery, wireSecret)
			params, err := url.ParseQuery(got.rawQuery)
			require.NoError(t, err)
			want := awkwardCreate()
			assert.Equal(t, want.MeetingID, params.Get("meetingID"))
			assert.Equal(t, want.Name, params.Get("name"))
			assert.Equal(t, want.Welcome, params.Get("welcome"))
			assert.Equal(t, "a;b", params.Get("attendeePW"))
			assert.Equal(t, "a=b&c", params.Get("meta_bbb-origin"))
			assert.Len(t, params["checksum"], 1)
			assert.NotRegexp(t, `[^A-Za-z0-9_.%+&=-]`, got.rawQuery, "nothing that a proxy could encode anew")

			_, err = s.Meetings(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "checksum="+independentChecksum(t, digits, "getMeetings"+wireSecret), last().rawQuery)

			_, err = s.IsMeetingRunning(t.Context(), "a b,c"[:3])
			require.NoError(t, err)
			assertSigned(t, digits, "isMeetingRunning", last().rawQuery, wireSecret)
			assert.True(t, strings.HasPrefix(last().rawQuery, "meetingID=a+b&checksum="))

			_, err = s.Call(t.Context(), "hooks/create", url.Values{"callbackURL": {"https://a.example/?x=1&y=2"}, "checksum": {"mine"}})
			require.NoError(t, err)
			assert.Equal(t, "/bigbluebutton/api/hooks/create", last().path)
			assertSigned(t, digits, "hooks/create", last().rawQuery, wireSecret)
			assert.NotContains(t, last().rawQuery, "mine")
		})
	}
}

// The index needs no secret, so it must not spend one: the checksum of a call
// without parameters is good for ever.
func TestIndexIsNotSigned(t *testing.T) {
	t.Parallel()
	base, last := rawServer(t, successAnswer)
	s := wireServerAt(t, wireGroup(t), base, wireSecret, nil)
	_, err := s.Version(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "/bigbluebutton/api", last().path)
	assert.Empty(t, last().rawQuery)
}

func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	base, last := rawServer(t, successAnswer)
	g := wireGroup(t)
	s := wireServerAt(t, g, base, wireSecret, nil)
	_, err := s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "application/xml", last().header.Get("Accept"), "some actions answer JSON to anything else")
	assert.Equal(t, "bbb-go", last().header.Get("User-Agent"))
	assert.Empty(t, last().header.Get("Content-Type"), "a JSON type makes the index answer JSON, any may upset a GET")
	assert.Empty(t, last().header.Get("Referer"))

	other := wireServerAt(t, g, base+"/other", wireSecret, nil, bbb.WithUserAgent("portal/1.2"))
	_, err = other.Meetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "portal/1.2", last().header.Get("User-Agent"))
}

// A create whose URL would be too long for the web servers on the way goes out
// by POST, and in no other case.
func TestLongCreateIsPosted(t *testing.T) {
	t.Parallel()
	for _, a := range []bbb.Algorithm{bbb.SHA1, bbb.SHA512} {
		base, last := rawServer(t, successAnswer)
		s := wireServerAt(t, wireGroup(t), base, wireSecret, nil, bbb.WithMaxURLLength(400), bbb.WithAlgorithm(a))
		longestGet, shortestPost := 0, 1<<20
		for n := range 300 {
			_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room", Welcome: strings.Repeat("w", n+1)})
			require.NoError(t, err)
			got := last()
			switch got.method {
			case http.MethodGet:
				longestGet = max(longestGet, len(base+got.path+"?"+got.rawQuery))
			case http.MethodPost:
				shortestPost = min(shortestPost, n)
				assert.Equal(t, "application/x-www-form-urlencoded", got.header.Get("Content-Type"), "to the letter: some releases compare the whole header")
			}
		}
		assert.Equal(t, 400, longestGet, "%v: the length is that of the whole URL", a)
		assert.Less(t, shortestPost, 300, "some were posted")
	}
}

// By default the checksum is in the URL and covers the query there, which is
// empty; the body is the query that would have been sent.
func TestPostSignedByQuery(t *testing.T) {
	t.Parallel()
	base, last := rawServer(t, successAnswer)
	s := wireServerAt(t, wireGroup(t), base, wireSecret, nil, bbb.WithMaxURLLength(256))
	_, err := s.CreateMeeting(t.Context(), awkwardCreate())
	require.NoError(t, err)
	got := last()
	require.Equal(t, http.MethodPost, got.method)
	assert.Equal(t, "checksum="+independentChecksum(t, 64, "create"+wireSecret), got.rawQuery)
	form, err := url.ParseQuery(got.body)
	require.NoError(t, err)
	assert.Equal(t, awkwardCreate().Name, form.Get("name"))
	assert.False(t, form.Has("checksum"), "given twice, servers refuse it")
}

// The other way signs the body as bbb-web builds it up again: sorted by name,
// in the encoding of Java.
func TestPostSignedByForm(t *testing.T) {
	t.Parallel()
	base, last := rawServer(t, successAnswer)
	s := wireServerAt(t, wireGroup(t), base, wireSecret, nil, bbb.WithMaxURLLength(256), bbb.WithFormSigning(bbb.SignForm))
	_, err := s.CreateMeeting(t.Context(), awkwardCreate())
	require.NoError(t, err)
	got := last()
	require.Equal(t, http.MethodPost, got.method)
	assert.Empty(t, got.rawQuery)
	assertSigned(t, 64, "create", got.body, wireSecret)

	text, _, ok := bbb.CutChecksum(got.body)
	require.True(t, ok)
	var names []string
	for pair := range strings.SplitSeq(text, "&") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	assert.IsIncreasing(t, names)
	assert.Contains(t, text, "meetingID=room+1%2F%C3%A4%2B%7E*&", `Java keeps "*" and not "~"`)
}

// Both ways are taken by every release: the fake verifies like the release that
// it emulates, with code of its own.
func TestPostIsAcceptedByEveryRelease(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.4", "2.5", "2.6.17", "2.6.18", "2.7.8", "2.7", "3.0", "4.0"} {
		for name, signing := range map[string]bbb.FormSigning{"query": bbb.SignQuery, "form": bbb.SignForm} {
			t.Run(version+" "+name, func(t *testing.T) {
				t.Parallel()
				fake := bbbtest.New(bbbtest.WithVersion(version))
				s := wireServerAt(t, wireGroup(t), fake.URL(), fake.Secret(), fake.Transport(),
					bbb.WithMaxURLLength(256), bbb.WithFormSigning(signing))
				p := awkwardCreate()
				p.MeetingID, p.Welcome = "room", strings.Repeat("Grüße *~ ", 1000)
				m, err := s.CreateMeeting(t.Context(), p)
				require.NoError(t, err)
				assert.False(t, m.Existed())

				requests := fake.Requests()
				require.Len(t, requests, 1)
				assert.Equal(t, http.MethodPost, requests[0].Method)
				held, ok := fake.Meeting("room")
				require.True(t, ok)
				assert.Equal(t, strings.TrimSpace(p.Welcome), strings.TrimSpace(held.Params.Get("welcome")))
				assert.Equal(t, p.Name, held.Name)
			})
		}
	}
}

// A URL made for somebody else is good without a request of ours.
func TestURLsAreSignedWithoutIO(t *testing.T) {
	t.Parallel()
	s := wireServer(t, roundTripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was made")
		return nil, io.EOF
	}))
	join, err := s.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "room", FullName: "Zoë O'Neill", Role: bbb.RoleViewer, CreateTime: time.UnixMilli(1531155809613)})
	require.NoError(t, err)
	rest, ok := strings.CutPrefix(join, "https://bbb1.test/bigbluebutton/api/join?")
	require.True(t, ok, join)
	assertSigned(t, 64, "join", rest, wireSecret)
	assert.Contains(t, rest, "createTime=1531155809613")

	rest, ok = strings.CutPrefix(s.URL("getRecordings", url.Values{"meetingID": {"a,b"}, "checksum": {"mine"}}), "https://bbb1.test/bigbluebutton/api/getRecordings?")
	require.True(t, ok)
	assertSigned(t, 64, "getRecordings", rest, wireSecret)
	assert.True(t, strings.HasPrefix(rest, "meetingID=a%2Cb&checksum="))

	assert.Equal(t, "https://bbb1.test/bigbluebutton/api/getMeetings?checksum="+independentChecksum(t, 64, "getMeetings"+wireSecret),
		s.URL("getMeetings", nil))
}
