package xmlwire_test

import (
	"fmt"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

type room struct {
	Name    string
	Running bool
	Users   []user
	Meta    map[string]string
}

type user struct {
	Name string
	Role string
}

var userRecord = xmlwire.NewRecord(
	xmlwire.String("fullName", func(u *user) *string { return &u.Name }),
	xmlwire.Enum("role", func(u *user) *string { return &u.Role }),
)

var roomRecord = xmlwire.NewRecord(
	xmlwire.String("meetingName", func(r *room) *string { return &r.Name }),
	xmlwire.Bool("running", func(r *room) *bool { return &r.Running }),
	xmlwire.List("attendees", "attendee", func(r *room) *[]user { return &r.Users }, userRecord),
	xmlwire.Map("metadata", func(r *room) *map[string]string { return &r.Meta }).OmitEmpty(),
)

func Example() {
	body := []byte(`<response>
  <attendees><attendee><fullName>Ada &amp; Co</fullName><role>VIEWER</role></attendee></attendees>
  <running>true</running><newInTheNextRelease/>
  <meetingName><![CDATA[Algebra]]></meetingName>
</response>`)

	var r room
	if err := roomRecord.Decode(body, "response", &r, xmlwire.Limits{}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Name, r.Running, r.Users)
	fmt.Printf("%s\n", roomRecord.Append(nil, "meeting", &r))
	// Output:
	// Algebra true [{Ada & Co VIEWER}]
	// <meeting><meetingName>Algebra</meetingName><running>true</running><attendees><attendee><fullName>Ada &amp; Co</fullName><role>VIEWER</role></attendee></attendees></meeting>
}
