package bbb_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// pipes is a listener without sockets, whose connections know deadlines in a bubble.
type pipes struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects a client, who writes and reads as he likes.
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	_ = client.SetDeadline(time.Now().Add(10 * time.Minute)) // a test that fails must end as well
	p.conns <- server
	return client
}

// serving starts a real server with a handler, in a bubble.
func serving(t *testing.T, h http.Handler) *pipes {
	t.Helper()
	p := newPipes()
	s := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(suite.logger(t).Handler(), slog.LevelDebug)}
	served := after(func() { _ = s.Serve(p) })
	t.Cleanup(func() {
		assert.NoError(t, s.Close())
		<-served
	})
	return p
}

// TestHandlerSlowBodies: a body that does not come is not waited for longer than half
// of the time of a request, and the client is told.
func TestHandlerSlowBodies(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct{ query, contentType, sent string }{
		"XML":                     {signedQuery("create", roomQuery, handlerSecret), "application/xml", "<modules><module"},
		"nothing of it":           {signedQuery("create", roomQuery, handlerSecret), "application/xml", ""},
		"a form":                  {signedQuery("create", "", handlerSecret), "application/x-www-form-urlencoded", "meetingID=ro"},
		"a form before the check": {"", "application/x-www-form-urlencoded", "checksum="},
		"a multipart form":        {"", "multipart/form-data; boundary=b", "--b\r\n"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 1)
				var event bbb.HandlerEvent
				h := newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second), bbb.WithHandlerForms(bbb.SignQuery, bbb.SignForm),
					bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { event = e }))
				client := serving(t, h).dial()
				start := time.Now()
				_, err := fmt.Fprintf(client, "POST %screate?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: %s\r\n\r\n%s", handlerRoot, c.query, c.contentType, c.sent)
				require.NoError(t, err)
				resp, err := http.ReadResponse(bufio.NewReader(client), nil)
				require.NoError(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				assert.Equal(t, 10*time.Second, time.Since(start))
				assert.Equal(t, http.StatusRequestTimeout, resp.StatusCode)
				assert.Contains(t, string(body), "<messageKey>validationError</messageKey>")
				assert.Equal(t, http.StatusRequestTimeout, event.StatusCode)
				assert.Empty(t, holders(fakes, "room"))
			})
		})
	}
}

// TestHandlerGarbledBodies: a body that breaks off is not taken for a whole one.
func TestHandlerGarbledBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		done := make(chan bbb.HandlerEvent, 1)
		h := newHandler(t, g, bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { done <- e }))
		client := serving(t, h).dial()
		_, err := fmt.Fprintf(client, "POST %screate?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: application/xml\r\n\r\n<modules>", handlerRoot, signedQuery("create", roomQuery, handlerSecret))
		require.NoError(t, err)
		require.NoError(t, client.Close())
		assert.Equal(t, http.StatusBadRequest, (<-done).StatusCode)
		assert.Empty(t, holders(fakes, "room"))
	})
}

// TestHandlerKeepsConnections: a deadline for one body is none for the next request.
func TestHandlerKeepsConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		h := newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second))
		client := serving(t, h).dial()
		answers := bufio.NewReader(client)
		for i := range 3 {
			_, err := fmt.Fprintf(client, "POST %screate?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nContent-Type: application/xml\r\n\r\n<modules/>", handlerRoot, signedQuery("create", roomQuery, handlerSecret))
			require.NoError(t, err)
			resp, err := http.ReadResponse(answers, nil)
			require.NoError(t, err)
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Len(t, holders(fakes, "room"), 1, i)
			wait(t, 40*time.Second)
		}
	})
}

// TestHandlerSlowReaders: who asks for much and does not take it loses the connection.
func TestHandlerSlowReaders(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 1)
		for i := range 100 {
			create(t, g, fmt.Sprintf("room-%d", i))
		}
		h := newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second))
		client := serving(t, h).dial()
		start := time.Now()
		_, err := fmt.Fprintf(client, "GET %sgetMeetings?%s HTTP/1.1\r\nHost: x\r\n\r\n", handlerRoot, signedQuery("getMeetings", "", handlerSecret))
		require.NoError(t, err)
		one := make([]byte, 1)
		_, err = client.Read(one)
		require.NoError(t, err)
		wait(t, 25*time.Second)
		_, err = io.Copy(io.Discard, client)
		require.NoError(t, err)
		assert.Equal(t, 25*time.Second, time.Since(start))
	})
}

