package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
)

func TestCustomerRoles(t *testing.T) {
	t.Parallel()
	w := setup(t)

	t.Run("get", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path(""), nil) })
		c.roles(t, reading, func(t *testing.T, who dbtest.User) answer { return w.call(t, who, "GET", c.path("/context"), nil) })
		for who, role := range map[dbtest.User]string{c.owner: "owner", c.admin: "admin", c.member: "member", c.viewer: "viewer", c.sysadmin: ""} {
			got := into[api.Customer](t, w.call(t, who, "GET", c.path(""), nil))
			if (got.Role == nil) != (role == "") || (got.Role != nil && *got.Role != role) {
				t.Errorf("role %v, want %q", got.Role, role)
			}
		}
	})
	t.Run("update", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		admins := statuses{200, 200, 403, 403, 200, 403, 403, 404}
		c.roles(t, admins, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "PATCH", c.path(""), m{"audience": "by " + who.Email})
		})
		// Who may not change it is not told whether their version is stale.
		stale := statuses{412, 412, 403, 403, 412, 403, 403, 404}
		c.roles(t, stale, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "PATCH", c.path(""), m{"name": "Stale"}, "If-Match", `"v999"`)
		})
	})
	t.Run("archive and restore", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		owners := statuses{200, 403, 403, 403, 200, 403, 403, 404}
		for _, operation := range []string{"/archive", "/restore"} {
			c.roles(t, owners, func(t *testing.T, who dbtest.User) answer {
				a := w.call(t, who, "POST", c.path("%s", operation), nil)
				if operation == "/archive" {
					w.exec(t, "update customers set archived_at = null where id = $1", c.customer.ID)
				} else {
					w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
				}
				return a
			})
			w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
		}
	})
	t.Run("archive what is archived", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		w.exec(t, "update customers set archived_at = now() where id = $1", c.customer.ID)
		c.roles(t, statuses{200, 403, 403, 403, 200, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "POST", c.path("/archive"), nil)
		})
		c.roles(t, statuses{412, 403, 403, 403, 412, 403, 403, 404}, func(t *testing.T, who dbtest.User) answer {
			return w.call(t, who, "POST", c.path("/archive"), nil, "If-Match", `"v77"`)
		})
	})
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		c := w.cast(t)
		c.roles(t, statuses{201, 201, 201, 201, 201, 201, 201, 201}, func(t *testing.T, who dbtest.User) answer {
			a := w.call(t, who, "POST", "/v1/customers", m{"name": "Mine"})
			if made := into[api.Customer](t, a); made.Role == nil || *made.Role != "owner" {
				t.Errorf("the maker is %v", made.Role)
			}
			return a
		})
	})
}

func TestCustomer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	newcomer := dbtest.User{Subject: "never-seen", Email: "new@example.com"}

	created := w.call(t, newcomer, "POST", "/v1/customers", m{"name": "Blue Bottle", "time_zone": "Europe/Berlin", "language": "de-AT", "description": "A bakery."}).want(t, 201)
	c := into[api.Customer](t, created)
	if c.Name != "Blue Bottle" || c.TimeZone != "Europe/Berlin" || c.Language != "de-AT" || c.Description != "A bakery." || c.BrandVoice != "" || c.ArchivedAt != nil {
		t.Errorf("made %+v", c)
	}
	if c.CreatedAt.Location() != time.UTC || time.Since(c.CreatedAt) > time.Minute || !strings.Contains(string(created.body), `Z"`) {
		t.Errorf("made at %s", c.CreatedAt)
	}
	path := "/v1/customers/" + c.ID.String()
	got := w.call(t, newcomer, "GET", path, nil).want(t, 200)
	if seen := strings.TrimSpace(string(created.body)); !strings.HasPrefix(string(got.body), strings.TrimSuffix(seen, "}")+`,"permissions":[],"may_approve":true`) || got.etag() != created.etag() || got.etag() != `"v1"` {
		t.Errorf("got %s %s, made %s %s", got.etag(), got.body, created.etag(), created.body)
	}

	defaults := into[api.Customer](t, w.call(t, newcomer, "POST", "/v1/customers", m{"name": "Plain"}).want(t, 201))
	if defaults.Language != "en" || defaults.TimeZone != "UTC" {
		t.Errorf("defaults are %+v", defaults)
	}

	changed := w.call(t, newcomer, "PATCH", path, m{"name": "Blue", "description": ""}, "If-Match", got.etag()).want(t, 200)
	if after := into[api.Customer](t, changed); after.Name != "Blue" || after.Description != "" || after.TimeZone != "Europe/Berlin" {
		t.Errorf("changed to %+v", after)
	}
	if changed.etag() == got.etag() {
		t.Error("the ETag did not change")
	}
	w.call(t, newcomer, "PATCH", path, m{"name": "Late"}, "If-Match", got.etag()).want(t, 412)
	w.call(t, newcomer, "PATCH", path, m{"name": "Any"}, "If-Match", "*").want(t, 200)
	w.call(t, newcomer, "PATCH", path, m{"name": "Whatever"}).want(t, 200)
	if now := into[api.Customer](t, w.call(t, newcomer, "GET", path, nil)); now.Name != "Whatever" {
		t.Errorf("is called %s", now.Name)
	}
	for field, value := range map[string]string{"time_zone": "Europe/Atlantis", "language": "not a language"} {
		w.call(t, newcomer, "PATCH", path, m{field: value}).wantAt(t, "body."+field)
		w.call(t, newcomer, "POST", "/v1/customers", m{"name": "X", field: value}).wantAt(t, "body."+field)
	}
}

