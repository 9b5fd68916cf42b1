package xmlwire

import "bytes"

// maxAttributes bounds the attributes of one element. Each is compared with
// those before it; real answers have three.
const maxAttributes = 64

// tag is a start tag. Its name points into the body. It is small because it is
// handed on by value, in registers, for every element.
type tag struct {
	name   []byte // as written, for the end tag to match
	prefix int    // bytes of name that are its namespace prefix and colon
	empty  bool   // <name/>: there is no end tag
}

// local returns the name without prefix, for fields to match.
func (t tag) local() []byte { return t.name[t.prefix:] }

type attribute struct {
	name  []byte
	local []byte
	raw   []byte // checked, references not yet replaced
}

// name passes a name and measures the namespace prefix of it.
func (s *scanner) name() (name []byte, prefix int, err error) {
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
		return nil, 0, s.truncated()
	}
	s.pos = i
	name = s.buf[from:i]
	if i == from || classes[name[0]]&nameStart == 0 || seen&nameWide != 0 && !isWideName(name) {
		return nil, 0, s.fault(from, faultName, nil)
	}
	if seen&nameColon == 0 {
		return name, 0, nil
	}
	colon := bytes.IndexByte(name, ':')
	switch {
	case bytes.IndexByte(name[colon+1:], ':') >= 0:
		return nil, 0, s.fault(from, faultName, nil)
	case colon == 0 || colon == len(name)-1:
		return name, 0, nil // a colon that divides nothing
	}
	return name, colon + 1, nil
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
	from := s.pos
	if end := from + len(t.name); end < len(s.buf) && s.buf[end] == '>' && string(s.buf[from:end]) == string(t.name) {
		s.pos = end + 1
		return nil
	}
	name, _, err := s.name()
	if err != nil {
		return err
	}
	if string(name) != string(t.name) {
		return s.fault(from, unexpectedEnd(name, t.name), nil)
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
			if string(a.name) == string(b.name) {
				return s.fault(from, faultTwice, nil)
			}
		}
		s.attrs = append(s.attrs, a)
	}
}

func (s *scanner) attribute() (a attribute, err error) {
	name, prefix, err := s.name()
	if err != nil {
		return a, err
	}
	a.name, a.local = name, name[prefix:]
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
	a.raw = s.buf[s.pos : s.pos+n]
	if err := s.checkValue(a.raw); err != nil {
		return a, err
	}
	s.pos += n + 1
	return a, nil
}

// checkValue checks the text of an attribute, which begins at the current
// byte.
func (s *scanner) checkValue(raw []byte) error {
	for i := range raw {
		switch c := raw[i]; {
		case classes[c]&illegal != 0:
			return s.fault(s.pos+i, faultControl, nil)
		case c == '<':
			return s.fault(s.pos+i, faultLess, nil)
		case c == '&':
			if _, _, fault := reference(raw[i:]); fault != "" {
				return s.fault(s.pos+i, fault, nil)
			}
		}
	}
	return nil
}
