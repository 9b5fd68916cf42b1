package bbbtest

import (
	"context"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HookStyle is how the webhooks of a line of bbb-webhooks look.
type HookStyle int

// The styles of webhooks.
const (
	// HooksV2 is 2.6.1: the checksum covers the event, SHA-1 always; ids are integers, calls take
	// SHA-1 only, and the events of a hook come one at a time, in order.
	HooksV2 HookStyle = iota + 1
	// HooksV30 is 3.0.0 to 3.3.1: by a bug the checksum covers "{}" where the event should be, so it
	// is the same for every event. Hooks bound to a meeting are kept as global ones.
	HooksV30
	// HooksV34 is 3.4.0 and later: the checksum covers the body. Events come in any order.
	HooksV34
)

// WithHookStyle sets the line of bbb-webhooks, overriding the default of the release: HooksV2 before
// 3.0 and HooksV34 from then on.
func WithHookStyle(style HookStyle) Option {
	if style < HooksV2 || style > HooksV34 {
		panic(fmt.Sprintf("bbbtest: WithHookStyle: no such style %d", style))
	}
	return func(c *config) { c.hookStyle = style }
}

// WithHookAlgorithm sets the algorithm of the checksums of webhooks, overriding the default of sha1.
// HooksV2 knows no other.
func WithHookAlgorithm(name string) Option {
	if algorithmByName(name) == nil {
		panic("bbbtest: WithHookAlgorithm: unknown algorithm " + name)
	}
	return func(c *config) { c.hookAlgorithm = name }
}

// WithHookBearer sends the secret itself as a bearer token with webhooks, in the place of a
// checksum, as a server with auth2_0 does.
func WithHookBearer() Option {
	return func(c *config) { c.hookBearer = true }
}

// WithHookWaits sets how long a webhook waits between its tries, overriding the default of 0.1, 0.5,
// 1, 2, 4, 8, 10, 30, 60, 60, 60, 60 s. After one more try than waits the hook is deleted; a permanent
// one goes on with the last of the waits.
func WithHookWaits(waits ...time.Duration) Option {
	return func(c *config) { c.hookWaits = slices.Clone(waits) }
}

// WithPermanentHook gives the server a webhook in its configuration, which no call can destroy and no
// failure removes.
func WithPermanentHook(callbackURL string, getRaw bool) Option {
	return func(c *config) {
		c.permanentHooks = append(c.permanentHooks, Hook{CallbackURL: callbackURL, GetRaw: getRaw})
	}
}

// Hook is a copy of a registered webhook.
type Hook struct {
	ID          string // an integer with HooksV2, otherwise a UUID
	CallbackURL string
	MeetingID   string   // external; empty for all meetings
	Events      []string // in lower case; nil for all, and [""] matches none
	GetRaw      bool
	Permanent   bool
}

// Hooks returns the registered webhooks in the order they came.
func (s *Server) Hooks() []Hook {
	defer s.lock()()
	list := make([]Hook, len(s.hooks.list))
	for i, h := range s.hooks.list {
		list[i] = h.Hook
		list[i].Events = slices.Clone(h.Events)
	}
	return list
}

// hook is the live state; the server's mutex protects all of it.
type hook struct {
	Hook
	raw   bool
	gone  bool
	queue []string // with HooksV2, the events behind the one under way
	busy  bool
}

type hooks struct {
	list   []*hook
	lastID int
}

func (s *Server) addHook(h Hook) *hook {
	s.hooks.lastID++
	switch {
	case s.conf.hookStyle == HooksV2:
		h.ID = strconv.Itoa(s.hooks.lastID)
	case h.Permanent:
		h.ID = uuidOfURL(h.CallbackURL)
	default:
		var b [16]byte
		for i := range b {
			b[i] = byte(rand.IntN(256))
		}
		h.ID = uuid(b, 4)
	}
	added := &hook{Hook: h, raw: h.GetRaw}
	s.hooks.list = append(s.hooks.list, added)
	return added
}

func (s *Server) removeHook(h *hook) {
	h.gone, h.queue = true, nil
	s.hooks.list = slices.DeleteFunc(slices.Clone(s.hooks.list), func(x *hook) bool { return x == h })
}

// uuidOfURL is the version 5 UUID of a URL.
func uuidOfURL(u string) string {
	space := []byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}
	sum := sha1.Sum(append(space, u...))
	return uuid([16]byte(sum[:16]), 5)
}

