// Webhooks receives what BigBlueButton servers send: events of meetings, and the
// news that a meeting has ended, that its recording is ready, and how it went.
//
//	go run ./examples/webhooks
//
// runs a lesson on two servers that live inside the program and prints what they
// send. A real server with bbb-webhooks is given by BBB_URL and BBB_SECRET, and has
// to reach this program: PUBLIC_URL is how, and LISTEN the address to listen on,
// 127.0.0.1:8091 by default. Then it prints until it is interrupted.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "webhooks:", err)
		os.Exit(1)
	}
}

// endedKey signs the URLs of ended meetings. A real program keeps its own.
const endedKey = "a key of at least sixteen bytes"

// ensureEvery is how often the servers are asked whether they still have the hook:
// they drop it when the program was away for five minutes.
const ensureEvery = 2 * time.Minute

func run(ctx context.Context, getenv func(string) string, stdout io.Writer) (err error) {
	out := &lines{w: stdout}
	group, err := bbb.NewGroup("webhooks")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(context.WithoutCancel(ctx))) }()

	var fakes []*bbbtest.Server
	address := cmp.Or(getenv("LISTEN"), "127.0.0.1:8091")
	if getenv("BBB_URL") != "" {
		if _, err := group.New("bbb", getenv("BBB_URL"), getenv("BBB_SECRET")); err != nil {
			return err
		}
	} else {
		out.printf("No BBB_URL given: two servers inside this program.\n")
		address = "127.0.0.1:0"
		for _, version := range []string{"2.7", "3.0"} {
			f := bbbtest.New(bbbtest.WithVersion(version))
			defer func() { err = errors.Join(err, f.Close()) }()
			if err := f.Listen("127.0.0.1:0"); err != nil {
				return err
			}
			if _, err := group.New("bbb-"+version, f.URL(), f.Secret()); err != nil {
				return err
			}
			fakes = append(fakes, f)
		}
	}

	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	public := strings.TrimSuffix(cmp.Or(getenv("PUBLIC_URL"), "http://"+listener.Addr().String()), "/")
	handler, err := handlers(group, public, out)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() {
		err = errors.Join(err, server.Shutdown(context.WithoutCancel(ctx)))
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
	}()

	// One call, one hook on every server, also on those that are added later.
	hooks, err := group.CreateHook(ctx, bbb.HookParams{CallbackURL: public + "/hooks"})
	defer func() { err = errors.Join(err, group.DestroyHook(context.WithoutCancel(ctx), public+"/hooks")) }()
	if err != nil {
		return err
	}
	for _, h := range hooks {
		out.printf("hook %s on %s\n", h.ID, h.Server().Name())
	}

	if fakes != nil {
		return lessons(ctx, group, fakes, public)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(ensureEvery):
			if err := group.EnsureHooks(ctx); err != nil {
				out.printf("%v\n", err) // the next time, perhaps
			}
		}
	}
}

// handlers returns what receives all that servers send.
func handlers(group *bbb.Group, public string, out *lines) (http.Handler, error) {
	hooks, err := bbb.NewHookHandler(public+"/hooks", func(_ context.Context, e bbb.Event) error {
		from := e.Domain
		if s := e.Server(); s != nil {
			from = s.Name()
		}
		switch data := e.Data.(type) {
		case *bbb.UserJoined:
			out.printf("%s: %s joined %s\n", from, data.Name, e.Meeting.ExternalID)
		case *bbb.ChatMessageSent:
			out.printf("%s: %s says %q\n", from, data.SenderName, data.Message)
		default:
			out.printf("%s: %s\n", from, e.Name)
		}
		return nil // an error would make the server send it again
	}, bbb.WithCallbackGroup(group))
	if err != nil {
		return nil, err
	}
	ended, err := bbb.NewMeetingEndedHandler(func(_ context.Context, c bbb.MeetingEndedCallback) error {
		out.printf("%s has ended\n", c.MeetingID)
		return nil
	}, bbb.WithCallbackKey(endedKey))
	if err != nil {
		return nil, err
	}
	ready, err := bbb.NewRecordingReadyHandler(func(_ context.Context, r bbb.RecordingReady) error {
		out.printf("a recording of %s is ready\n", r.MeetingID)
		return nil
	}, bbb.WithCallbackGroup(group))
	if err != nil {
		return nil, err
	}
	report, err := bbb.NewAnalyticsHandler(func(_ context.Context, r bbb.AnalyticsReport) error {
		out.printf("attendees of %s: %d\n", r.MeetingID, len(r.Attendees))
		return nil
	}, bbb.WithCallbackGroup(group))
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/hooks", hooks)
	mux.Handle("/ended", ended)
	mux.Handle("/ready", ready)
	mux.Handle("/report", report)
	return mux, nil
}

// lessons holds one lesson on each server and waits for what they send.
func lessons(ctx context.Context, group *bbb.Group, fakes []*bbbtest.Server, public string) error {
	for _, id := range []string{"physics", "algebra"} {
		endedURL, err := bbb.SignCallbackURL(public+"/ended", endedKey, id)
		if err != nil {
			return err
		}
		meeting, err := group.CreateMeeting(ctx, bbb.CreateParams{
			MeetingID: id, Name: strings.ToUpper(id), Record: new(true), MeetingKeepEvents: new(true), MeetingEndedURL: endedURL,
			Meta: map[string]string{bbb.MetaRecordingReadyURL: public + "/ready", bbb.MetaAnalyticsCallbackURL: public + "/report"},
		})
		if err != nil {
			return err
		}
		if _, err := meeting.Join(ctx, bbb.JoinParams{FullName: "Ada", Role: bbb.RoleModerator}); err != nil {
			return err
		}
		if err := meeting.End(ctx); err != nil {
			return err
		}
	}
	for _, f := range fakes {
		if err := f.WaitCallbacks(ctx); err != nil {
			return err
		}
	}
	return nil
}

// lines lets several requests at once write whole lines.
type lines struct {
	mu sync.Mutex // held while a line is written
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
}
