package bbbtest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// got is a callback that arrived.
type got struct {
	at          time.Duration // since the receiver was made
	method, url string
	header      http.Header
	body        string
	form        url.Values
}

// receiver takes callbacks in-process; answer says with what, 200 when it is nil.
type receiver struct {
	mu     sync.Mutex
	start  time.Time
	list   []got
	answer http.HandlerFunc
}

func newReceiver() *receiver { return &receiver{start: time.Now()} }

func (r *receiver) RoundTrip(req *http.Request) (*http.Response, error) {
	g := got{at: time.Since(r.start), method: req.Method, url: req.URL.String(), header: req.Header.Clone()}
	if req.Body != nil {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		g.body = string(body)
		if req.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
			if g.form, err = url.ParseQuery(g.body); err != nil {
				return nil, err
			}
		}
	}
	r.mu.Lock()
	r.list = append(r.list, g)
	answer := r.answer
	r.mu.Unlock()
	w := httptest.NewRecorder()
	if answer != nil {
		answer(w, req)
	}
	if req.Context().Err() != nil {
		return nil, req.Context().Err()
	}
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// taken returns what arrived, and forgets it.
func (r *receiver) taken() []got {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.list
	r.list = nil
	return list
}

func (r *receiver) respond(f http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = f
}

// status answers always the same.
func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// event is the event of a webhook.
func (g got) event(t *testing.T) (id string, attributes map[string]any) {
	t.Helper()
	var list []struct {
		Data struct {
			Type, ID   string
			Attributes map[string]any
			Event      struct{ TS int64 }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(g.form.Get("event")), &list), g.body)
	require.Len(t, list, 1)
	assert.Equal(t, "event", list[0].Data.Type)
	assert.Positive(t, list[0].Data.Event.TS)
	return list[0].Data.ID, list[0].Data.Attributes
}

func eventNames(t *testing.T, list []got) []string {
	t.Helper()
	var names []string
	for _, g := range list {
		name, _ := g.event(t)
		names = append(names, name)
	}
	return names
}

// token checks the signature of a JWT and returns its header and claims.
func token(t *testing.T, alg, text string) (header, claims map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	require.Len(t, parts, 3)
	sum := func() hash.Hash { return sha256.New() }
	if alg == "HS512" {
		sum = sha512.New
	}
	mac := hmac.New(sum, []byte(secret))
	mac.Write([]byte(parts[0] + "." + parts[1]))
	assert.Equal(t, base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), parts[2])
	for i, v := range []*map[string]any{&header, &claims} {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, v))
	}
	assert.Equal(t, alg, header["alg"])
	return header, claims
}
