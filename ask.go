package bbb

import (
	"context"
	"slices"
)

// probe asks the server in the background whether it is back. There is one probe
// of a server at a time, and Close ends it.
func (s *Server) probe() {
	g := s.group
	if !s.probing.CompareAndSwap(false, true) {
		return
	}
	if g.gate.enter() != nil {
		return
	}
	go func() {
		defer g.gate.exit()
		defer s.probing.Store(false)
		_, _ = s.Meetings(context.WithValue(g.background, insideKey{}, g)) // health learns from it
	}()
}

// anyUp reports whether a server is not offline. When all seem to be, it is rather
// us who are cut off, and all are worth asking.
func anyUp(servers []*Server) bool {
	return slices.ContainsFunc(servers, func(s *Server) bool { return !s.health.offline() })
}

// passedOver returns ErrOffline for a server that is not to be waited for, and has
// it asked in the background.
func (s *Server) passedOver(othersUp bool, call string) error {
	if !othersUp || !s.health.offline() {
		return nil
	}
	s.probe()
	return &Error{Server: s.name, Call: call, Err: ErrOffline}
}

// askAll is FanOut for the calls of the group itself: servers that are offline are
// passed over.
func askAll[T any](ctx context.Context, g *Group, call string, f func(context.Context, *Server) (T, error)) Results[T] {
	servers := g.serving()
	someUp := anyUp(servers)
	return fanOut(ctx, servers, g.workers, func(ctx context.Context, s *Server) (none T, _ error) {
		if err := s.passedOver(someUp, call); err != nil { //nolint:contextcheck // the probe goes on when the caller has gone
			return none, err
		}
		return f(ctx, s)
	})
}
