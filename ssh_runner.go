package bbb

import (
	"context"
	"io"
)

// RemoteCommand is one command for the machine of a server, as a [Runner] gets it.
type RemoteCommand struct {
	Server string    // name of the server
	Host   string    // see [WithHost]; never empty, never beginning with "-"
	SSH    SSH       // how to get there
	Argv   []string  // never empty; a remote shell will join and expand it
	Stdin  io.Reader // nil is an empty one
	Stdout io.Writer // never nil
	Stderr io.Writer // never nil; for what the command writes, not for ssh's own words
}

// A Runner runs commands on machines. The default runs the system's ssh; others may
// use a library, or an agent that is there already, and tests a function.
//
// Run returns when the command has ended, with its exit status; a status other than 0
// is no error. Errors are for what kept it from running to its end. It returns when ctx
// ends, with nothing left of its own running. It is safe for concurrent use.
type Runner interface {
	Run(ctx context.Context, c RemoteCommand) (exitStatus int, err error)
}

// RunnerFunc is a function that is a [Runner].
type RunnerFunc func(ctx context.Context, c RemoteCommand) (exitStatus int, err error)

// Run calls f.
func (f RunnerFunc) Run(ctx context.Context, c RemoteCommand) (int, error) { return f(ctx, c) }
