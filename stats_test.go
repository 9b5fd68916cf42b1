package bbb_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		empty, err := json.Marshal(newEmptyGroup(t).Stats())
		require.NoError(t, err)
		assert.Contains(t, string(empty), `"servers":[]`)

		seen := make([]uint64, len(fakes)) // requests that are not the group's

		// One meeting with people, one that two servers have, and one create each that
		// was refused and that nobody knows the outcome of.
		m := create(t, g, "room")
		at := m.Server().Name()
		on := holder(t, fakes, "room")
		attend(t, on, "room")
		attend(t, on, "room")
		twin := other(t, fakes, on)
		third := other(t, fakes, on, twin)
		createOn(t, on, bbb.CreateParams{MeetingID: "twice"})
		createOn(t, twin, bbb.CreateParams{MeetingID: "twice"})
		for i, f := range fakes {
			if f != third {
				seen[i] = 1
			}
		}
		require.NoError(t, g.Refresh(t.Context()))

		twin.Inject(bbbtest.Fault{Call: "create", Status: 403, Times: 1})
		server(t, g, on.Name()).SetMode(bbb.ModeDraining)
		server(t, g, third.Name()).SetMode(bbb.ModeDraining)
		_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		require.NoError(t, server(t, g, twin.Name()).Refresh(t.Context()))
		twin.Inject(bbbtest.Fault{Call: "create", Hang: true, Times: 1})
		_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		server(t, g, third.Name()).SetMode(bbb.ModeDisabled)
		server(t, g, third.Name()).SetMachineLoad(bbb.MachineLoad{CPU: 0.5})

		st := g.Stats()
		assert.Equal(t, "school", st.Group)
		assert.Equal(t, time.Now(), st.Time)
		require.Len(t, st.Servers, 3)
		assert.Equal(t, 4, st.Meetings, "both halves of the one that is split, and the one that may exist")
		assert.Equal(t, 2, st.People)
		assert.Greater(t, st.Expected, 20.0)
		assert.Equal(t, 2, st.Known)
		assert.Equal(t, 1, st.Splits)
		assert.Equal(t, uint64(1), st.Placed)
		assert.Equal(t, uint64(1), st.Refused)
		assert.Equal(t, uint64(1), st.Unknown)
		assert.Zero(t, st.UnderWay)
		for i, one := range st.Servers {
			s := server(t, g, one.Server)
			assert.Equal(t, fakes[i].Name(), one.Server)
			assert.Equal(t, s.BaseURL(), one.URL)
			assert.Equal(t, s.Health(), one.Health)
			assert.Equal(t, s.Load(), one.Load)
			assert.Equal(t, uint64(len(fakes[i].Requests())), one.Calls+seen[i], one.Server)
			if one.Server == twin.Name() {
				assert.Equal(t, uint64(2), one.Failures)
			} else {
				assert.Zero(t, one.Failures)
			}
			if one.Server == third.Name() {
				assert.InDelta(t, 0.5, one.Machine.CPU, 0)
			} else {
				assert.Nil(t, one.Machine)
			}
			if one.Server == at {
				assert.Equal(t, 2, one.Load.Meetings)
			}
		}

		text, err := json.Marshal(st)
		require.NoError(t, err)
		var back bbb.Stats
		require.NoError(t, json.Unmarshal(text, &back))
		again, err := json.Marshal(back)
		require.NoError(t, err)
		assert.JSONEq(t, string(text), string(again))
		for _, f := range fakes {
			assert.NotContains(t, string(text), f.Secret())
		}
	})
}

// What goes on is counted while it does.
func TestStatsOfCallsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		done := after(func() { assert.Error(t, noted(t, g.Refresh(t.Context()))) })
		wait(t, time.Second)
		st := g.Stats()
		assert.Equal(t, 1, st.Servers[0].UnderWay)
		assert.Positive(t, st.UnderWay)
		<-done
		assert.Zero(t, g.Stats().UnderWay)
		assert.Zero(t, g.Stats().Servers[0].UnderWay)
	})
}

// The meetings of a disabled server are not found, so they are not known either: the
// sums left them out, and Known counted them.
func TestStatsOfADisabledServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
	createOn(t, fakes[1], bbb.CreateParams{MeetingID: "chemistry"})
	require.NoError(t, g.Refresh(t.Context()))
	assert.Equal(t, 2, g.Stats().Known)
	s := server(t, g, "bbb1")
	s.SetMode(bbb.ModeDisabled)
	assert.Equal(t, 1, g.Stats().Known)
	s.SetMode(bbb.ModeEnabled)
	assert.Equal(t, 2, g.Stats().Known)
}
