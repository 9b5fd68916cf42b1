package bbb

import (
	"context"
	"sync"
)

// search asks all servers for their meetings, so that the index knows where a
// meeting is, and gives the server that has it to use, which reports whether that
// was so: an answer may be out of date by then. It reports whether use succeeded,
// and in any case the *GroupError of the servers that did not answer.
//
// Concurrent searches share their questions. A search that finds one under way
// takes part in its answer; when that does not help, one more is asked, because
// the meeting may have been created after the first was sent. So any number of
// misses at one time cost each server at most two requests.
func (g *Group) search(ctx context.Context, id string, use func(*Server) bool) (bool, error) {
	before := g.searching.count()
	for {
		f := g.searching.join(g) //nolint:contextcheck // others wait for it too, so no caller's context may end it
		select {
		case <-f.done:
		case <-ctx.Done():
			return false, &Error{Call: callGetMeetings, Err: ended(ctx)}
		}
		if s := g.places.get(id); s != nil && use(s) {
			return true, f.err
		}
		if f.err != nil && !partial(f.err) || f.number > before {
			return false, f.err
		}
	}
}

// flight is one fan-out of getMeetings that any number of callers wait for.
type flight struct {
	number uint64        // counts from 1
	done   chan struct{} // closed when err is set and the index is complete
	err    error
}

type flights struct {
	mu      sync.Mutex // protects the fields below
	now     *flight    // the one under way, or nil
	started uint64     // how many there have been
}

// count returns how many flights were started up to now. What a later one finds
// is newer than everything that the caller has seen so far; times would not tell,
// since several things happen in one tick of a clock.
func (fs *flights) count() uint64 {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.started
}

// join returns the flight that is under way, or starts one. It belongs to no
// caller: the servers' time-outs and the end of the group bound it.
func (fs *flights) join(g *Group) *flight {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.now != nil {
		return fs.now
	}
	fs.started++
	f := &flight{number: fs.started, done: make(chan struct{})}
	if f.err = g.gate.enter(); f.err != nil {
		f.err = &Error{Call: callGetMeetings, Err: f.err}
		close(f.done)
		return f
	}
	fs.now = f
	go func() {
		defer g.gate.exit()
		_, f.err = (&listing{group: g}).ask(context.WithValue(context.Background(), insideKey{}, g))
		fs.mu.Lock()
		fs.now = nil
		fs.mu.Unlock()
		close(f.done)
	}()
	return f
}

// merge joins the lists of several servers. A meeting that two servers have is
// kept once, and reported when it was not known before.
func (g *Group) merge(ctx context.Context, results Results[[]*Meeting]) []*Meeting {
	n := 0
	for _, r := range results {
		n += len(r.Value)
	}
	var (
		merged = make([]*Meeting, 0, n) // not nil: no meetings are a list too
		at     = make(map[string]int, n)
		splits map[string]*Meeting // the ones left out, by ID
	)
	for _, r := range results {
		for _, m := range r.Value {
			i, twice := at[m.ID]
			if !twice {
				at[m.ID] = len(merged)
				merged = append(merged, m)
				continue
			}
			if m.server == merged[i].server {
				if over(merged[i]) || !over(m) {
					merged[i] = m // the server names it twice; it must know
				}
				continue
			}
			other := m
			if g.wins(m, merged[i]) {
				merged[i], other = m, merged[i]
			}
			if over(other) { // nobody is in the wrong one
				continue
			}
			if splits == nil {
				splits = make(map[string]*Meeting)
			}
			splits[m.ID] = other
		}
	}
	for _, m := range merged {
		switch {
		case m.server.meetings.get(m.ID) == nil: // ended in the meantime
		case over(m):
			m.server.found(m) // a server that was silent may have the one that counts
		default:
			g.places.set(m.ID, m.server)
		}
	}
	silent := make(map[*Server]bool)
	for _, r := range results {
		if r.Err != nil {
			silent[r.Server] = true
		}
	}
	pairs := make(map[string]split, len(splits))
	for id, other := range splits {
		pairs[id] = split{kept: merged[at[id]].server, other: other.server}
	}
	for id, s := range g.splits.news(pairs, silent) {
		g.observeSplit(ctx, id, s)
	}
	g.wholeLists.sweep(g.now())
	return merged
}

// union takes out of the lists of several servers, one behind the other, what is in them more than
// once. Unlike merge, it takes nothing for news: all of it was known before. It works in place.
func (g *Group) union(list []*Meeting) []*Meeting {
	at := make(map[string]int, len(list))
	kept := list[:0]
	for _, m := range list {
		i, twice := at[m.ID]
		switch {
		case !twice:
			at[m.ID] = len(kept)
			kept = append(kept, m)
		case g.wins(m, kept[i]):
			kept[i] = m
		}
	}
	return kept
}

// wins reports whether a rather than b is the meeting that the group goes on with:
// one that goes on at all, then what was said by hand, else what users mean.
func (g *Group) wins(a, b *Meeting) bool {
	if over(a) != over(b) {
		return over(b)
	}
	switch g.places.bound(a.ID) {
	case a.server:
		return true
	case b.server:
		return false
	}
	return better(a, b)
}

// better reports whether a rather than b is the meeting that users mean when
// both have the same ID: the one with people in it, else the older one.
func better(a, b *Meeting) bool {
	if (a.ParticipantCount > 0) != (b.ParticipantCount > 0) {
		return a.ParticipantCount > 0
	}
	return a.CreateTime.Before(b.CreateTime)
}

// split is a meeting that exists twice: the server whose meeting counts, and the
// other one.
type split struct{ kept, other *Server }

// splitSet remembers which split meetings were reported: each one once for as
// long as it lasts, not at every refresh.
type splitSet struct {
	mu    sync.Mutex // protects known
	known map[string]split
}

// news takes all splits of a merge, and the servers that did not answer, and
// returns the splits that are new. What was known of a silent server is taken to
// last: a split is not news again because one of its servers missed a refresh.
func (s *splitSet) news(now map[string]split, silent map[*Server]bool) map[string]split {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := make(map[string]split)
	for id, one := range now {
		if _, old := s.known[id]; !old {
			fresh[id] = one
		}
	}
	for id, old := range s.known {
		if _, there := now[id]; !there && (silent[old.kept] || silent[old.other]) {
			now[id] = old
		}
	}
	s.known = now
	return fresh
}

// count returns how many meetings exist twice, as far as is known.
func (s *splitSet) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known)
}
