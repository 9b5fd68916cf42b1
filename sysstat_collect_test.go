package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
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

// onMachines runs the commands of each server on the machine of its name.
func onMachines(list ...*bbbtest.Machine) bbb.GroupOption {
	return bbb.WithRunner(bbb.RunnerFunc(func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		for _, m := range list {
			if m.Name() == c.Server {
				status, err := m.Run(ctx, c.Argv, c.Stdin, c.Stdout, c.Stderr)
				if err != nil && ctx.Err() == nil {
					err = fmt.Errorf("%w: %w", bbb.ErrSSH, err)
				}
				return status, err
			}
		}
		return 0, bbb.ErrSSH
	}))
}

// oneMachine runs a test in a bubble with one server and its machine.
func oneMachine(t *testing.T, test func(t *testing.T, s *bbb.Server, m *bbbtest.Machine)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		wait(t, time.Hour) // away from midnight
		m := bbbtest.NewMachine("bbb1")
		g, _ := newGroup(t, 1, onMachines(m))
		test(t, server(t, g, "bbb1"), m)
	})
}

// sysStat returns the report of a machine, which must come.
func sysStat(t *testing.T, s *bbb.Server) *bbb.SysStat {
	t.Helper()
	r, err := s.SysStat(t.Context())
	require.NoError(t, noted(t, err))
	require.NotNil(t, r)
	_ = noted(t, r.Err)
	return r
}

func TestSysStat(t *testing.T) {
	t.Parallel()
	oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
		m.Change(func(st *bbbtest.MachineState) {
			st.Latency = time.Second
			st.User, st.System, st.IOWait, st.Steal = 50, 10, 15, 5
			st.Load1, st.Load5, st.Load15, st.RunQueue = 12, 6, 3, 9
			st.MemTotal, st.MemAvailable, st.RxKB, st.TxKB = 1_000_000, 250_000, 512, 2048
			sampled := st.Workload
			sampled.User, sampled.Load1, sampled.TxKB = 40, 4, 1024
			st.Sampled, st.SampleAge, st.SampleInterval, st.CPUs = &sampled, 50*time.Second, time.Minute, 16
		})
		before := time.Now()
		r := sysStat(t, s)
		assert.Equal(t, []any{"bbb1", "Linux", "6.1.0-28-amd64", "x86_64", 16}, []any{r.Host, r.System, r.Release, r.Machine, r.CPUs})
		assert.Equal(t, bbb.SourceSadf, r.Source)
		assert.NoError(t, r.Err)
		assert.Empty(t, r.Problem)
		assert.WithinDuration(t, before.Add(time.Second), r.Collected, 0)
		assert.Zero(t, r.ClockAhead)

		// The machine told its clock half a second after the command began.
		assert.WithinDuration(t, before.Add(-50*time.Second), r.Time, time.Second)
		assert.Equal(t, time.Minute, r.Interval)
		assert.InDelta(t, 51, r.Age().Seconds(), 1)
		assert.InDelta(t, 40, r.CPU[0].User, 0.01)
		assert.InDelta(t, 4, r.Queue.Load1, 0.001)
		assert.EqualValues(t, 250_000, r.Memory.Available)
		assert.NotNil(t, r.IO)
		assert.NotNil(t, r.Kernel)
		assert.NotNil(t, r.Sockets)

		live := r.Live
		require.NotNil(t, live)
		assert.WithinDuration(t, before.Add(500*time.Millisecond), live.Time, time.Second)
		assert.Equal(t, 500*time.Millisecond, live.Interval)
		require.Len(t, live.CPU, 17)
		assert.Equal(t, bbb.CPU{Name: "all", User: 50, System: 10, IOWait: 15, Steal: 5, Idle: 20}, live.CPU[0])
		assert.Equal(t, "15", live.CPU[16].Name)
		assert.InDelta(t, 65, live.CPU[9].Busy(), 3, "to the tick")
		assert.Equal(t, bbb.Queue{RunQueue: 8, Tasks: 300, Load1: 12, Load5: 6, Load15: 3}, *live.Queue)
		assert.EqualValues(t, 1_000_000, live.Memory.Total)
		assert.InDelta(t, 0.75, live.Memory.UsedPart(), 1e-9)
		require.Len(t, live.Network, 2)
		assert.Equal(t, "eth0", live.Network[1].Name)
		assert.InDelta(t, 512, live.Network[1].RxKiB, 0.01)
		assert.InDelta(t, 2048, live.Network[1].TxKiB, 0.01)

		want := bbb.MachineLoad{CPU: 0.55, RunQueue: 0.75, Memory: 0.75, Time: r.Time.Local()}
		assert.Equal(t, want, r.MachineLoad(), "the CPU of sadf, the rest of this moment")
		known, ok := s.MachineLoad()
		assert.True(t, ok)
		assert.Equal(t, want, known, "placement goes by it")
		assert.Same(t, r, s.CachedSysStat(t.Context()))
		assert.Equal(t, 1, m.Runs(), "one round trip")
	})
}

