package db_test

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fanfare/db"
	"fanfare/db/dbtest"
)

// The rules of docs/tenancy that the catalogue can tell. Each is a function that reads pg_catalog and returns
// violations, so that a table, view, function or grant which is added tomorrow is held to them without
// anybody remembering this file. Exceptions stand in the lists below, each with its reason. Each rule also
// names changes that break it ("spoils"): a rule that does not notice them proves nothing.

// rule is one rule of the catalogue.
type rule struct {
	name       string
	violations func(ctx context.Context, t testing.TB, q querier) []string
	spoils     []spoil
}

// spoil is a change that breaks a rule, and a part of the violation that must then be reported.
type spoil struct{ sql, want string }

// tenantRoles are the roles that reach tenant data; peopleRoles are those among them that a request enters.
var (
	tenantRoles = []string{"fanfare_user", "fanfare_agent", "fanfare_admin", "fanfare_worker", "fanfare_backup"}
	peopleRoles = []string{"fanfare_user", "fanfare_agent", "fanfare_admin"}
)

// globalTables have no customer_id.
var globalTables = map[string]string{
	"public.customers":          "the tenant itself: its id is the customer_id of all others",
	"public.users":              "a person works for many customers",
	"public.system_roles":       "a role over all customers",
	"public.idempotency_keys":   "a key belongs to who chose it, and customers are made with one too",
	"public.agent_token_keys":   "the installation's keys that sign agent tokens, sealed",
	"public.erasures":           "receipts of customers that are gone, for whoever asked and for system roles",
	"public.old_credentials":    "from an earlier installation, where they belonged to people",
	"public.login_revocations":  "hashes of logins of whatever customers, of which nobody reads more than whether their own is there",
	"public.workers":            "processes of ours, not data of anybody",
	"public.app_limits":         "what a platform takes from the installation's application, of no customer",
	"public.chat_updates":       "what happens in chats, most of which are nobody's; forgotten once it is handled",
	"public.chat_outbox":        "what is to be said in chats, also in those that are nobody's; forgotten once it is said",
	"public.chat_polls":         "who fetches a bot's updates",
	"public.caller_rate_limits": "what callers in no customer and unknown addresses have used of their limits",
	"public.schema_migrations":  "dbmate's list of migrations",
	"river.river_leader":        "which worker leads the queue",
	"river.river_queue":         "names of queues",
	"river.river_notification":  "River's outbox, which Postgres does not use",
}

// withoutRLS are global tables without row-level security. No role of people may have any grant on them.
var withoutRLS = []string{"public.schema_migrations", "river.river_leader", "river.river_queue", "river.river_notification"}

// restrictiveElsewhere are tenant tables on which a role that has grants is not under the restrictive policy.
var restrictiveElsewhere = map[string]string{
	"river.river_job fanfare_worker": "the worker runs the queue of all customers",
}

// tenantQuals are restrictive policies that compare with something else than the entered customer.
var tenantQuals = map[string]string{
	// a system role that has entered no customer reads the log of the installation
	"public.audit_log": "(customer_id = ( SELECT tenancy.audit_customer_id() AS audit_customer_id))",
}

// tenantChecks are restrictive policies whose WITH CHECK asks for more than the customer.
var tenantChecks = map[string]string{
	"public.audit_log": "(customer_id = ( SELECT tenancy.audit_customer_id() AS audit_customer_id))",
	"river.river_job":  "((customer_id = ( SELECT tenancy.customer_id() AS customer_id)) AND ((args ->> 'customer_id'::text) = (customer_id)::text))",
}

// allCommands are permissive policies FOR ALL of a role of people.
var allCommands = map[string]string{}

// indexesWithoutCustomer are indexes of tenant tables that do not begin with customer_id.
var indexesWithoutCustomer = map[string]string{
	"memberships_by_user":                    "asked before a tenant is known: which customers is this user in",
	"api_keys_by_hash":                       "a key is looked up before a tenant is known",
	"authorizations_to_renew":                "what falls due next, of all customers: tenancy.authorizations_to_do",
	"authorizations_to_expire":               "as authorizations_to_renew, of what cannot be renewed",
	"authorizations_to_remind":               "as authorizations_to_renew: tenancy.authorizations_to_remind",
	"authorizations_by_login":                "whether another customer needs the same login: tenancy.begin_login_revocation says yes or no",
	"platform_posts_to_measure":              "what falls due next, of all customers: tenancy.posts_to_measure",
	"integrations_to_check":                  "what was not looked at for the longest, of all customers: tenancy.integrations_to_check",
	"recurring_posts_to_look_at":             "what is to be looked at next, of all customers: tenancy.recurring_posts_to_do",
	"agent_tokens_by_expiry":                 "what has long expired, of all customers, to be forgotten",
	"connect_sessions_by_state":              "whoever comes back from a platform has entered no customer yet: tenancy.enter_connect looks their session up by its hash",
	"media_to_remove":                        "what is to go, of all customers: tenancy.media_to_remove",
	"invitations_by_token":                   "whoever accepts an invitation has entered no customer yet: tenancy.accept_invitation looks it up by its hash",
	"webhook_deliveries_due":                 "what is due, of all customers: tenancy.webhooks_due",
	"webhook_deliveries_by_age":              "what is too old, of all customers, to be forgotten",
	"webhook_secrets_by_expiry":              "as webhook_deliveries_by_age",
	"pairings_open":                          "who types a code has entered no customer yet: tenancy.find_pairing_by_code",
	"pairings_by_link":                       "as pairings_open: tenancy.find_pairing_by_link",
	"pairings_by_chat":                       "as pairings_open: whether this chat has used it already",
	"pairings_ready":                         "what can be completed, of all customers: tenancy.pairings_ready",
	"bots_bot_key":                           "what happens in a bot's chats is found by it before anybody is entered: tenancy.bot_credential; only whoever has its token learns that it is taken",
	"spaces_by_chat":                         "a chat belongs to one customer at a time, and only the worker makes spaces: tenancy.chat_holder",
	"memories_by_model":                      "what the model has not seen, of all customers: tenancy.memories_to_embed",
	"posts_words":                            "its words are each of one customer: tenancy.words_of_post",
	"messages_words":                         "its words are each of one space: tenancy.words_of_space",
	"mcp_servers_to_check":                   "what is due, of all customers: tenancy.mcp_to_do",
	"credentials_to_check":                   "as mcp_servers_to_check",
	"credentials_to_renew":                   "as mcp_servers_to_check",
	"credentials_withdrawn":                  "as mcp_servers_to_check",
	"river_job_pkey":                         "River's own: jobs are numbered by one sequence",
	"river_job_kind":                         "River's own",
	"river_job_state_and_finalized_at_index": "River's own",
	"river_job_prioritized_fetching_index":   "River's own: the queue of all customers",
	"river_job_args_index":                   "River's own",
	"river_job_metadata_index":               "River's own",
	"river_job_unique_idx":                   "River's own: every unique job of ours has customer_id in its key",
	"river_job_due":                          "what falls due next, of all customers, for the worker's promotion",
	"workspaces_to_make":                     "what is due, of all customers: tenancy.workspaces_due",
	"workspaces_under_way":                   "as workspaces_to_make",
	"workspaces_to_forget":                   "as workspaces_to_make",
	"workspaces_wanted":                      "as workspaces_to_make",
	"workspaces_to_announce":                 "as workspaces_to_make",
	"workspaces_to_archive":                  "as workspaces_to_make",
	"workspaces_to_delete":                   "as workspaces_to_make",
	"workspaces_to_measure":                  "as workspaces_to_make",
	"file_changes_by_age":                    "as workspaces_to_make: changes that were broken off",
	"workspaces_by_use":                      "which were not used for the longest, of all customers, for system roles: tenancy.workspaces_of_customers",
	"backups_to_do":                          "what is to be done, of all customers: tenancy.backups_to_do",
	"restores_to_do":                         "as backups_to_do",
	"drills_to_do":                           "as backups_to_do",
	"backup_status_to_drill":                 "as backups_to_do",
	"backup_status_by_night":                 "whose night it still is, of all customers: tenancy.begin_night",
}

// withoutCustomerKey are tenant tables from which no foreign key leads to customers.
var withoutCustomerKey = map[string]string{
	"river.river_job":       "the queue is in a schema of its own and joined by id only",
	"public.usage_entries":  "as rate_limits: each published post writes one; what is left of a customer that is gone is dropped",
	"public.rate_limits":    "a key would lock and log the customer's row when a read is charged; only who has entered it is",
	"public.audit_log":      "it outlives what it tells of, and holds what belongs to no customer",
	"public.audit_unsealed": "as audit_log",
	"public.audit_seals":    "as audit_log",
}

// notBackedUp are tenant tables that are in no backup of a customer.
var notBackedUp = map[string]string{
	"river.river_job": "the queue: what is left to do follows from the posts",
}

// unaudited are tables whose changes are not in the audit log.
var unaudited = map[string]string{
	"public.account_limits":     "what a platform says of the moment, which the worker keeps and nobody else writes",
	"public.app_limits":         "as account_limits, of no customer",
	"public.chat_updates":       "what happens in chats, not what we do about it",
	"public.chat_outbox":        "what is to be said of what is in the log",
	"public.chat_polls":         "a lease, of no customer",
	"public.messages":           "itself the record of what was said",
	"public.usage_days":         "counts, which functions keep and nobody else writes",
	"public.usage_entries":      "as usage_days",
	"public.llm_months":         "as usage_days: what was taken of a budget",
	"public.llm_reservations":   "as llm_months, for the time of a call",
	"public.post_metrics":       "numbers that a platform tells, which the worker keeps and nobody else writes",
	"public.publish_attempts":   "itself the record of what the worker did, which nobody else writes",
	"public.webhook_deliveries": "itself the record of what was sent of what is in the log",
	"public.workers":            "processes, with a sign of life every second",
	"public.schema_migrations":  "what was installed; dbmate's own",
	"public.audit_log":          "the log itself",
	"public.audit_unsealed":     "the log's queue",
	"public.audit_seals":        "the log's seals",
	"public.rate_limits":        "a count that each request moves; who was refused by it is in the log",
	"public.caller_rate_limits": "as rate_limits",
	"public.login_revocations":  "a minute's marks, of no customer; what became of an authorization is in the log",
	"public.erasures":           "receipts; request and end of an erasure are events of the installation's log",
	"public.idempotency_keys":   "answers kept for a day; what they answered is in the log",
	"river.river_job":           "the queue: what a job changes is recorded with its number",
	"river.river_leader":        "River's own",
	"river.river_queue":         "River's own",
	"river.river_notification":  "River's own",
	"public.file_changes":       "as llm_reservations, for the time of a change, which is in the log once it is done",
	"public.backups":            "itself the record of what the worker stored, night for night",
	"public.backup_status":      "what is known of backups, which the worker keeps and nobody else writes",
	"public.drills":             "itself the record of what the worker tried",
}

