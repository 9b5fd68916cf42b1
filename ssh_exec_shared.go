package bbb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// askTimeout bounds the questions to the ssh program that need no network.
	askTimeout = 5 * time.Second
	// socketDirLength is how long the path of the directory may be: that of a socket ends
	// at 104 bytes on some systems, of which ssh uses 17 while it makes one.
	socketDirLength = 70
)

// sshShared is what the commands of a group have in common: what is known of the ssh
// program, and the connections that are kept open for more than one of them.
type sshShared struct {
	starting keyLocks // by program and by socket

	closing sync.Once

	mu       sync.Mutex // protects the fields below
	closed   bool       // nothing is shared any more
	releases map[string]sshRelease
	dir      string // of the sockets; empty: not made yet
	masters  map[string]*sshMaster
}

// sshMaster is a connection that commands share. A process in the background holds it,
// and ends by itself when it was idle for long enough.
type sshMaster struct {
	program  string
	args     sshArgs
	failures atomic.Int64 // of making it
	failed   error        // the last one; belongs to who holds the lock of the socket
}

// release returns which OpenSSH the program is. It asks it once.
func (sh *sshShared) release(ctx context.Context, program string) (sshRelease, error) {
	known := func() (sshRelease, bool) {
		sh.mu.Lock()
		defer sh.mu.Unlock()
		r, ok := sh.releases[program]
		return r, ok
	}
	if r, ok := known(); ok {
		return r, nil
	}
	unlock, err := sh.starting.lock(ctx, "release of "+program)
	if err != nil {
		return sshRelease{}, err
	}
	defer unlock()
	if r, ok := known(); ok {
		return r, nil
	}
	log := newSSHLog()
	defer log.remove()
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	switch err := askSSH(asking, program, log, "-V"); {
	case ctx.Err() != nil:
		return sshRelease{}, ended(ctx)
	case asking.Err() != nil:
		return sshRelease{}, nil // too busy for that; asked again next time
	case err != nil && !isExit(err):
		return sshRelease{}, fmt.Errorf("%w: %w", ErrSSH, err)
	}
	// One that fails or says something else is no OpenSSH, and may run commands all the same.
	r := parseSSHRelease(log.tail())
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.releases == nil {
		sh.releases = make(map[string]sshRelease)
	}
	sh.releases[program] = r
	return r, nil
}

// connect returns the socket of a connection that commands with these arguments share.
// It makes the connection when there is none. The socket is empty when there is no place
// for it: then nothing is shared.
func (sh *sshShared) connect(ctx context.Context, program string, args sshArgs) (socket string, err error) {
	m := sh.master(program, args)
	if m == nil {
		return "", nil
	}
	socket = m.args.socket
	if m.there(ctx) {
		return socket, nil
	}
	before := m.failures.Load()
	unlock, err := sh.starting.lock(ctx, socket)
	if err != nil {
		return "", err
	}
	defer unlock()
	if m.there(ctx) {
		return socket, nil
	}
	if m.failures.Load() != before {
		return "", m.failed // those who waited need not each find out
	}
	if err := m.start(ctx); err != nil {
		if ctx.Err() == nil { // the next one has other patience
			m.failed = err
			m.failures.Add(1)
		}
		return "", err
	}
	return socket, nil
}

