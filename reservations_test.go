package bbb_test

import (
	"context"
	"errors"
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

// Processes that share a Cache see at once what the others reserve, long before a
// server tells them.
func TestReservationsAreShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 2)
		cache := bbb.WithCache(bbb.NewMemoryCache())
		a, b := newGroupOf(t, fakes, cache), newGroupOf(t, fakes, cache)
		m, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Size: 200}})
		require.NoError(t, err)
		name := m.Server().Name()
		b.Rank(t.Context(), bbb.Criteria{})
		assert.InDelta(t, 205, server(t, b, name).Load().Seats(), 1e-6)
		for range 5 {
			m, err := b.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Chemistry"})
			require.NoError(t, err)
			assert.NotEqual(t, name, m.Server().Name())
		}

		// A list confirms them, and does not count them twice.
		wait(t, time.Minute)
		require.NoError(t, b.Refresh(t.Context()))
		b.Rank(t.Context(), bbb.Criteria{})
		got := server(t, b, name).Load()
		assert.Equal(t, 1, got.Meetings)
		assert.InDelta(t, 200*29./30, got.Expected, 1e-6, "its size is known to all")

		// What has ended is gone everywhere with the next list.
		require.NoError(t, a.EndMeeting(t.Context(), m.ID, ""))
		wait(t, time.Minute)
		require.NoError(t, b.Refresh(t.Context()))
		assert.Zero(t, server(t, b, name).Load().Meetings)
	})
}

// A process that starts takes in what the others have reserved.
func TestReservationsAreThereAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 2)
		cache := bbb.WithCache(bbb.NewMemoryCache())
		a := newGroupOf(t, fakes, cache)
		for range 4 {
			_, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, err)
		}
		wait(t, 10*time.Minute)
		_, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
		b := newGroupOf(t, fakes, cache)
		b.Rank(t.Context(), bbb.Criteria{})
		seats := 0.0
		for s := range b.Servers() {
			seats += s.Load().Expected
		}
		assert.InDelta(t, 4*20*2./3+20, seats, 1e-6, "those of ten minutes ago are two thirds of what they were")
		wait(t, 21*time.Minute)
		late := newGroupOf(t, fakes, cache)
		late.Rank(t.Context(), bbb.Criteria{})
		n := 0
		for s := range late.Servers() {
			n += s.Load().Meetings
		}
		assert.Equal(t, 1, n, "older than half an hour is no reservation")
	})
}

// What a server refused is released for all.
func TestReleasesAreShared(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 1)
	cache := bbb.WithCache(bbb.NewMemoryCache())
	a, b := newGroupOf(t, fakes, cache), newGroupOf(t, fakes, cache)
	fakes[0].Inject(bbbtest.Fault{Call: "create", Status: 403})
	for i := range 3 {
		_, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", MeetingID: fmt.Sprint("room", i)})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
		_, err = a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.ErrorIs(t, noted(t, err), bbb.ErrNoServer)
	}
	b.Rank(t.Context(), bbb.Criteria{})
	assert.Zero(t, server(t, b, "bbb1").Load().Meetings)
	assert.Zero(t, server(t, a, "bbb1").Load().Meetings)
}

// Joins issued by one process count in the others from its next create or refresh on.
func TestJoinsAreShared(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 1)
	cache := bbb.WithCache(bbb.NewMemoryCache())
	a, b := newGroupOf(t, fakes, cache), newGroupOf(t, fakes, cache)
	m := create(t, a, "room with / and blanks")
	for range 7 {
		_, err := m.JoinURL(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleViewer})
		require.NoError(t, err)
	}
	_, err := m.Join(t.Context(), bbb.JoinParams{FullName: "Marie", Role: bbb.RoleViewer})
	require.NoError(t, err)
	assert.Equal(t, 8, server(t, a, "bbb1").Load().People)
	b.Rank(t.Context(), bbb.Criteria{})
	assert.Zero(t, server(t, b, "bbb1").Load().People)
	require.NoError(t, server(t, a, "bbb1").Refresh(t.Context()))
	b.Rank(t.Context(), bbb.Criteria{})
	assert.Equal(t, 8, server(t, b, "bbb1").Load().People)
	require.NoError(t, a.Refresh(t.Context()))
	b.Rank(t.Context(), bbb.Criteria{})
	assert.Equal(t, 8, server(t, b, "bbb1").Load().People, "told once")
}

// A meeting that another process made on one server directly counts as well.
func TestCreatesOnAServerAreShared(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 2)
	cache := bbb.WithCache(bbb.NewMemoryCache())
	a, b := newGroupOf(t, fakes, cache), newGroupOf(t, fakes, cache)
	p := bbb.CreateParams{Name: "Physics", MeetingID: "room", Placement: bbb.Placement{Size: 50}}
	for range 2 {
		_, err := server(t, a, "bbb1").CreateMeeting(t.Context(), p)
		require.NoError(t, err)
		b.Rank(t.Context(), bbb.Criteria{})
		for _, g := range []*bbb.Group{a, b} {
			assert.InDelta(t, 55, server(t, g, "bbb1").Load().Seats(), 0.1)
		}
	}
	small := bbb.CreateParams{Name: "Physics", MaxParticipants: new(4)}
	_, err := server(t, a, "bbb2").CreateMeeting(t.Context(), small)
	require.NoError(t, err)
	assert.InDelta(t, 9, server(t, a, "bbb2").Load().Seats(), 0.1, "more than may come are not expected")
}

// noJournal is a Cache that cannot keep journals.
type noJournal struct{ bbb.Cache }

