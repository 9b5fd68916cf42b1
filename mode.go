package bbb

import (
	"fmt"
	"slices"
)

// Mode is what somebody decided that a server is to do. How it answers is its
// [State].
type Mode uint8

const (
	// ModeEnabled is a server that takes part in everything.
	ModeEnabled Mode = iota
	// ModeDraining is a server that gets no new meeting and otherwise takes part:
	// a create of a meeting that it has goes to it, and so do the breakout rooms
	// of its meetings. See [Server.Drain].
	ModeDraining
	// ModeDisabled is a server that the group leaves alone, as if it were not in
	// it: lists and searches do not ask it, no call of the group goes to it, and its
	// meetings are not found and may be created elsewhere. Its own methods work, and
	// so does a [Meeting] that is still held.
	ModeDisabled
)

var modeNames = [...]string{"enabled", "draining", "disabled"}

// String is "enabled", "draining" or "disabled".
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MarshalText writes the text of String. A value that is no Mode is an error.
func (m Mode) MarshalText() ([]byte, error) { return marshalName(modeNames[:], m) }

// UnmarshalText reads the text of String, in lower case. Another text is an error.
func (m *Mode) UnmarshalText(text []byte) error { return unmarshalName(modeNames[:], text, m) }

func marshalName[N ~uint8](names []string, n N) ([]byte, error) {
	if int(n) >= len(names) {
		return nil, fmt.Errorf("bbb: %d is none of %q", uint8(n), names)
	}
	return []byte(names[n]), nil
}

func unmarshalName[N ~uint8](names []string, text []byte, n *N) error {
	i := slices.Index(names, string(text))
	if i < 0 {
		return fmt.Errorf("bbb: %.20q is none of %q", text, names)
	}
	*n = N(i)
	return nil
}

// Mode returns what was decided for the server: that of [WithMode] or of the last
// [Server.SetMode] or [Server.Drain].
func (s *Server) Mode() Mode { return s.health.now.Load().Mode }

// SetMode decides what the server is to do, from the next call of the group on;
// calls under way go on. An [Observer] is told when the mode changes. A value that
// is no Mode changes nothing.
//
// The mode is kept in this process alone: other processes with the same servers
// have to be told as well. A server that was disabled and takes part again is
// given the hooks of the group ([Group.CreateHook]) in the background.
func (s *Server) SetMode(m Mode) { s.setMode(m) }

// setMode returns a channel that is closed when the mode changes to another one.
func (s *Server) setMode(m Mode) (left <-chan struct{}) {
	for {
		old := s.health.now.Load()
		if old.Mode == m || int(m) >= len(modeNames) {
			return old.left
		}
		next := *old
		next.Mode, next.left = m, make(chan struct{})
		if !s.health.now.CompareAndSwap(old, &next) {
			continue
		}
		close(old.left)
		g := s.group
		g.changes.Add(1)
		g.observeMode(g.background, s, old.Mode, m)
		if old.Mode == ModeDisabled && !s.removed.Load() {
			g.hookNewServer(s)
		}
		g.doubtOurselves(g.background) // about others than before
		return next.left
	}
}

func (s *Server) disabled() bool { return s.Mode() == ModeDisabled }

// absent reports whether the group does without the server.
func (s *Server) absent() bool { return s.removed.Load() || s.disabled() }

// serving returns the servers that the group works with: all but the disabled
// ones. The slice is not to be changed.
func (g *Group) serving() []*Server {
	list := g.members.Load().list
	if !slices.ContainsFunc(list, (*Server).disabled) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), (*Server).disabled)
}
