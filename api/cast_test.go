package api_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"fanfare/api"
	"fanfare/db/dbtest"
	"fanfare/internal/vault"
)

// cast is somebody of every kind, with regard to one customer.
type cast struct {
	customer                     dbtest.Customer
	owner, admin, member, viewer dbtest.User
	sysadmin, manager, sysviewer dbtest.User
	outsider                     dbtest.User // owner of another customer
	elsewhere                    dbtest.Customer
}

func (w *world) cast(t testing.TB) cast {
	t.Helper()
	c := cast{customer: w.Customer(t, dbtest.Customer{}), elsewhere: w.Customer(t, dbtest.Customer{})}
	id := c.customer.ID
	c.owner, c.admin = w.Member(t, id, "owner"), w.Member(t, id, "admin")
	c.member, c.viewer = w.Member(t, id, "member"), w.Member(t, id, "viewer")
	c.sysadmin = w.User(t, dbtest.User{SystemRole: "admin"})
	c.manager = w.User(t, dbtest.User{SystemRole: "manager"})
	c.sysviewer = w.User(t, dbtest.User{SystemRole: "viewer"})
	c.outsider = w.Member(t, c.elsewhere.ID, "owner")
	return c
}

// things are the ids of one of everything in a customer, by the names that paths have for them.
type things map[string]string

// everything makes one of everything in the cast's customer.
func (w *world) everything(t testing.TB, c cast) things {
	t.Helper()
	id := c.customer.ID
	account := w.Integration(t, dbtest.Integration{CustomerID: id})
	post := w.Post(t, dbtest.Post{CustomerID: id, Integrations: []dbtest.Integration{account}})
	key := w.APIKey(t, dbtest.APIKey{CustomerID: id, CreatedBy: c.owner.ID})
	export, erasure := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into exports (customer_id, id) values ($1, $2)", id, export)
	w.ready(t, c, export)
	w.exec(t, "insert into erasures (id, subject_id, requested_by, has_files) values ($1, gen_random_uuid(), $2, false)", erasure, c.owner.ID)
	invited := into[api.NewInvitation](t, w.invite(t, c, c.owner, key.ID.String()+"@example.com", "viewer"))
	w.limit(t, id, "list-jobs", 1000, 60)
	w.exec(t, "insert into llm_budgets (customer_id, monthly_tokens) values ($1, 1000000) on conflict do nothing", id)
	template := dbtest.NewID(t)
	w.exec(t, "insert into email_templates (customer_id, id, name, html) values ($1, $2, 'Letter ' || gen_random_uuid(), '<p>{{title}}</p>')", id, template)
	hook, message := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "delete from webhook_endpoints where customer_id = $1", id) // there can be 20
	review := dbtest.NewID(t)
	w.exec(t, "insert into post_reviews (customer_id, id, post_id, post_version, verdict, comment) values ($1, $2, $3, 1, 'comment', 'Said')", id, review, post.ID)
	bot := w.ownBot(t, id)
	w.exec(t, "insert into webhook_endpoints (customer_id, id, url) values ($1, $2, 'https://127.0.0.1:1/')", id, hook)
	w.exec(t, "insert into webhook_deliveries (customer_id, id, endpoint_id, event, payload, state, next_at) values ($1, $2, $3, 'webhook.test', '{}', 'failed', null)",
		id, message, hook)
	space := w.Space(t, dbtest.Space{CustomerID: id, PairedBy: c.owner.ID})
	w.Speaks(t, space, "person")
	w.exec(t, "delete from pairings where customer_id = $1", id) // ten can wait
	memory := dbtest.NewID(t)
	w.exec(t, "insert into messages (customer_id, id, space_id, direction, text) values ($1, $2, $3, 'in', 'Said')", id, dbtest.NewID(t), space.ID)
	w.exec(t, "insert into memories (customer_id, id, text) values ($1, $2, 'Remembered')", id, memory)
	w.exec(t, "delete from credentials where customer_id = $1", id) // there is one of each owner
	server, given := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "insert into mcp_servers (customer_id, id, space_id, name, url, created_by) values ($1, $2, $3, 'Server', 'https://mcp.example.com/', $4)", id, server, space.ID, c.owner.ID)
	w.exec(t, "insert into credentials (customer_id, id, space_id, kind, name, provider, model, credential, key_id, created_by) values ($1, $2, $3, 'llm', 'Key', 'anthropic', 'claude', 'x', 1, $4)",
		id, given, space.ID, c.owner.ID)
	w.exec(t, "insert into credentials (customer_id, id, space_id, kind, name, mcp_server_id, login, credential, key_id, created_by) values ($1, gen_random_uuid(), $2, 'mcp', 'Server', $3, 'token', 'x', 1, $4)",
		id, space.ID, server, c.owner.ID)
	work := w.workspace(t, id)
	backup, restore := dbtest.NewID(t), dbtest.NewID(t)
	w.exec(t, "delete from backups where customer_id = $1", id) // one is made at a time
	w.exec(t, "insert into backups (customer_id, id, state, object_id, manifest_sha256, uses, files, bytes, finished_at) values ($1, $2, 'ready', $2, repeat('a', 64), '[]', 1, 1, now())", id, backup)
	w.exec(t, "insert into restores (customer_id, id, backup_id, state, plan) values ($1, $2, $3, 'planned', '{}')", id, restore, backup)
	return things{
		"workspace_id": work.String(), "backup_id": backup.String(), "restore_id": restore.String(),
		"space_id": space.ID.String(), "memory_id": memory.String(), "mcp_server_id": server.String(), "credential_id": given.String(),
		"chat_identity_id": w.Identify(t, space, dbtest.NewID(t).String(), c.owner.ID).String(),
		"pairing_id":       w.Pairing(t, dbtest.Pairing{CustomerID: id, CreatedBy: c.owner.ID}).ID.String(),
		"bot_id":           bot.String(), "webhook_id": hook.String(), "delivery_id": message.String(),
		"platform": "twitter", "connect_session_id": w.choosing(t, id, c.owner.ID).String(),
		"export_id": export.String(), "erasure_id": erasure.String(),
		"invitation_id": invited.ID.String(),
		"operation":     "list-jobs",
		"customer_id":   id.String(), "user_id": c.viewer.ID.String(), "integration_id": account.ID.String(),
		"campaign_id": w.Campaign(t, dbtest.Campaign{CustomerID: id}).ID.String(),
		"post_id":     post.ID.String(), "platform_post_id": post.PlatformPosts[0].String(), "review_id": review.String(),
		"email_template_id": template.String(),
		"media_id":          w.file(t, c).String(),
		"queue_slot_id":     w.QueueSlot(t, id).String(), "recurring_post_id": w.RecurringPost(t, id, post.ID).String(),
		"api_key_id":     key.ID.String(),
		"agent_token_id": w.AgentToken(t, dbtest.AgentToken{CustomerID: id, KeyID: &key.ID}).ID.String(),
	}
}

