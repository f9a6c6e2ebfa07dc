package dbbackup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/internal/backup"
	"fanfare/internal/bucket"
	"fanfare/internal/workspace"
)

// Places are where the files are of which rows tell.
type Places struct {
	// Workspaces may be nil: then nobody looks, and each directory is made anew unless it is there.
	Workspaces *workspace.Store
	// Backups are of files. Nil is an error where rows tell of archives or whole backups.
	Backups *bucket.Bucket
}

// Reconciled counts what rows told of a customer's files that is not so.
type Reconciled struct {
	New      int64 // workspaces that begin anew: their directories are made unless they are there, and are looked through
	Archives int64 // of these, those whose archive is gone
	Backups  int64 // whole backups that are not in the bucket
	Ended    int64 // backups, restores, drills and changes of files that were under way
}

// Nothing tells whether rows told what is.
func (r Reconciled) Nothing() bool { return r == Reconciled{} }

// ReconcileAll does so for all customers, or the one that is not nil, each in a transaction, and tells of each; with only, it tells what it would do. It refuses
// while workers are alive. The connection must be of a superuser, or of a role with BYPASSRLS and membership in fanfare_owner.
func ReconcileAll(ctx context.Context, conn *pgx.Conn, customerID *uuid.UUID, places Places, only bool, tell func(id uuid.UUID, name string, r Reconciled)) error {
	var may, working bool
	if err := conn.QueryRow(ctx, "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = current_user").Scan(&may); err != nil {
		return fmt.Errorf("check database role: %w", err)
	}
	if !may {
		return errors.New("rows are reconciled as a superuser: those of all customers are read and changed, past policies")
	}
	if err := conn.QueryRow(ctx, "select exists (select from public.workers where lease_until > now())").Scan(&working); err != nil {
		return fmt.Errorf("look for workers: %w", err)
	}
	if working {
		return errors.New("workers are running: stop them first, as what they are doing would be ended under their hands")
	}
	rows, err := conn.Query(ctx, "select c.id, c.name from public.customers c where c.erasing_at is null and ($1::uuid is null or c.id = $1) order by c.id", customerID)
	if err != nil {
		return fmt.Errorf("list customers: %w", err)
	}
	type row struct {
		ID   uuid.UUID
		Name string
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return fmt.Errorf("list customers: %w", err)
	}
	if customerID != nil && len(all) == 0 {
		return fmt.Errorf("there is no customer %s", customerID)
	}
	for _, c := range all {
		var found Reconciled
		err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) (err error) {
			if found, err = Reconcile(ctx, tx, c.ID, places); err == nil && only {
				return errPlanOnly
			}
			return err
		})
		if err != nil && !errors.Is(err, errPlanOnly) {
			return fmt.Errorf("customer %s: %w", c.ID, err)
		}
		tell(c.ID, c.Name, found)
	}
	return nil
}

// notKept is why what was under way has ended.
const notKept = "The database was restored to an earlier moment."

// Reconcile has the rows of a customer's workspaces and backups tell what is there, after rows or files were restored to another moment than the others: a
// workspace without its directory, or without its archive, begins anew; a backup that is not in the bucket has failed, and so has what was under way. No worker
// may work meanwhile. The transaction must be of a role that reads and writes past row-level security; triggers fire, so that the log tells of it.
func Reconcile(ctx context.Context, tx pgx.Tx, customerID uuid.UUID, places Places) (r Reconciled, err error) {
	if _, err := tx.Exec(ctx, "select pg_catalog.set_config('fanfare.customer_id', $1, true)", customerID.String()); err != nil {
		return r, fmt.Errorf("enter the customer: %w", err)
	}
	// Of a customer that was backed up before there were workspaces, none is there yet.
	tag, err := tx.Exec(ctx, `insert into public.workspaces (customer_id, id, space_id)
		select $1, pg_catalog.gen_random_uuid(), null union all select s.customer_id, pg_catalog.gen_random_uuid(), s.id from public.spaces s where s.customer_id = $1
		on conflict do nothing`, customerID)
	if err != nil {
		return r, fmt.Errorf("make workspaces: %w", err)
	}
	r.New = tag.RowsAffected()
	again, lost, err := lostWorkspaces(ctx, tx, customerID, places)
	if err != nil {
		return r, err
	}
	r.Archives = int64(len(lost))
	tag, err = tx.Exec(ctx, `update public.workspaces w
		set state = 'new', bytes = 0, entries = 0, measured_at = '-infinity', last_used_at = now(), announced_at = null, wanted_at = null, problem = null, archived_at = null,
			archive_id = case when not w.id = any ($3) then w.archive_id end, archive_sha256 = case when not w.id = any ($3) then w.archive_sha256 end,
			archive_bytes = case when not w.id = any ($3) then w.archive_bytes end
		where w.customer_id = $1 and w.id = any ($2)`, customerID, slices.Concat(again, lost), lost)
	if err != nil {
		return r, fmt.Errorf("begin workspaces anew: %w", err)
	}
	r.New += tag.RowsAffected()
	gone, err := lostBackups(ctx, tx, customerID, places.Backups)
	if err != nil {
		return r, err
	}
	for _, step := range []struct {
		count *int64
		sql   string
		args  []any
	}{
		{&r.Backups, `update public.backups set state = 'failed', problem = 'It is not in the bucket of backups any more.' where customer_id = $1 and id = any ($2)`, []any{gone}},
		{&r.Ended, `update public.backups set state = 'failed', problem = $2 where customer_id = $1 and state in ('queued', 'running')`, []any{notKept}},
		{&r.Ended, `update public.restores set state = 'failed', problem = $2 where customer_id = $1 and state not in ('done', 'failed')`, []any{notKept + " Plan it anew."}},
		{&r.Ended, `update public.drills set state = 'failed', problem = $2, finished_at = now() where customer_id = $1 and state = 'running'`, []any{notKept}},
		{&r.Ended, `delete from public.file_changes where customer_id = $1`, nil},
		// Archives that are there stay until somebody wants them now.
		{nil, `update public.workspaces set state = 'archived', wanted_at = null, problem = null where customer_id = $1 and state in ('archived', 'returning')
			and (state = 'returning' or wanted_at is not null)`, nil},
		{nil, `update public.backup_status s set last_good_id = b.id, last_good_at = b.finished_at
			from (select $1::uuid as customer_id) c left join lateral (
				select id, finished_at from public.backups where customer_id = c.customer_id and state = 'ready' order by finished_at desc limit 1) b on true
			where s.customer_id = c.customer_id and s.last_good_id is distinct from b.id`, nil},
	} {
		tag, err := tx.Exec(ctx, step.sql, append([]any{customerID}, step.args...)...)
		if err != nil {
			return r, fmt.Errorf("end what was under way: %w", err)
		}
		if step.count != nil {
			*step.count += tag.RowsAffected()
		}
	}
	return r, nil
}

