package proxy

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Secrets that must be in nothing that is shown.
const (
	clientSecret = "quetzal-of-the-clients"
	serverSecret = "axolotl-of-the-servers"
	relayKey     = "capybara-of-the-relay-0123456789abcdef"
)

// rig is a proxy over fakes, without sockets.
type rig struct {
	*proxy
	t     *testing.T
	fakes []*bbbtest.Server
	net   *bbbtest.Network
	path  string
	log   *syncBuffer
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// newRig makes a proxy over that many fakes. change may alter the configuration, which is that
// of the file as JSON.
func newRig(t *testing.T, servers int, change func(c map[string]any)) *rig {
	t.Helper()
	r := &rig{t: t, path: filepath.Join(t.TempDir(), "proxy.json"), log: new(syncBuffer), net: bbbtest.NetworkOf()}
	for i := range servers {
		r.addFake([]string{"london", "madrid", "oslo", "paris"}[i])
	}
	c := r.config()
	if change != nil {
		change(c)
	}
	r.write(c)
	s := source{path: r.path, getenv: func(string) string { return "" }, group: []bbb.GroupOption{bbb.WithTransport(r.net)}, still: true}
	conf, err := s.read()
	require.NoError(t, err)
	r.proxy, err = newProxy(conf, s, r.log)
	require.NoError(t, err)
	t.Cleanup(func() {
		assert.NoError(t, r.shutdown(nil))
		for _, secret := range []string{clientSecret, serverSecret, relayKey} {
			assert.NotContains(t, r.log.String(), secret, "in the log")
		}
		for _, f := range r.fakes {
			assert.NoError(t, f.Close())
		}
	})
	return r
}

func (r *rig) addFake(name string) {
	f := bbbtest.New(bbbtest.WithName(name), bbbtest.WithSecret(serverSecret+"-"+name))
	r.fakes = append(r.fakes, f)
	r.net.Add(f)
}

// config is the configuration for all fakes that there are.
func (r *rig) config() map[string]any {
	servers := []any{}
	for _, f := range r.fakes {
		servers = append(servers, map[string]any{"name": f.Name(), "url": f.URL(), "secret": f.Secret()})
	}
	return map[string]any{
		"name": "school", "secrets": []any{clientSecret}, "servers": servers, "metrics": true, "status": true,
		"log": map[string]any{"level": "debug"},
	}
}

func (r *rig) write(c map[string]any) {
	text, err := json.Marshal(c)
	require.NoError(r.t, err)
	require.NoError(r.t, os.WriteFile(r.path, text, 0o600))
}

// get asks the proxy for a path.
func (r *rig) get(path string) *httptest.ResponseRecorder {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.routes(true).ServeHTTP(w, httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil))
	for _, secret := range []string{clientSecret, serverSecret, relayKey} {
		assert.NotContains(r.t, w.Body.String(), secret, path)
	}
	return w
}

// call makes an API call as a client does.
func (r *rig) call(call, query string) string {
	r.t.Helper()
	sum := bbb.SHA1.Checksum(call, query, clientSecret)
	if query != "" {
		query += "&"
	}
	return r.get("/bigbluebutton/api/" + call + "?" + query + "checksum=" + sum).Body.String()
}

// meet puts people into a new meeting on a server.
func (r *rig) meet(id string, people ...string) {
	r.t.Helper()
	ctx := context.Background()
	_, err := r.group.CreateMeeting(ctx, bbb.CreateParams{MeetingID: id, Name: "Secret name of " + id})
	require.NoError(r.t, err)
	for _, name := range people {
		_, err := r.group.Join(ctx, bbb.JoinParams{MeetingID: id, FullName: name, Role: bbb.RoleViewer})
		require.NoError(r.t, err)
	}
}

// lines returns the lines of a text that begin so.
func lines(text, prefix string) (found []string) {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, prefix) {
			found = append(found, line)
		}
	}
	return found
}
