package cachetest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bbbgroup/bbb"
)

func (c *checker) append(key string, ttl time.Duration, texts ...string) {
	c.Helper()
	entries := make([][]byte, len(texts))
	for i, text := range texts {
		entries[i] = []byte(text)
	}
	c.noError(c.cache.(bbb.Journal).Append(c.ctx, name(key), ttl, entries...), "Append")
}

// read returns all that is behind a position.
func (c *checker) read(key, after string) (texts []string, last string) {
	c.Helper()
	for {
		entries, next, err := c.cache.(bbb.Journal).ReadAfter(c.ctx, name(key), after)
		c.noError(err, "ReadAfter")
		if len(entries) == 0 {
			c.is(next == after, "ReadAfter: the position moved, but there is nothing")
			return texts, next
		}
		for _, e := range entries {
			texts = append(texts, string(e))
		}
		if next == after {
			c.Fatal("ReadAfter: there are entries, but the position is the same")
		}
		after = next
	}
}

func (c *checker) equal(got []string, what string, want ...string) {
	c.Helper()
	if !slices.Equal(got, want) {
		c.Errorf("%s: got %q, want %q", what, got, want)
	}
}

func testJournal(c *checker) {
	none, start := c.read("a", "")
	c.equal(none, "of an empty journal")
	c.is(start == "", "the position in an empty journal")
	c.append("a", time.Hour) // nothing
	c.append("a", time.Hour, "1", "", "\x00\xff\r\n", "4")
	c.append("b", time.Hour, "other")
	all, fourth := c.read("a", "")
	c.equal(all, "from the beginning", "1", "", "\x00\xff\r\n", "4")
	none, still := c.read("a", fourth)
	c.equal(none, "nothing new")
	c.is(still == fourth, "the position without news")

	c.append("a", time.Hour, "5")
	c.append("a", 0, "6")
	more, sixth := c.read("a", fourth)
	c.equal(more, "what is new", "5", "6")
	all, _ = c.read("a", "")
	c.equal(all, "all again", "1", "", "\x00\xff\r\n", "4", "5", "6")
	other, _ := c.read("b", "")
	c.equal(other, "the other journal", "other")
	c.set("a value", "v", time.Hour)
	c.has("a value", "v")

	mine := []byte("mine")
	c.noError(c.cache.(bbb.Journal).Append(c.ctx, name("a"), time.Hour, mine), "Append")
	mine[0] = 'X'
	entries, _, err := c.cache.(bbb.Journal).ReadAfter(c.ctx, name("a"), sixth)
	c.noError(err, "ReadAfter")
	if len(entries) == 1 {
		entries[0][1] = 'X'
	}
	more, _ = c.read("a", sixth)
	c.equal(more, "memory is shared", "mine")

	// Parts.
	var want []string
	for i := range 3000 {
		want = append(want, fmt.Sprint("entry ", i, strings.Repeat(".", i%50)))
	}
	for part := range slices.Chunk(want, 7) {
		c.append("long", time.Hour, part...)
	}
	all, _ = c.read("long", "")
	if !slices.Equal(all, want) {
		c.Errorf("a long journal: %d entries of %d, or in another order", len(all), len(want))
	}

	// Positions in what is lost, and of another cache.
	c.append("new", time.Hour, "first", "second")
	for _, lost := range []string{"99999999999999-7", "gar bage", "-", "9223372036854775807"} {
		all, _ = c.read("new", lost)
		c.equal(all, "after the position "+lost, "first", "second")
	}
	none, still = c.read("nothing", "99999999999999-7")
	c.equal(none, "of nothing, after a position")
	c.is(still == "99999999999999-7", "the position in nothing stays")
}

func testJournalExpiry(c *checker) {
	const ttl = 500 * time.Millisecond
	start := time.Now()
	c.append("a", ttl, "old")
	_, old := c.read("a", "")
	c.append("a", ttl, "new")
	if all, _ := c.read("a", ""); time.Since(start) < ttl {
		c.equal(all, "before its time", "old", "new")
	}
	c.append("forever", 0, "kept")
	// What is over goes at the latest when a lot more was added.
	c.eventually("what is old goes", func() bool {
		for range 20 {
			c.append("a", ttl, "more")
		}
		all, _ := c.read("a", "")
		return !slices.Contains(all, "old") && slices.Contains(all, "more")
	})
	c.is(time.Since(start) >= ttl, "an entry is gone before its time")
	c.is(old != "", "a position")
	all, last := c.read("a", old)
	c.is(len(all) > 0, "a position whose entry has gone leads to those after it")
	c.append("a", time.Hour, "last")
	all, _ = c.read("a", last)
	c.equal(all, "positions go on", "last")
	c.append("forever", 0, "more")
	all, _ = c.read("forever", "")
	c.equal(all, "what has no time to live", "kept", "more")
}

// What several append at one time is there once, and what one appends is in its order.
func testJournalTogether(c *checker) {
	const writers, each = 8, 50
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := c.cache.(bbb.Journal).Append(c.ctx, name("a"), time.Hour, fmt.Appendf(nil, "%d %d a", w, i), fmt.Appendf(nil, "%d %d b", w, i)); err != nil {
					c.Errorf("Append: %v", err)
				}
			}
		})
	}
	// Who reads on meanwhile misses none.
	var got []string
	after := ""
	for done := false; !done; {
		texts, last := c.read("a", after)
		got, after = append(got, texts...), last
		done = len(got) >= 2*writers*each || c.Failed()
	}
	wg.Wait()
	next := make(map[string]int)
	for i := 0; i+1 < len(got); i += 2 {
		writer, _, _ := strings.Cut(got[i], " ")
		want := fmt.Sprintf("%s %d ", writer, next[writer])
		next[writer]++
		if got[i] != want+"a" || got[i+1] != want+"b" {
			c.Fatalf("got %q and %q, want %q with a and b", got[i], got[i+1], want)
		}
	}
	c.is(len(got) == 2*writers*each, "each entry comes once")
}
