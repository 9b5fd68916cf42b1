package bbb_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The answer to a create does not tell the metadata of a meeting that existed. A scope
// that repeats a create whose outcome it does not know has to ask for them.
func TestScopeRepeatsACreateOfUnknownOutcome(t *testing.T) {
	t.Parallel()
	p := bbb.CreateParams{Name: "Physics", MeetingID: "physics"}
	lost := func(t *testing.T) (*bbb.Scope, *bbbtest.Server) {
		g, fakes := newGroup(t, 1)
		blue := scope(t, g, "blue")
		fakes[0].Inject(bbbtest.Fault{Call: "create", Drop: true, Times: 1})
		_, err := blue.CreateMeeting(t.Context(), p)
		require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
		return blue, fakes[0]
	}
	t.Run("it is there", func(t *testing.T) {
		t.Parallel()
		blue, _ := lost(t)
		m, err := blue.CreateMeeting(t.Context(), p)
		require.NoError(t, noted(t, err))
		assert.True(t, m.Existed())
		assert.Equal(t, "blue", m.Metadata["tenant"])
	})
	t.Run("somebody else has the ID by now", func(t *testing.T) {
		t.Parallel()
		blue, fake := lost(t)
		fake.EndMeeting("physics")
		create(t, server(t, blue.Group(), "bbb1"), "physics")
		fake.ResetRequests()
		_, err := blue.CreateMeeting(t.Context(), p)
		require.ErrorIs(t, noted(t, err), bbb.ErrMeetingExists)
		assert.NotContains(t, err.Error(), "bbb1")
	})
	t.Run("with other passwords", func(t *testing.T) {
		t.Parallel()
		blue, _ := lost(t)
		q := p
		q.ModeratorPW, q.AttendeePW = "pw-mod-changed", "pw-att-changed"
		_, err := blue.CreateMeeting(t.Context(), q)
		require.ErrorIs(t, noted(t, err), bbb.ErrMeetingExists)
		assert.NotContains(t, err.Error(), "bbb1")
	})
	t.Run("and cannot be asked for", func(t *testing.T) {
		t.Parallel()
		blue, fake := lost(t)
		fake.Inject(bbbtest.Fault{Call: "getMeetingInfo", Refuse: true, Times: 1})
		_, err := blue.CreateMeeting(t.Context(), p)
		require.Error(t, noted(t, err))
		require.NotErrorIs(t, err, bbb.ErrMeetingExists)
		m, err := blue.CreateMeeting(t.Context(), p)
		require.NoError(t, noted(t, err))
		assert.Equal(t, "blue", m.Metadata["tenant"])
	})
}

// stolen is a cache in which another process is faster to take over a claim, and
// does so for the same server.
type stolen struct{ bbb.Cache }

func (c stolen) Add(ctx context.Context, key string, value []byte, ttl time.Duration) (bool, error) {
	if _, taken := strings.CutPrefix(key, "bbb:school:place@"); !taken {
		return c.Cache.Add(ctx, key, value, ttl)
	}
	first, _, err := c.Get(ctx, "bbb:school:place:physics")
	if err != nil {
		return false, err
	}
	parts := strings.Fields(string(first))
	_, err = c.Cache.Add(ctx, key, []byte("unknown "+parts[1]+" OTHER "+parts[3]), ttl)
	return false, err
}

// A server refused us; the claim that we gave up is taken by another process at once,
// for the same server, which may well accept its create. Going on to the next server
// would split the meeting.
func TestRefusedServerIsClaimedByAnother(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3, bbb.WithCache(stolen{bbb.NewMemoryCache()}))
	for _, f := range fakes {
		f.Inject(bbbtest.Fault{Call: "create", Status: 404})
	}
	_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrNotSupported)
	assert.Equal(t, 1, attempts(fakes))
}

