package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
	"fanfare/internal/audit"
)

func TestMain(m *testing.M) {
	// A test that needs a real process starts this program again, as the program itself.
	if os.Getenv("FANFARE_TEST_RUN") != "" || filepath.Base(os.Args[0]) == "fanfare" {
		os.Exit(Run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
	}
	dbtest.Main(m)
}

// logged is a database with a log to tamper with: of two customers and the installation, in several seals, and with
// rows that wait.
type logged struct {
	*dbtest.DB
	a, b uuid.UUID
	url  string
}

func setupLog(t *testing.T) *logged {
	t.Helper()
	l := &logged{DB: dbtest.New(t)}
	l.url = l.SuperURL
	l.a, l.b = l.Customer(t, dbtest.Customer{}).ID, l.Customer(t, dbtest.Customer{}).ID
	for range 3 {
		for _, id := range []uuid.UUID{l.a, l.b} {
			l.Member(t, id, "owner")
			l.Post(t, dbtest.Post{CustomerID: id, Title: "Ümläute & \"quotes\"", Text: strings.Repeat("long ", 2000)})
		}
		l.seal(t)
	}
	for _, id := range []uuid.UUID{l.a, l.b} {
		l.exec(t, "update posts set title = 'waits' where customer_id = $1", id)
	}
	return l
}

func (l *logged) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	if _, err := l.Super.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func (l *logged) seal(t *testing.T) { t.Helper(); l.exec(t, "select tenancy.seal_audit(1000000)") }

// row gives a row's id.
func (l *logged) row(t *testing.T, sql string, args ...any) uuid.UUID {
	t.Helper()
	var id uuid.UUID
	if err := l.Super.QueryRow(context.Background(), sql, args...).Scan(&id); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return id
}

// verify runs the command.
func (l *logged) verify(args ...string) (status int, said string) {
	var out bytes.Buffer
	status = Run(context.Background(), append([]string{"audit", "verify", "--database-url", l.url}, args...), &out, &out)
	return status, out.String()
}

// problems are what the command says in JSON, by customer.
func (l *logged) problems(t *testing.T, args ...string) (status int, problems map[uuid.UUID]*audit.Problem) {
	t.Helper()
	var out, errs bytes.Buffer
	status = Run(context.Background(), append([]string{"audit", "verify", "--json", "--database-url", l.url}, args...), &out, &errs)
	var report struct{ Customers []audit.Customer }
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	problems = map[uuid.UUID]*audit.Problem{}
	for _, c := range report.Customers {
		problems[c.ID] = c.Problem
	}
	return status, problems
}

const (
	sealedRow  = "select id from audit_log l where customer_id = $1 and not exists (select from audit_unsealed u where u.id = l.id) order by id offset 4 limit 1"
	lastSealed = "select id from audit_log l where customer_id = $1 and not exists (select from audit_unsealed u where u.id = l.id) order by id desc limit 1"
	waitingRow = "select id from audit_unsealed where customer_id = $1 order by id limit 1"
)

// TestAuditVerify tampers with the log as only a superuser can. Each time the first row that is concerned is named,
// and nothing else is blamed.
func TestAuditVerify(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// row is the one that is tampered with and must be named; empty where it is a seal.
		row string
		// tamper is done to the row $1 of the customer $2.
		tamper []string
		what   string
		seal   int64
	}{
		{"a row is changed", sealedRow, []string{"update audit_log set changes = '{}' where id = $1 and customer_id = $2"}, "changed", 0},
		{"who did it is changed", sealedRow, []string{"update audit_log set actor_kind = 'nobody' where id = $1 and customer_id = $2"}, "changed", 0},
		{"a nothing is filled", sealedRow, []string{"update audit_log set request_id = '' where id = $1 and customer_id = $2"}, "changed", 0},
		{"a row is changed in time", sealedRow, []string{"update audit_log set occurred_at = occurred_at - interval '1 microsecond' where id = $1 and customer_id = $2"}, "changed", 0},
		{"a row is removed", sealedRow, []string{"delete from audit_log where id = $1 and customer_id = $2"}, "missing", 0},
		{"the last row is removed", lastSealed, []string{"delete from audit_log where id = $1 and customer_id = $2"}, "missing", 3},
		{"a row is given to nobody", sealedRow, []string{"update audit_log set customer_id = gen_random_uuid() where id = $1 and customer_id = $2"}, "missing", 0},
		{"a row that waits is changed", waitingRow, []string{"update audit_log set action = 'post.create' where id = $1 and customer_id = $2"}, "changed", 0},
		{"a row that waits is removed", waitingRow, []string{"delete from audit_log where id = $1 and customer_id = $2"}, "removed before sealing", 0},
		{"a row leaves the queue", waitingRow, []string{"delete from audit_unsealed where id = $1 and customer_id = $2"}, "seal missing", 0},
		{"a row is forged in the past", "", []string{`insert into audit_log (customer_id, id, occurred_at, actor_kind, action, resource_type)
			select $2, tenancy.audit_id(occurred_at), occurred_at, 'user', 'post.delete', 'post' from audit_log where customer_id = $2 and $1::uuid is not null order by id limit 1`}, "inserted by hand", 0},
		{"a row is doubled", sealedRow, []string{`insert into audit_log (customer_id, id, occurred_at, actor_kind, action, resource_type)
			values ($2, $1, now() + interval '1 minute', 'user', 'post.delete', 'post')`}, "inserted by hand", 0},
		{"a seal is removed", "", []string{"delete from audit_seals where number = 2 and customer_id = $2 and $1::uuid is not null"}, "seal missing", 2},
		{"the last seal is removed", "select l.id from audit_log l join audit_seals s on s.customer_id = l.customer_id and s.number = 3 and l.id = s.ids[1] where l.customer_id = $1",
			[]string{"delete from audit_seals where number = 3 and customer_id = $2 and $1::uuid is not null"}, "seal missing", 0},
		{"a seal's digest is changed with its row", sealedRow, []string{"update audit_log set changes = '{}' where id = $1 and customer_id = $2",
			`update audit_seals s set digests = (select string_agg(tenancy.audit_digest(l), '' order by l.id) from audit_log l where l.customer_id = s.customer_id and l.id = any (s.ids))
				where customer_id = $2 and $1::uuid = any (ids)`}, "chain broken", 0},
		{"a seal's time is changed", "", []string{"update audit_seals set sealed_at = sealed_at - interval '1 microsecond' where number = 2 and customer_id = $2 and $1::uuid is not null"}, "chain broken", 2},
		{"a seal is cut short", "", []string{"update audit_seals set ids = ids[1:1], digests = substr(digests, 1, 32) where number = 1 and customer_id = $2 and $1::uuid is not null"}, "chain broken", 1},
		{"a seal loses its rows", "", []string{"update audit_seals set ids = '{}', digests = '' where number = 3 and customer_id = $2 and $1::uuid is not null"}, "chain broken", 3},
		{"a seal and its hash are made anew", "", []string{`update audit_seals set sealed_at = '2026-01-01', hash = sha256(previous_hash || int8send(number)
			|| int8send((extract(epoch from '2026-01-01'::timestamptz) * 1000000)::bigint)
			|| (select string_agg(uuid_send(i) || substr(digests, (n::int - 1) * 32 + 1, 32), '' order by n) from unnest(ids) with ordinality x(i, n)))
			where number = 2 and customer_id = $2 and $1::uuid is not null`}, "chain broken", 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setupLog(t)
			if status, said := l.verify(); status != 0 || !strings.Contains(said, "logs 3, broken 0") {
				t.Fatalf("before anything was done: status %d\n%s", status, said)
			}
			id := uuid.New()
			if test.row != "" {
				id = l.row(t, test.row, l.a)
			}
			for _, sql := range test.tamper {
				l.exec(t, sql, id, l.a)
			}
			status, problems := l.problems(t)
			p := problems[l.a]
			if status != 1 || p == nil || p.What != test.what || test.row != "" && test.what != "chain broken" && p.ID != id || test.seal != 0 && p.Seal != test.seal {
				t.Fatalf("status %d, %+v; want %s of %s, seal %d", status, p, test.what, id, test.seal)
			}
			if p.ID != uuid.Nil && time.Since(p.Time).Abs() > 10*time.Minute {
				t.Errorf("the row's time is %s", p.Time)
			}
			if problems[l.b] != nil {
				t.Errorf("the other customer is blamed: %+v", problems[l.b])
			}
			if status, said := l.verify(); status != 1 || !strings.Contains(said, "customer "+l.a.String()) || !strings.Contains(said, "the audit log is not what was written") ||
				test.row != "" && test.what != "chain broken" && !strings.Contains(said, "row "+id.String()) {
				t.Errorf("status %d:\n%s", status, said)
			}
			if status, said := l.verify("--customer", l.a.String()); status != 1 {
				t.Errorf("of this customer alone: status %d\n%s", status, said)
			}
			if status, said := l.verify("--customer", l.b.String()); status != 0 || strings.Contains(said, l.a.String()) {
				t.Errorf("of the other customer alone: status %d\n%s", status, said)
			}
		})
	}
}

