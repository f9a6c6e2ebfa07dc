-- migrate:up

-- Re-encryption: after a rotation of keys the worker opens every sealed value and seals it again with the new primary
-- key. It goes through the tables of all customers and puts the same secret in another envelope, so no version
-- counts. The audit log tells of each change as of any other, and of the use of credentials.
set local row_security = off;

-- Every column with sealed values, and the key of its rows. resource is what the log calls a row whose value is a
-- customer's credential, the use of which is recorded. A table that is added to the schema is added here, in
-- internal/vault/context.go and in jobs/reseal.go.
create function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;
grant execute on function tenancy.sealed_columns() to fanfare_worker, fanfare_definer;

-- The id of the key that a value was sealed with, as the value itself says it: the byte 1, then four bytes, the most
-- significant first. NULL for what is no sealed value.
create function tenancy.sealed_by(p_sealed bytea) returns bigint
language plpgsql immutable parallel safe as $$
begin
    if octet_length(p_sealed) <= 5 or get_byte(p_sealed, 0) <> 1 then
        return null;
    end if;
    return (get_byte(p_sealed, 1)::bigint << 24) + (get_byte(p_sealed, 2) << 16) + (get_byte(p_sealed, 3) << 8) + get_byte(p_sealed, 4);
end
$$;
grant execute on function tenancy.sealed_by(bytea) to fanfare_definer;

-- How many values of which table are under which key; NULL: under none that they name.
create function tenancy.count_sealed() returns table (table_name text, key_id bigint, sealed_rows bigint)
language plpgsql stable security definer set search_path = '' as $$
declare
    v record;
begin
    for v in select s.table_name as t, s.column_name as c from tenancy.sealed_columns() s loop
        return query execute format('select %L::text, tenancy.sealed_by(x.%I) as k, count(*) from public.%I x where x.%I is not null group by k order by k',
            v.t, v.c, v.t, v.c);
    end loop;
end
$$;
revoke execute on function tenancy.count_sealed() from public;
grant execute on function tenancy.count_sealed() to fanfare_worker;

-- Hands out values of a table that are not under a key, or are not known to be, in the order of their rows' keys and
-- from after p_after on (NULL: from the first), and records the use of credentials. What is under none of the keys
-- p_readable is listed without its value, as nobody can open it. NULL as the customer: it belongs to none. p_request as
-- in enter_worker.
create function tenancy.sealed_values(p_table text, p_key_id bigint, p_readable bigint[], p_after text[], p_limit integer, p_request text)
returns table (row_key text[], customer_id uuid, platform text, key_id bigint, sealed bytea)
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_key text;
    v_after text;
    v_use public.audit_log;
begin
    select * into strict v from tenancy.sealed_columns() s where s.table_name = p_table;
    select string_agg(format('x.%I', k.name), ', ' order by k.i), string_agg(format('$1[%s]::%s', k.i, k.type), ', ' order by k.i)
    into v_key, v_after
    from unnest(v.key_columns, v.key_types) with ordinality k (name, type, i);
    if v.resource is not null then
        perform set_config('fanfare.request', coalesce(p_request, ''), true);
        v_use := tenancy.audit_context(v.resource || '.credential_use', v.resource);
    end if;
    for row_key, customer_id, platform, key_id, sealed in execute format(
        'select array[%1$s]::text[], %2$s, %3$s, k.id, case when k.id = any ($3) then x.%4$I end
        from public.%5$I x cross join lateral (select tenancy.sealed_by(x.%4$I) as id) k
        where x.%4$I is not null and (k.id is distinct from $2 or x.key_id is distinct from $2) and ($1 is null or (%1$s) > (%6$s))
        order by %1$s limit $4',
        v_key, coalesce('x.' || quote_ident(v.customer_column), 'null::uuid'), coalesce('x.' || quote_ident(v.platform_column), 'null::text'),
        v.column_name, v.table_name, v_after)
        using p_after, p_key_id, p_readable, p_limit
    loop
        if v.resource is not null and sealed is not null then
            perform tenancy.audit_write(tenancy.audit_row(v_use, coalesce(customer_id, tenancy.installation_id()),
                row_key[array_position(v.key_columns, 'id')], jsonb_build_object('purpose', 'reseal')));
        end if;
        return next;
    end loop;
