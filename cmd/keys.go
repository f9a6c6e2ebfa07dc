package cmd

import (
	"context"
	"fmt"

	"fanfare/internal/vault"
)

type keysCommand struct {
	Create keysCreateCommand `cmd:"" help:"Make a new key set. Keep a copy of the file: without it no stored credential can be opened."`
}

type keysCreateCommand struct{ keyConfig }

// Run makes a key set; an existing file is never touched.
func (c *keysCreateCommand) Run(ctx context.Context, s streams) error {
	v, err := vault.Create(ctx, vault.Config{KeySet: c.Keyset, KEK: c.Kek})
	if err != nil {
		return err // it says what was done
	}
	fmt.Fprintf(s.out, "Made %s with key %d. Keep a copy of it in a safe place.\n", c.Keyset, v.PrimaryKeyID())
	return nil
}
