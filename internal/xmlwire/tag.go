package xmlwire

import "bytes"

// maxAttributes bounds the attributes of one element. Each is compared with
// those before it; real answers have three.
const maxAttributes = 64

// span is a place in the body. What is remembered of a body are spans and not
// slices: storing a pointer costs more than storing a number while the garbage
// collector runs.
type span struct{ from, to int }

func (s span) size() int { return s.to - s.from }

// at returns the bytes at a place.
func (s *scanner) at(p span) []byte { return s.buf[p.from:p.to] }

// tag is a start tag. It is small because it is handed on by value, in
// registers, for every element.
type tag struct {
	name   span // as written, for the end tag to match
	prefix int  // bytes of name that are its namespace prefix and colon
	empty  bool // <name/>: there is no end tag
}

// local returns the name of t without prefix, for fields to match.
func (s *scanner) local(t tag) []byte { return s.buf[t.name.from+t.prefix : t.name.to] }

type attribute struct {
	name   span
	prefix int
	raw    span // checked, references not yet replaced
	plain  bool // raw is its own value
}

// name passes a name and measures the namespace prefix of it.
func (s *scanner) name() (place span, prefix int, err error) {
	from, i := s.pos, s.pos
	var seen uint8
	for ; i < len(s.buf); i++ {
		class := classes[s.buf[i]]
		if class&namePart == 0 {
			break
		}
		seen |= class
	}
	if i == len(s.buf) {
		return span{}, 0, s.truncated()
	}
	s.pos = i
	place = span{from, i}
	name := s.buf[from:i]
	if i == from || classes[name[0]]&nameStart == 0 || seen&nameWide != 0 && !isWideName(name) {
		return span{}, 0, s.fault(from, faultName, nil)
	}
	if seen&nameColon == 0 {
		return place, 0, nil
	}
	colon := bytes.IndexByte(name, ':')
	switch {
	case bytes.IndexByte(name[colon+1:], ':') >= 0:
		return span{}, 0, s.fault(from, faultName, nil)
	case colon == 0 || colon == len(name)-1:
		return place, 0, nil // a colon that divides nothing
	}
	return place, colon + 1, nil
}

// startTag passes a start tag, of which the current byte is the '<'.
func (s *scanner) startTag() (t tag, err error) {
	at := s.pos
	s.pos++
	t.name, t.prefix, err = s.name()
	if err != nil {
		return t, err
	}
	s.attrs = s.attrs[:0]
	if s.buf[s.pos] != '>' {
		if err := s.attributes('/'); err != nil {
			return t, err
		}
		if s.peek(0) == '/' {
			t.empty = true
			s.pos++
		}
	}
	if err := s.expect('>'); err != nil {
		return t, err
	}
	if s.elements++; s.elements > s.limits.Elements {
		return t, s.fault(at, faultElements, ErrLimit)
	}
	if s.depth >= s.limits.Depth {
		return t, s.fault(at, faultDepth, ErrLimit)
	}
	if !t.empty {
		s.depth++
	}
	return t, nil
}

// endTag passes the end tag of t, of which the current byte is the '<'.
func (s *scanner) endTag(t tag) error {
	s.depth--
	s.pos += len("</")
	from, want := s.pos, s.at(t.name)
	if end := from + len(want); end < len(s.buf) && s.buf[end] == '>' && string(s.buf[from:end]) == string(want) {
		s.pos = end + 1
		return nil
	}
	name, _, err := s.name()
	if err != nil {
		return err
	}
	if got := s.at(name); string(got) != string(want) {
		return s.fault(from, unexpectedEnd(got, want), nil)
	}
	s.blanks()
	return s.expect('>')
}

// attributes passes the attributes of a tag and stops at its '>' or at last,
// the other byte that may end it.
func (s *scanner) attributes(last byte) error {
	s.attrs = s.attrs[:0]
	for {
		apart := s.blanks()
		if c := s.peek(0); c == '>' || c == last {
			return nil
		}
		from := s.pos
		a, err := s.attribute()
		if err != nil {
			return err
		}
		if !apart {
			return s.fault(from, faultGap, nil)
		}
		if len(s.attrs) == maxAttributes {
			return s.fault(from, faultAttributes, ErrLimit)
		}
		for _, b := range s.attrs {
			if string(s.at(a.name)) == string(s.at(b.name)) {
				return s.fault(from, faultTwice, nil)
			}
		}
		s.attrs = append(s.attrs, a)
	}
}

func (s *scanner) attribute() (a attribute, err error) {
	a.name, a.prefix, err = s.name()
	if err != nil {
		return a, err
	}
	s.blanks()
	if err := s.expect('='); err != nil {
		return a, err
	}
	s.blanks()
	quote := s.peek(0)
	if quote != '"' && quote != '\'' {
		return a, s.malformed(faultTag)
	}
	s.pos++
	n := bytes.IndexByte(s.buf[s.pos:], quote)
	if n < 0 {
		return a, s.truncated()
	}
	a.raw = span{s.pos, s.pos + n}
	if a.plain, err = s.checkValue(s.at(a.raw)); err != nil {
		return a, err
	}
	s.pos += n + 1
	return a, nil
}

// checkValue checks the text of an attribute, which begins at the current
// byte. plain says that it is its own value.
func (s *scanner) checkValue(raw []byte) (plain bool, err error) {
	plain = true
	for i := range raw {
		switch c := raw[i]; {
		case classes[c]&illegal != 0:
			return false, s.fault(s.pos+i, faultControl, nil)
		case c == '<':
			return false, s.fault(s.pos+i, faultLess, nil)
		case c == '&':
			if _, _, fault := reference(raw[i:]); fault != "" {
				return false, s.fault(s.pos+i, fault, nil)
			}
			plain = false
		case c == '\r':
			plain = false
		}
	}
	return plain, nil
}
