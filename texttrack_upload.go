package bbb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
)

// TextTrackUpload describes a text track that [Server.PutTextTrack] uploads.
type TextTrackUpload struct {
	// Kind is required.
	Kind TextTrackKind
	// Lang is the language as RFC 5646 writes it, such as "en", "en-US" or
	// "zh-Hant", or as Java writes it, such as "en_US"; required. It is sent as given.
	// Servers differ in which of the two they take (invalidLang); a language alone,
	// such as "en", is the same in both.
	Lang string
	// Label is what the player shows. When it is empty, the server takes the
	// language.
	Label string
	// FileName is what the server is told of the file. The default is the name of
	// an *os.File, else the kind and the language with ".vtt".
	FileName string
	// ContentType is that of the text. The default goes by the FileName:
	// "application/x-subrip" for .srt, else "text/vtt".
	ContentType string
}

// Validate reports everything that is wrong, joined. Each problem is a
// *[ParamError]; all match [ErrInvalidParams].
func (t TextTrackUpload) Validate() error {
	var problems problemList
	check := func(param, problem string) {
		if problem != "" {
			problems.add(callPutTextTrack, param, problem)
		}
	}
	if t.Kind != TextTrackSubtitles && t.Kind != TextTrackCaptions {
		check("kind", "must be "+string(TextTrackSubtitles)+" or "+string(TextTrackCaptions))
	}
	check("lang", languageTag(t.tag()))
	check("label", oneLine(t.Label))
	check("file", oneLine(t.FileName))
	check("Content-Type", oneLine(t.ContentType))
	return problems.err()
}

// tag is the language as RFC 5646 writes it.
func (t *TextTrackUpload) tag() string { return strings.ReplaceAll(t.Lang, "_", "-") }

// languageTag allows what has the shape of a tag of RFC 5646: subtags of 1 to 8
// letters and digits, of which the first is 2 to 8 letters, or "x" or "i".
func languageTag(tag string) (problem string) {
	if tag == "" {
		return "is required"
	}
	const wrong = `must be a language tag such as "en" or "en-US"`
	subtags := strings.Split(tag, "-")
	for i, sub := range subtags {
		if len(sub) == 0 || len(sub) > 8 {
			return wrong
		}
		for _, c := range []byte(sub) {
			if !isLetter(c) && (i == 0 || !isDigit(c)) {
				return wrong
			}
		}
	}
	private := subtags[0] == "x" || subtags[0] == "X" || subtags[0] == "i" || subtags[0] == "I"
	if len(subtags[0]) == 1 && (!private || len(subtags) == 1) {
		return wrong
	}
	return ""
}

// putTextTrackAnswer is the JSON answer to putRecordingTextTrack.
type putTextTrackAnswer struct {
	Returncode string `json:"returncode"`
	Key        string `json:"messageKey"`
	Message    string `json:"message"`
}

// problem tells the failure that some servers call a SUCCESS.
func (a *putTextTrackAnswer) problem() error {
	if a.Key == keyTrackFailed {
		return &Error{Key: a.Key, Message: a.Message}
	}
	return needSuccess(a.Returncode)
}

// PutTextTrack uploads a text track for a recording; one of the same kind and
// language is replaced. The server checks and adds it later: that it was taken does
// not mean that the text is of use.
//
// The content is sent as it is read, and is not kept. Its length is told when it is
// known: of an *os.File, of whatever has a Len method, such as a [bytes.Reader], or
// can seek. The time-out of the server begins anew with each piece. An empty content
// is refused here, because some servers would delete the track. PutTextTrack does
// not close the content.
//
// The error matches [ErrRecordingNotFound], [ErrInvalidParams], or [ErrNotSupported]
// behind most load balancers. Repeating an upload does no harm. It stands for
// putRecordingTextTrack.
func (s *Server) PutTextTrack(ctx context.Context, recordID string, t TextTrackUpload, content io.Reader) error {
	query, err := t.query(recordID)
	if err != nil {
		return err
	}
	up, err := t.upload(content)
	if err != nil {
		return err
	}
	_, err = fetchJSON[putTextTrackAnswer](ctx, s, request{call: callPutTextTrack, query: query, upload: up})
	return err
}

// DeleteTextTrack deletes a text track of a recording, as far as that is possible:
// BigBlueButton documents it as an upload without a file, but the servers whose
// source is known refuse that. Then the error matches [ErrNotSupported]. It stands
// for putRecordingTextTrack.
func (s *Server) DeleteTextTrack(ctx context.Context, recordID string, kind TextTrackKind, lang string) error {
	t := TextTrackUpload{Kind: kind, Lang: lang}
	query, err := t.query(recordID)
	if err != nil {
		return err
	}
	form := multipart.NewWriter(io.Discard)
	body := "--" + form.Boundary() + "--\r\n"
	empty := func() (*upload, error) {
		return &upload{body: strings.NewReader(body), contentType: form.FormDataContentType(), length: int64(len(body))}, nil
	}
	up, _ := empty() // never fails
	up.again = empty
	_, err = fetchJSON[putTextTrackAnswer](ctx, s, request{call: callPutTextTrack, query: query, upload: up})
	// The refusal comes from a template that may lose its key.
	if e, ok := errors.AsType[*Error](err); ok && (e.Key == keyTrackEmpty || e.Key == "" && e.Err == nil) {
		refused := *e // an observer may have the other one
		refused.Err = fmt.Errorf("%w: text tracks cannot be deleted", ErrNotSupported)
		return &refused
	}
	return err
}

