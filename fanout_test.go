package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// idle returns a group of n servers that nothing is sent to.
func idle(t *testing.T, n int, opts ...bbb.GroupOption) *bbb.Group {
	t.Helper()
	g := newEmptyGroup(t, opts...)
	for i := range n {
		_, err := g.New(fmt.Sprintf("bbb%d", i+1), fmt.Sprintf("bbb%d.test", i+1), "a-secret-of-idle")
		require.NoError(t, err)
	}
	return g
}

func TestFanOutKeepsTheOrderOfTheGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := idle(t, 5)
		var turn atomic.Int64
		results := bbb.FanOut(t.Context(), g, func(_ context.Context, s *bbb.Server) (string, error) {
			d := time.Duration(6-turn.Add(1)) * time.Second // who starts last is done first
			wait(t, d)
			return s.Name(), nil
		})
		require.NoError(t, results.Err("test"))
		assert.Equal(t, []string{"bbb1", "bbb2", "bbb3", "bbb4", "bbb5"}, results.Values())
		for i, s := range names(g) {
			assert.Equal(t, s, results[i].Server.Name())
			assert.Positive(t, results[i].Duration)
		}
	})
}

func TestFanOutIsBoundedByTheWorkers(t *testing.T) {
	t.Parallel()
	for _, workers := range []int{1, 3, 7, 100} {
		t.Run(fmt.Sprint(workers), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := idle(t, 7, bbb.WithWorkers(workers))
				var now, most atomic.Int64
				start := time.Now()
				results := bbb.FanOut(t.Context(), g, func(context.Context, *bbb.Server) (struct{}, error) {
					n := now.Add(1)
					defer now.Add(-1)
					for m := most.Load(); n > m && !most.CompareAndSwap(m, n); {
						m = most.Load()
					}
					wait(t, time.Second)
					return struct{}{}, nil
				})
				assert.EqualValues(t, min(workers, 7), most.Load(), "as many as allowed, and no more")
				rows := (7 + workers - 1) / workers
				assert.Equal(t, time.Duration(rows)*time.Second, time.Since(start))
				for _, r := range results {
					assert.Equal(t, time.Second, r.Duration, "waiting for a worker does not count")
				}
			})
		})
	}
}

func TestFanOutFailureStopsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := idle(t, 4, bbb.WithWorkers(2))
		broken := errors.New("broken")
		results := bbb.FanOut(t.Context(), g, func(ctx context.Context, s *bbb.Server) (string, error) {
			if s.Name() == "bbb1" || s.Name() == "bbb3" {
				return "not a value", broken
			}
			wait(t, time.Second)
			require.NoError(t, ctx.Err(), "the failure of another cancels nobody")
			return s.Name(), nil
		})
		assert.Equal(t, []string{"bbb2", "bbb4"}, results.Values(), "no value of those that failed")
		ge := groupError(t, results.Err("survey"))
		assert.Equal(t, []string{"bbb1", "bbb3"}, ge.Names())
		assert.Equal(t, 4, ge.Asked)
		assert.Equal(t, "survey", ge.Call)
		assert.False(t, ge.AllFailed())
		require.ErrorIs(t, ge, broken)
		assert.EqualError(t, ge, "bbb: survey: 2 of 4 servers failed: bbb1: broken; bbb3: broken")
	})
}

func TestFanOutCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := idle(t, 5, bbb.WithWorkers(2))
		why := errors.New("the user has left")
		ctx, cancel := context.WithCancelCause(t.Context())
		var started atomic.Int64
		results := bbb.FanOut(ctx, g, func(ctx context.Context, s *bbb.Server) (string, error) {
			if started.Add(1) == 2 {
				cancel(why)
			}
			<-ctx.Done()
			return s.Name(), nil
		})
		assert.EqualValues(t, 2, started.Load(), "the others did not start any more")
		assert.Equal(t, []string{"bbb1", "bbb2"}, results.Values())
		ge := groupError(t, results.Err("test"))
		assert.Equal(t, []string{"bbb3", "bbb4", "bbb5"}, ge.Names())
		require.ErrorIs(t, ge, why)
	})
}

func TestFanOutOverNobody(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	results := bbb.FanOut(t.Context(), g, func(context.Context, *bbb.Server) (int, error) { panic("not called") })
	assert.Empty(t, results)
	assert.Empty(t, results.Values())
	require.NoError(t, results.Err("test"), "a nil error, not a nil *GroupError in it")
}

// Five hundred servers behind a broken network are one cause: the text stays short,
// the error has them all.
func TestGroupErrorCountsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	g := idle(t, 20)
	broken := errors.New("broken")
	err := bbb.FanOut(t.Context(), g, func(_ context.Context, s *bbb.Server) (int, error) {
		if s.Name() == "bbb20" {
			return 0, broken
		}
		return 0, context.DeadlineExceeded
	}).Err("test")
	ge := groupError(t, err)
	assert.True(t, ge.AllFailed())
	assert.Len(t, ge.Names(), 20)
	assert.ErrorContains(t, ge, "bbb8: ")
	assert.ErrorContains(t, ge, "and 12 more")
	assert.NotContains(t, ge.Error(), "bbb9: ")
	require.ErrorIs(t, ge, broken, "errors.Is looks into those as well")
	var one bbb.ServerError
	require.ErrorAs(t, ge, &one)
	assert.Equal(t, "bbb1", one.Server)
}
