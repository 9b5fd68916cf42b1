package bbb

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"time"
)

// The calls of the API that this file and its neighbours make.
const (
	callIndex            = "index"
	callCreate           = "create"
	callJoin             = "join"
	callEnd              = "end"
	callIsMeetingRunning = "isMeetingRunning"
	callGetMeetingInfo   = "getMeetingInfo"
	callGetMeetings      = "getMeetings"
	callGetSessions      = "getSessions"
)

// Meeting is what a server said of a meeting at one time: a snapshot that never
// changes and that any number of goroutines may read. Do not write to it, its
// slices or its maps: others hold the same snapshot.
//
// A Meeting knows its server, so it manages itself: [Meeting.Join],
// [Meeting.End], [Meeting.Refresh].
type Meeting struct {
	ID         string // meetingID, the one that create was given
	InternalID string // internalMeetingID; a new one each time the ID is used again
	Name       string // meetingName
	// ParentID is the ID of the meeting that a breakout room belongs to. It is
	// empty for any other meeting (create answers "bbb-none" for these).
	ParentID string

	CreateTime time.Time // identifies this use of the ID; join can insist on it
	CreateDate string    // the server's own text of the create time, in its zone
	StartTime  time.Time // zero when the meeting has not started
	EndTime    time.Time // zero while it runs

	VoiceBridge string
	DialNumber  string
	AttendeePW  string `json:"-"` // access stays out of JSON, and so of logs
	ModeratorPW string `json:"-"`

	Running              bool          // somebody is in it
	HasUserJoined        bool          // somebody was in it
	HasBeenForciblyEnded bool          // it was ended by a call or a moderator
	Recording            bool          // it can be recorded; not: it is being recorded
	IsBreakout           bool          // it is a room of another meeting
	FreeJoin             bool          // users may choose the breakout room themselves
	heard                int32         // place in the list that it came in, counted from 1; 0 for none
	Duration             time.Duration // the limit, in whole minutes; 0 for none
	MaxUsers             int           // the limit; 0 for none

	ParticipantCount      int // all who are in it
	ListenerCount         int // of these, who only listen
	VoiceParticipantCount int // of these, who can speak
	VideoCount            int // shared cameras
	ModeratorCount        int // of all, the moderators

	Attendees []Attendee
	Metadata  map[string]string // keys in lower case, as servers keep them

	Sequence      int      // number of a breakout room
	BreakoutRooms []string // IDs of the breakout rooms of a parent meeting

	// MessageKey and Message are what the server added to its answer. After a
	// create, "duplicateWarning" says that the meeting existed before.
	MessageKey string
	Message    string

	// FetchedAt is when the server was asked; for a create, when it had answered.
	FetchedAt time.Time

	server *Server
}

// Server returns the server that holds the meeting.
func (m *Meeting) Server() *Server { return m.server }

// Existed reports whether the create that returned m found the meeting there
// already.
func (m *Meeting) Existed() bool { return m.MessageKey == keyDuplicate }

// Refresh asks the server for the newest state of the meeting and returns it; m
// stays as it is. The error matches [ErrMeetingNotFound] when the meeting is
// over, also when its ID is in use again. It stands for getMeetingInfo.
func (m *Meeting) Refresh(ctx context.Context) (*Meeting, error) {
	now, err := m.server.Meeting(ctx, m.ID)
	if err == nil && m.InternalID != "" && now.InternalID != m.InternalID {
		return nil, &Error{
			Server: m.server.name, Call: callGetMeetingInfo, Key: keyNotFound,
			Message: "the meeting is over and its ID is in use again", StatusCode: http.StatusOK,
		}
	}
	return now, err
}

// IsRunning asks the server whether somebody is in the meeting. It is false when
// the meeting is over, also when its ID is in use again. It stands for
// getMeetingInfo.
func (m *Meeting) IsRunning(ctx context.Context) (bool, error) {
	now, err := m.Refresh(ctx)
	if err != nil {
		return false, ignoreNotFound(err)
	}
	return now.Running, nil
}

// End ends the meeting; that it is over already is no error. A later meeting of
// the same ID is left alone. It stands for getMeetingInfo, which tells the two
// apart, and end, which a server carries out a few seconds later.
func (m *Meeting) End(ctx context.Context) error {
	now, err := m.Refresh(ctx)
	if err != nil {
		return ignoreNotFound(err)
	}
	return m.server.end(ctx, now)
}

// JoinURL returns the URL that a browser opens to join the meeting. It does no
// I/O. See [Group.JoinURL] for the parameters; MeetingID and CreateTime are
// filled in, so that the URL never leads into a later meeting of the same ID.
func (m *Meeting) JoinURL(ctx context.Context, p JoinParams) (string, error) {
	if err := m.joinParams(&p); err != nil {
		return "", err
	}
	return m.server.JoinURL(ctx, p)
}

// Join joins the meeting in the name of a user whose browser does not do it
// itself. See [Server.Join]; MeetingID and CreateTime are filled in.
func (m *Meeting) Join(ctx context.Context, p JoinParams) (*Attendee, error) {
	if err := m.joinParams(&p); err != nil {
		return nil, err
	}
	return m.server.Join(ctx, p)
}

func (m *Meeting) joinParams(p *JoinParams) error {
	if p.MeetingID != "" && p.MeetingID != m.ID {
		return &ParamError{Call: callJoin, Param: "meetingID", Problem: "is not that of this meeting"}
	}
	p.MeetingID = m.ID
	if p.CreateTime.IsZero() {
		p.CreateTime = m.CreateTime
	}
	return nil
}

