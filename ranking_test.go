package bbb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
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

// fixed is a checker that gives every server its own factor.
func fixed(name string, values map[string]float64) bbb.Checker {
	return func(s *bbb.Server, _ bbb.Criteria) bbb.Factor {
		return bbb.Factor{Checker: name, Value: values[s.Name()], Reason: "as the test says"}
	}
}

// drawn counts how often each server is selected.
func drawn(t *testing.T, g *bbb.Group, n int, c bbb.Criteria) map[string]int {
	t.Helper()
	counts := make(map[string]int)
	for range n {
		s, err := g.SelectServer(t.Context(), c)
		require.NoError(t, noted(t, err))
		counts[s.Name()]++
	}
	return counts
}

// Among equal servers each is drawn equally often, wherever it stands in the group:
// a loop that keeps the first of several equal ones, or lets each new one win with the
// same chance, fails this. With 3,000 draws out of 6 the standard deviation is 20, so
// 120 to either side is six of them.
func TestTiesAreFair(t *testing.T) {
	t.Parallel()
	values := map[string]float64{"bbb1": 0.3, "bbb2": 0.7, "bbb3": 0.7, "bbb4": 0.2, "bbb5": 0.7, "bbb6": 0.7, "bbb7": 0.7, "bbb8": 0.7, "bbb9": 0}
	g, _ := newGroup(t, 9, bbb.WithCheckers(fixed("test", values)))
	counts := drawn(t, g, 3000, bbb.Criteria{})
	assert.Len(t, counts, 6, "%v", counts)
	for name, n := range counts {
		assert.InDelta(t, 0.7, values[name], 0, name)
		assert.InDelta(t, 500, n, 120, "%s: %v", name, counts)
	}
}

// The busier of two servers is never preferred, and factors that differ by the order
// of their multiplication alone are equal.
func TestBetterScoreWins(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 3, bbb.WithCheckers(
		fixed("a", map[string]float64{"bbb1": 0.1, "bbb2": 0.3, "bbb3": 0.7}),
		fixed("b", map[string]float64{"bbb1": 0.3, "bbb2": 0.7, "bbb3": 0.1}),
		fixed("c", map[string]float64{"bbb1": 0.7, "bbb2": 0.1, "bbb3": 0.3}),
	))
	assert.Len(t, drawn(t, g, 200, bbb.Criteria{}), 3)

	g, fakes := newGroup(t, 2)
	for i := range 4 {
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: fmt.Sprint("busy", i)})
	}
	require.NoError(t, g.Refresh(t.Context()))
	assert.Equal(t, map[string]int{"bbb2": 50}, drawn(t, g, 50, bbb.Criteria{}))
}

// A server with a factor of 0 is never chosen, even if all have one.
func TestZeroIsNeverChosen(t *testing.T) {
	t.Parallel()
	values := map[string]float64{"bbb1": 0, "bbb2": math.NaN(), "bbb3": -1}
	g, fakes := newGroup(t, 3, bbb.WithExtraCheckers(fixed("night", values)))
	_, err := g.SelectServer(t.Context(), bbb.Criteria{})
	require.ErrorIs(t, err, bbb.ErrNoServer)
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb1", "bbb2", "bbb3"}, ge.Names())
	assert.Equal(t, "bbb: create: no server available: bbb1: night: as the test says; "+
		"bbb2: night: as the test says; bbb3: night: as the test says", err.Error())
	assert.Zero(t, requests(fakes, "create"))

	values["bbb2"] = 1e-9
	assert.Equal(t, map[string]int{"bbb2": 20}, drawn(t, g, 20, bbb.Criteria{}))
	values["bbb1"], values["bbb3"] = 7, math.Inf(1)
	assert.Len(t, drawn(t, g, 50, bbb.Criteria{}), 2, "more than 1 is 1")
}

// Why each server was ruled out is in the error, also of those that were tried.
func TestNoServerSaysWhy(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 4)
	server(t, g, "bbb1").SetMode(bbb.ModeDraining)
	server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
	fakes[2].SetDown(true)
	require.Error(t, noted(t, server(t, g, "bbb3").Refresh(t.Context())))
	fakes[3].Inject(bbbtest.Fault{Call: "create", Status: 404})
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	ge := groupError(t, err)
	assert.Equal(t, []string{"bbb1", "bbb2", "bbb3", "bbb4"}, ge.Names())
	for i, want := range []string{"draining", "disabled", "unstable", "not supported"} {
		if i == 3 {
			require.ErrorIs(t, ge.Servers[i].Err, bbb.ErrNotSupported)
			continue
		}
		assert.ErrorContains(t, ge.Servers[i].Err, want)
	}

	empty := newEmptyGroup(t)
	_, err = empty.SelectServer(t.Context(), bbb.Criteria{})
	require.ErrorIs(t, err, bbb.ErrNoServer)
	assert.Empty(t, empty.Rank(t.Context(), bbb.Criteria{}).Servers)
	require.NoError(t, empty.Close(context.Background()))
	_, err = empty.SelectServer(t.Context(), bbb.Criteria{})
	require.ErrorIs(t, err, bbb.ErrClosed)
}

