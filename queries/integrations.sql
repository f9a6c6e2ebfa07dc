-- name: IntegrationList :many
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.is_default, i.version, i.created_at, i.updated_at, i.health, i.login
from integrations_with_health i
where i.id < @before
order by i.id desc
limit @max_rows;

-- name: IntegrationGet :one
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.is_default, i.version, i.created_at, i.updated_at, i.health, i.login
from integrations_with_health i
where i.id = @id;

-- name: IntegrationListByID :many
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.is_default, i.version, i.created_at, i.updated_at, i.health, i.login
from integrations_with_health i
where i.id = any (@ids::uuid[])
order by i.id;

-- The id under which an account is already connected: reconnecting keeps it.
-- name: IntegrationFindByAccount :one
select i.id
from integrations i
where i.platform = @platform and i.external_id = @external_id;

-- name: IntegrationCreate :exec
insert into integrations (id, platform, external_id, name, url, credential, key_id, authorization_id)
values (@id, @platform, @external_id, @name, @url, @credential, @key_id, sqlc.narg('authorization_id'));

-- A fresh credential for an account makes it active again, under the authorization that it came with.
-- name: IntegrationReconnect :execrows
update integrations
set name = @name, url = @url, credential = @credential, key_id = @key_id, state = 'active', authorization_id = sqlc.narg('authorization_id')
where id = @id;

-- The accounts that are connected by somebody's sign-in.
-- name: IntegrationListByAuthorization :many
select i.external_id
from integrations i
where i.authorization_id = @authorization_id and i.state <> 'disconnected';

-- Locks an account for whoever may change it.
-- name: IntegrationLock :one
select i.platform, i.state, i.is_default, i.version
from integrations i
where i.id = @id
for no key update;

-- Makes way for another default of the platform.
-- name: IntegrationClearDefault :execrows
update integrations
set is_default = false
where platform = @platform and is_default and id <> @id;

-- name: IntegrationSetDefault :execrows
update integrations
set is_default = true
where id = @id;

-- The accounts that are meant where a post names platforms.
-- name: IntegrationListDefaults :many
select i.id, i.platform
from integrations i
where i.is_default and i.platform = any (@platforms::text[]);

-- Forgets the credential. The row stays: platform posts refer to it.
-- name: IntegrationDisconnect :execrows
update integrations
set state = 'disconnected', credential = null, key_id = null
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- The worker learns from a platform that a credential is refused. A newer credential is not touched.
-- name: IntegrationNeedsReauth :execrows
update integrations
set state = 'needs_reauth', reason = @reason, checked_at = now()
where id = @id and state = 'active' and version = @version;

-- Whether the entered user may connect accounts, to ask before a platform is called.
-- name: IntegrationMayCreate :one
select (tenancy.has_role('admin') or tenancy.has_system_role('admin'))::boolean as allowed;

-- What the worker asks a platform about, and what stands behind it.
-- name: IntegrationForCheck :one
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.version, i.authorization_id,
    coalesce(a.external_id, '')::text as login, coalesce(a.version, 0)::bigint as authorization_version,
    (a.renew_at is not null)::boolean as renewable, i.checked_at, now()::timestamptz as database_now
from integrations i
    left join authorizations a on a.customer_id = i.customer_id and a.id = i.authorization_id
where i.id = @id;

-- The sealed credential of an active account, for a purpose that is recorded, or the old one that it still lives by.
-- NULL where there is none.
-- name: IntegrationUse :one
select f.credential::bytea as credential, coalesce(f.deadline, 'epoch')::timestamptz as deadline,
    coalesce(f.old_credential_id, '00000000-0000-0000-0000-000000000000')::uuid as old_credential_id
from tenancy.find_credential(@id, @purpose) f;

-- An account was seen to work, by who began to look at @since. Somebody else who has seen it since then has said so.
-- name: IntegrationChecked :execrows
update integrations
set checked_at = now()
where id = @id and state = 'active' and version = @version and (checked_at is null or checked_at < @since);

-- name: IntegrationRename :execrows
update integrations
set name = @name, url = @url
where id = @id and state = 'active' and (name, url) is distinct from (@name, @url);

-- The accounts of an authorization that are not disconnected.
-- name: IntegrationListOfAuthorization :many
select i.id, i.external_id, i.state, i.version
from integrations i
where i.authorization_id = @authorization_id::uuid and i.state <> 'disconnected'
order by i.id;

-- A renewed authorization's credential for one of its accounts.
-- name: IntegrationRenewCredential :execrows
update integrations
set credential = @credential, key_id = @key_id
where id = @id and authorization_id = @authorization_id::uuid and state <> 'disconnected';

-- Accounts of all customers that nobody has seen working for a day.
-- name: IntegrationListToCheck :many
select i.customer_id::uuid as customer_id, i.id::uuid as id
from tenancy.integrations_to_check(@max_rows) i;
