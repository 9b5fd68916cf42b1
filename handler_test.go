package bbb_test

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	handlerSecret = "Handler-Secret/7q+2=R&y"
	handlerRoot   = "/bigbluebutton/api/"
)

// newHandler makes a handler with one secret, watched for others.
func newHandler(t testing.TB, g *bbb.Group, opts ...bbb.HandlerOption) *bbb.Handler {
	t.Helper()
	suite.secret("secret of a handler", handlerSecret)
	h, err := bbb.NewHandler(g, append([]bbb.HandlerOption{bbb.WithHandlerSecrets(handlerSecret)}, opts...)...)
	require.NoError(t, err)
	return h
}

// checksumOf is the checksum of a call, made without the code under test.
func checksumOf(h hash.Hash, call, query, secret string) string {
	_, _ = io.WriteString(h, call+query+secret)
	return hex.EncodeToString(h.Sum(nil))
}

// signedQuery adds the checksum at the end of a query.
func signedQuery(call, query, secret string) string {
	sum := "checksum=" + checksumOf(sha256.New(), call, query, secret)
	if query == "" {
		return sum
	}
	return query + "&" + sum
}

// newHashes are the four algorithms, by their names.
var newHashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha384": sha512.New384, "sha512": sha512.New}

// ask sends a request to a handler whose target is written as it stands in the request line.
func ask(t testing.TB, h http.Handler, method, target string, body ...string) *httptest.ResponseRecorder {
	t.Helper()
	return askWith(t, h, method, target, nil, body...)
}

func askWith(t testing.TB, h http.Handler, method, target string, header map[string]string, body ...string) *httptest.ResponseRecorder {
	t.Helper()
	var from io.Reader
	if len(body) > 0 {
		from = strings.NewReader(body[0])
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, from)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// askSigned makes a call with a query that is signed with handlerSecret.
func askSigned(t testing.TB, h http.Handler, call, query string) *httptest.ResponseRecorder {
	t.Helper()
	return ask(t, h, http.MethodGet, handlerRoot+call+"?"+signedQuery(call, query, handlerSecret))
}

// keyOf returns the messageKey of an answer that is FAILED, "" of one that is not.
func keyOf(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	body := w.Body.String()
	if !strings.Contains(body, "FAILED") {
		return ""
	}
	_, rest, ok := strings.Cut(body, "<messageKey>")
	if !ok {
		_, rest, ok = strings.Cut(body, `"messageKey":"`)
	}
	require.True(t, ok, body)
	return rest[:strings.IndexAny(rest, `<"`)]
}

func TestHandlerAnswersAsAServer(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 2)
	h := newHandler(t, g)

	w := askSigned(t, h, "create", "meetingID=room&name=Room+1&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq")
	require.Empty(t, keyOf(t, w), w.Body)
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "text/xml;charset=utf-8", w.Header().Get("Content-Type"))
	assert.Equal(t, "no-cache", w.Header().Get("Cache-Control"))
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	m, ok := holder(t, fakes, "room").Meeting("room")
	require.True(t, ok)
	assert.Equal(t, "Room 1", m.Name)
}