// TestHandlerLeavesNoDeadline: the time to take an answer is none for what another handler writes to the same
// connection.
func TestHandlerLeavesNoDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 1)
		mux := http.NewServeMux()
		mux.Handle("/bigbluebutton/", newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second), bbb.WithHandlerRelay(relayPublic, relayKey)))
		mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
			wait(t, time.Minute)
			_, _ = io.WriteString(w, "slow")
		})
		client := serving(t, mux).dial()
		answers := bufio.NewReader(client)
		for _, path := range []string{handlerRoot, "/slow", handlerRoot + "callback/hook/x", "/slow"} {
			_, err := fmt.Fprintf(client, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
			require.NoError(t, err)
			resp, err := http.ReadResponse(answers, nil)
			require.NoError(t, err, path)
			_, err = io.Copy(io.Discard, resp.Body)
			require.NoError(t, err, path)
			resp.Body.Close()
		}
	})
}

// TestHandlerUnwantedBodies: net/http reads some of a body that nobody has asked for before it sends the
// answer, and waited for it without end when it did not come. No secret was needed for that.
func TestHandlerUnwantedBodies(t *testing.T) {
	t.Parallel()
	for what, start := range map[string]string{
		"no checksum":     "POST " + handlerRoot + "create?meetingID=room",
		"a wrong type":    "POST " + handlerRoot + "end?" + signedQuery("end", "meetingID=room", handlerSecret),
		"a GET":           "GET " + handlerRoot + "isMeetingRunning?" + signedQuery("isMeetingRunning", "meetingID=room", handlerSecret),
		"no such call":    "POST " + handlerRoot + "nothing",
		"no such method":  "POST " + handlerRoot + "join",
		"options":         "OPTIONS " + handlerRoot + "join",
		"the version":     "POST " + handlerRoot,
		"a callback":      "POST " + handlerRoot + "callback/hook/x",
		"another one":     "GET " + handlerRoot + "callback/ended/x",
		"nothing of ours": "PUT /",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, _ := newGroup(t, 1)
				h := newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second), bbb.WithHandlerRelay(relayPublic, relayKey))
				client := serving(t, h).dial()
				start, began := start, time.Now()
				_, err := fmt.Fprintf(client, "%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: text/plain\r\n\r\nx", start)
				require.NoError(t, err)
				_, err = io.Copy(io.Discard, client)
				require.NoError(t, err)
				assert.Equal(t, 10*time.Second, time.Since(began))
			})
		})
	}
}

// TestHandlerUnreadAnswers: who asks and asks and reads nothing loses the connection. Only long answers
// had a time, but short ones fill a connection as well.
func TestHandlerUnreadAnswers(t *testing.T) {
	t.Parallel()
	for what, start := range map[string]string{
		"no such call": "GET " + handlerRoot + "nothing",
		"no body":      "OPTIONS " + handlerRoot + "join",
		"HEAD":         "HEAD " + handlerRoot,
		"a callback":   "POST " + handlerRoot + "callback/hook/x",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, _ := newGroup(t, 1)
				h := newHandler(t, g, bbb.WithHandlerTimeout(20*time.Second), bbb.WithHandlerRelay(relayPublic, relayKey))
				client := serving(t, h).dial()
				began := time.Now()
				request := start + " HTTP/1.1\r\nHost: x\r\n\r\n"
				var err error
				for err == nil {
					_, err = io.WriteString(client, request)
				}
				assert.Equal(t, 20*time.Second, time.Since(began))
			})
		})
	}
}

// TestHandlerVanishedClient: the servers are not asked any longer for somebody who has
// gone, and nobody is blamed.
func TestHandlerVanishedClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt, lines := logged(t)
		g, fakes := newGroup(t, 1, opt)
		done := make(chan bbb.HandlerEvent, 1)
		h := newHandler(t, g, bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { done <- e }))
		fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
		client := serving(t, h).dial()
		start := time.Now()
		_, err := fmt.Fprintf(client, "GET %sgetMeetings?%s HTTP/1.1\r\nHost: x\r\n\r\n", handlerRoot, signedQuery("getMeetings", "", handlerSecret))
		require.NoError(t, err)
		wait(t, time.Second)
		require.NoError(t, client.Close())
		event := <-done
		require.ErrorIs(t, noted(t, event.Err), context.Canceled)
		assert.Equal(t, time.Second, time.Since(start))
		for _, line := range lines.with("request answered") {
			assert.Equal(t, "DEBUG", line["level"])
		}
	})
}

// TestHandlerTimeout: a call that takes too long is answered for.
func TestHandlerTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1, bbb.WithTimeout(time.Second, time.Hour))
		h := newHandler(t, g, bbb.WithHandlerTimeout(7*time.Second))
		fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
		start := time.Now()
		w := askSigned(t, h, "getMeetings", "")
		assert.Equal(t, 7*time.Second, time.Since(start))
		assert.NotEmpty(t, keyOf(t, w))
		wellFormed(t, w)
	})
}

