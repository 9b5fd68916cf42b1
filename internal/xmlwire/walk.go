package xmlwire

import (
	"bytes"
	"sync/atomic"
)

// A server writes one meeting like the other: what stands between the value of
// one element and that of the next, </role> and a line end and <isPresenter>,
// is the same bytes each time. So the decoder remembers where it last passed
// them, and when the same bytes stand at the same place it passes them in one
// comparison: what was right then is right now, and means the same. Any
// difference goes the long way, through the scanner, and is what is remembered
// from then on. Fields know nothing of this.

// children are the names of the elements that a field or a record looks for in
// its own element.
type children struct {
	names []string
	index map[string]int // name to place in names
	steps int            // where the steps of these children begin, see step
}

// stepsInAll counts the steps of all records, which are made once.
var stepsInAll atomic.Int64

func newChildren(names ...string) children {
	n := int64(places * (len(names) + 1))
	c := children{names: names, index: make(map[string]int), steps: int(stepsInAll.Add(n) - n)}
	for i, name := range names {
		c.index[name] = i
	}
	return c
}

// step is what stood between one known child and the next. A child is left at
// one of two places: before its end tag, as after a text, or behind it.
type step struct {
	from, to int    // the bytes, in the body of this round
	next     int    // which child came then, or -1 for the end of the parent
	empty    bool   // that was <name/>
	round    uint32 // which body this is from; steps of others are worth nothing
}

const places = 2 // of each child, and of the beginning

// walk is a way through the children of one element.
type walk struct {
	*children
	parent tag
	last   int  // child that was passed last; len(names) at the beginning
	child  tag  // its tag
	open   bool // it was left before its end tag
}

func (c *children) walk(parent tag) walk {
	return walk{children: c, parent: parent, last: len(c.names)}
}

// next passes everything up to and including the start tag of the next child
// with a known name and returns which it is. At the end of the parent, which
// it passes too, it returns -1.
func (w *walk) next(d *decoder) (int, error) {
	if w.parent.empty {
		return -1, nil
	}
	s := &d.steps[w.steps+places*w.last]
	if w.open {
		s = &d.steps[w.steps+places*w.last+1]
	}
	if s.round != d.round || w.child.prefix > 0 || !w.repeat(d, s) {
		return w.search(d, s)
	}
	return s.next, nil
}

// repeat passes the bytes of s if they stand here again.
func (w *walk) repeat(d *decoder, s *step) bool {
	end := d.pos + s.to - s.from
	if end > len(d.buf) || string(d.buf[d.pos:end]) != string(d.buf[s.from:s.to]) {
		return false
	}
	depth := d.depth
	if w.open {
		depth--
	}
	if s.next < 0 { // records can be read under several names
		if !bytes.HasSuffix(d.buf[:end-len(">")], w.parent.name) || d.buf[end-len("/>")-len(w.parent.name)] != '/' {
			return false
		}
		d.pos, d.depth = end, depth-1
		return true
	}
	if depth >= d.limits.Depth || d.elements >= d.limits.Elements {
		return false // the long way says it
	}
	d.elements++
	d.pos = end
	name := end - len(">")
	if s.empty {
		name -= len("/")
	} else {
		depth++
	}
	d.depth = depth
	w.last, w.open = s.next, !s.empty
	w.child = tag{name: d.buf[name-len(w.names[s.next]) : name], empty: s.empty}
	return true
}

// search is next by way of the scanner. It remembers the way in s.
func (w *walk) search(d *decoder, s *step) (int, error) {
	from, elements, plain := d.pos, d.elements, w.child.prefix == 0
	if w.open {
		if err := d.endTag(w.child); err != nil {
			return 0, err
		}
	}
	for {
		c, ok, err := d.child(w.parent)
		if err != nil {
			return 0, err
		}
		if !ok {
			if plain && d.elements == elements && d.buf[d.pos-len("/>")-len(w.parent.name)] == '/' {
				*s = step{from: from, to: d.pos, next: -1, round: d.round}
			}
			return -1, nil
		}
		i, known := w.find(c.local())
		if !known {
			if err := d.skip(c); err != nil {
				return 0, err
			}
			continue
		}
		if plain && d.elements == elements+1 && d.endsPlain(c) {
			*s = step{from: from, to: d.pos, next: i, empty: c.empty, round: d.round}
		}
		w.last, w.child, w.open = i, c, !c.empty
		return i, nil
	}
}

// endsPlain reports whether the start tag c, which was just passed, is <name>
// or <name/>: nothing of it is needed later that only the scanner finds.
func (d *decoder) endsPlain(c tag) bool {
	size := len("<>") + len(c.name)
	if c.empty {
		size += len("/")
	}
	return c.prefix == 0 && len(d.attrs) == 0 && d.buf[d.pos-size] == '<'
}

// find returns the place of the child called name. Servers keep to one order,
// so most often it is the one after the last.
func (w *walk) find(name []byte) (i int, ok bool) {
	next := w.last + 1
	if w.last == len(w.names) {
		next = 0
	}
	if next < len(w.names) && w.names[next] == string(name) {
		return next, true
	}
	i, ok = w.index[string(name)]
	return i, ok
}
