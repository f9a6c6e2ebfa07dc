package jobs

import (
	"testing"

	"fanfare/db/dbtest"
)

// TestShareOfMCPChecks: however many servers of a customer are due, it has a few checks at a time, and others have theirs.
func TestShareOfMCPChecks(t *testing.T) {
	b := setup(t)
	other := b.second()
	for _, one := range []struct {
		*bundle
		servers int
	}{{b, 20}, {other, 2}} {
		owner := b.Member(t, one.customer.ID, "owner")
		space := b.Space(t, dbtest.Space{CustomerID: one.customer.ID, PairedBy: owner.ID})
		b.exec(`insert into mcp_servers (customer_id, id, space_id, name, url, next_check_at, created_by)
			select $1, gen_random_uuid(), $2, 'Server', 'https://example.com/' || n, now() - interval '1 hour', $3 from generate_series(1, $4) n`,
			one.customer.ID, space.ID, owner.ID, one.servers)
	}
	dispatch := func(want, wantOther int) {
		t.Helper()
		for range 2 { // two workers, or the same one a second later
			if err := b.worker(WorkerConfig{CustomerChecks: 3}).dispatchMCP(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		const jobs = "select count(*)::int from river.river_job where kind = 'check_mcp_server' and customer_id = $1 and state <> 'completed'"
		if n, others := scan[int](b, jobs, b.customer.ID), scan[int](b, jobs, other.customer.ID); n != want || others != wantOther {
			t.Errorf("%d and %d jobs, want %d and %d", n, others, want, wantOther)
		}
	}
	dispatch(3, 2)
	b.exec(`with done as (update river.river_job set state = 'completed', finalized_at = now() where kind = 'check_mcp_server' returning args ->> 'mcp_server_id' as id)
		update mcp_servers m set next_check_at = now() + interval '1 hour' from done where m.id = done.id::uuid`)
	dispatch(3, 0)
}
