-- migrate:up

-- How much a customer may use of LLMs in a month (of UTC): tokens, and money in millionths of a US dollar. Before a call what it
-- may use at most is reserved, and after it what it has used is settled; so the month's budget holds however many calls are made at
-- once. A reservation that cannot be made raises FF011.
--
-- The budget is of what the installation provides. Calls with a key of the customer's own, or of somebody there, take nothing of it:
-- what they use is for whoever gave the key to pay, and is told by a server that they name. They are in the usage alone.
set local row_security = off;

-- Budgets of single customers; what is NULL, or not there, is as the installation has it.
create table llm_budgets (
    customer_id uuid not null default tenancy.customer_id(),
    monthly_tokens bigint,
    monthly_cost_microusd bigint,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint llm_budgets_pkey primary key (customer_id),
    constraint llm_budgets_customer_fkey foreign key (customer_id) references customers (id),
    constraint llm_budgets_says_something check (num_nonnulls(monthly_tokens, monthly_cost_microusd) > 0),
    constraint llm_budgets_tokens_range check (monthly_tokens between 0 and 1000000000000),
    constraint llm_budgets_cost_range check (monthly_cost_microusd between 0 and 1000000000000)
);

create trigger llm_budgets_touch before update on llm_budgets for each row execute function tenancy.touch();

alter table llm_budgets enable row level security;
alter table llm_budgets force row level security;

-- Members see the budget they are under. Only a system admin changes it.
create policy llm_budgets_tenant on llm_budgets as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy llm_budgets_select on llm_budgets for select to fanfare_user, fanfare_admin using (true);
create policy llm_budgets_agent_select on llm_budgets for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
create policy llm_budgets_admin_insert on llm_budgets for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy llm_budgets_admin_update on llm_budgets for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy llm_budgets_admin_delete on llm_budgets for delete to fanfare_admin
    using ((select tenancy.has_system_role('admin')));
grant select on llm_budgets to fanfare_user, fanfare_agent, fanfare_admin;
grant delete, insert (monthly_tokens, monthly_cost_microusd), update (monthly_tokens, monthly_cost_microusd) on llm_budgets to fanfare_admin;
create policy llm_budgets_erase on llm_budgets for delete to fanfare_definer using (true);
create policy llm_budgets_erase_select on llm_budgets for select to fanfare_definer using (true);
grant select, delete on llm_budgets to fanfare_definer;

select tenancy.audit_table('llm_budgets', 'llm_budget', 'customer_id', '{}', '{}');

-- What each customer has taken of a month's budget. Whoever reserves, settles or releases holds its row, one after another: these
-- are transactions of a few milliseconds beside calls of seconds.
create table llm_months (
    customer_id uuid not null default tenancy.customer_id(),
    -- its first day
    month date not null,
    -- what calls have used, as providers say, and each no more than was reserved for it
    tokens bigint not null default 0,
    cost_microusd bigint not null default 0,
    -- what calls under way may use at most: the sum of their reservations
    reserved_tokens bigint not null default 0,
    reserved_cost_microusd bigint not null default 0,
    -- what calls may have used of which nobody knows the end: the sum of the reservations that were left behind
    lost_tokens bigint not null default 0,
    lost_cost_microusd bigint not null default 0,
    constraint llm_months_pkey primary key (customer_id, month),
    constraint llm_months_customer_fkey foreign key (customer_id) references customers (id),
    constraint llm_months_positive check (tokens >= 0 and cost_microusd >= 0 and reserved_tokens >= 0 and reserved_cost_microusd >= 0
        and lost_tokens >= 0 and lost_cost_microusd >= 0)
);

alter table llm_months enable row level security;
alter table llm_months force row level security;

create policy llm_months_tenant on llm_months as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy llm_months_select on llm_months for select to fanfare_user, fanfare_admin using (true);
create policy llm_months_agent_select on llm_months for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
grant select on llm_months to fanfare_user, fanfare_agent, fanfare_admin;
create policy llm_months_definer on llm_months to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on llm_months to fanfare_definer;

