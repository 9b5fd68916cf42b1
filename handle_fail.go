package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What a proxy says that no single server does: the keys are those of the load balancers
// of this field.
const (
	keyUnsupported     = "unsupportedRequest"
	messageUnsupported = "This request is not supported."
	keyUnavailable     = "serverUnavailable"

	messageInternalError = "The request could not be carried out."
)

// Keys and messages of servers that answer a call which is not carried out.
const (
	keyMissingMeetingID = "missingParamMeetingID"
	keyValidation       = "validationError"
	keySize             = "sizeError"
	keyContentType      = "unsupportedContentType"

	// The two spaces are the servers'.
	messageNotUnique = "A meeting already exists with that meeting ID.  Please use a different meeting ID."
)

// refuse answers FAILED with a key and a message as a server words them, and err as the cause; nil
// for one made of both.
func (q *incoming) refuse(key, message string, err error) *Response {
	r := q.refuseXML(key, message, err)
	if apiCalls[q.call].json {
		r.json, r.write = true, jsonFailure(key, message)
	}
	return r
}

// refuseXML is refuse for the few failures that also a call whose answers are JSON gives in XML.
func (q *incoming) refuseXML(key, message string, err error) *Response {
	if err == nil {
		err = &Error{Call: q.call, Key: key, Message: message, StatusCode: http.StatusOK}
	}
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Key: key, Message: message, Err: err, failed: true,
		write: func(dst []byte) []byte {
			return failureRecord.Append(dst, "response", &status{Returncode: returncodeFailed, Key: key, Message: message})
		},
	}
}

// The two shapes of a failure: a key and a message, or a list of such pairs.
var (
	failureRecord     = xmlwire.NewRecord(statusFields[:3]...)
	failureListRecord = xmlwire.NewRecord(statusFields[0], statusFields[3])
)

func jsonFailure(key, message string) func([]byte) []byte {
	return func(dst []byte) []byte {
		return appendJSON(dst, map[string]any{"response": struct {
			Returncode string `json:"returncode"`
			Key        string `json:"messageKey"`
			Message    string `json:"message"`
		}{returncodeFailed, key, message}})
	}
}

// appendJSON appends a value that always encodes.
func appendJSON(dst []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(dst, text...)
}

// unsupported answers a call that is not known: with the status that a server has for it, and the key
// of the load balancers.
func (q *incoming) unsupported() *Response { return q.unsupportedBy(nil) }

func (q *incoming) unsupportedBy(err error) *Response {
	r := q.refuse(keyUnsupported, messageUnsupported, err)
	r.StatusCode = http.StatusNotFound
	return r
}

// failed answers FAILED in the words that a server has for err. What servers said to each other, to us
// or of themselves stays here: a client learns nothing of what is behind the group.
func (q *incoming) failed(err error) *Response {
	key, message := q.words(err)
	r := q.refuse(key, message, err)
	if e, ok := errors.AsType[*Error](err); ok && e.listed && e.Key == key && !r.json {
		r.write = func(dst []byte) []byte {
			return failureListRecord.Append(dst, "response", &status{Returncode: returncodeFailed, Errors: []answerError{{key, message}}})
		}
	}
	if key == keyUnsupported {
		r.StatusCode = http.StatusNotFound
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		r.StatusCode = http.StatusRequestEntityTooLarge
	}
	return r
}

