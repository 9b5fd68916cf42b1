package bbb

import "context"

const callSendChatMessage = "sendChatMessage"

// ChatMessage is a message for the public chat of a meeting.
type ChatMessage struct {
	// Text is what people read: 1 to 500 characters. Required.
	Text string
	// UserName is who seems to have written it: at most 255 characters. Servers
	// write "System" by default.
	UserName string
}

var (
	chatTextLength = length(1, 500)
	chatNameLength = length(1, 255)
)

// query checks the message and encodes it.
func (m ChatMessage) query(meetingID string) ([]byte, error) {
	var problems problemList
	report := func(param string, found ...string) {
		for _, problem := range found {
			if problem != "" {
				problems.add(callSendChatMessage, param, problem)
				return
			}
		}
	}
	report("meetingID", validateMeetingID(meetingID))
	if m.Text == "" {
		report("message", "is required")
	} else {
		report("message", manyLines(m.Text), chatTextLength(m.Text))
	}
	if m.UserName != "" {
		report("userName", oneLine(m.UserName), chatNameLength(m.UserName))
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	query := appendQueryEscape([]byte("meetingID="), meetingID)
	query = appendQueryEscape(append(query, "&message="...), m.Text)
	if m.UserName != "" {
		query = appendQueryEscape(append(query, "&userName="...), m.UserName)
	}
	return query, nil
}

// SendChatMessage writes into the public chat of a meeting on this server. Each
// call writes again, so it is never sent twice: after a failure of the
// connection, nobody knows whether the message was written.
//
// Errors match [ErrInvalidParams], [ErrMeetingNotFound], [ErrNotSupported] before
// BigBlueButton 3.0 and on most load balancers. It stands for sendChatMessage.
func (s *Server) SendChatMessage(ctx context.Context, meetingID string, msg ChatMessage) error {
	query, err := msg.query(meetingID)
	if err != nil {
		return err
	}
	return s.sendChat(ctx, meetingID, query)
}

// sendChat sends a message that was checked. However long it is, it goes by GET:
// servers do not route a POST of this call.
func (s *Server) sendChat(ctx context.Context, meetingID string, query []byte) error {
	_, err := fetch(ctx, s, request{call: callSendChatMessage, query: query, once: true}, statusRecord)
	s.dropIfGone(meetingID, err)
	return err
}

// SendChat writes into the public chat of the meeting. That the meeting is over
// matches [ErrMeetingNotFound]; a later meeting of the same ID is left alone. See
// [Server.SendChatMessage]. It stands for getMeetingInfo, which tells the two
// apart, and sendChatMessage.
func (m *Meeting) SendChat(ctx context.Context, msg ChatMessage) error {
	query, err := msg.query(m.ID)
	if err != nil {
		return err
	}
	if _, err := m.Refresh(ctx); err != nil {
		return err
	}
	return m.server.sendChat(ctx, m.ID, query)
}
