package bbb

import (
	"math"
	"time"
)

// What a meeting takes of a server is counted in seats. Reports of who is there are
// old when they are needed: lessons start together, and their people come minutes
// after the create. So a meeting counts with the people it is expected to have:
//
//   - While nobody has come, it holds a reservation, of the size that was told or of
//     expectedSize, which shrinks to nothing over reservationTime.
//   - Once people come, what they tell counts more than the guess. People arrive
//     quickly at first, then slowly (arrivalTime is the mean), so from how many are
//     there and for how long follows how many are still to come, with the guess as
//     one observation beside the others. A meeting of which nobody has come is not
//     judged that way, since it may have been opened long before it begins.
//   - A size that was told is held for the whole time, whoever has come, and no more
//     is expected.
//   - Joins that were issued count as people until these are seen, or it has been
//     too long. They do not tell how many will come: a page may show the links of a
//     whole class at once.
//   - Breakout rooms count the people in them and hold nothing: they fill at once,
//     and from a meeting that counts already.
//
// Holding the plain reservation against the people seen, without the second rule,
// is what was planned first. In the simulation (examples/simulate) it leaves the
// worst server at 1.75 times the mean, and this at about 1.55.
const (
	expectedSize    = 20
	reservationTime = 30 * time.Minute
	arrivalTime     = 5 * time.Minute
	// largestExpected is how many people are expected at most before they are seen: a
	// class that comes at once is a class, not the beginning of a thousand.
	largestExpected = 200
	// meetingSeats is what a meeting takes besides its people.
	meetingSeats = 5
	// joinTime is how long after the last join those who did not show up are waited
	// for.
	joinTime = 30 * time.Second
	// forgetTime is how long a meeting without news counts, in a process that never
	// asks for lists.
	forgetTime = 4 * time.Hour
	// maxSize bounds what others say of a size.
	maxSize = 100_000
)

// seat is one meeting in a ledger. It is the ledger's own.
type seat struct {
	internalID string
	created    time.Time // by our clock, as well as it is known
	arrived    time.Time // when the first one came; zero while nobody was seen
	sight      time.Time // what the number of people is of
	joined     time.Time // the last join that was issued
	until      time.Time // a list asked for before that need not have it
	people     int       // at the last sight
	joins      int       // issued, and not seen since
	size       int       // told by whoever created it; 0 if nobody did
	breakout   bool
	open       bool // its create is under way here
	told       bool // by another process, and no server has shown it yet
	listed     bool // the server has shown it
}

// expected returns how many people are expected besides those who are there, and the
// seats that are held besides those of these people. They are expected as well, unless
// there is a guess: then they count for limits alone.
func (m *seat) expected() (more float64, held heldSeats, guess bool) {
	if m.breakout {
		return 0, heldSeats{}, false
	}
	there := float64(m.people + m.joins)
	size := float64(expectedSize)
	if m.size > 0 {
		size = float64(m.size)
	}
	held = holdSeats(size, there, m.created)
	if m.size > 0 || m.people == 0 {
		return 0, held, false
	}
	part := 1 - math.Exp(-max(m.sight.Sub(m.arrived), 0).Seconds()/arrivalTime.Seconds())
	seen := float64(m.people)
	all := min(seen+(1-part)*(1+seen)/(1/size+part), largestExpected)
	return max(all-there, 0), held, true
}

// newest returns when something was last heard of the meeting.
func (m *seat) newest() time.Time {
	if m.joined.After(m.sight) {
		return m.joined
	}
	return m.sight
}

// news returns the seat after a server said something of the meeting when it was
// asked at that time. m is nil when nothing was known. before is when the server was
// asked for the list before, if there was one, without the meeting if m is nil.
func (m *seat) news(from *Meeting, asked, before time.Time) *seat {
	if m != nil && asked.Before(m.sight) {
		return m
	}
	if m != nil && m.internalID != "" && from.InternalID != "" && m.internalID != from.InternalID {
		m = nil // the ID is in use again
	}
	if m == nil {
		// The create time is by the server's clock, which may be any. It was not there
		// at the last list, and is now.
		created := from.CreateTime
		if created.Before(before) {
			created = before
		}
		if created.After(asked) || created.IsZero() {
			created = asked
		}
		m = &seat{created: created, sight: created}
	}
	if from.ParticipantCount > 0 && m.arrived.IsZero() {
		// Some time since it was last seen empty.
		m.arrived = m.sight.Add(asked.Sub(m.sight) / 2)
	}
	if m.joins = max(m.joins-max(from.ParticipantCount-m.people, 0), 0); asked.Sub(m.joined) > joinTime {
		m.joins = 0
	}
	if m.people = from.ParticipantCount; m.people == 0 {
		m.arrived = time.Time{}
	}
	m.sight, m.until, m.told, m.listed = asked, time.Time{}, false, true
	m.internalID, m.breakout = from.InternalID, from.IsBreakout || from.ParentID != ""
	return m
}

// heldSeats are the seats that a meeting holds beyond those that count anyway: the
// more the longer it is until they all are given up.
type heldSeats struct {
	perSecond float64
	beyond    float64
	until     int64 // Unix nanoseconds
}

func holdSeats(size, beyond float64, from time.Time) heldSeats {
	return heldSeats{perSecond: size / reservationTime.Seconds(), beyond: beyond, until: from.Add(reservationTime).UnixNano()}
}

// at returns the seats held at a time in Unix nanoseconds.
func (h heldSeats) at(now int64) float64 {
	left := min(h.until-now, int64(reservationTime)) // the clock may have been set back
	return max(h.perSecond*float64(left)/1e9-h.beyond, 0)
}
