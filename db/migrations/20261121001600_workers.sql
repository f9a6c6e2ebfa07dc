-- migrate:up

-- The worker processes that are alive. A worker renews its lease every second; the running jobs of one whose
-- lease has ended are handed to others at once, where River alone would wait for an hour. Not tenant data.
set local row_security = off;

create table workers (
    id text not null,
    started_at timestamptz not null default now(),
    lease_until timestamptz not null,
    constraint workers_pkey primary key (id),
    constraint workers_id_length check (char_length(id) between 1 and 100)
);

alter table workers enable row level security;
alter table workers force row level security;
create policy workers_worker on workers to fanfare_worker using (true) with check (true);
grant select, insert, update, delete on workers to fanfare_worker;

create policy workers_definer on workers for select to fanfare_definer using (true);
grant select on workers to fanfare_definer;
grant select on schema_migrations to fanfare_definer;

-- What a readiness check asks: the newest migration, and how many workers are alive.
create function tenancy.readiness(out schema_version text, out live_workers bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
    select max(m.version) into schema_version from public.schema_migrations m;
    select count(*) into live_workers from public.workers w where w.lease_until > now();
end
$$;
revoke execute on function tenancy.readiness() from public;
grant execute on function tenancy.readiness() to fanfare_login, fanfare_worker;
alter function tenancy.readiness() owner to fanfare_definer;

-- Platform posts that are due and for which no job is left, whatever ate it. The worker enqueues them again.
create policy posts_definer on posts for select to fanfare_definer using (true);
create policy platform_posts_definer on platform_posts for select to fanfare_definer using (true);
grant select (customer_id, id, scheduled_at) on posts to fanfare_definer;
grant select (customer_id, id, post_id, state, retry_at) on platform_posts to fanfare_definer;
create index river_job_of_platform_post on river.river_job (customer_id, (args ->> 'platform_post_id'))
    where state in ('available', 'pending', 'retryable', 'running', 'scheduled');

create function tenancy.stranded_platform_posts(p_overdue interval, p_limit integer)
returns table (customer_id uuid, post_id uuid, platform_post_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select pp.customer_id, pp.post_id, pp.id
    from public.platform_posts pp
        join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        -- in an archived customer nothing more is published: a job would end at once and be missed again
        join public.customers c on c.id = pp.customer_id and (c.archived_at is null or pp.state = 'publishing')
    where pp.state in ('scheduled', 'publishing')
        and greatest(p.scheduled_at, pp.retry_at) < now() - p_overdue
        and not exists (
            select from river.river_job j
            where j.customer_id = pp.customer_id
                and j.args ->> 'platform_post_id' = pp.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    limit p_limit;
end
$$;
revoke execute on function tenancy.stranded_platform_posts(interval, integer) from public;
grant execute on function tenancy.stranded_platform_posts(interval, integer) to fanfare_worker;
alter function tenancy.stranded_platform_posts(interval, integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.stranded_platform_posts(interval, integer);
drop index river.river_job_of_platform_post;
revoke select on platform_posts, posts from fanfare_definer;
drop policy platform_posts_definer on platform_posts;
drop policy posts_definer on posts;
drop function tenancy.readiness();
revoke select on schema_migrations from fanfare_definer;
drop table workers;
