package api_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// choose goes the way to a platform whose login has several accounts, and gives the path of the session.
func (w *world) choose(t testing.TB, c cast, who dbtest.User, platform, person string) string {
	t.Helper()
	way := w.begin(t, c, who, platform)
	if got := w.comeBack(t, w.allow(t, way, person), way.cookie).result(); got != "choose" {
		t.Fatalf("%s: %s", platform, got)
	}
	return c.path("/connect-sessions/%s", way.ConnectSessionID)
}

// account is the account of the external id.
func account(t testing.TB, list []api.Integration, externalID string) api.Integration {
	t.Helper()
	for _, i := range list {
		if i.ExternalID == externalID {
			return i
		}
	}
	t.Fatalf("there is no %s in %+v", externalID, list)
	return api.Integration{}
}

// accounts lists the connected accounts.
func (w *world) accounts(t testing.TB, c cast) []api.Integration {
	t.Helper()
	return into[api.Page[api.Integration]](t, w.call(t, c.viewer, "GET", c.path("/integrations?limit=100"), nil).want(t, 200)).Items
}

func TestConnectSessionRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	everybody := []dbtest.User{c.owner, c.admin, c.member, c.viewer, c.sysadmin, c.manager, c.sysviewer, c.outsider}
	of := map[uuid.UUID]uuid.UUID{}
	for _, who := range everybody {
		of[who.ID] = w.choosing(t, c.customer.ID, who.ID)
	}
	// Also one's own is only there while one's role allows it.
	c.roles(t, statuses{200, 200, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/connect-sessions/%s", of[who.ID]), nil)
	})
	c.roles(t, statuses{404, 404, 403, 403, 404, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/connect-sessions/%s", of[c.outsider.ID]), nil, "X-Admin-Reason", "")
	})
	choice := m{"external_ids": []string{sessionAccount}}
	c.roles(t, statuses{404, 404, 403, 403, 404, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/connect-sessions/%s/accounts", of[c.outsider.ID]), choice)
	})
	c.roles(t, statuses{200, 200, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/connect-sessions/%s/accounts", of[who.ID]), choice)
	})
	// In an archived customer it is read and not used.
	w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
	w.call(t, c.owner, "GET", c.path("/connect-sessions/%s", of[c.owner.ID]), nil).want(t, 200)
	w.call(t, c.owner, "POST", c.path("/connect-sessions/%s/accounts", w.choosing(t, c.customer.ID, c.owner.ID)), choice).want(t, 403)
}

func TestChooseAccounts(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	path := w.choose(t, c, c.admin, "facebook", adaFacebook)
	before := w.kept(t)
	for _, bad := range []struct {
		body any
		at   string
	}{
		{m{"external_ids": []string{}}, "body.external_ids"}, {m{"external_ids": []string{"20001", "30003"}}, "body.external_ids[1]"},
		{m{"external_ids": []string{"20001", "20001"}}, "body.external_ids[1]"}, {m{"external_ids": []string{""}}, "body.external_ids[0]"},
		{m{"external_ids": make([]string, 101)}, "body.external_ids"},
	} {
		w.call(t, c.admin, "POST", path+"/accounts", bad.body).wantAt(t, bad.at)
	}
	w.call(t, c.owner, "POST", path+"/accounts", m{"external_ids": []string{"20001"}}).want(t, 404) // the admin's
	if after := w.kept(t); after != before {
		t.Errorf("something changed: %s, before %s", after, before)
	}
	body := m{"external_ids": []string{"20002"}}
	first := w.call(t, c.admin, "POST", path+"/accounts", body, "Idempotency-Key", "k").want(t, 200)
	made := into[api.Integrations](t, first).Items
	if len(made) != 1 || made[0].ExternalID != "20002" || made[0].Name != "Harbour Cycles" || !made[0].IsDefault {
		t.Errorf("made %+v", made)
	}
	again := w.call(t, c.admin, "POST", path+"/accounts", body, "Idempotency-Key", "k").want(t, 200)
	if string(again.body) != string(first.body) {
		t.Errorf("the second answer is %s", again.body)
	}
	w.call(t, c.admin, "POST", path+"/accounts", body).want(t, 409)
	w.call(t, c.admin, "POST", path+"/accounts", m{"external_ids": []string{"20001"}}).want(t, 409)
	if session := into[api.ConnectSession](t, w.call(t, c.admin, "GET", path, nil).want(t, 200)); session.State != "connected" || *session.Result != "connected" || !session.Accounts[1].Connected {
		t.Errorf("the session is %+v", session)
	}
	if n := w.count(t, "select count(*) from integrations"); n != 1 {
		t.Errorf("%d accounts", n)
	}

	started := w.begin(t, c, c.admin, "facebook")
	w.call(t, c.admin, "POST", c.path("/connect-sessions/%s/accounts", started.ConnectSessionID), body).want(t, 409)
	late := w.choose(t, c, c.admin, "facebook", adaFacebook)
	w.exec(t, "update connect_sessions set expires_at = now() - interval '1 second' where state = 'choosing'")
	if p := w.call(t, c.admin, "POST", late+"/accounts", body).want(t, 409).problem(t); p.Detail != "The connect session has expired. Connect the accounts again." {
		t.Errorf("says %s", p.Detail)
	}
	if session := into[api.ConnectSession](t, w.call(t, c.admin, "GET", late, nil).want(t, 200)); session.State != "expired" {
		t.Errorf("the session is %+v", session)
	}
	w.noSecrets(t)
}

