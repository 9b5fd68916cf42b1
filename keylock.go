package bbb

import (
	"context"
	"sync"
)

// keyLocks are locks by name that exist only while somebody holds or waits for
// them.
type keyLocks struct {
	mu    sync.Mutex // protects locks and the counts in them
	locks map[string]*keyLock
}

type keyLock struct {
	held    chan struct{} // has room for one: the holder, or those who share it
	waiting int           // holders included
	sharing int           // holders who share it
}

// lock waits until nobody else holds the lock of key, or ctx ends.
func (k *keyLocks) lock(ctx context.Context, key string) (unlock func(), err error) {
	k.mu.Lock()
	l := k.get(key)
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

// tryShare takes the lock of key together with others who do so, unless somebody else holds it or
// waits for it: so those who share it do not keep him waiting for ever.
func (k *keyLocks) tryShare(key string) (unlock func(), ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.get(key)
	if l.waiting > l.sharing {
		return nil, false
	}
	if l.sharing == 0 {
		l.held <- struct{}{}
	}
	l.waiting++
	l.sharing++
	return func() { k.unshare(key, l) }, true
}

func (k *keyLocks) unshare(key string, l *keyLock) {
	k.mu.Lock()
	if l.sharing--; l.sharing == 0 {
		<-l.held
	}
	k.mu.Unlock()
	k.leave(key, l)
}

// get returns the lock of key, which is made if nobody has it. The mutex is held.
func (k *keyLocks) get(key string) *keyLock {
	l := k.locks[key]
	if l == nil {
		if k.locks == nil {
			k.locks = make(map[string]*keyLock)
		}
		l = &keyLock{held: make(chan struct{}, 1)}
		k.locks[key] = l
	}
	return l
}

func (k *keyLocks) leave(key string, l *keyLock) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		delete(k.locks, key)
	}
}
