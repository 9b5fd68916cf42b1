package bbb_test

import (
	"context"
	"net/http"
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

// asked keeps when each server was asked.
type asked struct {
	mu sync.Mutex // protects at
	at map[string][]time.Time
}

func (a *asked) option(t testing.TB) bbb.GroupOption {
	a.at = make(map[string][]time.Time)
	return bbb.WithObserver(observing(t, bbb.Observer{CallStart: func(ctx context.Context, e bbb.CallEvent) context.Context {
		assert.Equal(t, "getMeetings", e.Call)
		a.mu.Lock()
		defer a.mu.Unlock()
		a.at[e.Server] = append(a.at[e.Server], e.Start)
		return ctx
	}}))
}

func (a *asked) of(name string) []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.at[name])
}

// all returns the instants of all servers in order.
func (a *asked) all() []time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []time.Time
	for _, of := range a.at {
		list = append(list, of...)
	}
	slices.SortFunc(list, time.Time.Compare)
	return list
}

// running starts a Run and returns what ends it and waits for it.
func running(t testing.TB, g *bbb.Group, interval time.Duration) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := after(func() {
		err := g.Run(ctx, interval)
		assert.ErrorIs(t, noted(t, err), context.Canceled)
	})
	return func() {
		cancel()
		<-done
	}
}

// A hundred servers are asked one after the other, not all at once, each of them
// once per interval.
func TestRunSpreadsItsRequests(t *testing.T) {
	t.Parallel()
	const servers, interval, rounds = 100, 10 * time.Second, 60
	synctest.Test(t, func(t *testing.T) {
		var a asked
		g, _ := newGroup(t, servers, a.option(t))
		start := time.Now()
		stop := running(t, g, interval)
		wait(t, rounds*interval)
		stop()

		all := a.all()
		assert.InDelta(t, servers*rounds, len(all), servers/10)
		for s := range g.Servers() {
			at := a.of(s.Name())
			assert.InDelta(t, rounds, len(at), 1, s.Name())
			for i := 1; i < len(at); i++ {
				assert.InDelta(t, interval, at[i].Sub(at[i-1]), float64(interval)/10)
			}
		}
		// In each tenth of each interval there is about a tenth of the requests, and at
		// no instant more than one or two.
		tenths := make(map[time.Duration]int)
		for _, at := range all {
			tenths[at.Sub(start)/(interval/10)]++
		}
		assert.Len(t, tenths, 10*rounds)
		for part, count := range tenths {
			assert.InDelta(t, servers/10, count, 7, "part %d", part)
		}
		for i := 3; i < len(all); i++ {
			assert.Positive(t, all[i].Sub(all[i-3]), "four at one instant")
		}
		// The jitter keeps several processes from falling into step.
		first := a.of("bbb1")
		assert.NotEqual(t, first[1].Sub(first[0]), first[2].Sub(first[1]))
	})
}

// A server that hangs has one request at a time, and the others do not notice.
func TestRunWithASlowServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a asked
		fakes := newFakes(t, 5)
		g := newGroupOf(t, fakes, a.option(t), bbb.WithWorkers(2))
		fakes[2].Inject(bbbtest.Fault{Hang: true})
		stop := running(t, g, 4*time.Second)
		wait(t, 4*time.Minute)
		stop()
		slow := a.of("bbb3")
		assert.InDelta(t, 20, len(slow), 3, "each third turn finds it free")
		for i := 1; i < len(slow); i++ {
			assert.GreaterOrEqual(t, slow[i].Sub(slow[i-1]), bbb.DefaultRequestTimeout, "one at a time")
		}
		for _, name := range []string{"bbb1", "bbb2", "bbb4", "bbb5"} {
			at := a.of(name)
			assert.InDelta(t, 60, len(at), 1)
			for i := 1; i < len(at); i++ {
				assert.InDelta(t, 4*time.Second, at[i].Sub(at[i-1]), float64(time.Second))
			}
		}
		assert.Equal(t, offline, server(t, g, "bbb3").State())
	})
}

