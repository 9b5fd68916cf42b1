package xmlwire

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// What can be wrong. The texts are constants because the comparison with
// encoding/xml names those that are stricter on purpose.
const (
	faultEnd           = "the body ends too early"
	faultControl       = "illegal control character"
	faultEncoding      = "illegal UTF-8"
	faultDeclared      = "the declared encoding is not UTF-8"
	faultVersion       = "the declared version is not 1.0"
	faultDeclaration   = "XML declaration inside the document"
	faultDTD           = "document type declarations are refused"
	faultOutside       = "text outside the root element"
	faultSecondRoot    = "second root element"
	faultComment       = `"--" inside a comment`
	faultBrackets      = `"]]>" outside a CDATA section`
	faultAmpersand     = `"&" does not begin a reference`
	faultEntity        = "unknown entity"
	faultReference     = "malformed character reference"
	faultCharReference = "reference to an illegal character"
	faultName          = "malformed name"
	faultTag           = "malformed tag"
	faultLess          = `"<" in an attribute`
	faultGap           = "no white space before an attribute"
	faultTwice         = "attribute given twice"
	faultDepth         = "elements are nested too deep"
	faultElements      = "too many elements"
	faultAttributes    = "too many attributes"
)

// scanner walks over a body and yields its tags and runs of text. It knows
// nothing of fields; everything it passes, it has checked.
type scanner struct {
	buf      []byte
	pos      int
	limits   Limits
	depth    int
	elements int
	attrs    []attribute // of the start tag read last
}

func (s *scanner) fault(at int, msg string, kind error) error {
	return &SyntaxError{Offset: at, Msg: msg, kind: kind}
}

func (s *scanner) truncated() error { return s.fault(len(s.buf), faultEnd, ErrTruncated) }

// malformed says msg of the current place, unless the body just ends there.
func (s *scanner) malformed(msg string) error {
	if s.pos >= len(s.buf) {
		return s.truncated()
	}
	return s.fault(s.pos, msg, nil)
}

// expect passes the byte c of a tag.
func (s *scanner) expect(c byte) error {
	if s.peek(0) != c {
		return s.malformed(faultTag)
	}
	s.pos++
	return nil
}

// peek returns the byte n places on, or 0 behind the end.
func (s *scanner) peek(n int) byte {
	if s.pos+n < len(s.buf) {
		return s.buf[s.pos+n]
	}
	return 0
}

// blanks passes white space and reports whether there was any.
func (s *scanner) blanks() bool {
	from := s.pos
	for s.pos < len(s.buf) && classes[s.buf[s.pos]]&blank != 0 {
		s.pos++
	}
	return s.pos > from
}

// run passes text up to the next '<' and returns it as it stands in the body.
// plain says that it is its own value: no references, no carriage returns.
func (s *scanner) run() (text []byte, plain bool, err error) {
	buf, i := s.buf, s.pos
	plain = true
	for {
		i += plainText(buf[i:])
		for i < len(buf) && classes[buf[i]]&textSpecial == 0 {
			i++ // the last few bytes, or white space
		}
		if i == len(buf) {
			return nil, false, s.truncated()
		}
		switch buf[i] {
		case '<':
			text, s.pos = buf[s.pos:i], i
			return text, plain, nil
		case '\r':
			plain = false
			i++
		case '&':
			plain = false
			_, size, fault := reference(buf[i:])
			if fault != "" && i+size < len(buf) {
				return nil, false, s.fault(i, fault, nil)
			}
			i += size
		case ']':
			if bytes.HasPrefix(buf[i:], []byte("]]>")) {
				return nil, false, s.fault(i, faultBrackets, nil)
			}
			i++
		default:
			return nil, false, s.fault(i, faultControl, nil)
		}
	}
}

// until passes everything up to and including end and returns what stands
// before it, without the first skip bytes.
func (s *scanner) until(skip int, end string) ([]byte, error) {
	from := s.pos + skip
	n := bytes.Index(s.buf[from:], []byte(end))
	if n < 0 {
		return nil, s.truncated()
	}
	inside := s.buf[from : from+n]
	for i, c := range inside {
		if classes[c]&illegal != 0 {
			return nil, s.fault(from+i, faultControl, nil)
		}
	}
	s.pos = from + n + len(end)
	return inside, nil
}

