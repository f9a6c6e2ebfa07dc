-- Refused, and not empty, to who may not ask; so is the next.
-- name: APIKeyList :many
select k.id, k.name, k.prefix, k.permissions, k.space_id, k.created_by, k.expires_at, k.last_used_at, k.revoked_at, k.version, k.created_at, k.updated_at
from api_keys k
where k.id < @before and (select tenancy.permit_admins())
order by k.id desc
limit @max_rows;

-- name: APIKeyGet :one
select k.id, k.name, k.prefix, k.permissions, k.space_id, k.created_by, k.expires_at, k.last_used_at, k.revoked_at, k.version, k.created_at, k.updated_at
from api_keys k
where k.id = @id and (select tenancy.permit_admins());

-- name: APIKeyCreate :exec
insert into api_keys (id, name, prefix, key_hash, permissions, space_id, expires_at)
values (@id, @name, @prefix, @key_hash, @permissions, sqlc.narg('space_id'), sqlc.narg('expires_at'));

-- name: APIKeyUpdate :execrows
update api_keys
set name = @name
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- What was revoked stays so, from its first moment.
-- name: APIKeyRevoke :execrows
update api_keys
set revoked_at = now()
where id = @id and version = coalesce(sqlc.narg('version'), version);
