package bbb_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fuzzWorld is a handler in front of a fake, made anew now and then so that what was
// fuzzed does not pile up.
type fuzzWorld struct {
	uses  int
	fake  *bbbtest.Server
	group *bbb.Group
	h     *bbb.Handler
	event bbb.HandlerEvent
}

func (f *fuzzWorld) handler(t *testing.T) *bbb.Handler {
	if f.uses++; f.uses%200 != 1 {
		return f.h
	}
	f.close(t)
	f.fake = bbbtest.New()
	g, err := bbb.NewGroup("fuzz", bbb.WithTransport(f.fake.Transport()))
	require.NoError(t, err)
	_, err = g.New("bbb1", f.fake.URL(), f.fake.Secret())
	require.NoError(t, err)
	f.group = g
	f.h, err = bbb.NewHandler(g, bbb.WithHandlerSecrets(handlerSecret), bbb.WithHandlerForms(bbb.SignQuery, bbb.SignForm),
		bbb.WithHandlerObserver(func(_ context.Context, e bbb.HandlerEvent) { f.event = e }))
	require.NoError(t, err)
	return f.h
}

func (f *fuzzWorld) close(t testing.TB) {
	if f.group == nil {
		return
	}
	assert.NoError(t, f.group.Close(context.Background()))
	assert.NoError(t, f.fake.Close())
}

// FuzzHandler sends anything, and signs it if it is told to. There is always an answer
// that can be read, and it is one to the call only if somebody who knows the secret
// signed the call and what it says. That is found out by other means here.
func FuzzHandler(f *testing.F) {
	const formType = "application/x-www-form-urlencoded"
	for client := range clientQueries {
		f.Add("GET", handlerRoot+"create", clientQueries[client], true, "", "")
	}
	for _, call := range []string{
		"", "join", "end", "isMeetingRunning", "getMeetingInfo", "getMeetings", "getSessions", "sendChatMessage", "getRecordings", "publishRecordings",
		"deleteRecordings", "updateRecordings", "getRecordingTextTracks", "hooks/create", "hooks/list", "hooks/destroy",
	} {
		f.Add("GET", handlerRoot+call, "meetingID=room&fullName=Ada&role=VIEWER&redirect=false&recordID=x&publish=true&hookID=1&callbackURL=http://x/&message=m&meta_a=b", true, "", "")
		f.Add("HEAD", "/"+call, "a=%zz&&=&checksum=", false, "", "")
	}
	f.Add("POST", handlerRoot+"create", roomQuery, true, "application/xml", `<modules><module name="presentation"><document url="https://x/a.pdf"/></module></modules>`)
	f.Add("POST", handlerRoot+"insertDocument", "meetingID=room", true, "text/xml", `<modules><module name="presentation"><document name="a.pdf">QQ==</document></module></modules>`)
	f.Add("POST", handlerRoot+"putRecordingTextTrack", "recordID=x&kind=subtitles&lang=en", true, "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x\"\r\n\r\nx\r\n--b--\r\n")
	f.Add("POST", handlerRoot+"create", "", true, formType, roomQuery)
	f.Add("POST", handlerRoot+"create", "", false, formType, signedQuery("create", roomQuery, handlerSecret))
	f.Add("POST", handlerRoot+"end", "", false, "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"checksum\"\r\n\r\n"+strings.Repeat("0", 40)+"\r\n--b--\r\n")
	f.Add("OPTIONS", "/a/../api//%2e%2e/x", "%63hecksum=0", false, "x/y;z", "<")
	world := new(fuzzWorld)
	f.Cleanup(func() { world.close(f) })
	f.Fuzz(func(t *testing.T, method, path, query string, sign bool, contentType, body string) {
		h := world.handler(t)
		if sign {
			_, call, _ := strings.Cut(path, "api/")
			query = signedQuery(call, query, handlerSecret)
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", bytes.NewReader([]byte(body)))
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		if plain, err := url.PathUnescape(path); err == nil {
			r.URL.Path, r.URL.RawPath = plain, path
		}
		r.Header.Set("Content-Type", contentType)
		world.event = bbb.HandlerEvent{}
		world.fake.ResetRequests()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)

		if method == http.MethodHead {
			require.Empty(t, w.Body.Bytes())
		} else {
			wellFormed(t, w)
		}
		require.Contains(t, []int{200, 204, 302, 400, 404, 405, 413, 414}, w.Code)
		call := world.event.Call
		asked := len(world.fake.Requests()) > 0
		if call == "" || call == "index" || world.event.Key == "checksumError" || w.Code >= 400 || w.Code == 204 {
			require.False(t, asked && w.Code != 413 && w.Code != 400, "a server was asked for what is refused")
			return
		}
		require.True(t, strings.HasSuffix("/"+path, "/"+call), "%s is not the call of %s", call, path)
		if asked || w.Code == 302 || !world.event.Failed {
			require.True(t, isSigned(call, query, contentType, body), "carried out without a signature")
		}
	})
}

// isSigned tells whether somebody who knows the secret can have made a request: there is
// a checksum in it of a text that it has.
func isSigned(call, query, contentType, body string) bool {
	texts := []string{"", query, body, withoutChecksum(query), withoutChecksum(body)}
	if values, err := url.ParseQuery(body); err == nil {
		values.Del("checksum")
		texts = append(texts, strings.ReplaceAll(strings.ReplaceAll(values.Encode(), "~", "%7E"), "%2A", "*"))
	}
	haystack := strings.ToLower(query + "&" + body)
	for _, text := range texts {
		for _, newHash := range newHashes {
			if strings.Contains(haystack, checksumOf(newHash(), call, text, handlerSecret)) {
				return true
			}
		}
	}
	return strings.HasPrefix(contentType, "multipart/") // its texts have too many ways to be written
}

// withoutChecksum takes all pairs with a checksum out of a query.
func withoutChecksum(query string) string {
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(pair, "checksum=") {
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}
