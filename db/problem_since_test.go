package db_test

import (
	"context"
	"testing"
	"time"

	"fanfare/db/tenant"
)

// TestProblemSince: a problem is as old as the first of the attempts that ended so, right before each other.
func TestProblemSince(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	a := newApprover(t)
	a.fresh("scheduled")
	worker := tenant.Worker(a.customer, tenant.Request{Job: 1})
	number := 0
	fails := func(class string) time.Time {
		t.Helper()
		number++
		for _, step := range []struct {
			sql  string
			args []any
		}{
			{"update platform_posts set state = 'publishing', attempt = attempt + 1, retry_at = null, problem = null, problem_class = null where id = $1", []any{a.platform}},
			{"insert into publish_attempts (platform_post_id, number, job_id) values ($1, $2, 1)", []any{a.platform, number}},
			{"update publish_attempts set finished_at = now(), outcome = $3 where platform_post_id = $1 and number = $2", []any{a.platform, number, class}},
			{"update platform_posts set state = 'scheduled', problem = 'x', problem_class = $2 where id = $1", []any{a.platform, class}},
		} {
			if _, err := runAs(ctx, a.d.TenantWorker(), worker, step.sql, step.args...); err != nil {
				t.Fatalf("%s: %v", step.sql, err)
			}
		}
		return one[time.Time](ctx, t, a.d.Super, "select problem_since from platform_posts where id = $1", a.platform)
	}
	ended := func(number int) time.Time {
		t.Helper()
		return one[time.Time](ctx, t, a.d.Super, "select finished_at from publish_attempts where platform_post_id = $1 and number = $2", a.platform, number)
	}
	for i, step := range []struct {
		class string
		since int // the number of the attempt
	}{{"transient", 1}, {"transient", 1}, {"rate_limited", 3}, {"transient", 4}, {"transient", 4}} {
		if got, want := fails(step.class), ended(step.since); !got.Equal(want) {
			t.Errorf("attempt %d ends with %s: since %v, want %v", i+1, step.class, got, want)
		}
	}
	// What is put on its way anew has it anew.
	if _, err := a.do("owner", "update platform_posts set state = 'cancelled', problem = null, problem_class = null where id = $1", a.platform); err != nil {
		t.Fatal(err)
	}
	if since := one[*time.Time](ctx, t, a.d.Super, "select problem_since from platform_posts where id = $1", a.platform); since != nil {
		t.Errorf("without a problem: since %v", since)
	}
	for _, state := range []string{"draft", "pending_approval", "approved", "scheduled"} {
		mustExec(t, a.d, "update platform_posts set state = $2, first_attempt = attempt + 1 where id = $1", a.platform, state)
	}
	if got, want := fails("transient"), ended(6); !got.Equal(want) {
		t.Errorf("anew: since %v, want %v", got, want)
	}
}