// master returns the connection for commands with these arguments, made or not; nil when
// there is no directory for its socket, or the group is closed.
func (sh *sshShared) master(program string, args sshArgs) *sshMaster {
	key := strings.Join(append(args.connect(), program), "\x00")
	sh.mu.Lock()
	defer sh.mu.Unlock()
	// Some systems clean their temporary directories of what was not used for days.
	if _, err := os.Lstat(sh.dir); errors.Is(err, os.ErrNotExist) {
		sh.dir, sh.masters = "", nil
	}
	if m := sh.masters[key]; m != nil {
		return m
	}
	if sh.closed {
		return nil
	}
	if sh.dir == "" {
		dir, err := os.MkdirTemp("", "bbb-ssh-") // for us alone: 0700
		if err == nil && len(dir) > socketDirLength {
			_ = os.Remove(dir)
			dir, err = os.MkdirTemp("/tmp", "bbb-ssh-")
		}
		if err != nil {
			return nil
		}
		sh.dir, sh.masters = dir, make(map[string]*sshMaster)
	}
	args.socket = filepath.Join(sh.dir, strconv.Itoa(len(sh.masters)+1))
	args.command = &RemoteCommand{Host: args.command.Host, SSH: args.command.SSH} // not what this one wrote
	m := &sshMaster{program: program, args: args}
	sh.masters[key] = m
	return m
}

// close ends the connections, and returns when they have ended. It may be called again. A
// Runner that runs a command later gets a connection of its own for that.
func (sh *sshShared) close() { sh.closing.Do(sh.disconnect) }

func (sh *sshShared) disconnect() {
	sh.mu.Lock()
	dir, masters := sh.dir, sh.masters
	sh.dir, sh.masters, sh.closed = "", nil, true
	sh.mu.Unlock()
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), askTimeout)
	defer cancel()
	var stopping sync.WaitGroup
	for _, m := range masters {
		stopping.Go(func() { m.stop(ctx) })
	}
	stopping.Wait()
	_ = os.RemoveAll(dir) // a temporary directory
}

// dial returns a connection to the process.
func (m *sshMaster) dial(ctx context.Context) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, "unix", m.args.socket)
}

// there reports whether there is a process. One that cannot take a connection at the
// moment is there too: the ssh of a command gets by without it.
func (m *sshMaster) there(ctx context.Context) bool {
	conn, err := m.dial(ctx)
	if err == nil {
		_ = conn.Close()
	}
	return !errors.Is(err, os.ErrNotExist) && !errors.Is(err, syscall.ECONNREFUSED)
}

// start makes the connection. Nobody listens at the socket.
func (m *sshMaster) start(ctx context.Context) error {
	// A process that was killed has left it. The next one would not take it, but stay in the
	// background for ever with a connection that nobody uses and nobody ends.
	if err := os.Remove(m.args.socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%w: %w", ErrSSH, err)
	}
	log := newSSHLog()
	defer log.remove()
	args := m.args
	args.log = log.name
	err := askSSH(ctx, m.program, log, args.connect()...)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ended(ctx)
	case !isExit(err):
		return fmt.Errorf("%w: %w", ErrSSH, err)
	}
	notes := log.read()
	return fmt.Errorf("%w: %s", ErrSSH, cmp.Or(notes.text(), err.Error()))
}

// stop ends the process and waits until it is gone.
func (m *sshMaster) stop(ctx context.Context) {
	conn, err := m.dial(ctx)
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // nothing was written
	log := newSSHLog()
	defer log.remove()
	args := m.args
	args.log = log.name
	if askSSH(ctx, m.program, log, args.disconnect()...) != nil {
		return // it ends when it was idle for long enough
	}
	if deadline, ok := ctx.Deadline(); ok && conn.SetReadDeadline(deadline) == nil {
		_, _ = io.Copy(io.Discard, conn) // ends with the process
	}
}

// askSSH runs ssh for something other than a command. Its words go into the log, also
// those of a proxy. That is a file, so nobody waits for what stays in the background.
func askSSH(ctx context.Context, program string, log *sshLog, args ...string) error {
	cmd := command(ctx, program, args...)
	cmd.Stderr = &log.kept
	if log.name != "" {
		f, err := os.OpenFile(log.name, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // ssh wrote to it
		cmd.Stderr = f
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	err := cmd.Wait()
	if ctx.Err() != nil {
		killGroup(cmd.Process.Pid)
	}
	return err
}

func isExit(err error) bool {
	_, ok := errors.AsType[*exec.ExitError](err)
	return ok
}
