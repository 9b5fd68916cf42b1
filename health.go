package bbb

import (
	"sync/atomic"
	"time"
)

// offlineAfter is how many failures in a row make a server count as offline:
// what was placed on it may then be created elsewhere.
const offlineAfter = 3

// retryAfter is how long after its last failure a server gets a new meeting
// again, although nothing else has asked it since.
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

// up reports whether the last call was answered, or failed so long ago that it
// is worth a try. A server that is not up gets no new meeting while another one
// is.
func (h *health) up() bool {
	return h.failures.Load() == 0 || time.Now().UnixNano()-h.lastFailed.Load() > int64(retryAfter)
}

func (h *health) offline() bool { return h.failures.Load() >= offlineAfter }
