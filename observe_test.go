package bbb_test

import (
	"context"
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

// witness is an observer that keeps everything.
type witness struct {
	mu     sync.Mutex // protects the fields below
	starts []bbb.CallEvent
	dones  []bbb.CallEvent
	placed []bbb.PlacementEvent
	splits []bbb.SplitEvent
}

type callKey struct{}

func (w *witness) option(t testing.TB) bbb.GroupOption {
	return bbb.WithObserver(observing(t, bbb.Observer{
		CallStart: func(ctx context.Context, e bbb.CallEvent) context.Context {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.starts = append(w.starts, e)
			return context.WithValue(ctx, callKey{}, len(w.starts)-1)
		},
		CallDone: func(ctx context.Context, e bbb.CallEvent) {
			w.mu.Lock()
			defer w.mu.Unlock()
			started := w.starts[ctx.Value(callKey{}).(int)]
			assert.Equal(t, started.Start, e.Start, "the context of CallStart comes back")
			assert.Equal(t, started.Call, e.Call)
			assert.Equal(t, started.Attempt, e.Attempt)
			w.dones = append(w.dones, e)
		},
		MeetingPlaced: func(e bbb.PlacementEvent) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.placed = append(w.placed, e)
		},
		MeetingSplit: func(e bbb.SplitEvent) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.splits = append(w.splits, e)
		},
	}))
}

func TestObserverSeesEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var w witness
		opt, log := logged(t)
		g, fakes := newGroup(t, 1, w.option(t), opt)
		fakes[0].Inject(bbbtest.Fault{Latency: 2 * time.Second})
		began := time.Now()
		_, err := g.Meetings(t.Context())
		require.NoError(t, err)
		require.Len(t, w.starts, 1)
		assert.Equal(t, bbb.CallEvent{Group: "school", Server: "bbb1", Call: "getMeetings", Attempt: 1, Start: began}, w.starts[0])
		require.Len(t, w.dones, 1)
		done := w.dones[0]
		assert.Positive(t, done.Bytes)
		done.Bytes = 0
		assert.Equal(t, bbb.CallEvent{
			Group: "school", Server: "bbb1", Call: "getMeetings", Attempt: 1, Start: began,
			Duration: 2 * time.Second, StatusCode: 200,
		}, done)
		lines := log.with("bigbluebutton call")
		require.Len(t, lines, 1)
		assert.Equal(t, "DEBUG", lines[0]["level"])
		assert.Equal(t, "school", lines[0]["group"])
		assert.Equal(t, "bbb1", lines[0]["server"])
		assert.Equal(t, "getMeetings", lines[0]["call"])
		assert.EqualValues(t, 200, lines[0]["status"])
		assert.NotContains(t, lines[0], "error")
	})
}

func TestObserverSeesTheSecondSecret(t *testing.T) {
	t.Parallel()
	var w witness
	fakes := newFakes(t, 1, bbbtest.WithSecret("the-new-secret-of-it"))
	g := newEmptyGroup(t, w.option(t), bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}))
	suite.secret("secret of a server", "the-old-secret-of-it")
	_, err := g.New("bbb1", fakes[0].URL(), "the-old-secret-of-it", bbb.WithSecondSecret("the-new-secret-of-it"))
	require.NoError(t, err)
	for range 2 {
		require.NoError(t, g.Refresh(t.Context()))
	}
	require.Len(t, w.dones, 3, "the second call knows better")
	assert.Equal(t, 1, w.dones[0].Attempt)
	require.ErrorIs(t, w.dones[0].Err, bbb.ErrChecksum)
	assert.Equal(t, 2, w.dones[1].Attempt)
	require.NoError(t, w.dones[1].Err)
	assert.Equal(t, 1, w.dones[2].Attempt)
	require.NoError(t, w.dones[2].Err)
}