// workspace is a customer's own, in use: with the files "notes/there.md" and "forged", and the picture "picture.gif".
func (w *world) workspace(t testing.TB, customerID uuid.UUID) uuid.UUID {
	t.Helper()
	mustDo(t, w.work.Create(customerID, uuid.NullUUID{}))
	at := filepath.Join(w.workDir, customerID.String(), "shared")
	mustDo(t, os.MkdirAll(filepath.Join(at, "notes"), 0o750))
	for name, content := range map[string]string{"notes/there.md": "There.", "forged": "There.", "picture.gif": onePixel} {
		mustDo(t, os.WriteFile(filepath.Join(at, name), []byte(content), 0o600))
	}
	id := w.Workspace(t, customerID, nil)
	w.exec(t, "update workspaces set state = 'active', bytes = 47, entries = 4 where id = $1", id)
	return id
}

// file is a file of the cast's customer, uploaded by its owner.
func (w *world) file(t testing.TB, c cast) uuid.UUID {
	t.Helper()
	return into[api.Media](t, w.upload(t, c.owner, c.customer.ID, "", strings.NewReader(onePixel)).want(t, http.StatusCreated)).ID
}

// sessionAccount is the external id of the accounts that choosing offers.
const sessionAccount = "2244994945"

// choosing makes a connect session of somebody's whose accounts are to be chosen.
func (w *world) choosing(t testing.TB, customerID, userID uuid.UUID) uuid.UUID {
	t.Helper()
	id, hash := dbtest.NewID(t), sha256.Sum256([]byte(uuid.NewString()))
	secret := must(json.Marshal(m{
		"Tokens": m{"access_token": "access-of-" + id.String(), "issued_at": time.Now()},
		"Login": m{"ExternalID": sessionAccount, "Name": "Blue Bottle Bakery", "Accounts": []m{
			{"ExternalID": sessionAccount, "Name": "Blue Bottle Bakery", "Kind": "user", "Credential": m{"access_token": "t", "user_id": sessionAccount}},
			{"ExternalID": "another", "Name": "Another", "Kind": "user", "Credential": m{"access_token": "t", "user_id": "another"}},
		}},
	}))
	sealed := must(w.vault.Seal(secret, vault.ConnectSession(customerID, id, "twitter")))
	accounts := must(json.Marshal([]m{{"external_id": sessionAccount, "name": "Blue Bottle Bakery", "url": "", "kind": "user"},
		{"external_id": "another", "name": "Another", "url": "", "kind": "user"}}))
	w.exec(t, `insert into connect_sessions (customer_id, id, platform, user_id, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id, state, accounts)
		values ($1, $2, 'twitter', $3, $4, $4, 'http://127.0.0.1/', 'http://127.0.0.1/', $5, $6, 'choosing', $7)`,
		customerID, id, userID, hash[:], sealed, int64(w.vault.PrimaryKeyID()), accounts)
	return id
}

