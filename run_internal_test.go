package bbb

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A real clock goes on between the start of Run and the first look for servers. All of
// them counted as added meanwhile then and were asked in the first second, however long
// the interval was. In a bubble of synctest no time passes, so no test saw it.
func TestRunSpreadsItsFirstRoundOnARealClock(t *testing.T) {
	t.Parallel()
	g, err := NewGroup("school")
	require.NoError(t, err)
	for i := range 50 {
		_, err := g.New(fmt.Sprintf("bbb%d", i), fmt.Sprintf("https://bbb%d.example.org", i), "hush-hush-hush")
		require.NoError(t, err)
	}
	start := time.Now()
	r := &rounds{group: g, interval: 50 * time.Second, start: start, turns: make(map[*Server]*turn)}
	r.look(start.Add(time.Millisecond))
	tenths := make(map[time.Duration]int)
	for _, turn := range r.queue {
		assert.Equal(t, turn.place, turn.due)
		tenths[turn.due.Sub(start)/(5*time.Second)]++
	}
	require.Len(t, tenths, 10)
	for part, count := range tenths {
		assert.InDelta(t, 5, count, 1, "part %d", part)
	}

	// Those that are added later are asked soon.
	late, err := g.New("late", "https://late.example.org", "hush-hush-hush")
	require.NoError(t, err)
	r.look(start.Add(20 * time.Second))
	assert.Equal(t, start.Add(20*time.Second), r.turns[late].due)
}
