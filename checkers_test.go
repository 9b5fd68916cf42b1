package bbb_test

import (
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// factor returns what one checker says of one server.
func factor(t testing.TB, g *bbb.Group, c bbb.Criteria, server, checker string) bbb.Factor {
	t.Helper()
	for _, s := range g.Rank(t.Context(), c).Servers {
		for _, f := range s.Factors {
			if s.Server == server && f.Checker == checker {
				return f
			}
		}
	}
	require.Fail(t, "no such factor", "%s %s", server, checker)
	return bbb.Factor{}
}

func TestCheckState(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 5)
		s := server(t, g, "bbb1")
		state := func() bbb.Factor { return factor(t, g, bbb.Criteria{}, "bbb1", "state") }
		assert.Equal(t, bbb.Factor{Checker: "state", Value: 1}, state())

		s.SetMode(bbb.ModeDraining)
		assert.Equal(t, bbb.Factor{Checker: "state", Reason: "draining"}, state())
		s.SetMode(bbb.ModeDisabled)
		assert.Equal(t, bbb.Factor{Checker: "state", Reason: "disabled"}, state())
		s.SetMode(bbb.ModeEnabled)

		fakes[0].SetDown(true)
		fail := func() { require.Error(t, noted(t, s.Refresh(t.Context()))) }
		fail()
		wait(t, 4*time.Second)
		f := state()
		assert.Zero(t, f.Value, "out of placement after the first failure")
		assert.Contains(t, f.Reason, "unstable, 1 failure in a row, the last one: ")
		assert.Equal(t, 4*time.Second, f.Age)

		fakes[0].SetDown(false)
		require.NoError(t, s.Refresh(t.Context()))
		f = state()
		assert.InDelta(t, 0.5, f.Value, 0)
		assert.Equal(t, "unstable, 1 good check since", f.Reason)

		fakes[0].SetDown(true)
		fail()
		fail()
		fail()
		assert.Equal(t, bbb.StateOffline, s.State())
		assert.Zero(t, state().Value)
		fakes[0].SetDown(false)
		require.NoError(t, s.Refresh(t.Context()))
		assert.InDelta(t, 0.1, state().Value, 0, "recovering: the last resort")
		require.NoError(t, s.Refresh(t.Context()))
		require.NoError(t, s.Refresh(t.Context()))
		assert.InDelta(t, 1, state().Value, 0)
	})
}

// While most servers fail it is rather our network, and a meeting is tried all the
// same.
func TestCheckStateWhileMostFail(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for i, f := range fakes {
		heal := f.Inject(bbbtest.Fault{Call: "getMeetings", Status: 502})
		defer heal()
		require.Error(t, noted(t, server(t, g, fmt.Sprintf("bbb%d", i+1)).Refresh(t.Context())))
	}
	f := factor(t, g, bbb.Criteria{}, "bbb3", "state")
	assert.InDelta(t, 0.1, f.Value, 0)
	assert.Contains(t, f.Reason, "most servers fail")
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, noted(t, err))
}

