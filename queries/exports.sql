-- name: ExportCreate :exec
insert into exports (id)
values (@id);

-- name: ExportGet :one
select e.id, e.state, e.requested_by, e.started_at, e.finished_at, e.size_bytes, e.sha256, e.problem, e.expires_at, e.created_at,
    e.version, (e.state = 'ready' and e.expires_at > now())::boolean as downloadable
from exports e
where e.id = @id;

-- name: ExportList :many
select e.id, e.state, e.requested_by, e.started_at, e.finished_at, e.size_bytes, e.sha256, e.problem, e.expires_at, e.created_at
from exports e
where e.id < @before
order by e.id desc
limit @max_rows;

-- Takes an export's file out of reach, which is deleted next.
-- name: ExportExpire :execrows
update exports
set expires_at = now()
where id = @id and state = 'ready';

-- name: ExportDelete :execrows
delete from exports
where id = @id;

-- What there is to do about exports of all customers.
-- name: ExportListToDo :many
select e.customer_id::uuid as customer_id, e.id::uuid as id, e.expired::boolean as expired
from tenancy.exports_to_do(@max_rows) e;

-- Begins to write an export, or begins anew. It concerns no row when there is nothing more to write.
-- name: ExportStart :execrows
update exports
set state = 'running', started_at = now()
where id = @id and state in ('queued', 'running');

-- name: ExportReady :execrows
update exports
set state = 'ready', finished_at = now(), size_bytes = @size_bytes, sha256 = @sha256, problem = null,
    expires_at = now() + @lifetime::interval
where id = @id and state = 'running';

-- name: ExportFail :execrows
update exports
set state = 'failed', finished_at = now(), problem = @problem
where id = @id and state in ('queued', 'running');

-- The file is gone.
-- name: ExportExpired :execrows
update exports
set state = 'expired'
where id = @id and state = 'ready' and expires_at <= now();

-- What is exported: one query for each table, with one line of JSON for each row, in the order of its key, a page
-- at a time. Every field is named: none is a secret.

-- name: ExportRowsOfCustomers :many
select c.id, json_build_object('id', c.id, 'name', c.name, 'description', c.description, 'brand_voice', c.brand_voice,
    'audience', c.audience, 'language', c.language, 'time_zone', c.time_zone,
    'approval_required', c.approval_required, 'approver_role', c.approver_role, 'self_approval', c.self_approval, 'archived_at', c.archived_at,
    'version', c.version, 'created_at', c.created_at, 'updated_at', c.updated_at)::text as line
from customers c
where c.id > @after
order by c.id
limit @max_rows;

-- name: ExportRowsOfMemberships :many
select m.user_id as id, json_build_object('user_id', m.user_id, 'email', u.email, 'name', u.name, 'role', m.role,
    'version', m.version, 'created_at', m.created_at, 'updated_at', m.updated_at)::text as line
from memberships m
    join users u on u.id = m.user_id
where m.user_id > @after
order by m.user_id
limit @max_rows;

-- name: ExportRowsOfIntegrations :many
select i.id, json_build_object('id', i.id, 'platform', i.platform, 'external_id', i.external_id, 'name', i.name, 'url', i.url,
    'state', i.state, 'state_since', i.state_since, 'reason', i.reason, 'authorization_id', i.authorization_id,
    'is_default', i.is_default, 'checked_at', i.checked_at, 'created_by', i.created_by,
    'version', i.version, 'created_at', i.created_at, 'updated_at', i.updated_at)::text as line
from integrations i
where i.id > @after
order by i.id
limit @max_rows;

-- name: ExportRowsOfAuthorizations :many
select a.id, json_build_object('id', a.id, 'platform', a.platform, 'external_id', a.external_id, 'name', a.name,
    'state', a.state, 'state_since', a.state_since, 'reason', a.reason, 'scopes', a.scopes, 'expires_at', a.expires_at,
    'renew_at', a.renew_at, 'reconnect_by', a.reconnect_by, 'failures', a.failures, 'failing_since', a.failing_since, 'failure', a.failure,
    'renewed_at', a.renewed_at, 'reminded', a.reminded, 'created_by', a.created_by,
    'version', a.version, 'created_at', a.created_at, 'updated_at', a.updated_at)::text as line
from authorizations a
where a.id > @after
order by a.id
limit @max_rows;

