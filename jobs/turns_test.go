package jobs

import (
	"context"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/time/rate"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// frozen makes a worker that reads and fetches everything at once, until it is frozen: then nothing that it is at ends.
func (p *places) frozen() (freeze func()) {
	p.t.Helper()
	limiter := rate.NewLimiter(rate.Inf, 1<<20)
	p.config.Backups.Limiter = limiter
	w := p.worker()
	must(p.t, w.Start(p.t.Context()))
	p.t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // what it is at is broken off
		_ = w.Stop(ctx)
	})
	return func() {
		limiter.SetBurst(1)
		limiter.SetLimit(1)
	}
}

// another is another customer with files.
func (p *places) another() *places {
	p.t.Helper()
	other := *p
	other.bundle = p.second()
	return &other
}

// running waits until so many of the customer's jobs in a queue are worked at once, and as many as are behind them have had to wait, none of which was a try.
func (p *places) running(queue string, running, waiting int) {
	p.t.Helper()
	const count = `select format('%s running, %s waiting', count(*) filter (where state = 'running'),
		count(*) filter (where state in ('available', 'scheduled') and attempt = 0 and (metadata ->> 'snoozes')::int >= 2))
		from river.river_job where queue = $1 and args ->> 'customer_id' = $2`
	await(p.t, func() (bool, string) {
		got := scan[string](p.bundle, count, queue, p.customer.ID.String())
		want := strings.NewReplacer("R", string(rune('0'+running)), "W", string(rune('0'+waiting))).Replace("R running, W waiting")
		return got == want, queue + ": " + got + ", not " + want
	})
}

// One customer has one restore or plan, and one backup or drill, at a time, so that others have theirs. One that is deleted, or whose customer is erased, gives its place free.
func TestRestoreAndBackupTakeTurns(t *testing.T) {
	p := setup(t).withFiles()
	other := p.another()
	freeze := p.frozen()
	first := map[*places]uuid.UUID{}
	for _, customer := range []*places{p, other} {
		eventually(p.bundle, "active", workspaceState, customer.workspaceID(nil))
		customer.program(nil, "a.txt", strings.Repeat("roses ", 1000))
		first[customer] = customer.backUp()
	}
	p.program(nil, "a.txt", strings.Repeat("weeds ", 1000))
	eventually(p.bundle, 2, "select count(*)::int from drills where state = 'good'") // which the first backups have
	started, _, _, _ := p.plan(map[string]any{"backup_id": first[p]})
	freeze()

	p.exec("update restores set state = 'queued' where id = $1", started)
	p.running(RestoreQueue, 1, 0)
	planned := dbtest.NewID(t)
	p.exec("insert into restores (customer_id, id, backup_id) values ($1, $2, $3)", p.customer.ID, planned, first[p])
	p.running(RestoreQueue, 1, 1)
	others := dbtest.NewID(t)
	p.exec("insert into restores (customer_id, id, backup_id) values ($1, $2, $3)", other.customer.ID, others, first[other])
	other.running(RestoreQueue, 1, 0)

	const jobOf = "select state::text from river.river_job where kind = 'restore' and args ->> 'restore_id' = $1 order by id desc limit 1"
	p.exec("delete from restores where id = $1", others) // while it is worked
	eventually(p.bundle, "cancelled", jobOf, others.String())
	p.exec("delete from restores where id = $1", planned) // before its turn
	eventually(p.bundle, "cancelled", jobOf, planned.String())

	for _, customer := range []*places{p, other} {
		p.exec("insert into backups (customer_id, id) values ($1, $2)", customer.customer.ID, dbtest.NewID(t))
		customer.running(BackupQueue, 1, 0)
		if customer == p {
			p.exec("insert into drills (customer_id, id, backup_id) values ($1, $2, $3)", p.customer.ID, dbtest.NewID(t), first[p])
			p.running(BackupQueue, 1, 1)
		}
	}

	p.running(RestoreQueue, 1, 0)
	p.askForErasure()
	eventually(p.bundle, 0, "select count(*)::int from river.river_job where queue = 'restore' and state = 'running'")
}

// However many workspaces are being archived, one that is made or comes back waits for none of them; nor does one of the customer's own that stays after all.
func TestWorkspaceReturnsBesideArchivings(t *testing.T) {
	p := setup(t).withFiles()
	owner := p.Member(t, p.customer.ID, "owner")
	second := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	all := []*places{p}
	for range workspaceConcurrency - 1 {
		all = append(all, p.another())
	}
	freeze := p.frozen()
	eventually(p.bundle, 0, "select count(*)::int from workspaces where state = 'new'")
	for _, customer := range all {
		customer.program(nil, "a.txt", "roses")
	}
	p.program(&second.ID, "b.txt", "lilies")
	freeze()
	id := p.workspaceID(nil)
	p.exec("update workspaces set state = 'archiving' where id = $1", id)
	p.running(WorkspaceQueue, 1, 0)
	stays := p.workspaceID(&second.ID)
	p.exec("update workspaces set state = 'archiving' where id = $1", stays)
	p.running(WorkspaceQueue, 1, 1)
	p.exec("update workspaces set wanted_at = now() where id = $1", stays)
	eventually(p.bundle, "active", workspaceState, stays)
	for _, customer := range all[1:] {
		p.exec("update workspaces set state = 'archiving' where id = $1", customer.workspaceID(nil))
		customer.running(WorkspaceQueue, 1, 0)
	}
	fresh := p.Space(t, dbtest.Space{CustomerID: p.customer.ID, PairedBy: owner.ID})
	eventually(p.bundle, "active", workspaceState, p.workspaceID(&fresh.ID))
	p.running(WorkspaceQueue, 1, 0)
	if n := scan[int](p.bundle, "select count(*)::int from river.river_job where queue = $1 and state = 'running'", WorkspaceQueue); n != workspaceConcurrency {
		t.Errorf("%d are being archived meanwhile", n)
	}
}

// A workspace has one job at a time in both queues together.
func TestWorkspaceHasOneJob(t *testing.T) {
	b := setup(t)
	args := WorkspaceArgs{CustomerID: b.customer.ID, WorkspaceID: dbtest.NewID(t), What: "archive"}
	w := b.worker(WorkerConfig{})
	for i, what := range []string{"archive", "return", "make", "measure"} {
		args.What = what
		must(t, b.TenantWorker().Tx(t.Context(), tenant.Worker(b.customer.ID, tenant.Request{}), func(ctx context.Context, tx *tenant.Tx) error {
			result, err := w.client.InsertTx(ctx, tx, args, nil)
			if err == nil && result.UniqueSkippedAsDuplicate != (i > 0) {
				t.Errorf("%s: a job in %s", what, result.Job.Queue)
			}
			return err
		}))
	}
	queues := map[string]string{"archive": WorkspaceQueue, "make": WorkspaceReturnQueue, "return": WorkspaceReturnQueue}
	for what, queue := range queues {
		if got := (WorkspaceArgs{What: what}).InsertOpts().Queue; got != queue {
			t.Errorf("%s is in the queue %s", what, got)
		}
	}
}

// A turn is had by one job, and by the next when it is given back; not by those of other queues or customers.
func TestTurns(t *testing.T) {
	var turns turns
	a, b := uuid.New(), uuid.New()
	giveBack, err := turns.take("one", a)
	must(t, err)
	if _, err := turns.take("one", a); err == nil {
		t.Error("two have the same turn")
	}
	_, err = turns.take("one", b)
	must(t, err)
	_, err = turns.take("two", a)
	must(t, err)
	giveBack()
	_, err = turns.take("one", a)
	must(t, err)
}
