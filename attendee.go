package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"strings"
	"sync"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// Attendee is somebody in a meeting: one of [Meeting.Attendees], or the one that
// a Join made. It is a snapshot that never changes.
type Attendee struct {
	// UserID is the ID that join was given, or the server's own when it was given
	// none. It is not unique: one user may be in a meeting twice.
	UserID          string
	FullName        string
	Role            Role
	IsPresenter     bool
	IsListeningOnly bool
	HasJoinedVoice  bool
	HasVideo        bool
	ClientType      string            // "HTML5", "DIAL_IN" and others
	CustomData      map[string]string // what join was given as userdata

	// Session is what a Join returned. It is nil in a list of attendees.
	Session *Session
}

// Session is the access of one user to one meeting. Whoever has its URL is that
// user: treat it as a password.
//
// Its methods are the calls of the web client, for those who write one. They need
// the cookie of the session, which the server set for us when we joined, or a
// meeting created with AllowRequestsWithoutSession. Load balancers do not answer
// them. The call feedback is not among them: it is described, and no release
// routes it.
type Session struct {
	InternalMeetingID string
	InternalUserID    string
	AuthToken         string `json:"-"` // access stays out of JSON, and so of logs
	SessionToken      string `json:"-"`
	// GuestStatus is [GuestAllow], [GuestWait] or [GuestDeny]; empty when the
	// server did not say, as old ones do not.
	GuestStatus GuestStatus
	// URL opens the client. It works in a browser only with the cookie that the
	// server set for us, or when the meeting was created with
	// AllowRequestsWithoutSession.
	URL string `json:"-"`

	server *Server
	base   string // of the API that holds the session, if it is not the server's own
}

// GuestStatus says whether a user may enter.
type GuestStatus string

// The guest statuses.
const (
	GuestAllow GuestStatus = "ALLOW"
	GuestWait  GuestStatus = "WAIT" // a moderator has to let the user in
	GuestDeny  GuestStatus = "DENY"
)

// Server returns the server that holds the session.
func (s *Session) Server() *Server { return s.server }

// String tells who it is without session data.
func (a Attendee) String() string {
	return fmt.Sprintf("%s %q (%s)", strings.ToLower(string(a.Role)), a.FullName, a.UserID)
}

