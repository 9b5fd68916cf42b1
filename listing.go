package bbb

import (
	"context"
	"errors"
	"slices"
	"sync"
)

// listing asks all servers for their meetings once. Whoever does not wait for its end gets what
// came until then.
type listing struct {
	group *Group

	mu      sync.Mutex // protects the fields below
	servers []*Server  // that are asked
	got     map[*Server]Result[[]*Meeting]
}

// sharedList asks all servers for their meetings, together with others who want that at the same time. The
// list is theirs, too. The error is a *GroupError of the caller's own, or ErrClosed.
func (g *Group) sharedList(ctx context.Context) ([]*Meeting, error) {
	ctx, done, err := g.begin(ctx, callGetMeetings)
	if err != nil {
		return nil, err
	}
	defer done()
	l := &listing{group: g}
	list, err := g.lists.ask(ctx, g, struct{}{}, question[[]*Meeting]{ask: l.ask, soFar: l.soFar, mostly: l.mostly})
	if shared, ok := errors.AsType[*GroupError](err); ok { // a caller may sort what is his
		own := *shared
		own.Servers = slices.Clone(shared.Servers)
		err = &own
	}
	return list, err
}

// ask asks all servers and merges the answers, in the order of the servers. The error is a
// *GroupError, or nil.
func (l *listing) ask(ctx context.Context) ([]*Meeting, error) {
	g := l.group
	g.reservations.sync(ctx)
	servers := g.serving()
	l.mu.Lock()
	l.servers, l.got = servers, make(map[*Server]Result[[]*Meeting], len(servers))
	l.mu.Unlock()
	someUp := anyUp(servers)
	results := fanOut(ctx, servers, g.workers, func(ctx context.Context, s *Server) (list []*Meeting, err error) {
		if err = s.passedOver(someUp, callGetMeetings); err == nil { //nolint:contextcheck // the probe goes on when the caller has gone
			list, err = s.Meetings(ctx)
		}
		l.take(Result[[]*Meeting]{Server: s, Value: list, Err: err})
		return list, err
	})
	return g.merge(ctx, results), results.Err(callGetMeetings)
}

func (l *listing) take(r Result[[]*Meeting]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.got[r.Server] = r
}

// mostly reports whether more than half of the servers have answered or failed.
func (l *listing) mostly() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return 2*len(l.got) > len(l.servers)
}

// soFar merges what there is for a caller whose context has ended. Of servers that did not answer in time,
// the error is that of the context.
func (l *listing) soFar(ctx context.Context) ([]*Meeting, error) {
	results := l.results(ctx)
	return l.group.merge(ctx, results), results.Err(callGetMeetings)
}

func (l *listing) results(ctx context.Context) Results[[]*Meeting] {
	l.mu.Lock()
	defer l.mu.Unlock()
	servers := l.servers
	if servers == nil { // it has not begun
		servers = l.group.serving()
	}
	results := make(Results[[]*Meeting], len(servers))
	for i, s := range servers {
		r, ok := l.got[s]
		if !ok {
			r = Result[[]*Meeting]{Server: s, Err: &Error{Server: s.name, Call: callGetMeetings, Err: ended(ctx)}}
		}
		results[i] = r
	}
	return results
}
