package bbb_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/http/httptest"
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

// webToken makes a JSON Web Token without the code under test.
func webToken(alg, secret string, claims map[string]any) string {
	return webTokenOf(alg, secret, fmt.Sprintf(`{"alg":%q}`, alg), claims)
}

func webTokenOf(alg, secret, header string, claims map[string]any) string {
	text, _ := json.Marshal(claims)
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString(text)
	hashes := map[string]func() hash.Hash{"HS256": sha256.New, "HS384": sha512.New384, "HS512": sha512.New}
	if hashes[alg] == nil {
		return signed + "."
	}
	mac := hmac.New(hashes[alg], []byte(secret))
	mac.Write([]byte(signed))
	sum := base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	suite.secret("signature of a token", sum)
	return signed + "." + sum
}

// callbackLog returns the option of a log, and the log.
func callbackLog(t testing.TB) (bbb.CallbackOption, *records) {
	log := new(records)
	return bbb.WithCallbackLogger(suite.logger(t, slog.NewJSONHandler(log, nil))), log
}

const endedKey = "0123456789abcdef0123456789abcdef"

func TestSignCallbackURL(t *testing.T) {
	t.Parallel()
	const sum = "e63c37e42058375ef30e4fb89b022edfc500a2689244961d675a889dfe8609d0" // made with another program
	for raw, want := range map[string]string{
		"https://portal.example/ended":     "https://portal.example/ended?for=physics%2F1&checksum=" + sum,
		"https://portal.example/ended?a=b": "https://portal.example/ended?a=b&for=physics%2F1&checksum=" + sum,
	} {
		got, err := bbb.SignCallbackURL(raw, endedKey, "physics/1")
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}
	for _, c := range [][3]string{
		{"/ended", endedKey, "physics"},
		{"https://portal.example/?for=x", endedKey, "physics"},
		{"https://portal.example/?checksum=x", endedKey, "physics"},
		{"https://portal.example", "short", "physics"},
		{"https://portal.example", endedKey, "a,b"},
		{"https://portal.example", endedKey, ""},
	} {
		_, err := bbb.SignCallbackURL(c[0], c[1], c[2])
		assert.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, c)
	}
}

// get sends a GET, or another method, to a handler.
func get(t testing.TB, h http.Handler, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, target, nil))
	return w
}

func TestMeetingEndedHandler(t *testing.T) {
	t.Parallel()
	var got []bbb.MeetingEndedCallback
	var fails error
	handle := func(ctx context.Context, c bbb.MeetingEndedCallback) error {
		_, ok := ctx.Deadline()
		assert.True(t, ok)
		got = append(got, c)
		return fails
	}
	log, lines := callbackLog(t)
	plain, err := bbb.NewMeetingEndedHandler(handle, log)
	require.NoError(t, err)
	w := get(t, plain, "GET", "/ended?own=1")
	assert.Equal(t, 200, w.Code)
	assert.Less(t, w.Body.Len(), 20)
	assert.Equal(t, bbb.MeetingEndedCallback{Query: url.Values{"own": {"1"}}}, got[0], "meetingEndedURL of some releases: nothing is added")
	assert.Equal(t, 200, get(t, plain, "GET", "/ended?recordingmarks=true&meetingID=physics").Code)
	assert.Equal(t, "physics", got[1].MeetingID)
	assert.True(t, *got[1].RecordingMarks)
	assert.Equal(t, 200, get(t, plain, "GET", "/ended?recordingmarks=false").Code)
	assert.False(t, *got[2].RecordingMarks)
	assert.Equal(t, 200, get(t, plain, "HEAD", "/ended?recordingmarks=false").Code)
	assert.Len(t, got, 3, "a probe")
	w = get(t, plain, "POST", "/ended")
	assert.Equal(t, 405, w.Code)
	assert.Equal(t, "GET, HEAD", w.Header().Get("Allow"))
	fails = errors.New("no room")
	assert.Equal(t, 500, get(t, plain, "GET", "/ended").Code)
	assert.Len(t, lines.with("callback not handled"), 1)
	fails, got = nil, nil

	signed, err := bbb.NewMeetingEndedHandler(handle, log, bbb.WithCallbackKey(endedKey))
	require.NoError(t, err)
	target, err := bbb.SignCallbackURL("https://portal.example/ended?own=1", endedKey, "physics/1")
	require.NoError(t, err)
	assert.Equal(t, 200, get(t, signed, "GET", target+"&recordingmarks=true").Code)
	assert.Equal(t, 200, get(t, signed, "GET", target+"&recordingmarks=true&meetingID=physics/1").Code)
	require.Len(t, got, 2)
	assert.Equal(t, "physics/1", got[0].MeetingID)
	assert.Equal(t, url.Values{"own": {"1"}, "recordingmarks": {"true"}}, got[0].Query, "without the checksum")
	for _, bad := range []string{
		"/ended", "/ended?meetingID=physics%2F1", target + "&meetingID=biology", target + "&for=biology", target + "&checksum=x",
		strings.Replace(target, "physics", "biology", 1), target[:len(target)-1], strings.Replace(target, "for=", "four=", 1),
	} {
		assert.Equal(t, 403, get(t, signed, "GET", bad).Code, bad)
		assert.Equal(t, 403, get(t, signed, "HEAD", bad).Code, bad)
	}
	assert.Len(t, got, 2)
	text := fmt.Sprint(lines.with("callback refused"))
	assert.NotContains(t, text, "e63c37e4")
	assert.NotContains(t, text, "biology")
}

