package proxy

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
)

// demo is three servers inside the program, so that it can be tried with nothing else.
type demo struct {
	fakes  []*bbbtest.Server
	config *Config
}

// startDemo starts the servers, and makes the configuration of a proxy for them.
func startDemo(s source, secret string) (_ *demo, err error) {
	d := new(demo)
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	d.config = &Config{
		Name: "demo", Listen: cmp.Or(s.listen, defaultListen), Secrets: []string{cmp.Or(secret, rand.Text())},
		Forms: []string{"form", "query"}, Refresh: Duration(5 * time.Second), Metrics: true, Status: true,
		Log: LogConf{Level: "warn"},
	}
	for i, name := range []string{"london", "madrid", "oslo"} {
		fake := bbbtest.New(bbbtest.WithName(name), bbbtest.WithVersion([]string{"3.0", "3.0", "2.7"}[i]))
		d.fakes = append(d.fakes, fake)
		if err := fake.Listen("127.0.0.1:0"); err != nil {
			return nil, err
		}
		d.config.Servers = append(d.config.Servers, &ServerConf{
			Name: name, URL: fake.URL(), Secret: fake.Secret(), Weight: float64(max(2-i, 1)), // one that is twice as big
		})
	}
	if _, port, err := net.SplitHostPort(d.config.Listen); err == nil && port != "0" { // else nobody knows it yet
		d.config.Relay = &RelayConf{
			URL: "http://" + reachable(d.config.Listen) + "/bigbluebutton/api/", Key: rand.Text() + rand.Text(),
			Targets: "any", // who tries it has the receiver on this machine
		}
	}
	var p problems
	s.fill(d.config, &p)
	d.config.check(&p)
	if len(p) > 0 {
		return nil, p.err()
	}
	return d, nil
}

func (d *demo) close() error {
	var problems []error
	for _, fake := range d.fakes {
		problems = append(problems, fake.Close())
	}
	return errors.Join(problems...)
}

// print says how to use the proxy.
func (d *demo) print(w io.Writer, address string) {
	root := "http://" + reachable(address)
	secret := d.config.Secrets[0]
	signed := func(call, query string) string {
		sum := bbb.SHA256.Checksum(call, query, secret)
		if query != "" {
			query += "&"
		}
		return root + "/bigbluebutton/api/" + call + "?" + query + "checksum=" + sum
	}
	fmt.Fprintf(w, "\nThree BigBlueButton servers that live in this program, and a proxy that makes them one:\n\n")
	fmt.Fprintf(w, "    URL: %s/bigbluebutton/\n    Secret: %s\n\n", root, secret)
	fmt.Fprintf(w, "    Status page: %s/status\n    Metrics: %s/metrics\n", root, root)
	fmt.Fprintf(w, "    Link to the API-Mate:\n    https://mconf.github.io/api-mate/#server=%s&sharedSecret=%s\n\n",
		root+"/bigbluebutton/", url.QueryEscape(secret))
	for _, call := range [][2]string{
		{"create", "meetingID=demo&name=Demo&attendeePW=ap&moderatorPW=mp"}, {"getMeetingInfo", "meetingID=demo"}, {"getMeetings", ""},
	} {
		fmt.Fprintf(w, "try: curl '%s'\n", signed(call[0], call[1]))
	}
	fmt.Fprintf(w, "in a browser: %s\n\n", signed("join", "meetingID=demo&fullName=Ann&password=mp"))
}

// reachable turns an address to listen on into one that this machine can open.
func reachable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
