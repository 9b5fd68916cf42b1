package bbb

import (
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// redacted stands for a value that must not be shown.
const redacted = "[redacted]"

func maskAll(string) string { return redacted }

// maskSize shows how long a text is.
func maskSize(text string) string {
	return "[" + strconv.Itoa(utf8.RuneCountInString(text)) + " characters]"
}

// maskURL shows scheme and host. Path and query may hold a token, and user info a password.
func maskURL(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return redacted
	}
	return u.Scheme + "://" + u.Host
}

// maskMeta shows metadata, which says where a meeting comes from, but not what looks like a secret:
// values under a telling name, and callback URLs beyond their host.
func maskMeta(key, value string) string {
	key = strings.ToLower(key)
	for _, word := range []string{"secret", "token", "password", "key", "auth"} {
		if strings.Contains(key, word) {
			return redacted
		}
	}
	if strings.Contains(value, "://") {
		return maskURL(value)
	}
	return value
}

// maskMap hides every value and leaves the keys.
func maskMap(_, _ string) string { return redacted }
