-- name: BotList :many
select b.id, b.platform, b.bot, b.team, b.name, b.username, b.state, b.problem, b.version, b.created_at, b.updated_at,
    tenancy.bot_held(b.id)::boolean as held
from bots b
order by b.platform, b.name, b.id;

-- name: BotGet :one
select b.id, b.platform, b.bot, b.team, b.name, b.username, b.state, b.problem, b.version, b.created_at, b.updated_at,
    tenancy.bot_held(b.id)::boolean as held
from bots b
where b.id = @id;

-- name: BotCreate :exec
insert into bots (id, platform, bot, team, name, username, credential, key_id)
values (@id, @platform, @bot, @team, @name, @username, @credential, @key_id);

-- name: BotUpdate :execrows
update bots
set name = @name, username = @username, credential = @credential, key_id = @key_id
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: BotDelete :execrows
delete from bots
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- The platform does not take a bot's token any more, unless it has another one by now.
-- name: BotRefused :exec
update bots
set state = 'refused', problem = @problem::text
where id = @id and version = @version and state = 'active';

-- A customer's own bot with its credential; no row where there is none. Runs as the API's login or the worker, outside of a tenant.
-- name: BotCredential :one
select b.customer_id::uuid as customer_id, b.id::uuid as id, b.team::text as team, b.name::text as name, b.username::text as username,
    b.credential::bytea as credential, b.version::bigint as version, b.archived::boolean as archived
from tenancy.bot_credential(@platform, @bot) b;

-- Customers' own bots of a platform. Runs as the worker, outside of a tenant.
-- name: BotListOf :many
select b.bot::text as bot, b.version::bigint as version
from tenancy.bots_of(@platform) b;

-- The chats of a bot in a workspace. Runs as the API's login or the worker, outside of a tenant.
-- name: ChatListOfTeam :many
select c.kind::text as kind, c.chat::text as chat
from tenancy.chats_of_team(@platform, @bot, @team) c;

-- Whether the caller may add bots and change them. Who may not does not get to make this server ask platforms either.
-- name: BotMayChange :one
select (tenancy.has_role('admin') or tenancy.has_system_role('admin'))::boolean;