// A proper answer that says no is not worth a warning, nor is a caller who has gone.
// A server that does not answer is.
func TestLevelsOfCalls(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault bbbtest.Fault
		level string
		what  error
	}{
		"not found":          {level: "DEBUG", what: bbb.ErrMeetingNotFound},
		"refused":            {fault: bbbtest.Fault{Refuse: true}, level: "WARN"},
		"not an answer":      {fault: bbbtest.Fault{HTML: true}, level: "WARN", what: bbb.ErrBadAnswer},
		"time-out":           {fault: bbbtest.Fault{Hang: true}, level: "WARN", what: context.DeadlineExceeded},
		"the caller's haste": {fault: bbbtest.Fault{Latency: 3 * time.Second}, level: "DEBUG", what: context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var w witness
				opt, log := logged(t)
				g, fakes := newGroup(t, 1, w.option(t), opt)
				fakes[0].Inject(test.fault)
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				if test.fault.Latency > 0 {
					ctx, cancel = context.WithTimeout(t.Context(), time.Second)
					defer cancel()
				}
				_, err := server(t, g, "bbb1").Meeting(ctx, "physics")
				require.Error(t, noted(t, err))
				if test.what != nil {
					require.ErrorIs(t, err, test.what)
				}
				require.Len(t, w.dones, 1)
				assert.Equal(t, err, w.dones[0].Err, "the observer gets the error itself")
				lines := log.with("bigbluebutton call")
				require.Len(t, lines, 1)
				assert.Equal(t, test.level, lines[0]["level"])
				assert.Equal(t, err.Error(), lines[0]["error"])
			})
		})
	}
}

func TestObserverOfPlacements(t *testing.T) {
	t.Parallel()
	var w witness
	opt, log := logged(t)
	g, fakes := newGroup(t, 3, w.option(t), opt)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.NoError(t, err)
	create(t, g, m.ID)
	require.Len(t, w.placed, 1, "what existed was not placed")
	assert.Equal(t, bbb.PlacementEvent{Group: "school", Server: m.Server().Name(), MeetingID: m.ID, Attempt: 1}, w.placed[0])
	lines := log.with("meeting placed")
	require.Len(t, lines, 1)
	assert.Equal(t, "DEBUG", lines[0]["level"])
	assert.Equal(t, m.ID, lines[0]["meeting"])
	assert.EqualValues(t, 1, lines[0]["attempt"])

	w.placed = nil
	for i := range 3 { // so that the others are tried before it
		createOn(t, fakes[2], bbb.CreateParams{MeetingID: fmt.Sprintf("foreign-%d", i)})
	}
	require.NoError(t, g.Refresh(t.Context()))
	fakes[0].Inject(bbbtest.Fault{Call: "create", Refuse: true})
	fakes[1].Inject(bbbtest.Fault{Call: "create", Refuse: true})
	create(t, g, "chemistry")
	assert.Equal(t, []bbb.PlacementEvent{{Group: "school", Server: "bbb3", MeetingID: "chemistry", Attempt: 3}}, w.placed)
}

// The create whose outcome was unknown had not arrived. It is the repetition that
// puts the meeting on the server.
func TestRepeatedCreateIsAPlacement(t *testing.T) {
	t.Parallel()
	var w witness
	g, fakes := newGroup(t, 1, w.option(t))
	fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 502, Times: 1})
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
	assert.Empty(t, w.placed)
	create(t, g, "physics")
	assert.Len(t, w.placed, 1)
}

// A transport of the user's own may put the whole URL into its error. The signature
// in it must not come out of a call, neither in an error nor in a log line.
func TestTransportThatTellsTooMuch(t *testing.T) {
	t.Parallel()
	opt, log := logged(t)
	var shown []string
	g := newEmptyGroup(t, opt, bbb.WithTransport(telling(func(r *http.Request) (*http.Response, error) {
		for _, name := range []string{"checksum", "moderatorPW", "attendeePW"} {
			if value := r.URL.Query().Get(name); value != "" {
				suite.secret(name, value)
				shown = append(shown, value)
			}
		}
		return nil, fmt.Errorf("no route to %s", r.URL)
	})))
	_, err := g.New("bbb1", "bbb1.test", "a-secret-of-telling")
	require.NoError(t, err)
	_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
	require.ErrorContains(t, noted(t, err), "no route to")
	require.Len(t, shown, 3)
	lines := log.with("bigbluebutton call")
	require.Len(t, lines, 1)
	for _, secret := range shown {
		assert.NotContains(t, err.Error(), secret)
		assert.NotContains(t, lines[0]["error"], secret)
	}
}

type telling func(*http.Request) (*http.Response, error)

func (f telling) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
