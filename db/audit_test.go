package db_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// entry is a row of the audit log.
type entry struct {
	ActorKind    string
	ActorID      *uuid.UUID
	SystemRole   *string
	Reason       *string
	Action       string
	ResourceType string
	ResourceID   *string
	Changes      string
	RequestID    *string
	IP           *string
	UserAgent    *string
	Operation    *string
	JobID        *int64
	DatabaseRole *string
}

// entries are what was logged for a customer while do ran, in order.
func entries(t testing.TB, d *dbtest.DB, customerID uuid.UUID, do func()) []entry {
	t.Helper()
	ctx := context.Background()
	since := one[time.Time](ctx, t, d.Super, "select clock_timestamp()")
	do()
	rows, err := d.Super.Query(ctx, `select actor_kind, actor_id, system_role, reason, action, resource_type, resource_id, changes::text,
		request_id, ip, user_agent, operation, job_id, database_role from audit_log where customer_id = $1 and occurred_at > $2 order by id`, customerID, since)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[entry])
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// installation is the id under which the log holds what belongs to no customer.
func installation(t testing.TB, d *dbtest.DB) uuid.UUID {
	t.Helper()
	return one[uuid.UUID](context.Background(), t, d.Super, "select tenancy.installation_id()")
}

func run(t testing.TB, db *tenant.DB, scope tenant.Scope, sql string, args ...any) {
	t.Helper()
	err := db.Tx(context.Background(), scope, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := tx.Exec(ctx, sql, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

func ptr[T any](v T) *T { return &v }

// TestAuditTellsWho: every kind of actor is recorded with what their transaction was entered with.
func TestAuditTellsWho(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	member, system := d.Member(t, c.ID, "member"), d.User(t, dbtest.User{SystemRole: "admin"})
	account := d.Integration(t, dbtest.Integration{CustomerID: c.ID})
	post := d.Post(t, dbtest.Post{CustomerID: c.ID, Title: "Old", Integrations: []dbtest.Integration{account}})
	id := post.ID.String()
	request := tenant.Request{ID: "r1", IP: "192.0.2.1", UserAgent: "curl", Operation: "update-post", Reason: "asked by phone"}
	const sql = "update posts set title = $1 where id = $2"
	for _, test := range []struct {
		name string
		do   func(title string)
		want entry
	}{
		{"user", func(title string) {
			run(t, d.Tenant(), tenant.User(member.Subject, request).In(c.ID), sql, title, post.ID)
		}, entry{
			ActorKind: "user", ActorID: &member.ID, RequestID: ptr("r1"), IP: ptr("192.0.2.1"), UserAgent: ptr("curl"), Operation: ptr("update-post"),
		}},
		{"system role", func(title string) {
			run(t, d.Tenant(), tenant.User(system.Subject, request).In(c.ID), sql, title, post.ID)
		}, entry{
			ActorKind: "user", ActorID: &system.ID, SystemRole: ptr("admin"), Reason: ptr("asked by phone"), RequestID: ptr("r1"), IP: ptr("192.0.2.1"), UserAgent: ptr("curl"), Operation: ptr("update-post"),
		}},
		{"superuser", func(title string) { mustExec(t, d, sql, title, post.ID) }, entry{ActorKind: "database", DatabaseRole: ptr("postgres")}},
	} {
		title := "by " + test.name
		before := one[string](ctx, t, d.Super, "select title from posts where id = $1", post.ID)
		test.want.Action, test.want.ResourceType, test.want.ResourceID = "post.update", "post", &id
		test.want.Changes = fmt.Sprintf(`{"title": {"to": %q, "from": %q}}`, title, before)
		want := []entry{test.want}
		if test.want.SystemRole != nil { // every use of a system role is recorded by itself too
			access, customer := test.want, c.ID.String()
			access.Action, access.ResourceType, access.ResourceID, access.Changes = "customer.access", "customer", &customer, "{}"
			want = []entry{access, test.want}
		}
		if diff := cmp.Diff(want, entries(t, d, c.ID, func() { test.do(title) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	platformID := post.PlatformPosts[0].String()
	got := entries(t, d, c.ID, func() {
		run(t, d.TenantWorker(), tenant.Worker(c.ID, tenant.Request{Job: 7}), "update platform_posts set external_url = 'x', checkpoint = '{}'")
	})
	want := []entry{{ActorKind: "worker", Action: "platform_post.update", ResourceType: "platform_post", ResourceID: &platformID,
		Changes: `{"external_url": {"to": "x", "from": null}}`, JobID: ptr(int64(7))}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("worker (-want +got):\n%s", diff)
	}
	key := d.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: d.Member(t, c.ID, "owner").ID})
	token := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &key.ID})
	for kind, as := range map[string]struct {
		scope tenant.Scope
		actor uuid.UUID
	}{"key": {key.Scope(), key.ID}, "agent": {token.Scope(), token.ID}} {
		got := entries(t, d, c.ID, func() { run(t, d.Tenant(), as.scope.In(c.ID), "update posts set title = $1", kind) })
		if len(got) != 1 || got[0].ActorKind != kind || got[0].ActorID == nil || *got[0].ActorID != as.actor {
			t.Errorf("%s: %+v", kind, got)
		}
	}
	// Whoever signs in for the first time makes their own row.
	fresh := newID(t)
	got = entries(t, d, installation(t, d), func() {
		if _, err := d.Login.Exec(ctx, "select tenancy.register_user($1, 'fresh', 'fresh@example.com', true, 'Fresh Person')", fresh); err != nil {
			t.Fatal(err)
		}
	})
	if len(got) != 1 || got[0].ActorKind != "user" || *got[0].ActorID != fresh || got[0].Action != "user.create" {
		t.Fatalf("registration: %+v", got)
	}
	want2 := `{"name": {"changed": true}, "email": {"changed": true}, "subject": {"changed": true}, "email_verified": {"to": true}}`
	if got[0].Changes != want2 {
		t.Errorf("registration is recorded as %s", got[0].Changes)
	}
}

func mustExec(t testing.TB, d *dbtest.DB, sql string, args ...any) {
	t.Helper()
	if _, err := d.Super.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// TestAuditTellsWhat: what really changed is recorded, and nothing else.
func TestAuditTellsWhat(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, c.ID, "owner").Scope().In(c.ID)
	account := d.Integration(t, dbtest.Integration{CustomerID: c.ID, Credential: []byte("s3cret")})
	stranger := d.User(t, dbtest.User{})
	long := strings.Repeat("ä", 5000)
	sum := sha256.Sum256([]byte(long))
	first, second := newID(t), newID(t)
	changes := func(do func()) []string {
		t.Helper()
		var told []string
		for _, e := range entries(t, d, c.ID, do) {
			told = append(told, e.Action+" "+e.Changes)
		}
		return told
	}
	sql := func(statement string, args ...any) func() {
		return func() { run(t, d.Tenant(), owner, statement, args...) }
	}
	for _, test := range []struct {
		name string
		do   func()
		want []string
	}{
		{"create", sql("insert into campaigns (id, name) values ($1, 'Spring')", first), []string{`campaign.create {"goal": {"to": ""}, "name": {"to": "Spring"}, "created_by": {"to": "` + createdBy(ctx, t, d, c.ID) + `"}}`}},
		{"nothing", sql("update campaigns set name = name"), nil},
		{"nobody's", sql("update campaigns set name = 'x' where id = $1", newID(t)), nil},
		{"to null and back", sql("update campaigns set starts_on = '2026-12-01'"), []string{`campaign.update {"starts_on": {"to": "2026-12-01", "from": null}}`}},
		{"to null", sql("update campaigns set starts_on = null"), []string{`campaign.update {"starts_on": {"to": null, "from": "2026-12-01"}}`}},
		{"secret", sql("update integrations set credential = 'other', key_id = 9"), []string{`integration.update {"credential": {"changed": true}}`}},
		{"ignored", sql("update integrations set key_id = 10"), nil},
		{"long", sql("update campaigns set goal = $1", long), []string{`campaign.update {"goal": {"to": {"cut": true, "start": "` + strings.Repeat("ä", 4000) +
			`", "sha256": "` + hex.EncodeToString(sum[:]) + `", "characters": 5000}, "from": ""}}`}},
		{"just not long", sql("update campaigns set goal = $1", long[:8000]), []string{`campaign.update {"goal": {"to": "` + strings.Repeat("ä", 4000) +
			`", "from": {"cut": true, "start": "` + strings.Repeat("ä", 4000) + `", "sha256": "` + hex.EncodeToString(sum[:]) + `", "characters": 5000}}}`}},
		{"a member", func() { d.Join(t, c.ID, stranger.ID, "viewer") }, []string{`member.create {"role": {"to": "viewer"}}`}},
		{"several", sql("insert into campaigns (id, name) values ($1, 'A'), ($2, 'B')", second, newID(t)), nil}, // below
		{"several of them", sql("update campaigns set name = name || '!' where id <> $1", first), []string{
			`campaign.update {"name": {"to": "A!", "from": "A"}}`, `campaign.update {"name": {"to": "B!", "from": "B"}}`}},
		{"delete", sql("delete from campaigns where id = $1", second), []string{`campaign.delete {"goal": {"from": ""}, "name": {"from": "A!"}, "created_by": {"from": "` + createdBy(ctx, t, d, c.ID) + `"}}`}},
		{"a customer", sql("update customers set language = 'de'"), []string{`customer.update {"language": {"to": "de", "from": "en"}}`}},
		{"rolled back", func() {
			errUndo := errors.New("undo")
			if err := d.Tenant().Tx(ctx, owner, func(ctx context.Context, tx *tenant.Tx) error {
				_, err := tx.Exec(ctx, "update campaigns set name = 'never'")
				return errors.Join(err, errUndo)
			}); !errors.Is(err, errUndo) {
				t.Error(err)
			}
		}, nil},
		// By cascade, as the owner of the table does it.
		{"a post with files", func() {
			post := d.Post(t, dbtest.Post{CustomerID: c.ID, Title: "T", Text: "X"})
			mustExec(t, d, "insert into media (customer_id, id, path, content_type, bytes) values ($1, $2, 'p', 'image/png', 1)", c.ID, second)
			mustExec(t, d, "insert into post_media (customer_id, post_id, media_id, position) values ($1, $2, $3, 0)", c.ID, post.ID, second)
			mustExec(t, d, "delete from posts where id = $1", post.ID)
		}, []string{`post.create {"text": {"to": "X"}, "state": {"to": "draft"}, "title": {"to": "T"}}`,
			`media.create {"name": {"to": ""}, "path": {"to": "p"}, "bytes": {"to": 1}, "state": {"to": "ready"}, "alt_text": {"to": ""}, "animated": {"to": false}, "content_type": {"to": "image/png"}}`,
			fmt.Sprintf(`post_media.create {"media_id": {"to": "%s"}, "position": {"to": 0}}`, second),
			fmt.Sprintf(`post_media.delete {"media_id": {"from": "%s"}, "position": {"from": 0}}`, second),
			`post.delete {"text": {"from": "X"}, "state": {"from": "draft"}, "title": {"from": "T"}}`}},
	} {
		got := changes(test.do)
		if test.name == "several" {
			if len(got) != 2 {
				t.Errorf("several rows at once are recorded as %q", got)
			}
			continue
		}
		if test.name == "a post with files" && len(got) == 5 && strings.HasPrefix(got[3], "post.delete") {
			got[3], got[4] = got[4], got[3] // either may be first
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	_ = account
	if n := one[int](ctx, t, d.Super, "select count(*) from audit_log a where a::text ~ 's3cret|\\\\x|@example.com'"); n > 0 {
		t.Errorf("%d rows of the log hold a credential or an address", n)
	}
}

func createdBy(ctx context.Context, t testing.TB, d *dbtest.DB, customerID uuid.UUID) string {
	t.Helper()
	return one[uuid.UUID](ctx, t, d.Super, "select user_id from memberships where customer_id = $1 and role = 'owner'", customerID).String()
}

// TestAuditOfMany: a statement that changes many rows stays one that can be waited for, also after the same statement
// has been planned for single rows.
func TestAuditOfMany(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	const many = 20_000
	conn, err := d.Super.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	for range 12 { // the plans become generic
		for _, sql := range []string{"insert into campaigns (customer_id, id, name) values ($1, gen_random_uuid(), '0')", "update campaigns set name = name || 'x' where customer_id = $1"} {
			if _, err := conn.Exec(ctx, sql, c.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := one[int](ctx, t, d.Super, "select count(*) from audit_log where customer_id = $1", c.ID)
	for _, sql := range []string{
		"insert into campaigns (customer_id, id, name) select $1, gen_random_uuid(), n::text from generate_series(1, 20000) n",
		"update campaigns set name = name || '!' where customer_id = $1",
		"delete from campaigns where customer_id = $1",
	} {
		started := time.Now()
		if _, err := conn.Exec(ctx, sql, c.ID); err != nil {
			t.Fatal(err)
		}
		took := time.Since(started)
		t.Logf("%s: %s", sql, took)
		if took > 30*time.Second {
			t.Errorf("%s took %s", sql, took)
		}
	}
	if n := one[int](ctx, t, d.Super, "select count(*) from audit_log where customer_id = $1", c.ID) - before; n < 3*many {
		t.Errorf("%d rows were recorded", n)
	}
	// The pairs of an update are of one row each.
	if n := one[int](ctx, t, d.Super, `select count(*) from audit_log where customer_id = $1 and action = 'campaign.update'
		and changes #>> '{name,to}' not in (changes #>> '{name,from}' || '!', changes #>> '{name,from}' || 'x')`, c.ID); n > 0 {
		t.Errorf("%d updates mix two rows up", n)
	}
	started := time.Now()
	for one[int](ctx, t, d.Super, "select tenancy.seal_audit(5000)") > 0 {
		continue
	}
	t.Logf("%d rows were sealed in %s", 3*many, time.Since(started))
	if n := one[int](ctx, t, d.Super, "select count(*) from audit_unsealed"); n > 0 {
		t.Errorf("%d rows wait", n)
	}
}

// TestAuditIsReadBy: who may read the log reads all of their customer's, who may not is refused.
func TestAuditIsReadBy(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	system := d.User(t, dbtest.User{SystemRole: "viewer"})
	empty := d.Customer(t, dbtest.Customer{})
	nobody := d.Member(t, empty.ID, "viewer")
	read := func(db *tenant.DB, scope tenant.Scope, sql string) (customers []uuid.UUID, err error) {
		rows, err := db.Read(scope).Query(ctx, sql)
		if err != nil {
			return nil, err
		}
		return pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	}
	const distinct = "select distinct customer_id from audit_log"
	check := func(what string, db *tenant.DB, scope tenant.Scope, want uuid.UUID) {
		t.Helper()
		if got, err := read(db, scope, distinct); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, %v", what, got, err)
		}
	}
	for _, role := range []string{"owner", "admin"} {
		check(role, d.Tenant(), a.people[role].Scope().In(a.id), a.id)
	}
	check("worker", d.TenantWorker(), tenant.Worker(a.id, tenant.Request{}), a.id)
	check("system viewer", d.Tenant(), system.Scope().In(b.id), b.id)
	check("system viewer in no customer", d.Tenant(), system.Scope(), installation(t, d))
	for _, sql := range []string{distinct, distinct + " where id = '00000000-0000-0000-0000-000000000000'"} {
		for _, role := range []string{"member", "viewer"} {
			_, err := read(d.Tenant(), a.people[role].Scope().In(a.id), sql)
			expectRefused(t, role+": "+sql, err, denied)
		}
		_, err := read(d.Tenant(), nobody.Scope().In(empty.ID), sql)
		expectRefused(t, "a viewer: "+sql, err, denied)
		_, err = read(d.Tenant(), a.people["owner"].Scope(), sql)
		expectRefused(t, "an owner in no customer: "+sql, err, denied)
	}
	if _, err := read(d.Tenant(), a.people["owner"].Scope().In(a.id), "select job_id from audit_log"); refused(err).Code != denied {
		t.Errorf("the number of a job is shown: %v", err)
	}
	// In an archived customer everybody is a viewer, and the log stays open to whom it was.
	mustExec(t, d, "update customers set archived_at = now() where id = $1", a.id)
	check("admin of an archived customer", d.Tenant(), a.people["admin"].Scope().In(a.id), a.id)
	_, err := read(d.Tenant(), a.people["member"].Scope().In(a.id), distinct)
	expectRefused(t, "a member of an archived customer", err, denied)
}

// TestAuditIsAppendOnly: no role changes or removes a row, a seal or a month.
func TestAuditIsAppendOnly(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	h := newHouse(t, d, "ours")
	sum := func() string {
		return one[string](ctx, t, d.Super, `select md5(string_agg(r, '|' order by r)) from (select a::text as r from audit_log a union all select s::text from audit_seals s
			union all select u::text from audit_unsealed u) x`)
	}
	before := sum()
	for _, role := range []string{"fanfare_owner", "fanfare_definer", "fanfare_login", "fanfare_user", "fanfare_agent", "fanfare_admin", "fanfare_worker"} {
		for _, table := range []string{"audit_log", "audit_seals", "audit_unsealed", "audit_log_" + thisMonth} {
			for _, sql := range []string{"update %s set customer_id = customer_id", "delete from %s", "truncate %s", "insert into %s select * from %[1]s"} {
				if role == "fanfare_definer" && (strings.HasPrefix(sql, "insert") || table == "audit_unsealed" && strings.HasPrefix(sql, "delete")) {
					continue // it writes, and empties the queue
				}
				if role == "fanfare_owner" && strings.HasPrefix(sql, "truncate") {
					continue // an owner may drop its tables too; verification tells
				}
				conn, err := d.Super.Acquire(ctx)
				if err != nil {
					t.Fatal(err)
				}
				tx, err := conn.Begin(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(ctx, fmt.Sprintf("select set_config('fanfare.customer_id', '%s', true), set_config('fanfare.member_role', 'owner', true), set_config('role', '%s', true)", h.id, role)); err != nil {
					t.Fatal(err)
				}
				tag, err := tx.Exec(ctx, fmt.Sprintf(sql, table))
				if err == nil && tag.RowsAffected() > 0 || err != nil && refused(err).Code != denied {
					t.Errorf("%s: %s: %d rows, %v", role, fmt.Sprintf(sql, table), tag.RowsAffected(), err)
				}
				if err := tx.Rollback(ctx); err != nil {
					t.Fatal(err)
				}
				conn.Release()
			}
		}
	}
	if sum() != before {
		t.Error("the log has changed")
	}
}

// TestAuditRefusals: a refusal stands in the log of the customer if the refused belong there, and else nowhere that
// tells of the customer.
func TestAuditRefusals(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	viewer, stranger, system := d.Member(t, c.ID, "viewer"), d.User(t, dbtest.User{}), d.User(t, dbtest.User{SystemRole: "viewer"})
	none := newID(t)
	request := tenant.Request{ID: "r", IP: "192.0.2.7", UserAgent: "x", Operation: "create-post", Reason: "because of " + c.ID.String()}.JSON()
	maker := d.Member(t, c.ID, "owner")
	key := d.APIKey(t, dbtest.APIKey{CustomerID: c.ID, CreatedBy: maker.ID})
	token := d.AgentToken(t, dbtest.AgentToken{CustomerID: c.ID, KeyID: &key.ID})
	refuse := func(kind string, subject *string, keyHash []byte, token *uuid.UUID, customer *uuid.UUID) {
		t.Helper()
		if _, err := d.Login.Exec(ctx, "select tenancy.record_refusal($1, $2, $3, $4, $5, $6, 403, $7)", kind, subject, keyHash, c.ID, token, customer, request); err != nil {
			t.Fatal(err)
		}
	}
	hash := func(key string) []byte { h := sha256.Sum256([]byte(key)); return h[:] }
	for _, test := range []struct {
		name     string
		do       func()
		theirs   bool
		kind     string
		actor    *uuid.UUID
		asSystem *string
	}{
		{"viewer", func() { refuse("user", &viewer.Subject, nil, nil, &c.ID) }, true, "user", &viewer.ID, nil},
		{"system viewer", func() { refuse("user", &system.Subject, nil, nil, &c.ID) }, true, "user", &system.ID, ptr("viewer")},
		{"system viewer, no such customer", func() { refuse("user", &system.Subject, nil, nil, &none) }, false, "user", &system.ID, ptr("viewer")},
		{"stranger", func() { refuse("user", &stranger.Subject, nil, nil, &c.ID) }, false, "user", &stranger.ID, nil},
		{"stranger, no such customer", func() { refuse("user", &stranger.Subject, nil, nil, &none) }, false, "user", &stranger.ID, nil},
		{"member in no customer", func() { refuse("user", &viewer.Subject, nil, nil, nil) }, false, "user", &viewer.ID, nil},
		{"unknown", func() { refuse("user", ptr("nobody knows"), nil, nil, &c.ID) }, false, "user", nil, nil},
		// A key's refusals are its own customer's business, whomever it asked for.
		{"a key", func() { refuse("key", nil, hash(key.Key), nil, &c.ID) }, true, "key", &key.ID, nil},
		{"a key in another customer", func() { refuse("key", nil, hash(key.Key), nil, &none) }, true, "key", &key.ID, nil},
		{"a token", func() { refuse("agent", nil, nil, &token.ID, nil) }, true, "agent", &token.ID, nil},
		{"nobody", func() { refuse("nobody", nil, nil, nil, &c.ID) }, false, "nobody", nil, nil},
	} {
		var inCustomer []entry
		inInstallation := entries(t, d, installation(t, d), func() { inCustomer = entries(t, d, c.ID, test.do) })
		want := entry{ActorKind: test.kind, ActorID: test.actor, SystemRole: test.asSystem, Action: "request.refuse", ResourceType: "request", Changes: `{"status": 403}`,
			RequestID: ptr("r"), IP: ptr("192.0.2.7"), UserAgent: ptr("x"), Operation: ptr("create-post")}
		got, other := inInstallation, inCustomer
		if test.theirs {
			if test.asSystem != nil {
				want.Reason = ptr("because of " + c.ID.String())
			}
			got, other = inCustomer, inInstallation
		}
		if diff := cmp.Diff([]entry{want}, got); diff != "" || len(other) > 0 {
			t.Errorf("%s: also %v; (-want +got):\n%s", test.name, other, diff)
		}
	}
	if n := one[int](ctx, t, d.Super, "select count(*) from audit_log a where customer_id = $1 and a::text ~ $2", installation(t, d), c.ID.String()); n > 0 {
		t.Errorf("%d rows of the installation's log tell of the customer", n)
	}
}

// TestAuditCredentials: the worker gets a credential by the function that records it, and in no other way.
func TestAuditCredentials(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c, other := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	account := d.Integration(t, dbtest.Integration{CustomerID: c.ID, Credential: []byte("sealed bytes")})
	owner := d.Member(t, c.ID, "owner").Scope().In(c.ID)
	use := func(db *tenant.DB, scope tenant.Scope, id uuid.UUID) (credential []byte, err error) {
		err = db.Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.use_credential($1, 'publish')", id).Scan(&credential)
		})
		return credential, err
	}
	worker := tenant.Worker(c.ID, tenant.Request{Job: 5})
	id := account.ID.String()
	got := entries(t, d, c.ID, func() {
		if credential, err := use(d.TenantWorker(), worker, account.ID); err != nil || string(credential) != "sealed bytes" {
			t.Errorf("got %q, %v", credential, err)
		}
	})
	want := []entry{{ActorKind: "worker", Action: "integration.credential_use", ResourceType: "integration", ResourceID: &id, Changes: `{"purpose": "publish"}`, JobID: ptr(int64(5))}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	got = entries(t, d, c.ID, func() {
		if credential, err := use(d.TenantWorker(), tenant.Worker(other.ID, tenant.Request{}), account.ID); err != nil || credential != nil {
			t.Errorf("in another customer: %q, %v", credential, err)
		}
		if _, err := use(d.Tenant(), owner, account.ID); refused(err).Code != denied {
			t.Errorf("an owner: %v", err)
		}
		if _, err := d.Worker.Exec(ctx, "select tenancy.use_credential($1, 'publish')", account.ID); refused(err).Code != denied {
			t.Errorf("outside a customer: %v", err)
		}
		mustExec(t, d, "update integrations set state = 'needs_reauth' where id = $1", account.ID)
		if credential, err := use(d.TenantWorker(), worker, account.ID); err != nil || credential != nil {
			t.Errorf("of an account that is not active: %q, %v", credential, err)
		}
	})
	if len(got) != 1 || got[0].Action != "integration.update" {
		t.Errorf("recorded %+v", got)
	}
	for _, sql := range []string{"select credential from integrations", "update integrations set name = name returning credential", "select i from integrations i"} {
		err := d.TenantWorker().Tx(ctx, worker, func(ctx context.Context, tx *tenant.Tx) error {
			_, err := tx.Exec(ctx, sql)
			return err
		})
		expectRefused(t, sql, err, denied)
	}
}

// TestAuditMonths: the months to come are made, what is too old is dropped, and the dropping is recorded.
func TestAuditMonths(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	months := func() []string {
		return column[string](ctx, t, d.Super, "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit_log'::regclass order by 1")
	}
	full := months()
	if len(full) != 14 || full[1] != "audit_log_"+thisMonth {
		t.Errorf("the months are %v", full)
	}
	maintain := func(keep any) error {
		_, err := d.Worker.Exec(ctx, "select tenancy.maintain_audit($1)", keep)
		return err
	}
	mustExec(t, d, "drop table "+full[0]+", "+full[13])
	if err := maintain(nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(full, months()); diff != "" {
		t.Errorf("after maintenance (-before +after):\n%s", diff)
	}
	mustExec(t, d, "create table audit_log_2020_01 partition of audit_log for values from ('2020-01-01 00:00:00+00') to ('2020-02-01 00:00:00+00'); alter table audit_log_2020_01 owner to fanfare_owner", pgx.QueryExecModeSimpleProtocol)
	for keep, want := range map[int]bool{0: true, -1: true, 1200: false} {
		if err := maintain(keep); (err != nil) != want {
			t.Errorf("to keep %d months: %v", keep, err)
		}
	}
	if got := len(months()); got != 15 {
		t.Errorf("%d months are left", got)
	}
	got := entries(t, d, installation(t, d), func() {
		if err := maintain(1); err != nil {
			t.Fatal(err)
		}
	})
	if diff := cmp.Diff(full, months()); diff != "" {
		t.Errorf("after dropping (-want +got):\n%s", diff)
	}
	if len(got) != 1 || got[0].Action != "audit.drop_month" || got[0].ActorKind != "worker" || *got[0].ResourceID != "audit_log_2020_01" {
		t.Errorf("recorded %+v", got)
	}
}

// BenchmarkAudit measures what a statement of one row costs with its trigger and without. Each statement changes
// another row, since a row that is changed again and again in one transaction only gets slower to find.
func BenchmarkAudit(b *testing.B) {
	d := dbtest.New(b)
	c := d.Customer(b, dbtest.Customer{})
	member := d.Member(b, c.ID, "member")
	account := d.Integration(b, dbtest.Integration{CustomerID: c.ID})
	const rows = 5000
	id := func(n int) uuid.UUID { return uuid.NewSHA1(c.ID, []byte{byte(n >> 8), byte(n)}) }
	var ids []uuid.UUID
	for n := range rows {
		ids = append(ids, id(n))
	}
	mustExec(b, d, "insert into posts (customer_id, id, text) select $1, unnest($2::uuid[]), repeat('What there is to say. ', 14)", c.ID, ids)
	mustExec(b, d, "insert into platform_posts (customer_id, id, post_id, integration_id) select $1, i, i, $3 from unnest($2::uuid[]) i", c.ID, ids, account.ID)
	mustExec(b, d, "vacuum analyze posts, platform_posts")
	scope := tenant.User(member.Subject, tenant.Request{ID: "r", IP: "192.0.2.1", UserAgent: "x", Operation: "update-post"}).In(c.ID)
	worker := tenant.Worker(c.ID, tenant.Request{Job: 1})
	for _, statement := range []struct {
		name, sql string
		db        *tenant.DB
		scope     tenant.Scope
	}{
		{"insert", "insert into campaigns (id, name) values ($1, 'x')", d.Tenant(), scope},
		{"update", "update posts set title = 'x' where id = $1", d.Tenant(), scope},
		{"nothing to tell", "update posts set title = title where id = $1", d.Tenant(), scope},
		{"checkpoint", "update platform_posts set checkpoint = '{}' where id = $1", d.TenantWorker(), worker},
	} {
		for _, with := range []string{"disable", "enable"} {
			b.Run(statement.name+"/"+with, func(b *testing.B) {
				for _, table := range []string{"posts", "platform_posts", "campaigns"} {
					for _, trigger := range []string{"audit_insert", "audit_update"} {
						mustExec(b, d, fmt.Sprintf("alter table %s %s trigger %s", table, with, trigger))
					}
				}
				err := statement.db.Tx(context.Background(), statement.scope, func(ctx context.Context, tx *tenant.Tx) error {
					n := 0
					change := func() {
						if _, err := tx.Exec(ctx, statement.sql, id(n%rows)); err != nil {
							b.Fatal(err)
						}
						n++
					}
					for range 20 {
						change()
					}
					for b.Loop() {
						change()
					}
					return errUndone
				})
				if !errors.Is(err, errUndone) {
					b.Fatal(err)
				}
			})
		}
	}
}
