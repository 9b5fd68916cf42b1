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

// moment is a time as a ledger keeps it: a third as large as a time.Time. 0 is none, and
// before all others.
type moment int64

// calendar turns times into moments. They count from a century before the first time that it
// is asked about, and like times they keep to the clock that nobody can set, where it
// was read.
type calendar struct{ begin time.Time }

const century = 100 * 365 * 24 * time.Hour

func (c *calendar) moment(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	if c.begin.IsZero() {
		c.begin = t.Add(-century)
	}
	return max(moment(t.Sub(c.begin)), 1)
}

func (c *calendar) time(m moment) time.Time { return c.begin.Add(time.Duration(m)) }

// sub returns how long m is after another moment.
func (m moment) sub(before moment) time.Duration { return time.Duration(m - before) }

// seat is one meeting in a ledger. There is one for each meeting of the group, so it is
// small, and has the texts of the newest answer, which others keep alive anyway.
type seat struct {
	id         string // empty in a seat that is free
	internalID string
	created    moment // by our clock, as well as it is known
	arrived    moment // when the first one came; 0 while nobody was seen
	sight      moment // what the number of people is of
	joined     moment // the last join that was issued
	until      moment // a list asked for before that need not have it
	people     int32  // at the last sight
	joins      int32  // issued, and not seen since
	size       int32  // told by whoever created it; 0 if nobody did
	breakout   bool
	open       bool // its create is under way here
	told       bool // by another process, and no server has shown it yet
	listed     bool // the server has shown it
}

// heads returns a number of people as a seat keeps it.
func heads(n int) int32 { return int32(min(max(n, 0), maxSize)) }

// expected returns how many people are expected besides those who are there, and the
// seats that are held besides those of these people. They are expected as well, unless
// there is a guess: then they count for limits alone.
func (m *seat) expected(c *calendar) (more float64, held heldSeats, guess bool) {
	if m.breakout {
		return 0, heldSeats{}, false
	}
	there := float64(m.people + m.joins)
	size := float64(expectedSize)
	if m.size > 0 {
		size = float64(m.size)
	}
	held = holdSeats(size, there, c.time(m.created))
	if m.size > 0 || m.people == 0 {
		return 0, held, false
	}
	part := 1 - math.Exp(-max(m.sight.sub(m.arrived), 0).Seconds()/arrivalTime.Seconds())
	seen := float64(m.people)
	all := min(seen+(1-part)*(1+seen)/(1/size+part), largestExpected)
	return max(all-there, 0), held, true
}

// newest returns when something was last heard of the meeting.
func (m *seat) newest() moment { return max(m.joined, m.sight) }

// news takes what a server said of the meeting when it was asked at that time. The seat is
// free when nothing was known. before is when the server was asked for the list before, if
// there was one, without the meeting if the seat is free.
func (m *seat) news(c *calendar, from *Meeting, asked, before time.Time) {
	now := c.moment(asked)
	if m.id != "" && now < m.sight {
		return
	}
	if m.id == "" || m.internalID != "" && from.InternalID != "" && m.internalID != from.InternalID { // the ID is in use again
		// The create time is by the server's clock, which may be any. It was not there
		// at the last list, and is now.
		created := from.CreateTime
		if created.Before(before) {
			created = before
		}
		if created.After(asked) || created.IsZero() {
			created = asked
		}
		*m = seat{created: c.moment(created), sight: c.moment(created)}
	}
	people := heads(from.ParticipantCount)
	if people > 0 && m.arrived == 0 {
		// Some time since it was last seen empty.
		m.arrived = m.sight + (now-m.sight)/2
	}
	if m.joins = max(m.joins-max(people-m.people, 0), 0); now.sub(m.joined) > joinTime {
		m.joins = 0
	}
	if m.people = people; people == 0 {
		m.arrived = 0
	}
	m.sight, m.until, m.told, m.listed = now, 0, false, true
	m.id, m.internalID, m.breakout = from.ID, from.InternalID, from.IsBreakout || from.ParentID != ""
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
