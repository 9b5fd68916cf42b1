package simulate

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Run simulates all seeds of a policy, several at a time, and returns what was
// measured.
func Run(ctx context.Context, c Config, p Policy) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	var (
		seeds   = make([]measured, c.Seeds)
		errs    = make([]error, c.Seeds)
		next    atomic.Int64 // counts the seeds that were begun
		workers sync.WaitGroup
	)
	for range min(c.Seeds, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for ctx.Err() == nil {
				seed := int(next.Add(1))
				if seed > c.Seeds {
					return
				}
				seeds[seed-1], errs[seed-1] = runSeed(ctx, c, p, seed)
			}
		})
	}
	workers.Wait()
	if err := errors.Join(append(errs, ctx.Err())...); err != nil {
		return nil, err
	}
	return summary(c, p, seeds), nil
}

func runSeed(ctx context.Context, c Config, p Policy, seed int) (_ measured, err error) {
	meetings := workload(c, seed)
	events := schedule(c, seed, meetings)
	f := newFleet(c, meetings)
	f.now = events[0].at
	placer, err := p.placer(c, seed, f)
	if err != nil {
		return measured{}, err
	}
	defer func() { err = errors.Join(err, placer.close(context.WithoutCancel(ctx))) }()
	polls := newPolls(c, f)
	for _, e := range events {
		if e.kind == poll && !polls.matters(e) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return measured{}, err
		}
		f.advance(e.at)
		switch e.kind {
		case poll:
			err = placer.poll(ctx, e.replica, e.server)
		case create:
			err = placer.create(ctx, e.replica, e.meeting)
			if err == nil && f.serverOf(e.meeting) < 0 {
				err = errors.New("it is on no server")
			}
		case join:
			err = placer.join(ctx, e.replica, e.meeting)
		}
		if err != nil {
			return measured{}, fmt.Errorf("%s, seed %d, after %v: %w", p.Name, seed, e.at, err)
		}
	}
	return measure(c, f), nil
}

// polls leaves out those polls that nobody can notice, which are nearly all: a
// group is asked for a server when a meeting is created, and most of what a server
// said before its last poll is overwritten by then. What a group may remember of
// earlier polls is since when a meeting is there and since when it has people in
// it, so the first poll that shows a meeting and those before and after its first
// attendee are made.
type polls struct {
	fleet *fleet
	every span
	made  []span // by replica and server, the last one that was made
}

func newPolls(c Config, f *fleet) *polls {
	p := &polls{fleet: f, every: c.Refresh, made: make([]span, c.Replicas*c.Servers)}
	for i := range p.made {
		p.made[i] = -1 << 62
	}
	return p
}

func (p *polls) matters(e event) bool {
	last := &p.made[e.replica*len(p.fleet.weights)+e.server]
	if !e.needed && !p.fleet.turns(e.server, *last, e.at, e.at+p.every) {
		return false
	}
	*last = e.at
	return true
}
