// Proxy is the one big BigBlueButton server in front of many: Moodle, Greenlight, Nextcloud and
// other clients use it without knowing of the group behind it.
//
//	go run ./examples/proxy -demo -listen 127.0.0.1:8090 -secret S
//	go run ./examples/proxy -config proxy.json -listen 127.0.0.1:8090
//
// The first one needs nothing: it brings three servers along. docs/proxy.md is about the second one.
// What the proxy knows is in its memory; rediscache/examples/proxy shares it with others.
package main

import (
	"os"

	"github.com/bbbgroup/bbb/internal/proxy"
)

func main() { os.Exit(proxy.Program{Name: "proxy"}.Main()) }
