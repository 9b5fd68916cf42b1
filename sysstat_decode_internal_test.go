package bbb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func sadfText(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "sysstat", name))
	require.NoError(t, err)
	return text
}

// What each release writes, and the report that it is. testdata/sysstat/README.md says
// what is different in which.
func TestSadfOfAllReleases(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]SysStat{
		"11.0.json": {
			Host: "bbb-old", System: "Linux", Release: "3.13.0-32-generic", Machine: "x86_64", CPUs: 4,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2015, 3, 14, 9, 10, 1, 0, time.UTC),
				Interval: 5 * time.Minute,
				CPU: []CPU{{
					Name: "all", User: 21.07, Nice: 0.12, System: 3.4, IOWait: 1.25, Steal: 0.5,
					IRQ: 0.01, SoftIRQ: 0.65, Idle: 73,
				}},
				IO: &IO{Transfers: 12.31, Reads: 2.11, Writes: 10.2, BlocksRead: 64.75, BlocksWritten: 310.4},
				Memory: &Memory{
					Total: 8000000, Free: 1200000, Used: 6800000, UsedPercent: 85, Buffers: 300000,
					Cached: 2500000, Commit: 5100000, CommitPercent: 51, Active: 4100000,
					Inactive: 1900000, Dirty: 812,
					SwapFree: 1990000, SwapUsed: 10000, SwapUsedPercent: 0.5, SwapCached: 1000, SwapCachedPercent: 10,
				},
				Kernel: &Kernel{DentriesUnused: 41230, Files: 5216, Inodes: 38765, Terminals: 3},
				Queue:  &Queue{RunQueue: 2, Tasks: 412, Blocked: 1, Load1: 1.08, Load5: 0.97, Load15: 0.9},
				Network: []Interface{
					{
						Name: "eth0", RxPackets: 1523.4, TxPackets: 1498.02, RxKiB: 811.55, TxKiB: 1204.66,
						RxCompressed: 0.25, TxCompressed: 0.75, RxMulticast: 0.03, UtilPercent: 0.99,
						RxErrors: 0.01, TxErrors: 0.02, Collisions: 0.03, RxDropped: 0.04, TxDropped: 0.05,
						TxCarrier: 0.06, RxFrame: 0.07, RxFIFO: 0.08, TxFIFO: 0.09,
					},
					{Name: "lo", RxPackets: 64.1, TxPackets: 64.1, RxKiB: 12.75, TxKiB: 12.75},
				},
				Sockets: &Sockets{Total: 640, TCP: 120, UDP: 75, Raw: 1, IPFragments: 2, TCPTimeWait: 33},
			},
		},
		"11.2.json": {
			Host: "bbb-xenial", System: "Linux", Release: "4.4.0-38-generic", Machine: "x86_64", CPUs: 8,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2016, 10, 17, 22, 20, 1, 0, time.UTC),
				Interval: 10 * time.Minute,
				CPU:      []CPU{{Name: "all", User: 8.25, System: 1.5, IOWait: 0.75, Steal: 2, SoftIRQ: 0.5, Idle: 87}},
				IO:       &IO{Transfers: 3.5, Reads: 0.5, Writes: 3, BlocksRead: 4, BlocksWritten: 96.25},
				Memory: &Memory{
					Total: 16000000, Free: 6000000, Used: 10000000, UsedPercent: 62.5, Buffers: 500000,
					Cached: 3500000, Commit: 9000000, CommitPercent: 45, Active: 6000000,
					Inactive: 2500000, Dirty: 128, Anonymous: 4200000, Slab: 700000, KernelStack: 9600,
					PageTables: 31000, SwapFree: 4000000,
				},
				Kernel: &Kernel{DentriesUnused: 90210, Files: 9184, Inodes: 80025, Terminals: 1},
				Queue:  &Queue{RunQueue: 1, Tasks: 731, Load1: 0.42, Load5: 0.55, Load15: 0.61},
				Network: []Interface{{
					Name: "ens3", RxPackets: 120.57, TxPackets: 98.06, RxKiB: 33.04, TxKiB: 71.01,
					UtilPercent: 0.06, RxDropped: 1.25,
				}},
				Sockets: &Sockets{Total: 306, TCP: 44, UDP: 12, TCPTimeWait: 144},
			},
		},
		"11.6.json": {
			Host: "bbb-bionic", System: "Linux", Release: "4.15.0-99-generic", Machine: "x86_64", CPUs: 4,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2020, 5, 20, 10, 15, 1, 0, time.UTC),
				Interval: 10 * time.Minute,
				CPU: []CPU{
					{Name: "all", User: 40, System: 10, IOWait: 5, SoftIRQ: 1.5, Guest: 2, GuestNice: 0.5, Idle: 41},
					{Name: "0", User: 60, System: 20, IOWait: 10, SoftIRQ: 3, Guest: 4, GuestNice: 1, Idle: 2},
					{Name: "1", User: 20, Idle: 80},
					{Name: "3", Idle: 100}, // 2 is offline
				},
				Memory: &Memory{
					Total: 8000000, Free: 1000000, Available: 5200000, Used: 7000000, UsedPercent: 87.5,
					Buffers: 400000, Cached: 3600000, Commit: 4000000, CommitPercent: 40, Active: 3000000,
					Inactive: 2600000, Dirty: 64, Anonymous: 2000000, Slab: 600000, KernelStack: 8000,
					PageTables: 24000, SwapFree: 2000000,
				},
				Queue:   &Queue{RunQueue: 4, Tasks: 655, Blocked: 2, Load1: 2.5, Load5: 2.25, Load15: 2},
				Sockets: &Sockets{Total: 900, TCP: 210, UDP: 330, TCPTimeWait: 12},
			},
		},
		"12.0.json": {
			Host: "bbb-buster", System: "Linux", Release: "4.19.0-9-amd64", Machine: "x86_64", CPUs: 8,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2019, 11, 2, 18, 25, 1, 0, time.UTC),
				Interval: 10 * time.Minute,
				CPU: []CPU{{
					Name: "all", User: 12.5, Nice: 1.5, System: 4, IOWait: 0.25, Steal: 1.25, SoftIRQ: 0.5, Idle: 80,
				}},
				IO: &IO{Transfers: 45, Reads: 5, Writes: 40, BlocksRead: 160, BlocksWritten: 1280},
				Memory: &Memory{
					Total: 16000000, Free: 2000000, Available: 9000000, Used: 7000000, UsedPercent: 43.75,
					Buffers: 500000, Cached: 5500000, Commit: 8000000, CommitPercent: 44.44, Active: 7000000,
					Inactive: 4000000, Dirty: 2048, Anonymous: 5000000, Slab: 1000000, KernelStack: 12000,
					PageTables: 40000,
					SwapFree:   1500000, SwapUsed: 500000, SwapUsedPercent: 25, SwapCached: 50000, SwapCachedPercent: 10,
				},
				Kernel: &Kernel{DentriesUnused: 150000, Files: 12000, Inodes: 140000, Terminals: 2},
				Queue:  &Queue{RunQueue: 3, Tasks: 900, Load1: 1.6, Load5: 1.4, Load15: 1.2},
			},
		},
		"12.2.json": {
			Host: "bbb-focal", System: "Linux", Release: "5.4.0-80-generic", Machine: "x86_64", CPUs: 16,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2021, 8, 1, 23, 55, 1, 0, time.UTC),
				Interval: 5 * time.Minute,
				CPU:      []CPU{{Name: "all", User: 33.1, System: 6.4, IOWait: 0.5, SoftIRQ: 2, Idle: 58}},
				IO: &IO{
					Transfers: 210.5, Reads: 10.25, Writes: 200, Discards: 0.25,
					BlocksRead: 820, BlocksWritten: 9600, BlocksDiscarded: 2048,
				},
				Memory: &Memory{
					Total: 32000000, Free: 4000000, Available: 17000000, Used: 16000000, UsedPercent: 50,
					Buffers: 1000000, Cached: 9000000, Commit: 24000000, CommitPercent: 70.59,
					Active: 14000000, Inactive: 8000000, Dirty: 5120, Anonymous: 12000000, Slab: 2000000,
					KernelStack: 26000, PageTables: 88000, VMUsed: 45000, SwapFree: 2000000,
				},
				Kernel: &Kernel{DentriesUnused: 410000, Files: 21440, Inodes: 355000, Terminals: 1},
				Queue:  &Queue{RunQueue: 7, Tasks: 1620, Load1: 6.4, Load5: 5.9, Load15: 5.1},
				Network: []Interface{
					{Name: "docker0", TxPackets: 0.1, TxKiB: 0.01},
					{
						Name: "enp1s0f0", RxPackets: 30500, TxPackets: 41200.5, RxKiB: 18750.25, TxKiB: 36100.75,
						RxMulticast: 1.2, UtilPercent: 29.57, RxDropped: 2.5, RxFIFO: 0.75,
					},
					{Name: "veth1a2b3c", TxDropped: 0.5},
				},
				Sockets: &Sockets{Total: 3120, TCP: 820, UDP: 1490, IPFragments: 4, TCPTimeWait: 260},
			},
		},
		"12.5.json": {
			Host: "bbb-jammy", System: "Linux", Release: "5.15.0-25-generic", Machine: "aarch64", CPUs: 4,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2022, 7, 1, 0, 10, 0, 0, time.UTC), // not of the zone of the file
				Interval: 10 * time.Minute,
				CPU: []CPU{
					{Name: "all", User: 5, System: 2, IOWait: 13, Idle: 80},
					{Name: "0", User: 10, System: 4, IOWait: 26, Idle: 60},
					{Name: "3", Idle: 100},
				},
				Memory: &Memory{
					Total: 64000000, Free: 30000000, Available: 50000000, Used: 13000000, UsedPercent: 20.31,
					Buffers: 2000000, Cached: 16000000, Commit: 15000000, CommitPercent: 23.44,
					Active: 11000000, Inactive: 14000000, Anonymous: 8000000, Slab: 3000000,
					KernelStack: 14000, PageTables: 52000, VMUsed: 61000,
				},
				Queue: &Queue{Tasks: 540, Blocked: 3, Load1: 0.8, Load5: 0.7, Load15: 0.6},
			},
		},
		"12.6.json": {
			Host: "bbb-bookworm", System: "Linux", Release: "6.1.0-9-amd64", Machine: "x86_64", CPUs: 2,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2023, 9, 30, 12, 2, 1, 0, time.UTC),
				Interval: time.Minute,
				CPU:      []CPU{{Name: "all", User: 70, System: 8, IOWait: 1, Steal: 4, SoftIRQ: 2, Idle: 15}},
				IO:       &IO{}, // there was none, and that is known
				Memory: &Memory{
					Total: 8000000, Free: 800000, Available: 2600000, Used: 4600000, UsedPercent: 57.5,
					Buffers: 200000, Cached: 2000000, Commit: 7000000, CommitPercent: 87.5, Active: 3000000,
					Inactive: 3500000, Dirty: 300, Anonymous: 4000000, Slab: 400000, KernelStack: 7000,
					PageTables: 30000, VMUsed: 20000,
				},
				Kernel:  &Kernel{DentriesUnused: 70000, Files: 3000, Inodes: 60000, Terminals: 1},
				Queue:   &Queue{RunQueue: 5, Tasks: 320, Load1: 3.2, Load5: 2.8, Load15: 2.1},
				Network: []Interface{{Name: "eth0", RxPackets: 10, TxPackets: 20, RxKiB: 30, TxKiB: 40, UtilPercent: 0.03}},
				Sockets: &Sockets{Total: 210, TCP: 40, UDP: 30, TCPTimeWait: 5},
			},
		},
		"12.7.json": {
			Host: "bbb-trixie", System: "Linux", Release: "6.12.6-amd64", Machine: "x86_64", CPUs: 64,
			Source: SourceSadf,
			Sample: Sample{
				Time:     time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
				Interval: 599 * time.Second,
				CPU: []CPU{{
					Name: "all", User: 44.44, Nice: 0.06, System: 5.5, IOWait: 0.2, IRQ: 0.3, SoftIRQ: 1.5, Idle: 48,
				}},
				IO: &IO{
					Transfers: 1500, Reads: 300, Writes: 1190, Discards: 10,
					BlocksRead: 24000, BlocksWritten: 95000, BlocksDiscarded: 80000,
				},
				Memory: &Memory{
					Total: 128000000, Free: 60000000, Available: 100000000, Used: 32000000, UsedPercent: 25,
					Buffers: 1000000, Cached: 30000000, Commit: 64000000, CommitPercent: 47.06,
					Active: 38000000, Inactive: 20000000, Dirty: 90000, Anonymous: 25000000, Slab: 5000000,
					KernelStack: 51000, PageTables: 160000, VMUsed: 240000,
					SwapFree: 7900000, SwapUsed: 100000, SwapUsedPercent: 1.25, SwapCached: 20000, SwapCachedPercent: 20,
				},
				Kernel: &Kernel{DentriesUnused: 1900000, Files: 41000, Inodes: 1500000},
				Queue:  &Queue{RunQueue: 31, Tasks: 4100, Blocked: 1, Load1: 30.25, Load5: 29.5, Load15: 27.75},
				Network: []Interface{{
					Name: "ens18", RxPackets: 90000, TxPackets: 120000, RxKiB: 60000.5, TxKiB: 110000.25, UtilPercent: 9.01,
				}},
				Sockets: &Sockets{Total: 9000, TCP: 2100, UDP: 6000, Raw: 2, TCPTimeWait: 800},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeSadf(sadfText(t, name))
			require.NoError(t, err)
			assert.Equal(t, &want, got)
		})
	}
}

