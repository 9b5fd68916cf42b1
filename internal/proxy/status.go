package proxy

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the page and its style are files beside this one
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bbbgroup/bbb"
)

const (
	// shownServers is how many servers of a decision the page shows: a fleet of
	// hundreds is ranked for every meeting.
	shownServers = 20
	// shownTenants is how many tenants it shows.
	shownTenants = 200
)

//go:embed status.css
var statusCSS string

//go:embed status.html
var statusHTML string

var statusPage = template.Must(template.New("status").Funcs(template.FuncMap{
	"css": func() template.CSS { return template.CSS(statusCSS) }, //nolint:gosec // a file of ours
}).Parse(statusHTML))

// statusPolicy lets the page have its own style and nothing else.
var statusPolicy = func() string {
	sum := sha256.Sum256([]byte(statusCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}()

// page is what the status page shows. It has no IDs and names of meetings: those tell who
// meets whom about what, and how to join.
type page struct {
	Group     string
	Time      time.Time
	Up        string
	Verdict   verdict
	Stats     bbb.Stats
	Servers   []serverRow
	Decisions []decisionRow
	Tenants   []tenantRow
	More      int  // tenants that are not shown
	Still     bool // it does not reload itself, for those who read on
}

// verdict is the state of all in one line.
type verdict struct{ Class, Text string }

type serverRow struct {
	bbb.ServerStats
	Class    string // of how the server is
	State    string
	Draining bool
	Host     string
	Failure  string
	Failed   string // how long ago that was
	Machine  *machineRow
}

type machineRow struct {
	CPU, Memory int // per cent
	Queue       string
	Age         string
}

type decisionRow struct {
	Time    time.Time
	Ago     string
	Chosen  string // empty: no server could take it
	Attempt int
	Wants   string
	Servers []rankedRow
	More    int
}

type rankedRow struct {
	Server  string
	Chosen  bool
	Score   string
	Out     bool
	Refused string
	Factors []factorRow
}

type factorRow struct {
	Checker, Value, Reason string
	Class                  string
}

type tenantRow struct {
	Name                       string
	Used                       usage
	Limits                     bbb.TenantLimits
	MeetingsFull, PeopleFull   bool
	Requests, Failed           uint64
	MeetingsShare, PeopleShare int // per cent of the limit
}

// status shows the page.
func (p *proxy) status(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if err := statusPage.Execute(&body, p.page(r)); err != nil {
		p.log.LogAttrs(r.Context(), slog.LevelError, "the status page failed", slog.String("error", err.Error()))
		http.Error(w, "the status page failed", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", statusPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes()) // nobody to tell
}

func (p *proxy) page(r *http.Request) *page {
	st := p.group.Stats()
	out := &page{Group: st.Group, Time: st.Time, Up: ago(st.Time.Sub(p.started)), Stats: st, Verdict: judge(&st), Still: r.URL.RawQuery == "still"}
	for _, s := range st.Servers {
		out.Servers = append(out.Servers, serverOf(s, st.Time))
	}
	for _, e := range p.events.last() {
		out.Decisions = append(out.Decisions, decisionOf(e, st.Time))
	}
	tenants := p.live.Load().config.Tenants
	used := usages(r.Context(), p.group, tenants)
	for i, t := range tenants[:min(len(tenants), shownTenants)] {
		count := p.events.of(t.Name)
		out.Tenants = append(out.Tenants, tenantRow{
			Name: t.Name, Used: used[i], Limits: t.Limits, Requests: count.requests, Failed: count.failed,
			MeetingsShare: share(used[i].Meetings, t.Limits.Meetings), PeopleShare: share(used[i].People, t.Limits.Attendees),
			MeetingsFull: full(used[i].Meetings, t.Limits.Meetings), PeopleFull: full(used[i].People, t.Limits.Attendees),
		})
	}
	out.More = len(tenants) - len(out.Tenants)
	return out
}

func full(used, limit int) bool { return limit > 0 && used >= limit }

func share(used, limit int) int {
	if limit == 0 {
		return 0
	}
	return min(100*used/limit, 100)
}

// judge says in one line how the group is.
func judge(st *bbb.Stats) verdict {
	taking, offline := 0, 0
	for i := range st.Servers {
		switch h := &st.Servers[i].Health; {
		case takes(h):
			taking++
		case h.State == bbb.StateOffline && h.Mode != bbb.ModeDisabled:
			offline++
		}
	}
	all := len(st.Servers)
	switch {
	case all == 0:
		return verdict{"bad", "There are no servers"}
	case st.Suspected:
		return verdict{"bad", "Most servers fail: look for the fault on this side"}
	case taking == 0:
		return verdict{"bad", "No server takes meetings"}
	case offline > 0:
		return verdict{"warn", fmt.Sprintf("%d of %d servers offline", offline, all)}
	case taking < all:
		return verdict{"warn", fmt.Sprintf("%d of %d servers take meetings", taking, all)}
	case all == 1:
		return verdict{"good", "The server takes meetings"}
	}
	return verdict{"good", fmt.Sprintf("All %d servers take meetings", all)}
}

// takes reports whether a server takes new meetings, as far as that is a matter of its
// health. One that is full takes none either, but that is no fault.
func takes(h *bbb.Health) bool { return h.Mode == bbb.ModeEnabled && h.State != bbb.StateOffline }

func serverOf(s bbb.ServerStats, now time.Time) serverRow {
	row := serverRow{ServerStats: s, State: s.Health.State.String(), Class: "good"}
	switch h := &s.Health; {
	case h.Mode == bbb.ModeDisabled:
		row.Class, row.State = "off", "disabled"
	case h.State == bbb.StateOffline:
		row.Class = "bad"
	case h.State != bbb.StateOnline:
		row.Class = "warn"
	case h.Failures > 0:
		row.Class, row.State = "warn", "failing"
	case h.AnsweredAt.IsZero():
		row.Class, row.State = "off", "not asked yet"
	}
	row.Draining = s.Health.Mode == bbb.ModeDraining
	row.Host = s.URL
	if u, err := url.Parse(s.URL); err == nil {
		row.Host = u.Host
	}
	if s.Health.Cause != "" {
		row.Failure = s.Health.Cause
	} else if s.Health.CreateFailures > 0 {
		row.Failure = fmt.Sprintf("%d creates in a row failed", s.Health.CreateFailures)
	}
	if at := latest(s.Health.FailedAt, s.Health.CreateFailedAt); row.Failure != "" && !at.IsZero() {
		row.Failed = ago(now.Sub(at))
	}
	if m := s.Machine; m != nil {
		row.Machine = &machineRow{
			CPU: int(100*m.CPU + 0.5), Memory: int(100*m.Memory + 0.5),
			Queue: strconv.FormatFloat(m.RunQueue, 'f', 2, 64), Age: ago(now.Sub(m.Time)),
		}
	}
	return row
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func decisionOf(e bbb.RankingEvent, now time.Time) decisionRow {
	r := e.Ranking
	row := decisionRow{Time: r.Time, Ago: ago(now.Sub(r.Time)), Chosen: r.Chosen, Attempt: e.Attempt, Wants: wants(r.Placement)}
	for i, s := range r.Servers {
		if i >= shownServers && s.Server != r.Chosen {
			row.More++
			continue
		}
		one := rankedRow{
			Server: s.Server, Chosen: s.Server == r.Chosen, Out: s.Score == 0, Refused: s.Refused,
			Score: strconv.FormatFloat(s.Score, 'f', 2, 64),
		}
		for _, f := range s.Factors {
			factor := factorRow{Checker: f.Checker, Value: strconv.FormatFloat(f.Value, 'f', 2, 64), Reason: f.Reason}
			switch {
			case !(f.Value > 0):
				factor.Class, factor.Value = "out", "rules out"
			case f.Value >= 1:
				factor.Class = "full"
			}
			one.Factors = append(one.Factors, factor)
		}
		row.Servers = append(row.Servers, one)
	}
	return row
}

// wants says what was asked for beside a server.
func wants(p bbb.Placement) string {
	var list []string
	if p.Size > 0 {
		list = append(list, fmt.Sprintf("%d people", p.Size))
	}
	for _, one := range []struct {
		verb   string
		labels bbb.Labels
	}{{"only", p.Require}, {"better", p.Prefer}, {"not", p.Avoid}} {
		if len(one.labels) > 0 {
			list = append(list, one.verb+" "+one.labels.String())
		}
	}
	return strings.Join(list, ", ")
}

// ago writes how long something took or is past, as people say it.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// healthz tells balancers whether requests are welcome: 200 while at least one server takes
// meetings, 503 otherwise and while the program ends.
func (p *proxy) healthz(w http.ResponseWriter, _ *http.Request) {
	st := p.group.Stats()
	answer := struct {
		Status  string `json:"status"` // "ok", "unavailable" or "shutting down"
		Servers int    `json:"servers"`
		Taking  int    `json:"taking"` // of these, those that take meetings
	}{Status: "ok", Servers: len(st.Servers)}
	for i := range st.Servers {
		if takes(&st.Servers[i].Health) {
			answer.Taking++
		}
	}
	code := http.StatusOK
	switch {
	case p.leaving.Load():
		answer.Status, code = "shutting down", http.StatusServiceUnavailable
	case answer.Taking == 0:
		answer.Status, code = "unavailable", http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(answer) // nobody to tell
}