// TestAuditVerifyAgrees: what has its reason is no fault.
func TestAuditVerifyAgrees(t *testing.T) {
	t.Parallel()
	l := setupLog(t)
	agree := func(what string, args ...string) string {
		t.Helper()
		status, said := l.verify(args...)
		if status != 0 {
			t.Fatalf("%s: status %d\n%s", what, status, said)
		}
		return said
	}
	agree("as the superuser")
	l.url = l.OwnerURL
	agree("as the owner")
	l.url = l.LoginURL
	if status, said := l.verify(); status != 1 || !strings.Contains(said, "superuser or as fanfare_owner") {
		t.Errorf("as the login: status %d\n%s", status, said)
	}
	l.url = l.SuperURL

	// A month that has gone by retention: its seals stay.
	l.exec(t, "create table audit_log_2020_01 partition of audit_log for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')")
	l.exec(t, "alter table audit_log_2020_01 owner to fanfare_owner")
	l.exec(t, `with made as (select tenancy.audit_row(tenancy.audit_context('post.create', 'post'), $1, 'x', '{}') as r),
		old as (select jsonb_populate_record(r, jsonb_build_object('occurred_at', '2020-01-15 12:00:00+00', 'id', tenancy.audit_id('2020-01-15 12:00:00+00'))) as r from made)
		select tenancy.audit_write(r) from old`, l.a)
	l.seal(t)
	if said := agree("with an old month"); !strings.Contains(said, " 0 dropped") {
		t.Errorf("something is dropped:\n%s", said)
	}
	l.exec(t, "select tenancy.maintain_audit(24)")
	if said := agree("after the old month was dropped"); !strings.Contains(said, " 1 dropped") {
		t.Errorf("nothing is dropped:\n%s", said)
	}
	// Rows of it in a month that is there are missing, not dropped.
	l.exec(t, "create table audit_log_2020_01 partition of audit_log for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00')")
	if status, problems := l.problems(t); status != 1 || problems[l.a] == nil || problems[l.a].What != "missing" {
		t.Errorf("with an empty old month: status %d, %+v", status, problems[l.a])
	}
	l.exec(t, "drop table audit_log_2020_01")

	// A customer that was erased.
	for _, sql := range []string{
		"update customers set archived_at = now() where id = $1", "update customers set erasing_at = now() where id = $1",
		"insert into erasures (id, subject_id, requested_by, has_files) select gen_random_uuid(), $1, u.id, false from users u limit 1",
		"select tenancy.erase_step(e.id, 1000000) from erasures e where e.subject_id = $1",
		"select tenancy.finish_erasure(e.id) from erasures e where e.subject_id = $1",
	} {
		l.exec(t, sql, l.b)
	}
	if said := agree("after an erasure"); strings.Contains(said, l.b.String()) {
		t.Errorf("the erased customer is there:\n%s", said)
	}
}

