package bbb_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// slow makes each call of that name take a second after it was carried out.
func slow(fakes []*bbbtest.Server, call string) {
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: call, Latency: time.Second, Processed: true})
	}
}

// listed returns the IDs that a getMeetings shows, joined.
func listed(t testing.TB, g *bbb.Group, opts ...bbb.HandleOption) string {
	t.Helper()
	r := handledBy(t, g, "getMeetings", "", opts...)
	meetings, ok := r.Value.([]*bbb.Meeting)
	require.True(t, ok, "%s", r)
	return strings.Join(ids(meetings), " ")
}

// A thousand clients ask at the same time: one question is the answer to all, whichever tenant they
// are.
func TestListsAtTheSameTimeAreOneQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		tenants := []bbb.HandleOption{nil, bbb.HandleAs(&bbb.Tenant{Name: "acme"}), bbb.HandleAs(&bbb.Tenant{Name: "zoo"})}
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i), Meta: map[string]string{"tenant": "acme"}})
		}
		quiet(fakes)
		slow(fakes, "getMeetings")
		var wg sync.WaitGroup
		for i := range 1000 {
			wg.Go(func() {
				want := "room-0 room-1 room-2"
				if i%3 == 2 {
					want = ""
				}
				assert.Equal(t, want, listed(t, g, tenants[i%3]))
			})
		}
		start := time.Now()
		wg.Wait()
		assert.Equal(t, len(fakes), requests(fakes, "getMeetings"))
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// Whoever asks gets what holds after he asked, even if an answer is under way: he may have created a
// meeting elsewhere in between.
func TestAnAnswerIsNeverOlderThanItsQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "first"})
		slow(fakes, "getMeetings")
		slow(fakes, "getMeetingInfo")
		first := after(func() { assert.Equal(t, "first", listed(t, g)) })
		wait(t, 400*time.Millisecond)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "second"})
		second := after(func() { assert.Equal(t, "first second third", listed(t, g), "newer than it had to be") })
		wait(t, 400*time.Millisecond)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "third"})
		assert.Equal(t, "first second third", listed(t, g))
		<-first
		<-second
		assert.Equal(t, 2, requests(fakes, "getMeetings"))

		count := func() string {
			return parseTree(t, handledBy(t, g, "getMeetingInfo", "meetingID=first").AppendBody(nil)).first("participantCount")
		}
		empty := after(func() { assert.Equal(t, "0", count()) })
		wait(t, 400*time.Millisecond)
		attend(t, fakes[0], "first")
		assert.Equal(t, "1", count())
		<-empty
	})
}

func TestMeetingsAtTheSameTimeAreOneQuestionEach(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		acme, zoo := bbb.HandleAs(&bbb.Tenant{Name: "acme"}), bbb.HandleAs(&bbb.Tenant{Name: "zoo"})
		for i := range 3 {
			createOn(t, fakes[i], bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i), Meta: map[string]string{"tenant": "acme"}})
		}
		_, err := g.Meetings(t.Context())
		require.NoError(t, err)
		quiet(fakes)
		slow(fakes, "getMeetingInfo")
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				r := handledBy(t, g, "getMeetingInfo", fmt.Sprintf("meetingID=room-%d", i%3), acme)
				assert.False(t, r.Failed(), "%s", r)
			})
		}
		wg.Wait()
		assert.Equal(t, 3, requests(fakes, "getMeetingInfo"))
		for range 100 {
			wg.Go(func() {
				assert.Equal(t, "notFound", handledBy(t, g, "getMeetingInfo", "meetingID=room-1", zoo).Key)
			})
			wg.Go(func() {
				assert.False(t, handledBy(t, g, "getMeetingInfo", "meetingID=room-1", acme).Failed())
			})
		}
		wg.Wait()
	})
}

