package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// A Checker says how fit a server is for a new meeting. Every server begins with 10
// points, and each checker scales them by a [Factor] from 0 to 1: 0 rules the server
// out. The best score gets the meeting. See [WithCheckers] and [WithExtraCheckers].
//
// A Factor of which the Value is not set rules the server out: give 1 for no opinion.
//
// A checker is called for every server at every decision, by many goroutines at a
// time. So it must be safe for concurrent use and quick, which means that it does no
// I/O, and it must not create meetings in the group. It must not change the
// parameters that it is shown.
type Checker func(s *Server, c Criteria) Factor

// perfect is the score of a server before it is checked.
const perfect = 10

// Candidate is a server that may get a meeting: none of those that were ruled out.
type Candidate struct {
	Server *Server
	Score  float64 // above 0, and at most 10
}

// A Selection chooses among the candidates, of which there is at least one, and
// returns the number of the one it takes. It must be safe for concurrent use. See
// [WithSelection], [Best] and [Choices].
type Selection func(candidates []Candidate) int

// Best is the [Selection] that takes the best score, and one at random of those that
// are equal.
func Best(candidates []Candidate) int { return best(candidates, rand.Float64) }

// BestFrom is [Best] with numbers from 0 to 1 out of a source of yours instead of
// those of math/rand/v2, for tests and simulations that are to repeat.
func BestFrom(random func() float64) Selection {
	return func(candidates []Candidate) int { return best(candidates, random) }
}

func best(candidates []Candidate, random func() float64) int {
	best, equal := 0, 1
	for i := 1; i < len(candidates); i++ {
		switch score, most := candidates[i].Score, candidates[best].Score; {
		case same(score, most):
			if equal++; random()*float64(equal) < 1 {
				best = i
			}
		case score > most:
			best, equal = i, 1
		}
	}
	return best
}

// same reports whether two scores differ by no more than the order of their factors.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(a, b) }

// Choices returns the [Selection] that draws k different candidates at random by
// their weights and takes the best of these. It is for many processes that share no
// [Cache]: each would send its meetings to the server that is best in the last
// report, all to the same one, while two random choices hardly ever agree. k of 2 or
// 3 is usual; 1 is a random server by weight, and less counts as 1. The draw does not
// look at the scores, so what only lowers a score, such as [Placement.Prefer], counts
// among those drawn alone.
func Choices(k int) Selection { return ChoicesFrom(k, rand.Float64) }

// ChoicesFrom is [Choices] with numbers from 0 to 1 out of a source of yours, as in
// [BestFrom].
func ChoicesFrom(k int, random func() float64) Selection {
	return func(candidates []Candidate) int {
		if k >= len(candidates) {
			return best(candidates, random)
		}
		// The largest k of u^(1/weight) are a draw by weight without putting back.
		type draw struct {
			key float64
			at  int
		}
		draws := make([]draw, len(candidates))
		for i, c := range candidates {
			draws[i] = draw{math.Log(1-random()) / c.Server.Weight(), i}
		}
		slices.SortFunc(draws, func(a, b draw) int { return cmp.Compare(b.key, a.key) })
		drawn := make([]Candidate, max(k, 1))
		for i := range drawn {
			drawn[i] = candidates[draws[i].at]
		}
		return draws[best(drawn, random)].at
	}
}

// fleet is what a decision needs to know of all servers.
type fleet struct {
	now       time.Time
	maxWeight float64
	usual     float64 // seats for a weight of 1, on the servers of which this is known
	known     bool    // there is such a server
}

// newFleet looks at all servers, whose loads are returned.
func newFleet(servers []*Server, seatings []*seating, now time.Time) (*fleet, []Load) {
	f := &fleet{now: now}
	loads := make([]Load, len(servers))
	var seats, weight float64
	for i, s := range servers {
		f.maxWeight = max(f.maxWeight, s.cfg.weight)
		if loads[i] = seatings[i].load(now); trust(now.Sub(loads[i].Time)) == 1 {
			seats, weight = seats+loads[i].Seats(), weight+s.cfg.weight
		}
	}
	if weight > 0 {
		f.usual, f.known = seats/weight, true
	}
	return f, loads
}