// String describes the meeting in a few words, without its passwords.
func (m Meeting) String() string {
	at := ""
	if m.server != nil {
		at = " on " + m.server.name
	}
	return fmt.Sprintf("meeting %q (%s)%s: %d participants", m.Name, m.ID, at, m.ParticipantCount)
}

// GoString is String: no formatting of a Meeting shows its passwords.
func (m Meeting) GoString() string { return "bbb.Meeting{" + m.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (m Meeting) Format(f fmt.State, verb rune) { format(f, verb, m) }

// LogValue shows what identifies the meeting, without its passwords.
func (m Meeting) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("id", m.ID), slog.String("internalID", m.InternalID), slog.String("name", m.Name),
		slog.Int("participants", m.ParticipantCount),
	}
	if m.server != nil {
		attrs = append(attrs, slog.String("server", m.server.name))
	}
	return slog.GroupValue(attrs...)
}

// Meetings returns the meetings of the server, in its order. No meetings are an
// empty list, not an error. It stands for getMeetings.
func (s *Server) Meetings(ctx context.Context) ([]*Meeting, error) {
	asked := s.group.now()
	last := s.meetings.last()
	got, err := fetchInto(ctx, s, request{call: callGetMeetings}, meetingsRecord, meetingsAnswer{seen: last.seen})
	if err != nil {
		return nil, err
	}
	if got.Meetings == nil {
		got.Meetings = []*Meeting{}
	}
	s.adopt(got.Meetings, asked)
	heard := last.next(got.seen, got.Meetings)
	s.remember(asked, got.Meetings)
	s.meetings.hear(asked, heard)
	s.save(ctx, true)
	s.group.reservations.tellJoins(ctx)
	return got.Meetings, nil
}

// CachedMeetings returns the meetings of the server as they were last seen, if
// that is not longer ago than the cache time ([WithCacheTime]), or longer while a
// [Group.Run] is under way. The server is not asked; a [Cache] given to the group may be, once.
func (s *Server) CachedMeetings(ctx context.Context) []*Meeting {
	s.restore(ctx)
	return s.meetings.since(nil, s.group.now().Add(-s.freshTime()))
}

// Meeting returns the present state of one meeting. The error matches
// [ErrMeetingNotFound] when the server does not know the ID. It stands for
// getMeetingInfo.
func (s *Server) Meeting(ctx context.Context, id string) (*Meeting, error) {
	query, err := meetingQuery(callGetMeetingInfo, id)
	if err != nil {
		return nil, err
	}
	asked := s.group.now()
	got, err := fetch(ctx, s, request{call: callGetMeetingInfo, query: query}, meetingRecordWithStatus)
	if err != nil {
		s.dropIfGone(id, err)
		return nil, err
	}
	m := got.meeting()
	if m.ID == "" { // or the meeting could be neither kept, ended nor joined
		m.ID = id
	}
	s.adopt([]*Meeting{m}, asked)
	s.put(m)
	return m, nil
}

// IsMeetingRunning reports whether somebody is in the meeting. It is false, and
// no error, for an ID that the server does not know and for a meeting that
// nobody has joined yet. It stands for isMeetingRunning.
func (s *Server) IsMeetingRunning(ctx context.Context, id string) (bool, error) {
	query, err := meetingQuery(callIsMeetingRunning, id)
	if err != nil {
		return false, err
	}
	got, err := fetch(ctx, s, request{call: callIsMeetingRunning, query: query}, runningRecord)
	if err != nil {
		return false, err
	}
	return got.Running, nil
}

// EndMeeting ends a meeting; that the server does not know it is no error. When
// a password is given and is not the moderator's password of the meeting, which
// is looked up first, the error matches [ErrPassword] and nothing is ended. It
// stands for end, which a server carries out a few seconds later.
func (s *Server) EndMeeting(ctx context.Context, id, password string) error {
	m, err := s.Meeting(ctx, id)
	if err != nil {
		return ignoreNotFound(err)
	}
	return s.endChecked(ctx, m, password)
}

func (s *Server) endChecked(ctx context.Context, m *Meeting, password string) error {
	if password != "" && !equalSecrets(password, m.ModeratorPW) {
		return &Error{Server: s.name, Call: callEnd, Err: fmt.Errorf("%w: not the moderator password of the meeting", ErrPassword)}
	}
	return s.end(ctx, m)
}

func (s *Server) end(ctx context.Context, m *Meeting) error {
	query, err := meetingQuery(callEnd, m.ID)
	if err != nil {
		return err
	}
	if m.ModeratorPW != "" {
		// Old releases demand it, newer ones ignore it.
		query = appendQueryEscape(append(query, "&password="...), m.ModeratorPW)
	}
	_, err = fetch(ctx, s, request{call: callEnd, query: query}, statusRecord)
	if ignoreNotFound(err) != nil {
		s.meetings.outdate(s.group.now()) // it may have been carried out
		return err
	}
	s.forgetAnd(ctx, m.ID, true)
	return nil
}

// equalSecrets compares in a time that depends on neither text.
func equalSecrets(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// meetingQuery checks a meeting ID and returns the query that asks for it.
func meetingQuery(call, id string) ([]byte, error) {
	if problem := validateMeetingID(id); problem != "" {
		return nil, &ParamError{Call: call, Param: "meetingID", Problem: problem}
	}
	return appendQueryEscape([]byte("meetingID="), id), nil
}

// noParentID is the parent that create answers for a meeting which is no breakout room.
const noParentID = "bbb-none"

// adopt makes meetings that were decoded those of the server.
func (s *Server) adopt(meetings []*Meeting, asked time.Time) {
	for _, m := range meetings {
		m.server, m.FetchedAt = s, asked
		if m.ParentID == noParentID {
			m.ParentID = ""
		}
	}
}