// A ranking is the whole decision as data.
func TestRankingIsData(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		night := func(s *bbb.Server, c bbb.Criteria) bbb.Factor {
			return bbb.Factor{Value: 0.5, Reason: fmt.Sprintf("%s at night, for %d, %v", s.Name(), c.Size, c.Params == nil)}
		}
		fakes := newFakes(t, 3)
		g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)), bbb.WithExtraCheckers(night))
		for i, f := range fakes {
			addServer(t, g, f, bbb.WithWeight(float64(i+1)), bbb.WithCapacity(1, 0), bbb.WithLabels(bbb.Labels{"region": "eu"}))
		}
		create(t, g, "room")
		require.NoError(t, g.Refresh(t.Context()))
		wait(t, 12*time.Second)
		quiet(fakes)

		r := g.Rank(t.Context(), bbb.Criteria{Placement: bbb.Placement{Size: 40, Prefer: bbb.Labels{"gpu": ""}}})
		assert.Zero(t, requests(fakes, "*"), "nobody is asked")
		assert.Equal(t, "school", r.Group)
		assert.Equal(t, time.Now(), r.Time)
		assert.Empty(t, r.Chosen)
		require.Len(t, r.Servers, 3)
		for i, s := range r.Servers {
			product := 10.0
			names := make([]string, len(s.Factors))
			for j, f := range s.Factors {
				product *= f.Value
				names[j] = f.Checker
			}
			assert.InDelta(t, product, s.Score, 1e-12, s.Server)
			assert.Equal(t, []string{"state", "labels", "capacity", "load", "machine", "slow start", "freshness", "checker 8"}, names)
			assert.Equal(t, s.Server+" at night, for 40, true", s.Factors[7].Reason)
			assert.Equal(t, "lacks the preferred gpu", s.Factors[1].Reason)
			assert.InDelta(t, 0.25, s.Factors[1].Value, 0)
			assert.Equal(t, 12*time.Second, s.Factors[3].Age, "how old what is known of the load is")
			if i > 0 {
				assert.LessOrEqual(t, s.Score, r.Servers[i-1].Score, "the best first")
			}
		}
		last := r.Servers[2]
		assert.Equal(t, holder(t, fakes, "room").Name(), last.Server, "it has as many meetings as it may")
		assert.Zero(t, last.Score)
		assert.Equal(t, "capacity: 1 of 1 meetings", last.RuledOut())
		assert.Empty(t, r.Servers[0].RuledOut())
		assert.Equal(t, 1, last.Load.Meetings)

		text, err := json.Marshal(r)
		require.NoError(t, err)
		var back bbb.Ranking
		require.NoError(t, json.Unmarshal(text, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		assert.JSONEq(t, string(text), string(again))
		assert.Contains(t, string(text), `"age":"12s"`)
		assert.Equal(t, 3, strings.Count(r.String(), "\n"))
		assert.Contains(t, r.String(), "checker 8 0.5 (bbb")
		assert.Contains(t, r.String(), "  "+last.Server+"     out  capacity: 1 of 1 meetings\n")
	})
}

// The observer gets the decision of every create with its reasons, and the log a line.
func TestDecisionsAreTold(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []bbb.RankingEvent
	log, lines := logged(t)
	g, fakes := newGroup(t, 3, log, bbb.WithObserver(bbb.Observer{Ranked: func(e bbb.RankingEvent) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, e)
	}}))
	fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 403})
	fakes[1].Inject(bbbtest.Fault{Call: "create", Status: 403})
	m := create(t, g, "room")
	require.NotEmpty(t, events)
	last := events[len(events)-1]
	assert.Equal(t, "bbb3", last.Ranking.Chosen)
	assert.Equal(t, "room", last.MeetingID)
	assert.Equal(t, len(events), last.Attempt)
	for i, e := range events {
		chosen := e.Ranking.Servers[slices.IndexFunc(e.Ranking.Servers, func(s bbb.RankedServer) bool { return s.Server == e.Ranking.Chosen })]
		assert.InDelta(t, e.Ranking.Servers[0].Score, chosen.Score, 1e-12)
		refused := 0
		for _, s := range e.Ranking.Servers {
			if s.Refused != "" {
				assert.Zero(t, s.Score)
				assert.Contains(t, s.RuledOut(), "403")
				refused++
			}
		}
		assert.Equal(t, i, refused)
	}
	said := lines.with("server chosen")
	require.Len(t, said, len(events))
	assert.Equal(t, "bbb3", said[len(said)-1]["server"])
	assert.Equal(t, "room", said[0]["meeting"])
	assert.Contains(t, said[0], "factors")

	_, err := m.Refresh(t.Context())
	require.NoError(t, err)
	assert.True(t, create(t, g, "room").Existed())
	assert.Len(t, events, last.Attempt, "a meeting that exists is not placed")

	events = nil
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Require: bbb.Labels{"region": "mars"}}})
	require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	require.Len(t, events, 1, "that none can take it is told as well")
	assert.Empty(t, events[0].Ranking.Chosen)
	assert.NotEmpty(t, events[0].Ranking.Servers[0].RuledOut())
	assert.Len(t, lines.with("no server can take the meeting"), 1)
}

