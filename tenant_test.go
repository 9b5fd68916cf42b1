package bbb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTenantValidate(t *testing.T) {
	t.Parallel()
	good := func() *bbb.Tenant {
		tenant := tenantNamed("north")
		tenant.Hosts, tenant.Paths = []string{"north.example.org", "2001:db8::1", "10.0.0.1"}, []string{"/north/", "/n"}
		tenant.Meta = map[string]string{"customer": "North"}
		tenant.Defaults = bbb.TenantParams{Create: map[string]string{"record": "true", "meta_Course": "a", "lockSettingsDisableNote": "true", "something-new": "1"}, Join: map[string]string{"userdata-bbb_ask_for_feedback": "false"}}
		tenant.Forced = bbb.TenantParams{Create: map[string]string{"disabledFeatures": "", "duration": "60", "moderatorPW": "moderator-of-all"}, Join: map[string]string{"guest": "true"}}
		tenant.Limits, tenant.Labels = bbb.TenantLimits{Meetings: 1, Attendees: 1}, bbb.Labels{"gpu": "", "region": "eu"}
		return tenant
	}
	require.NoError(t, good().Validate())
	for want, change := range map[string]func(*bbb.Tenant){
		`tenant "": name is required`:                       func(x *bbb.Tenant) { x.Name = "" },
		`name must be one line`:                             func(x *bbb.Tenant) { x.Name = "a\nb" },
		`name must not begin or end with white space`:       func(x *bbb.Tenant) { x.Name = " a" },
		`name must have at most 100 characters`:             func(x *bbb.Tenant) { x.Name = strings.Repeat("a", 101) },
		`secrets has none`:                                  func(x *bbb.Tenant) { x.Secrets = nil },
		`secrets[1] must have at least 8 characters`:        func(x *bbb.Tenant) { x.Secrets = append(x.Secrets, "zq-7") },
		`secrets[1] is there twice`:                         func(x *bbb.Tenant) { x.Secrets = append(x.Secrets, x.Secrets[0]) },
		`secrets[1] must be one line`:                       func(x *bbb.Tenant) { x.Secrets = append(x.Secrets, "unusual-secret\n") },
		`namespace must be letters and digits`:              func(x *bbb.Tenant) { x.Namespace = "a-b" },
		`namespace must have at most 32 characters`:         func(x *bbb.Tenant) { x.Namespace = strings.Repeat("a", 33) },
		`hosts[0] must be a host name alone`:                func(x *bbb.Tenant) { x.Hosts[0] = "north.example.org:443" },
		`hosts[1] is empty`:                                 func(x *bbb.Tenant) { x.Hosts[1] = "" },
		`paths[0] must be a plain path`:                     func(x *bbb.Tenant) { x.Paths[0] = "north" },
		`parameter "meta_a b" must be`:                      func(x *bbb.Tenant) { x.Meta = map[string]string{"a b": "x"} },
		`parameter "meta_customer" must have a value`:       func(x *bbb.Tenant) { x.Meta = map[string]string{"customer": ""} },
		`defaults.create["checksum"] belongs to each call`:  func(x *bbb.Tenant) { x.Defaults.Create["checksum"] = "x" },
		`defaults.create["MeetingID"] belongs to each call`: func(x *bbb.Tenant) { x.Defaults.Create["MeetingID"] = "x" },
		`forced.join["meetingID"] belongs to each call`:     func(x *bbb.Tenant) { x.Forced.Join["meetingID"] = "" },
		`defaults.create["welcome"] has no value`:           func(x *bbb.Tenant) { x.Defaults.Create["welcome"] = "" },
		`forced.create["Record"] is spelled "record"`:       func(x *bbb.Tenant) { x.Forced.Create["Record"] = "true" },
		`forced.create["duration"] is not a number`:         func(x *bbb.Tenant) { x.Forced.Create["duration"] = "soon" },
		`forced.create["meta_Customer"] marks what belongs`: func(x *bbb.Tenant) { x.Forced.Create["meta_Customer"] = "x" },
		`forced.create["meta_a"] is there twice`:            func(x *bbb.Tenant) { x.Forced.Create["meta_a"], x.Forced.Create["meta_A"] = "x", "y" },
		`["lockSettingsDisableNotes"] is there twice`:       func(x *bbb.Tenant) { x.Defaults.Create["lockSettingsDisableNotes"] = "true" },
		`forced.create["attendeePW"] must have at least 2`:  func(x *bbb.Tenant) { x.Forced.Create["attendeePW"] = "x" },
		`forced.join[""] is no name`:                        func(x *bbb.Tenant) { x.Forced.Join[""] = "x" },
		`limits.meetings must not be negative`:              func(x *bbb.Tenant) { x.Limits.Meetings = -1 },
		`limits.attendees must not be negative`:             func(x *bbb.Tenant) { x.Limits.Attendees = -1 },
		`labels[""] is no label`:                            func(x *bbb.Tenant) { x.Labels[""] = "x" },
	} {
		tenant := good()
		change(tenant)
		require.ErrorContains(t, noted(t, tenant.Validate()), want, want)
		assert.NotContains(t, tenant.Validate().Error(), "zq-7")
	}
	bad := good()
	bad.Namespace, bad.Limits.Meetings = "!", -1
	err := bad.Validate()
	require.ErrorContains(t, err, "namespace")
	require.ErrorContains(t, err, "limits", "all problems at once")

	// One that was not checked fails its calls, and does not leave its scope.
	g, fakes := newGroup(t, 1)
	r := as(t, g, bad, "create", "meetingID=physics&name=Physics")
	require.Error(t, r.Err)
	assert.Equal(t, "internalError", r.Key)
	assert.NotContains(t, answer(r), "namespace")
	assert.Zero(t, requests(fakes, "*"))
	sc, err := g.Scope(map[string]string{"Tenant": "south"})
	require.NoError(t, err)
	r = sc.HandleFromData(t.Context(), "getMeetings", nil, nil, bbb.HandleAs(tenantNamed("north")))
	require.ErrorContains(t, noted(t, r.Err), "not that of the scope")
}

