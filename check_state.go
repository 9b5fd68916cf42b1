package bbb

import (
	"strconv"
	"strings"
	"time"
)

// What is left to servers that failed lately.
const (
	afterFailure = 0.5
	lastResort   = 0.1
)

// CheckState goes by the state and the mode of the server ([Server.Health]). It rules
// out a server that is draining or disabled, one that failed when it was asked last,
// and one that is offline. One that answers again after a failure gets a factor of
// 0.5 until it counts as online, and 0.1 when it was offline: it is chosen only if the
// others are much worse.
//
// A server on which a new meeting could not be created is the last resort, at 0.1, for
// ten seconds, and after each further one for twice as long, up to five minutes. Then
// it gets a factor of 0.5 until one is created. It is not ruled out: it may have been
// the meeting that was at fault.
//
// While most servers of the group fail, that is rather our own network, so failures
// rule nobody out then: the factor is 0.1.
func CheckState(s *Server, c Criteria) Factor {
	h := s.Health()
	f := Factor{Checker: "state", Value: 1}
	if h.Mode != ModeEnabled {
		f.Value, f.Reason = 0, h.Mode.String()
		return f
	}
	switch {
	case h.Failures > 0:
		if h.Suspect {
			f.Value = lastResort
		} else {
			f.Value = 0
		}
	case h.State == StateUnstable:
		f.Value = afterFailure
	case h.State == StateRecovering:
		f.Value = lastResort
	case h.State == StateOffline:
		f.Value = 0
	}
	fit := f.Value == 1
	if h.CreateFailures > 0 {
		after := afterFailure
		if c.now(s).Before(h.nextCreate()) {
			after = lastResort
		}
		f.Value = min(f.Value, after)
	}
	if c.explain && f.Value < 1 {
		var reasons []string
		at := h.CreateFailedAt
		if !fit {
			reasons, at = append(reasons, h.reason()), h.FailedAt
		}
		if h.CreateFailures > 0 {
			reasons = append(reasons, h.createReason(c.now(s)))
		}
		f.Reason = strings.Join(reasons, "; ")
		if !at.IsZero() {
			f.Age = c.age(s, at).Round(time.Millisecond)
		}
	}
	return f
}

// createReason says in a few words how the creates of the server fail.
func (h Health) createReason(now time.Time) string {
	text := "creates fail, " + strconv.Itoa(h.CreateFailures) + " in a row"
	if left := h.nextCreate().Sub(now); left > 0 {
		text += ", next try in " + max(left.Round(time.Second), time.Second).String()
	}
	return text
}

// reason says in a few words why a server is not simply online.
func (h Health) reason() string {
	text := h.State.String()
	switch {
	case h.Failures > 0:
		text += ", " + counted(h.Failures, "failure") + " in a row"
		if h.Cause != "" {
			text += ", the last one: " + h.Cause
		}
		if h.Suspect {
			text += "; most servers fail, so it may be our network"
		}
	case h.Good > 0:
		text += ", " + counted(h.Good, "good check") + " since"
	}
	return text
}