func TestServerCreateMeeting(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	s := server(t, g, "bbb2")
	_, err := s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "a,b"})
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
	fakes[1].Inject(bbbtest.Fault{Call: "create", Refuse: true, Times: 1})
	_, err = s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
	require.Error(t, noted(t, err))
	m := create(t, s, "physics")
	found, err := g.Meeting(t.Context(), "physics")
	require.NoError(t, err)
	assert.Equal(t, m.InternalID, found.InternalID)
	assert.Zero(t, requests(fakes, "getMeetings"), "the group knows what its server created")

	// The passwords of a meeting that exists cannot be adopted when it cannot be asked.
	createOn(t, fakes[1], bbb.CreateParams{MeetingID: "foreign", ModeratorPW: "pw-mod-of-foreign", AttendeePW: "pw-att-of-foreign"})
	fakes[1].Inject(bbbtest.Fault{Call: "getMeetingInfo", Refuse: true})
	_, err = s.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "foreign", Name: "Physics"})
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingExists)
}

func TestCreateBreakoutRoom(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	parent := create(t, g, "physics")
	room, err := server(t, g, "bbb1").CreateMeeting(t.Context(), bbb.CreateParams{
		MeetingID: parent.InternalID + "-1", Name: "Room 1", IsBreakout: new(true), ParentMeetingID: "physics", Sequence: new(1), FreeJoin: new(true),
	})
	require.NoError(t, noted(t, err))
	assert.True(t, room.IsBreakout)
	assert.Equal(t, 1, room.Sequence)
	assert.True(t, room.FreeJoin)
	there, ok := fakes[0].Meeting(room.ID)
	require.True(t, ok, "the server made an ID of its own, and the answer tells it")
	assert.True(t, there.Breakout)
}

// Some servers in front of others answer less than they should.
func TestCreateAnswersLittle(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	fakes[0].Inject(bbbtest.Fault{Call: "create", Body: "<response><returncode>SUCCESS</returncode></response>"})
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics", ModeratorPW: "pw-mod-of-little"})
	require.NoError(t, noted(t, err))
	assert.Equal(t, "physics", m.ID)
	assert.Equal(t, "Physics", m.Name)
	assert.Equal(t, "pw-mod-of-little", m.ModeratorPW)
	assert.NotEmpty(t, m.AttendeePW)
}

// The server that gets a create carries it out, and then the kept connection breaks.
// net/http sends such a GET once more, without a word. When that was refused, because the
// server had died, or because the web server in front of it had enough, the create went
// on to the next server, as if it had never been sent, and the meeting existed twice.
func TestKeptConnectionBreaksAfterACreate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status   int // of the second answer; 0: nobody listens any more
		failures int
	}{
		"connection refused": {0, 1},
		"HTTP 429":           {http.StatusTooManyRequests, 0},
		"HTTP 403":           {http.StatusForbidden, 0},
		"HTTP 404":           {http.StatusNotFound, 0},
		"HTTP 302":           {http.StatusFound, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fakes := newFakes(t, 3)
			g := newEmptyGroup(t, patient)
			var creates atomic.Int32
			for _, f := range fakes {
				var web *httptest.Server
				web = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch n := creates.Load(); {
					case !strings.HasSuffix(r.URL.Path, "/create"), n > 0 && c.status == 0:
						f.ServeHTTP(w, r)
					case n == 0:
						creates.Add(1)
						f.ServeHTTP(httptest.NewRecorder(), r)
						if c.status == 0 {
							assert.NoError(t, web.Listener.Close())
						}
						panic(http.ErrAbortHandler)
					default:
						w.WriteHeader(c.status)
					}
				}))
				t.Cleanup(web.Close)
				_, err := g.New(f.Name(), web.URL+"/bigbluebutton/", f.Secret())
				require.NoError(t, err)
			}
			require.NoError(t, noted(t, g.Refresh(t.Context()))) // now there are connections
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), bbb.ErrOutcomeUnknown)
			require.ErrorContains(t, err, name)
			there := server(t, g, holder(t, fakes, "physics").Name())
			assert.ErrorContains(t, err, "create on "+there.Name()+": ")
			assert.Equal(t, c.failures, there.Health().Failures, "a connection that is refused counts whenever it was")
		})
	}
}
