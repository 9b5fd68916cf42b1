package bbb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/bbbgroup/bbb/internal/redact"
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
	now    func() time.Time

	pausedUntil atomic.Int64 // Unix nanoseconds
}

func newStore(cache Cache, group string, log *slog.Logger, now func() time.Time) *store {
	st := &store{cache: cache, shared: cache != nil, prefix: "bbb:" + cacheKey(group) + ":", log: log, now: now}
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
		ok = ok && err == nil
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
