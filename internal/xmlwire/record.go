package xmlwire

import (
	"math/bits"
	"slices"
	"strconv"
)

// Record describes an element of the answers as the fields of T. It is made
// once, usually in a package variable, and is safe for use by many goroutines.
type Record[T any] struct {
	fields   []Field[T] // as given
	attrs    []Field[T] // those that are attributes
	elements []Field[T] // those that are child elements, in writing order
	children children   // their names
	content  *Field[T]  // text of the element itself, usually nil
}

// NewRecord makes a Record of fields, which are written in this order and read
// in any. It panics if two elements or two attributes have the same name, if a
// name is no name in XML, or if Content stands beside child elements: these
// are mistakes in the program.
func NewRecord[T any](fields ...Field[T]) *Record[T] {
	r := &Record[T]{fields: slices.Clone(fields)}
	var names []string
	for _, f := range r.fields {
		switch f.kind {
		case content:
			mustBe(r.content == nil, "two content fields")
			r.content = &f
		case attr:
			mustBeName(f.name)
			mustBe(!slices.ContainsFunc(r.attrs, func(g Field[T]) bool { return g.name == f.name }),
				"two attributes called "+f.name)
			r.attrs = append(r.attrs, f)
		case element:
			mustBeName(f.name)
			mustBe(!slices.Contains(names, f.name), "two elements called "+f.name)
			names = append(names, f.name)
			f.tags = newTags(f.name)
			if n := len(r.elements); n > 0 {
				f.between = newPiece(r.elements[n-1].tags.end.text + f.tags.start.text)
			}
			r.elements = append(r.elements, f)
		}
	}
	for i := range r.elements {
		r.elements[i].run = newRun(r.elements[i:])
	}
	mustBe(r.content == nil || len(r.elements) == 0, "content beside child elements")
	r.children = newChildren(names...)
	r.children.texts = true
	return r
}

// run is what bools that follow one another are written as, such as most
// fields of an attendee: a text for each combination of their values, where the
// first of them is the lowest bit of the index. It begins with the end tag of
// the element before and ends before that of the last bool.
type run []string

const longestRun = 4 // makes 16 texts

// newRun makes the run that fields begin with. It is nil if they begin with
// something else.
func newRun[T any](fields []Field[T]) (r run) {
	for _, f := range fields[:min(len(fields), longestRun)] {
		if f.flag == nil || f.between.text == "" || f.omitEmpty || f.decodeOnly {
			break
		}
		if r == nil {
			r = run{""}
		}
		all := make(run, 0, 2*len(r))
		for _, value := range []string{"false", "true"} {
			for _, before := range r {
				all = append(all, before+f.between.text+value)
			}
		}
		r = all
	}
	return r
}

// len returns how many bools r is made of.
func (r run) len() int { return bits.Len(uint(len(r))) - 1 }

func mustBe(ok bool, mistake string) {
	if !ok {
		panic("xmlwire: " + mistake)
	}
}

func mustBeName(name string) { mustBe(isLocalName(name), "no name in XML: "+name) }

// With returns a Record of the same fields and more. It panics like NewRecord.
func (r *Record[T]) With(fields ...Field[T]) *Record[T] {
	return NewRecord(slices.Concat(r.fields, fields)...)
}

// Fields returns the fields, for Lift.
func (r *Record[T]) Fields() []Field[T] { return slices.Clone(r.fields) }

// Decode reads body, a whole document with a root element called root, into a
// T that should be zero: what body does not mention is left alone, and lists
// and maps are added to. Strings are copies and do not keep body in memory.
//
// Elements and attributes without a field are checked and passed over. Of a
// scalar given twice the last one counts.
//
// The error is ErrEmpty, a *SyntaxError, a *RootError or a *ValueError; into
// then holds what was read before it.
func (r *Record[T]) Decode(body []byte, root string, into *T, lim Limits) error {
	d := newDecoder(body, lim)
	defer d.free()
	t, err := d.root(root)
	if err != nil {
		return err
	}
	if err := r.read(d, t, into); err != nil {
		return err
	}
	return d.end()
}

