package bbb_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/internal/simulate"
)

// A group draws at random between servers that are equal, and one draw early in a
// morning changes all that follows: the ratio of one seed varies by about 0.15 from
// run to run with 10 s between two refreshes, and by 0.22 with a minute. So each
// bound gets as many seeds as make it three standard errors away from what is
// measured, or where that takes long, fewer seeds and some standard errors.

// simulated runs a policy on the fleet of [simulate.Default], changed by f. Under
// the race detector it is about the races, so a few seeds will do.
func simulated(t *testing.T, p simulate.Policy, seeds int, f func(*simulate.Config)) *simulate.Result {
	t.Helper()
	c := simulate.Default()
	c.Seeds = seeds
	if raceDetector {
		c.Seeds = 2
	}
	f(&c)
	r, err := simulate.Run(t.Context(), c, p)
	require.NoError(t, noted(t, err))
	t.Logf("%s, %v: %.3f ± %.3f with %d seeds", r.Policy, c, r.Ratio.Mean, r.Ratio.StdErr, c.Seeds)
	return r
}

// atMost checks a bound of the ratio, with some standard errors more.
func atMost(t *testing.T, r *simulate.Result, bound, slack float64) {
	t.Helper()
	if raceDetector {
		bound += 0.6 // four standard errors of two seeds
	}
	assert.LessOrEqual(t, r.Ratio.Mean, bound+slack*r.Ratio.StdErr, "%s: worst server divided by the mean", r.Policy)
}

// notWorse checks that one ratio is not over another one by more than a margin, as
// far as that can be told: with two standard errors of the difference more.
func notWorse(t *testing.T, r, than *simulate.Result, margin float64) {
	t.Helper()
	unsure := 2 * math.Hypot(r.Ratio.StdErr, than.Ratio.StdErr)
	if raceDetector {
		unsure = 1
	}
	assert.LessOrEqual(t, r.Ratio.Mean, than.Ratio.Mean+margin+unsure, "%s", r.Policy)
}

func group(opts ...bbb.GroupOption) simulate.Policy { return simulate.Group("group", "", opts...) }

// Lessons that start together are spread although nobody knows how many people
// will come, and although the last report of a server is up to a minute old. In
// the field, balancers sent a whole school to one server then.
func TestLoadIsSpreadOverTheFleet(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		refresh time.Duration
		bound   float64
		seeds   int
	}{
		{10 * time.Second, 1.65, 30},
		{time.Minute, 1.70, 140},
	} {
		refresh := func(c *simulate.Config) { c.Refresh = test.refresh }
		one := simulated(t, group(), test.seeds, refresh)
		atMost(t, one, test.bound, 0)

		told := simulated(t, group(), 30, func(c *simulate.Config) { refresh(c); c.Joins = true })
		atMost(t, told, test.bound, 0)
		notWorse(t, told, one, 0.05)

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
			ratio[p.Name] = simulated(t, p, 20, func(*simulate.Config) {}).Ratio.Mean
		}
	}
	late := simulated(t, leastLoaded(t), 20, func(c *simulate.Config) { c.Refresh = time.Minute })
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
	replicas := func(c *simulate.Config) {
		c.Replicas = 16
		if raceDetector {
			c.Replicas, c.Seeds = 4, 1
		}
	}
	one := simulated(t, group(), 20, func(*simulate.Config) {})
	shared := simulated(t, group(), 12, func(c *simulate.Config) { replicas(c); c.Shared = true })
	atMost(t, shared, 1.65, 1)
	notWorse(t, shared, one, 0.05)

	alone := simulated(t, group(bbb.WithSelection(bbb.Choices(2))), 20, replicas)
	atMost(t, alone, 1.80, 1)
}
