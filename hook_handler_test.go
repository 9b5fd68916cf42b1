package bbb_test

import (
	"cmp"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	hookURL    = "https://portal.example/hooks?for=school"
	hookSecret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"
	formType   = "application/x-www-form-urlencoded"
	jsonType   = "application/json"
)

// goldenSent is the time stamp of the golden posts.
var goldenSent = time.UnixMilli(1700000100500)

// goldenEvent has everything in it that encoders disagree about: a slash, "<" and
// "&", a line separator, an emoji, quotes, a backslash.
const goldenEvent = `[{"data":{"type":"event","id":"chat-group-message-sent","attributes":{"meeting":{"internal-meeting-id":"int-1","external-meeting-id":"physics/1"},"chat-message":{"message":"a/b <b>&` + "\u2028" + ` 🎓 \"q\" \\ Zoë"},"chat-id":"MAIN-PUBLIC-GROUP-CHAT"},"event":{"ts":1700000100123}}}]`

// goldenBody is what bbb-webhooks 3.4 sends of it, to the byte.
const goldenBody = "domain=bbb1.example&event=%5B%7B%22data%22%3A%7B%22type%22%3A%22event%22%2C%22id%22%3A%22chat-group-message-sent%22%2C%22attributes%22%3A%7B%22meeting%22%3A%7B%22internal-meeting-id%22%3A%22int-1%22%2C%22external-meeting-id%22%3A%22physics%2F1%22%7D%2C%22chat-message%22%3A%7B%22message%22%3A%22a%2Fb+%3Cb%3E%26%E2%80%A8+%F0%9F%8E%93+%5C%22q%5C%22+%5C%5C+Zo%C3%AB%22%7D%2C%22chat-id%22%3A%22MAIN-PUBLIC-GROUP-CHAT%22%7D%2C%22event%22%3A%7B%22ts%22%3A1700000100123%7D%7D%7D%5D&timestamp=1700000100500"

// goldenJSON is what JSON.stringify of JavaScript makes of the fields, which 2.x
// signs.
const goldenJSON = `{"event":"[{\"data\":{\"type\":\"event\",\"id\":\"chat-group-message-sent\",\"attributes\":{\"meeting\":{\"internal-meeting-id\":\"int-1\",\"external-meeting-id\":\"physics/1\"},\"chat-message\":{\"message\":\"a/b <b>&` + "\u2028" + ` 🎓 \\\"q\\\" \\\\ Zoë\"},\"chat-id\":\"MAIN-PUBLIC-GROUP-CHAT\"},\"event\":{\"ts\":1700000100123}}}]","timestamp":1700000100500,"domain":"bbb1.example"}`

// The checksums of these posts, made with another program.
const (
	goldenV2         = "fe414f4b3bdb7d6dbe6951f827f7fea05db7e50a" // of hookURL, goldenJSON, hookSecret
	goldenV34SHA1    = "b2804bab5659aa1cb9c307ecfd1af4c536f33889" // of hookURL, goldenBody, hookSecret
	goldenV34SHA256  = "168399f5358971050e9071a073c64e01f600c23e6a5776a6c1cee58f5daac0d3"
	goldenV34SHA384  = "a04e16b5ad8791cdae7fe59c2c4afc826b91c88673726b4ad8666c87e38377f7cfc419055455dbd861bde8423da16ea1"
	goldenV34SHA512  = "2e9c7ad3ee9ec7ff564a40bdf2cac77fb437344fda0f6f85d1aa29c6e23683283b6663910097e775b057c4efd3bf40e5ffc031b53ae4288b3eadc504deb5a5a1"
	goldenV30NoProof = "1ef4dd9c814d005d18ab55089ca5b8d740f4be3d" // of hookURL, "{}", hookSecret
)