// sadf does not print how much memory there is. Half of 1000 are in use here, whatever
// is counted as such.
func TestSadfTotalOfMemory(t *testing.T) {
	t.Parallel()
	for name, memory := range map[string]string{
		"caches counted":           `"memfree": 500, "memused": 500, "memused-percent": 50.00, "buffers": 50, "cached": 250, "slab": 100`,
		"no slabs known":           `"memfree": 500, "memused": 500, "memused-percent": 50.00, "buffers": 50, "cached": 250`,
		"caches not counted":       `"memfree": 100, "memused": 500, "memused-percent": 50.00, "buffers": 50, "cached": 250, "slab": 100`,
		"but slabs":                `"memfree": 200, "memused": 500, "memused-percent": 50.00, "buffers": 50, "cached": 250, "slab": 100`,
		"rounded":                  `"memfree": 500, "memused": 500, "memused-percent": 50.004, "cached": 400`,
		"nothing but caches":       `"memfree": 100, "memused": 0, "memused-percent": 0.00, "buffers": 50, "cached": 750, "slab": 100`,
		"no percentage, no caches": `"memfree": 500, "memused": 500`,
	} {
		got, err := decodeSadf([]byte(sadfSamples(`{"memory": {` + memory + `}}`)))
		if assert.NoError(t, err, name) {
			assert.EqualValues(t, 1000, got.Memory.Total, name)
		}
	}
	got, err := decodeSadf([]byte(sadfSamples(`{"memory": {"swpfree": 100, "memused-percent": 50.00}}`)))
	require.NoError(t, err)
	assert.Zero(t, got.Memory.Total)
}

