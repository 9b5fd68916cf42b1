package xmlwire_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// meeting is the full shape of a getMeetings answer, for measuring.
type meeting struct {
	Name           string            `xml:"meetingName"`
	ID             string            `xml:"meetingID"`
	InternalID     string            `xml:"internalMeetingID"`
	CreateTime     int64             `xml:"createTime"`
	CreateDate     string            `xml:"createDate"`
	VoiceBridge    string            `xml:"voiceBridge"`
	DialNumber     string            `xml:"dialNumber"`
	AttendeePW     string            `xml:"attendeePW"`
	ModeratorPW    string            `xml:"moderatorPW"`
	Running        bool              `xml:"running"`
	Duration       int               `xml:"duration"`
	HasUserJoined  bool              `xml:"hasUserJoined"`
	Recording      bool              `xml:"recording"`
	ForciblyEnded  bool              `xml:"hasBeenForciblyEnded"`
	StartTime      int64             `xml:"startTime"`
	EndTime        int64             `xml:"endTime"`
	Participants   int               `xml:"participantCount"`
	Listeners      int               `xml:"listenerCount"`
	VoiceUsers     int               `xml:"voiceParticipantCount"`
	Videos         int               `xml:"videoCount"`
	MaxUsers       int               `xml:"maxUsers"`
	ModeratorCount int               `xml:"moderatorCount"`
	Attendees      []member          `xml:"-"`
	Metadata       map[string]string `xml:"-"`
	IsBreakout     bool              `xml:"isBreakout"`
}

type member struct {
	UserID      string `xml:"userID"`
	FullName    string `xml:"fullName"`
	Role        string `xml:"role"`
	Presenter   bool   `xml:"isPresenter"`
	Listening   bool   `xml:"isListeningOnly"`
	JoinedVoice bool   `xml:"hasJoinedVoice"`
	Video       bool   `xml:"hasVideo"`
	ClientType  string `xml:"clientType"`
}

var memberRecord = xmlwire.NewRecord(
	xmlwire.Trimmed("userID", func(m *member) *string { return &m.UserID }),
	xmlwire.Common("fullName", func(m *member) *string { return &m.FullName }),
	xmlwire.Enum("role", func(m *member) *string { return &m.Role }),
	xmlwire.Bool("isPresenter", func(m *member) *bool { return &m.Presenter }),
	xmlwire.Bool("isListeningOnly", func(m *member) *bool { return &m.Listening }),
	xmlwire.Bool("hasJoinedVoice", func(m *member) *bool { return &m.JoinedVoice }),
	xmlwire.Bool("hasVideo", func(m *member) *bool { return &m.Video }),
	xmlwire.Enum("clientType", func(m *member) *string { return &m.ClientType }),
)

var meetingRecord = xmlwire.NewRecord(
	xmlwire.String("meetingName", func(m *meeting) *string { return &m.Name }),
	xmlwire.Trimmed("meetingID", func(m *meeting) *string { return &m.ID }),
	xmlwire.Trimmed("internalMeetingID", func(m *meeting) *string { return &m.InternalID }),
	xmlwire.Int64("createTime", func(m *meeting) *int64 { return &m.CreateTime }),
	xmlwire.String("createDate", func(m *meeting) *string { return &m.CreateDate }),
	xmlwire.String("voiceBridge", func(m *meeting) *string { return &m.VoiceBridge }),
	xmlwire.Enum("dialNumber", func(m *meeting) *string { return &m.DialNumber }),
	xmlwire.String("attendeePW", func(m *meeting) *string { return &m.AttendeePW }),
	xmlwire.String("moderatorPW", func(m *meeting) *string { return &m.ModeratorPW }),
	xmlwire.Bool("running", func(m *meeting) *bool { return &m.Running }),
	xmlwire.Int("duration", func(m *meeting) *int { return &m.Duration }),
	xmlwire.Bool("hasUserJoined", func(m *meeting) *bool { return &m.HasUserJoined }),
	xmlwire.Bool("recording", func(m *meeting) *bool { return &m.Recording }),
	xmlwire.Bool("hasBeenForciblyEnded", func(m *meeting) *bool { return &m.ForciblyEnded }),
	xmlwire.Int64("startTime", func(m *meeting) *int64 { return &m.StartTime }),
	xmlwire.Int64("endTime", func(m *meeting) *int64 { return &m.EndTime }),
	xmlwire.Int("participantCount", func(m *meeting) *int { return &m.Participants }),
	xmlwire.Int("listenerCount", func(m *meeting) *int { return &m.Listeners }),
	xmlwire.Int("voiceParticipantCount", func(m *meeting) *int { return &m.VoiceUsers }),
	xmlwire.Int("videoCount", func(m *meeting) *int { return &m.Videos }),
	xmlwire.Int("maxUsers", func(m *meeting) *int { return &m.MaxUsers }),
	xmlwire.Int("moderatorCount", func(m *meeting) *int { return &m.ModeratorCount }),
	xmlwire.List("attendees", "attendee", func(m *meeting) *[]member { return &m.Attendees }, memberRecord),
	xmlwire.Map("metadata", func(m *meeting) *map[string]string { return &m.Metadata }),
	xmlwire.Bool("isBreakout", func(m *meeting) *bool { return &m.IsBreakout }),
)

type meetings struct{ Meetings []meeting }

var meetingsRecord = xmlwire.NewRecord(
	xmlwire.List("meetings", "meeting", func(m *meetings) *[]meeting { return &m.Meetings }, meetingRecord),
)

