-- migrate:up

-- Rate limits: how often a customer's callers may ask each operation, by the generic cell rate algorithm. A
-- limit of quota requests in a window lets quota requests through at once and after that one each window/quota.
-- All that is kept of it is one instant, the theoretical arrival time (tat): when everything that was asked so
-- far would have been asked, had it come evenly. It is exact however many processes charge at once, since the
-- one statement that moves it holds its row.
set local row_security = off;

-- Limits of single customers, in place of the defaults that the API brings along.
create table rate_limit_rules (
    customer_id uuid not null default tenancy.customer_id(),
    endpoint text not null,
    quota integer not null,
    window_seconds integer not null,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint rate_limit_rules_pkey primary key (customer_id, endpoint),
    constraint rate_limit_rules_customer_fkey foreign key (customer_id) references customers (id),
    constraint rate_limit_rules_endpoint_length check (char_length(endpoint) between 1 and 100),
    constraint rate_limit_rules_quota_range check (quota between 1 and 1000000),
    constraint rate_limit_rules_window_range check (window_seconds between 1 and 86400)
);

create trigger rate_limit_rules_touch before update on rate_limit_rules for each row execute function tenancy.touch();

alter table rate_limit_rules enable row level security;
alter table rate_limit_rules force row level security;

-- Members see the limits they are under. Only a system admin changes them.
create policy rate_limit_rules_tenant on rate_limit_rules as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy rate_limit_rules_select on rate_limit_rules for select to fanfare_user, fanfare_admin using (true);
create policy rate_limit_rules_agent_select on rate_limit_rules for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
create policy rate_limit_rules_admin_insert on rate_limit_rules for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy rate_limit_rules_admin_update on rate_limit_rules for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy rate_limit_rules_admin_delete on rate_limit_rules for delete to fanfare_admin
    using ((select tenancy.has_system_role('admin')));
grant select on rate_limit_rules to fanfare_user, fanfare_agent, fanfare_admin;
grant delete, insert (endpoint, quota, window_seconds), update (quota, window_seconds) on rate_limit_rules to fanfare_admin;

create policy rate_limit_rules_definer on rate_limit_rules for select to fanfare_definer using (true);
grant select on rate_limit_rules to fanfare_definer;

select tenancy.audit_table('rate_limit_rules', 'rate_limit_rule', 'endpoint', '{}', '{}');

-- What each customer has used of each limit. Unlogged: charging writes no WAL that a commit would wait for, and
-- a crash of the server forgets what was used, to the customers' advantage. For the same reason there is no
-- foreign key, which would lock the customer's row and log that; only who has entered a customer is charged.
-- Half of each page is left free for the new versions of its rows. A row whose instant has passed says no more
-- than none, and is deleted by the worker.
create unlogged table rate_limits (
    customer_id uuid not null default tenancy.customer_id(),
    endpoint text not null,
    tat timestamptz not null,
    constraint rate_limits_pkey primary key (customer_id, endpoint)
) with (fillfactor = 50);

alter table rate_limits enable row level security;
alter table rate_limits force row level security;

-- Nobody but the functions below may touch it.
create policy rate_limits_tenant on rate_limits as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy rate_limits_definer on rate_limits to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on rate_limits to fanfare_definer;

-- The same for callers in no customer (user:<id>, key:<id> or token:<id>) and for those whom nobody knows
-- (address:<address>).
create unlogged table caller_rate_limits (
    caller text not null,
    endpoint text not null,
    tat timestamptz not null,
    constraint caller_rate_limits_pkey primary key (caller, endpoint)
) with (fillfactor = 50);

alter table caller_rate_limits enable row level security;
alter table caller_rate_limits force row level security;
create policy caller_rate_limits_definer on caller_rate_limits to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on caller_rate_limits to fanfare_definer;