// fill puts the ids into a path's template.
func (ids things) fill(t testing.TB, template string) string {
	t.Helper()
	if own, has := ids["the customer's own credential"]; has && !strings.Contains(template, "{space_id}") {
		template = strings.ReplaceAll(template, "{credential_id}", own)
	}
	return parameter.ReplaceAllStringFunc(template, func(name string) string {
		id, known := ids[strings.Trim(name, "{}")]
		if !known {
			t.Fatalf("%s: everything() makes no %s", template, name)
		}
		return id
	})
}

// giveKey gives the customer a key of a language model, which belongs to no space.
func (ids things) giveKey(t testing.TB, w *world, by uuid.UUID) {
	t.Helper()
	id := dbtest.NewID(t)
	w.exec(t, "insert into credentials (customer_id, id, kind, name, provider, model, credential, key_id, created_by) values ($1, $2, 'llm', 'Key', 'anthropic', 'claude', 'x', 1, $3)",
		ids["customer_id"], id, by)
	ids["the customer's own credential"] = id.String()
}

// path is one under the customer.
func (c cast) path(format string, args ...any) string {
	return "/v1/customers/" + c.customer.ID.String() + fmt.Sprintf(format, args...)
}

// statuses are what owner, admin, member and viewer are answered, then system admin, manager and viewer, then
// somebody from outside.
type statuses [8]int

// roles asks as everybody.
func (c cast) roles(t *testing.T, want statuses, ask func(t *testing.T, who dbtest.User) answer) {
	t.Helper()
	names := [8]string{"owner", "admin", "member", "viewer", "system admin", "system manager", "system viewer", "outsider"}
	for i, who := range [8]dbtest.User{c.owner, c.admin, c.member, c.viewer, c.sysadmin, c.manager, c.sysviewer, c.outsider} {
		got := ask(t, who)
		if got.status != want[i] {
			t.Errorf("%s: got %d, want %d: %s", names[i], got.status, want[i], got.body)
		}
		if got.status == http.StatusForbidden && strings.Contains(string(got.body), c.customer.Name) {
			t.Errorf("%s: a refusal names the customer", names[i])
		}
	}
}

// The answers to reading, to work on content and to administration.
var (
	reading   = statuses{200, 200, 200, 200, 200, 200, 200, 404}
	creating  = statuses{201, 201, 201, 403, 201, 201, 403, 404}
	working   = statuses{200, 200, 200, 403, 200, 200, 403, 404}
	launching = statuses{202, 202, 202, 403, 202, 202, 403, 404}
	deleting  = statuses{204, 204, 204, 403, 204, 204, 403, 404}
)
