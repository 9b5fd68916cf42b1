package simulate

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Config says what is simulated. Start from [Default].
type Config struct {
	// Servers is how many servers there are.
	Servers int
	// Weights are the weights of the servers. A list that is shorter than the fleet
	// is repeated.
	Weights []float64

	// Meetings is how many meetings start in an hour.
	Meetings int
	// Burst is the share of them that start within two minutes after the hour. The
	// others start at any time of it.
	Burst float64
	// Median and Sigma describe how many people come to a meeting, which is
	// log-normal: the median, and the standard deviation of the logarithm.
	Median, Sigma float64
	// Cap is how many people come at most. At least one always comes.
	Cap int
	// Early is by how much a meeting is created before it starts and people begin to
	// come: any time up to it, 0 for none.
	Early time.Duration

	// Refresh is how often a group asks each server how it is. Each server has its
	// own turn within it, so that a group asks evenly.
	Refresh time.Duration
	// Replicas is how many groups, as in as many processes, place the meetings of
	// the same fleet. Each create and each join comes to any of them.
	Replicas int
	// Shared says that the groups share a Cache.
	Shared bool
	// Joins says that people get their join URLs from the groups, which therefore
	// know of arrivals before a server tells of them.
	Joins bool

	// Seeds is how many workloads are simulated, with the seeds 1, 2 and so on.
	Seeds int
	// Hours is how many hours are measured, after one hour that fills the fleet.
	Hours int
}

// Default is a fleet of 22 servers of which half weigh 2, with 200 meetings an
// hour of which 70 % start on the hour, one group that asks every 10 s, and 20
// seeds.
func Default() Config {
	return Config{
		Servers: 22, Weights: []float64{1, 2},
		Meetings: 200, Burst: 0.7, Median: 14, Sigma: 1, Cap: 200,
		Refresh: 10 * time.Second, Replicas: 1,
		Seeds: 20, Hours: 1,
	}
}

// Validate returns all that is wrong with the configuration in one error.
func (c Config) Validate() error {
	var problems []error
	need := func(ok bool, format string, args ...any) {
		if !ok {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	need(c.Servers >= 1 && c.Servers <= 10000, "%d servers, need 1 to 10000", c.Servers)
	need(len(c.Weights) > 0, "no weights")
	for _, w := range c.Weights {
		need(w > 0 && w <= 1e6, "a weight of %v, need one over 0", w) // NaN is refused
	}
	need(c.Meetings >= 1 && c.Meetings <= 100000, "%d meetings an hour, need 1 to 100000", c.Meetings)
	need(c.Burst >= 0 && c.Burst <= 1, "a burst of %v, need a share from 0 to 1", c.Burst)
	need(c.Median >= 1 && !math.IsInf(c.Median, 0), "a median of %v people, need at least 1", c.Median)
	need(c.Sigma >= 0 && c.Sigma <= 10, "a sigma of %v, need 0 to 10", c.Sigma)
	need(c.Cap >= 1 && c.Cap <= 100000, "a cap of %d people, need 1 to 100000", c.Cap)
	need(c.Early >= 0 && c.Early <= time.Hour, "meetings created %v early, need 0 to 1h", c.Early)
	need(c.Refresh >= time.Second && c.Refresh <= time.Hour, "a refresh every %v, need 1s to 1h", c.Refresh)
	need(c.Replicas >= 1 && c.Replicas <= 1000, "%d replicas, need 1 to 1000", c.Replicas)
	need(c.Seeds >= 1 && c.Seeds <= 10000, "%d seeds, need 1 to 10000", c.Seeds)
	need(c.Hours >= 1 && c.Hours <= 24, "%d hours, need 1 to 24", c.Hours)
	return errors.Join(problems...)
}

// String says what is simulated in a line.
func (c Config) String() string {
	counts := make(map[float64]int)
	for _, w := range c.weights() {
		counts[w]++
	}
	var kinds []string
	for _, w := range slices.Sorted(maps.Keys(counts)) {
		kinds = append(kinds, fmt.Sprintf("%d of weight %v", counts[w], w))
	}
	text := fmt.Sprintf("%s; %d meetings an hour, %.0f %% of them on the hour; asked every %v",
		count(c.Servers, "server")+": "+strings.Join(kinds, ", "), c.Meetings, 100*c.Burst, c.Refresh)
	text += " by " + count(c.Replicas, "replica")
	if c.Shared {
		text += " with a shared cache"
	}
	if c.Joins {
		text += ", told of joins"
	}
	return text
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

// weights returns the weight of each server.
func (c Config) weights() []float64 {
	list := make([]float64, c.Servers)
	for i := range list {
		list[i] = c.Weights[i%len(c.Weights)]
	}
	return list
}

// A span is a time of the simulation: how long after the beginning of the first
// hour, the one that is not measured. Meetings that are created early may have
// a time before 0.
type span = time.Duration
