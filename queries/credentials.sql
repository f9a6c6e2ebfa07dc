-- Those of a space, or the whole customer's where there is none.
-- name: CredentialList :many
select c.id, c.kind, c.person, c.name, c.provider, c.model, c.base_url, c.hint, c.mcp_server_id, c.login, c.shared_at, c.expires_at,
    c.version, c.created_at, c.updated_at,
    coalesce((c.space_id::text || ' ' || c.person) = any ((select tenancy.own_places())::text[]), false)::boolean as own
from credentials c
where c.space_id is not distinct from sqlc.narg('space_id') and c.withdrawn_at is null and c.id < @before
order by c.id desc
limit @max_rows;

-- name: CredentialGet :one
select c.id, c.kind, c.person, c.name, c.provider, c.model, c.base_url, c.hint, c.mcp_server_id, c.login, c.shared_at, c.expires_at,
    c.version, c.created_at, c.updated_at,
    coalesce((c.space_id::text || ' ' || c.person) = any ((select tenancy.own_places())::text[]), false)::boolean as own
from credentials c
where c.id = @id and c.space_id is not distinct from sqlc.narg('space_id') and c.withdrawn_at is null;

-- Whether the caller sees a space, and who they are in it; '': nobody.
-- name: SpaceSeen :one
select coalesce((tenancy.own_people(s.id))[1], '')::text as person, (s.ended_at is not null)::boolean as ended
from spaces s
where s.id = @id;

-- name: CredentialCreateLLM :exec
insert into credentials (id, space_id, kind, person, name, provider, model, base_url, hint, credential, key_id)
values (@id, sqlc.narg('space_id'), 'llm', sqlc.narg('person'), @name, @provider::text, @model::text, @base_url, @hint, @credential, @key_id::bigint);

-- shared is consent given, or taken back; NULL leaves it as it is.
-- name: CredentialUpdate :execrows
update credentials
set name = coalesce(sqlc.narg('name'), name),
    model = coalesce(sqlc.narg('model'), model),
    shared_at = case when sqlc.narg('shared')::boolean then now() when sqlc.narg('shared')::boolean is null then shared_at end
where id = @id and space_id is not distinct from sqlc.narg('space_id') and withdrawn_at is null and version = coalesce(sqlc.narg('version'), version);

-- The same with another secret: nobody reads the one before.
-- name: CredentialReplace :execrows
update credentials
set name = coalesce(sqlc.narg('name'), name),
    model = coalesce(sqlc.narg('model'), model),
    hint = @hint,
    credential = @credential::bytea,
    key_id = @key_id::bigint,
    shared_at = case when sqlc.narg('shared')::boolean then now() when sqlc.narg('shared')::boolean is null then shared_at end
where id = @id and space_id is not distinct from sqlc.narg('space_id') and withdrawn_at is null and version = coalesce(sqlc.narg('version'), version);

-- name: CredentialWithdraw :execrows
update credentials
set withdrawn_at = now()
where id = @id and space_id is not distinct from sqlc.narg('space_id') and withdrawn_at is null and version = coalesce(sqlc.narg('version'), version);

-- Takes back what somebody else shares, or the sharing alone, for admins.
-- name: CredentialTakeBack :one
select tenancy.take_back_shared(@id, @space_id, sqlc.narg('version'), @whole::boolean)::bigint as count;

-- The sealed key of the language model that answers the caller; no row: there is none.
-- name: CredentialFindLLM :one
select f.id::uuid as id, f.provider::text as provider, f.model::text as model, f.base_url::text as base_url, f.credential::bytea as credential,
    (case when c.id is null and current_user = 'fanfare_user' then 'shared' -- a member sees all others
        when c.id is null and tenancy.space_id() is not null and tenancy.has_any_permission('spaces:read', 'credentials:write') then 'customer' -- a chat sees its own
        when c.id is null then '' -- who may not see it
        when c.space_id is null then 'customer'
        when c.person is null then 'space'
        when c.person = any (tenancy.own_people(c.space_id)) then 'own'
        else 'shared' end)::text as whose
from tenancy.find_llm_credential() f
    left join credentials c on c.id = f.id;

