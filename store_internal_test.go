package bbb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCacheKeysArePrintableAndShort(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, text := range []string{
		"room", "room 1", "room+1", "Zoë", "a:b", "a%3Ab", "\n", strings.Repeat("x", 200), strings.Repeat("x", 201),
		strings.Repeat("ä", 256), strings.Repeat("ä", 255) + "ö",
	} {
		key := cacheKey(text)
		assert.Regexp(t, `^[!-~]+$`, key)
		assert.NotContains(t, key, ":")
		assert.LessOrEqual(t, len(key), 200)
		assert.Empty(t, seen[key], "two texts share a key")
		seen[key] = text
	}
	st := newStore(nil, strings.Repeat("g", 1000), slog.New(slog.DiscardHandler), time.Now)
	assert.LessOrEqual(t, len(st.prefix+claimKey(strings.Repeat("ä", 256))), 600, "as Cache says")
}

func TestClaimsReadBack(t *testing.T) {
	t.Parallel()
	for _, state := range []string{claimPending, claimUnknown, claimPlaced, claimVoid} {
		c := claim{key: "k", token: "T", state: state, at: time.UnixMilli(1700000000123), baseURL: "https://a.test/bigbluebutton/api"}
		assert.Equal(t, c, parseClaim("k", string(c.encode())))
	}
	garbage := parseClaim("k", "gar bage")
	assert.Equal(t, claimVoid, garbage.state, "it can be taken over")
	assert.NotEmpty(t, garbage.token)
	assert.NotEqual(t, garbage.nextKey(), parseClaim("k", "other").nextKey())
}

// A claim is taken over by one process only, whoever tries at the same time, and
// the chain always ends in the one that counts.
func TestClaimsFormAChain(t *testing.T) {
	t.Parallel()
	st := newStore(NewMemoryCache(), "g", slog.New(slog.DiscardHandler), time.Now)
	ctx := t.Context()
	_, ok := st.claim(ctx, "room")
	require.False(t, ok)

	first, added := st.addClaim(ctx, "room", claim{}, claimPending, "https://a")
	require.True(t, added)
	_, added = st.addClaim(ctx, "room", claim{}, claimPending, "https://b")
	require.False(t, added, "the first place is taken")

	st.mark(ctx, first, claimVoid)
	second, added := st.addClaim(ctx, "room", first, claimPending, "https://b")
	require.True(t, added)
	_, added = st.addClaim(ctx, "room", first, claimPending, "https://c")
	require.False(t, added, "taken over already")
	st.mark(ctx, first, claimPlaced)
	last, ok := st.claim(ctx, "room")
	require.True(t, ok)
	assert.Equal(t, second.token, last.token, "late news of an old claim change nothing")

	st.dropClaims(ctx, "room")
	_, ok = st.claim(ctx, "room")
	assert.False(t, ok)
	_, ok = st.get(ctx, second.key)
	assert.False(t, ok)
}

// failingCache fails always, and says that it holds what it does not.
type failingCache struct{}

func (failingCache) Get(context.Context, string) ([]byte, bool, error) {
	return []byte("placed x"), true, errors.New("down")
}

func (failingCache) Set(context.Context, string, []byte, time.Duration) error {
	return errors.New("down")
}

func (failingCache) Add(context.Context, string, []byte, time.Duration) (bool, error) {
	return false, errors.New("down")
}

func (failingCache) Delete(context.Context, string) error { return errors.New("down") }

func TestFailingCacheIsAnEmptyOne(t *testing.T) {
	t.Parallel()
	st := newStore(failingCache{}, "g", slog.New(slog.DiscardHandler), time.Now)
	_, ok := st.claim(t.Context(), "room")
	assert.False(t, ok)
	assert.True(t, st.add(t.Context(), "k", nil, time.Hour), "the group works as if alone")
	st.set(t.Context(), "k", nil, time.Hour)
	st.delete(t.Context(), "k")
}

// What a call found out is worth keeping although its caller has gone; what a
// caller who has gone asks for is not.
func TestStoreAndCallersWhoHaveGone(t *testing.T) {
	t.Parallel()
	st := newStore(nil, "g", slog.New(slog.DiscardHandler), time.Now)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	st.set(gone, "k", []byte("v"), time.Hour)
	text, ok := st.get(t.Context(), "k")
	assert.True(t, ok)
	assert.Equal(t, "v", text)
	assert.False(t, st.add(t.Context(), "k", []byte("w"), time.Hour))
	st.delete(gone, "k")
	_, ok = st.get(t.Context(), "k")
	assert.False(t, ok)
}

// Groups of another name do not see each other in one Cache.
func TestGroupsOfOneCacheAreApart(t *testing.T) {
	t.Parallel()
	cache := NewMemoryCache()
	log := slog.New(slog.DiscardHandler)
	a, b, again := newStore(cache, "a", log, time.Now), newStore(cache, "a:place", log, time.Now), newStore(cache, "a", log, time.Now)
	a.set(t.Context(), claimKey("room"), claim{token: "T", state: claimPlaced, at: time.Now(), baseURL: "x"}.encode(), time.Hour)
	_, ok := b.claim(t.Context(), "room")
	assert.False(t, ok)
	c, ok := again.claim(t.Context(), "room")
	assert.True(t, ok)
	assert.Equal(t, "x", c.baseURL)
}

// An ID that is used every minute, as a probe of a monitor does, makes a long
// chain. The way to its end stays short, and the end does not get lost.
func TestLongChainIsShortToWalk(t *testing.T) {
	t.Parallel()
	cache := &countedCache{Cache: NewMemoryCache()}
	st := newStore(cache, "g", slog.New(slog.DiscardHandler), time.Now)
	ctx := t.Context()
	var last claim
	for i := range 2 * maxClaims {
		c, added := st.addClaim(ctx, "probe", last, claimPending, fmt.Sprint("https://", i))
		require.True(t, added)
		st.mark(ctx, c, claimVoid)
		last = c
		cache.gets = 0
		found, ok := st.claim(ctx, "probe")
		require.True(t, ok)
		require.Equal(t, c.token, found.token)
		require.LessOrEqual(t, cache.gets, 4)
	}
}

type countedCache struct {
	Cache
	gets int
}

func (c *countedCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	c.gets++
	return c.Cache.Get(ctx, key)
}
