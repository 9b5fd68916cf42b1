package bbb

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestGateWaitsForThoseInside(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var g gate
		require.NoError(t, g.enter())
		require.NoError(t, g.enter())
		assert.False(t, g.isClosed())
		g.close()
		g.close()
		assert.True(t, g.isClosed())
		require.ErrorIs(t, g.enter(), ErrClosed)

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.wait(ctx), context.DeadlineExceeded, "two are inside")
		g.exit()
		out := make(chan error, 3)
		for range 3 {
			go func() { out <- g.wait(t.Context()) }()
		}
		synctest.Wait()
		assert.Empty(t, out, "one is inside")
		g.exit()
		for range 3 {
			require.NoError(t, <-out)
		}
		require.NoError(t, g.wait(t.Context()), "again, later")
	})
}

func TestEmptyGateClosesAtOnce(t *testing.T) {
	t.Parallel()
	var g gate
	require.NoError(t, g.enter())
	g.exit()
	g.close()
	require.NoError(t, g.wait(t.Context()))
}

// Whoever gets in is waited for, with those who stay for him, and after that nobody gets
// in: the gate is compared with counts of its own.
func TestGateUnderLoad(t *testing.T) {
	t.Parallel()
	for range 100 {
		var (
			g       gate
			inside  atomic.Int64
			over    atomic.Bool
			callers sync.WaitGroup
			late    sync.WaitGroup // those who stay
		)
		leave := func() {
			assert.False(t, over.Load(), "Close did not wait")
			inside.Add(-1)
			g.exit()
		}
		for i := range 8 {
			callers.Go(func() {
				for g.enter() == nil {
					inside.Add(1)
					if i%2 == 0 {
						g.stay()
						inside.Add(1)
						late.Go(leave)
					}
					leave()
				}
			})
		}
		for range 2 { // who comes second waits as well
			callers.Go(func() {
				g.close()
				assert.NoError(t, g.wait(t.Context()))
				assert.Zero(t, inside.Load())
				over.Store(true)
				assert.ErrorIs(t, g.enter(), ErrClosed)
			})
		}
		callers.Wait()
		late.Wait()
		require.Zero(t, g.count())
		require.True(t, g.isClosed())
	}
}

func TestKeyLocksExcludeByKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var k keyLocks
		unlock, err := k.lock(t.Context(), "a")
		require.NoError(t, err)
		other, err := k.lock(t.Context(), "b")
		require.NoError(t, err, "another key is free")
		other()

		mine := errors.New("enough")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, mine)
		defer cancel()
		_, err = k.lock(ctx, "a")
		require.ErrorIs(t, err, mine)

		got := make(chan struct{})
		go func() {
			unlock, err := k.lock(t.Context(), "a")
			if assert.NoError(t, err) {
				close(got)
				unlock()
			}
		}()
		synctest.Wait()
		select {
		case <-got:
			t.Error("two hold the lock")
		default:
		}
		unlock()
		<-got
		synctest.Wait()
		assert.Empty(t, k.locks, "a lock that nobody wants takes no memory")
	})
}

func TestKeyLocksUnderLoad(t *testing.T) {
	t.Parallel()
	var k keyLocks
	counts := map[string]*int{"a": new(int), "b": new(int)}
	var wg sync.WaitGroup
	for range 50 {
		for key, n := range counts {
			wg.Go(func() {
				for range 20 {
					unlock, err := k.lock(t.Context(), key)
					if !assert.NoError(t, err) {
						return
					}
					*n++ // the race detector sees whoever is not alone
					unlock()
				}
			})
		}
	}
	wg.Wait()
	assert.Equal(t, 1000, *counts["a"])
	assert.Equal(t, 1000, *counts["b"])
	assert.Empty(t, k.locks)
}