-- Charges one request to the customer's limit, or without a customer to the caller's. The customer's own rule
-- overrules p_quota and p_window (in seconds). Answers what is left, as JSON: quota and window (seconds) of the
-- limit that holds, remaining (requests), reset_ms (until more are left). When nothing is left it raises
-- FF005 with a detail in JSON: quota, window, retry_after_ms.
create function tenancy.charge(p_customer uuid, p_caller text, p_endpoint text, p_quota integer, p_window integer) returns text
language plpgsql as $$
declare
    v_quota integer;
    v_window integer;
    v_step_us bigint;
    v_step interval;
    v_burst interval;
    v_beyond interval;
    v_now timestamptz;
    v_tat timestamptz;
    v_charged timestamptz;
    v_left_us bigint;
begin
    if p_customer is not null then
        select r.quota, r.window_seconds into v_quota, v_window
        from public.rate_limit_rules r where r.customer_id = p_customer and r.endpoint = p_endpoint;
        select l.tat into v_tat from public.rate_limits l where l.customer_id = p_customer and l.endpoint = p_endpoint;
    else
        select l.tat into v_tat from public.caller_rate_limits l where l.caller = p_caller and l.endpoint = p_endpoint;
    end if;
    v_now := clock_timestamp(); -- not before the charges that have just been read
    v_quota := coalesce(v_quota, p_quota);
    v_window := coalesce(v_window, p_window);
    v_step_us := greatest(v_window * 1000000::bigint / v_quota, 1);
    v_step := v_step_us * interval '1 microsecond';
    v_burst := v_quota * v_step;
    -- A charge sets no instant that is further away than the burst. Where one is there, and by more than clocks are
    -- adjusted, the limit was another or the clock was set back: it does not count.
    v_beyond := v_burst + interval '1 minute';

    -- The instant only moves on, so where it refuses by what has been committed, it refuses: without a lock.
    if v_tat is null or v_tat + v_step <= v_now + v_burst or v_tat > v_now + v_beyond then
        -- The clock is read while the row is held, so that it goes on from one charge to the next.
        if p_customer is not null then
            insert into public.rate_limits as l (customer_id, endpoint, tat) values (p_customer, p_endpoint, v_now + v_step)
            on conflict (customer_id, endpoint) do update
            set tat = case when l.tat > clock_timestamp() + v_beyond then clock_timestamp() else greatest(l.tat, clock_timestamp()) end + v_step
            where l.tat + v_step <= clock_timestamp() + v_burst or l.tat > clock_timestamp() + v_beyond
            returning l.tat into v_charged;
            if v_charged is null then
                select l.tat into v_tat from public.rate_limits l where l.customer_id = p_customer and l.endpoint = p_endpoint;
            end if;
        else
            insert into public.caller_rate_limits as l (caller, endpoint, tat) values (p_caller, p_endpoint, v_now + v_step)
            on conflict (caller, endpoint) do update
            set tat = case when l.tat > clock_timestamp() + v_beyond then clock_timestamp() else greatest(l.tat, clock_timestamp()) end + v_step
            where l.tat + v_step <= clock_timestamp() + v_burst or l.tat > clock_timestamp() + v_beyond
            returning l.tat into v_charged;
            if v_charged is null then
                select l.tat into v_tat from public.caller_rate_limits l where l.caller = p_caller and l.endpoint = p_endpoint;
            end if;
        end if;
        v_now := clock_timestamp();
    end if;
    if v_charged is null then
        raise exception using errcode = 'FF005', message = 'rate limited', detail = format(
            '{"quota":%s,"window":%s,"retry_after_ms":%s}', v_quota, v_window,
            greatest(1, ceil(1000 * extract(epoch from v_tat + v_step - v_burst - v_now)))::bigint);
    end if;
    v_left_us := extract(epoch from v_now + v_burst - v_charged) * 1000000;
    return format('{"quota":%s,"window":%s,"remaining":%s,"reset_ms":%s}', v_quota, v_window, least(v_left_us / v_step_us, v_quota - 1),
        -- of a whole quota, or while nothing is left, of the next request
        ceil(case when v_left_us < v_step_us then v_step_us - v_left_us else v_quota * v_step_us - v_left_us end / 1000.0));
