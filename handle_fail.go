package bbb

import (
	"errors"
	"net/http"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What a proxy says that no single server does.
const (
	keyUnsupported     = "unsupportedRequest"
	messageUnsupported = "This request is not supported."
)

// refuse answers FAILED with a key and a message as a server words them, and err as the cause.
func (q *incoming) refuse(key, message string, err error) *Response {
	if err == nil {
		err = &Error{Call: q.call, Key: key, Message: message, StatusCode: http.StatusOK}
	}
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Key: key, Message: message, Err: err, failed: true,
		json: apiCalls[q.call].json, write: q.failure(key, message),
	}
}

// failure writes the body of a FAILED answer.
func (q *incoming) failure(key, message string) func([]byte) []byte {
	st := &status{Returncode: "FAILED", Key: key, Message: message}
	return func(dst []byte) []byte { return failureRecord.Append(dst, "response", st) }
}

var failureRecord = xmlwire.NewRecord(statusFields[:3]...)

// unsupported answers a call that is not known: with the status that a server has for it, and the key
// of the load balancers.
func (q *incoming) unsupported() *Response {
	r := q.refuse(keyUnsupported, messageUnsupported, nil)
	r.StatusCode = http.StatusNotFound
	return r
}

// failed answers FAILED in the words that a server has for err.
func (q *incoming) failed(err error) *Response {
	if e, ok := errors.AsType[*Error](err); ok && e.Key != "" {
		return q.refuse(e.Key, e.Message, err)
	}
	return q.refuse(keyInternalError, "The request could not be carried out.", err)
}

// succeeded answers with a record.
func succeeded[T any](q *incoming, value any, rec *xmlwire.Record[T], body *T) *Response {
	return &Response{
		Call: q.call, StatusCode: http.StatusOK, Value: value,
		write: func(dst []byte) []byte { return rec.Append(dst, "response", body) },
	}
}
