package bbb_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// However short the interval, a machine is read every half a minute, not in step with
// the others.
func TestRunReadsTheMachines(t *testing.T) {
	t.Parallel()
	const servers, took = 8, 10 * time.Minute
	for interval, pace := range map[time.Duration]time.Duration{
		time.Second: 30 * time.Second, 30 * time.Second: 30 * time.Second, 2 * time.Minute: 2 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			g, fakes, m := newMachineGroup(t, servers)
			start := time.Now()
			stop := running(t, g, interval)
			wait(t, 31500*time.Millisecond)
			for s := range g.Servers() {
				assert.Positive(t, cpuOf(s), "the first round takes half a minute")
			}
			wait(t, took-time.Since(start))
			stop()
			var all []time.Time
			pauses := make(map[time.Duration]bool)
			for name := range m.list {
				at := m.read(name)
				all = append(all, at...)
				assert.InDelta(t, took/pace, len(at), float64(took/pace)/8+1)
				for i := 1; i < len(at); i++ {
					pause := at[i].Sub(at[i-1]) - time.Second // which the login takes
					assert.GreaterOrEqual(t, pause, pace)
					assert.LessOrEqual(t, pause, pace+pace/10)
					pauses[pause] = true
				}
			}
			assert.Greater(t, len(pauses), len(all)/2, "jitter")
			assert.LessOrEqual(t, m.most, servers/2, "spread over the half minute")
			assert.InDelta(t, took/interval, fakes[0].Count("getMeetings"), 1)
		})
	}
}

// Machines that hang delay neither the meetings of their own servers nor the machines
// of others, though there is one worker, and are read less and less often.
func TestRunBesideMachinesThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 6, bbb.WithWorkers(4))
		for _, name := range []string{"bbb1", "bbb2", "bbb3"} {
			m.change(name, func(st *bbbtest.MachineState) { st.Hang = true })
		}
		stop := running(t, g, 5*time.Second)
		wait(t, time.Hour)
		for _, f := range fakes {
			assert.InDelta(t, 720, f.Count("getMeetings"), 1, f.Name())
			assert.Equal(t, online, server(t, g, f.Name()).State())
		}
		for _, name := range []string{"bbb4", "bbb5", "bbb6"} {
			assert.InDelta(t, 110, len(m.read(name)), 5)
		}
		assert.Zero(t, m.twice)
		assert.LessOrEqual(t, m.most, 4)
		at := m.read("bbb1")
		var pauses []time.Duration
		for i := 1; i < len(at); i++ {
			pauses = append(pauses, (at[i].Sub(at[i-1]) - bbb.DefaultSysStatTimeout).Truncate(30*time.Second))
		}
		assert.Equal(t, []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute}, pauses[:4])
		assert.Equal(t, 5*time.Minute, slices.Max(pauses))

		// It is back: at its next turn it is read, and as often as the others.
		for name := range m.list {
			m.change(name, func(st *bbbtest.MachineState) { st.Hang = false })
		}
		wait(t, 6*time.Minute)
		assert.Positive(t, cpuOf(server(t, g, "bbb1")))
		before := len(m.read("bbb1"))
		wait(t, 10*time.Minute)
		stop()
		assert.InDelta(t, 19, len(m.read("bbb1"))-before, 2)
	})
}

// Run ends at once, with what it has under way, also while machines hang and others
// wait for room.
func TestRunEndsWithItsMachines(t *testing.T) {
	t.Parallel()
	for _, byClose := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			opt, log := logged(t)
			g, _, m := newMachineGroup(t, 5, bbb.WithWorkers(2), opt)
			for name := range m.list {
				m.change(name, func(st *bbbtest.MachineState) { st.Hang = true })
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := after(func() { assert.Error(t, noted(t, g.Run(ctx, 6*time.Second))) })
			wait(t, 14*time.Second)
			assert.Equal(t, 2, m.underWay())
			before := time.Now()
			if byClose {
				require.NoError(t, g.Close(t.Context()))
			} else {
				cancel()
			}
			<-done
			assert.Zero(t, time.Since(before))
			assert.Zero(t, m.underWay())
			assert.Empty(t, atLevel(log, "machine could not be read", "WARN"), "whoever leaves is nobody's fault")
		})
	}
}

