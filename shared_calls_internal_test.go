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

// Callers come and go at random, and some change something first. Each gets an answer to a question that
// began at most shareTime before he came, and after every change up to then; no two questions of a kind
// are under way together, and none goes on for nobody.
func TestSharedCallsAtRandom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const callers, kinds = 2000, 3
		type asking struct {
			began   time.Time
			changes uint64
		}
		g, err := NewGroup("school")
		require.NoError(t, err)
		var (
			calls    sharedCalls[int, asking]
			wg       sync.WaitGroup
			underWay [kinds]atomic.Int32
			asked    atomic.Int32
			left     atomic.Int32
			joined   atomic.Int32
		)
		rng := rand.New(rand.NewPCG(7, 7))
		tick := func(most int) time.Duration { return time.Duration(1+rng.IntN(most)) * time.Millisecond }
		for range callers {
			comes, stays, lasts, kind, changes := tick(1000), tick(60), tick(20), rng.IntN(kinds), rng.IntN(8) == 0
			wg.Go(func() {
				<-time.After(comes)
				ctx, done, err := g.begin(t.Context(), "test")
				if !assert.NoError(t, err) {
					return
				}
				defer done()
				ctx, cancel := context.WithTimeout(ctx, stays)
				defer cancel()
				if changes {
					g.changes.Add(1)
				}
				came, seen := time.Now(), g.changes.Load()
				got, err := calls.ask(ctx, g, kind, question[asking]{
					ask: func(ctx context.Context) (asking, error) {
						asked.Add(1)
						assert.EqualValues(t, 1, underWay[kind].Add(1))
						defer underWay[kind].Add(-1)
						own := asking{time.Now(), g.changes.Load()}
						select {
						case <-time.After(lasts):
							return own, nil
						case <-ctx.Done():
							return own, ctx.Err()
						}
					},
					soFar: func(ctx context.Context) (asking, error) { return asking{}, ended(ctx) },
				})
				if errors.Is(err, context.DeadlineExceeded) {
					left.Add(1)
					assert.Equal(t, stays, time.Since(came), "nobody waits longer than he wants")
					return
				}
				assert.NoError(t, err, "whoever stays is not affected by those who leave")
				assert.False(t, got.began.Before(came.Add(-shareTime)))
				assert.GreaterOrEqual(t, got.changes, seen)
				if got.began.Before(came) {
					joined.Add(1)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		assert.Empty(t, calls.now)
		assert.Zero(t, g.gate.count())
		assert.Positive(t, left.Load())
		assert.Positive(t, joined.Load())
		assert.Less(t, asked.Load(), int32(callers/4))
		require.NoError(t, g.Close(context.Background()))
	})
}

// A question that everybody has left is over, however long it takes to notice that.
func TestNobodyJoinsAQuestionThatWasLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, err := NewGroup("school")
		require.NoError(t, err)
		var calls sharedCalls[string, int]
		asked := 0
		ask := func(ctx context.Context) (int, error) {
			ctx, done, err := g.begin(ctx, "test")
			require.NoError(t, err)
			defer done()
			return calls.ask(ctx, g, "", question[int]{
				ask: func(ctx context.Context) (int, error) {
					asked++
					<-time.After(5 * time.Millisecond)
					return asked, ctx.Err()
				},
				soFar: func(ctx context.Context) (int, error) { return 0, ended(ctx) },
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err = ask(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		got, err := ask(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 2, got)
		require.NoError(t, g.Close(context.Background()))
	})
}

// What came so far is put together before the question is given up: a server that still hangs has not
// failed because the last caller has gone.
func TestSoFarIsFromBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, err := NewGroup("school")
		require.NoError(t, err)
		var calls sharedCalls[int, error]
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		askings := make(chan context.Context, 1)
		var asking context.Context
		got, _ := calls.ask(ctx, g, 0, question[error]{
			ask: func(ctx context.Context) (error, error) {
				askings <- ctx
				<-ctx.Done()
				return nil, ctx.Err()
			},
			soFar: func(context.Context) (error, error) {
				asking = <-askings
				return asking.Err(), nil
			},
		})
		require.NoError(t, got)
		synctest.Wait()
		require.Error(t, asking.Err())
	})
}
