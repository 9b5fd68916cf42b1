package bbb

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// decodeSadf reads what `sadf -j` wrote, of sysstat 11.0 to 12.7: the newest interval of
// the first host that has any. What stands before the JSON, such as a message of sadf or
// a greeting, is passed over; what is damaged is left out. It fails with ErrSadfAnswer or
// ErrSadfEmpty. The size of data is the caller's to bound.
func decodeSadf(data []byte) (*SysStat, error) {
	start := bytes.LastIndexByte(data[:max(bytes.Index(data, []byte(`"sysstat"`)), 0)], '{')
	if start < 0 {
		return nil, fmt.Errorf("%w: %s", ErrSadfAnswer, beginning(data))
	}
	s := sadfScan{text: data[start:]}
	report := SysStat{Source: SourceSadf}
	var hosts, found bool
	s.object(func([]byte) { // "sysstat"
		s.object(func(name []byte) {
			if string(name) != "hosts" {
				s.skip()
				return
			}
			hosts = true
			s.list(func() {
				if found {
					s.skip()
					return
				}
				found = s.host(&report)
			})
		})
	})
	switch {
	case found:
		return &report, nil
	case s.cut:
		return nil, fmt.Errorf("%w, it breaks off: %s", ErrSadfAnswer, beginning(data))
	case !hosts:
		return nil, fmt.Errorf("%w: %s", ErrSadfAnswer, beginning(data))
	}
	return nil, ErrSadfEmpty
}

// beginning is what an error shows of data.
func beginning(data []byte) string {
	if text := shorten(string(data[:min(len(data), 1<<10)])); text != "" {
		return text
	}
	return "it wrote nothing"
}

// host reads one host, and reports whether it has an interval.
func (s *sadfScan) host(r *SysStat) bool {
	text := func() string {
		text, ok := s.scalar()
		if !ok {
			s.skip()
		}
		return shownName(text)
	}
	found := false
	s.object(func(name []byte) {
		switch string(name) {
		case "nodename":
			r.Host = text()
		case "sysname":
			r.System = text()
		case "release":
			r.Release = text()
		case "machine":
			r.Machine = text()
		case "number-of-cpus":
			if n, err := strconv.Atoi(text()); err == nil && n > 0 && n <= sadfItems {
				r.CPUs = n
			}
		case "statistics":
			s.list(func() {
				// Samples without a time are older than any other. Of two at one time it
				// is the later one: the clock was set back.
				sample, ok := s.sample()
				if ok && (!found || !sample.Time.Before(r.Time)) {
					r.Sample, found = sample, true
				}
			})
		default:
			s.skip()
		}
	})
	return found
}

// sample reads one interval. It reports false when there was nothing in it, as in the
// empty objects that old releases write for the intervals they leave out, or when the
// text ended within it.
func (s *sadfScan) sample() (sample Sample, ok bool) {
	interfaces := make(map[string]int)
	s.object(func(name []byte) {
		switch string(name) {
		case "timestamp":
			sample.Time, sample.Interval = s.timestamp()
		case "cpu-load", "cpu-load-all": // the latter in 11.x, with -u ALL
			sample.CPU = s.cpus()
		case "io":
			sample.IO = sadfValue[IO](s)
		case "memory":
			sample.Memory = sadfValue[Memory](s)
		case "kernel":
			sample.Kernel = sadfValue[Kernel](s)
		case "queue":
			sample.Queue = sadfValue[Queue](s)
		case "network":
			s.network(&sample, interfaces)
		default:
			s.skip()
		}
	})
	if m := sample.Memory; m != nil {
		m.Total = m.total()
	}
	ok = sample.CPU != nil || sample.IO != nil || sample.Memory != nil || sample.Kernel != nil ||
		sample.Queue != nil || sample.Network != nil || sample.Sockets != nil
	return sample, ok && !s.cut
}

// sadfValue reads an object, and returns nil when it has nothing that is known.
func sadfValue[T any](s *sadfScan) *T {
	var value T
	if s.into(&value) == 0 {
		return nil
	}
	return &value
}

