package main

import (
	"bytes"
	"context"
	"io"

	"github.com/bbbgroup/bbb"
)

// refreshPart measures getMeetings as users make it, again and again, of a server whose answers
// are there at once: what it costs when nothing changed since the last time, and when much did.
func refreshPart(r *report) {
	const n = 200
	before := meetingsBody(0, n, full)
	vs := []variant{
		{"decoding the list, without the call", n, func() { decodeMeetings(before) }},
		{"this library, all meetings changed", n, wholeCall(before, meetingsBody(0, n, full.changed(1)))},
		{"this library, 5 % changed", n, wholeCall(before, meetingsBody(0, n, full.changed(20)))},
		{"this library, unchanged", n, wholeCall(before)},
		{"limit: io.ReadAll", n, func() { must2(io.ReadAll(bytes.NewReader(before))) }},
		{"limit: IndexByte('<')", n, func() { tags(before) }},
	}
	got := compare(r.effort, vs...)
	r.compared("Ask a server again for its 200 meetings", "meeting", "A changed meeting has another number of voices and an attendee without one.", got, vs...)
}

// wholeCall is getMeetings of a server that gives these answers in turns.
func wholeCall(bodies ...[]byte) func() {
	turns := &turning{bodies: bodies}
	g := must2(bbb.NewGroup("benchmark", bbb.WithTransport(inMemory(func(string) []byte { return turns.next() }))))
	s := must2(g.New("bbb", "https://bbb.example.org", secret))
	return func() { must2(s.Meetings(context.Background())) }
}
