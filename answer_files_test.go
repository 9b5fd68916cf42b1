package bbb_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fileReaders decode a file by the call in its name and compare every value.
var fileReaders = map[string]func(t *testing.T, s *bbb.Server, e *tree){
	"indexSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		v, err := s.Version(t.Context())
		require.NoError(t, err)
		assert.Equal(t, &bbb.Version{
			API: e.first("apiVersion", "version"), BBB: e.first("bbbVersion"), HTML5PluginSDK: e.first("html5PluginSdkVersion"),
			GraphQLWebsocketURL: e.first("graphqlWebsocketUrl"), GraphQLAPIURL: e.first("graphqlApiUrl"), Build: e.first("build"),
		}, v)
	},
	"createSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		id := e.first("meetingID")
		m, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Sent name", AttendeePW: "sent-a", ModeratorPW: "sent-m"})
		require.NoError(t, err)
		e.children = append(e.children, &tree{name: "meetingName", text: m.Name}) // not in this answer
		assertMeeting(t, e, m)
		assert.Equal(t, e.first("messageKey"), m.MessageKey)
		assert.Equal(t, e.first("message"), m.Message)
		assert.Equal(t, e.first("messageKey") == "duplicateWarning", m.Existed())
		if e.first("attendeePW") == "" {
			assert.Equal(t, "sent-a", m.AttendeePW)
			assert.Equal(t, "sent-m", m.ModeratorPW)
		}
		if !m.Existed() {
			assert.Equal(t, "Sent name", m.Name)
		}
	},
	"getDefaultConfigXMLSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		config, err := s.DefaultConfigXML(t.Context())
		require.NoError(t, err)
		assert.Equal(t, e, parseTree(t, config), "as the server wrote it")
	},
	"setConfigXMLSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		token, err := s.SetConfigXML(t.Context(), "algebra-7b", "<config/>")
		require.NoError(t, err)
		assert.Equal(t, e.first("token"), token)
	},
	"joinSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		a, err := s.Join(t.Context(), bbb.JoinParams{MeetingID: "algebra-7b", FullName: "Zoë", Role: bbb.RoleViewer})
		require.NoError(t, err)
		require.NotNil(t, a.Session)
		assert.Equal(t, e.first("meeting_id", "meetingID"), a.Session.InternalMeetingID)
		assert.Equal(t, e.first("user_id", "userID"), a.Session.InternalUserID)
		assert.Equal(t, e.first("auth_token", "authToken"), a.Session.AuthToken)
		assert.Equal(t, e.first("session_token", "sessionToken"), a.Session.SessionToken)
		assert.Equal(t, bbb.GuestStatus(e.first("guestStatus", "guest_status")), a.Session.GuestStatus)
		assert.Equal(t, e.first("url"), a.Session.URL)
		assert.Equal(t, a.Session.InternalUserID, a.UserID, "none was given")
		assert.Same(t, s, a.Session.Server())
	},
	"isMeetingRunningSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		running, err := s.IsMeetingRunning(t.Context(), "algebra-7b")
		require.NoError(t, err)
		assert.Equal(t, e.flag("running"), running)
	},
	"endSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		// EndMeeting asks for the meeting first; Call shows the answer alone.
		a, err := s.Call(t.Context(), "end", nil)
		require.NoError(t, err)
		assert.Contains(t, string(a.Body), e.first("messageKey"))
		require.NoError(t, s.EndMeeting(t.Context(), "algebra-7b", ""))
	},
	"getMeetingInfoSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		m, err := s.Meeting(t.Context(), e.first("meetingID"))
		require.NoError(t, err)
		assertListed(t, e, m)
		assert.Same(t, s, m.Server())
		assert.False(t, m.FetchedAt.IsZero())
	},
	"getMeetingsSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		meetings, err := s.Meetings(t.Context())
		require.NoError(t, err)
		elements := e.at("meetings").all("meeting")
		require.Len(t, meetings, len(elements))
		for i, m := range meetings {
			assertListed(t, elements[i], m)
			assert.Same(t, s, m.Server())
		}
		assert.Len(t, s.CachedMeetings(t.Context()), len(elements))
	},
	"getSessionsSuccess": func(t *testing.T, s *bbb.Server, e *tree) {
		sessions, err := s.Sessions(t.Context())
		require.NoError(t, err)
		elements := e.at("sessions").all("meeting")
		require.Len(t, sessions, len(elements))
		for i, u := range sessions {
			assert.Equal(t, elements[i].first("meetingID"), u.InternalMeetingID)
			assert.Equal(t, elements[i].raw("meetingName"), u.MeetingName)
			assert.Equal(t, elements[i].raw("userName"), u.UserName)
			assert.Same(t, s, u.Server())
		}
	},
	"createFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
		_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "algebra-7b", Name: "Algebra", AttendeePW: "a1", ModeratorPW: "m1"})
		return err
	}),
	"endFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
		_, err := s.Call(t.Context(), "end", nil)
		return err
	}),
	"getMeetingInfoFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
		_, err := s.Meeting(t.Context(), "algebra-7b")
		return err
	}),
	"getMeetingsFailed": failedBy(func(t *testing.T, s *bbb.Server) error {
		_, err := s.Meetings(t.Context())
		return err
	}),
}

