package bbb

import (
	"context"
	"net"
	"net/http"
	"time"
)

// connectTimeoutKey carries the connect timeout of a server to the dialer of
// the transport, which the servers of a group share.
type connectTimeoutKey struct{}

// newOnceTransport returns the transport for calls that must not reach a server
// twice, such as join. A request on a kept connection that breaks is sent again
// by [http.Transport] itself if it is a GET; on a connection of its own it is not.
func newOnceTransport(shared *http.Transport) *http.Transport {
	once := shared.Clone()
	once.DisableKeepAlives = true
	return once
}

// newTransport returns the transport that the servers of a group share: one
// pool of kept connections, with room for all workers on one server.
func newTransport(workers int) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if d, ok := ctx.Value(connectTimeoutKey{}).(time.Duration); ok {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, d)
				defer cancel()
			}
			return dialer.DialContext(ctx, network, addr)
		},
		MaxIdleConns:          0, // no limit over all servers
		MaxIdleConnsPerHost:   workers,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}
