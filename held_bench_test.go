package bbb

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// heldServers and heldEach make a hundred thousand meetings.
const (
	heldServers = 50
	heldEach    = 2000
)

// listOf answers getMeetings in memory: with meetings of ten people and five metadata
// entries, of which the names and the IDs are their own.
type listOf struct{ each int }

func (l listOf) RoundTrip(r *http.Request) (*http.Response, error) {
	host, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Host, "bbb"), ".")
	first, err := strconv.Atoi(host)
	if err != nil {
		return nil, err
	}
	answer := meetingsAnswer{status: status{Returncode: "SUCCESS"}}
	for i := range l.each {
		answer.Meetings = append(answer.Meetings, busyMeeting(first*l.each+i))
	}
	body := meetingsRecord.Append(nil, "response", &answer)
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: int64(len(body)), Request: r,
		Header: http.Header{"Content-Type": {"text/xml"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

func busyID(i int) string { return fmt.Sprintf("course-%08d", i) }

func busyMeeting(i int) *Meeting {
	m := &Meeting{
		ID: busyID(i), InternalID: fmt.Sprintf("%040x-1531155809613", i), Name: fmt.Sprintf("Algebra & Analysis %d", i),
		CreateTime: time.UnixMilli(1531155809613), CreateDate: "Mon Jul 09 17:03:29 UTC 2018", StartTime: time.UnixMilli(1531155809645),
		VoiceBridge: strconv.Itoa(70000 + i), DialNumber: "613-555-1234", AttendeePW: "attendee-password", ModeratorPW: "moderator-password",
		Running: true, HasUserJoined: true, ParticipantCount: 10, ListenerCount: 1, VoiceParticipantCount: 8, VideoCount: 3, MaxUsers: 50, ModeratorCount: 1,
		Metadata: map[string]string{
			"bbb-origin": "Moodle", "bbb-origin-version": "4.1.2 (Build: 20230313)", "bbb-context": fmt.Sprintf("Mathematics for beginners %d", i%100),
			"endcallbackurl":          fmt.Sprintf("https://lms.example.org/callback?meeting=%d&secret=2", i),
			"bbb-recording-ready-url": "https://lms.example.org/recording/ready",
		},
	}
	for j := range 10 {
		m.Attendees = append(m.Attendees, Attendee{
			UserID: fmt.Sprintf("user-%06d", i*10+j), FullName: fmt.Sprintf("Jürgen Example %d", j),
			Role: RoleViewer, IsPresenter: j == 0, HasJoinedVoice: true, ClientType: "HTML5",
		})
	}
	return m
}

// busyGroup returns a group over answers in memory.
func busyGroup(tb testing.TB, servers, each int) *Group {
	tb.Helper()
	g, err := NewGroup("school", WithTransport(listOf{each}), WithWorkers(2))
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, g.Close(context.Background())) })
	for i := range servers {
		_, err := g.New(fmt.Sprintf("bbb%d", i), fmt.Sprintf("https://bbb%d.example.org", i), "a secret of this benchmark")
		require.NoError(tb, err)
	}
	return g
}

// heapInUse is what is alive.
func heapInUse() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC() // what pools keep goes at the second one
	runtime.ReadMemStats(&m)
	return m
}

// What a meeting takes that a group knows. What holds it shows in a profile:
//
//	go test -run '^$' -bench HeldMeetings -benchtime 1x -memprofile mem -memprofilerate 1 .
//	go tool pprof -sample_index=inuse_objects -top bbb.test mem
func BenchmarkHeldMeetings(b *testing.B) {
	g := busyGroup(b, heldServers, heldEach)
	before := heapInUse()
	for b.Loop() {
		_, err := g.Meetings(b.Context())
		require.NoError(b, err)
	}
	after := heapInUse()
	meetings := float64(heldServers * heldEach)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/meetings, "bytes/meeting")
	b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/meetings, "objects/meeting")
	keptAlive = g // for the profile, which is written at the end
}

var keptAlive *Group

// Finding one of a hundred thousand meetings, by as many as there are processors, while
// another goroutine creates and ends others.
func BenchmarkLocate(b *testing.B) {
	g := busyGroup(b, heldServers, 0)
	servers := g.members.Load().list
	ids := make([]string, heldServers*heldEach)
	for i := range ids {
		ids[i] = busyID(i)
		g.places.set(ids[i], servers[i%len(servers)])
	}
	find := func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i += 7919 {
				if s, err := g.Locate(b.Context(), ids[i%len(ids)]); s == nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Run("still", find)
	b.Run("beside a writer", func(b *testing.B) {
		var stop atomic.Bool
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := 0; !stop.Load(); i++ {
				id := "other" + strconv.Itoa(i)
				g.places.set(id, servers[0])
				g.places.drop(id, servers[0])
			}
		})
		find(b)
		stop.Store(true)
		writer.Wait()
	})
}

// refreshed returns what takes a list of the server that is always the same.
func refreshed(s *Server, n int) func(asked time.Time) {
	list := make([]*Meeting, n)
	for i := range list {
		list[i] = busyMeeting(i)
	}
	return func(asked time.Time) {
		s.adopt(list, asked)
		s.remember(asked, list)
	}
}

// What the set, the index and the ledger cost when two thousand meetings are listed again.
func BenchmarkRemember(b *testing.B) {
	s, now := busyGroup(b, 1, 0).members.Load().list[0], time.Now()
	refresh := refreshed(s, 2000)
	b.ReportAllocs()
	for b.Loop() {
		now = now.Add(time.Second)
		refresh(now)
	}
}
