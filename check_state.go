package bbb

import "time"

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
	if c.explain && f.Value < 1 {
		f.Reason = h.reason()
		if !h.FailedAt.IsZero() {
			f.Age = c.age(s, h.FailedAt).Round(time.Millisecond)
		}
	}
	return f
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
