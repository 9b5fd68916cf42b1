package bbb

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
)

// Tenant is one of several who share a group through a [Handler] without knowing of each
// other.
//
// A Tenant is not changed once it was handed out: what is made of it is remembered by its
// address. Make a new one instead.
//
// Printed, logged or as JSON, it shows neither its secrets nor the values of parameters that
// may be passwords. A Tenant that went through JSON that way is therefore not whole; the form
// in which it is read is that of [OpenTenantFile].
type Tenant struct {
	// Name is who it is, in logs, metrics and callbacks: up to 100 characters. It must be unique and
	// stay the same.
	Name string `json:"name"`
	// Secrets are those that the tenant signs with, of at least 8 characters; the first also signs
	// what is sent to it. Several are for replacing one.
	Secrets []string `json:"secrets"`
	// Hosts and Paths restrict the tenant to requests for these host names, without port, and
	// for paths that begin so, such as "/acme/"; with both, to those that fit both. Empty means any: the
	// checksum then tells whose request it is. They are for StaticTenants and OpenTenantFile.
	Hosts []string `json:"hosts,omitempty"`
	Paths []string `json:"paths,omitempty"`
	// Meta is the metadata that marks what belongs to the tenant; it is added to all that it creates and
	// taken out of what it is shown. nil is {"tenant": Name}, and an empty map marks nothing. Then
	// the Namespace alone tells what is whose: to list the recordings of the tenant, those of all
	// are read, and those of breakout rooms, whose IDs are made up by servers, it does not get.
	// No other tenant may have all of it, or gets these recordings as well.
	Meta map[string]string `json:"meta,omitempty"`
	// Namespace goes in front of the tenant's meeting IDs, with a "-" between, on the way to the servers, and
	// is taken off on the way back, so that tenants may use the same IDs: letters and digits, up to 32. Give every tenant one
	// of its own, or none if there is only one tenant.
	Namespace string `json:"namespace,omitempty"`
	// Defaults are parameters that count where the tenant gives none or an empty one.
	Defaults TenantParams `json:"defaults,omitzero"`
	// Forced are parameters that count whatever the tenant gives; an empty text forces absence. No other
	// spelling gets around them, be it the letter case, a second name that servers know the parameter by,
	// or one that undoes it, such as disabledFeaturesExclude for disabledFeatures.
	Forced TenantParams `json:"forced,omitzero"`
	// Limits bound what the tenant uses.
	Limits TenantLimits `json:"limits,omitzero"`
	// Labels are those that a server must have to get the tenant's meetings. An empty value stands for any.
	Labels Labels `json:"labels,omitempty"`
}

// TenantParams are parameters of calls by the names that they have in a URL, such as "record" or
// "meta_course".
type TenantParams struct {
	Create map[string]string `json:"create,omitempty"` // of create
	Join   map[string]string `json:"join,omitempty"`   // of join, also in the URLs that browsers are sent to
}

// TenantLimits bound what a tenant may use at one time. 0 is no limit.
//
// What counts is what the group knows: what servers told in the last 30 seconds ([WithCacheTime]),
// and what it did itself since. When it knows nothing as new as that, the servers are asked
// (getMeetings), all at once for everybody who wants to know, and asked again before a call is
// refused by what is older than two seconds. Of servers that do not answer, what they said last counts
// until they are given up.
//
// Of calls at the same time through one process, no more succeed than the limit allows. Several
// processes learn of each other's meetings and people from the servers, so together they may be
// over the limit by what they let in within that time.
type TenantLimits struct {
	// Meetings is how many there may be at once; a create beyond it fails with the key
	// meetingLimitReached. Breakout rooms do not count, and a create of a meeting that exists is
	// not one too many.
	Meetings int `json:"meetings,omitempty"`
	// Attendees is how many people there may be in all meetings together, those included whose join
	// was issued and who were not seen yet; a join beyond it fails with maxParticipantsReached,
	// as one into a full meeting does. Somebody with the userID of one who is in the meeting may come again, and those in breakout rooms
	// count once.
	Attendees int `json:"attendees,omitempty"`
}

