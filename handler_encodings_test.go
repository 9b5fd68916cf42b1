package bbb_test

import (
	"crypto/sha256"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/bbbgroup/bbb"
	"github.com/bbbgroup/bbb/bbbtest"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// meantName and meantWelcome are what the clients of clientQueries want to say.
const (
	meantName    = "Räum 1+2 & Co. ~!'()*;/?=%😀"
	meantWelcome = "<b>Grüße</b>,\n\"%%CONFNAME%%\" #1"
)

// clientQueries are creates as the clients of this world write them: the text behind
// the "?" without the checksum, to the byte. Nobody's query looks like another's.
var clientQueries = map[string]string{
	"PHP http_build_query": "name=R%C3%A4um+1%2B2+%26+Co.+%7E%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list%5B0%5D=a&list%5B1%5D=b",
	"PHP http_build_query, RFC 3986": "name=R%C3%A4um%201%2B2%20%26%20Co.%20~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22%20%231&meta_k=v%201&list%5B0%5D=a&list%5B1%5D=b",
	"Ruby URI.encode_www_form": "attendeePW=attendee-7Kq&list=a&list=b&meetingID=room&meta_k=v+1&moderatorPW=moderator-7Kq" +
		"&name=R%C3%A4um+1%2B2+%26+Co.+%7E%21%27%28%29*%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231",
	"Ruby CGI.escape": "attendeePW=attendee-7Kq&list=a&meetingID=room&meta_k=v+1&moderatorPW=moderator-7Kq" +
		"&name=R%C3%A4um+1%2B2+%26+Co.+~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231",
	"Ruby to_query": "attendeePW=attendee-7Kq&list%5B%5D=a&list%5B%5D=b&meetingID=room&meta_k=v+1&moderatorPW=moderator-7Kq" +
		"&name=R%C3%A4um+1%2B2+%26+Co.+~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231",
	"Java URLEncoder": "meetingID=room&name=R%C3%A4um+1%2B2+%26+Co.+%7E%21%27%28%29*%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a",
	"Java UriComponentsBuilder": "meetingID=room&name=R%C3%A4um%201%2B2%20%26%20Co.%20~!'()*;/?%3D%25%F0%9F%98%80" +
		"&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C/b%3E,%0A%22%25%25CONFNAME%25%25%22%20%231&meta_k=v%201&list=a&list=b",
	"Python urlencode and requests": "name=R%C3%A4um+1%2B2+%26+Co.+~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a&list=b",
	"Python quote": "name=R%C3%A4um%201%2B2%20%26%20Co.%20~%21%27%28%29%2A%3B/%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C/b%3E%2C%0A%22%25%25CONFNAME%25%25%22%20%231&meta_k=v%201&list=a",
	"JavaScript URLSearchParams": "name=R%C3%A4um+1%2B2+%26+Co.+%7E%21%27%28%29*%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a&list=b",
	"JavaScript encodeURIComponent": "name=R%C3%A4um%201%2B2%20%26%20Co.%20~!'()*%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22%20%231&meta_k=v%201&list=a",
	"JavaScript qs": "name=R%C3%A4um%201%2B2%20%26%20Co.%20~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22%20%231&meta_k=v%201&list%5B0%5D=a&list%5B1%5D=b",
	"JavaScript axios": "name=R%C3%A4um+1%2B2+%26+Co.+~!'()*%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E,%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list[]=a&list[]=b",
	"Go url.Values": "attendeePW=attendee-7Kq&list=a&list=b&meetingID=room&meta_k=v+1&moderatorPW=moderator-7Kq" +
		"&name=R%C3%A4um+1%2B2+%26+Co.+~%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231",
	".NET HttpUtility, in lower case": "name=R%c3%a4um+1%2b2+%26+Co.+%7e!%27()*%3b%2f%3f%3d%25%f0%9f%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3cb%3eGr%c3%bc%c3%9fe%3c%2fb%3e%2c%0a%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a",
	"Perl URI": "name=R%C3%A4um+1%2B2+%26+Co.+~!'()*%3B/%3F%3D%25%F0%9F%98%80" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C/b%3E%2C%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a",
	"by hand, as little as possible escaped": "name=Räum+1%2B2+%26+Co.+~!'()*;/?=%25😀" +
		"&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=<b>Grüße</b>,%0A\"%25%25CONFNAME%25%25\"+%231&meta_k=v+1&list=a",
	"by hand, all escaped, names too": "%6e%61%6D%65=%52%C3%A4%75%6D%20%31%2B%32%20%26%20%43%6F%2E%20%7E%21%27%28%29%2A%3B%2F%3F%3D%25%F0%9F%98%80" +
		"&meeting%49D=%72%6f%6F%6d&attendeePW=attendee%2D7Kq&moderatorPW=moderator%2d7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C%2Fb%3E%2C%0A%22%25%25CONFNAME%25%25%22%20%231&meta%5Fk=v%201&list=a",
	"with what means nothing": "&&name=R%C3%A4um+1%2B2+%26+Co.+~!'()*;/?=%25%F0%9F%98%80&" +
		"&duration=&bannerText&=nameless&meetingID=room&attendeePW=attendee-7Kq&moderatorPW=moderator-7Kq" +
		"&welcome=%3Cb%3EGr%C3%BC%C3%9Fe%3C/b%3E,%0A%22%25%25CONFNAME%25%25%22+%231&meta_k=v+1&list=a&name=another&meetingID=other&",
}

// withChecksum puts a checksum into a query: 0 first, 1 in the middle, 2 last.
func withChecksum(query, sum string, place int) string {
	pairs := strings.Split(query, "&")
	at := []int{0, len(pairs) / 2, len(pairs)}[place]
	all := append(append(append([]string{}, pairs[:at]...), "checksum="+sum), pairs[at:]...)
	return strings.Join(all, "&")
}

// TestHandlerEncodings has each client create a meeting, with each algorithm and the
// checksum at each place, and looks at what the server behind got.
func TestHandlerEncodings(t *testing.T) {
	t.Parallel()
	for client, query := range clientQueries {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			for name, newHash := range newHashes {
				for place := range 3 {
					g, fakes := newGroup(t, 1)
					h := newHandler(t, g)
					sum := checksumOf(newHash(), "create", query, handlerSecret)
					if place == 1 {
						sum = strings.ToUpper(sum)
					}
					w := ask(t, h, http.MethodGet, handlerRoot+"create?"+withChecksum(query, sum, place))
					require.Empty(t, keyOf(t, w), "%s %d: %s", name, place, w.Body)
					assertMeant(t, fakes[0])
				}
			}
		})
	}
}

