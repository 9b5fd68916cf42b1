package xmlwire

// Field describes one part of T: what it is called, how it is read and how it
// is written. Make one with String, Int, List and the like.
//
// Every constructor takes the name and a function that returns the place of
// the value in a T; it is called for reading and writing.
type Field[T any] struct {
	name       string
	tags       tags  // of an element in a Record
	between    piece // end tag of the element before in the Record, and start tag
	run        run   // of a bool
	kind       fieldKind
	omitEmpty  bool
	decodeOnly bool
	want       string // for a ValueError

	// A scalar is text and can stand in an element, an attribute or the
	// record's own element; parse and format are nil in other fields.
	parse  func(d *decoder, v *T, text []byte) bool
	format func(dst []byte, v *T, e *escapes) []byte

	// The places of the most frequent values, where there is no need of format:
	// of a bool, an int, and a text that is a string and not a type of its own.
	flag   func(v *T) *bool
	number func(v *T) *int
	plain  func(v *T) *string

	// A structure is an element with elements in it, which are what encode
	// writes; with attributes, it writes all of the element.
	decode func(d *decoder, t tag, v *T) error
	encode func(dst []byte, v *T) []byte
	attrs  bool

	isZero func(v *T) bool
}

type fieldKind uint8

const (
	element fieldKind = iota
	attr
	content
)

// OmitEmpty returns the field with one change: it is not written when it is
// zero, overriding the default of an empty element. An object is zero when all
// its fields are.
func (f Field[T]) OmitEmpty() Field[T] {
	f.omitEmpty = true
	return f
}

// DecodeOnly returns the field with one change: it is never written. It serves
// the second of two spellings of the same value.
func (f Field[T]) DecodeOnly() Field[T] {
	f.decodeOnly = true
	return f
}

// Attr returns the field with one change: it is an attribute of the record's
// element instead of a child element. It panics for anything but a scalar.
func (f Field[T]) Attr() Field[T] {
	if f.parse == nil || f.kind == content {
		panic("xmlwire: field " + f.name + " cannot be an attribute")
	}
	f.kind = attr
	return f
}

// read reads the element t, which goes by the field's name. It stops before
// the end tag of a scalar and behind that of a structure.
func (f *Field[T]) read(d *decoder, t tag, v *T) error {
	if f.parse == nil {
		return f.decode(d, t, v)
	}
	text, err := d.text(t)
	if err == nil && !f.parse(d, v, text) {
		err = f.refuse(d, t)
	}
	return err
}

// refuse returns the error for the text of t, unless there is one that comes
// before: it says where t ends.
func (f *Field[T]) refuse(d *decoder, t tag) error {
	if !t.empty {
		if err := d.endTag(t); err != nil {
			return err
		}
	}
	return d.valueError(f.name, f.want)
}

// omitted reports whether the field is left out when v is written.
func (f *Field[T]) omitted(v *T) bool {
	return f.decodeOnly || f.omitEmpty && f.isZero(v)
}

// Lift turns fields of E into fields of a T that holds an E, such as a struct
// embedded in it. The elements of both stand side by side in the answer.
func Lift[T, E any](at func(*T) *E, fields ...Field[E]) []Field[T] {
	lifted := make([]Field[T], len(fields))
	for i, f := range fields {
		g := Field[T]{
			name: f.name, kind: f.kind, omitEmpty: f.omitEmpty, decodeOnly: f.decodeOnly, want: f.want,
			isZero: func(v *T) bool { return f.isZero(at(v)) },
		}
		if f.parse != nil {
			g.parse = func(d *decoder, v *T, text []byte) bool { return f.parse(d, at(v), text) }
			g.format = func(dst []byte, v *T, e *escapes) []byte { return f.format(dst, at(v), e) }
			if f.flag != nil {
				g.flag = func(v *T) *bool { return f.flag(at(v)) }
			}
			if f.number != nil {
				g.number = func(v *T) *int { return f.number(at(v)) }
			}
			if f.plain != nil {
				g.plain = func(v *T) *string { return f.plain(at(v)) }
			}
		} else {
			g.decode = func(d *decoder, t tag, v *T) error { return f.decode(d, t, at(v)) }
			g.encode = func(dst []byte, v *T) []byte { return f.encode(dst, at(v)) }
			g.attrs = f.attrs
		}
		lifted[i] = g
	}
	return lifted
}
