package bbb_test

import (
	"context"
	"errors"
	"fmt"
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

// fullCache is a cache with everything that a cache may offer besides.
type fullCache interface {
	bbb.Cache
	bbb.CacheBatch
	bbb.Journal
}

// tripCache counts the ways to the cache and back that its users make.
type tripCache struct {
	fullCache
	mu    sync.Mutex // protects trips
	trips []string
}

func newTripCache(t testing.TB) *tripCache {
	t.Helper()
	cache, ok := bbb.NewMemoryCache().(fullCache)
	require.True(t, ok)
	return &tripCache{fullCache: cache}
}

func (c *tripCache) count(trip string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trips = append(c.trips, trip)
}

// take returns the trips since the last time.
func (c *tripCache) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	trips := c.trips
	c.trips = nil
	return trips
}

func (c *tripCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	c.count("get " + key)
	return c.fullCache.Get(ctx, key)
}

func (c *tripCache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	c.count("set " + key)
	return c.fullCache.Set(ctx, key, value, ttl)
}

func (c *tripCache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	c.count("add " + key)
	return c.fullCache.Add(ctx, key, value, ttl)
}

func (c *tripCache) Delete(ctx context.Context, key string) error {
	c.count("delete " + key)
	return c.fullCache.Delete(ctx, key)
}

func (c *tripCache) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	trip := "get many"
	for _, key := range keys {
		trip += " " + key
	}
	c.count(trip)
	return c.fullCache.GetMany(ctx, keys...)
}

func (c *tripCache) SetMany(ctx context.Context, items ...bbb.CacheItem) error {
	trip := "set many"
	for _, item := range items {
		trip += " " + item.Key
	}
	c.count(trip)
	return c.fullCache.SetMany(ctx, items...)
}

func (c *tripCache) Append(ctx context.Context, key string, ttl time.Duration, entries ...[]byte) error {
	c.count("append")
	return c.fullCache.Append(ctx, key, ttl, entries...)
}

func (c *tripCache) ReadAfter(ctx context.Context, key, after string) ([][]byte, string, error) {
	c.count("read")
	return c.fullCache.ReadAfter(ctx, key, after)
}

// Each way to a shared cache takes time that its users wait for. What a call needs of it
// at one time goes in one, and what it was told a moment ago it does not ask again.
func TestTripsToTheCache(t *testing.T) {
	t.Parallel()
	// In a bubble saving takes no time, so that no save is left to a later call.
	synctest.Test(t, func(t *testing.T) {
		cache := newTripCache(t)
		g, fakes := newGroup(t, 3, bbb.WithCache(cache))
		trips := func(f func()) (kinds []string) {
			t.Helper()
			f()
			for _, trip := range cache.take() {
				if !strings.HasPrefix(trip, "set bbb:school:meetings:") { // each server's, beside its list
					kinds = append(kinds, strings.TrimSpace(strings.Split(trip, "bbb:")[0]))
				}
			}
			return kinds
		}
		assert.Equal(t, []string{"get many", "get many", "get many"}, trips(func() { g.CachedMeetings(t.Context()) }), "what others know of three servers")
		create(t, g, "biology")

		cache.take()
		assert.Equal(t, []string{
			"get",      // is it known?
			"get",      // does anybody create it, now that nobody here does?
			"read",     // what others reserved, before all servers are asked
			"read",     // and before one is chosen
			"append",   // what we reserve
			"add",      // our claim
			"get many", // has anybody taken that over? what does the server have?
			"set many", // the claim is a place now, and the server has one more
		}, trips(func() { create(t, g, "physics") }), "14 before there were batches")
		assert.Equal(t, []string{"get many", "get", "set many"}, trips(func() { create(t, g, "physics") }), "it exists")
		assert.Empty(t, trips(func() {
			_, err := g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
			require.NoError(t, err)
			_, err = g.Meeting(t.Context(), "physics")
			require.NoError(t, err)
		}), "it is known here")
		assert.Equal(t, []string{"read", "append"}, trips(func() {
			_, err := g.Meetings(t.Context())
			require.NoError(t, err)
		}), "reservations of others, and the join")
		assert.Equal(t, []string{"get many", "get", "set many"}, trips(func() { require.NoError(t, g.EndMeeting(t.Context(), "physics", "")) }))
		assert.Empty(t, holders(fakes, "physics"))
	})
}

// A journal that comes in parts is read to its end, and one that does not costs one way.
func TestLongJournalIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := newTripCache(t)
		for i := range 250 {
			require.NoError(t, cache.Append(t.Context(), "bbb:school:reservations", time.Hour, fmt.Append(nil, "of another release ", i)))
		}
		whole, fakes := newGroup(t, 2, bbb.WithCache(cache))
		inParts := newGroupOf(t, fakes, bbb.WithCache(&partCache{cache}))
		cache.take()
		require.Len(t, whole.Rank(t.Context(), bbb.Criteria{}).Servers, 2)
		assert.Len(t, cache.take(), 2, "a long part may not be the last")
		require.Len(t, whole.Rank(t.Context(), bbb.Criteria{}).Servers, 2)
		assert.Len(t, cache.take(), 1, "a short one is")
		require.Len(t, inParts.Rank(t.Context(), bbb.Criteria{}).Servers, 2)
		assert.Len(t, cache.take(), 3)
	})
}

// partCache hands out its journals in parts of a hundred entries.
type partCache struct{ *tripCache }

func (c *partCache) ReadAfter(ctx context.Context, key, after string) ([][]byte, string, error) {
	entries, last, err := c.tripCache.ReadAfter(ctx, key, after)
	if len(entries) > 100 {
		n, _ := strconv.Atoi(last)
		last = strconv.Itoa(n - len(entries) + 100)
		entries = entries[:100]
	}
	return entries, last, err
}

// An outage of the cache is two lines in the log, however many accesses fail, and a
// failure that comes and goes is one outage.
func TestOutageOfTheCacheIsTwoLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := &stubCache{}
		opt, log := logged(t)
		g, _ := newGroup(t, 3, bbb.WithCache(cache), opt)
		list := func() {
			t.Helper()
			for range 3 {
				_, err := g.Meetings(t.Context())
				require.NoError(t, err)
			}
		}
		list()
		assert.Empty(t, log.with("cache failed"))
		for range 2 {
			cache.fail = errors.New("connection refused")
			list()
			wait(t, 4*time.Second)
			cache.fail = nil
			list()
			assert.Empty(t, log.with("cache works again"), "perhaps")
			cache.fail = errors.New("read-only")
			list()
			cache.fail = nil
			wait(t, 6*time.Second)
			list()
			require.Len(t, log.with("cache failed"), 1)
			assert.Equal(t, "connection refused", log.with("cache failed")[0]["error"])
			require.Len(t, log.with("cache works again"), 1)
			assert.Equal(t, "INFO", log.with("cache works again")[0]["level"])
			log.mu.Lock()
			log.list = nil
			log.mu.Unlock()
		}
	})
}