func TestCheckLabels(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 3)
	g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)), bbb.WithLabels(bbb.Labels{"region": "eu"}))
	addServer(t, g, fakes[0], bbb.WithLabels(bbb.Labels{"gpu": "a100"}))
	addServer(t, g, fakes[1], bbb.WithLabels(bbb.Labels{"region": "us", "old": ""}))
	third := addServer(t, g, fakes[2])
	assert.Equal(t, bbb.Labels{"region": "eu"}, third.Labels())
	third.Labels()["region"] = "mars"
	region, ok := third.Label("region")
	assert.True(t, ok)
	assert.Equal(t, "eu", region)
	_, ok = third.Label("gpu")
	assert.False(t, ok)

	for name, c := range map[string]struct {
		placement bbb.Placement
		want      [3]float64
		reason    [3]string
	}{
		"nothing":      {bbb.Placement{}, [3]float64{1, 1, 1}, [3]string{}},
		"value":        {bbb.Placement{Require: bbb.Labels{"region": "eu"}}, [3]float64{1, 0, 1}, [3]string{"", "lacks region=eu", ""}},
		"any value":    {bbb.Placement{Require: bbb.Labels{"gpu": ""}}, [3]float64{1, 0, 0}, [3]string{"", "lacks gpu", "lacks gpu"}},
		"empty value":  {bbb.Placement{Require: bbb.Labels{"old": ""}}, [3]float64{0, 1, 0}, [3]string{"lacks old", "", "lacks old"}},
		"nobody":       {bbb.Placement{Require: bbb.Labels{"region": "mars"}}, [3]float64{0, 0, 0}, [3]string{"lacks region=mars", "lacks region=mars", "lacks region=mars"}},
		"prefer":       {bbb.Placement{Prefer: bbb.Labels{"region": "eu", "gpu": "a100"}}, [3]float64{1, 0.0625, 0.25}, [3]string{"", "lacks the preferred gpu=a100, region=eu", "lacks the preferred gpu=a100"}},
		"avoid":        {bbb.Placement{Avoid: bbb.Labels{"old": "", "region": "us"}}, [3]float64{1, 0.0025, 1}, [3]string{"", "has the avoided old, region=us", ""}},
		"prefer/avoid": {bbb.Placement{Prefer: bbb.Labels{"gpu": ""}, Avoid: bbb.Labels{"old": ""}}, [3]float64{1, 0.0125, 0.25}, [3]string{"", "lacks the preferred gpu, has the avoided old", "lacks the preferred gpu"}},
	} {
		for i := range fakes {
			f := factor(t, g, bbb.Criteria{Placement: c.placement}, fmt.Sprintf("bbb%d", i+1), "labels")
			assert.InDelta(t, c.want[i], f.Value, 1e-12, "%s bbb%d", name, i+1)
			assert.Equal(t, c.reason[i], f.Reason, "%s bbb%d", name, i+1)
		}
	}
	for range 5 { // the whole way
		m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Require: bbb.Labels{"region": "us"}}})
		require.NoError(t, err)
		assert.Equal(t, "bbb2", m.Server().Name())
	}
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Require: bbb.Labels{"region": "mars"}}})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	require.ErrorContains(t, err, "bbb1: labels: lacks region=mars")
}

func TestCheckCapacity(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 2)
	g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
	addServer(t, g, fakes[0], bbb.WithCapacity(2, 0))
	addServer(t, g, fakes[1], bbb.WithCapacity(0, 100))
	check := func(size int, server string) bbb.Factor {
		return factor(t, g, bbb.Criteria{Placement: bbb.Placement{Size: size}}, server, "capacity")
	}
	assert.InDelta(t, 1, check(5000, "bbb1").Value, 0)
	assert.InDelta(t, 1, check(100, "bbb2").Value, 0)
	f := check(101, "bbb2")
	assert.Zero(t, f.Value)
	assert.Equal(t, "0 of 100 seats held", f.Reason)
	for range 6 { // 2 on one, 4 of 20 on the other: then 20 would still fit
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
	}
	assert.Len(t, fakes[0].Meetings(), 2)
	assert.Equal(t, "2 of 2 meetings", check(0, "bbb1").Reason)
	assert.InDelta(t, 1, check(20, "bbb2").Value, 0)
	assert.Zero(t, check(22, "bbb2").Value)
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Size: 30}})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
}

// The load is the people, the reservations and 5 for each meeting; what counts is the
// room that is left for the weight.
func TestCheckLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 2)
		g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
		small := addServer(t, g, fakes[0])
		addServer(t, g, fakes[1], bbb.WithWeight(2))
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "room"})
		require.NoError(t, g.Refresh(t.Context()))
		load := func(size int, server string) bbb.Factor {
			return factor(t, g, bbb.Criteria{Placement: bbb.Placement{Size: size}}, server, "load")
		}
		assert.InDelta(t, 0.5*120/(120+25), load(0, "bbb1").Value, 1e-9)
		assert.InDelta(t, 1, load(0, "bbb2").Value, 1e-9)
		assert.Equal(t, "1 meeting, 0 people, 20 expected, weight 1 of 2", load(0, "bbb1").Reason)
		assert.Equal(t, "0 meetings, 0 people, 0 expected", load(0, "bbb2").Reason)
		assert.InDelta(t, 0.5*300/(300+25), load(300, "bbb1").Value, 1e-9, "the room that it needs")
		assert.InDelta(t, 0.5*20/(20+25), load(1, "bbb1").Value, 1e-9)

		for range 30 {
			attend(t, fakes[0], "room")
		}
		require.NoError(t, g.Refresh(t.Context()))
		got := small.Load()
		assert.Equal(t, 30, got.People)
		assert.GreaterOrEqual(t, got.Seats(), 35.0)
		wait(t, 5*time.Minute)
		assert.Equal(t, 5*time.Minute, load(0, "bbb1").Age)
	})
}

