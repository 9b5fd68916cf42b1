package bbb_test

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
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

const (
	relayKey    = "Relay-Key/0123456789-abcdefghijklm"
	relayPublic = "https://proxy.example/bigbluebutton/api/"
	redSecret   = "Red-Tenant-Secret/4v"
	blueSecret  = "Blue-Tenant-Secret/9w"
)

// delivered is a request that came to a client.
type delivered struct {
	method, url string
	header      http.Header
	body        string
	at          time.Time
}

func (d delivered) form(t testing.TB) url.Values {
	t.Helper()
	form, err := url.ParseQuery(d.body)
	require.NoError(t, err)
	return form
}

// clients are the programs of tenants: they take what is delivered.
type clients struct {
	mu     sync.Mutex // protects the fields below
	list   []delivered
	answer map[string]http.HandlerFunc // by host
}

func (c *clients) RoundTrip(r *http.Request) (*http.Response, error) {
	d := delivered{method: r.Method, url: r.URL.String(), header: r.Header.Clone(), at: time.Now()}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		d.body = string(body)
		_ = r.Body.Close()
	}
	c.mu.Lock()
	c.list = append(c.list, d)
	answer := c.answer[r.URL.Host]
	c.mu.Unlock()
	w := httptest.NewRecorder()
	if answer != nil {
		again := r.Clone(r.Context())
		again.Body, again.RequestURI = io.NopCloser(strings.NewReader(d.body)), r.URL.RequestURI()
		answer(w, again)
	}
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	resp := w.Result()
	resp.Request = r
	return resp, nil
}

func (c *clients) on(host string, answer http.HandlerFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answer == nil {
		c.answer = make(map[string]http.HandlerFunc)
	}
	c.answer[host] = answer
}

