// Proxy is examples/proxy with a Redis or Valkey behind it, so that several of it are one:
// they know of each other's meetings, and agree on where a new one goes.
//
//	cd rediscache && go run ./examples/proxy -config ../proxy.json -listen 127.0.0.1:8090
//
// The field "cache" of the configuration names the database, such as redis://localhost:6379/0,
// or says where the URL is, as "env:REDIS_URL". docs/proxy.md is about the rest.
package main

import (
	"context"
	"os"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/internal/proxy"
	"github.com/bbbgroup/bbb/rediscache"
	"github.com/redis/go-redis/v9"
)

// silent keeps go-redis from writing of each attempt to connect: what comes of it is in our log.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

func main() {
	redis.SetLogger(silent{})
	os.Exit(proxy.Program{Name: "proxy", OpenCache: open}.Main())
}

// open opens the cache of the configuration.
func open(rawURL string) (bbb.Cache, error) { return rediscache.Open(rawURL) }
