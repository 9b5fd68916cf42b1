package bbb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	stdinHead  = 1 << 20                // bytes of an input that are kept in memory; the rest goes to a file
	stdinChunk = 64 << 10               // bytes that are read at a time
	stdinGrace = 100 * time.Millisecond // how long a Read is waited for that nobody needs any more
	stdinTries = 100                    // reads in a row that may give nothing, as in bufio
)

// sharedStdin gives one input to many commands. Each reads all of it, from the start
// and at its own pace, however late it comes: what was read is kept.
//
// It reads on only when a command has read all that there is, so the fastest one sets
// the pace and the others cost nothing. What can be read at any place by many at once
// is not kept a second time.
type sharedStdin struct {
	src io.Reader // read by pump alone

	forget func() bool   // takes the input away from its context
	idle   chan struct{} // closed when nothing is read any more

	mu      sync.Mutex // protects the fields below
	more    sync.Cond  // readers wait for something to read
	wanting sync.Cond  // pump waits for somebody who wants it to
	kept    keptStdin
	size    int64 // how much is kept
	want    int64 // how much of it somebody waits for
	end     error // what comes after what is kept; nil when that is not known yet
	over    error // why nothing is to be read any more
	pumping bool  // pump was started
	reading bool  // pump is in a Read of src, which may take for ever
	using   int   // how many read or write what is kept
}

// keptStdin is the beginning of an input. What is in it never changes, so a copy may be
// read without the lock.
type keptStdin struct {
	head []byte
	rest io.ReaderAt // what comes after head
	file *spool      // what rest is, when it was made here
}

func (k keptStdin) readAt(p []byte, at int64) (int, error) {
	if at < int64(len(k.head)) {
		return copy(p, k.head[at:]), nil
	}
	return k.rest.ReadAt(p, at-int64(len(k.head)))
}

// newSharedStdin returns an input for commands that run until ctx ends. It must be
// closed.
func newSharedStdin(ctx context.Context, src io.Reader) *sharedStdin {
	s := &sharedStdin{src: src, idle: make(chan struct{})}
	s.more.L, s.wanting.L = &s.mu, &s.mu
	if at, size := rereadable(src); at != nil {
		s.kept.rest, s.size, s.end = at, size, io.EOF
	}
	s.forget = context.AfterFunc(ctx, func() { s.stop(ended(ctx)) })
	return s
}

// rereadable returns what is left in src, and how much that is, if it can be read at
// any place by many at once. It asks for types and not for methods: one that embeds such
// a reader to see what is read would be passed by.
func rereadable(src io.Reader) (io.ReaderAt, int64) {
	var (
		whole interface {
			io.ReaderAt
			io.Seeker
		}
		size int64
	)
	switch src := src.(type) {
	case *bytes.Reader:
		whole, size = src, src.Size()
	case *strings.Reader:
		whole, size = src, src.Size()
	case *os.File:
		info, err := src.Stat()
		if err != nil || !info.Mode().IsRegular() {
			return nil, 0
		}
		whole, size = src, info.Size()
	default:
		return nil, 0
	}
	start, err := whole.Seek(0, io.SeekCurrent)
	if err != nil || start >= size { // or a file of /proc, which has no size
		return nil, 0
	}
	return io.NewSectionReader(whole, start, size-start), size - start
}

// open returns the input for one command. It is closed when the command has ended.
func (s *sharedStdin) open() *stdinReader { return &stdinReader{shared: s} }

// stop ends all reading with an error.
func (s *sharedStdin) stop(why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over != nil {
		return
	}
	s.over = why
	s.settle()
	s.more.Broadcast()
	s.wanting.Signal()
}

// close ends all reading, and gives what the caller gave back to the caller: unless
// a Read of it takes long, none is under way when close returns.
func (s *sharedStdin) close() {
	s.forget()
	s.stop(io.ErrClosedPipe)
	grace := time.NewTimer(stdinGrace)
	defer grace.Stop()
	select {
	case <-s.idle:
	case <-grace.C:
	}
}

// settle cleans up when the last one is done. It is called with the lock held, once at
// the end of everything that was under way.
func (s *sharedStdin) settle() {
	if s.over == nil || s.using > 0 {
		return
	}
	if s.kept.file != nil {
		s.kept.file.remove()
	}
	s.kept = keptStdin{}
	if !s.reading {
		close(s.idle)
	}
}

