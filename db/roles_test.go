package db_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"fanfare/db/dbtest"
	"fanfare/db/tenant"
)

// may says what each role may do with a table inside its own customer: create, read, update, delete.
// The roles: member roles, then system roles (s-), the worker, keys with all permissions and with those to read,
// and an agent's token made from the former.
var may = map[string]map[string]string{
	"public.customers": {"viewer": "r", "member": "r", "admin": "ru", "owner": "ru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "ru", "worker": "r", "key": "r", "reading key": "r", "agent": "r"},
	"public.memberships": {"viewer": "r", "member": "r", "admin": "rud", "owner": "rud",
		"s-viewer": "r", "s-manager": "r", "s-admin": "rud", "worker": "r", "key": "", "reading key": "", "agent": ""},
	"public.invitations": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	"public.integrations": {"viewer": "r", "member": "r", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "ru", "key": "r", "reading key": "r", "agent": "r"},
	"public.authorizations": {"viewer": "r", "member": "r", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "ru", "key": "r", "reading key": "r", "agent": "r"},
	// Only functions touch it.
	"public.credential_moves": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "", "key": "", "reading key": "", "agent": ""},
	// One's own alone: the one there is, is the owner's.
	"public.connect_sessions": {"viewer": "", "member": "", "admin": "c", "owner": "cru",
		"s-viewer": "", "s-manager": "", "s-admin": "c", "worker": "", "key": "", "reading key": "", "agent": ""},
	"public.campaigns": {"viewer": "r", "member": "crud", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "crud", "s-admin": "crud", "worker": "r", "key": "crud", "reading key": "r", "agent": "crud"},
	"public.posts": {"viewer": "r", "member": "cru", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "cru", "s-admin": "cru", "worker": "ru", "key": "cru", "reading key": "r", "agent": "cru"},
	"public.queue_slots": {"viewer": "r", "member": "crd", "admin": "crd", "owner": "crd",
		"s-viewer": "r", "s-manager": "crd", "s-admin": "crd", "worker": "r", "key": "crd", "reading key": "r", "agent": "crd"},
	"public.recurring_posts": {"viewer": "r", "member": "crud", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "crud", "s-admin": "crud", "worker": "ru", "key": "crud", "reading key": "r", "agent": "crud"},
	"public.platform_posts": {"viewer": "r", "member": "crud", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "crud", "s-admin": "crud", "worker": "ru", "key": "crud", "reading key": "r", "agent": "crud"},
	"public.publish_attempts": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "cru", "key": "r", "reading key": "r", "agent": "r"},
	"public.account_limits": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "cru", "key": "r", "reading key": "", "agent": "r"},
	"public.post_metrics": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "cru", "key": "r", "reading key": "r", "agent": "r"},
	"public.email_templates": {"viewer": "r", "member": "crud", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "crud", "s-admin": "crud", "worker": "r", "key": "crud", "reading key": "r", "agent": "crud"},
	"public.media": {"viewer": "r", "member": "crud", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "crud", "s-admin": "crud", "worker": "r", "key": "crud", "reading key": "r", "agent": "crud"},
	"public.post_media": {"viewer": "r", "member": "crd", "admin": "crd", "owner": "crd",
		"s-viewer": "r", "s-manager": "crd", "s-admin": "crd", "worker": "r", "key": "crd", "reading key": "r", "agent": "crd"},
	"public.platform_post_media": {"viewer": "r", "member": "crd", "admin": "crd", "owner": "crd",
		"s-viewer": "r", "s-manager": "crd", "s-admin": "crd", "worker": "r", "key": "crd", "reading key": "r", "agent": "crd"},
	"public.post_reviews": {"viewer": "r", "member": "cr", "admin": "cr", "owner": "cr",
		"s-viewer": "r", "s-manager": "cr", "s-admin": "cr", "worker": "r", "key": "cr", "reading key": "r", "agent": "cr"},
	"public.api_keys": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "ru", "worker": "r", "key": "", "reading key": "", "agent": ""},
	"public.agent_tokens": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "ru", "worker": "", "key": "cru", "reading key": "", "agent": ""},
	"public.webhook_endpoints": {"viewer": "", "member": "", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	"public.webhook_secrets": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "r", "key": "", "reading key": "", "agent": ""},
	"public.webhook_deliveries": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	"public.exports": {"viewer": "", "member": "", "admin": "crud", "owner": "crud",
		"s-viewer": "", "s-manager": "", "s-admin": "crud", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	"public.rate_limit_rules": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "", "key": "r", "reading key": "r", "agent": "r"},
	// Only functions touch it.
	"public.rate_limits": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "", "key": "", "reading key": "", "agent": ""},
	// Written by functions alone.
	"public.usage_days": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "r", "key": "r", "reading key": "r", "agent": "r"},
	"public.usage_entries": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "r", "key": "r", "reading key": "r", "agent": "r"},
	"public.llm_months": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "", "key": "r", "reading key": "r", "agent": "r"},
	"public.llm_reservations": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "", "key": "", "reading key": "", "agent": ""},
	"public.llm_budgets": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "", "key": "r", "reading key": "r", "agent": "r"},
	// Written by triggers alone, and read by those who answer for the customer.
	"public.audit_log": {"viewer": "", "member": "", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "r", "key": "r", "reading key": "r", "agent": "r"},
	"public.audit_unsealed": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "", "key": "", "reading key": "", "agent": ""},
	"public.audit_seals": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "", "key": "", "reading key": "", "agent": ""},
	"public.spaces": {"viewer": "r", "member": "r", "admin": "ru", "owner": "ru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "ru", "worker": "cru", "key": "r", "reading key": "", "agent": "r"},
	"public.space_people": {"viewer": "", "member": "", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "cru", "key": "r", "reading key": "", "agent": "r"},
	// The one there is, is the owner's: others have their own.
	"public.chat_identities": {"viewer": "", "member": "", "admin": "rd", "owner": "rd",
		"s-viewer": "r", "s-manager": "r", "s-admin": "rd", "worker": "cru", "key": "", "reading key": "", "agent": ""},
	"public.pairings": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "ru", "worker": "ru", "key": "cr", "reading key": "", "agent": "cr"},
	"public.memories": {"viewer": "", "member": "", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "ru", "key": "crud", "reading key": "", "agent": "crud"},
	"public.bots": {"viewer": "r", "member": "r", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "ru", "key": "r", "reading key": "", "agent": "r"},
	"public.mcp_servers": {"viewer": "r", "member": "r", "admin": "crud", "owner": "crud",
		"s-viewer": "r", "s-manager": "r", "s-admin": "crud", "worker": "ru", "key": "r", "reading key": "", "agent": "r"},
	// The one there is, is the space's; the worker deletes what is withdrawn.
	"public.credentials": {"viewer": "r", "member": "r", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "rud", "key": "r", "reading key": "", "agent": "r"},
	"public.messages": {"viewer": "", "member": "", "admin": "rd", "owner": "rd",
		"s-viewer": "r", "s-manager": "r", "s-admin": "rd", "worker": "cr", "key": "r", "reading key": "", "agent": "r"},
	// People change them by functions alone.
	"public.workspaces": {"viewer": "r", "member": "r", "admin": "r", "owner": "r",
		"s-viewer": "r", "s-manager": "r", "s-admin": "r", "worker": "ru", "key": "r", "reading key": "", "agent": "r"},
	"public.file_changes": {"viewer": "", "member": "", "admin": "", "owner": "",
		"s-viewer": "", "s-manager": "", "s-admin": "", "worker": "rd", "key": "", "reading key": "", "agent": ""},
	"public.workspace_policies": {"viewer": "", "member": "", "admin": "r", "owner": "cru",
		"s-viewer": "r", "s-manager": "r", "s-admin": "cru", "worker": "r", "key": "", "reading key": "", "agent": ""},
	"public.backup_status": {"viewer": "", "member": "", "admin": "r", "owner": "r",
		"s-viewer": "", "s-manager": "", "s-admin": "r", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	"public.backups": {"viewer": "", "member": "", "admin": "cr", "owner": "cr",
		"s-viewer": "", "s-manager": "", "s-admin": "cr", "worker": "ru", "key": "", "reading key": "", "agent": ""},
	// The one there is, is done: people forget plans alone.
	"public.restores": {"viewer": "", "member": "", "admin": "cru", "owner": "cru",
		"s-viewer": "", "s-manager": "", "s-admin": "cru", "worker": "rud", "key": "", "reading key": "", "agent": ""},
	"public.drills": {"viewer": "", "member": "", "admin": "r", "owner": "r",
		"s-viewer": "", "s-manager": "", "s-admin": "r", "worker": "cru", "key": "", "reading key": "", "agent": ""},
	// "u" of a job is River's ON CONFLICT alone: TestJobsOfTenants shows that it changes nothing.
	"river.river_job": {"viewer": "r", "member": "cru", "admin": "cru", "owner": "cru",
		"s-viewer": "r", "s-manager": "cru", "s-admin": "cru", "worker": "crud", "key": "cru", "reading key": "r", "agent": "cru"},
}

