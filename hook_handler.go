package bbb

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"
)

// EventHandler is told one event. An error makes the server send it again, at
// first after 0.1 s and for about five minutes in all.
type EventHandler func(ctx context.Context, e Event) error

// HookHandler is the http.Handler that receives the posts of bbb-webhooks. Make
// one with [NewHookHandler].
//
// A post must be signed with one of the secrets. The checksums of bbb-webhooks 2.x
// and of 3.4 and later are accepted with any of the four algorithms (2.x has
// SHA-1 alone), and so is the secret itself as a bearer token, which bbb-webhooks
// sends when auth2_0 is set there: that needs HTTPS. The checksums of 3.0.0 to
// 3.3.1 protect nothing; see [WithUnprotectedBodies].
//
// A post that was first sent too long ago is refused ([WithReplayWindow]), and an
// event that was handled already is not handed over again, as far back as that
// window and as the memory for at least 65536 events reach. The memory is that of
// this handler: after a restart, and with several replicas, an event can come
// twice.
//
// # Answers
//
// The function is called within the request, one event after the other, and bbb-
// webhooks waits for 5 seconds. Let it be quick, or give [EventQueue.Handle] and
// work later. The answers are chosen by what bbb-webhooks makes of them:
//
//	200  handled, now or before; or signed but unreadable, which no repetition mends
//	401  signed, but sent too long ago: bbb-webhooks counts 401 as success and goes on
//	403  not signed by a secret we know: bbb-webhooks tries again, so that nothing is
//	     lost while secrets change, and deletes the hook after about five minutes
//	405, 413, 400  not POST, too large, broken off
//	500  the function returned an error: bbb-webhooks tries again
//	503  the same event is being handled at this moment: bbb-webhooks tries again
//
// What is refused is logged without its secret parts ([WithCallbackLogger]).
type HookHandler struct {
	cfg         *callbackConfig
	callbackURL string
	handle      EventHandler
	seen        seenEvents
}

// NewHookHandler makes a handler of the posts to callbackURL: the text that the
// hook was registered with ([HookParams.CallbackURL]), to the byte. It is part of
// what is signed; the URL of the request, which proxies change, does not count.
// The handler may be mounted anywhere.
//
// [WithCallbackGroup] or [WithCallbackSecrets] is needed. All problems come back
// in one joined error.
func NewHookHandler(callbackURL string, handle EventHandler, opts ...CallbackOption) (*HookHandler, error) {
	c := newCallbackConfig(hookCallback, opts)
	switch problem := validateCallbackURL(callbackURL); {
	case c.urlOf == nil && problem != "":
		c.problem("the callback URL %s", problem)
	case c.urlOf != nil && callbackURL != "":
		c.problem("WithCallbackURLFunc: there is a callback URL as well")
	}
	if handle == nil {
		c.problem("nil function")
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	// What is acceptable for one window before its time and one after is remembered
	// for both.
	return &HookHandler{cfg: c, callbackURL: callbackURL, handle: handle, seen: seenEvents{keep: 2 * c.window}}, nil
}

// ServeHTTP verifies a post and hands over its events.
func (h *HookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := h.cfg
	if !c.method(w, r, http.MethodPost) {
		return
	}
	callbackURL := h.callbackURL
	if c.urlOf != nil {
		callbackURL = c.urlOf(r)
	}
	proof, ok := readHookProof(r)
	if !ok || callbackURL == "" {
		c.refuse(w, r, http.StatusForbidden, "there is no checksum and no bearer token, or one that none is")
		return
	}
	if proof.bearer != "" { // nobody else's body is read
		if _, rule := c.verifyBearer(proof); rule == refusedRule {
			c.refuse(w, r, http.StatusForbidden, "the bearer token is no secret of ours")
			return
		}
	}
	body, ok := c.body(w, r)
	if !ok {
		return
	}
	post, readable := parseHookPost(r, body)
	if !readable {
		post = nil
	}
	server, rule := c.verify(proof, callbackURL, body, post)
	if rule == refusedRule {
		c.refuse(w, r, http.StatusForbidden, "the checksum is not that of a secret of ours, of this callback URL and of the body")
		return
	}
	if !readable {
		c.unreadable(w, r, server)
		return
	}
	sent, ok := post.sent()
	age := time.Since(sent)
	if rule != unprotectedRule && (!ok || age > c.window || age < -c.window) { // there it proves nothing
		c.refuse(w, r, http.StatusUnauthorized, "it was sent too long ago, or by a clock that is wrong")
		return
	}
	events, err := ParseEvents([]byte(post.event))
	if err != nil {
		c.unreadable(w, r, server)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), c.timeout)
	defer cancel()
	for _, e := range events {
		e.Domain, e.Sent, e.CallbackURL, e.server = post.domain, sent, callbackURL, server
		if status := h.hand(ctx, e); status != http.StatusOK {
			reply(w, status)
			return
		}
	}
	reply(w, http.StatusOK)
}

// unreadable takes what a server signed and nobody can read: it would be the same
// the next time, hold up what comes after it, and end in the loss of the hook.
func (c *callbackConfig) unreadable(w http.ResponseWriter, r *http.Request, s *Server) {
	name := ""
	if s != nil {
		name = s.name
	}
	c.log.LogAttrs(r.Context(), slog.LevelError, "webhook cannot be read", slog.String("server", name))
	reply(w, http.StatusOK)
}

// hand hands over an event unless that was done before.
func (h *HookHandler) hand(ctx context.Context, e Event) (status int) {
	key := eventKey(e)
	switch h.seen.begin(key, time.Now()) {
	case eventDone:
		h.cfg.log.LogAttrs(ctx, slog.LevelDebug, "event came again", slog.Any("event", e))
		return http.StatusOK
	case eventRunning:
		return http.StatusServiceUnavailable
	}
	handled := false
	defer func() { h.seen.end(key, handled, time.Now()) }() // also after a panic
	if err := h.handle(ctx, e); err != nil {
		h.cfg.failed(ctx, err, slog.Any("event", e))
		return http.StatusInternalServerError
	}
	handled = true
	return http.StatusOK
}

// eventKey tells events apart. They have no ID, but a repetition has the same
// words, the time of the event among them. Where that is missing, the time of
// sending stands in: it is the same in all repetitions too.
func eventKey(e Event) [sha256.Size]byte {
	stamp := ""
	if e.Time.IsZero() {
		stamp = e.Sent.String()
	}
	text, _ := json.Marshal([]string{e.CallbackURL, e.Domain, stamp, string(e.Raw)}) // cannot fail
	return sha256.Sum256(text)
}