-- name: ExportRowsOfCampaigns :many
select c.id, json_build_object('id', c.id, 'name', c.name, 'goal', c.goal, 'starts_on', c.starts_on, 'ends_on', c.ends_on,
    'archived_at', c.archived_at, 'created_by', c.created_by,
    'version', c.version, 'created_at', c.created_at, 'updated_at', c.updated_at)::text as line
from campaigns c
where c.id > @after
order by c.id
limit @max_rows;

-- name: ExportRowsOfPosts :many
select p.id, json_build_object('id', p.id, 'campaign_id', p.campaign_id, 'title', p.title, 'text', p.text, 'state', p.state,
    'scheduled_at', p.scheduled_at, 'created_by', p.created_by, 'approved_at', p.approved_at, 'approved_by', p.approved_by,
    'submitted_by', p.submitted_by, 'edited_by', p.edited_by,
    'submitted_for', p.submitted_for, 'edited_for', p.edited_for, 'slot_at', p.slot_at,
    'recurrence_id', p.recurrence_id, 'occurrence_at', p.occurrence_at, 'detached_at', p.detached_at, 'space_id', p.space_id,
    'version', p.version, 'created_at', p.created_at, 'updated_at', p.updated_at)::text as line
from posts p
where p.id > @after
order by p.id
limit @max_rows;

-- name: ExportRowsOfQueueSlots :many
select s.id, json_build_object('id', s.id, 'weekday', s.weekday, 'local_time', s.local_time, 'created_by', s.created_by,
    'version', s.version, 'created_at', s.created_at)::text as line
from queue_slots s
where s.id > @after
order by s.id
limit @max_rows;

-- name: ExportRowsOfRecurringPosts :many
select r.id, json_build_object('id', r.id, 'post_id', r.post_id, 'rrule', r.rrule, 'starts_local', r.starts_local,
    'time_zone', r.time_zone, 'state', r.state, 'next_at', r.next_at, 'made_until', r.made_until, 'look_at', r.look_at,
    'problem', r.problem, 'skipped', r.skipped, 'skipped_at', r.skipped_at, 'created_by', r.created_by, 'version', r.version,
    'created_at', r.created_at, 'updated_at', r.updated_at)::text as line
from recurring_posts r
where r.id > @after
order by r.id
limit @max_rows;

-- name: ExportRowsOfPlatformPosts :many
select pp.id, json_build_object('id', pp.id, 'post_id', pp.post_id, 'integration_id', pp.integration_id, 'text', pp.text,
    'options', pp.options, 'own_media', pp.own_media, 'state', pp.state, 'attempt', pp.attempt, 'first_attempt', pp.first_attempt, 'retry_at', pp.retry_at, 'checkpoint', pp.checkpoint, 'external_id', pp.external_id,
    'external_url', pp.external_url, 'published_at', pp.published_at, 'measure_at', pp.measure_at, 'problem_class', pp.problem_class, 'problem', pp.problem, 'problem_since', pp.problem_since,
    'version', pp.version, 'created_at', pp.created_at, 'updated_at', pp.updated_at)::text as line
from platform_posts pp
where pp.id > @after
order by pp.id
limit @max_rows;

-- name: ExportRowsOfPublishAttempts :many
select a.platform_post_id as id, a.number as second, json_build_object('platform_post_id', a.platform_post_id, 'number', a.number,
    'started_at', a.started_at, 'finished_at', a.finished_at, 'outcome', a.outcome, 'status', a.status, 'code', a.code,
    'message', a.message)::text as line
from publish_attempts a
where (a.platform_post_id, a.number) > (@after::uuid, @after_second::integer)
order by a.platform_post_id, a.number
limit @max_rows;

-- name: ExportRowsOfPostMetrics :many
select m.platform_post_id as id, m.day as second, json_build_object('platform_post_id', m.platform_post_id, 'day', m.day,
    'impressions', m.impressions, 'reach', m.reach, 'likes', m.likes, 'comments', m.comments, 'shares', m.shares,
    'clicks', m.clicks, 'measured_at', m.measured_at)::text as line
from post_metrics m
where (m.platform_post_id, m.day) > (@after::uuid, @after_second::date)
order by m.platform_post_id, m.day
limit @max_rows;

