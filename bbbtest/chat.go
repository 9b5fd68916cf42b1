package bbbtest

import (
	"cmp"
	"slices"
	"time"
	"unicode/utf8"
)

// ChatMessage is a message of the public chat of a meeting.
type ChatMessage struct {
	ID       string
	Message  string
	UserName string // the name the sender gave; System by default
	Time     time.Time
}

// Chat returns the messages that were sent to a meeting, the oldest first; those of the youngest
// ended one when none of that id lives.
func (s *Server) Chat(meetingID string) []ChatMessage {
	defer s.lock()()
	m := cmp.Or(s.meetings.find(meetingID), s.meetings.findEnded(meetingID))
	if m == nil {
		return nil
	}
	return slices.Clone(m.chat)
}

// sendChatMessage answers that call. Its key for an unknown meeting is not that of the others.
func (s *Server) sendChatMessage(q *request) reply {
	if bad := s.checkMeetingID(q); bad != nil {
		return s.fail(*bad)
	}
	text, name := q.get("message"), cmp.Or(q.get("userName"), "System")
	switch {
	case text == "":
		return s.fail(*s.validation("missingParamMessage", "You must specify a message."))
	case utf8.RuneCountInString(text) > 500:
		return s.fail(*s.sizeError("The message must be between 1 and 500 characters"))
	case utf8.RuneCountInString(name) > 255:
		return s.fail(*s.sizeError("The user name must not be longer than 255 characters"))
	}
	defer s.lock()()
	m := s.meetings.find(q.get("meetingID"))
	if m == nil {
		return s.fail(failure{"meetingNotFound", "A meeting with that meeting ID was not found."})
	}
	message := ChatMessage{ID: newToken(16), Message: text, UserName: name, Time: q.now}
	m.chat = append(m.chat, message)
	s.emitChat(m, message)
	d := s.document(success)
	d.message("", "")
	return s.xmlReply(d)
}

// emitChat tells of a message. Before 3.4 the external id of the sender was the name, by a bug. Which
// ids a message has that came through the API is not known; here it has none.
func (s *Server) emitChat(m *meeting, c ChatMessage) {
	sender := map[string]any{"internal-user-id": "", "external-user-id": c.UserName, "time": c.Time.UnixMilli()}
	chat := map[string]any{"message": c.Message, "sender": sender}
	switch s.conf.hookStyle {
	case HooksV2:
		sender["timezone-offset"] = 0
	case HooksV34:
		sender["external-user-id"] = ""
		fallthrough
	default:
		chat["id"], sender["name"] = c.ID, c.UserName
	}
	s.emit(m.MeetingID, "chat-group-message-sent", map[string]any{
		"meeting": idsOf(m), "chat-message": chat, "chat-id": "MAIN-PUBLIC-GROUP-CHAT",
	}, time.Time{})
}
