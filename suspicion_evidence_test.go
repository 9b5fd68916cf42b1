package bbb_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Our network was away for a minute and a half. The third server had not been asked
// for an hour, and its last good check was taken for proof that the network was fine.
func TestIdleServerIsNoEvidence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var n nurse
		g, fakes := newGroup(t, 3, n.option(t))
		require.NoError(t, g.Refresh(t.Context()))
		wait(t, time.Hour)
		for range 9 {
			poll(t, server(t, g, "bbb1"), fakes[0], "F")
			poll(t, server(t, g, "bbb2"), fakes[1], "F")
			wait(t, 10*time.Second)
		}
		assert.Equal(t, []bbb.State{unstable, online, online}, states(g))
		assert.Equal(t, []string{"+2/3"}, n.suspected())

		// Once it is asked, it is evidence.
		for range 7 {
			round(t, g, fakes, 0, 1)
		}
		assert.Equal(t, []bbb.State{offline, offline, online}, states(g))
	})
}

// Two servers failed, nobody was asked for an hour, and one of them failed again: that
// was taken for an hour of failing.
func TestSilenceIsNoEvidence(t *testing.T) {
	t.Parallel()
	for _, gap := range []time.Duration{time.Minute, time.Hour} {
		t.Run(gap.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 3)
				round(t, g, fakes, 0, 1)
				for range 2 {
					wait(t, gap)
					poll(t, server(t, g, "bbb1"), fakes[0], "F")
				}
				assert.True(t, server(t, g, "bbb1").Health().Suspect)
				assert.Equal(t, []bbb.State{unstable, online, online}, states(g))
			})
		})
	}
}

// Everything was away for four rounds. When servers are asked every two minutes or
// less often, the first one to come back ended the patience with all the others, which
// had not been asked since.
func TestFirstToReturnCostsNobodyHisMeetings(t *testing.T) {
	t.Parallel()
	for _, interval := range []time.Duration{10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute} {
		t.Run(interval.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var n nurse
				g, fakes := newGroup(t, 10, n.option(t))
				require.NoError(t, g.Refresh(t.Context()))
				stop := running(t, g, interval)
				defer stop()
				wait(t, interval+interval/100)
				for _, f := range fakes {
					f.Inject(bbbtest.Fault{Refuse: true})
				}
				wait(t, 3*interval+interval*7/10)
				fakes[0].ClearFaults()
				wait(t, interval)
				assert.NotContains(t, states(g), offline)
				assert.Len(t, n.suspected(), 1)
				wait(t, 8*interval)
				assert.Contains(t, states(g), offline, "but the patience has an end")
			})
		})
	}
}

// What was held against most servers before an outage of everything is no matter after
// it.
func TestOutageForgetsThePatienceSpent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		round(t, g, fakes)
		for range 5 {
			round(t, g, fakes, 0, 1)
		}
		round(t, g, fakes, 0, 1, 2)
		round(t, g, fakes, 0, 1, 2)
		for range 6 {
			round(t, g, fakes, 0, 1)
			assert.NotContains(t, states(g), offline)
		}
		round(t, g, fakes, 0, 1)
		assert.Equal(t, []bbb.State{offline, offline, online}, states(g))
	})
}

// Of two changes at nearly one time the observer was told the later one first, so that
// a gauge showed a suspicion for ever that was over.
func TestSuspicionsAreToldInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var told []bool
		first, release := make(chan struct{}), make(chan struct{})
		pause := sync.OnceFunc(func() {
			close(first)
			<-release
		})
		g, fakes := newGroup(t, 3, bbb.WithObserver(observing(t, bbb.Observer{Suspected: func(e bbb.SuspicionEvent) {
			pause()
			mu.Lock()
			defer mu.Unlock()
			told = append(told, e.Begin)
		}})))
		require.NoError(t, g.Refresh(t.Context()))
		poll(t, server(t, g, "bbb1"), fakes[0], "F")
		fakes[1].SetDown(true)
		slow := after(func() { assert.Error(t, noted(t, server(t, g, "bbb2").Refresh(t.Context()))) })
		<-first
		poll(t, server(t, g, "bbb1"), fakes[0], "gFg")
		assert.False(t, g.Stats().Suspected)
		close(release)
		<-slow
		assert.Equal(t, []bool{true, false, true, false}, told)
	})
}

// An observer that panics does not keep the changes after that from being told.
func TestSuspicionsAreToldAfterAPanic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		boom := errors.New("boom")
		var told []bool
		g, fakes := newGroup(t, 1, bbb.WithObserver(observing(t, bbb.Observer{Suspected: func(e bbb.SuspicionEvent) {
			told = append(told, e.Begin)
			if e.Begin {
				panic(boom)
			}
		}})))
		fakes[0].SetDown(true)
		assert.PanicsWithValue(t, boom, func() { _ = server(t, g, "bbb1").Refresh(context.Background()) })
		poll(t, server(t, g, "bbb1"), fakes[0], "g")
		assert.Equal(t, []bool{true, false}, told)
	})
}
