-- name: PostCreate :exec
insert into posts (id, campaign_id, title, text)
values (@id, @campaign_id, @title, @text);

-- name: PostGet :one
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.space_id
from posts_with_platforms p
where p.id = @id;

-- name: PostList :many
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.space_id
from posts_with_platforms p
where p.id < @before
order by p.id desc
limit @max_rows;

-- The posts that fit all that is asked for, NULL where it does not matter: see tenancy.find_posts.
-- name: PostFind :many
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.version, p.created_at, p.updated_at, p.platform_posts, p.media_ids,
    p.approved_at, p.approved_by, coalesce(p.time_zone, 'UTC')::text as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.space_id
from tenancy.find_posts(sqlc.narg('words')::text, sqlc.narg('campaign_id')::uuid, sqlc.narg('states')::text[], sqlc.narg('platform')::text,
        sqlc.narg('integration_id')::uuid, sqlc.narg('space_id')::uuid, @by_time::boolean, sqlc.narg('before_time')::timestamptz, @before::uuid, @max_rows::integer) f
    join posts_with_platforms p on p.id = f.id
order by case when @by_time::boolean then p.scheduled_at end desc, p.id desc;

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

-- Puts a post up for approval, with or without a time, or with the one that it has. Whatever was approved before, this is not.
-- name: PostSubmit :execrows
update posts
set approved_at = null, submitted_by = tenancy.user_id(), submitted_for = tenancy.acts_for(),
    scheduled_at = case when @scheduled_at_do_update::boolean then sqlc.narg('scheduled_at')::timestamptz else scheduled_at end
where id = @id;

-- Approves a post as it is now. Who may, and in whose name, is the database's to say.
-- name: PostApprove :execrows
update posts
set approved_at = now()
where id = @id;

-- What a post says on each of its platforms.
-- name: PostContent :one
select (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'title', p.title,
            'text', coalesce(pp.text, p.text),
            'options', pp.options,
            'template', (select jsonb_build_object('subject', t.subject, 'preview_text', t.preview_text, 'html', t.html, 'customer', tenancy.customer_name())
                from email_templates t where t.customer_id = pp.customer_id and t.id::text = pp.options ->> 'template_id'),
            'files', (select coalesce(jsonb_agg(f.file order by f.position), '[]') from platform_post_files f
                where f.customer_id = pp.customer_id and f.platform_post_id = pp.id)) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts
from posts p
where p.id = @id;

-- What must be known of accounts, files and templates to judge a post that is not stored: the named accounts and the default
-- ones of the named platforms, the files as platform_post_files shows them, and the e-mail templates.
-- name: PostCheckContext :one
select (select coalesce(jsonb_agg(jsonb_build_object('id', i.id, 'platform', i.platform, 'is_default', i.is_default)), '[]')
        from integrations i
        where i.id = any (@integration_ids::uuid[]) or (i.is_default and i.platform = any (@platforms::text[])))::jsonb as integrations,
    (select coalesce(jsonb_object_agg(m.id, jsonb_build_object('id', m.id, 'path', m.path, 'name', m.name, 'content_type', m.content_type,
            'bytes', m.bytes, 'width', coalesce(m.width, 0), 'height', coalesce(m.height, 0), 'duration_ms', coalesce(m.duration_ms, 0),
            'animated', m.animated, 'alt_text', m.alt_text)), '{}')
        from media m
        where m.id = any (@media_ids::uuid[]))::jsonb as files,
    (select coalesce(jsonb_object_agg(t.id, jsonb_build_object('subject', t.subject, 'preview_text', t.preview_text, 'html', t.html,
            'customer', tenancy.customer_name())), '{}')
        from email_templates t
        where t.id = any (@template_ids::uuid[]))::jsonb as templates;

-- The attempts to publish a post, the newest hundred of each of its platform posts, newest first.
-- name: PostAttempts :one
select (select coalesce(jsonb_agg(jsonb_build_object(
            'platform_post_id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'attempts', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'number', a.number,
                    'started_at', a.started_at,
                    'finished_at', a.finished_at,
                    'outcome', a.outcome,
                    'status', a.status,
                    'code', a.code,
                    'message', a.message) order by a.number desc), '[]')
                from (
                    select pa.number, pa.started_at, pa.finished_at, pa.outcome, pa.status, pa.code, pa.message
                    from publish_attempts pa
                    where pa.customer_id = pp.customer_id and pa.platform_post_id = pp.id
                    order by pa.number desc
                    limit 100) a)) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts
from posts p
where p.id = @id;