// commands are statements that are right in every way but, perhaps, for the role, by table and command. A "w"
// in front marks the worker's own.
func commands(t testing.TB, a *house, stranger uuid.UUID) map[string]map[string]string {
	id := newID(t)
	return map[string]map[string]string{
		"public.customers": {
			"c": fmt.Sprintf("insert into customers (id, name) values ('%s', 'x')", id),
			"u": "update customers set name = 'x'",
		},
		"public.memberships": {
			"c": fmt.Sprintf("insert into memberships (user_id, role) values ('%s', 'viewer')", stranger),
			"u": fmt.Sprintf("update memberships set role = 'member' where user_id = '%s'", a.people["extra"].ID),
			"d": fmt.Sprintf("delete from memberships where user_id = '%s'", a.people["extra"].ID),
		},
		"public.invitations": {
			"c":  fmt.Sprintf("insert into invitations (id, email, role, token_hash) values ('%s', 'new@example.com', 'admin', sha256('new'))", id),
			"u":  "update invitations set revoked_at = now()",
			"wu": "update invitations set sent_at = now(), sealed_token = null, key_id = null",
		},
		"public.integrations": {
			"c": fmt.Sprintf("insert into integrations (id, platform, external_id, name, credential, key_id) values ('%s', 'ghost', 'x', 'x', 'x', 1)", id),
			"u": fmt.Sprintf("update integrations set name = 'x' where id = '%s'", a.account),
			"d": fmt.Sprintf("delete from integrations where id = '%s'", a.account),
		},
		"public.authorizations": {
			"c":  fmt.Sprintf("insert into authorizations (id, platform, external_id, name, credential, key_id) values ('%s', 'twitter', 'x', 'x', 'x', 1)", id),
			"u":  "update authorizations set name = 'x'",
			"wu": "update authorizations set failures = 1",
			"d":  "delete from authorizations",
		},
		"public.credential_moves": {
			"c": fmt.Sprintf("insert into credential_moves (id, old_owner_id, deadline) values ('%s', '%s', now())", id, stranger),
			"u": "update credential_moves set deadline = now() + interval '1 year'",
			"d": "delete from credential_moves",
		},
		"public.connect_sessions": {
			"c": fmt.Sprintf(`insert into connect_sessions (id, platform, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
				values ('%s', 'twitter', sha256('x'), sha256('x'), 'x', 'x', 'x', 1)`, id),
			"u": "update connect_sessions set result = 'access_denied', state = 'failed'",
			"d": "delete from connect_sessions",
		},
		"public.campaigns": {
			"c": fmt.Sprintf("insert into campaigns (id, name) values ('%s', 'x')", id),
			"u": "update campaigns set name = 'x'",
		},
		"public.posts": {
			"c":  fmt.Sprintf("insert into posts (id, text) values ('%s', 'x')", id),
			"u":  fmt.Sprintf("update posts set title = 'x' where id = '%s'", a.posts[0]),
			"wu": fmt.Sprintf("update posts set state = state where id = '%s'", a.posts[0]),
			"d":  fmt.Sprintf("delete from posts where id = '%s'", a.posts[1]),
		},
		"public.queue_slots": {
			"c": fmt.Sprintf("insert into queue_slots (id, weekday, local_time) values ('%s', 2, '10:00')", id),
			"u": "update queue_slots set weekday = 4",
		},
		"public.recurring_posts": {
			"c":  fmt.Sprintf("insert into recurring_posts (id, post_id, rrule, starts_local) values ('%s', '%s', 'FREQ=DAILY', '2026-01-01')", id, a.posts[0]),
			"u":  "update recurring_posts set rrule = 'FREQ=DAILY'",
			"wu": "update recurring_posts set problem = 'x'",
		},
		"public.platform_posts": {
			"c":  fmt.Sprintf("insert into platform_posts (id, post_id, integration_id) values ('%s', '%s', '%s')", id, a.posts[1], a.account),
			"u":  "update platform_posts set text = 'x'",
			"wu": "update platform_posts set checkpoint = '{}'",
		},
		"public.publish_attempts": {
			"c": fmt.Sprintf("insert into publish_attempts (platform_post_id, number, job_id) values ('%s', 2, 1)", a.platform),
			"u": "update publish_attempts set message = 'x'",
		},
		"public.account_limits": {
			"c": fmt.Sprintf("insert into account_limits (integration_id, remaining) values ('%s', 1)", a.account),
			"u": "update account_limits set remaining = 1",
		},
		"public.post_metrics": {
			"c": fmt.Sprintf("insert into post_metrics (platform_post_id, day) values ('%s', '2030-03-03')", a.platform),
			"u": "update post_metrics set likes = 1",
		},
		"public.media": {
			"c": fmt.Sprintf("insert into media (id, path, content_type, bytes) values ('%s', 'x', 'image/png', 1)", id),
			"u": fmt.Sprintf("update media set alt_text = 'x' where id = '%s'", a.file),
			"d": fmt.Sprintf("delete from media where id = '%s'", a.spare),
		},
		"public.email_templates": {
			"c": fmt.Sprintf("insert into email_templates (id, name, html) values ('%s', 'x', 'x')", id),
			"u": "update email_templates set name = 'x'",
			"d": fmt.Sprintf("delete from email_templates where id = '%s'", a.template),
		},
		"public.post_media": {
			"c": fmt.Sprintf("insert into post_media (post_id, media_id, position) values ('%s', '%s', 0)", a.posts[1], a.file),
			"u": "update post_media set position = 3",
		},
		"public.platform_post_media": {
			"c": fmt.Sprintf("insert into platform_post_media (platform_post_id, media_id, position) values ('%s', '%s', 1)", a.platform, a.spare),
			"u": "update platform_post_media set position = 3",
		},
		"public.post_reviews": {
			"c": fmt.Sprintf("insert into post_reviews (id, post_id, post_version, verdict, comment) values ('%s', '%s', 1, 'comment', 'x')", id, a.posts[0]),
			"u": "update post_reviews set comment = 'y'",
		},
		"public.api_keys": {
			"c": fmt.Sprintf("insert into api_keys (id, name, prefix, key_hash, permissions) values ('%s', 'x', 'ffk_ABCDEF', sha256('x'), '{posts:read}')", id),
			"u": fmt.Sprintf("update api_keys set name = 'x' where id = '%s'", a.key.ID),
		},
		"public.agent_tokens": {
			"c": fmt.Sprintf("insert into agent_tokens (id, name, permissions, expires_at) values ('%s', 'x', '{posts:read}', now())", id),
			"u": "update agent_tokens set revoked_at = now()",
		},
		"public.exports": {
			"c":  fmt.Sprintf("insert into exports (id) values ('%s')", id),
			"u":  "update exports set expires_at = now()",
			"wu": "update exports set problem = 'x'",
		},
		"public.bots": {
			"c":  fmt.Sprintf("insert into bots (id, platform, bot, credential, key_id) values ('%s', 'telegram', '%s', 'x', 1)", id, id),
			"u":  "update bots set name = 'x'",
			"d":  "delete from bots",
			"wu": "update bots set state = 'refused'",
		},
		"public.webhook_endpoints": {
			"c":  fmt.Sprintf("insert into webhook_endpoints (id, url) values ('%s', 'https://x.example')", id),
			"u":  "update webhook_endpoints set state = 'paused'",
			"wu": "update webhook_endpoints set failures = 1",
		},
		"public.webhook_secrets": {
			"c": fmt.Sprintf("insert into webhook_secrets (id, endpoint_id, sealed, key_id) values ('%s', '%s', 'x', 1)", id, a.hook),
			"u": "update webhook_secrets set expires_at = now()",
			"d": "delete from webhook_secrets",
		},
		"public.webhook_deliveries": {
			"c":  fmt.Sprintf("insert into webhook_deliveries (id, endpoint_id, event, payload) values ('%s', '%s', 'webhook.test', '{}')", id, a.hook),
			"u":  "update webhook_deliveries set state = 'pending'",
			"wu": "update webhook_deliveries set status = 200",
			"d":  "delete from webhook_deliveries",
		},
		"public.rate_limit_rules": {
			"c": "insert into rate_limit_rules (endpoint, quota, window_seconds) values ('x', 1, 1)",
			"u": "update rate_limit_rules set quota = 2",
		},
		"public.rate_limits": {
			"c": "insert into rate_limits (endpoint, tat) values ('x', now())",
			"u": "update rate_limits set tat = now()",
		},
		"public.usage_days": {
			"c": "insert into usage_days (day, kind, count) values ('2030-01-02', 'x', 1)",
			"u": "update usage_days set count = 2",
		},
		"public.usage_entries": {
			"c": "insert into usage_entries (kind) values ('x')",
			"u": "update usage_entries set count = 2",
		},
		"public.llm_months": {
			"c": "insert into llm_months (month) values ('2030-01-01')",
			"u": "update llm_months set tokens = 0",
		},
		"public.llm_reservations": {
			"c": fmt.Sprintf("insert into llm_reservations (id, kind, own_key, tokens, cost_microusd) values ('%s', 'x', false, 1, 0)", id),
			"u": "update llm_reservations set tokens = 1",
		},
		"public.llm_budgets": {
			// there is one already
			"c": "insert into llm_budgets (monthly_tokens) values (1) on conflict (customer_id) do update set monthly_tokens = 3",
			"u": "update llm_budgets set monthly_tokens = 2",
		},
		"public.audit_log": {
			"c": fmt.Sprintf("insert into audit_log (customer_id, id, actor_kind, action, resource_type) values ('%s', '%s', 'user', 'x', 'x')", a.id, id),
			"u": "update audit_log set action = 'x'",
			"d": "delete from audit_log",
		},
		"public.audit_unsealed": {
			"c": fmt.Sprintf("insert into audit_unsealed (customer_id, id, digest) values ('%s', '%s', 'x')", a.id, id),
			"u": "update audit_unsealed set digest = 'x'",
			"d": "delete from audit_unsealed",
		},
		"public.audit_seals": {
			"c": fmt.Sprintf("insert into audit_seals values ('%s', 1000, now(), '{}', '', '', '')", a.id),
			"u": "update audit_seals set number = 7",
			"d": "delete from audit_seals",
		},
		"public.spaces": {
			"c": fmt.Sprintf(`insert into spaces (id, platform, bot, kind, external_id, permissions, paired_by)
				values ('%s', 'telegram', '1', 'user', 'x', '{posts:read}', '%s')`, id, a.people["owner"].ID),
			"u":  "update spaces set title = 'x'",
			"wu": "update spaces set unreachable_at = now()",
		},
		"public.space_people": {
			"c": fmt.Sprintf("insert into space_people (id, space_id, external_id) values ('%s', '%s', 'x')", id, a.space.ID),
			"u": "update space_people set left_at = now()",
		},
		"public.chat_identities": {
			"c": fmt.Sprintf("insert into chat_identities (id, platform, bot, external_id, user_id) values (gen_random_uuid(), 'slack', '1', 'x', '%s')", a.people["viewer"].ID),
			"u": fmt.Sprintf("update chat_identities set user_id = '%s'", a.people["viewer"].ID),
		},
		"public.pairings": {
			"c": fmt.Sprintf(`insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own)
				values ('%s', 'telegram', '1', sha256('x'), sha256('x'), '{posts:read}', false)`, id),
			"u":  "update pairings set state = 'denied'",
			"wu": "update pairings set state = 'expired'",
		},
		"public.memories": {
			"c":  fmt.Sprintf("insert into memories (id, text) values ('%s', 'x')", id),
			"u":  "update memories set text = 'x'",
			"wu": "update memories set embedding_model = 'x'",
			"d":  fmt.Sprintf("delete from memories where id = '%s'", a.memory),
		},
		"public.mcp_servers": {
			"c":  fmt.Sprintf("insert into mcp_servers (id, space_id, name, url) values ('%s', '%s', 'x', 'https://x.example.com/')", id, a.space.ID),
			"u":  "update mcp_servers set name = 'x'",
			"wu": "update mcp_servers set status = 'failing'",
			"d":  "delete from mcp_servers",
		},
		"public.credentials": {
			"c":  fmt.Sprintf("insert into credentials (id, kind, name, provider, model, credential, key_id) values ('%s', 'llm', 'x', 'openai', 'x', 'x', 1)", id),
			"u":  "update credentials set name = 'x'",
			"wu": "update credentials set status = 'failing'",
			"d":  "delete from credentials",
		},
		"public.messages": {
			"c": fmt.Sprintf("insert into messages (id, space_id, direction, text) values ('%s', '%s', 'out', 'x')", id, a.space.ID),
			"u": "update messages set text = 'x'",
		},
		"public.workspaces": {
			"c": "insert into workspaces (id) values (gen_random_uuid())",
			"u": "update workspaces set bytes = 1 where space_id is null",
			"d": "delete from workspaces where space_id is null",
		},
		"public.file_changes": {
			"c": fmt.Sprintf("insert into file_changes (customer_id, id, workspace_id, kind, bytes) values (tenancy.customer_id(), '%s', '%s', 'write', 1)", id, a.work),
			"u": "update file_changes set bytes = 0",
		},
		"public.workspace_policies": {
			"c": "insert into workspace_policies (unused_days) values (7) on conflict (customer_id) do update set unused_days = 7",
			"u": "update workspace_policies set archive_days = 7",
		},
		"public.backup_status": {
			"c": "insert into backup_status (customer_id) values (tenancy.customer_id())",
			"u": "update backup_status set last_good_at = now()",
		},
		"public.backups": {
			"c": fmt.Sprintf("insert into backups (id) values ('%s')", id),
			"u": "update backups set files = 7",
		},
		"public.restores": {
			"c":  fmt.Sprintf("insert into restores (id, backup_id) values ('%s', '%s')", id, a.backup),
			"u":  "update restores set state = 'done'",
			"wu": "update restores set problem = 'x'",
		},
		"public.drills": {
			"c": fmt.Sprintf("insert into drills (id, backup_id) values ('%s', '%s')", id, a.backup),
			"u": "update drills set problem = 'x'",
		},
		"river.river_job": {
			"c": fmt.Sprintf(`insert into river.river_job (args, kind, max_attempts, state) values ('{"customer_id": "%s"}', 'publish', 1, 'available')`, a.id),
			"u": "update river.river_job set kind = kind where customer_id = tenancy.customer_id()",
			"d": fmt.Sprintf("delete from river.river_job where id = %d", a.job),
		},
	}
}

