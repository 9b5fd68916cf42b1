package bbb_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Four processes that share a Cache create the same meetings at once, while servers
// refuse, hang, break off and die. This is the promise of the group: each meeting ends
// on exactly one living server, everybody gets that server or a clear error, nothing
// is created twice unless the first server was declared offline, and the twin that a
// dead server brings back is reported.
func TestFailoverStorm(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		callers := 1000
		if testing.Short() {
			callers = 200
		}
		st := &failoverStorm{callers: callers, rooms: 50, rounds: 4, pause: time.Second, strict: true}
		fakes := newFakes(t, 8)
		st.run(t, fakes, func(opts ...bbb.GroupOption) *bbb.Group { return newGroupOf(t, fakes, opts...) })
	})
}

// The same over sockets, smaller, because a server that hangs costs real time. When
// the machine is so slow that answers come too late, a living server may be declared
// offline as well.
func TestFailoverStormOnSockets(t *testing.T) {
	t.Parallel()
	fakes := make([]*bbbtest.Server, 8)
	for i := range fakes {
		fakes[i] = bbbtest.Start(t, bbbtest.WithName(fmt.Sprintf("bbb%d", i+1)), bbbtest.WithRequestFunc(suite.request))
		suite.secret("secret of a server", fakes[i].Secret())
	}
	st := &failoverStorm{callers: 160, rooms: 20, rounds: 4, pause: 20 * time.Millisecond}
	st.run(t, fakes, func(opts ...bbb.GroupOption) *bbb.Group {
		g := newEmptyGroup(t, append(opts, bbb.WithTimeout(10*time.Second, time.Second))...)
		for _, f := range fakes {
			addServer(t, g, f)
		}
		return g
	})
}

// failoverStorm is a storm and what was seen of it.
type failoverStorm struct {
	callers, rooms, rounds int
	pause                  time.Duration // at most, before a caller repeats what failed
	strict                 bool          // nothing but a killed server may be declared offline

	fakes     []*bbbtest.Server
	processes []*stormProcess
	killed    map[string]time.Time // server -> by when

	mu      sync.Mutex // protects the fields below
	answers []stormAnswer
	errs    map[string]int // class -> how often
}

// stormProcess is a group, and what an observer of it sees.
type stormProcess struct {
	name  string
	group *bbb.Group

	mu     sync.Mutex                  // protects the fields below
	failed map[string][]time.Time      // server -> when calls to it failed
	states map[string][]bbb.StateEvent // server -> what it became
	splits map[string][]bbb.SplitEvent // by meeting ID
}

// stormAnswer is a create that succeeded.
type stormAnswer struct {
	id, server string
	begun      time.Time
}

// room is the ID that a caller creates.
func (st *failoverStorm) room(n int) string { return fmt.Sprintf("room-%d", n%st.rooms) }

func (st *failoverStorm) run(t *testing.T, fakes []*bbbtest.Server, group func(...bbb.GroupOption) *bbb.Group) {
	st.fakes, st.killed, st.errs = fakes, make(map[string]time.Time), make(map[string]int)
	cache := bbb.NewMemoryCache()
	for i := range 4 {
		p := &stormProcess{
			name:   fmt.Sprintf("process-%d", i+1),
			failed: make(map[string][]time.Time), states: make(map[string][]bbb.StateEvent), splits: make(map[string][]bbb.SplitEvent),
		}
		p.group = group(bbb.WithCache(cache), bbb.WithOrigin(p.name, "portal.example.org"), bbb.WithObserver(observing(t, p.observer())))
		st.processes = append(st.processes, p)
	}
	for round := range st.rounds {
		st.round(t, round)
	}
	for _, p := range st.processes {
		for _, events := range p.splits { // a list from just before the death may meet one from just after
			e := events[0]
			assert.False(t, st.strict && st.killed[e.Kept].IsZero() && st.killed[e.Other].IsZero(), "nothing else exists twice: %v", e)
		}
	}
	assert.Positive(t, st.errs["outcome unknown"], "it was no storm: %v", st.errs)
	t.Log(st.errs)
	st.checkMeetings(t)
	st.checkAnswers(t)
	st.returnOfTheDead(t)
}

