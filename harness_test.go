package bbb_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// newGroup returns a group over n fakes named bbb1, bbb2 and so on, which are
// reached in-process and end with the test. Everything the group says is watched
// for secrets.
func newGroup(t testing.TB, n int, opts ...bbb.GroupOption) (*bbb.Group, []*bbbtest.Server) {
	t.Helper()
	fakes := newFakes(t, n)
	return newGroupOf(t, fakes, opts...), fakes
}

// newFakes returns fakes that listen nowhere.
func newFakes(t testing.TB, n int, opts ...bbbtest.Option) []*bbbtest.Server {
	t.Helper()
	fakes := make([]*bbbtest.Server, n)
	for i := range fakes {
		fakes[i] = newFake(t, fmt.Sprintf("bbb%d", i+1), opts...)
	}
	return fakes
}

func newFake(t testing.TB, name string, opts ...bbbtest.Option) *bbbtest.Server {
	t.Helper()
	f := bbbtest.New(append([]bbbtest.Option{bbbtest.WithName(name), bbbtest.WithRequestFunc(suite.request)}, opts...)...)
	suite.secret("secret of a server", f.Secret())
	t.Cleanup(func() {
		for _, m := range f.Meetings() {
			suite.secret("password of a meeting", m.AttendeePW)
			suite.secret("password of a meeting", m.ModeratorPW)
		}
		assert.NoError(t, f.Close())
	})
	return f
}

// newGroupOf returns a group named "school" over fakes that are there already, so
// that several groups can stand for several processes.
func newGroupOf(t testing.TB, fakes []*bbbtest.Server, opts ...bbb.GroupOption) *bbb.Group {
	t.Helper()
	g := newEmptyGroup(t, append([]bbb.GroupOption{bbb.WithTransport(watched{bbbtest.NetworkOf(fakes...)})}, opts...)...)
	for _, f := range fakes {
		addServer(t, g, f)
	}
	return g
}

// newEmptyGroup returns a group without servers that is watched for secrets, and
// closed at the end of the test.
func newEmptyGroup(t testing.TB, opts ...bbb.GroupOption) *bbb.Group {
	t.Helper()
	g, err := bbb.NewGroup("school", append([]bbb.GroupOption{
		bbb.WithLogger(suite.logger(t)), bbb.WithObserver(observing(t, bbb.Observer{})),
	}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(func() {
		show(g)
		assert.NoError(t, g.Close(context.Background()))
	})
	return g
}

// patient is for servers on sockets: half a second to connect is not much on a machine
// that has other things to do.
var patient = bbb.WithTimeout(time.Minute, time.Minute)

func addServer(t testing.TB, g *bbb.Group, f *bbbtest.Server, opts ...bbb.ServerOption) *bbb.Server {
	t.Helper()
	s, err := g.New(f.Name(), f.URL(), f.Secret(), opts...)
	require.NoError(t, err)
	return s
}

// server returns a server that must be there.
func server(t testing.TB, g *bbb.Group, name string) *bbb.Server {
	t.Helper()
	s, ok := g.Server(name)
	require.True(t, ok, "no server %s", name)
	return s
}

// observing completes an observer with one that watches the errors for secrets.
func observing(t testing.TB, o bbb.Observer) bbb.Observer {
	where, done := t.Name(), o.CallDone
	o.CallDone = func(ctx context.Context, e bbb.CallEvent) {
		suite.err(where, e.Err)
		if done != nil {
			done(ctx, e)
		}
	}
	return o
}

// show prints a group and what is in it in every way, for the watch.
func show(g *bbb.Group) {
	things := []any{g, g.Name()}
	for s := range g.Servers() {
		things = append(things, s)
	}
	for _, m := range g.CachedMeetings(context.Background()) {
		things = append(things, m)
		for _, a := range m.Attendees {
			things = append(things, a, &a)
		}
	}
	for _, x := range things {
		fmt.Fprintf(suite, "printed: %v %+v %#v %s", x, x, x, x)
	}
	text, _ := json.Marshal(g)
	_, _ = suite.Write(text)
}

// watched is a transport that tells the watch the tokens which servers hand out.
type watched struct{ http.RoundTripper }

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "/join") {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	suite.joined(string(body) + " " + resp.Header.Get("Location"))
	for _, c := range resp.Cookies() {
		suite.secret("cookie "+c.Name, c.Value)
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), failing{err}), resp.Body}
	return resp, nil
}

// failing is the end of a body: a proper one, or the error it broke with.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	return 0, io.EOF
}

