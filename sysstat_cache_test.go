package bbb_test

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shiftedClock is the clock of a process that is wrong by so much.
func shiftedClock(by time.Duration) bbb.GroupOption {
	return bbb.WithClock(func() time.Time { return time.Now().Add(by) })
}

// processes returns groups that share a Cache, their servers and the machines of
// these, as several processes do.
func processes(t testing.TB, n int, opts ...bbb.GroupOption) (groups []*bbb.Group, m *machines) {
	t.Helper()
	first, fakes, m := newMachineGroup(t, 2, opts...)
	groups = []*bbb.Group{first}
	for range n - 1 {
		groups = append(groups, newGroupOf(t, fakes, append([]bbb.GroupOption{bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(m)}, opts...)...))
	}
	return groups, m
}

// What one process has read the next one knows, with its true age, without a login.
func TestReportsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		groups, m := processes(t, 1, bbb.WithCache(cache))
		m.busy("bbb1", 95)
		require.NoError(t, noted(t, groups[0].Refresh(t.Context())))
		written := server(t, groups[0], "bbb1").CachedSysStat(t.Context())
		was, _ := server(t, groups[0], "bbb1").MachineLoad()
		wait(t, 4*time.Minute)

		later, _ := newGroup(t, 2, bbb.WithCache(cache), bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(m))
		s := server(t, later, "bbb1")
		_, known := s.MachineLoad()
		assert.False(t, known, "nobody has asked the Cache yet")
		got := s.CachedSysStat(t.Context())
		assert.Equal(t, written.Age(), got.Age())
		sameReport(t, written, got)
		l, known := s.MachineLoad()
		assert.True(t, known)
		assert.True(t, was.Time.Equal(l.Time), "%v %v", was.Time, l.Time)
		l.Time = was.Time
		assert.Equal(t, was, l)
		assert.Contains(t, factor(t, later, bbb.Criteria{}, "bbb1", "machine").Reason, "CPU at 0.95, 4m")
		assert.Len(t, m.read("bbb1"), 1)

		// After ten minutes it counts for nothing, and is not there any more.
		wait(t, 6*time.Minute+2*time.Second)
		last, _ := newGroup(t, 2, bbb.WithCache(cache), bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(m))
		assert.Nil(t, server(t, last, "bbb1").CachedSysStat(t.Context()))
	})
}

// sameReport compares reports but for the way their times are written.
func sameReport(t testing.TB, want, got *bbb.SysStat) {
	t.Helper()
	assert.True(t, want.Collected.Equal(got.Collected))
	assert.True(t, want.Time.Equal(got.Time))
	w, g := *want, *got
	for _, r := range []*bbb.SysStat{&w, &g} {
		r.Collected, r.Time = time.Time{}, time.Time{}
		if r.Live != nil {
			r.Live = new(*r.Live)
			r.Live.Time = time.Time{}
		}
	}
	assert.Equal(t, w, g)
}

// Why sadf gave nothing is known in the other process as well, in the same class.
func TestReportsWithAProblemOutliveTheProcess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups, m := processes(t, 2, bbb.WithCache(bbb.NewMemoryCache()))
		m.change("bbb1", func(st *bbbtest.MachineState) { st.SysStat = bbbtest.SysStatMissing })
		require.NoError(t, noted(t, groups[0].Refresh(t.Context())))
		r := server(t, groups[1], "bbb1").CachedSysStat(t.Context())
		require.NotNil(t, r)
		assert.Equal(t, bbb.SourceProc, r.Source)
		require.ErrorIs(t, r.Err, bbb.ErrSadfMissing)
		assert.Equal(t, r.Problem, r.Err.Error())
	})
}

// The clock of the process that has read it is ahead: what it left is not from the
// future, and as old as it was when it was read. One that is behind makes it older.
func TestReportsOfProcessesWithOtherClocks(t *testing.T) {
	t.Parallel()
	for by, want := range map[time.Duration]time.Duration{
		time.Hour: 0, 90 * time.Second: 0, 0: time.Minute, -time.Minute: 2 * time.Minute,
	} {
		synctest.Test(t, func(t *testing.T) {
			cache := bbb.NewMemoryCache()
			groups, _ := processes(t, 1, bbb.WithCache(cache), shiftedClock(by))
			require.NoError(t, noted(t, groups[0].Refresh(t.Context())))
			l, _ := server(t, groups[0], "bbb1").MachineLoad()
			age := time.Now().Add(by).Sub(l.Time) // of the sample when it was read
			wait(t, time.Minute)
			later, _ := newGroup(t, 2, bbb.WithCache(cache), bbb.WithSSH(bbb.SSH{}))
			r := server(t, later, "bbb1").CachedSysStat(t.Context())
			require.NotNil(t, r)
			assert.Equal(t, want, time.Since(r.Collected), by)
			l, _ = server(t, later, "bbb1").MachineLoad()
			assert.Equal(t, want+age, time.Since(l.Time), by)
			assert.Equal(t, want+age, factor(t, later, bbb.Criteria{}, "bbb1", "machine").Age)
		})
	}
}

