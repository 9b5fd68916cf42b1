package proxy

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/bbbgroup/bbb"
)

// reload reads the configuration again and does what has changed in it. When something is
// wrong with it, everything stays as it was.
func (p *proxy) reload() {
	ctx := context.Background()
	if p.source.path == "" {
		p.log.LogAttrs(ctx, slog.LevelInfo, "there is no configuration to read again")
		return
	}
	c, err := p.source.read()
	if err == nil {
		err = p.apply(c)
	}
	p.events.reloaded(err == nil)
	if err != nil {
		p.log.LogAttrs(ctx, slog.LevelError, "the configuration was not taken: the old one stays", slog.String("error", err.Error()))
		return
	}
	p.log.LogAttrs(ctx, slog.LevelInfo, "the configuration was read again", slog.Int("servers", len(c.Servers)), slog.Int("tenants", len(c.Tenants)))
}

// apply puts a configuration that was checked to work. The first one comes before
// any request.
func (p *proxy) apply(c *Config) error {
	before := p.live.Load()
	var was *Config
	if before != nil {
		was = before.config
		p.keepFixed(was, c) // first: all else goes by what is left of c
	}
	opts, err := c.handlerOptions()
	if err != nil {
		return err
	}
	cert, err := c.certificate()
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	handler, err := bbb.NewHandler(p.group, append(opts,
		bbb.WithHandlerLogger(p.log), bbb.WithHandlerObserver(p.events.handled))...)
	if err != nil {
		return err
	}
	if err := p.applyServers(was, c); err != nil {
		return err
	}
	level, _ := c.level() // was checked
	p.level.Set(level)
	p.cert.Store(&cert)
	p.events.know(c.Tenants)
	p.live.Store(&live{config: c, handler: handler})
	if before != nil {
		// Requests that have begun end with the old handler. What it still has to deliver
		// it delivers beside the new one: that ends by itself, after some minutes.
		p.old.Go(func() {
			if err := before.handler.Close(p.oldLife); err != nil {
				p.log.LogAttrs(p.oldLife, slog.LevelWarn, "callbacks were dropped", slog.String("error", err.Error()))
			}
		})
	}
	if (was == nil || was.Refresh != c.Refresh) && !p.source.still {
		p.refresh(time.Duration(c.Refresh))
	}
	return nil
}

// keepFixed leaves what cannot change while the program runs as it was, and says so.
func (p *proxy) keepFixed(was, c *Config) {
	fixed := []struct {
		field   string
		changed bool
	}{
		{"name", was.Name != c.Name},
		{"listen", was.Listen != c.Listen},
		{"admin", was.Admin != c.Admin},
		{"metrics", was.Metrics != c.Metrics},
		{"status", was.Status != c.Status},
		{"cache", was.Cache != c.Cache},
		{"timeout", was.Timeout != c.Timeout},
		{"log.format", was.Log.Format != c.Log.Format},
		{"limits.url", was.Limits.URL != c.Limits.URL}, // the http.Server goes by it
		{"tls", (was.TLS == nil) != (c.TLS == nil)},
	}
	for _, f := range fixed {
		if f.changed {
			p.log.LogAttrs(context.Background(), slog.LevelWarn, "a field changes with a restart only", slog.String("field", f.field))
		}
	}
	c.Name, c.Listen, c.Admin, c.Metrics, c.Status = was.Name, was.Listen, was.Admin, was.Metrics, was.Status
	c.Cache, c.Timeout, c.Log.Format, c.Limits.URL = was.Cache, was.Timeout, was.Log.Format, was.Limits.URL
	if (was.TLS == nil) != (c.TLS == nil) {
		c.TLS = was.TLS
	}
}

// applyServers makes the group that of the configuration. A server of the same name and URL as
// before keeps its meetings, whatever else is new about it.
func (p *proxy) applyServers(was, c *Config) error {
	find := func(list []*ServerConf, s *ServerConf) *ServerConf {
		for _, other := range list {
			if other.Name == s.Name && other.base == s.base {
				return other
			}
		}
		return nil
	}
	var before []*ServerConf
	if was != nil {
		before = was.Servers
	}
	// Those that go come first, since their names and URLs may be those of new ones.
	for _, s := range before {
		if find(c.Servers, s) == nil {
			p.group.Remove(s.Name)
		}
	}
	for _, s := range c.Servers {
		old := find(before, s)
		if old != nil && old.same(s) {
			if member, ok := p.group.Server(s.Name); ok && old.Mode != s.Mode {
				member.SetMode(s.Mode)
			}
			continue
		}
		opts, err := s.options()
		if err != nil {
			return err
		}
		if old != nil {
			if member, ok := p.group.Server(s.Name); ok {
				_, err = member.Replace(s.Secret, opts...)
			}
		} else {
			_, err = p.group.New(s.Name, s.URL, s.Secret, opts...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// refresh asks the servers once per interval from now on.
func (p *proxy) refresh(interval time.Duration) {
	p.refreshing()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		// All at once first: what was there before us is to be found by the first request.
		// Servers that fail are in the log.
		_ = p.group.Refresh(ctx)
		_ = p.group.Run(ctx, interval)
	}()
	p.refreshing = func() {
		cancel()
		<-done
	}
}
