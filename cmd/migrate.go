package cmd

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fanfare/db"
)

type migrateCommand struct {
	MigrateDatabaseURL string `required:"" env:"MIGRATE_DATABASE_URL" help:"Database, as an administrator of the server (makes the roles too) or as fanfare_owner."`
	DatabaseURL        string `env:"DATABASE_URL" help:"A URL of fanfare_login; that role gets the password in it."`
	WorkerDatabaseURL  string `env:"WORKER_DATABASE_URL" help:"A URL of fanfare_worker; that role gets the password in it."`
	BackupDatabaseURL  string `env:"BACKUP_DATABASE_URL" help:"A URL of fanfare_backup; that role gets the password in it."`
}

// Run brings the database up to date.
func (c *migrateCommand) Run(ctx context.Context, s streams) error {
	var passwords db.LoginPasswords
	var err error
	if passwords.Login, err = passwordIn(c.DatabaseURL, "fanfare_login", loginSetting); err != nil {
		return err
	}
	if passwords.Worker, err = passwordIn(c.WorkerDatabaseURL, "fanfare_worker", workerSetting); err != nil {
		return err
	}
	if passwords.Backup, err = passwordIn(c.BackupDatabaseURL, "fanfare_backup", backupSetting); err != nil {
		return err
	}
	const setting = "--migrate-database-url (MIGRATE_DATABASE_URL)"
	if _, err := pgx.ParseConfig(c.MigrateDatabaseURL); err != nil {
		return wrongURL(setting, "postgres")
	}
	err = db.Migrate(ctx, c.MigrateDatabaseURL, passwords, s.out)
	var away *pgconn.ConnectError
	if errors.As(err, &away) {
		return fmt.Errorf("%s: %w", setting, err)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The database is at", db.Version())
	return nil
}
