package bbb_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// routing makes a handler that tells which call it took a request for, and the path before it.
func routing(t *testing.T) (h *bbb.Handler, call, path *string) {
	t.Helper()
	g, _ := newGroup(t, 1)
	call, path = new(string), new(string)
	h, err := bbb.NewHandler(g,
		bbb.WithHandlerTenants(func(_ context.Context, q *bbb.TenantQuery) (*bbb.Tenant, error) {
			*path = q.Path
			return nil, nil //nolint:nilnil // nobody is known
		}),
		bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { *call = e.Call }))
	require.NoError(t, err)
	return h, call, path
}

func TestHandlerPaths(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]struct{ call, path string }{
		"/bigbluebutton/api/create":             {"create", "/bigbluebutton/"},
		"/bigbluebutton/api/hooks/create":       {"hooks/create", "/bigbluebutton/"},
		"/api/end":                              {"end", "/"},
		"/acme/bigbluebutton/api/end":           {"end", "/acme/bigbluebutton/"},
		"/sch%C3%BCler/api/end":                 {"end", "/schüler/"},
		"/%61cme/api/end":                       {"end", "/acme/"},
		"/api/v2/bigbluebutton/api/getMeetings": {"getMeetings", "/api/v2/bigbluebutton/"},
		"/apis/end":                             {"", ""},
		"/xapi/end":                             {"", ""},
		"/end":                                  {"end", ""},
		"/hooks/list":                           {"hooks/list", ""},
		"/bigbluebutton/api":                    {"index", ""},
		"/bigbluebutton/api/":                   {"index", ""},
		"/":                                     {"index", ""},
		"/bigbluebutton/api/index":              {"", ""}, // that is our name for it
		"/bigbluebutton/api/End":                {"", ""},
		"/bigbluebutton/API/end":                {"", ""},
		"/bigbluebutton/api/end/":               {"", ""},
		"/bigbluebutton/api//end":               {"", ""},
		"/bigbluebutton//api/end":               {"", ""},
		"//end":                                 {"", ""},
		"/bigbluebutton/api/./end":              {"", ""},
		"/bigbluebutton/api/create/../end":      {"", ""},
		"/acme/../other/api/end":                {"", ""},
		"/./api/end":                            {"", ""},
		"/acme/%2e%2e/other/api/end":            {"", ""},
		"/acme%2Fother/api/end":                 {"", ""},
		"/acme%5cother/api/end":                 {"", ""},
		"/acme%00/api/end":                      {"", ""},
		"/bigbluebutton/api%2Fend":              {"", ""},
		"/bigbluebutton/api/%65nd":              {"", ""},
		"/bigbluebutton/%61pi/end":              {"", ""},
		"/bigbluebutton/api/hooks%2Fcreate":     {"", ""},
		"/bigbluebutton/api/end;jsessionid=x":   {"", ""},
		"/bigbluebutton/api/stuns":              {"", ""}, // needs a session
		"/bigbluebutton/api/getJoinUrl":         {"", ""},
		"/bigbluebutton/api/setConfigXML":       {"", ""}, // obsolete
		"/bigbluebutton/api/callback/ended/x":   {"", ""}, // there is no relay
	} {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			h, call, path := routing(t)
			for _, query := range []string{"", "?checksum=" + strings.Repeat("0", 40)} {
				w := ask(t, h, http.MethodGet, target+query)
				assert.Equal(t, want.call, *call)
				if want.call == "" {
					assert.Equal(t, http.StatusNotFound, w.Code)
					assert.Equal(t, "unsupportedRequest", keyOf(t, w))
				} else {
					assert.Equal(t, http.StatusOK, w.Code)
				}
			}
			assert.Equal(t, want.path, *path)
		})
	}
}

