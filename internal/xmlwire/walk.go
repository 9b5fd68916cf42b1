package xmlwire

import (
	"math"
	"math/bits"
	"sync/atomic"
)

// A server writes one meeting like the other: what stands between the value of
// one element and that of the next, </role> and a line end and <isPresenter>,
// is the same bytes each time. So the decoder remembers where it last passed
// them, and when the same bytes stand at the same place it passes them in one
// comparison: what was right then is right now, and means the same. Any
// difference goes the long way, through the scanner, and is what is remembered
// from then on. Fields know nothing of this.

// children are the elements that a field or a record looks for in its own
// element: those of some names, or of any name, numbered as they come.
type children struct {
	names []string
	index []uint16 // places in names, counted from 1, by the hash of the name; nil for any name
	many  int      // how many of them have steps
	texts bool     // they may be elements with a text
	steps int      // where these begin
}

// stepsInAll counts the steps of all records, which are made once.
var stepsInAll atomic.Int64

func newChildren(names ...string) children {
	c := anyChildren(len(names))
	c.names, c.index = names, make([]uint16, 4<<bits.Len(uint(len(names))))
	for i, name := range names {
		c.index[c.slot([]byte(name))] = uint16(i + 1)
	}
	return c
}

// slot returns the place in the index for name: that where it is, or a free one.
// Most places are free, and a name that nobody wants is mostly told by that.
func (c *children) slot(name []byte) int {
	last := len(c.index) - 1
	i := int(hash(name)>>32) & last
	for c.index[i] > 0 && c.names[c.index[i]-1] != string(name) {
		i = (i + 1) & last
	}
	return i
}

func anyChildren(many int) children {
	n := int64(places * (many + 1))
	return children{many: many, steps: int(stepsInAll.Add(n) - n)}
}

// step is what stood between one known child and the next, or the end of the
// parent. A child is left at one of two places: before its end tag, as after a
// text, or behind it. From each there are two steps, so that the end of a short
// list and its next item do not drive each other out.
//
// There are many steps, each looked at once for a child, so they are kept
// small: what does not fit is not remembered.
type step struct {
	from, to int    // the bytes, in the body of this round
	round    uint32 // which body this is from; steps of others are worth nothing
	next     uint16 // which child came then, if one did
	name     uint16 // length of its name
	gaps     uint16 // where those of its attributes begin
	attrs    uint8  // how many it had, see rememberAttrs
	empty    bool   // that was <name/>
}

func (s *step) size() int { return s.to - s.from }

// The steps of each child, and of the beginning, in this order. The first is to
// a child, the second to the end of the parent.
const (
	behind = 0
	before = 2
	places = 4
)

// walk is a way through the children of one element.
type walk struct {
	*children
	parent tag
	last   int  // child that was passed last; many at the beginning
	child  tag  // its tag
	open   bool // it was left before its end tag
	text   span // what is in it and was passed, if that is
	plain  bool // a text that is its own value and all there is
}

func (c *children) walk(parent tag) walk {
	return walk{children: c, parent: parent, last: c.many}
}

// next passes everything up to and including the start tag of the next child
// with a known name and returns which it is. At the end of the parent, which
// it passes too, it returns -1. If the child may have a text, and that is plain
// at first sight, next passes it as well: most children are so, and a call for
// each would be felt.
func (w *walk) next(d *decoder) (int, error) {
	if w.parent.empty {
		return -1, nil
	}
	w.plain = false
	at, depth := w.steps+places*w.last, d.depth
	if w.open {
		at += before
		depth-- // its end tag comes first
	}
	s := &d.steps[at]
	end := d.pos + s.size()
	if s.round != d.round || w.child.prefix > 0 || end > len(d.buf) ||
		string(d.buf[d.pos:end]) != string(d.buf[s.from:s.to]) ||
		w.open && w.index == nil && !d.atEndTag(w.child) { // children of any name have no other in common
		return w.end(d, at, depth)
	}
	if depth >= d.limits.Depth || d.elements >= d.limits.Elements {
		return w.search(d, at) // and say so
	}
	d.attrs = d.attrs[:0]
	if s.attrs > 0 {
		tag, ok := d.sameAttrs(s, end)
		if !ok {
			return w.search(d, at)
		}
		d.elements++
		w.last, w.child, w.open = int(s.next), tag, !s.empty
		if d.depth = depth; w.open {
			d.depth++
		}
		return w.last, nil
	}
	d.elements++
	w.last, w.open = int(s.next), !s.empty
	if s.empty {
		d.pos, d.depth = end, depth
		end -= len("/>")
		w.child = tag{name: span{end - int(s.name), end}, empty: true}
		return w.last, nil
	}
	d.pos, d.depth = end, depth+1
	w.child = tag{name: span{end - len(">") - int(s.name), end - len(">")}}
	if !w.texts {
		return w.last, nil
	}
	w.passText(d)
	return w.last, nil
}

// passText passes the text at the current place, if it is plain at first sight.
func (w *walk) passText(d *decoder) {
	rest := d.buf[d.pos:]
	for n := 0; len(rest)-n > 8; n += 8 {
		marks := special(word(rest[n:]))
		if marks == 0 {
			continue
		}
		n += bits.TrailingZeros64(marks) / 8
		if rest[n] == '<' && rest[n+1] == '/' {
			w.text, w.plain = span{d.pos, d.pos + n}, true
			d.pos += n
		}
		return
	}
}

// end is next where the child does not come that came the last time.
func (w *walk) end(d *decoder, at, depth int) (int, error) {
	s := &d.steps[at+1]
	end := d.pos + s.size()
	if s.round != d.round || w.child.prefix > 0 || end > len(d.buf) ||
		string(d.buf[d.pos:end]) != string(d.buf[s.from:s.to]) ||
		w.open && w.index == nil && !d.atEndTag(w.child) ||
		!d.isEndTag(w.parent, end) { // records can be read under several names
		return w.search(d, at)
	}
	d.pos, d.depth = end, depth-1
	return -1, nil
}

// atEndTag reports whether t's end tag is at the current place, without blanks.
func (d *decoder) atEndTag(t tag) bool {
	from := d.pos + len("</")
	end := from + t.name.size()
	return end < len(d.buf) && d.buf[end] == '>' && string(d.buf[from:end]) == string(d.at(t.name))
}

// isEndTag reports whether the end tag in front of end is t's, without blanks.
func (d *decoder) isEndTag(t tag, end int) bool {
	slash := end - len("/>") - t.name.size()
	return d.buf[slash] == '/' && string(d.buf[slash+1:end-1]) == string(d.at(t.name))
}

// search is next by way of the scanner. It remembers the way in one of the two
// steps that begin at at.
func (w *walk) search(d *decoder, at int) (int, error) {
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
			if plain && d.elements == elements && d.isEndTag(w.parent, d.pos) {
				d.steps[at+1] = step{from: from, to: d.pos, round: d.round}
			}
			return -1, nil
		}
		i, known := w.find(d.local(c))
		if !known {
			if err := d.skip(c); err != nil {
				return 0, err
			}
			continue
		}
		if plain && d.elements == elements+1 && c.prefix == 0 {
			d.remember(&d.steps[at], from, i, c)
		}
		w.last, w.child, w.open = i, c, !c.empty
		if w.open && w.texts {
			w.passText(d)
		}
		return i, nil
	}
}

// remember puts into s the way from one place to the start tag c, which was
// just passed and is that of child next, if nothing of c is needed later that
// only the scanner finds.
func (d *decoder) remember(s *step, from, next int, c tag) {
	if next > math.MaxUint16 || c.name.size() > math.MaxUint16 {
		return
	}
	now := step{
		from: from, to: d.pos, round: d.round,
		next: uint16(next), name: uint16(c.name.size()), empty: c.empty, //nolint:gosec // looked at above
	}
	if len(d.attrs) > 0 {
		if d.rememberAttrs(&now, s, c) {
			*s = now
		}
		return
	}
	size := len("<>") + c.name.size()
	if c.empty {
		size += len("/")
	}
	if d.buf[d.pos-size] == '<' {
		*s = now
	}
}

// find returns which child is called name. Servers keep to one order, so most
// often it is the one after the last.
func (w *walk) find(name []byte) (i int, ok bool) {
	next := w.last + 1
	if w.last == w.many {
		next = 0
	}
	switch {
	case w.index == nil:
		return min(next, w.many-1), true
	case next < w.many && w.names[next] == string(name):
		return next, true
	}
	i = int(w.index[w.slot(name)]) - 1
	return i, i >= 0
}
