package bbb_test

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/bbbgroup/bbb"
)

func ExampleCreateParams() {
	params := bbb.CreateParams{
		MeetingID:        "physics-101",
		Name:             "Physics 101",
		ModeratorPW:      "correct horse",
		Record:           new(false), // said aloud: the server may think otherwise
		Duration:         new(90 * time.Minute),
		DisabledFeatures: []bbb.Feature{bbb.FeaturePolls, bbb.FeatureCaptions},
		Meta:             map[string]string{bbb.MetaOrigin: "portal"},
	}
	fmt.Println(params.Validate())
	fmt.Println(params) // passwords stay out of logs
	fmt.Println(params.Values().Get("duration"))
	// Output:
	// <nil>
	// CreateParams{meetingID=physics-101 name="Physics 101" moderatorPW=[redacted] duration=90 record=false disabledFeatures=polls,captions meta_bbb-origin=portal}
	// 90
}

func ExampleCreateParams_Validate() {
	params := bbb.CreateParams{
		MeetingID: "physics,101",
		Duration:  new(30 * time.Second),
		Extra:     url.Values{"welcome": {"Hello"}},
	}
	err := params.Validate()
	fmt.Println(err)
	fmt.Println(errors.Is(err, bbb.ErrInvalidParams))
	// Output:
	// bbb: create: parameter "meetingID" must not contain a comma
	// bbb: create: parameter "name" is required
	// bbb: create: parameter "duration" must be a whole number of minutes
	// bbb: create: parameter "welcome" cannot be in Extra; use the field Welcome
	// true
}

func ExampleParseCreateParams() {
	form, _ := url.ParseQuery("name=Physics&duration=soon&record=TRUE&gravity=off&checksum=c0ffee")
	params, err := bbb.ParseCreateParams(form)
	fmt.Println(params.Name, *params.Record, params.Extra)
	fmt.Println(err)
	// Output:
	// Physics true map[gravity:[off]]
	// bbb: create: parameter "duration" is not a number
}

func ExampleJoinParams() {
	params := bbb.JoinParams{
		MeetingID: "physics-101",
		FullName:  "Zoë",
		Role:      bbb.RoleModerator,
		UserData:  map[string]string{bbb.UserDataAutoJoinAudio: "true"},
	}
	fmt.Println(params.Validate())
	fmt.Println(params)
	// Output:
	// <nil>
	// JoinParams{meetingID=physics-101 fullName=Zoë role=MODERATOR userdata-bbb_auto_join_audio=[redacted]}
}
