package bbb

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// CreateMeeting creates a meeting on the best server, or finds the one that
// exists anywhere in the group.
//
// Without a MeetingID one is made up ([WithMeetingIDFunc]). With one, the
// meeting is looked for first; when a server has it, the create is sent there,
// where it changes nothing, and [Meeting.Existed] is true. A meeting that its server told of within
// the last half second is taken to be there, unless a [Cache] is shared with other processes. Otherwise a server is
// chosen. When it refuses for certain (no connection, a wrong secret, no such
// call) the next one is tried. When the connection fails after the create was
// sent, the error matches [ErrOutcomeUnknown]; repeat the same create, and it
// goes to the same server until that is given up. A create is never sent to two
// servers on a guess.
//
// A server that does not answer the search might have the meeting, so it is asked
// again until it answers or is given up: it has failed three times in a row, and for
// five seconds. Then what was on it may be created elsewhere. So the first create
// beside a server that has just died takes those five seconds, and beside one that
// hangs up to three time-outs. A meeting known to be on a server that does not answer
// is not created elsewhere before that. A server that refuses our signature counts as
// one that does not have the meeting.
//
// A breakout room is created on the server of its parent.
//
// Origin and logout URL are added as the group was told; see [WithOrigin] and
// [WithLogoutURL]. Other errors: [ErrMeetingExists] when the ID is taken with
// other passwords, [ErrInvalidParams], [ErrNoServer] when every server refused,
// a *[GroupError] when no server answered. It stands for create.
func (g *Group) CreateMeeting(ctx context.Context, p CreateParams) (*Meeting, error) {
	return g.all.CreateMeeting(ctx, p)
}

// CreateMeeting is [Group.CreateMeeting] within the scope: it adds the scope's
// metadata. An ID that exists outside the scope gives [ErrMeetingExists] and
// tells nothing of that meeting.
func (sc *Scope) CreateMeeting(ctx context.Context, p CreateParams) (*Meeting, error) {
	return sc.createMeeting(ctx, p, CreateParams.Validate)
}

// createMeeting creates a meeting if its complete parameters pass a check, which may be nil.
func (sc *Scope) createMeeting(ctx context.Context, p CreateParams, check func(CreateParams) error) (_ *Meeting, err error) {
	ctx, done, err := sc.group.begin(ctx, callCreate)
	if err != nil {
		return nil, err
	}
	defer done()
	generated := p.MeetingID == ""
	p, err = sc.prepare(p, check)
	defer func() { settleDocuments(p.Documents, err) }()
	switch {
	case err != nil:
		return nil, err
	case p.IsBreakout != nil && *p.IsBreakout:
		return sc.createBreakout(ctx, p)
	case generated:
		return sc.place(ctx, p, false, false)
	}
	// A class that opens its meeting at the same time does not queue here.
	m, gone, known, err := sc.createKnown(ctx, p)
	if known {
		return m, err
	}
	unlock, err := sc.group.creating.lock(ctx, p.MeetingID)
	if err != nil {
		return nil, &Error{Call: callCreate, Err: err}
	}
	unlock = sync.OnceFunc(unlock)
	defer unlock()
	if s := sc.group.places.get(p.MeetingID); s != nil && s != gone {
		unlock() // placed by whoever had the lock
		if m, _, known, err := sc.createKnown(ctx, p); known {
			return m, err
		}
		if unlock, err = sc.group.creating.lock(ctx, p.MeetingID); err != nil {
			return nil, &Error{Call: callCreate, Err: err}
		}
		defer unlock()
	}
	return sc.createUnknown(ctx, p)
}

// believed is hint without servers that were given up: what was on one may be created
// elsewhere.
func (g *Group) believed(ctx context.Context, id string) (s *Server, pending bool) {
	for {
		s, pending = g.hint(ctx, id)
		if s == nil || !s.health.offline() {
			return s, pending
		}
		if _, err := g.askUntilSure(ctx, s, id, knownNewsTime); err != nil {
			return s, pending
		}
		if !s.health.offline() {
			continue // it is back
		}
		if g.places.get(id) != s {
			return nil, false // the Cache has no newer place either
		}
		g.places.drop(id, s)
	}
}