// TenantQuery is what is known of a request whose tenant is wanted.
type TenantQuery struct {
	// Name is set, and all else empty, when the tenant of that name is wanted: a server has sent
	// something about one of its meetings.
	Name string
	Host string // that was asked for, in lower case, without port
	Path string // before the segment "api", such as "/bigbluebutton/"
	Call string // the API call

	signatures *signatures // behind a pointer, so that no way of printing shows what was signed
}

// SignedBy reports whether the request has a valid checksum of one of the tenant's secrets.
// It costs a hash for each secret and each algorithm that fits.
func (q *TenantQuery) SignedBy(t *Tenant) bool {
	return q.signatures != nil && q.signatures.by(t.Secrets)
}

// TenantFunc finds the tenant of a request; nil without an error means that there is none. The
// checksum is verified afterwards in any case: who finds tenants by host or path need not look at it. An error
// fails the call, and is logged.
//
// Tenants should be kept between requests, since what is made of them is remembered by their address, and they should
// have passed [Tenant.Validate]. One whose settings make no sense fails every call.
//
// It is called by many goroutines at once.
type TenantFunc func(ctx context.Context, q *TenantQuery) (*Tenant, error)

// clone returns a copy that shares nothing with t.
func (t *Tenant) clone() *Tenant {
	c := *t
	c.Secrets, c.Hosts, c.Paths = slices.Clone(t.Secrets), slices.Clone(t.Hosts), slices.Clone(t.Paths)
	c.Meta, c.Labels = maps.Clone(t.Meta), maps.Clone(t.Labels)
	c.Defaults, c.Forced = t.Defaults.clone(), t.Forced.clone()
	return &c
}

func (p TenantParams) clone() TenantParams {
	return TenantParams{Create: maps.Clone(p.Create), Join: maps.Clone(p.Join)}
}

// String names the tenant and how its meetings are told apart, without its secrets.
func (t Tenant) String() string {
	return fmt.Sprintf("tenant %s (namespace %s, %d secrets)", quoted(t.Name), quoted(t.Namespace), len(t.Secrets))
}

// GoString is String: no formatting of a Tenant shows its secrets.
func (t Tenant) GoString() string { return "bbb.Tenant{" + t.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (t Tenant) Format(f fmt.State, verb rune) { format(f, verb, t) }

// LogValue shows what identifies the tenant, without its secrets.
func (t Tenant) LogValue() slog.Value {
	return slog.GroupValue(slog.String("name", t.Name), slog.String("namespace", t.Namespace))
}

// MarshalJSON writes the tenant for people: without its secrets, and with values of
// parameters as a log may show them.
func (t Tenant) MarshalJSON() ([]byte, error) {
	type plain Tenant // without the methods
	return json.Marshal(struct {
		plain
		Secrets *struct{} `json:"secrets,omitempty"` // hides the one of plain
	}{plain: plain(t)})
}

// String tells the names of the parameters, and no values.
func (p TenantParams) String() string {
	return fmt.Sprintf("create: %s, join: %s", sortedKeys(p.Create), sortedKeys(p.Join))
}

// GoString is String: no formatting shows values.
func (p TenantParams) GoString() string { return "bbb.TenantParams{" + p.String() + "}" }

// Format writes String or GoString, whatever the verb.
func (p TenantParams) Format(f fmt.State, verb rune) { format(f, verb, p) }

// LogValue tells the names of the parameters, and no values.
func (p TenantParams) LogValue() slog.Value {
	return slog.GroupValue(slog.Any("create", sortedKeys(p.Create)), slog.Any("join", sortedKeys(p.Join)))
}

// MarshalJSON writes the values as a log may show them.
func (p TenantParams) MarshalJSON() ([]byte, error) {
	type plain TenantParams // without the methods
	return json.Marshal(plain{Create: createTable.masked(p.Create), Join: joinTable.masked(p.Join)})
}

func quoted(text string) string { return strconv.Quote(text) }
