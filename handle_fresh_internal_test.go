package bbb

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Callers come and go at random. Each gets an answer to a question that began after he came, no two
// questions of a kind are under way together, and none goes on for nobody.
func TestSharedCallsAtRandom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, kinds = 2000, 3
		g, err := NewGroup("school")
		require.NoError(t, err)
		var (
			calls    sharedCalls[int, time.Time]
			wg       sync.WaitGroup
			underWay [kinds]atomic.Int32
			asked    atomic.Int32
			left     atomic.Int32
		)
		rng := rand.New(rand.NewPCG(7, 7))
		tick := func(most int) time.Duration { return time.Duration(1+rng.IntN(most)) * time.Millisecond }
		for range callers {
			comes, stays, lasts, kind := tick(1000), tick(60), tick(20), rng.IntN(kinds)
			wg.Go(func() {
				<-time.After(comes)
				ctx, done, err := g.begin(t.Context(), "test")
				if !assert.NoError(t, err) {
					return
				}
				defer done()
				ctx, cancel := context.WithTimeout(ctx, stays)
				defer cancel()
				came := time.Now()
				began, err := calls.ask(ctx, g, "test", kind, func(ctx context.Context) (time.Time, error) {
					asked.Add(1)
					assert.EqualValues(t, 1, underWay[kind].Add(1))
					defer underWay[kind].Add(-1)
					began := time.Now()
					select {
					case <-time.After(lasts):
						return began, nil
					case <-ctx.Done():
						return began, ctx.Err()
					}
				})
				if errors.Is(err, context.DeadlineExceeded) {
					left.Add(1)
					assert.Equal(t, stays, time.Since(came), "nobody waits longer than he wants")
					return
				}
				assert.NoError(t, err, "whoever stays is not affected by those who leave")
				assert.False(t, began.Before(came))
			})
		}
		wg.Wait()
		synctest.Wait()
		assert.Empty(t, calls.now)
		assert.Zero(t, g.gate.count())
		assert.Positive(t, left.Load())
		assert.Less(t, asked.Load(), int32(callers/4))
		require.NoError(t, g.Close(context.Background()))
	})
}
