package bbb

import (
	"math"
	"sync"
	"sync/atomic"
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
//     there and for how long follows how many are still to come: with the guess as
//     one observation beside the others. A meeting of which nobody has come is not
//     judged that way, since it may have been opened long before it begins.
//   - A size that was told is held for the whole time, whoever has come.
//   - Joins that were issued count as people until these are seen, or it has been
//     too long.
//   - Breakout rooms count the people in them and hold nothing: they fill at once,
//     and from a meeting that counts already.
//
// Holding the plain reservation against the people seen, without the second rule,
// is what was planned first. In the simulation (examples/simulate) it leaves the
// worst server at 1.75 times the mean, and this at 1.5.
const (
	expectedSize    = 20
	reservationTime = 30 * time.Minute
	arrivalTime     = 5 * time.Minute
	// meetingSeats is what a meeting takes besides its people.
	meetingSeats = 5
	// joinTime is how long after the last join those who did not show up are waited
	// for.
	joinTime = 30 * time.Second
	// forgetTime is how long a meeting without news counts, in a process that never
	// asks for lists.
	forgetTime = 4 * time.Hour
)

// seat is one meeting in a ledger.
type seat struct {
	id       string
	created  time.Time // by our clock, as well as it is known
	arrived  time.Time // when the first one came; zero while nobody has
	sight    time.Time // what the number of people is of
	joined   time.Time // the last join that was issued
	until    time.Time // a list asked for before that need not have it
	people   int       // at the last sight
	joins    int       // issued, and not seen since
	size     int       // told by whoever created it; 0 if nobody did
	breakout bool
	open     bool // its create is under way here
}

// expected returns the seats it will take, apart from what is held for a time, and
// what is held now.
func (m *seat) expected() (seats float64, held heldSeats) {
	people := float64(m.people + m.joins)
	if m.breakout {
		return people, heldSeats{}
	}
	size := float64(m.size)
	if m.size == 0 {
		size = expectedSize
	}
	if people == 0 {
		return 0, holdSeats(size, 0, m.created)
	}
	there := 1 - math.Exp(-max(m.newest().Sub(m.arrived), 0).Seconds()/arrivalTime.Seconds())
	seats = people + (1-there)*(1+people)/(1/size+there)
	if m.size > 0 {
		held = holdSeats(size, seats, m.created)
	}
	return seats, held
}

// newest returns what the number of people is of, joins included.
func (m *seat) newest() time.Time {
	if m.joins > 0 && m.joined.After(m.sight) {
		return m.joined
	}
	return m.sight
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

// seating is what a ledger holds at one time. It never changes, so that ranking
// reads it without a lock.
type seating struct {
	asked    time.Time // for the list it rests on; zero when there was none
	meetings []seat

	people   int         // in all, issued joins included
	expected float64     // seats of the meetings with people in them
	held     []heldSeats // of the others
}

func newSeating(asked time.Time, meetings []seat) *seating {
	st := &seating{asked: asked, meetings: meetings}
	for i := range meetings {
		seats, held := meetings[i].expected()
		st.people += meetings[i].people + meetings[i].joins
		st.expected += seats
		if held.perSecond > 0 {
			st.held = append(st.held, held)
		}
	}
	return st
}

// load sums up what is taken.
func (st *seating) load(now time.Time) Load {
	expected := st.expected
	at := now.UnixNano()
	for i := range st.held {
		expected += st.held[i].at(at)
	}
	return Load{Meetings: len(st.meetings), People: st.people, Expected: expected, Time: st.asked}
}

// find returns the place of a meeting, or -1.
func (st *seating) find(id string) int {
	for i := range st.meetings {
		if st.meetings[i].id == id {
			return i
		}
	}
	return -1
}

// ledger is what the meetings of one server are expected to take. It is fed by
// everything that is learned of them: lists, answers about one, creates and joins
// made here, and what other processes tell of theirs.
type ledger struct {
	mu  sync.Mutex // held by those who replace now
	now atomic.Pointer[seating]
}

var noSeats = &seating{}

func (l *ledger) seating() *seating {
	if st := l.now.Load(); st != nil {
		return st
	}
	return noSeats
}

// change replaces the seat of a meeting by what f makes of it: of a new one if there
// is none. f reports whether it is to be kept.
func (l *ledger) change(id string, f func(m *seat, isNew bool) (keep bool)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.changeLocked(id, f)
}

func (l *ledger) changeLocked(id string, f func(m *seat, isNew bool) (keep bool)) {
	old := l.seating()
	i := old.find(id)
	m := seat{id: id}
	if i >= 0 {
		m = old.meetings[i]
	}
	keep := f(&m, i < 0)
	if i < 0 && !keep {
		return
	}
	meetings := make([]seat, 0, len(old.meetings)+1)
	for j := range old.meetings {
		switch {
		case j != i:
			meetings = append(meetings, old.meetings[j])
		case keep:
			meetings = append(meetings, m)
		}
	}
	if i < 0 {
		meetings = append(meetings, m)
	}
	l.now.Store(newSeating(old.asked, meetings))
}

// reserve holds seats for a meeting that is about to be created. It fails when
// something else has changed since the ledger was as seen, so that of several
// creates at one time each sees what the others took; nil does not insist.
func (l *ledger) reserve(seen *seating, id string, size int, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seen != nil && seen != l.seating() {
		return false
	}
	l.changeLocked(id, func(m *seat, isNew bool) bool {
		m.open = true
		if isNew {
			m.created, m.sight, m.size = now, now, size
		}
		return true
	})
	return true
}

// release gives up what was reserved for a create that failed for certain.
func (l *ledger) release(id string) {
	l.change(id, func(m *seat, isNew bool) bool { return !isNew && !m.open })
}

// settle says that the create has ended and that lists asked for before until need
// not have the meeting: it was created just now, or nobody knows whether it was.
func (l *ledger) settle(id string, size int, until time.Time) {
	l.change(id, func(m *seat, isNew bool) bool {
		if m.open = false; until.After(m.until) {
			m.until = until
		}
		if m.size == 0 {
			m.size = size
		}
		return !isNew
	})
}

// told takes the reservation that another process made.
func (l *ledger) told(id string, size int, at, until time.Time) {
	l.change(id, func(m *seat, isNew bool) bool {
		if isNew {
			m.created, m.sight, m.until = at, at, until
		}
		if m.size == 0 {
			m.size = size
		}
		return true
	})
}

// untold takes back what another process told, unless a list had it since.
func (l *ledger) untold(id string) {
	l.change(id, func(m *seat, isNew bool) bool { return !isNew && (m.open || m.until.IsZero()) })
}

// joined counts joins that were issued for a meeting.
func (l *ledger) joined(id string, n int, now time.Time) {
	l.change(id, func(m *seat, isNew bool) bool {
		m.joins += n
		m.joined = now
		if m.arrived.IsZero() {
			m.arrived = now
		}
		return !isNew // of one that nobody knows, nobody would take them back
	})
}

// see takes the news of one meeting.
func (l *ledger) see(m *Meeting) {
	l.change(m.ID, func(known *seat, isNew bool) bool {
		known.news(m, m.FetchedAt, time.Time{}, isNew)
		return true
	})
}

func (l *ledger) drop(id string) {
	l.change(id, func(m *seat, isNew bool) bool { return !isNew && m.open })
}

// replace takes the whole list of the server, asked for at that time.
func (l *ledger) replace(asked time.Time, list []*Meeting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.seating()
	if asked.Before(old.asked) {
		return
	}
	meetings := make([]seat, 0, max(len(list), len(old.meetings)))
	kept := make([]bool, len(old.meetings))
	var places map[string]int // made when the order of the list has changed
	for n, m := range list {
		if m == nil {
			continue
		}
		i := n
		if i >= len(old.meetings) || old.meetings[i].id != m.ID {
			if places == nil {
				places = make(map[string]int, len(old.meetings))
				for j := range old.meetings {
					places[old.meetings[j].id] = j
				}
			}
			var there bool
			if i, there = places[m.ID]; !there {
				i = -1
			}
		}
		known := seat{id: m.ID}
		if i >= 0 {
			if kept[i] {
				continue // named twice
			}
			known, kept[i] = old.meetings[i], true
		}
		known.news(m, asked, old.asked, i < 0)
		meetings = append(meetings, known)
	}
	for i := range old.meetings {
		m := &old.meetings[i]
		if !kept[i] && (m.open || !asked.After(m.until) || m.sight.After(asked)) {
			meetings = append(meetings, *m)
		}
	}
	l.now.Store(newSeating(asked, meetings))
}

// tidy drops what nobody has heard of for long.
func (l *ledger) tidy(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.seating()
	var meetings []seat
	for i := range old.meetings {
		if m := &old.meetings[i]; m.open || now.Sub(m.newest()) <= forgetTime {
			meetings = append(meetings, *m)
		}
	}
	if len(meetings) < len(old.meetings) {
		l.now.Store(newSeating(old.asked, meetings))
	}
}

// news takes what a server said of a meeting when it was asked at that time. before
// is when it was asked for the list before, if a list without the meeting is known.
func (m *seat) news(from *Meeting, asked, before time.Time, isNew bool) {
	if !isNew && asked.Before(m.sight) {
		return
	}
	if isNew {
		// The create time is by the server's clock, which may be any. It was not there
		// at the last list, and is now.
		m.created = from.CreateTime
		if m.created.Before(before) {
			m.created = before
		}
		if m.created.After(asked) || m.created.IsZero() {
			m.created = asked
		}
		m.sight = m.created
	}
	if from.ParticipantCount > 0 && m.arrived.IsZero() {
		// Some time since it was last seen empty.
		m.arrived = m.sight.Add(asked.Sub(m.sight) / 2)
	}
	if m.joins = max(m.joins-max(from.ParticipantCount-m.people, 0), 0); asked.Sub(m.joined) > joinTime {
		m.joins = 0
	}
	if m.people = from.ParticipantCount; m.people+m.joins == 0 {
		m.arrived = time.Time{}
	}
	m.sight, m.until = asked, time.Time{}
	m.breakout = from.IsBreakout || from.ParentID != ""
}
