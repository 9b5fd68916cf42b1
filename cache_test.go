package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testCacheContract tests what [bbb.Cache] promises, for any implementation.
// wait lets that much time pass, for real or in a bubble.
func testCacheContract(t *testing.T, cache bbb.Cache, wait func(time.Duration)) {
	t.Helper()
	ctx := t.Context()
	get := func(key string) (string, bool) {
		t.Helper()
		value, ok, err := cache.Get(ctx, key)
		require.NoError(t, err)
		return string(value), ok
	}
	has := func(key, want string) {
		t.Helper()
		value, ok := get(key)
		assert.True(t, ok, "%s is there", key)
		assert.Equal(t, want, value)
	}
	gone := func(key string) {
		t.Helper()
		value, ok := get(key)
		assert.False(t, ok, "%s is not there", key)
		assert.Empty(t, value)
	}

	gone("a")
	require.NoError(t, cache.Delete(ctx, "a"), "what is not there can be deleted")
	require.NoError(t, cache.Set(ctx, "a", []byte("1"), 0))
	has("a", "1")
	require.NoError(t, cache.Set(ctx, "a", []byte("2"), time.Hour))
	has("a", "2")
	gone("A")

	added, err := cache.Add(ctx, "a", []byte("3"), time.Hour)
	require.NoError(t, err, "that there is one is no error")
	assert.False(t, added)
	has("a", "2")
	require.NoError(t, cache.Delete(ctx, "a"))
	gone("a")
	added, err = cache.Add(ctx, "a", []byte("3"), time.Hour)
	require.NoError(t, err)
	assert.True(t, added)
	has("a", "3")

	// Empty and binary values, long keys.
	long := strings.Repeat("k", 600)
	for key, value := range map[string]string{"empty": "", "binary": "\x00\xff\n", long: "long"} {
		require.NoError(t, cache.Set(ctx, key, []byte(value), 0))
		has(key, value)
	}

	// Nobody shares memory with the cache.
	mine := []byte("mine")
	require.NoError(t, cache.Set(ctx, "shared", mine, 0))
	mine[0] = 'X'
	has("shared", "mine")
	theirs, _, err := cache.Get(ctx, "shared")
	require.NoError(t, err)
	theirs[0] = 'X'
	has("shared", "mine")
	added, err = cache.Add(ctx, "shared2", mine, 0)
	require.NoError(t, err)
	require.True(t, added)
	mine[1] = 'X'
	has("shared2", "Xine")

	// Times to live.
	require.NoError(t, cache.Set(ctx, "short", []byte("s"), 2*time.Second))
	require.NoError(t, cache.Set(ctx, "forever", []byte("f"), 0))
	require.NoError(t, cache.Set(ctx, "forever2", []byte("f"), -time.Second))
	added, err = cache.Add(ctx, "short2", []byte("s"), 2*time.Second)
	require.NoError(t, err)
	require.True(t, added)
	wait(time.Second)
	has("short", "s")
	has("short2", "s")
	wait(2 * time.Second)
	gone("short")
	gone("short2")
	has("forever", "f")
	has("forever2", "f")
	added, err = cache.Add(ctx, "short", []byte("again"), 0)
	require.NoError(t, err)
	assert.True(t, added, "what has expired is free")

	// Of many Adds at one time one wins, and its value stays.
	for round := range 50 {
		key := fmt.Sprintf("race%d", round)
		var winners atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				value := fmt.Sprint(i)
				if added, err := cache.Add(ctx, key, []byte(value), time.Hour); err == nil && added {
					winners.Add(1)
					winner.Store(value)
				}
			})
		}
		wg.Wait()
		require.Equal(t, int32(1), winners.Load())
		has(key, winner.Load().(string))
	}
}

func TestMemoryCacheKeepsTheContract(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		testCacheContract(t, bbb.NewMemoryCache(), func(d time.Duration) { <-time.After(d) })
	})
}

