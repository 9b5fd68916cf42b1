package bbb

import (
	"context"
	"sync/atomic"
	"time"
)

// offlineAfter is how many failures in a row make a server count as offline:
// what was placed on it may then be created elsewhere.
const offlineAfter = 3

// retryAfter is how long after its last failure a server that nothing else has
// asked since is asked how it is.
const retryAfter = 10 * time.Second

// health is what the calls to a server say about it.
type health struct {
	failures   atomic.Int32 // in a row
	lastFailed atomic.Int64 // Unix nanoseconds
}

func (h *health) answered() {
	if h.failures.Load() != 0 { // do not write what every call shares
		h.failures.Store(0)
	}
}

func (h *health) failed() {
	h.lastFailed.Store(time.Now().UnixNano())
	h.failures.Add(1)
}

// up reports whether the last call was answered. A server that is not up gets no
// new meeting while another one is.
func (h *health) up() bool { return h.failures.Load() == 0 }

// rested reports whether the last failure is so long ago that it is old news.
func (h *health) rested() bool {
	return time.Now().UnixNano()-h.lastFailed.Load() > int64(retryAfter)
}

func (h *health) offline() bool { return h.failures.Load() >= offlineAfter }

// probe asks the server in the background whether it is back. There is one probe
// of a server at a time, and Close ends it.
func (s *Server) probe() {
	g := s.group
	if !s.probing.CompareAndSwap(false, true) {
		return
	}
	if g.gate.enter() != nil {
		return
	}
	go func() {
		defer g.gate.exit()
		defer s.probing.Store(false)
		_, _ = s.Meetings(context.WithValue(g.background, insideKey{}, g)) // health learns from it
	}()
}
