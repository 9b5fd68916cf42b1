package bbb

import (
	"bytes"
	"context"
	"sync/atomic"
	"time"

	gocache "github.com/patrickmn/go-cache"
)

// Cache keeps what should outlive a process or be shared by several: cookies,
// meetings and placements. A Cache that fails never fails a call: the group asks the
// servers instead. It logs one line when that begins, and one when it has been over
// for some seconds.
//
// An implementation is safe for concurrent use, returns when its context is over,
// and does not keep or change the slices it is given or has handed out. What is
// stored holds passwords of meetings and cookies in clear text: keep others away
// from it. A ttl of 0 or less keeps the value
// until it is deleted. Keys are printable ASCII without blanks and may be up to
// about 600 bytes long.
//
// A Cache may also be a [CacheBatch] and a [Journal]. Package cachetest has tests for an
// implementation, and the module rediscache is one on Redis and Valkey.
type Cache interface {
	// Get returns the value of key and whether there is one.
	Get(ctx context.Context, key string) (value []byte, ok bool, err error)
	// Set stores value under key, whether or not there was one.
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Add stores value under key if there is none, in one step: of several
	// concurrent Adds of a key exactly one reports true.
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) (added bool, err error)
	// Delete removes key. A key that is not there is not an error.
	Delete(ctx context.Context, key string) error
}

// NewMemoryCache returns a Cache in the memory of this process. It needs no
// closing. Several groups may share it.
func NewMemoryCache() Cache {
	// No cleanup interval: the library's janitor goroutine is stopped only by a
	// finalizer. Writes sweep instead.
	return &memoryCache{store: gocache.New(gocache.NoExpiration, 0)}
}

type memoryCache struct {
	store    *gocache.Cache
	writes   atomic.Int64
	journals memoryJournals
}

// sweepEvery is how many writes pass between two sweeps of expired values.
const sweepEvery = 4096

func (c *memoryCache) Get(_ context.Context, key string) ([]byte, bool, error) {
	v, ok := c.store.Get(key)
	if !ok {
		return nil, false, nil
	}
	return bytes.Clone(v.([]byte)), true, nil
}

func (c *memoryCache) Set(_ context.Context, key string, value []byte, ttl time.Duration) error {
	c.sweep()
	c.store.Set(key, bytes.Clone(value), expiration(ttl))
	return nil
}

func (c *memoryCache) Add(_ context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	c.sweep()
	// The only error of Add is that there is a value.
	return c.store.Add(key, bytes.Clone(value), expiration(ttl)) == nil, nil
}

func (c *memoryCache) Delete(_ context.Context, key string) error {
	c.store.Delete(key)
	return nil
}

func (c *memoryCache) sweep() {
	if c.writes.Add(1)%sweepEvery == 0 {
		c.store.DeleteExpired()
	}
}

func expiration(ttl time.Duration) time.Duration {
	if ttl <= 0 {
		return gocache.NoExpiration
	}
	return ttl
}