// hexOf hashes texts one after the other, without the code under test.
func hexOf(h hash.Hash, texts ...string) string {
	for _, text := range texts {
		_, _ = io.WriteString(h, text)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestGoldenChecksumsAreThoseOfTheirInputs(t *testing.T) {
	t.Parallel()
	assert.Equal(t, goldenV2, hexOf(sha1.New(), hookURL, goldenJSON, hookSecret))
	assert.Equal(t, goldenV34SHA1, hexOf(sha1.New(), hookURL, goldenBody, hookSecret))
	assert.Equal(t, goldenV34SHA256, hexOf(sha256.New(), hookURL, goldenBody, hookSecret))
	assert.Equal(t, goldenV34SHA384, hexOf(sha512.New384(), hookURL, goldenBody, hookSecret))
	assert.Equal(t, goldenV34SHA512, hexOf(sha512.New(), hookURL, goldenBody, hookSecret))
	assert.Equal(t, goldenV30NoProof, hexOf(sha1.New(), hookURL, "{}", hookSecret))
	var fields struct{ Event, Domain string }
	require.NoError(t, json.Unmarshal([]byte(goldenJSON), &fields))
	assert.Equal(t, strings.Split(goldenEvent, ","), strings.Split(fields.Event, ","))
	form, err := url.ParseQuery(goldenBody)
	require.NoError(t, err)
	assert.Equal(t, strings.Split(goldenEvent, ","), strings.Split(form.Get("event"), ","))
}

// v2Body is the form that bbb-webhooks 2.x sends: other order, other encoding.
func v2Body(event, domain string, sent time.Time) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return "event=" + escape(event) + "&timestamp=" + strconv.FormatInt(sent.UnixMilli(), 10) + "&domain=" + escape(domain)
}

// v34Body is the form that bbb-webhooks 3.x sends.
func v34Body(event string, sent time.Time) string {
	return "domain=bbb1.example&event=" + url.QueryEscape(event) + "&timestamp=" + strconv.FormatInt(sent.UnixMilli(), 10)
}

// post is a request to a handler.
type post struct {
	method, checksum, query, contentType, body, bearer string
}

// v34 is a post of that release.
func v34(body, secret string) post {
	return post{checksum: hexOf(sha256.New(), hookURL, body, secret), body: body}
}

func (p post) request(t testing.TB) *http.Request {
	t.Helper()
	method, contentType := cmp.Or(p.method, http.MethodPost), cmp.Or(p.contentType, formType)
	query := p.query
	if p.checksum != "" {
		suite.secret("checksum of a post", p.checksum)
		query += "&checksum=" + p.checksum
	}
	// What a proxy made of the URL does not matter.
	r := httptest.NewRequestWithContext(t.Context(), method, "http://10.0.0.1:8080/internal?for=school"+query, strings.NewReader(p.body))
	r.Header.Set("Content-Type", contentType)
	if p.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+p.bearer)
	}
	return r
}

func (p post) to(t testing.TB, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, p.request(t))
	return w
}

// inbox takes events, and answers as it is told.
type inbox struct {
	mu     sync.Mutex // protects the fields below
	events []bbb.Event
	err    error
}

func (i *inbox) handle(_ context.Context, e bbb.Event) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.err == nil {
		i.events = append(i.events, e)
	}
	return i.err
}

func (i *inbox) take() []bbb.Event {
	i.mu.Lock()
	defer i.mu.Unlock()
	events := i.events
	i.events = nil
	return events
}

func (i *inbox) fail(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.err = err
}

// newHookHandler returns a handler for hookURL and hookSecret, what it hands over
// and what it logs.
func newHookHandler(t testing.TB, opts ...bbb.CallbackOption) (*bbb.HookHandler, *inbox, *records) {
	t.Helper()
	suite.secret("secret of a webhook", hookSecret)
	in, log := new(inbox), new(records)
	h, err := bbb.NewHookHandler(hookURL, in.handle, append([]bbb.CallbackOption{
		bbb.WithCallbackSecrets(hookSecret),
		bbb.WithCallbackLogger(suite.logger(t, slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
	}, opts...)...)
	require.NoError(t, err)
	return h, in, log
}

// inTime runs a test in a bubble whose clock stands shortly behind goldenSent.
func inTime(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wait(t, time.Until(goldenSent.Add(time.Second)))
		f(t)
	})
}

func TestHookHandlerKnowsTheChecksumsOfEveryRelease(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]post{
		"2.x":                     {checksum: goldenV2, body: v2Body(goldenEvent, "bbb1.example", goldenSent)},
		"2.x, other order":        {checksum: goldenV2, body: goldenBody},
		"2.x as JSON":             {checksum: goldenV2, body: goldenJSON, contentType: "application/json; charset=utf-8"},
		"3.4 sha1":                {checksum: goldenV34SHA1, body: goldenBody},
		"3.4 sha256":              {checksum: goldenV34SHA256, body: goldenBody},
		"3.4 sha384":              {checksum: goldenV34SHA384, body: goldenBody},
		"3.4 sha512":              {checksum: goldenV34SHA512, body: goldenBody},
		"upper case":              {checksum: strings.ToUpper(goldenV34SHA256), body: goldenBody},
		"with a parameter":        {checksum: goldenV34SHA256, body: goldenBody, query: "&added=by%20a%20proxy"},
		"bearer":                  {bearer: hookSecret, body: goldenBody},
		"3.4 JSON":                {checksum: hexOf(sha256.New(), hookURL, goldenJSON, hookSecret), body: goldenJSON, contentType: jsonType},
		"form without the header": {checksum: goldenV34SHA256, body: goldenBody, contentType: "text/plain"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t *testing.T) {
				h, in, _ := newHookHandler(t)
				w := p.to(t, h)
				assert.Equal(t, 200, w.Code)
				assert.Less(t, w.Body.Len(), 20, "a short body")
				events := in.take()
				require.Len(t, events, 1)
				e := events[0]
				assert.Equal(t, bbb.EventChatMessageSent, e.Name)
				assert.Equal(t, "a/b <b>&\u2028 🎓 \"q\" \\ Zoë", e.Data.(*bbb.ChatMessageSent).Message)
				assert.Equal(t, "physics/1", e.Meeting.ExternalID)
				assert.Equal(t, "bbb1.example", e.Domain)
				assert.Equal(t, hookURL, e.CallbackURL)
				assert.True(t, e.Sent.Equal(goldenSent))
				assert.Nil(t, e.Server())
			})
		})
	}
}

