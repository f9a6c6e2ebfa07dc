package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"fanfare/api"
	"fanfare/db/dbtest"
)

// newKey makes a key through the API.
func (w *world) newKey(t testing.TB, c cast, permissions ...string) api.APIKeyCreated {
	t.Helper()
	return into[api.APIKeyCreated](t, w.call(t, c.owner, http.MethodPost, c.path("/api-keys"), m{"name": "Key", "permissions": permissions}).want(t, 201))
}

// newToken makes an agent token with a key, or as the owner where none is given.
func (w *world) newToken(t testing.TB, c cast, key string, permissions ...string) api.AgentTokenCreated {
	t.Helper()
	body := m{"name": "Agent", "permissions": permissions}
	if key == "" {
		return into[api.AgentTokenCreated](t, w.call(t, c.owner, http.MethodPost, c.path("/agent-tokens"), body).want(t, 201))
	}
	return into[api.AgentTokenCreated](t, w.callWith(t, key, http.MethodPost, c.path("/agent-tokens"), body).want(t, 201))
}

func TestAPIKeyRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	body := m{"name": "CI", "permissions": []string{"posts:read"}}
	c.roles(t, statuses{201, 201, 403, 403, 403, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/api-keys"), body)
	})
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/api-keys"), nil)
	})
	key := w.newKey(t, c, "posts:read")
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/api-keys/%s", key.ID), nil)
	})
	c.roles(t, statuses{200, 200, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "PATCH", c.path("/api-keys/%s", key.ID), m{"name": "Renamed"})
	})
	c.roles(t, statuses{204, 204, 403, 403, 204, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "DELETE", c.path("/api-keys/%s", w.newKey(t, c, "posts:read").ID), nil)
	})
	c.roles(t, statuses{201, 201, 403, 403, 403, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "POST", c.path("/agent-tokens"), body)
	})
	token := w.newToken(t, c, "", "posts:read")
	c.roles(t, statuses{200, 200, 403, 403, 200, 200, 200, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "GET", c.path("/agent-tokens/%s", token.ID), nil)
	})
	c.roles(t, statuses{204, 204, 403, 403, 204, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
		return w.call(t, who, "DELETE", c.path("/agent-tokens/%s", token.ID), nil)
	})
}

// A key's life: it is shown once, works, is recognised on the list, and ends when it is revoked.
func TestAPIKeyLife(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	created := w.newKey(t, c, "posts:read", "posts:write", "posts:publish", "customer:read")
	if !strings.HasPrefix(created.Key, created.Prefix) || len(created.Prefix) != 10 || len(created.Key) < 50 {
		t.Errorf("key %q, prefix %q", created.Key, created.Prefix)
	}
	if n := w.count(t, "select count(*) from api_keys where api_keys::text like '%' || $1 || '%'", created.Key[10:]); n > 0 {
		t.Error("the key stands in the database")
	}
	got := into[api.APIKey](t, w.call(t, c.owner, "GET", c.path("/api-keys/%s", created.ID), nil).want(t, 200))
	if got.LastUsedAt != nil || got.CreatedBy != c.owner.ID || got.RevokedAt != nil || got.ExpiresAt != nil {
		t.Errorf("a fresh key is %+v", got)
	}

	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	post := into[api.Post](t, w.callWith(t, created.Key, "POST", c.path("/posts"), m{"text": "By a program", "platforms": []m{{"integration_id": account.ID}}}).want(t, 201))
	w.callWith(t, created.Key, "PATCH", c.path("/posts/%s", post.ID), m{"title": "T"}).want(t, 200)
	w.callWith(t, created.Key, "POST", c.path("/posts/%s/schedule", post.ID), m{"scheduled_at": time.Now().Add(time.Hour)}).want(t, 202)
	w.callWith(t, created.Key, "POST", c.path("/posts/%s/cancel", post.ID), nil).want(t, 200)
	w.callWith(t, created.Key, "GET", c.path("/context"), nil).want(t, 200)
	list := into[page](t, w.callWith(t, created.Key, "GET", "/v1/customers", nil).want(t, 200))
	if len(list.Items) != 1 || list.Items[0].ID != c.customer.ID.String() {
		t.Errorf("the key sees customers %+v", list.Items)
	}
	// As a bearer token too.
	request := w.request(t, "GET", c.path("/posts"), nil)
	request.Header.Set("Authorization", "Bearer "+created.Key)
	w.do(t, request).want(t, 200)
	if used := into[api.APIKey](t, w.call(t, c.owner, "GET", c.path("/api-keys/%s", created.ID), nil)); used.LastUsedAt == nil || time.Since(*used.LastUsedAt) > time.Minute {
		t.Errorf("used last at %v", used.LastUsedAt)
	}

	w.call(t, c.admin, "DELETE", c.path("/api-keys/%s", created.ID), nil, "If-Match", `"v999"`).want(t, 412)
	w.callWith(t, created.Key, "GET", c.path("/posts"), nil).want(t, 200)
	w.call(t, c.admin, "DELETE", c.path("/api-keys/%s", created.ID), nil).want(t, 204)
	w.callWith(t, created.Key, "GET", c.path("/posts"), nil).want(t, 401)
	w.callWith(t, created.Key, "POST", c.path("/posts"), m{"text": "x"}).want(t, 401)
	first := into[api.APIKey](t, w.call(t, c.owner, "GET", c.path("/api-keys/%s", created.ID), nil))
	w.call(t, c.admin, "DELETE", c.path("/api-keys/%s", created.ID), nil).want(t, 204)
	second := into[api.APIKey](t, w.call(t, c.owner, "GET", c.path("/api-keys/%s", created.ID), nil))
	if first.RevokedAt == nil || !first.RevokedAt.Equal(*second.RevokedAt) {
		t.Errorf("revoked at %v, then at %v", first.RevokedAt, second.RevokedAt)
	}
	if logs := w.logs.String(); strings.Contains(logs, created.Key[10:]) {
		t.Error("the log holds a key")
	}
}

