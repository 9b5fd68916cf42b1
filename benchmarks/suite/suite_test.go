package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == roleArgument { // started by start
		serveRole(os.Args[2], os.Args[3:])
		return
	}
	goleak.VerifyTestMain(m)
}

// Who interrupts a long run leaves nothing behind: a child ends with its standard input, also
// while it is busy and was not asked for anything yet.
func TestChildrenEnd(t *testing.T) {
	t.Parallel()
	var at backendAt
	servers := start("backend", backend{Servers: 2, Meetings: 1}, &at)
	assert.Len(t, at.Servers, 2)
	assert.Zero(t, servers.ask("opened"))
	servers.stop()

	busy := exec.CommandContext(t.Context(), os.Args[0], roleArgument, "memory", `{"Servers":50,"Each":2000}`)
	in, err := busy.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, busy.Start())
	require.NoError(t, in.Close())
	require.NoError(t, busy.Wait())
}

// The decoders are compared in speed, so they must all read the same: what the library reads in a
// whole call, its records as they are described here, the lexer of others, and encoding/xml.
func TestDecodersAgree(t *testing.T) {
	t.Parallel()
	body := meetingsBody(3, 5, full)
	want := whole(t, body).meetings(t)
	require.Len(t, want, 5)
	assert.Equal(t, written(want), written(decodeMeetings(body)))
	assert.Equal(t, written(want), written(must2(lexed(body))))

	ref := referenceDecode[referenceMeetings](body)
	require.Len(t, ref.Meetings, len(want))
	for i, m := range ref.Meetings {
		w := want[i]
		assert.Equal(t, w.Name, m.Name)
		assert.Equal(t, w.ID, m.ID)
		assert.Equal(t, w.CreateTime.UnixMilli(), m.CreateTime)
		assert.Equal(t, w.MaxUsers, m.MaxUsers)
		assert.Equal(t, w.Metadata, map[string]string(m.Metadata))
		require.Len(t, m.Attendees, len(w.Attendees))
		for j, a := range m.Attendees {
			read := bbb.Attendee{
				UserID: a.UserID, FullName: a.FullName, Role: bbb.Role(a.Role), IsPresenter: a.IsPresenter, IsListeningOnly: a.IsListeningOnly,
				HasJoinedVoice: a.HasJoinedVoice, HasVideo: a.HasVideo, ClientType: a.ClientType,
			}
			assert.Equal(t, w.Attendees[j], read)
		}
	}
}

func TestShuffledFieldsAreTheSame(t *testing.T) {
	t.Parallel()
	body := meetingsBody(3, 5, shape{attendees: 10, shuffled: true})
	want := written(decodeMeetings(meetingsBody(3, 5, full)))
	assert.Contains(t, string(body), "<weather>")
	assert.Equal(t, want, written(decodeMeetings(body)))
	assert.Equal(t, want, written(must2(lexed(body))))
	assert.Len(t, referenceDecode[referenceMeetings](body).Meetings, 5)
}

// All decoders read what is well-formed and common alike; ours is right in every case.
func TestDecodersAreRight(t *testing.T) {
	t.Parallel()
	var wrong [][]string
	for _, d := range nameReaders {
		wrong = append(wrong, wrongCases(d.read))
	}
	assert.Empty(t, wrong[0])
	assert.Subset(t, []string{"document type", "nesting without bound"}, wrong[1])
	assert.NotContains(t, wrong[2], "entities")
	assert.Contains(t, wrong[2], "mismatched end tag")
}

func TestBodiesTurn(t *testing.T) {
	t.Parallel()
	before, after := decodeMeetings(meetingsBody(0, 40, full)), decodeMeetings(meetingsBody(0, 40, full.changed(20)))
	changed := 0
	for i := range before {
		if before[i].VoiceParticipantCount != after[i].VoiceParticipantCount {
			assert.NotEqual(t, before[i].Attendees, after[i].Attendees)
			changed++
		} else {
			assert.Equal(t, before[i], after[i])
		}
	}
	assert.Equal(t, 2, changed)
}

func TestGzipIsReadBack(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	body := meetingsBody(0, 3, full)
	packed := pack(&b, body, 1)
	assert.Less(t, len(packed), len(body)/2)
	unpack(&b, packed)
	assert.Equal(t, string(body), b.String())
}