-- What lets into an MCP server, if that is still at the address. It is sealed to its id.
-- name: CredentialCreateMCP :execrows
insert into credentials (id, space_id, kind, person, name, hint, mcp_server_id, login, credential, key_id, expires_at, renew_at)
select @id::uuid, m.space_id, 'mcp', sqlc.narg('person')::text, m.name, @hint::text, m.id, @login::text, @credential::bytea, @key_id::bigint,
    sqlc.narg('expires_at')::timestamptz, sqlc.narg('renew_at')::timestamptz
from mcp_servers m
where m.id = @mcp_server_id and m.url = @url;

-- The same in place of what did before.
-- name: CredentialReplaceMCP :execrows
update credentials c
set hint = @hint, login = @login::text, credential = @credential::bytea, key_id = @key_id::bigint, expires_at = sqlc.narg('expires_at')::timestamptz,
    renew_at = sqlc.narg('renew_at')::timestamptz
from mcp_servers m
where c.id = @id and c.mcp_server_id = m.id and c.withdrawn_at is null and m.id = @mcp_server_id and m.url = @url;

-- name: CredentialOfMCP :one
select c.id
from credentials c
where c.mcp_server_id = @mcp_server_id and c.kind = 'mcp' and c.withdrawn_at is null and c.person is not distinct from sqlc.narg('person');

-- What a worker has to know to look at a server with a credential.
-- name: CredentialForCheck :one
select c.login::text as login, c.version, c.failures, (c.renew_at is not null and c.renew_at <= now())::boolean as due, (c.renew_at is not null)::boolean as renewable, m.url
from credentials c
    join mcp_servers m on m.customer_id = c.customer_id and m.id = c.mcp_server_id
where c.id = @id and c.withdrawn_at is null;

-- The sealed credential of a server, the use of which is recorded; NULL: it may not be used.
-- name: CredentialUse :one
select tenancy.use_mcp_credential(@id, @purpose)::bytea as credential;

-- Takes the lease on a renewal, with the sealed tokens. No row where somebody else is at it, or there is nothing to renew. From
-- here on nobody knows what the server has made of it until an answer is stored.
-- name: CredentialTakeLease :one
with before as materialized (
    select c.id, c.unanswered
    from credentials c
    where c.id = @id and c.withdrawn_at is null and c.renew_at is not null and (c.lease is null or c.lease_until <= now())
        and (c.renew_at <= now() or (@forced::boolean and not c.unanswered)) and c.version = @version
    for no key update
)
update credentials c
set lease = @lease::uuid, lease_until = now() + @duration::interval, unanswered = true
from before b
where c.id = b.id
returning b.unanswered as was_unanswered, c.failures, tenancy.use_mcp_credential(c.id, 'renew')::bytea as credential;

-- Stores what a renewal gave, as long as the lease is still the caller's.
-- name: CredentialStoreTokens :execrows
update credentials
set credential = @credential::bytea, key_id = @key_id::bigint, expires_at = sqlc.narg('expires_at'), renew_at = sqlc.narg('renew_at'),
    lease = null, lease_until = null, unanswered = false, failures = 0
where id = @id and lease = @lease::uuid;

-- A renewal has failed for a passing reason, and is tried again.
-- name: CredentialNotRenewed :execrows
update credentials
set lease = null, lease_until = null, unanswered = @unanswered, failures = failures + 1, renew_at = @renew_at::timestamptz
where id = @id and lease = @lease::uuid;

-- The server does not renew it any more: somebody has to sign in.
-- name: CredentialRefused :execrows
update credentials
set lease = null, lease_until = null, unanswered = false, renew_at = null, status = 'needs_login', server = null, failure_code = @failure_code::text,
    failure = @failure::text, checked_at = now(), next_check_at = now() + @wait::interval
where id = @id and lease = @lease::uuid;

-- What came of a look at a server with a credential, if it is still the same.
-- name: CredentialChecked :execrows
update credentials
set status = @status, server = sqlc.narg('server'), failure_code = sqlc.narg('failure_code'), failure = sqlc.narg('failure'), failures = @failures,
    checked_at = now(), next_check_at = now() + @wait::interval
where id = @id and version = @version and withdrawn_at is null;

-- The sealed sign-ins at MCP servers of a customer that is erased.
-- name: CredentialListOfErased :many
select c.id::uuid as id, c.credential::bytea as credential
from tenancy.use_mcp_credentials_of_erased(@erasure_id) c;

-- name: CredentialEndDelete :execrows
delete from credentials
where id = @id and withdrawn_at is not null;
