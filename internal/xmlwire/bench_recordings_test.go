package xmlwire_test

import (
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// recording is the shape of a getRecordings answer, for measuring.
type recording struct {
	ID           string `xml:"recordID"`
	MeetingID    string `xml:"meetingID"`
	InternalID   string `xml:"internalMeetingID"`
	Name         string `xml:"name"`
	IsBreakout   bool   `xml:"isBreakout"`
	Published    bool   `xml:"published"`
	State        string `xml:"state"`
	StartTime    int64  `xml:"startTime"`
	EndTime      int64  `xml:"endTime"`
	Participants int    `xml:"participants"`
	RawSize      int64  `xml:"rawSize"`
	Size         int64  `xml:"size"`

	Metadata referenceMap `xml:"metadata"`
	Formats  []playback   `xml:"playback>format"`
}

type playback struct {
	Type           string    `xml:"type"`
	URL            string    `xml:"url"`
	ProcessingTime int64     `xml:"processingTime"`
	Length         int       `xml:"length"`
	Size           int64     `xml:"size"`
	Previews       []preview `xml:"preview>images>image"`
}

type preview struct {
	Alt    string `xml:"alt,attr"`
	Height int    `xml:"height,attr"`
	Width  int    `xml:"width,attr"`
	URL    string `xml:",chardata"`
}

type recordings struct {
	Recordings []recording `xml:"recordings>recording"`
}

var previewRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("alt", func(p *preview) *string { return &p.Alt }).Attr(),
	xmlwire.Int("height", func(p *preview) *int { return &p.Height }).Attr(),
	xmlwire.Int("width", func(p *preview) *int { return &p.Width }).Attr(),
	xmlwire.Content(func(p *preview) *string { return &p.URL }),
)

var playbackRecord = xmlwire.NewRecord(
	xmlwire.Enum("type", func(p *playback) *string { return &p.Type }),
	xmlwire.Trimmed("url", func(p *playback) *string { return &p.URL }),
	xmlwire.Int64("processingTime", func(p *playback) *int64 { return &p.ProcessingTime }),
	xmlwire.Int("length", func(p *playback) *int { return &p.Length }),
	xmlwire.Int64("size", func(p *playback) *int64 { return &p.Size }),
	xmlwire.Inline("preview", xmlwire.NewRecord(
		xmlwire.List("images", "image", func(p *playback) *[]preview { return &p.Previews }, previewRecord),
	)),
)

var recordingRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("recordID", func(r *recording) *string { return &r.ID }),
	xmlwire.Trimmed("meetingID", func(r *recording) *string { return &r.MeetingID }),
	xmlwire.Trimmed("internalMeetingID", func(r *recording) *string { return &r.InternalID }),
	xmlwire.String("name", func(r *recording) *string { return &r.Name }),
	xmlwire.Bool("isBreakout", func(r *recording) *bool { return &r.IsBreakout }),
	xmlwire.Bool("published", func(r *recording) *bool { return &r.Published }),
	xmlwire.Enum("state", func(r *recording) *string { return &r.State }),
	xmlwire.Int64("startTime", func(r *recording) *int64 { return &r.StartTime }),
	xmlwire.Int64("endTime", func(r *recording) *int64 { return &r.EndTime }),
	xmlwire.Int("participants", func(r *recording) *int { return &r.Participants }),
	xmlwire.Int64("rawSize", func(r *recording) *int64 { return &r.RawSize }),
	xmlwire.Map("metadata", func(r *recording) *map[string]string { return (*map[string]string)(&r.Metadata) }),
	xmlwire.Int64("size", func(r *recording) *int64 { return &r.Size }),
	xmlwire.List("playback", "format", func(r *recording) *[]playback { return &r.Formats }, playbackRecord),
)

var recordingsRecord = xmlwire.NewRecord(
	xmlwire.List("recordings", "recording", func(r *recordings) *[]recording { return &r.Recordings }, recordingRecord),
)

// recordingsBody is an answer of n recordings with an element per line, as
// servers write it.
func recordingsBody(n int) []byte {
	var all recordings
	for i := range n {
		id := fmt.Sprintf("%040x-1531155809613", i)
		r := recording{
			ID: id, MeetingID: fmt.Sprintf("course-%08d", i), InternalID: id, Name: fmt.Sprintf("Algebra & Analysis %d", i),
			Published: true, State: "published", StartTime: 1531155809613, EndTime: 1531159409613, Participants: 10,
			RawSize: 41582302, Size: 8823712, Metadata: sample(1).Meetings[0].Metadata,
		}
		for _, kind := range []string{"presentation", "video"} {
			p := playback{
				Type: kind, URL: "https://bbb.example.org/playback/" + kind + "/2.3/" + id,
				ProcessingTime: 7177, Length: 60, Size: 4411856,
			}
			for page := range 3 {
				p.Previews = append(p.Previews, preview{
					Alt: fmt.Sprintf("Page %d of the slides", page), Height: 136, Width: 176,
					URL: fmt.Sprintf("https://bbb.example.org/presentation/%s/thumbnails/thumb-%d.png", id, page),
				})
			}
			r.Formats = append(r.Formats, p)
		}
		all.Recordings = append(all.Recordings, r)
	}
	body := recordingsRecord.Append(nil, "response", &all)
	return []byte(strings.ReplaceAll(string(body), "><", ">\n<"))
}

func TestRecordingsAreReadAlike(t *testing.T) {
	t.Parallel()
	body := recordingsBody(3)
	var got, want recordings
	require.NoError(t, recordingsRecord.Decode(body, "response", &got, xmlwire.Limits{}))
	require.NoError(t, xml.Unmarshal(body, &want))
	assert.Equal(t, want, got)
}

func BenchmarkDecodeRecordings(b *testing.B) {
	const n = 2000
	body := recordingsBody(n)
	benchmark(b, "xmlwire", n, func() error {
		var r recordings
		return recordingsRecord.Decode(body, "response", &r, xmlwire.Limits{})
	})
	benchmark(b, "encoding", n, func() error {
		var r recordings
		return xml.Unmarshal(body, &r)
	})
}
