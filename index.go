package bbb

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// index tells for many meeting IDs which server each belongs to. It is read by every call
// and written when a meeting comes or goes, so reading takes no lock and makes no garbage.
//
// It is a hash table whose buckets never change: who writes puts a new bucket in the place
// of the old one, a few entries long, however many meetings there are. The zero value is
// empty.
type index struct {
	table atomic.Pointer[indexTable] // nil while there never was anything
	mu    sync.Mutex                 // held by those who write; protects n
	n     int                        // how many entries there are
}

type indexTable struct {
	seed    maphash.Seed // a random one, so that nobody can choose IDs that meet in one bucket
	bits    uint         // how many of the hash choose the bucket
	buckets []atomic.Pointer[bucket]
}

// bucket is the entries of which the hash begins with the same bits. Of the first eight, tags
// has eight other bits each: looking at the IDs of all would be what takes the time, since
// each is somewhere else in memory.
type bucket struct {
	tags   uint64
	places []placing
}

// placing is one entry.
type placing struct {
	id     string
	server *Server
}

// fullBucket is how many entries a bucket has on average when the table is made twice as
// large. It never gets smaller: an empty bucket is one word.
const fullBucket = 8

func newIndexTable(seed maphash.Seed, bits uint) *indexTable {
	return &indexTable{seed: seed, bits: bits, buckets: make([]atomic.Pointer[bucket], 1<<bits)}
}

// bucket returns where the bucket of an ID is, and its tag.
func (t *indexTable) bucket(id string) (at *atomic.Pointer[bucket], tag byte) {
	h := maphash.String(t.seed, id)
	return &t.buckets[h>>(64-t.bits)], byte(h & 0xFF)
}

// get returns the server of an ID, or nil.
func (x *index) get(id string) *Server {
	t := x.table.Load()
	if t == nil {
		return nil
	}
	at, tag := t.bucket(id)
	b := at.Load()
	if b == nil {
		return nil
	}
	tags := b.tags
	for i := range b.places {
		if p := &b.places[i]; (i >= 8 || byte(tags) == tag) && p.id == id {
			return p.server
		}
		tags >>= 8
	}
	return nil
}

// change puts what f returns in the place of the server of an ID, nil being none, and
// returns it. No other change comes in between. f must not use the index.
func (x *index) change(id string, f func(now *Server) *Server) *Server {
	x.mu.Lock()
	defer x.mu.Unlock()
	now := x.get(id)
	next := f(now)
	switch {
	case next == now:
		return next
	case now == nil:
		x.n++
		x.grow()
	case next == nil:
		x.n--
	}
	t := x.table.Load()
	at, _ := t.bucket(id)
	var places []placing
	if old := at.Load(); old != nil {
		places = slices.DeleteFunc(slices.Clone(old.places), func(p placing) bool { return p.id == id })
	}
	if next != nil {
		places = append(places, placing{id, next})
	}
	t.setBucket(at, places)
	return next
}

// set gives an ID to a server.
func (x *index) set(id string, s *Server) {
	if x.get(id) != s { // most meetings are where they were
		x.change(id, func(*Server) *Server { return s })
	}
}

// drop takes an ID from a server if it is that server's.
func (x *index) drop(id string, s *Server) {
	if x.get(id) == s {
		x.change(id, func(now *Server) *Server {
			if now == s {
				return nil
			}
			return now
		})
	}
}

// replace gives all IDs of one server to another one, or to none.
func (x *index) replace(from, to *Server) {
	x.mu.Lock()
	defer x.mu.Unlock()
	t := x.table.Load()
	if t == nil {
		return
	}
	for i := range t.buckets {
		at := &t.buckets[i]
		old := at.Load()
		if old == nil || !slices.ContainsFunc(old.places, func(p placing) bool { return p.server == from }) {
			continue
		}
		places := make([]placing, 0, len(old.places))
		for _, p := range old.places {
			switch {
			case p.server != from:
				places = append(places, p)
			case to != nil:
				places = append(places, placing{p.id, to})
			default:
				x.n--
			}
		}
		t.setBucket(at, places)
	}
}

// each calls f with all entries, or with all that were there before and are there still
// when others write meanwhile.
func (x *index) each(f func(id string, s *Server)) {
	t := x.table.Load()
	if t == nil {
		return
	}
	for i := range t.buckets {
		if b := t.buckets[i].Load(); b != nil {
			for _, p := range b.places {
				f(p.id, p.server)
			}
		}
	}
}

// grow makes room for all entries. The lock is held.
func (x *index) grow() {
	old := x.table.Load()
	switch {
	case old == nil:
		x.table.Store(newIndexTable(maphash.MakeSeed(), 0))
		return
	case x.n <= fullBucket*len(old.buckets):
		return
	}
	next := newIndexTable(old.seed, old.bits+1)
	for i := range old.buckets {
		b := old.buckets[i].Load()
		if b == nil {
			continue
		}
		var low, high []placing // by the bit of the hash that is one more
		for _, p := range b.places {
			if at, _ := next.bucket(p.id); at == &next.buckets[2*i] {
				low = append(low, p)
			} else {
				high = append(high, p)
			}
		}
		next.setBucket(&next.buckets[2*i], low)
		next.setBucket(&next.buckets[2*i+1], high)
	}
	x.table.Store(next)
}

// setBucket puts a bucket of these entries at its place. The IDs are copied, into one text
// for all: an ID from an answer would keep a part of that answer alive, and the index is to
// hold what it holds longer than any answer.
func (t *indexTable) setBucket(at *atomic.Pointer[bucket], places []placing) {
	if len(places) == 0 {
		at.Store(nil)
		return
	}
	size := 0
	for _, p := range places {
		size += len(p.id)
	}
	var ids strings.Builder
	ids.Grow(size)
	b := &bucket{places: make([]placing, len(places))}
	for i, p := range places {
		from := ids.Len()
		ids.WriteString(p.id)
		b.places[i] = placing{ids.String()[from:], p.server}
		_, tag := t.bucket(p.id)
		b.tags |= uint64(tag) << (8 * i) // nothing of the ninth
	}
	at.Store(b)
}
