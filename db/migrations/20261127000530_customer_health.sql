-- migrate:up
set local row_security = off;

-- How a customer stands, in a few numbers: what waits for approval, what went wrong in the last thirty days and was not decided, which accounts must be connected
-- again, and when something goes out next. A definer's, since it is asked of many customers at once by a caller who has entered none of them. NULL: the caller is
-- nobody there. Whoever belongs to a customer, or has a system role, may see all of it. 100 means as many or more.
create function tenancy.customer_health(p_customer_id uuid, out waiting bigint, out problems bigint, out accounts bigint, out next_post_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    if tenancy.system_role() is null and p_customer_id <> all (tenancy.customer_ids()) then
        return;
    end if;
    waiting := (select count(*) from (
        select distinct pp.post_id from public.platform_posts pp
        where pp.customer_id = p_customer_id and pp.state = 'pending_approval' limit 100) c);
    problems := (select count(*) from (
        select distinct pp.post_id from public.platform_posts pp
        where pp.customer_id = p_customer_id and pp.state in ('needs_attention', 'failed') and pp.updated_at > now() - interval '30 days' limit 100) c);
    accounts := (select count(*) from (
        select from public.integrations i where i.customer_id = p_customer_id and i.state = 'needs_reauth' limit 100) c);
    next_post_at := (
        select p.scheduled_at from public.posts p
        where p.customer_id = p_customer_id and p.state = 'scheduled' and p.scheduled_at >= now()
        order by p.scheduled_at limit 1);
end
$$;
revoke execute on function tenancy.customer_health(uuid) from public;
grant execute on function tenancy.customer_health(uuid) to fanfare_user, fanfare_admin;
alter function tenancy.customer_health(uuid) owner to fanfare_definer;
grant select (updated_at) on platform_posts to fanfare_definer;

-- migrate:down

drop function tenancy.customer_health(uuid);
revoke select (updated_at) on platform_posts from fanfare_definer;