// Sixteen processes log in about as often as one, and all know what one of them read,
// also when they are started in the same moment.
func TestProcessesShareLogins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups, m := processes(t, 16, bbb.WithCache(bbb.NewMemoryCache()))
		m.busy("bbb2", 70)
		var stops []func()
		for _, g := range groups {
			stops = append(stops, running(t, g, 10*time.Second))
		}
		wait(t, 40*time.Second)
		for _, g := range groups {
			assert.InDelta(t, 0.7, cpuOf(server(t, g, "bbb2")), 1e-9)
		}
		for range 200 {
			wait(t, 3*time.Second)
			for _, g := range groups {
				r := server(t, g, "bbb2").CachedSysStat(t.Context())
				require.Less(t, time.Since(r.Collected), 75*time.Second)
			}
		}
		for _, name := range []string{"bbb1", "bbb2"} {
			at := m.read(name)
			assert.InDelta(t, 20, len(at), 2)
			for i := 1; i < len(at); i++ {
				assert.GreaterOrEqual(t, at[i].Sub(at[i-1]), 30*time.Second)
			}
		}
		assert.Zero(t, m.twice)
		for _, stop := range stops {
			stop()
		}
	})
}

// One that cannot log in does not keep the others from it, and takes over what they read.
func TestProcessThatCannotLogIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		groups, m := processes(t, 1, bbb.WithCache(cache))
		locked := newMachines(2)
		for name := range locked.list {
			locked.change(name, func(st *bbbtest.MachineState) { st.Down = true })
		}
		other, _ := newGroup(t, 2, bbb.WithCache(cache), bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(locked))
		stopOther := running(t, other, 10*time.Second)
		wait(t, 2*time.Minute)
		assert.NotEmpty(t, locked.read("bbb1"))
		stop := running(t, groups[0], 10*time.Second)
		wait(t, 10*time.Minute)
		for range 30 {
			wait(t, 10*time.Second)
			r := server(t, other, "bbb1").CachedSysStat(t.Context())
			require.NotNil(t, r)
			assert.Less(t, time.Since(r.Collected), 2*time.Minute)
		}
		assert.Greater(t, len(m.read("bbb1")), 15)
		assert.Less(t, len(locked.read("bbb1")), 10, "it is let rest")
		stop()
		stopOther()
	})
}

// A Cache that fails or hangs costs nothing but that each process reads for itself.
func TestMachinesWithAFailingCache(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]bbb.Cache{
		"fails": &stubCache{fail: errors.New("cache is down")},
		"hangs": &stubCache{hang: true},
		"lies":  &stubCache{get: func(string) ([]byte, bool, error) { return []byte(`{"cpus": "many"`), true, nil }},
		"void":  &stubCache{get: func(string) ([]byte, bool, error) { return []byte(`null`), true, nil }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				groups, m := processes(t, 2, bbb.WithCache(cache))
				require.NoError(t, noted(t, groups[0].Refresh(t.Context())))
				assert.Positive(t, cpuOf(server(t, groups[0], "bbb1")))
				assert.Nil(t, server(t, groups[1], "bbb1").CachedSysStat(t.Context()))
				_, err := groups[1].CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				require.NoError(t, noted(t, err))
				stops := []func(){running(t, groups[0], 10*time.Second), running(t, groups[1], 10*time.Second)}
				wait(t, 10*time.Minute)
				for _, stop := range stops {
					stop()
				}
				assert.Positive(t, cpuOf(server(t, groups[1], "bbb1")))
				assert.InDelta(t, 37, len(m.read("bbb1")), 4)
			})
		})
	}
}

