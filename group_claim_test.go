package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

// Two processes that share a Cache create the same meeting at the same time. Without
// the claim, both would search in vain, and each would choose a server of its own.
func TestTwoProcessesCreateOneMeeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 4)
		processes := []*bbb.Group{
			newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache)),
		}
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Latency: time.Second})
		}
		for i := range 30 {
			id := fmt.Sprintf("room-%d", i)
			var wg sync.WaitGroup
			for _, g := range processes {
				for range 3 {
					wg.Go(func() { create(t, g, id) })
				}
			}
			wg.Wait()
			assert.Len(t, holders(fakes, id), 1, id)
		}
	})
}

// Without a common Cache they cannot know of each other while both are at it, but a
// meeting that is there is found.
func TestTwoProcessesWithoutACache(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 4)
	a, b := newGroupOf(t, fakes), newGroupOf(t, fakes)
	for i := range 10 {
		id := fmt.Sprintf("room-%d", i)
		create(t, a, id)
		assert.True(t, create(t, b, id).Existed())
		assert.Len(t, holders(fakes, id), 1)
	}
}

// The outcome of a create is unknown to one process. Another one that repeats it
// goes to the same server.
func TestUnknownOutcomeIsSharedWithOtherProcesses(t *testing.T) {
	t.Parallel()
	for range 5 {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 4)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Status: http.StatusBadGateway, Times: 1})
		}
		a, b := newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))
		_, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		var hit string
		for _, f := range fakes {
			f.ClearFaults()
			if f.Count("create") == 1 {
				hit = f.Name()
			}
		}
		assert.Equal(t, hit, create(t, b, "physics").Server().Name())
	}
}

// One process has a create under way on a server that another process cannot reach.
// The other one's refused connection says nothing of the first one's create: were the
// claim given up for it, the meeting would be created a second time elsewhere.
func TestRefusalDoesNotGiveUpTheClaimOfAnother(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		a := newGroupOf(t, fakes, bbb.WithCache(cache))
		b := newGroupOf(t, fakes, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "getMeetings", Latency: time.Second, Processed: true})
			f.Inject(bbbtest.Fault{Call: "create", Latency: 5 * time.Second, Times: 1})
		}
		var errA, errB error
		// Both search, and find nothing; a claims first.
		doneA := after(func() {
			_, errA = a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
		})
		wait(t, time.Millisecond)
		doneB := after(func() {
			_, errB = b.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
		})
		wait(t, time.Second-time.Millisecond/2) // a has sent its create, b not yet
		for _, f := range fakes {
			if f.Count("create") == 1 {
				f.Inject(bbbtest.Fault{Call: "create", Refuse: true, Times: 1})
			}
		}
		<-doneB
		<-doneA
		require.NoError(t, noted(t, errA))
		require.Error(t, noted(t, errB))
		assert.Len(t, holders(fakes, "physics"), 1)
		assert.True(t, create(t, b, "physics").Existed(), "the repetition finds it")
	})
}

// A meeting known to be on a server that does not answer is not created elsewhere
// before that server has failed three times in a row; afterwards it is.
func TestMeetingOnAFailingServer(t *testing.T) {
	t.Parallel()
	for kind, known := range map[string]func(t *testing.T, fakes []*bbbtest.Server) *bbb.Group{
		"known from the index": func(t *testing.T, fakes []*bbbtest.Server) *bbb.Group {
			g := newGroupOf(t, fakes)
			create(t, g, "physics")
			return g
		},
		"known from the cache": func(t *testing.T, fakes []*bbbtest.Server) *bbb.Group {
			cache := bbb.NewMemoryCache()
			create(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "physics")
			return newGroupOf(t, fakes, bbb.WithCache(cache))
		},
		"claimed": func(t *testing.T, fakes []*bbbtest.Server) *bbb.Group {
			g := newGroupOf(t, fakes)
			for _, f := range fakes {
				defer f.Inject(bbbtest.Fault{Call: "create", Drop: true})()
			}
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			s := server(t, g, holder(t, fakes, "physics").Name())
			require.NoError(t, s.Refresh(t.Context())) // it answers again
			return g
		},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			fakes := newFakes(t, 3)
			g := known(t, fakes)
			held := holder(t, fakes, "physics")
			held.SetDown(true)
			for i := range 3 {
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
				require.Error(t, noted(t, err), "attempt %d", i+1)
				assert.ErrorContains(t, err, held.Name())
				assert.Len(t, holders(fakes, "physics"), 1, "attempt %d", i+1)
			}
			m := create(t, g, "physics")
			assert.False(t, m.Existed())
			assert.NotEqual(t, held.Name(), m.Server().Name())
			assert.True(t, create(t, g, "physics").Existed(), "the new place is known")
			found, err := g.Meeting(t.Context(), "physics")
			require.NoError(t, err)
			assert.Equal(t, m.Server(), found.Server())
		})
	}
}

