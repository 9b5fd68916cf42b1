package bbb_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const roomQuery = "meetingID=room&name=Room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq"

// wellFormed reads an answer as strictly as the library can, and returns the texts of
// its elements by their names.
func wellFormed(t testing.TB, w *httptest.ResponseRecorder) map[string][]string {
	t.Helper()
	body := w.Body.Bytes()
	switch contentType := w.Header().Get("Content-Type"); contentType {
	case "":
		require.Empty(t, body)
		return nil
	case "application/json;charset=utf-8":
		require.True(t, json.Valid(body), "%s", body)
		return nil
	default:
		require.Contains(t, []string{"text/xml;charset=utf-8", "text/xml"}, contentType)
	}
	texts := make(map[string][]string)
	var names []string
	roots := 0
	for d := xml.NewDecoder(strings.NewReader(string(body))); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err, "%s", body)
		switch token := token.(type) {
		case xml.StartElement:
			if len(names) == 0 {
				roots++
				require.Equal(t, "response", token.Name.Local)
			}
			names = append(names, token.Name.Local)
			texts[token.Name.Local] = append(texts[token.Name.Local], "")
		case xml.EndElement:
			names = names[:len(names)-1]
		case xml.CharData:
			require.NotEmpty(t, names, "text outside of the root: %s", body)
			list := texts[names[len(names)-1]]
			list[len(list)-1] += string(token)
		}
	}
	require.Equal(t, 1, roots, "%s", body)
	return texts
}

// twoTenants are two who are told apart by their secrets alone.
func twoTenants() (find bbb.TenantFunc, secrets [2]string) {
	secrets = [2]string{"Tenant-Secret/red/4h", "Tenant-Secret/blue/9w"}
	var tenants []*bbb.Tenant
	for i, secret := range secrets {
		suite.secret("secret of a tenant", secret)
		name := []string{"red", "blue"}[i]
		tenants = append(tenants, &bbb.Tenant{Name: name, Secrets: []string{secret}, Namespace: name})
	}
	return func(_ context.Context, q *bbb.TenantQuery) (*bbb.Tenant, error) {
		for _, tenant := range tenants {
			if q.SignedBy(tenant) {
				return tenant, nil
			}
		}
		return nil, nil //nolint:nilnil // nobody is known
	}, secrets
}

// TestHandlerForgeries: a checksum is good for one call, one query and one secret.
func TestHandlerForgeries(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	find, secrets := twoTenants()
	h, err := bbb.NewHandler(g, bbb.WithHandlerTenants(find))
	require.NoError(t, err)
	require.Empty(t, keyOf(t, ask(t, h, "GET", handlerRoot+"create?"+signedQuery("create", roomQuery, secrets[0]))))
	quiet(fakes)

	sum := checksumOf(newHashes["sha256"](), "end", "meetingID=room", secrets[0])
	for what, query := range map[string]string{
		"no checksum":                      "meetingID=room",
		"an empty one":                     "meetingID=room&checksum=",
		"all zero":                         "meetingID=room&checksum=" + strings.Repeat("0", 64),
		"no hex":                           "meetingID=room&checksum=" + strings.Repeat("g", 64),
		"cut off":                          "meetingID=room&checksum=" + sum[:63],
		"cut to SHA-1":                     "meetingID=room&checksum=" + sum[:40],
		"too long":                         "meetingID=room&checksum=" + sum + "00",
		"of another call":                  signedQuery("isMeetingRunning", "meetingID=room", secrets[0]),
		"of no call":                       signedQuery("", "meetingID=room", secrets[0]),
		"of the path":                      signedQuery("api/end", "meetingID=room", secrets[0]),
		"of another meeting":               "meetingID=room&checksum=" + checksumOf(newHashes["sha256"](), "end", "meetingID=rooM", secrets[0]),
		"with another secret":              signedQuery("end", "meetingID=room", handlerSecret),
		"without a secret":                 signedQuery("end", "meetingID=room", ""),
		"with blanks":                      "meetingID=room&checksum=" + sum + "+",
		"escaped":                          "meetingID=room&checksum=%" + fmt.Sprintf("%02x", sum[0]) + sum[1:],
		"twice":                            "meetingID=room&checksum=" + sum + "&checksum=" + sum,
		"of a call that ends in the query": "ID=room&checksum=" + checksumOf(newHashes["sha256"](), "endmeeting", "ID=room", secrets[0]),
	} {
		w := ask(t, h, http.MethodGet, handlerRoot+"end?"+query)
		assert.Equal(t, "checksumError", keyOf(t, w), what)
		assert.Equal(t, http.StatusOK, w.Code, what)
		wellFormed(t, w)
	}
	assert.Zero(t, requests(fakes, "*"), "a call with a wrong checksum went on")

	// The other tenant signs rightly, and there is no such meeting for him.
	w := ask(t, h, http.MethodGet, handlerRoot+"end?"+signedQuery("end", "meetingID=room", secrets[1]))
	assert.Equal(t, "notFound", keyOf(t, w))
	assert.Len(t, holders(fakes, "red-room"), 1)
}

