package bbb

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// The memory of events is bounded in time and in number, whatever comes.
func TestSeenEventsAreBounded(t *testing.T) {
	t.Parallel()
	key := func(n int) (k [sha256.Size]byte) {
		binary.BigEndian.PutUint64(k[:], uint64(n))
		return k
	}
	now := time.Unix(1700000000, 0)
	s := seenEvents{keep: time.Minute}
	handle := func(n int) eventState {
		state := s.begin(key(n), now)
		if state == eventNew {
			s.end(key(n), true, now)
		}
		return state
	}
	assert.Equal(t, eventNew, handle(1))
	now = now.Add(time.Minute)
	assert.Equal(t, eventDone, handle(1), "at least as long as it is to be kept")
	assert.Equal(t, eventNew, handle(2))
	now = now.Add(time.Second)
	assert.Equal(t, eventDone, handle(2))
	now = now.Add(time.Minute + time.Second)
	assert.Equal(t, eventNew, handle(1), "forgotten")
	now = now.Add(time.Hour)
	assert.Equal(t, eventNew, handle(2), "after a long silence")

	fresh := 0
	for n := range 3 * seenMax {
		if handle(10+n) == eventNew {
			fresh++
		}
	}
	assert.Equal(t, 3*seenMax, fresh)
	assert.LessOrEqual(t, len(s.newer)+len(s.older), 2*seenMax)
	assert.Equal(t, eventDone, handle(10+3*seenMax-seenMax), "the last of them are known")
	assert.Equal(t, eventNew, handle(10), "the first are not")
	assert.Empty(t, s.running)
}
