package bbb

import (
	"bytes"
	"hash/maphash"
	"slices"
	"sync/atomic"
)

// wholeLists keeps whole answers to getMeetings, as long as the same is told to the same: to put a list
// together takes as long as to send it, even from the XML of its meetings. A view has one place, which others may take
// from it, so that the memory has a bound however many tenants there are.
//
// A list is known by the identity of its snapshots, to which nothing writes.
type wholeLists struct {
	seed   maphash.Seed
	places [16]atomic.Pointer[wholeList]
}

// wholeList is an answer, and what it was made of.
type wholeList struct {
	view     view
	meetings []*Meeting
	body     []byte // nil when it was written once: it is kept from the second time on
}

// keptList is how long an answer may be that is kept.
const keptList = 1 << 20

func (l *wholeLists) place(v view) *atomic.Pointer[wholeList] {
	return &l.places[maphash.Comparable(l.seed, v)%uint64(len(l.places))]
}

// answerList gives an answer the body that lists meetings, of which there are some.
func (q *incoming) answerList(r *Response, meetings []*Meeting) {
	v := view{q.scope, q.relay}
	place := q.scope.group.wholeLists.place(v)
	known := place.Load()
	again := known != nil && known.view == v && slices.Equal(known.meetings, meetings)
	if again && known.body != nil {
		r.body = known.body
		return
	}
	r.write = func(dst []byte) []byte {
		from := len(dst)
		dst = append(q.appendList(append(dst, answerHead...), meetings), answerEnd...)
		switch body := dst[from:]; {
		case len(body) > keptList:
		case again:
			place.CompareAndSwap(known, &wholeList{v, known.meetings, bytes.Clone(body)})
		default:
			place.CompareAndSwap(known, &wholeList{v, slices.Clone(meetings), nil})
		}
		return dst
	}
}
