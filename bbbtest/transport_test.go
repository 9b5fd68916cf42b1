package bbbtest_test

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

func TestTransportRefusesWhatNoClientCanSend(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	for _, u := range []*url.URL{
		nil,
		{Scheme: "http", Path: "/"},
		{Scheme: "ftp", Host: "x", Path: "/"},
		{Scheme: "http", Host: "x", Path: "/", RawQuery: "a b"},
		{Scheme: "http", Host: "x", Path: "/", RawQuery: "a\nb"},
	} {
		body := &closing{Reader: strings.NewReader("")}
		for _, rt := range []http.RoundTripper{c.Transport(), bbbtest.NetworkOf(c.Server)} {
			_, err := rt.RoundTrip(&http.Request{Method: "POST", URL: u, Body: body})
			require.Error(t, err, "%v", u)
			assert.True(t, body.closed, "the body is closed on errors too")
			body.closed = false
		}
	}
	assert.Empty(t, c.Requests())
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("changed my mind")
	cancel(cause)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL(), http.NoBody)
	require.NoError(t, err)
	_, err = c.Transport().RoundTrip(r)
	require.ErrorIs(t, err, cause)
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestTransportCancelsWhileTheBodyIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		ctx, cancel := context.WithCancel(t.Context())
		body, _ := io.Pipe() // nothing ever comes
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL()+"api/create", body)
		require.NoError(t, err)
		failed := make(chan error)
		go func() { _, err := c.http.Do(r); failed <- err }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		synctest.Wait()
		assert.Equal(t, 1, c.Count("create"))
	})
}

func TestTransportCancelsWhileTheAnswerIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		c.Inject(bbbtest.Fault{Flood: 1 << 50})
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+"api/", http.NoBody)
		require.NoError(t, err)
		resp, err := c.http.Do(r)
		require.NoError(t, err)
		cancel()
		_, err = io.Copy(io.Discard, resp.Body)
		require.ErrorIs(t, err, context.Canceled)
		require.NoError(t, resp.Body.Close())
	})
}

// A client that forgets the body must not keep Close waiting.
func TestCloseWithAnUnreadBody(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	resp, err := c.send(http.MethodGet, "", "", "")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	_, err = io.ReadAll(resp.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NoError(t, resp.Body.Close())
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	a, b, listening := inProcess(t), inProcess(t, bbbtest.WithHost("bbb.example.org:8443")), overSocket(t)
	n := bbbtest.NetworkOf(a.Server, listening.Server)
	n.Add(b.Server)
	for _, c := range []*client{a, b, listening} {
		c.http.Transport = n
		c.call("create", "meetingID="+c.Name()+"&name=abc")
		require.Len(t, c.Meetings(), 1)
		assert.Equal(t, c.Name(), c.Meetings()[0].MeetingID)
	}
	assert.NotEqual(t, a.Name(), b.Name())
	n.Remove(b.Server)
	_, err := b.send(http.MethodPost, "", "", "x")
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.Equal(t, "dial", op.Op)
	var dns *net.DNSError
	require.ErrorAs(t, err, &dns)
	assert.Equal(t, "bbb.example.org", dns.Name)
	assert.True(t, dns.IsNotFound)
}

func TestListen(t *testing.T) {
	t.Parallel()
	s := bbbtest.New(bbbtest.WithName("Portal"))
	assert.Equal(t, "Portal", s.Name())
	assert.Equal(t, "http://portal.test/bigbluebutton/", s.URL())
	require.Error(t, s.Listen("no address"))
	require.NoError(t, s.Listen("0.0.0.0:0"))
	assert.Contains(t, s.URL(), "http://127.0.0.1:")
	require.Error(t, s.Listen("127.0.0.1:0"), "once is enough")
	require.NoError(t, s.Close())
	require.ErrorIs(t, s.Listen("127.0.0.1:0"), http.ErrServerClosed)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/bigbluebutton/api", nil))
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}

func TestWrongOptionsPanic(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"", "3", "three", "3.0.1.2", "3.x"} {
		assert.Panics(t, func() { bbbtest.WithVersion(version) }, version)
	}
	assert.Panics(t, func() { bbbtest.WithAlgorithms("md5") })
	assert.Panics(t, func() { bbbtest.WithHost("http://") })
}

