package bbb

import (
	"slices"
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
	seats []seat     // in the order of the last list as far as it goes; some are free
	free  int        // how many are
	ids   idTable    // of seats
	clock calendar
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
	at, until := l.clock.moment(now), moment(0)
	for i := range l.seats {
		m := &l.seats[i]
		if m.id == "" {
			continue
		}
		forget := m.newest() + moment(forgetTime)
		if !m.open && at >= forget {
			l.vacate(m)
			continue
		}
		if until == 0 || forget < until {
			until = forget
		}
		more, held, guess := m.expected(&l.clock)
		st.meetings++
		st.people += int(m.people + m.joins)
		st.more += more
		switch {
		case held.at(now.UnixNano()) == 0:
		case guess:
			st.limits = append(st.limits, held)
		default:
			st.held = append(st.held, held)
		}
	}
	if until != 0 {
		st.until = l.clock.time(until)
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
}

func (l *ledger) places() int       { return len(l.seats) }
func (l *ledger) idAt(i int) string { return l.seats[i].id }

// seat returns the seat of a meeting, or nil. It is there until the next one is taken. The
// lock is held, here and in what follows.
func (l *ledger) seat(id string) *seat {
	if i, ok := l.ids.find(l, id); ok {
		return &l.seats[i]
	}
	return nil
}

// take takes a seat for a meeting that has none.
func (l *ledger) take(m seat) *seat {
	if l.free > 16 && l.free > len(l.seats)/2 {
		l.seats = slices.DeleteFunc(l.seats, func(m seat) bool { return m.id == "" })
		l.free = 0
		l.ids.build(l)
	}
	l.seats = append(l.seats, m)
	l.ids.added(l)
	return &l.seats[len(l.seats)-1]
}

func (l *ledger) vacate(m *seat) {
	*m = seat{}
	l.free++
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
	m, fresh := l.seat(id), seat{id: id, created: l.clock.moment(now), sight: l.clock.moment(now), size: heads(size)}
	switch {
	case m == nil:
		m = l.take(fresh)
	case m.listed: // that was another meeting: nobody has found it when looking for it
		*m = fresh
	}
	m.open = true
	return true
}

// release gives up what was reserved for a create that failed for certain. What
// others told of theirs stays.
func (l *ledger) release(id string) {
	defer l.write()()
	if m := l.seat(id); m != nil && m.open {
		if m.open = false; !m.told && !m.listed {
			l.vacate(m)
		}
	}
}

// busy reports whether a create is under way that may put a meeting on the server.
func (l *ledger) busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.seats, func(m seat) bool { return m.open })
}

// settle says that the create has ended, and that lists asked for before until need
// not have the meeting: nobody knows whether it was created.
func (l *ledger) settle(id string, size int, until time.Time) {
	defer l.write()()
	m := l.seat(id)
	if m == nil {
		return
	}
	m.open, m.until = false, max(m.until, l.clock.moment(until))
	if m.size == 0 {
		m.size = heads(size)
	}
}

// told takes the reservation that another process made at that time. Lists asked for
// before until need not have the meeting.
func (l *ledger) told(id string, size int, at, until time.Time) {
	defer l.write()()
	m := l.seat(id)
	if over := m != nil && m.listed && l.clock.moment(at) > m.sight; m == nil || over { // that one had ended by then
		if l.asked.After(until) { // and so has this one
			return
		}
		l.taken++
		fresh := seat{id: id, created: l.clock.moment(at), sight: l.clock.moment(at), until: l.clock.moment(until)}
		if m == nil {
			m = l.take(fresh)
		} else {
			*m = fresh
		}
	}
	if m.told = !m.listed; m.size == 0 {
		m.size = heads(size)
	}
}

// untold takes back what another process told, unless a list had it since.
func (l *ledger) untold(id string) {
	defer l.write()()
	if m := l.seat(id); m != nil && m.told {
		if m.told = false; !m.open {
			l.vacate(m)
		}
	}
}

// joined counts joins that were issued for a meeting, and reports whether it is one
// that is known: of another one, nobody would take them back. People who joined
// before the meeting was last seen are among those who were seen.
func (l *ledger) joined(id string, n int, at time.Time) bool {
	l.lock()
	defer l.mu.Unlock()
	m := l.seat(id)
	if m == nil {
		return false
	}
	if now := l.clock.moment(at); now >= m.sight {
		m.joins = heads(int(m.joins + heads(n)))
		m.joined = now
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
	if known := l.seat(m.ID); known != nil {
		known.news(&l.clock, m, m.FetchedAt, time.Time{})
		return
	}
	var fresh seat
	fresh.news(&l.clock, m, m.FetchedAt, time.Time{})
	l.take(fresh)
}

// drop takes out a meeting that has ended.
func (l *ledger) drop(id string) {
	defer l.write()()
	l.dropLocked(id)
}

func (l *ledger) dropLocked(id string) {
	if m := l.seat(id); m != nil && !m.open {
		l.vacate(m)
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
	if !l.renew(asked, list) {
		l.rebuild(asked, list)
	}
	l.asked = asked
}

// renew takes a list of the meetings that have seats, in their order, as nearly every list
// is, and reports whether it is one.
func (l *ledger) renew(asked time.Time, list []*Meeting) bool {
	if len(list) != len(l.seats) {
		return false
	}
	for i, m := range list {
		if over(m) || m.ID != l.seats[i].id {
			return false
		}
	}
	for i, m := range list {
		l.seats[i].news(&l.clock, m, asked, l.asked)
	}
	return true
}

// rebuild takes any list.
func (l *ledger) rebuild(asked time.Time, list []*Meeting) {
	old, at := ledger{seats: l.seats, ids: l.ids}, l.clock.moment(asked)
	l.seats, l.ids, l.free = make([]seat, 0, len(list)), idTable{}, 0
	for _, m := range list {
		if over(m) || m.ID == "" || l.seat(m.ID) != nil { // some servers name one twice
			continue
		}
		var next seat
		if known := old.seat(m.ID); known != nil {
			next = *known
			old.vacate(known)
		}
		next.news(&l.clock, m, asked, l.asked)
		l.take(next)
	}
	for i := range old.seats {
		if m := &old.seats[i]; m.id != "" && (m.open || at < m.until || m.sight > at) {
			l.take(*m)
		}
	}
}
