package telemetry

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// WorkspaceCount counts the workspaces in one state.
type WorkspaceCount struct {
	State                           string // as the database calls it
	Workspaces, Bytes, ArchiveBytes int64
}

// BackupHealth is how the backups of all customers stand, and the drills of them. A zero time: there was none.
type BackupHealth struct {
	Customers                                     int64 // who have a good backup
	Late, Failing, DrillsLate, DrillsFailing      int64 // customers
	OldestGoodAt, NewestGoodAt, NewestGoodDrillAt time.Time
}

var (
	workspaceCounts atomic.Pointer[func(context.Context) ([]WorkspaceCount, error)]
	backupHealth    atomic.Pointer[func(context.Context) (BackupHealth, error)]
)

// ObserveWorkspaces says how to ask how many workspaces there are, as ObserveOldCredentials.
func ObserveWorkspaces(ask func(context.Context) ([]WorkspaceCount, error)) {
	workspaceCounts.Store(&ask)
}

// ObserveBackups says how to ask how backups stand, as ObserveOldCredentials.
func ObserveBackups(ask func(context.Context) (BackupHealth, error)) {
	backupHealth.Store(&ask)
}

// gauge makes a gauge that is observed together with others.
func gauge(name, description string) metric.Int64ObservableGauge {
	return must(meter.Int64ObservableGauge(name, metric.WithDescription(description)))
}

var (
	workspaces     = gauge("fanfare_workspaces", "Workspaces of customers and spaces, by state.")
	workspaceBytes = gauge("fanfare_workspace_bytes", "What is in workspaces, in bytes, by state; of those that are archived, what was in them.")
	archiveBytes   = gauge("fanfare_workspace_archive_bytes", "What archives of workspaces take in the bucket.")

	backupCustomers = gauge("fanfare_backup_customers", "Customers who have a good backup of their files.")
	backupsLate     = gauge("fanfare_backups_late", "Customers whose last good backup is older than a day and a half.")
	backupsFailing  = gauge("fanfare_backups_failing", "Customers of whom a backup has failed since the last good one.")
	backupOldest    = gauge("fanfare_backup_oldest_good_timestamp_seconds", "When the last good backup was made of the customer whose is the oldest.")
	backupNewest    = gauge("fanfare_backup_newest_good_timestamp_seconds", "When the newest good backup of all customers was made.")
	drillsLate      = gauge("fanfare_drills_late", "Customers whose backup was not restored in a drill for too long.")
	drillsFailing   = gauge("fanfare_drills_failing", "Customers of whom a drill has failed since the last good one.")
	drillNewest     = gauge("fanfare_drill_newest_good_timestamp_seconds", "When the newest good drill of all customers was.")
	_               = must(meter.RegisterCallback(observeFiles, workspaces, workspaceBytes, archiveBytes, backupCustomers, backupsLate, backupsFailing, backupOldest, backupNewest, drillsLate, drillsFailing, drillNewest))
)

// observeFiles tells what can be told.
func observeFiles(ctx context.Context, o metric.Observer) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return errors.Join(observeWorkspaces(ctx, o), observeBackups(ctx, o))
}

func observeWorkspaces(ctx context.Context, o metric.Observer) error {
	ask := workspaceCounts.Load()
	if ask == nil {
		return nil
	}
	counts, err := (*ask)(ctx)
	if err != nil {
		return fmt.Errorf("count workspaces: %w", err)
	}
	archives := int64(0)
	for _, c := range counts {
		state := metric.WithAttributes(attribute.String("state", c.State))
		o.ObserveInt64(workspaces, c.Workspaces, state)
		o.ObserveInt64(workspaceBytes, c.Bytes, state)
		archives += c.ArchiveBytes
	}
	o.ObserveInt64(archiveBytes, archives)
	return nil
}

func observeBackups(ctx context.Context, o metric.Observer) error {
	ask := backupHealth.Load()
	if ask == nil {
		return nil
	}
	h, err := (*ask)(ctx)
	if err != nil {
		return fmt.Errorf("ask how backups stand: %w", err)
	}
	for instrument, n := range map[metric.Int64ObservableGauge]int64{
		backupCustomers: h.Customers, backupsLate: h.Late, backupsFailing: h.Failing, drillsLate: h.DrillsLate, drillsFailing: h.DrillsFailing,
	} {
		o.ObserveInt64(instrument, n)
	}
	for instrument, at := range map[metric.Int64ObservableGauge]time.Time{backupOldest: h.OldestGoodAt, backupNewest: h.NewestGoodAt, drillNewest: h.NewestGoodDrillAt} {
		if !at.IsZero() {
			o.ObserveInt64(instrument, at.Unix())
		}
	}
	return nil
}
