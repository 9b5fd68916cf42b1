package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// screen is where the table is drawn: in place on a terminal, one after the other
// elsewhere.
type screen struct {
	out     io.Writer
	inPlace bool
	drawn   bool
}

func newScreen(out io.Writer, watch bool, getenv func(string) string) *screen {
	s := &screen{out: out}
	if f, ok := out.(*os.File); ok && watch && getenv("TERM") != "" && getenv("TERM") != "dumb" {
		info, err := f.Stat()
		s.inPlace = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return s
}

// The sequences of ANSI terminals.
const (
	home      = "\x1b[H"
	clearAll  = home + "\x1b[2J"
	clearLine = "\x1b[K" // to its end
	clearRest = "\x1b[J" // to the end of the screen
)

// draw shows a text that ends with a line end. What was there before is overwritten
// line by line and not cleared first, which would flicker.
func (s *screen) draw(text string) {
	switch {
	case s.inPlace && s.drawn:
		text = home + strings.ReplaceAll(text, "\n", clearLine+"\n") + clearRest
	case s.inPlace:
		text = clearAll + text
	case s.drawn:
		text = "\n" + text
	}
	s.drawn = true
	fmt.Fprint(s.out, text)
}
