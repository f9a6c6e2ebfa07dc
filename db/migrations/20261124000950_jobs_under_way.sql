-- migrate:up

-- A post goes to several accounts, and may be moved or cancelled while one of them is being published or waits for the rest
-- of its parts: that one keeps its job.
set local row_security = off;
set local role fanfare_definer;
create or replace function tenancy.cancel_jobs(p_post_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    -- The owner of an archived customer reads as a viewer but still stops its jobs. Of the roles all but one are
    -- NULL, hence "is not true": NOT of NULL is no refusal.
    if (tenancy.has_role('member') or tenancy.has_system_role('manager') or tenancy.has_permission('posts:publish')
        or tenancy.member_role() = 'owner' or tenancy.system_role() = 'admin') is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow cancelling jobs';
    end if;
    update river.river_job j
    set state = 'cancelled', finalized_at = now()
    where j.customer_id = tenancy.customer_id()
        and j.kind = 'publish'
        and (p_post_id is null or j.args ->> 'post_id' = p_post_id::text)
        and j.state in ('available', 'pending', 'retryable', 'scheduled')
        -- what is at its platform already comes to its end, whatever becomes of the rest of the post
        and not exists (
            select from public.platform_posts pp
            where pp.customer_id = j.customer_id and pp.id = (j.args ->> 'platform_post_id')::uuid and pp.state = 'publishing');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

create or replace function tenancy.stranded_platform_posts(p_overdue interval, p_limit integer)
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
        -- what is at its platform is due whenever its post is
        and case when pp.state = 'publishing' then coalesce(pp.retry_at, '-infinity') else greatest(p.scheduled_at, pp.retry_at) end < now() - p_overdue
        and not exists (
            select from river.river_job j
            where j.customer_id = pp.customer_id
                and j.args ->> 'platform_post_id' = pp.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    limit p_limit;
end
$$;
reset role;

-- migrate:down
set local role fanfare_definer;
create or replace function tenancy.cancel_jobs(p_post_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    -- The owner of an archived customer reads as a viewer but still stops its jobs. Of the roles all but one are
    -- NULL, hence "is not true": NOT of NULL is no refusal.
    if (tenancy.has_role('member') or tenancy.has_system_role('manager') or tenancy.has_permission('posts:publish')
        or tenancy.member_role() = 'owner' or tenancy.system_role() = 'admin') is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow cancelling jobs';
    end if;
    update river.river_job j
    set state = 'cancelled', finalized_at = now()
    where j.customer_id = tenancy.customer_id()
        and j.kind = 'publish'
        and (p_post_id is null or j.args ->> 'post_id' = p_post_id::text)
        and j.state in ('available', 'pending', 'retryable', 'scheduled');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

create or replace function tenancy.stranded_platform_posts(p_overdue interval, p_limit integer)
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
reset role;