// With an age allowed, what servers said since is the answer, and costs nothing.
func TestFreshAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fresh := bbb.HandleFresh(10 * time.Second)
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i)})
		}
		quiet(fakes)
		assert.Equal(t, "room-0 room-1 room-2", listed(t, g, fresh))
		assert.Equal(t, 3, requests(fakes, "*"), "nothing was known yet")
		wait(t, 10*time.Second)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "unseen"})
		quiet(fakes)
		assert.Equal(t, "room-0 room-1 room-2", listed(t, g, fresh))
		r := handledBy(t, g, "getMeetingInfo", "meetingID=room-1", fresh)
		assert.Equal(t, "room-1", parseTree(t, r.AppendBody(nil)).first("meetingID"))
		assert.Zero(t, requests(fakes, "*"))
		assert.False(t, handledBy(t, g, "getMeetingInfo", "meetingID=unseen", fresh).Failed(), "what is not known is looked for")
		assert.Positive(t, requests(fakes, "getMeetings"))
		assert.Contains(t, listed(t, g), "unseen", "the default is to ask")

		wait(t, 10*time.Second+time.Millisecond)
		quiet(fakes)
		handledBy(t, g, "getMeetingInfo", "meetingID=room-1", fresh)
		assert.Equal(t, 1, requests(fakes, "*"), "it is too old")
		listed(t, g, fresh)
		assert.Equal(t, 4, requests(fakes, "*"))
	})
}

// What was done through this process shows in the next answer, however old that may be otherwise.
func TestFreshAnswersKnowWhatWasDoneHere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fresh := bbb.HandleFresh(time.Hour)
		do := func(call, query string) *bbb.Response {
			wait(t, time.Millisecond)
			r := handledBy(t, g, call, query, fresh)
			require.False(t, r.Failed(), "%s: %v", r, r.Err)
			return r
		}
		assert.Empty(t, listed(t, g, fresh))
		do("create", "meetingID=math&name=Maths&meta_course=x&attendeePW=attendee-77&moderatorPW=moderator-77")
		quiet(fakes)
		assert.Equal(t, "math", listed(t, g, fresh))
		info := parseTree(t, do("getMeetingInfo", "meetingID=math").AppendBody(nil))
		assert.Equal(t, "Maths x attendee-77", info.first("meetingName")+" "+info.at("metadata").first("course")+" "+info.first("attendeePW"))
		assert.Zero(t, requests(fakes, "*"))

		do("join", "meetingID=math&fullName=Ada&role=VIEWER&redirect=false")
		info = parseTree(t, do("getMeetingInfo", "meetingID=math").AppendBody(nil))
		assert.Equal(t, "1 true", info.first("participantCount")+" "+info.first("running"))
		meetings := parseTree(t, do("getMeetings", "").AppendBody(nil)).at("meetings")
		assert.Equal(t, "1", meetings.at("meeting").first("participantCount"))
		do("create", "meetingID=math&name=Maths&attendeePW=attendee-77&moderatorPW=moderator-77")
		info = parseTree(t, do("getMeetingInfo", "meetingID=math").AppendBody(nil))
		assert.Equal(t, "1 true", info.first("participantCount")+" "+info.first("running"), "a create of what exists changes nothing")

		do("end", "meetingID=math")
		assert.Empty(t, listed(t, g, fresh))
		r := handledBy(t, g, "getMeetingInfo", "meetingID=math", fresh)
		assert.True(t, r.Failed() || parseTree(t, r.AppendBody(nil)).flag("hasBeenForciblyEnded"), "%s", r)
		wait(t, time.Minute)
		assert.Equal(t, "notFound", handledBy(t, g, "getMeetingInfo", "meetingID=math", fresh).Key)
	})
}

// A server that failed just now is not asked again by each of those who take what is known.
func TestFreshAnswersWithoutAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		fresh := bbb.HandleFresh(10 * time.Second)
		for i, f := range fakes {
			createOn(t, f, bbb.CreateParams{MeetingID: fmt.Sprintf("room-%d", i)})
		}
		assert.Equal(t, "room-0 room-1 room-2", listed(t, g, fresh))
		wait(t, 11*time.Second)
		fakes[2].Inject(bbbtest.Fault{Call: "getMeetings", Status: http.StatusBadGateway})
		quiet(fakes)
		for range 20 {
			wait(t, 10*time.Millisecond)
			r := handledBy(t, g, "getMeetings", "", fresh)
			assert.False(t, r.Failed())
			meetings, _ := r.Value.([]*bbb.Meeting)
			assert.Equal(t, []string{"room-0", "room-1", "room-2"}, ids(meetings), "the last that is known of it")
			assert.Equal(t, []string{"bbb3"}, groupError(t, r.Err).Names())
		}
		assert.Equal(t, 3, requests(fakes, "*"))
		assert.True(t, handledBy(t, g, "getMeetings", "", fresh, bbb.HandleStrict()).Failed())
		fakes[2].ClearFaults()
		wait(t, 10*time.Second)
		r := handledBy(t, g, "getMeetings", "", fresh)
		require.NoError(t, r.Err, "it is asked again after that time")
	})
}