// round lets all callers create their room at once, until they succeed. Meanwhile
// each server that lives fails two requests, one less than makes it offline; that
// they were not in a row with those of the next round is seen to in between. In two
// rounds, a server dies halfway.
func (st *failoverStorm) round(t *testing.T, round int) {
	var heal []func()
	for i, f := range st.fakes {
		heal = append(heal, f.Inject(bbbtest.Fault{Latency: time.Duration(1+i) * time.Millisecond, Every: 3}))
		for range 2 {
			heal = append(heal, f.Inject(stormFaults[rand.IntN(len(stormFaults))]))
		}
	}
	var done atomic.Int64
	kill := sync.OnceFunc(func() {
		dying := st.busiest()
		switch round {
		case 0:
			dying.SetDown(true)
			st.killed[dying.Name()] = time.Now()
		case 2:
			dying.Inject(bbbtest.Fault{Hang: true})
			st.killed[dying.Name()] = time.Now()
		}
	})
	var wg sync.WaitGroup
	for n := range st.callers {
		wg.Go(func() {
			st.create(t, st.processes[n%len(st.processes)], st.room(n/len(st.processes)))
			if done.Add(1) == int64(st.callers/10) {
				kill()
			}
		})
	}
	wg.Wait()
	for _, remove := range heal {
		remove()
	}
	for _, p := range st.processes {
		_ = noted(t, p.group.Refresh(t.Context()))
	}
}

// busiest returns the server with the most meetings of those that live: one that has
// none takes none along.
func (st *failoverStorm) busiest() *bbbtest.Server {
	alive := slices.DeleteFunc(slices.Clone(st.fakes), func(f *bbbtest.Server) bool { return !st.killed[f.Name()].IsZero() })
	return slices.MaxFunc(alive, func(a, b *bbbtest.Server) int { return cmp.Compare(len(a.Meetings()), len(b.Meetings())) })
}

// stormFaults are what can happen to one request. Of the ambiguous ones there are two
// each: the create was carried out, and it was not.
var stormFaults = []bbbtest.Fault{
	{Call: "create", Times: 1, Refuse: true, Latency: 10 * time.Millisecond},
	{Call: "create", Times: 1, Hang: true},
	{Call: "create", Times: 1, Hang: true, Processed: true},
	{Call: "create", Times: 1, Drop: true},
	{Call: "create", Times: 1, CutBody: 100},
	{Call: "create", Times: 1, Status: 502},
	{Call: "create", Times: 1, Status: 504, Processed: true},
	{Call: "create", Times: 1, Status: 429, Latency: 20 * time.Millisecond},
	{Call: "getMeetings", Times: 1, Refuse: true},
	{Call: "getMeetings", Times: 1, Hang: true},
	{Call: "getMeetings", Times: 1, HTML: true},
	{Call: "getMeetingInfo", Times: 1, Refuse: true},
	{Call: "getMeetingInfo", Times: 1, CutBody: -1},
	{Times: 1, Drop: true},
}

// create is a caller who wants his meeting, and repeats the create until he has it.
func (st *failoverStorm) create(t *testing.T, p *stormProcess, id string) {
	for range 200 {
		begun := time.Now()
		m, err := p.group.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Meeting " + id})
		if err == nil {
			st.mu.Lock()
			st.answers = append(st.answers, stormAnswer{id, m.Server().Name(), begun})
			st.mu.Unlock()
			return
		}
		class := stormClass(t, noted(t, err), id)
		st.mu.Lock()
		st.errs[class]++
		st.mu.Unlock()
		wait(t, time.Duration(rand.Int64N(int64(st.pause))))
	}
	assert.Fail(t, "never created", "%s by %s", id, p.name)
}