// partitioned are the tables that are divided. Their parts are reached through them alone.
var partitioned = map[string]string{
	"public.audit_log": "by month, so that old months can be dropped",
}

// secrets are columns that no role of people may read.
var secrets = map[string]string{
	"public.integrations.credential":      "sealed; only tenancy.use_credential hands it to the worker",
	"public.authorizations.credential":    "sealed; only tenancy.use_authorization hands it to the worker",
	"public.bots.credential":              "sealed; only tenancy.bot_credential hands it to the API's login and the worker",
	"public.credentials.credential":       "sealed; tenancy.find_llm_credential hands it to the API for its caller, tenancy.use_mcp_credential to the worker",
	"public.mcp_servers.registration":     "sealed; tenancy.mcp_registration hands it to the API for whoever signs in",
	"public.connect_sessions.secret":      "sealed; functions hand it to whoever began the session",
	"public.connect_sessions.state_hash":  "what the state is compared with that a platform sends back",
	"public.connect_sessions.cookie_hash": "what the browser's cookie is compared with",
	"public.api_keys.key_hash":            "a hash; entering compares it",
	"public.agent_token_keys.sealed":      "sealed; only the API opens it",
	"public.invitations.token_hash":       "what an invitation's token is compared with; nobody needs to read it",
	"public.pairings.code_hash":           "what a typed code is compared with; nobody needs to read it",
	"public.pairings.link_hash":           "what a link's token is compared with; nobody needs to read it",
	"public.invitations.sealed_token":     "sealed; only the worker opens it, to write an e-mail",
	"public.webhook_secrets.sealed":       "sealed; only the worker opens it, to sign",
	"public.old_credentials.credential":   "sealed; only tenancy.find_credential hands it to the worker",
	"public.login_revocations.login":      "a hash of who has signed in; functions compare it",
}

// writtenGlobals are global tables of which people and keys write rows of their own.
var writtenGlobals = map[string]string{
	"public.idempotency_keys": "whose it is, is filled by a default, and its policies compare it",
}

// definerReads are secrets that a SECURITY DEFINER function reads for its work.
var definerReads = map[string]string{
	"public.api_keys.key_hash":            "enter_key finds the key by it",
	"public.agent_token_keys.sealed":      "agent_token_keys() hands them to the API's login",
	"public.invitations.token_hash":       "tenancy.accept_invitation finds the invitation by it",
	"public.pairings.code_hash":           "tenancy.find_pairing_by_code finds the pairing by it",
	"public.pairings.link_hash":           "tenancy.find_pairing_by_link finds the pairing by it",
	"public.integrations.credential":      "tenancy.use_credential, which records the use",
	"public.invitations.sealed_token":     "tenancy.sealed_values hands all that is sealed to the worker, to be sealed anew",
	"public.webhook_secrets.sealed":       "as invitations.sealed_token",
	"public.credentials.credential":       "tenancy.find_llm_credential, tenancy.use_mcp_credential and tenancy.use_mcp_credentials_of_erased, which record the use",
	"public.mcp_servers.registration":     "tenancy.mcp_registration hands it to whoever signs in",
	"public.authorizations.credential":    "tenancy.use_authorization and tenancy.use_authorizations_of_erased, which record the use",
	"public.old_credentials.credential":   "tenancy.find_credential, which records the use; tenancy.old_credential_of, for the operator to compare",
	"public.bots.credential":              "tenancy.bot_credential, to verify what a platform delivers before a tenant is known, and to speak",
	"public.connect_sessions.secret":      "handed to whoever began the session, once it fits",
	"public.connect_sessions.state_hash":  "tenancy.enter_connect finds the session by it",
	"public.connect_sessions.cookie_hash": "tenancy.use_connect_session compares it",
	"public.login_revocations.login":      "tenancy.hold_login compares it",
}

// workerReads are secrets that the worker opens.
var workerReads = map[string]string{
	"public.invitations.sealed_token": "the token stands in the e-mail that it sends",
	"public.webhook_secrets.sealed":   "it signs the messages that it sends",
}

// readableBytes are columns of type bytea that are no secret.
var readableBytes = map[string]string{
	"public.idempotency_keys.fingerprint":   "a hash of what one has asked oneself",
	"public.idempotency_keys.answer":        "sealed, and the answer to what one has asked oneself",
	"public.integrations.old_credential_id": "an id",
	"river.river_job.unique_key":            "a hash of the job's kind and ids",
	"public.media.sha256":                   "a hash of a file that may be read",
	"public.restores.losses":                "digests of files that may be read",
	"public.audit_unsealed.digest":          "the audit log's own, of rows that may be read",
	"public.audit_seals.sealed_at":          "a time",
	"public.audit_seals.digests":            "as audit_unsealed.digest",
	"public.audit_seals.previous_hash":      "as audit_unsealed.digest",
	"public.audit_seals.hash":               "as audit_unsealed.digest",
}

// besideSealed are columns of type bytea, in tables with a key_id, that are not sealed.
var besideSealed = map[string]string{
	"idempotency_keys.fingerprint": "a hash",
	"invitations.token_hash":       "a hash",
	"connect_sessions.state_hash":  "a hash",
	"connect_sessions.cookie_hash": "a hash",
}

// cascades are foreign keys that change rows by themselves, which row-level security does not see.
var cascades = map[string]string{
	"chat_identities_member_fkey":            "whoever is no member any more is nobody in the customer's chats; the log's trigger sees it",
	"post_metrics_platform_post_fkey":        "as publish_attempts: there are none before it is published",
	"publish_attempts_platform_post_fkey":    "only a platform post without attempts can be deleted",
	"platform_post_media_platform_post_fkey": "the list of a platform post's own files goes with it, same customer by its key",
	"webhook_secrets_endpoint_fkey":          "what signs for an endpoint goes with it, same customer by its key",
	"webhook_deliveries_endpoint_fkey":       "messages to an endpoint go with it, same customer by its key",
	"post_media_post_fkey":                   "the list of a post's files goes with the post, same customer by its key",
	"restores_backup_fkey":                   "only the worker deletes backups; what was restored of one that is gone says nothing any more, same customer by its key",
	"drills_backup_fkey":                     "as restores_backup_fkey",
}