// query checks everything but the content and returns the query.
func (t *TextTrackUpload) query(recordID string) ([]byte, error) {
	q, err := recordQuery(callPutTextTrack, recordID)
	if err := errors.Join(err, t.Validate()); err != nil {
		return nil, err
	}
	q = append(append(q, "&kind="...), t.Kind...)
	q = append(append(q, "&lang="...), t.Lang...)
	if t.Label != "" {
		q = appendQueryEscape(append(q, "&label="...), t.Label)
	}
	return q, nil
}

// upload puts the content between the head and the tail of a form, without
// touching it.
func (t *TextTrackUpload) upload(content io.Reader) (*upload, error) {
	if content == nil {
		return nil, &ParamError{Call: callPutTextTrack, Param: "file", Problem: "is required"}
	}
	name, contentType := t.file(content)
	given := content
	length, err := lengthOf(content)
	if err != nil {
		return nil, &Error{Call: callPutTextTrack, Err: &contentError{err}}
	}
	if length < 0 { // the first byte tells whether there is one
		var first [1]byte
		switch n, err := io.ReadFull(content, first[:]); {
		case n == 1:
			content = io.MultiReader(bytes.NewReader(first[:]), content)
		case errors.Is(err, io.EOF):
			length = 0
		default:
			return nil, &Error{Call: callPutTextTrack, Err: &contentError{err}}
		}
	}
	if length == 0 {
		return nil, &ParamError{Call: callPutTextTrack, Param: "file", Problem: "is empty; DeleteTextTrack deletes a track"}
	}
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	header := make(textproto.MIMEHeader)
	header.Set("Content-Disposition", multipart.FileContentDisposition("file", name))
	header.Set("Content-Type", contentType)
	if _, err := form.CreatePart(header); err != nil {
		return nil, &Error{Call: callPutTextTrack, Err: err} // a buffer takes everything
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	up := &upload{contentType: form.FormDataContentType(), length: -1}
	if length > 0 {
		up.length = int64(head.Len()) + length + int64(len(tail))
		content = &exactly{from: content, left: length}
		up.again = t.rewound(given)
	}
	up.body = io.MultiReader(&head, content, strings.NewReader(tail))
	return up, nil
}

// rewound returns what makes an upload of the same content again, or nil when it
// can be read only once.
func (t *TextTrackUpload) rewound(content io.Reader) func() (*upload, error) {
	seeker, ok := content.(io.Seeker)
	if !ok {
		return nil
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	return func() (*upload, error) {
		if _, err := seeker.Seek(start, io.SeekStart); err != nil {
			return nil, fmt.Errorf("%w: %w", errContentRead, err)
		}
		return t.upload(content)
	}
}

// file returns name and type of the content.
func (t *TextTrackUpload) file(content io.Reader) (name, contentType string) {
	name, contentType = t.FileName, t.ContentType
	if f, ok := content.(*os.File); ok && name == "" && oneLine(filepath.Base(f.Name())) == "" {
		name = filepath.Base(f.Name())
	}
	if name == "" {
		name = string(t.Kind) + "_" + t.tag() + ".vtt"
	}
	if contentType == "" {
		contentType = "text/vtt"
		if strings.EqualFold(filepath.Ext(name), ".srt") {
			contentType = "application/x-subrip"
		}
	}
	return name, contentType
}

// lengthOf returns how much there is to read, or -1 when only reading tells.
func lengthOf(r io.Reader) (int64, error) {
	switch r := r.(type) {
	case interface{ Len() int }:
		return int64(r.Len()), nil
	case *os.File:
		info, err := r.Stat()
		if err != nil {
			return 0, err
		}
		if !info.Mode().IsRegular() {
			return -1, nil // some devices and pipes can seek without having a length
		}
		return restOf(r)
	case io.Seeker:
		return restOf(r)
	}
	return -1, nil
}

// restOf returns how much there is behind the present place.
func restOf(r io.Seeker) (int64, error) {
	now, err := r.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1, nil //nolint:nilerr // it cannot seek after all
	}
	end, err := r.Seek(0, io.SeekEnd)
	if err != nil {
		return -1, nil //nolint:nilerr // it cannot seek after all
	}
	if _, err := r.Seek(now, io.SeekStart); err != nil {
		return 0, err
	}
	return max(end-now, 0), nil
}
