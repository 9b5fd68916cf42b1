package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/url"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// exampleGroup returns a group over three fake servers, bbb1 to bbb3, and a
// function that closes it.
func exampleGroup(opts ...bbb.GroupOption) (group *bbb.Group, fakes []*bbbtest.Server, closeAll func()) {
	network := bbbtest.NetworkOf()
	group, err := bbb.NewGroup("school", append(opts, bbb.WithTransport(network))...)
	if err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"bbb1", "bbb2", "bbb3"} {
		fake := bbbtest.New(bbbtest.WithHost("https://"+name+".example.org"), bbbtest.WithSecret("secret of "+name))
		network.Add(fake)
		fakes = append(fakes, fake)
		if _, err := group.New(name, fake.URL(), fake.Secret()); err != nil {
			log.Fatal(err)
		}
	}
	return group, fakes, func() {
		_ = group.Close(context.Background())
		for _, fake := range fakes {
			_ = fake.Close()
		}
	}
}

// A meeting is created once. Who creates it again gets the meeting that exists.
func ExampleGroup_CreateMeeting() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()

	params := bbb.CreateParams{
		MeetingID:        "physics-7b",
		Name:             "Physics 7b",
		Record:           new(true),
		Duration:         new(45 * time.Minute),
		DisabledFeatures: []bbb.Feature{bbb.FeaturePolls},
		Meta:             map[string]string{"school": "north"},
	}
	first, err := group.CreateMeeting(ctx, params)
	if err != nil {
		log.Fatal(err)
	}
	again, err := group.CreateMeeting(ctx, params)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("first existed:", first.Existed())
	fmt.Println("again existed:", again.Existed())
	fmt.Println("same server:", first.Server() == again.Server())
	fmt.Println("same meeting:", first.InternalID == again.InternalID)

	params.ModeratorPW, params.AttendeePW = "guess1", "guess2"
	_, err = group.CreateMeeting(ctx, params)
	fmt.Println("taken by somebody else:", errors.Is(err, bbb.ErrMeetingExists))
	// Output:
	// first existed: false
	// again existed: true
	// same server: true
	// same meeting: true
	// taken by somebody else: true
}

// A list says which servers are missing from it.
func ExampleGroup_Meetings() {
	ctx := context.Background()
	group, fakes, closeAll := exampleGroup()
	defer closeAll()
	for s := range group.Servers() {
		if _, err := s.CreateMeeting(ctx, bbb.CreateParams{Name: "Lesson on " + s.Name()}); err != nil {
			log.Fatal(err)
		}
	}
	fakes[1].Inject(bbbtest.Fault{HTML: true, Status: 502})

	meetings, err := group.Meetings(ctx)
	for _, m := range meetings {
		fmt.Println(m.Name)
	}
	if failed, ok := errors.AsType[*bbb.GroupError](err); ok {
		fmt.Println("missing:", strings.Join(failed.Names(), ", "))
		fmt.Println("outage:", failed.AllFailed())
	}
	// Output:
	// Lesson on bbb1
	// Lesson on bbb3
	// missing: bbb2
	// outage: false
}

// A join URL carries a role and settings of the client to the user's browser.
func ExampleGroup_JoinURL() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics-7b", Name: "Physics 7b"}); err != nil {
		log.Fatal(err)
	}

	link, err := group.JoinURL(ctx, bbb.JoinParams{
		MeetingID: "physics-7b",
		FullName:  "Marie Curie",
		Role:      bbb.RoleModerator,
		UserData:  map[string]string{bbb.UserDataAutoJoinAudio: "true"},
	})
	if err != nil {
		log.Fatal(err)
	}
	u, _ := url.Parse(link)
	signed, checksum, _ := bbb.CutChecksum(u.RawQuery)
	fmt.Println(u.Path)
	fmt.Println(signed)
	fmt.Println("digits of the checksum:", len(checksum))
	// Output:
	// /bigbluebutton/api/join
	// meetingID=physics-7b&fullName=Marie+Curie&role=MODERATOR&userdata-bbb_auto_join_audio=true
	// digits of the checksum: 64
}

