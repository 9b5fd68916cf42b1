package bbb

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// reservations tell other processes that share the Cache what this one reserves,
// and take in what they tell, so that all of them rank servers by the same. Without
// a Cache that is a Journal it does nothing: the others then learn of a meeting when
// they next ask its server.
//
// Creates are told at once. Joins are told with the next create or list: a join is a
// URL that is made without I/O.
type reservations struct {
	group   *Group
	journal Journal // nil when there is none
	token   string  // marks the entries that are our own

	mu    sync.Mutex // protects the fields below
	known *members   // the servers of which the journal was read
	after string     // the position up to which it was
	read  time.Time  // and when

	joinsMu sync.Mutex // protects joins
	joins   map[joinKey]issued
}

type joinKey struct {
	server *Server
	id     string
}

// issued are joins that were not told yet.
type issued struct {
	n    int
	last time.Time
}

const journalKey = "reservations"

// The kinds of entries.
const (
	entryReserve = "reserve" // a create is about to be sent
	entryRelease = "release" // and was refused
	entryJoin    = "join"    // joins were issued
)

func newReservations(g *Group, cache Cache) *reservations {
	r := &reservations{group: g, token: rand.Text()}
	r.journal, _ = cache.(Journal)
	return r
}

// An entry is: token, kind, time, number (of seats or joins), meeting, server.
func (r *reservations) entry(kind string, s *Server, id string, n int, at time.Time) []byte {
	return fmt.Appendf(nil, "%s %s %d %d %s %s", r.token, kind, at.UnixMilli(), n, url.QueryEscape(id), s.base)
}

func (r *reservations) append(ctx context.Context, entries ...[]byte) {
	if r.journal == nil || len(entries) == 0 {
		return
	}
	st := r.group.store
	st.access(context.WithoutCancel(ctx), "append", func(ctx context.Context) error {
		return r.journal.Append(ctx, st.prefix+journalKey, reservationTime, entries...)
	})
}

// reserve tells that seats are held on a server, after they were.
func (r *reservations) reserve(ctx context.Context, s *Server, id string, size int) {
	if r.journal != nil {
		r.append(ctx, append(r.takeJoins(), r.entry(entryReserve, s, id, size, r.group.now()))...)
	}
}

// release gives up seats, here and for the others.
func (r *reservations) release(ctx context.Context, s *Server, id string) {
	s.ledger.release(id)
	if r.journal != nil {
		r.append(ctx, r.entry(entryRelease, s, id, 0, r.group.now()))
	}
}

// joined counts a join that was issued.
func (r *reservations) joined(s *Server, id string) {
	now := r.group.now()
	if !s.ledger.joined(id, 1, now) || r.journal == nil {
		return
	}
	r.joinsMu.Lock()
	defer r.joinsMu.Unlock()
	if r.joins == nil {
		r.joins = make(map[joinKey]issued)
	}
	key := joinKey{s, id}
	r.joins[key] = issued{r.joins[key].n + 1, now}
}

// takeJoins returns entries for the joins that were not told yet. Those that are so
// old that nobody would wait for them any more are left out.
func (r *reservations) takeJoins() [][]byte {
	r.joinsMu.Lock()
	joins := r.joins
	r.joins = nil
	r.joinsMu.Unlock()
	var entries [][]byte
	now := r.group.now()
	for key, j := range joins {
		if now.Sub(j.last) <= joinTime {
			entries = append(entries, r.entry(entryJoin, key.server, key.id, j.n, j.last))
		}
	}
	return entries
}

// tellJoins tells the joins since the last time.
func (r *reservations) tellJoins(ctx context.Context) {
	if r.journal != nil {
		r.append(ctx, r.takeJoins()...)
	}
}

// maxReads bounds how many parts of a journal are read at a time. What is left is
// read the next time.
const maxReads = 100

// fullPart is how many entries a part has at least that is not the last.
const fullPart = 100