-- name: ExportRowsOfMedia :many
select m.id, json_build_object('id', m.id, 'path', m.path, 'content_type', m.content_type, 'bytes', m.bytes, 'width', m.width,
    'height', m.height, 'name', m.name, 'duration_ms', m.duration_ms, 'animated', m.animated, 'alt_text', m.alt_text, 'state', m.state,
    'sha256', encode(m.sha256, 'hex'), 'source', m.source, 'source_id', m.source_id, 'source_url', m.source_url,
    'photographer', m.photographer, 'photographer_url', m.photographer_url, 'space_id', m.space_id, 'created_by', m.created_by, 'version', m.version,
    'created_at', m.created_at, 'updated_at', m.updated_at)::text as line
from media m
where m.id > @after
order by m.id
limit @max_rows;

-- name: ExportRowsOfEmailTemplates :many
select t.id, json_build_object('id', t.id, 'name', t.name, 'subject', t.subject, 'preview_text', t.preview_text, 'html', t.html,
    'created_by', t.created_by, 'version', t.version, 'created_at', t.created_at, 'updated_at', t.updated_at)::text as line
from email_templates t
where t.id > @after
order by t.id
limit @max_rows;

-- name: ExportRowsOfPostMedia :many
select pm.post_id as id, pm.media_id as second, json_build_object('post_id', pm.post_id, 'media_id', pm.media_id,
    'position', pm.position)::text as line
from post_media pm
where (pm.post_id, pm.media_id) > (@after::uuid, @after_second::uuid)
order by pm.post_id, pm.media_id
limit @max_rows;

-- name: ExportRowsOfPlatformPostMedia :many
select pm.platform_post_id as id, pm.media_id as second, json_build_object('platform_post_id', pm.platform_post_id,
    'media_id', pm.media_id, 'position', pm.position)::text as line
from platform_post_media pm
where (pm.platform_post_id, pm.media_id) > (@after::uuid, @after_second::uuid)
order by pm.platform_post_id, pm.media_id
limit @max_rows;

-- name: ExportRowsOfPostReviews :many
select r.id, json_build_object('id', r.id, 'post_id', r.post_id, 'post_version', r.post_version, 'verdict', r.verdict,
    'comment', r.comment, 'created_by', r.created_by, 'space_id', r.space_id, 'created_at', r.created_at, 'content', r.content)::text as line
from post_reviews r
where r.id > @after
order by r.id
limit @max_rows;

-- name: ExportRowsOfInvitations :many
select i.id, json_build_object('id', i.id, 'email', i.email, 'role', i.role, 'invited_by', i.invited_by, 'expires_at', i.expires_at,
    'accepted_at', i.accepted_at, 'accepted_by', i.accepted_by, 'revoked_at', i.revoked_at, 'sent_at', i.sent_at,
    'send_problem', i.send_problem, 'version', i.version, 'created_at', i.created_at, 'updated_at', i.updated_at)::text as line
from invitations i
where i.id > @after
order by i.id
limit @max_rows;

-- name: ExportRowsOfAPIKeys :many
select k.id, json_build_object('id', k.id, 'name', k.name, 'prefix', k.prefix, 'permissions', k.permissions, 'space_id', k.space_id, 'created_by', k.created_by,
    'expires_at', k.expires_at, 'last_used_at', k.last_used_at, 'revoked_at', k.revoked_at,
    'version', k.version, 'created_at', k.created_at, 'updated_at', k.updated_at)::text as line
from api_keys k
where k.id > @after
order by k.id
limit @max_rows;

-- name: ExportRowsOfAuditLog :many
select a.id, json_build_object('id', a.id, 'occurred_at', a.occurred_at, 'actor_kind', a.actor_kind, 'actor_id', a.actor_id,
    'system_role', a.system_role, 'reason', a.reason, 'action', a.action, 'resource_type', a.resource_type,
    'resource_id', a.resource_id, 'changes', a.changes, 'request_id', a.request_id, 'ip', a.ip, 'user_agent', a.user_agent,
    'operation', a.operation, 'database_role', a.database_role)::text as line
from audit_log a
where a.id > @after
order by a.id
limit @max_rows;

-- name: ExportRowsOfBots :many
select b.id, json_build_object('id', b.id, 'platform', b.platform, 'bot', b.bot, 'team', b.team, 'name', b.name, 'username', b.username,
    'state', b.state, 'problem', b.problem, 'created_by', b.created_by, 'given_by', b.given_by, 'version', b.version, 'created_at', b.created_at, 'updated_at', b.updated_at)::text as line
from bots b
where b.id > @after
order by b.id
limit @max_rows;

