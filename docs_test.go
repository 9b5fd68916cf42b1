package bbb_test

import (
	"go/ast"
	"go/doc"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/bbbgroup/bbb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// routed are the calls of the API, and those that only look like one.
var routed = []string{
	"create", "join", "isMeetingRunning", "end", "getMeetingInfo", "getMeetings", "getSessions", "insertDocument",
	"sendChatMessage", "getJoinUrl", "learningDashboard", "stuns", "signOut", "enter", "guestWait", "feedback",
	"getRecordings", "publishRecordings", "deleteRecordings", "updateRecordings", "getRecordingTextTracks",
	"putRecordingTextTrack", "setPollXML", "getDefaultConfigXML", "setConfigXML",
	"hooks/create", "hooks/list", "hooks/destroy", "hooks/ping", "hooks/permanent",
}

// The table of the calls names each of them, and tests that exist.
func TestTableOfTheCallsIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "api.md"))
	require.NoError(t, err)
	for _, call := range routed {
		assert.Contains(t, string(page), "| `"+call+"`", "no row for %s", call)
	}

	tests := map[string]bool{}
	for _, dir := range []string{".", "bbbtest"} {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(source, -1) {
				tests[string(m[1])] = true
			}
		}
	}
	named := regexp.MustCompile(`\bTest\w+`).FindAllString(string(page), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, tests[name], "there is no %s", name)
	}
}

// The guide to placement names nothing that the package does not have, and every
// checker of the default.
func TestGuideNamesWhatExists(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "placement.md"))
	require.NoError(t, err)
	known := map[string]bool{}
	pkg, _ := parsePackage(t, ".")
	add := func(funcs []*doc.Func) {
		for _, f := range funcs {
			known[f.Name] = true
		}
	}
	add(pkg.Funcs)
	for _, values := range pkg.Vars {
		for _, name := range values.Names {
			known[name] = true
		}
	}
	for _, typ := range pkg.Types {
		known[typ.Name] = true
		add(typ.Funcs)
		add(typ.Methods)
		ast.Inspect(typ.Decl, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok {
				for _, name := range f.Names {
					known[name.Name] = true
				}
			}
			return true
		})
	}
	named := regexp.MustCompile("`\\*?([A-Z][\\w.]*)(?:\\(.*?\\))?`").FindAllSubmatch(page, -1)
	require.Greater(t, len(named), 30)
	for _, m := range named {
		for name := range strings.SplitSeq(string(m[1]), ".") {
			assert.True(t, known[name], "there is no %s", m[1])
		}
	}
	for _, checker := range bbb.DefaultCheckers() {
		name := runtime.FuncForPC(reflect.ValueOf(checker).Pointer()).Name()
		assert.Contains(t, string(page), "| `"+name[strings.LastIndexByte(name, '.')+1:]+"`", "no row")
	}
}
