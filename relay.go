package bbb

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// relay passes on what servers send about the meetings of tenants. It knows nothing by
// heart: whose a callback is and where it goes stands in the URL that it comes to.
type relay struct {
	group *Group
	urls  *relayURLs
	find  TenantFunc
	log   *slog.Logger
	out   *deliverer

	domain    string // what events are said to come from
	sum       Algorithm
	configs   map[relayKind]*callbackConfig // for answers and logs
	ready     http.Handler
	analytics http.Handler
	events    http.Handler

	known knownMeetings
	ends  seenEvents // ends that were passed on
	tend  hookTender
}

// newRelay makes the relay that a handler is configured for.
func newRelay(g *Group, c *relayConfig, find TenantFunc, log *slog.Logger) (*relay, error) {
	urls, err := newRelayURLs(c.publicURL, c.keys)
	if err != nil {
		return nil, err
	}
	public, err := url.Parse(c.publicURL)
	if err != nil {
		return nil, err
	}
	r := &relay{group: g, urls: urls, find: find, log: log, domain: public.Hostname(), sum: SHA1, ends: seenEvents{keep: endsRemembered}}
	if c.algorithm != nil {
		r.sum = *c.algorithm
	}
	r.out = newDeliverer(c, log, r.tenant)
	to := []CallbackOption{WithCallbackGroup(g), WithCallbackLogger(log)}
	r.configs = make(map[relayKind]*callbackConfig, len(relayKinds))
	for _, kind := range relayKinds {
		r.configs[kind] = newCallbackConfig(endedCallback, to[1:])
		r.configs[kind].log = log.With(slog.String("callback", string(kind)))
	}
	// HS512 as well: a server of the group may be a balancer.
	if r.ready, err = NewRecordingReadyHandler(r.takeReady, append(to, WithHS512(), WithCallbackTimeout(DefaultCallbackTimeout))...); err != nil {
		return nil, err
	}
	if r.analytics, err = NewAnalyticsHandler(r.takeReport, to...); err != nil {
		return nil, err
	}
	hooks := append(to, WithCallbackURLFunc(func(req *http.Request) string { return arrivedOf(req.Context()).url }))
	if public.Scheme == "https" {
		// The releases whose checksums protect nothing are safe here: nobody else knows the URL.
		hooks = append(hooks, WithUnprotectedBodies())
	}
	if r.events, err = NewHookHandler("", r.takeEvent, hooks...); err != nil {
		return nil, err
	}
	return r, nil
}

// tenant finds a tenant by name; errNoTenant when there is none.
func (r *relay) tenant(ctx context.Context, name string) (*Tenant, error) {
	t, err := r.find(ctx, &TenantQuery{Name: name})
	if err == nil && (t == nil || len(t.Secrets) == 0) {
		err = errNoTenant
	}
	return t, err
}

// arrived is a callback that has come, as its URL tells.
type arrived struct {
	*sealed
	kind relayKind
	url  string    // as it was registered
	q    *incoming // the view of the tenant
}

type arrivedKey struct{}

func arrivedOf(ctx context.Context) *arrived {
	a, _ := ctx.Value(arrivedKey{}).(*arrived)
	return a
}

// relayPatience is how long a server waits for the first attempt to deliver what it sent; servers
// give up after five seconds.
const relayPatience = 3 * time.Second