-- name: ExportRowsOfWebhookEndpoints :many
select e.id, json_build_object('id', e.id, 'url', e.url, 'description', e.description, 'events', e.events, 'state', e.state,
    'state_since', e.state_since, 'reason', e.reason, 'failing_since', e.failing_since, 'failures', e.failures, 'created_by', e.created_by,
    'version', e.version, 'created_at', e.created_at, 'updated_at', e.updated_at)::text as line
from webhook_endpoints e
where e.id > @after
order by e.id
limit @max_rows;

-- Also what is not in a day's row yet.
-- name: ExportRowsOfUsageDays :many
select u.key::text as key, json_build_object('day', u.day, 'kind', u.kind, 'platform', u.platform, 'count', u.count,
    'input_tokens', u.input_tokens, 'output_tokens', u.output_tokens, 'cost_microusd', u.cost_microusd)::text as line
from (
    select concat_ws(' ', x.day, x.kind, x.platform) collate "C" as key, x.day, x.kind, x.platform, sum(x.count) as count,
        sum(x.input_tokens) as input_tokens, sum(x.output_tokens) as output_tokens, sum(x.cost_microusd) as cost_microusd
    from (
        select d.day, d.kind, d.platform, d.count, d.input_tokens, d.output_tokens, d.cost_microusd from usage_days d
        union all
        select e.day, e.kind, e.platform, e.count, e.input_tokens, e.output_tokens, e.cost_microusd from usage_entries e) x
    group by x.day, x.kind, x.platform) u
where u.key > @after::text
order by u.key
limit @max_rows;

-- What is somebody's alone is in no archive, and no secret is.
-- name: ExportRowsOfCredentials :many
select c.id, json_build_object('id', c.id, 'space_id', c.space_id, 'kind', c.kind, 'person', c.person, 'name', c.name, 'provider', c.provider,
    'model', c.model, 'base_url', c.base_url, 'mcp_server_id', c.mcp_server_id, 'login', c.login, 'shared_at', c.shared_at, 'shared_by', c.shared_by,
    'status', c.status, 'server', c.server, 'failure_code', c.failure_code, 'failure', c.failure, 'checked_at', c.checked_at, 'expires_at', c.expires_at,
    'created_by', c.created_by, 'version', c.version, 'created_at', c.created_at, 'updated_at', c.updated_at)::text as line
from credentials c
where c.id > @after and c.withdrawn_at is null and (c.person is null or c.shared_at is not null)
order by c.id
limit @max_rows;

-- name: ExportRowsOfMcpServers :many
select m.id, json_build_object('id', m.id, 'space_id', m.space_id, 'name', m.name, 'url', m.url, 'status', m.status, 'login', m.login, 'server', m.server,
    'failure_code', m.failure_code, 'failure', m.failure, 'checked_at', m.checked_at, 'created_by', m.created_by,
    'version', m.version, 'created_at', m.created_at, 'updated_at', m.updated_at)::text as line
from mcp_servers m
where m.id > @after
order by m.id
limit @max_rows;

-- name: ExportRowsOfSpaces :many
select s.id, json_build_object('id', s.id, 'platform', s.platform, 'bot', s.bot, 'team', s.team, 'kind', s.kind, 'external_id', s.external_id,
    'title', s.title, 'permissions', s.permissions, 'paired_by', s.paired_by, 'unreachable_at', s.unreachable_at,
    'move_requested_at', s.move_requested_at, 'ended_at', s.ended_at, 'ended_because', s.ended_because,
    'version', s.version, 'created_at', s.created_at, 'updated_at', s.updated_at)::text as line
from spaces s
where s.id > @after
order by s.id
limit @max_rows;

-- name: ExportRowsOfSpacePeople :many
select p.id, json_build_object('id', p.id, 'space_id', p.space_id, 'external_id', p.external_id, 'name', p.name, 'username', p.username,
    'joined_at', p.joined_at, 'left_at', p.left_at)::text as line
from space_people p
where p.id > @after
order by p.id
limit @max_rows;

-- name: ExportRowsOfChatIdentities :many
select i.id, json_build_object('id', i.id, 'platform', i.platform, 'bot', i.bot, 'team', i.team, 'external_id', i.external_id, 'user_id', i.user_id,
    'version', i.version, 'created_at', i.created_at, 'updated_at', i.updated_at)::text as line
from chat_identities i
where i.id > @after
order by i.id
limit @max_rows;

-- name: ExportRowsOfMessages :many
select m.id, json_build_object('id', m.id, 'space_id', m.space_id, 'direction', m.direction, 'person', m.person, 'person_name', m.person_name,
    'text', m.text, 'said_at', m.said_at)::text as line
