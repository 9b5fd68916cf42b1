package bbb

import (
	"bytes"
	"context"
	"strconv"
	"sync"
	"time"
)

// Journal is what a [Cache] may offer besides: lists that several processes append
// to and read on. Groups that share such a Cache tell each other at once what they
// place where, instead of learning it from the servers with the next report. The
// Cache of [NewMemoryCache] is a Journal.
//
// The rules of Cache hold: safe for concurrent use, back when the context is over,
// no slice kept or changed, a ttl of 0 or less for ever. Package cachetest tests them.
type Journal interface {
	// Append adds entries at the end of a journal, in one step. They are kept for at
	// least ttl, if the store keeps anything, and if all that is appended to a journal
	// has the same.
	Append(ctx context.Context, key string, ttl time.Duration, entries ...[]byte) error
	// ReadAfter returns the entries behind a position, the oldest first, and the
	// position of the last of them: from the beginning when after is "", and nothing
	// and the same position when there is nothing new. It may return a part, of 100 at
	// least; the rest comes with the next call. When the position is from before a loss of data, it
	// returns what there is.
	ReadAfter(ctx context.Context, key, after string) (entries [][]byte, last string, err error)
}

// memoryJournals are the journals of a memoryCache.
type memoryJournals struct {
	mu    sync.Mutex // protects lists
	lists map[string]*memoryJournal
}

type memoryJournal struct {
	first   int64 // the number of the first entry; they count from 1
	entries []memoryEntry
}

type memoryEntry struct {
	until time.Time // zero for ever
	text  []byte
}

// Append is that of [Journal].
func (c *memoryCache) Append(_ context.Context, key string, ttl time.Duration, entries ...[]byte) error {
	j := &c.journals
	j.mu.Lock()
	defer j.mu.Unlock()
	list := j.lists[key]
	if list == nil {
		if j.lists == nil {
			j.lists = make(map[string]*memoryJournal)
		}
		list = &memoryJournal{first: 1}
		j.lists[key] = list
	}
	now := time.Now()
	var until time.Time
	if ttl > 0 {
		until = now.Add(ttl)
	}
	old := 0
	for old < len(list.entries) && !list.entries[old].until.IsZero() && list.entries[old].until.Before(now) {
		old++
	}
	if old > 0 {
		list.entries = append([]memoryEntry(nil), list.entries[old:]...)
		list.first += int64(old)
	}
	for _, text := range entries {
		list.entries = append(list.entries, memoryEntry{until, bytes.Clone(text)})
	}
	return nil
}

// ReadAfter is that of [Journal].
func (c *memoryCache) ReadAfter(_ context.Context, key, after string) ([][]byte, string, error) {
	position, _ := strconv.ParseInt(after, 10, 64) // "" is 0
	j := &c.journals
	j.mu.Lock()
	defer j.mu.Unlock()
	list := j.lists[key]
	if list == nil {
		return nil, after, nil
	}
	from, end := max(position-list.first+1, 0), int64(len(list.entries))
	if from > end {
		from = 0 // a position in what is lost
	}
	if from == end {
		return nil, after, nil
	}
	texts := make([][]byte, 0, end-from)
	for _, e := range list.entries[from:] {
		texts = append(texts, bytes.Clone(e.text))
	}
	return texts, strconv.FormatInt(list.first+end-1, 10), nil
}
