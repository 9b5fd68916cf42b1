package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// A server to put into the group.
type server struct {
	name, url, secret string
	options           []bbb.ServerOption
}

// fleet are the servers inside the program, and how many people are in each of
// their lessons.
var fleet = []struct {
	name    string
	weight  float64
	labels  bbb.Labels
	lessons []int
}{
	{"berlin", 2, bbb.Labels{"region": "eu", "gpu": ""}, []int{28, 31, 12}},
	{"vienna", 2, bbb.Labels{"region": "eu"}, []int{25, 9}},
	{"madrid", 2, bbb.Labels{"region": "eu"}, nil},
	{"lisbon", 1, bbb.Labels{"region": "eu"}, []int{14}},
	{"athens", 1, bbb.Labels{"region": "eu", "disks": "slow"}, []int{6}},
	{"boston", 1, bbb.Labels{"region": "us"}, []int{22}},
}

// startFakes makes the servers of the fleet, on which somebody has begun lessons
// forty minutes ago. Madrid has none, so it will be the first choice, and does not
// answer the first create.
func startFakes(ctx context.Context) (servers []server, fakes []*bbbtest.Server, err error) {
	for _, one := range fleet {
		f := bbbtest.New(bbbtest.WithName(one.name))
		fakes = append(fakes, f)
		servers = append(servers, server{f.Name(), f.URL(), f.Secret(), []bbb.ServerOption{
			bbb.WithWeight(one.weight), bbb.WithLabels(one.labels),
		}})
	}
	others, err := bbb.NewGroup("others", bbb.WithTransport(bbbtest.NetworkOf(fakes...)))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, others.Close(context.WithoutCancel(ctx))) }()
	for i, f := range fakes {
		began := f.Inject(bbbtest.Fault{Call: "create", ClockSkew: -40 * time.Minute})
		s, err := others.New(f.Name(), f.URL(), f.Secret())
		if err != nil {
			return nil, nil, err
		}
		for _, people := range fleet[i].lessons {
			m, err := s.CreateMeeting(ctx, bbb.CreateParams{Name: "A lesson"})
			if err != nil {
				return nil, nil, err
			}
			for n := range people {
				if err := f.Attend(m.ID, bbbtest.Attendee{FullName: fmt.Sprint("Pupil ", n+1)}); err != nil {
					return nil, nil, err
				}
			}
		}
		began()
		if f.Name() == "madrid" {
			f.Inject(bbbtest.Fault{Call: "create", Refuse: true, Times: 1})
		}
	}
	return servers, fakes, nil
}

// parseServers reads BBB_SERVERS, or BBB_URL and BBB_SECRET. No text of it gets
// into an error: it holds secrets.
func parseServers(getenv func(string) string) ([]server, error) {
	if url := getenv("BBB_URL"); url != "" && getenv("BBB_SERVERS") == "" {
		if getenv("BBB_SECRET") == "" {
			return nil, errors.New("BBB_URL is set, but BBB_SECRET is not")
		}
		return []server{{name: "bbb", url: url, secret: getenv("BBB_SECRET")}}, nil
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
		servers = append(servers, server{name: strings.TrimSpace(name), url: strings.TrimSpace(url), secret: strings.TrimSpace(secret)})
	}
	return servers, nil
}

func table(out io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0) }
