package bbb_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// browsed is what a browser gets that opens the URL of a redirect.
func browsed(t *testing.T, fakes []*bbbtest.Server, location string) (*http.Response, url.Values) {
	t.Helper()
	suite.joined(location)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, location, nil)
	require.NoError(t, err)
	resp, err := watched{bbbtest.NetworkOf(fakes...)}.RoundTrip(r)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp, r.URL.Query()
}

// reasons are what a redirect that fails tells the page that it leads to.
func reasons(t *testing.T, location string) (key, message string) {
	t.Helper()
	u, err := url.Parse(location)
	require.NoError(t, err)
	var list []struct{ Key, Message string }
	require.NoError(t, json.Unmarshal([]byte(u.Query().Get("errors")), &list), location)
	require.Len(t, list, 1)
	return list[0].Key, list[0].Message
}

// A browser goes to the server of its meeting, with what the client gave, be it known here or not.
func TestJoinLeadsToTheServerOfTheMeeting(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for _, id := range []string{"physics", "chemistry", "biology"} {
		require.NoError(t, proxied{"create", "meetingID=" + id + "&name=Class&moderatorPW=mp-Q7-xyz-9&attendeePW=ap-Q7-xyz-9", ""}.on(t, g).Err)
		there := holder(t, fakes, id)
		r := proxied{"join", "meetingID=" + id + "&fullName=A+%26+B%0A&password=mp-Q7-xyz-9&userID=u1&unheard=of&unheard=twice&guest=1&avatarURL=odd" +
			"&userdata-bbb_x=1&userdata-a-b=2&userdata-1x=3&userdata-%3Cx=4&checksum=0123&createTime=", ""}.on(t, g)
		require.NoError(t, r.Err)
		assert.Equal(t, 302, r.StatusCode)
		assert.False(t, r.Failed())
		assert.Empty(t, r.AppendBody(nil))
		assert.Empty(t, r.ContentType())
		assert.True(t, strings.HasPrefix(r.Location, there.URL()+"api/join?"))
		resp, sent := browsed(t, fakes, r.Location)
		assert.Contains(t, resp.Header.Get("Location"), "sessionToken=")
		assert.NotEmpty(t, resp.Cookies(), "the browser has the cookie")
		sent.Del("checksum")
		assert.Equal(t, url.Values{
			"meetingID": {id}, "fullName": {"A & B\n"}, "password": {"mp-Q7-xyz-9"}, "userID": {"u1"}, "unheard": {"of", "twice"},
			"guest": {"false"}, "avatarURL": {"odd"}, "userdata-bbb_x": {"1"}, "userdata-a-b": {"2"},
		}, sent, "but for names that would break the server's answers")
		m, _ := there.Meeting(id)
		require.Len(t, m.Attendees, 1)
		assert.Equal(t, "MODERATOR", m.Attendees[0].Role)
	}
}

func TestJoinInTheSteadOfABrowser(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	m := create(t, g, "physics")
	r := proxied{"join", "meetingID=physics&fullName=Ada&role=viewer&redirect=false&createTime=" + millis(m.CreateTime), ""}.on(t, g)
	require.NoError(t, r.Err)
	body := string(r.AppendBody(nil))
	suite.joined(body)
	assert.Equal(t, 200, r.StatusCode)
	assert.Equal(t, "successfullyJoined", r.Key)
	attendee, ok := r.Value.(*bbb.Attendee)
	require.True(t, ok)
	assert.Contains(t, body, "<session_token>"+attendee.Session.SessionToken+"</session_token>")
	there, _ := holder(t, fakes, "physics").Meeting("physics")
	assert.Len(t, there.Attendees, 1)

	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "small", Name: "Small", MaxParticipants: new(1)})
	require.NoError(t, err)
	attend(t, holder(t, fakes, "small"), "small")
	full := proxied{"join", "meetingID=small&fullName=Bob&role=VIEWER&redirect=false", ""}.on(t, g)
	assert.Equal(t, "maxParticipantsReached", full.Key)
	assert.Equal(t, 200, full.StatusCode)
	require.ErrorIs(t, full.Err, bbb.ErrMeetingFull)

	old := newGroupOf(t, newFakes(t, 1, bbbtest.WithVersion("2.4")))
	_, err = old.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "lobby", Name: "Lobby", GuestPolicy: bbb.GuestPolicyAskModerator})
	require.NoError(t, err)
	r = proxied{"join", "meetingID=lobby&fullName=Bob&role=VIEWER&redirect=false&guest=true", ""}.on(t, old)
	suite.joined(string(r.AppendBody(nil)))
	assert.False(t, r.Failed())
	assert.Equal(t, "guestWait", r.Key, "as the server says")
	assert.Contains(t, string(r.AppendBody(nil)), "<guestStatus>WAIT</guestStatus>")
}

func millis(at time.Time) string { return bbb.JoinParams{CreateTime: at}.Values().Get("createTime") }

