-- What goes out next in the entered customer, what waits for a person, and what went wrong: how many, and the first few. Who may not see something finds none of it.
-- Of what there is much, the newest thousand are looked at.
-- name: OverviewGet :one
with waiting as materialized (
    select distinct w.post_id from (select pp.post_id from platform_posts pp where pp.state = 'pending_approval' order by pp.updated_at desc limit 1000) w
), wrong as materialized (
    (select pp.id, pp.post_id from platform_posts pp where pp.state = 'needs_attention' and pp.updated_at > now() - interval '30 days' order by pp.updated_at desc limit 1000)
    union all
    (select pp.id, pp.post_id from platform_posts pp where pp.state = 'failed' and pp.updated_at > now() - interval '30 days' order by pp.updated_at desc limit 1000)
)
select coalesce((select tenancy.time_zone()), 'UTC')::text as time_zone,
    (select count(*) from (select 1 from posts p where p.scheduled_at >= now() and p.scheduled_at < now() + interval '7 days' and p.state = 'scheduled' limit 1000) c)::bigint as scheduled,
    (select coalesce(jsonb_agg(to_jsonb(n) order by n.scheduled_at, n.id), '[]')
        from (
            select p.id, p.title, left(p.text, @text_length::integer) as text, p.state, p.scheduled_at,
                (select coalesce(jsonb_agg(jsonb_build_object('integration_id', pp.integration_id, 'platform', i.platform, 'state', pp.state) order by i.platform, pp.id), '[]')
                    from platform_posts pp join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
                    where pp.customer_id = p.customer_id and pp.post_id = p.id) as platform_posts
            from posts p
            where p.scheduled_at >= now() and p.state = 'scheduled'
            order by p.scheduled_at, p.id
            limit @max_rows) n)::jsonb as next_posts,
    (select count(*) from waiting)::bigint as waiting,
    (select coalesce(jsonb_agg(to_jsonb(w) order by w.scheduled_at, w.id), '[]')
        from (
            select p.id, p.title, left(p.text, @text_length::integer) as text, p.state, p.scheduled_at,
                (select coalesce(jsonb_agg(jsonb_build_object('integration_id', pp.integration_id, 'platform', i.platform, 'state', pp.state) order by i.platform, pp.id), '[]')
                    from platform_posts pp join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
                    where pp.customer_id = p.customer_id and pp.post_id = p.id) as platform_posts
            from posts p
            where p.id in (select w.post_id from waiting w)
            order by p.scheduled_at, p.id
            limit @max_rows) w)::jsonb as waiting_posts,
    (select least(count(distinct w.post_id), 1000) from wrong w)::bigint as problems,
    (select coalesce(jsonb_agg(to_jsonb(a) order by a.updated_at desc, a.id), '[]')
        from (
            select p.id, p.title, left(p.text, @text_length::integer) as text, p.state, p.scheduled_at, max(pp.updated_at) as updated_at,
                jsonb_agg(jsonb_build_object('integration_id', pp.integration_id, 'platform', i.platform, 'state', pp.state,
                    'problem_class', pp.problem_class, 'problem', pp.problem) order by i.platform, pp.id) as platform_posts
            from platform_posts pp
                join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
                join posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
            where pp.id in (select w.id from wrong w)
            group by p.customer_id, p.id
            order by max(pp.updated_at) desc, p.id
            limit @max_rows) a)::jsonb as problem_posts,
    (select coalesce(jsonb_agg(jsonb_build_object('integration_id', i.id, 'platform', i.platform, 'name', i.name, 'status', i.health ->> 'status', 'since', i.health -> 'since',
            'reconnect_by', i.health -> 'reconnect_by') order by i.platform, i.id), '[]')
        from integrations_with_health i
        where i.state <> 'disconnected' and i.health ->> 'status' <> 'active')::jsonb as accounts,
    (select count(*) from integrations i where i.state <> 'disconnected')::bigint as connected,
    (select coalesce(jsonb_agg(jsonb_build_object('pairing_id', p.id, 'platform', p.platform, 'title', p.title, 'person_name', p.person_name, 'expires_at', p.expires_at) order by p.id), '[]')
        from pairings p
        where p.state = 'claimed' and p.claimed_by = 'code' and p.confirmed_at is null and p.expires_at > now())::jsonb as pairings;
