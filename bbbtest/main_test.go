package bbbtest_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/bbbgroup/bbb/bbbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "639259d4-9dd8-4b25-bf01-95f9567eaf4b"

// client makes signed calls without following redirects.
type client struct {
	*bbbtest.Server
	tb   testing.TB
	http *http.Client
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// inProcess reaches a new server without a socket.
func inProcess(tb testing.TB, opts ...bbbtest.Option) *client {
	tb.Helper()
	s := bbbtest.New(append([]bbbtest.Option{bbbtest.WithSecret(secret)}, opts...)...)
	tb.Cleanup(func() { _ = s.Close() })
	return &client{s, tb, &http.Client{Transport: s.Transport(), CheckRedirect: noRedirect}}
}

// overSocket reaches a new server through the loopback interface.
func overSocket(tb testing.TB, opts ...bbbtest.Option) *client {
	tb.Helper()
	s := bbbtest.Start(tb, append([]bbbtest.Option{bbbtest.WithSecret(secret)}, opts...)...)
	transport := &http.Transport{}
	tb.Cleanup(transport.CloseIdleConnections)
	return &client{s, tb, &http.Client{Transport: transport, CheckRedirect: noRedirect}}
}

// both runs a test in-process and over a socket: the two have to look the same.
func both(t *testing.T, test func(t *testing.T, start func(...bbbtest.Option) *client)) {
	t.Helper()
	for name, newClient := range map[string]func(testing.TB, ...bbbtest.Option) *client{
		"in-process": inProcess, "socket": overSocket,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(opts ...bbbtest.Option) *client { return newClient(t, opts...) })
		})
	}
}

// node is an XML element, whatever it is called.
type node struct {
	XMLName  xml.Name
	Text     string `xml:",chardata"`
	Children []node `xml:",any"`
}

// all returns the elements at a path such as meetings/meeting.
func (n node) all(path string) []node {
	name, rest, deeper := strings.Cut(path, "/")
	var found []node
	for _, child := range n.Children {
		if child.XMLName.Local != name {
			continue
		}
		if deeper {
			found = append(found, child.all(rest)...)
		} else {
			found = append(found, child)
		}
	}
	return found
}

// get returns the text of the first element at a path, and "<none>" when there is none.
func (n node) get(path string) string {
	if found := n.all(path); len(found) > 0 {
		return strings.TrimSpace(found[0].Text)
	}
	return "<none>"
}

func (n node) names() []string {
	var names []string
	for _, child := range n.Children {
		names = append(names, child.XMLName.Local)
	}
	return names
}

// answer is what came back.
type answer struct {
	node
	status int
	header http.Header
	body   string
}

func sum(name, text string) string {
	switch name {
	case "sha1":
		h := sha1.Sum([]byte(text))
		return hex.EncodeToString(h[:])
	case "sha384":
		h := sha512.Sum384([]byte(text))
		return hex.EncodeToString(h[:])
	case "sha512":
		h := sha512.Sum512([]byte(text))
		return hex.EncodeToString(h[:])
	}
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// sign appends a checksum to a query.
func sign(call, query, secret string) string {
	signed := "checksum=" + sum("sha256", call+query+secret)
	if query != "" {
		signed = query + "&" + signed
	}
	return signed
}

// call makes a signed GET.
func (c *client) call(name, query string) answer {
	c.tb.Helper()
	return c.raw(http.MethodGet, name+"?"+sign(name, query, c.Secret()), "", "")
}

// raw makes a request below api/ as it is told to.
func (c *client) raw(method, target, contentType, body string) answer {
	c.tb.Helper()
	resp, err := c.send(method, target, contentType, body)
	require.NoError(c.tb, err)
	return c.read(resp)
}

func (c *client) send(method, target, contentType, body string) (*http.Response, error) {
	c.tb.Helper()
	r, err := http.NewRequestWithContext(c.tb.Context(), method, c.URL()+"api/"+target, strings.NewReader(body))
	require.NoError(c.tb, err)
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return c.http.Do(r)
}

func (c *client) read(resp *http.Response) answer {
	c.tb.Helper()
	body, err := io.ReadAll(resp.Body)
	require.NoError(c.tb, err)
	require.NoError(c.tb, resp.Body.Close())
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(body)}
	if strings.Contains(resp.Header.Get("Content-Type"), "xml") {
		require.NoError(c.tb, xml.Unmarshal(body, &a.node), "%s", body)
		require.Equal(c.tb, "response", a.XMLName.Local)
	}
	return a
}

// key returns how the answer failed, or the message key of a success.
func (a answer) key() string { return a.get("messageKey") }

// wait moves the clock of a bubble, and lets everything due by then happen.
func wait(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