func TestTenantShowsNoSecrets(t *testing.T) {
	t.Parallel()
	tenant := tenantNamed("north")
	tenant.Secrets = []string{"a-secret-nobody-sees", "another-one-of-them"}
	tenant.Forced.Create = map[string]string{"moderatorPW": "moderator-nobody-sees", "record": "true", "unknown": "unknown-nobody-sees"}
	tenant.Defaults.Join = map[string]string{"password": "password-nobody-sees"}
	var all strings.Builder
	for _, x := range []any{tenant, *tenant, []*bbb.Tenant{tenant}, tenant.Forced, &tenant.Forced, tenant.Defaults, map[string]bbb.Tenant{"x": *tenant}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&all, verb+"\n", x)
		}
		text, err := json.Marshal(x)
		require.NoError(t, err)
		all.Write(text)
		suite.logger(t).Info("tenant", "value", x)
	}
	for _, secret := range []string{"a-secret-nobody-sees", "another-one-of-them", "moderator-nobody-sees", "password-nobody-sees", "unknown-nobody-sees"} {
		suite.secret("of a tenant", secret)
		assert.NotContains(t, all.String(), secret)
	}
	text, err := json.Marshal(tenant)
	require.NoError(t, err)
	assert.JSONEq(t, `{"name":"north","namespace":"north","defaults":{"join":{"password":"[redacted]"}},"forced":{"create":{"moderatorPW":"[redacted]","record":"true","unknown":"[redacted]"}}}`, string(text))
	assert.Equal(t, `tenant "north" (namespace "north", 2 secrets)`, tenant.String())
}

