-- name: SpaceList :many
select s.id, s.platform, s.bot, s.team, s.kind, s.external_id, s.title, s.permissions, s.paired_by, s.unreachable_at, s.move_requested_at,
    s.ended_at, s.ended_because, s.version, s.created_at, s.updated_at,
    (case when s.ended_at is not null then 'ended' when s.unreachable_at is not null then 'unreachable' else 'active' end)::text as state
from spaces s
where s.id < @before and s.platform = coalesce(sqlc.narg('platform'), s.platform)
    and coalesce(case when s.ended_at is not null then 'ended' when s.unreachable_at is not null then 'unreachable' else 'active' end
        = sqlc.narg('state')::text, true)
order by s.id desc
limit @max_rows;

-- name: SpaceGet :one
select s.id, s.platform, s.bot, s.team, s.kind, s.external_id, s.title, s.permissions, s.paired_by, s.unreachable_at, s.move_requested_at,
    s.ended_at, s.ended_because, s.version, s.created_at, s.updated_at,
    (case when s.ended_at is not null then 'ended' when s.unreachable_at is not null then 'unreachable' else 'active' end)::text as state
from spaces s
where s.id = @id;

-- name: SpaceUpdate :execrows
update spaces
set title = coalesce(sqlc.narg('title'), title),
    permissions = coalesce(sqlc.narg('permissions')::text[], permissions)
where id = @id and version = coalesce(sqlc.narg('version'), version) and ended_at is null;

-- name: SpaceRelease :execrows
update spaces
set ended_at = now(), ended_because = 'released'
where id = @id and version = coalesce(sqlc.narg('version'), version) and ended_at is null;

-- Refused, and not empty, to who may not see it.
-- name: SpacePersonList :many
select p.id, p.external_id, p.name, p.username, p.joined_at, p.left_at, i.user_id
from space_people p
    join spaces s on s.customer_id = p.customer_id and s.id = p.space_id
    left join chat_identities i on i.customer_id = s.customer_id and i.platform = s.platform and i.bot = s.bot and i.team = s.team and i.external_id = p.external_id
where p.space_id = @space_id and p.id < @before and (select tenancy.permit_admins())
order by p.id desc
limit @max_rows;

-- name: ChatIdentityList :many
select i.id, i.platform, i.bot, i.team, i.external_id, i.user_id, i.version, i.created_at, i.updated_at
from chat_identities i
where i.id < @before
order by i.id desc
limit @max_rows;

-- name: ChatIdentityDelete :execrows
delete from chat_identities where id = @id and version = coalesce(sqlc.narg('version'), version);

-- The customer's own space that a chat is.
-- name: SpaceOfChat :one
select s.id from spaces s
where s.platform = @platform and s.bot = @bot and s.team = @team and s.kind = @kind and s.external_id = @external_id and s.ended_at is null;

-- Does nothing where somebody has the chat.
-- name: SpaceCreate :exec
insert into spaces (id, platform, bot, team, kind, external_id, title, permissions, paired_by)
values (@id, @platform, @bot, @team, @kind, @external_id, @title, @permissions, @paired_by)
on conflict (platform, bot, team, kind, external_id) where ended_at is null do nothing;

-- name: SpacePersonEnter :exec
insert into space_people as p (id, space_id, external_id, name)
values (@id, @space_id, @external_id, @name)
on conflict on constraint space_people_person_key do update
set joined_at = case when p.left_at is null then p.joined_at else now() end, left_at = null;

-- name: ChatIdentitySet :exec
insert into chat_identities (id, platform, bot, team, external_id, user_id)
values (@id, @platform, @bot, @team, @external_id, @user_id)
on conflict on constraint chat_identities_person_key do update set user_id = excluded.user_id;

-- Another customer wants the chat, or does not any more.
-- name: SpaceWanted :exec
update spaces
set move_requested_at = case when @wanted::boolean then now() end
where id = @id and ended_at is null and (move_requested_at is not null) <> @wanted::boolean;

-- Whether it is there, for whoever would see it.
-- name: ChatIdentityGet :one
select exists (select from chat_identities i where i.id = @id) as found, tenancy.reads_as_admin() as admin;
