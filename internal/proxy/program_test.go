package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// running is a program that was started.
type running struct {
	t        *testing.T
	stop     context.CancelFunc
	reload   chan os.Signal
	done     chan error
	out, log *syncBuffer
	client   *http.Client
	root     string
}

// start runs the program until the test stops it, and waits until it listens.
func start(t *testing.T, p Program, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	r := &running{
		t: t, stop: stop, reload: make(chan os.Signal), done: make(chan error, 1), out: new(syncBuffer), log: new(syncBuffer),
		client: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	go func() {
		r.done <- p.run(ctx, args, func(string) string { return "" }, r.out, r.log, r.reload)
	}()
	t.Cleanup(stop)
	address := regexp.MustCompile(`(?m)(?:URL: http://|^listening on )(127\.0\.0\.1:\d+)`)
	require.Eventually(t, func() bool {
		m := address.FindStringSubmatch(r.out.String())
		if m != nil {
			r.root = "http://" + m[1]
		}
		return m != nil
	}, time.Minute, 5*time.Millisecond)
	return r
}

func (r *running) get(url string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(r.t, err)
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// What the program prints is enough to go through the life of a meeting.
func TestDemo(t *testing.T) {
	t.Parallel()
	r := start(t, Program{Name: "proxy"}, "-demo", "-listen", "127.0.0.1:0", "-secret", "a-secret-for-the-demo")
	require.Eventually(t, func() bool { return strings.Contains(r.out.String(), "in a browser: ") }, time.Minute, 5*time.Millisecond)
	assert.Contains(t, r.out.String(), "    URL: "+r.root+"/bigbluebutton/\n    Secret: a-secret-for-the-demo\n")
	tries := regexp.MustCompile(`(?m)^try: curl '(.*)'$`).FindAllStringSubmatch(r.out.String(), -1)
	require.Len(t, tries, 3)
	for _, try := range tries {
		_, body, err := r.get(try[1])
		require.NoError(t, err)
		assert.Contains(t, body, "<returncode>SUCCESS</returncode>")
		assert.Contains(t, body, "<meetingID>demo</meetingID>")
	}
	join := regexp.MustCompile(`(?m)^in a browser: (.*)$`).FindStringSubmatch(r.out.String())
	resp, _, err := r.get(join[1])
	require.NoError(t, err)
	assert.Equal(t, http.StatusFound, resp.StatusCode)
	assert.Contains(t, resp.Header.Get("Location"), "/bigbluebutton/api/join?")
	for path, want := range map[string]string{"/status": "All 3 servers take meetings", "/metrics": "bbb_meetings 1", "/healthz": `"ok"`} {
		_, body, err := r.get(r.root + path)
		require.NoError(t, err)
		assert.Contains(t, body, want)
		assert.NotContains(t, body, "a-secret-for-the-demo")
	}
	r.reload <- syscall.SIGHUP // there is no file
	r.stop()
	require.NoError(t, <-r.done)
	assert.True(t, strings.HasSuffix(r.out.String(), "bye\n"))
	assert.NotContains(t, r.log.String(), "a-secret-for-the-demo")
}

// The flag -secret has a secret in it, or says where one is, as the configuration does. The demo
// once looked for it in an environment that it did not have, and panicked.
func TestDemoSecretFromElsewhere(t *testing.T) {
	t.Parallel()
	env := func(name string) string { return map[string]string{"CLIENT": clientSecret}[name] }
	d, err := startDemo(source{getenv: env}, "env:CLIENT")
	require.NoError(t, err)
	assert.Equal(t, []string{clientSecret}, d.config.Secrets)
	require.NoError(t, d.close())
	_, err = startDemo(source{getenv: env}, "env:NOBODY")
	require.ErrorContains(t, err, "the environment variable NOBODY is not set")
}

// A client of the demo gets callbacks, signed with the secret that was printed, where the port is known
// in time for them.
func TestDemoRelaysCallbacks(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:8095": "http://127.0.0.1:8095/bigbluebutton/api/", ":8095": "http://localhost:8095/bigbluebutton/api/", "": "http://" + defaultListen + "/bigbluebutton/api/",
	} {
		d, err := startDemo(source{listen: listen}, "")
		require.NoError(t, err)
		assert.Equal(t, want, d.config.Relay.URL)
		require.NoError(t, d.close())
	}
	d, err := startDemo(source{listen: "127.0.0.1:0"}, "")
	require.NoError(t, err)
	assert.Nil(t, d.config.Relay)
	require.NoError(t, d.close())
}

// A request that has begun ends; new ones are not taken.
func TestShutdownWaitsForRequests(t *testing.T) {
	t.Parallel()
	fake := bbbtest.New(bbbtest.WithName("london"), bbbtest.WithSecret(serverSecret))
	require.NoError(t, fake.Listen("127.0.0.1:0"))
	defer func() { assert.NoError(t, fake.Close()) }()
	arrived, goOn := make(chan struct{}), make(chan struct{})
	// Match runs before the call is processed.
	fake.Inject(bbbtest.Fault{Call: "create", Match: func(*http.Request) bool {
		close(arrived)
		<-goOn
		return false
	}})
	path := filepath.Join(t.TempDir(), "proxy.json")
	text, err := json.Marshal(map[string]any{
		"secrets": []any{clientSecret}, "admin": "127.0.0.1:0", "status": true,
		"servers": []any{map[string]any{"name": "london", "url": fake.URL(), "secret": serverSecret}},
		"timeout": map[string]any{"connect": "30s", "request": "1m"},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	r := start(t, Program{Name: "proxy"}, "-config", path, "-listen", "127.0.0.1:0")

	query := "meetingID=physics&name=Physics"
	answer := make(chan string, 1)
	go func() {
		_, body, err := r.get(r.root + "/bigbluebutton/api/create?" + query + "&checksum=" + bbb.SHA256.Checksum("create", query, clientSecret))
		answer <- fmt.Sprint(body, err)
	}()
	<-arrived
	r.reload <- syscall.SIGHUP // replaces the handler, not what it does
	r.stop()
	require.Eventually(t, func() bool { return strings.Contains(r.log.String(), "shutting down") }, time.Minute, 5*time.Millisecond)
	require.Eventually(t, func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(r.root, "http://"))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	}, time.Minute, 5*time.Millisecond)
	select {
	case err := <-r.done:
		require.Fail(t, "it did not wait", "%v", err)
	default:
	}
	admin := regexp.MustCompile(`for operators: (\S+)`).FindStringSubmatch(r.out.String())
	require.NotNil(t, admin)
	resp, body, err := r.get("http://" + admin[1] + "/healthz")
	require.NoError(t, err, "operators are served to the end")
	assert.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
	assert.Contains(t, body, "shutting down")
	close(goOn)
	assert.Contains(t, <-answer, "<returncode>SUCCESS</returncode>")
	require.NoError(t, <-r.done)
	assert.NotContains(t, r.log.String(), clientSecret)
}

// The pages of operators are where they were asked for, and clients do not see them.
func TestAdminHasItsOwnAddress(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"secrets": ["`+clientSecret+`"], "servers": [], "admin": "127.0.0.1:0", "status": true, "metrics": true}`), 0o600))
	r := start(t, Program{Name: "proxy"}, "-config", path, "-listen", "127.0.0.1:0")
	admin := regexp.MustCompile(`for operators: (\S+)`)
	require.Eventually(t, func() bool { return admin.MatchString(r.out.String()) }, time.Minute, 5*time.Millisecond)
	for page, want := range map[string]int{"/status": http.StatusOK, "/metrics": http.StatusOK, "/healthz": http.StatusServiceUnavailable, "/bigbluebutton/api": http.StatusNotFound} {
		resp, _, err := r.get("http://" + admin.FindStringSubmatch(r.out.String())[1] + page)
		require.NoError(t, err)
		assert.Equal(t, want, resp.StatusCode, page)
	}
	for page, want := range map[string]int{"/status": http.StatusNotFound, "/metrics": http.StatusNotFound, "/healthz": http.StatusServiceUnavailable, "/bigbluebutton/api": http.StatusOK} {
		resp, _, err := r.get(r.root + page)
		require.NoError(t, err)
		assert.Equal(t, want, resp.StatusCode, page)
	}
	r.stop()
	require.NoError(t, <-r.done)
}

// closingCache is a cache that has to be closed.
type closingCache struct {
	bbb.Cache
	closed chan struct{}
}

func (c closingCache) Close() error {
	close(c.closed)
	return nil
}

func TestCacheOfTheProgram(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "proxy.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"secrets": ["`+clientSecret+`"], "servers": [], "cache": "redis://localhost/3"}`), 0o600))
	opened := make(chan chan struct{}, 2) // once to check the configuration
	r := start(t, Program{Name: "proxy", OpenCache: func(rawURL string) (bbb.Cache, error) {
		assert.Equal(t, "redis://localhost/3", rawURL)
		closed := make(chan struct{})
		opened <- closed
		return closingCache{bbb.NewMemoryCache(), closed}, nil
	}}, "-config", path, "-listen", "127.0.0.1:0")
	r.stop()
	require.NoError(t, <-r.done)
	<-(<-opened)
	<-(<-opened)

	err := Program{OpenCache: func(string) (bbb.Cache, error) { return nil, errors.New("no such database") }}.run(
		t.Context(), []string{"-config", path, "-listen", "127.0.0.1:0"}, os.Getenv, io.Discard, io.Discard, nil)
	require.ErrorContains(t, err, "cache: no such database")
}

