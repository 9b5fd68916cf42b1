package xmlwire

// A start tag with attributes is remembered in pieces: up to its first value,
// between two values, and behind the last one. The values are what differs.

// gap is such a piece.
type gap struct {
	from, to int // in the body of this round: from the name of the tag, or the quote of a value
	name     int // length of the name of the attribute to which it leads; 0 for the last
}

// Most tags have up to three attributes. Who sends many different ones is read
// the long way.
const (
	maxGaps      = 256 // of all steps
	maxSameAttrs = 8
)

// rememberAttrs is remember for a tag with attributes, all written name="value".
// It reports whether it was one. old is what now takes the place of.
func (d *decoder) rememberAttrs(now, old *step, c tag) bool {
	n := len(d.attrs)
	if n > maxSameAttrs {
		return false
	}
	for _, a := range d.attrs {
		if a.prefix > 0 || string(d.buf[a.name.to:a.raw.from]) != `="` {
			return false
		}
	}
	now.gaps = uint16(len(d.gaps)) //nolint:gosec // at most maxGaps
	if old.round == d.round && int(old.attrs) >= n {
		now.gaps = old.gaps
	} else if len(d.gaps)+1+n > maxGaps {
		return false
	} else {
		d.gaps = append(d.gaps, make([]gap, 1+n)...)
	}
	gaps, from := d.gaps[now.gaps:], c.name.from
	for i, a := range d.attrs {
		gaps[i] = gap{from: from, to: a.raw.from, name: a.name.size()}
		from = a.raw.to
	}
	gaps[n] = gap{from: from, to: d.pos}
	now.attrs, now.to = uint8(n), gaps[0].to
	return true
}

// sameAttrs passes the rest of the start tag whose first value begins at from,
// if it is like the one that s remembers, and returns the tag. Otherwise it
// passes nothing.
func (d *decoder) sameAttrs(s *step, from int) (t tag, ok bool) {
	gaps := d.gaps[s.gaps:][:1+int(s.attrs)]
	at, name := from, gaps[0].name
	for _, g := range gaps[1:] {
		value := span{at, at + quoted(d.buf[at:])}
		at = value.to + g.to - g.from
		if at > len(d.buf) || string(d.buf[value.to:at]) != string(d.buf[g.from:g.to]) {
			return tag{}, false
		}
		to := value.from - len(`="`)
		d.attrs = append(d.attrs, attribute{name: span{to - name, to}, raw: value, plain: true})
		name = g.name
	}
	d.pos = at
	begin := from - (gaps[0].to - gaps[0].from)
	return tag{name: span{begin, begin + int(s.name)}, empty: s.empty}, true
}
