package bbb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bbbgroup/bbb/internal/redact"
)

// Server is one BigBlueButton server, a member of a [Group]. Make one with
// [NewServer] or [Group.New].
//
// A Server is safe for concurrent use. Its methods ask this server alone; a
// Group has the same methods for all its servers.
type Server struct {
	group *Group
	name  string
	endpoint
	// cfg is behind a pointer because it holds the secrets: a struct with a
	// *Server in a field that is not exported is printed by fmt field by field,
	// without asking Format, down to the next pointer.
	cfg       *serverConfig
	transport http.RoundTripper
	once      http.RoundTripper // for calls that must not be repeated

	userAgent []string // the value of the header; empty for that of net/http

	jar       *cookies
	secret    atomic.Int64 // index of the secret that works, in cfg.secrets
	health    health
	learned   atomic.Pointer[learnedRelease]
	meetings  *meetingSet
	ledger    *ledger
	counts    *serverCounts
	machine   machine
	probing   atomic.Bool
	removed   atomic.Bool
	restoring atomic.Bool
	restored  chan struct{} // closed when what others left in the Cache is here
	nextSave  atomic.Int64  // Unix nanoseconds before which the meetings are not saved again
}

// NewServer makes a server and adds it to the group as its last step, so that
// nobody ever sees half of it. It does no I/O: whether the server exists and
// takes the secret shows at the first call. Only the hooks that the group has by
// then ([Group.CreateHook]) are made on it in the background.
//
// name is how errors, logs and [Group.Server] call the server. rawURL is what
// `bbb-conf --secret` prints, or any shorter spelling of it: the scheme is https
// if there is none, and "/bigbluebutton/api" is completed. secret is the other
// thing it prints.
//
// All problems with the arguments come back in one joined error. A name or a
// URL that the group has already gives [ErrServerExists], a closed group
// [ErrClosed].
func NewServer(group *Group, name, rawURL, secret string, opts ...ServerOption) (*Server, error) {
	if group == nil {
		return nil, errors.New("bbb: server: nil group")
	}
	s, err := makeServer(group, name, rawURL, secret, opts)
	if err != nil {
		return nil, err
	}
	if err := group.add(s); err != nil {
		return nil, fmt.Errorf("bbb: server %q: %w", name, err)
	}
	group.hookNewServer(s)
	return s, nil
}

// makeServer makes a server that is in no group yet.
func makeServer(group *Group, name, rawURL, secret string, opts []ServerOption) (*Server, error) {
	cfg := defaultServerConfig()
	cfg.secrets = []string{secret}
	for _, o := range append(slices.Clip(group.serverDefaults), opts...) {
		if o == nil {
			cfg.problem("nil option")
			continue
		}
		o.applyServer(&cfg)
	}
	if why := lacksAlgorithm(cfg.algorithm, cfg.release); why != "" {
		cfg.problem("WithAlgorithm: %s", why)
	}
	if name == "" || strings.TrimSpace(name) != name || strings.ContainsFunc(name, isControl) {
		cfg.problem("the name %q is empty or has blanks or control characters around or in it", name)
	}
	if secret == "" || strings.TrimSpace(secret) != secret {
		cfg.problem("the secret is empty or has blanks around it")
	}
	at, err := parseEndpoint(rawURL)
	if err != nil {
		cfg.problems = append(cfg.problems, err)
	}
	if len(cfg.problems) > 0 {
		return nil, joinProblems(fmt.Sprintf("server %q", name), cfg.problems)
	}
	if cfg.host == "" {
		cfg.host = at.url.Hostname()
	}

	s := &Server{group: group, name: name, endpoint: at, cfg: &cfg, jar: newCookies(at.url.Host), restored: make(chan struct{}), ledger: new(ledger), counts: new(serverCounts)}
	s.meetings = &meetingSet{owner: s}
	if cfg.userAgent != "" {
		s.userAgent = []string{cfg.userAgent}
	}
	s.transport, s.once = group.transport, group.onceTransport
	if cfg.transport != nil {
		s.transport, s.once = cfg.transport, cfg.once
	}
	s.health.now.Store(newHealth(cfg.mode))
	return s, nil
}

