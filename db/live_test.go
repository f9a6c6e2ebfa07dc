package db_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// heard are the payloads that a listener was sent before the one that ends the list.
func heard(t *testing.T, d *dbtest.DB, listener *pgx.Conn) (payloads []string) {
	t.Helper()
	const end = "the end"
	mustExec(t, d, "select pg_notify('fanfare_change', $1)", end)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		n, err := listener.WaitForNotification(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if n.Payload == end {
			return payloads
		}
		payloads = append(payloads, n.Payload)
	}
}

// TestChangesAreTold: a change is told to whoever listens, once for each transaction, as a digest that names nobody, and only while
// somebody looks at the customer.
func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	mine, other := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	me, them := d.Member(t, mine.ID, "member"), d.Member(t, other.ID, "member")
	// Any role of the server may listen: this one is in no customer.
	listener, err := pgx.Connect(ctx, d.WorkerURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close(ctx) })
	if _, err := listener.Exec(ctx, "listen fanfare_change"); err != nil {
		t.Fatal(err)
	}
	draft := func(who dbtest.User, customerID uuid.UUID) {
		t.Helper()
		if err := d.Tenant().Tx(ctx, who.Scope().In(customerID), func(ctx context.Context, tx *tenant.Tx) error {
			for range 3 {
				if _, err := tx.Exec(ctx, "insert into posts (id, title, text) values ($1, 'Secret', 'Secret')", dbtest.NewID(t)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	watch := func(who dbtest.User, customerID uuid.UUID) (topic string, err error) {
		err = d.Tenant().Tx(ctx, who.Scope().In(customerID), func(ctx context.Context, tx *tenant.Tx) error {
			return tx.QueryRow(ctx, "select tenancy.watch()").Scan(&topic)
		})
		return topic, err
	}

	draft(me, mine.ID)
	if got := heard(t, d, listener); len(got) != 0 {
		t.Errorf("nobody looks, and %q was told", got)
	}
	if _, err := watch(them, mine.ID); !errors.Is(err, tenant.ErrNotFound) {
		t.Errorf("a stranger looks: %v", err)
	}
	draft(me, mine.ID)
	if got := heard(t, d, listener); len(got) != 0 {
		t.Errorf("a stranger wanted to look, and %q was told", got)
	}

	topic, err := watch(me, mine.ID)
	if err != nil || !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(topic) {
		t.Fatalf("the topic is %q: %v", topic, err)
	}
	if again, err := watch(me, mine.ID); err != nil || again != topic {
		t.Errorf("the topic is %q the second time: %v", again, err)
	}
	draft(them, other.ID)
	draft(me, mine.ID)
	if got := heard(t, d, listener); len(got) != 1 || got[0] != topic {
		t.Errorf("told %q, want %q once", got, topic)
	}
	// What is rolled back is told to nobody.
	if err := d.Tenant().Tx(ctx, me.Scope().In(mine.ID), func(ctx context.Context, tx *tenant.Tx) error {
		if _, err := tx.Exec(ctx, "insert into posts (id, title, text) values ($1, 'A', 'A')", dbtest.NewID(t)); err != nil {
			return err
		}
		return context.Canceled
	}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if got := heard(t, d, listener); len(got) != 0 {
		t.Errorf("a change was rolled back, and %q was told", got)
	}

	// Whoever has looked is forgotten after a while, and then for good.
	mustExec(t, d, "update watched_topics set until = now() - interval '1 second'")
	draft(me, mine.ID)
	if got := heard(t, d, listener); len(got) != 0 {
		t.Errorf("nobody looks any more, and %q was told", got)
	}
	forget := func() (n int64) {
		t.Helper()
		if err := d.Worker.QueryRow(ctx, "select tenancy.forget_watched()").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := forget(); n != 0 {
		t.Errorf("%d were forgotten too soon", n)
	}
	mustExec(t, d, "update watched_topics set until = now() - interval '61 minutes'")
	if n := forget(); n != 1 {
		t.Errorf("%d were forgotten", n)
	}
	for role, pool := range map[string]interface {
		QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	}{"fanfare_login": d.Login, "fanfare_worker": d.Worker} {
		if err := pool.QueryRow(ctx, "select count(*) from watched_topics").Scan(new(int)); err == nil {
			t.Errorf("%s reads at whom somebody looks", role)
		}
	}
}
