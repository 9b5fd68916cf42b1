package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
)

// held is what it costs to know meetings.
type held struct {
	Servers, Each int

	States []heldState
	Answer float64       // bytes of an answer of which one meeting is kept
	Pinned float64       // bytes that are held of it then
	Find   float64       // nanoseconds of a processor for finding one
	Allocs float64       // for that
	GC     time.Duration // a full collection
	Empty  time.Duration // the same before there was anything
}

// heldState is what each meeting takes at some time.
type heldState struct {
	What           string
	Bytes, Objects float64
}

func memoryPart(r *report) {
	h := held{Servers: 50, Each: 2000}
	start("memory", h, &h).stop()
	p := part{
		title: "Memory: 100,000 meetings held by a group",
		note: fmt.Sprintf("50 servers with 2,000 meetings each, 10 attendees and 5 metadata entries in each meeting. What the answers themselves took is free again. "+
			"A full collection takes %s, and %s before there was any meeting. Of an answer of 200 meetings and %.0f bytes, of which one is kept, %.0f bytes are held.",
			timeText(float64(h.GC)), timeText(float64(h.Empty)), h.Answer, h.Pinned),
		head: []string{"when", "bytes each", "objects each"},
	}
	var bytes, objects float64
	for i, s := range h.States {
		p.rows = append(p.rows, []string{s.What, fmt.Sprintf("%.0f", s.Bytes), fmt.Sprintf("%.2f", s.Objects)})
		if i < len(h.States)-1 { // the XML of lists is kept for who asks for lists
			bytes, objects = max(bytes, s.Bytes), max(objects, s.Objects)
		}
	}
	r.add(p)
	r.atMost("memory per meeting, no lists for clients", 2200, 0, bytes, "bytes")
	r.atMost("objects per meeting, no lists for clients", 6, 0, objects, "")
	r.goal("one meeting kept of an answer of 200", "does not pin it", "", fmt.Sprintf("%.0f of %.0f bytes", h.Pinned, h.Answer), h.Pinned < h.Answer/20)
	r.atMost("finding a meeting's server (Group.Locate), processor", 100, 0, h.Find, "ns")
	r.atMost("finding a meeting's server, allocations", 0, 0, h.Allocs, "")
}

func runMemory(options []byte) any {
	var h held
	must(json.Unmarshal(options, &h))
	// The bodies are there before and after; they have no pointers that a collection would follow.
	same, changed := make(map[string][]byte), make(map[string][]byte)
	for i := range h.Servers {
		same[host(i)] = meetingsBody(i*h.Each, h.Each, full)
		changed[host(i)] = meetingsBody(i*h.Each, h.Each, full.changed(20))
	}
	says := same
	g := newGroup(h.Servers, bbb.WithTransport(inMemory(func(host string) []byte { return says[host] })))
	h.Empty = collect()
	before := heap()
	n := h.Servers * h.Each
	state := func(what string) {
		h.GC = collect()
		after := heap()
		h.States = append(h.States, heldState{
			what, float64(after.HeapAlloc-before.HeapAlloc) / float64(n), float64(after.HeapObjects-before.HeapObjects) / float64(n),
		})
	}
	ctx, i := context.Background(), 0
	must2(g.Meetings(ctx))
	state("asked once")
	must2(g.Meetings(ctx))
	must2(g.Meetings(ctx))
	state("asked twice more, as they were")
	says = changed
	must2(g.Meetings(ctx))
	state("asked again, 5 % changed")
	for range 2 {
		g.HandleFromData(ctx, "getMeetings", nil, nil, bbb.HandleFresh(time.Hour)).AppendBody(nil)
	}
	state("listed twice for clients, whose XML is kept")

	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = meetingID(i*7919%n, full)
	}
	find := func() {
		i++
		must2(g.Locate(ctx, ids[i%len(ids)]))
	}
	h.Find = compare(effort{sample: 50 * time.Millisecond, rounds: 15}, variant{"find", 1, find})["find"].cpu
	h.Allocs = testing.AllocsPerRun(1000, find)
	runtime.KeepAlive(g)
	runtime.KeepAlive(same)
	runtime.KeepAlive(changed)
	h.Answer, h.Pinned = pinned()
	return h
}

// pinned returns the size of answers of which one meeting is kept, and what is held of each.
func pinned() (answer, held float64) {
	const answers, each = 50, 200
	kept := make([]*bbb.Meeting, answers)
	collect()
	before := heap()
	for i := range kept {
		body := meetingsBody(i*each, each, full)
		answer = float64(len(body))
		kept[i] = decodeMeetings(body)[each/2]
	}
	collect()
	held = (float64(heap().HeapAlloc) - float64(before.HeapAlloc)) / answers
	runtime.KeepAlive(kept)
	return answer, held
}

// collect collects all garbage, what pools keep included, and returns how long the last
// of several full collections took, in the middle.
func collect() time.Duration {
	var took []time.Duration
	for range 5 {
		begun := time.Now()
		runtime.GC()
		took = append(took, time.Since(begun))
	}
	median, _ := middle(took)
	return median
}

func heap() (m runtime.MemStats) {
	runtime.ReadMemStats(&m)
	return m
}