-- What is held for calls under way, and for a day longer what was held for calls that were left behind.
create table llm_reservations (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- of usage_days
    kind text not null,
    -- a call with a key of the customer's own, which is in no month
    own_key boolean not null,
    -- tokens in and out together
    tokens bigint not null,
    cost_microusd bigint not null,
    reserved_at timestamptz not null default now(),
    -- No call lasts as long. Who has not settled by then has died, or could not say so.
    expires_at timestamptz not null default now() + interval '15 minutes',
    lost_at timestamptz,
    -- who asks for what with which Idempotency-Key; NULL without one
    request text,
    constraint llm_reservations_pkey primary key (customer_id, id),
    constraint llm_reservations_request_key unique (customer_id, request),
    constraint llm_reservations_customer_fkey foreign key (customer_id) references customers (id),
    constraint llm_reservations_kind_form check (kind ~ '^[a-z][a-z_]{0,49}$'),
    constraint llm_reservations_amounts_range check (tokens between 1 and 1000000000000 and cost_microusd between 0 and 1000000000000)
);

alter table llm_reservations enable row level security;
alter table llm_reservations force row level security;

-- Nobody but the functions below may touch it.
create policy llm_reservations_tenant on llm_reservations as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy llm_reservations_definer on llm_reservations to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on llm_reservations to fanfare_definer;

-- The month, of UTC, in which a moment lies.
create function tenancy.month_of(p_at timestamptz) returns date
language sql immutable parallel safe
return date_trunc('month', p_at at time zone 'UTC')::date;
grant execute on function tenancy.month_of(timestamptz) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- Reserves in the entered customer's budget of this month what a call may use at most, tokens in and out together. A customer
-- without a budget of its own has the last two. A call with a cost of 0 is not refused for want of money. One with a key of the
-- customer's own is not refused, and takes nothing: its reservation bounds what usage counts of it. For whoever may write posts.
-- p_request names what is asked for where the caller can ask for it again: while it is under way it violates
-- llm_reservations_request_key.
--
-- When the budget would be exceeded it raises FF011 with a detail in JSON: budget (tokens or cost, the one exceeded), allowed,
-- used, reserved, lost and wanted of it, and renews_at.
create function tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint,
    p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text default null)
returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_month date := tenancy.month_of(now());
    v_request text := tenancy.actor_id() || ' ' || p_request;
    v_own record;
    v_taken public.llm_months;
    v_allowed_tokens bigint;
    v_allowed_cost bigint;
begin
    if (tenancy.has_role('member') or tenancy.has_permission('posts:write') or tenancy.has_system_role('manager')) is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow calls of an LLM';
    end if;
    if (p_tokens between 1 and 1000000000000 and p_cost_microusd between 0 and 1000000000000
        and p_monthly_tokens >= 0 and p_monthly_cost_microusd >= 0 and p_own_key is not null and (p_cost_microusd = 0 or not p_own_key)) is not true
    then
        raise invalid_parameter_value using message = 'a reservation is of some tokens, and there is a budget';
    end if;
    update public.llm_reservations r set request = null
    where r.customer_id = v_customer and r.request = v_request and r.expires_at < now(); -- it was left behind
    insert into public.llm_reservations (customer_id, id, kind, own_key, tokens, cost_microusd, request)
    values (v_customer, p_id, p_kind, p_own_key, p_tokens, p_cost_microusd, v_request);
    if p_own_key then
        return;
    end if;
    select b.monthly_tokens, b.monthly_cost_microusd into v_own from public.llm_budgets b where b.customer_id = v_customer;
    v_allowed_tokens := coalesce(v_own.monthly_tokens, p_monthly_tokens);
    v_allowed_cost := coalesce(v_own.monthly_cost_microusd, p_monthly_cost_microusd);

    -- Whoever comes second waits here for the first, and compares with what is there then.
    insert into public.llm_months as m (customer_id, month, reserved_tokens, reserved_cost_microusd)
    select v_customer, v_month, p_tokens, p_cost_microusd
    where p_tokens <= v_allowed_tokens and (p_cost_microusd = 0 or p_cost_microusd <= v_allowed_cost)
    on conflict (customer_id, month) do update
    set reserved_tokens = m.reserved_tokens + p_tokens, reserved_cost_microusd = m.reserved_cost_microusd + p_cost_microusd
    where m.tokens + m.reserved_tokens + m.lost_tokens + p_tokens <= v_allowed_tokens
        and (p_cost_microusd = 0 or m.cost_microusd + m.reserved_cost_microusd + m.lost_cost_microusd + p_cost_microusd <= v_allowed_cost);
    if not found then
        select m.* into v_taken from public.llm_months m where m.customer_id = v_customer and m.month = v_month;
        raise exception using errcode = 'FF011', message = 'the LLM budget is used up', detail = (
            case when coalesce(v_taken.tokens + v_taken.reserved_tokens + v_taken.lost_tokens, 0) + p_tokens > v_allowed_tokens
                then jsonb_build_object('budget', 'tokens', 'allowed', v_allowed_tokens, 'used', coalesce(v_taken.tokens, 0),
                    'reserved', coalesce(v_taken.reserved_tokens, 0), 'lost', coalesce(v_taken.lost_tokens, 0), 'wanted', p_tokens)
                else jsonb_build_object('budget', 'cost', 'allowed', v_allowed_cost, 'used', coalesce(v_taken.cost_microusd, 0),
                    'reserved', coalesce(v_taken.reserved_cost_microusd, 0), 'lost', coalesce(v_taken.lost_cost_microusd, 0), 'wanted', p_cost_microusd)
                end || jsonb_build_object('renews_at', to_char(v_month + interval '1 month', 'YYYY-MM-DD"T00:00:00Z"')))::text;
    end if;
