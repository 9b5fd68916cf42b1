package simulate

import (
	"math"
	"slices"
	"time"
)

const (
	sampleEvery = 30 * time.Second
	// What counts are the samples between these two, in minutes past an hour: when
	// people have come, and before most meetings are over.
	sampleFrom = 5 * time.Minute
	sampleTo   = 45 * time.Minute
)

// Figure is a number that was measured for each seed.
type Figure struct {
	Mean   float64 `json:"mean"`   // over the seeds
	StdErr float64 `json:"stdErr"` // standard error of the mean; 0 for one seed
	Max    float64 `json:"max"`    // of the seeds
}

// Share is what the servers of one weight got.
type Share struct {
	Weight   float64 `json:"weight"`
	Servers  int     `json:"servers"`
	Fair     float64 `json:"fair"`     // their part of all weights
	Meetings float64 `json:"meetings"` // their part of the meetings of the measured hours
}

// Series is the load of the servers over time.
type Series struct {
	Seed    int         `json:"seed"`
	Every   float64     `json:"every"`   // minutes between two values, from the first measured hour on
	Weights []float64   `json:"weights"` // by server
	Loads   [][]float64 `json:"loads"`   // by server: attendees for its weight
	Mean    []float64   `json:"mean"`    // all attendees for all weights
}

// Result is what came out of a simulation. The load of a server is the number of
// its attendees divided by its weight; the load of the fleet is that of all
// attendees and all weights.
type Result struct {
	Policy string `json:"policy"`
	About  string `json:"about"`
	// Ratio is the load of the worst server divided by that of the fleet, averaged
	// from 5 to 45 minutes past the hour. 1 would be perfect.
	Ratio Figure `json:"ratio"`
	// Seeds are the ratios of the seeds.
	Seeds []float64 `json:"seeds"`
	// WorstRatio is the ratio of the worst moment of that time.
	WorstRatio Figure `json:"worstRatio"`
	// PeakLoad is the highest load that a server had in the measured hours, and
	// FleetPeak the highest load of the fleet.
	PeakLoad  Figure `json:"peakLoad"`
	FleetPeak Figure `json:"fleetPeak"`
	// Shares tells where the meetings went, in the order of the weights.
	Shares []Share `json:"shares"`
	// Series is the load over time for the first seed.
	Series Series `json:"series"`
}

// measured is what one seed gave.
type measured struct {
	ratio, worst, peak, fleetPeak float64
	placed                        []int // by server, its meetings of the measured hours
	series                        Series
}

// measure looks at a fleet after all is over.
func measure(c Config, f *fleet) measured {
	n := c.Hours*int(time.Hour/sampleEvery) + 1
	got := measured{placed: make([]int, len(f.weights)), series: Series{
		Every: sampleEvery.Minutes(), Weights: f.weights,
		Loads: make([][]float64, len(f.weights)), Mean: make([]float64, n),
	}}
	for s := range f.weights {
		got.series.Loads[s] = make([]float64, n)
		for _, i := range f.placed[s] {
			if f.meetings[i].start >= time.Hour {
				got.placed[s]++
			}
		}
	}
	var sum float64
	var samples int
	for i := range n {
		at := time.Hour + time.Duration(i)*sampleEvery
		var attendees, weight, worst float64
		for s, w := range f.weights {
			a := float64(f.attendees(s, at))
			attendees, weight, worst = attendees+a, weight+w, max(worst, a/w)
			got.series.Loads[s][i] = a / w
		}
		mean := attendees / weight
		got.series.Mean[i] = mean
		got.peak, got.fleetPeak = max(got.peak, worst), max(got.fleetPeak, mean)
		if past := at % time.Hour; past >= sampleFrom && past <= sampleTo && mean > 0 {
			samples++
			sum += worst / mean
			got.worst = max(got.worst, worst/mean)
		}
	}
	if samples > 0 {
		got.ratio = sum / float64(samples)
	}
	return got
}

func summary(c Config, p Policy, seeds []measured) *Result {
	r := &Result{Policy: p.Name, About: p.About, Series: seeds[0].series}
	r.Series.Seed = 1
	figureOf := func(value func(m measured) float64) Figure {
		values := make([]float64, len(seeds))
		for i, m := range seeds {
			values[i] = value(m)
		}
		return figure(values)
	}
	for _, m := range seeds {
		r.Seeds = append(r.Seeds, m.ratio)
	}
	r.Ratio = figure(r.Seeds)
	r.WorstRatio = figureOf(func(m measured) float64 { return m.worst })
	r.PeakLoad = figureOf(func(m measured) float64 { return m.peak })
	r.FleetPeak = figureOf(func(m measured) float64 { return m.fleetPeak })
	r.Shares = shares(c.weights(), seeds)
	return r
}

func figure(values []float64) Figure {
	f := Figure{Max: slices.Max(values)}
	n := float64(len(values))
	for _, v := range values {
		f.Mean += v / n
	}
	if n > 1 {
		var squares float64
		for _, v := range values {
			squares += (v - f.Mean) * (v - f.Mean)
		}
		f.StdErr = math.Sqrt(squares / (n - 1) / n)
	}
	return f
}

func shares(weights []float64, seeds []measured) []Share {
	var list []Share
	var total, meetings float64
	for s, w := range weights {
		i := slices.IndexFunc(list, func(sh Share) bool { return sh.Weight == w })
		if i < 0 {
			i = len(list)
			list = append(list, Share{Weight: w})
		}
		list[i].Servers++
		list[i].Fair += w
		total += w
		for _, m := range seeds {
			list[i].Meetings += float64(m.placed[s])
			meetings += float64(m.placed[s])
		}
	}
	for i := range list {
		list[i].Fair /= total
		list[i].Meetings /= max(meetings, 1)
	}
	slices.SortFunc(list, func(a, b Share) int {
		if a.Weight < b.Weight {
			return -1
		}
		return 1
	})
	return list
}