// Restoring, reading and taking over at one time: the newest report wins.
func TestNewestReportWins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		groups, m := processes(t, 4, bbb.WithCache(bbb.NewMemoryCache()))
		var wg sync.WaitGroup
		for i := range 40 {
			for _, g := range groups {
				wg.Go(func() {
					wait(t, time.Duration(i)*100*time.Millisecond)
					s := server(t, g, "bbb1")
					before := s.CachedSysStat(t.Context())
					_, err := s.SysStat(t.Context())
					assert.NoError(t, noted(t, err))
					now := s.CachedSysStat(t.Context())
					if before != nil {
						assert.False(t, now.Collected.Before(before.Collected))
					}
				})
			}
		}
		wg.Wait()
		assert.NotEmpty(t, slices.Clone(m.read("bbb1")))
	})
}

// The clock of the program was an hour ahead and is set right. What was read before lay in
// the future from then on, was fresh for an hour, and kept out all that was read since.
func TestReportsWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var ahead atomic.Int64
		ahead.Store(int64(time.Hour))
		g, _, m := newMachineGroup(t, 1, bbb.WithClock(func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }))
		s := server(t, g, "bbb1")
		m.busy("bbb1", 95)
		_, err := s.SysStat(t.Context())
		require.NoError(t, noted(t, err))
		assert.InDelta(t, 0.95, cpuOf(s), 1e-9)

		ahead.Store(0)
		m.busy("bbb1", 10)
		wait(t, time.Minute)
		r, err := s.SysStat(t.Context())
		require.NoError(t, noted(t, err))
		assert.Same(t, r, s.CachedSysStat(t.Context()))
		assert.InDelta(t, 0.1, cpuOf(s), 1e-9)
		s.SetMachineLoad(bbb.MachineLoad{CPU: 0.7})
		assert.InDelta(t, 0.7, cpuOf(s), 1e-9)
	})
}

// Nobody's clock shows these times: the report was written to the Cache by somebody
// else, or is broken. It kept out all that was read later, for thousands of years.
func TestReportOfTheCacheFromTheFuture(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := `{"collected":"9999-12-31T00:00:00Z","time":"9999-12-31T00:00:00Z","cpu":[{"cpu":"all","user":100}]}`
		cache := &stubCache{get: func(string) ([]byte, bool, error) { return []byte(text), true, nil }}
		g, _, m := newMachineGroup(t, 1, bbb.WithCache(cache))
		s := server(t, g, "bbb1")
		assert.Zero(t, time.Since(s.CachedSysStat(t.Context()).Collected))
		m.busy("bbb1", 10)
		r, err := s.SysStat(t.Context())
		require.NoError(t, noted(t, err))
		assert.Same(t, r, s.CachedSysStat(t.Context()))
		assert.InDelta(t, 0.1, cpuOf(s), 1e-9)
	})
}

// The clock of the machine is read to the second, so the end of one interval of sadf seems
// to be a second earlier now and then. The load average and the memory of such a
// reading were passed over.
func TestNewestReadingCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _, m := newMachineGroup(t, 1)
		s := server(t, g, "bbb1")
		earlier, last := 0, time.Time{}
		for i := range 100 {
			m.change("bbb1", func(st *bbbtest.MachineState) {
				st.ClockSkew, st.Load1 = 10*time.Second, float64(i)
				st.SampleAge = time.Duration(time.Now().Unix()%60) * time.Second // collected every minute
			})
			r, err := s.SysStat(t.Context())
			require.NoError(t, noted(t, err))
			l, _ := s.MachineLoad()
			require.Equal(t, r.MachineLoad(), l, "reading %d", i)
			if l.Time.Before(last) {
				earlier++
			}
			last = l.Time
			wait(t, 29*time.Second+time.Duration(i*137%1000)*time.Millisecond)
		}
		assert.Positive(t, earlier)
	})
}

// What was read goes on fading when the clock is set: its time is told by Go's monotonic
// clock as well, although the machine's is only known by the wall clock.
func TestTimeOfMachineLoadIsMonotonic(t *testing.T) {
	t.Parallel()
	now := time.Now()
	r := bbb.SysStat{Collected: now, Sample: bbb.Sample{Time: now.UTC().Round(0).Add(-time.Minute), CPU: []bbb.CPU{{Name: "all", User: 90}}}}
	l := r.MachineLoad()
	assert.Contains(t, l.Time.String(), " m=")
	assert.Equal(t, time.Minute, now.Sub(l.Time))
}
