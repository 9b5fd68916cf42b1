package bbbtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strings"
)

// maxText is how long a piece of text may be and still come through a spill.
const maxText = 1 << 20

// spill passes XML on, except for very long pieces of text: those are decoded as base64 on the way,
// and a mark comes in their place. An XML decoder holds each piece of text in memory as a whole, and
// a presentation may have hundreds of megabytes.
type spill struct {
	from  *bufio.Reader
	out   bytes.Buffer
	run   bytes.Buffer // the piece of text under way, as long as it is short
	long  *base64Sink  // and where it goes when it is not
	mark  string
	longs []*base64Sink
}

func newSpill(from io.Reader) *spill {
	return &spill{from: bufio.NewReaderSize(from, 64<<10), mark: "bbbtest-" + newToken(20) + "-"}
}

func (s *spill) Read(p []byte) (int, error) {
	for s.out.Len() == 0 {
		if err := s.next(); err != nil && s.out.Len() == 0 {
			return 0, err
		}
	}
	return s.out.Read(p)
}

// next moves one piece of text, or one piece of markup, to out.
func (s *spill) next() error {
	head, err := s.from.Peek(9)
	switch {
	case len(head) == 0:
		return err
	case head[0] != '<':
		defer s.endText()
		return s.textUntil("<")
	case string(head) == "<![CDATA[":
		s.out.Write(head)
		_, _ = s.from.Discard(len(head))
		err := s.textUntil("]]>")
		s.endText()
		return err
	case bytes.HasPrefix(head, []byte("<!--")):
		return s.copyUntil("-->")
	case bytes.HasPrefix(head, []byte("<?")):
		return s.copyUntil("?>")
	}
	return s.copyTag()
}

// textUntil takes text up to an end that is left where it is.
func (s *spill) textUntil(end string) error {
	for {
		if _, err := s.from.Peek(1); err != nil {
			return err
		}
		buf, _ := s.from.Peek(s.from.Buffered())
		i := bytes.IndexByte(buf, end[0])
		if i < 0 {
			i = len(buf)
		}
		s.addText(buf[:i])
		_, _ = s.from.Discard(i)
		if at, _ := s.from.Peek(len(end)); string(at) == end {
			return nil
		}
		if at, _ := s.from.Peek(1); len(at) > 0 && at[0] == end[0] { // a bracket that ends nothing
			s.addText(at)
			_, _ = s.from.Discard(1)
		}
	}
}

func (s *spill) addText(text []byte) {
	if s.long == nil && s.run.Len()+len(text) > maxText {
		s.long = newBase64Sink()
		_, _ = s.run.WriteTo(s.long)
	}
	if s.long != nil {
		_, _ = s.long.Write(text)
		return
	}
	s.run.Write(text)
}

func (s *spill) endText() {
	if s.long != nil {
		fmt.Fprintf(&s.out, "%s%d;", s.mark, len(s.longs))
		s.longs = append(s.longs, s.long)
		s.long = nil
	}
	_, _ = s.run.WriteTo(&s.out)
}

// copyUntil passes on everything up to an end, and that too.
func (s *spill) copyUntil(end string) error {
	for tail := ""; ; {
		c, err := s.from.ReadByte()
		if err != nil {
			return err
		}
		s.out.WriteByte(c)
		if tail += string(rune(c)); strings.HasSuffix(tail, end) {
			return nil
		}
		tail = tail[max(0, len(tail)-len(end)):]
	}
}

// copyTag passes a tag on. A > inside an attribute does not end it.
func (s *spill) copyTag() error {
	var quote byte
	for {
		c, err := s.from.ReadByte()
		if err != nil {
			return err
		}
		s.out.WriteByte(c)
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return nil
		}
	}
}

// find returns the long piece a text has the mark of.
func (s *spill) find(text string) *base64Sink {
	for i, long := range s.longs {
		if strings.Contains(text, fmt.Sprintf("%s%d;", s.mark, i)) {
			return long
		}
	}
	return nil
}

// without takes the marks out of a text.
func (s *spill) without(text string) string {
	for i := range s.longs {
		text = strings.ReplaceAll(text, fmt.Sprintf("%s%d;", s.mark, i), "")
	}
	return text
}
