package bbb_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// draining starts a Drain and returns what tells that it is over, and with what.
func draining(ctx context.Context, t testing.TB, s *bbb.Server) (<-chan struct{}, *error) {
	var err error
	return after(func() { err = noted(t, s.Drain(ctx)) }), &err
}

func isOver(done <-chan struct{}) bool {
	synctest.Wait()
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		s := server(t, g, "bbb1")
		create(t, s, "physics")
		create(t, s, "chemistry")
		quiet(fakes)
		done, err := draining(t.Context(), t, s)
		assert.False(t, isOver(done))
		assert.Equal(t, bbb.ModeDraining, s.Mode())
		assert.Equal(t, 1, fakes[0].Count("getMeetings"), "the first question at once")
		wait(t, 10*time.Minute)
		assert.InDelta(t, 120, fakes[0].Count("getMeetings"), 6, "then one in five seconds")

		fakes[0].EndMeeting("physics")
		wait(t, time.Minute)
		assert.False(t, isOver(done), "there is another meeting")
		heal := fakes[0].Inject(bbbtest.Fault{HTML: true})
		fakes[0].EndMeeting("chemistry")
		wait(t, time.Minute)
		assert.False(t, isOver(done), "a server that fails may hold meetings")
		heal()
		wait(t, 6*time.Second)
		require.True(t, isOver(done))
		require.NoError(t, *err)
		assert.Equal(t, bbb.ModeDraining, s.Mode())
		quiet(fakes)
		wait(t, time.Minute)
		assert.Empty(t, fakes[0].Requests(), "it is not asked any more")
	})
}

func TestDrainEmptyServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		start := time.Now()
		require.NoError(t, server(t, g, "bbb1").Drain(t.Context()))
		assert.Zero(t, time.Since(start))
		assert.Len(t, fakes[0].Requests(), 1)
	})
}

// Servers list a meeting for a while after it was ended.
func TestDrainDoesNotWaitForEndedMeetings(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Body: `<response><returncode>SUCCESS</returncode><meetings>` +
		`<meeting><meetingID>physics</meetingID><hasBeenForciblyEnded>true</hasBeenForciblyEnded></meeting></meetings></response>`})
	require.NoError(t, noted(t, server(t, g, "bbb1").Drain(t.Context())))
}

// A create of this very process was under way when Drain began. The server was empty
// at that moment, Drain said so, and two seconds later there was a meeting on it.
func TestDrainWaitsForCreatesUnderWay(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"that succeed": 0, "that fail": 401} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 1)
				s := server(t, g, "bbb1")
				fakes[0].Inject(bbbtest.Fault{Call: "create", Latency: 3 * time.Second, Status: status})
				created := after(func() {
					_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "late", Name: "Late"})
					assert.Equal(t, status != 0, noted(t, err) != nil)
				})
				wait(t, time.Second)
				done, err := draining(t.Context(), t, s)
				wait(t, time.Second)
				assert.False(t, isOver(done), "while the create is under way")
				<-created
				wait(t, time.Minute)
				if status == 0 {
					assert.False(t, isOver(done), "there is a meeting")
					fakes[0].EndMeeting("late")
					wait(t, 6*time.Second)
				}
				require.True(t, isOver(done))
				require.NoError(t, *err)
			})
		})
	}
}

func TestDrainThatIsGivenUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(g *bbb.Group, s *bbb.Server, cancel func())
		text string
		err  error
		mode bbb.Mode
	}{
		"by the caller": {
			end:  func(_ *bbb.Group, _ *bbb.Server, cancel func()) { cancel() },
			text: "meetings when last seen: 1", err: context.Canceled, mode: bbb.ModeDraining,
		},
		"by enabling it": {
			end:  func(_ *bbb.Group, s *bbb.Server, _ func()) { s.SetMode(bbb.ModeEnabled) },
			text: "another mode meanwhile: it is enabled now", mode: bbb.ModeEnabled,
		},
		"by disabling it": {
			end:  func(_ *bbb.Group, s *bbb.Server, _ func()) { s.SetMode(bbb.ModeDisabled) },
			text: "another mode meanwhile: it is disabled now", mode: bbb.ModeDisabled,
		},
		"by Close": {
			end:  func(g *bbb.Group, _ *bbb.Server, _ func()) { _ = g.Close(context.Background()) },
			text: "meetings when last seen: 1", err: bbb.ErrClosed, mode: bbb.ModeDraining,
		},
	} {
		for _, hangs := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", while it hangs"}[hangs], func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					g, fakes := newGroup(t, 2)
					s := server(t, g, "bbb1")
					create(t, s, "physics")
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					done, err := draining(ctx, t, s)
					synctest.Wait()
					if hangs {
						fakes[0].Inject(bbbtest.Fault{Hang: true})
					}
					wait(t, 7*time.Second)
					require.False(t, isOver(done))
					c.end(g, s, cancel)
					require.True(t, isOver(done), "at once")
					var e *bbb.Error
					require.ErrorAs(t, *err, &e)
					assert.Equal(t, "bbb1", e.Server)
					assert.Equal(t, "drain", e.Call)
					require.ErrorContains(t, e, c.text)
					if c.err != nil {
						require.ErrorIs(t, e, c.err)
					}
					assert.Equal(t, c.mode, s.Mode())
					assert.Equal(t, bbb.StateOnline, s.State(), "giving up is not held against the server")
				})
			})
		}
	}
}

// Somebody changed his mind twice: whoever waited for the first time is told.
func TestDrainAfterDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		s := server(t, g, "bbb1")
		create(t, s, "physics")
		first, err := draining(t.Context(), t, s)
		synctest.Wait()
		s.SetMode(bbb.ModeEnabled)
		second, secondErr := draining(t.Context(), t, s)
		third, thirdErr := draining(t.Context(), t, s)
		require.True(t, isOver(first))
		require.Error(t, *err)
		fakes[0].EndMeeting("physics")
		wait(t, time.Minute)
		require.True(t, isOver(second) && isOver(third))
		require.NoError(t, *secondErr)
		require.NoError(t, *thirdErr)
	})
}

func TestDrainOfAClosedGroup(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	s := server(t, g, "bbb1")
	require.NoError(t, g.Close(t.Context()))
	require.ErrorIs(t, noted(t, s.Drain(t.Context())), bbb.ErrClosed)
	assert.Equal(t, bbb.ModeEnabled, s.Mode())
}
