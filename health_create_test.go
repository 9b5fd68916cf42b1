package bbb_test

import (
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

// stateFactor returns what CheckState says of a server.
func stateFactor(t testing.TB, g *bbb.Group, name string) bbb.Factor {
	t.Helper()
	return factor(t, g, bbb.Criteria{}, name, "state")
}

func failed(key string) bbbtest.Fault {
	return bbbtest.Fault{Call: "create", Body: "<response><returncode>FAILED</returncode><messageKey>" + key + "</messageKey></response>"}
}

// A server listed its meetings and created none. It was empty, so it was the best one
// for each new meeting, and each good poll made up for the create that had failed.
func TestCreatesFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		require.NoError(t, g.Refresh(t.Context()))
		s := server(t, g, "bbb1")
		heal := fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500})
		try := func() error {
			_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			return noted(t, err)
		}
		for i, pause := range []int{10, 20, 40, 80, 160, 300, 300} {
			require.Error(t, try())
			failures := i + 1
			h := s.Health()
			assert.Equal(t, failures, h.CreateFailures)
			assert.True(t, time.Now().Equal(h.CreateFailedAt))
			assert.Zero(t, h.Failures)
			next := time.Now().Add(time.Duration(pause) * time.Second)
			for wait(t, time.Second); time.Now().Before(next); wait(t, 5*time.Second) {
				require.NoError(t, s.Refresh(t.Context()))
				f := stateFactor(t, g, "bbb1")
				assert.Zero(t, f.Value)
				assert.Equal(t, fmt.Sprintf("creates fail, %d in a row, next try in %v", failures, time.Until(next)), f.Reason)
				assert.Equal(t, time.Since(h.CreateFailedAt), f.Age)
			}
			f := stateFactor(t, g, "bbb1")
			assert.InDelta(t, 0.5, f.Value, 0)
			assert.Equal(t, fmt.Sprintf("creates fail, %d in a row", failures), f.Reason)
		}
		assert.Empty(t, n.states, "its meetings are safe")
		heal()
		require.NoError(t, try())
		assert.Zero(t, s.Health().CreateFailures)
		assert.Zero(t, s.Health().CreateFailedAt)
		assert.Equal(t, bbb.Factor{Checker: "state", Value: 1}, stateFactor(t, g, "bbb1"))
	})
}

// What counts as a create that failed on the server, and what the server is asked for
// in vain.
func TestWhatCountsAsAFailedCreate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault bbbtest.Fault
		want  int // after one that failed before: 0 is an answer
	}{
		"time-out":           {bbbtest.Fault{Call: "create", Hang: true}, 2},
		"error":              {bbbtest.Fault{Call: "create", Status: 500}, 2},
		"error page":         {bbbtest.Fault{Call: "create", HTML: true}, 2},
		"broken off":         {bbbtest.Fault{Call: "create", Drop: true}, 2},
		"kept from it":       {bbbtest.Fault{Call: "create", Status: 403}, 2},
		"no such call":       {bbbtest.Fault{Call: "create", Status: 404}, 2},
		"too many":           {bbbtest.Fault{Call: "create", Status: 429}, 2},
		"wrong secret":       {failed("checksumError"), 2},
		"balancer":           {failed("internalError"), 2},
		"balancer of nobody": {failed("serverUnavailable"), 2},
		"too large":          {bbbtest.Fault{Call: "create", Status: 413}, 1},
		"bad request":        {bbbtest.Fault{Call: "create", Status: 400}, 1},
		"no connection":      {bbbtest.Fault{Call: "create", Refuse: true}, 1},
		"bad parameters":     {failed("validationError"), 0},
		"taken":              {failed("idNotUnique"), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 3)
				s := server(t, g, "bbb1")
				try := func(f bbbtest.Fault) {
					defer fakes[0].Inject(f)()
					_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", AttendeePW: "attend-7731", ModeratorPW: "moderate-7731"})
					require.Error(t, noted(t, err))
				}
				try(bbbtest.Fault{Call: "create", Status: 500})
				try(c.fault)
				assert.Equal(t, c.want, s.Health().CreateFailures)
				assert.Equal(t, name == "no connection", s.Health().Failures > 0)
			})
		})
	}
}

// Fifty creates that hang together are one failure, and when the pause is over, one
// create tries for all.
func TestOneCreateTries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		require.NoError(t, g.Refresh(t.Context()))
		s := server(t, g, "bbb1")
		heal := fakes[0].Inject(bbbtest.Fault{Call: "create", Hang: true})
		var creates sync.WaitGroup
		for range 50 {
			creates.Go(func() {
				_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				assert.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			})
		}
		creates.Wait()
		assert.Equal(t, 1, s.Health().CreateFailures)
		assert.Equal(t, online, s.State())
		wait(t, 10*time.Second)

		server(t, g, "bbb2").SetMode(bbb.ModeDraining)
		quiet(fakes)
		for range 200 {
			creates.Go(func() {
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				_ = noted(t, err)
			})
			wait(t, 10*time.Millisecond)
		}
		creates.Wait()
		assert.Equal(t, 1, fakes[0].Count("create"))
		assert.Equal(t, 199, fakes[2].Count("create"))
		assert.Equal(t, 2, s.Health().CreateFailures)
		heal()
	})
}

// When no other server can have the meeting, one on which creates fail is better than
// none: it may have been the meetings that were at fault.
func TestCreatesFailEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		require.NoError(t, g.Refresh(t.Context()))
		heal := fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500})
		_, err := server(t, g, "bbb1").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.Error(t, noted(t, err))
		heal()
		assert.Zero(t, stateFactor(t, g, "bbb1").Value)
		for name, change := range map[string]func() func(){
			"the other drains": func() func() {
				server(t, g, "bbb2").SetMode(bbb.ModeDraining)
				return func() { server(t, g, "bbb2").SetMode(bbb.ModeEnabled) }
			},
			"the other is disabled": func() func() {
				server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
				return func() { server(t, g, "bbb2").SetMode(bbb.ModeEnabled) }
			},
			"the other fails": func() func() {
				poll(t, server(t, g, "bbb2"), fakes[1], "F")
				return func() { poll(t, server(t, g, "bbb2"), fakes[1], "ggg") }
			},
			"the other fails as well": func() func() {
				defer fakes[1].Inject(bbbtest.Fault{Call: "create", Status: 500})()
				_, err := server(t, g, "bbb2").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				require.Error(t, noted(t, err))
				return func() { create(t, server(t, g, "bbb2"), "physics") }
			},
		} {
			undo := change()
			f := stateFactor(t, g, "bbb1")
			assert.InDelta(t, 0.1, f.Value, 0, name)
			assert.True(t, strings.HasPrefix(f.Reason, "creates fail, 1 in a row, next try in 10s"), "%s: %s", name, f.Reason)
			undo()
			assert.Zero(t, stateFactor(t, g, "bbb1").Value, name)
		}
		server(t, g, "bbb2").SetMode(bbb.ModeDraining)
		m := create(t, g, "history")
		assert.Equal(t, "bbb1", m.Server().Name())
	})
}

// The same, seen from outside a decision, by a program that asks the checker itself.
func TestCheckStateByItself(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	defer fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500})()
	_, err := server(t, g, "bbb1").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.Error(t, noted(t, err))
	assert.Zero(t, bbb.CheckState(server(t, g, "bbb1"), bbb.Criteria{}).Value)
	server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
	assert.InDelta(t, 0.1, bbb.CheckState(server(t, g, "bbb1"), bbb.Criteria{}).Value, 0)
}
