package bbb_test

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hookIDIn returns the hookID of an answer.
func hookIDIn(t testing.TB, answer string) string {
	t.Helper()
	m := regexp.MustCompile(`<hookID>([0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})</hookID>`).FindStringSubmatch(answer)
	require.NotNil(t, m, answer)
	return m[1]
}

// hookURLs returns the callback URLs of an answer to hooks/list.
func hookURLs(t testing.TB, answer string) []string {
	t.Helper()
	var list struct {
		URLs []string `xml:"hooks>hook>callbackURL"`
	}
	require.NoError(t, xml.Unmarshal([]byte(answer), &list))
	return list.URLs
}

// data makes a call as data, and returns the answer and its text.
func data(t testing.TB, g *bbb.Group, call string, params url.Values, opts ...bbb.HandleOption) (*bbb.Response, string) {
	t.Helper()
	resp := g.HandleFromData(t.Context(), call, params, nil, opts...)
	_ = noted(t, resp.Err)
	body := string(resp.AppendBody(nil))
	require.NoError(t, xml.Unmarshal([]byte(body), new(struct{})), body)
	return resp, body
}

// Without a relay, hooks are those of the servers, and each URL has one.
func TestHooksAsData(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	const hook = "https://x.example/?a=b&c=<d>"
	resp, body := data(t, g, "hooks/create", url.Values{"callbackURL": {hook}, "meetingID": {"physics"}, "eventID": {" User-Joined,,user-left "}})
	id := hookIDIn(t, body)
	assert.Equal(t, "<response><returncode>SUCCESS</returncode><hookID>"+id+"</hookID><permanentHook>false</permanentHook><rawData>false</rawData></response>", body)
	assert.Equal(t, "text/xml", resp.ContentType())
	assert.Equal(t, hook, resp.Value.(*bbb.Hook).CallbackURL)
	for _, f := range fakes {
		require.Len(t, f.Hooks(), 1)
		assert.Equal(t, hook, f.Hooks()[0].CallbackURL)
		assert.Equal(t, []string{"user-joined", "user-left"}, f.Hooks()[0].Events)
	}
	for _, events := range []string{"user-joined,user-left", "meeting-ended", ""} {
		resp, body = data(t, g, "hooks/create", url.Values{"callbackURL": {hook}, "meetingID": {"physics"}, "eventID": {events}})
		assert.Equal(t, "<response><returncode>SUCCESS</returncode><hookID>"+id+"</hookID><messageKey>duplicateWarning</messageKey>"+
			"<message>There is already a hook for this callback URL.</message></response>", body)
		assert.Equal(t, "duplicateWarning", resp.Key)
		assert.False(t, resp.Failed())
	}
	_, body = data(t, g, "hooks/create", url.Values{"callbackURL": {"https://raw.example/"}, "getRaw": {"true"}, "eventID": {""}})
	assert.Contains(t, body, "<rawData>true</rawData>")
	_, body = data(t, g, "hooks/list", nil)
	assert.Equal(t, []string{hook, "https://raw.example/"}, hookURLs(t, body))
	assert.Contains(t, body, "<hook><hookID>"+id+"</hookID><callbackURL>")
	assert.Contains(t, body, "<meetingID>physics</meetingID><eventID>user-joined,user-left</eventID><permanentHook>false</permanentHook><rawData>false</rawData></hook>")
	_, body = data(t, g, "hooks/list", url.Values{"meetingID": {"chemistry"}})
	assert.Equal(t, []string{"https://raw.example/"}, hookURLs(t, body))

	for name, c := range map[string]struct {
		call   string
		params url.Values
		key    string
	}{
		"no URL":         {"hooks/create", nil, "missingParamCallbackURL"},
		"no such URL":    {"hooks/create", url.Values{"callbackURL": {"x"}}, "createHookError"},
		"neither":        {"hooks/create", url.Values{"callbackURL": {"https://y.example"}, "getRaw": {"maybe"}}, "createHookError"},
		"raw and events": {"hooks/create", url.Values{"callbackURL": {"https://y.example"}, "getRaw": {"true"}, "eventID": {"x"}}, "createHookError"},
		"no ID":          {"hooks/destroy", nil, "missingParamHookID"},
		"unknown":        {"hooks/destroy", url.Values{"hookID": {"1"}}, "destroyMissingHook"},
	} {
		resp, body = data(t, g, c.call, c.params)
		assert.Equal(t, c.key, resp.Key, name)
		assert.True(t, resp.Failed(), name)
		assert.Equal(t, http.StatusOK, resp.StatusCode, name)
		assert.Contains(t, body, "<returncode>FAILED</returncode><messageKey>"+c.key+"</messageKey><message>", name)
		require.Error(t, resp.Err, name)
	}
	_, body = data(t, g, "hooks/destroy", url.Values{"hookID": {id}})
	assert.Equal(t, "<response><returncode>SUCCESS</returncode><removed>true</removed></response>", body)
	resp, _ = data(t, g, "hooks/destroy", url.Values{"hookID": {id}})
	assert.Equal(t, "destroyMissingHook", resp.Key)
	for _, f := range fakes {
		assert.Len(t, f.Hooks(), 1)
	}
	// What has no relay and not the whole group has no hooks: it would get the events of everybody, signed by servers.
	part, err := g.Scope(map[string]string{"tenant": "red"})
	require.NoError(t, err)
	for call, key := range map[string]string{"hooks/create": "createHookError", "hooks/list": "listHookError", "hooks/destroy": "destroyHookError"} {
		params := url.Values{"callbackURL": {hook}, "hookID": {id}}
		for _, resp := range []*bbb.Response{
			part.HandleFromData(t.Context(), call, params, nil),
			g.HandleFromData(t.Context(), call, params, nil, bbb.HandleAs(&bbb.Tenant{Name: "red", Secrets: []string{redSecret}})),
		} {
			assert.Equal(t, key, resp.Key)
			assert.Equal(t, "Hooks are not available here.", resp.Message)
		}
	}
}