func TestSysStatWithoutSadf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		state bbbtest.SysStat
		class error
		text  string
	}{
		"missing":  {bbbtest.SysStatMissing, bbb.ErrSadfMissing, ""},
		"disabled": {bbbtest.SysStatDisabled, bbb.ErrSadfDisabled, "Cannot open /var/log/sysstat/sa01: No such file"},
		"empty":    {bbbtest.SysStatEmpty, bbb.ErrSadfEmpty, ""},
		"foreign":  {bbbtest.SysStatForeign, bbb.ErrSadfFailed, "File created by sar/sadc from sysstat version 11.6.1"},
		"garbage":  {bbbtest.SysStatGarbage, bbb.ErrSadfAnswer, "<!DOCTYPE html>"},
		"hangs":    {bbbtest.SysStatHangs, bbb.ErrSadfFailed, "did not end"},
		"stuck":    {bbbtest.SysStatStuck, bbb.ErrSadfFailed, "did not end"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
				m.Change(func(st *bbbtest.MachineState) { st.SysStat, st.User, st.System = c.state, 90, 5 })
				r := sysStat(t, s)
				assert.Equal(t, bbb.SourceProc, r.Source)
				require.ErrorIs(t, r.Err, c.class)
				assert.Equal(t, r.Err.Error(), r.Problem)
				assert.Contains(t, r.Problem, c.text)
				assert.NotContains(t, r.Problem, "\n")
				assert.Equal(t, *r.Live, r.Sample)
				assert.Equal(t, 8, r.CPUs)
				assert.Equal(t, "bbb1", r.Host)
				assert.InDelta(t, 0.95, r.MachineLoad().CPU, 1e-9)
				assert.Equal(t, r.Collected, r.MachineLoad().Time)

				// Both gone: then there is nothing to tell.
				m.Change(func(st *bbbtest.MachineState) { st.NoProc = true })
				r, err := s.SysStat(t.Context())
				assert.Nil(t, r)
				require.ErrorIs(t, noted(t, err), bbb.ErrNoReport)
				require.ErrorIs(t, err, c.class)
				assert.NotErrorIs(t, err, bbb.ErrSSH)
				assert.Contains(t, err.Error(), "bbb: sysstat on bbb1: ")
			})
		})
	}
}

func TestSysStatWithoutProc(t *testing.T) {
	t.Parallel()
	oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
		m.Change(func(st *bbbtest.MachineState) {
			st.NoProc, st.SampleAge, st.SampleInterval, st.System, st.Load1 = true, 7*time.Minute, 10*time.Minute, 60, 4
		})
		r := sysStat(t, s)
		assert.Nil(t, r.Live)
		assert.Equal(t, bbb.SourceSadf, r.Source)
		assert.Equal(t, 8, r.CPUs)
		load := r.MachineLoad()
		assert.InDelta(t, 0.68, load.CPU, 1e-9)
		assert.InDelta(t, 0.5, load.RunQueue, 1e-9)
		assert.InDelta(t, 0.25, load.Memory, 0.01)
		assert.WithinDuration(t, r.Collected.Add(-7*time.Minute), load.Time, time.Second, "it is as old as it is")
	})
}