// cpus reads the CPUs, all of them together first.
func (s *sadfScan) cpus() (cpus []CPU) {
	s.list(func() {
		c := CPU{Idle: -1}
		s.into(&c)
		if c.Name == "" || c.Name == "-1" {
			c.Name = "all"
		}
		switch {
		case c.Idle < 0 || len(cpus) == sadfItems:
			// What is left of it would look like a busy CPU.
		case c == CPU{Name: c.Name}:
			// Offline, which releases before 11.7.1 write so. Some releases write such a
			// line for all CPUs in the first interval of a day.
		default:
			cpus = append(cpus, c)
		}
	})
	slices.SortStableFunc(cpus, func(a, b CPU) int {
		return cmp.Compare(cpuOrder(a), cpuOrder(b))
	})
	return cpus
}

func cpuOrder(c CPU) int {
	if c.Name == "all" {
		return 0
	}
	return 1
}

// network reads traffic and errors, which are separate lists of the same interfaces, into
// one list. known is where in it each is.
func (s *sadfScan) network(sample *Sample, known map[string]int) {
	s.object(func(name []byte) {
		switch string(name) {
		case "net-dev", "net-edev":
			s.list(func() {
				start := s.at
				var named Interface
				s.into(&named)
				i, ok := known[named.Name]
				switch {
				case ok: // once more, now that it is clear into what
					s.at = start
					s.into(&sample.Network[i])
				case named.Name != "" && len(known) < sadfItems:
					known[named.Name] = len(sample.Network)
					sample.Network = append(sample.Network, named)
				}
			})
		case "net-sock":
			sample.Sockets = sadfValue[Sockets](s)
		default:
			s.skip()
		}
	})
}

// total finds the size of the memory, which sadf does not print. What adds up to it
// depends on what Used counts, and UsedPercent tells that, to two decimals.
func (m *Memory) total() int64 {
	counting := m.Free + m.Used
	cached := m.Buffers + m.Cached
	off := func(total int64) float64 {
		if total == 0 {
			return math.Inf(1)
		}
		return math.Floor(100 * math.Abs(100*float64(m.Used)/float64(total)-m.UsedPercent))
	}
	sums := []int64{counting + cached + m.Slab, counting + cached, counting}
	return slices.MinFunc(sums, func(a, b int64) int { return cmp.Compare(off(a), off(b)) })
}

// sadfTime is the time of an interval as sadf writes it.
type sadfTime struct {
	Date     string  `sadf:"date"` // as 2026-01-31
	Clock    string  `sadf:"time"` // as 23:59:59; seconds since 1970 when Date is empty
	UTC      string  `sadf:"utc"`  // 1, or 0 when it is the time of some zone: before 12.7
	Zone     string  `sadf:"tz"`   // the abbreviation of the zone: since 12.7
	Interval float64 `sadf:"interval"`
}

func (s *sadfScan) timestamp() (time.Time, time.Duration) {
	var t sadfTime
	s.into(&t)
	// The first interval after a boot may last for millions of years.
	var interval time.Duration
	if t.Interval <= (366 * 24 * time.Hour).Seconds() {
		interval = time.Duration(t.Interval) * time.Second
	}
	return t.end(), interval
}

// end is zero when it is not clear which moment is meant: an abbreviation such as "CST"
// is that of several zones, and a time that is wrong by hours would make an old report
// look fresh.
func (t *sadfTime) end() time.Time {
	var end time.Time
	if seconds, err := strconv.ParseInt(t.Clock, 10, 64); err == nil && t.Date == "" {
		end = time.Unix(seconds, 0).UTC()
	} else {
		zone := cmp.Or(t.Zone, "UTC")
		switch {
		case t.Zone == "" && t.UTC != "" && t.UTC != "1":
			return time.Time{}
		case zone == "UTC" || zone == "GMT":
			zone = "+00"
		}
		for _, layout := range []string{"2006-01-02 15:04:05 -07", "2006-01-02 15:04:05 -0700"} {
			if at, err := time.Parse(layout, t.Date+" "+t.Clock+" "+zone); err == nil {
				end = at.UTC()
			}
		}
	}
	// Other years are broken clocks or broken text; JSON has no room for some of them.
	if end.Year() < 1970 || end.Year() >= 9999 {
		return time.Time{}
	}
	return end
}
