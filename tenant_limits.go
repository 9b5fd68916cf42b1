package bbb

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// What limits are refused with. The key of the first is ours: a server has no such limit, and
// balancers that have it answer without a key. The second is worded as by a server whose
// meeting is full.
const (
	keyMeetingLimit      = "meetingLimitReached"
	messageMeetingLimit  = "The number of meetings allowed at the same time has been reached."
	keyAttendeeLimit     = "maxParticipantsReached"
	messageAttendeeLimit = "The number of participants allowed for this meeting has been reached."
	limitNewsTime        = 2 * time.Second // how old may be what a call is refused by
	limitListPause       = limitNewsTime   // between two lists that limits ask for
)

// tenancy is what a group knows of tenants.
type tenancy struct {
	views sync.Map // weak.Pointer[Tenant] -> *tenantView, of the whole group

	mu     sync.Mutex            // protects uses and what is in it; held for no I/O, and not while anything is ownMeetings
	uses   map[string]*tenantUse // by the tenant's name; only those with a call under way
	listed atomic.Int64          // when limits last asked for a list, in Unix nanoseconds
}

// tenantUse are the calls of a tenant that are being let in: they count until what they do is
// known elsewhere.
//
// A call is entered here first, and then what is known is ownMeetings. So each meeting and
// each join is seen in at least one of the two by all who come later. Seen in both, it makes them wait until it is in
// one, and look again.
type tenantUse struct {
	calls   []*entering // in the order in which they came
	changed chan struct{}
}

// entering is a create or a join that is being let in.
type entering struct {
	call, id string
}

func noRelease() {}

// admitCreate takes a place for one more meeting of the tenant, and sets what its placement
// needs. release says that the create has ended. The error is worded for the client.
func (q *incoming) admitCreate(ctx context.Context, p *CreateParams) (release func(), _ error) {
	if q.tenant == nil {
		return noRelease, nil
	}
	p.Placement = p.Placement.requiring(q.tenant.Labels)
	limit := q.tenant.Limits.Meetings
	if limit <= 0 || p.IsBreakout != nil && *p.IsBreakout {
		return noRelease, nil
	}
	return q.admit(ctx, limit, entering{callCreate, p.MeetingID}, limited{
		exempt: func() bool { // one that is over, or on a server that is given up, is created anew
			m := q.scope.knows(p.MeetingID)
			return m != nil && !over(m) && !m.server.health.offline()
		},
		count:   q.scope.countMeetings,
		refusal: Error{Call: callCreate, Key: keyMeetingLimit, Message: messageMeetingLimit, StatusCode: http.StatusOK},
	})
}

// admitJoin takes a place for one more attendee of the tenant in a meeting.
func (q *incoming) admitJoin(ctx context.Context, m *Meeting, userID string) (release func(), _ error) {
	if q.tenant == nil || q.tenant.Limits.Attendees <= 0 {
		return noRelease, nil
	}
	return q.admit(ctx, q.tenant.Limits.Attendees, entering{callJoin, m.ID}, limited{
		exempt: func() bool {
			now := q.scope.knows(m.ID)
			if now == nil { // it has ended, as the join will find out
				return true
			}
			return now.inside(userID) || now.ParentID != "" && now.parent().inside(userID)
		},
		count:   q.scope.countAttendees,
		refusal: Error{Call: callJoin, Key: keyAttendeeLimit, Message: messageAttendeeLimit, StatusCode: http.StatusOK},
	})
}

// inside reports whether somebody with that userID was in the meeting when it was last seen.
func (m *Meeting) inside(userID string) bool {
	return m != nil && userID != "" && slices.ContainsFunc(m.Attendees, func(a Attendee) bool { return a.UserID == userID })
}

// requiring returns a placement that needs these labels as well.
func (p Placement) requiring(labels Labels) Placement {
	if len(labels) == 0 {
		return p
	}
	all := make(Labels, len(p.Require)+len(labels))
	for _, part := range [...]Labels{p.Require, labels} { // the tenant's count last
		maps.Copy(all, part)
	}
	p.Require = all
	return p
}

// limited is what a limit is about.
type limited struct {
	exempt  func() bool // the call is about something that counts already, or will come to nothing
	count   func() int
	refusal Error
}

// admit lets a call in if that keeps the limit.
func (q *incoming) admit(ctx context.Context, limit int, e entering, l limited) (release func(), _ error) {
	g, name := q.scope.group, q.tenant.Name
	ctx, done, err := g.begin(ctx, e.call)
	if err != nil {
		return nil, err
	}
	defer done()
	g.warm(ctx)
	g.listForLimits(ctx, 0)
	leave := g.tenancy.enter(name, &e)
	for again := false; ; {
		ahead, changed := g.tenancy.ahead(name, &e)
		known := l.count()
		switch {
		case known+ahead < limit, l.exempt():
			return leave, nil
		case known < limit: // some of those ahead may come to nothing, or be ownMeetings twice
			select {
			case <-changed:
			case <-ctx.Done():
				leave()
				return nil, &Error{Call: e.call, Err: ended(ctx)}
			}
		case !again: // what was there may have ended
			again = true
			g.listForLimits(ctx, limitNewsTime)
		default:
			leave()
			return nil, &l.refusal
		}
	}
}