// take returns what came since the last time.
func (c *clients) take() []delivered {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// says answers with a status.
func says(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// hangs does not answer.
func hangs(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// relayed is a proxy with two tenants whose servers send what they send to it.
type relayed struct {
	t       *testing.T
	g       *bbb.Group
	h       *bbb.Handler
	fakes   []*bbbtest.Server
	clients *clients
	log     *records

	mu      sync.Mutex // protects the field below
	tenants map[string]*bbb.Tenant
}

func (r *relayed) find(_ context.Context, q *bbb.TenantQuery) (*bbb.Tenant, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if q.Name != "" {
		return r.tenants[q.Name], nil
	}
	for _, t := range r.tenants {
		if q.SignedBy(t) {
			return t, nil
		}
	}
	return nil, nil //nolint:nilnil // nobody is known
}

func (r *relayed) setTenant(t *bbb.Tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenants[t.Name] = t
}

// relayedGroup makes a proxy for two tenants, red with a namespace and blue without.
func relayedGroup(t *testing.T, n int, opts ...bbbtest.Option) *relayed {
	t.Helper()
	r := &relayed{t: t, clients: new(clients), tenants: make(map[string]*bbb.Tenant)}
	r.setTenant(&bbb.Tenant{Name: "red", Secrets: []string{redSecret}, Namespace: "red"})
	r.setTenant(&bbb.Tenant{Name: "blue", Secrets: []string{blueSecret}})
	r.fakes = newFakes(t, n, append([]bbbtest.Option{bbbtest.WithRecordingDelay(time.Minute), bbbtest.WithCallbackTransport(handled(func(w http.ResponseWriter, req *http.Request) {
		r.h.ServeHTTP(w, req)
	}))}, opts...)...)
	logger, log := logged(t)
	r.g, r.log = newGroupOf(t, r.fakes, logger), log
	r.h = r.replica(bbb.WithHandlerRelay(relayPublic, relayKey))
	return r
}

// replica makes a handler on the same group, that is closed with the test.
func (r *relayed) replica(opts ...bbb.HandlerOption) *bbb.Handler {
	r.t.Helper()
	for _, secret := range []string{redSecret, blueSecret, relayKey} {
		suite.secret("secret of a proxy", secret)
	}
	h, err := bbb.NewHandler(r.g, append([]bbb.HandlerOption{bbb.WithHandlerTenants(r.find), bbb.WithHandlerRelayTransport(r.clients)}, opts...)...)
	require.NoError(r.t, err)
	r.t.Cleanup(func() { assert.NoError(r.t, h.Close(context.WithoutCancel(r.t.Context()))) })
	return h
}

// call makes a call and returns the answer, which must be XML.
func (r *relayed) call(secret, call string, params ...string) string {
	r.t.Helper()
	return callAt(r.t, r.h, secret, call, params...)
}

func callAt(t testing.TB, h http.Handler, secret, call string, params ...string) string {
	t.Helper()
	query := make(url.Values)
	for i := 0; i < len(params); i += 2 {
		query.Set(params[i], params[i+1])
	}
	text := query.Encode()
	sum := sha256.Sum256([]byte(call + text + secret))
	w := ask(t, h, http.MethodGet, handlerRoot+call+"?"+text+"&checksum="+hex.EncodeToString(sum[:]))
	require.NoError(t, xml.Unmarshal(w.Body.Bytes(), new(struct{})), w.Body)
	return w.Body.String()
}

func (r *relayed) waitCallbacks() {
	r.t.Helper()
	for _, f := range r.fakes {
		require.NoError(r.t, f.WaitCallbacks(r.t.Context()))
	}
}

// A client that knows its own secret alone gets all that servers send about its
// meetings, under its own IDs, and finds its own URLs in the metadata.
func TestRelayFromEndToEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 2)
		var ready []bbb.RecordingReady
		readyHandler, err := bbb.NewRecordingReadyHandler(func(_ context.Context, one bbb.RecordingReady) error { ready = append(ready, one); return nil },
			bbb.WithCallbackSecrets(redSecret))
		require.NoError(t, err)
		var reports []bbb.AnalyticsReport
		analyticsHandler, err := bbb.NewAnalyticsHandler(func(_ context.Context, one bbb.AnalyticsReport) error { reports = append(reports, one); return nil },
			bbb.WithCallbackSecrets(redSecret))
		require.NoError(t, err)
		r.clients.on("ready.example", readyHandler.ServeHTTP)
		r.clients.on("report.example", analyticsHandler.ServeHTTP)

		created := r.call(redSecret, "create", "meetingID", "physics", "name", "Physics", "record", "true",
			"meetingEndedURL", "https://ended.example/hook?course=7&t=%20x", "meta_endCallbackUrl", "https://end.example/",
			"meta_bbb-recording-ready-url", "https://ready.example/r?x=1", "meta_analytics-callback-url", "https://report.example/a", "meta_course", "7")
		require.Contains(t, created, "SUCCESS")
		f := holder(t, r.fakes, "red-physics")
		m, _ := f.Meeting("red-physics")
		for _, text := range []string{m.Params.Get("meetingEndedURL"), m.Metadata["endcallbackurl"], m.Metadata["bbb-recording-ready-url"], m.Metadata["analytics-callback-url"]} {
			assert.True(t, strings.HasPrefix(text, relayPublic+"callback/"), text)
			assert.NotContains(t, text, "example/hook")
		}
		assert.Equal(t, "red", m.Metadata["tenant"])
		for _, answer := range []string{r.call(redSecret, "getMeetingInfo", "meetingID", "physics"), r.call(redSecret, "getMeetings")} {
			assert.Contains(t, answer, "<endcallbackurl>https://end.example/</endcallbackurl>")
			assert.Contains(t, answer, "https://ready.example/r?x=1")
			assert.NotContains(t, answer, "callback/")
			assert.NotContains(t, answer, "<tenant>")
		}
		attend(t, f, "red-physics")
		require.NoError(t, f.MarkRecording("red-physics"))
		wait(t, time.Minute)
		require.Contains(t, r.call(redSecret, "end", "meetingID", "physics", "password", m.ModeratorPW), "SUCCESS")
		r.waitCallbacks()
		synctest.Wait()

		var ended, end []delivered
		for _, d := range r.clients.take() {
			switch {
			case strings.HasPrefix(d.url, "https://ended.example/"):
				ended = append(ended, d)
			case strings.HasPrefix(d.url, "https://end.example/"):
				end = append(end, d)
			}
		}
		require.Len(t, ended, 1)
		assert.Equal(t, "GET https://ended.example/hook?course=7&t=%20x&recordingmarks=true", ended[0].method+" "+ended[0].url)
		require.Len(t, end, 1)
		assert.Equal(t, "https://end.example/?recordingmarks=true&meetingID=physics", end[0].url)
		require.Len(t, ready, 2, "one for each format")
		assert.Equal(t, bbb.RecordingReady{MeetingID: "physics", RecordID: m.InternalID}, ready[0])
		require.Len(t, reports, 1)
		assert.Equal(t, "physics", reports[0].MeetingID)
		assert.Equal(t, m.InternalID, reports[0].InternalID)
		for _, ofGroup := range []string{"bbb_origin", "bbb_origin_server_name"} {
			delete(reports[0].Metadata, ofGroup)
		}
		assert.Equal(t, map[string]string{
			"endcallbackurl": "https://end.example/", "bbb_recording_ready_url": "https://ready.example/r?x=1",
			"analytics_callback_url": "https://report.example/a", "course": "7",
		}, reports[0].Metadata)
		assert.Len(t, reports[0].Attendees, 1)
	})
}

