//go:build integration

package bbb_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// patience bounds how long a test waits for what must come. It is no claim about
// speed: a busy machine may take long, a thing that never comes must fail the test.
const patience = time.Minute

// A lab has machines that are reached with the system's own ssh: each is an sshd on a
// loopback port with a host key of its own. Keys, known hosts and the configuration of
// ssh are of the lab alone, and sshd runs as the present user.
type lab struct {
	dir      string
	user     string
	config   string // of ssh, for SSH.ConfigFile
	machines map[string]*machine
}

// machine is an sshd.
type machine struct {
	name string
	lab  *lab
	port int
	dir  string
	cmd  *exec.Cmd
	out  *lines // what sshd says
}

// newLab starts machines and tells ssh of them by their names.
func newLab(t testing.TB, names ...string) *lab {
	t.Helper()
	me, err := user.Current()
	require.NoError(t, err)
	l := &lab{dir: t.TempDir(), user: me.Username, machines: make(map[string]*machine)}
	l.config = l.path("ssh_config")
	require.NoError(t, os.Mkdir(l.path("home"), 0o700))
	l.key(t, "user_key")
	l.write(t, "authorized_keys", l.read(t, "user_key.pub"))
	for _, name := range names {
		l.start(t, name)
	}
	l.configure(t)
	return l
}

func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

func (l *lab) write(t testing.TB, name, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(l.path(name), []byte(text), 0o600))
	return l.path(name)
}

// script makes a program for /bin/sh.
func (l *lab) script(t testing.TB, name, text string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(l.path(name)), 0o700))
	require.NoError(t, os.WriteFile(l.path(name), []byte("#!/bin/sh\n"+text), 0o700))
	return l.path(name)
}

func (l *lab) read(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(l.path(name))
	require.NoError(t, err)
	return string(text)
}

// key makes a pair of keys.
func (l *lab) key(t testing.TB, name string) string {
	t.Helper()
	run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "key of a test", "-f", l.path(name))
	return l.path(name)
}

// configure writes the configuration of ssh: a Host for each machine, more lines that
// come before what holds for all, and the known hosts.
func (l *lab) configure(t testing.TB, more ...string) {
	t.Helper()
	var config, known strings.Builder
	for _, line := range more {
		fmt.Fprintln(&config, line)
	}
	for _, m := range l.machines {
		fmt.Fprintf(&config, "Host %s\n\tHostName 127.0.0.1\n\tPort %d\n", m.name, m.port)
		fmt.Fprintf(&known, "[127.0.0.1]:%d %s", m.port, l.read(t, m.name+"/host_key.pub"))
	}
	l.write(t, "known_hosts", known.String())
	fmt.Fprintf(&config, "Host *\n\tUser %s\n\tIdentityFile %s\n\tIdentitiesOnly yes\n\tIdentityAgent none\n", l.user, l.path("user_key"))
	fmt.Fprintf(&config, "\tUserKnownHostsFile %s\n\tGlobalKnownHostsFile /dev/null\n\tStrictHostKeyChecking yes\n", l.path("known_hosts"))
	l.write(t, "ssh_config", config.String())
}

// start starts a machine with more lines for the configuration of its sshd. The first
// ones win, as sshd reads it.
func (l *lab) start(t testing.TB, name string, more ...string) *machine {
	t.Helper()
	m := &machine{name: name, lab: l, dir: l.path(name), out: new(lines)}
	require.NoError(t, os.MkdirAll(m.dir, 0o700))
	l.key(t, name+"/host_key")
	sshd := program(t, "sshd")
	config := strings.Join(append(more,
		"HostKey "+l.path(name+"/host_key"),
		"AuthorizedKeysFile "+l.path("authorized_keys"),
		// Shells read no start-up files of the account: such as are killed while they run
		// may leave something behind, and some print.
		"SetEnv LAB="+l.dir+" HOME="+l.path("home"),
		"AuthenticationMethods publickey", "PermitRootLogin prohibit-password", "UsePAM no",
		"StrictModes no", // directories for temporary files may be written to by everybody
		"PidFile none", "UseDNS no", "LogLevel VERBOSE", "MaxStartups 100", "MaxSessions 100",
	), "\n") + "\n"
	file := l.write(t, name+"/sshd_config", config)
	mendRunDir(t, sshd, file)
	// Since OpenSSH 9.8, an address from which many logins fail is shut out.
	if testConfig(sshd, file, "-o", "PerSourcePenalties=no") == nil {
		file = l.write(t, name+"/sshd_config", config+"PerSourcePenalties no\n")
	}

	// Somebody else may take the port between the moment when it was free and the start.
	for range 5 {
		m.port = freePort(t)
		if m.run(t, sshd, file) {
			l.machines[name] = m
			return m
		}
	}
	require.FailNow(t, "sshd does not start", m.out.String())
	return nil
}