// definerFunctions are all SECURITY DEFINER functions, with who may execute them.
var definerFunctions = map[string]struct {
	grantees string
	purpose  string
}{
	"tenancy.register_user":                    {"fanfare_login", "registers a verified subject before there is a user to enter as"},
	"tenancy.enter_user":                       {"fanfare_login", "looks up membership before a tenant is entered"},
	"tenancy.enter_key":                        {"fanfare_login", "looks up the key before a tenant is entered"},
	"tenancy.enter_chat":                       {"fanfare_login", "looks up who somebody in a chat is before a tenant is entered"},
	"tenancy.own_places":                       {"fanfare_admin,fanfare_agent,fanfare_user", "who the caller is in a space, of people whom not every caller may list"},
	"tenancy.hold_space":                       {"fanfare_admin,fanfare_agent,fanfare_user", "locks a space where the caller may give something, and for whom, which nobody else may lock"},
	"tenancy.withdraw_mcp_server":              {"", "a trigger: what was given for a server that is gone is used no more, whoever gave it"},
	"tenancy.withdraw_person":                  {"", "a trigger: what somebody gave who has left a space is used no more"},
	"tenancy.withdraw_identity":                {"", "a trigger: what was given in a chat that turns out to be another member's is used no more"},
	"tenancy.in_shared_bots_chat":              {"fanfare_admin,fanfare_agent,fanfare_user", "whether the entered space is a chat of the installation's bot, as not all who speak may read bots"},
	"tenancy.may_give_bots":                    {"", "who may give bots their secrets, before a tenant is entered; only enter_chat and bot_held call it"},
	"tenancy.bot_held":                         {"fanfare_admin,fanfare_agent,fanfare_user", "whether whoever gave a bot its secrets still may, as not all who see bots see members; it says yes or no"},
	"tenancy.pairing_stands":                   {"fanfare_admin,fanfare_user,fanfare_worker", "whether whoever made a pairing, and with what, still may, as not all read keys and tokens; it says yes or no"},
	"tenancy.unshare_of_token":                 {"", "a trigger: what a revoked token has shared is shared no more"},
	"tenancy.take_back_shared":                 {"fanfare_admin,fanfare_agent,fanfare_user", "takes back for admins what somebody else shares, and changes nothing else that is theirs"},
	"tenancy.withdraw_space":                   {"", "a trigger: what was given for a space that has ended is used no more"},
	"tenancy.find_llm_credential":              {"fanfare_admin,fanfare_agent,fanfare_user", "hands out the sealed key that answers the caller and records its use, together"},
	"tenancy.use_mcp_credential":               {"fanfare_worker", "hands out a sealed credential and records its use, together"},
	"tenancy.use_mcp_credentials_of_erased":    {"fanfare_worker", "hands out sealed sign-ins of a customer that nobody can enter any more, and records their use"},
	"tenancy.may_connect_mcp":                  {"fanfare_admin,fanfare_user", "whether the entered user may sign in to a server; says yes or no"},
	"tenancy.mcp_registration":                 {"fanfare_admin,fanfare_user", "hands the sealed client to whoever may sign in with it"},
	"tenancy.keep_mcp_registration":            {"fanfare_admin,fanfare_user", "keeps the client for whoever may sign in, who may not change the server itself"},
	"tenancy.request_mcp_check":                {"fanfare_admin,fanfare_agent,fanfare_user", "says when servers are looked at, which tenants may not write"},
	"tenancy.mcp_to_do":                        {"fanfare_worker", "finds servers and credentials of all customers for which there is something to do; ids only"},
	"tenancy.find_pairing_by_code":             {"fanfare_worker", "looks a typed code up before a tenant is known, and throttles guessing; ids only"},
	"tenancy.pairing_state_of_code":            {"fanfare_admin,fanfare_agent,fanfare_user", "compares a code of the entered customer with its hash, which tenants do not read; of codes that were used in the chat alone"},
	"tenancy.find_pairing_by_link":             {"fanfare_worker", "looks a link's hash up before a tenant is known; ids only"},
	"tenancy.chat_holder":                      {"fanfare_worker", "which space a chat is, before a tenant is known; ids only"},
	"tenancy.chat_waits":                       {"fanfare_worker", "whether somebody is to confirm a chat that is no tenant's yet; yes or no"},
	"tenancy.pairings_ready":                   {"fanfare_worker", "finds pairings of all customers that can be completed; ids only"},
	"tenancy.receive_chat_update":              {"fanfare_login,fanfare_worker", "stores what a platform has signed; whose chat it is is found out later"},
	"tenancy.chats_to_do":                      {"fanfare_worker", "finds the chats of all customers in which there is something to do; the platform's ids only"},
	"tenancy.tell_pairing":                     {"", "a trigger: as tell_space, of a pairing"},
	"tenancy.forget_chat":                      {"", "a trigger: what is left of a chat goes with its space or pairing, whoever deletes that"},
	"tenancy.tell_space":                       {"", "a trigger: puts what became of a post into the outbox of its chat, which tenants cannot write"},
	"tenancy.has_space":                        {"fanfare_admin,fanfare_agent,fanfare_user", "whoever may read what was said may not always read spaces; it says yes or no"},
	"tenancy.media_shown_elsewhere":            {"fanfare_admin,fanfare_agent,fanfare_user", "a space does not see the posts of others that show its file; it says yes or no, of its own files"},
	"tenancy.queue_taken":                      {"fanfare_admin,fanfare_agent,fanfare_user", "a slot is taken also by a post that a space does not see; of that the time alone"},
	"tenancy.customer_health":                  {"fanfare_admin,fanfare_user", "counts what the members of a customer see there, for a caller who belongs to many and has entered none of them"},
	"tenancy.find_posts":                       {"fanfare_admin,fanfare_agent,fanfare_user", "as find_messages"},
	"tenancy.find_messages":                    {"fanfare_admin,fanfare_agent,fanfare_user", "a match has no index under policies; it finds ids of what the caller may read, who reads them under the policies"},
	"tenancy.memories_to_embed":                {"fanfare_worker", "finds memories of all customers whose meaning is not known in numbers; ids only"},
	"tenancy.audit_deleted_messages":           {"", "a trigger: writes to the log that messages were deleted, which nobody else may write"},
	"tenancy.enter_token":                      {"fanfare_login", "looks up the token and what is behind it before a tenant is entered"},
	"tenancy.permissions_of_user":              {"", "what the person behind a key may do now; only the two above call it"},
	"tenancy.agent_token_keys":                 {"fanfare_login", "the sealed keys that sign agent tokens, which nobody else may read"},
	"tenancy.add_agent_token_key":              {"fanfare_login", "adds one unless another process just has"},
	"tenancy.delete_expired_idempotency_keys":  {"fanfare_worker", "forgets answers of all callers after a day"},
	"tenancy.delete_expired_tokens":            {"fanfare_worker", "forgets tokens of all customers a week after their end"},
	"tenancy.enter_worker":                     {"fanfare_worker", "checks that the customer exists"},
	"tenancy.guard_membership":                 {"", "a trigger: locks the customer, looks up the acting member and counts owners, whom they may not see or lock"},
	"tenancy.approval":                         {"fanfare_admin,fanfare_agent,fanfare_user,fanfare_worker", "what the entered customer asks for before publishing, which not every key may read of it"},
	"tenancy.acts_for":                         {"fanfare_admin,fanfare_agent,fanfare_user", "who made the entered key or token, or gave the bot by which they speak, as keys may not read keys"},
	"tenancy.hold_customer":                    {"fanfare_admin,fanfare_agent,fanfare_user", "locks the entered customer against archiving, which members may not lock themselves"},
	"tenancy.own_memberships":                  {"fanfare_admin,fanfare_agent,fanfare_user", "the user's own roles in the list of their customers, before one is entered"},
	"tenancy.create_customer":                  {"fanfare_admin,fanfare_user", "makes the customer and its first owner together"},
	"tenancy.accept_invitation":                {"fanfare_admin,fanfare_user", "makes the entered user a member of a customer that they are not in yet"},
	"tenancy.cancel_jobs":                      {"fanfare_admin,fanfare_agent,fanfare_user", "tenants may not update jobs; this only cancels their own waiting ones"},
	"tenancy.reserve_media":                    {"fanfare_admin,fanfare_agent,fanfare_user", "reads the customer's quota, which not every key may"},
	"tenancy.customer_name":                    {"fanfare_admin,fanfare_agent,fanfare_user,fanfare_worker", "stands in templates, also for keys that may not read the customer"},
	"tenancy.media_to_remove":                  {"fanfare_worker", "finds files of all customers that are to go; ids only"},
	"tenancy.exports_to_do":                    {"fanfare_worker", "finds exports of all customers that wait or have expired; ids only"},
	"tenancy.request_erasure":                  {"fanfare_admin,fanfare_user", "hides the entered customer for good, which nobody may do by themselves"},
	"tenancy.erase_step":                       {"fanfare_worker", "deletes rows of a customer that is being erased, and of no other"},
	"tenancy.finish_erasure":                   {"fanfare_worker", "looks whether anything is left of an erased customer, and writes the receipt"},
	"tenancy.forget_erased":                    {"fanfare_worker", "deletes what came in at the moment of an erasure"},
	"tenancy.readiness":                        {"fanfare_backup,fanfare_login,fanfare_worker", "counts live workers, and the newest migration"},
	"tenancy.charge_entered":                   {"fanfare_login", "charges the entered customer's limit, which nobody may touch"},
	"tenancy.charge_address":                   {"fanfare_login", "charges an address, before anybody is entered"},
	"tenancy.charge_person":                    {"fanfare_login", "charges whoever stands behind the entered caller, over all their customers"},
	"tenancy.forget_rate_limit":                {"", "a trigger: a changed rule begins anew"},
	"tenancy.count_usage":                      {"fanfare_admin,fanfare_agent,fanfare_user", "counts what the entered customer uses, which nobody else may write"},
	"tenancy.count_embedding":                  {"", "a trigger: counts memories whose meaning was told, as count_usage"},
	"tenancy.count_published":                  {"", "a trigger: counts published posts, as count_usage"},
	"tenancy.count_message":                    {"", "as count_published, of messages in chats"},
	"tenancy.add_up_usage":                     {"fanfare_worker", "adds up what was counted of all customers"},
	"tenancy.usage_of_customers":               {"fanfare_admin", "tells system roles how much each customer has used in a month; numbers and names only"},
	"tenancy.reserve_llm":                      {"fanfare_admin,fanfare_agent,fanfare_user", "takes of the entered customer's budget, which nobody else may write"},
	"tenancy.settle_llm":                       {"fanfare_admin,fanfare_agent,fanfare_user", "as reserve_llm, once the call is over; and counts its usage"},
	"tenancy.release_llm":                      {"fanfare_admin,fanfare_agent,fanfare_user", "as reserve_llm: gives back what was not used"},
	"tenancy.expire_llm":                       {"fanfare_worker", "charges what calls of all customers may have used that were left behind"},
	"tenancy.sweep_rate_limits":                {"fanfare_worker", "deletes what was used of limits so long ago that it says nothing any more"},
	"tenancy.stranded_platform_posts":          {"fanfare_worker", "finds due platform posts of all customers that have no job; ids only"},
	"tenancy.time_zone":                        {"fanfare_admin,fanfare_agent,fanfare_user", "the entered customer's zone, also for keys that may not read the customer"},
	"tenancy.copy_recurring_post":              {"fanfare_worker", "copies a post that recurs as it is, approved where it is; workers write nothing else into posts"},
	"tenancy.remove_copies":                    {"", "takes away copies that have not begun, as people may not delete posts; only the two triggers below call it"},
	"tenancy.follow_recurring_post":            {"", "a trigger: what follows from a changed rule or the end of a recurring post for its copies"},
	"tenancy.follow_recurring_content":         {"", "a trigger: what follows from a changed post for the copies of it, or for itself where it is one"},
	"tenancy.recurring_posts_to_do":            {"fanfare_worker", "finds recurring posts of all customers that are to be looked at; ids only"},
	"tenancy.audit_change":                     {"fanfare_owner", "the triggers that write the audit log, which nobody else may write; migrations attach them"},
	"tenancy.audit_event":                      {"fanfare_owner", "writes to the audit log from inside other definer functions"},
	"tenancy.record_refusal":                   {"fanfare_login", "writes to the audit log for somebody who could not enter"},
	"tenancy.use_credential":                   {"fanfare_worker", "hands out a sealed credential and records its use, together"},
	"tenancy.find_credential":                  {"fanfare_worker", "as use_credential; and an old credential, which nobody else may read, as long as a move is open"},
	"tenancy.end_credential_moves":             {"fanfare_owner,fanfare_worker", "closes moves of all customers, and deletes old credentials that nobody may read; answers ids"},
	"tenancy.warn_credential_moves":            {"fanfare_worker", "finds moves of all customers that end soon; ids only"},
	"tenancy.count_old_credentials":            {"fanfare_login,fanfare_worker", "counts accounts of all customers, for a metric"},
	"tenancy.find_old_owner":                   {"fanfare_owner", "finds a person for the operator, who has entered no customer"},
	"tenancy.old_credential_of":                {"fanfare_owner", "hands the operator a sealed credential to compare with theirs"},
	"tenancy.import_old_credential":            {"fanfare_owner", "stores for the operator what no role may write"},
	"tenancy.old_credential_status":            {"fanfare_owner", "tells the operator how far the moves of all customers are"},
	"tenancy.use_authorization":                {"fanfare_worker", "hands out the sealed tokens of an authorization and records their use, together"},
	"tenancy.authorizations_to_do":             {"fanfare_worker", "finds authorizations of all customers that are to be renewed or revoked; ids only"},
	"tenancy.authorizations_to_remind":         {"fanfare_worker", "finds authorizations of all customers whose owners are to be reminded; ids only"},
	"tenancy.posts_to_measure":                 {"fanfare_worker", "finds platform posts of all customers whose platform is to be asked how they did; ids only"},
	"tenancy.integrations_to_check":            {"fanfare_worker", "finds accounts of all customers that nobody has looked at for a day; ids only"},
	"tenancy.begin_login_revocation":           {"fanfare_worker", "says whether any customer still needs a login, and not which; from then on nobody takes what is given for it for good"},
	"tenancy.begin_login_revocation_of_erased": {"fanfare_worker", "as begin_login_revocation, for a customer that nobody can enter any more"},
	"tenancy.end_login_revocation":             {"fanfare_worker", "says that the platform has answered"},
	"tenancy.hold_login":                       {"fanfare_admin,fanfare_user", "says to whoever has signed in whether their login was being revoked meanwhile"},
	"tenancy.end_authorization":                {"fanfare_worker", "erases an authorization's tokens and records what the platform made of it, together"},
	"tenancy.use_authorizations_of_erased":     {"fanfare_worker", "hands out sealed tokens of a customer that nobody can enter any more, and records their use"},
	"tenancy.follow_disconnection":             {"", "a trigger: what follows from a disconnected account for posts and its authorization, which people may not do by themselves"},
	"tenancy.follow_last_account":              {"", "a trigger: withdraws an authorization whose last account has left it, which people may not do by themselves"},
	"tenancy.enter_connect":                    {"fanfare_login", "looks up who began a connect session before a tenant is entered"},
	"tenancy.use_connect_session":              {"fanfare_admin,fanfare_user", "compares hashes that nobody may read, and uses the state up"},
	"tenancy.connect_session_secret":           {"fanfare_admin,fanfare_user", "hands the sealed tokens to whoever may choose accounts of them"},
	"tenancy.delete_expired_connect_sessions":  {"fanfare_worker", "forgets sessions of all customers an hour after their end"},
	"tenancy.seal_audit":                       {"fanfare_worker", "seals the audit log of all customers"},
	"tenancy.count_sealed":                     {"fanfare_worker", "how many values of all customers are under which key; numbers only"},
	"tenancy.sealed_values":                    {"fanfare_worker", "hands out sealed values of all customers to be sealed anew, and records the use of credentials"},
	"tenancy.reseal":                           {"fanfare_worker", "puts a value sealed anew into the row that it was handed out of"},
	"tenancy.tell_of_post":                     {"", "a trigger: writes messages to webhooks, which nobody else may write"},
	"tenancy.tell_of_review":                   {"", "as tell_of_post"},
	"tenancy.keep_content":                     {"", "a trigger: keeps with a review all that the post says, also what a key that writes one does not see"},
	"tenancy.tell_of_integration":              {"", "as tell_of_post"},
	"tenancy.follow_customer_webhooks":         {"", "a trigger: holds messages of an archived customer, as follow_webhook_state"},
	"tenancy.follow_webhook_state":             {"", "a trigger: holds messages to an endpoint that is not active, which nobody may do by themselves"},
	"tenancy.webhooks_due":                     {"fanfare_worker", "finds messages of all customers that are due; ids only"},
	"tenancy.give_up_webhooks":                 {"fanfare_worker", "gives up messages of all customers beyond what is kept for an endpoint"},
	"tenancy.forget_webhooks":                  {"fanfare_worker", "forgets messages of all customers after a month"},
	"tenancy.bot_credential":                   {"fanfare_login,fanfare_worker", "hands out a bot's sealed credential, before a tenant is known"},
	"tenancy.bots_of":                          {"fanfare_worker", "finds bots of all customers whose updates are fetched; the platform's ids only"},
	"tenancy.chats_of_team":                    {"fanfare_login,fanfare_worker", "finds the chats of a bot that it is told to have left, before a tenant is known; the platform's ids only"},
	"tenancy.guard_bot":                        {"", "a trigger: a bot in whose chats another customer is becomes nobody's own"},
	"tenancy.guard_chat_of_bot":                {"", "a trigger: a chat of a customer's own bot is theirs alone"},
	"tenancy.forget_bot":                       {"", "a trigger: what happened in the chats of a removed bot, which is of no tenant"},
	"tenancy.guard_hold_of_erased":             {"", "a trigger: a legal hold is not set while the customer is being erased"},
	"tenancy.make_workspace":                   {"", "a trigger: a workspace is there with what it is of, which nobody may make by themselves"},
	"tenancy.workspace_for":                    {"", "whether the caller may use or change a workspace, and locks it; only the functions below call it"},
	"tenancy.use_workspace":                    {"fanfare_admin,fanfare_agent,fanfare_user", "notes that a workspace is used, by whoever may read it, and answers its state alone"},
	"tenancy.workspace_made":                   {"fanfare_admin,fanfare_agent,fanfare_user", "as use_workspace: that the directory of a new one is made"},
	"tenancy.begin_file_change":                {"fanfare_admin,fanfare_agent,fanfare_user", "holds room of the entered customer's quota, over workspaces that the caller may not see; it says how much there is"},
	"tenancy.touch_file_change":                {"fanfare_admin,fanfare_agent,fanfare_user", "as begin_file_change: a change goes on"},
	"tenancy.apply_file_change":                {"fanfare_admin,fanfare_agent,fanfare_user", "as begin_file_change: locks the workspace, for whoever still may change it"},
	"tenancy.finish_file_change":               {"fanfare_admin,fanfare_agent,fanfare_user", "as begin_file_change: counts what a change did, and writes it to the log"},
	"tenancy.drop_file_change":                 {"fanfare_admin,fanfare_agent,fanfare_user", "as begin_file_change: gives the room back"},
	"tenancy.archive_workspace":                {"fanfare_admin,fanfare_user", "has a workspace archived, of which tenants may not write the state"},
	"tenancy.workspaces_due":                   {"fanfare_worker", "finds workspaces of all customers for which there is something to do; ids only"},
	"tenancy.workspaces_of_customers":          {"fanfare_admin", "tells system roles how large the workspaces of all customers are, and how long unused; numbers and names only"},
	"tenancy.count_workspaces":                 {"fanfare_worker", "counts the workspaces of all customers, for metrics; numbers only"},
	"tenancy.list_workspaces":                  {"fanfare_owner", "tells the operator of the workspaces of all customers"},
	"tenancy.workspaces_to_clean":              {"fanfare_owner", "tells the operator which workspaces of all customers a cleaning would archive or delete"},
	"tenancy.clean_workspaces":                 {"fanfare_owner", "has workers archive and delete for the operator, never what is under a legal hold"},
	"tenancy.begin_night":                      {"fanfare_worker", "begins the backups of all customers that have something to back up; answers how many customers it saw"},
	"tenancy.backups_to_do":                    {"fanfare_worker", "finds backups, restores and drills of all customers that wait; ids only"},
	"tenancy.list_backups":                     {"fanfare_owner", "tells the operator which backups of a customer are whole, and their digests, to restore them without workers"},
	"tenancy.backup_health":                    {"fanfare_login,fanfare_worker", "counts the customers whose backups are late; numbers and times only"},
	"tenancy.maintain_audit":                   {"fanfare_worker", "makes and drops the months of the audit log"},
}

