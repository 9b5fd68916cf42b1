package proxy

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/bbbgroup/bbb"
)

// Program is what one program of the proxy has that another one does not.
type Program struct {
	Name string // as the user calls it
	// OpenCache opens the cache of the configuration; nil if the program has none but its
	// memory. If what it returns has a Close method, that is called at the end. Errors
	// must not show the password in the URL.
	OpenCache func(rawURL string) (bbb.Cache, error)
}

// Main runs the program with the arguments and signals of the process, and returns its exit
// status: 2 for wrong flags or a wrong configuration, 1 for what failed later.
//
// SIGINT and SIGTERM end it in order, the second one at once. SIGHUP has it read the
// configuration again.
func (p Program) Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal does what signals do
	reload := make(chan os.Signal, 1)
	signal.Notify(reload, syscall.SIGHUP)
	defer signal.Stop(reload)
	err := p.run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr, reload)
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", p.Name, err)
	if errors.Is(err, errUsage) {
		return 2
	}
	return 1
}

// errUsage is that the program was not started as it can be.
var errUsage = errors.New("see -help and docs/proxy.md")

// run is Main with everything of the process given.
func (p Program) run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer, reload <-chan os.Signal) (err error) {
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	config := flags.String("config", "", "configuration `file`; without one, -demo")
	demo := flags.Bool("demo", false, "run three servers inside the program, to try the proxy")
	listen := flags.String("listen", "", "`address` to listen on (default: that of the configuration, or "+defaultListen+")")
	secret := flags.String("secret", "", "with -demo: the `secret` of the clients (default: a random one)")
	check := flags.Bool("check", false, "only check the configuration")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return errUsage // the flag set has said what
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("what is %q? %w", flags.Arg(0), errUsage)
	case *config != "" && (*demo || *secret != ""):
		return fmt.Errorf("-config goes without -demo and -secret: %w", errUsage)
	case *config == "" && *check:
		return fmt.Errorf("-check needs -config: %w", errUsage)
	}

	from := source{path: *config, getenv: getenv, listen: *listen, cache: p.OpenCache}
	var c *Config
	var show func(address string)
	if *config == "" {
		fakes, problem := startDemo(from, *secret)
		if problem != nil {
			return problem
		}
		defer func() { err = errors.Join(err, fakes.close()) }()
		c = fakes.config
		show = func(address string) { fakes.print(stdout, address) }
	} else {
		if c, err = from.read(); err != nil {
			return fmt.Errorf("%w\n%w", err, errUsage)
		}
		if *check {
			fmt.Fprintf(stdout, "%s is fine: %d servers, %d tenants.\n", *config, len(c.Servers), len(c.Tenants))
			return nil
		}
		show = func(address string) { fmt.Fprintf(stdout, "listening on %s\n", address) }
	}
	return p.serve(ctx, c, from, stdout, stderr, show, reload)
}

// serve listens and runs the proxy.
func (p Program) serve(ctx context.Context, c *Config, from source, stdout, stderr io.Writer, show func(string), reload <-chan os.Signal) (err error) {
	main, err := new(net.ListenConfig).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return err
	}
	var admin net.Listener
	if c.Admin != "" {
		if admin, err = new(net.ListenConfig).Listen(ctx, "tcp", c.Admin); err != nil {
			return errors.Join(err, main.Close())
		}
	}
	one, err := newProxy(c, from, stderr)
	if err != nil {
		if admin != nil {
			err = errors.Join(err, admin.Close())
		}
		return errors.Join(err, main.Close())
	}
	show(main.Addr().String())
	if admin != nil {
		fmt.Fprintf(stdout, "for operators: %s\n", admin.Addr())
	}
	err = one.serve(ctx, main, admin, reload)
	fmt.Fprintln(stdout, "bye")
	return err
}
