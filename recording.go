package bbb

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"
)

// The calls about recordings and their text tracks.
const (
	callGetRecordings     = "getRecordings"
	callPublishRecordings = "publishRecordings"
	callDeleteRecordings  = "deleteRecordings"
	callUpdateRecordings  = "updateRecordings"
	callGetTextTracks     = "getRecordingTextTracks"
	callPutTextTrack      = "putRecordingTextTrack"
)

// aboutRecordings reports whether what a call does not find is a recording.
func aboutRecordings(call string) bool {
	switch call {
	case callGetRecordings, callPublishRecordings, callDeleteRecordings, callUpdateRecordings, callGetTextTracks, callPutTextTrack:
		return true
	}
	return false
}

// RecordingState is how far a recording has got. The type is open: a server may
// know states that are not listed here.
type RecordingState string

// States of recordings.
const (
	RecordingProcessing  RecordingState = "processing"  // The server is making it.
	RecordingProcessed   RecordingState = "processed"   // It is made, and not published yet.
	RecordingPublished   RecordingState = "published"   // It can be watched.
	RecordingUnpublished RecordingState = "unpublished" // It was taken out of view.
	RecordingDeleted     RecordingState = "deleted"     // It was deleted, and some of it is still there.
	// RecordingAvailable is an internal state that some servers let out. It counts
	// as published.
	RecordingAvailable RecordingState = "available"
	// RecordingAnyState asks for recordings in every state; see [RecordingFilter].
	// No recording has it.
	RecordingAnyState RecordingState = "any"
)

// IsPublished reports whether a recording in this state can be watched.
func (s RecordingState) IsPublished() bool { return s == RecordingPublished || s == RecordingAvailable }

// Recording is what a server said of a recording at one time: a snapshot that
// never changes and that any number of goroutines may read. Do not write to it.
//
// A Recording knows its server, so it manages itself: [Recording.Publish],
// [Recording.Delete], [Recording.TextTracks].
//
// Its playback URLs can hold tokens. They are not shown when it is printed or
// logged by itself, but its JSON has them, and so has that of a list of recordings
// in a log.
type Recording struct {
	ID                string // recordID; the internal ID of the meeting
	MeetingID         string // the one that create was given
	InternalMeetingID string // empty on some servers; then it is the ID
	Name              string // of the meeting

	IsBreakout bool
	Published  bool
	Protected  bool // its playback URLs hold tokens: ask again for each view
	State      RecordingState

	StartTime time.Time // of the meeting; zero when the server does not tell
	EndTime   time.Time

	Participants int
	RawSize      int64 // bytes of the raw material; since BigBlueButton 2.6 or so
	Size         int64 // bytes of all formats together; likewise

	// Metadata is that of the meeting and what was written later
	// ([Server.UpdateRecordings]). Keys that were given to create are in lower
	// case; servers add some of their own in mixed case, such as "meetingName".
	Metadata map[string]string

	ParentID      string   // of a breakout room: the internal ID of its parent
	Sequence      int      // of a breakout room: its number
	FreeJoin      bool     // of a breakout room: users could choose it
	BreakoutRooms []string // of a parent: IDs of the recordings of its rooms

	Formats []PlaybackFormat // what can be watched; more may be added later
	Data    []DataFormat     // raw data to download; newer releases only

	// Unreadable says that the server could not read its own description of the
	// recording. Then only the ID is known.
	Unreadable bool

	// FetchedAt is when the server was asked.
	FetchedAt time.Time

	server *Server
}

// PlaybackFormat is one way to watch a recording.
type PlaybackFormat struct {
	Type string // such as "presentation", "video", "podcast", "notes"; an open set
	URL  string // of a protected recording it holds a token for one view
	// ProcessingTime is how long making it took, in a unit that BigBlueButton does
	// not state; it looks like milliseconds. 0 is common.
	ProcessingTime int64
	Length         time.Duration // whole minutes, rounded down
	Size           int64         // bytes; 0 when the server does not tell
	Previews       []PreviewImage
}

// PreviewImage is a small picture of a slide.
type PreviewImage struct {
	URL    string
	Alt    string // text of the slide
	Width  int    // pixels; 0 when the server does not tell
	Height int
}

