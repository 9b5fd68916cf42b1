package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
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

// attempts counts how many servers got a create.
func attempts(fakes []*bbbtest.Server) int { return requests(fakes, "create") }

func TestMeetingsSpreadOverTheServers(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 5)
	for range 50 {
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
	}
	for _, f := range fakes {
		assert.Len(t, f.Meetings(), 10, "%s has its share", f.Name())
	}
	// What others created counts as well, once it was seen.
	for i := range 20 {
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: fmt.Sprintf("foreign-%d", i)})
	}
	require.NoError(t, g.Refresh(t.Context()))
	for range 80 {
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
	}
	for _, f := range fakes {
		assert.Len(t, f.Meetings(), 30, "%s has its share", f.Name())
	}
}

// A server of weight 2 gets about twice the meetings of one of weight 1: a little more,
// since the smaller one has to keep room for one that turns out large.
func TestMeetingsSpreadByWeight(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 3)
	g := newEmptyGroup(t, bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
	for i, f := range fakes {
		addServer(t, g, f, bbb.WithWeight(float64(i+1)))
	}
	for range 60 {
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
	}
	for i, f := range fakes {
		assert.InDelta(t, 10*(i+1), len(f.Meetings()), 3, f.Name())
	}
}

// Equal servers are drawn at random. Always taking the first in the list would send
// the first meetings of all replicas of a portal to the same server after a restart.
// With 200 draws out of 4, a server that is not drawn at least 20 times (50 are
// expected) means that the draw is not fair: by chance that happens once in 10^7.
func TestEqualServersAreDrawnAtRandom(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 4)
	count := make(map[string]int)
	for i := range 200 {
		m := create(t, newGroupOf(t, fakes), fmt.Sprintf("room-%d", i))
		count[m.Server().Name()]++
		require.NoError(t, m.End(t.Context()))
	}
	for _, f := range fakes {
		assert.Greater(t, count[f.Name()], 20, "%v", count)
	}
}

// After one failure a server gets no new meeting while another one is up, and again
// after its next answer.
func TestFailingServerGetsNoNewMeeting(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	fakes[1].SetDown(true)
	require.Error(t, g.Refresh(t.Context()))
	for range 20 {
		m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
		assert.NotEqual(t, "bbb2", m.Server().Name())
	}
	assert.Equal(t, 20, attempts(fakes), "it was not even tried")

	fakes[1].SetDown(false)
	require.NoError(t, g.Refresh(t.Context()))
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, err)
	assert.Equal(t, "bbb2", m.Server().Name(), "it has the fewest meetings now")
}

// When all were down at their last call, one of them is tried rather than failing
// on old news.
func TestOldNewsDoNotStopACreate(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	for _, f := range fakes {
		f.SetDown(true)
	}
	require.Error(t, g.Refresh(t.Context()))
	fakes[1].SetDown(false)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, noted(t, err))
	assert.Equal(t, "bbb2", m.Server().Name())
}

// A server that refuses for certain is passed over, with an ID of our own and with
// one that was given.
func TestRefusalLeadsToTheNextServer(t *testing.T) {
	t.Parallel()
	for kind, refuse := range map[string]func(*bbbtest.Server){
		"connection refused": func(f *bbbtest.Server) { f.Inject(bbbtest.Fault{Call: "create", Refuse: true}) },
		"wrong secret": func(f *bbbtest.Server) {
			f.Inject(bbbtest.Fault{Call: "create", Body: "<response><returncode>FAILED</returncode><messageKey>checksumError</messageKey></response>"})
		},
		"no such call": func(f *bbbtest.Server) { f.Inject(bbbtest.Fault{Call: "create", Status: http.StatusNotFound}) },
		"down":         func(f *bbbtest.Server) { f.SetDown(true) },
		"secret changed": func(f *bbbtest.Server) {
			f.SetSecret("a-secret-nobody-told-us")
		},
	} {
		for _, id := range []string{"", "physics"} {
			t.Run(kind+"/"+id, func(t *testing.T) {
				t.Parallel()
				for range 5 { // the first choice is random
					// Two of three would be most servers, and the group would suspect itself
					// rather than create what may be on them.
					g, fakes := newGroup(t, 5)
					refuse(fakes[0])
					refuse(fakes[1])
					m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: id})
					require.NoError(t, noted(t, err))
					assert.NotContains(t, []string{"bbb1", "bbb2"}, m.Server().Name())
					assert.Equal(t, []string{m.Server().Name()}, holders(fakes, m.ID))
				}
			})
		}
	}
}

func TestEveryServerRefuses(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	fakes[0].Inject(bbbtest.Fault{Call: "create", Refuse: true})
	fakes[1].SetSecret("a-secret-nobody-told-us")
	fakes[2].Inject(bbbtest.Fault{Call: "create", Status: http.StatusNotFound})
	for _, id := range []string{"", "physics"} {
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: id})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		assert.Equal(t, []string{"bbb1", "bbb2", "bbb3"}, groupError(t, err).Names())
		require.ErrorIs(t, err, bbb.ErrChecksum, "and why")
		require.ErrorIs(t, err, bbb.ErrNotSupported)
	}
	// Nothing stays behind: as soon as one works, it gets the meeting.
	fakes[2].ClearFaults()
	assert.Equal(t, "bbb3", create(t, g, "physics").Server().Name())
}

