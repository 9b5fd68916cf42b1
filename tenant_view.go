package bbb

import (
	"context"
	"maps"
	"runtime"
	"strings"
	"weak"
)

// metaTenant is the metadata that marks what belongs to a tenant, unless Tenant.Meta says otherwise.
const metaTenant = "tenant"

// prefix is what stands in front of the tenant's meeting IDs on the servers.
func (t *Tenant) prefix() string {
	if t.Namespace == "" {
		return ""
	}
	return t.Namespace + "-"
}

// meta is the metadata that marks what belongs to the tenant.
func (t *Tenant) meta() map[string]string {
	if t.Meta == nil && t.Name != "" {
		return map[string]string{metaTenant: t.Name}
	}
	return t.Meta
}

// tenantView is what a tenant sees of a scope.
type tenantView struct {
	scope *Scope
	err   error
}

// within returns the part of a scope that belongs to the tenant. That of the whole group is
// remembered for as long as the tenant is in use: a handler asks for it with every request.
func (t *Tenant) within(sc *Scope) (*Scope, error) {
	if sc != sc.group.all {
		v := t.view(sc)
		return v.scope, v.err
	}
	known, key := &sc.group.tenancy.views, weak.Make(t)
	v, ok := known.Load(key)
	if !ok {
		var twice bool
		if v, twice = known.LoadOrStore(key, t.view(sc)); !twice {
			runtime.AddCleanup(t, func(key weak.Pointer[Tenant]) { known.Delete(key) }, key)
		}
	}
	return v.(*tenantView).scope, v.(*tenantView).err
}

// view checks the tenant and narrows a scope to it.
func (t *Tenant) view(sc *Scope) *tenantView {
	if err := t.validate(); err != nil {
		return &tenantView{err: err}
	}
	own := t.meta()
	meta := make(map[string]string, len(sc.meta)+len(own))
	maps.Copy(meta, sc.meta)
	for key, value := range own {
		folded := strings.ToLower(key)
		if outer, ok := meta[folded]; ok && outer != value { // it would lead out of the scope
			return &tenantView{err: t.problem("meta", "has a value for "+quoted(folded)+" that is not that of the scope")}
		}
		meta[folded] = value
	}
	narrowed, err := sc.group.Scope(meta)
	if err != nil {
		return &tenantView{err: t.wrap(err)}
	}
	narrowed.prefix = sc.prefix + t.prefix()
	return &tenantView{scope: narrowed}
}

// realID returns the ID that servers know a meeting of the caller by.
func (q *incoming) realID(id string) string {
	if id == "" || id == q.room {
		return id
	}
	return q.scope.prefix + id
}

// shownID returns the ID that the caller knows a meeting by. One that does not have the prefix, as that
// of a breakout room, which its server has made up, is shown as it is.
func (q *incoming) shownID(id string) string { return strings.TrimPrefix(id, q.scope.prefix) }

// shown returns a meeting as the caller may see it: the ID is the caller's, and the metadata of the scope is
// left out. Others hold m, so what changes is a copy.
func (q *incoming) shown(m *Meeting) *Meeting {
	if q.scope.whole() && q.relay == nil {
		return m
	}
	seen := *m
	seen.ID = q.shownID(m.ID)
	seen.Metadata = maps.Clone(q.ownURLs(m.Metadata))
	for key := range q.scope.meta {
		delete(seen.Metadata, key)
	}
	return &seen
}

// findRoom looks whether the meeting of a call is a breakout room of the scope. Its ID is
// shown to the caller as its server made it up, and has no prefix when it comes back.
//
// Only an ID that looks like that of a room is looked for, if it is none that is known
// already, and then always: what it costs must not tell whether others have such a room.
func (q *incoming) findRoom(ctx context.Context) {
	id := q.get("meetingID")
	if q.scope.prefix == "" || !addressed[q.call] || !isRoomID(id) {
		return
	}
	g := q.scope.group
	g.warm(ctx)
	if q.scope.knows(q.scope.prefix+id) == nil && !q.isRoom(id) {
		if ctx, done, err := g.begin(ctx, q.call); err == nil {
			_, _ = g.search(ctx, id, func(*Server) bool { return true }) // who failed, the call itself will find
			done()
		}
	}
	if q.isRoom(id) {
		q.room = id
	}
}

// addressed are the calls about one meeting that is there already.
var addressed = map[string]bool{
	callJoin: true, callEnd: true, callIsMeetingRunning: true, callGetMeetingInfo: true,
	callInsertDocument: true, callSendChatMessage: true, callHooksCreate: true,
}

func (q *incoming) isRoom(id string) bool {
	m := q.scope.knows(id)
	return m != nil && m.ParentID != ""
}

// knows returns what was last seen of a meeting, if it was in the scope.
func (sc *Scope) knows(id string) *Meeting {
	s := sc.group.places.get(id)
	if s == nil {
		return nil
	}
	if m := s.meetings.get(id); m != nil && sc.has(m) {
		return m
	}
	return nil
}

// isRoomID reports whether an ID looks like one that servers make up for breakout rooms: a
// SHA-1 in hexadecimal, a dash, and a time in milliseconds.
func isRoomID(id string) bool {
	const hash, stamp = 40, 12 // at least, and one more for some centuries yet
	return isInternalID(id) && len(id) >= hash+1+stamp && len(id) <= hash+1+stamp+2
}
