package bbb

import (
	"fmt"
	"maps"
	"slices"
	"sync"
)

// Replace changes the secret and the options of a server while the group works: it
// makes a server of the same name and URL, which takes the place of s in one step, and
// returns it. Nothing is asked. The arguments are those of [NewServer], and so are the errors;
// options that are not given have their defaults again.
//
// What is known of the server stays: its meetings and their places, the seats that are
// taken, its [Health], what its machine has to do, cookies and figures. Calls
// under way end with s, with the old secret. So does a *[Meeting] that is still held: ask the group
// for it again. A s that is in its group no more gives an error that matches
// [ErrServerRemoved], and changes nothing.
func (s *Server) Replace(secret string, opts ...ServerOption) (*Server, error) {
	next, err := makeServer(s.group, s.name, s.base, secret, opts)
	if err != nil {
		return nil, err
	}
	if err := s.group.swap(s, next); err != nil {
		return nil, fmt.Errorf("bbb: server %q: %w", s.name, err)
	}
	return next, nil
}

// swap puts a server in the place of another one.
func (g *Group) swap(old, next *Server) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gate.isClosed() {
		return ErrClosed
	}
	now := g.members.Load()
	i := slices.Index(now.list, old)
	if i < 0 {
		return ErrServerRemoved
	}
	next.inherit(old)
	list := slices.Clone(now.list)
	list[i] = next
	// The place of a meeting names a server that is in the group at any moment: next is, before
	// the first place is changed, and old still counts until the last one is.
	g.members.Store(newMembers(list))
	g.places.move(old, next)
	old.removed.Store(true)
	g.places.move(old, next) // what calls under way found out meanwhile
	return nil
}

// inherit takes over what is known of the server that s replaces. Nobody else has s yet.
func (s *Server) inherit(old *Server) {
	condition := *old.health.now.Load()
	if mode := s.Mode(); mode != condition.Mode {
		condition.Mode, condition.left = mode, make(chan struct{})
	}
	s.health.now.Store(&condition)
	s.health.answeredAt.Store(old.health.answeredAt.Load())
	s.jar, s.ledger, s.counts, s.restored = old.jar, old.ledger, old.counts, old.restored
	s.restoring.Store(old.restoring.Load())
	s.nextSave.Store(old.nextSave.Load())
	s.learned.Store(old.learned.Load())
	s.machine.load.Store(old.machine.load.Load())
	s.machine.report.Store(old.machine.report.Load())
	s.machine.failing.Store(old.machine.failing.Load())
	s.machine.problem.Store(old.machine.problem.Load())
	s.meetings.inherit(&old.meetings, s)
}

// inherit fills an empty set with the meetings of another one, as those of s.
func (c *meetingSet) inherit(old *meetingSet, s *Server) {
	old.mu.RLock()
	defer old.mu.RUnlock()
	c.asked = old.asked
	c.list = make([]*Meeting, 0, len(old.list))
	c.place = make(map[string]int, len(old.list))
	for _, m := range old.list {
		if m == nil {
			continue
		}
		own := *m // others hold m
		own.server = s
		c.place[m.ID] = len(c.list)
		c.list = append(c.list, &own)
	}
	c.dropped = maps.Clone(old.dropped)
}

// move gives the meetings of one server to another one.
func (p *placements) move(from, to *Server) {
	for _, index := range [...]*sync.Map{&p.byHand, &p.servers} {
		index.Range(func(id, v any) bool {
			if v == from {
				index.CompareAndSwap(id, v, to)
			}
			return true
		})
	}
}
