package cmd

import (
	"context"
	"fmt"

	"fanfare/db"
)

type migrateCommand struct {
	MigrateDatabaseURL string `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, as an administrator of the server (makes the roles too) or as fanfare_owner."`
	DatabaseURL        string `env:"DATABASE_URL" help:"If given, fanfare_login gets the password in it."`
	WorkerDatabaseURL  string `env:"WORKER_DATABASE_URL" help:"If given, fanfare_worker gets the password in it."`
}

// Run brings the database up to date.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	var passwords db.LoginPasswords
	var err error
	if passwords.Login, err = passwordIn(c.DatabaseURL); err != nil {
		return err
	}
	if passwords.Worker, err = passwordIn(c.WorkerDatabaseURL); err != nil {
		return err
	}
	if err := db.Migrate(ctx, c.MigrateDatabaseURL, passwords, s.err); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database is at", db.Version())
	return nil
}
