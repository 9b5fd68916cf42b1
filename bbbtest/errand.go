package bbbtest

import (
	"context"
	"io"
	"net/http"
	"time"
)

// errand is something the server does on its own account: it waits for a time, or tells somebody
// something. Like a flight it has a context of its own, made where it begins.
type errand struct {
	cancel   context.CancelFunc
	volatile bool // does not survive a restart
}

// start runs f in a goroutine that Close cancels and waits for. A closed server starts nothing.
func (l *life) start(volatile bool, f func(context.Context)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	e := &errand{cancel, volatile}
	if l.errands == nil {
		l.errands = map[*errand]struct{}{}
	}
	l.errands[e] = struct{}{}
	go func() {
		defer l.done(e)
		f(ctx)
	}()
}

func (l *life) done(e *errand) {
	e.cancel()
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.errands, e)
	if len(l.errands) == 0 && l.noErrands != nil {
		close(l.noErrands)
		l.noErrands = nil
	}
}

// allDone returns a channel that is closed when no errand is under way; nil when none is. With
// cancel it aborts those that are.
func (l *life) allDone(cancel bool) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.errands) == 0 {
		return nil
	}
	if cancel {
		for e := range l.errands {
			e.cancel()
		}
	}
	if l.noErrands == nil {
		l.noErrands = make(chan struct{})
	}
	return l.noErrands
}

// forgetVolatile aborts the errands that are kept in memory only.
func (l *life) forgetVolatile() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for e := range l.errands {
		if e.volatile {
			e.cancel()
		}
	}
}

// WaitCallbacks waits until every callback and webhook was delivered or given up, and until the ends
// and the recordings that somebody wants to be told of have come. A permanent webhook that nobody
// answers is never given up. It returns the cause when ctx ends first.
func (s *Server) WaitCallbacks(ctx context.Context) error {
	done := s.life.allDone(false)
	if done == nil {
		return nil
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// WithCallbackTransport sets what the callbacks and webhooks of the server go through, overriding
// the default of the network. It must obey the context of a request.
func WithCallbackTransport(rt http.RoundTripper) Option {
	return func(c *config) { c.callbackTransport = rt }
}

// WithCallbackHandler sends the callbacks and webhooks of the server to a handler in the same process,
// whatever the host of their URLs, without a socket.
func WithCallbackHandler(h http.Handler) Option { return WithCallbackTransport(handlerTransport{h}) }

type handlerTransport struct{ handler http.Handler }

func (t handlerTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	in, err := arriving(r)
	if err != nil {
		closeBody(r)
		return nil, err
	}
	x := newExchange()
	// The handler hears of the end after the connection is broken: an answer then comes too late.
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		x.breakWith(context.Cause(ctx), context.Cause(ctx))
		cancel()
	})
	go x.run(t.handler, in.WithContext(inner), func() {
		stop()
		cancel()
		closeBody(in)
	})
	<-x.started // at the latest when ctx ends
	if x.err != nil {
		return nil, x.err
	}
	return x.response(r), nil
}

// callbackTimeout is how long the receiver of a callback may take.
const callbackTimeout = 5 * time.Second

// send makes one request of a callback and returns the status of the answer, 0 without one. The
// location is that of a redirect that was not followed.
func (s *Server) send(r *http.Request, redirects int) (status int, location string) {
	ctx, cancel := context.WithTimeout(r.Context(), callbackTimeout)
	defer cancel()
	client := &http.Client{
		Transport: s.conf.callbackTransport,
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > redirects {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
	resp, err := client.Do(r.WithContext(ctx))
	if err != nil {
		return 0, ""
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxLoggedBody) // what it says does not matter
	if u, err := resp.Location(); err == nil {
		location = u.String()
	}
	return resp.StatusCode, location
}

func is2xx(status int) bool { return status/100 == 2 }

// wakeAt lets what is due at that time happen then, not only with the next request. It is for what
// somebody wants to be told of.
func (s *Server) wakeAt(t time.Time) {
	s.life.start(true, func(ctx context.Context) {
		if pause(ctx, time.Until(t)) {
			s.lock()()
		}
	})
}

// withQuery adds a query to a URL that may have one already.
func withQuery(target, query string) string {
	for i := range len(target) {
		if target[i] == '?' {
			return target + "&" + query
		}
	}
	return target + "?" + query
}
