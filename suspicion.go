package bbb

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// suspicionLimit is how long most servers may fail before they are believed to be
// down, although others answer. That some do answer speaks for our network, so this is
// only about three times as long as it takes to believe it of a single server that is
// asked every ten seconds; until then a meeting of which nobody knows whether it is on
// one of them cannot be created.
const suspicionLimit = time.Minute

// doubt is whether a group looks for the fault on its own side. When most servers
// fail at once, the name service or the network here is a better guess than so many
// machines: then nobody becomes offline, because what is released is created twice.
type doubt struct {
	on atomic.Bool

	mu       sync.Mutex // protects the fields below
	spent    bool       // it lasted for the limit, and most servers still fail
	lasted   time.Duration
	answered time.Time // when lasted was counted; zero if nobody answered then
}

// doubtOurselves counts who fails, and reports whether we suspect ourselves, or did
// until that took too long. It is called when the count may have changed, and never
// for a call to a server that is well.
func (g *Group) doubtOurselves(ctx context.Context) (suspect, spent bool) {
	d, at := &g.doubt, g.now()
	d.mu.Lock()
	failing, answering, servers := g.tally()
	was := d.on.Load()
	suspect = d.judge(2*failing > servers, answering > 0, at)
	if d.spent && was && !suspect {
		g.convict()
	}
	spent = d.spent
	d.on.Store(suspect)
	d.mu.Unlock()
	if suspect != was {
		g.observeSuspicion(ctx, SuspicionEvent{Group: g.name, Begin: suspect, Failing: failing, Servers: servers, Time: at})
	}
	return suspect, spent
}

// tally counts the servers whose meetings are at stake: those that are neither
// disabled nor offline already. Of these, failing are those whose last check
// failed, and answering those whose last check was good.
func (g *Group) tally() (failing, answering, servers int) {
	for _, s := range g.members.Load().list {
		switch now := s.health.now.Load(); {
		case now.Mode == ModeDisabled, now.State == StateOffline:
			continue
		case now.Failures > 0:
			failing++
		case !now.Since.IsZero():
			answering++
		}
		servers++
	}
	return failing, answering, servers
}

// judge reports whether we suspect ourselves now. The lock is held. Only the time
// counts during which some server answered: after an outage of everything, the
// first one to come back must not cost the others their meetings.
func (d *doubt) judge(most, someAnswer bool, now time.Time) bool {
	switch {
	case !most:
		d.spent, d.lasted, d.answered = false, 0, time.Time{}
		return false
	case !someAnswer: // there is nowhere to go
		d.answered = time.Time{}
		return true
	}
	if !d.answered.IsZero() {
		d.lasted += now.Sub(d.answered)
	}
	d.answered = now
	d.spent = d.spent || d.lasted >= suspicionLimit
	return !d.spent
}

// convict makes the failures count that we took for our own, so that the next one
// of each server is judged as if we had never suspected ourselves.
func (g *Group) convict() {
	for _, s := range g.members.Load().list {
		for {
			old := s.health.now.Load()
			if old.strikes >= old.Failures {
				break
			}
			next := *old
			next.strikes = old.Failures
			if s.health.now.CompareAndSwap(old, &next) {
				break
			}
		}
	}
}
