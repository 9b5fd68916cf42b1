package bbb_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// createWith makes a meeting of red with one parameter, and returns the URL that its server got in its place.
func (r *relayed) createWith(id, param, value string) (given string) {
	r.t.Helper()
	require.Contains(r.t, r.call(redSecret, "create", "meetingID", id, "name", "Course", param, value), "SUCCESS")
	m, _ := holder(r.t, r.fakes, "red-"+id).Meeting("red-" + id)
	if param == "meetingEndedURL" {
		return m.Params.Get(param)
	}
	return m.Metadata[strings.ToLower(strings.TrimPrefix(param, "meta_"))]
}

// pathOf returns the path of a URL of the proxy.
func pathOf(t testing.TB, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if !assert.NoError(t, err) {
		return ""
	}
	return u.RequestURI()
}

func postReady(t testing.TB, h http.Handler, target, secret, meetingID, recordID string) int {
	t.Helper()
	token := webToken("HS256", secret, map[string]any{"meeting_id": meetingID, "record_id": recordID})
	w := askWith(t, h, http.MethodPost, pathOf(t, target), map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
		url.Values{"signed_parameters": {token}}.Encode())
	return w.Code
}

// since returns when deliveries came, in whole seconds after start.
func since(start time.Time, list []delivered) []int {
	var at []int
	for _, d := range list {
		at = append(at, int(d.at.Sub(start).Round(time.Second)/time.Second))
	}
	return at
}

// What a client does not take is tried again at the times of the servers, with the secret that the
// tenant has by then.
func TestRelayTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		ready := r.createWith("physics", "meta_bbb-recording-ready-url", "https://ready.example/")
		r.clients.on("ready.example", says(http.StatusBadGateway))
		start := time.Now()
		require.Equal(t, http.StatusOK, postReady(t, r.h, ready, r.fakes[0].Secret(), "red-physics", "int-1"))
		wait(t, 2*time.Minute)
		list := r.clients.take()
		require.Len(t, list, 3)
		assert.InDeltaSlice(t, []int{0, 30, 90}, since(start, list), 10)

		const newSecret = "Red-Tenant-Secret/next"
		suite.secret("secret of a proxy", newSecret)
		r.setTenant(&bbb.Tenant{Name: "red", Secrets: []string{newSecret, redSecret}, Namespace: "red"})
		var got []bbb.RecordingReady
		h, err := bbb.NewRecordingReadyHandler(func(_ context.Context, one bbb.RecordingReady) error { got = append(got, one); return nil },
			bbb.WithCallbackSecrets(newSecret))
		require.NoError(t, err)
		r.clients.on("ready.example", h.ServeHTTP)
		wait(t, 10*time.Minute)
		synctest.Wait()
		assert.Equal(t, []bbb.RecordingReady{{MeetingID: "physics", RecordID: "int-1"}}, got)
		assert.Len(t, r.clients.take(), 1)
	})
}

// A target that never takes anything is given up, and that is logged without its URL.
func TestRelayGivesUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		tries  int
	}{
		"fails": {says(http.StatusInternalServerError), 13},
		"hangs": {hangs, 13},
		"redirects": {func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, "https://elsewhere.example/", http.StatusTemporaryRedirect)
		}, 13},
		"as GET":  {func(w http.ResponseWriter, req *http.Request) { http.Redirect(w, req, "/other", http.StatusFound) }, 13},
		"refuses": {says(http.StatusUnauthorized), 1}, // which bbb-webhooks takes for success
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := relayedGroup(t, 1)
				r.hookFor(redSecret, "https://red.example/secret-path?token=hidden-token")
				r.clients.on("red.example", c.answer)
				r.clients.on("elsewhere.example", says(http.StatusOK))
				r.call(redSecret, "create", "meetingID", "physics", "name", "Course")
				r.waitCallbacks()
				wait(t, 15*time.Minute)
				list := r.clients.take()
				assert.Len(t, list, c.tries)
				for _, d := range list {
					assert.True(t, strings.HasPrefix(d.url, "https://red.example/secret-path?token=hidden-token&checksum="), d.url)
					assert.Equal(t, list[0].body, d.body, "the same in all tries")
				}
				require.Len(t, r.fakes[0].Hooks(), 1, "its server has nothing to do with it")
				dropped := r.log.with("callback dropped")
				if c.tries == 1 {
					assert.Empty(t, dropped)
					return
				}
				require.Len(t, dropped, 1)
				assert.Equal(t, "red", dropped[0]["tenant"])
				assert.Equal(t, "red.example", dropped[0]["host"])
				assert.NotContains(t, fmt.Sprint(r.log.list), "hidden-token")
			})
		})
	}
}