func TestMeetingEndedIsCheckedWithTheServers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	var got []string
	h, err := bbb.NewMeetingEndedHandler(func(_ context.Context, c bbb.MeetingEndedCallback) error {
		got = append(got, c.MeetingID)
		return nil
	}, bbb.WithMeetingCheck(g))
	require.NoError(t, err)
	create(t, g, "physics")
	attend(t, fakes[0], "physics")
	assert.Equal(t, 409, get(t, h, "GET", "/?meetingID=physics").Code)
	assert.Equal(t, 400, get(t, h, "GET", "/").Code)
	require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
	assert.Equal(t, 200, get(t, h, "GET", "/?meetingID=physics").Code)
	fakes[0].Inject(bbbtest.Fault{Drop: true})
	assert.Equal(t, 503, get(t, h, "GET", "/?meetingID=physics").Code)
	assert.Equal(t, []string{"physics"}, got)
}

// ready sends a token as the script of BigBlueButton does.
func ready(t testing.TB, h http.Handler, token string) int {
	t.Helper()
	return post{body: url.Values{"signed_parameters": {token}}.Encode()}.to(t, h).Code
}

func TestRecordingReadyHandler(t *testing.T) {
	t.Parallel()
	g := wireSecretGroup(t, map[string][]string{"bbb1": {"secret-of-bbb1", "new-secret-of-bbb1"}, "bbb2": {"secret-of-bbb2"}}, "bbb1", "bbb2")
	var got []bbb.RecordingReady
	var fails error
	log, lines := callbackLog(t)
	handle := func(_ context.Context, r bbb.RecordingReady) error {
		got = append(got, r)
		return fails
	}
	h, err := bbb.NewRecordingReadyHandler(handle, bbb.WithCallbackGroup(g), log)
	require.NoError(t, err)
	both, err := bbb.NewRecordingReadyHandler(handle, bbb.WithCallbackGroup(g), log, bbb.WithHS512(), bbb.WithCallbackSecrets("secret-of-a-balancer"))
	require.NoError(t, err)
	claims := map[string]any{"meeting_id": "physics", "record_id": "int-1"}
	now := time.Now()
	with := func(name string, value any) map[string]any {
		return map[string]any{"meeting_id": "physics", "record_id": "int-1", name: value}
	}
	for name, c := range map[string]struct {
		token  string
		h      http.Handler
		status int
		from   string
	}{
		"HS256":                  {webToken("HS256", "secret-of-bbb1", claims), h, 200, "bbb1"},
		"with typ":               {webTokenOf("HS256", "secret-of-bbb2", `{"typ":"JWT","alg":"HS256"}`, claims), h, 200, "bbb2"},
		"rotated secret":         {webToken("HS256", "new-secret-of-bbb1", claims), h, 200, "bbb1"},
		"a number for an ID":     {webToken("HS256", "secret-of-bbb1", with("meeting_id", 7)), h, 200, "bbb1"},
		"not yet expired":        {webToken("HS256", "secret-of-bbb1", with("exp", now.Add(time.Minute).Unix())), h, 200, "bbb1"},
		"HS512 when allowed":     {webToken("HS512", "secret-of-bbb2", claims), both, 200, "bbb2"},
		"HS256 as well":          {webToken("HS256", "secret-of-a-balancer", claims), both, 200, ""},
		"HS512":                  {webToken("HS512", "secret-of-bbb1", claims), h, 401, ""},
		"HS384":                  {webToken("HS384", "secret-of-bbb1", claims), both, 401, ""},
		"none":                   {webToken("none", "", claims), both, 401, ""},
		"None":                   {webToken("None", "", claims), both, 401, ""},
		"no algorithm":           {webTokenOf("HS256", "secret-of-bbb1", "{}", claims), both, 401, ""},
		"says HS256 and is none": {webTokenOf("none", "", `{"alg":"HS256"}`, claims), both, 401, ""},
		"says HS256, is HS512":   {webTokenOf("HS512", "secret-of-bbb1", `{"alg":"HS256"}`, claims), both, 401, ""},
		"empty secret":           {webToken("HS256", "", claims), both, 401, ""},
		"wrong secret":           {webToken("HS256", "secret-of-bbb3", claims), both, 401, ""},
		"expired":                {webToken("HS256", "secret-of-bbb1", with("exp", now.Add(-time.Minute).Unix())), h, 401, ""},
		"not valid yet":          {webToken("HS256", "secret-of-bbb1", with("nbf", now.Add(time.Hour).Unix())), h, 401, ""},
		"empty":                  {"", h, 401, ""},
		"no token":               {"x", h, 401, ""},
		"cut off":                {strings.TrimRight(webToken("HS256", "secret-of-bbb1", claims), "=")[:80], h, 401, ""},
		"no record":              {webToken("HS256", "secret-of-bbb1", with("record_id", nil)), h, 400, ""},
		"no meeting":             {webToken("HS256", "secret-of-bbb1", with("meeting_id", "")), h, 400, ""},
	} {
		got = nil
		assert.Equal(t, c.status, ready(t, c.h, c.token), name)
		if c.status != 200 {
			assert.Empty(t, got, name)
			continue
		}
		require.Len(t, got, 1, name)
		assert.Equal(t, "int-1", got[0].RecordID)
		if c.from == "" {
			assert.Nil(t, got[0].Server())
		} else {
			assert.Equal(t, c.from, got[0].Server().Name())
		}
	}
	good := webToken("HS256", "secret-of-bbb1", claims)
	for body, status := range map[string]int{
		"": 400, "x=y": 400, "signed_parameters=" + good + "&signed_parameters=" + good: 400, "%zz&signed_parameters=" + good: 400,
		"signed_parameters=" + strings.Repeat("x", 64<<10): 413,
	} {
		assert.Equal(t, status, post{body: body}.to(t, h).Code, "%.30s", body)
	}
	assert.Equal(t, 405, get(t, h, "GET", "/?signed_parameters="+good).Code)
	fails = fmt.Errorf("the course is over: %w", bbb.ErrUnwanted)
	assert.Equal(t, 410, ready(t, h, good))
	fails = errors.New("no room for secret-of-bbb2")
	assert.Equal(t, 500, ready(t, h, good))
	assert.Contains(t, lines.with("callback not handled")[0]["error"], "no room for [redacted]")
	reasons := fmt.Sprint(lines.with("callback refused"))
	for _, reason := range []string{"has expired", "not valid now", "one that none is", "not signed by a secret"} {
		assert.Contains(t, reasons, reason)
	}
	assert.NotContains(t, reasons, "secret-of")
	assert.NotContains(t, reasons, good[strings.LastIndexByte(good, '.')+1:])
	assert.NotContains(t, reasons, "physics")
}

