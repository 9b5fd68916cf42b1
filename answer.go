package bbb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"strings"

	"github.com/bbbgroup/bbb/internal/redact"
	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// status is what every answer begins with. Failures come in two shapes: a key
// and a message, or a list of errors.
type status struct {
	Returncode string
	Key        string
	Message    string
	Errors     []answerError
}

type answerError struct{ Key, Message string }

func (s *status) outcome() *status { return s }

var statusFields = []xmlwire.Field[status]{
	xmlwire.Trimmed("returncode", func(s *status) *string { return &s.Returncode }),
	xmlwire.Trimmed("messageKey", func(s *status) *string { return &s.Key }),
	xmlwire.Trimmed("message", func(s *status) *string { return &s.Message }),
	xmlwire.List("errors", "error", func(s *status) *[]answerError { return &s.Errors }, xmlwire.NewRecord(
		// A template of some releases writes these as attributes.
		xmlwire.Trimmed("key", func(e *answerError) *string { return &e.Key }).Attr().DecodeOnly(),
		xmlwire.Trimmed("message", func(e *answerError) *string { return &e.Message }).Attr().DecodeOnly(),
		xmlwire.Trimmed("key", func(e *answerError) *string { return &e.Key }),
		xmlwire.Trimmed("message", func(e *answerError) *string { return &e.Message }),
	)),
}

// statusRecord reads an answer of which only the outcome matters.
var statusRecord = xmlwire.NewRecord(statusFields...)

// answer is a type that an XML answer is decoded into: it embeds status.
type answer[T any] interface {
	*T
	outcome() *status
}

// fetch makes a call and decodes its XML answer.
func fetch[T any, P answer[T]](ctx context.Context, s *Server, r request, rec *xmlwire.Record[T]) (*T, error) {
	return fetchInto[T, P](ctx, s, r, rec, *new(T))
}

// fetchInto is fetch for an answer in which something is there before it is decoded.
func fetchInto[T any, P answer[T]](ctx context.Context, s *Server, r request, rec *xmlwire.Record[T], before T) (*T, error) {
	var into T
	err := s.do(ctx, r, func(resp *response) error {
		into = before // a second attempt must not see what a first one left
		return decodeInto[T, P](resp, rec, &into)
	})
	if err != nil {
		return nil, err
	}
	return &into, nil
}

// decode reads an XML answer and turns FAILED into an *Error. The HTTP status
// does not decide: servers send FAILED with 200, some proxies with another one.
func decode[T any, P answer[T]](resp *response, rec *xmlwire.Record[T], into *T) error {
	*into = *new(T) // the same as in fetchInto
	return decodeInto[T, P](resp, rec, into)
}

func decodeInto[T any, P answer[T]](resp *response, rec *xmlwire.Record[T], into *T) error {
	if err := resp.notXML(); err != nil {
		return err
	}
	if err := rec.Decode(resp.body, "response", into, limitsFor(resp.body)); err != nil {
		if root, ok := errors.AsType[*xmlwire.RootError](err); ok && strings.EqualFold(root.Got, "html") {
			return resp.bad("an HTML page" + resp.title())
		}
		// The decoder's errors tell places and element names, never values.
		return fmt.Errorf("%w: %w", ErrBadAnswer, err)
	}
	return P(into).outcome().err(resp)
}

// limitsFor bounds what an answer can cost beyond its length. Real ones have an
// element for about 35 bytes; a list of empty elements would take sixty times
// the memory of its text.
func limitsFor(body []byte) xmlwire.Limits {
	return xmlwire.Limits{Elements: len(body)/16 + 64}
}

// err turns anything but SUCCESS into an error.
func (s *status) err(resp *response) error {
	switch {
	case strings.EqualFold(s.Returncode, "SUCCESS") && resp.status < 300:
		return nil
	case strings.EqualFold(s.Returncode, "SUCCESS"):
		return resp.bad("a SUCCESS")
	case !strings.EqualFold(s.Returncode, "FAILED"):
		return resp.bad("no returncode")
	}
	e := &Error{Key: s.Key, Message: s.Message, StatusCode: resp.status}
	if len(s.Errors) > 0 && e.Key == "" {
		e.Key, e.Message, e.listed = s.Errors[0].Key, s.Errors[0].Message, true
	}
	if e.Key == "" && e.Message == "" {
		e.Message = "FAILED without a reason"
	}
	return e
}

