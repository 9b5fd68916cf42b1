package proxy

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// exposition writes metrics in the text format of Prometheus, version 0.0.4.
type exposition struct{ text []byte }

const expositionType = "text/plain; version=0.0.4; charset=utf-8"

// family begins a metric; all of its samples come next.
func (x *exposition) family(name, kind, help string) {
	x.text = fmt.Appendf(x.text, "# HELP %s %s\n# TYPE %s %s\n", name, helpEscaper.Replace(help), name, kind)
}

// sample writes one value. Labels are names and values in turn.
func (x *exposition) sample(name string, value float64, labels ...string) {
	x.text = append(x.text, name...)
	for i := 0; i+1 < len(labels); i += 2 {
		x.text = append(x.text, "{,"[min(i, 1)])
		x.text = append(x.text, labels[i]...)
		x.text = append(x.text, `="`...)
		x.text = append(x.text, labelEscaper.Replace(strings.ToValidUTF8(labels[i+1], "\ufffd"))...)
		x.text = append(x.text, '"')
	}
	if len(labels) > 0 {
		x.text = append(x.text, '}')
	}
	x.text = append(x.text, ' ')
	x.text = append(x.text, number(value)...)
	x.text = append(x.text, '\n')
}

// one writes a metric of one value.
func (x *exposition) one(name, kind, help string, value float64) {
	x.family(name, kind, help)
	x.sample(name, value)
}

// histogram writes the samples of one histogram; the buckets of the format include those
// below them.
func (x *exposition) histogram(name string, h *histogram, labels ...string) {
	labels = append(slices.Clip(labels), "le", "")
	le := &labels[len(labels)-1]
	var count uint64
	for i, n := range h.counts {
		count += n
		*le = "+Inf"
		if i < len(buckets) {
			*le = number(buckets[i])
		}
		x.sample(name+"_bucket", float64(count), labels...)
	}
	labels = labels[:len(labels)-2]
	x.sample(name+"_sum", h.sum, labels...)
	x.sample(name+"_count", float64(count), labels...)
}

var (
	labelEscaper = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	helpEscaper  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

func number(v float64) string {
	if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