// Servers come and go, and a Refresh of somebody spares a turn.
func TestRunFollowsTheMachines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 3)
		require.True(t, g.Remove("bbb3"))
		stop := running(t, g, 10*time.Second)
		wait(t, time.Minute)
		assert.Len(t, m.read("bbb1"), 2)
		assert.Empty(t, m.read("bbb3"))

		addServer(t, g, fakes[2])
		server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
		require.True(t, g.Remove("bbb1"))
		at1, at2 := len(m.read("bbb1")), len(m.read("bbb2"))
		wait(t, 2*time.Minute)
		assert.Len(t, m.read("bbb1"), at1, "removed")
		assert.Len(t, m.read("bbb2"), at2, "disabled")
		assert.InDelta(t, 4, len(m.read("bbb3")), 1, "added")
		server(t, g, "bbb2").SetMode(bbb.ModeEnabled)
		addServer(t, g, fakes[0])
		wait(t, 35*time.Second)
		assert.Greater(t, len(m.read("bbb1")), at1, "added again")
		assert.Greater(t, len(m.read("bbb2")), at2, "enabled again")
		assert.Zero(t, m.twice)

		before := len(m.read("bbb3"))
		for range 10 {
			require.NoError(t, server(t, g, "bbb3").Refresh(t.Context()))
			wait(t, 9*time.Second)
		}
		assert.Len(t, m.read("bbb3"), before+10)
		stop()
		before = len(m.read("bbb3"))
		wait(t, 10*time.Minute)
		assert.Len(t, m.read("bbb3"), before, "it is over")
	})
}

// A Run that begins after a Refresh does not read everything again at once, nor does
// one after another.
func TestRunAfterRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _, m := newMachineGroup(t, 10)
		require.NoError(t, g.Refresh(t.Context()))
		for range 3 {
			stop := running(t, g, 10*time.Second)
			wait(t, 9*time.Second)
			stop()
		}
		for name := range m.list {
			assert.Len(t, m.read(name), 1)
		}
	})
}

// Of several processes one reads a machine also when the interval is longer than half a
// minute. Each had read it, since what the others had left was older than that.
func TestProcessesShareLoginsOfLongIntervals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups, m := processes(t, 4, bbb.WithCache(bbb.NewMemoryCache()))
		for _, g := range groups {
			defer running(t, g, 5*time.Minute)()
			wait(t, 73*time.Second)
		}
		before := len(m.read("bbb1"))
		wait(t, time.Hour)
		assert.InDelta(t, 12, len(m.read("bbb1"))-before, 1)
		for _, g := range groups {
			assert.Less(t, time.Since(server(t, g, "bbb1").CachedSysStat(t.Context()).Collected), 11*time.Minute)
		}
	})
}

// A sadf that waits for a dead disk cannot be stopped and stays there when ssh has left.
// Eighty of them an hour made a machine look busier than all others.
func TestRunSparesMachinesWhereSadfIsStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups, m := processes(t, 3, bbb.WithCache(bbb.NewMemoryCache()))
		m.change("bbb1", func(st *bbbtest.MachineState) { st.SysStat = bbbtest.SysStatStuck })
		for _, g := range groups {
			defer running(t, g, 10*time.Second)()
		}
		wait(t, time.Hour)
		assert.InDelta(t, 12, len(m.read("bbb1")), 1)
		assert.InDelta(t, 110, len(m.read("bbb2")), 10)
		m.change("bbb1", func(st *bbbtest.MachineState) { st.SysStat = bbbtest.SysStatWorks })
		wait(t, 6*time.Minute)
		before := len(m.read("bbb1"))
		wait(t, 10*time.Minute)
		assert.InDelta(t, 19, len(m.read("bbb1"))-before, 2, "as often as others again")
	})
}

// atLevel returns the lines of that message and level.
func atLevel(log *records, msg, level string) (found []map[string]any) {
	for _, line := range log.with(msg) {
		if line["level"] == level {
			found = append(found, line)
		}
	}
	return found
}
