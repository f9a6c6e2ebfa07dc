-- migrate:up

-- How posts did at their platforms, by day (requirement P8). The worker asks, less and less often after publishing.
set local row_security = off;

-- When the platform is next asked how the post did; NULL: never.
alter table platform_posts add column measure_at timestamptz;
create index platform_posts_to_measure on platform_posts (measure_at) where measure_at is not null;
grant update (measure_at) on platform_posts to fanfare_worker;
grant select (measure_at) on platform_posts to fanfare_definer;

-- A site may say that it has published a post long ago: that does not put the post before others'.
create function tenancy.begin_measuring() returns trigger
language plpgsql as $$
begin
    new.measure_at := greatest(new.published_at, now()) + interval '1 hour';
    return new;
end
$$;
create trigger platform_posts_measure before update on platform_posts for each row
    when (new.state = 'published' and old.state <> 'published')
    execute function tenancy.begin_measuring();

-- When it is asked next is nothing to record each time.
create or replace trigger audit_update after update on platform_posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('platform_post', 'id', 'customer_id', '{}',
        '{version,created_at,updated_at,checkpoint,retry_at,measure_at}');

-- What the platform said last on each day (of UTC), since the post was published. NULL: it does not say.
create table post_metrics (
    customer_id uuid not null default tenancy.customer_id(),
    platform_post_id uuid not null,
    day date not null,
    impressions bigint,
    reach bigint,
    likes bigint,
    comments bigint,
    shares bigint,
    clicks bigint,
    measured_at timestamptz not null default now(),
    constraint post_metrics_pkey primary key (customer_id, platform_post_id, day),
    constraint post_metrics_platform_post_fkey foreign key (customer_id, platform_post_id) references platform_posts (customer_id, id) on delete cascade
);

alter table post_metrics enable row level security;
alter table post_metrics force row level security;

create policy post_metrics_tenant on post_metrics as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy post_metrics_select on post_metrics for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy post_metrics_agent_select on post_metrics for select to fanfare_agent
    using ((select tenancy.has_permission('posts:read')));
create policy post_metrics_worker_insert on post_metrics for insert to fanfare_worker with check (true);
create policy post_metrics_worker_update on post_metrics for update to fanfare_worker using (true) with check (true);
grant select on post_metrics to fanfare_user, fanfare_agent, fanfare_admin;
grant select, insert (platform_post_id, day, impressions, reach, likes, comments, shares, clicks),
    update (impressions, reach, likes, comments, shares, clicks, measured_at)
    on post_metrics to fanfare_worker;
create policy post_metrics_erase on post_metrics for delete to fanfare_definer using (true);
create policy post_metrics_erase_select on post_metrics for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on post_metrics to fanfare_definer;

-- Platform posts of all customers whose platform is to be asked now: at most ten of each customer with the jobs that are
-- there already, and those first whose customers have the fewest, so that none keeps the others waiting; at most p_limit less
-- all jobs that are there. Ids only.
create function tenancy.posts_to_measure(p_limit integer)
returns table (customer_id uuid, platform_post_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    with there as materialized (
        select j.customer_id, j.args ->> 'platform_post_id' as platform_post_id
        from river.river_job j
        where j.queue = 'metrics' and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    select due.customer_id, due.id
    from (
        select pp.customer_id, pp.id, pp.measure_at,
            coalesce(mine.jobs, 0) + row_number() over (partition by pp.customer_id order by pp.measure_at) as place
        from public.platform_posts pp
            join public.customers c on c.id = pp.customer_id and c.archived_at is null
            left join (select t.customer_id, count(*) as jobs from there t group by t.customer_id) mine on mine.customer_id = pp.customer_id
        where pp.measure_at <= now()
            and not exists (select from there t where t.customer_id = pp.customer_id and t.platform_post_id = pp.id::text)) due
    where due.place <= 10
    order by due.place, due.measure_at
    limit greatest(p_limit - (select count(*) from there), 0);
end
$$;
revoke execute on function tenancy.posts_to_measure(integer) from public;
grant execute on function tenancy.posts_to_measure(integer) to fanfare_worker;
alter function tenancy.posts_to_measure(integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.posts_to_measure(integer);
drop table post_metrics;
create or replace trigger audit_update after update on platform_posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('platform_post', 'id', 'customer_id', '{}',
        '{version,created_at,updated_at,checkpoint,retry_at}');
drop trigger platform_posts_measure on platform_posts;
drop function tenancy.begin_measuring();
alter table platform_posts drop column measure_at;
