package bbb

import (
	"context"
	"log/slog"
	"time"
)

// A HandlerOption changes a default of [NewHandler].
type HandlerOption interface{ applyHandler(*handlerConfig) }

type handlerOption func(*handlerConfig)

func (o handlerOption) applyHandler(c *handlerConfig) { o(c) }

// handlerConfig is what options change.
type handlerConfig struct {
	tenants    TenantFunc
	algorithms []Algorithm
	forms      []FormSigning
	bodyLimit  int64
	urlLimit   int
	fresh      time.Duration
	strict     bool
	log        *slog.Logger
	observe    func(context.Context, HandlerEvent)
	publicURL  string
	relayKey   string
	problems   []error
}

// HandlerEvent is one request that a [Handler] has answered.
type HandlerEvent struct {
	Tenant     string // name of the tenant; empty when it is not known or has none
	Call       string // the API call; "callback/..." for what servers send; empty for an unknown path
	StatusCode int    // HTTP status
	Key        string // messageKey of the answer
	Failed     bool
	Start      time.Time
	Duration   time.Duration
	Err        error // see [Response.Err]
}

// WithHandlerSecrets sets the secrets that clients sign with, overriding the default of none:
// several while one replaces another. It stands for one tenant without a name, who has the whole
// group.
func WithHandlerSecrets(secrets ...string) HandlerOption {
	return handlerOption(func(c *handlerConfig) {})
}

// WithHandlerTenants sets how the tenant of a request is found, overriding the default of one
// tenant with the secrets of [WithHandlerSecrets]. See [StaticTenants] and [OpenTenantFile].
func WithHandlerTenants(find TenantFunc) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.tenants = find })
}

// WithHandlerAlgorithms sets which checksums are accepted, overriding the default of all four.
func WithHandlerAlgorithms(algorithms ...Algorithm) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.algorithms = algorithms })
}

// WithHandlerForms accepts parameters in a form body, signed in the given ways,
// overriding the default of reading none: [SignForm] is a checksum over the body, and [SignQuery] one over the
// query alone, which lets whoever has seen one checksum send any body.
func WithHandlerForms(signing ...FormSigning) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.forms = signing })
}

// WithHandlerBodyLimit sets how many bytes a body may have, overriding the default of 64 MiB.
func WithHandlerBodyLimit(bytes int64) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.bodyLimit = bytes })
}

// WithHandlerURLLimit sets how many bytes path and query may have, overriding the default of
// 64 KiB.
func WithHandlerURLLimit(bytes int) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.urlLimit = bytes })
}

// WithHandlerFreshness is [HandleFresh] for every call.
func WithHandlerFreshness(d time.Duration) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.fresh = d })
}

// WithHandlerStrictLists is [HandleStrict] for every call.
func WithHandlerStrictLists() HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.strict = true })
}

// WithHandlerLogger sets where the handler logs, overriding the default of the group's logger.
func WithHandlerLogger(l *slog.Logger) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.log = l })
}

// WithHandlerObserver sets a function that is told of every request that was answered,
// overriding the default of none. It runs before the request ends: be quick.
func WithHandlerObserver(f func(context.Context, HandlerEvent)) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.observe = f })
}

// WithHandlerRelay has what servers send about a tenant's meetings (see docs/proxy.md) go through the handler, overriding the
// default of past it: publicURL is where the servers reach the handler, the API's URL such as
// "https://bbb.example.org/bigbluebutton/api/", and key seals the URLs that they are given, the same in all
// replicas and for years: at least 32 characters at random.
func WithHandlerRelay(publicURL, key string) HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.publicURL, c.relayKey = publicURL, key })
}