// hookFor makes a hook of a tenant, and a handler at the client's that takes what comes to it.
func (r *relayed) hookFor(secret, callbackURL string, params ...string) *inbox {
	r.t.Helper()
	in := new(inbox)
	h, err := bbb.NewHookHandler(callbackURL, in.handle, bbb.WithCallbackSecrets(secret))
	require.NoError(r.t, err)
	u, err := url.Parse(callbackURL)
	require.NoError(r.t, err)
	r.clients.on(u.Host, h.ServeHTTP)
	answer := r.call(secret, "hooks/create", append([]string{"callbackURL", callbackURL}, params...)...)
	require.Contains(r.t, answer, "<permanentHook>false</permanentHook>")
	return in
}

// heard returns the events that came, each as "name meeting".
func heard(in *inbox) []string {
	var list []string
	for _, e := range in.take() {
		list = append(list, string(e.Name)+" "+e.Meeting.ExternalID)
	}
	slices.Sort(list)
	return list
}

// Each tenant gets the events of its own meetings, for all lines of bbb-webhooks.
func TestRelayedHooks(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]bbbtest.Option{
		"2.x":    {bbbtest.WithVersion("2.7")},
		"3.0":    {bbbtest.WithHookStyle(bbbtest.HooksV30)},
		"3.4":    nil,
		"bearer": {bbbtest.WithHookBearer()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := relayedGroup(t, 2, opts...)
				red := r.hookFor(redSecret, "https://red.example/events?a=b")
				blue := r.hookFor(blueSecret, "https://blue.example/events")
				one := r.hookFor(redSecret, "https://one.example/", "meetingID", "chemistry", "eventID", "Meeting-Created, meeting-ended")
				for _, secret := range []string{redSecret, blueSecret} {
					for _, id := range []string{"physics", "chemistry"} {
						require.Contains(t, r.call(secret, "create", "meetingID", id, "name", "Course", "meta_endCallbackUrl", "https://end.example/<&>"), "SUCCESS")
					}
				}
				for _, f := range r.fakes {
					for _, m := range f.Meetings() {
						attend(t, f, m.MeetingID)
					}
				}
				r.waitCallbacks()
				for _, d := range r.clients.take() {
					if d.method != http.MethodPost {
						continue
					}
					_, sum, _ := strings.Cut(d.url, "checksum=")
					base := d.url[:len(d.url)-len("?checksum=")-len(sum)]
					secret := redSecret
					if strings.Contains(base, "blue") {
						secret = blueSecret
					}
					want := sha1.Sum([]byte(base + d.body + secret))
					assert.Equal(t, hex.EncodeToString(want[:]), sum)
					assert.Equal(t, "proxy.example", d.form(t).Get("domain"))
					event := d.form(t).Get("event")
					assert.NotContains(t, event, "red-")
					assert.NotContains(t, event, `"tenant"`)
					assert.NotContains(t, event, "callback/")
					if strings.Contains(event, "meeting-created") {
						assert.Contains(t, event, `"endcallbackurl":"https://end.example/<&>"`)
					}
				}
				assert.Equal(t, []string{"meeting-created chemistry", "meeting-created physics", "user-joined chemistry", "user-joined physics"}, heard(red))
				assert.Equal(t, []string{"meeting-created chemistry", "meeting-created physics", "user-joined chemistry", "user-joined physics"}, heard(blue))
				assert.Equal(t, []string{"meeting-created chemistry"}, heard(one))
			})
		})
	}
}
