package bbb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nurse is an observer that keeps what happens to servers.
type nurse struct {
	mu         sync.Mutex // protects the fields below
	states     []bbb.StateEvent
	modes      []bbb.ModeEvent
	suspicions []bbb.SuspicionEvent
	splits     []bbb.SplitEvent
}

func (n *nurse) option(t testing.TB) bbb.GroupOption {
	return bbb.WithObserver(observing(t, bbb.Observer{
		StateChanged: func(e bbb.StateEvent) {
			suite.err(t.Name(), e.Cause)
			n.mu.Lock()
			defer n.mu.Unlock()
			n.states = append(n.states, e)
		},
		ModeChanged: func(e bbb.ModeEvent) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.modes = append(n.modes, e)
		},
		Suspected: func(e bbb.SuspicionEvent) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.suspicions = append(n.suspicions, e)
		},
		MeetingSplit: func(e bbb.SplitEvent) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.splits = append(n.splits, e)
		},
	}))
}

// told returns the changes of a server since the last time, such as "online-unstable".
func (n *nurse) told(name string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var changes []string
	var others []bbb.StateEvent
	for _, e := range n.states {
		if e.Server == name {
			changes = append(changes, e.From.String()+"-"+e.To.String())
		} else {
			others = append(others, e)
		}
	}
	n.states = others
	return changes
}

// suspected returns the changes of suspicion since the last time: "+2/3" when it
// began with two of three servers, "-1/3" when it ended.
func (n *nurse) suspected() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var changes []string
	for _, e := range n.suspicions {
		changes = append(changes, fmt.Sprintf("%s%d/%d", map[bool]string{true: "+", false: "-"}[e.Begin], e.Failing, e.Servers))
	}
	n.suspicions = nil
	return changes
}

// twins returns how many split meetings were reported.
func (n *nurse) twins() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.splits)
}

// poll asks a server once for each letter: F while it is down, g while it is well.
func poll(t testing.TB, s *bbb.Server, f *bbbtest.Server, outcomes string) {
	t.Helper()
	for _, o := range outcomes {
		f.SetDown(o == 'F')
		err := noted(t, s.Refresh(t.Context()))
		if o == 'F' {
			require.Error(t, err)
		} else {
			require.NoError(t, err)
		}
	}
	f.SetDown(false)
}

// Every change of state, each with one event, and nothing else changes it.
func TestStates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		opt, log := logged(t)
		g, fakes := newGroup(t, 3, n.option(t), opt)
		s := server(t, g, "bbb1")
		assert.Equal(t, bbb.Health{}, s.Health(), "nobody has heard of it")
		for i, step := range []struct {
			outcome string
			change  string
			want    bbb.Health
		}{
			{"g", "", bbb.Health{State: bbb.StateOnline}},
			{"F", "online-unstable", bbb.Health{State: bbb.StateUnstable, Failures: 1}},
			{"g", "", bbb.Health{State: bbb.StateUnstable, Good: 1}},
			{"g", "", bbb.Health{State: bbb.StateUnstable, Good: 2}},
			{"F", "", bbb.Health{State: bbb.StateUnstable, Failures: 1}},
			{"F", "", bbb.Health{State: bbb.StateUnstable, Failures: 2}},
			{"F", "unstable-offline", bbb.Health{State: bbb.StateOffline, Failures: 3}},
			{"F", "", bbb.Health{State: bbb.StateOffline, Failures: 4}},
			{"g", "offline-recovering", bbb.Health{State: bbb.StateRecovering, Good: 1}},
			{"F", "recovering-offline", bbb.Health{State: bbb.StateOffline, Failures: 1}},
			{"g", "offline-recovering", bbb.Health{State: bbb.StateRecovering, Good: 1}},
			{"g", "", bbb.Health{State: bbb.StateRecovering, Good: 2}},
			{"g", "recovering-online", bbb.Health{State: bbb.StateOnline}},
			{"F", "online-unstable", bbb.Health{State: bbb.StateUnstable, Failures: 1}},
			{"g", "", bbb.Health{State: bbb.StateUnstable, Good: 1}},
			{"g", "", bbb.Health{State: bbb.StateUnstable, Good: 2}},
			{"g", "unstable-online", bbb.Health{State: bbb.StateOnline}},
		} {
			wait(t, 10*time.Second)
			before := s.Health()
			poll(t, s, fakes[0], step.outcome)
			got := s.Health()
			where := fmt.Sprintf("step %d: %s", i, step.outcome)
			assert.Equal(t, step.want, bbb.Health{State: got.State, Failures: got.Failures, Good: got.Good}, where)
			assert.Equal(t, got.State, s.State())
			assert.Equal(t, strings.Fields(step.change), append([]string{}, n.told("bbb1")...), where)
			switch {
			case step.change != "" || i == 0:
				assert.True(t, time.Now().Equal(got.Since), where)
			default:
				assert.Equal(t, before.Since, got.Since, where)
			}
			if step.outcome == "F" {
				assert.True(t, time.Now().Equal(got.FailedAt), where)
				assert.Contains(t, got.Cause, "connection refused", where)
				if got.Failures > 1 {
					assert.Equal(t, before.FailingSince, got.FailingSince, where)
				} else {
					assert.True(t, time.Now().Equal(got.FailingSince), where)
				}
			} else {
				assert.Zero(t, got.FailingSince, where)
				assert.True(t, time.Now().Equal(got.AnsweredAt), where)
				assert.Equal(t, got.State == bbb.StateOnline, got.Cause == "", where)
			}
			if step.change == "recovering-online" {
				assert.True(t, time.Now().Equal(got.ReturnedAt), where)
			} else {
				assert.Equal(t, before.ReturnedAt, got.ReturnedAt, where)
			}
		}
		assert.Empty(t, n.states, "the others have done nothing")
		assert.Empty(t, n.suspected())
		var levels []any
		for _, line := range log.with("server changed its state") {
			levels = append(levels, line["level"])
			assert.Equal(t, "bbb1", line["server"])
			assert.Equal(t, line["level"] == "WARN", line["error"] != nil)
		}
		assert.Equal(t, []any{"WARN", "WARN", "INFO", "WARN", "INFO", "INFO", "WARN", "INFO"}, levels)
	})
}

func TestStateEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		s := server(t, g, "bbb2")
		s.SetMode(bbb.ModeDraining)
		poll(t, s, fakes[1], "Fggg")
		require.Len(t, n.states, 2)
		cause := n.states[0].Cause
		var e *bbb.Error
		require.ErrorAs(t, noted(t, cause), &e)
		assert.Equal(t, "getMeetings", e.Call)
		assert.Equal(t, []bbb.StateEvent{
			{Group: "school", Server: "bbb2", From: bbb.StateOnline, To: bbb.StateUnstable, Mode: bbb.ModeDraining, Time: time.Now(), Cause: cause},
			{Group: "school", Server: "bbb2", From: bbb.StateUnstable, To: bbb.StateOnline, Mode: bbb.ModeDraining, Time: time.Now()},
		}, n.states)
	})
}

// Calls one after the other are several checks, also within one tick of the clock;
// calls at the same time are one.
func TestConcurrentCallsAreOneCheck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		s := server(t, g, "bbb1")
		many := func(pause time.Duration) {
			var calls sync.WaitGroup
			for range 50 {
				calls.Go(func() { _ = noted(t, s.Refresh(t.Context())) })
				if pause > 0 {
					wait(t, pause)
				}
			}
			calls.Wait()
		}
		heal := fakes[0].Inject(bbbtest.Fault{Hang: true})
		many(0)
		assert.Equal(t, 1, s.Health().Failures)
		assert.Equal(t, bbb.StateUnstable, s.State())
		many(bbb.DefaultRequestTimeout / 100)
		assert.Equal(t, 2, s.Health().Failures, "all of them began before the first one failed")
		heal()
		fakes[0].Inject(bbbtest.Fault{Latency: time.Second})
		many(0)
		assert.Equal(t, 1, s.Health().Good)
		assert.Equal(t, []string{"online-unstable"}, n.told("bbb1"))
		fakes[0].ClearFaults()

		start := time.Now()
		poll(t, s, fakes[0], "FFF")
		assert.Equal(t, bbb.StateOffline, s.State())
		poll(t, s, fakes[0], "ggg")
		assert.Equal(t, bbb.StateOnline, s.State())
		assert.Zero(t, time.Since(start))
	})
}

// A poll of three that fails is a nuisance, not a death: the server never loses its
// meetings, and its state does not flicker either.
func TestOneBadPollOfThree(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{"Fgg", "gFg", "FFg", "Fg"} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n nurse
				g, fakes := newGroup(t, 2, n.option(t))
				m := create(t, g, "physics")
				held, s := holder(t, fakes, "physics"), m.Server()
				for range 20 {
					for _, o := range pattern {
						poll(t, s, held, string(o))
						wait(t, 10*time.Second)
						again := create(t, g, "physics")
						assert.True(t, again.Existed())
						assert.NotEqual(t, bbb.StateOffline, s.State())
					}
				}
				assert.Equal(t, []string{held.Name()}, holders(fakes, "physics"))
			})
		})
	}
}

func TestHysteresis(t *testing.T) {
	t.Parallel()
	var n nurse
	g, fakes := newGroup(t, 2, n.option(t))
	s := server(t, g, "bbb1")
	poll(t, s, fakes[0], strings.Repeat("Fgg", 20))
	assert.Equal(t, []string{"online-unstable"}, n.told("bbb1"), "no flicker")
	poll(t, s, fakes[0], "g")
	assert.Equal(t, []string{"unstable-online"}, n.told("bbb1"))
}

