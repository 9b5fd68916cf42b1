package bbb_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// round asks all servers, offline ones too, a while after the last time. down are
// those that do not answer.
func round(t testing.TB, g *bbb.Group, fakes []*bbbtest.Server, down ...int) {
	t.Helper()
	wait(t, 10*time.Second)
	for i, f := range fakes {
		outcome := "g"
		for _, j := range down {
			if i == j {
				outcome = "F"
			}
		}
		poll(t, server(t, g, f.Name()), f, outcome)
	}
}

func states(g *bbb.Group) []bbb.State {
	var list []bbb.State
	for s := range g.Servers() {
		list = append(list, s.State())
	}
	return list
}

const (
	online, unstable    = bbb.StateOnline, bbb.StateUnstable
	offline, recovering = bbb.StateOffline, bbb.StateRecovering
)

// The network here is bad for a moment, or for longer: no server did anything, so
// nobody's meetings are given up.
func TestBlipOfAllServers(t *testing.T) {
	t.Parallel()
	for name, polls := range map[string]int{"one poll": 1, "three polls": 3, "an hour": 360} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n nurse
				opt, log := logged(t)
				g, fakes := newGroup(t, 5, n.option(t), opt)
				m := create(t, g, "physics")
				round(t, g, fakes)
				for i := range polls {
					round(t, g, fakes, 0, 1, 2, 3, 4)
					assert.True(t, m.Server().Health().Suspect)
					assert.Equal(t, i+1, m.Server().Health().Failures, "it is shown all the same")
					assert.NotEmpty(t, m.Server().Health().Cause)
				}
				assert.Equal(t, []bbb.State{unstable, unstable, online, online, online}, states(g), "frozen at the third")
				round(t, g, fakes)
				assert.Equal(t, []string{"+3/5", "-2/5"}, n.suspected())
				round(t, g, fakes)
				round(t, g, fakes)
				assert.Equal(t, []bbb.State{online, online, online, online, online}, states(g))
				assert.Equal(t, m.Server(), create(t, g, "physics").Server())
				assert.Len(t, holders(fakes, "physics"), 1)
				assert.Empty(t, m.Server().Health().Cause)

				lines := log.with("most servers fail: the group suspects itself")
				require.Len(t, lines, 1)
				assert.Equal(t, "WARN", lines[0]["level"])
				assert.EqualValues(t, 3, lines[0]["failing"])
				lines = log.with("the group does not suspect itself any more")
				require.Len(t, lines, 1)
				assert.Equal(t, "INFO", lines[0]["level"])
			})
		})
	}
}

// After an outage of everything the servers do not come back at one instant. One
// that has a bad poll then, or whose last call still hangs, keeps its meetings.
func TestReturnFromAnOutage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		round(t, g, fakes)
		for range 60 {
			round(t, g, fakes, 0, 1, 2)
		}
		last := server(t, g, "bbb3")
		heal := fakes[2].Inject(bbbtest.Fault{Hang: true})
		hanging := after(func() { assert.Error(t, noted(t, last.Refresh(t.Context()))) })
		wait(t, time.Second)
		poll(t, server(t, g, "bbb1"), fakes[0], "g")
		assert.True(t, last.Health().Suspect, "one of three is not enough")
		poll(t, server(t, g, "bbb2"), fakes[1], "g")
		assert.False(t, last.Health().Suspect)
		<-hanging
		heal()
		assert.Equal(t, 61, last.Health().Failures)
		assert.Equal(t, online, last.State(), "this call began in the outage")
		for range 2 {
			poll(t, last, fakes[2], "F")
			assert.Equal(t, unstable, last.State(), "the count begins anew")
		}
		poll(t, last, fakes[2], "F")
		assert.Equal(t, offline, last.State(), "it did die")
	})
}

// The second one of two fails when the first is dead: there is nowhere else to go,
// so it keeps its meetings however often it fails.
func TestLastServerIsNeverGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 2, n.option(t))
		round(t, g, fakes)
		for range 3 {
			round(t, g, fakes, 0)
		}
		assert.Equal(t, []bbb.State{offline, online}, states(g), "one of two is not most of them")
		assert.Empty(t, n.suspected())
		for range 100 {
			round(t, g, fakes, 0, 1)
			assert.Equal(t, []bbb.State{offline, online}, states(g))
		}
		assert.Equal(t, []string{"+1/1"}, n.suspected())
		round(t, g, fakes, 0)
		assert.Equal(t, []string{"-0/1"}, n.suspected())
		round(t, g, fakes)
		assert.Equal(t, []bbb.State{recovering, online}, states(g))
	})
}

func TestGroupOfOneIsNeverOffline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 1, n.option(t))
		fakes[0].SetDown(true)
		for range 100 {
			wait(t, 10*time.Second)
			err := noted(t, g.Refresh(t.Context()))
			require.Error(t, err)
			require.NotErrorIs(t, err, bbb.ErrOffline)
		}
		assert.Equal(t, []bbb.State{online}, states(g))
		assert.Equal(t, 100, server(t, g, "bbb1").Health().Failures)
		assert.Equal(t, []string{"+1/1"}, n.suspected())
	})
}

