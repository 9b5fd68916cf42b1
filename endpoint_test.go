package bbb_test

import (
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// People paste what they have: the output of bbb-conf, the address of the front
// page, a host name. All of it means the same API.
func TestServerURLSpellings(t *testing.T) {
	t.Parallel()
	const api = "https://bbb1.example.org/bigbluebutton/api"
	for raw, want := range map[string]string{
		"https://bbb1.example.org/bigbluebutton/api":       api,
		"https://bbb1.example.org/bigbluebutton/api/":      api,
		"https://bbb1.example.org/bigbluebutton/api///":    api,
		"https://bbb1.example.org/bigbluebutton/":          api,
		"https://bbb1.example.org/bigbluebutton":           api,
		"https://bbb1.example.org/api":                     api,
		"https://bbb1.example.org/api/":                    api,
		"https://bbb1.example.org/":                        api,
		"https://bbb1.example.org":                         api,
		"bbb1.example.org":                                 api,
		"bbb1.example.org/bigbluebutton/":                  api,
		"HTTPS://BBB1.Example.ORG/bigbluebutton/":          api,
		"https://bbb1.example.org:443/bigbluebutton/":      api,
		"bbb1.example.org:443":                             api,
		" https://bbb1.example.org/bigbluebutton/api/\n":   api,
		"http://bbb1.example.org:80":                       "http://bbb1.example.org/bigbluebutton/api",
		"http://bbb1.example.org:443":                      "http://bbb1.example.org:443/bigbluebutton/api",
		"https://bbb1.example.org:80":                      "https://bbb1.example.org:80/bigbluebutton/api",
		"https://bbb1.example.org:8443":                    "https://bbb1.example.org:8443/bigbluebutton/api",
		"bbb1.example.org:8443/bigbluebutton":              "https://bbb1.example.org:8443/bigbluebutton/api",
		"http://127.0.0.1:8090/bigbluebutton/":             "http://127.0.0.1:8090/bigbluebutton/api",
		"https://[2001:DB8::1]/":                           "https://[2001:db8::1]/bigbluebutton/api",
		"https://[2001:db8::1]:443/":                       "https://[2001:db8::1]/bigbluebutton/api",
		"https://[2001:db8::1]:8443/":                      "https://[2001:db8::1]:8443/bigbluebutton/api",
		"https://lb.example.org/tenant1/bigbluebutton/api": "https://lb.example.org/tenant1/bigbluebutton/api",
		"https://lb.example.org/tenant1/bigbluebutton":     "https://lb.example.org/tenant1/bigbluebutton/api",
		"https://lb.example.org/tenant1":                   "https://lb.example.org/tenant1/bigbluebutton/api",
		"https://lb.example.org/Tenant%201/":               "https://lb.example.org/Tenant%201/bigbluebutton/api",
		"https://lb.example.org/b3lb/t/school/bbb/api":     "https://lb.example.org/b3lb/t/school/bbb/api",
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			s, err := wireGroup(t).New("s", raw, "secret")
			require.NoError(t, err)
			assert.Equal(t, want, s.BaseURL())
			host, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(want, "https://"), "http://"), "/")
			if !strings.HasPrefix(host, "[") {
				host, _, _ = strings.Cut(host, ":")
			} else {
				host = "2001:db8::1"
			}
			assert.Equal(t, host, s.Host(), "the machine")
		})
	}
}

func TestServerURLProblems(t *testing.T) {
	t.Parallel()
	const pw = "hunter2hunter2"
	for raw, want := range map[string]string{
		"":                                    "empty URL",
		" \n":                                 "empty URL",
		"https://":                            "no host",
		"https://:8443/":                      "no host",
		"ftp://bbb1.example.org/":             "must begin with https",
		"://bbb1.example.org/":                "cannot be parsed",
		"file:///etc/" + pw:                   "must begin with https",
		"https://u:" + pw + "@bbb1.example/":  "must not hold a user or password",
		"u:" + pw + "@bbb1.example.org":       "must not hold a user or password",
		"https://bbb1.example/api?salt=" + pw: "must not have a query",
		"https://bbb1.example/api?":           "must not have a query",
		"https://bbb1.example/api#" + pw:      "must not have a query or fragment",
		"https://bbb1.example/%zz" + pw:       "cannot be parsed",
		"https://bbb1.example/\x7f" + pw:      "cannot be parsed",
		"https://u:" + pw + "%@bbb1.example/": "cannot be parsed",
		"http:/bbb1.example.org/":             "must begin with https",
		"https:bbb1.example.org/":             "must begin with https",
		"https:///bigbluebutton/api":          "no host",
	} {
		t.Run(raw, func(t *testing.T) {
			t.Parallel()
			g := wireGroup(t)
			s, err := g.New("s", raw, "secret")
			require.ErrorContains(t, err, want)
			assert.Nil(t, s)
			assert.NotContains(t, err.Error(), pw)
			assert.Zero(t, g.Len(), "nothing half-built in the group")
		})
	}
}

// One server written in two ways would get every call twice, and its meetings
// would look like meetings on two servers.
func TestSameServerIsSeenThroughItsSpellings(t *testing.T) {
	t.Parallel()
	g := wireGroup(t)
	_, err := g.New("a", "https://bbb1.example.org/bigbluebutton/api/", "secret")
	require.NoError(t, err)
	_, err = g.New("b", "BBB1.example.org:443", "other")
	require.ErrorIs(t, err, bbb.ErrServerExists)
	assert.ErrorContains(t, err, `"a"`, "which one it is")
	assert.Equal(t, 1, g.Len())
}
