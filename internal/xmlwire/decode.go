package xmlwire

import "cmp"

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
	scratch []byte            // text that had to be put together
	words   map[string]string // strings of this body that occur often
}

// child passes text up to the next child of parent and its start tag, or to
// the end of parent, where it returns false.
func (d *decoder) child(parent tag) (t tag, ok bool, err error) {
	if parent.empty {
		return t, false, nil
	}
	for {
		if _, _, err := d.run(); err != nil {
			return t, false, err
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

// text reads t to its end and returns the character data directly in it,
// without that of children. The bytes are valid until the next call.
func (d *decoder) text(t tag) ([]byte, error) {
	if t.empty {
		return nil, nil
	}
	raw, plain, err := d.run()
	if err != nil {
		return nil, err
	}
	if plain && d.peek(1) == '/' { // nearly always
		return raw, d.endTag(t)
	}
	d.scratch = appendText(d.scratch[:0], raw)
	for {
		var cdata []byte
		switch d.peek(1) {
		case '/':
			return d.scratch, d.endTag(t)
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

// each hands every child of t that is called item to read and skips others.
func (d *decoder) each(t tag, item string, read func(c tag) error) error {
	for {
		c, ok, err := d.child(t)
		switch {
		case err != nil || !ok:
			return err
		case string(c.local()) == item:
			err = read(c)
		default:
			err = d.skip(c)
		}
		if err != nil {
			return err
		}
	}
}

// value returns the text of an attribute. The bytes are valid until the next
// call.
func (d *decoder) value(a attribute) []byte {
	d.scratch = appendText(d.scratch[:0], a.raw)
	return d.scratch
}

// word returns b as a string and the same string for the same bytes, so that
// the role of a thousand attendees is kept once.
func (d *decoder) word(b []byte) string {
	if w, ok := d.words[string(b)]; ok {
		return w
	}
	if d.words == nil {
		d.words = make(map[string]string)
	}
	w := string(b)
	d.words[w] = w
	return w
}

func (d *decoder) valueError(name, want string) error {
	return &ValueError{Offset: d.pos, Name: name, Want: want}
}
