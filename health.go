package bbb

import "sync/atomic"

// offlineAfter is how many failures in a row make a server count as offline:
// what was placed on it may then be created elsewhere.
const offlineAfter = 3

// health is what the calls to a server say about it.
type health struct {
	failures atomic.Int32 // in a row
}

func (h *health) answered() {
	if h.failures.Load() != 0 { // do not write what every call shares
		h.failures.Store(0)
	}
}

func (h *health) failed() { h.failures.Add(1) }

// up reports whether the last call was answered. A server that is not up gets
// no new meeting while another one is.
func (h *health) up() bool { return h.failures.Load() == 0 }

func (h *health) offline() bool { return h.failures.Load() >= offlineAfter }