end
$$;
revoke execute on function tenancy.charge(uuid, text, text, integer, integer) from public;
grant execute on function tenancy.charge(uuid, text, text, integer, integer) to fanfare_definer;

-- Charges one request to the customer that this transaction has entered, or to the caller where it has entered
-- none or p_own asks for it. It stands in the statement that enters, after the entering: strangers are refused before
-- they are charged.
create function tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean default false) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := nullif(current_setting('fanfare.customer_id', true), '');
    v_caller text := coalesce('key:' || nullif(current_setting('fanfare.key_id', true), ''), -- also for its tokens
        'token:' || nullif(current_setting('fanfare.token_id', true), ''), 'user:' || nullif(current_setting('fanfare.user_id', true), ''));
begin
    if v_caller is null then
        raise insufficient_privilege using message = 'permission denied: nobody has been entered';
    end if;
    return tenancy.charge(case when p_own then null else v_customer end, v_caller, p_endpoint, p_quota, p_window);
end
$$;
revoke execute on function tenancy.charge_entered(text, integer, integer, boolean) from public;
grant execute on function tenancy.charge_entered(text, integer, integer, boolean) to fanfare_login;
alter function tenancy.charge_entered(text, integer, integer, boolean) owner to fanfare_definer;

-- Charges one request to the address that it came from.
create function tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) returns text
language plpgsql security definer set search_path = '' as $$
begin
    return tenancy.charge(null, 'address:' || p_address, p_endpoint, p_quota, p_window);
end
$$;
revoke execute on function tenancy.charge_address(text, text, integer, integer) from public;
grant execute on function tenancy.charge_address(text, text, integer, integer) to fanfare_login;
alter function tenancy.charge_address(text, text, integer, integer) owner to fanfare_definer;

-- A changed rule begins anew: what was used under another one cannot be expressed in its terms.
create function tenancy.forget_rate_limit() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.rate_limits l
    where l.customer_id = coalesce(new.customer_id, old.customer_id) and l.endpoint = coalesce(new.endpoint, old.endpoint);
    return null;
end
$$;
revoke execute on function tenancy.forget_rate_limit() from public;
create trigger rate_limit_rules_forget after insert or update or delete on rate_limit_rules
    for each row execute function tenancy.forget_rate_limit();
alter function tenancy.forget_rate_limit() owner to fanfare_definer;

-- Deletes what says nothing any more, up to p_limit rows of each table, and tells how many it deleted of the
-- table of which it deleted more. It waits for nobody.
create function tenancy.sweep_rate_limits(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_customers bigint;
    v_callers bigint;
begin
    delete from public.rate_limits where ctid = any (array(
        select l.ctid from public.rate_limits l where l.tat < clock_timestamp() - interval '1 minute' limit p_limit for update skip locked));
    get diagnostics v_customers = row_count;
    delete from public.caller_rate_limits where ctid = any (array(
        select l.ctid from public.caller_rate_limits l where l.tat < clock_timestamp() - interval '1 minute' limit p_limit for update skip locked));
    get diagnostics v_callers = row_count;
    return greatest(v_customers, v_callers);
end
$$;
revoke execute on function tenancy.sweep_rate_limits(integer) from public;
grant execute on function tenancy.sweep_rate_limits(integer) to fanfare_worker;
alter function tenancy.sweep_rate_limits(integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.sweep_rate_limits(integer);
drop table rate_limit_rules;
drop function tenancy.forget_rate_limit();
drop function tenancy.charge_address(text, text, integer, integer);
drop function tenancy.charge_entered(text, integer, integer, boolean);
drop function tenancy.charge(uuid, text, text, integer, integer);
drop table caller_rate_limits;
drop table rate_limits;