func TestRecordingsAgree(t *testing.T) {
	t.Parallel()
	body := recordingsBody(3)
	want, err := whole(t, body).server.Recordings(t.Context(), bbb.RecordingFilter{})
	require.NoError(t, err)
	got := decodeRecordings(body)
	require.Len(t, got, 3)
	write := func(list []*bbb.Recording) string {
		return string(recordingsRecord.Append(nil, "response", &recordings{Recordings: list}))
	}
	assert.Equal(t, write(want.Recordings), write(got))
	ref := referenceDecode[referenceRecordings](body)
	require.Len(t, ref.Recordings, 3)
	assert.Equal(t, got[1].Formats[1].Previews[2].URL, ref.Recordings[1].Formats[1].Previews[2].URL)
}

// oneServer is a server whose answer is always the same.
type oneServer struct{ server *bbb.Server }

func whole(t *testing.T, body []byte) oneServer {
	t.Helper()
	g, err := bbb.NewGroup("test", bbb.WithTransport(inMemory(func(string) []byte { return body })))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, g.Close(context.Background())) })
	s, err := g.New("bbb", "https://bbb.example.org", secret)
	require.NoError(t, err)
	return oneServer{s}
}

func (o oneServer) meetings(t *testing.T) []*bbb.Meeting {
	t.Helper()
	list, err := o.server.Meetings(t.Context())
	require.NoError(t, err)
	return list
}

// written is all that was read, without what a call adds.
func written(list []*bbb.Meeting) string {
	return string(meetingsRecord.Append(nil, "response", &meetings{Meetings: list}))
}

func TestReferenceWritesAsMuch(t *testing.T) {
	t.Parallel()
	body := meetingsBody(0, 2, full)
	var b strings.Builder
	referenceEncode(&b, referenceDecode[referenceMeetings](body))
	own := written(decodeMeetings(body))
	assert.InEpsilon(t, len(own), b.Len(), 0.05)
}

func TestJoinHas25Parameters(t *testing.T) {
	t.Parallel()
	p := joinOf25()
	require.NoError(t, p.Validate())
	assert.Len(t, p.Values(), 25)
}

// The fake servers and the load of the proxy benchmark speak HTTP by themselves.
func TestLoadOfAProxy(t *testing.T) {
	t.Parallel()
	b := &backend{Servers: 2, Meetings: 3, Tenant: "school"}
	at := b.start()
	defer b.stop()
	require.Len(t, at.Servers, 2)
	l := newLoad(at.Servers[1], []string{"getMeetingInfo?meetingID=school-course-00000004&checksum=0", "getMeetings?checksum=0"})
	assert.Len(t, infoBody(4, shape{attendees: 10, tenant: "school", prefix: "school-"}), l.sizeOf())
	got := l.run(2, 10*time.Millisecond)
	assert.Positive(t, got.requests)
	assert.Positive(t, got.p50)
	assert.EqualValues(t, 3, b.opened.Load())
}

// Connections that asked the Handler for the same meeting shared a question, and stayed together from then on: it
// asked its servers an eighth less than the bare proxy that it was compared with.
func TestConnectionsHaveTheirOwnRequests(t *testing.T) {
	t.Parallel()
	l := newLoad("127.0.0.1:8090", tenantPaths("getMeetingInfo", ""))
	seen := make(map[string]bool)
	for i := range loadConnections {
		own := l.own(i, loadConnections)
		require.NotEmpty(t, own)
		for _, r := range own {
			assert.False(t, seen[string(r)])
			seen[string(r)] = true
		}
	}
	assert.Len(t, seen, len(l.requests))
	assert.Len(t, l.own(0, 1), len(l.requests))
	assert.Len(t, l.own(len(l.requests), 1000), len(l.requests), "there are not enough")
}

func TestWrkIsRead(t *testing.T) {
	t.Parallel()
	l := newLoad("127.0.0.1:8090", []string{"join?a=b", "join?a=c"})
	assert.Equal(t, []string{"/bigbluebutton/api/join?a=b", "/bigbluebutton/api/join?a=c"}, l.paths())
	out := "Running 2s test\n  Latency Distribution\n     50%  455.00us\n     75%  700.00us\nRequests/sec:  60123.45\nTransfer/sec:     12.3MB\n"
	rate, p50 := readWrk(out)
	assert.Equal(t, "60123.45", rate)
	assert.Equal(t, "455.00us", p50)
	rate, _ = readWrk("  Non-2xx or 3xx responses: 7\n" + out)
	assert.NotContains(t, rate, "60123")
}

