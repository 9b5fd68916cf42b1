package bbb

import (
	"fmt"
	"slices"
)

// Replace changes the secret and the options of a server while the group works: it
// makes a server of the same name and URL, which takes the place of s in one step, and
// returns it. Nothing is asked. The arguments are those of [NewServer], and so are the errors;
// options that are not given have their defaults again.
//
// What is known of the server stays: its meetings and their places, the seats that are
// taken, its [Health], what its machine has to do, cookies and figures. Calls
// under way end with s, with the old secret, and what they find out is kept as well. A *[Meeting]
// that is still held goes on with s, too: ask the group for it again. A s that is in its group no more gives an error that matches
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
	g.changes.Add(1)
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
	s.meetings = old.meetings
	s.meetings.handOver(s)
}

// handOver makes the meetings those of s, and all that come later: calls to the server before it
// are still under way, and what they find out counts.
func (c *meetingSet) handOver(s *Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owner = s
	c.changed()
	for i, m := range c.list {
		if m != nil {
			c.list[i] = c.owned(m)
		}
	}
}

// owned returns a meeting as one of the owner. The lock is held.
func (c *meetingSet) owned(m *Meeting) *Meeting {
	if c.owner == nil || m.server == c.owner {
		return m
	}
	own := *m // others hold m
	own.server = c.owner
	return &own
}

// heir returns the server that has taken the place of s, or s itself.
func (s *Server) heir() *Server {
	if !s.removed.Load() {
		return s
	}
	s.meetings.mu.RLock()
	defer s.meetings.mu.RUnlock()
	return s.meetings.owner
}