// A redirect on the same host is followed.
func TestRelayFollowsAtHome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		r.createWith("physics", "meetingEndedURL", "http://ended.example/a")
		r.clients.on("ended.example", func(w http.ResponseWriter, req *http.Request) {
			if req.URL.Scheme == "http" {
				http.Redirect(w, req, "https://ended.example"+req.URL.RequestURI(), http.StatusMovedPermanently)
			}
		})
		r.fakes[0].EndMeeting("red-physics")
		r.waitCallbacks()
		list := r.clients.take()
		require.Len(t, list, 2)
		assert.Equal(t, "https://ended.example/a?recordingmarks=false", list[1].url)
	})
}

// A target that hangs holds up neither its server for long nor other targets and tenants, and has no more than its part.
func TestRelayIsFair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		dead := r.createWith("dead", "meta_bbb-recording-ready-url", "https://dead.example/")
		alive := r.createWith("alive", "meta_bbb-recording-ready-url", "https://alive.example/")
		r.clients.on("dead.example", hangs)
		secret := r.fakes[0].Secret()
		status := make(chan int, 1100)
		for i := range cap(status) {
			go func() { status <- postReady(t, r.h, dead, secret, "red-dead", fmt.Sprintf("int-%d", i)) }()
		}
		synctest.Wait()
		assert.Len(t, r.clients.take(), 4, "at one time")
		start := time.Now()
		assert.Equal(t, 503, postReady(t, r.h, alive, secret, "red-alive", "int-1"), "the tenant has its part")
		in := r.hookFor(blueSecret, "https://blue.example/")
		r.call(blueSecret, "create", "meetingID", "physics", "name", "Course")
		r.waitCallbacks()
		assert.Equal(t, []string{"meeting-created physics"}, heard(in), "others do not notice")
		assert.Less(t, time.Since(start), time.Second)
		codes := make(map[int]int)
		for range cap(status) {
			codes[<-status]++
		}
		assert.Equal(t, 1024, codes[200])
		assert.Equal(t, 76, codes[503]+codes[500], codes)
		assert.Less(t, time.Since(start), 5*time.Second, "as long as servers wait")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, r.h.Close(ctx), context.DeadlineExceeded)
		assert.NotEmpty(t, r.log.with("callback dropped"))
	})
}

// Close waits for what was taken, and servers get 503 meanwhile.
func TestRelayCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		ready := r.createWith("physics", "meta_bbb-recording-ready-url", "https://ready.example/")
		r.clients.on("ready.example", says(http.StatusBadGateway))
		secret := r.fakes[0].Secret()
		require.Equal(t, 200, postReady(t, r.h, ready, secret, "red-physics", "int-1"))
		r.clients.take()
		r.clients.on("ready.example", nil)
		done := after(func() { assert.NoError(t, r.h.Close(t.Context())) })
		synctest.Wait()
		assert.Equal(t, 503, postReady(t, r.h, ready, secret, "red-physics", "int-2"))
		<-done
		assert.Len(t, r.clients.take(), 1)
		assert.Empty(t, r.log.with("callback dropped"))
		assert.NoError(t, r.h.Close(t.Context()), "again")
	})
}

// Who does not want a recording says so to its server.
func TestRelayOfUnwantedRecordings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		ready := r.createWith("physics", "meta_bn-recording-ready-url", "https://ready.example/")
		secret := r.fakes[0].Secret()
		for status, want := range map[int]int{http.StatusGone: 410, http.StatusNotFound: 200, http.StatusOK: 200} {
			r.clients.on("ready.example", says(status))
			assert.Equal(t, want, postReady(t, r.h, ready, secret, "red-physics", "int-1"), status)
			wait(t, time.Hour)
			assert.Len(t, r.clients.take(), 1, status)
		}
		// A room has the metadata of its parent, and an ID of its server's making.
		r.clients.on("ready.example", says(http.StatusOK)) // whichever came last in the map
		require.Equal(t, 200, postReady(t, r.h, ready, secret, "room-1", "int-2"))
		assert.Contains(t, r.clients.take()[0].body, "signed_parameters=")
	})
}

