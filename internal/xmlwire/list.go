package xmlwire

import (
	"slices"
	"sync"
)

// items collects the items of a list, so that the list itself is made once, of
// the right size.
type items[E any] struct {
	children // those called item
	spare    sync.Pool
}

const maxSpare = 1 << 10 // items that are kept room for

func newItems[E any](item string) *items[E] {
	mustBeName(item)
	return &items[E]{children: newChildren(item)}
}

// read appends the children of t to list, each made by one. What was read
// before an error is appended, too.
func (it *items[E]) read(d *decoder, t tag, list []E, one func(d *decoder, c tag, e *E) error) ([]E, error) {
	if t.empty {
		return list, nil
	}
	spare, ok := it.spare.Get().(*[]E)
	if !ok {
		spare = new([]E)
	}
	all, err := it.collect(d, t, *spare, one)
	list = append(list, all...)
	clear(all)
	if cap(all) <= maxSpare {
		*spare = all[:0]
		it.spare.Put(spare)
	}
	return list, err
}

func (it *items[E]) collect(d *decoder, t tag, all []E, one func(d *decoder, c tag, e *E) error) ([]E, error) {
	w := it.walk(t)
	for {
		i, err := w.next(d)
		if err != nil || i < 0 {
			return all, err
		}
		if len(all) == cap(all) {
			all = slices.Grow(all, 1)
		}
		all = all[:len(all)+1] // which is zero: spares are cleared
		if err := one(d, w.child, &all[len(all)-1]); err != nil {
			return all, err
		}
		w.open = false
	}
}
