package bbb

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// drainPause is how long Drain waits between two questions, give or take a
	// tenth, so that many servers that are drained at once are not asked in step.
	drainPause = 5 * time.Second
	opDrain    = "drain" // what errors call it: it is no call of the API
)

// Drain gives the server no new meeting ([ModeDraining]) and returns when it has
// none left, so that it can be taken down. It asks the server at once and then
// every five seconds or so. Meetings that were ended by force do not count,
// although a server lists them for a while. A question that fails is asked again:
// a server that does not answer may still hold meetings.
//
// The server stays draining, whatever Drain returns. Nobody is thrown out: end
// the meetings ([Meeting.End]) to have it faster. Creates of the group or a scope
// that were sent to the server before are waited for, too. One whose outcome is
// unknown ([ErrOutcomeUnknown]) and calls of [Server.CreateMeeting] are not, and other
// processes may go on creating there; they need to be told.
//
// Errors are *[Error] with the call "drain": that of ctx when it ends first, one
// that says so when somebody gives the server another mode meanwhile, and
// [ErrClosed]. It stands for getMeetings.
func (s *Server) Drain(ctx context.Context) error {
	g := s.group
	if g.gate.isClosed() {
		return &Error{Server: s.name, Call: opDrain, Err: ErrClosed}
	}
	left := s.setMode(ModeDraining)
	var watching sync.WaitGroup
	defer watching.Wait()
	asking, cancel := context.WithCancel(ctx)
	defer cancel()
	// Close does not wait for the meetings to end.
	defer context.AfterFunc(g.background, cancel)() //nolint:contextcheck // the group ends it besides the caller
	watching.Go(func() {
		select {
		case <-left:
			cancel()
		case <-asking.Done():
		}
	})

	last := 0 // meetings that the server had when it last answered
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-asking.Done():
			err := ErrClosed
			switch {
			case ctx.Err() != nil:
				err = ended(ctx)
			case g.background.Err() == nil:
				err = fmt.Errorf("the server was given another mode meanwhile: it is %s now", s.Mode())
			}
			return &Error{Server: s.name, Call: opDrain, Err: fmt.Errorf("%w (meetings when last seen: %d)", err, last)}
		}
		// Looked at before, too: a list that was on its way when a create ended need not
		// have its meeting.
		creating := s.ledger.busy()
		if meetings, err := s.Meetings(asking); err == nil {
			creating = s.ledger.busy() || creating
			if last = countLeft(meetings); last == 0 && !creating && s.Mode() == ModeDraining {
				return nil
			}
		}
		timer.Reset(drainPause*9/10 + rand.N(drainPause/5)) //nolint:gosec // spreads questions, hides nothing
	}
}

func countLeft(meetings []*Meeting) (n int) {
	for _, m := range meetings {
		if !over(m) {
			n++
		}
	}
	return n
}