// The news of an end is believed when the meeting is not there, and when a server cannot tell that is not the one
// that was asked before.
func TestRelayedEndsAreChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 2, bbbtest.WithEndProbe())
		end := pathOf(t, r.createWith("physics", "meta_endCallbackUrl", "https://end.example/#x"))
		get := func(query string) int { return ask(t, r.h, http.MethodGet, end+query).Code }
		assert.Equal(t, 409, get("?recordingmarks=true&meetingID=red-physics"), "it is there")
		assert.Equal(t, 200, ask(t, r.h, http.MethodHead, end).Code)
		assert.Equal(t, 405, ask(t, r.h, http.MethodPost, end).Code)
		assert.Empty(t, r.clients.take())
		f := holder(t, r.fakes, "red-physics")
		f.EndMeeting("red-physics")
		r.waitCallbacks()
		list := r.clients.take()
		require.Len(t, list, 1, "of two requests")
		assert.Equal(t, "https://end.example/?recordingmarks=false&meetingID=physics", list[0].url)
		wait(t, time.Minute)
		other(t, r.fakes, f).SetDown(true)
		assert.Equal(t, 200, get("?recordingmarks=true&meetingID=forged"))
		require.Equal(t, "https://end.example/?recordingmarks=true&meetingID=physics", r.clients.take()[0].url)
		wait(t, time.Minute)
		f.SetDown(true)
		assert.Equal(t, 503, get(""), "nobody can tell")
	})
}

// A user who has seen the URL in the metadata could have the client told again and again, with any query.
func TestRelayedEndsAreFew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		end := pathOf(t, r.createWith("physics", "meta_endCallbackUrl", "https://end.example/"))
		r.fakes[0].EndMeeting("red-physics")
		r.waitCallbacks()
		r.clients.take()
		wait(t, time.Minute)
		for i := range 20 {
			assert.Equal(t, 200, ask(t, r.h, http.MethodGet, fmt.Sprintf("%s?x=%d&recordingmarks=%d", end, i, i)).Code)
		}
		assert.Len(t, r.clients.take(), 1)
	})
}

// Whoever has no URL of the relay can do nothing with it, and who has one only what it is for.
func TestRelayRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		ready := r.createWith("physics", "meta_bbb-recording-ready-url", "https://ready.example/")
		token := ready[strings.LastIndexByte(ready, '/')+1:]
		secret := r.fakes[0].Secret()
		base := strings.TrimSuffix(ready, token)
		for name, target := range map[string]string{
			"cut":        ready[:len(ready)-1],
			"longer":     ready + "A",
			"changed":    base + "A" + token[1:],
			"empty":      base,
			"other kind": strings.Replace(ready, "/ready/", "/analytics/", 1),
			"no kind":    strings.Replace(ready, "/ready/", "/readied/", 1),
			"slash":      ready + "/",
			"open":       base + "aHR0cHM6Ly9lbHNld2hlcmUuZXhhbXBsZS8",
		} {
			assert.Equal(t, 404, postReady(t, r.h, target, secret, "red-physics", "int-1"), name)
		}
		assert.Equal(t, 401, postReady(t, r.h, ready, redSecret, "red-physics", "int-1"), "the tenant is no server")
		r.setTenant(&bbb.Tenant{Name: "red"})
		assert.Equal(t, 404, postReady(t, r.h, ready, secret, "red-physics", "int-1"), "the tenant has gone")
		assert.Empty(t, r.clients.take())

		// A value that nobody can call comes back as it is, and a URL that is too long is refused.
		r.setTenant(&bbb.Tenant{Name: "red", Secrets: []string{redSecret}, Namespace: "red"})
		odd := r.createWith("odd", "meta_bbb-recording-ready-url", "file:///etc/passwd")
		assert.Contains(t, r.call(redSecret, "getMeetingInfo", "meetingID", "odd"), "file:///etc/passwd")
		assert.Equal(t, 200, postReady(t, r.h, odd, secret, "red-odd", "int-1"))
		assert.Empty(t, r.clients.take())
		assert.Contains(t, r.call(redSecret, "create", "meetingID", "long", "name", "Course", "meetingEndedURL", "https://x.example/"+strings.Repeat("x", 1500)), "validationError")
		assert.Empty(t, holders(r.fakes, "red-long"))
	})
}

