package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Group is a set of BigBlueButton servers that is used as if it were one. Make
// one with [NewGroup], then add servers with [NewServer] or [Group.New].
//
// A Group is safe for concurrent use; servers may be added and removed at any
// time. Close it when it is no longer needed.
type Group struct {
	name           string
	workers        int
	origin         string
	originServer   string
	logoutURL      string
	newMeetingID   func() string
	now            func() time.Time
	observer       Observer
	log            *slog.Logger
	checkers       []Checker
	selection      Selection
	serverDefaults []ServerOption
	transport      *http.Transport // shared by the servers that were given none
	onceTransport  *http.Transport // the same, for calls that must not be repeated

	all          *Scope // the group seen as the scope without a filter
	store        *store
	places       placements
	searching    flights
	lists        sharedCalls[struct{}, []*Meeting] // of all servers
	infos        sharedCalls[infoKey, *Meeting]
	runnings     sharedCalls[infoKey, bool]
	changes      atomic.Uint64 // how much was done through the group that an answer may tell
	splits       splitSet
	creating     keyLocks
	reservations *reservations
	choosing     chan struct{} // has room for one: the decision that others wait for
	hooks        groupHooks
	tenancy      tenancy
	wholeLists   wholeLists
	ssh          sshShared
	doubt        doubt
	counts       groupCounts
	running      atomic.Bool  // a Run is under way
	interval     atomic.Int64 // of the Run that is under way, in nanoseconds, or 0

	members atomic.Pointer[members] // never nil; replaced, never changed
	mu      sync.Mutex              // held by those who replace members; protects retired
	retired map[string]retired      // by URL

	gate       gate
	exit       func()          // gate.exit, made once: each operation is handed it
	background context.Context // ends what nobody waits for when Close begins
	quiet      context.CancelFunc
	stop       context.Context // ends what is still under way when Close gives up
	cancel     context.CancelFunc
}

// retired is what is kept of a server that was removed.
type retired struct {
	ledger *ledger
	load   *toldLoad
	report *SysStat
	at     time.Time
}

// members are the servers of a group at one time.
type members struct {
	list   []*Server
	byName map[string]*Server
	byURL  map[string]*Server
}

// NewGroup makes a group without servers. The name stands in logs and errors,
// tells groups apart that share a [Cache], and is sent as the origin of meetings
// unless [WithOrigin] says otherwise.
//
// It does no I/O and starts nothing. All problems with the options come back in
// one joined error.
func NewGroup(name string, opts ...GroupOption) (*Group, error) {
	cfg := defaultGroupConfig(name)
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, isControl) {
		cfg.problem("the name %q is empty or has blanks or control characters around or in it", name)
	}
	for _, o := range opts {
		if o == nil {
			cfg.problem("nil option")
			continue
		}
		o.applyGroup(&cfg)
	}
	// Options that are defaults for servers are checked now, not at the first
	// server.
	check := defaultServerConfig()
	for _, o := range cfg.servers {
		o.applyServer(&check)
	}
	cfg.problems = append(cfg.problems, check.problems...)
	if len(cfg.problems) > 0 {
		return nil, joinProblems(fmt.Sprintf("group %q", name), cfg.problems)
	}

	g := &Group{
		name:           name,
		workers:        cfg.workers,
		origin:         cfg.origin,
		originServer:   cfg.originServer,
		logoutURL:      cfg.logoutURL,
		newMeetingID:   cfg.newMeetingID,
		now:            cfg.now,
		observer:       cfg.observer,
		log:            cfg.logger.With(slog.String("group", name)),
		checkers:       cfg.checkers,
		selection:      cfg.selection,
		serverDefaults: cfg.servers,
		transport:      newTransport(cfg.workers),
	}
	g.onceTransport = newOnceTransport(g.transport)
	g.store = newStore(cfg.cache, name, g.log, g.now)
	g.reservations = newReservations(g, cfg.cache)
	g.choosing = make(chan struct{}, 1)
	g.all = &Scope{group: g}
	g.exit = g.gate.exit
	g.members.Store(&members{})
	g.background, g.quiet = context.WithCancel(context.Background())
	g.stop, g.cancel = context.WithCancel(context.Background())
	return g, nil
}

// New makes a server in the group. It is [NewServer] written from the group's
// side.
func (g *Group) New(name, rawURL, secret string, opts ...ServerOption) (*Server, error) {
	return NewServer(g, name, rawURL, secret, opts...)
}

