-- migrate:up

-- The audit log: who changed what, from where, written by triggers in the transaction of the change. Nobody may
-- change or remove a row. A chain of seals per customer makes it show when somebody who is above all rights does:
-- see tenancy.seal_audit, and `fanfare audit verify`, which recomputes everything without these functions.
set local row_security = off;

-- The chain of what belongs to no customer: people, system roles, refused attempts of strangers. No customer has
-- this id.
create function tenancy.installation_id() returns uuid
language sql immutable parallel safe
return 'fa0fa0e0-0000-7000-8000-000000000000'::uuid;
grant execute on function tenancy.installation_id() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;
alter table customers add constraint customers_id_of_a_customer check (id <> 'fa0fa0e0-0000-7000-8000-000000000000');

-- No foreign key leads to customers: the row that tells of a customer's end is written after it.
create table audit_log (
    customer_id uuid not null,
    -- a UUIDv7 of occurred_at, so that the order of ids is the order of time
    id uuid not null,
    occurred_at timestamptz not null default clock_timestamp(),
    -- database: SQL by hand, see database_role; nobody: before anybody was known
    actor_kind text not null,
    -- of the user, key or agent token
    actor_id uuid,
    -- with which a user acted who is no member, and the reason they gave
    system_role text,
    reason text,
    -- what was done to what, as post.update
    action text not null,
    resource_type text not null,
    resource_id text,
    -- of a change {"column": {"from": …, "to": …}}, of a secret {"column": {"changed": true}}; else details
    changes jsonb not null default '{}',
    request_id text,
    ip text,
    user_agent text,
    -- the API's operation, or the queue's job
    operation text,
    job_id bigint,
    database_role text,
    constraint audit_log_pkey primary key (customer_id, id, occurred_at),
    constraint audit_log_actor_kind_known check (actor_kind in ('user', 'key', 'agent', 'worker', 'database', 'nobody'))
) partition by range (occurred_at);

create index audit_log_by_actor on audit_log (customer_id, actor_id, id);
create index audit_log_by_action on audit_log (customer_id, action, id);
create index audit_log_by_resource on audit_log (customer_id, resource_id, id);

-- Rows that no seal holds yet, with their digests as they were written.
create table audit_unsealed (
    customer_id uuid not null,
    id uuid not null,
    digest bytea not null,
    constraint audit_unsealed_pkey primary key (customer_id, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

-- The chain. hash = sha256(previous_hash, number, sealed_at in microseconds since 1970, then id and digest of each
-- row), numbers as 8 bytes, most significant first. The first previous_hash is sha256(customer_id).
create table audit_seals (
    customer_id uuid not null,
    number bigint not null,
    sealed_at timestamptz not null,
    ids uuid[] not null,
    -- 32 bytes for each id
    digests bytea not null,
    previous_hash bytea not null,
    hash bytea not null,
    constraint audit_seals_pkey primary key (customer_id, number)
);

alter table audit_log enable row level security;
alter table audit_log force row level security;
alter table audit_unsealed enable row level security;
alter table audit_unsealed force row level security;
alter table audit_seals enable row level security;
alter table audit_seals force row level security;

-- Whose log may be read: the entered customer's, or the installation's by a system role that has entered none.
create function tenancy.audit_customer_id() returns uuid
language plpgsql stable parallel safe as $$
declare
    v_id text := nullif(current_setting('fanfare.customer_id', true), '');
begin
    if v_id is not null then
        return v_id::uuid;
    elsif tenancy.system_role() is not null then
        return tenancy.installation_id();
    end if;
    raise insufficient_privilege using message = 'permission denied: no customer has been entered';
end
$$;

-- Whether the log may be read at all. It never says no but refuses: an empty list would look as if nothing had
-- happened. The log of an archived customer stays open to its admins, whom has_role() makes viewers.
create function tenancy.reads_audit() returns boolean
language plpgsql stable parallel safe as $$
declare
    v_allowed boolean := false;
begin
    if current_user = 'fanfare_user' then
        v_allowed := tenancy.member_role() in ('owner', 'admin');
    elsif current_user = 'fanfare_admin' then
        v_allowed := tenancy.system_role() is not null;
    elsif current_user = 'fanfare_agent' then
        v_allowed := tenancy.has_permission('audit:read');
    elsif current_user = 'fanfare_worker' then
        v_allowed := true;
    end if;
    if v_allowed is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow reading the audit log';
    end if;
    return true;
end
$$;
grant execute on function tenancy.audit_customer_id(), tenancy.reads_audit()
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;

create policy audit_log_tenant on audit_log as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.audit_customer_id())) with check (customer_id = (select tenancy.audit_customer_id()));
create policy audit_log_select on audit_log for select to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using ((select tenancy.reads_audit()));
-- Jobs are numbered over all customers, so their numbers are not shown to people.
grant select (customer_id, id, occurred_at, actor_kind, actor_id, system_role, reason, action, resource_type, resource_id,
        changes, request_id, ip, user_agent, operation, database_role)
    on audit_log to fanfare_user, fanfare_agent, fanfare_admin;
