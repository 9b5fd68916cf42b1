package proxy

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bbbgroup/bbb"
)

const (
	// keptDecisions is how many placement decisions the status page shows.
	keptDecisions = 10
	// maxTenants and maxNames bound how many values a label of the metrics has. What is
	// beyond is counted together, as "other".
	maxTenants = 500
	maxNames   = 64
	other      = "other"
)

// events are counted as they happen.
type events struct {
	mu        sync.Mutex // protects the fields below
	tenants   map[string]*tenantCount
	requests  map[requestKey]uint64
	failures  map[string]uint64 // by messageKey
	durations map[string]*histogram
	backend   map[string]*histogram
	changes   map[changeKey]uint64
	splits    uint64
	decisions []bbb.RankingEvent // the newest last; nil when nobody looks
	reloads   [2]uint64          // that failed, and that did not
	broken    bool               // the last reload failed
	watching  bool
}

type requestKey struct {
	tenant, call string
	status       int
	failed       bool
}

type changeKey struct{ server, to string }

// tenantCount is what the status page tells of the requests of a tenant.
type tenantCount struct{ requests, failed uint64 }

func newEvents(watching bool) *events {
	return &events{
		watching: watching,
		tenants:  make(map[string]*tenantCount), requests: make(map[requestKey]uint64), failures: make(map[string]uint64),
		durations: make(map[string]*histogram), backend: make(map[string]*histogram), changes: make(map[changeKey]uint64),
	}
}

// observer returns what the group tells its events to.
func (e *events) observer() bbb.Observer {
	o := bbb.Observer{
		CallDone: func(_ context.Context, c bbb.CallEvent) {
			e.mu.Lock()
			defer e.mu.Unlock()
			observe(e.backend, c.Call, c.Duration)
		},
		StateChanged: func(c bbb.StateEvent) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.changes[changeKey{c.Server, c.To.String()}]++
		},
		MeetingSplit: func(bbb.SplitEvent) {
			e.mu.Lock()
			defer e.mu.Unlock()
			e.splits++
		},
	}
	if e.watching { // making the data costs time
		o.Ranked = func(r bbb.RankingEvent) {
			e.mu.Lock()
			defer e.mu.Unlock()
			if len(e.decisions) == keptDecisions {
				e.decisions = append(e.decisions[:0], e.decisions[1:]...)
			}
			e.decisions = append(e.decisions, r)
		}
	}
	return o
}

// handled counts a request that the handler has answered.
func (e *events) handled(_ context.Context, h bbb.HandlerEvent) {
	call := h.Call
	switch {
	case call == "":
		call = "none"
	case strings.HasPrefix(call, "callback/"):
		call = "callback" // what is behind may be anybody's text
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	count := e.tenants[h.Tenant]
	name := h.Tenant
	if count == nil {
		if len(e.tenants) >= maxTenants {
			name = other
		}
		if count = e.tenants[name]; count == nil {
			count = new(tenantCount)
			e.tenants[name] = count
		}
	}
	count.requests++
	if h.Failed {
		count.failed++
		e.failures[within(e.failures, h.Key)]++
	}
	call = observe(e.durations, call, h.Duration)
	e.requests[requestKey{name, call, h.StatusCode, h.Failed}]++
}

// know makes room for the tenants of a configuration, so that those that are there are in
// the metrics before they call.
func (e *events) know(tenants []*bbb.Tenant) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range tenants {
		if len(e.tenants) < maxTenants && e.tenants[t.Name] == nil {
			e.tenants[t.Name] = new(tenantCount)
		}
	}
}

// reloaded counts a reload.
func (e *events) reloaded(ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = !ok
	if ok {
		e.reloads[1]++
	} else {
		e.reloads[0]++
	}
}

// last returns the newest decisions, the newest first.
func (e *events) last() []bbb.RankingEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.Clone(e.decisions)
	slices.Reverse(list)
	return list
}

// of returns what a tenant has asked for.
func (e *events) of(tenant string) tenantCount {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c := e.tenants[tenant]; c != nil {
		return *c
	}
	return tenantCount{}
}

// within returns name, or other when there are too many names.
func within[V any](known map[string]V, name string) string {
	if _, ok := known[name]; !ok && len(known) >= maxNames {
		return other
	}
	return name
}

// buckets are the upper bounds of the histograms, in seconds.
var buckets = [...]float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}

// histogram counts durations.
type histogram struct {
	counts [len(buckets) + 1]uint64 // the last one is for those above all bounds
	sum    float64
}

// observe counts a duration under a name, and returns the name that it was counted under.
func observe(all map[string]*histogram, name string, d time.Duration) string {
	name = within(all, name)
	h := all[name]
	if h == nil {
		h = new(histogram)
		all[name] = h
	}
	seconds := d.Seconds()
	i, _ := slices.BinarySearch(buckets[:], seconds)
	h.counts[i]++
	h.sum += seconds
	return name
}
