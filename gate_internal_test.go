package bbb

import (
	"context"
	"errors"
	"sync"
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