// Connecting the same account keeps its row, another account gets one of its own, and other customers' are not touched.
func TestReconnect(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	other := cast{customer: c.elsewhere, owner: c.outsider, viewer: c.outsider}
	theirs := w.connect(t, other, other.owner, "twitter", baker)[0]
	first := w.connect(t, c, c.admin, "twitter", baker)[0]
	if first.ID == theirs.ID || first.Authorization.ID == theirs.Authorization.ID {
		t.Error("two customers share an account")
	}
	print := func() string {
		var text string
		mustDo(t, w.Super.QueryRow(t.Context(), "select concat(i::text, a::text) from integrations i join authorizations a on a.id = i.authorization_id where i.id = $1", theirs.ID).Scan(&text))
		return text
	}
	untouched := print()
	credential := func() (text string) {
		mustDo(t, w.Super.QueryRow(t.Context(), "select encode(i.credential, 'hex') || encode(a.credential, 'hex') from integrations i join authorizations a on a.id = i.authorization_id where i.id = $1",
			first.ID).Scan(&text))
		return text
	}
	before := credential()
	w.exec(t, "update authorizations set state = 'needs_reauth', reason = 'revoked', failures = 3, renew_at = null where id = $1", first.Authorization.ID)
	if got := w.accounts(t, c)[0]; got.State != "needs_reauth" || got.Health.Status != "needs_reauth" || *got.Health.Reason != "revoked" || got.Authorization.Status != "needs_reauth" {
		t.Errorf("is %+v", got)
	}
	again := w.connect(t, c, c.owner, "twitter", baker)[0]
	if again.ID != first.ID || again.Authorization.ID != first.Authorization.ID || again.State != "active" || again.Health.Status != "active" || !again.IsDefault || credential() == before {
		t.Errorf("connected again as %+v", again)
	}
	if n := w.count(t, "select count(*) from authorizations where id = $1 and state = 'active' and failures = 0 and renew_at > now() and reason is null", first.Authorization.ID); n != 1 {
		t.Error("the authorization is not active again")
	}
	another := w.connect(t, c, c.admin, "twitter", cyclist)[0]
	if another.ID == first.ID || another.Authorization.ID == first.Authorization.ID || another.IsDefault {
		t.Errorf("another account is %+v", another)
	}
	// What was disconnected comes back under its id.
	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", first.ID), nil).want(t, 204)
	if n := w.count(t, "select count(*) from authorizations where id = $1 and state = 'revoking'", first.Authorization.ID); n != 1 {
		t.Error("the authorization is not to be revoked")
	}
	back := w.connect(t, c, c.admin, "twitter", baker)[0]
	if back.ID != first.ID || back.Authorization.ID != first.Authorization.ID || back.State != "active" || back.Authorization.Status != "active" {
		t.Errorf("came back as %+v", back)
	}
	if after := print(); after != untouched {
		t.Error("another customer's account was touched")
	}
	if n := len(w.accounts(t, c)); n != 2 {
		t.Errorf("%d accounts", n)
	}
	w.noSecrets(t)
}

