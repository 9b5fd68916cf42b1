package bbb

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"strings"
	"time"
)

// A claim says which server a meeting belongs to. Processes that share a Cache
// agree on it with nothing but "add if absent":
//
// The claims of a meeting form a chain. The first has a key of its own, each
// further one a key made of the token of the one before it. The last one counts.
// A claim is taken over by adding the next one, which only one process can do.
// A claim that others may read is not deleted, so nobody can delete one that he
// does not know of. Only the first one is written over, once it is over, by what
// leads into the same chain further on.
//
// Only the process that made a claim acts on it while it is pending; others wait.
// Were they to send their create as well, it might succeed where that of the
// owner was refused, and the owner would go on to another server.
type claim struct {
	key     string // of the claim itself
	token   string // makes the key of the next one
	state   string
	at      time.Time
	baseURL string // of the server
}

const (
	claimPending = "pending" // the owner's create is under way
	claimUnknown = "unknown" // its outcome is unknown: repeat it on the same server
	claimPlaced  = "placed"  // the server has, or had, the meeting
	claimVoid    = "void"    // to be taken over
)

// maxClaims bounds the walk along a chain. Whoever adds a claim makes the first
// one lead straight to it, so that the walk is short and the first one never
// expires before the last.
const maxClaims = 1000

// claimTries is how often an "add if absent" that failed is followed by a look at
// who was faster. More are in vain: such a Cache does not read what it was given.
const claimTries = 10

func claimKey(id string) string { return "place:" + cacheKey(id) }

func (c claim) nextKey() string { return "place@" + c.token }

func (c claim) encode() []byte {
	return []byte(c.state + " " + strconv.FormatInt(c.at.UnixMilli(), 10) + " " + c.token + " " + c.baseURL)
}

// parseClaim reads a claim. A text that is none is a void one: it can be taken
// over like any other.
func parseClaim(key, text string) claim {
	if parts := strings.SplitN(text, " ", 4); len(parts) == 4 && parts[2] != "" {
		if ms, err := strconv.ParseInt(parts[1], 10, 64); err == nil {
			return claim{key: key, state: parts[0], at: time.UnixMilli(ms), token: parts[2], baseURL: parts[3]}
		}
	}
	return claim{key: key, state: claimVoid, token: cacheKey("?" + text)}
}

// expired reports whether a create whose outcome nobody found out is forgotten.
func (c claim) expired(now time.Time) bool {
	return c.state != claimPlaced && now.Sub(c.at) > claimTime
}

// claim returns the claim that counts, the last one of the chain.
func (st *store) claim(ctx context.Context, id string) (last claim, ok bool) {
	return st.claimFrom(ctx, id, nil)
}

// claimFrom is claim for who has read some of the keys already.
func (st *store) claimFrom(ctx context.Context, id string, got map[string]found) (last claim, ok bool) {
	key := claimKey(id)
	for range maxClaims {
		next, read := got[key]
		if !read {
			next.text, next.ok = st.get(ctx, key)
		}
		if !next.ok {
			break
		}
		last, ok = parseClaim(key, next.text), true
		key = last.nextKey()
	}
	return last, ok
}

// addClaim adds a claim behind the last one, or as the first one when there is
// none. It reports false when another process was faster.
func (st *store) addClaim(ctx context.Context, id string, last claim, state, baseURL string) (claim, bool) {
	c := claim{key: claimKey(id), token: rand.Text(), state: state, at: st.now(), baseURL: baseURL}
	if last.token != "" {
		c.key = last.nextKey()
	}
	if !st.add(ctx, c.key, c.encode(), placementTime) {
		return claim{}, false
	}
	if c.key != claimKey(id) {
		// An older pointer that another process writes over this one leads into the
		// same chain.
		first := claim{key: claimKey(id), token: last.token, state: claimVoid, at: c.at, baseURL: last.baseURL}
		st.set(ctx, first.key, first.encode(), placementTime)
	}
	return c, true
}

// mark changes the state of a claim.
func (st *store) mark(ctx context.Context, c claim, state string) {
	if c.key == "" {
		return
	}
	c.state = state
	st.set(ctx, c.key, c.encode(), placementTime)
}

// dropClaims deletes the chain. Only a group that shares its Cache with nobody
// may do so; its index has what the chain says.
func (st *store) dropClaims(ctx context.Context, id string) {
	key := claimKey(id)
	for range maxClaims {
		text, found := st.get(ctx, key)
		if !found {
			return
		}
		st.delete(ctx, key)
		key = parseClaim(key, text).nextKey()
	}
}

// holder returns the server that a claim is for, unless the claim is to be taken
// over: it is void or too old, or its server is given up, disabled or has left.
func (g *Group) holder(c claim) *Server {
	if c.state == claimVoid || c.expired(g.now()) {
		return nil
	}
	s := g.members.Load().byURL[c.baseURL]
	if s == nil || s.disabled() || s.givenUp() {
		return nil
	}
	return s
}

// settleTime is how long the requests of a create may take, with all that belongs to
// it: after that whoever made it is believed to have died.
func (s *Server) settleTime() time.Duration { return 4 * s.cfg.requestTimeout }

