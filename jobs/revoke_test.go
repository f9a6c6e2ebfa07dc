package jobs

import (
	"strings"
	"testing"
	"time"

	"fanfare/db/dbtest"
	"fanfare/internal/platform"
	"fanfare/internal/sandbox"
)

// disconnect disconnects every account of a login, as the API does.
func (w *world) disconnect(l *login) {
	w.t.Helper()
	w.exec("update integrations set state = 'disconnected', credential = null, key_id = null where authorization_id = $1", l.id)
}

// revocation is what the audit log has of it.
const revocation = "select coalesce((select action || ' ' || (changes ->> 'outcome') from audit_log where resource_id = $1::text and action in ('authorization.revoke', 'authorization.end', 'authorization.forget')), 'nothing')"

func (w *world) wantRevoked(l *login, want string) {
	w.t.Helper()
	eventually(w.bundle, "ended", authorizationState, l.id)
	if got := scan[string](w.bundle, revocation, l.id.String()); got != want {
		w.t.Errorf("the audit log has %q, want %q", got, want)
	}
	if scan[bool](w.bundle, "select credential is not null from authorizations where id = $1", l.id) {
		w.t.Error("the tokens are still there")
	}
}

func TestRevoke(t *testing.T) {
	t.Run("each platform", func(t *testing.T) {
		w := newWorld(t)
		x := w.connect(w.customer, platform.Twitter, "2244994945")
		linkedIn := w.connect(w.customer, platform.LinkedIn, "ada-lindqvist")
		mailchimp := w.connect(w.customer, platform.Mailchimp, "30001")
		w.exec("update integrations set state = 'disconnected', credential = null, key_id = null where id = $1", linkedIn.accounts[0].ID)
		w.wantState(linkedIn, "active") // others of it are left
		for _, l := range []*login{x, linkedIn, mailchimp} {
			w.disconnect(l)
			w.wantState(l, "revoking")
		}
		w.start(w.jobsWorker())
		w.wantRevoked(x, "authorization.revoke revoked")
		w.wantRevoked(linkedIn, "authorization.revoke revoked")
		w.wantRevoked(mailchimp, "authorization.forget not_supported")
		if n := w.box.Count("twitter.revoke") + w.box.Count("linkedin.revoke"); n != 2 {
			t.Errorf("%d calls", n)
		}
	})
	t.Run("a login that another customer needs", func(t *testing.T) {
		w := newWorld(t)
		mine := w.connect(w.customer, platform.Facebook, "10001")
		theirs := w.connect(w.Customer(t, dbtest.Customer{}), platform.Facebook, "10001")
		w.exec("update authorizations set state = 'needs_reauth', reason = 'refused' where id = $1", theirs.id)
		w.disconnect(mine)
		w.start(w.jobsWorker())
		w.wantRevoked(mine, "authorization.end ended")
		if n := w.box.Count("facebook.revoke"); n != 0 {
			t.Errorf("%d calls", n)
		}
		w.wantWorking(theirs)
		w.disconnect(theirs)
		w.wantRevoked(theirs, "authorization.end ended") // the log says the same whether others need it or not
		if n := w.box.Count("facebook.revoke"); n != 1 {
			t.Errorf("%d calls", n)
		}
	})
	t.Run("a login that somebody is choosing accounts of", func(t *testing.T) {
		w := newWorld(t)
		mine := w.connect(w.customer, platform.Facebook, "10001")
		theirs := w.Customer(t, dbtest.Customer{})
		w.exec(`insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id, state, login)
			values ($1, gen_random_uuid(), 'facebook', $2, sha256('x'), sha256('x'), 'x', 'x', 'x', 1, 'choosing', '10001')`, theirs.ID, w.Member(t, theirs.ID, "owner").ID)
		w.disconnect(mine)
		w.start(w.jobsWorker())
		w.wantRevoked(mine, "authorization.end ended")
		if n := w.box.Count("facebook.revoke"); n != 0 {
			t.Errorf("%d calls", n)
		}
	})
	// Nobody keeps others' permissions alive by signing in all the time: who it is, is looked at when it is known.
	t.Run("somebody unknown is signing in", func(t *testing.T) {
		w := newWorld(t)
		mine := w.connect(w.customer, platform.Facebook, "10001")
		theirs := w.Customer(t, dbtest.Customer{})
		w.exec(`insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, state)
			values ($1, gen_random_uuid(), 'facebook', $2, sha256('x'), sha256('x'), 'x', 'x', 'answered')`, theirs.ID, w.Member(t, theirs.ID, "owner").ID)
		w.disconnect(mine)
		w.start(w.jobsWorker())
		w.wantRevoked(mine, "authorization.end ended")
		if n := w.box.Count("facebook.revoke"); n != 1 {
			t.Errorf("%d calls", n)
		}
		if under := scan[bool](w.bundle, "select until > now() from login_revocations"); under {
			t.Error("the platform has answered, and that is not written down")
		}
	})
	// What the customer's own log says of a revocation is the same, whether other customers have the same login or not.
	t.Run("the log says nothing of others", func(t *testing.T) {
		w := newWorld(t)
		other := w.Customer(t, dbtest.Customer{})
		mine, theirs := w.connect(w.customer, platform.Facebook, "10001"), w.connect(other, platform.Facebook, "10001")
		w.start(w.jobsWorker())
		log := func(l *login, customer dbtest.Customer) string {
			w.disconnect(l)
			w.wantRevoked(l, "authorization.end ended")
			return scan[string](w.bundle, `select string_agg(concat_ws(' ', action, actor_kind, changes), ', ' order by id)
				from audit_log where resource_id = $1 and customer_id = $2 and action <> 'authorization.create'`, l.id.String(), customer.ID)
		}
		if shared, alone := log(mine, w.customer), log(theirs, other); alone != shared || !strings.Contains(alone, "credential_use") {
			t.Errorf("alone: %s\nshared: %s", alone, shared)
		}
	})
	t.Run("trouble for a day", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.fault(sandbox.Fault{Step: "twitter.revoke", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
		w.disconnect(l)
		w.start(w.jobsWorker())
		eventually(w.bundle, true, "select failures = 1 and failing_since is not null and failure is not null from authorizations where id = $1", l.id)
		w.wantState(l, "revoking")
		w.exec("update authorizations set state_since = now() - interval '25 hours' where id = $1", l.id)
		w.exec("update river.river_job set scheduled_at = now() where kind = 'revoke_authorization'")
		w.wantRevoked(l, "authorization.forget given_up")
	})
	t.Run("trouble that passes", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.fault(sandbox.Fault{Step: "twitter.revoke", Kind: sandbox.FaultDropAfter})
		w.disconnect(l)
		w.start(w.jobsWorker())
		w.wantRevoked(l, "authorization.revoke revoked")
	})
	t.Run("somebody signs in again meanwhile", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Facebook, "10001")
		w.disconnect(l)
		var once bool
		w.box.OnApplied(func(r sandbox.RequestInfo) {
			if r.Step == "facebook.revoke" && !once {
				once = true
				w.reconnect(l)
				w.exec("update integrations set state = 'active', credential = 'x', key_id = 1 where id = $1", l.accounts[0].ID)
			}
		})
		w.start(w.jobsWorker())
		eventually(w.bundle, "active", authorizationState, l.id)
		eventually(w.bundle, int64(1), "select count(*) from river.river_job where kind = 'check_integration'")
		if got := scan[string](w.bundle, revocation, l.id.String()); got != "nothing" {
			t.Errorf("the audit log has %q", got)
		}
	})
	t.Run("while it is renewed", func(t *testing.T) {
		w := newWorld(t)
		l := w.connect(w.customer, platform.Twitter, "2244994945")
		w.due(l)
		w.connectors[platform.Twitter] = &hooked{w.connectors[platform.Twitter], func() error {
			w.disconnect(l)
			return nil
		}}
		if err := w.renewer(false).Due(t.Context(), l.grant); err != nil {
			wantClass(t, err, platform.Credential)
		}
		w.wantState(l, "revoking")
		w.start(w.jobsWorker())
		w.wantRevoked(l, "authorization.revoke revoked")
	})
}