// All programs give the answers that are compared: joins are sent on, the constant answers are those of
// the Handler, and a tenant's list is complete.
func TestProxiesAnswer(t *testing.T) {
	t.Parallel()
	b := &backend{Servers: 4, Meetings: proxyMeetings, Tenant: tenantName}
	at := b.start()
	defer b.stop()
	first := make(map[string]string)
	for _, call := range proxiedCalls {
		first[call] = tenantPaths(call, "")[0]
	}
	var address, constant string
	fresh := start("proxy", proxyKind{Kind: "fresh", Servers: at.Servers}, &address)
	defer fresh.stop()
	same := start("proxy", proxyKind{Kind: "constant", Like: address, Paths: first}, &constant)
	defer same.stop()
	for _, call := range proxiedCalls {
		paths := []string{first[call]}
		l := newLoad(address, paths)
		assert.Positive(t, l.run(1, time.Millisecond).requests, call)
		assert.Equal(t, l.sizeOf(), newLoad(constant, paths).sizeOf(), call)
	}
	assert.Greater(t, newLoad(address, tenantPaths("getMeetings", "")).sizeOf(), 4*proxyMeetings*4000)
}

func TestPartsAreChosen(t *testing.T) {
	t.Parallel()
	all, err := chosen("")
	require.NoError(t, err)
	assert.Len(t, all, len(parts))
	some, err := chosen("sign,decode")
	require.NoError(t, err)
	assert.Equal(t, []string{"sign", "decode"}, some)
	_, err = chosen("sing")
	assert.ErrorContains(t, err, `"sing"`)
}

func TestMiddle(t *testing.T) {
	t.Parallel()
	median, spread := middle([]float64{5, 1, 4, 2, 3})
	assert.InDelta(t, 3, median, 0)
	assert.InDelta(t, 2./3, spread, 1e-9)
	_, spread = middle[float64](nil)
	assert.Zero(t, spread)
}

func TestReport(t *testing.T) {
	t.Parallel()
	r := &report{}
	r.atLeast("this", 2, 4, ratio{3, 2.5})
	r.atMost("that", 100, 0, 250, "ns")
	r.add(part{title: "A table", head: []string{"a", "b"}, rows: [][]string{{"Jürgen", "1"}}})
	text := r.text(time.Second)
	assert.Contains(t, text, "| this   | >= 2      | 4     | 3.00 (processor 2.50) | yes |\n")
	assert.Contains(t, text, "| that   | <= 100 ns |       | 250 ns                | no  |\n")
	assert.Contains(t, text, "| a      | b |\n| ------ | - |\n| Jürgen | 1 |\n")
}

// What is measured is what the library does: the fields of the records here are of the same kinds as
// in its own records, which have a few more, for breakout rooms and other names of the same.
func TestRecordsAreThoseOfTheLibrary(t *testing.T) {
	t.Parallel()
	fields := func(file, variable string) (list []string) {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		_, rest, ok := strings.Cut(string(source), "var "+variable+" = ")
		require.True(t, ok, "%s has no %s", file, variable)
		rest, _, _ = strings.Cut(rest, "\nvar ")
		for _, m := range regexp.MustCompile(`xmlwire\.(\w+)\("([^"]+)"`).FindAllStringSubmatch(rest, -1) {
			list = append(list, m[1]+" "+m[2])
		}
		return list
	}
	own := func(file, variable string) []string { return fields(filepath.Join("..", "..", file), variable) }
	assert.Equal(t, own("meeting_fields.go", "commonFields"), fields("records.go", "meetingRecord"))
	for record, of := range map[string][2]string{
		"attendeeRecord":  {"attendee.go", "attendeeRecord"},
		"recordingRecord": {"recording_fields.go", "recordingFields"},
		"playbackRecord":  {"recording_fields.go", "playbackRecord"},
		"previewRecord":   {"recording_fields.go", "previewRecord"},
	} {
		assert.Subset(t, own(of[0], of[1]), fields("records.go", record), record)
	}
}

// A create answered once with another internal ID than getMeetingInfo. So the library took the meeting
// for a new one each time and asked what it is, and what was compared with one request were two.
func TestCreateIsOneRequest(t *testing.T) {
	t.Parallel()
	b := &backend{Servers: 1, Meetings: 2}
	at := b.start()
	t.Cleanup(b.stop)
	var calls []string
	g, err := bbb.NewGroup("test", bbb.WithObserver(bbb.Observer{CallDone: func(_ context.Context, e bbb.CallEvent) { calls = append(calls, e.Call) }}))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, g.Close(context.WithoutCancel(t.Context()))) })
	_, err = g.New("bbb1", "http://"+at.Servers[0], secret)
	require.NoError(t, err)
	_, err = g.Meetings(t.Context())
	require.NoError(t, err)
	m, err := g.CreateMeeting(t.Context(), bbb.CreateParams{MeetingID: meetingID(1, full), Name: "Algebra"})
	require.NoError(t, err)
	assert.True(t, m.Existed())
	assert.Equal(t, []string{"getMeetings", "create"}, calls)
}
