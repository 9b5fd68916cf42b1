//go:build unix

package bbb_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeSSHName is the name under which the test program is a fake of ssh. It runs what
// would be the command for the other machine itself: steps with ";" between them, see
// fakeStep. What it is to be like is in files beside it.
const fakeSSHName = "fake-ssh"

func init() { programs[fakeSSHName] = fakeSSH }

// fake is a program that takes itself for ssh, and what it tells.
type fakeProgram struct {
	path string
	dir  string
	at   net.Listener // where its processes say that they have begun
}

// newFakeSSH returns a fake of the release with that version line.
func newFakeSSH(t testing.TB, version string) *fakeProgram {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	dir, err := os.MkdirTemp("", "ssh") //nolint:usetesting // short: the path of a socket ends at 104 bytes
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	f := &fakeProgram{path: filepath.Join(dir, fakeSSHName), dir: dir}
	require.NoError(t, os.Symlink(self, f.path))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "version"), []byte(version), 0o600))
	f.at, err = new(net.ListenConfig).Listen(t.Context(), "unix", filepath.Join(dir, "at"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = f.at.Close() })
	return f
}

// server returns a server whose commands the fake runs.
func (f *fakeProgram) server(t testing.TB, opts ...bbb.GroupOption) *bbb.Server {
	t.Helper()
	g := newEmptyGroup(t, append([]bbb.GroupOption{bbb.WithRunner(bbb.OpenSSH{Program: f.path})}, opts...)...)
	s, err := g.New("bbb1", "https://bbb1.test", "secret-of-bbb1")
	require.NoError(t, err)
	return s
}

// calls returns the arguments of each run so far, without the questions for the release.
func (f *fakeProgram) calls(t testing.TB) (calls [][]string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "calls"))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		if args := strings.Split(strings.TrimSuffix(line, "\n"), "\x1f"); args[0] != "-V" {
			calls = append(calls, args)
		}
	}
	return calls
}

// sits has the questions for the release and new shared connections sit there until the
// file is removed.
func (f *fakeProgram) sits(t testing.TB) string {
	t.Helper()
	name := filepath.Join(f.dir, "sit")
	require.NoError(t, os.WriteFile(name, nil, 0o600))
	return name
}

// process is one that sits there. Its end is that of the connection.
type process struct {
	net.Conn
	pid int
}

// begun waits for a process that sits.
func (f *fakeProgram) begun(t testing.TB) process {
	t.Helper()
	conn, err := f.at.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var p process
	_, err = fmt.Fscanln(conn, &p.pid)
	require.NoError(t, err)
	p.Conn = conn
	return p
}

// end lets a process that sits go on.
func (p process) end(t testing.TB) {
	t.Helper()
	require.NoError(t, p.Conn.(*net.UnixConn).CloseWrite())
}

// requireGone waits until the process has ended.
func (p process) requireGone(t testing.TB) {
	t.Helper()
	require.NoError(t, p.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err := p.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF, "process %d is still there", p.pid)
}

// requireReaped is for a child of ours.
func (p process) requireReaped(t testing.TB) {
	t.Helper()
	p.requireGone(t)
	require.ErrorIs(t, syscall.Kill(p.pid, 0), syscall.ESRCH, "process %d is a zombie", p.pid)
}

