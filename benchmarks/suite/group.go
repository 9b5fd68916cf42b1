package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/bbbgroup/bbb"
)

// groupInMemory is a group of servers whose answers are there at once.
func groupInMemory(servers, each int, s shape) *bbb.Group {
	bodies := make(map[string][]byte, servers)
	for i := range servers {
		bodies[host(i)] = meetingsBody(i*each, each, s)
	}
	return newGroup(servers, bbb.WithTransport(inMemory(func(host string) []byte { return bodies[host] })))
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
