package bbb

import (
	"context"
	"fmt"
	"time"
)

// meetings returns the meetings that the caller may see, by the IDs that servers know. The error is
// that of Scope.Meetings.
func (q *incoming) meetings(ctx context.Context) ([]*Meeting, error) {
	g := q.scope.group
	ctx, done, err := g.begin(ctx, callGetMeetings)
	if err != nil {
		return nil, err
	}
	defer done()
	if list, ok, err := q.freshMeetings(); ok { //nolint:contextcheck // the probe goes on when the caller has gone
		return list, err
	}
	return q.scope.Meetings(ctx)
}

// meeting returns a meeting that the caller may see, by the ID that servers know. The error is that
// of Scope.Meeting.
func (q *incoming) meeting(ctx context.Context, id string) (*Meeting, error) {
	if m := q.freshMeeting(id); m != nil {
		return m, nil
	}
	return onMeeting(ctx, q.scope, callGetMeetingInfo, id, func(ctx context.Context, s *Server) (*Meeting, error) {
		return q.scope.meetingBy(ctx, s, id, (*Server).sharedMeeting)
	})
}

// running reports whether somebody is in a meeting that the caller may see. The error is that of
// Scope.IsMeetingRunning.
func (q *incoming) running(ctx context.Context, id string) (bool, error) {
	if m := q.freshMeeting(id); m != nil {
		return m.Running, nil
	}
	if q.isNowhere(id) {
		return false, nil
	}
	if q.fresh > 0 { // the answer to this is kept, for those who come next
		m, err := q.meeting(ctx, id)
		return err == nil && m.Running, ignoreNotFound(err)
	}
	return q.scope.isRunning(ctx, id, (*Server).sharedRunning, (*Server).sharedMeeting)
}

// freshMeeting returns a meeting that the caller may see if it is known as new as he allows, else nil.
func (q *incoming) freshMeeting(id string) *Meeting {
	g := q.scope.group
	if q.fresh <= 0 || g.gate.isClosed() {
		return nil
	}
	s := g.places.get(id)
	if s == nil {
		return nil
	}
	if m := s.meetings.freshOne(id, g.now().Add(-q.fresh)); m != nil && q.scope.has(m) {
		return m
	}
	return nil
}

// isNowhere reports whether the lists of all servers are as new as the caller allows, and a meeting is in none of
// them that he may see. It may be in one although freshMeeting does not know it: of two meetings of one ID, that on
// the server that counted may have ended. What it costs is the same for one of somebody else.
func (q *incoming) isNowhere(id string) bool {
	g := q.scope.group
	if q.fresh <= 0 || g.gate.isClosed() {
		return false
	}
	from := g.now().Add(-q.fresh)
	for _, s := range g.serving() {
		if _, ok := s.meetings.freshSince(from); !ok {
			return false
		}
		if m := s.meetings.get(id); m != nil && q.scope.has(m) {
			return false
		}
	}
	return true
}

// sharedMeeting is Meeting for all who ask at the same time. What is shared is the question to the one server, not
// whose business the meeting is.
func (s *Server) sharedMeeting(ctx context.Context, id string) (*Meeting, error) {
	return askTogether(ctx, s, &s.group.infos, callGetMeetingInfo, id, s.Meeting)
}

// sharedRunning is the same for IsMeetingRunning.
func (s *Server) sharedRunning(ctx context.Context, id string) (bool, error) {
	return askTogether(ctx, s, &s.group.runnings, callIsMeetingRunning, id, s.IsMeetingRunning)
}

func askTogether[T any](
	ctx context.Context, s *Server, calls *sharedCalls[infoKey, T], call, id string, ask func(context.Context, string) (T, error),
) (T, error) {
	return calls.ask(ctx, s.group, infoKey{s, id}, question[T]{
		ask: func(ctx context.Context) (T, error) { return ask(ctx, id) },
		soFar: func(ctx context.Context) (none T, _ error) {
			return none, &Error{Server: s.name, Call: call, Err: ended(ctx)}
		},
	})
}

// infoKey is what is asked with getMeetingInfo and isMeetingRunning.
type infoKey struct {
	server *Server
	id     string
}

// freshMeetings returns the meetings of all servers that the caller may see from what they said not longer ago
// than he allows, without I/O, or ok is false. A server that has failed since, and not answered after that, is
// not worth another question either. The list is not to be changed.
func (q *incoming) freshMeetings() (list []*Meeting, ok bool, err error) {
	if q.fresh <= 0 {
		return nil, false, nil
	}
	g := q.scope.group
	servers := g.serving()
	from := g.now().Add(-q.fresh)
	if told := g.wholeLists.place(q.view()).Load(); told.of(q.view()) && told.tells(servers, from) {
		q.versions = told.versions
		return told.meetings, true, nil
	}
	someUp := anyUp(servers)
	results := make(Results[struct{}], len(servers))
	versions := make([]uint64, len(servers))
	for i, s := range servers {
		if list, versions[i], ok = s.meetings.freshList(list, from); ok {
			continue
		}
		results[i].Server = s
		if results[i].Err = s.failedSince(from, someUp); results[i].Err == nil {
			return nil, false, nil
		}
	}
	joined := len(list)
	list, err = g.union(list), results.Err(callGetMeetings)
	if err == nil && len(list) == joined { // which of two meetings of one ID counts, the versions do not tell
		q.versions = versions
	}
	return q.scope.filter(list), true, err
}

// failedSince returns why asking a server for its meetings is of no use, or nil when it may be.
func (s *Server) failedSince(from time.Time, othersUp bool) error {
	h := s.health.now.Load()
	switch {
	case h.Failures == 0 || h.FailedAt.Before(from):
		return s.passedOver(othersUp, callGetMeetings)
	case h.State == StateOffline:
		return &Error{Server: s.name, Call: callGetMeetings, Err: ErrOffline}
	}
	return &Error{Server: s.name, Call: callGetMeetings, Err: fmt.Errorf("failed just now: %s", h.Cause)}
}
