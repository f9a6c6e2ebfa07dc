package jobs

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// Whoever needs a token of all processes waits for the one that renews it.
func TestRenewalIsMadeOnce(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(*world, *login)
		need  func(*renewer, context.Context, grant, int64) error
	}{
		"that ends":        {(*world).due, func(r *renewer, ctx context.Context, g grant, _ int64) error { return r.Fresh(ctx, g) }},
		"that was refused": {func(*world, *login) {}, func(r *renewer, ctx context.Context, g grant, seen int64) error { return r.Force(ctx, g, seen) }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.connect(w.customer, platform.Twitter, "2244994945")
			w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultSlow, DelayMS: 300})
			test.spoil(w, l)
			seen := scan[int64](w.bundle, "select version from authorizations where id = $1", l.id)
			var needs sync.WaitGroup
			for range 8 {
				process := w.renewer(false)
				for range 25 {
					needs.Go(func() {
						if err := test.need(process, t.Context(), l.grant, seen); err != nil {
							t.Error(err)
						}
					})
				}
			}
			needs.Wait()
			if n := w.box.Count("twitter.refresh"); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
			w.wantState(l, "active")
			w.wantWorking(l)
			if n := scan[int](w.bundle, "select count(*) from audit_log where action = 'authorization.credential_use'"); n != 1 {
				t.Errorf("the tokens were handed out %d times", n)
			}
			// Nothing is due any more.
			if err := errors.Join(w.renewer(false).Due(t.Context(), l.grant), w.renewer(false).Fresh(t.Context(), l.grant)); err != nil || w.box.Count("twitter.refresh") != 1 {
				t.Errorf("renewed again: %v", err)
			}
			within(t, "the next renewal", scan[time.Time](w.bundle, "select renew_at from authorizations where id = $1", l.id),
				time.Now().Add(85*time.Minute), time.Now().Add(105*time.Minute))
		})
	}
}

func TestRenewalFailures(t *testing.T) {
	refused := sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: http.StatusUnauthorized,
		Body: `{"error":"invalid_client","error_description":"no"}`, ContentType: "application/json"}
	for name, test := range map[string]struct {
		fault   sandbox.Fault
		want    string
		wait    [2]time.Duration
		failure string
	}{
		"server error":   {sandbox.Fault{Kind: sandbox.FaultStatus, Status: 503}, "active", [2]time.Duration{3 * time.Second, 6 * time.Second}, "unavailable"},
		"rate limit":     {sandbox.Fault{Kind: sandbox.FaultStatus, Status: 429, Headers: map[string]string{"Retry-After": "40"}}, "active", [2]time.Duration{30 * time.Second, 41 * time.Second}, "rate_limited"},
		"invalid client": {refused, "active", [2]time.Duration{3 * time.Second, 6 * time.Second}, "misconfigured"},
		"HTML":           {sandbox.Fault{Kind: sandbox.FaultBody, Body: "<html>hello</html>"}, "active unanswered", [2]time.Duration{500 * time.Millisecond, 2 * time.Second}, "bad_answer"},
		"lost request":   {sandbox.Fault{Kind: sandbox.FaultDropBefore}, "active unanswered", [2]time.Duration{500 * time.Millisecond, 2 * time.Second}, "unavailable"},
		"lost answer":    {sandbox.Fault{Kind: sandbox.FaultDropAfter}, "active unanswered", [2]time.Duration{500 * time.Millisecond, 2 * time.Second}, "unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.box.OAuthSettings("twitter", sandbox.OAuthSettings{RefreshReuse: "grace"})
			l := w.connect(w.customer, platform.Twitter, "2244994945")
			w.due(l)
			test.fault.Step = "twitter.refresh"
			w.fault(test.fault)
			began := time.Now()
			wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
			w.wantState(l, test.want)
			within(t, "the next try", scan[time.Time](w.bundle, "select renew_at from authorizations where id = $1", l.id),
				began.Add(test.wait[0]), time.Now().Add(test.wait[1]))
			if got := scan[string](w.bundle, "select failure from authorizations"); got != test.failure {
				t.Errorf("the failure is %s, want %s", got, test.failure)
			}
			// Nobody asks again before that.
			wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
			wantClass(t, w.renewer(false).Force(t.Context(), l.grant, scan[int64](w.bundle, "select version from authorizations")), platform.Transient)
			if n := w.box.Count("twitter.refresh"); n != 1 {
				t.Errorf("%d calls", n)
			}
			w.again(l)
			if err := w.renewer(false).Fresh(t.Context(), l.grant); err != nil {
				t.Error(err)
			}
			w.wantState(l, "active")
			w.wantWorking(l)
			if n := scan[int](w.bundle, "select failures from authorizations where failing_since is null and failure is null"); n != 0 {
				t.Errorf("%d failures are left", n)
			}
		})
	}
}

