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
	sample time.Duration // how long one sample lasts
	rounds int           // samples of each variant
}

// few is how many samples are taken of what takes long.
func (e effort) few() int { return (e.rounds + 2) / 3 }

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
	allocs float64 // for a unit
}

// compare measures variants in turns, so that what else goes on at the machine hits all of
// them alike: only the ratios of one run mean something.
func compare(e effort, variants ...variant) map[string]figures {
	times := make([][]float64, len(variants))
	allocs := make([][]float64, len(variants))
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
			ns, n := sample(variants[i].f, loops[i])
			per := float64(max(variants[i].per, 1))
			times[i], allocs[i] = append(times[i], ns/per), append(allocs[i], n/per)
		}
	}
	got := make(map[string]figures, len(variants))
	for i, v := range variants {
		median, spread := middle(times[i])
		n, _ := middle(allocs[i])
		got[v.name] = figures{v.name, median, spread, n}
	}
	return got
}

// sample runs f and returns the nanoseconds and the allocations of one run. Collecting the
// garbage of the run belongs to it; that of others does not.
func sample(f func(), loops int) (ns, allocs float64) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	for range loops {
		f()
	}
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	// The runtime allocates a little itself now and then.
	allocs = float64(after.Mallocs-before.Mallocs) / float64(loops)
	return float64(took) / float64(loops), math.Round(allocs*100) / 100
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
	if n >= 100 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.3g", math.Round(n*100)/100)
}
