package bbbtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Server is a fake BigBlueButton server. All its methods are safe for concurrent use.
type Server struct {
	conf config

	// mu protects the state of the API: the secrets, all meetings and recordings with what is in
	// them, and the webhooks.
	mu         sync.Mutex
	secrets    []string // the first one signs; never empty
	meetings   meetings
	recordings recordings
	hooks      hooks
	tickets    map[string]trackTicket

	log    requestLog
	faults faults
	life   life
}

// serverCount numbers the servers of a process.
var serverCount atomic.Int64

// New returns a server that listens nowhere and does no I/O; it is reached through [Server.Transport],
// [NetworkOf], [Server.ServeHTTP], or a listener once [Server.Listen] was called.
func New(opts ...Option) *Server {
	c := config{
		scheme:         "http",
		release:        release{3, 0, newestPatch["3.0"], fmt.Sprintf("3.0.%d", newestPatch["3.0"])},
		endWaits:       seconds(30, 60, 120, 300),
		hookWaits:      seconds(0.1, 0.5, 1, 2, 4, 8, 10, 30, 60, 60, 60, 60),
		hookAlgorithm:  "sha1",
		readyAlgorithm: "HS256",
	}
	for _, opt := range opts {
		opt(&c)
	}
	if c.name == "" {
		c.name = fmt.Sprintf("bbb%d", serverCount.Add(1))
	}
	c.host = cmp.Or(c.host, strings.ToLower(c.name)+".test")
	if c.algorithms == nil {
		c.algorithms = c.release.algorithms()
	}
	if c.hookStyle == 0 {
		c.hookStyle = HooksV2
		if c.release.atLeast(3, 0) {
			c.hookStyle = HooksV34
		}
	}
	if c.callbackTransport == nil {
		c.callbackTransport = &http.Transport{DisableKeepAlives: true}
	}
	if c.formats == nil {
		c.formats = []string{"presentation", "video"}
	}
	if c.secret == nil {
		c.secret = new(newSecret())
	}
	s := &Server{
		conf:       c,
		secrets:    append([]string{*c.secret}, c.others...),
		recordings: newRecordings(),
		tickets:    map[string]trackTicket{},
		log:        requestLog{counts: map[string]int{}},
		life:       life{flights: map[*flight]struct{}{}},
	}
	s.meetings = newMeetings(s.gone)
	for _, h := range c.permanentHooks {
		h.Permanent = true
		s.addHook(h)
	}
	return s
}

func seconds(list ...float64) []time.Duration {
	waits := make([]time.Duration, len(list))
	for i, n := range list {
		waits[i] = time.Duration(n * float64(time.Second))
	}
	return waits
}

// Start returns a server that listens on a free port of the loopback interface. It is closed when
// the test ends.
func Start(tb testing.TB, opts ...Option) *Server {
	tb.Helper()
	s := New(opts...)
	if err := s.Listen("127.0.0.1:0"); err != nil {
		tb.Fatalf("bbbtest: %v", err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Errorf("bbbtest: %v", err)
		}
	})
	return s
}

// Name returns the name of the server.
func (s *Server) Name() string { return s.conf.name }

// Secret returns the shared secret.
func (s *Server) Secret() string { return s.currentSecrets()[0] }

// SetSecret replaces the secret, and the others it accepted besides, while the server runs.
func (s *Server) SetSecret(secret string, others ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = append([]string{secret}, others...)
}

// currentSecrets returns a list that is never changed, only replaced.
func (s *Server) currentSecrets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.secrets
}

// URL returns the base of the API, as bbb-conf --secret prints it: the address of the listener
// followed by /bigbluebutton/, or a host that only [Server.Transport] and [Network] know.
func (s *Server) URL() string { return s.origin() + "/bigbluebutton/" }

// origin is the scheme and host of the server.
func (s *Server) origin() string {
	if addr := s.life.address(); addr != "" {
		return "http://" + addr
	}
	return s.conf.scheme + "://" + s.conf.host
}

// ServeHTTP answers the API at /bigbluebutton/api, and a page for people at the address a join leads
// to. Faults that break the connection do so with a panic of [http.ErrAbortHandler], which servers
// and [Server.Transport] turn into a broken connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a, ok := r.Context().Value(arrivalKey{}).(arrival); ok {
		s.serve(r.Context(), w, r, a.fault)
		return
	}
	f, err := s.life.begin(r.Context())
	if err != nil {
		if errors.Is(err, errDown) {
			breakOff(w)
		}
		errorPage(http.StatusServiceUnavailable).write(w, r)
		return
	}
	defer f.end()
	fault := s.faults.take(r)
	if fault.Refuse {
		pause(f.ctx, fault.Latency)
		breakOff(w)
	}
	s.serve(f.ctx, w, r, fault)
}

// serve processes a request that arrived, as the fault wants it.
func (s *Server) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, fault Fault) {
	now := time.Now().Add(fault.ClockSkew)
	body, err := readBody(r)
	entry := s.log.add(r, body.head)
	if s.conf.observe != nil {
		defer func() { s.conf.observe(s.log.get(entry)) }()
	}
	if err != nil {
		// Half a request is none.
		rep := errorPage(http.StatusBadRequest)
		if errors.Is(err, errBodyTooLarge) {
			rep = errorPage(http.StatusRequestEntityTooLarge)
		}
		s.log.answered(entry, rep.status)
		rep.write(w, r)
		return
	}
	var rep reply
	done := fault.Processed || fault.Drop
	if done {
		rep = s.answer(r, body, now)
	}
	if !pause(ctx, fault.Latency) {
		panic(http.ErrAbortHandler)
	}
	switch {
	case fault.Hang:
		<-ctx.Done()
		panic(http.ErrAbortHandler)
	case fault.Drop:
		panic(http.ErrAbortHandler)
	case fault.replaces():
		rep = fault.reply()
	case !done:
		rep = s.answer(r, body, now)
	}
	if fault.ClockSkew != 0 {
		rep.header.Set("Date", now.UTC().Format(http.TimeFormat))
	}
	s.log.answered(entry, rep.status)
	if fault.CutBody != 0 {
		rep.writeCut(w, max(fault.CutBody, 0))
	}
	rep.write(w, r)
	if fault.Flood > 0 {
		flood(ctx, w, fault.Flood)
	}
}

// write sends a reply.
func (rep reply) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	maps.Copy(h, rep.header)
	if !rep.endless {
		h.Set("Content-Length", fmt.Sprint(len(rep.body)))
	}
	w.WriteHeader(rep.status)
	if r.Method != http.MethodHead && len(rep.body) > 0 {
		_, _ = w.Write(rep.body) // a client that is gone misses nothing
	}
}

// writeCut announces a whole reply, sends n bytes of it and breaks the connection.
func (rep reply) writeCut(w http.ResponseWriter, n int) {
	h := w.Header()
	maps.Copy(h, rep.header)
	h.Set("Content-Length", fmt.Sprint(max(len(rep.body), n+1)))
	w.WriteHeader(rep.status)
	_, _ = w.Write(rep.body[:min(n, len(rep.body))])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// breakOff resets the connection without an answer, as far as the kind of connection allows.
func breakOff(w http.ResponseWriter) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = conn.Close()
	}
	panic(http.ErrAbortHandler)
}

// pause waits, and reports whether the time passed before the request ended.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// host is the host, with port if any, of the URL.
func (s *Server) host() string {
	return cmp.Or(s.life.address(), s.conf.host)
}
