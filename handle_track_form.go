package bbb

import (
	"cmp"
	"errors"
	"io"
	"mime"
	"mime/multipart"
)

// trackForm is the multipart body of a putRecordingTextTrack, read as it comes.
type trackForm struct {
	body  *formBody
	parts *multipart.Reader // nil without a body
}

// formParts is how many parts a form may have before its file.
const formParts = 100

// trackForm looks at what the body is. An empty one is a form without a file, whatever it says
// that it is.
func (q *incoming) trackForm() (form trackForm, ok bool) {
	if q.body == nil {
		return form, true
	}
	kind, params, err := mime.ParseMediaType(q.contentType)
	if err == nil && kind == "multipart/form-data" && params["boundary"] != "" {
		body := &formBody{from: q.body}
		return trackForm{body: body, parts: multipart.NewReader(body, params["boundary"])}, true
	}
	var first [1]byte
	_, err = io.ReadFull(q.body, first[:])
	return form, errors.Is(err, io.EOF)
}

// file returns the file of the form, and fills in what it says of itself; nil when there is none.
// Other parts are passed over: the parameters are those that were signed, in the query. The error
// says that the body broke off, or is no form.
func (f trackForm) file(t *TextTrackUpload) (*trackFile, error) {
	if f.parts == nil {
		return nil, nil //nolint:nilnil // a form need not have a file
	}
	for range formParts {
		part, err := f.parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil //nolint:nilnil // as above
		}
		if err != nil {
			return nil, cmp.Or(f.body.err, err)
		}
		if part.FormName() != "file" {
			continue
		}
		// What cannot be passed on as it is gets our own name and type.
		if name := part.FileName(); oneLine(name) == "" {
			t.FileName = name
		}
		if kind := part.Header.Get("Content-Type"); oneLine(kind) == "" {
			t.ContentType = kind
		}
		return &trackFile{part: part}, nil
	}
	return nil, errors.New("the form has too many parts before its file")
}

// formBody remembers what a body broke off with: what is read from it may rather complain that
// a header is not whole.
type formBody struct {
	from io.Reader
	err  error
}

func (b *formBody) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// trackFile is the file of a form. It remembers whether the body broke off in it.
type trackFile struct {
	part *multipart.Part
	err  error // other than the end
}

func (f *trackFile) Read(p []byte) (int, error) {
	n, err := f.part.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}
