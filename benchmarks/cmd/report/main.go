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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "report:", err)
		os.Exit(1) //nolint:gocritic // nothing is left to be undone
	}
}

func run(ctx context.Context, args []string) error {
	dir, err := suite()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", "."}, args...)...) //nolint:gosec // the arguments are those of who started us
	cmd.Dir = dir
	// A workspace around the checkout must not choose the versions.
	cmd.Env = append(os.Environ(), "GOWORK=off")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Run()
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
