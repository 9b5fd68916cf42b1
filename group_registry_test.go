package bbb_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
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

func names(g *bbb.Group) []string {
	list := []string{}
	for s := range g.Servers() {
		list = append(list, s.Name())
	}
	return list
}

func TestServersKeepTheirOrder(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	assert.Zero(t, g.Len())
	assert.Empty(t, names(g))

	for _, name := range []string{"zeta", "alpha", "mid"} {
		s, err := g.New(name, name+".example.org", "a-secret-of-"+name)
		require.NoError(t, err)
		assert.Same(t, g, s.Group())
		found, ok := g.Server(name)
		require.True(t, ok)
		assert.Same(t, s, found)
	}
	assert.Equal(t, 3, g.Len())
	assert.Equal(t, []string{"zeta", "alpha", "mid"}, names(g), "as they were added")

	assert.True(t, g.Remove("alpha"))
	assert.False(t, g.Remove("alpha"), "it is gone already")
	assert.False(t, g.Remove("nobody"))
	_, ok := g.Server("alpha")
	assert.False(t, ok)
	assert.Equal(t, 2, g.Len())

	_, err := bbb.NewServer(g, "alpha", "alpha.example.org", "a-secret-of-alpha")
	require.NoError(t, err, "name and URL are free again")
	assert.Equal(t, []string{"zeta", "mid", "alpha"}, names(g), "it is the newest now")
}

func TestServersAreUnique(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	_, err := g.New("bbb1", "https://bbb1.example.org/bigbluebutton/api", "a-secret-of-bbb1")
	require.NoError(t, err)

	for _, spelling := range []string{
		"https://bbb1.example.org/bigbluebutton/api", "bbb1.example.org", "https://bbb1.example.org/",
		"https://bbb1.example.org/bigbluebutton/", "HTTPS://BBB1.Example.ORG:443/bigbluebutton", " bbb1.example.org/api ",
	} {
		_, err := g.New("bbb2", spelling, "a-secret-of-bbb2")
		require.ErrorIs(t, noted(t, err), bbb.ErrServerExists, spelling)
		assert.ErrorContains(t, err, `"bbb1"`, "says whose URL it is")
	}
	_, err = g.New("bbb1", "bbb2.example.org", "a-secret-of-bbb2")
	require.ErrorIs(t, noted(t, err), bbb.ErrServerExists)
	_, err = g.New("bbb1", "bbb1.example.org", "a-secret-of-bbb2")
	require.ErrorIs(t, noted(t, err), bbb.ErrServerExists)
	assert.Equal(t, 2, strings.Count(err.Error(), bbb.ErrServerExists.Error()), "both problems at once: %v", err)

	assert.Equal(t, []string{"bbb1"}, names(g), "nothing was half added")

	for _, different := range []string{
		"http://bbb1.example.org", "https://bbb1.example.org:8443", "https://bbb1.example.org/tenant/bigbluebutton",
	} {
		_, err := g.New(different, different, "a-secret-of-bbb2")
		require.NoError(t, err, "%s is another server", different)
	}
}

// An iteration goes over the servers that were there when it began.
func TestIterationIsASnapshot(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 3)
	var seen []string
	for s := range g.Servers() {
		seen = append(seen, s.Name())
		g.Remove("bbb2")
		if s.Name() == "bbb1" {
			_, err := g.New("bbb4", "bbb4.example.org", "a-secret-of-bbb4")
			require.NoError(t, err)
		}
	}
	assert.Equal(t, []string{"bbb1", "bbb2", "bbb3"}, seen)
	assert.Equal(t, []string{"bbb1", "bbb3", "bbb4"}, names(g))

	for range g.Servers() {
		break // may be left early
	}
}

// Readers take no lock and never see a server that is in one view but not in the
// other. It is the race detector that finds the rest.
func TestMembershipChangesUnderReaders(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	stop := make(chan struct{})
	var readers, writers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				list := names(g)
				assert.Equal(t, []string{"bbb1", "bbb2"}, list[:2], "the old ones are always there")
				assert.Len(t, slices.Compact(slices.Sorted(slices.Values(list))), len(list), "nobody twice")
				for s := range g.Servers() {
					assert.Same(t, g, s.Group())
				}
				g.CachedMeetings(t.Context())
			}
		})
	}
	for w := range 4 {
		writers.Go(func() {
			for i := range 50 {
				name := fmt.Sprintf("extra%d-%d", w, i)
				_, err := g.New(name, name+".test", "a-secret-of-extra")
				assert.NoError(t, err)
				assert.True(t, g.Remove(name))
			}
		})
	}
	writers.Wait()
	close(stop)
	readers.Wait()
	assert.Equal(t, []string{"bbb1", "bbb2"}, names(g))
}

// Of many that add the same server at one time, one succeeds.
func TestAddingOneServerConcurrently(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	var wg sync.WaitGroup
	added := make(chan *bbb.Server, 20)
	for range cap(added) {
		wg.Go(func() {
			if s, err := g.New("bbb1", "bbb1.test", "a-secret-of-bbb1"); err == nil {
				added <- s
			} else {
				assert.ErrorIs(t, noted(t, err), bbb.ErrServerExists)
			}
		})
	}
	wg.Wait()
	require.Len(t, added, 1)
	assert.Same(t, <-added, server(t, g, "bbb1"))
}

