package simulate

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// crowd is a meeting to which all come at once.
func crowd(from, to span, people int) meeting {
	m := meeting{created: from, start: from, end: to, arrivals: make([]span, people)}
	for i := range m.arrivals {
		m.arrivals[i] = from
	}
	return m
}

// A case small enough to be worked out by hand: up to minute 20 the servers have
// 10 and 10 attendees, later 10 and 35, with weights of 1 and 2.
func TestMeasureOfACaseByHand(t *testing.T) {
	t.Parallel()
	c := Default()
	c.Servers, c.Seeds = 2, 1
	meetings := []meeting{
		crowd(0, 2*time.Hour, 10), crowd(time.Hour, 2*time.Hour, 10),
		crowd(time.Hour+20*time.Minute, 2*time.Hour-time.Second, 25),
	}
	f := newFleet(c, meetings)
	for i, server := range []int{0, 1, 1} {
		assert.True(t, f.place(i, server))
		assert.False(t, f.place(i, 0), "it is there")
	}
	r := summary(c, Policy{Name: "by hand"}, []measured{measure(c, f)})

	before, after := 10/(20./3), 17.5/(45./3)
	assert.InDelta(t, (30*before+51*after)/81, r.Ratio.Mean, 1e-9, "81 samples, of which 30 before minute 20")
	assert.InDelta(t, before, r.WorstRatio.Mean, 1e-9)
	assert.InDelta(t, 17.5, r.PeakLoad.Mean, 1e-9)
	assert.InDelta(t, 15, r.FleetPeak.Mean, 1e-9)
	assert.Zero(t, r.Ratio.StdErr)
	assert.Equal(t, []Share{
		{Weight: 1, Servers: 1, Fair: 1. / 3, Meetings: 0},
		{Weight: 2, Servers: 1, Fair: 2. / 3, Meetings: 1},
	}, r.Shares, "the meeting of the hour that is not measured does not count")

	assert.Equal(t, 1, r.Series.Seed)
	assert.Len(t, r.Series.Mean, 121)
	assert.InDelta(t, 10, r.Series.Loads[0][39], 1e-9)
	assert.InDelta(t, 5, r.Series.Loads[1][39], 1e-9)
	assert.InDelta(t, 17.5, r.Series.Loads[1][40], 1e-9)
	assert.InDelta(t, 15, r.Series.Mean[40], 1e-9)
	assert.Zero(t, r.Series.Mean[120])
}

func TestFigure(t *testing.T) {
	t.Parallel()
	f := figure([]float64{1, 2, 3, 6})
	assert.InDelta(t, 3, f.Mean, 1e-9)
	assert.InDelta(t, 6, f.Max, 1e-9)
	assert.InDelta(t, math.Sqrt(14./3/4), f.StdErr, 1e-9)
}
