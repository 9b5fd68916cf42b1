package main

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/bbbgroup/bbb"
)

func table(rows ...row) string {
	var out bytes.Buffer
	printTable(&out, rows)
	return out.String()
}

func TestTable(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		full := bbb.Sample{
			Time: time.Now().Add(-12 * time.Second),
			CPU: []bbb.CPU{
				{Name: "all", User: 30, System: 5, IOWait: 2.5, Steal: 1, Idle: 61.5},
				{Name: "0", Idle: 100},
			},
			Memory:  &bbb.Memory{Total: 32 << 20, Available: 8 << 20},
			Queue:   &bbb.Queue{Load1: 4, Load5: 2, Load15: 1},
			Network: []bbb.Interface{{Name: "lo", RxKiB: 1e6}, {Name: "docker0", RxKiB: 9}, {Name: "eth0", RxKiB: 100, TxKiB: 1000}},
		}
		hour := full
		hour.Time = time.Now().Add(-25 * time.Minute)
		live := bbb.Sample{
			Time: time.Now(), CPU: []bbb.CPU{{Name: "all", User: 96.25, Idle: 3.75}},
			Memory: &bbb.Memory{Total: 16 << 20, Available: 1 << 20}, Queue: &bbb.Queue{Load1: 12.5, Load5: 8, Load15: 4},
		}
		one := bbb.Factor{Value: 1}
		rows := []row{
			{"berlin", &bbb.SysStat{CPUs: 8, Source: bbb.SourceSadf, Sample: full}, nil, one},
			{"nürnberg", nil, &bbb.Error{Server: "nürnberg", Call: "sysstat", Err: errors.New("ssh failed:\n\x1b[31mConnection\trefused")}, one},
			{"old", &bbb.SysStat{CPUs: 4, Source: bbb.SourceSadf, Sample: hour, Live: &live}, nil, bbb.Factor{Value: 0.1, Reason: "CPU at 0.96"}},
			{"bare", &bbb.SysStat{CPUs: 4, Source: bbb.SourceProc, Sample: live, Live: &live, Problem: "no sadf"}, nil, bbb.Factor{Value: 0.5, Reason: "run queue at 3.12"}},
			{"freebsd", &bbb.SysStat{Source: bbb.SourceSadf, Sample: bbb.Sample{}}, nil, one},
		}
		assert.Equal(t, strings.Join([]string{
			"SERVER    CPUS  LOAD 1m    5m   15m  CPU%  IOWAIT%  STEAL%  MEM%  IN Mbit/s  OUT  AGE  FROM  PLACEMENT",
			"berlin       8     0.50  0.25  0.12  36.0      2.5     1.0  75.0        0.8  8.2  12s  sadf       1.00",
			"nürnberg  ssh failed: [31mConnection refused",
			"old          4     3.12  2.00  1.00  96.2      0.0     0.0  93.8        0.8  8.2   0s  proc       0.10  CPU at 0.96",
			"bare         4     3.12  2.00  1.00  96.2      0.0     0.0  93.8          -    -   0s  proc       0.50  run queue at 3.12; no sadf",
			"freebsd      -        -     -     -     -        -       -     -          -    -    -  sadf       1.00",
			"",
		}, "\n"), table(rows...))
	})
}

// What machines say may be long, and must not do anything to the terminal.
func TestNotesAreHarmless(t *testing.T) {
	t.Parallel()
	note := row{err: errors.New("\x1b]0;title\x07\r\n" + strings.Repeat("ä b ", 100) + "\u202e")}.note()
	assert.Len(t, []rune(note), 160)
	assert.Equal(t, "]0;title ä b ä", note[:len("]0;title ä b ä")])
	assert.NotContains(t, note, "\x1b")
}

func TestAge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for ago, text := range map[time.Duration]string{
			-time.Minute: "0s", 0: "0s", 119 * time.Second: "119s", 10 * time.Minute: "10m", 30 * time.Hour: "30h",
		} {
			r := &bbb.SysStat{ClockAhead: time.Minute, Sample: bbb.Sample{Time: time.Now().Add(time.Minute - ago)}}
			assert.Equal(t, text, age(r, &r.Sample))
		}
	})
}

// On a terminal the table is drawn over the one before, and elsewhere after it.
func TestScreen(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, inPlace: true}
	s.draw("a\nb\n")
	s.draw("c\n")
	assert.Equal(t, "\x1b[H\x1b[2Ja\nb\n\x1b[Hc\x1b[K\n\x1b[J", out.String())

	out.Reset()
	s = newScreen(&out, true, func(string) string { return "xterm" })
	s.draw("a\n")
	s.draw("b\n")
	assert.Equal(t, "a\n\nb\n", out.String())
}
