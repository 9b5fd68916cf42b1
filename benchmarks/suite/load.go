package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// load is requests that are sent again and again over kept connections, each waiting for
// its answer. It is written for this: a general client would take more of the machine than what it measures.
type load struct {
	address  string
	requests [][]byte
}

// loadResult is what came of it.
type loadResult struct {
	requests int
	took     time.Duration
	p50      float64 // nanoseconds
}

func (r loadResult) rate() float64 { return float64(r.requests) / r.took.Seconds() }

// newLoad makes requests for URLs below /bigbluebutton/api/.
func newLoad(address string, paths []string) load {
	l := load{address: address}
	for _, p := range paths {
		l.requests = append(l.requests, fmt.Appendf(nil, "GET /bigbluebutton/api/%s HTTP/1.1\r\nHost: %s\r\nUser-Agent: benchmark\r\n\r\n", p, address))
	}
	return l
}

// paths are what is asked for.
func (l load) paths() (paths []string) {
	for _, r := range l.requests {
		paths = append(paths, string(bytes.Fields(r)[1]))
	}
	return paths
}

// run sends for that long over so many connections, at least once over each.
func (l load) run(connections int, d time.Duration) loadResult {
	var wait sync.WaitGroup
	times := make([][]float64, connections)
	begun := time.Now()
	for i := range connections {
		wait.Go(func() { times[i] = l.connection(l.own(i, connections), begun.Add(d)) })
	}
	wait.Wait()
	r := loadResult{took: time.Since(begun)}
	var all []float64
	for _, t := range times {
		r.requests += len(t)
		all = append(all, t...)
	}
	r.p50, _ = middle(all)
	return r
}

// own are the requests of one of several connections: others than those of the others, as long as there are
// enough. Callers who ask a Handler the same at the same time share a question, which a bare proxy does not do, and
// once they do, they go on in step.
func (l load) own(i, connections int) (own [][]byte) {
	for ; i < len(l.requests); i += connections {
		own = append(own, l.requests[i])
	}
	if own == nil {
		return l.requests
	}
	return own
}

// connection sends requests in turns over one connection.
func (l load) connection(requests [][]byte, until time.Time) (times []float64) {
	c := must2(net.Dial("tcp", l.address)) //nolint:noctx // to this machine
	defer c.Close()                        //nolint:errcheck // everything is read
	in := bufio.NewReaderSize(c, 64<<10)
	for i := 0; ; i++ {
		begun := time.Now()
		if begun.After(until) && len(times) > 0 {
			return times
		}
		must2(c.Write(requests[i%len(requests)]))
		must(readAnswer(in))
		times = append(times, float64(time.Since(begun)))
	}
}

var (
	successBytes = []byte("<returncode>SUCCESS</returncode>")
	errAnswer    = errors.New("not the answer that was expected")
)

// readAnswer reads one answer and insists on a success, or on being sent on.
func readAnswer(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	sentOn := bytes.HasPrefix(line, []byte("HTTP/1.1 302"))
	if !sentOn && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("%w: %s", errAnswer, line)
	}
	length, chunked := 0, false
	for {
		line, err = in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		}
	}
	if chunked {
		return readChunks(in)
	}
	if sentOn {
		_, err = in.Discard(length)
		return err
	}
	start, err := in.Peek(min(length, 128))
	if err != nil || !bytes.Contains(start, successBytes) {
		return fmt.Errorf("%w: %.100s %w", errAnswer, start, err)
	}
	_, err = in.Discard(length)
	return err
}

func readChunks(in *bufio.Reader) error {
	for seen := false; ; seen = true {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if start, err := in.Peek(int(min(n, 128))); err != nil || !seen && !bytes.Contains(start, successBytes) {
			return fmt.Errorf("%w: %.100s", errAnswer, start)
		}
		if _, err := in.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
}

// sizeOf is how many bytes the body of an answer has.
func (l load) sizeOf() int {
	c := must2(net.Dial("tcp", l.address)) //nolint:noctx // to this machine
	defer c.Close()                        //nolint:errcheck // everything is read
	must2(c.Write(l.requests[0]))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	must(err)
	defer resp.Body.Close()
	return len(must2(io.ReadAll(resp.Body)))
}
