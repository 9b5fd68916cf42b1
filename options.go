package bbb

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Defaults of the options.
const (
	DefaultWorkers        = 64
	DefaultConnectTimeout = 500 * time.Millisecond
	DefaultRequestTimeout = 10 * time.Second
	DefaultCacheTime      = 30 * time.Second
	DefaultMaxURLLength   = 4096
	DefaultAnswerLimit    = 32 << 20
	DefaultUploadLimit    = 30_000_000
)

// A GroupOption changes a default of [NewGroup].
type GroupOption interface{ applyGroup(*groupConfig) }

// A ServerOption changes a default of [NewServer].
type ServerOption interface{ applyServer(*serverConfig) }

// An Option serves both: given to [NewServer] it is for that server, given to
// [NewGroup] it is the default of all servers of the group.
type Option interface {
	GroupOption
	ServerOption
}

type groupConfig struct {
	workers      int
	origin       string
	originServer string
	logoutURL    string
	newMeetingID func() string
	now          func() time.Time
	cache        Cache
	logger       *slog.Logger
	observer     Observer
	checkers     []Checker
	selection    Selection
	servers      []ServerOption
	problems     []error
}

type serverConfig struct {
	host           string
	weight         float64
	mode           Mode
	labels         Labels
	maxMeetings    int
	maxPeople      int
	secrets        []string
	algorithm      Algorithm
	hookAlgorithm  Algorithm
	connectTimeout time.Duration
	requestTimeout time.Duration
	cacheTime      time.Duration
	maxURLLength   int
	formSigning    FormSigning
	answerLimit    int64
	uploadLimit    int64
	release        Release
	unsupported    UnsupportedParams
	userAgent      string
	transport      http.RoundTripper // nil: the group's shared one
	once           http.RoundTripper // the same, for calls that must not be repeated
	ssh            *SSH              // nil: the machine is left alone
	runner         Runner            // nil: the system's ssh
	problems       []error
}