// ownersFunctions are SECURITY DEFINER functions that are fanfare_owner's.
var ownersFunctions = map[string]string{
	"tenancy.maintain_audit": "only the owner of a table makes or drops its parts",
}

// subqueries are policies with a subquery that reads a table.
var subqueries = map[string]string{
	"users.users_of_customer": "the same for the worker, whose customer has been entered always",
	"users.users_colleagues":  "the members of the entered customer, hashed once per statement; memberships' own policies do not read users",
	"users.users_inviters":    "the worker sees who invites, while an e-mail of the entered customer waits to be sent",
}

// sqlRule is a rule that one query tells: each row is a violation.
func sqlRule(sql string, args ...any) func(context.Context, testing.TB, querier) []string {
	return func(ctx context.Context, t testing.TB, q querier) []string {
		t.Helper()
		return column[string](ctx, t, q, sql, args...)
	}
}

// Parts of queries. ours: relations outside Postgres's own schemas, parts of partitioned ones left out; grants: every right on a relation or a
// column of one, the owner's own left out.
const (
	cteOurs = `with ours as (
		select c.*, n.nspname, n.nspname || '.' || c.relname as name,
			exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'customer_id' and not a.attisdropped) as tenant
		from pg_class c join pg_namespace n on n.oid = c.relnamespace
		where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and not c.relispartition
	) `
	cteGrants = cteOurs + `, grants as (
		select c.oid, c.name, c.relkind, c.tenant, c.relrowsecurity, null::name as attname, g.privilege_type,
			coalesce(r.rolname, 'PUBLIC') as grantee
		from ours c
			cross join aclexplode(coalesce(c.relacl, acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) g
			left join pg_roles r on r.oid = g.grantee
		where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and g.grantee <> c.relowner
		union all
		select c.oid, c.name, c.relkind, c.tenant, c.relrowsecurity, a.attname, g.privilege_type, coalesce(r.rolname, 'PUBLIC')
		from ours c
			join pg_attribute a on a.attrelid = c.oid and not a.attisdropped
			cross join aclexplode(a.attacl) g
			left join pg_roles r on r.oid = g.grantee
		where g.grantee <> c.relowner
	) `
)

// thisMonth is how the part of the audit log is named that is written to.
var thisMonth = time.Now().UTC().Format("2006_01")