// stubCache is a cache whose functions a test chooses; those that are nil do
// nothing.
type stubCache struct {
	get  func(key string) ([]byte, bool, error)
	fail error
	hang bool
	seen atomic.Int64
}

func (c *stubCache) wait(ctx context.Context) error {
	c.seen.Add(1)
	if c.hang {
		<-ctx.Done()
		return ctx.Err()
	}
	return c.fail
}

func (c *stubCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := c.wait(ctx); err != nil {
		return []byte("never to be used"), true, err
	}
	if c.get == nil {
		return nil, false, nil
	}
	return c.get(key)
}

func (c *stubCache) Set(ctx context.Context, _ string, _ []byte, _ time.Duration) error {
	return c.wait(ctx)
}

func (c *stubCache) Add(ctx context.Context, _ string, _ []byte, _ time.Duration) (bool, error) {
	err := c.wait(ctx)
	return err == nil, err
}

func (c *stubCache) Delete(ctx context.Context, _ string) error { return c.wait(ctx) }

// everyCall makes each call of a server once.
func everyCall(t *testing.T, s *bbb.Server) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"version":  func() error { _, err := s.Version(ctx); return err },
		"meetings": func() error { _, err := s.Meetings(ctx); return err },
		"create": func() error {
			_, err := s.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "other", Name: "Other"})
			return err
		},
		"meeting":          func() error { _, err := s.Meeting(ctx, "room"); return err },
		"isMeetingRunning": func() error { _, err := s.IsMeetingRunning(ctx, "room"); return err },
		"join": func() error {
			_, err := s.Join(ctx, bbb.JoinParams{MeetingID: "room", FullName: "Zoë", Role: bbb.RoleViewer})
			return err
		},
		"joinURL": func() error {
			_, err := s.JoinURL(ctx, bbb.JoinParams{MeetingID: "room", FullName: "Zoë", Role: bbb.RoleViewer})
			return err
		},
		"sessions": func() error { _, err := s.Sessions(ctx); return err },
		"cached":   func() error { s.CachedMeetings(ctx); return nil },
		"end":      func() error { return s.EndMeeting(ctx, "other", "") },
	}
}

// A cache that is down is a cache that knows nothing: no call fails for it.
func TestFailingCacheFailsNoCall(t *testing.T) {
	t.Parallel()
	var log lockedBuilder
	cache := &stubCache{fail: errors.New("cache is down: JSESSIONID=hunter2")}
	fake := bbbtest.New()
	g := wireGroup(t, bbb.WithCache(cache), bbb.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	s := wireServerAt(t, g, fake.URL(), fake.Secret(), fake.Transport())
	_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room"})
	require.NoError(t, err)
	for name, call := range everyCall(t, s) {
		require.NoError(t, call(), name)
	}
	assert.Positive(t, cache.seen.Load())
	assert.Contains(t, log.String(), "cache failed")
	assert.NotContains(t, log.String(), "hunter2")
}

// Nor does one that hangs hold a call up for longer than its time-out of half a
// second for each access.
func TestHangingCacheDelaysNoCallForLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := &stubCache{hang: true}
		fake := bbbtest.New()
		s := wireServerAt(t, wireGroup(t, bbb.WithCache(cache)), fake.URL(), fake.Secret(), fake.Transport())
		_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "room", Name: "Room"})
		require.NoError(t, err)
		for name, call := range everyCall(t, s) {
			before, start := cache.seen.Load(), time.Now()
			require.NoError(t, call(), name)
			accesses := cache.seen.Load() - before
			assert.Equal(t, time.Duration(accesses)*500*time.Millisecond, time.Since(start), name)
			assert.LessOrEqual(t, accesses, int64(3), name)
		}
		start := time.Now()
		for range 10 {
			_, err := s.Meetings(t.Context())
			require.NoError(t, err)
		}
		assert.LessOrEqual(t, time.Since(start), time.Second, "a slow cache is written to less often")
	})
}

// lockedBuilder is a strings.Builder for several goroutines.
type lockedBuilder struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedBuilder) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuilder) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
