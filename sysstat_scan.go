package bbb

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"unicode"
)

// sadfScan reads what `sadf -j` writes. That is not always JSON, so encoding/json would
// refuse whole reports, of releases that people still run:
//
//   - 11.1.5 to 11.2.x write no comma before "fchosts", which they always write
//   - the same and later ones do not close "network" when nothing of it follows, so every
//     sample ends within it, and the next one begins where a name is expected
//   - before 11.4.2 and 11.2.8 numbers have the decimal comma of the locale
//   - names are not escaped, and numbers may be "nan"
//
// So commas and colons are blanks here, a bracket that cannot be right ends what is open,
// and what is missing is left out. All methods go on from s.at; none of them stays where
// it is, but at a closing bracket or at the end.
type sadfScan struct {
	text  []byte
	at    int
	depth int
	cut   bool // the text ended within something
}

// Limits against answers of machines that are not what they were.
const (
	sadfDepth = 32   // of brackets; sadf needs 9
	sadfItems = 8192 // CPUs or interfaces that are kept; Linux has no more CPUs
	sadfName  = 255  // bytes of a name that are kept; no host name is longer
)

// peek returns the byte that comes next, or 0 at the end.
func (s *sadfScan) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\n', '\r', ',', ':', 0:
		default:
			return c
		}
	}
	return 0
}

// object calls f with every name in the object that comes next. f reads the value.
func (s *sadfScan) object(f func(name []byte)) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	if !s.enter() {
		return
	}
	defer s.leave()
	for {
		switch s.peek() {
		case 0:
			s.cut = true
			return
		case '}':
			s.at++
			return
		case ']', '[', '{': // the closing bracket is missing
			return
		}
		name, _ := s.scalar()
		f(name)
	}
}

// list calls f at every element of the list that comes next. An object is a list of
// itself.
func (s *sadfScan) list(f func()) {
	switch s.peek() {
	case '{':
		f()
		return
	case '[':
	default:
		s.skip()
		return
	}
	if !s.enter() {
		return
	}
	defer s.leave()
	for {
		switch s.peek() {
		case 0:
			s.cut = true
			return
		case ']':
			s.at++
			return
		case '}': // the closing bracket is missing
			return
		}
		f()
	}
}

func (s *sadfScan) enter() bool {
	s.depth++
	if s.depth > sadfDepth {
		s.depth--
		s.at, s.cut = len(s.text), true
		return false
	}
	s.at++
	return true
}

func (s *sadfScan) leave() { s.depth-- }

// skip reads a value for nobody.
func (s *sadfScan) skip() {
	switch s.peek() {
	case '{':
		s.object(func([]byte) { s.skip() })
	case '[':
		s.list(s.skip)
	default:
		s.scalar()
	}
}

// scalar reads a text, a number or a word. It returns false, and reads nothing, at a
// bracket.
func (s *sadfScan) scalar() ([]byte, bool) {
	switch s.peek() {
	case 0, '{', '}', '[', ']':
		return nil, false
	case '"':
		return s.quoted(), true
	}
	from, comma := s.at, -1
	for ; s.at < len(s.text); s.at++ {
		c := s.text[s.at]
		if c == ',' && comma < 0 && s.digit(s.at-1) && s.digit(s.at+1) {
			comma = s.at - from
			continue
		}
		if strings.IndexByte(" \t\r\n,:{}[]\"\x00", c) >= 0 {
			break
		}
	}
	s.cut = s.cut || s.at == len(s.text) // more digits may have followed
	word := s.text[from:s.at]
	if comma >= 0 {
		word = bytes.Clone(word)
		word[comma] = '.'
	}
	return word, true
}

func (s *sadfScan) digit(i int) bool {
	return i >= 0 && i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9'
}

// quoted reads a text. It ends with its line at the latest, so that a quote too many does
// not swallow the rest.
func (s *sadfScan) quoted() []byte {
	s.at++
	from, escaped := s.at, false
	for ; s.at < len(s.text); s.at++ {
		switch s.text[s.at] {
		case '\\':
			escaped = true
			s.at++
		case '"', '\n':
			text := s.text[from:s.at]
			s.at++
			if escaped {
				text = unescape(text)
			}
			return text
		}
	}
	s.at, s.cut = len(s.text), true
	return s.text[from:]
}

// unescape returns the text as it is when it is not escaped as JSON has it.
func unescape(text []byte) []byte {
	var plain string
	if json.Unmarshal([]byte(`"`+string(text)+`"`), &plain) != nil {
		return text
	}
	return []byte(plain)
}

// into reads an object into the fields of target, a pointer to a struct, by their tags
// named sadf. It returns how many it set. Objects in it are read as if their names stood
// in it: "io" has its numbers in objects of their own. A value that is no number stays
// out of a field that is one.
func (s *sadfScan) into(target any) int {
	v := reflect.ValueOf(target).Elem()
	fields, set := sadfFields[v.Type()], 0
	s.object(func(name []byte) {
		i, known := fields[string(name)]
		if s.peek() == '{' {
			set += s.into(target)
			return
		}
		text, ok := s.scalar()
		switch {
		case !ok:
			s.skip()
		case known && setField(v.Field(i), text):
			set++
		}
	})
	return set
}

// sadfFields are the fields of the types that sadfScan.into reads, by name.
var sadfFields = func() map[reflect.Type]map[string]int {
	types := make(map[reflect.Type]map[string]int)
	for _, sample := range []any{CPU{}, IO{}, Memory{}, Kernel{}, Queue{}, Interface{}, Sockets{}, sadfTime{}} {
		t := reflect.TypeOf(sample)
		types[t] = make(map[string]int)
		for i := range t.NumField() {
			if tag := t.Field(i).Tag.Get("sadf"); tag != "" {
				for name := range strings.SplitSeq(tag, ",") {
					types[t][name] = i
				}
			}
		}
	}
	return types
}()

func setField(field reflect.Value, text []byte) bool {
	if field.Kind() == reflect.String {
		field.SetString(shownName(text))
		return true
	}
	// Nothing that sadf counts is below 0. Counters that went backwards make it print
	// what is, or a number beyond all that exists.
	number, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(number >= 0) || number >= 1<<53 {
		return false
	}
	if field.Kind() == reflect.Float64 {
		field.SetFloat(number)
		return true
	}
	if field.OverflowInt(int64(number)) {
		return false
	}
	field.SetInt(int64(number))
	return true
}

// shownName returns a name that may be shown on a terminal, and put into JSON.
func shownName(name []byte) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(name[:min(len(name), sadfName)]))
}
