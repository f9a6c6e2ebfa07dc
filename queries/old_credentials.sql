-- Stores an account's own credential in place of the old one that it was found with. It concerns no row if the account
-- has one by now, or was disconnected meanwhile.
-- name: IntegrationMoveCredential :one
update integrations
set credential = @credential, key_id = @key_id
where id = @id and old_credential_id = @old_credential_id and key_id is null and state = 'active'
returning version;

-- Closes the moves of all customers whose deadline has passed.
-- name: CredentialMoveEndDue :many
select e.customer_id::uuid as customer_id, e.move_id::uuid as move_id, e.left_behind::bigint as left_behind
from tenancy.end_credential_moves(null, null) e;

-- Closes one move now.
-- name: CredentialMoveEnd :many
select e.customer_id::uuid as customer_id, e.move_id::uuid as move_id, e.left_behind::bigint as left_behind
from tenancy.end_credential_moves(@customer::uuid, @owner_id::uuid) e;

-- The moves that somebody is to be told of, each once a day.
-- name: CredentialMoveWarn :many
select w.customer_id::uuid as customer_id, w.move_id::uuid as move_id, w.deadline::timestamptz as deadline, w.left_to_move::bigint as left_to_move
from tenancy.warn_credential_moves(@ahead::interval) w;

-- name: OldCredentialCount :one
select tenancy.count_old_credentials()::bigint as accounts;

-- Who may be meant by a subject or a verified e-mail address.
-- name: OldOwnerFind :many
select o::uuid as id from tenancy.find_old_owner(@owner::text) o limit 2;

-- The id is zero where the credential is not stored yet.
-- name: OldCredentialFind :one
select coalesce(o.id, '00000000-0000-0000-0000-000000000000')::uuid as id, o.credential::bytea as credential
from tenancy.old_credential_of(@owner_id::uuid, @platform::text, @external_id::text) o;

-- A credential that is NULL is stored already. problem is empty where there is none.
-- name: OldCredentialImport :one
select coalesce(o.problem, '')::text as problem, coalesce(o.customer_id, '00000000-0000-0000-0000-000000000000')::uuid as customer_id,
    coalesce(o.changed, false)::boolean as changed
from tenancy.import_old_credential(@id::uuid, @owner_id::uuid, @platform::text, @external_id::text, @name::text, @url::text,
    @credential::bytea, @key_id::bigint, @customer_ids::uuid[], @deadline::timestamptz) o;

-- Until when which customer may use whose old credentials, whether or not that has ended.
-- name: CredentialMoveDeadlineList :many
select distinct s.customer_id::uuid as customer_id, o::uuid as owner_id, (m.move ->> 'deadline')::timestamptz as deadline
from tenancy.old_credential_status() s
    cross join lateral jsonb_array_elements(s.moves) m(move)
    cross join lateral tenancy.find_old_owner(m.move ->> 'owner') o;

-- name: OldCredentialStatus :many
select s.customer_id::uuid as customer_id, s.customer::text as customer, s.platform::text as platform, s.living::bigint as living,
    s.moved::bigint as moved, s.left_behind::bigint as left_behind, s.moves::jsonb as moves
from tenancy.old_credential_status() s;
