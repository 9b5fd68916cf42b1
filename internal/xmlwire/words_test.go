package xmlwire_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Eight bytes are looked at together, so every byte that matters is put at
// every place in them, with its neighbours in the table of bytes.
func TestEveryPlaceInAWord(t *testing.T) {
	t.Parallel()
	odd := append([]string{"", "<a/>", "<!-- -->", "&#65;", "\x1e\x1f", " ;=", "%'", "\\^", "\x7f\x80", "ü", "ü€😀ü", "\xc3(", "\xc1\xbf"}, pieces...)
	for _, p := range odd {
		for place := range 18 {
			for _, behind := range []string{"", "b", strings.Repeat("c", 7), strings.Repeat("d", 8)} {
				text := strings.Repeat("a", place) + p + behind
				compare(t, []byte("<response><meetingName>"+text+"</meetingName><meetingID>"+text+"</meetingID></response>"))
				compare(t, []byte("<response><meetingName>"+text)) // at the end of the body

				d := document{Name: text, ID: text, Metadata: map[string]string{"a": text}}
				body := documentRecord.Append(nil, "response", &d)
				requireWellFormed(t, body)
				got, err := decode(string(body))
				require.NoError(t, err, "%q", body)
				assert.Equal(t, expected(d), got, "%q", body)
			}
		}
	}
}
