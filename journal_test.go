package bbb_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newJournal(t *testing.T) bbb.Journal {
	t.Helper()
	j, ok := bbb.NewMemoryCache().(bbb.Journal)
	require.True(t, ok)
	return j
}

func appendTo(t *testing.T, j bbb.Journal, key string, ttl time.Duration, entries ...string) {
	t.Helper()
	var list [][]byte
	for _, e := range entries {
		list = append(list, []byte(e))
	}
	require.NoError(t, j.Append(t.Context(), key, ttl, list...))
}

func readFrom(t *testing.T, j bbb.Journal, key, after string) (texts []string, last string) {
	t.Helper()
	entries, last, err := j.ReadAfter(t.Context(), key, after)
	require.NoError(t, err)
	for _, e := range entries {
		texts = append(texts, string(e))
	}
	return texts, last
}

func TestMemoryJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := newJournal(t)
		none, start := readFrom(t, j, "a", "")
		assert.Empty(t, none)
		assert.Empty(t, start)

		appendTo(t, j, "a", time.Minute, "1", "2")
		appendTo(t, j, "b", time.Minute, "other")
		all, second := readFrom(t, j, "a", "")
		assert.Equal(t, []string{"1", "2"}, all)
		none, still := readFrom(t, j, "a", second)
		assert.Empty(t, none)
		assert.Equal(t, second, still)

		wait(t, 30*time.Second)
		appendTo(t, j, "a", time.Minute, "3")
		more, third := readFrom(t, j, "a", second)
		assert.Equal(t, []string{"3"}, more)

		wait(t, 31*time.Second)
		appendTo(t, j, "a", time.Minute, "4")
		all, fourth := readFrom(t, j, "a", "")
		assert.Equal(t, []string{"3", "4"}, all, "what is old goes when something is added")
		more, _ = readFrom(t, j, "a", third)
		assert.Equal(t, []string{"4"}, more, "positions stay")
		more, _ = readFrom(t, j, "a", second)
		assert.Equal(t, []string{"3", "4"}, more)
		more, _ = readFrom(t, j, "a", fourth)
		assert.Empty(t, more)
		for _, strange := range []string{"x", "-7"} {
			all, _ = readFrom(t, j, "a", strange)
			assert.Equal(t, []string{"3", "4"}, all)
		}
	})
}

// Nothing that is handed in or out is kept or changed, and concurrent appends get
// places of their own.
func TestMemoryJournalIsItsOwn(t *testing.T) {
	t.Parallel()
	j := newJournal(t)
	text := []byte("abc")
	require.NoError(t, j.Append(t.Context(), "a", time.Minute, text))
	text[0] = 'x'
	out, _, err := j.ReadAfter(t.Context(), "a", "")
	require.NoError(t, err)
	out[0][1] = 'x'
	again, _ := readFrom(t, j, "a", "")
	assert.Equal(t, []string{"abc"}, again)

	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			for k := range 50 {
				assert.NoError(t, j.Append(t.Context(), "b", time.Minute, fmt.Appendf(nil, "%d-%d", i, k)))
			}
		})
	}
	seen := make(map[string]bool)
	position := ""
	for len(seen) < 1000 {
		var texts []string
		texts, position = readFrom(t, j, "b", position)
		for _, e := range texts {
			assert.False(t, seen[e], "%s came twice", e)
			seen[e] = true
		}
	}
	wg.Wait()
}
