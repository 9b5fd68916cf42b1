package main

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// backend is servers of BigBlueButton that know their answers beforehand and read no more of
// a request than they must, so that they cost little beside what is measured.
type backend struct {
	Servers  int
	Meetings int // on each
	Changing int // of the servers, the last so many have the meetings of the first, and all change each time they are asked for
	Delay    time.Duration
	TLS      bool
	Tenant   string

	shape   shape
	lists   []*turning        // of each server
	infos   map[string][]byte // getMeetingInfo and create of a meeting, by its ID
	creates map[string][]byte
	opened  atomic.Int64 // connections that there ever were

	listeners []net.Listener
	wait      sync.WaitGroup // for what accepts and serves
}

// backendAt is where the servers are.
type backendAt struct {
	Servers []string // host:port
	Hanging string   // a server that takes requests and does not answer
	Refuses string   // where nobody listens
	CA      []byte   // PEM
}

func runBackend(options []byte, answers map[string]func() int64) any {
	b := new(backend)
	must(json.Unmarshal(options, b))
	answers["opened"] = b.opened.Load
	return b.start()
}

// start begins to listen, until stop.
func (b *backend) start() (at backendAt) {
	b.prepare()
	var conf *tls.Config
	if b.TLS {
		conf, at.CA = certificate()
	}
	for i := range b.Servers {
		l := b.listen()
		at.Servers = append(at.Servers, l.Addr().String())
		if conf != nil {
			l = tls.NewListener(l, conf)
		}
		b.wait.Go(func() { b.accept(l, func(c net.Conn) { b.serve(c, i) }) })
	}
	hanging, refuses := b.listen(), b.listen()
	at.Hanging, at.Refuses = hanging.Addr().String(), refuses.Addr().String()
	must(refuses.Close())
	b.wait.Go(func() { b.accept(hanging, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }) })
	return at
}

func (b *backend) listen() net.Listener {
	l := must2(net.Listen("tcp", "127.0.0.1:0")) //nolint:noctx // at once
	b.listeners = append(b.listeners, l)
	return l
}

// stop takes no more connections, and waits for the end of those that there are.
func (b *backend) stop() {
	for _, l := range b.listeners {
		_ = l.Close() // one is closed already
	}
	b.wait.Wait()
}

func (b *backend) prepare() {
	b.shape = full
	if b.Tenant != "" {
		b.shape.tenant, b.shape.prefix = b.Tenant, b.Tenant+"-"
	}
	b.infos, b.creates = make(map[string][]byte), make(map[string][]byte)
	for i := range b.Servers - b.Changing {
		b.lists = append(b.lists, &turning{bodies: [][]byte{meetingsBody(i*b.Meetings, b.Meetings, b.shape)}})
		for j := range b.Meetings {
			n := i*b.Meetings + j
			id := meetingID(n, b.shape)
			b.infos[id] = infoBody(n, b.shape)
			b.creates[id] = createBody(b.infos[id])
		}
	}
	for i := range b.Changing {
		other := meetingsBody(i*b.Meetings, b.Meetings, b.shape.changed(1))
		b.lists = append(b.lists, &turning{bodies: [][]byte{b.lists[i].bodies[0], other}})
	}
}

func (b *backend) accept(l net.Listener, serve func(net.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b.wait.Go(func() {
			defer c.Close() //nolint:errcheck // nothing is lost
			b.opened.Add(1)
			serve(c)
		})
	}
}

// serve answers the requests on a connection. Bodies of requests are passed over.
func (b *backend) serve(c net.Conn, i int) {
	in := bufio.NewReaderSize(c, 64<<10)
	var out []byte
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return
		}
		head, body := b.answer(line, i)
		length := 0
		for {
			head, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			if len(head) <= 2 {
				break
			}
			if name, value, _ := bytes.Cut(head, []byte(":")); bytes.EqualFold(name, []byte("Content-Length")) {
				length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
			}
		}
		if _, err := in.Discard(length); err != nil {
			return
		}
		if b.Delay > 0 {
			<-time.After(b.Delay)
		}
		out = append(append(out[:0], "HTTP/1.1 "...), head...)
		out = append(out, "\r\nContent-Length: "...)
		out = append(strconv.AppendInt(out, int64(len(body)), 10), "\r\n\r\n"...)
		if _, err := c.Write(append(out, body...)); err != nil {
			return
		}
	}
}

var (
	running  = []byte("<response>\n<returncode>SUCCESS</returncode>\n<running>true</running>\n</response>\n")
	index    = []byte("<response>\n<returncode>SUCCESS</returncode>\n<version>2.0</version>\n<apiVersion>2.0</apiVersion>\n<bbbVersion>3.0.4</bbbVersion>\n</response>\n")
	notFound = []byte("<response>\n<returncode>FAILED</returncode>\n<messageKey>notFound</messageKey>\n<message>We could not find a meeting with that meeting ID</message>\n</response>\n")
)

const (
	success  = "200 OK\r\nContent-Type: text/xml;charset=utf-8"
	redirect = "302 Found\r\nLocation: https://bbb.example.org/html5client/join?sessionToken=ai1wqj8wb6s7rnk0"
)

// answer returns the status with a header, and the body, for the first line of a request.
func (b *backend) answer(line []byte, i int) (head string, body []byte) {
	if bytes.Contains(line, []byte("/api/join?")) {
		return redirect, nil
	}
	return success, b.success(line, i)
}

func (b *backend) success(line []byte, i int) []byte {
	_, call, _ := bytes.Cut(line, []byte("/api"))
	switch {
	case bytes.HasPrefix(call, []byte("/getMeetings?")):
		return b.lists[i].next()
	case bytes.HasPrefix(call, []byte("/isMeetingRunning?")):
		return running
	case bytes.HasPrefix(call, []byte("/getMeetingInfo?")):
		return meetingAnswer(b.infos, call)
	case bytes.HasPrefix(call, []byte("/create?")):
		return meetingAnswer(b.creates, call)
	}
	return index
}

// turning are answers that are given in turns.
type turning struct {
	bodies [][]byte
	asked  atomic.Int64
}

func (t *turning) next() []byte { return t.bodies[int(t.asked.Add(1))%len(t.bodies)] }

func meetingAnswer(of map[string][]byte, call []byte) []byte {
	_, id, _ := bytes.Cut(call, []byte("meetingID="))
	if end := bytes.IndexAny(id, "& "); end >= 0 {
		id = id[:end]
	}
	if body, ok := of[string(id)]; ok {
		return body
	}
	return notFound
}

// certificate makes one for this machine's loopback address, signed by itself.
func certificate() (*tls.Config, []byte) {
	key := must2(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der := must2(x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key))
	conf := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return conf, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
