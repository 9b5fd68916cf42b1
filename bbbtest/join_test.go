package bbbtest_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// errorKey returns the key in the errors= of a redirect, after checking where it leads.
func errorKey(t *testing.T, a answer, target string) string {
	t.Helper()
	require.Equal(t, http.StatusFound, a.status, a.body)
	rest, ok := strings.CutPrefix(a.header.Get("Location"), target+"errors=")
	require.True(t, ok, a.header.Get("Location"))
	text, err := url.QueryUnescape(rest)
	require.NoError(t, err)
	var list []struct{ Key, Message string }
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list, 1)
	assert.NotEmpty(t, list[0].Message)
	return list[0].Key
}

func TestJoin(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		c.call("create", "meetingID=abc&name=abc&moderatorPW=mp&attendeePW=ap")
		a := c.call("join", "meetingID=abc&fullName=Ann+%26+Co&role=moderator&userID=u1&userdata-bbb_x=1&userdata-a-b=2&redirect=false")
		assert.Equal(t, []string{"returncode", "messageKey", "message", "meeting_id", "user_id", "auth_token", "session_token", "guestStatus", "url"}, a.names())
		m, _ := c.Meeting("abc")
		assert.Equal(t, "successfullyJoined", a.key())
		assert.Equal(t, m.InternalID, a.get("meeting_id"))
		assert.Regexp(t, `^w_[a-z0-9]{12}$`, a.get("user_id"))
		assert.Regexp(t, `^[a-z0-9]{12}$`, a.get("auth_token"))
		assert.Regexp(t, `^[a-z0-9]{16}$`, a.get("session_token"))
		assert.Equal(t, "ALLOW", a.get("guestStatus"))
		root := strings.TrimSuffix(c.URL(), "/bigbluebutton/")
		assert.Equal(t, root+"/html5client?sessionToken="+a.get("session_token"), a.get("url"))

		b := c.call("join", "meetingID=abc&fullName=Bob&password=ap")
		assert.Equal(t, http.StatusFound, b.status)
		assert.Regexp(t, `/html5client\?sessionToken=[a-z0-9]{16}$`, b.header.Get("Location"))
		for _, a := range []answer{a, b} {
			cookies := (&http.Response{Header: a.header}).Cookies()
			require.Len(t, cookies, 1)
			assert.Equal(t, "JSESSIONID", cookies[0].Name)
			assert.Equal(t, "/bigbluebutton", cookies[0].Path)
			assert.True(t, cookies[0].HttpOnly)
			assert.False(t, cookies[0].Secure, "there is no TLS")
		}
		m, _ = c.Meeting("abc")
		require.Len(t, m.Attendees, 2)
		assert.Equal(t, "u1", m.Attendees[0].UserID)
		assert.Equal(t, a.get("user_id"), m.Attendees[0].InternalUserID)
		assert.Equal(t, map[string]string{"bbb_x": "1"}, m.Attendees[0].CustomData, "a key with a dash is dropped")
		assert.True(t, m.Attendees[0].IsPresenter)
		assert.Equal(t, "Ann & Co", m.Attendees[0].Params.Get("fullName"))
		assert.Equal(t, "VIEWER", m.Attendees[1].Role)
		assert.Equal(t, m.Attendees[1].InternalUserID, m.Attendees[1].UserID)

		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.get("url"), http.NoBody)
		require.NoError(t, err)
		resp, err := c.http.Do(r)
		require.NoError(t, err)
		page, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Contains(t, string(page), "Ann &amp; Co")
	})
}

func TestJoinRoles(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc&moderatorPW=mp&attendeePW=ap")
	for query, role := range map[string]string{
		"role=MODERATOR": "MODERATOR", "role=Viewer": "VIEWER", "password=mp": "MODERATOR", "password=ap": "VIEWER",
		"role=viewer&password=mp": "VIEWER", "role=king&password=mp": "MODERATOR",
		"role=king": "", "": "", "password=": "", "password=xx": "",
	} {
		a := c.call("join", "meetingID=abc&fullName=x&redirect=false&userID="+url.QueryEscape("u"+query)+"&"+query)
		if role == "" {
			assert.Equal(t, "Params required", a.key(), query)
			assert.Equal(t, http.StatusOK, c.call("join", "meetingID=abc&fullName=x&"+query).status, "XML even for a browser")
			continue
		}
		m, _ := c.Meeting("abc")
		assert.Equal(t, "u"+query, m.Attendees[len(m.Attendees)-1].UserID)
		assert.Equal(t, role, m.Attendees[len(m.Attendees)-1].Role, query)
	}
	old := inProcess(t, bbbtest.WithVersion("2.7"))
	old.call("create", "meetingID=abc&name=abc")
	assert.Equal(t, "invalidPassword", old.call("join", "meetingID=abc&fullName=x&password=xx").key())
}

