package proxy

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// readConfig reads a configuration from a text, with a few variables and files beside it.
func readConfig(t *testing.T, text string, cache func(string) (bbb.Cache, error)) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"proxy.json": text, "secret.txt": serverSecret + "\r\n", "empty.txt": "\n",
		"tenants.json": `[{"name": "acme", "secrets": ["env:ACME"]}, {"name": "umbrella", "secrets": ["umbrella-secret-1"], "limits": {"meeting": 3}}]`,
		"broken.json":  `[{"name": "acme",}]`,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	env := map[string]string{"FORMER": relayKey, "CLIENT": clientSecret, "ACME": "acme-secret-of-clients", "REDIS": "redis://:" + serverSecret + "@localhost:6379/0"}
	return source{path: filepath.Join(dir, "proxy.json"), getenv: func(name string) string { return env[name] }, cache: cache}.read()
}

func TestConfig(t *testing.T) {
	t.Parallel()
	noCache := func(string) (bbb.Cache, error) { return bbb.NewMemoryCache(), nil }
	c, err := readConfig(t, `{
		"secrets": ["env:CLIENT", "the-older-secret"],
		"servers": [
			{"name": "london", "url": "bbb1.example.org", "secret": "file:secret.txt", "weight": 2, "labels": {"gpu": ""},
			 "capacity": {"meetings": 10, "people": 300}, "mode": "draining", "release": "3.0.1", "algorithm": "sha512",
			 "ssh": {"host": "bbb1.internal", "user": "monitor"}},
			{"name": "madrid", "url": "https://bbb2.example.org/bigbluebutton/api", "secret": "in-the-file-itself", "secondSecret": "env:CLIENT"}
		],
		"algorithms": ["sha1", "SHA-256"], "forms": ["form"], "freshness": "2s", "strictLists": true,
		"relay": {"url": "https://bbb.example.org/bigbluebutton/api/", "key": "0123456789abcdef0123456789abcdef", "formerKeys": ["env:FORMER"], "targets": "public"},
		"limits": {"body": 1000000, "url": 20000, "params": 500, "time": "5m"}, "refresh": "20s", "timeout": {"connect": "1s"}, "cache": "env:REDIS",
		"admin": "127.0.0.1:8091", "metrics": true, "status": true, "log": {"level": "debug", "format": "json"}
	}`, noCache)
	require.NoError(t, err)
	assert.Equal(t, []string{clientSecret, "the-older-secret"}, c.Secrets)
	assert.Equal(t, serverSecret, c.Servers[0].Secret, "without the end of the line")
	assert.Equal(t, clientSecret, c.Servers[1].SecondSecret)
	assert.Equal(t, bbb.ModeDraining, c.Servers[0].Mode)
	assert.Equal(t, "https://bbb1.example.org/bigbluebutton/api", c.Servers[0].base)
	assert.InDelta(t, 1, c.Servers[1].Weight, 0)
	assert.Equal(t, Duration(20*time.Second), c.Refresh)
	assert.Equal(t, TimeoutConf{Duration(time.Second), Duration(10 * time.Second)}, c.Timeout)
	assert.Equal(t, defaultListen, c.Listen)
}

