package bbb

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Defaults of [NewHandler].
const (
	DefaultHandlerBodyLimit  = 64 << 20 // several presentations in base64
	DefaultHandlerURLLimit   = 64 << 10
	DefaultHandlerParamLimit = 2000
	DefaultHandlerTimeout    = 2 * time.Minute
)

// A HandlerOption changes a default of [NewHandler].
type HandlerOption interface{ applyHandler(*handlerConfig) }

type handlerOption func(*handlerConfig)

func (o handlerOption) applyHandler(c *handlerConfig) { o(c) }

// handlerConfig is what options change.
type handlerConfig struct {
	secrets    []string
	tenants    TenantFunc // never nil once there are no problems
	algorithms []Algorithm
	forms      []FormSigning
	bodyLimit  int64
	urlLimit   int
	paramLimit int
	timeout    time.Duration
	fresh      time.Duration
	strict     bool
	log        *slog.Logger
	observe    func(context.Context, HandlerEvent)
	relay      relayConfig
	problems   []error
}

func (c *handlerConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

// newHandlerConfig applies options, and finds what is wrong with them as a whole.
func newHandlerConfig(g *Group, opts []HandlerOption) handlerConfig {
	c := handlerConfig{
		bodyLimit: DefaultHandlerBodyLimit, urlLimit: DefaultHandlerURLLimit, paramLimit: DefaultHandlerParamLimit,
		timeout: DefaultHandlerTimeout,
	}
	for _, o := range opts {
		if o == nil {
			c.problem("nil option")
			continue
		}
		o.applyHandler(&c)
	}
	switch {
	case g == nil:
		c.problem("nil group")
	case c.log == nil:
		c.log = g.log
	}
	switch {
	case c.secrets == nil && c.tenants == nil:
		c.problem("no secrets: give WithHandlerSecrets or WithHandlerTenants")
	case c.secrets != nil && c.tenants != nil:
		c.problem("WithHandlerSecrets and WithHandlerTenants are both given")
	case c.secrets != nil:
		only := &Tenant{Secrets: c.secrets}
		c.tenants = func(context.Context, *TenantQuery) (*Tenant, error) { return only, nil }
	}
	return c
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
	secrets = slices.Clone(secrets)
	return handlerOption(func(c *handlerConfig) {
		if len(secrets) == 0 {
			c.problem("WithHandlerSecrets: no secrets")
		}
		for _, secret := range secrets {
			if secret == "" || strings.TrimSpace(secret) != secret {
				c.problem("WithHandlerSecrets: a secret is empty or has blanks around it")
			}
		}
		c.secrets = append(make([]string, 0, len(secrets)), secrets...)
	})
}

// WithHandlerTenants sets how the tenant of a request is found, overriding the default of one
// tenant with the secrets of [WithHandlerSecrets]. See [StaticTenants] and [OpenTenantFile].
func WithHandlerTenants(find TenantFunc) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if find == nil {
			c.problem("WithHandlerTenants: nil function")
		}
		c.tenants = find
	})
}

// WithHandlerAlgorithms sets which checksums are accepted, overriding the default of all four.
func WithHandlerAlgorithms(allowed ...Algorithm) HandlerOption {
	allowed = slices.Clone(allowed)
	return handlerOption(func(c *handlerConfig) {
		if len(allowed) == 0 {
			c.problem("WithHandlerAlgorithms: no algorithms")
		}
		for _, a := range allowed {
			if a >= algorithms {
				c.problem("WithHandlerAlgorithms: unknown algorithm %d", a)
			}
		}
		c.algorithms = allowed
	})
}

// WithHandlerForms accepts parameters in the body of a POST, a form of at most 2 MiB, signed in the
// given ways, overriding the default of refusing them with unsupportedContentType: [SignForm] is a
// checksum over the body, and [SignQuery] one over the query alone, which lets whoever has seen one
// checksum send any body. A name that stands both in the query and in the body gives checksumError.
func WithHandlerForms(signing ...FormSigning) HandlerOption {
	signing = slices.Clone(signing)
	return handlerOption(func(c *handlerConfig) {
		if len(signing) == 0 {
			c.problem("WithHandlerForms: no way of signing")
		}
		for _, f := range signing {
			if f > SignForm {
				c.problem("WithHandlerForms: unknown way %d", f)
			}
		}
		c.forms = signing
	})
}

// WithHandlerBodyLimit sets how many bytes a body may have before it is refused with HTTP 413,
// overriding the default of 64 MiB. A body is read as it is passed on, so this is no memory.
func WithHandlerBodyLimit(bytes int64) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if bytes < 1 {
			c.problem("WithHandlerBodyLimit: %d, need at least 1", bytes)
		}
		c.bodyLimit = bytes
	})
}

// WithHandlerURLLimit sets how many bytes path and query may have together before they are refused
// with HTTP 414, overriding the default of 64 KiB. The limit of an http.Server for all headers is
// 1 MiB ([net/http.Server.MaxHeaderBytes]), and that of web servers in front of it commonly about 8 KiB.
func WithHandlerURLLimit(bytes int) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if bytes < 256 {
			c.problem("WithHandlerURLLimit: %d, need at least 256", bytes)
		}
		c.urlLimit = bytes
	})
}

// WithHandlerParamLimit sets how many parameters a call may have before it is refused with
// validationError, overriding the default of 2000.
func WithHandlerParamLimit(n int) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if n < 1 {
			c.problem("WithHandlerParamLimit: %d, need at least 1", n)
		}
		c.paramLimit = n
	})
}

// WithHandlerTimeout sets how long a request may take in all, overriding the default of 2 minutes.
// A body must have come after half of it, or the request is refused with HTTP 408. A client that
// does not take the answer in that time loses the connection.
func WithHandlerTimeout(d time.Duration) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if d <= 0 {
			c.problem("WithHandlerTimeout: %v, need a time over 0", d)
		}
		c.timeout = d
	})
}

// WithHandlerFreshness is [HandleFresh] for every call.
func WithHandlerFreshness(d time.Duration) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if d < 0 {
			c.problem("WithHandlerFreshness: %v, need a time of 0 or more", d)
		}
		c.fresh = d
	})
}

// WithHandlerStrictLists is [HandleStrict] for every call.
func WithHandlerStrictLists() HandlerOption {
	return handlerOption(func(c *handlerConfig) { c.strict = true })
}

// WithHandlerLogger sets where the handler logs, overriding the default of the group's logger: each
// request at debug level, and at warn level what could not be done although the request was right.
// Nothing of a request is logged but its call and its outcome.
func WithHandlerLogger(l *slog.Logger) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if l == nil {
			c.problem("WithHandlerLogger: nil logger")
		}
		c.log = l
	})
}

// WithHandlerObserver sets a function that is told of every request that was answered,
// overriding the default of none. It runs before the request ends: be quick.
func WithHandlerObserver(f func(context.Context, HandlerEvent)) HandlerOption {
	return handlerOption(func(c *handlerConfig) {
		if f == nil {
			c.problem("WithHandlerObserver: nil function")
		}
		c.observe = f
	})
}
