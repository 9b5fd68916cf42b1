package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// exampleFleet returns a group over three fake servers that are described by labels,
// and a function that closes it.
func exampleFleet(opts ...bbb.GroupOption) (group *bbb.Group, closeAll func()) {
	network := bbbtest.NetworkOf()
	group, err := bbb.NewGroup("school", append(opts, bbb.WithTransport(network))...)
	if err != nil {
		log.Fatal(err)
	}
	var fakes []*bbbtest.Server
	for _, one := range []struct {
		name   string
		labels bbb.Labels
	}{
		{"berlin", bbb.Labels{"region": "eu", "gpu": ""}},
		{"boston", bbb.Labels{"region": "us", "disks": "slow"}},
		{"vienna", bbb.Labels{"region": "eu"}},
	} {
		fake := bbbtest.New(bbbtest.WithName(one.name))
		network.Add(fake)
		fakes = append(fakes, fake)
		if _, err := group.New(one.name, fake.URL(), fake.Secret(), bbb.WithLabels(one.labels)); err != nil {
			log.Fatal(err)
		}
	}
	return group, func() {
		_ = group.Close(context.Background())
		for _, fake := range fakes {
			_ = fake.Close()
		}
	}
}

// A lecture for many, in Europe, and on a server with a GPU if there is one that is
// not much busier than the others.
func ExamplePlacement() {
	ctx := context.Background()
	group, closeAll := exampleFleet()
	defer closeAll()

	lecture, err := group.CreateMeeting(ctx, bbb.CreateParams{
		Name: "Lecture",
		Placement: bbb.Placement{
			Size:    150,
			Require: bbb.Labels{"region": "eu"},
			Prefer:  bbb.Labels{"gpu": ""},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("on", lecture.Server().Name())
	fmt.Printf("seats held there: %.0f\n", lecture.Server().Load().Expected)
	// Output:
	// on berlin
	// seats held there: 150
}

// A checker of one's own keeps recorded meetings off servers with slow disks. Another
// one rules out a server from an hour before it is taken down.
func ExampleWithExtraCheckers() {
	slowDisks := func(s *bbb.Server, c bbb.Criteria) bbb.Factor {
		if c.Params != nil && c.Params.Record != nil && *c.Params.Record && s.Labels()["disks"] == "slow" {
			return bbb.Factor{Checker: "disks", Value: 0.25, Reason: "slow disks for what is recorded"}
		}
		return bbb.Factor{Checker: "disks", Value: 1}
	}
	works := map[string]time.Time{"vienna": time.Now().Add(30 * time.Minute)}
	maintenance := func(s *bbb.Server, _ bbb.Criteria) bbb.Factor {
		if from, ok := works[s.Name()]; ok && time.Until(from) < time.Hour {
			return bbb.Factor{Checker: "maintenance", Value: 0, Reason: "will be taken down soon"}
		}
		return bbb.Factor{Checker: "maintenance", Value: 1}
	}

	ctx := context.Background()
	group, closeAll := exampleFleet(bbb.WithExtraCheckers(slowDisks, maintenance))
	defer closeAll()
	m, err := group.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", Record: new(true)})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("on", m.Server().Name())
	// Output: on berlin
}

// What the group would do with a meeting for 40, and why. The factors of a server are
// what takes from its 10 points.
func ExampleGroup_Rank() {
	ctx := context.Background()
	group, closeAll := exampleFleet()
	defer closeAll()
	berlin, _ := group.Server("berlin")
	if _, err := berlin.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics"}); err != nil {
		log.Fatal(err)
	}
	if err := group.Refresh(ctx); err != nil {
		log.Fatal(err)
	}

	fmt.Print(group.Rank(ctx, bbb.Criteria{Placement: bbb.Placement{
		Size: 40, Require: bbb.Labels{"region": "eu"}, Prefer: bbb.Labels{"gpu": ""},
	}}))
	// Output:
	//   berlin   6.154  load 0.615 (1 meeting, 0 people, 20 expected)
	//   vienna   2.500  labels 0.25 (lacks the preferred gpu), load 1 (0 meetings, 0 people, 0 expected)
	//   boston     out  labels: lacks region=eu
}

// When no server can take a meeting, the error says why, for each of them.
func ExampleGroup_SelectServer() {
	ctx := context.Background()
	group, closeAll := exampleFleet()
	defer closeAll()
	boston, _ := group.Server("boston")
	boston.SetMode(bbb.ModeDraining)

	_, err := group.SelectServer(ctx, bbb.Criteria{Placement: bbb.Placement{Require: bbb.Labels{"region": "us"}}})
	fmt.Println("no server:", errors.Is(err, bbb.ErrNoServer))
	if refused, ok := errors.AsType[*bbb.GroupError](err); ok {
		for _, s := range refused.Servers {
			fmt.Println(s)
		}
	}
	// Output:
	// no server: true
	// berlin: labels: lacks region=us
	// boston: state: draining
	// vienna: labels: lacks region=us
}

// A server is emptied before it is taken down: it gets no new meeting from here on,
// and Drain returns when the last one has ended.
func ExampleServer_Drain() {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Hour)
	defer cancel()
	group, closeAll := exampleFleet()
	defer closeAll()
	vienna, _ := group.Server("vienna")

	if err := vienna.Drain(ctx); err != nil {
		log.Fatal(err) // it still has meetings after three hours
	}
	fmt.Println(vienna.Name(), "is empty and", vienna.Mode())

	// Update it, start it again, and:
	vienna.SetMode(bbb.ModeEnabled)
	fmt.Println(vienna.Name(), "is", vienna.Mode(), "and", vienna.State())
	// Output:
	// vienna is empty and draining
	// vienna is enabled and online
}

// A program that runs for long has all servers asked in the background, and is told
// when one of them fails or comes back.
func ExampleGroup_Run() {
	ctx, stop := context.WithCancel(context.Background())
	group, closeAll := exampleFleet(bbb.WithObserver(bbb.Observer{
		StateChanged: func(e bbb.StateEvent) { log.Println(e.Server, "was", e.From, "and is", e.To, e.Cause) },
	}))
	defer closeAll()

	ended := make(chan error, 1)
	go func() { ended <- group.Run(ctx, 10*time.Second) }()

	// The program does its work. In the end:
	stop()
	fmt.Println(errors.Is(<-ended, context.Canceled))
	// Output: true
}

// The figures of a group, for metrics and status pages.
func ExampleGroup_Stats() {
	ctx := context.Background()
	group, closeAll := exampleFleet()
	defer closeAll()
	if _, err := group.CreateMeeting(ctx, bbb.CreateParams{Name: "Physics", Placement: bbb.Placement{Require: bbb.Labels{"gpu": ""}}}); err != nil {
		log.Fatal(err)
	}

	stats := group.Stats()
	fmt.Println("placed:", stats.Placed)
	for _, s := range stats.Servers {
		fmt.Println(s.Server, s.Health.State, s.Load.Meetings)
	}
	// Output:
	// placed: 1
	// berlin online 1
	// boston online 0
	// vienna online 0
}
