package bbb_test

import (
	"context"
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// wireSecretGroup returns a group of servers that have these secrets.
func wireSecretGroup(t testing.TB, secrets map[string][]string, names ...string) *bbb.Group {
	t.Helper()
	g := newEmptyGroup(t)
	for _, name := range names {
		addSecretServer(t, g, name, secrets[name]...)
	}
	return g
}

func addSecretServer(t testing.TB, g *bbb.Group, name string, secrets ...string) {
	t.Helper()
	var opts []bbb.ServerOption
	if len(secrets) > 1 {
		opts = append(opts, bbb.WithSecondSecret(secrets[1]))
	}
	_, err := g.New(name, "https://"+name+".example", secrets[0], opts...)
	require.NoError(t, err)
}

func numbered(n int) string {
	return v34Body(strings.ReplaceAll(goldenEvent, "int-1", "int-"+strings.Repeat("1", n)), time.Now())
}

// The servers of a group may send: those it has now, with either secret.
func TestHookHandlerOfAGroup(t *testing.T) {
	t.Parallel()
	g := wireSecretGroup(t, map[string][]string{
		"bbb1": {"secret-of-bbb1", "new-secret-of-bbb1"}, "bbb2": {"secret-of-both"}, "bbb3": {"secret-of-both"},
	}, "bbb1", "bbb2", "bbb3")
	in := new(inbox)
	h, err := bbb.NewHookHandler(hookURL, in.handle, bbb.WithCallbackGroup(g), bbb.WithCallbackSecrets("secret-of-a-balancer"))
	require.NoError(t, err)
	n := 0
	send := func(secret string) (int, []bbb.Event) {
		n++
		return v34(numbered(n), secret).to(t, h).Code, in.take()
	}
	for secret, from := range map[string]string{
		"secret-of-bbb1": "bbb1", "new-secret-of-bbb1": "bbb1", "secret-of-both": "", "secret-of-a-balancer": "",
	} {
		status, events := send(secret)
		require.Equal(t, 200, status, secret)
		require.Len(t, events, 1)
		if from == "" {
			assert.Nil(t, events[0].Server(), "several may have sent it")
		} else {
			require.NotNil(t, events[0].Server())
			assert.Equal(t, from, events[0].Server().Name())
		}
	}
	status, _ := send("secret-of-bbb4")
	assert.Equal(t, 403, status)
	addSecretServer(t, g, "bbb4", "secret-of-bbb4")
	status, events := send("secret-of-bbb4")
	assert.Equal(t, 200, status, "added later")
	assert.Equal(t, "bbb4", events[0].Server().Name())
	require.True(t, g.Remove("bbb4"))
	status, _ = send("secret-of-bbb4")
	assert.Equal(t, 403, status, "removed")
	require.True(t, g.Remove("bbb3"))
	_, events = send("secret-of-both")
	assert.Equal(t, "bbb2", events[0].Server().Name(), "now it is the only one")
}

// A handler of a group logs where the group does.
func TestHookHandlerLogsWhereItsGroupDoes(t *testing.T) {
	t.Parallel()
	log, lines := logged(t)
	g := newEmptyGroup(t, log)
	h, err := bbb.NewHookHandler(hookURL, new(inbox).handle, bbb.WithCallbackGroup(g))
	require.NoError(t, err)
	assert.Equal(t, 403, v34("x", "whatever-it-is").to(t, h).Code, "a group without servers")
	require.Len(t, lines.with("callback refused"), 1)
	assert.Equal(t, "school", lines.with("callback refused")[0]["group"])
}

// One handler for many hooks.
func TestCallbackURLFunc(t *testing.T) {
	t.Parallel()
	in := new(inbox)
	h, err := bbb.NewHookHandler("", in.handle, bbb.WithCallbackSecrets(hookSecret), bbb.WithCallbackURLFunc(func(r *http.Request) string {
		if id, ok := strings.CutPrefix(r.URL.Path, "/hooks/"); ok {
			return "https://portal.example/hooks/" + id
		}
		return ""
	}))
	require.NoError(t, err)
	body := v34Body(goldenEvent, time.Now())
	send := func(path, signedFor string) int {
		w := httptest.NewRecorder()
		checksum := hexOf(sha256.New(), signedFor, body, hookSecret)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path+"?checksum="+checksum, strings.NewReader(body))
		r.Header.Set("Content-Type", formType)
		h.ServeHTTP(w, r)
		return w.Code
	}
	assert.Equal(t, 200, send("/hooks/a", "https://portal.example/hooks/a"))
	assert.Equal(t, 200, send("/hooks/b", "https://portal.example/hooks/b"))
	assert.Equal(t, 403, send("/hooks/b", "https://portal.example/hooks/a"))
	assert.Equal(t, 403, send("/other", ""))
	events := in.take()
	require.Len(t, events, 2, "the same event for two hooks is not a repetition")
	assert.Equal(t, "https://portal.example/hooks/b", events[1].CallbackURL)
}

// A sender gives up after five seconds and tries again while the first try is still
// being worked on.
func TestHookRepeatedWhileItIsHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		h, err := bbb.NewHookHandler(hookURL, func(ctx context.Context, _ bbb.Event) error {
			calls++
			deadline, ok := ctx.Deadline()
			assert.True(t, ok)
			assert.Equal(t, 4*time.Second, time.Until(deadline))
			wait(t, 10*time.Second) // does not look at its context
			assert.Error(t, ctx.Err())
			return nil
		}, bbb.WithCallbackSecrets(hookSecret))
		require.NoError(t, err)
		p := v34(v34Body(goldenEvent, time.Now()), hookSecret)
		done := after(func() { assert.Equal(t, 200, p.to(t, h).Code) })
		wait(t, 5*time.Second)
		assert.Equal(t, 503, p.to(t, h).Code)
		<-done
		assert.Equal(t, 200, p.to(t, h).Code)
		assert.Equal(t, 1, calls)
	})
}

