package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/bbbgroup/bbb"
)

// row is one machine in the table.
type row struct {
	server string
	report *bbb.SysStat // nil when it could not be read
	err    error        // why
	factor bbb.Factor   // what placement makes of it
}

// headers are the columns. All but the first are numbers, and stand on the right.
var headers = []string{
	"SERVER", "CPUS", "LOAD 1m", "5m", "15m", "CPU%", "IOWAIT%", "STEAL%", "MEM%", "IN Mbit/s", "OUT", "AGE", "FROM", "PLACEMENT",
}

const legend = `
LOAD       tasks that run, or wait for a CPU or a disk, for each CPU: over 1, some wait
CPU%       busy, counting in what the hypervisor gave to others (STEAL%); waiting for disks (IOWAIT%) is not
MEM%       in use and not to be had back: without caches
IN, OUT    through the network interface that carries the most
AGE, FROM  of the figures of the CPUs: sadf has the last interval that sysstat collected, proc is this moment
PLACEMENT  factor for new meetings: 1 changes nothing, 0.1 is the least
`

// printTable writes a line for each machine. One that could not be read has the reason
// in its line.
func printTable(w io.Writer, rows []row) {
	lines := [][]string{headers}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	widths := make([]int, len(headers))
	for _, cells := range lines {
		for i, cell := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for i, cells := range lines {
		var line strings.Builder
		fmt.Fprintf(&line, "%-*s", widths[0], cells[0])
		for k, cell := range cells[1:] {
			fmt.Fprintf(&line, "  %*s", widths[k+1], cell)
		}
		if i > 0 {
			fmt.Fprint(&line, "  ", rows[i-1].note())
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
}

// cells are the columns of a row; only the name when there is no report.
func (r row) cells() []string {
	if r.report == nil {
		return []string{r.server}
	}
	cells := []string{r.server, number("%.0f", float64(r.report.CPUs), r.report.CPUs > 0)}
	cells = append(cells, loads(r.report)...)
	used, from := shown(r.report)
	cells = append(cells, cpu(used)...)
	cells = append(cells, memory(r.report))
	cells = append(cells, network(r.report)...)
	return append(cells, age(r.report, used), string(from), fmt.Sprintf("%.2f", r.factor.Value))
}

// note is what the figures do not tell: why there are none, what took from the placement,
// and why sysstat gave nothing.
func (r row) note() string {
	if r.report == nil {
		if e, ok := errors.AsType[*bbb.Error](r.err); ok && e.Err != nil {
			return oneLine(e.Err.Error()) // the rest stands in the first column
		}
		return oneLine(fmt.Sprint(r.err))
	}
	var notes []string
	if r.factor.Value < 1 {
		notes = append(notes, r.factor.Reason)
	}
	if r.report.Problem != "" {
		notes = append(notes, r.report.Problem)
	}
	return oneLine(strings.Join(notes, "; "))
}

// oneLine makes a text of another machine fit for a line of a terminal: without
// control characters, which could move the cursor, and not too long.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)), " ")
	const longest = 160
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return text
}
