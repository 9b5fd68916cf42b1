// Simulate shows how evenly a group spreads meetings over its servers, in virtual
// time: hours of a fleet take a second.
//
//	go run ./examples/simulate
//
// places the lessons of 20 school mornings by the real group, and for comparison
// by simpler rules and by two that know beforehand how many people will come. It
// prints a table and draws the load of each server over time. Describe your own
// fleet with flags, such as
//
//	go run ./examples/simulate -servers 6 -weights 1,1,4 -meetings 60 -refresh 1m
//
// -h lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/bbbgroup/bbb/internal/simulate"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, "simulate:", err)
		fmt.Fprintln(os.Stderr, "simulate -h lists the flags")
		os.Exit(2)
	}
	fmt.Fprintln(os.Stderr, "simulate:", err)
	os.Exit(1)
}

// errUsage is in the errors of those who called the program wrongly.
var errUsage = errors.New("bad arguments")

// settings are what the flags say.
type settings struct {
	simulate.Config
	policies []simulate.Policy
	svg      string
}

func run(ctx context.Context, args []string, out, help io.Writer) error {
	set, err := parse(args, help)
	if err != nil {
		return err
	}
	var results []*simulate.Result
	for _, p := range set.policies {
		r, err := simulate.Run(ctx, set.Config, p)
		if err != nil {
			return err
		}
		results = append(results, r)
	}
	fmt.Fprintf(out, "%v. %d seeds.\n\n", set.Config, set.Seeds)
	table(out, results)
	fmt.Fprint(out, "\n"+meaning)
	if set.svg == "" {
		return nil
	}
	if err := draw(set, results); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe load of each server over time, for the first seed, is drawn in %s.\n", set.svg)
	return nil
}

const meaning = `worst/mean is the load of the worst server (its attendees for its weight) divided by that of the
whole fleet, averaged from 5 to 45 minutes past the hour and over the seeds, ± the standard error:
1.00 would be perfect, at 2.00 one server has twice its share. The oracles know how many people will
come to a meeting, so a policy that comes near them without knowing does what can be asked of it;
the last columns are the meetings that the servers of each weight got, beside their fair part.
`

func parse(args []string, help io.Writer) (settings, error) {
	set := settings{Config: simulate.Default()}
	flags := flag.NewFlagSet("simulate", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // errors are printed by main
	flags.Usage = func() {}
	flags.IntVar(&set.Servers, "servers", set.Servers, "`number` of servers")
	weights := flags.String("weights", "1,2", "weights of the servers; a shorter `list` is repeated")
	flags.IntVar(&set.Meetings, "meetings", set.Meetings, "`number` of meetings an hour")
	flags.Float64Var(&set.Burst, "burst", set.Burst, "`share` of the meetings that start within two minutes after the hour")
	flags.Float64Var(&set.Median, "median", set.Median, "median `number` of people in a meeting")
	flags.Float64Var(&set.Sigma, "sigma", set.Sigma, "how much the size of meetings varies: `sigma` of the log-normal distribution")
	flags.IntVar(&set.Cap, "cap", set.Cap, "most people in a meeting, a `number`")
	flags.DurationVar(&set.Early, "early", set.Early, "meetings are created up to this `time` before people begin to come")
	flags.DurationVar(&set.Refresh, "refresh", set.Refresh, "`time` after which a server is asked again how it is")
	flags.IntVar(&set.Replicas, "replicas", set.Replicas, "`number` of groups, as in processes, that place the meetings")
	flags.BoolVar(&set.Shared, "shared", set.Shared, "the groups share a cache")
	flags.BoolVar(&set.Joins, "joins", set.Joins, "the groups make the join URLs, and so know who comes")
	policies := flags.String("policy", "all", "`list` of policies: all, or of "+names())
	flags.IntVar(&set.Seeds, "seeds", set.Seeds, "`number` of workloads")
	flags.IntVar(&set.Hours, "hours", set.Hours, "`number` of hours that are measured, after one that fills the servers")
	flags.StringVar(&set.svg, "svg", "simulation.svg", "`file` for the drawing; empty for none")

	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Fprintln(help, "usage: simulate [flags]")
		flags.SetOutput(help)
		flags.PrintDefaults()
		return set, err
	case err == nil && flags.NArg() > 0:
		err = fmt.Errorf("no use for %q", flags.Arg(0))
	}
	if err == nil {
		set.Weights, err = parseWeights(*weights)
	}
	if err == nil {
		set.policies, err = simulate.ParsePolicies(*policies)
	}
	if err == nil {
		err = set.Validate()
	}
	if err != nil {
		return set, fmt.Errorf("%w: %w", errUsage, err)
	}
	return set, nil
}

func names() string {
	var list []string
	for _, p := range simulate.Policies() {
		list = append(list, p.Name)
	}
	return strings.Join(list, ", ")
}

func parseWeights(list string) ([]float64, error) {
	var weights []float64
	for text := range strings.SplitSeq(list, ",") {
		w, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil {
			return nil, fmt.Errorf("weights: %q is not a number", text)
		}
		weights = append(weights, w)
	}
	return weights, nil
}

func table(out io.Writer, results []*simulate.Result) {
	w := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	defer w.Flush()
	fmt.Fprint(w, "policy\tworst/mean\tworst moment\tpeak load (fleet)")
	for _, sh := range results[0].Shares {
		fmt.Fprintf(w, "\ton weight %v (%.0f %%)", sh.Weight, 100*sh.Fair)
	}
	fmt.Fprintln(w, "\t")
	for _, r := range results {
		fmt.Fprintf(w, "%s\t%.2f ± %.2f\t%.2f\t%.0f (%.0f)", r.Policy, r.Ratio.Mean, r.Ratio.StdErr,
			r.WorstRatio.Mean, r.PeakLoad.Mean, r.FleetPeak.Mean)
		for _, sh := range r.Shares {
			fmt.Fprintf(w, "\t%.0f %%", 100*sh.Meetings)
		}
		fmt.Fprintf(w, "\t%s\n", r.About)
	}
}

func draw(set settings, results []*simulate.Result) error {
	f, err := os.Create(set.svg)
	if err != nil {
		return err
	}
	return errors.Join(simulate.SVG(f, set.Config, results), f.Close())
}
