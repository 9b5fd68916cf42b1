package bbb

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// trackAnswer is the answer to a call about text tracks.
type trackAnswer struct {
	Key        string       `json:"messageKey,omitempty"`
	Message    string       `json:"message,omitempty"`
	RecordID   string       `json:"recordId,omitempty"` // with a small d, here alone
	Returncode string       `json:"returncode"`
	Tracks     []shownTrack `json:"tracks,omitempty"`
}

// shownTrack is a TextTrack with its address, which is kept out of that one's JSON.
type shownTrack struct {
	Href   string        `json:"href"`
	Kind   TextTrackKind `json:"kind"`
	Label  string        `json:"label"`
	Lang   string        `json:"lang"`
	Source string        `json:"source"`
}

// answer writes a as the body of r.
func (a trackAnswer) answer(r *Response) *Response {
	r.json = true
	r.write = func(dst []byte) []byte {
		return appendJSON(dst, map[string]any{"response": a})
	}
	return r
}

// failedTrack is failed for a recording of that ID.
func (q *incoming) failedTrack(err error, notFound, id string) *Response {
	if errors.Is(err, ErrRecordingNotFound) {
		return q.refuse(keyNoRecordings, notFound+id, err)
	}
	return q.failed(err)
}

// handleGetTextTracks answers in JSON, but in XML that the ID is missing: servers do.
func handleGetTextTracks(ctx context.Context, q *incoming) *Response {
	id := strings.TrimSpace(q.get("recordID"))
	if id == "" {
		return q.refuseXML("missingParamRecordID", messageMissingRecordID, nil)
	}
	const notFound = "No recording found for "
	if validateRecordID(id) != "" {
		return q.refuse(keyNoRecordings, notFound+id, nil)
	}
	tracks, err := q.scope.TextTracks(ctx, id)
	switch {
	case err != nil:
		return q.failedTrack(err, notFound, id)
	case len(tracks) == 0:
		return q.refuse(keyNoCaptions, "No captions found for "+id, nil)
	}
	a := trackAnswer{Returncode: "SUCCESS", Tracks: make([]shownTrack, len(tracks))}
	for i, t := range tracks {
		a.Tracks[i] = shownTrack{Href: t.Href, Kind: t.Kind, Label: t.Label, Lang: t.Lang, Source: t.Source}
	}
	return a.answer(&Response{Call: q.call, StatusCode: http.StatusOK, Value: tracks})
}

// handlePutTextTrack checks in the order of servers, which look for the recording before they look at the
// other parameters, and at the file last.
func handlePutTextTrack(ctx context.Context, q *incoming) *Response {
	form, ok := q.trackForm()
	if !ok {
		return q.badContentType()
	}
	id := strings.TrimSpace(q.get("recordID"))
	if id == "" {
		return q.refuse("paramError", "Missing param recordID.", nil)
	}
	const notFound = "No recording was found for "
	if validateRecordID(id) != "" {
		return q.refuse(keyNoRecordings, notFound+id, nil)
	}
	r, err := q.scope.recording(ctx, q.call, id)
	if err != nil {
		return q.failedTrack(err, notFound, id)
	}
	t := TextTrackUpload{Kind: TextTrackKind(q.get("kind")), Lang: q.get("lang"), Label: q.get("label")}
	switch {
	case t.Kind == "":
		return q.refuse("paramError", "Missing param kind.", nil)
	case t.Kind != TextTrackSubtitles && t.Kind != TextTrackCaptions:
		return q.refuse("invalidKind", "Invalid kind parameter, expected='subtitles|captions' actual="+string(t.Kind), nil)
	case t.Lang == "":
		return q.refuse("paramError", "Missing param lang.", nil)
	case languageTag(t.tag()) != "":
		return q.refuse("invalidLang", "Malformed lang param, received="+t.Lang, nil)
	case oneLine(t.Label) != "":
		return q.refuse("paramError", "Malformed label param.", nil)
	}
	const empty = "Empty uploaded text track."
	file, err := form.file(&t)
	if err != nil {
		return q.brokenTrack(err)
	}
	if file == nil {
		return q.refuse(keyTrackEmpty, empty, nil)
	}
	err = r.PutTextTrack(ctx, t, file)
	switch {
	case err == nil:
	case isParam(err, "file"):
		return q.refuse(keyTrackEmpty, empty, err)
	case file.err != nil: // the client's part of it
		return q.brokenTrack(err)
	default:
		return q.failedTrack(err, notFound, id)
	}
	return trackAnswer{
		Returncode: "SUCCESS", Key: keyTrackTaken, Message: "Text track uploaded successfully", RecordID: id,
	}.answer(&Response{Call: q.call, StatusCode: http.StatusOK, Key: keyTrackTaken, Message: "Text track uploaded successfully"})
}

const keyTrackTaken = "upload_text_track_success"

// brokenTrack answers a form that broke off, or is none.
func (q *incoming) brokenTrack(err error) *Response {
	if _, limit := errors.AsType[*http.MaxBytesError](err); limit {
		return q.failed(err)
	}
	return q.refuse(keyTrackFailed, "Text track upload failed.", err)
}

// isParam reports whether err complains about that parameter.
func isParam(err error, name string) bool {
	e, ok := errors.AsType[*ParamError](err)
	return ok && e.Param == name
}
