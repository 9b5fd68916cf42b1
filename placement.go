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
}

// get returns the server of a meeting, unless it left the group.
func (p *placements) get(id string) *Server {
	if v, ok := p.servers.Load(id); ok {
		if s := v.(*Server); !s.removed.Load() {
			return s
		}
	}
	return nil
}

func (p *placements) set(id string, s *Server) {
	// Most meetings of a refresh are where they were: do not write those.
	if v, ok := p.servers.Load(id); !ok || v != s {
		p.servers.Store(id, s)
	}
}

// setIfFree leaves a meeting where it is believed to be.
func (p *placements) setIfFree(id string, s *Server) {
	if v, loaded := p.servers.LoadOrStore(id, s); loaded && v != s && v.(*Server).removed.Load() {
		p.servers.CompareAndSwap(id, v, s)
	}
}

func (p *placements) drop(id string, s *Server) { p.servers.CompareAndDelete(id, s) }

func (p *placements) dropServer(s *Server) {
	p.servers.Range(func(id, v any) bool {
		if v == s {
			p.servers.CompareAndDelete(id, v)
		}
		return true
	})
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
	for _, m := range meetings {
		s.group.places.setIfFree(m.ID, s)
	}
}

// put takes the news of one meeting.
func (s *Server) put(m *Meeting) {
	for _, id := range s.meetings.put(m) {
		s.group.places.drop(id, s)
	}
	s.group.places.setIfFree(m.ID, s)
}

// dropIfGone forgets a meeting that the server says it does not have.
func (s *Server) dropIfGone(id string, err error) {
	if isNotFound(err) {
		s.meetings.drop(id)
		s.group.places.drop(id, s)
	}
}

// forget drops a meeting from all that is known here and in the Cache. The claim
// of a create that may be under way stays.
func (s *Server) forget(ctx context.Context, id string) {
	s.meetings.drop(id)
	s.group.places.drop(id, s)
	st := s.group.store
	if c, ok := st.claim(ctx, id); ok && c.baseURL == s.base && !c.pending {
		st.delete(ctx, claimKey(id))
	}
}

// placed records where a new meeting is.
func (s *Server) placed(ctx context.Context, m *Meeting) {
	s.meetings.put(m)
	s.group.places.set(m.ID, s)
	if st := s.group.store; st.shared {
		st.set(ctx, claimKey(m.ID), claim{baseURL: s.base}.encode(), placementTime)
	} else {
		st.delete(ctx, claimKey(m.ID)) // the index has it
	}
	s.save(ctx)
}

// hint returns the server that is believed to have the meeting, from the index
// or the Cache. It asks no server. pending says that nobody has confirmed it.
func (g *Group) hint(ctx context.Context, id string) (s *Server, pending bool) {
	if s := g.places.get(id); s != nil {
		return s, false
	}
	c, ok := g.store.claim(ctx, id)
	if !ok {
		return nil, false
	}
	// A server that is not in the group says nothing.
	return g.members.Load().byURL[c.baseURL], c.pending
}
