package bbb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bbbgroup/bbb/internal/redact"
)

// Bounds of what waits to be delivered, and of what is delivered at one time. One tenant may take a
// quarter of each, and one host of a tenant a sixteenth of the attempts: a host that does not
// answer holds up itself.
const (
	relayQueueLen   = 4096
	relayQueueBytes = 64 << 20
	relayAttempts   = 64
	tenantShare     = 4
	hostShare       = 16
)

const (
	relayAttemptTimeout = 5 * time.Second // bbb-webhooks and bbb-web wait as long
	relayReportTimeout  = 10 * time.Second
	relayAnswerLimit    = 64 << 10 // of an answer that nobody reads; more of it costs the connection
	relayRedirects      = 5
	relayDropped        = "callback dropped"
)

// When what was not delivered is tried again. Of ends it is what bbb-web does; scripts of recordings and
// reports do not try again at all, so these get the same.
var (
	hookWaits = []time.Duration{
		100 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second,
		10 * time.Second, 30 * time.Second, time.Minute, time.Minute, time.Minute, time.Minute,
	}
	endWaits = []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}
)

var (
	errRelayFull   = errors.New("bbb: too many callbacks wait to be delivered")
	errRelayTarget = errors.New("bbb: callbacks are not delivered to that address")
	errNoTenant    = errors.New("bbb: there is no tenant of that name")
)

// delivery is one callback on its way to a client.
type delivery struct {
	kind    relayKind
	tenant  string // its name
	host    string // of the target
	meeting string // its ID as the tenant knows it, for logs
	size    int
	waits   []time.Duration
	timeout time.Duration
	request func(*Tenant) (*http.Request, error) // signed by the secret that the tenant has at that time
	done    func(status int) bool                // besides 2xx

	first chan int // gets the status of the first attempt, 0 without an answer
}

// deliverer delivers callbacks, each in a goroutine of its own, in which it waits for its turns too.
type deliverer struct {
	client http.Client
	idle   func() // closes idle connections
	find   func(context.Context, string) (*Tenant, error)
	log    *slog.Logger
	gate   gate // Close waits for what is inside
	stop   context.Context
	cancel context.CancelFunc
	turns  chan struct{} // holds one value for each attempt under way

	mu    sync.Mutex // protects the fields below
	all   waiting
	lanes map[string]*lane // by tenant, and by tenant and host
}

// waiting counts deliveries.
type waiting struct{ number, bytes int }

func (w *waiting) add(number, bytes int) { w.number += number; w.bytes += bytes }

// lane is the part of a tenant, or of one host of a tenant; it exists as long as something waits there.
type lane struct {
	waiting
	turns chan struct{} // holds one value for each attempt under way
}

func newDeliverer(c *relayConfig, log *slog.Logger, find func(context.Context, string) (*Tenant, error)) *deliverer {
	d := &deliverer{find: find, log: log, turns: make(chan struct{}, relayAttempts), lanes: make(map[string]*lane), idle: func() {}}
	d.stop, d.cancel = context.WithCancel(context.Background())
	d.client = http.Client{Transport: c.transport, CheckRedirect: sameHost}
	if c.transport == nil {
		allow := c.targets
		if allow == nil {
			allow = ordinaryTarget
		}
		t := newRelayTransport(allow)
		d.client.Transport, d.idle = t, t.CloseIdleConnections
	}
	return d
}

// newRelayTransport connects to allowed addresses only. They are looked at when a name was resolved, as
// whoever owns the name could change it between a look and the connection. There is no proxy: it would be
// the only address to be seen.
func newRelayTransport(allow func(netip.Addr) bool) *http.Transport {
	dialer := &net.Dialer{Timeout: relayAttemptTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		if at, err := netip.ParseAddrPort(address); err != nil || !allow(at.Addr().WithZone("")) {
			return errRelayTarget
		}
		return nil
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: relayAttempts, MaxIdleConnsPerHost: hostShare,
		MaxConnsPerHost: relayAttempts, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: relayAttemptTimeout,
		MaxResponseHeaderBytes: relayAnswerLimit,
	}
}

// sameHost lets a redirect be followed that changes neither host nor method. What is sent is meant, and signed, for
// one client; and a POST that has become a GET would look delivered.
func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0]
	if len(via) > relayRedirects || r.Method != first.Method || !strings.EqualFold(r.URL.Hostname(), first.URL.Hostname()) ||
		r.URL.Scheme != "https" && r.URL.Scheme != first.URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// take accepts a delivery, or says why not: ErrClosed or errRelayFull.
func (d *deliverer) take(job *delivery) error {
	if err := d.gate.enter(); err != nil {
		return err
	}
	d.mu.Lock()
	room := d.hasRoom(job.tenant, job.size)
	var turns []chan struct{}
	if room {
		d.count(job, 1)
		turns = []chan struct{}{d.lane(job.tenant + "\x00" + job.host).turns, d.lane(job.tenant).turns, d.turns}
	}
	d.mu.Unlock()
	if !room {
		d.gate.exit()
		return errRelayFull
	}
	job.first = make(chan int, 1)
	go func() {
		defer d.gate.exit()
		defer d.leave(job)
		d.deliver(job, turns)
	}()
	return nil
}

