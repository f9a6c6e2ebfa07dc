// Package cmd is the command line: one file per command, and the settings that they share in config.go.
package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"fanfare/api"
)

// commands lists every command.
type commands struct {
	Dev     devCommand     `cmd:"" help:"Run everything on this machine, with demo data and a sandbox for the platforms. Needs no configuration."`
	Serve   serveCommand   `cmd:"" help:"Run the API."`
	Worker  workerCommand  `cmd:"" help:"Run a worker, which publishes what is due."`
	Migrate migrateCommand `cmd:"" help:"Make the roles, and bring the database's schema up to date."`
	Audit   auditCommand   `cmd:"" help:"Look after the audit log."`
	Keys    keysCommand    `cmd:"" help:"Look after the key set that seals credentials."`
	Backup  backupCommand  `cmd:"" help:"Back up the database: one customer, or the whole server; look at backups of files."`
	Restore restoreCommand `cmd:"" help:"Restore the database: one customer, or the whole server to a moment; or a customer's files."`

	Workspace workspaceCommand `cmd:"" help:"Look after the workspaces of customers and spaces."`

	OldCredentials oldCredentialsCommand `cmd:"" help:"Take over credentials from an earlier installation."`

	Token   tokenCommand   `cmd:"" help:"Print a token for a person in development mode."`
	Sandbox sandboxCommand `cmd:"" help:"Run the stand-ins for the platforms alone."`
	Openapi openapiCommand `cmd:"" help:"Print the OpenAPI document."`

	Version kong.VersionFlag `help:"Print the version."`
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
		kong.Description("Drafts, schedules and publishes posts for many customers, on time and never twice."),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code; panic(exitNow{}) }),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Vars{"version": version()},
		kong.Bind(streams{out: stdout, err: stderr}),
	)
	if err != nil {
		panic(err) // the commands' own declarations are wrong
	}
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "help":
		args = append(slices.Clone(args[1:]), "--help")
	}
	parsed, err := parse(parser, args)
	if exit >= 0 {
		return exit // help or the version was asked for
	}
	if err != nil {
		fmt.Fprintf(stderr, "fanfare: %s\n%s", withVariables(err), whereHelpIs(err))
		return 2
	}
	// To be told to stop is how those end that run until then. A backup or restore that was broken off has failed.
	unfinished := strings.HasPrefix(parsed.Command(), "backup ") || strings.HasPrefix(parsed.Command(), "restore ")
	stopped := func(err error) bool { return !unfinished && ctx.Err() != nil && errors.Is(err, context.Canceled) }
	if err := parsed.Run(); err != nil && !stopped(err) {
		fmt.Fprintf(stderr, "fanfare: %v\n", err)
		var special *statusError
		if errors.As(err, &special) {
			return special.status
		}
		return 1
	}
	return 0
}

// statusError is an error with an exit status of its own.
type statusError struct {
	error
	status int
}

// Unwrap gives what went wrong.
func (e *statusError) Unwrap() error { return e.error }

// withVariables adds to each flag that an error calls missing or wrong the variable that can stand for it, and names the
// arguments that are missing besides.
func withVariables(err error) string {
	text := err.Error()
	var failed *kong.ParseError
	if !errors.As(err, &failed) || failed.Context == nil {
		return text
	}
	if !strings.HasPrefix(text, "missing flags: ") {
		for _, flag := range failed.Context.Flags() {
			rest, found := strings.CutPrefix(text, "--"+flag.Name)
			if found && len(flag.Envs) > 0 && (strings.HasPrefix(rest, ":") || strings.HasPrefix(rest, " must ")) {
				return "--" + flag.Name + " (" + flag.Envs[0] + ")" + rest
			}
		}
		return text
	}
	settings := strings.Split(strings.TrimPrefix(text, "missing flags: "), ", ")
	for _, flag := range failed.Context.Flags() {
		if i := slices.Index(settings, flag.Summary()); i >= 0 && len(flag.Envs) > 0 {
			settings[i] = "--" + flag.Name + " (" + flag.Envs[0] + ")"
		}
	}
	if node := failed.Context.Selected(); node != nil {
		for _, arg := range node.Positional {
			if arg.Required && !arg.Set {
				settings = append(settings, arg.Summary())
			}
		}
	}
	return "missing settings: " + strings.Join(settings, ", ")
}

// whereHelpIs names the command whose help tells how it is done.
func whereHelpIs(err error) string {
	var failed *kong.ParseError
	if !errors.As(err, &failed) || failed.Context == nil {
		return ""
	}
	command := []string{"fanfare"}
	for _, step := range failed.Context.Path {
		if step.Command != nil {
			command = append(command, step.Command.Name)
		}
	}
	return "See '" + strings.Join(command, " ") + " --help'.\n"
}

// version is the API's version, and what the program was built from.
func version() string {
	text := "fanfare " + api.Version
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return text
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			text += " " + s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			text += " (modified)"
		}
	}
	return text + " " + info.GoVersion
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
