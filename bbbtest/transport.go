package bbbtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Transport returns a transport that reaches this server, whatever the host of a request, without a
// socket. It behaves like a real one: it obeys the context of the request at every stage, a body
// has to be read or closed, an https URL makes the server believe in TLS, and a broken connection
// is an error. Nothing is kept alive and nothing is sent twice.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) { return t.server.roundTrip(r) }

func (s *Server) roundTrip(r *http.Request) (*http.Response, error) {
	ctx := r.Context()
	in, err := arriving(r)
	if err == nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		closeBody(r)
		return nil, err
	}
	f, err := s.life.begin(context.Background())
	if err != nil {
		closeBody(r)
		return nil, refused(r)
	}
	fault := s.faults.take(in)
	if fault.Refuse {
		f.end()
		closeBody(r)
		if !pause(ctx, fault.Latency) {
			return nil, context.Cause(ctx)
		}
		return nil, refused(r)
	}

	x := newExchange()
	stopServing := context.AfterFunc(f.ctx, func() {
		closeBody(in) // wakes a handler that waits for the rest of the request
		x.abort()
	})
	stopClient := context.AfterFunc(ctx, func() {
		x.breakWith(context.Cause(ctx), context.Cause(ctx))
		f.cancel()
	})
	go x.run(s, in.WithContext(context.WithValue(f.ctx, arrivalKey{}, arrival{fault})), func() {
		stopServing()
		stopClient()
		closeBody(in)
		f.end()
	})

	select {
	case <-x.started:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if x.err != nil {
		return nil, x.err
	}
	return x.response(r), nil
}

// arrival is what the transport hands to the server beside the request, under arrivalKey: the
// request is entered already, and its fault taken.
type arrival struct{ fault Fault }

type arrivalKey struct{}

// arriving makes the request a server would see out of the one a client sends.
func arriving(r *http.Request) (*http.Request, error) {
	if r.URL == nil || r.URL.Host == "" {
		return nil, errors.New("bbbtest: no Host in request URL")
	}
	if r.URL.Scheme != "http" && r.URL.Scheme != "https" {
		return nil, fmt.Errorf("bbbtest: unsupported protocol scheme %q", r.URL.Scheme)
	}
	target := r.URL.RequestURI()
	if strings.ContainsFunc(target, func(c rune) bool { return c <= ' ' || c == 0x7F }) {
		return nil, errors.New("bbbtest: blank or control character in request URL")
	}
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, fmt.Errorf("bbbtest: %w", err)
	}
	in := &http.Request{
		Method: r.Method, URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: r.Header.Clone(), Host: r.Host, RemoteAddr: "192.0.2.1:1234",
		ContentLength: r.ContentLength, Body: http.NoBody,
	}
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	if in.Header.Get("User-Agent") == "" {
		in.Header.Set("User-Agent", "Go-http-client/1.1")
	}
	if r.Body != nil {
		in.Body = &closeOnce{ReadCloser: r.Body}
	}
	if r.URL.Scheme == "https" {
		in.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: r.URL.Hostname()}
	}
	return in, nil
}

// closeOnce lets the body of a request be closed from both ends.
type closeOnce struct {
	io.ReadCloser
	once sync.Once
	err  error
}

func (c *closeOnce) Close() error {
	c.once.Do(func() { c.err = c.ReadCloser.Close() })
	return c.err
}

func closeBody(r *http.Request) {
	if r.Body != nil {
		_ = r.Body.Close()
	}
}

// refused is the error of a dial to a port nobody listens on.
func refused(r *http.Request) error {
	return &net.OpError{Op: "dial", Net: "tcp", Addr: hostAddr(r.URL.Host), Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// hostAddr is the address of a host that was never resolved.
type hostAddr string

func (hostAddr) Network() string  { return "tcp" }
func (a hostAddr) String() string { return string(a) }

// exchange is the answering end of a request in-process. The header goes across when it is written,
// the body through a pipe.
type exchange struct {
	header http.Header
	once   sync.Once
	// started is closed once status and sent, or err, are set.
	started chan struct{}
	status  int
	sent    http.Header
	err     error
	body    *io.PipeReader
	pipe    *io.PipeWriter
}

func newExchange() *exchange {
	x := &exchange{header: http.Header{}, started: make(chan struct{})}
	x.body, x.pipe = io.Pipe()
	return x
}

// run lets a handler answer. One that aborts breaks the connection; any other panic is a
// bug and ends the test, as it should.
func (x *exchange) run(h http.Handler, r *http.Request, done func()) {
	defer done()
	defer func() {
		if p := recover(); p != nil && p != http.ErrAbortHandler { //nolint:errorlint // a panic value, compared as net/http does
			panic(p)
		} else if p != nil {
			x.abort()
		}
	}()
	h.ServeHTTP(x, r)
	x.WriteHeader(http.StatusOK)
	_ = x.pipe.Close()
}

// abort breaks the connection from the server's side: before the header the client sees the end of
// the stream, after it an end that came too early.
func (x *exchange) abort() { x.breakWith(io.EOF, io.ErrUnexpectedEOF) }

// breakWith breaks the connection with one error before the header, with another after it.
func (x *exchange) breakWith(before, after error) {
	x.once.Do(func() {
		x.err = before
		close(x.started)
	})
	_ = x.pipe.CloseWithError(after)
}

func (x *exchange) Header() http.Header { return x.header }

func (x *exchange) WriteHeader(status int) {
	x.once.Do(func() {
		x.status, x.sent = status, x.header.Clone()
		if x.sent.Get("Date") == "" {
			x.sent.Set("Date", time.Now().UTC().Format(http.TimeFormat))
		}
		close(x.started)
	})
}

func (x *exchange) Write(p []byte) (int, error) {
	x.WriteHeader(http.StatusOK)
	return x.pipe.Write(p)
}

func (x *exchange) Flush() { x.WriteHeader(http.StatusOK) }

// response is what the client gets.
func (x *exchange) response(r *http.Request) *http.Response {
	resp := &http.Response{
		Status:     strconv.Itoa(x.status) + " " + http.StatusText(x.status),
		StatusCode: x.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        x.sent,
		ContentLength: -1,
		Body:          x.body, // closing it makes the server stop writing
		Request:       r,
	}
	if n, err := strconv.ParseInt(x.sent.Get("Content-Length"), 10, 64); err == nil {
		resp.ContentLength = n
	}
	if r.URL.Scheme == "https" {
		resp.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: r.URL.Hostname()}
	}
	return resp
}
