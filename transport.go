package bbb

import (
	"context"
	"fmt"
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
			d, ok := ctx.Value(connectTimeoutKey{}).(time.Duration)
			if !ok {
				return dialer.DialContext(ctx, network, addr)
			}
			dialing, cancel := context.WithTimeout(ctx, d)
			defer cancel()
			conn, err := dialer.DialContext(dialing, network, addr)
			if err == nil {
				return conn, nil
			}
			if settle(dialing); dialing.Err() != nil && ctx.Err() == nil {
				// The dialer's own error does not say whose time it was, and matches
				// no error of a context.
				return nil, fmt.Errorf("no connection within %v: %w: %w", d, context.DeadlineExceeded, err)
			}
			return nil, err
		},
		MaxIdleConns:          0, // no limit over all servers
		MaxIdleConnsPerHost:   workers,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   5 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
}

// settle waits for a context to end whose deadline has passed. A connection has
// the deadline of its context, and its timer fires first as often as not: the
// error would come before anybody could tell whose deadline it was.
func settle(ctx context.Context) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Now().Before(deadline) {
		return
	}
	late := time.NewTimer(100 * time.Millisecond) // for contexts of others' making
	defer late.Stop()
	select {
	case <-ctx.Done():
	case <-late.C:
	}
}
