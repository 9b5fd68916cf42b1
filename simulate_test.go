package bbb_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/internal/simulate"
)

// simulated runs a policy on the fleet of [simulate.Default], changed by f, for twenty
// seeds. All draws are the same in every run, so the figures are, too, but for a few
// thousandths where processes share a Cache: which of two comes first there is not drawn.
// Under the race detector it is about the races, so two seeds will do.
func simulated(t *testing.T, p simulate.Policy, f func(*simulate.Config)) *simulate.Result {
	t.Helper()
	c := simulate.Default()
	c.Seeds = 20
	f(&c)
	if raceDetector {
		c.Seeds, c.Replicas = 2, min(c.Replicas, 4)
	}
	r, err := simulate.Run(t.Context(), c, p)
	require.NoError(t, noted(t, err))
	t.Logf("%s, %v: %.3f ± %.3f", r.Policy, c, r.Ratio.Mean, r.Ratio.StdErr)
	return r
}

// atMost checks a bound of the ratio.
func atMost(t *testing.T, r *simulate.Result, bound float64) {
	t.Helper()
	if raceDetector {
		bound += 0.6 // four standard errors of two seeds
	}
	assert.LessOrEqual(t, r.Ratio.Mean, bound, "%s: worst server divided by the mean", r.Policy)
}

func group() simulate.Policy { return simulate.Group("group", "") }

// Lessons that start together are spread although nobody knows how many people
// will come, and although the last report of a server is up to a minute old. In
// the field, balancers sent a whole school to one server then.
func TestLoadIsSpreadOverTheFleet(t *testing.T) {
	t.Parallel()
	for refresh, bound := range map[time.Duration]float64{10 * time.Second: 1.65, time.Minute: 1.70} {
		one := simulated(t, group(), func(c *simulate.Config) { c.Refresh = refresh })
		atMost(t, one, bound)
		told := simulated(t, group(), func(c *simulate.Config) { c.Refresh, c.Joins = refresh, true })
		atMost(t, told, min(bound, one.Ratio.Mean+0.05))

		// Each weight gets its part of the meetings.
		for _, sh := range one.Shares {
			assert.InDelta(t, sh.Fair, sh.Meetings, 0.1, "weight %v", sh.Weight)
		}
	}
}

// The simulation is not kind: rules that are known to fail in the field fail in
// it, and one that knows the future beats the group.
func TestSimulationTellsGoodFromBad(t *testing.T) {
	t.Parallel()
	ratio := make(map[string]float64)
	for _, p := range simulate.Policies() {
		if p.Name != "choices2" {
			ratio[p.Name] = simulated(t, p, func(*simulate.Config) {}).Ratio.Mean
		}
	}
	late := simulated(t, leastLoaded(t), func(c *simulate.Config) { c.Refresh = time.Minute })
	assert.Greater(t, ratio["least-loaded"], 2.5)
	assert.Greater(t, late.Ratio.Mean, 1.3*ratio["least-loaded"], "older reports are worse")
	if raceDetector {
		return // two seeds do not tell the others apart
	}
	assert.Less(t, ratio["oracle+"], ratio["group"])
	assert.Less(t, ratio["group"], ratio["fewest-meetings"])
	assert.Less(t, ratio["group"], ratio["random"])
}

func leastLoaded(t *testing.T) simulate.Policy {
	t.Helper()
	list, err := simulate.ParsePolicies("least-loaded")
	require.NoError(t, err)
	return list[0]
}

// Many processes spread the load as well as one when they share a Cache, and
// nearly so with nothing in common if each chooses between two.
func TestLoadIsSpreadByManyProcesses(t *testing.T) {
	t.Parallel()
	seeds := 5 // they take a while
	if os.Getenv("CI") != "" {
		seeds = 20
	}
	one := simulated(t, group(), func(c *simulate.Config) { c.Seeds = seeds })
	shared := simulated(t, group(), func(c *simulate.Config) { c.Seeds, c.Replicas, c.Shared = seeds, 16, true })
	atMost(t, shared, one.Ratio.Mean+0.05)
	alone := simulated(t, simulate.Choices(2), func(c *simulate.Config) { c.Seeds, c.Replicas = seeds, 16 })
	atMost(t, alone, 1.80)
}
