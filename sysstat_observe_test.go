package bbb_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readings keeps what an observer is told of machines.
type readings struct {
	mu   sync.Mutex // protects list
	list []bbb.SysStatEvent
}

func (r *readings) option(t testing.TB) bbb.GroupOption {
	return bbb.WithObserver(observing(t, bbb.Observer{SysStatDone: func(_ context.Context, e bbb.SysStatEvent) {
		suite.err(t.Name(), e.Err)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.list = append(r.list, e)
	}}))
}

func TestObserverOfMachines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var r readings
		g, _, m := newMachineGroup(t, 1, r.option(t))
		s := server(t, g, "bbb1")
		start := time.Now()
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		require.Len(t, r.list, 1)
		e := r.list[0]
		assert.Same(t, s.CachedSysStat(t.Context()), e.Report, "it is kept by then")
		e.Report = nil
		assert.Equal(t, bbb.SysStatEvent{Group: "school", Server: "bbb1", Start: start, Duration: time.Second}, e)

		m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = true })
		_, err := s.SysStat(t.Context())
		require.ErrorIs(t, noted(t, err), bbb.ErrSSH)
		require.Len(t, r.list, 2)
		assert.Nil(t, r.list[1].Report)
		assert.Equal(t, err, r.list[1].Err, "the error itself")

		require.NoError(t, g.Close(t.Context()))
		_, err = s.SysStat(t.Context())
		require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
		assert.Len(t, r.list, 2, "nothing was read")
	})
}

// A machine is read for ever, and one that cannot be is no news after the first time,
// for each of them; nor is one that can be.
func TestLogOfMachines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt, log := logged(t)
		g, _, m := newMachineGroup(t, 2, opt)
		stop := running(t, g, 10*time.Second)
		for range 3 {
			m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = true })
			wait(t, 20*time.Minute)
			m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = false })
			wait(t, 20*time.Minute)
		}
		stop()
		begun := atLevel(log, "machine could not be read", "WARN")
		assert.Len(t, begun, 3)
		for _, line := range begun {
			assert.Equal(t, "bbb1", line["server"])
			assert.Contains(t, line["error"], "sysstat on bbb1: ")
		}
		assert.NotEmpty(t, atLevel(log, "machine could not be read", "DEBUG"))
		over := atLevel(log, "machine can be read again", "INFO")
		assert.Len(t, over, 3)
		for _, line := range over {
			assert.InDelta(t, 0.1, line["cpu"], 1e-9)
			assert.Equal(t, "sadf", line["source"])
		}
		assert.NotEmpty(t, atLevel(log, "machine was read", "DEBUG"))
		for _, level := range []string{"INFO", "WARN", "ERROR"} {
			assert.Empty(t, atLevel(log, "machine was read", level))
		}
		assert.Empty(t, log.with("ssh command"), "the reading is told, not how it is done")
	})
}

// Whoever gives up waiting is not the machine's fault.
func TestLogOfImpatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt, log := logged(t)
		g, _, m := newMachineGroup(t, 1, opt)
		m.change("bbb1", func(st *bbbtest.MachineState) { st.Latency = 5 * time.Second })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.Error(t, noted(t, g.Refresh(ctx)))
		assert.Empty(t, atLevel(log, "machine could not be read", "WARN"))
		assert.Len(t, atLevel(log, "machine could not be read", "DEBUG"), 1)
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		assert.Empty(t, log.with("machine can be read again"))
	})
}

// Why sadf gives nothing is told once, until it changes. The first minutes of a day
// are no change.
func TestLogOfSysstat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opt, log := logged(t)
		g, _, m := newMachineGroup(t, 1, opt)
		for _, how := range []bbbtest.SysStat{
			bbbtest.SysStatWorks, bbbtest.SysStatEmpty, bbbtest.SysStatWorks,
			bbbtest.SysStatMissing, bbbtest.SysStatDisabled, bbbtest.SysStatEmpty, bbbtest.SysStatDisabled, bbbtest.SysStatWorks,
		} {
			m.change("bbb1", func(st *bbbtest.MachineState) { st.SysStat = how })
			for range 3 {
				require.NoError(t, noted(t, g.Refresh(t.Context())))
			}
		}
		var problems []any
		for _, line := range atLevel(log, "sysstat gives nothing, /proc is read instead", "INFO") {
			assert.Equal(t, "bbb1", line["server"])
			problems = append(problems, line["problem"])
		}
		require.Len(t, problems, 2)
		assert.Contains(t, problems[0], bbb.ErrSadfMissing.Error())
		assert.Contains(t, problems[1], bbb.ErrSadfDisabled.Error())
		assert.Len(t, atLevel(log, "sysstat works now", "INFO"), 1)
		assert.Empty(t, log.with("machine could not be read"))
	})
}
