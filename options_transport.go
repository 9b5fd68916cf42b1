package bbb

import "net/http"

// WithTransport sets what carries the requests, overriding the default of one
// keep-alive transport that all servers of the group share. It must be safe for
// concurrent use. Cookies and redirects stay ours.
//
// Calls that must not be repeated, such as join, go over connections of their own, for
// which an *[http.Transport] is cloned. Any other one has to see to it that a request
// whose connection broke is not sent again, as net/http does with a GET: it would join
// a person twice.
func WithTransport(rt http.RoundTripper) Option {
	return both(func(c *serverConfig) {
		if rt == nil {
			c.problem("WithTransport: nil transport")
		}
		c.carry(rt)
	})
}

// WithHTTPClient sets the client whose Transport carries the requests,
// overriding the default of one keep-alive transport that all servers of the
// group share. Its Timeout, if any, bounds the whole request. Its Jar and
// CheckRedirect are not used: the cookies of a server are kept apart, and a
// redirect is part of an answer.
func WithHTTPClient(client *http.Client) Option {
	return both(func(c *serverConfig) {
		if client == nil {
			c.problem("WithHTTPClient: nil client")
			return
		}
		if c.carry(client.Transport); client.Transport == nil {
			c.carry(http.DefaultTransport)
		}
		if client.Timeout > 0 {
			c.requestTimeout = client.Timeout
		}
	})
}

// carry has the requests carried by rt.
func (c *serverConfig) carry(rt http.RoundTripper) {
	c.transport, c.once = rt, rt
	if t, ok := rt.(*http.Transport); ok && t != nil {
		c.once = newOnceTransport(t)
	}
}
