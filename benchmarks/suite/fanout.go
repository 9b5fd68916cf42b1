package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/bbbgroup/bbb"
)

const (
	fanServers  = 50
	fanMeetings = 40
	fanDelay    = 20 * time.Millisecond
	fanDeadline = 250 * time.Millisecond
)

func fanoutPart(r *report) {
	for _, secure := range []bool{false, true} {
		fanout(r, secure)
	}
}

// fan is what asks all servers once, and how it did.
type fan struct {
	name       string
	run        func()
	slow       bool // one run is enough for a sample
	walls, cpu []float64
}

func fanout(r *report, secure bool) {
	var at backendAt
	servers := start("backend", backend{Servers: 2 * fanServers, Changing: fanServers, Meetings: fanMeetings, Delay: fanDelay, TLS: secure}, &at)
	defer servers.stop()
	changing := at.Servers[fanServers:]
	at.Servers = at.Servers[:fanServers]
	scheme, title, name := "http", "Fan-out over 50 servers of 20 ms, 40 meetings each", "fan-out"
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	if secure {
		scheme, title, name = "https", title+", TLS", name+", TLS"
		trust(at.CA)
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(at.CA)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	defer transport.CloseIdleConnections()
	healthy, busy := groupAt(scheme, time.Minute, at.Servers...), groupAt(scheme, time.Minute, changing...)
	defer closeGroup(healthy)
	defer closeGroup(busy)
	all := counted(healthy, fanServers*fanMeetings)
	limit := &fan{name: "limit: bodies read, not decoded", run: readAll(transport, scheme, at.Servers)}
	one := &fan{name: "this library, meetings as they were", run: all}
	changed := &fan{name: "this library, all meetings changed", run: counted(busy, fanServers*fanMeetings)}
	ten := &fan{name: "this library, ten callers at once", run: func() { together(10, all) }, slow: true}
	fans := []*fan{limit, one, changed, ten}
	var refusing *fan
	if !secure {
		g := groupAt(scheme, time.Minute, append(at.Servers[:fanServers-1:fanServers-1], at.Refuses)...)
		defer closeGroup(g)
		refusing = &fan{name: "this library, one server refuses", run: counted(g, (fanServers-1)*fanMeetings)}
		fans = append(fans, refusing)
	}
	turns(r, fans)
	p := part{title: title, head: []string{"how", "time", "spread", "times the limit", "processor", "times the limit"}}
	for _, f := range fans {
		own, of := f.figures(), f.of(limit)
		p.rows = append(p.rows, []string{f.name, timeText(own.median), percent(own.spread), ratioText(of.wall), timeText(own.cpu), ratioText(of.cpu)})
	}
	r.fanned(name, one.of(limit))
	r.fanned(name+", all changed", changed.of(limit))
	r.times(name+", ten callers, of one", 1.2, ten.of(one))
	if refusing != nil {
		r.times("fan-out, one refuses, of all well (1,960 of 2,000 meetings)", 1.2, refusing.of(one))
		p.note = hanging(r, at, one.figures().median)
	}
	r.add(p)
}

func (r *report) fanned(name string, of ratio) {
	r.atMost(name+", time that passes, of the limit", 1.25, 0, of.wall, "times")
	r.atMost(name+", processor, of the limit", 4, 0, of.cpu, "times")
}

// of is how many times as much f takes as other.
func (f *fan) of(other *fan) ratio {
	return ratioOf(f.figures(), other.figures())
}

func (f *fan) figures() (of figures) {
	of.median, of.spread = middle(f.walls)
	of.cpu, _ = middle(f.cpu)
	return of
}

// turns measures fans one after the other, again and again. A sample is several runs: the
// processor time of one is not told exactly enough.
func turns(r *report, fans []*fan) {
	for _, f := range fans {
		f.run() // connects
	}
	for round := range r.effort.few {
		for i := range fans {
			f := fans[(i+round)%len(fans)]
			runs := 5
			if f.slow {
				runs = 1
			}
			before, begun := cpuTime(), time.Now()
			for range runs {
				f.run()
			}
			f.walls = append(f.walls, float64(time.Since(begun))/float64(runs))
			f.cpu = append(f.cpu, float64(cpuTime()-before)/float64(runs))
		}
	}
}

// hanging measures a group of which one server does not answer: while that is not known, and after.
func hanging(r *report, at backendAt, well float64) string {
	var first, known []time.Duration
	for range 3 {
		g := groupAt("http", fanDeadline, append(at.Servers[:fanServers-1:fanServers-1], at.Hanging)...)
		for call := range 5 {
			begun := time.Now()
			late(g)
			switch took := time.Since(begun); {
			case call == 0:
				first = append(first, took)
			case call > 3: // three failures in a row are known
				known = append(known, took)
			}
		}
		closeGroup(g)
	}
	wait, _ := middle(first)
	later, _ := middle(known)
	r.atMost("fan-out, one hangs: beyond its deadline of 250 ms", 10, 0, float64(wait-fanDeadline)/1e6, "ms")
	r.atMost("fan-out, one hangs and that is known, of all well", 1.2, 0, float64(later)/well, "times")
	return fmt.Sprintf("With a server that hangs and a deadline of %v: %v; once it is known to hang, %v.", fanDeadline, wait.Round(time.Millisecond/10), later.Round(time.Millisecond/10))
}

func groupAt(scheme string, deadline time.Duration, servers ...string) *bbb.Group {
	g := must2(bbb.NewGroup("benchmark", bbb.WithTimeout(deadline, deadline)))
	for i, s := range servers {
		must2(g.New(fmt.Sprint("bbb", i), scheme+"://"+s, secret))
	}
	return g
}

// counted asks a group for its meetings, and insists on their number.
func counted(g *bbb.Group, want int) func() {
	return func() {
		list, err := g.Meetings(context.Background())
		if _, partly := errors.AsType[*bbb.GroupError](err); err != nil && !partly || len(list) != want {
			panic(fmt.Sprintf("%d meetings instead of %d: %v", len(list), want, err))
		}
	}
}

// late asks a group with a short deadline. On a machine that is busy with other things, more servers
// may miss it than the one that hangs.
func late(g *bbb.Group) {
	if list, _ := g.Meetings(context.Background()); len(list) < fanServers*fanMeetings/2 {
		panic("most servers missed the deadline: the machine is too busy")
	}
}

// readAll is the limit: everybody is asked at once, and nothing made of what comes.
func readAll(transport *http.Transport, scheme string, servers []string) func() {
	sum := bbb.SHA256.Checksum("getMeetings", "", secret)
	buffers := sync.Pool{New: func() any { return make([]byte, 64<<10) }}
	return func() {
		var wait sync.WaitGroup
		for _, s := range servers {
			wait.Go(func() {
				req := must2(http.NewRequestWithContext(context.Background(), http.MethodGet, scheme+"://"+s+"/bigbluebutton/api/getMeetings?checksum="+sum, nil))
				resp, err := transport.RoundTrip(req)
				must(err)
				buf := buffers.Get().([]byte)
				must2(io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf))
				buffers.Put(buf) //nolint:staticcheck // 24 bytes for 64 KiB
				must(resp.Body.Close())
			})
		}
		wait.Wait()
	}
}

func together(n int, f func()) {
	var wait sync.WaitGroup
	for range n {
		wait.Go(f)
	}
	wait.Wait()
}

// trust has the transports of this process trust a certificate, as an administrator would. It must
// come before the first connection.
func trust(ca []byte) {
	f := must2(os.CreateTemp("", "*.pem"))
	must2(f.Write(ca))
	must(f.Close())
	must(os.Setenv("SSL_CERT_FILE", f.Name()))
	_, err := x509.SystemCertPool() // reads it
	must(errors.Join(err, os.Remove(f.Name())))
}
