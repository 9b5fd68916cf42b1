package bbb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRefreshReadsTheMachines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 3)
		for i, percent := range []float64{20, 50, 80} {
			m.busy(fakes[i].Name(), percent)
		}
		createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics"})
		start := time.Now()
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		assert.Equal(t, time.Second, time.Since(start), "all at the same time")
		assert.Equal(t, []string{"physics"}, ids(g.CachedMeetings(t.Context())))
		for i, want := range []float64{0.2, 0.5, 0.8} {
			s := server(t, g, fakes[i].Name())
			assert.InDelta(t, want, cpuOf(s), 1e-9)
			require.NotNil(t, s.CachedSysStat(t.Context()))
			assert.Equal(t, 8, s.CachedSysStat(t.Context()).CPUs)
			st := g.Stats().Servers[i]
			require.NotNil(t, st.Machine)
			assert.InDelta(t, want, st.Machine.CPU, 1e-9)
		}

		s := server(t, g, "bbb1")
		m.busy("bbb1", 60)
		fakes[0].EndMeeting("physics")
		require.NoError(t, noted(t, s.Refresh(t.Context())))
		assert.InDelta(t, 0.6, cpuOf(s), 1e-9)
		assert.Len(t, m.read("bbb2"), 1)

		// That sadf has nothing is no failure: /proc has.
		m.change("bbb1", func(st *bbbtest.MachineState) { st.SysStat = bbbtest.SysStatMissing })
		require.NoError(t, noted(t, s.Refresh(t.Context())))
		assert.Equal(t, bbb.SourceProc, s.CachedSysStat(t.Context()).Source)
		assert.InDelta(t, 0.6, cpuOf(s), 1e-9)
	})
}

// A machine that hangs delays neither what its own server says nor what the others and
// their machines do, and both its failure and that of a server are told.
func TestRefreshBesideASlowMachine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 3)
		m.change("bbb1", func(st *bbbtest.MachineState) { st.Hang = true })
		for i, id := range []string{"physics", "chemistry", "biology"} {
			createOn(t, fakes[i], bbb.CreateParams{MeetingID: id})
		}
		fakes[2].SetDown(true)
		start := time.Now()
		var err error
		done := after(func() { err = g.Refresh(t.Context()) })
		wait(t, 1001*time.Millisecond)
		assert.Equal(t, []string{"physics", "chemistry"}, ids(g.CachedMeetings(t.Context())))
		assert.Negative(t, cpuOf(server(t, g, "bbb1")))
		assert.Positive(t, cpuOf(server(t, g, "bbb2")))
		assert.Positive(t, cpuOf(server(t, g, "bbb3")))
		<-done
		assert.Equal(t, bbb.DefaultSysStatTimeout, time.Since(start))
		assert.Equal(t, []string{"getMeetings on bbb3", "sysstat on bbb1"}, failedCalls(t, err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		ge := groupError(t, err)
		assert.Equal(t, "getMeetings", ge.Call, "the first one")
		assert.Equal(t, 3, ge.Asked)
		assert.Equal(t, []string{"bbb3"}, ge.Names())

		// Whoever does not want to wait that long says so.
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		start = time.Now()
		require.ErrorIs(t, noted(t, g.Refresh(ctx)), context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(start))
		assert.Zero(t, m.underWay())
	})
}

func TestRefreshOfAServerTellsBothFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 1)
		s := server(t, g, "bbb1")
		m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = true })
		assert.Equal(t, []string{"sysstat"}, failedCalls(t, s.Refresh(t.Context())))
		_, plain := noted(t, s.Refresh(t.Context())).(*bbb.Error) //nolint:errorlint // the type itself is the point
		assert.True(t, plain, "alone it is as it is")
		assert.Equal(t, []string{"sysstat on bbb1"}, failedCalls(t, g.Refresh(t.Context())))
		assert.Equal(t, "sysstat", groupError(t, g.Refresh(t.Context())).Call)
		fakes[0].SetDown(true)
		assert.Equal(t, []string{"getMeetings", "sysstat"}, failedCalls(t, s.Refresh(t.Context())))
		assert.Equal(t, []string{"getMeetings on bbb1", "sysstat on bbb1"}, failedCalls(t, g.Refresh(t.Context())))
		m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = false })
		assert.Equal(t, []string{"getMeetings"}, failedCalls(t, s.Refresh(t.Context())))
		assert.Equal(t, []string{"getMeetings on bbb1"}, failedCalls(t, g.Refresh(t.Context())))

		require.NoError(t, g.Close(t.Context()))
		runs := m.list["bbb1"].Runs()
		require.ErrorIs(t, noted(t, g.Refresh(t.Context())), bbb.ErrClosed)
		require.ErrorIs(t, noted(t, s.Refresh(t.Context())), bbb.ErrClosed)
		assert.Equal(t, runs, m.list["bbb1"].Runs())
	})
}

