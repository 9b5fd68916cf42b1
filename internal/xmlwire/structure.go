package xmlwire

import (
	"slices"
	"strings"
)

// structure makes a field of an element that holds elements.
func structure[T, V any](name string, at func(*T) *V,
	decode func(d *decoder, t tag, x *V) error,
	encode func(dst []byte, x *V) []byte,
	isZero func(x *V) bool,
) Field[T] {
	return Field[T]{
		name:   name,
		decode: func(d *decoder, t tag, v *T) error { return decode(d, t, at(v)) },
		encode: func(dst []byte, v *T) []byte { return encode(dst, at(v)) },
		isZero: func(v *T) bool { return isZero(at(v)) },
	}
}

// Map is an element whose children are called after keys, such as metadata.
// Values keep the white space at their ends and, like any text, leave out what
// is in elements within them; of equal keys the last one counts. An element
// without children leaves the map nil. It is written in the order of the keys,
// without those that are no names in XML: one of them would make the whole
// answer unreadable.
func Map[T any](name string, at func(*T) *map[string]string) Field[T] {
	keys := anyChildren(usualPairs)
	keys.texts = true
	return structure(name, at,
		func(d *decoder, t tag, x *map[string]string) error {
			var usual [usualPairs]pair // beyond them there is an allocation more
			pairs, err := d.pairs(keys.walk(t), usual[:0])
			if *x == nil && len(pairs) > 0 {
				*x = make(map[string]string, len(pairs))
			}
			for _, p := range pairs {
				(*x)[p.key] = p.value
			}
			return err
		},
		func(dst []byte, x *map[string]string) []byte {
			if len(*x) == 0 { // as of most attendees
				return dst
			}
			var usual [usualPairs]pair
			pairs := usual[:0]
			for key, value := range *x {
				if isLocalName(key) {
					pairs = append(pairs, pair{key, value})
				}
			}
			sortPairs(pairs)
			for _, p := range pairs {
				dst = AppendElement(dst, p.key, p.value)
			}
			return dst
		},
		func(x *map[string]string) bool { return len(*x) == 0 })
}

type pair struct{ key, value string }

const usualPairs = 16 // in the metadata of a meeting, most often

// sortPairs sorts by key. As long as there are few it does so by insertion,
// without a call for each comparison.
func sortPairs(pairs []pair) {
	if len(pairs) > usualPairs {
		slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.key, b.key) })
		return
	}
	for i := 1; i < len(pairs); i++ {
		p, k := pairs[i], i
		for ; k > 0 && p.key < pairs[k-1].key; k-- {
			pairs[k] = pairs[k-1]
		}
		pairs[k] = p
	}
}

// pairs appends what w leads to, for a map to be made of the right size.
func (d *decoder) pairs(w walk, list []pair) ([]pair, error) {
	for {
		i, err := w.next(d)
		if err != nil || i < 0 {
			return list, err
		}
		text := d.at(w.text)
		if !w.plain {
			if text, err = d.text(w.child); err != nil {
				return list, err
			}
		}
		list = append(list, pair{d.word(d.local(w.child)), d.keepCommon(text)})
	}
}

// Strings is a list of Trimmed texts, each in an element called item. An
// element without items leaves the slice nil.
func Strings[T any](name, item string, at func(*T) *[]string) Field[T] {
	items := newItems[string](item)
	one := func(d *decoder, c tag, s *string) error {
		text, err := d.whole(c)
		*s = d.keep(trim(text))
		return err
	}
	return structure(name, at,
		func(d *decoder, t tag, x *[]string) (err error) {
			*x, err = items.read(d, t, *x, one)
			return err
		},
		func(dst []byte, x *[]string) []byte {
			for _, s := range *x {
				dst = AppendElement(dst, item, s)
			}
			return dst
		},
		func(x *[]string) bool { return len(*x) == 0 })
}

// List is a list of objects, each in an element called item. An element
// without items leaves the slice nil.
func List[T, E any](name, item string, at func(*T) *[]E, rec *Record[E]) Field[T] {
	items, tags := newItems[E](item), newTags(item)
	return structure(name, at,
		func(d *decoder, t tag, x *[]E) (err error) {
			*x, err = items.read(d, t, *x, rec.read)
			return err
		},
		func(dst []byte, x *[]E) []byte {
			for i := range *x {
				dst = rec.appendItem(dst, item, &tags, &(*x)[i])
			}
			return dst
		},
		func(x *[]E) bool { return len(*x) == 0 })
}

// PtrList is a List of pointers. A nil pointer is not written.
func PtrList[T, E any](name, item string, at func(*T) *[]*E, rec *Record[E]) Field[T] {
	items, tags := newItems[*E](item), newTags(item)
	one := func(d *decoder, c tag, e **E) error {
		*e = new(E)
		return rec.read(d, c, *e)
	}
	return structure(name, at,
		func(d *decoder, t tag, x *[]*E) (err error) {
			*x, err = items.read(d, t, *x, one)
			return err
		},
		func(dst []byte, x *[]*E) []byte {
			for _, e := range *x {
				if e != nil {
					dst = rec.appendItem(dst, item, &tags, e)
				}
			}
			return dst
		},
		func(x *[]*E) bool { return len(*x) == 0 })
}

// Nested is an object: an element whose children are the fields of an E. Given
// twice, the second adds to the first.
func Nested[T, E any](name string, at func(*T) *E, rec *Record[E]) Field[T] {
	f := structure(name, at, rec.read, rec.appendInside, rec.isZero)
	if len(rec.attrs) > 0 {
		f.attrs = true
		f.encode = func(dst []byte, v *T) []byte { return rec.Append(dst, name, at(v)) }
	}
	return f
}

// Inline is an element that groups fields of the same T, such as the three of
// a breakout room that some servers put into an element and others do not.
func Inline[T any](name string, rec *Record[T]) Field[T] {
	return Nested(name, func(v *T) *T { return v }, rec)
}
