package dbbackup

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// CustomerPlan says what restoring a customer would do.
type CustomerPlan struct {
	*Header
	// Here counts the customer's rows that are there already, by table. Nothing is restored while there are any.
	Here map[string]int64
	// NewUsers counts people who are not there yet; the others stay as they are.
	NewUsers int64
	// LeftOut are months of the audit log that the database has dropped since; the seals of their rows are restored.
	LeftOut []string
	// Erased tells that the database holds the receipt of the customer's erasure, which goes when the customer is back.
	Erased bool
	// Scheduled counts platform posts that wait for their time.
	Scheduled int64
	// Files is what the rows told of workspaces and backups that is not so here, where somebody has looked.
	Files Reconciled
	// OlderSchema tells that the database is of a newer schema than the backup.
	OlderSchema bool
}

// CustomerOptions say how a customer is restored.
type CustomerOptions struct {
	// KeepSchedule has posts that were scheduled go out at their times. Without it they need attention first: they may
	// have gone out since the backup.
	KeepSchedule bool
	// Files are where rows of workspaces and backups are reconciled with what is there. Nil: they are put back as they were, whatever is there.
	Files *Places
}

var errPlanOnly = errors.New("only planned")

// PlanCustomer says what RestoreCustomer would do, after reading the whole file and trying it out in a transaction that
// is rolled back.
func PlanCustomer(ctx context.Context, conn *pgx.Conn, path string, identities []age.Identity, o CustomerOptions) (*CustomerPlan, error) {
	plan, err := restoreCustomer(ctx, conn, path, identities, o, true)
	if errors.Is(err, errPlanOnly) {
		err = nil
	}
	return plan, err
}

// RestoreCustomer puts a customer's rows back as they were, in one transaction. Nothing of the customer may be there. No
// trigger fires, so that the rows and the audit log are as they were; foreign keys are verified before the end. What follows
// from its return (see CustomerOptions) is changed after that, with triggers as always. The
// connection must be of a role that reads and writes past row-level security and may set session_replication_role: a
// superuser's.
func RestoreCustomer(ctx context.Context, conn *pgx.Conn, path string, identities []age.Identity, o CustomerOptions) (*CustomerPlan, error) {
	return restoreCustomer(ctx, conn, path, identities, o, false)
}

func restoreCustomer(ctx context.Context, conn *pgx.Conn, path string, identities []age.Identity, o CustomerOptions, only bool) (*CustomerPlan, error) {
	header, err := CheckCustomer(path, identities) // to its end, before anything is changed
	if err != nil {
		return nil, err
	}
	plan := &CustomerPlan{Header: header}
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		r := &customerRestore{tx: tx, conn: conn, plan: plan}
		if err := r.prepare(ctx); err != nil {
			return err
		}
		if len(plan.Here) > 0 {
			if only {
				return errPlanOnly
			}
			return fmt.Errorf("customer %s is there already, with %d rows; nothing was changed. A customer is restored where it is not: "+
				"into a fresh database, or after it was erased", header.CustomerID, total(plan.Here))
		}
		f, err := openCustomer(path, identities)
		if err != nil {
			return err
		}
		defer f.close()
		if err := r.load(ctx, f.dump); err != nil {
			return err
		}
		if err := r.verify(ctx); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "set local session_replication_role = origin; set local row_security = on"); err != nil {
			return fmt.Errorf("let triggers fire again: %w", err)
		}
		if o.Files != nil {
			if plan.Files, err = Reconcile(ctx, tx, header.CustomerID, *o.Files); err != nil {
				return err
			}
		}
		if only {
			return errPlanOnly
		}
		return r.finish(ctx, o)
	})
	return plan, err
}

func total(rows map[string]int64) (sum int64) {
	for _, n := range rows {
		sum += n
	}
	return sum
}

// customerRestore is one restore, in its transaction.
type customerRestore struct {
	tx   pgx.Tx
	conn *pgx.Conn
	plan *CustomerPlan
}