// enter adds a call. leave takes it out.
func (t *tenancy) enter(name string, e *entering) (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.uses[name]
	if u == nil {
		if t.uses == nil {
			t.uses = make(map[string]*tenantUse)
		}
		u = &tenantUse{changed: make(chan struct{})}
		t.uses[name] = u
	}
	u.calls = append(u.calls, e)
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		u.calls = slices.DeleteFunc(u.calls, func(other *entering) bool { return other == e })
		close(u.changed)
		u.changed = make(chan struct{})
		if len(u.calls) == 0 {
			delete(t.uses, name)
		}
	})
}

// ahead returns how many places are being taken by calls that came before e, and what is
// closed when one of them is done.
func (t *tenancy) ahead(name string, e *entering) (n int, changed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	u := t.uses[name]
	for _, other := range u.calls {
		switch {
		case other == e:
			return n, u.changed
		case other.call != e.call:
		case e.call == callCreate && other.id == e.id: // it is the same meeting
		default:
			n++
		}
	}
	return n, u.changed
}

// listForLimits asks the servers for their meetings if what is known of one that is up is older
// than the given time, or for 0 than the time that it counts as fresh. All who want to know at one time share the
// question, and when servers do not answer, what is known counts.
func (g *Group) listForLimits(ctx context.Context, age time.Duration) {
	now := g.now()
	last := time.Unix(0, g.tenancy.listed.Load())
	old := false
	for _, s := range g.serving() {
		allowed := age
		if allowed == 0 {
			allowed = s.freshTime()
		}
		if oldest := now.Add(-allowed); !s.health.offline() && s.meetings.listed().Before(oldest) && (last.Before(oldest) || last.After(now)) {
			old = true
			break
		}
	}
	if !old {
		return
	}
	f := g.searching.join(g) //nolint:contextcheck // others wait for it too, so no caller's context may end it
	select {
	case <-f.done:
		g.tenancy.listed.Store(g.now().UnixNano())
	case <-ctx.Done():
	}
}

// listed returns when the server was asked for the list that is known.
func (c *meetingSet) listed() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.asked
}

// each calls f for each meeting, which must not look into the set.
func (c *meetingSet) each(f func(*Meeting)) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, m := range c.list {
		if m != nil {
			f(m)
		}
	}
}

// ownMeetings are the meetings of a scope on one server: those that are not over.
type ownMeetings struct {
	server  *Server
	ids     []string          // without breakout rooms
	parents map[string]string // internal ID -> ID, of those that have rooms
}

// eachCounted calls f for each server that is not given up and has meetings of the scope.
func (sc *Scope) eachCounted(f func(*ownMeetings)) {
	var c ownMeetings
	for _, s := range sc.group.serving() {
		if s.health.offline() {
			continue
		}
		c = ownMeetings{server: s, ids: c.ids[:0]}
		s.meetings.each(func(m *Meeting) {
			if m.ParentID != "" || over(m) || !sc.marked(m) {
				return
			}
			if at := sc.group.places.get(m.ID); at != nil && at != s { // the other one of a split does not count
				return
			}
			c.ids = append(c.ids, m.ID)
			if len(m.BreakoutRooms) == 0 {
				return
			}
			if c.parents == nil {
				c.parents = make(map[string]string)
			}
			c.parents[m.InternalID] = m.ID
		})
		if len(c.ids) > 0 {
			f(&c)
		}
	}
}

// outsideParents returns how many people are in breakout rooms and cannot all be in the parents of
// these as well. Who goes into a room stays in its parent, unless he came in by the room.
func (c *ownMeetings) outsideParents() (n int) {
	if len(c.parents) == 0 {
		return 0
	}
	rooms := make(map[string][]string, len(c.parents))
	c.server.meetings.each(func(m *Meeting) {
		if c.parents[m.ParentID] != "" && !over(m) {
			rooms[m.ParentID] = append(rooms[m.ParentID], m.ID)
		}
	})
	l := c.server.ledger
	for internal, ids := range rooms {
		n += max(l.people(ids)-l.people([]string{c.parents[internal]}), 0)
	}
	return n
}

func (sc *Scope) countMeetings() (n int) {
	sc.eachCounted(func(c *ownMeetings) { n += len(c.ids) })
	return n
}

// countAttendees counts everybody once.
func (sc *Scope) countAttendees() (n int) {
	sc.eachCounted(func(c *ownMeetings) { n += c.server.ledger.people(c.ids) + c.outsideParents() })
	return n
}

// people returns how many are in meetings, joins included that were issued and not seen since.
func (l *ledger) people(ids []string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if m := l.seat(id); m != nil {
			n += int(m.people + m.joins)
		}
	}
	return n
}