end
$$;
revoke execute on function tenancy.reserve_llm(uuid, text, boolean, bigint, bigint, bigint, bigint, text) from public;
grant execute on function tenancy.reserve_llm(uuid, text, boolean, bigint, bigint, bigint, bigint, text) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.reserve_llm(uuid, text, boolean, bigint, bigint, bigint, bigint, text) owner to fanfare_definer;

-- Ends a reservation of the entered customer and gives it; no row where there is none, or not any more. The month is locked before
-- the reservation, as everywhere.
create function tenancy.end_llm(p_id uuid) returns setof llm_reservations
language plpgsql set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_month date;
    v public.llm_reservations;
begin
    select tenancy.month_of(r.reserved_at) into v_month from public.llm_reservations r where r.customer_id = v_customer and r.id = p_id;
    if not found then
        return;
    end if;
    perform from public.llm_months m where m.customer_id = v_customer and m.month = v_month for update;
    delete from public.llm_reservations r where r.customer_id = v_customer and r.id = p_id returning r.* into v;
    if not found then
        return; -- another has ended it meanwhile
    end if;
    if v.own_key then
        null;
    elsif v.lost_at is null then
        update public.llm_months m
        set reserved_tokens = m.reserved_tokens - v.tokens, reserved_cost_microusd = m.reserved_cost_microusd - v.cost_microusd
        where m.customer_id = v_customer and m.month = v_month;
    else
        update public.llm_months m
        set lost_tokens = m.lost_tokens - v.tokens, lost_cost_microusd = m.lost_cost_microusd - v.cost_microusd
        where m.customer_id = v_customer and m.month = v_month;
    end if;
    return next v;
end
$$;
revoke execute on function tenancy.end_llm(uuid) from public;
grant execute on function tenancy.end_llm(uuid) to fanfare_definer;

-- Puts in the place of a reservation what the call has used, on the day and in the month in which it was reserved. What it has used is
-- what the provider says, which can be anything: it counts as nothing below that, as the reservation above it, and as the whole
-- reservation where it is not known. It asks for no right: what was used was used. Answers false, and does nothing, where there is no
-- such reservation, as the second time.
create function tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v public.llm_reservations;
    v_input bigint;
    v_output bigint;
    v_cost bigint;
