package bbb

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A request is sent to a URL that was never parsed, so it must be what parsing gives.
func TestEndpointAt(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"https://bbb1.example.org", "http://[2001:db8::1]:8080/bigbluebutton/api/", "https://lb.example.org/tenant%2F1/bigbluebutton",
		"https://lb.example.org/schule+ü/bigbluebutton",
	} {
		e, err := parseEndpoint(raw)
		require.NoError(t, err)
		for _, call := range []string{callCreate, callHooksCreate} {
			for _, query := range []string{"", "meetingID=a%2Fb&name=%C3%9Cbung+1&checksum=00"} {
				text := e.base + "/" + call
				if query != "" {
					text += "?" + query
				}
				want, err := url.Parse(text)
				require.NoError(t, err)
				assert.Equal(t, want, e.at(call, query), raw)
				assert.Equal(t, want.String(), e.at(call, query).String(), raw)
			}
		}
		assert.Equal(t, e.url, e.at("", ""))
	}
}

// What is sent must be what JoinURL and its like hand out.
func TestSignedQueryIsThatOfTheURL(t *testing.T) {
	t.Parallel()
	e, err := parseEndpoint("https://bbb1.example.org")
	require.NoError(t, err)
	for _, query := range []string{"", "meetingID=a%2Fb"} {
		for a := range algorithms {
			in := newScratch()
			in.text = append(append(in.text, callCreate...), query...)
			whole := e.signed(a, in, len(callCreate), "secret")
			assert.Equal(t, callCreate+query, string(in.text), "the secret was taken away")
			in.release()
			assert.Equal(t, whole, e.at(callCreate, signedQuery(a, callCreate, []byte(query), "secret")).String())
			assert.Contains(t, whole, "checksum="+a.Checksum(callCreate, query, "secret"))
		}
	}
}
