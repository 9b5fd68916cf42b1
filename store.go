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
	failed      atomic.Int64 // when an access failed last, in Unix nanoseconds; 0 when that is over
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

// found is what there was under a key.
type found struct {
	text string
	ok   bool
}

// getMany reads several keys, in one go if the Cache can. All of them are in the result.
func (st *store) getMany(ctx context.Context, keys ...string) map[string]found {
	got := make(map[string]found, len(keys))
	batch, ok := st.cache.(CacheBatch)
	if !ok || len(keys) == 1 {
		for _, key := range keys {
			text, ok := st.get(ctx, key)
			got[key] = found{text, ok}
		}
		return got
	}
	full := make([]string, len(keys))
	for i, key := range keys {
		full[i] = st.prefix + key
		got[key] = found{}
	}
	st.access(ctx, "get", func(ctx context.Context) error {
		values, err := batch.GetMany(ctx, full...)
		if err != nil {
			return err
		}
		for i, value := range values[:min(len(values), len(keys))] {
			got[keys[i]] = found{string(value), value != nil}
		}
		return nil
	})
	return got
}

// setMany writes several keys, in one go if the Cache can. What is written is worth
// keeping although the caller has gone.
func (st *store) setMany(ctx context.Context, items ...CacheItem) {
	batch, ok := st.cache.(CacheBatch)
	if !ok || len(items) <= 1 {
		for _, item := range items {
			st.set(ctx, item.Key, item.Value, item.TTL)
		}
		return
	}
	for i := range items {
		items[i].Key = st.prefix + items[i].Key
	}
	st.access(context.WithoutCancel(ctx), "set", func(ctx context.Context) error {
		return batch.SetMany(ctx, items...)
	})
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
	switch {
	case err == nil:
		st.works(ctx)
		return
	case parent.Err() != nil:
		return
	case ctx.Err() != nil:
		st.pausedUntil.Store(time.Now().Add(cachePause).UnixNano())
	}
	if st.failed.Swap(time.Now().UnixNano()) == 0 {
		st.warn(ctx, op, err)
	}
}

// works says so in the log when the Cache has not failed for a while. A busy group makes
// thousands of accesses: there is a line for the first that fails, and one for the end.
func (st *store) works(ctx context.Context) {
	last := st.failed.Load()
	if last != 0 && time.Now().UnixNano()-last >= int64(cachePause) && st.failed.CompareAndSwap(last, 0) {
		st.log.LogAttrs(ctx, slog.LevelInfo, "cache works again")
	}
}

func (st *store) warn(ctx context.Context, op string, err error) {
	st.log.LogAttrs(ctx, slog.LevelWarn, "cache failed", slog.String("operation", op), slog.String("error", redact.Text(err.Error())))
}
