package bbb_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// values reads a query, for tests that write parameters as a client does.
func values(t testing.TB, query string) url.Values {
	t.Helper()
	v, err := url.ParseQuery(query)
	require.NoError(t, err)
	return v
}

// handledBy has a call handled, and the watch look at what comes of it.
func handledBy(t testing.TB, by interface {
	HandleFromData(ctx context.Context, call string, params url.Values, body io.Reader, opts ...bbb.HandleOption) *bbb.Response
}, call, query string, opts ...bbb.HandleOption,
) *bbb.Response {
	t.Helper()
	r := by.HandleFromData(t.Context(), call, values(t, query), nil, opts...)
	_ = noted(t, r.Err)
	return r
}

// outline lists the elements of a document in their order, with their texts and attributes.
func outline(t *testing.T, body []byte) []string {
	t.Helper()
	var lines []string
	var walk func(prefix string, e *tree)
	walk = func(prefix string, e *tree) {
		line := prefix + e.name
		for _, name := range slices.Sorted(maps.Keys(e.attrs)) {
			line += fmt.Sprintf(" @%s=%q", name, e.attrs[name])
		}
		if len(e.children) == 0 {
			line += fmt.Sprintf(" %q", e.text)
		}
		lines = append(lines, line)
		for _, c := range e.children {
			walk(prefix+"  ", c)
		}
	}
	walk("", parseTree(t, body))
	return lines
}

// said returns what a server itself answers to a call.
func said(t *testing.T, g *bbb.Group, f *bbbtest.Server, call, query string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server(t, g, f.Name()).URL(call, values(t, query)), http.NoBody)
	require.NoError(t, err)
	resp, err := f.Transport().RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return body
}

// fullRecording has everything that a recording can have.
func fullRecording(id string, start time.Time) bbbtest.Recording {
	return bbbtest.Recording{
		RecordID: id, MeetingID: "Math & <Logic>", Name: `"A" <b> & ü`, Start: start, End: start.Add(time.Hour), Participants: 12, RawSize: 1 << 40,
		Metadata: map[string]string{
			"course": "a < b", "empty": "", "meetingId": "Math & <Logic>", "meetingName": "x", "isBreakout": "false",
		},
		Formats: []bbbtest.Format{
			{Type: "presentation", URL: "https://play.example/?a=1&b=2", ProcessingTime: 7177, Length: 59 * time.Minute, Size: 12345, Previews: []bbbtest.Image{
				{Alt: `Slide "1" <&>`, Width: 176, Height: 136, URL: "https://play.example/1.png"}, {URL: "https://play.example/2.png"},
			}},
			{Type: "notes", URL: "https://play.example/notes"},
		},
		Data:          []bbbtest.Format{{Type: "raw", URL: "https://play.example/raw?x=1&y=2"}},
		BreakoutRooms: []string{"room-1", "room-2"}, Protected: true,
	}
}

// fillRecordings gives a server one recording of each kind, newest first, as the answers are.
func fillRecordings(f *bbbtest.Server) {
	start := time.UnixMilli(1_700_000_000_000)
	f.AddRecording(fullRecording("rec-full", start.Add(9*time.Hour)))
	f.AddRecording(bbbtest.Recording{
		RecordID: "rec-room", MeetingID: "room-1", Start: start.Add(8 * time.Hour), Breakout: true, ParentID: "rec-full", Sequence: 3, FreeJoin: true,
	})
	f.AddRecording(bbbtest.Recording{RecordID: "rec-hidden", MeetingID: "history", Start: start.Add(7 * time.Hour), State: "unpublished"})
	f.AddRecording(bbbtest.Recording{RecordID: "rec-young", MeetingID: "history", Start: start.Add(6 * time.Hour), State: "processing"})
	f.AddRecording(bbbtest.Recording{RecordID: "rec-deleted", MeetingID: "history", Start: start.Add(5 * time.Hour), State: "deleted"})
	f.AddRecording(bbbtest.Recording{RecordID: "rec-broken", Start: start, Unreadable: true})
}

