package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// report is what is printed and written in the end.
type report struct {
	effort effort
	goals  [][]string
	parts  []part
}

// part is a table with its heading.
type part struct {
	title, note string
	head        []string
	rows        [][]string
}

// goal notes a figure that is asked for: what is the least, what we are after, what it is.
func (r *report) goal(what, least, after, got string, met bool) {
	state := "no"
	if met {
		state = "yes"
	}
	r.goals = append(r.goals, []string{what, least, after, got, state})
}

// atLeast notes a ratio that is to be large, by the time that passes and by that of the processor.
func (r *report) atLeast(what string, least, after float64, got ratio) {
	r.goal(what, fmt.Sprintf(">= %g", least), wish(after), fmt.Sprintf("%.2f (processor %.2f)", got.wall, got.cpu), min(got.wall, got.cpu) >= least)
}

// times notes a ratio that is to be small.
func (r *report) times(what string, most float64, got ratio) {
	r.goal(what, fmt.Sprintf("<= %g times", most), "", fmt.Sprintf("%.2f (processor %.2f)", got.wall, got.cpu), max(got.wall, got.cpu) <= most)
}

// atMost notes a figure that is to be small.
func (r *report) atMost(what string, most, after, got float64, unit string) {
	r.goal(what, strings.TrimSpace(fmt.Sprintf("<= %g %s", most, unit)), wish(after), strings.TrimSpace(countText(got)+" "+unit), got <= most)
}

func wish(after float64) string {
	if after == 0 {
		return ""
	}
	return fmt.Sprintf("%g", after)
}

// add adds a table. Rows of another length than the head are mistakes that show.
func (r *report) add(p part) { r.parts = append(r.parts, p) }

// compared adds a table of variants, in their order, beside the first: how many times as fast they
// are or, when that is a limit, how many times as long they take.
func (r *report) compared(title, unit, note string, got map[string]figures, order ...variant) {
	base := got[order[0].name]
	p := part{title: title, note: note, head: []string{"how", "time per " + unit, "spread", "times as fast", "processor", "times as fast", "allocations"}}
	limited := strings.HasPrefix(base.name, "limit")
	if limited {
		p.head[3], p.head[5] = "times the limit", "times the limit"
	}
	for _, v := range order {
		f := got[v.name]
		of := ratioOf(base, f)
		if limited {
			of = ratioOf(f, base)
		}
		p.rows = append(p.rows, []string{f.name, timeText(f.median), percent(f.spread), ratioText(of.wall), timeText(f.cpu), ratioText(of.cpu), countText(f.allocs)})
	}
	r.add(p)
}

func ratioText(x float64) string { return fmt.Sprintf("%.3g x", x) }

// text is the whole report in Markdown.
func (r *report) text(took time.Duration) string {
	var b strings.Builder
	b.WriteString("# Results of the benchmarks\n\n")
	fmt.Fprintf(&b, "Written by `%s` on %s in %s. Ratios of medians of this one run count; the times depend on the machine\n"+
		"and on what else it does. The spread is the distance between the quartiles, as a share of the median. Where it is\n"+
		"large, the machine was busy, and the time of the processor says more than the time that passed: a figure is met by both.\n\n",
		r.command(), time.Now().UTC().Format("2006-01-02 15:04 MST"), took.Round(time.Second))
	fmt.Fprintf(&b, "Machine: %s, %d processors, %s/%s, %s. Load when it began: %s.\n", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), loadBefore)
	if len(r.goals) > 0 {
		r.write(&b, part{title: "What is asked for", head: []string{"figure", "asked for", "after", "measured", "met"}, rows: r.goals})
	}
	for _, p := range r.parts {
		r.write(&b, p)
	}
	return b.String()
}

func (r *report) command() string {
	if r.effort.quick {
		return "go run ./benchmarks/cmd/report -quick"
	}
	return "go run ./benchmarks/cmd/report"
}

func (r *report) write(b *strings.Builder, p part) {
	fmt.Fprintf(b, "\n## %s\n\n", p.title)
	if p.note != "" {
		fmt.Fprintf(b, "%s\n\n", p.note)
	}
	width := make([]int, len(p.head))
	for _, row := range append([][]string{p.head}, p.rows...) {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	line := func(cells []string, pad string) {
		for i, cell := range cells {
			fmt.Fprintf(b, "|%s%s%s%s", pad[:1], cell, strings.Repeat(pad[1:], width[i]-utf8.RuneCountInString(cell)), pad[:1])
		}
		b.WriteString("|\n")
	}
	line(p.head, "  ")
	rule := make([]string, len(p.head))
	for i := range rule {
		rule[i] = strings.Repeat("-", width[i])
	}
	line(rule, "  ")
	for _, row := range p.rows {
		line(row, "  ")
	}
}

// loadBefore is the load of the machine before anything was measured.
var loadBefore = firstWords("/proc/loadavg", 3)

func firstWords(path string, n int) string {
	text, err := os.ReadFile(path) //nolint:gosec // a constant of this program
	if err != nil {
		return "unknown"
	}
	words := strings.Fields(string(text))
	return strings.Join(words[:min(n, len(words))], " ")
}

// processor is the name that the machine has for its processor.
func processor() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown processor"
}
