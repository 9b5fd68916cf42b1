//go:build integration

package rediscache_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	lifeCycles  = 2000
	atOneTime   = 48
	proxySecret = "unusual-secret-of-the-clients"
)

// Three processes of the proxy have one Redis. While 2,000 meetings live their lives
// through all three, one process is killed and Redis is restarted, once with its data and
// once without. No meeting is on two servers at one time, none that was answered as
// created is lost, and every call that fails says why, or is cut off by the kill.
func TestRealReplicas(t *testing.T) {
	t.Parallel()
	db := startServer(t, programs(t)[0])
	fakes := make([]*bbbtest.Server, 4)
	for i := range fakes {
		fakes[i] = bbbtest.Start(t, bbbtest.WithName(fmt.Sprint("bbb", i+1)))
	}
	r := &replicas{t: t, client: &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{MaxIdleConnsPerHost: atOneTime},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	defer r.client.CloseIdleConnections()
	r.start(3, r.config(db, fakes))

	ids := make(chan int)
	var done atomic.Int32
	var wg sync.WaitGroup
	for range atOneTime {
		wg.Go(func() {
			for id := range ids {
				r.life(fmt.Sprint("meeting-", id))
				done.Add(1)
			}
		})
	}
	trouble := map[int]func(){
		lifeCycles * 1 / 4: func() { r.processes[1].kill() },
		lifeCycles * 2 / 4: func() { r.without(func() { db.restart(false) }) },
		lifeCycles * 3 / 4: func() { r.without(func() { db.restart(true) }) },
	}
	var troubles sync.WaitGroup
	start := time.Now()
	for id := range lifeCycles {
		if f := trouble[id]; f != nil {
			troubles.Go(f) // while all others go on
		}
		ids <- id
	}
	close(ids)
	wg.Wait()
	troubles.Wait()
	t.Logf("%d life cycles in %v: %d calls, of which %d were cut off by the kill, and these failed: %v",
		done.Load(), time.Since(start).Round(time.Second), r.calls.Load(), r.cut.Load(), r.failures())

	r.stop()
	assertNoneDoubled(t, fakes)
	assert.Positive(t, r.cut.Load(), "the kill came in the middle")
	for _, p := range []*process{r.processes[0], r.processes[2]} {
		log := p.log()
		failed, again := p.outages()
		assert.Positive(t, failed, "Redis was away")
		assert.LessOrEqual(t, failed, 10, "an outage is a line, not one for each of thousands of accesses:\n%s", log)
		assert.LessOrEqual(t, again, failed)
		for _, f := range fakes {
			assert.NotContains(t, log, f.Secret())
		}
		assert.NotContains(t, log, proxySecret)
	}
}

// assertNoneDoubled looks at what the servers themselves recorded: when each meeting began
// and ended.
func assertNoneDoubled(t *testing.T, fakes []*bbbtest.Server) {
	t.Helper()
	type life struct {
		server   string
		from, to time.Time
	}
	lives := make(map[string][]life)
	for _, f := range fakes {
		list := f.Meetings()
		require.Less(t, len(list), 1000, "a server forgets the ended meetings beyond a thousand")
		for _, m := range list {
			assert.False(t, m.Ended.IsZero(), "%s was not ended on %s", m.MeetingID, f.Name())
			lives[m.MeetingID] = append(lives[m.MeetingID], life{f.Name(), m.Created, m.Ended})
		}
		t.Logf("%s had %d meetings", f.Name(), len(list))
	}
	assert.Len(t, lives, lifeCycles, "every meeting was there")
	for id, list := range lives {
		slices.SortFunc(list, func(a, b life) int { return a.from.Compare(b.from) })
		for i, l := range list[1:] {
			assert.False(t, l.from.Before(list[i].to), "%s was on %s and %s at one time", id, list[i].server, l.server)
		}
		assert.Len(t, list, 1, "%s was created again: %v", id, list)
	}
}

// replicas are the proxies, and clients that a load balancer leads to one or another.
type replicas struct {
	t         *testing.T
	client    *http.Client
	processes []*process

	calls, cut atomic.Int64 // cut: after the call was sent
	twins      sync.RWMutex // held by creates that need what the processes share, and while that is away
	failed     sync.Map     // call and key (string) -> how often (*atomic.Int64)
}

// config writes the configuration of the proxy.
func (r *replicas) config(db *server, fakes []*bbbtest.Server) string {
	r.t.Helper()
	servers := make([]map[string]string, len(fakes))
	for i, f := range fakes {
		servers[i] = map[string]string{"name": f.Name(), "url": f.URL(), "secret": f.Secret()}
	}
	text, err := json.Marshal(map[string]any{
		"name": "school", "secrets": []string{proxySecret}, "servers": servers, "cache": db.url(), "refresh": "5s",
		// The servers are well. If one is late, it is the machine that is busy.
		"timeout": map[string]string{"connect": "20s", "request": "30s"}, "log": map[string]string{"level": "info"},
	})
	require.NoError(r.t, err)
	path := filepath.Join(r.t.TempDir(), "proxy.json")
	require.NoError(r.t, os.WriteFile(path, text, 0o600))
	return path
}

// process is one proxy.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	base string // of the API
	dir  string
	end  chan struct{}
}

