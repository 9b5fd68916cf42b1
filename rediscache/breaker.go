package rediscache

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// patience is how many operations in a row must fail before the server is left alone.
// One may fail for its connection, which was closed in between.
const patience = 3

// breaker keeps operations from waiting for a server that is not there.
type breaker struct {
	pause time.Duration

	mu       sync.Mutex // protects the fields below
	failures int        // in a row
	until    time.Time  // left alone, when there were too many
	probing  bool       // one operation tries whether it is back
	cause    string     // of the last failure
}

// allow returns an error while the server is left alone. Every operation that it lets
// through ends in done or leave.
func (b *breaker) allow() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.failures < patience {
		return nil
	}
	if b.probing || time.Now().Before(b.until) {
		return fmt.Errorf("%w, after: %s", ErrUnavailable, b.cause)
	}
	b.probing = true
	return nil
}

// done takes what an operation says about the server.
func (b *breaker) done(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
	if err == nil || !absent(err) {
		b.failures, b.cause = 0, ""
		return
	}
	b.failures++
	b.cause = clean(err)
	b.until = time.Now().Add(b.pause)
}

// leave ends an operation that says nothing about the server.
func (b *breaker) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.probing = false
}

// absent reports whether an error says that the server cannot be used for anything. One
// that answers with a refusal (no memory left, a replica, a key of another kind) does
// so at once, and perhaps only to this operation.
func absent(err error) bool {
	reply, ok := asReply(err)
	if !ok {
		return true
	}
	for _, kind := range [...]string{"LOADING", "BUSY", "CLUSTERDOWN", "MASTERDOWN"} {
		if strings.HasPrefix(reply.Error(), kind) {
			return true
		}
	}
	return false
}
