package bbb

import (
	"sync/atomic"
	"time"
)

// Stats are the figures of a group at one time, for metrics and status pages. They
// are plain data and hold no secret.
type Stats struct {
	Group   string        `json:"group"`
	Time    time.Time     `json:"time"`
	Servers []ServerStats `json:"servers"` // in the order of the group

	// Meetings, People, Reserved and Expected are the sums over the servers that are not
	// disabled; see [Load].
	Meetings int     `json:"meetings"`
	People   int     `json:"people"`
	Reserved float64 `json:"reserved"`
	Expected float64 `json:"expected"`

	Known     int    `json:"known"`               // meetings of which the server is known and not disabled
	Splits    int    `json:"splits"`              // of these, the ones that exist twice
	Placed    uint64 `json:"placed"`              // new meetings that the group has put on a server so far
	Refused   uint64 `json:"refused"`             // creates that a server refused, so that another one was tried
	Unknown   uint64 `json:"unknown"`             // creates that ended with ErrOutcomeUnknown
	UnderWay  int    `json:"underWay"`            // calls and other work of the group just now
	Suspected bool   `json:"suspected,omitempty"` // most servers fail; see [Health.Suspect]
}

// ServerStats are the figures of one server.
type ServerStats struct {
	Server   string       `json:"server"` // its name
	URL      string       `json:"url"`
	Weight   float64      `json:"weight"`
	Labels   Labels       `json:"labels,omitempty"`
	Health   Health       `json:"health"`
	Load     Load         `json:"load"`
	Machine  *MachineLoad `json:"machine,omitempty"` // nil when nothing is known of it; see its Time
	Calls    uint64       `json:"calls"`             // attempts of calls so far
	Failures uint64       `json:"failures"`          // of these, the ones that failed by a fault of the server or of the way to it
	UnderWay int          `json:"underWay"`          // calls to it just now
}

// groupCounts and serverCounts are what is counted as it happens.
type groupCounts struct{ placed, refused, unknown atomic.Uint64 }

type serverCounts struct {
	calls, failures atomic.Uint64
	underWay        atomic.Int64
}

// Stats returns the figures of the group. It asks nobody, and takes no lock that is
// held during I/O. Counters begin with the group.
func (g *Group) Stats() Stats {
	now := g.now()
	st := Stats{
		Group: g.name, Time: now, Servers: []ServerStats{},
		Known: g.places.count(), Splits: g.splits.count(),
		Placed: g.counts.placed.Load(), Refused: g.counts.refused.Load(), Unknown: g.counts.unknown.Load(),
		UnderWay: g.gate.count(), Suspected: g.doubt.on.Load(),
	}
	for _, s := range g.members.Load().list {
		one := ServerStats{
			Server: s.name, URL: s.base, Weight: s.cfg.weight, Labels: s.Labels(),
			Health: s.Health(), Load: s.ledger.load(now),
			Calls: s.counts.calls.Load(), Failures: s.counts.failures.Load(), UnderWay: int(s.counts.underWay.Load()),
		}
		if l, ok := s.MachineLoad(); ok {
			one.Machine = &l
		}
		if one.Health.Mode != ModeDisabled {
			st.Meetings += one.Load.Meetings
			st.People += one.Load.People
			st.Reserved += one.Load.Reserved
			st.Expected += one.Load.Expected
		}
		st.Servers = append(st.Servers, one)
	}
	return st
}
