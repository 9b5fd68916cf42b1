package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// Servers, proxies and what fills memory are processes of their own, started from this
// program: so the time that each uses can be told apart, and none collects the garbage of another.

const roleArgument = "role"

// child is one of these processes. It says in its first line what there is to know of it, answers
// words that it is asked with a line each, and ends with its standard input, whatever it is at: so
// none outlives the program that started it, however that ends.
type child struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// start starts a child and reads what it says into into.
func start(role string, options, into any) *child {
	c := &child{cmd: exec.Command(must2(os.Executable()), roleArgument, role, string(must2(json.Marshal(options))))} //nolint:gosec,noctx // this program; it ends with its standard input
	c.cmd.Stderr = os.Stderr
	c.in = must2(c.cmd.StdinPipe())
	c.out = bufio.NewReader(must2(c.cmd.StdoutPipe()))
	must(c.cmd.Start())
	must(json.Unmarshal(must2(c.out.ReadBytes('\n')), into))
	return c
}

// ask asks for a number.
func (c *child) ask(word string) int64 {
	must2(fmt.Fprintln(c.in, word))
	return must2(strconv.ParseInt(strings.TrimSpace(must2(c.out.ReadString('\n'))), 10, 64))
}

func (c *child) cpu() time.Duration { return time.Duration(c.ask("cpu")) }

func (c *child) stop() { must(errors.Join(c.in.Close(), c.cmd.Wait())) }

// serveRole is the life of a child.
func serveRole(role string, args []string) {
	words := make(chan string)
	go func() {
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			words <- lines.Text()
		}
		os.Exit(0)
	}()
	options := []byte(strings.Join(args, " "))
	answers := map[string]func() int64{"cpu": func() int64 { return int64(cpuTime()) }}
	var said any
	switch role {
	case "backend":
		said = runBackend(options, answers)
	case "proxy":
		said = runProxy(options)
	case "memory":
		said = runMemory(options)
	case "scale":
		said = runScale(options)
	default:
		panic("no such role: " + role)
	}
	fmt.Println(string(must2(json.Marshal(said))))
	for word := range words {
		fmt.Println(answers[word]())
	}
}
