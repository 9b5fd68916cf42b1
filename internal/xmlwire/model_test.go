package xmlwire_test

import (
	"time"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// document has a field of every kind, in the shapes of the real answers.
type document struct {
	status
	Name      string
	ID        string
	Running   bool
	Count     int
	Size      int64
	Start     time.Time
	Length    time.Duration
	Parent    string
	Sequence  int
	Rooms     []string
	Attendees []attendee
	Formats   []*format
	Metadata  map[string]string
	Owner     attendee
}

type status struct{ Code, Key returnCode }

type returnCode string

type attendee struct {
	UserID, Role string
	Presenter    bool
	Custom       map[string]string
}

type format struct {
	URL    string
	Images []image
}

type image struct {
	Alt           string
	Width, Height int
	URL           string
}

var statusRecord = xmlwire.NewRecord(
	xmlwire.Enum("returncode", func(s *status) *returnCode { return &s.Code }),
	xmlwire.Trimmed("messageKey", func(s *status) *returnCode { return &s.Key }).OmitEmpty(),
)

var attendeeRecord = xmlwire.NewRecord(
	xmlwire.String("userID", func(a *attendee) *string { return &a.UserID }),
	xmlwire.Enum("role", func(a *attendee) *string { return &a.Role }),
	xmlwire.Bool("isPresenter", func(a *attendee) *bool { return &a.Presenter }),
	xmlwire.Map("customdata", func(a *attendee) *map[string]string { return &a.Custom }),
)

var imageRecord = xmlwire.NewRecord(
	xmlwire.String("alt", func(i *image) *string { return &i.Alt }).Attr(),
	xmlwire.Int("width", func(i *image) *int { return &i.Width }).Attr().OmitEmpty(),
	xmlwire.Int("height", func(i *image) *int { return &i.Height }).Attr().OmitEmpty(),
	xmlwire.Content(func(i *image) *string { return &i.URL }),
)

var formatRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("url", func(f *format) *string { return &f.URL }),
	xmlwire.Inline("preview", xmlwire.NewRecord(
		xmlwire.List("images", "image", func(f *format) *[]image { return &f.Images }, imageRecord),
	)).OmitEmpty(),
)

var documentRecord = xmlwire.NewRecord(
	xmlwire.Lift(func(d *document) *status { return &d.status }, statusRecord.Fields()...)...,
).With(
	xmlwire.String("meetingName", func(d *document) *string { return &d.Name }),
	xmlwire.Trimmed("meetingID", func(d *document) *string { return &d.ID }),
	xmlwire.Bool("running", func(d *document) *bool { return &d.Running }),
	xmlwire.Int("participantCount", func(d *document) *int { return &d.Count }),
	xmlwire.Int64("rawSize", func(d *document) *int64 { return &d.Size }),
	xmlwire.Millis("startTime", func(d *document) *time.Time { return &d.Start }),
	xmlwire.Minutes("duration", func(d *document) *time.Duration { return &d.Length }),
	xmlwire.Inline("breakout", xmlwire.NewRecord(
		xmlwire.Custom("parentMeetingID", "the id of a meeting",
			func(d *document, text string) bool {
				if text == "bbb-none" {
					return false
				}
				d.Parent = text
				return true
			},
			func(d *document) string { return d.Parent }).OmitEmpty(),
		xmlwire.Int("sequence", func(d *document) *int { return &d.Sequence }),
	)).OmitEmpty(),
	xmlwire.Strings("breakoutRooms", "breakout", func(d *document) *[]string { return &d.Rooms }).OmitEmpty(),
	xmlwire.List("attendees", "attendee", func(d *document) *[]attendee { return &d.Attendees }, attendeeRecord),
	xmlwire.PtrList("playback", "format", func(d *document) *[]*format { return &d.Formats }, formatRecord),
	xmlwire.Map("metadata", func(d *document) *map[string]string { return &d.Metadata }),
	xmlwire.Nested("owner", func(d *document) *attendee { return &d.Owner }, attendeeRecord).OmitEmpty(),
)

func decode(body string) (document, error) {
	var d document
	err := documentRecord.Decode([]byte(body), "response", &d, xmlwire.Limits{})
	return d, err
}