// Replicas give the same meeting the same URLs, read those of each other, and those of a former key.
func TestRelayOfReplicas(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		const newKey = "Relay-Key/the-next-one-abcdefghijklm"
		suite.secret("key of a relay", newKey)
		second := r.replica(bbb.WithHandlerRelay(relayPublic, relayKey))
		next := r.replica(bbb.WithHandlerRelay(strings.TrimSuffix(relayPublic, "/"), newKey, relayKey))
		later := r.replica(bbb.WithHandlerRelay(relayPublic, newKey))
		ready := r.createWith("physics", "meta_bbb-recording-ready-url", "https://ready.example/")
		secret := r.fakes[0].Secret()
		answer := callAt(t, second, redSecret, "create", "meetingID", "physics", "name", "Course", "meta_bbb-recording-ready-url", "https://ready.example/")
		assert.Contains(t, answer, "duplicateWarning")
		for _, h := range []http.Handler{second, next} {
			assert.Contains(t, callAt(t, h, redSecret, "getMeetingInfo", "meetingID", "physics"), "https://ready.example/")
			assert.Equal(t, 200, postReady(t, h, ready, secret, "red-physics", "int-1"))
			assert.Len(t, r.clients.take(), 1)
		}
		assert.Equal(t, 404, postReady(t, later, ready, secret, "red-physics", "int-1"))
		assert.NotContains(t, callAt(t, later, redSecret, "getMeetingInfo", "meetingID", "physics"), "callback/")
	})
}

// Over sockets: addresses of the machine itself are not connected to, whatever their names, unless
// that is wanted.
func TestRelayTargets(t *testing.T) {
	t.Parallel()
	came := make(chan string, 10)
	client := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) { came <- req.URL.String() }))
	t.Cleanup(client.Close)
	for name, opts := range map[string][]bbb.HandlerOption{
		"by default": nil,
		"allowed":    {bbb.WithHandlerRelayTargets(func(a netip.Addr) bool { return a.IsLoopback() })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logger, log := logged(t)
			g, fakes := newGroup(t, 1, logger)
			h := newHandler(t, g, append(opts, bbb.WithHandlerRelay(relayPublic, relayKey))...)
			t.Cleanup(func() { assert.NoError(t, h.Close(context.Background())) })
			u, err := url.Parse(client.URL)
			require.NoError(t, err)
			target := "http://localhost:" + u.Port() + "/" + url.PathEscape(name)
			query := url.Values{"meetingID": {"physics"}, "name": {"Course"}, "meta_bbb-recording-ready-url": {target}}.Encode()
			require.Empty(t, keyOf(t, askSigned(t, h, "create", query)))
			m, _ := fakes[0].Meeting("physics")
			require.Equal(t, 200, postReady(t, h, m.Metadata["bbb-recording-ready-url"], fakes[0].Secret(), "physics", "int-1"))
			if opts == nil {
				require.NoError(t, h.Close(t.Context()), "it is given up at once")
				require.Len(t, log.with("callback dropped"), 1)
				assert.Contains(t, log.with("callback dropped")[0]["reason"], "not delivered to that address")
				return
			}
			assert.Equal(t, "/allowed", <-came)
		})
	}
}

func TestRelayOptions(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	for name, o := range map[string]bbb.HandlerOption{
		"not be": bbb.WithHandlerRelay("/bigbluebutton/api/", relayKey), "absolute": bbb.WithHandlerRelay("https://x.example/?a=b", relayKey),
		"32 bytes": bbb.WithHandlerRelay(relayPublic, relayKey, "short"), "nil function": bbb.WithHandlerRelayTargets(nil),
		"nil transport": bbb.WithHandlerRelayTransport(nil), "unknown algorithm": bbb.WithHandlerRelayAlgorithm(99),
	} {
		_, err := bbb.NewHandler(g, bbb.WithHandlerSecrets(handlerSecret), o)
		require.Error(t, noted(t, err), name)
		if name != "not be" {
			assert.ErrorContains(t, err, name)
		}
	}
}
