//go:build integration

package bbb_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// statMachine starts a machine whose sadf looks for its daily files in two directories
// of the lab, and not in that of the system, which is left alone. In both it looks for
// the file of today: the one stands for today's files, the other for those of the day
// before, which sadf is asked for with -1. sh is the shell that runs commands; none is
// the system's.
func (l *lab) statMachine(t testing.TB, name, sh, today, yesterday string) *machine {
	t.Helper()
	l.script(t, name+"/bin/sadf", `dir=`+today+`
case "$*" in
"-j -1 -- "*)
	dir=`+yesterday+`
	shift 2
	set -- -j "$@"
	;;
esac
exec `+program(t, "sadf")+` "$dir" "$@"
`)
	if sh != "" {
		require.NoError(t, os.Symlink(program(t, sh), l.path(name+"/bin/sh")))
	}
	return l.start(t, name, "ForceCommand PATH="+l.path(name+"/bin")+`:$PATH exec /bin/sh -c "$SSH_ORIGINAL_COMMAND"`)
}

// editedMachine starts a machine on which the input of the command goes through sed: it
// is a script.
func (l *lab) editedMachine(t testing.TB, name, sed string) *machine {
	t.Helper()
	require.NoError(t, os.MkdirAll(l.path(name+"/bin"), 0o700))
	return l.start(t, name, "ForceCommand sed '"+sed+"' | PATH="+l.path(name+"/bin")+`:$PATH "$SSH_ORIGINAL_COMMAND"`)
}

// sample has sysstat collect into a directory of the lab, n times, a second apart.
func (l *lab) sample(t testing.TB, dir string, n int) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(l.path(dir), 0o700))
	sadc := program(t, "sadc", "/usr/lib/sysstat", "/usr/lib64/sa", "/usr/lib/sa")
	cmd := exec.CommandContext(t.Context(), sadc, "-S", "XALL", "1", strconv.Itoa(n), l.path(dir))
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "sadc: %s", out)
	return l.path(dir)
}

// daily returns the file in a directory that sysstat collected into.
func daily(t testing.TB, dir string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "sa*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

// sarTable is one of the tables that sar prints: the newest row of each thing.
type sarTable struct {
	columns []string
	rows    [][]string
}

// sar returns the head line and the tables that sar prints for the newest interval of a
// file, with its times as UTC.
func sar(t testing.TB, file string) (head string, at string, tables []sarTable) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "sar"), "-f", file,
		"-u", "ALL", "-b", "-v", "-r", "ALL", "-S", "-n", "DEV,EDEV,SOCK", "-q")
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC", "S_TIME_FORMAT=ISO", "S_COLORS=never")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "sar: %s", out)
	blocks := strings.Split(strings.TrimSpace(string(out)), "\n\n")
	for _, block := range blocks[1:] {
		lines := strings.Split(block, "\n")
		table := sarTable{columns: strings.Fields(lines[0])[1:]}
		for _, line := range lines[1:] {
			if fields := strings.Fields(line); fields[0] != "Average:" {
				if fields[0] != at && len(table.rows) > 0 { // newer than what came so far
					table.rows = nil
				}
				at = fields[0]
				require.Len(t, fields, len(table.columns)+1, line)
				table.rows = append(table.rows, fields[1:])
			}
		}
		if len(table.rows) > 0 {
			tables = append(tables, table)
		}
	}
	return blocks[0], at, tables
}
