package bbbtest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// ids returns the ids of the recordings of an answer.
func (a answer) ids() []string {
	var ids []string
	for _, r := range a.all("recordings/recording") {
		ids = append(ids, r.get("recordID"))
	}
	return ids
}

func TestMeetingBecomesRecording(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, bbbtest.WithRecordingDelay(time.Hour), bbbtest.WithRecordingFormats("presentation", "podcast", "odd"))
		c.call("create", "meetingID=abc&name=A+Name&record=true&meta_Course=X&breakoutRoomsRecord=true")
		c.call("create", "meetingID=empty&name=nobody+comes&record=true")
		c.call("create", "meetingID=plain&name=not+recorded")
		room, err := c.AddBreakout("abc", 2)
		require.NoError(t, err)
		for _, who := range []string{"a", "b", "a"} {
			c.call("join", "meetingID=abc&fullName=x&role=VIEWER&userID="+who)
		}
		c.call("join", "meetingID=plain&fullName=x&role=VIEWER")
		require.NoError(t, c.Attend(room.InternalID, bbbtest.Attendee{}))
		m, _ := c.Meeting("abc")
		wait(9*time.Minute + 30*time.Second)
		for _, id := range []string{"abc", "empty", "plain"} {
			c.call("end", "meetingID="+id)
		}

		assert.Equal(t, "noRecordings", c.call("getRecordings", "").key(), "it is being processed")
		a := c.call("getRecordings", "state=processing")
		assert.ElementsMatch(t, []string{m.InternalID, room.InternalID}, a.ids())
		assert.Empty(t, a.all("recordings/recording/playback/format"))
		wait(time.Hour)

		a = c.call("getRecordings", "meetingID=abc")
		require.Equal(t, []string{m.InternalID}, a.ids())
		r := a.all("recordings/recording")[0]
		assert.Equal(t, []string{
			"recordID", "meetingID", "internalMeetingID", "name", "isBreakout", "published", "state", "startTime", "endTime",
			"participants", "rawSize", "metadata", "breakoutRooms", "size", "playback",
		}, r.names())
		for name, text := range map[string]string{
			"meetingID": "abc", "internalMeetingID": m.InternalID, "name": "A Name", "isBreakout": "false", "published": "true",
			"state": "published", "startTime": fmt.Sprint(m.CreateTime()), "endTime": fmt.Sprint(m.CreateTime() + 570_000),
			"participants": "2", "metadata/course": "X", "metadata/meetingId": "abc", "metadata/meetingName": "A Name",
			"metadata/isBreakout": "false", "breakoutRooms/breakoutRoom": room.InternalID, "size": "3003000",
		} {
			assert.Equal(t, text, r.get(name), name)
		}
		formats := r.all("playback/format")
		require.Len(t, formats, 3)
		assert.Equal(t, []string{"type", "url", "processingTime", "length", "size", "preview"}, formats[0].names())
		assert.Equal(t, "presentation 9", formats[0].get("type")+" "+formats[0].get("length"))
		assert.Len(t, formats[0].all("preview/images/image"), 3)
		assert.Contains(t, a.body, `<image alt="Slide 1" width="176" height="136">http`)
		assert.Contains(t, formats[1].get("url"), "/podcast/"+m.InternalID)
		assert.Contains(t, formats[2].get("url"), "/odd/")

		r = c.call("getRecordings", "recordID="+room.InternalID).all("recordings/recording")[0]
		assert.Equal(t, "true", r.get("isBreakout"))
		assert.Equal(t, m.InternalID+" 2 false", r.get("breakout/parentId")+" "+r.get("breakout/sequence")+" "+r.get("breakout/freeJoin"))
		assert.Len(t, c.Recordings(), 2)
	})
}

func TestRecordingIsThereAtOnce(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithVersion("2.4"))
	c.call("create", "meetingID=abc&name=abc&record=true")
	require.NoError(t, c.Attend("abc", bbbtest.Attendee{}))
	c.EndMeeting("abc")
	r := c.call("getRecordings", "").all("recordings/recording")
	require.Len(t, r, 1)
	assert.Equal(t, "<none> <none>", r[0].get("size")+" "+r[0].get("rawSize"), "2.4 has no sizes")
	c.Restart()
	assert.Len(t, c.Recordings(), 1, "a restart forgets meetings, not what is on the disk")
}