func TestCustomerList(t *testing.T) {
	t.Parallel()
	w := setup(t)
	me, other := w.User(t, dbtest.User{}), w.User(t, dbtest.User{})
	var mine, all []uuid.UUID
	for i := range 7 {
		c := w.Customer(t, dbtest.Customer{})
		all = append(all, c.ID)
		if i%3 != 2 {
			mine = append(mine, c.ID)
			w.Join(t, c.ID, me.ID, []string{"owner", "viewer"}[i%2])
		}
	}
	ids, pages := w.walk(t, me, "/v1/customers")
	wantIDs(t, ids, mine)
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	w.exec(t, "update customers set archived_at = now() where id = $1", mine[0])
	ids, _ = w.walk(t, me, "/v1/customers")
	wantIDs(t, ids, mine[1:])
	ids, _ = w.walk(t, me, "/v1/customers?archived=true")
	wantIDs(t, ids, mine)

	ids, _ = w.walk(t, other, "/v1/customers")
	wantIDs(t, ids, nil)
	for _, role := range []string{"admin", "manager", "viewer"} {
		ids, _ = w.walk(t, w.User(t, dbtest.User{SystemRole: role}), "/v1/customers?archived=true")
		wantIDs(t, ids, all)
	}
}

// stillPossible are the changes that an archived customer allows: of the archiving itself, taking keys away, taking
// one's data out (see TestExportRoles) and erasing it (see TestEraseCustomer).
var stillPossible = map[string]bool{
	"restore-customer": true, "archive-customer": true, "revoke-api-key": true, "revoke-agent-token": true,
	// what is given away is taken back
	"release-space": true, "revoke-pairing": true, "deny-pairing": true, "delete-chat-identity": true,
	"get-connect-session": true, // one's own: see TestConnectSessionRoles
	"list-exports":        true, "create-export": true, "get-export": true, "delete-export": true, "download-export": true, "erase-customer": true,
	// as exports: see TestWorkspaceRoles
	"list-backups": true, "create-backup": true, "get-backup": true, "get-backup-status": true, "list-restores": true, "get-restore": true, "delete-restore": true, "list-drills": true,
	"update-workspace-policy": true, // a legal hold: see TestWorkspacePolicy
}

// adminsRead are what members do not see.
var adminsRead = map[string]bool{"list-api-keys": true, "get-api-key": true, "list-agent-tokens": true, "get-agent-token": true,
	"list-invitations": true, "get-invitation": true,
	"list-messages": true, "list-memories": true, "get-memory": true, "list-webhooks": true, "get-webhook": true, "list-webhook-deliveries": true, "get-webhook-delivery": true,
	"list-space-people": true, "list-pairings": true, "get-pairing": true,
	"list-audit-entries": true, "export-audit-entries": true, "get-workspace-policy": true}

