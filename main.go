// Fanfare is the multi-tenant backend for AI-assisted marketing teams.
package main

import (
	"context"
	"os"
	_ "time/tzdata" // a server may have no zones of its own

	"fanfare/cmd"
)

func main() {
	os.Exit(cmd.Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}
