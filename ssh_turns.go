package bbb

import (
	"io"
	"reflect"
	"sync"
)

// writerTurns knows the writers that were given so far for the output of the commands of
// one call.
type writerTurns struct {
	mu    sync.Mutex // protects known
	known map[io.Writer]*turnWriter
}

// of returns a writer to w that waits for its turn. What cannot be compared is no
// pointer, so it cannot be found again.
func (t *writerTurns) of(w io.Writer) io.Writer {
	if w == nil || !reflect.ValueOf(w).Comparable() {
		return w
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known[w] == nil {
		if t.known == nil {
			t.known = make(map[io.Writer]*turnWriter)
		}
		t.known[w] = &turnWriter{to: w}
	}
	return t.known[w]
}

// turnWriter is a writer of which the writes do not overlap.
type turnWriter struct {
	mu sync.Mutex // held while the caller's writer writes
	to io.Writer
}

// Write implements [io.Writer].
func (w *turnWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