func TestGetRecordingsFilters(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	at := time.UnixMilli(1_700_000_000_000)
	add := func(id, state string, meta map[string]string) string {
		at = at.Add(time.Minute)
		return c.AddRecording(bbbtest.Recording{MeetingID: id, State: state, Start: at, Metadata: meta}).RecordID
	}
	a1 := add("a", "", map[string]string{"course": "Maths 1", "meetingName": "A"})
	a2 := add("a", "unpublished", map[string]string{"course": "Maths 2", "year": "2026"})
	b := add("b", "deleted", nil)
	p := add("p", "processing", nil)
	for query, want := range map[string][]string{
		"":                         {a1, a2},
		"state=any":                {a1, a2, b, p},
		"state=deleted,processing": {b, p},
		"state=published":          {a1},
		"meetingID=a,b&state=any":  {a1, a2, b},
		"meetingID=A":              nil,
		"recordID=" + a1 + "," + b: {a1},
		"recordID=" + a1[:20]:      {a1, a2},
		"recordID=" + a2 + "&meetingID=b&state=any": {a2},
		"meta_course=Maths+1":                       {a1},
		"meta_course=maths+1":                       nil,
		"meta_Course=Maths%25":                      {a1, a2},
		"meta_course=%252":                          {a2},
		"meta_course=%25aths%25&meta_year=2026":     {a2},
		"meta_course=%25&meta_none=%25":             nil,
		"meta_meetingname=A":                        {a1},
	} {
		got := c.call("getRecordings", query)
		assert.Equal(t, want, got.ids(), query)
		assert.Equal(t, "<none>", got.get("totalElements"), query)
		if want == nil {
			assert.Equal(t, []string{"returncode", "recordings", "messageKey", "message"}, got.names(), query)
			assert.Equal(t, "SUCCESS noRecordings", got.get("returncode")+" "+got.key(), query)
		}
	}
	wrong := c.raw(http.MethodGet, "getRecordings?checksum=0", "", "")
	assert.Equal(t, "checksumError You did not pass the checksum security check", wrong.key()+" "+wrong.get("message"))
}

func TestGetRecordingsPages(t *testing.T) {
	t.Parallel()
	fill := func(c *client) (ids []string) {
		for range 250 {
			ids = append(ids, c.AddRecording(bbbtest.Recording{}).RecordID)
		}
		return ids
	}
	c := inProcess(t)
	ids := fill(c)
	for query, want := range map[string][]string{
		"limit=2": ids[:2], "offset=1&limit=2": ids[1:3], "offset=249&limit=2": ids[249:], "offset=999&limit=5": nil, "offset=200": ids[200:],
		"offset=10": ids[10:110],
	} {
		a := c.call("getRecordings", query)
		assert.Equal(t, want, a.ids(), query)
		assert.Equal(t, "250", a.get("totalElements"), query)
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=x", "offset=-1&limit=1", "offset=1.5"} {
		assert.Equal(t, "FAILED unexpectedError", c.call("getRecordings", query).get("returncode")+" "+c.call("getRecordings", query).key(), query)
	}
	c = inProcess(t, bbbtest.WithVersion("2.6"))
	fill(c)
	a := c.call("getRecordings", "limit=2")
	assert.Equal(t, []string{"returncode", "recordings", "pagination"}, a.names())
	assert.Equal(t, "250 0 2", a.get("pagination/totalElements")+" "+a.get("pagination/pageable/offset")+" "+a.get("pagination/pageable/limit"))
	c = inProcess(t, bbbtest.WithVersion("2.5"))
	fill(c)
	assert.Len(t, c.call("getRecordings", "limit=0").ids(), 250, "nobody reads it")
}

func TestManyRecordings(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{RecordingOrder: bbbtest.NewestFirst}))
	at := time.UnixMilli(1_700_000_000_000)
	var ids []string
	for i := range 10_000 {
		ids = append(ids, c.AddRecording(bbbtest.Recording{Start: at.Add(time.Duration(i) * time.Second)}).RecordID)
	}
	assert.Equal(t, []string{ids[9999], ids[9998]}, c.call("getRecordings", "limit=2").ids())
	resp, err := c.send(http.MethodGet, "getRecordings?"+sign("getRecordings", "", secret), "", "")
	require.NoError(t, err)
	resp.Header.Set("Content-Type", "") // reading so much XML takes a while
	assert.Equal(t, 10_000, strings.Count(c.read(resp).body, "<recordID>"))
}