// pump reads the input while somebody waits for more of it.
func (s *sharedStdin) pump() {
	buf := make([]byte, stdinChunk)
	for nothing := 0; s.wanted(); {
		n, err := s.src.Read(buf)
		if nothing++; n > 0 {
			nothing = 0
		}
		if err == nil && nothing == stdinTries {
			err = io.ErrNoProgress
		}
		s.took(buf[:n], err)
	}
}

// wanted waits until somebody wants more, and returns false when nobody ever will.
func (s *sharedStdin) wanted() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.over == nil && s.end == nil && s.want <= s.size {
		s.wanting.Wait()
	}
	s.reading = s.over == nil && s.end == nil
	return s.reading
}

// took keeps what was read, and the error that came with it.
func (s *sharedStdin) took(data []byte, end error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reading = false
	if s.over != nil {
		s.settle()
		return
	}
	kept := s.kept
	s.using++
	s.mu.Unlock()
	broken := kept.add(data) // may wait for the disk
	s.mu.Lock()
	s.using--
	s.kept = kept
	if s.end = end; broken != nil {
		data, s.end = nil, broken
	}
	s.size += int64(len(data))
	s.settle()
	s.more.Broadcast()
}

// add appends to what is kept: in memory while that has room, then in a file. It is
// for pump alone. Bytes that others may be reading are not touched.
func (k *keptStdin) add(data []byte) error {
	if k.file == nil && len(k.head)+len(data) <= stdinHead {
		k.head = append(k.head, data...)
		return nil
	}
	if k.file == nil {
		f, err := newSpool()
		if err != nil {
			return fmt.Errorf("stdin cannot be kept for other servers: %w", err)
		}
		k.file, k.rest = f, f
	}
	if _, err := k.file.Write(data); err != nil {
		return fmt.Errorf("stdin cannot be kept for other servers: %w", err)
	}
	return nil
}

// stdinReader is the input of one command.
type stdinReader struct {
	shared *sharedStdin
	at     int64 // how much of it was read
	closed bool  // protected by shared.mu
}

// Read implements [io.Reader]. It returns at once when the reader is closed or the
// context of all has ended.
func (r *stdinReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	kept, more, err := r.await()
	if err != nil {
		return 0, err
	}
	n, err := kept.readAt(p[:min(int64(len(p)), more)], r.at)
	r.at += int64(n)
	r.leave()
	switch {
	case n > 0:
		return n, nil // an error comes again
	case errors.Is(err, io.EOF):
		return 0, io.ErrUnexpectedEOF // a file that became shorter
	}
	return 0, err
}

// await waits for something to read, and returns how much there is. It is followed by
// leave when there is no error.
func (r *stdinReader) await() (kept keptStdin, more int64, err error) {
	s := r.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case r.closed:
			return kept, 0, io.ErrClosedPipe
		case s.over != nil:
			return kept, 0, s.over
		case r.at < s.size:
			s.using++
			return s.kept, s.size - r.at, nil
		case s.end != nil:
			return kept, 0, s.end
		}
		if s.want <= s.size {
			s.want = s.size + 1
			s.wanting.Signal()
		}
		if !s.pumping {
			s.pumping = true
			go s.pump()
		}
		s.more.Wait()
	}
}

func (r *stdinReader) leave() {
	s := r.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	s.using--
	s.settle()
}

// close wakes whoever still reads for a command that has ended.
func (r *stdinReader) close() {
	s := r.shared
	s.mu.Lock()
	defer s.mu.Unlock()
	r.closed = true
	s.more.Broadcast()
}

// spool is a file that nobody else sees.
type spool struct {
	*os.File
	named bool // it still has a name
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "bbb-*") // readable by its owner alone
	if err != nil {
		return nil, err
	}
	// Without a name it cannot outlive the process. Not all systems take the name away
	// from a file that is open.
	return &spool{File: f, named: os.Remove(f.Name()) != nil}, nil
}

// remove frees what the file takes on the disk.
func (s *spool) remove() {
	_ = s.Close()
	if s.named {
		_ = os.Remove(s.Name())
	}
}
