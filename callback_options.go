package bbb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/bbbgroup/bbb/internal/redact"
)

// Defaults of the handlers of callbacks.
const (
	DefaultHookBodyLimit     = 4 << 20          // shared notes come as one event, and encoding triples them
	DefaultCallbackBodyLimit = 4 << 20          // a report tells of every attendee
	DefaultReplayWindow      = 10 * time.Minute // bbb-webhooks repeats a post for about five
	DefaultCallbackTimeout   = 4 * time.Second  // bbb-webhooks and bbb-web wait for five seconds
	callbackKeyMin           = 16
	recordingReadyBodyLimit  = 64 << 10 // one token of two IDs
	recordingReadyTimeout    = 30 * time.Second
	callbackRefused          = "callback refused"
	callbackFailed           = "callback not handled"
	contentTypeForm          = "application/x-www-form-urlencoded"
	contentTypeJSON          = "application/json"
	bearerPrefix             = "bearer "
	allCallbacks             = hookCallback | endedCallback | recordingCallback | analyticsCallback
	signedCallbacks          = hookCallback | recordingCallback | analyticsCallback
)

// A CallbackOption changes a default of [NewHookHandler], [NewMeetingEndedHandler],
// [NewRecordingReadyHandler] or [NewAnalyticsHandler]. One that a handler has no
// use for is an error of its constructor.
type CallbackOption interface{ applyCallback(*callbackConfig) }

// callbackKind tells the handlers apart.
type callbackKind uint8

const (
	hookCallback callbackKind = 1 << iota
	endedCallback
	recordingCallback
	analyticsCallback
)

func (k callbackKind) String() string {
	switch k {
	case hookCallback:
		return "webhook"
	case endedCallback:
		return "meeting ended"
	case recordingCallback:
		return "recording ready"
	}
	return "analytics"
}

// callbackConfig is what the handlers have in common.
type callbackConfig struct {
	kind        callbackKind
	secrets     []string
	group       *Group // whose servers' secrets count too
	log         *slog.Logger
	bodyLimit   int64
	window      time.Duration
	timeout     time.Duration
	unprotected bool
	urlOf       func(*http.Request) string
	hs512       bool
	key         string
	check       *Group
	problems    []error
}

type callbackOption struct {
	name  string
	kinds callbackKind
	apply func(*callbackConfig)
}

func (o callbackOption) applyCallback(c *callbackConfig) {
	if o.kinds&c.kind == 0 {
		c.problem("%s: makes no sense here", o.name)
		return
	}
	o.apply(c)
}