// GoString is String: no formatting of an Attendee shows tokens.
func (a Attendee) GoString() string { return "bbb.Attendee{" + a.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (a Attendee) Format(f fmt.State, verb rune) { format(f, verb, a) }

// LogValue tells who it is without session data.
func (a Attendee) LogValue() slog.Value {
	return slog.GroupValue(slog.String("userID", a.UserID), slog.String("fullName", a.FullName), slog.String("role", string(a.Role)))
}

// String names the session without its tokens.
func (s Session) String() string { return "session of " + s.InternalUserID }

// GoString is String: no formatting of a Session shows its tokens.
func (s Session) GoString() string { return "bbb.Session{" + s.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (s Session) Format(f fmt.State, verb rune) { format(f, verb, s) }

// LogValue names the session without its tokens.
func (s Session) LogValue() slog.Value {
	return slog.GroupValue(slog.String("internalUserID", s.InternalUserID), slog.String("guestStatus", string(s.GuestStatus)))
}

var attendeeRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("userID", func(a *Attendee) *string { return &a.UserID }),
	xmlwire.Common("fullName", func(a *Attendee) *string { return &a.FullName }),
	xmlwire.Enum("role", func(a *Attendee) *Role { return &a.Role }),
	xmlwire.Bool("isPresenter", func(a *Attendee) *bool { return &a.IsPresenter }),
	xmlwire.Bool("isListeningOnly", func(a *Attendee) *bool { return &a.IsListeningOnly }),
	xmlwire.Bool("hasJoinedVoice", func(a *Attendee) *bool { return &a.HasJoinedVoice }),
	xmlwire.Bool("hasVideo", func(a *Attendee) *bool { return &a.HasVideo }),
	xmlwire.Enum("clientType", func(a *Attendee) *string { return &a.ClientType }),
	xmlwire.Map("customdata", func(a *Attendee) *map[string]string { return &a.CustomData }),
)

// JoinURL returns the signed URL that a user's browser opens to join a meeting
// on this server. It does no I/O: nothing is known yet of the meeting or the
// user. Let the browser open it; a join made from here leaves it without the
// cookie of its session.
//
// Problems of the parameters come back joined and match [ErrInvalidParams]. The
// URL stands for the user: do not log it. It stands for join.
func (s *Server) JoinURL(ctx context.Context, p JoinParams) (string, error) {
	own := joinCopies.Get().(*JoinParams)
	*own = p
	defer func() {
		*own = JoinParams{}
		joinCopies.Put(own)
	}()
	in := newScratch()
	defer in.release()
	var err error
	if in.text, err = joinTable.appendChecked(append(in.text, callJoin...), own); err != nil {
		return "", err
	}
	return s.signJoin(ctx, in, own)
}

// joinCopies are for JoinURL: what a table gets cannot be on the stack, as the compiler does not know what
// its functions do.
var joinCopies = sync.Pool{New: func() any { return new(JoinParams) }}

// joinURL is JoinURL for parameters that are not checked, and whose owner lets it
// take away some.
func (s *Server) joinURL(ctx context.Context, p *JoinParams) (string, error) {
	in := newScratch()
	defer in.release()
	in.text = p.appendQuery(append(in.text, callJoin...))
	return s.signJoin(ctx, in, p)
}

// signJoin is joinURL for parameters that were encoded as they are. They are encoded anew only if some are taken away.
func (s *Server) signJoin(ctx context.Context, in *scratch, p *JoinParams) (string, error) {
	if s.group.gate.isClosed() {
		return "", &Error{Server: s.name, Call: callJoin, Err: ErrClosed}
	}
	switch changed, err := fit(ctx, s, joinTable, joinLifetimes, p); {
	case err != nil:
		return "", err
	case changed:
		in.clear()
		in.text = p.appendQuery(append(in.text, callJoin...))
	}
	s.group.reservations.joined(s, p.MeetingID)
	return s.signedText(in, callJoin), nil
}

// Join joins a meeting on this server in the name of a user and returns the new
// attendee with its [Session]. It is for users without a browser, such as tests
// and bots, and for services that pass the session's URL on. Redirect is set to
// false for it. Each call makes a new session, so it is never sent twice: it
// goes over a connection of its own, where net/http repeats nothing by itself
// (a transport given with [WithTransport] decides for itself).
//
// A guest who has to wait for a moderator is not an error: look at
// Session.GuestStatus. Errors match [ErrMeetingNotFound], [ErrPassword],
// [ErrMeetingFull], [ErrGuestDenied], [ErrInvalidParams]. It stands for join
// with redirect=false.
func (s *Server) Join(ctx context.Context, p JoinParams) (*Attendee, error) {
	p.Redirect = new(false)
	if err := p.Validate(); err != nil {
		return nil, err
	}
	attendee, _, err := s.join(ctx, p)
	return attendee, err
}

// join is Join for parameters that are not checked. The second value is what the server said.
func (s *Server) join(ctx context.Context, p JoinParams) (*Attendee, *status, error) {
	if _, err := fit(ctx, s, joinTable, joinLifetimes, &p); err != nil {
		return nil, nil, err
	}
	got, err := s.joinCall(ctx, request{call: callJoin, query: p.appendQuery(nil), once: true})
	s.meetings.outdate(s.group.now())
	if e, ok := errors.AsType[*Error](err); ok && e.Key == keyParamsNeeded && p.Password != "" && p.Role == "" {
		// The words of a server that has looked at the password and not taken it.
		e.Err = ErrPassword
	}
	if err != nil {
		return nil, nil, err
	}
	s.group.reservations.joined(s, p.MeetingID)
	role := p.Role
	if role == "" {
		role = s.roleOf(p)
	}
	got.Session.server = s
	attendee := &Attendee{UserID: p.UserID, FullName: p.FullName, Role: role, CustomData: maps.Clone(p.UserData), Session: &got.Session}
	if attendee.UserID == "" {
		attendee.UserID = got.Session.InternalUserID
	}
	return attendee, &got.status, nil
}

// maxJoinHops is how many load balancers may stand in a row.
const maxJoinHops = 3

func (s *Server) joinCall(ctx context.Context, r request) (*joinAnswer, error) {
	base := s.url
	for hop := 0; ; hop++ {
		var got joinAnswer
		err := s.do(ctx, r, func(resp *response) error {
			got = joinAnswer{}
			if resp.status < 300 || resp.status >= 400 {
				return decode(resp, joinRecord, &got)
			}
			if err := got.fromRedirect(resp, base); err != nil {
				return err // the reason of the last server, too
			}
			if got.next != nil && hop == maxJoinHops {
				return resp.bad("one redirect too many")
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		if got.next == nil {
			if hop > 0 { // a load balancer does not know the sessions behind it
				got.Session.base = base.Scheme + "://" + base.Host + strings.TrimSuffix(base.EscapedPath(), "/"+callJoin)
			}
			return &got, nil
		}
		base, r = got.next, request{call: callJoin, target: got.next.String(), once: true}
	}
}

// roleOf returns the role that a password gives, if the meeting is known.
func (s *Server) roleOf(p JoinParams) Role {
	switch m := s.meetings.get(p.MeetingID); {
	case m == nil || p.Password == "":
		return ""
	case equalSecrets(p.Password, m.ModeratorPW):
		return RoleModerator
	default:
		return RoleViewer
	}
}

type joinAnswer struct {
	status
	Session Session
	next    *url.URL // the signed join URL of another server
}

// joinRecord reads the one answer whose elements are in snake case, and the
// spellings of servers in front of others that write them like the rest.
var joinRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *joinAnswer) *status { return &a.status }, statusFields...),
	xmlwire.Lift(func(a *joinAnswer) *Session { return &a.Session }, append(sessionFields,
		xmlwire.Trimmed("meetingID", func(s *Session) *string { return &s.InternalMeetingID }).DecodeOnly(),
		xmlwire.Trimmed("userID", func(s *Session) *string { return &s.InternalUserID }).DecodeOnly(),
		xmlwire.Trimmed("authToken", func(s *Session) *string { return &s.AuthToken }).DecodeOnly(),
		xmlwire.Trimmed("sessionToken", func(s *Session) *string { return &s.SessionToken }).DecodeOnly(),
		xmlwire.Enum("guest_status", func(s *Session) *GuestStatus { return &s.GuestStatus }).DecodeOnly(),
	)...)...)...)