func uuid(b [16]byte, version byte) string {
	b[6] = b[6]&0x0F | version<<4
	b[8] = b[8]&0x3F | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// wants reports whether a hook is to be told of an event. Names are compared in lower case. A filter
// together with raw messages matches nothing, because those have other names.
func (h *hook) wants(externalID, event string) bool {
	if h.MeetingID != "" && h.MeetingID != externalID {
		return false
	}
	return h.Events == nil || !h.raw && slices.Contains(h.Events, strings.ToLower(event))
}

// deliver sends an event to a hook: with HooksV2 behind the others, later at once. The mutex is held.
func (s *Server) deliver(h *hook, event string) {
	if s.conf.hookStyle != HooksV2 {
		s.life.start(false, func(ctx context.Context) { s.callHook(ctx, h, event) })
		return
	}
	h.queue = append(h.queue, event)
	if h.busy {
		return
	}
	h.busy = true
	s.life.start(false, func(ctx context.Context) {
		for {
			event, ok := s.nextFor(h)
			if !ok {
				return
			}
			s.callHook(ctx, h, event)
		}
	})
}

func (s *Server) nextFor(h *hook) (event string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(h.queue) == 0 {
		h.busy = false
		return "", false
	}
	event, h.queue = h.queue[0], h.queue[1:]
	return event, true
}

// callHook delivers one event, with all tries it needs. At their end the hook is deleted, unless it
// is permanent.
func (s *Server) callHook(ctx context.Context, h *hook, event string) {
	target, body, bearer := s.hookRequest(h, event, time.Now())
	for try := 0; ; try++ {
		if s.postHook(ctx, target, body, bearer) {
			return
		}
		waits := s.conf.hookWaits
		d := time.Minute
		switch {
		case try < len(waits):
			d = waits[try]
		case !h.Permanent:
			s.mu.Lock()
			defer s.mu.Unlock()
			if ctx.Err() == nil {
				s.removeHook(h)
			}
			return
		case try == len(waits) && s.conf.hookStyle == HooksV2:
			d = 8 * time.Millisecond
		case len(waits) > 0:
			d = waits[len(waits)-1]
		}
		if !pause(ctx, d) || s.isGone(h) {
			return
		}
	}
}

func (s *Server) isGone(h *hook) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return h.gone
}

// hookRequest makes what is sent; it is the same in all tries.
func (s *Server) hookRequest(h *hook, event string, now time.Time) (target, body, bearer string) {
	event = "[" + event + "]"
	domain, ms := s.host(), now.UnixMilli()
	secret := s.currentSecrets()[0]
	stamp := strconv.FormatInt(ms, 10)
	alg := algorithmByName(s.conf.hookAlgorithm)
	var signed string
	switch s.conf.hookStyle {
	case HooksV2:
		alg = algorithmByName("sha1")
		body = form(false, field{"event", event}, field{"timestamp", stamp}, field{"domain", domain})
		signed = jsJSON(struct {
			Event     string `json:"event"`
			Timestamp int64  `json:"timestamp"`
			Domain    string `json:"domain"`
		}{event, ms, domain})
	default:
		body = form(true, field{"domain", domain}, field{"event", event}, field{"timestamp", stamp})
		signed = body
		if s.conf.hookStyle == HooksV30 {
			signed = "{}"
		}
	}
	if s.conf.hookBearer {
		return h.CallbackURL, body, "Bearer " + secret
	}
	return withQuery(h.CallbackURL, "checksum="+alg.sum(h.CallbackURL+signed+secret)), body, ""
}

// postHook makes one try. 401 is as good as a success there.
func (s *Server) postHook(ctx context.Context, target, body, bearer string) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if bearer != "" {
		r.Header.Set("Authorization", bearer)
	}
	status, _ := s.send(r, 10)
	return is2xx(status) || status == http.StatusUnauthorized
}