// assertMeant looks for the meeting that the clients want.
func assertMeant(t *testing.T, fake *bbbtest.Server) {
	t.Helper()
	m, ok := fake.Meeting("room")
	require.True(t, ok)
	assert.Equal(t, meantName, m.Name)
	assert.Equal(t, "attendee-7Kq", m.AttendeePW)
	assert.Equal(t, "moderator-7Kq", m.ModeratorPW)
	assert.Equal(t, "v 1", m.Metadata["k"])
	assert.Equal(t, meantWelcome, m.Params.Get("welcome"))
	for _, name := range []string{"list[0]", "list[]", "list"} {
		if values, ok := m.Params[name]; ok {
			assert.Equal(t, "a", values[0])
			return
		}
	}
	assert.Fail(t, "the list is lost", "%v", m.Params)
}

// TestHandlerRefusesAnyOtherByte changes one byte of a signed query at a time: there is
// no byte that does not count, and none that stands for another.
func TestHandlerRefusesAnyOtherByte(t *testing.T) {
	t.Parallel()
	g, fakes := newGroup(t, 1)
	h := newHandler(t, g)
	for client, query := range clientQueries {
		signed := signedQuery("create", query, handlerSecret)
		for i := range len(signed) {
			for _, flip := range []byte{1, ' '} { // another letter, and the other case
				if flip == ' ' && i >= len(signed)-sha256.Size*2 {
					continue // the letter case of a checksum does not matter
				}
				changed := []byte(signed)
				changed[i] ^= flip
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, handlerRoot+"create", nil)
				r.URL.RawQuery = string(changed)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				require.Equal(t, "checksumError", keyOf(t, w), "%s: byte %d", client, i)
			}
		}
	}
	assert.Zero(t, requests(fakes, "*"))
}

// TestHandlerAlgorithms accepts what is allowed, and what is not as a wrong checksum.
func TestHandlerAlgorithms(t *testing.T) {
	t.Parallel()
	g, _ := newGroup(t, 1)
	for allowed := range newHashes {
		algorithm, err := bbb.ParseAlgorithm(allowed)
		require.NoError(t, err)
		h := newHandler(t, g, bbb.WithHandlerAlgorithms(algorithm))
		for name, newHash := range newHashes {
			sum := checksumOf(newHash(), "getMeetings", "", handlerSecret)
			for _, query := range []string{"checksum=" + sum, "&checksum=" + sum} { // "?&checksum=" is how some clients begin
				key := keyOf(t, ask(t, h, http.MethodGet, handlerRoot+"getMeetings?"+query))
				assert.Equal(t, name == allowed, key == "", "%s where %s is allowed: %s", name, allowed, key)
			}
		}
	}
}

// TestHandlerSecondSecret: while one secret replaces another, both are good.
func TestHandlerSecondSecret(t *testing.T) {
	t.Parallel()
	const older = "Handler-Secret/before/5k"
	g, _ := newGroup(t, 1)
	h := newHandler(t, g, bbb.WithHandlerSecrets(handlerSecret, older))
	for secret, key := range map[string]string{handlerSecret: "", older: "", "Handler-Secret/other/3p": "checksumError", "": "checksumError"} {
		query := "meetingID=room&checksum=" + checksumOf(sha256.New(), "isMeetingRunning", "meetingID=room", secret)
		assert.Equal(t, key, keyOf(t, ask(t, h, http.MethodGet, handlerRoot+"isMeetingRunning?"+query)))
	}
}

// TestHandlerTextThatIsNotUTF8 does not let it get into an answer, or to a server.
func TestHandlerTextThatIsNotUTF8(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"%ff", "%C3", "%ED%A0%80", "%C0%80", "\xff"} { // Latin-1, cut off, half of a surrogate pair, overlong
		g, fakes := newGroup(t, 1)
		h := newHandler(t, g)
		query := "meetingID=room&name=Caf" + bad + "e&meta_k" + bad + "=x" + bad + "&unknown" + bad + "=" + bad
		w := askSigned(t, h, "create", query)
		require.Empty(t, keyOf(t, w), w.Body)
		m, ok := fakes[0].Meeting("room")
		require.True(t, ok)
		assert.Equal(t, "Caf\uFFFDe", m.Name)
		for name, values := range m.Params {
			assert.True(t, utf8.ValidString(name), name)
			assert.True(t, utf8.ValidString(values[0]), name)
		}
	}
}
