package main

import (
	"fmt"

	"github.com/bbbgroup/bbb"
)

const (
	loadConnections = 32
	proxyMeetings   = 25 // on each of four servers
)

// proxied is a program that is loaded.
type proxied struct {
	name  string
	child *child
	loads map[string]load // by call
}

// The calls that portals make most. A list is asked for once per page of a portal, the others once per click.
var proxiedCalls = []string{"isMeetingRunning", "getMeetingInfo", "create", "join", "getMeetings"}

// proxies are the programs that are compared.
type proxies struct {
	direct, reverse, handler, fresh, constant *proxied
}

func (p *proxies) all() []*proxied {
	return []*proxied{p.direct, p.reverse, p.handler, p.fresh, p.constant}
}

// proxyPart loads the fake servers, proxies and handlers in turns. All share the machine.
func proxyPart(r *report) {
	var at, one backendAt
	servers := start("backend", backend{Servers: 4, Meetings: proxyMeetings, Tenant: tenantName}, &at)
	defer servers.stop()
	// A bare proxy knows one server. So that its lists are as long, that one has all the meetings.
	big := start("backend", backend{Servers: 1, Meetings: 4 * proxyMeetings, Tenant: tenantName}, &one)
	defer big.stop()

	var started []*child
	defer func() {
		for _, c := range started {
			c.stop()
		}
	}()
	begin := func(name string, k proxyKind) *proxied {
		p, address := &proxied{name: name, loads: make(map[string]load)}, ""
		p.child = start("proxy", k, &address)
		started = append(started, p.child)
		for _, call := range proxiedCalls {
			p.loads[call] = newLoad(address, tenantPaths(call, ""))
		}
		return p
	}
	var p proxies
	p.direct = &proxied{name: "limit: the fake server itself", child: big, loads: make(map[string]load)}
	p.reverse = begin("httputil.ReverseProxy that signs, and nothing else", proxyKind{Kind: "reverse", Servers: one.Servers})
	p.handler = begin("this library, the whole Handler with a tenant", proxyKind{Kind: "handler", Servers: at.Servers})
	p.fresh = begin("the same, from fresh memory", proxyKind{Kind: "fresh", Servers: at.Servers})
	first := make(map[string]string)
	for _, call := range proxiedCalls {
		first[call] = tenantPaths(call, "")[0]
	}
	p.constant = begin("net/http, constant bytes", proxyKind{Kind: "constant", Like: p.fresh.loads["join"].address, Paths: first})
	for _, call := range proxiedCalls {
		// Bare proxies pass IDs on as they are, so they are asked for the real ones.
		own := tenantPaths(call, tenantName+"-")
		p.reverse.loads[call] = newLoad(p.reverse.loads[call].address, own)
		p.direct.loads[call] = newLoad(one.Servers[0], own)
	}
	for _, call := range proxiedCalls {
		r.loaded(call, &p)
	}
	r.endurance(servers, p.handler)
	r.byWrk(&p)
}