// noted returns err after the watch has seen it: for errors that no observer is
// told, such as those of a whole group.
func noted(t testing.TB, err error) error {
	suite.err(t.Name(), err)
	return err
}

// create makes a meeting that the test needs.
func create(t testing.TB, on interface {
	CreateMeeting(context.Context, bbb.CreateParams) (*bbb.Meeting, error)
}, id string,
) *bbb.Meeting {
	t.Helper()
	m, err := on.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: id, Name: "Meeting " + id})
	require.NoError(t, noted(t, err))
	return m
}

// createOn makes a meeting on one server behind the back of every group.
func createOn(t testing.TB, f *bbbtest.Server, p bbb.CreateParams) bbbtest.Meeting {
	t.Helper()
	if p.Name == "" {
		p.Name = "Meeting " + p.MeetingID
	}
	g, err := bbb.NewGroup("somebody else", bbb.WithTransport(f.Transport()), bbb.WithLogger(suite.logger(t)))
	require.NoError(t, err)
	defer func() { assert.NoError(t, g.Close(context.Background())) }()
	_, err = addServer(t, g, f).CreateMeeting(t.Context(), p)
	require.NoError(t, err)
	m, ok := f.Meeting(p.MeetingID)
	require.True(t, ok)
	return m
}

// attend puts somebody into a meeting.
func attend(t testing.TB, f *bbbtest.Server, id string) {
	t.Helper()
	require.NoError(t, f.Attend(id, bbbtest.Attendee{FullName: "Ada"}))
}

// holders returns the names of the fakes that have a live meeting of that ID.
func holders(fakes []*bbbtest.Server, id string) []string {
	var names []string
	for _, f := range fakes {
		if m, ok := f.Meeting(id); ok && m.Ended.IsZero() {
			names = append(names, f.Name())
		}
	}
	return names
}

// holder returns the one fake that has a meeting.
func holder(t testing.TB, fakes []*bbbtest.Server, id string) *bbbtest.Server {
	t.Helper()
	names := holders(fakes, id)
	require.Len(t, names, 1, "who has %s", id)
	i := slices.IndexFunc(fakes, func(f *bbbtest.Server) bool { return f.Name() == names[0] })
	return fakes[i]
}

// other returns a fake that is none of those.
func other(t testing.TB, fakes []*bbbtest.Server, not ...*bbbtest.Server) *bbbtest.Server {
	t.Helper()
	i := slices.IndexFunc(fakes, func(f *bbbtest.Server) bool { return !slices.Contains(not, f) })
	require.GreaterOrEqual(t, i, 0)
	return fakes[i]
}

// requests returns how many requests of a call arrived at all fakes; of any call
// when call is "*".
func requests(fakes []*bbbtest.Server, call string) (n int) {
	for _, f := range fakes {
		if call == "*" {
			n += len(f.Requests())
		} else {
			n += f.Count(call)
		}
	}
	return n
}

// quiet forgets the requests so far.
func quiet(fakes []*bbbtest.Server) {
	for _, f := range fakes {
		f.ResetRequests()
	}
}

// ids returns the meeting IDs in order.
func ids(meetings []*bbb.Meeting) []string {
	list := make([]string, len(meetings))
	for i, m := range meetings {
		list[i] = m.ID
	}
	return list
}

// groupError returns err as a *GroupError, which it must be.
func groupError(t testing.TB, err error) *bbb.GroupError {
	t.Helper()
	var ge *bbb.GroupError
	require.ErrorAs(t, noted(t, err), &ge)
	return ge
}

// records are log lines.
type records struct {
	mu   sync.Mutex // protects list
	list []map[string]any
}

// logged returns a logger option and what comes to it.
func logged(t testing.TB) (bbb.GroupOption, *records) {
	r := new(records)
	return bbb.WithLogger(suite.logger(t, slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))), r
}

func (r *records) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var m map[string]any
	if err := json.Unmarshal(line, &m); err != nil {
		return 0, err
	}
	r.list = append(r.list, m)
	return len(line), nil
}

// with returns the lines of that message.
func (r *records) with(msg string) []map[string]any {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []map[string]any
	for _, m := range r.list {
		if m["msg"] == msg {
			found = append(found, m)
		}
	}
	return found
}

// after returns a channel that is closed when f is done, for tests in a bubble
// that look at what goes on meanwhile.
func after(f func()) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	return done
}

// wait lets time pass in a bubble.
func wait(t testing.TB, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("the test ended")
	}
}
