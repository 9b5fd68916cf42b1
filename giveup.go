package bbb

import (
	"context"
	"time"
)

const (
	// graceTime is how long a server has to fail before what is on it may be created
	// elsewhere, besides being offline. Three calls may fail within milliseconds, while
	// its web server is started anew, and then its meetings are all still there.
	graceTime = 5 * time.Second
	// newsTime is how old the last failure may be: in a group that nobody used for an
	// hour, a server that was offline then has to be asked how it is now. knownNewsTime
	// is the same for a server that is known to have had the very meeting.
	newsTime      = time.Minute
	knownNewsTime = 500 * time.Millisecond
	// gracePause is how long a server that has just failed is left alone.
	gracePause = time.Second
)

// givenUp reports whether what is on the server may be created elsewhere.
func (s *Server) givenUp() bool {
	h := s.health.now.Load()
	return h.State == StateOffline && s.group.now().Sub(h.FailingSince) >= graceTime
}

// askUntilSure asks a server that failed for a meeting until it answers or is given up
// on news that are not older than given. It reports whether the server has the meeting;
// an error says that it is neither known nor given up.
func (g *Group) askUntilSure(ctx context.Context, s *Server, id string, news time.Duration) (has bool, err error) {
	for n := 0; ; n++ {
		offline := s.health.offline()
		switch {
		case s.givenUp() && (n > 0 || g.now().Sub(s.health.lastFailed()) <= news):
			return false, nil
		case !offline && n >= offlineAfter:
			return false, err // it fails, but we suspect ourselves
		case offline && n > 0:
			if err := g.pause(ctx, gracePause); err != nil {
				return false, err
			}
		}
		// Any answer will do, be it that the server does not take our word.
		if _, err = s.Meeting(ctx, id); err == nil || !isFault(err) {
			return err == nil, nil
		}
		if ctx.Err() != nil {
			return false, err
		}
	}
}

// askAgain asks the servers that were silent in a search until each has answered or
// is given up. It returns the one that has the meeting, or nil; and the *GroupError of
// those that are still neither.
func (g *Group) askAgain(ctx context.Context, id string, silent *GroupError) (*Server, error) {
	var ask []*Server
	for _, failed := range silent.Servers {
		if s, ok := g.Server(failed.Server); ok && isFault(failed.Err) {
			ask = append(ask, s)
		}
	}
	results := fanOut(ctx, ask, g.workers, func(ctx context.Context, s *Server) (bool, error) {
		return g.askUntilSure(ctx, s, id, newsTime)
	})
	for _, r := range results {
		if r.Value {
			return r.Server, nil
		}
	}
	return nil, results.Err(callGetMeetingInfo)
}

// pause waits, unless ctx ends or the group is closed.
func (g *Group) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return &Error{Call: callCreate, Err: ended(ctx)}
	case <-g.stop.Done():
		return &Error{Call: callCreate, Err: ErrClosed}
	}
}