// Accounts of the login that are connected get what is new, also where they are not chosen, and no other does.
func TestReconnectRefreshesTheLogin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	made := w.connect(t, c, c.admin, "linkedin", adaLinkedIn)
	if len(made) != 3 {
		t.Fatalf("%d accounts", len(made))
	}
	gone, lost := made[1], made[2]
	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", gone.ID), nil).want(t, 204)
	w.exec(t, "update authorizations set state = 'needs_reauth', reason = 'expired' where id = $1", made[0].Authorization.ID)
	path := w.choose(t, c, c.admin, "linkedin", adaLinkedIn)
	chosen := into[api.Integrations](t, w.call(t, c.admin, "POST", path+"/accounts", m{"external_ids": []string{made[0].ExternalID}}).want(t, 200)).Items
	if len(chosen) != 1 || chosen[0].ID != made[0].ID {
		t.Errorf("chosen are %+v", chosen)
	}
	now := w.accounts(t, c)
	for id, want := range map[string]string{made[0].ExternalID: "active", lost.ExternalID: "active", gone.ExternalID: "disconnected"} {
		if got := account(t, now, id); got.State != want {
			t.Errorf("%s is %s, want %s", id, got.State, want)
		}
	}
}

// An account that comes under another sign-in leaves the one before; when that has none left, it is withdrawn.
func TestReconnectByAnotherLogin(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	made := w.connect(t, c, c.admin, "facebook", adaFacebook)
	// The pages were connected by somebody else before.
	former := dbtest.NewID(t)
	w.exec(t, `insert into authorizations (customer_id, id, platform, external_id, name, credential, key_id, created_by)
		values ($1, $2, 'facebook', '10009', 'Somebody else', 'sealed', 1, $3)`, c.customer.ID, former, c.admin.ID)
	w.exec(t, "update integrations set authorization_id = $1 where platform = 'facebook'", former)
	if n := w.count(t, "select count(*) from authorizations where id = $1 and state = 'revoking'", made[0].Authorization.ID); n != 1 {
		t.Error("the authorization without accounts is not to be revoked")
	}
	state := func() (state string) {
		mustDo(t, w.Super.QueryRow(t.Context(), "select state from authorizations where id = $1", former).Scan(&state))
		return state
	}
	for i, want := range []string{"active", "revoking"} {
		path := w.choose(t, c, c.admin, "facebook", adaFacebook)
		got := into[api.Integrations](t, w.call(t, c.admin, "POST", path+"/accounts", m{"external_ids": []string{made[i].ExternalID}}).want(t, 200)).Items
		if got[0].ID != made[i].ID || got[0].Authorization.ID != made[0].Authorization.ID || got[0].Authorization.Status != "active" || state() != want {
			t.Errorf("is %+v, and the former is %s, want %s", got[0], state(), want)
		}
	}
}

