package bbb_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/require"
)

// BenchmarkHandler is a request over a kept connection of loopback, through the whole Handler
// with a tenant, to a server that has its answers ready. Beside it are a bare httputil.ReverseProxy, which signs
// and does nothing else, and a handler that writes an answer that is always the same. All are in one
// process, so ratios say less than in the module benchmarks: profiles and allocations are what this is for.
func BenchmarkHandler(b *testing.B) {
	backend := benchBackend(b)
	const tenant = "school"
	handler := func(opts ...bbb.HandlerOption) http.Handler {
		g, err := bbb.NewGroup("benchmark", bbb.WithCacheTime(time.Hour))
		require.NoError(b, err)
		b.Cleanup(func() { require.NoError(b, g.Close(context.Background())) })
		_, err = g.New("bbb1", "http://"+backend, sampleSecret)
		require.NoError(b, err)
		_, err = g.Meetings(b.Context())
		require.NoError(b, err)
		tenants, err := bbb.StaticTenants(&bbb.Tenant{Name: tenant, Namespace: tenant, Secrets: []string{handlerSecret}})
		require.NoError(b, err)
		h, err := bbb.NewHandler(g, append(opts, bbb.WithHandlerTenants(tenants))...)
		require.NoError(b, err)
		return h
	}
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	b.Cleanup(transport.CloseIdleConnections)
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			u := r.Out.URL
			u.Scheme, u.Host = "http", backend
			signed, _, _ := bbb.CutChecksum(r.In.URL.RawQuery)
			call := u.Path[strings.LastIndexByte(u.Path, '/')+1:]
			u.RawQuery = signed + "&checksum=" + bbb.SHA256.Checksum(call, signed, sampleSecret)
		},
		Transport: transport,
	}
	constant := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := benchAnswers[r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]]
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
	for _, call := range []string{"isMeetingRunning", "getMeetingInfo", "create", "join", "getMeetings"} {
		query := "meetingID=course-00"
		switch call {
		case "create":
			query += "&name=Algebra+%26+Analysis&attendeePW=attendee-password&moderatorPW=moderator-password&record=false"
		case "join":
			query += "&fullName=Ada+Lovelace&password=moderator-password&userID=u-1815&createTime=1531155809613"
		case "getMeetings":
			query = ""
		}
		for _, with := range []struct {
			name string
			http.Handler
		}{
			{"handler", handler()}, {"fresh", handler(bbb.WithHandlerFreshness(time.Hour))}, {"reverse", reverse}, {"constant", constant},
		} {
			b.Run(call+"/"+with.name, func(b *testing.B) {
				s := httptest.NewServer(with)
				defer s.Close()
				var targets []string
				for i := range benchMeetings {
					query := strings.Replace(query, "course-00", benchID(i), 1)
					if with.Handler == reverse { // it passes IDs on as they are
						query = strings.Replace(query, "course", "school-course", 1)
					}
					targets = append(targets, handlerRoot+call+"?"+signedQuery(call, query, handlerSecret))
				}
				benchRequests(b, s.Listener.Addr().String(), targets)
			})
		}
	}
}