// referenceMeetings is meetings for encoding/xml.
type referenceMeetings struct {
	Meetings []referenceMeeting `xml:"meetings>meeting"`
}

type referenceMeeting struct {
	meeting
	Attendees []member     `xml:"attendees>attendee"`
	Metadata  referenceMap `xml:"metadata"`
}

func sample(n int) (m meetings) {
	for i := range n {
		mt := meeting{
			Name: fmt.Sprintf("Algebra & Analysis %d", i), ID: fmt.Sprintf("course-%08d", i),
			InternalID: fmt.Sprintf("%040x-1531155809613", i), CreateTime: 1531155809613,
			CreateDate: "Mon Jul 09 17:03:29 UTC 2018", VoiceBridge: fmt.Sprint(70000 + i), DialNumber: "613-555-1234",
			AttendeePW: "attendee-password", ModeratorPW: "moderator-password", Running: true, HasUserJoined: true,
			StartTime: 1531155809645, Participants: 10, VoiceUsers: 8, Videos: 3, ModeratorCount: 1,
			Metadata: map[string]string{
				"bbb-origin": "Moodle", "bbb-origin-version": "4.1.2 (Build: 20230313)", "bbb-context": "Mathematics for beginners",
				"endcallbackurl":          "https://lms.example.org/callback?meeting=1&secret=2",
				"bbb-recording-ready-url": "https://lms.example.org/recording/ready",
			},
		}
		for j := range 10 {
			mt.Attendees = append(mt.Attendees, member{
				UserID: fmt.Sprintf("user-%06d", i*10+j), FullName: fmt.Sprintf("Jürgen Example %d", j),
				Role: "VIEWER", Presenter: j == 0, JoinedVoice: true, ClientType: "HTML5",
			})
		}
		m.Meetings = append(m.Meetings, mt)
	}
	return m
}

// meetingsBody is an answer of n meetings with an element per line, as servers
// write it.
func meetingsBody(n int) []byte {
	m := sample(n)
	body := meetingsRecord.Append(nil, "response", &m)
	return append(bytes.ReplaceAll(body, []byte("><"), []byte(">\n<")), '\n')
}

func TestSampleIsReadAlike(t *testing.T) {
	t.Parallel()
	body := meetingsBody(3)
	var got meetings
	require.NoError(t, meetingsRecord.Decode(body, "response", &got, xmlwire.Limits{}))
	assert.Equal(t, sample(3), got)
	var ref referenceMeetings
	require.NoError(t, xml.Unmarshal(body, &ref))
	for i, m := range ref.Meetings {
		m.meeting.Attendees, m.meeting.Metadata = m.Attendees, m.Metadata
		assert.Equal(t, got.Meetings[i], m.meeting)
	}
}

// MarshalXML writes what UnmarshalXML reads, for measuring.
func (m referenceMap) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if err := e.EncodeElement(m[key], xml.StartElement{Name: xml.Name{Local: key}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

// shuffledBody is meetingsBody with the elements of each meeting in an order of
// its own and some among them that nobody knows.
func shuffledBody(n int) []byte {
	g := newGenerator(1, 1)
	var out, block []string
	var blocks []string // the elements of one meeting
	inside := ""
	for line := range strings.Lines(string(meetingsBody(n))) {
		name := strings.Trim(line, "</>\n")
		block = append(block, line)
		switch {
		case inside == "" && (name == "attendees" || name == "metadata"):
			inside = name
		case inside != "" && name != inside:
		case line == "</meeting>\n":
			g.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
			out = append(append(out, blocks...), line)
			blocks, block = nil, nil
		case name == "response" || name == "meetings" || name == "meeting":
			out, block = append(out, line), nil
		default:
			blocks = append(blocks, strings.Join(block, ""))
			if g.IntN(4) == 0 {
				name := fmt.Sprint("unknown", g.IntN(9))
				blocks = append(blocks, "<"+name+"><value>a</value></"+name+">\n")
			}
			inside, block = "", nil
		}
	}
	return []byte(strings.Join(out, ""))
}

func TestShuffledIsReadAlike(t *testing.T) {
	t.Parallel()
	var got meetings
	require.NoError(t, meetingsRecord.Decode(shuffledBody(3), "response", &got, xmlwire.Limits{}))
	assert.Equal(t, sample(3), got)
}

func benchmark(b *testing.B, name string, n int, do func() error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := do(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*n), "us/item")
	})
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []struct {
		name string
		n    int
		body []byte
	}{
		{"200", 200, meetingsBody(200)},
		{"10", 10, meetingsBody(10)},
		{"shuffled", 200, shuffledBody(200)},
	} {
		benchmark(b, c.name+"/xmlwire", c.n, func() error {
			var m meetings
			return meetingsRecord.Decode(c.body, "response", &m, xmlwire.Limits{})
		})
		benchmark(b, c.name+"/encoding", c.n, func() error {
			var m referenceMeetings
			return xml.Unmarshal(c.body, &m)
		})
		benchmark(b, c.name+"/indexbyte", c.n, func() error {
			for rest := c.body; ; {
				i := bytes.IndexByte(rest, '<')
				if i < 0 {
					return nil
				}
				rest = rest[i+1:]
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	const n = 200
	m := sample(n)
	var dst []byte
	benchmark(b, "xmlwire", n, func() error {
		dst = meetingsRecord.Append(dst[:0], "response", &m)
		return nil
	})
	var ref referenceMeetings
	require.NoError(b, xml.Unmarshal(meetingsBody(n), &ref))
	benchmark(b, "encoding", n, func() error {
		_, err := xml.Marshal(&ref)
		return err
	})
}
