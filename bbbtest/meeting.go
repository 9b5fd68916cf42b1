package bbbtest

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Meeting is a copy of what the server knows about a meeting; changing it changes nothing.
type Meeting struct {
	MeetingID  string // the id the create call gave; computed by the server for a breakout room
	InternalID string // sha1(meetingID) in hex, a dash, the create time in milliseconds
	Name       string
	AttendeePW string
	// ModeratorPW and AttendeePW are random when the create call gave none.
	ModeratorPW     string
	VoiceBridge     string
	DialNumber      string
	Created         time.Time     // whole milliseconds, the createTime of the API
	Started         time.Time     // the first join; zero before it
	Ended           time.Time     // zero while the meeting lives
	Duration        time.Duration // zero: unlimited. The fake ends no meeting by itself
	MaxParticipants int           // zero: unlimited
	Record          bool
	HasUserJoined   bool
	ForciblyEnded   bool              // an end was requested
	Metadata        map[string]string // keys in lower case, without meta_
	Params          url.Values        // of the create call, as sent, without the checksum
	Documents       []Document        // of the create call's body, then of insertDocument
	Modules         map[string]string // text of the other modules of the create call's body, by name, up to 1 MiB each
	Attendees       []Attendee        // those inside, in the order they came
	Waiting         []Attendee        // guests a moderator has not let in
	Breakout        bool
	ParentID        string // internal id of a breakout room's parent, otherwise bbb-none
	Sequence        int
	FreeJoin        bool
	Breakouts       []string // internal ids of the breakout rooms
}

// Running reports whether anybody is in the meeting.
func (m Meeting) Running() bool { return m.Ended.IsZero() && len(m.Attendees) > 0 }

// CreateTime returns the create time as the API writes it, in milliseconds since 1970.
func (m Meeting) CreateTime() int64 { return m.Created.UnixMilli() }

// Attendee is a person in a meeting.
type Attendee struct {
	UserID          string // the external id: userID of the join call, otherwise InternalUserID
	InternalUserID  string // w_ and 12 characters
	FullName        string
	Role            string // MODERATOR or VIEWER
	IsPresenter     bool
	IsListeningOnly bool
	HasJoinedVoice  bool
	HasVideo        bool
	ClientType      string // HTML5, or DIAL_IN for a telephone
	Guest           bool
	Bot             bool // not counted for maxParticipants
	Joined          time.Time
	CustomData      map[string]string // userdata- parameters, shared by all with the same UserID
	Params          url.Values        // of the join call, as sent, without the checksum
}

// meeting is the live state; the server's mutex protects all of it. The embedded Meeting's
// Attendees carry no CustomData, which is kept per external user id.
type meeting struct {
	Meeting
	order      int       // counts creations
	endsAt     time.Time // when a requested end takes effect; zero without one
	logoutURL  string
	policy     string // guestPolicy
	customData map[string]map[string]string
	sessions   []session
	visits     []visit // of everybody who was ever inside
	chat       []ChatMessage
	rooms      []string // internal ids of all breakout rooms there ever were
	marked     bool     // somebody pressed the record button
}

// session is what a join leaves behind.
type session struct {
	token, internalUserID, userName, cookie string
}

// snapshot copies a meeting for the outside.
func (m *meeting) snapshot() Meeting {
	c := m.Meeting
	c.Metadata = maps.Clone(c.Metadata)
	c.Params = cloneValues(c.Params)
	c.Documents = slices.Clone(c.Documents)
	c.Modules = maps.Clone(c.Modules)
	c.Breakouts = slices.Clone(c.Breakouts)
	c.Attendees = m.copyAttendees(c.Attendees)
	c.Waiting = m.copyAttendees(c.Waiting)
	return c
}

func (m *meeting) copyAttendees(all []Attendee) []Attendee {
	all = slices.Clone(all)
	for i := range all {
		all[i].CustomData = maps.Clone(m.customData[all[i].UserID])
		all[i].Params = cloneValues(all[i].Params)
	}
	return all
}

func cloneValues(v url.Values) url.Values { return url.Values(http.Header(v).Clone()) }

// maxEnded is how many ended meetings are remembered, for Server.Meetings and for telling a join
// that comes too late from one that was never right.
const maxEnded = 1000

// meetings are all meetings of a server. Its zero value is empty; the server's mutex protects it.
type meetings struct {
	live    []*meeting // in the order of creation
	ending  []*meeting // of those, the ones with an end requested
	ended   []*meeting // oldest first, bounded
	byID    map[string]*meeting
	byInner map[string]*meeting // by internal id
	voices  map[string]*meeting
	created int
	gone    func(*meeting) // called when a meeting has ended, with those who were in it
}

