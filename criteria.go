package bbb

import (
	"maps"
	"slices"
	"strings"
)

// Labels describe a server in words of your own, such as "region": "eu". See
// [WithLabels] and [Placement].
type Labels map[string]string

// String returns the labels in the order of their names, such as "gpu, region=eu".
func (l Labels) String() string {
	list := make([]string, 0, len(l))
	for _, name := range slices.Sorted(maps.Keys(l)) {
		if value := l[name]; value != "" {
			name += "=" + value
		}
		list = append(list, name)
	}
	return strings.Join(list, ", ")
}

// has reports whether the labels include one. A value of "" stands for any.
func (l Labels) has(name, value string) bool {
	got, ok := l[name]
	return ok && (value == "" || got == value)
}

// Placement says what kind of server a meeting needs. It is part of
// [CreateParams], and does nothing to a meeting that exists already. It stays here:
// no server is told.
type Placement struct {
	// Size is how many people are expected. That many seats are held for the
	// meeting, fewer and fewer over half an hour, while they arrive. 0 says that
	// nobody knows: the meeting then counts as one of 20 once it is placed, or of
	// [CreateParams.MaxParticipants] if that is less, and is placed where there is
	// room for a large one.
	Size int `json:"size,omitempty"`
	// Require names labels that the server must have. Here and below, an empty
	// value stands for any value of that label.
	Require Labels `json:"require,omitempty"`
	// Prefer names labels that count in favour of a server: the factor of one that
	// lacks a label is 0.25. With [CheckLoad] it is chosen if the others have four
	// times its load, the room for the meeting (120 seats if nobody knows) counted on
	// both sides.
	Prefer Labels `json:"prefer,omitempty"`
	// Avoid names labels that count against a server: the factor of one that has a
	// label is 0.05, so that it is chosen when the others can hardly go on.
	Avoid Labels `json:"avoid,omitempty"`
}

// Criteria are what a decision depends on besides the servers: what a [Checker]
// gets.
type Criteria struct {
	Placement
	// Params are those of the create, or nil when there is none.
	Params *CreateParams `json:"-"`

	fleet   *fleet
	of      *Server // whose load this is:
	load    *Load
	explain bool // the reasons will be read
}

// size returns the seats to hold for the meeting, 0 for the usual.
func (c *Criteria) size() int {
	if c.Size == 0 && c.Params != nil && c.Params.MaxParticipants != nil {
		if most := *c.Params.MaxParticipants; most > 0 && most < expectedSize {
			return most
		}
	}
	return max(c.Size, 0)
}
