package bbbtest

import "math/rand/v2"

const (
	sessionTokenLen = 16
	authTokenLen    = 12
)

// newToken returns n random lower-case letters and digits. They guard nothing.
func newToken(n int) string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789"
	token := make([]byte, n)
	for i := range token {
		token[i] = letters[rand.IntN(len(letters))]
	}
	return string(token)
}

func newUserID() string   { return "w_" + newToken(12) }
func newPassword() string { return newToken(8) }
func newSecret() string   { return newToken(40) }
