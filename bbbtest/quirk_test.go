package bbbtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// peculiar is a server with quirks, one meeting with a breakout room, and a very full house.
func peculiar(t *testing.T, q bbbtest.Quirks, opts ...bbbtest.Option) *client {
	t.Helper()
	c := inProcess(t, append(opts, bbbtest.WithQuirks(q))...)
	c.call("create", "meetingID=abc&name=a%5D%5D%3Eb&maxParticipants=1234567")
	_, err := c.AddBreakout("abc", 1000)
	require.NoError(t, err)
	for i := range 1000 {
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{UserID: fmt.Sprint(i)}))
	}
	return c
}

func TestQuirks(t *testing.T) {
	t.Parallel()
	read := func(t *testing.T, q bbbtest.Quirks, opts ...bbbtest.Option) (list, info, room answer) {
		t.Helper()
		c := peculiar(t, q, opts...)
		m, _ := c.Meeting("abc")
		return c.call("getMeetings", ""), c.call("getMeetingInfo", "meetingID=abc"), c.call("getMeetingInfo", "meetingID="+m.Breakouts[0])
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		list, info, room := read(t, bbbtest.Quirks{})
		assert.Equal(t, "1000 1234567", list.get("meetings/meeting/participantCount")+" "+list.get("meetings/meeting/maxUsers"))
		assert.Equal(t, "1000", room.get("sequence"))
		assert.Equal(t, "a]]>b", info.get("meetingName"))
		assert.True(t, strings.HasPrefix(info.body, "<response>"))
	})
	t.Run("CommaNumbers", func(t *testing.T) {
		t.Parallel()
		list, info, room := read(t, bbbtest.Quirks{CommaNumbers: true})
		assert.Equal(t, "1,000 1,234,567 0", list.get("meetings/meeting/participantCount")+" "+list.get("meetings/meeting/maxUsers")+" "+list.get("meetings/meeting/videoCount"))
		assert.Equal(t, "1000", info.get("participantCount"))
		assert.Equal(t, "1,000", room.get("sequence"))
		_, info, _ = read(t, bbbtest.Quirks{CommaNumbers: true}, bbbtest.WithVersion("2.4"))
		assert.Equal(t, "1,000", info.get("participantCount"))
	})
	t.Run("NestedBreakout", func(t *testing.T) {
		t.Parallel()
		_, info, room := read(t, bbbtest.Quirks{NestedBreakout: true})
		assert.Equal(t, "<none>", room.get("sequence"))
		assert.Equal(t, "1000", room.get("breakout/sequence"))
		assert.Equal(t, info.get("internalMeetingID"), room.get("breakout/parentMeetingID"))
	})
	t.Run("words", func(t *testing.T) {
		t.Parallel()
		_, info, _ := read(t, bbbtest.Quirks{LowercaseReturncode: true, PaddedText: true, CDATA: true, XMLDeclaration: true, ExtraElements: true, NullNumbers: true})
		assert.Equal(t, "success", info.get("returncode"))
		assert.Contains(t, info.body, "\n\t  <![CDATA[a]]]]><![CDATA[>b]]>")
		assert.Equal(t, "a]]>b", info.get("meetingName"))
		assert.True(t, strings.HasPrefix(info.body, "<?xml"))
		assert.Equal(t, "99.9", info.get("unheardOf/sinceRelease"))
		assert.Equal(t, "null", info.get("endTime"))
	})
	t.Run("empty", func(t *testing.T) {
		t.Parallel()
		c := inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{NoEmptyLists: true, EmptyNumbers: true, MessageFirst: true, HideVersion: true, ContentType: "application/xml; charset=utf-8"}))
		a := c.call("getMeetings", "")
		assert.Equal(t, []string{"returncode", "messageKey", "message", "meetings"}, a.names())
		assert.Equal(t, "application/xml; charset=utf-8", a.header.Get("Content-Type"))
		c.call("create", "meetingID=abc&name=abc")
		a = c.call("getMeetingInfo", "meetingID=abc")
		assert.NotContains(t, a.names(), "attendees")
		assert.NotContains(t, a.names(), "metadata")
		assert.Empty(t, a.get("startTime"))
		assert.Empty(t, c.raw(http.MethodGet, "", "", "").get("bbbVersion"))
	})
	t.Run("RawNames", func(t *testing.T) {
		t.Parallel()
		c := inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{RawNames: true}))
		c.call("create", "meetingID=abc&name=abc")
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{CustomData: map[string]string{"1st": "x"}}))
		resp, err := c.send(http.MethodGet, "getMeetings?"+sign("getMeetings", "", secret), "", "")
		require.NoError(t, err)
		body := make([]byte, resp.ContentLength)
		_, err = resp.Body.Read(body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Contains(t, string(body), "<1st>x</1st>", "malformed, as asked for")
	})
}