// Name returns the name that the server was given.
func (s *Server) Name() string { return s.name }

// Group returns the group that the server was made for. It stays the same after
// [Group.Remove].
func (s *Server) Group() *Group { return s.group }

// BaseURL returns the URL of the server's API, such as
// "https://bbb1.example.org/bigbluebutton/api".
func (s *Server) BaseURL() string { return s.base }

// Host returns the host name of the machine: that of [WithHost], or else of the
// URL.
func (s *Server) Host() string { return s.cfg.host }

// Weight returns the share of the load that the server can take; see
// [WithWeight].
func (s *Server) Weight() float64 { return s.cfg.weight }

// Labels returns a copy of the labels of the server; see [WithLabels].
func (s *Server) Labels() Labels { return maps.Clone(s.cfg.labels) }

// Label returns the value of one label, and whether the server has it. Unlike Labels
// it makes no copy, for checkers.
func (s *Server) Label(name string) (value string, ok bool) {
	value, ok = s.cfg.labels[name]
	return value, ok
}

// String returns the name and the URL of the server. It does not show the
// secret.
func (s *Server) String() string { return s.name + " (" + s.base + ")" }

// GoString is String: no formatting of a Server shows its secret.
func (s *Server) GoString() string { return "bbb.Server{" + s.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (s *Server) Format(f fmt.State, verb rune) { format(f, verb, s) }

// LogValue shows the name and the URL in logs.
func (s *Server) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", s.name), slog.String("url", s.base))
}

// MarshalJSON writes the name and the URL, not the secret.
func (s *Server) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"name": s.name, "url": s.base})
}

// URL returns the signed URL of a call that this package does not model, and
// does no I/O. Whoever holds the URL can make the call: treat it as a secret.
// The parameters are encoded in the order of their names; one named "checksum"
// is left out.
func (s *Server) URL(call string, params url.Values) string {
	in := newScratch()
	defer in.release()
	in.text = appendValues(append(in.text, call...), len(call), params)
	return s.signedText(in, call)
}

// Answer is what a server answered to [Server.Call].
type Answer struct {
	StatusCode  int    // HTTP status
	ContentType string // as the server wrote it
	Body        []byte // to the byte, within the limit of [WithAnswerLimit]
}

// Call makes a call that this package does not model, by GET, signed like the
// others. An answer of FAILED comes back as an *[Error]; anything else, be it
// XML, JSON or another format, is in the Answer as it came. Errors are those of
// every call: see [Error].
func (s *Server) Call(ctx context.Context, call string, params url.Values) (*Answer, error) {
	if call == "" || strings.Trim(call, "/") != call || strings.ContainsAny(call, "?#% ") || strings.ContainsFunc(call, isControl) {
		return nil, &Error{Server: s.name, Call: call, Err: fmt.Errorf("%w: not the name of a call", ErrInvalidParams)}
	}
	var answer *Answer
	err := s.do(ctx, request{call: call, query: encodeValues(params)}, func(r *response) error {
		if err := r.failure(); err != nil {
			return err
		}
		answer = &Answer{StatusCode: r.status, ContentType: r.contentType, Body: append([]byte(nil), r.body...)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// signedText returns the URL of a call of which in holds the name and, right behind it, the query: the beginning
// of what is hashed.
func (s *Server) signedText(in *scratch, call string) string {
	return s.signed(s.cfg.algorithm, in, len(call), s.cfg.secrets[s.secret.Load()])
}

// redact returns err with none of the server's secrets in its text.
func (s *Server) redact(err error) error { return redact.Error(err, s.cfg.secrets...) }

// redactText returns text with none of the server's secrets.
func (s *Server) redactText(text string) string {
	if text == "" {
		return ""
	}
	return redact.Text(text, s.cfg.secrets...)
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }
