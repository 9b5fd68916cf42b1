package bbb

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// handleInsertDocument adds documents to a meeting. Its answers have a message and, but for what is wrong
// with the request, no key.
func handleInsertDocument(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	body, refused := q.readModules()
	if refused != nil {
		return refused
	}
	defer body.close()
	if len(body.documents) == 0 {
		return q.refuse(keyValidation, "There is no document in the body of the request.", nil)
	}
	err := q.scope.insertDocuments(ctx, id, body.documents)
	switch e, ok := errors.AsType[*Error](err); {
	case err == nil:
		return q.said(returncodeSuccess, "Presentation is being uploaded", nil)
	case isNotFound(err):
		return q.said(returncodeFailed, "Meeting with id ["+q.get("meetingID")+"] not found.", err)
	case ok && e.Key == "" && e.Err == nil && !errors.Is(err, ErrNotSupported): // such as presentations that are switched off
		return q.said(returncodeFailed, e.Message, err)
	}
	return q.failed(err)
}

// said answers with a message alone.
func (q *incoming) said(returncode, message string, err error) *Response {
	r := succeeded(q, nil, saidRecord, &status{Returncode: returncode, Message: message})
	r.Message, r.Err, r.failed = message, err, err != nil
	return r
}

var saidRecord = xmlwire.NewRecord(statusFields[0], statusFields[2])

func handleSendChatMessage(ctx context.Context, q *incoming) *Response {
	id, refused := q.meetingID()
	if refused != nil {
		return refused
	}
	msg := ChatMessage{Text: strings.Map(dropUnseen, q.get("message")), UserName: strings.Map(dropControl, q.get("userName"))}
	switch {
	case msg.Text == "":
		return q.refuse("missingParamMessage", "You must specify a message.", nil)
	case chatTextLength(msg.Text) != "":
		return q.refuse(keySize, "The message must be between 1 and 500 characters", nil)
	case msg.UserName != "" && chatNameLength(msg.UserName) != "":
		return q.refuse(keySize, "The user name must not be longer than 255 characters", nil)
	}
	if err := q.scope.SendChatMessage(ctx, id, msg); err != nil {
		return q.failed(err)
	}
	return succeeded(q, nil, failureRecord, &status{Returncode: returncodeSuccess})
}

// dropUnseen and dropControl take out control characters, as servers do: the first of a text that may have
// several lines.
func dropUnseen(c rune) rune {
	if c == '\n' || c == '\r' || c == '\t' {
		return c
	}
	return dropControl(c)
}

func dropControl(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// isXML reports whether a Content-Type is one of those that the XML body of a call may have. Some releases
// compare the whole header; nothing is gained by that.
func isXML(contentType string) bool {
	mediaType, _, _ := strings.Cut(contentType, ";")
	switch strings.ToLower(strings.TrimSpace(mediaType)) {
	case "", "application/xml", "text/xml":
		return true
	}
	return false
}

// badContentType is the answer to a body of another kind than the call takes, always in XML.
func (q *incoming) badContentType() *Response {
	return q.refuseXML(keyContentType, "POST request Content-Type is missing or unsupported", nil)
}
