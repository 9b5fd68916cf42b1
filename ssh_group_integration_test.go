//go:build integration

package bbb_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"math/rand/v2"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestRealSSHGroup shows a command on all machines of a group of which one is down and
// one hangs: the others get all of the input and are done while that one hangs, and the
// error names the two.
func TestRealSSHGroup(t *testing.T) {
	t.Parallel()
	l := newLab(t, "m1", "m2", "m3")
	letGo := make(chan struct{})
	hangs := serve(t, func(net.Conn) { <-letGo })
	release := sync.OnceFunc(func() { close(letGo) })
	t.Cleanup(release)
	at := func(name string, port int) string {
		return "Host " + name + "\n\tHostName 127.0.0.1\n\tPort " + strconv.Itoa(port)
	}
	l.configure(t, at("hangs", hangs), at("down", refusing(t)))
	g := l.group(t, bbb.SSH{ConnectTimeout: patience}, "m1", "hangs", "m2", "down", "m3")

	data := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{5}).Read(data)
	sum := sha256.Sum256(data)
	outs := make(map[string]*lines)
	for s := range g.Servers() {
		outs[s.Name()] = new(lines)
	}
	var results bbb.Results[*bbb.CommandResult]
	var err error
	ended := after(func() {
		results, err = g.SSHCommand(t.Context(), []string{"sha256sum; echo done; exit 3"}, onlyReader{bytes.NewReader(data)},
			bbb.CommandOutput(func(s *bbb.Server) (io.Writer, io.Writer) { return &lineWriter{to: outs[s.Name()]}, nil }))
	})
	for _, name := range []string{"m1", "m2", "m3"} {
		await(t, outs[name].has(doneLine))
	}
	select {
	case <-ended:
		require.FailNow(t, "one hangs, and is to be waited for")
	default:
	}
	release()
	await(t, ended)

	ge := groupError(t, err)
	assert.Equal(t, "ssh", ge.Call)
	assert.Equal(t, 5, ge.Asked)
	require.Len(t, ge.Servers, 2)
	for i, name := range []string{"hangs", "down"} {
		assert.Equal(t, name, ge.Servers[i].Server)
		assert.ErrorIs(t, ge.Servers[i].Err, bbb.ErrSSH)
	}
	require.Len(t, results, 5)
	for _, r := range results {
		if name := r.Server.Name(); strings.HasPrefix(name, "m") {
			require.NoError(t, r.Err, name)
			assert.Equal(t, 3, r.Value.ExitStatus, name)
			assert.Contains(t, outs[name].String(), hex.EncodeToString(sum[:]), name)
		}
	}
	assert.Empty(t, l.clients())
}

var doneLine = regexp.MustCompile(`^done$`)

// onlyReader hides that a reader can do more.
type onlyReader struct{ io.Reader }

// lineWriter adds what is written to lines.
type lineWriter struct {
	to   *lines
	rest string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest += string(p)
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(p), nil
		}
		w.to.add(line)
		w.rest = rest
	}
}
