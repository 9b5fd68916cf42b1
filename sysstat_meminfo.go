package bbb

import (
	"math"
	"strings"
)

// parseMeminfo reads /proc/meminfo, and computes what sar does from it.
func parseMeminfo(text string) *Memory {
	kib := make(map[string]int64)
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(line, ":")
		fields := strings.Fields(value)
		if len(fields) == 0 {
			continue
		}
		kib[strings.TrimSpace(name)] = natural(fields[0], 53)
	}
	m := &Memory{
		Total: kib["MemTotal"], Free: kib["MemFree"], Available: kib["MemAvailable"],
		Buffers: kib["Buffers"], Cached: kib["Cached"], Commit: kib["Committed_AS"],
		Active: kib["Active"], Inactive: kib["Inactive"], Dirty: kib["Dirty"],
		Anonymous: kib["AnonPages"], Slab: kib["Slab"], KernelStack: kib["KernelStack"],
		PageTables: kib["PageTables"], VMUsed: kib["VmallocUsed"],
		SwapFree: kib["SwapFree"], SwapCached: kib["SwapCached"],
	}
	if m.Total == 0 {
		return nil
	}
	m.Used = max(m.Total-m.Free-m.Buffers-m.Cached-m.Slab, 0)
	m.UsedPercent = percentOf(m.Used, m.Total)
	m.CommitPercent = percentOf(m.Commit, m.Total+kib["SwapTotal"])
	m.SwapUsed = max(kib["SwapTotal"]-m.SwapFree, 0)
	m.SwapUsedPercent = percentOf(m.SwapUsed, kib["SwapTotal"])
	m.SwapCachedPercent = percentOf(m.SwapCached, m.SwapUsed)
	return m
}

func percentOf(part, whole int64) float64 {
	if whole <= 0 {
		return 0
	}
	return hundredths(100 * float64(part) / float64(whole))
}

// hundredths rounds to two decimals, which is what sar prints.
func hundredths(x float64) float64 { return math.Round(100*x) / 100 }
