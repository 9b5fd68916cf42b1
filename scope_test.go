package bbb_test

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// verbs are the calls that code can make on one server, a group or a scope alike.
type verbs interface {
	CreateMeeting(context.Context, bbb.CreateParams) (*bbb.Meeting, error)
	Meeting(context.Context, string) (*bbb.Meeting, error)
	Meetings(context.Context) ([]*bbb.Meeting, error)
	CachedMeetings(context.Context) []*bbb.Meeting
	Refresh(context.Context) error
	IsMeetingRunning(context.Context, string) (bool, error)
	EndMeeting(context.Context, string, string) error
	JoinURL(context.Context, bbb.JoinParams) (string, error)
	Join(context.Context, bbb.JoinParams) (*bbb.Attendee, error)
}

var (
	_ verbs = (*bbb.Server)(nil)
	_ verbs = (*bbb.Group)(nil)
	_ verbs = (*bbb.Scope)(nil)
)

func scope(t testing.TB, g *bbb.Group, tenant string) *bbb.Scope {
	t.Helper()
	sc, err := g.Scope(map[string]string{"tenant": tenant})
	require.NoError(t, err)
	return sc
}

func viewer(id string) bbb.JoinParams {
	return bbb.JoinParams{MeetingID: id, FullName: "Ada", Role: bbb.RoleViewer}
}

// Code moves between one server, a group and a scope by changing the receiver.
func TestSameVerbsEverywhere(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"server", "group", "scope", "empty scope"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 1)
			all, err := g.Scope(nil)
			require.NoError(t, err)
			on := map[string]verbs{"server": server(t, g, "bbb1"), "group": g, "scope": scope(t, g, "blue"), "empty scope": all}[name]
			ctx := t.Context()

			m := create(t, on, "physics")
			assert.False(t, m.Existed())
			assert.True(t, create(t, on, "physics").Existed())
			generated, err := on.CreateMeeting(ctx, bbb.CreateParams{Name: "Chemistry"})
			require.NoError(t, err)
			require.NoError(t, on.Refresh(ctx))
			assert.ElementsMatch(t, []string{"physics", generated.ID}, ids(on.CachedMeetings(ctx)))
			list, err := on.Meetings(ctx)
			require.NoError(t, err)
			assert.ElementsMatch(t, []string{"physics", generated.ID}, ids(list))
			is, err := on.IsMeetingRunning(ctx, "physics")
			require.NoError(t, err)
			assert.False(t, is)
			a, err := on.Join(ctx, viewer("physics"))
			require.NoError(t, err)
			assert.NotEmpty(t, a.Session.SessionToken)
			is, err = on.IsMeetingRunning(ctx, "physics")
			require.NoError(t, err)
			assert.True(t, is)
			raw, err := on.JoinURL(ctx, viewer("physics"))
			require.NoError(t, err)
			assert.Contains(t, raw, fakes[0].URL()+"api/join?")
			m, err = on.Meeting(ctx, "physics")
			require.NoError(t, err)
			assert.Equal(t, 1, m.ParticipantCount)
			require.ErrorIs(t, noted(t, on.EndMeeting(ctx, "physics", "pw-not-the-one")), bbb.ErrPassword)
			require.NoError(t, on.EndMeeting(ctx, "physics", m.ModeratorPW))
			_, err = on.Meeting(ctx, "physics")
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
			_, err = on.Join(ctx, bbb.JoinParams{MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
			_, err = on.JoinURL(ctx, bbb.JoinParams{MeetingID: "physics"})
			require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
		})
	}
}

func TestScopeSeesOnlyItsOwn(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	blue, red := scope(t, g, "blue"), scope(t, g, "red")
	for i := range 4 {
		create(t, blue, fmt.Sprintf("blue-%d", i))
		create(t, red, fmt.Sprintf("red-%d", i))
	}
	create(t, g, "nobody's")
	createOn(t, fakes[0], bbb.CreateParams{MeetingID: "almost", Meta: map[string]string{"tenant": "Blue"}})

	for i := range 4 {
		there, _ := holder(t, fakes, fmt.Sprintf("blue-%d", i)).Meeting(fmt.Sprintf("blue-%d", i))
		assert.Equal(t, "blue", there.Metadata["tenant"], "it is added on create")
	}
	mine := []string{"blue-0", "blue-1", "blue-2", "blue-3"}
	list, err := blue.Meetings(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, mine, ids(list))
	assert.ElementsMatch(t, mine, ids(blue.CachedMeetings(t.Context())))
	list, err = g.Meetings(t.Context())
	require.NoError(t, err)
	assert.Len(t, list, 10)

	fakes[0].SetDown(true)
	list, err = blue.Meetings(t.Context())
	assert.Equal(t, []string{"bbb1"}, groupError(t, err).Names(), "a partial list says so")
	for _, m := range list {
		assert.Equal(t, "blue", m.Metadata["tenant"])
	}
}

