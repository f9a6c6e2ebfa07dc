-- Platform posts of all customers whose platform is to be asked how they did.
-- name: PlatformPostListToMeasure :many
select m.customer_id::uuid as customer_id, m.platform_post_id::uuid as platform_post_id
from tenancy.posts_to_measure(@max_rows) m;

-- What the worker asks a platform about, and what stands behind it. paused_until is when the platform takes requests of the
-- account again.
-- name: PlatformPostForMeasure :one
select pp.state, pp.external_id, pp.published_at, coalesce(pp.measure_at <= now(), false)::boolean as due,
    pp.integration_id, i.platform, i.state as integration_state, i.authorization_id,
    coalesce(greatest(
        (select l.paused_until from account_limits l where l.integration_id = pp.integration_id),
        (select l.paused_until from app_limits l where l.platform = i.platform)), 'epoch')::timestamptz as paused_until,
    now()::timestamptz as database_now
from platform_posts pp
    join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
where pp.id = @id;

-- Sets when the platform is asked next; NULL: never again.
-- name: PlatformPostMeasureAt :execrows
update platform_posts
set measure_at = sqlc.narg('measure_at')
where id = @id and measure_at is not null;

-- Keeps what the platform says now as what it said on this day.
-- name: PostMetricsStore :exec
insert into post_metrics as m (platform_post_id, day, impressions, reach, likes, comments, shares, clicks)
values (@platform_post_id, (now() at time zone 'UTC')::date, @impressions, @reach, @likes, @comments, @shares, @clicks)
on conflict (customer_id, platform_post_id, day) do update
set impressions = excluded.impressions, reach = excluded.reach, likes = excluded.likes, comments = excluded.comments,
    shares = excluded.shares, clicks = excluded.clicks, measured_at = now();

-- The numbers of a post's platform posts, day by day.
-- name: PostMetricsGet :one
select (select coalesce(jsonb_agg(jsonb_build_object(
        'platform_post_id', pp.id,
        'integration_id', pp.integration_id,
        'platform', i.platform,
        'next_at', pp.measure_at,
        'days', (select coalesce(jsonb_agg(jsonb_build_object(
                'day', m.day,
                'measured_at', m.measured_at,
                'impressions', m.impressions,
                'reach', m.reach,
                'likes', m.likes,
                'comments', m.comments,
                'shares', m.shares,
                'clicks', m.clicks) order by m.day), '[]')
            from post_metrics m
            where m.customer_id = pp.customer_id and m.platform_post_id = pp.id)) order by pp.id), '[]')
    from platform_posts pp
        join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts
from posts p
where p.id = @id;
