package bbb_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// isRunning is what isMeetingRunning says, which must not fail.
func isRunning(t testing.TB, g *bbb.Group, id string, opts ...bbb.HandleOption) bool {
	t.Helper()
	r := handledBy(t, g, "isMeetingRunning", "meetingID="+id, opts...)
	running, ok := r.Value.(bool)
	require.True(t, ok, "%s: %v", r, r.Err)
	return running
}

// Portals ask with every page whether a room is in use. With an age allowed, that costs nothing, whether there is
// such a meeting or not, and whosever it is.
func TestFreshIsMeetingRunning(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fresh := bbb.HandleFresh(10 * time.Second)
		acme, zoo := bbb.HandleAs(&bbb.Tenant{Name: "acme"}), bbb.HandleAs(&bbb.Tenant{Name: "zoo"})
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i), Meta: map[string]string{"tenant": "acme"}})
		}
		attend(t, fakes[1], "room-1")
		quiet(fakes)
		listed(t, g)
		assert.Equal(t, 3, requests(fakes, "*"))
		wait(t, 10*time.Second)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "unseen"})
		attend(t, fakes[0], "unseen")
		attend(t, fakes[2], "room-2")
		quiet(fakes)
		for _, c := range []struct {
			id      string
			as      bbb.HandleOption
			running bool
		}{
			{"room-1", nil, true},
			{"room-1", acme, true},
			{"room-1", zoo, false}, // as if it were nowhere, and for the same cost
			{"room-2", acme, false},
			{"unseen", nil, false}, // in no list
			{"unseen", acme, false},
			{"nowhere", zoo, false},
		} {
			assert.Equal(t, c.running, isRunning(t, g, c.id, fresh, c.as), c.id)
		}
		assert.Zero(t, requests(fakes, "*"))
		assert.True(t, isRunning(t, g, "room-2", acme), "the default is to ask")

		wait(t, 11*time.Second)
		quiet(fakes)
		assert.True(t, isRunning(t, g, "room-2", fresh), "what is known is too old")
		assert.Equal(t, 1, requests(fakes, "*"))
		assert.True(t, isRunning(t, g, "room-2", fresh), "the answer to that was kept")
		assert.Equal(t, 1, requests(fakes, "*"))
		assert.True(t, isRunning(t, g, "unseen", fresh), "and the lists as well, so all are asked for it")
		assert.Positive(t, requests(fakes, "getMeetings"))
	})
}

// What was done through this process shows at once, however old answers may be.
func TestFreshIsMeetingRunningKnowsWhatWasDoneHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, _ := newGroup(t, 3)
		fresh := bbb.HandleFresh(time.Hour)
		do := func(call, query string) {
			t.Helper()
			wait(t, time.Millisecond)
			r := handledBy(t, g, call, query, fresh)
			require.False(t, r.Failed(), "%s: %v", r, r.Err)
			wait(t, time.Millisecond)
		}
		assert.Empty(t, listed(t, g, fresh))
		assert.False(t, isRunning(t, g, "math", fresh))
		do("create", "meetingID=math&name=Maths")
		assert.False(t, isRunning(t, g, "math", fresh), "nobody is there")
		do("join", "meetingID=math&fullName=Ada&role=VIEWER&redirect=false")
		assert.True(t, isRunning(t, g, "math", fresh))
		do("end", "meetingID=math")
		assert.False(t, isRunning(t, g, "math", fresh))
		do("create", "meetingID=math&name=Maths")
		assert.False(t, isRunning(t, g, "math", fresh), "it is another one")
		do("join", "meetingID=math&fullName=Ada&role=VIEWER&redirect=false")
		assert.True(t, isRunning(t, g, "math", fresh))
	})
}