// TestHandlerReplays says what somebody can do who has seen a request: make the same
// call once more, by the protocol for ever, and nothing else.
func TestHandlerReplays(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g)
	create := signedQuery("create", roomQuery, handlerSecret)
	for _, key := range []string{"", "duplicateWarning", "duplicateWarning"} {
		w := ask(t, h, http.MethodGet, handlerRoot+"create?"+create)
		texts := wellFormed(t, w)
		assert.Equal(t, []string{"SUCCESS"}, texts["returncode"])
		assert.Equal(t, []string{key}, texts["messageKey"])
	}
	quiet(fakes)
	for _, call := range []string{"join", "end", "isMeetingRunning", "getMeetingInfo", "getMeetings", "getRecordings", "deleteRecordings", "hooks/create"} {
		assert.Equal(t, "checksumError", keyOf(t, ask(t, h, http.MethodGet, handlerRoot+call+"?"+create)), call)
	}
	assert.Zero(t, requests(fakes, "*"))
}

// TestHandlerSmuggling tries to get a parameter past the checksum, or one past us that
// a server behind reads in another way.
func TestHandlerSmuggling(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g)
	signed := signedQuery("create", roomQuery, handlerSecret)
	sum := strings.TrimPrefix(signed, roomQuery+"&checksum=")
	for what, query := range map[string]string{
		"in front":                   "meetingID=other&" + signed,
		"behind":                     signed + "&meetingID=other",
		"behind a semicolon":         signed + ";meetingID=other",
		"behind a hash":              signed + "#&meetingID=other",
		"behind a zero":              signed + "%00&meetingID=other",
		"between":                    strings.Replace(signed, "&name", "&meetingID=other&name", 1),
		"with an empty pair":         signed + "&",
		"with another question mark": signed + "?meetingID=other",
		"the name escaped":           roomQuery + "&%63hecksum=" + sum,
		"the name in upper case":     roomQuery + "&CHECKSUM=" + sum,
		"the name with a blank":      roomQuery + "&+checksum=" + sum,
		"the name as a list":         roomQuery + "&checksum[]=" + sum,
		"the separator escaped":      roomQuery + "%26checksum=" + sum,
		"the equals sign escaped":    roomQuery + "&checksum%3D" + sum,
		"a semicolon as separator":   roomQuery + ";checksum=" + sum,
		"a value that is a checksum": roomQuery + "=checksum=" + sum,
		"another name for it": func() string {
			query := roomQuery + "&%63hecksum=" + strings.Repeat("0", 64) // signed, and a second one when it is decoded
			return signedQuery("create", query, handlerSecret)
		}(),
	} {
		w := ask(t, h, http.MethodGet, handlerRoot+"create?"+query)
		assert.Equal(t, "checksumError", keyOf(t, w), what)
		wellFormed(t, w)
	}
	for what, query := range map[string]string{"a line feed": "\n", "a tab": "\t", "a zero": "\x00", "DEL": "\x7f"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, handlerRoot+"create", nil)
		r.URL.RawQuery = signedQuery("create", roomQuery+query, handlerSecret)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, "checksumError", keyOf(t, w), what) // servers sign the text without it
	}
	assert.Zero(t, requests(fakes, "*"))

	// What is signed and looks odd is one value.
	for given, want := range map[string]string{
		"room%26name%3Dother":                   "room&name=other",
		"a;name=other":                          "a;name=other",
		"a%3Bb":                                 "a;b",
		"a=b":                                   "a=b",
		"a%2526b":                               "a%26b",
		"first&meetingID=second":                "first",
		"xx&meeting%49D=yy&MEETINGID=zz":        "xx",
		"q?checksum=" + strings.Repeat("0", 40): "q?checksum=" + strings.Repeat("0", 40),
		"r%26checksum=" + strings.Repeat("0", 40): "r&checksum=" + strings.Repeat("0", 40),
		"s%23t": "s#t",
	} {
		w := askSigned(t, h, "create", "name=Room&meetingID="+given)
		require.Empty(t, keyOf(t, w), "%s: %s", given, w.Body)
		assert.Equal(t, []string{want}, wellFormed(t, w)["meetingID"], given)
		m, ok := fakes[0].Meeting(want)
		require.True(t, ok, given)
		assert.Equal(t, "Room", m.Name, given)
	}
	for _, bad := range []string{"%", "%4", "%zz", "%u0041", "a%"} {
		assert.Equal(t, "validationError", keyOf(t, askSigned(t, h, "create", "name=Room&meetingID=room"+bad)), bad)
		assert.Equal(t, "validationError", keyOf(t, askSigned(t, h, "create", roomQuery+"&x"+bad+"=1")), bad)
	}
}