// A platform's first account is its default, and another one if somebody says so or it is disconnected.
func TestDefaultAccount(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	first, second := w.connect(t, c, c.admin, "twitter", baker)[0], w.connect(t, c, c.admin, "twitter", cyclist)[0]
	elsewhere := w.connect(t, c, c.admin, "linkedin", benLinked)[0]
	if !first.IsDefault || second.IsDefault || !elsewhere.IsDefault {
		t.Fatal("the first of each platform is not the default")
	}
	path := c.path("/integrations/%s", second.ID)
	before := w.call(t, c.admin, "GET", path, nil)
	w.call(t, c.admin, "PATCH", path, m{"is_default": false}).wantAt(t, "body.is_default")
	w.call(t, c.admin, "PATCH", path, m{}).wantAt(t, "body")
	w.call(t, c.admin, "PATCH", path, m{"is_default": true}, "If-Match", `"v99"`).want(t, 412)
	changed := w.call(t, c.admin, "PATCH", path, m{"is_default": true}, "If-Match", before.etag()).want(t, 200)
	if !into[api.Integration](t, changed).IsDefault || changed.etag() == before.etag() {
		t.Errorf("is %s %s", changed.etag(), changed.body)
	}
	same := w.call(t, c.admin, "PATCH", path, m{"is_default": true}).want(t, 200)
	if same.etag() != changed.etag() {
		t.Error("a change that changes nothing makes a new version")
	}
	defaults := func(want ...uuid.UUID) {
		t.Helper()
		got := map[uuid.UUID]bool{}
		for _, account := range w.accounts(t, c) {
			if account.IsDefault {
				got[account.ID] = true
			}
		}
		if len(got) != len(want) {
			t.Errorf("%d defaults", len(got))
		}
		for _, id := range want {
			if !got[id] {
				t.Errorf("%s is no default", id)
			}
		}
	}
	defaults(second.ID, elsewhere.ID)
	c.roles(t, statuses{200, 200, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "PATCH", c.path("/integrations/%s", first.ID), m{"is_default": true})
	})
	defaults(first.ID, elsewhere.ID)

	// Posts may name the platform.
	write := func(platforms ...m) answer {
		return w.call(t, c.member, "POST", c.path("/posts"), m{"text": "A", "platforms": platforms})
	}
	post := into[api.Post](t, write(m{"platform": "twitter"}, m{"platform": "linkedin", "text": "Own"}).want(t, 201))
	if post.PlatformPosts[0].IntegrationID != first.ID || post.PlatformPosts[1].IntegrationID != elsewhere.ID || post.PlatformPosts[1].Text != "Own" {
		t.Errorf("goes to %+v", post.PlatformPosts)
	}
	if a := write(m{"platform": "facebook"}).wantAt(t, "body.platforms[0].platform"); a.problem(t).Errors[0].Message != "has no connected account here: connect one, or name one by integration_id" {
		t.Errorf("says %s", a.body)
	}
	write(m{"platform": "twitter"}, m{"integration_id": first.ID}).wantAt(t, "body.platforms[1].integration_id")
	write(m{"integration_id": first.ID}, m{"platform": "twitter"}).wantAt(t, "body.platforms[1].platform")
	write(m{"platform": "twitter", "integration_id": first.ID}).wantAt(t, "body.platforms[0]")
	write(m{"text": "nowhere"}).wantAt(t, "body.platforms[0]")
	write(m{"platform": "myspace"}).wantAt(t, "body.platforms[0].platform")
	key := w.newKey(t, c, "posts:write")
	w.callWith(t, key.Key, "POST", c.path("/posts"), m{"text": "A", "platforms": []m{{"platform": "twitter"}}}).want(t, 201)
	moved := into[api.Post](t, w.call(t, c.member, "PATCH", c.path("/posts/%s", post.ID), m{"platforms": []m{{"platform": "linkedin"}}}).want(t, 200))
	if len(moved.PlatformPosts) != 1 || moved.PlatformPosts[0].IntegrationID != elsewhere.ID || moved.PlatformPosts[0].Text != "A" {
		t.Errorf("goes to %+v", moved.PlatformPosts)
	}

	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", first.ID), nil).want(t, 204)
	defaults(second.ID, elsewhere.ID)
	w.call(t, c.admin, "PATCH", c.path("/integrations/%s", first.ID), m{"is_default": true}).want(t, 409)
	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", second.ID), nil).want(t, 204)
	defaults(elsewhere.ID)
	write(m{"platform": "twitter"}).wantAt(t, "body.platforms[0].platform")
	back := w.connect(t, c, c.admin, "twitter", cyclist)[0]
	if back.ID != second.ID || !back.IsDefault {
		t.Errorf("came back as %+v", back)
	}
}

