package bbb

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// requestContext is the context of a request with the deadline of the handler. What enforces that, a
// timer and a channel, is made when somebody first waits for the end of the context: an answer out of memory waits
// for nothing, and making it costs less than they do.
type requestContext struct {
	context.Context //nolint:containedctx // it is one, of which this is the parent

	until time.Time
	once  sync.Once
	timed atomic.Pointer[timedContext] // nil until somebody waits
	over  atomic.Bool
}

type timedContext struct {
	context.Context //nolint:containedctx // ends with the requestContext
	cancel          context.CancelFunc
}

// waited returns the context that somebody can wait for.
func (c *requestContext) waited() context.Context {
	c.once.Do(func() {
		ctx, cancel := context.WithDeadline(c.Context, c.until)
		c.timed.Store(&timedContext{ctx, cancel})
		if c.over.Load() {
			cancel()
		}
	})
	return c.timed.Load()
}

// end ends the context, as the function does that context.WithDeadline returns.
func (c *requestContext) end() {
	c.over.Store(true)
	if t := c.timed.Load(); t != nil {
		t.cancel()
	}
}

// Deadline implements [context.Context].
func (c *requestContext) Deadline() (time.Time, bool) {
	if earlier, ok := c.Context.Deadline(); ok && earlier.Before(c.until) {
		return earlier, true
	}
	return c.until, true
}

// Done implements [context.Context].
func (c *requestContext) Done() <-chan struct{} { return c.waited().Done() }

// Err implements [context.Context].
func (c *requestContext) Err() error {
	if t := c.timed.Load(); t != nil {
		return t.Err()
	}
	if err := c.Context.Err(); err != nil || !c.over.Load() && time.Now().Before(c.until) {
		return err
	}
	return c.waited().Err()
}

// Value implements [context.Context]. Contexts that are made of this one find their parent by it.
func (c *requestContext) Value(key any) any {
	if t := c.timed.Load(); t != nil {
		return t.Value(key)
	}
	return c.Context.Value(key)
}

// hurry sets when the body must have arrived, where the connection can do that, and unless the server
// has a time of its own. It matters also for a body that nobody wants: the server waits for some of it before
// it sends the answer.
func hurry(w http.ResponseWriter, r *http.Request, until time.Time) {
	if r.ContentLength == 0 {
		return
	}
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ReadTimeout > 0 {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(until)
}

// slowly gives the client some time to take an answer, unless the server has a time of its own. Short answers
// need it as well: who asks again and again and reads nothing fills what the system buffers of a connection. The
// deadline is that of this answer: net/http ends it when the last of the answer is sent.
func slowly(w http.ResponseWriter, r *http.Request, d time.Duration) {
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(d))
}
