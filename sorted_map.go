package bbb

import (
	"maps"
	"slices"
	"strings"
)

// sortedKeys spares the common empty map the work.
func sortedKeys[V any](m map[string]V) []string {
	if len(m) == 0 {
		return nil
	}
	return slices.Sorted(maps.Keys(m))
}

// keyed is an entry of a map.
type keyed[V any] struct {
	key   string
	value V
}

// sortedRoom is how many entries are sorted on the stack: hardly a call has more.
const sortedRoom = 32

// sortedEntries appends the entries of a map to dst, which is empty, sorted by key. Unlike sortedKeys it
// leaves no garbage where dst has the room, and then puts each entry where it belongs: for so few that takes a
// third of the time of sorting them.
func sortedEntries[V any](dst []keyed[V], m map[string]V) []keyed[V] {
	if len(m) > cap(dst) {
		dst = make([]keyed[V], 0, len(m))
		for key, value := range m {
			dst = append(dst, keyed[V]{key, value})
		}
		slices.SortFunc(dst, func(a, b keyed[V]) int { return strings.Compare(a.key, b.key) })
		return dst
	}
	for key, value := range m {
		at, end := 0, len(dst)
		for at < end {
			if middle := (at + end) / 2; dst[middle].key < key {
				at = middle + 1
			} else {
				end = middle
			}
		}
		dst = slices.Insert(dst, at, keyed[V]{key, value})
	}
	return dst
}