// TestRolesByTable: role by table by command, each tried.
func TestRolesByTable(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	newHouse(t, d, "theirs") // an UPDATE without a condition must not reach it
	statements := commands(t, a, d.User(t, dbtest.User{}).ID)
	wanted := append(tenantTables(ctx, t, d.Super), "public.customers")
	slices.Sort(wanted)
	if diff := cmp.Diff(wanted, slices.Sorted(maps.Keys(may))); diff != "" {
		t.Fatalf("tables (-schema +table of rights):\n%s", diff)
	}
	scopes := map[string]tenant.Scope{"worker": tenant.Worker(a.id, tenant.Request{})}
	for _, role := range []string{"viewer", "member", "admin", "owner"} {
		scopes[role] = a.people[role].Scope().In(a.id)
	}
	for _, role := range []string{"viewer", "manager", "admin"} {
		scopes["s-"+role] = d.User(t, dbtest.User{SystemRole: role}).Scope().In(a.id)
	}
	scopes["key"] = a.key.Scope().In(a.id)
	scopes["reading key"] = d.APIKey(t, dbtest.APIKey{CustomerID: a.id, CreatedBy: a.people["owner"].ID,
		Permissions: []string{"customer:read", "campaigns:read", "posts:read", "jobs:read", "audit:read"}}).Scope().In(a.id)
	scopes["agent"] = a.token.Scope().In(a.id)
	errUndo := errors.New("undo")
	run := func(role, sql string) (rows int64, err error) {
		db := d.Tenant()
		if role == "worker" {
			db = d.TenantWorker()
		}
		err = db.Tx(ctx, scopes[role], func(ctx context.Context, tx *tenant.Tx) error {
			tag, err := tx.Exec(ctx, sql)
			if err != nil {
				return err
			}
			rows = tag.RowsAffected()
			return errUndo
		})
		if errors.Is(err, errUndo) {
			err = nil
		}
		return rows, err
	}
	for table, roles := range may {
		where, values := "id::text = $1", []any{a.id.String()}
		if table != "public.customers" {
			where, values = key(ctx, t, d, table, a.id)
		}
		for i, value := range values {
			where = strings.ReplaceAll(where, fmt.Sprintf("$%d", i+1), fmt.Sprintf("'%s'", value))
		}
		if table == "public.workspaces" {
			where = "space_id is null" // those of spaces are for others
		}
		for role, rights := range roles {
			for _, command := range []string{"c", "r", "u", "d"} {
				t.Run(table+"/"+role+"/"+command, func(t *testing.T) {
					sql := statements[table][command]
					if own := statements[table]["w"+command]; role == "worker" && own != "" {
						sql = own
					}
					switch {
					case command == "r":
						sql = fmt.Sprintf("select 1 from %s where %s", table, where)
					case command == "d" && sql == "":
						sql = fmt.Sprintf("delete from %s where %s", table, where)
					}
					rows, err := run(role, sql)
					allowed := strings.Contains(rights, command)
					switch {
					case allowed && (err != nil || rows != 1):
						t.Errorf("%s: %d rows, %v; want 1 row", sql, rows, err)
					case !allowed && err != nil && refused(err).Code != denied:
						t.Errorf("%s: %v, want code %s", sql, err, denied)
					case !allowed && err == nil && rows != 0:
						t.Errorf("%s: reached %d rows", sql, rows)
					case !allowed && err == nil && command == "c":
						t.Errorf("%s: not refused", sql)
					}
				})
			}
		}
	}
}

