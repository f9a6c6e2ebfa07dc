-- name: PostCreate :exec
insert into posts (id, campaign_id, title, text)
values (@id, @campaign_id, @title, @text);

-- name: PostGet :one
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at
from posts_with_platforms p
where p.id = @id;

-- name: PostList :many
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at
from posts_with_platforms p
where p.id < @before
order by p.id desc
limit @max_rows;

-- name: PostListFiltered :many
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at
from posts_with_platforms p
where p.id < @before
    and (sqlc.narg('campaign_id')::uuid is null or p.campaign_id = sqlc.narg('campaign_id')::uuid)
    and (sqlc.narg('state')::text is null or p.state = sqlc.narg('state')::text)
order by p.id desc
limit @max_rows;

-- Locks a post for a change that concerns its platform posts too, and tells where it stands.
-- name: PostLock :one
select p.state, p.version, p.title, p.scheduled_at
from posts p
where p.id = @id
for no key update;

-- Locks the posts that wait or are being published, before their platform posts are changed together.
-- name: PostLockUnderWay :exec
select p.id
from posts p
where p.state in ('scheduled', 'publishing')
order by p.id
for no key update;

-- name: PostUpdate :execrows
update posts
set title = coalesce(sqlc.narg('title'), title),
    text = coalesce(sqlc.narg('text'), text),
    campaign_id = case when @campaign_id_do_update::boolean then sqlc.narg('campaign_id')::uuid else campaign_id end
where id = @id;

-- Sets when a post goes out; NULL means now, by the database's clock, which is the one that decides. slot_at is the
-- same time where it is a slot of the queue, else NULL.
-- name: PostSetSchedule :execrows
update posts
set scheduled_at = coalesce(sqlc.narg('scheduled_at'), now()), slot_at = sqlc.narg('slot_at')
where id = @id;

-- For a post that names no platform; of any other the state follows from its platform posts.
-- name: PostSetState :execrows
update posts
set state = @state
where id = @id;

-- name: PostMediaList :many
select m.media_id
from post_media m
where m.post_id = @post_id
order by m.position;

-- name: PostMediaDelete :exec
delete from post_media where post_id = @post_id;

-- Gives a post its files, in their order.
-- name: PostMediaCreate :exec
insert into post_media (post_id, media_id, position)
select @post_id, m.id, m.place - 1
from unnest(@media_ids::uuid[]) with ordinality as m (id, place);