// TestAuditVerifyHeads: a log that was made anew, or cut at its end, agrees with itself but not with an earlier run.
func TestAuditVerifyHeads(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		tamper []string
		what   string
	}{
		{"nothing", nil, ""},
		{"cut at its end", []string{"delete from audit_unsealed where customer_id = $1", "delete from audit_log l using audit_seals s where s.customer_id = $1 and s.number = 3 and l.customer_id = $1 and l.id >= s.ids[1]",
			"delete from audit_seals where customer_id = $1 and number = 3"}, "cut"},
		{"made anew", []string{"insert into audit_unsealed select customer_id, id, tenancy.audit_digest(l) from audit_log l where customer_id = $1 and action <> 'post.create' on conflict do nothing",
			"delete from audit_log where customer_id = $1 and action = 'post.create'", "delete from audit_seals where customer_id = $1",
			"select tenancy.seal_audit(2) where $1::uuid is not null", "select tenancy.seal_audit(3) where $1::uuid is not null", "select tenancy.seal_audit(100) where $1::uuid is not null"}, "chain broken"},
		{"removed as a whole", []string{"delete from audit_unsealed where customer_id = $1", "delete from audit_log where customer_id = $1", "delete from audit_seals where customer_id = $1"}, "cut"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := setupLog(t)
			heads := filepath.Join(t.TempDir(), "heads.json")
			if status, said := l.verify("--heads", heads); status != 0 {
				t.Fatalf("the first run: status %d\n%s", status, said)
			}
			before, err := os.ReadFile(heads)
			if err != nil || !strings.Contains(string(before), l.a.String()) || !strings.Contains(string(before), l.b.String()) {
				t.Fatalf("the heads are %s, %v", before, err)
			}
			for _, sql := range test.tamper {
				l.exec(t, sql, l.a)
			}
			if status, said := l.verify(); status != 0 {
				t.Errorf("without the heads: status %d\n%s", status, said)
			}
			if test.what == "" {
				l.seal(t)
				if status, said := l.verify("--heads", heads); status != 0 {
					t.Fatalf("the second run: status %d\n%s", status, said)
				}
				if after, err := os.ReadFile(heads); err != nil || bytes.Equal(before, after) {
					t.Errorf("the heads were not written anew: %v", err)
				}
				return
			}
			status, problems := l.problems(t, "--heads", heads)
			if p := problems[l.a]; status != 1 || p == nil || p.What != test.what || problems[l.b] != nil {
				t.Errorf("status %d, %+v, want %s; the other: %+v", status, p, test.what, problems[l.b])
			}
			if after, err := os.ReadFile(heads); err != nil || !bytes.Equal(before, after) {
				t.Errorf("the heads were written anew: %v", err)
			}
			if status, said := l.verify("--heads", heads, "--customer", l.b.String()); status != 0 {
				t.Errorf("the other customer alone: status %d\n%s", status, said)
			}
			var kept map[uuid.UUID]audit.Head
			content, err := os.ReadFile(heads)
			if err != nil || json.Unmarshal(content, &kept) != nil || len(kept) != 3 {
				t.Errorf("the heads of the others are lost: %s, %v", content, err)
			}
		})
	}
	t.Run("a file of something else", func(t *testing.T) {
		t.Parallel()
		l := setupLog(t)
		path := filepath.Join(t.TempDir(), "heads.json")
		if err := os.WriteFile(path, []byte("[]"), 0o600); err != nil {
			t.Fatal(err)
		}
		if status, said := l.verify("--heads", path); status != 1 || !strings.Contains(said, "does not hold the heads") {
			t.Errorf("status %d\n%s", status, said)
		}
	})
}
