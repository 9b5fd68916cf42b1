package bbb

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
)

// contentsInMemory is how much of what a call brings along is kept in memory. Slides are larger, and there may
// be many calls at a time.
const contentsInMemory = 1 << 20

// inboundContents keeps the contents of documents that came with a call until it is over: in memory, or in a
// file when it is much.
type inboundContents struct {
	memory []byte
	file   *spool // nil while it is in memory
	size   int64
}

// spoolError is a failure of the disk, which no client is to blame for, nor to be told of.
type spoolError struct{ err error }

func (e *spoolError) Error() string {
	return "bbb: documents of a call cannot be kept: " + e.err.Error()
}
func (e *spoolError) Unwrap() error { return e.err }

// Write implements [io.Writer].
func (c *inboundContents) Write(p []byte) (int, error) {
	if c.file == nil && c.size+int64(len(p)) > contentsInMemory {
		file, err := newSpool()
		if err != nil {
			return 0, &spoolError{err}
		}
		c.file = file
		if _, err := file.Write(c.memory); err != nil {
			return 0, &spoolError{err}
		}
		c.memory = nil
	}
	if c.file == nil {
		c.memory = append(c.memory, p...)
	} else if _, err := c.file.Write(p); err != nil {
		return 0, &spoolError{err}
	}
	c.size += int64(len(p))
	return len(p), nil
}

// section returns a part of what was written, when no more will be.
func (c *inboundContents) section(start, end int64) io.ReadSeeker {
	if c.file == nil {
		return bytes.NewReader(c.memory[start:end])
	}
	return io.NewSectionReader(c.file, start, end-start)
}

// close removes the file.
func (c *inboundContents) close() {
	if c.file != nil {
		c.file.remove()
	}
}

var errNotBase64 = errors.New("the content is not base64")

// base64Writer decodes what is written to it as clients send it: with line ends or none, with padding or
// none, in either alphabet.
type base64Writer struct {
	to     io.Writer
	in     [4 << 10]byte // whole groups of four
	out    [3 << 10]byte
	n      int // bytes in in
	padded int
}

func (w *base64Writer) write(p []byte) error {
	for _, c := range p {
		switch {
		case c == ' ' || c == '\n' || c == '\r' || c == '\t':
			continue
		case c == '=':
			if w.padded++; w.padded > 2 {
				return errNotBase64
			}
			continue
		case w.padded > 0:
			return errNotBase64
		case c == '-':
			c = '+'
		case c == '_':
			c = '/'
		}
		w.in[w.n] = c
		if w.n++; w.n == len(w.in) {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *base64Writer) flush() error {
	n, err := base64.RawStdEncoding.Decode(w.out[:], w.in[:w.n])
	if err != nil {
		return errNotBase64
	}
	w.n = 0
	_, err = w.to.Write(w.out[:n])
	return err
}

// close decodes the rest.
func (w *base64Writer) close() error { return w.flush() }
