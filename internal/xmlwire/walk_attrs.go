package xmlwire

// A start tag with attributes is remembered in pieces: up to its first value,
// between two values, and behind the last one. The values are what differs.

// gap is such a piece, but for the first one, which is the step itself.
type gap struct {
	from, to int // in the body of this round; it begins with the quote of a value
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
	now.gaps = len(d.gaps)
	if old.round == d.round && int(old.attrs) >= n {
		now.gaps = old.gaps
	} else if len(d.gaps)+n > maxGaps {
		return false
	} else {
		d.gaps = append(d.gaps, make([]gap, n)...)
	}
	now.attrs, now.to = uint8(n), d.attrs[0].raw.from
	for i, a := range d.attrs {
		g := gap{from: a.raw.to, to: d.pos}
		if i+1 < n {
			g.to, g.name = d.attrs[i+1].raw.from, d.attrs[i+1].name.size()
		}
		d.gaps[now.gaps+i] = g
	}
	now.tag, now.attr = now.to-c.name.from, d.attrs[0].name.size()
	return true
}

// sameAttrs passes the rest of the start tag whose first value begins at from,
// if it is like the one that s remembers, and returns the tag. Otherwise it
// passes nothing.
func (d *decoder) sameAttrs(s *step, from int) (t tag, ok bool) {
	at, name := from, s.attr
	for _, g := range d.gaps[s.gaps : s.gaps+int(s.attrs)] {
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
	begin := from - s.tag
	return tag{name: span{begin, begin + s.name}, empty: s.empty}, true
}