const report = `{"version":"1.0","meeting_id":"physics","internal_meeting_id":"int-1","data":{
	"metadata":{"analytics_callback_url":"https://portal.example","is_breakout":false},
	"duration":3600,"start":"2023-11-14T22:13:20.000+00:00","finish":"2023-11-14 23:13:20 +0000",
	"attendees":[{"ext_user_id":"ada","name":"Ada","moderator":true,"joins":["2023-11-14T22:13:30Z","x",null],"leaves":[1700003600000],
		"duration":3590,"recent_talking_time":"2023-11-14T22:20:00Z",
		"engagement":{"chats":1,"talks":2,"raisehand":3,"emojis":4,"poll_votes":5,"talk_time":60},"sessions":{"w_1":[]}}, 7],
	"files":["default.pdf"],
	"polls":[{"id":"p1","published":true,"options":["Yes","No"],"start":"2023-11-14T22:30:00Z","votes":{"ada":"Yes"}}, 8]}}`

func analytics(t testing.TB, h http.Handler, token, body string) int {
	t.Helper()
	return post{body: body, contentType: jsonType, bearer: token}.to(t, h).Code
}

func TestAnalyticsHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := wireSecretGroup(t, map[string][]string{"bbb1": {"secret-of-bbb1", "new-secret-of-bbb1"}}, "bbb1")
		var got []bbb.AnalyticsReport
		var fails error
		log, lines := callbackLog(t)
		h, err := bbb.NewAnalyticsHandler(func(_ context.Context, r bbb.AnalyticsReport) error {
			got = append(got, r)
			return fails
		}, bbb.WithCallbackGroup(g), log, bbb.WithCallbackBodyLimit(4096))
		require.NoError(t, err)
		exp := func(d time.Duration) map[string]any { return map[string]any{"exp": time.Now().Add(d).Unix()} }
		good := webToken("HS512", "secret-of-bbb1", exp(24*time.Hour))
		require.Equal(t, 200, analytics(t, h, good, report))
		require.Len(t, got, 1)
		r := got[0]
		assert.Equal(t, "bbb1", r.Server().Name())
		assert.Equal(t, "1.0", r.Version)
		assert.Equal(t, "physics", r.MeetingID)
		assert.Equal(t, "int-1", r.InternalID)
		assert.Equal(t, map[string]string{"analytics_callback_url": "https://portal.example", "is_breakout": "false"}, r.Metadata)
		assert.Equal(t, time.Hour, r.Duration)
		assert.Equal(t, time.UnixMilli(1700000000000).UTC(), r.Start)
		assert.Equal(t, r.Start.Add(time.Hour), r.Finish)
		assert.JSONEq(t, report, string(r.Raw))
		assert.Equal(t, []bbb.AnalyticsAttendee{{
			ExternalID: "ada", Name: "Ada", Moderator: true, Joins: []time.Time{r.Start.Add(10 * time.Second)}, Leaves: []time.Time{r.Start.Add(time.Hour)},
			Duration: 3590 * time.Second, RecentTalkingTime: "2023-11-14T22:20:00Z",
			Engagement: bbb.AnalyticsEngagement{Chats: 1, Talks: 2, RaiseHand: 3, Emojis: 4, PollVotes: 5, TalkTime: time.Minute},
			Sessions:   json.RawMessage(`{"w_1":[]}`),
		}}, r.Attendees)
		assert.Equal(t, []string{"default.pdf"}, r.Files)
		require.Len(t, r.Polls, 2)
		assert.Equal(t, "p1", r.Polls[0].ID)
		assert.True(t, r.Polls[0].Published)
		assert.Equal(t, []string{"Yes", "No"}, r.Polls[0].Options)
		assert.Equal(t, map[string]string{"ada": "Yes"}, r.Polls[0].Votes)
		assert.Equal(t, "8", string(r.Polls[1].Raw))

		got = nil
		for name, c := range map[string]struct {
			token, body string
			status      int
		}{
			"rotated":       {webToken("HS512", "new-secret-of-bbb1", exp(time.Hour)), `{"meeting_id":"x"}`, 200},
			"no token":      {"", report, 401},
			"the secret":    {"secret-of-bbb1", report, 401},
			"HS256":         {webToken("HS256", "secret-of-bbb1", exp(time.Hour)), report, 401},
			"none":          {webToken("none", "", exp(time.Hour)), report, 401},
			"wrong secret":  {webToken("HS512", "secret-of-bbb2", exp(time.Hour)), report, 401},
			"without exp":   {webToken("HS512", "secret-of-bbb1", nil), report, 401},
			"expired":       {webToken("HS512", "secret-of-bbb1", exp(-time.Second)), report, 401},
			"no JSON":       {good, "x", 400},
			"a list":        {good, "[]", 400},
			"no meeting":    {good, `{"data":{}}`, 400},
			"odd kinds":     {good, `{"meeting_id":5,"data":[]}`, 200},
			"too large":     {good, report + strings.Repeat(" ", 4096), 413},
			"expires today": {webToken("HS512", "secret-of-bbb1", exp(time.Second)), report, 200},
		} {
			assert.Equal(t, c.status, analytics(t, h, c.token, c.body), name)
		}
		assert.Len(t, got, 3)
		assert.Equal(t, 405, get(t, h, "GET", "/").Code)
		wait(t, 24*time.Hour)
		assert.Equal(t, 401, analytics(t, h, good, report), "time goes by")
		fails = errors.New("no room")
		assert.Equal(t, 500, analytics(t, h, webToken("HS512", "secret-of-bbb1", exp(time.Hour)), report))
		assert.NotContains(t, fmt.Sprint(lines.list), "secret-of")
	})
}

func TestAnalyticsAreCheckedWithTheServers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	n := 0
	h, err := bbb.NewAnalyticsHandler(func(context.Context, bbb.AnalyticsReport) error { n++; return nil },
		bbb.WithCallbackGroup(g), bbb.WithMeetingCheck(g))
	require.NoError(t, err)
	good := webToken("HS512", fakes[0].Secret(), map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
	m := create(t, g, "physics")
	attend(t, fakes[0], "physics")
	assert.Equal(t, 409, analytics(t, h, good, `{"meeting_id":"physics"}`))
	assert.Equal(t, 409, analytics(t, h, good, `{"meeting_id":"physics","internal_meeting_id":"`+m.InternalID+`"}`))
	assert.Equal(t, 200, analytics(t, h, good, `{"meeting_id":"physics","internal_meeting_id":"an-earlier-one"}`), "the ID is in use again")
	require.NoError(t, g.EndMeeting(t.Context(), "physics", ""))
	assert.Equal(t, 200, analytics(t, h, good, `{"meeting_id":"physics"}`))
	fakes[0].Inject(bbbtest.Fault{Drop: true})
	assert.Equal(t, 503, analytics(t, h, good, `{"meeting_id":"physics"}`))
	assert.Equal(t, 2, n)
}
