package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"fanfare/internal/sandbox"
)

// exec changes something as a superuser.
func (s *system) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	if _, err := s.super.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Many processes with many needs of one access token that ends: the platform is asked for a new one once.
func TestOneRefreshAcrossProcesses(t *testing.T) {
	processes, needs := pick(whole(), 50, 5), pick(whole(), 1000, 100)
	// Small pools, no limit that keeps a customer's needs apart, and patience with processes that are far more than this machine has processors.
	s := newSystem(t, options{connectors: true, noWorker: true, workerArgs: []string{"--lease", "60s"}, env: []string{"FANFARE_WORKER_DATABASE_POOL=4", "FANFARE_WORKER_CUSTOMER_CHECKS=10000"}})
	s.box.OAuthSettings("twitter", sandbox.OAuthSettings{MeRequests: 10 * needs})
	b := s.newBrand(t)
	newVisitor(t, nil).connect(t, b, "twitter", "2244994945")
	account := one[string](t, s, "select id::text from integrations where platform = 'twitter'")
	for range processes {
		s.startWorker(t)
	}
	if n := one[int](t, s, "select count(*) from workers where lease_until > now()"); n != processes {
		t.Fatalf("%d workers work", n)
	}
	// Nobody gets ahead of the others: the platform answers when everybody waits, or after some seconds.
	const waiting = "from river.river_job where kind = 'check_integration' and state = 'running'"
	var mu sync.Mutex
	atOnce, in, connections := 0, 0, 0
	s.box.OnRequest(func(r sandbox.RequestInfo) {
		mu.Lock()
		defer mu.Unlock()
		for until := time.Now().Add(7 * time.Second); r.Step == "twitter.refresh" && atOnce < needs && time.Now().Before(until); time.Sleep(50 * time.Millisecond) {
			if err := s.super.QueryRow(context.Background(), `select count(*), count(distinct attempted_by[array_upper(attempted_by, 1)]),
				(select count(*) from pg_stat_activity where usename = 'fanfare_worker' and datname = current_database()) `+waiting).Scan(&atOnce, &in, &connections); err != nil {
				t.Error(err)
			}
		}
	})
	began := time.Now()
	// All at once: the token ends, its renewal is due, and everybody wants to use it.
	s.exec(t, `with ending as (update authorizations set expires_at = now() + interval '30 seconds', renew_at = now() returning customer_id)
		insert into river.river_job (customer_id, kind, queue, args, max_attempts)
		select customer_id, 'check_integration', 'connections', jsonb_build_object('customer_id', customer_id, 'integration_id', $1::text), 20
		from ending, generate_series(1, $2)`, account, needs)
	eventually(t, 5*time.Minute, "every need is met", func() bool {
		return one[int](t, s, "select count(*) from river.river_job where kind = 'check_integration' and state = 'completed'") == needs
	})
	took := time.Since(began)
	mu.Lock()
	defer mu.Unlock()
	calls := s.box.Count("twitter.refresh")
	if calls != 1 {
		t.Errorf("%d refresh calls have reached the platform, want 1", calls)
	}
	if asked := s.box.Count("twitter.me"); asked != needs+1 {
		t.Errorf("the platform was asked %d times with the token, want once for each need and once to connect", asked)
	}
	if n := one[int](t, s, "select count(*) from authorizations where state = 'active' and lease is null and not unanswered"); n != 1 {
		t.Error("the authorization is not what it was")
	}
	if n := one[int](t, s, "select count(*) from audit_log where action = 'authorization.credential_use'"); n != 1 {
		t.Errorf("the refresh token was handed out %d times", n)
	}
	fmt.Printf("%s: %d processes, %d needs (%d at once in %d processes while it was renewed, %d connections), %d refresh calls, all met in %s\n",
		t.Name(), processes, needs, atOnce, in, connections, calls, took.Round(10*time.Millisecond))
}

// refreshSteps announce the commits of a renewal, as killSteps those of publishing.
const refreshSteps = `
create function e2e_step() returns trigger language plpgsql as $$
begin
	perform pg_notify('e2e_step', tg_argv[0]);
	return null;
end $$;
create trigger e2e_leased after update on authorizations for each row
	when (old.lease is distinct from new.lease and new.lease is not null) execute function e2e_step('leased');
create trigger e2e_stored after update on authorizations for each row
	when (old.renewed_at is distinct from new.renewed_at) execute function e2e_step('stored');
`

// refreshInstants are where a worker is killed: when it has the lease, when the platform has the request, the same but
// the request is lost, when the platform has acted, when the worker has the answer and is about to write it down, when
// that is done, and at any time.
var refreshInstants = []string{"commit leased", "request twitter.refresh", "request lost", "applied twitter.refresh", "inside store", "commit stored", "random"}

