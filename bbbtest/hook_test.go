package bbbtest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

const hookURL = "http://app/hook?x=1"

// hooked makes a signed call of bbb-webhooks.
func (c *client) hooked(alg, name, query string) answer {
	c.tb.Helper()
	return c.raw(http.MethodGet, "hooks/"+name+"?"+query+"&checksum="+sum(alg, "hooks/"+name+query+secret), "", "")
}

// hook registers a webhook and returns its id.
func (c *client) hook(query string) string {
	c.tb.Helper()
	a := c.hooked("sha1", "create", query)
	require.Equal(c.tb, []string{"returncode", "hookID", "permanentHook", "rawData"}, a.names(), a.body)
	return a.get("hookID")
}

func TestHookCalls(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"2.7", "3.0"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(version), bbbtest.WithPermanentHook("http://perm", true))
			perm := c.Hooks()[0].ID
			assert.Equal(t, "missingParamCallbackURL", c.hooked("sha1", "create", "").key())
			assert.Equal(t, http.StatusInternalServerError, c.hooked("sha1", "create", "callbackURL=u&getRaw=yes").status)
			one := c.hook("callbackURL=" + url.QueryEscape(hookURL) + "&eventID=User-Joined,meeting-ended&meetingID=a%26b")
			two := c.hook("callbackURL=u2&getRaw=true&eventID=")
			if version == "2.7" {
				assert.Equal(t, "1 2 3", strings.Join([]string{perm, one, two}, " "))
			} else {
				for v, id := range map[string]string{"4": one, "5": perm} {
					assert.Regexp(t, "^[0-9a-f]{8}-[0-9a-f]{4}-"+v+"[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$", id)
				}
			}
			again := c.hooked("sha1", "create", "callbackURL="+url.QueryEscape(hookURL)+"&meetingID=other")
			assert.Equal(t, []string{"returncode", "hookID", "messageKey", "message"}, again.names())
			assert.Equal(t, "SUCCESS duplicateWarning "+one, again.get("returncode")+" "+again.key()+" "+again.get("hookID"))
			assert.Equal(t, []bbbtest.Hook{
				{ID: perm, CallbackURL: "http://perm", GetRaw: true, Permanent: true},
				{ID: one, CallbackURL: hookURL, MeetingID: "a&b", Events: []string{"user-joined", "meeting-ended"}},
				{ID: two, CallbackURL: "u2", GetRaw: true, Events: []string{""}},
			}, c.Hooks())

			list := c.hooked("sha1", "list", "").all("hooks/hook")
			require.Len(t, list, 3)
			assert.Equal(t, []string{"hookID", "callbackURL", "permanentHook", "rawData"}, list[0].names())
			assert.Equal(t, []string{"hookID", "callbackURL", "meetingID", "eventID", "permanentHook", "rawData"}, list[1].names())
			assert.Equal(t, hookURL+" a&b user-joined,meeting-ended false false", strings.Join([]string{
				list[1].get("callbackURL"), list[1].get("meetingID"), list[1].get("eventID"), list[1].get("permanentHook"), list[1].get("rawData"),
			}, " "))
			assert.Len(t, c.hooked("sha1", "list", "meetingID=a%26b").all("hooks/hook"), 3)

			assert.Equal(t, "missingParamHookID", c.hooked("sha1", "destroy", "").key())
			assert.Equal(t, "destroyMissingHook", c.hooked("sha1", "destroy", "hookID="+perm).key())
			assert.Equal(t, "true", c.hooked("sha1", "destroy", "hookID="+one).get("removed"))
			assert.Equal(t, "destroyMissingHook", c.hooked("sha1", "destroy", "hookID="+one).key())
			other := c.hooked("sha1", "list", "meetingID=a%26b")
			if version == "2.7" {
				assert.Len(t, other.all("hooks/hook"), 2)
			} else {
				assert.Equal(t, "listHookError", other.key(), "by a bug")
			}

			ping := c.raw(http.MethodGet, "hooks/ping", "", "")
			assert.Equal(t, http.StatusOK, ping.status)
			assert.Contains(t, ping.header.Get("Content-Type"), "text/plain")
			assert.Equal(t, http.StatusMethodNotAllowed, c.raw(http.MethodPost, "hooks/create", "", "").status)
		})
	}
}