// sync takes in what others have told since the last time. It takes no longer than
// one access to the Cache may. Several that do so at one time read the same; the first
// one takes it in.
func (r *reservations) sync(ctx context.Context) {
	if r.journal == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cacheTimeout)
	defer cancel()
	r.catchUp(ctx)
	r.mu.Lock()
	after := r.after
	r.mu.Unlock()
	r.readAll(ctx, after, func(last string, entries []entry) bool {
		now := r.group.now()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.after != after {
			return false // somebody else was faster
		}
		since := r.read
		r.after, r.read = last, now
		for _, e := range entries {
			r.apply(e, since, now)
		}
		after = last
		return true
	})
}

// catchUp reads the journal again for servers that were added since: what was told
// of them so far was about strangers.
func (r *reservations) catchUp(ctx context.Context) {
	members := r.group.members.Load()
	r.mu.Lock()
	known, after := r.known, r.after
	if after == "" {
		r.known = members // the journal is going to be read from the beginning
	}
	r.mu.Unlock()
	if known == members || after == "" {
		return
	}
	added := make(map[*Server]bool)
	for _, s := range members.list {
		if known.byName[s.name] != s {
			added[s] = true
		}
	}
	read := len(added) == 0 || r.readAll(ctx, "", func(_ string, entries []entry) bool {
		now := r.group.now()
		for _, e := range entries {
			if added[e.server] && e.kind != entryJoin {
				r.apply(e, time.Time{}, now)
			}
		}
		return true
	})
	if read {
		r.mu.Lock()
		r.known = members
		r.mu.Unlock()
	}
}

// readAll hands the parts of the journal behind a position to f, as long as f wants
// them and there are more. It reports false when the Cache failed.
func (r *reservations) readAll(ctx context.Context, after string, f func(last string, entries []entry) bool) bool {
	st := r.group.store
	for range maxReads {
		var texts [][]byte
		var last string
		read := false
		st.access(ctx, "read", func(ctx context.Context) (err error) {
			texts, last, err = r.journal.ReadAfter(ctx, st.prefix+journalKey, after)
			read = err == nil
			return err
		})
		if !read {
			return false
		}
		entries := make([]entry, 0, len(texts))
		for _, text := range texts {
			if e, ok := r.parse(string(text)); ok {
				entries = append(entries, e)
			}
		}
		if len(texts) == 0 {
			last = after
		}
		if !f(last, entries) || last == after || len(texts) < fullPart || ctx.Err() != nil {
			return true
		}
		after = last
	}
	return true
}

// entry is what another process told.
type entry struct {
	kind   string
	server *Server
	id     string
	n      int
	at     time.Time // by the clock of whoever wrote it
}

// parse reads an entry. It reports false for one that is our own, of another release,
// or about a server that is not in this group.
func (r *reservations) parse(text string) (e entry, ok bool) {
	parts := strings.Split(text, " ")
	if len(parts) != 6 || parts[0] == r.token || !slices.Contains([]string{entryReserve, entryRelease, entryJoin}, parts[1]) {
		return e, false
	}
	ms, err1 := strconv.ParseInt(parts[2], 10, 64)
	n, err2 := strconv.Atoi(parts[3])
	id, err3 := url.QueryUnescape(parts[4])
	s := r.group.members.Load().byURL[parts[5]]
	if err1 != nil || err2 != nil || err3 != nil || n < 0 || s == nil {
		return e, false
	}
	return entry{parts[1], s, id, min(n, maxSize), time.UnixMilli(ms)}, true
}

// apply takes in an entry that was written after the given time, whatever the clock
// of its writer says.
func (r *reservations) apply(e entry, since, now time.Time) {
	if e.at.Before(since) {
		e.at = since
	}
	if e.at.After(now) {
		e.at = now
	}
	switch l := e.server.ledger; e.kind {
	case entryReserve:
		if now.Sub(e.at) < reservationTime {
			l.told(e.id, e.n, e.at, e.at.Add(e.server.settleTime()))
		}
	case entryRelease:
		l.untold(e.id)
	case entryJoin:
		if now.Sub(e.at) < joinTime {
			l.joined(e.id, e.n, e.at)
		}
	}
}