// failure returns the error of an answer of unknown format if it is a FAILED
// one, or an HTTP error.
func (r *response) failure() error {
	var st status
	switch b := firstByte(r.body); {
	case b == '{':
		var ok bool
		if st, ok = jsonStatus(r.body); !ok {
			st.Returncode = "SUCCESS"
		}
	case b == '<' && statusRecord.Decode(r.body, "response", &st, limitsFor(r.body)) == nil && st.Returncode != "":
	default:
		st = status{Returncode: "SUCCESS"}
	}
	if r.status >= 300 && strings.EqualFold(st.Returncode, "SUCCESS") {
		if err := r.notXML(); err != nil {
			return err
		}
		return r.bad("no answer")
	}
	return st.err(r)
}

// notXML says what a body is that cannot be an XML answer.
func (r *response) notXML() error {
	switch b := firstByte(r.body); {
	case r.status >= 300 && r.status < 400:
		host := "nowhere"
		if u, err := url.Parse(r.location); err == nil && r.location != "" {
			host = strings.TrimPrefix(redact.URL(u.String()), "//")
		}
		return r.bad("a redirect to " + host)
	case len(trimStart(r.body)) == 0:
		return r.bad("an empty body")
	case b == '<' && isHTML(r.body):
		return r.bad("an HTML page" + r.title())
	case b == '<':
		return nil
	case b == '{':
		// A proxy may answer a failure in JSON whatever it was asked.
		if st, ok := jsonStatus(r.body); ok && !strings.EqualFold(st.Returncode, "SUCCESS") {
			return st.err(r)
		}
		return r.bad("JSON")
	}
	return r.bad(fmt.Sprintf("a body that begins with %q", string(r.body[:min(len(r.body), 40)])))
}

// bad is the error for an answer that is not BigBlueButton's.
func (r *response) bad(what string) error {
	ct, _, _ := strings.Cut(r.contentType, ";")
	if ct = strings.TrimSpace(ct); ct != "" && len(ct) < 100 {
		what += " (" + ct + ")"
	}
	return &Error{StatusCode: r.status, Err: fmt.Errorf("%w: %s", ErrBadAnswer, what)}
}

// title returns what an HTML page says of itself, which is most often the error.
func (r *response) title() string {
	m := htmlTitle.FindSubmatch(r.body[:min(len(r.body), 4096)])
	if m == nil {
		return ""
	}
	text := strings.Join(strings.Fields(html.UnescapeString(string(m[1]))), " ")
	if text == "" || len(text) > 200 {
		return ""
	}
	return fmt.Sprintf(" %q", text)
}

var htmlTitle = regexp.MustCompile(`(?is)<title[^>]*>([^<]*)</title>`)

var htmlStart = regexp.MustCompile(`(?i)^(<\?xml[^>]*>\s*)?<(!doctype\s+html|html|head|body|center|title)\b`)

func isHTML(body []byte) bool {
	body = trimStart(body)
	if bytes.HasPrefix(body, []byte("<response")) { // most are; the expression takes longer than a small answer
		return false
	}
	return htmlStart.Match(body[:min(len(body), 256)])
}

// jsonStatus reads the outcome out of a JSON answer, with or without the
// "response" object around it: not all proxies write it.
func jsonStatus(body []byte) (status, bool) {
	type fields struct {
		Returncode string `json:"returncode"`
		Key        string `json:"messageKey"`
		Message    string `json:"message"`
	}
	var doc struct {
		Response *fields `json:"response"`
		fields
	}
	if json.Unmarshal(trimStart(body), &doc) != nil {
		return status{}, false
	}
	f := doc.fields
	if doc.Response != nil {
		f = *doc.Response
	}
	return status{Returncode: f.Returncode, Key: f.Key, Message: f.Message}, f.Returncode != ""
}

// firstByte returns the first byte that is not white space or part of a byte
// order mark, or 0 when there is none.
func firstByte(body []byte) byte {
	if body = trimStart(body); len(body) > 0 {
		return body[0]
	}
	return 0
}

func trimStart(body []byte) []byte {
	return bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), " \t\r\n")
}
