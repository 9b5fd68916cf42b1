package bbb

import (
	"context"
	"slices"
)

// InsertDocuments adds presentations to a meeting that is under way, wherever it
// is. A document whose Content can be read only once is not spent on a server
// that does not have the meeting: it is asked first. See [Server.InsertDocuments]
// for the rest and the errors; a *[GroupError] when the meeting was not found and
// a server did not answer. It stands for insertDocument.
func (g *Group) InsertDocuments(ctx context.Context, meetingID string, docs ...Document) error {
	return g.all.InsertDocuments(ctx, meetingID, docs...)
}

// InsertDocuments is [Group.InsertDocuments] within the scope. It asks the server
// first whether the meeting belongs to the scope.
func (sc *Scope) InsertDocuments(ctx context.Context, meetingID string, docs ...Document) error {
	if err := validateInsert(meetingID, docs); err != nil {
		return err
	}
	return sc.insertDocuments(ctx, meetingID, docs)
}

// insertDocuments is InsertDocuments for documents that are not checked.
func (sc *Scope) insertDocuments(ctx context.Context, meetingID string, docs []Document) (err error) {
	docs = openDocuments(docs)
	defer func() { settleDocuments(docs, err) }()
	unique := slices.ContainsFunc(docs, func(d Document) bool {
		c, ok := d.Content.(*content)
		return ok && c.seeker == nil
	})
	_, err = onMeeting(ctx, sc, callInsertDocument, meetingID, func(ctx context.Context, s *Server) (struct{}, error) {
		if unique || !sc.whole() {
			if _, err := sc.meetingOn(ctx, s, meetingID); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, s.insert(ctx, meetingID, docs)
	})
	return err
}

// SendChatMessage writes into the public chat of a meeting, wherever it is. See
// [Server.SendChatMessage] for the message and the errors; a *[GroupError] when
// the meeting was not found and a server did not answer. It stands for
// sendChatMessage.
func (g *Group) SendChatMessage(ctx context.Context, meetingID string, msg ChatMessage) error {
	return g.all.SendChatMessage(ctx, meetingID, msg)
}

// SendChatMessage is [Group.SendChatMessage] within the scope. It asks the server
// first whether the meeting belongs to the scope.
func (sc *Scope) SendChatMessage(ctx context.Context, meetingID string, msg ChatMessage) error {
	query, err := msg.query(meetingID)
	if err != nil {
		return err
	}
	_, err = onMeeting(ctx, sc, callSendChatMessage, meetingID, func(ctx context.Context, s *Server) (struct{}, error) {
		if !sc.whole() {
			if _, err := sc.meetingOn(ctx, s, meetingID); err != nil {
				return struct{}{}, err
			}
		}
		return struct{}{}, s.sendChat(ctx, meetingID, query)
	})
	return err
}
