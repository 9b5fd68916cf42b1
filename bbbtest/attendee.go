package bbbtest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	moderator = "MODERATOR"
	viewer    = "VIEWER"
)

// Attend puts a person into a meeting as if a join had been made and its client had connected. Empty
// fields get what a join would give: a new internal id, that one as UserID, the role VIEWER, the
// client type HTML5. The limits of the meeting do not matter.
func (s *Server) Attend(meetingID string, a Attendee) error {
	defer s.lock()()
	m := s.meetings.find(meetingID)
	if m == nil {
		return errNoMeeting(meetingID)
	}
	a.Role = strings.ToUpper(cmp.Or(a.Role, viewer))
	if a.Role != moderator && a.Role != viewer {
		return fmt.Errorf("bbbtest: no such role %q", a.Role)
	}
	a.InternalUserID = cmp.Or(a.InternalUserID, newUserID())
	a.UserID = cmp.Or(a.UserID, a.InternalUserID)
	a.Params = cloneValues(a.Params)
	m.putUserData(a.UserID, a.CustomData)
	m.sessions = append(m.sessions, session{newToken(sessionTokenLen), a.InternalUserID, a.FullName, ""})
	s.arrive(m, a, time.Now())
	return nil
}

// Leave takes everybody with that external or internal user id out of a meeting, and out of the
// guest lobby. What is not there is ignored.
func (s *Server) Leave(meetingID, userID string) {
	defer s.lock()()
	m := s.meetings.find(meetingID)
	if m == nil {
		return
	}
	gone := func(a Attendee) bool {
		if a.UserID != userID && a.InternalUserID != userID {
			return false
		}
		m.sessions = slices.DeleteFunc(m.sessions, func(x session) bool { return x.internalUserID == a.InternalUserID })
		return true
	}
	m.Attendees = slices.DeleteFunc(m.Attendees, func(a Attendee) bool {
		if !gone(a) {
			return false
		}
		m.depart(a.InternalUserID, time.Now())
		s.emitUser(m, "user-left", a)
		return true
	})
	m.Waiting = slices.DeleteFunc(m.Waiting, gone)
}

// Admit lets a waiting guest in, as a moderator would.
func (s *Server) Admit(meetingID, userID string) error {
	defer s.lock()()
	m := s.meetings.find(meetingID)
	if m == nil {
		return errNoMeeting(meetingID)
	}
	i := slices.IndexFunc(m.Waiting, func(a Attendee) bool { return a.UserID == userID || a.InternalUserID == userID })
	if i < 0 {
		return fmt.Errorf("bbbtest: nobody called %q waits at meeting %q", userID, meetingID)
	}
	a := m.Waiting[i]
	m.Waiting = slices.Delete(m.Waiting, i, i+1)
	s.arrive(m, a, time.Now())
	return nil
}

// arrive adds an attendee. The first moderator becomes the presenter.
func (s *Server) arrive(m *meeting, a Attendee, now time.Time) {
	a.ClientType = cmp.Or(a.ClientType, "HTML5")
	a.Joined, a.CustomData = now, nil
	if a.Role == moderator && !slices.ContainsFunc(m.Attendees, func(b Attendee) bool { return b.IsPresenter }) {
		a.IsPresenter = true
	}
	if m.Started.IsZero() {
		m.Started = now
	}
	m.HasUserJoined = true
	m.visits = append(m.visits, visit{
		internalID: a.InternalUserID, externalID: a.UserID, name: a.FullName, moderator: a.Role == moderator, joined: now,
	})
	m.marked = m.marked || m.Record && isTrue(m.Params.Get("autoStartRecording"), false)
	m.Attendees = append(m.Attendees, a)
	s.emitUser(m, "user-joined", a)
}

// putUserData keeps userdata by external user id; later values replace earlier ones.
func (m *meeting) putUserData(userID string, data map[string]string) {
	if len(data) == 0 {
		return
	}
	if m.customData[userID] == nil {
		m.customData[userID] = map[string]string{}
	}
	maps.Copy(m.customData[userID], data)
}

// full reports whether one more external user id would pass maxParticipants. Somebody who is inside
// already may always come again.
func (m *meeting) full(userID string, countBots bool) bool {
	if m.MaxParticipants <= 0 {
		return false
	}
	inside := map[string]bool{}
	for _, a := range m.Attendees {
		if countBots || !a.Bot {
			inside[a.UserID] = true
		}
	}
	return !inside[userID] && len(inside) >= m.MaxParticipants
}

// session finds who holds a session token.
func (s *Server) session(token string) (meetingName, userName string, ok bool) {
	defer s.lock()()
	for _, m := range s.meetings.live {
		for _, x := range m.sessions {
			if x.token == token {
				return m.Name, x.userName, true
			}
		}
	}
	return "", "", false
}
