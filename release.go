package bbb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"regexp"
	"strconv"
	"time"
)

// Release is what is known of the release of a server, most often only its line:
// servers hide it unless they are told to reveal it. The zero value is an unknown
// release. Get one from [Server.Release] or [ParseRelease].
type Release struct {
	from, to int  // releaseNumber of the first possible one, and of the first that is too new
	guess    bool // it looks so; not enough to refuse anything
}

const releaseEnd = math.MaxInt

func releaseNumber(major, minor, patch int) int { return (major*1000+minor)*1000 + patch }

var releasePattern = regexp.MustCompile(`^v?(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?([-.]?(?:alpha|beta|rc|dev)\S*)?$`)

// ParseRelease reads a release such as "2.7" (any of that line), "3.0.19" or
// "3.0.0-beta.4".
func ParseRelease(text string) (Release, error) {
	m := releasePattern.FindStringSubmatch(text)
	if m == nil {
		return Release{}, fmt.Errorf("bbb: %q is not a release such as 2.7 or 3.0.19", text)
	}
	major, _ := strconv.Atoi(m[1]) // digits, by the pattern
	minor, _ := strconv.Atoi(m[2])
	patch, _ := strconv.Atoi(m[3])
	r := Release{from: releaseNumber(major, minor, patch)}
	switch r.to = r.from + 1; {
	case m[4] != "":
		r.from-- // what is new or gone in a release may not be so yet before it
	case m[3] == "":
		r.to = releaseNumber(major, minor+1, 0)
	}
	if major == 3 && minor > 0 {
		// The changes after 3.0 are described for 4.0; a 3.1 may have any of them.
		r.to = releaseNumber(4, 1, 0)
	}
	return r, nil
}

// Known reports whether something is known that calls can be judged by.
func (r Release) Known() bool { return r.to > 0 && !r.guess }

// Since reports whether it is certain that this is the given release or a newer
// one. It is false when the text is no release.
func (r Release) Since(release string) bool {
	other, err := ParseRelease(release)
	return err == nil && r.since(other.from)
}

// Before reports whether it is certain that this is older than the given release.
// It is false when the text is no release.
func (r Release) Before(release string) bool {
	other, err := ParseRelease(release)
	return err == nil && r.before(other.from)
}

func (r Release) since(n int) bool  { return r.Known() && r.from >= n }
func (r Release) before(n int) bool { return r.Known() && r.to <= n }

// String is "2.7", "3.0.19", "3.0 or later", "perhaps 2.4" or "unknown".
func (r Release) String() string {
	switch line, patch := releaseText((r.from+1)/1000*1000), releaseText(r.to-1); {
	case r.to == 0:
		return "unknown"
	case r.guess:
		return "perhaps " + line
	case r.to == releaseEnd:
		return line + " or later"
	case r.to-r.from == 2:
		return "before " + patch
	case r.to-r.from == 1:
		return patch
	default:
		return line
	}
}

// releaseText writes a number, a line without its patch of zero.
func releaseText(n int) string {
	text := strconv.Itoa(n/1_000_000) + "." + strconv.Itoa(n/1000%1000)
	if n%1000 > 0 {
		text += "." + strconv.Itoa(n%1000)
	}
	return text
}

// releaseTime is how long a server is believed to be what it said. Shorter, if a
// call to it fails: an upgrade takes a server down.
const releaseTime = 10 * time.Minute

// learnedRelease is what a server said of itself at a time.
type learnedRelease struct {
	Release
	version Version
	at      time.Time
}

// knows returns what the server said of itself, if that still counts.
func (s *Server) knows() (*learnedRelease, bool) {
	l := s.learned.Load()
	return l, l != nil && s.group.now().Sub(l.at) <= releaseTime && s.health.lastFailed().Before(l.at)
}

// learnRelease keeps what an answer of the index tells. named says that it had an
// apiVersion, as it has some time after 2.4.
func (s *Server) learnRelease(v *Version, named bool, at time.Time) {
	r, err := ParseRelease(v.BBB)
	switch {
	case err == nil:
	case v.GraphQLWebsocketURL != "":
		r = Release{from: releaseNumber(3, 0, 0), to: releaseEnd}
	case !named && v.Build == "" && v.API != "":
		// So does 2.4, and so may a load balancer in front of anything.
		r = Release{from: releaseNumber(2, 4, 0), to: releaseNumber(2, 5, 0), guess: true}
	}
	s.learned.Store(&learnedRelease{Release: r, version: *v, at: at})
}

