package bbb

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// opRun is what errors call Run: it is no call of the API.
const opRun = "run"

// goldenRatio is the smaller one. The parts of its multiples behind the point fill an
// interval evenly, however many there are.
const goldenRatio = math.Phi - 1

// lookEvery is how often a Run looks for servers that were added or enabled.
const lookEvery = time.Second

// Run keeps what is known of the servers up to date until ctx ends: it asks every
// server that is not disabled for its meetings ([Server.Meetings]) once per interval,
// so that [Group.CachedMeetings] is never much older, and a server that fails or comes
// back is noticed without a user's call. Without it, the calls themselves are all
// that [Server.State] is judged by.
//
// While it is under way, CachedMeetings of the group, its scopes and its servers goes
// back two intervals and the time-out of a request ([WithTimeout]), if that is longer
// than the cache time ([WithCacheTime]): the meetings of a server that is well do not
// drop out because its next turn has not come.
//
// Each server has its own place in the interval, with a little jitter, so that the
// requests are spread evenly and several processes do not fall into step. The
// first round takes one interval; call [Group.Refresh] before, to know everything
// at once. A server that is added or enabled meanwhile is asked within about two
// seconds, one that is removed or disabled no more. Servers that are offline are
// asked like the others: that is how they come back. A server that is slow has one
// request at a time, and misses its turn while that is under way. There are
// at most as many requests as the group has workers ([WithWorkers]), and at most a
// quarter of them, or one, are for servers that are not well: not online, or failing
// at their last check. So many servers that hang wait for each other and miss
// turns, while those that are well do not wait for them.
//
// Once per interval what is known of all servers is merged. A meeting that is on
// two servers is reported ([Observer]) once both have said so again, which takes up
// to three intervals, and longer when one of them is slow.
//
// The machines of servers with [WithSSH] are read as well ([Server.SysStat]), each
// once per interval but not more often than every 30 seconds, and at most 32 of them
// at a time, or as many as the group has workers. That goes on beside the requests:
// an ssh that hangs keeps neither meetings nor workers waiting. A machine that cannot
// be read is left alone for longer each time, up to five minutes, and one on which
// sadf does not end for five. Of several processes that share a [Cache] one reads a
// machine, and the others take over its report. The first round takes 30 seconds.
//
// Run blocks. It returns an *[Error] with the call "run": that of ctx when it ends,
// [ErrClosed] when the group is closed, [ErrInvalidParams] for an interval that is
// not over 0, and an error when another Run of the group is under way. Its requests
// have ended when it returns. The failures of servers are no errors of Run; an
// [Observer] and the log are told. Interval and jitter are real time, also with
// [WithClock].
func (g *Group) Run(ctx context.Context, interval time.Duration) error {
	switch {
	case interval <= 0:
		return &Error{Call: opRun, Err: fmt.Errorf("%w: an interval of %v", ErrInvalidParams, interval)}
	case g.gate.isClosed():
		return &Error{Call: opRun, Err: ErrClosed}
	case !g.running.CompareAndSwap(false, true):
		return &Error{Call: opRun, Err: errors.New("another Run of the group is under way")}
	}
	defer g.running.Store(false)
	g.interval.Store(int64(interval))
	defer g.interval.Store(0)
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(g.background, cancel)() //nolint:contextcheck // the group ends it besides the caller

	r := &rounds{
		group: g, interval: interval, start: time.Now(),
		turns:   make(map[*Server]*turn),
		workers: make(chan struct{}, g.workers), unwell: make(chan struct{}, max(g.workers/4, 1)),
		machines: newMachineRounds(g, interval),
	}
	r.run(asking)
	r.asked.Wait()
	r.machines.rounds.Wait()
	if ctx.Err() != nil {
		return &Error{Call: opRun, Err: ended(ctx)}
	}
	return &Error{Call: opRun, Err: ErrClosed}
}

