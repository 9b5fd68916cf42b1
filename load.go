package bbb

import (
	"math"
	"time"
)

// Load is what the meetings of one server take, as far as the group knows.
type Load struct {
	// Meetings is the number of meetings, those included whose create is under way.
	Meetings int `json:"meetings"`
	// People is the number of people in them when the server last told, and of the
	// joins issued since.
	People int `json:"people"`
	// Reserved is the number of seats that are held beyond People: each meeting holds
	// 20, or its [Placement.Size], fewer and fewer over the 30 minutes after its
	// create. Breakout rooms hold none. With People it is what [WithCapacity] limits.
	Reserved float64 `json:"reserved"`
	// Expected is the number of people that the meetings are expected to have: what
	// is held for those that nobody has come to or of which the size was told, and for
	// the others what those who have come, and since when, tell of those who will: at
	// least People.
	Expected float64 `json:"expected"`
	// Time is when the server was asked for the list of meetings that this rests
	// on; zero when it never was.
	Time time.Time `json:"time,omitzero"`
}

// Seats returns the one number that placement goes by: the people expected, and 5
// more for each meeting.
func (l Load) Seats() float64 { return l.Expected + meetingSeats*float64(l.Meetings) }

// Load returns what the meetings of the server take, as far as the group knows. The
// server is not asked: what it said last counts ([Server.Refresh], [Group.Run]),
// and what the group itself, or others that share its [Cache], did since.
func (s *Server) Load() Load { return s.ledger.load(s.group.now()) }

// MachineLoad is how busy the machine of a server is, all its work counted. Zero
// in a field is idle, which counts like not known.
type MachineLoad struct {
	// CPU is the busy part of all CPUs, from 0 to 1.
	CPU float64 `json:"cpu"`
	// RunQueue is the number of tasks that run or wait for a CPU, for each CPU.
	RunQueue float64 `json:"runQueue"`
	// Memory is the used part of the memory, caches not counted, from 0 to 1.
	Memory float64 `json:"memory"`
	// Time is when that was so. Zero is now.
	Time time.Time `json:"time,omitzero"`
}

// SetMachineLoad tells the group how busy the machine of the server is, for
// programs that know it from their monitoring. [CheckMachine] makes use of it for
// ten minutes. What is older than what is known already is ignored, and so is a
// field that is not a number or below 0. What [Server.SysStat] reads counts as told
// when it was read, in place of all that was known, so there is no need to do so for
// servers with [WithSSH].
func (s *Server) SetMachineLoad(l MachineLoad) {
	if now := s.group.now(); l.Time.IsZero() || l.Time.After(now) {
		l.Time = now
	}
	s.tellMachineLoad(l, l.Time)
}

// toldLoad is what was told of a machine.
type toldLoad struct {
	MachineLoad
	at time.Time // of two, the later one counts
}

// tellMachineLoad is SetMachineLoad for what counts as told at that time.
func (s *Server) tellMachineLoad(l MachineLoad, at time.Time) {
	now := s.group.now()
	if l.Time.After(now) {
		l.Time = now
	}
	for _, field := range []*float64{&l.CPU, &l.RunQueue, &l.Memory} {
		if !(*field > 0) || math.IsInf(*field, 0) { // written so that NaN is refused
			*field = 0
		}
	}
	told := &toldLoad{MachineLoad: l, at: at}
	for {
		known := s.machine.load.Load()
		if known != nil && outdated(at, known.at, now) || s.machine.load.CompareAndSwap(known, told) {
			return
		}
	}
}

// outdated reports whether what is of that time is older than what is known. What is
// known from the future is from before the clock was set back, and older than all.
func outdated(at, known, now time.Time) bool { return at.Before(known) && !known.After(now) }

// MachineLoad returns what was last told of the machine, or read from it, and whether
// anything was. It may be of any age.
func (s *Server) MachineLoad() (MachineLoad, bool) {
	if l := s.machine.load.Load(); l != nil {
		return l.MachineLoad, true
	}
	return MachineLoad{}, false
}

// freshTime is how long what was told of a server counts in full, and oldTime when
// it counts for nothing. In between it fades.
const (
	freshTime = 2 * time.Minute
	oldTime   = 10 * time.Minute
)

// trust returns from 1 to 0 how far data of that age counts.
func trust(age time.Duration) float64 {
	switch {
	case age <= freshTime:
		return 1
	case age >= oldTime:
		return 0
	}
	return float64(oldTime-age) / float64(oldTime-freshTime)
}