func TestTenantParams(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	north := tenantNamed("north")
	north.Defaults.Create = map[string]string{"welcome": "Welcome to North", "meta_course": "none", "duration": "30", "newer": "1"}
	north.Forced.Create = map[string]string{
		"record": "false", "disabledFeatures": "chat", "lockSettingsDisableNotes": "true", "meta_bbb-origin": "North", "guestPolicy": "", "logo": "https://north.example.org/logo.png",
	}
	create := func(more string) url.Values {
		quiet(fakes)
		require.NoError(t, as(t, g, north, "create", "name=Lesson&meetingID=room"+more).Err)
		for _, r := range fakes[0].Requests() {
			if r.Call == "create" {
				v, err := url.ParseQuery(r.RawQuery)
				require.NoError(t, err)
				return v
			}
		}
		return nil
	}
	v := create("-1")
	assert.Equal(t, []string{"Welcome to North", "none", "30", "1", "false", "chat", "true", "true", "North", "https://north.example.org/logo.png"}, []string{
		v.Get("welcome"), v.Get("meta_course"), v.Get("duration"), v.Get("newer"), v.Get("record"), v.Get("disabledFeatures"),
		v.Get("lockSettingsDisableNotes"), v.Get("lockSettingsDisableNote"), v.Get("meta_bbb-origin"), v.Get("logo"),
	})
	v = create("-2&welcome=Hi&meta_Course=math&duration=10&newer=2&record=true&record=true&Record=true&RECORD=true&disabledFeatures=polls" +
		"&disabledFeaturesExclude=chat&lockSettingsDisableNote=false&locksettingsdisablenote=false&meta_BBB-Origin=South&meta_bbb-origin=South&guestPolicy=ASK_MODERATOR&GuestPolicy=ASK_MODERATOR&logo=")
	assert.Equal(t, []string{"Hi", "math", "10", "2"}, []string{v.Get("welcome"), v.Get("meta_Course"), v.Get("duration"), v.Get("newer")})
	assert.NotContains(t, v, "meta_course")
	for name, values := range v {
		switch strings.ToLower(name) {
		case "record":
			assert.Equal(t, []string{"record", "false"}, append([]string{name}, values...))
		case "disabledfeatures":
			assert.Equal(t, []string{"chat"}, values)
		case "disabledfeaturesexclude", "guestpolicy":
			assert.Fail(t, "got through", name)
		case "locksettingsdisablenote", "locksettingsdisablenotes":
			assert.Equal(t, []string{"true"}, values, name)
		case "meta_bbb-origin":
			assert.Equal(t, []string{"North"}, values)
		}
	}
	v = create("-3&welcome=&duration=")
	assert.Equal(t, "Welcome to North", v.Get("welcome"), "an empty one is none")
	assert.Equal(t, "30", v.Get("duration"))

	north.Limits = bbb.TenantLimits{} // as are tenants that are changed on the way: not at all
	join := tenantNamed("north")
	join.Forced.Join = map[string]string{"role": "VIEWER", "errorRedirectUrl": "https://north.example.org/sorry", "userdata-bbb_show_public_chat_on_login": "false"}
	join.Defaults.Join = map[string]string{"guest": "true", "avatarURL": "https://north.example.org/a.png"}
	r := as(t, g, join, "join", "fullName=Ada&meetingID=room-1&role=MODERATOR&Role=MODERATOR&role=MODERATOR&guest=false&userdata-BBB_show_public_chat_on_login=true")
	require.NoError(t, r.Err)
	u, err := url.Parse(r.Location)
	require.NoError(t, err)
	v = u.Query()
	assert.Equal(t, []string{"VIEWER"}, v["role"])
	assert.Equal(t, []string{"VIEWER", "false", "https://north.example.org/a.png", "false", ""}, []string{
		v.Get("role"), v.Get("guest"), v.Get("avatarURL"), v.Get("userdata-bbb_show_public_chat_on_login"), v.Get("Role"),
	})
	assert.NotContains(t, v, "userdata-BBB_show_public_chat_on_login")
	r = as(t, g, join, "join", "fullName=Ada&meetingID=nowhere&redirectErrorUrl=https://elsewhere.example.org/")
	assert.True(t, strings.HasPrefix(r.Location, "https://north.example.org/sorry?errors="), r.Location)
	join = tenantNamed("north")
	join.Forced.Join = map[string]string{"password": "attendee-nobody-has"}
	r = as(t, g, join, "join", "fullName=Ada&meetingID=room-1&role=MODERATOR")
	assert.True(t, r.Failed(), "the role would have beaten the password")
}

// found is the name of the tenant of a request that nobody has signed, "" for none.
func found(t *testing.T, find bbb.TenantFunc, host, path string) string {
	t.Helper()
	tenant, err := find(t.Context(), &bbb.TenantQuery{Host: host, Path: path, Call: "create"})
	require.NoError(t, err)
	if tenant == nil {
		return ""
	}
	return tenant.Name
}

