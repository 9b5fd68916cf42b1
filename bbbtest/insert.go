package bbbtest

import (
	"net/http"
	"slices"
	"strings"
)

func postOnlyIfStrict(r release) []string {
	if r.strictPOST() {
		return []string{http.MethodPost}
	}
	return getOrPost(r)
}

// insertDocument answers that call, which has a message but no messageKey of its own.
func (s *Server) insertDocument(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	if !q.xml {
		return errorPage(http.StatusInternalServerError) // an empty body has no proper answer
	}
	if q.bad != nil {
		return s.fail(*q.bad)
	}
	defer s.lock()()
	say := func(returncode, message string) reply {
		d := s.document(returncode)
		d.text("message", message)
		return s.xmlReply(d)
	}
	m := s.meetings.find(q.get("meetingID"))
	switch {
	case m == nil:
		return say(failed, "Meeting with id ["+q.get("meetingID")+"] not found.")
	case m.disabled("presentation"):
		return say(failed, "Presentation feature is disabled, ignoring.")
	}
	if len(q.modules.documents) > 0 {
		for i := range m.Documents {
			m.Documents[i].Current = false
		}
	}
	m.Documents = append(m.Documents, q.modules.documents...)
	return say(success, "Presentation is being uploaded")
}

// disabled reports whether a feature was disabled at the creation of a meeting.
func (m *meeting) disabled(feature string) bool {
	names := strings.FieldsFunc(m.Params.Get("disabledFeatures"), func(c rune) bool { return c == ',' || c == ' ' })
	return slices.Contains(names, feature)
}
