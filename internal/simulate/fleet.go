package simulate

import (
	"sync"
	"time"
)

// epoch is the beginning of the simulated time.
var epoch = time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)

// fleet is the state of the simulated servers: what is placed where, and what
// time it is. What people do follows from the workload.
type fleet struct {
	weights  []float64
	meetings []meeting
	heads    []string // by meeting, what every answer says of it

	mu     sync.RWMutex // protects the fields below: groups may ask in the background
	now    span
	placed [][]int // by server, the indexes of its meetings in the order of their creation
	server []int   // by meeting, its server; -1 before it is created
}

func newFleet(c Config, meetings []meeting) *fleet {
	f := &fleet{
		weights: c.weights(), meetings: meetings,
		placed: make([][]int, c.Servers), server: make([]int, len(meetings)),
	}
	for i := range meetings {
		f.server[i] = -1
		f.heads = append(f.heads, head(i, &meetings[i]))
	}
	return f
}

// clock is the time as groups are told it.
func (f *fleet) clock() time.Time { return epoch.Add(f.time()) }

func (f *fleet) time() span {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.now
}

// advance moves the clock, which never goes back.
func (f *fleet) advance(to span) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = max(f.now, to)
}

// place creates a meeting on a server, and reports whether it was created nowhere
// before.
func (f *fleet) place(meeting, server int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.server[meeting] >= 0 {
		return false
	}
	f.server[meeting] = server
	f.placed[server] = append(f.placed[server], meeting)
	return true
}

// serverOf returns the server of a meeting, or -1.
func (f *fleet) serverOf(meeting int) int {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.server[meeting]
}

// list returns the meetings that a server has at this time, and how many people
// are in each.
func (f *fleet) list(server int) (meetings, attendees []int) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, i := range f.placed[server] {
		if m := &f.meetings[i]; m.running(f.now) {
			meetings, attendees = append(meetings, i), append(attendees, m.attendees(f.now))
		}
	}
	return meetings, attendees
}

// turns reports whether, by the time at, the server got a meeting after the time
// last, and whether one that is there by then gets its first attendee after last,
// up to and with next.
func (f *fleet) turns(server int, last, at, next span) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, i := range f.placed[server] {
		m := &f.meetings[i]
		if last < m.created && m.created <= at || last < m.arrivals[0] && m.arrivals[0] <= next {
			return true
		}
	}
	return false
}

// attendees returns how many people are on a server at any time that is past.
func (f *fleet) attendees(server int, at span) (n int) {
	for _, i := range f.placed[server] {
		n += f.meetings[i].attendees(at)
	}
	return n
}
