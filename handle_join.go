package bbb

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// handleJoin sends a browser on to the server that has the meeting, or joins in its stead when it asks for
// no redirect. What it checks, it checks in the order of servers, which decides what the answer to several
// mistakes is.
func handleJoin(ctx context.Context, q *incoming) *Response {
	p := parseLeniently(joinTable, q.params)
	realID := q.realID(p.MeetingID)
	if key, message := meetingIDFailure(p.MeetingID, realID); key != "" {
		return q.sendAway(&p, key, message, nil)
	}
	if p.FullName == "" {
		return q.sendAway(&p, "missingParamFullName", "You must specify a name for the attendee who will be joining the meeting.", nil)
	}
	p.MeetingID = realID
	m, err := q.meeting(ctx, p.MeetingID)
	if err == nil && q.fresh > 0 && !q.opens(m, &p) {
		m, err = q.meetingNow(ctx, p.MeetingID) // somebody may have created it anew
	}
	switch {
	case isNotFound(err):
		key, message := q.words(err)
		return q.sendAway(&p, key, message, err)
	case err != nil:
		return q.failedJoin(&p, err)
	case over(m):
		return q.sendAway(&p, keyForciblyEnded, "You can not join a meeting that has already been forcibly ended.", nil)
	case !p.mayEnter(m):
		return q.refuse(keyParamsNeeded, "You must enter a valid password", nil)
	case !q.meant(m) && (p.stays() || p.ErrorRedirectURL != "" || p.CreateTime.IsZero()):
		// The others are refused by the server: it knows the logout URL of the meeting.
		return q.refuseJoin(&p, "mismatchCreateTimeParam", "The createTime parameter submitted mismatches with the current meeting.", nil)
	}
	release, err := q.admitJoin(ctx, m, p.UserID)
	if err != nil {
		return q.failedJoin(&p, err)
	}
	defer release()
	if !q.scope.whole() && p.CreateTime.IsZero() {
		p.CreateTime = m.CreateTime // good for nothing but the meeting that is in the scope now
	}
	if p.stays() {
		return q.join(ctx, m, &p)
	}
	target, err := m.server.joinURL(ctx, &p)
	if err != nil {
		return q.failedJoin(&p, err)
	}
	return &Response{Call: q.call, StatusCode: http.StatusFound, Location: target}
}

// mayEnter reports whether a role or a password opens the meeting. Servers check it once more; but only they
// can where a meeting is known without its passwords.
func (p *JoinParams) mayEnter(m *Meeting) bool {
	if p.Role == RoleModerator || p.Role == RoleViewer {
		return true
	}
	if m.AttendeePW == "" && m.ModeratorPW == "" {
		return p.Password != ""
	}
	moderator, attendee := equalSecrets(p.Password, m.ModeratorPW), equalSecrets(p.Password, m.AttendeePW)
	return p.Password != "" && (moderator || attendee)
}

// meant reports whether the meeting is the one that a link was made for. Servers compare the text.
func (q *incoming) meant(m *Meeting) bool {
	given := q.get("createTime")
	return given == "" || given == strconv.FormatInt(m.CreateTime.UnixMilli(), 10)
}

// opens reports whether nothing that is known of the meeting speaks against the join.
func (q *incoming) opens(m *Meeting, p *JoinParams) bool {
	return !over(m) && p.mayEnter(m) && q.meant(m)
}

// meetingNow returns the meeting as it is now, whatever age the caller allows.
func (q *incoming) meetingNow(ctx context.Context, id string) (*Meeting, error) {
	live := *q
	live.fresh = 0
	return live.meeting(ctx, id)
}

// stays reports whether the caller wants an answer instead of a redirect.
func (p *JoinParams) stays() bool { return p.Redirect != nil && !*p.Redirect }

// join joins on the server of the meeting and passes the session on. The cookie that belongs to it is ours, as
// with any client that is no browser.
func (q *incoming) join(ctx context.Context, m *Meeting, p *JoinParams) *Response {
	attendee, said, err := m.server.join(ctx, *p)
	if isNotFound(err) && q.fresh > 0 { // it was there when that server was last asked
		if m, err = q.meetingNow(ctx, p.MeetingID); err == nil {
			attendee, said, err = m.server.join(ctx, *p)
		}
	}
	if err != nil {
		return q.failedJoin(p, err)
	}
	r := succeeded(q, attendee, joinedRecord, &joinAnswer{
		status: status{Returncode: returncodeSuccess, Key: said.Key, Message: said.Message}, Session: *attendee.Session,
	})
	r.Key, r.Message = said.Key, said.Message
	return r
}

var joinedRecord = xmlwire.NewRecord(slices.Concat(
	xmlwire.Lift(func(a *joinAnswer) *status { return &a.status }, statusFields[:3]...),
	xmlwire.Lift(func(a *joinAnswer) *Session { return &a.Session }, sessionFields...))...)

// failedJoin answers a join that failed. A server that answered with a redirect although it was asked for
// none did so because it does that for such failures.
func (q *incoming) failedJoin(p *JoinParams, err error) *Response {
	key, message := q.words(err)
	if e, ok := errors.AsType[*Error](err); ok && e.Key == key && e.StatusCode >= 300 && e.StatusCode < 400 {
		return q.sendAway(p, key, message, err)
	}
	if key == keyParamsNeeded || key == "invalidPassword" {
		return q.refuse(key, message, err)
	}
	return q.refuseJoin(p, key, message, err)
}

// refuseJoin answers a join that was understood and is refused: as the caller wants to be answered.
func (q *incoming) refuseJoin(p *JoinParams, key, message string, err error) *Response {
	if p.stays() {
		return q.refuse(key, message, err)
	}
	return q.sendAway(p, key, message, err)
}

// sendAway answers with a redirect that has the reason in it, as servers do for whatever is wrong with a join,
// however the caller wants to be answered: to where the caller said, else to the group's logout URL (that of
// the meeting, which servers prefer, is not told), else to the front page of the host that was asked.
func (q *incoming) sendAway(p *JoinParams, key, message string, err error) *Response {
	target := q.scope.group.logoutURL
	if isRedirectTarget(p.ErrorRedirectURL) {
		target = p.ErrorRedirectURL
	}
	r := q.refuse(key, message, err)
	r.StatusCode, r.write = http.StatusFound, nil
	r.Location = withErrors(target, key, message)
	return r
}

// isRedirectTarget reports whether a browser may be sent to a URL that a client gave.
func isRedirectTarget(text string) bool {
	return webURL(text) == "" && !strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) })
}

// withErrors adds a reason to a URL; "" is the front page.
func withErrors(target, key, message string) string {
	list := appendJSON(nil, []struct {
		Key     string `json:"key"`
		Message string `json:"message"`
	}{{key, message}})
	target, fragment, hasFragment := strings.Cut(target, "#")
	if target == "" {
		target = "/"
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	target += separator + "errors=" + url.QueryEscape(string(list))
	if hasFragment {
		target += "#" + fragment
	}
	return target
}
