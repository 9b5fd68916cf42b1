package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/bbbgroup/bbb"
)

func encodePart(r *report) {
	body := meetingsBody(0, 200, full)
	ours, theirs := &meetings{Returncode: "SUCCESS", Meetings: decodeMeetings(body)}, referenceDecode[referenceMeetings](body)
	var buf bytes.Buffer
	var dst []byte
	vs := []variant{
		{"encoding/xml", 200, func() { buf.Reset(); referenceEncode(&buf, theirs) }},
		{"this library", 200, func() { dst = meetingsRecord.Append(dst[:0], "response", ours) }},
		{"limit: copying the bytes", 200, func() { dst = append(dst[:0], body...) }},
	}
	got := compare(r.effort, vs...)
	r.compared("Encode 200 meetings", "meeting", "", got, vs...)
	r.atLeast("encode, times encoding/xml", 15, 0, ratioOf(got["encoding/xml"], got["this library"]))

	const servers, each = 50, 40
	g := groupInMemory(servers, each, full)
	ctx := context.Background()
	must2(g.Meetings(ctx))
	merged := func() []byte {
		return g.HandleFromData(ctx, "getMeetings", nil, nil, bbb.HandleFresh(time.Hour)).AppendBody(dst[:0])
	}
	all := bytes.Clone(merged())
	vs = []variant{
		{"limit: copying the bytes", servers * each, func() { dst = append(dst[:0], all...) }},
		{"this library", servers * each, func() { dst = merged() }},
	}
	got = compare(r.effort, vs...)
	r.compared("Answer getMeetings of 2,000 unchanged meetings of 50 servers", "meeting", fmt.Sprintf("%d bytes.", len(all)), got, vs...)
	r.times("encode an unchanged merged list, of copying its bytes", 2, ratioOf(got["this library"], got[vs[0].name]))
	closeGroup(g)
}