// refreshKiller kills workers while they renew one authorization.
type refreshKiller struct {
	killer
	visitor *visitor
	// requests for renewals have reached the platform, and been carried out.
	arrived, acts atomic.Int64
}

// settled waits until the authorization is renewed, or must be connected again, and tells which.
func (k *refreshKiller) settled(t *testing.T) (state string) {
	t.Helper()
	eventually(t, 60*time.Second, "the authorization is at an end of its renewal", func() bool {
		// The minute of a dead worker's lease is over.
		k.s.exec(t, "update authorizations set lease_until = now() where lease_until > now() + interval '1 second' and not exists (select from workers where lease_until > now())")
		state = one[string](t, k.s, `select case when state = 'needs_reauth' then reason when renew_at > now() and lease is null and not unanswered then 'active' else '' end from authorizations`)
		return state != ""
	})
	return state
}

// kill is one round: it kills the worker at an instant of a renewal.
func (k *refreshKiller) kill(t *testing.T, instant string, worker *process) {
	t.Helper()
	killed := make(chan struct{})
	hit := func() {
		_ = worker.cmd.Process.Kill() // it is ours and has not been waited for
		close(killed)
	}
	due := func() { k.s.exec(t, "update authorizations set renew_at = now()") }
	switch instant {
	case "random":
		due()
		time.Sleep(rand.N(1500 * time.Millisecond))
		hit()
	case "request lost":
		if err := k.s.box.AddFault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultDropBefore}); err != nil {
			t.Fatal(err)
		}
		k.arm("request twitter.refresh", 0, hit)
		due()
	case "inside store":
		// The row is held from the moment on at which the platform has acted: the answer arrives, and cannot be written.
		held := make(chan struct{})
		tx, err := k.s.super.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Rollback(context.Background()) }() // it only ever held a lock
		k.arm("applied twitter.refresh", 0, func() {
			if _, err := tx.Exec(context.Background(), "select from authorizations for update"); err != nil {
				t.Error(err)
			}
			close(held)
		})
		due()
		await(t, held, "the platform has acted")
		eventually(t, 20*time.Second, "the worker is about to write the answer down", func() bool {
			return one[bool](t, k.s, `select exists (select from pg_stat_activity where datname = current_database() and usename = 'fanfare_worker'
				and wait_event_type = 'Lock' and query ~ 'update authorizations')`)
		})
		hit()
	default:
		k.arm(instant, 0, hit)
		due()
	}
	await(t, killed, "a worker is killed at "+instant)
	<-worker.done
	k.kills++
	k.byInstant[instant]++
}

// kill -9 of the worker at every step of a renewal, at a platform whose refresh tokens are good once. Where it takes the
// last one once more, no connection is lost; where it does not, those alone whose answer was on its way.
func TestRefreshSurvivesKill(t *testing.T) {
	for _, reuse := range []string{"grace", "revoke"} {
		t.Run(reuse, func(t *testing.T) {
			t.Parallel()
			wanted := pick(whole(), 100, 10)
			s := newSystem(t, options{connectors: true, noWorker: true, workerArgs: []string{"--lease", "1s"}})
			s.box.OAuthSettings("twitter", sandbox.OAuthSettings{RefreshReuse: reuse, MeRequests: 100_000})
			k := &refreshKiller{killer: killer{s: s, b: s.newBrand(t), byInstant: map[string]int{}}, visitor: newVisitor(t, nil)}
			k.visitor.connect(t, k.b, "twitter", "2244994945")
			k.watchSteps(t, refreshSteps)
			count := func(n *atomic.Int64) func(sandbox.RequestInfo) {
				return func(r sandbox.RequestInfo) {
					if r.Step == "twitter.refresh" {
						n.Add(1)
					}
				}
			}
			s.box.OnRequest(count(&k.arrived))
			s.box.OnApplied(count(&k.acts))
			began := time.Now()
			lost, between := 0, 0
			for round := 0; k.kills < wanted; round++ {
				instant := refreshInstants[round%len(refreshInstants)]
				worker := s.startWorker(t)
				k.settled(t)
				arrived, acts, stored := k.arrived.Load(), k.acts.Load(), one[string](t, s, "select coalesce(renewed_at::text, '') from authorizations")
				k.kill(t, instant, worker)
				eventually(t, 20*time.Second, "the dead worker's statements have ended", func() bool {
					return one[int](t, s, "select count(*) from pg_stat_activity where datname = current_database() and usename = 'fanfare_worker'") == 0
				})
				eventually(t, 20*time.Second, "the platform is done with the request", func() bool {
					return instant == "request lost" || k.arrived.Load()-arrived == k.acts.Load()-acts
				})
				acted := k.acts.Load() > acts
				written := one[string](t, s, "select coalesce(renewed_at::text, '') from authorizations") != stored
				if acted && !written {
					between++
				}
				s.exec(t, "update authorizations set lease_until = now() where lease is not null")
				another := s.startWorker(t)
				state := k.settled(t)
				another.kill()
				if state == "active" {
					if acted && !written && reuse == "revoke" {
						t.Errorf("round %d: killed at %s, and nothing was lost: the platform is not as strict as the test has it", round, instant)
					}
					continue
				}
				lost++
				switch {
				case reuse == "grace" || !acted || written:
					t.Errorf("round %d: killed at %s, the platform had acted: %v, it was written down: %v; the connection is lost: %s", round, instant, acted, written, state)
				case state != "interrupted":
					t.Errorf("round %d: killed at %s, the connection is lost as %s", round, instant, state)
				}
				// Its owner signs in again.
				k.visitor.connect(t, k.b, "twitter", "2244994945")
			}
			took := time.Since(began)
			s.startWorker(t)
			k.settled(t)
			account := one[string](t, s, "select id::text from integrations where platform = 'twitter' and state = 'active'")
			k.b.owner.expect(t, http.StatusAccepted, http.MethodPost, k.b.path+"/integrations/"+account+"/check", nil)
			eventually(t, 30*time.Second, "the account works", func() bool {
				return one[bool](t, s, "select coalesce(checked_at > now() - interval '30 seconds', false) from integrations where id = $1::uuid", account)
			})
			var at []string
			for _, instant := range refreshInstants {
				at = append(at, fmt.Sprintf("%d at %q", k.byInstant[instant], instant))
			}
			fmt.Printf("%s: %d kills in %s (%s), %d of them between the platform's act and the write; %d connections lost, of those all reported as interrupted\n",
				t.Name(), k.kills, took.Round(time.Second), strings.Join(at, ", "), between, lost)
		})
	}
}

