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

func TestCloseWaitsForCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
		fakes[1].Inject(bbbtest.Fault{Latency: 3 * time.Second})
		var list []*bbb.Meeting
		var err error
		start := time.Now()
		called := after(func() { list, err = g.Meetings(t.Context()) })
		synctest.Wait()

		require.NoError(t, g.Close(t.Context()))
		assert.Equal(t, 3*time.Second, time.Since(start), "it waited, and no longer than needed")
		<-called
		require.NoError(t, err)
		assert.Equal(t, []string{"physics"}, ids(list), "the call came to its proper end")
	})
}

func TestCloseAbortsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		fakes[1].Inject(bbbtest.Fault{Hang: true})
		var err, searchErr error
		start := time.Now()
		called := after(func() { _, err = g.Meetings(t.Context()) })
		searched := after(func() { _, searchErr = g.Meeting(t.Context(), "physics") })
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Close(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start), "aborting takes no time")
		<-called
		<-searched
		require.ErrorIs(t, noted(t, err), bbb.ErrClosed)
		require.ErrorIs(t, noted(t, searchErr), bbb.ErrClosed)
		assert.True(t, groupError(t, err).AllFailed())
	})
}

// A create that Close cuts off may have happened. Its claim must stay, so that
// another process that repeats the create goes to the same server.
func TestCloseInTheMiddleOfACreate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cache := bbb.NewMemoryCache()
		g, fakes := newGroup(t, 2, bbb.WithCache(cache))
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Call: "create", Processed: true, Hang: true, Times: 1})
		}
		var err error
		called := after(func() {
			_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Close(ctx), context.DeadlineExceeded)
		<-called
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		require.ErrorIs(t, err, bbb.ErrClosed)

		first := holder(t, fakes, "physics")
		first.EndMeeting("physics") // as if the request were still on its way there
		m := create(t, newGroupOf(t, fakes, bbb.WithCache(cache)), "physics")
		assert.Equal(t, first.Name(), m.Server().Name())
	})
}

func TestClosedGroup(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	m := create(t, g, "physics")
	s := m.Server()
	require.NoError(t, g.Close(t.Context()))
	quiet(fakes)

	join := bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer}
	for name, call := range map[string]func() error{
		"Meetings":           func() error { _, err := g.Meetings(t.Context()); return err },
		"Refresh":            func() error { return g.Refresh(t.Context()) },
		"Meeting":            func() error { _, err := g.Meeting(t.Context(), "physics"); return err },
		"Meeting, unknown":   func() error { _, err := g.Meeting(t.Context(), "chemistry"); return err },
		"IsMeetingRunning":   func() error { _, err := g.IsMeetingRunning(t.Context(), "physics"); return err },
		"EndMeeting":         func() error { return g.EndMeeting(t.Context(), "physics", "") },
		"EndMeeting,unknown": func() error { return g.EndMeeting(t.Context(), "chemistry", "") },
		"Join":               func() error { _, err := g.Join(t.Context(), join); return err },
		"Sessions":           func() error { _, err := g.Sessions(t.Context()); return err },
		"CreateMeeting": func() error {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Chemistry"})
			return err
		},
		"CreateMeeting, known": func() error {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			return err
		},
		"CreateMeeting, unknown": func() error {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "chemistry"})
			return err
		},
		"Server.Meetings": func() error { _, err := s.Meetings(t.Context()); return err },
		"Meeting.End":     func() error { return m.End(t.Context()) },
		"New":             func() error { _, err := g.New("bbb9", "bbb9.test", "a-secret-of-bbb9"); return err },
	} {
		err := noted(t, call())
		require.ErrorIs(t, err, bbb.ErrClosed, name)
		require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown, "%s: nothing was sent", name)
	}
	assert.Zero(t, requests(fakes, "*"), "nothing was sent")
	assert.Len(t, holders(fakes, "physics"), 1, "the meeting goes on")
}

func TestCloseMoreThanOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Latency: 2 * time.Second})
		called := after(func() { assert.NoError(t, g.Refresh(t.Context())) })
		synctest.Wait()
		start := time.Now()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				assert.NoError(t, g.Close(t.Context()))
				assert.Equal(t, 2*time.Second, time.Since(start), "each of them waits")
			})
		}
		wg.Wait()
		<-called
		require.NoError(t, g.Close(t.Context()))
	})
}

// Whoever is in more of a hurry decides.
func TestCloseWithDifferentPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		called := after(func() { assert.ErrorIs(t, noted(t, g.Refresh(t.Context())), bbb.ErrClosed) })
		synctest.Wait()
		start := time.Now()
		patient := after(func() { assert.NoError(t, g.Close(t.Context()), "its calls have all come to an end") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, g.Close(ctx), context.DeadlineExceeded)
		<-patient
		<-called
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// Close ends the search that outlives its callers, too.
func TestCloseEndsTheSearch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		why := errors.New("the user has left")
		ctx, leave := context.WithCancelCause(t.Context())
		searched := after(func() {
			_, err := g.Meeting(ctx, "physics")
			assert.ErrorIs(t, noted(t, err), why)
		})
		synctest.Wait()
		leave(why)
		<-searched // the caller need not wait for the search

		hurry, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		require.ErrorIs(t, g.Close(hurry), context.Canceled)
		assert.Zero(t, time.Since(start))
		synctest.Wait() // a goroutine that is left would end the bubble with a panic
	})
}
