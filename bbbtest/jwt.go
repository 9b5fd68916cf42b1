package bbbtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
)

// jwt signs a token; header and claims are JSON texts. HS256 unless alg is HS512.
func jwt(alg, header, claims, secret string) string {
	sum := func() hash.Hash { return sha256.New() }
	if alg == "HS512" {
		sum = func() hash.Hash { return sha512.New() }
	}
	enc := base64.RawURLEncoding
	text := enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims))
	mac := hmac.New(sum, []byte(secret))
	mac.Write([]byte(text))
	return text + "." + enc.EncodeToString(mac.Sum(nil))
}
