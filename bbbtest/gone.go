package bbbtest

import (
	"slices"
	"time"
)

// gone does what follows the end of a meeting; those who were inside still are. The mutex is held.
func (s *Server) gone(m *meeting) {
	for _, a := range m.Attendees {
		m.depart(a.InternalUserID, m.Ended)
		if s.conf.hookStyle != HooksV2 {
			s.emitUser(m, "user-left", a)
		}
	}
	s.emitAbout(m, "meeting-ended")
	for _, target := range s.endCallbacks(m) {
		s.sayEnded(target)
	}
	s.sayAnalytics(m)
	r := s.recorded(m)
	if r == nil {
		return
	}
	for _, step := range []string{"archive", "sanity"} {
		s.emitStep(r, step, nil)
	}
	if s.listened(m) {
		s.wakeAt(r.due)
	}
}

// requestEnd lets a meeting end at a time. Somebody who wants to be told of it is told then.
func (s *Server) requestEnd(m *meeting) {
	// A wrong clock still runs at the right speed.
	s.meetings.requestEnd(m, time.Now().Add(s.conf.endDelay))
	all := append([]*meeting{m}, s.roomsOf(m)...)
	if slices.ContainsFunc(all, s.listened) {
		s.wakeAt(m.endsAt)
	}
}

func (s *Server) roomsOf(m *meeting) []*meeting {
	var rooms []*meeting
	for _, id := range m.Breakouts {
		if room := s.meetings.byInner[id]; room != nil {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// announce tells that a recording was published.
func (s *Server) announce(r *recording) {
	for i := range r.Formats {
		for _, step := range []string{"process", "publish", "post-publish"} {
			s.emitStep(r, step, &r.Formats[i])
		}
	}
	s.sayReady(r)
}
