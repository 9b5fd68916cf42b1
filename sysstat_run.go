package bbb

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// machineEvery is how often a Run reads a machine at most: a login is dear for what
	// it tells.
	machineEvery = 30 * time.Second
	// machineRest is how long a Run leaves a machine alone at most that it could not
	// read time after time, and one on which sadf does not end.
	machineRest = 5 * time.Minute
	// machineSoon is when a Run looks again for a report that another process is
	// just reading.
	machineSoon = 5 * time.Second
)

// machineRounds are the part of a Run that reads how busy the machines are. They go
// apart from the questions to the servers, so that an ssh that hangs keeps neither
// meetings nor workers waiting. The fields belong to the goroutine of Run.
type machineRounds struct {
	group    *Group
	interval time.Duration // also how young a report is that makes reading needless
	room     chan struct{} // holds one value for each machine that is being read
	known    map[*Server]bool
	given    int // places in the first round
	rounds   sync.WaitGroup
}

func newMachineRounds(g *Group, interval time.Duration) *machineRounds {
	return &machineRounds{
		group: g, interval: max(interval, machineEvery),
		room: make(chan struct{}, min(g.workers, sshAtOnce)), known: make(map[*Server]bool),
	}
}

// look begins the rounds of servers that are new. They end with ctx, or soon after
// the server was removed.
func (m *machineRounds) look(ctx context.Context, servers []*Server) {
	maps.DeleteFunc(m.known, func(s *Server, _ bool) bool { return s.removed.Load() })
	for _, s := range servers {
		if !s.readsMachine() || m.known[s] {
			continue
		}
		m.known[s] = true
		_, part := math.Modf(float64(m.given) * goldenRatio)
		m.given++
		m.rounds.Go(func() { m.run(ctx, s, time.Duration(part*float64(machineEvery))) })
	}
}

// machineRound is how reading one machine went.
type machineRound struct {
	failures int       // in a row
	rest     time.Time // no login before
}

// run keeps what is known of one machine up to date. A goroutine for each is the
// least that it takes, and its next turn begins when the last one is over.
func (m *machineRounds) run(ctx context.Context, s *Server, first time.Duration) {
	timer := time.NewTimer(first)
	defer timer.Stop()
	var round machineRound
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if s.removed.Load() {
			return
		}
		pause := m.turn(ctx, s, &round)
		timer.Reset(pause + rand.N(pause/10+1)) //nolint:gosec // spreads logins, hides nothing
	}
}

// turn reads a machine, unless somebody else has, and returns how long not to do
// so again.
func (m *machineRounds) turn(ctx context.Context, s *Server, round *machineRound) time.Duration {
	g := s.group
	if s.disabled() || !take(ctx, m.room) {
		return machineEvery
	}
	defer func() { <-m.room }()
	if s.absent() { // by now
		return machineEvery
	}
	if g.store.shared {
		s.loadSysStat(ctx)
	}
	if r := s.machine.report.Load(); r != nil {
		young := m.interval
		// A sadf that a dead disk keeps is still there when ssh has left, and the next
		// one joins it.
		if r.Problem == errSadfStuck.Error() {
			young = max(young, machineRest)
		}
		if age := g.now().Sub(r.Collected); age >= 0 && age < young {
			return min(young-age, m.interval)
		}
	}
	if rest := time.Until(round.rest); rest > 0 { // but others may be able to log in
		return min(rest, m.interval)
	}
	// Of several processes whose turn it is one reads, and tells the others. Should it
	// fail, another one may try before long.
	if g.store.shared && !g.store.add(ctx, s.sysStatKey()+":turn", []byte("1"), machineEvery-machineSoon) {
		return machineSoon
	}
	if _, err := s.SysStat(ctx); err == nil {
		*round = machineRound{}
		return m.interval
	}
	rest := min(machineEvery<<min(round.failures, 10), machineRest)
	round.failures++
	round.rest = time.Now().Add(max(rest, m.interval))
	return m.interval
}