// In the first minutes of a day there is a file, and no interval.
func TestSadfWithoutInterval(t *testing.T) {
	t.Parallel()
	text := sadfText(t, "12.6-empty.json")
	report, err := decodeSadf(text)
	assert.Nil(t, report)
	require.ErrorIs(t, err, ErrSadfEmpty)
	assert.NotErrorIs(t, err, ErrSadfAnswer)

	for name, text := range map[string]string{
		"no hosts":                `{"sysstat": {"hosts": []}}`,
		"no statistics":           `{"sysstat": {"hosts": [{"nodename": "a"}]}}`,
		"statistics are null":     `{"sysstat": {"hosts": [{"nodename": "a", "statistics": null}]}}`,
		"empty entries":           sadfSamples(`{}`, `{ }`),
		"a time alone":            sadfSamples(`{"timestamp": {"date": "2026-01-31", "time": "10:00:00", "utc": 1}}`),
		"nothing that was asked":  sadfSamples(`{"timestamp": {}, "disk": [{"disk-device": "sda", "tps": 1.00}]}`),
		"empty activities":        sadfSamples(`{"cpu-load": [], "io": {}, "memory": {}, "queue": null, "network": {"net-dev": []}}`),
		"no values":               sadfSamples(`{"io": {"tps": "nan"}, "cpu-load": [{"cpu": "all", "idle": nan}]}`),
		"samples that are others": sadfSamples(`1`, `"x"`, `[[]]`, `null`),
	} {
		_, err := decodeSadf([]byte(text))
		assert.ErrorIs(t, err, ErrSadfEmpty, name)
	}
}

