package bbb

import (
	"context"
	"crypto/sha256"
	"errors"
	"iter"
	"sync"
	"time"
)

// seenMax is how many events one of the two generations of seenEvents remembers.
const seenMax = 1 << 16

// seenEvents remembers which events were handled, for at least the time keep or the
// last seenMax of them. It has two generations: when the newer one is old or full,
// the older one is forgotten. So it is bounded, and needs no goroutine.
type seenEvents struct {
	keep time.Duration

	mu      sync.Mutex // protects the fields below
	running map[[sha256.Size]byte]struct{}
	newer   map[[sha256.Size]byte]struct{}
	older   map[[sha256.Size]byte]struct{}
	since   time.Time // when the newer one was begun
}

type eventState uint8

const (
	eventNew eventState = iota
	eventRunning
	eventDone
)

// begin returns eventNew to one caller for each event, which must call end.
func (s *seenEvents) begin(key [sha256.Size]byte, now time.Time) eventState {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.age(now)
	for _, done := range []map[[sha256.Size]byte]struct{}{s.newer, s.older} {
		if _, ok := done[key]; ok {
			return eventDone
		}
	}
	if _, ok := s.running[key]; ok {
		return eventRunning
	}
	if s.running == nil {
		s.running = make(map[[sha256.Size]byte]struct{})
	}
	s.running[key] = struct{}{}
	return eventNew
}

func (s *seenEvents) end(key [sha256.Size]byte, handled bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, key)
	if !handled {
		return
	}
	s.age(now)
	if s.newer == nil {
		s.newer = make(map[[sha256.Size]byte]struct{})
	}
	s.newer[key] = struct{}{}
}

// age forgets. The lock is held.
func (s *seenEvents) age(now time.Time) {
	switch old := now.Sub(s.since); {
	case old > 2*s.keep:
		s.newer, s.older, s.since = nil, nil, now
	case old > s.keep || len(s.newer) >= seenMax:
		s.newer, s.older, s.since = nil, s.newer, now
	}
}

// ErrQueueFull says that an [EventQueue] has no room. As the error of an
// [EventHandler] it makes the server send the event again.
var ErrQueueFull = errors.New("event queue is full")

// EventQueue stands between a [HookHandler] and work that takes long. Give its
// Handle to [NewHookHandler] and range over its Events. An event in the queue
// counts as handled: it is lost when the program ends.
//
// An EventQueue is safe for concurrent use and needs no closing.
type EventQueue struct{ events chan Event }

// NewEventQueue makes a queue with room for size events, at least one.
func NewEventQueue(size int) *EventQueue { return &EventQueue{events: make(chan Event, max(size, 1))} }

// Handle is an [EventHandler] that puts the event into the queue. It does not
// wait: a full queue gives [ErrQueueFull].
func (q *EventQueue) Handle(ctx context.Context, e Event) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	select {
	case q.events <- e:
		return nil
	default:
		return ErrQueueFull
	}
}

// Events takes events out of the queue, in the order in which they came, and waits
// for more until ctx ends. What is left then stays in the queue. Several loops
// share the events.
func (q *EventQueue) Events(ctx context.Context) iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for ctx.Err() == nil {
			select {
			case e := <-q.events:
				if !yield(e) {
					return
				}
			case <-ctx.Done():
			}
		}
	}
}

// Len returns the number of events in the queue.
func (q *EventQueue) Len() int { return len(q.events) }
