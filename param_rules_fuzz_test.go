package bbb

import (
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The rules look for what is common before they look closely. What they say must be what a close look says,
// here in its plainest form.
func FuzzParamRules(f *testing.F) {
	for _, text := range []string{
		"", "a", "seven b", "eight by", "nine byte", "two lines\nof text", "tab\there", "bell\a rings", "\x7f at the beginning",
		"at the end\x7f", "Zoë O'Neil & friends", "C1 \u0085 control", "C1 \u009f", "\u00a0 is none", "not UTF-8 \xff", "\xc2", "~~~~~~~~~~~~~~~~", "\u2028",
		"https://lms.example.org/a?b=1#c", "http://a:8080/", "https://a:/", "https://:80/", "https://a:b/", "https://a%20b/", "https://a/%zz", "https://a/?%zz",
		"https://user@a/", "https://a?x", "https://a#x", "https://[::1]/", "https://", "https:///x", "HTTPS://A/", "https://a b/", "https://a:1:2/", "https://a/\u00e4", "https://a/ b",
		"ASK_MODERATOR", "two words", "a,b", "a\u00a0b", "Key_1", "-a", "bbb-origin", "_a.b", "ä.b", "1a",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		isBreak := func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }
		lines := utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && !isBreak(r) })
		line := lines && !strings.ContainsFunc(text, isBreak)
		assert.Equal(t, lines, manyLines(text) == "", "manyLines")
		assert.Equal(t, line, oneLine(text) == "", "oneLine")
		_, seen := appendEscapeSeen(nil, text)
		assert.Equal(t, lines, isSound(text, seen, controlByte), "isSound for many lines")
		assert.Equal(t, line, isSound(text, seen, controlByte|breakByte), "isSound for one line")
		assert.Equal(t, line && !strings.ContainsFunc(text, unicode.IsSpace) && !strings.Contains(text, ","), oneWord(text) == "", "oneWord")

		units := 0
		for _, r := range text {
			units += utf16Len(r)
		}
		assert.Equal(t, utf8.RuneCountInString(text) >= 2 && units <= 16, length(2, 16)(text) == "", "length")

		u, err := url.Parse(text)
		isWeb := err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
		assert.Equal(t, isWeb, webURL(text) == "", "webURL")
		assert.Equal(t, isWeb && u.Scheme == "https", httpsURL(text) == "", "httpsURL")

		name := text != "" && !strings.ContainsFunc(text, func(r rune) bool {
			return r != '_' && r != '.' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}) && !strings.ContainsFunc(text[:1], func(r rune) bool { return r == '.' || '0' <= r && r <= '9' })
		if utf8.ValidString(text) && (text == "" || text[0] < utf8.RuneSelf) {
			assert.Equal(t, name, userDataKey(text) == "", "userDataKey")
		}
		if metaKey(text) == "" && !hasCapital(text) {
			require.Equal(t, strings.ToLower(text), text, "hasCapital")
		}
	})
}

func utf16Len(r rune) int {
	if r > 0xFFFF {
		return 2
	}
	return 1
}