// calls are all the ways to a meeting by its ID.
func calls(t testing.TB, sc *bbb.Scope, id string) map[string]func() error {
	ctx := t.Context()
	return map[string]func() error{
		"Meeting": func() error { _, err := sc.Meeting(ctx, id); return err },
		"JoinURL": func() error { _, err := sc.JoinURL(ctx, viewer(id)); return err },
		"Join":    func() error { _, err := sc.Join(ctx, viewer(id)); return err },
		"IsMeetingRunning": func() error {
			is, err := sc.IsMeetingRunning(ctx, id)
			assert.False(t, is)
			return err
		},
		"EndMeeting":               func() error { return sc.EndMeeting(ctx, id, "") },
		"EndMeeting with password": func() error { return sc.EndMeeting(ctx, id, "pw-just-guessed") },
		"Locate":                   func() error { _, err := sc.Locate(ctx, id); return err },
		"Forget":                   func() error { return sc.Forget(ctx, id) },
		"Rebind to bbb1":           func() error { return sc.Rebind(ctx, id, "bbb1") },
		"Rebind to bbb2":           func() error { return sc.Rebind(ctx, id, "bbb2") },
		"Rebind to bbb3":           func() error { return sc.Rebind(ctx, id, "bbb3") },
	}
}

// A meeting outside the scope gives the same as an ID that is nowhere, to the letter,
// whatever is known of it and whatever state its server is in, and costs the same
// requests. Nothing is done to it.
func TestMeetingOutsideIsNowhere(t *testing.T) {
	t.Parallel()
	states := map[string]func(*testing.T, *bbb.Group, *bbbtest.Server, []*bbbtest.Server){
		"known":           func(*testing.T, *bbb.Group, *bbbtest.Server, []*bbbtest.Server) {},
		"its server down": func(_ *testing.T, _ *bbb.Group, held *bbbtest.Server, _ []*bbbtest.Server) { held.SetDown(true) },
		"its server hangs": func(_ *testing.T, _ *bbb.Group, held *bbbtest.Server, _ []*bbbtest.Server) {
			held.Inject(bbbtest.Fault{Hang: true})
		},
		"another server down": func(t *testing.T, _ *bbb.Group, held *bbbtest.Server, fakes []*bbbtest.Server) {
			other(t, fakes, held).SetDown(true)
		},
		"its server knows no info": func(_ *testing.T, _ *bbb.Group, held *bbbtest.Server, _ []*bbbtest.Server) {
			held.Inject(bbbtest.Fault{Call: "getMeetingInfo", Status: 500})
		},
		"all down": func(_ *testing.T, _ *bbb.Group, _ *bbbtest.Server, fakes []*bbbtest.Server) {
			for _, f := range fakes {
				f.SetDown(true)
			}
		},
		"its server has failed for long": func(t *testing.T, g *bbb.Group, held *bbbtest.Server, _ []*bbbtest.Server) {
			held.SetDown(true)
			for range 4 {
				_ = noted(t, g.Refresh(t.Context()))
			}
		},
	}
	for name, change := range states {
		for _, knows := range []string{"index", "cache", "nobody"} {
			t.Run(name+"/known to "+knows, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					fakes := newFakes(t, 3)
					cache := bbb.NewMemoryCache()
					first := newGroupOf(t, fakes, bbb.WithCache(cache))
					hidden := create(t, scope(t, first, "red"), "secret-meeting")
					_, err := hidden.Join(t.Context(), viewer(""))
					require.NoError(t, err)
					held := holder(t, fakes, "secret-meeting")
					g := first
					switch knows {
					case "cache":
						g = newGroupOf(t, fakes, bbb.WithCache(cache))
					case "nobody":
						g = newGroupOf(t, fakes)
					}
					change(t, g, held, fakes)
					// What fails is known to be offline before, not in the middle of
					// the comparison.
					for s := range g.Servers() {
						for range 3 {
							_, err := s.IsMeetingRunning(t.Context(), "another-meeting")
							_ = noted(t, err)
						}
					}
					blue := scope(t, g, "blue")

					unknown, outside := calls(t, blue, "no-such-meeting"), calls(t, blue, "secret-meeting")
					for call, ask := range unknown {
						quiet(fakes)
						want := noted(t, ask())
						cost := requests(fakes, "*")
						quiet(fakes)
						got := noted(t, outside[call]())
						assert.Equal(t, fmt.Sprint(want), fmt.Sprint(got), call)
						assert.IsType(t, want, got, call)                   //nolint:testifylint // any class of error, but of one type
						if knows == "index" && name != "its server hangs" { // one probe of it at a time, whoever asks
							assert.Equal(t, cost, requests(fakes, "*"), "%s: not even by its cost", call)
						}
						assert.Zero(t, requests(fakes, "end")+requests(fakes, "join"), "%s: nothing is done to it", call)
					}
					assert.Equal(t, []string{held.Name()}, holders(fakes, "secret-meeting"))
				})
			})
		}
	}
}