// contender is a candidate and what its ledger was when it was judged.
type contender struct {
	Candidate
	seen *seating
}

// decision is what is wanted of a decision.
type decision struct {
	Criteria
	id      string
	tried   map[*Server]error // servers that refused this create, and why
	attempt int
}

// judge asks the checkers about all servers. It takes no lock. The ranking is made
// only if somebody will read it, which is when d.explain is set.
func (g *Group) judge(d *decision) ([]contender, *Ranking) {
	servers, now := g.members.Load().list, g.now()
	seatings := make([]*seating, len(servers))
	for i, s := range servers {
		seatings[i] = s.ledger.seating(now)
	}
	c := d.Criteria
	var loads []Load
	c.fleet, loads = newFleet(servers, seatings, now)
	contenders := make([]contender, 0, len(servers))
	var ranked []RankedServer
	var factors []Factor // of all servers: one piece of memory
	if c.explain {
		ranked = make([]RankedServer, len(servers))
		factors = make([]Factor, 0, len(servers)*len(g.checkers))
	}
	for i, s := range servers {
		c.of, c.load = s, &loads[i]
		var score float64
		from := len(factors)
		if refused := d.refused(s); refused == "" || c.explain {
			score, factors = g.score(s, &c, factors)
			if refused != "" {
				score = 0
			}
			if c.explain {
				ranked[i] = RankedServer{Server: s.name, Score: score, Factors: slices.Clip(factors[from:]), Load: loads[i], Refused: refused}
			}
		}
		if score > 0 {
			contenders = append(contenders, contender{Candidate{s, score}, seatings[i]})
		}
	}
	if !c.explain {
		return contenders, nil
	}
	return contenders, &Ranking{Group: g.name, Time: now, Placement: c.Placement, Servers: bestFirst(ranked)}
}

// bestFirst sorts servers by their scores. They are large, so their places are sorted.
func bestFirst(servers []RankedServer) []RankedServer {
	places := make([]int, len(servers))
	for i := range places {
		places[i] = i
	}
	slices.SortFunc(places, func(a, b int) int {
		return cmp.Or(cmp.Compare(servers[b].Score, servers[a].Score), cmp.Compare(a, b))
	})
	sorted := make([]RankedServer, len(servers))
	for i, from := range places {
		sorted[i] = servers[from]
	}
	return sorted
}

// refused returns why a server is out whatever the checkers say, or "".
func (d *decision) refused(s *Server) string {
	if err := d.tried[s]; err != nil {
		return ServerError{Server: s.name, Err: err}.reason()
	}
	if s.disabled() {
		return ModeDisabled.String()
	}
	return ""
}

// score multiplies what the checkers say of a server. When somebody will read it,
// all of them are asked and what they say is added to factors.
func (g *Group) score(s *Server, c *Criteria, factors []Factor) (float64, []Factor) {
	score := float64(perfect)
	for i, check := range g.checkers {
		f := check(s, *c)
		if f.Value > 1 {
			f.Value = 1
		} else if !(f.Value > 0) { // written so that NaN is refused
			f.Value = 0
		}
		if score *= f.Value; c.explain {
			if f.Checker == "" {
				f.Checker = "checker " + strconv.Itoa(i+1)
			}
			factors = append(factors, f)
		} else if score == 0 {
			break
		}
	}
	return score, factors
}

// take lets the group's Selection choose.
func (g *Group) take(contenders []contender) (contender, error) {
	candidates := make([]Candidate, len(contenders))
	for i := range contenders {
		candidates[i] = contenders[i].Candidate
	}
	i := g.selection(candidates)
	if i < 0 || i >= len(contenders) {
		return contender{}, &Error{Call: callCreate, Err: fmt.Errorf("%w: the Selection took number %d of %d", ErrNoServer, i, len(contenders))}
	}
	return contenders[i], nil
}

// maxReranks is how often a decision is made anew because another one was faster.
// After that, those that have lost so often decide one after the other.
const maxReranks = 3

