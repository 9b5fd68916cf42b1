package bbb_test

import (
	"context"
	"fmt"
	"log"

	"github.com/bbbgroup/bbb"
)

// The program of the README.
func Example() {
	ctx := context.Background()
	group, err := bbb.NewGroup("school")
	if err != nil {
		log.Fatal(err)
	}
	defer group.Close(ctx)
	for name, secret := range map[string]string{"bbb1": "SECRET1", "bbb2": "SECRET2"} {
		if _, err := group.New(name, "https://"+name+".example.org", secret); err != nil {
			log.Fatal(err)
		}
	}

	meeting, err := group.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", Record: new(true)})
	if err != nil {
		log.Fatal(err)
	}
	link, err := meeting.JoinURL(ctx, bbb.JoinParams{FullName: "Marie", Role: bbb.RoleModerator})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(meeting.Name, "is on", meeting.Server().Name(), "- join at", link)
}
