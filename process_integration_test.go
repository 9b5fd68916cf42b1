//go:build integration

package bbb_test

import (
	"bytes"
	"context"
	"os"
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

// osProc is one that runs on this machine, as /proc shows it.
type osProc struct {
	pid, parent int
	state       byte
	command     string // its words with blanks between
	env         []byte // empty for processes of others
}

// procs returns the running processes for which f is true. One that ended and
// that nobody has waited for is none.
func procs(f func(osProc) bool) []osProc {
	var list []osProc
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if p, ok := readProcess(dir); ok && p.state != 'Z' && p.state != 'X' && f(p) {
			list = append(list, p)
		}
	}
	return list
}

func readProcess(dir string) (p osProc, ok bool) {
	stat, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return p, false
	}
	p.pid, _ = strconv.Atoi(filepath.Base(dir))
	// The name, in parentheses, may hold anything.
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	if len(fields) < 2 {
		return p, false
	}
	p.state = fields[0][0]
	p.parent, _ = strconv.Atoi(fields[1])
	command, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
	p.command = string(bytes.TrimSpace(bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
	p.env, _ = os.ReadFile(filepath.Join(dir, "environ"))
	return p, true
}

// hasEnv tells whether a process was started with a variable.
func (p osProc) hasEnv(variable string) bool {
	return slices.ContainsFunc(bytes.Split(p.env, []byte{0}), func(b []byte) bool { return string(b) == variable })
}

// isSSHD tells whether it is sshd or one of the processes that it makes.
func (p osProc) isSSHD() bool {
	name, _, _ := strings.Cut(p.command, " ")
	return strings.HasPrefix(filepath.Base(name), "sshd")
}

func (p osProc) kill() { _ = syscall.Kill(p.pid, syscall.SIGKILL) }

// descendants returns the processes below one.
func descendants(pid int) []osProc {
	var found []osProc
	above := []int{pid}
	for all := procs(func(osProc) bool { return true }); len(above) > 0; {
		var next []int
		for _, p := range all {
			if slices.Contains(above, p.parent) {
				found = append(found, p)
				next = append(next, p.pid)
			}
		}
		above = next
	}
	return found
}

// clients returns the processes on our side that reach into the lab: ssh, and what
// ssh started. They all name a file of the lab.
func (l *lab) clients() []osProc {
	return procs(func(p osProc) bool {
		return strings.Contains(p.command, l.dir) && !p.isSSHD() && !p.hasEnv("LAB="+l.dir)
	})
}

// eventually waits until f is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	late := time.After(patience)
	for !f() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			require.FailNow(t, "it never came", what)
		}
	}
}

// await returns what comes from a channel.
func await[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		require.FailNow(t, "it never came")
	}
	return v
}

// closeNow closes a group without waiting for what goes on.
func closeNow(t testing.TB, g *bbb.Group) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, g.Close(ctx), context.Canceled)
}
