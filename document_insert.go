package bbb

import (
	"context"
	"errors"
	"strings"
)

const callInsertDocument = "insertDocument"

// InsertDocuments adds presentations to a meeting that is under way on this
// server. That the server answered means that it has begun with them: whether a
// document can be fetched and converted shows in the meeting only.
//
// Contents are streamed; see [Document]. Each call adds the documents anew, so it
// is never sent twice: after a failure of the connection, nobody knows whether
// they were added.
//
// Errors match [ErrInvalidParams] and [ErrDocumentTooLarge] for documents,
// [ErrMeetingNotFound], [ErrNotSupported] before BigBlueButton 2.5. A meeting
// whose presentations are switched off gives an *[Error] with the server's
// message. It stands for insertDocument.
func (s *Server) InsertDocuments(ctx context.Context, meetingID string, docs ...Document) (err error) {
	if err := validateInsert(meetingID, docs); err != nil {
		return err
	}
	docs = openDocuments(docs)
	defer func() { settleDocuments(docs, err) }()
	return s.insert(ctx, meetingID, docs)
}

func validateInsert(meetingID string, docs []Document) error {
	var problems problemList
	if problem := validateMeetingID(meetingID); problem != "" {
		problems.add(callInsertDocument, "meetingID", problem)
	}
	if len(docs) == 0 {
		problems.add(callInsertDocument, "documents", "are required")
	}
	reportDocuments(docs, func(param, problem string) { problems.add(callInsertDocument, param, problem) })
	return problems.err()
}

// insert sends documents that are open.
func (s *Server) insert(ctx context.Context, meetingID string, docs []Document) error {
	body, err := (&modules{documents: docs}).upload(s, callInsertDocument)
	if err != nil {
		return err
	}
	query := appendQueryEscape([]byte("meetingID="), meetingID)
	var got status
	err = s.do(ctx, request{call: callInsertDocument, query: query, once: true, upload: body}, func(resp *response) error {
		return keylessNotFound(decode(resp, statusRecord, &got))
	})
	s.dropIfGone(meetingID, err)
	return err
}

// keylessNotFound gives the answer of insertDocument for a meeting that is not
// there the key that other calls have. This call answers nothing but a text,
// "Meeting with id [physics] not found."; it is the only way to tell.
func keylessNotFound(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Key == "" && e.Err == nil {
		text := strings.ToLower(e.Message)
		if strings.Contains(text, "meeting with id") && strings.Contains(text, "not found") {
			e.Key = keyNotFound
		}
	}
	return err
}

// InsertDocuments adds presentations to the meeting. That the meeting is over
// matches [ErrMeetingNotFound]; a later meeting of the same ID is left alone. See
// [Server.InsertDocuments]. It stands for getMeetingInfo, which tells the two
// apart, and insertDocument.
func (m *Meeting) InsertDocuments(ctx context.Context, docs ...Document) error {
	if err := validateInsert(m.ID, docs); err != nil {
		return err
	}
	if _, err := m.Refresh(ctx); err != nil {
		return err
	}
	return m.server.InsertDocuments(ctx, m.ID, docs...)
}
