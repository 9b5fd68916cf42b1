package bbb

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// State is how a server is, judged by how it answers. What somebody decided is its
// [Mode].
type State uint8

const (
	// StateOnline is a server that answers, or that nobody has asked yet. It is also
	// one that began to fail while most servers of its group did ([Health.Suspect]), and
	// so the only one of a group however long it fails: what it does is told by
	// Failures and Cause of its [Health].
	StateOnline State = iota
	// StateUnstable is a server that failed lately, while most others did not. It keeps
	// its meetings, and is online again after three good checks in a row.
	StateUnstable
	// StateOffline is a server that failed three times in a row. Lists and searches
	// pass it over with [ErrOffline] and have it asked in the background. Once it has
	// failed for five seconds, too, what was on it may be created elsewhere.
	StateOffline
	// StateRecovering is a server that was offline and answers again. It is online
	// after three good checks in a row, and offline at the next failure.
	StateRecovering
)

var stateNames = [...]string{"online", "unstable", "offline", "recovering"}

// String is "online", "unstable", "offline" or "recovering".
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// MarshalText writes the text of String. A value that is no State is an error.
func (s State) MarshalText() ([]byte, error) { return marshalName(stateNames[:], s) }

// UnmarshalText reads the text of String, in lower case. Another text is an error.
func (s *State) UnmarshalText(text []byte) error { return unmarshalName(stateNames[:], text, s) }

const (
	// offlineAfter is how many failures in a row make a server count as offline.
	offlineAfter = 3
	// onlineAfter is how many good checks in a row a server needs that was not
	// online. One would make a server that is bad at each third poll change its
	// state twice in every three.
	onlineAfter = 3
	// retryAfter is how long after its last failure a server that nothing else has
	// asked since is asked how it is.
	retryAfter = 10 * time.Second
	// answeredStep is how exact AnsweredAt is for a server that is well, so that
	// its calls do not write on every answer what all of them share.
	answeredStep = time.Second
)

// Health is what is known of the health of a server at one time, from
// [Server.Health]. It is plain data and holds no secret.
//
// A check is a call whose outcome says something of the server. An answer to any call
// is a good one, also one that says no. A failure is counted when there was no
// connection at all, or for the calls about meetings: getMeetings, getMeetingInfo,
// isMeetingRunning and end. What the caller cancelled does not count, and creates are
// counted by themselves. Calls at the same time are one check, so fifty that fail in
// one blip are one failure.
//
// While most servers fail, the State stays as it is. So look at Failures and Cause as
// well, above all in a group of one server, which is never anything but online.
type Health struct {
	Mode  Mode      `json:"mode"`           // by hand
	State State     `json:"state"`          // by how it answers
	Since time.Time `json:"since,omitzero"` // of the State; zero while nobody has heard of the server
	// Failures is how many checks failed in a row; 0 when the last one was good.
	Failures int `json:"failures,omitzero"`
	// Good is how many checks were good in a row since the server stopped being
	// online; 0 while it is online.
	Good int `json:"good,omitzero"`
	// Cause is the text of the last failure. It is empty when the server is online
	// and its last check was good.
	Cause    string    `json:"cause,omitzero"`
	FailedAt time.Time `json:"failedAt,omitzero"` // the last failure that counted
	// FailingSince is the first of the failures in a row. It is zero when the last
	// check was good.
	FailingSince time.Time `json:"failingSince,omitzero"`
	AnsweredAt   time.Time `json:"answeredAt,omitzero"` // the last good check, to the second
	// CreateFailures is how many times new meetings could not be created, on the server
	// itself or on the web server in front of it; 0 once one was. They do not change the
	// State, nor do good checks change them. After the first one the server is the last
	// resort for new meetings for ten seconds, and after each further one for twice as
	// long, up to five minutes; see [CheckState]. Failures in that time are not counted.
	CreateFailures int       `json:"createFailures,omitzero"`
	CreateFailedAt time.Time `json:"createFailedAt,omitzero"` // the last of these
	// ReturnedAt is when the server last became online after it had been offline.
	ReturnedAt time.Time `json:"returnedAt,omitzero"`
	// Suspect says that most servers of the group fail just now, so that the group
	// looks for the fault on its own side and takes nobody's meetings away.
	Suspect bool `json:"suspect,omitzero"`
}

// Health returns what is known of the server's health. It asks nobody, takes no
// lock and allocates nothing, so it can be called for each of many servers at each
// decision.
func (s *Server) Health() Health {
	h := s.health.now.Load().Health
	if at := s.health.answeredAt.Load(); at != 0 {
		h.AnsweredAt = time.Unix(0, at)
	}
	h.Suspect = s.group.doubt.on.Load()
	return h
}

// State returns how the server is; see [Server.Health] for all that is known.
func (s *Server) State() State { return s.health.now.Load().State }

// health is what the calls to a server say about it, and what somebody decided.
type health struct {
	now        atomic.Pointer[condition] // never nil; replaced, never changed
	answeredAt atomic.Int64              // Unix nanoseconds
}