// Failures to validate redirect whatever redirect says; later ones obey it.
func TestJoinFailures(t *testing.T) {
	t.Parallel()
	const aim = "&errorRedirectUrl=https%3A%2F%2Fp.example%2Fx"
	const logout = "https://l.example/?a=b"
	c := inProcess(t, bbbtest.WithVersion("4.0"))
	front := strings.TrimSuffix(c.URL(), "/bigbluebutton/")
	c.call("create", "meetingID=abc&name=abc&maxParticipants=1&logoutURL="+url.QueryEscape(logout))
	c.call("create", "meetingID=deny&name=abc&guestPolicy=ALWAYS_DENY")
	c.call("create", "meetingID=ended&name=abc")
	c.EndMeeting("ended")
	require.NoError(t, c.Attend("abc", bbbtest.Attendee{UserID: "u0"}))
	for _, test := range []struct {
		query, key, target string
		late               bool
	}{
		{"meetingID=abc", "missingParamFullName", logout + "&", false},
		{"fullName=x", "missingParamMeetingID", front + "?", false},
		{"meetingID=none&fullName=x", "invalidMeetingIdentifier", front + "?", false},
		{"meetingID=ended&fullName=x", "meetingForciblyEnded", front + "?", false},
		{"meetingID=abc&fullName=" + strings.Repeat("x", 256), "fullNameTooLong", logout + "&", false},
		{"meetingID=abc&fullName=x&role=VIEWER&createTime=17", "mismatchCreateTimeParam", logout + "&", true},
		{"meetingID=abc&fullName=x&role=VIEWER", "maxParticipantsReached", logout + "&", true},
		{"meetingID=deny&fullName=x&role=VIEWER", "guestDeniedAccess", front + "?", true},
	} {
		t.Run(test.key, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.key, errorKey(t, c.call("join", test.query), test.target))
			assert.Equal(t, test.key, errorKey(t, c.call("join", test.query+aim), "https://p.example/x?"))
			a := c.call("join", test.query+"&redirect=false")
			if test.late {
				assert.Equal(t, http.StatusOK, a.status)
				assert.Equal(t, test.key, a.key())
			} else {
				assert.Equal(t, test.key, errorKey(t, a, test.target))
			}
		})
	}
	t.Run("checksum", func(t *testing.T) {
		t.Parallel()
		a := c.raw(http.MethodGet, "join?meetingID=abc&fullName=x&redirect=false&checksum=00", "", "")
		assert.Equal(t, "checksumError", errorKey(t, a, logout+"&"))
		a = c.raw(http.MethodGet, "join?meetingID=abc&fullName=x&errorRedirectUrl=nonsense", "", "")
		assert.Equal(t, "checksumError", errorKey(t, a, logout+"&"))
	})
	t.Run("2.4", func(t *testing.T) {
		t.Parallel()
		old := inProcess(t, bbbtest.WithVersion("2.4"))
		old.call("create", "meetingID=abc&name=abc")
		a := old.call("join", "meetingID=abc&fullName=x&role=VIEWER&createTime=17&redirect=false&logoutURL=https%3A%2F%2Fo.example"+aim)
		assert.Equal(t, "mismatchCreateTimeParam", errorKey(t, a, "https://o.example?"))
	})
}

func TestJoinByRelease(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, path string
		post          int
	}{
		{"2.4", "/html5client/join?sessionToken=", http.StatusFound},
		{"2.6.17", "/html5client/join?sessionToken=", http.StatusFound},
		{"2.6.18", "/html5client/join?sessionToken=", http.StatusMethodNotAllowed},
		{"2.7.7", "/html5client/join?sessionToken=", http.StatusFound},
		{"2.7", "/html5client/join?sessionToken=", http.StatusMethodNotAllowed},
		{"3.0", "/html5client?waitLayout=1&sessionToken=", http.StatusMethodNotAllowed},
		{"4.0", "/html5client?waitLayout=1&sessionToken=", http.StatusMethodNotAllowed},
	} {
		t.Run(test.version, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			a := c.call("create", "meetingID=abc&name=abc")
			query := "meetingID=abc&fullName=x&role=VIEWER&enforceLayout=CAMERAS_ONLY&createTime=" + a.get("createTime")
			assert.Contains(t, c.call("join", query).header.Get("Location"), test.path)
			a = c.raw(http.MethodPost, "join?"+sign("join", query, secret), "", "")
			assert.Equal(t, test.post, a.status)
		})
	}
}