// add is the last step of making a server.
func (g *Group) add(s *Server) error {
	at := g.now() // a function of others
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.gate.isClosed() {
		return ErrClosed
	}
	now := g.members.Load()
	var problems []error
	if now.byName[s.name] != nil {
		problems = append(problems, fmt.Errorf("%w: the name %q is taken", ErrServerExists, s.name))
	}
	if other := now.byURL[s.base]; other != nil {
		problems = append(problems, fmt.Errorf("%w: %s is the URL of %q", ErrServerExists, s.base, other.name))
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	// What its meetings take, and how busy its machine is, is not forgotten when a
	// configuration is read anew.
	if old, ok := g.retired[s.base]; ok && at.Sub(old.at) < forgetTime {
		s.ledger = old.ledger
		s.machine.load.Store(old.load)
		s.machine.report.Store(old.report)
	}
	delete(g.retired, s.base)
	g.members.Store(newMembers(append(slices.Clip(now.list), s)))
	g.changes.Add(1)
	return nil
}

func newMembers(list []*Server) *members {
	m := &members{list: list, byName: make(map[string]*Server, len(list)), byURL: make(map[string]*Server, len(list))}
	for _, s := range list {
		m.byName[s.name], m.byURL[s.base] = s, s
	}
	return m
}

// Remove takes a server out of the group and reports whether it was in it. Its
// meetings go on, and a *Server or *Meeting that is still held works, but the
// group does not find them any more. Calls under way are not interrupted. A
// server of the same name or URL may be added afterwards.
func (g *Group) Remove(name string) bool {
	at := g.now()
	defer g.doubtOurselves(g.background) // about those that are left, when the lock is free
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.members.Load()
	s := now.byName[name]
	if s == nil {
		return false
	}
	list := slices.DeleteFunc(slices.Clone(now.list), func(other *Server) bool { return other == s })
	g.members.Store(newMembers(list))
	s.removed.Store(true)
	g.changes.Add(1)
	if g.retired == nil {
		g.retired = make(map[string]retired)
	}
	maps.DeleteFunc(g.retired, func(_ string, r retired) bool { return at.Sub(r.at) >= forgetTime })
	g.retired[s.base] = retired{s.ledger, s.machine.load.Load(), s.machine.report.Load(), at}
	g.places.dropServer(s)
	return true
}

// Name returns the name of the group.
func (g *Group) Name() string { return g.name }

// Server returns the server of that name.
func (g *Group) Server(name string) (*Server, bool) {
	s, ok := g.members.Load().byName[name]
	return s, ok
}

// Servers iterates over the servers in the order in which they were added, as
// they are at this moment: adding and removing meanwhile does not show.
func (g *Group) Servers() iter.Seq[*Server] { return slices.Values(g.members.Load().list) }

// Len returns the number of servers.
func (g *Group) Len() int { return len(g.members.Load().list) }

// Scope returns the group seen through a metadata filter: it adds the metadata
// to every meeting it creates, and finds, shows and touches only meetings that
// carry it. Keys are compared in lower case, as servers keep them, values
// exactly. An empty filter is the group itself.
//
// What a create could not carry gives an error that matches [ErrInvalidParams]: a
// key that is not a letter followed by letters, digits and "-", because servers
// drop it, and an empty value.
func (g *Group) Scope(meta map[string]string) (*Scope, error) {
	folded, err := foldScope(meta)
	if err != nil {
		return nil, err
	}
	return &Scope{group: g, meta: folded}, nil
}

// Close ends the use of the group: later calls return [ErrClosed] (only
// CachedMeetings still tells what was known), and it waits for those under way.
// When ctx ends first, these are cancelled; Close waits for them all the same,
// which takes no time worth mentioning, and returns the context's error. It may
// be called more than once and concurrently. The meetings go on: nothing is sent
// to the servers. Connections of [SSH].ControlPersist are closed at the end; one that hangs
// is left after five seconds.
func (g *Group) Close(ctx context.Context) error {
	g.gate.close()
	g.quiet()
	err := g.gate.wait(ctx)
	g.cancel()
	if err != nil {
		_ = g.gate.wait(context.WithoutCancel(ctx))
	}
	g.transport.CloseIdleConnections()
	g.ssh.close() // has a time of its own, also when ctx has ended
	return err
}

// String returns the name and the number of servers.
func (g *Group) String() string { return fmt.Sprintf("group %q of %d servers", g.name, g.Len()) }

// GoString is String: no formatting of a Group shows secrets.
func (g *Group) GoString() string { return "bbb.Group{" + g.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (g *Group) Format(f fmt.State, verb rune) { format(f, verb, g) }

// LogValue shows the name and the number of servers in logs.
func (g *Group) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", g.name), slog.Int("servers", g.Len()))
}

// MarshalJSON writes the name and the servers, without secrets.
func (g *Group) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Name    string    `json:"name"`
		Servers []*Server `json:"servers"`
	}{g.name, g.members.Load().list})
}
