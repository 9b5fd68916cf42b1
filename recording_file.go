package bbb

import (
	"fmt"
	"strings"
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// recordingFile is a metadata.xml. It has the facts of getRecordings under other
// names, and one playback format.
type recordingFile struct {
	Recording Recording
	Format    PlaybackFormat
	Length    int64 // milliseconds
}

var recordingFileRecord = xmlwire.NewRecord(append(
	xmlwire.Lift(func(f *recordingFile) *Recording { return &f.Recording },
		xmlwire.Trimmed("id", func(r *Recording) *string { return &r.ID }),
		xmlwire.Enum("state", func(r *Recording) *RecordingState { return &r.State }),
		xmlwire.Bool("published", func(r *Recording) *bool { return &r.Published }),
		xmlwire.Millis("start_time", func(r *Recording) *time.Time { return &r.StartTime }),
		xmlwire.Millis("end_time", func(r *Recording) *time.Time { return &r.EndTime }),
		xmlwire.Int("participants", func(r *Recording) *int { return &r.Participants }),
		xmlwire.Inline("meeting", xmlwire.NewRecord(
			xmlwire.Trimmed("id", func(r *Recording) *string { return &r.InternalMeetingID }).Attr(),
			xmlwire.Trimmed("externalId", func(r *Recording) *string { return &r.MeetingID }).Attr(),
			xmlwire.String("name", func(r *Recording) *string { return &r.Name }).Attr(),
			xmlwire.Bool("breakout", func(r *Recording) *bool { return &r.IsBreakout }).Attr(),
		)),
		xmlwire.Map("meta", func(r *Recording) *map[string]string { return &r.Metadata }),
		xmlwire.Int64("raw_size", func(r *Recording) *int64 { return &r.RawSize }),
	),
	xmlwire.Inline("playback", xmlwire.NewRecord(append(
		xmlwire.Lift(func(f *recordingFile) *PlaybackFormat { return &f.Format },
			xmlwire.Enum("format", func(f *PlaybackFormat) *string { return &f.Type }),
			xmlwire.Trimmed("link", func(f *PlaybackFormat) *string { return &f.URL }),
			xmlwire.Int64("processing_time", func(f *PlaybackFormat) *int64 { return &f.ProcessingTime }),
			xmlwire.Int64("size", func(f *PlaybackFormat) *int64 { return &f.Size }),
			xmlwire.Inline("extensions", xmlwire.NewRecord(xmlwire.Inline("preview", xmlwire.NewRecord(
				xmlwire.List("images", "image", func(f *PlaybackFormat) *[]PreviewImage { return &f.Previews }, previewRecord))))),
		),
		xmlwire.Int64("duration", func(f *recordingFile) *int64 { return &f.Length }))...)),
)...)

// ParseRecordingFile reads a metadata.xml, in which a server keeps what it knows
// of one playback format of a recording, next to its files. It is for scripts
// that run on servers and for imports; getRecordings, which [Server.Recordings]
// stands for, tells the same over HTTP.
//
// The Recording has one format, or none when the file names none, and no server.
// Unlike in answers, the length of the format is exact to the millisecond. What
// the file says twice or leaves out is taken from the metadata that servers add
// ("meetingId", "meetingName", "isBreakout"). The error of a file that cannot be
// read matches [ErrBadAnswer].
func ParseRecordingFile(text []byte) (*Recording, error) {
	var file recordingFile
	if err := recordingFileRecord.Decode(text, "recording", &file, limitsFor(text)); err != nil {
		return nil, fmt.Errorf("bbb: recording file: %w: %w", ErrBadAnswer, err)
	}
	r := &file.Recording
	if r.MeetingID == "" {
		r.MeetingID = strings.TrimSpace(r.Metadata["meetingId"])
	}
	if r.Name == "" {
		r.Name = r.Metadata["meetingName"]
	}
	if strings.EqualFold(strings.TrimSpace(r.Metadata["isBreakout"]), "true") {
		r.IsBreakout = true
	}
	if file.Format.Type != "" {
		file.Format.Length = time.Duration(file.Length) * time.Millisecond
		r.Formats = []PlaybackFormat{file.Format}
		r.Size = file.Format.Size
	}
	return r, nil
}