func (c *groupConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

func (c *serverConfig) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

type groupOption func(*groupConfig)

func (o groupOption) applyGroup(c *groupConfig) { o(c) }

type serverOption func(*serverConfig)

func (o serverOption) applyServer(c *serverConfig) { o(c) }

type option struct{ serverOption }

func (o option) applyGroup(c *groupConfig) { c.servers = append(c.servers, o) }

func both(f func(*serverConfig)) Option { return option{f} }

// defaultGroupConfig holds the defaults. The origin's server name is the host
// name as the operating system gives it: asking DNS for the full name would be
// I/O in a constructor.
func defaultGroupConfig(name string) groupConfig {
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return groupConfig{
		workers:      DefaultWorkers,
		origin:       name,
		originServer: host,
		newMeetingID: newUUID,
		now:          time.Now,
		logger:       slog.New(slog.DiscardHandler),
		checkers:     DefaultCheckers(),
		selection:    Best,
	}
}

func defaultServerConfig() serverConfig {
	return serverConfig{
		weight:         1,
		algorithm:      SHA256,
		hookAlgorithm:  SHA1,
		connectTimeout: DefaultConnectTimeout,
		requestTimeout: DefaultRequestTimeout,
		cacheTime:      DefaultCacheTime,
		maxURLLength:   DefaultMaxURLLength,
		answerLimit:    DefaultAnswerLimit,
		uploadLimit:    DefaultUploadLimit,
		userAgent:      "bbb-go",
	}
}

// WithWorkers sets how many servers one call of the group asks at the same
// time, overriding the default of 64. A worker is a goroutine that mostly waits
// on a socket, so this is cheap; fewer make servers wait in rows.
func WithWorkers(n int) GroupOption {
	return groupOption(func(c *groupConfig) {
		if n < 1 {
			c.problem("WithWorkers: %d workers, need at least 1", n)
		}
		c.workers = n
	})
}

// WithOrigin sets what is sent on create as the metadata bbb-origin and
// bbb-origin-server-name when the caller gave none, overriding the defaults of
// the group's name and the host name of this machine. An empty text sends
// nothing. Creates that come in as data ([Group.HandleFromData], [Handler]) are
// passed on without: their origin is whoever sent them.
func WithOrigin(origin, serverName string) GroupOption {
	return groupOption(func(c *groupConfig) { c.origin, c.originServer = origin, serverName })
}

// WithLogoutURL sets the logoutURL that is sent on create when the caller gave
// none, overriding the default of sending none (users then land on the page
// that the server is configured with).
func WithLogoutURL(rawURL string) GroupOption {
	return groupOption(func(c *groupConfig) {
		if u, err := url.Parse(rawURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			c.problem("WithLogoutURL: need an absolute http or https URL")
		}
		c.logoutURL = rawURL
	})
}

// WithMeetingIDFunc sets the function that makes the ID of a meeting created
// without one, overriding the default of random UUIDs. It must be safe for
// concurrent use and never give the same ID twice: such a create is not
// preceded by a search for an existing meeting.
func WithMeetingIDFunc(f func() string) GroupOption {
	return groupOption(func(c *groupConfig) {
		if f == nil {
			c.problem("WithMeetingIDFunc: nil function")
			return
		}
		c.newMeetingID = f
	})
}

// WithClock sets what the group takes for the present time, overriding the default
// of time.Now: when a server was asked and how old what it said is, how long a
// reservation or a claim stands, since when a server has been as it is. It is for
// simulations, which judge hours in a moment. Time-outs and pauses are real time
// always. The function must be safe for concurrent use and never go back.
func WithClock(now func() time.Time) GroupOption {
	return groupOption(func(c *groupConfig) {
		if now == nil {
			c.problem("WithClock: nil function")
			return
		}
		c.now = now
	})
}

// WithCache sets where cookies, meetings and placements are kept, overriding
// the default of this process's memory. Groups of the same name that share a
// Cache share what they know, and agree on the server of a meeting that several
// of them create at the same time. They should have the same servers: what is
// placed on a server that a group does not have counts as free to it. The module
// rediscache is such a Cache, for several processes.
func WithCache(cache Cache) GroupOption {
	return groupOption(func(c *groupConfig) {
		if cache == nil {
			c.problem("WithCache: nil cache")
			return
		}
		c.cache = cache
	})
}

// WithLogger sets where the group logs, overriding the default of nowhere.
// Calls are logged at debug level, failures of servers and of the cache at warn
// level. No log line holds a secret, a checksum, a password or a token.
func WithLogger(l *slog.Logger) GroupOption {
	return groupOption(func(c *groupConfig) {
		if l == nil {
			c.problem("WithLogger: nil logger")
			return
		}
		c.logger = l
	})
}

// WithObserver sets the functions that are told what the group does, overriding
// the default of none. See [Observer].
func WithObserver(o Observer) GroupOption {
	return groupOption(func(c *groupConfig) { c.observer = o })
}

// WithHost sets the host name of the machine, overriding the default of the
// host in the server's URL. It is for everything that reaches the machine
// otherwise than through the API.
func WithHost(host string) ServerOption {
	return serverOption(func(c *serverConfig) {
		if host == "" || strings.HasPrefix(host, "-") || strings.ContainsAny(host, " \t\r\n/") {
			c.problem("WithHost: %q is not a host name", host)
		}
		c.host = host
	})
}

// WithWeight sets the share of the load that the server can take, overriding
// the default of 1: of two servers under load, one of weight 2 has twice the people
// of one of weight 1. The first meetings go to the heaviest servers, which have the
// most room for them.
func WithWeight(w float64) ServerOption {
	return serverOption(func(c *serverConfig) {
		if !(w >= 1e-6 && w <= 1e6) { // written so that NaN is refused
			c.problem("WithWeight: %v, need a weight from 0.000001 to 1000000", w)
		}
		c.weight = w
	})
}

// WithMode sets what the server is to do from the beginning, overriding the default
// of [ModeEnabled]. [Server.SetMode] changes it later.
func WithMode(m Mode) ServerOption {
	return serverOption(func(c *serverConfig) {
		if int(m) >= len(modeNames) {
			c.problem("WithMode: unknown mode %d", uint8(m))
		}
		c.mode = m
	})
}

// WithSecondSecret sets a secret that is used after the first one was refused
// (checksumError), overriding the default of none, and is then remembered as
// the one that works. Give the new secret of a server this way before it is
// changed there.
func WithSecondSecret(secret string) ServerOption {
	return serverOption(func(c *serverConfig) {
		if secret == "" || strings.TrimSpace(secret) != secret {
			c.problem("WithSecondSecret: the secret is empty or has blanks around it")
		}
		c.secrets = append(c.secrets[:1:1], secret)
	})
}

// WithAlgorithm sets the hash of the checksums, overriding the default of
// SHA-256, which every release since 2.4 accepts unless its owner turned it
// off.
func WithAlgorithm(a Algorithm) Option {
	return both(func(c *serverConfig) {
		if a >= algorithms {
			c.problem("WithAlgorithm: unknown algorithm %v", a)
		}
		c.algorithm = a
	})
}

// WithHookAlgorithm sets the hash of the checksums of the calls to bbb-webhooks,
// overriding the default of SHA-1: releases 2.x of it accept nothing else.
// Releases since 3.0 accept what their configuration lists. What the server posts
// to a hook is hashed as the server chooses; see [HookHandler].
func WithHookAlgorithm(a Algorithm) Option {
	return both(func(c *serverConfig) {
		if a >= algorithms {
			c.problem("WithHookAlgorithm: unknown algorithm %v", a)
		}
		c.hookAlgorithm = a
	})
}

// WithTimeout sets how long a connection may take to be made and how long a
// whole request may take, up to the last byte of the answer, overriding the
// defaults of 0.5 s and 10 s. A context with an earlier deadline ends the
// request earlier. The connect time does not apply to a transport given with
// [WithTransport] or [WithHTTPClient], which connects by itself.
func WithTimeout(connect, request time.Duration) Option {
	return both(func(c *serverConfig) {
		if connect <= 0 || request <= 0 {
			c.problem("WithTimeout: %v and %v, need times over 0", connect, request)
		}
		c.connectTimeout, c.requestTimeout = connect, request
	})
}

// WithCacheTime sets how long an answer of getMeetings counts as the state of
// the server in [Group.CachedMeetings], overriding the default of 30 s. While a
// [Group.Run] with a long interval is under way it counts longer; see there.
func WithCacheTime(d time.Duration) Option {
	return both(func(c *serverConfig) {
		if d <= 0 {
			c.problem("WithCacheTime: %v, need a time over 0", d)
		}
		c.cacheTime = d
	})
}

// WithMaxURLLength sets the length in bytes up to which a create is sent as GET,
// overriding the default of 4096; a longer one is sent as POST with its
// parameters in a form body. BigBlueButton states no limit; the web servers in
// front of it commonly take about 8 KiB for a request line.
func WithMaxURLLength(bytes int) Option {
	return both(func(c *serverConfig) {
		if bytes < 256 {
			c.problem("WithMaxURLLength: %d, need at least 256", bytes)
		}
		c.maxURLLength = bytes
	})
}

// WithFormSigning sets how a form body is signed, overriding the default of
// [SignQuery].
func WithFormSigning(f FormSigning) Option {
	return both(func(c *serverConfig) {
		if f > SignForm {
			c.problem("WithFormSigning: unknown way %d", f)
		}
		c.formSigning = f
	})
}

// FormSigning is how a POST whose parameters are in a form body is signed.
// Documentation and releases disagree, so it is a setting of the server. It
// concerns only a create too long for a URL.
type FormSigning uint8

const (
	// SignQuery puts the checksum into the URL and hashes the query there, which
	// is empty. The documentation says so, and Scalelite and bbb-web take it.
	// Such a checksum does not protect the body, so it needs TLS.
	SignQuery FormSigning = iota
	// SignForm puts the checksum into the body and hashes the body: parameters
	// sorted by name and encoded as Java does. bbb-web takes it too, and so do
	// proxies that hash the body as it is sent.
	SignForm
)

// WithAnswerLimit sets how many bytes of an answer are read before the call
// fails with [ErrAnswerTooLarge], overriding the default of 32 MiB, which is
// about seven thousand meetings with ten attendees each.
func WithAnswerLimit(bytes int64) Option {
	return both(func(c *serverConfig) {
		if bytes < 1 {
			c.problem("WithAnswerLimit: %d, need at least 1", bytes)
		}
		c.answerLimit = bytes
	})
}

// WithUploadLimit sets how many bytes one [Document] may have before it is refused
// with [ErrDocumentTooLarge], overriding the default of 30,000,000, which is that
// of a stock server (maxFileSizeUpload). Web servers in front of the API may have
// a limit of their own for the whole body, which is a third longer.
func WithUploadLimit(bytes int64) Option {
	return both(func(c *serverConfig) {
		if bytes < 1 {
			c.problem("WithUploadLimit: %d, need at least 1", bytes)
		}
		c.uploadLimit = bytes
	})
}

// WithRelease says which release the server is, such as "2.7" or "3.0.19",
// overriding the default of what the server says of itself, which for most is
// nothing. See [Server.Release] for what is made of it.
func WithRelease(release string) Option {
	return both(func(c *serverConfig) {
		r, err := ParseRelease(release)
		if err != nil {
			c.problem("WithRelease: %q is not a release such as 2.7 or 3.0.19", release)
		}
		c.release = r
	})
}

// UnsupportedParams says what happens to a parameter that the release of a server
// is known not to have.
type UnsupportedParams uint8

const (
	// SendUnsupported sends all parameters. Servers ignore those they do not know.
	SendUnsupported UnsupportedParams = iota
	// RefuseUnsupported fails the call with [ErrNotSupported] before anything is
	// sent. In a group, a create then goes to another server.
	RefuseUnsupported
	// DropUnsupported leaves them out, and logs which at warn level.
	DropUnsupported
)

// WithUnsupportedParams sets what happens to parameters of create and join that
// the release of the server does not have, overriding the default of
// [SendUnsupported]. It does something only where the release is known; see
// [Server.Release].
func WithUnsupportedParams(u UnsupportedParams) Option {
	return both(func(c *serverConfig) {
		if u > DropUnsupported {
			c.problem("WithUnsupportedParams: unknown way %d", u)
		}
		c.unsupported = u
	})
}

// WithUserAgent sets the User-Agent header, overriding the default of "bbb-go".
func WithUserAgent(ua string) Option {
	return both(func(c *serverConfig) { c.userAgent = ua })
}

// newUUID returns a random UUID (version 4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	hex.Encode(s[9:13], b[4:6])
	hex.Encode(s[14:18], b[6:8])
	hex.Encode(s[19:23], b[8:10])
	hex.Encode(s[24:], b[10:])
	s[8], s[13], s[18], s[23] = '-', '-', '-', '-'
	return string(s[:])
}

// joinProblems joins the problems of a constructor under the name of what was
// to be made.
func joinProblems(what string, problems []error) error {
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("bbb: %s: %w", what, errors.Join(problems...))
}
