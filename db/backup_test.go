package db_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/internal/audit"
	"fanfare/internal/dbbackup"
	"fanfare/internal/vault"
)

// backUp writes a customer to a file.
func backUp(t testing.TB, d *dbtest.DB, customerID uuid.UUID, recipients ...age.Recipient) (path string, header *dbbackup.Header) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "customer.dump")
	header, err := dbbackup.BackUpCustomer(t.Context(), d.BackupURL, customerID, path, recipients)
	if err != nil {
		t.Fatal(err)
	}
	return path, header
}

// restore puts a customer back.
func restore(t testing.TB, d *dbtest.DB, path string, o dbbackup.CustomerOptions, identities ...age.Identity) (*dbbackup.CustomerPlan, error) {
	t.Helper()
	conn := connect(t, d.SuperURL)
	return dbbackup.RestoreCustomer(t.Context(), conn, path, identities, o)
}

func connect(t testing.TB, databaseURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// backedUp are all rows that a backup of a customer must hold, as JSON with every column, by table.
func backedUp(t testing.TB, d *dbtest.DB, customerID uuid.UUID) map[string][]string {
	t.Helper()
	ctx := t.Context()
	rows := map[string][]string{"public.customers": column[string](ctx, t, d.Super, "select to_jsonb(r)::text from customers r where id = $1", customerID)}
	for _, table := range tenantTables(ctx, t, d.Super) {
		if notBackedUp[table] == "" {
			rows[table] = column[string](ctx, t, d.Super, fmt.Sprintf("select to_jsonb(r)::text from %s r where customer_id = $1 order by 1", table), customerID)
		}
	}
	return rows
}

func verifyLog(t testing.TB, d *dbtest.DB) {
	t.Helper()
	report, err := audit.Verify(t.Context(), connect(t, d.SuperURL), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Customers {
		if c.Problem != nil {
			t.Errorf("the log of %s: %+v", c.ID, *c.Problem)
		}
	}
}

// plain is what a file holds that is not encrypted.
func plain(t testing.TB, path string) []byte {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestCustomerBackup backs up one of two customers that have rows in every table, and restores it elsewhere.
func TestCustomerBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	// Real credentials, sealed.
	set, err := vault.Create(ctx, vault.Config{KeySet: filepath.Join(t.TempDir(), "keyset.json")})
	if err != nil {
		t.Fatal(err)
	}
	const secret = "the-token-of-the-account"
	sealed, err := set.Seal([]byte(secret), vault.Credential(a.id, a.account, "ghost"))
	if err != nil {
		t.Fatal(err)
	}
	mustExec(t, d, "update integrations set credential = $1, key_id = $2 where id = $3", sealed, int64(set.PrimaryKeyID()), a.account)
	// Somebody who made something and is no member any more.
	left := d.Member(t, a.id, "admin")
	mustExec(t, d, "update campaigns set created_by = $1 where id = $2", left.ID, a.campaign)
	mustExec(t, d, "delete from memberships where user_id = $1", left.ID)

	path, header := backUp(t, d, a.id)
	original := backedUp(t, d, a.id)
	for table, rows := range original {
		if len(rows) == 0 {
			t.Errorf("%s has no row: newHouse must make one", table)
		}
		var counted int64
		for name, n := range header.Rows {
			if short := strings.TrimPrefix(table, "public."); name == short || short == "audit_log" && strings.HasPrefix(name, "audit_log_") {
				counted += n
			}
		}
		if counted != int64(len(rows)) {
			t.Errorf("%s: %d rows are backed up, want %d", table, counted, len(rows))
		}
	}
	if header.Rows["users"] != 6 {
		t.Errorf("%d people are backed up, want the customer's 6", header.Rows["users"])
	}

	t.Run("nothing of others, and no secret", func(t *testing.T) {
		content := plain(t, path)
		for _, wanted := range []string{"ours title", a.id.String(), left.Email, hex.EncodeToString(sealed)} {
			if !bytes.Contains(content, []byte(wanted)) {
				t.Errorf("the file does not hold %q", wanted)
			}
		}
		unwanted := []string{"theirs", b.id.String(), secret, hex.EncodeToString([]byte(secret)), a.key.Key, "ours link", "314159"}
		for _, person := range b.people {
			unwanted = append(unwanted, person.ID.String(), person.Subject)
		}
		for _, u := range unwanted {
			if bytes.Contains(content, []byte(u)) {
				t.Errorf("the file holds %q", u)
			}
		}
		for _, id := range column[string](ctx, t, d.Super, "select id::text from audit_log where customer_id <> $1", a.id) {
			if bytes.Contains(content, []byte(id)) {
				t.Fatalf("the file holds the row %s of another log", id)
			}
		}
	})

	t.Run("into a fresh database", func(t *testing.T) {
		fresh := dbtest.New(t)
		identity, err := age.GenerateX25519Identity()
		if err != nil {
			t.Fatal(err)
		}
		encrypted, _ := backUp(t, d, a.id, identity.Recipient())
		if raw, err := os.ReadFile(encrypted); err != nil || !bytes.HasPrefix(raw, []byte("age-encryption.org/v1")) {
			t.Fatalf("the file is not encrypted: %.40q, %v", raw, err)
		}
		if _, err := restore(t, fresh, encrypted, dbbackup.CustomerOptions{}); err == nil || !strings.Contains(err.Error(), "it is encrypted") {
			t.Fatalf("without a key: %v", err)
		}
		conn := connect(t, fresh.SuperURL)
		plan, err := dbbackup.PlanCustomer(ctx, conn, encrypted, []age.Identity{identity}, dbbackup.CustomerOptions{})
		if err != nil || len(plan.Here) != 0 || plan.NewUsers != 6 || !maps.Equal(plan.Rows, header.Rows) {
			t.Fatalf("the plan is %+v, %v", plan, err)
		}
		if n := one[int64](ctx, t, fresh.Super, "select count(*) from users"); n != 0 {
			t.Fatalf("planning left %d people", n)
		}
		if _, err := restore(t, fresh, encrypted, dbbackup.CustomerOptions{}, identity); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(original, backedUp(t, fresh, a.id)); diff != "" {
			t.Errorf("the rows differ (-before +after):\n%s", diff)
		}
		verifyLog(t, fresh)
		if n := one[int64](ctx, t, fresh.Tenant().Read(a.people["owner"].Scope().In(a.id)), "select count(*) from posts"); n != 2 {
			t.Errorf("the owner sees %d posts, want 2", n)
		}
		if n := one[int64](ctx, t, fresh.Tenant().Read(a.key.Scope().In(a.id)), "select count(*) from posts"); n != 2 {
			t.Errorf("the key sees %d posts, want 2", n)
		}
		// What is restored is guarded as before.
		if _, err := runAs(ctx, fresh.Tenant(), a.people["owner"].Scope().In(a.id), "update posts set title = 'again' where id = $1", a.posts[1]); err != nil {
			t.Error(err)
		}
		mustExec(t, fresh, "select tenancy.seal_audit(1000000)")
		verifyLog(t, fresh)
		before := checksum(ctx, t, fresh, a.id)
		if _, err := restore(t, fresh, encrypted, dbbackup.CustomerOptions{}, identity); err == nil || !strings.Contains(err.Error(), "is there already") {
			t.Errorf("a second time: %v", err)
		}
		if checksum(ctx, t, fresh, a.id) != before {
			t.Error("what was there has changed")
		}
	})

	t.Run("after its erasure", func(t *testing.T) {
		others := checksum(ctx, t, d, b.id)
		erasure := requestErasure(ctx, t, d, a)
		for left := "rows"; left != "nothing"; {
			left = one[string](ctx, t, d.Worker, "select tenancy.erase_step($1, 5000)", erasure)
		}
		if !one[bool](ctx, t, d.Worker, "select tenancy.finish_erasure($1)", erasure) {
			t.Fatal("something is left")
		}
		if _, err := restore(t, d, path, dbbackup.CustomerOptions{}); err == nil || !strings.Contains(err.Error(), "try again later") {
			t.Fatalf("while the worker still erases: %v", err)
		}
		mustExec(t, d, "update erasures set finished_at = now() - interval '1 hour'")
		plan, err := restore(t, d, path, dbbackup.CustomerOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !plan.Erased || plan.NewUsers != 0 {
			t.Errorf("erased: %v, new people: %d", plan.Erased, plan.NewUsers)
		}
		if diff := cmp.Diff(original, backedUp(t, d, a.id)); diff != "" {
			t.Errorf("the rows differ (-before +after):\n%s", diff)
		}
		if n := one[int64](ctx, t, d.Super, "select count(*) from audit_log where action = 'customer.restore' and resource_id = $1", a.id.String()); n != 1 {
			t.Errorf("%d rows of the installation's log tell of it", n)
		}
		mustExec(t, d, "select tenancy.forget_erased()")
		verifyLog(t, d)
		if checksum(ctx, t, d, b.id) != others {
			t.Error("the other customer's rows have changed")
		}
		// And once more: the customer can be erased again.
		requestErasure(ctx, t, d, a)
	})
}

// TestCustomerBackupOfMonths: months of the log that a fresh database has not are made; those that this one has dropped
// are left out.
func TestCustomerBackupOfMonths(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a, b := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	mustExec(t, d, "begin; set local role fanfare_owner; select tenancy.make_audit_month('2020-02-01'); commit")
	for _, id := range []uuid.UUID{a.ID, b.ID} {
		mustExec(t, d, `select tenancy.audit_write(jsonb_populate_record(tenancy.audit_row(tenancy.audit_context('post.update', 'post'), $1, 'x', '{}'),
			jsonb_build_object('occurred_at', '2020-02-03 04:05:06+00', 'id', tenancy.audit_id('2020-02-03 04:05:06+00'))))`, id)
	}
	mustExec(t, d, "select tenancy.seal_audit(1000000)")
	path, header := backUp(t, d, b.ID)
	if header.Rows["audit_log_2020_02"] != 1 {
		t.Fatalf("the month of 2020 has %d rows", header.Rows["audit_log_2020_02"])
	}
	fresh := dbtest.New(t)
	plan, err := restore(t, fresh, path, dbbackup.CustomerOptions{})
	if err != nil || len(plan.LeftOut) != 0 {
		t.Fatalf("into a fresh database: left out %v, %v", plan, err)
	}
	if n := one[int64](ctx, t, fresh.Super, "select count(*) from audit_log where customer_id = $1 and occurred_at < '2021-01-01'", b.ID); n != 1 {
		t.Errorf("%d rows of 2020 are back, want 1", n)
	}
	verifyLog(t, fresh)

	mustExec(t, d, "select tenancy.maintain_audit(12)")
	mustExec(t, d, `begin; set local session_replication_role = replica; delete from customers where id = '`+b.ID.String()+`';
		delete from workspaces where customer_id = '`+b.ID.String()+`';
		delete from audit_log where customer_id = '`+b.ID.String()+`'; delete from audit_seals where customer_id = '`+b.ID.String()+`'; commit`)
	plan, err = restore(t, d, path, dbbackup.CustomerOptions{})
	if err != nil || !slices.Equal(plan.LeftOut, []string{"audit_log_2020_02"}) {
		t.Fatalf("where the month was dropped: left out %v, %v", plan, err)
	}
	verifyLog(t, d)
}

// TestCustomerBackupBeforeWorkspaces: a customer that was backed up before there were workspaces has them when it is back.
func TestCustomerBackupBeforeWorkspaces(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	a := d.Customer(t, dbtest.Customer{})
	space := d.Space(t, dbtest.Space{CustomerID: a.ID, PairedBy: d.Member(t, a.ID, "owner").ID})
	mustExec(t, d, "delete from workspaces")
	path, _ := backUp(t, d, a.ID)
	fresh := dbtest.New(t)
	plan, err := restore(t, fresh, path, dbbackup.CustomerOptions{Files: &dbbackup.Places{}})
	if err != nil || plan.Files.New != 2 {
		t.Fatalf("the plan is %+v, %v", plan, err)
	}
	if fresh.Workspace(t, a.ID, nil) == fresh.Workspace(t, a.ID, &space.ID) {
		t.Error("the customer and its space have the same workspace")
	}
	verifyLog(t, fresh)
}

// TestScheduledPostsAreHeld: what was scheduled when the backup was made may be out by now, and is for a person to decide.
func TestScheduledPostsAreHeld(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	mustExec(t, d, "update posts set scheduled_at = now() + interval '1 day' where id = $1", a.posts[0])
	mustExec(t, d, "update platform_posts set state = 'scheduled' where id = $1", a.platform)
	path, _ := backUp(t, d, a.id)
	for keep, want := range map[bool]string{false: "needs_attention", true: "scheduled"} {
		fresh := dbtest.New(t)
		plan, err := restore(t, fresh, path, dbbackup.CustomerOptions{KeepSchedule: keep})
		if err != nil || plan.Scheduled != 1 {
			t.Fatalf("scheduled %+v, %v", plan, err)
		}
		if got := one[string](ctx, t, fresh.Super, "select state from platform_posts where id = $1", a.platform); got != want {
			t.Errorf("keeping the schedule %v: the post is %s, want %s", keep, got, want)
		}
		if got := one[string](ctx, t, fresh.Super, "select state from posts where id = $1", a.posts[0]); got != want {
			t.Errorf("keeping the schedule %v: the post as a whole is %s, want %s", keep, got, want)
		}
		verifyLog(t, fresh)
	}
}

// TestDamagedCustomerBackup flips bits, cuts, and makes up rows: nothing of it is restored.
func TestDamagedCustomerBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	flips := 100
	if os.Getenv("FANFARE_PROVE") == "1" {
		flips = 5000
	}
	for name, recipients := range map[string][]age.Recipient{"plain": nil, "encrypted": {identity.Recipient()}} {
		path, _ := backUp(t, d, a.id, recipients...)
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		check := func(what string, content []byte) {
			t.Helper()
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := dbbackup.CheckCustomer(path, []age.Identity{identity}); err == nil {
				t.Errorf("%s: %s is not found", name, what)
			}
		}
		for n := range 2*8*16 + flips {
			i, bit := rand.IntN(len(whole)), rand.IntN(8)
			if n < 2*8*16 { // all of the beginning and of the end, where formats have bits that nobody reads
				i, bit = n/8, n%8
				if i >= 16 {
					i = len(whole) - 1 - (i - 16)
				}
			}
			content := bytes.Clone(whole)
			content[i] ^= 1 << bit
			check(fmt.Sprintf("bit %d of byte %d of %d", bit, i, len(whole)), content)
		}
		for _, size := range []int{0, 1, len(whole) / 2, len(whole) - 1} {
			check(fmt.Sprintf("the end at %d", size), whole[:size])
		}
	}
	fresh := dbtest.New(t)
	path, _ := backUp(t, d, a.id)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, fresh, path, dbbackup.CustomerOptions{}); !errors.Is(err, dbbackup.ErrDamaged) {
		t.Errorf("restoring what is damaged: %v", err)
	}
	if n := one[int64](ctx, t, fresh.Super, "select count(*) from users"); n != 0 {
		t.Errorf("%d people were restored from it", n)
	}
}

// TestBackupRole: as the backup's role, with one customer entered, nothing of another is read, and nothing written.
func TestBackupRole(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	entered := connect(t, d.BackupURL)
	if _, err := entered.Exec(ctx, "select set_config('fanfare.customer_id', $1, false), set_config('fanfare.system_role', 'admin', false)", a.id.String()); err != nil {
		t.Fatal(err)
	}
	outside := connect(t, d.BackupURL)
	tables := append(tenantTables(ctx, t, d.Super), column[string](ctx, t, d.Super,
		"select i.inhrelid::regclass::text from pg_inherits i where i.inhparent = 'audit_log'::regclass")...)
	for _, table := range tables {
		if notBackedUp[table] != "" {
			_, err := entered.Exec(ctx, "select from "+table)
			expectRefused(t, "reading "+table, err, denied)
			continue
		}
		if n := one[int64](ctx, t, entered, fmt.Sprintf("select count(*) from %s where customer_id <> '%s'", table, a.id)); n != 0 {
			t.Errorf("%s: %d rows of others are read", table, n)
		}
		if n := one[int64](ctx, t, entered, fmt.Sprintf("select count(*) from %s where customer_id = '%s'", table, b.id)); n != 0 {
			t.Errorf("%s: %d rows of the other are read", table, n)
		}
		ours := one[int64](ctx, t, d.Super, fmt.Sprintf("select count(*) from %s where customer_id = '%s'", table, a.id))
		if n := one[int64](ctx, t, entered, "select count(*) from "+table); n != ours {
			t.Errorf("%s: %d rows are read, want %d", table, n, ours)
		}
		_, err := outside.Exec(ctx, "select count(*) from "+table)
		expectRefused(t, "reading "+table+" before a customer is entered", err, denied)
		for _, sql := range []string{"delete from %s", "update %s set customer_id = customer_id", "insert into %s default values", "truncate %s", "select from %s for update"} {
			_, err := entered.Exec(ctx, fmt.Sprintf(sql, table))
			expectRefused(t, fmt.Sprintf(sql, table), err, denied)
		}
	}
	if got := column[string](ctx, t, entered, "select name from customers"); !slices.Equal(got, []string{"ours customer"}) {
		t.Errorf("customers: %q", got)
	}
	for _, person := range b.people {
		if n := one[int64](ctx, t, entered, "select count(*) from users where id = $1 or subject = $2", person.ID, person.Subject); n != 0 {
			t.Errorf("a person of the other customer is seen")
		}
	}
	if n := one[int64](ctx, t, entered, "select count(*) from users"); n != int64(len(a.people)) {
		t.Errorf("%d people are seen, want %d", n, len(a.people))
	}
	for _, table := range keys(globalTables) {
		if table != "public.customers" && table != "public.users" {
			_, err := entered.Exec(ctx, "select from "+table)
			expectRefused(t, "reading "+table, err, denied)
		}
	}
	for _, role := range []string{"fanfare_owner", "fanfare_definer", "fanfare_login", "fanfare_user", "fanfare_agent", "fanfare_admin", "fanfare_worker"} {
		_, err := entered.Exec(ctx, "set role "+role)
		expectRefused(t, "becoming "+role, err, denied)
	}
	for _, databaseURL := range []string{d.LoginURL, d.WorkerURL, d.OwnerURL} {
		conn := connect(t, databaseURL)
		_, err := conn.Exec(ctx, "set role fanfare_backup")
		expectRefused(t, "becoming fanfare_backup", err, denied)
		_, err = dbbackup.BackUpCustomer(ctx, databaseURL, a.id, filepath.Join(t.TempDir(), "x"), nil)
		if err == nil || !strings.Contains(err.Error(), "as fanfare_backup") {
			t.Errorf("a backup as another role: %v", err)
		}
	}
	err := d.Tenant().Tx(ctx, a.people["owner"].Scope().In(a.id), func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, "set local role fanfare_backup")
		return err
	})
	expectRefused(t, "becoming fanfare_backup from a tenant", err, denied)
	if _, err := dbbackup.BackUpCustomer(ctx, d.BackupURL, newID(t), filepath.Join(t.TempDir(), "x"), nil); err == nil || !strings.Contains(err.Error(), "there is no customer") {
		t.Errorf("a customer that is not there: %v", err)
	}
	requestErasure(ctx, t, d, a)
	if _, err := dbbackup.BackUpCustomer(ctx, d.BackupURL, a.id, filepath.Join(t.TempDir(), "x"), nil); err == nil || !strings.Contains(err.Error(), "there is no customer") {
		t.Errorf("a customer that is being erased: %v", err)
	}
}
