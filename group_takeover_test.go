package bbb_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// physics is the create that all processes of these tests send.
var physics = bbb.CreateParams{Name: "Physics", MeetingID: "physics"}

// sentTo returns the fake that got a create, and one that did not.
func sentTo(t testing.TB, fakes []*bbbtest.Server) (hit, not *bbbtest.Server) {
	t.Helper()
	require.Equal(t, 1, attempts(fakes))
	for _, f := range fakes {
		if f.Count("create") == 1 {
			hit = f
		} else {
			not = f
		}
	}
	return hit, not
}

// One process has a create under way that its server is going to refuse. Were another
// process to send its own create there meanwhile, that might succeed, and the first
// one would go on to the next server: two meetings.
func TestWaiterInAnotherProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		a, b := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Latency: 5 * time.Second, Status: 429, Times: 1})
		}
		var first, second *bbb.Meeting
		doneA := after(func() { first = create(t, a, "physics") })
		wait(t, time.Second)
		hit, free := sentTo(t, fakes)
		free.ClearFaults()
		doneB := after(func() { second = create(t, b, "physics") })
		wait(t, 3*time.Second)
		assert.Equal(t, 1, attempts(fakes), "b waits")

		ctx, leave := context.WithTimeout(t.Context(), time.Second/2)
		defer leave()
		_, err := b.CreateMeeting(ctx, physics)
		require.ErrorIs(t, noted(t, err), context.DeadlineExceeded, "no longer than its caller")
		require.ErrorContains(t, err, "bbb: create: ")

		<-doneA
		<-doneB
		assert.Equal(t, []string{free.Name()}, holders(fakes, "physics"), "not on %s", hit.Name())
		assert.Equal(t, free.Name(), first.Server().Name())
		assert.Equal(t, free.Name(), second.Server().Name())
	})
}

// The process that claimed the ID has died. After as long as its create could have
// taken, it is as if the outcome of that create were unknown: the same server, again.
func TestWaiterForAProcessThatDied(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		g, fakes := newGroup(t, 3, bbb.WithCache(cache))
		claimed := server(t, g, "bbb2")
		require.NoError(t, cache.Set(t.Context(), "bbb:school:place:physics",
			fmt.Appendf(nil, "pending %d TOKEN %s", time.Now().UnixMilli(), claimed.BaseURL()), time.Hour))
		start := time.Now()
		m := create(t, g, "physics")
		assert.InDelta(t, 4*bbb.DefaultRequestTimeout, time.Since(start), float64(time.Second))
		assert.Equal(t, "bbb2", m.Server().Name())
		assert.Equal(t, []string{"bbb2"}, holders(fakes, "physics"))
	})
}

// A server leaves the group while it is claimed. Nobody waits for it any more, and
// what it has is no longer the group's.
func TestServerOfAClaimLeaves(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]bbbtest.Fault{
		"with the meeting":            {},
		"with a create under way":     {Call: "create", Hang: true},
		"with an outcome not known":   {Call: "create", Status: 502},
		"with a meeting not known of": {Call: "create", Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cache := bbb.NewMemoryCache()
				fakes := newFakes(t, 2)
				a, b := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
				for _, f := range fakes {
					f.Inject(fault)
				}
				done := after(func() {
					_, err := a.CreateMeeting(t.Context(), physics)
					_ = noted(t, err)
				})
				wait(t, time.Second)
				hit, free := sentTo(t, fakes)
				free.ClearFaults()
				assert.True(t, b.Remove(hit.Name()))
				start := time.Now()
				m := create(t, b, "physics")
				assert.Zero(t, time.Since(start))
				assert.False(t, m.Existed())
				assert.Equal(t, free.Name(), m.Server().Name())
				assert.Equal(t, free.Name(), locate(t, newGroupOf(t, []*bbbtest.Server{free}, bbb.WithCache(cache)), "physics"), "and others are told")
				<-done
			})
		})
	}
}

// The outcome of a create is unknown, and its server dies. One process finds that it
// is offline and takes the claim over. Another one, which has not noticed yet, follows.
func TestClaimOfAnOfflineServerIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 3)
		a := newGroupOf(t, fakes, bbb.WithCache(cache))
		b := newGroupOf(t, fakes, bbb.WithCache(cache))
		c := newGroupOf(t, fakes, bbb.WithCache(cache), w.option(t))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Drop: true, Times: 1})
		}
		_, err := a.CreateMeeting(t.Context(), physics)
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		dead, _ := sentTo(t, fakes)
		for _, f := range fakes {
			f.ClearFaults()
		}
		require.NoError(t, c.Refresh(t.Context())) // it has seen the meeting there
		dead.SetDown(true)
		quiet(fakes)

		var m *bbb.Meeting
		for i := range 4 {
			if m, err = b.CreateMeeting(t.Context(), physics); err == nil {
				break
			}
			require.Error(t, noted(t, err), "attempt %d", i+1)
			assert.Zero(t, attempts(fakes), "not before it is offline")
		}
		require.NoError(t, err)
		require.False(t, m.Existed())
		assert.True(t, create(t, a, "physics").Existed(), "it follows")
		for range 4 {
			if m, err = c.CreateMeeting(t.Context(), physics); noted(t, err) == nil {
				break
			}
		}
		require.NoError(t, err, "and so does who was sure to know better")
		assert.True(t, m.Existed())
		assert.Len(t, holders(fakes, "physics"), 2)

		dead.SetDown(false)
		for range 3 {
			_ = noted(t, c.Refresh(t.Context()))
			synctest.Wait()
		}
		require.Len(t, w.splits, 1, "the dead server is back with its twin")
		assert.ElementsMatch(t, []string{dead.Name(), m.Server().Name()}, []string{w.splits[0].Kept, w.splits[0].Other})
	})
}

// One process finds a claim of unknown outcome and then searches, which a slow server
// makes long. Meanwhile another process takes the claim over and creates the meeting
// elsewhere. The first one must not go by what it read before the search.
func TestClaimIsTakenOverDuringASearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 3)
		a, b, c := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Status: 502})
		}
		_, err := a.CreateMeeting(t.Context(), physics)
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		claimed, free := sentTo(t, fakes)
		for _, f := range fakes {
			f.ClearFaults()
		}
		free.Inject(bbbtest.Fault{Call: "getMeetings", Processed: true, Latency: 8 * time.Second, Times: 1})
		var late *bbb.Meeting
		done := after(func() { late = create(t, b, "physics") })
		wait(t, time.Second)

		claimed.SetDown(true)
		for range 3 {
			require.Error(t, noted(t, server(t, c, claimed.Name()).Refresh(t.Context())))
		}
		m := create(t, c, "physics")
		assert.NotEqual(t, claimed.Name(), m.Server().Name())
		claimed.SetDown(false)

		<-done
		assert.Equal(t, m.Server().Name(), late.Server().Name())
		assert.Equal(t, []string{m.Server().Name()}, holders(fakes, "physics"))
	})
}
