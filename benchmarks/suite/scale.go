package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
)

// step is one size of a group, and what asking all its servers costs then.
type step struct {
	Servers, Each int

	Same, Changed measured // nanoseconds of a processor for asking all
}

type measured struct{ CPU, Spread float64 }

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
// one meeting for each server, nearly all is the cost of the calls, and the more so the less a meeting
// costs. So meetings are compared by what those cost that came on top, where that is most of it: the
// difference of two figures that are nearly the same is noise.
func (r *report) scaled(what, unit string, most float64, s scaled) {
	start("scale", s, &s).stop()
	p := part{
		title: "Scale: " + what,
		note:  "Processor time of Group.Meetings over answers that are there at once, garbage collection included. The cost of the calls is in it.",
		head:  []string{"servers", "meetings", "per " + unit + ", as they were", "spread", "per " + unit + ", all changed", "spread"},
	}
	var same, changed []float64
	for _, st := range s.Steps {
		units, calls := float64(st.Servers), step{}
		if unit == "meeting" {
			units *= float64(st.Each)
			calls = s.Steps[0]
		}
		p.rows = append(p.rows, []string{
			fmt.Sprint(st.Servers), fmt.Sprint(st.Servers * st.Each), timeText(st.Same.CPU / units), percent(st.Same.Spread),
			timeText(st.Changed.CPU / units), percent(st.Changed.Spread),
		})
		if more := units - float64(calls.Servers*calls.Each); more > 50*float64(calls.Servers*calls.Each) {
			same, changed = append(same, (st.Same.CPU-calls.Same.CPU)/more), append(changed, (st.Changed.CPU-calls.Changed.CPU)/more)
		}
	}
	r.add(p)
	r.atMost("scale: cost per "+unit+", dearest of cheapest", most, 0, slices.Max(same)/slices.Min(same), "times")
	r.atMost("scale: cost per changed "+unit+", dearest of cheapest", most, 0, slices.Max(changed)/slices.Min(changed), "times")
}

func runScale(options []byte) any {
	var s scaled
	must(json.Unmarshal(options, &s))
	for i := range s.Steps {
		st := &s.Steps[i]
		st.Same, st.Changed = st.measure(s.Rounds, light), st.measure(s.Rounds, light, light.changed(1))
	}
	return s
}

// measure asks servers that give answers of these shapes in turns.
func (st *step) measure(rounds int, shapes ...shape) (m measured) {
	g := groupInMemory(st.Servers, st.Each, shapes...)
	defer closeGroup(g)
	ask := func() { must2(g.Meetings(context.Background())) }
	ask() // all later ones find what they know already
	loops := max(1, 2000/(st.Servers*st.Each))
	var costs []float64
	for range rounds {
		runtime.GC()
		before := cpuTime()
		for range loops {
			ask()
		}
		costs = append(costs, float64(cpuTime()-before)/float64(loops))
	}
	m.CPU, m.Spread = middle(costs)
	return m
}
