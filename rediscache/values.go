package rediscache

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/redis/go-redis/v9"
)

// A value is stored behind a byte that says who wrote it: Set, or Add, which puts a mark
// of its own behind that byte. go-redis sends a command again when the connection breaks
// before the answer, and by its mark an Add knows that the value which keeps it out is
// its own.
const (
	bySet   = 's'
	byAdd   = 'a'
	markLen = 16
)

var errForeign = errors.New("the value was not written by this package")

func encode(value []byte) []byte {
	return append(append(make([]byte, 0, 1+len(value)), bySet), value...)
}

func decode(stored []byte) ([]byte, error) {
	switch {
	case len(stored) >= 1 && stored[0] == bySet:
		return stored[1:], nil
	case len(stored) >= 1+markLen && stored[0] == byAdd:
		return stored[1+markLen:], nil
	}
	return nil, errForeign
}

// lifetime returns the ttl as go-redis takes it: in whole milliseconds, rounded up, and 0
// for ever.
func lifetime(ttl time.Duration) time.Duration {
	if ttl <= 0 {
		return 0
	}
	return (ttl + time.Millisecond - 1).Truncate(time.Millisecond)
}

// Get is that of [bbb.Cache].
func (c *Cache) Get(ctx context.Context, key string) (value []byte, ok bool, err error) {
	err = c.do(ctx, "get", func(ctx context.Context) error {
		stored, err := c.client.Get(ctx, c.cfg.prefix+key).Bytes()
		if err == nil {
			value, err = decode(stored)
			ok = err == nil
		}
		return err
	})
	return value, ok, err
}

// Set is that of [bbb.Cache].
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.do(ctx, "set", func(ctx context.Context) error {
		return c.client.Set(ctx, c.cfg.prefix+key, encode(value), lifetime(ttl)).Err()
	})
}

// Add is that of [bbb.Cache].
func (c *Cache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (added bool, err error) {
	marked := make([]byte, 1+markLen, 1+markLen+len(value))
	marked[0] = byAdd
	_, _ = rand.Read(marked[1:]) // never fails
	marked = append(marked, value...)
	key = c.cfg.prefix + key
	err = c.do(ctx, "add", func(ctx context.Context) (err error) {
		added, err = c.client.SetNX(ctx, key, marked, lifetime(ttl)).Result()
		if err != nil || added {
			return err
		}
		there, err := c.client.Get(ctx, key).Bytes()
		added = err == nil && bytes.Equal(there, marked)
		return err
	})
	return added && err == nil, err
}

// Delete is that of [bbb.Cache].
func (c *Cache) Delete(ctx context.Context, key string) error {
	return c.do(ctx, "delete", func(ctx context.Context) error {
		return c.client.Del(ctx, c.cfg.prefix+key).Err()
	})
}

// GetMany is that of [bbb.CacheBatch], in one round trip. The keys may be on several
// nodes of a Cluster.
func (c *Cache) GetMany(ctx context.Context, keys ...string) (values [][]byte, err error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err = c.do(ctx, "get", func(ctx context.Context) error {
		cmds := make([]*redis.StringCmd, len(keys))
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for i, key := range keys {
				cmds[i] = p.Get(ctx, c.cfg.prefix+key)
			}
			return nil
		})
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		values = make([][]byte, len(keys))
		for i, cmd := range cmds {
			stored, err := cmd.Bytes()
			if errors.Is(err, redis.Nil) {
				continue
			}
			if err == nil {
				values[i], err = decode(stored)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

// SetMany is that of [bbb.CacheBatch], in one round trip.
func (c *Cache) SetMany(ctx context.Context, items ...bbb.CacheItem) error {
	if len(items) == 0 {
		return nil
	}
	return c.do(ctx, "set", func(ctx context.Context) error {
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, item := range items {
				p.Set(ctx, c.cfg.prefix+item.Key, encode(item.Value), lifetime(item.TTL))
			}
			return nil
		})
		return err
	})
}
