// Package bbb is a client library for groups of BigBlueButton servers.
//
// A program names its servers once and then works with the [Group] as if it were
// one very large server. New meetings are put where there is the most room, every
// later call finds the server that holds the meeting, lists of all servers are
// merged, and a server that is dead or slow costs its own share and nothing
// else. A single server is a group of one.
//
// # Servers and groups
//
// [NewGroup] makes a group, [NewServer] or [Group.New] a server in it. A server
// registers itself as the last step of its making; [Group.Remove] takes it out.
// None of these does I/O: what is wrong with the arguments comes back at once,
// all problems together, and whether a server can be reached shows at the first
// call.
//
// [Server], [Group] and [Scope] have the same methods. Those of a Server ask that
// server alone. Those of a Group find the right server or ask all of them. Those
// of a Scope are the group's for the meetings that carry certain metadata.
//
// # Meetings
//
// CreateMeeting returns a [Meeting], which knows its server and manages itself:
// [Meeting.JoinURL], [Meeting.Join], [Meeting.Refresh], [Meeting.End]. Meetings
// and the [Attendee] values in them are snapshots. They never change, so they
// need no lock; to see what is new, ask again.
//
// Let a user's browser open the URL of JoinURL, which is made without asking a
// server. Join is for users without a browser.
//
// Parameters whose zero value could be meant are pointers: Record: new(false)
// is sent, and a nil Record leaves the choice to the server. What the package
// does not know goes into Extra.
//
// # Placement
//
// The server of a new meeting is chosen by points. Each [Checker] scales them by a
// factor; the one that decides most often is [CheckLoad], which prefers the server
// with the most room for its weight. A meeting takes seats from the moment it is
// placed, before anybody has come, so lessons that start together are spread.
// [CreateParams] has a [Placement] for what is known of a meeting: how many will
// come, and which labels of servers ([WithLabels]) it needs or likes.
//
// [Group.Rank] and [Observer] say why a server was chosen, with every factor and its
// reason; an error that matches [ErrNoServer] says why none was. [Group.Stats] has
// the figures. The guide in docs/placement.md tells how it all works together.
//
// # Repeating a create
//
// BigBlueButton's create is idempotent when the ID and both passwords are the
// same. The group makes use of it: it sends passwords always (derived from the
// server's secret when the caller gave none), looks for a meeting with the ID
// before it creates one, and lets concurrent creates of one ID agree on a
// server. When a connection breaks after a create was sent, nobody knows whether
// the meeting exists: the error matches [ErrOutcomeUnknown], and the same create
// sent again goes to the same server, until that server is given up or has long
// answered that it does not have the meeting, and for ten minutes at most.
//
// # Health
//
// Every answer says something of its server ([Server.Health]), and so does every
// failure of a call about meetings, or to connect at all. At the first failure a
// server is unstable, after three in a row it is offline: lists and searches pass it
// over with [ErrOffline] and ask it in the background until it is back. Once it has
// failed for five seconds it is given up, and what was on it may be created elsewhere.
// Three good checks in a row make it online again, so that a server that is bad now
// and then does not flicker. Calls at the same time count as one.
//
// When more than half of the servers fail, the group suspects its own network: no
// server becomes offline, and so nothing is created twice. That lasts until it is
// better, but no longer than a minute in which some server answers. So the last
// server is never offline, and neither is the only one: a group of one stays online
// however long its server fails, and the failures and their cause are in its Health.
//
// Creates are judged by themselves: a server on which they fail gets no new meetings
// for a while, and keeps those it has.
//
// What somebody decides stands beside that: [Server.Drain] waits until a server has
// no meetings left and lets no new ones on it, [Server.SetMode] takes it out of use.
// [Group.Run] asks all servers in the background, evenly spread; without it, they
// are judged by the calls that are made anyway.
//
// # Machines
//
// [WithSSH] says how the system's ssh gets to the machines of the servers. [Server.Refresh],
// [Group.Refresh] and [Group.Run] then read there how busy each machine is
// ([Server.SysStat]), and [CheckMachine] keeps new meetings off those that have enough to
// do; what is old counts for less and less, and what is unknown for nothing. No agent is
// needed, and the sysstat package only for the better figures.
//
// [Server.SSHCommand] runs any other command there, and [Group.SSHCommand] on all machines
// at once. The shell on the far side expands what it gets: see [ShellQuote]. A [Runner]
// can take the place of ssh. The guide in docs/machines.md tells what a server needs for
// it, and what to do when something is wrong.
//
// # Errors
//
// One server's failure is an *[Error] with the names of the server and the call
// and the cause. The failure of several is a *[GroupError]; methods that merge
// answers return it together with what the other servers gave. Match errors by
// class with [errors.Is]: [ErrMeetingNotFound], [ErrMeetingExists],
// [ErrInvalidParams] and the others, context.DeadlineExceeded and
// context.Canceled.
//
// BigBlueButton reports failures inside answers of HTTP status 200, proxies and
// web servers in front of it with HTML pages of any status. Both arrive as
// errors; what is no BigBlueButton answer matches [ErrBadAnswer].
//
// No error, log line or formatted value of this package holds a secret, a
// checksum, a password or a session token, nor does what encoding/json makes of
// a [Meeting] or [Session]. Their fields do, and so does the JSON of
// [CreateParams] and [JoinParams], which may be meant for a file.
//
// # What servers send
//
// [Group.CreateHook] registers a URL with bbb-webhooks on every server, and a
// [HookHandler] behind that URL verifies what comes and hands over typed events.
// [MeetingEndedHandler], [RecordingReadyHandler] and [AnalyticsHandler] receive the
// other callbacks. Each may send twice, late or never: take what they say for a
// hint, and read the state from the servers.
//
// # Being the server
//
// A [Handler] answers the calls of the API itself, so that Moodle, Greenlight or any other
// client takes the group for one big server. [NewHandler] makes it, and any mux takes it.
// It verifies checksums over the query as it came, and carries the call out: a meeting is
// created where there is the most room, a join is redirected to the server that has the
// meeting, lists are those of all servers, and failures are worded as servers word them.
//
// [Group.HandleFromData] is the part of it behind authentication: one call as data, one
// [Response] that writes itself. It is for programs that know their callers in another way.
//
// A [Tenant] is one of several clients that share the group without knowing of each other.
// Each has its own secrets, meeting IDs, metadata, default and forced parameters, limits and
// labels of servers. A [TenantFunc] finds the tenant of a request: [StaticTenants],
// [OpenTenantFile], or a function that asks a database. Calls about the meetings of others
// are answered as if these did not exist.
//
// [WithHandlerRelay] has what servers send go through the handler, which passes it on signed
// with the secret of the tenant. The guide in docs/proxy.md tells the rest: replicas, what
// belongs in front of a proxy, what to watch.
//
// # Time
//
// Every request has a time-out of its server ([WithTimeout]) besides the
// caller's context. A fan-out lasts as long as its slowest server may take, and
// no longer; one that is offline is not waited for. What a caller cancels is never held against a server.
//
// # Caches
//
// The group remembers the meetings that it saw: [Group.CachedMeetings] returns
// them without a request, and a call about a meeting goes straight to the server
// that had it. Such memory is a hint. A server that no longer knows the meeting
// is found out by its own answer, and the others are asked.
//
// What goes wrong all the same can be put right by hand: [Group.Locate] says where
// a meeting is, [Group.Forget] frees an ID that is stuck, and [Group.Rebind]
// chooses between two meetings of one ID.
//
// [WithCache] puts cookies, meetings and placements where other processes or the
// next one find them. A cache that fails only makes the group ask the servers.
//
// # Testing
//
// Package bbbtest is a BigBlueButton server in memory. Use it instead of mocks.
package bbb
