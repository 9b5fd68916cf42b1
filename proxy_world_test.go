package bbb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	proxySecret = "Proxy-Secret/5d=2&x+9"
	proxyHost   = "proxy.test"
)

// world is what one client sees: a server of its own named "bbb1", which is a fake or a
// Handler with three fakes behind it. What the client is told is noted, and must be the
// same in both.
type world struct {
	*testing.T
	client *bbb.Group
	server *bbb.Server
	fakes  []*bbbtest.Server // one or three
	net    http.RoundTripper // for browsers
	names  map[string]string // what differs each time -> what stands for it
	said   strings.Builder
}

// worlds says what both are like.
type worlds struct {
	client  []bbb.ServerOption  // of the server that the client sees
	handler []bbb.HandlerOption // of the Handler that may be behind it
}

// inBothWorlds lets a story happen with a server and with the proxy, and compares what
// was noted.
func inBothWorlds(t *testing.T, story func(*world)) {
	t.Helper()
	worlds{}.tell(t, story)
}

func (ws worlds) tell(t *testing.T, story func(*world)) {
	t.Helper()
	var said [2]string
	for i, begin := range []func(*testing.T) *world{ws.server, ws.proxy} {
		synctest.Test(t, func(t *testing.T) {
			w := begin(t)
			story(w)
			said[i] = w.said.String()
		})
	}
	require.NotEmpty(t, said[0])
	assert.Equal(t, said[0], said[1])
}

func (ws worlds) server(t *testing.T) *world {
	fakes := newFakes(t, 1)
	return ws.begin(t, fakes, bbbtest.NetworkOf(fakes...), fakes[0].URL(), fakes[0].Secret())
}

func (ws worlds) proxy(t *testing.T) *world {
	group, fakes := newGroup(t, 3)
	handler := proxyHandler(t, group, append([]bbb.HandlerOption{bbb.WithHandlerSecrets(proxySecret)}, ws.handler...)...)
	servers := bbbtest.NetworkOf(fakes...)
	net := roundTripFunc(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == proxyHost {
			return served(handler).RoundTrip(r)
		}
		return servers.RoundTrip(r)
	})
	return ws.begin(t, fakes, net, "https://"+proxyHost+"/bigbluebutton/", proxySecret)
}

// proxyHandler returns a handler that is closed at the end of the test.
func proxyHandler(t testing.TB, g *bbb.Group, opts ...bbb.HandlerOption) *bbb.Handler {
	t.Helper()
	suite.secret("secret of a proxy", proxySecret)
	handler, err := bbb.NewHandler(g, append([]bbb.HandlerOption{bbb.WithHandlerLogger(suite.logger(t))}, opts...)...)
	require.NoError(t, noted(t, err))
	t.Cleanup(func() { assert.NoError(t, handler.Close(context.Background())) })
	return handler
}

func (ws worlds) begin(t *testing.T, fakes []*bbbtest.Server, net http.RoundTripper, address, secret string) *world {
	client := newEmptyGroup(t, bbb.WithTransport(watched{net}), bbb.WithOrigin("portal", "portal.example.org"))
	server, err := client.New("bbb1", address, secret, ws.client...)
	require.NoError(t, err)
	return &world{T: t, client: client, server: server, fakes: fakes, net: net, names: map[string]string{}}
}

// note writes down what came back. Texts are masked that differ each time.
func (w *world) note(step string, value any, err error) {
	w.Helper()
	_ = noted(w.T, err)
	var text strings.Builder
	lines := json.NewEncoder(&text)
	lines.SetEscapeHTML(false)
	lines.SetIndent("", " ")
	require.NoError(w, lines.Encode(plainly(reflect.ValueOf(value))))
	fmt.Fprintf(&w.said, "%s: %s", step, w.masked(text.String()))
	if err != nil {
		fmt.Fprintf(&w.said, "  error: %T %s\n", err, w.masked(err.Error()))
	}
}

