package xmlwire

import (
	"hash/maphash"
	"math"
	"slices"
)

// A server is asked for its list every few seconds, and most of what it says is
// byte for byte what it said before. What was well-formed then is so now, and
// means the same; so an item of which nothing changed is not read again.
//
// The bytes themselves are not kept: they would double what a meeting takes.
// Their length and a hash do. The hash has 64 bits, and nobody outside this
// process knows its seed, so two items are taken for each other once in 2^64
// changes: once in 500,000 years, for a million changes a second. What would
// happen then is that one meeting is shown as it was until it changes again.

// Seen is a list as it was read: its items, and what their bytes were. It never
// changes. The zero Seen is that of an empty list.
type Seen[E any] struct {
	items []seenItem[E]
	room  int // how much deeper the elements in an item could have been nested
}

type seenItem[E any] struct {
	item     *E
	hash     uint64
	size     uint32 // of what the start tag is followed by, end tag included; 0 for an item that is not reused
	elements uint32 // in that
}

var seenSeed = maphash.MakeSeed()

// Len returns the number of items.
func (s *Seen[E]) Len() int { return len(s.items) }

// Item returns the item that was at that place of the list.
func (s *Seen[E]) Item(i int) *E { return s.items[i].item }

// SeenList is PtrList for a list that is read again and again. When seen points
// to a list of the last time, the items of which nothing changed are shallow
// copies of those then: strings, slices and maps are shared. It is replaced by
// the list of this time, as a new Seen. When seen points to nil, it is PtrList.
//
// Whatever is in the old list, what is read is the same as without it, as long
// as nothing is written to what items of E share. Fields of E in which the
// caller keeps something of his own come along.
//
// The record must have no attributes: they stand in the start tag, which is not
// compared.
func SeenList[T, E any](name, item string, at func(*T) *[]*E, seen func(*T) **Seen[E], rec *Record[E]) Field[T] {
	mustBe(len(rec.attrs) == 0, "attributes in "+name)
	items, f := newItems[*E](item), PtrList(name, item, at, rec)
	plain := f.decode
	f.decode = func(d *decoder, t tag, v *T) (err error) {
		x, last := at(v), seen(v)
		if *last == nil {
			return plain(d, t, v)
		}
		r := reader[E]{rec: rec, old: *last, now: &Seen[E]{}}
		if n := r.old.Len(); n > 0 {
			r.now.items = make([]seenItem[E], 0, n)
		}
		*x, err = items.read(d, t, *x, r.read)
		if kept := r.now.items; cap(kept) > len(kept) { // it is kept long, so without room
			r.now.items = slices.Clone(kept)
		}
		*last = r.now
		return err
	}
	return f
}

// reader reads the items of a list and compares them with those of an old one.
type reader[E any] struct {
	rec    *Record[E]
	old    *Seen[E]
	now    *Seen[E]
	next   int // the old item that comes, if nothing changed
	missed int // how many items were none of the old ones, since one was
	wide   int // how often all old items were looked at

	// What was hashed last: the bytes at a place of the body.
	from, size int
	hash       uint64
}

// read reads an item, of which the start tag was passed.
func (r *reader[E]) read(d *decoder, c tag, e **E) error {
	*e = new(E)
	if r.now.items == nil {
		r.now.items = make([]seenItem[E], 0, 8)
	}
	if i, same := r.find(d, c); same {
		one := r.old.items[i]
		**e = *one.item
		d.pos += int(one.size)
		d.elements += int(one.elements)
		d.depth--
		r.next, r.missed = i+1, 0
		one.item = *e
		r.now.items = append(r.now.items, one)
		r.now.room = max(r.now.room, r.old.room)
		return nil
	}
	r.next++ // it has changed, most likely
	r.missed++
	from, elements, room := d.pos, d.elements, d.limits.Depth-d.depth
	if err := r.rec.read(d, c, *e); err != nil {
		return err
	}
	one := seenItem[E]{item: *e}
	if size := d.pos - from; size <= math.MaxUint32 && !c.empty && d.isEndTag(c, d.pos) {
		one.hash = r.sum(d, from, size)
		one.size, one.elements = uint32(size), uint32(d.elements-elements) //nolint:gosec // elements take more than a byte
	}
	r.now.items = append(r.now.items, one)
	r.now.room = max(r.now.room, room)
	return nil
}

// nearby is how far from the place where it is expected an old item is looked
// for. When that did not help for some time, much was added or taken away at one
// place: then all are looked at, but more and more seldom, and not without end: a
// list in which that happens all the time would take its length squared.
const (
	nearby  = 8
	maxWide = 64 // for each list
)

// find returns which old item stands at the current place.
func (r *reader[E]) find(d *decoder, c tag) (i int, same bool) {
	n := len(r.old.items)
	if n == 0 || c.empty || d.limits.Depth-d.depth < r.old.room {
		return 0, false
	}
	if r.is(d, c, r.next) {
		return r.next, true
	}
	reach := nearby
	if r.missed >= nearby && r.missed&(r.missed-1) == 0 && r.wide < maxWide {
		r.wide++
		reach = max(r.next, n-r.next)
	}
	for off := 1; off <= reach; off++ {
		if i = r.next + off; r.is(d, c, i) {
			return i, true
		}
		if i = r.next - off; r.is(d, c, i) {
			return i, true
		}
	}
	return 0, false
}

// is reports whether the old item i stands at the current place. A look at where
// it would end excludes all others but those that are as long as what does stand
// there, so hardly more is hashed than that, and once.
func (r *reader[E]) is(d *decoder, c tag, i int) bool {
	if uint(i) >= uint(len(r.old.items)) {
		return false
	}
	one := &r.old.items[i]
	size := int(one.size)
	end := d.pos + size
	if size == 0 || end > len(d.buf) || !d.isEndTag(c, end) || d.elements+int(one.elements) > d.limits.Elements {
		return false
	}
	if r.from == d.pos && r.size != size {
		return false // two lengths would fit, as when a comment has an end tag in it; one is enough
	}
	return r.sum(d, d.pos, size) == one.hash
}

func (r *reader[E]) sum(d *decoder, from, size int) uint64 {
	if r.from != from || r.size != size {
		r.from, r.size, r.hash = from, size, maphash.Bytes(seenSeed, d.buf[from:from+size])
	}
	return r.hash
}
