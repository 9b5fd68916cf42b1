package main

import (
	"bytes"
	"fmt"
	"io"
)

func decodePart(r *report) {
	for _, n := range []int{200, 10} {
		body := meetingsBody(0, n, full)
		vs := []variant{
			{"encoding/xml", n, func() { referenceDecode[referenceMeetings](body) }},
			{"tdewolff/parse, typed", n, func() { must2(lexed(body)) }},
			{"this library", n, func() { decodeMeetings(body) }},
			{"limit: io.ReadAll", n, func() { must2(io.ReadAll(bytes.NewReader(body))) }},
			{"limit: IndexByte('<')", n, func() { tags(body) }},
		}
		got := compare(r.effort, vs...)
		r.compared(fmt.Sprintf("Decode %d meetings", n), "meeting", fmt.Sprintf("%d bytes, 10 attendees and 5 metadata entries each.", len(body)), got, vs...)
		times := ratioOf(got["encoding/xml"], got["this library"])
		if n == 10 {
			r.atLeast("decode 10 meetings, times encoding/xml", 20, 0, times)
			continue
		}
		r.atLeast("decode 200 meetings, times encoding/xml", 28, 40, times)
		r.times("decode 200 meetings, of the IndexByte scan", 2.5, ratioOf(got["this library"], got["limit: IndexByte('<')"]))
		r.atMost("decode, allocations per meeting", 12, 1, got["this library"].allocs, "")
	}

	body := meetingsBody(0, 200, shape{attendees: 10, shuffled: true})
	vs := []variant{
		{"encoding/xml", 200, func() { referenceDecode[referenceMeetings](body) }},
		{"tdewolff/parse, typed", 200, func() { must2(lexed(body)) }},
		{"this library", 200, func() { decodeMeetings(body) }},
	}
	got := compare(r.effort, vs...)
	r.compared("Decode 200 meetings, shuffled, with unknown elements", "meeting", "", got, vs...)
	r.atLeast("decode shuffled fields, times encoding/xml", 12, 0, ratioOf(got["encoding/xml"], got["this library"]))

	recs := recordingsBody(2000)
	vs = []variant{
		{"encoding/xml", 2000, func() { referenceDecode[referenceRecordings](recs) }},
		{"this library", 2000, func() { decodeRecordings(recs) }},
		{"limit: IndexByte('<')", 2000, func() { tags(recs) }},
	}
	got = compare(r.effort, vs...)
	r.compared("Decode 2,000 recordings", "recording", "", got, vs...)
	r.atLeast("decode 2,000 recordings, times encoding/xml", 20, 0, ratioOf(got["encoding/xml"], got["this library"]))
	correctTable(r)
	compressed(r)
}

// tags finds all tags and does nothing with them: the least that any reader of XML does.
func tags(body []byte) {
	for rest := body; ; {
		i := bytes.IndexByte(rest, '<')
		if i < 0 {
			return
		}
		rest = rest[i+1:]
	}
}
