package bbb

import "context"

// Tenant is one of several who share a group through a [Handler] without knowing of each
// other.
//
// A Tenant is not changed once it was handed out.
type Tenant struct {
	// Name is who it is, in logs, metrics and callbacks. It must be unique and stay the same.
	Name string `json:"name"`
	// Secrets are those that the tenant signs with; the first also signs what is sent to it. Several are for
	// replacing one.
	Secrets []string `json:"secrets"`
	// Hosts and Paths restrict the tenant to requests for these host names, or for paths
	// that begin so, such as "/acme/". Empty means any: the checksum then tells whose request it is.
	// They are for StaticTenants and OpenTenantFile.
	Hosts []string `json:"hosts,omitempty"`
	Paths []string `json:"paths,omitempty"`
	// Meta is the metadata that marks what belongs to the tenant; it is added to all that it creates and
	// taken out of what it is shown. nil is {"tenant": Name}, and an empty map marks nothing.
	Meta map[string]string `json:"meta,omitempty"`
	// Namespace goes in front of the tenant's meeting IDs, with a "-" between, on the way to the servers, and
	// is taken off on the way back, so that tenants may use the same IDs: letters and digits, up to 32. Give every tenant one
	// of its own, or none if there is only one tenant.
	Namespace string `json:"namespace,omitempty"`
	// Defaults are parameters that count where the tenant gives none, and Forced those that count
	// whatever it gives; an empty text forces absence.
	Defaults TenantParams `json:"defaults,omitzero"`
	Forced   TenantParams `json:"forced,omitzero"`
	Limits   TenantLimits `json:"limits,omitzero"`
	// Labels are those that a server must have to get the tenant's meetings.
	Labels Labels `json:"labels,omitempty"`
}

// TenantParams are parameters by the names that they have in a URL.
type TenantParams struct {
	Create map[string]string `json:"create,omitempty"`
	Join   map[string]string `json:"join,omitempty"`
}

// TenantLimits bound what a tenant may use at one time. 0 is no limit.
type TenantLimits struct {
	Meetings  int `json:"meetings,omitempty"`  // at once; a create beyond it fails
	Attendees int `json:"attendees,omitempty"` // in all meetings together; a join beyond it fails with maxParticipantsReached
}

// TenantQuery is what is known of a request whose tenant is wanted.
type TenantQuery struct {
	// Name is set, and all else empty, when the tenant of that name is wanted: a server has sent
	// something about one of its meetings.
	Name string
	Host string // that was asked for, in lower case, without port
	Path string // before the segment "api", such as "/bigbluebutton/"
	Call string // the API call

	signed func(secrets []string) bool
}

// SignedBy reports whether the request has a valid checksum of one of the tenant's secrets.
func (q *TenantQuery) SignedBy(t *Tenant) bool { return q.signed != nil && q.signed(t.Secrets) }

// TenantFunc finds the tenant of a request; nil without an error means that there is none. The
// checksum is verified afterwards in any case: who finds tenants by host or path need not look at it. An error
// fails the call, and is logged.
//
// It is called by many goroutines at once.
type TenantFunc func(ctx context.Context, q *TenantQuery) (*Tenant, error)

// StaticTenants finds tenants in a list that does not change. All problems with them come back in
// one joined error.
func StaticTenants(tenants ...*Tenant) (TenantFunc, error) { return nil, nil }

// TenantFile is a list of tenants in a JSON file.
type TenantFile struct{ path string }

// OpenTenantFile reads tenants from a file, a JSON array of [Tenant].
func OpenTenantFile(path string) (*TenantFile, error) { return &TenantFile{path}, nil }

// Find is the [TenantFunc].
func (f *TenantFile) Find(ctx context.Context, q *TenantQuery) (*Tenant, error) { return nil, nil }

// Reload reads the file again. When something is wrong with it, the tenants stay as they were.
func (f *TenantFile) Reload() error { return nil }
