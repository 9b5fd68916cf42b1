package bbb_test

import (
	"context"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// proxied is a call as it comes in.
type proxied struct {
	call, query, body string
}

// direct makes the call to a fake itself and returns what it answered, the redirect if it is one.
func (c proxied) direct(t *testing.T, f *bbbtest.Server) (status int, location, answer string) {
	t.Helper()
	query := c.query
	if query != "" {
		query += "&"
	}
	query += "checksum=" + bbb.SHA256.Checksum(c.call, c.query, f.Secret())
	path := "api/" + c.call + "?"
	if c.call == "index" {
		path = "api?"
	}
	method, body := http.MethodGet, io.Reader(nil)
	if c.body != "" || c.call == "insertDocument" {
		method, body = http.MethodPost, strings.NewReader(c.body)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, f.URL()+path+query, body)
	require.NoError(t, err)
	if c.body != "" {
		r.Header.Set("Content-Type", "application/xml")
	}
	resp, err := watched{f.Transport()}.RoundTrip(r)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

// on hands the call to a group or a scope.
func (c proxied) on(t *testing.T, g interface {
	HandleFromData(context.Context, string, url.Values, io.Reader, ...bbb.HandleOption) *bbb.Response
}, opts ...bbb.HandleOption,
) *bbb.Response {
	t.Helper()
	params, err := url.ParseQuery(c.query)
	require.NoError(t, err)
	var body io.Reader
	if c.body != "" {
		body = strings.NewReader(c.body)
	}
	r := g.HandleFromData(t.Context(), c.call, params, body, opts...)
	require.NotNil(t, r)
	_ = noted(t, r.Err)
	_, _ = io.WriteString(suite, r.String())
	return r
}

// elements writes a document as one line for each element with a text, and one for each empty one, so that the order
// of elements shows and white space does not.
func elements(t *testing.T, document string) string {
	t.Helper()
	var out strings.Builder
	var path []string
	text, leaf := "", false
	d := xml.NewDecoder(strings.NewReader(document))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return out.String()
		}
		require.NoError(t, err, document)
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			text, leaf = "", true
		case xml.CharData:
			text += string(token)
		case xml.EndElement:
			if leaf {
				out.WriteString(strings.Join(path, ".") + "=" + strings.TrimSpace(text) + "\n")
			}
			path, leaf = path[:len(path)-1], false
		}
	}
}

// randomTexts are those that servers draw at random.
var randomTexts = regexp.MustCompile(`(?m)(sessionToken=|session_token=|auth_token=|user_id=|userID=w_|attendeePW=|moderatorPW=|voiceBridge=).*$`)

