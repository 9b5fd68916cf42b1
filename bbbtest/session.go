package bbbtest

import (
	"net/http"
	"slices"
)

// WithRequestsWithoutSession lets the calls that take a session token do without the JSESSIONID
// cookie of the join, as the server property allowRequestsWithoutSession does. A meeting created
// with the parameter of that name allows it for itself.
func WithRequestsWithoutSession() Option {
	return func(c *config) { c.noCookie = true }
}

// visitor is who makes a call with a session token.
type visitor struct {
	m       *meeting
	session session
	person  Attendee
	waiting bool
}

const (
	badToken   = "Invalid session token"
	badSession = "Invalid Session"
	noAccess   = "Access denied"
)

// visitor finds out who makes a call; wrong says why nobody is found. The mutex is held.
func (s *Server) visitor(q *request) (v visitor, wrong string) {
	token := q.get("sessionToken")
	for _, m := range s.meetings.live {
		i := slices.IndexFunc(m.sessions, func(x session) bool { return x.token == token })
		if i < 0 || token == "" {
			continue
		}
		v.m, v.session = m, m.sessions[i]
		cookie, err := q.http.Cookie("JSESSIONID")
		free := s.conf.noCookie || isTrue(m.Params.Get("allowRequestsWithoutSession"), false)
		if !free && (err != nil || cookie.Value != v.session.cookie) {
			return v, badSession
		}
		is := func(a Attendee) bool { return a.InternalUserID == v.session.internalUserID }
		if i := slices.IndexFunc(m.Attendees, is); i >= 0 {
			v.person = m.Attendees[i]
			return v, ""
		}
		if i := slices.IndexFunc(m.Waiting, is); i >= 0 {
			v.person, v.waiting = m.Waiting[i], true
			return v, ""
		}
		return v, badToken
	}
	return v, badToken
}

// sessionFailure is how the calls with a session token say no.
func (s *Server) sessionFailure(q *request, message string) reply {
	return s.jsonReply(map[string]any{"returncode": failed, "message": message, "sessionToken": q.get("sessionToken")})
}

// stuns answers that call, without the usual object around it.
func (s *Server) stuns(q *request) reply {
	defer s.lock()()
	v, wrong := s.visitor(q)
	if wrong != "" {
		return plainJSON(map[string]any{"returncode": failed, "message": "Could not find conference.", "logoutURL": s.logoutTarget(v.m)})
	}
	host := s.host()
	return plainJSON(map[string]any{
		"stunServers": []map[string]any{{"url": "stun:" + host}},
		"turnServers": []map[string]any{{
			"username": "1:" + v.person.InternalUserID, "password": newToken(20), "url": "turns:" + host + ":443?transport=tcp", "ttl": 86400,
		}},
		"remoteIceCandidates": []map[string]any{},
	})
}

// signOut answers that call: always a success.
func (s *Server) signOut(q *request) reply {
	s.mu.Lock()
	v, wrong := s.visitor(q)
	s.mu.Unlock()
	if wrong == "" {
		s.Leave(v.m.InternalID, v.person.InternalUserID)
	}
	return s.xmlReply(s.document(success))
}

// learningDashboard answers that call, for moderators.
func (s *Server) learningDashboard(q *request) reply {
	defer s.lock()()
	v, wrong := s.visitor(q)
	switch {
	case wrong != "":
		return s.sessionFailure(q, wrong)
	case v.person.Role != moderator || v.waiting:
		return s.sessionFailure(q, noAccess)
	case v.m.disabled("learningDashboard"):
		return s.sessionFailure(q, "Learning Dashboard disabled for this meeting")
	}
	users := map[string]any{}
	for _, x := range v.m.visits {
		users[x.internalID] = map[string]any{"extId": x.externalID, "name": x.name, "isModerator": x.moderator}
	}
	data := jsJSON(map[string]any{"intId": v.m.InternalID, "extId": v.m.MeetingID, "name": v.m.Name, "users": users})
	return s.jsonReply(map[string]any{"returncode": success, "data": data, "sessionToken": v.session.token})
}

// guestWait answers that call of the lines whose lobby is a page of its own.
func (s *Server) guestWait(q *request) reply {
	defer s.lock()()
	v, wrong := s.visitor(q)
	if wrong != "" {
		return s.sessionFailure(q, wrong)
	}
	token := v.session.token
	status, key, message := allow, "", ""
	target := s.origin() + s.conf.release.clientPath() + "?sessionToken=" + token
	if v.waiting {
		status, key, message = wait, "guestWait", "Please wait for a moderator to approve you joining the meeting."
		target = s.origin() + guestPath + "?sessionToken=" + token
	}
	if q.boolean("redirect", true) {
		return redirect(target)
	}
	return s.jsonReply(map[string]any{
		"returncode": success, "messageKey": key, "message": message, "meeting_id": v.m.InternalID, "user_id": v.person.InternalUserID,
		"auth_token": newToken(authTokenLen), "session_token": token, "guestStatus": status, "lobbyMessage": "", "url": target,
	})
}

// defaultConfigXML answers getDefaultConfigXML of the lines that had a Flash client.
func (s *Server) defaultConfigXML(*request) reply {
	const text = "<config>\n  <version>0.1</version>\n  <modules/>\n</config>\n"
	return reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/xml"}, "Cache-Control": {"no-cache"}}, body: []byte(text)}
}

// setConfigXML answers that call; what it was given is thrown away.
func (s *Server) setConfigXML(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	if q.get("configXML") == "" {
		return s.fail(failure{"configXMLError", "You did not pass a config XML"})
	}
	d := s.document(success)
	d.text("token", newToken(16))
	return s.xmlReply(d)
}
