package bbbtest

// end answers the end call. Success means "requested": the meeting is gone after the delay of
// WithEndDelay, and only then the answer is notFound.
func (s *Server) end(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	defer s.lock()()
	m := s.meetings.find(q.get("meetingID"))
	if m == nil {
		return s.fail(failure{"notFound", "We could not find a meeting with that meeting ID - perhaps the meeting is not yet running?"})
	}
	if bad := s.checkEndPassword(q, m); bad != nil {
		return s.fail(*bad)
	}
	s.requestEnd(m)
	d := s.document(success)
	d.message("sentEndMeetingRequest", "A request to end the meeting was sent. Please wait a few seconds, and then use the getMeetingInfo or isMeetingRunning API calls to verify that it was ended.")
	return s.xmlReply(d)
}

// checkEndPassword: 2.4 demands the moderator password. The release that stopped doing so is not
// known; from 2.5 on the fake lets a missing one pass, and from 2.7 on a wrong one too.
func (s *Server) checkEndPassword(q *request, m *meeting) *failure {
	given := q.get("password")
	rel := s.conf.release
	if given == m.ModeratorPW || rel.atLeast(2, 7) || given == "" && rel.atLeast(2, 5) {
		return nil
	}
	key := "invalidPassword"
	if !rel.atLeast(2, 5) {
		key = "validationError"
	}
	return &failure{key, "The supplied moderator password is incorrect"}
}
