package bbb_test

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func limitedTenant(meetings, attendees int) *bbb.Tenant {
	tenant := tenantNamed("north")
	tenant.Limits = bbb.TenantLimits{Meetings: meetings, Attendees: attendees}
	return tenant
}

func TestLimitOnMeetings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		north, south := limitedTenant(2, 0), tenantNamed("south")
		create := func(of *bbb.Tenant, id string) *bbb.Response {
			return as(t, g, of, "create", "name=Lesson&attendeePW=attendee-x&moderatorPW=moderator-x&meetingID="+id)
		}
		for _, id := range []string{"a", "b", "c", "d"} {
			require.NoError(t, create(south, "room-"+id).Err, "no limit, and none of the other tenant's business")
		}
		for _, id := range []string{"room-1", "room-2"} {
			require.NoError(t, create(north, id).Err)
			attend(t, holder(t, fakes, "north-"+id), "north-"+id)
		}
		_, err := holder(t, fakes, "north-room-1").AddBreakout("north-room-1", 1)
		require.NoError(t, err)
		quiet(fakes)
		full := create(north, "room-3")
		assert.Equal(t, "meetingLimitReached", full.Key)
		assert.Contains(t, answer(full), "<returncode>FAILED</returncode><messageKey>meetingLimitReached</messageKey>")
		assert.Zero(t, requests(fakes, "create"), "no server is told")
		assert.Equal(t, "duplicateWarning", create(north, "room-2").Key, "a meeting that exists is not one too many")
		require.NoError(t, as(t, g, north, "create", "meetingID=inner&name=Room&isBreakout=true&sequence=2&parentMeetingID=room-1").Err)

		other := newGroupOf(t, fakes) // another process, which has seen nothing yet
		assert.Equal(t, "meetingLimitReached", as(t, other, north, "create", "meetingID=room-3&name=Lesson").Key)
		assert.Equal(t, "duplicateWarning", as(t, other, north, "create", "meetingID=room-2&name=Lesson&attendeePW=attendee-x&moderatorPW=moderator-x").Key)

		// Ended behind our back, and seen before anybody is refused.
		wait(t, 5*time.Second)
		holder(t, fakes, "north-room-1").EndMeeting("north-room-1")
		require.NoError(t, create(north, "room-3").Err)
		wait(t, 5*time.Second)
		quiet(fakes)
		for range 10 {
			assert.Equal(t, "meetingLimitReached", create(north, "room-4").Key)
		}
		assert.Equal(t, 3, requests(fakes, "*"), "refusing costs one list of each server in two seconds")

		// What is known counts, whoever is silent.
		for _, f := range fakes {
			f.SetDown(true)
		}
		wait(t, 3*time.Second)
		assert.Equal(t, "meetingLimitReached", create(north, "room-4").Key)
	})
}

// Servers list a meeting for a while after its end. It does not count any more, and so is one more when it is
// created again: by turns, a tenant could have had any number.
func TestLimitCountsWhatIsCreatedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 1, bbbtest.WithEndDelay(time.Minute))
		g, users := newGroupOf(t, fakes), newGroupOf(t, fakes)
		north := limitedTenant(1, 0)
		require.NoError(t, as(t, g, north, "create", "meetingID=room-1&name=Lesson").Err)
		wait(t, time.Second)
		require.NoError(t, users.EndMeeting(t.Context(), "north-room-1", ""))
		wait(t, time.Second)
		_, err := g.Meetings(t.Context())
		require.NoError(t, noted(t, err))
		require.NoError(t, as(t, g, north, "create", "meetingID=room-2&name=Lesson").Err)
		assert.Equal(t, "meetingLimitReached", as(t, g, north, "create", "meetingID=room-1&name=Lesson").Key)
		assert.NotEqual(t, "meetingLimitReached", as(t, g, north, "create", "meetingID=room-2&name=Lesson").Key)
	})
}

// Of creates at the same time, those get in that there is room for, and one that fails
// leaves its room to the next.
func TestLimitOnMeetingsUnderConcurrentCreates(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Latency: 50 * time.Millisecond})
		}
		north := limitedTenant(3, 0)
		keys := make(map[string]int)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				name := "Lesson"
				if i%5 == 0 {
					name = "" // which servers refuse
				}
				key := as(t, g, north, "create", fmt.Sprintf("meetingID=room-%d&name=%s", i/2, name)).Key
				mu.Lock()
				defer mu.Unlock()
				keys[key]++
			})
		}
		wg.Wait()
		n := 0
		for _, f := range fakes {
			n += len(f.Meetings())
		}
		assert.Equal(t, 3, n, "%v", keys)
		assert.NotZero(t, keys["meetingLimitReached"])
	})
}

