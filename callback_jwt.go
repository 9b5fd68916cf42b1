package bbb

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// claims are what a token says.
type claims map[string]any

// text returns a claim as text; numbers as they are written.
func (c claims) text(name string) string {
	switch v := c[name].(type) {
	case string:
		return v
	case nil:
		return ""
	default:
		return strings.TrimSpace(fmt.Sprint(v))
	}
}

// maxToken is the length of the longest token that is looked at. Real ones have a
// few hundred bytes.
const maxToken = 16 << 10

// token verifies a JSON Web Token with one of the methods, and returns what it
// says and the server whose secret it was signed with, or the reason why not. It
// never takes the token's word for the method: "none" is not among them.
func (c *callbackConfig) token(text string, methods []string, mustExpire bool) (got claims, server *Server, reason string) {
	opts := []jwt.ParserOption{jwt.WithValidMethods(methods), jwt.WithJSONNumber()}
	if mustExpire {
		opts = append(opts, jwt.WithExpirationRequired())
	}
	parser := jwt.NewParser(opts...)
	const none = "there is no token, or one that none is"
	// Whose it is shows in the signature, before anything in it is read: there may
	// be many secrets, and anybody can send a token.
	if len(text) > maxToken {
		return nil, nil, "the token is too long"
	}
	unverified, parts, err := parser.ParseUnverified(text, jwt.MapClaims{})
	if err != nil || !slices.Contains(methods, unverified.Method.Alg()) {
		return nil, nil, none
	}
	signature, err := parser.DecodeSegment(parts[2])
	if err != nil {
		return nil, nil, none
	}
	signed := text[:len(text)-len(parts[2])-1]
	reason = "the token is not signed by a secret of ours"
	server, ok := c.sender(func(secret string) bool {
		if unverified.Method.Verify(signed, signature, []byte(secret)) != nil {
			return false
		}
		parsed := jwt.MapClaims{}
		_, err := parser.ParseWithClaims(text, parsed, func(*jwt.Token) (any, error) { return []byte(secret), nil })
		switch {
		case err == nil:
			got = claims(parsed)
			return true
		case errors.Is(err, jwt.ErrTokenMalformed):
			reason = none
		case errors.Is(err, jwt.ErrTokenExpired):
			reason = "the token has expired"
		case errors.Is(err, jwt.ErrTokenInvalidClaims): // exp is missing, or nbf to come
			reason = "the token is not valid now"
		}
		return false
	})
	if !ok {
		return nil, nil, reason
	}
	return got, server, ""
}

// signToken returns a token that says c, with the header that servers give it.
func signToken(method string, c claims, secret string) (string, error) {
	return jwt.NewWithClaims(jwt.GetSigningMethod(method), jwt.MapClaims(c)).SignedString([]byte(secret))
}