begin
    select * into v from tenancy.end_llm(p_id);
    if not found then
        return false;
    end if;
    v_input := least(greatest(coalesce(p_input_tokens, v.tokens), 0), v.tokens);
    v_output := least(greatest(coalesce(p_output_tokens, v.tokens), 0), v.tokens - v_input);
    v_cost := least(greatest(coalesce(p_cost_microusd, v.cost_microusd), 0), v.cost_microusd);
    if not v.own_key then
        update public.llm_months m
        set tokens = m.tokens + v_input + v_output, cost_microusd = m.cost_microusd + v_cost
        where m.customer_id = v.customer_id and m.month = tenancy.month_of(v.reserved_at);
    end if;
    insert into public.usage_entries (customer_id, day, kind, input_tokens, output_tokens, cost_microusd)
    values (v.customer_id, (v.reserved_at at time zone 'UTC')::date, v.kind, v_input, v_output, v_cost);
    return true;
end
$$;
revoke execute on function tenancy.settle_llm(uuid, bigint, bigint, bigint) from public;
grant execute on function tenancy.settle_llm(uuid, bigint, bigint, bigint) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.settle_llm(uuid, bigint, bigint, bigint) owner to fanfare_definer;

-- Gives a reservation back whose call has used nothing. False where there is no such reservation, as after its settlement.
create function tenancy.release_llm(p_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    return exists (select from tenancy.end_llm(p_id));
end
$$;
revoke execute on function tenancy.release_llm(uuid) from public;
grant execute on function tenancy.release_llm(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.release_llm(uuid) owner to fanfare_definer;

-- Finds reservations of all customers that were left behind, up to p_limit, and tells how many. The provider may have answered, and
-- asks to be paid then: the budget of the month is charged with all that was reserved, until the call is settled or released after
-- all, for which there is a day. Usage tells what is known, and so not of these. Months that are in use wait for the next time.
-- Calls with a key of the customer's own are in no month: theirs are forgotten after as long.
create function tenancy.expire_llm(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_count bigint;
    v_all bigint := 0;
begin
    for v in
        select x.customer_id, x.month, array_agg(x.id) as ids
        from (
            select r.customer_id, tenancy.month_of(r.reserved_at) as month, r.id
            from public.llm_reservations r where r.lost_at is null and r.expires_at < now() and not r.own_key
            limit p_limit) x
        group by x.customer_id, x.month
    loop
        perform from public.llm_months m where m.customer_id = v.customer_id and m.month = v.month for update skip locked;
        continue when not found;
        with lost as (
            update public.llm_reservations r set lost_at = now()
            where r.customer_id = v.customer_id and r.id = any (v.ids) and r.lost_at is null
            returning r.tokens, r.cost_microusd),
        total as (
            select count(*) as calls, coalesce(sum(l.tokens), 0) as tokens, coalesce(sum(l.cost_microusd), 0) as cost_microusd from lost l),
        moved as (
            update public.llm_months m
            set reserved_tokens = m.reserved_tokens - t.tokens, reserved_cost_microusd = m.reserved_cost_microusd - t.cost_microusd,
                lost_tokens = m.lost_tokens + t.tokens, lost_cost_microusd = m.lost_cost_microusd + t.cost_microusd
            from total t
            where m.customer_id = v.customer_id and m.month = v.month)
        select t.calls into v_count from total t;
        v_all := v_all + v_count;
    end loop;
    delete from public.llm_reservations where ctid = any (array(
        select r.ctid from public.llm_reservations r
        where r.lost_at < now() - interval '1 day' or (r.own_key and r.expires_at < now() - interval '1 day')
        limit p_limit for update skip locked));
    get diagnostics v_count = row_count;
    return greatest(v_all, v_count);
end
$$;
revoke execute on function tenancy.expire_llm(integer) from public;
grant execute on function tenancy.expire_llm(integer) to fanfare_worker;
alter function tenancy.expire_llm(integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.expire_llm(integer);
drop function tenancy.release_llm(uuid);
drop function tenancy.settle_llm(uuid, bigint, bigint, bigint);
drop function tenancy.end_llm(uuid);
drop function tenancy.reserve_llm(uuid, text, boolean, bigint, bigint, bigint, bigint, text);
drop function tenancy.month_of(timestamptz);
drop table llm_reservations;
drop table llm_months;
drop table llm_budgets;
