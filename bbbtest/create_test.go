package bbbtest_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		before := time.Now().Truncate(time.Millisecond)
		a := c.call("create", "meetingID=abc&name=My+%3Croom%3E&attendeePW=ap&moderatorPW=mp&record=TRUE&duration=30"+
			"&maxParticipants=5&voiceBridge=77777&meta_Course-ID=A%26B&meta_1x=no&meta_a_b=no&META_x=no&welcome=hi")
		assert.Equal(t, http.StatusOK, a.status)
		assert.Equal(t, "text/xml", a.header.Get("Content-Type"))
		assert.Equal(t, "no-cache", a.header.Get("Cache-Control"))
		assert.Equal(t, []string{
			"returncode", "meetingID", "internalMeetingID", "parentMeetingID", "attendeePW", "moderatorPW", "createTime",
			"voiceBridge", "dialNumber", "createDate", "hasUserJoined", "duration", "hasBeenForciblyEnded", "messageKey", "message",
		}, a.names())
		m, ok := c.Meeting("abc")
		require.True(t, ok)
		assert.Equal(t, "a9993e364706816aba3e25717850c26c9cd0d89d-"+a.get("createTime"), a.get("internalMeetingID"))
		assert.Equal(t, a.get("internalMeetingID"), m.InternalID)
		assert.Equal(t, "bbb-none", a.get("parentMeetingID"))
		assert.Equal(t, "ap mp 77777 30 false", strings.Join([]string{a.get("attendeePW"), a.get("moderatorPW"), a.get("voiceBridge"), a.get("duration"), a.get("hasUserJoined")}, " "))
		assert.Empty(t, a.key())
		assert.Empty(t, a.get("message"))
		date, err := time.Parse("Mon Jan 02 15:04:05 MST 2006", a.get("createDate"))
		require.NoError(t, err)
		assert.Equal(t, m.CreateTime()/1000, date.Unix())

		assert.WithinRange(t, m.Created, before, time.Now())
		assert.Equal(t, "My <room>", m.Name)
		assert.Equal(t, map[string]string{"course-id": "A&B"}, m.Metadata)
		assert.Equal(t, "hi", m.Params.Get("welcome"))
		assert.False(t, m.Params.Has("checksum"))
		assert.True(t, m.Record)
		assert.Equal(t, 30*time.Minute, m.Duration)
		assert.Equal(t, 5, m.MaxParticipants)
		m.Metadata["course-id"] = "changed"
		again, _ := c.Meeting(m.InternalID)
		assert.Equal(t, "A&B", again.Metadata["course-id"], "a snapshot is a copy")
	})
}

func TestCreateInventsWhatIsMissing(t *testing.T) {
	t.Parallel()
	a := inProcess(t).call("create", "meetingID=abc&name=abc&duration=soon&maxParticipants=-")
	assert.Regexp(t, `^[a-z0-9]{8}$`, a.get("attendeePW"))
	assert.Regexp(t, `^[a-z0-9]{8}$`, a.get("moderatorPW"))
	assert.NotEqual(t, a.get("attendeePW"), a.get("moderatorPW"))
	assert.Regexp(t, `^[1-9][0-9]{4}$`, a.get("voiceBridge"))
	assert.Equal(t, "0", a.get("duration"), "what is no number is the default")
	assert.NotEmpty(t, a.get("dialNumber"))
}

func TestCreateAgain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ version, first, second, key string }{
		{"3.0", "&attendeePW=ap&moderatorPW=mp", "&attendeePW=ap&moderatorPW=mp", "duplicateWarning"},
		{"3.0", "&attendeePW=ap&moderatorPW=mp", "&attendeePW=ap&moderatorPW=xx", "idNotUnique"},
		{"3.0", "&attendeePW=ap&moderatorPW=mp", "&attendeePW=xx&moderatorPW=mp", "idNotUnique"},
		{"3.0", "", "", "duplicateWarning"},
		{"2.4", "&attendeePW=ap&moderatorPW=mp", "&attendeePW=ap&moderatorPW=mp", "duplicateWarning"},
		{"2.4", "", "", "idNotUnique"},
		{"2.4", "&attendeePW=ap&moderatorPW=mp", "&attendeePW=ap", "idNotUnique"},
	} {
		t.Run(test.version+test.second, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			first := c.call("create", "meetingID=abc&name=first&voiceBridge=12345"+test.first)
			again := c.call("create", "meetingID=abc&name=second&voiceBridge=12345"+test.second)
			assert.Equal(t, test.key, again.key())
			if test.key == "duplicateWarning" {
				assert.Equal(t, first.get("internalMeetingID"), again.get("internalMeetingID"))
				assert.Equal(t, "SUCCESS", again.get("returncode"))
			} else {
				assert.Contains(t, again.get("message"), "ID.  Please", "two spaces")
				assert.Equal(t, "FAILED", again.get("returncode"))
			}
			m, _ := c.Meeting("abc")
			assert.Equal(t, "first", m.Name, "nothing is updated")
			assert.Len(t, c.Meetings(), 1)
		})
	}
}

