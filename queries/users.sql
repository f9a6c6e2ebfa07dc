-- The entered user, with their system role.
-- name: UserGetSelf :one
select u.id, u.email, u.email_verified, u.name, u.created_at, s.role as system_role
from users u
    left join system_roles s on s.user_id = u.id
where u.id = tenancy.user_id();

-- Registers a verified subject, or refreshes what its token says of it. Runs as the API's login, outside a tenant.
-- name: UserRegister :one
select tenancy.register_user(@id, @subject, sqlc.narg('email'), @email_verified, sqlc.narg('name'))::uuid as id;
