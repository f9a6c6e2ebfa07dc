-- migrate:up

-- Entering as a key or an agent token, beside people and the worker; and system roles that say why they change
-- something. More errors have codes of our own: FF003 the key or token is not valid, FF004 a reason is needed, FF006 the key lacks the permission.
set local row_security = off;

-- Whoever changes something by a system role says why: the reason stands in the request's settings, and in the
-- audit log beside the change.
create function tenancy.reason_given() returns boolean
language plpgsql stable parallel safe as $$
begin
    if coalesce(nullif(current_setting('fanfare.request', true), '')::jsonb ->> 'reason', '') !~ '[[:alnum:]]' then
        raise exception using errcode = 'FF004', message = 'a change by a system role needs a reason';
    end if;
    return true;
end
$$;
grant execute on function tenancy.reason_given() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- Whether the entered user's system role may do what at_least may do: admin > manager > viewer. More than a
-- viewer may do is a change, and needs a reason.
create or replace function tenancy.has_system_role(at_least text) returns boolean
language plpgsql stable parallel safe as $$
declare
    v_role text := tenancy.system_role();
begin
    if v_role is null then
        return false;
    end if;
    if current_setting('fanfare.archived', true) = 'on' then
        v_role := 'viewer';
    end if;
    if array_position(array['viewer', 'manager', 'admin'], v_role)
        < coalesce(array_position(array['viewer', 'manager', 'admin'], at_least), 4)
    then
        return false;
    end if;
    return at_least = 'viewer' or tenancy.reason_given();
end
$$;

-- Whether the entered user is a system admin, who is then asked for a reason, also in an archived customer.
create function tenancy.administers() returns boolean
language plpgsql stable parallel safe as $$
begin
    return case when tenancy.system_role() = 'admin' then tenancy.reason_given() else false end;
end
$$;
grant execute on function tenancy.administers() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- As before, with a reason: archiving and its end, which an archived customer does not stand in the way of.
alter policy customers_admin_update on customers
    using ((select tenancy.administers()) and id = (select tenancy.customer_id()));

-- A key or a token is told apart from a person who has left something on the connection.
create function tenancy.nothing_entered() returns void
language plpgsql as $$
begin
    -- Whatever a session has set for itself: no customer is being erased in this transaction.
    perform set_config('fanfare.erasing', '', true);
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.user_id', true), '') is not null
        or nullif(current_setting('fanfare.key_id', true), '') is not null
        or nullif(current_setting('fanfare.token_id', true), '') is not null
        or nullif(current_setting('fanfare.customer_id', true), '') is not null
    then
        raise insufficient_privilege using message = 'permission denied: the connection still holds an earlier tenant';
    end if;
end
$$;
grant execute on function tenancy.nothing_entered() to fanfare_definer;

set local role fanfare_definer;
create or replace function tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid;
    v_member text;
    v_system text;
    v_archived boolean;
    v_ids text;
    v_set text;
begin
    v_set := set_config('fanfare.erasing', '', true);
    -- Nothing may be left of an earlier user of this connection. A leftover ends the connection's use.
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.user_id', true), '') is not null
        or nullif(current_setting('fanfare.key_id', true), '') is not null
        or nullif(current_setting('fanfare.token_id', true), '') is not null
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
    v_set := set_config('fanfare.key_id', '', true);
    v_set := set_config('fanfare.token_id', '', true);
    v_set := set_config('fanfare.permissions', '', true);
    v_set := set_config('fanfare.request', p_request, true);
    -- Every use of a system role is recorded, reading included.
    if v_system is not null and not pg_catalog.pg_is_in_recovery() then
        perform tenancy.audit_event(coalesce(p_customer_id, tenancy.installation_id()), 'customer.access', 'customer', p_customer_id::text, null);
    end if;
    return case when v_system is null then 'fanfare_user' else 'fanfare_admin' end;
end
$$;

