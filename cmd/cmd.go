// Package cmd is the command line: one file per command, and the settings that they share in config.go.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands lists every command.
type commands struct {
	Dev     devCommand     `cmd:"" help:"Run everything on this machine, with demo data and a sandbox for the platforms. Needs no configuration."`
	Serve   serveCommand   `cmd:"" help:"Run the API."`
	Worker  workerCommand  `cmd:"" help:"Run a worker, which publishes what is due."`
	Migrate migrateCommand `cmd:"" help:"Make the roles, and bring the database's schema up to date."`
	Keys    keysCommand    `cmd:"" help:"Look after the key set that seals credentials."`
	Token   tokenCommand   `cmd:"" help:"Print a token for a person in development mode."`
	Sandbox sandboxCommand `cmd:"" help:"Run the stand-ins for the platforms alone."`
	Openapi openapiCommand `cmd:"" help:"Print the OpenAPI document."`
}

// streams are where a command writes: results to out, logs and messages to err.
type streams struct {
	out, err io.Writer
}

// Run runs the program and gives its exit status. It ends when the command does, or soon after ctx or the
// process is told to stop.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)

	exit := -1
	parser, err := kong.New(&commands{},
		kong.Name("fanfare"),
		kong.Description("Drafts, schedules and publishes posts for many customers, on time and exactly once."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code; panic(exitNow{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(streams{out: stdout, err: stderr}),
	)
	if err != nil {
		panic(err) // the commands' own declarations are wrong
	}
	parsed, err := parse(parser, args)
	if exit >= 0 {
		return exit // help was asked for
	}
	if err != nil {
		fmt.Fprintf(stderr, "fanfare: %v\n", err)
		return 2
	}
	stopped := func(err error) bool { return ctx.Err() != nil && errors.Is(err, context.Canceled) }
	if err := parsed.Run(); err != nil && !stopped(err) {
		fmt.Fprintf(stderr, "fanfare: %v\n", err)
		return 1
	}
	return 0
}

// exitNow unwinds kong's parser, which expects its Exit not to return.
type exitNow struct{}

func parse(parser *kong.Kong, args []string) (parsed *kong.Context, err error) {
	defer func() {
		if v := recover(); v != nil {
			if _, ok := v.(exitNow); !ok {
				panic(v)
			}
		}
	}()
	return parser.Parse(args)
}