// Health is told by the database's own rules.
func TestIntegrationHealth(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	ghost := into[api.Integration](t, w.call(t, c.admin, "POST", c.path("/integrations"), w.connection()).want(t, 201))
	if ghost.Authorization.IntegrationAuthorization != nil || ghost.Health.Status != "active" || !ghost.IsDefault {
		t.Errorf("Ghost is %+v", ghost)
	}
	made := w.connect(t, c, c.admin, "twitter", baker)[0]
	fresh := "failures = 0, failing_since = null, failure = null, expires_at = now() + interval '2 hours', reconnect_by = null"
	for _, test := range []struct{ login, account, status, reason, loginStatus, message string }{
		{"failures = 0", "", "active", "", "active", ""},
		{"reconnect_by = now() + interval '15 days'", "", "active", "", "active", ""},
		{"reconnect_by = now() + interval '13 days'", "", "expiring", "reconnect_due", "expiring", `X ends on \d+ \w+ \d{4} and cannot be prolonged without you`},
		{"reconnect_by = now() + interval '47 hours'", "", "expiring", "reconnect_due", "expiring", `X ends on \d+ \w+ \d{4} at \d\d:\d\d UTC and cannot`},
		{"reconnect_by = now() - interval '1 second'", "", "expiring", "reconnect_due", "expiring", `X ended .*at \d\d:\d\d UTC\. Posts cannot go out until you connect`},
		{"failures = 1, failing_since = now(), expires_at = now() + interval '2 days'", "", "active", "", "active", ""},
		{"failures = 1, failing_since = now()", "", "expiring", "renewal_failing", "expiring", `X has not let us renew .* ends .*at \d\d:\d\d UTC\.`},
		{"failures = 1, failure = 'unavailable', expires_at = now() - interval '1 minute'", "", "expiring", "renewal_failing", "expiring",
			`^X's access ended .*at \d\d:\d\d UTC and could not be renewed yet\. Posts wait until it is\.$`},
		{"failures = 1, failure = 'misconfigured', expires_at = now() + interval '15 days'", "", "active", "", "active", ""},
		{"failures = 1, failure = 'misconfigured', expires_at = now() + interval '13 days'", "", "expiring", "renewal_misconfigured", "expiring",
			`it ends on \d+ \w+ \d{4}\. Whoever runs this installation must look at its settings for X`},
		{"failures = 1, failure = 'misconfigured', expires_at = now() - interval '1 minute'", "", "expiring", "renewal_misconfigured", "expiring",
			`ended .*UTC and could not be renewed: X does not accept .* Posts wait until whoever runs`},
		{"failures = 1, failure = 'unreadable', expires_at = now() + interval '15 days'", "", "active", "", "active", ""},
		{"failures = 1, failure = 'unreadable', expires_at = now() + interval '13 days'", "", "expiring", "renewal_unreadable", "expiring",
			"look at its key set"},
		{"failures = 1, failure = 'unreadable', expires_at = now() - interval '1 minute'", "", "expiring", "renewal_unreadable", "expiring",
			"set right its key set"},
		{"failures = 1, failure = 'misconfigured', reconnect_by = now() + interval '1 hour'", "", "expiring", "reconnect_due", "expiring", "without you"},
		{"failures = 0, expires_at = null", "", "active", "", "active", ""},
		{"failures = 0", "state = 'needs_reauth', reason = 'access_lost'", "needs_reauth", "access_lost", "active", "does not manage this account any more"},
		{"failures = 0", "state = 'needs_reauth', reason = 'refused'", "needs_reauth", "refused", "active", "X does not accept"},
		{"failures = 0", "state = 'needs_reauth', reason = 'moved_out'", "needs_reauth", "moved_out", "active", "an earlier system"},
		{"state = 'needs_reauth', reason = 'interrupted'", "", "needs_reauth", "interrupted", "needs_reauth", "lost while it was being renewed"},
	} {
		w.exec(t, "update authorizations set state = 'active', reason = null, "+fresh)
		w.exec(t, "update integrations set state = 'active' where id = $1", made.ID)
		w.exec(t, "update authorizations set "+test.login)
		if test.account != "" {
			w.exec(t, "update integrations set "+test.account+" where id = $1", made.ID)
		}
		for _, got := range []api.Integration{
			account(t, w.accounts(t, c), baker), into[api.Integration](t, w.call(t, c.viewer, "GET", c.path("/integrations/%s", made.ID), nil).want(t, 200)),
			into[api.Integration](t, w.callWith(t, w.newKey(t, c, "posts:read").Key, "GET", c.path("/integrations/%s", made.ID), nil).want(t, 200)),
		} {
			reason := ""
			if got.Health.Reason != nil {
				reason = *got.Health.Reason
			}
			if got.Health.Status != test.status || reason != test.reason || got.Authorization.Status != test.loginStatus || got.Health.Since.IsZero() ||
				(got.Health.Message == "") != (test.message == "") || !regexp.MustCompile(test.message).MatchString(got.Health.Message) ||
				(got.Health.ExpiresAt != nil || got.Health.ReconnectBy != nil) != (got.State == "active" && test.loginStatus != "needs_reauth" && !strings.Contains(test.login, "expires_at = null")) ||
				(test.loginStatus == "needs_reauth" && (got.Authorization.ExpiresAt != nil || got.Authorization.ReconnectBy != nil)) {
				t.Errorf("%s, %s: %+v, %+v", test.login, test.account, got.Health, got.Authorization)
			}
		}
	}
	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", made.ID), nil).want(t, 204)
	if got := account(t, w.accounts(t, c), baker); got.Health.Status != "disconnected" || got.Authorization.Status != "revoking" || got.Health.Message == "" || got.Authorization.Message == "" ||
		got.Health.ExpiresAt != nil || got.Authorization.ExpiresAt != nil {
		t.Errorf("is %+v, %+v", got.Health, got.Authorization)
	}
}