create or replace function tenancy.enter_worker(p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.nothing_entered();
    if not exists (select from public.customers c where c.id = p_customer_id) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    perform set_config('fanfare.user_id', '', true),
        set_config('fanfare.customer_id', p_customer_id::text, true),
        set_config('fanfare.customer_ids', '{' || p_customer_id::text || '}', true),
        set_config('fanfare.archived', '', true),
        set_config('fanfare.member_role', '', true),
        set_config('fanfare.system_role', '', true),
        set_config('fanfare.key_id', '', true),
        set_config('fanfare.token_id', '', true),
        set_config('fanfare.permissions', '', true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_worker';
end
$$;
reset role;

-- What keys and tokens have in common once they are known: their settings, and the role they go on under.
create function tenancy.enter_as_agent(p_key_id uuid, p_token_id uuid, p_own_customer uuid, p_customer_id uuid, p_archived boolean,
    p_permissions text[], p_needs text[], p_request text)
returns text
language plpgsql as $$
begin
    -- Another customer's and none at all are the same, also to a key.
    if p_customer_id is not null and p_customer_id <> p_own_customer then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    -- What is asked says which permissions serve for it, one of which must be there; the policies ask again, row by
    -- row. What says nothing is for people alone.
    if (p_permissions && p_needs) is not true then
        raise exception using errcode = 'FF006', message = 'the key lacks the permission', detail = coalesce(array_to_string(p_needs, ', '), '');
    end if;
    perform set_config('fanfare.user_id', '', true),
        set_config('fanfare.customer_id', coalesce(p_customer_id::text, ''), true),
        set_config('fanfare.customer_ids', '{' || p_own_customer::text || '}', true),
        set_config('fanfare.archived', case when p_archived then 'on' else '' end, true),
        set_config('fanfare.member_role', '', true),
        set_config('fanfare.system_role', '', true),
        set_config('fanfare.key_id', coalesce(p_key_id::text, ''), true),
        set_config('fanfare.token_id', coalesce(p_token_id::text, ''), true),
        set_config('fanfare.permissions', p_permissions::text, true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_agent';
end
$$;
grant execute on function tenancy.enter_as_agent(uuid, uuid, uuid, uuid, boolean, text[], text[], text) to fanfare_definer;

-- What a person may hand on in a customer at this moment, by their membership.
create function tenancy.permissions_of_user(p_customer_id uuid, p_user_id uuid) returns text[]
language plpgsql stable security definer set search_path = '' as $$
declare
    v_role text;
begin
    select m.role into v_role from public.memberships m where m.customer_id = p_customer_id and m.user_id = p_user_id;
    return tenancy.permissions_of(v_role);
end
$$;
revoke execute on function tenancy.permissions_of_user(uuid, uuid) from public;
alter function tenancy.permissions_of_user(uuid, uuid) owner to fanfare_definer;

-- Enters as the API key with this hash. Its last use is kept to within five minutes, and without waiting for
-- anybody, so that hardly any request writes it.
create function tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_key record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select k.id, k.customer_id, k.permissions, k.created_by, k.last_used_at, c.archived_at into v_key
    from public.api_keys k join public.customers c on c.id = k.customer_id
    where k.key_hash = p_key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
    if found then
        v_permissions := array(select p from unnest(v_key.permissions) p
            where p = any (tenancy.permissions_of_user(v_key.customer_id, v_key.created_by)));
    end if;
    if v_key.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the key is not valid';
    end if;
    if (v_key.last_used_at is null or v_key.last_used_at < now() - interval '5 minutes') and not pg_catalog.pg_is_in_recovery() then
        update public.api_keys k set last_used_at = now()
        where (k.customer_id, k.id) in (
            select x.customer_id, x.id from public.api_keys x
            where x.customer_id = v_key.customer_id and x.id = v_key.id for no key update skip locked);
    end if;
    return tenancy.enter_as_agent(v_key.id, null, v_key.customer_id, p_customer_id, v_key.archived_at is not null, v_permissions, p_needs, p_request);
end
$$;
revoke execute on function tenancy.enter_key(bytea, uuid, text[], text) from public;
grant execute on function tenancy.enter_key(bytea, uuid, text[], text) to fanfare_login;
alter function tenancy.enter_key(bytea, uuid, text[], text) owner to fanfare_definer;

-- Enters as the agent token with this id of this customer, as it says itself; the API has verified its signature.
create function tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_token record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select t.id, t.api_key_id, t.customer_id, t.permissions, c.archived_at, coalesce(t.created_by, k.created_by) as person,
        case when t.api_key_id is null then t.permissions else k.permissions end as key_permissions
    into v_token
    from public.agent_tokens t
        join public.customers c on c.id = t.customer_id
        left join public.api_keys k on k.customer_id = t.customer_id and k.id = t.api_key_id
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    where t.customer_id = p_token_customer_id and t.id = p_token_id and t.revoked_at is null and t.expires_at > now() and (t.api_key_id is null or k.id is not null);
    if found then
        v_permissions := array(select p from unnest(v_token.permissions) p
            where p = any (v_token.key_permissions)
                and p = any (tenancy.permissions_of_user(v_token.customer_id, v_token.person)));
    end if;
    if v_token.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the token is not valid';
    end if;
    return tenancy.enter_as_agent(v_token.api_key_id, v_token.id, v_token.customer_id, p_customer_id, v_token.archived_at is not null,
        v_permissions, p_needs, p_request);
end
$$;
revoke execute on function tenancy.enter_token(uuid, uuid, uuid, text[], text) from public;
grant execute on function tenancy.enter_token(uuid, uuid, uuid, text[], text) to fanfare_login;
alter function tenancy.enter_token(uuid, uuid, uuid, text[], text) owner to fanfare_definer;

-- migrate:down
drop function tenancy.enter_token(uuid, uuid, uuid, text[], text);
drop function tenancy.enter_key(bytea, uuid, text[], text);
drop function tenancy.permissions_of_user(uuid, uuid);
drop function tenancy.enter_as_agent(uuid, uuid, uuid, uuid, boolean, text[], text[], text);
set local role fanfare_definer;
create or replace function tenancy.enter_worker(p_customer_id uuid, p_request text) returns text
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
create or replace function tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) returns text
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
reset role;
drop function tenancy.nothing_entered();
alter policy customers_admin_update on customers
    using ((select tenancy.system_role()) = 'admin' and id = (select tenancy.customer_id()));
create or replace function tenancy.has_system_role(at_least text) returns boolean
language sql stable parallel safe
return coalesce(
    array_position(array['viewer', 'manager', 'admin'],
        case when tenancy.system_role() is not null and current_setting('fanfare.archived', true) = 'on'
            then 'viewer' else tenancy.system_role() end)
    >= array_position(array['viewer', 'manager', 'admin'], at_least),
    false);
drop function tenancy.administers();
drop function tenancy.reason_given();
