package bbb

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sealedKey = "Relay-Key/0123456789-abcdefghijklm"

// The token of this URL was made with another program. It must stay so: URLs live as long as recordings.
func TestSealedURL(t *testing.T) {
	t.Parallel()
	const golden = "https://proxy.example/api/callback/ready/Ws0J7fYskObG3ps9PnICPKcWC8HZ3VoOvW-AhNRuey5pYcm_RLctGMjANcJlGmaIx7r7RAZS"
	u, err := newRelayURLs("https://proxy.example/api/", []string{sealedKey})
	require.NoError(t, err)
	full, ok := u.seal(relayReady, &sealed{tenant: "red", meeting: "red-physics", target: "https://ready.example/"})
	assert.True(t, ok)
	assert.Equal(t, golden, full)
	target, ours := u.target("red", " "+golden+"\n")
	assert.True(t, ours)
	assert.Equal(t, "https://ready.example/", target)
	target, ours = u.target("blue", golden)
	assert.True(t, ours)
	assert.Empty(t, target, "it is another tenant's")
	_, ours = u.target("red", "https://ready.example/callback/ready/x")
	assert.False(t, ours)
}

// What is sealed comes back for the same key and kind alone, and no change of a token goes unnoticed.
func TestSealedComesBack(t *testing.T) {
	t.Parallel()
	u, err := newRelayURLs("https://proxy.example/api", []string{sealedKey})
	require.NoError(t, err)
	strange, err := newRelayURLs("https://proxy.example/api", []string{"Relay-Key/another-9876543210-abcdefg"})
	require.NoError(t, err)
	for _, s := range []*sealed{
		{}, {tenant: "red", target: "x"}, {meeting: strings.Repeat("ü", 128), target: "https://x.example/?a=b&c=%20"},
		{tenant: "red", target: "x", events: []EventName{"a", "b"}}, {tenant: "red", target: "x", raw: true},
	} {
		for _, kind := range relayKinds {
			want := *s
			if kind != relayHook {
				want.events, want.raw = nil, false
			}
			full, _ := u.seal(kind, s)
			rest := strings.TrimPrefix(full, u.base)
			gotKind, got, ok := u.open(rest)
			require.True(t, ok)
			assert.Equal(t, kind, gotKind)
			assert.Equal(t, &want, got)
			_, token, _ := strings.Cut(rest, "/")
			for _, other := range relayKinds {
				_, _, ok := u.open(string(other) + "/" + token)
				assert.Equal(t, other == kind, ok)
			}
			_, _, ok = strange.open(rest)
			assert.False(t, ok)
			for i := range token {
				changed := []byte(token)
				changed[i] ^= 1
				_, _, ok := u.open(string(kind) + "/" + string(changed))
				assert.False(t, ok)
				_, _, ok = u.open(string(kind) + "/" + token[:i])
				assert.False(t, ok)
			}
		}
	}
}

func TestParseSealedIsCareful(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\x05red", "\x03red", "\x03red\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x", "\xff"} {
		_, ok := parseSealed([]byte(text), relayReady)
		assert.False(t, ok, "%q", text)
	}
}

func TestEditMembers(t *testing.T) {
	t.Parallel()
	edit := func(name string, value json.RawMessage) json.RawMessage {
		switch name {
		case "out":
			return nil
		case "new":
			return json.RawMessage(`"changed"`)
		}
		return value
	}
	for text, want := range map[string]string{
		`{"a":1.50, "new":1,"b":{"new":1e400}}`: `{"a":1.50,"new":"changed","b":{"new":1e400}}`,
		`{"out":[1,{"x":"}"}],"a":"\u00fc\/ü"}`: `{"a":"\u00fc\/ü"}`,
		`{"a" : "<&>" , "out" : null }`:         `{"a":"<&>"}`,
		`{"out":1,"out":2}`:                     `{}`,
		` { "a" : 1 , "b" : [ ] } `:             ` { "a" : 1 , "b" : [ ] } `,
		`{"n\u0065w":1}`:                        `{"n\u0065w":"changed"}`,
		`["new"]`:                               `["new"]`,
		`"new"`:                                 `"new"`,
		`null`:                                  `null`,
		`{"new":1`:                              `{"new":1`,
		``:                                      ``,
		`{"":{"out":1},"a":12345678901234567890,"new":0}`: `{"":{"out":1},"a":12345678901234567890,"new":"changed"}`,
	} {
		assert.Equal(t, want, string(editMembers(json.RawMessage(text), edit)), text)
	}
}

// Editing leaves valid JSON, of which all but what was edited is as it was.
func FuzzEditMembers(f *testing.F) {
	for _, seed := range []string{`{"a":1,"out":2,"b":{"out":3}}`, `{}`, `[]`, `{"out":{}}`, ` {"a" : [1, 2] } `, `{"out":1`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := editMembers(json.RawMessage(text), func(name string, value json.RawMessage) json.RawMessage {
			if name == "out" {
				return nil
			}
			return value
		})
		if !json.Valid([]byte(text)) {
			return
		}
		require.True(t, json.Valid(got), "%s", got)
		want := parseObject(json.RawMessage(text))
		if want == nil {
			require.Equal(t, text, string(got))
			return
		}
		delete(want, "out")
		require.Equal(t, want, parseObject(got))
	})
}