// choose takes a server for a new meeting and holds seats for it there. Decisions at
// one time do not all fall on the same server, since each one sees the seats that
// those before it took: when some were taken meanwhile from the one that was chosen,
// the servers are judged again. The ranking is nil unless somebody wants to see it.
func (g *Group) choose(ctx context.Context, d *decision) (*Server, *Ranking, error) {
	d.explain = g.wantsRankings(ctx)
	g.probeRested() //nolint:contextcheck // what it starts in the background is nobody's
	for try := 1; ; try++ {
		if try == maxReranks {
			select {
			case g.choosing <- struct{}{}:
				defer func() { <-g.choosing }()
			case <-ctx.Done():
				return nil, nil, &Error{Call: callCreate, Err: ended(ctx)}
			}
		}
		contenders, ranking := g.judge(d)
		if len(contenders) == 0 {
			return nil, nil, g.nobody(ctx, d)
		}
		taken, err := g.take(contenders)
		if err != nil {
			return nil, nil, err
		}
		if taken.Server.ledger.reserve(taken.seen, d.id, d.size(), g.now()) {
			if ranking != nil {
				ranking.Chosen = taken.Server.name
			}
			return taken.Server, ranking, nil
		}
	}
}

// probeRested has servers asked that are not online and that nobody has asked for a
// while: they come back by that, rather than by somebody's meeting.
func (g *Group) probeRested() {
	for _, s := range g.members.Load().list {
		if !s.well() && !s.disabled() && s.rested() {
			s.probe()
		}
	}
}

// nobody returns why no server can be chosen.
func (g *Group) nobody(ctx context.Context, d *decision) error {
	d.explain = true
	_, ranking := g.judge(d)
	if d.id != "" { // somebody wanted to create it
		g.observeChosen(ctx, d, ranking)
	}
	if len(ranking.Servers) == 0 {
		return &Error{Call: callCreate, Err: fmt.Errorf("%w: the group %q has no server", ErrNoServer, g.name)}
	}
	refused := &GroupError{Call: callCreate, Asked: len(ranking.Servers)}
	reasons := make(map[string]string, len(ranking.Servers))
	for _, r := range ranking.Servers {
		reasons[r.Server] = r.RuledOut()
	}
	for _, s := range g.members.Load().list {
		why, judged := reasons[s.name]
		switch err := d.tried[s]; {
		case err != nil:
			refused.Servers = append(refused.Servers, ServerError{Server: s.name, Err: err})
		case judged && why != "": // and not fit again since
			refused.Servers = append(refused.Servers, ServerError{Server: s.name, Err: errors.New(why)})
		}
	}
	return &Error{Call: callCreate, Err: &noServerError{refused}}
}

// Rank says how fit each server is for a new meeting at this moment, with every
// checker's factor and its reason. Nothing is reserved and no server is asked; a
// [Cache] given to the group may be, for what other processes have reserved, and once
// for what they have read of machines.
func (g *Group) Rank(ctx context.Context, c Criteria) *Ranking {
	g.warmMachines(ctx)
	g.reservations.sync(ctx)
	c.explain = true
	_, ranking := g.judge(&decision{Criteria: c})
	return ranking
}

// SelectServer returns the server that a new meeting should be created on. It asks
// no server, and holds no seats: two calls in a row may give the same one, until a
// meeting is created there. [Group.CreateMeeting] does all of it in one.
//
// When no server can take it the error matches [ErrNoServer] and says why each one
// was ruled out.
func (g *Group) SelectServer(ctx context.Context, c Criteria) (*Server, error) {
	if g.gate.isClosed() {
		return nil, &Error{Call: callCreate, Err: ErrClosed}
	}
	g.warmMachines(ctx)
	g.reservations.sync(ctx)
	g.probeRested() //nolint:contextcheck // what it starts in the background is nobody's
	d := &decision{Criteria: c}
	contenders, _ := g.judge(d)
	if len(contenders) == 0 {
		return nil, g.nobody(ctx, d)
	}
	taken, err := g.take(contenders)
	if err != nil {
		return nil, err
	}
	return taken.Server, nil
}
