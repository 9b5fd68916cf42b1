package main

import (
	"cmp"
	"fmt"
	"math"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// effort is how long things are measured.
type effort struct {
	quick  bool
	sample time.Duration // how long one sample lasts: long enough for the collector to have its share
	rounds int           // samples of each variant
	load   time.Duration // how long a proxy is loaded for one sample
	few    int           // samples of what takes long
}

// variant is one of several ways to do the same.
type variant struct {
	name string
	per  int // how many units f deals with, at least 1
	f    func()
}

// figures are what samples gave.
type figures struct {
	name   string
	median float64 // nanoseconds for a unit
	spread float64 // between the quartiles, as a share of the median
	cpu    float64 // nanoseconds of a processor for a unit, those of the collector included
	allocs float64 // for a unit
}

// compare measures variants in turns, so that what else goes on at the machine hits all of
// them alike: only the ratios of one run mean something.
func compare(e effort, variants ...variant) map[string]figures {
	times, cpu, allocs := make([][]float64, len(variants)), make([][]float64, len(variants)), make([][]float64, len(variants))
	loops := make([]int, len(variants))
	for i, v := range variants {
		v.f() // pools and caches are filled once
		begun := time.Now()
		v.f()
		loops[i] = max(1, int(e.sample/max(time.Since(begun), 1)))
	}
	for round := range e.rounds {
		for k := range variants {
			i := (k + round) % len(variants)
			wall, used, n := sample(variants[i].f, loops[i])
			per := float64(max(variants[i].per, 1))
			times[i], cpu[i], allocs[i] = append(times[i], wall/per), append(cpu[i], used/per), append(allocs[i], n/per)
		}
	}
	got := make(map[string]figures, len(variants))
	for i, v := range variants {
		median, spread := middle(times[i])
		used, _ := middle(cpu[i])
		n, _ := middle(allocs[i])
		got[v.name] = figures{v.name, median, spread, used, n}
	}
	return got
}

// ratio is how many times as much one way takes as another. On a machine that is busy with other
// things, the time that passes says little: what takes longer is interrupted more often. The time of
// the processor does not know that garbage is collected beside the work, where there is an idle one. So a
// figure is met when it is by both.
type ratio struct{ wall, cpu float64 }

func ratioOf(a, b figures) ratio { return ratio{a.median / b.median, a.cpu / b.cpu} }

// sample runs f and returns the nanoseconds, those of processors and the allocations of one run.
// Collecting the garbage of the run belongs to it; that of others does not.
func sample(f func(), loops int) (wall, cpu, allocs float64) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	used, begun := cpuTime(), time.Now()
	for range loops {
		f()
	}
	took := time.Since(begun)
	used = cpuTime() - used
	runtime.ReadMemStats(&after)
	n := float64(loops)
	// The runtime allocates a little itself now and then.
	return float64(took) / n, float64(used) / n, math.Round(float64(after.Mallocs-before.Mallocs)/n*100) / 100
}

// middle returns the median, and the distance of the quartiles as a share of it.
func middle[T cmp.Ordered](values []T) (median T, spread float64) {
	if len(values) == 0 {
		return median, 0
	}
	sorted := slices.Sorted(slices.Values(values))
	median = sorted[len(sorted)/2]
	low, high := sorted[len(sorted)/4], sorted[len(sorted)*3/4]
	if m := number(median); m != 0 {
		spread = (number(high) - number(low)) / m
	}
	return median, spread
}

func number(v any) float64 {
	switch v := v.(type) {
	case float64:
		return v
	case time.Duration:
		return float64(v)
	}
	return math.NaN()
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// timeText writes nanoseconds with three digits.
func timeText(ns float64) string {
	switch {
	case ns < 1e3:
		return fmt.Sprintf("%.3g ns", ns)
	case ns < 1e6:
		return fmt.Sprintf("%.3g us", ns/1e3)
	case ns < 1e9:
		return fmt.Sprintf("%.3g ms", ns/1e6)
	}
	return fmt.Sprintf("%.3g s", ns/1e9)
}

func percent(share float64) string { return fmt.Sprintf("%.0f %%", 100*share) }

func countText(n float64) string {
	if n >= 100 || n <= -100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", math.Round(n*100)/100)
}