// A server that does not answer does not stop the others, unless that is asked for.
func TestHooksOfServersThatAreAway(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	params := url.Values{"callbackURL": {"https://x.example/"}}
	fakes[1].SetDown(true)
	resp, body := data(t, g, "hooks/create", params)
	assert.False(t, resp.Failed())
	assert.Equal(t, []string{"bbb2"}, groupError(t, resp.Err).Names())
	id := hookIDIn(t, body)
	resp, body = data(t, g, "hooks/list", nil)
	assert.Equal(t, []string{"https://x.example/"}, hookURLs(t, body))
	assert.Equal(t, []string{"bbb2"}, groupError(t, resp.Err).Names())
	for _, call := range []string{"hooks/create", "hooks/list", "hooks/destroy"} {
		resp, body = data(t, g, call, url.Values{"callbackURL": {"https://x.example/"}, "hookID": {id}}, bbb.HandleStrict())
		assert.True(t, resp.Failed(), call)
		assert.NotContains(t, body, "bbb2", call)
	}
	fakes[0].SetDown(true)
	for _, call := range []string{"hooks/create", "hooks/list", "hooks/destroy"} {
		resp, _ = data(t, g, call, url.Values{"callbackURL": {"https://x.example/"}, "hookID": {id}})
		assert.True(t, resp.Failed(), call)
	}
}