// A server that nobody has asked is not idle: it counts with what the others have.
func TestUnknownLoadIsAverage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 4)
		for i := range 3 {
			for j := range 2 * (i + 1) { // 2, 4 and 6 meetings
				createOn(t, fakes[i], bbb.CreateParams{MeetingID: fmt.Sprint("room", i, j)})
			}
			require.NoError(t, server(t, g, fmt.Sprintf("bbb%d", i+1)).Refresh(t.Context()))
		}
		load := func(server string) bbb.Factor { return factor(t, g, bbb.Criteria{}, server, "load") }
		assert.InDelta(t, load("bbb2").Value, load("bbb4").Value, 1e-3, "the middle one is the average")
		assert.Contains(t, load("bbb4").Reason, "never asked")
		assert.InDelta(t, 0.8, factor(t, g, bbb.Criteria{}, "bbb4", "freshness").Value, 1e-9)

		// What is known of bbb1 grows old while the others are asked again.
		was := load("bbb1").Value
		assert.Greater(t, was, load("bbb2").Value)
		before := math.Inf(1)
		for range 10 {
			wait(t, time.Minute)
			require.NoError(t, server(t, g, "bbb2").Refresh(t.Context()))
			require.NoError(t, server(t, g, "bbb3").Refresh(t.Context()))
			now := load("bbb1").Value / load("bbb2").Value
			assert.LessOrEqual(t, now, before+1e-9, "it fades")
			before = now
		}
		assert.Less(t, before, 1.0, "and is the average of the others in the end")
		assert.Contains(t, load("bbb1").Reason, "taken for average")
	})
}

// A busy machine is avoided, and what was told of it fades instead of lasting for
// ever.
func TestCheckMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 2)
		s := server(t, g, "bbb1")
		_, known := s.MachineLoad()
		assert.False(t, known)
		machine := func(l bbb.MachineLoad) bbb.Factor {
			s.SetMachineLoad(l)
			return factor(t, g, bbb.Criteria{}, "bbb1", "machine")
		}
		for name, c := range map[string]struct {
			load   bbb.MachineLoad
			want   float64
			reason string
		}{
			"idle":          {bbb.MachineLoad{}, 1, ""},
			"half":          {bbb.MachineLoad{CPU: 0.5, RunQueue: 1, Memory: 0.8}, 1, ""},
			"busy":          {bbb.MachineLoad{CPU: 0.95}, 0.1, "CPU at 0.95"},
			"beyond":        {bbb.MachineLoad{CPU: 7, RunQueue: 1.1}, 0.1, "CPU at 7.00"},
			"queue":         {bbb.MachineLoad{CPU: 0.6, RunQueue: 2.5}, 0.55, "run queue at 2.50"},
			"memory":        {bbb.MachineLoad{Memory: 0.98}, 0.1, "memory at 0.98"},
			"not a number":  {bbb.MachineLoad{CPU: math.NaN(), RunQueue: math.Inf(1), Memory: -3}, 1, ""},
			"a bit of each": {bbb.MachineLoad{CPU: 0.725, RunQueue: 1.3, Memory: 0.818}, 0.55, "CPU at 0.72"},
		} {
			f := machine(c.load)
			assert.InDelta(t, c.want, f.Value, 1e-9, name)
			assert.Equal(t, c.reason, f.Reason, name)
		}
		start := time.Now()
		machine(bbb.MachineLoad{CPU: 0.95})
		assert.Equal(t, map[string]int{"bbb2": 50}, drawn(t, g, 50, bbb.Criteria{}))
		assert.InDelta(t, 0.1, machine(bbb.MachineLoad{Time: start.Add(-time.Second)}).Value, 1e-9, "older news are none")
		wait(t, 30*time.Second)
		assert.Equal(t, "CPU at 0.95, 30s ago", factor(t, g, bbb.Criteria{}, "bbb1", "machine").Reason)
		wait(t, 330*time.Second)
		f := factor(t, g, bbb.Criteria{}, "bbb1", "machine")
		assert.InDelta(t, 0.55, f.Value, 1e-9)
		assert.Equal(t, "CPU at 0.95, 6m0s ago, so it counts 50 %", f.Reason)
		assert.Equal(t, 6*time.Minute, f.Age)
		wait(t, 4*time.Minute)
		f = factor(t, g, bbb.Criteria{}, "bbb1", "machine")
		assert.InDelta(t, 1, f.Value, 1e-9)
		assert.Equal(t, "not known for 10m0s", f.Reason)
		l, known := s.MachineLoad()
		assert.True(t, known)
		assert.Equal(t, bbb.MachineLoad{CPU: 0.95, Time: start}, l)
		assert.InDelta(t, 0.1, machine(bbb.MachineLoad{CPU: 1, Time: time.Now().Add(time.Hour)}).Value, 1e-9, "a clock that is ahead")
	})
}

