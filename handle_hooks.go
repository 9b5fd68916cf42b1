package bbb

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// What bbb-webhooks says.
const (
	keyMissingCallbackURL     = "missingParamCallbackURL"
	messageMissingCallbackURL = "You must specify a callbackURL in the parameters."
	keyCreateHook             = "createHookError"
	messageCreateHook         = "An error happened while creating your hook. Check the logs."
	messageDuplicateHook      = "There is already a hook for this callback URL."
	keyListHooks              = "listHookError"
	keyMissingHookID          = "missingParamHookID"
	messageMissingHookID      = "You must specify a hookID in the parameters."
	messageMissingHook        = "The hook informed was not found."
	keyDestroyHook            = "destroyHookError"
	// What it has no words for.
	messageNoHooks = "Hooks are not available here."
	messageNoRaw   = "getRaw is not available here: it tells of everybody's meetings."
	messageHooks   = "There are too many hooks."
)

// tenantHooksMax is how many hooks to all meetings a tenant may have. Servers post every event of everybody
// to each of them, and only the relay knows whose it is; so the hooks of one are the work of all.
const tenantHooksMax = 100

var errManyHooks = errors.New("bbb: the tenant has too many hooks")

// hookAnswers are what the calls answer when they succeed.
type hookAnswers struct {
	Returncode, ID, Key, Message string
	Permanent, Raw, Removed      bool
	Hooks                        []*Hook
}

var (
	hookReturncode = xmlwire.String("returncode", func(a *hookAnswers) *string { return &a.Returncode })
	hookIDField    = xmlwire.String("hookID", func(a *hookAnswers) *string { return &a.ID })

	hookCreated = xmlwire.NewRecord(hookReturncode, hookIDField,
		xmlwire.Bool("permanentHook", func(a *hookAnswers) *bool { return &a.Permanent }),
		xmlwire.Bool("rawData", func(a *hookAnswers) *bool { return &a.Raw }))
	hookExisted = xmlwire.NewRecord(hookReturncode, hookIDField,
		xmlwire.String("messageKey", func(a *hookAnswers) *string { return &a.Key }),
		xmlwire.String("message", func(a *hookAnswers) *string { return &a.Message }))
	hookListed = xmlwire.NewRecord(hookReturncode,
		xmlwire.PtrList("hooks", "hook", func(a *hookAnswers) *[]*Hook { return &a.Hooks }, xmlwire.NewRecord(hookFields...)))
	hookRemoved = xmlwire.NewRecord(hookReturncode,
		xmlwire.Bool("removed", func(a *hookAnswers) *bool { return &a.Removed }))
)

// hooksOf are the hooks of a caller: those of the servers themselves, or those that come through the relay.
type hooksOf interface {
	// list returns them with the caller's words, one for each URL, and a *GroupError beside them when servers failed.
	list(ctx context.Context) ([]*Hook, error)
	// create makes one; existed means that there was one for the URL, which stays as it is.
	create(ctx context.Context, p HookParams) (existed bool, err error)
	// destroy removes one that was listed.
	destroy(ctx context.Context, h *Hook) error
}

// hooks returns the hooks of the caller; nil when he cannot have any: servers know nothing of
// tenants, and sign with their own secrets.
func (q *incoming) hooks() hooksOf {
	switch {
	case q.relay != nil:
		return &tenantHooks{q: q}
	case q.tenant == nil && q.scope.whole():
		return groupHooksOf{q.scope.group}
	}
	return nil
}

func handleHooksCreate(ctx context.Context, q *incoming) *Response {
	p := HookParams{CallbackURL: q.get("callbackURL"), MeetingID: q.realID(q.get("meetingID"))}
	if p.CallbackURL == "" {
		return q.refuse(keyMissingCallbackURL, messageMissingCallbackURL, nil)
	}
	// A server that is given an empty eventID makes a hook that never gets an event. Nobody wants that.
	for name := range strings.SplitSeq(q.get("eventID"), ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			p.Events = append(p.Events, EventName(name))
		}
	}
	switch raw := q.get("getRaw"); {
	case raw == "true":
		if !q.scope.whole() {
			return q.refuse(keyCreateHook, messageNoRaw, nil)
		}
		p.Raw = new(true)
	case raw != "" && raw != "false": // a server throws
		return q.refuse(keyCreateHook, messageCreateHook, nil)
	}
	hooks := q.hooks()
	if hooks == nil {
		return q.refuse(keyCreateHook, messageNoHooks, nil)
	}
	if err := p.Validate(); err != nil {
		return q.refuse(keyCreateHook, messageCreateHook, err)
	}
	existed, err := hooks.create(ctx, p)
	if err != nil && (q.strict || !partial(err)) {
		if _, ok := errors.AsType[*ParamError](err); ok {
			return q.refuse(keyCreateHook, messageCreateHook, err)
		}
		if errors.Is(err, errManyHooks) {
			return q.refuse(keyCreateHook, messageHooks, err)
		}
		return q.failed(err)
	}
	h := &Hook{ID: hookIDOf(q.tenantName(), p.CallbackURL), CallbackURL: p.CallbackURL}
	if existed {
		h.MessageKey, h.Message = keyDuplicate, messageDuplicateHook
		r := succeeded(q, h, hookExisted, &hookAnswers{Returncode: "SUCCESS", ID: h.ID, Key: h.MessageKey, Message: h.Message})
		r.Key, r.Message, r.Err = h.MessageKey, h.Message, err
		return r
	}
	h.MeetingID, h.Events, h.Raw = q.shownID(p.MeetingID), p.Events, p.Raw != nil
	r := succeeded(q, h, hookCreated, &hookAnswers{Returncode: "SUCCESS", ID: h.ID, Raw: h.Raw})
	r.Err = err
	return r
}

