package bbb

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"
)

// connectTimeoutKey carries the connect timeout of a server to the dialer of
// the transport, which the servers of a group share. A context without it means
// DefaultConnectTimeout: that is one allocation less for each call to most servers.
type connectTimeoutKey struct{}

// newOnceTransport returns the transport for calls that must not reach a server
// twice, such as join. A request on a kept connection that breaks is sent again
// by [http.Transport] itself if it is a GET; on a connection of its own it is not.
func newOnceTransport(shared *http.Transport) *http.Transport {
	once := shared.Clone()
	once.DisableKeepAlives = true
	return once
}

const (
	// idleTime is how long a connection is kept that nobody uses. It is less than the time for
	// which those on the other side keep it: 60 s of many load balancers, 65 s of the nginx of
	// BigBlueButton. If they close it first, that may cross a request, which for a POST means that nobody
	// knows whether it was carried out.
	idleTime = 50 * time.Second
	// keptSessions is how many hosts there may be whose last TLS session is kept.
	keptSessions = 1024
)

// newTransport returns the transport that the servers of a group share: one
// pool of kept connections, with room for all workers on one server.
//
// It speaks HTTP/1.1, which is what net/http does with a dialer of our own unless it is told
// otherwise (ForceAttemptHTTP2). With HTTP/2 all calls to a server would share one connection, and so wait
// for a long list on its way and end together when it breaks; and each would take about twice the
// processor here.
//
// It asks for gzip, and leaves the choice to the server. As installed, BigBlueButton does not
// compress XML. Where somebody has switched that on, a list gets to a tenth or a thirtieth of its length:
// for 40 meetings that saves the millisecond that 120 kB take at 1 Gbit/s, and some round trips
// of a long way. It costs about as much time as it takes to decode the list here, and a millisecond on the
// server. So it neither pays nor hurts within a data centre, and pays everywhere else.
//
// A connection that is made anew takes up the last TLS session with that host, which spares both sides
// the certificates and their signatures. Joins, which have connections of their own, live by that.
func newTransport(workers int) *http.Transport {
	dialer := &net.Dialer{KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			d, ok := ctx.Value(connectTimeoutKey{}).(time.Duration)
			if !ok {
				d = DefaultConnectTimeout
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
		TLSClientConfig: &tls.Config{
			ClientSessionCache: tls.NewLRUClientSessionCache(keptSessions),
			MinVersion:         tls.VersionTLS12,
		},
		MaxIdleConns:          0, // no limit over all servers
		MaxIdleConnsPerHost:   workers,
		IdleConnTimeout:       idleTime,
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