// TestHandlerContainsPanics: one request that fails so is an answer and a line in the
// log, which has none of its secrets.
func TestHandlerContainsPanics(t *testing.T) {
	t.Parallel()
	opt, lines := logged(t)
	g, _ := newGroup(t, 1, opt)
	var event bbb.HandlerEvent
	h, err := bbb.NewHandler(g, bbb.WithHandlerTenants(func(context.Context, *bbb.TenantQuery) (*bbb.Tenant, error) { panic("no database") }),
		bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { event = e }))
	require.NoError(t, err)
	w := askSigned(t, h, "create", roomQuery)
	assert.Equal(t, http.StatusInternalServerError, w.Code)
	assert.Equal(t, "internalError", keyOf(t, w))
	wellFormed(t, w)
	assert.Equal(t, "create", event.Call)
	assert.True(t, event.Failed)
	require.Len(t, lines.with("request panicked"), 1)
	line := lines.with("request panicked")[0]
	assert.Equal(t, "no database", line["panic"])
	assert.Contains(t, line["stack"], "handler_fault_test.go")

	h, err = bbb.NewHandler(g, bbb.WithHandlerTenants(func(context.Context, *bbb.TenantQuery) (*bbb.Tenant, error) { panic(http.ErrAbortHandler) }))
	require.NoError(t, err)
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { askSigned(t, h, "create", roomQuery) })
}

// TestHandlerTellsOfFailures: an operator hears of what is ours to mend, a client does
// not hear more than that.
func TestHandlerTellsOfFailures(t *testing.T) {
	t.Parallel()
	opt, lines := logged(t)
	g, _ := newGroup(t, 1, opt)
	broken := errors.New("the database at db.internal is down")
	var event bbb.HandlerEvent
	h, err := bbb.NewHandler(g,
		bbb.WithHandlerTenants(func(context.Context, *bbb.TenantQuery) (*bbb.Tenant, error) { return nil, broken }),
		bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { event = e }))
	require.NoError(t, err)
	w := askSigned(t, h, "create", roomQuery)
	assert.Equal(t, "internalError", keyOf(t, w))
	assert.NotContains(t, w.Body.String(), "db.internal")
	require.ErrorIs(t, event.Err, broken)
	require.Len(t, lines.with("request answered"), 1)
	assert.Equal(t, "WARN", lines.with("request answered")[0]["level"])
}

// TestHandlerUnknownTenants get the answer that a wrong checksum gets, to the byte, and
// the checksum is verified whatever the lookup says.
func TestHandlerUnknownTenants(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	var answers []string
	for _, tenant := range []*bbb.Tenant{nil, {Name: "red", Secrets: []string{"Tenant-Secret/red/4h"}}, {Name: "none"}} {
		h, err := bbb.NewHandler(g, bbb.WithHandlerTenants(func(context.Context, *bbb.TenantQuery) (*bbb.Tenant, error) { return tenant, nil }))
		require.NoError(t, err)
		w := askSigned(t, h, "getMeetings", "")
		answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body))
		assert.Equal(t, "checksumError", keyOf(t, w))
	}
	assert.Equal(t, answers[0], answers[1])
	assert.Equal(t, answers[0], answers[2])
}

// TestHandlerIndex needs no checksum, and takes no notice of one.
func TestHandlerIndex(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodHead} {
		for _, target := range []string{"/bigbluebutton/api", "/bigbluebutton/api/", "/bigbluebutton/api?checksum=x&checksum=y&%zz"} {
			w := ask(t, h, method, target)
			assert.Equal(t, http.StatusOK, w.Code)
			if method != http.MethodHead {
				texts := wellFormed(t, w)
				assert.Equal(t, []string{"SUCCESS"}, texts["returncode"])
				assert.Equal(t, []string{"2.0"}, texts["version"])
			}
		}
	}
	w := askWith(t, h, http.MethodGet, "/bigbluebutton/api", map[string]string{"Content-Type": "application/json"})
	wellFormed(t, w)
	assert.Equal(t, "application/json;charset=utf-8", w.Header().Get("Content-Type"))
	assert.Contains(t, w.Body.String(), `"version":"2.0"`)
	assert.Zero(t, requests(fakes, "*"))
}

// TestHandlerOnASocket goes the way of real requests once.
func TestHandlerOnASocket(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	h := newHandler(t, g)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	client := wireServerAt(t, wireGroup(t), server.URL, handlerSecret, nil)
	m, err := client.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Räum"})
	require.NoError(t, noted(t, err))
	assert.Equal(t, "Räum", m.Name)
	_, err = m.Join(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleViewer})
	require.NoError(t, noted(t, err))
	require.NoError(t, noted(t, m.End(t.Context())))
	assert.True(t, strings.HasPrefix(server.URL, "http://127.0.0.1"))
}
