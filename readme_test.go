package bbb_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What readers copy first has to compile. The README's program is the body of
// Example, line for line, and Example is compiled with the tests.
func TestReadmeProgramIsTheExample(t *testing.T) {
	t.Parallel()
	assert.Equal(t, exampleBody(t, "example_test.go", "Example"), readmeBlock(t, "program"))
}

// readmeBlock returns the code block behind the comment <!-- ci:NAME -->.
func readmeBlock(t *testing.T, name string) string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(readme), "<!-- ci:"+name+" -->\n```")
	require.True(t, ok, "README.md has no code block behind <!-- ci:%s -->", name)
	_, rest, ok = strings.Cut(rest, "\n") // the language
	require.True(t, ok)
	block, _, ok := strings.Cut(rest, "\n```\n")
	require.True(t, ok, "the code block %s has no end", name)
	return block
}

// exampleBody returns what stands between the braces of a function.
func exampleBody(t *testing.T, file, function string) string {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, source, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, decl := range parsed.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == function {
			body := source[files.Position(f.Body.Lbrace).Offset+1 : files.Position(f.Body.Rbrace).Offset]
			return strings.ReplaceAll(strings.Trim(string(body), "\n"), "\n\t", "\n")[len("\t"):]
		}
	}
	require.Fail(t, "no such function", "%s in %s", function, file)
	return ""
}
