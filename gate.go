package bbb

import (
	"context"
	"sync"
	"sync/atomic"
)

// gate counts what goes on in a group, so that Close can wait for it. Every call passes
// it, so it is one number: how many are inside, and gateClosed once nobody else may enter.
type gate struct {
	state atomic.Int64
	once  sync.Once     // closes it
	empty chan struct{} // made before the gate is closed, closed when the last one has left
}

const gateClosed = 1 << 62

// enter lets a call in, which must call exit when it is done, or returns
// ErrClosed.
func (g *gate) enter() error {
	for {
		now := g.state.Load()
		if now&gateClosed != 0 {
			return ErrClosed
		}
		if g.state.CompareAndSwap(now, now+1) {
			return nil
		}
	}
}

// stay counts one more for somebody who is inside, and so before Close is done: what
// goes on for him and may outlast him. It is ended by exit.
func (g *gate) stay() { g.state.Add(1) }

// exit ends what enter or stay has begun. The number falls to zero behind a closed gate
// once, since nobody enters then and only who is inside may stay.
func (g *gate) exit() {
	if g.state.Add(-1) == gateClosed {
		close(g.empty)
	}
}

// insideKey marks the context of an operation that is inside the gate already:
// the calls that it makes get through although Close has begun, and Close waits
// for all of it.
type insideKey struct{}

// begin lets an operation of several calls in. done ends it.
func (g *Group) begin(ctx context.Context, call string) (_ context.Context, done func(), _ error) {
	if ctx.Value(insideKey{}) == g {
		return ctx, func() {}, nil
	}
	if err := g.gate.enter(); err != nil {
		return nil, nil, &Error{Call: call, Err: err}
	}
	return context.WithValue(ctx, insideKey{}, g), g.exit, nil
}

// close lets nobody in any more. It may be called again.
func (g *gate) close() {
	g.once.Do(func() {
		g.empty = make(chan struct{})
		if g.state.Or(gateClosed) == 0 {
			close(g.empty)
		}
	})
}

// count returns how many are inside.
func (g *gate) count() int { return int(g.state.Load() &^ gateClosed) }

func (g *gate) isClosed() bool { return g.state.Load()&gateClosed != 0 }

// wait returns when the last one has left, or with the error of ctx. The gate is closed.
func (g *gate) wait(ctx context.Context) error {
	select {
	case <-g.empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
