package bbbtest_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// browser is somebody who joined.
type browser struct {
	*client
	token, cookie string
}

func (c *client) enters(query string) *browser {
	c.tb.Helper()
	a := c.call("join", "redirect=false&fullName=Ann+B&"+query)
	require.Equal(c.tb, "SUCCESS", a.get("returncode"), a.body)
	resp := http.Response{Header: a.header}
	require.Len(c.tb, resp.Cookies(), 1)
	return &browser{c, a.get("session_token"), resp.Cookies()[0].Value}
}

// ask makes a call with a session token, with or without the cookie.
func (b *browser) ask(call, query, cookie string) answer {
	b.tb.Helper()
	r, err := http.NewRequestWithContext(b.tb.Context(), http.MethodGet, b.URL()+"api/"+call+"?sessionToken="+b.token+query, nil)
	require.NoError(b.tb, err)
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "JSESSIONID", Value: cookie})
	}
	resp, err := b.http.Do(r)
	require.NoError(b.tb, err)
	return b.read(resp)
}

// tree reads JSON, the object around it taken away.
func (a answer) tree(t *testing.T) map[string]any {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(a.body), &v), a.body)
	if inner, ok := v["response"].(map[string]any); ok {
		return inner
	}
	return v
}

func TestSessionCookie(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc")
	c.call("create", "meetingID=free&name=free&allowRequestsWithoutSession=true")
	b := c.enters("meetingID=abc&role=MODERATOR")
	assert.Equal(t, "SUCCESS", b.ask("getJoinUrl", "", b.cookie).tree(t)["returncode"])
	for _, cookie := range []string{"", "other"} {
		got := b.ask("getJoinUrl", "", cookie).tree(t)
		assert.Equal(t, map[string]any{"returncode": "FAILED", "message": "Invalid Session", "sessionToken": b.token}, got)
	}
	free := c.enters("meetingID=free&role=MODERATOR")
	assert.Equal(t, "SUCCESS", free.ask("getJoinUrl", "", "").tree(t)["returncode"])
	c.Leave("abc", "nobody")
	gone := &browser{c, "nosuch", ""}
	for _, call := range []string{"getJoinUrl", "learningDashboard"} {
		assert.Equal(t, "Invalid session token", gone.ask(call, "", "").tree(t)["message"])
	}
	gone.token = ""
	assert.Equal(t, "Invalid session token", gone.ask("getJoinUrl", "", "").tree(t)["message"])

	c = inProcess(t, bbbtest.WithRequestsWithoutSession())
	c.call("create", "meetingID=abc&name=abc")
	b = c.enters("meetingID=abc&role=VIEWER")
	assert.Equal(t, "SUCCESS", b.ask("getJoinUrl", "", "").tree(t)["returncode"])
}

func TestGetJoinURL(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc&guestPolicy=ASK_MODERATOR")
	b := c.enters("meetingID=abc&role=MODERATOR&userID=me")
	text := b.ask("getJoinUrl", "&replaceSession=true&sessionName=second&userdata-x=1", b.cookie).tree(t)["url"].(string)
	prefix := c.URL() + "api/join?"
	query, ok := strings.CutPrefix(text, prefix)
	require.True(t, ok, text)
	signed, checksum, ok := strings.Cut(query, "&checksum=")
	require.True(t, ok)
	assert.Equal(t, sum("sha1", "join"+signed+secret), checksum)
	m, _ := c.Meeting("abc")
	assert.Equal(t, "&existingUserID="+m.Attendees[0].InternalUserID+"&fullName=Ann%2BB&meetingID=abc&replaceSessionToken="+b.token+
		"&role=MODERATOR&sessionName=second&userID=me&userdata-x=1", signed)
	u, err := url.Parse(text)
	require.NoError(t, err)
	assert.Equal(t, http.StatusFound, c.raw(http.MethodGet, "join?"+u.RawQuery, "", "").status, "it can be used as it is")
	m, _ = c.Meeting("abc")
	assert.Len(t, m.Attendees, 1)
	assert.Equal(t, "Invalid session token", b.ask("getJoinUrl", "", b.cookie).tree(t)["message"], "the session was replaced")

	guest := c.enters("meetingID=abc&role=VIEWER&guest=true")
	assert.Equal(t, "Access denied", guest.ask("getJoinUrl", "", guest.cookie).tree(t)["message"])
	old := inProcess(t, bbbtest.WithVersion("2.7"))
	assert.Equal(t, http.StatusNotFound, old.raw(http.MethodGet, "getJoinUrl?sessionToken=x", "", "").status)
}

