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

	Bytes, Objects float64       // for each meeting
	Find           float64       // nanoseconds
	FindAllocs     float64       //
	GC             time.Duration // a full collection
	Empty          time.Duration // the same before there was anything
}

func memoryPart(r *report) {
	h := held{Servers: 50, Each: 2000}
	start("memory", h, &h).stop()
	n := h.Servers * h.Each
	r.add(part{
		title: "Memory: 100,000 meetings held by a group",
		note:  "50 servers with 2,000 meetings each, 10 attendees and 5 metadata entries in each meeting. What the answers themselves took is free again.",
		head:  []string{"meetings", "bytes each", "objects each", "finding one", "allocations", "full GC", "full GC before"},
		rows: [][]string{{
			fmt.Sprint(n), fmt.Sprintf("%.0f", h.Bytes), fmt.Sprintf("%.2f", h.Objects), timeText(h.Find), countText(h.FindAllocs),
			timeText(float64(h.GC)), timeText(float64(h.Empty)),
		}},
	})
	r.atMost("memory per meeting", 2200, 0, h.Bytes, "bytes")
	r.atMost("objects per meeting", 6, 0, h.Objects, "")
	r.atMost("finding a meeting's server (Group.Locate)", 100, 0, h.Find, "ns")
	r.atMost("finding a meeting's server, allocations", 0, 0, h.FindAllocs, "")
}

func runMemory(options []byte) any {
	var h held
	must(json.Unmarshal(options, &h))
	places := make(map[string]int)
	for i := range h.Servers {
		places[host(i)] = i
	}
	// The bodies of two servers at a time are there, and none when it is measured.
	g := newGroup(h.Servers, bbb.WithWorkers(2), bbb.WithTransport(inMemory(func(host string) []byte {
		return meetingsBody(places[host]*h.Each, h.Each, full)
	})))
	h.Empty = collect()
	before := heap()
	_, err := g.Meetings(context.Background())
	must(err)
	collect()
	after := heap()
	n := h.Servers * h.Each
	h.Bytes = float64(after.HeapAlloc-before.HeapAlloc) / float64(n)
	h.Objects = float64(after.HeapObjects-before.HeapObjects) / float64(n)
	h.GC = collect()

	ids := make([]string, 10_000)
	for i := range ids {
		ids[i] = meetingID(i*7919%n, full)
	}
	ctx, i := context.Background(), 0
	find := func() {
		i++
		must2(g.Locate(ctx, ids[i%len(ids)]))
	}
	h.Find = compare(effort{sample: 5 * time.Millisecond, rounds: 15}, variant{"find", 1, find})["find"].median
	h.FindAllocs = testing.AllocsPerRun(1000, find)
	runtime.KeepAlive(g)
	return h
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
