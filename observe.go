package bbb

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"
)

// Observer is told what a group does, for metrics and traces. Every field may
// be nil. The functions are called on the goroutine that does the work, some
// while callers wait, so they must be quick and must not call the group or its
// servers; they must be safe for concurrent use. Fields may be added in later
// releases: write the literal with names.
type Observer struct {
	// CallStart is called before each attempt of a call on a server. The context
	// it returns is that of the request.
	CallStart func(ctx context.Context, e CallEvent) context.Context
	// CallDone is called after each attempt, with its outcome.
	CallDone func(ctx context.Context, e CallEvent)
	// Ranked is called when the servers were ranked for a new meeting and one was
	// chosen, before the meeting is created there, with all that was weighed; and
	// when none could take it, with a [Ranking] that has no Chosen and says why. When
	// another process that shares the [Cache] was faster with a meeting of the same ID,
	// its choice counts instead. Making the data costs time with hundreds of servers;
	// without this function and without debug logs it is made only when none can take
	// the meeting.
	Ranked func(e RankingEvent)
	// MeetingPlaced is called when a create through the group or a scope put a new
	// meeting on a server.
	MeetingPlaced func(e PlacementEvent)
	// MeetingSplit is called when one meeting ID was seen on two servers.
	MeetingSplit func(e SplitEvent)
	// StateChanged is called when the calls to a server changed its [State], once
	// for each change. It comes before the CallDone of the call that did it. Of
	// changes within one instant the later one may be told first: no lock is held.
	StateChanged func(e StateEvent)
	// ModeChanged is called when somebody changed the [Mode] of a server.
	ModeChanged func(e ModeEvent)
	// Suspected is called when so many servers fail that the group begins to look
	// for the fault on its own side, and when that is over. It is called for one change
	// at a time, in their order, by one of the calls that are under way.
	Suspected func(e SuspicionEvent)
	// SysStatDone is called after each reading of how busy the machine of a server is
	// ([Server.SysStat], Refresh, [Group.Run]), with its report or its error. It is not
	// called for a report that another process left in the [Cache].
	SysStatDone func(ctx context.Context, e SysStatEvent)
}

// CallEvent is one attempt of one API call on one server.
type CallEvent struct {
	Group      string
	Server     string
	Call       string        // the API call, such as "getMeetings"
	Attempt    int           // 1, or 2 for a repetition with the second secret
	Start      time.Time     // when the attempt began
	Duration   time.Duration // CallDone only: until the answer was read and decoded
	StatusCode int           // CallDone only: HTTP status, 0 when no answer came
	Bytes      int           // CallDone only: length of the answer's body
	Err        error         // CallDone only: nil, or an *Error
}

// RankingEvent is a decision about a new meeting.
type RankingEvent struct {
	Group     string
	MeetingID string
	Attempt   int // 1 for the first choice, more after servers that refused
	Ranking   *Ranking
}

// PlacementEvent is the choice of a server for a new meeting.
type PlacementEvent struct {
	Group     string
	Server    string
	MeetingID string
	Attempt   int // 1 for the first choice, more after servers that refused
}

// SplitEvent says that a meeting ID exists on two servers of a group: their
// users do not see each other.
type SplitEvent struct {
	Group     string
	MeetingID string
	Kept      string // the server whose meeting the group goes on with
	Other     string // the server whose meeting is left out of lists
}

// StateEvent is a change of the state of a server.
type StateEvent struct {
	Group    string
	Server   string
	From, To State
	Mode     Mode      // which did not change
	Time     time.Time // when the call had ended
	Cause    error     // the *Error of the call that failed; nil when it got better
}

// ModeEvent is a change of what somebody decided for a server.
type ModeEvent struct {
	Group    string
	Server   string
	From, To Mode
	Time     time.Time // when it was decided
}

// SuspicionEvent is the beginning or the end of a time in which no server becomes
// offline, because the fault is believed to be on our side: more than half of the
// servers that are neither disabled nor offline already failed at their last check.
//
// It is over when that is no longer so. It is also over, with Failing still more
// than half, when it was so for a minute in which some server answered. When answers
// are far apart, at most half a minute counts from one to the next.
type SuspicionEvent struct {
	Group   string
	Begin   bool      // false: it is over
	Failing int       // how many servers failed at their last check
	Servers int       // of how many that count
	Time    time.Time // when they were counted
}

func (g *Group) observeStart(ctx context.Context, e CallEvent) context.Context {
	if f := g.observer.CallStart; f != nil {
		if own := f(ctx, e); own != nil {
			return own
		}
	}
	return ctx
}