func TestHandlerBehindStripPrefix(t *testing.T) {
	t.Parallel()
	for prefix, target := range map[string]string{
		"/bigbluebutton/api/": "/bigbluebutton/api/end", // leaves "end"
		"/bigbluebutton/api":  "/bigbluebutton/api/end", // leaves "/end"
		"/bigbluebutton/":     "/bigbluebutton/api/end", // leaves "api/end"
		"/bigbluebutton":      "/bigbluebutton/api/end", // leaves "/api/end"
		"/x y":                "/x%20y/api/end",
	} {
		t.Run(prefix, func(t *testing.T) {
			t.Parallel()
			h, call, _ := routing(t)
			ask(t, http.StripPrefix(prefix, h), http.MethodGet, target)
			assert.Equal(t, "end", *call)
		})
	}
}

// TestHandlerMethods goes through the methods that servers route. What HEAD and
// OPTIONS do not do is carry a call out.
func TestHandlerMethods(t *testing.T) {
	t.Parallel()
	const get, post, both = "GET, OPTIONS", "POST, OPTIONS", "GET, POST, OPTIONS"
	const gets, boths = "GET, HEAD, OPTIONS", "GET, POST, HEAD, OPTIONS"
	for call, allow := range map[string]string{
		"": boths, "create": both, "join": get, "end": both, "isMeetingRunning": boths, "getMeetingInfo": boths,
		"getMeetings": boths, "getSessions": boths, "insertDocument": post, "sendChatMessage": get,
		"getRecordings": boths, "publishRecordings": get, "deleteRecordings": get, "updateRecordings": both,
		"getRecordingTextTracks": boths, "putRecordingTextTrack": post,
		"hooks/create": get, "hooks/list": gets, "hooks/destroy": get,
	} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1)
			h := newHandler(t, g)
			target := handlerRoot + call + "?" + signedQuery(call, "meetingID=room&recordID=x&hookID=x", handlerSecret)

			w := ask(t, h, http.MethodOptions, target)
			assert.Equal(t, http.StatusNoContent, w.Code)
			assert.Equal(t, allow, w.Header().Get("Allow"))
			assert.Empty(t, w.Body.String())
			assert.Empty(t, w.Header().Get("Content-Type"))

			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodTrace, "get"} {
				quiet(fakes)
				w := ask(t, h, method, target)
				if strings.Contains(allow, method) {
					assert.NotEqual(t, http.StatusMethodNotAllowed, w.Code, method)
					continue
				}
				assert.Equal(t, http.StatusMethodNotAllowed, w.Code, method)
				assert.Equal(t, allow, w.Header().Get("Allow"), method)
				assert.Zero(t, requests(fakes, "*"), method)
				if method != http.MethodHead {
					assert.Equal(t, "unsupportedRequest", keyOf(t, w), method)
				}
			}
		})
	}
}

func TestHandlerHead(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	h := newHandler(t, g)
	target := handlerRoot + "isMeetingRunning?" + signedQuery("isMeetingRunning", "meetingID=room", handlerSecret)
	full, head := ask(t, h, http.MethodGet, target), ask(t, h, http.MethodHead, target)
	assert.NotEmpty(t, full.Body.String())
	assert.Empty(t, head.Body.String())
	assert.Equal(t, full.Code, head.Code)
	assert.Equal(t, full.Header(), head.Header())
}

// TestHandlerHosts: what tenants are looked up by has one spelling.
func TestHandlerHosts(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	var host string
	h, err := bbb.NewHandler(g, bbb.WithHandlerTenants(func(_ context.Context, q *bbb.TenantQuery) (*bbb.Tenant, error) {
		host = q.Host
		return nil, nil //nolint:nilnil // nobody is known
	}))
	require.NoError(t, err)
	for given, want := range map[string]string{
		"bbb.example.org": "bbb.example.org", "BBB.Example.org:8443": "bbb.example.org", "bbb.example.org.": "bbb.example.org",
		"[2001:DB8::1]:443": "2001:db8::1", "[2001:db8::1]": "2001:db8::1", "192.0.2.1:80": "192.0.2.1", "": "",
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, handlerRoot+"end?checksum="+strings.Repeat("0", 40), nil)
		r.Host = given
		h.ServeHTTP(httptest.NewRecorder(), r)
		assert.Equal(t, want, host, given)
	}
}
