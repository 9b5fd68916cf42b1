package bbb

import (
	"math"
	"strconv"
	"time"
)

// DefaultCheckers returns the checkers of a group that was given none, in their
// order: [CheckState], [CheckLabels], [CheckCapacity], [CheckLoad], [CheckMachine],
// [CheckSlowStart] and [CheckFreshness].
func DefaultCheckers() []Checker {
	return []Checker{CheckState, CheckLabels, CheckCapacity, CheckLoad, CheckMachine, CheckSlowStart, CheckFreshness}
}

const (
	lacksPreferred = 0.25
	hasAvoided     = 0.05
)

// CheckLabels rules out a server that lacks a label that [Placement.Require] names.
// Each label of Prefer that it lacks makes the factor 0.25 times as large, and each
// of Avoid that it has 0.05 times.
func CheckLabels(s *Server, c Criteria) Factor {
	f := Factor{Checker: "labels", Value: 1}
	if len(c.Require)+len(c.Prefer)+len(c.Avoid) == 0 {
		return f
	}
	lacks, has := Labels{}, Labels{}
	for name, value := range c.Require {
		if !s.cfg.labels.has(name, value) {
			lacks[name] = value
		}
	}
	if len(lacks) > 0 {
		f.Value, f.Reason = 0, "lacks "+lacks.String()
		return f
	}
	for name, value := range c.Prefer {
		if !s.cfg.labels.has(name, value) {
			lacks[name] = value
			f.Value *= lacksPreferred
		}
	}
	for name, value := range c.Avoid {
		if s.cfg.labels.has(name, value) {
			has[name] = value
			f.Value *= hasAvoided
		}
	}
	switch {
	case len(lacks) > 0 && len(has) > 0:
		f.Reason = "lacks the preferred " + lacks.String() + ", has the avoided " + has.String()
	case len(lacks) > 0:
		f.Reason = "lacks the preferred " + lacks.String()
	case len(has) > 0:
		f.Reason = "has the avoided " + has.String()
	}
	return f
}

// CheckCapacity rules out a server that has as many meetings as [WithCapacity] allows,
// or as many people and seats that are reserved ([Load.Reserved]), the new meeting
// counted in with its size or, when that is not known, with one seat.
func CheckCapacity(s *Server, c Criteria) Factor {
	f := Factor{Checker: "capacity", Value: 1}
	if s.cfg.maxMeetings == 0 && s.cfg.maxPeople == 0 {
		return f
	}
	load := s.loadAt(&c)
	f.Age = c.age(s, load.Time)
	if most := s.cfg.maxMeetings; most > 0 && load.Meetings >= most {
		f.Value, f.Reason = 0, strconv.Itoa(load.Meetings)+" of "+strconv.Itoa(most)+" meetings"
		return f
	}
	if most, held := s.cfg.maxPeople, float64(load.People)+load.Reserved; most > 0 && held+float64(max(c.size(), 1)) > float64(most) {
		f.Value, f.Reason = 0, strconv.Itoa(int(math.Ceil(held)))+" of "+strconv.Itoa(most)+" seats held"
	}
	return f
}

// roomSeats is the room that a meeting of unknown size is placed by. Most take far
// less, but one that turns out large weighs most on a small server, so it is the
// room for a large one that is compared. In the simulation (examples/simulate) this
// brings the worst server from 1.60 times the mean to 1.52.
const (
	roomSeats = 120
	leastRoom = 20
)

// CheckLoad prefers the server that will have the most room for its weight once the
// meeting is there. What counts are the seats of [Load.Seats]: people, reservations,
// and 5 for each meeting. The factor is 1 for the heaviest server ([WithWeight]) when
// it has no meeting, and the smaller the more it has: half as large when the seats
// that it has are those that the meeting may need (its [Placement.Size], or 120 when
// nobody knows).
//
// Of a server that was not asked lately the load is unknown, which is not the same
// as none: it fades, from two minutes of age on to ten, into what the others have on
// average.
func CheckLoad(s *Server, c Criteria) Factor {
	load := s.loadAt(&c)
	f := Factor{Checker: "load", Age: c.age(s, load.Time)}
	weight, heaviest := s.cfg.weight, s.cfg.weight
	seats := load.Seats()
	known := true
	if fl := c.fleet; fl != nil {
		heaviest = max(heaviest, fl.maxWeight)
		if t := trust(fl.now.Sub(load.Time)); t < 1 && fl.known {
			known = t > 0
			seats = max(seats, t*seats+(1-t)*fl.usual*weight)
		}
	}
	room := float64(roomSeats)
	if size := c.size(); size > 0 {
		room = float64(max(size, leastRoom))
	}
	f.Value = weight / heaviest * room / (room + seats)
	if c.explain {
		f.Reason = counted(load.Meetings, "meeting") + ", " + strconv.Itoa(load.People) + " people, " +
			strconv.Itoa(int(load.Expected+0.5)) + " expected"
		if weight < heaviest {
			f.Reason += ", weight " + weightOf(weight, heaviest)
		}
		switch {
		case load.Time.IsZero():
			f.Reason += "; it was never asked"
		case !known:
			f.Reason += "; not asked for long, so taken for average"
		}
	}
	return f
}

