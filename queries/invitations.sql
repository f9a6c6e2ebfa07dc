-- Refused, and not empty, to who may not see it; so is the next. One revoked after its end has been replaced by a newer one: it had expired.
-- name: InvitationList :many
select i.id, i.email, i.role, i.invited_by, i.expires_at, i.accepted_at, i.accepted_by, i.revoked_at, i.sent_at, i.send_problem,
    i.version, i.created_at,
    (case when i.accepted_at is not null then 'accepted'
        when i.revoked_at < i.expires_at then 'revoked'
        when i.expires_at <= now() then 'expired'
        else 'pending' end)::text as state
from invitations i
where i.id < @before and (select tenancy.permit_admins())
order by i.id desc
limit @max_rows;

-- name: InvitationGet :one
select i.id, i.email, i.role, i.invited_by, i.expires_at, i.accepted_at, i.accepted_by, i.revoked_at, i.sent_at, i.send_problem,
    i.version, i.created_at,
    (case when i.accepted_at is not null then 'accepted'
        when i.revoked_at < i.expires_at then 'revoked'
        when i.expires_at <= now() then 'expired'
        else 'pending' end)::text as state
from invitations i
where i.id = @id and (select tenancy.permit_admins());

-- Makes room for a new invitation of an address whose last one has expired.
-- name: InvitationReplaceExpired :execrows
update invitations
set revoked_at = now()
where lower(email collate "C") = lower(cast(@email as text) collate "C") and accepted_at is null and revoked_at is null and expires_at <= now();

-- name: InvitationCreate :exec
insert into invitations (id, email, role, token_hash, sealed_token, key_id)
values (@id, @email, @role, @token_hash, @sealed_token, sqlc.narg('key_id'));

-- name: InvitationRevoke :execrows
update invitations
set revoked_at = now()
where id = @id and version = coalesce(sqlc.narg('version'), version)
    and accepted_at is null and revoked_at is null and expires_at > now();

-- Makes the entered user a member of the customer that the token invites them to, and enters it.
-- name: InvitationAccept :one
select tenancy.accept_invitation(@token_hash)::uuid as customer_id;

-- What the worker writes an e-mail from.
-- name: InvitationForEmail :one
select i.email, i.role, i.sealed_token, i.expires_at, c.name as customer_name, c.language,
    coalesce(u.name, u.email, '')::text as inviter,
    (i.accepted_at is null and i.revoked_at is null)::boolean as open,
    (i.expires_at <= now())::boolean as expired,
    (c.archived_at is not null)::boolean as archived
from invitations i
    join customers c on c.id = i.customer_id
    left join users u on u.id = i.invited_by
where i.id = @id;

-- name: InvitationRecordSent :execrows
update invitations
set sent_at = now(), sealed_token = null, key_id = null
where id = @id and sealed_token is not null;

-- name: InvitationRecordProblem :execrows
update invitations
set send_problem = @problem::text, sealed_token = null, key_id = null
where id = @id and sealed_token is not null;