func TestRecordingOrderMeansNothing(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{RecordingOrder: bbbtest.Shuffled}))
	var ids []string
	for range 20 {
		ids = append(ids, c.AddRecording(bbbtest.Recording{}).RecordID)
	}
	got := c.call("getRecordings", "").ids()
	assert.ElementsMatch(t, ids, got)
	assert.NotEqual(t, ids, got)
	assert.Equal(t, got, c.call("getRecordings", "").ids(), "pages have to fit together")
}

func TestPublishDeleteUpdateRecordings(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	x := c.AddRecording(bbbtest.Recording{MeetingID: "x"}).RecordID
	y := c.AddRecording(bbbtest.Recording{MeetingID: "y", State: "processing"}).RecordID
	state := func(id string) string {
		return c.call("getRecordings", "state=any&recordID="+id).get("recordings/recording/state")
	}
	for call, key := range map[string]string{
		"publishRecordings?":                         "missingParamRecordID",
		"publishRecordings?recordID=" + x:            "missingParamPublish",
		"publishRecordings?recordID=no&publish=true": "notFound",
		"deleteRecordings?":                          "missingParamRecordID",
		"deleteRecordings?recordID=no":               "notFound",
		"updateRecordings?":                          "missingParamRecordID",
		"updateRecordings?recordID=no&meta_k=v":      "notFound",
	} {
		name, query, _ := strings.Cut(call, "?")
		a := c.call(name, query)
		assert.Equal(t, "FAILED "+key, a.get("returncode")+" "+a.key(), call)
	}
	a := c.call("publishRecordings", "publish=No&recordID=no,"+x+","+y)
	assert.Equal(t, []string{"returncode", "published"}, a.names())
	assert.Equal(t, "No", a.get("published"), "it is an echo")
	assert.Equal(t, "unpublished processing", state(x)+" "+state(y))
	c.call("publishRecordings", "publish=TRUE&recordID="+x)
	assert.Equal(t, "published", state(x))

	a = c.call("updateRecordings", "meta_Key=v&meta_gone=1&recordID="+x)
	assert.Equal(t, []string{"returncode", "updated"}, a.names())
	c.call("updateRecordings", "meta_gone=&recordID="+x)
	assert.Equal(t, "true", c.call("updateRecordings", "recordID="+x).get("updated"))
	assert.Equal(t, map[string]string{"key": "v"}, c.Recordings()[0].Metadata)
	form := c.raw(http.MethodPost, "updateRecordings?"+sign("updateRecordings", "", secret), "application/x-www-form-urlencoded", "meta_key=w&recordID="+x)
	assert.Equal(t, "true", form.get("updated"))
	assert.Equal(t, map[string]string{"key": "w"}, c.Recordings()[0].Metadata)

	assert.Equal(t, "true", c.call("deleteRecordings", "recordID=no,"+x).get("deleted"))
	assert.Equal(t, "notFound", c.call("deleteRecordings", "recordID="+x).key())
	assert.Equal(t, "deleted", state(x))
	for _, name := range []string{"publishRecordings", "deleteRecordings"} {
		assert.Equal(t, http.StatusMethodNotAllowed, c.raw(http.MethodPost, name+"?"+sign(name, "recordID="+x, secret), "", "").status)
	}
}

func TestSetRecordingState(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	r := c.AddRecording(bbbtest.Recording{State: "processing"})
	assert.Empty(t, r.Formats)
	require.Error(t, c.SetRecordingState(r.RecordID, "lost"))
	require.Error(t, c.SetRecordingState("none", "published"))
	require.NoError(t, c.SetRecordingState(r.RecordID, "published"))
	assert.Len(t, c.Recordings()[0].Formats, 2)
	require.NoError(t, c.SetRecordingState(r.RecordID, "available"))
	assert.Equal(t, "available true", c.call("getRecordings", "").get("recordings/recording/state")+" "+
		c.call("getRecordings", "state=published").get("recordings/recording/published"))
	again := c.AddRecording(bbbtest.Recording{RecordID: r.RecordID, Name: "new"})
	assert.True(t, again.Start.IsZero())
	require.Len(t, c.Recordings(), 1)
	assert.Equal(t, "new", c.Recordings()[0].Name)
}

