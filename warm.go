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
	keys := []string{s.cookieKey(), s.meetingsKey()}
	if s.readsMachine() {
		keys = append(keys, s.sysStatKey())
	}
	got := s.group.store.getMany(ctx, keys...)
	if cookies := got[s.cookieKey()]; cookies.ok {
		s.jar.restore(s.url, cookies.text)
	}
	s.takeSaved(ctx, got[s.meetingsKey()])
	s.takeSavedSysStat(ctx, got[s.sysStatKey()])
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

// takeSaved takes over the meetings of the server that others have seen.
func (s *Server) takeSaved(ctx context.Context, list found) {
	if !list.ok {
		return
	}
	var saved savedMeetings
	if err := savedRecord.Decode([]byte(list.text), "saved", &saved, xmlwire.Limits{}); err != nil {
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
	st, start := s.group.store, time.Now()
	if !s.saves(start) {
		return
	}
	if !whole {
		text, ok := st.get(context.WithoutCancel(ctx), s.meetingsKey())
		s.takeSaved(ctx, found{text, ok})
	}
	item := s.savedItem()
	st.set(ctx, item.Key, item.Value, item.TTL)
	s.saved(start)
}

// saves reports whether the meetings of the server are to be written now.
func (s *Server) saves(now time.Time) bool {
	return s.group.store.shared && now.UnixNano() >= s.nextSave.Load()
}

// saved takes down that they were, since the given time.
func (s *Server) saved(start time.Time) {
	s.nextSave.Store(time.Now().Add(20 * time.Since(start)).UnixNano())
}

// savedItem is what is written of them.
func (s *Server) savedItem() CacheItem {
	now := s.group.now()
	saved := savedMeetings{Asked: now, Meetings: s.meetings.since(nil, now.Add(-s.cfg.cacheTime))}
	for _, m := range saved.Meetings {
		if m.FetchedAt.Before(saved.Asked) {
			saved.Asked = m.FetchedAt
		}
	}
	return CacheItem{s.meetingsKey(), savedRecord.Append(nil, "saved", &saved), s.cfg.cacheTime}
}

func (s *Server) saveCookies(ctx context.Context) {
	if text, changed := s.jar.take(); changed && s.group.store.shared {
		s.group.store.set(ctx, s.cookieKey(), []byte(text), cookieTime)
	}
}

func (s *Server) meetingsKey() string { return "meetings:" + cacheKey(s.base) }

func (s *Server) cookieKey() string { return "cookies:" + cacheKey(s.base) }
