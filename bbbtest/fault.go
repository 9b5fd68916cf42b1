package bbbtest

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is trouble for the requests it matches. All faults that match hit together: latencies and
// clock skews add up, and of the other kinds the fault injected first decides; a later one that
// would contradict it does not hit and is not counted.
//
// Go's own [http.Transport] sends a GET again, by itself, when a kept-alive connection breaks before
// the first byte of the answer. Over a real socket a request hit by Refuse or Drop may therefore
// arrive twice. [Server.Transport] sends nothing twice.
type Fault struct {
	// Call is the call that is hit, such as "create", "hooks/list" or "index"; "" hits every call.
	Call string
	// Match narrows the fault down further when it is not nil. It must not read the body.
	Match func(*http.Request) bool
	// Times is how many requests are hit; 0 means all until the fault is removed.
	Times int
	// Every hits only each n-th matching request, beginning with the n-th; 0 and 1 mean each.
	Every int

	// Latency is waited before the request is processed. It ends early when the client goes away,
	// and then nothing was processed.
	Latency time.Duration
	// Processed lets the request take effect first and the rest of the fault come after it: with
	// Latency a slow answer, with Hang or Status 504 an outcome the client cannot know.
	Processed bool
	// ClockSkew is how wrong the server's clock is while the request is processed: meetings and
	// people come with wrong times, and so does the Date header.
	ClockSkew time.Duration

	// Hang never answers, until the client goes away or the server is closed.
	Hang bool
	// Refuse is as if nothing listened: a dial error wrapping ECONNREFUSED in-process, a connection
	// reset over a real socket, where only [Server.SetDown] gives a real refusal.
	Refuse bool
	// Drop processes the request, so that the state changes, and then breaks the connection before
	// any answer.
	Drop bool
	// CutBody breaks the connection after that many bytes of the body, less than the Content-Length
	// that was announced; -1 right after the header. The request takes effect.
	CutBody int
	// HTML answers an error page in HTML with Status, 502 by default, as a web server in front does.
	HTML bool
	// Status answers this HTTP status, with an HTML page unless there is a Body.
	Status int
	// Body is answered as it is, with Status 200 by default.
	Body string
	// ContentType goes with Body; "text/xml" by default.
	ContentType string
	// Flood answers that many zero bytes, of a length not announced.
	Flood int64
}

// decides reports whether the fault says what becomes of the request, more than when.
func (f *Fault) decides() bool {
	return f.Hang || f.Refuse || f.Drop || f.CutBody != 0 || f.replaces()
}

// replaces reports whether the fault answers in the place of the API.
func (f *Fault) replaces() bool {
	return f.HTML || f.Status != 0 || f.Body != "" || f.ContentType != "" || f.Flood > 0
}

// reply is what a fault that replaces the answer says.
func (f *Fault) reply() reply {
	if f.Body == "" && f.ContentType == "" && f.Flood <= 0 {
		return errorPage(cmp.Or(f.Status, http.StatusBadGateway))
	}
	return reply{
		status:  cmp.Or(f.Status, http.StatusOK),
		header:  http.Header{"Content-Type": {cmp.Or(f.ContentType, "text/xml")}},
		body:    []byte(f.Body),
		endless: f.Flood > 0,
	}
}

// faults are the faults of a server in the order they were injected.
type faults struct {
	mu   sync.Mutex
	list []*injected
}

type injected struct {
	Fault
	seen int // matching requests
	hits int
}

// Inject adds a fault; remove takes it away again and may be called more than once.
func (s *Server) Inject(f Fault) (remove func()) {
	in := &injected{Fault: f}
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = append(s.faults.list, in)
	return func() { s.faults.remove(in) }
}

// ClearFaults removes all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.list = nil
}

func (fs *faults) remove(in *injected) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	// A new slice, because take ranges over the old one without the mutex.
	fs.list = slices.DeleteFunc(slices.Clone(fs.list), func(x *injected) bool { return x == in })
}

// take finds out what hits a request and counts it.
func (fs *faults) take(r *http.Request) Fault {
	fs.mu.Lock()
	list := fs.list
	fs.mu.Unlock()
	if len(list) == 0 {
		return Fault{}
	}
	name := callName(r.URL.Path)
	var sum Fault
	for _, in := range list {
		// Match runs without the mutex, so that it may inject and remove.
		if (in.Call == "" || in.Call == name) && (in.Match == nil || in.Match(r)) {
			sum = fs.hit(in, sum)
		}
	}
	return sum
}

// hit adds a matching fault to what already hits the request, if it is its turn.
func (fs *faults) hit(in *injected, sum Fault) Fault {
	if in.decides() && sum.decides() {
		return sum
	}
	fs.mu.Lock()
	in.seen++
	due := in.seen%max(in.Every, 1) == 0 && (in.Times <= 0 || in.hits < in.Times)
	if due {
		in.hits++
	}
	spent := in.Times > 0 && in.hits >= in.Times
	fs.mu.Unlock()
	if spent {
		fs.remove(in)
	}
	if !due {
		return sum
	}
	latency, skew, processed := sum.Latency+in.Latency, sum.ClockSkew+in.ClockSkew, sum.Processed || in.Processed
	if in.decides() {
		sum = in.Fault
	}
	sum.Latency, sum.ClockSkew, sum.Processed = latency, skew, processed
	return sum
}

// flood streams n zero bytes for as long as somebody takes them.
func flood(ctx context.Context, w io.Writer, n int64) {
	zeros := make([]byte, 64<<10)
	for n > 0 && ctx.Err() == nil {
		m, err := w.Write(zeros[:min(n, int64(len(zeros)))])
		if err != nil {
			return
		}
		n -= int64(m)
	}
	if ctx.Err() != nil {
		panic(http.ErrAbortHandler)
	}
}