// A tenant has the hooks that it made, as it made them, in all replicas, and none of others.
func TestHooksOfTenants(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 2)
		second := r.replica(bbb.WithHandlerRelay(relayPublic, relayKey))
		const hook = "https://red.example/?a=b"
		r.hookFor(redSecret, hook, "meetingID", "physics", "eventID", "user-joined")
		for _, f := range r.fakes {
			require.Len(t, f.Hooks(), 1)
			assert.True(t, strings.HasPrefix(f.Hooks()[0].CallbackURL, relayPublic+"callback/hook/"))
			assert.Equal(t, "red-physics", f.Hooks()[0].MeetingID)
			assert.Equal(t, []string{"user-joined"}, f.Hooks()[0].Events)
		}
		again := callAt(t, second, redSecret, "hooks/create", "callbackURL", hook, "eventID", "meeting-ended")
		assert.Contains(t, again, "duplicateWarning")
		id := hookIDIn(t, again)
		list := callAt(t, second, redSecret, "hooks/list")
		assert.Equal(t, []string{hook}, hookURLs(t, list))
		assert.Equal(t, id, hookIDIn(t, list))
		assert.Contains(t, list, "<meetingID>physics</meetingID><eventID>user-joined</eventID>")
		assert.Empty(t, hookURLs(t, r.call(redSecret, "hooks/list", "meetingID", "chemistry")))

		assert.Empty(t, hookURLs(t, r.call(blueSecret, "hooks/list")))
		assert.Contains(t, r.call(blueSecret, "hooks/destroy", "hookID", id), "destroyMissingHook")
		assert.Contains(t, r.call(blueSecret, "hooks/create", "callbackURL", hook), "permanentHook", "it is another tenant's")
		assert.NotEqual(t, id, hookIDIn(t, r.call(blueSecret, "hooks/list")))
		assert.Contains(t, r.call(redSecret, "hooks/create", "callbackURL", "https://raw.example/", "getRaw", "true"), "createHookError")
		assert.Contains(t, r.call(redSecret, "hooks/create", "callbackURL", "https://long.example/"+strings.Repeat("x", 2000)), "createHookError")

		// A server that was away when a hook was destroyed has it still, and is neither heard nor believed.
		in := r.hookFor(redSecret, "https://gone.example/")
		goneID := hookIDIn(t, r.call(redSecret, "hooks/create", "callbackURL", "https://gone.example/"))
		r.fakes[1].SetDown(true)
		assert.Contains(t, r.call(redSecret, "hooks/destroy", "hookID", goneID), "<removed>true</removed>")
		r.fakes[1].SetDown(false)
		wait(t, time.Minute)
		require.NoError(t, noted(t, r.g.Refresh(t.Context())))
		assert.NotContains(t, r.call(redSecret, "hooks/list"), "gone.example")
		r.fakes[1].Emit(bbbtest.Event{ID: "user-joined", MeetingID: "red-physics"})
		r.waitCallbacks()
		assert.Empty(t, in.take())
		wait(t, 6*time.Minute)
		r.call(redSecret, "hooks/list")
		synctest.Wait()
		for _, f := range r.fakes {
			assert.Len(t, f.Hooks(), 2, "it is destroyed there too")
		}
		assert.Contains(t, callAt(t, second, redSecret, "hooks/destroy", "hookID", id), "<removed>true</removed>")
		assert.Empty(t, hookURLs(t, r.call(redSecret, "hooks/list")), "and another replica sees it")
		wait(t, time.Hour)
		r.call(redSecret, "create", "meetingID", "m1", "name", "Course")
		synctest.Wait()
		for _, f := range r.fakes {
			assert.Len(t, f.Hooks(), 1, "nobody brings it back")
		}
	})
}

// Servers post each event of everybody to each hook to all meetings, so one tenant with thousands of them could
// keep the servers and the relay busy for all.
func TestHooksOfTenantsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		hook := func(secret string, i int, params ...string) string {
			return r.call(secret, "hooks/create", append([]string{"callbackURL", fmt.Sprintf("https://red.example/%d", i)}, params...)...)
		}
		for i := range 100 {
			require.Contains(t, hook(redSecret, i), "SUCCESS")
		}
		refused := hook(redSecret, 100)
		assert.Contains(t, refused, "createHookError")
		assert.Contains(t, refused, "There are too many hooks.")
		assert.Contains(t, hook(redSecret, 99), "duplicateWarning")
		assert.Contains(t, hook(redSecret, 101, "meetingID", "physics"), "SUCCESS")
		assert.Contains(t, hook(blueSecret, 100), "SUCCESS")
		assert.Len(t, r.fakes[0].Hooks(), 102)
	})
}

