package api_test

import (
	"testing"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	mine := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	theirs := w.Integration(t, dbtest.Integration{CustomerID: c.elsewhere.ID})
	states := []string{"available", "pending", "scheduled", "retryable", "running", "completed", "cancelled", "discarded"}
	wantState := map[string]string{"available": "waiting", "pending": "waiting", "scheduled": "waiting", "retryable": "waiting",
		"running": "running", "completed": "completed", "cancelled": "cancelled", "discarded": "failed"}
	posts := map[string]dbtest.Post{}
	for _, state := range states {
		post := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{mine}})
		other := w.Post(t, dbtest.Post{CustomerID: c.elsewhere.ID, Integrations: []dbtest.Integration{theirs}})
		w.call(t, c.owner, "POST", c.path("/posts/%s/publish", post.ID), nil).want(t, 202)
		w.call(t, c.outsider, "POST", "/v1/customers/"+c.elsewhere.ID.String()+"/posts/"+other.ID.String()+"/publish", nil).want(t, 202)
		w.exec(t, `update river.river_job set state = $2::river.river_job_state, attempt = 1, attempted_at = now(),
			finalized_at = case when $2 in ('completed', 'cancelled', 'discarded') then now() end
			where args ->> 'post_id' = $1`, post.ID.String(), state)
		posts[post.ID.String()] = post
	}
	// River's own upkeep is nobody's.
	w.exec(t, "insert into river.river_job (kind, args, max_attempts) values ('upkeep', '{}', 1)")

	c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/jobs"), nil) })
	list := into[api.Page[api.Job]](t, w.call(t, c.viewer, "GET", c.path("/jobs"), nil))
	if len(list.Items) != len(states) {
		t.Fatalf("%d jobs, want %d", len(list.Items), len(states))
	}
	for i, job := range list.Items {
		state := states[len(states)-1-i]
		post := posts[job.PostID.String()]
		if job.State != wantState[state] || job.Kind != "publish" || job.Attempt != 1 || job.StartedAt == nil || *job.PlatformPostID != post.PlatformPosts[0] {
			t.Errorf("the job that is %s is %+v", state, job)
		}
		if (job.FinishedAt != nil) != (state == "completed" || state == "cancelled" || state == "discarded") {
			t.Errorf("the job that is %s finished at %v", state, job.FinishedAt)
		}
	}
	ids, pages := w.walk(t, c.viewer, c.path("/jobs"))
	if pages != 4 || len(ids) != len(states) {
		t.Errorf("%d pages, %v", pages, ids)
	}
	for i := range ids[1:] {
		if ids[i] <= ids[i+1] {
			t.Errorf("%s stands before %s", ids[i], ids[i+1])
		}
	}
}
