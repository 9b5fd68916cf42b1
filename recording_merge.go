package bbb

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"sync"
)

// keptRecordings is how many recordings a merge keeps in full. A window that ends
// further down keeps none, and asks for its own at the end.
const keptRecordings = 1000

// recordingMerge puts the recordings of all servers into one order: newest start
// first, then by ID. Servers have no order of their own, so everything that matches
// has to be seen; of most only a key is kept.
type recordingMerge struct {
	offset, limit int
	keep          int // how many are kept in full, the first ones in the order

	mu   sync.Mutex // protects the fields below
	keys map[string]*recordingKey
	full int // how many keys have a recording
}

// recordingKey is what the order and the choice between copies need.
type recordingKey struct {
	id         string
	server     *Server
	start, end int64 // milliseconds
	formats    int
	published  bool
	recording  *Recording // nil when it was let go
}

func newRecordingMerge(f *RecordingFilter) *recordingMerge {
	m := &recordingMerge{offset: f.Offset, limit: f.Limit, keys: make(map[string]*recordingKey)}
	switch {
	case f.Limit == 0:
		m.keep = math.MaxInt / 4 // all are wanted
	case f.Offset <= keptRecordings-f.Limit:
		m.keep = f.Offset + f.Limit
	}
	return m
}

// add takes a recording of any server.
func (m *recordingMerge) add(r *Recording) {
	key := &recordingKey{
		id: r.ID, server: r.server, start: r.StartTime.UnixMilli(), end: r.EndTime.UnixMilli(),
		formats: len(r.Formats), published: r.isPublished(), recording: r,
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if other := m.keys[r.ID]; other != nil {
		if !key.betterThan(other) {
			return
		}
		if other.recording != nil {
			m.full--
		}
	}
	m.keys[r.ID] = key
	if m.keep == 0 {
		key.recording = nil
		return
	}
	if m.full++; m.full > 2*m.keep+MaxRecordingsPage {
		m.letGo()
	}
}

// letGo keeps only as many recordings as the window can need. A key that moves up
// later, because a copy took the place of another, is asked for again.
func (m *recordingMerge) letGo() {
	full := make([]*recordingKey, 0, m.full)
	for _, key := range m.keys {
		if key.recording != nil {
			full = append(full, key)
		}
	}
	slices.SortFunc(full, (*recordingKey).compare)
	for _, key := range full[m.keep:] {
		key.recording = nil
	}
	m.full = m.keep
}

// betterThan reports whether k is the copy to show: the one that is published, else
// the one with more formats, else the newer one. The name of the server decides
// between equal ones, so that the answer does not depend on who was quicker.
func (k *recordingKey) betterThan(other *recordingKey) bool {
	if k.published != other.published {
		return k.published
	}
	return cmp.Or(
		cmp.Compare(k.formats, other.formats),
		cmp.Compare(k.end, other.end),
		cmp.Compare(k.start, other.start),
		strings.Compare(other.server.name, k.server.name),
	) > 0
}

// compare puts the newest start first; equal ones go by ID.
func (k *recordingKey) compare(other *recordingKey) int {
	return cmp.Or(cmp.Compare(other.start, k.start), strings.Compare(k.id, other.id))
}

// window returns the window in its order, with nil where the recording was let go,
// and the keys to it.
func (m *recordingMerge) window() (RecordingList, []*recordingKey) {
	keys := make([]*recordingKey, 0, len(m.keys))
	for _, key := range m.keys {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, (*recordingKey).compare)
	from, to := bounds(len(keys), m.offset, m.limit)
	list := RecordingList{Recordings: make([]*Recording, 0, to-from), Total: len(keys)}
	for _, key := range keys[from:to] {
		list.Recordings = append(list.Recordings, key.recording)
	}
	return list, keys[from:to]
}

// fill asks the servers again for the recordings of a window that were let go. One
// that is gone by now is left out.
func (sc *Scope) fill(ctx context.Context, list *RecordingList, keys []*recordingKey) Results[struct{}] {
	missing := make(map[*Server][]string)
	at := make(map[string]int)
	for i, key := range keys {
		if key.recording == nil {
			missing[key.server] = append(missing[key.server], key.id)
			at[key.id] = i
		}
	}
	if len(missing) == 0 {
		return nil
	}
	results := fanOut(ctx, sc.group.holders(missing), sc.group.workers, func(ctx context.Context, s *Server) (struct{}, error) {
		for r, err := range sc.exactly(ctx, s, missing[s]) {
			if err != nil {
				return struct{}{}, err
			}
			list.Recordings[at[r.ID]] = r // a place of its own for each ID
		}
		return struct{}{}, nil
	})
	list.Recordings = slices.DeleteFunc(list.Recordings, func(r *Recording) bool { return r == nil })
	return results
}
