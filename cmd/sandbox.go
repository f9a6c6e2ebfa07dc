package cmd

import (
	"context"
	"fmt"

	"fanfare/internal/sandbox"
)

type sandboxCommand struct {
	logConfig
	Addr string `default:"127.0.0.1:8081" help:"Address to listen on."`
	Dir  string `help:"Where what was published is kept; in memory if empty."`
}

// Run serves the stand-ins until it is told to stop.
func (c *sandboxCommand) Run(ctx context.Context, s streams) error {
	log := c.logger(s.err)
	if err := loopbackOnly("--addr", c.Addr); err != nil {
		return err
	}
	box, err := sandbox.New(sandbox.Options{Dir: c.Dir, Log: log})
	if err != nil {
		return fmt.Errorf("open sandbox: %w", err)
	}
	listener, err := listen(ctx, "--addr", c.Addr)
	if err != nil {
		return err
	}
	return together(ctx, log, func(ctx context.Context) error {
		return serveHTTP(ctx, log, "sandbox", listener, box.Handler())
	})
}