func TestLearningDashboard(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc")
	c.call("create", "meetingID=off&name=off&disabledFeatures=learningDashboard")
	b := c.enters("meetingID=abc&role=MODERATOR&userID=u")
	got := b.ask("learningDashboard", "", b.cookie).tree(t)
	assert.Equal(t, "SUCCESS "+b.token, got["returncode"].(string)+" "+got["sessionToken"].(string))
	var data map[string]any
	require.NoError(t, json.Unmarshal([]byte(got["data"].(string)), &data), "a document in a string")
	assert.Equal(t, "abc", data["extId"])
	b = c.enters("meetingID=abc&role=VIEWER")
	assert.Equal(t, "Access denied", b.ask("learningDashboard", "", b.cookie).tree(t)["message"])
	b = c.enters("meetingID=off&role=MODERATOR")
	assert.Equal(t, "Learning Dashboard disabled for this meeting", b.ask("learningDashboard", "", b.cookie).tree(t)["message"])
}

func TestStunsAndSignOut(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.call("create", "meetingID=abc&name=abc")
	b := c.enters("meetingID=abc&role=MODERATOR")
	a := b.ask("stuns", "", b.cookie)
	assert.True(t, strings.HasPrefix(a.body, `{"remoteIceCandidates":[],"stunServers":[{"url":"stun:`), a.body)
	assert.Equal(t, http.StatusOK, a.status)
	assert.Equal(t, "Could not find conference.", b.ask("stuns", "", "").tree(t)["message"])
	for range 2 {
		assert.Equal(t, []string{"returncode"}, b.ask("signOut", "", b.cookie).names())
	}
	m, _ := c.Meeting("abc")
	assert.Empty(t, m.Attendees)
	assert.Equal(t, "noSessions", c.call("getSessions", "").key())
}

func TestEnterAndGuestWait(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithVersion("2.7"))
	c.call("create", "meetingID=abc&name=abc&guestPolicy=ASK_MODERATOR&meta_k=v&moderatorOnlyMessage=hush")
	b := c.enters("meetingID=abc&role=MODERATOR&userID=u&userdata-x=y")
	got := b.ask("enter", "", b.cookie).tree(t)
	m, _ := c.Meeting("abc")
	for key, want := range map[string]any{
		"returncode": "SUCCESS", "fullname": "Ann B", "meetingID": m.InternalID, "externMeetingID": "abc", "externUserID": "u", "modOnlyMessage": "hush",
		"customdata": []any{map[string]any{"x": "y"}}, "metadata": []any{map[string]any{"k": "v"}},
	} {
		assert.Equal(t, want, got[key], key)
	}
	wrong := b.ask("enter", "", "").tree(t)
	assert.Equal(t, "FAILED Invalid Session", wrong["returncode"].(string)+" "+wrong["message"].(string))
	assert.Contains(t, wrong, "logoutURL")

	guest := c.enters("meetingID=abc&role=VIEWER&guest=true&userID=g")
	assert.Equal(t, "Access denied", guest.ask("enter", "", guest.cookie).tree(t)["message"])
	waits := guest.ask("guestWait", "&redirect=false", guest.cookie).tree(t)
	assert.Equal(t, "guestWait WAIT "+guest.token, waits["messageKey"].(string)+" "+waits["guestStatus"].(string)+" "+waits["session_token"].(string))
	assert.Contains(t, guest.ask("guestWait", "", guest.cookie).header.Get("Location"), "/guestWait?sessionToken=")
	require.NoError(t, c.Admit("abc", "g"))
	assert.Equal(t, "ALLOW", guest.ask("guestWait", "&redirect=false", guest.cookie).tree(t)["guestStatus"])
	assert.Contains(t, guest.ask("guestWait", "", guest.cookie).header.Get("Location"), "/html5client/join?sessionToken=")
	assert.NotContains(t, guest.ask("enter", "", guest.cookie).tree(t), "modOnlyMessage")
	c.Leave("abc", "g")
	assert.Equal(t, "Invalid session token", guest.ask("guestWait", "", guest.cookie).tree(t)["message"])

	recent := inProcess(t)
	for _, call := range []string{"enter", "guestWait", "feedback", "getDefaultConfigXML", "setConfigXML", "setPollXML", "hooks/permanent"} {
		assert.Equal(t, http.StatusNotFound, recent.raw(http.MethodGet, call, "", "").status, call)
	}
}