func (g *Group) observeDone(ctx context.Context, e CallEvent) {
	if f := g.observer.CallDone; f != nil {
		f(ctx, e)
	}
	level := slog.LevelDebug
	if e.Err != nil && isFault(e.Err) && ctx.Err() == nil { // a caller who has gone is nobody's fault
		level = slog.LevelWarn
	}
	if !g.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("server", e.Server), slog.String("call", e.Call),
		slog.Duration("duration", e.Duration), slog.Int("status", e.StatusCode), slog.Int("bytes", e.Bytes),
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	g.log.LogAttrs(ctx, level, "bigbluebutton call", attrs...)
}

// wantsRankings reports whether somebody reads how decisions were made.
func (g *Group) wantsRankings(ctx context.Context) bool {
	return g.observer.Ranked != nil || g.log.Enabled(ctx, slog.LevelDebug)
}

func (g *Group) observeChosen(ctx context.Context, d *decision, r *Ranking) {
	if r == nil {
		return
	}
	if f := g.observer.Ranked; f != nil {
		f(RankingEvent{Group: g.name, MeetingID: d.id, Attempt: d.attempt, Ranking: r})
	}
	if !g.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	out := 0
	for _, s := range r.Servers {
		if s.Score == 0 {
			out++
		}
	}
	i := slices.IndexFunc(r.Servers, func(s RankedServer) bool { return s.Server == r.Chosen })
	if i < 0 {
		g.log.LogAttrs(ctx, slog.LevelDebug, "no server can take the meeting",
			slog.String("meeting", d.id), slog.Int("attempt", d.attempt), slog.Int("servers", len(r.Servers)))
		return
	}
	chosen := &r.Servers[i]
	reasons := make([]string, 0, len(chosen.Factors))
	for _, f := range chosen.Factors {
		if f.Value < 1 {
			reasons = append(reasons, f.String())
		}
	}
	g.log.LogAttrs(ctx, slog.LevelDebug, "server chosen",
		slog.String("meeting", d.id), slog.String("server", r.Chosen), slog.Int("attempt", d.attempt),
		slog.Float64("score", chosen.Score), slog.String("factors", strings.Join(reasons, ", ")),
		slog.Int("servers", len(r.Servers)), slog.Int("ruledOut", out))
}

func (g *Group) observePlaced(ctx context.Context, s *Server, meetingID string, attempt int) {
	g.log.LogAttrs(ctx, slog.LevelDebug, "meeting placed",
		slog.String("meeting", meetingID), slog.String("server", s.name), slog.Int("attempt", attempt))
	if f := g.observer.MeetingPlaced; f != nil {
		f(PlacementEvent{Group: g.name, Server: s.name, MeetingID: meetingID, Attempt: attempt})
	}
}

func (g *Group) observeSplit(ctx context.Context, id string, s split) {
	g.log.LogAttrs(ctx, slog.LevelWarn, "meeting exists on two servers",
		slog.String("meeting", id), slog.String("kept", s.kept.name), slog.String("other", s.other.name))
	if f := g.observer.MeetingSplit; f != nil {
		f(SplitEvent{Group: g.name, MeetingID: id, Kept: s.kept.name, Other: s.other.name})
	}
}

func (g *Group) observeState(ctx context.Context, s *Server, from State, now *condition, cause error) {
	level := slog.LevelInfo
	attrs := []slog.Attr{
		slog.String("server", s.name), slog.Any("from", from), slog.Any("to", now.State), slog.Any("mode", now.Mode),
	}
	if cause != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("error", cause.Error()))
	}
	g.log.LogAttrs(ctx, level, "server changed its state", attrs...)
	if f := g.observer.StateChanged; f != nil {
		f(StateEvent{
			Group: g.name, Server: s.name, From: from, To: now.State, Mode: now.Mode, Time: now.Since, Cause: cause,
		})
	}
	if from == StateRecovering && now.State == StateOnline {
		g.hookNewServer(s)
	}
}

func (g *Group) observeMode(ctx context.Context, s *Server, from, to Mode) {
	g.log.LogAttrs(ctx, slog.LevelInfo, "server was given a mode",
		slog.String("server", s.name), slog.Any("from", from), slog.Any("to", to))
	if f := g.observer.ModeChanged; f != nil {
		f(ModeEvent{Group: g.name, Server: s.name, From: from, To: to, Time: g.now()})
	}
}

func (g *Group) observeSuspicion(ctx context.Context, e SuspicionEvent) {
	counts := []slog.Attr{slog.Int("failing", e.Failing), slog.Int("servers", e.Servers)}
	if e.Begin {
		g.log.LogAttrs(ctx, slog.LevelWarn, "most servers fail: the group suspects itself", counts...)
	} else {
		g.log.LogAttrs(ctx, slog.LevelInfo, "the group does not suspect itself any more", counts...)
	}
	if f := g.observer.Suspected; f != nil {
		f(e)
	}
}
