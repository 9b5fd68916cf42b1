package bbb_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ExampleShellQuote() {
	fmt.Println(bbb.ShellQuote("rm", "--", "it's *.tmp"))
	// Output: 'rm' '--' 'it'\''s *.tmp'
}

func TestShellQuote(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{
		"":                    nil,
		"''":                  {""},
		"'ls' '-l'":           {"ls", "-l"},
		"'' '' 'a'":           {"", "", "a"},
		"'FOO=bar' 'env'":     {"FOO=bar", "env"},
		"'if'":                {"if"},
		"'~root' '$HOME' '*'": {"~root", "$HOME", "*"},
		`''\'''`:              {"'"},
		`'a'\'''\''b'`:        {"a''b"},
		"'a\nb\tc d'":         {"a\nb\tc d"},
		`'\' '"' '` + "`" + `id` + "`" + `' ';&|<>(){}#!'`: {`\`, `"`, "`id`", ";&|<>(){}#!"},
		"'\xff\xfe' 'ä'": {"\xff\xfe", "ä"},
	} {
		assert.Equal(t, want, bbb.ShellQuote(words...))
	}
}

// FuzzShellQuote claims that a shell reads back what was quoted, also with more behind
// it on the line, and finds nothing in it to act upon.
func FuzzShellQuote(f *testing.F) {
	for _, words := range []string{
		"", "a", "a\x01b", "\x01", "it's", "''", "'\x01'", `\`, `'\''`, `a\`, "$HOME", "`id`", "$(id)", "~", "-n",
		"FOO=bar\x01cmd", "a\nb", "*?[x]", "{a,b}", "!x", "#c", "2\x01>f", "\xff", "a b\tc", "if\x01then", "\"x\"", "a\rb", "&|;<>()",
	} {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, joined string) {
		words := strings.Split(joined, "\x01")
		line := bbb.ShellQuote(words...)
		back, err := splitAsShell(line)
		require.NoError(t, err, line)
		require.Equal(t, words, back, line)

		back, err = splitAsShell(line + " plain " + line)
		require.NoError(t, err, line)
		require.Equal(t, slices.Concat(words, []string{"plain"}, words), back, line)
	})
}

// splitAsShell is what POSIX says of reading words ("Token Recognition" and "Quoting"),
// byte for byte. Whatever outside of quotes would make a shell do more than that is an
// error, and so is a word without any quotes that could be reserved, an alias or an
// assignment, but for one that the test writes itself.
func splitAsShell(line string) ([]string, error) {
	var words []string
	var word []byte
	begun, bare := false, true
	end := func() error {
		if begun && bare && string(word) != "plain" {
			return fmt.Errorf("the word %q is not quoted", word)
		}
		if begun {
			words = append(words, string(word))
		}
		word, begun, bare = nil, false, true
		return nil
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == '\'':
			length := strings.IndexByte(line[i+1:], '\'')
			if length < 0 {
				return nil, errors.New("a quote has no end")
			}
			word = append(word, line[i+1:i+1+length]...)
			i += 1 + length
			begun, bare = true, false
		case c == '\\':
			if i++; i == len(line) {
				return nil, errors.New("a backslash ends the line")
			}
			if line[i] != '\n' { // which continues the line
				word = append(word, line[i])
				begun, bare = true, false
			}
		case c == ' ':
			if err := end(); err != nil {
				return nil, err
			}
		case 'a' <= c && c <= 'z':
			word = append(word, c)
			begun = true
		default:
			return nil, fmt.Errorf("%q stands outside of quotes", c)
		}
	}
	return words, end()
}