func TestRecordingQuirks(t *testing.T) {
	t.Parallel()
	one := bbbtest.Recording{
		RecordID: "r", MeetingID: "m", Protected: true, Metadata: map[string]string{"empty": "", "full": "x", "9": "no name"},
		Data: []bbbtest.Format{{Type: "raw", URL: "u"}}, Formats: []bbbtest.Format{{Type: "video", URL: "http://v", Previews: []bbbtest.Image{{URL: "i"}}}},
	}
	get := func(q bbbtest.Quirks, query string) (*client, answer) {
		c := inProcess(t, bbbtest.WithQuirks(q))
		c.AddRecording(one)
		return c, c.call("getRecordings", query)
	}
	_, a := get(bbbtest.Quirks{}, "")
	r := a.all("recordings/recording")[0]
	assert.Equal(t, "true 0 0 u raw", strings.Join([]string{r.get("protected"), r.get("startTime"), r.get("participants"), r.get("data/format/url"), r.get("data/format/type")}, " "))
	assert.Contains(t, a.body, "<image alt=\"\">i</image>")
	_, a = get(bbbtest.Quirks{NoFetchAll: true}, "")
	assert.Equal(t, []string{"returncode", "messageKey", "message"}, a.names())
	_, a = get(bbbtest.Quirks{NoFetchAll: true}, "limit=1")
	assert.Len(t, a.ids(), 1)
	_, a = get(bbbtest.Quirks{PaddedURLs: true, EmptyCDATA: true, AvailableState: true, EmptyNumbers: true}, "")
	assert.Contains(t, a.body, "<url>\n      http://v\n")
	assert.Contains(t, a.body, "<empty><![CDATA[]]></empty>")
	assert.Contains(t, a.body, "<startTime></startTime>")
	assert.Contains(t, a.body, "<participants></participants>")
	assert.Equal(t, "available true", a.get("recordings/recording/state")+" "+a.get("recordings/recording/published"))
	c, _ := get(bbbtest.Quirks{HonestUpdated: true, PublishedState: true}, "")
	assert.Equal(t, "false", c.call("updateRecordings", "recordID=r").get("updated"))
	assert.Equal(t, "false", c.call("updateRecordings", "recordID=r&meta_full=x").get("updated"))
	assert.Equal(t, "true", c.call("updateRecordings", "recordID=r&meta_full=y").get("updated"))
	assert.Equal(t, "false", c.call("updateRecordings", "recordID=r,none&meta_full=z").get("updated"))
	assert.Equal(t, "unpublished", c.call("publishRecordings", "recordID=r&publish=false").get("published"))

	c = inProcess(t)
	c.AddRecording(bbbtest.Recording{RecordID: "broken", Unreadable: true})
	a = c.call("getRecordings", "")
	assert.Equal(t, []string{"error"}, a.all("recordings/recording")[0].names())
	assert.Equal(t, "broken", a.get("recordings/recording/error/recordID"))
	c.AddRecording(bbbtest.Recording{RecordID: "broken", State: "processing", Metadata: map[string]string{}})
	assert.Equal(t, "processed", func() string {
		require.NoError(t, c.SetRecordingState("broken", "processed"))
		return c.Recordings()[0].State
	}())
}

func TestScaleliteFilters(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithQuirks(bbbtest.Quirks{ScaleliteFilters: true}))
	for _, id := range []string{"a", "b", "c"} {
		c.AddRecording(bbbtest.Recording{RecordID: "r" + id, MeetingID: id, Metadata: map[string]string{"k": id}})
	}
	for query, want := range map[string][]string{
		"":                        {"ra", "rb", "rc"},
		"recordID=r&meetingID=b":  {"rb"},
		"meetingID=a,b":           {"ra", "rb"},
		"meta_k=a,c":              {"ra", "rc"},
		"meta_k=a&meta_other=%25": {"ra"},
		"meta_k=d":                nil,
	} {
		assert.Equal(t, want, c.call("getRecordings", query).ids(), query)
	}
}
