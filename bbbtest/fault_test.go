package bbbtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// create sends a signed create and returns the error of the transport or of reading the body.
func (c *client) create(id string) error {
	c.tb.Helper()
	resp, err := c.send(http.MethodGet, "create?"+sign("create", "meetingID="+id+"&name=abc", c.Secret()), "", "")
	if err != nil {
		return err
	}
	_, err = io.ReadAll(resp.Body)
	return errors.Join(err, resp.Body.Close())
}

func (c *client) has(id string) bool {
	_, ok := c.Meeting(id)
	return ok
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		c.http.Transport = oneShot(c.http.Transport)

		remove := c.Inject(bbbtest.Fault{Call: "create", Drop: true})
		require.ErrorIs(t, c.create("dropped"), io.EOF)
		assert.True(t, c.has("dropped"), "the request took effect")
		remove()
		remove()

		c.Inject(bbbtest.Fault{Call: "create", Refuse: true, Times: 1})
		err := c.create("refused")
		require.Error(t, err)
		assert.True(t, errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF), err)
		assert.False(t, c.has("refused"))
		assert.Equal(t, 1, c.Count("create"), "it never arrived")

		c.Inject(bbbtest.Fault{CutBody: 10, Times: 1})
		require.ErrorIs(t, c.create("cut"), io.ErrUnexpectedEOF)
		assert.True(t, c.has("cut"))

		c.Inject(bbbtest.Fault{CutBody: -1, Times: 1})
		require.ErrorIs(t, c.create("cut0"), io.ErrUnexpectedEOF)
		c.Inject(bbbtest.Fault{CutBody: 1 << 20, Times: 1})
		require.ErrorIs(t, c.create("cut1"), io.ErrUnexpectedEOF, "cut even when the body was shorter")
		require.NoError(t, c.create("whole"))
	})
}

// oneShot keeps net/http from sending a request again, as it does on a connection it has used before.
func oneShot(rt http.RoundTripper) http.RoundTripper {
	if t, ok := rt.(*http.Transport); ok {
		t.DisableKeepAlives = true
	}
	return rt
}

func TestWrongAnswers(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		for _, test := range []struct {
			fault             bbbtest.Fault
			status            int
			contentType, body string
		}{
			{bbbtest.Fault{HTML: true}, 502, "text/html", "nginx"},
			{bbbtest.Fault{HTML: true, Status: 404}, 404, "text/html", "Tomcat"},
			{bbbtest.Fault{Status: 500}, 500, "text/html", "Internal Server Error"},
			{bbbtest.Fault{Status: 503, Body: "busy", ContentType: "text/plain"}, 503, "text/plain", "busy"},
			{bbbtest.Fault{Body: "{", ContentType: "application/json"}, 200, "application/json", "{"},
			{bbbtest.Fault{ContentType: "text/plain"}, 200, "text/plain", ""},
		} {
			remove := c.Inject(test.fault)
			a := c.call("create", "meetingID=abc&name=abc")
			remove()
			assert.Equal(t, test.status, a.status)
			assert.Contains(t, a.header.Get("Content-Type"), test.contentType)
			assert.Contains(t, a.body, test.body)
			assert.False(t, c.has("abc"), "nothing was processed")
		}
		c.Inject(bbbtest.Fault{Body: "<response>", Times: 1})
		resp, err := c.send(http.MethodGet, "", "", "")
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, "<response>", string(body))
		assert.Equal(t, "text/xml", resp.Header.Get("Content-Type"))

		c.Inject(bbbtest.Fault{Status: 504, Processed: true, Times: 1})
		assert.Equal(t, 504, c.call("create", "meetingID=abc&name=abc").status)
		assert.True(t, c.has("abc"), "the answer is wrong, the meeting is there")
	})
}

func TestFlood(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		c.Inject(bbbtest.Fault{Flood: 200_000, Times: 1})
		resp, err := c.send(http.MethodGet, "", "", "")
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.EqualValues(t, 200_000, n)
		assert.EqualValues(t, -1, resp.ContentLength)

		c.Inject(bbbtest.Fault{Flood: 1 << 50})
		resp, err = c.send(http.MethodGet, "", "", "")
		require.NoError(t, err)
		_, err = io.CopyN(io.Discard, resp.Body, 1<<20)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close(), "whoever stops reading is rid of it")
	})
}

func TestHangOverSocketEndsWithClose(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		arrived := make(chan struct{})
		c := start()
		c.Inject(bbbtest.Fault{Hang: true, Processed: true, Match: func(*http.Request) bool { close(arrived); return true }})
		failed := make(chan error)
		go func() { failed <- c.create("abc") }()
		<-arrived
		require.NoError(t, c.Close())
		require.Error(t, <-failed)
		require.NoError(t, c.Close())
		require.Error(t, c.create("def"), "a closed server refuses")
	})
}

func TestHangAndLatencyInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		begun := time.Now()
		within := func(d time.Duration, id string) error {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL()+"api/create?"+sign("create", "meetingID="+id+"&name=abc", secret), http.NoBody)
			require.NoError(t, err)
			resp, err := c.http.Do(r)
			if err == nil {
				c.read(resp)
			}
			return err
		}
		remove := c.Inject(bbbtest.Fault{Hang: true})
		require.ErrorIs(t, within(time.Hour, "hangs"), context.DeadlineExceeded)
		assert.Equal(t, time.Hour, time.Since(begun))
		assert.False(t, c.has("hangs"))
		remove()

		c.Inject(bbbtest.Fault{Latency: 2 * time.Second})
		c.Inject(bbbtest.Fault{Latency: 3 * time.Second})
		require.ErrorIs(t, within(4*time.Second, "slow"), context.DeadlineExceeded)
		synctest.Wait()
		assert.False(t, c.has("slow"), "the client went before it was processed")
		require.NoError(t, within(6*time.Second, "slow"))
		assert.Equal(t, time.Hour+9*time.Second, time.Since(begun))
		c.Inject(bbbtest.Fault{Refuse: true})
		require.ErrorIs(t, within(time.Second, "x"), context.DeadlineExceeded)
		require.ErrorIs(t, within(time.Minute, "x"), syscall.ECONNREFUSED)
		c.ClearFaults()

		c.Inject(bbbtest.Fault{Latency: time.Minute, Processed: true})
		require.ErrorIs(t, within(time.Second, "done"), context.DeadlineExceeded)
		assert.True(t, c.has("done"), "and nobody was told")
		log := c.Requests()
		assert.Equal(t, 0, log[len(log)-1].Status)
		assert.Contains(t, log[len(log)-1].String(), "no answer")
	})
}

func TestFaultsAreCounted(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	pattern := func(n int, call string) string {
		var text string
		for range n {
			if c.raw(http.MethodGet, call, "", "").status == 200 {
				text += "."
			} else {
				text += "x"
			}
		}
		return text
	}
	c.Inject(bbbtest.Fault{Status: 500, Times: 2})
	assert.Equal(t, "xx..", pattern(4, ""))
	remove := c.Inject(bbbtest.Fault{Status: 500, Every: 3})
	assert.Equal(t, "..x..x.", pattern(7, ""))
	remove()
	c.Inject(bbbtest.Fault{Call: "index", Status: 500, Every: 2, Times: 1})
	assert.Equal(t, "...", pattern(3, "getMeetings"))
	assert.Equal(t, ".x...", pattern(5, ""))

	c.Inject(bbbtest.Fault{Status: 500, Times: 1})
	c.Inject(bbbtest.Fault{Status: 502, Times: 1})
	assert.Equal(t, 500, c.raw(http.MethodGet, "", "", "").status, "the first one decides")
	assert.Equal(t, 502, c.raw(http.MethodGet, "", "", "").status, "and the other was not used up")
	assert.Equal(t, 200, c.raw(http.MethodGet, "", "", "").status)
}

func TestClockSkew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inProcess(t)
		c.Inject(bbbtest.Fault{ClockSkew: -time.Hour})
		a := c.call("create", "meetingID=abc&name=abc")
		m, _ := c.Meeting("abc")
		assert.Equal(t, time.Now().Add(-time.Hour), m.Created.Local())
		date, err := http.ParseTime(a.header.Get("Date"))
		require.NoError(t, err)
		assert.WithinDuration(t, m.Created, date, time.Second)
		c.ClearFaults()
		c.Inject(bbbtest.Fault{ClockSkew: time.Hour})
		c.call("end", "meetingID=abc")
		assert.Equal(t, "notFound", c.call("end", "meetingID=abc").key(), "an hour ahead, but no slower")
	})
}

func TestSetDown(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		c := start()
		require.NoError(t, c.create("before"))
		url := c.URL()
		c.SetDown(true)
		c.SetDown(true)
		err := c.create("during")
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		var op *net.OpError
		require.ErrorAs(t, err, &op)
		assert.Equal(t, "dial", op.Op)
		c.SetDown(false)
		assert.Equal(t, url, c.URL())
		require.NoError(t, c.create("after"))
		assert.True(t, c.has("before"), "the state outlives the outage")
		c.Restart()
		assert.False(t, c.has("before"))
		c.SetDown(true)
		require.NoError(t, c.Close())
		c.SetDown(false)
		require.Error(t, c.create("closed"))
	})
}

func TestSetDownBreaksWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, start func(...bbbtest.Option) *client) {
		arrived := make(chan struct{})
		c := start()
		c.http.Transport = oneShot(c.http.Transport)
		c.Inject(bbbtest.Fault{Hang: true, Match: func(*http.Request) bool { close(arrived); return true }})
		failed := make(chan error)
		go func() { failed <- c.create("abc") }()
		<-arrived
		c.SetDown(true)
		require.Error(t, <-failed)
	})
}

// A server may be made once for many tests and used from within their bubbles.
func TestServerOlderThanTheBubble(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	c.Inject(bbbtest.Fault{Latency: time.Hour})
	for range 2 {
		synctest.Test(t, func(t *testing.T) {
			begun := time.Now()
			inner := &client{c.Server, t, c.http}
			assert.Equal(t, "noMeetings", inner.call("getMeetings", "").key())
			assert.Equal(t, time.Hour, time.Since(begun))
		})
	}
}
