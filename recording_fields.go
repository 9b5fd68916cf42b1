package bbb

import (
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// recordingFields are the elements of a recording in getRecordings, in the order
// in which servers write them. A new element is one line here and one field of
// Recording.
var recordingFields = []xmlwire.Field[Recording]{
	xmlwire.Trimmed("recordID", func(r *Recording) *string { return &r.ID }),
	xmlwire.Trimmed("meetingID", func(r *Recording) *string { return &r.MeetingID }),
	xmlwire.Trimmed("internalMeetingID", func(r *Recording) *string { return &r.InternalMeetingID }),
	xmlwire.String("name", func(r *Recording) *string { return &r.Name }),
	xmlwire.Bool("isBreakout", func(r *Recording) *bool { return &r.IsBreakout }),
	xmlwire.Bool("published", func(r *Recording) *bool { return &r.Published }),
	xmlwire.Bool("protected", func(r *Recording) *bool { return &r.Protected }).OmitEmpty(),
	xmlwire.Enum("state", func(r *Recording) *RecordingState { return &r.State }),
	xmlwire.Millis("startTime", func(r *Recording) *time.Time { return &r.StartTime }),
	xmlwire.Millis("endTime", func(r *Recording) *time.Time { return &r.EndTime }),
	xmlwire.Int("participants", func(r *Recording) *int { return &r.Participants }),
	xmlwire.Int64("rawSize", func(r *Recording) *int64 { return &r.RawSize }),
	xmlwire.Map("metadata", func(r *Recording) *map[string]string { return &r.Metadata }),
	xmlwire.Inline("breakout", xmlwire.NewRecord(
		// The same is called parentMeetingID in answers about meetings.
		xmlwire.Trimmed("parentId", func(r *Recording) *string { return &r.ParentID }),
		xmlwire.Int("sequence", func(r *Recording) *int { return &r.Sequence }),
		xmlwire.Bool("freeJoin", func(r *Recording) *bool { return &r.FreeJoin }),
	)).OmitEmpty(),
	xmlwire.Strings("breakoutRooms", "breakoutRoom", func(r *Recording) *[]string { return &r.BreakoutRooms }).OmitEmpty(),
	xmlwire.Int64("size", func(r *Recording) *int64 { return &r.Size }),
	xmlwire.List("playback", "format", func(r *Recording) *[]PlaybackFormat { return &r.Formats }, playbackRecord),
	xmlwire.List("data", "format", func(r *Recording) *[]DataFormat { return &r.Data }, dataRecord).OmitEmpty(),
	unreadableField.OmitEmpty(),
}

// unreadableField stands for all the others when the server cannot read its own file.
var unreadableField = xmlwire.Inline("error", xmlwire.NewRecord(
	xmlwire.Custom("recordID", "text",
		func(r *Recording, text string) bool {
			r.ID, r.Unreadable = text, true
			return true
		},
		func(r *Recording) string {
			if r.Unreadable {
				return r.ID
			}
			return ""
		}),
))

var playbackRecord = xmlwire.NewRecord(
	xmlwire.Enum("type", func(f *PlaybackFormat) *string { return &f.Type }),
	xmlwire.Trimmed("url", func(f *PlaybackFormat) *string { return &f.URL }),
	xmlwire.Int64("processingTime", func(f *PlaybackFormat) *int64 { return &f.ProcessingTime }),
	xmlwire.Minutes("length", func(f *PlaybackFormat) *time.Duration { return &f.Length }),
	xmlwire.Int64("size", func(f *PlaybackFormat) *int64 { return &f.Size }),
	xmlwire.Inline("preview", xmlwire.NewRecord(
		xmlwire.List("images", "image", func(f *PlaybackFormat) *[]PreviewImage { return &f.Previews }, previewRecord),
	)).OmitEmpty(),
)

var previewRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("alt", func(i *PreviewImage) *string { return &i.Alt }).Attr(),
	xmlwire.Int("height", func(i *PreviewImage) *int { return &i.Height }).Attr().OmitEmpty(),
	xmlwire.Int("width", func(i *PreviewImage) *int { return &i.Width }).Attr().OmitEmpty(),
	xmlwire.Content(func(i *PreviewImage) *string { return &i.URL }),
)

var dataRecord = xmlwire.NewRecord(
	xmlwire.Enum("type", func(f *DataFormat) *string { return &f.Type }),
	xmlwire.Trimmed("url", func(f *DataFormat) *string { return &f.URL }),
)

var recordingRecord = xmlwire.NewRecord(recordingFields...)

// recordingsAnswer is an answer to getRecordings.
type recordingsAnswer struct {
	status
	Recordings []*Recording
	Total      int // of all pages; 0 when the server does not page
}

var totalField = xmlwire.Int("totalElements", func(a *recordingsAnswer) *int { return &a.Total })

var recordingsRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(a *recordingsAnswer) *status { return &a.status }, statusFields...),
	xmlwire.PtrList("recordings", "recording", func(a *recordingsAnswer) *[]*Recording { return &a.Recordings }, recordingRecord),
	totalField.OmitEmpty(),
	// BigBlueButton 2.6 has the number in a block of its own.
	xmlwire.Inline("pagination", xmlwire.NewRecord(
		totalField,
		xmlwire.Inline("pageable", xmlwire.NewRecord(totalField)),
	)).DecodeOnly(),
)...)
