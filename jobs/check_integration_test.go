package jobs

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// refuse has the platform answer to a step that it does not accept the token.
func (w *world) refuse(step string, times int) {
	w.t.Helper()
	w.fault(sandbox.Fault{Step: step, Kind: sandbox.FaultStatus, Status: http.StatusUnauthorized, Times: times,
		Body: `{"title":"Unauthorized","status":401}`, ContentType: "application/json"})
}

// askedFirst is a connector that does something before it first answers whose an account is.
type askedFirst struct {
	platform.Connector
	once  sync.Once
	first func()
}

func (a *askedFirst) Account(ctx context.Context, credential json.RawMessage) (platform.Account, error) {
	a.once.Do(a.first)
	return a.Connector.Account(ctx, credential)
}

// wantCheckedNow: it is told that the platform's answer is new.
func (w *world) wantCheckedNow(id uuid.UUID) {
	w.t.Helper()
	if !scan[bool](w.bundle, "select coalesce(checked_at > now() - interval '1 minute', false) from integrations where id = $1", id) {
		w.t.Error("checked_at has not moved")
	}
}

func (w *world) check(l *login, account int) {
	w.t.Helper()
	w.insert(l.customerID, CheckIntegrationArgs{CustomerID: l.customerID, IntegrationID: l.accounts[account].ID})
}

func TestCheckIntegration(t *testing.T) {
	t.Run("works", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.exec("update integrations set name = 'Old name' where id = $1", l.accounts[0].ID)
		w.due(l)
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select checked_at > now() - interval '1 minute' and name = 'Blue Bottle Bakery' from integrations where id = $1", l.accounts[0].ID)
		if n := w.box.Count("twitter.refresh"); n != 1 {
			t.Errorf("renewed %d times", n)
		}
		// Seeing that it works once more changes nothing that anybody would notice.
		version := scan[int64](w.bundle, "select version from integrations where id = $1", l.accounts[0].ID)
		before := scan[time.Time](w.bundle, "select checked_at from integrations where id = $1", l.accounts[0].ID)
		eventually(w.bundle, false, "select exists (select from river.river_job where kind = 'check_integration' and state not in ('completed', 'cancelled', 'discarded'))")
		w.check(l, 0)
		eventually(w.bundle, true, "select checked_at > $2 from integrations where id = $1", l.accounts[0].ID, before)
		if now := scan[int64](w.bundle, "select version from integrations where id = $1", l.accounts[0].ID); now != version {
			t.Errorf("version %d has become %d", version, now)
		}
	})
	t.Run("refused once", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.refuse("twitter.me", 1)
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select checked_at is not null from integrations where id = $1", l.accounts[0].ID)
		w.wantState(l, "active")
		if n := w.box.Count("twitter.refresh"); n != 1 {
			t.Errorf("renewed %d times", n)
		}
	})
	t.Run("refused after a renewal too", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.refuse("twitter.me", -1)
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth refused", authorizationState, l.id)
		w.wantAccount(l.accounts[0].ID, "needs_reauth refused")
		w.wantCheckedNow(l.accounts[0].ID)
	})
	t.Run("a page has gone", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Facebook, "10001")
		w.box.RemovePage("facebook", "20002")
		w.check(l, 1)
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth", "select state from integrations where id = $1", l.accounts[1].ID)
		w.wantAccount(l.accounts[1].ID, "needs_reauth access_lost")
		w.wantCheckedNow(l.accounts[1].ID)
		w.wantAccount(l.accounts[0].ID, "active")
		w.wantState(l, "active")
	})
	t.Run("an organization has gone, and nothing can be renewed", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
		w.box.RemovePage("linkedin", "1002")
		w.check(l, 2)
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth", "select state from integrations where id = $1", l.accounts[2].ID)
		w.wantAccount(l.accounts[2].ID, "needs_reauth access_lost")
		w.wantCheckedNow(l.accounts[2].ID)
		w.wantAccount(l.accounts[0].ID, "active")
	})
	t.Run("withdrawn where nothing can be renewed", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Mailchimp, "30001")
		w.box.Withdraw("mailchimp", "30001")
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth refused", authorizationState, l.id)
		w.wantAccount(l.accounts[1].ID, "needs_reauth refused")
		w.wantCheckedNow(l.accounts[1].ID)
	})
	t.Run("trouble on the way", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.fault(sandbox.Fault{Step: "twitter.me", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, "scheduled", "select state::text from river.river_job where kind = 'check_integration' and (metadata ->> 'snoozes')::int = 1")
		w.wantState(l, "active")
		w.wantAccount(l.accounts[0].ID, "active")
		// After a day it is given up.
		w.exec("update river.river_job set created_at = now() - interval '25 hours', scheduled_at = now() where kind = 'check_integration'")
		eventually(w.bundle, "cancelled", "select state::text from river.river_job where kind = 'check_integration'")
		w.wantAccount(l.accounts[0].ID, "active")
		if n := scan[int](w.bundle, "select count(*) from integrations where checked_at is not null"); n != 0 {
			t.Error("it was checked though there was no answer")
		}
	})
	t.Run("withdrawn, as its renewal shows", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.due(l)
		w.box.Withdraw("twitter", l.person)
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth revoked", authorizationState, l.id)
		w.wantCheckedNow(l.accounts[0].ID)
	})
	t.Run("changed while the platform answers", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.connectors[platform.Twitter] = &askedFirst{Connector: w.connectors[platform.Twitter], first: func() {
			w.exec("update integrations set version = version + 1")
		}}
		w.check(l, 0)
		w.start(w.jobsWorker())
		eventually(w.bundle, "scheduled", "select state::text from river.river_job where kind = 'check_integration' and (metadata ->> 'snoozes')::int = 1")
		w.exec("update river.river_job set scheduled_at = now() where kind = 'check_integration'")
		eventually(w.bundle, true, "select checked_at is not null from integrations where id = $1", l.accounts[0].ID)
	})
	t.Run("Ghost's key", func(t *testing.T) {
		w := newWorld(t)
		w.insert(w.customer.ID, CheckIntegrationArgs{CustomerID: w.customer.ID, IntegrationID: w.integration.ID})
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select checked_at is not null from integrations where id = $1", w.integration.ID)
	})
}