// The failures must come in a row: one answer in between begins anew.
func TestFailuresInARow(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	create(t, g, "physics")
	held := holder(t, fakes, "physics")
	p := bbb.CreateParams{Name: "Physics", MeetingID: "physics"}
	for range 5 {
		held.SetDown(true)
		for range 2 {
			_, err := g.CreateMeeting(t.Context(), p)
			require.Error(t, noted(t, err))
		}
		held.SetDown(false)
		assert.True(t, create(t, g, "physics").Existed())
	}
	assert.Equal(t, []string{held.Name()}, holders(fakes, "physics"))
}

// A claim for a server that this group does not have says nothing to it.
func TestClaimForAServerThatIsNotOurs(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"placed", "pending"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			cache := bbb.NewMemoryCache()
			g, fakes := newGroup(t, 2, bbb.WithCache(cache))
			require.NoError(t, cache.Set(t.Context(), "bbb:school:place:physics", fmt.Appendf(nil, "%s %d TOKEN http://gone.test/bigbluebutton/api", state, time.Now().UnixMilli()), time.Hour))
			_, err := g.Meeting(t.Context(), "physics")
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
			m := create(t, g, "physics")
			assert.Equal(t, []string{m.Server().Name()}, holders(fakes, "physics"))
			text, ok, err := cache.Get(t.Context(), "bbb:school:place@TOKEN")
			require.NoError(t, err)
			require.True(t, ok, "taken over for the others")
			assert.Regexp(t, "^placed .* "+m.Server().BaseURL()+"$", string(text))
		})
	}
}

// The caller has gone when the last server refused: the claim must not stay behind,
// or repetitions would insist on that server for ten minutes.
func TestClaimIsGivenUpAlthoughTheCallerHasGone(t *testing.T) {
	t.Parallel()
	cache := politeCache{bbb.NewMemoryCache()}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	g, fakes := newGroup(t, 2, bbb.WithCache(cache), bbb.WithObserver(observing(t, bbb.Observer{
		CallDone: func(_ context.Context, e bbb.CallEvent) {
			if e.Call == "create" {
				leave()
			}
		},
	})))
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: "create", Refuse: true})
	}
	_, err := g.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	require.Error(t, noted(t, err))
	require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown)
	text, _, err := cache.Get(t.Context(), "bbb:school:place:physics")
	require.NoError(t, err)
	assert.Regexp(t, "^void ", string(text))
}

// politeCache obeys its context, as a cache on a network does.
type politeCache struct{ bbb.Cache }

func (c politeCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if ctx.Err() != nil {
		return nil, false, ctx.Err()
	}
	return c.Cache.Get(ctx, key)
}

// A claim that the Cache failed to take counts as ours, for want of better. When the server refused after that, it
// was given up by writing over the claim of the process that really had it, and the meeting was created twice.
func TestGivingUpLeavesTheClaimOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := bbb.NewMemoryCache()
		fakes := newFakes(t, 3)
		only := func(name string) bbb.GroupOption {
			return bbb.WithCheckers(func(s *bbb.Server, _ bbb.Criteria) bbb.Factor {
				factor := bbb.Factor{Checker: "name", Value: 0.5}
				if s.Name() == name {
					factor.Value = 1
				}
				return factor
			})
		}
		other := newGroupOf(t, fakes, bbb.WithCache(shared), only("bbb2"))
		defer fakes[1].Inject(bbbtest.Fault{Call: "create", Latency: 3 * time.Second, Times: 1})()
		defer fakes[0].Inject(bbbtest.Fault{Call: "create", Status: http.StatusForbidden})()
		created := make(chan struct{})
		g := newGroupOf(t, fakes, only("bbb1"), bbb.WithCache(&brokenAdd{Cache: shared, broken: sync.OnceFunc(func() {
			go func() {
				defer close(created)
				_, err := other.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
				assert.NoError(t, noted(t, err))
			}()
			wait(t, 100*time.Millisecond)
		})}))
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", AttendeePW: "attendee-x", ModeratorPW: "moderator-x"})
		_ = noted(t, err)
		<-created
		assert.Equal(t, []string{"bbb2"}, holders(fakes, "physics"))
	})
}

// brokenAdd is a Cache whose first Add gets no answer.
type brokenAdd struct {
	bbb.Cache

	broken func()
	once   atomic.Bool
}

func (c *brokenAdd) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if c.once.CompareAndSwap(false, true) {
		c.broken()
		return false, errors.New("the connection broke")
	}
	return c.Cache.Add(ctx, key, value, ttl)
}