func TestCreateIsRefused(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 257)
	for _, test := range []struct{ version, query, key string }{
		{"3.0", "name=abc", "missingParamMeetingID"},
		{"3.0", "meetingID=&name=abc", "missingParamMeetingID"},
		{"3.0", "meetingID=abc", "validationError"},
		{"3.0", "meetingID=a%2Cb&name=abc", "validationError"},
		{"3.0", "meetingID=ab%0A&name=abc", "validationError"},
		{"3.0", "meetingID=+ab&name=abc", "validationError"},
		{"3.0", "meetingID=a&name=abc", "sizeError"},
		{"2.4", "meetingID=a&name=abc", "validationError"},
		{"3.0", "meetingID=" + long + "&name=abc", "sizeError"},
		{"3.0", "meetingID=" + long[2:] + "&name=abc", ""},
		{"3.0", "meetingID=abc&name=a", "sizeError"},
		{"3.0", "meetingID=abc&name=" + long, "sizeError"},
		{"3.0", "meetingID=abc&name=abc&attendeePW=a", "invalidPassword"},
		{"2.4", "meetingID=abc&name=abc&moderatorPW=" + long, "validationError"},
		{"3.0", "meetingID=abc&name=abc&voiceBridge=12a", "validationError"},
		{"4.0", "meetingID=abc&name=abc&sharedNotesEditor=vi", "invalidSharedNotesEditor"},
		{"4.0", "meetingID=abc&name=abc&sharedNotesEditor=BLOCKNOTE", ""},
		{"3.0", "meetingID=abc&name=abc&isBreakout=true", "parentMeetingIDMissing"},
		{"3.0", "meetingID=abc&name=abc&isBreakout=true&parentMeetingID=no", "parentMeetingDoesNotExist"},
	} {
		t.Run(test.version+" "+test.key, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			a := c.call("create", test.query)
			assert.Equal(t, http.StatusOK, a.status)
			assert.Equal(t, test.key, a.key(), a.body)
			assert.Equal(t, test.key == "", a.get("returncode") == "SUCCESS")
			assert.Equal(t, test.key == "", len(c.Meetings()) == 1)
		})
	}
}

func TestVoiceBridgeIsUnique(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=one&name=one&voiceBridge=12345")
	a := c.call("create", "meetingID=two&name=two&voiceBridge=12345")
	assert.Equal(t, "FAILED", a.get("returncode"))
	assert.Equal(t, "<none>", a.key(), "this failure has the other shape")
	assert.Equal(t, "nonUniqueVoiceBridge", a.get("errors/error/key"))
	assert.NotEmpty(t, a.get("errors/error/message"))
	c.EndMeeting("one")
	assert.Equal(t, "SUCCESS", c.call("create", "meetingID=two&name=two&voiceBridge=12345").get("returncode"))
}

func TestCreateAfterTheEndIsAnotherMeeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // the clock stands still: both creates in one millisecond
		c := inProcess(t)
		first := c.call("create", "meetingID=abc&name=abc&moderatorPW=one")
		c.call("end", "meetingID=abc")
		second := c.call("create", "meetingID=abc&name=abc&moderatorPW=two")
		assert.Empty(t, second.key())
		assert.NotEqual(t, first.get("internalMeetingID"), second.get("internalMeetingID"))
		require.Len(t, c.Meetings(), 2)
		assert.False(t, c.Meetings()[0].Ended.IsZero())
		m, _ := c.Meeting("abc")
		assert.Equal(t, second.get("internalMeetingID"), m.InternalID)
		m, _ = c.Meeting(first.get("internalMeetingID"))
		assert.False(t, m.Ended.IsZero())
	})
}