// sessionFields are the elements of a session as servers write them.
var sessionFields = []xmlwire.Field[Session]{
	xmlwire.Trimmed("meeting_id", func(s *Session) *string { return &s.InternalMeetingID }),
	xmlwire.Trimmed("user_id", func(s *Session) *string { return &s.InternalUserID }),
	xmlwire.Trimmed("auth_token", func(s *Session) *string { return &s.AuthToken }),
	xmlwire.Trimmed("session_token", func(s *Session) *string { return &s.SessionToken }),
	xmlwire.Enum("guestStatus", func(s *Session) *GuestStatus { return &s.GuestStatus }).OmitEmpty(),
	xmlwire.Trimmed("url", func(s *Session) *string { return &s.URL }),
}

// fromRedirect reads an answer to join that is a redirect. Servers fail this way
// although they were asked not to redirect: the reasons are in a parameter named
// errors. Load balancers send us on this way, to the server behind them or, when
// they joined by themselves, to the client.
func (a *joinAnswer) fromRedirect(r *response, base *url.URL) error {
	target, err := url.Parse(r.location)
	if err != nil || r.location == "" {
		return r.bad("a redirect to nowhere")
	}
	target = base.ResolveReference(target)
	query := target.Query()
	if text := query.Get("errors"); text != "" {
		var list []struct{ Key, Message string }
		if json.Unmarshal([]byte(text), &list) != nil || len(list) == 0 {
			return r.bad("a redirect with unreadable errors")
		}
		return &Error{Key: list[0].Key, Message: list[0].Message, StatusCode: r.status}
	}
	if token := query.Get("sessionToken"); token != "" {
		a.Session.SessionToken, a.Session.URL = token, target.String()
		return nil
	}
	if strings.HasSuffix(target.Path, "/api/join") && (target.Scheme == "http" || target.Scheme == "https") {
		a.next = target
		return nil
	}
	return r.notXML()
}
