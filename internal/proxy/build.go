package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"time"

	"github.com/bbbgroup/bbb"
)

// check looks for what is wrong with the values, by making everything of them that can be
// made without asking anybody.
func (c *Config) check(p *problems) {
	if _, err := c.level(); err != nil {
		p.add("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		p.add("log.format", "%q is none of text, json", c.Log.Format)
	}
	for field, address := range map[string]string{"listen": c.Listen, "admin": c.Admin} {
		if _, _, err := net.SplitHostPort(address); err != nil && (field == "listen" || address != "") {
			p.add(field, "%q is not host:port", address)
		}
	}
	if c.TLS != nil && (c.TLS.Cert == "" || c.TLS.Key == "") {
		p.add("tls", "needs cert and key")
	} else if _, err := c.certificate(); err != nil {
		p.add("tls", "%w", err)
	}
	if c.Refresh < Duration(minRefresh) {
		p.add("refresh", "%v, need at least %v", time.Duration(c.Refresh), minRefresh)
	}
	if c.Servers == nil { // [] may be meant: they can come with a reload
		p.add("servers", "is missing")
	}
	switch {
	case len(c.Secrets) > 0 && len(c.Tenants) > 0:
		p.add("secrets", "only one of secrets and tenants")
	case len(c.Secrets)+len(c.Tenants) == 0 && c.TenantsFile == "":
		p.add("secrets", "need secrets, tenants or tenantsFile")
	}
	if len(*p) > 0 {
		return // what is built of a half-wrong file has no end of further problems
	}

	trial, err := bbb.NewGroup(c.Name, c.groupOptions()...)
	if err != nil {
		p.add("timeout, name", "%w", err)
		return
	}
	defer func() { _ = trial.Close(context.Background()) }() // nothing is under way
	for i, s := range c.Servers {
		opts, err := s.options()
		one, more := trial.New(s.Name, s.URL, s.Secret, opts...)
		if more == nil {
			s.base = one.BaseURL()
		}
		if err := errors.Join(err, more); err != nil {
			p.add(fmt.Sprintf("servers[%d]", i), "%w", err)
		}
	}
	opts, err := c.handlerOptions()
	if err != nil {
		*p = append(*p, err)
	} else if h, err := bbb.NewHandler(trial, opts...); err != nil {
		*p = append(*p, err)
	} else {
		_ = h.Close(context.Background())
	}
}

// certificate reads that of the configuration, if it has one.
func (c *Config) certificate() (cert tls.Certificate, err error) {
	if c.TLS != nil {
		cert, err = tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	}
	return cert, err
}

func (c *Config) level() (slog.Level, error) {
	var level slog.Level
	err := level.UnmarshalText([]byte(c.Log.Level))
	return level, err
}

func (c *Config) groupOptions() []bbb.GroupOption {
	return []bbb.GroupOption{bbb.WithTimeout(time.Duration(c.Timeout.Connect), time.Duration(c.Timeout.Request))}
}

// options are the options of the server. With an error there are those that make sense.
func (s *ServerConf) options() (opts []bbb.ServerOption, err error) {
	opts = []bbb.ServerOption{
		bbb.WithWeight(s.Weight), bbb.WithLabels(s.Labels), bbb.WithMode(s.Mode),
		bbb.WithCapacity(s.Capacity.Meetings, s.Capacity.People),
	}
	if s.SecondSecret != "" {
		opts = append(opts, bbb.WithSecondSecret(s.SecondSecret))
	}
	if s.Algorithm != "" {
		var a bbb.Algorithm
		if a, err = bbb.ParseAlgorithm(s.Algorithm); err == nil {
			opts = append(opts, bbb.WithAlgorithm(a))
		}
	}
	if s.Release != "" {
		opts = append(opts, bbb.WithRelease(s.Release))
	}
	if s.SSH != nil {
		if s.SSH.Host != "" {
			opts = append(opts, bbb.WithHost(s.SSH.Host))
		}
		opts = append(opts, bbb.WithSSH(bbb.SSH{
			User: s.SSH.User, Port: s.SSH.Port, IdentityFile: s.SSH.IdentityFile, ControlPersist: 2 * time.Minute,
		}))
	}
	return opts, err
}

// same reports whether the server is to be left as it is. Modes are compared apart:
// they change without a new server.
func (s *ServerConf) same(other *ServerConf) bool {
	a, b := *s, *other
	a.Mode, b.Mode, a.URL, b.URL = 0, 0, "", ""
	return reflect.DeepEqual(a, b)
}

// handlerOptions are the options of the handler.
func (c *Config) handlerOptions() ([]bbb.HandlerOption, error) {
	var p problems
	var opts []bbb.HandlerOption
	if len(c.Tenants) == 0 {
		opts = append(opts, bbb.WithHandlerSecrets(c.Secrets...))
	} else if find, err := bbb.StaticTenants(c.Tenants...); err != nil {
		p.add("tenants", "%w", err)
	} else {
		opts = append(opts, bbb.WithHandlerTenants(find))
	}
	if len(c.Algorithms) > 0 {
		var algorithms []bbb.Algorithm
		for i, name := range c.Algorithms {
			a, err := bbb.ParseAlgorithm(name)
			if err != nil {
				p.add(fmt.Sprintf("algorithms[%d]", i), "%w", err)
			}
			algorithms = append(algorithms, a)
		}
		opts = append(opts, bbb.WithHandlerAlgorithms(algorithms...))
	}
	var forms []bbb.FormSigning
	for i, name := range c.Forms {
		switch name {
		case "form":
			forms = append(forms, bbb.SignForm)
		case "query":
			forms = append(forms, bbb.SignQuery)
		default:
			p.add(fmt.Sprintf("forms[%d]", i), "%q is none of form, query", name)
		}
	}
	if len(forms) > 0 {
		opts = append(opts, bbb.WithHandlerForms(forms...))
	}
	if c.Freshness > 0 {
		opts = append(opts, bbb.WithHandlerFreshness(time.Duration(c.Freshness)))
	}
	if c.StrictLists {
		opts = append(opts, bbb.WithHandlerStrictLists())
	}
	if c.Relay != nil {
		opts = append(opts, bbb.WithHandlerRelay(c.Relay.URL, c.Relay.Key, c.Relay.FormerKeys...))
		switch c.Relay.Targets {
		case "", "network": // the default of the handler
		case "public":
			opts = append(opts, bbb.WithHandlerRelayTargets(isPublic))
		case "any":
			opts = append(opts, bbb.WithHandlerRelayTargets(netip.Addr.IsValid))
		default:
			p.add("relay.targets", "%q is none of network, public, any", c.Relay.Targets)
		}
	}
	if c.Limits.Body != 0 {
		opts = append(opts, bbb.WithHandlerBodyLimit(c.Limits.Body))
	}
	if c.Limits.URL != 0 {
		opts = append(opts, bbb.WithHandlerURLLimit(c.Limits.URL))
	}
	if c.Limits.Params != 0 {
		opts = append(opts, bbb.WithHandlerParamLimit(c.Limits.Params))
	}
	if c.Limits.Time != 0 {
		opts = append(opts, bbb.WithHandlerTimeout(time.Duration(c.Limits.Time)))
	}
	return opts, p.err()
}

// notPublic are networks that are not of the Internet although netip counts them as global and not as
// private: those of providers, of machines among themselves and of tests, and those of which a gateway makes an IPv4
// address, which may be any.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("fec0::/10"),
}

// isPublic reports whether an address is one of the Internet.
func isPublic(a netip.Addr) bool {
	a = a.Unmap()
	return a.IsGlobalUnicast() && !a.IsPrivate() &&
		!slices.ContainsFunc(notPublic, func(network netip.Prefix) bool { return network.Contains(a) })
}

// errNoCache is the answer of a program without a shared cache.
var errNoCache = errors.New("this program keeps everything in its memory; for one that shares a Redis or Valkey, run rediscache/examples/proxy")
