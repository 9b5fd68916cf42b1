package bbb_test

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hookService stands for the bbb-webhooks of one server, reached in-process.
type hookService struct {
	mu      sync.Mutex // protects the fields below
	next    int
	hooks   map[string]string // ID -> callback URL
	down    bool
	calls   []string
	delay   time.Duration
	created func() // called when a hook was made, before that is answered
}

func (h *hookService) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	delay := h.delay
	h.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body, created := h.answer(r)
	if created && h.created != nil {
		h.created()
	}
	return xmlAnswer("<response><returncode>" + body + "</response>").RoundTrip(r)
}

func (h *hookService) answer(r *http.Request) (body string, created bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	call := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	h.calls = append(h.calls, call)
	query := r.URL.Query()
	failed := func(key string) string { return "FAILED</returncode><messageKey>" + key + "</messageKey>" }
	switch {
	case h.down:
		return failed(call + "HookError"), false
	case call == "create":
		for id, to := range h.hooks {
			if to == query.Get("callbackURL") {
				return "SUCCESS</returncode><hookID>" + id + "</hookID><messageKey>duplicateWarning</messageKey>", false
			}
		}
		h.next++
		id := fmt.Sprint(h.next)
		if h.hooks == nil {
			h.hooks = make(map[string]string)
		}
		h.hooks[id] = query.Get("callbackURL")
		return "SUCCESS</returncode><hookID>" + id + "</hookID><permanentHook>false</permanentHook><rawData>false</rawData>", true
	case call == "list":
		var b strings.Builder
		for id, to := range h.hooks {
			fmt.Fprintf(&b, "<hook><hookID>%s</hookID><callbackURL>%s</callbackURL><permanentHook>%t</permanentHook></hook>",
				id, html.EscapeString(to), strings.Contains(to, "permanent"))
		}
		return "SUCCESS</returncode><hooks>" + b.String() + "</hooks>", false
	case call == "destroy":
		id := query.Get("hookID")
		if _, ok := h.hooks[id]; !ok {
			return failed("destroyMissingHook"), false
		}
		delete(h.hooks, id)
		return "SUCCESS</returncode><removed>true</removed>", false
	}
	return failed("unsupportedRequest"), false
}

// urls returns where the hooks lead to.
func (h *hookService) urls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := []string{}
	for _, to := range h.hooks {
		list = append(list, to)
	}
	return list
}

func (h *hookService) set(f func(*hookService)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f(h)
}

// takeCalls returns the calls since it was last asked.
func (h *hookService) takeCalls() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	calls := h.calls
	h.calls = nil
	return calls
}

// hookGroup returns a group over n such services.
func hookGroup(t testing.TB, n int, opts ...bbb.GroupOption) (*bbb.Group, []*hookService) {
	t.Helper()
	g := newEmptyGroup(t, opts...)
	services := make([]*hookService, n)
	for i := range services {
		services[i] = addHookServer(t, g, fmt.Sprintf("bbb%d", i+1))
	}
	return g, services
}

func addHookServer(t testing.TB, g *bbb.Group, name string) *hookService {
	t.Helper()
	h := &hookService{}
	_, err := g.New(name, "https://"+name+".example", "secret-of-"+name, bbb.WithTransport(h))
	require.NoError(t, err)
	return h
}

const portal = "https://portal.example/hooks?for=school&token=hush-hush"

func TestGroupHookIsOnEveryServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, services := hookGroup(t, 3)
		p := bbb.HookParams{CallbackURL: portal, Events: []bbb.EventName{bbb.EventUserJoined}}
		hooks, err := g.CreateHook(t.Context(), p)
		require.NoError(t, err)
		require.Len(t, hooks, 3)
		for i, h := range hooks {
			assert.Equal(t, fmt.Sprintf("bbb%d", i+1), h.Server().Name())
			assert.Equal(t, []string{portal}, services[i].urls())
		}
		p.Events[0] = "changed afterwards"

		// Servers that come later get it too, and one that goes does not matter.
		later := addHookServer(t, g, "bbb4")
		synctest.Wait()
		assert.Equal(t, []string{portal}, later.urls())
		require.True(t, g.Remove("bbb1"))

		all, err := g.Hooks(t.Context(), "")
		require.NoError(t, err)
		assert.Len(t, all, 3)

		require.NoError(t, g.DestroyHook(t.Context(), portal))
		for _, h := range append(services[1:], later) {
			assert.Empty(t, h.urls())
		}
		assert.NotEmpty(t, services[0].urls(), "no longer in the group")
		require.NoError(t, g.DestroyHook(t.Context(), portal), "may be repeated")
		assert.Empty(t, addHookServer(t, g, "bbb5").urls())
		synctest.Wait()
	})
}

func TestCreateGroupHookAgain(t *testing.T) {
	t.Parallel()
	g, services := hookGroup(t, 2)
	p := bbb.HookParams{CallbackURL: portal, Raw: new(true)}
	_, err := g.CreateHook(t.Context(), p)
	require.NoError(t, err)
	p.Raw = new(true)
	again, err := g.CreateHook(t.Context(), p)
	require.NoError(t, err)
	assert.True(t, again[0].Existed())
	assert.Len(t, services[0].urls(), 1)

	p.Raw, p.MeetingID = nil, "physics"
	_, err = g.CreateHook(t.Context(), p)
	require.ErrorIs(t, err, bbb.ErrInvalidParams, "a server would keep the old parameters without a word")
	require.NoError(t, g.DestroyHook(t.Context(), portal))
	_, err = g.CreateHook(t.Context(), p)
	assert.NoError(t, err)
}

// A server forgets a hook after five minutes of failed posts, or was away when the
// hook was made.
func TestEnsureHooks(t *testing.T) {
	t.Parallel()
	log, lines := logged(t)
	g, services := hookGroup(t, 3, log)
	require.NoError(t, g.EnsureHooks(t.Context()))
	assert.Empty(t, services[0].takeCalls(), "there is nothing to ensure")

	services[1].set(func(h *hookService) { h.down = true })
	hooks, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
	assert.Len(t, hooks, 2)
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb2"}, ge.Names())
	assert.Equal(t, "hooks/create", ge.Call)
	_, err = g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: "https://portal.example/second"})
	_ = groupError(t, err)

	services[0].set(func(h *hookService) { h.hooks = nil })
	assert.Equal(t, []string{"bbb2"}, groupError(t, g.EnsureHooks(t.Context())).Names())
	assert.ElementsMatch(t, []string{portal, "https://portal.example/second"}, services[0].urls())
	services[1].set(func(h *hookService) { h.down = false })
	require.NoError(t, g.EnsureHooks(t.Context()))
	assert.Len(t, services[1].urls(), 2)
	assert.Len(t, lines.with("hook registered"), 4)

	services[2].takeCalls()
	require.NoError(t, g.EnsureHooks(t.Context()))
	assert.Equal(t, []string{"list"}, services[2].takeCalls(), "one request when all is well")

	services[2].set(func(h *hookService) { h.down = true })
	assert.Equal(t, []string{"bbb3"}, groupError(t, g.DestroyHook(t.Context(), portal)).Names())
	_, err = g.Hooks(t.Context(), "")
	_ = groupError(t, err)
	services[2].set(func(h *hookService) { h.down = false })
	require.NoError(t, g.DestroyHook(t.Context(), portal))
	assert.Equal(t, []string{"https://portal.example/second"}, services[2].urls())
	require.NoError(t, g.EnsureHooks(t.Context()))
	assert.Len(t, services[2].urls(), 1, "the other is not wanted any more")
}