// A checker sees the parameters of the create.
func TestCheckersSeeTheParameters(t *testing.T) {
	t.Parallel()
	check := func(s *bbb.Server, c bbb.Criteria) bbb.Factor {
		if c.Params != nil && c.Params.Record != nil && *c.Params.Record && s.Name() != "bbb2" {
			return bbb.Factor{Checker: "recording", Reason: "does not record"}
		}
		return bbb.Factor{Value: 1}
	}
	g, fakes := newGroup(t, 3, bbb.WithExtraCheckers(check))
	for i := range 5 {
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: fmt.Sprint("room", i), Name: "Physics", Record: new(true)})
		require.NoError(t, err)
	}
	assert.Len(t, fakes[1].Meetings(), 5)
}

// Choices takes the best of a few drawn by weight: with as many as there are it is
// Best, with one it is chance by weight.
func TestChoices(t *testing.T) {
	t.Parallel()
	values := map[string]float64{"bbb1": 1, "bbb2": 0.9, "bbb3": 0.8, "bbb4": 0}
	fakes := newFakes(t, 4)
	group := func(k int) *bbb.Group {
		g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)), bbb.WithCheckers(fixed("test", values)), bbb.WithSelection(bbb.Choices(k)))
		for i, f := range fakes {
			addServer(t, g, f, bbb.WithWeight([]float64{1, 2, 3, 100}[i]))
		}
		return g
	}
	for _, k := range []int{-1, 0, 1} {
		counts := drawn(t, group(k), 3000, bbb.Criteria{})
		for name, want := range map[string]int{"bbb1": 500, "bbb2": 1000, "bbb3": 1500, "bbb4": 0} {
			assert.InDelta(t, want, counts[name], 165, "k=%d %s: %v", k, name, counts) // six standard deviations
		}
	}
	// Of two, the best wins: bbb1 whenever it is drawn, bbb3 never.
	counts := drawn(t, group(2), 3000, bbb.Criteria{})
	assert.Zero(t, counts["bbb3"])
	first := 1./6 + 2./6*(1./4) + 3./6*(1./3)
	assert.InDelta(t, 3000*first, counts["bbb1"], 165, "%v", counts)
	for _, k := range []int{3, 4, 100} {
		assert.Equal(t, map[string]int{"bbb1": 100}, drawn(t, group(k), 100, bbb.Criteria{}))
	}
}

// A Selection that takes what is not there is an error, not a panic.
func TestBrokenSelection(t *testing.T) {
	t.Parallel()
	for _, i := range []int{-1, 2} {
		g, fakes := newGroup(t, 2, bbb.WithSelection(func([]bbb.Candidate) int { return i }))
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		require.ErrorContains(t, err, fmt.Sprintf("the Selection took number %d of 2", i))
		_, err = g.SelectServer(t.Context(), bbb.Criteria{})
		require.ErrorIs(t, err, bbb.ErrNoServer)
		assert.Zero(t, requests(fakes, "create"))
	}
}

// A hundred creates at one moment do not fall on the server that is best at that
// moment: each sees what those before it took.
func TestCreatesAtOnceSpread(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 4)
	require.NoError(t, g.Refresh(t.Context()))
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			assert.NoError(t, noted(t, err))
		})
	}
	wg.Wait()
	for _, f := range fakes {
		assert.Len(t, f.Meetings(), 25, f.Name())
	}
}

// Seats that were held for a create that failed are free again, and those of one
// whose outcome is unknown are not.
func TestSeatsOfFailedCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		s := server(t, g, "bbb1")
		heal := fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 403})
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		assert.Zero(t, s.Load().Seats())
		heal()

		heal = fakes[0].Inject(bbbtest.Fault{Call: "create", Hang: true})
		_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		var e *bbb.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 1, s.Load().Meetings)
		heal()
		create(t, g, e.MeetingID)
		assert.Equal(t, 1, s.Load().Meetings, "it is the same one")
		require.NoError(t, g.EndMeeting(t.Context(), e.MeetingID, ""))
		assert.Zero(t, s.Load().Seats())
	})
}

// Whatever goes wrong in the code of others, the seats of a create that did not
// happen are free again.
func TestSeatsSurvivePanics(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1, bbb.WithObserver(bbb.Observer{Ranked: func(bbb.RankingEvent) { panic("an observer of a test") }}))
	for _, id := range []string{"", "room"} {
		assert.Panics(t, func() { _, _ = g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Physics"}) })
		assert.Zero(t, server(t, g, "bbb1").Load().Seats())
	}
	assert.Zero(t, requests(fakes, "create"))
}
