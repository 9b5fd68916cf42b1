package bbb

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
)

// trackForm is the multipart body of a putRecordingTextTrack, read as it comes.
type trackForm struct{ parts *multipart.Reader } // nil without a body

// formParts is how many parts a form may have before its file.
const formParts = 100

// trackForm looks at what the body is. An empty one is a form without a file, whatever it says
// that it is.
func (q *incoming) trackForm() (trackForm, error) {
	if q.body == nil {
		return trackForm{}, nil
	}
	kind, params, err := mime.ParseMediaType(q.contentType)
	if err == nil && kind == "multipart/form-data" && params["boundary"] != "" {
		return trackForm{parts: multipart.NewReader(q.body, params["boundary"])}, nil
	}
	var first [1]byte
	if n, err := io.ReadFull(q.body, first[:]); n == 0 && errors.Is(err, io.EOF) {
		return trackForm{}, nil
	}
	return trackForm{}, &ParamError{Call: q.call, Param: "Content-Type", Problem: "must be multipart/form-data"}
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
			return nil, err
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
