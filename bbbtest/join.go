package bbbtest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

const guestPath = "/html5client/guestWait"

const (
	allow = "ALLOW"
	wait  = "WAIT"
	deny  = "DENY"
)

// join answers the join call: a redirect to the client, or XML with redirect=false. Failures to
// validate redirect always, later ones only if the caller wanted to be redirected.
func (s *Server) join(q *request) reply {
	if bad := s.checkJoin(q); bad != nil {
		return s.refuseJoin(q, *bad)
	}
	defer s.lock()()
	m := s.meetings.find(q.get("meetingID"))
	switch {
	case m == nil && s.meetings.findEnded(q.get("meetingID")) == nil:
		return s.redirectErrors(q, nil, failure{"invalidMeetingIdentifier", "The meeting ID that you supplied did not match any existing meetings"})
	case m == nil || m.ForciblyEnded:
		return s.redirectErrors(q, m, failure{"meetingForciblyEnded", "You can not join a meeting that has already been forcibly ended."})
	}
	role := joinRole(q, m)
	if role == "" {
		// Releases before 3.0 had a proper key here. Nobody is redirected for this one.
		if s.conf.release.atLeast(3, 0) {
			return s.fail(failure{"Params required", "You must enter a valid password"})
		}
		return s.fail(failure{"invalidPassword", "You either did not supply a password or the password supplied is neither the attendee or moderator password for this conference."})
	}
	if given := q.get("createTime"); given != "" && given != strconv.FormatInt(m.CreateTime(), 10) {
		return s.refuseLate(q, m, failure{"mismatchCreateTimeParam", "The createTime parameter submitted mismatches with the current meeting."})
	}
	a := s.joiner(q, role)
	if !a.Bot && m.full(a.UserID, !s.conf.release.atLeast(3, 0)) {
		return s.refuseLate(q, m, failure{"maxParticipantsReached", "The number of participants allowed for this meeting has been reached."})
	}
	status := m.guestStatus(q, role)
	if status == deny && s.conf.release.atLeast(3, 0) {
		return s.refuseLate(q, m, failure{"guestDeniedAccess", "Guest denied"})
	}
	token := s.admit(m, q, a, status)
	return s.joined(q, m, a, status, token)
}

// checkJoin validates the parameters that need no meeting.
func (s *Server) checkJoin(q *request) *failure {
	if bad := s.checkMeetingID(q); bad != nil {
		return bad
	}
	name := q.get("fullName")
	if name == "" {
		return s.validation("missingParamFullName", "You must specify a name for the attendee who will be joining the meeting.")
	}
	if s.conf.release.atLeast(4, 0) && utf8.RuneCountInString(name) > 255 {
		return s.validation("fullNameTooLong", "The full name must not be longer than 255 characters")
	}
	return nil
}

// joinRole returns the role a join asks for; a valid role parameter wins over a password.
func joinRole(q *request, m *meeting) string {
	if role := strings.ToUpper(q.get("role")); role == moderator || role == viewer {
		return role
	}
	switch q.get("password") {
	case "":
		return ""
	case m.ModeratorPW:
		return moderator
	case m.AttendeePW:
		return viewer
	}
	return ""
}

// joiner makes the attendee a join asks for.
func (s *Server) joiner(q *request, role string) Attendee {
	id := newUserID()
	return Attendee{
		UserID:         cmp.Or(q.get("userID"), id),
		InternalUserID: id,
		FullName:       q.get("fullName"),
		Role:           role,
		Guest:          q.boolean("guest", false),
		Bot:            q.boolean("bot", false) && s.conf.release.atLeast(3, 0),
		Params:         paramsWithoutChecksum(q.params),
	}
}

// guestStatus applies the guest policy. Moderators, and those the caller says are no guests, get in
// under every policy. An unknown policy denies.
func (m *meeting) guestStatus(q *request, role string) string {
	guest := q.boolean("guest", false)
	saidNoGuest := q.get("guest") != "" && !guest
	switch {
	case role == moderator, saidNoGuest, m.policy == "", m.policy == "ALWAYS_ACCEPT":
		return allow
	case m.policy == "ASK_MODERATOR":
		return wait
	case m.policy == "ALWAYS_ACCEPT_AUTH":
		if guest {
			return wait
		}
		return allow
	}
	return deny
}

