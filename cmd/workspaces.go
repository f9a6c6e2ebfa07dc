package cmd

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"fanfare/api"
	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/dbbackup"
	"fanfare/internal/workspace"
	"fanfare/jobs"
)

// workspaceConfig says where the directories of customers and spaces are, and how long unused ones are kept.
type workspaceConfig struct {
	Workspaces     string `env:"FANFARE_WORKSPACES" help:"Directory in which the workspaces of customers and spaces are, such as /var/lib/fanfare/workspaces, the same for API and workers. Empty: there are none."`
	WorkspaceQuota int64  `name:"workspace-quota" default:"5368709120" env:"FANFARE_WORKSPACE_QUOTA" help:"How many bytes the workspaces of one customer may have together, unless it has a quota of its own."`
	UnusedDays     int32  `name:"workspace-unused-days" default:"90" env:"FANFARE_WORKSPACE_UNUSED_DAYS" help:"After so many days without use, it is announced that a workspace will be archived."`
	NoticeDays     int32  `name:"workspace-notice-days" default:"14" env:"FANFARE_WORKSPACE_NOTICE_DAYS" help:"So many days later it is archived."`
	ArchiveDays    int32  `name:"workspace-archive-days" default:"365" env:"FANFARE_WORKSPACE_ARCHIVE_DAYS" help:"So many days later its archive is deleted."`
}

// openWorkspaces gives nil where there are none.
func (c workspaceConfig) openWorkspaces() (*workspace.Store, error) {
	if c.Workspaces == "" {
		return nil, nil //nolint:nilnil // that is what "no workspaces" looks like
	}
	store, err := workspace.OpenStore(c.Workspaces)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named("workspaces"), err)
	}
	return store, nil
}

func (c workspaceConfig) rules() (api.WorkspaceRules, error) {
	if c.WorkspaceQuota <= 0 {
		return api.WorkspaceRules{}, fmt.Errorf("%s must be a number of bytes above 0, not %d", named("workspace-quota"), c.WorkspaceQuota)
	}
	for _, setting := range []struct {
		flag string
		days int32
	}{{"workspace-unused-days", c.UnusedDays}, {"workspace-notice-days", c.NoticeDays}, {"workspace-archive-days", c.ArchiveDays}} {
		if setting.days < 1 || setting.days > 3650 {
			return api.WorkspaceRules{}, fmt.Errorf("%s must be from 1 to 3650 days, not %d", named(setting.flag), setting.days)
		}
	}
	return api.WorkspaceRules{UnusedDays: c.UnusedDays, NoticeDays: c.NoticeDays, ArchiveDays: c.ArchiveDays, Quota: c.WorkspaceQuota}, nil
}

// backupConfig says how files are backed up.
type backupConfig struct {
	BackupBucket      string        `name:"backup-bucket" env:"FANFARE_BACKUP_BUCKET" help:"Where backups and archives of files are kept, as FANFARE_BUCKET has it; better not on the same disk. Empty: none are made, and no workspace is archived."`
	BackupRecipient   string        `name:"backup-recipient" env:"FANFARE_BACKUP_RECIPIENT" help:"Whom they are encrypted for: age's public keys such as age1…, with commas between them; none: they are not encrypted."`
	BackupIdentity    string        `name:"backup-identity" type:"path" env:"FANFARE_BACKUP_IDENTITY" help:"File with the secret key that opens them, which restores and drills need where they are encrypted."`
	BackupAt          string        `name:"backup-at" default:"02:00" env:"FANFARE_BACKUP_AT" help:"When each night's backups begin, by UTC."`
	BackupKeepDaily   int           `name:"backup-keep-daily" default:"30" env:"FANFARE_BACKUP_KEEP_DAILY" help:"For so many days the last backup of the day is kept."`
	BackupKeepWeekly  int           `name:"backup-keep-weekly" default:"0" env:"FANFARE_BACKUP_KEEP_WEEKLY" help:"For so many weeks the last backup of the week is kept."`
	BackupKeepMonthly int           `name:"backup-keep-monthly" default:"0" env:"FANFARE_BACKUP_KEEP_MONTHLY" help:"For so many months the last backup of the month is kept."`
	BackupRate        int64         `name:"backup-rate" default:"0" env:"FANFARE_BACKUP_RATE" help:"How many bytes a second a worker reads and fetches for backups, restores and drills, from 32768; 0: as many as it can."`
	DrillEvery        time.Duration `name:"drill-every" default:"168h" env:"FANFARE_DRILL_EVERY" help:"How often each customer's last backup is restored elsewhere, to see whether it can be."`
}

// openBackups gives nil where no backups are made.
func (c *backupConfig) openBackups(ctx context.Context) (*bucket.Bucket, error) {
	if c.BackupBucket == "" {
		return nil, nil //nolint:nilnil // that is what "no backups" looks like
	}
	b, err := bucket.Open(ctx, c.BackupBucket, bucket.Options{})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", named("backup-bucket"), err)
	}
	return b, nil
}

const (
	// rateBurst is how much may be read at once where the rate is limited.
	rateBurst = 4 << 20
	// slowest is the least rate: with less, a day is not enough for a backup.
	slowest = 32 << 10
)

// jobs checks the settings.
func (c *backupConfig) jobs() (config jobs.BackupConfig, err error) {
	at, err := time.Parse("15:04", c.BackupAt)
	if err != nil {
		return config, fmt.Errorf("%s must be a time such as 02:00, not %q", named("backup-at"), c.BackupAt)
	}
	config.At = at.Sub(at.Truncate(24 * time.Hour))
	for _, setting := range []struct {
		flag        string
		kept, least int
	}{{"backup-keep-daily", c.BackupKeepDaily, 1}, {"backup-keep-weekly", c.BackupKeepWeekly, 0}, {"backup-keep-monthly", c.BackupKeepMonthly, 0}} {
		if setting.kept < setting.least {
			return config, fmt.Errorf("%s must be at least %d, not %d", named(setting.flag), setting.least, setting.kept)
		}
	}
	config.Keep = backup.Policy{Daily: c.BackupKeepDaily, Weekly: c.BackupKeepWeekly, Monthly: c.BackupKeepMonthly}
	if c.DrillEvery < time.Minute {
		return config, fmt.Errorf("%s must be at least 1m, not %s", named("drill-every"), c.DrillEvery)
	}
	config.DrillEvery = c.DrillEvery
	switch {
	case c.BackupRate < 0 || c.BackupRate > 0 && c.BackupRate < slowest:
		return config, fmt.Errorf("%s must be a number of bytes a second from %d, or 0, not %d", named("backup-rate"), slowest, c.BackupRate)
	case c.BackupRate > 0:
		config.Limiter = rate.NewLimiter(rate.Limit(c.BackupRate), int(min(c.BackupRate, rateBurst)))
	}
	recipients, err := dbbackup.ParseRecipients(c.BackupRecipient)
	if err != nil {
		return config, fmt.Errorf("%s: %w", named("backup-recipient"), err)
	}
	for _, recipient := range recipients {
		known, ok := recipient.(backup.Recipient)
		if !ok {
			return config, fmt.Errorf("%s: a recipient is of a kind that is not supported", named("backup-recipient"))
		}
		config.Recipients = append(config.Recipients, known)
	}
	if c.BackupIdentity != "" {
		if config.Identities, err = dbbackup.ReadIdentities(c.BackupIdentity); err != nil {
			return config, fmt.Errorf("%s: %w", named("backup-identity"), err)
		}
	}
	return config, nil
}
