package bbb

import (
	"context"
	"fmt"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// UserSession is a row of getSessions: one user in one meeting.
type UserSession struct {
	InternalMeetingID string // this call alone names meetings by their internal ID
	MeetingName       string // of the meeting
	UserName          string // the full name that join was given

	server *Server
}

// Server returns the server that the user is on.
func (u UserSession) Server() *Server { return u.server }

// String tells who is where.
func (u UserSession) String() string { return fmt.Sprintf("%q in %q", u.UserName, u.MeetingName) }

type sessionsAnswer struct {
	status
	Sessions []UserSession
}

var sessionsRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *sessionsAnswer) *status { return &a.status }, statusFields...),
	xmlwire.List("sessions", "meeting", func(a *sessionsAnswer) *[]UserSession { return &a.Sessions }, sessionRecord))...)

var sessionRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("meetingID", func(u *UserSession) *string { return &u.InternalMeetingID }),
	xmlwire.String("meetingName", func(u *UserSession) *string { return &u.MeetingName }),
	xmlwire.String("userName", func(u *UserSession) *string { return &u.UserName }),
)

// Sessions returns everybody who is in a meeting on the server. No sessions are
// an empty list, not an error. It stands for getSessions, which BigBlueButton
// answers without documenting it: prefer [Meeting.Attendees].
func (s *Server) Sessions(ctx context.Context) ([]UserSession, error) {
	got, err := fetch(ctx, s, request{call: callGetSessions}, sessionsRecord)
	if err != nil {
		return nil, err
	}
	if got.Sessions == nil {
		got.Sessions = []UserSession{}
	}
	for i := range got.Sessions {
		got.Sessions[i].server = s
	}
	return got.Sessions, nil
}

// Sessions returns everybody who is in a meeting on any server, with a
// *[GroupError] beside it when some servers failed. It stands for getSessions;
// see [Server.Sessions].
func (g *Group) Sessions(ctx context.Context) ([]UserSession, error) {
	if g.gate.isClosed() { // also when there is no server to say so
		return nil, &Error{Call: callGetSessions, Err: ErrClosed}
	}
	results := askAll(ctx, g, callGetSessions, func(ctx context.Context, s *Server) ([]UserSession, error) { return s.Sessions(ctx) })
	all := []UserSession{}
	for _, r := range results {
		all = append(all, r.Value...)
	}
	return all, results.Err(callGetSessions)
}
