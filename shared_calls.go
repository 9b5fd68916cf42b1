package bbb

import (
	"context"
	"sync"
	"time"
)

const (
	// shareTime is how old a question under way may be for others to join it, if nothing
	// was changed through the group since. It is about what clocks and ways differ by anyhow: a caller
	// cannot tell whether what somebody else did that short a time before was done before he asked.
	shareTime = 10 * time.Millisecond
	// overtakeTime is when the next question may begin although the one under way has not ended,
	// if most of its answer is there, and overtakeAnyway is when it may if not. What is slow is
	// asked at most so often then, instead of once.
	overtakeTime   = 100 * time.Millisecond
	overtakeAnyway = time.Second
)

// question is what several callers may ask together.
type question[T any] struct {
	// ask gets the answer. Its context ends when the last caller has left.
	ask func(context.Context) (T, error)
	// soFar is the answer for a caller whose context ended before ask did.
	soFar func(context.Context) (T, error)
	// mostly reports whether most of the answer is there, so that the next question need not
	// wait for the rest, which hangs. It may be nil for an answer that comes in one piece.
	mostly func() bool
}

// sharedCalls makes one call for all who want the same at the same time. Whoever comes when one has just
// begun (shareTime) and nothing was changed through the group since then, takes part in it. Of an older one
// the answer may not tell what he has just done: he waits for the next, with all others who come
// meanwhile. So of one kind one call is under way and one waits, however many callers there are; besides
// those that hang and were overtaken.
type sharedCalls[K comparable, T any] struct {
	mu  sync.Mutex // protects now, and the fields of each call that say so
	now map[K]*sharedCall[T]
}

// sharedCall is one call and those who wait for it.
type sharedCall[T any] struct {
	question[T]
	ctx      context.Context //nolint:containedctx // ends when the last caller has left
	cancel   context.CancelFunc
	began    time.Time
	changes  uint64         // of the group, when it began
	callers  int            // protected by sharedCalls.mu
	next     *sharedCall[T] // protected by sharedCalls.mu
	overtake *time.Timer    // of one that is next: has it begun although the one before goes on; nil for the first
	done     chan struct{}  // closed when the two below are set
	value    T
	err      error
}

// ask returns the answer to q, or to the same question of another caller. A caller whose context ends
// leaves the call to the others; when the last one has left, the call's context ends. The caller must be inside
// the gate of the group.
func (sc *sharedCalls[K, T]) ask(ctx context.Context, g *Group, key K, q question[T]) (T, error) {
	if ctx.Err() != nil {
		return q.soFar(ctx)
	}
	c := sc.join(ctx, g, key, q)
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		defer sc.leave(key, c) // not before: what ends then would be in the answer, as cancelled by nobody
		return c.soFar(ctx)
	}
}

// join returns the call that a new caller waits for.
func (sc *sharedCalls[K, T]) join(ctx context.Context, g *Group, key K, q question[T]) (c *sharedCall[T]) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	now := sc.now[key]
	switch {
	case now == nil:
		c = newSharedCall(ctx, q)
		sc.begin(g, key, c)
	case now.callers > 0 && now.changes == g.changes.Load() && time.Since(now.began) <= shareTime:
		c = now
	case now.next != nil:
		c = now.next
	default:
		c = newSharedCall(ctx, q)
		now.next = c
		wait := overtakeTime
		if now.mostly == nil {
			wait = overtakeAnyway
		}
		c.overtake = time.AfterFunc(max(wait-time.Since(now.began), 0), func() { sc.tryOvertake(g, key, now) })
	}
	c.callers++
	return c
}

func newSharedCall[T any](ctx context.Context, q question[T]) *sharedCall[T] {
	c := &sharedCall[T]{question: q, done: make(chan struct{})}
	// The values of the context are those of the first caller.
	c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // begin and leave call it
	return c
}

// begin makes a call that somebody waits for, who is inside the gate. The lock is held.
func (sc *sharedCalls[K, T]) begin(g *Group, key K, c *sharedCall[T]) {
	if sc.now == nil {
		sc.now = make(map[K]*sharedCall[T])
	}
	sc.now[key] = c
	c.began, c.changes = time.Now(), g.changes.Load()
	g.gate.stay()
	go func() {
		defer g.gate.exit()
		c.value, c.err = c.ask(c.ctx)
		c.cancel()
		sc.mu.Lock()
		defer sc.mu.Unlock()
		close(c.done)
		if sc.now[key] == c { // not overtaken
			sc.advance(g, key, c)
		}
	}()
}

// advance makes the next call the one under way, if there is one. The lock is held.
func (sc *sharedCalls[K, T]) advance(g *Group, key K, now *sharedCall[T]) {
	next := now.next
	if next == nil {
		delete(sc.now, key)
		return
	}
	now.next = nil
	next.overtake.Stop()
	sc.begin(g, key, next)
}

// tryOvertake begins the call that waits for now, if most of what that asks for is there.
func (sc *sharedCalls[K, T]) tryOvertake(g *Group, key K, now *sharedCall[T]) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	switch {
	case sc.now[key] != now || now.next == nil: // it has begun, or is not wanted any more
	case time.Since(now.began) >= overtakeAnyway, now.mostly != nil && now.mostly():
		sc.advance(g, key, now)
	default:
		now.next.overtake.Reset(overtakeTime)
	}
}

// leave takes one caller off a call.
func (sc *sharedCalls[K, T]) leave(key K, c *sharedCall[T]) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	if c.callers--; c.callers > 0 {
		return
	}
	c.cancel()
	if now := sc.now[key]; now != nil && now.next == c {
		now.next = nil
		c.overtake.Stop()
	}
}
