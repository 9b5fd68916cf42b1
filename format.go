package bbb

import (
	"fmt"
	"strconv"
)

// printable is a type that says of itself what may be shown.
type printable interface {
	fmt.Stringer
	fmt.GoStringer
}

// format writes p for any verb as its own methods say. Types that hold secrets
// implement [fmt.Formatter] with it: without that, a verb such as %d would show
// their fields.
func format(f fmt.State, verb rune, p printable) {
	text := p.String()
	switch {
	case verb == 'v' && f.Flag('#'):
		text = p.GoString()
	case verb == 'q':
		text = strconv.Quote(text)
	}
	_, _ = f.Write([]byte(text))
}