// ssh that fails everywhere, for hours, says nothing of the servers: they stay online,
// and get meetings.
func TestMachinesSayNothingOfHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _, m := newMachineGroup(t, 3)
		for name := range m.list {
			m.change(name, func(st *bbbtest.MachineState) { st.Down = true })
		}
		for range 10 {
			require.ErrorIs(t, noted(t, g.Refresh(t.Context())), bbb.ErrSSH)
			wait(t, time.Minute)
		}
		for s := range g.Servers() {
			assert.Equal(t, online, s.State())
			assert.Zero(t, s.Health().Failures)
			f := factor(t, g, bbb.Criteria{}, s.Name(), "machine")
			assert.InDelta(t, 1, f.Value, 0)
			assert.Equal(t, "not known", f.Reason)
		}
		assert.False(t, g.Stats().Suspected)
		for range 9 {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, noted(t, err))
		}
		for s := range g.Servers() {
			assert.Equal(t, 3, s.Load().Meetings)
		}
	})
}

// A server that is offline gets no meeting, so nobody waits for its machine; one that
// is disabled is left alone; one that does not want it is not read.
func TestMachinesThatRefreshLeavesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMachines(5)
		fakes := newFakes(t, 5)
		g := newEmptyGroup(t, bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}), bbb.WithRunner(m))
		for i, f := range fakes {
			opts := []bbb.ServerOption{bbb.WithSSH(bbb.SSH{})}
			switch i {
			case 3:
				opts = []bbb.ServerOption{bbb.WithSSH(bbb.SSH{NoSysStat: true})}
			case 4:
				opts = nil
			}
			addServer(t, g, f, opts...)
		}
		server(t, g, "bbb1").SetMode(bbb.ModeDisabled)
		fakes[1].SetDown(true)
		for range 3 {
			require.Error(t, noted(t, g.Refresh(t.Context())))
		}
		assert.Equal(t, offline, server(t, g, "bbb2").State())
		require.ErrorIs(t, noted(t, g.Refresh(t.Context())), bbb.ErrOffline)
		for name, want := range map[string]int{"bbb1": 0, "bbb2": 3, "bbb3": 4, "bbb4": 0, "bbb5": 0} {
			assert.Len(t, m.read(name), want, name)
		}
		for _, name := range []string{"bbb4", "bbb5"} {
			require.NoError(t, server(t, g, name).Refresh(t.Context()))
			assert.Empty(t, m.read(name))
			assert.Nil(t, server(t, g, name).CachedSysStat(t.Context()))
			assert.Empty(t, factor(t, g, bbb.Criteria{}, name, "machine").Reason)
			_, err := server(t, g, name).SysStat(t.Context())
			require.NoError(t, noted(t, err), "asked for by name it is read")
			assert.NotNil(t, server(t, g, name).CachedSysStat(t.Context()))
		}

		// When all seem to be offline it is rather us, and all are worth a try.
		for _, f := range fakes {
			f.SetDown(true)
		}
		for range 20 {
			wait(t, 10*time.Second)
			require.Error(t, noted(t, g.Refresh(t.Context())))
		}
		assert.NotEmpty(t, m.read("bbb2"))
	})
}

// A hundred machines, but no hundred processes.
func TestRefreshReadsSomeMachinesAtATime(t *testing.T) {
	t.Parallel()
	for workers, want := range map[int]int{64: 32, 4: 4} {
		synctest.Test(t, func(t *testing.T) {
			g, _, m := newMachineGroup(t, 100, bbb.WithWorkers(workers))
			require.NoError(t, noted(t, g.Refresh(t.Context())))
			assert.Equal(t, want, m.most)
			for name := range m.list {
				assert.Len(t, m.read(name), 1)
			}
		})
	}
}

// Programs that read their configuration anew remove servers and add them again. The
// busy machine got all meetings then, until it was read once more.
func TestMachineOfAServerThatIsAddedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 2)
		m.busy("bbb1", 95)
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		report := server(t, g, "bbb1").CachedSysStat(t.Context())
		for _, f := range fakes {
			require.True(t, g.Remove(f.Name()))
			addServer(t, g, f)
		}
		assert.Same(t, report, server(t, g, "bbb1").CachedSysStat(t.Context()))
		assert.Equal(t, []int{0, 20}, share(t, g, fakes, 20))
	})
}
