package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// compressed weighs gzip against the processor. net/http asks for it by itself, so it is for the
// servers to decide; the table tells below which speed of the line it gains time.
func compressed(r *report) {
	const n = 200
	body := meetingsBody(0, n, full)
	into := bytes.NewBuffer(make([]byte, 0, len(body)))
	packed := map[int][]byte{}
	for _, level := range []int{1, 6} {
		packed[level] = pack(into, body, level)
	}
	vs := []variant{
		{"decoding", n, func() { decodeMeetings(body) }},
		{"reading the plain body", n, func() { into.Reset(); must2(into.ReadFrom(bytes.NewReader(body))) }},
		{"reading gzip, level 1", n, func() { unpack(into, packed[1]) }},
		{"reading gzip, level 6", n, func() { unpack(into, packed[6]) }},
		{"the server's part, level 1", n, func() { pack(into, body, 1) }},
		{"the server's part, level 6", n, func() { pack(into, body, 6) }},
	}
	got := compare(r.effort, vs...)
	size := map[string]int{
		vs[0].name: len(body), vs[1].name: len(body), vs[2].name: len(packed[1]), vs[3].name: len(packed[6]),
		vs[4].name: len(packed[1]), vs[5].name: len(packed[6]),
	}
	p := part{title: "gzip", head: []string{"how", "bytes per meeting", "time per meeting", "spread", "processor", "of decoding"}}
	for _, v := range vs {
		f := got[v.name]
		p.rows = append(p.rows, []string{v.name, fmt.Sprint(size[v.name] / n), timeText(f.median), percent(f.spread), timeText(f.cpu), ratioText(f.cpu / got["decoding"].cpu)})
	}
	saved := float64(len(body)-len(packed[1])) / n * 8
	extra := got[vs[2].name].cpu - got[vs[1].name].cpu
	p.note = fmt.Sprintf("The answer of 200 meetings, as above. By the client's processor alone, level 1 gains time on lines below %.0f Mbit/s.", saved/extra*1e3)
	r.add(p)
}

func pack(into *bytes.Buffer, body []byte, level int) []byte {
	into.Reset()
	w := must2(gzip.NewWriterLevel(into, level))
	must2(w.Write(body))
	must(w.Close())
	return bytes.Clone(into.Bytes())
}

func unpack(into *bytes.Buffer, packed []byte) {
	into.Reset()
	must2(io.Copy(into, must2(gzip.NewReader(bytes.NewReader(packed)))))
}