func TestCheckIntegration(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	made := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	path := c.path("/integrations/%s/check", made.ID)
	c.roles(t, launching, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "POST", path, nil) })
	w.callWith(t, w.newKey(t, c, dbtest.AllPermissions...).Key, "POST", path, nil).want(t, 403)
	if n := w.count(t, "select count(*) from river.river_job where kind = 'check_integration' and args = $1 and customer_id = $2",
		fmt.Sprintf(`{"customer_id":"%s","integration_id":"%s"}`, c.customer.ID, made.ID), c.customer.ID); n != 1 { // at a time, whoever asks
		t.Errorf("%d jobs", n)
	}
	refused := func(why string) {
		t.Helper()
		if p := w.call(t, c.member, "POST", path, nil).want(t, 409).problem(t); p.Detail != why {
			t.Errorf("got %q", p.Detail)
		}
		w.call(t, c.viewer, "POST", path, nil).want(t, 403)
	}
	w.exec(t, "update integrations set state = 'needs_reauth', reason = 'revoked' where id = $1", made.ID)
	refused("Its access has ended; connect it again.")
	w.call(t, c.admin, "DELETE", c.path("/integrations/%s", made.ID), nil).want(t, 204)
	refused("The account is disconnected: there is nothing to check. Connect it again.")
}

// A post whose account was disconnected before it was sent goes out once the account is back; one of which nobody knows
// what became of it does not.
func TestPublishAfterReconnect(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	connect := func() api.Integration {
		return into[api.Integration](t, w.call(t, c.admin, "POST", c.path("/integrations"), m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}).want(t, 201))
	}
	made := connect()
	for _, again := range []struct {
		operation string
		body      any
	}{{"publish", nil}, {"schedule", m{"scheduled_at": "2029-01-02T09:00:00Z"}}} {
		post := into[api.Post](t, w.call(t, c.member, "POST", c.path("/posts"), m{"title": "A", "text": "A", "platforms": []m{{"integration_id": made.ID}}}).want(t, 201))
		path := c.path("/posts/%s", post.ID)
		w.call(t, c.member, "POST", path+"/schedule", m{"scheduled_at": "2030-01-02T09:00:00Z"}).want(t, 202)
		w.call(t, c.admin, "DELETE", c.path("/integrations/%s", made.ID), nil).want(t, 204)
		got := into[api.Post](t, w.call(t, c.viewer, "GET", path, nil).want(t, 200))
		if got.State != "needs_attention" || *got.PlatformPosts[0].ProblemClass != "credential" {
			t.Fatalf("is %+v", got)
		}
		w.call(t, c.member, "POST", path+"/"+again.operation, again.body).want(t, 409)
		connect()
		got = into[api.Post](t, w.call(t, c.member, "POST", path+"/"+again.operation, again.body).want(t, 202))
		if n, _ := w.waiting(t, got); got.State != "scheduled" || got.PlatformPosts[0].Problem != nil || got.PlatformPosts[0].ProblemClass != nil || n != 1 {
			t.Errorf("is %+v, %d jobs wait", got, n)
		}
	}
	unknown := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{{ID: made.ID}}})
	w.exec(t, "update posts set scheduled_at = now() where id = $1", unknown.ID)
	w.exec(t, "update platform_posts set state = 'scheduled' where post_id = $1", unknown.ID)
	w.exec(t, "update platform_posts set state = 'needs_attention', problem_class = 'unknown_outcome', problem = 'Look.' where post_id = $1", unknown.ID)
	w.call(t, c.member, "POST", c.path("/posts/%s/publish", unknown.ID), nil).want(t, 409)
}