// Whoever starts the program is told everything that is wrong, in words that say where, and
// is not shown a secret.
func TestConfigTellsAllProblems(t *testing.T) {
	t.Parallel()
	servers := `"servers": [{"name": "london", "url": "bbb1.example.org", "secret": "` + serverSecret + `"}]`
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"no JSON":            {"{\n\"secrets\": [\"" + clientSecret + "\"],\n}", []string{"proxy.json: line 3: invalid character '}'"}},
		"unknown fields":     {`{"Secrets": [], "servers": [{"name": "a", "wieght": 2}, {"ssh": {"hots": ""}}]}`, []string{"Secrets: there is no such field", "servers[0].wieght: there is no such field; known are algorithm, capacity", "servers[1].ssh.hots: there is no such"}},
		"other kinds":        {`{"secrets": "x", "servers": [{"weight": "2", "capacity": {"meetings": 1.5}, "mode": "off"}], "refresh": 5, "metrics": 1, "limits": []}`, []string{"secrets: need a list", "servers[0].weight: need a number", "servers[0].capacity.meetings: need a whole number", "servers[0].mode: bbb:", `refresh: need a time such as "1m30s"`, "metrics: need true or false", "limits: need an object"}},
		"names twice":        {`{"secrets": ["` + clientSecret + `"], "servers": [{"name": "a", "name": "b", "labels": {"gpu": "", "gpu": "1"}}], "servers": []}`, []string{"servers: is there twice"}},
		"names twice inside": {`{"servers": [{"name": "a", "name": "b", "labels": {"gpu": "", "gpu": "1"}}]}`, []string{"servers[0].name: is there twice", "servers[0].labels.gpu: is there twice"}},
		"no object":          {`["` + clientSecret + `"]`, []string{"proxy.json: the file: need an object"}},
		"empty":              {`{}`, []string{"servers: is missing", "secrets: need secrets, tenants or tenantsFile"}},
		"null":               {`{"secrets": ["` + clientSecret + `"], "servers": [null]}`, []string{"servers[0]: null is no server"}},
		"secrets elsewhere":  {`{"secrets": ["env:NOBODY", "file:nothing.txt", "file:empty.txt"], "servers": [{"name": "london", "url": "bbb1.example.org"}]}`, []string{"secrets[0]: the environment variable NOBODY is not set", "nothing.txt: no such file", "secrets[2]: empty.txt is empty", "servers[0] (london).secret: is missing"}},
		"servers":            {`{"secrets": ["` + clientSecret + `"], "servers": [{"name": "london", "url": "ftp://bbb1", "secret": "` + serverSecret + `", "weight": -1}, {"name": "madrid", "url": "ftp://bbb2", "secret": "` + serverSecret + `", "algorithm": "md5"}, {"name": "madrid", "url": "bbb3.example.org", "secret": "` + serverSecret + `"}, {"name": "madrid", "url": "bbb4.example.org", "secret": "` + serverSecret + `"}]}`, []string{"servers[0]:", "WithWeight: -1", "servers[1]:", `unknown checksum algorithm "md5"`, `"madrid": the URL`, "servers[3]:", "already in the group"}},
		"addresses":          {`{"secrets": ["` + clientSecret + `"], ` + servers + `, "listen": "8090", "admin": "here", "tls": {"cert": "x"}, "log": {"level": "loud", "format": "xml"}, "refresh": "15ms"}`, []string{"refresh: 15ms, need at least 1s", `listen: "8090" is not host:port`, "admin:", "tls: needs cert and key", `log.level: "loud"`, `log.format: "xml"`}},
		"handler":            {`{"secrets": ["` + clientSecret + `"], ` + servers + `, "forms": ["body"], "algorithms": ["crc32"]}`, []string{`forms[0]: "body"`, "algorithms[0]:"}},
		"relay":              {`{"secrets": ["` + clientSecret + `"], ` + servers + `, "relay": {"url": "https://bbb.example.org/bigbluebutton/api/", "key": "` + relayKey + `", "formerKeys": ["` + clientSecret + `"], "targets": "mars"}}`, []string{`relay.targets: "mars"`}},
		"short key":          {`{"secrets": ["` + clientSecret + `"], ` + servers + `, "relay": {"url": "https://bbb.example.org/bigbluebutton/api/", "key": "` + serverSecret + `"}}`, []string{"need keys of at least 32"}},
		"no program for it":  {`{"secrets": ["` + clientSecret + `"], ` + servers + `, "cache": "env:REDIS"}`, []string{"cache: ", "rediscache/examples/proxy"}},
		"two ways":           {`{"secrets": ["` + clientSecret + `"], "tenants": [{"name": "a", "secrets": ["` + clientSecret + `"]}], ` + servers + `}`, []string{"only one of secrets and tenants"}},
		"tenants":            {`{"tenants": [{"name": "acme", "secrets": ["` + clientSecret + `"], "limit": {}}], ` + servers + `}`, []string{"tenants[0].limit: there is no such field"}},
		"file of tenants":    {`{"tenantsFile": "tenants.json", ` + servers + `}`, []string{"tenantsFile", "[1].limits.meeting: there is no such field; known are attendees, meetings"}},
		"broken tenants":     {`{"tenantsFile": "broken.json", ` + servers + `}`, []string{"tenantsFile: ", "line 1: invalid character '}'"}},
		"no file of tenants": {`{"tenantsFile": "none.json", ` + servers + `}`, []string{"tenantsFile: ", "none.json: no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readConfig(t, test.text, nil)
			require.Error(t, err)
			for _, want := range test.want {
				assert.ErrorContains(t, err, want)
			}
			for _, secret := range []string{clientSecret, serverSecret} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"192.0.43.7": true, "2606:4700::1111": true, "10.1.2.3": false, "::ffff:10.1.2.3": false, "100.64.1.1": false, "127.0.0.1": false,
		"169.254.169.254": false, "fd00::1": false, "fe80::1": false, "0.0.0.0": false, "224.0.0.1": false,
		"0.1.2.3": false, "240.0.0.1": false, "255.255.255.255": false, "192.0.0.192": false, "198.19.0.1": false,
		"64:ff9b::a9fe:a9fe": false, "64:ff9b::a00:1": false, "64:ff9b:1::a00:1": false, "2002:a00:1::1": false, "::a00:1": false, "fec0::1": false,
	} {
		assert.Equal(t, want, isPublic(netip.MustParseAddr(address)), address)
	}
	assert.False(t, isPublic(netip.Addr{}))
}

func TestConfigOfADirectory(t *testing.T) {
	t.Parallel()
	_, err := source{path: t.TempDir()}.read()
	require.ErrorContains(t, err, "is a directory")
	_, err = source{path: filepath.Join(t.TempDir(), "none.json")}.read()
	require.ErrorIs(t, err, os.ErrNotExist)
}

// The guide shows a configuration, and names every field.
func TestGuideHasEveryField(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "proxy.md"))
	require.NoError(t, err)
	for _, typ := range []reflect.Type{
		reflect.TypeFor[Config](), reflect.TypeFor[ServerConf](), reflect.TypeFor[CapacityConf](), reflect.TypeFor[SSHConf](), reflect.TypeFor[RelayConf](),
		reflect.TypeFor[LimitsConf](), reflect.TypeFor[TimeoutConf](), reflect.TypeFor[TLSConf](), reflect.TypeFor[LogConf](), reflect.TypeFor[bbb.Tenant](),
	} {
		for name := range fieldTypes(typ) {
			assert.Contains(t, string(page), name+"`", "of %s", typ.Name())
		}
	}
	_, example, found := strings.Cut(string(page), "```json\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```")
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "proxy.json"), []byte(example), 0o600))
	_, err = source{path: filepath.Join(dir, "proxy.json"), getenv: func(name string) string { return name + "-0123456789abcdef0123456789abcdef" }}.read()
	require.NoError(t, err)
}