func (c *callbackConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func newCallbackConfig(kind callbackKind, opts []CallbackOption) *callbackConfig {
	c := &callbackConfig{
		kind: kind, window: DefaultReplayWindow, timeout: DefaultCallbackTimeout, bodyLimit: DefaultCallbackBodyLimit,
	}
	switch kind {
	case hookCallback:
		c.bodyLimit = DefaultHookBodyLimit
	case recordingCallback:
		c.bodyLimit, c.timeout = recordingReadyBodyLimit, recordingReadyTimeout
	}
	for _, o := range opts {
		if o == nil {
			c.problem("nil option")
			continue
		}
		o.applyCallback(c)
	}
	if kind&signedCallbacks != 0 && c.group == nil && len(c.secrets) == 0 {
		c.problem("no secrets: give WithCallbackGroup or WithCallbackSecrets")
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
		for _, g := range []*Group{c.group, c.check} {
			if g != nil {
				c.log = g.log
				break
			}
		}
	}
	c.log = c.log.With(slog.String("callback", kind.String()))
	return c
}

func (c *callbackConfig) err() error { return joinProblems(c.kind.String()+" handler", c.problems) }

// WithCallbackGroup sets the group whose servers may send, overriding the default
// of none: each by its secret, or by its second one ([WithSecondSecret]). Servers
// that are added later count, and those that are removed do not any more. It logs
// where the group logs. It is for webhooks, ready recordings and analytics.
func WithCallbackGroup(g *Group) CallbackOption {
	return callbackOption{"WithCallbackGroup", signedCallbacks, func(c *callbackConfig) {
		if g == nil {
			c.problem("WithCallbackGroup: nil group")
		}
		c.group = g
	}}
}

// WithCallbackSecrets sets secrets that senders may sign with, overriding the
// default of none. They count beside those of [WithCallbackGroup]: use it for a
// load balancer that signs with a secret of its own, or without a group. It is
// for webhooks, ready recordings and analytics.
func WithCallbackSecrets(secrets ...string) CallbackOption {
	secrets = slices.Clone(secrets)
	return callbackOption{"WithCallbackSecrets", signedCallbacks, func(c *callbackConfig) {
		for _, secret := range secrets {
			if secret == "" || strings.TrimSpace(secret) != secret {
				c.problem("WithCallbackSecrets: a secret is empty or has blanks around it")
			}
		}
		c.secrets = append(c.secrets, secrets...)
	}}
}

// WithCallbackLogger sets where the handler logs, overriding the default of the
// group's logger, or nowhere without a group. What was refused, and why, is logged
// at warn level, without anything that a request brought along but its address.
func WithCallbackLogger(l *slog.Logger) CallbackOption {
	return callbackOption{"WithCallbackLogger", allCallbacks, func(c *callbackConfig) {
		if l == nil {
			c.problem("WithCallbackLogger: nil logger")
		}
		c.log = l
	}}
}

// WithCallbackBodyLimit sets how many bytes a body may have before it is refused
// with HTTP 413, overriding the default of 4 MiB (64 KiB for ready recordings).
// bbb-webhooks repeats what was refused and deletes the hook in the end, so leave
// room for shared notes. It is for webhooks, ready recordings and analytics.
func WithCallbackBodyLimit(bytes int64) CallbackOption {
	return callbackOption{"WithCallbackBodyLimit", signedCallbacks, func(c *callbackConfig) {
		if bytes < 1 {
			c.problem("WithCallbackBodyLimit: %d, need at least 1", bytes)
		}
		c.bodyLimit = bytes
	}}
}

// WithCallbackTimeout sets after which time the context of the function that
// handles a callback ends, overriding the default of 4 s (30 s for ready
// recordings). Senders of webhooks and of ended meetings wait for 5 s and then
// count the post as failed. The function is waited for all the same.
func WithCallbackTimeout(d time.Duration) CallbackOption {
	return callbackOption{"WithCallbackTimeout", allCallbacks, func(c *callbackConfig) {
		if d <= 0 {
			c.problem("WithCallbackTimeout: %v, need a time over 0", d)
		}
		c.timeout = d
	}}
}

// WithReplayWindow sets how far the time at which a post was first sent may be from
// now, overriding the default of 10 minutes. bbb-webhooks repeats a post for about
// five minutes, for a permanent hook without end: there, and for servers whose
// clocks are wrong, give more. It is for webhooks.
func WithReplayWindow(d time.Duration) CallbackOption {
	return callbackOption{"WithReplayWindow", hookCallback, func(c *callbackConfig) {
		if d <= 0 || d > 10*365*24*time.Hour {
			c.problem("WithReplayWindow: %v, need a time over 0 and under ten years", d)
		}
		c.window = d
	}}
}

// WithUnprotectedBodies accepts the checksums of bbb-webhooks 3.0.0 to 3.3.1,
// overriding the default of refusing them. By a mistake in these releases the
// checksum is the same for every post to a URL and says nothing about its body:
// whoever sees one can send any event for ever. Upgrade instead, or use HTTPS and
// a callback URL that nobody else knows. It is for webhooks.
func WithUnprotectedBodies() CallbackOption {
	return callbackOption{"WithUnprotectedBodies", hookCallback, func(c *callbackConfig) { c.unprotected = true }}
}

// WithCallbackURLFunc sets the function that tells the callback URL a request was
// sent to, to the byte as it was registered, overriding the default of the one
// that [NewHookHandler] was given. It is for one handler that serves several
// hooks. It must not take the host of the request: whoever sends it chooses that.
// An empty text refuses the request. It is for webhooks.
func WithCallbackURLFunc(f func(*http.Request) string) CallbackOption {
	return callbackOption{"WithCallbackURLFunc", hookCallback, func(c *callbackConfig) {
		if f == nil {
			c.problem("WithCallbackURLFunc: nil function")
		}
		c.urlOf = f
	}}
}

// WithHS512 accepts tokens of ready recordings that are signed with HS512 besides
// those with HS256, overriding the default of HS256 alone. Scalelite signs so when
// it is configured to accept SHA-512 and not SHA-256.
func WithHS512() CallbackOption {
	return callbackOption{"WithHS512", recordingCallback, func(c *callbackConfig) { c.hs512 = true }}
}

// WithCallbackKey sets the key that the URLs were made with by [SignCallbackURL],
// and refuses requests to others with HTTP 403, overriding the default of taking
// every request. It is for ended meetings, which are not signed otherwise.
func WithCallbackKey(key string) CallbackOption {
	return callbackOption{"WithCallbackKey", endedCallback, func(c *callbackConfig) {
		if len(key) < callbackKeyMin {
			c.problem("WithCallbackKey: need at least %d bytes", callbackKeyMin)
		}
		c.key = key
	}}
}

// WithMeetingCheck asks the group whether the meeting is over, overriding the
// default of believing the callback. A meeting that is still there gets HTTP 409,
// and a group that cannot tell 503; bbb-web tries an ended meeting again after
// both, four times within nine minutes. A callback for an ID that is in use again
// is lost. It is for ended meetings and analytics; of these, which are tried once,
// the server that signed the token is asked if it is known, and a report that
// names another internal ID than that of the present meeting is taken to be of an
// earlier one: the body is not signed, so whoever has a token can say so.
func WithMeetingCheck(g *Group) CallbackOption {
	return callbackOption{"WithMeetingCheck", endedCallback | analyticsCallback, func(c *callbackConfig) {
		if g == nil {
			c.problem("WithMeetingCheck: nil group")
		}
		c.check = g
	}}
}

// sender finds the secret that ok accepts, and the server it belongs to if it is
// that of one server alone.
func (c *callbackConfig) sender(ok func(secret string) bool) (server *Server, found bool) {
	if slices.ContainsFunc(c.secrets, ok) {
		found = true
	}
	if c.group == nil {
		return nil, found
	}
	var right string
	tried := make(map[string]bool)
	for s := range c.group.Servers() {
		for _, secret := range s.cfg.secrets {
			switch {
			case server != nil && secret == right && server != s:
				return nil, true // several have it
			case server == nil && !tried[secret]:
				tried[secret] = true
				if ok(secret) {
					server, right, found = s, secret, true
				}
			}
		}
	}
	return server, found
}

// redact takes all secrets that may sign out of a text.
func (c *callbackConfig) redact(text string) string {
	all := slices.Clone(c.secrets)
	if c.group != nil {
		for s := range c.group.Servers() {
			all = append(all, s.cfg.secrets...)
		}
	}
	if c.key != "" {
		all = append(all, c.key)
	}
	return redact.Text(text, all...)
}

// method refuses all methods but those given.
func (c *callbackConfig) method(w http.ResponseWriter, r *http.Request, allowed ...string) bool {
	if slices.Contains(allowed, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	c.refuse(w, r, http.StatusMethodNotAllowed, "the method is not allowed")
	return false
}

// body reads the body within the limit, or refuses the request.
func (c *callbackConfig) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	if r.ContentLength > c.bodyLimit {
		c.refuse(w, r, http.StatusRequestEntityTooLarge, "the body is too large")
		return nil, false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, c.bodyLimit))
	if err == nil {
		return body, true
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		c.refuse(w, r, http.StatusRequestEntityTooLarge, "the body is too large")
	} else {
		c.refuse(w, r, http.StatusBadRequest, "the body broke off")
	}
	return nil, false
}