// TestHandlerXMLInjection puts what breaks XML into everything that comes out again.
func TestHandlerXMLInjection(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		"</name></response><response>", "<![CDATA[", "]]>", "<!--", "-->", "&amp;&lt;&#0;&x;", "<?xml version='1.0'?>", `"'`,
		"\uFFFE\uFFFF", "\x00\x01\x0b\x1f", "\x7f\u0085\u2028\u202e", "\r\n\t", "a\xffb\xed\xa0\x80", "😀\U0010FFFF",
	} {
		t.Run(url.QueryEscape(evil), func(t *testing.T) {
			t.Parallel()
			g, _ := newGroup(t, 1)
			h := newHandler(t, g)
			text := url.QueryEscape("x" + evil + "y")
			w := askSigned(t, h, "create", "meetingID=room"+text+"&name=Room"+text+"&meta_key="+text+"&meta_"+text+"=1&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq"+text)
			id := "room" + text
			if wellFormed(t, w)["returncode"][0] == "FAILED" {
				id = "room" // such an ID or password is refused by the rules of servers
				w = askSigned(t, h, "create", "meetingID=room&name=Room"+text+"&meta_key="+text+"&dialNumber="+text+"&meta_"+text+"=1")
				if key := keyOf(t, w); key != "" {
					w = askSigned(t, h, "create", "meetingID=room&name=Room&welcome="+text+"&meta_"+text+"=1")
				}
			}
			assert.Equal(t, []string{"SUCCESS"}, wellFormed(t, w)["returncode"], "%s", w.Body)
			w = askSigned(t, h, "join", "meetingID="+id+"&fullName=A"+text+"&role=VIEWER&userdata-"+text+"=1&userdata-bbb_x="+text+"&redirect=false&userID="+text)
			wellFormed(t, w)
			for call, query := range map[string]string{
				"getMeetingInfo": "meetingID=" + id, "getMeetings": "", "getSessions": "", "isMeetingRunning": "meetingID=" + text,
				"end": "meetingID=" + text, "join": "meetingID=" + text + "&fullName=" + text, "getRecordings": "meetingID=" + text,
				"publishRecordings": "recordID=x&publish=" + text, "getRecordingTextTracks": "recordID=" + text,
				"sendChatMessage": "meetingID=" + text + "&message=" + text, "hooks/destroy": "hookID=" + text, "hooks/list": "meetingID=" + text,
				"updateRecordings": "recordID=" + text + "&meta_" + text + "=" + text, "deleteRecordings": "recordID=" + text,
			} {
				wellFormed(t, askSigned(t, h, call, query))
			}
		})
	}
}

