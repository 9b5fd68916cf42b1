package rediscache

import (
	"errors"
	"fmt"
	"time"
)

// Option is a setting of a [Cache].
type Option func(*config)

type config struct {
	prefix   string
	timeout  time.Duration
	pause    time.Duration
	problems []error
}

func newConfig(opts []Option) (config, error) {
	cfg := config{timeout: 400 * time.Millisecond, pause: time.Second}
	for _, opt := range opts {
		if opt == nil {
			cfg.problem("nil option")
			continue
		}
		opt(&cfg)
	}
	return cfg, errors.Join(cfg.problems...)
}

func (c *config) problem(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf("rediscache: "+format, args...))
}

// WithPrefix sets what comes before every key, overriding the default of nothing: a
// group's keys begin with "bbb:" and the name of the group already. Two installations
// whose groups have the same name, and that share one database, need one each.
func WithPrefix(prefix string) Option {
	return func(c *config) {
		for _, r := range prefix {
			if r <= ' ' || r > '~' {
				c.problem("WithPrefix: %q, need printable ASCII without blanks", prefix)
				break
			}
		}
		if len(prefix) > 100 {
			c.problem("WithPrefix: %d bytes, at most 100 are", len(prefix))
		}
		c.prefix = prefix
	}
}

// WithTimeout sets how long one operation may take, overriding the default of 400 ms.
// A group gives up after half a second, so more than that is of no use. Much less is a
// risk: an operation that is late counts as failed, and two processes that do not hear of
// each other in time may create one meeting twice.
func WithTimeout(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.problem("WithTimeout: %v, need a time over 0", d)
		}
		c.timeout = d
	}
}

// WithPause sets how long the server is left alone after three operations in a row
// found that it is not there, overriding the default of 1 s. Meanwhile operations fail
// at once. Then one of them tries again, and while that has not succeeded the others
// go on failing.
func WithPause(d time.Duration) Option {
	return func(c *config) {
		if d <= 0 {
			c.problem("WithPause: %v, need a time over 0", d)
		}
		c.pause = d
	}
}