// A server that is added gets the hooks when something happens next.
func TestHooksReachNewServers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 2)
		in := r.hookFor(redSecret, "https://red.example/")
		synctest.Wait()
		removed := server(t, r.g, "bbb2")
		require.True(t, r.g.Remove("bbb2"))
		hooks := r.fakes[1].Hooks()
		require.Len(t, hooks, 1)
		require.NoError(t, removed.DestroyHook(t.Context(), hooks[0].ID))
		addServer(t, r.g, r.fakes[1])
		r.call(redSecret, "create", "meetingID", "physics", "name", "Course")
		synctest.Wait()
		assert.Equal(t, hooks[0].CallbackURL, r.fakes[1].Hooks()[0].CallbackURL)
		r.waitCallbacks()
		in.take()
		createOn(t, r.fakes[1], bbb.CreateParams{MeetingID: "red-there", Meta: map[string]string{"tenant": "red"}})
		r.waitCallbacks()
		assert.Equal(t, []string{"meeting-created there"}, heard(in))
	})
}

// Events of rooms, and of recordings whose meeting everybody has forgotten.
func TestRelayedEventsOfWhom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		f := r.fakes[0]
		red, blue := r.hookFor(redSecret, "https://red.example/"), r.hookFor(blueSecret, "https://blue.example/")
		for _, secret := range []string{redSecret, blueSecret} {
			r.call(secret, "create", "meetingID", "physics", "name", "Course", "record", "true")
		}
		room, err := f.AddBreakout("red-physics", 1)
		require.NoError(t, err)
		require.NoError(t, f.Attend(room.MeetingID, bbbtest.Attendee{FullName: "Ada"}))
		r.waitCallbacks()
		assert.Equal(t, []string{"meeting-created " + room.MeetingID, "meeting-created physics", "user-joined " + room.MeetingID}, slices.Sorted(slices.Values(heard(red))))
		assert.Equal(t, []string{"meeting-created physics"}, heard(blue))

		// Another replica, that has heard nothing before.
		r.h = r.replica(bbb.WithHandlerRelay(relayPublic, relayKey))
		f.AddRecording(bbbtest.Recording{RecordID: "old-1", MeetingID: "red-old", State: "published", Metadata: map[string]string{"tenant": "red"}})
		f.AddRecording(bbbtest.Recording{RecordID: "old-2", MeetingID: "old", State: "published", Metadata: map[string]string{"tenant": "blue"}})
		for id, meeting := range map[string]map[string]any{
			"rap-publish-ended":      {"internal-meeting-id": "old-1", "external-meeting-id": nil},
			"rap-publish-started":    {"internal-meeting-id": "old-2"},
			"rap-archive-started":    {"internal-meeting-id": "nowhere"},
			"rap-archive-ended":      {"internal-meeting-id": "nowhere", "external-meeting-id": "red-nowhere"},
			"user-left":              {"internal-meeting-id": room.InternalID, "external-meeting-id": room.MeetingID},
			"something-new":          {"external-meeting-id": "physics", "x": 1.50},
			"chat-group-message-new": {"external-meeting-id": "elsewhere"},
		} {
			f.Emit(bbbtest.Event{ID: id, Attributes: map[string]any{"meeting": meeting, "record-id": "x"}})
		}
		r.waitCallbacks()
		assert.Equal(t, []string{"rap-archive-ended nowhere", "rap-publish-ended ", "user-left " + room.MeetingID}, heard(red))
		assert.Equal(t, []string{"rap-publish-started ", "something-new physics"}, heard(blue))
	})
}

// Who has the whole group may have raw messages, and those of all meetings.
func TestRelayedRawMessages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := relayedGroup(t, 1)
		suite.secret("secret of a handler", handlerSecret)
		r.h = r.replica(bbb.WithHandlerTenants(func(context.Context, *bbb.TenantQuery) (*bbb.Tenant, error) {
			return &bbb.Tenant{Secrets: []string{handlerSecret}}, nil
		}), bbb.WithHandlerRelay(relayPublic, relayKey), bbb.WithHandlerRelayAlgorithm(bbb.SHA512))
		in := r.hookFor(handlerSecret, "https://raw.example/", "getRaw", "true")
		createOn(t, r.fakes[0], bbb.CreateParams{MeetingID: "physics"})
		r.waitCallbacks()
		list := in.take()
		require.Len(t, list, 1)
		assert.Contains(t, string(list[0].Raw), `"core"`)
		_, sum, _ := strings.Cut(r.clients.take()[0].url, "checksum=")
		assert.Len(t, sum, 128)
		assert.Contains(t, r.call(handlerSecret, "hooks/list"), "<rawData>true</rawData>")
	})
}