// What a client gets from a group of one server is what it gets from that server: the elements, their order, the
// keys and the words. Two servers that began alike are told the same, one of them by way of a group.
func TestAnswersAreThoseOfAServer(t *testing.T) {
	t.Parallel()
	const modules = `<?xml version="1.0" encoding="UTF-8"?><modules><module name="presentation">` +
		`<document url="https://files.test/a.pdf" filename="a.pdf"/><document name="b.pdf" current="true">aGVsbG8=</document></module></modules>`
	const room = "meetingID=physics"
	synctest.Test(t, func(t *testing.T) {
		server := newFake(t, "bbb1")
		behind := newFake(t, "bbb1", bbbtest.WithSecret(server.Secret()))
		g := newGroupOf(t, []*bbbtest.Server{behind}, bbb.WithOrigin("", ""), bbb.WithLogoutURL(strings.TrimSuffix(server.URL(), "/bigbluebutton/")))
		for _, step := range []struct {
			proxied
			before func(*bbbtest.Server)
		}{
			{proxied: proxied{call: "getMeetings"}},
			{proxied: proxied{call: "getSessions"}},
			{proxied: proxied{"isMeetingRunning", room, ""}},
			{proxied: proxied{"getMeetingInfo", room, ""}},
			{proxied: proxied{"end", room + "&password=none-Q7", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER&redirect=false", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER&errorRedirectUrl=https%3A%2F%2Fportal.test%2Fsorry%3Fx%3D1", ""}},
			{proxied: proxied{"sendChatMessage", room + "&message=Hi", ""}},
			{proxied: proxied{"insertDocument", room, modules}},

			{proxied: proxied{"create", "", ""}},
			{proxied: proxied{"create", "meetingID=+&name=Physics", ""}},
			{proxied: proxied{"create", "meetingID=a,b&name=Physics", ""}},
			{proxied: proxied{"create", "meetingID=a%01b&name=Physics", ""}},
			{proxied: proxied{"create", "meetingID=a&name=Physics", ""}},
			{proxied: proxied{"create", "meetingID=" + strings.Repeat("a", 257) + "&name=Physics", ""}},
			{proxied: proxied{"create", room, ""}},
			{proxied: proxied{"create", room + "&name=P", ""}},
			{proxied: proxied{"create", room + "&name=Physics&attendeePW=1", ""}},
			{proxied: proxied{"create", room + "&name=Physics&voiceBridge=12a45", ""}},
			{proxied: proxied{"create", room + "&name=Physics&isBreakout=true", ""}},
			{proxied: proxied{"create", room + "&name=Physics&isBreakout=true&parentMeetingID=nowhere&sequence=1", ""}},
			{proxied: proxied{"create", room + "&name=Physics", `<modules><module name="presentation"><document name="slides">aGVsbG8=</document></module></modules>`}},
			{proxied: proxied{call: "getMeetings"}},

			// What servers take, as real clients send it.
			{proxied: proxied{"create", room + "&name=Phy%01sics+%26+%3Cmore%3E&attendeePW=ap-Q7-xyz-1&moderatorPW=mp-Q7-xyz-1&voiceBridge=71234" +
				"&record=1&duration=&maxParticipants=many&muteOnStart=TRUE&meta_Course=12&meta_9=dropped&meta_a_b=dropped&unheard=of&groups=%5Bno" +
				"&name=second", ""}},
			{proxied: proxied{"create", room + "&name=Physics&attendeePW=ap-Q7-xyz-1&moderatorPW=mp-Q7-xyz-1", ""}},
			{proxied: proxied{"create", room + "&name=Physics", ""}},
			{proxied: proxied{"create", room + "&name=Physics&attendeePW=other-Q7&moderatorPW=other-Q7", ""}},
			{proxied: proxied{"create", "meetingID=chemistry&name=Chemistry&voiceBridge=71234&attendeePW=ap-Q7-xyz-2&moderatorPW=mp-Q7-xyz-2", ""}},
			{proxied: proxied{"create", "meetingID=chemistry&name=Chemistry&duration=-5&attendeePW=ap-Q7-xyz-2&moderatorPW=mp-Q7-xyz-2&voiceBridge=71235&disabledFeatures=presentation", ""}},
			{proxied: proxied{"create", "meetingID=slides&name=Slides&duration=90&attendeePW=ap-Q7-xyz-3&moderatorPW=mp-Q7-xyz-3&voiceBridge=71236", modules}},
			{proxied: proxied{"create", "meetingID=room-1-inner&name=Room&isBreakout=true&freeJoin=false&sequence=1&parentMeetingID=physics&attendeePW=ap-Q7-xyz-4&moderatorPW=mp-Q7-xyz-4&voiceBridge=71237", ""}},
			{proxied: proxied{"isMeetingRunning", room, ""}},
			{proxied: proxied{"getMeetingInfo", room, ""}},
			{proxied: proxied{call: "getMeetings"}},
			{proxied: proxied{call: "getSessions"}},

			{proxied: proxied{"join", "", ""}},
			{proxied: proxied{"join", room, ""}},
			{proxied: proxied{"join", room + "&fullName=Ada", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&password=wrong-Q7-xyz", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=king&redirect=false", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER&createTime=1", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER&createTime=1&redirect=false", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=VIEWER&createTime=soon&redirect=false", ""}},
			{proxied: proxied{"join", room + "&fullName=Ada&role=viewer&userID=u1&redirect=false&userdata-bbb_x=1", ""}},
			{proxied: proxied{"join", room + "&fullName=Bob&password=mp-Q7-xyz-1&userID=u2&redirect=FALSE", ""}},
			{proxied: proxied{"join", room + "&fullName=Eve&password=ap-Q7-xyz-1&userID=u3&enforceLayout=MEDIA_ONLY", ""}},
			{proxied: proxied{"isMeetingRunning", room, ""}},
			{proxied: proxied{"getMeetingInfo", room, ""}},
			{proxied: proxied{call: "getMeetings"}},
			{proxied: proxied{call: "getSessions"}},

			{proxied: proxied{"insertDocument", room, modules}},
			{proxied: proxied{"insertDocument", "meetingID=chemistry", modules}},
			{proxied: proxied{"insertDocument", "", modules}},
			{proxied: proxied{"insertDocument", room, `<modules><module name="presentation"><document name="slides">aGVsbG8=</document></module></modules>`}},
			{proxied: proxied{"sendChatMessage", room + "&message=Hi+there%0Ayou&userName=Ada", ""}},
			{proxied: proxied{"sendChatMessage", room, ""}},
			{proxied: proxied{"sendChatMessage", "message=Hi", ""}},

			{proxied: proxied{"end", "", ""}},
			{proxied: proxied{"end", room + "&password=not-the-one-Q7", ""}},
			{proxied: proxied{"getMeetingInfo", room, ""}, before: func(*bbbtest.Server) { wait(t, 30*time.Second) }},
			{proxied: proxied{"isMeetingRunning", room, ""}},
			{proxied: proxied{"end", room, ""}},
			{proxied: proxied{call: "getMeetings"}},
		} {
			if step.before != nil {
				step.before(behind)
			}
			wantStatus, wantLocation, want := step.direct(t, server)
			got := step.on(t, g)
			body, location := string(got.AppendBody(nil)), got.Location
			assert.Equal(t, wantStatus, got.StatusCode, "%v", step.proxied)
			failed := got.Failed()
			if strings.HasPrefix(location, behind.URL()) { // the browser goes on
				assert.False(t, failed)
				resp, _ := browsed(t, []*bbbtest.Server{behind}, location)
				location = resp.Header.Get("Location")
				failed = strings.Contains(location, "errors=")
			}
			assert.Equal(t, randomTexts.ReplaceAllString(wantLocation, "$1"), randomTexts.ReplaceAllString(location, "$1"), "%v", step.proxied)
			assert.Equal(t, randomTexts.ReplaceAllString(elements(t, want), "$1"), randomTexts.ReplaceAllString(elements(t, body), "$1"), "%v", step.proxied)
			assert.Equal(t, strings.Contains(want+wantLocation, "FAILED") || strings.Contains(wantLocation, "errors="), failed, "%v", step.proxied)
			if body != "" {
				assert.Equal(t, "text/xml;charset=utf-8", got.ContentType())
			}
		}
		there, ok := server.Meeting("slides")
		require.True(t, ok)
		here, ok := behind.Meeting("slides")
		require.True(t, ok)
		assert.Equal(t, there.Documents, here.Documents, "they arrive as they were sent")
		assert.Len(t, here.Documents, 2)
	})
}
