package bbb

import (
	"context"
	"fmt"
	"io"
	"sync"
)

// commandOutput is where one of stdout and stderr of a command goes: to a writer of the
// caller, or into memory.
type commandOutput struct {
	name  string
	to    io.Writer // nil: kept
	limit int64
	stop  context.CancelCauseFunc

	mu   sync.Mutex // protects kept and over; not held while others write
	kept []byte
	over error // why nothing more is taken
}

// outputs returns where the output goes.
func (cfg *commandConfig) outputs(s *Server, stop context.CancelCauseFunc) (stdout, stderr *commandOutput) {
	stdout = &commandOutput{name: "stdout", limit: cfg.limit, stop: stop}
	stderr = &commandOutput{name: "stderr", limit: cfg.limit, stop: stop}
	if cfg.output != nil {
		stdout.to, stderr.to = cfg.output(s)
	}
	return stdout, stderr
}

func (o *commandOutput) Write(p []byte) (int, error) {
	if o.to == nil {
		return o.keep(p)
	}
	o.mu.Lock()
	over := o.over
	o.mu.Unlock()
	if over != nil {
		return 0, over
	}
	return o.to.Write(p)
}

func (o *commandOutput) keep(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over != nil {
		return 0, o.over
	}
	room := o.limit - int64(len(o.kept))
	if int64(len(p)) <= room {
		o.kept = append(o.kept, p...)
		return len(p), nil
	}
	o.kept = append(o.kept, p[:room]...)
	o.over = fmt.Errorf("%w: more than %d bytes of %s", ErrOutputTooLarge, o.limit, o.name)
	// Not every Runner ends the command because a writer failed.
	o.stop(o.over)
	return int(room), o.over
}

// take returns what was kept. Nothing is taken after that: the Runner has returned.
func (o *commandOutput) take() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.over == nil {
		o.over = io.ErrClosedPipe
	}
	return o.kept
}
