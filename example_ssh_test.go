package bbb_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// exampleMachines returns a group over three fake servers with fake machines under
// them, of which that of vienna is busy, and a function that closes it.
func exampleMachines(opts ...bbb.GroupOption) (group *bbb.Group, closeAll func()) {
	machines := make(map[string]*bbbtest.Machine)
	for _, name := range []string{"berlin", "boston", "vienna"} {
		machines[name] = bbbtest.NewMachine(name)
	}
	machines["vienna"].Change(func(m *bbbtest.MachineState) { m.User, m.System, m.Load1 = 85, 10, 7.5 })
	runner := bbb.RunnerFunc(func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		return machines[c.Server].Run(ctx, c.Argv, c.Stdin, c.Stdout, c.Stderr)
	})
	return exampleFleet(append(opts, bbb.WithRunner(runner))...)
}

// Where the machines are, and how ssh gets there. What is not said is left to the
// configuration of ssh.
func ExampleWithSSH() {
	group, err := bbb.NewGroup("school", bbb.WithSSH(bbb.SSH{
		User:           "monitor",
		IdentityFile:   "/etc/portal/monitor_ed25519",
		ControlPersist: 2 * time.Minute,
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer group.Close(context.Background())
	for _, name := range []string{"bbb1", "bbb2"} {
		if _, err := group.New(name, "https://"+name+".example.org", "SECRET"); err != nil {
			log.Fatal(err)
		}
	}
	// This one has another port, and is a name of the configuration of ssh.
	bbb3, err := group.New("bbb3", "https://bbb3.example.org", "SECRET",
		bbb.WithHost("bbb3-internal"), bbb.WithSSH(bbb.SSH{Port: 2222}))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(group.Len(), "machines, the last is", bbb3.Host())
	// Output: 3 machines, the last is bbb3-internal
}

// A command on one machine. That it failed is no error: its status says so.
func ExampleServer_SSHCommand() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, closeAll := exampleMachines()
	defer closeAll()
	server, _ := group.Server("berlin")

	result, err := server.SSHCommand(ctx, []string{"bbb-conf", "--check"}, nil)
	switch {
	case errors.Is(err, bbb.ErrSSH):
		fmt.Println("not reached:", err)
	case err != nil:
		log.Fatal(err)
	default:
		fmt.Printf("status %d, it said: %s", result.ExitStatus, result.Stderr)
	}
	// Output: status 127, it said: sh: 1: bbb-conf: not found
}

// A command on all machines at once.
func ExampleGroup_SSHCommand() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, closeAll := exampleMachines()
	defer closeAll()

	results, err := group.SSHCommand(ctx, []string{"hostname"}, nil)
	for _, r := range results {
		if r.Err == nil {
			fmt.Printf("%s: status %d, %s", r.Server.Name(), r.Value.ExitStatus, r.Value.Stdout)
		}
	}
	if err != nil {
		fmt.Println(err) // names those that were not reached
	}
	// Output:
	// berlin: status 0, berlin
	// boston: status 0, boston
	// vienna: status 0, vienna
}

// Every machine gets all of stdin: a file for all of them, or a script.
func ExampleGroup_SSHCommand_stdin() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, closeAll := exampleMachines()
	defer closeAll()

	results, err := group.SSHCommand(ctx, []string{"cat"}, strings.NewReader("The same for all.\n"))
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range results {
		fmt.Printf("%s: %s", r.Server.Name(), r.Value.Stdout)
	}
	// Output:
	// berlin: The same for all.
	// boston: The same for all.
	// vienna: The same for all.
}

// What the commands write is shown as it comes, each line after the name of its server.
func ExampleCommandOutput() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, closeAll := exampleMachines(bbb.WithWorkers(1)) // one after the other, for the order of the lines
	defer closeAll()

	_, err := group.SSHCommand(ctx, []string{"echo", "on", "my", "way"}, nil,
		bbb.CommandOutput(func(s *bbb.Server) (stdout, stderr io.Writer) {
			prefix := s.Name() + ": "
			return &prefixWriter{prefix: prefix, to: os.Stdout}, &prefixWriter{prefix: prefix, to: os.Stderr}
		}))
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// berlin: on my way
	// boston: on my way
	// vienna: on my way
}

// prefixWriter writes whole lines with a prefix.
type prefixWriter struct {
	prefix string
	to     io.Writer
	rest   []byte // begin of a line
}

func (w *prefixWriter) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		if _, err := fmt.Fprintf(w.to, "%s%s\n", w.prefix, line); err != nil {
			return 0, err
		}
		w.rest = rest
	}
}

// The shell of the machine expands what it gets. Words that are to arrive as they are
// have to be quoted.
func ExampleServer_SSHCommand_quoted() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	group, closeAll := exampleFleet(bbb.WithRunner(bbb.RunnerFunc(func(_ context.Context, c bbb.RemoteCommand) (int, error) {
		fmt.Println("the shell there reads:", strings.Join(c.Argv, " "))
		return 0, nil
	})))
	defer closeAll()
	server, _ := group.Server("berlin")

	file := "Ann's notes; rm -rf *.pdf"
	_, err := server.SSHCommand(ctx, []string{bbb.ShellQuote("ls", "-l", file)}, nil)
	if err != nil {
		log.Fatal(err)
	}
	// Output: the shell there reads: 'ls' '-l' 'Ann'\''s notes; rm -rf *.pdf'
}