// rounds is the work of one Run. Its fields belong to the goroutine of Run.
type rounds struct {
	group    *Group
	interval time.Duration
	start    time.Time
	looked   bool // for the first time
	given    int  // places in the interval
	turns    map[*Server]*turn
	queue    turnQueue
	twice    map[string]sighting // IDs seen on two servers
	workers  chan struct{}       // holds one value for each request under way
	unwell   chan struct{}       // the same for those to servers that are not well
	asked    sync.WaitGroup      // those requests, and those that wait for a worker
	machines *machineRounds
}

// turn is when a server is asked next.
type turn struct {
	server *Server
	place  time.Time    // in the interval of this turn
	due    time.Time    // the place, and some jitter
	busy   atomic.Bool  // it is being asked, or waits for a worker
	asked  atomic.Int64 // Unix nanoseconds of the last question that was answered
	heard  atomic.Int64 // the same of that answer
}

// sighting is when a meeting was first seen on these two servers.
type sighting struct {
	one, other *Server // in the order of the group
	at         time.Time
}

func (r *rounds) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	look, merge := r.start, r.start.Add(r.interval)
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if now := time.Now(); !now.Before(look) {
			r.look(now)
			r.machines.look(ctx, r.group.serving())
			look = now.Add(min(lookEvery, r.interval))
		}
		for len(r.queue) > 0 && !r.queue[0].due.After(time.Now()) {
			r.next(ctx)
		}
		if now := time.Now(); !now.Before(merge) {
			r.merge(ctx, now)
			merge = now.Add(r.interval)
		}
		wake := look
		if merge.Before(wake) {
			wake = merge
		}
		if len(r.queue) > 0 && r.queue[0].due.Before(wake) {
			wake = r.queue[0].due
		}
		timer.Reset(time.Until(wake))
	}
}

// look gives a turn to each server that has none, and takes it from those that the
// group does without.
func (r *rounds) look(now time.Time) {
	var added []*turn
	for _, s := range r.group.serving() {
		if r.turns[s] == nil {
			_, part := math.Modf(float64(r.given) * goldenRatio)
			t := &turn{server: s, place: r.start.Add(time.Duration(part * float64(r.interval)))}
			r.given++
			r.turns[s] = t
			added = append(added, t)
		}
	}
	for s := range r.turns {
		if s.absent() {
			delete(r.turns, s)
		}
	}
	for i, t := range added {
		if t.due = t.place; r.looked {
			// Soon, but not all at once. The turn after that is in its place.
			t.due = now.Add(min(lookEvery, r.interval) * time.Duration(i) / time.Duration(len(added)))
			t.place = r.placeAfter(t, t.due.Add(-r.interval/2))
		}
		heap.Push(&r.queue, t)
	}
	r.looked = true
}

// placeAfter returns the first place of a turn after the given time.
func (r *rounds) placeAfter(t *turn, at time.Time) time.Time {
	if ahead := at.Sub(t.place); ahead >= 0 {
		return at.Add(r.interval - ahead%r.interval)
	}
	return t.place
}

// next has the server asked whose turn it is. It waits for nothing: while all workers
// are taken, servers are still looked for and meetings merged.
func (r *rounds) next(ctx context.Context) {
	t := r.queue[0]
	if r.turns[t.server] != t || t.server.absent() {
		heap.Pop(&r.queue)
		if r.turns[t.server] == t {
			delete(r.turns, t.server)
		}
		return
	}
	if t.busy.CompareAndSwap(false, true) {
		r.asked.Go(func() {
			defer t.busy.Store(false)
			r.ask(ctx, t)
		})
	}
	// Turns that were missed are not made up for.
	after := time.Now()
	if t.place.After(after) {
		after = t.place
	}
	t.place = r.placeAfter(t, after)
	t.due = t.place.Add(rand.N(r.interval/20 + 1)) //nolint:gosec // spreads questions, hides nothing
	heap.Fix(&r.queue, 0)
}

