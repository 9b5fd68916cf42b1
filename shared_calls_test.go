package bbb_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// groupList returns the IDs of a list, which must be whole.
func groupList(t testing.TB, g *bbb.Group) []string {
	t.Helper()
	list, err := g.Meetings(t.Context())
	assert.NoError(t, noted(t, err))
	return ids(list)
}

// A thousand callers within ten milliseconds cost as much as one, whatever method they use.
func TestCallersShareAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i), Meta: map[string]string{"course": fmt.Sprint(i)}})
		}
		scope, err := g.Scope(map[string]string{"course": "1"})
		require.NoError(t, err)
		quiet(fakes)
		slow(fakes, "getMeetings")
		var wg sync.WaitGroup
		for i := range 1000 {
			if i == 500 {
				wait(t, 10*time.Millisecond)
			}
			switch i % 4 {
			case 0:
				wg.Go(func() { assert.NoError(t, g.Refresh(t.Context())) })
			case 1:
				wg.Go(func() {
					list, err := scope.Meetings(t.Context())
					assert.NoError(t, err)
					assert.Equal(t, []string{"room-1"}, ids(list))
				})
			case 2:
				wg.Go(func() { assert.Equal(t, "room-0 room-1 room-2", listed(t, g)) })
			default:
				wg.Go(func() {
					list, err := g.Meetings(t.Context())
					assert.NoError(t, err)
					assert.Equal(t, []string{"room-0", "room-1", "room-2"}, ids(list))
					clear(list) // it is the caller's own
				})
			}
			synctest.Wait()
		}
		wg.Wait()
		assert.Equal(t, len(fakes), requests(fakes, "getMeetings"))
	})
}

// Whoever comes later than that shares the next list, with all others who come meanwhile.
func TestLaterCallersShareTheNextList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		slow(fakes, "getMeetings")
		start := time.Now()
		first := after(func() { assert.Empty(t, groupList(t, g)) })
		wait(t, 11*time.Millisecond)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "elsewhere"})
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() { assert.Equal(t, []string{"elsewhere"}, groupList(t, g)) })
			wait(t, time.Millisecond)
		}
		<-first
		assert.Equal(t, time.Second, time.Since(start), "it does not wait for others")
		wg.Wait()
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, 2*len(fakes), requests(fakes, "getMeetings"))
	})
}

// What was done through the group before the question is in the answer, however short before.
func TestASharedListKnowsWhatWasDone(t *testing.T) {
	t.Parallel()
	changes := map[string]struct {
		change func(t *testing.T, g *bbb.Group, fakes []*bbbtest.Server)
		want   []string
	}{
		"create": {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { create(t, g, "new") }, []string{"first", "new"}},
		"on one": {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { create(t, server(t, g, "bbb2"), "new") }, []string{"first", "new"}},
		"end": {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) {
			assert.NoError(t, g.EndMeeting(t.Context(), "first", ""))
		}, []string{}},
		"remove":  {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { assert.True(t, g.Remove("bbb1")) }, []string{}},
		"disable": {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { server(t, g, "bbb1").SetMode(bbb.ModeDisabled) }, []string{}},
		"a raw call": {func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) {
			_, err := server(t, g, "bbb2").Call(t.Context(), "create", values(t, "meetingID=new&name=New"))
			assert.NoError(t, err)
		}, []string{"first", "new"}},
	}
	for name, test := range changes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 2)
				_, err := server(t, g, "bbb1").CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "first", Name: "First"})
				require.NoError(t, err)
				attend(t, fakes[0], "first")
				slow(fakes, "getMeetings")
				before := after(func() { assert.Equal(t, []string{"first"}, groupList(t, g)) })
				wait(t, time.Millisecond)
				for _, f := range fakes {
					f.ClearFaults() // but for those who are in it
				}
				test.change(t, g, fakes)
				list, err := g.Meetings(t.Context())
				require.NoError(t, noted(t, err))
				got := []string{}
				for _, m := range list {
					if !m.HasBeenForciblyEnded { // servers list these for a while
						got = append(got, m.ID)
					}
				}
				assert.ElementsMatch(t, test.want, got)
				<-before
			})
		})
	}
}