func keys[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// scratchTable makes a tenant table that keeps every rule but for what the caller adds.
func scratchTable(more string) string {
	return `create table scratch (customer_id uuid not null references customers (id), id uuid not null, primary key (customer_id, id));
		alter table scratch owner to fanfare_owner;
		alter table scratch enable row level security;
		alter table scratch force row level security;
		create policy scratch_tenant on scratch as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
			using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
		` + more
}

var rules = []rule{
	{
		name: "every table is a tenant's or listed as global",
		violations: sqlRule(cteOurs+`
			select 'neither a tenant table nor listed as global: ' || name from ours
			where relkind in ('r', 'p') and not tenant and name <> all ($1)
			union all select 'listed as global, yet it has customer_id: ' || name from ours where tenant and name = any ($1)
			union all select 'listed as global, yet there is no such table: ' || g from unnest($1::text[]) g
			where g not in (select name from ours where relkind in ('r', 'p'))
			union all select 'row-level security does not reach this kind of relation: ' || name from ours where relkind in ('m', 'f')
			union all select 'in a schema of nobody: ' || name from ours where nspname not in ('public', 'river', 'tenancy')
			union all select 'not owned by fanfare_owner: ' || name from ours where relkind in ('r', 'p', 'v', 'S')
				and relowner <> 'fanfare_owner'::regrole`, keys(globalTables)),
		spoils: []spoil{
			{"create table notes (id uuid primary key)", "public.notes"},
			{"alter table workers add customer_id uuid", "public.workers"},
			{"drop table workers cascade", "no such table: public.workers"},
			{"create materialized view all_posts as select * from posts", "public.all_posts"},
			{"create schema elsewhere; create table elsewhere.notes (customer_id uuid)", "elsewhere.notes"},
			{"alter table media owner to postgres", "not owned by fanfare_owner: public.media"},
		},
	},
	{
		name: "row-level security is enabled and forced",
		violations: sqlRule(cteGrants+`
			select format('%s: enabled %s, forced %s', name, relrowsecurity, relforcerowsecurity) from ours
			where relkind in ('r', 'p') and not (relrowsecurity and relforcerowsecurity) and name <> all ($1)
			union all select format('%s has no row-level security and grants %s to %s', name, privilege_type, grantee) from grants
			where name = any ($1) and grantee not in ('fanfare_worker', 'fanfare_definer')`, withoutRLS),
		spoils: []spoil{
			{"alter table posts disable row level security", "public.posts: enabled f"},
			{"alter table posts no force row level security", "public.posts: enabled t, forced f"},
			{"alter table river.river_job no force row level security", "river.river_job"},
			{"create table notes (customer_id uuid)", "public.notes"},
			{"grant select on river.river_notification to fanfare_user", "river.river_notification"},
		},
	},
	{
		name: "one restrictive tenant policy covers every role that has a grant",
		violations: sqlRule(cteGrants+`, restrictive as (
				select p.*, pg_get_expr(p.polqual, p.polrelid) as qual, pg_get_expr(p.polwithcheck, p.polrelid) as checked
				from pg_policy p where not p.polpermissive
			), wanted as (
				select o.oid, o.name, coalesce(($2::jsonb) ->> o.name, '(customer_id = ( SELECT tenancy.customer_id() AS customer_id))') as checked,
					coalesce(($4::jsonb) ->> o.name, '(customer_id = ( SELECT tenancy.customer_id() AS customer_id))') as qual
				from ours o where o.tenant and o.relkind in ('r', 'p')
			)
			select format('%s has %s restrictive policies', w.name, (select count(*) from restrictive r where r.polrelid = w.oid))
			from wanted w where (select count(*) from restrictive r where r.polrelid = w.oid) <> 1
			union all
			select format('%s: policy %s is for %s, using %s, with check %s', w.name, r.polname, r.polcmd, r.qual, r.checked)
			from wanted w join restrictive r on r.polrelid = w.oid
			where r.polcmd <> '*' or r.qual is distinct from w.qual
				or r.checked is distinct from w.checked
			union all
			select distinct format('%s: %s has %s but is not under the restrictive policy', g.name, g.grantee, g.privilege_type)
			from grants g join wanted w on w.oid = g.oid
			where g.grantee = any ($1) and g.name || ' ' || g.grantee <> all ($3)
				and not exists (select from restrictive r where r.polrelid = g.oid and g.grantee::regrole = any (r.polroles))
			union all
			select 'customers: its restrictive policy is not the one on customer_ids()'
			where not exists (select from restrictive r where r.polrelid = 'public.customers'::regclass and r.polcmd = '*'
				and r.polroles @> array['fanfare_user'::regrole, 'fanfare_agent'::regrole]::oid[]
				and r.qual = '(id = ANY (( SELECT tenancy.customer_ids() AS customer_ids)::uuid[]))')`,
			tenantRoles, tenantChecks, keys(restrictiveElsewhere), tenantQuals),
		spoils: []spoil{
			{"drop policy posts_tenant on posts", "public.posts has 0 restrictive"},
			{"create policy more on posts as restrictive using (true)", "public.posts has 2 restrictive"},
			{"alter policy posts_tenant on posts using (true)", "policy posts_tenant"},
			{"alter policy posts_tenant on posts with check (true)", "policy posts_tenant"},
			{"alter policy posts_tenant on posts to fanfare_user", "fanfare_worker has SELECT"},
			{"alter policy river_job_tenant on river.river_job with check (true)", "river_job_tenant"},
			{"alter policy audit_log_tenant on audit_log using (customer_id = (select tenancy.customer_id()))", "audit_log_tenant"},
			{"alter policy audit_log_tenant on audit_log to fanfare_user, fanfare_agent, fanfare_worker", "fanfare_admin has SELECT"},
			{"alter policy customers_tenant on customers using (true)", "customers"},
			{"alter table users add customer_id uuid", "public.users has 0 restrictive"},
		},
	},
	{
		name: "parts of partitioned tables are closed to everybody",
		violations: sqlRule(`
			with parts as (
				select c.*, n.nspname || '.' || c.relname as name, i.inhparent
				from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_inherits i on i.inhrelid = c.oid
				where c.relispartition and c.relkind in ('r', 'p')
			), parents as (
				select c.oid, n.nspname || '.' || c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'p'
			)
			select format('%s is a part of %s, which is not listed', p.name, o.name) from parts p join parents o on o.oid = p.inhparent where o.name <> all ($1)
			union all select 'listed as partitioned, yet there is no such table: ' || l from unnest($1::text[]) l where l not in (select name from parents)
			union all select 'has no part: ' || o.name from parents o where not exists (select from parts p where p.inhparent = o.oid)
			union all select format('%s: enabled %s, forced %s', name, relrowsecurity, relforcerowsecurity) from parts where not (relrowsecurity and relforcerowsecurity)
			union all select format('%s is owned by %s', name, relowner::regrole) from parts where relowner <> 'fanfare_owner'::regrole
			union all select format('%s grants %s to %s', p.name, g.privilege_type, coalesce(r.rolname, 'PUBLIC'))
				from parts p cross join aclexplode(p.relacl) g left join pg_roles r on r.oid = g.grantee where g.grantee <> p.relowner
				and (r.rolname, g.privilege_type) is distinct from ('fanfare_backup', 'SELECT') -- as the rule on backups has it
			union all select format('%s grants %s of %s to %s', p.name, g.privilege_type, a.attname, coalesce(r.rolname, 'PUBLIC'))
				from parts p join pg_attribute a on a.attrelid = p.oid cross join aclexplode(a.attacl) g left join pg_roles r on r.oid = g.grantee
			union all select format('%s has the policy %s', p.name, l.polname) from parts p join pg_policy l on l.polrelid = p.oid
				where l.polroles <> array['fanfare_backup'::regrole]::oid[]`, keys(partitioned)),
		spoils: []spoil{
			{"alter table audit_log_" + thisMonth + " disable row level security", thisMonth + ": enabled f"},
			{"alter table audit_log_" + thisMonth + " no force row level security", thisMonth + ": enabled t, forced f"},
			{"alter table audit_log_" + thisMonth + " owner to postgres", "is owned by postgres"},
			{"grant select on audit_log_" + thisMonth + " to fanfare_worker", "grants SELECT to fanfare_worker"},
			{"grant select (ip) on audit_log_" + thisMonth + " to fanfare_user", "grants SELECT of ip to fanfare_user"},
			{"grant delete on audit_log_" + thisMonth + " to public", "grants DELETE to PUBLIC"},
			{"create policy easy on audit_log_" + thisMonth + " for select to fanfare_user using (true)", "has the policy easy"},
			{"create table notes (customer_id uuid) partition by list (customer_id); create table notes_1 partition of notes default", "public.notes_1 is a part of public.notes, which is not listed"},
			{"create table notes (customer_id uuid) partition by list (customer_id)", "has no part: public.notes"},
		},
	},
	{
		name: "backups of a customer hold whole rows of all its tables, and its role reads nothing else",
		violations: sqlRule(cteOurs+`, backed as (
				-- what is divided is read part by part
				select c.oid, n.nspname || '.' || c.relname as name,
					case c.oid when 'public.users'::regclass then '(id = ANY (( SELECT tenancy.backed_up_users() AS backed_up_users)::uuid[]))'
						when 'public.customers'::regclass then '((id = ( SELECT tenancy.customer_id() AS customer_id)) AND (erasing_at IS NULL))'
						else '(customer_id = ( SELECT tenancy.customer_id() AS customer_id))' end as qual
				from pg_class c join pg_namespace n on n.oid = c.relnamespace
				where c.relkind in ('r', 'p') and (c.oid in ('public.users'::regclass, 'public.customers'::regclass)
					or exists (select from ours o where o.tenant and o.relkind in ('r', 'p') and o.name <> all ($1)
						and (o.oid = c.oid or exists (select from pg_inherits i where i.inhrelid = c.oid and i.inhparent = o.oid))))
			), policies as (
				select p.*, pg_get_expr(p.polqual, p.polrelid) as qual from pg_policy p where p.polpermissive and 'fanfare_backup'::regrole = any (p.polroles)
			)
			select format('%s is in no backup: select tenancy.back_up(''%s'')', b.name, b.name) from backed b
			where not has_table_privilege('fanfare_backup', b.oid, 'select') or not exists (select from policies p where p.polrelid = b.oid)
			union all
			select format('%s: the policy %s is for %s, using %s', p.polrelid::regclass, p.polname, p.polcmd, p.qual) from policies p
			where p.polcmd <> 'r' or p.polroles <> array['fanfare_backup'::regrole]::oid[]
				or not exists (select from backed b where b.oid = p.polrelid and b.qual = p.qual)
			union all
			select format('%s on %s', g.privilege_type, c.oid::regclass) from pg_class c cross join aclexplode(c.relacl) g
			where g.grantee = 'fanfare_backup'::regrole and (g.privilege_type <> 'SELECT' or c.oid not in (select oid from backed))
			union all
			select format('%s of %s.%s', g.privilege_type, a.attrelid::regclass, a.attname) from pg_attribute a cross join aclexplode(a.attacl) g
			where g.grantee = 'fanfare_backup'::regrole
			union all
			select format('EXECUTE on %s', p.oid::regprocedure) from pg_proc p cross join aclexplode(p.proacl) g
			where g.grantee = 'fanfare_backup'::regrole and p.oid <> all (array['pg_catalog.set_config(text, text, boolean)', 'tenancy.customer_id()',
				'tenancy.audit_customer_id()', 'tenancy.system_role()', 'tenancy.installation_id()', 'tenancy.backed_up_users()', 'tenancy.readiness()']::regprocedure[])
			union all select 'listed as in no backup, yet there is no such table: ' || l from unnest($1::text[]) l where l not in (select name from ours)`,
			keys(notBackedUp)),
		spoils: []spoil{
			{scratchTable(""), "public.scratch is in no backup"},
			{"revoke select on posts from fanfare_backup", "public.posts is in no backup"},
			{"drop policy posts_backup on posts", "public.posts is in no backup"},
			{"drop policy audit_log_" + thisMonth + "_backup on audit_log_" + thisMonth, "audit_log_" + thisMonth + " is in no backup"},
			{"alter policy audit_log_" + thisMonth + "_backup on audit_log_" + thisMonth + " using (true)", "audit_log_" + thisMonth + ": the policy"},
			{"alter policy posts_backup on posts using (true)", "posts: the policy posts_backup is for r, using true"},
			{"alter policy posts_backup on posts to fanfare_backup, fanfare_user", "posts: the policy posts_backup"},
			{"create policy more on posts for select to fanfare_backup using (true)", "posts: the policy more"},
			{"alter policy users_backup on users using (true)", "users: the policy users_backup"},
			{"grant update on posts to fanfare_backup", "UPDATE on posts"},
			{"grant select (id) on workers to fanfare_backup", "SELECT of workers.id"},
			{"grant select on old_credentials to fanfare_backup", "SELECT on old_credentials"},
			{"grant execute on function tenancy.enter_worker(uuid, text) to fanfare_backup", "EXECUTE on tenancy.enter_worker"},
		},
	},
	{
		name: "every table is audited, or listed with the reason why it is not",
		violations: sqlRule(cteOurs+`, wanted(name, type) as (values ('audit_insert', 4), ('audit_update', 16), ('audit_delete', 8)),
			found as (
				select t.tgrelid, w.name from pg_trigger t join wanted w on w.name = t.tgname and w.type = t.tgtype
				where t.tgfoid = to_regprocedure('tenancy.audit_change()') and t.tgenabled in ('O', 'A') and t.tgqual is null and t.tgattr = ''
			)
			select format('%s has no trigger %s', o.name, w.name) from ours o cross join wanted w
			where o.relkind in ('r', 'p') and o.name <> all ($1) and not exists (select from found f where f.tgrelid = o.oid and f.name = w.name)
			union all select 'listed as not audited, yet it has triggers: ' || o.name from ours o where o.name = any ($1) and exists (select from found f where f.tgrelid = o.oid)
			union all select 'listed as not audited, yet there is no such table: ' || u from unnest($1::text[]) u where u not in (select name from ours where relkind in ('r', 'p'))`,
			keys(unaudited)),
		spoils: []spoil{
			{scratchTable(""), "public.scratch has no trigger audit_insert"},
			{"drop trigger audit_update on posts", "public.posts has no trigger audit_update"},
			{"alter table memberships disable trigger audit_delete", "public.memberships has no trigger audit_delete"},
			{"alter table users disable trigger all", "public.users has no trigger audit_insert"},
			{"drop trigger audit_insert on media; create trigger audit_insert after insert on media for each statement when (false) execute function tenancy.audit_change()", "public.media has no trigger audit_insert"},
			{"drop trigger audit_update on posts; create trigger audit_update after update of title on posts for each statement execute function tenancy.audit_change()", "public.posts has no trigger audit_update"},
			{"drop trigger audit_delete on post_media; create trigger audit_delete after delete on post_media for each row execute function tenancy.touch()", "public.post_media has no trigger audit_delete"},
			{"select tenancy.audit_table('workers', 'worker', 'id', '{}', '{}')", "yet it has triggers: public.workers"},
			{"drop table workers", "yet there is no such table: public.workers"},
		},
	},
	{
		name: "nobody changes or removes what the audit log holds",
		violations: sqlRule(cteGrants + `
			select format('%s on %s to %s', privilege_type, name, grantee) from grants
			where name in ('public.audit_log', 'public.audit_seals') and privilege_type not in ('SELECT', 'INSERT')
				and (privilege_type, grantee) <> ('DELETE', 'fanfare_definer')
			union all
			select format('%s on %s to %s', privilege_type, name, grantee) from grants
			where name in ('public.audit_log', 'public.audit_seals', 'public.audit_unsealed') and privilege_type <> 'SELECT' and grantee <> 'fanfare_definer'
			union all
			select format('%s of %s is for %s', p.polname, p.polrelid::regclass, p.polcmd) from pg_policy p
			where p.polrelid in ('audit_log'::regclass, 'audit_seals'::regclass) and p.polpermissive and p.polcmd not in ('r', 'a')
				-- but for the log of a customer that is being erased
				and (p.polcmd <> 'd' or pg_get_expr(p.polqual, p.polrelid) <> '(customer_id = ( SELECT tenancy.erasing_id() AS erasing_id))')`),
		spoils: []spoil{
			{"grant update (changes) on audit_log to fanfare_worker", "UPDATE on public.audit_log to fanfare_worker"},
			{"grant delete on audit_log to fanfare_worker", "DELETE on public.audit_log to fanfare_worker"},
			{"alter policy audit_log_erase on audit_log using (true)", "audit_log_erase of audit_log is for d"},
			{"grant insert on audit_log to fanfare_user", "INSERT on public.audit_log to fanfare_user"},
			{"grant delete on audit_unsealed to fanfare_worker", "DELETE on public.audit_unsealed to fanfare_worker"},
			{"create policy more on audit_log for delete to fanfare_definer using (true)", "more of audit_log is for d"},
		},
	},
	{
		name: "permissive policies are per command, and none is for everybody",
		violations: sqlRule(`
			select format('%s.%s is FOR ALL to %s', p.polrelid::regclass, p.polname, r.rolname)
			from pg_policy p join pg_roles r on r.oid = any (p.polroles)
			where p.polpermissive and p.polcmd = '*' and r.rolname = any ($1) and p.polname <> all ($2)
			union all
			select format('%s.%s is for PUBLIC', p.polrelid::regclass, p.polname) from pg_policy p where 0 = any (p.polroles)`,
			peopleRoles, keys(allCommands)),
		spoils: []spoil{
			{"create policy easy on posts to fanfare_agent using (true)", "posts.easy is FOR ALL to fanfare_agent"},
			{"create policy easy on posts for select using (true)", "posts.easy is for PUBLIC"},
		},
	},
	{
		name: "keys, indexes and foreign keys of tenant tables begin with customer_id",
		violations: sqlRule(cteOurs+`
			select format('%s: index %s does not begin with customer_id', o.name, i.indexrelid::regclass)
			from pg_index i join ours o on o.oid = i.indrelid
			where o.tenant and (select relname from pg_class where oid = i.indexrelid) <> all ($1)
				and i.indkey[0] is distinct from (select attnum from pg_attribute where attrelid = o.oid and attname = 'customer_id')
			union all
			select format('%s: customer_id may be null', o.name)
			from ours o join pg_attribute a on a.attrelid = o.oid and a.attname = 'customer_id'
			where o.relkind in ('r', 'p') and not a.attnotnull and o.name <> 'river.river_job'
			union all
			select format('%s: no primary key', o.name) from ours o
			where o.relkind in ('r', 'p') and not exists (select from pg_index i where i.indrelid = o.oid and i.indisprimary)
			union all
			select 'listed as an exception, yet there is no such index: ' || e from unnest($1::text[]) e
			where not exists (select from ours where relkind = 'i' and relname = e)`, keys(indexesWithoutCustomer)),
		spoils: []spoil{
			{"create index posts_by_state on posts (state)", "posts_by_state"},
			{"create unique index on media (path)", "media_path_idx"},
			{"create table notes (customer_id uuid, id uuid primary key)", "notes_pkey"},
			{"create table notes (customer_id uuid)", "public.notes: customer_id may be null"},
			{"create table notes (customer_id uuid not null)", "public.notes: no primary key"},
			{"drop index memberships_by_user", "memberships_by_user"},
		},
	},
	{
		name: "foreign keys between tenant tables are composite with customer_id",
		violations: sqlRule(cteOurs+`, keys as (
				select f.oid, f.conname, o.name, o.tenant, t.name as target, t.tenant as target_tenant,
					array(select a.attname::text from unnest(f.conkey) with ordinality k(n, i) join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.n order by i) as columns,
					array(select a.attname::text from unnest(f.confkey) with ordinality k(n, i) join pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.n order by i) as targets
				from pg_constraint f join ours o on o.oid = f.conrelid join ours t on t.oid = f.confrelid
				where f.contype = 'f'
			)
			select format('%s: %s leads to %s without customer_id', name, conname, target) from keys
			where target_tenant and not (columns[1] = 'customer_id' and targets[1] = 'customer_id')
			union all
			select format('%s: %s leads to the customer by %s', name, conname, columns) from keys
			where target = 'public.customers' and columns <> array['customer_id']
			union all
			select format('%s: %s leads to %s', name, conname, target) from keys
			where not target_tenant and target not in ('public.customers', 'public.users')
			union all
			select o.name || ': no foreign key leads to its customer' from ours o
			where o.tenant and o.relkind in ('r', 'p') and o.name <> all ($1)
				and not exists (select from keys k where k.name = o.name and k.columns[1] = 'customer_id')`, keys(withoutCustomerKey)),
		spoils: []spoil{
			{scratchTable("alter table posts add unique (id); alter table scratch add post_id uuid references posts (id)"), "scratch_post_id_fkey leads to public.posts without"},
			{scratchTable("alter table scratch add other uuid references customers (id)"), "scratch_other_fkey leads to the customer by"},
			{scratchTable("alter table scratch add worker text references workers (id)"), "scratch_worker_fkey leads to public.workers"},
			{"alter table campaigns drop constraint campaigns_customer_fkey", "public.campaigns: no foreign key"},
		},
	},
	{
		name: "views are security_invoker",
		violations: sqlRule(cteOurs + `select name from ours where relkind = 'v'
			and not coalesce(reloptions @> array['security_invoker=true'] or reloptions @> array['security_invoker=on'], false)`),
		spoils: []spoil{
			{"create view all_posts as select * from posts", "public.all_posts"},
			{"alter view posts_with_platforms set (security_invoker = false)", "public.posts_with_platforms"},
			{"alter view posts_with_platforms reset (security_invoker)", "public.posts_with_platforms"},
		},
	},
	{
		name: "nothing is granted to everybody or to the login",
		violations: sqlRule(cteGrants + `
			select format('%s on %s to %s', privilege_type, name, grantee) from grants where grantee in ('PUBLIC', 'fanfare_login')
			union all
			select format('%s on schema %s to PUBLIC', g.privilege_type, n.nspname)
			from pg_namespace n cross join aclexplode(n.nspacl) g where n.nspname in ('public', 'river', 'tenancy') and g.grantee = 0
			union all
			select format('%s on the database to %s', g.privilege_type, coalesce(r.rolname, 'PUBLIC'))
			from pg_database d cross join aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g left join pg_roles r on r.oid = g.grantee
			where d.datname = current_database() and (g.grantee = 0 or (r.rolname like 'fanfare%' and r.rolname <> 'fanfare_owner' and g.privilege_type <> 'CONNECT'))
			union all
			select format('CREATE on schema %s to %s', n.nspname, r.rolname)
			from pg_namespace n cross join aclexplode(n.nspacl) g join pg_roles r on r.oid = g.grantee
			where g.privilege_type = 'CREATE' and r.rolname like 'fanfare%'
				and r.rolname <> 'fanfare_owner' and not (r.rolname = 'fanfare_definer' and n.nspname = 'tenancy')`),
		spoils: []spoil{
			{"grant select on posts to public", "SELECT on public.posts to PUBLIC"},
			{"grant select (id) on posts to public", "SELECT on public.posts to PUBLIC"},
			{"grant select on posts to fanfare_login", "to fanfare_login"},
			{"grant usage on sequence river.river_job_id_seq to public", "USAGE on river.river_job_id_seq"},
			{"grant usage on schema public to public", "USAGE on schema public"},
			{"do $$ begin execute format('grant temporary on database %I to fanfare_user', current_database()); end $$", "TEMPORARY on the database to fanfare_user"},
			{"grant create on schema public to fanfare_user", "CREATE on schema public to fanfare_user"},
		},
	},
	{
		name: "TRUNCATE, REFERENCES and TRIGGER are granted to nobody",
		violations: sqlRule(cteGrants + `select format('%s on %s to %s', privilege_type, name, grantee) from grants
			where privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN')`),
		spoils: []spoil{
			{"grant truncate on posts to fanfare_worker", "TRUNCATE on public.posts"},
			{"grant references (id) on posts to fanfare_user", "REFERENCES on public.posts"},
			{"grant trigger on posts to fanfare_admin", "TRIGGER on public.posts"},
		},
	},
	{
		name: "tenants write named columns, and never whose, by whom or which version",
		violations: sqlRule(cteGrants+`
			select format('%s on all columns of %s to %s', privilege_type, name, grantee) from grants
			where privilege_type in ('INSERT', 'UPDATE') and attname is null and tenant and grantee = any ($1)
				and name || ' ' || grantee <> all ($2)
			union all
			select format('%s of %s.%s to %s', privilege_type, name, attname, grantee) from grants
			where privilege_type in ('INSERT', 'UPDATE') and grantee = any ($1) and (tenant or name = 'public.customers')
				and (attname in ('customer_id', 'created_by', 'version', 'updated_at', 'legacy_id') or (attname = 'created_at' and name <> 'river.river_job'))
			union all
			select format('%s on global %s to %s', privilege_type, name, grantee) from grants
			where privilege_type in ('INSERT', 'UPDATE', 'DELETE') and not tenant and relkind in ('r', 'p') and grantee = any ($3)
				and not (name = 'public.customers' and privilege_type = 'UPDATE' and attname is not null)
				and not (name = any ($4) and privilege_type in ('INSERT', 'UPDATE') and attname is not null)`,
			tenantRoles, keys(restrictiveElsewhere), peopleRoles, keys(writtenGlobals)),
		spoils: []spoil{
			{"grant update on posts to fanfare_user", "UPDATE on all columns of public.posts"},
			{"grant insert (customer_id) on posts to fanfare_worker", "INSERT of public.posts.customer_id"},
			{"grant update (created_by) on posts to fanfare_admin", "UPDATE of public.posts.created_by"},
			{"grant insert (user_id, role) on system_roles to fanfare_admin", "INSERT on global public.system_roles"},
			{"grant delete on customers to fanfare_user", "DELETE on global public.customers"},
		},
	},
	{
		name: "everything that is sealed is re-encrypted",
		violations: sqlRule(cteOurs+`, sealed as (
				select o.oid, o.relname || '.' || a.attname as name
				from ours o
					join pg_attribute a on a.attrelid = o.oid and a.atttypid = 'bytea'::regtype and not a.attisdropped
				where o.relkind in ('r', 'p')
					and exists (select from pg_attribute k where k.attrelid = o.oid and k.attname = 'key_id' and not k.attisdropped)
			)
			select 'not in tenancy.sealed_columns(): ' || name from sealed
			where name <> all ($1) and name not in (select s.table_name || '.' || s.column_name from tenancy.sealed_columns() s)
			union all select 'in tenancy.sealed_columns(), and no column beside a key_id: ' || s.table_name || '.' || s.column_name
			from tenancy.sealed_columns() s where s.table_name || '.' || s.column_name not in (select name from sealed)
			union all select 'listed as not sealed, and there is none or it is: ' || b from unnest($1::text[]) b
			where b not in (select name from sealed) or b in (select s.table_name || '.' || s.column_name from tenancy.sealed_columns() s)
			union all select format('%s is not known to re-encryption by its primary key: %s', s.table_name, s.key_columns)
			from tenancy.sealed_columns() s
			where not exists (select from pg_constraint c where c.conrelid = ('public.' || s.table_name)::regclass and c.contype = 'p'
				and (select array_agg(a.attname::text order by k.i) from unnest(c.conkey) with ordinality k (attnum, i)
					join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.attnum) = s.key_columns)`, keys(besideSealed)),
		spoils: []spoil{
			{"alter table integrations add column other bytea", "not in tenancy.sealed_columns(): integrations.other"},
			{"alter table media add column key_id bigint, add column secret bytea", "not in tenancy.sealed_columns(): media.secret"},
			{"alter table integrations rename column credential to secret", "no column beside a key_id: integrations.credential"},
			{"alter table invitations drop column token_hash", "listed as not sealed, and there is none or it is: invitations.token_hash"},
			{"alter table agent_token_keys drop constraint agent_token_keys_pkey", "agent_token_keys is not known to re-encryption"},
		},
	},
	{
		name: "people read no secret",
		violations: sqlRule(cteOurs+`, columns as (
				select o.oid, o.name || '.' || a.attname as name, a.attname, a.atttypid from ours o
				join pg_attribute a on a.attrelid = o.oid and a.attnum > 0 and not a.attisdropped where o.relkind in ('r', 'p', 'v'))
			select format('%s may read %s', r, c.name) from columns c, unnest($1::text[]) r
			where c.name = any ($2) and has_column_privilege(r, c.oid, c.attname, 'select')
				and not (r = 'fanfare_definer' and c.name = any ($4)) and not (r = 'fanfare_worker' and c.name = any ($5))
			union all
			select 'neither listed as a secret nor as readable: ' || c.name from columns c
			where (c.atttypid = 'bytea'::regtype or c.attname ~ '(secret|credential|password|token|hash|sealed)'
					and c.atttypid <> 'bigint'::regtype) -- a count of tokens
				and c.name <> all ($2) and c.name <> all ($3)
			union all
			select 'listed as a secret, yet there is no such column: ' || s from unnest($2::text[]) s where s not in (select name from columns)`,
			append([]string{"fanfare_login", "fanfare_definer", "fanfare_worker"}, peopleRoles...), keys(secrets), keys(readableBytes),
			keys(definerReads), keys(workerReads)),
		spoils: []spoil{
			{"grant select (cookie_hash) on connect_sessions to fanfare_worker", "fanfare_worker may read public.connect_sessions.cookie_hash"},
			{"grant select on invitations to fanfare_user", "fanfare_user may read public.invitations.token_hash"},
			{"grant select (credential) on integrations to fanfare_admin", "fanfare_admin may read public.integrations.credential"},
			{"grant select on integrations to fanfare_user", "fanfare_user may read public.integrations.credential"},
			{"grant select on integrations to fanfare_worker", "fanfare_worker may read public.integrations.credential"},
			{"alter table media add upload_token text", "public.media.upload_token"},
			{"alter table integrations rename credential to blob", "no such column: public.integrations.credential"},
		},
	},
	{
		name:       "SECURITY DEFINER functions are the listed ones, with an empty search_path, for the listed roles",
		violations: definerViolations,
		spoils: []spoil{
			{"create function tenancy.peek() returns bigint language sql security definer return 1", "tenancy.peek is not listed"},
			{"alter function tenancy.enter_user(text, uuid, text) reset search_path", "tenancy.enter_user has the settings"},
			{"alter function tenancy.enter_user(text, uuid, text) set search_path = public", "tenancy.enter_user has the settings"},
			{"alter function tenancy.enter_user(text, uuid, text) owner to fanfare_owner", "tenancy.enter_user is owned by fanfare_owner"},
			{"grant execute on function tenancy.enter_user(text, uuid, text) to public", "tenancy.enter_user may be executed by PUBLIC,"},
			{"grant execute on function tenancy.enter_user(text, uuid, text) to fanfare_user", "tenancy.enter_user may be executed by fanfare_login,fanfare_user"},
			{"drop function tenancy.readiness()", "tenancy.readiness is listed"},
		},
	},
	{
		name: "no function of ours may be executed by everybody",
		violations: sqlRule(`
			select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
				cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
			where n.nspname in ('public', 'tenancy', 'river') and g.grantee = 0
			union all
			select 'a new function would be, by default'
			where not exists (
				select from pg_default_acl d where d.defaclrole = 'fanfare_owner'::regrole and d.defaclobjtype = 'f' and d.defaclnamespace = 0
					and not exists (select from aclexplode(d.defaclacl) g where g.grantee = 0))
			union all
			select format('by default, %s would be granted to %s', g.privilege_type, coalesce(r.rolname, 'PUBLIC'))
			from pg_default_acl d cross join aclexplode(d.defaclacl) g left join pg_roles r on r.oid = g.grantee
			where g.grantee <> d.defaclrole
			union all
			select 'set_config() may be executed by ' || r from unnest(array['fanfare_user', 'fanfare_agent', 'fanfare_admin']) r
			where has_function_privilege(r, 'pg_catalog.set_config(text, text, boolean)', 'execute')`),
		spoils: []spoil{
			{"create function tenancy.open_to_all() returns int language sql return 1", "tenancy.open_to_all()"},
			{"grant execute on function tenancy.touch() to public", "tenancy.touch()"},
			{"alter default privileges for role fanfare_owner grant execute on functions to public", "a new function would be"},
			{"alter default privileges for role fanfare_owner grant select on tables to fanfare_user", "by default, SELECT would be granted to fanfare_user"},
			{"grant execute on function pg_catalog.set_config(text, text, boolean) to fanfare_agent", "fanfare_agent"},
			{"grant execute on function pg_catalog.set_config(text, text, boolean) to public", "fanfare_user"},
		},
	},
	{
		name: "roles have no attribute, membership or possession beyond the design",
		violations: sqlRule(`
			with wanted(role, login) as (values ('fanfare_owner', true), ('fanfare_definer', false), ('fanfare_login', true), ('fanfare_user', false),
				('fanfare_agent', false), ('fanfare_admin', false), ('fanfare_worker', true), ('fanfare_backup', true)),
			members as (select g.rolname as role, m.rolname as member, a.admin_option from pg_auth_members a
				join pg_roles g on g.oid = a.roleid join pg_roles m on m.oid = a.member)
			select format('%s: superuser %s, bypassrls %s, createrole %s, createdb %s, replication %s, inherit %s, login %s', r.rolname,
				r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolinherit, r.rolcanlogin)
			from pg_roles r left join wanted w on w.role = r.rolname
			where r.rolname like 'fanfare%' and (w.role is null or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication
				or r.rolinherit or r.rolcanlogin <> w.login)
			union all
			select format('%s is a member of %s (admin %s)', member, role, admin_option) from members
			where member like 'fanfare%' and (admin_option or (role, member) not in (('fanfare_user', 'fanfare_login'), ('fanfare_agent', 'fanfare_login'),
				('fanfare_admin', 'fanfare_login'), ('fanfare_definer', 'fanfare_owner')))
			union all
			select format('%s has the setting %s', r.rolname, s.setconfig) from pg_db_role_setting s join pg_roles r on r.oid = s.setrole where r.rolname like 'fanfare%'
			union all
			select format('%s owns %s', s.refobjid::regrole, pg_describe_object(s.classid, s.objid, s.objsubid))
			from pg_shdepend s join pg_database d on d.oid = s.dbid and d.datname = current_database()
			where s.refclassid = 'pg_authid'::regclass and s.deptype = 'o'
				and s.refobjid in (select oid from pg_roles where rolname in ('fanfare_login', 'fanfare_user', 'fanfare_agent', 'fanfare_admin', 'fanfare_worker'))`),
		spoils: []spoil{
			{"alter role fanfare_owner bypassrls", "fanfare_owner: superuser f, bypassrls t"},
			{"alter role fanfare_login inherit", "fanfare_login"},
			{"alter role fanfare_worker createrole", "fanfare_worker"},
			{"alter role fanfare_user login", "fanfare_user"},
			{"create role fanfare_support", "fanfare_support"},
			{"grant fanfare_backup to fanfare_login", "fanfare_login is a member of fanfare_backup"},
			{"grant fanfare_owner to fanfare_login", "fanfare_login is a member of fanfare_owner"},
			{"grant pg_read_all_data to fanfare_worker", "fanfare_worker is a member of pg_read_all_data"},
			{"grant fanfare_user to fanfare_login with admin option", "(admin t)"},
			{"alter role fanfare_login set fanfare.customer_id = 'x'", "fanfare_login has the setting"},
			{"alter table media owner to fanfare_worker", "fanfare_worker owns table media"},
		},
	},
	{
		name:       "policies call functions once per statement",
		violations: perRowViolations,
		spoils: []spoil{
			{"create policy slow on posts for select to fanfare_user using (tenancy.has_role('member'))", "posts.slow calls tenancy.has_role"},
			{"create policy slow on posts for select to fanfare_user using (title = current_setting('x'))", "posts.slow calls current_setting"},
			{"create policy slow on posts for insert to fanfare_user with check ((select tenancy.has_role(state)))", "posts.slow has a subquery on the column state"},
			{"create policy slow on posts for select to fanfare_user using (customer_id in (select customer_id from memberships))", "posts.slow reads a table"},
		},
	},
	{
		name:       "policies of memberships do not read memberships",
		violations: membershipViolations,
		spoils: []spoil{
			{"create policy round on memberships for select to fanfare_agent using (user_id in (select user_id from memberships))", "memberships.round reads memberships"},
			{`create function tenancy.am_in() returns boolean language plpgsql as 'begin return exists (select from public.memberships); end';
				create policy round on memberships for select to fanfare_agent using ((select tenancy.am_in()))`, "memberships.round calls tenancy.am_in, which reads memberships"},
		},
	},
	{
		name: "what bypasses row-level security is listed",
		violations: sqlRule(`
			select format('%s of %s changes rows by itself', conname, conrelid::regclass) from pg_constraint
			where contype = 'f' and (confdeltype in ('c', 'n', 'd') or confupdtype in ('c', 'n', 'd')) and conname <> all ($1)
			union all
			select 'listed, yet there is no such cascade: ' || c from unnest($1::text[]) c
			where not exists (select from pg_constraint where contype = 'f' and confdeltype = 'c' and conname = c)
			union all select 'publication ' || pubname from pg_publication
			union all select 'subscription ' || subname from pg_subscription
			union all select 'extension ' || extname from pg_extension where extname <> 'plpgsql'
			union all select 'event trigger ' || evtname from pg_event_trigger
			union all select format('rule %s on %s', rulename, ev_class::regclass) from pg_rewrite r
				join pg_class c on c.oid = r.ev_class join pg_namespace n on n.oid = c.relnamespace
				where rulename <> '_RETURN' and n.nspname not in ('pg_catalog', 'information_schema')`, keys(cascades)),
		spoils: []spoil{
			{scratchTable("alter table scratch add post_id uuid, add foreign key (customer_id, post_id) references posts on delete cascade"), "scratch_customer_id_post_id_fkey"},
			{scratchTable("alter table scratch add post_id uuid, add foreign key (customer_id, post_id) references posts on update cascade"), "scratch_customer_id_post_id_fkey"},
			{"create publication everything for all tables", "publication everything"},
			{"alter table post_media drop constraint post_media_post_fkey", "post_media_post_fkey"},
			{"create rule r as on delete to media do instead nothing", "rule r on media"},
		},
	},
}

// TestCatalogue holds the schema to the rules, and the rules to what they say they notice.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	// Migrated itself: a copy of the template would not have the grants on the database.
	databaseURL := dbtest.NewEmpty(t)
	if err := db.Migrate(context.Background(), databaseURL, db.LoginPasswords{}, io.Discard); err != nil {
		t.Fatal(err)
	}
	super := dbtest.OpenPool(t, databaseURL)
	for _, r := range rules {
		// Not parallel: the spoils of roles change rows that all databases of the server share.
		t.Run(r.name, func(t *testing.T) {
			ctx := context.Background()
			for _, violation := range r.violations(ctx, t, super) {
				t.Error(violation)
			}
			if len(r.spoils) == 0 {
				t.Error("the rule names nothing that breaks it")
			}
			for _, s := range r.spoils {
				tx, err := super.Begin(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := tx.Exec(ctx, s.sql, pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Errorf("%s: %v", s.sql, err)
				} else if got := r.violations(ctx, t, tx); !slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, s.want) }) {
					t.Errorf("after %q the rule reports %q, want something with %q", s.sql, got, s.want)
				}
				if err := tx.Rollback(ctx); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// definerViolations compares the SECURITY DEFINER functions with definerFunctions.
func definerViolations(ctx context.Context, t testing.TB, q querier) []string {
	t.Helper()
	type function struct{ Name, Owner, Settings, Grantees string }
	rows, err := q.Query(ctx, `
		select n.nspname || '.' || p.proname, p.proowner::regrole::text, coalesce(array_to_string(p.proconfig, ';'), ''),
			coalesce((select string_agg(distinct coalesce(r.rolname, 'PUBLIC'), ',' order by coalesce(r.rolname, 'PUBLIC'))
				from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g left join pg_roles r on r.oid = g.grantee
				where g.grantee <> p.proowner), '')
		from pg_proc p join pg_namespace n on n.oid = p.pronamespace
		where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	functions, err := pgx.CollectRows(rows, pgx.RowToStructByPos[function])
	if err != nil {
		t.Fatal(err)
	}
	var violations []string
	found := map[string]bool{}
	for _, f := range functions {
		if found[f.Name] {
			violations = append(violations, f.Name+" exists twice")
		}
		found[f.Name] = true
		listed, ok := definerFunctions[f.Name]
		if !ok {
			violations = append(violations, f.Name+" is not listed")
		}
		if f.Settings != `search_path=""` {
			violations = append(violations, fmt.Sprintf("%s has the settings %q, want an empty search_path", f.Name, f.Settings))
		}
		owner := "fanfare_definer"
		if ownersFunctions[f.Name] != "" {
			owner = "fanfare_owner"
		}
		if f.Owner != owner {
			violations = append(violations, f.Name+" is owned by "+f.Owner)
		}
		if f.Grantees != listed.grantees {
			violations = append(violations, fmt.Sprintf("%s may be executed by %s, want %q", f.Name, f.Grantees, listed.grantees))
		}
	}
	for _, name := range keys(definerFunctions) {
		if !found[name] {
			violations = append(violations, name+" is listed, yet there is no such function")
		}
	}
	return violations
}

// policy is a policy's expressions, USING and WITH CHECK together.
type policy struct {
	Table, Name, Expression string
	Columns                 []string
}

func policies(ctx context.Context, t testing.TB, q querier) []policy {
	t.Helper()
	rows, err := q.Query(ctx, `
		select p.polrelid::regclass::text, p.polname::text,
			concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
			array(select a.attname::text from pg_attribute a where a.attrelid = p.polrelid and a.attnum > 0 and not a.attisdropped)
		from pg_policy p order by 1, 2`)
	if err != nil {
		t.Fatal(err)
	}
	found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[policy])
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatal("there is no policy")
	}
	return found
}

var (
	functionCall = regexp.MustCompile(`([a-z_][a-z_0-9.]*)\(`)
	// notColumns are the names of a subquery's result, literals and casts.
	notColumns = regexp.MustCompile(` AS [a-z_0-9]+|'[^']*'|::[a-z_ ]+`)
)

// cutSubqueries takes the outermost "( SELECT … )" out of an expression.
func cutSubqueries(expression string) (rest string, subqueries []string) {
	for {
		start := strings.Index(expression, "( SELECT ")
		if start < 0 {
			return rest + expression, subqueries
		}
		depth, end := 0, len(expression)
		for i := start; i < len(expression); i++ {
			if expression[i] == '(' {
				depth++
			} else if expression[i] == ')' {
				if depth--; depth == 0 {
					end = i + 1
					break
				}
			}
		}
		rest += expression[:start]
		subqueries = append(subqueries, expression[start:end])
		expression = expression[end:]
	}
}

// perRowViolations finds policies that would do something for each row: call a function outside of a
// subquery, or have a subquery that depends on the row.
func perRowViolations(ctx context.Context, t testing.TB, q querier) []string {
	t.Helper()
	var violations []string
	for _, p := range policies(ctx, t, q) {
		name := p.Table + "." + p.Name
		rest, cut := cutSubqueries(p.Expression)
		for _, call := range functionCall.FindAllStringSubmatch(rest, -1) {
			violations = append(violations, fmt.Sprintf("%s calls %s for each row", name, call[1]))
		}
		for _, subquery := range cut {
			if strings.Contains(subquery, " FROM ") {
				if subqueries[name] == "" {
					violations = append(violations, name+" reads a table and is not listed")
				}
				continue
			}
			inside := functionCall.ReplaceAllString(notColumns.ReplaceAllString(subquery, ""), "(")
			for _, column := range p.Columns {
				if regexp.MustCompile(`\b` + column + `\b`).MatchString(inside) {
					violations = append(violations, fmt.Sprintf("%s has a subquery on the column %s, run for each row", name, column))
				}
			}
		}
	}
	return violations
}

// membershipViolations finds policies of memberships that read memberships, by themselves or through a function.
func membershipViolations(ctx context.Context, t testing.TB, q querier) []string {
	t.Helper()
	var violations []string
	for _, p := range policies(ctx, t, q) {
		if p.Table != "memberships" {
			continue
		}
		name := p.Table + "." + p.Name
		if strings.Contains(p.Expression, "memberships") {
			violations = append(violations, name+" reads memberships")
		}
		for _, call := range functionCall.FindAllStringSubmatch(p.Expression, -1) {
			if len(column[int32](ctx, t, q, `select 1 from pg_proc p join pg_namespace n on n.oid = p.pronamespace
				where (n.nspname || '.' || p.proname = $1 or p.proname = $1) and n.nspname <> 'pg_catalog'
					and p.prokind = 'f' and concat(p.prosrc, pg_get_function_sqlbody(p.oid)) ~ 'memberships'`, call[1])) > 0 {
				violations = append(violations, fmt.Sprintf("%s calls %s, which reads memberships", name, call[1]))
			}
		}
	}
	return violations
}
