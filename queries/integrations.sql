-- name: IntegrationList :many
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.version, i.created_at, i.updated_at
from integrations i
where i.id < @before
order by i.id desc
limit @max_rows;

-- name: IntegrationGet :one
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.version, i.created_at, i.updated_at
from integrations i
where i.id = @id;

-- The id under which an account is already connected: reconnecting keeps it.
-- name: IntegrationFindByAccount :one
select i.id
from integrations i
where i.platform = @platform and i.external_id = @external_id;

-- name: IntegrationCreate :exec
insert into integrations (id, platform, external_id, name, url, credential, key_id)
values (@id, @platform, @external_id, @name, @url, @credential, @key_id);

-- A fresh credential for an account makes it active again.
-- name: IntegrationReconnect :execrows
update integrations
set name = @name, url = @url, credential = @credential, key_id = @key_id, state = 'active'
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- Forgets the credential. The row stays: platform posts refer to it.
-- name: IntegrationDisconnect :execrows
update integrations
set state = 'disconnected', credential = null, key_id = null
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- The worker learns from a platform that a credential is refused. A newer credential is not touched.
-- name: IntegrationNeedsReauth :execrows
update integrations
set state = 'needs_reauth'
where id = @id and state = 'active' and version = @version;

-- Whether the entered user may connect accounts, to ask before a platform is called.
-- name: IntegrationMayCreate :one
select (tenancy.has_role('admin') or tenancy.has_system_role('admin'))::boolean as allowed;
