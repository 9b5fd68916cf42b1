package bbb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// leaveDelay is how long a Read or Write of the caller may go on that is under way when
// everything else has ended.
const leaveDelay = 100 * time.Millisecond

// sshPipes are stdin, stdout and stderr of ssh. Not os/exec but we copy: its Wait would
// wait for a Read of stdin that blocks, for a Write that blocks, and for processes in
// the background that keep a pipe open, or cut off what a slow writer did not take yet.
type sshPipes struct {
	stdin  *stdinPipe // nil: there is none
	stdout *outputPipe
	stderr *outputPipe
	theirs []*os.File // the ends of ssh
}

func openPipes(cmd *exec.Cmd, stdin io.Reader, stdout, stderr io.Writer) (*sshPipes, error) {
	p := &sshPipes{
		stdout: &outputPipe{name: "stdout", to: stdout, done: make(chan struct{})},
		stderr: &outputPipe{name: "stderr", to: stderr, done: make(chan struct{})},
	}
	for _, out := range []*outputPipe{p.stdout, p.stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			p.started()
			p.close()
			return nil, err
		}
		out.r, p.theirs = r, append(p.theirs, w)
	}
	cmd.Stdout, cmd.Stderr = p.theirs[0], p.theirs[1]
	if stdin == nil {
		return p, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		p.started()
		p.close()
		return nil, err
	}
	cmd.Stdin, p.theirs = r, append(p.theirs, r)
	p.stdin = &stdinPipe{w: w, from: stdin, done: make(chan struct{})}
	return p, nil
}

// started closes the ends that ssh has by now.
func (p *sshPipes) started() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
}

// close closes our ends.
func (p *sshPipes) close() {
	for _, out := range []*outputPipe{p.stdout, p.stderr} {
		if out.r != nil {
			_ = out.r.Close()
		}
	}
	if p.stdin != nil {
		_ = p.stdin.w.Close()
	}
}

// copy begins to copy. stop is told what fails.
func (p *sshPipes) copy(stop context.CancelCauseFunc) {
	go p.stdout.copy(stop)
	go p.stderr.copy(stop)
	if p.stdin != nil {
		go p.stdin.copy(stop)
	}
}

// finish is for when ssh has ended. It waits until the output that is left is written,
// or ctx ends.
func (p *sshPipes) finish(ctx context.Context) {
	if p.stdin != nil {
		p.stdin.ended.Store(true)
		_ = p.stdin.w.Close() // wakes a write
		if r, ok := p.stdin.from.(*stdinReader); ok {
			r.close() // wakes a read
		}
		select {
		case <-p.stdin.done:
		case <-time.After(leaveDelay): // a Read that blocks
		}
	}
	var leave <-chan time.Time
	gone := ctx.Done()
	for _, out := range []*outputPipe{p.stdout, p.stderr} {
		out.ended.Store(true)
		_ = out.r.SetReadDeadline(time.Unix(1, 0)) // wakes a read; an error: it ends with the pipe
	}
	for _, out := range []*outputPipe{p.stdout, p.stderr} {
		for written := false; !written; {
			select {
			case <-out.done:
				written = true
			case <-gone:
				gone, leave = nil, time.After(leaveDelay)
			case <-leave: // a Write that blocks
				p.close()
				return
			}
		}
	}
	p.close()
}

// outputPipe is stdout or stderr.
type outputPipe struct {
	name  string
	r     *os.File
	to    io.Writer
	ended atomic.Bool // ssh has: what is in the pipe is all there will be
	done  chan struct{}
}

func (o *outputPipe) copy(stop context.CancelCauseFunc) {
	defer close(o.done)
	buf := make([]byte, 32<<10)
	for {
		n, err := o.r.Read(buf)
		if n == 0 && o.ended.Load() && errors.Is(err, os.ErrDeadlineExceeded) {
			// Somebody else may keep the pipe open, such as the ssh in the background that
			// shares its connection. That it is empty is the end, not that it is closed.
			if err = o.r.SetReadDeadline(time.Time{}); err == nil {
				n, err = readNow(o.r, buf)
			}
			if n == 0 {
				return
			}
			_ = o.r.SetReadDeadline(time.Unix(1, 0))
		}
		if n > 0 {
			written, failed := o.to.Write(buf[:n])
			if failed == nil && written < n {
				failed = io.ErrShortWrite
			}
			if failed != nil {
				stop(fmt.Errorf("cannot write its %s: %w", o.name, failed))
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// stdinPipe is stdin.
type stdinPipe struct {
	w     *os.File
	from  io.Reader
	ended atomic.Bool // ssh has: nothing more is read
	done  chan struct{}
	err   error // of from
}

func (i *stdinPipe) copy(stop context.CancelCauseFunc) {
	defer close(i.done)
	// An error of the pipe is that of a command which reads no more.
	_, _ = io.Copy(struct{ io.Writer }{i.w}, struct{ io.Reader }{i})
	if i.err != nil {
		// The pipe stays open until ssh is stopped: with a proper end of its input the command
		// might come to a proper end, too, and what ssh says of it would hide this error.
		stop(fmt.Errorf("cannot read its stdin: %w", i.err))
		return
	}
	_ = i.w.Close()
}

// Read reads for copy, and remembers whose error it was.
func (i *stdinPipe) Read(p []byte) (int, error) {
	if i.ended.Load() {
		return 0, io.EOF
	}
	n, err := i.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !i.ended.Load() { // or nobody needed it
		i.err = err
	}
	return n, err
}

// headWriter remembers the beginning of what is written.
type headWriter struct {
	to   io.Writer
	kept []byte
}

func (h *headWriter) Write(p []byte) (int, error) {
	h.kept = append(h.kept, p[:min(len(p), shownText-len(h.kept))]...)
	return h.to.Write(p)
}