// Who leaves takes nothing from the others. When all have left, the question ends.
func TestLeavingASharedQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var ended []error
		g, fakes := newGroup(t, 1, bbb.WithObserver(observing(t, bbb.Observer{CallDone: func(_ context.Context, e bbb.CallEvent) {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, e.Err)
		}})))
		count := func() int {
			mu.Lock()
			defer mu.Unlock()
			return len(ended)
		}
		remove := fakes[0].Inject(bbbtest.Fault{Call: "getMeetings", Hang: true})
		ask := func() (leave context.CancelFunc, done <-chan struct{}) {
			ctx, cancel := context.WithCancel(t.Context())
			done = after(func() {
				r := g.HandleFromData(ctx, "getMeetings", nil, nil)
				assert.ErrorIs(t, noted(t, r.Err), context.Canceled)
			})
			wait(t, 20*time.Millisecond) // too late for others to join
			return cancel, done
		}
		leave1, left1 := ask() // the question that is under way
		leave2, left2 := ask() // these two wait for the next
		leave3, left3 := ask()
		leave2()
		<-left2
		assert.Zero(t, count())
		leave1()
		<-left1
		synctest.Wait()
		assert.Equal(t, 1, count(), "nobody waited for the first one any more, and the next began")
		assert.Equal(t, 2, requests(fakes, "getMeetings"))
		leave4, left4 := ask()
		leave4()
		<-left4
		leave3()
		<-left3
		synctest.Wait()
		assert.Equal(t, 2, count())
		assert.Equal(t, 2, requests(fakes, "getMeetings"), "the third had nobody left to ask for")
		remove()
		assert.Empty(t, listed(t, g))
	})
}

// An answer about a meeting that was on its way while somebody ended it brought the meeting back, for as
// long as answers may be old.
func TestAnEndBeatsAnAnswerFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		create(t, g, "physics")
		_, err := g.Meetings(t.Context())
		require.NoError(t, noted(t, err))
		defer fakes[0].Inject(bbbtest.Fault{Call: "getMeetingInfo", Latency: 2 * time.Second, Processed: true, Times: 1})()
		asked := after(func() { assert.NoError(t, handledBy(t, g, "getMeetingInfo", "meetingID=physics").Err) })
		wait(t, time.Second)
		require.NoError(t, handledBy(t, g, "end", "meetingID=physics").Err)
		<-asked
		assert.Empty(t, listed(t, g, bbb.HandleFresh(time.Hour)))
		assert.Equal(t, "notFound", handledBy(t, g, "getMeetingInfo", "meetingID=physics", bbb.HandleFresh(time.Hour)).Key)
		assert.Zero(t, g.Stats().Servers[0].Load.Meetings, "nor does it take seats")
	})
}

// A call that others wait for is done before Close is.
func TestCloseWaitsForASharedQuestion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "math"})
		slow(fakes, "getMeetings")
		both := []<-chan struct{}{
			after(func() { handledBy(t, g, "getMeetings", "") }),
			after(func() { handledBy(t, g, "getMeetings", "") }),
		}
		wait(t, 500*time.Millisecond)
		require.NoError(t, g.Close(t.Context()))
		<-both[0]
		<-both[1]
		r := g.HandleFromData(t.Context(), "getMeetings", nil, nil, bbb.HandleFresh(time.Hour))
		require.ErrorIs(t, noted(t, r.Err), bbb.ErrClosed)
		r = g.HandleFromData(t.Context(), "getMeetingInfo", values(t, "meetingID=math"), nil, bbb.HandleFresh(time.Hour))
		require.ErrorIs(t, noted(t, r.Err), bbb.ErrClosed)
	})
}

// A create of which nobody knows whether it was carried out may have made a meeting that no list from
// before has.
func TestFreshAfterUnknownOutcome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		fresh := bbb.HandleFresh(time.Minute)
		listed(t, g)
		fakes[0].Inject(bbbtest.Fault{Call: "create", Hang: true, Processed: true, Times: 1})
		wait(t, time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		_, err := g.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "room", Name: "Room"})
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		assert.Equal(t, "room", listed(t, g, fresh))
	})
}