// JSON.stringify escapes control characters, some of them by a letter.
func TestHookHandlerWritesJSONAsJavaScriptDoes(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		h, in, _ := newHookHandler(t)
		event := "{\"data\":{\"id\":\"meeting-ended\"}}\n\t\r"
		text := `{"event":"{\"data\":{\"id\":\"meeting-ended\"}}\n\t\r","timestamp":1700000100500,"domain":"\b\f\u0001\u001f` + "\x7f\u2029" + `/"}`
		p := post{checksum: hexOf(sha1.New(), hookURL, text, hookSecret), body: v2Body(event, "\b\f\x01\x1f\x7f\u2029/", goldenSent)}
		assert.Equal(t, 200, p.to(t, h).Code)
		assert.Len(t, in.take(), 1)
	})
}

func TestHookHandlerRefuses(t *testing.T) {
	t.Parallel()
	good := post{checksum: goldenV34SHA256, body: goldenBody}
	with := func(change func(*post)) post {
		p := good
		change(&p)
		return p
	}
	forged := strings.Replace(goldenBody, "physics", "biology", 1)
	for name, c := range map[string]struct {
		post   post
		status int
	}{
		"GET":                           {with(func(p *post) { p.method = http.MethodGet }), 405},
		"HEAD":                          {with(func(p *post) { p.method = http.MethodHead }), 405},
		"PUT":                           {with(func(p *post) { p.method = http.MethodPut }), 405},
		"no checksum":                   {with(func(p *post) { p.checksum = "" }), 403},
		"two checksums":                 {with(func(p *post) { p.query = "&checksum=" + p.checksum }), 403},
		"two checksums, and the bearer": {with(func(p *post) { p.query = "&checksum=" + p.checksum; p.bearer = hookSecret }), 403},
		"short":                         {with(func(p *post) { p.checksum = p.checksum[:62] }), 403},
		"no hex":                        {with(func(p *post) { p.checksum = strings.Repeat("x", 64) }), 403},
		"another digit":                 {with(func(p *post) { p.checksum = p.checksum[:63] + "4" }), 403},
		"another algorithm":             {with(func(p *post) { p.checksum = goldenV34SHA256[:40] }), 403},
		"another body":                  {with(func(p *post) { p.body = forged }), 403},
		"another body, 2.x":             {post{checksum: goldenV2, body: forged}, 403},
		"cut off":                       {with(func(p *post) { p.body = p.body[:len(p.body)-1] }), 403},
		"nothing":                       {with(func(p *post) { p.body = "" }), 403},
		"another secret":                {v34(goldenBody, "another-secret-of-somebody"), 403},
		"no secret":                     {v34(goldenBody, ""), 403},
		"another URL":                   {post{checksum: hexOf(sha256.New(), hookURL+"x", goldenBody, hookSecret), body: goldenBody}, 403},
		"URL of the request":            {post{checksum: hexOf(sha256.New(), "http://10.0.0.1:8080/internal?for=school", goldenBody, hookSecret), body: goldenBody}, 403},
		"2.x with SHA-256":              {post{checksum: hexOf(sha256.New(), hookURL, goldenJSON, hookSecret), body: goldenBody}, 403},
		"unprotected":                   {post{checksum: goldenV30NoProof, body: goldenBody}, 403},
		"wrong bearer":                  {post{bearer: "another-secret-of-somebody", body: goldenBody}, 403},
		"empty bearer":                  {post{bearer: " ", body: goldenBody}, 403},
		"time stamp with a zero":        {post{checksum: hexOf(sha1.New(), hookURL, strings.Replace(goldenJSON, "1700000100500", "01700000100500", 1), hookSecret), body: strings.Replace(goldenBody, "1700000100500", "01700000100500", 1)}, 403},
		"two events":                    {post{checksum: goldenV2, body: goldenBody + "&event=x"}, 403},
		"no UTF-8": {post{
			checksum: hexOf(sha1.New(), hookURL, `{"event":"`+"\xff"+`","timestamp":1700000100500,"domain":""}`, hookSecret), body: v2Body("\xff", "", goldenSent),
		}, 403},
		"too large":        {with(func(p *post) { p.body += strings.Repeat("&", 5<<20) }), 413},
		"too large, yours": {v34(strings.Repeat("x", 4<<20+1), hookSecret), 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inTime(t, func(t *testing.T) {
				h, in, log := newHookHandler(t)
				w := c.post.to(t, h)
				assert.Equal(t, c.status, w.Code)
				assert.Empty(t, in.take())
				if c.status == 405 {
					assert.Equal(t, "POST", w.Header().Get("Allow"))
				}
				lines := log.with("callback refused")
				require.Len(t, lines, 1, "and it is logged, without anything that it brought along")
				assert.EqualValues(t, c.status, lines[0]["status"])
				assert.Equal(t, "192.0.2.1:1234", lines[0]["remote"])
				assert.Equal(t, "webhook", lines[0]["callback"])
				text := fmt.Sprint(lines)
				for _, secret := range []string{hookSecret, c.post.checksum, "physics", "biology", "10.0.0.1", "school", "somebody"} {
					if secret != "" {
						assert.NotContains(t, text, secret)
					}
				}
			})
		})
	}
}

