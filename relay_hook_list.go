package bbb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// hooksTendedEvery is how often the servers are asked whether they have all hooks.
const hooksTendedEvery = 5 * time.Minute

// goneHooksMax is how many destroyed hooks are remembered.
const goneHooksMax = 1024

// hookTender knows when the hooks on the servers were looked after. That is all there is to remember: the
// servers are the list of the hooks, in their URLs, for any number of replicas. A list here would
// bring back what another replica has destroyed.
type hookTender struct {
	mu      sync.Mutex // protects the fields below
	seen    bool       // there are hooks
	busy    bool
	at      time.Time
	members *members
	gone    []string // URLs of hooks that were destroyed here, the oldest first
}

// begin reports whether it is time to tend the hooks; the caller says end then.
func (t *hookTender) begin(seen bool, now *members) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen = t.seen || seen
	if !t.seen || t.busy || t.members == now && time.Since(t.at) < hooksTendedEvery {
		return false
	}
	t.busy, t.at, t.members = true, time.Now(), now
	return true
}

func (t *hookTender) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
}

// setGone remembers that a hook was destroyed, or that it was made again. A server that was away meanwhile still
// has it, and must neither be heard nor give it to the others.
func (t *hookTender) setGone(url string, gone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gone = slices.DeleteFunc(t.gone, func(u string) bool { return u == url })
	if !gone {
		return
	}
	if len(t.gone) == goneHooksMax {
		t.gone = slices.Delete(t.gone, 0, 1)
	}
	t.gone = append(t.gone, url)
}

func (t *hookTender) isGone(url string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.gone, url)
}

// relayedHook is a hook of a tenant, as the servers have it.
type relayedHook struct {
	*sealed
	url string // the callback URL that the servers know
	on  []*Hook
}

// params are what a server that lacks the hook is given.
func (h *relayedHook) params() HookParams {
	p := HookParams{CallbackURL: h.url, MeetingID: h.meeting, Events: h.events}
	if h.raw {
		p.Raw = new(true)
	}
	return p
}

// registered returns the hooks of all tenants in the order in which servers tell them, and what each server said.
func (r *relay) registered(ctx context.Context) ([]*relayedHook, Results[[]*Hook]) {
	results := askAll(ctx, r.group, callHooksList, func(ctx context.Context, s *Server) ([]*Hook, error) { return s.Hooks(ctx, "") })
	var list []*relayedHook
	byURL := make(map[string]*relayedHook)
	for _, one := range results {
		for _, h := range one.Value {
			known := byURL[h.CallbackURL]
			if known == nil {
				rest, ours := strings.CutPrefix(h.CallbackURL, r.urls.base)
				if !ours {
					continue
				}
				kind, s, ok := r.urls.open(rest)
				if !ok || kind != relayHook {
					continue
				}
				known = &relayedHook{sealed: s, url: h.CallbackURL}
				byURL[h.CallbackURL] = known
				list = append(list, known)
			}
			known.on = append(known.on, h)
		}
	}
	return list, results
}

// tendHooks gives the servers the hooks that others have and they do not: those that are new, were away, or
// have deleted a hook because we were. It does so in the background, every few minutes, as long as something
// goes on; seen says that there are hooks.
func (r *relay) tendHooks(seen bool) {
	if !r.tend.begin(seen, r.group.members.Load()) {
		return
	}
	if r.out.gate.enter() != nil {
		r.tend.end()
		return
	}
	go func() {
		defer r.out.gate.exit()
		defer r.tend.end()
		if err := r.spreadHooks(r.out.stop); err != nil {
			r.log.LogAttrs(r.out.stop, slog.LevelDebug, "not all servers have all hooks", slog.String("error", err.Error()))
		}
	}()
}

func (r *relay) spreadHooks(ctx context.Context) error {
	hooks, results := r.registered(ctx)
	answered := make(map[*Server]bool, len(results))
	for _, one := range results {
		answered[one.Server] = one.Err == nil
	}
	var problems []error
	hooks = slices.DeleteFunc(hooks, func(h *relayedHook) bool {
		if r.tend.isGone(h.url) {
			problems = append(problems, r.destroy(ctx, h))
			return true
		}
		_, err := r.tenant(ctx, h.tenant)
		return err != nil
	})
	done := askAll(ctx, r.group, callHooksCreate, func(ctx context.Context, s *Server) (struct{}, error) {
		var problems []error
		for _, h := range hooks {
			if !answered[s] || slices.ContainsFunc(h.on, func(h *Hook) bool { return h.server == s }) || r.tend.isGone(h.url) {
				continue
			}
			_, err := s.CreateHook(ctx, h.params())
			problems = append(problems, err)
		}
		return struct{}{}, errors.Join(problems...)
	})
	return errors.Join(append(problems, results.Err(callHooksList), done.Err(callHooksCreate))...)
}

// destroy removes a hook from the servers that have it.
func (r *relay) destroy(ctx context.Context, h *relayedHook) error {
	results := askAll(ctx, r.group, callHooksDestroy, func(ctx context.Context, s *Server) (struct{}, error) {
		var problems []error
		for _, one := range h.on {
			if one.server != s {
				continue
			}
			if err := one.Destroy(ctx); err != nil && !errors.Is(err, ErrHookNotFound) {
				problems = append(problems, err)
			}
		}
		return struct{}{}, errors.Join(problems...)
	})
	return results.Err(callHooksDestroy)
}

// hookIDOf returns the ID of the hook to a URL: the same in all replicas, and whatever the servers call it.
func hookIDOf(tenant, callbackURL string) string {
	b := sha256.Sum256([]byte("hook\x00" + tenant + "\x00" + callbackURL))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80 // a UUID of version 8
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
