package bbb

import (
	"fmt"
	"math/rand/v2"
)

// criteria are what the choice of a server for a new meeting may depend on.
type criteria struct {
	params *CreateParams
	tried  map[*Server]error // servers that refused this create, and why
}

// selectServer chooses the server of a new meeting: one of those that answered
// their last call, at random. When none did, any of the others is tried rather
// than failing on old news. This is the one place that ranking replaces.
func (g *Group) selectServer(c criteria) (*Server, error) {
	var up, down []*Server
	for _, s := range g.members.Load().list {
		switch _, tried := c.tried[s]; {
		case tried:
		case s.health.up():
			up = append(up, s)
		default:
			down = append(down, s)
		}
	}
	if len(up) == 0 {
		up = down
	}
	if len(up) > 0 {
		return up[rand.IntN(len(up))], nil
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