// A FAILED answer about the meeting itself is the answer. Another server would say
// the same, or worse, take it.
func TestOtherFailuresDoNotLeadToTheNextServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: "create", Times: 1, Body: "<response><returncode>FAILED</returncode><messageKey>sizeError</messageKey></response>"})
	}
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown)
	assert.Equal(t, 1, attempts(fakes))
	for _, f := range fakes {
		f.ClearFaults()
	}
	create(t, g, "physics")
}

// When the connection fails after the create was sent, the meeting may be there.
// Sending the create to another server would split it, so the caller is told, and
// the repetition goes to the same server.
func TestAmbiguousCreate(t *testing.T) {
	t.Parallel()
	for kind, fault := range map[string]bbbtest.Fault{
		"dropped after it was processed":  {Drop: true},
		"hangs before it is processed":    {Hang: true},
		"hangs after it was processed":    {Hang: true, Processed: true},
		"cut off after the header":        {CutBody: -1},
		"cut off in the body":             {CutBody: 40},
		"a gateway in front gave up":      {Processed: true, Status: http.StatusGatewayTimeout},
		"a gateway in front says nothing": {Status: http.StatusBadGateway},
		"a page of something else":        {HTML: true, Status: http.StatusOK, Processed: true},
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g, fakes := newGroup(t, 4)
				fault.Call, fault.Times = "create", 1
				removes := make([]func(), len(fakes))
				for i, f := range fakes {
					removes[i] = f.Inject(fault)
				}
				p := bbb.CreateParams{Name: "Physics", MeetingID: "physics"}
				_, err := g.CreateMeeting(t.Context(), p)
				require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
				assert.Equal(t, 1, attempts(fakes), "one server got it")
				var hit string
				for i, f := range fakes {
					removes[i]()
					if f.Count("create") > 0 {
						hit = f.Name()
					}
				}
				assert.ErrorContains(t, err, hit, "the error says where it may be")

				m, err := g.CreateMeeting(t.Context(), p)
				require.NoError(t, noted(t, err))
				assert.Equal(t, hit, m.Server().Name())
				assert.Equal(t, []string{hit}, holders(fakes, "physics"))
				assert.Equal(t, 2, attempts(fakes))

				m, err = g.CreateMeeting(t.Context(), p)
				require.NoError(t, noted(t, err))
				assert.True(t, m.Existed())
			})
		})
	}
}

func TestAmbiguousCreateKeepsItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fakes[0].Inject(bbbtest.Fault{Hang: true})
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *bbb.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, "bbb1", e.Server)
		assert.Equal(t, "create", e.Call)
	})
}

func TestCallerCancelsACreate(t *testing.T) {
	t.Parallel()
	why := errors.New("the user has left")

	t.Run("before it was sent", func(t *testing.T) {
		t.Parallel()
		g, fakes := newGroup(t, 2)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(why)
		for _, id := range []string{"", "physics"} {
			_, err := g.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", MeetingID: id})
			require.ErrorIs(t, noted(t, err), why)
			require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown)
		}
		assert.Zero(t, attempts(fakes))
		create(t, g, "physics")
	})
	t.Run("while it waits for another one", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, fakes := newGroup(t, 1)
			fakes[0].Inject(bbbtest.Fault{Call: "create", Latency: 5 * time.Second})
			first := after(func() { create(t, g, "physics") })
			synctest.Wait()
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
			defer cancel()
			start := time.Now()
			_, err := g.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), why)
			require.NotErrorIs(t, err, bbb.ErrOutcomeUnknown, "its own was never sent")
			assert.Equal(t, time.Second, time.Since(start))
			<-first
		})
	})
	t.Run("while it is under way", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			g, fakes := newGroup(t, 3)
			for _, f := range fakes {
				f.Inject(bbbtest.Fault{Call: "create", Processed: true, Latency: 5 * time.Second})
			}
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, why)
			defer cancel()
			_, err := g.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.ErrorIs(t, err, why)
			m := create(t, g, "physics")
			assert.Equal(t, []string{m.Server().Name()}, holders(fakes, "physics"))
			assert.True(t, m.Existed())

			// Whoever cancels does not make the server a bad one.
			for range 9 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				_, err := g.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics"})
				assert.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
				cancel()
			}
			total := 0
			for _, f := range fakes {
				f.ClearFaults()
				f.ResetRequests()
			}
			for range 9 {
				_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				require.NoError(t, err)
			}
			for _, f := range fakes {
				assert.NotZero(t, f.Count("create"), f.Name())
				total += f.Count("create")
			}
			assert.Equal(t, 9, total)
		})
	})
}

// A hundred creates of one ID at one time make one meeting.
func TestConcurrentCreatesOfOneID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 5)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Latency: 100 * time.Millisecond})
		}
		var fresh atomic.Int64
		var inner sync.Map
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				m := create(t, g, "physics")
				inner.Store(m.InternalID, true)
				if !m.Existed() {
					fresh.Add(1)
				}
			})
		}
		wg.Wait()
		assert.Len(t, holders(fakes, "physics"), 1)
		assert.EqualValues(t, 1, fresh.Load())
		n := 0
		inner.Range(func(any, any) bool { n++; return true })
		assert.Equal(t, 1, n, "all got the same meeting")
	})
}

// Meetings of different IDs do not wait for each other.
func TestConcurrentCreatesOfManyIDs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 4)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Latency: time.Second})
		}
		start := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() { create(t, g, fmt.Sprintf("room-%d", i)) })
		}
		wg.Wait()
		assert.LessOrEqual(t, time.Since(start), 3*time.Second, "two searches that all share, then the create")
		assert.LessOrEqual(t, requests(fakes, "getMeetings"), 2*len(fakes))
	})
}