// DataFormat is raw data of a recording.
type DataFormat struct {
	Type string // what the data is, in the server's words
	URL  string // where to download it
}

// Server returns the server that holds the recording.
func (r *Recording) Server() *Server { return r.server }

// Duration returns the time from start to end, or 0 when one of them is unknown.
func (r *Recording) Duration() time.Duration {
	if r.StartTime.IsZero() || r.EndTime.IsZero() {
		return 0
	}
	return r.EndTime.Sub(r.StartTime)
}

// Format returns the format of that type, or nil when there is none.
func (r *Recording) Format(kind string) *PlaybackFormat {
	for i := range r.Formats {
		if r.Formats[i].Type == kind {
			return &r.Formats[i]
		}
	}
	return nil
}

// Publish lets people see the recording. r stays as it is. See
// [Server.PublishRecordings].
func (r *Recording) Publish(ctx context.Context) error {
	return r.server.PublishRecordings(ctx, r.ID)
}

// Unpublish takes the recording out of view. r stays as it is. See
// [Server.UnpublishRecordings].
func (r *Recording) Unpublish(ctx context.Context) error {
	return r.server.UnpublishRecordings(ctx, r.ID)
}

// Delete deletes the recording; that it is gone already is no error. See
// [Server.DeleteRecordings].
func (r *Recording) Delete(ctx context.Context) error { return r.server.DeleteRecordings(ctx, r.ID) }

// Update changes metadata of the recording; r stays as it is. See
// [Server.UpdateRecordings].
func (r *Recording) Update(ctx context.Context, meta map[string]string) error {
	return r.server.UpdateRecordings(ctx, meta, r.ID)
}

// TextTracks returns the captions and subtitles of the recording. See
// [Server.TextTracks].
func (r *Recording) TextTracks(ctx context.Context) ([]TextTrack, error) {
	return r.server.TextTracks(ctx, r.ID)
}

// PutTextTrack uploads captions or subtitles for the recording. See
// [Server.PutTextTrack].
func (r *Recording) PutTextTrack(ctx context.Context, t TextTrackUpload, content io.Reader) error {
	return r.server.PutTextTrack(ctx, r.ID, t, content)
}

// String describes the recording in a few words, without its URLs.
func (r Recording) String() string {
	at := ""
	if r.server != nil {
		at = " on " + r.server.name
	}
	return fmt.Sprintf("recording %q (%s)%s: %s, %d formats", r.Name, r.ID, at, r.state(), len(r.Formats))
}

func (r *Recording) state() string {
	switch {
	case r.Unreadable:
		return "unreadable"
	case r.State != "":
		return string(r.State)
	case r.Published:
		return string(RecordingPublished)
	}
	return string(RecordingUnpublished)
}

// GoString is String: no formatting of a Recording shows its URLs.
func (r Recording) GoString() string { return "bbb.Recording{" + r.String() + "}" }

// LogValue shows what identifies the recording, without its URLs.
func (r Recording) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("id", r.ID), slog.String("meetingID", r.MeetingID), slog.String("name", r.Name),
		slog.String("state", r.state()), slog.Int("formats", len(r.Formats)),
	}
	if r.server != nil {
		attrs = append(attrs, slog.String("server", r.server.name))
	}
	return slog.GroupValue(attrs...)
}

// String names the type and the length. The URL may hold a token.
func (f PlaybackFormat) String() string { return fmt.Sprintf("%s of %v", f.Type, f.Length) }

// GoString is String: no formatting shows the URL.
func (f PlaybackFormat) GoString() string { return "bbb.PlaybackFormat{" + f.String() + "}" }

// LogValue shows the type and the length, not the URL.
func (f PlaybackFormat) LogValue() slog.Value { return slog.StringValue(f.String()) }

// String names the type. The URL may hold a token.
func (f DataFormat) String() string { return f.Type }

// GoString is String: no formatting shows the URL.
func (f DataFormat) GoString() string { return "bbb.DataFormat{" + f.Type + "}" }

// LogValue shows the type, not the URL.
func (f DataFormat) LogValue() slog.Value { return slog.StringValue(f.Type) }
