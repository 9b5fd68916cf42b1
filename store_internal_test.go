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
	st := newStore(nil, strings.Repeat("g", 1000), slog.New(slog.DiscardHandler))
	assert.LessOrEqual(t, len(st.prefix+claimKey(strings.Repeat("ä", 256))), 600, "as Cache says")
}

func TestClaimsReadBack(t *testing.T) {
	t.Parallel()
	for _, c := range []claim{{baseURL: "https://a.test/bigbluebutton/api"}, {baseURL: "https://a.test/b", pending: true}} {
		got, ok := parseClaim(string(c.encode()))
		assert.True(t, ok)
		assert.Equal(t, c, got)
	}
	_, ok := parseClaim("garbage")
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
	st := newStore(failingCache{}, "g", slog.New(slog.DiscardHandler))
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
	st := newStore(nil, "g", slog.New(slog.DiscardHandler))
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
	a, b, again := newStore(cache, "a", log), newStore(cache, "a:place", log), newStore(cache, "a", log)
	a.set(t.Context(), claimKey("room"), claim{baseURL: "x"}.encode(), time.Hour)
	_, ok := b.claim(t.Context(), "room")
	assert.False(t, ok)
	c, ok := again.claim(t.Context(), "room")
	assert.True(t, ok)
	assert.Equal(t, "x", c.baseURL)
}

func at(minute int, ids ...string) (time.Time, []*Meeting) {
	when := time.Date(2024, 2, 8, 9, minute, 0, 0, time.UTC)
	list := make([]*Meeting, len(ids))
	for i, id := range ids {
		list[i] = &Meeting{ID: id, FetchedAt: when}
	}
	return when, list
}

func idsOf(meetings []*Meeting) (ids []string) {
	for _, m := range meetings {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestMeetingSetReplaces(t *testing.T) {
	t.Parallel()
	var c meetingSet
	assert.Empty(t, c.replace(at(1, "a", "b", "c")))
	assert.Equal(t, []string{"b"}, c.replace(at(2, "a", "c", "d")))
	assert.Nil(t, c.get("b"))
	assert.Empty(t, c.replace(at(1, "b")), "an older answer that took longer")
	assert.Equal(t, 3, c.len())

	_, late := at(5, "e")
	c.put(late[0])
	_, newer := at(5, "a")
	c.put(newer[0])
	assert.Equal(t, []string{"c"}, c.replace(at(4, "a", "d")), "e came while the list was on its way")
	assert.Equal(t, []string{"a", "d", "e"}, idsOf(c.since(nil, time.Time{})))
	assert.Same(t, newer[0], c.get("a"), "what is newer than the list stays")

	_, old := at(1, "a")
	c.put(old[0])
	assert.Same(t, newer[0], c.get("a"))
	c.drop("d")
	c.drop("no-such")
	from, _ := at(5)
	assert.Equal(t, []string{"a", "e"}, idsOf(c.since(nil, from)))
	assert.Equal(t, 2, c.len())
	assert.Empty(t, c.replace(at(6, "a", "e")), "what was dropped is not gone once more")
}

// A process that only creates and joins never sees a whole list that would clear
// out what is over.
func TestMeetingSetTidiesItself(t *testing.T) {
	t.Parallel()
	var c meetingSet
	start := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	gone := map[string]bool{}
	most := 0
	for i := range 20_000 {
		m := &Meeting{ID: fmt.Sprint(i), FetchedAt: start.Add(time.Duration(i) * time.Minute)}
		for _, id := range c.put(m) {
			require.False(t, gone[id])
			gone[id] = true
		}
		most = max(most, len(c.list))
		require.Same(t, m, c.get(m.ID))
	}
	perDay := int(placementTime / time.Minute)
	assert.LessOrEqual(t, most, 2*perDay+1024)
	assert.Greater(t, len(gone), 20_000-2*perDay-1024)
	assert.False(t, gone["19999"])
	assert.Nil(t, c.get("0"))
}