// An ID that exists outside cannot be used, but the error is all there is to learn:
// it is the same whatever the meeting is.
func TestCreateOutsideTheScope(t *testing.T) {
	t.Parallel()
	var texts []string
	for name, hide := range map[string]func(*testing.T, *bbb.Group, []*bbbtest.Server){
		"of another scope": func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { create(t, scope(t, g, "red"), "physics") },
		"of no scope":      func(t *testing.T, g *bbb.Group, _ []*bbbtest.Server) { create(t, g, "physics") },
		"found by search": func(t *testing.T, _ *bbb.Group, fakes []*bbbtest.Server) {
			createOn(t, fakes[1], bbb.CreateParams{MeetingID: "physics", Meta: map[string]string{"tenant": "red"}})
		},
		"with other passwords": func(t *testing.T, _ *bbb.Group, fakes []*bbbtest.Server) {
			createOn(t, fakes[2], bbb.CreateParams{MeetingID: "physics", ModeratorPW: "pw-mod-of-hidden", AttendeePW: "pw-att-of-hidden"})
		},
		"on a server that fails": func(t *testing.T, g *bbb.Group, fakes []*bbbtest.Server) {
			create(t, scope(t, g, "red"), "physics")
			holder(t, fakes, "physics").SetDown(true)
		},
	} {
		for with, p := range map[string]bbb.CreateParams{
			"no passwords": {}, "guessed passwords": {ModeratorPW: "pw-mod-guessing", AttendeePW: "pw-att-guessing"},
			"the right passwords": {ModeratorPW: "pw-mod-of-hidden", AttendeePW: "pw-att-of-hidden"},
		} {
			g, fakes := newGroup(t, 3)
			hide(t, g, fakes)
			before := requests(fakes, "create")
			p.MeetingID, p.Name = "physics", "Mine"
			_, err := scope(t, g, "blue").CreateMeeting(t.Context(), p)
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingExists, "%s, %s", name, with)
			texts = append(texts, err.Error())
			assert.Equal(t, before, requests(fakes, "create"), "the hidden meeting gets no request that might touch it")
			assert.Len(t, holders(fakes, "physics"), 1)
			assert.NotContains(t, err.Error(), "bbb1 ")
			assert.NotContains(t, err.Error(), "pw-")
		}
	}
	for _, text := range texts {
		assert.Equal(t, texts[0], text)
	}
}

// Nobody knows of the meeting outside yet when two scopes create the same ID at the
// same time, in one process or in two.
func TestTwoScopesCreateOneID(t *testing.T) {
	t.Parallel()
	for _, processes := range []int{1, 2} {
		t.Run(fmt.Sprint(processes), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cache := bbb.NewMemoryCache()
				fakes := newFakes(t, 3)
				groups := []*bbb.Group{newGroupOf(t, fakes, bbb.WithCache(cache)), newGroupOf(t, fakes, bbb.WithCache(cache))}
				for _, f := range fakes {
					f.Inject(bbbtest.Fault{Latency: 100 * time.Millisecond})
				}
				for i := range 20 {
					id := fmt.Sprintf("room-%d", i)
					var wg sync.WaitGroup
					var errs [2]error
					for n, tenant := range []string{"blue", "red"} {
						wg.Go(func() {
							_, errs[n] = scope(t, groups[n%processes], tenant).CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Physics"})
						})
					}
					wg.Wait()
					if errs[0] != nil {
						errs[0], errs[1] = errs[1], errs[0]
					}
					require.NoError(t, noted(t, errs[0]))
					require.ErrorIs(t, noted(t, errs[1]), bbb.ErrMeetingExists)
					assert.Len(t, holders(fakes, id), 1)
				}
			})
		})
	}
}

