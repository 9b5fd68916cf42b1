package bbb

import (
	"context"
	"time"
)

// CacheBatch is what a [Cache] may offer besides: several operations in one go. A group
// then crosses the network to a shared Cache about half as often. The Cache of
// [NewMemoryCache] has it.
//
// The rules of Cache hold. A batch is not one step: others may see a part of it, and
// after an error a part of it may have been carried out.
type CacheBatch interface {
	// GetMany returns the values of keys, in their order: nil for a key that has none,
	// and what is not nil for an empty value. A key may come twice.
	GetMany(ctx context.Context, keys ...string) (values [][]byte, err error)
	// SetMany stores all items, in their order.
	SetMany(ctx context.Context, items ...CacheItem) error
}

// CacheItem is a value to be stored; see [Cache].
type CacheItem struct {
	Key   string
	Value []byte
	TTL   time.Duration // 0 or less for ever
}

// GetMany is that of [CacheBatch].
func (c *memoryCache) GetMany(ctx context.Context, keys ...string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	for i, key := range keys {
		if value, ok, _ := c.Get(ctx, key); ok {
			values[i] = value
			if value == nil {
				values[i] = []byte{}
			}
		}
	}
	return values, nil
}

// SetMany is that of [CacheBatch].
func (c *memoryCache) SetMany(ctx context.Context, items ...CacheItem) error {
	for _, item := range items {
		_ = c.Set(ctx, item.Key, item.Value, item.TTL) // never fails
	}
	return nil
}
