package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bbbgroup/bbb"
)

// Policy is a way to choose the servers of meetings.
type Policy struct {
	Name  string
	About string // in a few words

	choices int                          // of the groups' Selection; 0 takes the best of all
	options []bbb.GroupOption            // of the groups; only if rule is nil
	rule    func(r *ruled, k, m int) int // the server of meeting m as replica k sees it
}

// Group is the policy of real groups that are made with these options. The
// simulation adds the clock, the transport and, if there is one, the shared Cache.
func Group(name, about string, opts ...bbb.GroupOption) Policy {
	return Policy{Name: name, About: about, options: opts}
}

// Choices is the policy of real groups that take the best of k drawn at random.
func Choices(k int) Policy {
	return Policy{Name: fmt.Sprintf("choices%d", k), About: fmt.Sprintf("the real group with Choices(%d)", k), choices: k}
}

// selection is what the policy chooses by, with draws that are the same in every run.
func (p Policy) selection(seed int) bbb.Selection {
	random := draws(seed, policyStream).Float64
	if p.choices > 0 {
		return bbb.ChoicesFrom(p.choices, random)
	}
	return bbb.BestFrom(random)
}

// Policies returns all policies that have a name: the real group, and what the
// simulation does itself for comparison.
func Policies() []Policy {
	return []Policy{
		Group("group", "the real group as it is by default"),
		Choices(2),
		{Name: "random", About: "any server, by weight", rule: byWeight},
		{Name: "fewest-meetings", About: "fewest meetings for its weight", rule: fewestMeetings},
		{Name: "least-loaded", About: "fewest attendees for its weight when last asked", rule: leastLoaded},
		{Name: "oracle", About: "knows who will come: least load without the meeting", rule: oracle},
		{Name: "oracle+", About: "knows who will come: least load with the meeting", rule: oraclePlus},
	}
}

// ParsePolicies reads a list of names separated by commas. "all" stands for all
// of them.
func ParsePolicies(list string) ([]Policy, error) {
	all := Policies()
	if strings.TrimSpace(list) == "all" {
		return all, nil
	}
	var found []Policy
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		i := slices.IndexFunc(all, func(p Policy) bool { return p.Name == name })
		if i < 0 {
			var names []string
			for _, p := range all {
				names = append(names, p.Name)
			}
			return nil, fmt.Errorf("no policy %q; there are %s, and all", name, strings.Join(names, ", "))
		}
		if !slices.ContainsFunc(found, func(p Policy) bool { return p.Name == name }) {
			found = append(found, all[i])
		}
	}
	return found, nil
}

// placer carries out the events of a seed.
type placer interface {
	poll(ctx context.Context, replica, server int) error
	create(ctx context.Context, replica, meeting int) error
	join(ctx context.Context, replica, meeting int) error
	close(ctx context.Context) error
}

func (p Policy) placer(c Config, seed int, f *fleet) (placer, error) {
	if p.rule == nil {
		return newGroups(c, f, append([]bbb.GroupOption{bbb.WithSelection(p.selection(seed))}, p.options...))
	}
	return &ruled{
		fleet: f, rule: p.rule, rand: draws(seed, policyStream),
		reports: make([]report, c.Replicas*c.Servers),
	}, nil
}

// ruled places meetings by a rule of the simulation.
type ruled struct {
	fleet   *fleet
	rule    func(r *ruled, replica, meeting int) int
	rand    *rand.Rand
	reports []report // by replica and server
}

// report is what a replica knows of a server.
type report struct {
	attendees int
	meetings  int // with those that the replica created there since
}

func (r *ruled) report(replica, server int) *report {
	return &r.reports[replica*len(r.fleet.weights)+server]
}

func (r *ruled) poll(_ context.Context, replica, server int) error {
	meetings, attendees := r.fleet.list(server)
	now := report{meetings: len(meetings)}
	for _, n := range attendees {
		now.attendees += n
	}
	*r.report(replica, server) = now
	return nil
}

func (r *ruled) create(_ context.Context, replica, meeting int) error {
	s := r.rule(r, replica, meeting)
	r.fleet.place(meeting, s)
	r.report(replica, s).meetings++
	return nil
}

func (r *ruled) join(context.Context, int, int) error { return nil }

func (r *ruled) close(context.Context) error { return nil }

// least returns the server with the least load for its weight, one at random of
// those that are equal.
func (r *ruled) least(load func(server int) int) int {
	var best []int
	var lowest float64
	for s, w := range r.fleet.weights {
		switch l := float64(load(s)) / w; {
		case len(best) == 0, l < lowest:
			best, lowest = append(best[:0], s), l
		case l == lowest:
			best = append(best, s)
		}
	}
	return best[r.rand.IntN(len(best))]
}

func byWeight(r *ruled, _, _ int) int {
	var total float64
	for _, w := range r.fleet.weights {
		total += w
	}
	at := r.rand.Float64() * total
	for s, w := range r.fleet.weights {
		if at -= w; at < 0 {
			return s
		}
	}
	return len(r.fleet.weights) - 1
}

func fewestMeetings(r *ruled, replica, _ int) int {
	return r.least(func(s int) int { return r.report(replica, s).meetings })
}

func leastLoaded(r *ruled, replica, _ int) int {
	return r.least(func(s int) int { return r.report(replica, s).attendees })
}

func oracle(r *ruled, _, _ int) int {
	return r.least(func(s int) int { return r.coming(s) })
}

func oraclePlus(r *ruled, _, meeting int) int {
	more := r.fleet.meetings[meeting].size()
	return r.least(func(s int) int { return r.coming(s) + more })
}

// coming returns how many people the running meetings of a server are for.
func (r *ruled) coming(server int) (n int) {
	running, _ := r.fleet.list(server)
	for _, i := range running {
		n += r.fleet.meetings[i].size()
	}
	return n
}