// condition is the health of a server, and what the next outcome is judged by.
type condition struct {
	Health
	// How many failures and good checks were counted so far. An outcome counts if
	// none of its kind was counted after its request began. Times would not do:
	// calls one after the other can be within one tick of a clock.
	failed, good uint64
	strikes      int           // failures in a row while we did not suspect ourselves
	badMeeting   string        // the ID of the create that failed last
	left         chan struct{} // closed when the mode changes
}

func newHealth(mode Mode) *condition {
	return &condition{Health: Health{Mode: mode}, left: make(chan struct{})}
}

// check is a request of which the outcome will be judged.
type check struct {
	failed, good uint64 // as in the condition when it began
	suspected    bool   // it began while we suspected ourselves
}

func (s *Server) beginCheck() check {
	now := s.health.now.Load()
	return check{failed: now.failed, good: now.good, suspected: s.group.doubt.on.Load()}
}

// answered takes a good check.
func (s *Server) answered(ctx context.Context, c check) {
	h, g := &s.health, s.group
	at := g.now()
	// While the group suspects itself, it must be known who answered since when.
	if nano := at.UnixNano(); nano-h.answeredAt.Load() >= int64(answeredStep) || g.doubt.on.Load() {
		h.answeredAt.Store(nano)
	}
	for {
		old := h.now.Load()
		if old.State == StateOnline && old.Failures == 0 && !old.Since.IsZero() || old.good != c.good {
			return
		}
		if old.State == StateOffline && old.failed != c.failed {
			return // it may have been carried out before the server died
		}
		next := *old
		next.good++
		next.Failures, next.strikes, next.FailingSince = 0, 0, time.Time{}
		switch old.State {
		case StateOnline:
			next.Cause = ""
			if old.Since.IsZero() {
				next.Since = at
			}
		case StateOffline:
			next.enter(StateRecovering, at)
			next.Good = 1
		default:
			if next.Good++; next.Good < onlineAfter {
				break
			}
			next.enter(StateOnline, at)
			next.Good, next.Cause = 0, ""
			if old.State == StateRecovering {
				next.ReturnedAt = at
			}
		}
		if !h.now.CompareAndSwap(old, &next) {
			continue
		}
		if next.State != old.State {
			g.observeState(ctx, s, old.State, &next, nil)
		}
		if old.Failures > 0 {
			g.doubtOurselves(ctx)
		}
		return
	}
}

// failing takes a check that failed. It is counted first and judged then: whether
// most servers fail can only be told when each of them has said so.
func (s *Server) failing(ctx context.Context, c check, cause error) {
	h, g := &s.health, s.group
	at, text := g.now(), cause.Error()
	var counted uint64 // good checks when it was
	for {
		old := h.now.Load()
		if old.failed != c.failed {
			return
		}
		if old.State == StateRecovering && old.good != c.good {
			return // a call that hung since before the server came back
		}
		next := *old
		next.failed++
		next.Failures++
		next.Good, next.Cause, next.FailedAt = 0, text, at
		if next.Failures == 1 {
			next.FailingSince = at
		}
		if old.Since.IsZero() {
			next.Since = at
		}
		if h.now.CompareAndSwap(old, &next) {
			counted = next.good
			break
		}
	}
	suspect, spent := g.doubtOurselves(ctx)
	if suspect || c.suspected && !spent {
		return
	}
	for {
		old := h.now.Load()
		if old.good != counted { // it answered meanwhile
			return
		}
		next := *old
		// The verdict on all servers may have counted this failure already.
		next.strikes = min(next.strikes+1, next.Failures)
		if to := next.afterFailure(); to != old.State {
			next.enter(to, at)
		}
		if !h.now.CompareAndSwap(old, &next) {
			continue
		}
		if next.State != old.State {
			g.observeState(ctx, s, old.State, &next, cause)
		}
		return
	}
}

func (c *condition) afterFailure() State {
	switch {
	case c.State == StateRecovering, c.strikes >= offlineAfter:
		return StateOffline
	case c.State == StateOnline:
		return StateUnstable
	}
	return c.State
}

func (c *condition) enter(s State, at time.Time) { c.State, c.Since = s, at }

// offline reports whether the server is passed over; see givenUp for its meetings.
func (h *health) offline() bool { return h.now.Load().State == StateOffline }

// lastFailed returns when a check last failed.
func (h *health) lastFailed() time.Time { return h.now.Load().FailedAt }

// well reports whether the server is online, its last check was good, and so was the
// last create of a new meeting.
func (s *Server) well() bool {
	now := s.health.now.Load()
	return now.State == StateOnline && now.Failures == 0 && now.CreateFailures == 0
}

// rested reports whether the last check is so long ago that it is old news.
func (s *Server) rested() bool {
	now := s.health.now.Load()
	last := max(now.FailedAt.UnixNano(), now.CreateFailedAt.UnixNano(), s.health.answeredAt.Load())
	return s.group.now().UnixNano()-last > int64(retryAfter)
}
