-- With the number of their tools in place of them, which are many and long.
-- name: McpServerList :many
select s.id, s.name, s.url, s.status, s.login,
    (s.server - 'tools' || jsonb_build_object('tool_count',
        case jsonb_typeof(s.server -> 'tools') when 'array' then jsonb_array_length(s.server -> 'tools') else 0 end))::jsonb as server,
    s.failure_code, s.failure, s.checked_at, s.registered::boolean as registered,
    coalesce(s.used_id, '00000000-0000-0000-0000-000000000000')::uuid as used_id, s.used_login, coalesce(s.used_of, '')::text as used_of, s.used_until,
    coalesce(s.used_status, '')::text as used_status,
    (s.used_server - 'tools' || jsonb_build_object('tool_count',
        case jsonb_typeof(s.used_server -> 'tools') when 'array' then jsonb_array_length(s.used_server -> 'tools') else 0 end))::jsonb as used_server,
    s.used_failure_code, s.used_failure, s.used_checked_at, s.version, s.created_at, s.updated_at
from mcp_servers_with_status s
where s.space_id = @space_id and s.id < @before
order by s.id desc
limit @max_rows;

-- name: McpServerGet :one
select s.id, s.name, s.url, s.status, s.login, s.server, s.failure_code, s.failure, s.checked_at, s.registered::boolean as registered,
    coalesce(s.used_id, '00000000-0000-0000-0000-000000000000')::uuid as used_id, s.used_login, coalesce(s.used_of, '')::text as used_of, s.used_until,
    coalesce(s.used_status, '')::text as used_status, s.used_server, s.used_failure_code, s.used_failure, s.used_checked_at, s.version, s.created_at, s.updated_at
from mcp_servers_with_status s
where s.id = @id and s.space_id = @space_id;

-- name: McpServerCreate :exec
insert into mcp_servers (id, space_id, name, url)
values (@id, @space_id, @name, @url);

-- name: McpServerUpdate :execrows
update mcp_servers
set name = coalesce(sqlc.narg('name'), name), url = coalesce(sqlc.narg('url'), url)
where id = @id and space_id = @space_id and version = coalesce(sqlc.narg('version'), version);

-- name: McpServerDelete :execrows
delete from mcp_servers
where id = @id and space_id = @space_id and version = coalesce(sqlc.narg('version'), version);

-- name: McpServerSetClient :execrows
update mcp_servers
set registration = @registration::bytea, key_id = @key_id::bigint
where id = @id and space_id = @space_id and url = @url and version = coalesce(sqlc.narg('version'), version);

-- name: McpServerRequestCheck :one
select tenancy.request_mcp_check(@id)::boolean as asked;

-- How to sign in to a server and as which client (sealed), for whoever may.
-- name: McpServerRegistration :one
select coalesce(r.metadata, 'null')::jsonb as metadata, r.registration::bytea as registration
from tenancy.mcp_registration(@id, sqlc.narg('person')) r;

-- name: McpServerKeepRegistration :one
select tenancy.keep_mcp_registration(@id, sqlc.narg('person'), @url, @metadata, @registration, @key_id)::boolean as kept;

-- name: ConnectSessionCreateMCP :one
insert into connect_sessions (id, platform, mcp_server_id, person, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
values (@id, 'mcp', @mcp_server_id::uuid, sqlc.narg('person'), @state_hash, @cookie_hash, @redirect_uri, @return_to, @secret, @key_id)
returning expires_at;

-- name: ConnectSessionOfMCP :one
select s.mcp_server_id::uuid as mcp_server_id, s.person
from connect_sessions s
where s.id = @id and s.mcp_server_id is not null;

-- name: McpServerForCheck :one
select m.url, m.failures
from mcp_servers m
where m.id = @id and m.next_check_at is not null;

-- What came of a look at a server without a credential, if it is still at the same address.
-- name: McpServerChecked :execrows
update mcp_servers
set status = @status, login = sqlc.narg('login'), server = sqlc.narg('server'), failure_code = sqlc.narg('failure_code'), failure = sqlc.narg('failure'),
    failures = @failures, metadata = coalesce(sqlc.narg('metadata'), metadata), checked_at = now(), next_check_at = now() + @wait::interval
where id = @id and url = @url and next_check_at is not null;

-- name: McpToDo :many
select d.customer_id::uuid as customer_id, d.server_id::uuid as server_id, d.credential_id::uuid as credential_id, d.work::text as work
from tenancy.mcp_to_do(@max_rows, @of_customer) d;