// sysstat collects every ten minutes by default. Placement that went by its newest
// interval would see a machine become busy ten minutes late.
func TestSysStatOfAnOldInterval(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age, interval time.Duration
		cpu           float64
	}{
		"fresh":      {time.Minute, time.Minute, 0.20},
		"just":       {2 * time.Minute, 2 * time.Minute, 0.20},
		"old":        {2*time.Minute + 2*time.Second, time.Minute, 0.90},
		"long":       {10 * time.Second, 10 * time.Minute, 0.90},
		"no time":    {10 * time.Second, 0, 0.90},           // two collections in one second
		"a bit late": {-2 * time.Second, time.Minute, 0.20}, // collected while the script ran
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
				m.Change(func(st *bbbtest.MachineState) {
					st.User, st.System = 90, 0
					st.Sampled, st.SampleAge, st.SampleInterval = &bbbtest.Workload{User: 20}, c.age, c.interval
				})
				r := sysStat(t, s)
				assert.Equal(t, bbb.SourceSadf, r.Source)
				assert.NoError(t, r.Err)
				load := r.MachineLoad()
				assert.InDelta(t, c.cpu, load.CPU, 1e-9)
				assert.False(t, load.Time.After(r.Collected))
				assert.GreaterOrEqual(t, r.Age(), time.Duration(0))
			})
		})
	}
}

// A machine that stopped collecting, or of which the clock was set back, has an interval
// that is the newest one for hours.
func TestSysStatOfAnIntervalThatDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		age  time.Duration
		text string
	}{
		"stopped": {3 * time.Hour, "ended 3h0m0s before"},
		"future":  {-2 * time.Hour, "ends 2h0m0s in the future"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
				m.Change(func(st *bbbtest.MachineState) { st.SampleAge = c.age })
				r := sysStat(t, s)
				assert.Equal(t, bbb.SourceProc, r.Source)
				require.ErrorIs(t, r.Err, bbb.ErrSadfOld)
				assert.Contains(t, r.Problem, c.text)

				m.Change(func(st *bbbtest.MachineState) { st.NoProc = true })
				if c.age < 0 {
					_, err := s.SysStat(t.Context())
					require.ErrorIs(t, noted(t, err), bbb.ErrNoReport)
					require.ErrorIs(t, err, bbb.ErrSadfOld)
					return
				}
				r = sysStat(t, s)
				assert.Equal(t, bbb.SourceSadf, r.Source, "better than nothing, and its age shows")
				assert.InDelta(t, c.age.Seconds(), r.Age().Seconds(), 1)
				assert.WithinDuration(t, r.Collected.Add(-c.age), r.MachineLoad().Time, time.Second)
			})
		})
	}
}

func TestSysStatOfWrongClocks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ skew, latency, want time.Duration }{
		"ahead":       {time.Hour, time.Second, time.Hour},
		"behind":      {-time.Hour, time.Second, -time.Hour},
		"a slow trip": {10 * time.Minute, 8 * time.Second, 10 * time.Minute},
		"a little":    {time.Second, time.Second, 0},
		"hidden":      {3 * time.Second, 8 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
				m.Change(func(st *bbbtest.MachineState) { st.ClockSkew, st.Latency = c.skew, c.latency })
				r := sysStat(t, s)
				assert.InDelta(t, c.want.Seconds(), r.ClockAhead.Seconds(), 1)
				assert.Equal(t, c.want == 0, r.ClockAhead == 0)
				assert.InDelta(t, 30, r.Age().Seconds(), 6)
				assert.Equal(t, bbb.SourceSadf, r.Source)
				assert.WithinDuration(t, r.Collected.Add(-30*time.Second), r.MachineLoad().Time, 6*time.Second, "by our clock")
				was := r.Age()
				wait(t, time.Minute)
				assert.Equal(t, was+time.Minute, r.Age())
			})
		})
	}
}