// An hour in which the platforms' token endpoints fail. The hour is the database's: what waits is brought forward by
// the time that it would have waited.
func TestTokenEndpointOutage(t *testing.T) {
	t.Parallel()
	s := newSystem(t, options{connectors: true})
	yes := true
	s.box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: &yes})
	b := s.newBrand(t)
	v := newVisitor(t, nil)
	v.connect(t, b, "twitter", "2244994945")
	v.connect(t, b, "twitter", "2244994946")
	v.connect(t, b, "linkedin", "ada-lindqvist", "urn:li:person:ada-lindqvist", "urn:li:organization:1001")
	v.connect(t, b, "facebook", "10001", "20001", "20002")
	const failing = "from authorizations where failures > 0 and renew_at > now() and lease is null"
	for _, f := range []sandbox.Fault{
		{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: -1}, {Step: "linkedin.refresh", Kind: sandbox.FaultStatus, Status: 500, Times: -1},
		{Step: "facebook.refresh", Kind: sandbox.FaultStatus, Status: 502, Body: "<html>Bad gateway</html>", Times: -1},
	} {
		if err := s.box.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	s.exec(t, "update authorizations set renew_at = now()")
	began := time.Now()
	away := time.Duration(0)
	for away < time.Hour {
		eventually(t, 30*time.Second, "every renewal has failed once more", func() bool { return one[int](t, s, "select count(*) "+failing) == 4 })
		wait := time.Duration(one[float64](t, s, "select extract(epoch from max(renew_at) - now())::float8 "+failing) * float64(time.Second))
		if wait > 5*time.Minute {
			t.Errorf("a renewal waits for %s", wait)
		}
		away += wait
		s.exec(t, `update authorizations set renew_at = renew_at - make_interval(secs => $1), failing_since = failing_since - make_interval(secs => $1),
			expires_at = case platform when 'twitter' then expires_at - make_interval(secs => $1) else expires_at end`, wait.Seconds())
		if n := one[int](t, s, "select count(*) from integrations where state = 'needs_reauth'") + one[int](t, s, "select count(*) from authorizations where state = 'needs_reauth'"); n != 0 {
			t.Fatalf("after %s, %d are marked needs_reauth", away, n)
		}
	}
	calls := s.box.Count("twitter.refresh") + s.box.Count("linkedin.refresh") + s.box.Count("facebook.refresh")
	s.box.ClearFaults()
	s.exec(t, "update authorizations set renew_at = now()")
	back := time.Now()
	eventually(t, 30*time.Second, "all renewals work again", func() bool {
		return one[int](t, s, "select count(*) from authorizations where state = 'active' and failures = 0 and failing_since is null and renewed_at is not null and renew_at > now()") == 4
	})
	fmt.Printf("%s: %s of errors for 4 sign-ins with 6 accounts (%d calls, in %s), 0 needs_reauth, all renewed %s after its end\n",
		t.Name(), away.Round(time.Second), calls, back.Sub(began).Round(time.Second), time.Since(back).Round(10*time.Millisecond))
}
