package cmd

import (
	"context"
	"fmt"

	"fanfare/db"
)

type migrateCommand struct {
	MigrateDatabaseURL string `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, as an administrator of the server (makes the roles too) or as fanfare_owner."`
	DatabaseURL        string `env:"DATABASE_URL" help:"A URL of fanfare_login; that role gets the password in it."`
	WorkerDatabaseURL  string `env:"WORKER_DATABASE_URL" help:"A URL of fanfare_worker; that role gets the password in it."`
}

// Run brings the database up to date.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	var passwords db.LoginPasswords
	var err error
	if passwords.Login, err = passwordIn(c.DatabaseURL, "fanfare_login", "--database-url (DATABASE_URL)"); err != nil {
		return err
	}
	if passwords.Worker, err = passwordIn(c.WorkerDatabaseURL, "fanfare_worker", "--worker-database-url (WORKER_DATABASE_URL)"); err != nil {
		return err
	}
	if err := db.Migrate(ctx, c.MigrateDatabaseURL, passwords, s.out); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database is at", db.Version())
	return nil
}