// What a customer was allowed is revoked before the customer is erased, unless that is not possible now.
func TestEraseRevokes(t *testing.T) {
	for name, fault := range map[string]*sandbox.Fault{"told": nil, "away": {Step: "twitter.revoke", Kind: sandbox.FaultStatus, Status: 503, Times: -1}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			l := w.connect(w.customer, platform.Twitter, "2244994945")
			w.connect(w.customer, platform.Facebook, "10001")
			other := w.connect(w.Customer(t, dbtest.Customer{}), platform.Facebook, "10001")
			tokens, err := openTokens(w.vault, l.grant, "twitter", scan[[]byte](w.bundle, "select credential from authorizations where id = $1", l.id))
			if err != nil {
				t.Fatal(err)
			}
			if fault != nil {
				w.fault(*fault)
			}
			id := w.askForErasure()
			w.start(w.jobsWorker())
			eventually(w.bundle, "finished", erasureState, id)
			if n := w.box.Count("twitter.revoke"); n != 1 {
				t.Errorf("%d calls", n)
			}
			_, err = w.connectors[platform.Twitter].Login(t.Context(), tokens)
			if (err == nil) != (fault != nil) {
				t.Errorf("asked with the erased tokens: %v", err)
			}
			if n := w.box.Count("facebook.revoke"); n != 0 {
				t.Errorf("a login that another customer needs was ended")
			}
			w.wantWorking(other)
			if n := scan[int](w.bundle, "select count(*) from audit_log where action = 'authorization.credential_use' and changes ->> 'purpose' = 'revoke' and customer_id = tenancy.installation_id()"); n != 1 {
				t.Errorf("the use of the tokens is recorded %d times", n)
			}
		})
	}
}

func TestPutOff(t *testing.T) {
	t.Parallel()
	for metadata, want := range map[string]time.Duration{`{}`: 5 * time.Second, `{"snoozes": 3}`: 40 * time.Second, `{"snoozes": 99}`: time.Hour, `nothing`: 5 * time.Second} {
		if got := putOff([]byte(metadata), time.Time{}, 5*time.Second, time.Hour); got > want || got < want*3/4 {
			t.Errorf("%s: %s, want about %s", metadata, got, want)
		}
	}
	if got := putOff(nil, time.Now().Add(time.Minute), time.Second, time.Hour); got < 59*time.Second || got > time.Minute {
		t.Errorf("until a time that is named: %s", got)
	}
}