// start builds the program and starts n processes of it.
func (r *replicas) start(n int, config string) {
	r.t.Helper()
	program := filepath.Join(r.t.TempDir(), "proxy")
	out, err := exec.CommandContext(r.t.Context(), "go", "build", "-o", program, "./examples/proxy").CombinedOutput()
	require.NoError(r.t, err, "%s", out)
	for range n {
		p := &process{t: r.t, dir: r.t.TempDir(), end: make(chan struct{})}
		log, err := os.Create(filepath.Join(p.dir, "log"))
		require.NoError(r.t, err)
		p.cmd = exec.CommandContext(context.Background(), program, "-config", config, "-listen", "127.0.0.1:0")
		p.cmd.Stdout, p.cmd.Stderr = log, log
		require.NoError(r.t, p.cmd.Start())
		require.NoError(r.t, log.Close())
		go func() { _ = p.cmd.Wait(); close(p.end) }()
		r.t.Cleanup(p.kill)
		listening := regexp.MustCompile(`listening on (\S+)`)
		eventually(r.t, "the proxy listens", func() bool {
			m := listening.FindStringSubmatch(p.log())
			if m != nil {
				p.base = "http://" + m[1] + "/bigbluebutton/api/"
			}
			return m != nil
		})
		r.processes = append(r.processes, p)
	}
}

// log returns what the process has said.
func (p *process) log() string {
	text, err := os.ReadFile(filepath.Join(p.dir, "log"))
	assert.NoError(p.t, err)
	return string(text)
}

// outages returns how many times Redis was lost and found.
func (p *process) outages() (failed, again int) {
	log := p.log()
	return strings.Count(log, "cache failed"), strings.Count(log, "cache works again")
}

// lives reports whether the process was not ended.
func (p *process) lives() bool {
	select {
	case <-p.end:
		return false
	default:
		return true
	}
}

// kill ends the process at once.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.end
}

// stop ends the processes that are left in order.
func (r *replicas) stop() {
	r.t.Helper()
	for _, p := range r.processes {
		if !p.lives() {
			continue
		}
		require.NoError(r.t, p.cmd.Process.Signal(syscall.SIGTERM))
		select {
		case <-p.end:
		case <-time.After(time.Minute):
			require.FailNow(r.t, "a proxy does not end", p.log())
		}
		assert.True(r.t, p.cmd.ProcessState.Success(), p.log())
		assert.Contains(r.t, p.log(), "bye")
	}
}

// without runs f, which takes Redis away. Two creates of one meeting at the same moment
// are what the processes cannot agree about meanwhile, so there are none until all have noticed
// and have come back to Redis. That takes a second or so, and longer on a busy machine.
func (r *replicas) without(f func()) {
	r.twins.Lock()
	defer r.twins.Unlock()
	f()
	<-time.After(3 * time.Second)
	eventually(r.t, "all use Redis again", func() bool {
		return !slices.ContainsFunc(r.processes, func(p *process) bool {
			failed, again := p.outages()
			return p.lives() && failed > again
		})
	})
}

// answer is what the tests read of an answer.
type answer struct {
	ReturnCode string   `xml:"returncode"`
	Key        string   `xml:"messageKey"`
	Message    string   `xml:"message"`
	MeetingID  string   `xml:"meetingID"`
	Running    string   `xml:"running"`
	Meetings   []string `xml:"meetings>meeting>meetingID"`
	location   string   // of a redirect
}

func (a *answer) ok() bool { return a.ReturnCode == "SUCCESS" || a.location != "" }