// admit records the session of a join and puts the person where the guest status says.
func (s *Server) admit(m *meeting, q *request, a Attendee, status string) (token string) {
	token = newToken(sessionTokenLen)
	data := userData(q.params)
	m.putUserData(a.UserID, data)
	if status == deny {
		return token
	}
	if s.conf.release.atLeast(3, 0) {
		if old := q.get("replaceSessionToken"); old != "" && q.get("existingUserID") != "" {
			m.sessions = slices.DeleteFunc(m.sessions, func(x session) bool { return x.token == old })
		}
		// A further session of somebody who is inside adds nobody. What happens to an id that is
		// not there is not known; the fake lets a new person in.
		if i := slices.IndexFunc(m.Attendees, func(b Attendee) bool { return b.InternalUserID == q.get("existingUserID") }); i >= 0 {
			m.sessions = append(m.sessions, session{token, m.Attendees[i].InternalUserID, a.FullName, ""})
			return token
		}
	}
	m.sessions = append(m.sessions, session{token, a.InternalUserID, a.FullName, ""})
	if status == wait {
		a.ClientType, a.Joined = "HTML5", q.now
		m.Waiting = append(m.Waiting, a)
		return token
	}
	s.arrive(m, a, q.now)
	return token
}

// userData collects the userdata- parameters. A name is split at its dashes and must give exactly
// two parts, so a key that has a dash of its own is silently dropped.
func userData(params url.Values) map[string]string {
	data := map[string]string{}
	for name, values := range params {
		parts := strings.Split(name, "-")
		if len(parts) == 2 && parts[0] == "userdata" && parts[1] != "" {
			data[parts[1]] = values[0]
		}
	}
	return data
}

// joined answers a join that went well.
func (s *Server) joined(q *request, m *meeting, a Attendee, status, token string) reply {
	rel := s.conf.release
	target := s.origin() + rel.clientPath() + "?"
	if rel.atLeast(3, 0) && q.get("enforceLayout") != "" {
		target += "waitLayout=1&"
	}
	target += "sessionToken=" + token
	key, message := "successfullyJoined", "You have joined successfully."
	if !rel.atLeast(3, 0) { // since then the lobby is inside the client
		switch status {
		case wait:
			key, message = "guestWait", "Please wait for a moderator to approve you joining the meeting."
			target = s.origin() + guestPath + "?sessionToken=" + token
		case deny:
			key, message = "guestDeny", "Guest denied of joining the meeting."
			target = s.logoutTarget(m)
		}
	}
	var rep reply
	if q.boolean("redirect", true) {
		rep = redirect(target)
	} else {
		d := s.document(success)
		d.message(key, message)
		d.text("meeting_id", m.InternalID)
		d.text("user_id", a.InternalUserID)
		d.text("auth_token", newToken(authTokenLen))
		d.text("session_token", token)
		d.text("guestStatus", status)
		d.text("url", target)
		rep = s.xmlReply(d)
	}
	cookie := &http.Cookie{
		Name:     "JSESSIONID",
		Value:    strings.ToUpper(newToken(32)),
		Path:     "/bigbluebutton",
		HttpOnly: true,
		Secure:   q.http.TLS != nil || q.http.Header.Get("X-Forwarded-Proto") == "https",
	}
	if i := slices.IndexFunc(m.sessions, func(x session) bool { return x.token == token }); i >= 0 {
		m.sessions[i].cookie = cookie.Value
	}
	rep.header.Add("Set-Cookie", cookie.String())
	return rep
}

// refuseJoin words a failure to validate: always a redirect, even with redirect=false.
func (s *Server) refuseJoin(q *request, bad failure) reply {
	defer s.lock()()
	return s.redirectErrors(q, s.meetings.find(q.get("meetingID")), bad)
}

// refuseLate words a failure found after validation. Since when redirect=false is obeyed here is
// not known; releases before errorRedirectUrl did not.
func (s *Server) refuseLate(q *request, m *meeting, bad failure) reply {
	if s.conf.release.atLeast(2, 7) && !q.boolean("redirect", true) {
		return s.fail(bad)
	}
	return s.redirectErrors(q, m, bad)
}

// redirectErrors sends the browser away with errors= in the query.
func (s *Server) redirectErrors(q *request, m *meeting, bad failure) reply {
	target := s.logoutTarget(m)
	name := "errorRedirectUrl"
	if !s.conf.release.atLeast(2, 7) {
		name = "logoutURL"
	}
	if u, err := url.Parse(q.get(name)); err == nil && u.IsAbs() {
		target = q.get(name)
	}
	list, err := json.Marshal([]map[string]string{{"key": bad.key, "message": bad.message}})
	if err != nil {
		panic(err) // strings always marshal
	}
	separator := "?"
	if strings.Contains(target, "?") {
		separator = "&"
	}
	return redirect(target + separator + "errors=" + url.QueryEscape(string(list)))
}

// logoutTarget is the meeting's logout URL, otherwise the server's front page.
func (s *Server) logoutTarget(m *meeting) string {
	if m != nil {
		return cmp.Or(m.logoutURL, s.origin())
	}
	return s.origin()
}

func redirect(target string) reply {
	return reply{status: http.StatusFound, header: http.Header{
		"Location":      {target},
		"Cache-Control": {"no-cache"},
	}}
}