func TestHookChecksums(t *testing.T) {
	t.Parallel()
	old, recent := inProcess(t, bbbtest.WithVersion("2.6")), inProcess(t)
	for _, alg := range []string{"sha1", "sha256", "sha384", "sha512"} {
		want := "FAILED checksumError"
		if alg == "sha1" {
			want = "SUCCESS <none>"
		}
		a := old.hooked(alg, "list", "")
		assert.Equal(t, want, a.get("returncode")+" "+a.key(), alg)
		assert.Equal(t, "SUCCESS", recent.hooked(alg, "list", "").get("returncode"), alg)
	}
	upper := strings.ToUpper(sum("sha1", "hooks/list"+secret))
	assert.Equal(t, "checksumError", recent.raw(http.MethodGet, "hooks/list?checksum="+upper, "", "").key())
	assert.Equal(t, "checksumError", recent.raw(http.MethodGet, "hooks/list", "", "").key())
	assert.Equal(t, http.StatusInternalServerError, recent.raw(http.MethodGet, "hooks/list?checksum=123", "", "").status)
	assert.Equal(t, "checksumError", old.raw(http.MethodGet, "hooks/list?checksum=123", "", "").key())
	open := inProcess(t, bbbtest.WithSecret(""))
	assert.Equal(t, "SUCCESS", open.raw(http.MethodGet, "hooks/list", "", "").get("returncode"))
}

func TestHookDeliveries(t *testing.T) {
	t.Parallel()
	rule := func(style bbbtest.HookStyle, g got) string {
		switch style {
		case bbbtest.HooksV2:
			quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
			text := fmt.Sprintf(`{"event":"%s","timestamp":%s,"domain":"%s"}`, quote.Replace(g.form.Get("event")), g.form.Get("timestamp"), g.form.Get("domain"))
			return sum("sha1", hookURL+text+secret)
		case bbbtest.HooksV30:
			return sum("sha512", hookURL+"{}"+secret)
		}
		return sum("sha512", hookURL+g.body+secret)
	}
	for name, c := range map[string]struct {
		style  bbbtest.HookStyle
		prefix string
	}{
		"v2": {bbbtest.HooksV2, "event=%5B%7B%22"}, "v3.0": {bbbtest.HooksV30, "domain=bbb.test&event=%5B%7B%22"}, "v3.4": {bbbtest.HooksV34, "domain=bbb.test&event=%5B%7B%22"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				s := inProcess(t, bbbtest.WithHost("bbb.test"), bbbtest.WithCallbackTransport(r), bbbtest.WithHookStyle(c.style), bbbtest.WithHookAlgorithm("sha512"))
				s.hook("callbackURL=" + url.QueryEscape(hookURL))
				text := "<a&b> \u2028\u2029\ufffd \\u2028 \"é~*"
				s.Emit(bbbtest.Event{ID: "any-thing", MeetingID: "nobody", Attributes: map[string]any{"text": text}})
				require.NoError(t, s.WaitCallbacks(t.Context()))
				list := r.taken()
				require.Len(t, list, 1)
				g := list[0]
				assert.True(t, strings.HasPrefix(g.body, c.prefix), g.body)
				assert.Equal(t, c.style == bbbtest.HooksV2, strings.Contains(g.body, "%20"), "a blank")
				assert.Contains(t, g.form.Get("event"), "<a&b> \u2028\u2029\ufffd \\\\u2028")
				assert.Equal(t, "POST "+hookURL+"&checksum="+rule(c.style, g), g.method+" "+g.url)
				assert.Equal(t, fmt.Sprint(time.Now().UnixMilli()), g.form.Get("timestamp"))
				id, attributes := g.event(t)
				assert.Equal(t, "any-thing", id)
				assert.Equal(t, map[string]any{"text": text, "meeting": map[string]any{"external-meeting-id": "nobody"}}, attributes)
			})
		})
	}
}