// createKnown handles the create of a meeting whose place is known and confirmed.
// known is false when there is none; gone is the server that it was believed to
// be on.
func (sc *Scope) createKnown(ctx context.Context, p CreateParams) (_ *Meeting, gone *Server, known bool, _ error) {
	s, pending := sc.group.believed(ctx, p.MeetingID)
	if s == nil || pending {
		return nil, nil, false, nil
	}
	if known, done := s.justSeen(p.MeetingID, sc); known != nil {
		defer done()
		m, err := sc.createOn(ctx, s, p, known, claim{}, 1)
		if errors.Is(err, ErrOutcomeUnknown) { // it may be a new one, which only this server may have
			sc.group.keepOn(ctx, s, p.MeetingID)
		}
		return m, nil, true, err
	}
	m, err := sc.recreate(ctx, s, p)
	if isNotFound(err) {
		return nil, s, false, nil
	}
	return m, nil, true, err
}

// justSeen returns a meeting of the scope that the server told of so short a time ago that it need not be asked whether
// it is still there, or nil. Should the meeting have ended meanwhile, it is created anew where it was, which is
// harmless as long as nobody created it elsewhere in that time. Other processes that share a Cache say
// there if they did, and the server might not be the right one for a new meeting: then it is asked. Who
// has found it nowhere here waits for done, and so finds what was created.
func (s *Server) justSeen(id string, sc *Scope) (known *Meeting, done func()) {
	if s.group.store.shared || s.Mode() != ModeEnabled || s.health.now.Load().State != StateOnline {
		return nil, nil
	}
	done, ok := s.group.creating.tryShare(id)
	if !ok { // somebody is about to create it anew
		return nil, nil
	}
	if m := s.meetings.freshOne(id, s.group.now().Add(-knownNewsTime)); m != nil && !over(m) && sc.has(m) {
		return m, done
	}
	done()
	return nil, nil
}

// keepOn has creates of a meeting go to the server that may yet carry one out, as long as that can take.
func (g *Group) keepOn(ctx context.Context, s *Server, id string) {
	ctx = context.WithoutCancel(ctx)
	last, _ := g.store.claim(ctx, id)
	g.store.addClaim(ctx, id, last, claimUnknown, s.base)
}

// createUnknown handles the create of a meeting that is claimed for a server, or
// is to be looked for. The caller holds the lock of the ID.
func (sc *Scope) createUnknown(ctx context.Context, p CreateParams) (*Meeting, error) {
	g, id := sc.group, p.MeetingID
	last, err := g.settledClaim(ctx, id, "")
	if err != nil {
		return nil, err
	}
	if s := g.members.Load().byURL[last.baseURL]; s != nil && s.health.offline() && !s.disabled() {
		if _, err := g.askUntilSure(ctx, s, id, knownNewsTime); err != nil {
			return nil, err
		}
	}
	var (
		m    *Meeting
		here = func(s *Server) bool {
			m, err = sc.recreate(ctx, s, p)
			return !isNotFound(err)
		}
	)
	found, failed := g.search(ctx, id, here)
	if !found && last.state == claimUnknown {
		// The search may have taken long enough for others to take the claim over.
		now, ok := g.store.claim(ctx, id)
		if !ok {
			now = last
		}
		if s := g.holder(now); s != nil && now.token == last.token {
			if g.now().Sub(last.at) < 2*s.settleTime() || silentIn(failed, s) {
				return sc.createOn(ctx, s, p, nil, now, 1)
			}
			// Its server has listed what it has, long after that create: it failed.
			g.store.mark(ctx, last, claimVoid)
		}
	}
	if silent, ok := errors.AsType[*GroupError](failed); ok && !found && !silent.AllFailed() {
		var s *Server
		s, failed = g.askAgain(ctx, id, silent)
		found = s != nil && here(s)
	}
	switch {
	case found:
		return m, err
	case failed != nil:
		return nil, failed
	}
	return sc.place(ctx, p, true, last.token == "")
}

// silentIn reports whether a server is among those that did not answer.
func silentIn(failed error, s *Server) bool {
	ge, ok := errors.AsType[*GroupError](failed)
	return ok && slices.Contains(ge.Names(), s.name)
}