from messages m
where m.id > @after
order by m.id
limit @max_rows;

-- name: ExportRowsOfPairings :many
select p.id, json_build_object('id', p.id, 'platform', p.platform, 'bot', p.bot, 'permissions', p.permissions, 'own', p.own, 'created_by', p.created_by, 'by_program', p.by_program, 'by_key', p.by_key, 'by_agent', p.by_agent,
    'expires_at', p.expires_at, 'state', p.state, 'claimed_by', p.claimed_by, 'claimed_at', p.claimed_at, 'team', p.team, 'kind', p.kind,
    'external_id', p.external_id, 'title', p.title, 'person_id', p.person_id, 'person_name', p.person_name, 'confirmed_at', p.confirmed_at,
    'confirmed_by', p.confirmed_by, 'held_elsewhere', p.held_elsewhere, 'space_id', p.space_id,
    'version', p.version, 'created_at', p.created_at, 'updated_at', p.updated_at)::text as line
from pairings p
where p.id > @after
order by p.id
limit @max_rows;

-- name: ExportRowsOfMemories :many
select m.id, json_build_object('id', m.id, 'space_id', m.space_id, 'text', m.text, 'created_by', m.created_by, 'person', m.person,
    'version', m.version, 'created_at', m.created_at, 'updated_at', m.updated_at)::text as line
from memories m
where m.id > @after
order by m.id
limit @max_rows;

-- name: ExportRowsOfWorkspaces :many
select w.id, json_build_object('id', w.id, 'space_id', w.space_id, 'state', w.state, 'bytes', w.bytes, 'entries', w.entries, 'measured_at', w.measured_at,
    'last_used_at', w.last_used_at, 'announced_at', w.announced_at, 'wanted_at', w.wanted_at, 'archived_at', w.archived_at, 'archive_id', w.archive_id,
    'archive_bytes', w.archive_bytes, 'problem', w.problem, 'version', w.version, 'created_at', w.created_at, 'updated_at', w.updated_at)::text as line
from workspaces w
where w.id > @after
order by w.id
limit @max_rows;

-- name: ExportRowsOfWorkspacePolicies :many
select p.customer_id as id, json_build_object('unused_days', p.unused_days, 'archive_days', p.archive_days, 'legal_hold', p.legal_hold,
    'hold_reason', p.hold_reason, 'hold_of_installation', p.hold_of_installation, 'quota', p.quota, 'version', p.version, 'created_at', p.created_at, 'updated_at', p.updated_at)::text as line
from workspace_policies p
where p.customer_id > @after
order by p.customer_id
limit @max_rows;

-- name: ExportRowsOfBackups :many
select b.id, json_build_object('id', b.id, 'state', b.state, 'requested_by', b.requested_by, 'night', b.night, 'is_full', b.is_full,
    'previous_id', b.previous_id, 'started_at', b.started_at, 'finished_at', b.finished_at, 'files', b.files, 'bytes', b.bytes,
    'stored_bytes', b.stored_bytes, 'left_out', b.left_out, 'unstable', b.unstable, 'damaged_at', b.damaged_at, 'problem', b.problem,
    'version', b.version, 'created_at', b.created_at, 'updated_at', b.updated_at)::text as line
from backups b
where b.id > @after
order by b.id
limit @max_rows;

-- name: ExportRowsOfRestores :many
select r.id, json_build_object('id', r.id, 'backup_id', r.backup_id, 'state', r.state, 'requested_by', r.requested_by, 'workspace_id', r.workspace_id,
    'path', r.path, 'to_workspace_id', r.to_workspace_id, 'to_path', r.to_path, 'exact', r.exact, 'plan', r.plan, 'started_at', r.started_at,
    'finished_at', r.finished_at, 'problem', r.problem, 'version', r.version, 'created_at', r.created_at, 'updated_at', r.updated_at)::text as line
from restores r
where r.id > @after
order by r.id
limit @max_rows;

-- name: ExportRowsOfDrills :many
select d.id, json_build_object('id', d.id, 'backup_id', d.backup_id, 'state', d.state, 'files', d.files, 'bytes', d.bytes, 'differences', d.differences,
    'problem', d.problem, 'created_at', d.created_at, 'finished_at', d.finished_at)::text as line
from drills d
where d.id > @after
order by d.id
limit @max_rows;
