package bbb_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A hanging server costs the time-out until it counts as offline. From then on
// nobody waits for it; it is asked in the background and takes part again when it
// is back.
func TestOfflineServerIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		create(t, server(t, g, "bbb1"), "physics")
		heal := fakes[1].Inject(bbbtest.Fault{Hang: true})
		for range 3 {
			start := time.Now()
			_, err := g.Meetings(t.Context())
			assert.Equal(t, []string{"bbb2"}, groupError(t, noted(t, err)).Names())
			assert.Equal(t, bbb.DefaultRequestTimeout, time.Since(start))
		}
		for range 5 {
			start := time.Now()
			list, err := g.Meetings(t.Context())
			require.ErrorIs(t, noted(t, err), bbb.ErrOffline)
			assert.Equal(t, []string{"bbb2"}, groupError(t, err).Names())
			assert.Len(t, list, 1, "the others are there")
			_, err = g.Meeting(t.Context(), "unknown")
			require.ErrorIs(t, noted(t, err), bbb.ErrOffline)
			assert.Zero(t, time.Since(start), "nobody waits")
			wait(t, time.Second)
		}
		assert.LessOrEqual(t, fakes[1].Count("getMeetings"), 4, "one probe at a time")

		heal()
		wait(t, bbb.DefaultRequestTimeout) // the probe that hangs comes to its end
		_, err := g.Meetings(t.Context())
		require.ErrorIs(t, noted(t, err), bbb.ErrOffline, "this asks it in the background")
		synctest.Wait()
		require.NoError(t, g.Refresh(t.Context()))
	})
}

// When every server seems to be offline, it is rather us who were cut off: the
// first call after that finds them all.
func TestAllOfflineAreAskedAtOnce(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for _, f := range fakes {
		f.SetDown(true)
	}
	for range 4 {
		assert.True(t, groupError(t, noted(t, g.Refresh(t.Context()))).AllFailed())
	}
	for _, f := range fakes {
		f.SetDown(false)
	}
	require.NoError(t, g.Refresh(t.Context()))
}

// A server that failed gets no new meeting, and no user's meeting is the test of
// whether it is back.
func TestCreatesAreNoProbes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		heal := fakes[0].Inject(bbbtest.Fault{Hang: true})
		require.Error(t, noted(t, server(t, g, "bbb1").Refresh(t.Context())))
		for range 6 {
			wait(t, 15*time.Second)
			start := time.Now()
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, err)
			assert.Zero(t, time.Since(start))
		}
		assert.Zero(t, fakes[0].Count("create"))
		assert.Positive(t, fakes[0].Count("getMeetings"), "it is asked in the background")

		heal()
		for range 30 { // until it has been asked three times, and eased in
			wait(t, 15*time.Second)
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, err)
		}
		assert.Positive(t, fakes[0].Count("create"), "and takes meetings again")
	})
}

// readOnlyCache has what was there before, and takes nothing more: a store on a
// full disk, or a replica after its master has gone.
type readOnlyCache struct {
	bbb.Cache
	closed *atomic.Bool
}

var errReadOnly = errors.New("read only")

func (c readOnlyCache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if c.closed.Load() {
		return errReadOnly
	}
	return c.Cache.Set(ctx, key, value, ttl)
}

func (c readOnlyCache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if c.closed.Load() {
		return false, errReadOnly
	}
	return c.Cache.Add(ctx, key, value, ttl)
}

// The place of a meeting that is over could not be taken out of such a cache, so
// the group followed it there again and again, for ever.
func TestCacheThatTakesNothingMore(t *testing.T) {
	t.Parallel()
	cache := readOnlyCache{bbb.NewMemoryCache(), new(atomic.Bool)}
	fakes := newFakes(t, 3)
	first := newGroupOf(t, fakes, bbb.WithCache(cache))
	create(t, first, "physics")
	cache.closed.Store(true)
	holder(t, fakes, "physics").EndMeeting("physics")

	g := newGroupOf(t, fakes, bbb.WithCache(cache))
	quiet(fakes)
	m := create(t, g, "physics")
	assert.False(t, m.Existed())
	assert.LessOrEqual(t, requests(fakes, "*"), 8)
}

// The server has made the meeting; what it says to the next question must not
// send the create to another server.
func TestAnsweredCreateStaysWhereItIs(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusForbidden} {
		g, fakes := newGroup(t, 3)
		// Somebody else is faster, between the search and the create.
		for i, f := range fakes {
			var faster atomic.Bool
			f.Inject(bbbtest.Fault{Call: "create", Match: func(*http.Request) bool {
				if faster.Swap(true) {
					return false
				}
				createOn(t, fakes[i], bbb.CreateParams{MeetingID: "physics", ModeratorPW: "pw-mod-of-others", AttendeePW: "pw-att-of-others"})
				return false
			}})
			f.Inject(bbbtest.Fault{Call: "getMeetingInfo", Status: status})
		}
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", ModeratorPW: "pw-mod-of-others", AttendeePW: "pw-att-of-others"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown, "HTTP %d", status)
		assert.Len(t, holders(fakes, "physics"), 1)
	}
}
