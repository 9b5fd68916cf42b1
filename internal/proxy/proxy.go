package proxy

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bbbgroup/bbb"
)

// maxHeader is how much of headers a request may have beside its URL.
const maxHeader = 64 << 10

// pageTime is how long a page for operators may take.
const pageTime = 30 * time.Second

// proxy is the program while it runs.
type proxy struct {
	source  source
	log     *slog.Logger
	level   *slog.LevelVar
	started time.Time
	events  *events
	group   *bbb.Group
	cert    atomic.Pointer[tls.Certificate]

	// live is what requests are answered with; replaced by a reload, never changed.
	live    atomic.Pointer[live]
	leaving atomic.Bool // shutting down: /healthz tells balancers to go elsewhere

	// Handlers that a reload has replaced deliver the callbacks that they have taken.
	old      sync.WaitGroup
	oldLife  context.Context
	dropOlds context.CancelFunc

	cache bbb.Cache // nil for the memory

	// The fields below belong to the goroutine of serve.
	refreshing func() // ends Group.Run and waits for it
}

// live is one configuration at work.
type live struct {
	config  *Config
	handler *bbb.Handler
}

// newProxy makes all of the proxy but its sockets.
func newProxy(c *Config, s source, stderr io.Writer) (_ *proxy, err error) {
	p := &proxy{source: s, level: new(slog.LevelVar), started: time.Now(), refreshing: func() {}}
	p.oldLife, p.dropOlds = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, p.closeCache())
		}
	}()
	hopts := &slog.HandlerOptions{Level: p.level}
	p.log = slog.New(slog.NewTextHandler(stderr, hopts))
	if c.Log.Format == "json" {
		p.log = slog.New(slog.NewJSONHandler(stderr, hopts))
	}
	p.events = newEvents(c.Status)

	opts := append(c.groupOptions(), bbb.WithLogger(p.log), bbb.WithObserver(p.events.observer()))
	opts = append(opts, s.group...)
	if c.Cache != "" {
		cache, err := s.cache(c.Cache)
		if err != nil {
			return nil, fmt.Errorf("cache: %w", err)
		}
		p.cache = cache
		opts = append(opts, bbb.WithCache(cache))
	}
	if p.group, err = bbb.NewGroup(c.Name, opts...); err != nil {
		return nil, err
	}
	if err := p.apply(c); err != nil {
		p.dropOlds()
		return nil, errors.Join(err, p.group.Close(context.Background()))
	}
	return p, nil
}

// serve answers requests until ctx ends, and then those that have begun.
func (p *proxy) serve(ctx context.Context, listen net.Listener, admin net.Listener, reload <-chan os.Signal) error {
	c := p.live.Load().config
	failed := make(chan error, 2)
	servers := []*http.Server{p.server(p.routes(admin == nil), c)}
	start := func(srv *http.Server, l net.Listener) {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}
	if c.TLS != nil {
		listen = tls.NewListener(listen, p.tlsConfig())
	}
	go start(servers[0], listen)
	if admin != nil {
		servers = append(servers, p.server(p.adminRoutes(), c))
		go start(servers[1], admin)
	}

	var err error
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case err = <-failed:
			done = true
		case <-reload:
			p.reload()
		}
	}
	return errors.Join(err, p.shutdown(servers))
}

// shutdown ends everything in the order in which it depends on each other: no new requests,
// those under way, callbacks that were taken, the group, the cache. It all has one
// time, which the configuration gives.
func (p *proxy) shutdown(servers []*http.Server) error {
	now := p.live.Load()
	p.leaving.Store(true)
	p.log.LogAttrs(context.Background(), slog.LevelInfo, "shutting down",
		slog.Duration("atMost", time.Duration(now.config.Shutdown)))
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(now.config.Shutdown))
	defer cancel()
	p.refreshing()
	var problems []error
	for _, srv := range servers {
		if err := srv.Shutdown(ctx); err != nil {
			problems = append(problems, fmt.Errorf("requests were cut off: %w", err), srv.Close())
		}
	}
	if err := now.handler.Close(ctx); err != nil {
		problems = append(problems, fmt.Errorf("callbacks were dropped: %w", err))
	}
	context.AfterFunc(ctx, p.dropOlds)
	p.old.Wait()
	return errors.Join(append(problems, p.group.Close(ctx), p.closeCache())...)
}

// closeCache closes a cache that was opened and can be closed.
func (p *proxy) closeCache() error {
	if c, ok := p.cache.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// server is an http.Server that bounds what a slow client can hold. Bodies have no time of
// their own here: an upload takes as long as it takes, and the handler looks after
// those that stand still.
func (p *proxy) server(h http.Handler, c *Config) *http.Server {
	limit := cmp.Or(c.Limits.URL, bbb.DefaultHandlerURLLimit)
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute, // longer than nginx keeps a connection (60 s), so that it is nginx who closes
		MaxHeaderBytes:    limit + maxHeader,
		ErrorLog:          slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
	}
}

// tlsConfig takes the certificate that was read last.
func (p *proxy) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return p.cert.Load(), nil
		},
	}
}

// routes are what clients see. What is not a page of ours is for the handler, which answers as a
// server does. There is no ServeMux: it cleans paths, and redirects to what it has made of them.
func (p *proxy) routes(all bool) http.Handler {
	pages := map[string]http.HandlerFunc{"/healthz": p.healthz}
	if all {
		pages = p.pages()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if page := pages[r.URL.Path]; page != nil && isRead(r) {
			timed(page).ServeHTTP(w, r)
			return
		}
		p.live.Load().handler.ServeHTTP(w, r)
	})
}

// adminRoutes are what operators see where they have an address of their own.
func (p *proxy) adminRoutes() http.Handler {
	pages := p.pages()
	return timed(func(w http.ResponseWriter, r *http.Request) {
		if page := pages[r.URL.Path]; page != nil && isRead(r) {
			page(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

// timed bounds how long a request may hold its connection, as the handler does for calls: also by a body
// that nobody wants and that does not come, and by an answer that is not read.
func timed(page http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, until := http.NewResponseController(w), time.Now().Add(pageTime)
		if r.ContentLength != 0 {
			_ = c.SetReadDeadline(until)
		}
		_ = c.SetWriteDeadline(until)
		page(w, r)
		_ = c.Flush()
		_ = c.SetWriteDeadline(time.Time{}) // the next request of the connection has its own
	})
}

// pages are all that the configuration wants.
func (p *proxy) pages() map[string]http.HandlerFunc {
	c := p.live.Load().config
	pages := map[string]http.HandlerFunc{"/healthz": p.healthz}
	if c.Metrics {
		pages["/metrics"] = p.metrics
	}
	if c.Status {
		pages["/status"] = p.status
	}
	return pages
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }
