package bbb_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// exampleServer is a server whose webhooks go to a handler.
func exampleServer(handler *http.Handler) *bbbtest.Server {
	return bbbtest.New(bbbtest.WithSecret("secret"), bbbtest.WithCallbackTransport(
		handled(func(w http.ResponseWriter, r *http.Request) { (*handler).ServeHTTP(w, r) })))
}

// A hook on all servers of a group, and the handler of what they post to it.
func ExampleNewHookHandler() {
	var mux http.Handler // receives what the server posts
	server := exampleServer(&mux)
	defer server.Close()
	group, err := bbb.NewGroup("school", bbb.WithTransport(server.Transport()))
	if err != nil {
		log.Fatal(err)
	}
	defer group.Close(context.Background())
	group.New("bbb1", server.URL(), server.Secret())

	const callbackURL = "https://portal.example.org/hooks"
	handler, err := bbb.NewHookHandler(callbackURL, func(_ context.Context, e bbb.Event) error {
		switch data := e.Data.(type) {
		case *bbb.MeetingCreated:
			fmt.Printf("%s: %s began\n", e.Server().Name(), data.Name)
		case *bbb.MeetingEnded:
			fmt.Printf("%s: %s is over\n", e.Server().Name(), e.Meeting.ExternalID)
		}
		return nil
	}, bbb.WithCallbackGroup(group))
	if err != nil {
		log.Fatal(err)
	}
	mux = handler

	ctx := context.Background()
	if _, err := group.CreateHook(ctx, bbb.HookParams{CallbackURL: callbackURL}); err != nil {
		log.Fatal(err)
	}
	meeting, err := group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics-1", Name: "Physics"})
	if err != nil {
		log.Fatal(err)
	}
	if err := server.WaitCallbacks(ctx); err != nil {
		log.Fatal(err)
	}
	if err := meeting.End(ctx); err != nil {
		log.Fatal(err)
	}
	if err := server.WaitCallbacks(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// bbb1: Physics began
	// bbb1: physics-1 is over
}

// Work that takes long goes through a queue.
func ExampleEventQueue() {
	queue := bbb.NewEventQueue(1000)
	handler, err := bbb.NewHookHandler("https://portal.example.org/hooks", queue.Handle, bbb.WithCallbackSecrets("secret"))
	if err != nil {
		log.Fatal(err)
	}
	http.NewServeMux().Handle("POST /hooks", handler)

	if err := queue.Handle(context.Background(), bbb.Event{Name: bbb.EventUserJoined}); err != nil { // as the handler does
		log.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for e := range queue.Events(ctx) {
		fmt.Println(e.Name)
		break
	}
	// Output: user-joined
}

// The URL of an ended meeting is not signed by the server, so sign it yourself.
func ExampleSignCallbackURL() {
	const key = "0123456789abcdef" // your own, kept as a secret
	url, err := bbb.SignCallbackURL("https://portal.example.org/ended", key, "physics-1")
	if err != nil {
		log.Fatal(err)
	}
	_ = bbb.CreateParams{MeetingID: "physics-1", Name: "Physics", MeetingEndedURL: url}

	handler, err := bbb.NewMeetingEndedHandler(func(_ context.Context, c bbb.MeetingEndedCallback) error {
		fmt.Println(c.MeetingID, "has ended")
		return nil
	}, bbb.WithCallbackKey(key))
	if err != nil {
		log.Fatal(err)
	}
	resp, err := handled(handler.ServeHTTP).RoundTrip(must(http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)))
	if err != nil {
		log.Fatal(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.StatusCode)
	// Output:
	// physics-1 has ended
	// 200
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}
