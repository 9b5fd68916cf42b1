package bbbtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Option changes how a [Server] is made. A value that makes no sense, such as a version that is
// none, makes [New] panic: it is a mistake in the test, not a condition to handle.
type Option func(*config)

type config struct {
	name       string
	scheme     string
	host       string
	secret     *string
	others     []string
	release    release
	algorithms []string
	quirks     Quirks
	endDelay   time.Duration
	observe    func(Request)

	recordingDelay time.Duration
	formats        []string

	noCookie bool // session tokens do without one

	callbackTransport http.RoundTripper
	endWaits          []time.Duration
	endProbe          bool
	endMarks          *bool // nil: as the release does
	readyAlgorithm    string
	hookStyle         HookStyle
	hookAlgorithm     string
	hookBearer        bool
	hookWaits         []time.Duration
	permanentHooks    []Hook
}

// WithName sets the name, overriding the default of bbb1, bbb2 and so on, counted per process.
// The name is also the first label of the host a server without a listener has: name.test.
func WithName(name string) Option {
	return func(c *config) { c.name = name }
}

// WithHost sets the host, with port if any, of the URL of a server that does not listen, overriding
// the default of name.test. "https://bbb.example.org" also sets the scheme, "http" by default.
// A server that listens has the address of its listener instead.
func WithHost(host string) Option {
	u, err := url.Parse(host)
	if !strings.Contains(host, "://") {
		u, err = url.Parse("http://" + host)
	}
	if err != nil || u.Host == "" {
		panic("bbbtest: WithHost: not a host: " + host)
	}
	return func(c *config) { c.scheme, c.host = u.Scheme, u.Host }
}

// WithSecret sets the shared secret, overriding the default of a random one. Checksums made with one
// of the other secrets are accepted as well; a real server has only one, a proxy in the middle of a
// rollover several. An empty secret switches the check off, as an empty securitySalt does.
func WithSecret(secret string, others ...string) Option {
	return func(c *config) { c.secret, c.others = &secret, slices.Clone(others) }
}

// WithSecondSecret makes the server accept another secret besides its own.
func WithSecondSecret(secret string) Option {
	return func(c *config) { c.others = append(c.others, secret) }
}

// WithVersion sets the release to emulate, overriding the default of 3.0. A line such as "2.4",
// "2.5", "2.6", "2.7", "3.0" or "4.0" means its newest patch; "2.6.17" means that one.
func WithVersion(version string) Option {
	r, err := parseRelease(version)
	if err != nil {
		panic(err.Error())
	}
	return func(c *config) { c.release = r }
}

// WithAlgorithms sets the checksum algorithms the server accepts, out of sha1, sha256, sha384 and
// sha512, overriding the default of the release: all four, or the first two before 2.5.
func WithAlgorithms(names ...string) Option {
	for _, name := range names {
		if algorithmByName(name) == nil {
			panic("bbbtest: WithAlgorithms: unknown algorithm " + name)
		}
	}
	return func(c *config) { c.algorithms = slices.Clone(names) }
}

// WithQuirks switches on oddities of real answers, overriding the default of none.
func WithQuirks(q Quirks) Option {
	return func(c *config) { c.quirks = q }
}

// WithEndDelay sets how long a meeting is still listed after its end was requested, overriding the
// default of zero: it is gone as soon as the end call has been answered.
func WithEndDelay(d time.Duration) Option {
	return func(c *config) { c.endDelay = d }
}

// WithRequestFunc calls f after each request that arrived, whatever became of it. f runs in the
// goroutine of the request, several of them at once when requests are concurrent.
func WithRequestFunc(f func(Request)) Option {
	return func(c *config) { c.observe = f }
}

// Quirks are oddities seen in the answers of real servers and of proxies in front of them. Every
// client has to live with each of them; the zero value is a server without any.
type Quirks struct {
	// CommaNumbers writes the counts of getMeetings, and sequence everywhere, with thousands
	// separators: 1,000. Release 2.4 does so in getMeetingInfo too.
	CommaNumbers bool
	// NestedBreakout puts parentMeetingID, sequence and freeJoin of a breakout room into an element
	// breakout instead of leaving them flat.
	NestedBreakout bool
	// LowercaseReturncode writes "success" and "failed".
	LowercaseReturncode bool
	// HideVersion leaves bbbVersion empty, which is what a stock server does.
	HideVersion bool
	// PaddedText puts line breaks and blanks around the text of string elements.
	PaddedText bool
	// CDATA writes the text of string elements as CDATA sections.
	CDATA bool
	// NoEmptyLists leaves out attendees, metadata and customdata when they are empty.
	NoEmptyLists bool
	// XMLDeclaration begins answers with an XML declaration.
	XMLDeclaration bool
	// ContentType replaces "text/xml" as the Content-Type of XML answers. Proxies send
	// "application/xml" or "application/xml; charset=utf-8".
	ContentType string
	// MessageFirst writes messageKey and message before an empty meetings list, not after it.
	MessageFirst bool
	// ExtraElements adds elements no client has heard of.
	ExtraElements bool
	// EmptyNumbers writes a startTime, an endTime or the participants of a recording as an empty
	// element when they are zero.
	EmptyNumbers bool
	// NullNumbers writes the same zeros as the text null.
	NullNumbers bool
	// RawNames writes the names of customdata as they came. One that is no XML name then makes the
	// whole answer malformed, as on a real server. Otherwise such a name is left out.
	RawNames bool
	// NoFetchAll answers a getRecordings without ids and pages with noRecordings and without a
	// recordings element, as a server does that forbids asking for all recordings.
	NoFetchAll bool
	// ScaleliteFilters makes getRecordings demand both a recordID and a meetingID when both are given,
	// and be content with one of several meta_ filters, whose values are lists then.
	ScaleliteFilters bool
	// RecordingOrder is the order of getRecordings.
	RecordingOrder RecordingOrder
	// HonestUpdated lets updateRecordings answer false when an id is unknown or nothing changed.
	HonestUpdated bool
	// PublishedState lets publishRecordings answer with the word of the state: "published".
	PublishedState bool
	// PaddedURLs puts line breaks and blanks around the URLs of recordings.
	PaddedURLs bool
	// EmptyCDATA writes an empty value in the metadata of a recording as an empty CDATA section.
	EmptyCDATA bool
	// AvailableState writes the state available for a published recording.
	AvailableState bool
	// UnwrappedJSON answers JSON without the object response around it, as bbblb does.
	UnwrappedJSON bool
	// OnlyValidationError answers every validation failure with the key validationError, as the
	// first builds of 2.4 did, even a wrong checksum.
	OnlyValidationError bool
}