// TestMembersRules: what a role may do depends on whose membership it is.
func TestMembersRules(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	b := newHouse(t, d, "theirs")
	system := d.User(t, dbtest.User{SystemRole: "admin"}).Scope()
	stranger := d.User(t, dbtest.User{})
	id := func(role string) uuid.UUID { return a.people[role].ID }
	scope := func(role string) tenant.Scope { return a.people[role].Scope().In(a.id) }
	errUndo := errors.New("undo")
	for _, test := range []struct {
		name  string
		scope tenant.Scope
		sql   string
		args  []any
		rows  int64 // when it is not refused
		code  string
	}{
		{"nobody adds people without asking them", scope("owner"), "insert into memberships (user_id, role) values ($1, 'viewer')", []any{stranger.ID}, 0, denied},
		{"not even a system admin", system.In(a.id), "insert into memberships (user_id, role) values ($1, 'viewer')", []any{stranger.ID}, 0, denied},
		{"an admin invites no owner", scope("admin"), "insert into invitations (id, email, role, token_hash) values ($1, 'x@example.com', 'owner', sha256('x'))", []any{newID(t)}, 0, denied},
		{"an owner invites an owner", scope("owner"), "insert into invitations (id, email, role, token_hash) values ($1, 'x@example.com', 'owner', sha256('x'))", []any{newID(t)}, 1, ""},
		{"nobody invites in another's name", scope("owner"), "insert into invitations (id, email, role, token_hash, invited_by) values ($1, 'x@example.com', 'viewer', sha256('x'), $2)", []any{newID(t), id("admin")}, 0, denied},
		{"an invitation is not prolonged", scope("owner"), "update invitations set expires_at = now() + interval '1 year'", nil, 0, denied},
		{"an invitation is not accepted by hand", scope("owner"), "update invitations set accepted_at = now()", nil, 0, denied},
		{"a token's hash is not read", scope("owner"), "select token_hash from invitations", nil, 0, denied},
		{"a sealed token is not read", system.In(a.id), "select sealed_token from invitations", nil, 0, denied},
		{"an invitation is not accepted inside a customer", scope("viewer"), "select tenancy.accept_invitation($1)", []any{tokenHash(a.mark)}, 0, denied},
		{"a webhook's secret is not read", scope("owner"), "select sealed from webhook_secrets", nil, 0, denied},
		{"nor by a system admin", system.In(a.id), "select sealed from webhook_secrets", nil, 0, denied},
		{"nobody makes up what happened", scope("owner"), "insert into webhook_deliveries (id, endpoint_id, event, payload) values ($1, $2, 'post.published', '{}')", []any{newID(t), a.hook}, 0, denied},
		{"nobody says that a message has arrived", scope("owner"), "update webhook_deliveries set state = 'failed'", nil, 0, denied},
		{"nobody changes what a message says", scope("owner"), "update webhook_deliveries set payload = '{}'", nil, 0, denied},
		{"a bot's token is not read", scope("owner"), "select credential from bots", nil, 0, denied},
		{"nor by a system admin", system.In(a.id), "select credential from bots", nil, 0, denied},
		{"nobody says of a bot that it is refused", scope("owner"), "update bots set state = 'refused'", nil, 0, denied},
		{"nobody disables a webhook in its name", scope("owner"), "update webhook_endpoints set state = 'disabled'", nil, 0, denied},
		{"an admin promotes nobody to owner", scope("admin"), "update memberships set role = 'owner' where user_id = $1", []any{id("member")}, 0, denied},
		{"an admin does not become owner", scope("admin"), "update memberships set role = 'owner' where user_id = $1", []any{id("admin")}, 0, denied},
		{"an admin demotes no owner", scope("admin"), "update memberships set role = 'viewer' where user_id = $1", []any{id("owner")}, 0, ""},
		{"an admin removes no owner", scope("admin"), "delete from memberships where user_id = $1", []any{id("owner")}, 0, ""},
		{"an owner makes an owner", scope("owner"), "update memberships set role = 'owner' where user_id = $1", []any{id("admin")}, 1, ""},
		{"a viewer leaves", scope("viewer"), "delete from memberships where user_id = $1", []any{id("viewer")}, 1, ""},
		{"a viewer removes nobody else", scope("viewer"), "delete from memberships", nil, 1, ""},
		{"a viewer does not promote itself", scope("viewer"), "update memberships set role = 'owner'", nil, 0, ""},
		{"the last owner does not leave", scope("owner"), "delete from memberships where user_id = $1", []any{id("owner")}, 0, badCheck},
		{"the last owner is not demoted", scope("owner"), "update memberships set role = 'admin' where user_id = $1", []any{id("owner")}, 0, badCheck},
		{"the last owner is not removed among others", scope("owner"), "delete from memberships", nil, 0, badCheck},
		{"a system admin does not remove the last owner", system.In(a.id), "delete from memberships where role = 'owner'", nil, 0, badCheck},
		{"a membership does not move to another person", scope("owner"), "update memberships set user_id = $1 where user_id = $2", []any{stranger.ID, id("viewer")}, 0, denied},
		{"nobody is made system admin", scope("owner"), "insert into system_roles (user_id, role) values ($1, 'admin')", []any{id("owner")}, 0, denied},
		{"not even by a system admin", system, "insert into system_roles (user_id, role) values ($1, 'admin')", []any{id("owner")}, 0, denied},
		{"a system admin changes only the entered customer", system.In(a.id), "update customers set name = 'x'", nil, 1, ""},
		{"a system admin changes no customer without entering it", system, "update customers set name = 'x' where id = $1", []any{b.id}, 0, denied},
		{"an admin does not archive", scope("admin"), "update customers set archived_at = now()", nil, 0, denied},
		{"an owner archives", scope("owner"), "update customers set archived_at = now()", nil, 1, ""},
		{"a user is seen by colleagues only", scope("owner"), "select 1 from users where id = $1", []any{b.people["owner"].ID}, 0, ""},
		{"and in no customer by nobody", a.people["owner"].Scope(), "select 1 from users where id = $1", []any{id("admin")}, 0, ""},
		{"a customer is not made inside another", scope("owner"), "select tenancy.create_customer($1, 'x', '', '', '', 'en', 'UTC')", []any{newID(t)}, 0, denied},
		{"a user is not registered by a tenant", scope("owner"), "select tenancy.register_user($1, 'x', null, true, null)", []any{newID(t)}, 0, denied},
		{"a tenant does not enter another", scope("owner"), "select tenancy.enter_user($1, $2, '')", []any{b.people["owner"].Subject, b.id}, 0, denied},
		{"a tenant is no worker", scope("owner"), "select tenancy.enter_worker($1, '')", []any{b.id}, 0, denied},
		{"a tenant does not look for stranded posts", scope("owner"), "select tenancy.stranded_platform_posts('1s', 10)", nil, 0, denied},
	} {
		t.Run(test.name, func(t *testing.T) {
			var rows int64
			err := d.Tenant().Tx(ctx, test.scope, func(ctx context.Context, tx *tenant.Tx) error {
				tag, err := tx.Exec(ctx, test.sql, test.args...)
				if err != nil {
					return err
				}
				rows = tag.RowsAffected()
				return errUndo
			})
			if test.code != "" {
				expectRefused(t, test.sql, err, test.code)
			} else if !errors.Is(err, errUndo) || rows != test.rows {
				t.Errorf("%s: %d rows, %v; want %d", test.sql, rows, err, test.rows)
			}
		})
	}
}