// More servers hang than there are workers: the group never has more requests under
// way than it may, and asks all when they are back.
func TestRunWithTooFewWorkers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a asked
		fakes := newFakes(t, 6)
		var mu sync.Mutex
		now, most := 0, 0
		count := func(n int) {
			mu.Lock()
			defer mu.Unlock()
			now += n
			most = max(most, now)
		}
		network := bbbtest.NetworkOf(fakes...)
		g := newEmptyGroup(t, a.option(t), bbb.WithWorkers(2), bbb.WithTransport(telling(func(r *http.Request) (*http.Response, error) {
			count(1)
			defer count(-1)
			return network.RoundTrip(r)
		})))
		for _, f := range fakes {
			addServer(t, g, f)
			f.Inject(bbbtest.Fault{Hang: true})
		}
		stop := running(t, g, time.Second)
		wait(t, 2*time.Minute)
		for _, f := range fakes {
			f.ClearFaults()
		}
		wait(t, 20*time.Second)
		before := len(a.all())
		wait(t, 10*time.Second)
		stop()
		assert.Equal(t, 2, most)
		assert.InDelta(t, 60, len(a.all())-before, 6, "nothing is made up for")
		assert.Equal(t, []bbb.State{online, online, online, online, online, online}, states(g))
	})
}

// Half of the servers hang, and there are two workers. They used to wait in one queue
// for them, and nothing else went on meanwhile: the healthy ones were asked now and
// then, one that was added never, and a meeting on two servers was not reported.
func TestRunWhenHalfOfTheServersHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		fakes := newFakes(t, 7)
		g := newGroupOf(t, fakes, n.option(t), bbb.WithWorkers(2))
		require.True(t, g.Remove("bbb7"))
		for _, f := range fakes[:3] {
			f.Inject(bbbtest.Fault{Hang: true})
		}
		split(t, fakes[3:])
		quiet(fakes)
		stop := running(t, g, 5*time.Second)
		wait(t, time.Minute)
		addServer(t, g, fakes[6])
		wait(t, 3*time.Second)
		assert.Equal(t, 1, fakes[6].Count("getMeetings"), "added")
		assert.Equal(t, 1, n.twins())
		quiet(fakes)
		wait(t, 5*time.Minute)
		for _, f := range fakes[3:] {
			assert.InDelta(t, 60, f.Count("getMeetings"), 1, f.Name())
		}
		for _, f := range fakes[:3] { // in turn, ten seconds each
			assert.InDelta(t, 10, f.Count("getMeetings"), 1, f.Name())
			f.ClearFaults()
		}
		wait(t, time.Minute)
		for s := range g.Servers() {
			assert.Equal(t, online, s.State(), s.Name())
		}
		stop()
	})
}

// Servers come and go while it runs.
func TestRunFollowsTheGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var a asked
		fakes := newFakes(t, 2)
		late := newFakes(t, 12)[2:]
		g := newGroupOf(t, append(fakes, late...), a.option(t))
		for _, f := range late {
			require.True(t, g.Remove(f.Name()))
		}
		stop := running(t, g, time.Minute)
		wait(t, 90*time.Second)
		added := time.Now()
		for _, f := range late {
			addServer(t, g, f)
		}
		wait(t, 2*time.Second)
		var first []time.Time
		for _, f := range late {
			at := a.of(f.Name())
			require.Len(t, at, 1, "asked soon")
			first = append(first, at[0])
		}
		assert.WithinDuration(t, added, slices.MaxFunc(first, time.Time.Compare), 2*time.Second)
		assert.Len(t, slices.Compact(first), 10, "not all at one instant")
		wait(t, 10*time.Minute)
		for _, f := range late {
			at := a.of(f.Name())
			assert.InDelta(t, 11, len(at), 1)
			assert.Greater(t, at[1].Sub(at[0]), 25*time.Second, "and not soon again")
		}

		require.True(t, g.Remove("bbb1"))
		server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
		server(t, g, "bbb3").SetMode(bbb.ModeDraining)
		quiet(append(fakes, late...))
		wait(t, 5*time.Minute)
		assert.Empty(t, fakes[0].Requests(), "removed")
		assert.Empty(t, fakes[1].Requests(), "disabled")
		assert.InDelta(t, 5, len(late[0].Requests()), 1, "draining")

		server(t, g, "bbb2").SetMode(bbb.ModeEnabled)
		wait(t, 2*time.Second)
		assert.Len(t, fakes[1].Requests(), 1, "enabled again")
		// The same name, but another server.
		addServer(t, g, fakes[0])
		wait(t, 2*time.Second)
		assert.Len(t, fakes[0].Requests(), 1)
		stop()
		quiet(fakes)
		wait(t, 5*time.Minute)
		assert.Zero(t, requests(fakes, "*"), "it is over")
	})
}

