package bbb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
)

// CreateMeeting creates a meeting on this server, or finds it there: repeating a
// create with the same ID and passwords is harmless and answers the meeting
// that exists ([Meeting.Existed]). Nothing of an existing meeting is changed.
//
// An empty MeetingID is made up. Passwords that are empty are derived from the
// server's secret and the meeting's ID, so that repeating works with every
// release. Parameters too long for a URL go out by POST.
//
// The error matches [ErrMeetingExists] when the ID is taken and the passwords
// given are not those of the meeting, and [ErrInvalidParams] when a rule is
// broken, ours or the server's. It stands for create.
func (s *Server) CreateMeeting(ctx context.Context, p CreateParams) (*Meeting, error) {
	if p.MeetingID == "" {
		p.MeetingID = s.group.newMeetingID()
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	m, err := s.createOrFind(ctx, p)
	if err != nil {
		return nil, err
	}
	s.placed(ctx, m)
	return m, nil
}

// createOrFind sends a create. When the meeting exists and the caller gave no
// passwords, those of the meeting are used.
func (s *Server) createOrFind(ctx context.Context, p CreateParams) (*Meeting, error) {
	given := p.AttendeePW != "" || p.ModeratorPW != ""
	m, err := s.create(ctx, p)
	if given || !errors.Is(err, ErrMeetingExists) {
		return m, err
	}
	existing, infoErr := s.Meeting(ctx, p.MeetingID)
	if infoErr != nil {
		return nil, err
	}
	p.AttendeePW, p.ModeratorPW = existing.AttendeePW, existing.ModeratorPW
	return s.create(ctx, p)
}

// create sends one create, whose parameters are valid, and returns the meeting
// as far as the answer and the parameters tell.
func (s *Server) create(ctx context.Context, p CreateParams) (*Meeting, error) {
	if p.AttendeePW == "" {
		p.AttendeePW = derivePassword(s.cfg.secrets[0], "attendee", p.MeetingID)
	}
	if p.ModeratorPW == "" {
		p.ModeratorPW = derivePassword(s.cfg.secrets[0], "moderator", p.MeetingID)
	}
	r := request{call: callCreate, query: p.appendQuery(nil)}
	length := len(s.base) + len("/create?&checksum=") + len(r.query) + 2*s.cfg.algorithm.size()
	r.form = length > s.cfg.maxURLLength
	got, err := fetch(ctx, s, r, meetingRecordWithStatus)
	if err != nil {
		return nil, err
	}
	m := got.meeting()
	s.adopt([]*Meeting{m}, time.Now())
	if m.ID == "" {
		m.ID = p.MeetingID
	}
	if known := s.meetings.get(m.ID); m.Existed() && known != nil && known.InternalID == m.InternalID {
		// The answer says less than is known.
		full := *known
		full.MessageKey, full.Message, full.FetchedAt = m.MessageKey, m.Message, m.FetchedAt
		return &full, nil
	}
	m.completeFrom(&p)
	return m, nil
}

// completeFrom fills in what an answer to create leaves out. For a meeting that
// existed before, what it was created with may differ from p, so only its
// passwords are certain: the server compared them.
func (m *Meeting) completeFrom(p *CreateParams) {
	if m.AttendeePW == "" {
		m.AttendeePW = p.AttendeePW
	}
	if m.ModeratorPW == "" {
		m.ModeratorPW = p.ModeratorPW
	}
	if m.Existed() {
		return
	}
	m.Name = p.Name
	if len(p.Meta) > 0 {
		m.Metadata = make(map[string]string, len(p.Meta))
		for key, value := range p.Meta {
			m.Metadata[strings.ToLower(key)] = value
		}
	}
	m.Recording = p.Record != nil && *p.Record
	if p.MaxParticipants != nil {
		m.MaxUsers = *p.MaxParticipants
	}
	m.IsBreakout = p.IsBreakout != nil && *p.IsBreakout
	if m.IsBreakout && p.Sequence != nil {
		m.Sequence = *p.Sequence
	}
	m.FreeJoin = p.FreeJoin != nil && *p.FreeJoin
}

// derivePassword makes the password of a meeting that was given none. It is the
// same in every process that knows the server, and cannot be guessed without
// the secret.
func derivePassword(secret, role, meetingID string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(role + "\x00" + meetingID))
	return strings.ToLower(base32.StdEncoding.EncodeToString(mac.Sum(nil))[:16])
}

// CreateMeeting creates a meeting on the best server, or finds the one that
// exists anywhere in the group.
//
// Without a MeetingID one is made up ([WithMeetingIDFunc]). With one, the
// meeting is looked for first; when a server has it, the create is sent there,
// where it changes nothing, and [Meeting.Existed] is true. Otherwise a server is
// chosen. When it refuses for certain (no connection, a wrong secret, no such
// call) the next one is tried. When the connection fails after the create was
// sent, the error matches [ErrOutcomeUnknown]; repeat the same create, and it
// goes to the same server until that is offline. A create is never sent to two
// servers on a guess.
//
// Servers that do not answer the search are passed over: a dead server must not
// stop the others. A meeting known to be on a server that does not answer is
// not created elsewhere before that server has failed three times in a row.
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
	generated := p.MeetingID == ""
	p, err := sc.prepare(p)
	if err != nil {
		return nil, err
	}
	g := sc.group
	if generated {
		return sc.place(ctx, p, false)
	}
	unlock, err := g.creating.lock(ctx, p.MeetingID)
	if err != nil {
		return nil, &Error{Call: callCreate, Err: err}
	}
	defer unlock()

	s, pending := g.hint(ctx, p.MeetingID)
	if s != nil && s.health.offline() {
		// What was on an offline server may be created elsewhere.
		g.places.drop(p.MeetingID, s)
		g.store.delete(ctx, claimKey(p.MeetingID))
		s, pending = nil, false
	}
	if s != nil && !pending {
		m, err := s.Meeting(ctx, p.MeetingID)
		switch {
		case err == nil:
			return sc.recreate(ctx, m, p)
		case !isNotFound(err):
			return nil, err
		}
		s.forget(ctx, p.MeetingID)
		s = nil
	}
	if s != nil {
		return sc.createOn(ctx, s, p)
	}

	s, err = g.search(ctx, p.MeetingID)
	if s != nil {
		if m := s.meetings.get(p.MeetingID); m != nil {
			return sc.recreate(ctx, m, p)
		}
	}
	if err != nil && !partial(err) {
		return nil, err
	}
	return sc.place(ctx, p, true)
}