// fakeSSH is the program.
func fakeSSH() int {
	dir, args := filepath.Dir(os.Args[0]), os.Args[1:]
	if os.Getenv("FAKE_MASTER") == "" {
		calls, err := os.OpenFile(filepath.Join(dir, "calls"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return 255
		}
		_, _ = calls.WriteString(strings.Join(args, "\x1f") + "\n")
		_ = calls.Close()
	}
	value := func(name string) string {
		if i := slices.Index(args, name); i >= 0 {
			return args[i+1]
		}
		return ""
	}
	switch line := args[len(args)-1]; {
	case line == "-V":
		if _, err := os.Stat(filepath.Join(dir, "sit")); err == nil {
			f := fakeSession{dir: dir}
			_, _ = io.Copy(io.Discard, f.present())
		}
		version, _ := os.ReadFile(filepath.Join(dir, "version"))
		_, _ = os.Stderr.Write(version)
		return 0
	case value("-O") == "exit":
		conn, err := new(net.Dialer).DialContext(context.Background(), "unix", value("-S"))
		if err != nil {
			return 255
		}
		_, _ = conn.Write([]byte("exit"))
		return 0
	case slices.Contains(args, "-N"):
		return fakeMaster(dir, value("-S"), value("-E"))
	default:
		f := fakeSession{dir: dir, log: value("-E"), notes: slices.ContainsFunc(args, func(a string) bool { return strings.HasPrefix(a, "LogVerbose=") })}
		for step := range strings.SplitSeq(line, ";") {
			name, rest, _ := strings.Cut(strings.TrimSpace(step), " ")
			if status := f.step(name, rest); status >= 0 {
				return status
			}
		}
		return f.exit(0)
	}
}

// fakeSession is one command.
type fakeSession struct {
	dir   string
	log   string
	notes bool
}

func (f *fakeSession) say(format string, args ...any) {
	if log, err := os.OpenFile(f.log, os.O_APPEND|os.O_WRONLY, 0); err == nil {
		_, _ = fmt.Fprintf(log, format+"\r\n", args...)
		_ = log.Close()
	}
}

// note writes what a release since 8.5 writes when it is asked to.
func (f *fakeSession) note(function, format string, args ...any) {
	if f.notes {
		f.say("debug1: clientloop.c:"+function+"():1290 (bin=ssh, pid=7): "+format, args...)
	}
}

func (f *fakeSession) exit(status int) int {
	f.note("client_loop", "Entering interactive session.")
	f.note("client_input_channel_req", "client_input_channel_req: channel 0 rtype exit-status reply 0")
	f.note("client_loop", "Exit status %d", status)
	return status
}

// step does one thing. It returns the status to end with, or -1.
func (f *fakeSession) step(name, rest string) int {
	n, _ := strconv.Atoi(rest)
	switch name {
	case "out":
		_, _ = os.Stdout.WriteString(rest)
	case "err":
		_, _ = os.Stderr.WriteString(rest)
	case "zeros":
		_, _ = io.CopyN(os.Stdout, zeroBytes{}, int64(n))
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "read":
		_, _ = io.CopyN(io.Discard, os.Stdin, int64(n))
	case "exit":
		return f.exit(n)
	case "say":
		f.say("%s", rest)
	case "fail":
		return 255
	case "lost":
		f.note("client_loop", "Entering interactive session.")
		f.note("client_loop", "Exit status -1")
		return 255
	case "killed":
		f.note("client_loop", "Entering interactive session.")
		f.note("client_input_channel_req", "client_input_channel_req: channel 0 rtype exit-signal reply 0")
		f.note("client_loop", "Exit status -1")
		return 255
	case "mux-lost":
		f.say("debug2: mux.c:mux_client_request_session():2046 (pid=7): Control master terminated unexpectedly")
		return 255
	case "mux-refused":
		f.say("mux.c:mux_client_request_session():1978 (bin=ssh, pid=7): session request failed: Session open refused by peer")
	case "mux-exit":
		f.say("debug2: mux.c:mux_client_request_session():2049 (pid=7): Received exit status from master %d", n)
		return n
	case "suicide":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	case "stubborn":
		signal.Ignore(syscall.SIGTERM, syscall.SIGHUP)
	case "env":
		_, _ = os.Stdout.WriteString(os.Getenv(rest))
	case "show":
		text, _ := os.ReadFile(rest)
		_, _ = os.Stdout.Write(text)
	case "sit":
		_, _ = io.Copy(io.Discard, f.present())
	case "child": // as a ProxyCommand would be, with our stdout and stderr
		child := exec.CommandContext(context.Background(), os.Args[0], "-E", "", "--", "host", "stubborn; sit")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		if err := child.Start(); err != nil {
			return 254
		}
	default:
		return 127
	}
	return -1
}

// present says to the test that the process is there.
func (f *fakeSession) present() net.Conn {
	conn, err := new(net.Dialer).DialContext(context.Background(), "unix", filepath.Join(f.dir, "at"))
	if err != nil {
		os.Exit(254)
	}
	_, _ = fmt.Fprintln(conn, os.Getpid())
	return conn
}

// zeroBytes is a source of zeros.
type zeroBytes struct{}

func (zeroBytes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// fakeMaster goes into the background when it listens. It ends when it is told to, and
// when the test forgets to.
func fakeMaster(dir, socket, log string) int {
	if _, err := os.Stat(filepath.Join(dir, "sit")); err == nil {
		f := fakeSession{dir: dir}
		_, _ = io.Copy(io.Discard, f.present())
	}
	if words, err := os.ReadFile(filepath.Join(dir, "refuse")); err == nil {
		f := fakeSession{dir: dir, log: log}
		f.say("%s", words)
		return 255
	}
	socket = strings.ReplaceAll(socket, "%%", "%")
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", socket)
	if err != nil {
		return 255
	}
	if os.Getenv("FAKE_MASTER") == "" {
		_ = l.Close()
		child := exec.CommandContext(context.Background(), os.Args[0], os.Args[1:]...)
		child.Env = append(os.Environ(), "FAKE_MASTER=1")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		ready, err := child.StdoutPipe()
		if err != nil || child.Start() != nil {
			return 255
		}
		_, _ = ready.Read(make([]byte, 1))
		return 0
	}
	_, _ = os.Stdout.WriteString("!")
	time.AfterFunc(time.Minute, func() { os.Exit(1) })
	for {
		conn, err := l.Accept()
		if err != nil {
			return 255
		}
		go func() {
			if text, _ := io.ReadAll(conn); string(text) == "exit" {
				os.Exit(0)
			}
		}()
	}
}