// failedBy reads a FAILED answer: whatever its shape, key and message arrive.
func failedBy(call func(*testing.T, *bbb.Server) error) func(*testing.T, *bbb.Server, *tree) {
	return func(t *testing.T, s *bbb.Server, e *tree) {
		err := call(t, s)
		var got *bbb.Error
		require.ErrorAs(t, err, &got)
		key, message := e.first("messageKey"), e.first("message")
		if list := e.at("errors").all("error"); len(list) > 0 {
			key, message = list[0].first("key"), list[0].first("message")
			if key == "" {
				key, message = list[0].attrs["key"], list[0].attrs["message"]
			}
		}
		require.NotEmpty(t, key)
		assert.Equal(t, key, got.Key)
		assert.Equal(t, message, got.Message)
		assert.Equal(t, 200, got.StatusCode)
		assert.Equal(t, s.Name(), got.Server)
		require.NoError(t, got.Err)
	}
}

// TestAnswersOfServers decodes every answer in testdata through the call that
// it answers, and compares every field with what encoding/xml says.
//
// With the environment variable BBB_TESTDATA it does the same with a directory of
// your own: the answers of the servers you have. There, a file is chosen by the
// call and outcome its name begins with, such as getMeetingsSuccess-mine.xml.
func TestAnswersOfServers(t *testing.T) {
	t.Parallel()
	readFiles(t, filepath.Join("testdata", "answers"), true)
	if dir := os.Getenv("BBB_TESTDATA"); dir != "" {
		readFiles(t, dir, false)
	}
}

func readFiles(t *testing.T, dir string, all bool) {
	files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	read := map[string]bool{}
	for _, file := range files {
		name, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(file), ".xml"), "-")
		reader := fileReaders[name]
		if reader == nil {
			require.False(t, all, "nothing reads %s", file)
			continue
		}
		read[name] = true
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			reader(t, wireServer(t, xmlAnswer(string(body))), parseTree(t, body))
		})
	}
	if all {
		for name := range fileReaders {
			assert.True(t, read[name], "no file is called %s-*.xml", name)
		}
	}
	assert.NotEmpty(t, read)
}

// The calls that answer JSON have no file reader: they come through Call.
func TestJSONAnswers(t *testing.T) {
	t.Parallel()
	body := func(name string) string {
		b, err := os.ReadFile(filepath.Join("testdata", "answers", name))
		require.NoError(t, err)
		return string(b)
	}
	s := wireServer(t, answering(200, "application/json", body("getRecordingTextTracksSuccess.json")))
	a, err := s.Call(t.Context(), "getRecordingTextTracks", nil)
	require.NoError(t, err)
	assert.JSONEq(t, body("getRecordingTextTracksSuccess.json"), string(a.Body))
	assert.Equal(t, "application/json", a.ContentType)

	for name, want := range map[string]bbb.Error{
		"getRecordingTextTracksFailed-wrapped.json": {Key: "noRecordings", Message: "No recording was found for rec-1"},
		"getRecordingTextTracksFailed-bare.json":    {Key: "notImplemented", Message: "Not implemented by this proxy"},
	} {
		s := wireServer(t, answering(200, "application/json", body(name)))
		_, err := s.Call(t.Context(), "getRecordingTextTracks", nil)
		var got *bbb.Error
		require.ErrorAs(t, err, &got, name)
		assert.Equal(t, want.Key, got.Key)
		assert.Equal(t, want.Message, got.Message)
		assert.Equal(t, want.Key == "notImplemented", errors.Is(err, bbb.ErrNotSupported))
	}
}