func newMeetings(gone func(*meeting)) meetings {
	return meetings{gone: gone, byID: map[string]*meeting{}, byInner: map[string]*meeting{}, voices: map[string]*meeting{}}
}

// find returns the live meeting with an external or an internal id.
func (ms *meetings) find(id string) *meeting { return cmp.Or(ms.byID[id], ms.byInner[id]) }

// findEnded returns the youngest remembered ended meeting with an id.
func (ms *meetings) findEnded(id string) *meeting {
	for _, m := range slices.Backward(ms.ended) {
		if m.MeetingID == id || m.InternalID == id {
			return m
		}
	}
	return nil
}

func (ms *meetings) add(m *meeting) {
	ms.created++
	m.order = ms.created
	ms.live = append(ms.live, m)
	ms.byID[m.MeetingID], ms.byInner[m.InternalID], ms.voices[m.VoiceBridge] = m, m, m
}

// requestEnd marks a meeting and its breakout rooms; reap takes them away when the time has come.
func (ms *meetings) requestEnd(m *meeting, at time.Time) {
	if !m.endsAt.IsZero() {
		return
	}
	m.endsAt, m.ForciblyEnded = at, true
	ms.ending = append(ms.ending, m)
	for _, id := range m.Breakouts {
		if room := ms.byInner[id]; room != nil {
			ms.requestEnd(room, at)
		}
	}
}

// reap removes the meetings whose end has come.
func (ms *meetings) reap(now time.Time) {
	ms.ending = slices.DeleteFunc(ms.ending, func(m *meeting) bool {
		if now.Before(m.endsAt) {
			return false
		}
		ms.remove(m, m.endsAt)
		return true
	})
}

func (ms *meetings) remove(m *meeting, at time.Time) {
	i, _ := slices.BinarySearchFunc(ms.live, m.order, func(x *meeting, order int) int { return cmp.Compare(x.order, order) })
	ms.live = slices.Delete(ms.live, i, i+1)
	delete(ms.byID, m.MeetingID)
	delete(ms.byInner, m.InternalID)
	delete(ms.voices, m.VoiceBridge)
	if parent := ms.byInner[m.ParentID]; parent != nil {
		parent.Breakouts = slices.DeleteFunc(parent.Breakouts, func(id string) bool { return id == m.InternalID })
	}
	m.Ended = at
	ms.gone(m)
	m.Attendees, m.Waiting, m.sessions = nil, nil, nil
	ms.ended = append(ms.ended, m)
	if len(ms.ended) > maxEnded {
		ms.ended = slices.Delete(ms.ended, 0, len(ms.ended)-maxEnded)
	}
}

// Meeting returns the meeting with an external or internal id: the live one, otherwise the youngest
// ended one that is still remembered.
func (s *Server) Meeting(id string) (Meeting, bool) {
	defer s.lock()()
	m := cmp.Or(s.meetings.find(id), s.meetings.findEnded(id))
	if m == nil {
		return Meeting{}, false
	}
	return m.snapshot(), true
}

// Meetings returns all meetings in the order of their creation, live ones and the last 1,000 ended
// ones; Ended tells them apart.
func (s *Server) Meetings() []Meeting {
	defer s.lock()()
	all := slices.Concat(s.meetings.ended, s.meetings.live)
	slices.SortFunc(all, func(a, b *meeting) int { return cmp.Compare(a.order, b.order) })
	list := make([]Meeting, len(all))
	for i, m := range all {
		list[i] = m.snapshot()
	}
	return list
}

// EndMeeting ends a meeting and its breakout rooms at once, as when its duration is over. An id that
// is not known is ignored.
func (s *Server) EndMeeting(id string) {
	defer s.lock()()
	if m := s.meetings.find(id); m != nil {
		now := time.Now()
		forced := m.ForciblyEnded
		s.meetings.requestEnd(m, now)
		m.endsAt, m.ForciblyEnded = now, forced
		s.meetings.reap(now)
		s.ripen(now)
	}
}

// Restart forgets every meeting and session, as a restart of the service does. Recordings,
// webhooks, the request log and the faults stay; tries to say that a meeting ended are lost.
func (s *Server) Restart() {
	s.life.forgetVolatile()
	defer s.lock()()
	s.meetings = newMeetings(s.gone)
}

// lock takes the mutex of the state, lets due ends take effect and returns what unlocks it.
func (s *Server) lock() (unlock func()) {
	s.mu.Lock()
	now := time.Now()
	s.meetings.reap(now)
	s.ripen(now)
	return s.mu.Unlock
}

func errNoMeeting(id string) error {
	return fmt.Errorf("bbbtest: no meeting %q", id)
}

// endedInner reports whether a remembered ended meeting has an internal id.
func (ms *meetings) endedInner(id string) bool {
	return slices.ContainsFunc(ms.ended, func(m *meeting) bool { return m.InternalID == id })
}