// stormClass checks that an error is one of those that CreateMeeting documents for
// servers that fail, and that it names the call and the cause.
func stormClass(t *testing.T, err error, id string) string {
	require.ErrorContains(t, err, "bbb: ")
	if e, ok := errors.AsType[*bbb.Error](err); ok && errors.Is(err, bbb.ErrOutcomeUnknown) {
		assert.Equal(t, id, e.MeetingID, "%v", err)
		assert.NotEmpty(t, e.Server, "%v", err)
		assert.ErrorContains(t, err, "create on "+e.Server+": ")
		return "outcome unknown"
	}
	if ge, ok := errors.AsType[*bbb.GroupError](err); ok {
		assert.ErrorContains(t, err, ge.Call+": ")
		for _, s := range ge.Servers {
			assert.ErrorContains(t, err, s.Server+": ")
			assert.Error(t, s.Err)
		}
		if errors.Is(err, bbb.ErrNoServer) {
			return "no server"
		}
		return "not known to be nowhere"
	}
	if e, ok := errors.AsType[*bbb.Error](err); ok {
		assert.NotEmpty(t, e.Server, "%v", err)
		assert.Contains(t, []string{"create", "getMeetingInfo", "getMeetings"}, e.Call)
		assert.ErrorContains(t, err, e.Call+" on "+e.Server+": ")
		assert.True(t, e.Err != nil || e.StatusCode >= 400, "no cause: %v", err)
		return "its server failed"
	}
	assert.Fail(t, "an error that is not documented", "%T: %v", err, err)
	return ""
}

func (p *stormProcess) observer() bbb.Observer {
	return bbb.Observer{
		CallDone: func(_ context.Context, e bbb.CallEvent) {
			p.mu.Lock()
			defer p.mu.Unlock()
			if failure, ok := errors.AsType[*bbb.Error](e.Err); ok && failure.Key == "" && failure.Err != nil {
				p.failed[e.Server] = append(p.failed[e.Server], e.Start.Add(e.Duration))
			}
		},
		StateChanged: func(e bbb.StateEvent) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.states[e.Server] = append(p.states[e.Server], e)
		},
		MeetingSplit: func(e bbb.SplitEvent) {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.splits[e.MeetingID] = append(p.splits[e.MeetingID], e)
		},
	}
}

// gaveUp reports whether a process had declared a server offline by that time. It
// need not be the one that made the meeting elsewhere, which may have followed its
// claim.
func (st *failoverStorm) gaveUp(server string, by time.Time) bool {
	return slices.ContainsFunc(st.processes, func(p *stormProcess) bool { return st.gaveUpIn(p, server, by) })
}

// gaveUpIn reports whether that process had declared a server offline that had failed
// for five seconds by its word, without having been online again.
func (st *failoverStorm) gaveUpIn(p *stormProcess, server string, by time.Time) bool {
	if st.strict && st.killed[server].IsZero() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	failed := slices.SortedFunc(slices.Values(p.failed[server]), time.Time.Compare)
	var since time.Time // the first failure that may count
	states := slices.SortedStableFunc(slices.Values(p.states[server]), func(a, b bbb.StateEvent) int { return a.Time.Compare(b.Time) })
	for i, e := range states {
		switch {
		case e.Time.After(by):
			return false
		case e.To == bbb.StateOnline:
			since = e.Time
		case e.To == bbb.StateOffline:
			until := by
			if i+1 < len(states) && states[i+1].Time.Before(by) {
				until = states[i+1].Time
			}
			first := slices.IndexFunc(failed, func(at time.Time) bool { return !at.Before(since) })
			if first >= 0 && until.Sub(failed[first]) >= 5*time.Second {
				return true
			}
		}
	}
	return false
}

// creation is a meeting that a fake made: the answer was not that it exists.
type creation struct {
	server  string
	process *stormProcess
	at      time.Time
}

