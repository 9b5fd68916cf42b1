package bbb

import "context"

// The calls of a group are those of its scope without a filter. They are
// documented here, where most users meet them.

// Meetings returns the meetings of all servers, in the order of the servers. It
// asks them all at the same time and keeps what they say for
// [Group.CachedMeetings] and for finding meetings.
//
// When some servers fail, it returns the meetings of the others and a
// *[GroupError] that names those that failed: value and error both non-nil.
// When the same meeting ID is on two servers, the one with people in it counts,
// else the older one; an [Observer] is told. One that was ended by force, which
// servers list for some seconds more, is returned only when there is no other one, and
// is no case for the observer. It stands for getMeetings.
//
// Callers at the same time share the answers of the servers, and those of [Group.Refresh] and of the same
// methods of a [Scope] are among them. Who comes not later than ten milliseconds after another one takes part in
// his question, unless something was done through this group meanwhile: what was done here before the call
// always shows, and what others did, if it was done ten milliseconds before. Who comes later
// waits for the next question, which begins when the one under way has ended, after a tenth of a second
// when only the smaller part of the servers has still to answer, and after a second in any case. So any
// number of callers cost the servers as much as two. Each gets a list of his own, of snapshots that all share. When ctx ends, the
// caller gets what came until then, and nobody else is affected; the servers are left
// alone when all have gone. An [Observer] sees the context of the one who came first.
func (g *Group) Meetings(ctx context.Context) ([]*Meeting, error) { return g.all.Meetings(ctx) }

// CachedMeetings returns the meetings of all servers as they were last seen, as
// far as that is not longer ago than the cache time ([WithCacheTime]), or longer
// while a [Group.Run] is under way. No server is asked; a [Cache] given to the group may be, once per server.
func (g *Group) CachedMeetings(ctx context.Context) []*Meeting { return g.all.CachedMeetings(ctx) }

// Meeting returns the present state of a meeting, wherever it is. The error
// matches [ErrMeetingNotFound] when every server answered that it does not know
// the ID; when one did not answer, it is a *[GroupError] instead. It stands for
// getMeetingInfo, after a getMeetings on all servers when the place of the
// meeting is not known.
func (g *Group) Meeting(ctx context.Context, id string) (*Meeting, error) {
	return g.all.Meeting(ctx, id)
}

// IsMeetingRunning reports whether somebody is in the meeting, wherever it is.
// It is false, and no error, when every server answered that it does not know
// the ID. It stands for isMeetingRunning.
func (g *Group) IsMeetingRunning(ctx context.Context, id string) (bool, error) {
	return g.all.IsMeetingRunning(ctx, id)
}

// EndMeeting ends a meeting, wherever it is. That nobody knows it is no error:
// what was wanted is so. When a password is given and is not the moderator's
// password of the meeting, the error matches [ErrPassword] and nothing is ended;
// give none to end it on your own authority. It stands for end, which a server
// carries out a few seconds later.
func (g *Group) EndMeeting(ctx context.Context, id, password string) error {
	return g.all.EndMeeting(ctx, id, password)
}

// JoinURL returns the signed URL that a user's browser opens to join a meeting,
// wherever it is. MeetingID, FullName, and Role or Password are needed.
//
// When the place of the meeting is known, no server is asked, so the meeting may
// have ended meanwhile; ask for it with [Group.Meeting] first to be sure. Let
// the browser open the URL: a join made from here leaves it without the cookie
// of its session. The URL stands for the user: do not log it.
//
// Errors: [ErrInvalidParams] with all problems joined, [ErrMeetingNotFound], a
// *[GroupError] when the meeting was not found and a server did not answer. It
// stands for join.
func (g *Group) JoinURL(ctx context.Context, p JoinParams) (string, error) {
	return g.all.JoinURL(ctx, p)
}

// Join joins a meeting, wherever it is, in the name of a user whose browser does
// not do it itself, and returns the new attendee with its [Session]. See
// [Server.Join] for what it is for and its errors. It stands for join with
// redirect=false.
func (g *Group) Join(ctx context.Context, p JoinParams) (*Attendee, error) { return g.all.Join(ctx, p) }
