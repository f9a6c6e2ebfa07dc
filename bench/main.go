// Command bench measures what docs/performance.md promises. Every measurement is a ratio of two things
// that run in turns in one process on one machine, so that it means the same on a slow machine as on a
// fast one; what backups take is measured as it is. Each benchmark has a file of its own; this one only reads the command line.
//
//	go run ./bench b1
//	go run ./bench backups
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	B1      b1      `cmd:"" name:"b1" help:"A tenant-scoped read of 20 posts against the same statement without tenancy."`
	Backups backups `cmd:"" name:"backups" help:"The nightly backups of many customers: their time, memory, and load of the database."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// errBelowBar is returned after the result has been printed, so that a script sees it in the exit code.
var errBelowBar = errors.New("the median ratio is below the bar")

func run(ctx context.Context, args []string) error {
	var line commandLine
	parser, err := kong.New(&line,
		kong.Name("bench"),
		kong.Description("Measures Fanfare in turns against the same work done without it."),
		kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	command, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return command.Run()
}
