package main

import (
	"fmt"
	"strings"

	"github.com/bbbgroup/bbb"
)

const loadConnections = 32

// proxied is a program that is loaded.
type proxied struct {
	name  string
	child *child
	loads map[string]load // by call
}

// proxyPart loads the fake servers, proxies and handlers in turns. All share the machine.
func proxyPart(r *report) {
	const each = 100
	var at backendAt
	servers := start("backend", backend{Servers: 4, Meetings: each, Tenant: tenantName}, &at)
	defer servers.stop()
	calls := []string{"isMeetingRunning", "getMeetingInfo", "create"}
	paths := make(map[string][]string)
	for _, call := range calls {
		for i := range each {
			paths[call] = append(paths[call], tenantPath(call, fmt.Sprintf("course-%08d", i)))
		}
	}
	direct := &proxied{name: "limit: the fake server itself", child: servers, loads: make(map[string]load)}
	all := []*proxied{direct}
	named := map[string]*proxied{}
	for _, k := range []struct{ kind, name string }{
		{"reverse", "httputil.ReverseProxy that signs, and nothing else"},
		{"handler", "this library, the whole Handler with a tenant"},
		{"fresh", "the same, from fresh memory"},
		{"constant", "net/http, constant bytes"},
	} {
		var address string
		c := start("proxy", proxyKind{k.kind, at.Servers}, &address)
		defer c.stop()
		p := &proxied{name: k.name, child: c, loads: make(map[string]load)}
		for _, call := range calls {
			p.loads[call] = newLoad(address, paths[call])
		}
		all, named[k.kind] = append(all, p), p
	}
	for _, call := range calls {
		var own []string
		for i := range each { // the server has the meetings under their real IDs
			own = append(own, fmt.Sprintf("%s?meetingID=%s-course-%08d&checksum=0", call, tenantName, i))
		}
		direct.loads[call] = newLoad(at.Servers[0], own)
	}
	// A bare proxy passes IDs on as they are, so it is asked for the real ones.
	for _, call := range calls {
		own := make([]string, each)
		for i := range own {
			own[i] = tenantPath(call, fmt.Sprintf("%s-course-%08d", tenantName, i))
		}
		l := named["reverse"].loads[call]
		named["reverse"].loads[call] = newLoad(l.address, own)
	}
	opened := servers.ask("opened")
	sent := 0
	for _, call := range calls {
		use := all
		if call == "create" {
			use = all[:len(all)-2] // there is no answer to it from memory
		}
		sent += r.loaded(call, use, named)
	}
	// Those of the load itself, which goes to the servers directly once in each round, are no proxy's.
	opened = servers.ask("opened") - opened - int64(len(calls)*(r.effort.few+1)*(loadConnections+1))
	r.goal("proxy: connections to servers, of three proxies over all requests", "do not grow", "", fmt.Sprintf("%d for %d requests", opened, sent),
		opened <= 3*int64(len(at.Servers))*loadConnections)
}

// loaded compares all at one call, and returns how many requests that took.
func (r *report) loaded(call string, all []*proxied, named map[string]*proxied) (sent int) {
	d := r.effort.load
	rates, p50s, alone, cpu := map[*proxied][]float64{}, map[*proxied][]float64{}, map[*proxied][]float64{}, map[*proxied][]float64{}
	for round := range r.effort.few + 1 {
		for i := range all {
			p := all[(i+round)%len(all)]
			before := p.child.cpu()
			got := p.loads[call].run(loadConnections, d)
			used := p.child.cpu() - before
			single := p.loads[call].run(1, d/4)
			sent += got.requests + single.requests
			if round == 0 {
				continue // everybody connects to the servers
			}
			rates[p] = append(rates[p], got.rate())
			p50s[p] = append(p50s[p], got.p50)
			alone[p] = append(alone[p], single.p50)
			cpu[p] = append(cpu[p], float64(used)/float64(got.requests))
		}
	}
	median := func(of map[*proxied][]float64, p *proxied) float64 {
		m, _ := middle(of[p])
		return m
	}
	reverse, handler, fresh, constant, direct := named["reverse"], named["handler"], named["fresh"], named["constant"], all[0]
	// More requests in a time are better, and less of a processor for each.
	times := func(a, b *proxied) ratio {
		return ratio{median(rates, a) / median(rates, b), median(cpu, b) / median(cpu, a)}
	}
	part := part{
		title: "Proxy: " + call + ", 32 connections",
		note:  "Load, proxy and fake servers share the processors. The Handler verifies, finds the tenant and the meeting, and keeps both apart; the bare proxies do not.",
		head:  []string{"how", "requests/s", "spread", "of ReverseProxy", "p50", "p50 of one connection", "its processor per request", "bytes"},
	}
	for _, p := range all {
		_, spread := middle(rates[p])
		part.rows = append(part.rows, []string{
			p.name, fmt.Sprintf("%.0f", median(rates, p)), percent(spread), ratioText(median(rates, p) / median(rates, reverse)),
			timeText(median(p50s, p)), timeText(median(alone, p)), timeText(median(cpu, p)), fmt.Sprint(p.loads[call].sizeOf()),
		})
	}
	r.add(part)
	r.atLeast("proxy, "+call+", of ReverseProxy", 0.9, 1.15, times(handler, reverse))
	r.atMost("proxy, "+call+", p50 added, one connection", 70, 0, (median(alone, handler)-median(alone, direct))/1e3, "us")
	if call != "create" {
		r.atLeast("proxy, "+call+" from fresh memory, of constant bytes", 0.8, 0, times(fresh, constant))
	}
	return sent
}

// tenantPath is a call as the tenant signs it.
func tenantPath(call, id string) string {
	query := "meetingID=" + id
	if call == "create" {
		query += "&name=Algebra+%26+Analysis&attendeePW=attendee-password&moderatorPW=moderator-password&record=false"
	}
	return strings.Join([]string{call, "?", query, "&checksum=", bbb.SHA256.Checksum(call, query, tenantSecret)}, "")
}
