package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
)

// step is one size of a group, and what asking all its servers costs then.
type step struct {
	Servers, Each int

	CPU    float64 // nanoseconds of a processor for each unit
	Spread float64
}

// scaled is the steps of one table.
type scaled struct {
	Rounds int
	Steps  []step
}

// light is the shape of meetings of which there are very many.
var light = shape{attendees: 1}

func scalePart(r *report) {
	few := r.effort.few
	r.scaled("servers", "server", 2, scaled{Rounds: few, Steps: []step{{Servers: 5, Each: 20}, {Servers: 20, Each: 20}, {Servers: 50, Each: 20}, {Servers: 200, Each: 20}, {Servers: 500, Each: 20}}})
	r.scaled("meetings", "meeting", 2, scaled{Rounds: few, Steps: []step{{Servers: 10, Each: 1}, {Servers: 10, Each: 10}, {Servers: 10, Each: 100}, {Servers: 10, Each: 1000}, {Servers: 10, Each: 10_000}}})
}

// scaled measures steps and shows how the cost of a unit changes from the first to the last. At
// ten meetings, nearly all is the cost of the calls, so meetings are compared from a hundred on.
func (r *report) scaled(what, unit string, most float64, s scaled) {
	start("scale", s, &s).stop()
	p := part{
		title: "Scale: " + what,
		note:  "Processor time of Group.Meetings over answers that are there at once, garbage collection included.",
		head:  []string{"servers", "meetings", "per " + unit, "spread"},
	}
	var costs []float64
	for _, st := range s.Steps {
		cost := st.CPU / float64(st.Servers)
		if unit == "meeting" {
			cost /= float64(st.Each)
		}
		if unit != "meeting" || st.Each >= 10 {
			costs = append(costs, cost)
		}
		p.rows = append(p.rows, []string{fmt.Sprint(st.Servers), fmt.Sprint(st.Servers * st.Each), timeText(cost), percent(st.Spread)})
	}
	r.add(p)
	r.atMost("scale: cost per "+unit+", dearest of cheapest", most, 0, slices.Max(costs)/slices.Min(costs), "times")
}

func runScale(options []byte) any {
	var s scaled
	must(json.Unmarshal(options, &s))
	ctx := context.Background()
	for i := range s.Steps {
		st := &s.Steps[i]
		g := groupInMemory(st.Servers, st.Each, light)
		ask := func() { must2(g.Meetings(ctx)) }
		ask() // all later ones find what they know already
		loops := max(1, 2000/(st.Servers*st.Each))
		var costs []float64
		for range s.Rounds {
			collect()
			before := cpuTime()
			for range loops {
				ask()
			}
			costs = append(costs, float64(cpuTime()-before)/float64(loops))
		}
		st.CPU, st.Spread = middle(costs)
		closeGroup(g)
	}
	return s
}
