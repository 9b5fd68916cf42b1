package bbb

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What Forget and Rebind are called in errors: no API call stands for them.
const (
	callForget = "forget"
	callRebind = "rebind"
)

// Locate returns the server that has a meeting. It looks into the memory of the
// group, then into its [Cache], and only when neither knows the place does it ask
// all servers (getMeetings).
//
// What is remembered is a hint that Locate does not verify: the meeting may have
// ended since, or its server may be down. A create that is under way, or whose
// outcome is unknown, is no place yet; the server that it was sent to is asked
// (getMeetingInfo). To know that the meeting is there, use [Group.Meeting], whose
// answer knows its server ([Meeting.Server]).
//
// The error matches [ErrMeetingNotFound] when every server answered that it does
// not know the ID; when one did not answer, it is a *[GroupError] instead.
func (g *Group) Locate(ctx context.Context, id string) (*Server, error) { return g.all.Locate(ctx, id) }

// Locate is [Group.Locate] within the scope. It asks the server whether the
// meeting belongs to the scope (getMeetingInfo), so what it returns is verified.
func (sc *Scope) Locate(ctx context.Context, id string) (*Server, error) {
	// What is in memory is found without a lock and without garbage. Close has nothing to
	// wait for then, so that does not go through the gate.
	if g := sc.group; sc.whole() && validateMeetingID(id) == "" && !g.gate.isClosed() {
		if s := g.places.get(id); s != nil {
			return s, nil
		}
	}
	ctx, done, err := sc.enter(ctx, callGetMeetingInfo, id)
	if err != nil {
		return nil, err
	}
	defer done()
	if sc.whole() {
		if s, pending := sc.group.hint(ctx, id); s != nil && !pending {
			return s, nil
		}
	}
	return onMeeting(ctx, sc, callGetMeetingInfo, id, func(ctx context.Context, s *Server) (*Server, error) {
		if sc.whole() && sc.group.places.get(id) == s {
			return s, nil // a list that just came says so
		}
		if _, err := sc.meetingOn(ctx, s, id); err != nil {
			return nil, err
		}
		return s, nil
	})
}

// Forget drops by hand all that is known of the place of a meeting, here and in
// the [Cache] of the group: the server that has it, its entry in
// [Group.CachedMeetings], a place given by [Group.Rebind], and the claim of a
// create, be it placed, under way or of unknown outcome. The next call about the
// meeting asks all servers; when none of them has it, the next create puts it
// on the server that is best then. That nothing is known of the meeting is no error.
//
// It is for an ID that is stuck: its server has died and is not to be waited for.
// No server is asked or told anything, so a meeting that still exists
// goes on, and is found again by the next search that its server answers.
//
// Forgetting the meeting does not declare its server dead. A create looks for the
// meeting first, and while a server that does not answer does not count as offline,
// it fails with a *[GroupError] rather than risk a second meeting: the server may
// not have failed often enough yet, and when most servers fail at once, none becomes
// offline ([Health].Suspect). Then say of the dead server itself that it is not to be
// waited for: with [Server.SetMode] and [ModeDisabled], or [Group.Remove].
//
// By hand means by hand: forgetting a create that is under way, or whose outcome
// nobody knows, takes away what keeps the ID on one server. When the meeting is
// there after all, or the create succeeds yet, on a server that does not answer
// the search, the next create makes a second one elsewhere. Such a split is
// reported when both servers answer.
//
// Other processes that share the Cache keep what they remember themselves until a
// server denies it. A create that is under way, here or there, goes on, and
// writes down what becomes of it. A Cache that fails keeps what it has, which is
// logged.
//
// Errors: [ErrInvalidParams] for what cannot be a meeting ID, and [ErrClosed].
func (g *Group) Forget(ctx context.Context, id string) error { return g.all.Forget(ctx, id) }

// Forget is [Group.Forget] within the scope. No server is asked, so it goes by what
// was seen of the meeting: where a meeting of the ID was last seen in the scope, it
// is forgotten. A meeting outside the scope, and one that nobody has seen, such as
// the claim of a create without an outcome, is left alone, and that is no error.
func (sc *Scope) Forget(ctx context.Context, id string) error {
	g := sc.group
	ctx, done, err := sc.enter(ctx, callForget, id)
	if err != nil {
		return err
	}
	defer done()
	ctx = context.WithoutCancel(ctx) // half of it would be worse than none
	g.warm(ctx)
	on := slices.Collect(g.Servers())
	if !sc.whole() {
		on = slices.DeleteFunc(on, func(s *Server) bool {
			m := s.meetings.get(id)
			return m == nil || !sc.has(m)
		})
	}
	if len(on) == 0 && !sc.whole() {
		return nil
	}
	g.store.freeClaim(ctx, id, func(c claim) bool {
		return sc.whole() || slices.ContainsFunc(on, func(s *Server) bool { return s.base == c.baseURL })
	})
	now := g.now()
	fanOut(ctx, on, g.workers, func(ctx context.Context, s *Server) (struct{}, error) {
		s.meetings.drop(id, now)
		s.meetings.outdate(now) // or a list from before would say that it is nowhere
		s.ledger.drop(id)
		g.places.drop(id, s)
		s.unsave(ctx, id)
		return struct{}{}, nil
	})
	g.log.LogAttrs(ctx, slog.LevelInfo, "meeting forgotten by hand", slog.String("meeting", id))
	return nil
}