// room reports whether a delivery of a tenant would be taken.
func (d *deliverer) room(tenant string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hasRoom(tenant, 0)
}

// hasRoom reports whether there is room for so many bytes. The lock is held.
func (d *deliverer) hasRoom(tenant string, size int) bool {
	var own waiting
	if s := d.lanes[tenant]; s != nil {
		own = s.waiting
	}
	return d.all.number < relayQueueLen && d.all.bytes+size <= relayQueueBytes &&
		own.number < relayQueueLen/tenantShare && own.bytes+size <= relayQueueBytes/tenantShare
}

// lane returns the lane of that name. The lock is held.
func (d *deliverer) lane(name string) *lane {
	s := d.lanes[name]
	if s == nil {
		share := tenantShare
		if strings.Contains(name, "\x00") {
			share = hostShare
		}
		s = &lane{turns: make(chan struct{}, relayAttempts/share)}
		d.lanes[name] = s
	}
	return s
}

// count adds a delivery to what waits, or takes it out. The lock is held.
func (d *deliverer) count(job *delivery, n int) {
	d.all.add(n, n*job.size)
	for _, name := range []string{job.tenant, job.tenant + "\x00" + job.host} {
		s := d.lane(name)
		if s.add(n, n*job.size); s.number == 0 {
			delete(d.lanes, name)
		}
	}
}

func (d *deliverer) leave(job *delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count(job, -1)
}

// deliver tries until it is done. turns are to be had in their order: who waits for those of a
// host that does not answer must not hold those that others need.
func (d *deliverer) deliver(job *delivery, turns []chan struct{}) {
	for try := 0; ; try++ {
		status, err := d.turn(job, turns)
		if try == 0 {
			job.first <- status
		}
		switch {
		case d.stop.Err() != nil && err != nil:
			d.log.LogAttrs(d.stop, slog.LevelWarn, relayDropped, job.attrs(slog.String("reason", "closed"))...)
			return
		case err == nil && (status/100 == 2 || job.done(status)):
			d.log.LogAttrs(d.stop, slog.LevelDebug, "callback delivered", job.attrs(slog.Int("status", status), slog.Int("tries", try+1))...)
			return
		case errors.Is(err, errRelayTarget), errors.Is(err, errNoTenant), try == len(job.waits):
			d.log.LogAttrs(d.stop, slog.LevelWarn, relayDropped, job.attrs(slog.String("reason", reasonOf(status, err)), slog.Int("tries", try+1))...)
			return
		}
		d.log.LogAttrs(d.stop, slog.LevelDebug, "callback not delivered yet", job.attrs(slog.String("reason", reasonOf(status, err)), slog.Int("tries", try+1))...)
		if !pauseFor(d.stop, jittered(job.waits[try])) {
			d.log.LogAttrs(d.stop, slog.LevelWarn, relayDropped, job.attrs(slog.String("reason", "closed"))...)
			return
		}
	}
}

func reasonOf(status int, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("HTTP %d", status)
}

// turn makes one attempt when it is its turn.
func (d *deliverer) turn(job *delivery, turns []chan struct{}) (status int, err error) {
	for _, free := range turns {
		select {
		case free <- struct{}{}:
			defer func() { <-free }()
		case <-d.stop.Done():
			return 0, ErrClosed
		}
	}
	ctx, cancel := context.WithTimeout(d.stop, job.timeout)
	defer cancel()
	t, err := d.find(ctx, job.tenant)
	if err != nil {
		return 0, err
	}
	r, err := job.request(t)
	if err != nil {
		return 0, redact.Error(err, t.Secrets...)
	}
	r.Header.Set("Cache-Control", "no-cache")
	if r.Header.Get("User-Agent") == "" {
		r.Header.Set("User-Agent", "BigBlueButton callback")
	}
	resp, err := d.client.Do(r.WithContext(ctx))
	if ue, ok := errors.AsType[*url.Error](err); ok {
		err = ue.Err // without the URL: only the client knows what is secret in it
	}
	if err != nil {
		return 0, redact.Error(err, t.Secrets...)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, relayAnswerLimit) // so that the connection can be used again
	return resp.StatusCode, nil
}

// attrs tells which delivery it is, without the path and the query of its target.
func (job *delivery) attrs(more ...slog.Attr) []slog.Attr {
	return append(more, slog.String("callback", string(job.kind)), slog.String("tenant", job.tenant),
		slog.String("host", job.host), slog.String("meeting", job.meeting))
}

// close lets nothing in any more and waits for what is inside. What is left when ctx ends is dropped.
func (d *deliverer) close(ctx context.Context) error {
	d.gate.close()
	err := d.gate.wait(ctx)
	d.cancel()
	if err != nil {
		_ = d.gate.wait(context.WithoutCancel(ctx)) // they end at once
	}
	d.idle()
	return err
}

// pauseFor waits, and reports false when ctx ended first.
func pauseFor(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// jittered spreads what failed together.
func jittered(d time.Duration) time.Duration {
	return d - d/10 + time.Duration(rand.Int64N(int64(d)/5+1)) //nolint:gosec // nobody gains by guessing it
}