// declaration passes what begins with "<!": a comment, which yields nothing,
// or a CDATA section, which yields its text.
func (s *scanner) declaration() (cdata []byte, err error) {
	const comment, section = "<!--", "<![CDATA["
	rest := s.buf[s.pos:min(s.pos+len(section), len(s.buf))]
	switch {
	case bytes.HasPrefix(rest, []byte(comment)):
		if _, err := s.until(len(comment), "--"); err != nil {
			return nil, err
		}
		if s.peek(0) != '>' {
			return nil, s.malformed(faultComment)
		}
		s.pos++
		return nil, nil
	case string(rest) == section:
		return s.until(len(section), "]]>")
	case strings.HasPrefix(comment, string(rest)) || strings.HasPrefix(section, string(rest)):
		return nil, s.truncated()
	}
	return nil, s.fault(s.pos, faultDTD, ErrDTD)
}

// instruction passes a processing instruction. An XML declaration looks like
// one and stands before the root element only.
func (s *scanner) instruction() error {
	at := s.pos
	s.pos += len("<?")
	target, _, err := s.name()
	if err != nil {
		return err
	}
	if string(s.at(target)) == "xml" {
		if s.elements > 0 {
			return s.fault(at, faultDeclaration, nil)
		}
		return s.xmlDeclaration()
	}
	_, err = s.until(0, "?>")
	return err
}

func (s *scanner) xmlDeclaration() error {
	if err := s.attributes('?'); err != nil {
		return err
	}
	if err := s.expect('?'); err != nil {
		return err
	}
	if err := s.expect('>'); err != nil {
		return err
	}
	for _, a := range s.attrs {
		switch value := string(s.at(a.raw)); string(s.at(a.name)) {
		case "version":
			if value != "1.0" {
				return s.fault(s.pos, faultVersion, nil)
			}
		case "encoding":
			if !strings.EqualFold(value, "UTF-8") && !strings.EqualFold(value, "US-ASCII") {
				return s.fault(s.pos, faultDeclared, ErrEncoding)
			}
		case "standalone":
			if value != "yes" && value != "no" {
				return s.fault(s.pos, faultTag, nil)
			}
		default:
			return s.fault(s.pos, faultTag, nil)
		}
	}
	return nil
}

// outside passes what may stand before and behind the root element. It stops
// at a tag or at the end of the body.
func (s *scanner) outside() error {
	for {
		s.blanks()
		if s.pos == len(s.buf) {
			return nil
		}
		if s.buf[s.pos] != '<' {
			return s.fault(s.pos, faultOutside, nil)
		}
		switch s.peek(1) {
		case '?':
			if err := s.instruction(); err != nil {
				return err
			}
		case '!':
			at := s.pos
			cdata, err := s.declaration()
			if err != nil {
				return err
			}
			if cdata != nil {
				return s.fault(at, faultOutside, nil)
			}
		default:
			return nil
		}
	}
}

// root passes everything up to and including the start tag of the root
// element, which must be called want. Another root is told before an illegal
// encoding: the pages of web servers are often in Latin-1.
func (s *scanner) root(want string) (tag, error) {
	s.pos = len(s.buf) - len(bytes.TrimPrefix(s.buf, []byte("\uFEFF")))
	if len(trim(s.buf[s.pos:])) == 0 {
		return tag{}, ErrEmpty
	}
	t, err := s.rootTag(want)
	if _, other := errors.AsType[*RootError](err); other {
		return t, err
	}
	if at := encodingFault(s.buf); at >= 0 {
		err = s.fault(at, faultEncoding, ErrEncoding)
	}
	return t, err
}

func (s *scanner) rootTag(want string) (tag, error) {
	if err := s.outside(); err != nil {
		return tag{}, s.foreign(want, err)
	}
	if s.pos == len(s.buf) {
		return tag{}, s.truncated()
	}
	t, err := s.startTag()
	if err == nil && string(s.local(t)) != want {
		err = &RootError{Got: clip(s.local(t)), Want: want}
	}
	return t, err
}

// foreign turns the refusal of a document type into a RootError if it declares
// another root: it is what the HTML page of a web server begins with.
func (s *scanner) foreign(want string, err error) error {
	const doctype = "<!DOCTYPE"
	if rest := s.buf[s.pos:]; len(rest) > len(doctype) && strings.EqualFold(string(rest[:len(doctype)]), doctype) {
		s.pos += len(doctype)
		s.blanks()
		if name, _, nameErr := s.name(); nameErr == nil && string(s.at(name)) != want {
			return &RootError{Got: clip(s.at(name)), Want: want}
		}
	}
	return err
}

// end checks that nothing but blanks and comments follows the root element.
func (s *scanner) end() error {
	if err := s.outside(); err != nil {
		return err
	}
	if s.pos < len(s.buf) {
		return s.fault(s.pos, faultSecondRoot, nil)
	}
	return nil
}

func unexpectedEnd(got, want []byte) string {
	return fmt.Sprintf("end tag %q where %q was due", clip(got), clip(want))
}