// run starts sshd, and tells whether it listens.
func (m *machine) run(t testing.TB, sshd, config string) bool {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	m.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), sshd, "-D", "-e", "-f", config,
		"-o", "ListenAddress=127.0.0.1:"+strconv.Itoa(m.port))
	m.cmd.Stderr = w
	// A signal from the keyboard is for the tests; sshd does not outlive them.
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, m.cmd.Start())
	require.NoError(t, w.Close())
	read := after(func() { m.out.copy(r) })
	exited := after(func() { _ = m.cmd.Wait() })
	t.Cleanup(func() {
		m.stop(exited)
		m.lab.sweep(t)
		<-read // nobody has the other end any more
		assert.NoError(t, r.Close())
		if t.Failed() {
			t.Logf("sshd of %s said:\n%s", m.name, m.out)
		}
	})
	select {
	case <-m.out.has(regexp.MustCompile(`Server listening on`)):
		return true
	case <-exited:
		return false
	case <-time.After(patience):
		require.FailNow(t, "sshd says nothing", m.out.String())
		return false
	}
}

// stop ends sshd, and what it runs for connections. It is halted first: nobody comes
// in while those are looked for.
func (m *machine) stop(exited <-chan struct{}) {
	_ = m.cmd.Process.Signal(syscall.SIGSTOP)
	below := descendants(m.cmd.Process.Pid)
	_ = m.cmd.Process.Kill()
	<-exited
	for _, p := range below {
		p.kill()
	}
}

// sweep ends the commands that outlived their connections, and shows that nothing is
// left of the lab. Commands have the variable LAB, whatever became of their parents.
func (l *lab) sweep(t testing.TB) {
	eventually(t, "no process of the lab is left", func() bool {
		left := procs(func(p osProc) bool { return p.hasEnv("LAB=" + l.dir) })
		for _, p := range left {
			p.kill()
		}
		return len(left) == 0
	})
}

// logins returns how many logins sshd has accepted.
func (m *machine) logins() int { return m.out.count(regexp.MustCompile(`Accepted publickey`)) }

// hangUp ends all connections without a word, and leaves the commands running.
func (m *machine) hangUp() {
	for _, p := range descendants(m.cmd.Process.Pid) {
		if p.isSSHD() {
			p.kill()
		}
	}
}

// connected tells whether anybody is connected.
func (m *machine) connected() bool { return len(descendants(m.cmd.Process.Pid)) > 0 }

// mendRunDir makes the directory that sshd wants to have when it runs as root; the
// package leaves that to the start of the system.
func mendRunDir(t testing.TB, sshd, config string) {
	t.Helper()
	err := testConfig(sshd, config)
	if err == nil {
		return
	}
	dir := regexp.MustCompile(`Missing privilege separation directory: (\S+)`).FindStringSubmatch(err.Error())
	require.NotNil(t, dir, "sshd -t: %v", err)
	require.NoError(t, os.MkdirAll(dir[1], 0o755))
	require.NoError(t, testConfig(sshd, config))
}

func testConfig(sshd, config string, more ...string) error {
	out, err := exec.Command(sshd, append([]string{"-t", "-f", config}, more...)...).CombinedOutput() //nolint:noctx // ends at once
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// freePort returns a port that was free a moment ago.
func freePort(t testing.TB) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().(*net.TCPAddr).Port
}

// group returns a group of servers whose machines are those of the lab with the same
// names.
func (l *lab) group(t testing.TB, how bbb.SSH, names ...string) *bbb.Group {
	t.Helper()
	how.ConfigFile = cmp.Or(how.ConfigFile, l.config)
	var fakes []*bbbtest.Server
	for _, name := range names {
		fakes = append(fakes, newFake(t, name))
	}
	g := newEmptyGroup(t, bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)}), bbb.WithSSH(how))
	for _, f := range fakes {
		addServer(t, g, f, bbb.WithHost(f.Name()))
	}
	return g
}

// server is a group of one.
func (l *lab) server(t testing.TB, how bbb.SSH, name string) *bbb.Server {
	t.Helper()
	return server(t, l.group(t, how, name), name)
}

// program returns the path of a program that must be there.
func program(t testing.TB, name string, dirs ...string) string {
	t.Helper()
	for _, dir := range append(dirs, append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin")...) {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path
		}
	}
	require.FailNow(t, "a program is missing", "%s; .ci/run ssh installs what these tests need", name)
	return ""
}

// run runs a program that must succeed and returns its output.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t, name), args...).CombinedOutput()
	require.NoError(t, err, "%s: %s", name, out)
	return string(out)
}

// lines are what a program says, with a way to wait for it.
type lines struct {
	mu    sync.Mutex // protects the fields below
	list  []string
	waits []lineWait
}

type lineWait struct {
	pattern *regexp.Regexp
	found   chan struct{}
}

// copy takes the lines of r until its end.
func (l *lines) copy(r *os.File) {
	for s := bufio.NewScanner(r); s.Scan(); {
		l.add(string(bytes.TrimRight(s.Bytes(), "\r")))
	}
}

func (l *lines) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, line)
	l.waits = slices.DeleteFunc(l.waits, func(w lineWait) bool {
		if !w.pattern.MatchString(line) {
			return false
		}
		close(w.found)
		return true
	})
}

// has returns a channel that is closed when there is such a line.
func (l *lines) has(pattern *regexp.Regexp) <-chan struct{} {
	found := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	if slices.ContainsFunc(l.list, pattern.MatchString) {
		close(found)
	} else {
		l.waits = append(l.waits, lineWait{pattern, found})
	}
	return found
}

func (l *lines) count(pattern *regexp.Regexp) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.list {
		if pattern.MatchString(line) {
			n++
		}
	}
	return n
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.list, "\n")
}
