package bbb

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The script and what reads its output have to agree on names. That it works in sh is
// shown where there is one, over a real ssh.
func TestScriptHasTheParts(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		partBegin, partSadf, partWords, partEnd, "clock", "loadavg", "meminfo", "uname", `"uptime$1"`, `"stat$1"`, `"net$1"`,
	} {
		assert.Contains(t, sysStatScript, "\tpart "+name+"\n")
	}
	assert.Contains(t, sysStatScript, `echo "`+partMark+`$1"`)
	assert.NotContains(t, sysStatScript, "\r", "no shell takes that for the end of a line")
	assert.True(t, strings.HasSuffix(sysStatScript, "\texit 0\n} </dev/null\n"), "one command, which ends the shell")
}

func TestCutAnswer(t *testing.T) {
	t.Parallel()
	a := cutAnswer([]byte("hello\n@bbb uname\nnoise\n@bbb begin\n\n@bbb uname\n a b \n\n@bbb words\nno try yet\nstatus 5\n" +
		"@bbb sadf\n{one}\n@bbb words\nfirst\nsecond\nstatus 2\n@bbb sadf\n{two}\n@bbb words\nstatus 0\n@bbb sadf\n{three}\n" +
		"@bbb words\nstatus x\n@bbb sadf\n{four}\n@bbb end\n@bbb uname\nlater\n"))
	assert.True(t, a.begun)
	assert.Equal(t, map[string]string{"uname": "a b"}, a.parts)
	assert.Equal(t, []sadfAnswer{
		{[]byte("{one}"), "first\nsecond", 2}, {[]byte("{two}"), "", 0}, {[]byte("{three}"), "status x", -1}, {[]byte("{four}"), "", -1},
	}, a.sadf)

	a = cutAnswer([]byte("@bbb begin\n@bbb sadf\n{cut"))
	assert.Equal(t, []sadfAnswer{{[]byte("{cut"), "", -1}}, a.sadf)
	assert.Empty(t, cutAnswer(nil).parts)
}