// call sends a call to one of the proxies as a load balancer would: to the next one when
// there is no connection, or when it breaks. cut says that it did.
func (r *replicas) call(name, query string) (a *answer, cut bool) {
	sum := sha256.Sum256([]byte(name + query + proxySecret))
	first := rand.IntN(len(r.processes))
	for i := range 2 * len(r.processes) {
		base := r.processes[(first+i)%len(r.processes)].base
		// A GET on a connection that was kept and breaks is sent again by itself, and then
		// refused, so the error does not tell.
		var sent atomic.Bool
		ctx := httptrace.WithClientTrace(r.t.Context(), &httptrace.ClientTrace{
			WroteRequest: func(info httptrace.WroteRequestInfo) { sent.Store(info.Err == nil || sent.Load()) },
		})
		a, err := r.get(ctx, base+name+"?"+query+"&checksum="+hex.EncodeToString(sum[:]))
		r.calls.Add(1)
		if err == nil {
			if !a.ok() {
				n, _ := r.failed.LoadOrStore(name+" "+a.Key, new(atomic.Int64))
				n.(*atomic.Int64).Add(1)
				assert.NotEmpty(r.t, a.Key, "%s: %+v", name, a)
				assert.NotEmpty(r.t, a.Message, "%s: %+v", name, a)
			}
			return a, cut
		}
		assert.Equal(r.t, r.processes[1].base, base, "%s: %v", name, err) // only that one was killed
		if sent.Load() {
			r.cut.Add(1)
			cut = true
		}
	}
	assert.Fail(r.t, "no proxy answers", name)
	return &answer{}, cut
}

func (r *replicas) get(ctx context.Context, rawURL string) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	a := new(answer)
	if resp.StatusCode/100 == 3 {
		a.location = resp.Header.Get("Location")
		return a, nil
	}
	if err := xml.Unmarshal(body, a); err != nil || resp.StatusCode != http.StatusOK {
		assert.Fail(r.t, "no answer of a server", "%s: %s: %v", resp.Status, body, err)
	}
	return a, nil
}

// failures returns how often which call failed with which key.
func (r *replicas) failures() map[string]int64 {
	counts := make(map[string]int64)
	r.failed.Range(func(key, n any) bool {
		counts[key.(string)] = n.(*atomic.Int64).Load()
		return true
	})
	return counts
}

// life is that of one meeting. Each call goes through any of the proxies.
func (r *replicas) life(id string) {
	t := r.t
	with := "meetingID=" + url.QueryEscape(id)
	if !r.create(id, with) {
		return
	}
	a, _ := r.call("getMeetingInfo", with)
	assert.True(t, a.ok() && a.MeetingID == id, "%s is lost: getMeetingInfo says %+v", id, a)

	a, _ = r.call("join", with+"&fullName=Ada&password=mod-of-"+id)
	if assert.NotEmpty(t, a.location, "%s is lost: join says %+v", id, a) {
		there, err := r.get(t.Context(), a.location)
		if assert.NoError(t, err) {
			assert.NotEmpty(t, there.location, "the server lets her in: %+v", there)
		}
		a, _ = r.call("isMeetingRunning", with)
		assert.Equal(t, "true", a.Running, "%s is lost: isMeetingRunning says %+v", id, a)
	}

	a, _ = r.call("getMeetings", "")
	assert.True(t, a.ok() && slices.Contains(a.Meetings, id), "%s is lost: getMeetings has %d others: %s", id, len(a.Meetings), a.Key)
	n := 0
	for _, other := range a.Meetings {
		if other == id {
			n++
		}
	}
	assert.LessOrEqual(t, n, 1, "%s is listed twice", id)

	a, cut := r.call("end", with+"&password=mod-of-"+id)
	assert.True(t, a.ok() || cut && a.Key == "notFound", "%s is lost: end says %+v", id, a)
}

// create creates a meeting, every third one through two proxies at the same moment, as
// when two teachers open their lesson. It repeats one that failed, as their clients do.
func (r *replicas) create(id, with string) bool {
	query := with + "&name=" + id + "&attendeePW=att-of-" + id + "&moderatorPW=mod-of-" + id
	var a *answer
	for range 5 {
		var wg sync.WaitGroup
		if strings.HasSuffix(id, "3") && r.twins.TryRLock() {
			wg.Go(func() {
				defer r.twins.RUnlock()
				r.call("create", query)
			})
		}
		a, _ = r.call("create", query)
		wg.Wait()
		if a.ok() {
			return assert.Equal(r.t, id, a.MeetingID)
		}
	}
	return assert.Fail(r.t, "it cannot be created", "%s: %+v", id, a)
}