// Two schools share the servers and do not see each other.
func ExampleGroup_Scope() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()
	north, err := group.Scope(map[string]string{"school": "north"})
	if err != nil {
		log.Fatal(err)
	}
	south, err := group.Scope(map[string]string{"school": "south"})
	if err != nil {
		log.Fatal(err)
	}

	if _, err := north.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "staff", Name: "Staff room"}); err != nil {
		log.Fatal(err)
	}
	inNorth, _ := north.Meetings(ctx)
	inSouth, _ := south.Meetings(ctx)
	_, err = south.Meeting(ctx, "staff")
	fmt.Println("north sees:", len(inNorth))
	fmt.Println("south sees:", len(inSouth))
	fmt.Println("south finds it:", !errors.Is(err, bbb.ErrMeetingNotFound))
	// Output:
	// north sees: 1
	// south sees: 0
	// south finds it: false
}

// Ending needs no password; one that is given must be right.
func ExampleGroup_EndMeeting() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics-7b", Name: "Physics 7b"}); err != nil {
		log.Fatal(err)
	}

	err := group.EndMeeting(ctx, "physics-7b", "a guess")
	fmt.Println("wrong password:", errors.Is(err, bbb.ErrPassword))
	fmt.Println("own authority:", group.EndMeeting(ctx, "physics-7b", ""))
	fmt.Println("ended already:", group.EndMeeting(ctx, "physics-7b", ""))
	// Output:
	// wrong password: true
	// own authority: <nil>
	// ended already: <nil>
}

// FanOut does on every server what the group has no method for.
func ExampleFanOut() {
	ctx := context.Background()
	group, fakes, closeAll := exampleGroup()
	defer closeAll()
	fakes[2].Inject(bbbtest.Fault{Refuse: true})

	results := bbb.FanOut(ctx, group, func(ctx context.Context, s *bbb.Server) (*bbb.Version, error) {
		return s.Version(ctx)
	})
	for _, r := range results {
		if r.Err != nil {
			fmt.Println(r.Server.Name(), "does not answer")
			continue
		}
		fmt.Println(r.Server.Name(), "speaks API", r.Value.API)
	}
	// Output:
	// bbb1 speaks API 2.0
	// bbb2 speaks API 2.0
	// bbb3 does not answer
}

// A call that the package does not know is signed like the others.
func ExampleServer_Call() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()
	server, _ := group.Server("bbb1")

	answer, err := server.Call(ctx, "isMeetingRunning", url.Values{"meetingID": {"physics-7b"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.StatusCode, strings.Contains(string(answer.Body), "<running>false</running>"))
	// Output: 200 true
}

// Verify checks the signature of a request that came in: the raw query, as it
// came.
func ExampleVerify() {
	const query = "meetingID=Foo&checksum=f59b73c5cf1db387da4ca7d937049420d4c50a12"
	fmt.Println(bbb.Verify("isMeetingRunning", query, "MyTestSalt"))
	fmt.Println(bbb.Verify("isMeetingRunning", query, "MyTestSalt", bbb.SHA256, bbb.SHA512))
	fmt.Println(bbb.Verify("end", query, "MyTestSalt"))
	// Output:
	// true
	// false
	// false
}

// An Observer counts calls, or feeds a metrics library.
func ExampleWithObserver() {
	ctx := context.Background()
	calls := make(chan bbb.CallEvent, 16)
	group, _, closeAll := exampleGroup(bbb.WithObserver(bbb.Observer{
		CallDone: func(_ context.Context, e bbb.CallEvent) { calls <- e },
	}))
	defer closeAll()

	server, _ := group.Server("bbb1")
	_, err := server.Meeting(ctx, "physics-7b")
	e := <-calls
	fmt.Println(e.Server, e.Call, e.StatusCode, errors.Is(err, bbb.ErrMeetingNotFound), errors.Is(e.Err, err))
	// Output: bbb1 getMeetingInfo 200 true true
}
