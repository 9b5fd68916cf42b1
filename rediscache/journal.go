package rediscache

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A journal is a stream. What one Append adds is one entry of it, with the texts as
// fields that are numbered, so that it comes whole or not at all. A position is the ID
// of an entry, which is a time by the clock of the server.

// partSize is how many entries of a stream are read at a time.
const partSize = 1000

// Append is that of [bbb.Journal].
func (c *Cache) Append(ctx context.Context, key string, ttl time.Duration, entries ...[]byte) error {
	if len(entries) == 0 {
		return nil
	}
	key = c.cfg.prefix + key
	fields := make([]any, 0, 2*len(entries))
	for i, text := range entries {
		fields = append(fields, strconv.Itoa(i), text)
	}
	add := &redis.XAddArgs{Stream: key, Values: fields}
	ttl = lifetime(ttl)
	// What is old is told by the server's clock, as it was when we wrote last. Ours may
	// be ahead, and would throw away what is new.
	if then, ok := c.trimmed.Load(key); ok && ttl > 0 {
		add.MinID, add.Approx = strconv.FormatInt(max(then.(int64)-ttl.Milliseconds(), 0), 10), true
	}
	return c.do(ctx, "append", func(ctx context.Context) error {
		var id *redis.StringCmd
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			id = p.XAdd(ctx, add)
			if ttl > 0 {
				p.PExpire(ctx, key, ttl)
			} else {
				p.Persist(ctx, key)
			}
			return nil
		})
		if ms, _, ok := parseID(id.Val()); ok {
			c.trimmed.Store(key, ms)
		}
		return err
	})
}

// ReadAfter is that of [bbb.Journal].
func (c *Cache) ReadAfter(ctx context.Context, key, after string) (texts [][]byte, last string, err error) {
	key, last = c.cfg.prefix+key, after
	err = c.do(ctx, "read", func(ctx context.Context) error {
		from := "-"
		_, _, ok := parseID(after)
		if ok {
			from = "(" + after
		}
		var read, newest *redis.XMessageSliceCmd
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			read = p.XRangeN(ctx, key, from, "+", partSize)
			newest = p.XRevRangeN(ctx, key, "+", "-", 1)
			return nil
		})
		if err != nil {
			return err
		}
		list := read.Val()
		// A server that lost its data, and whose clock is behind that of the one before,
		// counts from below our position.
		if end := newest.Val(); ok && len(list) == 0 && len(end) > 0 && before(end[0].ID, after) {
			if list, err = c.client.XRangeN(ctx, key, "-", "+", partSize).Result(); err != nil {
				return err
			}
		}
		for _, entry := range list {
			for i := range len(entry.Values) {
				text, _ := entry.Values[strconv.Itoa(i)].(string)
				texts = append(texts, []byte(text))
			}
			last = entry.ID
		}
		return nil
	})
	if err != nil {
		return nil, after, err
	}
	return texts, last, nil
}

// parseID reads the ID of an entry: milliseconds and a number.
func parseID(id string) (ms, n int64, ok bool) {
	left, right, ok := strings.Cut(id, "-")
	ms, err1 := strconv.ParseInt(left, 10, 64)
	n, err2 := strconv.ParseInt(right, 10, 64)
	return ms, n, ok && err1 == nil && err2 == nil && ms >= 0 && n >= 0
}

func before(a, b string) bool {
	ams, an, _ := parseID(a)
	bms, bn, _ := parseID(b)
	return ams < bms || ams == bms && an < bn
}