// benchRequests sends requests in turn, again and again over 32 connections.
func benchRequests(b *testing.B, address string, targets []string) {
	var requests [][]byte
	for _, target := range targets {
		requests = append(requests, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", target, address))
	}
	var connections atomic.Int32
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		c, err := net.Dial("tcp", address) //nolint:noctx // to this machine
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close() //nolint:errcheck // everything is read
		in := bufio.NewReaderSize(c, 64<<10)
		for i := int(connections.Add(1)) * 3; pb.Next(); i++ {
			if _, err = c.Write(requests[i%len(requests)]); err == nil {
				err = passAnswer(in)
			}
			if err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// passAnswer reads an answer, which must be a success of known length or a redirect.
func passAnswer(in *bufio.Reader) error {
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		switch {
		case err != nil:
			return err
		case first && !bytes.Contains(line, []byte(" 200 ")) && !bytes.Contains(line, []byte(" 302 ")):
			return fmt.Errorf("not the answer that was expected: %s", line)
		case len(line) <= 2:
			_, err = in.Discard(length)
			return err
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
}

const benchMeetings = 100

func benchID(i int) string { return fmt.Sprintf("course-%02d", i) }

// benchAnswers are answers by call, about the first meeting, with ten people in it.
var benchAnswers = func() map[string][]byte {
	person := "<attendee><userID>w_abcdefghijkl</userID><fullName>Ada Lovelace</fullName><role>VIEWER</role><isPresenter>false</isPresenter>" +
		"<isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice><hasVideo>false</hasVideo><clientType>HTML5</clientType></attendee>"
	created := "<meetingID>school-course-00</meetingID><internalMeetingID>d5e1b9d5c8a5c1d4a9f0d3b2a1908f7e6d5c4b3a-1531155809613</internalMeetingID>" +
		"<createTime>1531155809613</createTime><createDate>Mon Jul 09 17:03:29 UTC 2018</createDate><voiceBridge>70066</voiceBridge>" +
		"<dialNumber>613-555-1234</dialNumber><attendeePW>attendee-password</attendeePW><moderatorPW>moderator-password</moderatorPW>" +
		"<duration>0</duration><hasUserJoined>true</hasUserJoined><hasBeenForciblyEnded>false</hasBeenForciblyEnded>"
	info := "<meetingName>Algebra &amp; Analysis</meetingName>" + created + "<running>true</running><recording>false</recording><startTime>1531155809700</startTime>" +
		"<endTime>0</endTime><participantCount>10</participantCount><listenerCount>0</listenerCount><voiceParticipantCount>10</voiceParticipantCount>" +
		"<videoCount>0</videoCount><maxUsers>0</maxUsers><moderatorCount>1</moderatorCount><attendees>" + strings.Repeat(person, 10) + "</attendees>" +
		"<metadata><tenant>school</tenant><bbb-origin>portal</bbb-origin><bbb-origin-server-name>portal.example.org</bbb-origin-server-name></metadata><isBreakout>false</isBreakout>"
	answers := map[string][]byte{
		"isMeetingRunning": []byte("<running>true</running>"),
		"getMeetingInfo":   []byte(info),
		"create": []byte(created + "<parentMeetingID>bbb-none</parentMeetingID><messageKey>duplicateWarning</messageKey>" +
			"<message>This conference was already in existence and may currently be in progress.</message>"),
		"join": {},
	}
	var list strings.Builder
	for i := range benchMeetings {
		list.WriteString("<meeting>" + strings.Replace(info, "course-00", benchID(i), 1) + "</meeting>")
	}
	answers["getMeetings"] = []byte("<meetings>" + list.String() + "</meetings>")
	for call, body := range answers {
		answers[call] = fmt.Appendf(nil, "<response><returncode>SUCCESS</returncode>%s</response>", body)
	}
	return answers
}()

// benchBackend is a server that has its answers ready, and reads no more of a request than it must.
func benchBackend(b *testing.B) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // at once
	require.NoError(b, err)
	var serving sync.WaitGroup
	b.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	serve := func(c net.Conn) {
		defer c.Close() //nolint:errcheck // nothing is lost
		in := bufio.NewReader(c)
		var out []byte
		for {
			line, err := in.ReadSlice('\n')
			if err != nil {
				return
			}
			_, call, _ := bytes.Cut(line, []byte("/api/"))
			name, _, _ := bytes.Cut(call, []byte("?"))
			body := benchAnswers[string(name)]
			at, own := bytes.Index(body, []byte("course-00")), bytes.Index(call, []byte("course-"))
			for len(line) > 2 {
				if line, err = in.ReadSlice('\n'); err != nil {
					return
				}
			}
			out = fmt.Appendf(out[:0], "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=utf-8\r\nContent-Length: %d\r\n\r\n", len(body))
			start := len(out)
			if out = append(out, body...); at >= 0 && own >= 0 {
				copy(out[start+at:], call[own:own+len("course-00")])
			}
			if _, err := c.Write(out); err != nil {
				return
			}
		}
	}
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(c) })
		}
	})
	return l.Addr().String()
}
