package proxy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bbbgroup/bbb"
)

// Config is the configuration file. docs/proxy.md describes the fields; all but Secrets or
// Tenants, and Servers, may be left out.
type Config struct {
	Name        string        `json:"name"`   // of the group
	Listen      string        `json:"listen"` // the flag -listen goes before it
	Secrets     []string      `json:"secrets"`
	Tenants     []*bbb.Tenant `json:"tenants"`
	TenantsFile string        `json:"tenantsFile"`
	Servers     []*ServerConf `json:"servers"`

	Algorithms  []string   `json:"algorithms"`
	Forms       []string   `json:"forms"`
	Freshness   Duration   `json:"freshness"`
	StrictLists bool       `json:"strictLists"`
	Relay       *RelayConf `json:"relay"`
	Limits      LimitsConf `json:"limits"`

	Refresh  Duration    `json:"refresh"`
	Timeout  TimeoutConf `json:"timeout"`
	Cache    string      `json:"cache"`
	Shutdown Duration    `json:"shutdown"`

	Admin   string   `json:"admin"`
	Metrics bool     `json:"metrics"`
	Status  bool     `json:"status"`
	TLS     *TLSConf `json:"tls"`
	Log     LogConf  `json:"log"`
}

// ServerConf is one server of the group.
type ServerConf struct {
	Name         string       `json:"name"`
	URL          string       `json:"url"`
	Secret       string       `json:"secret"`
	SecondSecret string       `json:"secondSecret"`
	Weight       float64      `json:"weight"`
	Labels       bbb.Labels   `json:"labels"`
	Capacity     CapacityConf `json:"capacity"`
	Mode         bbb.Mode     `json:"mode"`
	Algorithm    string       `json:"algorithm"`
	Release      string       `json:"release"`
	SSH          *SSHConf     `json:"ssh"`

	base string // the URL in full
}

// CapacityConf is what a server may have; 0 is no limit.
type CapacityConf struct {
	Meetings int `json:"meetings"`
	People   int `json:"people"`
}

// SSHConf is how to log in to the machine of a server, to read how busy it is.
type SSHConf struct {
	Host         string `json:"host"`
	User         string `json:"user"`
	Port         int    `json:"port"`
	IdentityFile string `json:"identityFile"`
}

// RelayConf has callbacks go through the proxy.
type RelayConf struct {
	URL        string   `json:"url"`
	Key        string   `json:"key"`
	FormerKeys []string `json:"formerKeys"`
	Targets    string   `json:"targets"`
}

// LimitsConf bounds one request; 0 is the default.
type LimitsConf struct {
	Body   int64    `json:"body"`
	URL    int      `json:"url"`
	Params int      `json:"params"`
	Time   Duration `json:"time"`
}

// TimeoutConf bounds one request to a server; 0 is the default.
type TimeoutConf struct {
	Connect Duration `json:"connect"`
	Request Duration `json:"request"`
}

// TLSConf are the files of a certificate.
type TLSConf struct {
	Cert string `json:"cert"`
	Key  string `json:"key"`
}

// LogConf is what is logged, to the standard error.
type LogConf struct {
	Level  string `json:"level"`
	Format string `json:"format"`
}

// Duration is a time.Duration that is written as text, such as "1m30s".
type Duration time.Duration

// UnmarshalJSON reads the text.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var s string
	err := json.Unmarshal(text, &s)
	if err == nil {
		var v time.Duration
		v, err = time.ParseDuration(s)
		*d = Duration(v)
	}
	if err != nil || *d < 0 {
		return errors.New(`need a time such as "1m30s"`)
	}
	return nil
}

// Defaults of the file.
const (
	defaultListen   = "127.0.0.1:8090"
	defaultRefresh  = 15 * time.Second
	minRefresh      = time.Second // each server is asked as often: a slip such as "15ms" is an attack
	defaultShutdown = 30 * time.Second
	maxConfigBytes  = 64 << 20
)

// problems are what is wrong with a configuration: all of it, each with the field.
type problems []error

func (p *problems) add(field, format string, args ...any) {
	*p = append(*p, fmt.Errorf("%s: %w", field, fmt.Errorf(format, args...)))
}

// err joins them.
func (p problems) err() error { return errors.Join(p...) }

// source is where a configuration comes from, and what it may refer to.
type source struct {
	path   string
	getenv func(string) string
	listen string // the flag, which goes before the configuration; may be empty
	cache  func(rawURL string) (bbb.Cache, error)
	// For tests: more options of the group, and to ask no server but for them.
	group []bbb.GroupOption
	still bool
}

