-- migrate:up

-- Entering a tenant: checks in the database who somebody is and what they may enter, sets the
-- transaction-local settings that policies read, and answers the role under which the transaction goes on.
-- The caller turns that answer into the role in the same statement (a SECURITY DEFINER function may not).
-- Two errors have codes of our own: FF001 the user has never been seen, FF002 no such customer for them.
set local row_security = off;

create function tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid;
    v_member text;
    v_system text;
    v_archived boolean;
    v_ids text;
    v_set text;
begin
    -- Nothing may be left of an earlier user of this connection. A leftover ends the connection's use.
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.user_id', true), '') is not null
        or nullif(current_setting('fanfare.customer_id', true), '') is not null
    then
        raise insufficient_privilege using message = 'permission denied: the connection still holds an earlier tenant';
    end if;
    if p_customer_id is not null then
        -- A member acts as a member even with a system role, so that one is looked up for others only.
        select u.id, m.role, c.archived_at is not null
        into v_user, v_member, v_archived
        from public.users u
            join public.memberships m on m.customer_id = p_customer_id and m.user_id = u.id
            join public.customers c on c.id = m.customer_id
        where u.subject = p_subject;
        if v_user is null then
            select u.id, s.role into v_user, v_system
            from public.users u left join public.system_roles s on s.user_id = u.id
            where u.subject = p_subject;
            select c.archived_at is not null into v_archived from public.customers c where c.id = p_customer_id;
        end if;
        v_ids := '{' || p_customer_id::text || '}';
    else
        select u.id, s.role,
            (select coalesce(array_agg(m.customer_id), '{}')::text from public.memberships m where m.user_id = u.id)
        into v_user, v_system, v_ids
        from public.users u
            left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    end if;
    if v_user is null then
        raise exception using errcode = 'FF001', message = 'unknown user';
    end if;
    -- v_archived is NULL where there is no such row: not there and not yours are the same.
    if p_customer_id is not null and (v_archived is null or (v_member is null and v_system is null)) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    -- Every setting is set, also those that do not apply: whatever a session has set for itself is overruled.
    v_set := set_config('fanfare.user_id', v_user::text, true);
    v_set := set_config('fanfare.customer_id', coalesce(p_customer_id::text, ''), true);
    v_set := set_config('fanfare.customer_ids', v_ids, true);
    v_set := set_config('fanfare.archived', case when v_archived then 'on' else '' end, true);
    v_set := set_config('fanfare.member_role', coalesce(v_member, ''), true);
    v_set := set_config('fanfare.system_role', coalesce(v_system, ''), true);
    v_set := set_config('fanfare.request', p_request, true);
    return case when v_system is null then 'fanfare_user' else 'fanfare_admin' end;
end
$$;
revoke execute on function tenancy.enter_user(text, uuid, text) from public;
grant execute on function tenancy.enter_user(text, uuid, text) to fanfare_login;
alter function tenancy.enter_user(text, uuid, text) owner to fanfare_definer;

-- The worker enters the customer that a job names. It stays fanfare_worker, whose policies allow nothing
-- before this.
create function tenancy.enter_worker(p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.customer_id', true), '') is not null then
        raise insufficient_privilege using message = 'permission denied: the connection still holds an earlier tenant';
    end if;
    if not exists (select from public.customers c where c.id = p_customer_id) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    perform set_config('fanfare.user_id', '', true),
        set_config('fanfare.customer_id', p_customer_id::text, true),
        set_config('fanfare.customer_ids', '{' || p_customer_id::text || '}', true),
        set_config('fanfare.archived', '', true),
        set_config('fanfare.member_role', '', true),
        set_config('fanfare.system_role', '', true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_worker';
end
$$;
revoke execute on function tenancy.enter_worker(uuid, text) from public;
grant execute on function tenancy.enter_worker(uuid, text) to fanfare_worker;
alter function tenancy.enter_worker(uuid, text) owner to fanfare_definer;

-- migrate:down
drop function tenancy.enter_worker(uuid, text);
drop function tenancy.enter_user(text, uuid, text);
