package bbbtest

import (
	"net"
	"net/http"
	"slices"
	"sync"
)

// Network is a transport that reaches several servers in-process, told apart by the host of the URL.
// A host that no server has is one the name service does not know.
type Network struct {
	mu      sync.Mutex
	servers []*Server
}

// NetworkOf returns a network of servers.
func NetworkOf(servers ...*Server) *Network {
	return &Network{servers: slices.Clone(servers)}
}

// Add makes a server reachable.
func (n *Network) Add(s *Server) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers = append(n.servers, s)
}

// Remove makes the host of a server unknown again.
func (n *Network) Remove(s *Server) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.servers = slices.DeleteFunc(n.servers, func(x *Server) bool { return x == s })
}

// RoundTrip sends a request to the server whose URL has the same host and port.
func (n *Network) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL != nil && r.URL.Host != "" {
		if s := n.find(r.URL.Host); s != nil {
			return s.roundTrip(r)
		}
		closeBody(r)
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{
			Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true,
		}}
	}
	_, err := arriving(r)
	closeBody(r)
	return nil, err
}

func (n *Network) find(host string) *Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.servers {
		if s.host() == host {
			return s
		}
	}
	return nil
}