// ask asks a server as soon as there is a worker for it. Those that wait are served in
// the order in which they came.
func (r *rounds) ask(ctx context.Context, t *turn) {
	if !t.server.well() {
		if !take(ctx, r.unwell) {
			return
		}
		defer func() { <-r.unwell }()
	}
	if !take(ctx, r.workers) {
		return
	}
	defer func() { <-r.workers }()
	if t.server.absent() { // by now
		return
	}
	at := time.Now()
	if _, err := t.server.Meetings(ctx); err == nil {
		t.asked.Store(at.UnixNano())
		t.heard.Store(time.Now().UnixNano())
	}
}

// take waits for room in a channel, and reports false when ctx ended before that.
func take(ctx context.Context, room chan<- struct{}) bool {
	select {
	case room <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// merge reports meetings that are on two servers, by what the servers said last.
func (r *rounds) merge(ctx context.Context, now time.Time) {
	servers := r.group.serving()
	results := make(Results[[]*Meeting], len(servers))
	for i, s := range servers {
		results[i].Server = s
		if now.Sub(r.heardAt(s)) > s.roundTime(r.interval) {
			results[i].Err = ErrOffline // nothing new of it
			continue
		}
		results[i].Value = s.meetings.since(nil, time.Time{})
	}
	r.leaveOut(results, now)
	r.group.merge(ctx, results)
	r.group.reservations.sync(ctx)
}

// freshTime is how long the meetings of the server count as present in CachedMeetings.
func (s *Server) freshTime() time.Duration {
	if interval := time.Duration(s.group.interval.Load()); interval > 0 {
		return max(s.cfg.cacheTime, s.roundTime(interval))
	}
	return s.cfg.cacheTime
}

// roundTime is how old the last answer of a server may be that is well: one that is
// slower than the interval misses turns.
func (s *Server) roundTime(interval time.Duration) time.Duration {
	return 2*interval + s.cfg.requestTimeout
}

// askedAt returns when the server was asked what it answered last.
func (r *rounds) askedAt(s *Server) time.Time {
	if t := r.turns[s]; t != nil && t.asked.Load() != 0 {
		return time.Unix(0, t.asked.Load())
	}
	return time.Time{}
}

// heardAt returns when the server answered last.
func (r *rounds) heardAt(s *Server) time.Time {
	if t := r.turns[s]; t != nil && t.heard.Load() != 0 {
		return time.Unix(0, t.heard.Load())
	}
	return time.Time{}
}

// leaveOut takes out the meetings that are on two servers if these were not both
// asked since that was first seen. They were asked at different times: a meeting
// may have ended on the one and begun on the other in between.
func (r *rounds) leaveOut(results Results[[]*Meeting], now time.Time) {
	on := make(map[string]*Server)
	twice, out := make(map[string]sighting), make(map[string]bool)
	for _, one := range results {
		for _, m := range one.Value {
			if over(m) { // it loses, but is no twin
				continue
			}
			before := on[m.ID]
			if on[m.ID] = m.server; before == nil {
				continue
			}
			seen := r.twice[m.ID]
			if seen.one != before || seen.other != m.server {
				seen = sighting{one: before, other: m.server, at: now}
			}
			twice[m.ID] = seen
			if !r.askedAt(seen.one).After(seen.at) || !r.askedAt(seen.other).After(seen.at) {
				out[m.ID] = !r.group.splits.has(m.ID)
			}
		}
	}
	r.twice = twice
	for i := range results {
		kept := results[i].Value[:0]
		for _, m := range results[i].Value {
			if !out[m.ID] {
				kept = append(kept, m)
			}
		}
		results[i].Value = kept
	}
}

func (s *splitSet) has(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.known[id]
	return ok
}

// turnQueue is a heap of turns, the next one first.
type turnQueue []*turn

func (q turnQueue) Len() int           { return len(q) }
func (q turnQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q turnQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push is called by the heap.
func (q *turnQueue) Push(t any) { *q = append(*q, t.(*turn)) }

// Pop is called by the heap.
func (q *turnQueue) Pop() any {
	last := len(*q) - 1
	t := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return t
}
