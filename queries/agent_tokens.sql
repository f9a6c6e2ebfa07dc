-- Refused, and not empty, to who may not ask; so is the next.
-- name: AgentTokenList :many
select t.id, t.name, t.permissions, t.space_id, t.person, t.api_key_id, t.created_by, t.expires_at, t.revoked_at, t.version, t.created_at, t.updated_at
from agent_tokens t
where t.id < @before and (select tenancy.permit_tokens())
order by t.id desc
limit @max_rows;

-- name: AgentTokenGet :one
select t.id, t.name, t.permissions, t.space_id, t.person, t.api_key_id, t.created_by, t.expires_at, t.revoked_at, t.version, t.created_at, t.updated_at
from agent_tokens t
where t.id = @id and (select tenancy.permit_tokens());

-- name: AgentTokenCreate :exec
insert into agent_tokens (id, name, permissions, space_id, person, expires_at)
values (@id, @name, @permissions, coalesce(sqlc.narg('space_id'), tenancy.space_id()), sqlc.narg('person'), now() + @lifetime::interval);

-- name: AgentTokenRevoke :execrows
update agent_tokens
set revoked_at = now()
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: AgentTokenDeleteExpired :one
select tenancy.delete_expired_tokens(@max_rows)::bigint as deleted;

-- The keys that sign agent tokens, sealed, newest first. Runs as the API's login, outside a tenant.
-- name: AgentTokenKeyList :many
select k.id::uuid as id, k.sealed::bytea as sealed, k.created_at::timestamptz as created_at
from tenancy.agent_token_keys() k;

-- Adds a key unless there is one that signs.
-- name: AgentTokenKeyAdd :exec
select tenancy.add_agent_token_key(@id, @sealed, @key_id, @unusable::uuid[]);