// words are the key and message of an error. The order matters: an error may have one server's key and
// be of another class as a whole.
func (q *incoming) words(err error) (key, message string) {
	ge, several := errors.AsType[*GroupError](err)
	switch {
	case errors.Is(err, ErrOutcomeUnknown):
		return keyInternalError, "It is not known whether the meeting was created. Please repeat the request."
	case errors.Is(err, ErrNoServer):
		return keyUnavailable, "No server is available."
	case errors.Is(err, ErrClosed):
		return keyUnavailable, "The service is about to stop."
	case several && ge.allLack():
		return keyUnsupported, messageUnsupported
	case several && ge.AllFailed():
		return keyInternalError, "No server answered."
	case several:
		return keyInternalError, "Not all servers answered. Please try again."
	case errors.Is(err, context.Canceled):
		return keyInternalError, "The request was cancelled."
	case errors.Is(err, context.DeadlineExceeded):
		return keyInternalError, "The server did not answer in time."
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok && tooLarge != nil {
		return keySize, "The body of the request is too large."
	}
	if errors.Is(err, ErrDocumentTooLarge) {
		return keySize, "A document is too large."
	}
	if e, ok := errors.AsType[*ParamError](err); ok {
		return e.words()
	}
	if e, ok := errors.AsType[*Error](err); ok && e.Key != "" {
		return q.keyed(e)
	}
	switch {
	case errors.Is(err, ErrNotSupported):
		return keyUnsupported, messageUnsupported
	case errors.Is(err, ErrInvalidParams):
		return keyValidation, "The body of the request cannot be used."
	}
	return keyInternalError, messageInternalError
}

// keyed passes on what a server answered, but for what concerns nobody in front: that it does not take
// our signature, or what is wrong in a load balancer. Where there is no meeting, the words are always ours,
// so that one which the client must not know of cannot be told from none.
func (q *incoming) keyed(e *Error) (key, message string) {
	switch {
	case errors.Is(e, ErrChecksum), e.Key == keyInternalError:
		return keyInternalError, "The server could not carry out the request."
	case errors.Is(e, ErrMeetingEnded):
	case errors.Is(e, ErrMeetingNotFound):
		return q.notFoundWords()
	case errors.Is(e, ErrMeetingExists):
		return keyIDNotUnique, messageNotUnique
	case errors.Is(e, ErrNotSupported):
		return keyUnsupported, messageUnsupported
	}
	return e.Key, e.Message
}

// notFoundWords are what a server says when it does not have the meeting. Each call has its own.
func (q *incoming) notFoundWords() (key, message string) {
	switch q.call {
	case callCreate: // only a breakout room misses anything
		return keyNoParent, "No parent meeting exists for the breakout room."
	case callJoin:
		return "invalidMeetingIdentifier", "The meeting ID that you supplied did not match any existing meetings"
	case callEnd:
		return keyNotFound, "We could not find a meeting with that meeting ID - perhaps the meeting is not yet running?"
	case callSendChatMessage:
		return "meetingNotFound", "A meeting with that meeting ID was not found."
	}
	return keyNotFound, "We could not find a meeting with that meeting ID"
}

// words are the key that servers have for a parameter, and a sentence about it.
func (e *ParamError) words() (key, message string) {
	message = "Parameter " + e.Param + " " + e.Problem + "."
	first, size := utf8.DecodeRuneInString(e.Param)
	switch {
	case e.Problem == "is required":
		return "missingParam" + string(unicode.ToUpper(first)) + e.Param[size:], message
	case e.Param == "attendeePW", e.Param == "moderatorPW":
		return "invalidPassword", message
	case strings.HasSuffix(e.Problem, " characters") && strings.Contains(e.Problem, " at "):
		return keySize, message
	}
	return keyValidation, message
}

// allLack reports whether every server said that it does not know the call.
func (e *GroupError) allLack() bool {
	for _, s := range e.Servers {
		if !errors.Is(s.Err, ErrNotSupported) {
			return false
		}
	}
	return e.AllFailed() && len(e.Servers) > 0
}

// lacking reports whether a call for a list fails because of the error beside it: it lacks servers, and
// the caller wants all or nothing, or there is nothing.
func (q *incoming) lacking(err error) bool {
	ge, ok := errors.AsType[*GroupError](err)
	return err != nil && (q.strict || !ok || ge.AllFailed())
}

// meetingIDFailure returns what a server answers to a meeting ID that cannot be one, or an empty key. realID is
// the one by which servers know the meeting.
func meetingIDFailure(id, realID string) (key, message string) {
	problem := validateMeetingID(id)
	switch {
	case problem == "" && meetingIDLength(realID) == "":
		return "", ""
	case strings.TrimSpace(id) == "":
		return keyMissingMeetingID, "You must specify a meeting ID for the meeting."
	case problem == "", problem == meetingIDLength(id):
		return keySize, "Meeting ID must be between 2 and 256 characters"
	}
	return keyValidation, "Invalid meeting ID"
}

// meetingID returns the ID by which servers know the meeting that the call is about, or the answer to
// one that cannot be an ID.
func (q *incoming) meetingID() (realID string, refused *Response) {
	id := q.get("meetingID")
	realID = q.realID(id)
	if key, message := meetingIDFailure(id, realID); key != "" {
		return "", q.refuse(key, message, nil)
	}
	return realID, nil
}

// succeeded answers with a record.
func succeeded[T any](q *incoming, value any, rec *xmlwire.Record[T], body *T) *Response {
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Value: value,
		write: func(dst []byte) []byte { return rec.Append(dst, "response", body) },
	}
}
