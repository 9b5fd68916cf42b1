package bbb

import (
	"maps"
	"slices"
	"strings"
)

// WithCheckers sets the checkers that rank servers for new meetings, overriding the
// default of [DefaultCheckers]. These are then not used unless they are named:
//
//	bbb.WithCheckers(bbb.CheckState, bbb.CheckLoad, mine)
//
// Without CheckState, meetings are put on servers that fail and on those that are
// draining; only those that are disabled never get one.
func WithCheckers(checkers ...Checker) GroupOption {
	return groupOption(func(c *groupConfig) {
		if slices.ContainsFunc(checkers, isNilChecker) {
			c.problem("WithCheckers: nil checker")
			return
		}
		c.checkers = slices.Clone(checkers)
	})
}

// WithExtraCheckers adds checkers to those that rank servers for new meetings,
// which are the default ones or those of a [WithCheckers] before it.
func WithExtraCheckers(checkers ...Checker) GroupOption {
	return groupOption(func(c *groupConfig) {
		if slices.ContainsFunc(checkers, isNilChecker) {
			c.problem("WithExtraCheckers: nil checker")
			return
		}
		c.checkers = append(slices.Clip(c.checkers), checkers...)
	})
}

func isNilChecker(check Checker) bool { return check == nil }

// WithSelection sets how a server is chosen among those that were ranked,
// overriding the default of [Best]. See [Choices].
func WithSelection(s Selection) GroupOption {
	return groupOption(func(c *groupConfig) {
		if s == nil {
			c.problem("WithSelection: nil Selection")
			return
		}
		c.selection = s
	})
}

// WithLabels adds labels to the server, overriding the default of none. A meeting
// can ask for them, or against them; see [Placement]. Given to a group, they are on
// all its servers.
func WithLabels(labels Labels) Option {
	return both(func(c *serverConfig) {
		all := make(Labels, len(c.labels)+len(labels))
		maps.Copy(all, c.labels)
		for name, value := range labels {
			if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name+value, isControl) {
				c.problem("WithLabels: the label %q is empty or has blanks around it or control characters", name)
			}
			all[name] = value
		}
		c.labels = all
	})
}

// WithCapacity sets how many meetings the server may have, and how many people and
// reserved seats there may be in them, before it gets no new one, overriding the default of no
// limit. 0 is no limit. Meetings that are there grow beyond it: nobody is turned
// away by this.
func WithCapacity(meetings, people int) Option {
	return both(func(c *serverConfig) {
		if meetings < 0 || people < 0 {
			c.problem("WithCapacity: %d and %d, need 0 or more", meetings, people)
		}
		c.maxMeetings, c.maxPeople = meetings, people
	})
}
