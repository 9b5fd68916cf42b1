package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/bbbgroup/bbb"
)

// A service becomes the one big BigBlueButton server that its users' programs talk to.
func ExampleNewHandler() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup() // three servers
	defer closeAll()

	handler, err := bbb.NewHandler(group, bbb.WithHandlerSecrets("a secret for the portal"))
	if err != nil {
		log.Fatal(err)
	}
	defer handler.Close(ctx)
	mux := http.NewServeMux()
	mux.Handle("/bigbluebutton/", handler)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the rest of the service") })

	// Any client of the API will do; here it is that of this package.
	client, err := bbb.NewGroup("portal", bbb.WithTransport(served(mux)))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	if _, err := client.New("proxy", "https://bbb.example.org/bigbluebutton/", "a secret for the portal"); err != nil {
		log.Fatal(err)
	}
	for _, name := range []string{"Physics", "Algebra", "History"} {
		if _, err := client.CreateMeeting(ctx, bbb.CreateParams{MeetingID: name, Name: name}); err != nil {
			log.Fatal(err)
		}
	}
	meetings, err := client.Meetings(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("the portal sees", len(meetings), "meetings on", client.Len(), "server")
	inside, err := group.Meetings(ctx)
	if err != nil {
		log.Fatal(err)
	}
	servers := map[string]bool{}
	for _, m := range inside {
		servers[m.Server().Name()] = true
	}
	fmt.Println("they are on", len(servers), "servers")
	// Output:
	// the portal sees 3 meetings on 1 server
	// they are on 3 servers
}

// A handler finds the call behind the last "api" of the path, so it may be anywhere, with the
// part of the path in front of it cut off or not.
func ExampleHandler_ServeHTTP() {
	group, _, closeAll := exampleGroup()
	defer closeAll()
	handler, err := bbb.NewHandler(group, bbb.WithHandlerSecrets("a secret for the portal"))
	if err != nil {
		log.Fatal(err)
	}
	defer handler.Close(context.Background())

	mux := http.NewServeMux()
	mux.Handle("/bigbluebutton/", handler)
	mux.Handle("/video/bigbluebutton/", handler)
	mux.Handle("/conference/", http.StripPrefix("/conference", handler))
	for _, path := range []string{"/bigbluebutton/api", "/video/bigbluebutton/api/", "/conference/api"} {
		fmt.Println(path, strings.Contains(fetched(mux, path), "<returncode>SUCCESS</returncode>"))
	}
	// Output:
	// /bigbluebutton/api true
	// /video/bigbluebutton/api/ true
	// /conference/api true
}

// HandleFromData is for calls that were authenticated in another way than by a checksum,
// here by a bearer token.
func ExampleGroup_HandleFromData() {
	group, _, closeAll := exampleGroup()
	defer closeAll()

	mux := http.NewServeMux()
	mux.HandleFunc("/internal/bbb/{call...}", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer of good news" { // yours is better
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer := group.HandleFromData(r.Context(), r.PathValue("call"), r.URL.Query(), http.MaxBytesReader(w, r.Body, 1<<20))
		if answer.Err != nil {
			log.Print(answer.Err)
		}
		if answer.Location != "" { // a join
			w.Header().Set("Location", answer.Location)
		}
		w.Header().Set("Content-Type", answer.ContentType())
		w.WriteHeader(answer.StatusCode)
		_, _ = answer.WriteTo(w)
	})
	call := "/internal/bbb/isMeetingRunning?meetingID=physics"
	fmt.Printf("%q\n", fetched(mux, call))
	fmt.Println(fetched(mux, call, "Authorization", "Bearer of good news"))
	// Output:
	// ""
	// <response><returncode>SUCCESS</returncode><running>false</running></response>
}

// What was handled is there as data as well.
func ExampleResponse() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()

	created := group.HandleFromData(ctx, "create", url.Values{"meetingID": {"physics"}, "name": {"Physics"}}, nil)
	if m, ok := created.Value.(*bbb.Meeting); ok {
		fmt.Println(m.Name, "was created")
	}
	ended := group.HandleFromData(ctx, "end", url.Values{"meetingID": {"chemistry"}}, nil)
	fmt.Println(ended.Failed(), ended.Key, errors.Is(ended.Err, bbb.ErrMeetingNotFound))
	// Output:
	// Physics was created
	// true notFound true
}

