package bbbtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

var infoNames = []string{
	"meetingName", "meetingID", "internalMeetingID", "createTime", "createDate", "voiceBridge", "dialNumber",
	"attendeePW", "moderatorPW", "running", "duration", "hasUserJoined", "recording", "hasBeenForciblyEnded", "startTime",
	"endTime", "participantCount", "listenerCount", "voiceParticipantCount", "videoCount", "maxUsers", "moderatorCount",
	"attendees", "metadata", "isBreakout",
}

func TestMeetingInfo(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		assert.Equal(t, "notFound", c.call("getMeetingInfo", "meetingID=abc").key())
		assert.Equal(t, "missingParamMeetingID", c.call("getMeetingInfo", "").key())
		assert.Equal(t, "noMeetings", c.call("getMeetings", "").key())
		c.call("create", "meetingID=abc&name=abc&meta_k=v&maxParticipants=9&record=true")
		a := c.call("getMeetingInfo", "meetingID=abc")
		assert.Equal(t, append([]string{"returncode"}, infoNames...), a.names())
		assert.Empty(t, a.header.Get("Cache-Control"), "no such header on this call alone")
		assert.Equal(t, "false 0 0 true", strings.Join([]string{a.get("running"), a.get("startTime"), a.get("endTime"), a.get("recording")}, " "))

		require.NoError(t, c.Attend("abc", bbbtest.Attendee{FullName: "Ann", Role: "moderator", HasVideo: true, HasJoinedVoice: true}))
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{FullName: "Bob", UserID: "b", IsListeningOnly: true, CustomData: map[string]string{"k": "v", "1": "no name"}}))
		require.NoError(t, c.Attend("abc", bbbtest.Attendee{FullName: "Tel", ClientType: "DIAL_IN", HasJoinedVoice: true}))
		require.Error(t, c.Attend("abc", bbbtest.Attendee{Role: "king"}))
		require.Error(t, c.Attend("none", bbbtest.Attendee{}))
		require.Error(t, c.Admit("none", "x"))

		info := c.call("getMeetingInfo", "meetingID=abc")
		list := c.call("getMeetings", "")
		require.Equal(t, []string{"returncode", "meetings"}, list.names())
		require.Len(t, list.all("meetings/meeting"), 1)
		for _, n := range []node{info.node, list.all("meetings/meeting")[0]} {
			for name, text := range map[string]string{
				"running": "true", "hasUserJoined": "true", "participantCount": "3", "listenerCount": "1",
				"voiceParticipantCount": "2", "videoCount": "1", "maxUsers": "9", "moderatorCount": "1", "metadata/k": "v", "isBreakout": "false",
			} {
				assert.Equal(t, text, n.get(name), name)
			}
			people := n.all("attendees/attendee")
			require.Len(t, people, 3)
			assert.Equal(t, []string{"userID", "fullName", "role", "isPresenter", "isListeningOnly", "hasJoinedVoice", "hasVideo", "clientType", "customdata"}, people[0].names())
			assert.Equal(t, "true", people[0].get("isPresenter"))
			assert.Equal(t, "b", people[1].get("userID"))
			assert.Equal(t, []string{"k"}, people[1].all("customdata")[0].names())
			assert.Equal(t, "DIAL_IN", people[2].get("clientType"))
		}
		assert.Equal(t, infoNames, list.all("meetings/meeting")[0].names())
	})
}

func TestIsMeetingRunning(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	running := func() string {
		a := c.call("isMeetingRunning", "meetingID=abc")
		assert.Equal(t, []string{"returncode", "running"}, a.names())
		return a.get("returncode") + " " + a.get("running")
	}
	assert.Equal(t, "SUCCESS false", running(), "nobody knows it")
	c.call("create", "meetingID=abc&name=abc")
	assert.Equal(t, "SUCCESS false", running(), "nobody came yet")
	c.call("join", "meetingID=abc&fullName=x&role=VIEWER&userID=u")
	assert.Equal(t, "SUCCESS true", running())
	c.Leave("abc", "u")
	c.Leave("none", "u")
	assert.Equal(t, "SUCCESS false", running())
}

func TestSessions(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	a := c.call("getSessions", "")
	assert.Equal(t, "SUCCESS noSessions", a.get("returncode")+" "+a.key())
	assert.True(t, strings.HasSuffix(a.get("message"), "serverr"))
	c.call("create", "meetingID=abc&name=My+room")
	c.call("join", "meetingID=abc&fullName=Ann&role=VIEWER&userID=u")
	c.call("join", "meetingID=abc&fullName=Ann&role=VIEWER&userID=u")
	m, _ := c.Meeting("abc")
	rows := c.call("getSessions", "").all("sessions/meeting")
	require.Len(t, rows, 2)
	assert.Equal(t, []string{"meetingID", "meetingName", "userName"}, rows[0].names())
	assert.Equal(t, m.InternalID+" My room Ann", rows[0].get("meetingID")+" "+rows[0].get("meetingName")+" "+rows[0].get("userName"))
	c.Leave("abc", "u")
	assert.Equal(t, "noSessions", c.call("getSessions", "").key())
}

func TestEnd(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		c.call("create", "meetingID=abc&name=abc")
		c.call("join", "meetingID=abc&fullName=x&role=VIEWER")
		assert.Equal(t, "missingParamMeetingID", c.call("end", "").key())
		assert.Equal(t, "sentEndMeetingRequest", c.call("end", "meetingID=abc").key())
		assert.Equal(t, "notFound", c.call("end", "meetingID=abc").key())
		assert.Equal(t, "noMeetings", c.call("getMeetings", "").key())
		m, ok := c.Meeting("abc")
		require.True(t, ok)
		assert.True(t, m.ForciblyEnded)
		assert.False(t, m.Running())
	})
}

func TestEndTakesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t, bbbtest.WithEndDelay(3*time.Second))
		c.call("create", "meetingID=abc&name=abc&attendeePW=ap&moderatorPW=mp")
		c.call("join", "meetingID=abc&fullName=x&role=VIEWER")
		assert.Equal(t, "sentEndMeetingRequest", c.call("end", "meetingID=abc").key())
		<-time.After(2 * time.Second)
		assert.Equal(t, "sentEndMeetingRequest", c.call("end", "meetingID=abc").key(), "asking again does not prolong it")
		assert.Equal(t, "true", c.call("getMeetingInfo", "meetingID=abc").get("hasBeenForciblyEnded"))
		assert.Equal(t, "meetingForciblyEnded", errorKey(t, c.call("join", "meetingID=abc&fullName=x&role=VIEWER"), "http://"+c.Name()+".test?"))
		<-time.After(time.Second)
		assert.Equal(t, "notFound", c.call("getMeetingInfo", "meetingID=abc").key())

		c.call("create", "meetingID=abc&name=abc")
		c.call("end", "meetingID=abc")
		assert.Empty(t, c.call("create", "meetingID=abc&name=abc").key(), "the id is free at once")
		c.call("end", "meetingID=abc")
		c.EndMeeting("abc")
		c.EndMeeting("abc")
		assert.Equal(t, "notFound", c.call("getMeetingInfo", "meetingID=abc").key())
	})
}

func TestEndPassword(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ version, password, key string }{
		{"2.4", "", "validationError"}, {"2.4", "ap", "validationError"}, {"2.4", "mp", "sentEndMeetingRequest"},
		{"2.5", "", "sentEndMeetingRequest"}, {"2.6", "ap", "invalidPassword"}, {"2.6", "mp", "sentEndMeetingRequest"},
		{"2.7", "xx", "sentEndMeetingRequest"}, {"3.0", "", "sentEndMeetingRequest"}, {"3.0", "xx", "sentEndMeetingRequest"},
	} {
		t.Run(test.version+test.password, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			c.call("create", "meetingID=abc&name=abc&attendeePW=ap&moderatorPW=mp")
			assert.Equal(t, test.key, c.call("end", "meetingID=abc&password="+test.password).key())
		})
	}
}

func TestIndex(t *testing.T) {
	t.Parallel()
	for version, names := range map[string][]string{
		"2.4":        {"returncode", "version"},
		"2.7":        {"returncode", "version", "apiVersion", "bbbVersion"},
		"3.0.19":     {"returncode", "version", "apiVersion", "bbbVersion", "html5PluginSdkVersion", "graphqlWebsocketUrl", "graphqlApiUrl"},
		"4.0-beta.1": {"returncode", "version", "apiVersion", "bbbVersion", "html5PluginSdkVersion", "graphqlWebsocketUrl", "graphqlApiUrl"},
	} {
		c := inProcess(t, bbbtest.WithVersion(version))
		for _, target := range []string{"", "?x=1"} {
			a := c.raw(http.MethodGet, target, "", "")
			assert.Equal(t, names, a.names(), version)
			assert.Equal(t, "2.0", a.get("version"))
		}
	}
	c := inProcess(t, bbbtest.WithVersion("3.0.19"))
	assert.Equal(t, "3.0.19", c.raw(http.MethodGet, "", "", "").get("bbbVersion"))
	a := c.raw(http.MethodGet, "", "application/json; charset=utf-8", "")
	assert.Equal(t, "application/json", a.header.Get("Content-Type"))
	var wire struct{ Response map[string]string }
	require.NoError(t, json.Unmarshal([]byte(a.body), &wire))
	assert.Equal(t, "3.0.19", wire.Response["bbbVersion"])
	assert.Equal(t, "ws://"+c.Name()+".test/graphql", wire.Response["graphqlWebsocketUrl"])
	assert.Len(t, wire.Response, 7)
	old := inProcess(t, bbbtest.WithVersion("2.7"))
	assert.Equal(t, "text/xml", old.raw(http.MethodGet, "", "application/json", "").header.Get("Content-Type"))
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "api", 200}, {"GET", "api/", 200}, {"GET", "api/index", 404}, {"GET", "api/Create", 404}, {"GET", "api/create/", 404},
		{"GET", "api/setConfigXML", 404}, {"GET", "apiary", 404}, {"PUT", "api/create", 405}, {"POST", "api/", 405}, {"POST", "", 405},
		{"GET", "", 200}, {"GET", "?errors=x", 200}, {"GET", "../html5client?sessionToken=no", 401}, {"GET", "../nothing", 404}, {"HEAD", "", 200},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, c.URL()+test.path, http.NoBody)
		require.NoError(t, err)
		if rest, ok := strings.CutPrefix(test.path, ".."); ok {
			path, query, _ := strings.Cut(rest, "?")
			r.URL.Path, r.URL.RawQuery = path, query
		}
		if path, query, ok := strings.Cut(r.URL.Path, "?"); ok {
			r.URL.Path, r.URL.RawQuery = path, query
		}
		resp, err := c.http.Do(r)
		require.NoError(t, err)
		a := c.read(resp)
		assert.Equal(t, test.status, a.status, test.method+" "+test.path)
		if test.status >= 400 {
			assert.Contains(t, a.header.Get("Content-Type"), "text/html")
		}
	}
}
