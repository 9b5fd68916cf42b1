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

// A web server was started anew: for two seconds every connection was refused, which
// made three failures within a millisecond. What was on the server was created a second
// time, while its people were still talking.
func TestRestartOfAWebServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 5)
		create(t, g, "physics")
		on := holder(t, fakes, "physics")
		attend(t, on, "physics")
		heal := on.Inject(bbbtest.Fault{Refuse: true})
		for range 3 {
			require.Error(t, noted(t, server(t, g, on.Name()).Refresh(t.Context())))
		}
		assert.Equal(t, bbb.StateOffline, server(t, g, on.Name()).State())
		var m *bbb.Meeting
		done := after(func() { m = create(t, g, "physics") })
		wait(t, 2*time.Second)
		heal()
		<-done
		assert.True(t, m.Existed())
		assert.Equal(t, []string{on.Name()}, holders(fakes, "physics"))
	})
}

// The same when the group does not know of the meeting, and the server is back only
// after it was given up: one create was placed meanwhile, and another one asks.
func TestServerComesBackAfterItWasGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 5)
		create(t, g, "physics")
		on := holder(t, fakes, "physics")
		heal := on.Inject(bbbtest.Fault{Refuse: true})
		start := time.Now()
		create(t, g, "another")
		assert.Equal(t, 5*time.Second, time.Since(start), "as long as it takes to be sure")
		start = time.Now()
		create(t, g, "a third")
		assert.Zero(t, time.Since(start), "and only once")
		heal()
		wait(t, time.Second)
		assert.True(t, create(t, g, "physics").Existed(), "it is known to have had this one, so it is asked")
	})
}

// A server was offline at eight, and back a minute later. Nobody used the group until
// nine, when the news of eight was still believed.
func TestOldNewsOfAnOfflineServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 5)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
		g := newGroupOf(t, fakes) // it has never seen the meeting
		heal := fakes[0].Inject(bbbtest.Fault{Refuse: true})
		for range 3 {
			require.Error(t, noted(t, server(t, g, "bbb1").Refresh(t.Context())))
		}
		wait(t, time.Minute)
		heal()
		wait(t, time.Hour)
		assert.Equal(t, bbb.StateOffline, server(t, g, "bbb1").State())
		assert.True(t, create(t, g, "physics").Existed())
		assert.Equal(t, []string{"bbb1"}, holders(fakes, "physics"))
	})
}

// A dead server costs the creates of a day nothing once it was given up, and what was
// on it is created elsewhere.
func TestGivenUpServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		create(t, g, "physics")
		dead := holder(t, fakes, "physics")
		dead.Inject(bbbtest.Fault{Hang: true})
		for range 3 {
			require.Error(t, noted(t, server(t, g, dead.Name()).Refresh(t.Context())))
		}
		start := time.Now()
		for _, id := range []string{"first", "second", "third"} {
			create(t, g, id)
		}
		assert.Zero(t, time.Since(start))
		wait(t, 3*time.Second)
		start = time.Now()
		m := create(t, g, "physics")
		assert.NotEqual(t, dead.Name(), m.Server().Name())
		assert.Equal(t, bbb.DefaultRequestTimeout, time.Since(start).Round(time.Second), "it had this one, so it is asked once more")
		create(t, g, "fourth")
		assert.Equal(t, bbb.DefaultRequestTimeout, time.Since(start).Round(time.Second))
	})
}