// createBreakout creates a breakout room where its parent is. What is known of
// that is a hint, like all that is known of places.
func (sc *Scope) createBreakout(ctx context.Context, p CreateParams) (*Meeting, error) {
	for again := false; ; again = true {
		s, err := sc.parentServer(ctx, p.ParentMeetingID, again)
		if err != nil {
			return nil, err
		}
		m, err := sc.createOn(ctx, s, p, nil, claim{}, 1)
		if e, ok := errors.AsType[*Error](err); again || !ok || e.Key != keyNoParent {
			return m, err
		}
	}
}

// parentServer returns the server of the meeting that a breakout room is for, by
// what is known, or else, or when asked to, after a search.
func (sc *Scope) parentServer(ctx context.Context, parentID string, search bool) (*Server, error) {
	g := sc.group
	find := func() *Server {
		if s := g.places.get(parentID); s != nil {
			if m := s.meetings.get(parentID); m != nil && sc.has(m) {
				return s
			}
		}
		for _, s := range g.serving() {
			if m := s.meetings.findInternal(parentID); m != nil && sc.has(m) {
				return s
			}
		}
		return nil
	}
	g.warm(ctx)
	if s := find(); s != nil && !search {
		return s, nil
	}
	_, failed := g.search(ctx, parentID, func(*Server) bool { return find() != nil })
	switch s := find(); {
	case s != nil:
		return s, nil
	case failed != nil:
		return nil, failed
	}
	return nil, notFoundError(callCreate)
}

// prepare completes and checks the parameters, on a copy. Without a check, the call came in as data: where
// such a meeting comes from is for the caller to say.
func (sc *Scope) prepare(p CreateParams, check func(CreateParams) error) (CreateParams, error) {
	g := sc.group
	if p.MeetingID == "" {
		p.MeetingID = sc.prefix + g.newMeetingID()
	}
	if p.LogoutURL == "" {
		p.LogoutURL = g.logoutURL
	}
	folded := make(map[string]string, len(p.Meta)) // lower-case key -> value
	for key, value := range p.Meta {
		folded[strings.ToLower(key)] = value
	}
	meta := maps.Clone(p.Meta)
	if meta == nil {
		meta = make(map[string]string, 2+len(sc.meta))
	}
	for _, origin := range [...]struct{ key, value string }{
		{MetaOrigin, g.origin}, {MetaOriginServerName, g.originServer},
	} {
		if _, given := folded[origin.key]; !given && origin.value != "" && check != nil {
			meta[origin.key] = origin.value
		}
	}
	var conflicts []error
	for key, value := range sc.meta {
		if given, ok := folded[key]; ok && given != value {
			conflicts = append(conflicts, &ParamError{Call: callCreate, Param: "meta_" + key, Problem: "is set by the scope to another value"})
		} else if !ok {
			meta[key] = value
		}
	}
	p.Meta = meta
	p.Documents = openDocuments(p.Documents)
	if check != nil {
		conflicts = append(conflicts, check(p))
	}
	return p, errors.Join(conflicts...)
}

// recreate sends the create of a meeting that is believed to exist to its server,
// after it was asked whether the meeting is still there.
func (sc *Scope) recreate(ctx context.Context, s *Server, p CreateParams) (*Meeting, error) {
	known, err := s.Meeting(ctx, p.MeetingID)
	if err == nil && over(known) && s.Mode() != ModeEnabled {
		// That one is over, and a new one is not for this server.
		err = notFoundError(callGetMeetingInfo)
	}
	switch seen := s.meetings.get(p.MeetingID); {
	case err == nil && sc.has(known):
		return sc.createOn(ctx, s, p, known, claim{}, 1)
	case err == nil, !isNotFound(err) && seen != nil && !sc.has(seen):
		return nil, existsError() // an error would name its server
	case !sc.whole() && seen == nil && isFault(err): // nobody knows whose it is
		return nil, &GroupError{Call: callGetMeetings, Asked: len(sc.group.serving()), Servers: []ServerError{{Server: s.name, Err: err}}}
	case isNotFound(err):
		s.forget(ctx, p.MeetingID)
	}
	return nil, err
}

// createOn sends the create to one server, the choice of that number. known is
// what is known of the meeting if it exists, or nil, and own the claim that it is
// created under, if any.
func (sc *Scope) createOn(ctx context.Context, s *Server, p CreateParams, known *Meeting, own claim, attempt int) (*Meeting, error) {
	m, err := s.createOrFind(ctx, p, known)
	switch {
	case err == nil && !sc.has(m), !sc.whole() && errors.Is(err, ErrMeetingExists):
		return nil, existsError()
	case err != nil:
		return nil, err
	}
	s.placed(ctx, m, own)
	size := 0 // nothing of a meeting that exists is changed
	if !m.Existed() {
		c := Criteria{Placement: p.Placement, Params: &p}
		size = c.size()
		sc.group.counts.placed.Add(1)
		sc.group.observePlaced(ctx, s, m.ID, attempt)
	}
	s.ledger.settle(m.ID, size, time.Time{})
	return m, nil
}

// place creates a meeting that exists nowhere: claim it for the chosen server,
// create it there, and go on to the next one after a definite refusal. An ID
// that was just made up needs no claim. free says that nobody had claimed it when
// the caller looked.
func (sc *Scope) place(ctx context.Context, p CreateParams, claimed, free bool) (*Meeting, error) {
	g := sc.group
	shown := p // so that no checker changes what is sent
	d := &decision{Criteria: Criteria{Placement: p.Placement, Params: &shown}, id: p.MeetingID, tried: make(map[*Server]error)}
	var own claim
	var held *Server // holds seats for a create that has not ended
	release := func() {
		if held != nil {
			g.reservations.release(ctx, held, d.id)
			held = nil
		}
	}
	defer release()
	g.warmMachines(ctx)
	g.reservations.sync(ctx)
	for attempt := 1; ; attempt++ {
		d.attempt = attempt
		chosen, ranking, err := g.choose(ctx, d)
		if err != nil {
			return nil, err
		}
		held = chosen
		g.observeChosen(ctx, d, ranking)
		g.reservations.reserve(ctx, chosen, d.id, d.size())
		s, mine := chosen, true
		if claimed {
			s, own, mine, err = g.claim(ctx, p.MeetingID, chosen, own, free && attempt == 1)
			if err != nil {
				return nil, err
			}
			if s != chosen { // another process has claimed it for another server
				release()
			}
			if err := d.tried[s]; err != nil {
				return nil, err // it refused us, but another process may be creating it there
			}
		}
		m, err := sc.createOn(ctx, s, p, nil, own, attempt)
		if mine && (err != nil || !m.Existed()) && ctx.Err() == nil {
			s.learnCreate(d.id, err)
		}
		switch {
		case err == nil:
			held = nil // by the meeting now
			return m, nil
		case errors.Is(err, ErrOutcomeUnknown): // repeating it must go to the same server
			s.ledger.settle(d.id, d.size(), g.now().Add(s.settleTime()))
			held = nil
			if claimed {
				g.store.mark(context.WithoutCancel(ctx), own, claimUnknown)
			} else {
				g.store.addClaim(context.WithoutCancel(ctx), p.MeetingID, claim{}, claimUnknown, s.base)
			}
			return nil, err
		case !mine:
			// That the server refuses us says nothing of the create of the process
			// whose claim it is.
			s.ledger.release(d.id) // here alone: the seats are his as well
			held = nil
			return nil, err
		}
		release()
		if claimed && !g.withdraw(ctx, p.MeetingID, own) || !refused(err) || ctx.Err() != nil {
			return nil, err
		}
		if gone := p.modules().gone(); gone != nil {
			return nil, withCause(err, gone)
		}
		g.counts.refused.Add(1)
		d.tried[s] = err
	}
}

// refused reports whether err says for certain that the server did not act on
// the request: it is a refusal, and there was no other try that may have succeeded.
func refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return refusal(err) && (!ok || !e.unsure)
}

// refusal reports whether err says that the server did not act on the request, at
// least when that came for the last time: there was no connection, or it or the web
// server in front of it turned the request away.
func refusal(err error) bool {
	if err == nil || errors.Is(err, ErrOutcomeUnknown) {
		return false
	}
	if unreachable(err) || errors.Is(err, ErrChecksum) || errors.Is(err, ErrNotSupported) || errors.Is(err, ErrNoServer) {
		return true
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Key != "" {
		return false
	}
	switch e.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		return true
	}
	return e.StatusCode >= 300 && e.StatusCode < 400
}

func isNotFound(err error) bool { return errors.Is(err, ErrMeetingNotFound) }

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
