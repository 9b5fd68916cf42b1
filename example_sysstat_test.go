package bbb_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os/exec"
	"time"

	"github.com/bbbgroup/bbb"
)

// How busy the machines are. A machine without the sysstat package is read all the same,
// and its Problem says so.
func ExampleGroup_SysStat() {
	ctx := context.Background()
	group, closeAll := exampleMachines()
	defer closeAll()

	results, err := group.SysStat(ctx)
	for _, r := range results {
		if r.Err == nil {
			load := r.Value.MachineLoad()
			fmt.Printf("%s: CPUs %.0f %%, memory %.0f %%\n", r.Server.Name(), 100*load.CPU, 100*load.Memory)
		}
	}
	if err != nil {
		fmt.Println(err) // names those that were not read
	}
	// Output:
	// berlin: CPUs 10 %, memory 25 %
	// boston: CPUs 10 %, memory 25 %
	// vienna: CPUs 95 %, memory 25 %
}

// A new meeting does not go to a machine that is busy, although there is no meeting on
// it.
func ExampleCheckMachine() {
	ctx := context.Background()
	group, closeAll := exampleMachines(bbb.WithSSH(bbb.SSH{User: "monitor"}))
	defer closeAll()

	// A program that runs for long leaves this to Group.Run.
	if err := group.Refresh(ctx); err != nil {
		log.Fatal(err)
	}
	for _, s := range group.Rank(ctx, bbb.Criteria{}).Servers {
		fmt.Printf("%s %.1f\n", s.Server, s.Score)
	}
	// Output:
	// berlin 10.0
	// boston 10.0
	// vienna 1.0
}

// Commands need not go through ssh. This runner hands them to the machine that the
// program itself is on, as for a portal beside its only server.
func ExampleRunnerFunc() {
	here := func(ctx context.Context, c bbb.RemoteCommand) (int, error) {
		cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, c.Stdout, c.Stderr
		cmd.WaitDelay = time.Second
		err := cmd.Run()
		if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.Exited() {
			return exit.ExitCode(), nil // it ran: its status is no error
		}
		return 0, err
	}
	group, err := bbb.NewGroup("school", bbb.WithSSH(bbb.SSH{}), bbb.WithRunner(bbb.RunnerFunc(here)))
	if err != nil {
		log.Fatal(err)
	}
	defer group.Close(context.Background())
	fmt.Println(group.Name())
	// Output: school
}
