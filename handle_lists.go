package bbb

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"
)

// wholeLists keeps whole answers to getMeetings, as long as the same is told to the same: to put a list
// together takes as long as to send it, even from the XML of its meetings. A view has one place, which others may take
// from it, so that the memory has a bound however many tenants there are.
//
// A list is known by the identity of its snapshots, to which nothing writes.
type wholeLists struct {
	places [16]atomic.Pointer[wholeList]
	swept  atomic.Int64 // when, in nanoseconds
}

// wholeList is an answer, and what it was made of.
type wholeList struct {
	view     view
	versions []uint64 // of what the servers had, in their order; nil if more than that made the list
	meetings []*Meeting
	body     []byte      // nil when it was written once: it is kept from the second time on
	again    atomic.Bool // it was told again since the last sweep
}

// keptList is how long an answer may be that is kept.
const keptList = 1 << 20

func (l *wholeLists) place(v view) *atomic.Pointer[wholeList] {
	return &l.places[maphash.Comparable(idSeed, v)%uint64(len(l.places))]
}

// of reports whether there is a list, and it is that of a view.
func (l *wholeList) of(v view) bool { return l != nil && l.view == v }

// tells reports whether a list is what these servers have, of which all were asked at that time or later.
func (l *wholeList) tells(servers []*Server, from time.Time) bool {
	if l.versions == nil || len(l.versions) != len(servers) {
		return false
	}
	for i, s := range servers {
		if version, fresh := s.meetings.freshSince(from); !fresh || version != l.versions[i] {
			return false
		}
	}
	return true
}

// sweep drops, once a minute, what nobody has asked for in the last one: the meetings in it are over by
// and by.
func (l *wholeLists) sweep(now time.Time) {
	last := l.swept.Load()
	if now.UnixNano()-last < int64(time.Minute) || !l.swept.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	for i := range l.places {
		if told := l.places[i].Load(); told != nil && !told.again.Swap(false) {
			l.places[i].CompareAndSwap(told, nil)
		}
	}
}

// answerList gives an answer the body that lists meetings, of which there are some.
func (q *incoming) answerList(r *Response, meetings []*Meeting) {
	v := q.view()
	known := q.scope.group.wholeLists.place(v).Load()
	again := known.of(v) && slices.Equal(known.meetings, meetings)
	if again && known.body != nil {
		r.body = known.body
		if !slices.Equal(known.versions, q.versions) { // such as when a meeting of others has come
			q.keepList(known, known.meetings, known.body)
		} else if !known.again.Load() {
			known.again.Store(true)
		}
		return
	}
	r.write = func(dst []byte) []byte {
		from := len(dst)
		dst = append(q.appendList(append(dst, answerHead...), meetings), answerEnd...)
		switch body := dst[from:]; {
		case len(body) > keptList:
		case again:
			q.keepList(known, known.meetings, bytes.Clone(body))
		default:
			q.keepList(known, slices.Clone(meetings), nil)
		}
		return dst
	}
}

// keepList puts a list in the place of the one that was there, unless somebody else did.
func (q *incoming) keepList(known *wholeList, meetings []*Meeting, body []byte) {
	v := q.view()
	q.scope.group.wholeLists.place(v).CompareAndSwap(known, &wholeList{view: v, versions: q.versions, meetings: meetings, body: body})
}