// A refused refresh token is told apart by what is known: withdrawn, or an answer was lost before.
func TestRefusedRenewal(t *testing.T) {
	t.Run("withdrawn", func(t *testing.T) {
		w := newWorld(t)
		w.Member(t, w.customer.ID, "owner")
		w.Member(t, w.customer.ID, "admin")
		w.Member(t, w.customer.ID, "member")
		w.exec("update users set email_verified = false where id = $1", w.Member(t, w.customer.ID, "admin").ID)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.due(l)
		w.box.Withdraw("twitter", l.person)
		wantClass(t, w.renewer(true).Fresh(t.Context(), l.grant), platform.Credential)
		w.wantState(l, "needs_reauth revoked")
		w.wantAccount(l.accounts[0].ID, "needs_reauth revoked")
		if n := scan[int](w.bundle, "select count(*) from river.river_job where kind = 'connection_email'"); n != 2 {
			t.Errorf("%d e-mails, want one to the owner and one to the admin with a verified address", n)
		}
		wantClass(t, w.renewer(true).Fresh(t.Context(), l.grant), platform.Credential)
		if n := w.box.Count("twitter.refresh"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.due(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultDropAfter})
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
		// In between it is certain that nothing has happened. That does not bring the lost answer back.
		w.again(l)
		w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503})
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
		w.wantState(l, "active unanswered")
		w.again(l)
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Credential)
		w.wantState(l, "needs_reauth interrupted")
		w.wantAccount(l.accounts[0].ID, "needs_reauth interrupted")
	})
	t.Run("past its time", func(t *testing.T) {
		w := newWorld(t)
		w.box.OAuthSettings("linkedin", sandbox.OAuthSettings{RefreshTokens: ptr(true)})
		l := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
		w.due(l)
		w.exec("update authorizations set reconnect_by = now() - interval '1 minute'")
		w.box.Withdraw("linkedin", l.person)
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Credential)
		w.wantState(l, "needs_reauth expired")
	})
}

// What a renewal says does not count any more when somebody has signed in again meanwhile.
func TestReconnectDuringRenewal(t *testing.T) {
	for name, answer := range map[string]error{
		"renewed": nil,
		"refused": &platform.Error{Class: platform.Credential, Code: platform.CodeInvalidGrant, Message: "The grant has ended."},
		"failed":  &platform.Error{Class: platform.Transient, Message: "Try again."},
		"lost":    &platform.Error{Class: platform.UnknownOutcome, Message: "Nobody knows."},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.connect(w.customer, platform.Twitter, "2244994945")
			w.due(l)
			var stored []byte
			w.connectors[platform.Twitter] = &hooked{w.connectors[platform.Twitter], func() error {
				w.reconnect(l)
				stored = scan[[]byte](w.bundle, "select credential from authorizations")
				return answer
			}}
			err := w.renewer(false).Fresh(t.Context(), l.grant)
			if answer == nil || name == "refused" {
				if err != nil {
					t.Error(err)
				}
			}
			w.wantState(l, "active")
			if string(stored) != string(scan[[]byte](w.bundle, "select credential from authorizations")) {
				t.Error("what the sign-in gave is overwritten")
			}
			if n := scan[int](w.bundle, "select failures from authorizations"); n != 0 {
				t.Errorf("%d failures are noted", n)
			}
		})
	}
}

