-- What went out in a time, and how it did: of everything, by platform, by account, and by day and platform. level says of what a row is: its bits are for platform, account and
-- day, and are set where the row is of all of them. The days are those of the time zone, wherever its clocks change; the index is asked for a day more on either side.
-- name: ReportSummary :many
select grouping(i.platform, i.id, d.day)::integer as level,
    coalesce(i.platform, '')::text as platform, coalesce(i.id, '00000000-0000-0000-0000-000000000000')::uuid as integration_id, coalesce(i.name, '')::text as account,
    coalesce(d.day, '0001-01-01')::date as day,
    count(distinct p.id) filter (where pp.state = 'published')::bigint as posts,
    count(*) filter (where pp.state = 'published')::bigint as published,
    count(*) filter (where pp.state = 'failed')::bigint as failed,
    count(*) filter (where pp.state = 'needs_attention')::bigint as needs_attention,
    count(m.day)::bigint as measured,
    coalesce(sum(m.impressions), 0)::bigint as impressions, coalesce(sum(m.reach), 0)::bigint as reach, coalesce(sum(m.likes), 0)::bigint as likes,
    coalesce(sum(m.comments), 0)::bigint as comments, coalesce(sum(m.shares), 0)::bigint as shares, coalesce(sum(m.clicks), 0)::bigint as clicks
from posts p
    join platform_posts pp on pp.customer_id = p.customer_id and pp.post_id = p.id
    join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    cross join lateral (select (p.scheduled_at at time zone @time_zone::text)::date as day) d
    left join lateral (
        select m.* from post_metrics m where m.customer_id = pp.customer_id and m.platform_post_id = pp.id order by m.day desc limit 1) m on true
where p.scheduled_at >= (sqlc.arg('first_day')::date - 1)::timestamp at time zone 'UTC' and p.scheduled_at < (sqlc.arg('last_day')::date + 2)::timestamp at time zone 'UTC'
    and d.day between sqlc.arg('first_day')::date and sqlc.arg('last_day')::date
    and pp.state in ('published', 'failed', 'needs_attention')
group by grouping sets ((), (i.platform), (i.platform, i.id, i.name), (i.platform, d.day))
order by 1, i.platform, i.id, d.day;

-- The same, platform post by platform post.
-- name: ReportPosts :many
select p.id as post_id, pp.id as platform_post_id, p.title, left(coalesce(pp.text, p.text), @text_length::integer)::text as text, i.platform, i.id as integration_id, i.name as account,
    pp.state, p.scheduled_at, pp.published_at, pp.external_url, pp.problem_class, pp.problem, coalesce(m.measured_at, 'epoch')::timestamptz as measured_at,
    m.impressions, m.reach, m.likes, m.comments, m.shares, m.clicks
from posts p
    join platform_posts pp on pp.customer_id = p.customer_id and pp.post_id = p.id
    join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    left join lateral (
        select m.* from post_metrics m where m.customer_id = pp.customer_id and m.platform_post_id = pp.id order by m.day desc limit 1) m on true
where p.scheduled_at >= (sqlc.arg('first_day')::date - 1)::timestamp at time zone 'UTC' and p.scheduled_at < (sqlc.arg('last_day')::date + 2)::timestamp at time zone 'UTC'
    and (p.scheduled_at at time zone @time_zone::text)::date between sqlc.arg('first_day')::date and sqlc.arg('last_day')::date
    and p.scheduled_at <= sqlc.arg('before_at')::timestamptz -- for the index
    and (p.scheduled_at, pp.id) < (sqlc.arg('before_at')::timestamptz, @before_id::uuid)
    and pp.state in ('published', 'failed', 'needs_attention')
order by p.scheduled_at desc, pp.id desc
limit @max_rows;
