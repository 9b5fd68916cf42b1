package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/bbbgroup/bbb"
)

// groupInMemory is a group of servers whose answers are there at once, and have these shapes in turns.
func groupInMemory(servers, each int, shapes ...shape) *bbb.Group {
	answers := make(map[string]*turning, servers)
	for i := range servers {
		t := new(turning)
		for _, s := range shapes {
			t.bodies = append(t.bodies, meetingsBody(i*each, each, s))
		}
		answers[host(i)] = t
	}
	return newGroup(servers, bbb.WithTransport(inMemory(func(host string) []byte { return answers[host].next() })))
}

func newGroup(servers int, opts ...bbb.GroupOption) *bbb.Group {
	g := must2(bbb.NewGroup("benchmark", opts...))
	for i := range servers {
		must2(g.New(fmt.Sprint("bbb", i), "https://"+host(i), secret))
	}
	return g
}

func host(i int) string { return fmt.Sprintf("bbb%d.example.org", i) }

func closeGroup(g *bbb.Group) { must(g.Close(context.Background())) }

// inMemory answers requests out of bodies that it is given for a host.
type inMemory func(host string) []byte

func (f inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	body := f(r.URL.Host)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {"text/xml;charset=utf-8"}}, Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}
