package bbb_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"io"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Two tenants who share a group use the same IDs, guess each other's, and call whatever there is. What
// one is answered, to the byte, what its calls cost (which requests to which server, and how long they take)
// and the errors must be the same as if the other one had never been there.
//
// Each seed is a test of its own, so a failure is repeated with -run and its name.
func TestTenantsCannotTellThatThereAreOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(north, south *bbb.Tenant){
		"marked": func(*bbb.Tenant, *bbb.Tenant) {},
		"same metadata": func(north, south *bbb.Tenant) {
			north.Meta = map[string]string{"customer": "schools"}
			south.Meta = north.Meta
		},
		"namespace alone": func(north, south *bbb.Tenant) { north.Meta, south.Meta = map[string]string{}, map[string]string{} },
		"limits":          func(north, _ *bbb.Tenant) { north.Limits = bbb.TenantLimits{Meetings: 2, Attendees: 3} },
	} {
		for seed := range uint64(8) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				t.Parallel()
				north, south := tenantNamed("north"), tenantNamed("south")
				change(north, south)
				story := tell(seed+1000*uint64(len(name)), 60)
				together := live(t, story, north, south) // fills in the IDs, the guessed ones too
				alone := live(t, story, north, nil)
				for i, step := range story {
					require.Equal(t, alone[i], together[i], "step %d: %s", i, step)
				}
			})
		}
	}
}

// step is something that happens. Who is "" happens to all.
type step struct {
	who, call, query, body, contentType string

	event string // instead of a call
	n     int
	id    string
	fresh time.Duration
}

func (s step) String() string {
	return strings.TrimSpace(fmt.Sprintln(s.who, s.call, s.query, s.event, s.id))
}

// sameIDs are what both call their meetings, and what one may take for those of the other.
var sameIDs = []string{
	"physics", "physics", "physics", "physics", "physics", "math", "math", "math",
	"south-physics", "north-math", "{room north}", "{room north}", "{room south}", "{inner south}", "{inner north}",
}

// tell makes up a story: the same one for the same seed.
func tell(seed uint64, steps int) []step {
	r := rand.New(rand.NewPCG(seed, 6))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	chance := func(percent int) bool { return r.IntN(100) < percent }
	recordID := func() string {
		id := fmt.Sprintf("{recording %s %d}", pick("north", "south"), r.IntN(4))
		if chance(20) {
			id += fmt.Sprintf(",{recording %s %d}", pick("north", "south"), r.IntN(4))
		}
		return id
	}
	story := make([]step, 0, steps)
	down := ""
	for _, who := range []string{"north", "south"} {
		story = append(story, step{who: who, call: "create", query: "meetingID=physics&name=Physics&attendeePW=attendee-" + who + "&moderatorPW=moderator-" + who})
	}
	for range steps {
		s := step{who: pick("north", "south"), id: pick("physics", "math"), n: r.IntN(3)}
		if chance(10) {
			s.fresh = time.Minute
		}
		id := pick(sameIDs...)
		query := "meetingID=" + id
		switch r.IntN(24) {
		case 0, 1, 2, 3:
			s.call = "create"
			query += "&name=" + id + "&attendeePW=attendee-" + s.who + "&moderatorPW=moderator-" + s.who
			if chance(30) {
				query = strings.Replace(query, "attendee-", "another-", 1)
			}
			if chance(20) {
				query += "&meta_tenant=north&meta_Customer=south&meta_topic=" + pick("a", "b")
			}
			if chance(15) {
				query += "&isBreakout=true&sequence=1&parentMeetingID=" + pick("physics", "{inner north}", "{inner south}")
			}
			if chance(20) {
				s.body, s.contentType = `<modules><module name="presentation"><document name="a.txt">aGFsbG8=</document></module></modules>`, "application/xml"
			}
		case 4, 5, 6:
			s.call, query = "join", query+"&fullName=Ada&userID=u"+pick("1", "2", "3")+"&"+pick("role=VIEWER", "role=MODERATOR", "password=attendee-"+s.who, "password=moderator-south", "password=wrong-password")
			query += pick("", "", "&redirect=false", "&redirect=false", "&createTime=1234567890123")
		case 7:
			s.call = pick("end", "isMeetingRunning")
		case 8:
			s.call = "isMeetingRunning"
		case 9, 10:
			s.call = "getMeetingInfo"
		case 11, 12:
			s.call, query = "getMeetings", ""
		case 13:
			s.call, query = "getSessions", ""
		case 14:
			s.call = "insertDocument"
			s.body, s.contentType = `<modules><module name="presentation"><document name="b.txt">aGFsbG8=</document></module></modules>`, "application/xml"
		case 15:
			s.call, query = "sendChatMessage", query+"&message=hello"
		case 16, 17:
			s.call, query = "getRecordings", pick("", query, "recordID="+recordID(), "meta_tenant=south", "meta_tenant=north", "meta_topic=a", "state=any", "offset=1&limit=1", "meetingID=physics,south-physics", "meta_meetingId=south-physics", "meta_tenant=%25")
		case 18:
			s.call, query = "publishRecordings", "recordID="+recordID()+"&publish="+pick("true", "false")
		case 19:
			s.call, query = pick("deleteRecordings", "updateRecordings"), "recordID="+recordID()+"&meta_tenant="+pick("north", "south")+"&meta_topic="+pick("a", "b")
		case 20:
			s.call, query = "getRecordingTextTracks", "recordID="+recordID()
		case 21:
			s.call, query = "putRecordingTextTrack", "recordID="+recordID()+"&kind=subtitles&lang=en&label=English"
			s.body, s.contentType = trackBody()
		case 22:
			s.event = pick("attend", "attend", "room")
		case 23:
			s.event = pick("over", "attend", "failing")
			if s.event == "failing" {
				s.who = ""
				if s.id = pick("bbb1", "bbb2"); down != "" {
					s.event, s.id, down = "well", down, ""
				} else {
					down = s.id
				}
			}
		}
		if s.event == "" {
			s.query = query
		}
		story = append(story, s)
	}
	return story
}