grant select on audit_log to fanfare_worker;

create policy audit_unsealed_tenant on audit_unsealed as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy audit_seals_tenant on audit_seals as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));

-- The functions below write, and seal. No role may update or delete a row of the log, or a seal.
create policy audit_log_definer_insert on audit_log for insert to fanfare_definer with check (true);
create policy audit_log_definer_select on audit_log for select to fanfare_definer using (true);
create policy audit_unsealed_definer on audit_unsealed to fanfare_definer using (true) with check (true);
create policy audit_seals_definer_insert on audit_seals for insert to fanfare_definer with check (true);
create policy audit_seals_definer_select on audit_seals for select to fanfare_definer using (true);
grant select, insert on audit_log, audit_seals to fanfare_definer;
grant select, insert, delete on audit_unsealed to fanfare_definer;

-- A UUIDv7 of a moment: 48 bits of milliseconds, 12 of their fraction (RFC 9562, section 6.2, method 3), then chance.
create function tenancy.audit_id(p_at timestamptz) returns uuid
language plpgsql volatile parallel safe as $$
declare
    v_microseconds bigint := extract(epoch from p_at) * 1000000;
begin
    return (lpad(to_hex(v_microseconds / 1000), 12, '0') || '7' || lpad(to_hex(v_microseconds % 1000 * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid;
end
$$;

-- What a row is known by in its seal: every column, in a form that no setting of the session changes.
create function tenancy.audit_digest(r public.audit_log) returns bytea
language sql stable parallel safe
return sha256(convert_to(jsonb_build_array((r).customer_id, (r).id, to_char((r).occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
    (r).actor_kind, (r).actor_id, (r).system_role, (r).reason, (r).action, (r).resource_type, (r).resource_id, (r).changes,
    (r).request_id, (r).ip, (r).user_agent, (r).operation, (r).job_id, (r).database_role)::text, 'UTF8'));

-- Who acts and from where, by the settings of the transaction.
create function tenancy.audit_context(p_action text, p_resource_type text) returns public.audit_log
language plpgsql stable as $$
declare
    r public.audit_log;
    v_request jsonb;
    v_key uuid;
    v_token uuid;
begin
    r.action := p_action;
    r.resource_type := p_resource_type;
    if session_user = 'fanfare_worker' then
        r.actor_kind := 'worker';
    elsif session_user = 'fanfare_login' then
        v_key := nullif(current_setting('fanfare.key_id', true), '')::uuid;
        v_token := nullif(current_setting('fanfare.token_id', true), '')::uuid;
        r.actor_id := coalesce(v_token, v_key, tenancy.user_id());
        r.actor_kind := case when v_token is not null then 'agent' when v_key is not null then 'key'
            when r.actor_id is not null then 'user' else 'nobody' end;
        r.system_role := tenancy.system_role();
    else
        r.actor_kind := 'database';
        r.database_role := session_user;
        return r;
    end if;
    v_request := nullif(current_setting('fanfare.request', true), '')::jsonb;
    if v_request is not null then
        r.request_id := v_request ->> 'id';
        r.ip := v_request ->> 'ip';
        r.user_agent := v_request ->> 'user_agent';
        r.operation := v_request ->> 'operation';
        if r.system_role is not null then -- what a member says beside their own rights would only mislead
            r.reason := v_request ->> 'reason';
        end if;
        r.job_id := v_request ->> 'job';
    end if;
    return r;
end
$$;

-- One row, of the context that its statement has in common.
create function tenancy.audit_row(r public.audit_log, p_customer_id uuid, p_resource_id text, p_changes jsonb) returns public.audit_log
language plpgsql volatile as $$
begin
    r.customer_id := p_customer_id;
    r.occurred_at := clock_timestamp();
    r.id := tenancy.audit_id(r.occurred_at);
    r.resource_id := p_resource_id;
    r.changes := coalesce(p_changes, '{}');
    -- Who is registered on first sight of a token acts for the first time.
    if r.actor_kind = 'nobody' and r.action = 'user.create' then
        r.actor_kind := 'user';
        r.actor_id := p_resource_id::uuid;
    end if;
    return r;
end
$$;

-- Writes one row, for the functions that record something else than a change.
create function tenancy.audit_write(r public.audit_log) returns void
language plpgsql as $$
begin
    insert into public.audit_log select (r).*;
    insert into public.audit_unsealed (customer_id, id, digest) values (r.customer_id, r.id, tenancy.audit_digest(r));
end
$$;

-- A long value is kept by its beginning and its digest.
create function tenancy.audit_cut(p_value jsonb) returns jsonb
language plpgsql immutable parallel safe as $$
declare
    v_text text := p_value #>> '{}';
begin
    if char_length(v_text) <= 4000 then
        return p_value;
    end if;
    return jsonb_build_object('cut', true, 'start', left(v_text, 4000), 'characters', char_length(v_text),
        'sha256', encode(sha256(convert_to(v_text, 'UTF8')), 'hex'));
end
$$;

create function tenancy.audit_value(p_value jsonb) returns jsonb
language sql stable parallel safe
return case when pg_column_size(p_value) <= 4000 then p_value else tenancy.audit_cut(p_value) end;

grant execute on function tenancy.audit_id(timestamptz), tenancy.audit_digest(public.audit_log), tenancy.audit_context(text, text),
    tenancy.audit_row(public.audit_log, uuid, text, jsonb), tenancy.audit_write(public.audit_log), tenancy.audit_cut(jsonb),
    tenancy.audit_value(jsonb)
    to fanfare_definer;

-- The customer that is erased in this transaction, NULL where none is. Until there are erasures, none is.
create function tenancy.erasing_id() returns uuid
language plpgsql stable parallel safe as $$
begin
    return null;
end
$$;
grant execute on function tenancy.erasing_id() to fanfare_definer;

-- What the triggers of every audited table run, once per statement. Arguments: the resource's name, the column of its
-- id, the column of its customer ('' for the installation), the secret columns, the ignored ones.
create function tenancy.audit_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_resource text := tg_argv[0];
    v_id text := tg_argv[1];
    v_customer text := tg_argv[2];
    v_secret text[] := tg_argv[3];
    v_ignored text[] := tg_argv[4];
begin
    if tg_op = 'DELETE' and tenancy.erasing_id() is not null then
        return null; -- the log goes with the customer, and keeps nothing of what is erased
    end if;
    if tg_op = 'UPDATE' then
        -- The two tables hold the rows in the same order. A full join is never a nested loop, which would be the plan
        -- for one row and the end of a statement that changes many.
        with entry as materialized (
            select tenancy.audit_row((select tenancy.audit_context(v_resource || '.update', v_resource)),
                case v_customer when '' then tenancy.installation_id() else (n.j ->> v_customer)::uuid end, n.j ->> v_id, d.changes) as r
            from (select row_number() over () as i, to_jsonb(t) as j from old_rows t) o
                full join (select row_number() over () as i, to_jsonb(t) as j from new_rows t) n on n.i = o.i
                cross join lateral (
                    select jsonb_object_agg(e.key, case when e.key = any (v_secret) then '{"changed": true}'
                        else jsonb_build_object('from', tenancy.audit_value(o.j -> e.key), 'to', tenancy.audit_value(e.value)) end) as changes
                    from jsonb_each(n.j) e
                    where e.value is distinct from o.j -> e.key and e.key <> all (v_ignored)) d
            where d.changes is not null
        ), logged as (
            insert into public.audit_log select (r).* from entry
        )
        insert into public.audit_unsealed (customer_id, id, digest) select (r).customer_id, (r).id, tenancy.audit_digest(r) from entry;
    elsif tg_op = 'INSERT' then
        v_ignored := v_ignored || v_id || v_customer;
        with entry as materialized (
            select tenancy.audit_row((select tenancy.audit_context(v_resource || '.create', v_resource)),
                case v_customer when '' then tenancy.installation_id() else (n.j ->> v_customer)::uuid end, n.j ->> v_id, d.changes) as r
            from (select to_jsonb(t) as j from new_rows t) n
                cross join lateral (
                    select jsonb_object_agg(e.key, case when e.key = any (v_secret) then '{"changed": true}'
                        else jsonb_build_object('to', tenancy.audit_value(e.value)) end) as changes
                    from jsonb_each(n.j) e
                    where e.value <> 'null' and e.key <> all (v_ignored)) d
        ), logged as (
            insert into public.audit_log select (r).* from entry
        )
        insert into public.audit_unsealed (customer_id, id, digest) select (r).customer_id, (r).id, tenancy.audit_digest(r) from entry;
    else
        v_ignored := v_ignored || v_id || v_customer;
        with entry as materialized (
            select tenancy.audit_row((select tenancy.audit_context(v_resource || '.delete', v_resource)),
                case v_customer when '' then tenancy.installation_id() else (o.j ->> v_customer)::uuid end, o.j ->> v_id, d.changes) as r
            from (select to_jsonb(t) as j from old_rows t) o
                cross join lateral (
                    select jsonb_object_agg(e.key, case when e.key = any (v_secret) then '{"changed": true}'
                        else jsonb_build_object('from', tenancy.audit_value(e.value)) end) as changes
                    from jsonb_each(o.j) e
                    where e.value <> 'null' and e.key <> all (v_ignored)) d
        ), logged as (
            insert into public.audit_log select (r).* from entry
        )
        insert into public.audit_unsealed (customer_id, id, digest) select (r).customer_id, (r).id, tenancy.audit_digest(r) from entry;
    end if;
    return null;
end
$$;
revoke execute on function tenancy.audit_change() from public;

-- Makes a table audited: for migrations. A secret column is recorded as changed, without a value; an ignored one is
-- not recorded, nor are version, created_at and updated_at, and a change of these alone writes no row.
create function tenancy.audit_table(p_table regclass, p_resource text, p_id_column text, p_secret text[], p_ignored text[])
returns void
language plpgsql as $$
declare
    v_columns text[] := array(select a.attname::text from pg_catalog.pg_attribute a
        where a.attrelid = p_table and a.attnum > 0 and not a.attisdropped);
    v_customer text := case when 'customer_id' = any (v_columns) then 'customer_id' when p_table = 'public.customers'::regclass then 'id' else '' end;
    v_ignored text[] := array['version', 'created_at', 'updated_at'] || p_ignored;
begin
    if not v_columns @> (p_id_column || coalesce(p_secret, '{}') || coalesce(p_ignored, '{}')) then
        raise undefined_column using message = format('%s has only the columns %s', p_table, v_columns);
    end if;
    execute format('create trigger audit_insert after insert on %s referencing new table as new_rows
        for each statement execute function tenancy.audit_change(%L, %L, %L, %L, %L)',
        p_table, p_resource, p_id_column, v_customer, coalesce(p_secret, '{}'), v_ignored);
    execute format('create trigger audit_update after update on %s referencing old table as old_rows new table as new_rows
        for each statement execute function tenancy.audit_change(%L, %L, %L, %L, %L)',
        p_table, p_resource, p_id_column, v_customer, coalesce(p_secret, '{}'), v_ignored);
    execute format('create trigger audit_delete after delete on %s referencing old table as old_rows
        for each statement execute function tenancy.audit_change(%L, %L, %L, %L, %L)',
        p_table, p_resource, p_id_column, v_customer, coalesce(p_secret, '{}'), v_ignored);
end
$$;

select tenancy.audit_table('customers', 'customer', 'id', '{}', '{}'),
    tenancy.audit_table('memberships', 'member', 'user_id', '{}', '{}'),
    tenancy.audit_table('system_roles', 'system_role', 'user_id', '{}', '{}'),
    -- People ask to be forgotten, and the log cannot forget: it names them by their ids alone.
    tenancy.audit_table('users', 'user', 'id', '{subject,email,name}', '{}'),
    tenancy.audit_table('integrations', 'integration', 'id', '{credential}', '{key_id}'),
    tenancy.audit_table('campaigns', 'campaign', 'id', '{}', '{}'),
    tenancy.audit_table('posts', 'post', 'id', '{}', '{}'),
    tenancy.audit_table('platform_posts', 'platform_post', 'id', '{}', '{checkpoint}'),
    tenancy.audit_table('media', 'media', 'id', '{}', '{}'),
    tenancy.audit_table('post_media', 'post_media', 'post_id', '{}', '{}');

alter function tenancy.audit_change() owner to fanfare_definer;

-- Records what is no change of a row, from inside a SECURITY DEFINER function.
create function tenancy.audit_event(p_customer_id uuid, p_action text, p_resource_type text, p_resource_id text, p_details jsonb)
returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context(p_action, p_resource_type), p_customer_id, p_resource_id, p_details));
end
$$;
revoke execute on function tenancy.audit_event(uuid, text, text, text, jsonb) from public;
alter function tenancy.audit_event(uuid, text, text, text, jsonb) owner to fanfare_definer;

-- The owner makes triggers of the one in migrations to come, and records with the other which months it drops. These
-- are the new owner's to grant: a grant to the old one goes over to it too.
set local role fanfare_definer;
grant execute on function tenancy.audit_change(), tenancy.audit_event(uuid, text, text, text, jsonb) to fanfare_owner;
set local role fanfare_owner;

-- Records that somebody was refused, outside of any tenant. A person's refusal stands in the log of the customer that
-- they asked for if it is theirs, else in the installation's, which then holds nothing that tells which customer it
-- was or whether there is one. A key's or token's stands in its own customer's log; of one that is not known nothing
-- is recorded. p_kind: user, key, agent or nobody; p_request as in enter_user.
create function tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid,
    p_customer_id uuid, p_status integer, p_request text)
returns void
language plpgsql security definer set search_path = '' as $$
declare
    r public.audit_log := tenancy.audit_context('request.refuse', 'request');
    v_request jsonb := nullif(p_request, '')::jsonb;
    v_customer uuid;
begin
    if p_kind not in ('user', 'key', 'agent', 'nobody') then
        raise invalid_parameter_value using message = 'unknown kind of caller';
    end if;
    r.actor_kind := p_kind;
    if p_kind = 'user' then
        select u.id, s.role,
            case when exists (select from public.memberships m where m.customer_id = p_customer_id and m.user_id = u.id)
                or (s.role is not null and exists (select from public.customers c where c.id = p_customer_id)) then p_customer_id end
        into r.actor_id, r.system_role, v_customer
        from public.users u left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    elsif p_kind = 'key' then
        select k.id, k.customer_id into r.actor_id, v_customer from public.api_keys k where k.key_hash = p_key_hash;
    elsif p_kind = 'agent' then
        select t.id, t.customer_id into r.actor_id, v_customer from public.agent_tokens t
        where t.customer_id = p_token_customer_id and t.id = p_token_id;
    end if;
    if p_kind in ('key', 'agent') and v_customer is null then
        return;
    end if;
    r.request_id := v_request ->> 'id';
    r.ip := v_request ->> 'ip';
    r.user_agent := v_request ->> 'user_agent';
    r.operation := v_request ->> 'operation';
    if v_customer is not null and r.system_role is not null then
        r.reason := v_request ->> 'reason';
    end if;
    perform tenancy.audit_write(tenancy.audit_row(r, coalesce(v_customer, tenancy.installation_id()), null, jsonb_build_object('status', p_status)));
end
$$;
revoke execute on function tenancy.record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text) from public;
grant execute on function tenancy.record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text) to fanfare_login;
alter function tenancy.record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text) owner to fanfare_definer;

