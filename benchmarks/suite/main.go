// Command suite measures what the library does beside what else could do it, and what the
// machine allows at all. It is started by benchmarks/cmd/report, and needs a Unix, which tells a process
// what it has used of the processors.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// parts are what can be measured, in this order.
var parts = []struct {
	name string
	run  func(*report)
}{
	{"decode", decodePart},
	{"refresh", refreshPart},
	{"encode", encodePart},
	{"sign", signPart},
	{"fanout", fanoutPart},
	{"proxy", proxyPart},
	{"memory", memoryPart},
	{"scale", scalePart},
}

func main() {
	if len(os.Args) > 2 && os.Args[1] == roleArgument {
		serveRole(os.Args[2], os.Args[3:])
		return
	}
	quick := flag.Bool("quick", false, "measure shorter: a minute or two in all")
	only := flag.String("only", "", "`parts` to measure, with commas between; nothing is written then")
	out := flag.String("o", filepath.Join("..", "RESULTS.md"), "the `file` that is written, in the directory of the program")
	flag.Parse()
	wanted, err := chosen(*only)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}

	r := &report{effort: effort{sample: 100 * time.Millisecond, rounds: 21, load: 400 * time.Millisecond, few: 15}}
	if *quick {
		r.effort = effort{quick: true, sample: 30 * time.Millisecond, rounds: 9, load: 100 * time.Millisecond, few: 5}
	}
	begun := time.Now()
	for _, p := range parts {
		if slices.Contains(wanted, p.name) {
			fmt.Fprintf(os.Stderr, "%5s %s\n", time.Since(begun).Round(time.Second), p.name)
			p.run(r)
		}
	}
	text := r.text(time.Since(begun))
	fmt.Print(text)
	if *only == "" {
		must(os.WriteFile(*out, []byte(text), 0o644)) //nolint:gosec // it is for everybody to read
	}
}

// chosen are the parts of a list with commas, or all.
func chosen(only string) (names []string, err error) {
	for _, p := range parts {
		names = append(names, p.name)
	}
	if only == "" {
		return names, nil
	}
	wanted := strings.Split(only, ",")
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("there is no part %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return wanted, nil
}

// must stops the program: there is nobody to go on without what failed.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func must2[T any](v T, err error) T {
	must(err)
	return v
}
