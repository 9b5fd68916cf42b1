package bbb_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain runs all tests of the package, external and internal, and then asks two
// things of the suite as a whole: no goroutine is left, and no text that people
// would read, be it a log line or the text of an error, holds a secret.
func TestMain(m *testing.M) {
	if run := programs[filepath.Base(os.Args[0])]; run != nil {
		os.Exit(run()) // a test runs this program under another name
	}
	code := m.Run()
	problems := suite.finish()
	if code == 0 { // a test that failed may have left its goroutines
		problems = append(problems, leftGoroutines()...)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if code == 0 && len(problems) > 0 {
		code = 1
	}
	os.Exit(code)
}

// programs are what this program is when it is run under their names.
var programs = make(map[string]func() int)

// suite watches the texts of all groups that the harness makes.
var suite = newWatch(16 << 20)

// watch collects secrets and texts, and finds the ones in the others. It keeps two
// heaps of text: when the newer one is full, the older one is scanned for
// everything known by then and dropped. So its memory is bounded, and a secret that
// becomes known only after it was logged is found all the same.
type watch struct {
	mu      sync.Mutex // protects the fields below
	heapLen int
	older   []byte
	newer   []byte
	secrets map[string]string // secret -> what it is
	seen    map[string]bool   // texts of errors, not to keep each one again
	leaks   []string
}

// shortestSecret keeps words of ordinary texts from being taken for secrets. The
// passwords of tests must be longer, and must not be words of a log line.
const shortestSecret = 8

func newWatch(heapLen int) *watch {
	return &watch{heapLen: heapLen, secrets: make(map[string]string), seen: make(map[string]bool)}
}

// secret makes a text one that must not occur anywhere.
func (w *watch) secret(kind, text string) {
	if len(text) < shortestSecret {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[text] = kind
	if escaped := url.QueryEscape(text); escaped != text {
		w.secrets[escaped] = kind + " (escaped)"
	}
}

func (w *watch) knows(text string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.secrets[text] != ""
}

// Write takes a text; it is where the groups log to.
func (w *watch) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.newer = append(w.newer, p...)
	w.newer = append(w.newer, '\n')
	if len(w.newer) > w.heapLen {
		w.scan(w.older)
		w.older, w.newer = w.newer, w.older[:0]
	}
	return len(p), nil
}

// err takes the text of an error and of everything in its chain, in the verbs that
// people use.
func (w *watch) err(where string, err error) {
	if err == nil {
		return
	}
	text := fmt.Sprintf("%v\n%+v\n%#v", err, err, err)
	w.mu.Lock()
	old := w.seen[text]
	if len(w.seen) < 100_000 {
		w.seen[text] = true
	}
	w.mu.Unlock()
	if !old {
		fmt.Fprintf(w, "error in %s: %s", where, text)
	}
	switch e := err.(type) { //nolint:errorlint // walks the chain itself
	case interface{ Unwrap() error }:
		w.err(where, e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			w.err(where, one)
		}
	}
}

// request takes the secrets of a request that arrived at a fake.
func (w *watch) request(r bbbtest.Request) {
	queries := []string{r.RawQuery}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		queries = append(queries, string(r.Body))
	}
	for _, query := range queries {
		values, _ := url.ParseQuery(query)
		for _, name := range []string{"checksum", "attendeePW", "moderatorPW", "password", "sessionToken"} {
			for _, value := range values[name] {
				w.secret(name+" of a request for "+r.Call, value)
			}
		}
	}
	for _, cookie := range (&http.Request{Header: r.Header}).Cookies() {
		w.secret("cookie "+cookie.Name, cookie.Value)
	}
}

// joined takes the tokens that a fake hands out in its answer to a join.
func (w *watch) joined(body string) {
	for _, m := range tokens.FindAllStringSubmatch(body, -1) {
		w.secret("token of a session", m[1])
	}
}

var tokens = regexp.MustCompile(`(?:_token>|sessionToken=)([A-Za-z0-9]+)`)

// finish returns what was found.
func (w *watch) finish() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.scan(w.older)
	w.scan(w.newer)
	return w.leaks
}

// scan looks for all secrets at once: one step per byte of the text, however many
// secrets there are. The lock is held.
func (w *watch) scan(text []byte) {
	byStart := make(map[uint64][]string, len(w.secrets))
	var starts [1 << 16]bool // by the first two bytes, to skip most places quickly
	for secret := range w.secrets {
		at := binary.LittleEndian.Uint64([]byte(secret))
		byStart[at] = append(byStart[at], secret)
		starts[uint16(at)] = true
	}
	for i := 0; i+shortestSecret <= len(text); i++ {
		if !starts[binary.LittleEndian.Uint16(text[i:])] {
			continue
		}
		for _, secret := range byStart[binary.LittleEndian.Uint64(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(secret)) {
				w.leaks = append(w.leaks, "SECRET SHOWN: "+w.secrets[secret]+" in: "+place(text, i, secret))
			}
		}
	}
}

