package bbb_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tenantNamed returns a tenant whose IDs are its own.
func tenantNamed(name string) *bbb.Tenant {
	return &bbb.Tenant{Name: name, Namespace: name, Secrets: []string{"the-secret-of-" + name}}
}

// as handles a call for a tenant.
func as(t testing.TB, g *bbb.Group, tenant *bbb.Tenant, call, query string, opts ...bbb.HandleOption) *bbb.Response {
	t.Helper()
	params, err := url.ParseQuery(query)
	require.NoError(t, err)
	r := g.HandleFromData(t.Context(), call, params, nil, append(opts, bbb.HandleAs(tenant))...)
	suite.err(t.Name(), r.Err)
	suite.secret("a join URL", r.Location)
	return r
}

// answer is the body of what a tenant was answered.
func answer(r *bbb.Response) string { return string(r.AppendBody(nil)) }

func TestTenantsUseTheSameIDs(t *testing.T) {
	t.Parallel()
	for name, meta := range map[string]map[string]string{"marked": nil, "namespace alone": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, fakes := newGroup(t, 2)
			north, south := tenantNamed("north"), tenantNamed("south")
			north.Meta, south.Meta = meta, meta
			first := as(t, g, north, "create", "meetingID=physics&name=Physics&attendeePW=attendee-n&moderatorPW=moderator-n")
			require.NoError(t, first.Err)
			assert.Contains(t, answer(first), "<meetingID>physics</meetingID>")
			assert.Equal(t, []string{holder(t, fakes, "north-physics").Name()}, holders(fakes, "north-physics"))

			none := as(t, g, south, "getMeetings", "")
			assert.Contains(t, answer(none), "noMeetings")
			for _, call := range []string{"getMeetingInfo", "end"} {
				assert.Equal(t, "notFound", as(t, g, south, call, "meetingID=physics").Key, call)
				assert.Equal(t, "notFound", as(t, g, south, call, "meetingID=north-physics").Key, call)
			}
			second := as(t, g, south, "create", "meetingID=physics&name=Physics&attendeePW=attendee-s&moderatorPW=moderator-s")
			require.NoError(t, second.Err, "no other tenant has taken the ID")
			assert.Len(t, holders(fakes, "south-physics"), 1)
			m, ok := as(t, g, north, "getMeetingInfo", "meetingID=physics").Value.(*bbb.Meeting)
			require.True(t, ok)
			assert.Equal(t, "physics", m.ID)
			assert.Equal(t, "attendee-n", m.AttendeePW)
			assert.NotContains(t, m.Metadata, "tenant")
			list := answer(as(t, g, north, "getMeetings", ""))
			assert.Equal(t, 1, strings.Count(list, "<meeting>"))
			assert.NotContains(t, list, "south")
			assert.NotContains(t, list, "north-")
		})
	}
}

// Servers make up the IDs of breakout rooms, and some do not hand on the metadata of the parent.
func TestBreakoutRoomsBelongToTheTenantOfTheirParent(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	north, south := tenantNamed("north"), tenantNamed("south")
	for _, tenant := range []*bbb.Tenant{north, south} {
		require.NoError(t, as(t, g, tenant, "create", "meetingID=physics&name=Physics").Err)
	}
	on := holder(t, fakes, "north-physics")
	room, err := on.AddBreakout("north-physics", 1)
	require.NoError(t, err)
	foreign, err := holder(t, fakes, "south-physics").AddBreakout("south-physics", 1)
	require.NoError(t, err)

	quiet(fakes)
	nowhere := strings.Repeat("0", 40) + "-1700000000000"
	for _, call := range []string{"getMeetingInfo", "isMeetingRunning", "end", "join"} {
		var said [2]string
		var cost [2]int
		for i, id := range []string{foreign.MeetingID, nowhere} {
			quiet(fakes)
			r := as(t, g, north, call, "fullName=Ada&role=VIEWER&meetingID="+id)
			said[i] = strings.ReplaceAll(r.String()+r.Location+answer(r), id, "ID")
			cost[i] = requests(fakes, "*")
		}
		assert.Equal(t, said[1], said[0], call)
		assert.Equal(t, cost[1], cost[0], call)
	}
	// Found by an ID that has no namespace, also by a process that has not seen it.
	for _, group := range []*bbb.Group{g, newGroupOf(t, fakes)} {
		r := as(t, group, north, "getMeetingInfo", "meetingID="+room.MeetingID)
		require.NoError(t, r.Err)
		m, ok := r.Value.(*bbb.Meeting)
		require.True(t, ok)
		assert.Equal(t, room.MeetingID, m.ID)
		assert.True(t, m.IsBreakout)
		list := answer(as(t, group, north, "getMeetings", ""))
		assert.Contains(t, list, room.MeetingID)
		assert.NotContains(t, list, foreign.MeetingID)
		assert.Equal(t, 2, strings.Count(list, "<meeting>"))
	}
	require.NoError(t, on.Attend(room.MeetingID, bbbtest.Attendee{FullName: "Ada"}))
	assert.Contains(t, answer(as(t, g, north, "isMeetingRunning", "meetingID="+room.MeetingID)), "<running>true</running>")
	require.NoError(t, as(t, g, north, "end", "meetingID="+room.MeetingID).Err)
	require.NoError(t, as(t, g, north, "create", "meetingID=inner&name=Room&isBreakout=true&sequence=2&parentMeetingID=physics").Err)
	require.Error(t, as(t, g, north, "create", "meetingID=inner2&name=Room&isBreakout=true&sequence=2&parentMeetingID="+foreign.ParentID).Err)
}
