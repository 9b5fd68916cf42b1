package bbb

import (
	"fmt"
	"math/rand/v2"
)

// criteria are what the choice of a server for a new meeting may depend on.
type criteria struct {
	tried map[*Server]error // servers that refused this create, and why
}

// selectServer chooses the server of a new meeting: of those that answered their
// last call, the one with the fewest meetings seen lately for its weight, and one
// at random of those that are equal. When none answered, one of the others is
// tried rather than failing on old news. This is the one place that ranking
// replaces.
func (g *Group) selectServer(c criteria) (*Server, error) {
	var best []*Server
	var bestUp bool
	var fewest float64
	now := g.now()
	for _, s := range g.members.Load().list {
		if _, tried := c.tried[s]; tried || s.Mode() != ModeEnabled {
			continue
		}
		if !s.health.up() && s.rested() {
			s.probe() // rather than with somebody's meeting
		}
		up, n := s.health.up(), float64(s.meetings.count(now.Add(-s.cfg.cacheTime)))/s.cfg.weight
		switch {
		case len(best) == 0, up && !bestUp, up == bestUp && n < fewest:
			best, bestUp, fewest = append(best[:0], s), up, n
		case up == bestUp && n == fewest:
			best = append(best, s)
		}
	}
	if len(best) > 0 {
		return best[rand.IntN(len(best))], nil //nolint:gosec // spreads load, hides nothing
	}
	if len(c.tried) == 0 {
		return nil, &Error{Call: callCreate, Err: fmt.Errorf("%w: the group %q has no server", ErrNoServer, g.name)}
	}
	refused := &GroupError{Call: callCreate, Asked: len(c.tried)}
	for _, s := range g.members.Load().list {
		if err := c.tried[s]; err != nil {
			refused.Servers = append(refused.Servers, ServerError{Server: s.name, Err: err})
		}
	}
	return nil, fmt.Errorf("%w: %w", ErrNoServer, refused)
}