// An hour in which the token endpoint gives nothing but errors costs nobody their connection.
func TestRenewalOutlastsOutage(t *testing.T) {
	w := newWorld(t)
	l := w.connect(w.customer, platform.Twitter, "2244994945")
	w.due(l)
	w.fault(sandbox.Fault{Step: "twitter.refresh", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
	tries, waited := 0, time.Duration(0)
	for waited < time.Hour {
		began := time.Now()
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
		tries++
		wait := scan[time.Time](w.bundle, "select renew_at from authorizations").Sub(began)
		if wait > renewPauseLimit+time.Second {
			t.Fatalf("waits for %s", wait)
		}
		waited += wait
		// The clock goes on by that.
		w.exec(`update authorizations set renew_at = renew_at - make_interval(secs => $1), expires_at = expires_at - make_interval(secs => $1),
			failing_since = failing_since - make_interval(secs => $1)`, wait.Seconds()+1)
	}
	w.wantState(l, "active")
	w.wantAccount(l.accounts[0].ID, "active")
	if since := scan[time.Time](w.bundle, "select failing_since from authorizations"); time.Since(since) < 55*time.Minute {
		t.Errorf("failing since %s", since)
	}
	w.box.ClearFaults()
	if err := w.renewer(false).Due(t.Context(), l.grant); err != nil {
		t.Error(err)
	}
	w.wantState(l, "active")
	w.wantWorking(l)
	t.Logf("%d tries in %s", tries, waited.Round(time.Second))
}

// What cannot be renewed ends when it ends.
func TestAccessExpires(t *testing.T) {
	t.Run("nothing to renew", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
		if n := len(l.accounts); n != 3 {
			t.Fatalf("%d accounts", n)
		}
		if err := errors.Join(w.renewer(false).Fresh(t.Context(), l.grant), w.renewer(false).Due(t.Context(), l.grant)); err != nil {
			t.Error(err)
		}
		if err := w.renewer(false).Force(t.Context(), l.grant, scan[int64](w.bundle, "select version from authorizations")); !errors.Is(err, errNothingToRenew) {
			t.Error(err)
		}
		w.exec("update authorizations set expires_at = now() - interval '1 second'")
		w.start(w.jobsWorker())
		eventually(w.bundle, "needs_reauth expired", authorizationState, l.id)
		for _, account := range l.accounts {
			w.wantAccount(account.ID, "needs_reauth expired")
		}
	})
	t.Run("too late to exchange", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Facebook, "10001")
		w.fault(sandbox.Fault{Step: "facebook.refresh", Kind: sandbox.FaultStatus, Status: 503})
		w.due(l)
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Transient)
		w.wantState(l, "active")
		// A token that says itself that it has ended.
		tokens, err := openTokens(w.vault, l.grant, "facebook", scan[[]byte](w.bundle, "select credential from authorizations"))
		if err != nil {
			t.Fatal(err)
		}
		tokens.ExpiresAt = time.Now().Add(-time.Second)
		w.exec("update authorizations set credential = $1, expires_at = $2", w.sealTokens(tokens, l.grant, platform.Facebook), tokens.ExpiresAt)
		w.again(l)
		wantClass(t, w.renewer(false).Fresh(t.Context(), l.grant), platform.Credential)
		w.wantState(l, "needs_reauth expired")
		if n := w.box.Count("facebook.refresh"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
}

// A page that is not in the login's hands any more is lost alone.
func TestPageIsLost(t *testing.T) {
	w := newWorld(t)
	l := w.connect(w.customer, platform.Facebook, "10001")
	w.box.RemovePage("facebook", "20002")
	w.due(l)
	w.fault(sandbox.Fault{Step: "facebook.pages", Kind: sandbox.FaultStatus, Status: 503})
	// The tokens are safe, the pages' are still to come.
	wantClass(t, w.renewer(false).Due(t.Context(), l.grant), platform.Transient)
	w.wantState(l, "active")
	w.wantAccount(l.accounts[1].ID, "active")
	w.again(l)
	if err := w.renewer(false).Due(t.Context(), l.grant); err != nil {
		t.Fatal(err)
	}
	w.wantState(l, "active")
	w.wantAccount(l.accounts[0].ID, "active")
	w.wantAccount(l.accounts[1].ID, "needs_reauth access_lost")
	l.accounts = l.accounts[:1]
	w.wantWorking(l)
	within(t, "the next renewal", scan[time.Time](w.bundle, "select renew_at from authorizations"), time.Now().AddDate(0, 0, 40), time.Now().AddDate(0, 0, 60))
}

// An application that is not set up here is another process's business.
func TestRenewalWithoutConnector(t *testing.T) {
	w := newWorld(t)
	l := w.connect(w.customer, platform.Twitter, "2244994945")
	w.due(l)
	delete(w.connectors, platform.Twitter)
	if err := w.renewer(false).Fresh(t.Context(), l.grant); !errors.Is(err, errNotSetUp) {
		t.Errorf("got %v", err)
	}
	w.wantState(l, "active")
	if n := scan[int](w.bundle, "select count(*) from tenancy.authorizations_to_do('{linkedin}', 10)"); n != 0 {
		t.Errorf("%d to do for who cannot", n)
	}
}

// The worker finds what is due, also in an archived customer, and leaves a customer alone that is being erased.
func TestWorkerRenews(t *testing.T) {
	w := newWorld(t)
	l := w.connect(w.customer, platform.Twitter, "2244994945")
	w.due(l)
	w.exec("update customers set archived_at = now()")
	other := w.Customer(t, dbtest.Customer{})
	gone := w.connect(other, platform.Twitter, "2244994946")
	w.due(gone)
	w.exec("update customers set erasing_at = now(), archived_at = now() where id = $1", other.ID)
	w.start(w.jobsWorker())
	eventually(w.bundle, true, "select renewed_at is not null from authorizations where id = $1", l.id)
	w.wantWorking(l)
	if n := w.box.Count("twitter.refresh"); n != 1 {
		t.Errorf("%d calls", n)
	}
}