// Not even once more.
func TestRunLeavesRemovedServersAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		stop := running(t, g, time.Second)
		wait(t, 10300*time.Millisecond) // before the second one's turn
		require.True(t, g.Remove("bbb2"))
		server(t, g, "bbb3").SetMode(bbb.ModeDisabled)
		quiet(fakes)
		wait(t, 5*time.Second)
		stop()
		assert.Equal(t, []int{5, 0, 0}, []int{len(fakes[0].Requests()), len(fakes[1].Requests()), len(fakes[2].Requests())})
	})
}

// A server that dies is offline after three intervals, without anybody's call, and
// back after three more when it answers again.
func TestRunSeesServersGoAndReturn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		stop := running(t, g, 10*time.Second)
		wait(t, time.Minute)
		fakes[1].SetDown(true)
		wait(t, 32*time.Second)
		assert.Equal(t, []bbb.State{online, offline, online}, states(g))
		fakes[1].SetDown(false)
		wait(t, 32*time.Second)
		assert.Equal(t, []bbb.State{online, online, online}, states(g))
		assert.False(t, server(t, g, "bbb2").Health().ReturnedAt.IsZero())
		stop()
		assert.Equal(t, []string{"online-unstable", "unstable-offline", "offline-recovering", "recovering-online"}, n.told("bbb2"))
	})
}

// A meeting that is on two servers is reported once, although no caller ever asked
// for a list.
func TestRunReportsTwins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 4, n.option(t))
		stop := running(t, g, 10*time.Second)
		split(t, fakes)
		wait(t, 35*time.Second)
		assert.Equal(t, 1, n.twins())
		wait(t, 5*time.Minute)
		assert.Equal(t, 1, n.twins())

		// One of them is silent, and then ends its meeting: that is no news.
		fakes[1].SetDown(true)
		wait(t, 5*time.Minute)
		fakes[1].SetDown(false)
		wait(t, 5*time.Minute)
		assert.Equal(t, 1, n.twins())
		stop()
	})
}

// A server that takes longer than the interval to answer misses turns. What it said was
// taken for old as soon as it came, so no twin on it was ever reported.
func TestRunReportsTwinsOnASlowServer(t *testing.T) {
	t.Parallel()
	for _, latency := range []time.Duration{time.Second, 5 * time.Second, 9 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var n nurse
			g, fakes := newGroup(t, 3, n.option(t))
			split(t, fakes)
			fakes[1].Inject(bbbtest.Fault{Latency: latency})
			stop := running(t, g, 3*time.Second)
			wait(t, time.Minute)
			assert.Equal(t, 1, n.twins(), latency)
			wait(t, 10*time.Minute)
			stop()
			assert.Equal(t, 1, n.twins(), latency)
		})
	}
}

// With an interval over the cache time, CachedMeetings was empty for half of the time.
func TestRunKeepsCachedMeetings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const interval = time.Minute
		g, fakes := newGroup(t, 3)
		sc, err := g.Scope(map[string]string{"tenant": "north"})
		require.NoError(t, err)
		create(t, sc, "physics")
		on := holder(t, fakes, "physics")
		s := server(t, g, on.Name())
		cached := func() []int {
			return []int{len(g.CachedMeetings(t.Context())), len(sc.CachedMeetings(t.Context())), len(s.CachedMeetings(t.Context()))}
		}
		stop := running(t, g, interval)
		wait(t, interval)
		for range 600 {
			require.Equal(t, []int{1, 1, 1}, cached())
			wait(t, time.Second)
		}
		// A server that is silent drops out, though, and so does what is old after Run.
		on.Inject(bbbtest.Fault{Hang: true})
		wait(t, 3*interval)
		assert.Equal(t, []int{0, 0, 0}, cached())
		on.ClearFaults()
		wait(t, interval+15*time.Second)
		assert.Equal(t, []int{1, 1, 1}, cached())
		stop()
		wait(t, bbb.DefaultCacheTime+time.Second)
		assert.Equal(t, []int{0, 0, 0}, cached())
	})
}

