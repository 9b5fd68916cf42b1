package bbbtest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	maxLogged     = 10_000
	maxLoggedBody = 1 << 20
)

// Request is a request that arrived. Requests that were refused are none.
type Request struct {
	Time     time.Time
	Method   string
	Path     string
	Call     string // "create", "index" ...; empty outside the API
	RawQuery string // as it came, checksum and all
	Header   http.Header
	Body     []byte // at most the first mebibyte
	Status   int    // 0 as long as nothing was answered
}

// Params returns the parameters of the query, and those of a form-urlencoded or multipart body.
func (r Request) Params() url.Values {
	in := &http.Request{Method: r.Method, Header: r.Header, URL: &url.URL{RawQuery: r.RawQuery}}
	q, _ := (&Server{}).readRequest(r.Call, in, inbound{head: r.Body}, r.Time)
	return q.params
}

// secretParams are the parameters that do not belong into a log.
var secretParams = map[string]bool{
	"checksum": true, "password": true, "attendeePW": true, "moderatorPW": true,
	"sessionToken": true, "replaceSessionToken": true,
}

// String describes the request on one line, without checksum, passwords and tokens.
func (r Request) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Method, r.Path)
	params := r.Params()
	for _, name := range sortedKeys(params) {
		if secretParams[name] {
			continue
		}
		fmt.Fprintf(&b, " %s=%q", name, params.Get(name))
	}
	if r.Status == 0 {
		return b.String() + " -> no answer"
	}
	return fmt.Sprintf("%s -> %d", b.String(), r.Status)
}

// requestLog keeps the last requests in a ring.
type requestLog struct {
	mu     sync.Mutex
	ring   []*Request
	next   int // where the oldest one is, once the ring is full
	counts map[string]int
}

func (l *requestLog) add(r *http.Request, body []byte) *Request {
	entry := &Request{
		Time:     time.Now(),
		Method:   r.Method,
		Path:     r.URL.Path,
		Call:     callName(r.URL.Path),
		RawQuery: r.URL.RawQuery,
		Header:   r.Header.Clone(),
		Body:     bytes.Clone(body[:min(len(body), maxLoggedBody)]),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts[entry.Call]++
	if len(l.ring) < maxLogged {
		l.ring = append(l.ring, entry)
		return entry
	}
	l.ring[l.next] = entry
	l.next = (l.next + 1) % maxLogged
	return entry
}

func (l *requestLog) answered(entry *Request, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entry.Status = status
}

func (l *requestLog) get(entry *Request) Request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return *entry
}

// Requests returns the last requests that arrived, at most 10,000, the oldest first. Their headers
// and bodies are shared between all who ask: read only.
func (s *Server) Requests() []Request {
	l := &s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	list := make([]Request, 0, len(l.ring))
	for i := range l.ring {
		list = append(list, *l.ring[(l.next+i)%len(l.ring)])
	}
	return list
}

// Count returns how many requests of a call arrived, be they answered or not; "" counts those
// outside the API.
func (s *Server) Count(call string) int {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return s.log.counts[call]
}

// ResetRequests empties the log and sets all counts to zero.
func (s *Server) ResetRequests() {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.log.ring, s.log.next = nil, 0
	clear(s.log.counts)
}
