package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/bbbgroup/bbb"
)

// A presentation goes along with the create, another one into the running
// meeting. Files are streamed: give an *os.File as Content.
func ExampleDocument() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()

	meeting, err := group.CreateMeeting(ctx, bbb.CreateParams{
		Name: "Physics",
		Documents: []bbb.Document{
			{Name: "plan.txt", Content: strings.NewReader("Levers, then pulleys."), Downloadable: new(true)},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	err = meeting.InsertDocuments(ctx, bbb.Document{URL: "https://files.example.org/levers.pdf"})
	fmt.Println(err)

	err = meeting.InsertDocuments(ctx, bbb.Document{Name: "levers", Content: strings.NewReader("...")})
	fmt.Println(err)
	// Output:
	// <nil>
	// bbb: insertDocument: parameter "document 1" has a Name without extension
}

// A message for everybody in the meeting, wherever it is.
func ExampleGroup_SendChatMessage() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()

	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics", Name: "Physics"}); err != nil {
		log.Fatal(err)
	}
	err := group.SendChatMessage(ctx, "physics", bbb.ChatMessage{Text: "Five minutes left.", UserName: "The bell"})
	if errors.Is(err, bbb.ErrNotSupported) {
		fmt.Println("needs BigBlueButton 3.0")
	}
	fmt.Println(err)
	// Output: <nil>
}

// A server of which the release is known is not asked for what it does not have.
func ExampleWithRelease() {
	group, err := bbb.NewGroup("school")
	if err != nil {
		log.Fatal(err)
	}
	server, err := group.New("bbb1", "https://bbb1.example.org", "secret of bbb1", bbb.WithRelease("2.7"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(server.Release(), server.Release().Before("3.0"))
	fmt.Println(server.SendChatMessage(context.Background(), "physics", bbb.ChatMessage{Text: "Hello"}))
	// Output:
	// 2.7 true
	// bbb: sendChatMessage on bbb1: not supported by the server: the call exists since BigBlueButton 3.0, the server is 2.7
}