// A server that dies keeps its meetings up to the third failure; then they can be
// created elsewhere.
func TestDeathOfAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		m := create(t, g, "physics")
		held, s := holder(t, fakes, "physics"), m.Server()
		held.SetDown(true)
		for i, state := range []bbb.State{bbb.StateUnstable, bbb.StateUnstable, bbb.StateOffline} {
			if i > 0 {
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
				require.ErrorContains(t, noted(t, err), held.Name())
			} else {
				require.Error(t, noted(t, s.Refresh(t.Context())))
			}
			assert.Equal(t, state, s.State())
			assert.Len(t, holders(fakes, "physics"), 1)
			wait(t, 10*time.Second)
		}
		assert.NotEqual(t, held.Name(), create(t, g, "physics").Server().Name())
	})
}

// A call hung while its server was dead, and gave up when the server had come back
// and answered twice. It told of the death a second time, and the server was offline
// again. In the same way a call that was answered before the server died must not
// bring it back.
func TestLateOutcomes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		require.NoError(t, g.Refresh(t.Context()))
		s := server(t, g, "bbb1")
		late := func() <-chan struct{} {
			return after(func() {
				_, err := s.IsMeetingRunning(t.Context(), "physics")
				_ = noted(t, err)
			})
		}
		heal := fakes[0].Inject(bbbtest.Fault{Call: "isMeetingRunning", Latency: 5 * time.Second})
		answer := late()
		wait(t, time.Second)
		poll(t, s, fakes[0], "FFF")
		<-answer
		assert.Equal(t, offline, s.State(), "the answer is to a question from before")
		heal()

		fakes[0].Inject(bbbtest.Fault{Call: "isMeetingRunning", Hang: true})
		failure := late()
		wait(t, time.Second)
		poll(t, s, fakes[0], "gg")
		assert.Equal(t, recovering, s.State())
		<-failure
		assert.Equal(t, recovering, s.State())
		assert.Equal(t, 2, s.Health().Good)
		poll(t, s, fakes[0], "F")
		assert.Equal(t, offline, s.State(), "this one began after it had come back")
	})
}

// Whatever goroutines say at the same time, the changes form one chain: each is told
// once, and begins where another one ended.
func TestStatesUnderLoad(t *testing.T) {
	t.Parallel()
	var n nurse
	g, fakes := newGroup(t, 3, n.option(t))
	for _, every := range []int{2, 3} {
		fakes[0].Inject(bbbtest.Fault{Refuse: true, Every: every})
	}
	s := server(t, g, "bbb1")
	var feeding sync.WaitGroup
	for range 16 {
		feeding.Go(func() {
			for i := range 300 {
				_ = noted(t, s.Refresh(t.Context()))
				h := s.Health()
				assert.False(t, h.Failures > 0 && h.Good > 0)
				assert.Less(t, h.Good, 3)
				if i%50 == 0 {
					s.SetMode(bbb.Mode(i / 50 % 2))
				}
			}
		})
	}
	feeding.Wait()
	require.NotEmpty(t, n.states)
	balance := map[bbb.State]int{bbb.StateOnline: 1}
	for _, e := range n.states {
		assert.NotEqual(t, e.From, e.To)
		assert.Equal(t, e.To == bbb.StateUnstable || e.To == bbb.StateOffline, e.Cause != nil)
		balance[e.From]--
		balance[e.To]++
	}
	for state, count := range balance {
		assert.Equal(t, map[bool]int{true: 1}[state == s.State()], count, "%v: as often entered as left", state)
	}
}

func TestHealthAsData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		s := server(t, g, "bbb1")
		text, err := json.Marshal(s.Health())
		require.NoError(t, err)
		assert.JSONEq(t, `{"mode":"enabled","state":"online"}`, string(text))
		poll(t, s, fakes[0], "gFFFg")
		want := s.Health()
		text, err = json.Marshal(want)
		require.NoError(t, err)
		var got bbb.Health
		require.NoError(t, json.Unmarshal(text, &got))
		for _, at := range []*time.Time{&want.Since, &want.FailedAt, &want.AnsweredAt, &got.Since, &got.FailedAt, &got.AnsweredAt} {
			*at = at.UTC().Round(0)
		}
		assert.Equal(t, want, got)
	})
	assert.Equal(t, "State(9)", bbb.State(9).String())
	_, err := bbb.State(9).MarshalText()
	require.Error(t, err)
	var s bbb.State
	require.Error(t, s.UnmarshalText([]byte("Online")))
	require.NoError(t, s.UnmarshalText([]byte("recovering")))
	assert.Equal(t, bbb.StateRecovering, s)
}

func TestHealthAllocatesNothing(t *testing.T) {
	g, fakes := newGroup(t, 2)
	s := server(t, g, "bbb1")
	poll(t, s, fakes[0], "gFg")
	assert.Zero(t, testing.AllocsPerRun(100, func() { _ = s.Health() }))
}
