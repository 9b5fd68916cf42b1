package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
)

// proxyKind is one of the programs that are compared.
type proxyKind struct {
	Kind    string // handler, fresh, reverse or constant
	Servers []string
	Like    string            // the program whose answers a constant one gives
	Paths   map[string]string // what it is asked for to find them out, by call
}

const (
	tenantName   = "school"
	tenantSecret = "a secret of that tenant"
)

func runProxy(options []byte) any {
	var k proxyKind
	must(json.Unmarshal(options, &k))
	var h http.Handler
	switch k.Kind {
	case "handler":
		h = handler(k.Servers)
	case "fresh":
		h = handler(k.Servers, bbb.WithHandlerFreshness(time.Hour))
	case "reverse":
		h = reverse(k.Servers[0])
	case "constant":
		h = constant(k.Like, k.Paths)
	}
	l := must2(net.Listen("tcp", "127.0.0.1:0")) //nolint:noctx // at once
	srv := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	go func() { must(srv.Serve(l)) }() // until the process ends
	return l.Addr().String()
}

// handler is the whole Handler for a tenant, over a group that knows its meetings.
func handler(servers []string, opts ...bbb.HandlerOption) http.Handler {
	g := must2(bbb.NewGroup("benchmark", bbb.WithLogger(slog.New(slog.DiscardHandler)), bbb.WithCacheTime(time.Hour)))
	for i, s := range servers {
		must2(g.New(fmt.Sprint("bbb", i), "http://"+s, secret))
	}
	must2(g.Meetings(context.Background()))
	tenants := must2(bbb.StaticTenants(&bbb.Tenant{Name: tenantName, Namespace: tenantName, Secrets: []string{tenantSecret}}))
	return must2(bbb.NewHandler(g, append(opts, bbb.WithHandlerTenants(tenants))...))
}

// reverse is the least that a proxy does: it signs the query anew for one server. It verifies
// nothing and knows of no tenant, no meeting and no second server.
func reverse(server string) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			u := r.Out.URL
			u.Scheme, u.Host = "http", server
			signed, _, _ := bbb.CutChecksum(r.In.URL.RawQuery)
			call := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
			u.RawQuery = signed + "&checksum=" + bbb.SHA256.Checksum(call, signed, secret)
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // the load leaves when its time is over
		// Two kept connections, the default, would measure dialling.
		Transport: &http.Transport{MaxIdleConnsPerHost: 256},
	}
}

// constant is the least that a server of net/http does: bytes that are always the same. They are those
// that another program answers.
func constant(like string, paths map[string]string) http.Handler {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	answers := make(map[string]func(http.ResponseWriter))
	for call, path := range paths {
		resp, err := client.Get("http://" + like + "/bigbluebutton/api/" + path) //nolint:noctx // to this machine
		must(err)
		body := must2(io.ReadAll(resp.Body))
		must(resp.Body.Close())
		status, location, kind := resp.StatusCode, resp.Header.Get("Location"), resp.Header.Get("Content-Type")
		length := strconv.Itoa(len(body))
		answers[call] = func(w http.ResponseWriter) {
			if location != "" {
				w.Header().Set("Location", location)
				w.WriteHeader(status)
				return
			}
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Content-Length", length)
			_, _ = w.Write(body)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answers[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]](w)
	})
}
