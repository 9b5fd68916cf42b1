package bbb_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// share creates n meetings at once, and returns how many of them each server got. They
// are ended then, so that the next ones find the servers as these did.
func share(t testing.TB, g *bbb.Group, fakes []*bbbtest.Server, n int) []int {
	t.Helper()
	on := make(map[string]int)
	for range n {
		m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, noted(t, err))
		on[m.Server().Name()]++
		holder(t, fakes, m.ID).EndMeeting(m.ID)
	}
	got := make([]int, len(fakes))
	for i, f := range fakes {
		got[i] = on[f.Name()]
		_, err := server(t, g, f.Name()).Meetings(t.Context())
		require.NoError(t, noted(t, err))
		assert.Zero(t, server(t, g, f.Name()).Load().Meetings)
	}
	return got
}

// Of two equal servers one has 95 % CPU: the other one gets all new meetings, a whole
// school of them. When the machine cannot be read any more, what was known of it fades:
// meetings come back in small numbers first, and after ten minutes each server gets
// its half again, although nobody has heard of the machine since.
func TestBusyMachineGetsNoNewMeetings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 2)
		stop := running(t, g, 10*time.Second)
		defer stop()
		wait(t, 35*time.Second)
		assert.Equal(t, []int{20, 20}, share(t, g, fakes, 40), "before")

		m.busy("bbb1", 95)
		m.change("bbb1", func(st *bbbtest.MachineState) { st.SampleAge = 0 })
		wait(t, time.Minute)
		for range 10 { // as long as it lasts
			wait(t, time.Minute)
			require.Equal(t, []int{0, 40}, share(t, g, fakes, 40), "while it is busy")
		}
		// But it is not ruled out: rather there than without end on the other one.
		assert.Equal(t, []int{0, 44}, share(t, g, fakes, 44))
		assert.Equal(t, []int{1, 44}, share(t, g, fakes, 45))

		// ssh fails from now on. That changes nothing at once.
		m.change("bbb1", func(st *bbbtest.MachineState) { st.Down = true })
		l, known := server(t, g, "bbb1").MachineLoad()
		require.True(t, known)
		at := func(age time.Duration) []int {
			wait(t, age-time.Since(l.Time))
			return share(t, g, fakes, 40)
		}
		last := 0
		for minute, most := range map[int]int{2: 0} {
			assert.Equal(t, most, at(time.Duration(minute) * time.Minute)[0])
		}
		for minute := 3; minute <= 10; minute++ {
			got := at(time.Duration(minute) * time.Minute)
			assert.GreaterOrEqual(t, got[0], last, "minute %d", minute)
			assert.InDelta(t, 40, got[0]+got[1], 0)
			last = got[0]
			if minute == 6 { // half of the penalty
				assert.Equal(t, []int{13, 27}, got)
			}
		}
		assert.Equal(t, 20, last, "nothing lasts for ever")
		for range 5 {
			wait(t, 10*time.Minute)
			assert.Equal(t, []int{20, 20}, share(t, g, fakes, 40))
		}
		assert.Equal(t, []bbb.State{online, online}, states(g))
	})
}

// The same in a process that has just begun, and only knows the machine from what
// another one has left in the Cache.
func TestBusyMachineOfTheCacheGetsNoNewMeetings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := noJournal{bbb.NewMemoryCache()}
		g, fakes, m := newMachineGroup(t, 2, bbb.WithCache(cache))
		m.busy("bbb1", 95)
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		l, _ := server(t, g, "bbb1").MachineLoad()
		for name := range m.list {
			m.change(name, func(st *bbbtest.MachineState) { st.Down = true })
		}
		fresh := func() *bbb.Group { // another process
			return newGroupOf(t, fakes, bbb.WithCache(cache), bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(m))
		}
		assert.Equal(t, []int{0, 40}, share(t, fresh(), fakes, 40))
		chosen, err := fresh().SelectServer(t.Context(), bbb.Criteria{})
		require.NoError(t, noted(t, err))
		assert.Equal(t, "bbb2", chosen.Name())
		assert.Contains(t, factor(t, fresh(), bbb.Criteria{}, "bbb1", "machine").Reason, "CPU at 0.95")

		wait(t, 6*time.Minute-time.Since(l.Time))
		kept := fresh()
		got := share(t, kept, fakes, 40)
		assert.Equal(t, []int{13, 27}, got, "as old as it is, not as new as it was to come here")
		wait(t, 10*time.Minute-time.Since(l.Time))
		assert.Equal(t, []int{20, 20}, share(t, kept, fakes, 40))
		assert.Equal(t, []int{20, 20}, share(t, fresh(), fakes, 40))
		assert.Len(t, m.read("bbb1"), 1)
	})
}

// The other server fills up with what it gets instead. Where a meeting of 20 costs it
// 8 % of its CPUs, the busy one gets its first one when the other is nearly as bad.
func TestBusyMachineIsSparedUntilTheOtherIsAsBad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 2)
		m.busy("bbb1", 95)
		m.busy("bbb2", 5)
		stop := running(t, g, 10*time.Second)
		defer stop()
		wait(t, time.Minute)
		for i := range 30 {
			id := fmt.Sprintf("meeting-%d", i)
			on := create(t, g, id).Server().Name()
			if on == "bbb1" {
				l, _ := server(t, g, "bbb2").MachineLoad()
				assert.Greater(t, l.CPU, 0.8)
				assert.GreaterOrEqual(t, i, 10)
				return
			}
			for range 20 {
				attend(t, fakes[1], id)
			}
			m.busy("bbb2", min(5+8*float64(i+1), 100))
			wait(t, time.Minute)
		}
		assert.Fail(t, "it never got one")
	})
}

// Where all machines are busy, nobody is ruled out.
func TestAllMachinesBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes, m := newMachineGroup(t, 4)
		for name := range m.list {
			m.change(name, func(st *bbbtest.MachineState) {
				st.User, st.Load1, st.MemAvailable = 100, 400, 0
			})
		}
		require.NoError(t, noted(t, g.Refresh(t.Context())))
		assert.Equal(t, []int{10, 10, 10, 10}, share(t, g, fakes, 40))
	})
}

// How many meetings in one go the other server takes alone depends on whether their size
// was told, and docs/placement.md says how: the machine's word counts against the room for
// the next one.
func TestBusyMachineAndSizes(t *testing.T) {
	t.Parallel()
	for size, first := range map[int]int{0: 45, 2: 27, 20: 9, 50: 10, 150: 10} {
		for _, choose := range []bbb.Selection{bbb.Best, bbb.Choices(2)} {
			synctest.Test(t, func(t *testing.T) {
				g, _, m := newMachineGroup(t, 2, bbb.WithSelection(choose))
				m.busy("bbb1", 95)
				require.NoError(t, noted(t, g.Refresh(t.Context())))
				for i := range first {
					on, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Size: size}})
					require.NoError(t, noted(t, err))
					require.Equal(t, i+1 == first, on.Server().Name() == "bbb1", "meeting %d of size %d", i+1, size)
				}
			})
		}
	}
}
