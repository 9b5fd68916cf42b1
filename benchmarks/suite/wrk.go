package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// byWrk loads the proxies with wrk as well, if that is installed: a load generator that others
// wrote, and that others can compare with.
func (r *report) byWrk(p *proxies) {
	wrk, err := exec.LookPath("wrk")
	if err != nil {
		return
	}
	script := filepath.Join(must2(os.MkdirTemp("", "wrk")), "paths.lua")
	defer os.RemoveAll(filepath.Dir(script)) //nolint:errcheck // a directory of temporary files
	seconds := strconv.Itoa(max(1, int(5*r.effort.load/time.Second)))
	part := part{title: "Proxy: the same by wrk, 32 connections", head: []string{"how", "call", "requests/s", "p50"}}
	for _, call := range proxiedCalls[:3] {
		for _, one := range []*proxied{p.reverse, p.handler, p.fresh} {
			if one == p.fresh && call == "create" {
				continue
			}
			l := one.loads[call]
			must(os.WriteFile(script, wrkScript(l.paths()), 0o600))
			cmd := exec.CommandContext(context.Background(), wrk, "-t2", "-c", strconv.Itoa(loadConnections), "-d", seconds, "--latency", "-s", script, "http://"+l.address) //nolint:gosec // what is in the PATH, with arguments of ours
			out, err := cmd.Output()
			if err != nil {
				part.note = "wrk failed: " + err.Error()
			}
			rate, p50 := readWrk(string(out))
			part.rows = append(part.rows, []string{one.name, call, rate, p50})
		}
	}
	r.add(part)
}

// wrkScript has wrk ask for paths in turns. Its connections may meet at one, and share the Handler's question.
func wrkScript(paths []string) []byte {
	return fmt.Appendf(nil, "local paths = {%s}\nlocal i = math.random(#paths)\nrequest = function()\n\ti = i %% #paths + 1\n\treturn wrk.format(\"GET\", paths[i])\nend\n",
		`"`+strings.Join(paths, `", "`)+`"`)
}

// readWrk finds what is wanted in the output of wrk.
func readWrk(out string) (rate, p50 string) {
	for line := range strings.Lines(out) {
		switch words := strings.Fields(line); {
		case len(words) == 2 && words[0] == "Requests/sec:":
			rate = words[1]
		case len(words) == 2 && words[0] == "50%":
			p50 = words[1]
		case strings.Contains(line, "Non-2xx"):
			return "not all were answered", ""
		}
	}
	return rate, p50
}
