package bbbtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/bbbgroup/bbb/bbbtest"
)

// The checksums here are written out, so that a mistake in making them cannot hide one in checking.
func TestGoldenChecksums(t *testing.T) {
	t.Parallel()
	const create = "create?name=Test+Meeting&meetingID=abc123&attendeePW=111222&moderatorPW=333444"
	for _, test := range []struct{ name, target, checksum string }{
		{"sha1", create, "1fcbb0c4fc1f039f73aa6d697d2db9ba7f803f17"},
		{"sha256", create, "da9185f7f333cfdfcd6eeac32dca3777510c4c436020d8b887ba5515bd1d189e"},
		{"sha384", create, "891ac633df39d0a1b4f8d597f3e190833216c4b29c4fb51ea3ca72757eeb958d6e7b49a845cf29f5c6019c7d29d029d1"},
		{"sha512", create, "de73ad61d11a5c801b68d4bd6ec5248546085cefb0b25c85f3c46249ea93a3a4b120f92c0a8a58d7512cb77821884951a3b01245f3435dbbef49fff3cc3988b4"},
		{"sha1 bare", "getMeetings?", "2027baa7771026e9e93392f55031535d1444c41f"},
		{"sha256 bare", "getMeetings?", "a5370c5f3d97d56d53b435684cdbc429c2898a3bf9f435518b4279e1e0dbfc8c"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t)
			a := c.raw(http.MethodGet, test.target+"&checksum="+test.checksum, "", "")
			assert.Equal(t, "SUCCESS", a.get("returncode"), a.body)
			wrong := strings.Map(func(r rune) rune { return (r-'0'+1)%10 + '0' }, test.checksum)
			a = c.raw(http.MethodGet, test.target+"&checksum="+wrong, "", "")
			assert.Equal(t, "checksumError", a.key())
		})
	}
}

func TestChecksumCoversTheRawQuery(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	for query, good := range map[string]string{
		// A comma is no valid id, so the checksum is right when something else is wrong.
		"meetingID=a%20b%2Cc": "ebb827f7f259c5243aa629c175023543b958ff2f",
		"meetingID=a+b%2Cc":   "4c10fe521e8a4f2080229623b0218e9fad6947ac",
	} {
		a := c.raw(http.MethodGet, "isMeetingRunning?"+query+"&checksum="+good, "", "")
		assert.Equal(t, "validationError", a.key())
		other := strings.NewReplacer("%20", "+", "+", "%20").Replace(query)
		a = c.raw(http.MethodGet, "isMeetingRunning?"+other+"&checksum="+good, "", "")
		assert.Equal(t, "checksumError", a.key(), "the same words in another encoding")
	}
}

func TestChecksumMayStandAnywhere(t *testing.T) {
	t.Parallel()
	c := inProcess(t)
	two := "checksum=" + sum("sha256", "isMeetingRunningmeetingID=abc&x=1"+secret)
	one := "checksum=" + sum("sha256", "getMeetings"+secret)
	for _, target := range []string{
		"isMeetingRunning?" + two + "&meetingID=abc&x=1",
		"isMeetingRunning?meetingID=abc&" + two + "&x=1",
		"isMeetingRunning?meetingID=abc&x=1&" + two,
		"getMeetings?" + one,
		"getMeetings?&" + one,
	} {
		assert.Equal(t, "SUCCESS", c.raw(http.MethodGet, target, "", "").get("returncode"), target)
	}
	near := "getMeetings?mychecksum=1&checksum=" + sum("sha256", "getMeetingsmychecksum=1"+secret)
	assert.Equal(t, "SUCCESS", c.raw(http.MethodGet, near, "", "").get("returncode"))
}

