package bbb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Scope is a [Group] seen through a metadata filter; make one with
// [Group.Scope]. Its methods are those of the group, for the meetings that carry
// the metadata: a meeting that does not is as good as not there.
//
// Servers tell the metadata of a meeting only with the meeting itself, so a
// Scope asks for it (getMeetingInfo) before it ends or joins one. A meeting that
// another process has created is looked for on all servers the first time, unless
// the [Cache] has what that process saw of it: its place alone does not say whose it
// is.
//
// A Scope is safe for concurrent use. It holds nothing and needs no closing.
type Scope struct {
	group *Group
	meta  map[string]string // keys in lower case; empty for the whole group

	// prefix is what the IDs of its meetings begin with, but for breakout rooms, whose IDs
	// their server makes up.
	prefix string
}

// foldScope returns the metadata that marks a scope, with keys in lower case.
func foldScope(meta map[string]string) (map[string]string, error) {
	all := make(map[string]string, len(meta))
	var problems problemList
	for _, key := range sortedKeys(meta) {
		folded, value := strings.ToLower(key), meta[key]
		if other, ok := all[folded]; ok && other != value {
			problems.add(callCreate, "meta_"+folded, "is given twice")
		}
		if value == "" {
			problems.add(callCreate, "meta_"+folded, "must have a value: servers keep no empty ones")
		}
		if strings.TrimSpace(value) != value {
			problems.add(callCreate, "meta_"+folded, "must not begin or end with white space")
		}
		all[folded] = value
	}
	// What a create could not carry, a scope cannot filter by.
	return all, errors.Join(problems.err(), CreateParams{Name: "scope", Meta: all}.Validate())
}

// Group returns the group that the scope is a part of.
func (sc *Scope) Group() *Group { return sc.group }

// Meta returns a copy of the filter, with keys in lower case.
func (sc *Scope) Meta() map[string]string { return maps.Clone(sc.meta) }

// whole reports whether the scope is the whole group.
func (sc *Scope) whole() bool { return len(sc.meta) == 0 && sc.prefix == "" }

// has reports whether a meeting is in the scope: what marks the scope is on it, or on the
// meeting that it is a breakout room of. Not all servers hand the metadata of a meeting
// on to its rooms, and their IDs are made up.
func (sc *Scope) has(m *Meeting) bool {
	return sc.marked(m) || m.ParentID != "" && sc.marked(m.parent())
}

// marked reports whether a meeting carries by itself what marks the scope.
func (sc *Scope) marked(m *Meeting) bool {
	if m == nil || !strings.HasPrefix(m.ID, sc.prefix) {
		return false
	}
	for key, value := range sc.meta {
		if got, ok := m.Metadata[key]; !ok || strings.TrimSpace(got) != value { // some answers are padded
			return false
		}
	}
	return true
}

