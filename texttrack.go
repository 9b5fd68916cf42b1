package bbb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// TextTrackKind says what the text of a track is for.
type TextTrackKind string

// Kinds of text tracks. Servers take no other.
const (
	TextTrackSubtitles TextTrackKind = "subtitles" // A translation of what is said.
	TextTrackCaptions  TextTrackKind = "captions"  // What is said, and what else is to be heard.
)

// TextTrack is a track of captions or subtitles of a recording.
type TextTrack struct {
	// Href is where the text can be fetched. It holds a token that is good for one
	// download within an hour: ask for the tracks again before each one.
	Href   string `json:"-"` // access stays out of JSON, and so of logs
	Kind   TextTrackKind
	Lang   string // such as "en-US"
	Label  string // what the player shows
	Source string // where it came from, such as "upload", "live" or "automatic"
}

// String tells what the track is, without its URL.
func (t TextTrack) String() string {
	return fmt.Sprintf("%s in %s (%s, %s)", t.Kind, t.Lang, t.Label, t.Source)
}

// GoString is String: no formatting of a TextTrack shows its URL.
func (t TextTrack) GoString() string { return "bbb.TextTrack{" + t.String() + "}" }

// LogValue shows what the track is, without its URL.
func (t TextTrack) LogValue() slog.Value { return slog.StringValue(t.String()) }

// textTracksAnswer is the JSON answer to getRecordingTextTracks.
type textTracksAnswer struct {
	Returncode string `json:"returncode"`

	Tracks []struct {
		Href   string        `json:"href"`
		Kind   TextTrackKind `json:"kind"`
		Lang   string        `json:"lang"`
		Label  string        `json:"label"`
		Source string        `json:"source"`
	} `json:"tracks"`
}

func (a *textTracksAnswer) problem() error { return needSuccess(a.Returncode) }

// TextTracks returns the captions and subtitles of a recording. None are an empty
// list, not an error (noCaptionsFound). The error matches [ErrRecordingNotFound]
// when the server does not know the recording, and [ErrNotSupported] behind most
// load balancers. It stands for getRecordingTextTracks.
func (s *Server) TextTracks(ctx context.Context, recordID string) ([]TextTrack, error) {
	query, err := recordQuery(callGetTextTracks, recordID)
	if err != nil {
		return nil, err
	}
	got, err := fetchJSON[textTracksAnswer](ctx, s, request{call: callGetTextTracks, query: query})
	if e, ok := errors.AsType[*Error](err); ok && e.Key == keyNoCaptions {
		return []TextTrack{}, nil
	}
	if err != nil {
		return nil, err
	}
	tracks := make([]TextTrack, len(got.Tracks))
	for i, t := range got.Tracks {
		tracks[i] = TextTrack{Href: t.Href, Kind: t.Kind, Lang: t.Lang, Label: t.Label, Source: t.Source}
	}
	return tracks, nil
}

// recordQuery checks a record ID and returns the query that asks for it.
func recordQuery(call, id string) ([]byte, error) {
	if problem := validateRecordID(id); problem != "" {
		return nil, &ParamError{Call: call, Param: "recordID", Problem: problem}
	}
	return appendQueryEscape([]byte("recordID="), id), nil
}
