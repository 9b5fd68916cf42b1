package bbb_test

import (
	"fmt"
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
				assert.InDelta(t, 0.1, f.Value, 0)
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
		want  int // after one that failed before
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
		"bad parameters":     {failed("validationError"), 1},
		"taken":              {failed("idNotUnique"), 1},
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
				wait(t, 10*time.Second)
				try(c.fault)
				assert.Equal(t, c.want, s.Health().CreateFailures)
				assert.Equal(t, name == "no connection", s.Health().Failures > 0)
			})
		})
	}
}

// Fifty creates that hang together are one failure, and so is a meeting that fails
// again and again: it may be at fault itself.
func TestFailedCreatesThatAreOne(t *testing.T) {
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
		heal()
		create(t, s, "physics")
		assert.Zero(t, s.Health().CreateFailures)

		defer fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500})()
		for range 10 {
			_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "poison", Name: "Physics"})
			require.Error(t, noted(t, err))
			wait(t, time.Minute)
		}
		assert.Equal(t, 1, s.Health().CreateFailures)
	})
}

// One tenant creates a meeting again and again that every server fails on. Those of
// the others, which can have only one of the servers, are created all the same.
func TestPoisonousMeeting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pool := func(s *bbb.Server, _ bbb.Criteria) bbb.Factor {
			if s.Name() == "bbb1" {
				return bbb.Factor{Checker: "pool", Value: 1}
			}
			return bbb.Factor{Checker: "pool", Reason: "not in this pool"}
		}
		g, fakes := newGroup(t, 2, bbb.WithExtraCheckers(pool))
		for i := range 60 {
			if i%10 == 0 {
				heal := fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500, Times: 1})
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				require.Error(t, noted(t, err))
				heal()
			}
			create(t, g, fmt.Sprintf("lesson %d", i))
			wait(t, time.Second)
		}
	})
}

// Creates fail on a server that answers everything else. The meeting whose create had
// an unknown outcome there was bound to it for ten minutes, although the server listed
// all that time that it does not have it.
func TestUnknownOutcomeOnAServerWhereCreatesFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		var heal []func()
		for _, f := range fakes {
			heal = append(heal, f.Inject(bbbtest.Fault{Call: "create", Status: 500}))
		}
		_, err := g.CreateMeeting(t.Context(), physics)
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		bad, _ := sentTo(t, fakes)
		for i, f := range fakes {
			if f != bad {
				heal[i]()
			}
		}
		start := time.Now()
		for {
			wait(t, 5*time.Second)
			m, err := g.CreateMeeting(t.Context(), physics)
			if err == nil {
				assert.NotEqual(t, bad.Name(), m.Server().Name())
				break
			}
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			require.Less(t, time.Since(start), 2*time.Minute)
		}
		assert.GreaterOrEqual(t, time.Since(start), 8*bbb.DefaultRequestTimeout-5*time.Second, "long after that create must have ended")
	})
}

// The same, seen from outside a decision, by a program that asks the checker itself.
func TestCheckStateByItself(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	defer fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 500})()
	_, err := server(t, g, "bbb1").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.Error(t, noted(t, err))
	assert.InDelta(t, 0.1, bbb.CheckState(server(t, g, "bbb1"), bbb.Criteria{}).Value, 0)
}