func TestChecksumIsRefused(t *testing.T) {
	t.Parallel()
	good := sum("sha256", "getMeetings"+secret)
	for name, test := range map[string]struct {
		query, message string
		opts           []bbbtest.Option
	}{
		"missing":        {"", "You must provide the checksum", nil},
		"empty":          {"checksum=", "You must provide the checksum", nil},
		"wrong length":   {"checksum=" + good[1:], "Checksums do not match", nil},
		"other secret":   {"checksum=" + good, "Checksums do not match", []bbbtest.Option{bbbtest.WithSecret("x")}},
		"not allowed":    {"checksum=" + good, "Checksums do not match", []bbbtest.Option{bbbtest.WithAlgorithms("sha1")}},
		"2.4 and sha384": {"checksum=" + sum("sha384", "getMeetings"+secret), "Checksums do not match", []bbbtest.Option{bbbtest.WithVersion("2.4")}},
		"2.4 and case":   {"checksum=" + strings.ToUpper(good), "Checksums do not match", []bbbtest.Option{bbbtest.WithVersion("2.4")}},
		"signs another":  {"a=1&checksum=" + good, "Checksums do not match", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := inProcess(t, test.opts...).raw(http.MethodGet, "getMeetings?"+test.query, "", "")
			assert.Equal(t, http.StatusOK, a.status)
			assert.Equal(t, "FAILED", a.get("returncode"))
			assert.Equal(t, "checksumError", a.key())
			assert.Equal(t, test.message, a.get("message"))
		})
	}
	t.Run("2.5 ignores case", func(t *testing.T) {
		t.Parallel()
		a := inProcess(t, bbbtest.WithVersion("2.5")).raw(http.MethodGet, "getMeetings?checksum="+strings.ToUpper(good), "", "")
		assert.Equal(t, "noMeetings", a.key())
	})
	t.Run("the first 2.4 had one key for all", func(t *testing.T) {
		t.Parallel()
		c := inProcess(t, bbbtest.WithVersion("2.4"), bbbtest.WithQuirks(bbbtest.Quirks{OnlyValidationError: true}))
		assert.Equal(t, "validationError", c.raw(http.MethodGet, "getMeetings", "", "").key())
		assert.Equal(t, "validationError", c.call("isMeetingRunning", "").key())
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	c := inProcess(t, bbbtest.WithSecret("one", "two"), bbbtest.WithSecondSecret("three"))
	accepts := func(secret string) bool {
		return c.raw(http.MethodGet, "getMeetings?"+sign("getMeetings", "", secret), "", "").key() == "noMeetings"
	}
	assert.Equal(t, "one", c.Secret())
	for _, s := range []string{"one", "two", "three"} {
		assert.True(t, accepts(s), s)
	}
	c.SetSecret("four")
	assert.Equal(t, "four", c.Secret())
	assert.True(t, accepts("four"))
	assert.False(t, accepts("one"))
	c.SetSecret("")
	assert.True(t, accepts("whatever"), "no secret, no check")
	one, two := bbbtest.New(), bbbtest.New()
	assert.NotEqual(t, one.Secret(), two.Secret(), "random by default")
}

func TestBodyRules(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	const body = "name=a+b&meetingID=a~b*c&attendeePW=ab"
	sorted := "attendeePW=ab&meetingID=a%7Eb*c&name=a+b"
	multipart := "--B\r\nContent-Disposition: form-data; name=\"meetingID\"\r\n\r\na~b*c\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.pdf\"\r\n\r\nnothing\r\n" +
		"--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nsome name\r\n--B--\r\n"
	bare := "checksum=" + sum("sha256", "create"+secret)
	for name, test := range map[string]struct{ query, contentType, body string }{
		"query alone, no body":         {sign("create", body, secret), "", ""},
		"body, bare checksum in URL":   {bare, form, body},
		"body, bare checksum in body":  {"", form, body + "&" + bare},
		"body sorted, checksum inside": {"", form, body + "&checksum=" + sum("sha256", "create"+sorted+secret)},
		"body as sent":                 {"", form, body + "&checksum=" + sum("sha256", "create"+body+secret)},
		"body as sent, sum in URL":     {"checksum=" + sum("sha256", "create"+body+secret), form, body},
		"multipart":                    {bare, "multipart/form-data; boundary=B", multipart},
		"query and body":               {sign("create", "name=a+b", secret), form, "meetingID=a~b*c"},
		"with a charset":               {bare, form + "; charset=UTF-8", body},
		"XML body":                     {sign("create", body, secret), "application/xml", "<modules/>"},
		"XML body, text/xml":           {sign("create", body, secret), "text/xml; charset=utf-8", "<modules/>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t)
			a := c.raw(http.MethodPost, "create?"+test.query, test.contentType, test.body)
			assert.Equal(t, "SUCCESS", a.get("returncode"), a.body)
			_, ok := c.Meeting("a~b*c")
			assert.True(t, ok)
		})
	}
	t.Run("in query and body", func(t *testing.T) {
		t.Parallel()
		query := sign("create", "meetingID=abc&name=abc", secret)
		a := inProcess(t).raw(http.MethodPost, "create?"+query, form, "name=abc")
		assert.Equal(t, "checksumError", a.key())
	})
	t.Run("wrong sum", func(t *testing.T) {
		t.Parallel()
		a := inProcess(t).raw(http.MethodPost, "create?", form, body+"&checksum="+sum("sha256", "create"+sorted+"x"+secret))
		assert.Equal(t, "checksumError", a.key())
	})
}

func TestContentTypeRule(t *testing.T) {
	t.Parallel()
	query := url.Values{"meetingID": {"abc"}, "name": {"abc"}}.Encode()
	for _, test := range []struct {
		version, call, contentType string
		accepted                   bool
	}{
		{"3.0", "create", "", false},
		{"3.0", "create", "application/json", false},
		{"3.0", "create", "application/xml", true},
		{"3.0", "create", "application/xml; charset=UTF-8", true},
		{"3.0", "end", "application/xml", false},
		{"2.6", "create", "application/xml; charset=UTF-8", true},
		{"2.6", "create", "", false},
		{"2.6.18", "create", "application/xml; charset=UTF-8", false},
		{"2.6.18", "create", "application/xml", true},
		{"2.6.18", "create", "multipart/form-data; boundary=x", true},
		{"2.6.17", "create", "", true},
		{"2.7.8", "create", "text/xml; charset=UTF-8", false},
		{"2.7.7", "create", "", true},
		{"2.7", "create", "", false},
		{"2.4", "create", "", true},
	} {
		t.Run(test.version+" "+test.call+" "+test.contentType, func(t *testing.T) {
			t.Parallel()
			c := inProcess(t, bbbtest.WithVersion(test.version))
			c.call("create", query)
			a := c.raw(http.MethodPost, test.call+"?"+sign(test.call, query, secret), test.contentType, "<modules/>")
			require.Equal(t, http.StatusOK, a.status)
			assert.Equal(t, !test.accepted, a.key() == "unsupportedContentType", a.body)
		})
	}
}