// creations returns what the fakes did for an ID, in order.
func (st *failoverStorm) creations(t *testing.T, id string) []creation {
	var list []creation
	for _, f := range st.fakes {
		for _, m := range f.Meetings() { // also one that had ended
			if m.MeetingID != id {
				continue
			}
			i := slices.IndexFunc(st.processes, func(p *stormProcess) bool { return p.name == m.Metadata[bbb.MetaOrigin] })
			require.GreaterOrEqual(t, i, 0)
			list = append(list, creation{f.Name(), st.processes[i], m.Created})
		}
	}
	slices.SortFunc(list, func(a, b creation) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	return list
}

// living returns the servers that have the meeting and are not dead.
func (st *failoverStorm) living(id string) []string {
	return slices.DeleteFunc(holders(st.fakes, id), func(name string) bool { return !st.killed[name].IsZero() })
}

func (st *failoverStorm) checkMeetings(t *testing.T) {
	for n := range st.rooms {
		id := st.room(n)
		made := st.creations(t, id)
		require.NotEmpty(t, made, id)
		for i, later := range made {
			for _, earlier := range made[:i] {
				// The clock of a server shows milliseconds, in which a lot happens.
				by := later.at.Add(time.Millisecond)
				either := later.at.Equal(earlier.at) && st.gaveUp(later.server, by)
				assert.True(t, either || st.gaveUp(earlier.server, by), "%s was made on %s at %v, and by %s on %s at %v",
					id, earlier.server, earlier.at, later.process.name, later.server, later.at)
			}
		}
		if living := st.living(id); st.strict || len(living) == 0 {
			assert.Len(t, living, 1, id)
		}
	}
}

// checkAnswers checks that everybody got the server on which the meeting is, or the
// one on which it was before that died.
func (st *failoverStorm) checkAnswers(t *testing.T) {
	for _, a := range st.answers {
		if killed, dead := st.killed[a.server]; dead {
			assert.False(t, a.begun.After(killed), "%s on %s, which was dead", a.id, a.server)
		} else {
			assert.Contains(t, st.living(a.id), a.server, a.id)
		}
	}
}

// returnOfTheDead brings the dead servers back with what they had. Every process sees
// each twin once, and goes on with the meeting in which people are.
func (st *failoverStorm) returnOfTheDead(t *testing.T) {
	kept, twins := make(map[string]string), 0
	for n := range st.rooms {
		id := st.room(n)
		kept[id] = st.living(id)[0]
		i := slices.IndexFunc(st.fakes, func(f *bbbtest.Server) bool { return f.Name() == kept[id] })
		attend(t, st.fakes[i], id)
		if len(holders(st.fakes, id)) > 1 {
			twins++
		}
	}
	assert.Positive(t, twins, "the dead took meetings along")
	for _, f := range st.fakes {
		f.ClearFaults()
		f.SetDown(false)
	}
	for _, p := range st.processes {
		for range 100 { // those that are offline are asked in the background
			if noted(t, p.group.Refresh(t.Context())) == nil {
				break
			}
			wait(t, st.pause)
		}
		for range 2 {
			st.insist(t, func() error { return p.group.Refresh(t.Context()) })
		}
		p.mu.Lock()
		for n := range st.rooms {
			id := st.room(n)
			switch on := holders(st.fakes, id); {
			case len(on) == 1:
				assert.Empty(t, p.splits[id], id)
			case assert.Len(t, p.splits[id], 1, "%s of %s", id, p.name):
				assert.Subset(t, on, []string{p.splits[id][0].Kept, p.splits[id][0].Other})
			}
		}
		p.mu.Unlock()
		for n := range st.rooms {
			var m *bbb.Meeting
			st.insist(t, func() (err error) {
				m, err = p.group.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: st.room(n), Name: "Meeting " + st.room(n)})
				return err
			})
			assert.True(t, m.Existed())
			assert.Equal(t, kept[m.ID], m.Server().Name(), m.ID)
		}
	}
}

// insist does what must succeed now that all servers are well. Over sockets an answer
// may come too late, on a slow machine, so it is repeated there.
func (st *failoverStorm) insist(t *testing.T, f func() error) {
	err := noted(t, f())
	for range 100 {
		if err == nil || st.strict {
			break
		}
		wait(t, st.pause)
		err = noted(t, f())
	}
	require.NoError(t, err)
}
