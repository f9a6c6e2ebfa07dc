-- Posts that have a time, by it, with what a calendar shows of them.
-- name: CalendarList :many
select p.id, p.campaign_id, p.title, left(p.text, @text_length::integer)::text as text, p.state, p.scheduled_at, p.slot_at, p.recurrence_id, p.version,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'state', pp.state) order by i.platform, pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts,
    coalesce((select tenancy.time_zone()), 'UTC')::text as time_zone
from posts p
where p.scheduled_at >= @from_at::timestamptz and p.scheduled_at < @to_at::timestamptz
    and (p.scheduled_at, p.id) > (@after_at::timestamptz, @after_id::uuid)
    and (sqlc.narg('campaign_id')::uuid is null or p.campaign_id = sqlc.narg('campaign_id')::uuid)
order by p.scheduled_at, p.id
limit @max_rows;