func TestSysStatThatFails(t *testing.T) {
	t.Parallel()
	oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
		m.Change(func(st *bbbtest.MachineState) { st.Down = true })
		r, err := s.SysStat(t.Context())
		assert.Nil(t, r)
		var e *bbb.Error
		require.ErrorAs(t, noted(t, err), &e)
		assert.Equal(t, []string{"bbb1", "sysstat"}, []string{e.Server, e.Call})
		require.ErrorIs(t, err, bbb.ErrSSH)
		assert.NotErrorIs(t, err, bbb.ErrNoReport)
		assert.Contains(t, err.Error(), "Connection refused")
		assert.Equal(t, bbb.StateOnline, s.State(), "that says nothing of its API")
		assert.Nil(t, s.CachedSysStat(t.Context()))
		_, known := s.MachineLoad()
		assert.False(t, known)

		m.Change(func(st *bbbtest.MachineState) { st.Down, st.Hang = false, true })
		start := time.Now()
		_, err = s.SysStat(t.Context())
		require.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
		assert.Equal(t, bbb.DefaultSysStatTimeout, time.Since(start))
		assert.Contains(t, err.Error(), "no report within 15s")

		// Who does not want to wait longer gets no half report either.
		m.Change(func(st *bbbtest.MachineState) { st.Hang, st.SysStat = false, bbbtest.SysStatStuck })
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		r, err = s.SysStat(ctx)
		assert.Nil(t, r)
		require.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "sysstat", e.Call)
	})
}

func TestSysStatTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := bbbtest.NewMachine("bbb1")
		m.Change(func(st *bbbtest.MachineState) { st.Hang = true })
		g, _ := newGroup(t, 1, onMachines(m), bbb.WithSSH(bbb.SSH{SysStatTimeout: 4 * time.Second}))
		start := time.Now()
		_, err := server(t, g, "bbb1").SysStat(t.Context())
		require.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
		assert.Equal(t, 4*time.Second, time.Since(start))
	})
}

// shellAnswering is a Runner of which sh writes that, whatever it is given.
func shellAnswering(status int, stdout, stderr string) bbb.RunnerFunc {
	return func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		if len(c.Argv) != 1 || c.Argv[0] != "sh" {
			return 0, errors.New("not the command that was expected")
		}
		_, err := io.WriteString(c.Stdout, stdout)
		_, err2 := io.WriteString(c.Stderr, stderr)
		return status, errors.Join(err, err2)
	}
}

func TestSysStatOfNoShell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		run  bbb.RunnerFunc
		text string
	}{
		"nologin": {shellAnswering(1, "This account is currently not available.\n", ""), "status 1: This account is currently not available."},
		"windows": {shellAnswering(255, "", "'sh' is not recognized as an internal or external command,\r\n"), "status 255: 'sh' is not recognized"},
		"silence": {shellAnswering(0, "", ""), "status 0"},
		"another": {shellAnswering(0, "Welcome\n@bbb stat1\ncpu 1 2 3 4 5 6 7 8\n@bbb loadavg\n0.1 0.2 0.3 1/2 3\n", ""), "status 0: Welcome"},
		"begun":   {shellAnswering(137, "\n@bbb begin\n", "Killed"), "sadf failed: it was not asked"},
	} {
		g, _ := newGroup(t, 1, bbb.WithRunner(c.run))
		r, err := server(t, g, "bbb1").SysStat(t.Context())
		assert.Nil(t, r, name)
		require.ErrorIs(t, noted(t, err), bbb.ErrNoReport, name)
		assert.Contains(t, err.Error(), c.text, name)
		assert.NotContains(t, err.Error(), "\n", name)
	}
}

// changedOnTheWay runs commands on a machine of which the answers are changed on their way.
func changedOnTheWay(m *bbbtest.Machine, change func(string) string) bbb.GroupOption {
	return bbb.WithRunner(bbb.RunnerFunc(func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		var out strings.Builder
		status, err := m.Run(ctx, c.Argv, c.Stdin, &out, c.Stderr)
		_, err2 := io.WriteString(c.Stdout, change(out.String()))
		return status, errors.Join(err, err2)
	}))
}

// What sadf gives does not count when nobody can tell of when it is, nor does its status
// without a word.
func TestSysStatOfOddSadf(t *testing.T) {
	t.Parallel()
	parts := regexp.MustCompile(`(?s)(@bbb sadf\n).*(@bbb words\n)status 0`)
	for text, c := range map[string]struct {
		class  error
		change func(string) string
	}{
		"the newest interval of sadf does not count: it has no time": {
			bbb.ErrSadfOld, func(s string) string { return strings.ReplaceAll(s, `"utc": 1`, `"utc": 0`) },
		},
		"sadf failed with status 3": {
			bbb.ErrSadfFailed, func(s string) string { return parts.ReplaceAllString(s, "${1}${2}status 3") },
		},
	} {
		g, _ := newGroup(t, 1, changedOnTheWay(bbbtest.NewMachine("bbb1"), c.change))
		r := sysStat(t, server(t, g, "bbb1"))
		require.ErrorIs(t, r.Err, c.class)
		assert.Equal(t, text, r.Problem)
		assert.Equal(t, bbb.SourceProc, r.Source)
		assert.Equal(t, *r.Live, r.Sample)
	}
}

