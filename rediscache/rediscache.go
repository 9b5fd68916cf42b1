package rediscache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// Cache is a [bbb.Cache], a [bbb.CacheBatch] and a [bbb.Journal] on Redis or Valkey.
// It is safe for concurrent use. Make one with [New] or [Open].
type Cache struct {
	client  redis.UniversalClient
	owned   bool // made by Open
	cfg     config
	breaker breaker

	trimmed sync.Map // journal (string) -> when its server wrote the last entry (int64, Unix ms)
}

var (
	_ bbb.Cache      = (*Cache)(nil)
	_ bbb.CacheBatch = (*Cache)(nil)
	_ bbb.Journal    = (*Cache)(nil)
)

// New returns a Cache that uses a client of yours: for one server, for a failover
// by Sentinel, for a Cluster. It does no I/O. Its settings must have
// ContextTimeoutEnabled, without which go-redis waits for a dead server for as long as
// its own time-outs say, and all problems come back in one error. Close the client
// yourself, after the groups that use the Cache.
func New(client redis.UniversalClient, opts ...Option) (*Cache, error) {
	cfg, err := newConfig(opts)
	if client == nil {
		err = errors.Join(errors.New("rediscache: nil client"), err)
	} else if !obeysContext(client) {
		err = errors.Join(errors.New("rediscache: the client needs ContextTimeoutEnabled"), err)
	}
	if err != nil {
		return nil, err
	}
	return &Cache{client: client, cfg: cfg, breaker: breaker{pause: cfg.pause}}, nil
}

// obeysContext reports whether the deadline of a context ends a command. Of a client
// of another make nothing is known, and the best believed.
func obeysContext(client redis.UniversalClient) bool {
	switch c := client.(type) {
	case *redis.Client:
		return c != nil && c.Options().ContextTimeoutEnabled
	case *redis.ClusterClient:
		return c != nil && c.Options().ContextTimeoutEnabled
	case *redis.Ring:
		return c != nil && c.Options().ContextTimeoutEnabled
	}
	return true
}

// Open returns a Cache with a client of its own, for a URL like
//
//	redis://user:password@redis.example.org:6379/0
//
// with rediss for TLS, or unix:///run/redis/redis.sock?db=0 for a socket. The settings
// of go-redis may follow as parameters, such as pool_size=50. It does no I/O. Close it
// after the groups that use it.
//
// The error says that the URL is wrong, and not what is in it: that is a password.
func Open(url string, opts ...Option) (*Cache, error) {
	cfg, err := newConfig(opts)
	options, bad := redis.ParseURL(url)
	if bad != nil {
		err = errors.Join(errors.New("rediscache: the URL is none that go-redis takes, such as redis://user:password@host:6379/0"), err)
	}
	if err != nil {
		return nil, err
	}
	return &Cache{client: redis.NewClient(tuned(options, cfg)), owned: true, cfg: cfg, breaker: breaker{pause: cfg.pause}}, nil
}

// tuned completes the settings of a client that does nothing but serve a Cache.
func tuned(o *redis.Options, cfg config) *redis.Options {
	o.ContextTimeoutEnabled = true
	// What a new connection need not say, and a user with few rights may not.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	// What is tried again is the command, and the time-out of the Cache is over by then.
	o.DialerRetries = 1
	if o.DialTimeout == 0 {
		o.DialTimeout = max(cfg.timeout, time.Second) // others may wait for the same connection
	}
	if o.MaxRetryBackoff == 0 {
		o.MaxRetryBackoff = max(cfg.timeout/4, time.Millisecond)
	}
	if o.MinRetryBackoff == 0 {
		o.MinRetryBackoff = min(5*time.Millisecond, o.MaxRetryBackoff)
	}
	return o
}

// Close closes the connections of a Cache that [Open] returned. What is under way
// fails. That of [New] is left alone.
func (c *Cache) Close() error {
	if !c.owned {
		return nil
	}
	if err := c.client.Close(); err != nil && !errors.Is(err, redis.ErrClosed) {
		return failure("close", err)
	}
	return nil
}

// Ping asks the server whether it is there, whatever happened before, within the
// time-out. It is for checks of health: nothing else needs it.
func (c *Cache) Ping(ctx context.Context) error {
	parent := ctx
	ctx, cancel := context.WithTimeout(parent, c.cfg.timeout)
	defer cancel()
	err := c.client.Ping(ctx).Err()
	if parent.Err() == nil {
		c.breaker.done(err)
	}
	if err != nil {
		return failure("ping", err)
	}
	return nil
}

// do runs one operation: within the time-out, and not at all while the server is left
// alone.
func (c *Cache) do(parent context.Context, op string, f func(context.Context) error) error {
	if err := parent.Err(); err != nil {
		return failure(op, err)
	}
	if err := c.breaker.allow(); err != nil {
		return failure(op, err)
	}
	ctx, cancel := context.WithTimeout(parent, c.cfg.timeout)
	defer cancel()
	err := f(ctx)
	if errors.Is(err, redis.Nil) { // no value
		err = nil
	}
	if err != nil && parent.Err() != nil {
		c.breaker.leave() // the caller has gone, which says nothing of the server
		return failure(op, err)
	}
	c.breaker.done(err)
	if err != nil {
		return failure(op, err)
	}
	return nil
}

// String says what it is, and nothing of the server or its password.
func (c *Cache) String() string { return fmt.Sprintf("rediscache(prefix %q)", c.cfg.prefix) }

// GoString is String.
func (c *Cache) GoString() string { return c.String() }

// LogValue is String.
func (c *Cache) LogValue() slog.Value { return slog.StringValue(c.String()) }
