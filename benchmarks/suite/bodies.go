package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// shape is what a generated answer is like.
type shape struct {
	attendees int
	shuffled  bool   // the fields come in any order, with elements among them that nobody knows
	tenant    string // adds the metadata that marks a tenant's meetings
	prefix    string // of the meeting IDs
	turned    int    // each so-many-th meeting says something else than without: somebody fell silent
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

// createBody is an answer to create of a meeting that exists, of which getMeetingInfo says info. It must
// be the same meeting in both: a client that finds another internal ID has reason to ask once more.
func createBody(info []byte) []byte {
	var b strings.Builder
	b.WriteString("<response>\n<returncode>SUCCESS</returncode>\n")
	for _, name := range []string{
		"meetingID", "internalMeetingID", "attendeePW", "moderatorPW", "createTime", "voiceBridge", "dialNumber", "createDate", "hasUserJoined", "duration", "hasBeenForciblyEnded",
	} {
		_, after, _ := strings.Cut(string(info), "<"+name+">")
		text, _, _ := strings.Cut(after, "<")
		b.WriteString(element(name, text))
	}
	b.WriteString(element("parentMeetingID", "bbb-none") + element("messageKey", "duplicateWarning") +
		element("message", "This conference was already in existence and may currently be in progress.") + "</response>\n")
	return []byte(b.String())
}

func meetingID(i int, s shape) string { return fmt.Sprintf("%scourse-%08d", s.prefix, i) }

// changed is the shape with each so-many-th meeting changed.
func (s shape) changed(each int) shape {
	s.turned = each
	return s
}

// silent reports whether it is one of the meetings in which something changed.
func (s shape) silent(i int) bool { return s.turned > 0 && i%s.turned == 0 }

func writeMeeting(b *strings.Builder, i int, s shape) {
	v := invented(i, "meeting")
	voices := "8"
	if s.silent(i) {
		voices = "7"
	}
	fields := []string{
		element("meetingName", fmt.Sprintf("%s &amp; %s %d", v.one(subjects), v.one(subjects), i)), element("meetingID", meetingID(i, s)),
		element("internalMeetingID", v.internalID()), element("createTime", millis(v.created)),
		element("createDate", v.created.Format("Mon Jan 02 15:04:05 MST 2006")), element("voiceBridge", fmt.Sprint(10000+v.IntN(90000))),
		element("dialNumber", "613-555-1234"), element("attendeePW", v.text(12)), element("moderatorPW", v.text(12)),
		element("running", "true"), element("duration", "0"), element("hasUserJoined", "true"), element("recording", "false"),
		element("hasBeenForciblyEnded", "false"), element("startTime", millis(v.created.Add(32*time.Millisecond))), element("endTime", "0"),
		element("participantCount", fmt.Sprint(s.attendees)), element("listenerCount", "1"), element("voiceParticipantCount", voices),
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
	v := invented(i, "attendees")
	for j := range s.attendees {
		role := "VIEWER"
		if j == 0 {
			role = "MODERATOR"
		}
		fields := []string{
			element("userID", "w_"+v.text(12)), element("fullName", v.one(firstNames)+" "+v.one(lastNames)),
			element("role", role), element("isPresenter", fmt.Sprint(j == 0)), element("isListeningOnly", "false"),
			element("hasJoinedVoice", fmt.Sprint(j != 1 || !s.silent(i))), element("hasVideo", "false"), element("clientType", "HTML5"), element("customdata", ""),
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
		element("bbb-context", fmt.Sprintf("%s for beginners, group %d", invented(i, "metadata").one(subjects), i%7)),
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
		v := invented(i, "recording")
		id, begun := v.internalID(), v.created
		b.WriteString("<recording>\n" + element("recordID", id) + element("meetingID", meetingID(i, full)) + element("internalMeetingID", id) +
			element("name", fmt.Sprintf("%s &amp; %s %d", v.one(subjects), v.one(subjects), i)) + element("isBreakout", "false") + element("published", "true") +
			element("state", "published") + element("startTime", millis(begun)) + element("endTime", millis(begun.Add(time.Hour))) +
			element("participants", "10") + element("rawSize", fmt.Sprint(30_000_000+v.IntN(60_000_000))) + metadata(i, full) + element("size", "8823712") + "<playback>\n")
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

// inventor invents what differs from meeting to meeting, always the same for each: who keeps values
// that repeat, and what is compressed, must not gain more than from real servers.
type inventor struct {
	*rand.Rand
	created time.Time
}

func invented(i int, what string) inventor {
	r := rand.New(rand.NewPCG(uint64(i), uint64(what[0])<<8|uint64(what[1]))) //nolint:gosec // no secret
	return inventor{r, time.UnixMilli(1531155809613).UTC().Add(time.Duration(i)*37*time.Second + time.Duration(r.IntN(1000))*time.Millisecond)}
}

var (
	subjects   = strings.Fields("Algebra Analysis Biology Chemistry Économie English Español Ethics Geography History Informatics Latin Music Physics Politics Sports")
	firstNames = strings.Fields("Ada Anna Ben Carla Chloé David Emil Fatima Greta Hugo Ines Jürgen Kofi Lea Mehmet Nora Oskar Paula Quinn Rosa Søren Tomás Uta Viktor Wanda Yusuf Zoë")
	lastNames  = strings.Fields("Adams Becker Costa Dubois Eriksen Fischer García Hoffmann Ivanova Jansen Kaya Lehmann Müller Novak Okafor Petrov Rossi Schmidt Tanaka Ueda Vogel Weber Yilmaz Zimmermann")
)

func (v inventor) one(of []string) string { return of[v.IntN(len(of))] }

// text is n letters and digits.
func (v inventor) text(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[v.IntN(36)]
	}
	return string(b)
}

// internalID is like those that servers make: a SHA-1 and a time.
func (v inventor) internalID() string {
	return fmt.Sprintf("%016x%016x%08x-%s", v.Uint64(), v.Uint64(), v.Uint32(), millis(v.created))
}

func millis(t time.Time) string { return fmt.Sprint(t.UnixMilli()) }

// mix puts fields into an order that looks random and is always the same.
func mix(fields []string, seed int) {
	r := rand.New(rand.NewPCG(uint64(seed), 7)) //nolint:gosec // no secret
	r.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
}
