package bbbtest

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxBody is how much of a body is read. What a real server takes is not known (the documentation
// says 2 MB, presentations may have 30 MB); this only keeps a test from eating all memory.
const maxBody = 64 << 20

var errBodyTooLarge = errors.New("bbbtest: request body too large")

// request is one API call with its parameters read.
type request struct {
	call     string
	params   url.Values // query first, then body; names as sent
	rawQuery string
	form     url.Values // parameters that stood in the body; nil when it held none
	rawForm  string     // the body's text when it was form-urlencoded
	repeated bool       // a parameter stands in the query and in the body
	inbound
	now  time.Time
	http *http.Request
}

// failure is a refusal in the words of the API.
type failure struct{ key, message string }

// get returns a parameter without white space at its ends. An empty one counts as absent.
func (q *request) get(name string) string { return strings.TrimSpace(q.params.Get(name)) }

// readBody reads a whole body, at most maxBody of it, into memory. Bodies that may hold files are
// read as they come instead, and little of them is kept.
func readBody(r *http.Request) (in inbound, err error) {
	if r.Body == nil {
		return in, nil
	}
	mediaType, options, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	isForm := mediaType == "application/x-www-form-urlencoded" || mediaType == "multipart/form-data"
	stream := &source{from: r.Body}
	switch name := callName(r.URL.Path); {
	case r.Method != http.MethodPost:
	case name == "putRecordingTextTrack" && mediaType == "multipart/form-data":
		in.readUpload(stream, options["boundary"])
		err = stream.drain()
		in.head = stream.head
		return in, err
	case (name == "create" || name == "insertDocument") && !isForm:
		in.modules, in.bad = readModules(stream)
		err = stream.drain()
		in.head, in.xml = stream.head, stream.size > 0
		return in, err
	}
	in.head, err = io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(in.head) > maxBody {
		err = errBodyTooLarge
	}
	return in, err
}

// readRequest reads the parameters of a call.
func (s *Server) readRequest(name string, r *http.Request, in inbound, now time.Time) (*request, *failure) {
	q := &request{call: name, inbound: in, rawQuery: sanitizeQuery(r.URL.RawQuery), now: now, http: r}
	q.params = parseParams(q.rawQuery)
	body := in.head
	if r.Method != http.MethodPost || len(body) == 0 {
		return q, nil
	}
	header := r.Header.Get("Content-Type")
	if s.conf.release.strictPOST() && !s.acceptsType(name, header) {
		return q, &failure{"unsupportedContentType", "POST request Content-Type is missing or unsupported"}
	}
	mediaType, options, _ := mime.ParseMediaType(header)
	switch mediaType {
	case "application/x-www-form-urlencoded":
		q.rawForm = sanitizeQuery(string(body))
		q.form = parseParams(q.rawForm)
	case "multipart/form-data":
		q.form = in.form
		if q.form == nil {
			q.form = parseMultipart(body, options["boundary"])
		}
	}
	// Releases that do not check the type read whatever else comes as XML.
	for name, values := range q.form {
		if _, twice := q.params[name]; twice {
			q.repeated = true
			continue
		}
		q.params[name] = values
	}
	return q, nil
}

// acceptsType is the rule of 2.6.18, 2.7.8 and later for POST requests with a body.
func (s *Server) acceptsType(name, header string) bool {
	types := []string{"application/x-www-form-urlencoded", "multipart/form-data"}
	switch name {
	case "create":
		types = append(types, "application/xml", "text/xml")
	case "insertDocument":
		types = []string{"application/xml"} // the documentation says text/xml too, the source does not
	}
	mediaType, options, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	if s.conf.release.bareContentType() && len(options) > 0 && mediaType != "multipart/form-data" {
		return false
	}
	return slices.Contains(types, mediaType)
}

// parseParams reads a query string. Unlike url.ParseQuery it takes semicolons for text. A pair with
// a broken escape is dropped, the others stay.
func parseParams(raw string) url.Values {
	params := url.Values{}
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || name == "" {
			continue
		}
		if value, err = url.QueryUnescape(value); err == nil {
			params.Add(name, value)
		}
	}
	return params
}

// parseMultipart reads the parameters of a multipart form; files are left out.
func parseMultipart(body []byte, boundary string) url.Values {
	params := url.Values{}
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	for {
		part, err := reader.NextPart()
		if err != nil {
			return params
		}
		if part.FormName() == "" || part.FileName() != "" {
			continue
		}
		if text, err := io.ReadAll(part); err == nil {
			params.Add(part.FormName(), string(text))
		}
	}
}

// boolean reads a parameter as Java does: true in any case is true, every other text is false.
func (q *request) boolean(name string, absent bool) bool { return isTrue(q.get(name), absent) }
