package db_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
	"fanfare/queries"
)

// jobArgs are a job of a customer, as ours are: the customer is part of the unique key.
type jobArgs struct {
	CustomerID     uuid.UUID `json:"customer_id" river:"unique"`
	PostID         uuid.UUID `json:"post_id" river:"unique"`
	PlatformPostID uuid.UUID `json:"platform_post_id"`
}

func (jobArgs) Kind() string { return "invitation_email" }

func (jobArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{Queue: "mail"} }

// forgetfulArgs are a job whose unique key lacks the customer, as ours must not be.
type forgetfulArgs struct {
	CustomerID uuid.UUID `json:"customer_id"`
	PostID     uuid.UUID `json:"post_id" river:"unique"`
}

func (forgetfulArgs) Kind() string { return "check_integration" }

// strangeArgs are a job that names no customer.
type strangeArgs struct{}

func (strangeArgs) Kind() string { return "test_strange" }

var unique = &river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true}}

func inserter(t testing.TB) *river.Client[pgx.Tx] {
	t.Helper()
	client, err := river.NewClient(riverpgxv5.New(nil), &river.Config{Schema: "river", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestJobsOfTenants: a tenant enqueues in its own transaction, sees its own jobs, and forges, changes,
// cancels or deletes none.
func TestJobsOfTenants(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	client := inserter(t)
	member, viewer := a.people["member"].Scope().In(a.id), a.people["viewer"].Scope().In(a.id)
	manager, onlooker := d.User(t, dbtest.User{SystemRole: "manager"}).Scope().In(a.id), d.User(t, dbtest.User{SystemRole: "viewer"}).Scope().In(a.id)
	in := func(scope tenant.Scope, fn func(ctx context.Context, tx *tenant.Tx) error) error {
		return d.Tenant().Tx(ctx, scope, fn)
	}
	insert := func(scope tenant.Scope, args river.JobArgs, opts *river.InsertOpts) (result *rivertype.JobInsertResult, err error) {
		err = in(scope, func(ctx context.Context, tx *tenant.Tx) error {
			result, err = client.InsertTx(ctx, tx, args, opts)
			return err
		})
		return result, err
	}
	owners := func(kind string) []string {
		return column[string](ctx, t, d.Super, "select coalesce(customer_id::text, '') from river.river_job where kind = $1 order by id", kind)
	}

	for _, scope := range []tenant.Scope{member, manager} {
		if _, err := insert(scope, jobArgs{CustomerID: a.id, PostID: newID(t)}, &river.InsertOpts{ScheduledAt: time.Now().Add(time.Hour)}); err != nil {
			t.Fatalf("enqueue: %v", err)
		}
	}
	if err := in(member, func(ctx context.Context, tx *tenant.Tx) error {
		results, err := client.InsertManyTx(ctx, tx, []river.InsertManyParams{{Args: jobArgs{CustomerID: a.id, PostID: newID(t)}}, {Args: jobArgs{CustomerID: a.id, PostID: newID(t)}}})
		if err == nil && len(results) != 2 {
			err = fmt.Errorf("%d jobs", len(results))
		}
		return err
	}); err != nil {
		t.Errorf("enqueue several: %v", err)
	}
	if got := owners("invitation_email"); !slices.Equal(got, slices.Repeat([]string{a.id.String()}, 4)) {
		t.Errorf("the jobs belong to %v", got)
	}

	// The same post id in two customers: two jobs. Twice in one: one.
	post := newID(t)
	first, err := insert(member, jobArgs{CustomerID: a.id, PostID: post}, unique)
	if err != nil || first.UniqueSkippedAsDuplicate {
		t.Errorf("first unique job: %+v, %v", first, err)
	}
	if again, err := insert(member, jobArgs{CustomerID: a.id, PostID: post}, unique); err != nil || !again.UniqueSkippedAsDuplicate || again.Job.ID != first.Job.ID {
		t.Errorf("the same job again: %+v, %v", again, err)
	}
	if other, err := insert(b.people["member"].Scope().In(b.id), jobArgs{CustomerID: b.id, PostID: post}, unique); err != nil || other.UniqueSkippedAsDuplicate {
		t.Errorf("the same job of another customer: %+v, %v", other, err)
	}
	// Without the customer in the key they are two all the same: the database puts it there, so that nobody's choice of
	// a key keeps another's job out.
	for _, house := range []*house{a, b} {
		if made, err := insert(house.people["member"].Scope().In(house.id), forgetfulArgs{CustomerID: house.id, PostID: post}, unique); err != nil || made.UniqueSkippedAsDuplicate {
			t.Errorf("a unique key without the customer: %+v, %v", made, err)
		}
	}
	if got := owners("check_integration"); !slices.Equal(got, []string{a.id.String(), b.id.String()}) {
		t.Errorf("the jobs with a forgetful key belong to %v", got)
	}

	before := checksum(ctx, t, d, b.id)
	refusals := map[string]error{}
	_, refusals["a job for another customer"] = insert(member, jobArgs{CustomerID: b.id, PostID: newID(t)}, nil)
	_, refusals["a job for no customer"] = insert(member, strangeArgs{}, nil)
	_, refusals["a viewer's job"] = insert(viewer, jobArgs{CustomerID: a.id, PostID: newID(t)}, nil)
	_, refusals["a system viewer's job"] = insert(onlooker, jobArgs{CustomerID: a.id, PostID: newID(t)}, nil)
	_, refusals["a job outside of a customer"] = insert(a.people["member"].Scope(), jobArgs{CustomerID: a.id, PostID: newID(t)}, nil)
	_, refusals["a pending job"] = insert(member, jobArgs{CustomerID: a.id, PostID: newID(t)}, &river.InsertOpts{Pending: true})
	refusals["COPY"] = in(member, func(ctx context.Context, tx *tenant.Tx) error {
		_, err := client.InsertManyFastTx(ctx, tx, []river.InsertManyParams{{Args: jobArgs{CustomerID: a.id, PostID: newID(t)}}})
		return err
	})
	login, err := d.Login.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, refusals["the login's job"] = client.InsertTx(ctx, login, jobArgs{CustomerID: a.id, PostID: newID(t)}, nil)
	if err := login.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	for what, id := range map[string]int64{"own": a.job, "another customer's": b.job} {
		refusals["cancel "+what] = in(member, func(ctx context.Context, tx *tenant.Tx) error { _, err := client.JobCancelTx(ctx, tx, id); return err })
		refusals["delete "+what] = in(member, func(ctx context.Context, tx *tenant.Tx) error { _, err := client.JobDeleteTx(ctx, tx, id); return err })
		refusals["retry "+what] = in(member, func(ctx context.Context, tx *tenant.Tx) error { _, err := client.JobRetryTx(ctx, tx, id); return err })
	}
	for _, sql := range []string{
		"update river.river_job set kind = 'other' where id = $1", "update river.river_job set args = args where id = $1",
		"update river.river_job set customer_id = customer_id where id = $1", "update river.river_job set state = 'running' where id = $1",
		"update river.river_job set scheduled_at = now() where id = $1", "delete from river.river_job where id = $1",
		"insert into river.river_job (id, args, kind, max_attempts, attempt) select $1 + 1000, args, kind, 1, 5 from river.river_job limit 1",
		"insert into river.river_job (id, args, kind, max_attempts, errors) select $1 + 1000, args, kind, 1, '{}' from river.river_job limit 1",
		"select 1 from river.river_queue where $1 > 0", "select 1 from river.river_leader where $1 > 0", "select 1 from river.river_notification where $1 > 0",
	} {
		refusals[sql] = in(member, func(ctx context.Context, tx *tenant.Tx) error { _, err := tx.Exec(ctx, sql, a.job); return err })
	}
	for what, err := range refusals {
		var code string
		switch code = refused(err).Code; {
		case what == "COPY" && code == "0A000": // COPY FROM not supported with row-level security
			code = denied
		case what == "the login's job" && code == "42P10": // it may not even run the function of River's unique index
			code = denied
		}
		if code != denied {
			t.Errorf("%s: %v (code %q), want code %s", what, err, code, denied)
		}
	}
	// What River does for a client on its own, it may do on the worker's connection only.
	for _, sql := range []string{
		"update river.river_job set kind = 'other' where id = $1", "update river.river_job set args = '{}' where id = $1",
		"update river.river_job set customer_id = null where id = $1",
		"insert into river.river_job (args, kind, max_attempts) select args, kind, 1 from river.river_job where id = $1",
	} {
		_, err := d.Worker.Exec(ctx, sql, a.job)
		expectRefused(t, "as the worker: "+sql, err, denied)
	}

	seen := func(scope tenant.Scope) []string {
		return column[string](ctx, t, d.Tenant().Read(scope), "select distinct customer_id::text from river.river_job")
	}
	for _, scope := range []tenant.Scope{member, viewer, manager, onlooker} {
		if got := seen(scope); !slices.Equal(got, []string{a.id.String()}) {
			t.Errorf("sees jobs of %v", got)
		}
	}
	listed, err := queries.New(d.Tenant().Read(viewer)).JobList(ctx, queries.JobListParams{Before: uuid.Max, MaxRows: 100})
	if want := one[int64](ctx, t, d.Super, "select count(*) from river.river_job where customer_id = $1", a.id); err != nil || int64(len(listed)) != want {
		t.Errorf("lists %d jobs, %v; want %d", len(listed), err, want)
	}
	if checksum(ctx, t, d, b.id) != before {
		t.Error("another customer's rows have changed")
	}
}

// TestCancelJobs: the waiting jobs of one post, or of all, of the entered customer; by whom it may be done.
func TestCancelJobs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	if _, err := d.Super.Exec(ctx, "delete from river.river_job"); err != nil {
		t.Fatal(err)
	}
	states := []string{"available", "pending", "retryable", "scheduled", "running", "completed", "discarded"}
	post, other := newID(t), newID(t)
	for _, customer := range []uuid.UUID{a.id, b.id} { // the post has the same id in both
		for _, p := range []uuid.UUID{post, other} {
			for _, state := range states {
				if _, err := d.Super.Exec(ctx, `insert into river.river_job (customer_id, args, kind, max_attempts, state, finalized_at)
					values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'post_id', $2::uuid::text), 'publish', 1, $3::text::river.river_job_state,
						case when $3 in ('completed', 'discarded') then now() end)`, customer, p, state); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	cancelled := func(customer, post uuid.UUID) int64 {
		return one[int64](ctx, t, d.Super, "select count(*) from river.river_job where state = 'cancelled' and finalized_at is not null and customer_id = $1 and args ->> 'post_id' = $2::uuid::text", customer, post)
	}
	cancel := func(scope tenant.Scope, post *uuid.UUID) (n int64, err error) {
		err = d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			n, err = queries.New(tx).JobCancel(ctx, post)
			return err
		})
		return n, err
	}
	for name, scope := range map[string]tenant.Scope{
		"viewer": a.people["viewer"].Scope().In(a.id), "system viewer": d.User(t, dbtest.User{SystemRole: "viewer"}).Scope().In(a.id),
		"nowhere": a.people["owner"].Scope(), "system admin nowhere": d.User(t, dbtest.User{SystemRole: "admin"}).Scope(),
	} {
		_, err := cancel(scope, nil)
		expectRefused(t, "cancelling as "+name, err, denied)
	}
	if n, err := cancel(a.people["member"].Scope().In(a.id), &post); err != nil || n != 4 {
		t.Errorf("cancelled %d, %v; want 4", n, err)
	}
	if got := []int64{cancelled(a.id, post), cancelled(a.id, other), cancelled(b.id, post), cancelled(b.id, other)}; !slices.Equal(got, []int64{4, 0, 0, 0}) {
		t.Errorf("cancelled of our post, our other post, and theirs: %v", got)
	}
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	if _, err := cancel(a.people["admin"].Scope().In(a.id), nil); refused(err).Code != denied {
		t.Errorf("an admin cancels in an archived customer: %v", err)
	}
	if n, err := cancel(a.people["owner"].Scope().In(a.id), nil); err != nil || n != 4 {
		t.Errorf("the owner of an archived customer cancelled %d, %v; want the other post's 4", n, err)
	}
	if got := []int64{cancelled(a.id, other), cancelled(b.id, post), cancelled(b.id, other)}; !slices.Equal(got, []int64{4, 0, 0}) {
		t.Errorf("cancelled of our other post, and theirs: %v", got)
	}
}

// recorder is a worker that notes for whom it worked.
type recorder struct {
	river.WorkerDefaults[jobArgs]
	done chan uuid.UUID
}

func (r *recorder) Work(_ context.Context, job *river.Job[jobArgs]) error {
	r.done <- job.Args.CustomerID
	return nil
}

// TestWorkerWorksForAll: a River client on the worker's login works the jobs of all customers, and what it
// is notified of tells nothing of them.
func TestWorkerWorksForAll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d := dbtest.New(t)
	done := make(chan uuid.UUID, 10)
	workers := river.NewWorkers()
	river.AddWorker(workers, &recorder{done: done})
	client, err := river.NewClient(riverpgxv5.New(d.Worker), &river.Config{
		Schema: "river", Logger: slog.New(slog.DiscardHandler), Workers: workers,
		Queues:            map[string]river.QueueConfig{"mail": {MaxWorkers: 4}},
		FetchPollInterval: time.Minute, // only a notification wakes it
		FetchCooldown:     10 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := client.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()

	// Any role may listen: this one, which may read nothing, hears what all customers cause.
	spy, err := pgx.Connect(ctx, d.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = spy.Close(context.Background()) }()
	for _, topic := range column[string](ctx, t, d.Super, `select 'river.' || t from unnest(array['river_insert', 'river_control', 'river_leadership']) t`) {
		if _, err := spy.Exec(ctx, "listen "+pgx.Identifier{topic}.Sanitize()); err != nil {
			t.Fatal(err)
		}
	}
	var customers []uuid.UUID
	for range 3 {
		c := d.Customer(t, dbtest.Customer{})
		customers = append(customers, c.ID)
		if err := d.Tenant().Tx(ctx, d.Member(t, c.ID, "member").Scope().In(c.ID), func(ctx context.Context, tx *tenant.Tx) error {
			_, err := inserter(t).InsertTx(ctx, tx, jobArgs{CustomerID: c.ID, PostID: newID(t)}, nil)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var worked []uuid.UUID
	for range customers {
		select {
		case id := <-done:
			worked = append(worked, id)
		case <-ctx.Done():
			t.Fatalf("worked for %v only", worked)
		}
	}
	for _, id := range customers {
		if !slices.Contains(worked, id) {
			t.Errorf("no work for %s", id)
		}
	}
	heard, err := spy.WaitForNotification(ctx)
	if err != nil {
		t.Fatalf("no notification was heard: %v", err)
	}
	for {
		if text := heard.Channel + heard.Payload; slices.ContainsFunc(customers, func(id uuid.UUID) bool { return strings.Contains(text, id.String()) }) ||
			!slices.Contains([]string{`{"queue": "mail"}`, `{"queue":"mail"}`}, heard.Payload) && heard.Channel == "river.river_insert" {
			t.Errorf("a notification tells more than the queue: %s", text)
		}
		short, stop := context.WithTimeout(ctx, 100*time.Millisecond)
		heard, err = spy.WaitForNotification(short)
		stop()
		if err != nil {
			break // no more
		}
	}
}

// TestUpkeepOfJobs: the worker's own queries, which concern all customers.
func TestUpkeepOfJobs(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := d.Customer(t, dbtest.Customer{}), d.Customer(t, dbtest.Customer{})
	q := queries.New(d.Worker)
	job := func(customer uuid.UUID, state, worker string, scheduled time.Duration) int64 {
		return one[int64](ctx, t, d.Super, `insert into river.river_job (customer_id, args, kind, max_attempts, attempt, state, attempted_by, scheduled_at)
			values ($1, jsonb_build_object('customer_id', $1::uuid::text), 'x', 1, 1, $2::text::river.river_job_state, array[$3::text], now() + $4::interval) returning id`,
			customer, state, worker, scheduled)
	}
	for worker, lease := range map[string]time.Duration{"alive": time.Minute, "dead": -time.Minute} {
		if err := q.WorkerRenew(ctx, queries.WorkerRenewParams{ID: worker, Lease: lease}); err != nil {
			t.Fatal(err)
		}
	}
	dead, unknown, alive := job(a.ID, "running", "dead", 0), job(b.ID, "running", "unknown", 0), job(a.ID, "running", "alive", 0)
	soon, again, later := job(a.ID, "scheduled", "", time.Second), job(b.ID, "retryable", "", -time.Second), job(b.ID, "scheduled", "", time.Hour)
	public := func(id int64) uuid.UUID {
		return one[uuid.UUID](ctx, t, d.Super, "select public_id from river.river_job where id = $1", id)
	}
	names := map[uuid.UUID]bool{public(dead): true, public(unknown): true}
	rescued, err := q.JobRescue(ctx, 100)
	if err != nil || len(rescued) != 2 {
		t.Fatalf("rescued %v, %v; want 2", rescued, err)
	}
	// River writes how a job ended by its number alone, also where a worker was only out of reach: nobody has that number now.
	for _, old := range []int64{dead, unknown} {
		if n := one[int](ctx, t, d.Super, "select count(*) from river.river_job where id = $1", old); n != 0 {
			t.Errorf("the rescued job still has the number %d", old)
		}
	}
	for _, job := range rescued {
		delete(names, public(job.ID))
	}
	if len(names) != 0 {
		t.Errorf("not found under their names: %v", names)
	}
	dead, unknown = rescued[0].ID, rescued[1].ID
	if n, err := q.JobPromote(ctx, queries.JobPromoteParams{Ahead: 3 * time.Second, MaxRows: 100}); err != nil || n != 2 {
		t.Errorf("promoted %d, %v; want 2", n, err)
	}
	for id, want := range map[int64]string{dead: "available", unknown: "available", alive: "running", soon: "available", again: "available", later: "scheduled"} {
		if got := one[string](ctx, t, d.Super, "select state::text from river.river_job where id = $1", id); got != want {
			t.Errorf("job %d is %s, want %s", id, got, want)
		}
	}
	if attempts := one[int16](ctx, t, d.Super, "select max_attempts from river.river_job where id = $1", dead); attempts != 2 {
		t.Errorf("a rescued job has %d attempts, want 2", attempts)
	}
	ready, err := queries.New(d.Login).Readiness(ctx)
	if err != nil || ready.LiveWorkers != 1 {
		t.Errorf("readiness %+v, %v; want 1 live worker", ready, err)
	}
}

// TestStranded: exactly the platform posts that are due, on their way, and without a job.
func TestStranded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	m := newMachine(t)
	type situation struct {
		state     string
		scheduled string // relative to now
		retry     string
		job       string // the state of its job; empty: none
		found     bool
		otherwise bool // the job is another customer's, with the same ids
	}
	want := map[uuid.UUID]bool{}
	names := map[uuid.UUID]string{}
	for _, s := range []situation{
		{state: "scheduled", scheduled: "-1 hour", found: true},
		{state: "publishing", scheduled: "-1 hour", found: true},
		{state: "publishing", scheduled: "-1 hour", retry: "-30 minutes", found: true},
		{state: "publishing", scheduled: "-1 hour", retry: "30 minutes"},
		{state: "scheduled", scheduled: "-1 hour", retry: "30 minutes"},
		{state: "scheduled", scheduled: "1 hour"},
		{state: "scheduled", scheduled: "-10 seconds"}, // due, but not long enough ago
		{state: "draft", scheduled: "-1 hour"}, {state: "published", scheduled: "-1 hour"}, {state: "failed", scheduled: "-1 hour"},
		{state: "cancelled", scheduled: "-1 hour"}, {state: "needs_attention", scheduled: "-1 hour"},
		{state: "scheduled", scheduled: "-1 hour", job: "available"}, {state: "scheduled", scheduled: "-1 hour", job: "retryable"},
		{state: "scheduled", scheduled: "-1 hour", job: "scheduled"}, {state: "scheduled", scheduled: "-1 hour", job: "pending"},
		{state: "publishing", scheduled: "-1 hour", job: "running"},
		{state: "scheduled", scheduled: "-1 hour", job: "completed", found: true}, {state: "scheduled", scheduled: "-1 hour", job: "discarded", found: true},
		{state: "publishing", scheduled: "-1 hour", job: "cancelled", found: true},
		{state: "scheduled", scheduled: "-1 hour", job: "available", otherwise: true, found: true},
	} {
		p := m.post(t, 1)
		m.force(t, p, follows([]string{s.state}), s.state)
		if _, err := m.d.Super.Exec(ctx, "update posts set scheduled_at = now() + $1::text::interval where id = $2", s.scheduled, p.ID); err != nil {
			t.Fatal(err)
		}
		if s.retry != "" {
			if _, err := m.d.Super.Exec(ctx, "update platform_posts set retry_at = now() + $1::text::interval where post_id = $2", s.retry, p.ID); err != nil {
				t.Fatal(err)
			}
		}
		if s.job != "" {
			customer := m.customer
			if s.otherwise {
				customer = m.d.Customer(t, dbtest.Customer{}).ID
			}
			if _, err := m.d.Super.Exec(ctx, `insert into river.river_job (customer_id, args, kind, max_attempts, state, finalized_at)
				values ($1, jsonb_build_object('customer_id', $1::uuid::text, 'platform_post_id', $2::uuid::text), 'publish', 1, $3::text::river.river_job_state,
					case when $3 in ('completed', 'discarded', 'cancelled') then now() end)`, customer, p.PlatformPosts[0], s.job); err != nil {
				t.Fatal(err)
			}
		}
		want[p.PlatformPosts[0]] = s.found
		names[p.PlatformPosts[0]] = fmt.Sprintf("%+v", s)
	}
	found, err := queries.New(m.d.Worker).PlatformPostListStranded(ctx, queries.PlatformPostListStrandedParams{Overdue: time.Minute, MaxRows: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range found {
		if !want[row.PlatformPostID] || row.CustomerID != m.customer {
			t.Errorf("found, and is not stranded: %s", names[row.PlatformPostID])
		}
		delete(want, row.PlatformPostID)
	}
	for id, stranded := range want {
		if stranded {
			t.Errorf("stranded, and not found: %s", names[id])
		}
	}

	// In an archived customer only what is at the platform already is looked after.
	if _, err := m.d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", m.customer); err != nil {
		t.Fatal(err)
	}
	found, err = queries.New(m.d.Worker).PlatformPostListStranded(ctx, queries.PlatformPostListStrandedParams{Overdue: time.Minute, MaxRows: 100})
	if err != nil || len(found) == 0 {
		t.Fatalf("found %d, %v", len(found), err)
	}
	for _, row := range found {
		if !strings.Contains(names[row.PlatformPostID], "state:publishing") {
			t.Errorf("found in an archived customer: %s", names[row.PlatformPostID])
		}
	}
}

// riverSchema describes River's tables in a schema: columns, indexes and constraints.
const riverSchema = `
	select format('%s.%s %s null %s default %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull, pg_get_expr(f.adbin, f.adrelid))
	from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		left join pg_attrdef f on f.adrelid = c.oid and f.adnum = a.attnum
	where c.relnamespace = 'river'::regnamespace and c.relkind = 'r'
	union all select indexdef from pg_indexes where schemaname = 'river'
	union all select format('%s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = 'river'::regnamespace
	union all select format('function %s %s', oid::regprocedure, prosrc) from pg_proc where pronamespace = 'river'::regnamespace
	union all select format('value %s of %s', enumlabel, enumtypid::regtype) from pg_enum
	union all select format('trigger %s', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal and tgrelid in (select oid from pg_class where relnamespace = 'river'::regnamespace)`

// TestRiverIsUnchanged: our copy of River's migrations makes what the newest migrations of the river module in
// go.mod make, but for what is listed. It fails when River is upgraded without a migration.
func TestRiverIsUnchanged(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	super := dbtest.OpenPool(t, dbtest.NewEmpty(t))
	if _, err := super.Exec(ctx, "create schema river"); err != nil {
		t.Fatal(err)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(super), &rivermigrate.Config{Schema: "river", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	all := migrator.AllVersions()
	newest := all[len(all)-1].Version
	file := fmt.Sprintf("_to_%d.sql", newest)
	if !slices.ContainsFunc(migrationFiles(t), func(name string) bool { return strings.Contains(name, "_river_") && strings.HasSuffix(name, file) }) {
		t.Errorf("River's newest migration is %d, and no migration of ours is named …_river_…%s", newest, file)
	}
	normal := strings.NewReplacer("river.", "", "CURRENT_TIMESTAMP", "now()")
	read := func(q querier) map[string]bool {
		lines := map[string]bool{}
		for _, line := range column[string](ctx, t, q, riverSchema) {
			if !strings.Contains(line, "river_migration") { // dbmate keeps the list
				lines[normal.Replace(strings.Join(strings.Fields(line), " "))] = true
			}
		}
		return lines
	}
	ours, theirs := read(dbtest.New(t).Super), read(super)
	if len(theirs) < 40 {
		t.Fatalf("only %d lines describe River's schema", len(theirs))
	}
	added := []string{"river_job.customer_id ", "river_job.public_id ", "river_job_by_customer ", "river_job_of_post ", "river_job_due ", "river_job_of_platform_post ", "river_job_of_authorization ", "river_job_of_integration ", "river_job_of_webhook ", "river_job_of_mcp ", "river_job_of_chat ", "river_job_of_workspace ", "TRIGGER river_job_freeze ", "TRIGGER river_job_number "}
	for line := range theirs {
		if !ours[line] {
			t.Errorf("River has, and we have not: %s", line)
		}
	}
	for line := range ours {
		if !theirs[line] && !slices.ContainsFunc(added, func(a string) bool { return strings.Contains(line, a) }) {
			t.Errorf("we have, and River has not: %s", line)
		}
	}
}

// TestOneConnectionManyRoles: a statement prepared once on a connection is planned for the role that runs it,
// so the same text gives each customer its own rows and the login none (checklist 10).
func TestOneConnectionManyRoles(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a, b := newHouse(t, d, "ours"), newHouse(t, d, "theirs")
	conn, err := pgx.Connect(ctx, d.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	system := d.User(t, dbtest.User{SystemRole: "viewer"})
	var once sync.Once
	for round := range 12 { // beyond the five runs after which a plan may become generic
		for _, who := range []struct {
			subject string
			house   *house
		}{{a.people["owner"].Subject, a}, {b.people["viewer"].Subject, b}, {system.Subject, a}, {system.Subject, b}} {
			tx, err := conn.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(ctx, "select set_config('role', e, true) from tenancy.enter_user($1, $2, '{}') e", who.subject, who.house.id); err != nil {
				t.Fatal(err)
			}
			once.Do(func() {
				if _, err := tx.Prepare(ctx, "everything", "select customer_id from posts"); err != nil {
					t.Fatal(err)
				}
			})
			if got := column[uuid.UUID](ctx, t, tx, "everything"); !slices.Equal(got, []uuid.UUID{who.house.id, who.house.id}) {
				t.Fatalf("round %d: rows of %v for %s", round, got, who.house.id)
			}
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
		_, err := conn.Exec(ctx, "everything")
		expectRefused(t, "the login with the same statement", err, denied)
	}
}