// An archived customer is read by everybody as before and changed by nobody, but for its owner who takes it back.
func TestCustomerArchived(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	account := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	campaign := w.Campaign(t, dbtest.Campaign{CustomerID: c.customer.ID})
	scheduled := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	draft := w.Post(t, dbtest.Post{CustomerID: c.customer.ID, Integrations: []dbtest.Integration{account}})
	at := time.Now().Add(time.Hour).UTC()
	w.call(t, c.member, "POST", c.path("/posts/%s/schedule", scheduled.ID), m{"scheduled_at": at}).want(t, 202)

	ids := w.everything(t, c)
	w.claimed(t, "/pairings/"+ids["pairing_id"])
	ids.giveKey(t, w, c.owner.ID)
	archived := w.call(t, c.owner, "POST", c.path("/archive"), nil).want(t, 200)
	if into[api.Customer](t, archived).ArchivedAt == nil {
		t.Error("not archived")
	}
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", scheduled.ID), nil)); p.State != "cancelled" {
		t.Errorf("the scheduled post is %s", p.State)
	}
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", draft.ID), nil)); p.State != "draft" {
		t.Errorf("the draft is %s", p.State)
	}
	if n := w.count(t, "select count(*) from river.river_job where state <> 'cancelled'"); n != 0 {
		t.Errorf("%d jobs are left", n)
	}

	ids["post_id"], ids["campaign_id"], ids["integration_id"] = draft.ID.String(), campaign.ID.String(), account.ID.String()
	w.exec(t, "update post_reviews set post_id = $2 where id = $1", ids["review_id"], draft.ID)
	before := w.stored(t)
	for _, o := range operations() {
		if !strings.Contains(o.template, "{customer_id}") || stillPossible[o.OperationID] {
			continue
		}
		path := ids.fill(t, o.template) + o.query()
		body := o.body(t)
		switch o.OperationID {
		case "create-integration":
			body = m{"platform": "ghost", "site_url": w.siteURL, "admin_api_key": w.siteKey}
		case "create-recurring-post":
			body = m{"post_id": ids["post_id"], "rrule": "FREQ=DAILY", "starts_local": "2026-01-01T09:00"}
		}
		for name, who := range map[string]dbtest.User{"owner": c.owner, "admin": c.admin, "member": c.member, "system admin": c.sysadmin, "manager": c.manager} {
			want := http.StatusForbidden
			if o.reads() && (!adminsRead[o.OperationID] || name != "member") {
				want = http.StatusOK
			}
			for _, ifMatch := range []string{"", `"v999"`} {
				if ifMatch != "" && o.OperationID == "read-file" {
					continue // which asks whether it is that one
				}
				if got := w.call(t, who, o.Method, path, body, "If-Match", ifMatch); got.status != want {
					t.Errorf("%s, %s, If-Match %s: got %d, want %d: %s", o.OperationID, name, ifMatch, got.status, want, got.body)
				}
			}
		}
	}
	if after := w.stored(t); after != before {
		t.Errorf("something changed: %s, before %s", after, before)
	}
	if n := w.siteHits.count(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}

	restored := w.call(t, c.owner, "POST", c.path("/restore"), nil, "If-Match", archived.etag()).want(t, 200)
	if into[api.Customer](t, restored).ArchivedAt != nil {
		t.Error("still archived")
	}
	w.call(t, c.owner, "POST", c.path("/restore"), nil, "If-Match", archived.etag()).want(t, 412)
	if p := into[api.Post](t, w.call(t, c.viewer, "GET", c.path("/posts/%s", scheduled.ID), nil)); p.State != "cancelled" {
		t.Errorf("the cancelled post came back as %s", p.State)
	}
	w.call(t, c.member, "POST", c.path("/posts/%s/schedule", scheduled.ID), m{"scheduled_at": at}).want(t, 202)
}

func TestCustomerContext(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	active := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	gone := w.Integration(t, dbtest.Integration{CustomerID: c.customer.ID})
	w.exec(t, "update integrations set state = 'disconnected', credential = null, key_id = null where id = $1", gone.ID)
	w.Integration(t, dbtest.Integration{CustomerID: c.elsewhere.ID})
	w.Post(t, dbtest.Post{CustomerID: c.elsewhere.ID, Text: "Somebody else's"})
	var posts []uuid.UUID
	for range 12 {
		posts = append(posts, w.Post(t, dbtest.Post{CustomerID: c.customer.ID}).ID)
	}
	w.call(t, c.owner, "PATCH", c.path(""), m{"brand_voice": "Warm", "audience": "Bakers", "language": "de", "time_zone": "Europe/Berlin"}).want(t, 200)
	got := into[api.CustomerContext](t, w.call(t, c.viewer, "GET", c.path("/context"), nil).want(t, 200))
	if got.ID != c.customer.ID || got.BrandVoice != "Warm" || got.Audience != "Bakers" || got.Language != "de" || got.TimeZone != "Europe/Berlin" {
		t.Errorf("got %+v", got)
	}
	if len(got.Integrations) != 1 || got.Integrations[0].ID != active.ID {
		t.Errorf("accounts are %+v", got.Integrations)
	}
	ids := make([]string, 0, len(got.RecentPosts))
	for _, p := range got.RecentPosts {
		ids = append(ids, p.ID.String())
	}
	wantIDs(t, ids, posts[2:])
}

// A customer tells what whoever asks may do there, where their role does not.
func TestCustomerRights(t *testing.T) {
	t.Parallel()
	w := setup(t)
	c := w.cast(t)
	key := w.APIKey(t, dbtest.APIKey{CustomerID: c.customer.ID, CreatedBy: c.owner.ID, Permissions: []string{"customer:read", "posts:write"}})
	if got := into[api.CustomerSeen](t, w.callWith(t, key.Key, "GET", c.path(""), nil).want(t, 200)); !slices.Equal(got.Permissions, key.Permissions) || got.MayApprove {
		t.Errorf("a key is told %q, %v", got.Permissions, got.MayApprove)
	}
	for who, may := range map[dbtest.User]bool{c.owner: true, c.admin: true, c.member: false, c.viewer: false} {
		if got := into[api.CustomerSeen](t, w.call(t, who, "GET", c.path(""), nil).want(t, 200)); len(got.Permissions) > 0 || got.MayApprove != may || got.Name != c.customer.Name {
			t.Errorf("somebody is told %+v", got)
		}
	}
}