func TestStaticTenants(t *testing.T) {
	t.Parallel()
	named := func(name string, hosts, paths []string) *bbb.Tenant {
		x := tenantNamed(name)
		x.Hosts, x.Paths = hosts, paths
		return x
	}
	given := []*bbb.Tenant{
		named("host", []string{"Host.example.org."}, nil), named("six", []string{"[2001:DB8::1]"}, nil),
		named("path", nil, []string{"/acme", "/acme/inner/"}), named("both", []string{"both.example.org"}, []string{"/both/"}),
	}
	find, err := bbb.StaticTenants(given...)
	require.NoError(t, err)
	given[0].Name = "changed"
	for want, q := range map[string][2]string{
		"host": {"host.example.org", "/bigbluebutton/"}, "path": {"any.example.org", "/acme/bigbluebutton/"}, "both": {"both.example.org", "/both/"}, "six": {"2001:db8::1", "/"},
	} {
		assert.Equal(t, want, found(t, find, q[0], q[1]))
	}
	for _, q := range [][2]string{{"any.example.org", "/bigbluebutton/"}, {"both.example.org", "/bigbluebutton/"}, {"any.example.org", "/acmes/"}, {"any.example.org", "/both/"}, {"", ""}} {
		assert.Empty(t, found(t, find, q[0], q[1]), "%v", q)
	}
	assert.Empty(t, found(t, find, "host.example.org", "/acme/"), "fits two, and neither has signed")
	tenant, err := find(t.Context(), &bbb.TenantQuery{Name: "path"})
	require.NoError(t, err)
	assert.Equal(t, "path", tenant.Name)
	tenant, err = find(t.Context(), &bbb.TenantQuery{Name: "nobody"})
	require.NoError(t, err)
	assert.Nil(t, tenant)

	for want, list := range map[string][]*bbb.Tenant{
		"no tenants":                       nil,
		"tenant number 2 is nil":           {tenantNamed("a"), nil},
		`tenant "a": name is there twice`:  {tenantNamed("a"), {Name: "a", Namespace: "b", Secrets: []string{"something-else"}}},
		`namespace is that of tenant "a"`:  {tenantNamed("a"), {Name: "b", Namespace: "A", Secrets: []string{"something-else"}}},
		`tenant "b": namespace is require`: {tenantNamed("a"), {Name: "b", Secrets: []string{"something-else"}}},
		`secrets[0] is one of tenant "a"`:  {tenantNamed("a"), {Name: "b", Namespace: "b", Hosts: []string{"b"}, Secrets: tenantNamed("a").Secrets}},
		// One would see, and could delete, the recordings of the other's breakout rooms.
		`meta is that of tenant "a"`: {
			{Name: "a", Namespace: "a", Meta: map[string]string{"Customer": "x"}, Secrets: []string{"the-secret-of-a"}},
			{Name: "b", Namespace: "b", Meta: map[string]string{"customer": "x"}, Secrets: []string{"the-secret-of-b"}},
		},
		`paths do not exclude`: {
			{Name: "a", Namespace: "a", Paths: []string{"/x"}, Secrets: []string{"one-for-both"}},
			{Name: "b", Namespace: "b", Paths: []string{"/x/y/"}, Secrets: []string{"one-for-both"}},
		},
		"secrets has none": {{Name: "a"}},
	} {
		_, err := bbb.StaticTenants(list...)
		require.ErrorContains(t, noted(t, err), want)
		assert.NotContains(t, err.Error(), "one-for-both")
	}
	_, err = bbb.StaticTenants(
		&bbb.Tenant{Name: "a", Namespace: "a", Hosts: []string{"a"}, Secrets: []string{"one-for-both"}},
		&bbb.Tenant{Name: "b", Namespace: "b", Hosts: []string{"b"}, Secrets: []string{"one-for-both"}},
	)
	require.NoError(t, err, "hosts tell them apart")
	_, err = bbb.StaticTenants(&bbb.Tenant{Name: "only", Secrets: []string{"the-only-tenant"}})
	require.NoError(t, err, "the only one needs no namespace")
}

// Of several tenants whom a request fits, the one counts that has signed it.
func TestStaticTenantsByChecksum(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	any1, any2, host, path := tenantNamed("any1"), tenantNamed("any2"), tenantNamed("host"), tenantNamed("path")
	host.Hosts, path.Paths = []string{"example.com"}, []string{"/acme/"}
	tenants := []*bbb.Tenant{any1, any2, host, path}
	for _, tenant := range tenants {
		suite.secret("secret of a tenant", tenant.Secrets[0])
	}
	find, err := bbb.StaticTenants(tenants...)
	require.NoError(t, err)
	h, err := bbb.NewHandler(g, bbb.WithHandlerTenants(find))
	require.NoError(t, err)
	for target, mine := range map[string][]*bbb.Tenant{
		"http://example.com/bigbluebutton/api/":        {any1, any2, host},
		"http://example.com/acme/bigbluebutton/api/":   {any1, any2, host, path},
		"http://elsewhere.org/acme/bigbluebutton/api/": {any1, any2, path},
		"http://elsewhere.org/bigbluebutton/api/":      {any1, any2},
	} {
		for _, tenant := range tenants {
			query := signedQuery("create", "meetingID=room&name=Room&attendeePW=attendee-x&moderatorPW=moderator-x", tenant.Secrets[0])
			key := keyOf(t, ask(t, h, "GET", target+"create?"+query))
			if slices.Contains(mine, tenant) {
				assert.Contains(t, []string{"", "duplicateWarning"}, key, "%s at %s", tenant.Name, target)
			} else {
				assert.Equal(t, "checksumError", key, "%s at %s", tenant.Name, target)
			}
		}
	}
	assert.Len(t, fakes[0].Meetings(), len(tenants), "each has its own")
}

func TestTenantFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tenants.json")
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	t.Setenv("BBB_TEST_NORTH", "the-secret-in-the-environment")
	write("south.secret", "the-secret-in-a-file\n")
	write("tenants.json", `[
		{"name": "north", "namespace": "north", "secrets": ["env:BBB_TEST_NORTH", "the-secret-in-the-list"], "hosts": ["north.example.org"],
		 "limits": {"meetings": 20}, "meta": {}, "defaults": {"create": {"record": "true"}}, "labels": {"region": "eu"}},
		{"name": "south", "namespace": "south", "secrets": ["file:south.secret"]}
	]`)
	f, err := bbb.OpenTenantFile(path)
	require.NoError(t, noted(t, err))
	assert.Equal(t, "tenants of "+path, f.String())
	get := func(name string) *bbb.Tenant {
		tenant, err := f.Find(context.Background(), &bbb.TenantQuery{Name: name})
		require.NoError(t, err)
		return tenant
	}
	north := get("north")
	assert.Equal(t, []string{"the-secret-in-the-environment", "the-secret-in-the-list"}, north.Secrets)
	assert.Equal(t, 20, north.Limits.Meetings)
	assert.NotNil(t, north.Meta, "an empty object is not absence")
	assert.Equal(t, []string{"the-secret-in-a-file"}, get("south").Secrets)

	for text, want := range map[string]string{
		``:         "the JSON ends too soon",
		`[{"name"`: "the JSON ends too soon",
		`[]`:       "no tenants",
		`{}`:       "must be a JSON array",
		`[null]`:   "null is no tenant",
		`[] []`:    "something follows",
		`[{"name": "x", "secrets": ["the-secret-in-the-list"], "limit": {}}]`:                          `tenant number 1 ("x"): unknown field "limit"`,
		`[{"name": "x", "secrets": ["the-secret-in-the-list"], "limits": {"meeting": 1}}]`:             `unknown field "meeting"`,
		`[{"name": "x", "secrets": "the-secret-in-the-list"}]`:                                         `secrets must be a JSON array`,
		`[{"name": "x", "secrets": [99887766554433221100]}]`:                                           `secrets must be a JSON string`,
		`[{"name": "x", "secrets": ["the-secret-in-the-list"], "limits": {"meetings": "many"}}]`:       `limits.meetings must be a JSON whole number`,
		`[{"name": "x", "secrets": ["env:BBB_TEST_NOWHERE"]}]`:                                         `tenant "x": secrets[0] names the environment variable "BBB_TEST_NOWHERE"`,
		`[{"name": "x", "secrets": ["file:nowhere.secret"]}]`:                                          `secrets[0] names the file ` + filepath.Join(dir, "nowhere.secret"),
		`[{"name": "x", "secrets": ["the-secret-in-the-list"], "namespace": "a b"}]`:                   `tenant "x": namespace must be`,
		`[{"name": "x", "secrets": ["the-secret-in-the-list"], "forced": {"create": {"recordd": 1}}}]`: `forced.create must be a JSON string`,
		`[{"name": "x" "secrets": ["the-secret-in-the-list"]}]`:                                        `no JSON from byte`,
	} {
		write("tenants.json", text)
		err := noted(t, f.Reload())
		require.ErrorContains(t, err, want, text)
		require.ErrorContains(t, err, path)
		assert.NotContains(t, err.Error(), "the-secret")
		assert.NotContains(t, err.Error(), "99887766554433221100")
		assert.Same(t, north, get("north"), "the old ones stay")
		_, err = bbb.OpenTenantFile(path)
		require.Error(t, err)
	}
	write("tenants.json", `[{"name": "east", "secrets": ["the-secret-in-the-list"]}]`)
	require.NoError(t, f.Reload())
	assert.Nil(t, get("north"))
	assert.Equal(t, "east", found(t, f.Find, "any", "/"))
	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, noted(t, f.Reload()), os.ErrNotExist)
	assert.NotNil(t, get("east"))
}
