package bbb_test

import (
	"go/ast"
	"go/doc"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
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

	tests := testNames(t, ".", "bbbtest")
	named := regexp.MustCompile(`\bTest\w+`).FindAllString(string(page), -1)
	require.NotEmpty(t, named)
	for _, name := range named {
		assert.True(t, tests[name], "there is no %s", name)
	}
}

// testNames are the tests and benchmarks in some directories.
func testNames(t *testing.T, dirs ...string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
		require.NoError(t, err)
		for _, file := range files {
			source, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)\(`).FindAllSubmatch(source, -1) {
				names[string(m[1])] = true
			}
		}
	}
	return names
}

// Every file, guard and benchmark that the guide to performance names is there, and every guard is named.
func TestGuideToPerformanceIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("docs", "performance.md"))
	require.NoError(t, err)
	tests := testNames(t, ".", filepath.Join("internal", "xmlwire"))
	named := regexp.MustCompile("`((?:Test|Benchmark)\\w+)`").FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(named), 15)
	for _, m := range named {
		assert.True(t, tests[m[1]], "there is no %s", m[1])
	}
	for name := range tests {
		if strings.HasPrefix(name, "Test") && (strings.HasSuffix(name, "Allocations") || strings.HasSuffix(name, "AllocateLittle")) {
			assert.Contains(t, string(page), "`"+name+"`")
		}
	}
	for _, m := range regexp.MustCompile("`([a-z_/*]+\\.go)`").FindAllStringSubmatch(string(page), -1) {
		files, err := filepath.Glob(m[1])
		require.NoError(t, err)
		assert.NotEmpty(t, files, "there is no %s", m[1])
	}
}

// The guides name nothing that the package does not have. That to placement has every
// checker of the default, that to machines every error that is about them.
func TestGuidesNameWhatExists(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	pkg, _ := parsePackage(t, ".")
	add := func(funcs []*doc.Func) {
		for _, f := range funcs {
			known[f.Name] = true
		}
	}
	values := func(groups []*doc.Value) {
		for _, one := range groups {
			for _, name := range one.Names {
				known[name] = true
			}
		}
	}
	add(pkg.Funcs)
	values(pkg.Vars)
	values(pkg.Consts)
	for _, typ := range pkg.Types {
		known[typ.Name] = true
		add(typ.Funcs)
		add(typ.Methods)
		values(typ.Consts)
		ast.Inspect(typ.Decl, func(n ast.Node) bool {
			if f, ok := n.(*ast.Field); ok {
				for _, name := range f.Names {
					known[name.Name] = true
				}
			}
			return true
		})
	}
	for name := range testNames(t, ".", filepath.Join("internal", "xmlwire")) {
		known[name] = true
	}
	page := func(guide string) string {
		text, err := os.ReadFile(filepath.Join("docs", guide))
		require.NoError(t, err)
		return string(text)
	}
	for guide, words := range guides {
		named := regexp.MustCompile("`\\*?([A-Z][\\w.]*)(?:\\(.*?\\))?`").FindAllStringSubmatch(page(guide), -1)
		require.Greater(t, len(named), 30, guide)
		for _, m := range named {
			for name := range strings.SplitSeq(m[1], ".") {
				assert.True(t, known[name] || slices.Contains(words, name), "%s: there is no %s", guide, m[1])
			}
		}
	}
	for _, checker := range bbb.DefaultCheckers() {
		name := runtime.FuncForPC(reflect.ValueOf(checker).Pointer()).Name()
		assert.Contains(t, page("placement.md"), "| `"+name[strings.LastIndexByte(name, '.')+1:]+"`", "no row")
	}
	for name := range known {
		if slices.Contains([]string{"ErrSSH", "ErrCommandKilled", "ErrOutputTooLarge", "ErrNoReport"}, name) || strings.HasPrefix(name, "ErrSadf") {
			assert.Contains(t, page("machines.md"), "\n| `"+name+"`", "no row")
		}
	}
}

// guides are the guides, each with the words in it that look like names of ours, and
// are those of ssh and sysstat.
var guides = map[string][]string{
	"placement.md":   nil,
	"machines.md":    {"BatchMode", "ProxyJump", "Include", "Host", "MaxStartups", "UMASK"},
	"proxy.md":       {"Host", "ReadHeaderTimeout", "IdleTimeout", "WriteTimeout"},
	"performance.md": {"GOMEMLIMIT", "GOGC"},
}

// The programs of the guides compile: each piece that is marked as from a file is in
// the body of a function there.
func TestGuidesShowWhatCompiles(t *testing.T) {
	t.Parallel()
	pieces := 0
	for guide := range guides {
		page, err := os.ReadFile(filepath.Join("docs", guide))
		require.NoError(t, err)
		for _, m := range regexp.MustCompile("(?s)<!-- from (\\w+\\.go) -->\n```go(\n.*?\n)```\n").FindAllSubmatch(page, -1) {
			source, err := os.ReadFile(string(m[1]))
			require.NoError(t, err)
			piece := regexp.MustCompile(`(?m)^.`).ReplaceAllString(string(m[2]), "\t$0")
			if !strings.Contains(string(source), piece) { // both are too long for assert.Contains
				assert.Fail(t, "not in the file", "%s has, as from %s:%s", guide, m[1], piece)
			}
			pieces++
		}
	}
	assert.GreaterOrEqual(t, pieces, 5)
}

// The layout of the contributing guide has every file of the package, and no other.
func TestLayoutIsTrue(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("CONTRIBUTING.md")
	require.NoError(t, err)
	_, layout, _ := strings.Cut(string(page), "## Layout")
	layout, _, _ = strings.Cut(layout, "\n## ")
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("`([a-z_*]+\\.(?:go|sh))`").FindAllStringSubmatch(layout, -1) {
		files, err := filepath.Glob(m[1])
		require.NoError(t, err)
		assert.NotEmpty(t, files, "there is no %s", m[1])
		for _, file := range files {
			listed[file] = true
		}
	}
	for _, pattern := range []string{"*.go", "*.sh"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, file := range files {
			assert.True(t, listed[file] || strings.HasSuffix(file, "_test.go"), "no row for %s", file)
		}
	}
}