// TestHandlerRedirects: a join that fails sends the browser to the URL that was signed,
// and never to one that was not, nor anything else with it.
func TestHandlerRedirects(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1, bbb.WithLogoutURL("https://portal.example.org/over"))
	h := newHandler(t, g)
	for given, want := range map[string]string{
		"https://client.example/back":              "https://client.example/back?errors=",
		"https://client.example/zur%C3%BCck?a=b":   "https://client.example/zur%C3%BCck?a=b&errors=",
		"https://client.example/zurück":            "https://client.example/zur%C3%BCck?errors=",
		"https://client.example/\r\nSet-Cookie: x": "https://portal.example.org/over?errors=",
		"https://client.example/\nx":               "https://portal.example.org/over?errors=",
		"javascript:alert(1)":                      "https://portal.example.org/over?errors=",
		"data:text/html,x":                         "https://portal.example.org/over?errors=",
		"//client.example/":                        "https://portal.example.org/over?errors=",
		"/relative":                                "https://portal.example.org/over?errors=",
		`https:\\client.example`:                   "https://portal.example.org/over?errors=",
	} {
		query := "meetingID=nowhere&fullName=Ada&role=VIEWER&errorRedirectUrl=" + url.QueryEscape(given)
		w := askSigned(t, h, "join", query)
		require.Equal(t, http.StatusFound, w.Code, given)
		require.Len(t, w.Header().Values("Location"), 1)
		location := w.Header().Get("Location")
		assert.True(t, strings.HasPrefix(location, want), "%q: %q", given, location)
		assert.NotContains(t, w.Header(), "Set-Cookie")
		assert.NotContains(t, location, "\n")

		w = ask(t, h, http.MethodGet, handlerRoot+"join?"+query+"&checksum="+strings.Repeat("0", 40))
		require.Equal(t, http.StatusFound, w.Code, given)
		assert.True(t, strings.HasPrefix(w.Header().Get("Location"), "https://portal.example.org/over?errors="), given)
		assert.Contains(t, w.Header().Get("Location"), "checksumError")
	}

	// Without a place of ours it is XML.
	g, _ = newGroup(t, 1)
	w := ask(t, newHandler(t, g), http.MethodGet, handlerRoot+"join?meetingID=room&fullName=Ada&errorRedirectUrl=https://client.example/")
	assert.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "checksumError", keyOf(t, w))
	assert.Empty(t, w.Header().Get("Location"))
}

// TestHandlerManyParams: ten thousand parameters are counted, and that is all.
func TestHandlerManyParams(t *testing.T) {
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g)
	many := func(n int) string {
		return "meetingID=room&name=Room" + strings.Repeat("&a=1", n-2-1)
	}
	assert.Empty(t, keyOf(t, askSigned(t, h, "create", many(bbb.DefaultHandlerParamLimit))))
	quiet(fakes)
	assert.Equal(t, "validationError", keyOf(t, askSigned(t, h, "create", many(bbb.DefaultHandlerParamLimit+1))))
	assert.Zero(t, requests(fakes, "*"))

	query := signedQuery("create", many(10_000), handlerSecret)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, handlerRoot+"create?"+query, nil)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	assert.Equal(t, "validationError", keyOf(t, w))
	assert.Less(t, testing.AllocsPerRun(10, func() { h.ServeHTTP(discarding{}, r) }), 100.0)
}

// discarding is where an answer goes that nobody looks at.
type discarding struct{}

func (discarding) Header() http.Header         { return make(http.Header) }
func (discarding) Write(p []byte) (int, error) { return len(p), nil }
func (discarding) WriteHeader(int)             {}

// TestHandlerLongURLs are refused before anything of them is read.
func TestHandlerLongURLs(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	h := newHandler(t, g, bbb.WithHandlerURLLimit(1000))
	query := signedQuery("isMeetingRunning", "meetingID=room&x="+strings.Repeat("x", 1000), handlerSecret)
	for _, target := range []string{handlerRoot + "isMeetingRunning?" + query, "/" + strings.Repeat("x", 1000), "/%" + strings.Repeat("%41", 400)} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		path, rest, _ := strings.Cut(target, "?")
		r.URL.Path, r.URL.RawQuery = path, rest
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		assert.Equal(t, http.StatusRequestURITooLong, w.Code)
		assert.Equal(t, "sizeError", keyOf(t, w))
	}
	assert.Empty(t, keyOf(t, askSigned(t, h, "isMeetingRunning", "meetingID=room&x="+strings.Repeat("x", 800))))
}
