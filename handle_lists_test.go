package bbb_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A list that is told again and again is kept whole. It is that of whoever asks, and of what is there now.
func TestListsThatAreToldAgain(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	tenants := make(map[string]*bbb.Tenant) // a view is that of one of these
	for _, name := range []string{"acme", "zoo", "nobody"} {
		tenants[name] = &bbb.Tenant{Name: name, Namespace: name}
	}
	tell := func(tenant string) string {
		opts := []bbb.HandleOption{bbb.HandleFresh(time.Hour), nil}
		if tenant != "" {
			opts[1] = bbb.HandleAs(tenants[tenant])
		}
		return string(handledBy(t, g, "getMeetings", "", opts...).AppendBody([]byte("before ")))
	}
	shows := func(tenant string, want ...string) {
		t.Helper()
		first := tell(tenant)
		assert.Equal(t, len(want), strings.Count(first, "<meeting>"))
		for _, id := range want {
			assert.Contains(t, first, "<meetingID>"+id+"</meetingID>")
		}
		for range 3 {
			assert.Equal(t, first, tell(tenant))
		}
	}
	for _, id := range []string{"acme-a", "acme-b", "zoo-a"} {
		tenant, _, _ := strings.Cut(id, "-")
		_, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: id, Meta: map[string]string{"tenant": tenant}})
		require.NoError(t, noted(t, err))
	}
	shows("", "acme-a", "acme-b", "zoo-a")
	shows("acme", "a", "b")
	shows("zoo", "a")
	shows("acme", "a", "b")
	require.NoError(t, noted(t, g.EndMeeting(t.Context(), "acme-b", "")))
	shows("acme", "a")
	shows("zoo", "a")
	shows("", "acme-a", "zoo-a")
	shows("nobody")
}

// Many tell and keep lists at the same time, while the meetings change.
func TestListsThatChangeWhileTheyAreTold(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	create(t, g, "first")
	tenant := &bbb.Tenant{Namespace: "acme"}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				body := string(handledBy(t, g, "getMeetings", "", bbb.HandleFresh(time.Hour), bbb.HandleAs(tenant)).AppendBody(nil))
				assert.True(t, strings.HasSuffix(body, "</response>"))
				assert.Equal(t, strings.Count(body, "<meeting>"), strings.Count(body, "</meeting>"))
			}
		})
	}
	for _, id := range []string{"second", "third", "fourth"} {
		create(t, g, id)
	}
	wg.Wait()
	body := string(handledBy(t, g, "getMeetings", "", bbb.HandleFresh(time.Hour)).AppendBody(nil))
	assert.Equal(t, 4, strings.Count(body, "<meeting>"))
}

// A list that is told again is the list that somebody gets who never asked, whatever happened in between.
func TestListsAreToldAgainOnlyAsTheyAre(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 2)
	same := func(after string) {
		t.Helper()
		tell := func(sc *bbb.Scope) string {
			r := sc.HandleFromData(t.Context(), "getMeetings", nil, nil, bbb.HandleFresh(time.Hour))
			require.NoError(t, r.Err, after)
			return string(r.AppendBody(nil))
		}
		whole, err := g.Scope(nil)
		require.NoError(t, err)
		want := tell(whole)
		for range 3 {
			assert.Equal(t, want, string(handledBy(t, g, "getMeetings", "", bbb.HandleFresh(time.Hour)).AppendBody(nil)), after)
		}
	}
	server := func(name string) *bbb.Server {
		s, ok := g.Server(name)
		require.True(t, ok)
		return s
	}
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"creates", func() { create(t, g, "aa"); create(t, g, "bb"); create(t, g, "cc") }},
		{"a list of all", func() { _, _ = g.Meetings(t.Context()) }},
		{"news of one", func() {
			_, err := g.Join(t.Context(), bbb.JoinParams{MeetingID: "aa", FullName: "Ada", Role: bbb.RoleViewer})
			require.NoError(t, noted(t, err))
			_, err = g.Meeting(t.Context(), "aa")
			require.NoError(t, noted(t, err))
		}},
		{"an end", func() { require.NoError(t, noted(t, g.EndMeeting(t.Context(), "bb", ""))) }},
		{"another secret", func() { _, _ = server("bbb1").Replace(sampleSecret) }},
		{"a server that is disabled", func() { server("bbb1").SetMode(bbb.ModeDisabled) }},
		{"and enabled", func() { server("bbb1").SetMode(bbb.ModeEnabled) }},
		{"the other one as well", func() { server("bbb2").SetMode(bbb.ModeDisabled) }},
		{"one that is removed", func() { g.Remove("bbb2") }},
		{"the last one", func() { g.Remove("bbb1") }},
	} {
		step.do()
		same(step.name)
	}
}