func TestHookBearerAndRaw(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		c := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithHookBearer())
		c.hook("callbackURL=http://app/raw&getRaw=true")
		c.hook("callbackURL=http://app/never&getRaw=true&eventID=meeting-created")
		c.call("create", "meetingID=abc&name=abc")
		require.NoError(t, c.WaitCallbacks(t.Context()))
		list := r.taken()
		require.Equal(t, []string{"POST http://app/raw"}, urls(list))
		assert.Equal(t, "Bearer "+secret, list[0].header.Get("Authorization"))
		assert.Contains(t, list[0].form.Get("event"), `"envelope":`)
	})
}

func TestHookEvents(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]bbbtest.HookStyle{"v2": bbbtest.HooksV2, "v3.0": bbbtest.HooksV30, "v3.4": bbbtest.HooksV34} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				c := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithHookStyle(style), bbbtest.WithRecordingFormats("presentation"))
				c.hook("callbackURL=http://app/all")
				c.hook("callbackURL=http://app/other&meetingID=other")
				c.hook("callbackURL=http://app/some&eventID=USER-LEFT,nonsense")
				c.hook("callbackURL=http://app/none&eventID=")
				var all, some []string
				do := func(f func()) (attributes map[string]any) {
					f()
					require.NoError(t, c.WaitCallbacks(t.Context()))
					for _, g := range r.taken() {
						id, a := g.event(t)
						switch strings.Split(g.url, "?")[0] {
						case "http://app/all":
							all, attributes = append(all, id), a
						case "http://app/some":
							some = append(some, id)
						case "http://app/other":
							assert.Equal(t, bbbtest.HooksV30, style, "only these releases forget the meeting of a hook")
						default:
							t.Error(g.url)
						}
					}
					return attributes
				}
				meeting := do(func() { c.call("create", "meetingID=abc&name=abc&record=true&meta_k=v") })["meeting"].(map[string]any)
				assert.Equal(t, []any{"abc", "abc", true}, []any{meeting["external-meeting-id"], meeting["name"], meeting["record"]})
				assert.Equal(t, style != bbbtest.HooksV2, meeting["parent-id"] == "bbb-none")
				assert.Equal(t, style == bbbtest.HooksV34, meeting["audioBridge"] == "bbb-webrtc-sfu")
				do(func() { c.call("create", "meetingID=abc&name=abc") })
				user := do(func() { c.call("join", "meetingID=abc&fullName=Ann&role=MODERATOR&userID=a&guest=true&userdata-x=y") })["user"].(map[string]any)
				assert.Equal(t, []any{"a", "Ann", "MODERATOR", true}, []any{user["external-user-id"], user["name"], user["role"], user["presenter"]})
				assert.Equal(t, style == bbbtest.HooksV34, user["guest"] == true && user["userdata"] != nil)
				require.NoError(t, c.Attend("abc", bbbtest.Attendee{UserID: "b"}))
				do(func() { c.Leave("abc", "b") })
				do(func() { require.NoError(t, c.MarkRecording("abc")) })
				do(func() { c.EndMeeting("abc") })
				want := []string{
					"meeting-created", "user-joined", "user-joined", "user-left", "meeting-recording-started", "user-left", "meeting-ended",
					"rap-archive-started", "rap-archive-ended", "rap-sanity-started", "rap-sanity-ended",
					"rap-process-started", "rap-process-ended", "rap-publish-started", "rap-publish-ended", "rap-post-publish-started", "rap-post-publish-ended",
				}
				if style == bbbtest.HooksV2 {
					want = slices.Delete(want, 5, 6)
					assert.Equal(t, want, all, "in order")
					assert.Equal(t, []string{"user-left"}, some)
				} else {
					assert.ElementsMatch(t, want, all)
					assert.Equal(t, []string{"user-left", "user-left"}, some)
				}
			})
		})
	}
}

