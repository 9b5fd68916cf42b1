// Recordings shows what is recorded on a group of BigBlueButton servers as one
// list, and what can be done with it.
//
//	go run ./examples/recordings
//
// runs on three servers that live inside the program: it lists their recordings
// page by page, takes one out of view, writes metadata, uploads captions, looks
// through the eyes of one school, and deletes. Real servers are given by
//
//	BBB_SERVERS="bbb1=https://bbb1.example.org,SECRET1;bbb2=https://bbb2.example.org,SECRET2"
//
// or, for a single one, by BBB_URL and BBB_SECRET. On real servers it only lists.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "recordings:", err)
		os.Exit(1)
	}
}

// A server to put into the group.
type server struct{ name, url, secret string }

// pageSize is how many lines of the list are one page.
const pageSize = 5

func run(ctx context.Context, getenv func(string) string, out io.Writer) (err error) {
	servers, err := parseServers(getenv)
	if err != nil {
		return err
	}
	embedded := len(servers) == 0
	var opts []bbb.GroupOption
	if embedded {
		fmt.Fprintln(out, "No BBB_SERVERS given: three servers inside this program.")
		fakes := startFakes()
		for _, f := range fakes {
			defer f.Close() //nolint:errcheck // nothing of it is needed any more
			servers = append(servers, server{f.Name(), f.URL(), f.Secret()})
		}
		opts = append(opts, bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
	}
	group, err := bbb.NewGroup("recordings", opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(context.WithoutCancel(ctx))) }()
	for _, s := range servers {
		if _, err := group.New(s.name, s.url, s.secret); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "\nThe newest recordings of all servers")
	if err := showPages(ctx, group, out); err != nil {
		return err
	}
	if !embedded {
		return nil
	}
	return change(ctx, group, out)
}

// showPages prints two pages of the list. The page is that of the whole group,
// wherever its recordings are.
func showPages(ctx context.Context, group *bbb.Group, out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer w.Flush()
	for page := range 2 {
		list, err := group.Recordings(ctx, bbb.RecordingFilter{Offset: page * pageSize, Limit: pageSize})
		if ge, ok := errors.AsType[*bbb.GroupError](err); ok && !ge.AllFailed() {
			fmt.Fprintf(w, "  without those of %s\n", strings.Join(ge.Names(), ", "))
		} else if err != nil {
			return err
		}
		fmt.Fprintf(w, "  page %d of %d recordings\n", page+1, list.Total)
		for _, r := range list.Recordings {
			fmt.Fprintf(w, "    %s\t%s\t%s\t%s\t%s\n",
				r.StartTime.UTC().Format(time.DateTime), r.Name, r.State, formats(r), r.Server().Name())
		}
	}
	return nil
}

func formats(r *bbb.Recording) string {
	var list []string
	for _, f := range r.Formats {
		list = append(list, f.String())
	}
	return strings.Join(list, ", ")
}

// change does what the owner of the recordings may do. Nobody has to know on which
// server they are.
func change(ctx context.Context, group *bbb.Group, out io.Writer) error {
	list, err := group.Recordings(ctx, bbb.RecordingFilter{MeetingIDs: []string{"physics"}, Limit: 1})
	if err != nil {
		return err
	}
	physics := list.Recordings[0]

	fmt.Fprintln(out, "\nChanging", physics)
	if err := group.UnpublishRecordings(ctx, physics.ID); err != nil {
		return err
	}
	if err := group.UpdateRecordings(ctx, map[string]string{"topic": "optics"}, physics.ID); err != nil {
		return err
	}
	list, err = group.Recordings(ctx, bbb.RecordingFilter{Meta: map[string]string{"topic": "opt%"}})
	if err != nil {
		return err
	}
	for _, r := range list.Recordings {
		fmt.Fprintf(out, "  found by its topic %q: %s\n", r.Metadata["topic"], r)
	}

	captions := "WEBVTT\n\n00:00.000 --> 00:02.000\nWelcome to physics.\n"
	err = group.PutTextTrack(ctx, physics.ID, bbb.TextTrackUpload{
		Kind: bbb.TextTrackCaptions, Lang: "en-GB", Label: "English",
	}, strings.NewReader(captions))
	switch {
	case errors.Is(err, bbb.ErrNotSupported):
		fmt.Fprintln(out, "  this server takes no captions")
	case err != nil:
		return err
	default:
		fmt.Fprintln(out, "  captions uploaded")
	}

	err = group.PublishRecordings(ctx, physics.ID, "no-such-recording")
	if re, ok := errors.AsType[*bbb.RecordingsError](err); ok {
		fmt.Fprintln(out, "  published again, all but", strings.Join(re.NotFound, ", "))
	} else if err != nil {
		return err
	}

	fmt.Fprintln(out, "\nThrough the eyes of the school in the south")
	south, err := group.Scope(map[string]string{"school": "south"})
	if err != nil {
		return err
	}
	n := 0
	for r, err := range south.AllRecordings(ctx, bbb.RecordingFilter{}) {
		if err != nil {
			return err
		}
		n++
		if err := south.DeleteRecordings(ctx, r.ID, physics.ID); err != nil { // physics is not theirs, and stays
			return err
		}
	}
	list, err = group.Recordings(ctx, bbb.RecordingFilter{Limit: 1})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  %d recordings, all deleted; %d of others are left\n", n, list.Total)
	return nil
}

// startFakes makes three servers with a term's recordings.
func startFakes() []*bbbtest.Server {
	lessons := []string{"physics", "algebra", "biology", "history"}
	begin := time.Date(2026, time.March, 2, 8, 0, 0, 0, time.UTC)
	var fakes []*bbbtest.Server
	for i, version := range []string{"2.5", "2.7", "3.0"} {
		f := bbbtest.New(bbbtest.WithName(fmt.Sprintf("bbb%d", i+1)), bbbtest.WithVersion(version))
		for j, lesson := range lessons {
			start := begin.AddDate(0, 0, 3*j+i)
			school := "north"
			if i == 1 {
				school = "south"
			}
			f.AddRecording(bbbtest.Recording{
				MeetingID: lesson, Name: strings.ToUpper(lesson[:1]) + lesson[1:], Start: start, End: start.Add(45 * time.Minute),
				Metadata: map[string]string{"school": school},
			})
		}
		fakes = append(fakes, f)
	}
	return fakes
}

// parseServers reads BBB_SERVERS, or BBB_URL and BBB_SECRET. No text of it gets
// into an error: it holds secrets.
func parseServers(getenv func(string) string) ([]server, error) {
	if url := getenv("BBB_URL"); url != "" && getenv("BBB_SERVERS") == "" {
		if getenv("BBB_SECRET") == "" {
			return nil, errors.New("BBB_URL is set, but BBB_SECRET is not")
		}
		return []server{{"bbb", url, getenv("BBB_SECRET")}}, nil
	}
	var servers []server
	for i, entry := range strings.FieldsFunc(getenv("BBB_SERVERS"), func(r rune) bool { return r == ';' }) {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, rest, ok1 := strings.Cut(strings.TrimSpace(entry), "=")
		url, secret, ok2 := strings.Cut(rest, ",")
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("BBB_SERVERS: entry %d is not name=url,secret", i+1)
		}
		servers = append(servers, server{strings.TrimSpace(name), strings.TrimSpace(url), strings.TrimSpace(secret)})
	}
	return servers, nil
}