func TestPermanentHooksStay(t *testing.T) {
	t.Parallel()
	g, services := hookGroup(t, 1)
	services[0].set(func(h *hookService) { h.hooks = map[string]string{"p": "https://portal.example/permanent"} })
	require.NoError(t, g.DestroyHook(t.Context(), "https://portal.example/permanent"))
	assert.Len(t, services[0].urls(), 1)
	assert.Equal(t, []string{"list"}, services[0].takeCalls())
}

// A hook is destroyed while a server is just making it: whoever destroys it has
// looked at that server already. It must not stay there for ever.
func TestHookDestroyedWhileItIsMade(t *testing.T) {
	t.Parallel()
	g, services := hookGroup(t, 1)
	h := services[0]
	h.created = func() {
		h.set(func(h *hookService) { h.created = nil })
		assert.NoError(t, g.DestroyHook(t.Context(), "https://portal.example/other"))
		h.set(func(h *hookService) { h.down = true })
		_ = groupError(t, g.DestroyHook(t.Context(), portal))
		h.set(func(h *hookService) { h.down = false })
	}
	_, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
	require.ErrorIs(t, noted(t, err), bbb.ErrHookNotFound)
	assert.Empty(t, h.urls())

	h.created = func() {
		h.set(func(h *hookService) { h.created, h.down = nil, true })
		_ = groupError(t, g.DestroyHook(t.Context(), portal))
	}
	_, err = g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
	require.Error(t, noted(t, err))
	assert.NotErrorIs(t, err, bbb.ErrHookNotFound, "it is still there, and the error says why")

	// The same in the background: nobody is told.
	h.set(func(h *hookService) { h.down, h.hooks = false, nil })
	second := bbb.HookParams{CallbackURL: "https://portal.example/second"}
	_, err = g.CreateHook(t.Context(), second)
	require.NoError(t, err)
	h.set(func(h *hookService) { h.hooks = nil })
	h.created = func() {
		h.set(func(h *hookService) { h.created = nil })
		assert.NoError(t, g.DestroyHook(t.Context(), second.CallbackURL))
	}
	require.NoError(t, g.EnsureHooks(t.Context()))
	assert.Empty(t, h.urls())
}

func TestCloseWaitsForHooksOfANewServer(t *testing.T) {
	t.Parallel()
	for name, slow := range map[string]bool{"in time": false, "too slow": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, _ := hookGroup(t, 0)
				_, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
				require.NoError(t, err, "no server is no failure")
				h := &hookService{delay: 2 * time.Second}
				_, err = g.New("bbb1", "https://bbb1.example", "secret-of-bbb1", bbb.WithTransport(h))
				require.NoError(t, err)
				synctest.Wait()
				patience := time.Minute
				if slow {
					patience = time.Second
				}
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				start := time.Now()
				err = g.Close(ctx)
				if slow {
					require.ErrorIs(t, err, context.DeadlineExceeded)
					assert.Equal(t, time.Second, time.Since(start))
				} else {
					require.NoError(t, err)
					assert.Equal(t, 2*time.Second, time.Since(start), "what had begun; the next call is refused")
				}
				assert.Empty(t, h.urls())
				require.ErrorIs(t, g.EnsureHooks(t.Context()), bbb.ErrClosed)
				_, err = g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
				require.ErrorIs(t, err, bbb.ErrClosed)
			})
		})
	}
}

func TestNewServerWithoutWebhooksIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log, lines := logged(t)
		g, _ := hookGroup(t, 0, log)
		_, err := g.CreateHook(t.Context(), bbb.HookParams{CallbackURL: portal})
		require.NoError(t, err)
		_, err = g.New("bbb1", "https://bbb1.example", "secret-of-bbb1", bbb.WithTransport(answering(404, "text/html", "<html></html>")))
		require.NoError(t, err)
		synctest.Wait()
		found := lines.with("a server that is new or back has not all hooks")
		require.Len(t, found, 1)
		assert.Equal(t, "bbb1", found[0]["server"])
		assert.NotContains(t, fmt.Sprint(found), "hush-hush")
	})
}
