package bbb_test

import (
	"net/url"
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

// What a client sends reaches the server as it was meant for it, also where our own callers would be told of
// a mistake.
func TestCreateIsNotStricterThanServers(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]url.Values{
		"record=1":                             {"record": {"false"}},
		"record=TRUE&muteOnStart=no":           {"record": {"true"}, "muteOnStart": {"false"}},
		"duration=":                            nil,
		"duration=+90":                         {"duration": {" 90"}},
		"duration=-1&maxParticipants=1e3":      {"duration": {"-1"}, "maxParticipants": {"1e3"}},
		"maxParticipants=99999999999":          {"maxParticipants": {"99999999999"}},
		"groups=%7Bno&pluginManifests=x":       {"groups": {"{no"}, "pluginManifests": {"x"}},
		"logo=odd&meetingEndedURL=//x":         {"logo": {"odd"}, "meetingEndedURL": {"//x"}},
		"bannerText=a%0Ab&guestPolicy=a+b":     {"bannerText": {"a\nb"}, "guestPolicy": {"a b"}},
		"meta_Odd=1&meta_ODD=2":                {"meta_ODD": {"2"}}, // of two that are one to servers, the first in order
		"meta_1=x&meta_a_b=x&meta_=x":          nil,                 // servers drop them
		"plugin_a-b_c=1&plugin_1=2":            {"plugin_a-b_c": {"1"}},
		"meta_a=&unheard=&x%5B%5D=1":           {"unheard": {""}, "x[]": {"1"}},
		"unheard=1&unheard=2":                  {"unheard": {"1", "2"}},
		"duration=5&duration=6":                {"duration": {"5"}},
		"presentationUploadExternalUrl=x":      {"presentationUploadExternalUrl": {"x"}},
		"checksum=1&checksum=2":                nil,
		"attendeePW=ap+Q7+xyz&moderatorPW=%E4": {"attendeePW": {"ap Q7 xyz"}, "moderatorPW": {"\uFFFD"}},
	} {
		func() { // no subtest: a password would be in its name
			g, fakes := newGroup(t, 1, bbb.WithOrigin("", ""))
			name := "Physics"
			r := proxied{"create", "meetingID=physics&name=" + name + "&" + query, ""}.on(t, g)
			require.Equal(t, 1, fakes[0].Count("create"), "the server judges it")
			if !strings.Contains(query, "moderatorPW") {
				require.NoError(t, r.Err)
			}
			sent := url.Values{}
			for _, request := range fakes[0].Requests() {
				if request.Call == "create" {
					sent = request.Params()
				}
			}
			got := url.Values{}
			for key, values := range sent {
				switch {
				case key == "meetingID" || key == "name" || key == "checksum":
				case strings.HasSuffix(key, "PW") && want[key] == nil:
					assert.NotEmpty(t, values[0], "derived, so that the create can be repeated")
				default:
					got[key] = values
				}
			}
			if want == nil {
				want = url.Values{}
			}
			assert.Equal(t, want, got)
		}()
	}
}

// How many people are expected decides how many seats are held. That a room may have so many is no such number,
// unless it is small.
func TestSizeHint(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{
		"":                                0,
		"&meta_bbb-meeting-size-hint=120": 120,
		"&meta_BBB-Meeting-Size-Hint=120&maxParticipants=50":     50,
		"&meta_bbb-meeting-size-hint=-3":                         0,
		"&meta_bbb-meeting-size-hint=many":                       0,
		"&meta_bbb-meeting-size-hint=99999999999999999999999999": 100_000,
		"&maxParticipants=500":                                   0,
		"&meta_bbb-meeting-size-hint=0&maxParticipants=0":        0,
	} {
		var mu sync.Mutex
		var sizes []int
		g, fakes := newGroup(t, 1, bbb.WithExtraCheckers(func(_ *bbb.Server, c bbb.Criteria) bbb.Factor {
			mu.Lock()
			defer mu.Unlock()
			sizes = append(sizes, c.Size)
			return bbb.Factor{Checker: "test", Value: 1}
		}))
		require.NoError(t, proxied{"create", "meetingID=physics&name=Physics" + query, ""}.on(t, g).Err)
		mu.Lock()
		assert.Contains(t, sizes, want, query)
		mu.Unlock()
		m, _ := fakes[0].Meeting("physics")
		assert.Equal(t, strings.Contains(strings.ToLower(query), "size-hint"), m.Metadata["bbb-meeting-size-hint"] != "", "it stays with the meeting")
	}
}