// A function that panics has not handled the event.
func TestHookFunctionThatPanics(t *testing.T) {
	t.Parallel()
	broken := true
	h, err := bbb.NewHookHandler(hookURL, func(context.Context, bbb.Event) error {
		if broken {
			panic("oops")
		}
		return nil
	}, bbb.WithCallbackSecrets(hookSecret))
	require.NoError(t, err)
	p := v34(v34Body(goldenEvent, time.Now()), hookSecret)
	assert.Panics(t, func() { p.to(t, h) })
	broken = false
	assert.Equal(t, 200, p.to(t, h).Code)
}

func TestEventQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := bbb.NewEventQueue(2)
		h, err := bbb.NewHookHandler(hookURL, q.Handle, bbb.WithCallbackSecrets(hookSecret))
		require.NoError(t, err)
		for n := 1; n <= 3; n++ {
			status := v34(numbered(n), hookSecret).to(t, h).Code
			assert.Equal(t, map[bool]int{true: 200, false: 500}[n <= 2], status)
		}
		assert.Equal(t, 2, q.Len())
		var got []string
		for e := range q.Events(t.Context()) {
			got = append(got, e.Meeting.InternalID)
			break
		}
		assert.Equal(t, 200, v34(numbered(3), hookSecret).to(t, h).Code, "there is room again")
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for e := range q.Events(ctx) {
			got = append(got, e.Meeting.InternalID)
		}
		assert.Equal(t, []string{"int-1", "int-11", "int-111"}, got)
		assert.ErrorIs(t, q.Handle(ctx, bbb.Event{}), context.DeadlineExceeded, "nobody waits for it any more")

		require.NoError(t, q.Handle(t.Context(), bbb.Event{}))
		for range q.Events(ctx) {
			t.Error("the context was over")
		}
		assert.Equal(t, 1, q.Len(), "stays for the next")
		small := bbb.NewEventQueue(-1)
		require.NoError(t, small.Handle(t.Context(), bbb.Event{}))
		require.ErrorIs(t, small.Handle(t.Context(), bbb.Event{}), bbb.ErrQueueFull)
	})
}

// All problems come at once, and an option that does nothing is one.
func TestCallbackOptionsAreChecked(t *testing.T) {
	t.Parallel()
	hook := func(url string, f bbb.EventHandler, opts ...bbb.CallbackOption) error {
		h, err := bbb.NewHookHandler(url, f, opts...)
		assert.Equal(t, h == nil, err != nil)
		return err
	}
	for _, c := range []struct {
		err  error
		says []string
	}{
		{hook("", nil), []string{"callback URL is required", "nil function", "no secrets"}},
		{hook("/hooks", new(inbox).handle, bbb.WithCallbackSecrets("")), []string{"absolute", "WithCallbackSecrets"}},
		{
			hook(hookURL, new(inbox).handle, nil, bbb.WithCallbackGroup(nil), bbb.WithCallbackLogger(nil), bbb.WithCallbackBodyLimit(0),
				bbb.WithCallbackTimeout(0), bbb.WithReplayWindow(0), bbb.WithCallbackURLFunc(nil)),
			[]string{"nil option", "WithCallbackGroup", "WithCallbackLogger", "WithCallbackBodyLimit", "WithCallbackTimeout", "WithReplayWindow", "WithCallbackURLFunc"},
		},
		{
			hook(hookURL, new(inbox).handle, bbb.WithCallbackSecrets("x"), bbb.WithHS512(), bbb.WithCallbackKey("0123456789abcdef"), bbb.WithMeetingCheck(newEmptyGroup(t))),
			[]string{"WithHS512: makes no sense", "WithCallbackKey: makes no sense", "WithMeetingCheck: makes no sense"},
		},
		{
			hook(hookURL, new(inbox).handle, bbb.WithCallbackSecrets("x"), bbb.WithCallbackURLFunc(func(*http.Request) string { return "" })),
			[]string{"there is a callback URL as well"},
		},
		{hook(hookURL, new(inbox).handle, bbb.WithCallbackSecrets("x"), bbb.WithReplayWindow(1<<62)), []string{"WithReplayWindow"}},
	} {
		require.Error(t, noted(t, c.err))
		for _, text := range c.says {
			assert.ErrorContains(t, c.err, text)
		}
		assert.ErrorContains(t, c.err, "bbb: webhook handler")
	}
	_, err := bbb.NewMeetingEndedHandler(nil, bbb.WithCallbackKey("short"), bbb.WithMeetingCheck(nil), bbb.WithCallbackSecrets("x"))
	for _, text := range []string{"meeting ended handler", "nil function", "WithCallbackKey", "WithMeetingCheck", "WithCallbackSecrets: makes no sense"} {
		assert.ErrorContains(t, err, text)
	}
	_, err = bbb.NewRecordingReadyHandler(nil)
	for _, text := range []string{"recording ready handler", "nil function", "no secrets"} {
		assert.ErrorContains(t, err, text)
	}
	_, err = bbb.NewAnalyticsHandler(nil, bbb.WithReplayWindow(time.Hour))
	for _, text := range []string{"analytics handler", "nil function", "no secrets", "WithReplayWindow"} {
		assert.ErrorContains(t, err, text)
	}
}