// A caller who leaves, or whose time is over, takes nothing from the others, and gets what came until then.
func TestLeavingASharedList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i)})
		}
		fakes[2].Inject(bbbtest.Fault{Call: "getMeetings", Latency: 2 * time.Second, Processed: true})
		quiet(fakes)
		first, leave := context.WithCancel(t.Context())
		second, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		partly := func(ctx context.Context, why error, took time.Duration) {
			list, err := g.Meetings(ctx)
			assert.Equal(t, []string{"room-0", "room-1"}, ids(list))
			assert.Equal(t, []string{"bbb3"}, groupError(t, err).Names())
			assert.ErrorIs(t, err, why)
			assert.Equal(t, took, time.Since(start))
		}
		wg.Go(func() { partly(first, context.Canceled, 500*time.Millisecond) })
		synctest.Wait()
		wg.Go(func() { partly(second, context.DeadlineExceeded, time.Second) })
		for range 10 {
			wg.Go(func() { assert.Equal(t, []string{"room-0", "room-1", "room-2"}, groupList(t, g)) })
		}
		wait(t, 500*time.Millisecond)
		leave()
		wg.Wait()
		assert.Equal(t, 2*time.Second, time.Since(start))
		assert.Equal(t, len(fakes), requests(fakes, "getMeetings"))
		assert.Equal(t, bbb.StateOnline, server(t, g, "bbb3").State())
	})
}

// When all have left, nobody waits for the servers any more.
func TestASharedListThatNobodyWantsEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		fakes[1].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				_, err := g.Meetings(ctx)
				assert.ErrorIs(t, noted(t, err), context.DeadlineExceeded)
			})
		}
		wg.Wait()
		synctest.Wait()
		assert.Zero(t, g.Stats().Servers[1].UnderWay)
		assert.Zero(t, server(t, g, "bbb2").Health().Failures, "it was the callers who left")
		assert.Equal(t, len(fakes), requests(fakes, "getMeetings"))
	})
}

// One server that hangs keeps nobody from the answers of the others: who comes while it does
// waits a tenth of a second for his own question, not for its end.
func TestASharedListThatHangsIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fakes[2].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true, Times: 1})
		start := time.Now()
		first := after(func() {
			list, err := g.Meetings(t.Context())
			assert.Empty(t, list)
			assert.Equal(t, []string{"bbb3"}, groupError(t, err).Names())
			assert.Equal(t, 10*time.Second, time.Since(start))
		})
		wait(t, 50*time.Millisecond)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "elsewhere"})
		assert.Equal(t, []string{"elsewhere"}, groupList(t, g))
		assert.Equal(t, 100*time.Millisecond, time.Since(start))
		assert.Equal(t, []string{"elsewhere"}, groupList(t, g))
		assert.Equal(t, 100*time.Millisecond, time.Since(start), "the one that hangs is not asked about any more")
		<-first
	})
}

// When most servers hang, too, the others are asked anew, but only once a second.
func TestASharedListThatMostlyHangsIsOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		for _, f := range fakes[1:] {
			f.Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
		}
		first := after(func() {
			list, err := g.Meetings(t.Context())
			assert.Empty(t, list)
			assert.Equal(t, []string{"bbb2", "bbb3"}, groupError(t, err).Names())
		})
		wait(t, 50*time.Millisecond)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "elsewhere"})
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				list, err := g.Meetings(ctx)
				assert.Equal(t, []string{"elsewhere"}, ids(list))
				assert.Equal(t, []string{"bbb2", "bbb3"}, groupError(t, err).Names())
			})
			wait(t, 11*time.Millisecond)
		}
		wg.Wait()
		assert.Equal(t, 2, fakes[1].Count("getMeetings"))
		<-first
	})
}

// Each caller may do with his list what he likes, and with the error beside it.
func TestErrorsOfASharedListAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fakes[0].SetDown(true)
		fakes[2].SetDown(true)
		var got [2]error
		var wg sync.WaitGroup
		for i := range got {
			wg.Go(func() { _, got[i] = g.Meetings(t.Context()) })
		}
		wg.Wait()
		slices.Reverse(groupError(t, got[0]).Servers)
		assert.Equal(t, []string{"bbb3", "bbb1"}, groupError(t, got[0]).Names())
		assert.Equal(t, []string{"bbb1", "bbb3"}, groupError(t, got[1]).Names())
		assert.Equal(t, 1, fakes[1].Count("getMeetings"))
	})
}