// The metadata that marks a scope is not the client's to give, nor to see.
func TestCreateWithinAScope(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	sc, err := g.Scope(map[string]string{"tenant": "a"})
	require.NoError(t, err)
	r := proxied{"create", "meetingID=physics&name=Physics&meta_Tenant=b&meta_x=1&moderatorPW=mp-Q7-xyz-5&attendeePW=ap-Q7-xyz-5", ""}.on(t, sc)
	require.NoError(t, r.Err)
	m, _ := fakes[0].Meeting("physics")
	assert.Equal(t, "a", m.Metadata["tenant"])
	for _, call := range []string{"getMeetings", "getMeetingInfo"} {
		body := string(proxied{call, "meetingID=physics", ""}.on(t, sc).AppendBody(nil))
		assert.Contains(t, body, "<x>1</x>")
		assert.NotContains(t, body, "tenant")
	}
	require.Contains(t, string(proxied{"getMeetingInfo", "meetingID=physics", ""}.on(t, g).AppendBody(nil)), "<tenant>a</tenant>")

	other, err := g.Scope(map[string]string{"tenant": "b"})
	require.NoError(t, err)
	same := proxied{"create", "meetingID=physics&name=Physics&moderatorPW=mp-Q7-xyz-5&attendeePW=ap-Q7-xyz-5", ""}
	r = same.on(t, other)
	assert.Equal(t, "idNotUnique", r.Key, "without a namespace, an ID is one for all")
	assert.Equal(t, "A meeting already exists with that meeting ID.  Please use a different meeting ID.", r.Message)
	assert.Equal(t, "duplicateWarning", same.on(t, sc).Key)
	for _, c := range every("physics")[1:] {
		theirs, nobodys := c.on(t, other), proxied{c.call, strings.ReplaceAll(c.query, "physics", "nowhere"), c.body}.on(t, other)
		assert.Equal(t, nobodys.Location, theirs.Location, "%v", c)
		assert.Equal(t, string(nobodys.AppendBody(nil)), strings.ReplaceAll(string(theirs.AppendBody(nil)), "physics", "nowhere"), "%v", c)
	}
}

// Joins by what is known of a meeting look again before they refuse, and when its server has lost it.
func TestJoinByWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fakes := newFakes(t, 2, bbbtest.WithEndDelay(0))
		g, elsewhere := newGroupOf(t, fakes), newGroupOf(t, fakes)
		old := create(t, g, "physics")
		join := proxied{"join", "meetingID=physics&fullName=Ada&role=VIEWER&redirect=false", ""}
		fresh := bbb.HandleFresh(time.Minute)
		joined := func(r *bbb.Response) {
			suite.joined(string(r.AppendBody(nil)))
			require.NoError(t, r.Err)
		}
		quiet(fakes)
		joined(join.on(t, g, fresh))
		assert.Equal(t, 1, requests(fakes, "*"), "no question first")

		require.NoError(t, elsewhere.EndMeeting(t.Context(), "physics", ""))
		wait(t, time.Second)
		holderBefore := old.Server().Name()
		other := fakes[0]
		if other.Name() == holderBefore {
			other = fakes[1]
		}
		_, err := server(t, elsewhere, other.Name()).CreateMeeting(t.Context(), bbb.CreateParams{
			MeetingID: "physics", Name: "Physics", ModeratorPW: "mp-Q7-xyz-6", AttendeePW: "ap-Q7-xyz-6",
		})
		require.NoError(t, err)
		joined(proxied{"join", "meetingID=physics&fullName=Ada&password=mp-Q7-xyz-6&redirect=false", ""}.on(t, g, fresh))

		require.NoError(t, elsewhere.EndMeeting(t.Context(), "physics", ""))
		wait(t, time.Second)
		_, err = server(t, elsewhere, holderBefore).CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: "physics", Name: "Physics"})
		require.NoError(t, err)
		joined(join.on(t, g, fresh))
		assert.Equal(t, "Params required", proxied{"join", "meetingID=physics&fullName=Ada&password=mp-Q7-xyz-6", ""}.on(t, g, fresh).Key)
	})
}
