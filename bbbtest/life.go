package bbbtest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// life is whether a server can be reached: its listener, its outage and the requests under way.
type life struct {
	mu      sync.Mutex
	flights map[*flight]struct{}
	idle    chan struct{} // made by a Close that waits for the last flight
	errands map[*errand]struct{}
	// noErrands is made by who waits for the last errand.
	noErrands chan struct{}
	closed    bool
	down      bool
	addr      string // of the listener, also while it is down; empty without one
	web       *listening
}

// flight is a request under way. Each has a context of its own, made where the request is handled,
// so that a server may be older than the synctest bubble that uses it.
type flight struct {
	ctx    context.Context
	cancel context.CancelFunc
	life   *life
}

// listening is a socket with the HTTP server on it.
type listening struct {
	server *http.Server
	served chan struct{} // closed when Serve returned
	conns  sync.WaitGroup
}

// Why a request cannot begin.
var (
	errClosed = errors.New("bbbtest: server closed")
	errDown   = errors.New("bbbtest: server down")
)

// begin enters a request, whose flight has to be ended when it is over. From here on Close and
// SetDown find the request and cancel its context.
func (l *life) begin(parent context.Context) (*flight, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, errClosed
	case l.down:
		return nil, errDown
	}
	f := &flight{life: l}
	f.ctx, f.cancel = context.WithCancel(parent)
	l.flights[f] = struct{}{}
	return f, nil
}

// end takes a request out; ending it twice does no harm.
func (f *flight) end() {
	f.cancel()
	l := f.life
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.flights, f)
	if len(l.flights) == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
}

func (l *life) address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.addr
}

// cancelAll aborts the requests under way. The mutex is held.
func (l *life) cancelAll() {
	for f := range l.flights {
		f.cancel()
	}
}

// Listen opens a real listener, such as "127.0.0.1:0" for a free port, and serves it until Close.
func (s *Server) Listen(addr string) error {
	l := &s.life
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return http.ErrServerClosed
	case l.addr != "":
		return errors.New("bbbtest: the server listens already")
	}
	return l.listen(s, addr)
}

// listen opens the socket and serves it. The mutex is held.
func (l *life) listen(handler http.Handler, addr string) error {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return err
	}
	web := &listening{served: make(chan struct{})}
	web.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: time.Minute,
		ConnState: func(_ net.Conn, state http.ConnState) {
			switch state {
			case http.StateNew:
				web.conns.Add(1)
			case http.StateClosed, http.StateHijacked:
				web.conns.Done()
			}
		},
	}
	go func() {
		defer close(web.served)
		_ = web.server.Serve(ln) // ends with ErrServerClosed
	}()
	l.web, l.addr = web, reachableAddr(ln.Addr())
	return nil
}

// reachableAddr turns the address of a listener on all interfaces into one that can be dialled.
func reachableAddr(addr net.Addr) string {
	if tcp, ok := addr.(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
		return (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: tcp.Port}).String()
	}
	return addr.String()
}

// stop closes the socket and all connections, and waits for their goroutines.
func (web *listening) stop() error {
	if web == nil {
		return nil
	}
	err := web.server.Close()
	<-web.served
	web.conns.Wait()
	return err
}

// Close stops the listener, aborts the requests, callbacks and webhooks under way and waits until they
// are over. What comes later is refused. Closing twice does no harm.
func (s *Server) Close() error {
	l := &s.life
	l.mu.Lock()
	l.closed = true
	web := l.web
	l.web = nil
	l.cancelAll()
	var idle chan struct{}
	if len(l.flights) > 0 {
		if l.idle == nil {
			l.idle = make(chan struct{})
		}
		idle = l.idle
	}
	l.mu.Unlock()
	err := web.stop()
	if idle != nil {
		<-idle
	}
	if done := l.allDone(true); done != nil {
		<-done
	}
	return err
}

// SetDown switches an outage on and off. While the server is down nothing listens: connections are
// refused, those that exist are broken, requests under way end without an answer. A real listener
// is closed, and later opened on the same port; SetDown panics should another process have taken it.
// The state is kept, as in an outage of the network; [Server.Restart] forgets it.
func (s *Server) SetDown(down bool) {
	l := &s.life
	l.mu.Lock()
	if l.closed || l.down == down {
		l.mu.Unlock()
		return
	}
	l.down = down
	if down {
		web := l.web
		l.web = nil
		l.cancelAll()
		l.mu.Unlock()
		_ = web.stop()
		return
	}
	defer l.mu.Unlock()
	if l.addr == "" {
		return
	}
	if err := l.listen(s, l.addr); err != nil {
		panic("bbbtest: cannot listen again: " + err.Error())
	}
}