// A server that was offline is eased in, instead of getting all new meetings because
// it has none.
func TestCheckSlowStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		s := server(t, g, "bbb1")
		slow := func() float64 { return factor(t, g, bbb.Criteria{}, "bbb1", "slow start").Value }
		assert.InDelta(t, 1, slow(), 0)
		fakes[0].SetDown(true)
		for range 3 {
			require.Error(t, noted(t, s.Refresh(t.Context())))
		}
		fakes[0].SetDown(false)
		for range 3 {
			require.NoError(t, s.Refresh(t.Context()))
		}
		assert.InDelta(t, 0.1, slow(), 1e-9)
		wait(t, 150*time.Second)
		assert.InDelta(t, 0.55, slow(), 1e-9)
		assert.Equal(t, "back for 2m30s", factor(t, g, bbb.Criteria{}, "bbb1", "slow start").Reason)
		wait(t, 150*time.Second)
		assert.InDelta(t, 1, slow(), 1e-9)
	})
}

// A group without CheckLoad can count with weights, and checkers can be softened.
func TestComposedCheckers(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 2)
	never := func(*bbb.Server, bbb.Criteria) bbb.Factor { return bbb.Factor{Checker: "never", Value: math.NaN()} }
	g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)),
		bbb.WithCheckers(bbb.CheckWeight), bbb.WithExtraCheckers(bbb.AtLeast(0.2, never)))
	addServer(t, g, fakes[0])
	heavy := addServer(t, g, fakes[1], bbb.WithWeight(4))
	r := g.Rank(t.Context(), bbb.Criteria{})
	assert.Equal(t, "bbb2", r.Servers[0].Server)
	assert.InDelta(t, 2, r.Servers[0].Score, 1e-9)
	assert.InDelta(t, 0.5, r.Servers[1].Score, 1e-9)
	assert.Equal(t, "1 of 4", r.Servers[1].Factors[0].Reason)

	heavy.SetMode(bbb.ModeDisabled)
	assert.Equal(t, map[string]int{"bbb1": 20}, drawn(t, g, 20, bbb.Criteria{}), "whatever the checkers, a disabled server gets nothing")

	// A checker may be asked by itself.
	assert.InDelta(t, 1, bbb.CheckLoad(heavy, bbb.Criteria{}).Value, 0)
	assert.InDelta(t, 1, bbb.CheckWeight(heavy, bbb.Criteria{}).Value, 0)
	assert.InDelta(t, 0.8, bbb.CheckFreshness(heavy, bbb.Criteria{}).Value, 0)
	assert.Len(t, bbb.DefaultCheckers(), 7)
}
