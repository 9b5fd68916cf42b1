package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"github.com/bbbgroup/bbb/internal/redact"
)

// The calls of the web client. They are not signed: the token and the cookie of
// the session stand for the user.
const (
	callGetJoinURL        = "getJoinUrl"
	callLearningDashboard = "learningDashboard"
	callStuns             = "stuns"
	callSignOut           = "signOut"
	callEnter             = "enter"
	callGuestWait         = "guestWait"
)

// call makes a call of the session. accept reads the answer.
func (s *Session) call(ctx context.Context, call string, once bool, params url.Values, accept func(*response) error) error {
	if s.server == nil || s.SessionToken == "" {
		return &ParamError{Call: call, Param: "sessionToken", Problem: "is missing: only a session that Join returned can make calls"}
	}
	base := s.server.base
	if s.base != "" {
		base = s.base
	}
	query := appendQueryEscape([]byte("sessionToken="), s.SessionToken)
	if more := encodeValues(params); len(more) > 0 {
		query = append(append(query, '&'), more...)
	}
	r := request{call: call, target: base + "/" + call + "?" + string(query), once: once, json: call != callSignOut}
	return s.server.do(ctx, r, func(resp *response) error {
		err := accept(resp)
		e, ok := errors.AsType[*Error](err)
		if !ok { // no text that a server wrote may bring the tokens into a log
			return redact.Error(err, s.SessionToken, s.AuthToken)
		}
		e.Message = redact.Text(e.Message, s.SessionToken, s.AuthToken)
		e.Key = redact.Text(e.Key, s.SessionToken, s.AuthToken)
		e.Err = redact.Error(e.Err, s.SessionToken, s.AuthToken)
		return err
	})
}

// fields makes a call whose answer is JSON and returns what stands in its
// "response", or the whole of it.
func (s *Session) fields(ctx context.Context, call string, once bool, params url.Values) (jsonFields, error) {
	var got jsonFields
	err := s.call(ctx, call, once, params, func(resp *response) (err error) {
		got, err = readFields(resp)
		return err
	})
	return got, err
}