// lostWorkspaces are those that are in use without a directory, or in the middle of a step, and those that were archived and have no archive.
func lostWorkspaces(ctx context.Context, tx pgx.Tx, customerID uuid.UUID, places Places) (again, lost []uuid.UUID, err error) {
	rows, err := tx.Query(ctx, `select w.id, w.space_id, w.state, w.archive_id from public.workspaces w
		where w.customer_id = $1 and w.state not in ('new', 'deleted') order by w.id for update`, customerID)
	if err != nil {
		return nil, nil, fmt.Errorf("list workspaces: %w", err)
	}
	type row struct {
		ID        uuid.UUID
		SpaceID   *uuid.UUID
		State     string
		ArchiveID *uuid.UUID
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		return nil, nil, fmt.Errorf("list workspaces: %w", err)
	}
	isArchived := func(w row) bool { return w.State == "archived" || w.State == "returning" }
	var archives map[uuid.UUID]bool
	if slices.ContainsFunc(all, isArchived) {
		if archives, err = manifests(ctx, places.Backups, customerID, bucket.Archives(customerID)); err != nil {
			return nil, nil, err
		}
	}
	for _, w := range all {
		if isArchived(w) {
			if !archives[*w.ArchiveID] {
				lost = append(lost, w.ID)
			}
			continue
		}
		if places.Workspaces != nil && w.State != "restoring" {
			there, err := hasDirectory(places.Workspaces, customerID, w.ID, w.SpaceID)
			if err != nil {
				return nil, nil, err
			}
			if there {
				continue
			}
		}
		again = append(again, w.ID)
	}
	return again, lost, nil
}

// hasDirectory tells whether a workspace is in its place, or set aside by an archiving that was broken off and that workers go on with.
func hasDirectory(store *workspace.Store, customerID, id uuid.UUID, spaceID *uuid.UUID) (bool, error) {
	directory, err := store.Open(customerID, workspace.OfSpace(spaceID))
	if err == nil {
		return true, directory.Close()
	}
	if !errors.Is(err, workspace.ErrMissing) {
		return false, fmt.Errorf("look for the directory of workspace %s: %w", id, err)
	}
	return store.HasScratch(customerID, id)
}

// lostBackups are those that are whole by their rows and not in the bucket.
func lostBackups(ctx context.Context, tx pgx.Tx, customerID uuid.UUID, backups *bucket.Bucket) (gone []uuid.UUID, err error) {
	rows, err := tx.Query(ctx, "select b.id, b.object_id from public.backups b where b.customer_id = $1 and b.state = 'ready' for update", customerID)
	if err != nil {
		return nil, fmt.Errorf("list backups: %w", err)
	}
	type row struct{ ID, ObjectID uuid.UUID }
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil || len(all) == 0 {
		return nil, err
	}
	there, err := manifests(ctx, backups, customerID, bucket.Backups(customerID))
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if !there[b.ObjectID] {
			gone = append(gone, b.ID)
		}
	}
	return gone, nil
}

// ErrNoBucket says that rows tell of archives or backups, and nobody has said where to look for them.
var ErrNoBucket = errors.New("rows tell of archives or backups of files: the bucket is needed, to see which are there")

func manifests(ctx context.Context, b *bucket.Bucket, customerID uuid.UUID, prefix string) (map[uuid.UUID]bool, error) {
	if b == nil {
		return nil, ErrNoBucket
	}
	return (&backup.Repository{Store: b, Prefix: prefix, CustomerID: customerID}).Manifests(ctx)
}
