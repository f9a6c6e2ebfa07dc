-- Refused, and not empty, to who may not see it; so is the next.
-- name: PairingList :many
select p.id, p.platform, p.bot, p.permissions, p.own, p.created_by, p.expires_at, p.claimed_by, p.claimed_at, p.team, p.kind, p.external_id, p.title,
    p.person_id, p.person_name, p.confirmed_at, p.confirmed_by, p.held_elsewhere, p.space_id, p.version, p.created_at, p.updated_at,
    (case when p.state in ('open', 'claimed') and p.expires_at <= now() then 'expired' else p.state end)::text as state
from pairings p
where p.id < @before and (select tenancy.permit_pairing())
order by p.id desc
limit @max_rows;

-- name: PairingGet :one
select p.id, p.platform, p.bot, p.permissions, p.own, p.created_by, p.expires_at, p.claimed_by, p.claimed_at, p.team, p.kind, p.external_id, p.title,
    p.person_id, p.person_name, p.confirmed_at, p.confirmed_by, p.held_elsewhere, p.space_id, p.version, p.created_at, p.updated_at,
    (case when p.state in ('open', 'claimed') and p.expires_at <= now() then 'expired' else p.state end)::text as state
from pairings p
where p.id = @id and (select tenancy.permit_pairing());

-- name: PairingCreate :exec
insert into pairings (id, platform, bot, code_hash, link_hash, permissions, own)
values (@id, @platform, @bot, @code_hash, @link_hash, coalesce(sqlc.narg('permissions')::text[], tenancy.pairing_permissions()), @own);

-- name: PairingConfirm :execrows
update pairings
set confirmed_at = now()
where id = @id and version = coalesce(sqlc.narg('version'), version)
    and state = 'claimed' and claimed_by = 'code' and confirmed_at is null and expires_at > now();

-- name: PairingDeny :execrows
update pairings
set state = 'denied'
where id = @id and version = coalesce(sqlc.narg('version'), version) and state = 'claimed' and expires_at > now();

-- name: PairingRevoke :execrows
update pairings
set state = 'revoked'
where id = @id and version = coalesce(sqlc.narg('version'), version) and state = 'open' and expires_at > now();

-- Counts the code against whoever guesses, so it is asked outside of a transaction that may be undone.
-- name: PairingFindByCode :one
select f.throttled::boolean as throttled, coalesce(f.customer_id, '00000000-0000-0000-0000-000000000000')::uuid as customer_id,
    coalesce(f.id, '00000000-0000-0000-0000-000000000000')::uuid as id
from tenancy.find_pairing_by_code(@platform, @bot, @team, @kind, @chat, @person, @code) f;

-- name: PairingFindByLink :one
select f.customer_id::uuid as customer_id, f.id::uuid as id
from tenancy.find_pairing_by_link(@platform, @bot, @team, @kind, @chat, @person, @link_hash) f;

-- name: PairingListReady :many
select r.customer_id::uuid as customer_id, r.id::uuid as id from tenancy.pairings_ready(@max_rows) r;

-- name: PairingLock :one
select p.platform, p.bot, p.permissions, p.own, p.created_by, p.expires_at, p.state, coalesce(p.claimed_by, '')::text as claimed_by,
    coalesce(p.team, '')::text as team, coalesce(p.kind, '')::text as kind, coalesce(p.external_id, '')::text as external_id,
    coalesce(p.title, '')::text as title, coalesce(p.person_id, '')::text as person_id, coalesce(p.person_name, '')::text as person_name,
    (p.confirmed_at is not null)::boolean as confirmed, p.held_elsewhere,
    (p.expires_at <= now())::boolean as over, now()::timestamptz as database_now,
    tenancy.pairing_stands(p.id)::boolean as may_pair
from pairings p
where p.id = @id
for no key update;

-- name: PairingClaim :execrows
update pairings
set state = 'claimed', claimed_by = @claimed_by::text, claimed_at = now(), team = @team::text, kind = @kind::text, external_id = @external_id::text,
    title = @title::text, person_id = @person_id::text, person_name = @person_name::text, held_elsewhere = @held_elsewhere,
    expires_at = now() + @wait::interval
where id = @id and state = 'open' and expires_at > now();

-- name: PairingHeld :exec
update pairings
set held_elsewhere = true, expires_at = now() + @wait::interval
where id = @id and state = 'claimed' and not held_elsewhere;

-- name: PairingDone :exec
update pairings
set state = 'done', space_id = @space_id
where id = @id and state = 'claimed';

-- name: PairingDenied :exec
update pairings
set state = 'denied'
where id = @id and state = 'claimed';

-- name: PairingExpire :exec
update pairings
set state = 'expired'
where id = @id and state in ('open', 'claimed') and expires_at <= now();

-- What has become of a code in a Telegram chat: see tenancy.pairing_state_of_code.
-- name: PairingStateOfCode :one
select tenancy.pairing_state_of_code(@code, @chat)::text as state;
