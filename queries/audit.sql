-- The audit log, newest first. Whichever filter is likely to leave the fewest rows has a query of its own, so that
-- each walks along one index; the others are looked at on the way. Ids grow with time, so the bounds on id are
-- bounds on time too, and those on occurred_at leave out whole months.
-- name: AuditList :many
select a.id, a.occurred_at, a.actor_kind, a.actor_id, a.system_role, a.reason, a.action, a.resource_type, a.resource_id, a.changes,
    a.request_id, a.ip, a.user_agent, a.operation, a.database_role
from audit_log a
where a.id < @before and a.id >= @after and a.occurred_at >= @since and a.occurred_at < @until
    and (sqlc.narg('actor_kind')::text is null or a.actor_kind = sqlc.narg('actor_kind')::text)
    and (sqlc.narg('resource_type')::text is null or a.resource_type = sqlc.narg('resource_type')::text)
order by a.id desc
limit @max_rows;

-- name: AuditListByResource :many
select a.id, a.occurred_at, a.actor_kind, a.actor_id, a.system_role, a.reason, a.action, a.resource_type, a.resource_id, a.changes,
    a.request_id, a.ip, a.user_agent, a.operation, a.database_role
from audit_log a
where a.id < @before and a.id >= @after and a.occurred_at >= @since and a.occurred_at < @until
    and a.resource_id = @resource_id::text
    and (sqlc.narg('actor_id')::uuid is null or a.actor_id = sqlc.narg('actor_id')::uuid)
    and (sqlc.narg('actor_kind')::text is null or a.actor_kind = sqlc.narg('actor_kind')::text)
    and (sqlc.narg('action')::text is null or a.action = sqlc.narg('action')::text)
    and (sqlc.narg('resource_type')::text is null or a.resource_type = sqlc.narg('resource_type')::text)
order by a.id desc
limit @max_rows;

-- name: AuditListByActor :many
select a.id, a.occurred_at, a.actor_kind, a.actor_id, a.system_role, a.reason, a.action, a.resource_type, a.resource_id, a.changes,
    a.request_id, a.ip, a.user_agent, a.operation, a.database_role
from audit_log a
where a.id < @before and a.id >= @after and a.occurred_at >= @since and a.occurred_at < @until
    and a.actor_id = @actor_id::uuid
    and (sqlc.narg('actor_kind')::text is null or a.actor_kind = sqlc.narg('actor_kind')::text)
    and (sqlc.narg('action')::text is null or a.action = sqlc.narg('action')::text)
    and (sqlc.narg('resource_type')::text is null or a.resource_type = sqlc.narg('resource_type')::text)
order by a.id desc
limit @max_rows;

-- name: AuditListByAction :many
select a.id, a.occurred_at, a.actor_kind, a.actor_id, a.system_role, a.reason, a.action, a.resource_type, a.resource_id, a.changes,
    a.request_id, a.ip, a.user_agent, a.operation, a.database_role
from audit_log a
where a.id < @before and a.id >= @after and a.occurred_at >= @since and a.occurred_at < @until
    and a.action = @action::text
    and (sqlc.narg('actor_kind')::text is null or a.actor_kind = sqlc.narg('actor_kind')::text)
    and (sqlc.narg('resource_type')::text is null or a.resource_type = sqlc.narg('resource_type')::text)
order by a.id desc
limit @max_rows;

-- Records a refused request. Runs as the API's login, outside a tenant.
-- name: AuditRecordRefusal :exec
select tenancy.record_refusal(@kind, sqlc.narg('subject')::text, sqlc.narg('key_hash')::bytea, sqlc.narg('token_customer_id')::uuid,
    sqlc.narg('token_id')::uuid, sqlc.narg('customer_id')::uuid, @status, @request);

-- Puts rows under seals, and tells how many.
-- name: AuditSeal :one
select tenancy.seal_audit(@max_rows)::integer as sealed;

-- Makes the months to come of the log and drops those that are too old; keep_months NULL keeps all.
-- name: AuditMaintain :exec
select tenancy.maintain_audit(sqlc.narg('keep_months')::integer);

-- Refuses who may not read the log. The policies do so too, but not where a filter leaves no month to look at.
-- name: AuditMayRead :one
select (tenancy.reads_audit() and tenancy.audit_customer_id() is not null)::boolean as allowed;