// randomText is what servers draw or make up: hosts, internal IDs, tokens, IDs of users and hooks.
var randomText = regexp.MustCompile(`https?://(?:bbb\d+|proxy)\.test|[0-9a-f]{40}-\d{13}|w_[a-z0-9]{12}\b|` +
	`[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// drawnWords are texts that look like words.
var drawnWords = regexp.MustCompile(`("(?:AuthToken|SessionToken)": "|sessionToken=|textTrack/)\w+`)

// masked replaces each random text by one that tells only when it came up first.
func (w *world) masked(text string) string {
	text = drawnWords.ReplaceAllString(text, "${1}TOKEN")
	return randomText.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "http") {
			return "https://server"
		}
		if w.names[found] == "" {
			w.names[found] = fmt.Sprintf("<%d>", len(w.names)+1)
		}
		return w.names[found]
	})
}

// plainly is all that is exported of a value, also what its JSON leaves out, but for
// when it came.
func plainly(v reflect.Value) any {
	switch v.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		return plainly(v.Elem())
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = plainly(v.Index(i))
		}
		return list
	case reflect.Struct:
		if at, ok := reflect.TypeAssert[time.Time](v); ok {
			return at
		}
		fields := map[string]any{}
		for _, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && f.Name != "FetchedAt" && !f.Anonymous {
				fields[f.Name] = plainly(v.FieldByIndex(f.Index))
			}
		}
		return fields
	}
	return v.Interface()
}

// fake returns the server that has a meeting.
func (w *world) fake(meetingID string) *bbbtest.Server {
	w.Helper()
	for _, f := range w.fakes {
		if _, ok := f.Meeting(meetingID); ok {
			return f
		}
	}
	require.Fail(w, "nobody has the meeting", meetingID)
	return nil
}

// there is a meeting as its server knows it.
func (w *world) there(meetingID string) bbbtest.Meeting {
	w.Helper()
	m, _ := w.fake(meetingID).Meeting(meetingID)
	return m
}

// browse opens a URL as a browser does, and returns what it sees in the end: a page, or
// where it is sent with an error.
func (w *world) browse(address string) string {
	w.Helper()
	for range 3 {
		r, err := http.NewRequestWithContext(w.Context(), http.MethodGet, address, http.NoBody)
		require.NoError(w, err)
		resp, err := w.net.RoundTrip(r)
		require.NoError(w, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(w, err)
		require.NoError(w, resp.Body.Close())
		if resp.StatusCode != http.StatusFound || strings.Contains(resp.Header.Get("Location"), "errors=") {
			kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
			seen := resp.Status + " " + kind + "\n " + sameText(string(body))
			if where, err := resp.Location(); err == nil {
				seen += strings.Replace(where.String(), "/?errors=", "?errors=", 1)
			}
			return seen
		}
		next, err := resp.Location()
		require.NoError(w, err)
		address = next.String()
	}
	require.Fail(w, "the redirects have no end")
	return ""
}

// sameText is XML without indentation, in which an empty element has two tags, and JSON in
// the order of its names.
func sameText(text string) string {
	var object map[string]any
	if json.Unmarshal([]byte(text), &object) == nil {
		return fmt.Sprint(object)
	}
	return emptyElement.ReplaceAllString(strings.TrimSpace(indentation.ReplaceAllString(text, "><")), "<$1></$1>")
}

var (
	indentation  = regexp.MustCompile(`>\s+<`)
	emptyElement = regexp.MustCompile(`<([^<>/ ]+)/>`)
)

// ask makes a call with parameters as they are, and returns the answer.
func (w *world) ask(call string, params url.Values) string {
	w.Helper()
	return w.browse(w.server.URL(call, params))
}

// sorted returns a list in the order of the names of its elements: several servers have no
// other.
func sorted[T any](list []T, name func(T) string) []T {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	return list
}