// place returns the line around a secret, without it.
func place(text []byte, at int, secret string) string {
	start := bytes.LastIndexByte(text[:at], '\n') + 1
	end := len(text)
	if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
		end = at + n
	}
	return strings.ReplaceAll(string(text[start:end]), secret, "<HERE>")
}

// logger returns a logger into the watch, at every level, and into others.
func (w *watch) logger(t testing.TB, others ...slog.Handler) *slog.Logger {
	all := append(others, slog.NewJSONHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug - 4}))
	return slog.New(slog.NewMultiHandler(all...)).With("test", t.Name())
}

// leftGoroutines returns the goroutines that are there beside the one that asks.
// It gives those that are just ending a moment.
func leftGoroutines() []string {
	deadline := time.After(5 * time.Second)
	for {
		buf := make([]byte, 4<<20)
		buf = buf[:runtime.Stack(buf, true)]
		var left []string
		for _, stack := range strings.Split(string(buf), "\n\n")[1:] {
			if !strings.Contains(stack, "os/signal") && !strings.Contains(stack, "testing.(*F)") && !strings.Contains(stack, "runtime.ensureSigM") {
				left = append(left, "GOROUTINE LEFT:\n"+stack)
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-deadline:
			return left
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestWatchFindsSecrets shows that the check at the end of the suite is not an
// empty gesture: it finds what it should, wherever it stands, and says where.
func TestWatchFindsSecrets(t *testing.T) {
	t.Parallel()

	t.Run("in a log line", func(t *testing.T) {
		t.Parallel()
		w := newWatch(1 << 20)
		w.secret("password", "hunter2-hunter2")
		log := w.logger(t)
		log.Debug("all is well", "password", "[redacted]")
		require.Empty(t, w.finish())
		log.Debug("oops", slog.Group("request", slog.String("query", "a=b&password=hunter2-hunter2&c=d")))
		found := w.finish()
		require.Len(t, found, 1)
		assert.Contains(t, found[0], "SECRET SHOWN: password")
		assert.Contains(t, found[0], "oops", "tells the line")
		assert.Contains(t, found[0], t.Name(), "tells the test")
		assert.NotContains(t, found[0], "hunter2", "does not show it once more")
	})
	t.Run("deep in an error", func(t *testing.T) {
		t.Parallel()
		w := newWatch(1 << 20)
		w.secret("checksum", "0123456789abcdef")
		inner := &url.Error{Op: "Get", URL: "http://bbb1.test/create?checksum=0123456789abcdef", Err: io.EOF}
		w.err(t.Name(), errors.Join(errors.New("harmless"), hides{inner}))
		assert.NotEmpty(t, w.finish())
	})
	t.Run("known only after it was logged", func(t *testing.T) {
		t.Parallel()
		w := newWatch(100)
		_, _ = w.Write([]byte("the token is abcdefghijkl"))
		w.secret("token", "abcdefghijkl")
		for range 10 { // pushes the line out of memory
			_, _ = w.Write(bytes.Repeat([]byte("-"), 99))
		}
		assert.Less(t, len(w.older)+len(w.newer), 400, "memory is bounded")
		require.Len(t, w.finish(), 1)
	})
	t.Run("of many that begin alike", func(t *testing.T) {
		t.Parallel()
		w := newWatch(1 << 20)
		for i := range 1000 {
			w.secret("secret", fmt.Sprintf("secret-%04d", i))
		}
		_, _ = w.Write([]byte("secret-12 secret-0042"))
		require.Len(t, w.finish(), 1)
	})
}

// hides is an error whose text says nothing.
type hides struct{ err error }

func (hides) Error() string   { return "something is wrong" }
func (h hides) Unwrap() error { return h.err }

// TestSuiteKnowsItsSecrets shows that every kind of secret that goes over the wire
// comes to the knowledge of the suite's watch.
func TestSuiteKnowsItsSecrets(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{Name: "Physics", ModeratorPW: "pw-known-to-suite"})
	require.NoError(t, err)
	a, err := m.Join(t.Context(), bbb.JoinParams{FullName: "Ada", Role: bbb.RoleModerator})
	require.NoError(t, err)
	require.NoError(t, g.Refresh(t.Context())) // takes the cookie back to the server

	assert.True(t, suite.knows(fakes[0].Secret()), "secret of a server")
	assert.True(t, suite.knows("pw-known-to-suite"), "password that was given")
	assert.True(t, suite.knows(m.AttendeePW), "password that was derived")
	assert.True(t, suite.knows(a.Session.SessionToken), "session token")
	assert.True(t, suite.knows(a.Session.AuthToken), "auth token")
	for _, r := range fakes[0].Requests() {
		values, err := url.ParseQuery(r.RawQuery)
		require.NoError(t, err)
		assert.True(t, suite.knows(values.Get("checksum")), "checksum of %s", r.Call)
	}
}