// filter returns the meetings that are in the scope, in place.
func (sc *Scope) filter(meetings []*Meeting) []*Meeting {
	if sc.whole() {
		return meetings
	}
	parents := parentsIn(meetings)
	kept := meetings[:0]
	for _, m := range meetings {
		switch parent := parents[m.ParentID]; {
		case sc.marked(m):
		case m.ParentID == "":
			continue
		case parent != nil && parent.server == m.server:
			if !sc.marked(parent) {
				continue
			}
		case !sc.has(m):
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// parentsIn returns the meetings of a list by their internal IDs, if there are breakout rooms
// in it: looking for the parent of each would take a walk through all meetings of its server.
func parentsIn(meetings []*Meeting) map[string]*Meeting {
	if !slices.ContainsFunc(meetings, func(m *Meeting) bool { return m.ParentID != "" }) {
		return nil
	}
	parents := make(map[string]*Meeting, len(meetings))
	for _, m := range meetings {
		if m.InternalID != "" && m.ParentID == "" {
			parents[m.InternalID] = m
		}
	}
	return parents
}

// parent returns what is known of the meeting that a breakout room belongs to, or nil.
func (m *Meeting) parent() *Meeting {
	if m.server == nil {
		return nil
	}
	if parent := m.server.meetings.findInternal(m.ParentID); parent != nil {
		return parent
	}
	return m.server.meetings.get(m.ParentID) // as some balancers name it
}

// errOutside is how the functions given to onMeeting say that the meeting is
// there but none of the scope's business.
var errOutside = errors.New("outside the scope")

// onMeeting runs f on the server that has the meeting. What is known of its
// place is a hint: when that server does not have it, the others are asked.
//
// The error matches ErrMeetingNotFound only when every server answered that it
// has no such meeting; when one was silent, it is the *GroupError that says
// which. A meeting outside the scope gives exactly the same.
func onMeeting[T any](ctx context.Context, sc *Scope, call, id string, f func(context.Context, *Server) (T, error)) (T, error) {
	var none T
	if problem := validateMeetingID(id); problem != "" {
		return none, &ParamError{Call: call, Param: "meetingID", Problem: problem}
	}
	ctx, done, err := sc.group.begin(ctx, call)
	if err != nil {
		return none, err
	}
	defer done()
	var value T
	use := func(s *Server) bool {
		value, err = f(ctx, s)
		if isNotFound(err) {
			s.forget(ctx, id) // it has ended, or was never there
			return false
		}
		return !errors.Is(err, errOutside)
	}
	g := sc.group
	if s, _ := g.hint(ctx, id); s != nil && sc.takes(s, id) && use(s) {
		return value, err
	}
	found, failed := g.search(ctx, id, use)
	switch {
	case found:
		return value, err
	case failed != nil:
		return none, failed
	}
	return none, notFoundError(call)
}

// takes reports whether a hint may be followed. A claim in the Cache does not say whose
// meeting it is: within a scope, the server would be asked for a foreign one, which
// costs a request, and the time that it takes, that an ID which is nowhere does not.
// An ID of the scope's own needs no such care.
func (sc *Scope) takes(s *Server, id string) bool {
	return strings.HasPrefix(id, sc.prefix) && (sc.prefix != "" || len(sc.meta) == 0) || s.meetings.get(id) != nil
}

// meetingOn returns the meeting if it is in the scope.
//
// A scope must not tell a meeting outside it from one that is nowhere, not even
// by the error of the server that holds it, nor by a request that another ID would
// not cost. So a meeting that was outside when it was last seen is not asked for
// (the search that follows sees it anew), and of one that nobody has seen, a server
// that fails says nothing.
func (sc *Scope) meetingOn(ctx context.Context, s *Server, id string) (*Meeting, error) {
	return sc.meetingBy(ctx, s, id, (*Server).Meeting)
}

// meetingBy is meetingOn with another way to ask the server.
func (sc *Scope) meetingBy(ctx context.Context, s *Server, id string, ask func(*Server, context.Context, string) (*Meeting, error)) (*Meeting, error) {
	if sc.whole() {
		return ask(s, ctx, id)
	}
	if known := s.meetings.get(id); known != nil && !sc.has(known) {
		return nil, errOutside
	}
	m, err := ask(s, ctx, id)
	switch known := s.meetings.get(id); {
	case err == nil && !sc.has(m), err != nil && !isNotFound(err) && (known == nil || !sc.has(known)):
		return nil, errOutside
	}
	return m, err
}

// Meeting is [Group.Meeting] within the scope.
func (sc *Scope) Meeting(ctx context.Context, id string) (*Meeting, error) {
	return onMeeting(ctx, sc, callGetMeetingInfo, id, func(ctx context.Context, s *Server) (*Meeting, error) {
		return sc.meetingOn(ctx, s, id)
	})
}

// Meetings is [Group.Meetings] within the scope.
func (sc *Scope) Meetings(ctx context.Context) ([]*Meeting, error) {
	meetings, err := sc.group.sharedList(ctx)
	return sc.filter(slices.Clone(meetings)), err // others have the list, too
}

// CachedMeetings is [Group.CachedMeetings] within the scope.
func (sc *Scope) CachedMeetings(ctx context.Context) []*Meeting {
	now := sc.group.now()
	var all []*Meeting
	sc.group.warm(ctx)
	for _, s := range sc.group.serving() {
		all = s.meetings.since(all, now.Add(-s.freshTime()))
	}
	return sc.filter(sc.group.union(all))
}

// Refresh is [Group.Refresh]: it concerns the servers, not only the scope's
// meetings on them.
func (sc *Scope) Refresh(ctx context.Context) error { return sc.group.Refresh(ctx) }

// IsMeetingRunning is [Group.IsMeetingRunning] within the scope.
func (sc *Scope) IsMeetingRunning(ctx context.Context, id string) (bool, error) {
	return sc.isRunning(ctx, id, (*Server).IsMeetingRunning, (*Server).Meeting)
}

// isRunning is IsMeetingRunning with other ways to ask a server for isMeetingRunning and getMeetingInfo.
func (sc *Scope) isRunning(
	ctx context.Context, id string,
	running func(*Server, context.Context, string) (bool, error), info func(*Server, context.Context, string) (*Meeting, error),
) (bool, error) {
	is, err := onMeeting(ctx, sc, callIsMeetingRunning, id, func(ctx context.Context, s *Server) (bool, error) {
		if sc.whole() {
			if is, err := running(s, ctx, id); is || err != nil {
				return is, err
			}
		}
		// "No" may mean that this server does not have the meeting at all.
		m, err := sc.meetingBy(ctx, s, id, info)
		if err != nil {
			return false, err
		}
		return m.Running, nil
	})
	return is, ignoreNotFound(err)
}

// EndMeeting is [Group.EndMeeting] within the scope. A meeting outside it is not
// ended, and that is no error.
func (sc *Scope) EndMeeting(ctx context.Context, id, password string) error {
	return ignoreNotFound(sc.end(ctx, id, password))
}

// end is EndMeeting with an error for a meeting that is not there.
func (sc *Scope) end(ctx context.Context, id, password string) error {
	_, err := onMeeting(ctx, sc, callEnd, id, func(ctx context.Context, s *Server) (struct{}, error) {
		m, err := sc.meetingOn(ctx, s, id)
		if err != nil {
			return struct{}{}, err
		}
		return struct{}{}, s.endChecked(ctx, m, password)
	})
	return err
}

// JoinURL is [Group.JoinURL] within the scope. It asks the server first whether
// the meeting belongs to the scope, and binds the URL to that very meeting by
// its create time.
func (sc *Scope) JoinURL(ctx context.Context, p JoinParams) (string, error) {
	if err := p.Validate(); err != nil {
		return "", err
	}
	return onMeeting(ctx, sc, callJoin, p.MeetingID, func(ctx context.Context, s *Server) (string, error) {
		p, err := sc.bind(ctx, s, p)
		if err != nil {
			return "", err
		}
		return s.JoinURL(ctx, p)
	})
}

// Join is [Group.Join] within the scope. It asks the server first whether the
// meeting belongs to the scope, and joins that very meeting by its create time.
func (sc *Scope) Join(ctx context.Context, p JoinParams) (*Attendee, error) {
	p.Redirect = new(false)
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return onMeeting(ctx, sc, callJoin, p.MeetingID, func(ctx context.Context, s *Server) (*Attendee, error) {
		p, err := sc.bind(ctx, s, p)
		if err != nil {
			return nil, err
		}
		return s.Join(ctx, p)
	})
}

// bind makes a join good for nothing but the meeting that is in the scope now.
func (sc *Scope) bind(ctx context.Context, s *Server, p JoinParams) (JoinParams, error) {
	if sc.whole() {
		return p, nil
	}
	m, err := sc.meetingOn(ctx, s, p.MeetingID)
	if err != nil {
		return p, err
	}
	if p.CreateTime.IsZero() {
		p.CreateTime = m.CreateTime
	}
	return p, nil
}

// String names the group and says that this is a part of it.
func (sc *Scope) String() string {
	if sc.whole() {
		return sc.group.String()
	}
	return fmt.Sprintf("scope of %s", sc.group)
}
