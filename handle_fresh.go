package bbb

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// meetings returns the meetings that the caller may see, by the IDs that servers know. The error is
// that of Scope.Meetings.
func (q *incoming) meetings(ctx context.Context) ([]*Meeting, error) {
	g := q.scope.group
	ctx, done, err := g.begin(ctx, callGetMeetings)
	if err != nil {
		return nil, err
	}
	defer done()
	list, ok, err := g.freshMeetings(q.fresh) //nolint:contextcheck // the probe goes on when the caller has gone
	if !ok {
		list, err = g.lists.ask(ctx, g, callGetMeetings, struct{}{}, g.list)
	}
	// A copy, since others have the list too.
	return q.scope.filter(slices.Clone(list)), err
}

// meeting returns a meeting that the caller may see, by the ID that servers know. The error is that
// of Scope.Meeting.
func (q *incoming) meeting(ctx context.Context, id string) (*Meeting, error) {
	sc, g := q.scope, q.scope.group
	if q.fresh > 0 && !g.gate.isClosed() {
		if s := g.places.get(id); s != nil {
			if m := s.meetings.freshOne(id, g.now().Add(-q.fresh)); m != nil && sc.has(m) {
				return m, nil
			}
		}
	}
	// What is shared is the question to the one server. Whether the meeting is the caller's
	// business is not.
	return onMeeting(ctx, sc, callGetMeetingInfo, id, func(ctx context.Context, s *Server) (*Meeting, error) {
		return sc.meetingBy(ctx, s, id, func(ctx context.Context, id string) (*Meeting, error) {
			return g.infos.ask(ctx, g, callGetMeetingInfo, infoKey{s, id}, func(ctx context.Context) (*Meeting, error) {
				return s.Meeting(ctx, id)
			})
		})
	})
}

// infoKey is what is asked with getMeetingInfo.
type infoKey struct {
	server *Server
	id     string
}

// freshMeetings returns the meetings of all servers from what they said not longer ago than age, without
// I/O, or ok is false. A server that has failed since, and not answered after that, is not worth
// another question either.
func (g *Group) freshMeetings(age time.Duration) (list []*Meeting, ok bool, err error) {
	if age <= 0 {
		return nil, false, nil
	}
	servers := g.serving()
	someUp := anyUp(servers)
	from := g.now().Add(-age)
	all := union{group: g, meetings: []*Meeting{}}
	var of []*Meeting
	results := make(Results[struct{}], len(servers))
	for i, s := range servers {
		if of, ok = s.meetings.freshList(of[:0], from); ok {
			all.add(of)
			continue
		}
		results[i].Server = s
		if results[i].Err = s.failedSince(from, someUp); results[i].Err == nil {
			return nil, false, nil
		}
	}
	return all.meetings, true, results.Err(callGetMeetings)
}

// failedSince returns why asking a server for its meetings is of no use, or nil when it may be.
func (s *Server) failedSince(from time.Time, othersUp bool) error {
	h := s.health.now.Load()
	switch {
	case h.Failures == 0 || h.FailedAt.Before(from):
		return s.passedOver(othersUp, callGetMeetings)
	case h.State == StateOffline:
		return &Error{Server: s.name, Call: callGetMeetings, Err: ErrOffline}
	}
	return &Error{Server: s.name, Call: callGetMeetings, Err: fmt.Errorf("failed just now: %s", h.Cause)}
}

// sharedCalls makes one call for all who want the same at the same time. Whoever comes while
// one is under way does not get its answer, which may be older than what he has just done: he waits
// for the next, with all others who come meanwhile. So of one kind one call is under way and one
// waits, however many callers there are.
type sharedCalls[K comparable, T any] struct {
	mu  sync.Mutex // protects now, and the fields of each call that say so
	now map[K]*sharedCall[T]
}

// sharedCall is one call and those who wait for it.
type sharedCall[T any] struct {
	ctx     context.Context //nolint:containedctx // ends when the last caller has left
	cancel  context.CancelFunc
	f       func(context.Context) (T, error)
	callers int            // protected by sharedCalls.mu
	next    *sharedCall[T] // protected by sharedCalls.mu
	done    chan struct{}  // closed when the two below are set
	value   T
	err     error
}

// ask returns what f returned, which began after ask did. A caller whose context ends leaves the call to
// the others; when the last one has left, f's context ends. The caller must be inside the gate of the group.
func (sc *sharedCalls[K, T]) ask(ctx context.Context, g *Group, call string, key K, f func(context.Context) (T, error)) (none T, _ error) {
	if ctx.Err() != nil {
		return none, &Error{Call: call, Err: ended(ctx)}
	}
	c, begun := sc.join(ctx, key, f)
	if !begun {
		g.gate.stay()
		go func() {
			defer g.gate.exit()
			sc.run(key, c)
		}()
	}
	select {
	case <-c.done:
		return c.value, c.err
	case <-ctx.Done():
		sc.leave(key, c)
		return none, &Error{Call: call, Err: ended(ctx)}
	}
}

// join returns the call that a new caller waits for. The caller has it run unless it has
// begun or will be when its turn comes.
func (sc *sharedCalls[K, T]) join(ctx context.Context, key K, f func(context.Context) (T, error)) (c *sharedCall[T], begun bool) {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	now := sc.now[key]
	if now == nil || now.next == nil {
		c = &sharedCall[T]{f: f, done: make(chan struct{})}
		// The values of the context are those of the first caller.
		c.ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx)) //nolint:gosec // run and leave call it
	}
	switch {
	case now == nil:
		if sc.now == nil {
			sc.now = make(map[K]*sharedCall[T])
		}
		sc.now[key] = c
	case now.next == nil:
		now.next = c
	default:
		c = now.next
	}
	c.callers++
	return c, now != nil
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
	}
}

// run makes a call, and those that come to wait meanwhile, one after the other.
func (sc *sharedCalls[K, T]) run(key K, c *sharedCall[T]) {
	for c != nil {
		c.value, c.err = c.f(c.ctx)
		c.cancel()
		c = sc.end(key, c)
	}
}

// end hands out what a call gave, and returns the next one.
func (sc *sharedCalls[K, T]) end(key K, c *sharedCall[T]) *sharedCall[T] {
	sc.mu.Lock()
	defer sc.mu.Unlock()
	close(c.done)
	if c.next == nil {
		delete(sc.now, key)
	} else {
		sc.now[key] = c.next
	}
	return c.next
}