func TestRemovedServerIsForgottenButWorks(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	m := create(t, g, "physics")
	held := holder(t, fakes, "physics")
	s := m.Server()
	_, err := g.Meetings(t.Context())
	require.NoError(t, err)

	require.True(t, g.Remove(held.Name()))
	quiet(fakes)

	_, err = g.Meeting(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound, "the group does not find it")
	_, err = g.JoinURL(t.Context(), bbb.JoinParams{MeetingID: "physics", FullName: "Ada", Role: bbb.RoleViewer})
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
	assert.Empty(t, g.CachedMeetings(t.Context()))
	list, err := g.Meetings(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.Empty(t, held.Requests(), "the removed server is not asked")

	// What is still held works.
	_, err = m.Refresh(t.Context())
	require.NoError(t, err)
	_, err = m.Join(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleViewer})
	require.NoError(t, err)
	running, err := s.IsMeetingRunning(t.Context(), "physics")
	require.NoError(t, err)
	assert.True(t, running)
	_, err = s.Meetings(t.Context())
	require.NoError(t, err)
	assert.Same(t, g, s.Group())

	// Its answers do not bring it back into the group.
	_, err = g.Meeting(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)

	again := addServer(t, g, held)
	assert.NotSame(t, s, again)
	found, err := g.Meeting(t.Context(), "physics")
	require.NoError(t, err)
	assert.Same(t, again, found.Server(), "found under the new membership, not the old one")
	require.NoError(t, m.End(t.Context()), "the old snapshot still manages itself")
	_, err = g.Meeting(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)
}

// A meeting whose server left may be created elsewhere.
func TestMeetingOfRemovedServerIsCreatedElsewhere(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	create(t, g, "physics")
	gone := holder(t, fakes, "physics")
	g.Remove(gone.Name())
	m := create(t, g, "physics")
	assert.False(t, m.Existed())
	assert.Equal(t, other(t, fakes, gone).Name(), m.Server().Name())
}

// Removing a server interrupts nobody, and what comes from it afterwards does not
// count for the group.
func TestRemovingWhileCallsAreUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g, fakes := newGroup(t, 2)
		createOn(t, fakes[0], bbb.CreateParams{MeetingID: "physics"})
		fakes[0].Inject(bbbtest.Fault{Latency: time.Second})

		var (
			list []*bbb.Meeting
			m    *bbb.Meeting
			errs [2]error
		)
		listed := after(func() { list, errs[0] = g.Meetings(t.Context()) })
		s := server(t, g, "bbb1")
		created := after(func() {
			m, errs[1] = s.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Chemistry", MeetingID: "chemistry"})
		})
		synctest.Wait()
		require.True(t, g.Remove("bbb1"))
		<-listed
		<-created
		require.NoError(t, errs[0])
		require.NoError(t, errs[1])
		assert.Contains(t, ids(list), "physics", "the call that was under way has its answer")
		assert.Equal(t, "chemistry", m.ID)

		fakes[0].ClearFaults()
		for _, id := range []string{"physics", "chemistry"} {
			_, err := g.Meeting(t.Context(), id)
			require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound, id)
		}
	})
}

func TestEmptyGroup(t *testing.T) {
	t.Parallel()
	g := newEmptyGroup(t)
	list, err := g.Meetings(t.Context())
	require.NoError(t, err)
	assert.Empty(t, list)
	assert.Empty(t, g.CachedMeetings(t.Context()))
	require.NoError(t, g.Refresh(t.Context()))
	sessions, err := g.Sessions(t.Context())
	require.NoError(t, err)
	assert.Empty(t, sessions)
	_, err = g.Meeting(t.Context(), "physics")
	require.ErrorIs(t, noted(t, err), bbb.ErrMeetingNotFound)

	for _, id := range []string{"", "physics"} {
		_, err = g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: id})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		assert.ErrorContains(t, err, `"school" has no server`)
	}
}

func TestGroupPrintsItself(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	assert.Equal(t, "school", g.Name())
	assert.Equal(t, `group "school" of 2 servers`, g.String())
	assert.Equal(t, g.GoString(), fmt.Sprintf("%#v", g))
	assert.Equal(t, g.String(), fmt.Sprintf("%d", g), "no verb shows more")
	assert.Equal(t, "{G:"+g.String()+"}", fmt.Sprintf("%+v", struct{ G *bbb.Group }{g}), "not as a part either")
	assert.Contains(t, g.GoString(), "bbb.Group{")
	text, err := g.MarshalJSON()
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"school","servers":[
		{"name":"bbb1","url":"http://bbb1.test/bigbluebutton/api"},
		{"name":"bbb2","url":"http://bbb2.test/bigbluebutton/api"}]}`, string(text))

	var line bytes.Buffer
	slog.New(slog.NewJSONHandler(&line, nil)).Info("hello", "group", g)
	assert.Contains(t, line.String(), `"group":{"name":"school","servers":2}`)
}

func TestNewGroupReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := bbb.NewGroup(" school", bbb.WithWorkers(0), nil, bbb.WithLogoutURL("portal"), bbb.WithMeetingIDFunc(nil),
		bbb.WithCache(nil), bbb.WithLogger(nil), bbb.WithTimeout(0, time.Second), bbb.WithTransport(nil))
	for _, problem := range []string{
		"the name", "WithWorkers", "nil option", "WithLogoutURL", "WithMeetingIDFunc", "WithCache", "WithLogger", "WithTimeout", "WithTransport",
	} {
		assert.ErrorContains(t, noted(t, err), problem)
	}
	for _, name := range []string{"", "a\nb", "a "} {
		_, err := bbb.NewGroup(name)
		assert.Error(t, err, "%q", name)
	}
	_, err = bbb.NewServer(nil, "bbb1", "bbb1.example.org", "a-secret-of-bbb1")
	assert.Error(t, noted(t, err))
}
