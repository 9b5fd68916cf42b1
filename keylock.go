package bbb

import (
	"context"
	"sync"
)

// keyLocks are locks by name that exist only while somebody holds or waits for
// them.
type keyLocks struct {
	mu    sync.Mutex // protects locks and the waiting counts in them
	locks map[string]*keyLock
}

type keyLock struct {
	held    chan struct{} // has room for one: the holder
	waiting int           // holder included
}

// lock waits until nobody else holds the lock of key, or ctx ends.
func (k *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	l := k.locks[key]
	if l == nil {
		if k.locks == nil {
			k.locks = make(map[string]*keyLock)
		}
		l = &keyLock{held: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	l.waiting++
	k.mu.Unlock()

	select {
	case l.held <- struct{}{}:
		return func() { <-l.held; k.leave(key, l) }, nil
	case <-ctx.Done():
		k.leave(key, l)
		return nil, ended(ctx)
	}
}

func (k *keyLocks) leave(key string, l *keyLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		delete(k.locks, key)
	}
}