// Whatever is asked, the answer is the one that the server itself would have given: its elements, in
// its order, with its texts.
func TestRecordingsAreAnsweredAsByAServer(t *testing.T) {
	t.Parallel()
	queries := []string{
		"getRecordings?", "getRecordings?state=any", "getRecordings?state=published,processing", "getRecordings?state=nonsense",
		"getRecordings?state=any&offset=1&limit=2", "getRecordings?offset=1", "getRecordings?limit=100", "getRecordings?offset=99&limit=5",
		"getRecordings?limit=0", "getRecordings?limit=101", "getRecordings?limit=x", "getRecordings?offset=-1", "getRecordings?offset=1.5&limit=1",
		"getRecordings?meetingID=history", "getRecordings?meetingID=history,+Math+%26+%3CLogic%3E&state=any", "getRecordings?meetingID=nobody",
		"getRecordings?meetingID=%01", "getRecordings?meetingID=x", "getRecordings?recordID=rec-f", "getRecordings?recordID=rec-room,rec-hidden&meetingID=none",
		"getRecordings?recordID=%00", "getRecordings?recordID=,", "getRecordings?meta_course=a+%3C+b", "getRecordings?meta_Course=%25+b", "getRecordings?meta_course=x",
		"getRecordings?meta_meetingid=Math+%26+%3CLogic%3E", "getRecordings?meta_course=%25%25", "getRecordings?limit=2&limit=1",
		"publishRecordings?", "publishRecordings?recordID=rec-full", "publishRecordings?recordID=%20,", "publishRecordings?recordID=none&publish=true",
		"publishRecordings?recordID=rec-full,none&publish=No", "publishRecordings?recordID=rec-full&publish=TRUE", "publishRecordings?recordID=%01&publish=true",
		"updateRecordings?", "updateRecordings?recordID=none&meta_a=b", "updateRecordings?recordID=rec-full&meta_Course=%3Cnew%3E&meta_empty=", "updateRecordings?recordID=rec-full",
		"updateRecordings?recordID=none", "getRecordings?recordID=rec-full", "deleteRecordings?", "deleteRecordings?recordID=none",
		"deleteRecordings?recordID=rec-full,none", "deleteRecordings?recordID=rec-full", "getRecordings?", "getRecordings?state=deleted",
	}
	direct, behind := newFake(t, "bbb1"), newFake(t, "bbb1")
	alone, g := newGroupOf(t, []*bbbtest.Server{direct}), newGroupOf(t, []*bbbtest.Server{behind})
	fillRecordings(direct)
	fillRecordings(behind)
	for _, one := range queries {
		call, query, _ := strings.Cut(one, "?")
		r := handledBy(t, g, call, query)
		assert.Equal(t, http.StatusOK, r.StatusCode, one)
		assert.Equal(t, "text/xml;charset=utf-8", r.ContentType(), one)
		want := strings.ReplaceAll(string(said(t, alone, direct, call, query)), direct.URL(), behind.URL())
		assert.Equal(t, outline(t, []byte(want)), outline(t, r.AppendBody(nil)), one)
		assert.Equal(t, r.Failed(), r.Err != nil, one)
	}
}

// Three servers are like one that has the recordings of all.
func TestRecordingsOfAllServersAreAnsweredAsOfOne(t *testing.T) {
	t.Parallel()
	one := newFake(t, "bbb1", bbbtest.WithQuirks(bbbtest.Quirks{RecordingOrder: bbbtest.NewestFirst}))
	alone := newGroupOf(t, []*bbbtest.Server{one})
	g, fakes := newGroup(t, 3)
	start := time.UnixMilli(1_700_000_000_000)
	for i := range 30 {
		r := fullRecording(fmt.Sprintf("rec-%02d", i), start.Add(time.Duration(i)*time.Minute))
		r.Metadata["number"] = fmt.Sprint(i % 3)
		one.AddRecording(r)
		fakes[i*7%3].AddRecording(r)
	}
	for _, query := range []string{"", "offset=3&limit=9", "offset=28&limit=9", "meta_number=1", "meta_number=1&limit=4&offset=1", "recordID=rec-0,rec-11,rec-29", "offset=30&limit=1"} {
		assert.Equal(t, outline(t, said(t, alone, one, "getRecordings", query)), outline(t, handledBy(t, g, "getRecordings", query).AppendBody(nil)), query)
	}
	r := handledBy(t, g, "getRecordings", "offset=3&limit=9")
	list, ok := r.Value.(bbb.RecordingList)
	require.True(t, ok)
	assert.Len(t, list.Recordings, 9)
	assert.Equal(t, 30, list.Total)
}

