package db_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/db/dbtest"
)

// addServers adds MCP servers to a customer, a new space for each 50; they are due one second after another since the given time
// ago. It gives their ids in that order.
func addServers(t testing.TB, d *dbtest.DB, customerID, by uuid.UUID, count int, since time.Duration) []uuid.UUID {
	t.Helper()
	var ids []uuid.UUID
	var space dbtest.Space
	for i := range count {
		if i%50 == 0 {
			space = d.Space(t, dbtest.Space{CustomerID: customerID, PairedBy: by})
		}
		id := newID(t)
		mustExec(t, d, `insert into mcp_servers (customer_id, id, space_id, name, url, next_check_at, created_by)
			values ($1, $2, $3, 'Server', 'https://example.com/' || $2::uuid, now() - $4::interval + $5 * interval '1 second', $6)`, customerID, id, space.ID, since, i, by)
		ids = append(ids, id)
	}
	return ids
}

// TestMCPServersOfCustomer: a customer has 200 MCP servers at most, however many spaces it has.
func TestMCPServersOfCustomer(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, c.ID, "owner")
	addServers(t, d, c.ID, owner.ID, 200, time.Hour)
	space := d.Space(t, dbtest.Space{CustomerID: c.ID, PairedBy: owner.ID})
	add := func() error {
		_, err := runAs(ctx, d.Tenant(), owner.Scope().In(c.ID), "insert into mcp_servers (id, space_id, name, url) values ($1, $2, 'One more', 'https://example.com/')", newID(t), space.ID)
		return err
	}
	if err := add(); refused(err).Constraint != "mcp_servers_customer_limit" {
		t.Errorf("the 201st: %v", err)
	}
	mustExec(t, d, "delete from mcp_servers where id = (select id from mcp_servers limit 1)")
	if err := add(); err != nil {
		t.Errorf("in the place of another: %v", err)
	}
}

// TestMCPToDo: what one customer has due, or has jobs for, keeps nobody else's servers from being found.
func TestMCPToDo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	house := func(servers int, since time.Duration) (uuid.UUID, []uuid.UUID) {
		c := d.Customer(t, dbtest.Customer{})
		return c.ID, addServers(t, d, c.ID, d.Member(t, c.ID, "owner").ID, servers, since)
	}
	mallory, many := house(60, 2*time.Hour)
	_, few := house(2, time.Hour)
	_, other := house(1, 90*time.Minute)
	found := func(limit, share int) []uuid.UUID {
		t.Helper()
		return column[uuid.UUID](ctx, t, d.Worker, "select server_id from tenancy.mcp_to_do($1, $2)", limit, share)
	}
	want := func(what string, got []uuid.UUID, parts ...[]uuid.UUID) {
		t.Helper()
		if all := slices.Concat(parts...); !slices.Equal(got, all) {
			t.Errorf("%s: found %v, want %v", what, got, all)
		}
	}
	want("each has a share, and the oldest come first", found(100, 4), many[:4], other, few)
	want("up to the limit", found(5, 4), many[:4], other)

	job := func(server uuid.UUID, state, when string) {
		mustExec(t, d, fmt.Sprintf(`insert into river.river_job (customer_id, kind, queue, args, max_attempts, state, scheduled_at)
			values ($1, 'check_mcp_server', 'checks', jsonb_build_object('customer_id', $1::uuid, 'mcp_server_id', $2::uuid, 'credential_id', '00000000-0000-0000-0000-000000000000'), 20, '%s', now() + '%s')`,
			state, when), mallory, server)
	}
	for _, id := range many[:3] {
		job(id, "running", "0")
	}
	want("who has three jobs gets one more", found(100, 4), many[3:4], other, few)
	for _, id := range many[3:6] {
		job(id, "scheduled", "1 second")
	}
	want("who has more than a share gets none", found(3, 4), other, few)
	mustExec(t, d, "update river.river_job set state = 'scheduled', scheduled_at = now() + interval '1 hour'")
	want("jobs that wait for long take no share, and their servers are left out", found(100, 4), many[6:10], other, few)
}

// TestMCPRenewalsOfArchived: sign-ins of archived customers are renewed, though nothing else is looked at, as whoever takes the
// customer back into use would have to sign in anew.
func TestMCPRenewalsOfArchived(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	c := d.Customer(t, dbtest.Customer{})
	owner := d.Member(t, c.ID, "owner")
	server := addServers(t, d, c.ID, owner.ID, 1, time.Hour)[0]
	id := newID(t)
	mustExec(t, d, `insert into credentials (customer_id, id, space_id, kind, name, mcp_server_id, login, credential, key_id, next_check_at, created_by)
		select customer_id, $2, space_id, 'mcp', 'Server', id, 'oauth', 'sealed', 1, now() - interval '1 minute', created_by from mcp_servers where id = $1`, server, id)
	found := func() []uuid.UUID {
		t.Helper()
		return column[uuid.UUID](ctx, t, d.Worker, "select credential_id from tenancy.mcp_to_do(10, 10)")
	}
	want := func(what string, all ...uuid.UUID) {
		t.Helper()
		if got := found(); !slices.Equal(got, all) {
			t.Errorf("%s: found %v, want %v", what, got, all)
		}
	}
	want("the server and the sign-in are looked at", uuid.Nil, id)
	mustExec(t, d, "update credentials set renew_at = now()")
	want("what is looked at is renewed with that", uuid.Nil, id)
	mustExec(t, d, "update customers set archived_at = now()")
	want("of an archived customer it is renewed", id)
	mustExec(t, d, "update credentials set renew_at = now() + interval '1 hour'")
	want("and not before its time")
}

// TestCredentialsOfServers: what lets into a server belongs to the server's space.
func TestCredentialsOfServers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := newTwoSpaces(t)
	h := w.house
	server := newID(t)
	mustExec(t, w.DB, "insert into mcp_servers (customer_id, id, space_id, name, url, created_by) values ($1, $2, $3, 'Server', 'https://example.com/', $4)",
		h.id, server, w.theirs.ID, h.people["owner"].ID)
	add := func(space dbtest.Space) error {
		_, err := runAs(ctx, w.Tenant(), h.people["owner"].Scope().In(h.id), `insert into credentials (id, space_id, kind, name, mcp_server_id, login, credential, key_id)
			values ($1, $2, 'mcp', 'Server', $3, 'token', 'sealed', 1)`, newID(t), space.ID, server)
		return err
	}
	refuses(t, add(w.ours), "credentials_server_fkey")
	if err := add(w.theirs); err != nil {
		t.Errorf("in the server's space: %v", err)
	}
}