// A meeting that was on two servers was said not to run as soon as the one that counted was ended, although the
// list of all meetings, of the same age, went on with the other one.
func TestFreshIsMeetingRunningOfASplitMeeting(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]bbb.HandleOption{"group": nil, "tenant": bbb.HandleAs(&bbb.Tenant{Name: "acme"})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 2)
				fresh := bbb.HandleFresh(time.Minute)
				for _, f := range fakes {
					createOn(t, f, bbb.CreateParams{MeetingID: "room", Meta: map[string]string{"tenant": "acme"}})
				}
				attend(t, fakes[1], "room")
				listed(t, g)
				require.NoError(t, g.Rebind(t.Context(), "room", "bbb1"))
				wait(t, time.Second)
				require.NoError(t, server(t, g, "bbb1").EndMeeting(t.Context(), "room", ""))
				assert.Equal(t, "room", listed(t, g, fresh))
				assert.True(t, isRunning(t, g, "room", fresh, as))
				quiet(fakes)
				assert.False(t, isRunning(t, g, "room", fresh, bbb.HandleAs(&bbb.Tenant{Name: "zoo"})))
				assert.True(t, isRunning(t, g, "room", fresh, as))
				assert.Zero(t, requests(fakes, "*"))
			})
		})
	}
}

// A meeting that was forgotten by hand was taken for one that is nowhere, as long as the lists were fresh that it had
// been taken out of.
func TestFreshAsksForWhatWasForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		fresh := bbb.HandleFresh(time.Minute)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "room"})
		attend(t, fakes[0], "room")
		for _, ask := range []func() bool{
			func() bool { return isRunning(t, g, "room", fresh) },
			func() bool { return listed(t, g, fresh) == "room" },
		} {
			listed(t, g)
			wait(t, time.Second)
			assert.True(t, ask())
			require.NoError(t, g.Forget(t.Context(), "room"))
			wait(t, time.Millisecond)
			assert.True(t, ask())
		}
	})
}

// A meeting that nobody knows may be on the server that does not answer: then there is no list that says no.
func TestFreshIsMeetingRunningWithoutAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		fresh := bbb.HandleFresh(10 * time.Second)
		listed(t, g)
		wait(t, 11*time.Second)
		fakes[1].Inject(bbbtest.Fault{Call: "getMeetings", Status: http.StatusBadGateway})
		r := handledBy(t, g, "isMeetingRunning", "meetingID=somewhere", fresh)
		assert.True(t, r.Failed())
		assert.Equal(t, []string{"bbb2"}, groupError(t, r.Err).Names())
	})
}

// One request that got lost kept all who asked the same later waiting until its time-out.
func TestAQuestionAboutAMeetingThatHangsIsOvertaken(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"isMeetingRunning", "getMeetingInfo"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 2)
				createOn(t, fakes[0], bbb.CreateParams{MeetingID: "room"})
				attend(t, fakes[0], "room")
				listed(t, g)
				fakes[0].Inject(bbbtest.Fault{Call: call, Hang: true, Times: 1})
				quiet(fakes)
				start := time.Now()
				first := after(func() { assert.True(t, handledBy(t, g, call, "meetingID=room").Failed()) })
				wait(t, 50*time.Millisecond)
				var wg sync.WaitGroup
				for range 20 {
					wg.Go(func() { assert.False(t, handledBy(t, g, call, "meetingID=room").Failed()) })
				}
				wg.Wait()
				assert.Equal(t, time.Second, time.Since(start))
				assert.Equal(t, 2, requests(fakes, call))
				<-first
			})
		})
	}
}

// The clients of a class that opens ask all at once.
func TestIsMeetingRunningAtTheSameTimeIsOneQuestion(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]bbb.HandleOption{"group": nil, "tenant": bbb.HandleAs(&bbb.Tenant{Name: "acme"})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 2)
				createOn(t, fakes[0], bbb.CreateParams{MeetingID: "room", Meta: map[string]string{"tenant": "acme"}})
				attend(t, fakes[0], "room")
				listed(t, g)
				quiet(fakes)
				slow(fakes, "getMeetingInfo")
				slow(fakes, "isMeetingRunning")
				var wg sync.WaitGroup
				for range 300 {
					wg.Go(func() { assert.True(t, isRunning(t, g, "room", as)) })
				}
				wg.Wait()
				assert.Equal(t, 1, requests(fakes, "*"))
			})
		})
	}
}