// A change concerns what is on several servers, and tells the truth when one of them is silent.
func TestChangesOfRecordingsWithASilentServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 3)
	for i, f := range fakes {
		f.AddRecording(bbbtest.Recording{RecordID: fmt.Sprintf("rec-%d", i+1)})
	}
	state := func(i int) string { return fakes[i].Recordings()[0].State }
	outcome := func(call, query string) string {
		r := handledBy(t, g, call, query)
		text := string(r.AppendBody(nil))
		for _, f := range fakes {
			assert.NotContains(t, text, f.Name())
		}
		return parseTree(t, []byte(text)).first("returncode") + " " + r.Key + map[bool]string{true: " but"}[!r.Failed() && r.Err != nil]
	}
	assert.Equal(t, "SUCCESS ", outcome("publishRecordings", "publish=false&recordID=rec-1,rec-2,rec-3,none"))
	assert.Equal(t, "unpublished unpublished unpublished", state(0)+" "+state(1)+" "+state(2))

	fakes[2].SetDown(true)
	assert.Equal(t, "SUCCESS  but", outcome("publishRecordings", "publish=true&recordID=rec-1"), "all that was named was found")
	assert.Equal(t, "FAILED internalError", outcome("deleteRecordings", "recordID=rec-1,rec-3"), "rec-3 may still be watched")
	assert.Equal(t, "deleted unpublished unpublished", state(0)+" "+state(1)+" "+state(2), "what could be done was done")
	assert.Equal(t, "FAILED internalError", outcome("deleteRecordings", "recordID=none"), "nobody knows")
	fakes[2].SetDown(false)
	_, err := server(t, g, "bbb3").Meetings(t.Context())
	require.NoError(t, err, "it is known to be back")
	assert.Equal(t, "SUCCESS ", outcome("deleteRecordings", "recordID=rec-1,rec-3"), "repeating it finishes it")
	assert.Equal(t, "deleted", state(2))

	fakes[1].Inject(bbbtest.Fault{Call: "updateRecordings", Status: http.StatusBadGateway})
	assert.Equal(t, "FAILED internalError", outcome("updateRecordings", "recordID=rec-2&meta_a=b"))
	for _, f := range fakes {
		f.SetDown(true)
	}
	assert.True(t, handledBy(t, g, "getRecordings", "").Failed())
}

// A list that lacks a server is what there is, unless the caller wants all or nothing.
func TestRecordingsThatLackAServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	fakes[0].AddRecording(bbbtest.Recording{RecordID: "rec-1"})
	fakes[1].SetDown(true)
	r := handledBy(t, g, "getRecordings", "")
	assert.False(t, r.Failed())
	assert.Contains(t, string(r.AppendBody(nil)), "rec-1")
	assert.Len(t, groupError(t, r.Err).Servers, 1)
	r = handledBy(t, g, "getRecordings", "", bbb.HandleStrict())
	assert.True(t, r.Failed())
	assert.NotContains(t, string(r.AppendBody(nil)), "rec-1")
	assert.NotContains(t, string(r.AppendBody(nil)), "bbb2")
}

// Within a scope, and for a tenant, nothing of others is found or changed, and nothing of the scope is shown.
func TestRecordingsOfATenant(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	add := func(f *bbbtest.Server, meetingID, tenant string) string {
		return f.AddRecording(bbbtest.Recording{MeetingID: meetingID, Name: "Any", Metadata: map[string]string{
			"tenant": tenant, "course": "x", "meetingId": meetingID, "meetingName": "m",
		}}).RecordID
	}
	recA, recZ, recB := add(fakes[0], "a-math", "acme"), add(fakes[0], "z-math", "zoo"), add(fakes[1], "a-room", "acme")
	acme := bbb.HandleAs(&bbb.Tenant{Name: "acme", Secrets: []string{"secret-of-acme-77"}, Namespace: "a"})
	found := func(query string) []string {
		r := handledBy(t, g, "getRecordings", query, acme)
		body := string(r.AppendBody(nil))
		for _, secret := range []string{"acme", "zoo", "a-math", "a-room"} {
			assert.NotContains(t, body, secret)
		}
		var ids []string
		for _, e := range parseTree(t, []byte(body)).at("recordings").children {
			ids = append(ids, e.first("recordID")+" "+e.first("meetingID")+" "+e.at("metadata").first("meetingId"))
		}
		slices.Sort(ids)
		return ids
	}
	a, b := recA+" math math", recB+" room room"
	both := []string{a, b}
	slices.Sort(both)
	for query, want := range map[string][]string{
		"": both, "meetingID=math": {a}, "meetingID=room,math": both, "meetingID=a-math": nil, "meetingID=z-math": nil,
		"recordID=" + recZ: nil, "recordID=" + recA[:30] + "," + recZ: {a},
		"meta_tenant=zoo": nil, "meta_tenant=%25": both, "meta_Tenant=%25oo": nil, "meta_meetingId=math": {a}, "meta_meetingid=ma%25": {a},
		"meta_meetingid=%25th": {a}, "meta_course=x&state=any": both, "state=unpublished": nil,
	} {
		assert.Equal(t, want, found(query), query)
	}
	key := func(call, query string) string { return handledBy(t, g, call, query, acme).Key }
	assert.Equal(t, "notFound", key("deleteRecordings", "recordID="+recZ))
	assert.Equal(t, "notFound", key("publishRecordings", "recordID="+recZ+"&publish=false"))
	assert.Empty(t, key("updateRecordings", "recordID="+recA+","+recZ+"&meta_Tenant=zoo&meta_course=new"))
	assert.Empty(t, key("updateRecordings", "recordID="+recA+"&meta_tenant="))
	assert.Equal(t, "acme new", fakes[0].Recordings()[0].Metadata["tenant"]+" "+fakes[0].Recordings()[0].Metadata["course"])
	assert.Equal(t, "zoo x published", fakes[0].Recordings()[1].Metadata["tenant"]+" "+fakes[0].Recordings()[1].Metadata["course"]+" "+fakes[0].Recordings()[1].State)
	assert.Equal(t, "noRecordings", key("getRecordingTextTracks", "recordID="+recZ))
	assert.Equal(t, "noCaptionsFound", key("getRecordingTextTracks", "recordID="+recA))
}

