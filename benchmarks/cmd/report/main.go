// Command report measures the speed of the library, prints the tables and writes
// them into benchmarks/RESULTS.md:
//
//	go run ./benchmarks/cmd/report -quick
//
// It only starts the program in benchmarks/suite, which is a module of its own: what
// it compares the library with must not become a dependency of the library's users.
// The arguments are passed on; -help tells them.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

// run builds the program and starts it. With "go run" the program would outlive us when we are interrupted: only
// the go command would be told.
func run(ctx context.Context, args []string) error {
	dir, err := suite()
	if err != nil {
		return err
	}
	built, err := os.MkdirTemp("", "benchmarks")
	if err != nil {
		return err
	}
	defer os.RemoveAll(built) //nolint:errcheck // a directory of temporary files
	program := filepath.Join(built, "suite")
	if err := command(ctx, dir, "go", "build", "-o", program, ".").Run(); err != nil {
		return fmt.Errorf("building: %w", err)
	}
	return command(ctx, dir, program, args...).Run()
}

// command is a command in a directory, which is asked to end with ctx.
func command(ctx context.Context, dir, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the go command, and what it built
	cmd.Dir = dir
	// A workspace around the checkout must not choose the versions.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// suite finds the directory of the measuring program in the one that we are in or above.
func suite() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		found := filepath.Join(dir, "benchmarks", "suite")
		if _, err := os.Stat(filepath.Join(found, "go.mod")); err == nil {
			return found, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("run it within a checkout of the repository")
		}
		dir = up
	}
}
