package bbb

import (
	"context"
	"sync"
)

// gate counts what goes on in a group, so that Close can wait for it.
type gate struct {
	mu     sync.Mutex // protects the fields below
	inside int
	closed bool
	empty  chan struct{} // made by close, closed when the last one has left
}

// enter lets a call in, which must call exit when it is done, or returns
// ErrClosed.
func (g *gate) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return ErrClosed
	}
	g.inside++
	return nil
}

// stay counts one more for somebody who is inside, and so before Close is done: what
// goes on for him and may outlast him. It is ended by exit.
func (g *gate) stay() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside++
}

func (g *gate) exit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside--; g.inside == 0 && g.closed {
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
	return context.WithValue(ctx, insideKey{}, g), g.gate.exit, nil
}

// close lets nobody in any more. It may be called again.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return
	}
	g.closed, g.empty = true, make(chan struct{})
	if g.inside == 0 {
		close(g.empty)
	}
}

// count returns how many are inside.
func (g *gate) count() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside
}

func (g *gate) isClosed() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.closed
}

// wait returns when the last one has left, or with the error of ctx.
func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	empty := g.empty
	g.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
