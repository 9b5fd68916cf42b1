// Quickstart takes a group of BigBlueButton servers through a day in a minute:
// it creates meetings, joins people, lists and ends the meetings, and says where
// everything happened.
//
//	go run ./examples/quickstart
//
// runs on three servers that live inside the program. Real ones are given by
//
//	BBB_SERVERS="bbb1=https://bbb1.example.org,SECRET1;bbb2=https://bbb2.example.org,SECRET2"
//
// or, for a single one, by BBB_URL and BBB_SECRET. On real servers it makes
// three meetings with bots in them and ends them again.
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
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

// A server to put into the group.
type server struct{ name, url, secret string }

// people of the first, second and third meeting.
var lessons = []struct {
	name   string
	people []string
}{
	{"Physics", []string{"Marie", "Albert", "Lise"}},
	{"Algebra", []string{"Emmy", "Évariste"}},
	{"Staff room", []string{"Ada"}},
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) (err error) {
	group, err := bbb.NewGroup("quickstart", bbb.WithOrigin("quickstart", "localhost"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(context.WithoutCancel(ctx))) }()

	servers, err := parseServers(getenv)
	if err != nil {
		return err
	}
	if len(servers) == 0 {
		fmt.Fprintln(out, "No BBB_SERVERS given: three servers inside this program.")
		fakes, closeAll, err := startFakes()
		if err != nil {
			return err
		}
		defer closeAll()
		servers = fakes
	}
	for _, s := range servers {
		if _, err := group.New(s.name, s.url, s.secret); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "\nWho is there")
	if err := showVersions(ctx, group, out); err != nil {
		return err
	}

	fmt.Fprintln(out, "\nCreating, the group chooses the servers")
	meetings, err := createLessons(ctx, group, out)
	// Whatever happens below, no meeting of ours is left on a real server.
	defer func() { err = errors.Join(err, endAll(context.WithoutCancel(ctx), group, meetings, out)) }()
	if err != nil {
		return err
	}

	fmt.Fprintln(out, "\nJoining")
	if err := joinPeople(ctx, meetings, out); err != nil {
		return err
	}
	url, err := group.JoinURL(ctx, bbb.JoinParams{MeetingID: meetings[0].ID, FullName: "Guest", Role: bbb.RoleViewer})
	if err != nil {
		return err
	}
	path, _, _ := strings.Cut(url, "?")
	fmt.Fprintf(out, "  a browser would open %s?... (signed, %d characters)\n", path, len(url))

	fmt.Fprintln(out, "\nListing, all servers at once")
	start := time.Now()
	all, err := group.Meetings(ctx)
	if err != nil {
		return err
	}
	showMeetings(out, all, meetings)
	fmt.Fprintf(out, "  %d meetings from %d servers in %v\n", len(all), group.Len(), time.Since(start).Round(time.Millisecond/10))

	fmt.Fprintln(out, "\nEnding")
	return nil
}

func createLessons(ctx context.Context, group *bbb.Group, out io.Writer) ([]*bbb.Meeting, error) {
	w := table(out)
	defer w.Flush()
	var meetings []*bbb.Meeting
	for _, lesson := range lessons {
		m, err := group.CreateMeeting(ctx, bbb.CreateParams{
			Name:            lesson.name,
			Welcome:         "Welcome to <b>%%CONFNAME%%</b>!",
			MaxParticipants: new(30),
			Duration:        new(90 * time.Minute),
			Meta:            map[string]string{"course": strings.ToLower(lesson.name)},
		})
		if err != nil {
			return meetings, err
		}
		meetings = append(meetings, m)
		fmt.Fprintf(w, "  %s\ton %s\tas %s\n", m.Name, m.Server().Name(), m.ID)
	}
	return meetings, nil
}

func joinPeople(ctx context.Context, meetings []*bbb.Meeting, out io.Writer) error {
	w := table(out)
	defer w.Flush()
	for i, m := range meetings {
		for j, name := range lessons[i].people {
			role := bbb.RoleViewer
			if j == 0 {
				role = bbb.RoleModerator
			}
			who, err := m.Join(ctx, bbb.JoinParams{FullName: name, Role: role, Bot: new(true)})
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "  %s\tis %s of %s\n", who.FullName, strings.ToLower(string(who.Role)), m.Name)
		}
	}
	return nil
}

func showVersions(ctx context.Context, group *bbb.Group, out io.Writer) error {
	versions := bbb.FanOut(ctx, group, func(ctx context.Context, s *bbb.Server) (*bbb.Version, error) { return s.Version(ctx) })
	w := table(out)
	defer w.Flush()
	for _, r := range versions {
		if r.Err == nil {
			release := r.Value.BBB
			if release == "" {
				release = "a release it does not tell"
			}
			fmt.Fprintf(w, "  %s\t%s\tBigBlueButton %s\n", r.Server.Name(), r.Server.BaseURL(), release)
		}
	}
	return versions.Err("version")
}

// showMeetings prints ours among those of the servers.
func showMeetings(out io.Writer, all, ours []*bbb.Meeting) {
	w := table(out)
	defer w.Flush()
	fmt.Fprintln(w, "  MEETING\tSERVER\tPEOPLE\tCREATED\tWHO")
	for _, m := range all {
		who := "(not ours)"
		for _, our := range ours {
			if m.ID == our.ID {
				who = names(m)
			}
		}
		fmt.Fprintf(w, "  %s\t%s\t%d\t%s\t%s\n", m.Name, m.Server().Name(), m.ParticipantCount, m.CreateTime.Local().Format(time.TimeOnly), who)
	}
}

func names(m *bbb.Meeting) string {
	var list []string
	for _, a := range m.Attendees {
		list = append(list, a.FullName)
	}
	return strings.Join(list, ", ")
}

func endAll(ctx context.Context, group *bbb.Group, meetings []*bbb.Meeting, out io.Writer) error {
	w := table(out)
	defer w.Flush()
	var problems []error
	for _, m := range meetings {
		if err := group.EndMeeting(ctx, m.ID, m.ModeratorPW); err != nil {
			problems = append(problems, err)
			continue
		}
		running, err := group.IsMeetingRunning(ctx, m.ID)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		state := "has ended"
		if running {
			state = "is ending" // a real server takes a few seconds
		}
		fmt.Fprintf(w, "  %s\t%s\n", m.Name, state)
	}
	return errors.Join(problems...)
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

func startFakes() (servers []server, closeAll func(), err error) {
	var fakes []*bbbtest.Server
	closeAll = func() {
		for _, f := range fakes {
			_ = f.Close()
		}
	}
	for i, version := range []string{"2.7", "3.0", "3.0"} {
		f := bbbtest.New(bbbtest.WithName(fmt.Sprintf("bbb%d", i+1)), bbbtest.WithVersion(version))
		fakes = append(fakes, f)
		if err := f.Listen("127.0.0.1:0"); err != nil {
			closeAll()
			return nil, nil, err
		}
		servers = append(servers, server{f.Name(), f.URL(), f.Secret()})
	}
	return servers, closeAll, nil
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }
