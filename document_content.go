package bbb

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// contentError is a failure of what the caller gave to be sent. It says nothing
// about the server, and the server did not act: it never got the end of the body.
type contentError struct{ err error }

func (e *contentError) Error() string        { return e.err.Error() }
func (e *contentError) Unwrap() error        { return e.err }
func (e *contentError) Is(target error) bool { return target == ErrInvalidParams }

// errContentRead says why something was not sent again.
var errContentRead = errors.New("not sent again: the content was read already and cannot be rewound")

// errNotYours ends an attempt that is over in the eyes of its caller while the
// transport still reads.
var errNotYours = errors.New("the attempt is over")

// content is the Content of a document from the beginning to the end of a call.
// Several attempts may read it one after the other, each from its start.
type content struct {
	src    io.Reader
	seeker io.Seeker // nil when it can be read only once
	start  int64
	size   int64 // -1 when it is not known

	mu    sync.Mutex // protects the fields below, and src from two readers
	turn  int        // the attempt that may read
	begun bool
}

// Read implements [io.Reader], so that a content can stand in a Document. What is
// sent is read through a contentReader.
func (c *content) Read([]byte) (int, error) { return 0, errNotYours }

// openDocuments returns a copy of the documents whose contents can be sent by one
// attempt after the other.
func openDocuments(docs []Document) []Document {
	if len(docs) == 0 {
		return nil
	}
	open := make([]Document, len(docs))
	for i, d := range docs {
		if d.Content != nil {
			c := &content{src: d.Content, size: -1}
			c.measure()
			if d.Size > 0 {
				c.size = d.Size
			}
			d.Content = c
		}
		open[i] = d
	}
	return open
}

// measure finds out whether the content can be rewound, and its size.
func (c *content) measure() {
	if f, ok := c.src.(*os.File); ok {
		// A device has no end to seek to, and a pipe may claim one.
		if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
			return
		}
	}
	if seeker, ok := c.src.(io.Seeker); ok {
		start, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil {
			return // such as a pipe
		}
		end, err := seeker.Seek(0, io.SeekEnd)
		if _, back := seeker.Seek(start, io.SeekStart); back != nil {
			return
		}
		c.seeker, c.start = seeker, start
		if err == nil {
			c.size = max(end-start, 0)
		}
		return
	}
	if sized, ok := c.src.(interface{ Len() int }); ok {
		c.size = int64(sized.Len())
	}
}

// take ends the turn of an attempt before, and begins one at the start.
func (c *content) take() (turn int, err error) {
	if !c.mu.TryLock() {
		if c.seeker == nil {
			return 0, errContentRead // it is being read, and that may take for ever
		}
		c.mu.Lock()
	}
	defer c.mu.Unlock()
	if c.begun {
		if c.seeker == nil {
			return 0, errContentRead
		}
		if _, err := c.seeker.Seek(c.start, io.SeekStart); err != nil {
			return 0, fmt.Errorf("%w: %w", errContentRead, err)
		}
		c.begun = false
	}
	c.turn++
	return c.turn, nil
}

// contentReader reads a content in the turn of one attempt, and judges its size.
type contentReader struct {
	*content
	turn  int
	name  string
	limit int64
	read  int64
}

// Read implements [io.Reader].
func (r *contentReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.content.turn != r.turn {
		return 0, errNotYours
	}
	r.begun = true
	n, err := r.src.Read(p)
	r.read += int64(n)
	switch {
	case r.read > r.limit:
		return 0, tooLargeDocument(r.name, r.limit)
	case r.size >= 0 && r.read > r.size, errors.Is(err, io.EOF) && r.size >= 0 && r.read != r.size:
		return 0, fmt.Errorf("document %q is not of the size %d", r.name, r.size)
	case errors.Is(err, io.EOF) && r.read == 0:
		return 0, fmt.Errorf("document %q is empty", r.name)
	case err != nil && !errors.Is(err, io.EOF):
		return n, fmt.Errorf("document %q: %w", r.name, err)
	}
	return n, err
}

func tooLargeDocument(name string, limit int64) error {
	return fmt.Errorf("%w: %q has more than %d bytes", ErrDocumentTooLarge, name, limit)
}

// base64Reader encodes while it is read.
type base64Reader struct {
	src io.Reader
	in  []byte
	out []byte // what in is encoded into
	got []byte // of out, what is still to be read
	err error
}

// base64Chunk is how much is read at a time: whole groups of three bytes.
const base64Chunk = 3 << 12

// Read implements [io.Reader].
func (r *base64Reader) Read(p []byte) (int, error) {
	if len(r.got) == 0 {
		if r.err != nil {
			r.in, r.out = nil, nil
			return 0, r.err
		}
		if r.in == nil {
			r.in, r.out = make([]byte, base64Chunk), make([]byte, base64.StdEncoding.EncodedLen(base64Chunk))
		}
		n, err := io.ReadFull(r.src, r.in)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		if r.err = err; err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		base64.StdEncoding.Encode(r.out, r.in[:n])
		r.got = r.out[:base64.StdEncoding.EncodedLen(n)]
		if n == 0 {
			return 0, r.err
		}
	}
	n := copy(p, r.got)
	r.got = r.got[n:]
	return n, nil
}