// Login shells print what they like, and some machines end lines their own way.
func TestSysStatThroughNoise(t *testing.T) {
	t.Parallel()
	m := bbbtest.NewMachine("bbb1")
	m.Change(func(st *bbbtest.MachineState) { st.User, st.System = 60, 15 })
	for name, change := range map[string]func(string) string{
		"none": func(s string) string { return s },
		"motd": func(s string) string {
			return "*** authorized users only ***\n{\"sysstat\": 1}\n@bbb stat1\ncpu 1 2 3 4\n" + s
		},
		"no newline": func(s string) string { return "tty: not a terminal" + s },
		"CRLF":       func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") },
		"farewell":   func(s string) string { return s + "\n@bbb loadavg\n99 99 99 1/1 1\nlogged out\n" },
		"new parts":  func(s string) string { return strings.Replace(s, "\n@bbb uname", "\n@bbb moon\nfull\n@bbb uname", 1) },
	} {
		g, _ := newGroup(t, 1, changedOnTheWay(m, change))
		r := sysStat(t, server(t, g, "bbb1"))
		assert.Equal(t, bbb.SourceSadf, r.Source, name)
		assert.InDelta(t, 60, r.CPU[0].User, 0.01, name)
		assert.Equal(t, "bbb1", r.Host, name)
		require.NotNil(t, r.Live, name)
		assert.InDelta(t, 25, r.Live.CPU[0].Idle, 0.01, name)
		assert.InDelta(t, 0.8, r.Live.Queue.Load1, 0.001, name)
		assert.Equal(t, 500*time.Millisecond, r.Live.Interval, name)
	}
}

func TestGroupSysStat(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var list []*bbbtest.Machine
		for i := range 4 {
			list = append(list, bbbtest.NewMachine(fmt.Sprintf("bbb%d", i+1)))
			list[i].Change(func(st *bbbtest.MachineState) { st.Load1, st.Latency = float64(i), time.Second })
		}
		list[1].Change(func(st *bbbtest.MachineState) { st.Down = true })
		g, fakes := newGroup(t, 4, onMachines(list...))
		server(t, g, "bbb4").SetMode(bbb.ModeDisabled)
		fakes[2].SetDown(true)

		start := time.Now()
		results, err := g.SysStat(t.Context())
		assert.Equal(t, time.Second, time.Since(start), "all at the same time")
		ge := groupError(t, err)
		assert.Equal(t, "sysstat", ge.Call)
		require.Len(t, ge.Servers, 1)
		assert.Equal(t, "bbb2", ge.Servers[0].Server)
		require.ErrorIs(t, err, bbb.ErrSSH)
		require.Len(t, results, 3)
		assert.Equal(t, "bbb1", results[0].Value.Host)
		assert.Nil(t, results[1].Value)
		assert.InDelta(t, 2, results[2].Value.Live.Queue.Load1, 0.001)
		assert.Equal(t, results[2].Value, results[2].Server.CachedSysStat(t.Context()))
		assert.Zero(t, list[3].Runs())

		require.NoError(t, g.Close(t.Context()))
		results, err = g.SysStat(t.Context())
		assert.Nil(t, results)
		require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
		_, err = server(t, g, "bbb1").SysStat(t.Context())
		require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
	})
}

// Reports of one machine that come in at once each are kept, the newest last.
func TestSysStatAtOnce(t *testing.T) {
	t.Parallel()
	oneMachine(t, func(t *testing.T, s *bbb.Server, m *bbbtest.Machine) {
		m.Change(func(st *bbbtest.MachineState) { st.Latency = time.Second })
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				r, err := s.SysStat(t.Context())
				assert.NoError(t, err)
				assert.NotNil(t, r)
			})
		}
		wg.Wait()
		assert.Equal(t, 8, m.Runs())
		assert.NotNil(t, s.CachedSysStat(t.Context()))
	})
}