-- Hands out the sealed credential of an active account of the entered customer, and records its use. NULL where
-- there is none. This is the only way to read one.
create policy integrations_definer on integrations for select to fanfare_definer using (true);
grant select (customer_id, id, state, credential) on integrations to fanfare_definer;
create function tenancy.use_credential(p_integration_id uuid, p_purpose text) returns bytea
language plpgsql security definer set search_path = '' as $$
declare
    v_credential bytea;
begin
    select i.credential into v_credential
    from public.integrations i
    where i.customer_id = tenancy.customer_id() and i.id = p_integration_id and i.state = 'active';
    if v_credential is not null then
        perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('integration.credential_use', 'integration'),
            tenancy.customer_id(), p_integration_id::text, jsonb_build_object('purpose', p_purpose)));
    end if;
    return v_credential;
end
$$;
revoke execute on function tenancy.use_credential(uuid, text) from public;
grant execute on function tenancy.use_credential(uuid, text) to fanfare_worker;
alter function tenancy.use_credential(uuid, text) owner to fanfare_definer;
revoke select on integrations from fanfare_worker;
grant select (customer_id, id, platform, external_id, name, url, state, key_id, created_by, version, created_at, updated_at)
    on integrations to fanfare_worker;

-- Puts rows that wait under seals, oldest first, at most p_limit of them, and tells how many. One caller at a time;
-- another gets 0 and need not come back.
create function tenancy.seal_audit(p_limit integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_number bigint;
    v_previous bytea;
    v_now timestamptz := clock_timestamp();
    v_count integer := 0;
begin
    if not pg_try_advisory_xact_lock(7262835003) then
        return 0;
    end if;
    for v in
        with taken as (
            delete from public.audit_unsealed u
            where (u.customer_id, u.id) in (
                select w.customer_id, w.id from public.audit_unsealed w order by w.customer_id, w.id limit p_limit)
            returning u.customer_id, u.id, u.digest
        ), numbered as (
            select t.*, (row_number() over (partition by t.customer_id order by t.id) - 1) / 500 as seal from taken t
        )
        select n.customer_id, count(*) as rows, array_agg(n.id order by n.id) as ids,
            string_agg(n.digest, '' order by n.id) as digests, string_agg(uuid_send(n.id) || n.digest, '' order by n.id) as content
        from numbered n
        group by n.customer_id, n.seal
        order by n.customer_id, n.seal
    loop
        select s.number, s.hash into v_number, v_previous
        from public.audit_seals s where s.customer_id = v.customer_id order by s.number desc limit 1;
        if not found then
            v_number := 0;
            v_previous := sha256(uuid_send(v.customer_id));
        end if;
        v_number := v_number + 1;
        insert into public.audit_seals (customer_id, number, sealed_at, ids, digests, previous_hash, hash)
        values (v.customer_id, v_number, v_now, v.ids, v.digests, v_previous, sha256(v_previous || int8send(v_number)
            || int8send((extract(epoch from v_now) * 1000000)::bigint) || v.content));
        v_count := v_count + v.rows;
    end loop;
    return v_count;
end
$$;
revoke execute on function tenancy.seal_audit(integer) from public;
grant execute on function tenancy.seal_audit(integer) to fanfare_worker;
alter function tenancy.seal_audit(integer) owner to fanfare_definer;

-- Makes the months of the log from the last one to twelve ahead, and drops those that ended more than p_keep_months
-- months before this one began (NULL: none). It makes and drops tables, so it is the owner's; without a month to
-- write to, every audited change is refused.
create function tenancy.maintain_audit(p_keep_months integer) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_this timestamp := date_trunc('month', now() at time zone 'UTC');
    v_month timestamp;
    v_name text;
begin
    if p_keep_months < 1 then
        raise invalid_parameter_value using message = 'the log is kept for one month at least';
    end if;
    if not pg_try_advisory_xact_lock(7262835004) then
        return;
    end if;
    -- Nobody waits behind this for long: the next call does what this one could not.
    perform set_config('lock_timeout', '2s', true);
    for v_month in select generate_series(v_this - interval '1 month', v_this + interval '12 months', interval '1 month')
    loop
        v_name := 'audit_log_' || to_char(v_month, 'YYYY_MM');
        if to_regclass('public.' || v_name) is null then
            -- Made first and attached then, which does not wait for those who write to the log.
            execute format('create table public.%I (like public.audit_log including defaults including constraints)', v_name);
            execute format('alter table public.%I enable row level security', v_name);
            execute format('alter table public.%I force row level security', v_name);
            execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)', v_name,
                to_char(v_month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(v_month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        end if;
    end loop;
    for v_name in
        select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.audit_log'::regclass
            and c.relname < 'audit_log_' || to_char(v_this - make_interval(months => p_keep_months), 'YYYY_MM')
        order by 1
    loop
        execute format('drop table public.%I', v_name);
        perform tenancy.audit_event(tenancy.installation_id(), 'audit.drop_month', 'audit_log', v_name,
            jsonb_build_object('keep_months', p_keep_months));
    end loop;
end
$$;
revoke execute on function tenancy.maintain_audit(integer) from public;
grant execute on function tenancy.maintain_audit(integer) to fanfare_worker;

select tenancy.maintain_audit(null);

-- migrate:down
drop function tenancy.maintain_audit(integer);
drop function tenancy.seal_audit(integer);
revoke select (customer_id, id, platform, external_id, name, url, state, key_id, created_by, version, created_at, updated_at)
    on integrations from fanfare_worker;
grant select on integrations to fanfare_worker;
drop function tenancy.use_credential(uuid, text);
revoke select (customer_id, id, state, credential) on integrations from fanfare_definer;
drop policy integrations_definer on integrations;
drop function tenancy.record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text);
drop function tenancy.audit_event(uuid, text, text, text, jsonb);
drop function tenancy.audit_table(regclass, text, text, text[], text[]);
drop function tenancy.audit_change() cascade;
drop function tenancy.erasing_id();
drop function tenancy.audit_value(jsonb);
drop function tenancy.audit_cut(jsonb);
drop function tenancy.audit_write(audit_log);
drop function tenancy.audit_row(audit_log, uuid, text, jsonb);
drop function tenancy.audit_context(text, text);
drop function tenancy.audit_digest(audit_log);
drop function tenancy.audit_id(timestamptz);
drop table audit_seals;
drop table audit_unsealed;
drop table audit_log;
drop function tenancy.reads_audit();
drop function tenancy.audit_customer_id();
alter table customers drop constraint customers_id_of_a_customer;
drop function tenancy.installation_id();
