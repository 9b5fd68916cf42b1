package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// A server to put into the group.
type server struct {
	name, url, secret string
	options           []bbb.ServerOption
}

// newGroup makes the group of the machines that are to be read: those named as
// arguments, this one, those of the environment, or else the fakes.
func newGroup(set *settings, getenv func(string) string, out io.Writer) (*bbb.Group, func(context.Context) error, error) {
	opts := []bbb.GroupOption{bbb.WithSSH(set.ssh)}
	var fakes []*bbbtest.Server
	servers, err := parseServers(getenv)
	switch {
	case set.local:
		servers = machinesOnly("localhost")
		opts = append(opts, bbb.WithRunner(bbb.RunnerFunc(runHere)))
	case len(set.hosts) > 0:
		servers = machinesOnly(set.hosts...)
	case err != nil:
		return nil, nil, err
	case len(servers) == 0:
		fmt.Fprintln(out, "No BBB_SERVERS and no hosts given: four servers inside this program.")
		var machines bbb.Runner
		servers, fakes, machines = startFakes()
		opts = append(opts, bbb.WithTransport(bbbtest.NetworkOf(fakes...)), bbb.WithRunner(machines))
	}
	group, err := bbb.NewGroup("sysstat", opts...)
	if err != nil {
		return nil, nil, err
	}
	closeAll := func(ctx context.Context) error {
		err := group.Close(ctx)
		for _, f := range fakes {
			err = errors.Join(err, f.Close())
		}
		return err
	}
	for _, s := range servers {
		if _, err := group.New(s.name, s.url, s.secret, s.options...); err != nil {
			return nil, nil, errors.Join(err, closeAll(context.Background()))
		}
	}
	return group, closeAll, nil
}

// machinesOnly are servers of which only the machines are of interest: no call goes to
// their URLs.
func machinesOnly(hosts ...string) []server {
	var servers []server
	for i, host := range hosts {
		url := fmt.Sprintf("https://machine%d.invalid", i+1)
		servers = append(servers, server{host, url, "is never used", []bbb.ServerOption{bbb.WithHost(host)}})
	}
	return servers
}

// runHere is a [bbb.Runner] that runs commands on this machine. It does without the
// remote shell, which joins and expands the words of other commands than ours.
func runHere(ctx context.Context, c bbb.RemoteCommand) (int, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
		return exit.ExitCode(), nil // it ran and failed
	}
	return 0, err
}

// printScript prints the script that asks a machine how busy it is, for keys that may
// run nothing else. The way to get at it is a runner that does not send it anywhere.
func printScript(ctx context.Context, out io.Writer) (err error) {
	var unwritten error
	group, err := bbb.NewGroup("script", bbb.WithRunner(bbb.RunnerFunc(func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		_, unwritten = io.Copy(out, c.Stdin)
		return 0, unwritten
	})))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, group.Close(context.WithoutCancel(ctx))) }()
	s, err := group.New("nowhere", "https://nowhere.invalid", "is never used")
	if err != nil {
		return err
	}
	_, _ = s.SysStat(ctx) // no report came, of course
	return unwritten
}

// fleet are the machines under the fakes.
var fleet = []struct {
	name  string
	state func(*bbbtest.MachineState)
}{
	{"berlin", func(*bbbtest.MachineState) {}},
	{"vienna", func(m *bbbtest.MachineState) { // processes recordings
		m.User, m.System, m.IOWait = 88, 7, 3.5
		m.Load1, m.Load5, m.Load15, m.RunQueue = 19.4, 16.2, 9.1, 21
		m.MemAvailable, m.RxKB, m.TxKB = 4<<20, 900, 14_000
	}},
	{"lisbon", func(m *bbbtest.MachineState) { // has a neighbour, and nothing installed
		m.CPUs, m.User, m.Steal = 4, 21, 34
		m.Load1, m.Load5, m.Load15 = 2.9, 2.2, 1.8
		m.SysStat = bbbtest.SysStatMissing
	}},
	{"athens", func(m *bbbtest.MachineState) { m.Down = true }},
}

// startFakes makes the servers of the fleet, and a runner that gets to their machines.
func startFakes() (servers []server, fakes []*bbbtest.Server, runner bbb.Runner) {
	machines := make(map[string]*bbbtest.Machine)
	for _, one := range fleet {
		f := bbbtest.New(bbbtest.WithName(one.name))
		m := bbbtest.NewMachine(one.name)
		m.Change(one.state)
		machines[one.name] = m
		fakes = append(fakes, f)
		servers = append(servers, server{f.Name(), f.URL(), f.Secret(), nil})
	}
	return servers, fakes, bbb.RunnerFunc(func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		m := machines[c.Server]
		m.Change(wander)
		status, err := m.Run(ctx, c.Argv, c.Stdin, c.Stdout, c.Stderr)
		if err != nil {
			err = fmt.Errorf("%w: %w", bbb.ErrSSH, err)
		}
		return status, err
	})
}

// wander lets the figures of a machine differ a little from one reading to the next.
func wander(m *bbbtest.MachineState) {
	m.SampleAge = time.Duration(time.Now().Second()) * time.Second // a record each minute
	m.RxKB *= 0.97 + 0.06*rand.Float64()
	m.TxKB *= 0.97 + 0.06*rand.Float64()
}

// parseServers reads BBB_SERVERS, or BBB_URL and BBB_SECRET. No text of it gets
// into an error: it holds secrets.
func parseServers(getenv func(string) string) ([]server, error) {
	if url := getenv("BBB_URL"); url != "" && getenv("BBB_SERVERS") == "" {
		if getenv("BBB_SECRET") == "" {
			return nil, errors.New("BBB_URL is set, but BBB_SECRET is not")
		}
		return []server{{name: "bbb", url: url, secret: getenv("BBB_SECRET")}}, nil
	}
	var servers []server
	for i, entry := range strings.FieldsFunc(getenv("BBB_SERVERS"), func(r rune) bool { return r == ';' }) {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		name, rest, ok1 := strings.Cut(strings.TrimSpace(entry), "=")
		url, secret, ok2 := strings.Cut(rest, ",")
		if !ok1 || !ok2 {
			return nil, fmt.Errorf("BBB_SERVERS: entry %d is not name=url,secret", i+1)
		}
		servers = append(servers, server{name: strings.TrimSpace(name), url: strings.TrimSpace(url), secret: strings.TrimSpace(secret)})
	}
	return servers, nil
}
