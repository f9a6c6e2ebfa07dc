-- Makes a customer owned by the entered user and enters it. No row where the installation leaves that to system admins, and the user
-- is none.
-- name: CustomerCreate :execrows
select tenancy.create_customer(@id, @name, @description, @brand_voice, @audience, @language, @time_zone)
where not @admins_only::boolean or tenancy.system_role() = 'admin';

-- name: CustomerGet :one
select c.id, c.name, c.description, c.brand_voice, c.audience, c.language, c.time_zone,
    c.approval_required, c.approver_role, c.self_approval, c.archived_at, c.version,
    c.created_at, c.updated_at, coalesce(tenancy.member_role(), '')::text as role
from customers c
where c.id = @id;

-- The entered customer, with what the caller may do there as far as it is not their role that says it.
-- Whoever acts by a system role needs a reason to approve, and none to read that they may.
-- name: CustomerSeen :one
select c.id, c.name, c.description, c.brand_voice, c.audience, c.language, c.time_zone,
    c.approval_required, c.approver_role, c.self_approval, c.archived_at, c.version,
    c.created_at, c.updated_at, coalesce(tenancy.member_role(), '')::text as role,
    tenancy.permissions()::text[] as permissions, (case when current_user = 'fanfare_admin' then tenancy.system_role() in ('manager', 'admin') else tenancy.may_approve() end)::boolean as may_approve
from customers c
where c.id = @id;

-- The entered user's customers, or all of them for a system role. The role is the user's own in each.
-- name: CustomerList :many
select c.id, c.name, c.description, c.brand_voice, c.audience, c.language, c.time_zone,
    c.approval_required, c.approver_role, c.self_approval, c.archived_at, c.version,
    c.created_at, c.updated_at,
    coalesce((select o.role from tenancy.own_memberships() o where o.customer_id = c.id), '')::text as role
from customers c
where c.id < @before and (@archived::boolean or c.archived_at is null)
order by c.id desc
limit @max_rows;

-- As CustomerList, those that are not archived, with how they stand.
-- name: CustomerListHealth :many
select c.id, c.name, c.time_zone, coalesce(h.waiting, 0)::bigint as waiting, coalesce(h.problems, 0)::bigint as problems, coalesce(h.accounts, 0)::bigint as accounts,
    h.next_post_at
from (
        select l.id, l.name, l.time_zone
        from customers l
        where l.id < @before and l.archived_at is null
        order by l.id desc
        limit @max_rows) c
    left join lateral tenancy.customer_health(c.id) h on true
order by c.id desc;

-- Changes the given fields of the version that the caller has seen.
-- name: CustomerUpdate :execrows
update customers
set name = coalesce(sqlc.narg('name'), name),
    description = coalesce(sqlc.narg('description'), description),
    brand_voice = coalesce(sqlc.narg('brand_voice'), brand_voice),
    audience = coalesce(sqlc.narg('audience'), audience),
    language = coalesce(sqlc.narg('language'), language),
    time_zone = coalesce(sqlc.narg('time_zone'), time_zone),
    approval_required = coalesce(sqlc.narg('approval_required'), approval_required),
    approver_role = coalesce(sqlc.narg('approver_role'), approver_role),
    self_approval = coalesce(sqlc.narg('self_approval'), self_approval)
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: CustomerArchive :execrows
update customers
set archived_at = coalesce(archived_at, now())
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: CustomerRestore :execrows
update customers
set archived_at = null
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- Enters a customer where nothing is read there: who may not, gets an error instead.
-- name: CustomerEntered :one
select (tenancy.customer_id() is not null)::boolean as entered;

-- The customer of a caller who is entered nowhere and has one alone, as keys and tokens do.
-- name: CustomerOnly :one
select (tenancy.customer_ids())[1]::uuid as id where cardinality(tenancy.customer_ids()) = 1;
