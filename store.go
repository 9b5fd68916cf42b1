package bbb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bbbgroup/bbb/internal/redact"
	"github.com/bbbgroup/bbb/internal/xmlwire"
)

const (
	// placementTime is how long a placement is believed without news. Meetings
	// that last longer are found by asking.
	placementTime = 24 * time.Hour
	// claimTime is how long the claim of a create with unknown outcome stands.
	claimTime = 10 * time.Minute
	// cookieTime is the stock life time of a session on a server.
	cookieTime = 4 * time.Hour
	// cacheTimeout bounds each access to the Cache: a slow one must not cost
	// more than asking the servers.
	cacheTimeout = 500 * time.Millisecond
	// cachePause is how long the Cache is left alone after it was too slow.
	cachePause = 5 * time.Second
)

// store is the Cache as the group uses it: with keys of its own, a time-out,
// and failures that are logged and otherwise look like an empty cache.
type store struct {
	cache  Cache
	shared bool // given by the user, so others may read it
	prefix string
	log    *slog.Logger

	pausedUntil atomic.Int64 // Unix nanoseconds
}

func newStore(cache Cache, group string, log *slog.Logger) *store {
	st := &store{cache: cache, shared: cache != nil, prefix: "bbb:" + cacheKey(group) + ":", log: log}
	if cache == nil {
		st.cache = NewMemoryCache()
	}
	return st
}

// cacheKey makes any text a part of a key: printable, and not too long.
func cacheKey(text string) string {
	if escaped := url.QueryEscape(text); len(escaped) <= 200 {
		return escaped
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func (st *store) get(ctx context.Context, key string) (string, bool) {
	var value []byte
	var ok bool
	st.access(ctx, "get", func(ctx context.Context) (err error) {
		value, ok, err = st.cache.Get(ctx, st.prefix+key)
		return err
	})
	return string(value), ok
}

func (st *store) set(ctx context.Context, key string, value []byte, ttl time.Duration) {
	// What a call found out is worth keeping although its caller has gone.
	st.access(context.WithoutCancel(ctx), "set", func(ctx context.Context) error {
		return st.cache.Set(ctx, st.prefix+key, value, ttl)
	})
}

// add reports whether key was free. A cache that fails says yes: the group then
// works as if it were alone.
func (st *store) add(ctx context.Context, key string, value []byte, ttl time.Duration) bool {
	added := true
	st.access(ctx, "add", func(ctx context.Context) error {
		ok, err := st.cache.Add(ctx, st.prefix+key, value, ttl)
		added = ok || err != nil
		return err
	})
	return added
}

func (st *store) delete(ctx context.Context, key string) {
	st.access(context.WithoutCancel(ctx), "delete", func(ctx context.Context) error {
		return st.cache.Delete(ctx, st.prefix+key)
	})
}

// access runs one operation within the time-out. After one that ran into it the
// Cache is left alone for a while: a call makes several accesses, and each would
// wait.
func (st *store) access(parent context.Context, op string, f func(context.Context) error) {
	if now := time.Now().UnixNano(); now < st.pausedUntil.Load() {
		return
	}
	ctx, cancel := context.WithTimeout(parent, cacheTimeout)
	defer cancel()
	err := f(ctx)
	if err == nil || parent.Err() != nil {
		return
	}
	if ctx.Err() != nil {
		st.pausedUntil.Store(time.Now().Add(cachePause).UnixNano())
	}
	st.warn(ctx, op, err)
}

func (st *store) warn(ctx context.Context, op string, err error) {
	st.log.LogAttrs(ctx, slog.LevelWarn, "cache failed", slog.String("operation", op), slog.String("error", redact.Text(err.Error())))
}

// claim says which server a meeting belongs to. It is pending while a create
// may be under way or its outcome is unknown.
type claim struct {
	baseURL string
	pending bool
}

func claimKey(id string) string { return "place:" + cacheKey(id) }

func (c claim) encode() []byte {
	if c.pending {
		return []byte("pending " + c.baseURL)
	}
	return []byte("placed " + c.baseURL)
}

func parseClaim(text string) (claim, bool) {
	state, baseURL, ok := strings.Cut(text, " ")
	return claim{baseURL: baseURL, pending: state == "pending"}, ok
}

func (st *store) claim(ctx context.Context, id string) (claim, bool) {
	text, ok := st.get(ctx, claimKey(id))
	if !ok {
		return claim{}, false
	}
	return parseClaim(text)
}

// savedMeetings is the list of one server as it is kept in the Cache.
type savedMeetings struct {
	Asked    time.Time
	Meetings []*Meeting
}

var savedRecord = xmlwire.NewRecord(
	xmlwire.Millis("asked", func(s *savedMeetings) *time.Time { return &s.Asked }),
	xmlwire.PtrList("meetings", "meeting", func(s *savedMeetings) *[]*Meeting { return &s.Meetings }, meetingRecord),
)

// restore fills a server with what others left in the Cache, once, so that a
// group starts warm without a request.
func (s *Server) restore(ctx context.Context) {
	st := s.group.store
	if !st.shared {
		return
	}
	s.restoreOnce.Do(func() {
		ctx := context.WithoutCancel(ctx) // another caller may be waiting for this
		if text, ok := st.get(ctx, s.cookieKey()); ok {
			s.jar.restore(s.url, text)
		}
		text, ok := st.get(ctx, s.meetingsKey())
		if !ok {
			return
		}
		var saved savedMeetings
		if err := savedRecord.Decode([]byte(text), "saved", &saved, xmlwire.Limits{}); err != nil {
			st.warn(ctx, "restore", err)
			return
		}
		s.adopt(saved.Meetings, saved.Asked)
		s.remember(saved.Asked, saved.Meetings)
	})
}

// save writes the meetings of the server to a shared Cache. After one that took
// long it leaves the next ones to a later call, so that a busy group spends a
// small part of its time on this.
func (s *Server) save(ctx context.Context) {
	st := s.group.store
	if !st.shared {
		return
	}
	start := time.Now()
	if next := s.nextSave.Load(); start.UnixNano() < next {
		return
	}
	saved := savedMeetings{Asked: start, Meetings: s.meetings.since(nil, start.Add(-s.cfg.cacheTime))}
	for _, m := range saved.Meetings {
		if m.FetchedAt.Before(saved.Asked) {
			saved.Asked = m.FetchedAt
		}
	}
	st.set(ctx, s.meetingsKey(), savedRecord.Append(nil, "saved", &saved), s.cfg.cacheTime)
	s.nextSave.Store(time.Now().Add(20 * time.Since(start)).UnixNano())
}

func (s *Server) saveCookies(ctx context.Context) {
	if text, changed := s.jar.take(); changed && s.group.store.shared {
		s.group.store.set(ctx, s.cookieKey(), []byte(text), cookieTime)
	}
}

func (s *Server) meetingsKey() string { return "meetings:" + cacheKey(s.base) }

func (s *Server) cookieKey() string { return "cookies:" + cacheKey(s.base) }
