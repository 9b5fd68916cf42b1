// Sysstat shows how busy the machines of a group of servers are, and what placement
// makes of it.
//
//	go run ./examples/sysstat -watch
//
// runs on four servers that live inside the program, each with a machine of its own:
// one is busy, one has no sysstat package, one cannot be reached. Real servers are
// given by
//
//	BBB_SERVERS="bbb1=https://bbb1.example.org,SECRET1;bbb2=https://bbb2.example.org,SECRET2"
//
// or, since nothing is asked of BigBlueButton itself, as what ssh calls the machines:
//
//	go run ./examples/sysstat -user monitor -watch bbb1.example.org bbb2.example.org
//
// They are read over the system's ssh, which must get there without asking for
// anything. With -local it is this machine that is read, through its own shell.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/bbbgroup/bbb"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sysstat:", err)
		stop()
		os.Exit(1)
	}
}

// settings are what the flags say.
type settings struct {
	ssh      bbb.SSH
	local    bool
	script   bool
	watch    bool
	interval time.Duration
	hosts    []string
}

func parseFlags(args []string, out io.Writer) (*settings, error) {
	s := new(settings)
	flags := flag.NewFlagSet("sysstat", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.Usage = func() {
		fmt.Fprintln(out, "usage: sysstat [flags] [host ...]")
		flags.PrintDefaults()
	}
	flags.StringVar(&s.ssh.User, "user", "", "`name` to log in with (default: what the configuration of ssh says)")
	flags.IntVar(&s.ssh.Port, "port", 0, "`port` of sshd (default: what the configuration of ssh says)")
	flags.StringVar(&s.ssh.ConfigFile, "config", "", "configuration `file` of ssh, instead of ~/.ssh/config")
	flags.StringVar(&s.ssh.IdentityFile, "identity", "", "`file` of the private key")
	flags.DurationVar(&s.ssh.SysStatTimeout, "timeout", 10*time.Second, "how long to wait for a machine")
	flags.BoolVar(&s.watch, "watch", false, "read again every -interval, until Ctrl-C")
	flags.DurationVar(&s.interval, "interval", 10*time.Second, "time between two readings of -watch")
	flags.BoolVar(&s.local, "local", false, "read this machine, without ssh")
	flags.BoolVar(&s.script, "script", false, "print the script that is run on the machines, and do nothing else")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if s.interval < time.Second || s.ssh.SysStatTimeout < time.Second {
		return nil, errors.New("-interval and -timeout are at least 1s")
	}
	s.hosts = flags.Args()
	if s.local && len(s.hosts) > 0 {
		return nil, errors.New("-local is this machine: no hosts go with it")
	}
	for _, host := range s.hosts {
		if strings.HasPrefix(host, "-") { // nobody's name
			return nil, fmt.Errorf("flags come before the hosts: %s", host)
		}
	}
	if s.watch {
		// Every reading would log in anew otherwise.
		s.ssh.ControlPersist = 2*s.interval + s.ssh.SysStatTimeout
	}
	return s, nil
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) (err error) {
	set, err := parseFlags(args, out)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return nil
	case err != nil:
		return err
	case set.script:
		return printScript(ctx, out)
	}
	group, closeAll, err := newGroup(set, getenv, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeAll(context.WithoutCancel(ctx))) }()

	screen := newScreen(out, set.watch, getenv)
	if !set.watch {
		return show(ctx, group, screen)
	}
	rounds := time.NewTicker(set.interval)
	defer rounds.Stop()
	for {
		if err := show(ctx, group, screen); err != nil && !errors.Is(err, errNoMachine) && ctx.Err() == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil // Ctrl-C is how it ends
		case <-rounds.C:
		}
	}
}

// errNoMachine says that there is nothing but reasons in the table.
var errNoMachine = errors.New("no machine could be read")

// show reads all machines at once, and prints the table.
func show(ctx context.Context, group *bbb.Group, screen *screen) error {
	// A program that places meetings leaves this to Refresh and Run, which read the
	// meetings as well.
	results, err := group.SysStat(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	failed, ok := errors.AsType[*bbb.GroupError](err)
	if err != nil && !ok {
		return err
	}
	factors := machineFactors(group.Rank(ctx, bbb.Criteria{}))
	rows := make([]row, 0, len(results))
	for _, r := range results {
		rows = append(rows, row{server: r.Server.Name(), report: r.Value, err: r.Err, factor: factors[r.Server.Name()]})
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s  %d of %d machines answered\n\n", time.Now().Format("15:04:05"), len(results.Values()), len(results))
	printTable(&text, rows)
	screen.draw(text.String() + legend)
	if ok && failed.AllFailed() {
		return errNoMachine
	}
	return nil
}

// machineFactors returns what [bbb.CheckMachine] says of each server. Rank is the way to
// ask it for the reason, too.
func machineFactors(ranking *bbb.Ranking) map[string]bbb.Factor {
	factors := make(map[string]bbb.Factor)
	for _, s := range ranking.Servers {
		for _, f := range s.Factors {
			if f.Checker == "machine" {
				factors[s.Server] = f
			}
		}
	}
	return factors
}