// refuse answers with a status and logs why. Nothing of the request is logged but
// where it came from: neither its URL, which may hold tokens, nor its words.
func (c *callbackConfig) refuse(w http.ResponseWriter, r *http.Request, status int, reason string) {
	c.log.LogAttrs(r.Context(), slog.LevelWarn, callbackRefused,
		slog.String("reason", reason), slog.Int("status", status), slog.String("remote", r.RemoteAddr))
	reply(w, status)
}

// failed logs what the function said that should have handled the callback.
func (c *callbackConfig) failed(ctx context.Context, err error, attrs ...slog.Attr) {
	c.log.LogAttrs(ctx, slog.LevelError, callbackFailed, append(attrs, slog.String("error", c.redact(err.Error())))...)
}

// reply answers with a status and its text.
func reply(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, http.StatusText(status)+"\n")
}

// bearer returns the token of an Authorization header.
func bearer(r *http.Request) string {
	header := r.Header.Values("Authorization")
	if len(header) != 1 || len(header[0]) < len(bearerPrefix) || !strings.EqualFold(header[0][:len(bearerPrefix)], bearerPrefix) {
		return ""
	}
	return strings.TrimSpace(header[0][len(bearerPrefix):])
}

// single returns the value of a parameter that must be there once.
func single(values url.Values, name string) (string, bool) {
	if len(values[name]) != 1 {
		return "", false
	}
	return values[name][0], true
}
