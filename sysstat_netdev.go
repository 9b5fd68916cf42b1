package bbb

import "strings"

// The columns of bytes in [netCounters].
const (
	rxBytes = 0
	txBytes = 8
)

// netCounters are the columns of /proc/net/dev of one interface: of what it received,
// bytes, packets, errors, dropped, FIFO, frame, compressed and multicast, then of what
// it sent, bytes, packets, errors, dropped, FIFO, collisions, carrier and compressed.
type netCounters struct {
	name   string
	counts [16]uint64
}

// parseNet reads /proc/net/dev.
func parseNet(text string) []netCounters {
	var list []netCounters
	for line := range strings.Lines(text) {
		if len(list) == sadfItems {
			break
		}
		colon := strings.LastIndexByte(line, ':') // old kernels write no blank behind it
		if colon < 0 {
			continue
		}
		one := netCounters{name: shownName([]byte(strings.TrimSpace(line[:colon])))}
		fields := strings.Fields(line[colon+1:])
		if one.name == "" || len(fields) < len(one.counts) {
			continue
		}
		for i := range one.counts {
			one.counts[i] = number(fields[i])
		}
		list = append(list, one)
	}
	return list
}

// netRates is what went through the interfaces between two readings, per second, of
// those that are in both. A counter that went back began anew, and counts as 0.
func netRates(before, after []netCounters, seconds float64) []Interface {
	if seconds <= 0 {
		return nil
	}
	known := make(map[string]*netCounters, len(before))
	for i := range before {
		known[before[i].name] = &before[i]
	}
	var list []Interface
	for _, now := range after {
		then := known[now.name]
		if then == nil {
			continue
		}
		var r [16]float64
		for i, n := range now.counts {
			if n > then.counts[i] {
				r[i] = float64(n-then.counts[i]) / seconds
			}
			if i == rxBytes || i == txBytes {
				r[i] /= 1024
			}
			r[i] = hundredths(r[i])
		}
		list = append(list, Interface{
			Name:  now.name,
			RxKiB: r[rxBytes], RxPackets: r[1], RxErrors: r[2], RxDropped: r[3],
			RxFIFO: r[4], RxFrame: r[5], RxCompressed: r[6], RxMulticast: r[7],
			TxKiB: r[txBytes], TxPackets: r[9], TxErrors: r[10], TxDropped: r[11],
			TxFIFO: r[12], Collisions: r[13], TxCarrier: r[14], TxCompressed: r[15],
		})
	}
	return list
}
