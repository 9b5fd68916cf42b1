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

// bucket is the entries of which the hash begins with the same bits, in one piece of memory:
// what takes the time of a reader is how many pieces he looks at. For the same reason there
// are eight other bits of each hash in tags: the texts of IDs are elsewhere.
type bucket struct {
	tags   uint64
	places [bucketSize]placing // those that are left have no server
	more   *bucket             // nil in nearly all
}

const bucketSize = 8

// placing is one entry.
type placing struct {
	id     string
	server *Server
}

// fullBucket is how many entries a bucket has on average when the table is made twice as
// large. It never gets smaller: an empty bucket is one word.
const fullBucket = 7

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
	for b := at.Load(); b != nil; b = b.more {
		tags := b.tags
		for i := range b.places {
			if byte(tags) == tag && b.places[i].id == id {
				return b.places[i].server
			}
			tags >>= 8
		}
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
	places := slices.DeleteFunc(at.Load().all(nil), func(p placing) bool { return p.id == id })
	if next != nil {
		places = append(places, placing{id, next})
	}
	t.setBucket(at, places)
	return next
}

// set gives an ID to a server. One that the group has parted with gets none any more: nobody would
// take it out again.
func (x *index) set(id string, s *Server) {
	if x.get(id) != s { // most meetings are where they were
		x.change(id, func(now *Server) *Server {
			if s.removed.Load() {
				return now
			}
			return s
		})
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
	var places []placing
	for i := range t.buckets {
		at := &t.buckets[i]
		places = at.Load().all(places[:0])
		if !slices.ContainsFunc(places, func(p placing) bool { return p.server == from }) {
			continue
		}
		n := len(places)
		for i := range places {
			if places[i].server == from {
				places[i].server = to
			}
		}
		if to == nil {
			places = slices.DeleteFunc(places, func(p placing) bool { return p.server == nil })
			x.n -= n - len(places)
		}
		t.setBucket(at, places)
	}
}

// all appends the entries of a bucket, which may be nil.
func (b *bucket) all(dst []placing) []placing {
	for ; b != nil; b = b.more {
		for _, p := range b.places {
			if p.server != nil {
				dst = append(dst, p)
			}
		}
	}
	return dst
}

// each calls f with all entries, or with all that were there before and are there still
// when others write meanwhile.
func (x *index) each(f func(id string, s *Server)) {
	t := x.table.Load()
	if t == nil {
		return
	}
	var places []placing
	for i := range t.buckets {
		places = t.buckets[i].Load().all(places[:0])
		for _, p := range places {
			f(p.id, p.server)
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
	var places, low, high []placing // the last two by the bit of the hash that is one more
	for i := range old.buckets {
		low, high = low[:0], high[:0]
		places = old.buckets[i].Load().all(places[:0])
		for _, p := range places {
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
	size := 0
	for _, p := range places {
		size += len(p.id)
	}
	var ids strings.Builder
	ids.Grow(size)
	var all *bucket
	for i, p := range places {
		if i%bucketSize == 0 {
			all = &bucket{more: all}
		}
		from := ids.Len()
		ids.WriteString(p.id)
		all.places[i%bucketSize] = placing{ids.String()[from:], p.server}
		_, tag := t.bucket(p.id)
		all.tags |= uint64(tag) << (8 * (i % bucketSize))
	}
	at.Store(all)
}