// slowAccount is a publisher that takes its time to say whose an account is, and counts who waits for it.
type slowAccount struct {
	*scripted
	waiting, most, asked atomic.Int64
}

func (s *slowAccount) Account(ctx context.Context, credential json.RawMessage) (platform.Account, error) {
	waiting := s.waiting.Add(1)
	defer s.waiting.Add(-1)
	for most := s.most.Load(); waiting > most && !s.most.CompareAndSwap(most, waiting); {
		most = s.most.Load()
	}
	s.asked.Add(1)
	time.Sleep(50 * time.Millisecond) // the platform's slowness is what is tested
	return s.scripted.Account(ctx, credential)
}

// Many checks of one customer that come at once neither crowd out others nor keep each other from being made.
func TestManyChecksOfOneCustomer(t *testing.T) {
	const checks = 24
	w := newWorld(t)
	slow := &slowAccount{scripted: w.platform}
	w.publishers[platform.Ghost] = slow
	w.exec(`insert into river.river_job (customer_id, kind, queue, args, max_attempts)
		select $1, 'check_integration', 'checks', jsonb_build_object('customer_id', $1::uuid, 'integration_id', $2::uuid), 20 from generate_series(1, $3)`,
		w.customer.ID, w.integration.ID, checks)
	w.start(w.jobsWorker())
	eventually(w.bundle, checks, "select count(*)::int from river.river_job where kind = 'check_integration' and state = 'completed'")
	// Older ones that come back may meet as many younger ones that have begun.
	if most := slow.most.Load(); most > 2*DefaultCustomerChecks {
		t.Errorf("%d were made at once", most)
	}
	if asked := slow.asked.Load(); asked != checks {
		t.Errorf("the site was asked %d times", asked)
	}
}

// Accounts that nobody has seen working for a day are found, so many in a minute and no more.
func TestDailyChecks(t *testing.T) {
	w := newWorld(t)
	l := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
	w.exec("update integrations set created_at = now() - interval '2 days'")
	w.exec("update integrations set checked_at = now() where id = $1", l.accounts[0].ID)
	made := w.jobsWorker()
	if err := made.dispatchChecks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.jobsWorker().dispatchChecks(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := scan[int](w.bundle, "select count(*) from river.river_job where kind = 'check_integration' and scheduled_at <= now() + interval '1 minute'"); n != 3 {
		t.Errorf("%d jobs, want one for each of Ghost's site and two organizations", n)
	}
	if n := scan[int](w.bundle, "select count(*) from tenancy.integrations_to_check(300)"); n != 0 {
		t.Errorf("%d of them are found again", n)
	}
	w.exec("delete from river.river_job where id = (select min(id) from river.river_job)")
	for limit, want := range map[int]int{2: 0, 3: 1} {
		if n := scan[int](w.bundle, "select count(*) from tenancy.integrations_to_check($1)", limit); n != want {
			t.Errorf("with a limit of %d, %d are found and not %d", limit, n, want)
		}
	}
}