// Texts that would break the XML come back with what XML cannot say replaced.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=%F0%9F%8E%93%FF%EF%BF%BE%22%27&meta_k=a%00b%0D%0Ac%3C%26%E2%80%A8x")
	a := c.call("getMeetingInfo", "meetingID=abc")
	assert.Equal(t, "🎓\uFFFD\uFFFD\"'", a.get("meetingName"))
	assert.Equal(t, "a\uFFFDb\r\nc<&\u2028x", a.get("metadata/k"))
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	var seen []string
	c := inProcess(t, bbbtest.WithRequestFunc(func(r bbbtest.Request) { seen = append(seen, r.String()) }))
	c.call("create", "meetingID=abc&name=My+room&moderatorPW=hidden1")
	c.raw(http.MethodPost, "join?"+sign("join", "", secret), "application/x-www-form-urlencoded", "password=hidden2")
	c.raw(http.MethodPost, "end?checksum="+sum("sha256", "end"+secret), "application/x-www-form-urlencoded", "meetingID=abc&password=hidden3")
	log := c.Requests()
	require.Len(t, log, 3)
	assert.Equal(t, `GET /bigbluebutton/api/create meetingID="abc" name="My room" -> 200`, log[0].String())
	assert.Equal(t, `POST /bigbluebutton/api/end meetingID="abc" -> 200`, log[2].String())
	assert.Equal(t, "hidden3", log[2].Params().Get("password"))
	assert.Equal(t, "meetingID=abc&password=hidden3", string(log[2].Body))
	assert.Equal(t, "create", log[0].Call)
	assert.Equal(t, 405, log[1].Status)
	assert.Contains(t, log[0].RawQuery, "checksum=")
	assert.Len(t, seen, 3)
	assert.NotContains(t, strings.Join(seen, "\n"), "hidden")
	assert.NotContains(t, strings.Join(seen, "\n"), "checksum")
	assert.Equal(t, 1, c.Count("create"))
	c.ResetRequests()
	assert.Empty(t, c.Requests())
	assert.Equal(t, 0, c.Count("create"))

	for range 10_005 {
		c.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/bigbluebutton/api", nil))
	}
	c.raw(http.MethodGet, "last", "", "")
	log = c.Requests()
	require.Len(t, log, 10_000)
	assert.Equal(t, "last", log[9_999].Call)
	assert.Equal(t, "index", log[0].Call)
	assert.Equal(t, 10_005, c.Count("index"))
}

// Thousands of meetings come and go in a long test; only the last ended ones are kept.
func TestEndedMeetingsAreForgotten(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	var first, last string
	c.call("create", "meetingID=parent&name=abc")
	for i := range 1005 {
		room, err := c.AddBreakout("parent", i)
		require.NoError(t, err)
		c.EndMeeting(room.InternalID)
		if i == 0 {
			first = room.InternalID
		}
		last = room.InternalID
	}
	assert.Len(t, c.Meetings(), 1001)
	_, ok := c.Meeting(first)
	assert.False(t, ok)
	_, ok = c.Meeting(last)
	assert.True(t, ok)
}