end
$$;
revoke execute on function tenancy.sealed_values(text, bigint, bigint[], text[], integer, text) from public;
grant execute on function tenancy.sealed_values(text, bigint, bigint[], text[], integer, text) to fanfare_worker;

-- Puts a value into the place of the same secret sealed with another key. Answers false, and changes nothing, where the
-- row is gone, holds something else by now, or is being changed: it waits for nobody, so that it stands in nobody's way.
create function tenancy.reseal(p_table text, p_row_key text[], p_old bytea, p_new bytea, p_request text) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_where text;
    v_place tid;
begin
    select * into strict v from tenancy.sealed_columns() s where s.table_name = p_table;
    if tenancy.sealed_by(p_new) is null then
        raise invalid_parameter_value using message = 'not a sealed value';
    end if;
    select string_agg(format('x.%I = $1[%s]::%s', k.name, k.i, k.type), ' and ' order by k.i) into v_where
    from unnest(v.key_columns, v.key_types) with ordinality k (name, type, i);
    execute format('select x.ctid from public.%I x where %s and x.%I = $2 for no key update skip locked', v.table_name, v_where, v.column_name)
        into v_place using p_row_key, p_old;
    if v_place is null then
        return false;
    end if;
    perform set_config('fanfare.request', coalesce(p_request, ''), true), set_config('fanfare.resealing', 'on', true);
    execute format('update public.%1$I x set %2$I = $2, key_id = tenancy.sealed_by($2) where %3$s', v.table_name, v.column_name, v_where)
        using p_row_key, p_new;
    perform set_config('fanfare.resealing', '', true);
    return true;
end
$$;
revoke execute on function tenancy.reseal(text, text[], bytea, bytea, text) from public;
grant execute on function tenancy.reseal(text, text[], bytea, bytea, text) to fanfare_worker;

-- What people see of a row is the same as before: its version does not count. The setting alone does not say so, as
-- any role may set it.
create or replace trigger integrations_touch before update of name, url, state, credential, authorization_id, is_default, reason on integrations
    for each row when (current_user <> 'fanfare_definer' or current_setting('fanfare.resealing', true) is distinct from 'on')
    execute function tenancy.touch();
create or replace trigger authorizations_touch before update of name, state, credential, expires_at, reconnect_by on authorizations
    for each row when (current_user <> 'fanfare_definer' or current_setting('fanfare.resealing', true) is distinct from 'on')
    execute function tenancy.touch();

-- Policies let fanfare_definer reach these rows already.
grant update (sealed, key_id) on agent_token_keys to fanfare_definer;
grant select (key_id), update (credential, key_id) on authorizations to fanfare_definer;
grant update (secret, key_id) on connect_sessions to fanfare_definer;
grant select (answer, key_id), update (answer, key_id) on idempotency_keys to fanfare_definer;
grant select (key_id), update (credential, key_id) on integrations to fanfare_definer;
grant select (sealed_token, key_id), update (sealed_token, key_id) on invitations to fanfare_definer;

alter function tenancy.count_sealed() owner to fanfare_definer;
alter function tenancy.sealed_values(text, bigint, bigint[], text[], integer, text) owner to fanfare_definer;
alter function tenancy.reseal(text, text[], bytea, bytea, text) owner to fanfare_definer;

-- migrate:down
drop function tenancy.reseal(text, text[], bytea, bytea, text);
drop function tenancy.sealed_values(text, bigint, bigint[], text[], integer, text);
drop function tenancy.count_sealed();
revoke select (sealed_token, key_id), update (sealed_token, key_id) on invitations from fanfare_definer;
revoke select (key_id), update (credential, key_id) on integrations from fanfare_definer;
revoke select (answer, key_id), update (answer, key_id) on idempotency_keys from fanfare_definer;
revoke update (secret, key_id) on connect_sessions from fanfare_definer;
revoke select (key_id), update (credential, key_id) on authorizations from fanfare_definer;
revoke update (sealed, key_id) on agent_token_keys from fanfare_definer;
create or replace trigger authorizations_touch before update of name, state, credential, expires_at, reconnect_by on authorizations
    for each row execute function tenancy.touch();
create or replace trigger integrations_touch before update of name, url, state, credential, authorization_id, is_default, reason on integrations
    for each row execute function tenancy.touch();
drop function tenancy.sealed_by(bytea);
drop function tenancy.sealed_columns();
