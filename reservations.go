package bbb

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
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
// Creates are told at once. Joins are told with the next create or refresh: a join
// is a URL that is made without I/O.
type reservations struct {
	group   *Group
	journal Journal // nil when there is none
	token   string  // marks the entries that are our own

	mu    sync.Mutex // protects the fields below
	after string     // the position up to which the journal was read
	read  time.Time  // when that was
	joins map[joinKey]int
}

type joinKey struct {
	server *Server
	id     string
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
func (r *reservations) entry(kind string, s *Server, id string, n int) []byte {
	return fmt.Appendf(nil, "%s %s %d %d %s %s", r.token, kind, r.group.now().UnixMilli(), n, url.QueryEscape(id), s.base)
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
		r.append(ctx, r.entry(entryReserve, s, id, size))
	}
}

// release gives up seats, here and for the others.
func (r *reservations) release(ctx context.Context, s *Server, id string) {
	s.ledger.release(id)
	if r.journal != nil {
		r.append(ctx, r.entry(entryRelease, s, id, 0))
	}
}

// joined counts a join that was issued.
func (r *reservations) joined(s *Server, id string) {
	s.ledger.joined(id, 1, r.group.now())
	if r.journal == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.joins == nil {
		r.joins = make(map[joinKey]int)
	}
	r.joins[joinKey{s, id}]++
}

// tellJoins tells the joins since the last time.
func (r *reservations) tellJoins(ctx context.Context) {
	if r.journal == nil {
		return
	}
	r.mu.Lock()
	joins := r.joins
	r.joins = nil
	r.mu.Unlock()
	entries := make([][]byte, 0, len(joins))
	for key, n := range joins {
		entries = append(entries, r.entry(entryJoin, key.server, key.id, n))
	}
	r.append(ctx, entries...)
}

// maxReads bounds how many parts of a journal are read at a time.
const maxReads = 100

// sync tells the others what they do not know, and takes in what they have told.
// Several that do so at one time read the same; the first one takes it in.
func (r *reservations) sync(ctx context.Context) {
	if r.journal == nil {
		return
	}
	r.tellJoins(ctx)
	st := r.group.store
	for range maxReads {
		r.mu.Lock()
		after := r.after
		r.mu.Unlock()
		var entries [][]byte
		var last string
		st.access(ctx, "read", func(ctx context.Context) (err error) {
			entries, last, err = r.journal.ReadAfter(ctx, st.prefix+journalKey, after)
			return err
		})
		if len(entries) == 0 || !r.take(after, last, entries) {
			return
		}
	}
}

// take takes in entries. It reports false when somebody else has.
func (r *reservations) take(after, last string, entries [][]byte) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.after != after {
		return false
	}
	now := r.group.now()
	for _, text := range entries {
		r.apply(string(text), now)
	}
	r.after, r.read = last, now
	return true
}

// apply takes in one entry. The lock is held.
func (r *reservations) apply(text string, now time.Time) {
	parts := strings.Split(text, " ")
	if len(parts) != 6 || parts[0] == r.token {
		return
	}
	ms, err1 := strconv.ParseInt(parts[2], 10, 64)
	n, err2 := strconv.Atoi(parts[3])
	id, err3 := url.QueryUnescape(parts[4])
	s := r.group.members.Load().byURL[parts[5]]
	if err1 != nil || err2 != nil || err3 != nil || n < 0 || s == nil {
		return // of a later release, or about a server that is not in this group
	}
	// It was written after the last reading, whatever the clock of its writer says.
	at := time.UnixMilli(ms)
	if at.Before(r.read) {
		at = r.read
	}
	if at.After(now) {
		at = now
	}
	switch parts[1] {
	case entryReserve:
		if now.Sub(at) < reservationTime {
			s.ledger.told(id, n, at, at.Add(s.cfg.requestTimeout))
		}
	case entryRelease:
		s.ledger.untold(id)
	case entryJoin:
		if now.Sub(at) < joinTime {
			s.ledger.joined(id, n, at)
		}
	}
}
