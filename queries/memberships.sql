-- name: MembershipList :many
select m.user_id, m.role, m.version, m.created_at, u.email, u.name
from memberships m
    join users u on u.id = m.user_id
where m.user_id > @after
order by m.user_id
limit @max_rows;

-- name: MembershipGet :one
select m.user_id, m.role, m.version, m.created_at, u.email, u.name
from memberships m
    join users u on u.id = m.user_id
where m.user_id = @user_id;

-- name: MembershipUpdate :execrows
update memberships
set role = @role
where user_id = @user_id and version = coalesce(sqlc.narg('version'), version);

-- name: MembershipDelete :execrows
delete from memberships
where user_id = @user_id and version = coalesce(sqlc.narg('version'), version);

-- Who is told of an account in trouble: owners and admins whose address is known to be theirs.
-- name: MembershipListToTell :many
select m.user_id
from memberships m
    join users u on u.id = m.user_id
where m.role in ('owner', 'admin') and u.email_verified and u.email is not null
order by m.user_id;