// Rebind says by hand which server has a meeting, by the server's name. It is for
// a meeting that exists on two servers, when the group goes on with the wrong one,
// and for one that was moved behind the back of the group.
//
// The server is asked first whether it has the meeting (getMeetingInfo). When it
// does, later calls go there, and of two meetings of that ID this one is the one
// in lists, also when the other one has people in it or is older. That holds until
// the server answers that the meeting is gone, until it counts as offline
// and the meeting is created elsewhere, and until [Group.Forget] or another
// Rebind. A list for which the server did not answer has the other meeting.
//
// Nothing is moved or ended: end the other meeting with [Server.EndMeeting] when
// its people should come over. A split that was reported is not reported again
// because of a Rebind.
//
// The binding itself is in the memory of this process. The [Cache] of the group is
// told the place, for processes that do not know the meeting yet. Those that do go
// on with the server they know, and the lists of all of them follow their rule:
// rebind it in each.
//
// Errors: [ErrMeetingNotFound] when the server does not have the meeting, any other
// failure of the question, and [ErrInvalidParams] when the group has no server of
// that name or the server is disabled ([ModeDisabled]). Then nothing was changed.
func (g *Group) Rebind(ctx context.Context, id, server string) error {
	return g.all.Rebind(ctx, id, server)
}

// Rebind is [Group.Rebind] within the scope. To a meeting outside it, the answer
// is that the server does not have it.
func (sc *Scope) Rebind(ctx context.Context, id, server string) error {
	g := sc.group
	ctx, done, err := sc.enter(ctx, callRebind, id)
	if err != nil {
		return err
	}
	defer done()
	s, ok := g.Server(server)
	if !ok {
		return &ParamError{Call: callRebind, Param: "server", Problem: "is not the name of a server of the group"}
	}
	if s.disabled() { // what is bound to it would not be found
		return &ParamError{Call: callRebind, Param: "server", Problem: "is the name of a server that is disabled"}
	}
	if err := sc.confirm(ctx, s, id); err != nil {
		return err
	}
	g.places.bind(id, s)
	g.changes.Add(1)
	if s.meetings.get(id) == nil { // ended in the meantime
		g.places.drop(id, s)
	}
	g.claimByHand(ctx, id, s)
	s.save(ctx, false)
	g.log.LogAttrs(ctx, slog.LevelInfo, "meeting bound by hand", slog.String("meeting", id), slog.String("server", s.name))
	return nil
}

// enter checks the meeting ID and lets the operation in. done ends it.
func (sc *Scope) enter(ctx context.Context, call, id string) (_ context.Context, done func(), _ error) {
	if problem := validateMeetingID(id); problem != "" {
		return nil, nil, &ParamError{Call: call, Param: "meetingID", Problem: problem}
	}
	return sc.group.begin(ctx, call)
}

// confirm asks whether that very server has the meeting. In a scope, a meeting
// outside it costs the requests and gets the error of one that is nowhere: whose
// it is, the lists of all servers tell, and only one of ours is asked for.
func (sc *Scope) confirm(ctx context.Context, s *Server, id string) error {
	ours := func() bool {
		m := s.meetings.get(id)
		return m != nil && sc.has(m)
	}
	if sc.whole() {
		_, err := s.Meeting(ctx, id)
		return err
	}
	sc.group.warm(ctx)
	if !ours() {
		_, failed := sc.group.search(ctx, id, func(*Server) bool { return false })
		if !ours() && failed != nil {
			return failed
		}
	}
	if ours() {
		if _, err := sc.meetingOn(ctx, s, id); !isNotFound(err) && !errors.Is(err, errOutside) {
			return err
		}
	}
	return &Error{Server: s.name, Call: callGetMeetingInfo, Key: keyNotFound, Message: "the server knows no meeting with that ID", StatusCode: 200}
}

// freeClaim makes the claim of an ID void, whatever its state, if drop says so.
func (st *store) freeClaim(ctx context.Context, id string, drop func(claim) bool) {
	switch last, ok := st.claim(ctx, id); {
	case !ok || !drop(last):
	case !st.shared:
		st.dropClaims(ctx, id)
	case last.state != claimVoid:
		st.mark(ctx, last, claimVoid)
	}
}

// claimByHand writes to the Cache that s has the meeting, whatever stands there.
// Unlike recordPlace it does not yield to a process that is faster.
func (g *Group) claimByHand(ctx context.Context, id string, s *Server) {
	st := g.store
	if !st.shared {
		st.dropClaims(ctx, id)
		return
	}
	ctx = context.WithoutCancel(ctx)
	for range claimTries {
		last, ok := st.claim(ctx, id)
		if ok && last.baseURL == s.base && last.state != claimVoid {
			st.mark(ctx, last, claimPlaced)
			return
		}
		if _, added := st.addClaim(ctx, id, last, claimPlaced, s.base); added {
			return
		}
	}
}

// unsave takes a meeting out of the list of the server that others find in a
// shared Cache. A process that starts would believe in it again.
func (s *Server) unsave(ctx context.Context, id string) {
	st := s.group.store
	if !st.shared {
		return
	}
	text, ok := st.get(ctx, s.meetingsKey())
	if !ok {
		return
	}
	var saved savedMeetings
	if savedRecord.Decode([]byte(text), "saved", &saved, xmlwire.Limits{}) != nil {
		return // nobody can read it
	}
	n := len(saved.Meetings)
	saved.Meetings = slices.DeleteFunc(saved.Meetings, func(m *Meeting) bool { return m.ID == id })
	if len(saved.Meetings) < n {
		st.set(ctx, s.meetingsKey(), savedRecord.Append(nil, "saved", &saved), s.cfg.cacheTime)
	}
}