func TestChat(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	assert.Nil(t, c.Chat("abc"))
	c.call("create", "meetingID=abc&name=abc")
	long := strings.Repeat("%C3%A9", 500)
	for query, key := range map[string]string{
		"message=x":                      "missingParamMeetingID",
		"meetingID=abc":                  "missingParamMessage",
		"meetingID=abc&message=":         "missingParamMessage",
		"meetingID=none&message=x":       "meetingNotFound",
		"meetingID=a,c&message=x":        "validationError",
		"meetingID=abc&message=x" + long: "sizeError",
		"meetingID=abc&message=x&userName=" + strings.Repeat("x", 256): "sizeError",
	} {
		a := c.call("sendChatMessage", query)
		assert.Equal(t, "FAILED "+key, a.get("returncode")+" "+a.key(), query)
	}
	a := c.call("sendChatMessage", "meetingID=abc&message="+long)
	assert.Equal(t, []string{"returncode", "messageKey", "message"}, a.names())
	assert.Equal(t, "SUCCESS", a.get("returncode")+a.key())
	c.call("sendChatMessage", "meetingID=abc&message=hi&userName=Bot")
	c.EndMeeting("abc")
	chat := c.Chat("abc")
	require.Len(t, chat, 2)
	assert.Equal(t, "System Bot hi", chat[0].UserName+" "+chat[1].UserName+" "+chat[1].Message)
	assert.Equal(t, http.StatusMethodNotAllowed, c.raw(http.MethodPost, "sendChatMessage", "", "").status)
	old := inProcess(t, bbbtest.WithVersion("2.7"))
	assert.Equal(t, http.StatusNotFound, old.call("sendChatMessage", "meetingID=abc&message=x").status)
}

func TestChatEvent(t *testing.T) {
	t.Parallel()
	for style, want := range map[bbbtest.HookStyle]string{bbbtest.HooksV2: "Bot", bbbtest.HooksV30: "Bot", bbbtest.HooksV34: ""} {
		r := newReceiver()
		c := inProcess(t, bbbtest.WithHookStyle(style), bbbtest.WithCallbackTransport(r))
		c.call("create", "meetingID=abc&name=abc")
		c.hook("callbackURL=http://app/")
		c.call("sendChatMessage", "meetingID=abc&message=hi&userName=Bot")
		require.NoError(t, c.WaitCallbacks(t.Context()))
		id, attributes := r.taken()[0].event(t)
		assert.Equal(t, "chat-group-message-sent MAIN-PUBLIC-GROUP-CHAT", id+" "+attributes["chat-id"].(string))
		message := attributes["chat-message"].(map[string]any)
		sender := message["sender"].(map[string]any)
		assert.Equal(t, want, sender["external-user-id"])
		assert.Equal(t, style == bbbtest.HooksV2, message["id"] == nil && sender["name"] == nil && sender["timezone-offset"] != nil)
	}
}

func TestConfigXML(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithVersion("2.3"))
	query := sign("getDefaultConfigXML", "", secret)
	resp, err := c.send(http.MethodGet, "getDefaultConfigXML?"+query, "", "")
	require.NoError(t, err)
	resp.Header.Set("Content-Type", "") // its root is not response
	assert.True(t, strings.HasPrefix(c.read(resp).body, "<config>"))
	set := func(params string) answer {
		return c.raw(http.MethodPost, "setConfigXML?"+sign("setConfigXML", "", secret), "application/x-www-form-urlencoded", params)
	}
	assert.Equal(t, "missingParamMeetingID", set("x=y").key())
	assert.Equal(t, "configXMLError", set("meetingID=abc").key())
	assert.Len(t, set("meetingID=abc&configXML=%3Cconfig%2F%3E").get("token"), 16)
	assert.Equal(t, http.StatusNotFound, inProcess(t, bbbtest.WithVersion("2.4")).call("getDefaultConfigXML", "").status)
}
