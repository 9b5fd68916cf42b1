// Fakeserver is a BigBlueButton server to click and curl against: all calls, no video.
//
//	go run ./examples/fakeserver -addr 127.0.0.1:8090 -secret S -version 3.0
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/bbbgroup/bbb/bbbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fakeserver:", err)
		stop()
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout io.Writer) (err error) {
	flags := flag.NewFlagSet("fakeserver", flag.ContinueOnError)
	flags.SetOutput(stdout)
	addr := flags.String("addr", "127.0.0.1:8090", "address to listen on")
	secret := flags.String("secret", "", "shared secret (default: a random one)")
	version := bbbtest.WithVersion("3.0")
	flags.Func("version", "BigBlueButton `release` to behave like, 2.4 to 4.0 (default 3.0)", func(text string) (err error) {
		defer func() {
			if recover() != nil {
				err = errors.New("not a release")
			}
		}()
		version = bbbtest.WithVersion(text)
		return nil
	})
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	}

	out := &lines{w: stdout}
	opts := []bbbtest.Option{version, bbbtest.WithRequestFunc(func(r bbbtest.Request) {
		out.printf("%s %s\n", r.Time.Format("15:04:05"), r)
	})}
	if *secret != "" {
		opts = append(opts, bbbtest.WithSecret(*secret))
	}
	srv := bbbtest.New(opts...)
	defer func() { err = errors.Join(err, srv.Close()) }()
	if err := srv.Listen(*addr); err != nil {
		return err
	}
	out.printf("\n    URL: %s\n    Secret: %s\n\n", srv.URL(), srv.Secret())
	out.printf("    Link to the API-Mate:\n    https://mconf.github.io/api-mate/#server=%s&sharedSecret=%s\n\n", srv.URL(), srv.Secret())
	for _, call := range [][2]string{{"create", "meetingID=demo&name=Demo"}, {"getMeetings", ""}} {
		out.printf("try: curl '%s'\n", signed(srv, call[0], call[1]))
	}
	out.printf("in a browser: %s\n\n", signed(srv, "join", "meetingID=demo&fullName=Ann&role=MODERATOR"))
	<-ctx.Done()
	out.printf("bye\n")
	return nil
}

// signed is the URL of a call with its checksum.
func signed(srv *bbbtest.Server, call, query string) string {
	sum := sha256.Sum256([]byte(call + query + srv.Secret()))
	if query != "" {
		query += "&"
	}
	return srv.URL() + "api/" + call + "?" + query + "checksum=" + hex.EncodeToString(sum[:])
}

// lines lets several requests at once write whole lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.w, format, args...)
}