// read reads and checks the file. What it returns has its secrets filled in. The
// error tells all that is wrong, and no secret.
func (s source) read() (*Config, error) {
	text, err := readLimited(s.path, maxConfigBytes)
	if err != nil {
		return nil, err
	}
	c := new(Config)
	if err := decodeStrict(text, c); err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	var p problems
	s.readTenants(c, &p)
	s.fill(c, &p)
	s.checkCache(c.Cache, &p)
	c.check(&p)
	if len(p) > 0 {
		return nil, fmt.Errorf("%s:\n%w", s.path, p.err())
	}
	return c, nil
}

// checkCache looks whether the program can open the cache, which asks nobody.
func (s source) checkCache(rawURL string, p *problems) {
	switch {
	case rawURL == "":
		return
	case s.cache == nil:
		p.add("cache", "%w", errNoCache)
		return
	}
	cache, err := s.cache(rawURL)
	if err != nil {
		p.add("cache", "%w", err)
	} else if c, ok := cache.(io.Closer); ok {
		_ = c.Close() // was not used
	}
}

// readTenants reads the file of the tenants, if there is one.
func (s source) readTenants(c *Config, p *problems) {
	if c.TenantsFile == "" {
		return
	}
	if len(c.Tenants) > 0 {
		p.add("tenantsFile", "only one of tenants and tenantsFile")
		return
	}
	text, err := readLimited(s.beside(c.TenantsFile), maxConfigBytes)
	if err == nil {
		err = decodeStrict(text, &c.Tenants)
	}
	if err == nil && len(c.Tenants) == 0 {
		err = errors.New("has no tenants")
	}
	if err != nil {
		p.add("tenantsFile", "%w", err)
	}
}

// fill puts secrets in the place of what says where they are, and defaults where
// there is nothing.
func (s source) fill(c *Config, p *problems) {
	for i := range c.Secrets {
		s.secret(&c.Secrets[i], fmt.Sprintf("secrets[%d]", i), p)
	}
	for i, t := range c.Tenants {
		if t == nil {
			p.add(fmt.Sprintf("tenants[%d]", i), "null is no tenant")
			continue
		}
		for j := range t.Secrets {
			s.secret(&t.Secrets[j], fmt.Sprintf("tenants[%d] (%s).secrets[%d]", i, t.Name, j), p)
		}
	}
	for i, one := range c.Servers {
		if one == nil {
			p.add(fmt.Sprintf("servers[%d]", i), "null is no server")
			continue
		}
		s.secret(&one.Secret, one.field(i, "secret"), p)
		if one.SecondSecret != "" {
			s.secret(&one.SecondSecret, one.field(i, "secondSecret"), p)
		}
		if one.Weight == 0 {
			one.Weight = 1
		}
	}
	if c.Relay != nil {
		s.secret(&c.Relay.Key, "relay.key", p)
		for i := range c.Relay.FormerKeys {
			s.secret(&c.Relay.FormerKeys[i], fmt.Sprintf("relay.formerKeys[%d]", i), p)
		}
	}
	if c.Cache != "" {
		s.secret(&c.Cache, "cache", p) // a URL with a password in it
	}
	if c.TLS != nil {
		c.TLS.Cert, c.TLS.Key = s.beside(c.TLS.Cert), s.beside(c.TLS.Key)
	}
	if s.listen != "" {
		c.Listen = s.listen
	}
	setDefault(&c.Name, "proxy")
	setDefault(&c.Listen, defaultListen)
	setDefault(&c.Log.Level, "info")
	setDefault(&c.Log.Format, "text")
	setDefault(&c.Refresh, Duration(defaultRefresh))
	setDefault(&c.Shutdown, Duration(defaultShutdown))
	setDefault(&c.Timeout.Connect, Duration(500*time.Millisecond))
	setDefault(&c.Timeout.Request, Duration(10*time.Second))
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// field names a field of the server for people.
func (s *ServerConf) field(i int, name string) string {
	if s.Name == "" {
		return fmt.Sprintf("servers[%d].%s", i, name)
	}
	return fmt.Sprintf("servers[%d] (%s).%s", i, s.Name, name)
}

// beside returns a path that is relative to the configuration file as one that can be
// opened.
func (s source) beside(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(s.path), path)
}

// readLimited reads a file that is not longer than limit.
func readLimited(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s: is a directory", path)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s: longer than %d bytes", path, limit)
	}
	return os.ReadFile(path) //nolint:gosec // the operator says which file
}
