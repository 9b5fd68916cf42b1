package bbb_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
)

// BenchmarkMeetings asks 50 servers on the loopback of 20 ms for 40 meetings each, beside the
// limit: everybody is asked at once by the bare transport, and nothing is made of what comes.
func BenchmarkMeetings(b *testing.B) {
	const servers, meetings = 50, 40
	addresses := make([]string, servers)
	for i := range addresses {
		addresses[i] = listServer(b, i*meetings, meetings, 20*time.Millisecond)
	}
	b.Run("limit", func(b *testing.B) {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		defer transport.CloseIdleConnections()
		buffers := sync.Pool{New: func() any { return make([]byte, 64<<10) }}
		b.ReportAllocs()
		for b.Loop() {
			var wait sync.WaitGroup
			for _, address := range addresses {
				wait.Go(func() {
					req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/bigbluebutton/api/getMeetings?checksum=0", nil)
					if err != nil {
						b.Error(err)
						return
					}
					resp, err := transport.RoundTrip(req)
					if err != nil {
						b.Error(err)
						return
					}
					buf := buffers.Get().([]byte)
					_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, resp.Body, buf)
					buffers.Put(buf) //nolint:staticcheck // 24 bytes for 64 KiB
					if resp.Body.Close(); err != nil {
						b.Error(err)
					}
				})
			}
			wait.Wait()
		}
	})
	g, err := bbb.NewGroup("benchmark", bbb.WithTimeout(time.Minute, time.Minute))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = g.Close(context.Background()) })
	for i, address := range addresses {
		if _, err := g.New(fmt.Sprint("bbb", i), "http://"+address, "secret"); err != nil {
			b.Fatal(err)
		}
	}
	all := func() {
		if list, err := g.Meetings(context.Background()); err != nil || len(list) != servers*meetings {
			b.Error(len(list), err)
		}
	}
	b.Run("group", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			all()
		}
	})
	b.Run("ten callers", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var wait sync.WaitGroup
			for range 10 {
				wait.Go(all)
			}
			wait.Wait()
		}
	})
}

// listServer answers every request with the same list, after the given time, and costs little.
func listServer(b *testing.B, first, meetings int, delay time.Duration) (address string) {
	b.Helper()
	body := []byte("<response><returncode>SUCCESS</returncode><meetings>")
	for i := range meetings {
		body = fmt.Appendf(body, "<meeting><meetingName>Room %[1]d</meetingName><meetingID>room-%[1]d</meetingID>"+
			"<internalMeetingID>%040[1]x-1531155809613</internalMeetingID><createTime>1531155809613</createTime>"+
			"<voiceBridge>%[2]d</voiceBridge><attendeePW>attendee</attendeePW><moderatorPW>moderator</moderatorPW>"+
			"<running>true</running><participantCount>10</participantCount><attendees>", first+i, 70000+first+i)
		for user := range 10 {
			body = fmt.Appendf(body, "<attendee><userID>w_%012[1]x</userID><fullName>User %[1]d</fullName><role>VIEWER</role>"+
				"<isPresenter>false</isPresenter><isListeningOnly>false</isListeningOnly><hasJoinedVoice>true</hasJoinedVoice>"+
				"<hasVideo>false</hasVideo><clientType>HTML5</clientType></attendee>", user)
		}
		body = append(body, "</attendees><metadata><bbb-origin>portal</bbb-origin><course>physics</course></metadata></meeting>"...)
	}
	body = append(body, "</meetings></response>"...)
	answer := append([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=utf-8\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"), body...)
	l, err := new(net.ListenConfig).Listen(b.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close() //nolint:errcheck // nothing is lost
				for in := bufio.NewReader(c); ; {
					for {
						line, err := in.ReadSlice('\n')
						if err != nil {
							return
						}
						if len(bytes.TrimSpace(line)) == 0 {
							break
						}
					}
					<-time.After(delay)
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}