// serve answers a request to what stands behind "callback/", and returns the name of the tenant that it is for,
// if that is known.
func (r *relay) serve(w http.ResponseWriter, req *http.Request, rest string) (tenant string) {
	kind, s, ok := r.urls.open(rest)
	if !ok {
		// Not a warning: anybody can ask for it, as often as he likes.
		r.log.LogAttrs(req.Context(), slog.LevelDebug, callbackRefused,
			slog.String("reason", "the URL is not one of ours"), slog.Int("status", http.StatusNotFound), slog.String("remote", req.RemoteAddr))
		reply(w, http.StatusNotFound)
		return ""
	}
	c := r.configs[kind]
	if r.out.gate.isClosed() {
		c.refuse(w, req, http.StatusServiceUnavailable, "the handler is closed")
		return s.tenant
	}
	if !r.out.room(s.tenant) { // what comes at the same time and finds none later is answered with 500
		c.refuse(w, req, http.StatusServiceUnavailable, "too many callbacks of the tenant wait to be delivered")
		return s.tenant
	}
	t, err := r.tenant(req.Context(), s.tenant)
	switch {
	case errors.Is(err, errNoTenant): // not 410: that may delete a recording
		c.refuse(w, req, http.StatusNotFound, "there is no such tenant")
		return s.tenant
	case err != nil:
		c.failed(req.Context(), err, slog.String("tenant", s.tenant))
		reply(w, http.StatusServiceUnavailable)
		return s.tenant
	}
	scope, err := t.within(r.group.all)
	if err != nil {
		c.failed(req.Context(), err, slog.String("tenant", s.tenant))
		reply(w, http.StatusServiceUnavailable)
		return s.tenant
	}
	_, token, _ := strings.Cut(rest, "/")
	a := &arrived{
		sealed: s, kind: kind, url: r.urls.base + string(kind) + "/" + token,
		q: &incoming{call: "callback/" + string(kind), scope: scope, tenant: t, relay: r},
	}
	req = req.WithContext(context.WithValue(req.Context(), arrivedKey{}, a))
	switch kind {
	case relayReady:
		r.ready.ServeHTTP(w, req)
	case relayAnalytics:
		r.analytics.ServeHTTP(w, req)
	case relayHook:
		r.events.ServeHTTP(w, req)
	default:
		r.serveEnded(w, req, a)
	}
	return s.tenant
}

// pass hands a callback over for delivery, and waits a little for the first attempt. It returns
// the status of that, 0 when there is none yet.
func (r *relay) pass(ctx context.Context, a *arrived, job *delivery) (status int, err error) {
	target, err := url.Parse(strings.TrimSpace(a.target))
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		r.log.LogAttrs(ctx, slog.LevelWarn, relayDropped, slog.String("reason", "what the client gave is no URL"),
			slog.String("callback", string(a.kind)), slog.String("tenant", a.tenant))
		return 0, nil // for ever: no repetition mends it
	}
	job.kind, job.tenant, job.host = a.kind, a.tenant, strings.ToLower(target.Host)
	if job.timeout == 0 {
		job.timeout = relayAttemptTimeout
	}
	if err := r.out.take(job); err != nil { //nolint:contextcheck // it goes on when the server has gone
		return 0, err
	}
	patience := time.NewTimer(relayPatience)
	defer patience.Stop()
	select {
	case status = <-job.first:
	case <-patience.C:
	case <-ctx.Done(): // the server has its own time, and sends it again
	}
	return status, nil
}

// close stops taking callbacks, and waits for those that were taken.
func (r *relay) close(ctx context.Context) error { return r.out.close(ctx) }

// withQuery adds parameters to a URL that may have some already.
func withQuery(target, query string) string {
	target, _, _ = strings.Cut(strings.TrimSpace(target), "#")
	switch {
	case query == "":
		return target
	case strings.Contains(target, "?"):
		return target + "&" + query
	}
	return target + "?" + query
}

// knownMeetings remembers whose the meetings are that events came from. Like seenEvents it has two generations: when the
// newer one is full, the older one is forgotten.
type knownMeetings struct {
	mu           sync.Mutex // protects the fields below
	newer, older map[string]*Meeting
}

const knownMeetingsMax = 1 << 14

func (k *knownMeetings) get(internalID string) *Meeting {
	k.mu.Lock()
	defer k.mu.Unlock()
	if m := k.newer[internalID]; m != nil {
		return m
	}
	return k.older[internalID]
}

// put remembers what events do not say of a meeting.
func (k *knownMeetings) put(m *Meeting) {
	if m.InternalID == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.newer == nil || len(k.newer) >= knownMeetingsMax {
		k.newer, k.older = make(map[string]*Meeting), k.newer
	}
	k.newer[m.InternalID] = &Meeting{ID: m.ID, InternalID: m.InternalID, ParentID: m.ParentID, IsBreakout: m.IsBreakout, Metadata: m.Metadata, server: m.server}
}
