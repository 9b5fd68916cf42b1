package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// A proxy for many portals: the group asks all servers in the background, and page views are answered
// from what they said.
func ExampleWithHandlerFreshness() {
	group, fakes, closeAll := exampleGroup() // three servers
	defer closeAll()
	ctx, stop := context.WithCancel(context.Background())

	// As often as answers may be old: page views then cost the servers nothing.
	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx, 5*time.Second) }()

	handler, err := bbb.NewHandler(group,
		bbb.WithHandlerSecrets("a secret for the portal"),
		bbb.WithHandlerFreshness(10*time.Second))
	if err != nil {
		log.Fatal(err)
	}
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics", Name: "Physics"}); err != nil {
		log.Fatal(err)
	}
	if err := group.Refresh(ctx); err != nil {
		log.Fatal(err)
	}

	asked := questions(fakes)
	for range 1000 {
		view(handler, "getMeetingInfo", url.Values{"meetingID": {"physics"}})
	}
	fmt.Println("1000 page views were", questions(fakes)-asked, "questions to the servers")
	stop()
	fmt.Println(errors.Is(<-ended, context.Canceled))
	// Output:
	// 1000 page views were 0 questions to the servers
	// true
}

// questions is how often the servers were asked about one meeting.
func questions(fakes []*bbbtest.Server) (n int) {
	for _, f := range fakes {
		n += f.Count("getMeetingInfo")
	}
	return n
}

// view is what a page view of a portal asks the handler.
func view(handler http.Handler, call string, params url.Values) {
	query := params.Encode()
	query += "&checksum=" + bbb.SHA256.Checksum(call, query, "a secret for the portal")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/bigbluebutton/api/"+call+"?"+query, http.NoBody))
	if answer.Code != http.StatusOK {
		log.Fatal(answer.Body)
	}
}