// Release returns what is known of the server's release without asking it: what
// [WithRelease] says, or else what the server said to [Server.Version] in the last
// ten minutes, unless a call to it failed since.
//
// Where a release is known, a call that it does not have gives [ErrNotSupported]
// without a request, and so does a checksum of SHA-384 or SHA-512 before 2.5; see
// [WithUnsupportedParams] for parameters. Of an unknown release nothing is
// assumed.
func (s *Server) Release() Release {
	stated := s.cfg.release
	l, ok := s.knows()
	if !ok {
		return stated
	}
	if !stated.Known() || l.Known() && l.from >= stated.from && l.to <= stated.to {
		return l.Release
	}
	return stated
}

// lifetime says in which releases something exists: those from since on, and
// before gone. Zero is no limit.
type lifetime struct{ since, gone int }

// lacking says why a release does not have something, or returns "".
func (l lifetime) lacking(r Release) string {
	switch {
	case l.since > 0 && r.before(l.since):
		return fmt.Sprintf("exists since BigBlueButton %s, the server is %s", releaseText(l.since), r)
	case l.gone > 0 && r.since(l.gone):
		return fmt.Sprintf("is gone since BigBlueButton %s, the server is %s", releaseText(l.gone), r)
	}
	return ""
}

// lacks returns an error if it is known that the server cannot answer a call. What
// goes to a server behind this one is its business.
func (s *Server) lacks(r *request) error {
	if r.target != "" && !ownTarget(s.base, r.target) {
		return nil
	}
	release := s.Release()
	if !release.Known() {
		return nil
	}
	if why := callLifetimes[r.call].lacking(release); why != "" {
		return &Error{Server: s.name, Call: r.call, Err: fmt.Errorf("%w: the call %s", ErrNotSupported, why)}
	}
	if !r.unsigned && r.target == "" && r.algorithm == nil {
		if why := lacksAlgorithm(s.cfg.algorithm, release); why != "" {
			return &Error{Server: s.name, Call: r.call, Err: fmt.Errorf("%w: %s", ErrNotSupported, why)}
		}
	}
	return nil
}

func ownTarget(base, target string) bool {
	return len(target) > len(base) && target[:len(base)] == base && target[len(base)] == '/'
}

// lacksAlgorithm says why a release does not take an algorithm, or returns "".
func lacksAlgorithm(a Algorithm, r Release) string {
	if a != SHA384 && a != SHA512 {
		return ""
	}
	if why := (lifetime{since: releaseNumber(2, 5, 0)}).lacking(r); why != "" {
		return fmt.Sprintf("the algorithm %v %s", a, why)
	}
	return ""
}

// fit takes away those parameters that the release of the server does not know, and tells whether there were any, or
// returns an error: as the server's policy is. Without knowledge or a policy it
// leaves them as they are.
func fit[P any](ctx context.Context, s *Server, table *paramTable[P], lives map[string]lifetime, p *P) (changed bool, err error) {
	if s.cfg.unsupported == SendUnsupported {
		return false, nil
	}
	release := s.Release()
	if !release.Known() {
		return false, nil
	}
	var problems []error
	unknown := func(name string, drop func()) {
		why := lives[name].lacking(release)
		switch {
		case why == "":
		case s.cfg.unsupported == RefuseUnsupported:
			problems = append(problems, fmt.Errorf("%w: the parameter %s %s", ErrNotSupported, name, why))
		default:
			drop()
			changed = true
			s.group.log.LogAttrs(ctx, slog.LevelWarn, "parameter left out", slog.String("server", s.name),
				slog.String("call", table.call), slog.String("parameter", name), slog.String("reason", why))
		}
	}
	for _, f := range table.params {
		if f.present(p) {
			unknown(f.name(), func() { f.clear(p) })
		}
	}
	for i := range table.families {
		if m := table.families[i].field(p); len(*m) > 0 {
			unknown(table.families[i].prefix, func() { *m = nil })
		}
	}
	if table.call == callCreate {
		create := any(p).(*CreateParams)
		if len(create.ClientSettingsOverride) > 0 {
			unknown("clientSettingsOverride", func() { create.ClientSettingsOverride = nil })
		}
		if len(create.SharedNotesInitialContentJSON) > 0 {
			unknown("sharedNotesInitialContentJson", func() { create.SharedNotesInitialContentJSON = nil })
		}
	}
	if err := errors.Join(problems...); err != nil {
		return false, &Error{Server: s.name, Call: table.call, Err: err}
	}
	return changed, nil
}

// lifetimesOf reads a table of lines: a name, since, gone; "-" is no limit.
func lifetimesOf(lines [][3]string) map[string]lifetime {
	lives := make(map[string]lifetime, len(lines))
	number := func(text string) int {
		if text == "-" {
			return 0
		}
		r, err := ParseRelease(text)
		if err != nil {
			panic(err)
		}
		return r.from
	}
	for _, line := range lines {
		if _, twice := lives[line[0]]; twice {
			panic("bbb: " + line[0] + " is in the table of releases twice")
		}
		lives[line[0]] = lifetime{since: number(line[1]), gone: number(line[2])}
	}
	return lives
}