// read reads the element t into v.
func (r *Record[T]) read(d *decoder, t tag, v *T) error {
	if len(r.attrs) > 0 {
		if err := r.readAttrs(d, v); err != nil {
			return err
		}
	}
	if r.content != nil {
		err := r.content.read(d, t, v)
		if err == nil && !t.empty {
			err = d.endTag(t)
		}
		return err
	}
	w := r.children.walk(t)
	for {
		i, err := w.next(d)
		if err != nil || i < 0 {
			return err
		}
		f := &r.elements[i]
		if w.plain {
			if f.parse != nil { // as most elements, without going through read
				if !f.parse(d, v, d.at(w.text)) {
					return f.refuse(d, w.child)
				}
				continue
			}
			d.pos = w.text.from // the text may be what the structure reads
		}
		if err := f.read(d, w.child, v); err != nil {
			return err
		}
		w.open = w.open && f.parse != nil // a structure reads its end tag
	}
}

func (r *Record[T]) readAttrs(d *decoder, v *T) error {
	for _, a := range d.attrs {
		local := d.at(a.name)[a.prefix:]
		for i := range r.attrs {
			if f := &r.attrs[i]; f.name == string(local) {
				if !f.parse(d, v, d.value(a)) {
					return d.valueError(f.name, f.want)
				}
			}
		}
	}
	return nil
}

// Append appends v as an element called name, which must be a name in XML.
// What XML cannot hold is replaced by U+FFFD, so the result is well-formed
// whatever v holds.
func (r *Record[T]) Append(dst []byte, name string, v *T) []byte {
	dst = append(append(dst, '<'), name...)
	for i := range r.attrs {
		if f := &r.attrs[i]; !f.omitted(v) {
			dst = append(append(append(dst, ' '), f.name...), `="`...)
			dst = append(f.format(dst, v, &inAttribute), '"')
		}
	}
	dst = append(dst, '>')
	inside := len(dst)
	return closeElement(r.appendInside(dst, v), name, inside)
}

// appendItem is Append for an element that is written often.
func (r *Record[T]) appendItem(dst []byte, name string, t *tags, v *T) []byte {
	if len(r.attrs) > 0 {
		return r.Append(dst, name, v)
	}
	dst = t.start.append(dst)
	inside := len(dst)
	return t.close(r.appendInside(dst, v), inside)
}

// AppendInside appends v as Append does, without the element's own tags, and
// so without its attributes.
func (r *Record[T]) AppendInside(dst []byte, v *T) []byte { return r.appendInside(dst, v) }

func (r *Record[T]) appendInside(dst []byte, v *T) []byte {
	if f := r.content; f != nil && !f.omitted(v) {
		dst = f.format(dst, v, &inText)
	}
	// Between two elements there is most often the end tag of one and the start
	// tag of the next, which are written together.
	due := -1 // element whose end tag is yet to be written
	for i := 0; i < len(r.elements); i++ {
		f := &r.elements[i]
		if (f.omitEmpty || f.decodeOnly) && f.omitted(v) {
			continue
		}
		switch follows := due >= 0 && due == i-1; {
		case f.attrs:
			dst, due = f.encode(r.closeDue(dst, due), v), -1
			continue
		case follows && f.run != nil:
			which := 0
			for k := range f.run.len() {
				if *r.elements[i+k].flag(v) {
					which |= 1 << k
				}
			}
			dst = append(dst, f.run[which]...)
			i += f.run.len() - 1
			due = i
			continue
		case follows:
			dst = f.between.append(dst)
		default:
			dst = f.tags.start.append(r.closeDue(dst, due))
		}
		inside := len(dst)
		switch {
		case f.plain != nil:
			dst = appendEscaped(dst, *f.plain(v), &inText)
		case f.number != nil:
			dst = strconv.AppendInt(dst, int64(*f.number(v)), 10)
		case f.encode != nil:
			dst = f.encode(dst, v)
		default:
			dst = f.format(dst, v, &inText)
		}
		if due = i; len(dst) == inside {
			dst = f.tags.close(dst, inside)
			due = -1
		}
	}
	return r.closeDue(dst, due)
}

func (r *Record[T]) closeDue(dst []byte, due int) []byte {
	if due < 0 {
		return dst
	}
	return r.elements[due].tags.end.append(dst)
}

func (r *Record[T]) isZero(v *T) bool {
	for i := range r.fields {
		if !r.fields[i].isZero(v) {
			return false
		}
	}
	return true
}
