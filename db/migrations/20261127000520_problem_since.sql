-- migrate:up
set local row_security = off;

-- Since when a platform post has the problem that it has. NULL: it has none, or has had it since before this was kept.
alter table platform_posts add column problem_since timestamptz;

-- An attempt that begins takes the problem back. If it ends as those right before it, the problem is as old as the first of them.
create function tenancy.date_problem() returns trigger
language plpgsql as $$
begin
    new.problem_since := case when new.problem_class is not null then now() end;
    if new.problem_class is not null and current_user = 'fanfare_worker' then
        new.problem_since := coalesce((
            select min(a.finished_at) from public.publish_attempts a
            where a.customer_id = new.customer_id and a.platform_post_id = new.id and a.number >= new.first_attempt and a.outcome = new.problem_class
                and not exists (
                    select from public.publish_attempts o
                    where o.customer_id = a.customer_id and o.platform_post_id = a.platform_post_id and o.number > a.number
                        and o.outcome not in (new.problem_class, 'abandoned', 'waiting'))), now());
    end if;
    return new;
end
$$;
create trigger platform_posts_date_problem before update on platform_posts for each row
    when (old.problem_class is distinct from new.problem_class) execute function tenancy.date_problem();

create or replace view posts_with_platforms with (security_invoker = true) as
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.created_by, p.version, p.created_at, p.updated_at,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'text', coalesce(pp.text, p.text),
            'own_text', pp.text is not null,
            'options', pp.options,
            'media_ids', case when pp.own_media then
                (select coalesce(jsonb_agg(m.media_id order by m.position), '[]') from platform_post_media m
                where m.customer_id = pp.customer_id and m.platform_post_id = pp.id) end,
            'state', pp.state,
            'external_url', pp.external_url,
            'published_at', pp.published_at,
            'problem_class', pp.problem_class,
            'problem', pp.problem,
            'problem_since', pp.problem_since,
            'retry_at', pp.retry_at) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts,
    (select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
        from post_media m
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids,
    p.approved_at, p.approved_by,
    (select tenancy.time_zone()) as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.detached_at, p.space_id
from posts p;

-- migrate:down

drop view posts_with_platforms;
create view posts_with_platforms with (security_invoker = true) as
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.created_by, p.version, p.created_at, p.updated_at,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'text', coalesce(pp.text, p.text),
            'own_text', pp.text is not null,
            'options', pp.options,
            'media_ids', case when pp.own_media then
                (select coalesce(jsonb_agg(m.media_id order by m.position), '[]') from platform_post_media m
                where m.customer_id = pp.customer_id and m.platform_post_id = pp.id) end,
            'state', pp.state,
            'external_url', pp.external_url,
            'published_at', pp.published_at,
            'problem_class', pp.problem_class,
            'problem', pp.problem,
            'retry_at', pp.retry_at) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts,
    (select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
        from post_media m
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids,
    p.approved_at, p.approved_by,
    (select tenancy.time_zone()) as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.detached_at, p.space_id
from posts p;
grant select on posts_with_platforms to fanfare_user, fanfare_admin, fanfare_agent;
drop trigger platform_posts_date_problem on platform_posts;
drop function tenancy.date_problem();
alter table platform_posts drop column problem_since;