// readFields reads a JSON answer that is not a failure.
func readFields(resp *response) (jsonFields, error) {
	if err := resp.failure(); err != nil {
		return nil, err
	}
	switch firstByte(resp.body) {
	case 0: // 3.0 says so that the session is not valid
		return nil, resp.bad("an empty body, as for a session that is over")
	case '{':
	default:
		return nil, resp.bad("no JSON")
	}
	var got, inner jsonFields
	err := json.Unmarshal(trimStart(resp.body), &got)
	if raw, ok := got["response"]; ok && err == nil {
		err = json.Unmarshal(raw, &inner)
		got = inner
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return got, nil
}

// jsonFields are the fields of an answer. Releases disagree whether numbers and
// bools are quoted, so all is read as text first.
type jsonFields map[string]json.RawMessage

func (f jsonFields) text(name string) string {
	var text looseText
	if raw := f[name]; len(raw) > 0 && json.Unmarshal(raw, &text) == nil {
		return string(text)
	}
	if raw := string(f[name]); raw == "true" || raw == "false" {
		return raw
	}
	return ""
}

func (f jsonFields) flag(name string) bool { return f.text(name) == "true" }

func (f jsonFields) number(name string) int {
	n, _ := strconv.Atoi(f.text(name))
	return n
}

// pairs reads a list of objects of one pair each, as metadata is written here.
func (f jsonFields) pairs(name string) map[string]string {
	var list []jsonFields
	_ = json.Unmarshal(f[name], &list)
	var all map[string]string
	for _, item := range list {
		for key := range item {
			if all == nil {
				all = make(map[string]string)
			}
			all[key] = item.text(key)
		}
	}
	return all
}

// list reads a list of objects.
func (f jsonFields) list(name string) (list []jsonFields) {
	_ = json.Unmarshal(f[name], &list)
	return list
}

// SessionURLParams says how a user joins once more; see [Session.JoinURL]. All
// are optional.
type SessionURLParams struct {
	// ReplaceSession ends the present session when the new one begins. The default
	// is false.
	ReplaceSession *bool
	// SessionName tells the sessions of one user apart.
	SessionName string
	// EnforceLayout is a layout that the user cannot change.
	EnforceLayout Layout
	// UserData is like that of [JoinParams].
	UserData map[string]string
}

// JoinURL returns a URL by which the same user joins the meeting once more, such
// as on another device. Pass it on as it is: its query begins oddly, its values
// are encoded twice, and its checksum is SHA-1 whatever the server is set to.
// Whoever has it is the user: do not log it. Each call makes a new one, so it is
// never sent twice.
//
// An invalid session gives an *[Error] with the server's message; before
// BigBlueButton 3.0 the error matches [ErrNotSupported]. It stands for getJoinUrl.
func (s *Session) JoinURL(ctx context.Context, p SessionURLParams) (string, error) {
	params := make(url.Values)
	if p.ReplaceSession != nil {
		params.Set("replaceSession", strconv.FormatBool(*p.ReplaceSession))
	}
	if p.SessionName != "" {
		params.Set("sessionName", p.SessionName)
	}
	if p.EnforceLayout != "" {
		params.Set("enforceLayout", string(p.EnforceLayout))
	}
	var problems problemList
	for _, key := range slices.Sorted(maps.Keys(p.UserData)) {
		if problem := userDataKey(key); problem != "" {
			problems.add(callGetJoinURL, "userdata-"+key, problem)
		}
		params.Set("userdata-"+key, p.UserData[key])
	}
	if err := problems.err(); err != nil {
		return "", err
	}
	var target string
	err := s.call(ctx, callGetJoinURL, true, params, func(resp *response) error {
		got, err := readFields(resp)
		if target = got.text("url"); err == nil && target == "" {
			return resp.bad("no URL")
		}
		return err
	})
	return target, err
}

// LearningDashboard returns the data of the learning dashboard, a JSON document
// in the shape of the server's release. The session must be a moderator's.
//
// Refusals give an *[Error] with the server's message: no access, no meeting, the
// dashboard is switched off or has no data yet. It stands for learningDashboard.
func (s *Session) LearningDashboard(ctx context.Context) (json.RawMessage, error) {
	var data json.RawMessage
	err := s.call(ctx, callLearningDashboard, false, nil, func(resp *response) error {
		got, err := readFields(resp)
		if err != nil {
			return err
		}
		if data = json.RawMessage(got.text("data")); len(data) == 0 {
			data = got["data"] // not as a text
		}
		if len(data) == 0 || !json.Valid(data) {
			return resp.bad("no data")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// ICEServers are what a browser needs to find a way for its media.
type ICEServers struct {
	STUN             []string // URLs
	TURN             []TURNServer
	RemoteCandidates []string // IP addresses
}

// TURNServer relays media for those who have no direct way.
type TURNServer struct {
	URL      string
	Username string
	Password string `json:"-"` // access stays out of JSON, and so of logs
	TTL      int    // seconds that the password is good for
}

// String names the server without its password.
func (t TURNServer) String() string { return t.URL }

// GoString is String: no formatting of a TURNServer shows its password.
func (t TURNServer) GoString() string { return "bbb.TURNServer{" + t.URL + "}" }

// Format writes String for every verb, so that none shows the password.
func (t TURNServer) Format(f fmt.State, verb rune) { format(f, verb, t) }

// LogValue names the server without its password.
func (t TURNServer) LogValue() slog.Value { return slog.StringValue(t.URL) }

// STUN returns the STUN and TURN servers for the session. It stands for stuns.
func (s *Session) STUN(ctx context.Context) (*ICEServers, error) {
	got, err := s.fields(ctx, callStuns, false, nil)
	if err != nil {
		return nil, err
	}
	all := new(ICEServers)
	for _, stun := range got.list("stunServers") {
		all.STUN = append(all.STUN, stun.text("url"))
	}
	for _, turn := range got.list("turnServers") {
		all.TURN = append(all.TURN, TURNServer{
			URL: turn.text("url"), Username: turn.text("username"), Password: turn.text("password"), TTL: turn.number("ttl"),
		})
	}
	for _, candidate := range got.list("remoteIceCandidates") {
		all.RemoteCandidates = append(all.RemoteCandidates, candidate.text("ip"))
	}
	return all, nil
}

// SignOut ends the session. Servers say yes whatever was there to end. It stands
// for signOut.
func (s *Session) SignOut(ctx context.Context) error {
	return s.call(ctx, callSignOut, false, nil, func(resp *response) error {
		if firstByte(resp.body) == '{' {
			return resp.failure()
		}
		var got status
		return decode(resp, statusRecord, &got)
	})
}
