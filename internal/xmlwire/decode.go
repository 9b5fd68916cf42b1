package xmlwire

import (
	"cmp"
	"sync"
)

// Limits bound what a body may cost to read; the size of the body itself is
// bounded by whoever reads it. A zero field means its default. Elements bounds
// memory too: an empty item of a List takes ten bytes to send and a whole E to
// keep.
type Limits struct {
	Depth    int // nesting of elements, default 32; real answers have 8
	Elements int // elements in all, default 5,000,000
}

func (l Limits) orDefault() Limits {
	return Limits{Depth: cmp.Or(l.Depth, 32), Elements: cmp.Or(l.Elements, 5_000_000)}
}

// decoder reads elements for fields. A field that is handed a tag reads on to
// the end of that element, whatever it makes of it.
type decoder struct {
	scanner
	scratch []byte // text that had to be put together
	memory         // of the strings that were read
	steps   []step // of all records, see walk
	gaps    []gap  // of those of them that have attributes
	round   uint32 // number of the body, for steps
}

// decoders keeps what a decoder needs, so that reading an answer allocates
// little but the answer.
var decoders = sync.Pool{New: func() any { return new(decoder) }}

func newDecoder(body []byte, lim Limits) *decoder {
	d := decoders.Get().(*decoder)
	d.scanner = scanner{buf: body, limits: lim.orDefault(), attrs: d.attrs[:0]}
	if n := int(stepsInAll.Load()); len(d.steps) < n {
		d.steps = make([]step, n)
	}
	d.gaps = d.gaps[:0]
	if d.round++; d.round == 0 { // they are used up: begin again, without those of long ago
		clear(d.steps)
		d.round = 1
	}
	return d
}

// free gives d back. Neither a body nor what it was read into stays with it, only
// short texts that answers have in common (see memory).
func (d *decoder) free() {
	d.scanner = scanner{attrs: d.attrs[:0]}
	d.forget()
	if cap(d.scratch) > maxScratch {
		d.scratch = nil
	}
	decoders.Put(d)
}

// maxScratch is what a decoder may keep of memory for unusually long texts.
const maxScratch = 64 << 10

// child passes text up to the next child of parent and its start tag, or to
// the end of parent, where it returns false.
func (d *decoder) child(parent tag) (t tag, ok bool, err error) {
	if parent.empty {
		return t, false, nil
	}
	for {
		if d.peek(0) != '<' { // as it most often is
			if _, _, err := d.run(); err != nil {
				return t, false, err
			}
		}
		switch d.peek(1) {
		case '/':
			return t, false, d.endTag(parent)
		case '!':
			_, err = d.declaration()
		case '?':
			err = d.instruction()
		default:
			t, err = d.startTag()
			return t, err == nil, err
		}
		if err != nil {
			return t, false, err
		}
	}
}

// text reads t up to its end tag, if it has one, and returns the character
// data directly in it, without that of children. The bytes are valid until the
// next call.
func (d *decoder) text(t tag) ([]byte, error) {
	if t.empty {
		return nil, nil
	}
	raw, plain, err := d.run()
	if err != nil {
		return nil, err
	}
	if plain && d.peek(1) == '/' {
		return raw, nil
	}
	return d.mixed(raw)
}

// mixed is text for what is more than one run of plain text. The first run was
// passed already.
func (d *decoder) mixed(raw []byte) (text []byte, err error) {
	d.scratch = appendText(d.scratch[:0], raw)
	for {
		var cdata []byte
		switch d.peek(1) {
		case '/':
			return d.scratch, nil
		case '!':
			cdata, err = d.declaration()
			d.scratch = appendLiteral(d.scratch, cdata)
		case '?':
			err = d.instruction()
		default:
			var c tag
			if c, err = d.startTag(); err == nil {
				err = d.skip(c)
			}
		}
		if err != nil {
			return nil, err
		}
		if raw, _, err = d.run(); err != nil {
			return nil, err
		}
		d.scratch = appendText(d.scratch, raw)
	}
}

// whole reads t to its end, end tag included, and returns its text.
func (d *decoder) whole(t tag) ([]byte, error) {
	text, err := d.text(t)
	if err == nil && !t.empty {
		err = d.endTag(t)
	}
	return text, err
}

// skip passes the rest of an element that no field wants, checked like any
// other.
func (d *decoder) skip(t tag) error {
	for {
		c, ok, err := d.child(t)
		if err == nil && ok {
			err = d.skip(c)
		}
		if err != nil || !ok {
			return err
		}
	}
}

// value returns the text of an attribute. The bytes are valid until the next
// call.
func (d *decoder) value(a attribute) []byte {
	if a.plain {
		return d.at(a.raw)
	}
	d.scratch = appendText(d.scratch[:0], d.at(a.raw))
	return d.scratch
}

func (d *decoder) valueError(name, want string) error {
	return &ValueError{Offset: d.pos, Name: name, Want: want}
}
