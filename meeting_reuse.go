package bbb

import (
	"bytes"
	"sync/atomic"

	"github.com/bbbgroup/bbb/internal/xmlwire"
)

// heardList is the list that a server gave last. The next one is compared with it, and what does not
// change keeps what was made of it: the data, and the XML that clients of a proxy get.
//
// The XML is found by the identity of the snapshot: a copy that a user has made and changed is not
// in the list, so nobody can be given the XML of another meeting.
type heardList struct {
	seen  *xmlwire.Seen[Meeting]
	shown atomic.Pointer[[]atomic.Pointer[shownXML]] // of the meetings in their order; nil until one is written
	bytes atomic.Int64                               // in them
}

// shownXML is a meeting as one kind of client is shown it: the XML of what stands in its element.
type shownXML struct {
	view view
	xml  []byte // nil when it was written once: it is kept from the second time on
}

// view is on what it depends how a meeting is shown.
type view struct {
	scope *Scope
	relay *relay
}

func (q *incoming) view() view { return view{q.scope, q.relay} }

// keptXML is how many bytes of XML a group keeps, in equal parts for its servers: enough for four
// thousand meetings with ten people in each.
const keptXML = 16 << 20

func newHeardList(seen *xmlwire.Seen[Meeting]) *heardList { return &heardList{seen: seen} }

// next returns the list that came after h, with what was made of the meetings that are in both.
// Nobody else has them yet.
func (h *heardList) next(seen *xmlwire.Seen[Meeting], meetings []*Meeting) *heardList {
	if seen.Len() != len(meetings) {
		seen = new(xmlwire.Seen[Meeting]) // an answer without meetings may leave out the list
	}
	now, old := newHeardList(seen), h.shown.Load()
	var shown []atomic.Pointer[shownXML]
	if old != nil {
		shown = make([]atomic.Pointer[shownXML], seen.Len())
		now.shown.Store(&shown)
	}
	for i, m := range meetings {
		if m.heard > 0 && i < len(shown) {
			if f := (*old)[m.heard-1].Load(); f != nil {
				shown[i].Store(f)
				now.bytes.Add(int64(len(f.xml)))
			}
		}
		m.heard = int32(i + 1)
	}
	return now
}

// place returns the place for the XML of a meeting, or nil if it is not as its server listed it last.
func (m *Meeting) place() (*heardList, *atomic.Pointer[shownXML]) {
	if m.server == nil || m.heard == 0 {
		return nil, nil
	}
	h, i := m.server.meetings.heard.Load(), int(m.heard)-1
	if h == nil || i >= h.seen.Len() || h.seen.Item(i) != m {
		return nil, nil
	}
	shown := h.shown.Load()
	if shown == nil {
		all := make([]atomic.Pointer[shownXML], h.seen.Len())
		h.shown.CompareAndSwap(nil, &all)
		shown = h.shown.Load()
	}
	return h, &(*shown)[i]
}

// meetingWriter writes meetings for one answer.
type meetingWriter struct {
	q     *incoming
	view  view
	once  *shownXML // that a meeting was written once in this view
	limit int64     // of what is kept for a server
}

func (q *incoming) meetingWriter() *meetingWriter {
	v := q.view()
	return &meetingWriter{q: q, view: v, once: &shownXML{view: v}, limit: int64(keptXML / max(q.scope.group.Len(), 1))}
}

// kept returns the XML of a meeting if there is some, else nil.
func (w *meetingWriter) kept(m *Meeting) []byte {
	if _, place := m.place(); place != nil {
		if f := place.Load(); f != nil && f.view == w.view {
			return f.xml
		}
	}
	return nil
}

// append appends the XML of what is in the element of a meeting.
func (w *meetingWriter) append(dst []byte, m *Meeting) []byte {
	list, place := m.place()
	if place == nil {
		return shownMeetingRecord.AppendInside(dst, w.q.shown(m))
	}
	f := place.Load()
	if f != nil && f.view == w.view && f.xml != nil {
		return append(dst, f.xml...)
	}
	from := len(dst)
	dst = shownMeetingRecord.AppendInside(dst, w.q.shown(m))
	switch {
	case f == nil || f.view != w.view:
		if place.CompareAndSwap(f, w.once) && f != nil {
			list.bytes.Add(-int64(len(f.xml)))
		}
	case list.bytes.Load() < w.limit:
		if place.CompareAndSwap(f, &shownXML{w.view, bytes.Clone(dst[from:])}) {
			list.bytes.Add(int64(len(dst) - from))
		}
	}
	return dst
}
