package bbb_test

import (
	"context"
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

// every returns each call about meetings, as a client makes it for a meeting of that ID.
func every(id string) []proxied {
	room := "meetingID=" + id
	return []proxied{
		{"create", room + "&name=Physics", ""},
		{"join", room + "&fullName=Ada&role=VIEWER", ""},
		{"join", room + "&fullName=Ada&role=VIEWER&redirect=false", ""},
		{"isMeetingRunning", room, ""},
		{"end", room, ""},
		{"getMeetingInfo", room, ""},
		{"getMeetings", "", ""},
		{"getSessions", "", ""},
		{"insertDocument", room, oneDocument},
		{"sendChatMessage", room + "&message=Hi", ""},
	}
}

const oneDocument = `<modules><module name="presentation"><document url="https://files.test/a.pdf"/></module></modules>`

// Whatever goes wrong behind the group, a client is told in words for it: none of them names a server, and none
// says that the client's own checksum was wrong.
func TestClientsDoNotLearnWhatIsBehind(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]bbbtest.Fault{
		"refused":          {Refuse: true},
		"dropped":          {Drop: true},
		"HTML":             {HTML: true},
		"500":              {Status: 500},
		"no XML":           {Body: "bbb1.test is down"},
		"checksum":         {Body: "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey><message>of bbb1</message></response>"},
		"of a balancer":    {Body: "<response><returncode>FAILED</returncode><messageKey>internalError</messageKey><message>bbb1.test:8090 timed out</message></response>"},
		"without a server": {Body: "<response><returncode>FAILED</returncode><messageKey>serverUnavailable</messageKey><message>bbb1.test</message></response>"},
		"not supported":    {Body: "<response><returncode>FAILED</returncode><messageKey>unsupportedRequest</messageKey><message>bbb1.test</message></response>"},
	} {
		g, fakes := newGroup(t, 1)
		create(t, g, "physics")
		fakes[0].Inject(fault)
		for _, c := range every("physics") {
			r := c.on(t, g)
			said := r.Location + string(r.AppendBody(nil))
			assert.True(t, r.Failed(), "%s: %v", name, c)
			require.Error(t, r.Err, "%s: %v", name, c)
			assert.Contains(t, []string{"internalError", "serverUnavailable", "unsupportedRequest"}, r.Key, "%s: %v", name, c)
			assert.Contains(t, said, r.Key, "%s: %v", name, c)
			assert.NotContains(t, said, "bbb1", "%s: %v", name, c)
			assert.NotContains(t, said, "checksum", "%s: %v", name, c)
			if c.call != "join" { // a browser is sent away
				assert.Equal(t, r.Key == "unsupportedRequest", r.StatusCode == 404, "%s: %v", name, c)
			}
		}
	}
}

// The key of a server that refuses a call is the answer, with its message.
func TestTheServersOwnRefusalIsPassedOn(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	create(t, g, "physics")
	for _, c := range every("physics")[:3] {
		fakes[0].Inject(bbbtest.Fault{Call: c.call, Times: 1, Body: "<response><returncode>FAILED</returncode><messageKey>oddKey</messageKey><message>odd &amp; new</message></response>"})
		r := c.on(t, g)
		if c.call == "join" && r.StatusCode == 302 {
			continue // the browser will see it
		}
		assert.True(t, r.Failed())
		assert.Equal(t, "oddKey", r.Key, "%v", c)
		assert.Contains(t, string(r.AppendBody(nil)), "<messageKey>oddKey</messageKey><message>odd &amp; new</message>")
	}
}

func TestUnknownCalls(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	for _, call := range []string{"", "feedback", "Create", "getJoinUrl", "stuns", "setConfigXML", "hooks/ping", "create/", "hooks"} {
		r := proxied{call: call}.on(t, g)
		assert.Equal(t, 404, r.StatusCode, call)
		assert.Equal(t, "unsupportedRequest", r.Key, call)
		require.ErrorIs(t, r.Err, bbb.ErrNotSupported, call)
		assert.Equal(t, "<response><returncode>FAILED</returncode><messageKey>unsupportedRequest</messageKey>"+
			"<message>This request is not supported.</message></response>", string(r.AppendBody(nil)))
	}
	assert.Zero(t, requests(fakes, "*"))

	old := newGroupOf(t, newFakes(t, 1, bbbtest.WithVersion("2.7")))
	create(t, old, "physics")
	r := proxied{"sendChatMessage", "meetingID=physics&message=Hi", ""}.on(t, old)
	assert.Equal(t, 404, r.StatusCode, "what no server knows, the group does not know")
}