func trackBody() (body, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.SetBoundary("the-boundary-of-the-form")
	part, _ := w.CreateFormFile("file", "a.vtt")
	_, _ = io.WriteString(part, "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n")
	_ = w.Close()
	return b.String(), w.FormDataContentType()
}

// stage is where a story takes place.
type stage struct {
	t       *testing.T
	g       *bbb.Group
	fakes   []*bbbtest.Server
	tenants map[string]*bbb.Tenant
	rooms   []string // internal IDs that servers drew at random, and what they stand for
}

// live lets a story happen and returns what the first tenant noticed at each step. Without
// the second one, its steps do not happen.
func live(t *testing.T, story []step, north, south *bbb.Tenant) (noticed []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		st := &stage{t: t, tenants: map[string]*bbb.Tenant{"north": north}}
		// Where a meeting goes may depend on what others do: that is what a load balancer is for.
		st.g, st.fakes = newGroup(t, 3, bbb.WithCheckers(bbb.CheckState, byMeetingID))
		for _, f := range st.fakes {
			f.Inject(bbbtest.Fault{Latency: 20 * time.Millisecond})
		}
		st.addRecordings(north)
		if south != nil {
			st.tenants["south"] = south
			st.addRecordings(south)
		}
		start := time.Now()
		for i := range story {
			s := &story[i]
			wait(t, time.Until(start.Add(time.Duration(i+1)*20*time.Second)))
			_ = st.g.Refresh(t.Context()) // as a Run does, so that what is known does not depend on calls
			synctest.Wait()
			noticed = append(noticed, st.happen(s))
		}
	})
	return noticed
}

// byMeetingID spreads meetings over the servers without looking at what is there.
func byMeetingID(s *bbb.Server, c bbb.Criteria) bbb.Factor {
	h := fnv.New32a()
	_, _ = io.WriteString(h, s.Name()+c.Params.MeetingID)
	return bbb.Factor{Checker: "id", Value: 0.5 + float64(h.Sum32())/(1<<33)}
}

// recordingID is that of a recording that a tenant has, or may have.
func recordingID(who string, n int) string {
	h := fnv.New64a()
	_, _ = io.WriteString(h, who)
	return fmt.Sprintf("%040x-%013d", h.Sum64()+uint64(n), 1_600_000_000_000+n)
}

func (st *stage) addRecordings(of *bbb.Tenant) {
	meta := of.Meta
	if meta == nil {
		meta = map[string]string{"tenant": of.Name}
	}
	for n := range 3 {
		all := map[string]string{"topic": []string{"a", "b"}[n%2], "meetingId": of.Namespace + "-physics"}
		maps.Copy(all, meta)
		id := recordingID(of.Name, n)
		st.fakes[n%2].AddRecording(bbbtest.Recording{
			RecordID: id, InternalMeetingID: id, MeetingID: of.Namespace + "-physics", Name: "Physics", State: "published",
			Start: time.UnixMilli(1_600_000_000_000), End: time.UnixMilli(1_600_000_100_000), Metadata: all,
			Formats: []bbbtest.Format{{Type: "presentation", URL: "https://recordings.example.org/" + id, Length: time.Minute}},
		})
	}
}

// happen returns what the first tenant notices of a step.
func (st *stage) happen(s *step) string {
	t := st.t
	tenant := st.tenants[s.who]
	switch {
	case s.who == "":
		f := st.fakes[slices.IndexFunc(st.fakes, func(f *bbbtest.Server) bool { return f.Name() == s.id })]
		f.SetDown(s.event == "failing")
		for range 4 { // until it is given up, or well again
			wait(t, 3*time.Second)
			_ = st.g.Refresh(t.Context())
		}
		return ""
	case tenant == nil:
		return ""
	case s.event != "":
		st.event(s, tenant)
		return ""
	}
	s.query = st.resolve(s.query)
	params, err := url.ParseQuery(s.query)
	require.NoError(t, err)
	var body io.Reader
	if s.body != "" {
		body = strings.NewReader(s.body)
	}
	opts := []bbb.HandleOption{bbb.HandleAs(tenant), bbb.HandleContentType(s.contentType)}
	if s.fresh > 0 {
		opts = append(opts, bbb.HandleFresh(s.fresh))
	}
	quiet(st.fakes)
	start := time.Now()
	r := st.g.HandleFromData(t.Context(), s.call, params, body, opts...)
	took := time.Since(start)
	suite.err(t.Name(), r.Err)
	suite.secret("a join URL", r.Location)
	if s.who != "north" {
		return ""
	}
	synctest.Wait()
	cost := []string{}
	for _, f := range st.fakes {
		for _, asked := range f.Requests() {
			cost = append(cost, f.Name()+" "+asked.Method+" "+asked.Call)
		}
	}
	return st.hide(fmt.Sprintf("%s\n%s\n%s\n%v\n%s after %v", r, r.Location, r.AppendBody(nil), r.Err, strings.Join(cost, ", "), took))
}

