package redact_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb/internal/redact"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const mask = redact.Mask

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                     "",
		"nothing to hide here":                 "nothing to hide here",
		"a=1&checksum=abc123&b=2":              "a=1&checksum=" + mask + "&b=2",
		"CHECKSUM=abc":                         "CHECKSUM=" + mask,
		"checksum=":                            "checksum=",
		"password=a%26b&x=1":                   "password=" + mask + "&x=1",
		"password=%26b":                        "password=" + mask,
		"password=a;b%3Bc":                     "password=" + mask,
		"attendeePW=x&moderatorPW=y&name=n":    "attendeePW=" + mask + "&moderatorPW=" + mask + "&name=n",
		"sessionToken=t replaceSessionToken=u": "sessionToken=" + mask + " replaceSessionToken=" + mask,
		"session_token=t&auth_token=u&authToken=v":    "session_token=" + mask + "&auth_token=" + mask + "&authToken=" + mask,
		"Set-Cookie: JSESSIONID=AB12; Path=/":         "Set-Cookie: JSESSIONID=" + mask + " Path=/",
		"userdata-bbb_pin=1234&x=y":                   "userdata-bbb_pin=" + mask + "&x=y",
		"securitySalt=s secret=u":                     "securitySalt=" + mask + " secret=" + mask,
		"to=https%3A%2F%2Fa%3Fchecksum%3Dabc%26b&c=1": "to=https%3A%2F%2Fa%3Fchecksum%3D" + mask + "&c=1",
		"to=x%253Fpassword%253Dabc%2526y&c=1":         "to=x%253Fpassword%253D" + mask + "&c=1",
		"<attendeePW>ap</attendeePW><name>n</name>":   "<attendeePW>" + mask + "</attendeePW><name>n</name>",
		"<moderatorPW><![CDATA[m<p]]></moderatorPW>":  "<moderatorPW>" + mask + "</moderatorPW>",
		"<session_token>cut off":                      "<session_token>" + mask,
		"<auth_token><![CDATA[cut off":                "<auth_token>" + mask,
		`Get "https://a/api/end?checksum=ab": EOF`:    `Get "https://a/api/end?checksum=` + mask + `": EOF`,
	} {
		assert.Equal(t, want, redact.Text(in), in)
	}
}

func TestTextOfGivenSecrets(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "the "+mask+" of "+mask, redact.Text("the s3cr/t of s3cr%2Ft", "s3cr/t"), "as it is, and in a query")
	assert.Equal(t, "a "+mask+" b", redact.Text("a longest-one b", "longest", "longest-one"), "a part of one is another")
	assert.Equal(t, "the cat", redact.Text("the cat", "cat", "", "a"), "words too short to be secrets")
}

func TestURL(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"https://u:p@bbb.example/api/join?checksum=x#f": "https://bbb.example/api/join",
		"https://bbb.example/a%20b?":                    "https://bbb.example/a%20b",
		"/client?sessionToken=t":                        "/client",
		"https://bbb.example/%zz?password=x":            mask,
	} {
		assert.Equal(t, want, redact.URL(in), in)
	}
}

const signed = "https://bbb.example/api/join?password=hunter2&checksum=deadbeef"

func assertClean(t *testing.T, err error) {
	t.Helper()
	for _, verb := range []string{"%v", "%s", "%q", "%+v", "%#v"} {
		text := fmt.Sprintf(verb, err)
		assert.NotContains(t, text, "hunter2", verb)
		assert.NotContains(t, text, "deadbeef", verb)
		assert.NotContains(t, text, "s3cr3t", verb)
	}
}

func TestErrorKeepsWhatIsClean(t *testing.T) {
	t.Parallel()
	require.NoError(t, redact.Error(nil))
	plain := errors.New("connection refused")
	assert.Same(t, plain, redact.Error(plain, "s3cr3t"))
}

// What net/http says of a failed request holds the signed URL, however deep in
// the chain. It can still be matched, but nowhere printed.
func TestErrorHidesTheURLInTheChain(t *testing.T) {
	t.Parallel()
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", os.ErrDeadlineExceeded)}
	below := &url.Error{Op: "Get", URL: signed, Err: refused}
	for name, err := range map[string]error{
		"itself":      below,
		"wrapped":     fmt.Errorf("asking with s3cr3t: %w", below),
		"deep":        fmt.Errorf("a: %w", fmt.Errorf("b: %w", below)),
		"among":       errors.Join(errors.New("first"), below),
		"text hidden": hiding{below},
		"only text":   fmt.Errorf("%s: %w", signed, refused),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clean := redact.Error(err, "s3cr3t")
			assertClean(t, clean)
			assertClean(t, errors.Unwrap(clean))
			require.ErrorIs(t, clean, os.ErrDeadlineExceeded)
			require.NotErrorIs(t, clean, context.Canceled)

			var op *net.OpError
			require.ErrorAs(t, clean, &op)
			assert.Same(t, refused, op)

			var network net.Error
			require.ErrorAs(t, clean, &network)
			assert.True(t, network.Timeout())
			assert.True(t, network.Temporary()) //nolint:staticcheck // a part of the interface
			assertClean(t, network)

			type wrapper interface {
				error
				Unwrap() error
			}
			if wrapper, ok := errors.AsType[wrapper](clean); ok {
				assertClean(t, wrapper)
			}

			if ue, ok := errors.AsType[*url.Error](clean); ok {
				assert.Equal(t, "https://bbb.example/api/join", ue.URL)
				assert.Equal(t, "Get", ue.Op)
				assertClean(t, ue)
				assertClean(t, ue.Err)
				require.ErrorIs(t, ue, os.ErrDeadlineExceeded)
			} else {
				assert.Equal(t, "only text", name)
			}
			var none *http.MaxBytesError
			assert.NotErrorAs(t, clean, &none)
		})
	}
}

// hiding is an error that keeps the text of its cause to itself.
type hiding struct{ error }

func (hiding) Error() string   { return "no details" }
func (h hiding) Unwrap() error { return h.error }

// FuzzText puts a secret into a query, as it is and inside other parameters,
// and looks for it in what comes out.
func FuzzText(f *testing.F) {
	f.Add("password", "hunter2hunter2", "name=x", uint8(0))
	f.Add("checksum", "a&b=c;d%e\"f'g<h> i", "welcome=%3Cb%3E", uint8(1))
	f.Add("sessionToken", "Zoë+%26", "", uint8(2))
	f.Fuzz(func(t *testing.T, name, secret, other string, depth uint8) {
		names := []string{"checksum", "password", "attendeePW", "moderatorPW", "sessionToken", "session_token", "authToken", "auth_token", "JSESSIONID", "secret", "securitySalt"}
		known := false
		for _, n := range names {
			known = known || strings.EqualFold(n, name)
		}
		if !known {
			name = names[len(name)%len(names)]
		}
		secret += "-tail-of-it" // so that parts of it can be told from other text
		text := name + "=" + url.QueryEscape(secret)
		for range depth % 4 {
			text = "u=" + url.QueryEscape("https://a.example/?x=1&"+text)
		}
		text = "https://bbb.example/?o=" + url.QueryEscape(other) + "&" + text
		got := redact.Text(text)
		if strings.Contains(other, "-tail-of-it") {
			return
		}
		require.NotContains(t, got, "-tail-of-it", "%s out of %s", got, text)
		require.Contains(t, got, redact.Mask)
		require.NotContains(t, redact.Text("said "+secret+" aloud", secret), "-tail-of-it")
	})
}