// brokenJournal is one whose journals fail, or hold what is no entry of ours.
type brokenJournal struct {
	bbb.Cache
	err     error
	entries []string
	mu      sync.Mutex // protects read
	read    int
}

func (c *brokenJournal) Append(context.Context, string, time.Duration, ...[]byte) error { return c.err }

func (c *brokenJournal) ReadAfter(_ context.Context, _, after string) ([][]byte, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.read++
	if c.err != nil || after == "end" {
		return nil, after, c.err
	}
	var list [][]byte
	for _, e := range c.entries {
		list = append(list, []byte(e))
	}
	return list, "end", nil
}

// Without a journal, or with one that fails, groups work as if each were alone.
func TestWithoutAJournal(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]bbb.Cache{
		"none": noJournal{bbb.NewMemoryCache()}, "failing": &brokenJournal{Cache: bbb.NewMemoryCache(), err: errors.New("out of order")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log, lines := logged(t)
			fakes := newFakes(t, 3)
			a, b := newGroupOf(t, fakes, bbb.WithCache(cache), log), newGroupOf(t, fakes, bbb.WithCache(cache))
			for range 6 {
				m, err := a.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
				require.NoError(t, err)
				_, err = m.JoinURL(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleViewer})
				require.NoError(t, err)
			}
			for _, f := range fakes {
				assert.Len(t, f.Meetings(), 2)
			}
			b.Rank(t.Context(), bbb.Criteria{})
			assert.Zero(t, server(t, b, "bbb1").Load())
			require.NoError(t, b.Refresh(t.Context()))
			assert.Equal(t, 2, server(t, b, "bbb1").Load().Meetings, "the servers tell")
			assert.Equal(t, name == "failing", len(lines.with("cache failed")) > 0)
		})
	}
}

// What is in a journal is not trusted: other releases write there too.
func TestStrangeJournals(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 1)
	url := fakes[0].URL() + "api"
	cache := &brokenJournal{Cache: bbb.NewMemoryCache()}
	now := fmt.Sprint(time.Now().UnixMilli())
	cache.entries = append(cache.entries,
		"", " ", "x", "t reserve 1 2 3", "t reserve x 5 room "+url, "t reserve "+now+" x room "+url,
		"t reserve "+now+" -5 room "+url, "t reserve "+now+" 5 %zz "+url, "t reserve "+now+" 5 room https://elsewhere.example/bigbluebutton/api",
		"t other "+now+" 5 room "+url, "t reserve 0 5 ancient "+url, "t release "+now+" 0 nothing "+url, "t join "+now+" 5 nothing "+url,
		"t reserve 99999999999999 30 tomorrow "+url, // a clock that is ahead
	)
	g := newGroupOf(t, fakes, bbb.WithCache(cache))
	s := server(t, g, "bbb1")
	require.Equal(t, url, s.BaseURL())
	g.Rank(t.Context(), bbb.Criteria{})
	assert.Equal(t, 1, cache.read, "a short part is the last")
	assert.Equal(t, 1, s.Load().Meetings)
	assert.InDelta(t, 30, s.Load().Expected, 0.5)
}

// A configuration is read anew: all servers leave and come back. What their meetings
// take is not forgotten, and a server that is new to this process comes with what
// others have reserved on it.
func TestServersThatComeBackAreNotEmpty(t *testing.T) {
	t.Parallel()
	fakes := newFakes(t, 2)
	for name, cache := range map[string]bbb.Cache{"alone": nil, "shared": bbb.NewMemoryCache()} {
		var opts []bbb.GroupOption
		if cache != nil {
			opts = append(opts, bbb.WithCache(cache))
		}
		g := newGroupOf(t, fakes, opts...)
		for range 6 {
			_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, err)
		}
		before := server(t, g, "bbb1").Load()
		assert.Equal(t, 3, before.Meetings, name)
		require.True(t, g.Remove("bbb1"))
		addServer(t, g, fakes[0])
		assert.Equal(t, 3, server(t, g, "bbb1").Load().Meetings, name)
		if cache == nil {
			continue
		}
		late := newGroupOf(t, fakes[1:], opts...)
		late.Rank(t.Context(), bbb.Criteria{})
		addServer(t, late, fakes[0], bbb.WithTransport(fakes[0].Transport()))
		late.Rank(t.Context(), bbb.Criteria{})
		assert.Equal(t, 3, server(t, late, "bbb1").Load().Meetings)
		assert.Equal(t, 3, server(t, late, "bbb2").Load().Meetings, "and those it knew are not counted twice")
	}
}

// slowJournal takes its time for everything.
type slowJournal struct {
	bbb.Cache
	bbb.Journal
}

func (c slowJournal) ReadAfter(ctx context.Context, key, after string) ([][]byte, string, error) {
	select {
	case <-time.After(400 * time.Millisecond):
	case <-ctx.Done():
		return nil, after, ctx.Err()
	}
	entries, last, err := c.Journal.ReadAfter(ctx, key, after)
	if len(entries) > 1 { // and gives one at a time
		entries, last = entries[:1], fmt.Sprint(len(after)+1)
	}
	return entries, last, err
}

// A journal that is slow and long costs a create no more than one access may.
func TestSlowJournal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		memory := bbb.NewMemoryCache()
		fakes := newFakes(t, 2)
		fast := newGroupOf(t, fakes, bbb.WithCache(memory))
		for range 100 {
			_, err := fast.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
			require.NoError(t, err)
		}
		journal, ok := memory.(bbb.Journal)
		require.True(t, ok)
		g := newGroupOf(t, fakes, bbb.WithCache(slowJournal{memory, journal}))
		start := time.Now()
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics"})
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(start), 500*time.Millisecond)
	})
}
