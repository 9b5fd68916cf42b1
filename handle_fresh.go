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
	if list, ok, err := g.freshMeetings(q.fresh); ok { //nolint:contextcheck // the probe goes on when the caller has gone
		return q.scope.filter(list), err
	}
	return q.scope.Meetings(ctx)
}

// meeting returns a meeting that the caller may see, by the ID that servers know. The error is that
// of Scope.Meeting.
func (q *incoming) meeting(ctx context.Context, id string) (*Meeting, error) {
	sc, g := q.scope, q.scope.group
	if q.fresh > 0 && !g.gate.isClosed() {
		if s := g.places.get(id); s != nil {
			if m := s.meetings.freshOne(id, g.now().Add(-q.fresh)); m != nil && sc.has(m) {
				return m, nil
			}
		}
	}
	// What is shared is the question to the one server. Whether the meeting is the caller's
	// business is not.
	return onMeeting(ctx, sc, callGetMeetingInfo, id, func(ctx context.Context, s *Server) (*Meeting, error) {
		return sc.meetingBy(ctx, s, id, func(ctx context.Context, id string) (*Meeting, error) {
			return g.infos.ask(ctx, g, infoKey{s, id}, question[*Meeting]{
				ask: func(ctx context.Context) (*Meeting, error) { return s.Meeting(ctx, id) },
				soFar: func(ctx context.Context) (*Meeting, error) {
					return nil, &Error{Server: s.name, Call: callGetMeetingInfo, Err: ended(ctx)}
				},
			})
		})
	})
}

// infoKey is what is asked with getMeetingInfo.
type infoKey struct {
	server *Server
	id     string
}

// freshMeetings returns the meetings of all servers from what they said not longer ago than age, without
// I/O, or ok is false. A server that has failed since, and not answered after that, is not worth
// another question either.
func (g *Group) freshMeetings(age time.Duration) (list []*Meeting, ok bool, err error) {
	if age <= 0 {
		return nil, false, nil
	}
	servers := g.serving()
	someUp := anyUp(servers)
	from := g.now().Add(-age)
	all := union{group: g, meetings: []*Meeting{}}
	var of []*Meeting
	results := make(Results[struct{}], len(servers))
	for i, s := range servers {
		if of, ok = s.meetings.freshList(of[:0], from); ok {
			all.add(of)
			continue
		}
		results[i].Server = s
		if results[i].Err = s.failedSince(from, someUp); results[i].Err == nil {
			return nil, false, nil
		}
	}
	return all.meetings, true, results.Err(callGetMeetings)
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