// Two Authorization headers, one of which is right: nobody could say which counts.
func TestHookHandlerRefusesTwoBearers(t *testing.T) {
	t.Parallel()
	h, in, _ := newHookHandler(t)
	r := post{bearer: hookSecret, body: v34Body(goldenEvent, time.Now())}.request(t)
	r.Header.Add("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, 403, w.Code)
	assert.Empty(t, in.take())
}

func TestHookHandlerWithoutALength(t *testing.T) {
	t.Parallel()
	h, _, log := newHookHandler(t, bbb.WithCallbackBodyLimit(100))
	for reader, status := range map[io.Reader]int{
		strings.NewReader(strings.Repeat("x", 101)):                                     413,
		io.MultiReader(strings.NewReader("event="), failing{errors.New("hush-hush-x")}): 400,
	} {
		r := post{checksum: goldenV34SHA256}.request(t)
		r.Body, r.ContentLength = io.NopCloser(reader), -1
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, status, w.Code)
	}
	assert.Len(t, log.with("callback refused"), 2)
	assert.NotContains(t, fmt.Sprint(log.list), "hush-hush")
}

// Releases 3.0.0 to 3.3.1 send the same checksum whatever they say.
func TestUnprotectedBodies(t *testing.T) {
	t.Parallel()
	h, in, _ := newHookHandler(t, bbb.WithUnprotectedBodies())
	now := time.Now()
	for _, body := range []string{v34Body(goldenEvent, now), v34Body(strings.ReplaceAll(goldenEvent, "int-1", "int-2"), now.Add(-time.Hour))} {
		assert.Equal(t, 200, post{checksum: goldenV30NoProof, body: body}.to(t, h).Code)
		require.Len(t, in.take(), 1)
	}
	assert.Equal(t, 200, post{checksum: goldenV30NoProof, body: v34Body(goldenEvent, now)}.to(t, h).Code)
	assert.Empty(t, in.take(), "the memory of events helps a little")
	assert.Equal(t, 403, post{checksum: hexOf(sha1.New(), hookURL, "{}", "another-secret"), body: goldenBody}.to(t, h).Code)
	assert.Equal(t, 200, v34(v34Body(strings.ReplaceAll(goldenEvent, "int-1", "int-3"), now), hookSecret).to(t, h).Code, "proper ones as well")
}

