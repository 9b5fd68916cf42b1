package simulate

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// RoundTrip answers the calls that a group makes to place meetings, as the server
// of that host would. It believes every checksum: what is signed is not the matter
// here.
func (f *fleet) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body != nil {
		r.Body.Close()
	}
	host, _, _ := strings.Cut(r.URL.Hostname(), ".")
	server, err := strconv.Atoi(strings.TrimPrefix(host, "bbb"))
	if err != nil || server < 0 || server >= len(f.weights) {
		return nil, fmt.Errorf("simulate: there is no server %s", r.URL.Host)
	}
	var b bytes.Buffer
	id := r.URL.Query().Get("meetingID")
	switch call := path.Base(r.URL.Path); call {
	case "create":
		f.answerCreate(&b, server, id, r.URL.Query().Get("attendeePW"), r.URL.Query().Get("moderatorPW"))
	case "getMeetings":
		f.answerMeetings(&b, server)
	case "getMeetingInfo":
		f.answerInfo(&b, server, id)
	default:
		failed(&b, "unsupportedRequest", "The simulation does not know the call "+call+".")
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        http.Header{"Content-Type": {"text/xml;charset=utf-8"}},
		ContentLength: int64(b.Len()), Body: io.NopCloser(&b), Request: r,
	}, nil
}

func (f *fleet) answerCreate(b *bytes.Buffer, server int, id, attendeePW, moderatorPW string) {
	i, ok := meetingOf(id, len(f.meetings))
	switch {
	case !ok:
		failed(b, "validationError", "The workload has no such meeting.")
		return
	case !f.place(i, server) && f.serverOf(i) != server:
		// A real server would create it a second time.
		failed(b, "internalError", "The meeting is on another server.")
		return
	}
	created := millis(f.meetings[i].created)
	fmt.Fprintf(b, "<response><returncode>SUCCESS</returncode><meetingID>%s</meetingID>"+
		"<internalMeetingID>%s</internalMeetingID><parentMeetingID>bbb-none</parentMeetingID>"+
		"<attendeePW>%s</attendeePW><moderatorPW>%s</moderatorPW><createTime>%d</createTime>"+
		"<hasUserJoined>false</hasUserJoined><duration>0</duration><hasBeenForciblyEnded>false</hasBeenForciblyEnded>"+
		"<messageKey></messageKey><message></message></response>",
		id, internalID(i, created), escape(attendeePW), escape(moderatorPW), created)
}

func (f *fleet) answerMeetings(b *bytes.Buffer, server int) {
	meetings, attendees := f.list(server)
	b.Grow(256 + 512*len(meetings))
	b.WriteString("<response><returncode>SUCCESS</returncode><meetings>")
	for j, i := range meetings {
		b.WriteString("<meeting>")
		f.writeMeeting(b, i, attendees[j])
		b.WriteString("</meeting>")
	}
	b.WriteString("</meetings>")
	if len(meetings) == 0 {
		b.WriteString("<messageKey>noMeetings</messageKey><message>no meetings were found on this server</message>")
	}
	b.WriteString("</response>")
}

func (f *fleet) answerInfo(b *bytes.Buffer, server int, id string) {
	meetings, attendees := f.list(server)
	for j, i := range meetings {
		if meetingID(i) == id {
			b.WriteString("<response><returncode>SUCCESS</returncode>")
			f.writeMeeting(b, i, attendees[j])
			b.WriteString("</response>")
			return
		}
	}
	failed(b, "notFound", "We could not find a meeting with that meeting ID")
}

// head is what every answer says of a meeting.
func head(i int, m *meeting) string {
	created := millis(m.created)
	return fmt.Sprintf("<meetingName>Lesson</meetingName><meetingID>%s</meetingID><internalMeetingID>%s</internalMeetingID>"+
		"<createTime>%d</createTime>", meetingID(i), internalID(i, created), created)
}

// writeMeeting writes what a group may place by. Of the other elements, such as
// the names of the attendees, there is none: to write and read them would take most
// of the time.
func (f *fleet) writeMeeting(b *bytes.Buffer, i, attendees int) {
	started := int64(0)
	if attendees > 0 {
		started = millis(f.meetings[i].arrivals[0])
	}
	some := strconv.FormatBool(attendees > 0)
	b.WriteString(f.heads[i])
	for _, text := range [...]string{
		"<running>", some, "</running><hasUserJoined>", some, "</hasUserJoined><startTime>", strconv.FormatInt(started, 10),
		"</startTime><participantCount>", strconv.Itoa(attendees), "</participantCount><moderatorCount>",
		strconv.Itoa(min(attendees, 1)), "</moderatorCount><isBreakout>false</isBreakout>",
	} {
		b.WriteString(text)
	}
}

func failed(b *bytes.Buffer, key, message string) {
	fmt.Fprintf(b, "<response><returncode>FAILED</returncode><messageKey>%s</messageKey><message>%s</message></response>",
		key, escape(message))
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder never fails
	return b.String()
}

// millis writes a time as servers do.
func millis(at span) int64 { return epoch.Add(at).UnixMilli() }

// meetingID names a meeting of the workload, and meetingOf reads the name.
func meetingID(i int) string { return "lesson-" + strconv.Itoa(i) }

func meetingOf(id string, n int) (int, bool) {
	number, ok := strings.CutPrefix(id, "lesson-")
	i, err := strconv.Atoi(number)
	return i, ok && err == nil && i >= 0 && i < n
}

func internalID(i int, created int64) string { return fmt.Sprintf("%040x-%d", i, created) }
