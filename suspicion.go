package bbb

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// suspicionLimit is how long most servers may fail before they are believed to be
	// down, although others answer. That some do answer speaks for our network, so this
	// is only about three times as long as it takes to believe it of a single server that
	// is asked every ten seconds; until then a meeting of which nobody knows whether it
	// is on one of them cannot be created.
	suspicionLimit = time.Minute
	// suspicionStep is the most of that time that passes from one piece of evidence to
	// the next, so that an hour in which nobody was asked is not an hour of failing. When
	// they are far apart it is half of the time between them, up to maxSuspicionStep.
	suspicionStep    = 15 * time.Second
	maxSuspicionStep = 30 * time.Second
)

// doubt is whether a group looks for the fault on its own side. When most servers
// fail at once, the name service or the network here is a better guess than so many
// machines: then nobody becomes offline, because what is released is created twice.
type doubt struct {
	on atomic.Bool

	mu     sync.Mutex // protects the fields below
	spent  bool       // it lasted for the limit, and most servers still fail
	lasted time.Duration
	// seen is up to when lasted was counted: when most servers failed, while another one
	// had answered since the time before.
	seen    time.Time
	untold  []SuspicionEvent
	telling bool // somebody is telling them
}

// census is how the servers are whose meetings are at stake: those that are neither
// disabled nor offline already.
type census struct {
	servers   int
	failing   int       // the last check failed
	answering int       // the last check was good
	answered  time.Time // the latest check of these
	least     int       // failures in a row that each of the failing has at least
}

// doubtOurselves counts who fails, and reports whether we suspect ourselves, or did
// until that took too long. It is called when the count may have changed, and never
// for a call to a server that is well.
func (g *Group) doubtOurselves(ctx context.Context) (suspect, spent bool) {
	d, at := &g.doubt, g.now()
	d.mu.Lock()
	c := g.count()
	was := d.on.Load()
	suspect = d.judge(c, at)
	if d.spent && was && !suspect {
		g.convict()
	}
	spent = d.spent
	d.on.Store(suspect)
	if suspect != was {
		d.untold = append(d.untold, SuspicionEvent{Group: g.name, Begin: suspect, Failing: c.failing, Servers: c.servers, Time: at})
	}
	d.mu.Unlock()
	d.tell(func(e SuspicionEvent) { g.observeSuspicion(ctx, e) })
	return suspect, spent
}

// tell has all said that is untold, in order and without the lock. If somebody is at
// it already, he goes on with what came meanwhile: what is said last is how it is.
func (d *doubt) tell(say func(SuspicionEvent)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.telling {
		return
	}
	d.telling = true
	defer func() { d.telling = false }()
	for len(d.untold) > 0 {
		e := d.untold[0]
		d.untold = d.untold[1:]
		func() {
			d.mu.Unlock()
			defer d.mu.Lock() // also when the observer panics
			say(e)
		}()
	}
}

func (g *Group) count() (c census) {
	var answered int64
	for _, s := range g.members.Load().list {
		switch now := s.health.now.Load(); {
		case now.Mode == ModeDisabled, now.State == StateOffline:
			continue
		case now.Failures > 0:
			if c.failing++; c.failing == 1 || now.Failures < c.least {
				c.least = now.Failures
			}
		case !now.Since.IsZero():
			c.answering++
			answered = max(answered, s.health.answeredAt.Load())
		}
		c.servers++
	}
	if answered != 0 {
		c.answered = time.Unix(0, answered)
	}
	return c
}

// judge reports whether we suspect ourselves now. The lock is held. Only the time
// counts during which some server answered: after an outage of everything, the
// first one to come back must not cost the others their meetings. A server that
// nobody has asked since says nothing, however well it was.
func (d *doubt) judge(c census, now time.Time) bool {
	switch {
	case 2*c.failing <= c.servers:
		d.spent, d.lasted, d.seen = false, 0, time.Time{}
		return false
	case c.answering == 0: // there is nowhere to go
		// One bad poll of the only one that answers changes nothing; a second one in a
		// row is an outage, and whatever was before it is no matter any more.
		if c.least > 1 {
			d.spent, d.lasted = false, 0
		}
		d.seen = now
		return true
	case d.seen.IsZero():
		d.seen = now
	case !c.answered.Before(d.seen):
		gap := now.Sub(d.seen)
		d.lasted += min(gap, max(suspicionStep, min(gap/2, maxSuspicionStep)))
		d.seen = now
	}
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