func TestBreakout(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	parent := c.call("create", "meetingID=abc&name=abc")
	inner := strings.Repeat("0", 40) + "-1700000000000"
	a := c.call("create", "meetingID="+inner+"&name=room&isBreakout=true&sequence=2&freeJoin=true&parentMeetingID="+parent.get("internalMeetingID"))
	assert.Equal(t, inner, a.get("internalMeetingID"))
	assert.Equal(t, parent.get("internalMeetingID"), a.get("parentMeetingID"))
	assert.Regexp(t, `^[0-9a-f]{40}-`+a.get("createTime")+`$`, a.get("meetingID"))
	again := c.call("create", "meetingID="+inner+"&name=room&isBreakout=true&sequence=2&parentMeetingID=abc")
	assert.Equal(t, "duplicateWarning", again.key())

	room, err := c.AddBreakout("abc", 3)
	require.NoError(t, err)
	assert.Equal(t, 3, room.Sequence)
	_, err = c.AddBreakout("nowhere", 1)
	require.Error(t, err)

	info := c.call("getMeetingInfo", "meetingID="+inner)
	assert.Equal(t, "true", info.get("isBreakout"))
	assert.Equal(t, parent.get("internalMeetingID"), info.get("parentMeetingID"))
	assert.Equal(t, "2", info.get("sequence"))
	assert.Equal(t, "true", info.get("freeJoin"))
	info = c.call("getMeetingInfo", "meetingID=abc")
	rooms := info.all("breakoutRooms/breakout")
	require.Len(t, rooms, 2)
	assert.Equal(t, inner, rooms[0].Text)
	assert.Equal(t, room.InternalID, rooms[1].Text)

	c.EndMeeting(room.InternalID)
	assert.Len(t, c.call("getMeetingInfo", "meetingID=abc").all("breakoutRooms/breakout"), 1)
	c.EndMeeting("abc")
	m, ok := c.Meeting(inner)
	require.True(t, ok)
	assert.False(t, m.Ended.IsZero(), "the rooms end with their parent")
}

func TestModules(t *testing.T) {
	t.Parallel()
	post := func(c *client, id, body string) answer {
		return c.raw(http.MethodPost, "create?"+sign("create", "meetingID="+id+"&name=abc", secret), "application/xml", body)
	}
	c := inProcess(t)
	a := post(c, "abc", `<?xml version="1.0"?><modules>
		<module name="presentation">
			<document url="https://example.org/a.pdf" filename="b.pdf"/>
			<document name="c.txt" current="true" downloadable="true" removable="false"> aGFsbG8= </document>
			<document name="d.txt" current="true">eA==</document>
		</module>
		<module name="clientSettingsOverride"><![CDATA[ {"public":{}} ]]></module></modules>`)
	require.Equal(t, "SUCCESS", a.get("returncode"))
	m, _ := c.Meeting("abc")
	assert.Equal(t, []bbbtest.Document{
		{URL: "https://example.org/a.pdf", Name: "b.pdf", Removable: true},
		{Name: "c.txt", Content: "aGFsbG8=", Size: 5, SHA256: sum("sha256", "hallo"), Current: true, Downloadable: true},
		{Name: "d.txt", Content: "eA==", Size: 1, SHA256: sum("sha256", "x"), Removable: true},
	}, m.Documents)
	assert.Equal(t, map[string]string{"clientSettingsOverride": `{"public":{}}`}, m.Modules)

	assert.Equal(t, "fileNameError", post(c, "def", `<modules><module name="presentation"><document name="c">eA==</document></module></modules>`).key())
	_, ok := c.Meeting("def")
	assert.False(t, ok)
	assert.Equal(t, "SUCCESS", post(c, "ghi", `<modules`).get("returncode"))
	m, _ = c.Meeting("ghi")
	assert.Empty(t, m.Documents)
	post(c, "jkl", `<modules><module name="presentation"><document name="a.b">eA==</document></module></modules>`)
	m, _ = c.Meeting("jkl")
	assert.True(t, m.Documents[0].Current, "none is marked, so the first one is it")
}