// CheckMachine avoids busy machines, by the newest of what was read from them
// ([WithSSH], [Server.SysStat]) and told by [Server.SetMachineLoad]: CPUs that are busy
// for more than half, more than one task for each CPU, or memory that is used for more
// than four fifths. The worst of these counts, down to a factor of 0.1 for CPUs that
// are busy for 95 %, four tasks for each, or 98 % of the memory.
//
// What is known fades, from two minutes of age on to ten. Nothing known is no reason
// for or against a server.
func CheckMachine(s *Server, c Criteria) Factor {
	f := Factor{Checker: "machine", Value: 1}
	told := s.machine.load.Load()
	if told == nil {
		if c.explain && s.readsMachine() {
			f.Reason = "not known"
		}
		return f
	}
	f.Age = c.age(s, told.Time)
	for _, part := range [...]struct {
		name            string
		load, from, end float64
	}{
		{"CPU", told.CPU, 0.5, 0.95}, {"run queue", told.RunQueue, 1, 4}, {"memory", told.Memory, 0.8, 0.98},
	} {
		value := 1 - 0.9*min(max((part.load-part.from)/(part.end-part.from), 0), 1)
		if value < f.Value {
			f.Value = value
			if c.explain {
				f.Reason = part.name + " at " + strconv.FormatFloat(part.load, 'f', 2, 64)
			}
		}
	}
	t := trust(f.Age)
	if t < 1 {
		f.Value = 1 - (1-f.Value)*t
	}
	if age := f.Age.Round(time.Second); c.explain && age > 0 {
		switch {
		case t == 0:
			f.Reason = "not known for " + age.String()
		case f.Reason != "":
			if f.Reason += ", " + age.String() + " ago"; t < 1 {
				f.Reason += ", so it counts " + strconv.Itoa(int(100*t+0.5)) + " %"
			}
		}
	}
	return f
}

// slowStartTime is how long a server that was offline is spared, and slowStart is
// the factor it begins with.
const (
	slowStartTime = 5 * time.Minute
	slowStart     = 0.1
)

// CheckSlowStart lets a server that was offline come back slowly: the factor rises
// from 0.1 to 1 in the five minutes after it is online again. It has no meetings
// then, so it would get all new ones, and if it is not well they would all suffer.
func CheckSlowStart(s *Server, c Criteria) Factor {
	f := Factor{Checker: "slow start", Value: 1}
	back := s.Health().ReturnedAt
	if back.IsZero() {
		return f
	}
	since := max(c.now(s).Sub(back), 0)
	if since >= slowStartTime {
		return f
	}
	f.Value = slowStart + (1-slowStart)*since.Seconds()/slowStartTime.Seconds()
	if c.explain {
		f.Reason = "back for " + since.Round(time.Second).String()
	}
	return f
}

// unknownLoad is the factor of a server of which nothing is known.
const unknownLoad = 0.8

// CheckFreshness prefers, a little, servers of which the load is known over those
// that were not asked for long: the factor falls from 1, for what is not older than
// two minutes, to 0.8 for ten.
func CheckFreshness(s *Server, c Criteria) Factor {
	f := Factor{Checker: "freshness", Value: 1}
	at := s.loadAt(&c).Time
	f.Age = c.age(s, at)
	if t := trust(c.now(s).Sub(at)); t < 1 {
		if f.Value = unknownLoad + (1-unknownLoad)*t; c.explain {
			f.Reason = "its load is old"
			if at.IsZero() {
				f.Reason = "its load is unknown"
			}
		}
	}
	return f
}

// CheckWeight scales by the weight ([WithWeight]): 1 for the heaviest server of the
// group. It is not among the defaults, because [CheckLoad] counts with the weight;
// it is for groups that do without that.
func CheckWeight(s *Server, c Criteria) Factor {
	heaviest := s.cfg.weight
	if c.fleet != nil {
		heaviest = max(heaviest, c.fleet.maxWeight)
	}
	f := Factor{Checker: "weight", Value: s.cfg.weight / heaviest}
	if c.explain {
		f.Reason = weightOf(s.cfg.weight, heaviest)
	}
	return f
}

func weightOf(weight, heaviest float64) string {
	return strconv.FormatFloat(weight, 'g', 4, 64) + " of " + strconv.FormatFloat(heaviest, 'g', 4, 64)
}

// AtLeast returns a checker that gives what another one gives, but never less than
// least: with a least above 0, a checker that would rule a server out only makes it
// the last resort.
func AtLeast(least float64, check Checker) Checker {
	return func(s *Server, c Criteria) Factor {
		f := check(s, c)
		if !(f.Value >= least) { // written so that NaN is lifted as well
			f.Value = least
		}
		return f
	}
}

// counted returns a number of things, such as "1 meeting" or "2 meetings".
func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// now returns the time of the decision.
func (c *Criteria) now(s *Server) time.Time {
	if c.fleet != nil {
		return c.fleet.now
	}
	return s.group.now()
}

func (c *Criteria) age(s *Server, at time.Time) time.Duration {
	if at.IsZero() {
		return 0
	}
	return max(c.now(s).Sub(at), 0)
}

func (s *Server) loadAt(c *Criteria) Load {
	if c.of == s {
		return *c.load
	}
	return s.ledger.load(c.now(s))
}