// loaded compares all at one call.
func (r *report) loaded(call string, p *proxies) {
	d := r.effort.load
	use := p.all()
	if call == "create" {
		use = use[:3] // it is no question that memory could answer
	}
	rates, p50s, alone, cpu := samples{}, samples{}, samples{}, samples{}
	for round := range r.effort.few + 1 {
		for i := range use {
			p := use[(i+round)%len(use)]
			before := p.child.cpu()
			got := p.loads[call].run(loadConnections, d)
			used := p.child.cpu() - before
			single := p.loads[call].run(1, d/4)
			if round == 0 {
				continue // everybody connects to the servers
			}
			rates.add(p, got.rate())
			p50s.add(p, got.p50)
			alone.add(p, single.p50)
			cpu.add(p, float64(used)/float64(got.requests))
		}
	}
	// More requests in a time are better, and less of a processor for each.
	times := func(a, b *proxied) ratio {
		return ratio{rates.median(a) / rates.median(b), cpu.median(b) / cpu.median(a)}
	}
	part := part{
		title: "Proxy: " + call + ", 32 connections",
		note: "Load, proxy and fake servers share the processors. The Handler verifies, finds the tenant and the meeting on one of four servers, and keeps tenants\n" +
			"apart; the bare proxy does not, and has one server with everything.",
		head: []string{"how", "requests/s", "spread", "of ReverseProxy", "p50", "p50 of one connection", "its processor per request", "bytes"},
	}
	switch call {
	case "create":
		part.note += "\nThe meetings are there, and nearly all were seen within the last half second: then the Handler does not ask for them first."
	case "getMeetings":
		part.note += "\nAll connections ask the Handler the same, which they share; the bare proxy hands on each question."
	}
	for _, one := range use {
		_, spread := middle(rates[one])
		part.rows = append(part.rows, []string{
			one.name, fmt.Sprintf("%.0f", rates.median(one)), percent(spread), ratioText(rates.median(one) / rates.median(p.reverse)),
			timeText(p50s.median(one)), timeText(alone.median(one)), timeText(cpu.median(one)), fmt.Sprint(one.loads[call].sizeOf()),
		})
	}
	r.add(part)
	if call == "isMeetingRunning" || call == "getMeetingInfo" || call == "create" {
		r.atLeast("proxy, "+call+", of ReverseProxy", 0.9, 1.15, times(p.handler, p.reverse))
		r.atMost("proxy, "+call+", p50 added to that of ReverseProxy", 70, 0, (p50s.median(p.handler)-p50s.median(p.reverse))/1e3, "us")
		r.atMost("proxy, "+call+", the same with one connection", 70, 0, (alone.median(p.handler)-alone.median(p.reverse))/1e3, "us")
	}
	if call == "isMeetingRunning" || call == "getMeetingInfo" || call == "getMeetings" {
		r.atLeast("proxy, "+call+" from fresh memory, of constant bytes", 0.8, 0, times(p.fresh, p.constant))
	}
}

// samples are figures of each program.
type samples map[*proxied][]float64

func (s samples) add(p *proxied, figure float64) { s[p] = append(s[p], figure) }

func (s samples) median(p *proxied) float64 {
	m, _ := middle(s[p])
	return m
}

// endurance loads the Handler with very many requests and counts its connections to the servers.
func (r *report) endurance(servers *child, handler *proxied) {
	total := 1_000_000
	if r.effort.quick {
		total = 20_000
	}
	calls := proxiedCalls[:4]
	run := func(call string) int { return handler.loads[call].run(loadConnections, r.effort.load).requests }
	for _, call := range calls {
		run(call)
	}
	sent, opened := 0, servers.ask("opened")
	for i := 0; sent < total; i++ {
		sent += run(calls[i%len(calls)])
	}
	grown := servers.ask("opened") - opened
	// Each of the four servers may once be asked by all callers at the same time, not before the others were.
	r.goal("proxy: connections to servers", "do not grow", "", fmt.Sprintf("%d at first, %d more after %d requests", opened, grown, sent),
		grown <= 4*loadConnections)
}

// tenantPaths are a call for each meeting as the tenant signs it. IDs get a prefix. There are more
// meetings than connections, so that each has some of its own.
func tenantPaths(call, prefix string) (paths []string) {
	for i := range 4 * proxyMeetings {
		query := "meetingID=" + prefix + meetingID(i, full)
		switch call {
		case "create":
			query += "&name=Algebra+%26+Analysis&attendeePW=attendee-password&moderatorPW=moderator-password&record=false"
		case "join":
			query += "&fullName=Ada+Lovelace&role=VIEWER&userID=4711"
		case "getMeetings":
			query = ""
		}
		checksum := "checksum=" + bbb.SHA256.Checksum(call, query, tenantSecret)
		if query != "" {
			query += "&"
		}
		paths = append(paths, call+"?"+query+checksum)
	}
	return paths
}
