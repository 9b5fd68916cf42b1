package bbb

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
)

// formLimit is how many bytes of a form are read, which is kept in memory, and before it is known who
// sent it. The documentation of the API gives posts 2 MB.
const formLimit = 2 << 20

// Types of bodies.
const (
	contentTypeXML       = "application/xml"
	contentTypeMultipart = "multipart/form-data"
)

// bodyKind says what the body of a request is for.
type bodyKind uint8

const (
	noBody     bodyKind = iota // none that is looked at
	paramsBody                 // parameters
	dataBody                   // passed on with the call
	oddBody                    // of a type that the call does not take
)

// kindOfBody reads the header Content-Type. Parameters of the type do not matter: there are releases
// that refuse a charset, and clients that send one.
func (h *Handler) kindOfBody(call string, r *http.Request) (kind bodyKind, boundary string) {
	if r.Method != http.MethodPost || r.ContentLength == 0 || call == callIndex {
		return noBody, ""
	}
	mediaType, options, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return oddBody, ""
	}
	switch mediaType {
	case contentTypeXML, "text/xml":
		if call == callCreate || call == callInsertDocument {
			return dataBody, ""
		}
	case contentTypeMultipart:
		switch {
		case call == callPutTextTrack:
			return dataBody, ""
		case call != callInsertDocument && len(h.cfg.forms) > 0 && options["boundary"] != "":
			return paramsBody, options["boundary"]
		}
	case contentTypeForm:
		if call != callInsertDocument && call != callPutTextTrack && len(h.cfg.forms) > 0 {
			return paramsBody, ""
		}
	}
	return oddBody, ""
}

// What a body ended with.
const (
	bodyWhole uint32 = iota
	bodyTooLarge
	bodyTooSlow
	bodyBroken
)

// requestBody is a body that is read as it comes. It remembers why it ended early, since whoever
// reads it makes an error of his own of that.
type requestBody struct {
	from  io.Reader
	fault atomic.Uint32 // a transport may still be reading
}

func (b *requestBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err == nil || err == io.EOF {
		return n, err
	}
	fault := bodyBroken
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		fault = bodyTooLarge
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		fault = bodyTooSlow
	}
	b.fault.Store(fault)
	return n, err
}

// openBody makes the body ready to be read, at most so many bytes of it.
func (x *exchange) openBody(limit int64) {
	x.body = &requestBody{from: http.MaxBytesReader(x.w, x.r.Body, limit)}
}

// faulty answers for a body that ended early, whatever the call made of it: nil when it did not.
func (x *exchange) faulty() *Response {
	if x.body == nil {
		return nil
	}
	switch x.body.fault.Load() {
	case bodyTooLarge:
		return x.refuseWith(http.StatusRequestEntityTooLarge, keySize, "The body is too large.")
	case bodyTooSlow:
		return x.refuseWith(http.StatusRequestTimeout, keyValidation, "The body did not arrive in time.")
	case bodyBroken:
		return x.refuseWith(http.StatusBadRequest, keyValidation, "The body broke off.")
	}
	return nil
}

// data returns the body that goes on with the call: nil if it is empty, which is known of one without a
// length only when it is read.
func (x *exchange) data() io.Reader {
	x.openBody(x.h.cfg.bodyLimit)
	if x.r.ContentLength > 0 {
		return x.body
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(x.body, first); err == io.EOF {
		return nil
	}
	return io.MultiReader(bytes.NewReader(first), x.body)
}

// form is a body with parameters.
type form struct {
	params        url.Values
	checksum      string
	twice         bool   // there are several checksums
	raw           bool   // it was one text, so before and after are what it is without its checksum
	before, after string // see cutChecksum
}

var (
	errFileInForm = errors.New("there is a file in the form")
	errFormTwice  = errors.New("a parameter is in the query and in the form")
)

// readForm reads the parameters of the body.
func (x *exchange) readForm() (err error) {
	x.openBody(min(formLimit, x.h.cfg.bodyLimit))
	f := &x.form
	if x.boundary != "" {
		if f.params, err = readParts(multipart.NewReader(x.body, x.boundary), x.h.cfg.paramLimit); err != nil {
			return err
		}
	} else {
		text, err := io.ReadAll(x.body)
		if err != nil {
			return err
		}
		raw := string(text)
		f.before, f.after, _, f.raw = cutChecksum(raw)
		if f.params, err = parseQuery(raw, x.h.cfg.paramLimit); err != nil {
			return err
		}
	}
	switch sums := f.params[checksumParam]; len(sums) {
	case 0:
	case 1:
		f.checksum = sums[0]
	default:
		f.twice = true
	}
	delete(f.params, checksumParam)
	return nil
}

// readParts reads a multipart form of texts.
func readParts(mr *multipart.Reader, limit int) (url.Values, error) {
	params := make(url.Values)
	for n := 0; ; n++ {
		part, err := mr.NextRawPart()
		switch {
		case err == io.EOF: //nolint:errorlint // a form that was cut off wraps one
			return params, nil
		case err != nil:
			return nil, err
		case n == limit:
			return nil, errTooManyParams
		case part.FileName() != "":
			return nil, errFileInForm
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		if name := validText(part.FormName()); name != "" {
			params[name] = append(params[name], validText(string(text)))
		}
	}
}

// merge adds the parameters of the form to those of the query.
func (x *exchange) merge(params url.Values) error {
	if len(params)+len(x.form.params) > x.h.cfg.paramLimit {
		return errTooManyParams
	}
	for name, values := range x.form.params {
		if params[name] != nil {
			return errFormTwice
		}
		params[name] = slices.Clip(values)
	}
	return nil
}