// Metadata whose name is not allowed is passed over, and a repeated name counts once.
// Rooms are shown with the IDs that their servers made up, and so they are asked for.
func TestRecordingsOfBreakoutRoomsOfATenant(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	rooms := make(map[string]string)
	for i, tenant := range []string{"north", "south"} {
		id := fmt.Sprintf("%040x-%013d", i+10, 1_600_000_000_000)
		rooms[tenant] = id
		fakes[0].AddRecording(bbbtest.Recording{
			MeetingID: id, Breakout: true, Name: "Room", Metadata: map[string]string{"tenant": tenant, "meetingId": id},
		})
	}
	for query, want := range map[string]int{"": 1, "meetingID=ROOM": 1, "meetingID=other,ROOM": 1, "meta_meetingId=ROOM": 1} {
		for tenant, room := range rooms {
			query := strings.ReplaceAll(query, "ROOM", room)
			for _, asking := range []string{"north", "south"} {
				n := strings.Count(answer(as(t, g, tenantNamed(asking), "getRecordings", query)), "<recording>")
				assert.Equal(t, asking == tenant || query == "", n == want, "%s: %s", asking, query)
			}
		}
	}
}

func TestMetadataOfUpdateRecordings(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	fakes[0].AddRecording(bbbtest.Recording{RecordID: "rec-1", Metadata: map[string]string{"old": "1", "gone": "1"}})
	r := handledBy(t, g, "updateRecordings", "recordID=rec-1&meta_New=a&meta_New=b&meta_1=x&meta_a_b=x&meta_=x&meta_gone=&other=y")
	assert.Equal(t, "<response><returncode>SUCCESS</returncode><updated>true</updated></response>", string(r.AppendBody(nil)))
	assert.Equal(t, map[string]string{"old": "1", "new": "a"}, fakes[0].Recordings()[0].Metadata)
}

// Nothing that was read of a recording, from the answers of many releases and load balancers, is lost on
// the way to the client.
func TestRecordingsLoseNothing(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/answers/getRecordingsSuccess-*.xml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, name := range files {
		body, err := os.ReadFile(name)
		require.NoError(t, err)
		g := wireGroup(t)
		wireServerAt(t, g, "https://bbb1.test/bigbluebutton/", wireSecret, xmlAnswer(string(body)))
		answered := parseTree(t, handledBy(t, g, "getRecordings", "state=any").AppendBody(nil)).at("recordings")
		byID := func(e *tree) string { return e.first("recordID") + e.at("error").first("recordID") }
		for _, want := range parseTree(t, body).at("recordings").all("recording") {
			i := slices.IndexFunc(answered.children, func(e *tree) bool { return byID(e) == byID(want) })
			require.GreaterOrEqual(t, i, 0, "%s: %s", name, byID(want))
			assertHas(t, answered.children[i], want, name+": "+byID(want))
		}
	}
}

// assertHas looks for everything that want tells in got, which may tell more.
func assertHas(t *testing.T, got, want *tree, where string) {
	t.Helper()
	for i, child := range want.children {
		nth := len((&tree{children: want.children[:i]}).all(child.name))
		found := got.all(child.name)
		where := where + "/" + child.name
		if want.name == "metadata" {
			child.children = nil // markup in a value is passed over
		}
		if len(found) <= nth {
			// Empty is as good as absent.
			assert.Empty(t, strings.TrimSpace(child.text), where)
			assert.Empty(t, child.children, where)
			continue
		}
		if len(child.children) == 0 && strings.TrimSpace(found[nth].text) != "0" {
			text := strings.TrimSpace(child.text)
			if child.name == "participants" {
				text = strings.ReplaceAll(text, ",", "") // the separators of a locale
			}
			assert.Equal(t, text, strings.TrimSpace(found[nth].text), where)
		}
		for name, value := range child.attrs {
			assert.Equal(t, value, found[nth].attrs[name], where)
		}
		assertHas(t, found[nth], child, where)
	}
}
