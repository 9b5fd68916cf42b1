package bbb

import (
	"errors"
	"net/http"
	"time"
)

const (
	// createPause is how long a server gets no new meeting after a create failed
	// there. It doubles with each further one.
	createPause = 10 * time.Second
	// maxCreatePause is the longest pause: as long as a server is without new meetings
	// that can create them again.
	maxCreatePause = 5 * time.Minute
)

// createPaused is how long the pause is after so many failed creates in a row.
func createPaused(failures int) time.Duration {
	d := createPause
	for ; failures > 1 && d < maxCreatePause; failures-- {
		d *= 2
	}
	return min(d, maxCreatePause)
}

// nextCreate returns when the server may get a new meeting again; zero if its last
// create was answered.
func (c *condition) nextCreate() time.Time {
	if c.CreateFailures == 0 {
		return time.Time{}
	}
	last := c.CreateFailedAt
	if c.createTried.After(last) {
		last = c.createTried
	}
	return last.Add(createPaused(c.CreateFailures))
}

// beginCreate lets one create through when the pause is over: the others wait for
// its outcome as long as for the one before it, rather than fail by the dozen.
func (h *health) beginCreate(at time.Time) {
	for {
		old := h.now.Load()
		if old.CreateFailures == 0 || at.Before(old.nextCreate()) {
			return
		}
		next := *old
		next.createTried = at
		if h.now.CompareAndSwap(old, &next) {
			return
		}
	}
}

// createAnswered takes a create that was answered, be it with no.
func (h *health) createAnswered() {
	for {
		old := h.now.Load()
		if old.CreateFailures == 0 {
			return
		}
		next := *old
		next.CreateFailures, next.CreateFailedAt, next.createTried = 0, time.Time{}, time.Time{}
		if h.now.CompareAndSwap(old, &next) {
			return
		}
	}
}

// createFailed takes a create that failed on the server. Creates at the same time
// are one failure.
func (h *health) createFailed(c check, at time.Time) {
	for {
		old := h.now.Load()
		if old.createsFailed != c.createsFailed {
			return
		}
		next := *old
		next.createsFailed++
		next.CreateFailures++
		next.CreateFailedAt = at
		if h.now.CompareAndSwap(old, &next) {
			return
		}
	}
}

// learnCreate feeds what is known of the creates of a server, which may fail while
// everything else works. An empty server that takes no meeting looks like the best
// one for each. A create that was never sent is a matter of the server as a whole.
func (s *Server) learnCreate(begun check, err error) {
	switch {
	case neverSent(err), aboutRequest(err):
	case isFault(err), refusesUs(err), errors.Is(err, ErrNoServer):
		s.health.createFailed(begun, s.group.now())
	default:
		s.health.createAnswered()
	}
}

// aboutRequest reports whether a web server did not like this very request: another
// one may be fine.
func aboutRequest(err error) bool {
	if !turnedAway(err) {
		return false
	}
	e, _ := errors.AsType[*Error](err)
	return e.StatusCode != http.StatusTooManyRequests && e.StatusCode != http.StatusRequestTimeout
}

// takesCreates reports whether a new meeting can be put on the server with some hope.
func (s *Server) takesCreates(now time.Time) bool {
	c := s.health.now.Load()
	return c.Mode == ModeEnabled && c.Failures == 0 && c.State < StateOffline &&
		(c.CreateFailures == 0 || !now.Before(c.nextCreate()))
}
