package bbb

import "strings"

// ShellQuote returns a command line that a POSIX shell takes for exactly these words,
// whatever is in them: blanks, newlines, quotes, "$", "*", "~", "=". It is for
// [Server.SSHCommand], whose command line a shell reads on the machine:
//
//	s.SSHCommand(ctx, []string{bbb.ShellQuote("rm", "--", name)}, nil)
//
// Each word is put between single quotes, also one that would not need it, so that the
// first is no reserved word, alias or assignment, and no word a file descriptor in front
// of a redirection that is appended. What the words mean to the program stays its
// matter: one that begins with "-" is an option to most.
//
// It holds for sh, bash, dash, ash, ksh and zsh. In csh a newline within quotes is an error
// and "!" acts as in an interactive shell, and fish takes a backslash in quotes for more
// than itself. For those, send a script to the stdin of "sh".
//
// A NUL byte, which no argument of a program can hold, is left as it is, and SSHCommand
// refuses it. No words give an empty text.
func ShellQuote(argv ...string) string {
	var b strings.Builder
	for i, word := range argv {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteByte('\'')
		// Nothing is special between single quotes but their end.
		b.WriteString(strings.ReplaceAll(word, "'", `'\''`))
		b.WriteByte('\'')
	}
	return b.String()
}
