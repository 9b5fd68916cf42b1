package bbb

import (
	"context"
	"crypto/rand"
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
// Nobody deletes a claim, so nobody can delete one that he does not know of. Its
// state changes one way only: from pending to placed by a create that succeeded,
// to void by whoever finds out that it is over.
type claim struct {
	key     string // of the claim itself
	token   string // makes the key of the next one
	state   string
	at      time.Time
	baseURL string // of the server
}

const (
	claimPending = "pending" // a create may be under way, or its outcome is unknown
	claimPlaced  = "placed"  // the server has, or had, the meeting
	claimVoid    = "void"    // to be taken over
)

// maxClaims bounds a chain. Claims expire after placementTime, so it is as long
// as the number of times that an ID was used within that.
const maxClaims = 1000

func claimKey(id string) string { return "place:" + cacheKey(id) }

func (c claim) nextKey() string { return "place@" + c.token }

func (c claim) encode() []byte {
	return []byte(c.state + " " + strconv.FormatInt(c.at.UnixMilli(), 10) + " " + c.token + " " + c.baseURL)
}

func parseClaim(key, text string) (claim, bool) {
	parts := strings.SplitN(text, " ", 4)
	if len(parts) != 4 {
		return claim{}, false
	}
	ms, err := strconv.ParseInt(parts[1], 10, 64)
	return claim{key: key, state: parts[0], at: time.UnixMilli(ms), token: parts[2], baseURL: parts[3]}, err == nil
}

// expired reports whether a create cannot be under way any more.
func (c claim) expired() bool { return c.state == claimPending && time.Since(c.at) > claimTime }

// claim returns the claim that counts, the last one of the chain.
func (st *store) claim(ctx context.Context, id string) (last claim, ok bool) {
	key := claimKey(id)
	for range maxClaims {
		text, found := st.get(ctx, key)
		if !found {
			break
		}
		next, valid := parseClaim(key, text)
		if !valid {
			break
		}
		last, ok = next, true
		key = next.nextKey()
	}
	return last, ok
}

// addClaim adds a claim behind the last one, or as the first one when there is
// none. It reports false when another process was faster.
func (st *store) addClaim(ctx context.Context, id string, last claim, state, baseURL string) (claim, bool) {
	c := claim{key: claimKey(id), token: rand.Text(), state: state, at: time.Now(), baseURL: baseURL}
	if last.token != "" {
		c.key = last.nextKey()
	}
	return c, st.add(ctx, c.key, c.encode(), placementTime)
}

// mark changes the state of a claim.
func (st *store) mark(ctx context.Context, c claim, state string) {
	if c.key == "" || c.state == state {
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
		c, valid := parseClaim(key, text)
		if !valid {
			return
		}
		key = c.nextKey()
	}
}

// holder returns the server that a claim is for, unless the claim is to be taken
// over: it is void or too old, or its server is offline or has left.
func (g *Group) holder(c claim) *Server {
	if c.state == claimVoid || c.expired() {
		return nil
	}
	s := g.members.Load().byURL[c.baseURL]
	if s == nil || s.health.offline() {
		return nil
	}
	return s
}

// claim reserves the ID for s. When another process has reserved it, claim
// returns the server that it is reserved for, and mine is false.
func (g *Group) claim(ctx context.Context, id string, s *Server) (_ *Server, c claim, mine bool) {
	for range maxClaims {
		last, ok := g.store.claim(ctx, id)
		if ok {
			if other := g.holder(last); other != nil {
				return other, last, false
			}
		}
		if c, added := g.store.addClaim(ctx, id, last, claimPending, s.base); added {
			return s, c, true
		}
	}
	return s, claim{}, true // no Cache to agree by
}

// recordPlace writes to the Cache that s has the meeting.
func (g *Group) recordPlace(ctx context.Context, id string, s *Server) {
	st := g.store
	if !st.shared {
		st.dropClaims(ctx, id)
		return
	}
	ctx = context.WithoutCancel(ctx)
	switch last, ok := st.claim(ctx, id); {
	case ok && last.baseURL == s.base && last.state != claimVoid:
		st.mark(ctx, last, claimPlaced)
	default:
		// When another process adds one first, it knows better.
		st.addClaim(ctx, id, last, claimPlaced, s.base)
	}
}

// hint returns the server that is believed to have the meeting, from the index
// or the Cache. It asks no server. pending says that a create may be under way
// there or its outcome is unknown.
func (g *Group) hint(ctx context.Context, id string) (s *Server, pending bool) {
	if s := g.places.get(id); s != nil {
		return s, false
	}
	g.warm(ctx)
	if s := g.places.get(id); s != nil {
		return s, false
	}
	last, ok := g.store.claim(ctx, id)
	if !ok || last.state == claimVoid || last.expired() {
		return nil, false
	}
	// A server that is not in the group says nothing.
	return g.members.Load().byURL[last.baseURL], last.state == claimPending
}