// Between the check and the browser opening the URL, the ID may go to another scope.
func TestScopeJoinIsBoundToTheMeeting(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	blue := scope(t, g, "blue")
	m := create(t, blue, "physics")
	raw, err := blue.JoinURL(t.Context(), viewer("physics"))
	require.NoError(t, err)
	u, err := url.Parse(raw)
	require.NoError(t, err)
	there, _ := fakes[0].Meeting("physics")
	assert.Equal(t, fmt.Sprint(there.CreateTime()), u.Query().Get("createTime"))

	p := viewer("physics")
	p.CreateTime = m.CreateTime.Add(-time.Hour)
	raw, err = blue.JoinURL(t.Context(), p)
	require.NoError(t, err)
	u, err = url.Parse(raw)
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprint(p.CreateTime.UnixMilli()), u.Query().Get("createTime"), "the caller's own is kept")
	_, err = blue.Join(t.Context(), p)
	require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "and refused by the server")

	raw, err = g.JoinURL(t.Context(), viewer("physics"))
	require.NoError(t, err)
	assert.NotContains(t, raw, "createTime", "the group binds nothing")
}

func TestScopeFilters(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	sc, err := g.Scope(map[string]string{"Tenant": "Blue", "COURSE-1": "x"})
	require.NoError(t, err)
	assert.Same(t, g, sc.Group())
	assert.Equal(t, map[string]string{"tenant": "Blue", "course-1": "x"}, sc.Meta(), "keys are folded, values not")
	sc.Meta()["tenant"] = "red"
	assert.Equal(t, "Blue", sc.Meta()["tenant"], "it is a copy")
	assert.Equal(t, "scope of "+g.String(), sc.String())
	m, err := sc.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Meta: map[string]string{"TENANT": "Blue"}})
	require.NoError(t, noted(t, err), "the same value in another letter case is no conflict")
	assert.Equal(t, "Blue", m.Metadata["tenant"])

	given := map[string]string{"tenant": "blue"}
	sc, err = g.Scope(given)
	require.NoError(t, err)
	given["tenant"] = "red"
	assert.Equal(t, "blue", sc.Meta()["tenant"], "what was handed in is copied")

	for _, bad := range []map[string]string{
		{"": "x"}, {"1st": "x"}, {"a b": "x"}, {"a_b": "x"}, {"ä": "x"}, {"tenant": "a", "Tenant": "b"},
		{"tenant": ""}, // a scope that could not find what it created
	} {
		_, err := g.Scope(bad)
		require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams, "%v", bad)
	}
	_, err = g.Scope(map[string]string{"tenant": "a", "Tenant": "a", "TENANT": "a"})
	require.NoError(t, err, "saying it twice is harmless")
	_, err = g.Scope(map[string]string{"a b": "x", "c d": "x"})
	assert.ErrorContains(t, err, "a b")
	assert.ErrorContains(t, err, "c d", "all problems at once")
}

func TestScopeMetadataConflict(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	for _, key := range []string{"tenant", "Tenant"} {
		for _, id := range []string{"", "physics"} {
			_, err := scope(t, g, "blue").CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: id, Meta: map[string]string{key: "red"}})
			require.ErrorIs(t, noted(t, err), bbb.ErrInvalidParams)
			assert.ErrorContains(t, err, "meta_tenant")
		}
	}
	assert.Zero(t, requests(fakes, "*"))
}

func TestEmptyScopeIsTheGroup(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	all, err := g.Scope(map[string]string{})
	require.NoError(t, err)
	assert.Equal(t, g.String(), all.String())
	assert.Empty(t, all.Meta())
	m := create(t, g, "physics")
	create(t, scope(t, g, "blue"), "chemistry")
	a, err := g.Meetings(t.Context())
	require.NoError(t, err)
	b, err := all.Meetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, ids(a), ids(b))
	assert.Equal(t, ids(g.CachedMeetings(t.Context())), ids(all.CachedMeetings(t.Context())))
	x, err := g.JoinURL(t.Context(), viewer("physics"))
	require.NoError(t, err)
	y, err := all.JoinURL(t.Context(), viewer("physics"))
	require.NoError(t, err)
	assert.Equal(t, x, y)
	again := create(t, all, "physics")
	assert.Equal(t, m.InternalID, again.InternalID)
}