// A real server is busy. Everything at once, under the race detector.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start(bbbtest.WithRequestFunc(func(r bbbtest.Request) { _ = r.String() }))
		c.Inject(bbbtest.Fault{Call: "index", Status: 500, Every: 2})
		const people = 16
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() {
				own := fmt.Sprintf("meetingID=m%d", i%4)
				for range 5 {
					c.call("create", own+"&name=abc&attendeePW=ap&moderatorPW=mp")
					c.call("join", own+"&fullName=x&role=VIEWER&redirect=false&userdata-k=v")
					c.call("getMeetings", "")
					c.call("getMeetingInfo", own)
					c.raw(http.MethodGet, "", "", "")
					_ = c.Attend(fmt.Sprintf("m%d", i%4), bbbtest.Attendee{UserID: "u"})
					c.Leave(fmt.Sprintf("m%d", i%4), "u")
					c.Inject(bbbtest.Fault{Call: "nothing"})()
					c.SetSecret(secret)
					_, _, _ = c.Meetings(), c.Requests(), c.URL()
				}
			})
		}
		wg.Wait()
		require.Len(t, c.Meetings(), 4)
		var inside int
		for _, m := range c.Meetings() {
			inside += len(m.Attendees)
		}
		assert.Equal(t, people*5, inside, "each join let one in")
		assert.Equal(t, people*5, c.Count("create"))
	})
}

// FuzzQuery throws raw queries at the server. It must never panic, and every answer in XML has to
// be well-formed, whatever the quirks.
func FuzzQuery(f *testing.F) {
	for _, call := range []string{"create", "join", "end", "getMeetingInfo", "getMeetings", "isMeetingRunning", "getSessions", "", "x"} {
		f.Add(call, "meetingID=abc&name=abc&meta_a=b", "name=x", uint16(0))
		f.Add(call, "meetingID=abc&fullName=%00%ff]]>&role=VIEWER&userdata-1=x&redirect=false", "<modules>", uint16(0xffff))
		f.Add(call, "&&=;%zz&checksum=1&checksum=2", "--B\r\n", uint16(1))
	}
	f.Fuzz(func(t *testing.T, call, query, body string, bits uint16) {
		on := func(n int) bool { return bits>>n&1 == 1 }
		s := bbbtest.New(bbbtest.WithSecret(secret), bbbtest.WithQuirks(bbbtest.Quirks{
			CommaNumbers: on(0), NestedBreakout: on(1), LowercaseReturncode: on(2), PaddedText: on(3), CDATA: on(4),
			NoEmptyLists: on(5), XMLDeclaration: on(6), MessageFirst: on(7), ExtraElements: on(8), EmptyNumbers: on(9),
		}))
		defer func() { require.NoError(t, s.Close()) }()
		send := func(method, call, query, contentType string) {
			r := &http.Request{
				Method: method, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
				URL: &url.URL{Path: "/bigbluebutton/api/" + call, RawQuery: query},
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Header().Get("Content-Type") == "text/xml" {
				require.NoError(t, xml.Unmarshal(w.Body.Bytes(), &node{}), "%s", w.Body)
			}
		}
		signed := query + "&checksum=" + sum("sha256", call+query+secret)
		send(http.MethodGet, call, query, "")
		send(http.MethodGet, "create", sign("create", "meetingID=abc&name=abc", secret), "")
		for _, contentType := range []string{"", "application/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B"} {
			send(http.MethodPost, call, signed, contentType)
		}
		send(http.MethodGet, call, signed, "")
		send(http.MethodGet, "getMeetings", sign("getMeetings", "", secret), "")
		for _, r := range s.Requests() {
			_ = r.String()
		}
	})
}
