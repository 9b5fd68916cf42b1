package bbb

import "hash/maphash"

// idTable finds the place of an ID in a list, as a map from ID to place would, with an
// eighth of the memory: the IDs are in the list, so it has only the places. And a map would
// keep the IDs of the answer that it was made of, which keep parts of that answer alive,
// when the list has long had newer ones.
//
// Places may be emptied in the list without telling; their IDs are not found then. The zero
// value is for an empty list.
type idTable struct {
	bits  uint
	slots []int32 // each a place and 1, or 0; some are always 0
	used  int
}

// idList is a list of IDs.
type idList interface {
	places() int
	idAt(place int) string // empty where there is none
}

var idSeed = maphash.MakeSeed()

func (t *idTable) home(id string) uint64 { return maphash.String(idSeed, id) >> (64 - t.bits) }

func (t *idTable) next(slot uint64) uint64 { return (slot + 1) & (1<<t.bits - 1) }

// newIDTable returns an empty one with room for so many IDs.
func newIDTable(n int) idTable {
	bits := uint(3)
	for 4*(n+1) > 3<<bits {
		bits++
	}
	return idTable{bits: bits, slots: make([]int32, 1<<bits)}
}

// find returns the place of an ID.
func (t *idTable) find(in idList, id string) (place int, ok bool) {
	if t.used == 0 || id == "" {
		return 0, false
	}
	for slot := t.home(id); t.slots[slot] != 0; slot = t.next(slot) {
		if at := int(t.slots[slot] - 1); in.idAt(at) == id {
			return at, true
		}
	}
	return 0, false
}

// added takes note of the last place of the list, whose ID was not in it before.
func (t *idTable) added(in idList) {
	if 4*(t.used+1) > 3*len(t.slots) {
		t.build(in)
		return
	}
	t.put(in, in.places()-1)
}

// build is for a list that has changed in other ways.
func (t *idTable) build(in idList) {
	n := in.places()
	*t = newIDTable(n)
	for place := range n {
		t.put(in, place)
	}
}

// put takes note of a place, if there is an ID, and the table has room for it.
func (t *idTable) put(in idList, place int) {
	id := in.idAt(place)
	if id == "" {
		return
	}
	slot := t.home(id)
	for t.slots[slot] != 0 {
		slot = t.next(slot)
	}
	t.slots[slot] = int32(place + 1) //nolint:gosec // no list has that many
	t.used++
}
