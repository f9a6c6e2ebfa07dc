-- migrate:up

-- What platforms say of the requests that they still take, for all workers to see: of each account, and of this installation's
-- application as a whole (requirement P4).
set local row_security = off;

create table account_limits (
    customer_id uuid not null default tenancy.customer_id(),
    integration_id uuid not null,
    -- how many posts the account may publish in a window, how many of them are left, and when the next window begins;
    -- NULL where the platform has not said
    quota integer,
    remaining integer,
    resets_at timestamptz,
    -- the platform has refused for this long
    paused_until timestamptz,
    constraint account_limits_pkey primary key (customer_id, integration_id),
    constraint account_limits_integration_fkey foreign key (customer_id, integration_id) references integrations (customer_id, id)
);

alter table account_limits enable row level security;
alter table account_limits force row level security;

create policy account_limits_tenant on account_limits as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy account_limits_select on account_limits for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy account_limits_agent_select on account_limits for select to fanfare_agent
    using ((select tenancy.has_any_permission('integrations:read', 'posts:publish')));
create policy account_limits_worker_insert on account_limits for insert to fanfare_worker with check (true);
create policy account_limits_worker_update on account_limits for update to fanfare_worker using (true) with check (true);
grant select on account_limits to fanfare_user, fanfare_agent, fanfare_admin;
grant select, insert (integration_id, quota, remaining, resets_at, paused_until),
    update (quota, remaining, resets_at, paused_until)
    on account_limits to fanfare_worker;
create policy account_limits_erase on account_limits for delete to fanfare_definer using (true);
create policy account_limits_erase_select on account_limits for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on account_limits to fanfare_definer;

-- Not tenant data: how long a platform takes nothing more from this installation's application.
create table app_limits (
    platform text not null,
    paused_until timestamptz not null,
    constraint app_limits_pkey primary key (platform),
    constraint app_limits_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp', 'ghost'))
);
alter table app_limits enable row level security;
alter table app_limits force row level security;
create policy app_limits_worker on app_limits to fanfare_worker using (true) with check (true);
grant select, insert, update (paused_until) on app_limits to fanfare_worker;

-- Takes one of the requests that an account still has, before it is made. NULL: go ahead; else when to ask again. The account's
-- row stays locked until the end of the transaction, so that no two take the same one. What was taken and not used is found out
-- when the platform is heard of again.
create function tenancy.reserve_request(p_integration_id uuid, p_platform text) returns timestamptz
language plpgsql as $$
declare
    v_limit public.account_limits;
    v_until timestamptz;
begin
    select a.paused_until into v_until from public.app_limits a where a.platform = p_platform and a.paused_until > now();
    if found then
        return v_until;
    end if;
    select * into v_limit from public.account_limits l where l.integration_id = p_integration_id for update;
    if not found then
        return null;
    end if;
    if v_limit.paused_until > now() then
        return v_limit.paused_until;
    end if;
    if v_limit.resets_at <= now() then
        -- A new window, of which nothing is known yet but how much the last one had.
        update public.account_limits l set remaining = l.quota - 1, resets_at = null
        where l.integration_id = p_integration_id;
        return null;
    end if;
    if v_limit.remaining <= 0 and v_limit.resets_at is not null then
        return v_limit.resets_at;
    end if;
    update public.account_limits l set remaining = l.remaining - 1
    where l.integration_id = p_integration_id and l.remaining > 0;
    return null;
end
$$;
grant execute on function tenancy.reserve_request(uuid, text) to fanfare_worker;

-- migrate:down
drop function tenancy.reserve_request(uuid, text);
drop table app_limits;
drop table account_limits;