var (
	tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]*$`)
	monthName = regexp.MustCompile(`^audit_log_(\d{4})_(\d{2})$`)
)

// prepare checks the role and the schema, makes the months of the audit log, and looks for what is there.
func (r *customerRestore) prepare(ctx context.Context) error {
	var may bool
	if err := r.tx.QueryRow(ctx, `select (rolsuper or rolbypassrls) and pg_catalog.has_parameter_privilege('session_replication_role', 'set')
		from pg_catalog.pg_roles where rolname = current_user`).Scan(&may); err != nil {
		return fmt.Errorf("check database role: %w", err)
	}
	if !may {
		return errors.New("a customer is restored as a superuser: rows are put back past policies and triggers")
	}
	// Triggers stay silent; what they would check of a row was checked when it was written.
	if _, err := r.tx.Exec(ctx, `set local search_path = pg_catalog; set local session_replication_role = replica; set local row_security = off;
		set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local timezone = 'UTC';
		create temporary table fanfare_restored_users (like public.users including generated) on commit drop`); err != nil {
		return fmt.Errorf("prepare: %w", err)
	}
	var schema string
	if err := r.tx.QueryRow(ctx, "select max(version) from public.schema_migrations").Scan(&schema); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if schema < r.plan.Schema {
		return fmt.Errorf("the backup is of schema %s and the database of %s; migrate the database first", r.plan.Schema, schema)
	}
	r.plan.OlderSchema = schema > r.plan.Schema
	if err := r.tx.QueryRow(ctx, `select exists (select from public.erasures where subject_id = $1)`, r.plan.CustomerID).Scan(&r.plan.Erased); err != nil {
		return fmt.Errorf("look for an erasure: %w", err)
	}
	var underWay bool
	// For a quarter of an hour after an erasure, the worker deletes what appears of the customer.
	if err := r.tx.QueryRow(ctx, `select exists (select from public.erasures where subject_id = $1 and (state <> 'finished' or finished_at > now() - interval '16 minutes'))`,
		r.plan.CustomerID).Scan(&underWay); err != nil {
		return fmt.Errorf("look for an erasure: %w", err)
	}
	if underWay {
		return errors.New("the customer's erasure is under way, or ended less than 16 minutes ago; try again later")
	}
	if err := r.months(ctx); err != nil {
		return fmt.Errorf("make the months of the audit log: %w", err)
	}
	return r.look(ctx)
}

// months makes the months of the audit log that the backup has and the database has not, unless it has dropped them.
func (r *customerRestore) months(ctx context.Context) error {
	// The id of a row begins with its time, so a seal's first id tells how far the log once reached.
	var oldest string
	var dropped bool
	if err := r.tx.QueryRow(ctx, `
		with months as (select min(c.relname::text) as oldest from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'public.audit_log'::regclass)
		select m.oldest, exists (select from public.audit_seals s
			where s.ids[1] < (lpad(to_hex((extract(epoch from to_timestamp(right(m.oldest, 7), 'YYYY_MM')) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid)
		from months m`).Scan(&oldest, &dropped); err != nil {
		return err
	}
	for table, rows := range r.plan.Rows {
		if !tableName.MatchString(table) {
			return fmt.Errorf("%w: it names a table %q", ErrDamaged, table)
		}
		month := monthName.FindStringSubmatch(table)
		switch {
		case month == nil || rows == 0:
		case table < oldest && dropped:
			r.plan.LeftOut = append(r.plan.LeftOut, table)
		default:
			if _, err := r.tx.Exec(ctx, "set local role fanfare_owner"); err != nil {
				return err
			}
			if _, err := r.tx.Exec(ctx, "select tenancy.make_audit_month(make_timestamp($1::text::integer, $2::text::integer, 1, 0, 0, 0))", month[1], month[2]); err != nil {
				return err
			}
			if _, err := r.tx.Exec(ctx, "reset role"); err != nil {
				return err
			}
		}
	}
	slices.Sort(r.plan.LeftOut)
	return nil
}

// customerColumn is the column by which a table's rows are the customer's.
func customerColumn(table string) string {
	if table == "customers" {
		return "id"
	}
	return "customer_id"
}

// look counts what is there of the customer, in every table that has customers' rows.
func (r *customerRestore) look(ctx context.Context) error {
	rows, err := r.tx.Query(ctx, `select c.oid::regclass::text, a.attname::text from pg_class c join pg_attribute a on a.attrelid = c.oid
		where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace in ('public'::regnamespace, 'river'::regnamespace) and not a.attisdropped
			and (a.attname = 'customer_id' or (c.oid = 'public.customers'::regclass and a.attname = 'id'))`)
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	type table struct{ Name, Column string }
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[table])
	if err != nil {
		return fmt.Errorf("list tables: %w", err)
	}
	r.plan.Here = map[string]int64{}
	for _, t := range tables {
		var count int64
		if err := r.tx.QueryRow(ctx, fmt.Sprintf("select count(*) from %s where %s = $1", t.Name, t.Column), r.plan.CustomerID).Scan(&count); err != nil {
			return fmt.Errorf("count rows of %s: %w", t.Name, err)
		}
		if count > 0 {
			r.plan.Here[strings.TrimPrefix(t.Name, "public.")] = count
		}
	}
	return nil
}

// copyLine is how the rows of a table begin in what pg_restore writes.
var copyLine = regexp.MustCompile(`^COPY public\.("?)([a-z0-9_]+)("?) \(([a-z0-9_", ]+)\) FROM stdin;$`)

// load puts the rows in. Of what pg_restore makes of the dump, nothing but the rows is used: no statement of a file runs.
func (r *customerRestore) load(ctx context.Context, dump io.Reader) (err error) {
	cmd, err := program(ctx, "pg_restore", "", "", "--data-only", "--file=-")
	if err != nil {
		return err
	}
	// What ends the dump must reach us, also where pg_restore has read enough.
	source := &errorKeeper{r: dump}
	cmd.Stdin = source
	out, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("run pg_restore: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("run pg_restore: %w", err)
	}
	loaded, loadErr := r.copyAll(ctx, out)
	if loadErr != nil {
		_ = cmd.Process.Kill()
	}
	if err := finish(cmd); loadErr == nil && err != nil {
		loadErr = err
	}
	if source.err != nil {
		return source.err
	}
	if loadErr != nil {
		return loadErr
	}
	if _, err := io.Copy(io.Discard, dump); err != nil {
		return err
	}
	for table, want := range r.plan.Rows {
		if slices.Contains(r.plan.LeftOut, table) {
			continue
		}
		if loaded[table] != want {
			return fmt.Errorf("%w: it has %d rows of %s, and says that it has %d", ErrDamaged, loaded[table], table, want)
		}
	}
	return nil
}

// copyAll loads the tables of a script, and counts the rows of each.
func (r *customerRestore) copyAll(ctx context.Context, script io.Reader) (map[string]int64, error) {
	loaded := map[string]int64{}
	lines := bufio.NewReaderSize(script, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return loaded, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read from pg_restore: %w", err)
		}
		m := copyLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			if strings.HasPrefix(line, "COPY ") {
				return nil, fmt.Errorf("%w: it has rows of no table of ours: %.100s", ErrDamaged, line)
			}
			continue
		}
		table, columns := m[2], m[4]
		if _, known := r.plan.Rows[table]; !known {
			return nil, fmt.Errorf("%w: it has rows of %s, and does not say so", ErrDamaged, table)
		}
		rows := &copyData{lines: lines}
		into := "public." + pgx.Identifier{table}.Sanitize()
		switch {
		case slices.Contains(r.plan.LeftOut, table):
			if _, err := io.Copy(io.Discard, rows); err != nil {
				return nil, err
			}
			continue
		case table == "users":
			into = "pg_temp.fanfare_restored_users"
		}
		tag, err := r.conn.PgConn().CopyFrom(ctx, rows, fmt.Sprintf("copy %s (%s) from stdin", into, columns))
		if err != nil {
			return nil, fmt.Errorf("put back the rows of %s: %w", table, explain(err))
		}
		loaded[table] += tag.RowsAffected()
		if table == "users" {
			// Whoever is there stays as they are.
			tag, err := r.tx.Exec(ctx, fmt.Sprintf("insert into public.users (%s) select %s from pg_temp.fanfare_restored_users on conflict (id) do nothing", columns, columns))
			if err != nil {
				return nil, fmt.Errorf("put back the rows of users: %w", explain(err))
			}
			r.plan.NewUsers = tag.RowsAffected()
		}
	}
}

// explain says what a refused row means.
func explain(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "23505" { // unique_violation
		if refused.ConstraintName == "users_subject_key" {
			return fmt.Errorf("somebody has signed in here since, and has another id than in the backup: %s", refused.Detail)
		}
		return fmt.Errorf("what is unique is another customer's by now (%s): %w", refused.ConstraintName, err)
	}
	return err
}

// copyData is the rows of one table, up to the line that ends them.
type copyData struct {
	lines *bufio.Reader
	rest  []byte
	// middle: a line is longer than what was read of it
	middle, ended bool
}

// Read gives the rows as they stand there.
func (c *copyData) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.ended {
			return 0, io.EOF
		}
		part, err := c.lines.ReadSlice('\n')
		switch {
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return 0, fmt.Errorf("%w: rows end in their middle", ErrDamaged)
		case !c.middle && bytes.Equal(part, []byte("\\.\n")):
			c.ended = true
			return 0, io.EOF
		}
		c.middle = err != nil
		c.rest = part
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// verify makes sure that what was put in is the customer's, and that what rows refer to is there.
func (r *customerRestore) verify(ctx context.Context) error {
	for table, want := range r.plan.Rows {
		if table == "users" || slices.Contains(r.plan.LeftOut, table) || want == 0 {
			continue
		}
		var count int64
		if err := r.tx.QueryRow(ctx, fmt.Sprintf("select count(*) from public.%s where %s = $1", pgx.Identifier{table}.Sanitize(), customerColumn(table)),
			r.plan.CustomerID).Scan(&count); err != nil {
			return fmt.Errorf("count rows of %s: %w", table, err)
		}
		if count != want {
			return fmt.Errorf("%w: of its %d rows of %s, %d are of another customer", ErrDamaged, want, table, want-count)
		}
	}
	if err := r.tx.QueryRow(ctx, "select count(*) from public.platform_posts where customer_id = $1 and state = 'scheduled'", r.plan.CustomerID).Scan(&r.plan.Scheduled); err != nil {
		return fmt.Errorf("count scheduled posts: %w", err)
	}
	rows, err := r.tx.Query(ctx, `
		select f.conname::text, format('select count(*) from %s c where c.%I = $1 and %s and not exists (select from %s p where %s)',
			f.conrelid::regclass, case when f.conrelid = 'public.customers'::regclass then 'id' else 'customer_id' end,
			string_agg(format('c.%I is not null', a.attname), ' and '), f.confrelid::regclass, string_agg(format('p.%I = c.%I', b.attname, a.attname), ' and '))
		from pg_constraint f
			cross join unnest(f.conkey, f.confkey) k(child, parent)
			join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.child
			join pg_attribute b on b.attrelid = f.confrelid and b.attnum = k.parent
		where f.contype = 'f' and f.conparentid = 0 and f.connamespace = 'public'::regnamespace
			and exists (select from pg_attribute t where t.attrelid = f.conrelid and t.attname = 'customer_id' and not t.attisdropped)
		group by f.oid, f.conname, f.conrelid, f.confrelid`)
	if err != nil {
		return fmt.Errorf("list foreign keys: %w", err)
	}
	type key struct{ Name, Query string }
	keys, err := pgx.CollectRows(rows, pgx.RowToStructByPos[key])
	if err != nil {
		return fmt.Errorf("list foreign keys: %w", err)
	}
	for _, k := range keys {
		var count int64
		if err := r.tx.QueryRow(ctx, k.Query, r.plan.CustomerID).Scan(&count); err != nil {
			return fmt.Errorf("verify %s: %w", k.Name, err)
		}
		if count > 0 {
			return fmt.Errorf("%w: %d rows refer to what is not there (%s)", ErrDamaged, count, k.Name)
		}
	}
	return nil
}

// finish does what follows from a customer's return, with triggers as always.
func (r *customerRestore) finish(ctx context.Context, o CustomerOptions) error {
	id := r.plan.CustomerID
	// Attempts name the jobs that made them. Jobs to come get other numbers.
	if _, err := r.tx.Exec(ctx, `select setval('river.river_job_id_seq', greatest(
			(select last_value from river.river_job_id_seq),
			(select coalesce(max(job_id), 0) + 1 from public.publish_attempts where customer_id = $1),
			(select coalesce(max(job_id), 0) + 1 from public.audit_log where customer_id = $1)))`, id); err != nil {
		return fmt.Errorf("number jobs: %w", err)
	}
	if !o.KeepSchedule {
		if _, err := r.tx.Exec(ctx, "select set_config('fanfare.customer_id', $1, true)", id.String()); err != nil {
			return fmt.Errorf("hold scheduled posts: %w", err)
		}
		if _, err := r.tx.Exec(ctx, `update public.platform_posts set state = 'needs_attention', problem_class = 'unknown_outcome',
			problem = format('The customer was restored from a backup of %s, when this was scheduled. Whether it has gone out since, nobody knows.', $2::text)
			where customer_id = $1 and state = 'scheduled'`, id, r.plan.Time.UTC().Format("2006-01-02 15:04 UTC")); err != nil {
			return fmt.Errorf("hold scheduled posts: %w", err)
		}
	}
	if _, err := r.tx.Exec(ctx, "delete from public.erasures where subject_id = $1", id); err != nil {
		return fmt.Errorf("take away the erasure's receipt: %w", err)
	}
	if _, err := r.tx.Exec(ctx, "select tenancy.audit_event(tenancy.installation_id(), 'customer.restore', 'customer', $1, $2)",
		id.String(), map[string]any{"backup_of": r.plan.Time, "rows": total(r.plan.Rows), "erased": r.plan.Erased}); err != nil {
		return fmt.Errorf("record the restore: %w", err)
	}
	return nil
}