// Anything else fails too, and says what came instead.
func TestSadfThatIsNoAnswer(t *testing.T) {
	t.Parallel()
	for text, words := range map[string]string{
		"":     "it wrote nothing",
		" \n ": "it wrote nothing",
		"Usage: sadf [ options ] [ <interval> ]\nOptions are:": "Usage: sadf [ options ] [ <interval> ] Options are:",
		"# hostname;interval;timestamp":                        "# hostname;interval;timestamp",
		`{"other": {"hosts": []}}`:                             `{"other": {"hosts": []}}`,
		`"sysstat"`:                                            `"sysstat"`,
		`{"sysstat": {}}`:                                      `{"sysstat": {}}`,
		`{"sysstat": []}`:                                      `{"sysstat": []}`,
		`{"sysstat": {"hosts": [{"statis`:                      "breaks off",
		strings.Repeat("x", 1<<20):                             "xxxx",
		`{"sysstat": ` + strings.Repeat(`{"a": [`, 1<<16):      "breaks off",
		`{"sysstat": ` + strings.Repeat(`[`, 1<<16):            "breaks off",
	} {
		report, err := decodeSadf([]byte(text))
		assert.Nil(t, report)
		require.ErrorIs(t, err, ErrSadfAnswer)
		assert.NotErrorIs(t, err, ErrSadfEmpty)
		assert.Contains(t, err.Error(), words)
		assert.Less(t, len(err.Error()), 400, "the error of %.40q", text)
	}
}

// sadfSamples is an answer of one host with these entries in its statistics.
func sadfSamples(samples ...string) string {
	return "{\"sysstat\": {\n\t\"hosts\": [\n\t\t{\"nodename\": \"a\", \"statistics\": [\n" + strings.Join(samples, ",\n") + "\n\t\t]}\n\t]\n}}\n"
}
