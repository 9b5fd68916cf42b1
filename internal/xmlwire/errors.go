package xmlwire

import (
	"errors"
	"fmt"
	"strings"
)

// Kinds of refusal that a caller may want to tell apart with errors.Is. All
// but ErrEmpty come wrapped in a *SyntaxError that says where.
var (
	// ErrEmpty is returned for a body of no bytes or of white space alone.
	ErrEmpty = errors.New("xml: empty body")
	// ErrTruncated says that the body ended before its root element did;
	// asking again may help.
	ErrTruncated = errors.New("truncated")
	// ErrDTD says that the body declares a document type or an entity, which
	// no BigBlueButton server does and which is never expanded here.
	ErrDTD = errors.New("document type declaration")
	// ErrEncoding says that the body is not UTF-8 or says so of itself.
	ErrEncoding = errors.New("not UTF-8")
	// ErrLimit says that a limit on size or nesting was passed.
	ErrLimit = errors.New("limit passed")
)

// SyntaxError says that a body is not the XML this package accepts. Its text
// holds a place and at most names of elements, never values: they can be
// secrets.
type SyntaxError struct {
	Offset int    // byte in the body where reading stopped
	Msg    string // what is wrong there
	kind   error  // one of the sentinels above, or nil
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("xml: byte %d: %s", e.Offset, e.Msg)
}

// Unwrap returns the kind of refusal for errors.Is; it is nil where the
// message says it all.
func (e *SyntaxError) Unwrap() error { return e.kind }

// RootError says that the body is a document of another kind, such as the
// HTML page of a web server.
type RootError struct {
	Got, Want string // names of the root element; Got is clipped
}

func (e *RootError) Error() string {
	return fmt.Sprintf("xml: root element is %q, not %q", e.Got, e.Want)
}

// ValueError says that the text of a well-formed element or attribute is not
// of the field's type.
type ValueError struct {
	Offset int    // byte in the body after the value
	Name   string // element or attribute
	Want   string // what its text should have been
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("xml: byte %d: %q is not %s", e.Offset, e.Name, e.Want)
}

// clip bounds a name for use in an error. Names come from the other side too:
// they may be of any length, and that of a root need not be UTF-8.
func clip(name []byte) string {
	const most = 40
	if len(name) <= most {
		return string(name)
	}
	return strings.ToValidUTF8(string(name[:most]), "") + "…"
}