// TestArchived: in an archived customer everybody only reads; an owner ends it, and that is all they change.
func TestArchived(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	if _, err := d.Super.Exec(ctx, "update customers set archived_at = now() where id = $1", a.id); err != nil {
		t.Fatal(err)
	}
	stranger := d.User(t, dbtest.User{})
	errUndo := errors.New("undo")
	for role, scope := range map[string]tenant.Scope{
		"owner": a.people["owner"].Scope().In(a.id), "s-admin": d.User(t, dbtest.User{SystemRole: "admin"}).Scope().In(a.id),
	} {
		for table, statements := range commands(t, a, stranger.ID) {
			for command, sql := range statements {
				if strings.HasPrefix(command, "w") || (table == "public.agent_tokens" || table == "public.pairings") && command == "u" || table == "public.memories" && command == "d" ||
					table == "public.exports" || table == "public.backups" || table == "public.workspace_policies" {
					// the worker's own; revoking, denying and forgetting, which is never too much; taking one's data out, see TestExportsOfArchived and TestRestoreStates;
					// and a legal hold, see TestWorkspacePolicies
					continue
				}
				var rows int64
				err := d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
					tag, err := tx.Exec(ctx, sql)
					rows = tag.RowsAffected()
					return err
				})
				if err == nil && rows != 0 || err != nil && refused(err).Code != denied {
					t.Errorf("%s %s as %s: %d rows, %v", table, command, role, rows, err)
				}
			}
		}
		err := d.Tenant().Tx(ctx, scope, func(ctx context.Context, tx *tenant.Tx) error {
			tag, err := tx.Exec(ctx, "update customers set archived_at = null")
			if err == nil && tag.RowsAffected() == 1 {
				err = errUndo
			}
			return err
		})
		if !errors.Is(err, errUndo) {
			t.Errorf("the %s cannot end the archiving: %v", role, err)
		}
		if rows := one[int64](ctx, t, d.Tenant().Read(scope), "select count(*) from posts"); rows != 2 {
			t.Errorf("the %s sees %d posts, want 2", role, rows)
		}
	}
	// No role is not the role of a viewer.
	viewer := one[bool](ctx, t, d.TenantWorker().Read(tenant.Worker(a.id, tenant.Request{})),
		"select tenancy.has_role('viewer') or tenancy.has_system_role('viewer')")
	if viewer {
		t.Error("the worker counts as a viewer")
	}
}

