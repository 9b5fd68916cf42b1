// Package cachetest tests implementations of [bbb.Cache], and of what a Cache may offer
// besides: [bbb.CacheBatch] and [bbb.Journal]. A test of an implementation is
//
//	func TestCache(t *testing.T) {
//		cachetest.Test(t, func(t *testing.T) bbb.Cache { return newCache(t) })
//	}
package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
)

// Test tests all that [bbb.Cache] promises and, when the cache is one, what
// [bbb.CacheBatch] and [bbb.Journal] do. newCache is called for each of the parts, and
// returns a cache that is empty, or at least has no key that begins with "cachetest:".
// It takes a second or two, since some of it is about values that expire.
func Test(t *testing.T, newCache func(t *testing.T) bbb.Cache) {
	t.Helper()
	run := func(name string, f func(c *checker)) {
		t.Run(name, func(t *testing.T) {
			cache := newCache(t)
			if cache == nil {
				t.Fatal("newCache returned nil")
			}
			f(&checker{T: t, cache: cache, ctx: t.Context()})
		})
	}
	run("Values", testValues)
	run("Memory", testMemory)
	run("Expiry", testExpiry)
	run("Add", testAdd)
	run("Context", testContext)
	switch newCache(t).(type) {
	case bbb.CacheBatch:
		run("Batch", testBatch)
	}
	switch newCache(t).(type) {
	case bbb.Journal:
		run("Journal", testJournal)
		run("JournalExpiry", testJournalExpiry)
		run("JournalTogether", testJournalTogether)
	}
}

// checker is the test of one part, with what the parts do all the time.
type checker struct {
	*testing.T
	cache bbb.Cache
	ctx   context.Context
}

func name(key string) string { return "cachetest:" + key }

func (c *checker) noError(err error, what string) {
	c.Helper()
	if err != nil {
		c.Fatalf("%s: %v", what, err)
	}
}

func (c *checker) get(key string) ([]byte, bool) {
	c.Helper()
	value, ok, err := c.cache.Get(c.ctx, name(key))
	c.noError(err, "Get of "+key)
	return value, ok
}

func (c *checker) set(key, value string, ttl time.Duration) {
	c.Helper()
	c.noError(c.cache.Set(c.ctx, name(key), []byte(value), ttl), "Set of "+key)
}

func (c *checker) add(key, value string, ttl time.Duration) bool {
	c.Helper()
	added, err := c.cache.Add(c.ctx, name(key), []byte(value), ttl)
	c.noError(err, "Add of "+key)
	return added
}

func (c *checker) delete(key string) {
	c.Helper()
	c.noError(c.cache.Delete(c.ctx, name(key)), "Delete of "+key)
}

func (c *checker) has(key, want string) {
	c.Helper()
	if value, ok := c.get(key); !ok || string(value) != want {
		c.Errorf("%.40s: got %q, %v, want %q", key, value, ok, want)
	}
}

func (c *checker) gone(key string) {
	c.Helper()
	if value, ok := c.get(key); ok || len(value) > 0 {
		c.Errorf("%.40s: got %q, %v, want none", key, value, ok)
	}
}

func (c *checker) is(ok bool, what string) {
	c.Helper()
	if !ok {
		c.Error(what)
	}
}

func testValues(c *checker) {
	c.gone("a")
	c.delete("a") // is no error
	c.set("a", "1", 0)
	c.has("a", "1")
	c.set("a", "2", time.Hour)
	c.has("a", "2")
	c.gone("A")
	c.gone("a:")
	c.is(!c.add("a", "3", time.Hour), "Add: there was a value")
	c.has("a", "2")
	c.delete("a")
	c.gone("a")
	c.is(c.add("a", "3", time.Hour), "Add: there was none")
	c.has("a", "3")
	c.is(!c.add("a", "3", time.Hour), "Add: the same value is a value as well")
	c.set("a", "4", 0)
	c.has("a", "4")

	for key, value := range map[string]string{
		"empty": "", "binary": "\x00\xff\r\n", strings.Repeat("k", 580): "long key", "long": strings.Repeat("v", 1<<20),
		"!%2B@~{x}*?[": "signs",
	} {
		c.set(key, value, time.Hour)
		c.has(key, value)
		c.is(!c.add(key, "other", time.Hour), "Add: an empty value is a value as well")
		c.delete(key)
		c.is(c.add(key, value, time.Hour), "Add after Delete")
		c.has(key, value)
	}
}

// Nobody shares memory with the cache.
func testMemory(c *checker) {
	mine := []byte("mine")
	c.noError(c.cache.Set(c.ctx, name("set"), mine, time.Hour), "Set")
	_, err := c.cache.Add(c.ctx, name("add"), mine, time.Hour)
	c.noError(err, "Add")
	mine[0] = 'X'
	c.has("set", "mine")
	c.has("add", "mine")
	theirs, _ := c.get("set")
	theirs[0] = 'X'
	c.has("set", "mine")
}

