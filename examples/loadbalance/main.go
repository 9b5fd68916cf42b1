// Loadbalance shows how a group chooses the servers of its meetings, and why.
//
//	go run ./examples/loadbalance
//
// runs on six servers that live inside the program and have lessons on them
// already. One of them is draining, one is about to fail, one has slow disks, which
// a checker of this program knows about. Real servers are given by
//
//	BBB_SERVERS="bbb1=https://bbb1.example.org,SECRET1;bbb2=https://bbb2.example.org,SECRET2"
//
// or, for a single one, by BBB_URL and BBB_SECRET. On real servers it says what it
// would choose, and creates nothing.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "loadbalance:", err)
		os.Exit(1)
	}
}

// slowDisks is a checker of our own: it keeps what is recorded off servers that are
// slow to process it, which have a quarter of their points left for that.
func slowDisks(s *bbb.Server, c bbb.Criteria) bbb.Factor {
	recorded := c.Params != nil && c.Params.Record != nil && *c.Params.Record
	if disks, _ := s.Label("disks"); recorded && disks == "slow" {
		return bbb.Factor{Checker: "disks", Value: 0.25, Reason: "slow disks for what is recorded"}
	}
	return bbb.Factor{Checker: "disks", Value: 1}
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) (err error) {
	servers, err := parseServers(getenv)
	if err != nil {
		return err
	}
	opts := []bbb.GroupOption{
		bbb.WithExtraCheckers(slowDisks),
		// Told of every decision before it is carried out. A Ranking is plain data, of
		// which its text is the short form: the scores, what took from them, and what
		// ruled out the others.
		bbb.WithObserver(bbb.Observer{Ranked: func(e bbb.RankingEvent) {
			if strings.HasPrefix(e.MeetingID, "lesson") {
				return // they are many, and counted below
			}
			if e.Attempt > 1 {
				fmt.Fprintln(out, "\n  Without the one that did not answer")
			}
			fmt.Fprint(out, e.Ranking)
		}}),
	}
	embedded := len(servers) == 0
	if embedded {
		fmt.Fprintln(out, "No BBB_SERVERS given: six servers inside this program.")
		var fakes []*bbbtest.Server
		if servers, fakes, err = startFakes(ctx); err != nil {
			return err
		}
		for _, f := range fakes {
			defer f.Close() //nolint:errcheck // nothing of it is needed any more
		}
		opts = append(opts, bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
	}
	group, err := bbb.NewGroup("loadbalance", opts...)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(context.WithoutCancel(ctx))) }()
	for _, s := range servers {
		if _, err := group.New(s.name, s.url, s.secret, s.options...); err != nil {
			return err
		}
	}

	// A program that runs for long leaves this to group.Run.
	err = group.Refresh(ctx)
	if ge, ok := errors.AsType[*bbb.GroupError](err); err != nil && (!ok || ge.AllFailed()) {
		return err // otherwise the table says which of them do not answer
	}
	fmt.Fprintln(out, "\nThe servers, and what goes on there")
	overview(out, group.Stats())
	if embedded {
		if err := place(ctx, group, out); err != nil {
			return err
		}
	}

	fmt.Fprintln(out, "\nWhat if 60 people met now? Nothing is created, and nothing held")
	fmt.Fprint(out, group.Rank(ctx, bbb.Criteria{Placement: bbb.Placement{Size: 60}}))
	fmt.Fprintln(out, "\nIn the end")
	overview(out, group.Stats())
	return nil
}

// place creates meetings of which each is placed for another reason.
func place(ctx context.Context, group *bbb.Group, out io.Writer) error {
	lisbon, _ := group.Server("lisbon")
	lisbon.SetMode(bbb.ModeDraining)
	boston, _ := group.Server("boston")
	boston.SetMachineLoad(bbb.MachineLoad{CPU: 0.7}) // as some monitoring says

	fmt.Fprintln(out, "\nPhysics is recorded, nobody knows how many will come; the first choice does not answer")
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", Record: new(true)}); err != nil {
		return err
	}

	// Ask the one that failed how it is. Three good answers, and all is forgotten.
	if err := group.Refresh(ctx); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nA lecture for 150, in Europe, and rather on a server with a GPU")
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{Name: "Lecture", Placement: bbb.Placement{
		Size: 150, Require: bbb.Labels{"region": "eu"}, Prefer: bbb.Labels{"gpu": ""},
	}}); err != nil {
		return err
	}

	fmt.Fprintln(out, "\nTwelve lessons begin at once. Nobody is there yet, but seats are held for them")
	if err := lessons(ctx, group, out, 12); err != nil {
		return err
	}

	fmt.Fprintln(out, "\nA meeting in Asia, where there is no server")
	_, err := group.CreateMeeting(ctx, bbb.CreateParams{
		Name: "Asia", Placement: bbb.Placement{Require: bbb.Labels{"region": "asia"}},
	})
	if refused, ok := errors.AsType[*bbb.GroupError](err); ok && errors.Is(err, bbb.ErrNoServer) {
		fmt.Fprintf(out, "  %v:\n", bbb.ErrNoServer)
		for _, s := range refused.Servers {
			fmt.Fprintf(out, "    %v\n", s)
		}
		return nil
	}
	return err
}

// lessons creates n meetings at the same time, and says where they are.
func lessons(ctx context.Context, group *bbb.Group, out io.Writer, n int) error {
	var wg sync.WaitGroup
	meetings, problems := make([]*bbb.Meeting, n), make([]error, n)
	for i := range n {
		wg.Go(func() {
			id := fmt.Sprint("lesson", i)
			meetings[i], problems[i] = group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: id, Name: "Lesson"})
		})
	}
	wg.Wait()
	if err := errors.Join(problems...); err != nil {
		return err
	}
	on := make(map[string]int)
	for _, m := range meetings {
		on[m.Server().Name()]++
	}
	for s := range group.Servers() {
		fmt.Fprintf(out, "  %-8s%s\n", s.Name(), strings.Repeat(" ■", on[s.Name()]))
	}
	return nil
}

// overview prints the figures of a group.
func overview(out io.Writer, st bbb.Stats) {
	w := table(out)
	defer w.Flush()
	fmt.Fprintln(w, "  SERVER\tWEIGHT\tSTATE\tMEETINGS\tPEOPLE\tEXPECTED\tLABELS")
	for _, s := range st.Servers {
		state := s.Health.State.String()
		if s.Health.Mode != bbb.ModeEnabled {
			state = s.Health.Mode.String()
		}
		fmt.Fprintf(w, "  %s\t%v\t%s\t%d\t%d\t%.0f\t%v\n",
			s.Server, s.Weight, state, s.Load.Meetings, s.Load.People, s.Load.Expected, s.Labels)
	}
	fmt.Fprintf(w, "  all\t\t\t%d\t%d\t%.0f\t\n", st.Meetings, st.People, st.Expected)
}