func handleHooksList(ctx context.Context, q *incoming) *Response {
	hooks := q.hooks()
	if hooks == nil {
		return q.refuse(keyListHooks, messageNoHooks, nil)
	}
	all, err := hooks.list(ctx)
	if err != nil && (q.strict || !partial(err)) {
		return q.refuse(keyInternalError, "An error happened while listing registered hooks.", err)
	}
	list := make([]*Hook, 0, len(all))
	for _, h := range all {
		if id := q.get("meetingID"); id == "" || h.MeetingID == "" || h.MeetingID == id {
			list = append(list, h)
		}
	}
	r := succeeded(q, list, hookListed, &hookAnswers{Returncode: "SUCCESS", Hooks: list})
	r.Err = err
	return r
}

func handleHooksDestroy(ctx context.Context, q *incoming) *Response {
	id := strings.TrimSpace(q.get("hookID"))
	if id == "" {
		return q.refuse(keyMissingHookID, messageMissingHookID, nil)
	}
	hooks := q.hooks()
	if hooks == nil {
		return q.refuse(keyDestroyHook, messageNoHooks, nil)
	}
	all, err := hooks.list(ctx)
	if err != nil && (q.strict || !partial(err)) {
		return q.refuse(keyInternalError, "An error happened while removing your hook.", err)
	}
	found := false
	for _, h := range all {
		if h.ID != id || h.Permanent {
			continue
		}
		found = true
		if failed := hooks.destroy(ctx, h); failed != nil {
			if q.strict || !partial(failed) {
				return q.refuse(keyInternalError, "An error happened while removing your hook.", failed)
			}
			err = cmp.Or(err, failed)
		}
	}
	if !found {
		return q.refuse(keyMissingHook, messageMissingHook, err)
	}
	r := succeeded(q, nil, hookRemoved, &hookAnswers{Returncode: "SUCCESS", Removed: true})
	r.Err = err
	return r
}

// groupHooksOf are the hooks that servers have, for who has the whole group.
type groupHooksOf struct{ *Group }

func (g groupHooksOf) list(ctx context.Context) ([]*Hook, error) {
	all, err := g.Hooks(ctx, "")
	list := make([]*Hook, 0, len(all))
	seen := make(map[string]bool, len(all))
	for _, h := range all {
		if seen[h.CallbackURL] {
			continue
		}
		seen[h.CallbackURL] = true
		one := *h
		one.ID = hookIDOf("", h.CallbackURL)
		list = append(list, &one)
	}
	return list, err
}

func (g groupHooksOf) create(ctx context.Context, p HookParams) (existed bool, err error) {
	made, err := g.CreateHook(ctx, p)
	if _, other := errors.AsType[*ParamError](err); other {
		return true, nil // the parameters are fine, so it is the URL of a hook of the group with others
	}
	for _, h := range made {
		existed = existed || h.Existed()
	}
	return existed, err
}

func (g groupHooksOf) destroy(ctx context.Context, h *Hook) error {
	return g.DestroyHook(ctx, h.CallbackURL)
}

// tenantHooks are the hooks of a tenant, which come through the relay. Each is registered with all servers
// under a URL that says all there is to know of it.
type tenantHooks struct {
	q    *incoming
	real map[string][]*relayedHook // by the URL of the tenant, once they were listed
}

func (t *tenantHooks) list(ctx context.Context) ([]*Hook, error) {
	q := t.q
	all, results := q.relay.registered(ctx)
	if len(all) > 0 {
		q.relay.tendHooks(true)
	}
	t.real = make(map[string][]*relayedHook)
	var list []*Hook
	for _, h := range all {
		if h.tenant != q.tenantName() || q.relay.tend.isGone(h.url) {
			continue
		}
		if len(t.real[h.target]) == 0 { // two, when replicas were asked at once
			list = append(list, &Hook{
				ID: hookIDOf(h.tenant, h.target), CallbackURL: h.target, MeetingID: q.shownID(h.meeting), Events: h.events, Raw: h.raw,
			})
		}
		t.real[h.target] = append(t.real[h.target], h)
	}
	return list, results.Err(callHooksList)
}

func (t *tenantHooks) create(ctx context.Context, p HookParams) (existed bool, err error) {
	r := t.q.relay
	had, err := t.list(ctx)
	if err != nil && !partial(err) {
		return false, err
	}
	if t.real[p.CallbackURL] != nil {
		return true, nil
	}
	toAll := 0
	for _, h := range had {
		if h.MeetingID == "" {
			toAll++
		}
	}
	if p.MeetingID == "" && t.q.tenantName() != "" && toAll >= tenantHooksMax {
		return false, errManyHooks
	}
	h := &relayedHook{sealed: &sealed{
		tenant: t.q.tenantName(), meeting: p.MeetingID, target: p.CallbackURL, events: p.Events, raw: p.Raw != nil,
	}}
	var ok bool
	if h.url, ok = r.urls.seal(relayHook, h.sealed); !ok {
		return false, &ParamError{Call: callHooksCreate, Param: "callbackURL", Problem: "is too long to be relayed"}
	}
	r.tend.setGone(h.url, false)
	results := askAll(ctx, r.group, callHooksCreate, func(ctx context.Context, s *Server) (*Hook, error) {
		return s.CreateHook(ctx, h.params())
	})
	r.tendHooks(true)
	return false, results.Err(callHooksCreate)
}

func (t *tenantHooks) destroy(ctx context.Context, h *Hook) error {
	var problems error
	for _, one := range t.real[h.CallbackURL] {
		t.q.relay.tend.setGone(one.url, true)
		problems = cmp.Or(problems, t.q.relay.destroy(ctx, one))
	}
	return problems
}