// Nobody is sent anywhere but to an http page that the client named, or to our own.
func TestFailedJoinsLeadToPagesOnly(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	logout := newGroupOf(t, newFakes(t, 1), bbb.WithLogoutURL("https://portal.test/bye?a=b#top"))
	for given, want := range map[string]string{
		"":                                    "/?errors=",
		"https://portal.test/sorry":           "https://portal.test/sorry?errors=",
		"https://portal.test/sorry?x=1":       "https://portal.test/sorry?x=1&errors=",
		"https://portal.test/sorry#part":      "https://portal.test/sorry?errors=",
		"javascript:alert(1)":                 "/?errors=",
		"//evil.test/":                        "/?errors=",
		"/somewhere":                          "/?errors=",
		"https:evil.test":                     "/?errors=",
		"https://portal.test/\r\nX-Evil: yes": "/?errors=",
		"https://portal.test/ x":              "/?errors=",
		"ftp://portal.test/":                  "/?errors=",
		"data:text/html,x":                    "/?errors=",
	} {
		c := proxied{"join", "meetingID=nowhere&fullName=Ada&role=VIEWER&redirect=false&errorRedirectUrl=" + url.QueryEscape(given), ""}
		r := c.on(t, g)
		assert.Equal(t, 302, r.StatusCode, given)
		assert.True(t, strings.HasPrefix(r.Location, want), "%q: %s", given, r.Location)
		key, message := reasons(t, r.Location)
		assert.Equal(t, "invalidMeetingIdentifier", key)
		assert.Equal(t, "invalidMeetingIdentifier", r.Key)
		assert.Equal(t, r.Message, message)
		assert.True(t, r.Failed())
		require.ErrorIs(t, r.Err, bbb.ErrMeetingNotFound)
		assert.Empty(t, r.AppendBody(nil))
		if strings.HasPrefix(want, "/") {
			r = c.on(t, logout)
			assert.True(t, strings.HasPrefix(r.Location, "https://portal.test/bye?a=b&errors="), r.Location)
			assert.True(t, strings.HasSuffix(r.Location, "#top"), r.Location)
		}
	}
}

// A meeting that was ended, and is still listed, is not joined.
func TestJoinAfterTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 1, bbbtest.WithEndDelay(time.Minute))
		g := newGroupOf(t, fakes)
		endedOn(t, g, fakes[0], "physics")
		c := proxied{"join", "meetingID=physics&fullName=Ada&role=VIEWER", ""}
		key, _ := reasons(t, c.on(t, g).Location)
		assert.Equal(t, "meetingForciblyEnded", key)
		wait(t, time.Hour)
		key, _ = reasons(t, c.on(t, g).Location)
		assert.Equal(t, "invalidMeetingIdentifier", key)
	})
}

// A server that refuses a join says so in a redirect, or in XML; either way the caller gets it the same way.
func TestJoinThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1, bbb.WithLogoutURL("https://portal.test/"))
	create(t, g, "physics")
	c := proxied{"join", "meetingID=physics&fullName=Ada&role=VIEWER&redirect=false", ""}
	fakes[0].Inject(bbbtest.Fault{Call: "join", Times: 1, Body: "<response><returncode>FAILED</returncode><messageKey>guestDeniedAccess</messageKey><message>Guest denied</message></response>"})
	r := c.on(t, g)
	assert.Equal(t, "200 guestDeniedAccess", strings.TrimPrefix(r.String(), "join: HTTP ")[:3]+" "+r.Key)
	require.ErrorIs(t, r.Err, bbb.ErrGuestDenied)

	newer := newGroupOf(t, newFakes(t, 1, bbbtest.WithVersion("4.0")))
	create(t, newer, "physics")
	r = proxied{"join", "meetingID=physics&role=VIEWER&redirect=false&fullName=" + strings.Repeat("a", 300), ""}.on(t, newer)
	assert.Equal(t, 302, r.StatusCode, "as that server answered")
	key, _ := reasons(t, r.Location)
	assert.Equal(t, "fullNameTooLong", key)
}

// The URL of a redirect is its user.
func TestResponsesArePrintedWithoutTheirURL(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	create(t, g, "physics")
	r := proxied{"join", "meetingID=physics&fullName=Ada&role=VIEWER", ""}.on(t, g)
	require.NotEmpty(t, r.Location)
	u, err := url.Parse(r.Location)
	require.NoError(t, err)
	for _, text := range []string{
		fmt.Sprint(r), fmt.Sprintf("%v %+v %#v %s %q %x", r, r, r, r, r, r), fmt.Sprintf("%v %+v %#v %d", *r, *r, *r, *r),
		r.LogValue().String(), slog.AnyValue(r).Resolve().String(),
	} {
		assert.NotContains(t, text, u.Query().Get("checksum"))
		assert.NotContains(t, text, "bbb1")
		assert.Contains(t, text, "join")
	}
}