// A member who is removed is refused with their next request, and so is every key and token of theirs.
func TestRemovedAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := into[api.APIKeyCreated](t, w.call(t, c.admin, "POST", c.path("/api-keys"), m{"name": "Key", "permissions": []string{"posts:read", "tokens:mint"}}).want(t, 201))
	token := w.newToken(t, c, key.Key, "posts:read")
	ask := func() [3]int {
		return [3]int{w.call(t, c.admin, "GET", c.path("/posts"), nil).status, w.callWith(t, key.Key, "GET", c.path("/posts"), nil).status,
			w.callWith(t, token.Token, "GET", c.path("/posts"), nil).status}
	}
	if got := ask(); got != [3]int{200, 200, 200} {
		t.Fatalf("before: %v", got)
	}
	w.call(t, c.owner, "DELETE", c.path("/members/%s", c.admin.ID), nil).want(t, 204)
	if got := ask(); got != [3]int{404, 401, 401} {
		t.Errorf("after: %v", got)
	}
}

func TestAPIKeyRefused(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	for location, body := range map[string]m{
		"body.name":           {"name": "", "permissions": []string{"posts:read"}},
		"body.permissions":    {"name": "x", "permissions": []string{}},
		"body.permissions[0]": {"name": "x", "permissions": []string{"everything"}},
		"body.expires_at":     {"name": "x", "permissions": []string{"posts:read"}, "expires_at": time.Now().Add(-time.Minute)},
	} {
		w.call(t, c.owner, "POST", c.path("/api-keys"), body).wantAt(t, location)
	}
	w.call(t, c.owner, "POST", c.path("/api-keys"), m{"name": "x", "permissions": []string{"posts:read", "posts:read"}}).want(t, 422)
	w.call(t, c.owner, "POST", c.path("/agent-tokens"), m{"name": "x", "permissions": []string{"tokens:mint"}}).wantAt(t, "body.permissions[0]")
	w.call(t, c.owner, "POST", c.path("/agent-tokens"), m{"name": "x", "permissions": []string{"posts:read"}, "lifetime_seconds": 3601}).wantAt(t, "body.lifetime_seconds")

	key := w.newKey(t, c, "posts:read")
	for name, header := range map[string]func(*http.Request){
		"unknown":       func(r *http.Request) { r.Header.Set("x-api-key", key.Key+"x") },
		"cut":           func(r *http.Request) { r.Header.Set("x-api-key", key.Key[:20]) },
		"no key at all": func(r *http.Request) { r.Header.Set("x-api-key", "secret") },
		"empty":         func(r *http.Request) { r.Header.Set("x-api-key", "") },
		"another case":  func(r *http.Request) { r.Header.Set("x-api-key", strings.ToLower(key.Key)) },
		"twice":         func(r *http.Request) { r.Header["X-Api-Key"] = []string{key.Key, key.Key} },
		"beside a token": func(r *http.Request) {
			r.Header.Set("x-api-key", key.Key)
			r.Header.Set("Authorization", "Bearer "+w.token(t, c.owner))
		},
		"as basic":         func(r *http.Request) { r.SetBasicAuth("key", key.Key) },
		"as a query":       func(r *http.Request) { r.URL.RawQuery = "x-api-key=" + key.Key },
		"with a NUL":       func(r *http.Request) { r.Header.Set("Authorization", "Bearer ffk_%00") },
		"its hash instead": func(r *http.Request) { r.Header.Set("x-api-key", "ffk_"+strings.Repeat("0", 64)) },
	} {
		request := w.request(t, "GET", c.path("/posts"), nil)
		header(request)
		if got := w.do(t, request); got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	expired := into[api.APIKeyCreated](t, w.call(t, c.owner, "POST", c.path("/api-keys"),
		m{"name": "x", "permissions": []string{"posts:read"}, "expires_at": time.Now().Add(time.Hour)}).want(t, 201))
	w.callWith(t, expired.Key, "GET", c.path("/posts"), nil).want(t, 200)
	w.exec(t, "update api_keys set expires_at = now() where id = $1", expired.ID)
	w.callWith(t, expired.Key, "GET", c.path("/posts"), nil).want(t, 401)
}

// Every operation as a key with every permission and as one that lacks the needed: what is not for keys is refused,
// and no operation is left open because it forgot to say what it needs.
func TestOperationsForKeys(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	all := w.newKey(t, c, dbtest.AllPermissions...)
	ids := w.everything(t, c)
	forKeys := 0
	for _, o := range operations() {
		if o.public() {
			continue
		}
		permissions, _ := o.Metadata["permissions"].([]string)
		path, body := ids.fill(t, o.template)+o.query(), o.body(t)
		if o.namesInBody() {
			body = o.in(t, c.customer.ID)
		}
		if len(permissions) == 0 {
			if got := w.callWith(t, all.Key, o.Method, path, body); got.status != 403 {
				t.Errorf("%s: %d %s, want 403", o.OperationID, got.status, got.body)
			}
			continue
		}
		forKeys++
		var others []string
		for _, p := range dbtest.AllPermissions {
			if !slices.Contains(permissions, p) {
				others = append(others, p)
			}
		}
		if len(others) == 0 {
			continue // any permission will do
		}
		if got := w.callWith(t, w.newKey(t, c, others...).Key, o.Method, path, body); got.status != 403 {
			t.Errorf("%s without %v: %d %s", o.OperationID, permissions, got.status, got.body)
		}
		if o.Method != http.MethodGet {
			continue
		}
		for _, p := range permissions {
			want := 200
			if strings.Contains(o.template, "{agent_token_id}") {
				want = 404 // a key sees its own tokens
			}
			if got := w.callWith(t, w.newKey(t, c, p).Key, o.Method, path, body); got.status != want {
				t.Errorf("%s with %s: %d %s", o.OperationID, p, got.status, got.body)
			}
		}
	}
	if forKeys < 20 {
		t.Errorf("only %d operations are for keys", forKeys)
	}
}

func TestAgentToken(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.newKey(t, c, "posts:read", "posts:write", "tokens:mint")
	token := w.newToken(t, c, key.Key, "posts:read", "posts:write")
	if token.APIKeyID == nil || *token.APIKeyID != key.ID || token.CreatedBy != nil || time.Until(token.ExpiresAt) > time.Hour {
		t.Errorf("the token is %+v", token)
	}
	post := into[api.Post](t, w.callWith(t, token.Token, "POST", c.path("/posts"), m{"text": "By an agent"}).want(t, 201))
	w.callWith(t, token.Token, "GET", c.path("/posts/%s", post.ID), nil).want(t, 200)
	w.callWith(t, token.Token, "POST", c.path("/posts/%s/publish", post.ID), nil).want(t, 403)
	w.callWith(t, token.Token, "GET", "/v1/me", nil).want(t, 403)
	w.callWith(t, token.Token, "GET", "/v1/customers/"+c.elsewhere.ID.String()+"/posts", nil).want(t, 404)
	w.callWith(t, token.Token, "POST", c.path("/agent-tokens"), m{"name": "x", "permissions": []string{"posts:read"}}).want(t, 403)
	w.callWith(t, key.Key, "POST", c.path("/agent-tokens"), m{"name": "x", "permissions": []string{"posts:read", "posts:publish"}}).want(t, 403)

	// A key sees and revokes its own tokens; another's are not there.
	other := w.newKey(t, c, "tokens:mint")
	w.callWith(t, other.Key, "GET", c.path("/agent-tokens/%s", token.ID), nil).want(t, 404)
	w.callWith(t, other.Key, "DELETE", c.path("/agent-tokens/%s", token.ID), nil).want(t, 404)
	if list := into[page](t, w.callWith(t, key.Key, "GET", c.path("/agent-tokens"), nil).want(t, 200)); len(list.Items) != 1 || list.Items[0].ID != token.ID.String() {
		t.Errorf("the key sees %+v", list.Items)
	}

	// Forged in one part each.
	parts := strings.Split(token.Token, ".")
	forged := w.newToken(t, c, "", "posts:read")
	for name, credential := range map[string]string{
		"another's claims":   parts[0] + "." + strings.Split(forged.Token, ".")[1] + "." + parts[2],
		"no signature":       parts[0] + "." + parts[1] + ".",
		"another signature":  parts[0] + "." + parts[1] + "." + strings.Split(forged.Token, ".")[2],
		"the issuer's token": unsignedWith(`{"alg":"none"}`, ""),
	} {
		if got := w.callWith(t, credential, "GET", c.path("/posts"), nil); got.status != 401 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}

	w.callWith(t, key.Key, "DELETE", c.path("/agent-tokens/%s", token.ID), nil).want(t, 204)
	w.callWith(t, token.Token, "GET", c.path("/posts"), nil).want(t, 401)
	second := w.newToken(t, c, key.Key, "posts:read")
	w.callWith(t, second.Token, "GET", c.path("/posts"), nil).want(t, 200)
	w.call(t, c.owner, "DELETE", c.path("/api-keys/%s", key.ID), nil).want(t, 204)
	w.callWith(t, second.Token, "GET", c.path("/posts"), nil).want(t, 401)
}

// Another process, and this one after a restart, knows the tokens that were made here.
func TestAgentTokenAcrossProcesses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	token := w.newToken(t, c, "", "posts:read")
	first := w.url
	w.serve(t, options{}) // another process on the same database
	w.callWith(t, token.Token, "GET", c.path("/posts"), nil).want(t, 200)
	// A key that the other process makes later is found here.
	w.exec(t, "update agent_token_keys set created_at = now() - interval '91 days'")
	w.serve(t, options{})
	newer := w.newToken(t, c, "", "posts:read")
	if n := w.count(t, "select count(*) from agent_token_keys"); n != 2 {
		t.Errorf("there are %d keys", n)
	}
	w.callWith(t, newer.Token, "GET", c.path("/posts"), nil).want(t, 200)
	w.callWith(t, token.Token, "GET", c.path("/posts"), nil).want(t, 200)
	w.url = first
	deadline := time.Now().Add(time.Minute)
	for w.callWith(t, newer.Token, "GET", c.path("/posts"), nil).status != 200 {
		if time.Now().After(deadline) {
			t.Fatal("the first process never learns of the new key")
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Who acts by a system role says why, for changes.
func TestAdminReason(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	w.exec(t, "insert into rate_limit_rules (customer_id, endpoint, quota, window_seconds) values ($1, 'create-invitation', 10000, 60)", c.customer.ID)
	for _, o := range operations() {
		if !strings.Contains(o.template, "{customer_id}") || o.OperationID == "restore-customer" {
			continue
		}
		ids := w.everything(t, c)
		body := o.body(t)
		if o.OperationID == "create-recurring-post" {
			body = m{"post_id": ids["post_id"], "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"}
		}
		if o.OperationID == "confirm-pairing" || o.OperationID == "deny-pairing" {
			w.claimed(t, "/pairings/"+ids["pairing_id"])
		}
		if o.OperationID == "update-credential" || o.OperationID == "delete-credential" {
			ids.giveKey(t, w, c.owner.ID)
		}
		want := 403
		switch {
		case o.OperationID == "get-connect-session":
			want = 404 // which is the owner's
		case o.reads():
			want = 200
		}
		got := w.call(t, c.sysadmin, o.Method, ids.fill(t, o.template)+o.query(), body, "X-Admin-Reason", " \t")
		if got.status != want {
			t.Errorf("%s without a reason: %d %s", o.OperationID, got.status, got.body)
		}
		byPeople := o.OperationID == "create-api-key" || o.OperationID == "create-agent-token" || o.OperationID == "create-pairing" || o.OperationID == "earlier-generate-pairing-code" // by members alone
		if want == 403 && !byPeople && !strings.Contains(got.problem(t).Detail, "X-Admin-Reason") {
			t.Errorf("%s: %s", o.OperationID, got.body)
		}
	}
}
