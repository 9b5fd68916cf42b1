package bbb_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listedMeeting is a meeting of the full shape as a server lists it.
func listedMeeting(i, people int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<meeting><meetingName>Algebra &amp; Analysis %d</meetingName><meetingID>course-%08d</meetingID>`+
		`<internalMeetingID>%040x-1531155809613</internalMeetingID><createTime>1531155809613</createTime>`+
		`<createDate>Mon Jul 09 17:03:29 UTC 2018</createDate><voiceBridge>%d</voiceBridge><dialNumber>613-555-1234</dialNumber>`+
		`<attendeePW>attendee-password</attendeePW><moderatorPW>moderator-password</moderatorPW><running>true</running>`+
		`<duration>0</duration><hasUserJoined>true</hasUserJoined><recording>false</recording><hasBeenForciblyEnded>false</hasBeenForciblyEnded>`+
		`<startTime>1531155809645</startTime><endTime>0</endTime><participantCount>%d</participantCount><attendees>`, i, i, i, 70000+i, people)
	for j := range people {
		fmt.Fprintf(&b, `<attendee><userID>user-%d-%d</userID><fullName>Jürgen Example %d</fullName><role>VIEWER</role><isPresenter>false</isPresenter>`+
			`<isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice><hasVideo>false</hasVideo><clientType>HTML5</clientType></attendee>`, i, j, j)
	}
	b.WriteString(`</attendees><metadata><bbb-origin>Moodle</bbb-origin><tenant>acme</tenant></metadata><isBreakout>false</isBreakout></meeting>`)
	return b.String()
}

func meetingList(meetings ...string) string {
	return "<response><returncode>SUCCESS</returncode><meetings>" + strings.Join(meetings, "\n") + "</meetings></response>"
}

// changing is a transport that answers what *body is at the time.
func changing(body *string) http.RoundTripper {
	return roundTripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml"}}, Request: r,
			ContentLength: int64(len(*body)), Body: io.NopCloser(strings.NewReader(*body)),
		}, nil
	})
}

// What a server says once more is the same data; only the time is that of the new question.
func TestUnchangedMeetingsShareTheirData(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	body := meetingList(listedMeeting(0, 2), listedMeeting(1, 2))
	g := wireGroup(t, bbb.WithClock(func() time.Time { return now }))
	s := wireServerAt(t, g, "https://bbb1.test/bigbluebutton/", wireSecret, changing(&body))
	ask := func() []*bbb.Meeting {
		t.Helper()
		now = now.Add(time.Second)
		list, err := s.Meetings(t.Context())
		require.NoError(t, err)
		return list
	}
	first := ask()
	kept := *first[0]
	body = meetingList(listedMeeting(0, 2), listedMeeting(1, 3))
	second := ask()

	assert.Equal(t, kept, *first[0], "a snapshot never changes")
	assert.Equal(t, first[0].FetchedAt.Add(time.Second), second[0].FetchedAt)
	assert.Same(t, &first[0].Attendees[0], &second[0].Attendees[0])
	assert.NotSame(t, &first[1].Attendees[0], &second[1].Attendees[0])
	assert.Len(t, first[1].Attendees, 2)
	assert.Len(t, second[1].Attendees, 3)
	then := *second[0]
	then.FetchedAt = kept.FetchedAt
	assert.Equal(t, kept, then)

	body = "<response><returncode>SUCCESS</returncode><messageKey>noMeetings</messageKey></response>"
	assert.Empty(t, ask())
	body = meetingList(listedMeeting(1, 3))
	assert.Len(t, ask()[0].Attendees, 3)
}

// A list that is refused takes nothing away, and is not compared with.
func TestRefusedListsAreNotReused(t *testing.T) {
	t.Parallel()
	body := meetingList(listedMeeting(0, 2))
	s := wireServer(t, changing(&body))
	first, err := s.Meetings(t.Context())
	require.NoError(t, err)
	good := body
	for _, bad := range []string{good[:len(good)-3], strings.Replace(good, "SUCCESS", "FAILED", 1), strings.Replace(good, "</meetings>", "\xff</meetings>", 1)} {
		body = bad
		_, err = s.Meetings(t.Context())
		require.Error(t, noted(t, err))
	}
	body = good
	again, err := s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Same(t, &first[0].Attendees[0], &again[0].Attendees[0])
}

// A refresh allocates little for what did not change: a snapshot of each meeting, and what it takes to look
// the meeting up in the index.
func TestUnchangedListAllocations(t *testing.T) {
	const n = 200
	var list []string
	for i := range n {
		list = append(list, listedMeeting(i, 10))
	}
	body := meetingList(list...)
	s := wireServer(t, changing(&body))
	allocs := testing.AllocsPerRun(10, func() {
		if _, err := s.Meetings(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if !raceDetector { // which makes pools drop what they hold
		assert.Less(t, allocs, 2.5*n)
	}
}

func BenchmarkRefresh(b *testing.B) {
	const n = 200
	list := make([]string, n)
	for i := range list {
		list[i] = listedMeeting(i, 10)
	}
	for _, c := range []struct {
		name    string
		changed int // of 20
	}{{"unchanged", 0}, {"5% changed", 1}, {"all changed", 20}} {
		bodies := [2]string{meetingList(list...)}
		for i := range list {
			if i%20 < c.changed {
				list[i] = strings.Replace(list[i], "VIEWER", "MODERATOR", 1)
			}
		}
		bodies[1] = meetingList(list...)
		var body string
		s := wireServer(b, changing(&body))
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				body = bodies[i%2]
				i++
				if _, err := s.Meetings(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*n), "us/meeting")
		})
	}
	whole := []byte(meetingList(list...))
	b.Run("limit: copying the bytes", func(b *testing.B) {
		var dst bytes.Buffer
		for b.Loop() {
			dst.Reset()
			dst.Write(whole)
		}
		b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N*n), "us/meeting")
	})
}

// What is kept of answers is what would be written: in each view, whoever asked before, however often, and
// whatever has changed.
func TestKeptXMLIsWhatWouldBeWritten(t *testing.T) {
	t.Parallel()
	meetings := func(n int, people ...int) string {
		var list []string
		for i := range n {
			m := listedMeeting(i, people[i%len(people)])
			if i%3 == 0 {
				m = strings.ReplaceAll(m, "acme", "zoo")
			}
			list = append(list, strings.ReplaceAll(m, "<meetingID>", "<meetingID>acme-"))
		}
		return meetingList(list...)
	}
	body := meetings(9, 2)
	kept := wireGroup(t)
	wireServerAt(t, kept, "https://bbb1.test/bigbluebutton/", wireSecret, changing(&body))
	acme := &bbb.Tenant{Name: "acme", Namespace: "acme"}
	views := map[string]bbb.HandleOption{
		"all": nil, "acme": bbb.HandleAs(acme), "zoo": bbb.HandleAs(&bbb.Tenant{Name: "zoo"}),
		"acme made anew": bbb.HandleAs(&bbb.Tenant{Name: "acme", Namespace: "acme"}),
	}
	answer := func(g *bbb.Group, view, call, query string, more ...bbb.HandleOption) string {
		r := handledBy(t, g, call, query, append(more, views[view])...)
		return string(r.AppendBody(nil))
	}
	check := func() {
		t.Helper()
		fresh := bbb.HandleFresh(time.Hour)
		for range 3 {
			for view := range views {
				first := wireGroup(t) // has kept nothing
				wireServerAt(t, first, "https://bbb1.test/bigbluebutton/", wireSecret, changing(&body))
				want := answer(first, view, "getMeetings", "")
				for range 3 {
					require.Equal(t, want, answer(kept, view, "getMeetings", ""), view)
					require.Equal(t, want, answer(kept, view, "getMeetings", "", fresh), view)
					id := "meetingID=acme-course-00000001"
					if strings.HasPrefix(view, "acme") {
						id = "meetingID=course-00000001"
					}
					one := answer(kept, view, "getMeetingInfo", id, fresh)
					if inside, ok := strings.CutPrefix(one, "<response><returncode>SUCCESS</returncode>"); ok {
						require.NotEqual(t, "zoo", view)
						require.Contains(t, want, "<meeting>"+strings.TrimSuffix(inside, "</response>")+"</meeting>", view)
					}
				}
			}
		}
	}
	check()
	for _, next := range []string{
		meetings(9, 2, 2, 2, 5), meetings(12, 2, 2, 2, 5), meetings(3, 2),
		meetingList(listedMeeting(5, 1), listedMeeting(1, 2), listedMeeting(1, 2)), meetingList(), meetings(9, 2),
	} {
		body = next
		check()
	}
	s := server(t, kept, "bbb1")
	_, err := s.Replace(wireSecret, bbb.WithTransport(changing(&body)))
	require.NoError(t, err)
	check()
	body = meetings(9, 4)
	check()
}

// A list that did not change is written without a byte of garbage for each meeting.
func TestListAllocations(t *testing.T) {
	const n = 200
	var list []string
	for i := range n {
		list = append(list, listedMeeting(i, 10))
	}
	body := meetingList(list...)
	g := wireGroup(t)
	wireServerAt(t, g, "https://bbb1.test/bigbluebutton/", wireSecret, changing(&body))
	var dst []byte
	write := func() {
		dst = g.HandleFromData(t.Context(), "getMeetings", nil, nil, bbb.HandleFresh(time.Hour)).AppendBody(dst[:0])
	}
	write()
	write()
	if allocs := testing.AllocsPerRun(10, write); !raceDetector {
		assert.Less(t, allocs, 0.2*n)
	}
}