func TestMaxParticipants(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc&maxParticipants=2")
	join := func(c *client, rest string) string {
		return c.call("join", "meetingID=abc&fullName=x&role=VIEWER&redirect=false&"+rest).key()
	}
	assert.Equal(t, "successfullyJoined", join(c, "userID=u1"))
	assert.Equal(t, "successfullyJoined", join(c, "userID=u1"), "the same person again")
	assert.Equal(t, "successfullyJoined", join(c, "userID=u2"))
	assert.Equal(t, "maxParticipantsReached", join(c, "userID=u3"))
	assert.Equal(t, "successfullyJoined", join(c, "userID=u1"))
	assert.Equal(t, "successfullyJoined", join(c, "userID=b1&bot=true"))
	assert.Equal(t, "maxParticipantsReached", join(c, "userID=u3"))
	c.Leave("abc", "u1")
	assert.Equal(t, "successfullyJoined", join(c, "userID=u3"), "a bot does not count")
	m, _ := c.Meeting("abc")
	assert.Len(t, m.Attendees, 3)

	old := inProcess(t, bbbtest.WithVersion("2.7"))
	old.call("create", "meetingID=abc&name=abc&maxParticipants=1")
	assert.Equal(t, "successfullyJoined", join(old, "userID=b1&bot=true"))
	assert.Equal(t, "maxParticipantsReached", join(old, "userID=u1"), "2.7 knows no bots")
}

func TestGuestPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ version, policy, query, status, key string }{
		{"3.0", "", "guest=true", "ALLOW", "successfullyJoined"},
		{"3.0", "ALWAYS_ACCEPT", "guest=true", "ALLOW", "successfullyJoined"},
		{"3.0", "ASK_MODERATOR", "", "WAIT", "successfullyJoined"},
		{"3.0", "ASK_MODERATOR", "guest=true", "WAIT", "successfullyJoined"},
		{"3.0", "ASK_MODERATOR", "guest=false", "ALLOW", "successfullyJoined"},
		{"3.0", "ASK_MODERATOR", "guest=true&role=MODERATOR", "ALLOW", "successfullyJoined"},
		{"3.0", "ALWAYS_ACCEPT_AUTH", "", "ALLOW", "successfullyJoined"},
		{"3.0", "ALWAYS_ACCEPT_AUTH", "guest=true", "WAIT", "successfullyJoined"},
		{"3.0", "ALWAYS_DENY", "", "<none>", "guestDeniedAccess"},
		{"2.7", "ASK_MODERATOR", "guest=true", "WAIT", "guestWait"},
		{"2.7", "ALWAYS_DENY", "guest=true", "DENY", "guestDeny"},
	} {
		t.Run(test.version+" "+test.policy+" "+test.query, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			c.call("create", "meetingID=abc&name=abc&logoutURL=https%3A%2F%2Fl.example&guestPolicy="+test.policy)
			query := test.query
			if !strings.Contains(query, "role=") {
				query += "&role=VIEWER"
			}
			a := c.call("join", "meetingID=abc&fullName=x&userID=u1&redirect=false&"+query)
			assert.Equal(t, test.status, a.get("guestStatus"))
			assert.Equal(t, test.key, a.key())
			switch test.key {
			case "guestWait":
				assert.Contains(t, a.get("url"), "/html5client/guestWait?sessionToken="+a.get("session_token"))
			case "guestDeny":
				assert.Equal(t, "https://l.example", a.get("url"))
			}
			m, _ := c.Meeting("abc")
			assert.Len(t, m.Attendees, map[string]int{"ALLOW": 1}[test.status])
			assert.Len(t, m.Waiting, map[string]int{"WAIT": 1}[test.status])
			if test.status == "WAIT" {
				require.NoError(t, c.Admit("abc", "u1"))
				require.Error(t, c.Admit("abc", "u1"))
				m, _ = c.Meeting("abc")
				assert.Len(t, m.Attendees, 1)
				assert.Empty(t, m.Waiting)
			}
		})
	}
}

func TestFurtherSession(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc")
	first := c.call("join", "meetingID=abc&fullName=x&role=VIEWER&redirect=false")
	again := "meetingID=abc&fullName=phone&role=VIEWER&redirect=false&existingUserID=" + first.get("user_id")
	c.call("join", again)
	m, _ := c.Meeting("abc")
	assert.Len(t, m.Attendees, 1)
	assert.Len(t, c.call("getSessions", "").all("sessions/meeting"), 2)
	c.call("join", again+"&replaceSessionToken="+first.get("session_token"))
	rows := c.call("getSessions", "").all("sessions/meeting")
	require.Len(t, rows, 2)
	assert.Equal(t, "phone", rows[0].get("userName"))
	c.call("join", "meetingID=abc&fullName=y&role=VIEWER&existingUserID=w_nobody")
	m, _ = c.Meeting("abc")
	assert.Len(t, m.Attendees, 2)
}

func TestSecureCookie(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithHost("https://bbb.example.org"))
	assert.Equal(t, "https://bbb.example.org/bigbluebutton/", c.URL())
	c.call("create", "meetingID=abc&name=abc")
	a := c.call("join", "meetingID=abc&fullName=x&role=VIEWER")
	assert.Contains(t, a.header.Get("Set-Cookie"), "Secure")
	assert.Contains(t, a.header.Get("Location"), "https://bbb.example.org/html5client?")
}
