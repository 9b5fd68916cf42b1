package bbb

import (
	"errors"
	"net/http"
	"time"
)

const (
	// createPause is how long a server is the last resort for new meetings after a
	// create failed there. It doubles with each further one.
	createPause = 10 * time.Second
	// maxCreatePause is the longest pause: as long as a server is spared that can
	// create meetings again.
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

// nextCreate returns when the server may get a new meeting like the others again;
// zero if the last one was created.
func (h *Health) nextCreate() time.Time {
	if h.CreateFailures == 0 {
		return time.Time{}
	}
	return h.CreateFailedAt.Add(createPaused(h.CreateFailures))
}

// created takes a new meeting that was created.
func (h *health) created() {
	for {
		old := h.now.Load()
		if old.CreateFailures == 0 {
			return
		}
		next := *old
		next.CreateFailures, next.CreateFailedAt, next.badMeeting = 0, time.Time{}, ""
		if h.now.CompareAndSwap(old, &next) {
			return
		}
	}
}

// createFailed takes a create that failed on the server. What fails during the pause
// began before it, or was a last resort; and a meeting that fails again and again may
// be at fault itself. Neither makes the pause longer.
func (h *health) createFailed(id string, at time.Time) {
	for {
		old := h.now.Load()
		if old.CreateFailures > 0 && (old.badMeeting == id || at.Before(old.nextCreate())) {
			return
		}
		next := *old
		next.CreateFailures++
		next.CreateFailedAt, next.badMeeting = at, id
		if h.now.CompareAndSwap(old, &next) {
			return
		}
	}
}

// learnCreate feeds what is known of the creates of a server, which may fail while
// everything else works: an empty server that takes no meeting looks like the best
// one for each. It is told only of meetings that were to be new and for which the
// server was chosen, because those that exist already are answered otherwise, and a
// create that has to go to this server says the same again and again. That there was
// no connection is a matter of the server as a whole.
func (s *Server) learnCreate(id string, err error) {
	e, _ := errors.AsType[*Error](err)
	switch {
	case err == nil:
		s.health.created()
	case unreachable(err), aboutRequest(err), e != nil && e.StatusCode == 0 && errors.Is(err, ErrNotSupported):
	case isFault(err), refusesUs(err), errors.Is(err, ErrNoServer), errors.Is(err, ErrOutcomeUnknown):
		s.health.createFailed(id, s.group.now())
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
