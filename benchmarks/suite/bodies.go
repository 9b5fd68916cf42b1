package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// shape is what a generated answer is like.
type shape struct {
	attendees int
	shuffled  bool   // the fields come in any order, with elements among them that nobody knows
	tenant    string // adds the metadata that marks a tenant's meetings
	prefix    string // of the meeting IDs
}

// full is the whole shape of a busy server: more than 4 kB for each meeting.
var full = shape{attendees: 10}

// meetingsBody is an answer to getMeetings of n meetings from number first on, with an
// element for each line, as servers write it.
func meetingsBody(first, n int, s shape) []byte {
	var b strings.Builder
	b.WriteString("<response>\n<returncode>SUCCESS</returncode>\n<meetings>\n")
	for i := range n {
		b.WriteString("<meeting>\n")
		writeMeeting(&b, first+i, s)
		b.WriteString("</meeting>\n")
	}
	b.WriteString("</meetings>\n</response>\n")
	return []byte(b.String())
}

// infoBody is an answer to getMeetingInfo.
func infoBody(i int, s shape) []byte {
	var b strings.Builder
	b.WriteString("<response>\n<returncode>SUCCESS</returncode>\n")
	writeMeeting(&b, i, s)
	b.WriteString("</response>\n")
	return []byte(b.String())
}

func meetingID(i int, s shape) string { return fmt.Sprintf("%scourse-%08d", s.prefix, i) }

func writeMeeting(b *strings.Builder, i int, s shape) {
	fields := []string{
		element("meetingName", fmt.Sprintf("Algebra &amp; Analysis %d", i)), element("meetingID", meetingID(i, s)),
		element("internalMeetingID", fmt.Sprintf("%040x-1531155809613", i)), element("createTime", "1531155809613"),
		element("createDate", "Mon Jul 09 17:03:29 UTC 2018"), element("voiceBridge", fmt.Sprint(70000+i)),
		element("dialNumber", "613-555-1234"), element("attendeePW", "attendee-password"), element("moderatorPW", "moderator-password"),
		element("running", "true"), element("duration", "0"), element("hasUserJoined", "true"), element("recording", "false"),
		element("hasBeenForciblyEnded", "false"), element("startTime", "1531155809645"), element("endTime", "0"),
		element("participantCount", fmt.Sprint(s.attendees)), element("listenerCount", "1"), element("voiceParticipantCount", "8"),
		element("videoCount", "3"), element("maxUsers", "50"), element("moderatorCount", "1"), attendees(i, s), metadata(i, s),
		element("isBreakout", "false"),
	}
	if s.shuffled {
		fields = append(fields, element("pinned", "false"), element("weather", "sun &amp; rain"), "<layers>\n<layer depth=\"1\"><x>1</x><y>2</y></layer>\n<layer/>\n</layers>\n")
		mix(fields, i)
	}
	b.WriteString(strings.Join(fields, ""))
}

func attendees(i int, s shape) string {
	var b strings.Builder
	b.WriteString("<attendees>\n")
	for j := range s.attendees {
		fields := []string{
			element("userID", fmt.Sprintf("user-%06d", i*10+j)), element("fullName", fmt.Sprintf("Jürgen Example %d", j)),
			element("role", "VIEWER"), element("isPresenter", fmt.Sprint(j == 0)), element("isListeningOnly", "false"),
			element("hasJoinedVoice", "true"), element("hasVideo", "false"), element("clientType", "HTML5"), element("customdata", ""),
		}
		if s.shuffled {
			fields = append(fields, element("mood", "fine"))
			mix(fields, i*10+j)
		}
		b.WriteString("<attendee>\n" + strings.Join(fields, "") + "</attendee>\n")
	}
	b.WriteString("</attendees>\n")
	return b.String()
}

func metadata(i int, s shape) string {
	fields := []string{
		element("bbb-origin", "Moodle"), element("bbb-origin-version", "4.1.2 (Build: 20230313)"),
		element("bbb-context", fmt.Sprintf("Mathematics for beginners %d", i%100)),
		element("endcallbackurl", fmt.Sprintf("https://lms.example.org/callback?meeting=%d&amp;secret=2", i)),
		element("bbb-recording-ready-url", "https://lms.example.org/recording/ready"),
	}
	if s.tenant != "" {
		fields = append(fields, element("tenant", s.tenant))
	}
	return "<metadata>\n" + strings.Join(fields, "") + "</metadata>\n"
}

// recordingsBody is an answer to getRecordings.
func recordingsBody(n int) []byte {
	var b strings.Builder
	b.WriteString("<response>\n<returncode>SUCCESS</returncode>\n<recordings>\n")
	for i := range n {
		id := fmt.Sprintf("%040x-1531155809613", i)
		b.WriteString("<recording>\n" + element("recordID", id) + element("meetingID", meetingID(i, full)) + element("internalMeetingID", id) +
			element("name", fmt.Sprintf("Algebra &amp; Analysis %d", i)) + element("isBreakout", "false") + element("published", "true") +
			element("state", "published") + element("startTime", "1531155809613") + element("endTime", "1531159409613") +
			element("participants", "10") + element("rawSize", "41582302") + metadata(i, full) + element("size", "8823712") + "<playback>\n")
		for _, kind := range []string{"presentation", "video"} {
			b.WriteString("<format>\n" + element("type", kind) + element("url", "https://bbb.example.org/playback/"+kind+"/2.3/"+id) +
				element("processingTime", "7177") + element("length", "60") + element("size", "4411856") + "<preview>\n<images>\n")
			for p := range 3 {
				fmt.Fprintf(&b, "<image alt=\"Page %d of the slides\" height=\"136\" width=\"176\">https://bbb.example.org/presentation/%s/thumbnails/thumb-%d.png</image>\n", p, id, p)
			}
			b.WriteString("</images>\n</preview>\n</format>\n")
		}
		b.WriteString("</playback>\n</recording>\n")
	}
	b.WriteString("</recordings>\n</response>\n")
	return []byte(b.String())
}

func element(name, text string) string { return "<" + name + ">" + text + "</" + name + ">\n" }

// mix puts fields into an order that looks random and is always the same.
func mix(fields []string, seed int) {
	r := rand.New(rand.NewPCG(uint64(seed), 7)) //nolint:gosec // no secret
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
}