// Most servers are really dead. That cannot be told from a broken network at once,
// but after a minute during which another one answers.
func TestMostServersAreDead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		round(t, g, fakes)
		round(t, g, fakes, 0, 1)
		begun := time.Now()
		for time.Since(begun) < time.Minute-10*time.Second {
			round(t, g, fakes, 0, 1)
			assert.Equal(t, []bbb.State{unstable, online, online}, states(g))
		}
		assert.Equal(t, []string{"+2/3"}, n.suspected())
		round(t, g, fakes, 0, 1)
		assert.Equal(t, []bbb.State{offline, offline, online}, states(g))
		assert.Equal(t, []string{"-2/3"}, n.suspected())
		assert.Equal(t, []string{"online-offline"}, n.told("bbb2"))
		assert.False(t, server(t, g, "bbb1").Health().Suspect)
		for range 3 {
			round(t, g, fakes)
		}
		assert.Equal(t, []bbb.State{online, online, online}, states(g))

		// The next time begins with patience again.
		for range 4 {
			round(t, g, fakes, 0, 1)
		}
		assert.Equal(t, []bbb.State{unstable, online, online}, states(g))
		assert.Equal(t, []string{"+2/3"}, n.suspected())
	})
}

// The failure that ended the patience was counted twice, so that a server which had
// failed twice was offline.
func TestEndOfPatienceCountsNoFailureTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		round(t, g, fakes)
		round(t, g, fakes, 0, 1)
		for range 5 {
			wait(t, 10*time.Second)
			poll(t, server(t, g, "bbb1"), fakes[0], "F")
			poll(t, server(t, g, "bbb3"), fakes[2], "g")
		}
		wait(t, 10*time.Second)
		poll(t, server(t, g, "bbb2"), fakes[1], "F")
		assert.Equal(t, []string{"+2/3", "-2/3"}, n.suspected())
		assert.Equal(t, 2, server(t, g, "bbb2").Health().Failures)
		assert.Equal(t, []bbb.State{unstable, unstable, online}, states(g))
		poll(t, server(t, g, "bbb2"), fakes[1], "F")
		assert.Equal(t, []bbb.State{unstable, offline, online}, states(g))
	})
}

// While nobody answers there is no limit, and that time does not count: the first
// server to come back does not cost the others their meetings.
func TestOutageDoesNotSpendThePatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		round(t, g, fakes)
		for range 360 {
			round(t, g, fakes, 0, 1, 2)
		}
		for range 5 {
			round(t, g, fakes, 0, 1)
			assert.NotContains(t, states(g), offline)
		}
		for range 4 {
			round(t, g, fakes, 0, 1)
		}
		assert.Equal(t, []bbb.State{offline, offline, online}, states(g))
	})
}

// A survivor that is bad itself now and then does not make the patience endless.
func TestPatienceOfAFlakySurvivor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		round(t, g, fakes)
		for range 60 {
			round(t, g, fakes, 0, 1, 2)
			round(t, g, fakes, 0, 1)
			round(t, g, fakes, 0, 1)
		}
		assert.Equal(t, offline, server(t, g, "bbb1").State())
		assert.Equal(t, offline, server(t, g, "bbb2").State())
		assert.NotEqual(t, offline, server(t, g, "bbb3").State())
	})
}

// The other one of two being bad at each third poll does not keep a dead server's
// meetings from being given up.
func TestDeadServerBesideAFlakyOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		round(t, g, fakes)
		for range 3 {
			round(t, g, fakes, 0, 1)
			round(t, g, fakes, 0)
			round(t, g, fakes, 0)
		}
		assert.Equal(t, offline, server(t, g, "bbb1").State())
		assert.NotEqual(t, offline, server(t, g, "bbb2").State())
	})
}

// A server that has come back is offline at its next failure, but not when most
// others fail as well.
func TestRecoveringServerWhileMostFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		poll(t, server(t, g, "bbb3"), fakes[2], "FFFg")
		n.told("bbb3")
		for range 5 {
			round(t, g, fakes, 0, 1, 2)
		}
		assert.Equal(t, []bbb.State{unstable, online, recovering}, states(g))
		assert.Zero(t, server(t, g, "bbb3").Health().Good, "three in a row")
		round(t, g, fakes)
		round(t, g, fakes)
		assert.Equal(t, recovering, server(t, g, "bbb3").State())
		round(t, g, fakes)
		assert.Equal(t, []bbb.State{online, online, online}, states(g))
		assert.Equal(t, []string{"recovering-online"}, n.told("bbb3"))
	})
}

// The servers that failed were taken out of the group: what is left is well.
func TestSuspicionEndsWhenServersAreRemoved(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		round(t, g, fakes, 0, 1)
		assert.True(t, g.Remove("bbb1"))
		assert.False(t, server(t, g, "bbb3").Health().Suspect, "one of two")
		assert.Equal(t, []string{"+2/3", "-1/2"}, n.suspected())
	})
}

// Disabled servers are not counted, on either side, and the count is made anew when
// one is disabled.
func TestDisabledServersAreNotCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 4, n.option(t))
		round(t, g, fakes, 0, 1)
		assert.Empty(t, n.suspected(), "two of four")
		server(t, g, "bbb3").SetMode(bbb.ModeDisabled)
		assert.Equal(t, []string{"+2/3"}, n.suspected())
		server(t, g, "bbb2").SetMode(bbb.ModeDisabled)
		assert.Equal(t, []string{"-1/2"}, n.suspected())
		for range 3 {
			round(t, g, fakes, 0, 1)
		}
		assert.Equal(t, []bbb.State{offline, offline, online, online}, states(g))
		assert.Empty(t, n.suspected())
	})
}