func TestLimitOnAttendees(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		north, south := limitedTenant(0, 3), tenantNamed("south")
		join := func(of *bbb.Tenant, id, user, more string) *bbb.Response {
			return as(t, g, of, "join", "fullName=Ada&role=VIEWER&meetingID="+id+"&userID="+user+more)
		}
		for _, of := range []*bbb.Tenant{north, south} {
			for _, id := range []string{"physics", "math"} {
				require.NoError(t, as(t, g, of, "create", "name=Lesson&meetingID="+id).Err)
			}
		}
		for _, user := range []string{"u1", "u2"} {
			r := join(north, "physics", user, "&redirect=false")
			require.NoError(t, r.Err)
			suite.joined(answer(r))
		}
		for i := range 10 {
			require.NoError(t, join(south, "physics", fmt.Sprint("s", i), "").Err)
		}
		require.NoError(t, join(north, "math", "u3", "").Err, "a browser is sent there, and counts from now on")
		full := join(north, "math", "u4", "")
		assert.Equal(t, "maxParticipantsReached", full.Key)
		assert.Contains(t, full.Location, "errors=")
		require.ErrorIs(t, full.Err, bbb.ErrMeetingFull)
		full = join(north, "physics", "u4", "&redirect=false")
		assert.Equal(t, 200, full.StatusCode)
		assert.Contains(t, answer(full), "<messageKey>maxParticipantsReached</messageKey><message>The number of participants allowed for this meeting has been reached.</message>")
		require.NoError(t, join(north, "physics", "u1", "").Err, "who is inside may come again")
		assert.Equal(t, "invalidMeetingIdentifier", join(north, "nowhere", "u4", "").Key, "as without a limit")

		wait(t, time.Minute) // u3 never came
		require.NoError(t, join(north, "math", "u4", "").Err)
		assert.Equal(t, "maxParticipantsReached", join(north, "math", "u5", "").Key)
		holder(t, fakes, "north-physics").Leave("north-physics", "u2")
		wait(t, 5*time.Second)
		require.NoError(t, join(north, "math", "u5", "").Err)
	})
}

func TestLimitOnAttendeesCountsBreakoutRoomsOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 1)
		north := limitedTenant(0, 3)
		require.NoError(t, as(t, g, north, "create", "name=Lesson&meetingID=physics").Err)
		for i := range 2 {
			require.NoError(t, fakes[0].Attend("north-physics", bbbtest.Attendee{UserID: fmt.Sprint("u", i), FullName: "Ada"}))
		}
		room, err := fakes[0].AddBreakout("north-physics", 1)
		require.NoError(t, err)
		for i := range 2 {
			require.NoError(t, fakes[0].Attend(room.MeetingID, bbbtest.Attendee{UserID: fmt.Sprint("u", i), FullName: "Ada"}))
		}
		require.NoError(t, g.Refresh(t.Context()))
		join := func(user, id string) string {
			return as(t, g, north, "join", "fullName=Ada&role=VIEWER&userID="+user+"&meetingID="+id).Key
		}
		assert.Empty(t, join("u5", room.MeetingID), "there is room for one more, who comes in by the breakout room")
		assert.Equal(t, "maxParticipantsReached", join("u6", room.MeetingID))
		assert.Equal(t, "maxParticipantsReached", join("u6", "physics"))
		assert.Empty(t, join("u0", room.MeetingID), "inside the parent already")
	})
}

func TestLimitOnAttendeesUnderConcurrentJoins(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 3)
		for _, f := range fakes {
			f.Inject(bbbtest.Fault{Latency: 50 * time.Millisecond})
		}
		north := limitedTenant(0, 10)
		for i := range 4 {
			require.NoError(t, as(t, g, north, "create", fmt.Sprintf("name=Lesson&meetingID=room-%d", i)).Err)
		}
		keys := make(map[string]int)
		var mu sync.Mutex
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				r := as(t, g, north, "join", fmt.Sprintf("fullName=Ada&role=VIEWER&userID=u%d&meetingID=room-%d", i, i%4))
				mu.Lock()
				defer mu.Unlock()
				if r.Failed() {
					keys[r.Key]++
				} else {
					keys["in"]++
				}
			})
		}
		wg.Wait()
		assert.Equal(t, map[string]int{"in": 10, "maxParticipantsReached": 30}, keys)
	})
}

func TestTenantsGetServersWithTheirLabels(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 3)
	g := newEmptyGroup(t, bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}))
	for i, f := range fakes {
		addServer(t, g, f, bbb.WithLabels(bbb.Labels{"region": []string{"eu", "us", "eu"}[i]}))
	}
	north := tenantNamed("north")
	north.Labels = bbb.Labels{"region": "us"}
	for i := range 5 {
		require.NoError(t, as(t, g, north, "create", fmt.Sprintf("name=Lesson&meetingID=room-%d", i)).Err)
	}
	assert.Len(t, fakes[1].Meetings(), 5)
	north = tenantNamed("north")
	north.Labels = bbb.Labels{"region": "asia"}
	r := as(t, g, north, "create", "name=Lesson&meetingID=room-9")
	require.ErrorIs(t, r.Err, bbb.ErrNoServer)
}