// Tests of expiry hold on a machine that stops for a while: what ought to be there is
// complained of only when its time was certainly not over.
func testExpiry(c *checker) {
	const ttl = 400 * time.Millisecond
	start := time.Now()
	c.set("set", "s", ttl)
	c.is(c.add("add", "a", ttl), "Add")
	c.set("longer", "l", time.Hour)
	c.set("longer", "l", ttl)
	c.set("forever", "f", 0)
	c.set("negative", "n", -time.Second)
	c.is(c.add("added", "a", 0), "Add")
	c.set("prolonged", "p", ttl)
	c.set("prolonged", "p", 0)
	c.set("instant", "i", time.Nanosecond) // for a moment, not for ever
	for _, key := range []string{"set", "add", "longer"} {
		if _, ok := c.get(key); !ok && time.Since(start) < ttl {
			c.Errorf("%s is gone before its time", key)
		}
	}
	for _, key := range []string{"set", "add", "longer", "instant"} {
		c.eventually(key+" expires", func() bool { _, ok := c.get(key); return !ok })
	}
	for _, key := range []string{"set", "add", "longer"} {
		c.is(time.Since(start) >= ttl, key+" is gone before its time")
	}
	c.has("forever", "f")
	c.has("negative", "n")
	c.has("added", "a")
	c.has("prolonged", "p")
	c.is(c.add("set", "again", 0), "Add: what has expired is free")
}

// eventually waits until f is true.
func (c *checker) eventually(what string, f func() bool) {
	c.Helper()
	limit := time.After(20 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-limit:
			c.Fatalf("never: %s", what)
		}
	}
}

// Of many Adds at one time one wins, and its value stays, also when all add the same.
func testAdd(c *checker) {
	for round := range 30 {
		key := fmt.Sprint("race", round)
		var winners atomic.Int32
		var winner atomic.Value
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				value := fmt.Sprint(i * (round % 2))
				if added, err := c.cache.Add(c.ctx, name(key), []byte(value), time.Hour); err != nil {
					c.Errorf("Add: %v", err)
				} else if added {
					winners.Add(1)
					winner.Store(value)
				}
			})
		}
		wg.Wait()
		if n := winners.Load(); n != 1 {
			c.Fatalf("%d of 16 Adds at one time added", n)
		}
		c.has(key, winner.Load().(string))
	}
}

// A context that is over is an error or is not looked at, but harms nobody else.
func testContext(c *checker) {
	c.set("a", "1", time.Hour)
	gone, cancel := context.WithCancel(c.ctx)
	cancel()
	for range 10 {
		_, ok, err := c.cache.Get(gone, name("a"))
		c.is(ok == (err == nil), "Get: a value or an error")
		added, err := c.cache.Add(gone, name("a"), []byte("2"), time.Hour)
		c.is(!added, fmt.Sprint("Add: ", err))
	}
	c.has("a", "1")
}

func testBatch(c *checker) {
	b := c.cache.(bbb.CacheBatch)
	values, err := b.GetMany(c.ctx)
	c.noError(err, "GetMany of nothing")
	c.is(len(values) == 0, "GetMany of nothing")
	c.noError(b.SetMany(c.ctx), "SetMany of nothing")

	mine := []byte("one")
	c.noError(b.SetMany(c.ctx,
		bbb.CacheItem{Key: name("one"), Value: mine, TTL: time.Hour},
		bbb.CacheItem{Key: name("empty"), Value: nil},
		bbb.CacheItem{Key: name("short"), Value: []byte("s"), TTL: 100 * time.Millisecond},
		bbb.CacheItem{Key: name("twice"), Value: []byte("first"), TTL: time.Hour},
		bbb.CacheItem{Key: name("twice"), Value: []byte("last"), TTL: -1},
	), "SetMany")
	mine[0] = 'X'
	c.has("one", "one")
	c.has("empty", "")
	c.has("twice", "last")
	c.eventually("short expires", func() bool { _, ok := c.get("short"); return !ok })
	c.is(c.add("added", "by Add", time.Hour), "Add")

	want := []string{"one", "", "-", "last", "-", "by Add", "one"}
	get := func() [][]byte {
		values, err := b.GetMany(c.ctx, name("one"), name("empty"), name("none"), name("twice"), name("short"), name("added"), name("one"))
		c.noError(err, "GetMany")
		if len(values) != len(want) {
			c.Fatalf("GetMany: %d values of %d keys", len(values), len(want))
		}
		return values
	}
	for i, value := range get() {
		if got := string(value); got != want[i] && want[i] != "-" || (value == nil) != (want[i] == "-") {
			c.Errorf("GetMany: value %d is %q (nil: %v), want %s", i, got, value == nil, want[i])
		}
	}
	get()[0][0] = 'X'
	c.has("one", "one")
	c.is(bytes.Equal(get()[0], []byte("one")), "GetMany shares its memory")
}