// event is what people do on the servers.
func (st *stage) event(s *step, tenant *bbb.Tenant) {
	id := tenant.Namespace + "-" + s.id
	names := holders(st.fakes, id)
	if len(names) == 0 {
		return
	}
	// There are two when its server was given up, and came back.
	f := st.fakes[slices.IndexFunc(st.fakes, func(f *bbbtest.Server) bool { return f.Name() == names[0] })]
	switch s.event {
	case "attend":
		require.NoError(st.t, f.Attend(id, bbbtest.Attendee{UserID: fmt.Sprintf("u%d", s.n), FullName: "Ada"}))
	case "room":
		room, err := f.AddBreakout(id, s.n+1)
		require.NoError(st.t, err)
		name := fmt.Sprintf("{room %s %d}", id, time.Now().Unix())
		st.rooms = append(st.rooms, room.InternalID, name)
		require.NoError(st.t, f.Attend(room.MeetingID, bbbtest.Attendee{FullName: "Eve"}))
	case "over":
		f.EndMeeting(id)
	}
}

// placeholder stands for an ID that is made up while the story happens.
var placeholder = regexp.MustCompile(`\{(\w+) (\w+)(?: (\d))?\}`)

// resolve fills in the IDs. Of what is not there, it is one that looks the same.
func (st *stage) resolve(query string) string {
	return placeholder.ReplaceAllStringFunc(query, func(text string) string {
		parts := placeholder.FindStringSubmatch(text)
		who := parts[2]
		switch parts[1] {
		case "recording":
			return recordingID(who, int(parts[3][0]-'0'))
		case "inner":
			for _, f := range st.fakes {
				if m, ok := f.Meeting(who + "-physics"); ok && m.Ended.IsZero() {
					return m.InternalID
				}
			}
		case "room":
			for _, f := range st.fakes {
				parent, _ := f.Meeting(who + "-physics")
				for _, id := range parent.Breakouts {
					if m, ok := f.Meeting(id); ok {
						return m.MeetingID
					}
				}
			}
		}
		return recordingID(text, 9)
	})
}

// hide takes out what is drawn at random.
func (st *stage) hide(text string) string {
	text = strings.NewReplacer(st.rooms...).Replace(text)
	return random.ReplaceAllString(text, "$1*")
}

var random = regexp.MustCompile(`(checksum=|sessionToken=|_token>|textTrack/|<voiceBridge>|<attendeePW>|<moderatorPW>|\bw_)[A-Za-z0-9-]+`)

// The tests above would be worth nothing if their stories had nothing in them.
func TestTenantStoriesHaveSomethingInThem(t *testing.T) {
	t.Parallel()
	seen := make(map[string]int)
	for seed := range uint64(10) {
		story := tell(seed, 80)
		for i, text := range live(t, story, tenantNamed("north"), tenantNamed("south")) {
			if story[i].call != "" && text != "" {
				outcome, _, _ := strings.Cut(text, "\n")
				seen[strings.TrimSpace(outcome)]++
			}
		}
	}
	for _, outcome := range []string{
		"create: HTTP 200 SUCCESS", "create: HTTP 200 FAILED idNotUnique", "create: HTTP 200 SUCCESS duplicateWarning",
		"join: HTTP 302 SUCCESS", "join: HTTP 200 SUCCESS successfullyJoined", "join: HTTP 302 FAILED invalidMeetingIdentifier",
		"getMeetings: HTTP 200 SUCCESS", "getMeetings: HTTP 200 SUCCESS noMeetings", "getMeetingInfo: HTTP 200 SUCCESS", "getMeetingInfo: HTTP 200 FAILED notFound",
		"end: HTTP 200 SUCCESS sentEndMeetingRequest", "getSessions: HTTP 200 SUCCESS", "insertDocument: HTTP 200 SUCCESS", "sendChatMessage: HTTP 200 SUCCESS",
		"publishRecordings: HTTP 200 SUCCESS", "updateRecordings: HTTP 200 SUCCESS", "deleteRecordings: HTTP 200 SUCCESS",
		"getRecordingTextTracks: HTTP 200 FAILED noRecordings", "putRecordingTextTrack: HTTP 200 SUCCESS upload_text_track_success",
	} {
		assert.NotZero(t, seen[outcome], "%s in %v", outcome, seen)
	}
}