// A list that lacks a server has what is known of it, unless the caller wants all or nothing: a portal takes a
// meeting that is not in the list for ended, and tidies up behind it.
func TestListsThatLackAServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for _, id := range []string{"a1", "a2", "a3", "a4", "a5", "a6"} {
		create(t, g, id)
	}
	all := func() string { return elements(t, string(proxied{call: "getMeetings"}.on(t, g).AppendBody(nil))) }
	whole := all()
	down := holder(t, fakes, "a1")
	attend(t, down, "a1")
	_ = all()
	down.SetDown(true)

	r := proxied{call: "getMeetings"}.on(t, g)
	assert.False(t, r.Failed())
	ge := groupError(t, r.Err)
	assert.Equal(t, []string{down.Name()}, ge.Names())
	assert.False(t, ge.AllFailed())
	got := string(r.AppendBody(nil))
	for _, id := range []string{"a1", "a2", "a3", "a4", "a5", "a6"} {
		assert.Equal(t, 1, strings.Count(got, "<meetingID>"+id+"</meetingID>"), id)
	}
	assert.Equal(t, strings.Count(whole, "\n"), strings.Count(elements(t, got), "\n")-8, "one attendee more")
	assert.Len(t, r.Value, 6)

	r = proxied{call: "getMeetings"}.on(t, g, bbb.HandleStrict())
	assert.True(t, r.Failed())
	assert.Equal(t, "internalError", r.Key)
	r = proxied{call: "getSessions"}.on(t, g, bbb.HandleStrict())
	assert.Equal(t, "internalError", r.Key)
	r = proxied{call: "getSessions"}.on(t, g)
	assert.False(t, r.Failed())
	_ = groupError(t, r.Err)

	for range 3 { // it is offline then
		_ = proxied{call: "getMeetings"}.on(t, g)
	}
	got = string(proxied{call: "getMeetings"}.on(t, g).AppendBody(nil))
	assert.NotContains(t, got, "<meetingID>a1</meetingID>", "what was on a server that is offline may be created elsewhere")

	for _, f := range fakes {
		f.SetDown(true)
	}
	for _, call := range []string{"getMeetings", "getSessions"} {
		r = proxied{call: call}.on(t, g)
		assert.True(t, r.Failed(), call)
		assert.Equal(t, "internalError", r.Key, call)
		assert.True(t, groupError(t, r.Err).AllFailed(), call)
	}
}

// An unsure create is repeated by its client, and finds the meeting.
func TestCreateWithAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: "create", Times: 1, Drop: true})
	}
	c := proxied{"create", "meetingID=physics&name=Physics", ""}
	r := c.on(t, g)
	assert.Equal(t, "internalError", r.Key)
	require.ErrorIs(t, r.Err, bbb.ErrOutcomeUnknown)
	r = c.on(t, g)
	require.NoError(t, r.Err)
	assert.Equal(t, "duplicateWarning", r.Key)
	assert.Len(t, holders(fakes, "physics"), 1)
}

func TestCallsThatEndEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		create(t, g, "physics")
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		for i, c := range every("physics") {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if i%2 == 0 {
				cancel()
			}
			params, err := url.ParseQuery(c.query)
			require.NoError(t, err)
			r := g.HandleFromData(ctx, c.call, params, strings.NewReader(c.body))
			cancel()
			assert.Equal(t, "internalError", r.Key, "%v", c)
			require.Error(t, noted(t, r.Err), "%v", c)
		}
	})
	empty := newEmptyGroup(t)
	r := proxied{"create", "meetingID=physics&name=Physics", ""}.on(t, empty)
	assert.Equal(t, "serverUnavailable", r.Key)
	require.NoError(t, empty.Close(t.Context()))
	for _, c := range every("physics") {
		r := c.on(t, empty)
		assert.Equal(t, "serverUnavailable", r.Key, "%v", c)
		require.ErrorIs(t, r.Err, bbb.ErrClosed, "%v", c)
	}
}

// What XML cannot hold would make the answers of a server unreadable for ever.
func TestTextsAreCleanWhenTheyGoOn(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	r := g.HandleFromData(t.Context(), "create", url.Values{
		"meetingID": {"physics"}, "name": {"a\x01b\xffc\uFFFEd\u0085e", "second"}, "meta_x": {"1\x002\xed\xa0\x803\n4"}, "meta_\xff": {"gone"},
		"welcome": {"a\n\tb"},
	}, nil)
	require.NoError(t, noted(t, r.Err))
	m, ok := fakes[0].Meeting("physics")
	require.True(t, ok)
	assert.Equal(t, "ab\uFFFDc\uFFFDde", m.Name)
	assert.Equal(t, "12\uFFFD\uFFFD\uFFFD3\n4", m.Metadata["x"])
	assert.Equal(t, "a\n\tb", m.Params.Get("welcome"))
	for name := range m.Params {
		assert.NotContains(t, name, "\uFFFD")
	}
	assert.Contains(t, string(proxied{call: "getMeetings"}.on(t, g).AppendBody(nil)), "<meetingName>ab\uFFFDc\uFFFDde</meetingName>")
	params := url.Values{"meetingID": {"physics"}, "name": {"\xff"}}
	_ = g.HandleFromData(t.Context(), "getMeetingInfo", params, nil)
	assert.Equal(t, []string{"\xff"}, params["name"], "what the caller handed over is his")
}

func TestTheIndex(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	r := proxied{call: "index"}.on(t, g)
	assert.Equal(t, "<response><returncode>SUCCESS</returncode><version>2.0</version><apiVersion>2.0</apiVersion><bbbVersion/></response>", string(r.AppendBody(nil)))
	r = proxied{call: "index"}.on(t, g, bbb.HandleContentType("application/json; charset=UTF-8"))
	assert.JSONEq(t, `{"response":{"returncode":"SUCCESS","version":"2.0","apiVersion":"2.0","bbbVersion":""}}`, string(r.AppendBody(nil)))
	assert.Equal(t, "application/json;charset=utf-8", r.ContentType())
	assert.Zero(t, requests(fakes, "*"))
}