// settledClaim returns the claim that counts, after waiting for the process that
// works on it, unless that is the one with the given token. The owner has as long
// as the requests of a create may take; then it is believed to have died, and the
// outcome of its create is unknown.
func (g *Group) settledClaim(ctx context.Context, id, own string) (claim, error) {
	start, pause, token := time.Now(), 10*time.Millisecond, ""
	for {
		last, _ := g.store.claim(ctx, id)
		s := g.holder(last)
		if s == nil || last.state != claimPending || last.token == own {
			return last, nil
		}
		if last.token != token {
			start, token = time.Now(), last.token
		}
		if time.Since(start) > s.settleTime() {
			last.state = claimUnknown
			return last, nil
		}
		if err := g.pause(ctx, pause); err != nil {
			return claim{}, err
		}
		pause = min(2*pause, 200*time.Millisecond)
	}
}

// claim reserves the ID for s, in place of the claim that is ours already, if any.
// When another process has reserved it, claim returns the server that it is
// reserved for, and mine is false. free says that nobody had when the caller looked,
// which saves the look: adding the first claim fails if that has changed.
func (g *Group) claim(ctx context.Context, id string, s *Server, own claim, free bool) (_ *Server, c claim, mine bool, err error) {
	if free {
		if c, added := g.store.addClaim(ctx, id, claim{}, claimPending, s.base); added {
			return s, c, true, nil
		}
	}
	for range claimTries {
		last, err := g.settledClaim(ctx, id, own.token)
		if err != nil {
			return nil, claim{}, false, err
		}
		if other := g.holder(last); other != nil && (own.token == "" || last.token != own.token) {
			return other, last, false, nil
		}
		if c, added := g.store.addClaim(ctx, id, last, claimPending, s.base); added {
			return s, c, true, nil
		}
	}
	return nil, claim{}, false, &Error{Call: callCreate, Err: errors.New("another process claims the meeting ID, and the cache does not say which")}
}

// withdraw makes our own claim free for others after its server refused. It
// reports false when the claim is not pending any more: another process gave up
// waiting for us and went on with it. A claim that another process has by now stays: ours is
// behind us, or was never in the Cache, which failed, and writing it would be writing over that one.
func (g *Group) withdraw(ctx context.Context, id string, own claim) bool {
	ctx = context.WithoutCancel(ctx)
	switch last, ok := g.store.claim(ctx, id); {
	case ok && last.token != own.token:
		return true
	case ok && last.state != claimPending:
		return false
	}
	g.store.mark(ctx, own, claimVoid)
	return true
}

// recordPlace writes to the Cache that s has the meeting, and with it the meetings of s.
// own is the claim that it was created under, if that is known.
func (g *Group) recordPlace(ctx context.Context, id string, s *Server, own claim) {
	st := g.store
	if !st.shared {
		st.dropClaims(ctx, id)
		return
	}
	ctx = context.WithoutCancel(ctx)
	s.record(ctx, id, own, true, func(last claim) (state string) {
		if last.baseURL == s.base && last.state != claimVoid {
			return claimPlaced
		}
		// When another process adds one first, it knows better.
		st.addClaim(ctx, id, last, claimPlaced, s.base)
		return ""
	})
}

// record writes to the Cache what became of a meeting of the server: the state that next
// chooses for the claim that counts, if any, and when list is true the meetings of the
// server, unless they are saved later. It reads what it needs for that in one go, and
// writes in one go.
func (s *Server) record(ctx context.Context, id string, own claim, list bool, next func(last claim) (state string)) {
	st, start := s.group.store, time.Now()
	ctx = context.WithoutCancel(ctx)
	keys := append(make([]string, 0, 4), claimKey(id))
	if own.key != "" { // the end of the chain, most likely
		if own.key != keys[0] {
			keys = append(keys, own.key)
		}
		keys = append(keys, own.nextKey())
	}
	if list = list && s.saves(start); list {
		keys = append(keys, s.meetingsKey())
	}
	got := st.getMany(ctx, keys...)
	var items []CacheItem
	last, _ := st.claimFrom(ctx, id, got)
	if state := next(last); state != "" {
		last.state = state
		items = append(items, CacheItem{last.key, last.encode(), placementTime})
	}
	if list {
		s.takeSaved(ctx, got[s.meetingsKey()])
		items = append(items, s.savedItem())
	}
	st.setMany(ctx, items...)
	if list {
		s.saved(start)
	}
}

// hint returns the server that is believed to have the meeting, from the index
// or the Cache. It asks no server. pending says that a create is under way there
// or its outcome is unknown.
func (g *Group) hint(ctx context.Context, id string) (s *Server, pending bool) {
	if s := g.places.get(id); s != nil {
		return s, false
	}
	g.warm(ctx)
	if s := g.places.get(id); s != nil {
		return s, false
	}
	last, ok := g.store.claim(ctx, id)
	if !ok || last.state == claimVoid || last.expired(g.now()) {
		return nil, false
	}
	// A server that the group does not have, or does without, says nothing.
	if s = g.members.Load().byURL[last.baseURL]; s == nil || s.disabled() {
		return nil, false
	}
	return s, last.state != claimPlaced
}
