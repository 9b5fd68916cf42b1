package proxy

import (
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// oneConn is a listener with one connection.
type oneConn struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *oneConn) Close() error   { close(l.done); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// Pages are open to everybody who reaches the address. A body that did not come, and answers that nobody
// read, held a connection for ever.
func TestPagesAreTimed(t *testing.T) {
	t.Parallel()
	for what, request := range map[string]string{
		"body":    "GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
		"answers": "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
		"nothing": "GET /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, 1, nil)
				for _, h := range []http.Handler{r.routes(true), r.adminRoutes()} {
					if what == "nothing" {
						h = r.adminRoutes() // the other one is a call for the handler
					}
					client, conn := net.Pipe()
					l := &oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
					l.conns <- conn
					srv := r.server(h, r.live.Load().config)
					served := make(chan error, 1)
					go func() { served <- srv.Serve(l) }()
					began := time.Now()
					require.NoError(t, client.SetDeadline(began.Add(time.Hour)))
					_, err := io.WriteString(client, request)
					for what == "answers" && err == nil {
						_, err = io.WriteString(client, request)
					}
					_, _ = io.Copy(io.Discard, client)
					assert.Equal(t, pageTime, time.Since(began))
					require.NoError(t, srv.Close())
					require.ErrorIs(t, <-served, http.ErrServerClosed)
				}
			})
		})
	}
}