// prepare completes and checks the parameters, on a copy.
func (sc *Scope) prepare(p CreateParams) (CreateParams, error) {
	g := sc.group
	if p.MeetingID == "" {
		p.MeetingID = g.newMeetingID()
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
		if _, given := folded[origin.key]; !given && origin.value != "" {
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
	return p, errors.Join(append(conflicts, p.Validate())...)
}

// recreate sends the create of a meeting that exists to its server.
func (sc *Scope) recreate(ctx context.Context, m *Meeting, p CreateParams) (*Meeting, error) {
	if !sc.has(m) {
		return nil, existsError()
	}
	if p.AttendeePW == "" && p.ModeratorPW == "" {
		p.AttendeePW, p.ModeratorPW = m.AttendeePW, m.ModeratorPW
	}
	return sc.createOn(ctx, m.server, p)
}

// createOn sends the create to one server and says so if the outcome is
// unknown.
func (sc *Scope) createOn(ctx context.Context, s *Server, p CreateParams) (*Meeting, error) {
	if ctx.Err() != nil { // nothing was sent
		return nil, &Error{Server: s.name, Call: callCreate, Err: context.Cause(ctx)}
	}
	m, err := s.createOrFind(ctx, p)
	if err == nil && m.Existed() && len(sc.meta) > 0 && !sc.has(m) {
		// The answer to create does not tell the metadata of what existed.
		full, infoErr := s.Meeting(ctx, m.ID)
		if infoErr != nil {
			return nil, infoErr
		}
		if !sc.has(full) {
			return nil, existsError()
		}
		full.MessageKey, full.Message = m.MessageKey, m.Message
		m = full
	}
	switch {
	case err == nil:
		s.placed(ctx, m)
		return m, nil
	case len(sc.meta) > 0 && errors.Is(err, ErrMeetingExists):
		return nil, existsError()
	case isFault(err) && !refused(err), errors.Is(err, errCutOff):
		e, _ := errors.AsType[*Error](err)
		return nil, &Error{Server: s.name, Call: callCreate, StatusCode: e.StatusCode, Err: fmt.Errorf("%w: %w", ErrOutcomeUnknown, e.Err)}
	}
	return nil, err
}

// place creates a meeting that exists nowhere: claim it for the chosen server,
// create it there, and go on to the next one after a definite refusal.
func (sc *Scope) place(ctx context.Context, p CreateParams, claimed bool) (*Meeting, error) {
	g := sc.group
	c := criteria{params: &p, tried: make(map[*Server]error)}
	for attempt := 1; ; attempt++ {
		s, err := g.selectServer(c)
		if err != nil {
			return nil, err
		}
		mine := false
		if claimed {
			s, mine = g.claim(ctx, p.MeetingID, s)
			if err := c.tried[s]; err != nil {
				return nil, err // it refused us, but another process may be creating it there
			}
		}
		m, err := sc.createOn(ctx, s, p)
		switch {
		case err == nil:
			if !m.Existed() {
				g.observePlaced(ctx, s, m.ID, attempt)
			}
			return m, nil
		case errors.Is(err, ErrOutcomeUnknown):
			return nil, err // the claim stays
		case claimed && !mine:
			// That the server refuses us says nothing of the create of the process
			// whose claim it is.
			return nil, err
		}
		if claimed {
			g.release(ctx, p.MeetingID, s)
		}
		if !refused(err) || ctx.Err() != nil {
			return nil, err
		}
		c.tried[s] = err
	}
}

// claim reserves the ID for s. When another process has reserved it, claim
// returns the server that it is reserved for, and false.
func (g *Group) claim(ctx context.Context, id string, s *Server) (*Server, bool) {
	if g.store.add(ctx, claimKey(id), claim{baseURL: s.base, pending: true}.encode(), claimTime) {
		return s, true
	}
	other, _ := g.hint(ctx, id)
	if other == nil || other.health.offline() {
		g.store.set(ctx, claimKey(id), claim{baseURL: s.base, pending: true}.encode(), claimTime)
		return s, true
	}
	return other, false
}

// release gives up the claim for s, also for a caller that has gone.
func (g *Group) release(ctx context.Context, id string, s *Server) {
	ctx = context.WithoutCancel(ctx)
	if c, ok := g.store.claim(ctx, id); ok && c.pending && c.baseURL == s.base {
		g.store.delete(ctx, claimKey(id))
	}
}

// refused reports whether err says for certain that the server did not act on
// the request.
func refused(err error) bool {
	return neverSent(err) || errors.Is(err, ErrChecksum) || errors.Is(err, ErrNotSupported)
}

func isNotFound(err error) bool { return errors.Is(err, ErrMeetingNotFound) }

func ignoreNotFound(err error) error {
	if isNotFound(err) {
		return nil
	}
	return err
}
