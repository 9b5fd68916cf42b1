package bbb

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
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
// Origin and logout URL are added as the group was told. Documents are streamed,
// and the server ignores them when the meeting exists; see [Document].
//
// The error matches [ErrMeetingExists] when the ID is taken and the passwords
// given are not those of the meeting, [ErrInvalidParams] when a rule is broken,
// ours or the server's, and [ErrOutcomeUnknown] when the connection failed after
// the create was sent. It stands for create.
func (s *Server) CreateMeeting(ctx context.Context, p CreateParams) (m *Meeting, err error) {
	p, err = s.group.all.prepare(p, CreateParams.Validate)
	if err != nil {
		return nil, err
	}
	defer func() { settleDocuments(p.Documents, err) }()
	m, err = s.createOrFind(ctx, p, nil)
	if (err != nil || !m.Existed()) && ctx.Err() == nil {
		s.learnCreate(p.MeetingID, err)
	}
	if err != nil {
		return nil, err
	}
	s.placed(ctx, m, claim{})
	if c := (Criteria{Placement: p.Placement, Params: &p}); !m.Existed() && !m.IsBreakout {
		s.ledger.settle(m.ID, c.size(), time.Time{})
		s.group.reservations.reserve(ctx, s, m.ID, c.size())
	}
	return m, nil
}

// createOrFind sends a create whose parameters are complete. A password that the
// caller left open is that of the meeting, if it exists: known is what was found
// of it, or nil. An ambiguous failure comes back as ErrOutcomeUnknown.
func (s *Server) createOrFind(ctx context.Context, p CreateParams, known *Meeting) (*Meeting, error) {
	if ctx.Err() != nil { // nothing was sent
		return nil, &Error{Server: s.name, Call: callCreate, Err: ended(ctx)}
	}
	open := p
	if known != nil {
		p.fillPasswords(known)
	}
	m, err := s.create(ctx, p)
	if errors.Is(err, ErrMeetingExists) && (open.AttendeePW == "" || open.ModeratorPW == "") {
		if gone := p.modules().gone(); gone != nil {
			return nil, withCause(err, gone)
		}
		if found, infoErr := s.Meeting(ctx, p.MeetingID); infoErr == nil {
			open.fillPasswords(found)
			known = found
			if m, err = s.create(ctx, open); refused(err) {
				err = s.asUnknown(p.MeetingID, err)
			}
		}
	}
	if err != nil {
		return nil, s.unknownOutcome(p.MeetingID, err)
	}
	if m.Existed() {
		full, err := s.completeExisting(ctx, m, known)
		if err != nil {
			// It is there. Whatever the server said to the question must not lead to
			// another server.
			return nil, s.asUnknown(p.MeetingID, err)
		}
		return full, nil
	}
	return m, nil
}

// unknownOutcome returns err as ErrOutcomeUnknown if the server may have acted
// on the create.
func (s *Server) unknownOutcome(id string, err error) error {
	if errors.Is(err, ErrOutcomeUnknown) || refused(err) {
		return err
	}
	if isFault(err) || refusal(err) || errors.Is(err, errCutOff) {
		return s.asUnknown(id, err)
	}
	return err
}

func (s *Server) asUnknown(id string, err error) error {
	s.group.counts.unknown.Add(1)
	s.meetings.outdate(s.group.now()) // it may be there although no list from before has it
	e := &Error{Server: s.name, Call: callCreate, MeetingID: id, Err: ErrOutcomeUnknown}
	if from, ok := errors.AsType[*Error](err); ok {
		e.Key, e.Message, e.StatusCode, err = from.Key, from.Message, from.StatusCode, from.Err
	}
	if err != nil {
		e.Err = fmt.Errorf("%w: %w", ErrOutcomeUnknown, err)
	}
	return e
}

// fillPasswords takes those passwords from the meeting that p leaves open.
func (p *CreateParams) fillPasswords(m *Meeting) {
	if p.AttendeePW == "" {
		p.AttendeePW = m.AttendeePW
	}
	if p.ModeratorPW == "" {
		p.ModeratorPW = m.ModeratorPW
	}
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
	if _, err := fit(ctx, s, createTable, createLifetimes, &p); err != nil {
		return nil, err
	}
	body := p.modules()
	if body != nil {
		body.notesMarkdown, p.SharedNotesInitialContentMarkdown = p.SharedNotesInitialContentMarkdown, ""
	}
	r := request{call: callCreate, query: p.appendQuery(make([]byte, 0, 1<<10)), traced: true}
	length := len(s.base) + len("/create?&checksum=") + len(r.query) + 2*s.cfg.algorithm.size()
	r.form = body == nil && length > s.cfg.maxURLLength
	if body != nil {
		var err error
		if r.upload, err = body.upload(s, callCreate); err != nil {
			return nil, err
		}
	}
	got, err := fetch(ctx, s, r, meetingRecordWithStatus)
	if err != nil {
		return nil, err
	}
	m := got.meeting()
	s.adopt([]*Meeting{m}, s.group.now())
	m.completeFrom(&p)
	return m, nil
}

// completeExisting returns the state of a meeting that a create found there, of
// which the answer tells little: as it was known, else as the server says it.
func (s *Server) completeExisting(ctx context.Context, m, known *Meeting) (*Meeting, error) {
	if known == nil || known.InternalID != m.InternalID {
		known = s.meetings.get(m.ID)
	}
	if known == nil || known.InternalID != m.InternalID {
		found, err := s.Meeting(ctx, m.ID)
		if err != nil {
			return nil, err // the create may be repeated
		}
		known = found
	}
	full := *known // others hold it too
	full.MessageKey, full.Message = m.MessageKey, m.Message
	return &full, nil
}

// completeFrom fills in what an answer to create leaves out. For a meeting that
// existed before, what it was created with may differ from p, so only its ID and
// passwords are certain: the server compared them.
func (m *Meeting) completeFrom(p *CreateParams) {
	if m.ID == "" {
		m.ID = p.MeetingID
	}
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
			if value != "" { // these are not sent
				m.Metadata[strings.ToLower(key)] = value
			}
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