func TestHookRetries(t *testing.T) {
	t.Parallel()
	seen := func(list []got) (at []string) {
		for _, g := range list {
			at = append(at, g.at.String())
		}
		return at
	}
	t.Run("deleted", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newReceiver()
			r.respond(status(http.StatusInternalServerError))
			c := inProcess(t, bbbtest.WithCallbackTransport(r))
			c.hook("callbackURL=http://app/")
			c.Emit(bbbtest.Event{ID: "x"})
			require.NoError(t, c.WaitCallbacks(t.Context()))
			list := r.taken()
			assert.Equal(t, []string{"0s", "100ms", "600ms", "1.6s", "3.6s", "7.6s", "15.6s", "25.6s", "55.6s", "1m55.6s", "2m55.6s", "3m55.6s", "4m55.6s"}, seen(list))
			assert.Equal(t, list[0].body, list[12].body, "the same in all tries")
			assert.Empty(t, c.Hooks())
		})
	})
	t.Run("permanent", func(t *testing.T) {
		t.Parallel()
		for style, want := range map[bbbtest.HookStyle][]string{
			bbbtest.HooksV2: {"0s", "1s", "1.008s", "2.008s", "3.008s"}, bbbtest.HooksV34: {"0s", "1s", "2s", "3s", "4s"},
		} {
			synctest.Test(t, func(t *testing.T) {
				r := newReceiver()
				r.respond(status(http.StatusInternalServerError))
				c := inProcess(t, bbbtest.WithCallbackTransport(r), bbbtest.WithHookStyle(style), bbbtest.WithHookWaits(time.Second), bbbtest.WithPermanentHook("http://perm", false))
				c.Emit(bbbtest.Event{ID: "x"})
				wait(4*time.Second + time.Millisecond*5)
				assert.Equal(t, want, seen(r.taken()))
				assert.Len(t, c.Hooks(), 1)
			})
		}
	})
	t.Run("one at a time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			r := newReceiver()
			r.respond(status(http.StatusBadGateway))
			c := inProcess(t, bbbtest.WithVersion("2.7"), bbbtest.WithCallbackTransport(r))
			id := c.hook("callbackURL=http://app/")
			for _, name := range []string{"a", "b"} {
				c.Emit(bbbtest.Event{ID: name})
			}
			wait(50 * time.Millisecond)
			assert.Equal(t, []string{"a"}, eventNames(t, r.taken()))
			r.respond(status(http.StatusUnauthorized))
			require.NoError(t, c.WaitCallbacks(t.Context()))
			assert.Equal(t, []string{"a", "b"}, eventNames(t, r.taken()), "401 is as good as 200")
			r.respond(status(http.StatusBadGateway))
			c.Emit(bbbtest.Event{ID: "c"})
			synctest.Wait()
			c.hooked("sha1", "destroy", "hookID="+id)
			require.NoError(t, c.WaitCallbacks(t.Context()))
			assert.Len(t, r.taken(), 1, "nobody is told any more")
		})
	})
	t.Run("no URL", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			c := inProcess(t, bbbtest.WithHookWaits())
			c.hook("callbackURL=%3A%2F%2F")
			c.Emit(bbbtest.Event{ID: "x"})
			require.NoError(t, c.WaitCallbacks(t.Context()))
			assert.Empty(t, c.Hooks())
		})
	})
}

func TestHookRedirectsAndOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.respond(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodPost {
				w.Header().Set("Location", "/there")
				w.WriteHeader(http.StatusFound)
			}
		})
		c := inProcess(t, bbbtest.WithCallbackTransport(r))
		c.hook("callbackURL=http://app/")
		c.Emit(bbbtest.Event{ID: "x"})
		require.NoError(t, c.WaitCallbacks(t.Context()))
		assert.Equal(t, "GET http://app/there", urls(r.taken())[1], "and the event is lost")
	})
	assert.Panics(t, func() { bbbtest.WithHookStyle(0) })
	assert.Panics(t, func() { bbbtest.WithHookAlgorithm("md5") })
	c := inProcess(t, bbbtest.WithHookStyle(bbbtest.HooksV30))
	c.hook("callbackURL=u&meetingID=abc")
	assert.Empty(t, c.Hooks()[0].MeetingID)
	assert.Equal(t, "listHookError", c.hooked("sha1", "list", "meetingID=abc").key())
	c = inProcess(t, bbbtest.WithVersion("2.4"))
	c.hook("callbackURL=u&eventID=x")
	assert.Nil(t, c.Hooks()[0].Events, "2.5 brought it")
}