func TestReplayedHooks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts   []bbb.CallbackOption
		age    time.Duration
		status int
	}{
		"at once":           {nil, 0, 200},
		"the last try":      {nil, 6 * time.Minute, 200},
		"just so":           {nil, 10 * time.Minute, 200},
		"too old":           {nil, 10*time.Minute + time.Millisecond, 401},
		"clock ahead":       {nil, -10 * time.Minute, 200},
		"clock far ahead":   {nil, -10*time.Minute - time.Millisecond, 401},
		"a short window":    {[]bbb.CallbackOption{bbb.WithReplayWindow(time.Minute)}, 61 * time.Second, 401},
		"of permanent hook": {[]bbb.CallbackOption{bbb.WithReplayWindow(24 * time.Hour)}, 23 * time.Hour, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wait(t, time.Until(goldenSent.Add(c.age)))
				for proof, p := range map[string]post{
					"3.4": {checksum: goldenV34SHA256, body: goldenBody}, "2.x": {checksum: goldenV2, body: goldenBody}, "bearer": {bearer: hookSecret, body: goldenBody},
				} {
					h, in, log := newHookHandler(t, c.opts...)
					assert.Equal(t, c.status, p.to(t, h).Code, proof)
					assert.Len(t, in.take(), map[int]int{200: 1}[c.status], proof)
					assert.Len(t, log.with("callback refused"), map[int]int{401: 1}[c.status], proof)
				}
			})
		})
	}
}

func TestHooksWithoutTimeAreRefused(t *testing.T) {
	t.Parallel()
	h, in, _ := newHookHandler(t)
	for _, stamp := range []string{"", "x", "-5", "1e12", "99999999999999999999999", "9223372036854775807"} {
		body := "event=" + url.QueryEscape(goldenEvent) + "&timestamp=" + stamp + "&domain=x"
		assert.Equal(t, 401, v34(body, hookSecret).to(t, h).Code, stamp)
	}
	assert.Empty(t, in.take())
}

// A repetition is answered as the first post was, and not handed over again.
func TestRepeatedHooks(t *testing.T) {
	t.Parallel()
	inTime(t, func(t *testing.T) {
		h, in, log := newHookHandler(t)
		p := post{checksum: goldenV34SHA256, body: goldenBody}
		in.fail(errors.New("no room for " + hookSecret))
		assert.Equal(t, 500, p.to(t, h).Code)
		lines := log.with("callback not handled")
		require.Len(t, lines, 1)
		assert.Contains(t, lines[0]["error"], "no room for [redacted]")
		in.fail(nil)
		wait(t, 8*time.Minute)
		for range 3 {
			assert.Equal(t, 200, p.to(t, h).Code)
			wait(t, 30*time.Second)
		}
		assert.Len(t, in.take(), 1)
		assert.Len(t, log.with("event came again"), 2)
	})
}

// Of a batch, what was handled is not handed over again when the rest is.
func TestBatchOfEvents(t *testing.T) {
	t.Parallel()
	one := func(id string) string { return `{"data":{"id":"` + id + `","attributes":{}}}` }
	var got []bbb.EventName
	failOn := bbb.EventName("c")
	h, err := bbb.NewHookHandler(hookURL, func(_ context.Context, e bbb.Event) error {
		if e.Name == failOn {
			return errors.New("not now")
		}
		got = append(got, e.Name)
		return nil
	}, bbb.WithCallbackSecrets(hookSecret))
	require.NoError(t, err)
	p := v34(v34Body("["+one("a")+","+one("b")+","+one("c")+","+one("d")+"]", time.Now()), hookSecret)
	assert.Equal(t, 500, p.to(t, h).Code)
	assert.Equal(t, []bbb.EventName{"a", "b"}, got)
	failOn = ""
	assert.Equal(t, 200, p.to(t, h).Code)
	assert.Equal(t, []bbb.EventName{"a", "b", "c", "d"}, got)

	assert.Equal(t, 200, v34(v34Body(one("e"), time.Now()), hookSecret).to(t, h).Code, "without brackets")
	list := `{"event":[` + one("f") + `],"timestamp":` + strconv.FormatInt(time.Now().UnixMilli(), 10) + `}`
	p = v34(list, hookSecret)
	p.contentType = jsonType
	assert.Equal(t, 200, p.to(t, h).Code, "JSON in JSON")
	assert.Equal(t, []bbb.EventName{"e", "f"}, got[4:])
}

// What was signed and cannot be read would be the same the next time, and cost the
// hook in the end.
func TestUnreadableHooks(t *testing.T) {
	t.Parallel()
	for _, event := range []string{"", "x", "[", "1", "null"} {
		h, in, log := newHookHandler(t)
		p := v34(v34Body(event, time.Now()), hookSecret)
		assert.Equal(t, 200, p.to(t, h).Code, event)
		assert.Empty(t, in.take())
		assert.Len(t, log.with("webhook cannot be read"), 1)
	}
	for _, body := range []string{"", "%zz", "event=x", "event=x&timestamp=1&domain=a&domain=b", "a=1;b=2"} {
		h, in, log := newHookHandler(t)
		assert.Equal(t, 200, v34(body, hookSecret).to(t, h).Code, body)
		assert.Empty(t, in.take())
		assert.Len(t, log.with("webhook cannot be read"), 1)
	}
}