// Tenants share the servers and do not know of each other. A function finds them, as here by
// the host that was asked for; it might ask a database.
func ExampleWithHandlerTenants() {
	ctx := context.Background()
	group, _, closeAll := exampleGroup()
	defer closeAll()

	schools := map[string]*bbb.Tenant{
		"north.example.org": {
			Name: "north", Secrets: []string{"secret of the north"}, Namespace: "n",
			Forced: bbb.TenantParams{Create: map[string]string{"record": "false"}},
			Limits: bbb.TenantLimits{Meetings: 20},
		},
		"south.example.org": {Name: "south", Secrets: []string{"secret of the south"}, Namespace: "s"},
	}
	handler, err := bbb.NewHandler(group, bbb.WithHandlerTenants(
		func(_ context.Context, q *bbb.TenantQuery) (*bbb.Tenant, error) { return schools[q.Host], nil }))
	if err != nil {
		log.Fatal(err)
	}
	defer handler.Close(ctx)

	portal := func(host, secret string) *bbb.Group {
		client, err := bbb.NewGroup(host, bbb.WithTransport(served(handler)))
		if err != nil {
			log.Fatal(err)
		}
		if _, err := client.New("proxy", "https://"+host, secret); err != nil {
			log.Fatal(err)
		}
		return client
	}
	north := portal("north.example.org", "secret of the north")
	defer north.Close(ctx)
	south := portal("south.example.org", "secret of the south")
	defer south.Close(ctx)

	for _, client := range []*bbb.Group{north, south} {
		m, err := client.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "staff-room", Name: "Staff of " + client.Name()})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(m.ID, "existed:", m.Existed())
	}
	meetings, err := south.Meetings(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range meetings {
		fmt.Println("the south sees", m.Name)
	}
	// Output:
	// staff-room existed: false
	// staff-room existed: false
	// the south sees Staff of south.example.org
}

// Servers sign what they send with secrets of their own. The relay passes it on, signed with
// the secret that the client has.
func ExampleWithHandlerRelay() {
	ctx := context.Background()
	var entrance http.Handler // where the server posts to
	server := exampleServer(&entrance)
	defer server.Close()
	group, err := bbb.NewGroup("school", bbb.WithTransport(server.Transport()))
	if err != nil {
		log.Fatal(err)
	}
	defer group.Close(ctx)
	if _, err := group.New("bbb1", server.URL(), server.Secret()); err != nil {
		log.Fatal(err)
	}

	// The portal knows one URL and one secret.
	const callbackURL = "https://portal.example.org/hooks"
	portal, err := bbb.NewHookHandler(callbackURL, func(_ context.Context, e bbb.Event) error {
		fmt.Println("the portal hears:", e.Name, "of", e.Meeting.ExternalID)
		return nil
	}, bbb.WithCallbackSecrets("a secret for the portal"))
	if err != nil {
		log.Fatal(err)
	}

	handler, err := bbb.NewHandler(group,
		bbb.WithHandlerSecrets("a secret for the portal"),
		bbb.WithHandlerRelay("https://bbb.example.org/bigbluebutton/api/", "a key of 32 characters or more, at random"),
		bbb.WithHandlerRelayTransport(served(portal))) // the network, by default
	if err != nil {
		log.Fatal(err)
	}
	defer handler.Close(ctx)
	entrance = handler

	client, err := bbb.NewGroup("portal", bbb.WithTransport(served(handler)))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)
	proxy, err := client.New("proxy", "https://bbb.example.org", "a secret for the portal")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := proxy.CreateHook(ctx, bbb.HookParams{CallbackURL: callbackURL}); err != nil {
		log.Fatal(err)
	}
	if _, err := proxy.CreateMeeting(ctx, bbb.CreateParams{MeetingID: "physics", Name: "Physics"}); err != nil {
		log.Fatal(err)
	}
	if err := server.WaitCallbacks(ctx); err != nil {
		log.Fatal(err)
	}
	// Output: the portal hears: meeting-created of physics
}

// served is a transport that has a handler answer, as a server would.
func served(h http.Handler) http.RoundTripper {
	return handled(func(w http.ResponseWriter, r *http.Request) {
		in := httptest.NewRequestWithContext(r.Context(), r.Method, r.URL.RequestURI(), r.Body)
		in.Host, in.Header, in.ContentLength = r.URL.Host, r.Header, r.ContentLength
		h.ServeHTTP(w, in)
	})
}

// fetched is what a handler answers to a GET.
func fetched(h http.Handler, target string, header ...string) string {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, target, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	body, err := io.ReadAll(w.Body)
	if err != nil {
		log.Fatal(err)
	}
	return string(body)
}
