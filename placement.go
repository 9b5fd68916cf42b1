package bbb

import (
	"context"
	"time"
)

// placements are the places of meetings: which server has which. Reading takes no lock.
type placements struct {
	servers index
	byHand  index // those that Rebind has placed; it goes before servers
}

// get returns the server of a meeting, unless the group does without that server.
func (p *placements) get(id string) *Server {
	if s := p.bound(id); s != nil {
		return s
	}
	return member(p.servers.get(id))
}

// bound returns the server that a meeting was given by hand, or nil.
func (p *placements) bound(id string) *Server { return member(p.byHand.get(id)) }

func member(s *Server) *Server {
	if s == nil || s.absent() {
		return nil
	}
	return s
}

// bind gives a meeting to a server by hand. What is found out of its place by
// other ways is kept, but does not show until the server is dropped.
func (p *placements) bind(id string, s *Server) {
	s = s.heir()
	p.set(id, s)
	p.byHand.set(id, s)
}

func (p *placements) set(id string, s *Server) { p.servers.set(id, s.heir()) }

// setIfFree leaves a meeting where it is believed to be. It reports whether that is
// s now.
func (p *placements) setIfFree(id string, s *Server) bool {
	s = s.heir()
	if now := member(p.servers.get(id)); now != nil {
		return now == s
	}
	return s == p.servers.change(id, func(now *Server) *Server {
		if member(now) != nil || s.removed.Load() {
			return now
		}
		return s
	})
}

// believe takes from the Cache that s had a meeting. When another server had it as
// well, the claim says which of them counts. The lists of all servers come at the
// same time, so only the index can tell who was first.
func (g *Group) believe(ctx context.Context, id string, s *Server) {
	if g.places.setIfFree(id, s) {
		return
	}
	if last, ok := g.store.claim(ctx, id); ok && last.state == claimPlaced && last.baseURL == s.base {
		g.places.set(id, s)
	}
}

func (p *placements) drop(id string, s *Server) {
	s = s.heir()
	p.byHand.drop(id, s)
	p.servers.drop(id, s)
}

// count returns how many meetings there are on servers that the group has and does
// not do without.
func (p *placements) count() (n int) {
	p.servers.each(func(_ string, s *Server) {
		if !s.absent() {
			n++
		}
	})
	return n
}

func (p *placements) dropServer(s *Server) { p.move(s, nil) }

// move gives the meetings of one server to another one, or to none.
func (p *placements) move(from, to *Server) {
	p.byHand.replace(from, to)
	p.servers.replace(from, to)
}

// remember takes the whole list of the server's meetings. One that is believed
// to be on another server stays there: which of two counts is decided when the
// lists of all servers are merged.
func (s *Server) remember(asked time.Time, meetings []*Meeting) {
	// The set keeps and completes its own copy: callers have the list.
	gone := s.meetings.replace(asked, append([]*Meeting(nil), meetings...))
	for _, id := range gone {
		s.group.places.drop(id, s)
	}
	there, drops := s.meetings.among(meetings) // those that have not ended in the meantime
	for _, m := range there {
		s.found(m)
	}
	if s.meetings.dropCount() != drops {
		for _, m := range there {
			if s.meetings.get(m.ID) == nil {
				s.group.places.drop(m.ID, s)
			}
		}
	}
	s.ledger.replace(asked, there)
}

// put takes the news of one meeting.
func (s *Server) put(m *Meeting) {
	gone, taken := s.meetings.put(m)
	for _, id := range gone {
		s.group.places.drop(id, s)
	}
	if !taken {
		return
	}
	s.ledger.see(m)
	s.found(m)
}

// found takes for the index that the server has a meeting. It leaves the meeting where
// it is believed to be, unless what is there was ended: servers list a meeting for
// some seconds after that, while it is perhaps created anew elsewhere. As long as
// there is no other one, such a meeting has its place, since its server still answers
// for it; a place that it was given by hand is void.
func (s *Server) found(m *Meeting) {
	p, s := &s.group.places, s.heir()
	if !over(m) && p.servers.get(m.ID) == s && p.byHand.get(m.ID) == nil {
		return // as nearly always
	}
	if over(m) {
		p.byHand.drop(m.ID, s)
		p.setIfFree(m.ID, s)
		return
	}
	if other := p.get(m.ID); other != nil && other != s {
		if known := other.meetings.get(m.ID); known != nil && over(known) {
			p.drop(m.ID, other)
		}
	}
	p.setIfFree(m.ID, s)
}

// dropIfGone forgets a meeting that the server says it does not have.
func (s *Server) dropIfGone(id string, err error) {
	if isNotFound(err) {
		s.meetings.drop(id, s.group.now())
		s.ledger.drop(id)
		s.group.places.drop(id, s)
		s.group.changes.Add(1)
	}
}

// forget drops a meeting from all that is known here and in the Cache. The claim
// of a create that may be under way stays.
func (s *Server) forget(ctx context.Context, id string) { s.forgetAnd(ctx, id, false) }

// forgetAnd is forget, which saves the other meetings of the server as well if told to.
func (s *Server) forgetAnd(ctx context.Context, id string, save bool) {
	s.meetings.drop(id, s.group.now())
	s.ledger.drop(id)
	s.group.places.drop(id, s)
	s.group.changes.Add(1)
	s.record(ctx, id, claim{}, save, func(last claim) (state string) {
		if last.baseURL == s.base && last.state == claimPlaced {
			return claimVoid
		}
		return ""
	})
}

// placed records that the server has a meeting, after a create under that claim, if it
// is known.
func (s *Server) placed(ctx context.Context, m *Meeting, own claim) {
	s.put(m)
	s.group.places.set(m.ID, s)
	s.group.recordPlace(ctx, m.ID, s, own)
}