func TestProgramRefuses(t *testing.T) {
	t.Parallel()
	run := func(args ...string) (string, error) {
		var out syncBuffer
		err := Program{Name: "proxy"}.run(t.Context(), args, func(string) string { return "" }, &out, &out, nil)
		return out.String(), err
	}
	out, err := run("-h")
	require.NoError(t, err)
	assert.Contains(t, out, "-config file")
	for _, args := range [][]string{
		{"-config"}, {"-nonsense"}, {"-demo", "now"}, {"-config", "x", "-demo"}, {"-config", "x", "-secret", "y"}, {"-check"},
		{"-config", filepath.Join(t.TempDir(), "none.json")},
	} {
		_, err := run(args...)
		assert.ErrorIs(t, err, errUsage, "%q", args)
	}
	_, err = run("-demo", "-listen", "nowhere")
	require.Error(t, err)
	path := filepath.Join(t.TempDir(), "proxy.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"secrets": ["`+clientSecret+`"], "servers": []}`), 0o600))
	out, err = run("-config", path, "-check")
	require.NoError(t, err)
	assert.Contains(t, out, "is fine: 0 servers, 0 tenants.")

	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { assert.NoError(t, taken.Close()) }()
	_, err = run("-config", path, "-listen", taken.Addr().String())
	require.ErrorContains(t, err, "address already in use")
}