// A meeting ends on one server and begins on another one between two questions. What
// the first one said last is old then: nobody is split.
func TestRunReportsNoTwinThatMoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 4, n.option(t))
		stop := running(t, g, 10*time.Second)
		for i := range 200 {
			from, to := fakes[i%4], fakes[(i+1)%4]
			if i == 0 {
				createOn(t, from, bbb.CreateParams{MeetingID: "physics"})
			}
			wait(t, 9700*time.Millisecond)
			from.EndMeeting("physics")
			createOn(t, to, bbb.CreateParams{MeetingID: "physics"})
		}
		stop()
		assert.Zero(t, n.twins())
	})
}

// The server that the meeting has left is slow, so that what it said before is all
// there is for two rounds.
func TestRunReportsNoTwinThatLeftASlowServer(t *testing.T) {
	t.Parallel()
	for _, from := range []int{0, 2} { // asked before the other one, in and against the order of the group
		synctest.Test(t, func(t *testing.T) {
			var n nurse
			g, fakes := newGroup(t, 3, n.option(t))
			createOn(t, fakes[from], bbb.CreateParams{MeetingID: "physics"})
			stop := running(t, g, 10*time.Second)
			wait(t, 5*time.Second)
			require.Equal(t, []int{1, 0, 1}, []int{
				fakes[0].Count("getMeetings"), fakes[1].Count("getMeetings"), fakes[2].Count("getMeetings"),
			})
			fakes[from].EndMeeting("physics")
			createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
			fakes[from].Inject(bbbtest.Fault{Latency: bbb.DefaultRequestTimeout - time.Millisecond})
			wait(t, time.Minute)
			stop()
			assert.Zero(t, n.twins())
			assert.Equal(t, []bbb.State{online, online, online}, states(g))
		})
	}
}

func TestRunThatCannotBegin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 1)
		for _, interval := range []time.Duration{0, -time.Second} {
			require.ErrorIs(t, noted(t, g.Run(t.Context(), interval)), bbb.ErrInvalidParams)
		}
		stop := running(t, g, time.Second)
		synctest.Wait()
		err := noted(t, g.Run(t.Context(), time.Second))
		require.ErrorContains(t, err, "another Run")
		var e *bbb.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "run", e.Call)
		stop()
		running(t, g, time.Second)() // one after the other is fine
		require.NoError(t, g.Close(t.Context()))
		require.ErrorIs(t, noted(t, g.Run(t.Context(), time.Second)), bbb.ErrClosed)
	})
}

// Run ends at once, with its requests, when its context or its group does, also while
// a server hangs and when it waits for a worker.
func TestRunEnds(t *testing.T) {
	t.Parallel()
	for name, workers := range map[string]int{"while a server hangs": 64, "while all workers do": 1} {
		for _, byClose := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", by Close"}[byClose], func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var underWay atomic.Int64
					g, fakes := newGroup(t, 3, bbb.WithWorkers(workers), bbb.WithObserver(observing(t, bbb.Observer{
						CallStart: func(ctx context.Context, _ bbb.CallEvent) context.Context {
							underWay.Add(1)
							return ctx
						},
						CallDone: func(context.Context, bbb.CallEvent) { underWay.Add(-1) },
					})))
					for _, f := range fakes {
						f.Inject(bbbtest.Fault{Hang: true})
					}
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var err error
					done := after(func() { err = noted(t, g.Run(ctx, 6*time.Second)) })
					wait(t, 7*time.Second)
					start := time.Now()
					if byClose {
						require.NoError(t, g.Close(t.Context()))
					} else {
						cancel()
					}
					<-done
					assert.Zero(t, underWay.Load(), "Run waits for its requests")
					assert.Zero(t, time.Since(start))
					if byClose {
						require.ErrorIs(t, err, bbb.ErrClosed)
					} else {
						require.ErrorIs(t, err, context.Canceled)
					}
					synctest.Wait()
					for s := range g.Servers() {
						assert.Zero(t, s.Health().Failures, "giving up is not held against it")
					}
				})
			})
		}
	}
}