// TestLeftoverSettings: what a session has set for itself does not survive entering.
func TestLeftoverSettings(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	a := newHouse(t, d, "ours")
	conn, err := pgx.Connect(ctx, d.LoginURL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `set fanfare.system_role = 'admin'; set fanfare.member_role = 'owner'; set fanfare.archived = 'off';
		set fanfare.customer_ids = '{00000000-0000-0000-0000-000000000000}'`); err != nil {
		t.Fatal(err)
	}
	enter := "select tenancy.enter_user('" + a.people["viewer"].Subject + "', %s, '{}')"
	state := "select concat_ws('|', current_setting('fanfare.system_role', true), current_setting('fanfare.member_role', true), current_setting('fanfare.archived', true))"
	for customer, want := range map[string]string{"'" + a.id.String() + "'": "|viewer|", "null": "||"} {
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := one[string](ctx, t, tx, fmt.Sprintf(enter, customer)); got != "fanfare_user" {
			t.Errorf("entered as %s", got)
		}
		if got := one[string](ctx, t, tx, state); got != want {
			t.Errorf("system role, member role, archived: %q, want %q", got, want)
		}
		if err := tx.Rollback(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, leftover := range []string{"set fanfare.user_id = '%s'", "set fanfare.customer_id = '%s'", "set role fanfare_user -- %s"} {
		if _, err := conn.Exec(ctx, fmt.Sprintf(leftover, a.id)); err != nil {
			t.Fatal(err)
		}
		_, err := conn.Exec(ctx, fmt.Sprintf(enter, "null"))
		expectRefused(t, "entering after "+leftover, err, denied)
		if _, err := conn.Exec(ctx, "reset role; reset fanfare.user_id; reset fanfare.customer_id"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTwoOwnersLeave: of two owners who leave at the same moment one stays, whichever comes second; they
// wait for each other and do not deadlock.
func TestTwoOwnersLeave(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := dbtest.New(t)
	for _, sql := range []string{"delete from memberships where user_id = $1", "update memberships set role = 'viewer' where user_id = $1"} {
		t.Run(sql[:6], func(t *testing.T) {
			c := d.Customer(t, dbtest.Customer{})
			first, second := d.Member(t, c.ID, "owner"), d.Member(t, c.ID, "owner")
			left, waiting := make(chan struct{}), make(chan struct{})
			var wait sync.WaitGroup
			errs := make([]error, 2)
			wait.Go(func() {
				errs[0] = d.Tenant().Tx(ctx, first.Scope().In(c.ID), func(ctx context.Context, tx *tenant.Tx) error {
					_, err := tx.Exec(ctx, sql, first.ID)
					close(left)
					<-waiting // the second has asked, and can only be waiting
					return err
				})
			})
			wait.Go(func() {
				<-left
				errs[1] = d.Tenant().Tx(ctx, second.Scope().In(c.ID), func(ctx context.Context, tx *tenant.Tx) error {
					pid := one[int32](ctx, t, tx, "select pg_backend_pid()")
					go func() {
						defer close(waiting)
						awaitLock(ctx, t, d, pid)
					}()
					_, err := tx.Exec(ctx, sql, second.ID)
					return err
				})
			})
			wait.Wait()
			if errs[0] != nil {
				t.Errorf("the first owner: %v", errs[0])
			}
			if got, want := refused(errs[1]), (refusal{badCheck, "memberships_keep_an_owner"}); got != want {
				t.Errorf("the second owner: %v (%v), want %v", got, errs[1], want)
			}
			if owners := one[int64](ctx, t, d.Super, "select count(*) from memberships where customer_id = $1 and role = 'owner'", c.ID); owners != 1 {
				t.Errorf("%d owners are left", owners)
			}
		})
	}
}

// awaitLock returns when the backend waits for a lock, and fails the test if it does not within 10 s.
func awaitLock(ctx context.Context, t testing.TB, d *dbtest.DB, pid int32) {
	deadline := time.Now().Add(time.Minute)
	for {
		var waits bool
		err := d.Super.QueryRow(ctx, "select coalesce(wait_event_type = 'Lock', false) from pg_stat_activity where pid = $1", pid).Scan(&waits)
		if err != nil {
			t.Errorf("look for the waiting backend: %v", err)
			return
		}
		if waits {
			return
		}
		if time.Now().After(deadline) {
			t.Error("the second transaction does not wait for the first")
			return
		}
		time.Sleep(2 * time.Millisecond) // a pause between looks, not a wait for luck
	}
}
