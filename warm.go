package bbb

import (
	"context"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// savedMeetings is the list of one server as it is kept in a shared Cache.
type savedMeetings struct {
	Asked    time.Time
	Meetings []*Meeting
}

var savedRecord = xmlwire.NewRecord(
	xmlwire.Millis("asked", func(s *savedMeetings) *time.Time { return &s.Asked }),
	xmlwire.PtrList("meetings", "meeting", func(s *savedMeetings) *[]*Meeting { return &s.Meetings }, meetingRecord),
)

// restore fills the server with what others left in the Cache, once, so that a
// group starts warm without a request. It waits for that as long as ctx allows.
func (s *Server) restore(ctx context.Context) {
	if !s.group.store.shared {
		return
	}
	if s.restoring.CompareAndSwap(false, true) {
		if s.group.gate.enter() != nil {
			close(s.restored)
		} else {
			// Its own goroutine, because others wait for it whose contexts differ.
			go func() {
				defer s.group.gate.exit()
				defer close(s.restored)
				s.restoreNow(context.WithoutCancel(ctx))
			}()
		}
	}
	select {
	case <-s.restored:
	case <-ctx.Done():
	}
}

func (s *Server) restoreNow(ctx context.Context) {
	if text, ok := s.group.store.get(ctx, s.cookieKey()); ok {
		s.jar.restore(s.url, text)
	}
	s.loadMeetings(ctx)
	s.loadSysStat(ctx)
}

// warm restores all servers of a group that shares a Cache. After the first time
// it only looks that this was done.
func (g *Group) warm(ctx context.Context) {
	if !g.store.shared {
		return
	}
	var cold []*Server
	for _, s := range g.members.Load().list {
		select {
		case <-s.restored:
		default:
			cold = append(cold, s)
		}
	}
	if cold != nil {
		fanOut(ctx, cold, g.workers, func(ctx context.Context, s *Server) (struct{}, error) {
			s.restore(ctx)
			return struct{}{}, nil
		})
	}
}

// loadMeetings takes over the meetings of the server that others have seen.
func (s *Server) loadMeetings(ctx context.Context) {
	text, ok := s.group.store.get(ctx, s.meetingsKey())
	if !ok {
		return
	}
	var saved savedMeetings
	if err := savedRecord.Decode([]byte(text), "saved", &saved, xmlwire.Limits{}); err != nil {
		s.group.store.warn(ctx, "restore", err)
		return
	}
	if now := s.group.now(); saved.Asked.After(now) {
		saved.Asked = now // the clock of whoever saved it is ahead
	}
	s.adopt(saved.Meetings, saved.Asked)
	for _, m := range s.meetings.offer(saved.Meetings) {
		s.ledger.see(m)
		s.group.believe(ctx, m.ID, s)
	}
}

// save writes the meetings of the server to a shared Cache. After one that took
// long it leaves the next ones to a later call, so that a busy group spends a
// small part of its time on this. whole says that the server was just asked for
// all of them; otherwise those that another process has seen are kept beside
// ours.
func (s *Server) save(ctx context.Context, whole bool) {
	st := s.group.store
	start := time.Now()
	if !st.shared || start.UnixNano() < s.nextSave.Load() {
		return
	}
	if !whole {
		s.loadMeetings(context.WithoutCancel(ctx))
	}
	now := s.group.now()
	saved := savedMeetings{Asked: now, Meetings: s.meetings.since(nil, now.Add(-s.cfg.cacheTime))}
	for _, m := range saved.Meetings {
		if m.FetchedAt.Before(saved.Asked) {
			saved.Asked = m.FetchedAt
		}
	}
	st.set(ctx, s.meetingsKey(), savedRecord.Append(nil, "saved", &saved), s.cfg.cacheTime)
	s.nextSave.Store(time.Now().Add(20 * time.Since(start)).UnixNano())
}

func (s *Server) saveCookies(ctx context.Context) {
	if text, changed := s.jar.take(); changed && s.group.store.shared {
		s.group.store.set(ctx, s.cookieKey(), []byte(text), cookieTime)
	}
}

func (s *Server) meetingsKey() string { return "meetings:" + cacheKey(s.base) }

func (s *Server) cookieKey() string { return "cookies:" + cacheKey(s.base) }
