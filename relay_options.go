package bbb

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

const relayKeyMin = 32

// relayConfig is what options say of the relay.
type relayConfig struct {
	publicURL string   // empty for no relay
	keys      []string // the first seals
	targets   func(netip.Addr) bool
	transport http.RoundTripper
	algorithm *Algorithm // nil for the default
}

// WithHandlerRelay has what servers send about meetings go through the handler, overriding the default
// of past it: meetingEndedURL, the metadata endCallbackUrl, bbb-recording-ready-url and
// analytics-callback-url, and hooks. It reaches the URL that the client gave, with the client's meeting ID and
// signed with the first secret of its tenant. Without a relay, servers sign with secrets of their own, which a
// client does not know.
//
// publicURL is where the servers reach the handler: the API's URL, such as
// "https://bbb.example.org/bigbluebutton/api/". It must not change while there are hooks: it is part of what
// servers sign. The URLs that servers are given hold, sealed with the key, where to send what they send, and whose it is:
// nothing is stored, and nobody else can make such a URL or read it. So the key must be the same in all replicas and for
// years, since a recording may be published late: at least 32 characters at random. To replace it, give the
// new one and then the former ones, which still open what they have sealed.
//
// A URL of a client that is too long to be sealed, from about 1,300 bytes on, fails the create with validationError.
// A tenant may have 100 hooks to all meetings, and more to single ones.
//
// # Delivery
//
// A callback is verified first, as by [HookHandler], [RecordingReadyHandler] and [AnalyticsHandler]; news of
// the end of a meeting, which nobody signs, is checked with the group. Then the server waits for the first attempt
// to deliver it, up to three seconds, so that in most cases it forgets the callback only when the client
// has it. After that it is answered with 200, and what was not delivered is tried again for
// about five minutes (hooks) or ten, from memory. A client's 410 for a recording is handed back. When
// 4096 callbacks or 64 MiB wait, or a quarter of that of one tenant, and when [Handler.Close] was called,
// servers get 503 and repeat hooks and ends themselves.
//
// A redirect is followed on the same host alone, and to no other method. Proxies of the environment are not used.
func WithHandlerRelay(publicURL, key string, former ...string) HandlerOption {
	keys := append([]string{key}, former...)
	return handlerOption(func(c *handlerConfig) {
		u, err := url.Parse(publicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.ContainsAny(publicURL, "?# ") || u.User != nil {
			c.problem("WithHandlerRelay: the public URL must be an absolute http or https URL without user and query")
		}
		if slices.ContainsFunc(keys, func(key string) bool { return len(key) < relayKeyMin }) {
			c.problem("WithHandlerRelay: need keys of at least %d bytes", relayKeyMin)
		}
		c.relay.publicURL, c.relay.keys = publicURL, keys
	})
}

// WithHandlerRelayTargets sets to which addresses callbacks are delivered, overriding the
// default of all but those of the machine itself (loopback, unspecified), link-local and multicast ones. It is
// asked as a connection is made, after names were resolved. Networks with private addresses
// are allowed by default: clients are often there. For a handler whose tenants are strangers, allow
// public addresses alone.
func WithHandlerRelayTargets(allow func(netip.Addr) bool) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if allow == nil {
			c.problem("WithHandlerRelayTargets: nil function")
		}
		c.relay.targets = allow
	})
}

// WithHandlerRelayTransport sets what callbacks are delivered through, overriding the default of a
// transport of the handler's own. [WithHandlerRelayTargets] and its default have no say then.
func WithHandlerRelayTransport(rt http.RoundTripper) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if rt == nil {
			c.problem("WithHandlerRelayTransport: nil transport")
		}
		c.relay.transport = rt
	})
}

// WithHandlerRelayAlgorithm sets the checksum of events that are passed on, overriding the default of
// [SHA1], which is that of bbb-webhooks: receivers of old know no other.
func WithHandlerRelayAlgorithm(a Algorithm) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if a >= algorithms {
			c.problem("WithHandlerRelayAlgorithm: unknown algorithm")
		}
		c.relay.algorithm = &a
	})
}

// ordinaryTarget is the default of WithHandlerRelayTargets.
func ordinaryTarget(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsValid() && !a.IsLoopback() && !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !a.IsMulticast()
}
