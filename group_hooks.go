package bbb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"sync"
)

// groupHooks are the hooks that a group wants on all its servers.
type groupHooks struct {
	mu   sync.Mutex    // protects list
	list []*HookParams // replaced, never changed, in the order of registration
}

func (h *groupHooks) all() []*HookParams {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.list
}

// register adds a hook, or finds the same one.
func (h *groupHooks) register(p HookParams) (*HookParams, error) {
	if p.Events = slices.Clone(p.Events); len(p.Events) == 0 {
		p.Events = nil // which is the same, and is compared below
	}
	if p.Raw != nil {
		p.Raw = new(*p.Raw)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, known := range h.list {
		switch {
		case known.CallbackURL != p.CallbackURL:
		case reflect.DeepEqual(*known, p):
			return known, nil
		default:
			return nil, &ParamError{
				Call: callHooksCreate, Param: "callbackURL",
				Problem: "is that of another hook of the group: destroy it first, servers change nothing of one that exists",
			}
		}
	}
	h.list = append(slices.Clip(h.list), &p)
	return &p, nil
}

func (h *groupHooks) unregister(callbackURL string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = slices.DeleteFunc(slices.Clone(h.list), func(p *HookParams) bool { return p.CallbackURL == callbackURL })
}

// CreateHook registers a callback URL with every server of the group, and keeps
// it registered: servers that are added later, enabled again, or online again after
// they were offline get the hook in the background, and [Group.EnsureHooks] gives it
// back to those that have lost it. It returns the hooks, one for each server, and a
// *[GroupError] beside them when some servers failed; the group wants the hook there
// all the same. No call about hooks waits for a server that is offline: it is in the
// error, with [ErrOffline].
//
// What the group wants is kept in this process alone, so call it at each start:
// repeating it is harmless. The same callback URL with other parameters gives an
// error that matches [ErrInvalidParams].
//
// A hook for one meeting is made on every server too, since a meeting may be
// created later on any of them. Destroy it when the meeting is over.
//
// A [Scope] has no hooks: bbb-webhooks knows nothing of metadata and would send
// the events of everybody's meetings. It stands for hooks/create.
func (g *Group) CreateHook(ctx context.Context, p HookParams) ([]*Hook, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	ctx, done, err := g.begin(ctx, callHooksCreate)
	if err != nil {
		return nil, err
	}
	defer done()
	want, err := g.hooks.register(p)
	if err != nil {
		return nil, err
	}
	// Loaded after it was registered: a server that is added now sees the hook.
	results := askAll(ctx, g, callHooksCreate, func(ctx context.Context, s *Server) (*Hook, error) { return g.createHook(ctx, s, want) })
	return results.Values(), results.Err(callHooksCreate)
}

// createHook makes a hook that the group wants, and takes it back when the group
// does not want it any more by then: whoever destroyed it may have looked at the
// server before.
func (g *Group) createHook(ctx context.Context, s *Server, want *HookParams) (*Hook, error) {
	h, err := s.CreateHook(ctx, *want)
	if err != nil || slices.ContainsFunc(g.hooks.all(), func(p *HookParams) bool { return p.CallbackURL == want.CallbackURL }) {
		return h, err
	}
	if err := s.DestroyHook(context.WithoutCancel(ctx), h.ID); err != nil && !errors.Is(err, ErrHookNotFound) {
		return nil, err
	}
	return nil, &Error{
		Server: s.name, Call: callHooksCreate, Key: keyMissingHook,
		Message: "the hook was destroyed meanwhile", StatusCode: http.StatusOK,
	}
}

// EnsureHooks gives the hooks of [Group.CreateHook] to every server that does not
// have them. A server deletes a hook when a post to it failed for about five
// minutes, so call it when the receiver was away, and every few minutes anyway.
// It costs a hooks/list on each server. A *[GroupError] names the servers that
// failed. Without hooks it does nothing.
func (g *Group) EnsureHooks(ctx context.Context) error {
	ctx, done, err := g.begin(ctx, callHooksCreate)
	if err != nil {
		return err
	}
	defer done()
	if len(g.hooks.all()) == 0 {
		return nil
	}
	results := askAll(ctx, g, callHooksCreate, func(ctx context.Context, s *Server) (struct{}, error) {
		return struct{}{}, g.ensureHooks(ctx, s)
	})
	return results.Err(callHooksCreate)
}

// ensureHooks makes those hooks that the server does not have.
func (g *Group) ensureHooks(ctx context.Context, s *Server) error {
	have, err := s.Hooks(ctx, "")
	if err != nil {
		return err
	}
	var problems []error
	for _, want := range g.hooks.all() {
		if slices.ContainsFunc(have, func(h *Hook) bool { return h.CallbackURL == want.CallbackURL }) {
			continue
		}
		h, err := g.createHook(ctx, s, want)
		switch {
		case errors.Is(err, ErrHookNotFound): // nobody wants it any more
		case err != nil:
			problems = append(problems, err)
		default:
			g.log.LogAttrs(ctx, slog.LevelInfo, "hook registered", slog.String("server", s.name), slog.Any("hook", h))
		}
	}
	return errors.Join(problems...)
}

// hookNewServer gives the hooks of the group to a server that was just added, is not
// disabled any more, or is online again. Close waits for it.
func (g *Group) hookNewServer(s *Server) {
	if len(g.hooks.all()) == 0 || s.absent() || g.gate.enter() != nil {
		return
	}
	go func() {
		defer g.gate.exit()
		if err := g.ensureHooks(g.stop, s); err != nil && !errors.Is(err, ErrClosed) {
			g.log.LogAttrs(g.stop, slog.LevelWarn, "a server that is new or back has not all hooks",
				slog.String("server", s.name), slog.String("error", err.Error()))
		}
	}()
}

// Hooks returns the hooks of all servers, those that others registered included,
// with a *[GroupError] beside them when some servers failed. With a meeting ID it
// returns those for that meeting and those for all meetings. See [Server.Hooks].
// It stands for hooks/list.
func (g *Group) Hooks(ctx context.Context, meetingID string) ([]*Hook, error) {
	results := askAll(ctx, g, callHooksList, func(ctx context.Context, s *Server) ([]*Hook, error) { return s.Hooks(ctx, meetingID) })
	all := []*Hook{}
	for _, r := range results {
		all = append(all, r.Value...)
	}
	return all, results.Err(callHooksList)
}

// DestroyHook removes the hook with a callback URL from every server, whoever
// registered it, and from what the group wants. That a server does not have it is
// no error, so it may be repeated until no *[GroupError] comes back any more. A server
// that is offline keeps the hook until then.
// Permanent hooks stay: only the configuration of their server can remove them.
// Servers that are no longer in the group keep the hook; see
// [Server.DestroyHook]. It stands for hooks/list and hooks/destroy.
func (g *Group) DestroyHook(ctx context.Context, callbackURL string) error {
	if callbackURL == "" {
		return &ParamError{Call: callHooksDestroy, Param: "callbackURL", Problem: "is required"}
	}
	ctx, done, err := g.begin(ctx, callHooksDestroy)
	if err != nil {
		return err
	}
	defer done()
	g.hooks.unregister(callbackURL)
	results := askAll(ctx, g, callHooksDestroy, func(ctx context.Context, s *Server) (struct{}, error) {
		return struct{}{}, s.destroyHooks(ctx, callbackURL)
	})
	return results.Err(callHooksDestroy)
}

func (s *Server) destroyHooks(ctx context.Context, callbackURL string) error {
	hooks, err := s.Hooks(ctx, "")
	if err != nil {
		return err
	}
	var problems []error
	for _, h := range hooks {
		if h.CallbackURL != callbackURL || h.Permanent {
			continue
		}
		if err := h.Destroy(ctx); err != nil && !errors.Is(err, ErrHookNotFound) {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
