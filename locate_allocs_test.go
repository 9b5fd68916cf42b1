//go:build !race

// Under the race detector allocations tell nothing. The tests run without it, too.

package bbb

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A proxy looks for the server of a meeting at every request.
func TestLocateAllocations(t *testing.T) {
	g := busyGroup(t, 2, 0)
	s := g.members.Load().list[1]
	for i := range 1000 {
		g.places.set(busyID(i), s)
	}
	assert.Zero(t, testing.AllocsPerRun(200, func() {
		if got, err := g.Locate(t.Context(), "course-00000500"); got != s {
			t.Error(got, err)
		}
	}), "Locate")
	ctx, done, err := g.begin(t.Context(), "test")
	require.NoError(t, err)
	done()
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		_, done, _ := g.begin(t.Context(), "test")
		done()
	}), 1.0, "an operation of several calls marks its context")
	assert.Zero(t, testing.AllocsPerRun(200, func() {
		_, done, _ := g.begin(ctx, "test")
		done()
	}), "one within another")
}

// A list of the same meetings as before costs the same however many there are: the set
// takes a copy.
func TestRefreshAllocations(t *testing.T) {
	g := busyGroup(t, 1, 0)
	s, now := g.members.Load().list[0], time.Now()
	refresh := refreshed(s, 100)
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() {
		now = now.Add(time.Second)
		refresh(now)
	}), 1.0)
}
