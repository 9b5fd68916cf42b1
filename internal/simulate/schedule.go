package simulate

import (
	"cmp"
	"slices"
	"time"
)

// An event is what a replica does at a time.
type event struct {
	at      span
	kind    eventKind
	needed  bool // a poll: the last one before a create
	replica int
	server  int // of a poll
	meeting int // of a create or a join
}

type eventKind uint8

// At the same instant a server tells how it is before a meeting is created, and
// a meeting is created before somebody joins.
const (
	poll eventKind = iota
	create
	join
)

// schedule returns the events of a seed in their order: all up to the last create.
func schedule(c Config, seed int, meetings []meeting) []event {
	r := draws(seed, scheduleStream)
	phases := make([]span, c.Replicas*c.Servers)
	for i := range phases {
		phases[i] = upTo(r, c.Refresh)
	}
	needed := make([]map[span]bool, len(phases)) // by replica and server, the polls before creates
	for i := range needed {
		needed[i] = make(map[span]bool)
	}
	begin, end := meetings[0].created, meetings[len(meetings)-1].created
	var list []event
	for i := range meetings {
		m := &meetings[i]
		e := event{at: m.created, kind: create, replica: r.IntN(c.Replicas), meeting: i}
		for s := range c.Servers {
			n := e.replica*c.Servers + s
			needed[n][lastPoll(phases[n], c.Refresh, e.at)] = true
		}
		list = append(list, e)
		for _, at := range m.arrivals {
			if e := (event{at: at, kind: join, replica: r.IntN(c.Replicas), meeting: i}); c.Joins && at < m.end && at <= end {
				list = append(list, e)
			}
		}
	}
	for n, phase := range phases {
		for at := lastPoll(phase, c.Refresh, begin); at <= end; at += c.Refresh {
			list = append(list, event{
				at: at, kind: poll, needed: needed[n][at], replica: n / c.Servers, server: n % c.Servers,
			})
		}
	}
	slices.SortFunc(list, func(a, b event) int {
		if order := cmp.Compare(a.at, b.at); order != 0 {
			return order
		}
		return cmp.Or(cmp.Compare(a.kind, b.kind), a.replica-b.replica, a.server-b.server, a.meeting-b.meeting)
	})
	return list
}

// lastPoll returns the time of the last poll up to a time.
func lastPoll(phase, every, at time.Duration) span {
	since := (at - phase) % every
	if since < 0 {
		since += every
	}
	return at - since
}
