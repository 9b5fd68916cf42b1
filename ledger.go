package bbb

import (
	"sync"
	"sync/atomic"
	"time"
)

// ledger is what the meetings of one server are expected to take: a seat, in the
// sense of seat.go, for each. It is fed by everything that is learned of them: lists,
// answers about one, creates and joins made here, and what other processes tell of
// theirs.
//
// Writing costs the same however many meetings there are, because every join URL
// writes. Reading sums up what was written since the last time, and takes no lock
// that it would have to wait for.
type ledger struct {
	mu    sync.Mutex // protects the fields below
	seats map[string]*seat
	asked time.Time // for the list it rests on; zero when there was none

	taken uint64 // how often seats were taken for new meetings

	last  atomic.Pointer[seating]
	dirty atomic.Bool // last is not all there is
}

// seating is the sum of a ledger at one time. It never changes.
type seating struct {
	asked    time.Time
	meetings int
	people   int     // in all, issued joins included
	more     float64 // people that are expected besides
	held     []heldSeats
	limits   []heldSeats // held as far as limits go
	until    time.Time   // when the first meeting is forgotten
	taken    uint64
}

var noSeats = &seating{}

// load sums up what is taken.
func (st *seating) load(now time.Time) Load {
	at := now.UnixNano()
	held, limits := heldSum(st.held, at), heldSum(st.limits, at)
	return Load{
		Meetings: st.meetings, People: st.people, Reserved: held + limits,
		Expected: float64(st.people) + held + st.more, Time: st.asked,
	}
}

func heldSum(list []heldSeats, at int64) (sum float64) {
	for i := range list {
		sum += list[i].at(at)
	}
	return sum
}

// seating returns the sum. When somebody is just writing, it may be the one from
// before that.
func (l *ledger) seating(now time.Time) *seating {
	st := l.last.Load()
	if st == nil {
		st = noSeats
	}
	if !l.dirty.Load() && (st.until.IsZero() || now.Before(st.until)) || !l.mu.TryLock() {
		return st
	}
	defer l.mu.Unlock()
	l.dirty.Store(false)
	st = &seating{asked: l.asked, taken: l.taken}
	for id, m := range l.seats {
		forget := m.newest().Add(forgetTime)
		if !m.open && !now.Before(forget) {
			delete(l.seats, id)
			continue
		}
		if st.until.IsZero() || forget.Before(st.until) {
			st.until = forget
		}
		more, held, guess := m.expected()
		st.meetings++
		st.people += m.people + m.joins
		st.more += more
		switch {
		case held.at(now.UnixNano()) == 0:
		case guess:
			st.limits = append(st.limits, held)
		default:
			st.held = append(st.held, held)
		}
	}
	l.last.Store(st)
	return st
}

func (l *ledger) load(now time.Time) Load { return l.seating(now).load(now) }

// write locks the ledger for a change. done ends it.
func (l *ledger) write() (done func()) {
	l.lock()
	return l.mu.Unlock
}

// lock is write without the garbage of done, for joins: there may be a thousand of them a second.
func (l *ledger) lock() {
	l.mu.Lock()
	l.dirty.Store(true)
	if l.seats == nil {
		l.seats = make(map[string]*seat)
	}
}

// reserve holds seats for a meeting that is about to be created. It fails when seats
// were taken that are not in the sum that was seen, so that of several creates at one
// time each sees what the others took; nil does not insist.
func (l *ledger) reserve(seen *seating, id string, size int, now time.Time) bool {
	defer l.write()()
	if seen != nil && seen.taken != l.taken {
		return false
	}
	l.taken++
	m := l.seats[id]
	if m == nil || m.listed { // that was another meeting: nobody has found it when looking for it
		m = &seat{created: now, sight: now, size: size}
		l.seats[id] = m
	}
	m.open = true
	return true
}

// release gives up what was reserved for a create that failed for certain. What
// others told of theirs stays.
func (l *ledger) release(id string) {
	defer l.write()()
	if m := l.seats[id]; m != nil && m.open {
		if m.open = false; !m.told && !m.listed {
			delete(l.seats, id)
		}
	}
}

// busy reports whether a create is under way that may put a meeting on the server.
func (l *ledger) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.seats {
		if m.open {
			return true
		}
	}
	return false
}

// settle says that the create has ended, and that lists asked for before until need
// not have the meeting: nobody knows whether it was created.
func (l *ledger) settle(id string, size int, until time.Time) {
	defer l.write()()
	m := l.seats[id]
	if m == nil {
		return
	}
	if m.open = false; until.After(m.until) {
		m.until = until
	}
	if m.size == 0 {
		m.size = size
	}
}

// told takes the reservation that another process made at that time. Lists asked for
// before until need not have the meeting.
func (l *ledger) told(id string, size int, at, until time.Time) {
	defer l.write()()
	m := l.seats[id]
	if m != nil && m.listed && at.After(m.sight) { // that one had ended by then
		m = nil
	}
	if m == nil {
		if l.asked.After(until) { // and so has this one
			return
		}
		l.taken++
		m = &seat{created: at, sight: at, until: until}
		l.seats[id] = m
	}
	if m.told = !m.listed; m.size == 0 {
		m.size = size
	}
}

// untold takes back what another process told, unless a list had it since.
func (l *ledger) untold(id string) {
	defer l.write()()
	if m := l.seats[id]; m != nil && m.told {
		if m.told = false; !m.open {
			delete(l.seats, id)
		}
	}
}

// joined counts joins that were issued for a meeting, and reports whether it is one
// that is known: of another one, nobody would take them back. People who joined
// before the meeting was last seen are among those who were seen.
func (l *ledger) joined(id string, n int, at time.Time) bool {
	l.lock()
	defer l.mu.Unlock()
	m := l.seats[id]
	if m == nil {
		return false
	}
	if !at.Before(m.sight) {
		m.joins = min(m.joins+min(n, maxSize), maxSize)
		m.joined = at
	}
	return true
}

// see takes the news of one meeting.
func (l *ledger) see(m *Meeting) {
	defer l.write()()
	if over(m) {
		l.dropLocked(m.ID)
		return
	}
	l.seats[m.ID] = l.seats[m.ID].news(m, m.FetchedAt, time.Time{})
}

// drop takes out a meeting that has ended.
func (l *ledger) drop(id string) {
	defer l.write()()
	l.dropLocked(id)
}

func (l *ledger) dropLocked(id string) {
	if m := l.seats[id]; m != nil && !m.open {
		delete(l.seats, id)
	}
}

// over reports whether a meeting was ended, although its server still lists it, as
// they do for a while.
func over(m *Meeting) bool { return m.HasBeenForciblyEnded }

// replace takes the whole list of the server, asked for at that time.
func (l *ledger) replace(asked time.Time, list []*Meeting) {
	defer l.write()()
	if asked.Before(l.asked) {
		return
	}
	old := l.seats
	l.seats = make(map[string]*seat, max(len(list), len(old)))
	for _, m := range list {
		if !over(m) && l.seats[m.ID] == nil { // some servers name one twice
			l.seats[m.ID] = old[m.ID].news(m, asked, l.asked)
		}
	}
	for id, m := range old {
		if l.seats[id] == nil && (m.open || asked.Before(m.until) || m.sight.After(asked)) {
			l.seats[id] = m
		}
	}
	l.asked = asked
}
