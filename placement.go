package bbb

import (
	"context"
	"sync"
	"time"
)

// placements is the index of the group: which server has which meeting. Reading
// it takes no lock.
type placements struct {
	servers sync.Map // meeting ID (string) -> *Server
	byHand  sync.Map // the same for those that Rebind has placed; it goes before servers
}

// get returns the server of a meeting, unless the group does without that server.
func (p *placements) get(id string) *Server {
	if s := p.bound(id); s != nil {
		return s
	}
	return member(p.servers.Load(id))
}

// bound returns the server that a meeting was given by hand, or nil.
func (p *placements) bound(id string) *Server { return member(p.byHand.Load(id)) }

func member(v any, ok bool) *Server {
	if ok {
		if s := v.(*Server); !s.absent() {
			return s
		}
	}
	return nil
}

// bind gives a meeting to a server by hand. What is found out of its place by
// other ways is kept, but does not show until the server is dropped.
func (p *placements) bind(id string, s *Server) {
	s = s.heir()
	p.set(id, s)
	p.byHand.Store(id, s)
}

func (p *placements) set(id string, s *Server) {
	s = s.heir()
	// Most meetings of a refresh are where they were: do not write those.
	if v, ok := p.servers.Load(id); !ok || v != s {
		p.servers.Store(id, s)
	}
}

// setIfFree leaves a meeting where it is believed to be. It reports whether that is
// s now.
func (p *placements) setIfFree(id string, s *Server) bool {
	s = s.heir()
	v, loaded := p.servers.LoadOrStore(id, s)
	return !loaded || v == s || v.(*Server).absent() && p.servers.CompareAndSwap(id, v, s)
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
	p.byHand.CompareAndDelete(id, s)
	p.servers.CompareAndDelete(id, s)
}

// count returns how many meetings there are on servers that the group has and does
// not do without.
func (p *placements) count() (n int) {
	p.servers.Range(func(_, s any) bool {
		if !s.(*Server).absent() {
			n++
		}
		return true
	})
	return n
}

func (p *placements) dropServer(s *Server) {
	for _, index := range [...]*sync.Map{&p.byHand, &p.servers} {
		index.Range(func(id, v any) bool {
			if v == s {
				index.CompareAndDelete(id, v)
			}
			return true
		})
	}
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
	there := make([]*Meeting, 0, len(meetings))
	for _, m := range meetings {
		if s.meetings.get(m.ID) != nil { // not ended in the meantime
			s.found(m)
			there = append(there, m)
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
	if over(m) {
		p.byHand.CompareAndDelete(m.ID, s)
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
