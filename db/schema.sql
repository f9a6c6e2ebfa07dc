-- The schema that the migrations make, for reading. Made by go run ./db/schemadump; do not edit.
-- Everything belongs to fanfare_owner but the SECURITY DEFINER functions, which are fanfare_definer's. The roles
-- and the grants on the database are in roles.sql.

-- Name: public; Type: SCHEMA; Schema: -

-- *not* creating schema, since initdb creates it

-- Name: river; Type: SCHEMA; Schema: -

CREATE SCHEMA river;

-- Name: river_seen; Type: SCHEMA; Schema: -

CREATE SCHEMA river_seen;

-- Name: tenancy; Type: SCHEMA; Schema: -

CREATE SCHEMA tenancy;

-- Name: river_job_state; Type: TYPE; Schema: river

CREATE TYPE river.river_job_state AS ENUM (
    'available',
    'cancelled',
    'completed',
    'discarded',
    'pending',
    'retryable',
    'running',
    'scheduled'
);

-- Name: river_job_state_in_bitmask(bit, river.river_job_state); Type: FUNCTION; Schema: river

CREATE FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

-- Name: accept_invitation(bytea); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.accept_invitation(p_token_hash bytea) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_user uuid := tenancy.user_id();
    v_email text;
    v_customer uuid;
    v_id uuid;
    v_role text;
begin
    if v_user is null or nullif(current_setting('fanfare.customer_id', true), '') is not null then
        raise insufficient_privilege using message = 'permission denied: an invitation is accepted by a user who has entered no customer';
    end if;
    select u.email into v_email from public.users u where u.id = v_user and u.email_verified;
    select i.customer_id, i.id into v_customer, v_id
    from public.invitations i
    where i.token_hash = p_token_hash and lower(i.email collate "C") = lower(v_email collate "C");
    -- Archiving, and every change of who is a member, waits for this lock or is seen after it.
    perform from public.customers c where c.id = v_customer and c.archived_at is null for no key update;
    if found then
        update public.invitations i
        set accepted_at = now(), accepted_by = v_user
        where i.customer_id = v_customer and i.id = v_id
            and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
            and (not i.invited_as_system and exists (
                    select from public.memberships m
                    where m.customer_id = i.customer_id and m.user_id = i.invited_by
                        and (m.role = 'owner' or (m.role = 'admin' and i.role <> 'owner')))
                or i.invited_as_system and exists (select from public.system_roles s where s.user_id = i.invited_by and s.role = 'admin'))
        returning i.role into v_role;
    end if;
    if v_role is null then
        raise exception using errcode = 'FF007', message = 'no such invitation';
    end if;
    insert into public.memberships (customer_id, user_id, role) values (v_customer, v_user, v_role);
    perform set_config('fanfare.customer_id', v_customer::text, true),
        set_config('fanfare.customer_ids', array[v_customer]::text, true),
        set_config('fanfare.member_role', v_role, true);
    return v_customer;
end
$$;

-- Name: key_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.key_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.key_id'::text, true), ''::text))::uuid;

-- Name: space_person_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.space_person_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.space_person_id'::text, true), ''::text))::uuid;

-- Name: token_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.token_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.token_id'::text, true), ''::text))::uuid;

-- Name: user_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.user_id'::text, true), ''::text))::uuid;

-- Name: actor_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.actor_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(tenancy.token_id(), tenancy.key_id(), tenancy.user_id(), tenancy.space_person_id());

-- Name: acts_for(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.acts_for() RETURNS uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return coalesce(
        (select t.created_by from public.agent_tokens t where t.customer_id = tenancy.customer_id() and t.id = tenancy.token_id()),
        (select k.created_by from public.api_keys k where k.customer_id = tenancy.customer_id() and k.id = tenancy.key_id()),
        (select coalesce(b.given_by, case when tenancy.user_id() is null then s.paired_by end)
        from public.spaces s left join public.bots b on b.platform = s.platform and b.bot = s.bot
        where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and tenancy.space_person_id() is not null));
end
$$;

-- Name: add_agent_token_key(uuid, bytea, bigint, uuid[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.add_agent_token_key(p_id uuid, p_sealed bytea, p_key_id bigint, p_unusable uuid[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835002);
    if exists (select from public.agent_token_keys k where k.created_at > now() - interval '90 days' and k.id <> all (p_unusable)) then
        return;
    end if;
    delete from public.agent_token_keys k where k.created_at < now() - interval '91 days'
        and k.created_at < (select max(n.created_at) from public.agent_token_keys n) - interval '1 day';
    insert into public.agent_token_keys (id, sealed, key_id) values (p_id, p_sealed, p_key_id);
end
$$;

-- Name: add_up_usage(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.add_up_usage(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    with taken as (
        delete from public.usage_entries where ctid = any (array(
            select e.ctid from public.usage_entries e limit p_limit for update skip locked))
        returning customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd),
    added as (
        insert into public.usage_days as d (customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd)
        select t.customer_id, t.day, t.kind, t.platform, sum(t.count), sum(t.input_tokens), sum(t.output_tokens), sum(t.cost_microusd)
        from taken t join public.customers c on c.id = t.customer_id
        group by t.customer_id, t.day, t.kind, t.platform
        order by t.customer_id, t.day, t.kind, t.platform
        on conflict (customer_id, day, kind, platform) do update
        set count = d.count + excluded.count, input_tokens = d.input_tokens + excluded.input_tokens,
            output_tokens = d.output_tokens + excluded.output_tokens, cost_microusd = d.cost_microusd + excluded.cost_microusd)
    select count(*) into v_count from taken;
    return v_count;
end
$$;

-- Name: administers(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.administers() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return case when tenancy.system_role() = 'admin' then tenancy.reason_given() else false end;
end
$$;

-- Name: agent_token_keys(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.agent_token_keys() RETURNS TABLE(id uuid, sealed bytea, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query select k.id, k.sealed, k.created_at from public.agent_token_keys k order by k.created_at desc, k.id desc;
end
$$;

-- Name: agree_with_platform_posts(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.agree_with_platform_posts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_state text;
begin
    select tenancy.post_state(array_agg(pp.state)) into v_state
    from public.platform_posts pp where pp.customer_id = new.customer_id and pp.post_id = new.id;
    if v_state is null and new.state in ('scheduled', 'publishing', 'published', 'partially_published', 'failed', 'needs_attention') then
        raise check_violation using message = 'a post that names no platform cannot be scheduled or published',
            constraint = 'posts_names_platform', table = 'posts', schema = 'public';
    end if;
    if v_state is not null and v_state <> new.state then
        raise check_violation using message = format('the platform posts say %s, not %s', v_state, new.state),
            constraint = 'posts_state_follows', table = 'posts', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: append_attempt(jsonb, jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.append_attempt(p_log jsonb, p_attempt jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (CASE WHEN (jsonb_array_length(p_log) >= 20) THEN (p_log - 0) ELSE p_log END || jsonb_build_array(jsonb_strip_nulls(p_attempt)));

-- Name: apply_file_change(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.apply_file_change(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_change public.file_changes;
    v_workspace public.workspaces;
begin
    select * into v_change from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id;
    if v_change.id is not null then
        v_workspace := tenancy.workspace_for(v_change.workspace_id, true, true);
        select * into v_change from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id for update;
    end if;
    if v_change.id is null or v_workspace.state <> 'active' then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
end
$$;

-- Name: approval(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    select c.approval_required, c.approver_role, c.self_approval into required, approver_role, self_approval
    from public.customers c where c.id = tenancy.customer_id();
end
$$;

-- Name: archive_workspace(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.archive_workspace(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_workspace public.workspaces := tenancy.workspace_for(p_id, true, true);
begin
    if coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is not null
        or not (tenancy.has_role('admin') or tenancy.has_system_role('admin'))
    then
        raise insufficient_privilege using message = 'permission denied: archiving is the admins'' business';
    end if;
    if exists (select from public.workspace_policies p where p.customer_id = v_workspace.customer_id and p.legal_hold) then
        raise check_violation using message = 'the customer is under a legal hold',
            constraint = 'workspaces_legal_hold', table = 'workspaces', schema = 'public';
    end if;
    if v_workspace.state not in ('active', 'archiving') then
        raise check_violation using message = format('the workspace is %s', v_workspace.state),
            constraint = 'workspaces_active', table = 'workspaces', schema = 'public';
    end if;
    if v_workspace.state = 'archiving' and v_workspace.wanted_at is null then
        return;
    elsif v_workspace.archive_asked_on = current_date and v_workspace.archive_asked >= 5 then
        raise check_violation using message = 'the workspace was archived 5 times today',
            constraint = 'workspaces_archive_asked', table = 'workspaces', schema = 'public';
    end if;
    update public.workspaces w
    set state = 'archiving', wanted_at = null, archive_asked_on = current_date,
        archive_asked = case when w.archive_asked_on = current_date then w.archive_asked else 0 end + 1
    where w.customer_id = v_workspace.customer_id and w.id = p_id;
end
$$;

-- Name: audit_change(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: audit_log; Type: TABLE; Schema: public

CREATE TABLE public.audit_log (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    occurred_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    system_role text,
    reason text,
    action text NOT NULL,
    resource_type text NOT NULL,
    resource_id text,
    changes jsonb DEFAULT '{}'::jsonb NOT NULL,
    request_id text,
    ip text,
    user_agent text,
    operation text,
    job_id bigint,
    database_role text,
    CONSTRAINT audit_log_actor_kind_known CHECK ((actor_kind = ANY (ARRAY['user'::text, 'key'::text, 'agent'::text, 'worker'::text, 'database'::text, 'nobody'::text])))
)
PARTITION BY RANGE (occurred_at);

ALTER TABLE ONLY public.audit_log FORCE ROW LEVEL SECURITY;

-- Name: audit_context(text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_context(p_action text, p_resource_type text) RETURNS public.audit_log
    LANGUAGE plpgsql STABLE
    AS $$
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
        r.actor_id := tenancy.actor_id();
        -- somebody in a chat who is no member acts as an agent does
        r.actor_kind := case when v_token is not null then 'agent' when v_key is not null then 'key'
            when tenancy.user_id() is not null then 'user' when r.actor_id is not null then 'agent' else 'nobody' end;
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

-- Name: audit_customer_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_customer_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
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

-- Name: audit_cut(jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_cut(p_value jsonb) RETURNS jsonb
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
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

-- Name: audit_deleted_messages(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_deleted_messages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    r record;
begin
    for r in select o.customer_id, o.space_id, count(*) as n from old_rows o group by o.customer_id, o.space_id loop
        perform tenancy.audit_event(r.customer_id, 'message.delete', 'space', r.space_id::text, jsonb_build_object('count', r.n));
    end loop;
    return null;
end
$$;

-- Name: audit_digest(public.audit_log); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_digest(r public.audit_log) RETURNS bytea
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN sha256(convert_to((jsonb_build_array((r).customer_id, (r).id, to_char(((r).occurred_at AT TIME ZONE 'UTC'::text), 'YYYY-MM-DD HH24:MI:SS.US'::text), (r).actor_kind, (r).actor_id, (r).system_role, (r).reason, (r).action, (r).resource_type, (r).resource_id, (r).changes, (r).request_id, (r).ip, (r).user_agent, (r).operation, (r).job_id, (r).database_role))::text, 'UTF8'::name));

-- Name: audit_event(uuid, text, text, text, jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_event(p_customer_id uuid, p_action text, p_resource_type text, p_resource_id text, p_details jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context(p_action, p_resource_type), p_customer_id, p_resource_id, p_details));
end
$$;

-- Name: audit_id(timestamp with time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_id(p_at timestamp with time zone) RETURNS uuid
    LANGUAGE plpgsql PARALLEL SAFE
    AS $$
declare
    v_microseconds bigint := extract(epoch from p_at) * 1000000;
begin
    return (lpad(to_hex(v_microseconds / 1000), 12, '0') || '7' || lpad(to_hex(v_microseconds % 1000 * 4096 / 1000), 3, '0')
        || substr(replace(gen_random_uuid()::text, '-', ''), 17))::uuid;
end
$$;

-- Name: audit_row(public.audit_log, uuid, text, jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_row(r public.audit_log, p_customer_id uuid, p_resource_id text, p_changes jsonb) RETURNS public.audit_log
    LANGUAGE plpgsql
    AS $$
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

-- Name: audit_table(regclass, text, text, text[], text[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_table(p_table regclass, p_resource text, p_id_column text, p_secret text[], p_ignored text[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
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

-- Name: audit_value(jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_value(p_value jsonb) RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN CASE WHEN (pg_column_size(p_value) <= 4000) THEN p_value ELSE tenancy.audit_cut(p_value) END;

-- Name: audit_write(public.audit_log); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.audit_write(r public.audit_log) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into public.audit_log select (r).*;
    insert into public.audit_unsealed (customer_id, id, digest) values (r.customer_id, r.id, tenancy.audit_digest(r));
end
$$;

-- Name: authorizations_to_do(text[], integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.authorizations_to_do(p_platforms text[], p_limit integer) RETURNS TABLE(customer_id uuid, id uuid, work text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select a.customer_id, a.id, a.work
    from (
        (select r.customer_id, r.id, 'renew' as work from public.authorizations r
            join public.customers c on c.id = r.customer_id -- one that is being erased is not there
        where r.state = 'active' and r.renew_at is not null and r.renew_at <= now() and r.platform = any (p_platforms)
            and (r.lease_until is null or r.lease_until <= now())
            and not exists (
                select from river.river_job j
                where j.customer_id = r.customer_id and j.args ->> 'authorization_id' = r.id::text and j.kind = 'renew_authorization'
                    and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by r.renew_at limit p_limit)
        union all
        (select e.customer_id, e.id, 'renew' from public.authorizations e
            join public.customers c on c.id = e.customer_id
        where e.state = 'active' and e.renew_at is null and e.expires_at is not null and e.expires_at <= now()
            and not exists (
                select from river.river_job j
                where j.customer_id = e.customer_id and j.args ->> 'authorization_id' = e.id::text and j.kind = 'renew_authorization'
                    and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by e.expires_at limit p_limit)
        union all
        (select v.customer_id, v.id, 'revoke' from public.authorizations v
            join public.customers c on c.id = v.customer_id
        where v.state = 'revoking'
            and not exists (
                select from river.river_job j
                where j.customer_id = v.customer_id and j.args ->> 'authorization_id' = v.id::text and j.kind = 'revoke_authorization'
                    and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        limit p_limit)) a
    limit p_limit;
end
$$;

-- Name: authorizations_to_remind(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.authorizations_to_remind(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid, days integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select d.customer_id, d.id, d.days
    from (
        select a.customer_id, a.id, a.reminded, a.reconnect_by,
            case when a.reconnect_by <= now() + interval '1 day' then 1
                when a.reconnect_by <= now() + interval '7 days' then 7
                else 14 end as days
        from public.authorizations a
            join public.customers c on c.id = a.customer_id and c.archived_at is null
        where a.state = 'active' and a.reconnect_by is not null
            and a.reconnect_by > now() and a.reconnect_by <= now() + interval '14 days') d
    where d.reminded is null or d.reminded > d.days
    order by d.reconnect_by
    limit p_limit;
end
$$;

-- Name: back_up(regclass); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.back_up(p_table regclass) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v record;
begin
    execute format('grant select on %s to fanfare_backup', p_table);
    execute format('create policy %I on %s for select to fanfare_backup using (customer_id = (select tenancy.customer_id()))',
        (select c.relname || '_backup' from pg_catalog.pg_class c where c.oid = p_table), p_table);
    -- Under the table's restrictive policy, as all that read tenants' rows.
    for v in
        select p.polname as name, string_agg(quote_ident(r.rolname), ', ') as roles
        from pg_catalog.pg_policy p join pg_catalog.pg_roles r on r.oid = any (p.polroles)
        where p.polrelid = p_table and not p.polpermissive
        group by p.polname
    loop
        execute format('alter policy %I on %s to %s, fanfare_backup', v.name, p_table, v.roles);
    end loop;
    -- pg_dump reads a divided table part by part.
    for v in select i.inhrelid::regclass as part from pg_catalog.pg_inherits i where i.inhparent = p_table loop
        perform tenancy.back_up(v.part);
    end loop;
end
$$;

-- Name: backed_up_users(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.backed_up_users() RETURNS uuid[]
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v record;
    v_some uuid[];
    v_all uuid[] := '{}';
begin
    for v in
        select f.conrelid::regclass as name, a.attname as user_column
        from pg_catalog.pg_constraint f join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
        where f.contype = 'f' and f.confrelid = 'public.users'::regclass
            and exists (select from pg_catalog.pg_attribute t where t.attrelid = f.conrelid and t.attname = 'customer_id' and not t.attisdropped)
    loop
        execute format('select array_agg(distinct %I) from %s', v.user_column, v.name) into v_some;
        v_all := v_all || v_some;
    end loop;
    return v_all;
end
$$;

-- Name: backup_health(interval, interval); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.backup_health(p_late interval, p_drill_late interval) RETURNS TABLE(customers bigint, late bigint, oldest_good_at timestamp with time zone, newest_good_at timestamp with time zone, failing bigint, drills_late bigint, drills_failing bigint, newest_good_drill_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select count(*) filter (where s.last_good_at is not null),
        count(*) filter (where s.last_good_at < now() - p_late or s.last_good_at is null and exists (
            select from public.backups b where b.customer_id = s.customer_id and b.created_at < now() - p_late)),
        min(s.last_good_at), max(s.last_good_at),
        count(*) filter (where s.last_failed_at is not null and s.last_failed_at > coalesce(s.last_good_at, '-infinity')),
        count(*) filter (where s.last_good_at is not null and coalesce(s.last_good_drill_at, '-infinity') < now() - p_drill_late),
        count(*) filter (where s.last_failed_drill_at is not null and s.last_failed_drill_at > coalesce(s.last_good_drill_at, '-infinity')),
        max(s.last_good_drill_at)
    from public.backup_status s;
end
$$;

-- Name: backups_to_do(interval, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.backups_to_do(p_drill_every interval, p_limit integer) RETURNS TABLE(customer_id uuid, id uuid, what text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    with todo as (
        (select b.customer_id, b.id, 'backup' as what from public.backups b
        where (b.state in ('queued', 'running')
            or b.state = 'deleting' and not exists (select from public.workspace_policies p where p.customer_id = b.customer_id and p.legal_hold)) and not exists (
            select from river.river_job j where j.customer_id = b.customer_id and j.args ->> 'backup_id' = b.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by b.updated_at limit p_limit)
        union all
        (select r.customer_id, r.id, 'restore' from public.restores r
        where r.state in ('planning', 'queued', 'running', 'applying') and not exists (
            select from river.river_job j where j.customer_id = r.customer_id and j.args ->> 'restore_id' = r.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by r.updated_at limit p_limit)
        union all
        (select d.customer_id, d.id, 'drill' from public.drills d
        where d.state = 'running' and not exists (
            select from river.river_job j where j.customer_id = d.customer_id and j.args ->> 'drill_id' = d.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by d.created_at limit p_limit)
        union all
        (select s.customer_id, s.last_good_id, 'begin_drill' from public.backup_status s
        where s.last_good_id is not null and s.drilled_at < now() - p_drill_every
        order by s.drilled_at, s.customer_id limit p_limit)
    )
    select t.customer_id, t.id, t.what
    from todo t
        join public.customers c on c.id = t.customer_id
    where c.erasing_at is null;
end
$$;

-- Name: begin_file_change(uuid, uuid, text, bigint, boolean, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := tenancy.customer_id();
    v_workspace public.workspaces := tenancy.workspace_for(p_workspace_id, true, false);
    v_quota bigint;
    v_used bigint;
    v_room bigint := p_bytes;
    v_writes constant boolean := p_kind not in ('delete', 'move');
begin
    if v_workspace.state <> 'active' then
        raise check_violation using message = format('the workspace is %s', v_workspace.state),
            constraint = 'workspaces_active', table = 'workspaces', schema = 'public';
    end if;
    perform pg_catalog.pg_advisory_xact_lock(7262837, hashtext(v_customer::text));
    if (select case when v_writes then count(*) filter (where c.kind not in ('delete', 'move')) >= 20
                or count(*) filter (where c.kind not in ('delete', 'move') and c.workspace_id = p_workspace_id) >= 10
            else count(*) >= 30 end
        from public.file_changes c where c.customer_id = v_customer)
    then
        raise check_violation using message = 'at most 20 files are written at once, and 10 in one workspace; 30 changes are under way in all',
            constraint = 'file_changes_at_once', table = 'file_changes', schema = 'public';
    end if;
    if p_kind in ('write', 'make_directory') and v_workspace.entries >= 100000 then
        raise check_violation using message = 'the workspace has 100000 files and directories',
            constraint = 'workspaces_entries', table = 'workspaces', schema = 'public';
    end if;
    if p_bytes > 0 then
        v_quota := coalesce((select p.quota from public.workspace_policies p where p.customer_id = v_customer), p_quota);
        v_used := (select coalesce(sum(w.bytes), 0) from public.workspaces w where w.customer_id = v_customer and w.state not in ('archived', 'deleted'))
            + (select coalesce(sum(c.bytes), 0) from public.file_changes c where c.customer_id = v_customer);
        if v_used + (case when p_up_to then 1 else p_bytes end) > v_quota then
            raise check_violation using message = format('the workspaces have %s bytes of %s', v_used, v_quota),
                constraint = 'workspaces_quota', table = 'workspaces', schema = 'public';
        end if;
        if p_up_to then
            v_room := least(p_bytes, greatest((v_quota - v_used) / 2, 1));
        end if;
    end if;
    insert into public.file_changes (customer_id, id, workspace_id, kind, bytes) values (v_customer, p_id, p_workspace_id, p_kind, v_room);
    return v_room;
end
$$;

-- Name: begin_login_revocation(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.begin_login_revocation(p_authorization_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return tenancy.claim_login(tenancy.customer_id(), p_authorization_id);
end
$$;

-- Name: begin_login_revocation_of_erased(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.begin_login_revocation_of_erased(p_erasure uuid, p_authorization_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_subject uuid;
begin
    select e.subject_id into v_subject from public.erasures e where e.id = p_erasure and e.state = 'requested';
    return v_subject is not null and tenancy.claim_login(v_subject, p_authorization_id);
end
$$;

-- Name: begin_measuring(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.begin_measuring() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.measure_at := greatest(new.published_at, now()) + interval '1 hour';
    return new;
end
$$;

-- Name: begin_night(date, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.begin_night(p_night date, p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_seen uuid[];
begin
    insert into public.backup_status (customer_id, night)
    select c.id, p_night from public.customers c
    where c.erasing_at is null and not exists (select from public.backup_status s where s.customer_id = c.id)
    limit p_limit on conflict do nothing;
    v_seen := array(
        select s.customer_id from public.backup_status s where s.night < p_night order by s.night, s.customer_id limit p_limit for update skip locked);
    update public.backup_status s set night = p_night where s.customer_id = any (v_seen);
    insert into public.backups (customer_id, id, requested_by, night)
    select c.id, gen_random_uuid(), null, p_night
    from public.customers c
    where c.id = any (v_seen) and c.erasing_at is null
    on conflict do nothing;
    return cardinality(v_seen);
end
$$;

-- Name: bot_credential(text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.bot_credential(p_platform text, p_bot text) RETURNS TABLE(customer_id uuid, id uuid, team text, name text, username text, credential bytea, version bigint, archived boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select b.customer_id, b.id, b.team, b.name, b.username, b.credential, b.version, c.archived_at is not null
    from public.bots b join public.customers c on c.id = b.customer_id
    where b.platform = p_platform and b.bot = p_bot;
end
$$;

-- Name: bot_held(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.bot_held(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (
        select from public.bots b
        where b.customer_id = tenancy.customer_id() and b.id = p_id and tenancy.may_give_bots(b.customer_id, b.given_by));
end
$$;

-- Name: bots_of(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.bots_of(p_platform text) RETURNS TABLE(bot text, version bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select b.bot, b.version
    from public.bots b join public.customers c on c.id = b.customer_id and c.archived_at is null
    where b.platform = p_platform and b.state = 'active'
    order by b.bot;
end
$$;

-- Name: cancel_jobs(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.cancel_jobs(p_post_id uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
        and (tenancy.space_id() is null or exists (
            select from public.posts p
            where p.customer_id = j.customer_id and p.id = (j.args ->> 'post_id')::uuid and p.space_id = tenancy.space_id()))
        and j.state in ('available', 'pending', 'retryable', 'scheduled')
        -- what is at its platform already comes to its end, whatever becomes of the rest of the post
        and not exists (
            select from public.platform_posts pp
            where pp.customer_id = j.customer_id and pp.id = (j.args ->> 'platform_post_id')::uuid and pp.state = 'publishing');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: charge(uuid, text, text, integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.charge(p_customer uuid, p_caller text, p_endpoint text, p_quota integer, p_window integer) RETURNS text
    LANGUAGE plpgsql
    AS $$
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

-- Name: charge_address(text, text, integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(null, 'address:' || p_address, p_endpoint, p_quota, p_window);
end
$$;

-- Name: charge_entered(text, integer, integer, boolean); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean DEFAULT false) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := nullif(current_setting('fanfare.customer_id', true), '');
    v_caller text := coalesce('key:' || nullif(current_setting('fanfare.key_id', true), ''), -- also for its tokens
        'token:' || nullif(current_setting('fanfare.token_id', true), ''), 'user:' || nullif(current_setting('fanfare.user_id', true), ''),
        'person:' || nullif(current_setting('fanfare.space_person_id', true), ''));
begin
    if v_caller is null then
        raise insufficient_privilege using message = 'permission denied: nobody has been entered';
    end if;
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(case when p_own then null else v_customer end, v_caller, p_endpoint, p_quota, p_window);
end
$$;

-- Name: charge_person(text, integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.charge_person(p_endpoint text, p_quota integer, p_window integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_person uuid := coalesce(tenancy.user_id(), tenancy.acts_for());
begin
    if v_person is null then
        raise insufficient_privilege using message = 'permission denied: nobody stands behind the request';
    end if;
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(null, 'user:' || v_person, p_endpoint, p_quota, p_window);
end
$$;

-- Name: chat_holder(text, text, text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.chat_holder(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) RETURNS TABLE(customer_id uuid, space_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query select s.customer_id, s.id from public.spaces s
    where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.kind = p_kind and s.external_id = p_chat and s.ended_at is null;
end
$$;

-- Name: chat_permissions(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.chat_permissions() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['customer:read'::text, 'campaigns:read'::text, 'posts:read'::text, 'posts:write'::text, 'posts:publish'::text, 'spaces:read'::text, 'memories:read'::text, 'memories:write'::text, 'credentials:write'::text];

-- Name: chat_waits(text, text, text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.chat_waits(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (
        select from public.pairings p
        where p.platform = p_platform and p.bot = p_bot and p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.claimed_at is not null
            and p.state = 'claimed' and p.claimed_by = 'code' and p.confirmed_at is null and p.expires_at > now());
end
$$;

-- Name: chats_of_team(text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.chats_of_team(p_platform text, p_bot text, p_team text) RETURNS TABLE(kind text, chat text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select s.kind, s.external_id
    from public.spaces s
    where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.ended_at is null;
end
$$;

-- Name: chats_to_do(integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.chats_to_do(p_share integer, p_limit integer) RETURNS TABLE(platform text, bot text, team text, kind text, chat text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    with chats as (
        select w.platform, w.bot, w.team, w.kind, w.chat, min(w.since) as since, bool_or(w.since is null) as busy
        from (
            select j.args ->> 'platform' as platform, j.args ->> 'bot' as bot, j.args ->> 'team' as team, j.args ->> 'kind' as kind,
                j.args ->> 'chat' as chat, null::timestamptz as since
            from river.river_job j
            where j.kind = 'chat' and j.finalized_at is null
            union all
            select u.platform, u.bot, u.team, u.kind, u.chat, u.received_at
            from public.chat_updates u
            where u.handled_at is null
            union all
            select o.platform, o.bot, o.team, o.kind, o.chat, o.send_at
            from (
                select distinct on (n.platform, n.bot, n.team, n.kind, n.chat) n.platform, n.bot, n.team, n.kind, n.chat, n.send_at
                from public.chat_outbox n
                where n.ended_at is null
                order by n.platform, n.bot, n.team, n.kind, n.chat, n.id) o
            where o.send_at <= now()) w
        group by w.platform, w.bot, w.team, w.kind, w.chat
    ), turns as (
        select c.*, row_number() over (
            partition by coalesce(s.customer_id::text, b.customer_id::text, c.platform || ' ' || c.bot)
            order by c.busy desc, c.since, c.bot, c.chat) as turn
        from chats c
            left join public.spaces s on s.platform = c.platform and s.bot = c.bot and s.team = c.team and s.kind = c.kind and s.external_id = c.chat
                and s.ended_at is null
            left join public.bots b on b.platform = c.platform and b.bot = c.bot
    )
    select t.platform, t.bot, t.team, t.kind, t.chat
    from turns t
    where not t.busy and t.turn <= p_share
    order by t.turn, t.since
    limit p_limit;
end
$$;

-- Name: check_limit(integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.check_limit(p_quota integer, p_window integer) RETURNS void
    LANGUAGE plpgsql IMMUTABLE
    AS $$
begin
    if (p_quota between 1 and 1000000 and p_window between 1 and 86400) is not true then
        raise invalid_parameter_value using message = 'a limit is of 1 to 1000000 requests in 1 to 86400 seconds';
    end if;
end
$$;

-- Name: check_time_zone(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.check_time_zone() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
begin
    if new.time_zone ~ '^[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)*$' then
        perform now() at time zone new.time_zone;
        return new;
    end if;
    raise invalid_parameter_value;
exception when invalid_parameter_value then
    raise check_violation using message = 'unknown time zone', constraint = 'customers_time_zone_known',
        table = 'customers', schema = 'public', column = 'time_zone';
end
$_$;

-- Name: claim_idempotency_key(text, text, bytea); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea) RETURNS record
    LANGUAGE plpgsql
    SET lock_timeout TO '5s'
    AS $$
declare
    v_acted_as text;
begin
    insert into public.idempotency_keys as k (operation, key, fingerprint) values (p_operation, p_key, p_fingerprint)
    on conflict on constraint idempotency_keys_pkey do update
        set fingerprint = excluded.fingerprint, acted_as = excluded.acted_as, answer = null, key_id = null, subject_id = null, created_at = now()
        where k.created_at < now() - interval '24 hours';
    claimed := found;
    if not claimed then
        if tenancy.system_role() is not null and nullif(current_setting('fanfare.customer_id', true), '') is not null then
            perform tenancy.reason_given();
        end if;
        select k.fingerprint, k.answer, k.acted_as into fingerprint, answer, v_acted_as from public.idempotency_keys k
        where k.actor_id = tenancy.actor_id() and k.operation = p_operation and k.key = p_key;
        if fingerprint = p_fingerprint and v_acted_as <> tenancy.rights() then
            raise insufficient_privilege using message = 'permission denied: the caller''s rights have changed since';
        end if;
    end if;
end
$$;

-- Name: claim_login(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.claim_login(p_customer_id uuid, p_id uuid) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    v_platform text;
    v_external_id text;
    v_login bytea;
begin
    select a.platform, a.external_id into v_platform, v_external_id
    from public.authorizations a where a.customer_id = p_customer_id and a.id = p_id;
    if not found then
        return false;
    end if;
    v_login := tenancy.lock_login(v_platform, v_external_id);
    if tenancy.login_needed(v_platform, v_external_id, p_customer_id, p_id) then
        return false;
    end if;
    insert into public.login_revocations as r (login, until) values (v_login, clock_timestamp() + interval '1 minute')
    on conflict on constraint login_revocations_pkey do update set until = excluded.until;
    delete from public.login_revocations r
    where r.login in (select x.login from public.login_revocations x where x.until < now() - interval '1 hour' for update skip locked limit 100);
    return true;
end
$$;

-- Name: clean_workspaces(uuid[], integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.clean_workspaces(p_ids uuid[], p_unused_days integer, p_archive_days integer) RETURNS TABLE(id uuid, what text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- What would stay archiving for ever, as it is the workers with a bucket for backups who archive. Those begin the night of each customer.
    if not exists (select from public.backup_status s where s.night > now() - interval '3 days') then
        raise object_not_in_prerequisite_state using message = 'no worker that makes backups has been seen for three days; nothing would be archived or deleted';
    end if;
    lock table public.workspace_policies in share mode;
    perform from public.workspaces w where w.id = any (p_ids) order by w.customer_id, w.id for no key update;
    return query
    update public.workspaces w
    set state = case t.what when 'archive' then 'archiving' else 'deleted' end,
        wanted_at = null,
        bytes = case t.what when 'archive' then w.bytes else 0 end,
        entries = case t.what when 'archive' then w.entries else 0 end
    from tenancy.workspaces_to_clean(null, p_unused_days, p_archive_days) t
    where w.customer_id = t.customer_id and w.id = t.id and t.kept is null and w.id = any (p_ids)
    returning w.id, t.what;
end
$$;

-- Name: connect_session_secret(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.connect_session_secret(p_id uuid) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_secret bytea;
begin
    if (tenancy.has_role('admin') or tenancy.has_system_role('admin')) is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow connecting accounts';
    end if;
    select s.secret into v_secret from public.connect_sessions s
    where s.customer_id = tenancy.customer_id() and s.user_id = tenancy.user_id() and s.id = p_id
        and s.state = 'choosing' and s.expires_at > now()
    for no key update;
    return v_secret;
end
$$;

-- Name: content_changed(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.content_changed(p_customer_id uuid, p_post_id uuid) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    -- whoever maintains the database, and whoever erases, is no tenant's caller
    v_caller boolean := current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin');
    v_required boolean;
    v_for uuid;
begin
    if v_caller then
        v_for := tenancy.acts_for();
    end if;
    if current_user = 'fanfare_agent' then
        -- The policies would pass over a post that is beyond what the key may change, and it would stay approved.
        perform from public.posts p where p.customer_id = p_customer_id and p.id = p_post_id for no key update;
        if not found then
            raise insufficient_privilege using message = 'permission denied: the post cannot be changed as it is';
        end if;
    end if;
    update public.posts p
    set approved_at = null, edited_by = case when v_caller then coalesce(tenancy.user_id(), p.edited_by) else p.edited_by end,
        edited_for = case when v_caller then v_for else p.edited_for end
    where p.customer_id = p_customer_id and p.id = p_post_id
        and (p.approved_at is not null
            or (v_caller and (coalesce(tenancy.user_id(), p.edited_by), v_for) is distinct from (p.edited_by, p.edited_for)));
    if not v_caller then
        return;
    end if;
    v_required := (select a.required from tenancy.approval() a);
    update public.platform_posts pp
    set state = case when v_required then 'pending_approval' else 'draft' end, retry_at = null, problem = null, problem_class = null
    where pp.customer_id = p_customer_id and pp.post_id = p_post_id and (pp.state = 'approved' or (v_required and pp.state = 'scheduled'));
    if found and v_required then
        perform tenancy.cancel_jobs(p_post_id);
    end if;
    -- Here, too, the policies may have passed over what is beyond the key.
    if current_user = 'fanfare_agent' and exists (
        select from public.platform_posts pp
        where pp.customer_id = p_customer_id and pp.post_id = p_post_id and (pp.state = 'approved' or (v_required and pp.state = 'scheduled')))
    then
        raise insufficient_privilege using message = 'permission denied: the post cannot be changed as it is';
    end if;
end
$$;

-- Name: copy_recurring_post(uuid, uuid, timestamp with time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := tenancy.customer_id();
    v_model uuid;
begin
    select r.post_id into v_model
    from public.recurring_posts r where r.customer_id = v_customer and r.id = p_recurrence and r.state = 'active' for no key update;
    perform from public.posts p where p.customer_id = v_customer and p.id = v_model for no key update;
    insert into public.posts (customer_id, id, campaign_id, title, text, scheduled_at, created_by,
        approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for, recurrence_id, occurrence_at, space_id)
    select v_customer, p_id, p.campaign_id, p.title, p.text, p_occurrence, p.created_by,
        p.approved_at, p.approved_by, p.submitted_by, p.edited_by, p.submitted_for, p.edited_for, p_recurrence, p_occurrence, p.space_id
    from public.posts p where p.customer_id = v_customer and p.id = v_model
    on conflict do nothing;
    if not found then
        return false;
    end if;
    insert into public.post_media (customer_id, post_id, media_id, position)
    select v_customer, p_id, m.media_id, m.position from public.post_media m where m.customer_id = v_customer and m.post_id = v_model;
    insert into public.platform_posts (customer_id, id, post_id, integration_id, text, options, own_media)
    select v_customer, tenancy.new_job_id(), p_id, pp.integration_id, pp.text, pp.options, pp.own_media
    from public.platform_posts pp where pp.customer_id = v_customer and pp.post_id = v_model and pp.state <> 'cancelled'
    order by pp.id;
    insert into public.platform_post_media (customer_id, platform_post_id, media_id, position)
    select v_customer, copy.id, m.media_id, m.position
    from public.platform_posts pp
        join public.platform_posts copy on copy.customer_id = pp.customer_id and copy.post_id = p_id and copy.integration_id = pp.integration_id
        join public.platform_post_media m on m.customer_id = pp.customer_id and m.platform_post_id = pp.id
    where pp.customer_id = v_customer and pp.post_id = v_model;
    return true;
end
$$;

-- Name: count_embedding(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_embedding() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.usage_entries (customer_id, kind) values (new.customer_id, 'embed_text');
    return null;
end
$$;

-- Name: count_message(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_message() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.usage_entries (customer_id, kind, platform)
    select new.customer_id, case new.direction when 'in' then 'message_received' else 'message_sent' end, s.platform
    from public.spaces s where s.customer_id = new.customer_id and s.id = new.space_id;
    return null;
end
$$;

-- Name: count_old_credentials(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_old_credentials() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return (select count(*) from public.integrations i
        where i.old_credential_id is not null and i.key_id is null and i.state = 'active');
end
$$;

-- Name: count_published(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_published() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    insert into public.usage_entries (customer_id, kind, platform)
    select new.customer_id, 'post_published', i.platform
    from public.integrations i where i.customer_id = new.customer_id and i.id = new.integration_id;
    return null;
end
$$;

-- Name: count_sealed(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_sealed() RETURNS TABLE(table_name text, key_id bigint, sealed_rows bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v record;
begin
    for v in select s.table_name as t, s.column_name as c from tenancy.sealed_columns() s loop
        return query execute format('select %L::text, tenancy.sealed_by(x.%I) as k, count(*) from public.%I x where x.%I is not null group by k order by k',
            v.t, v.c, v.t, v.c);
    end loop;
end
$$;

-- Name: count_usage(text, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_usage(p_kind text, p_count bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if (p_kind in ('search_images', 'embed_text') and p_count between 1 and 100) is not true then
        raise invalid_parameter_value using message = 'what is counted is 1 to 100 of a kind that is counted by whoever uses it';
    end if;
    if (tenancy.has_role('viewer') or tenancy.has_system_role('viewer')
        or p_kind = 'search_images' and tenancy.has_any_permission('posts:read', 'posts:write')
        or p_kind = 'embed_text' and tenancy.has_any_permission('memories:read', 'memories:write')) is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow searches';
    end if;
    insert into public.usage_entries (customer_id, kind, count) values (tenancy.customer_id(), p_kind, p_count);
end
$$;

-- Name: count_workspaces(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.count_workspaces() RETURNS TABLE(state text, workspaces bigint, bytes numeric, entries numeric, archive_bytes numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select w.state, count(*), coalesce(sum(w.bytes), 0), coalesce(sum(w.entries), 0), coalesce(sum(w.archive_bytes), 0) from public.workspaces w group by w.state;
end
$$;

-- Name: create_customer(uuid, text, text, text, text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_user uuid := tenancy.user_id();
begin
    if v_user is null or nullif(current_setting('fanfare.customer_id', true), '') is not null then
        raise insufficient_privilege using message = 'permission denied: a customer is made by a user who has entered none';
    end if;
    insert into public.customers (id, name, description, brand_voice, audience, language, time_zone)
    values (p_id, p_name, p_description, p_brand_voice, p_audience, p_language, p_time_zone);
    insert into public.memberships (customer_id, user_id, role) values (p_id, v_user, 'owner');
    perform set_config('fanfare.customer_id', p_id::text, true),
        set_config('fanfare.customer_ids', array[p_id]::text, true),
        set_config('fanfare.member_role', 'owner', true);
end
$$;

-- Name: customer_health(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.customer_health(p_customer_id uuid, OUT waiting bigint, OUT problems bigint, OUT accounts bigint, OUT next_post_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: customer_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.customer_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
declare
    v_id text := nullif(current_setting('fanfare.customer_id', true), '');
begin
    if v_id is null then
        raise insufficient_privilege using message = 'permission denied: no customer has been entered';
    end if;
    return v_id::uuid;
end
$$;

-- Name: customer_ids(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.customer_ids() RETURNS uuid[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
declare
    v_ids text := nullif(current_setting('fanfare.customer_ids', true), '');
begin
    if v_ids is null then
        raise insufficient_privilege using message = 'permission denied: no user has been entered';
    end if;
    return v_ids::uuid[];
end
$$;

-- Name: customer_name(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.customer_name() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return (select c.name from public.customers c where c.id = tenancy.customer_id());
end
$$;

-- Name: date_problem(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.date_problem() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.problem_since := case when new.problem_class is not null then now() end;
    if new.problem_class is not null and current_user = 'fanfare_worker' then
        new.problem_since := coalesce((
            select min(a.finished_at) from public.publish_attempts a
            where a.customer_id = new.customer_id and a.platform_post_id = new.id and a.number >= new.first_attempt and a.outcome = new.problem_class
                and not exists (
                    select from public.publish_attempts o
                    where o.customer_id = a.customer_id and o.platform_post_id = a.platform_post_id and o.number > a.number
                        and o.outcome not in (new.problem_class, 'abandoned', 'waiting'))), now());
    end if;
    return new;
end
$$;

-- Name: delete_expired_connect_sessions(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.delete_expired_connect_sessions(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    delete from public.connect_sessions s
    where (s.customer_id, s.id) in (
        select x.customer_id, x.id from public.connect_sessions x where x.expires_at < now() - interval '1 hour' limit p_limit);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: delete_expired_idempotency_keys(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.delete_expired_idempotency_keys(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    delete from public.idempotency_keys k
    where (k.actor_id, k.operation, k.key) in (
        select x.actor_id, x.operation, x.key from public.idempotency_keys x
        where x.created_at < now() - interval '24 hours' limit p_limit);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: delete_expired_tokens(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.delete_expired_tokens(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    delete from public.agent_tokens t
    where (t.customer_id, t.id) in (
        select x.customer_id, x.id from public.agent_tokens x
        where x.expires_at < now() - interval '7 days' limit p_limit);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: drop_file_change(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.drop_file_change(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id;
end
$$;

-- Name: end_authorization(uuid, bigint, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.end_authorization(p_authorization_id uuid, p_version bigint, p_outcome text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.authorizations a set state = 'ended'
    where a.customer_id = tenancy.customer_id() and a.id = p_authorization_id and a.state = 'revoking' and a.version = p_version;
    if not found then
        return false;
    end if;
    perform tenancy.audit_event(tenancy.customer_id(), case p_outcome when 'revoked' then 'authorization.revoke' when 'ended' then 'authorization.end' else 'authorization.forget' end,
        'authorization', p_authorization_id::text, jsonb_build_object('outcome', p_outcome));
    return true;
end
$$;

-- Name: end_credential_moves(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.end_credential_moves(p_customer_id uuid, p_owner_id uuid) RETURNS TABLE(customer_id uuid, move_id uuid, left_behind bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v record;
begin
    -- Nobody is given an old credential meanwhile that is deleted below.
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    for v in
        update public.credential_moves m set ended_at = now()
        where m.ended_at is null and case when p_customer_id is null then m.deadline <= now()
            else m.customer_id = p_customer_id and m.old_owner_id = p_owner_id end
        returning m.customer_id, m.id, m.old_owner_id
    loop
        update public.integrations i set state = 'needs_reauth', reason = 'moved_out'
        where i.customer_id = v.customer_id and i.key_id is null and i.state in ('active', 'needs_reauth')
            and i.old_credential_id in (select o.id from public.old_credentials o where o.owner_id = v.old_owner_id);
        get diagnostics left_behind = row_count;
        customer_id := v.customer_id;
        move_id := v.id;
        return next;
    end loop;
    delete from public.old_credentials o
    where not exists (
        select from public.credential_moves m where m.old_owner_id = o.owner_id and m.ended_at is null);
end
$$;

-- Name: llm_reservations; Type: TABLE; Schema: public

CREATE TABLE public.llm_reservations (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    own_key boolean NOT NULL,
    tokens bigint NOT NULL,
    cost_microusd bigint NOT NULL,
    reserved_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '00:15:00'::interval) NOT NULL,
    lost_at timestamp with time zone,
    request text,
    CONSTRAINT llm_reservations_amounts_range CHECK ((((tokens >= 1) AND (tokens <= '1000000000000'::bigint)) AND ((cost_microusd >= 0) AND (cost_microusd <= '1000000000000'::bigint)))),
    CONSTRAINT llm_reservations_kind_form CHECK ((kind ~ '^[a-z][a-z_]{0,49}$'::text))
);

ALTER TABLE ONLY public.llm_reservations FORCE ROW LEVEL SECURITY;

-- Name: end_llm(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.end_llm(p_id uuid) RETURNS SETOF public.llm_reservations
    LANGUAGE plpgsql
    SET search_path TO ''
    AS $$
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

-- Name: end_login_revocation(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.end_login_revocation(p_authorization_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_login bytea;
begin
    select tenancy.lock_login(a.platform, a.external_id) into v_login
    from public.authorizations a where a.customer_id = tenancy.customer_id() and a.id = p_authorization_id;
    update public.login_revocations r set until = clock_timestamp() where r.login = v_login and r.until > clock_timestamp();
end
$$;

-- Name: enter_as_agent(uuid, uuid, uuid, uuid, boolean, text[], text[], text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_as_agent(p_key_id uuid, p_token_id uuid, p_own_customer uuid, p_customer_id uuid, p_archived boolean, p_permissions text[], p_needs text[], p_request text) RETURNS text
    LANGUAGE plpgsql
    AS $$
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

-- Name: enter_chat(uuid, uuid, text, uuid, text[], text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v record;
    v_permissions text[];
    v_role text;
begin
    perform tenancy.nothing_entered();
    select s.permissions, s.paired_by, p.id as person_id, c.archived_at, i.user_id,
        b.id is null or tenancy.may_give_bots(s.customer_id, b.given_by) as held into v
    from public.spaces s
        join public.customers c on c.id = s.customer_id
        join public.space_people p on p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = p_person and p.left_at is null
        left join public.chat_identities i on i.customer_id = s.customer_id and i.platform = s.platform and i.bot = s.bot and i.team = s.team and i.external_id = p_person
        left join public.bots b on b.platform = s.platform and b.bot = s.bot
    where s.customer_id = p_space_customer_id and s.id = p_space_id and s.ended_at is null;
    if not found then
        raise exception using errcode = 'FF003', message = 'the chat is not of this space';
    end if;
    if v.user_id is not null then
        select m.role into v_role from public.memberships m where m.customer_id = p_space_customer_id and m.user_id = v.user_id;
        v_permissions := array(select p from unnest(tenancy.chat_permissions()) p where p = any (tenancy.permissions_of(v_role)));
    else
        v_permissions := array(select p from unnest(v.permissions) p where p = any (tenancy.permissions_of_user(p_space_customer_id, v.paired_by)));
    end if;
    if not v.held or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the chat has no rights any more';
    end if;
    perform set_config('fanfare.space_id', p_space_id::text, true), set_config('fanfare.person', p_person, true),
        set_config('fanfare.space_person_id', v.person_id::text, true), set_config('fanfare.chat_role', coalesce(v_role, ''), true);
    -- What is for people alone is for those who are known.
    perform tenancy.enter_as_agent(null, null, p_space_customer_id, p_customer_id, v.archived_at is not null, v_permissions,
        case when v.user_id is not null and coalesce(cardinality(p_needs), 0) = 0 then v_permissions else p_needs end, p_request);
    perform set_config('fanfare.user_id', coalesce(v.user_id::text, ''), true);
    return 'fanfare_agent';
end
$$;

-- Name: enter_connect(bytea, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_connect(p_state_hash bytea, p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_session record;
    v_request jsonb := nullif(p_request, '')::jsonb;
begin
    perform tenancy.nothing_entered();
    select s.customer_id, s.admin_reason, u.subject into v_session
    from public.connect_sessions s join public.users u on u.id = s.user_id
    where s.state_hash = p_state_hash and s.expires_at > now() - interval '2 minutes';
    if not found then
        raise exception using errcode = 'FF008', message = 'no such connect session';
    end if;
    return tenancy.enter_user(v_session.subject, v_session.customer_id,
        (coalesce(v_request, '{}') || jsonb_build_object('reason', coalesce(v_session.admin_reason, '')))::text);
end
$$;

-- Name: enter_key(bytea, uuid, text[], text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_key record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select k.id, k.customer_id, k.permissions, k.created_by, k.last_used_at, k.space_id, c.archived_at into v_key
    from public.api_keys k
        join public.customers c on c.id = k.customer_id
        left join public.spaces s on s.customer_id = k.customer_id and s.id = k.space_id and s.ended_at is null
    where k.key_hash = p_key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and (k.space_id is null or s.id is not null);
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
    perform set_config('fanfare.space_id', coalesce(v_key.space_id::text, ''), true), set_config('fanfare.person', '', true),
        set_config('fanfare.space_person_id', '', true), set_config('fanfare.chat_role', '', true);
    return tenancy.enter_as_agent(v_key.id, null, v_key.customer_id, p_customer_id, v_key.archived_at is not null, v_permissions, p_needs, p_request);
end
$$;

-- Name: enter_token(uuid, uuid, uuid, text[], text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_token record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select t.id, t.api_key_id, t.customer_id, t.permissions, t.person as speaks, c.archived_at, coalesce(t.created_by, k.created_by) as person,
        case when t.api_key_id is null then t.permissions else k.permissions end as key_permissions,
        -- never wider than the key
        coalesce(k.space_id, t.space_id) as space_id
    into v_token
    from public.agent_tokens t
        join public.customers c on c.id = t.customer_id
        left join public.api_keys k on k.customer_id = t.customer_id and k.id = t.api_key_id
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        left join public.spaces s on s.customer_id = t.customer_id and s.id = coalesce(k.space_id, t.space_id) and s.ended_at is null
    where t.customer_id = p_token_customer_id and t.id = p_token_id and t.revoked_at is null and t.expires_at > now() and (t.api_key_id is null or k.id is not null)
        and (coalesce(k.space_id, t.space_id) is null or s.id is not null);
    if found then
        v_permissions := array(select p from unnest(v_token.permissions) p
            where p = any (v_token.key_permissions)
                and p = any (tenancy.permissions_of_user(v_token.customer_id, v_token.person)));
    end if;
    if v_token.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the token is not valid';
    end if;
    perform set_config('fanfare.space_id', coalesce(v_token.space_id::text, ''), true), set_config('fanfare.person', coalesce('agent:' || v_token.speaks, ''), true),
        set_config('fanfare.space_person_id', '', true), set_config('fanfare.chat_role', '', true);
    return tenancy.enter_as_agent(v_token.api_key_id, v_token.id, v_token.customer_id, p_customer_id, v_token.archived_at is not null,
        v_permissions, p_needs, p_request);
end
$$;

-- Name: enter_user(text, uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
    v_set := set_config('fanfare.space_id', '', true);
    v_set := set_config('fanfare.person', '', true);
    v_set := set_config('fanfare.space_person_id', '', true);
    v_set := set_config('fanfare.chat_role', '', true);
    v_set := set_config('fanfare.request', p_request, true);
    -- Every use of a system role is recorded, reading included.
    if v_system is not null and not pg_catalog.pg_is_in_recovery() then
        perform tenancy.audit_event(coalesce(p_customer_id, tenancy.installation_id()), 'customer.access', 'customer', p_customer_id::text, null);
    end if;
    return case when v_system is null then 'fanfare_user' else 'fanfare_admin' end;
end
$$;

-- Name: enter_worker(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
        set_config('fanfare.space_id', '', true),
        set_config('fanfare.person', '', true),
        set_config('fanfare.space_person_id', '', true),
        set_config('fanfare.chat_role', '', true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_worker';
end
$$;

-- Name: erase_step(uuid, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.erase_step(p_erasure uuid, p_limit integer) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    v_subject uuid;
    v record;
    v_count bigint;
    v_left bigint := p_limit;
    v_counts jsonb;
begin
    -- Locks the erasure: two workers would only wait for each other's rows.
    update public.erasures e set state = 'running', started_at = coalesce(e.started_at, now())
    where e.id = p_erasure and e.state <> 'finished'
    returning e.subject_id, e.counts into v_subject, v_counts;
    if v_subject is null then
        raise no_data_found using message = 'there is no such erasure under way';
    end if;
    perform set_config('fanfare.erasing', v_subject::text, true);
    delete from river.river_job j where j.customer_id = v_subject and j.state <> 'running';
    get diagnostics v_count = row_count;
    v_counts := v_counts || jsonb_build_object('river.river_job', coalesce((v_counts ->> 'river.river_job')::bigint, 0) + v_count);
    if exists (select from river.river_job j where j.customer_id = v_subject) then
        update public.erasures e set counts = v_counts where e.id = p_erasure;
        return 'jobs';
    end if;
    for v in select e.table_name, e.column_name, e.key_name from tenancy.erased_columns() e loop
        execute format('delete from %1$s where %2$I = $1 and %3$I = any (array(
            select t.%3$I from %1$s t where t.%2$I = $1 limit $2))', v.table_name, v.column_name, v.key_name) using v_subject, v_left;
        get diagnostics v_count = row_count;
        v_counts := v_counts || jsonb_build_object(v.table_name, coalesce((v_counts ->> v.table_name)::bigint, 0) + v_count);
        v_left := v_left - v_count;
        exit when v_left <= 0;
    end loop;
    if v_left > 0 then
        delete from public.customers c where c.id = v_subject;
        get diagnostics v_count = row_count;
        v_counts := v_counts || jsonb_build_object('public.customers', coalesce((v_counts ->> 'public.customers')::bigint, 0) + v_count);
    end if;
    update public.erasures e set counts = v_counts where e.id = p_erasure;
    return case when v_left > 0 then 'nothing' else 'rows' end;
end
$_$;

-- Name: erased_columns(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.erased_columns() RETURNS TABLE(table_name text, column_name text, key_name text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
begin
    return query
    values ('river.river_job', 'customer_id', 'ctid'),
        ('public.idempotency_keys', 'subject_id', 'ctid'),
        ('public.exports', 'customer_id', 'ctid'),
        ('public.invitations', 'customer_id', 'ctid'),
        ('public.agent_tokens', 'customer_id', 'ctid'),
        ('public.api_keys', 'customer_id', 'ctid'),
        ('public.chat_outbox', 'subject_id', 'ctid'),
        ('public.messages', 'customer_id', 'ctid'),
        ('public.memories', 'customer_id', 'ctid'),
        ('public.drills', 'customer_id', 'ctid'),
        ('public.restores', 'customer_id', 'ctid'),
        ('public.backups', 'customer_id', 'ctid'),
        ('public.backup_status', 'customer_id', 'ctid'),
        ('public.file_changes', 'customer_id', 'ctid'),
        ('public.workspaces', 'customer_id', 'ctid'),
        ('public.workspace_policies', 'customer_id', 'ctid'),
        ('public.credentials', 'customer_id', 'ctid'),
        ('public.pairings', 'customer_id', 'ctid'),
        ('public.chat_identities', 'customer_id', 'ctid'),
        ('public.space_people', 'customer_id', 'ctid'),
        ('public.usage_entries', 'customer_id', 'ctid'),
        ('public.usage_days', 'customer_id', 'ctid'),
        ('public.llm_reservations', 'customer_id', 'ctid'),
        ('public.llm_months', 'customer_id', 'ctid'),
        ('public.llm_budgets', 'customer_id', 'ctid'),
        ('public.webhook_deliveries', 'customer_id', 'ctid'),
        ('public.webhook_secrets', 'customer_id', 'ctid'),
        ('public.webhook_endpoints', 'customer_id', 'ctid'),
        ('public.queue_slots', 'customer_id', 'ctid'),
        ('public.recurring_posts', 'customer_id', 'ctid'),
        ('public.post_metrics', 'customer_id', 'ctid'),
        ('public.email_templates', 'customer_id', 'ctid'),
        ('public.account_limits', 'customer_id', 'ctid'),
        ('public.post_reviews', 'customer_id', 'ctid'),
        ('public.platform_post_media', 'customer_id', 'ctid'),
        ('public.post_media', 'customer_id', 'ctid'),
        ('public.publish_attempts', 'customer_id', 'ctid'),
        ('public.platform_posts', 'customer_id', 'ctid'),
        ('public.posts', 'customer_id', 'ctid'),
        ('public.media', 'customer_id', 'ctid'),
        ('public.campaigns', 'customer_id', 'ctid'),
        ('public.integrations', 'customer_id', 'ctid'),
        ('public.credential_moves', 'customer_id', 'ctid'),
        ('public.authorizations', 'customer_id', 'ctid'),
        ('public.connect_sessions', 'customer_id', 'ctid'),
        ('public.mcp_servers', 'customer_id', 'ctid'),
        ('public.spaces', 'customer_id', 'ctid'),
        ('public.bots', 'customer_id', 'ctid'),
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;

-- Name: erasing_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.erasing_id() RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
declare
    v_id uuid := nullif(current_setting('fanfare.erasing', true), '')::uuid;
begin
    if v_id is not null and not exists (select from public.erasures e where e.subject_id = v_id) then
        return null;
    end if;
    return v_id;
end
$$;

-- Name: expire_llm(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.expire_llm(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: exports_to_do(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.exports_to_do(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid, expired boolean)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select e.customer_id, e.id, false
    from public.exports e
        join public.customers c on c.id = e.customer_id
    where e.state in ('queued', 'running')
        and not exists (
            select from river.river_job j
            where j.customer_id = e.customer_id and j.args ->> 'export_id' = e.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    union all
    select e.customer_id, e.id, true
    from public.exports e
        join public.customers c on c.id = e.customer_id
    where e.state = 'ready' and e.expires_at <= now()
    limit p_limit;
end
$$;

-- Name: find_credential(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_credential(p_integration_id uuid, p_purpose text, OUT credential bytea, OUT old_credential_id uuid, OUT deadline timestamp with time zone) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := tenancy.customer_id();
    v_move uuid;
    v_platform text;
begin
    credential := tenancy.use_credential(p_integration_id, p_purpose);
    if credential is not null then
        return;
    end if;
    select o.credential, o.id, m.deadline, m.id, o.platform into credential, old_credential_id, deadline, v_move, v_platform
    from public.integrations i
        join public.old_credentials o on o.id = i.old_credential_id and o.platform = i.platform and o.external_id = i.external_id
        join public.credential_moves m on m.customer_id = i.customer_id and m.old_owner_id = o.owner_id
    where i.customer_id = v_customer and i.id = p_integration_id and i.state = 'active' and i.key_id is null
        and m.ended_at is null and m.deadline > now();
    if credential is null then
        return;
    end if;
    update public.credential_moves m set uses = m.uses + 1, last_used_at = now() where m.customer_id = v_customer and m.id = v_move;
    update public.old_credentials o set uses = o.uses + 1, last_used_at = now() where o.id = old_credential_id;
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('old_credential.use', 'integration'),
        v_customer, p_integration_id::text, jsonb_build_object('purpose', p_purpose, 'platform', v_platform,
            'old_credential_id', old_credential_id, 'deadline', deadline)));
end
$$;

-- Name: find_llm_credential(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_llm_credential() RETURNS TABLE(id uuid, provider text, model text, base_url text, credential bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v record;
    v_space uuid := tenancy.space_id();
    v_people text[] := tenancy.own_people(tenancy.space_id());
begin
    if (tenancy.has_role('member') or tenancy.has_system_role('manager') or tenancy.has_permission('posts:write')) is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow asking a language model';
    end if;
    select c.id, c.provider, c.model, c.base_url, c.credential, c.person, c.space_id into v
    from public.credentials c
        left join public.spaces s on s.customer_id = c.customer_id and s.id = c.space_id
        left join public.space_people p on p.customer_id = c.customer_id and p.space_id = c.space_id and p.external_id = c.person
    where c.customer_id = tenancy.customer_id() and c.kind = 'llm' and c.withdrawn_at is null
        and (c.space_id is null or (c.space_id = v_space and s.ended_at is null
            and (c.person is null or case when c.person like 'agent:%' then c.person = any (v_people) or (c.shared_at is not null and tenancy.token_id() is not null)
                else p.id is not null and p.left_at is null and (c.person = any (v_people) or c.shared_at is not null) end)))
    order by coalesce(c.person = any (v_people), false) desc, c.person is null desc, c.space_id is null, c.shared_at, c.id
    limit 1;
    if v.id is null then
        return;
    end if;
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('credential.credential_use', 'credential'),
        tenancy.customer_id(), v.id::text, jsonb_build_object('purpose', 'generate')));
    return query select v.id, v.provider, v.model, v.base_url, v.credential;
end
$$;

-- Name: find_messages(uuid, text, uuid, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) RETURNS TABLE(id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
    v_query tsquery := tenancy.search_query(p_query);
    v_indexable text := querytree(v_query);
    v_in_space tsquery;
    v_found uuid[];
begin
    if (case when tenancy.token_id() is null and tenancy.key_id() is null and tenancy.space_person_id() is null then tenancy.reads_as_admin()
        when v_space is null then tenancy.has_permission('conversations:read')
        else v_space = p_space_id and tenancy.has_any_permission('conversations:read', 'memories:read') end) is not true
    then
        return;
    end if;
    v_found := array(
        select x.id
        from (
            select m.id, m.search from public.messages m
            where m.customer_id = v_customer and m.space_id = p_space_id and m.id < p_before
            order by m.id desc
            limit 2000) x
        where x.search @@ v_query
        order by x.id desc
        limit p_limit);
    if cardinality(v_found) >= p_limit then
        return query select unnest(v_found);
    elsif v_indexable in ('', 'T') then -- there is nothing in it that must be there
        return query
        select m.id from public.messages m
        where m.customer_id = v_customer and m.space_id = p_space_id and m.id < p_before and m.search @@ v_query
        order by m.id desc
        limit p_limit;
    else
        -- a phrase has its words, each of this space
        v_in_space := regexp_replace(regexp_replace(v_indexable, '<(-|\d+)>', '&', 'g'), '''((?:[^'']|'''')*)''', '''' || right(p_space_id::text, 12) || '\1''', 'g')::tsquery;
        -- planned anew each time, for these words
        return query execute '
            with found as materialized (
                select m.id from public.messages m
                where m.customer_id = $1 and m.space_id = $2 and m.id < $3 and tenancy.words_of_space(m.space_id, m.search) @@ $4 and m.search @@ $5)
            select f.id from found f
            order by f.id desc
            limit $6'
            using v_customer, p_space_id, p_before, v_in_space, v_query, p_limit;
    end if;
end
$_$;

-- Name: find_old_owner(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_old_owner(p_owner text) RETURNS SETOF uuid
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query select u.id from public.users u where u.subject = p_owner;
    if not found then
        return query select u.id from public.users u where lower(u.email) = lower(p_owner) and u.email_verified;
    end if;
end
$$;

-- Name: find_pairing_by_code(text, text, text, text, text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_pairing_by_code(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_code text) RETURNS TABLE(throttled boolean, customer_id uuid, id uuid)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_ids uuid[];
    v_customer uuid;
begin
    return query
    select false, p.customer_id, p.id from public.pairings p
    where p.platform = p_platform and p.bot = p_bot and p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.person_id = p_person
        and p.claimed_by = 'code' and p.claimed_at > now() - interval '15 minutes' and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8'))
    order by p.claimed_at desc
    limit 1;
    if found then
        return;
    end if;
    begin
        perform tenancy.charge(null, 'pair:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot, p_team, p_kind, p_chat)::text, 'UTF8')), 'hex'),
            'pair-chat', 5, 900);
        perform tenancy.charge(null, 'pair:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot)::text, 'UTF8')), 'hex'), 'pair-bot', 60, 900);
    exception when sqlstate 'FF005' then
        return query select true, null::uuid, null::uuid;
        return;
    end;
    v_ids := array(
        select p.id from public.pairings p
            join public.customers c on c.id = p.customer_id and c.archived_at is null
        where p.platform = p_platform and p.bot = p_bot and p.state = 'open' and p.expires_at > now()
            and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8')));
    if cardinality(v_ids) <> 1 then
        return;
    end if;
    select p.customer_id into v_customer from public.pairings p where p.id = v_ids[1] and p.platform = p_platform and p.bot = p_bot;
    begin
        perform tenancy.charge(null, 'pair:' || v_customer, 'pair-customer', 10, 3600);
    exception when sqlstate 'FF005' then
        return query select true, null::uuid, null::uuid;
        return;
    end;
    return query select false, v_customer, v_ids[1];
end
$$;

-- Name: find_pairing_by_link(text, text, text, text, text, text, bytea); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_pairing_by_link(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_link_hash bytea) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query select p.customer_id, p.id
    from public.pairings p
        join public.customers c on c.id = p.customer_id and c.archived_at is null
    where p.link_hash = p_link_hash and p.platform = p_platform and p.bot = p_bot
        and (p.state = 'open' and p.expires_at > now()
            or p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.person_id = p_person and p.claimed_by = 'link'
                and p.claimed_at > now() - interval '15 minutes');
end
$$;

-- Name: find_posts(text, uuid, text[], text, uuid, uuid, boolean, timestamp with time zone, uuid, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer) RETURNS TABLE(id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
    v_query tsquery := tenancy.post_query(v_customer, p_words);
    v_accounts uuid[];
begin
    if (p_words is not null and v_query is null) or (v_space <> p_space_id) is true
        or ((tenancy.key_id() is not null or tenancy.token_id() is not null or tenancy.space_person_id() is not null)
            and tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish') is not true)
    then
        return;
    end if;
    if p_platform is not null or p_integration_id is not null then
        v_accounts := array(
            select i.id from public.integrations i
            where i.customer_id = v_customer and (p_platform is null or i.platform = p_platform) and (p_integration_id is null or i.id = p_integration_id));
    end if;
    return query execute case when v_query is null then '' else '
            with found as materialized (
                select p.customer_id, p.id, p.campaign_id, p.state, p.space_id, p.scheduled_at from public.posts p
                where tenancy.words_of_post(p.customer_id, p.title, p.text) @@ $9)' end || '
        select p.id
        from ' || case when v_query is null then 'public.posts' else 'found' end || ' p
        where p.customer_id = $1'
        || case when p_campaign_id is null then '' else ' and p.campaign_id = $2' end
        || case when p_states is null then '' else ' and p.state = any ($3)' end
        || case when v_accounts is null then '' else ' and exists (
            select from public.platform_posts pp where pp.customer_id = p.customer_id and pp.post_id = p.id and pp.integration_id = any ($4))' end
        || case when coalesce(v_space, p_space_id) is null then '' else ' and p.space_id = $5' end
        || case when p_by_time is not true then ' and p.id < $7 order by p.id desc' else ' and p.scheduled_at is not null'
            || case when p_before_time is null then '' else ' and (p.scheduled_at, p.id) < ($6, $7)' end || ' order by p.scheduled_at desc, p.id desc' end
        || ' limit $8'
        using v_customer, p_campaign_id, p_states, v_accounts, coalesce(v_space, p_space_id), p_before_time, p_before, p_limit, v_query;
end
$_$;

-- Name: finish_erasure(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.finish_erasure(p_erasure uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    v_erasure public.erasures;
    v record;
    v_left boolean;
begin
    select * into v_erasure from public.erasures e where e.id = p_erasure for update;
    if v_erasure.id is null then
        raise no_data_found using message = 'there is no such erasure';
    end if;
    if v_erasure.state = 'finished' then
        return true;
    end if;
    perform set_config('fanfare.erasing', v_erasure.subject_id::text, true);
    if exists (select from public.customers c where c.id = v_erasure.subject_id) then
        return false;
    end if;
    for v in select e.table_name, e.column_name from tenancy.erased_columns() e loop
        execute format('select exists (select from %s where %I = $1)', v.table_name, v.column_name) into v_left using v_erasure.subject_id;
        if v_left then
            return false;
        end if;
    end loop;
    update public.erasures e set state = 'finished', finished_at = now() where e.id = p_erasure;
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase', 'customer', v_erasure.subject_id::text,
        jsonb_build_object('erasure_id', p_erasure, 'rows', v_erasure.counts, 'files', v_erasure.files));
    return true;
end
$_$;

-- Name: finish_file_change(uuid, text, text, bigint, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_change public.file_changes;
begin
    delete from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id returning * into v_change;
    if v_change.id is null then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
    if p_bytes > v_change.bytes then
        raise check_violation using message = 'the workspace has grown by more than the room that was held',
            constraint = 'workspaces_quota', table = 'workspaces', schema = 'public';
    end if;
    update public.workspaces w
    set bytes = greatest(w.bytes + p_bytes, 0), entries = greatest(w.entries + p_entries, 0), last_used_at = now(), announced_at = null
    where w.customer_id = v_change.customer_id and w.id = v_change.workspace_id;
    perform tenancy.audit_event(v_change.customer_id, 'file.' || v_change.kind, 'workspace', v_change.workspace_id::text,
        jsonb_strip_nulls(jsonb_build_object('path', left(p_path, 1024), 'to', left(p_to, 1024), 'bytes', p_bytes)));
end
$$;

-- Name: follow_alt_text(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_alt_text() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform tenancy.shown_changed(new.customer_id, array(
        select p.id
        from tenancy.posts_with_media(new.customer_id, new.id) s
            join public.posts p on p.customer_id = new.customer_id and p.id = s.post_id
        where p.state <> 'published'));
    -- after the posts are locked, so that none of them begins meanwhile
    if exists (
        select from public.platform_posts pp
        where pp.customer_id = new.customer_id and tenancy.is_settling(pp.state, pp.problem_class, pp.external_id) and (
            (not pp.own_media and exists (
                select from public.post_media m where m.customer_id = pp.customer_id and m.post_id = pp.post_id and m.media_id = new.id))
            or (pp.own_media and exists (
                    select from public.platform_post_media m
                where m.customer_id = pp.customer_id and m.platform_post_id = pp.id and m.media_id = new.id))))
    then
        raise check_violation using message = 'a post that shows the file is being published',
            constraint = 'media_alt_text_frozen', table = 'media', schema = 'public';
    end if;
    return null;
end
$$;

-- Name: follow_authorization(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_authorization() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update public.integrations i set state = 'needs_reauth', reason = new.reason, checked_at = now()
    where i.customer_id = new.customer_id and i.authorization_id = new.id and i.state = 'active';
    return null;
end
$$;

-- Name: follow_customer_name(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_customer_name() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform tenancy.shown_changed(new.id, array(
        select pp.post_id
        from public.platform_posts pp join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where pp.customer_id = new.id and pp.options ? 'template_id' and p.state <> 'published'));
    -- after the posts are locked, so that none of them begins meanwhile
    if exists (
        select from public.platform_posts pp
        where pp.customer_id = new.id and pp.options ? 'template_id'
            and tenancy.is_settling(pp.state, pp.problem_class, pp.external_id))
    then
        raise check_violation using message = 'a post that is being published uses a template',
            constraint = 'customers_name_frozen', table = 'customers', schema = 'public';
    end if;
    return null;
end
$$;

-- Name: follow_customer_webhooks(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_customer_webhooks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.webhook_deliveries d set next_at = case when new.archived_at is null and (d.event = 'webhook.test' or exists (
        select from public.webhook_endpoints e where e.customer_id = d.customer_id and e.id = d.endpoint_id and e.state = 'active')) then now() end
    where d.customer_id = new.id and d.state = 'pending';
    return null;
end
$$;

-- Name: follow_disconnection(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_disconnection() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- In the order in which everybody locks them.
    perform from public.posts p
    where p.customer_id = new.customer_id and p.id in (
        select pp.post_id from public.platform_posts pp
        where pp.customer_id = new.customer_id and pp.integration_id = new.id and pp.state = 'scheduled')
    order by p.id for no key update;
    update public.platform_posts pp
    set state = 'needs_attention', retry_at = null, problem_class = 'credential',
        problem = 'The account was disconnected before the post was sent. Nothing was published. Reconnect it and publish again, or cancel the post.'
    where pp.customer_id = new.customer_id and pp.integration_id = new.id and pp.state = 'scheduled';
    if old.is_default then
        update public.integrations i set is_default = true
        where i.customer_id = new.customer_id and i.id = (
            select x.id from public.integrations x
            where x.customer_id = new.customer_id and x.platform = new.platform and x.state <> 'disconnected'
            order by x.state = 'active' desc, x.id limit 1);
    end if;
    return null;
end
$$;

-- Name: follow_email_template(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_email_template() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform tenancy.shown_changed(new.customer_id, array(
        select pp.post_id
        from public.platform_posts pp join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where pp.customer_id = new.customer_id and pp.options ->> 'template_id' = new.id::text and pp.options ? 'template_id'
            and p.state <> 'published'));
    -- after the posts are locked, so that none of them begins meanwhile
    if exists (
        select from public.platform_posts pp
        where pp.customer_id = new.customer_id and pp.options ->> 'template_id' = new.id::text and pp.options ? 'template_id'
            and tenancy.is_settling(pp.state, pp.problem_class, pp.external_id))
    then
        raise foreign_key_violation using message = 'a post that is being published uses the template',
            constraint = 'email_templates_frozen', table = 'email_templates', schema = 'public';
    end if;
    return null;
end
$$;

-- Name: follow_last_account(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_last_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform from public.authorizations a
    where a.customer_id = old.customer_id and a.id = old.authorization_id
    for no key update;
    update public.authorizations a set state = 'revoking'
    where a.customer_id = old.customer_id and a.id = old.authorization_id and a.state in ('active', 'needs_reauth')
        and not exists (
            select from public.integrations i
            where i.customer_id = old.customer_id and i.authorization_id = old.authorization_id and i.state <> 'disconnected');
    return null;
end
$$;

-- Name: follow_media_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_media_content() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_posts uuid[];
    v_customer uuid;
begin
    if current_user = 'fanfare_definer' then
        return null;
    end if;
    if tg_table_name = 'post_media' then
        select array_agg(m.post_id), (array_agg(m.customer_id))[1] into v_posts, v_customer from changed m;
    else
        select array_agg(pp.post_id), (array_agg(m.customer_id))[1] into v_posts, v_customer
        from changed m join public.platform_posts pp on pp.customer_id = m.customer_id and pp.id = m.platform_post_id;
    end if;
    perform tenancy.shown_changed(v_customer, v_posts);
    return null;
end
$$;

-- Name: follow_memory_text(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_memory_text() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.embedding := null;
    new.embedding_model := null;
    return new;
end
$$;

-- Name: follow_platform_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_platform_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_customer uuid := coalesce(new.customer_id, old.customer_id);
    v_post uuid := coalesce(new.post_id, old.post_id);
    v_state text;
begin
    perform from public.posts p where p.customer_id = v_customer and p.id = v_post for no key update;
    select tenancy.post_state(array_agg(pp.state)) into v_state
    from public.platform_posts pp where pp.customer_id = v_customer and pp.post_id = v_post;
    update public.posts p set state = coalesce(v_state, p.state) where p.customer_id = v_customer and p.id = v_post;
    return null;
end
$$;

-- Name: follow_platform_post_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_platform_post_content() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'DELETE' then
        perform tenancy.content_changed(old.customer_id, old.post_id);
    else
        perform tenancy.content_changed(new.customer_id, new.post_id);
    end if;
    return null;
end
$$;

-- Name: follow_post_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_post_content() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform tenancy.content_changed(new.customer_id, new.id);
    return null;
end
$$;

-- Name: follow_recurring_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_recurring_content() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_row jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
    v_customer uuid := v_row ->> 'customer_id';
    v_post uuid := v_row ->> case when tg_table_name = 'posts' then 'id' else 'post_id' end;
    v_recurrence uuid;
begin
    if tg_table_name = 'platform_post_media' then
        select pp.post_id into v_post from public.platform_posts pp
        where pp.customer_id = v_customer and pp.id = (v_row ->> 'platform_post_id')::uuid;
    end if;
    if tg_nargs = 0 then
        update public.posts p set detached_at = now()
        where p.customer_id = v_customer and p.id = v_post and p.recurrence_id is not null and p.detached_at is null;
    end if;
    for v_recurrence in
        update public.recurring_posts r set look_at = now(), made_until = least(r.made_until, now())
        where r.customer_id = v_customer and r.post_id = v_post and r.state = 'active'
        returning r.id
    loop
        perform tenancy.remove_copies(v_customer, v_recurrence, now());
    end loop;
    return null;
end
$$;

-- Name: follow_recurring_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_recurring_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tg_op = 'UPDATE' then
        perform tenancy.remove_copies(new.customer_id, new.id, case when new.state = 'active' then now() end);
        return null;
    end if;
    if tenancy.erasing_id() is null then
        perform tenancy.remove_copies(old.customer_id, old.id, null);
    end if;
    update public.posts p set recurrence_id = null where p.customer_id = old.customer_id and p.recurrence_id = old.id;
    return old;
end
$$;

-- Name: follow_removed_bot(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_removed_bot() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update public.pairings p set state = case p.state when 'open' then 'revoked' else 'denied' end
    where p.customer_id = old.customer_id and p.platform = old.platform and p.bot = old.bot and p.state in ('open', 'claimed');
    update public.spaces s set ended_at = now(), ended_because = 'released'
    where s.customer_id = old.customer_id and s.platform = old.platform and s.bot = old.bot and s.ended_at is null;
    delete from public.chat_identities i where i.customer_id = old.customer_id and i.platform = old.platform and i.bot = old.bot;
    return null;
end
$$;

-- Name: follow_webhook_state(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.follow_webhook_state() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.webhook_deliveries d set next_at = case when new.state = 'active' then now() end
    where d.customer_id = new.customer_id and d.endpoint_id = new.id and d.state = 'pending' and d.event <> 'webhook.test';
    return null;
end
$$;

-- Name: forget_bot(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_bot() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.chat_updates u where u.platform = old.platform and u.bot = old.bot;
    delete from public.chat_outbox o where o.platform = old.platform and o.bot = old.bot;
    delete from public.chat_polls p where p.platform = old.platform and p.bot = old.bot;
    return null;
end
$$;

-- Name: forget_chat(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_chat() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if old.external_id is not null and not exists (
        select from public.spaces s
        where s.platform = old.platform and s.bot = old.bot and s.team = old.team and s.kind = old.kind and s.external_id = old.external_id
            and s.ended_at is null and s.customer_id <> old.customer_id)
    then
        delete from public.chat_updates u
        where u.platform = old.platform and u.bot = old.bot and u.team = old.team and u.kind = old.kind and u.chat = old.external_id;
        delete from public.chat_outbox o
        where o.platform = old.platform and o.bot = old.bot and o.team = old.team and o.kind = old.kind and o.chat = old.external_id;
        delete from river.river_job j
        where j.kind = 'chat' and j.args @> jsonb_build_object(
            'platform', old.platform, 'bot', old.bot, 'team', old.team, 'kind', old.kind, 'chat', old.external_id);
    end if;
    return null;
end
$$;

-- Name: forget_erased(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_erased() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
declare
    v record;
    v_count bigint;
    v_all bigint := 0;
begin
    for v in
        select c.table_name, c.column_name, e.subject_id
        from public.erasures e, tenancy.erased_columns() c
        where e.id in (
            select x.id from public.erasures x where x.state = 'finished' and x.finished_at > now() - interval '15 minutes'
            order by x.finished_at limit 500)
    loop
        perform set_config('fanfare.erasing', v.subject_id::text, true);
        execute format('delete from %s where %I = $1', v.table_name, v.column_name) using v.subject_id;
        get diagnostics v_count = row_count;
        v_all := v_all + v_count;
    end loop;
    return v_all;
end
$_$;

-- Name: forget_rate_limit(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_rate_limit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    delete from public.rate_limits l
    where l.customer_id = coalesce(new.customer_id, old.customer_id) and l.endpoint = coalesce(new.endpoint, old.endpoint);
    return null;
end
$$;

-- Name: forget_watched(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_watched() RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    delete from public.watched_topics w where w.until < now() - interval '1 hour';
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: forget_webhooks(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.forget_webhooks(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_deliveries bigint;
    v_secrets bigint;
begin
    delete from public.webhook_deliveries d where d.ctid = any (array(
        select o.ctid from public.webhook_deliveries o where o.created_at < now() - interval '30 days' order by o.created_at limit p_limit));
    get diagnostics v_deliveries = row_count;
    delete from public.webhook_secrets s where s.ctid = any (array(
        select o.ctid from public.webhook_secrets o where o.expires_at < now() order by o.expires_at limit p_limit));
    get diagnostics v_secrets = row_count;
    return greatest(v_deliveries, v_secrets);
end
$$;

-- Name: free_slot(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.free_slot() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.scheduled_at is distinct from new.slot_at or (new.state <> old.state and new.state in ('draft', 'cancelled')) then
        new.slot_at := null;
    end if;
    return new;
end
$$;

-- Name: freeze_job(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.freeze_job() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.kind is distinct from old.kind or new.customer_id is distinct from old.customer_id
        or new.args is distinct from old.args
    then
        raise insufficient_privilege using message = 'permission denied: a job''s kind, customer and arguments cannot be changed';
    end if;
    return new;
end
$$;

-- Name: give_up_webhooks(integer, text, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.give_up_webhooks(p_keep integer, p_problem text, p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_given_up bigint;
begin
    update public.webhook_deliveries d set state = 'failed', next_at = null, problem = p_problem
    from (
        select w.customer_id, w.id
        from (
            select o.customer_id, o.endpoint_id from public.webhook_deliveries o where o.state = 'pending'
            group by o.customer_id, o.endpoint_id having count(*) > p_keep) full_endpoints
            cross join lateral (
                select o.customer_id, o.id from public.webhook_deliveries o
                where o.customer_id = full_endpoints.customer_id and o.endpoint_id = full_endpoints.endpoint_id and o.state = 'pending'
                order by o.id desc offset p_keep) w
        limit p_limit) w
    where d.customer_id = w.customer_id and d.id = w.id and d.state = 'pending';
    get diagnostics v_given_up = row_count;
    return v_given_up;
end
$$;

-- Name: guard_agent_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_agent_content() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user = 'fanfare_agent' and not tenancy.has_permission('posts:write') then
        raise insufficient_privilege using message = 'permission denied: changing what a post says needs posts:write';
    end if;
    return new;
end
$$;

-- Name: guard_authorization(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_authorization() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') and new.credential is distinct from old.credential then
        new.state := 'active';
        new.reason := null;
        new.lease := null;
        new.lease_until := null;
        new.unanswered := false;
        new.failures := 0;
        new.failing_since := null;
        new.failure := null;
        new.reminded := null;
    end if;
    if new.state = 'ended' then
        new.credential := null;
        new.key_id := null;
        new.lease := null;
        new.lease_until := null;
    end if;
    if new.state <> 'active' then
        new.renew_at := null;
    end if;
    if new.state <> 'needs_reauth' then
        new.reason := null;
    end if;
    if new.state <> old.state then
        new.state_since := now();
    end if;
    return new;
end
$$;

-- Name: guard_backup(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_backup() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.requested_by is not null and (select count(*) from public.backups b where b.customer_id = new.customer_id and b.requested_by is not null
        and b.created_at > now() - interval '1 day') >= 10
    then
        raise check_violation using message = '10 backups were asked for within a day', constraint = 'backups_a_day', table = 'backups', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_bot(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_bot() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock(hashtextextended('bots of ' || new.customer_id::text, 0)), -- one after the other, so that the count is true
        pg_advisory_xact_lock(hashtextextended('bot ' || new.platform || ' ' || new.bot, 0));
    if (select count(*) from public.bots b where b.customer_id = new.customer_id) >= 20 then
        raise check_violation using message = 'a customer has at most 20 bots', constraint = 'bots_limit', table = 'bots', schema = 'public';
    end if;
    if exists (
        select from public.spaces s
        where s.platform = new.platform and s.bot = new.bot and s.ended_at is null and s.customer_id <> new.customer_id)
        or exists (
        select from public.pairings p
        where p.platform = new.platform and p.bot = new.bot and p.state in ('open', 'claimed') and p.customer_id <> new.customer_id)
    then
        raise unique_violation using message = 'somebody else uses the bot', constraint = 'bots_bot_key', table = 'bots', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_bot_update(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_bot_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        new.state := 'active';
        new.problem := null;
        if new.credential is distinct from old.credential then
            new.given_by := tenancy.user_id();
        end if;
    end if;
    return new;
end
$$;

-- Name: guard_chat_of_bot(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_chat_of_bot() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('bot ' || new.platform || ' ' || new.bot, 0));
    if exists (select from public.bots b where b.platform = new.platform and b.bot = new.bot and b.customer_id <> new.customer_id) then
        raise foreign_key_violation using message = 'there is no such bot', constraint = 'bots_of_others', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_connect_session(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_connect_session() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.state in ('connected', 'failed')
        or new.state = 'started' and old.state <> 'started'
        or new.state = 'answered' and old.state <> 'started' and new.state <> old.state
        or new.state = 'choosing' and old.state not in ('answered', 'choosing')
    then
        raise check_violation using message = format('a connect session that is %s cannot become %s', old.state, new.state),
            constraint = 'connect_sessions_state_transition', table = 'connect_sessions', schema = 'public';
    end if;
    if new.state in ('connected', 'failed') then
        new.secret := null;
        new.key_id := null;
    elsif new.state = 'choosing' and old.state <> 'choosing' then
        new.expires_at := now() + interval '30 minutes';
    elsif new.state = 'answered' and old.state <> 'answered' then
        new.answered_at := now();
    end if;
    return new;
end
$$;

-- Name: guard_credential(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_credential() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_person boolean := current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin');
begin
    if tg_op = 'INSERT' then
        -- what is another customer's, the policies refuse
        if v_person and new.customer_id = tenancy.customer_id() and new.space_id is not null and not tenancy.hold_space(new.space_id, new.person) then
            raise foreign_key_violation using message = 'the space has ended, or the person is not in it',
                constraint = 'credentials_space_fkey', table = 'credentials', schema = 'public';
        end if;
        return new;
    end if;
    if old.withdrawn_at is not null and v_person then
        raise check_violation using message = 'the credential is withdrawn', constraint = 'credentials_ended', table = 'credentials', schema = 'public';
    end if;
    if new.withdrawn_at is not null then
        new.withdrawn_at := coalesce(old.withdrawn_at, now());
        new.shared_at := null;
        if new.login is distinct from 'oauth' then
            new.credential := null;
            new.key_id := null;
        end if;
        new.next_check_at := null;
        new.renew_at := null;
    end if;
    -- consent is for what it was given for
    if v_person and new.credential is distinct from old.credential and new.shared_at is not distinct from old.shared_at then
        new.shared_at := null;
    end if;
    if new.shared_at is null then
        new.shared_by := null;
    elsif old.shared_at is not null and new.credential is not distinct from old.credential then
        new.shared_at := old.shared_at;
        new.shared_by := old.shared_by;
    elsif v_person then
        if not tenancy.hold_space(new.space_id, new.person) then
            raise insufficient_privilege using message = 'permission denied: the person is not in the space';
        end if;
        -- whoever's key it is sees what is asked with it
        if current_user = 'fanfare_agent' and new.kind = 'llm' and not tenancy.has_permission('posts:write') then
            raise insufficient_privilege using message = 'permission denied: what posts are written with is shared by those who write posts';
        end if;
        new.shared_at := now();
        new.shared_by := tenancy.actor_id();
    end if;
    if v_person then
        if (current_user = 'fanfare_user' and not tenancy.has_role('member') or current_user = 'fanfare_agent' and not tenancy.has_permission('credentials:write'))
            and ((new.name, new.provider, new.model, new.base_url, new.hint) is distinct from (old.name, old.provider, old.model, old.base_url, old.hint)
                or (new.credential is distinct from old.credential and new.withdrawn_at is null) or (new.shared_at is not null and old.shared_at is null))
        then
            raise insufficient_privilege using message = 'permission denied: it can only be taken back';
        end if;
        if new.credential is distinct from old.credential and new.withdrawn_at is null then
            new.status := 'unchecked';
            new.server := null;
            new.failure_code := null;
            new.failure := null;
            new.failures := 0;
            new.checked_at := null;
            new.next_check_at := now();
            new.lease := null;
            new.lease_until := null;
            new.unanswered := false;
        end if;
    end if;
    return new;
end
$$;

-- Name: guard_customer(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_customer() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.archived_at is distinct from new.archived_at then
        if current_user = 'fanfare_user' and tenancy.member_role() is distinct from 'owner' then
            raise insufficient_privilege using message = 'permission denied: only an owner archives a customer';
        end if;
        -- Archived is a fact with a time of its own, not a time to choose.
        if new.archived_at is not null then
            new.archived_at := now();
        end if;
    end if;
    -- whatever else: not even together with the end of it
    if old.archived_at is not null and current_user in ('fanfare_user', 'fanfare_admin')
        and (new.archived_at is not null or new.name <> old.name)
    then
        raise insufficient_privilege using message = 'permission denied: the customer is archived';
    end if;
    if current_user in ('fanfare_user', 'fanfare_admin')
        and (old.approval_required, old.approver_role, old.self_approval) is distinct from (new.approval_required, new.approver_role, new.self_approval)
        and not coalesce(tenancy.has_system_role('manager') or tenancy.has_role(old.approver_role), false)
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow changing how posts are approved';
    end if;
    return new;
end
$$;

-- Name: guard_email_template(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_email_template() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_state text;
begin
    select pp.state into v_state
    from public.platform_posts pp
    where pp.customer_id = old.customer_id and pp.options ->> 'template_id' = old.id::text and pp.options ? 'template_id'
        and (tenancy.is_settling(pp.state, pp.problem_class, pp.external_id)
            or pp.state = any (case when tg_op = 'DELETE' then array['pending_approval', 'approved', 'scheduled']
                when current_user = 'fanfare_agent' and not tenancy.has_permission('posts:publish') then array['approved', 'scheduled']
                else array[]::text[] end))
    -- what forbids most
    order by tenancy.is_settling(pp.state, pp.problem_class, pp.external_id) desc
    limit 1;
    if tg_op = 'UPDATE' and v_state in ('approved', 'scheduled') then
        raise insufficient_privilege using message = 'permission denied: a post that uses the template cannot be changed as it is';
    elsif v_state is not null then
        raise foreign_key_violation using message = format('a post that is %s uses the template', v_state),
            constraint = case when tg_op = 'DELETE' then 'email_templates_in_use' else 'email_templates_frozen' end,
            table = 'email_templates', schema = 'public';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end
$$;

-- Name: guard_hold_of_erased(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_hold_of_erased() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform from public.customers c where c.id = new.customer_id and c.erasing_at is null for key share;
    if not found then
        raise no_data_found using message = 'there is no such customer', constraint = 'workspace_policies_customer_there', table = 'workspace_policies', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_integration(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_integration() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'UPDATE' then
        if new.state <> 'needs_reauth' then
            new.reason := null;
        end if;
        if new.state <> old.state then
            new.state_since := now();
        end if;
        if new.state = 'disconnected' then
            new.is_default := false;
        end if;
    end if;
    if new.state <> 'disconnected' and (tg_op = 'INSERT' or old.state = 'disconnected') and not exists (
        select from public.integrations i where i.customer_id = new.customer_id and i.platform = new.platform and i.is_default)
    then
        new.is_default := true;
    end if;
    return new;
end
$$;

-- Name: guard_invitation(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_invitation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if (old.accepted_at is not null or old.revoked_at is not null)
        and (new.accepted_at, new.accepted_by, new.revoked_at) is distinct from (old.accepted_at, old.accepted_by, old.revoked_at)
    then
        raise check_violation using message = 'the invitation is over',
            constraint = 'invitations_over', table = 'invitations', schema = 'public';
    end if;
    if old.revoked_at is null and new.revoked_at is not null then
        new.revoked_at := now();
    end if;
    if new.accepted_at is not null or new.revoked_at is not null then
        new.sealed_token := null;
        new.key_id := null;
    end if;
    return new;
end
$$;

-- Name: guard_mcp_server(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_mcp_server() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'INSERT' then
        -- what is another customer's, the policies refuse
        if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') and new.customer_id = tenancy.customer_id() and not tenancy.hold_space(new.space_id, null) then
            raise foreign_key_violation using message = 'there is no such space, or it has ended',
                constraint = 'mcp_servers_space_fkey', table = 'mcp_servers', schema = 'public';
        end if;
        perform pg_catalog.pg_advisory_xact_lock(7262837, hashtext(new.customer_id::text));
        if (select count(*) from public.mcp_servers m where m.customer_id = new.customer_id and m.space_id = new.space_id) >= 50 then
            raise check_violation using message = 'a space has at most 50 MCP servers',
                constraint = 'mcp_servers_limit', table = 'mcp_servers', schema = 'public';
        end if;
        if (select count(*) from public.mcp_servers m where m.customer_id = new.customer_id) >= 200 then
            raise check_violation using message = 'a customer has at most 200 MCP servers',
                constraint = 'mcp_servers_customer_limit', table = 'mcp_servers', schema = 'public';
        end if;
        return new;
    end if;
    if new.url <> old.url then
        new.status := 'unchecked';
        new.login := null;
        new.server := null;
        new.failure_code := null;
        new.failure := null;
        new.failures := 0;
        new.checked_at := null;
        new.next_check_at := now();
        new.metadata := null;
        new.registration := null;
        new.key_id := null;
    end if;
    return new;
end
$$;

-- Name: guard_media(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_media() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'INSERT' then
        if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
            -- where its bytes are is not for the caller to say
            new.path := 'customers/' || new.customer_id || '/media/' || new.id;
        end if;
        return new;
    end if;
    if old.state <> new.state and (old.state, new.state) not in (('uploading', 'ready'), ('uploading', 'deleting'), ('ready', 'deleting')) then
        raise check_violation using message = format('a file that is %s cannot become %s', old.state, new.state),
            constraint = 'media_state_transition', table = 'media', schema = 'public';
    end if;
    if old.state <> 'uploading' and (old.content_type, old.bytes, old.sha256, old.width, old.height, old.duration_ms, old.animated,
        old.source, old.source_id, old.source_url, old.photographer, old.photographer_url)
        is distinct from (new.content_type, new.bytes, new.sha256, new.width, new.height, new.duration_ms, new.animated,
        new.source, new.source_id, new.source_url, new.photographer, new.photographer_url)
    then
        raise check_violation using message = 'a file that is uploaded does not change',
            constraint = 'media_file_frozen', table = 'media', schema = 'public';
    end if;
    -- What a post says that is on its way is not for a key that only writes drafts.
    if current_user = 'fanfare_agent' and old.alt_text <> new.alt_text and not tenancy.has_permission('posts:publish') and exists (
        select from tenancy.posts_with_media(new.customer_id, new.id) s
            join public.posts p on p.customer_id = new.customer_id and p.id = s.post_id
        where p.state not in ('draft', 'pending_approval', 'failed', 'cancelled'))
    then
        raise insufficient_privilege using message = 'permission denied: a post that shows the file cannot be changed as it is';
    end if;
    if old.state = 'uploading' and new.bytes > old.bytes then
        raise check_violation using message = 'the file is larger than the room that was reserved for it',
            constraint = 'media_quota', table = 'media', schema = 'public';
    end if;
    if old.state = 'ready' and new.state = 'deleting' and (
        exists (select from public.post_media m where m.customer_id = new.customer_id and m.media_id = new.id)
        or exists (select from public.platform_post_media m where m.customer_id = new.customer_id and m.media_id = new.id))
    then
        raise foreign_key_violation using message = 'a post shows the file',
            constraint = 'media_in_use', table = 'media', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_media_of_space(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_media_of_space() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tenancy.space_id() is not null and tenancy.media_shown_elsewhere(new.id) then
        if new.state <> old.state then
            raise foreign_key_violation using message = 'a post shows the file', constraint = 'media_in_use', table = 'media', schema = 'public';
        end if;
        raise insufficient_privilege using message = 'permission denied: a post that is not of this space shows the file';
    end if;
    return new;
end
$$;

-- Name: guard_membership(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_membership() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := case when tg_op = 'INSERT' then new.customer_id else old.customer_id end;
    v_role text;
begin
    -- Without a statement that sees what was committed meanwhile, the checks below prove nothing.
    if current_setting('transaction_isolation') = 'repeatable read' then
        raise feature_not_supported using message = 'members are changed in a read committed transaction';
    end if;
    if tenancy.member_role() is not null and v_customer <> tenancy.customer_id() then
        -- The policy would say so too, but after the lock.
        raise insufficient_privilege using message = 'permission denied: the membership is of another customer';
    end if;
    perform from public.customers c where c.id = v_customer for no key update;
    if tenancy.member_role() is not null then
        select m.role into v_role from public.memberships m
        where m.customer_id = v_customer and m.user_id = tenancy.user_id();
        if v_role is distinct from tenancy.member_role() then
            -- The transaction runs again and enters with the role of now.
            raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
        end if;
    end if;
    if tg_op <> 'INSERT' and old.role = 'owner' and (tg_op = 'DELETE' or new.role <> 'owner') then
        if not exists (
            select from public.memberships m
            where m.customer_id = old.customer_id and m.role = 'owner' and m.user_id <> old.user_id
        ) then
            raise check_violation using message = 'the last owner cannot leave or be demoted',
                constraint = 'memberships_keep_an_owner', table = 'memberships', schema = 'public';
        end if;
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;

-- Name: guard_name(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_name() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- white space of Unicode and what joins or turns letters, whatever the database's locale is
    if new.name ~ '[^\s\u0085\u00a0\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]' or tg_op = 'UPDATE' and new.name = old.name then
        return new;
    end if;
    raise check_violation using message = 'the name is nothing but white space',
        constraint = tg_table_name || '_name_not_blank', table = tg_table_name, schema = 'public';
end
$$;

-- Name: guard_old_credential(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_old_credential() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.state = 'disconnected' then
        new.old_credential_id := null;
    elsif new.credential is null and old.credential is not null then
        raise check_violation using message = 'an account that is connected has a credential',
            constraint = 'integrations_credential_held', table = 'integrations', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_pairing(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_pairing() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'INSERT' then
        if current_user = 'fanfare_agent' and new.own then
            raise insufficient_privilege using message = 'permission denied: a key or token has no chat of its own';
        end if;
        new.by_program := current_user = 'fanfare_agent';
        -- one after the other, so that the count is true
        perform pg_advisory_xact_lock(hashtextextended('pairings of ' || new.customer_id::text, 0));
        if (select count(*) from public.pairings p where p.customer_id = new.customer_id and p.state in ('open', 'claimed') and p.expires_at > now()) >= 10 then
            raise check_violation using message = 'ten pairings wait already', constraint = 'pairings_open_limit', table = 'pairings', schema = 'public';
        end if;
        -- programs leave room for people
        if new.by_program and (
            select count(*) from public.pairings p
            where p.customer_id = new.customer_id and p.by_program and p.state in ('open', 'claimed') and p.expires_at > now()) >= 5
        then
            raise check_violation using message = 'five pairings of programs wait already', constraint = 'pairings_program_limit', table = 'pairings', schema = 'public';
        end if;
        return new;
    end if;
    if old.state in ('done', 'denied', 'expired', 'revoked') then
        raise check_violation using message = format('the pairing is %s', old.state),
            constraint = 'pairings_ended', table = 'pairings', schema = 'public';
    end if;
    if (old.state, new.state) in (('claimed', 'open'), ('claimed', 'revoked'), ('open', 'done'), ('open', 'denied')) then
        raise check_violation using message = format('a pairing that is %s cannot become %s', old.state, new.state),
            constraint = 'pairings_state_transition', table = 'pairings', schema = 'public';
    end if;
    if current_user in ('fanfare_user', 'fanfare_admin', 'fanfare_agent') then
        if new.state not in (old.state, 'denied', 'revoked') then
            raise insufficient_privilege using message = 'permission denied: the chat decides that';
        end if;
        if new.confirmed_at is distinct from old.confirmed_at then
            if old.state <> 'claimed' or old.claimed_by <> 'code' or old.expires_at <= now() then
                raise check_violation using message = 'there is nothing to confirm', constraint = 'pairings_state_transition', table = 'pairings', schema = 'public';
            end if;
            -- Whoever is in that chat would speak as the member who made it.
            if old.own and old.kind = 'user' and old.created_by is distinct from tenancy.user_id() then
                raise insufficient_privilege using message = 'permission denied: only whoever made the pairing knows whether the chat is their own';
            end if;
            if not tenancy.pairing_stands(old.id) then
                raise check_violation using message = 'whoever made the pairing may not pair any more', constraint = 'pairings_maker', table = 'pairings', schema = 'public';
            end if;
            new.confirmed_at := coalesce(old.confirmed_at, now());
            new.confirmed_by := coalesce(old.confirmed_by, tenancy.user_id());
        end if;
    elsif current_user = 'fanfare_worker' and new.state = 'done' and not (new.claimed_by = 'link' or new.confirmed_at is not null) then
        raise insufficient_privilege using message = 'permission denied: nobody has confirmed what a code has brought';
    elsif current_user = 'fanfare_worker' and new.state = 'done' and not tenancy.pairing_stands(old.id) then
        raise insufficient_privilege using message = 'permission denied: whoever made the pairing may not pair any more';
    end if;
    return new;
end
$$;

-- Name: guard_platform_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_platform_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    -- whoever maintains the database is no tenant's caller
    v_caller boolean := current_user not in ('fanfare_worker', 'fanfare_definer')
        and not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user);
begin
    -- A post that is published stays so: no account is added to it, and none that was cancelled comes back.
    if (tg_op = 'INSERT' or (old.state = 'cancelled' and new.state <> 'cancelled')) and exists (
        select from public.posts p
        where p.customer_id = new.customer_id and p.id = new.post_id and p.state = 'published')
    then
        raise check_violation using message = 'the post is published already; make a new post for another account',
            constraint = 'platform_posts_state_transition', table = 'platform_posts', schema = 'public';
    end if;
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            raise check_violation using message = 'a platform post begins as a draft',
                constraint = 'platform_posts_state_transition', table = 'platform_posts', schema = 'public';
        end if;
        return new;
    end if;
    if not tenancy.transition_allowed('platform_post', old.state, new.state) then
        raise check_violation using message = format('a platform post that is %s cannot become %s', old.state, new.state),
            constraint = 'platform_posts_state_transition', table = 'platform_posts', schema = 'public';
    end if;
    if v_caller then
        -- Only the worker knows that a platform has a post. A person may say so of one that needs attention.
        if (old.state <> new.state and (
                new.state in ('publishing', 'failed', 'needs_attention')
                or old.state = 'publishing'
                or (new.state = 'published' and old.state <> 'needs_attention')))
            or ((new.external_id, new.external_url, new.published_at) is distinct from (old.external_id, old.external_url, old.published_at)
                and (old.state, new.state) <> ('needs_attention', 'published'))
        then
            raise insufficient_privilege using message = 'permission denied: only the worker reports what was published';
        end if;
        -- Whether it is there or is to be posted again is for a person to decide, who has looked. What was never sent,
        -- because its account was not connected, needs no look.
        if current_user = 'fanfare_agent' and old.state = 'needs_attention' and (new.state = 'published'
            or (new.state in ('scheduled', 'cancelled') and (old.problem_class is distinct from 'credential' or old.external_id is not null)))
        then
            raise insufficient_privilege using message = 'permission denied: what became of the post is for a person to say';
        end if;
        -- Why it came to this stays known until it is decided.
        if new.problem_class is distinct from old.problem_class and (
            (old.state = 'needs_attention' and new.state in ('needs_attention', 'cancelled')) or (old.state = 'cancelled' and new.state = 'cancelled'))
        then
            raise insufficient_privilege using message = 'permission denied: only the worker reports what was published';
        end if;
        -- What may be out is not submitted as if it were not, nor posted again because it was cancelled meanwhile.
        if (old.state = 'needs_attention' and new.state = 'pending_approval' and (old.problem_class is distinct from 'credential' or old.external_id is not null))
            or (old.state = 'cancelled' and new.state <> 'cancelled' and (old.problem_class = 'unknown_outcome' or old.external_id is not null))
        then
            raise check_violation using message = 'nobody knows whether the post is there, or part of it is',
                constraint = 'platform_posts_state_transition', table = 'platform_posts', schema = 'public';
        end if;
        if new.state = 'scheduled' and old.state <> 'scheduled' then
            -- Nothing is put on its way in a customer that is being archived at this moment.
            perform tenancy.hold_customer();
            new.first_attempt := old.attempt + 1;
        end if;
        if new.state in ('approved', 'scheduled') and new.state <> old.state
            and (select a.required from tenancy.approval() a)
        then
            -- locked, so that nobody changes it before this is done
            perform from public.posts p
            where p.customer_id = new.customer_id and p.id = new.post_id and p.approved_at is not null
            for no key update;
            if not found then
                raise check_violation using message = 'the post must be approved first',
                    constraint = 'platform_posts_approved_first', table = 'platform_posts', schema = 'public';
            end if;
        end if;
    end if;
    if (new.text, new.options, new.own_media) is distinct from (old.text, old.options, old.own_media)
        -- with an external_id, part of it is out already
        and (old.state in ('publishing', 'published', 'needs_attention') or old.external_id is not null)
    then
        raise check_violation using message = format('a platform post that is %s cannot be changed', old.state),
            constraint = 'platform_posts_content_frozen', table = 'platform_posts', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_platform_post_media(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_platform_post_media() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_row public.platform_post_media := case when tg_op = 'DELETE' then old else new end;
    v_state text;
    v_external text;
begin
    perform from public.posts p
    where p.customer_id = v_row.customer_id and p.id = (
        select pp.post_id from public.platform_posts pp
        where pp.customer_id = v_row.customer_id and pp.id = v_row.platform_post_id)
    for no key update;
    select pp.state, pp.external_id into v_state, v_external
    from public.platform_posts pp where pp.customer_id = v_row.customer_id and pp.id = v_row.platform_post_id
    for no key update;
    if not found and current_user = 'fanfare_agent' then
        raise insufficient_privilege using message = 'permission denied: the post cannot be changed as it is';
    end if;
    if v_state in ('publishing', 'published', 'needs_attention') or v_external is not null then
        raise check_violation using message = format('a platform post that is %s cannot be changed', v_state),
            constraint = 'platform_posts_content_frozen', table = 'platform_posts', schema = 'public';
    end if;
    return v_row;
end
$$;

-- Name: guard_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_approval record;
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            raise check_violation using message = 'a post begins as a draft',
                constraint = 'posts_state_transition', table = 'posts', schema = 'public';
        end if;
        if current_user = 'fanfare_agent' then
            new.edited_for := tenancy.acts_for();
        end if;
        return new;
    end if;
    if not tenancy.transition_allowed('post', old.state, new.state) then
        raise check_violation using message = format('a post that is %s cannot become %s', old.state, new.state),
            constraint = 'posts_state_transition', table = 'posts', schema = 'public';
    end if;
    -- What is being published, or is out, is not rewritten behind its back.
    if (new.title, new.text) is distinct from (old.title, old.text)
        and (old.state in ('publishing', 'published', 'partially_published', 'needs_attention')
            -- or part of it is out already
            or exists (
                select from public.platform_posts pp
                where pp.customer_id = new.customer_id and pp.post_id = new.id and pp.external_id is not null
                    and (pp.text is null or new.title <> old.title)))
    then
        raise check_violation using message = format('a post that is %s cannot be changed', old.state),
            constraint = 'posts_content_frozen', table = 'posts', schema = 'public';
    end if;
    if current_user not in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        return new;
    end if;
    -- Who did it is not for the caller to say. A key, which is nobody, does not hide who did it before, and what it does
    -- counts as done by whoever made it, too.
    if (new.title, new.text, new.edited_by, new.edited_for) is distinct from (old.title, old.text, old.edited_by, old.edited_for) then
        new.edited_by := coalesce(tenancy.user_id(), old.edited_by);
        new.edited_for := tenancy.acts_for();
    end if;
    if (new.submitted_by, new.submitted_for) is distinct from (old.submitted_by, old.submitted_for) then
        new.submitted_by := coalesce(tenancy.user_id(), old.submitted_by);
        new.submitted_for := tenancy.acts_for();
    end if;
    -- What says something else is approved by nobody, not even in the same statement.
    if (new.title, new.text) is distinct from (old.title, old.text) then
        new.approved_at := null;
    end if;
    if new.approved_at is null then
        new.approved_by := null;
    elsif new.approved_at is distinct from old.approved_at then
        if not tenancy.may_approve() then
            raise insufficient_privilege using message = 'permission denied: the role does not allow approving';
        end if;
        select * into v_approval from tenancy.approval();
        if not v_approval.self_approval and tenancy.user_id() in (old.edited_by, old.submitted_by, old.edited_for, old.submitted_for) then
            raise insufficient_privilege using message = 'permission denied: somebody else must approve what one wrote or submitted';
        end if;
        new.approved_at := now();
        new.approved_by := tenancy.user_id();
    end if;
    -- What was put on its way before approval was asked for goes out as it was planned, and at no other time.
    if new.scheduled_at is distinct from old.scheduled_at and new.approved_at is null and (select a.required from tenancy.approval() a)
        and exists (
            select from public.platform_posts pp
            where pp.customer_id = new.customer_id and pp.post_id = new.id and pp.state = 'scheduled')
    then
        raise check_violation using message = 'the post must be approved first, to go out at another time',
            constraint = 'posts_time_approved_first', table = 'posts', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_post_media(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_post_media() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_row public.post_media := case when tg_op = 'DELETE' then old else new end;
    v_state text;
begin
    select p.state into v_state
    from public.posts p where p.customer_id = v_row.customer_id and p.id = v_row.post_id
    for no key update;
    if not found and current_user = 'fanfare_agent' then
        raise insufficient_privilege using message = 'permission denied: the post cannot be changed as it is';
    end if;
    if v_state in ('publishing', 'published', 'partially_published', 'needs_attention') or exists (
        select from public.platform_posts pp
        where pp.customer_id = v_row.customer_id and pp.post_id = v_row.post_id and pp.external_id is not null and not pp.own_media)
    then
        raise check_violation using message = format('a post that is %s cannot be changed', v_state),
            constraint = 'posts_content_frozen', table = 'posts', schema = 'public';
    end if;
    return v_row;
end
$$;

-- Name: guard_post_review(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_post_review() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_post record;
begin
    if current_user not in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        return new;
    end if;
    select p.version, p.approved_at, p.approved_by into v_post
    from public.posts p where p.customer_id = new.customer_id and p.id = new.post_id for no key update;
    if not found then
        -- a key may comment on what it may not change
        select p.version, p.approved_at, p.approved_by into v_post
        from public.posts p where p.customer_id = new.customer_id and p.id = new.post_id;
    end if;
    -- What was approved is the version before, which the approval itself has made a new one of.
    new.post_version := coalesce(v_post.version - case when new.verdict = 'approved' then 1 else 0 end, new.post_version);
    if (new.verdict in ('approved', 'rejected') and not tenancy.may_approve())
        or (new.verdict = 'approved' and (v_post.approved_at, v_post.approved_by) is distinct from (now(), tenancy.user_id()))
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow approving';
    end if;
    return new;
end
$$;

-- Name: guard_recurring_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_recurring_content() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_row jsonb := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
    v_customer uuid := v_row ->> 'customer_id';
    v_posts uuid[];
begin
    if tenancy.has_permission('posts:publish') then
        return null;
    end if;
    v_posts := case tg_table_name
        when 'posts' then array[(v_row ->> 'id')::uuid]
        when 'media' then array(select s.post_id from tenancy.posts_with_media(v_customer, (v_row ->> 'id')::uuid) s)
        when 'email_templates' then array(
            select pp.post_id from public.platform_posts pp
            where pp.customer_id = v_customer and pp.options ->> 'template_id' = v_row ->> 'id' and pp.options ? 'template_id')
        when 'platform_post_media' then array(
            select pp.post_id from public.platform_posts pp
            where pp.customer_id = v_customer and pp.id = (v_row ->> 'platform_post_id')::uuid)
        else array[(v_row ->> 'post_id')::uuid]
    end;
    if exists (
        select from public.recurring_posts r
        where r.customer_id = v_customer and r.post_id = any (v_posts) and r.state = 'active')
    then
        raise insufficient_privilege using message = 'permission denied: a post that recurs goes out as it is; changing it needs posts:publish';
    end if;
    return null;
end
$$;

-- Name: guard_recurring_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_recurring_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        -- Nothing recurs in a customer that is being archived at this moment.
        perform tenancy.hold_customer();
        if tg_op = 'INSERT' then
            if exists (select from public.posts p where p.customer_id = new.customer_id and p.id = new.post_id and p.recurrence_id is not null) then
                raise check_violation using message = 'a copy of a recurring post does not recur itself',
                    constraint = 'recurring_posts_of_original', table = 'recurring_posts', schema = 'public';
            end if;
        elsif (old.rrule, old.starts_local, old.time_zone, old.state) is distinct from (new.rrule, new.starts_local, new.time_zone, new.state) then
            -- What comes next is reckoned anew from this moment on.
            new.made_until := now();
            new.look_at := now();
            new.problem := null;
        end if;
    elsif current_user = 'fanfare_worker' and new.state <> old.state and (old.state, new.state) <> ('active', 'ended') then
        raise insufficient_privilege using message = 'permission denied: workers only end what recurs';
    end if;
    return new;
end
$$;

-- Name: guard_restore(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_restore() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.state <> old.state and (
        current_user in ('fanfare_user', 'fanfare_admin') and (old.state, new.state) <> ('planned', 'queued')
        or (old.state, new.state) not in (('planning', 'planned'), ('planning', 'failed'), ('planned', 'queued'), ('planned', 'failed'), ('queued', 'running'),
            ('queued', 'failed'), ('running', 'applying'), ('running', 'done'), ('running', 'failed'), ('applying', 'done'), ('applying', 'failed')))
    then
        raise check_violation using message = format('a restore that is %s cannot become %s', old.state, new.state),
            constraint = 'restores_state_transition', table = 'restores', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_restored_backup(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_restored_backup() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_state text := (select b.state from public.backups b where b.customer_id = new.customer_id and b.id = new.backup_id);
begin
    if v_state <> 'ready' then
        raise check_violation using message = 'the backup is not ready', constraint = 'restores_of_ready', table = 'restores', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_revocation(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_revocation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.revoked_at is not null then
        new.revoked_at := old.revoked_at;
    elsif new.revoked_at is not null then
        new.revoked_at := now();
    end if;
    return new;
end
$$;

-- Name: guard_shown_media(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_shown_media() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    v_state text;
begin
    select m.state into v_state from public.media m where m.customer_id = new.customer_id and m.id = new.media_id for share;
    if v_state <> 'ready' or (v_state is null and tenancy.space_id() is not null) then
        raise foreign_key_violation using message = 'there is no such file',
            constraint = tg_table_name || '_media_fkey', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_space(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_space() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if old.ended_at is not null then
        raise check_violation using message = 'the space has ended', constraint = 'spaces_ended', table = 'spaces', schema = 'public';
    elsif new.ended_at is not null then
        new.ended_at := now();
        if current_user in ('fanfare_user', 'fanfare_admin') then
            new.ended_because := 'released';
        end if;
    end if;
    return new;
end
$$;

-- Name: guard_webhook(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_webhook() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if new.state <> old.state then
        new.state_since := now();
    end if;
    if current_user in ('fanfare_user', 'fanfare_admin') then
        if new.state <> old.state then
            if new.state = 'disabled' then
                raise insufficient_privilege using message = 'permission denied: an endpoint says itself that it is gone';
            end if;
            new.reason := case new.state when 'paused' then 'person' end;
        end if;
        if (new.state = 'active' and old.state <> 'active') or new.url <> old.url then
            new.failing_since := null;
            new.failures := 0;
        end if;
    end if;
    return new;
end
$$;

-- Name: guard_webhook_delivery(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_webhook_delivery() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        if new.state <> 'pending' then
            raise insufficient_privilege using message = 'permission denied: only the worker reports what was delivered';
        end if;
        new.round := 0;
        new.delivered_at := null;
        new.next_at := case when new.event = 'webhook.test' or exists (
            select from public.webhook_endpoints e
            where e.customer_id = new.customer_id and e.id = new.endpoint_id and e.state = 'active') then now() end;
    end if;
    return new;
end
$$;

-- Name: guard_webhook_secret(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_webhook_secret() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        new.expires_at := least(new.expires_at, old.expires_at, now() + interval '24 hours');
    end if;
    return new;
end
$$;

-- Name: guard_workspace_policy(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_workspace_policy() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user = 'fanfare_user' and new.quota is distinct from (case when tg_op = 'UPDATE' then old.quota end) then
        raise insufficient_privilege using message = 'permission denied: the quota is for whoever runs the installation to say';
    end if;
    if current_user = 'fanfare_user' and tg_op = 'UPDATE' and old.hold_of_installation
        and (new.legal_hold, new.hold_reason, new.hold_of_installation) is distinct from (old.legal_hold, old.hold_reason, true)
    then
        raise check_violation using message = 'the hold was set by whoever runs the installation',
            constraint = 'workspace_policies_hold_of_installation', table = 'workspace_policies', schema = 'public';
    elsif current_user = 'fanfare_user' and new.hold_of_installation and (tg_op = 'INSERT' or not old.hold_of_installation) then
        raise insufficient_privilege using message = 'permission denied: the hold of the installation is for whoever runs it to set';
    end if;
    return new;
end
$$;

-- Name: permissions(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permissions() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((NULLIF(current_setting('fanfare.permissions'::text, true), ''::text))::text[], ARRAY[]::text[]);

-- Name: has_any_permission(text[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (tenancy.permissions() && p_permissions);

-- Name: has_permission(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_permission(p_permission text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ((p_permission = ANY (tenancy.permissions())) AND ((current_setting('fanfare.archived'::text, true) IS DISTINCT FROM 'on'::text) OR (p_permission ~~ '%:read'::text)));

-- Name: member_role(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.member_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('fanfare.member_role'::text, true), ''::text);

-- Name: has_role(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_role(at_least text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((array_position(ARRAY['viewer'::text, 'member'::text, 'admin'::text, 'owner'::text], CASE WHEN ((tenancy.member_role() IS NOT NULL) AND (current_setting('fanfare.archived'::text, true) = 'on'::text)) THEN 'viewer'::text ELSE tenancy.member_role() END) >= array_position(ARRAY['viewer'::text, 'member'::text, 'admin'::text, 'owner'::text], at_least)), false);

-- Name: has_space(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_space(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (select from public.spaces s where s.customer_id = tenancy.customer_id() and s.id = p_id)
        and (tenancy.space_id() is null or tenancy.space_id() = p_id);
end
$$;

-- Name: has_system_role(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_system_role(at_least text) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
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

-- Name: hold_customer(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.hold_customer() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_archived timestamptz;
begin
    select c.archived_at into v_archived from public.customers c where c.id = tenancy.customer_id() for share;
    if v_archived is not null then
        raise insufficient_privilege using message = 'permission denied: the customer is archived';
    end if;
end
$$;

-- Name: hold_email_template(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.hold_email_template() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform from public.email_templates t
    where t.customer_id = new.customer_id and t.id::text = new.options ->> 'template_id' for share;
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        perform tenancy.hold_customer();
    end if;
    return new;
end
$$;

-- Name: hold_login(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.hold_login(p_connect_session_id uuid, p_login text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_platform text;
    v_answered_at timestamptz;
    v_login bytea;
begin
    select s.platform, s.answered_at into v_platform, v_answered_at
    from public.connect_sessions s
    where s.customer_id = tenancy.customer_id() and s.user_id = tenancy.user_id() and s.id = p_connect_session_id;
    if not found then
        return false;
    end if;
    v_login := tenancy.lock_login(v_platform, p_login);
    return not exists (
        select from public.login_revocations r
        where r.login = v_login and r.until > coalesce(v_answered_at, '-infinity'));
end
$$;

-- Name: hold_space(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.hold_space(p_space_id uuid, p_person text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if (case
        when tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null
            then tenancy.has_permission('credentials:write') and p_space_id = tenancy.space_id() and p_person = tenancy.person()
        when p_person is null then tenancy.has_role('admin') or tenancy.has_system_role('admin')
        else tenancy.has_role('member') and p_person = any (tenancy.own_people(p_space_id)) end) is not true
    then
        raise insufficient_privilege using message = 'permission denied: it is not yours to give there';
    end if;
    perform from public.spaces s where s.customer_id = tenancy.customer_id() and s.id = p_space_id and s.ended_at is null for share;
    if not found then
        return false;
    end if;
    if p_person is null or p_person like 'agent:%' then
        return true;
    end if;
    perform from public.space_people p
    where p.customer_id = tenancy.customer_id() and p.space_id = p_space_id and p.external_id = p_person and p.left_at is null for share;
    return found;
end
$$;

-- Name: import_old_credential(uuid, uuid, text, text, text, text, bytea, bigint, uuid[], timestamp with time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.import_old_credential(p_id uuid, p_owner_id uuid, p_platform text, p_external_id text, p_name text, p_url text, p_credential bytea, p_key_id bigint, p_customer_ids uuid[], p_deadline timestamp with time zone, OUT problem text, OUT customer_id uuid, OUT changed boolean) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
#variable_conflict use_column
declare
    v_count bigint;
begin
    if (p_deadline > now() and p_deadline <= now() + interval '1 year 1 day') is not true then
        raise invalid_parameter_value using message = 'the deadline must be within a year';
    end if;
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    changed := false;
    select 'customer_unknown', n.id into problem, customer_id from unnest(p_customer_ids) n(id)
    where not exists (select from public.customers c where c.id = n.id) limit 1;
    if not found then
        select 'move_ended', m.customer_id into problem, customer_id from public.credential_moves m
        where m.customer_id = any (p_customer_ids) and m.old_owner_id = p_owner_id and (m.ended_at is not null or m.deadline <= now()) limit 1;
    end if;
    if found then
        return;
    end if;
    if p_credential is not null then
        insert into public.old_credentials as o (id, owner_id, platform, external_id, name, url, credential, key_id)
        values (p_id, p_owner_id, p_platform, p_external_id, p_name, p_url, p_credential, p_key_id)
        on conflict (owner_id, platform, external_id) do update
        set name = excluded.name, url = excluded.url, credential = excluded.credential, key_id = excluded.key_id;
        changed := true;
    end if;
    insert into public.credential_moves as m (customer_id, id, old_owner_id, deadline)
    select distinct on (n.id) n.id, tenancy.audit_id(clock_timestamp()), p_owner_id, p_deadline from unnest(p_customer_ids) n(id)
    on conflict (customer_id, old_owner_id) do update set deadline = excluded.deadline where m.deadline <> excluded.deadline;
    get diagnostics v_count = row_count;
    changed := changed or v_count > 0;
    insert into public.integrations (customer_id, id, platform, external_id, name, url, old_credential_id)
    select distinct on (n.id) n.id, tenancy.audit_id(clock_timestamp()), p_platform, p_external_id, p_name, p_url, p_id from unnest(p_customer_ids) n(id)
    on conflict (customer_id, platform, external_id) do nothing;
    get diagnostics v_count = row_count;
    changed := changed or v_count > 0;
end
$$;

-- Name: in_shared_bots_chat(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.in_shared_bots_chat() RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (
        select from public.spaces s
        where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and s.ended_at is null
            and not exists (select from public.bots b where b.platform = s.platform and b.bot = s.bot));
end
$$;

-- Name: installation_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.installation_id() RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'fa0fa0e0-0000-7000-8000-000000000000'::uuid;

-- Name: integrations_to_check(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.integrations_to_check(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_made bigint;
begin
    select count(*) into v_made from river.river_job j
    where j.kind = 'check_integration' and 'daily' = any (j.tags) and j.created_at > now() - interval '1 minute';
    return query
    select i.customer_id, i.id
    from public.integrations i
        join public.customers c on c.id = i.customer_id and c.archived_at is null
    where i.state = 'active' and coalesce(i.checked_at, i.created_at) <= now() - interval '24 hours'
        and not exists (
            select from river.river_job j
            where j.customer_id = i.customer_id and j.args ->> 'integration_id' = i.id::text and j.kind = 'check_integration'
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    order by coalesce(i.checked_at, i.created_at)
    limit greatest(p_limit - v_made, 0);
end
$$;

-- Name: is_settling(text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((state = 'publishing'::text) OR ((state = 'needs_attention'::text) AND ((problem_class IS DISTINCT FROM 'credential'::text) OR (external_id IS NOT NULL))));

-- Name: keep_content(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.keep_content() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- before its version is read
    perform from public.posts p where p.customer_id = new.customer_id and p.id = new.post_id for no key update;
    new.content := (
        select jsonb_build_object(
            'title', p.title,
            'text', p.text,
            'scheduled_at', p.scheduled_at,
            'media_ids', (
                select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
                from public.post_media m where m.customer_id = p.customer_id and m.post_id = p.id),
            'media', (
                select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'alt_text', m.alt_text) order by m.id), '[]')
                from public.media m
                where m.customer_id = p.customer_id and m.id in (
                    select pm.media_id from public.post_media pm where pm.customer_id = p.customer_id and pm.post_id = p.id
                    union all
                    select own.media_id
                    from public.platform_posts pp
                        join public.platform_post_media own on own.customer_id = pp.customer_id and own.platform_post_id = pp.id
                    where pp.customer_id = p.customer_id and pp.post_id = p.id)),
            'templates', (
                select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'subject', t.subject, 'preview_text', t.preview_text,
                    'html_sha256', encode(sha256(convert_to(t.html, 'UTF8')), 'hex'), 'customer_name', tenancy.customer_name()) order by t.id), '[]')
                from public.email_templates t
                where t.customer_id = p.customer_id and t.id::text in (
                    select pp.options ->> 'template_id' from public.platform_posts pp where pp.customer_id = p.customer_id and pp.post_id = p.id)),
            'platform_posts', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'integration_id', pp.integration_id,
                    'platform', i.platform,
                    'text', pp.text,
                    'options', pp.options,
                    'media_ids', case when pp.own_media then (
                        select coalesce(jsonb_agg(own.media_id order by own.position), '[]')
                        from public.platform_post_media own where own.customer_id = pp.customer_id and own.platform_post_id = pp.id) end)
                    order by pp.id), '[]')
                from public.platform_posts pp
                    join public.integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
                where pp.customer_id = p.customer_id and pp.post_id = p.id))
        from public.posts p
        where p.customer_id = new.customer_id and p.id = new.post_id);
    return new;
end
$$;

-- Name: keep_mcp_registration(uuid, text, text, jsonb, bytea, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not tenancy.may_connect_mcp(p_server_id, p_person) then
        raise insufficient_privilege using message = 'permission denied: the role does not allow signing in here';
    end if;
    update public.mcp_servers m set metadata = p_metadata, login = 'oauth', registration = p_registration, key_id = p_key_id
    where m.customer_id = tenancy.customer_id() and m.id = p_server_id and m.url = p_url;
    return found;
end
$$;

-- Name: limit_memories(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.limit_memories() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if (select count(*) from (
        select from public.memories m where m.customer_id = new.customer_id and m.space_id is not distinct from new.space_id limit 5000) x) >= 5000
    then
        raise check_violation using message = 'there are 5000 memories', constraint = 'memories_limit', table = 'memories', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: limit_recurring_posts(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.limit_recurring_posts() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262836, hashtext(new.customer_id::text));
    if (select count(*) from public.recurring_posts r where r.customer_id = new.customer_id) >= 200 then
        raise check_violation using message = 'a customer has at most 200 recurring posts',
            constraint = 'recurring_posts_limit', table = 'recurring_posts', schema = 'public';
    end if;
    if (select count(*) from public.recurring_posts r where r.customer_id = new.customer_id and r.post_id = new.post_id) >= 10 then
        raise check_violation using message = 'a post recurs by at most 10 rules',
            constraint = 'recurring_posts_limit_of_post', table = 'recurring_posts', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: limit_webhooks(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.limit_webhooks() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262836, hashtext(new.customer_id::text));
    if (select count(*) from public.webhook_endpoints e where e.customer_id = new.customer_id) >= 20 then
        raise check_violation using message = 'a customer has at most 20 webhooks',
            constraint = 'webhook_endpoints_limit', table = 'webhook_endpoints', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: list_backups(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.list_backups(p_customer_id uuid) RETURNS TABLE(id uuid, object_id uuid, manifest_sha256 text, finished_at timestamp with time zone, files bigint, bytes bigint, damaged_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select b.id, b.object_id, b.manifest_sha256, b.finished_at, b.files, b.bytes, b.damaged_at
    from public.backups b where b.customer_id = p_customer_id and b.state = 'ready'
    order by b.finished_at desc;
end
$$;

-- Name: list_workspaces(uuid, text, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.list_workspaces(p_customer_id uuid, p_state text, p_unused_days integer) RETURNS TABLE(customer_id uuid, customer text, id uuid, space_id uuid, state text, bytes bigint, entries bigint, measured_at timestamp with time zone, last_used_at timestamp with time zone, announced_at timestamp with time zone, archived_at timestamp with time zone, archive_bytes bigint, legal_hold boolean, problem text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select w.customer_id, c.name, w.id, w.space_id, w.state, w.bytes, w.entries, w.measured_at, w.last_used_at, w.announced_at, w.archived_at, w.archive_bytes,
        coalesce(p.legal_hold, false), w.problem
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where c.erasing_at is null and (p_customer_id is null or w.customer_id = p_customer_id) and (p_state is null or w.state = p_state)
        and (p_unused_days is null or w.last_used_at < now() - make_interval(days => p_unused_days))
    order by w.last_used_at, w.id;
end
$$;

-- Name: lock_login(text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.lock_login(p_platform text, p_external_id text) RETURNS bytea
    LANGUAGE plpgsql
    AS $$
declare
    v_login bytea := sha256(convert_to(p_platform || ' ' || p_external_id, 'utf8'));
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835, hashtext(encode(v_login, 'hex')));
    return v_login;
end
$$;

-- Name: login_needed(text, text, uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return exists (
        select from public.authorizations o
        where o.platform = p_platform and o.external_id = p_external_id
            and (o.customer_id, o.id) <> (p_customer_id, p_id) and o.state in ('active', 'needs_reauth'))
        or exists (
            select from public.connect_sessions s
            where s.platform = p_platform and s.expires_at > now() - interval '2 minutes'
                and s.state = 'choosing' and s.login = p_external_id);
end
$$;

-- Name: maintain_audit(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.maintain_audit(p_keep_months integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
        perform tenancy.make_audit_month(v_month);
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

-- Name: make_audit_month(timestamp without time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.make_audit_month(p_month timestamp without time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_name text := 'audit_log_' || to_char(p_month, 'YYYY_MM');
begin
    if to_regclass('public.' || v_name) is not null then
        return;
    end if;
    -- Made first and attached then, which does not wait for those who write to the log.
    execute format('create table public.%I (like public.audit_log including defaults including constraints)', v_name);
    execute format('alter table public.%I enable row level security', v_name);
    execute format('alter table public.%I force row level security', v_name);
    perform tenancy.back_up(('public.' || v_name)::regclass);
    execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)', v_name,
        to_char(p_month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(p_month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;

-- Name: make_workspace(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.make_workspace() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tg_table_name = 'customers' then
        insert into public.workspaces (customer_id, id) values (new.id, gen_random_uuid()) on conflict do nothing;
    else
        insert into public.workspaces (customer_id, id, space_id) values (new.customer_id, gen_random_uuid(), new.id) on conflict do nothing;
    end if;
    return null;
end
$$;

-- Name: may_approve(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.may_approve() RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_approval record;
begin
    select * into v_approval from tenancy.approval();
    if current_user = 'fanfare_agent' then
        return coalesce(tenancy.user_id() is not null and tenancy.has_permission('posts:publish')
            and array_position(array['viewer', 'member', 'admin', 'owner'], nullif(current_setting('fanfare.chat_role', true), ''))
                >= array_position(array['viewer', 'member', 'admin', 'owner'], v_approval.approver_role)
            and (v_approval.approver_role in ('member', 'admin') and v_approval.self_approval or tenancy.in_shared_bots_chat()), false);
    end if;
    return coalesce(tenancy.has_system_role('manager') or tenancy.has_role(v_approval.approver_role), false);
end
$$;

-- Name: may_connect_mcp(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.may_connect_mcp(p_server_id uuid, p_person text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_space uuid := (select m.space_id from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id);
begin
    if v_space is null then
        return false;
    elsif p_person is null then
        return (tenancy.has_role('admin') or tenancy.has_system_role('admin')) is true;
    end if;
    return (tenancy.has_role('member') and p_person = any (tenancy.own_people(v_space))) is true;
end
$$;

-- Name: may_give_bots(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.may_give_bots(p_customer_id uuid, p_user_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (select from public.memberships m where m.customer_id = p_customer_id and m.user_id = p_user_id and m.role in ('owner', 'admin'))
        or exists (select from public.system_roles s where s.user_id = p_user_id and s.role = 'admin');
end
$$;

-- Name: mcp_registration(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.mcp_registration(p_server_id uuid, p_person text) RETURNS TABLE(metadata jsonb, registration bytea)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not tenancy.may_connect_mcp(p_server_id, p_person) then
        raise insufficient_privilege using message = 'permission denied: the role does not allow signing in here';
    end if;
    return query select m.metadata, m.registration from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id;
end
$$;

-- Name: mcp_to_do(integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.mcp_to_do(p_limit integer, p_of_customer integer) RETURNS TABLE(customer_id uuid, server_id uuid, credential_id uuid, work text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_none uuid := '00000000-0000-0000-0000-000000000000';
begin
    return query
    with due as (
        select m.customer_id, m.id as server_id, v_none as credential_id, 'check' as work, m.next_check_at as due
        from public.mcp_servers m join public.customers c on c.id = m.customer_id and c.archived_at is null
        where m.next_check_at is not null and m.next_check_at <= now()
        union all
        select m.customer_id, m.mcp_server_id, m.id, 'check', m.next_check_at
        from public.credentials m join public.customers c on c.id = m.customer_id and c.archived_at is null
        where m.kind = 'mcp' and m.withdrawn_at is null and m.next_check_at <= now()
        union all
        select m.customer_id, m.mcp_server_id, m.id, 'check', m.renew_at
        from public.credentials m join public.customers c on c.id = m.customer_id
        where m.withdrawn_at is null and m.renew_at is not null and m.renew_at <= now() and (m.lease_until is null or m.lease_until <= now())
            and (m.next_check_at > now() or c.archived_at is not null) -- else it is renewed when it is looked at
        union all
        select m.customer_id, coalesce(m.mcp_server_id, v_none), m.id, 'end', m.withdrawn_at
        from public.credentials m join public.customers c on c.id = m.customer_id
        where m.withdrawn_at is not null),
    jobless as (
        select d.*, row_number() over (partition by d.customer_id, d.work order by d.due, d.server_id, d.credential_id) as place
        from due d
        where not exists (
            select from river.river_job j
            where j.customer_id = d.customer_id and j.args ->> 'mcp_server_id' = d.server_id::text and j.args ->> 'credential_id' = d.credential_id::text
                and j.kind in ('check_mcp_server', 'end_credential')
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))),
    busy as (
        select j.customer_id, case j.kind when 'end_credential' then 'end' else 'check' end as work, count(*) as jobs
        from river.river_job j
        where j.kind in ('check_mcp_server', 'end_credential')
            and (j.state in ('available', 'pending', 'running') or (j.state = 'scheduled' and j.scheduled_at <= now() + interval '5 seconds'))
        group by 1, 2)
    select d.customer_id, d.server_id, d.credential_id, d.work
    from jobless d left join busy b on b.customer_id = d.customer_id and b.work = d.work
    where d.place <= p_of_customer - coalesce(b.jobs, 0)
    order by d.due
    limit p_limit;
end
$$;

-- Name: media_shown_elsewhere(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.media_shown_elsewhere(p_media_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
begin
    return exists (
        select from public.post_media m
            join public.media f on f.customer_id = m.customer_id and f.id = m.media_id and f.space_id = v_space
            join public.posts p on p.customer_id = m.customer_id and p.id = m.post_id
        where m.customer_id = v_customer and m.media_id = p_media_id and p.space_id is distinct from v_space)
        or exists (
        select from public.platform_post_media m
            join public.media f on f.customer_id = m.customer_id and f.id = m.media_id and f.space_id = v_space
            join public.platform_posts pp on pp.customer_id = m.customer_id and pp.id = m.platform_post_id
            join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where m.customer_id = v_customer and m.media_id = p_media_id and p.space_id is distinct from v_space);
end
$$;

-- Name: media_to_remove(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.media_to_remove(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select m.customer_id, m.id
    from public.media m
        join public.customers c on c.id = m.customer_id
    where m.state <> 'ready' and m.updated_at < now() - case m.state when 'deleting' then interval '1 minute' else interval '1 day' end
        and c.erasing_at is null
    order by m.updated_at
    limit p_limit;
end
$$;

-- Name: memories_to_embed(text, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.memories_to_embed(p_model text, p_limit integer) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select m.customer_id, m.id
    from (
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model is null and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)
        union all
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model < p_model and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)
        union all
        (select x.customer_id, x.id from public.memories x
        where x.embedding_model > p_model and (select c.archived_at is null from public.customers c where c.id = x.customer_id)
        order by x.embedding_model, x.id limit p_limit)) m
    limit p_limit;
end
$$;

-- Name: month_of(timestamp with time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.month_of(p_at timestamp with time zone) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (date_trunc('month'::text, (p_at AT TIME ZONE 'UTC'::text)))::date;

-- Name: nearest_memories(uuid, real[], text, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) RETURNS TABLE(id uuid, distance double precision)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    v_space uuid := coalesce(p_space_id, tenancy.space_id());
    v_schema text := (
        select n.nspname from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace
        where e.extname = 'vector' and pg_catalog.has_schema_privilege(n.oid, 'usage'));
begin
    if v_schema is null then
        return;
    end if;
    return query execute format('
        select m.id, (m.embedding::%1$I.vector operator(%1$I.<=>) $1::%1$I.vector)::double precision
        from public.memories m
        where m.embedding_model = $2 and cardinality(m.embedding) = cardinality($1) and %2$s
        order by 2, 1
        limit $4', v_schema, case when v_space is null then 'true' else '(m.space_id = $3 or m.space_id is null)' end)
        using p_embedding, p_model, v_space, p_limit;
end
$_$;

-- Name: new_job_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.new_job_id() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (((lpad(to_hex(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint), 12, '0'::text) || '7'::text) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 14)))::uuid;

-- Name: nothing_entered(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.nothing_entered() RETURNS void
    LANGUAGE plpgsql
    AS $$
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

-- Name: number_job(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.number_job() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.queue := case new.kind when 'publish' then 'publish' when 'check_integration' then 'checks' when 'invitation_email' then 'mail'
            when 'expire_pairing' then 'pairings' end;
        if new.queue is null then
            raise insufficient_privilege using message = 'permission denied: tenants enqueue no such job';
        end if;
        new.id := nextval('river.river_job_id_seq');
        new.created_at := now();
        new.unique_key := sha256(convert_to(new.customer_id::text, 'UTF8') || new.unique_key);
    end if;
    return new;
end
$$;

-- Name: old_credential_of(uuid, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.old_credential_of(p_owner_id uuid, p_platform text, p_external_id text, OUT id uuid, OUT credential bytea) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    select o.id, o.credential into id, credential from public.old_credentials o
    where o.owner_id = p_owner_id and o.platform = p_platform and o.external_id = p_external_id;
end
$$;

-- Name: old_credential_status(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.old_credential_status() RETURNS TABLE(customer_id uuid, customer text, platform text, living bigint, moved bigint, left_behind bigint, moves jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    with accounts as (
        select i.customer_id, i.platform,
            count(*) filter (where i.key_id is null and i.state = 'active') as living,
            count(*) filter (where i.key_id is not null) as moved,
            count(*) filter (where i.key_id is null and i.state <> 'active') as left_behind
        from public.integrations i where i.old_credential_id is not null
        group by i.customer_id, i.platform
    ), owners as (
        select m.customer_id, jsonb_agg(jsonb_build_object('owner', u.subject, 'email', u.email, 'deadline', m.deadline,
            'ended_at', m.ended_at, 'uses', m.uses, 'last_used_at', m.last_used_at) order by m.deadline, m.id) as moves
        from public.credential_moves m join public.users u on u.id = m.old_owner_id
        group by m.customer_id
    )
    select c.id, c.name, coalesce(a.platform, ''), coalesce(a.living, 0), coalesce(a.moved, 0), coalesce(a.left_behind, 0),
        coalesce(o.moves, '[]')
    from public.customers c left join accounts a on a.customer_id = c.id left join owners o on o.customer_id = c.id
    where a.customer_id is not null or o.customer_id is not null
    order by c.name, c.id, a.platform;
end
$$;

-- Name: own_memberships(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.own_memberships() RETURNS TABLE(customer_id uuid, role text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select m.customer_id, m.role from public.memberships m
    where m.user_id = tenancy.user_id() and m.customer_id = any (tenancy.customer_ids());
end
$$;

-- Name: own_places(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.own_places() RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        return array(
            select s.id::text || ' ' || tenancy.person()
            from public.spaces s
            where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and s.ended_at is null
                and (tenancy.person() like 'agent:%' or exists (
                    select from public.space_people p
                    where p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = tenancy.person() and p.left_at is null)));
    end if;
    return array(
        select s.id::text || ' ' || p.external_id
        from public.chat_identities i
            join public.spaces s on s.customer_id = i.customer_id and s.platform = i.platform and s.bot = i.bot and s.team = i.team and s.ended_at is null
            join public.space_people p on p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = i.external_id and p.left_at is null
        where i.customer_id = tenancy.customer_id() and i.user_id = tenancy.user_id() and tenancy.member_role() is not null
        order by p.external_id);
end
$$;

-- Name: own_people(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.own_people(p_space_id uuid) RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ARRAY(SELECT substr(o.o, 38) AS substr FROM unnest(tenancy.own_places()) o(o) WHERE (substr(o.o, 1, 36) = (own_people.p_space_id)::text));

-- Name: pairing_permissions(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.pairing_permissions() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN ARRAY(SELECT p.p FROM unnest(tenancy.chat_permissions()) p(p) WHERE ((p.p <> ALL (ARRAY['posts:publish'::text, 'credentials:write'::text])) AND ((cardinality(tenancy.permissions()) = 0) OR (p.p = ANY (tenancy.permissions())))));

-- Name: pairing_stands(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.pairing_stands(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (
        select from public.pairings p
            join public.memberships m on m.customer_id = p.customer_id and m.user_id = p.created_by and m.role in ('owner', 'admin')
        where p.customer_id = tenancy.customer_id() and p.id = p_id
            and (p.by_key is null or exists (
                select from public.api_keys k
                where k.customer_id = p.customer_id and k.id = p.by_key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())))
            and (p.by_agent is null or exists (
                select from public.agent_tokens t where t.customer_id = p.customer_id and t.id = p.by_agent and t.revoked_at is null)));
end
$$;

-- Name: pairing_state_of_code(text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.pairing_state_of_code(p_code text, p_chat text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_state text;
begin
    perform tenancy.permit_pairing();
    select case when p.state = 'done' then 'paired' else 'waiting' end into v_state
    from public.pairings p
        left join public.spaces s on s.customer_id = p.customer_id and s.id = p.space_id
    where p.customer_id = tenancy.customer_id() and p.platform = 'telegram' and p_chat in (p.external_id, s.external_id)
        and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8'))
        and (p.state = 'done' and s.ended_at is null or p.state = 'claimed' and p.expires_at > now())
    order by p.created_at desc
    limit 1;
    return coalesce(v_state, 'unknown');
end
$$;

-- Name: pairings_ready(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.pairings_ready(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select p.customer_id, p.id
    from public.pairings p
        join public.customers c on c.id = p.customer_id and c.archived_at is null
    where p.state = 'claimed' and (p.claimed_by = 'link' or p.confirmed_at is not null) and p.expires_at > now()
        and not exists (
            select from public.spaces s
            where s.platform = p.platform and s.bot = p.bot and s.team = p.team and s.kind = p.kind and s.external_id = p.external_id and s.ended_at is null
                and s.customer_id <> p.customer_id)
    order by p.claimed_at
    limit p_limit;
end
$$;

-- Name: permissions_known(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permissions_known() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['customer:read'::text, 'campaigns:read'::text, 'campaigns:write'::text, 'posts:read'::text, 'posts:write'::text, 'posts:publish'::text, 'jobs:read'::text, 'audit:read'::text, 'tokens:mint'::text, 'spaces:read'::text, 'spaces:pair'::text, 'conversations:read'::text, 'memories:read'::text, 'memories:write'::text, 'credentials:write'::text, 'files:read'::text, 'files:write'::text];

-- Name: permissions_of(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permissions_of(p_role text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE p_role WHEN 'owner'::text THEN tenancy.permissions_known() WHEN 'admin'::text THEN tenancy.permissions_known() WHEN 'member'::text THEN ARRAY['customer:read'::text, 'campaigns:read'::text, 'campaigns:write'::text, 'posts:read'::text, 'posts:write'::text, 'posts:publish'::text, 'jobs:read'::text, 'spaces:read'::text, 'memories:read'::text, 'memories:write'::text, 'credentials:write'::text, 'files:read'::text, 'files:write'::text] WHEN 'viewer'::text THEN ARRAY['customer:read'::text, 'campaigns:read'::text, 'posts:read'::text, 'jobs:read'::text, 'spaces:read'::text, 'files:read'::text] ELSE ARRAY[]::text[] END;

-- Name: permissions_of_user(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permissions_of_user(p_customer_id uuid, p_user_id uuid) RETURNS text[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_role text;
begin
    select m.role into v_role from public.memberships m where m.customer_id = p_customer_id and m.user_id = p_user_id;
    return tenancy.permissions_of(v_role);
end
$$;

-- Name: permit_admins(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_admins() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if not tenancy.reads_as_admin() then
        raise insufficient_privilege using message = 'permission denied: this is the admins'' business';
    end if;
    return true;
end
$$;

-- Name: permit_backups(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_backups() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if coalesce(tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin', false) then
        return true;
    end if;
    raise insufficient_privilege using message = 'permission denied: backups are the admins'' business';
end
$$;

-- Name: permit_conversations(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_conversations() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') and not tenancy.reads_as_admin() then
        raise insufficient_privilege using message = 'permission denied: conversations and memories are the admins'' business';
    end if;
    return true;
end
$$;

-- Name: permit_exports(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_exports() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if coalesce(tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin', false) then
        return true;
    end if;
    raise insufficient_privilege using message = 'permission denied: exports are the admins'' business';
end
$$;

-- Name: permit_pairing(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_pairing() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if not (tenancy.reads_as_admin() or (tenancy.has_any_permission('spaces:pair') and tenancy.space_id() is null)) then
        raise insufficient_privilege using message = 'permission denied: pairing is the admins'' business';
    end if;
    return true;
end
$$;

-- Name: permit_tokens(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.permit_tokens() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if not (tenancy.reads_as_admin() or tenancy.has_any_permission('tokens:mint')) then
        raise insufficient_privilege using message = 'permission denied: tokens are the admins'' business';
    end if;
    return true;
end
$$;

-- Name: person(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.person() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('fanfare.person'::text, true), ''::text);

-- Name: plain_text(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.plain_text(p_text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NORMALIZE(translate(replace(replace(replace(regexp_replace(NORMALIZE(lower(p_text), NFKD), '[\u0300-\u036f]'::text, ''::text, 'g'::text), 'ß'::text, 'ss'::text), 'æ'::text, 'ae'::text), 'œ'::text, 'oe'::text), 'øłđðı'::text, 'olddi'::text), NFC);

-- Name: post_query(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.post_query(p_customer_id uuid, p_words text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
declare
    v_plain text := left(tenancy.plain_text(p_words), 400);
    v_query text := plainto_tsquery('simple', v_plain)::text;
begin
    if v_query = '' then
        return null;
    end if;
    v_query := regexp_replace(regexp_replace(v_query, '<(-|\d+)>', '&', 'g'), '''((?:[^'']|'''')*)''', '''' || right(p_customer_id::text, 12) || '\1''', 'g');
    return (v_query || case when v_plain ~ '[^\s]{3}$' then ':*' else '' end)::tsquery;
end
$_$;

-- Name: post_state(text[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.post_state(states text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (COALESCE(cardinality(states), 0) = 0) THEN NULL::text WHEN ('publishing'::text = ANY (states)) THEN 'publishing'::text WHEN ('scheduled'::text = ANY (states)) THEN CASE WHEN (states && ARRAY['published'::text, 'failed'::text, 'needs_attention'::text]) THEN 'publishing'::text ELSE 'scheduled'::text END WHEN ('needs_attention'::text = ANY (states)) THEN 'needs_attention'::text WHEN ('published'::text = ANY (states)) THEN CASE WHEN (states && ARRAY['failed'::text, 'draft'::text, 'pending_approval'::text, 'approved'::text]) THEN 'partially_published'::text ELSE 'published'::text END WHEN ('failed'::text = ANY (states)) THEN 'failed'::text WHEN ('draft'::text = ANY (states)) THEN 'draft'::text WHEN ('pending_approval'::text = ANY (states)) THEN 'pending_approval'::text WHEN ('approved'::text = ANY (states)) THEN 'approved'::text ELSE 'cancelled'::text END;

-- Name: posts_to_measure(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.posts_to_measure(p_limit integer) RETURNS TABLE(customer_id uuid, platform_post_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    with there as materialized (
        select j.customer_id, j.args ->> 'platform_post_id' as platform_post_id
        from river.river_job j
        where j.queue = 'metrics' and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    select due.customer_id, due.id
    from (
        select pp.customer_id, pp.id, pp.measure_at,
            coalesce(mine.jobs, 0) + row_number() over (partition by pp.customer_id order by pp.measure_at) as place
        from public.platform_posts pp
            join public.customers c on c.id = pp.customer_id and c.archived_at is null
            left join (select t.customer_id, count(*) as jobs from there t group by t.customer_id) mine on mine.customer_id = pp.customer_id
        where pp.measure_at <= now()
            and not exists (select from there t where t.customer_id = pp.customer_id and t.platform_post_id = pp.id::text)) due
    where due.place <= 10
    order by due.place, due.measure_at
    limit greatest(p_limit - (select count(*) from there), 0);
end
$$;

-- Name: posts_with_media(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) RETURNS TABLE(post_id uuid)
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return query
    select m.post_id from public.post_media m where m.customer_id = p_customer_id and m.media_id = p_media_id
    union
    select pp.post_id
    from public.platform_post_media m join public.platform_posts pp on pp.customer_id = m.customer_id and pp.id = m.platform_post_id
    where m.customer_id = p_customer_id and m.media_id = p_media_id;
end
$$;

-- Name: queue_taken(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.queue_taken(p_limit integer) RETURNS TABLE(id uuid, title text, state text, scheduled_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_space uuid := tenancy.space_id();
begin
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        if not tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish') then
            raise insufficient_privilege using message = 'permission denied: the key does not allow reading posts';
        end if;
    end if;
    return query
    select case when v_space is null or p.space_id = v_space then p.id end, case when v_space is null or p.space_id = v_space then p.title end,
        case when v_space is null or p.space_id = v_space then p.state end, p.scheduled_at
    from public.posts p
    where p.customer_id = tenancy.customer_id() and p.scheduled_at > now() and p.state in ('pending_approval', 'approved', 'scheduled')
    order by p.scheduled_at, p.id
    limit p_limit;
end
$$;

-- Name: reach_of_files(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reach_of_files() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is null then
        return case when tenancy.reads_as_admin() then 'all' else 'own' end;
    elsif not tenancy.has_any_permission('files:read', 'files:write') then
        return 'none';
    elsif tenancy.space_id() is not null then
        return 'space';
    end if;
    return case when tenancy.has_permission('conversations:read') then 'all' else 'own' end;
end
$$;

-- Name: readiness(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    select max(m.version) into schema_version from public.schema_migrations m;
    select count(*) into live_workers from public.workers w where w.lease_until > now();
end
$$;

-- Name: system_role(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.system_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('fanfare.system_role'::text, true), ''::text);

-- Name: reads_as_admin(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reads_as_admin() RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(((tenancy.member_role() = ANY (ARRAY['owner'::text, 'admin'::text])) OR (tenancy.system_role() IS NOT NULL)), false);

-- Name: reads_audit(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reads_audit() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
declare
    v_allowed boolean := false;
begin
    if current_user = 'fanfare_user' then
        v_allowed := tenancy.member_role() in ('owner', 'admin');
    elsif current_user = 'fanfare_admin' then
        v_allowed := tenancy.system_role() is not null;
    elsif current_user = 'fanfare_agent' then
        v_allowed := tenancy.has_permission('audit:read') and tenancy.space_id() is null;
    elsif current_user = 'fanfare_worker' then
        v_allowed := true;
    end if;
    if v_allowed is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow reading the audit log';
    end if;
    return true;
end
$$;

-- Name: reads_files(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reads_files(p_space_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    return case tenancy.reach_of_files() when 'all' then true when 'own' then p_space_id is null when 'space' then coalesce(p_space_id = tenancy.space_id(), false)
        else false end;
end
$$;

-- Name: reason_given(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reason_given() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if coalesce(nullif(current_setting('fanfare.request', true), '')::jsonb ->> 'reason', '') !~ '[[:alnum:]]' then
        raise exception using errcode = 'FF004', message = 'a change by a system role needs a reason';
    end if;
    return true;
end
$$;

-- Name: receive_chat_update(text, text, text, text, text, text, bigint, jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_bot record;
    v_paired boolean;
    v_refused text := 'dropped';
begin
    if exists (select from public.chat_updates u where u.platform = p_platform and u.bot = p_bot and u.update_id = p_update_id) then
        return 'known';
    end if;
    select b.customer_id, c.archived_at is not null as archived into v_bot
    from public.bots b join public.customers c on c.id = b.customer_id
    where b.platform = p_platform and b.bot = p_bot;
    if v_bot.archived then
        return 'closed';
    end if;
    v_paired := exists (
        select from public.spaces s
        where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.kind = p_kind and s.external_id = p_chat and s.ended_at is null);
    if v_bot.customer_id is not null then
        begin
            perform tenancy.charge(null, 'bots:' || v_bot.customer_id::text, 'chat-told', 3000, 60);
        exception when sqlstate 'FF005' then
            return 'later';
        end;
    end if;
    begin -- what refuses takes back what was charged before it here, so that strangers use up nothing by what is not taken of them
        if v_bot.customer_id is not null then
            v_refused := case when v_paired then 'later' else 'dropped' end;
            perform tenancy.charge(null, 'bots:' || v_bot.customer_id::text, 'chat-update', 600, 60);
            if not v_paired then
                perform tenancy.charge(null, 'bot:' || p_platform || ':' || p_bot, 'chat-update', 300, 60);
            end if;
        end if;
        if not v_paired then
            perform tenancy.charge(null, 'chat:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot, p_team, p_kind, p_chat)::text, 'UTF8')), 'hex'),
                'chat-update', 20, 60);
        end if;
    exception when sqlstate 'FF005' then
        return v_refused;
    end;
    insert into public.chat_updates (platform, bot, update_id, team, kind, chat, place, body)
    values (p_platform, p_bot, p_update_id, p_team, p_kind, p_chat, p_place, p_body)
    on conflict on constraint chat_updates_pkey do nothing;
    return case when found then 'new' else 'known' end;
end
$$;

-- Name: record_refusal(text, text, bytea, uuid, uuid, uuid, integer, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    r public.audit_log := tenancy.audit_context('request.refuse', 'request');
    v_request jsonb := nullif(p_request, '')::jsonb;
    v_customer uuid;
begin
    if p_kind not in ('user', 'key', 'agent', 'chat', 'nobody') then
        raise invalid_parameter_value using message = 'unknown kind of caller';
    end if;
    r.actor_kind := case p_kind when 'chat' then 'agent' else p_kind end;
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
    if p_kind = 'chat' then
        select p.id, p.customer_id into r.actor_id, v_customer from public.space_people p
        where p.customer_id = p_token_customer_id and p.space_id = p_token_id and p.external_id = p_subject;
    end if;
    if p_kind in ('key', 'agent', 'chat') and v_customer is null then
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

-- Name: recurring_posts_to_do(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.recurring_posts_to_do(p_limit integer) RETURNS TABLE(customer_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select due.customer_id, due.id
    from (
        select r.customer_id, r.id, r.look_at, row_number() over (partition by r.customer_id order by r.look_at) as place
        from public.recurring_posts r
            join public.customers c on c.id = r.customer_id and c.archived_at is null
        where r.state = 'active' and r.look_at <= now()) due
    where due.place <= 5
    order by due.place, due.look_at
    limit p_limit;
end
$$;

-- Name: register_user(uuid, text, text, boolean, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text) RETURNS uuid
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_id uuid;
begin
    insert into public.users as u (id, subject, email, email_verified, name)
    values (p_id, p_subject, p_email, p_email_verified, p_name)
    on conflict (subject) do update
        -- A token that leaves address or name out says nothing of them.
        set email = coalesce(excluded.email, u.email), name = coalesce(excluded.name, u.name), updated_at = now(),
            email_verified = case when excluded.email is null then u.email_verified else excluded.email_verified end
        where (excluded.email is not null and (u.email, u.email_verified) is distinct from (excluded.email, excluded.email_verified))
            or excluded.name <> coalesce(u.name, '')
    returning u.id into v_id;
    if v_id is null then
        select u.id into v_id from public.users u where u.subject = p_subject;
    end if;
    return v_id;
end
$$;

-- Name: release_llm(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.release_llm(p_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return exists (select from tenancy.end_llm(p_id));
end
$$;

-- Name: remove_copies(uuid, uuid, timestamp with time zone); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.remove_copies(p_customer_id uuid, p_recurrence_id uuid, p_after timestamp with time zone) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_ids uuid[];
begin
    v_ids := array(
        select p.id from public.posts p
        where p.customer_id = p_customer_id and p.recurrence_id = p_recurrence_id and p.detached_at is null
            and p.state in ('draft', 'pending_approval', 'approved', 'scheduled') and (p_after is null or p.occurrence_at > p_after)
        order by p.id for update);
    v_ids := array(
        select i from unnest(v_ids) i
        where not exists (select from public.platform_posts pp where pp.customer_id = p_customer_id and pp.post_id = i and pp.attempt > 0));
    update river.river_job j set state = 'cancelled', finalized_at = now()
    where j.customer_id = p_customer_id and j.args ->> 'post_id' = any (v_ids::text[])
        and j.state in ('available', 'pending', 'retryable', 'scheduled');
    delete from public.post_reviews v where v.customer_id = p_customer_id and v.post_id = any (v_ids);
    delete from public.platform_post_media m where m.customer_id = p_customer_id and m.platform_post_id in (
        select pp.id from public.platform_posts pp where pp.customer_id = p_customer_id and pp.post_id = any (v_ids));
    delete from public.post_media m where m.customer_id = p_customer_id and m.post_id = any (v_ids);
    delete from public.platform_posts pp where pp.customer_id = p_customer_id and pp.post_id = any (v_ids);
    delete from public.posts p where p.customer_id = p_customer_id and p.id = any (v_ids);
end
$$;

-- Name: request_erasure(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.request_erasure(p_id uuid, p_name text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_id uuid := tenancy.customer_id();
    v_name text;
    v_archived timestamptz;
begin
    if (tenancy.member_role() = 'owner' or tenancy.administers()) is not true then
        raise insufficient_privilege using message = 'permission denied: only an owner erases a customer';
    end if;
    perform set_config('fanfare.erasing', v_id::text, true);
    -- Members are changed under this lock too. After the wait the acting owner must still be one.
    select c.name, c.archived_at into v_name, v_archived from public.customers c where c.id = v_id for update;
    if tenancy.member_role() is not null and not exists (
        select from public.memberships m where m.customer_id = v_id and m.user_id = tenancy.user_id() and m.role = 'owner')
    then
        raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
    end if;
    if v_archived is null then
        raise check_violation using message = 'only an archived customer can be erased',
            constraint = 'erasures_of_archived', table = 'erasures', schema = 'public';
    end if;
    if exists (select from public.workspace_policies p where p.customer_id = v_id and p.legal_hold) then
        raise check_violation using message = 'the customer is under a legal hold',
            constraint = 'erasures_legal_hold', table = 'erasures', schema = 'public';
    end if;
    if v_name is distinct from p_name then
        raise check_violation using message = 'the customer has another name',
            constraint = 'erasures_name_given', table = 'erasures', schema = 'public';
    end if;
    insert into public.erasures (id, subject_id, requested_by, has_files, has_workspaces, has_backups)
    values (p_id, v_id, tenancy.user_id(), exists (select from public.exports e where e.customer_id = v_id)
            or exists (select from public.media m where m.customer_id = v_id),
        exists (select from public.workspaces w where w.customer_id = v_id and w.state <> 'new'),
        exists (select from public.backups b where b.customer_id = v_id)
            or exists (select from public.workspaces w where w.customer_id = v_id and w.archive_id is not null));
    update public.customers set erasing_at = now() where id = v_id;
    -- In the installation's log, as the customer's own is erased with it.
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase_request', 'customer', v_id::text,
        jsonb_build_object('erasure_id', p_id));
    perform set_config('fanfare.erasing', '', true);
end
$$;

-- Name: request_mcp_check(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.request_mcp_check(p_server_id uuid) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_space uuid;
    v_people text[];
begin
    select m.space_id into v_space from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id;
    if v_space is null then
        return false;
    end if;
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        if not tenancy.has_permission('credentials:write') or v_space <> coalesce(tenancy.space_id(), v_space) then
            return false;
        end if;
    -- in an archived customer nobody has these roles
    elsif not (tenancy.has_role('member') or tenancy.has_system_role('manager')) then
        return false;
    end if;
    v_people := tenancy.own_people(v_space);
    update public.mcp_servers m set next_check_at = greatest(now(), m.checked_at + interval '10 seconds')
    where m.customer_id = tenancy.customer_id() and m.id = p_server_id and m.next_check_at is not null;
    update public.credentials c set next_check_at = greatest(now(), c.checked_at + interval '10 seconds')
    where c.customer_id = tenancy.customer_id() and c.mcp_server_id = p_server_id and c.kind = 'mcp' and c.withdrawn_at is null
        and (c.person is null or c.person = any (v_people)
            or (c.shared_at is not null and (c.person not like 'agent:%' or tenancy.token_id() is not null)
                and (cardinality(v_people) > 0 or tenancy.space_id() = v_space)));
    return true;
end
$$;

-- Name: reseal(text, text[], bytea, bytea, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reseal(p_table text, p_row_key text[], p_old bytea, p_new bytea, p_request text) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
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
$_$;

-- Name: reserve_llm(uuid, text, boolean, bigint, bigint, bigint, bigint, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text DEFAULT NULL::text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: reserve_media(bigint, boolean, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_id uuid := tenancy.customer_id();
    v_quota bigint;
    v_used bigint;
    v_least bigint := case when p_up_to then 1 else p_bytes end;
begin
    perform pg_catalog.pg_advisory_xact_lock(7262836, hashtext(v_id::text));
    if (select count(*) from public.media m
        where m.customer_id = v_id and m.state = 'uploading' and m.updated_at > now() - interval '6 hours') >= 20
    then
        raise check_violation using message = 'a customer uploads at most 20 files at once',
            constraint = 'media_uploads', table = 'media', schema = 'public';
    end if;
    select coalesce(c.media_quota, p_quota) into v_quota from public.customers c where c.id = v_id;
    select coalesce(sum(m.bytes), 0) into v_used from public.media m where m.customer_id = v_id and m.state <> 'deleting';
    if v_used + v_least > v_quota then
        raise check_violation using message = format('the files have %s bytes of %s', v_used, v_quota),
            constraint = 'media_quota', table = 'media', schema = 'public';
    end if;
    return least(p_bytes, v_quota - v_used);
end
$$;

-- Name: reserve_request(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.reserve_request(p_integration_id uuid, p_platform text) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    AS $$
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

-- Name: space_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.space_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.space_id'::text, true), ''::text))::uuid;

-- Name: rights(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.rights() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE(tenancy.member_role(), ('system '::text || tenancy.system_role()), (NULLIF(array_to_string(tenancy.permissions(), ' '::text), ''::text) || COALESCE((' in '::text || tenancy.space_id()), ''::text)), ''::text);

-- Name: seal_audit(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.seal_audit(p_limit integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: sealed_by(bytea); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.sealed_by(p_sealed bytea) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
begin
    if octet_length(p_sealed) <= 5 or get_byte(p_sealed, 0) <> 1 then
        return null;
    end if;
    return (get_byte(p_sealed, 1)::bigint << 24) + (get_byte(p_sealed, 2) << 16) + (get_byte(p_sealed, 3) << 8) + get_byte(p_sealed, 4);
end
$$;

-- Name: sealed_columns(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.sealed_columns() RETURNS TABLE(table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('bots', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', null),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('credentials', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, 'credential'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('mcp_servers', 'registration', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, 'mcp_server'),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential'),
        ('webhook_secrets', 'sealed', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;

-- Name: sealed_values(text, bigint, bigint[], text[], integer, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.sealed_values(p_table text, p_key_id bigint, p_readable bigint[], p_after text[], p_limit integer, p_request text) RETURNS TABLE(row_key text[], customer_id uuid, platform text, key_id bigint, sealed bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $_$
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
$_$;

-- Name: search_query(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.search_query(p_query text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    AS $_$
declare
    v_plain text := left(tenancy.plain_text(p_query), 400);
    v_query text := websearch_to_tsquery('simple'::regconfig, v_plain)::text;
begin
    if v_plain ~ '(^|\s)[^-"\s][^"\s]{2,}$' and right(v_query, 1) = '''' then
        v_query := v_query || ':*';
    end if;
    return v_query::tsquery;
end
$_$;

-- Name: settle_llm(uuid, bigint, bigint, bigint); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: shown_changed(uuid, uuid[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_id uuid;
begin
    for v_id in select distinct i from unnest(p_post_ids) i order by i loop
        update public.posts p set scheduled_at = p.scheduled_at where p.customer_id = p_customer_id and p.id = v_id;
        perform tenancy.content_changed(p_customer_id, v_id);
    end loop;
end
$$;

-- Name: snippet(text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.snippet(p_text text, p_query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ts_headline('simple'::regconfig, translate(p_text, (chr(1) || chr(2)), ''::text), (tenancy.search_query(p_query) || websearch_to_tsquery('simple'::regconfig, lower(p_query))), (((('StartSel='::text || chr(1)) || ', StopSel='::text) || chr(2)) || ', MaxWords=30, MinWords=10, ShortWord=0'::text));

-- Name: stranded_platform_posts(interval, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.stranded_platform_posts(p_overdue interval, p_limit integer) RETURNS TABLE(customer_id uuid, post_id uuid, platform_post_id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: sweep_rate_limits(integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.sweep_rate_limits(p_limit integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: take_back_shared(uuid, uuid, bigint, boolean); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    if (tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin') is not true then
        return 0;
    end if;
    update public.credentials c
    set shared_at = null, withdrawn_at = case when p_delete then now() end, version = c.version + 1, updated_at = now()
    where c.customer_id = tenancy.customer_id() and c.space_id = p_space_id and c.id = p_id and c.shared_at is not null and c.withdrawn_at is null
        and c.version = coalesce(p_version, c.version);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- Name: tell_change(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_topic text;
begin
    for v_topic in
        select w.topic
        from (select distinct a.customer_id from added a where a.action not in ('customer.access', 'request.refuse')) c
            join public.watched_topics w on w.topic = tenancy.topic(c.customer_id) and w.until > now()
    loop
        perform pg_catalog.pg_notify('fanfare_change', v_topic);
    end loop;
    return null;
end
$$;

-- Name: tell_of_integration(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_of_integration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform tenancy.tell_webhooks(new.customer_id, 'integration.needs_reauth', jsonb_build_object('customer_id', new.customer_id,
        'integration_id', new.id, 'platform', new.platform, 'name', new.name, 'state', new.state, 'reason', new.reason));
    return null;
end
$$;

-- Name: tell_of_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_of_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_event text;
begin
    if not exists (select from public.webhook_endpoints e where e.customer_id = new.customer_id and e.state = 'active') then
        return null;
    end if;
    if old.approved_at is null and new.approved_at is not null then
        perform tenancy.tell_webhooks(new.customer_id, 'post.approved', tenancy.webhook_post(new.customer_id, new.id));
    end if;
    if new.state <> old.state then
        v_event := case new.state
            when 'pending_approval' then 'post.approval_requested'
            -- and not when an attempt has come to nothing and another is planned
            when 'scheduled' then case when old.state <> 'publishing' then 'post.scheduled' end
            when 'published' then 'post.published'
            when 'partially_published' then 'post.partially_published'
            when 'failed' then 'post.failed'
            when 'needs_attention' then 'post.needs_attention' end;
        if v_event is not null then
            perform tenancy.tell_webhooks(new.customer_id, v_event, tenancy.webhook_post(new.customer_id, new.id));
        end if;
    end if;
    return null;
end
$$;

-- Name: tell_of_review(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_of_review() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if exists (select from public.webhook_endpoints e where e.customer_id = new.customer_id and e.state = 'active') then
        perform tenancy.tell_webhooks(new.customer_id, 'post.rejected',
            tenancy.webhook_post(new.customer_id, new.post_id) || jsonb_build_object('review_id', new.id));
    end if;
    return null;
end
$$;

-- Name: tell_pairing(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_pairing() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_text text := case
        when new.state = 'claimed' and new.held_elsewhere and not old.held_elsewhere then
            'This chat is in use already. It can be paired again once whoever uses it has released it, within a day.'
        when new.state = 'claimed' and old.state = 'open' and new.claimed_by = 'code' then
            'Thank you. Somebody must confirm in Fanfare now that this is the right chat, within an hour.'
        when new.state = 'done' then
            format('This chat is paired with %s. Try: write a post about our new opening hours', (select c.name from public.customers c where c.id = new.customer_id))
        when new.state = 'denied' then 'The pairing was not confirmed.'
        when new.state = 'expired' then 'The time for pairing this chat is over. Ask for a new code.'
    end;
begin
    if v_text is not null then
        insert into public.chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
        values (tenancy.audit_id(clock_timestamp()), new.platform, new.bot, new.team, new.kind, new.external_id, new.customer_id, new.space_id,
            jsonb_build_object('message', jsonb_build_object('Text', v_text)));
    end if;
    return null;
end
$$;

-- Name: tell_space(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_space() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_space record;
begin
    select s.platform, s.bot, s.team, s.kind, s.external_id into v_space from public.spaces s where s.customer_id = new.customer_id and s.id = new.space_id and s.ended_at is null;
    if found then
        insert into public.chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
        values (tenancy.audit_id(clock_timestamp()), v_space.platform, v_space.bot, v_space.team, v_space.kind, v_space.external_id, new.customer_id, new.space_id,
            jsonb_build_object('event', 'post.' || new.state, 'post_id', new.id));
    end if;
    return null;
end
$$;

-- Name: tell_webhooks(uuid, text, jsonb); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.tell_webhooks(p_customer_id uuid, p_event text, p_data jsonb) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    insert into public.webhook_deliveries (customer_id, id, endpoint_id, event, payload)
    select e.customer_id, tenancy.audit_id(clock_timestamp()), e.id, p_event, jsonb_build_object('type', p_event,
        'timestamp', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', p_data)
    from public.webhook_endpoints e
    where e.customer_id = p_customer_id and e.state = 'active' and (e.events = '{}' or p_event = any (e.events))
    for key share of e;
end
$$;

-- Name: time_zone(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.time_zone() RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return (select c.time_zone from public.customers c where c.id = tenancy.customer_id());
end
$$;

-- Name: topic(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.topic(p_customer_id uuid) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN encode(sha256(uuid_send(p_customer_id)), 'hex'::text);

-- Name: touch(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.touch() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end
$$;

-- Name: touch_file_change(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.touch_file_change(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.file_changes c set touched_at = now() where c.customer_id = tenancy.customer_id() and c.id = p_id;
    if not found then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
end
$$;

-- Name: transition_allowed(text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((from_state = to_state) OR (to_state = ANY (CASE ((entity || ' '::text) || from_state) WHEN 'platform_post draft'::text THEN ARRAY['pending_approval'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post pending_approval'::text THEN ARRAY['draft'::text, 'approved'::text, 'cancelled'::text] WHEN 'platform_post approved'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post scheduled'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'publishing'::text, 'needs_attention'::text, 'cancelled'::text] WHEN 'platform_post publishing'::text THEN ARRAY['scheduled'::text, 'published'::text, 'failed'::text, 'needs_attention'::text] WHEN 'platform_post failed'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post needs_attention'::text THEN ARRAY['published'::text, 'scheduled'::text, 'pending_approval'::text, 'cancelled'::text] WHEN 'platform_post cancelled'::text THEN ARRAY['draft'::text] WHEN 'post draft'::text THEN ARRAY['pending_approval'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post pending_approval'::text THEN ARRAY['draft'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post approved'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post scheduled'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'publishing'::text, 'needs_attention'::text, 'cancelled'::text] WHEN 'post publishing'::text THEN ARRAY['scheduled'::text, 'published'::text, 'partially_published'::text, 'failed'::text, 'needs_attention'::text, 'cancelled'::text, 'draft'::text, 'pending_approval'::text, 'approved'::text] WHEN 'post partially_published'::text THEN ARRAY['publishing'::text, 'published'::text, 'needs_attention'::text] WHEN 'post failed'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'cancelled'::text] WHEN 'post needs_attention'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'published'::text, 'partially_published'::text, 'failed'::text, 'cancelled'::text] WHEN 'post cancelled'::text THEN ARRAY['draft'::text] ELSE ARRAY[]::text[] END)));

-- Name: unshare_of_token(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.unshare_of_token() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.credentials c set shared_at = null, version = c.version + 1, updated_at = now()
    where c.customer_id = new.customer_id and c.shared_at is not null and c.shared_by in (
        select t.id from public.agent_tokens t
        where t.customer_id = new.customer_id and new.id = case tg_table_name when 'api_keys' then t.api_key_id else t.id end);
    return null;
end
$$;

-- Name: usage_of_customers(date, uuid, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.usage_of_customers(p_month date, p_after uuid, p_limit integer) RETURNS TABLE(customer_id uuid, name text, used jsonb)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if tenancy.system_role() is null then
        raise insufficient_privilege using message = 'permission denied: not a system role';
    end if;
    return query
    select c.id, c.name, u.used
    from public.customers c
        cross join lateral (
            select jsonb_agg(jsonb_build_object('kind', k.kind, 'platform', k.platform, 'count', k.count, 'input_tokens', k.input_tokens,
                'output_tokens', k.output_tokens, 'cost_microusd', k.cost_microusd) order by k.kind, k.platform) as used
            from (
                select x.kind, x.platform, sum(x.count) as count, sum(x.input_tokens) as input_tokens, sum(x.output_tokens) as output_tokens,
                    sum(x.cost_microusd) as cost_microusd
                from (
                    select d.customer_id, d.day, d.kind, d.platform, d.count, d.input_tokens, d.output_tokens, d.cost_microusd from public.usage_days d
                    union all
                    select e.customer_id, e.day, e.kind, e.platform, e.count, e.input_tokens, e.output_tokens, e.cost_microusd from public.usage_entries e) x
                where x.customer_id = c.id and x.day >= date_trunc('month', p_month)::date and x.day < (date_trunc('month', p_month) + interval '1 month')::date
                group by x.kind, x.platform) k) u
    where c.id > p_after and u.used is not null and c.erasing_at is null
    order by c.id
    limit p_limit;
end
$$;

-- Name: use_authorization(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_authorization(p_authorization_id uuid, p_purpose text) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_credential bytea;
begin
    select a.credential into v_credential
    from public.authorizations a
    where a.customer_id = tenancy.customer_id() and a.id = p_authorization_id;
    if v_credential is not null then
        perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('authorization.credential_use', 'authorization'),
            tenancy.customer_id(), p_authorization_id::text, jsonb_build_object('purpose', p_purpose)));
    end if;
    return v_credential;
end
$$;

-- Name: use_authorizations_of_erased(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_authorizations_of_erased(p_erasure uuid) RETURNS TABLE(id uuid, platform text, credential bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_subject uuid;
begin
    select e.subject_id into v_subject from public.erasures e where e.id = p_erasure and e.state = 'requested';
    if v_subject is null or not exists (select from public.authorizations a where a.customer_id = v_subject and a.credential is not null) then
        return;
    end if;
    perform tenancy.audit_event(tenancy.installation_id(), 'authorization.credential_use', 'customer', v_subject::text,
        jsonb_build_object('purpose', 'revoke', 'erasure_id', p_erasure));
    return query
    select a.id, a.platform, a.credential
    from public.authorizations a
    where a.customer_id = v_subject and a.credential is not null
    order by a.id;
end
$$;

-- Name: use_connect_session(bytea, bytea, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text, OUT outcome text, OUT id uuid, OUT redirect_uri text, OUT return_to text, OUT secret bytea) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_session public.connect_sessions;
begin
    select * into v_session from public.connect_sessions s
    where s.customer_id = tenancy.customer_id() and s.user_id = tenancy.user_id() and s.state_hash = p_state_hash
    for no key update;
    outcome := case
        when v_session.id is null then 'unknown'
        when v_session.platform is distinct from p_platform then 'wrong_platform'
        when v_session.state <> 'started' then 'used' -- also to a browser that has lost its cookie by that
        when v_session.cookie_hash is distinct from p_cookie_hash then 'wrong_browser'
        when v_session.expires_at <= now() then 'expired'
        else 'answered' end;
    if outcome in ('unknown', 'wrong_platform') or v_session.cookie_hash is distinct from p_cookie_hash then
        return; -- and says nothing more
    end if;
    id := v_session.id;
    return_to := v_session.return_to;
    if outcome = 'answered' then
        redirect_uri := v_session.redirect_uri;
        secret := v_session.secret;
        update public.connect_sessions s set state = 'answered' where s.customer_id = v_session.customer_id and s.id = v_session.id;
    end if;
end
$$;

-- Name: use_credential(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_credential(p_integration_id uuid, p_purpose text) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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

-- Name: use_mcp_credential(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_mcp_credential(p_id uuid, p_purpose text) RETURNS bytea
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_credential bytea;
begin
    select c.credential into v_credential
    from public.credentials c
        join public.spaces s on s.customer_id = c.customer_id and s.id = c.space_id
    where c.customer_id = tenancy.customer_id() and c.id = p_id and c.kind = 'mcp'
        and case p_purpose when 'revoke' then c.withdrawn_at is not null
            else c.withdrawn_at is null and s.ended_at is null and (c.person is null or c.person like 'agent:%' or exists (
                select from public.space_people p
                where p.customer_id = c.customer_id and p.space_id = c.space_id and p.external_id = c.person and p.left_at is null)) end;
    if v_credential is not null then
        perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('credential.credential_use', 'credential'),
            tenancy.customer_id(), p_id::text, jsonb_build_object('purpose', p_purpose)));
    end if;
    return v_credential;
end
$$;

-- Name: use_mcp_credentials_of_erased(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_mcp_credentials_of_erased(p_erasure uuid) RETURNS TABLE(id uuid, credential bytea)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_subject uuid;
begin
    select e.subject_id into v_subject from public.erasures e where e.id = p_erasure and e.state = 'requested';
    if v_subject is null or not exists (
        select from public.credentials c where c.customer_id = v_subject and c.kind = 'mcp' and c.login = 'oauth' and c.credential is not null)
    then
        return;
    end if;
    perform tenancy.audit_event(tenancy.installation_id(), 'credential.credential_use', 'customer', v_subject::text,
        jsonb_build_object('purpose', 'revoke', 'erasure_id', p_erasure));
    return query
    select c.id, c.credential
    from public.credentials c
    where c.customer_id = v_subject and c.kind = 'mcp' and c.login = 'oauth' and c.credential is not null
    order by c.id;
end
$$;

-- Name: use_workspace(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.use_workspace(p_id uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_workspace public.workspaces := tenancy.workspace_for(p_id, false, false);
begin
    if v_workspace.state = 'deleted' and v_workspace.archive_id is null then
        update public.workspaces w set state = 'new', bytes = 0, entries = 0, last_used_at = now(), announced_at = null, archived_at = null
        where w.customer_id = v_workspace.customer_id and w.id = p_id and w.state = 'deleted';
        return 'new';
    end if;
    update public.workspaces w
    set last_used_at = now(), announced_at = null, wanted_at = case when w.state in ('archiving', 'archived', 'returning') then coalesce(w.wanted_at, now()) end
    where w.customer_id = v_workspace.customer_id and w.id = p_id and (
        w.last_used_at < now() - interval '1 hour' or w.announced_at is not null or (w.state in ('archiving', 'archived', 'returning') and w.wanted_at is null));
    return v_workspace.state;
end
$$;

-- Name: warn_credential_moves(interval); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.warn_credential_moves(p_ahead interval) RETURNS TABLE(customer_id uuid, move_id uuid, deadline timestamp with time zone, left_to_move bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    with left_over as (
        select m.customer_id, m.id, count(*) as accounts
        from public.credential_moves m
            join public.old_credentials o on o.owner_id = m.old_owner_id
            join public.integrations i on i.customer_id = m.customer_id and i.old_credential_id = o.id
        where m.ended_at is null and m.deadline < now() + p_ahead and i.key_id is null and i.state = 'active'
        group by m.customer_id, m.id
    )
    update public.credential_moves m set warned_at = now()
    from left_over l
    where m.customer_id = l.customer_id and m.id = l.id
        and (m.warned_at is null or m.warned_at <= now() - interval '1 day')
    returning m.customer_id, m.id, m.deadline, l.accounts;
end
$$;

-- Name: watch(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.watch() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_topic text := tenancy.topic(tenancy.customer_id());
begin
    if not exists (select from public.watched_topics w where w.topic = v_topic and w.until > now() + interval '90 seconds') then
        insert into public.watched_topics as w (topic, until) values (v_topic, now() + interval '150 seconds')
        on conflict (topic) do update set until = greatest(w.until, excluded.until);
    end if;
    return v_topic;
end
$$;

-- Name: webhook_post(uuid, uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.webhook_post(p_customer_id uuid, p_id uuid) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_post jsonb;
    v_each jsonb;
begin
    select jsonb_build_object('customer_id', p.customer_id, 'post_id', p.id, 'title', p.title, 'state', p.state,
        'scheduled_at', to_char(p.scheduled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    into v_post
    from public.posts p where p.customer_id = p_customer_id and p.id = p_id;
    select coalesce(jsonb_agg(jsonb_build_object('id', pp.id, 'integration_id', pp.integration_id, 'platform', i.platform,
        'state', pp.state,
        -- a part of an address leads nowhere
        'external_url', case when char_length(pp.external_url) <= 1000 then pp.external_url end,
        'published_at', to_char(pp.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'problem_class', pp.problem_class,
        'problem', case when char_length(pp.problem) > 300 then left(pp.problem, 299) || '…' else pp.problem end) order by pp.id), '[]')
    into v_each
    from public.platform_posts pp
        join public.integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    where pp.customer_id = p_customer_id and pp.post_id = p_id;
    if octet_length(v_each::text) <= 131072 then
        return v_post || jsonb_build_object('platform_posts', v_each);
    end if;
    return v_post || jsonb_build_object('platform_posts_by_state', (
        select jsonb_object_agg(s.state, s.count)
        from (select pp.state, count(*) from public.platform_posts pp
            where pp.customer_id = p_customer_id and pp.post_id = p_id group by pp.state) s));
end
$$;

-- Name: webhooks_due(integer, integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.webhooks_due(p_endpoint_share integer, p_customer_share integer, p_limit integer) RETURNS TABLE(customer_id uuid, endpoint_id uuid, id uuid)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not exists (
        select from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at <= now()
            and (select c.archived_at is null from public.customers c where c.id = d.customer_id)) then
        return;
    end if;
    return query
    with recursive live as materialized (
        select j.customer_id as customer, j.args ->> 'endpoint_id' as endpoint, j.args ->> 'delivery_id' as delivery
        from river.river_job j
        where j.kind = 'webhook_delivery' and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
    ), live_of_endpoints as materialized (
        select l.endpoint, count(*) as count from live l group by l.endpoint
    ), live_of_customers as materialized (
        select l.customer, count(*) as count from live l group by l.customer
    ), oldest as materialized (
        select d.customer_id as customer, d.endpoint_id as endpoint from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at <= now()
        order by d.next_at
        limit 1000
    ), walk as (
        (select d.customer_id as customer, d.endpoint_id as endpoint from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at is not null and (select count(*) from oldest) = 1000
        order by d.customer_id, d.endpoint_id
        limit 1)
        union all
        select n.customer_id, n.endpoint_id
        from walk w cross join lateral (
            select d.customer_id, d.endpoint_id from public.webhook_deliveries d
            where d.state = 'pending' and d.next_at is not null and (d.customer_id, d.endpoint_id) > (w.customer, w.endpoint)
            order by d.customer_id, d.endpoint_id
            limit 1) n
    ), endpoints as materialized (
        select o.customer, o.endpoint from oldest o
        union
        select w.customer, w.endpoint from walk w
    ), due as (
        select e.customer, e.endpoint, d.id as delivery, d.next_at,
            row_number() over (partition by e.customer, e.endpoint order by d.next_at, d.id)
                + coalesce((select l.count from live_of_endpoints l where l.endpoint = e.endpoint::text), 0) as endpoint_place
        from endpoints e cross join lateral (
            select d.id, d.next_at from public.webhook_deliveries d
            where d.customer_id = e.customer and d.endpoint_id = e.endpoint and d.state = 'pending' and d.next_at <= now()
                and (d.event = 'webhook.test' or (
                    select w.state = 'active' from public.webhook_endpoints w where w.customer_id = d.customer_id and w.id = d.endpoint_id))
            order by d.next_at
            limit p_endpoint_share) d
        where (select c.archived_at is null from public.customers c where c.id = e.customer)
            and d.id::text not in (select l.delivery from live l)
    ), placed as (
        select d.customer, d.endpoint, d.delivery, d.next_at,
            row_number() over (partition by d.customer order by d.next_at, d.delivery)
                + coalesce((select l.count from live_of_customers l where l.customer = d.customer), 0) as place
        from due d
        where d.endpoint_place <= p_endpoint_share
    )
    select p.customer, p.endpoint, p.delivery from placed p
    where p.place <= p_customer_share
    order by p.place, p.next_at
    limit greatest(p_limit - (select count(*) from live), 0);
end
$$;

-- Name: withdraw_identity(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.withdraw_identity() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    -- what is being given at this moment is given before or after
    perform from public.space_people p
        join public.spaces s on s.customer_id = p.customer_id and s.id = p.space_id
    where s.customer_id = new.customer_id and s.platform = new.platform and s.bot = new.bot and s.team = new.team and p.external_id = new.external_id
    for no key update of p;
    update public.credentials c set withdrawn_at = now()
    from public.spaces s
    where s.customer_id = new.customer_id and s.platform = new.platform and s.bot = new.bot and s.team = new.team
        and c.customer_id = s.customer_id and c.space_id = s.id and c.person = new.external_id and c.withdrawn_at is null;
    return null;
end
$$;

-- Name: withdraw_mcp_server(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.withdraw_mcp_server() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.credentials c
    set withdrawn_at = now(), mcp_server_id = case when tg_op = 'UPDATE' then c.mcp_server_id end
    where c.customer_id = old.customer_id and c.mcp_server_id = old.id;
    delete from public.connect_sessions s where s.customer_id = old.customer_id and s.mcp_server_id = old.id;
    if tg_op = 'UPDATE' then
        return new;
    end if;
    return old;
end
$$;

-- Name: withdraw_person(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.withdraw_person() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.credentials c set withdrawn_at = now()
    where c.customer_id = new.customer_id and c.space_id = new.space_id and c.person = new.external_id and c.withdrawn_at is null;
    return null;
end
$$;

-- Name: withdraw_space(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.withdraw_space() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    update public.credentials c set withdrawn_at = now()
    where c.customer_id = new.customer_id and c.space_id = new.id and c.withdrawn_at is null;
    update public.mcp_servers m set next_check_at = null where m.customer_id = new.customer_id and m.space_id = new.id;
    -- What was still to be said there is nobody's business any more: least of all whose the chat is next.
    delete from public.chat_outbox o where o.subject_id = new.customer_id and o.space_id = new.id and o.ended_at is null;
    return null;
end
$$;

-- Name: words_of(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.words_of(p_text text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('simple'::regconfig, tenancy.plain_text(p_text));

-- Name: words_of_space(uuid, tsvector); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_tsvector(ARRAY(SELECT ("right"((words_of_space.p_space_id)::text, 12) || "left"(w.w, 500)) FROM unnest(tsvector_to_array(words_of_space.p_words)) w(w)));

-- Name: words_of_post(uuid, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE COST 1000 PARALLEL SAFE
    RETURN tenancy.words_of_space(p_customer_id, tenancy.words_of("left"(((p_title || ' '::text) || p_text), 20000)));

-- Name: workspaces; Type: TABLE; Schema: public

CREATE TABLE public.workspaces (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid,
    state text DEFAULT 'new'::text NOT NULL,
    bytes bigint DEFAULT 0 NOT NULL,
    entries bigint DEFAULT 0 NOT NULL,
    measured_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone DEFAULT now() NOT NULL,
    announced_at timestamp with time zone,
    wanted_at timestamp with time zone,
    archived_at timestamp with time zone,
    archive_id uuid,
    archive_sha256 text,
    archive_bytes bigint,
    problem text,
    archive_asked_on date,
    archive_asked integer DEFAULT 0 NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workspaces_archive_form CHECK ((archive_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT workspaces_archive_whole CHECK (((state <> ALL (ARRAY['archived'::text, 'returning'::text])) OR ((archive_id IS NOT NULL) AND (archive_sha256 IS NOT NULL) AND (archived_at IS NOT NULL)))),
    CONSTRAINT workspaces_counts CHECK (((bytes >= 0) AND (entries >= 0))),
    CONSTRAINT workspaces_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT workspaces_state_known CHECK ((state = ANY (ARRAY['new'::text, 'active'::text, 'archiving'::text, 'archived'::text, 'returning'::text, 'restoring'::text, 'deleted'::text])))
);

ALTER TABLE ONLY public.workspaces FORCE ROW LEVEL SECURITY;

-- Name: workspace_for(uuid, boolean, boolean); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.workspace_for(p_id uuid, p_change boolean, p_lock boolean) RETURNS public.workspaces
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_workspace public.workspaces;
begin
    if p_lock then
        select * into v_workspace from public.workspaces w where w.customer_id = tenancy.customer_id() and w.id = p_id for no key update;
    else
        select * into v_workspace from public.workspaces w where w.customer_id = tenancy.customer_id() and w.id = p_id;
    end if;
    if v_workspace.id is null or not tenancy.reads_files(v_workspace.space_id) then
        raise no_data_found using message = 'there is no such workspace', constraint = 'workspaces_there', table = 'workspaces', schema = 'public';
    end if;
    if p_change and not tenancy.writes_files(v_workspace.space_id) then
        raise insufficient_privilege using message = 'permission denied: files of this workspace may not be changed';
    end if;
    return v_workspace;
end
$$;

-- Name: workspace_made(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.workspace_made(p_id uuid) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    perform tenancy.workspace_for(p_id, false, false);
    update public.workspaces w set state = 'active' where w.customer_id = tenancy.customer_id() and w.id = p_id and w.state = 'new';
end
$$;

-- Name: workspaces_due(interval, interval, interval, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.workspaces_due(p_unused interval, p_notice interval, p_keep interval, p_limit integer) RETURNS TABLE(customer_id uuid, id uuid, what text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    -- What has a job already, and customers that are being erased, must not hide others behind them.
    with free as not materialized (
        select w.*, coalesce(p.legal_hold, false) as held, p.unused_days, p.archive_days
        from public.workspaces w
            join public.customers c on c.id = w.customer_id
            left join public.workspace_policies p on p.customer_id = w.customer_id
        where c.erasing_at is null and not exists (
            select from river.river_job j where j.customer_id = w.customer_id and j.kind = 'workspace' and j.args ->> 'workspace_id' = w.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    )
    (select w.customer_id, w.id, 'make' from free w where w.state = 'new' order by w.created_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'return' from free w where w.wanted_at is not null order by w.wanted_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'archive' from free w where w.state = 'archiving' and w.wanted_at is null order by w.updated_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'announce' from free w
    where w.state = 'active' and w.announced_at is null and w.last_used_at < now() - p_unused and w.unused_days is null and not w.held
    order by w.last_used_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'announce' from public.workspace_policies p
        join free w on w.customer_id = p.customer_id
    where not p.legal_hold and p.unused_days is not null and w.state = 'active' and w.announced_at is null
        and w.last_used_at < now() - make_interval(days => p.unused_days)
    limit p_limit)
    union all
    (select w.customer_id, w.id, 'archive' from free w
    where w.state = 'active' and w.announced_at < now() - p_notice and not w.held
    order by w.announced_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'delete' from free w
    where w.state = 'archived' and w.archived_at < now() - p_keep and w.archive_days is null and not w.held and w.wanted_at is null
    order by w.archived_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'delete' from public.workspace_policies p
        join free w on w.customer_id = p.customer_id
    where not p.legal_hold and p.archive_days is not null and w.state = 'archived' and w.wanted_at is null
        and w.archived_at < now() - make_interval(days => p.archive_days)
    limit p_limit)
    union all
    (select w.customer_id, w.id, 'measure' from public.file_changes f
        join free w on w.customer_id = f.customer_id and w.id = f.workspace_id
    where f.touched_at < now() - interval '2 minutes'
    order by f.touched_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'measure' from free w where w.state = 'active' and w.measured_at < now() - interval '1 day' order by w.measured_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'forget' from free w
    where w.state in ('active', 'deleted') and w.archive_id is not null and (w.state = 'deleted' or not w.held)
    order by w.updated_at limit p_limit);
end
$$;

-- Name: workspaces_of_customers(text, timestamp with time zone, timestamp with time zone, uuid, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.workspaces_of_customers(p_state text, p_unused_since timestamp with time zone, p_after timestamp with time zone, p_after_id uuid, p_limit integer) RETURNS TABLE(customer_id uuid, customer text, id uuid, space_id uuid, state text, bytes bigint, entries bigint, last_used_at timestamp with time zone, announced_at timestamp with time zone, archived_at timestamp with time zone, archive_bytes bigint, legal_hold boolean, problem text, created_at timestamp with time zone, updated_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    if not tenancy.has_system_role('viewer') then
        raise insufficient_privilege using message = 'permission denied: only system roles see all workspaces';
    end if;
    return query
    select w.customer_id, c.name, w.id, w.space_id, w.state, w.bytes, w.entries, w.last_used_at, w.announced_at, w.archived_at, w.archive_bytes,
        coalesce(p.legal_hold, false), w.problem, w.created_at, w.updated_at
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where (w.last_used_at, w.id) > (p_after, p_after_id) and c.erasing_at is null
        and (p_state is null or w.state = p_state) and (p_unused_since is null or w.last_used_at < p_unused_since)
    order by w.last_used_at, w.id
    limit p_limit;
end
$$;

-- Name: workspaces_to_clean(uuid, integer, integer); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.workspaces_to_clean(p_customer_id uuid, p_unused_days integer, p_archive_days integer) RETURNS TABLE(customer_id uuid, customer text, id uuid, space_id uuid, what text, kept text, bytes bigint, archive_bytes bigint, last_used_at timestamp with time zone, archived_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    AS $$
begin
    return query
    select w.customer_id, c.name, w.id, w.space_id, case w.state when 'active' then 'archive' else 'delete' end,
        case when p.legal_hold then 'legal_hold' when w.state = 'archived' and w.archived_at >= now() - make_interval(days => p.archive_days) then 'policy' end,
        w.bytes, w.archive_bytes, w.last_used_at, w.archived_at
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where c.erasing_at is null and (p_customer_id is null or w.customer_id = p_customer_id) and (
        w.state = 'active' and w.last_used_at < now() - make_interval(days => p_unused_days) and not exists (
            select from public.messages m where m.customer_id = w.customer_id and m.space_id = w.space_id and m.said_at > now() - make_interval(days => p_unused_days))
        or w.state = 'archived' and w.wanted_at is null and w.archived_at < now() - make_interval(days => p_archive_days))
    order by w.last_used_at, w.id;
end
$$;

-- Name: writes_files(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.writes_files(p_space_id uuid) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
begin
    if not tenancy.reads_files(p_space_id) then
        return false;
    elsif coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is not null then
        return tenancy.has_permission('files:write');
    elsif tenancy.member_role() is not null then
        return tenancy.has_role(case when p_space_id is null then 'member' else 'admin' end);
    end if;
    return tenancy.has_system_role(case when p_space_id is null then 'manager' else 'admin' end);
end
$$;

-- Name: account_limits; Type: TABLE; Schema: public

CREATE TABLE public.account_limits (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    integration_id uuid NOT NULL,
    quota integer,
    remaining integer,
    resets_at timestamp with time zone,
    paused_until timestamp with time zone
);

ALTER TABLE ONLY public.account_limits FORCE ROW LEVEL SECURITY;

-- Name: agent_token_keys; Type: TABLE; Schema: public

CREATE TABLE public.agent_token_keys (
    id uuid NOT NULL,
    sealed bytea NOT NULL,
    key_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.agent_token_keys FORCE ROW LEVEL SECURITY;

-- Name: agent_tokens; Type: TABLE; Schema: public

CREATE TABLE public.agent_tokens (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    permissions text[] NOT NULL,
    api_key_id uuid DEFAULT tenancy.key_id(),
    created_by uuid DEFAULT tenancy.user_id(),
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    space_id uuid DEFAULT tenancy.space_id(),
    person text,
    CONSTRAINT agent_tokens_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT agent_tokens_one_maker CHECK ((num_nonnulls(api_key_id, created_by) = 1)),
    CONSTRAINT agent_tokens_permissions_known CHECK (((permissions <@ tenancy.permissions_known()) AND ((cardinality(permissions) >= 1) AND (cardinality(permissions) <= 50)) AND (NOT ('tokens:mint'::text = ANY (permissions))))),
    CONSTRAINT agent_tokens_short_lived CHECK ((expires_at <= (created_at + '01:00:00'::interval)))
);

ALTER TABLE ONLY public.agent_tokens FORCE ROW LEVEL SECURITY;

-- Name: api_keys; Type: TABLE; Schema: public

CREATE TABLE public.api_keys (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    prefix text NOT NULL,
    key_hash bytea NOT NULL,
    permissions text[] NOT NULL,
    created_by uuid DEFAULT tenancy.user_id() NOT NULL,
    expires_at timestamp with time zone,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    space_id uuid,
    CONSTRAINT api_keys_key_hash_size CHECK ((octet_length(key_hash) = 32)),
    CONSTRAINT api_keys_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT api_keys_permissions_known CHECK (((permissions <@ tenancy.permissions_known()) AND ((cardinality(permissions) >= 1) AND (cardinality(permissions) <= 50)))),
    CONSTRAINT api_keys_prefix_length CHECK (((char_length(prefix) >= 4) AND (char_length(prefix) <= 20)))
);

ALTER TABLE ONLY public.api_keys FORCE ROW LEVEL SECURITY;

-- Name: app_limits; Type: TABLE; Schema: public

CREATE TABLE public.app_limits (
    platform text NOT NULL,
    paused_until timestamp with time zone NOT NULL,
    CONSTRAINT app_limits_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text, 'ghost'::text])))
);

ALTER TABLE ONLY public.app_limits FORCE ROW LEVEL SECURITY;

-- Name: audit_seals; Type: TABLE; Schema: public

CREATE TABLE public.audit_seals (
    customer_id uuid NOT NULL,
    number bigint NOT NULL,
    sealed_at timestamp with time zone NOT NULL,
    ids uuid[] NOT NULL,
    digests bytea NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL
);

ALTER TABLE ONLY public.audit_seals FORCE ROW LEVEL SECURITY;

-- Name: audit_unsealed; Type: TABLE; Schema: public

CREATE TABLE public.audit_unsealed (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    digest bytea NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

ALTER TABLE ONLY public.audit_unsealed FORCE ROW LEVEL SECURITY;

-- Name: authorizations; Type: TABLE; Schema: public

CREATE TABLE public.authorizations (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    reason text,
    scopes text[] DEFAULT '{}'::text[] NOT NULL,
    credential bytea,
    key_id bigint,
    expires_at timestamp with time zone,
    renew_at timestamp with time zone,
    reconnect_by timestamp with time zone,
    lease uuid,
    lease_until timestamp with time zone,
    unanswered boolean DEFAULT false NOT NULL,
    failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    failure text,
    renewed_at timestamp with time zone,
    reminded integer,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT authorizations_credential_held CHECK ((((state = 'ended'::text) AND (credential IS NULL) AND (key_id IS NULL)) OR ((state <> 'ended'::text) AND (credential IS NOT NULL) AND (key_id IS NOT NULL)))),
    CONSTRAINT authorizations_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 500))),
    CONSTRAINT authorizations_failure_known CHECK ((failure = ANY (ARRAY['unavailable'::text, 'rate_limited'::text, 'misconfigured'::text, 'bad_answer'::text, 'unreadable'::text]))),
    CONSTRAINT authorizations_lease_ends CHECK (((lease IS NULL) = (lease_until IS NULL))),
    CONSTRAINT authorizations_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 500))),
    CONSTRAINT authorizations_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text]))),
    CONSTRAINT authorizations_reason_given CHECK (((state = 'needs_reauth'::text) = (reason IS NOT NULL))),
    CONSTRAINT authorizations_reason_known CHECK ((reason = ANY (ARRAY['revoked'::text, 'refused'::text, 'expired'::text, 'interrupted'::text]))),
    CONSTRAINT authorizations_scopes_length CHECK ((cardinality(scopes) <= 100)),
    CONSTRAINT authorizations_state_known CHECK ((state = ANY (ARRAY['active'::text, 'needs_reauth'::text, 'revoking'::text, 'ended'::text]))),
    CONSTRAINT authorizations_times_finite CHECK ((isfinite(expires_at) AND isfinite(renew_at) AND isfinite(reconnect_by)))
);

ALTER TABLE ONLY public.authorizations FORCE ROW LEVEL SECURITY;

-- Name: backup_status; Type: TABLE; Schema: public

CREATE TABLE public.backup_status (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    night date DEFAULT '-infinity'::date NOT NULL,
    last_good_id uuid,
    last_good_at timestamp with time zone,
    last_failed_at timestamp with time zone,
    drilled_at timestamp with time zone DEFAULT '-infinity'::timestamp with time zone NOT NULL,
    last_good_drill_at timestamp with time zone,
    last_failed_drill_at timestamp with time zone
);

ALTER TABLE ONLY public.backup_status FORCE ROW LEVEL SECURITY;

-- Name: backups; Type: TABLE; Schema: public

CREATE TABLE public.backups (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    requested_by uuid DEFAULT tenancy.user_id(),
    night date,
    is_full boolean DEFAULT false NOT NULL,
    previous_id uuid,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    object_id uuid,
    manifest_sha256 text,
    uses jsonb,
    files bigint,
    bytes bigint,
    stored_bytes bigint,
    left_out bigint,
    unstable bigint,
    damaged_at timestamp with time zone,
    problem text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT backups_failed_says_why CHECK (((state <> 'failed'::text) OR (problem IS NOT NULL))),
    CONSTRAINT backups_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT backups_ready_is_whole CHECK (((state <> 'ready'::text) OR ((object_id IS NOT NULL) AND (manifest_sha256 IS NOT NULL) AND (uses IS NOT NULL) AND (finished_at IS NOT NULL) AND (files IS NOT NULL) AND (bytes IS NOT NULL)))),
    CONSTRAINT backups_sha256_form CHECK ((manifest_sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT backups_state_known CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'failed'::text, 'deleting'::text])))
);

ALTER TABLE ONLY public.backups FORCE ROW LEVEL SECURITY;

-- Name: bots; Type: TABLE; Schema: public

CREATE TABLE public.bots (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    bot text NOT NULL,
    team text DEFAULT ''::text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    username text DEFAULT ''::text NOT NULL,
    credential bytea NOT NULL,
    key_id bigint NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    problem text,
    created_by uuid DEFAULT tenancy.user_id(),
    given_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT bots_bot_length CHECK (((char_length(bot) >= 1) AND (char_length(bot) <= 100))),
    CONSTRAINT bots_name_length CHECK (((char_length(name) <= 300) AND (char_length(username) <= 300))),
    CONSTRAINT bots_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text]))),
    CONSTRAINT bots_problem_length CHECK ((char_length(problem) <= 500)),
    CONSTRAINT bots_state_known CHECK ((state = ANY (ARRAY['active'::text, 'refused'::text]))),
    CONSTRAINT bots_team_length CHECK ((char_length(team) <= 100))
);

ALTER TABLE ONLY public.bots FORCE ROW LEVEL SECURITY;

-- Name: caller_rate_limits; Type: TABLE; Schema: public

CREATE UNLOGGED TABLE public.caller_rate_limits (
    caller text NOT NULL,
    endpoint text NOT NULL,
    tat timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.caller_rate_limits FORCE ROW LEVEL SECURITY;

-- Name: campaigns; Type: TABLE; Schema: public

CREATE TABLE public.campaigns (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    goal text DEFAULT ''::text NOT NULL,
    starts_on date,
    ends_on date,
    archived_at timestamp with time zone,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT campaigns_dates_in_order CHECK ((ends_on >= starts_on)),
    CONSTRAINT campaigns_goal_length CHECK ((char_length(goal) <= 10000)),
    CONSTRAINT campaigns_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200)))
);

ALTER TABLE ONLY public.campaigns FORCE ROW LEVEL SECURITY;

-- Name: chat_identities; Type: TABLE; Schema: public

CREATE TABLE public.chat_identities (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    bot text NOT NULL,
    team text DEFAULT ''::text NOT NULL,
    external_id text NOT NULL,
    user_id uuid NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT chat_identities_bot_length CHECK (((char_length(bot) >= 1) AND (char_length(bot) <= 100))),
    CONSTRAINT chat_identities_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 200))),
    CONSTRAINT chat_identities_of_platform CHECK ((external_id !~~ 'agent:%'::text)),
    CONSTRAINT chat_identities_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text])))
);

ALTER TABLE ONLY public.chat_identities FORCE ROW LEVEL SECURITY;

-- Name: chat_outbox; Type: TABLE; Schema: public

CREATE TABLE public.chat_outbox (
    id uuid NOT NULL,
    platform text NOT NULL,
    bot text NOT NULL,
    team text NOT NULL,
    kind text NOT NULL,
    chat text NOT NULL,
    subject_id uuid,
    space_id uuid,
    body jsonb,
    send_at timestamp with time zone DEFAULT now() NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    message_id text,
    ended_at timestamp with time zone,
    CONSTRAINT chat_outbox_body_size CHECK ((octet_length((body)::text) <= 200000)),
    CONSTRAINT chat_outbox_ended CHECK (((ended_at IS NULL) = (body IS NOT NULL))),
    CONSTRAINT chat_outbox_kind_known CHECK ((kind = ANY (ARRAY['user'::text, 'group'::text]))),
    CONSTRAINT chat_outbox_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text])))
);

ALTER TABLE ONLY public.chat_outbox FORCE ROW LEVEL SECURITY;

-- Name: chat_polls; Type: TABLE; Schema: public

CREATE TABLE public.chat_polls (
    platform text NOT NULL,
    bot text NOT NULL,
    lease text NOT NULL,
    lease_until timestamp with time zone NOT NULL
);

ALTER TABLE ONLY public.chat_polls FORCE ROW LEVEL SECURITY;

-- Name: chat_updates; Type: TABLE; Schema: public

CREATE TABLE public.chat_updates (
    platform text NOT NULL,
    bot text NOT NULL,
    update_id text NOT NULL,
    team text NOT NULL,
    kind text NOT NULL,
    chat text NOT NULL,
    place bigint NOT NULL,
    body jsonb,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    handled_at timestamp with time zone,
    attempts integer DEFAULT 0 NOT NULL,
    CONSTRAINT chat_updates_body_size CHECK ((octet_length((body)::text) <= 100000)),
    CONSTRAINT chat_updates_chat_length CHECK ((((char_length(bot) >= 1) AND (char_length(bot) <= 100)) AND (char_length(team) <= 100) AND ((char_length(chat) >= 1) AND (char_length(chat) <= 200)))),
    CONSTRAINT chat_updates_handled CHECK (((handled_at IS NULL) = (body IS NOT NULL))),
    CONSTRAINT chat_updates_kind_known CHECK ((kind = ANY (ARRAY['user'::text, 'group'::text]))),
    CONSTRAINT chat_updates_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text]))),
    CONSTRAINT chat_updates_update_id_length CHECK (((char_length(update_id) >= 1) AND (char_length(update_id) <= 300)))
);

ALTER TABLE ONLY public.chat_updates FORCE ROW LEVEL SECURITY;

-- Name: connect_sessions; Type: TABLE; Schema: public

CREATE TABLE public.connect_sessions (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    user_id uuid DEFAULT tenancy.user_id() NOT NULL,
    admin_reason text DEFAULT NULLIF(((NULLIF(current_setting('fanfare.request'::text, true), ''::text))::jsonb ->> 'reason'::text), ''::text),
    state_hash bytea NOT NULL,
    cookie_hash bytea NOT NULL,
    redirect_uri text NOT NULL,
    return_to text NOT NULL,
    secret bytea,
    key_id bigint,
    state text DEFAULT 'started'::text NOT NULL,
    result text,
    login text,
    accounts jsonb DEFAULT '[]'::jsonb NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '00:10:00'::interval) NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    answered_at timestamp with time zone,
    mcp_server_id uuid,
    person text,
    CONSTRAINT connect_sessions_accounts_size CHECK ((pg_column_size(accounts) <= 1000000)),
    CONSTRAINT connect_sessions_cookie_hash_size CHECK ((octet_length(cookie_hash) = 32)),
    CONSTRAINT connect_sessions_login_length CHECK (((char_length(login) >= 1) AND (char_length(login) <= 500))),
    CONSTRAINT connect_sessions_redirect_uri_length CHECK ((char_length(redirect_uri) <= 2000)),
    CONSTRAINT connect_sessions_result_form CHECK ((result ~ '^[a-z_]{1,50}$'::text)),
    CONSTRAINT connect_sessions_result_given CHECK (((state = ANY (ARRAY['connected'::text, 'failed'::text])) = (result IS NOT NULL))),
    CONSTRAINT connect_sessions_return_to_length CHECK ((char_length(return_to) <= 2000)),
    CONSTRAINT connect_sessions_secret_held CHECK ((((state = ANY (ARRAY['connected'::text, 'failed'::text])) AND (secret IS NULL) AND (key_id IS NULL)) OR ((state = ANY (ARRAY['started'::text, 'choosing'::text])) AND (secret IS NOT NULL) AND (key_id IS NOT NULL)) OR (state = 'answered'::text))),
    CONSTRAINT connect_sessions_state_hash_size CHECK ((octet_length(state_hash) = 32)),
    CONSTRAINT connect_sessions_state_known CHECK ((state = ANY (ARRAY['started'::text, 'answered'::text, 'choosing'::text, 'connected'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.connect_sessions FORCE ROW LEVEL SECURITY;

-- Name: credential_moves; Type: TABLE; Schema: public

CREATE TABLE public.credential_moves (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    old_owner_id uuid NOT NULL,
    deadline timestamp with time zone NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    uses bigint DEFAULT 0 NOT NULL,
    last_used_at timestamp with time zone,
    warned_at timestamp with time zone
);

ALTER TABLE ONLY public.credential_moves FORCE ROW LEVEL SECURITY;

-- Name: credentials; Type: TABLE; Schema: public

CREATE TABLE public.credentials (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid,
    kind text NOT NULL,
    person text,
    name text NOT NULL,
    provider text,
    model text,
    base_url text DEFAULT ''::text NOT NULL,
    hint text DEFAULT ''::text NOT NULL,
    mcp_server_id uuid,
    login text,
    credential bytea,
    key_id bigint,
    shared_at timestamp with time zone,
    shared_by uuid,
    withdrawn_at timestamp with time zone,
    status text DEFAULT 'unchecked'::text NOT NULL,
    server jsonb,
    failure_code text,
    failure text,
    failures integer DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    next_check_at timestamp with time zone DEFAULT now(),
    expires_at timestamp with time zone,
    renew_at timestamp with time zone,
    lease uuid,
    lease_until timestamp with time zone,
    unanswered boolean DEFAULT false NOT NULL,
    created_by uuid DEFAULT COALESCE(tenancy.user_id(), tenancy.acts_for()),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT credentials_base_url_length CHECK ((char_length(base_url) <= 2000)),
    CONSTRAINT credentials_failure_length CHECK (((char_length(failure) <= 1000) AND (char_length(failure_code) <= 100))),
    CONSTRAINT credentials_held CHECK ((((credential IS NULL) = (key_id IS NULL)) AND ((credential IS NOT NULL) OR (withdrawn_at IS NOT NULL)))),
    CONSTRAINT credentials_hint_length CHECK ((char_length(hint) <= 4)),
    CONSTRAINT credentials_kind_whole CHECK (
CASE kind
    WHEN 'llm'::text THEN ((provider IS NOT NULL) AND (model IS NOT NULL) AND (mcp_server_id IS NULL) AND (login IS NULL))
    WHEN 'mcp'::text THEN ((provider IS NULL) AND (model IS NULL) AND (base_url = ''::text) AND (login IS NOT NULL) AND (space_id IS NOT NULL) AND ((mcp_server_id IS NOT NULL) OR (withdrawn_at IS NOT NULL)))
    ELSE false
END),
    CONSTRAINT credentials_lease_ends CHECK (((lease IS NULL) = (lease_until IS NULL))),
    CONSTRAINT credentials_login_known CHECK ((login = ANY (ARRAY['oauth'::text, 'token'::text]))),
    CONSTRAINT credentials_model_length CHECK (((char_length(model) >= 1) AND (char_length(model) <= 200))),
    CONSTRAINT credentials_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT credentials_person_in_space CHECK (((person IS NULL) OR (space_id IS NOT NULL))),
    CONSTRAINT credentials_person_length CHECK (((char_length(person) >= 1) AND (char_length(person) <= 200))),
    CONSTRAINT credentials_provider_known CHECK ((provider = ANY (ARRAY['anthropic'::text, 'gemini'::text, 'openai'::text]))),
    CONSTRAINT credentials_server_size CHECK ((octet_length((server)::text) <= 1000000)),
    CONSTRAINT credentials_share_whole CHECK (((shared_at IS NULL) = (shared_by IS NULL))),
    CONSTRAINT credentials_shared_by_its_person CHECK (((shared_at IS NULL) OR ((person IS NOT NULL) AND (withdrawn_at IS NULL)))),
    CONSTRAINT credentials_status_known CHECK ((status = ANY (ARRAY['unchecked'::text, 'connected'::text, 'needs_login'::text, 'failing'::text])))
);

ALTER TABLE ONLY public.credentials FORCE ROW LEVEL SECURITY;

-- Name: customers; Type: TABLE; Schema: public

CREATE TABLE public.customers (
    id uuid NOT NULL,
    name text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    brand_voice text DEFAULT ''::text NOT NULL,
    audience text DEFAULT ''::text NOT NULL,
    language text DEFAULT 'en'::text NOT NULL,
    time_zone text DEFAULT 'UTC'::text NOT NULL,
    archived_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    erasing_at timestamp with time zone,
    approval_required boolean DEFAULT false NOT NULL,
    approver_role text DEFAULT 'admin'::text NOT NULL,
    self_approval boolean DEFAULT true NOT NULL,
    media_quota bigint,
    CONSTRAINT customers_approver_role_known CHECK ((approver_role = ANY (ARRAY['member'::text, 'admin'::text, 'owner'::text]))),
    CONSTRAINT customers_audience_length CHECK ((char_length(audience) <= 10000)),
    CONSTRAINT customers_brand_voice_length CHECK ((char_length(brand_voice) <= 10000)),
    CONSTRAINT customers_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT customers_id_of_a_customer CHECK ((id <> 'fa0fa0e0-0000-7000-8000-000000000000'::uuid)),
    CONSTRAINT customers_language_form CHECK (((language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$'::text) AND (char_length(language) <= 35))),
    CONSTRAINT customers_media_quota_positive CHECK ((media_quota >= 0)),
    CONSTRAINT customers_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT customers_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);

ALTER TABLE ONLY public.customers FORCE ROW LEVEL SECURITY;

-- Name: drills; Type: TABLE; Schema: public

CREATE TABLE public.drills (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    backup_id uuid NOT NULL,
    state text DEFAULT 'running'::text NOT NULL,
    files bigint,
    bytes bigint,
    differences bigint,
    problem text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT drills_failed_says_why CHECK (((state <> 'failed'::text) OR (problem IS NOT NULL))),
    CONSTRAINT drills_good_is_whole CHECK (((state <> 'good'::text) OR ((files IS NOT NULL) AND (bytes IS NOT NULL) AND (differences = 0)))),
    CONSTRAINT drills_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT drills_state_known CHECK ((state = ANY (ARRAY['running'::text, 'good'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.drills FORCE ROW LEVEL SECURITY;

-- Name: email_templates; Type: TABLE; Schema: public

CREATE TABLE public.email_templates (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    subject text DEFAULT ''::text NOT NULL,
    preview_text text DEFAULT ''::text NOT NULL,
    html text NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT email_templates_html_length CHECK (((octet_length(html) >= 1) AND (octet_length(html) <= 200000))),
    CONSTRAINT email_templates_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT email_templates_preview_text_length CHECK ((char_length(preview_text) <= 255)),
    CONSTRAINT email_templates_subject_length CHECK ((char_length(subject) <= 255))
);

ALTER TABLE ONLY public.email_templates FORCE ROW LEVEL SECURITY;

-- Name: erasures; Type: TABLE; Schema: public

CREATE TABLE public.erasures (
    id uuid NOT NULL,
    subject_id uuid NOT NULL,
    state text DEFAULT 'requested'::text NOT NULL,
    requested_by uuid NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    has_files boolean NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    files bigint DEFAULT 0 NOT NULL,
    has_workspaces boolean DEFAULT false NOT NULL,
    has_backups boolean DEFAULT false NOT NULL,
    CONSTRAINT erasures_finished_has_time CHECK (((state = 'finished'::text) = (finished_at IS NOT NULL))),
    CONSTRAINT erasures_state_known CHECK ((state = ANY (ARRAY['requested'::text, 'running'::text, 'finished'::text])))
);

ALTER TABLE ONLY public.erasures FORCE ROW LEVEL SECURITY;

-- Name: exports; Type: TABLE; Schema: public

CREATE TABLE public.exports (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    requested_by uuid DEFAULT tenancy.user_id(),
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    size_bytes bigint,
    sha256 text,
    problem text,
    expires_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT exports_failed_says_why CHECK (((state <> 'failed'::text) OR (problem IS NOT NULL))),
    CONSTRAINT exports_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT exports_ready_is_whole CHECK (((state <> 'ready'::text) OR ((size_bytes IS NOT NULL) AND (sha256 IS NOT NULL) AND (expires_at IS NOT NULL)))),
    CONSTRAINT exports_sha256_form CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT exports_state_known CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'ready'::text, 'failed'::text, 'expired'::text])))
);

ALTER TABLE ONLY public.exports FORCE ROW LEVEL SECURITY;

-- Name: file_changes; Type: TABLE; Schema: public

CREATE TABLE public.file_changes (
    customer_id uuid NOT NULL,
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text NOT NULL,
    bytes bigint NOT NULL,
    touched_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT file_changes_bytes_known CHECK ((bytes >= 0)),
    CONSTRAINT file_changes_kind_known CHECK ((kind = ANY (ARRAY['write'::text, 'make_directory'::text, 'move'::text, 'delete'::text])))
);

ALTER TABLE ONLY public.file_changes FORCE ROW LEVEL SECURITY;

-- Name: idempotency_keys; Type: TABLE; Schema: public

CREATE TABLE public.idempotency_keys (
    actor_id uuid DEFAULT tenancy.actor_id() NOT NULL,
    operation text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    acted_as text DEFAULT tenancy.rights() NOT NULL,
    answer bytea,
    key_id bigint,
    subject_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_keys_fingerprint_size CHECK ((octet_length(fingerprint) = 32)),
    CONSTRAINT idempotency_keys_key_length CHECK (((char_length(key) >= 1) AND (char_length(key) <= 255))),
    CONSTRAINT idempotency_keys_operation_length CHECK (((char_length(operation) >= 1) AND (char_length(operation) <= 100)))
);

ALTER TABLE ONLY public.idempotency_keys FORCE ROW LEVEL SECURITY;

-- Name: integrations; Type: TABLE; Schema: public

CREATE TABLE public.integrations (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    url text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    credential bytea,
    key_id bigint,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    authorization_id uuid,
    is_default boolean DEFAULT false NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    reason text,
    checked_at timestamp with time zone,
    old_credential_id uuid,
    CONSTRAINT integrations_credential_held CHECK ((((state = 'disconnected'::text) AND (credential IS NULL) AND (key_id IS NULL) AND (old_credential_id IS NULL)) OR ((state <> 'disconnected'::text) AND (credential IS NOT NULL) AND (key_id IS NOT NULL)) OR ((state <> 'disconnected'::text) AND (credential IS NULL) AND (key_id IS NULL) AND (old_credential_id IS NOT NULL)))),
    CONSTRAINT integrations_default_connected CHECK (((NOT is_default) OR (state <> 'disconnected'::text))),
    CONSTRAINT integrations_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 500))),
    CONSTRAINT integrations_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 500))),
    CONSTRAINT integrations_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text, 'ghost'::text]))),
    CONSTRAINT integrations_reason_known CHECK ((reason = ANY (ARRAY['revoked'::text, 'refused'::text, 'expired'::text, 'interrupted'::text, 'access_lost'::text, 'moved_out'::text]))),
    CONSTRAINT integrations_state_known CHECK ((state = ANY (ARRAY['active'::text, 'needs_reauth'::text, 'disconnected'::text]))),
    CONSTRAINT integrations_url_length CHECK ((char_length(url) <= 2000))
);

ALTER TABLE ONLY public.integrations FORCE ROW LEVEL SECURITY;

-- Name: integrations_with_health; Type: VIEW; Schema: public

CREATE VIEW public.integrations_with_health WITH (security_invoker='true') AS
 SELECT i.id,
    i.platform,
    i.external_id,
    i.name,
    i.url,
    i.state,
    i.is_default,
    i.version,
    i.created_at,
    i.updated_at,
    jsonb_build_object('status',
        CASE
            WHEN (i.state <> 'active'::text) THEN i.state
            WHEN (a.state = 'needs_reauth'::text) THEN 'needs_reauth'::text
            WHEN (e.reason IS NOT NULL) THEN 'expiring'::text
            ELSE 'active'::text
        END, 'since',
        CASE
            WHEN (i.state <> 'active'::text) THEN i.state_since
            WHEN (a.state = 'needs_reauth'::text) THEN a.state_since
            WHEN (e.reason IS NOT NULL) THEN e.since
            ELSE i.state_since
        END, 'reason',
        CASE
            WHEN (i.state = 'active'::text) THEN COALESCE(a.reason, e.reason)
            ELSE i.reason
        END, 'expires_at',
        CASE
            WHEN ((i.state = 'active'::text) AND (a.state = 'active'::text)) THEN a.expires_at
            ELSE NULL::timestamp with time zone
        END, 'reconnect_by',
        CASE
            WHEN ((i.state = 'active'::text) AND (a.state = 'active'::text)) THEN a.reconnect_by
            ELSE NULL::timestamp with time zone
        END, 'checked_at', i.checked_at) AS health,
        CASE
            WHEN (a.id IS NOT NULL) THEN jsonb_build_object('id', a.id, 'name', a.name, 'status',
            CASE
                WHEN (e.reason IS NOT NULL) THEN 'expiring'::text
                ELSE a.state
            END, 'since',
            CASE
                WHEN (e.reason IS NOT NULL) THEN e.since
                ELSE a.state_since
            END, 'reason', COALESCE(a.reason, e.reason), 'expires_at',
            CASE
                WHEN (a.state = 'active'::text) THEN a.expires_at
                ELSE NULL::timestamp with time zone
            END, 'reconnect_by',
            CASE
                WHEN (a.state = 'active'::text) THEN a.reconnect_by
                ELSE NULL::timestamp with time zone
            END)
            ELSE 'null'::jsonb
        END AS login
   FROM ((public.integrations i
     LEFT JOIN public.authorizations a ON (((a.customer_id = i.customer_id) AND (a.id = i.authorization_id))))
     LEFT JOIN LATERAL ( SELECT ('renewal_'::text || a.failure) AS reason,
            GREATEST(a.failing_since, a.state_since) AS since
          WHERE ((a.state = 'active'::text) AND (a.failures > 0) AND (a.failure = ANY (ARRAY['misconfigured'::text, 'unreadable'::text])) AND (a.expires_at < (now() + '14 days'::interval)) AND COALESCE((a.expires_at < a.reconnect_by), true))
        UNION ALL
         SELECT 'renewal_failing'::text,
            GREATEST(a.failing_since, a.state_since) AS "greatest"
          WHERE ((a.state = 'active'::text) AND (a.failures > 0) AND (a.expires_at < (now() + '1 day'::interval)) AND COALESCE((a.expires_at < a.reconnect_by), true))
        UNION ALL
         SELECT 'reconnect_due'::text,
            GREATEST((a.reconnect_by - '14 days'::interval), a.state_since) AS "greatest"
          WHERE ((a.state = 'active'::text) AND (a.reconnect_by < (now() + '14 days'::interval)))
 LIMIT 1) e ON (true));

-- Name: invitations; Type: TABLE; Schema: public

CREATE TABLE public.invitations (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    email text NOT NULL,
    role text NOT NULL,
    token_hash bytea NOT NULL,
    sealed_token bytea,
    key_id bigint,
    invited_by uuid DEFAULT tenancy.user_id() NOT NULL,
    invited_as_system boolean DEFAULT (tenancy.system_role() IS NOT NULL) NOT NULL,
    expires_at timestamp with time zone DEFAULT (now() + '7 days'::interval) NOT NULL,
    accepted_at timestamp with time zone,
    accepted_by uuid,
    revoked_at timestamp with time zone,
    sent_at timestamp with time zone,
    send_problem text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT invitations_accepted_by_somebody CHECK (((accepted_at IS NULL) = (accepted_by IS NULL))),
    CONSTRAINT invitations_email_form CHECK ((email ~ '^[^@[:cntrl:][:space:]]+@[^@[:cntrl:][:space:]]+$'::text)),
    CONSTRAINT invitations_email_length CHECK (((char_length(email) >= 3) AND (char_length(email) <= 320))),
    CONSTRAINT invitations_one_end CHECK (((accepted_at IS NULL) OR (revoked_at IS NULL))),
    CONSTRAINT invitations_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text]))),
    CONSTRAINT invitations_send_problem_length CHECK ((char_length(send_problem) <= 500)),
    CONSTRAINT invitations_token_hash_form CHECK ((octet_length(token_hash) = 32)),
    CONSTRAINT invitations_token_held CHECK ((((sealed_token IS NULL) AND (key_id IS NULL)) OR ((sealed_token IS NOT NULL) AND (key_id IS NOT NULL) AND (accepted_at IS NULL) AND (revoked_at IS NULL) AND (sent_at IS NULL) AND (send_problem IS NULL))))
);

ALTER TABLE ONLY public.invitations FORCE ROW LEVEL SECURITY;

-- Name: llm_budgets; Type: TABLE; Schema: public

CREATE TABLE public.llm_budgets (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    monthly_tokens bigint,
    monthly_cost_microusd bigint,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT llm_budgets_cost_range CHECK (((monthly_cost_microusd >= 0) AND (monthly_cost_microusd <= '1000000000000'::bigint))),
    CONSTRAINT llm_budgets_says_something CHECK ((num_nonnulls(monthly_tokens, monthly_cost_microusd) > 0)),
    CONSTRAINT llm_budgets_tokens_range CHECK (((monthly_tokens >= 0) AND (monthly_tokens <= '1000000000000'::bigint)))
);

ALTER TABLE ONLY public.llm_budgets FORCE ROW LEVEL SECURITY;

-- Name: llm_months; Type: TABLE; Schema: public

CREATE TABLE public.llm_months (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    month date NOT NULL,
    tokens bigint DEFAULT 0 NOT NULL,
    cost_microusd bigint DEFAULT 0 NOT NULL,
    reserved_tokens bigint DEFAULT 0 NOT NULL,
    reserved_cost_microusd bigint DEFAULT 0 NOT NULL,
    lost_tokens bigint DEFAULT 0 NOT NULL,
    lost_cost_microusd bigint DEFAULT 0 NOT NULL,
    CONSTRAINT llm_months_positive CHECK (((tokens >= 0) AND (cost_microusd >= 0) AND (reserved_tokens >= 0) AND (reserved_cost_microusd >= 0) AND (lost_tokens >= 0) AND (lost_cost_microusd >= 0)))
);

ALTER TABLE ONLY public.llm_months FORCE ROW LEVEL SECURITY;

-- Name: login_revocations; Type: TABLE; Schema: public

CREATE TABLE public.login_revocations (
    login bytea NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT login_revocations_login_size CHECK ((octet_length(login) = 32))
);

ALTER TABLE ONLY public.login_revocations FORCE ROW LEVEL SECURITY;

-- Name: mcp_servers; Type: TABLE; Schema: public

CREATE TABLE public.mcp_servers (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    status text DEFAULT 'unchecked'::text NOT NULL,
    login text,
    server jsonb,
    failure_code text,
    failure text,
    failures integer DEFAULT 0 NOT NULL,
    checked_at timestamp with time zone,
    next_check_at timestamp with time zone DEFAULT now(),
    metadata jsonb,
    registration bytea,
    key_id bigint,
    created_by uuid DEFAULT COALESCE(tenancy.user_id(), tenancy.acts_for()),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT mcp_servers_failure_length CHECK (((char_length(failure) <= 1000) AND (char_length(failure_code) <= 100))),
    CONSTRAINT mcp_servers_login_known CHECK ((login = ANY (ARRAY['oauth'::text, 'token'::text]))),
    CONSTRAINT mcp_servers_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 100))),
    CONSTRAINT mcp_servers_registration_held CHECK (((registration IS NULL) = (key_id IS NULL))),
    CONSTRAINT mcp_servers_server_size CHECK (((octet_length((server)::text) <= 1000000) AND (octet_length((metadata)::text) <= 100000))),
    CONSTRAINT mcp_servers_status_known CHECK ((status = ANY (ARRAY['unchecked'::text, 'connected'::text, 'needs_login'::text, 'failing'::text]))),
    CONSTRAINT mcp_servers_url_length CHECK (((octet_length(url) >= 1) AND (octet_length(url) <= 2048)))
);

ALTER TABLE ONLY public.mcp_servers FORCE ROW LEVEL SECURITY;

-- Name: mcp_servers_with_status; Type: VIEW; Schema: public

CREATE VIEW public.mcp_servers_with_status WITH (security_invoker='true') AS
 SELECT m.id,
    m.space_id,
    m.name,
    m.url,
    m.version,
    m.created_at,
    m.updated_at,
    m.status,
    m.login,
    m.server,
    m.failure_code,
    m.failure,
    m.checked_at,
    (m.key_id IS NOT NULL) AS registered,
    c.id AS used_id,
    c.login AS used_login,
    c.whose AS used_of,
    c.expires_at AS used_until,
    c.status AS used_status,
    c.server AS used_server,
    c.failure_code AS used_failure_code,
    c.failure AS used_failure,
    c.checked_at AS used_checked_at
   FROM (public.mcp_servers m
     LEFT JOIN LATERAL ( SELECT o.id,
            o.status,
            o.server,
            o.failure_code,
            o.failure,
            o.checked_at,
            o.login,
            o.expires_at,
                CASE
                    WHEN (o.person IS NULL) THEN 'space'::text
                    WHEN (o.person = ANY (p.people)) THEN 'me'::text
                    ELSE 'shared'::text
                END AS whose
           FROM (( SELECT tenancy.own_people(m.space_id) AS people) p
             JOIN public.credentials o ON (((o.customer_id = m.customer_id) AND (o.mcp_server_id = m.id) AND (o.kind = 'mcp'::text) AND (o.withdrawn_at IS NULL) AND ((o.person IS NULL) OR (o.person = ANY (p.people)) OR ((o.shared_at IS NOT NULL) AND ((o.person !~~ 'agent:%'::text) OR (tenancy.token_id() IS NOT NULL)) AND ((cardinality(p.people) > 0) OR (tenancy.space_id() = m.space_id)))))))
          ORDER BY COALESCE((o.person = ANY (p.people)), false) DESC, (o.person IS NULL) DESC, o.shared_at, o.id
         LIMIT 1) c ON (true));

-- Name: media; Type: TABLE; Schema: public

CREATE TABLE public.media (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    path text NOT NULL,
    content_type text NOT NULL,
    bytes bigint NOT NULL,
    width integer,
    height integer,
    alt_text text DEFAULT ''::text NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    duration_ms bigint,
    animated boolean DEFAULT false NOT NULL,
    state text DEFAULT 'ready'::text NOT NULL,
    sha256 bytea,
    space_id uuid DEFAULT tenancy.space_id(),
    source text,
    source_id text,
    source_url text,
    photographer text,
    photographer_url text,
    CONSTRAINT media_alt_text_length CHECK ((char_length(alt_text) <= 2000)),
    CONSTRAINT media_bytes_positive CHECK ((bytes > 0)),
    CONSTRAINT media_content_type_form CHECK ((content_type ~ '^(image|video)/[a-z0-9.+-]{1,100}$'::text)),
    CONSTRAINT media_duration_positive CHECK ((duration_ms >= 0)),
    CONSTRAINT media_name_length CHECK ((char_length(name) <= 255)),
    CONSTRAINT media_path_length CHECK (((char_length(path) >= 1) AND (char_length(path) <= 1000))),
    CONSTRAINT media_sha256_length CHECK ((octet_length(sha256) = 32)),
    CONSTRAINT media_state_known CHECK ((state = ANY (ARRAY['uploading'::text, 'ready'::text, 'deleting'::text])))
);

ALTER TABLE ONLY public.media FORCE ROW LEVEL SECURITY;

-- Name: memberships; Type: TABLE; Schema: public

CREATE TABLE public.memberships (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT memberships_role_known CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'member'::text, 'viewer'::text])))
);

ALTER TABLE ONLY public.memberships FORCE ROW LEVEL SECURITY;

-- Name: memories; Type: TABLE; Schema: public

CREATE TABLE public.memories (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid DEFAULT tenancy.space_id(),
    text text NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    person text DEFAULT tenancy.person(),
    search tsvector GENERATED ALWAYS AS (tenancy.words_of(text)) STORED NOT NULL,
    embedding real[],
    embedding_model text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memories_embedding_finite CHECK ((NOT (embedding && ARRAY['NaN'::real, 'Infinity'::real, '-Infinity'::real]))),
    CONSTRAINT memories_embedding_size CHECK (((array_ndims(embedding) = 1) AND ((cardinality(embedding) >= 1) AND (cardinality(embedding) <= 16000)))),
    CONSTRAINT memories_embedding_whole CHECK (((embedding IS NULL) OR (embedding_model IS NOT NULL))),
    CONSTRAINT memories_person_length CHECK (((char_length(person) >= 1) AND (char_length(person) <= 200))),
    CONSTRAINT memories_text_length CHECK (((char_length(text) >= 1) AND (char_length(text) <= 4000)))
);

ALTER TABLE ONLY public.memories FORCE ROW LEVEL SECURITY;

-- Name: messages; Type: TABLE; Schema: public

CREATE TABLE public.messages (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid NOT NULL,
    direction text NOT NULL,
    person text DEFAULT ''::text NOT NULL,
    person_name text DEFAULT ''::text NOT NULL,
    text text NOT NULL,
    said_at timestamp with time zone DEFAULT now() NOT NULL,
    search tsvector GENERATED ALWAYS AS (tenancy.words_of(text)) STORED NOT NULL,
    CONSTRAINT messages_direction_known CHECK ((direction = ANY (ARRAY['in'::text, 'out'::text]))),
    CONSTRAINT messages_person_length CHECK (((char_length(person) <= 200) AND (char_length(person_name) <= 300))),
    CONSTRAINT messages_text_length CHECK ((char_length(text) <= 50000))
);

ALTER TABLE ONLY public.messages FORCE ROW LEVEL SECURITY;

-- Name: old_credentials; Type: TABLE; Schema: public

CREATE TABLE public.old_credentials (
    id uuid NOT NULL,
    owner_id uuid NOT NULL,
    platform text NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    url text DEFAULT ''::text NOT NULL,
    credential bytea NOT NULL,
    key_id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    uses bigint DEFAULT 0 NOT NULL,
    CONSTRAINT old_credentials_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 500))),
    CONSTRAINT old_credentials_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 500))),
    CONSTRAINT old_credentials_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text, 'ghost'::text]))),
    CONSTRAINT old_credentials_url_length CHECK ((char_length(url) <= 2000))
);

ALTER TABLE ONLY public.old_credentials FORCE ROW LEVEL SECURITY;

-- Name: pairings; Type: TABLE; Schema: public

CREATE TABLE public.pairings (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    bot text NOT NULL,
    code_hash bytea NOT NULL,
    link_hash bytea NOT NULL,
    permissions text[] NOT NULL,
    own boolean NOT NULL,
    created_by uuid DEFAULT COALESCE(tenancy.user_id(), tenancy.acts_for()) NOT NULL,
    by_program boolean DEFAULT false NOT NULL,
    by_key uuid DEFAULT tenancy.key_id(),
    by_agent uuid DEFAULT tenancy.token_id(),
    expires_at timestamp with time zone DEFAULT (now() + '00:15:00'::interval) NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    claimed_by text,
    claimed_at timestamp with time zone,
    team text,
    kind text,
    external_id text,
    title text,
    person_id text,
    person_name text,
    confirmed_at timestamp with time zone,
    confirmed_by uuid,
    held_elsewhere boolean DEFAULT false NOT NULL,
    space_id uuid,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT pairings_bot_length CHECK (((char_length(bot) >= 1) AND (char_length(bot) <= 100))),
    CONSTRAINT pairings_claim_whole CHECK ((((claimed_at IS NULL) = (claimed_by IS NULL)) AND ((claimed_at IS NULL) = (external_id IS NULL)) AND ((claimed_at IS NULL) = (kind IS NULL)) AND ((claimed_at IS NULL) = (team IS NULL)) AND ((claimed_at IS NULL) = (person_id IS NULL)))),
    CONSTRAINT pairings_claimed_by_known CHECK ((claimed_by = ANY (ARRAY['code'::text, 'link'::text]))),
    CONSTRAINT pairings_done_whole CHECK (((state = 'done'::text) = (space_id IS NOT NULL))),
    CONSTRAINT pairings_hash_size CHECK (((octet_length(code_hash) = 32) AND (octet_length(link_hash) = 32))),
    CONSTRAINT pairings_kind_known CHECK ((kind = ANY (ARRAY['user'::text, 'group'::text]))),
    CONSTRAINT pairings_permissions_known CHECK (((permissions <@ tenancy.chat_permissions()) AND ((cardinality(permissions) >= 1) AND (cardinality(permissions) <= 50)))),
    CONSTRAINT pairings_person_of_platform CHECK ((person_id !~~ 'agent:%'::text)),
    CONSTRAINT pairings_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text]))),
    CONSTRAINT pairings_state_known CHECK ((state = ANY (ARRAY['open'::text, 'claimed'::text, 'done'::text, 'denied'::text, 'expired'::text, 'revoked'::text])))
);

ALTER TABLE ONLY public.pairings FORCE ROW LEVEL SECURITY;

-- Name: platform_post_media; Type: TABLE; Schema: public

CREATE TABLE public.platform_post_media (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    platform_post_id uuid NOT NULL,
    media_id uuid NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT platform_post_media_position_in_range CHECK ((("position" >= 0) AND ("position" <= 99)))
);

ALTER TABLE ONLY public.platform_post_media FORCE ROW LEVEL SECURITY;

-- Name: platform_posts; Type: TABLE; Schema: public

CREATE TABLE public.platform_posts (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    post_id uuid NOT NULL,
    integration_id uuid NOT NULL,
    text text,
    state text DEFAULT 'draft'::text NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone,
    checkpoint jsonb,
    external_id text,
    external_url text,
    published_at timestamp with time zone,
    problem_class text,
    problem text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    own_media boolean DEFAULT false NOT NULL,
    first_attempt integer DEFAULT 1 NOT NULL,
    measure_at timestamp with time zone,
    problem_since timestamp with time zone,
    CONSTRAINT platform_posts_external_id_length CHECK ((char_length(external_id) <= 500)),
    CONSTRAINT platform_posts_external_url_length CHECK ((char_length(external_url) <= 2000)),
    CONSTRAINT platform_posts_options_object CHECK (((jsonb_typeof(options) = 'object'::text) AND (octet_length((options)::text) <= 65536))),
    CONSTRAINT platform_posts_problem_class_known CHECK ((problem_class = ANY (ARRAY['credential'::text, 'invalid'::text, 'rate_limited'::text, 'payment_required'::text, 'transient'::text, 'unknown_outcome'::text]))),
    CONSTRAINT platform_posts_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT platform_posts_problem_told CHECK (((state <> ALL (ARRAY['failed'::text, 'needs_attention'::text])) OR ((problem IS NOT NULL) AND (problem_class IS NOT NULL)))),
    CONSTRAINT platform_posts_published_at_sane CHECK (((published_at >= '2000-01-01 00:00:00+00'::timestamp with time zone) AND (published_at <= '9999-01-01 00:00:00+00'::timestamp with time zone))),
    CONSTRAINT platform_posts_published_is_somewhere CHECK (((state <> 'published'::text) OR ((external_id IS NOT NULL) AND (published_at IS NOT NULL)))),
    CONSTRAINT platform_posts_state_known CHECK ((state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'published'::text, 'failed'::text, 'needs_attention'::text, 'cancelled'::text]))),
    CONSTRAINT platform_posts_text_length CHECK (((char_length(text) >= 1) AND (char_length(text) <= 100000)))
);

ALTER TABLE ONLY public.platform_posts FORCE ROW LEVEL SECURITY;

-- Name: post_media; Type: TABLE; Schema: public

CREATE TABLE public.post_media (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    post_id uuid NOT NULL,
    media_id uuid NOT NULL,
    "position" integer NOT NULL,
    CONSTRAINT post_media_position_in_range CHECK ((("position" >= 0) AND ("position" <= 99)))
);

ALTER TABLE ONLY public.post_media FORCE ROW LEVEL SECURITY;

-- Name: platform_post_files; Type: VIEW; Schema: public

CREATE VIEW public.platform_post_files WITH (security_invoker='true') AS
 SELECT pp.customer_id,
    pp.id AS platform_post_id,
    f."position",
    jsonb_build_object('id', m.id, 'path', m.path, 'name', m.name, 'content_type', m.content_type, 'bytes', m.bytes, 'width', COALESCE(m.width, 0), 'height', COALESCE(m.height, 0), 'duration_ms', COALESCE(m.duration_ms, (0)::bigint), 'animated', m.animated, 'alt_text', m.alt_text) AS file
   FROM ((public.platform_posts pp
     JOIN LATERAL ( SELECT pm.media_id,
            pm."position"
           FROM public.post_media pm
          WHERE ((NOT pp.own_media) AND (pm.customer_id = pp.customer_id) AND (pm.post_id = pp.post_id))
        UNION ALL
         SELECT own.media_id,
            own."position"
           FROM public.platform_post_media own
          WHERE (pp.own_media AND (own.customer_id = pp.customer_id) AND (own.platform_post_id = pp.id))) f ON (true))
     JOIN public.media m ON (((m.customer_id = pp.customer_id) AND (m.id = f.media_id))));

-- Name: post_metrics; Type: TABLE; Schema: public

CREATE TABLE public.post_metrics (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    platform_post_id uuid NOT NULL,
    day date NOT NULL,
    impressions bigint,
    reach bigint,
    likes bigint,
    comments bigint,
    shares bigint,
    clicks bigint,
    measured_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.post_metrics FORCE ROW LEVEL SECURITY;

-- Name: post_reviews; Type: TABLE; Schema: public

CREATE TABLE public.post_reviews (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    post_id uuid NOT NULL,
    post_version bigint NOT NULL,
    verdict text NOT NULL,
    comment text DEFAULT ''::text NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    space_id uuid DEFAULT tenancy.space_id(),
    content jsonb,
    CONSTRAINT post_reviews_comment_length CHECK ((char_length(comment) <= 5000)),
    CONSTRAINT post_reviews_says_something CHECK (((verdict <> ALL (ARRAY['rejected'::text, 'comment'::text])) OR (comment <> ''::text))),
    CONSTRAINT post_reviews_verdict_known CHECK ((verdict = ANY (ARRAY['submitted'::text, 'approved'::text, 'rejected'::text, 'withdrawn'::text, 'comment'::text])))
);

ALTER TABLE ONLY public.post_reviews FORCE ROW LEVEL SECURITY;

-- Name: posts; Type: TABLE; Schema: public

CREATE TABLE public.posts (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    campaign_id uuid,
    title text DEFAULT ''::text NOT NULL,
    text text NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    scheduled_at timestamp with time zone,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    approved_at timestamp with time zone,
    approved_by uuid,
    submitted_by uuid,
    edited_by uuid DEFAULT tenancy.user_id(),
    submitted_for uuid,
    edited_for uuid,
    slot_at timestamp with time zone,
    recurrence_id uuid,
    occurrence_at timestamp with time zone,
    detached_at timestamp with time zone,
    space_id uuid DEFAULT tenancy.space_id(),
    CONSTRAINT posts_scheduled_has_time CHECK (((state <> ALL (ARRAY['scheduled'::text, 'publishing'::text])) OR (scheduled_at IS NOT NULL))),
    CONSTRAINT posts_state_known CHECK ((state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'published'::text, 'partially_published'::text, 'failed'::text, 'needs_attention'::text, 'cancelled'::text]))),
    CONSTRAINT posts_text_length CHECK (((char_length(text) >= 1) AND (char_length(text) <= 100000))),
    CONSTRAINT posts_title_length CHECK ((char_length(title) <= 255))
);

ALTER TABLE ONLY public.posts FORCE ROW LEVEL SECURITY;

-- Name: posts_with_platforms; Type: VIEW; Schema: public

CREATE VIEW public.posts_with_platforms WITH (security_invoker='true') AS
 SELECT p.id,
    p.campaign_id,
    p.title,
    p.text,
    p.state,
    p.scheduled_at,
    p.created_by,
    p.version,
    p.created_at,
    p.updated_at,
    ( SELECT COALESCE(jsonb_agg(jsonb_build_object('id', pp.id, 'integration_id', pp.integration_id, 'platform', i.platform, 'text', COALESCE(pp.text, p.text), 'own_text', (pp.text IS NOT NULL), 'options', pp.options, 'media_ids',
                CASE
                    WHEN pp.own_media THEN ( SELECT COALESCE(jsonb_agg(m.media_id ORDER BY m."position"), '[]'::jsonb) AS "coalesce"
                       FROM public.platform_post_media m
                      WHERE ((m.customer_id = pp.customer_id) AND (m.platform_post_id = pp.id)))
                    ELSE NULL::jsonb
                END, 'state', pp.state, 'external_url', pp.external_url, 'published_at', pp.published_at, 'problem_class', pp.problem_class, 'problem', pp.problem, 'problem_since', pp.problem_since, 'retry_at', pp.retry_at) ORDER BY pp.id), '[]'::jsonb) AS "coalesce"
           FROM (public.platform_posts pp
             JOIN public.integrations i ON (((i.customer_id = pp.customer_id) AND (i.id = pp.integration_id))))
          WHERE ((pp.customer_id = p.customer_id) AND (pp.post_id = p.id))) AS platform_posts,
    ( SELECT COALESCE(jsonb_agg(m.media_id ORDER BY m."position"), '[]'::jsonb) AS "coalesce"
           FROM public.post_media m
          WHERE ((m.customer_id = p.customer_id) AND (m.post_id = p.id))) AS media_ids,
    p.approved_at,
    p.approved_by,
    ( SELECT tenancy.time_zone() AS time_zone) AS time_zone,
    p.slot_at,
    p.recurrence_id,
    p.occurrence_at,
    p.detached_at,
    p.space_id
   FROM public.posts p;

-- Name: publish_attempts; Type: TABLE; Schema: public

CREATE TABLE public.publish_attempts (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    platform_post_id uuid NOT NULL,
    number integer NOT NULL,
    job_id bigint NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    outcome text,
    status integer,
    code text,
    message text,
    CONSTRAINT publish_attempts_finished_has_outcome CHECK (((finished_at IS NULL) = (outcome IS NULL))),
    CONSTRAINT publish_attempts_outcome_known CHECK ((outcome = ANY (ARRAY['published'::text, 'credential'::text, 'invalid'::text, 'rate_limited'::text, 'payment_required'::text, 'transient'::text, 'unknown_outcome'::text, 'abandoned'::text, 'withdrawn'::text, 'waiting'::text])))
);

ALTER TABLE ONLY public.publish_attempts FORCE ROW LEVEL SECURITY;

-- Name: queue_slots; Type: TABLE; Schema: public

CREATE TABLE public.queue_slots (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    weekday smallint NOT NULL,
    local_time text NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT queue_slots_local_time_form CHECK ((local_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'::text)),
    CONSTRAINT queue_slots_weekday_known CHECK (((weekday >= 0) AND (weekday <= 6)))
);

ALTER TABLE ONLY public.queue_slots FORCE ROW LEVEL SECURITY;

-- Name: rate_limit_rules; Type: TABLE; Schema: public

CREATE TABLE public.rate_limit_rules (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    endpoint text NOT NULL,
    quota integer NOT NULL,
    window_seconds integer NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT rate_limit_rules_endpoint_length CHECK (((char_length(endpoint) >= 1) AND (char_length(endpoint) <= 100))),
    CONSTRAINT rate_limit_rules_quota_range CHECK (((quota >= 1) AND (quota <= 1000000))),
    CONSTRAINT rate_limit_rules_window_range CHECK (((window_seconds >= 1) AND (window_seconds <= 86400)))
);

ALTER TABLE ONLY public.rate_limit_rules FORCE ROW LEVEL SECURITY;

-- Name: rate_limits; Type: TABLE; Schema: public

CREATE UNLOGGED TABLE public.rate_limits (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    endpoint text NOT NULL,
    tat timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.rate_limits FORCE ROW LEVEL SECURITY;

-- Name: recurring_posts; Type: TABLE; Schema: public

CREATE TABLE public.recurring_posts (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    post_id uuid NOT NULL,
    rrule text NOT NULL,
    starts_local timestamp without time zone NOT NULL,
    time_zone text DEFAULT tenancy.time_zone() NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    next_at timestamp with time zone,
    made_until timestamp with time zone DEFAULT now() NOT NULL,
    look_at timestamp with time zone DEFAULT now() NOT NULL,
    problem text,
    skipped bigint DEFAULT 0 NOT NULL,
    skipped_at timestamp with time zone,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT recurring_posts_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT recurring_posts_rrule_form CHECK ((rrule ~ '^[A-Z0-9=;,+-]+$'::text)),
    CONSTRAINT recurring_posts_rrule_length CHECK ((char_length(rrule) <= 500)),
    CONSTRAINT recurring_posts_state_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'ended'::text]))),
    CONSTRAINT recurring_posts_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);

ALTER TABLE ONLY public.recurring_posts FORCE ROW LEVEL SECURITY;

-- Name: restores; Type: TABLE; Schema: public

CREATE TABLE public.restores (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    backup_id uuid NOT NULL,
    state text DEFAULT 'planning'::text NOT NULL,
    requested_by uuid DEFAULT tenancy.user_id(),
    workspace_id uuid,
    path text,
    to_workspace_id uuid,
    to_path text,
    exact boolean DEFAULT false NOT NULL,
    plan jsonb,
    losses bytea,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    problem text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT restores_elsewhere_of_workspace CHECK (((to_workspace_id IS NULL) OR (workspace_id IS NOT NULL))),
    CONSTRAINT restores_exact_in_place CHECK (((NOT exact) OR (to_workspace_id IS NULL))),
    CONSTRAINT restores_failed_says_why CHECK (((state <> 'failed'::text) OR (problem IS NOT NULL))),
    CONSTRAINT restores_path_length CHECK (((char_length(path) <= 1024) AND (char_length(to_path) <= 1024))),
    CONSTRAINT restores_path_of_workspace CHECK (((path IS NULL) OR (workspace_id IS NOT NULL))),
    CONSTRAINT restores_place_whole CHECK (((to_workspace_id IS NULL) = (to_path IS NULL))),
    CONSTRAINT restores_planned CHECK (((state = ANY (ARRAY['planning'::text, 'failed'::text])) OR (plan IS NOT NULL))),
    CONSTRAINT restores_problem_length CHECK ((char_length(problem) <= 2000)),
    CONSTRAINT restores_state_known CHECK ((state = ANY (ARRAY['planning'::text, 'planned'::text, 'queued'::text, 'running'::text, 'applying'::text, 'done'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.restores FORCE ROW LEVEL SECURITY;

-- Name: space_people; Type: TABLE; Schema: public

CREATE TABLE public.space_people (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    space_id uuid NOT NULL,
    external_id text NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    username text DEFAULT ''::text NOT NULL,
    joined_at timestamp with time zone DEFAULT now() NOT NULL,
    left_at timestamp with time zone,
    asked jsonb,
    CONSTRAINT space_people_asked_size CHECK ((octet_length((asked)::text) <= 10000)),
    CONSTRAINT space_people_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 200))),
    CONSTRAINT space_people_name_length CHECK ((char_length(name) <= 300)),
    CONSTRAINT space_people_of_platform CHECK ((external_id !~~ 'agent:%'::text)),
    CONSTRAINT space_people_username_length CHECK ((char_length(username) <= 300))
);

ALTER TABLE ONLY public.space_people FORCE ROW LEVEL SECURITY;

-- Name: spaces; Type: TABLE; Schema: public

CREATE TABLE public.spaces (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    platform text NOT NULL,
    bot text NOT NULL,
    team text DEFAULT ''::text NOT NULL,
    kind text NOT NULL,
    external_id text NOT NULL,
    title text DEFAULT ''::text NOT NULL,
    permissions text[] NOT NULL,
    paired_by uuid NOT NULL,
    unreachable_at timestamp with time zone,
    move_requested_at timestamp with time zone,
    ended_at timestamp with time zone,
    ended_because text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT spaces_bot_length CHECK (((char_length(bot) >= 1) AND (char_length(bot) <= 100))),
    CONSTRAINT spaces_end_whole CHECK (((ended_at IS NULL) = (ended_because IS NULL))),
    CONSTRAINT spaces_ended_known CHECK ((ended_because = ANY (ARRAY['released'::text, 'removed'::text, 'gone'::text]))),
    CONSTRAINT spaces_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 200))),
    CONSTRAINT spaces_kind_known CHECK ((kind = ANY (ARRAY['user'::text, 'group'::text]))),
    CONSTRAINT spaces_permissions_known CHECK (((permissions <@ tenancy.chat_permissions()) AND ((cardinality(permissions) >= 1) AND (cardinality(permissions) <= 50)))),
    CONSTRAINT spaces_platform_known CHECK ((platform = ANY (ARRAY['telegram'::text, 'whatsapp'::text, 'slack'::text]))),
    CONSTRAINT spaces_team_length CHECK ((char_length(team) <= 100)),
    CONSTRAINT spaces_title_length CHECK ((char_length(title) <= 300))
);

ALTER TABLE ONLY public.spaces FORCE ROW LEVEL SECURITY;

-- Name: system_roles; Type: TABLE; Schema: public

CREATE TABLE public.system_roles (
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT system_roles_role_known CHECK ((role = ANY (ARRAY['admin'::text, 'manager'::text, 'viewer'::text])))
);

ALTER TABLE ONLY public.system_roles FORCE ROW LEVEL SECURITY;

-- Name: usage_days; Type: TABLE; Schema: public

CREATE TABLE public.usage_days (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    day date NOT NULL,
    kind text NOT NULL,
    platform text DEFAULT ''::text NOT NULL,
    count bigint DEFAULT 0 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_microusd bigint DEFAULT 0 NOT NULL,
    CONSTRAINT usage_days_counts_positive CHECK (((count >= 0) AND (input_tokens >= 0) AND (output_tokens >= 0) AND (cost_microusd >= 0))),
    CONSTRAINT usage_days_kind_form CHECK ((kind ~ '^[a-z][a-z_]{0,49}$'::text))
);

ALTER TABLE ONLY public.usage_days FORCE ROW LEVEL SECURITY;

-- Name: usage_entries; Type: TABLE; Schema: public

CREATE TABLE public.usage_entries (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    day date DEFAULT ((now() AT TIME ZONE 'UTC'::text))::date NOT NULL,
    kind text NOT NULL,
    platform text DEFAULT ''::text NOT NULL,
    count bigint DEFAULT 1 NOT NULL,
    input_tokens bigint DEFAULT 0 NOT NULL,
    output_tokens bigint DEFAULT 0 NOT NULL,
    cost_microusd bigint DEFAULT 0 NOT NULL,
    CONSTRAINT usage_entries_counts_range CHECK ((((count >= 0) AND (count <= 1000)) AND ((input_tokens >= 0) AND (input_tokens <= '1000000000000'::bigint)) AND ((output_tokens >= 0) AND (output_tokens <= '1000000000000'::bigint)) AND ((cost_microusd >= 0) AND (cost_microusd <= '1000000000000'::bigint)))),
    CONSTRAINT usage_entries_kind_form CHECK ((kind ~ '^[a-z][a-z_]{0,49}$'::text))
);

ALTER TABLE ONLY public.usage_entries FORCE ROW LEVEL SECURITY;

-- Name: users; Type: TABLE; Schema: public

CREATE TABLE public.users (
    id uuid NOT NULL,
    subject text NOT NULL,
    email text,
    email_verified boolean DEFAULT false NOT NULL,
    name text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_email_length CHECK ((char_length(email) <= 320)),
    CONSTRAINT users_name_length CHECK ((char_length(name) <= 200)),
    CONSTRAINT users_subject_length CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 255)))
);

ALTER TABLE ONLY public.users FORCE ROW LEVEL SECURITY;

-- Name: watched_topics; Type: TABLE; Schema: public

CREATE UNLOGGED TABLE public.watched_topics (
    topic text NOT NULL,
    until timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

ALTER TABLE ONLY public.watched_topics FORCE ROW LEVEL SECURITY;

-- Name: webhook_deliveries; Type: TABLE; Schema: public

CREATE TABLE public.webhook_deliveries (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event text NOT NULL,
    payload jsonb NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    round integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone DEFAULT now(),
    started_at timestamp with time zone,
    status integer,
    problem text,
    log jsonb DEFAULT '[]'::jsonb NOT NULL,
    delivered_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_deliveries_log_bounded CHECK (((jsonb_typeof(log) = 'array'::text) AND (jsonb_array_length(log) <= 20) AND (octet_length((log)::text) <= 65536))),
    CONSTRAINT webhook_deliveries_next_while_pending CHECK (((next_at IS NULL) OR (state = 'pending'::text))),
    CONSTRAINT webhook_deliveries_payload_size CHECK ((octet_length((payload)::text) <= 262144)),
    CONSTRAINT webhook_deliveries_state_known CHECK ((state = ANY (ARRAY['pending'::text, 'delivered'::text, 'failed'::text])))
);

ALTER TABLE ONLY public.webhook_deliveries FORCE ROW LEVEL SECURITY;

-- Name: webhook_endpoints; Type: TABLE; Schema: public

CREATE TABLE public.webhook_endpoints (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    url text NOT NULL,
    description text DEFAULT ''::text NOT NULL,
    events text[] DEFAULT '{}'::text[] NOT NULL,
    state text DEFAULT 'active'::text NOT NULL,
    state_since timestamp with time zone DEFAULT now() NOT NULL,
    reason text,
    failing_since timestamp with time zone,
    failures integer DEFAULT 0 NOT NULL,
    created_by uuid DEFAULT tenancy.user_id(),
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT webhook_endpoints_description_length CHECK ((char_length(description) <= 500)),
    CONSTRAINT webhook_endpoints_events_known CHECK ((events <@ ARRAY['post.scheduled'::text, 'post.approval_requested'::text, 'post.approved'::text, 'post.rejected'::text, 'post.published'::text, 'post.partially_published'::text, 'post.failed'::text, 'post.needs_attention'::text, 'integration.needs_reauth'::text])),
    CONSTRAINT webhook_endpoints_reason_known CHECK (
CASE state
    WHEN 'active'::text THEN (reason IS NULL)
    WHEN 'paused'::text THEN (reason = ANY (ARRAY['person'::text, 'failing'::text]))
    ELSE (reason = 'gone'::text)
END),
    CONSTRAINT webhook_endpoints_state_known CHECK ((state = ANY (ARRAY['active'::text, 'paused'::text, 'disabled'::text]))),
    CONSTRAINT webhook_endpoints_url_length CHECK (((char_length(url) >= 1) AND (char_length(url) <= 2000)))
);

ALTER TABLE ONLY public.webhook_endpoints FORCE ROW LEVEL SECURITY;

-- Name: webhook_secrets; Type: TABLE; Schema: public

CREATE TABLE public.webhook_secrets (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    sealed bytea NOT NULL,
    key_id bigint NOT NULL,
    expires_at timestamp with time zone,
    created_by uuid DEFAULT tenancy.user_id(),
    created_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE ONLY public.webhook_secrets FORCE ROW LEVEL SECURITY;

-- Name: workers; Type: TABLE; Schema: public

CREATE TABLE public.workers (
    id text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    CONSTRAINT workers_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100)))
);

ALTER TABLE ONLY public.workers FORCE ROW LEVEL SECURITY;

-- Name: workspace_policies; Type: TABLE; Schema: public

CREATE TABLE public.workspace_policies (
    customer_id uuid DEFAULT tenancy.customer_id() NOT NULL,
    unused_days integer,
    archive_days integer,
    legal_hold boolean DEFAULT false NOT NULL,
    hold_reason text,
    hold_of_installation boolean DEFAULT false NOT NULL,
    quota bigint,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT workspace_policies_days CHECK ((((unused_days >= 1) AND (unused_days <= 3650)) AND ((archive_days >= 1) AND (archive_days <= 3650)))),
    CONSTRAINT workspace_policies_hold_of_whom CHECK ((legal_hold OR (NOT hold_of_installation))),
    CONSTRAINT workspace_policies_hold_reason_length CHECK (((char_length(hold_reason) >= 1) AND (char_length(hold_reason) <= 1000))),
    CONSTRAINT workspace_policies_hold_says_why CHECK ((legal_hold = (hold_reason IS NOT NULL))),
    CONSTRAINT workspace_policies_quota_positive CHECK ((quota >= 0))
);

ALTER TABLE ONLY public.workspace_policies FORCE ROW LEVEL SECURITY;

-- Name: river_job; Type: TABLE; Schema: river

CREATE TABLE river.river_job (
    id bigint NOT NULL,
    state river.river_job_state DEFAULT 'available'::river.river_job_state NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finalized_at timestamp with time zone,
    scheduled_at timestamp with time zone DEFAULT now() NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    args jsonb NOT NULL,
    attempted_by text[],
    errors jsonb[],
    kind text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    tags character varying(255)[] DEFAULT '{}'::character varying[] NOT NULL,
    unique_key bytea,
    unique_states bit(8),
    customer_id uuid DEFAULT (NULLIF(current_setting('fanfare.customer_id'::text, true), ''::text))::uuid,
    public_id uuid DEFAULT tenancy.new_job_id() NOT NULL,
    CONSTRAINT finalized_or_finalized_at_null CHECK ((((finalized_at IS NULL) AND (state <> ALL (ARRAY['cancelled'::river.river_job_state, 'completed'::river.river_job_state, 'discarded'::river.river_job_state]))) OR ((finalized_at IS NOT NULL) AND (state = ANY (ARRAY['cancelled'::river.river_job_state, 'completed'::river.river_job_state, 'discarded'::river.river_job_state]))))),
    CONSTRAINT kind_length CHECK (((char_length(kind) > 0) AND (char_length(kind) < 128))),
    CONSTRAINT max_attempts_is_positive CHECK ((max_attempts > 0)),
    CONSTRAINT priority_in_range CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT queue_length CHECK (((char_length(queue) > 0) AND (char_length(queue) < 128)))
);

ALTER TABLE ONLY river.river_job FORCE ROW LEVEL SECURITY;

-- Name: river_job_id_seq; Type: SEQUENCE; Schema: river

CREATE SEQUENCE river.river_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- Name: river_job_id_seq; Type: SEQUENCE OWNED BY; Schema: river

ALTER SEQUENCE river.river_job_id_seq OWNED BY river.river_job.id;

-- Name: river_leader; Type: TABLE; Schema: river

CREATE UNLOGGED TABLE river.river_leader (
    elected_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leader_id text NOT NULL,
    name text DEFAULT 'default'::text NOT NULL,
    CONSTRAINT leader_id_length CHECK (((char_length(leader_id) > 0) AND (char_length(leader_id) < 128))),
    CONSTRAINT name_length CHECK ((name = 'default'::text))
);

-- Name: river_notification; Type: TABLE; Schema: river

CREATE TABLE river.river_notification (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (((length(topic) > 0) AND (length(topic) < 128)))
);

-- Name: river_notification_id_seq; Type: SEQUENCE; Schema: river

CREATE SEQUENCE river.river_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- Name: river_notification_id_seq; Type: SEQUENCE OWNED BY; Schema: river

ALTER SEQUENCE river.river_notification_id_seq OWNED BY river.river_notification.id;

-- Name: river_queue; Type: TABLE; Schema: river

CREATE TABLE river.river_queue (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

-- Name: river_job; Type: VIEW; Schema: river_seen

CREATE VIEW river_seen.river_job WITH (security_barrier='true') AS
 SELECT j.id,
    ( SELECT COALESCE(jsonb_object_agg(a.key, a.value), '{}'::jsonb) AS "coalesce"
           FROM jsonb_each(j.args) a(key, value)
          WHERE ((a.key ~~ '%\_id'::text) AND (jsonb_typeof(a.value) = 'string'::text))) AS args,
    j.attempt,
    j.attempted_at,
    j.attempted_by,
    j.created_at,
    j.errors,
    j.finalized_at,
    j.kind,
    j.max_attempts,
    '{}'::jsonb AS metadata,
    j.priority,
    j.queue,
    j.state,
    j.scheduled_at,
    j.tags,
    NULL::bytea AS unique_key,
    NULL::bit(8) AS unique_states
   FROM river.river_job j
  WHERE ( SELECT ((tenancy.system_role() = 'admin'::text) AND (NULLIF(current_setting('fanfare.customer_id'::text, true), ''::text) IS NULL)));

-- Name: river_queue; Type: VIEW; Schema: river_seen

CREATE VIEW river_seen.river_queue WITH (security_barrier='true') AS
 SELECT q.name,
    q.created_at,
    q.metadata,
    q.paused_at,
    q.updated_at
   FROM river.river_queue q
  WHERE ( SELECT ((tenancy.system_role() = 'admin'::text) AND (NULLIF(current_setting('fanfare.customer_id'::text, true), ''::text) IS NULL)));

-- Name: river_job id; Type: DEFAULT; Schema: river

ALTER TABLE ONLY river.river_job ALTER COLUMN id SET DEFAULT nextval('river.river_job_id_seq'::regclass);

-- Name: river_notification id; Type: DEFAULT; Schema: river

ALTER TABLE ONLY river.river_notification ALTER COLUMN id SET DEFAULT nextval('river.river_notification_id_seq'::regclass);

-- Name: account_limits account_limits_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.account_limits
    ADD CONSTRAINT account_limits_pkey PRIMARY KEY (customer_id, integration_id);

-- Name: agent_token_keys agent_token_keys_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_token_keys
    ADD CONSTRAINT agent_token_keys_pkey PRIMARY KEY (id);

-- Name: agent_tokens agent_tokens_person_in_space; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.agent_tokens
    ADD CONSTRAINT agent_tokens_person_in_space CHECK (((person IS NULL) OR (space_id IS NOT NULL))) NOT VALID;

-- Name: agent_tokens agent_tokens_person_length; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.agent_tokens
    ADD CONSTRAINT agent_tokens_person_length CHECK (((char_length(person) >= 1) AND (char_length(person) <= 100))) NOT VALID;

-- Name: agent_tokens agent_tokens_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_tokens
    ADD CONSTRAINT agent_tokens_pkey PRIMARY KEY (customer_id, id);

-- Name: api_keys api_keys_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (customer_id, id);

-- Name: app_limits app_limits_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.app_limits
    ADD CONSTRAINT app_limits_pkey PRIMARY KEY (platform);

-- Name: audit_log audit_log_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (customer_id, id, occurred_at);

-- Name: audit_seals audit_seals_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.audit_seals
    ADD CONSTRAINT audit_seals_pkey PRIMARY KEY (customer_id, number);

-- Name: audit_unsealed audit_unsealed_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.audit_unsealed
    ADD CONSTRAINT audit_unsealed_pkey PRIMARY KEY (customer_id, id);

-- Name: authorizations authorizations_login_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_login_key UNIQUE (customer_id, platform, external_id);

-- Name: authorizations authorizations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_pkey PRIMARY KEY (customer_id, id);

-- Name: backup_status backup_status_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.backup_status
    ADD CONSTRAINT backup_status_pkey PRIMARY KEY (customer_id);

-- Name: backups backups_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_pkey PRIMARY KEY (customer_id, id);

-- Name: bots bots_bot_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_bot_key UNIQUE (platform, bot);

-- Name: bots bots_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_pkey PRIMARY KEY (customer_id, id);

-- Name: caller_rate_limits caller_rate_limits_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.caller_rate_limits
    ADD CONSTRAINT caller_rate_limits_pkey PRIMARY KEY (caller, endpoint);

-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (customer_id, id);

-- Name: chat_identities chat_identities_person_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_identities
    ADD CONSTRAINT chat_identities_person_key UNIQUE (customer_id, platform, bot, team, external_id);

-- Name: chat_identities chat_identities_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_identities
    ADD CONSTRAINT chat_identities_pkey PRIMARY KEY (customer_id, id);

-- Name: chat_outbox chat_outbox_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_outbox
    ADD CONSTRAINT chat_outbox_pkey PRIMARY KEY (id);

-- Name: chat_polls chat_polls_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_polls
    ADD CONSTRAINT chat_polls_pkey PRIMARY KEY (platform, bot);

-- Name: chat_updates chat_updates_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_updates
    ADD CONSTRAINT chat_updates_pkey PRIMARY KEY (platform, bot, update_id);

-- Name: connect_sessions connect_sessions_person_length; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.connect_sessions
    ADD CONSTRAINT connect_sessions_person_length CHECK (((char_length(person) >= 1) AND (char_length(person) <= 200))) NOT VALID;

-- Name: connect_sessions connect_sessions_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.connect_sessions
    ADD CONSTRAINT connect_sessions_pkey PRIMARY KEY (customer_id, id);

-- Name: connect_sessions connect_sessions_platform_known; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.connect_sessions
    ADD CONSTRAINT connect_sessions_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text, 'mcp'::text]))) NOT VALID;

-- Name: connect_sessions connect_sessions_server_given; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.connect_sessions
    ADD CONSTRAINT connect_sessions_server_given CHECK (((platform = 'mcp'::text) = (mcp_server_id IS NOT NULL))) NOT VALID;

-- Name: credential_moves credential_moves_owner_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credential_moves
    ADD CONSTRAINT credential_moves_owner_key UNIQUE (customer_id, old_owner_id);

-- Name: credential_moves credential_moves_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credential_moves
    ADD CONSTRAINT credential_moves_pkey PRIMARY KEY (customer_id, id);

-- Name: credentials credentials_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_pkey PRIMARY KEY (customer_id, id);

-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

-- Name: drills drills_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.drills
    ADD CONSTRAINT drills_pkey PRIMARY KEY (customer_id, id);

-- Name: email_templates email_templates_name_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.email_templates
    ADD CONSTRAINT email_templates_name_key UNIQUE (customer_id, name);

-- Name: email_templates email_templates_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.email_templates
    ADD CONSTRAINT email_templates_pkey PRIMARY KEY (customer_id, id);

-- Name: erasures erasures_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_pkey PRIMARY KEY (id);

-- Name: erasures erasures_subject_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_subject_key UNIQUE (subject_id);

-- Name: exports exports_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_pkey PRIMARY KEY (customer_id, id);

-- Name: file_changes file_changes_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.file_changes
    ADD CONSTRAINT file_changes_pkey PRIMARY KEY (customer_id, id);

-- Name: idempotency_keys idempotency_keys_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (actor_id, operation, key);

-- Name: integrations integrations_account_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_account_key UNIQUE (customer_id, platform, external_id);

-- Name: integrations integrations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_pkey PRIMARY KEY (customer_id, id);

-- Name: invitations invitations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (customer_id, id);

-- Name: invitations invitations_token_hash_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_token_hash_key UNIQUE (customer_id, token_hash);

-- Name: llm_budgets llm_budgets_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_budgets
    ADD CONSTRAINT llm_budgets_pkey PRIMARY KEY (customer_id);

-- Name: llm_months llm_months_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_months
    ADD CONSTRAINT llm_months_pkey PRIMARY KEY (customer_id, month);

-- Name: llm_reservations llm_reservations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_reservations
    ADD CONSTRAINT llm_reservations_pkey PRIMARY KEY (customer_id, id);

-- Name: llm_reservations llm_reservations_request_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_reservations
    ADD CONSTRAINT llm_reservations_request_key UNIQUE (customer_id, request);

-- Name: login_revocations login_revocations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.login_revocations
    ADD CONSTRAINT login_revocations_pkey PRIMARY KEY (login);

-- Name: mcp_servers mcp_servers_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_pkey PRIMARY KEY (customer_id, id);

-- Name: mcp_servers mcp_servers_space_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_space_key UNIQUE (customer_id, space_id, id);

-- Name: mcp_servers mcp_servers_url_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_url_key UNIQUE (customer_id, space_id, url);

-- Name: media media_credit_length; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.media
    ADD CONSTRAINT media_credit_length CHECK ((((char_length(source_id) >= 1) AND (char_length(source_id) <= 100)) AND ((char_length(photographer) >= 1) AND (char_length(photographer) <= 200)) AND ((char_length(source_url) >= 1) AND (char_length(source_url) <= 1000)) AND ((char_length(photographer_url) >= 1) AND (char_length(photographer_url) <= 1000)))) NOT VALID;

-- Name: media media_credit_whole; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.media
    ADD CONSTRAINT media_credit_whole CHECK ((num_nulls(source, source_id, source_url, photographer, photographer_url) = ANY (ARRAY[0, 5]))) NOT VALID;

-- Name: media media_path_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_path_key UNIQUE (customer_id, path);

-- Name: media media_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_pkey PRIMARY KEY (customer_id, id);

-- Name: media media_source_known; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.media
    ADD CONSTRAINT media_source_known CHECK ((source = 'unsplash'::text)) NOT VALID;

-- Name: memberships memberships_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (customer_id, user_id);

-- Name: memories memories_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memories
    ADD CONSTRAINT memories_pkey PRIMARY KEY (customer_id, id);

-- Name: messages messages_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (customer_id, id);

-- Name: old_credentials old_credentials_account_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.old_credentials
    ADD CONSTRAINT old_credentials_account_key UNIQUE (owner_id, platform, external_id);

-- Name: old_credentials old_credentials_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.old_credentials
    ADD CONSTRAINT old_credentials_pkey PRIMARY KEY (id);

-- Name: pairings pairings_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.pairings
    ADD CONSTRAINT pairings_pkey PRIMARY KEY (customer_id, id);

-- Name: platform_post_media platform_post_media_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_post_media
    ADD CONSTRAINT platform_post_media_pkey PRIMARY KEY (customer_id, platform_post_id, media_id);

-- Name: platform_post_media platform_post_media_position_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_post_media
    ADD CONSTRAINT platform_post_media_position_key UNIQUE (customer_id, platform_post_id, "position");

-- Name: platform_posts platform_posts_account_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_posts
    ADD CONSTRAINT platform_posts_account_key UNIQUE (customer_id, post_id, integration_id);

-- Name: platform_posts platform_posts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_posts
    ADD CONSTRAINT platform_posts_pkey PRIMARY KEY (customer_id, id);

-- Name: post_media post_media_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_media
    ADD CONSTRAINT post_media_pkey PRIMARY KEY (customer_id, post_id, media_id);

-- Name: post_media post_media_position_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_media
    ADD CONSTRAINT post_media_position_key UNIQUE (customer_id, post_id, "position");

-- Name: post_metrics post_metrics_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_metrics
    ADD CONSTRAINT post_metrics_pkey PRIMARY KEY (customer_id, platform_post_id, day);

-- Name: post_reviews post_reviews_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_reviews
    ADD CONSTRAINT post_reviews_pkey PRIMARY KEY (customer_id, id);

-- Name: posts posts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (customer_id, id);

-- Name: posts posts_recurrence_has_time; Type: CHECK CONSTRAINT; Schema: public

ALTER TABLE public.posts
    ADD CONSTRAINT posts_recurrence_has_time CHECK (((recurrence_id IS NULL) OR (occurrence_at IS NOT NULL))) NOT VALID;

-- Name: publish_attempts publish_attempts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.publish_attempts
    ADD CONSTRAINT publish_attempts_pkey PRIMARY KEY (customer_id, platform_post_id, number);

-- Name: queue_slots queue_slots_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.queue_slots
    ADD CONSTRAINT queue_slots_pkey PRIMARY KEY (customer_id, id);

-- Name: queue_slots queue_slots_time_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.queue_slots
    ADD CONSTRAINT queue_slots_time_key UNIQUE (customer_id, weekday, local_time);

-- Name: rate_limit_rules rate_limit_rules_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.rate_limit_rules
    ADD CONSTRAINT rate_limit_rules_pkey PRIMARY KEY (customer_id, endpoint);

-- Name: rate_limits rate_limits_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.rate_limits
    ADD CONSTRAINT rate_limits_pkey PRIMARY KEY (customer_id, endpoint);

-- Name: recurring_posts recurring_posts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.recurring_posts
    ADD CONSTRAINT recurring_posts_pkey PRIMARY KEY (customer_id, id);

-- Name: restores restores_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_pkey PRIMARY KEY (customer_id, id);

-- Name: space_people space_people_person_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.space_people
    ADD CONSTRAINT space_people_person_key UNIQUE (customer_id, space_id, external_id);

-- Name: space_people space_people_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.space_people
    ADD CONSTRAINT space_people_pkey PRIMARY KEY (customer_id, id);

-- Name: spaces spaces_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.spaces
    ADD CONSTRAINT spaces_pkey PRIMARY KEY (customer_id, id);

-- Name: system_roles system_roles_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.system_roles
    ADD CONSTRAINT system_roles_pkey PRIMARY KEY (user_id);

-- Name: usage_days usage_days_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_pkey PRIMARY KEY (customer_id, day, kind, platform);

-- Name: usage_entries usage_entries_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.usage_entries
    ADD CONSTRAINT usage_entries_pkey PRIMARY KEY (customer_id, id);

-- Name: users users_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- Name: users users_subject_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_subject_key UNIQUE (subject);

-- Name: watched_topics watched_topics_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.watched_topics
    ADD CONSTRAINT watched_topics_pkey PRIMARY KEY (topic);

-- Name: webhook_deliveries webhook_deliveries_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_pkey PRIMARY KEY (customer_id, id);

-- Name: webhook_endpoints webhook_endpoints_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_pkey PRIMARY KEY (customer_id, id);

-- Name: webhook_secrets webhook_secrets_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_pkey PRIMARY KEY (customer_id, id);

-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

-- Name: workspace_policies workspace_policies_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspace_policies
    ADD CONSTRAINT workspace_policies_pkey PRIMARY KEY (customer_id);

-- Name: workspaces workspaces_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (customer_id, id);

-- Name: workspaces workspaces_space_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_space_key UNIQUE NULLS NOT DISTINCT (customer_id, space_id);

-- Name: river_job river_job_pkey; Type: CONSTRAINT; Schema: river

ALTER TABLE ONLY river.river_job
    ADD CONSTRAINT river_job_pkey PRIMARY KEY (id);

-- Name: river_leader river_leader_pkey; Type: CONSTRAINT; Schema: river

ALTER TABLE ONLY river.river_leader
    ADD CONSTRAINT river_leader_pkey PRIMARY KEY (name);

-- Name: river_notification river_notification_pkey; Type: CONSTRAINT; Schema: river

ALTER TABLE ONLY river.river_notification
    ADD CONSTRAINT river_notification_pkey PRIMARY KEY (id);

-- Name: river_queue river_queue_pkey; Type: CONSTRAINT; Schema: river

ALTER TABLE ONLY river.river_queue
    ADD CONSTRAINT river_queue_pkey PRIMARY KEY (name);

-- Name: agent_tokens_by_expiry; Type: INDEX; Schema: public

CREATE INDEX agent_tokens_by_expiry ON public.agent_tokens USING btree (expires_at);

-- Name: agent_tokens_by_key; Type: INDEX; Schema: public

CREATE INDEX agent_tokens_by_key ON public.agent_tokens USING btree (customer_id, api_key_id);

-- Name: api_keys_by_hash; Type: INDEX; Schema: public

CREATE UNIQUE INDEX api_keys_by_hash ON public.api_keys USING btree (key_hash);

-- Name: audit_log_by_action; Type: INDEX; Schema: public

CREATE INDEX audit_log_by_action ON ONLY public.audit_log USING btree (customer_id, action, id);

-- Name: audit_log_by_actor; Type: INDEX; Schema: public

CREATE INDEX audit_log_by_actor ON ONLY public.audit_log USING btree (customer_id, actor_id, id);

-- Name: audit_log_by_resource; Type: INDEX; Schema: public

CREATE INDEX audit_log_by_resource ON ONLY public.audit_log USING btree (customer_id, resource_id, id);

-- Name: authorizations_by_login; Type: INDEX; Schema: public

CREATE INDEX authorizations_by_login ON public.authorizations USING btree (platform, external_id);

-- Name: authorizations_to_expire; Type: INDEX; Schema: public

CREATE INDEX authorizations_to_expire ON public.authorizations USING btree (expires_at) WHERE ((state = 'active'::text) AND (renew_at IS NULL) AND (expires_at IS NOT NULL));

-- Name: authorizations_to_remind; Type: INDEX; Schema: public

CREATE INDEX authorizations_to_remind ON public.authorizations USING btree (reconnect_by) WHERE ((state = 'active'::text) AND (reconnect_by IS NOT NULL));

-- Name: authorizations_to_renew; Type: INDEX; Schema: public

CREATE INDEX authorizations_to_renew ON public.authorizations USING btree (renew_at) WHERE ((state = 'active'::text) AND (renew_at IS NOT NULL));

-- Name: authorizations_to_revoke; Type: INDEX; Schema: public

CREATE INDEX authorizations_to_revoke ON public.authorizations USING btree (customer_id, id) WHERE (state = 'revoking'::text);

-- Name: backup_status_by_night; Type: INDEX; Schema: public

CREATE INDEX backup_status_by_night ON public.backup_status USING btree (night, customer_id);

-- Name: backup_status_to_drill; Type: INDEX; Schema: public

CREATE INDEX backup_status_to_drill ON public.backup_status USING btree (drilled_at, customer_id) WHERE (last_good_id IS NOT NULL);

-- Name: backups_one_at_a_time; Type: INDEX; Schema: public

CREATE UNIQUE INDEX backups_one_at_a_time ON public.backups USING btree (customer_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

-- Name: backups_requested; Type: INDEX; Schema: public

CREATE INDEX backups_requested ON public.backups USING btree (customer_id, created_at) WHERE (requested_by IS NOT NULL);

-- Name: backups_to_do; Type: INDEX; Schema: public

CREATE INDEX backups_to_do ON public.backups USING btree (updated_at) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'deleting'::text]));

-- Name: chat_identities_by_user; Type: INDEX; Schema: public

CREATE INDEX chat_identities_by_user ON public.chat_identities USING btree (customer_id, user_id);

-- Name: chat_outbox_by_chat; Type: INDEX; Schema: public

CREATE INDEX chat_outbox_by_chat ON public.chat_outbox USING btree (chat);

-- Name: chat_outbox_by_subject; Type: INDEX; Schema: public

CREATE INDEX chat_outbox_by_subject ON public.chat_outbox USING btree (subject_id) WHERE (subject_id IS NOT NULL);

-- Name: chat_outbox_ended_at; Type: INDEX; Schema: public

CREATE INDEX chat_outbox_ended_at ON public.chat_outbox USING btree (ended_at) WHERE (ended_at IS NOT NULL);

-- Name: chat_outbox_to_send; Type: INDEX; Schema: public

CREATE INDEX chat_outbox_to_send ON public.chat_outbox USING btree (platform, bot, team, kind, chat, id) WHERE (ended_at IS NULL);

-- Name: chat_updates_by_chat; Type: INDEX; Schema: public

CREATE INDEX chat_updates_by_chat ON public.chat_updates USING btree (chat);

-- Name: chat_updates_handled_at; Type: INDEX; Schema: public

CREATE INDEX chat_updates_handled_at ON public.chat_updates USING btree (handled_at) WHERE (handled_at IS NOT NULL);

-- Name: chat_updates_to_handle; Type: INDEX; Schema: public

CREATE INDEX chat_updates_to_handle ON public.chat_updates USING btree (platform, bot, team, kind, chat, place, received_at) WHERE (handled_at IS NULL);

-- Name: connect_sessions_by_age; Type: INDEX; Schema: public

CREATE INDEX connect_sessions_by_age ON public.connect_sessions USING btree (customer_id, expires_at);

-- Name: connect_sessions_by_server; Type: INDEX; Schema: public

CREATE INDEX connect_sessions_by_server ON public.connect_sessions USING btree (customer_id, mcp_server_id) WHERE (mcp_server_id IS NOT NULL);

-- Name: connect_sessions_by_state; Type: INDEX; Schema: public

CREATE INDEX connect_sessions_by_state ON public.connect_sessions USING btree (state_hash);

-- Name: credentials_by_space; Type: INDEX; Schema: public

CREATE INDEX credentials_by_space ON public.credentials USING btree (customer_id, space_id, id);

-- Name: credentials_llm_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX credentials_llm_key ON public.credentials USING btree (customer_id, space_id, person) NULLS NOT DISTINCT WHERE ((kind = 'llm'::text) AND (withdrawn_at IS NULL));

-- Name: credentials_mcp_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX credentials_mcp_key ON public.credentials USING btree (customer_id, mcp_server_id, person) NULLS NOT DISTINCT WHERE ((kind = 'mcp'::text) AND (withdrawn_at IS NULL));

-- Name: credentials_to_check; Type: INDEX; Schema: public

CREATE INDEX credentials_to_check ON public.credentials USING btree (next_check_at) WHERE ((kind = 'mcp'::text) AND (withdrawn_at IS NULL));

-- Name: credentials_to_renew; Type: INDEX; Schema: public

CREATE INDEX credentials_to_renew ON public.credentials USING btree (renew_at) WHERE ((withdrawn_at IS NULL) AND (renew_at IS NOT NULL));

-- Name: credentials_withdrawn; Type: INDEX; Schema: public

CREATE INDEX credentials_withdrawn ON public.credentials USING btree (withdrawn_at) WHERE (withdrawn_at IS NOT NULL);

-- Name: drills_by_backup; Type: INDEX; Schema: public

CREATE INDEX drills_by_backup ON public.drills USING btree (customer_id, backup_id);

-- Name: drills_one_at_a_time; Type: INDEX; Schema: public

CREATE UNIQUE INDEX drills_one_at_a_time ON public.drills USING btree (customer_id) WHERE (state = 'running'::text);

-- Name: drills_to_do; Type: INDEX; Schema: public

CREATE INDEX drills_to_do ON public.drills USING btree (created_at) WHERE (state = 'running'::text);

-- Name: erasures_under_way; Type: INDEX; Schema: public

CREATE INDEX erasures_under_way ON public.erasures USING btree (id) WHERE (state <> 'finished'::text);

-- Name: exports_one_at_a_time; Type: INDEX; Schema: public

CREATE UNIQUE INDEX exports_one_at_a_time ON public.exports USING btree (customer_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text]));

-- Name: exports_to_expire; Type: INDEX; Schema: public

CREATE INDEX exports_to_expire ON public.exports USING btree (customer_id, expires_at) WHERE (state = 'ready'::text);

-- Name: file_changes_by_age; Type: INDEX; Schema: public

CREATE INDEX file_changes_by_age ON public.file_changes USING btree (touched_at);

-- Name: file_changes_by_workspace; Type: INDEX; Schema: public

CREATE INDEX file_changes_by_workspace ON public.file_changes USING btree (customer_id, workspace_id);

-- Name: idempotency_keys_by_age; Type: INDEX; Schema: public

CREATE INDEX idempotency_keys_by_age ON public.idempotency_keys USING btree (created_at);

-- Name: idempotency_keys_by_subject; Type: INDEX; Schema: public

CREATE INDEX idempotency_keys_by_subject ON public.idempotency_keys USING btree (subject_id);

-- Name: integrations_by_authorization; Type: INDEX; Schema: public

CREATE INDEX integrations_by_authorization ON public.integrations USING btree (customer_id, authorization_id) WHERE (authorization_id IS NOT NULL);

-- Name: integrations_by_old_credential; Type: INDEX; Schema: public

CREATE INDEX integrations_by_old_credential ON public.integrations USING btree (customer_id, old_credential_id) WHERE ((old_credential_id IS NOT NULL) AND (key_id IS NULL));

-- Name: integrations_default_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX integrations_default_key ON public.integrations USING btree (customer_id, platform) WHERE is_default;

-- Name: integrations_to_check; Type: INDEX; Schema: public

CREATE INDEX integrations_to_check ON public.integrations USING btree (COALESCE(checked_at, created_at)) WHERE (state = 'active'::text);

-- Name: invitations_by_token; Type: INDEX; Schema: public

CREATE INDEX invitations_by_token ON public.invitations USING btree (token_hash);

-- Name: invitations_open_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX invitations_open_key ON public.invitations USING btree (customer_id, lower((email COLLATE "C"))) WHERE ((accepted_at IS NULL) AND (revoked_at IS NULL));

-- Name: mcp_servers_to_check; Type: INDEX; Schema: public

CREATE INDEX mcp_servers_to_check ON public.mcp_servers USING btree (next_check_at) WHERE (next_check_at IS NOT NULL);

-- Name: media_to_remove; Type: INDEX; Schema: public

CREATE INDEX media_to_remove ON public.media USING btree (updated_at) WHERE (state <> 'ready'::text);

-- Name: memberships_by_user; Type: INDEX; Schema: public

CREATE INDEX memberships_by_user ON public.memberships USING btree (user_id);

-- Name: memories_by_model; Type: INDEX; Schema: public

CREATE INDEX memories_by_model ON public.memories USING btree (embedding_model, id);

-- Name: memories_by_space; Type: INDEX; Schema: public

CREATE INDEX memories_by_space ON public.memories USING btree (customer_id, space_id, id);

-- Name: messages_by_space; Type: INDEX; Schema: public

CREATE INDEX messages_by_space ON public.messages USING btree (customer_id, space_id, id);

-- Name: messages_words; Type: INDEX; Schema: public

CREATE INDEX messages_words ON public.messages USING gin (tenancy.words_of_space(space_id, search));

-- Name: pairings_by_chat; Type: INDEX; Schema: public

CREATE INDEX pairings_by_chat ON public.pairings USING btree (platform, bot, external_id, claimed_at) WHERE (claimed_at IS NOT NULL);

-- Name: pairings_by_link; Type: INDEX; Schema: public

CREATE UNIQUE INDEX pairings_by_link ON public.pairings USING btree (link_hash);

-- Name: pairings_by_time; Type: INDEX; Schema: public

CREATE INDEX pairings_by_time ON public.pairings USING btree (customer_id, created_at);

-- Name: pairings_open; Type: INDEX; Schema: public

CREATE INDEX pairings_open ON public.pairings USING btree (platform, bot, expires_at) WHERE (state = 'open'::text);

-- Name: pairings_ready; Type: INDEX; Schema: public

CREATE INDEX pairings_ready ON public.pairings USING btree (claimed_at) WHERE ((state = 'claimed'::text) AND ((claimed_by = 'link'::text) OR (confirmed_at IS NOT NULL)));

-- Name: platform_post_media_by_media; Type: INDEX; Schema: public

CREATE INDEX platform_post_media_by_media ON public.platform_post_media USING btree (customer_id, media_id);

-- Name: platform_posts_by_integration; Type: INDEX; Schema: public

CREATE INDEX platform_posts_by_integration ON public.platform_posts USING btree (customer_id, integration_id, id);

-- Name: platform_posts_by_template; Type: INDEX; Schema: public

CREATE INDEX platform_posts_by_template ON public.platform_posts USING btree (customer_id, ((options ->> 'template_id'::text))) WHERE (options ? 'template_id'::text);

-- Name: platform_posts_external_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX platform_posts_external_key ON public.platform_posts USING btree (customer_id, integration_id, external_id) WHERE (external_id IS NOT NULL);

-- Name: platform_posts_to_look_at; Type: INDEX; Schema: public

CREATE INDEX platform_posts_to_look_at ON public.platform_posts USING btree (customer_id, state, updated_at, post_id) WHERE (state = ANY (ARRAY['pending_approval'::text, 'needs_attention'::text, 'failed'::text]));

-- Name: platform_posts_to_measure; Type: INDEX; Schema: public

CREATE INDEX platform_posts_to_measure ON public.platform_posts USING btree (measure_at) WHERE (measure_at IS NOT NULL);

-- Name: platform_posts_under_way; Type: INDEX; Schema: public

CREATE INDEX platform_posts_under_way ON public.platform_posts USING btree (customer_id, id) WHERE (state = ANY (ARRAY['scheduled'::text, 'publishing'::text]));

-- Name: post_media_by_media; Type: INDEX; Schema: public

CREATE INDEX post_media_by_media ON public.post_media USING btree (customer_id, media_id);

-- Name: post_reviews_by_post; Type: INDEX; Schema: public

CREATE INDEX post_reviews_by_post ON public.post_reviews USING btree (customer_id, post_id, id);

-- Name: posts_by_campaign; Type: INDEX; Schema: public

CREATE INDEX posts_by_campaign ON public.posts USING btree (customer_id, campaign_id, id);

-- Name: posts_by_time; Type: INDEX; Schema: public

CREATE INDEX posts_by_time ON public.posts USING btree (customer_id, scheduled_at, id) WHERE (scheduled_at IS NOT NULL);

-- Name: posts_occurrence_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX posts_occurrence_key ON public.posts USING btree (customer_id, recurrence_id, occurrence_at) WHERE (recurrence_id IS NOT NULL);

-- Name: posts_slot_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX posts_slot_key ON public.posts USING btree (customer_id, slot_at) WHERE (slot_at IS NOT NULL);

-- Name: posts_words; Type: INDEX; Schema: public

CREATE INDEX posts_words ON public.posts USING gin (tenancy.words_of_post(customer_id, title, text));

-- Name: recurring_posts_by_post; Type: INDEX; Schema: public

CREATE INDEX recurring_posts_by_post ON public.recurring_posts USING btree (customer_id, post_id);

-- Name: recurring_posts_rule_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX recurring_posts_rule_key ON public.recurring_posts USING btree (customer_id, post_id, rrule, ((starts_local)::time without time zone), time_zone);

-- Name: recurring_posts_to_look_at; Type: INDEX; Schema: public

CREATE INDEX recurring_posts_to_look_at ON public.recurring_posts USING btree (look_at) WHERE (state = 'active'::text);

-- Name: restores_by_backup; Type: INDEX; Schema: public

CREATE INDEX restores_by_backup ON public.restores USING btree (customer_id, backup_id);

-- Name: restores_one_at_a_time; Type: INDEX; Schema: public

CREATE UNIQUE INDEX restores_one_at_a_time ON public.restores USING btree (customer_id) WHERE (state = ANY (ARRAY['queued'::text, 'running'::text, 'applying'::text]));

-- Name: restores_one_plan_at_a_time; Type: INDEX; Schema: public

CREATE UNIQUE INDEX restores_one_plan_at_a_time ON public.restores USING btree (customer_id) WHERE (state = 'planning'::text);

-- Name: restores_to_do; Type: INDEX; Schema: public

CREATE INDEX restores_to_do ON public.restores USING btree (updated_at) WHERE (state = ANY (ARRAY['planning'::text, 'queued'::text, 'running'::text, 'applying'::text]));

-- Name: spaces_by_chat; Type: INDEX; Schema: public

CREATE UNIQUE INDEX spaces_by_chat ON public.spaces USING btree (platform, bot, team, kind, external_id) WHERE (ended_at IS NULL);

-- Name: webhook_deliveries_by_age; Type: INDEX; Schema: public

CREATE INDEX webhook_deliveries_by_age ON public.webhook_deliveries USING btree (created_at);

-- Name: webhook_deliveries_by_endpoint; Type: INDEX; Schema: public

CREATE INDEX webhook_deliveries_by_endpoint ON public.webhook_deliveries USING btree (customer_id, endpoint_id, id);

-- Name: webhook_deliveries_due; Type: INDEX; Schema: public

CREATE INDEX webhook_deliveries_due ON public.webhook_deliveries USING btree (next_at) WHERE ((state = 'pending'::text) AND (next_at IS NOT NULL));

-- Name: webhook_deliveries_next; Type: INDEX; Schema: public

CREATE INDEX webhook_deliveries_next ON public.webhook_deliveries USING btree (customer_id, endpoint_id, next_at) WHERE ((state = 'pending'::text) AND (next_at IS NOT NULL));

-- Name: webhook_deliveries_waiting; Type: INDEX; Schema: public

CREATE INDEX webhook_deliveries_waiting ON public.webhook_deliveries USING btree (customer_id, endpoint_id, id) WHERE (state = 'pending'::text);

-- Name: webhook_secrets_by_endpoint; Type: INDEX; Schema: public

CREATE INDEX webhook_secrets_by_endpoint ON public.webhook_secrets USING btree (customer_id, endpoint_id);

-- Name: webhook_secrets_by_expiry; Type: INDEX; Schema: public

CREATE INDEX webhook_secrets_by_expiry ON public.webhook_secrets USING btree (expires_at) WHERE (expires_at IS NOT NULL);

-- Name: webhook_secrets_current_key; Type: INDEX; Schema: public

CREATE UNIQUE INDEX webhook_secrets_current_key ON public.webhook_secrets USING btree (customer_id, endpoint_id) WHERE (expires_at IS NULL);

-- Name: workspaces_by_use; Type: INDEX; Schema: public

CREATE INDEX workspaces_by_use ON public.workspaces USING btree (last_used_at, id);

-- Name: workspaces_to_announce; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_announce ON public.workspaces USING btree (last_used_at) WHERE ((state = 'active'::text) AND (announced_at IS NULL));

-- Name: workspaces_to_archive; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_archive ON public.workspaces USING btree (announced_at) WHERE ((state = 'active'::text) AND (announced_at IS NOT NULL));

-- Name: workspaces_to_delete; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_delete ON public.workspaces USING btree (archived_at) WHERE (state = 'archived'::text);

-- Name: workspaces_to_forget; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_forget ON public.workspaces USING btree (updated_at) WHERE ((state = ANY (ARRAY['active'::text, 'deleted'::text])) AND (archive_id IS NOT NULL));

-- Name: workspaces_to_make; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_make ON public.workspaces USING btree (created_at) WHERE (state = 'new'::text);

-- Name: workspaces_to_measure; Type: INDEX; Schema: public

CREATE INDEX workspaces_to_measure ON public.workspaces USING btree (measured_at) WHERE (state = 'active'::text);

-- Name: workspaces_under_way; Type: INDEX; Schema: public

CREATE INDEX workspaces_under_way ON public.workspaces USING btree (updated_at) WHERE (state = ANY (ARRAY['archiving'::text, 'returning'::text, 'restoring'::text]));

-- Name: workspaces_wanted; Type: INDEX; Schema: public

CREATE INDEX workspaces_wanted ON public.workspaces USING btree (wanted_at) WHERE (wanted_at IS NOT NULL);

-- Name: river_job_args_index; Type: INDEX; Schema: river

CREATE INDEX river_job_args_index ON river.river_job USING gin (args);

-- Name: river_job_by_customer; Type: INDEX; Schema: river

CREATE INDEX river_job_by_customer ON river.river_job USING btree (customer_id, public_id);

-- Name: river_job_due; Type: INDEX; Schema: river

CREATE INDEX river_job_due ON river.river_job USING btree (scheduled_at) WHERE (state = ANY (ARRAY['scheduled'::river.river_job_state, 'retryable'::river.river_job_state]));

-- Name: river_job_kind; Type: INDEX; Schema: river

CREATE INDEX river_job_kind ON river.river_job USING btree (kind);

-- Name: river_job_metadata_index; Type: INDEX; Schema: river

CREATE INDEX river_job_metadata_index ON river.river_job USING gin (metadata);

-- Name: river_job_of_authorization; Type: INDEX; Schema: river

CREATE INDEX river_job_of_authorization ON river.river_job USING btree (customer_id, ((args ->> 'authorization_id'::text))) WHERE (((args ->> 'authorization_id'::text) IS NOT NULL) AND (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state])));

-- Name: river_job_of_chat; Type: INDEX; Schema: river

CREATE INDEX river_job_of_chat ON river.river_job USING btree (customer_id, ((args ->> 'bot'::text))) WHERE ((kind = 'chat'::text) AND (finalized_at IS NULL));

-- Name: river_job_of_integration; Type: INDEX; Schema: river

CREATE INDEX river_job_of_integration ON river.river_job USING btree (customer_id, ((args ->> 'integration_id'::text))) WHERE (((args ->> 'integration_id'::text) IS NOT NULL) AND (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state])));

-- Name: river_job_of_mcp; Type: INDEX; Schema: river

CREATE INDEX river_job_of_mcp ON river.river_job USING btree (customer_id, ((args ->> 'mcp_server_id'::text)), ((args ->> 'credential_id'::text))) WHERE ((kind = ANY (ARRAY['check_mcp_server'::text, 'end_credential'::text])) AND (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state])));

-- Name: river_job_of_platform_post; Type: INDEX; Schema: river

CREATE INDEX river_job_of_platform_post ON river.river_job USING btree (customer_id, ((args ->> 'platform_post_id'::text))) WHERE (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state]));

-- Name: river_job_of_post; Type: INDEX; Schema: river

CREATE INDEX river_job_of_post ON river.river_job USING btree (customer_id, ((args ->> 'post_id'::text))) WHERE (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'scheduled'::river.river_job_state]));

-- Name: river_job_of_webhook; Type: INDEX; Schema: river

CREATE INDEX river_job_of_webhook ON river.river_job USING btree (customer_id, ((args ->> 'delivery_id'::text))) WHERE ((kind = 'webhook_delivery'::text) AND (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state])));

-- Name: river_job_of_workspace; Type: INDEX; Schema: river

CREATE INDEX river_job_of_workspace ON river.river_job USING btree (customer_id, ((args ->> 'workspace_id'::text))) WHERE (((args ->> 'workspace_id'::text) IS NOT NULL) AND (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state])));

-- Name: river_job_prioritized_fetching_index; Type: INDEX; Schema: river

CREATE INDEX river_job_prioritized_fetching_index ON river.river_job USING btree (state, queue, priority, scheduled_at, id);

-- Name: river_job_state_and_finalized_at_index; Type: INDEX; Schema: river

CREATE INDEX river_job_state_and_finalized_at_index ON river.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);

-- Name: river_job_unique_idx; Type: INDEX; Schema: river

CREATE UNIQUE INDEX river_job_unique_idx ON river.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND river.river_job_state_in_bitmask(unique_states, state));

-- Name: river_notification_created_at_idx; Type: INDEX; Schema: river

CREATE INDEX river_notification_created_at_idx ON river.river_notification USING btree (created_at);

-- Name: river_notification_topic_id_idx; Type: INDEX; Schema: river

CREATE INDEX river_notification_topic_id_idx ON river.river_notification USING btree (topic, id);

-- Name: agent_tokens agent_tokens_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER agent_tokens_guard BEFORE UPDATE OF revoked_at ON public.agent_tokens FOR EACH ROW EXECUTE FUNCTION tenancy.guard_revocation();

-- Name: agent_tokens agent_tokens_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER agent_tokens_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.agent_tokens FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: agent_tokens agent_tokens_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER agent_tokens_touch BEFORE UPDATE ON public.agent_tokens FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: agent_tokens agent_tokens_unshare; Type: TRIGGER; Schema: public

CREATE TRIGGER agent_tokens_unshare AFTER UPDATE ON public.agent_tokens FOR EACH ROW WHEN (((old.revoked_at IS NULL) AND (new.revoked_at IS NOT NULL))) EXECUTE FUNCTION tenancy.unshare_of_token();

-- Name: api_keys api_keys_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER api_keys_guard BEFORE UPDATE OF revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION tenancy.guard_revocation();

-- Name: api_keys api_keys_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER api_keys_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.api_keys FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: api_keys api_keys_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER api_keys_touch BEFORE UPDATE OF name, revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: api_keys api_keys_unshare; Type: TRIGGER; Schema: public

CREATE TRIGGER api_keys_unshare AFTER UPDATE ON public.api_keys FOR EACH ROW WHEN (((old.revoked_at IS NULL) AND (new.revoked_at IS NOT NULL))) EXECUTE FUNCTION tenancy.unshare_of_token();

-- Name: agent_token_keys audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.agent_token_keys REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token_key', 'id', '', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: agent_tokens audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.agent_tokens REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: api_keys audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.api_keys REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('api_key', 'id', 'customer_id', '{key_hash}', '{version,created_at,updated_at,last_used_at}');

-- Name: authorizations audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.authorizations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('authorization', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id,renew_at,lease,lease_until,unanswered,failures,failing_since,failure,renewed_at,reminded,state_since}');

-- Name: bots audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.bots REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('bot', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id}');

-- Name: campaigns audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.campaigns REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('campaign', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: chat_identities audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.chat_identities REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('chat_identity', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: connect_sessions audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.connect_sessions REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('connect_session', 'id', 'customer_id', '{state_hash,cookie_hash,secret}', '{version,created_at,updated_at,key_id,login,accounts,redirect_uri,admin_reason}');

-- Name: credential_moves audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.credential_moves REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential_move', 'id', 'customer_id', '{}', '{version,created_at,updated_at,uses,last_used_at,warned_at}');

-- Name: credentials audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.credentials REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential', 'id', 'customer_id', '{credential,base_url}', '{version,created_at,updated_at,key_id,status,server,failure_code,failure,failures,checked_at,next_check_at,expires_at,renew_at,lease,lease_until,unanswered}');

-- Name: customers audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.customers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('customer', 'id', 'id', '{}', '{version,created_at,updated_at}');

-- Name: email_templates audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.email_templates REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('email_template', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: exports audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.exports REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('export', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: integrations audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.integrations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('integration', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id}');

-- Name: invitations audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.invitations REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('invitation', 'id', 'customer_id', '{email,token_hash,sealed_token}', '{version,created_at,updated_at,key_id}');

-- Name: llm_budgets audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.llm_budgets REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('llm_budget', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: mcp_servers audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.mcp_servers REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('mcp_server', 'id', 'customer_id', '{url,registration}', '{version,created_at,updated_at,key_id,status,login,server,failure_code,failure,failures,checked_at,next_check_at,metadata}');

-- Name: media audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.media REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('media', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memberships audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.memberships REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('member', 'user_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memories audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.memories REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('memory', 'id', 'customer_id', '{text}', '{version,created_at,updated_at,search,embedding,embedding_model}');

-- Name: old_credentials audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.old_credentials REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('old_credential', 'id', '', '{credential}', '{version,created_at,updated_at,key_id,last_used_at,uses}');

-- Name: pairings audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.pairings REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('pairing', 'id', 'customer_id', '{code_hash,link_hash}', '{version,created_at,updated_at}');

-- Name: platform_post_media audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.platform_post_media REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post_media', 'platform_post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: platform_posts audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.platform_posts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,checkpoint}');

-- Name: post_media audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.post_media REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_media', 'post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: post_reviews audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.post_reviews REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');

-- Name: posts audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.posts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');

-- Name: queue_slots audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.queue_slots REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('queue_slot', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: rate_limit_rules audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.rate_limit_rules REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('rate_limit_rule', 'endpoint', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: recurring_posts audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.recurring_posts REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('recurring_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,next_at,made_until,look_at,skipped,skipped_at}');

-- Name: restores audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.restores REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('restore', 'id', 'customer_id', '{}', '{version,created_at,updated_at,plan,losses}');

-- Name: space_people audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.space_people REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space_person', 'id', 'customer_id', '{}', '{version,created_at,updated_at,name,username,asked}');

-- Name: spaces audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.spaces REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space', 'id', 'customer_id', '{}', '{version,created_at,updated_at,unreachable_at}');

-- Name: system_roles audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.system_roles REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('system_role', 'user_id', '', '{}', '{version,created_at,updated_at}');

-- Name: users audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.users REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('user', 'id', '', '{subject,email,name}', '{version,created_at,updated_at}');

-- Name: webhook_endpoints audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.webhook_endpoints REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook', 'id', 'customer_id', '{url}', '{version,created_at,updated_at,state_since,failing_since,failures}');

-- Name: webhook_secrets audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.webhook_secrets REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook_secret', 'id', 'customer_id', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: workspace_policies audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.workspace_policies REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace_policy', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: workspaces audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_delete AFTER DELETE ON public.workspaces REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace', 'id', 'customer_id', '{}', '{version,created_at,updated_at,bytes,entries,measured_at,last_used_at,wanted_at,archive_asked_on,archive_asked}');

-- Name: agent_token_keys audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.agent_token_keys REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token_key', 'id', '', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: agent_tokens audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.agent_tokens REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: api_keys audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.api_keys REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('api_key', 'id', 'customer_id', '{key_hash}', '{version,created_at,updated_at,last_used_at}');

-- Name: authorizations audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.authorizations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('authorization', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id,renew_at,lease,lease_until,unanswered,failures,failing_since,failure,renewed_at,reminded,state_since}');

-- Name: bots audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.bots REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('bot', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id}');

-- Name: campaigns audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.campaigns REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('campaign', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: chat_identities audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.chat_identities REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('chat_identity', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: connect_sessions audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.connect_sessions REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('connect_session', 'id', 'customer_id', '{state_hash,cookie_hash,secret}', '{version,created_at,updated_at,key_id,login,accounts,redirect_uri,admin_reason}');

-- Name: credential_moves audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.credential_moves REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential_move', 'id', 'customer_id', '{}', '{version,created_at,updated_at,uses,last_used_at,warned_at}');

-- Name: credentials audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.credentials REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential', 'id', 'customer_id', '{credential,base_url}', '{version,created_at,updated_at,key_id,status,server,failure_code,failure,failures,checked_at,next_check_at,expires_at,renew_at,lease,lease_until,unanswered}');

-- Name: customers audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.customers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('customer', 'id', 'id', '{}', '{version,created_at,updated_at}');

-- Name: email_templates audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.email_templates REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('email_template', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: exports audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.exports REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('export', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: integrations audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.integrations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('integration', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id}');

-- Name: invitations audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.invitations REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('invitation', 'id', 'customer_id', '{email,token_hash,sealed_token}', '{version,created_at,updated_at,key_id}');

-- Name: llm_budgets audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.llm_budgets REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('llm_budget', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: mcp_servers audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.mcp_servers REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('mcp_server', 'id', 'customer_id', '{url,registration}', '{version,created_at,updated_at,key_id,status,login,server,failure_code,failure,failures,checked_at,next_check_at,metadata}');

-- Name: media audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.media REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('media', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memberships audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.memberships REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('member', 'user_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memories audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.memories REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('memory', 'id', 'customer_id', '{text}', '{version,created_at,updated_at,search,embedding,embedding_model}');

-- Name: old_credentials audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.old_credentials REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('old_credential', 'id', '', '{credential}', '{version,created_at,updated_at,key_id,last_used_at,uses}');

-- Name: pairings audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.pairings REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('pairing', 'id', 'customer_id', '{code_hash,link_hash}', '{version,created_at,updated_at}');

-- Name: platform_post_media audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.platform_post_media REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post_media', 'platform_post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: platform_posts audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.platform_posts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,checkpoint}');

-- Name: post_media audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.post_media REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_media', 'post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: post_reviews audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.post_reviews REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');

-- Name: posts audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.posts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');

-- Name: queue_slots audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.queue_slots REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('queue_slot', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: rate_limit_rules audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.rate_limit_rules REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('rate_limit_rule', 'endpoint', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: recurring_posts audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.recurring_posts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('recurring_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,next_at,made_until,look_at,skipped,skipped_at}');

-- Name: restores audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.restores REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('restore', 'id', 'customer_id', '{}', '{version,created_at,updated_at,plan,losses}');

-- Name: space_people audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.space_people REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space_person', 'id', 'customer_id', '{}', '{version,created_at,updated_at,name,username,asked}');

-- Name: spaces audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.spaces REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space', 'id', 'customer_id', '{}', '{version,created_at,updated_at,unreachable_at}');

-- Name: system_roles audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.system_roles REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('system_role', 'user_id', '', '{}', '{version,created_at,updated_at}');

-- Name: users audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('user', 'id', '', '{subject,email,name}', '{version,created_at,updated_at}');

-- Name: webhook_endpoints audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.webhook_endpoints REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook', 'id', 'customer_id', '{url}', '{version,created_at,updated_at,state_since,failing_since,failures}');

-- Name: webhook_secrets audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.webhook_secrets REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook_secret', 'id', 'customer_id', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: workspace_policies audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.workspace_policies REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace_policy', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: workspaces audit_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_insert AFTER INSERT ON public.workspaces REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace', 'id', 'customer_id', '{}', '{version,created_at,updated_at,bytes,entries,measured_at,last_used_at,wanted_at,archive_asked_on,archive_asked}');

-- Name: agent_token_keys audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.agent_token_keys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token_key', 'id', '', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: agent_tokens audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.agent_tokens REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('agent_token', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: api_keys audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.api_keys REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('api_key', 'id', 'customer_id', '{key_hash}', '{version,created_at,updated_at,last_used_at}');

-- Name: authorizations audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.authorizations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('authorization', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id,renew_at,lease,lease_until,unanswered,failures,failing_since,failure,renewed_at,reminded,state_since}');

-- Name: bots audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.bots REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('bot', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id}');

-- Name: campaigns audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.campaigns REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('campaign', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: chat_identities audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.chat_identities REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('chat_identity', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: connect_sessions audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.connect_sessions REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('connect_session', 'id', 'customer_id', '{state_hash,cookie_hash,secret}', '{version,created_at,updated_at,key_id,login,accounts,redirect_uri,admin_reason,answered_at}');

-- Name: credential_moves audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.credential_moves REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential_move', 'id', 'customer_id', '{}', '{version,created_at,updated_at,uses,last_used_at,warned_at}');

-- Name: credentials audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.credentials REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('credential', 'id', 'customer_id', '{credential,base_url}', '{version,created_at,updated_at,key_id,status,server,failure_code,failure,failures,checked_at,next_check_at,expires_at,renew_at,lease,lease_until,unanswered}');

-- Name: customers audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.customers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('customer', 'id', 'id', '{}', '{version,created_at,updated_at}');

-- Name: email_templates audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.email_templates REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('email_template', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: exports audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.exports REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('export', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: integrations audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.integrations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('integration', 'id', 'customer_id', '{credential}', '{version,created_at,updated_at,key_id,state_since,checked_at}');

-- Name: invitations audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.invitations REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('invitation', 'id', 'customer_id', '{email,token_hash,sealed_token}', '{version,created_at,updated_at,key_id}');

-- Name: llm_budgets audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.llm_budgets REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('llm_budget', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: mcp_servers audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.mcp_servers REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('mcp_server', 'id', 'customer_id', '{url,registration}', '{version,created_at,updated_at,key_id,status,login,server,failure_code,failure,failures,checked_at,next_check_at,metadata}');

-- Name: media audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.media REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('media', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memberships audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.memberships REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('member', 'user_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: memories audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.memories REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('memory', 'id', 'customer_id', '{text}', '{version,created_at,updated_at,search,embedding,embedding_model}');

-- Name: old_credentials audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.old_credentials REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('old_credential', 'id', '', '{credential}', '{version,created_at,updated_at,key_id,last_used_at,uses}');

-- Name: pairings audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.pairings REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('pairing', 'id', 'customer_id', '{code_hash,link_hash}', '{version,created_at,updated_at}');

-- Name: platform_post_media audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.platform_post_media REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post_media', 'platform_post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: platform_posts audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.platform_posts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('platform_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,checkpoint,retry_at,measure_at}');

-- Name: post_media audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.post_media REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_media', 'post_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: post_reviews audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.post_reviews REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');

-- Name: posts audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.posts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');

-- Name: queue_slots audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.queue_slots REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('queue_slot', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: rate_limit_rules audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.rate_limit_rules REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('rate_limit_rule', 'endpoint', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: recurring_posts audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.recurring_posts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('recurring_post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,next_at,made_until,look_at,skipped,skipped_at}');

-- Name: restores audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.restores REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('restore', 'id', 'customer_id', '{}', '{version,created_at,updated_at,plan,losses}');

-- Name: space_people audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.space_people REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space_person', 'id', 'customer_id', '{}', '{version,created_at,updated_at,name,username,asked}');

-- Name: spaces audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.spaces REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('space', 'id', 'customer_id', '{}', '{version,created_at,updated_at,unreachable_at}');

-- Name: system_roles audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.system_roles REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('system_role', 'user_id', '', '{}', '{version,created_at,updated_at}');

-- Name: users audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.users REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('user', 'id', '', '{subject,email,name}', '{version,created_at,updated_at}');

-- Name: webhook_endpoints audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.webhook_endpoints REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook', 'id', 'customer_id', '{url}', '{version,created_at,updated_at,state_since,failing_since,failures}');

-- Name: webhook_secrets audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.webhook_secrets REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('webhook_secret', 'id', 'customer_id', '{sealed}', '{version,created_at,updated_at,key_id}');

-- Name: workspace_policies audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.workspace_policies REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace_policy', 'customer_id', 'customer_id', '{}', '{version,created_at,updated_at}');

-- Name: workspaces audit_update; Type: TRIGGER; Schema: public

CREATE TRIGGER audit_update AFTER UPDATE ON public.workspaces REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tenancy.audit_change('workspace', 'id', 'customer_id', '{}', '{version,created_at,updated_at,bytes,entries,measured_at,last_used_at,wanted_at,archive_asked_on,archive_asked}');

-- Name: authorizations authorizations_follow; Type: TRIGGER; Schema: public

CREATE TRIGGER authorizations_follow AFTER UPDATE ON public.authorizations FOR EACH ROW WHEN (((old.state = 'active'::text) AND (new.state = 'needs_reauth'::text))) EXECUTE FUNCTION tenancy.follow_authorization();

-- Name: authorizations authorizations_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER authorizations_guard BEFORE UPDATE ON public.authorizations FOR EACH ROW EXECUTE FUNCTION tenancy.guard_authorization();

-- Name: authorizations authorizations_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER authorizations_touch BEFORE UPDATE OF name, state, credential, expires_at, reconnect_by ON public.authorizations FOR EACH ROW WHEN (((CURRENT_USER <> 'fanfare_definer'::name) OR (current_setting('fanfare.resealing'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION tenancy.touch();

-- Name: backups backups_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER backups_guard BEFORE INSERT ON public.backups FOR EACH ROW EXECUTE FUNCTION tenancy.guard_backup();

-- Name: backups backups_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER backups_touch BEFORE UPDATE ON public.backups FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: bots bots_follow_removal; Type: TRIGGER; Schema: public

CREATE TRIGGER bots_follow_removal AFTER DELETE ON public.bots FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.follow_removed_bot();

-- Name: bots bots_forget; Type: TRIGGER; Schema: public

CREATE TRIGGER bots_forget AFTER DELETE ON public.bots FOR EACH ROW EXECUTE FUNCTION tenancy.forget_bot();

-- Name: bots bots_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER bots_guard BEFORE INSERT ON public.bots FOR EACH ROW EXECUTE FUNCTION tenancy.guard_bot();

-- Name: bots bots_guard_update; Type: TRIGGER; Schema: public

CREATE TRIGGER bots_guard_update BEFORE UPDATE ON public.bots FOR EACH ROW EXECUTE FUNCTION tenancy.guard_bot_update();

-- Name: bots bots_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER bots_touch BEFORE UPDATE ON public.bots FOR EACH ROW WHEN (((CURRENT_USER <> 'fanfare_definer'::name) OR (current_setting('fanfare.resealing'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION tenancy.touch();

-- Name: campaigns campaigns_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER campaigns_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.campaigns FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: campaigns campaigns_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER campaigns_touch BEFORE UPDATE ON public.campaigns FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: chat_identities chat_identities_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER chat_identities_touch BEFORE UPDATE ON public.chat_identities FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: chat_identities chat_identities_withdraw; Type: TRIGGER; Schema: public

CREATE TRIGGER chat_identities_withdraw AFTER INSERT ON public.chat_identities FOR EACH ROW EXECUTE FUNCTION tenancy.withdraw_identity();

-- Name: chat_identities chat_identities_withdraw_changed; Type: TRIGGER; Schema: public

CREATE TRIGGER chat_identities_withdraw_changed AFTER UPDATE ON public.chat_identities FOR EACH ROW WHEN ((old.user_id <> new.user_id)) EXECUTE FUNCTION tenancy.withdraw_identity();

-- Name: connect_sessions connect_sessions_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER connect_sessions_guard BEFORE UPDATE ON public.connect_sessions FOR EACH ROW EXECUTE FUNCTION tenancy.guard_connect_session();

-- Name: credentials credentials_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER credentials_guard BEFORE INSERT OR UPDATE ON public.credentials FOR EACH ROW EXECUTE FUNCTION tenancy.guard_credential();

-- Name: credentials credentials_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER credentials_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.credentials FOR EACH ROW WHEN ((new.kind = 'llm'::text)) EXECUTE FUNCTION tenancy.guard_name();

-- Name: credentials credentials_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER credentials_touch BEFORE UPDATE ON public.credentials FOR EACH ROW WHEN ((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name]))) EXECUTE FUNCTION tenancy.touch();

-- Name: customers customers_follow_name; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_follow_name AFTER UPDATE ON public.customers FOR EACH ROW WHEN (((old.name <> new.name) AND (CURRENT_USER <> 'fanfare_definer'::name))) EXECUTE FUNCTION tenancy.follow_customer_name();

-- Name: customers customers_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_guard BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.guard_customer();

-- Name: customers customers_make_workspace; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_make_workspace AFTER INSERT ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.make_workspace();

-- Name: customers customers_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: customers customers_time_zone_inserted; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_time_zone_inserted BEFORE INSERT ON public.customers FOR EACH ROW WHEN ((new.time_zone <> 'UTC'::text)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: customers customers_time_zone_updated; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_time_zone_updated BEFORE UPDATE ON public.customers FOR EACH ROW WHEN ((new.time_zone IS DISTINCT FROM old.time_zone)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: customers customers_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_touch BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: customers customers_webhooks; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_webhooks AFTER UPDATE ON public.customers FOR EACH ROW WHEN (((old.archived_at IS NULL) IS DISTINCT FROM (new.archived_at IS NULL))) EXECUTE FUNCTION tenancy.follow_customer_webhooks();

-- Name: email_templates email_templates_follow_content; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_follow_content AFTER UPDATE ON public.email_templates FOR EACH ROW WHEN ((((old.subject IS DISTINCT FROM new.subject) OR (old.preview_text IS DISTINCT FROM new.preview_text)) OR (old.html IS DISTINCT FROM new.html))) EXECUTE FUNCTION tenancy.follow_email_template();

-- Name: email_templates email_templates_guard_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_guard_delete BEFORE DELETE ON public.email_templates FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_email_template();

-- Name: email_templates email_templates_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_guard_recurring AFTER UPDATE ON public.email_templates FOR EACH ROW WHEN (((CURRENT_USER = 'fanfare_agent'::name) AND (((old.subject IS DISTINCT FROM new.subject) OR (old.preview_text IS DISTINCT FROM new.preview_text)) OR (old.html IS DISTINCT FROM new.html)))) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: email_templates email_templates_guard_update; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_guard_update BEFORE UPDATE ON public.email_templates FOR EACH ROW WHEN ((((old.subject IS DISTINCT FROM new.subject) OR (old.preview_text IS DISTINCT FROM new.preview_text)) OR (old.html IS DISTINCT FROM new.html))) EXECUTE FUNCTION tenancy.guard_email_template();

-- Name: email_templates email_templates_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.email_templates FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: email_templates email_templates_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER email_templates_touch BEFORE UPDATE ON public.email_templates FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: exports exports_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER exports_touch BEFORE UPDATE ON public.exports FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: integrations integrations_follow_authorization; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_follow_authorization AFTER UPDATE ON public.integrations FOR EACH ROW WHEN (((old.authorization_id IS NOT NULL) AND (((old.state <> 'disconnected'::text) AND (new.state = 'disconnected'::text)) OR (new.authorization_id IS DISTINCT FROM old.authorization_id)))) EXECUTE FUNCTION tenancy.follow_last_account();

-- Name: integrations integrations_follow_disconnection; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_follow_disconnection AFTER UPDATE ON public.integrations FOR EACH ROW WHEN (((old.state <> 'disconnected'::text) AND (new.state = 'disconnected'::text))) EXECUTE FUNCTION tenancy.follow_disconnection();

-- Name: integrations integrations_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_guard BEFORE INSERT OR UPDATE ON public.integrations FOR EACH ROW EXECUTE FUNCTION tenancy.guard_integration();

-- Name: integrations integrations_guard_old_credential; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_guard_old_credential BEFORE UPDATE ON public.integrations FOR EACH ROW EXECUTE FUNCTION tenancy.guard_old_credential();

-- Name: integrations integrations_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_touch BEFORE UPDATE OF name, url, state, credential, authorization_id, is_default, reason ON public.integrations FOR EACH ROW WHEN (((CURRENT_USER <> 'fanfare_definer'::name) OR (current_setting('fanfare.resealing'::text, true) IS DISTINCT FROM 'on'::text))) EXECUTE FUNCTION tenancy.touch();

-- Name: integrations integrations_webhooks; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_webhooks AFTER UPDATE ON public.integrations FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) AND (new.state = 'needs_reauth'::text))) EXECUTE FUNCTION tenancy.tell_of_integration();

-- Name: invitations invitations_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER invitations_guard BEFORE UPDATE ON public.invitations FOR EACH ROW EXECUTE FUNCTION tenancy.guard_invitation();

-- Name: invitations invitations_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER invitations_touch BEFORE UPDATE OF accepted_at, revoked_at ON public.invitations FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: llm_budgets llm_budgets_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER llm_budgets_touch BEFORE UPDATE ON public.llm_budgets FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: mcp_servers mcp_servers_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER mcp_servers_guard BEFORE INSERT OR UPDATE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION tenancy.guard_mcp_server();

-- Name: mcp_servers mcp_servers_name_not_blank; Type: TRIGGER; Schema: public

CREATE TRIGGER mcp_servers_name_not_blank BEFORE INSERT OR UPDATE OF name ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION tenancy.guard_name();

-- Name: mcp_servers mcp_servers_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER mcp_servers_touch BEFORE UPDATE ON public.mcp_servers FOR EACH ROW WHEN ((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_admin'::name]))) EXECUTE FUNCTION tenancy.touch();

-- Name: mcp_servers mcp_servers_withdraw_deleted; Type: TRIGGER; Schema: public

CREATE TRIGGER mcp_servers_withdraw_deleted BEFORE DELETE ON public.mcp_servers FOR EACH ROW EXECUTE FUNCTION tenancy.withdraw_mcp_server();

-- Name: mcp_servers mcp_servers_withdraw_moved; Type: TRIGGER; Schema: public

CREATE TRIGGER mcp_servers_withdraw_moved AFTER UPDATE ON public.mcp_servers FOR EACH ROW WHEN ((old.url <> new.url)) EXECUTE FUNCTION tenancy.withdraw_mcp_server();

-- Name: media media_follow_alt_text; Type: TRIGGER; Schema: public

CREATE TRIGGER media_follow_alt_text AFTER UPDATE ON public.media FOR EACH ROW WHEN ((old.alt_text IS DISTINCT FROM new.alt_text)) EXECUTE FUNCTION tenancy.follow_alt_text();

-- Name: media media_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER media_guard BEFORE INSERT OR UPDATE ON public.media FOR EACH ROW EXECUTE FUNCTION tenancy.guard_media();

-- Name: media media_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER media_guard_recurring AFTER UPDATE ON public.media FOR EACH ROW WHEN (((CURRENT_USER = 'fanfare_agent'::name) AND (old.alt_text <> new.alt_text))) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: media media_guard_space; Type: TRIGGER; Schema: public

CREATE TRIGGER media_guard_space BEFORE UPDATE ON public.media FOR EACH ROW WHEN (((CURRENT_USER = 'fanfare_agent'::name) AND ((old.alt_text IS DISTINCT FROM new.alt_text) OR (new.state = 'deleting'::text)))) EXECUTE FUNCTION tenancy.guard_media_of_space();

-- Name: media media_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER media_touch BEFORE UPDATE ON public.media FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: memberships memberships_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER memberships_guard BEFORE INSERT OR UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.guard_membership();

-- Name: memberships memberships_guard_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER memberships_guard_delete BEFORE DELETE ON public.memberships FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_membership();

-- Name: memberships memberships_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER memberships_touch BEFORE UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: memories memories_count_embedding; Type: TRIGGER; Schema: public

CREATE TRIGGER memories_count_embedding AFTER UPDATE ON public.memories FOR EACH ROW WHEN (((new.embedding IS NOT NULL) AND ((new.embedding IS DISTINCT FROM old.embedding) OR (new.embedding_model IS DISTINCT FROM old.embedding_model)))) EXECUTE FUNCTION tenancy.count_embedding();

-- Name: memories memories_follow_text; Type: TRIGGER; Schema: public

CREATE TRIGGER memories_follow_text BEFORE UPDATE OF text ON public.memories FOR EACH ROW WHEN ((old.text <> new.text)) EXECUTE FUNCTION tenancy.follow_memory_text();

-- Name: memories memories_limit; Type: TRIGGER; Schema: public

CREATE TRIGGER memories_limit BEFORE INSERT ON public.memories FOR EACH ROW EXECUTE FUNCTION tenancy.limit_memories();

-- Name: memories memories_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER memories_touch BEFORE UPDATE OF text ON public.memories FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: messages messages_audit_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER messages_audit_delete AFTER DELETE ON public.messages REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.audit_deleted_messages();

-- Name: messages messages_count; Type: TRIGGER; Schema: public

CREATE TRIGGER messages_count AFTER INSERT ON public.messages FOR EACH ROW EXECUTE FUNCTION tenancy.count_message();

-- Name: pairings pairings_forget_chat; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_forget_chat AFTER DELETE ON public.pairings FOR EACH ROW EXECUTE FUNCTION tenancy.forget_chat();

-- Name: pairings pairings_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_guard BEFORE INSERT OR UPDATE ON public.pairings FOR EACH ROW EXECUTE FUNCTION tenancy.guard_pairing();

-- Name: pairings pairings_guard_bot; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_guard_bot BEFORE INSERT ON public.pairings FOR EACH ROW EXECUTE FUNCTION tenancy.guard_chat_of_bot();

-- Name: pairings pairings_guard_bot_state; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_guard_bot_state BEFORE UPDATE OF state ON public.pairings FOR EACH ROW WHEN ((new.state = ANY (ARRAY['claimed'::text, 'done'::text]))) EXECUTE FUNCTION tenancy.guard_chat_of_bot();

-- Name: pairings pairings_tell; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_tell AFTER UPDATE ON public.pairings FOR EACH ROW WHEN (((new.external_id IS NOT NULL) AND ((old.state IS DISTINCT FROM new.state) OR (old.held_elsewhere IS DISTINCT FROM new.held_elsewhere)))) EXECUTE FUNCTION tenancy.tell_pairing();

-- Name: pairings pairings_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER pairings_touch BEFORE UPDATE ON public.pairings FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: platform_post_media platform_post_media_follow_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_follow_delete AFTER DELETE ON public.platform_post_media REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenancy.follow_media_content();

-- Name: platform_post_media platform_post_media_follow_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_follow_insert AFTER INSERT ON public.platform_post_media REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenancy.follow_media_content();

-- Name: platform_post_media platform_post_media_follow_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_follow_recurring AFTER INSERT OR DELETE ON public.platform_post_media FOR EACH ROW WHEN ((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name]))) EXECUTE FUNCTION tenancy.follow_recurring_content();

-- Name: platform_post_media platform_post_media_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_guard BEFORE INSERT OR DELETE ON public.platform_post_media FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_platform_post_media();

-- Name: platform_post_media platform_post_media_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_guard_recurring AFTER INSERT OR DELETE ON public.platform_post_media FOR EACH ROW WHEN ((CURRENT_USER = 'fanfare_agent'::name)) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: platform_post_media platform_post_media_shown; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_post_media_shown BEFORE INSERT ON public.platform_post_media FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_shown_media();

-- Name: platform_posts platform_posts_agent_content; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_agent_content BEFORE UPDATE ON public.platform_posts FOR EACH ROW WHEN ((((old.text IS DISTINCT FROM new.text) OR (old.options IS DISTINCT FROM new.options)) OR (old.own_media IS DISTINCT FROM new.own_media))) EXECUTE FUNCTION tenancy.guard_agent_content();

-- Name: platform_posts platform_posts_count_published; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_count_published AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN (((new.state = 'published'::text) AND (old.state <> 'published'::text))) EXECUTE FUNCTION tenancy.count_published();

-- Name: platform_posts platform_posts_date_problem; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_date_problem BEFORE UPDATE ON public.platform_posts FOR EACH ROW WHEN ((old.problem_class IS DISTINCT FROM new.problem_class)) EXECUTE FUNCTION tenancy.date_problem();

-- Name: platform_posts platform_posts_follow_account; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_account AFTER INSERT OR DELETE ON public.platform_posts FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.follow_platform_post_content();

-- Name: platform_posts platform_posts_follow_content; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_content AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN ((((old.text IS DISTINCT FROM new.text) OR (old.options IS DISTINCT FROM new.options)) OR (old.own_media IS DISTINCT FROM new.own_media))) EXECUTE FUNCTION tenancy.follow_platform_post_content();

-- Name: platform_posts platform_posts_follow_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_insert AFTER INSERT OR DELETE ON public.platform_posts FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.follow_platform_post();

-- Name: platform_posts platform_posts_follow_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_recurring AFTER INSERT OR DELETE ON public.platform_posts FOR EACH ROW WHEN ((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name]))) EXECUTE FUNCTION tenancy.follow_recurring_content();

-- Name: platform_posts platform_posts_follow_recurring_update; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_recurring_update AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN (((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name])) AND ((((old.text IS DISTINCT FROM new.text) OR (old.options IS DISTINCT FROM new.options)) OR (old.own_media IS DISTINCT FROM new.own_media)) OR ((old.state <> new.state) AND ((new.state = ANY (ARRAY['draft'::text, 'cancelled'::text])) OR (old.state = 'cancelled'::text)))))) EXECUTE FUNCTION tenancy.follow_recurring_content();

-- Name: platform_posts platform_posts_follow_update; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_update AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN (((((((old.state IS DISTINCT FROM new.state) OR (old.text IS DISTINCT FROM new.text)) OR (old.options IS DISTINCT FROM new.options)) OR (old.own_media IS DISTINCT FROM new.own_media)) OR (old.external_url IS DISTINCT FROM new.external_url)) OR (old.problem IS DISTINCT FROM new.problem))) EXECUTE FUNCTION tenancy.follow_platform_post();

-- Name: platform_posts platform_posts_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_guard BEFORE INSERT OR UPDATE ON public.platform_posts FOR EACH ROW EXECUTE FUNCTION tenancy.guard_platform_post();

-- Name: platform_posts platform_posts_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_guard_recurring AFTER INSERT OR DELETE ON public.platform_posts FOR EACH ROW WHEN ((CURRENT_USER = 'fanfare_agent'::name)) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: platform_posts platform_posts_guard_recurring_update; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_guard_recurring_update AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN (((CURRENT_USER = 'fanfare_agent'::name) AND ((((old.text IS DISTINCT FROM new.text) OR (old.options IS DISTINCT FROM new.options)) OR (old.own_media IS DISTINCT FROM new.own_media)) OR ((old.state = 'cancelled'::text) <> (new.state = 'cancelled'::text))))) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: platform_posts platform_posts_hold_template; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_hold_template BEFORE INSERT OR UPDATE OF options ON public.platform_posts FOR EACH ROW WHEN (((CURRENT_USER <> 'fanfare_definer'::name) AND (new.options ? 'template_id'::text))) EXECUTE FUNCTION tenancy.hold_email_template();

-- Name: platform_posts platform_posts_measure; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_measure BEFORE UPDATE ON public.platform_posts FOR EACH ROW WHEN (((new.state = 'published'::text) AND (old.state <> 'published'::text))) EXECUTE FUNCTION tenancy.begin_measuring();

-- Name: platform_posts platform_posts_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_touch BEFORE UPDATE ON public.platform_posts FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: post_media post_media_follow_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_follow_delete AFTER DELETE ON public.post_media REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenancy.follow_media_content();

-- Name: post_media post_media_follow_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_follow_insert AFTER INSERT ON public.post_media REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tenancy.follow_media_content();

-- Name: post_media post_media_follow_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_follow_recurring AFTER INSERT OR DELETE ON public.post_media FOR EACH ROW WHEN ((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name]))) EXECUTE FUNCTION tenancy.follow_recurring_content();

-- Name: post_media post_media_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_guard BEFORE INSERT OR DELETE ON public.post_media FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_post_media();

-- Name: post_media post_media_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_guard_recurring AFTER INSERT OR DELETE ON public.post_media FOR EACH ROW WHEN ((CURRENT_USER = 'fanfare_agent'::name)) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: post_media post_media_shown; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_shown BEFORE INSERT ON public.post_media FOR EACH ROW WHEN ((CURRENT_USER <> 'fanfare_definer'::name)) EXECUTE FUNCTION tenancy.guard_shown_media();

-- Name: post_reviews post_reviews_content; Type: TRIGGER; Schema: public

CREATE TRIGGER post_reviews_content BEFORE INSERT ON public.post_reviews FOR EACH ROW WHEN (((new.verdict = ANY (ARRAY['approved'::text, 'rejected'::text])) AND (CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name])))) EXECUTE FUNCTION tenancy.keep_content();

-- Name: post_reviews post_reviews_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER post_reviews_guard BEFORE INSERT ON public.post_reviews FOR EACH ROW EXECUTE FUNCTION tenancy.guard_post_review();

-- Name: post_reviews post_reviews_webhooks; Type: TRIGGER; Schema: public

CREATE TRIGGER post_reviews_webhooks AFTER INSERT ON public.post_reviews FOR EACH ROW WHEN ((new.verdict = 'rejected'::text)) EXECUTE FUNCTION tenancy.tell_of_review();

-- Name: posts posts_agent_content; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_agent_content BEFORE UPDATE ON public.posts FOR EACH ROW WHEN ((((old.title IS DISTINCT FROM new.title) OR (old.text IS DISTINCT FROM new.text)) OR (old.campaign_id IS DISTINCT FROM new.campaign_id))) EXECUTE FUNCTION tenancy.guard_agent_content();

-- Name: posts posts_follow_approval; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_follow_approval AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name])) AND (old.approved_at IS DISTINCT FROM new.approved_at))) EXECUTE FUNCTION tenancy.follow_recurring_content('original');

-- Name: posts posts_follow_content; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_follow_content AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((old.title IS DISTINCT FROM new.title) OR (old.text IS DISTINCT FROM new.text))) EXECUTE FUNCTION tenancy.follow_post_content();

-- Name: posts posts_follow_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_follow_recurring AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name])) AND ((((old.title IS DISTINCT FROM new.title) OR (old.text IS DISTINCT FROM new.text)) OR (old.campaign_id IS DISTINCT FROM new.campaign_id)) OR (old.scheduled_at IS DISTINCT FROM new.scheduled_at)))) EXECUTE FUNCTION tenancy.follow_recurring_content();

-- Name: posts posts_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_guard BEFORE INSERT OR UPDATE ON public.posts FOR EACH ROW EXECUTE FUNCTION tenancy.guard_post();

-- Name: posts posts_guard_recurring; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_guard_recurring AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((CURRENT_USER = 'fanfare_agent'::name) AND (((old.title IS DISTINCT FROM new.title) OR (old.text IS DISTINCT FROM new.text)) OR (old.campaign_id IS DISTINCT FROM new.campaign_id)))) EXECUTE FUNCTION tenancy.guard_recurring_content();

-- Name: posts posts_slot; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_slot BEFORE UPDATE ON public.posts FOR EACH ROW WHEN ((new.slot_at IS NOT NULL)) EXECUTE FUNCTION tenancy.free_slot();

-- Name: posts posts_state_follows; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_state_follows BEFORE UPDATE ON public.posts FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION tenancy.agree_with_platform_posts();

-- Name: posts posts_tell_space; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_tell_space AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((new.space_id IS NOT NULL) AND (old.state <> new.state) AND (new.state = ANY (ARRAY['published'::text, 'partially_published'::text, 'failed'::text, 'needs_attention'::text])))) EXECUTE FUNCTION tenancy.tell_space();

-- Name: posts posts_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_touch BEFORE UPDATE ON public.posts FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: posts posts_webhooks; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_webhooks AFTER UPDATE ON public.posts FOR EACH ROW WHEN (((old.state IS DISTINCT FROM new.state) OR ((old.approved_at IS NULL) AND (new.approved_at IS NOT NULL)))) EXECUTE FUNCTION tenancy.tell_of_post();

-- Name: rate_limit_rules rate_limit_rules_forget; Type: TRIGGER; Schema: public

CREATE TRIGGER rate_limit_rules_forget AFTER INSERT OR DELETE OR UPDATE ON public.rate_limit_rules FOR EACH ROW EXECUTE FUNCTION tenancy.forget_rate_limit();

-- Name: rate_limit_rules rate_limit_rules_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER rate_limit_rules_touch BEFORE UPDATE ON public.rate_limit_rules FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: recurring_posts recurring_posts_follow_delete; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_follow_delete BEFORE DELETE ON public.recurring_posts FOR EACH ROW EXECUTE FUNCTION tenancy.follow_recurring_post();

-- Name: recurring_posts recurring_posts_follow_update; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_follow_update AFTER UPDATE ON public.recurring_posts FOR EACH ROW WHEN (((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_agent'::name, 'fanfare_admin'::name])) AND ((((old.rrule IS DISTINCT FROM new.rrule) OR (old.starts_local IS DISTINCT FROM new.starts_local)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.state IS DISTINCT FROM new.state)))) EXECUTE FUNCTION tenancy.follow_recurring_post();

-- Name: recurring_posts recurring_posts_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_guard BEFORE INSERT OR UPDATE ON public.recurring_posts FOR EACH ROW EXECUTE FUNCTION tenancy.guard_recurring_post();

-- Name: recurring_posts recurring_posts_limit; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_limit BEFORE INSERT ON public.recurring_posts FOR EACH ROW EXECUTE FUNCTION tenancy.limit_recurring_posts();

-- Name: recurring_posts recurring_posts_time_zone_inserted; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_time_zone_inserted BEFORE INSERT ON public.recurring_posts FOR EACH ROW WHEN ((new.time_zone <> 'UTC'::text)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: recurring_posts recurring_posts_time_zone_updated; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_time_zone_updated BEFORE UPDATE ON public.recurring_posts FOR EACH ROW WHEN ((new.time_zone IS DISTINCT FROM old.time_zone)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: recurring_posts recurring_posts_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER recurring_posts_touch BEFORE UPDATE ON public.recurring_posts FOR EACH ROW WHEN ((((((old.rrule IS DISTINCT FROM new.rrule) OR (old.starts_local IS DISTINCT FROM new.starts_local)) OR (old.time_zone IS DISTINCT FROM new.time_zone)) OR (old.state IS DISTINCT FROM new.state)) OR (old.problem IS DISTINCT FROM new.problem))) EXECUTE FUNCTION tenancy.touch();

-- Name: restores restores_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER restores_guard BEFORE UPDATE ON public.restores FOR EACH ROW EXECUTE FUNCTION tenancy.guard_restore();

-- Name: restores restores_of_ready; Type: TRIGGER; Schema: public

CREATE TRIGGER restores_of_ready BEFORE INSERT ON public.restores FOR EACH ROW EXECUTE FUNCTION tenancy.guard_restored_backup();

-- Name: restores restores_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER restores_touch BEFORE UPDATE ON public.restores FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: space_people space_people_withdraw; Type: TRIGGER; Schema: public

CREATE TRIGGER space_people_withdraw AFTER UPDATE ON public.space_people FOR EACH ROW WHEN (((old.left_at IS NULL) AND (new.left_at IS NOT NULL))) EXECUTE FUNCTION tenancy.withdraw_person();

-- Name: spaces spaces_forget_chat; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_forget_chat AFTER DELETE ON public.spaces FOR EACH ROW EXECUTE FUNCTION tenancy.forget_chat();

-- Name: spaces spaces_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_guard BEFORE UPDATE ON public.spaces FOR EACH ROW EXECUTE FUNCTION tenancy.guard_space();

-- Name: spaces spaces_guard_bot; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_guard_bot BEFORE INSERT ON public.spaces FOR EACH ROW EXECUTE FUNCTION tenancy.guard_chat_of_bot();

-- Name: spaces spaces_make_workspace; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_make_workspace AFTER INSERT ON public.spaces FOR EACH ROW EXECUTE FUNCTION tenancy.make_workspace();

-- Name: spaces spaces_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_touch BEFORE UPDATE ON public.spaces FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: spaces spaces_withdraw; Type: TRIGGER; Schema: public

CREATE TRIGGER spaces_withdraw AFTER UPDATE ON public.spaces FOR EACH ROW WHEN (((old.ended_at IS NULL) AND (new.ended_at IS NOT NULL))) EXECUTE FUNCTION tenancy.withdraw_space();

-- Name: audit_log tell_change; Type: TRIGGER; Schema: public

CREATE TRIGGER tell_change AFTER INSERT ON public.audit_log REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION tenancy.tell_change();

-- Name: webhook_deliveries webhook_deliveries_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_deliveries_guard BEFORE UPDATE OF state ON public.webhook_deliveries FOR EACH ROW EXECUTE FUNCTION tenancy.guard_webhook_delivery();

-- Name: webhook_endpoints webhook_endpoints_follow_state; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_endpoints_follow_state AFTER UPDATE ON public.webhook_endpoints FOR EACH ROW WHEN (((old.state = 'active'::text) IS DISTINCT FROM (new.state = 'active'::text))) EXECUTE FUNCTION tenancy.follow_webhook_state();

-- Name: webhook_endpoints webhook_endpoints_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_endpoints_guard BEFORE UPDATE ON public.webhook_endpoints FOR EACH ROW EXECUTE FUNCTION tenancy.guard_webhook();

-- Name: webhook_endpoints webhook_endpoints_limit; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_endpoints_limit BEFORE INSERT ON public.webhook_endpoints FOR EACH ROW EXECUTE FUNCTION tenancy.limit_webhooks();

-- Name: webhook_endpoints webhook_endpoints_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_endpoints_touch BEFORE UPDATE ON public.webhook_endpoints FOR EACH ROW WHEN (((CURRENT_USER = ANY (ARRAY['fanfare_user'::name, 'fanfare_admin'::name])) OR ((((old.url IS DISTINCT FROM new.url) OR (old.description IS DISTINCT FROM new.description)) OR (old.events IS DISTINCT FROM new.events)) OR (old.state IS DISTINCT FROM new.state)))) EXECUTE FUNCTION tenancy.touch();

-- Name: webhook_secrets webhook_secrets_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER webhook_secrets_guard BEFORE UPDATE OF expires_at ON public.webhook_secrets FOR EACH ROW EXECUTE FUNCTION tenancy.guard_webhook_secret();

-- Name: workspace_policies workspace_policies_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER workspace_policies_guard BEFORE INSERT OR UPDATE ON public.workspace_policies FOR EACH ROW EXECUTE FUNCTION tenancy.guard_workspace_policy();

-- Name: workspace_policies workspace_policies_guard_erased; Type: TRIGGER; Schema: public

CREATE TRIGGER workspace_policies_guard_erased BEFORE INSERT OR UPDATE ON public.workspace_policies FOR EACH ROW EXECUTE FUNCTION tenancy.guard_hold_of_erased();

-- Name: workspace_policies workspace_policies_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER workspace_policies_touch BEFORE UPDATE ON public.workspace_policies FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: workspaces workspaces_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER workspaces_touch BEFORE UPDATE ON public.workspaces FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: river_job river_job_freeze; Type: TRIGGER; Schema: river

CREATE TRIGGER river_job_freeze BEFORE UPDATE ON river.river_job FOR EACH ROW EXECUTE FUNCTION tenancy.freeze_job();

-- Name: river_job river_job_number; Type: TRIGGER; Schema: river

CREATE TRIGGER river_job_number BEFORE INSERT ON river.river_job FOR EACH ROW EXECUTE FUNCTION tenancy.number_job();

-- Name: account_limits account_limits_integration_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.account_limits
    ADD CONSTRAINT account_limits_integration_fkey FOREIGN KEY (customer_id, integration_id) REFERENCES public.integrations(customer_id, id);

-- Name: agent_tokens agent_tokens_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_tokens
    ADD CONSTRAINT agent_tokens_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: agent_tokens agent_tokens_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_tokens
    ADD CONSTRAINT agent_tokens_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: agent_tokens agent_tokens_key_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_tokens
    ADD CONSTRAINT agent_tokens_key_fkey FOREIGN KEY (customer_id, api_key_id) REFERENCES public.api_keys(customer_id, id);

-- Name: agent_tokens agent_tokens_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.agent_tokens
    ADD CONSTRAINT agent_tokens_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id) NOT VALID;

-- Name: api_keys api_keys_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: api_keys api_keys_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: api_keys api_keys_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id) NOT VALID;

-- Name: authorizations authorizations_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: authorizations authorizations_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.authorizations
    ADD CONSTRAINT authorizations_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: backup_status backup_status_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.backup_status
    ADD CONSTRAINT backup_status_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: backups backups_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: backups backups_requested_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.backups
    ADD CONSTRAINT backups_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.users(id);

-- Name: bots bots_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: bots bots_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: bots bots_given_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.bots
    ADD CONSTRAINT bots_given_by_fkey FOREIGN KEY (given_by) REFERENCES public.users(id);

-- Name: campaigns campaigns_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: campaigns campaigns_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: chat_identities chat_identities_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_identities
    ADD CONSTRAINT chat_identities_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: chat_identities chat_identities_member_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.chat_identities
    ADD CONSTRAINT chat_identities_member_fkey FOREIGN KEY (customer_id, user_id) REFERENCES public.memberships(customer_id, user_id) ON DELETE CASCADE;

-- Name: connect_sessions connect_sessions_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.connect_sessions
    ADD CONSTRAINT connect_sessions_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: connect_sessions connect_sessions_server_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.connect_sessions
    ADD CONSTRAINT connect_sessions_server_fkey FOREIGN KEY (customer_id, mcp_server_id) REFERENCES public.mcp_servers(customer_id, id) NOT VALID;

-- Name: connect_sessions connect_sessions_user_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.connect_sessions
    ADD CONSTRAINT connect_sessions_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

-- Name: credential_moves credential_moves_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credential_moves
    ADD CONSTRAINT credential_moves_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: credential_moves credential_moves_owner_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credential_moves
    ADD CONSTRAINT credential_moves_owner_fkey FOREIGN KEY (old_owner_id) REFERENCES public.users(id);

-- Name: credentials credentials_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: credentials credentials_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: credentials credentials_server_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_server_fkey FOREIGN KEY (customer_id, space_id, mcp_server_id) REFERENCES public.mcp_servers(customer_id, space_id, id);

-- Name: credentials credentials_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.credentials
    ADD CONSTRAINT credentials_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: drills drills_backup_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.drills
    ADD CONSTRAINT drills_backup_fkey FOREIGN KEY (customer_id, backup_id) REFERENCES public.backups(customer_id, id) ON DELETE CASCADE;

-- Name: drills drills_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.drills
    ADD CONSTRAINT drills_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: email_templates email_templates_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.email_templates
    ADD CONSTRAINT email_templates_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: email_templates email_templates_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.email_templates
    ADD CONSTRAINT email_templates_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: erasures erasures_requested_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.erasures
    ADD CONSTRAINT erasures_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.users(id);

-- Name: exports exports_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: exports exports_requested_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.exports
    ADD CONSTRAINT exports_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.users(id);

-- Name: file_changes file_changes_workspace_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.file_changes
    ADD CONSTRAINT file_changes_workspace_fkey FOREIGN KEY (customer_id, workspace_id) REFERENCES public.workspaces(customer_id, id);

-- Name: integrations integrations_authorization_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_authorization_fkey FOREIGN KEY (customer_id, authorization_id) REFERENCES public.authorizations(customer_id, id);

-- Name: integrations integrations_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: integrations integrations_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: invitations invitations_accepted_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_accepted_by_fkey FOREIGN KEY (accepted_by) REFERENCES public.users(id);

-- Name: invitations invitations_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: invitations invitations_invited_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_invited_by_fkey FOREIGN KEY (invited_by) REFERENCES public.users(id);

-- Name: llm_budgets llm_budgets_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_budgets
    ADD CONSTRAINT llm_budgets_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: llm_months llm_months_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_months
    ADD CONSTRAINT llm_months_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: llm_reservations llm_reservations_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.llm_reservations
    ADD CONSTRAINT llm_reservations_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: mcp_servers mcp_servers_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: mcp_servers mcp_servers_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: mcp_servers mcp_servers_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.mcp_servers
    ADD CONSTRAINT mcp_servers_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: media media_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: media media_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: media media_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id) NOT VALID;

-- Name: memberships memberships_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: memberships memberships_user_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

-- Name: memories memories_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memories
    ADD CONSTRAINT memories_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: memories memories_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memories
    ADD CONSTRAINT memories_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: memories memories_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memories
    ADD CONSTRAINT memories_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: messages messages_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: messages messages_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.messages
    ADD CONSTRAINT messages_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: old_credentials old_credentials_owner_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.old_credentials
    ADD CONSTRAINT old_credentials_owner_fkey FOREIGN KEY (owner_id) REFERENCES public.users(id);

-- Name: pairings pairings_confirmed_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.pairings
    ADD CONSTRAINT pairings_confirmed_by_fkey FOREIGN KEY (confirmed_by) REFERENCES public.users(id);

-- Name: pairings pairings_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.pairings
    ADD CONSTRAINT pairings_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: pairings pairings_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.pairings
    ADD CONSTRAINT pairings_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: pairings pairings_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.pairings
    ADD CONSTRAINT pairings_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: platform_post_media platform_post_media_media_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_post_media
    ADD CONSTRAINT platform_post_media_media_fkey FOREIGN KEY (customer_id, media_id) REFERENCES public.media(customer_id, id);

-- Name: platform_post_media platform_post_media_platform_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_post_media
    ADD CONSTRAINT platform_post_media_platform_post_fkey FOREIGN KEY (customer_id, platform_post_id) REFERENCES public.platform_posts(customer_id, id) ON DELETE CASCADE;

-- Name: platform_posts platform_posts_integration_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_posts
    ADD CONSTRAINT platform_posts_integration_fkey FOREIGN KEY (customer_id, integration_id) REFERENCES public.integrations(customer_id, id);

-- Name: platform_posts platform_posts_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.platform_posts
    ADD CONSTRAINT platform_posts_post_fkey FOREIGN KEY (customer_id, post_id) REFERENCES public.posts(customer_id, id);

-- Name: post_media post_media_media_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_media
    ADD CONSTRAINT post_media_media_fkey FOREIGN KEY (customer_id, media_id) REFERENCES public.media(customer_id, id);

-- Name: post_media post_media_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_media
    ADD CONSTRAINT post_media_post_fkey FOREIGN KEY (customer_id, post_id) REFERENCES public.posts(customer_id, id) ON DELETE CASCADE;

-- Name: post_metrics post_metrics_platform_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_metrics
    ADD CONSTRAINT post_metrics_platform_post_fkey FOREIGN KEY (customer_id, platform_post_id) REFERENCES public.platform_posts(customer_id, id) ON DELETE CASCADE;

-- Name: post_reviews post_reviews_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_reviews
    ADD CONSTRAINT post_reviews_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: post_reviews post_reviews_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_reviews
    ADD CONSTRAINT post_reviews_post_fkey FOREIGN KEY (customer_id, post_id) REFERENCES public.posts(customer_id, id);

-- Name: post_reviews post_reviews_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.post_reviews
    ADD CONSTRAINT post_reviews_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id) NOT VALID;

-- Name: posts posts_approved_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_approved_by_fkey FOREIGN KEY (approved_by) REFERENCES public.users(id) NOT VALID;

-- Name: posts posts_campaign_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_campaign_fkey FOREIGN KEY (customer_id, campaign_id) REFERENCES public.campaigns(customer_id, id);

-- Name: posts posts_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: posts posts_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: posts posts_edited_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_edited_by_fkey FOREIGN KEY (edited_by) REFERENCES public.users(id) NOT VALID;

-- Name: posts posts_edited_for_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_edited_for_fkey FOREIGN KEY (edited_for) REFERENCES public.users(id) NOT VALID;

-- Name: posts posts_recurrence_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_recurrence_fkey FOREIGN KEY (customer_id, recurrence_id) REFERENCES public.recurring_posts(customer_id, id) NOT VALID;

-- Name: posts posts_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id) NOT VALID;

-- Name: posts posts_submitted_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_submitted_by_fkey FOREIGN KEY (submitted_by) REFERENCES public.users(id) NOT VALID;

-- Name: posts posts_submitted_for_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_submitted_for_fkey FOREIGN KEY (submitted_for) REFERENCES public.users(id) NOT VALID;

-- Name: publish_attempts publish_attempts_platform_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.publish_attempts
    ADD CONSTRAINT publish_attempts_platform_post_fkey FOREIGN KEY (customer_id, platform_post_id) REFERENCES public.platform_posts(customer_id, id) ON DELETE CASCADE;

-- Name: queue_slots queue_slots_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.queue_slots
    ADD CONSTRAINT queue_slots_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: queue_slots queue_slots_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.queue_slots
    ADD CONSTRAINT queue_slots_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: rate_limit_rules rate_limit_rules_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.rate_limit_rules
    ADD CONSTRAINT rate_limit_rules_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: recurring_posts recurring_posts_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.recurring_posts
    ADD CONSTRAINT recurring_posts_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: recurring_posts recurring_posts_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.recurring_posts
    ADD CONSTRAINT recurring_posts_post_fkey FOREIGN KEY (customer_id, post_id) REFERENCES public.posts(customer_id, id);

-- Name: restores restores_backup_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_backup_fkey FOREIGN KEY (customer_id, backup_id) REFERENCES public.backups(customer_id, id) ON DELETE CASCADE;

-- Name: restores restores_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: restores restores_requested_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_requested_by_fkey FOREIGN KEY (requested_by) REFERENCES public.users(id);

-- Name: restores restores_to_workspace_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_to_workspace_fkey FOREIGN KEY (customer_id, to_workspace_id) REFERENCES public.workspaces(customer_id, id);

-- Name: restores restores_workspace_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.restores
    ADD CONSTRAINT restores_workspace_fkey FOREIGN KEY (customer_id, workspace_id) REFERENCES public.workspaces(customer_id, id);

-- Name: space_people space_people_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.space_people
    ADD CONSTRAINT space_people_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: space_people space_people_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.space_people
    ADD CONSTRAINT space_people_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: spaces spaces_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.spaces
    ADD CONSTRAINT spaces_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: spaces spaces_paired_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.spaces
    ADD CONSTRAINT spaces_paired_by_fkey FOREIGN KEY (paired_by) REFERENCES public.users(id);

-- Name: system_roles system_roles_user_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.system_roles
    ADD CONSTRAINT system_roles_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

-- Name: usage_days usage_days_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.usage_days
    ADD CONSTRAINT usage_days_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: webhook_deliveries webhook_deliveries_endpoint_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_deliveries
    ADD CONSTRAINT webhook_deliveries_endpoint_fkey FOREIGN KEY (customer_id, endpoint_id) REFERENCES public.webhook_endpoints(customer_id, id) ON DELETE CASCADE;

-- Name: webhook_endpoints webhook_endpoints_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: webhook_endpoints webhook_endpoints_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_endpoints
    ADD CONSTRAINT webhook_endpoints_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: webhook_secrets webhook_secrets_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: webhook_secrets webhook_secrets_endpoint_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.webhook_secrets
    ADD CONSTRAINT webhook_secrets_endpoint_fkey FOREIGN KEY (customer_id, endpoint_id) REFERENCES public.webhook_endpoints(customer_id, id) ON DELETE CASCADE;

-- Name: workspace_policies workspace_policies_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspace_policies
    ADD CONSTRAINT workspace_policies_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: workspaces workspaces_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: workspaces workspaces_space_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_space_fkey FOREIGN KEY (customer_id, space_id) REFERENCES public.spaces(customer_id, id);

-- Name: account_limits; Type: ROW SECURITY; Schema: public

ALTER TABLE public.account_limits ENABLE ROW LEVEL SECURITY;

-- Name: account_limits account_limits_agent_select; Type: POLICY; Schema: public

CREATE POLICY account_limits_agent_select ON public.account_limits FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['integrations:read'::text, 'posts:publish'::text]) AS has_any_permission));

-- Name: account_limits account_limits_backup; Type: POLICY; Schema: public

CREATE POLICY account_limits_backup ON public.account_limits FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: account_limits account_limits_erase; Type: POLICY; Schema: public

CREATE POLICY account_limits_erase ON public.account_limits FOR DELETE TO fanfare_definer USING (true);

-- Name: account_limits account_limits_erase_select; Type: POLICY; Schema: public

CREATE POLICY account_limits_erase_select ON public.account_limits FOR SELECT TO fanfare_definer USING (true);

-- Name: account_limits account_limits_select; Type: POLICY; Schema: public

CREATE POLICY account_limits_select ON public.account_limits FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: account_limits account_limits_tenant; Type: POLICY; Schema: public

CREATE POLICY account_limits_tenant ON public.account_limits AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: account_limits account_limits_worker_insert; Type: POLICY; Schema: public

CREATE POLICY account_limits_worker_insert ON public.account_limits FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: account_limits account_limits_worker_update; Type: POLICY; Schema: public

CREATE POLICY account_limits_worker_update ON public.account_limits FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: agent_token_keys; Type: ROW SECURITY; Schema: public

ALTER TABLE public.agent_token_keys ENABLE ROW LEVEL SECURITY;

-- Name: agent_token_keys agent_token_keys_definer; Type: POLICY; Schema: public

CREATE POLICY agent_token_keys_definer ON public.agent_token_keys TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: agent_tokens; Type: ROW SECURITY; Schema: public

ALTER TABLE public.agent_tokens ENABLE ROW LEVEL SECURITY;

-- Name: agent_tokens agent_tokens_admin_update; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_admin_update ON public.agent_tokens FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: agent_tokens agent_tokens_agent_insert; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_agent_insert ON public.agent_tokens FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('tokens:mint'::text) AS has_permission) AND (( SELECT tenancy.token_id() AS token_id) IS NULL) AND (permissions <@ ( SELECT tenancy.permissions() AS permissions)) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: agent_tokens agent_tokens_agent_select; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_agent_select ON public.agent_tokens FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['tokens:mint'::text]) AS has_any_permission) AND (api_key_id = ( SELECT tenancy.key_id() AS key_id))));

-- Name: agent_tokens agent_tokens_agent_update; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_agent_update ON public.agent_tokens FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['tokens:mint'::text]) AS has_any_permission) AND (api_key_id = ( SELECT tenancy.key_id() AS key_id)))) WITH CHECK ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['tokens:mint'::text]) AS has_any_permission) AND (api_key_id = ( SELECT tenancy.key_id() AS key_id))));

-- Name: agent_tokens agent_tokens_backup; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_backup ON public.agent_tokens FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: agent_tokens agent_tokens_definer; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_definer ON public.agent_tokens TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: agent_tokens agent_tokens_erase; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_erase ON public.agent_tokens FOR DELETE TO fanfare_definer USING (true);

-- Name: agent_tokens agent_tokens_erase_select; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_erase_select ON public.agent_tokens FOR SELECT TO fanfare_definer USING (true);

-- Name: agent_tokens agent_tokens_insert; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_insert ON public.agent_tokens FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: agent_tokens agent_tokens_select; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_select ON public.agent_tokens FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: agent_tokens agent_tokens_tenant; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_tenant ON public.agent_tokens AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: agent_tokens agent_tokens_update; Type: POLICY; Schema: public

CREATE POLICY agent_tokens_update ON public.agent_tokens FOR UPDATE TO fanfare_user USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: api_keys; Type: ROW SECURITY; Schema: public

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

-- Name: api_keys api_keys_admin_update; Type: POLICY; Schema: public

CREATE POLICY api_keys_admin_update ON public.api_keys FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: api_keys api_keys_backup; Type: POLICY; Schema: public

CREATE POLICY api_keys_backup ON public.api_keys FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: api_keys api_keys_definer; Type: POLICY; Schema: public

CREATE POLICY api_keys_definer ON public.api_keys TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: api_keys api_keys_erase; Type: POLICY; Schema: public

CREATE POLICY api_keys_erase ON public.api_keys FOR DELETE TO fanfare_definer USING (true);

-- Name: api_keys api_keys_erase_select; Type: POLICY; Schema: public

CREATE POLICY api_keys_erase_select ON public.api_keys FOR SELECT TO fanfare_definer USING (true);

-- Name: api_keys api_keys_insert; Type: POLICY; Schema: public

CREATE POLICY api_keys_insert ON public.api_keys FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: api_keys api_keys_select; Type: POLICY; Schema: public

CREATE POLICY api_keys_select ON public.api_keys FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: api_keys api_keys_tenant; Type: POLICY; Schema: public

CREATE POLICY api_keys_tenant ON public.api_keys AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: api_keys api_keys_update; Type: POLICY; Schema: public

CREATE POLICY api_keys_update ON public.api_keys FOR UPDATE TO fanfare_user USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK ((( SELECT tenancy.has_role('admin'::text) AS has_role) OR (revoked_at IS NOT NULL)));

-- Name: api_keys api_keys_worker; Type: POLICY; Schema: public

CREATE POLICY api_keys_worker ON public.api_keys FOR SELECT TO fanfare_worker USING (true);

-- Name: app_limits; Type: ROW SECURITY; Schema: public

ALTER TABLE public.app_limits ENABLE ROW LEVEL SECURITY;

-- Name: app_limits app_limits_worker; Type: POLICY; Schema: public

CREATE POLICY app_limits_worker ON public.app_limits TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: audit_log; Type: ROW SECURITY; Schema: public

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

-- Name: audit_log audit_log_backup; Type: POLICY; Schema: public

CREATE POLICY audit_log_backup ON public.audit_log FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: audit_log audit_log_definer_insert; Type: POLICY; Schema: public

CREATE POLICY audit_log_definer_insert ON public.audit_log FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: audit_log audit_log_definer_select; Type: POLICY; Schema: public

CREATE POLICY audit_log_definer_select ON public.audit_log FOR SELECT TO fanfare_definer USING (true);

-- Name: audit_log audit_log_erase; Type: POLICY; Schema: public

CREATE POLICY audit_log_erase ON public.audit_log FOR DELETE TO fanfare_definer USING ((customer_id = ( SELECT tenancy.erasing_id() AS erasing_id)));

-- Name: audit_log audit_log_erase_select; Type: POLICY; Schema: public

CREATE POLICY audit_log_erase_select ON public.audit_log FOR SELECT TO fanfare_definer USING (true);

-- Name: audit_log audit_log_select; Type: POLICY; Schema: public

CREATE POLICY audit_log_select ON public.audit_log FOR SELECT TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING (( SELECT tenancy.reads_audit() AS reads_audit));

-- Name: audit_log audit_log_tenant; Type: POLICY; Schema: public

CREATE POLICY audit_log_tenant ON public.audit_log AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.audit_customer_id() AS audit_customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.audit_customer_id() AS audit_customer_id)));

-- Name: audit_seals; Type: ROW SECURITY; Schema: public

ALTER TABLE public.audit_seals ENABLE ROW LEVEL SECURITY;

-- Name: audit_seals audit_seals_backup; Type: POLICY; Schema: public

CREATE POLICY audit_seals_backup ON public.audit_seals FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: audit_seals audit_seals_definer_insert; Type: POLICY; Schema: public

CREATE POLICY audit_seals_definer_insert ON public.audit_seals FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: audit_seals audit_seals_definer_select; Type: POLICY; Schema: public

CREATE POLICY audit_seals_definer_select ON public.audit_seals FOR SELECT TO fanfare_definer USING (true);

-- Name: audit_seals audit_seals_erase; Type: POLICY; Schema: public

CREATE POLICY audit_seals_erase ON public.audit_seals FOR DELETE TO fanfare_definer USING ((customer_id = ( SELECT tenancy.erasing_id() AS erasing_id)));

-- Name: audit_seals audit_seals_erase_select; Type: POLICY; Schema: public

CREATE POLICY audit_seals_erase_select ON public.audit_seals FOR SELECT TO fanfare_definer USING (true);

-- Name: audit_seals audit_seals_tenant; Type: POLICY; Schema: public

CREATE POLICY audit_seals_tenant ON public.audit_seals AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: audit_unsealed; Type: ROW SECURITY; Schema: public

ALTER TABLE public.audit_unsealed ENABLE ROW LEVEL SECURITY;

-- Name: audit_unsealed audit_unsealed_backup; Type: POLICY; Schema: public

CREATE POLICY audit_unsealed_backup ON public.audit_unsealed FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: audit_unsealed audit_unsealed_definer; Type: POLICY; Schema: public

CREATE POLICY audit_unsealed_definer ON public.audit_unsealed TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: audit_unsealed audit_unsealed_erase; Type: POLICY; Schema: public

CREATE POLICY audit_unsealed_erase ON public.audit_unsealed FOR DELETE TO fanfare_definer USING (true);

-- Name: audit_unsealed audit_unsealed_erase_select; Type: POLICY; Schema: public

CREATE POLICY audit_unsealed_erase_select ON public.audit_unsealed FOR SELECT TO fanfare_definer USING (true);

-- Name: audit_unsealed audit_unsealed_tenant; Type: POLICY; Schema: public

CREATE POLICY audit_unsealed_tenant ON public.audit_unsealed AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: authorizations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.authorizations ENABLE ROW LEVEL SECURITY;

-- Name: authorizations authorizations_admin_insert; Type: POLICY; Schema: public

CREATE POLICY authorizations_admin_insert ON public.authorizations FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: authorizations authorizations_admin_update; Type: POLICY; Schema: public

CREATE POLICY authorizations_admin_update ON public.authorizations FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: authorizations authorizations_agent_select; Type: POLICY; Schema: public

CREATE POLICY authorizations_agent_select ON public.authorizations FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission));

-- Name: authorizations authorizations_backup; Type: POLICY; Schema: public

CREATE POLICY authorizations_backup ON public.authorizations FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: authorizations authorizations_definer_select; Type: POLICY; Schema: public

CREATE POLICY authorizations_definer_select ON public.authorizations FOR SELECT TO fanfare_definer USING (true);

-- Name: authorizations authorizations_definer_update; Type: POLICY; Schema: public

CREATE POLICY authorizations_definer_update ON public.authorizations FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: authorizations authorizations_erase; Type: POLICY; Schema: public

CREATE POLICY authorizations_erase ON public.authorizations FOR DELETE TO fanfare_definer USING (true);

-- Name: authorizations authorizations_insert; Type: POLICY; Schema: public

CREATE POLICY authorizations_insert ON public.authorizations FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: authorizations authorizations_select; Type: POLICY; Schema: public

CREATE POLICY authorizations_select ON public.authorizations FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: authorizations authorizations_tenant; Type: POLICY; Schema: public

CREATE POLICY authorizations_tenant ON public.authorizations AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: authorizations authorizations_update; Type: POLICY; Schema: public

CREATE POLICY authorizations_update ON public.authorizations FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: authorizations authorizations_worker_update; Type: POLICY; Schema: public

CREATE POLICY authorizations_worker_update ON public.authorizations FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: backup_status; Type: ROW SECURITY; Schema: public

ALTER TABLE public.backup_status ENABLE ROW LEVEL SECURITY;

-- Name: backup_status backup_status_backup; Type: POLICY; Schema: public

CREATE POLICY backup_status_backup ON public.backup_status FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: backup_status backup_status_definer; Type: POLICY; Schema: public

CREATE POLICY backup_status_definer ON public.backup_status TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: backup_status backup_status_insert; Type: POLICY; Schema: public

CREATE POLICY backup_status_insert ON public.backup_status FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: backup_status backup_status_select; Type: POLICY; Schema: public

CREATE POLICY backup_status_select ON public.backup_status FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.permit_backups() AS permit_backups));

-- Name: backup_status backup_status_tenant; Type: POLICY; Schema: public

CREATE POLICY backup_status_tenant ON public.backup_status AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: backup_status backup_status_worker_select; Type: POLICY; Schema: public

CREATE POLICY backup_status_worker_select ON public.backup_status FOR SELECT TO fanfare_worker USING (true);

-- Name: backup_status backup_status_worker_update; Type: POLICY; Schema: public

CREATE POLICY backup_status_worker_update ON public.backup_status FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: backups; Type: ROW SECURITY; Schema: public

ALTER TABLE public.backups ENABLE ROW LEVEL SECURITY;

-- Name: backups backups_admin_insert; Type: POLICY; Schema: public

CREATE POLICY backups_admin_insert ON public.backups FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.administers() AS administers));

-- Name: backups backups_backup; Type: POLICY; Schema: public

CREATE POLICY backups_backup ON public.backups FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: backups backups_definer; Type: POLICY; Schema: public

CREATE POLICY backups_definer ON public.backups TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: backups backups_insert; Type: POLICY; Schema: public

CREATE POLICY backups_insert ON public.backups FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.permit_backups() AS permit_backups));

-- Name: backups backups_select; Type: POLICY; Schema: public

CREATE POLICY backups_select ON public.backups FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.permit_backups() AS permit_backups));

-- Name: backups backups_tenant; Type: POLICY; Schema: public

CREATE POLICY backups_tenant ON public.backups AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: backups backups_worker_delete; Type: POLICY; Schema: public

CREATE POLICY backups_worker_delete ON public.backups FOR DELETE TO fanfare_worker USING ((state <> 'ready'::text));

-- Name: backups backups_worker_select; Type: POLICY; Schema: public

CREATE POLICY backups_worker_select ON public.backups FOR SELECT TO fanfare_worker USING (true);

-- Name: backups backups_worker_update; Type: POLICY; Schema: public

CREATE POLICY backups_worker_update ON public.backups FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: bots; Type: ROW SECURITY; Schema: public

ALTER TABLE public.bots ENABLE ROW LEVEL SECURITY;

-- Name: bots bots_admin_delete; Type: POLICY; Schema: public

CREATE POLICY bots_admin_delete ON public.bots FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: bots bots_admin_insert; Type: POLICY; Schema: public

CREATE POLICY bots_admin_insert ON public.bots FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: bots bots_admin_update; Type: POLICY; Schema: public

CREATE POLICY bots_admin_update ON public.bots FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: bots bots_agent_select; Type: POLICY; Schema: public

CREATE POLICY bots_agent_select ON public.bots FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['spaces:read'::text, 'spaces:pair'::text]) AS has_any_permission));

-- Name: bots bots_backup; Type: POLICY; Schema: public

CREATE POLICY bots_backup ON public.bots FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: bots bots_definer; Type: POLICY; Schema: public

CREATE POLICY bots_definer ON public.bots FOR SELECT TO fanfare_definer USING (true);

-- Name: bots bots_definer_update; Type: POLICY; Schema: public

CREATE POLICY bots_definer_update ON public.bots FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: bots bots_delete; Type: POLICY; Schema: public

CREATE POLICY bots_delete ON public.bots FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: bots bots_erase; Type: POLICY; Schema: public

CREATE POLICY bots_erase ON public.bots FOR DELETE TO fanfare_definer USING (true);

-- Name: bots bots_insert; Type: POLICY; Schema: public

CREATE POLICY bots_insert ON public.bots FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: bots bots_select; Type: POLICY; Schema: public

CREATE POLICY bots_select ON public.bots FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: bots bots_tenant; Type: POLICY; Schema: public

CREATE POLICY bots_tenant ON public.bots AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: bots bots_update; Type: POLICY; Schema: public

CREATE POLICY bots_update ON public.bots FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: bots bots_worker_select; Type: POLICY; Schema: public

CREATE POLICY bots_worker_select ON public.bots FOR SELECT TO fanfare_worker USING (true);

-- Name: bots bots_worker_update; Type: POLICY; Schema: public

CREATE POLICY bots_worker_update ON public.bots FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: caller_rate_limits; Type: ROW SECURITY; Schema: public

ALTER TABLE public.caller_rate_limits ENABLE ROW LEVEL SECURITY;

-- Name: caller_rate_limits caller_rate_limits_definer; Type: POLICY; Schema: public

CREATE POLICY caller_rate_limits_definer ON public.caller_rate_limits TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: campaigns; Type: ROW SECURITY; Schema: public

ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY;

-- Name: campaigns campaigns_admin_delete; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_delete ON public.campaigns FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_admin_insert; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_insert ON public.campaigns FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_admin_update; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_update ON public.campaigns FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_agent_delete; Type: POLICY; Schema: public

CREATE POLICY campaigns_agent_delete ON public.campaigns FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('campaigns:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: campaigns campaigns_agent_insert; Type: POLICY; Schema: public

CREATE POLICY campaigns_agent_insert ON public.campaigns FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('campaigns:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: campaigns campaigns_agent_select; Type: POLICY; Schema: public

CREATE POLICY campaigns_agent_select ON public.campaigns FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['campaigns:read'::text, 'campaigns:write'::text]) AS has_any_permission));

-- Name: campaigns campaigns_agent_update; Type: POLICY; Schema: public

CREATE POLICY campaigns_agent_update ON public.campaigns FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('campaigns:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL))) WITH CHECK ((( SELECT tenancy.has_permission('campaigns:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: campaigns campaigns_backup; Type: POLICY; Schema: public

CREATE POLICY campaigns_backup ON public.campaigns FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: campaigns campaigns_delete; Type: POLICY; Schema: public

CREATE POLICY campaigns_delete ON public.campaigns FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: campaigns campaigns_erase; Type: POLICY; Schema: public

CREATE POLICY campaigns_erase ON public.campaigns FOR DELETE TO fanfare_definer USING (true);

-- Name: campaigns campaigns_erase_select; Type: POLICY; Schema: public

CREATE POLICY campaigns_erase_select ON public.campaigns FOR SELECT TO fanfare_definer USING (true);

-- Name: campaigns campaigns_insert; Type: POLICY; Schema: public

CREATE POLICY campaigns_insert ON public.campaigns FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: campaigns campaigns_select; Type: POLICY; Schema: public

CREATE POLICY campaigns_select ON public.campaigns FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: campaigns campaigns_tenant; Type: POLICY; Schema: public

CREATE POLICY campaigns_tenant ON public.campaigns AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: campaigns campaigns_update; Type: POLICY; Schema: public

CREATE POLICY campaigns_update ON public.campaigns FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: campaigns campaigns_worker; Type: POLICY; Schema: public

CREATE POLICY campaigns_worker ON public.campaigns FOR SELECT TO fanfare_worker USING (true);

-- Name: chat_identities; Type: ROW SECURITY; Schema: public

ALTER TABLE public.chat_identities ENABLE ROW LEVEL SECURITY;

-- Name: chat_identities chat_identities_admin_delete; Type: POLICY; Schema: public

CREATE POLICY chat_identities_admin_delete ON public.chat_identities FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: chat_identities chat_identities_backup; Type: POLICY; Schema: public

CREATE POLICY chat_identities_backup ON public.chat_identities FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: chat_identities chat_identities_definer; Type: POLICY; Schema: public

CREATE POLICY chat_identities_definer ON public.chat_identities FOR SELECT TO fanfare_definer USING (true);

-- Name: chat_identities chat_identities_delete; Type: POLICY; Schema: public

CREATE POLICY chat_identities_delete ON public.chat_identities FOR DELETE TO fanfare_user USING ((( SELECT tenancy.reads_as_admin() AS reads_as_admin) OR (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: chat_identities chat_identities_erase; Type: POLICY; Schema: public

CREATE POLICY chat_identities_erase ON public.chat_identities FOR DELETE TO fanfare_definer USING (true);

-- Name: chat_identities chat_identities_select; Type: POLICY; Schema: public

CREATE POLICY chat_identities_select ON public.chat_identities FOR SELECT TO fanfare_user, fanfare_admin USING ((( SELECT tenancy.reads_as_admin() AS reads_as_admin) OR (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: chat_identities chat_identities_tenant; Type: POLICY; Schema: public

CREATE POLICY chat_identities_tenant ON public.chat_identities AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: chat_identities chat_identities_worker; Type: POLICY; Schema: public

CREATE POLICY chat_identities_worker ON public.chat_identities TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: chat_outbox; Type: ROW SECURITY; Schema: public

ALTER TABLE public.chat_outbox ENABLE ROW LEVEL SECURITY;

-- Name: chat_outbox chat_outbox_definer; Type: POLICY; Schema: public

CREATE POLICY chat_outbox_definer ON public.chat_outbox TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: chat_outbox chat_outbox_worker; Type: POLICY; Schema: public

CREATE POLICY chat_outbox_worker ON public.chat_outbox TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: chat_polls; Type: ROW SECURITY; Schema: public

ALTER TABLE public.chat_polls ENABLE ROW LEVEL SECURITY;

-- Name: chat_polls chat_polls_definer; Type: POLICY; Schema: public

CREATE POLICY chat_polls_definer ON public.chat_polls TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: chat_polls chat_polls_worker; Type: POLICY; Schema: public

CREATE POLICY chat_polls_worker ON public.chat_polls TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: chat_updates; Type: ROW SECURITY; Schema: public

ALTER TABLE public.chat_updates ENABLE ROW LEVEL SECURITY;

-- Name: chat_updates chat_updates_definer; Type: POLICY; Schema: public

CREATE POLICY chat_updates_definer ON public.chat_updates TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: chat_updates chat_updates_worker; Type: POLICY; Schema: public

CREATE POLICY chat_updates_worker ON public.chat_updates TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: connect_sessions; Type: ROW SECURITY; Schema: public

ALTER TABLE public.connect_sessions ENABLE ROW LEVEL SECURITY;

-- Name: connect_sessions connect_sessions_admin_insert; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_admin_insert ON public.connect_sessions FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: connect_sessions connect_sessions_admin_update; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_admin_update ON public.connect_sessions FOR UPDATE TO fanfare_admin USING ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (user_id = ( SELECT tenancy.user_id() AS user_id)))) WITH CHECK ((user_id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: connect_sessions connect_sessions_backup; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_backup ON public.connect_sessions FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: connect_sessions connect_sessions_definer; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_definer ON public.connect_sessions TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: connect_sessions connect_sessions_insert; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_insert ON public.connect_sessions FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('admin'::text) AS has_role) AND (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: connect_sessions connect_sessions_mcp_insert; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_mcp_insert ON public.connect_sessions FOR INSERT TO fanfare_user WITH CHECK (((platform = 'mcp'::text) AND (user_id = ( SELECT tenancy.user_id() AS user_id)) AND ( SELECT tenancy.has_role('member'::text) AS has_role) AND (person IS NOT NULL)));

-- Name: connect_sessions connect_sessions_mcp_update; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_mcp_update ON public.connect_sessions FOR UPDATE TO fanfare_user USING (((platform = 'mcp'::text) AND (user_id = ( SELECT tenancy.user_id() AS user_id)) AND ( SELECT tenancy.has_role('member'::text) AS has_role))) WITH CHECK (((platform = 'mcp'::text) AND (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: connect_sessions connect_sessions_select; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_select ON public.connect_sessions FOR SELECT TO fanfare_user, fanfare_admin USING ((user_id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: connect_sessions connect_sessions_tenant; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_tenant ON public.connect_sessions AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: connect_sessions connect_sessions_update; Type: POLICY; Schema: public

CREATE POLICY connect_sessions_update ON public.connect_sessions FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('admin'::text) AS has_role) AND (user_id = ( SELECT tenancy.user_id() AS user_id)))) WITH CHECK ((user_id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: credential_moves; Type: ROW SECURITY; Schema: public

ALTER TABLE public.credential_moves ENABLE ROW LEVEL SECURITY;

-- Name: credential_moves credential_moves_backup; Type: POLICY; Schema: public

CREATE POLICY credential_moves_backup ON public.credential_moves FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: credential_moves credential_moves_definer; Type: POLICY; Schema: public

CREATE POLICY credential_moves_definer ON public.credential_moves TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: credential_moves credential_moves_tenant; Type: POLICY; Schema: public

CREATE POLICY credential_moves_tenant ON public.credential_moves AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: credentials; Type: ROW SECURITY; Schema: public

ALTER TABLE public.credentials ENABLE ROW LEVEL SECURITY;

-- Name: credentials credentials_admin_insert; Type: POLICY; Schema: public

CREATE POLICY credentials_admin_insert ON public.credentials FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (person IS NULL)));

-- Name: credentials credentials_admin_select; Type: POLICY; Schema: public

CREATE POLICY credentials_admin_select ON public.credentials FOR SELECT TO fanfare_admin USING (((person IS NULL) OR (shared_at IS NOT NULL)));

-- Name: credentials credentials_admin_update; Type: POLICY; Schema: public

CREATE POLICY credentials_admin_update ON public.credentials FOR UPDATE TO fanfare_admin USING ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (person IS NULL))) WITH CHECK ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (person IS NULL)));

-- Name: credentials credentials_agent_insert; Type: POLICY; Schema: public

CREATE POLICY credentials_agent_insert ON public.credentials FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('credentials:write'::text) AS has_permission) AND (space_id = ( SELECT tenancy.space_id() AS space_id)) AND (person = ( SELECT tenancy.person() AS person))));

-- Name: credentials credentials_agent_select; Type: POLICY; Schema: public

CREATE POLICY credentials_agent_select ON public.credentials FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['spaces:read'::text, 'credentials:write'::text]) AS has_any_permission) AND
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NULL) THEN (person IS NULL)
    ELSE ((space_id = ( SELECT tenancy.space_id() AS space_id)) AND ((person IS NULL) OR (person = ( SELECT tenancy.person() AS person)) OR ((shared_at IS NOT NULL) AND ((person !~~ 'agent:%'::text) OR (( SELECT tenancy.token_id() AS token_id) IS NOT NULL)))))
END));

-- Name: credentials credentials_agent_update; Type: POLICY; Schema: public

CREATE POLICY credentials_agent_update ON public.credentials FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['spaces:read'::text, 'credentials:write'::text]) AS has_any_permission) AND (space_id = ( SELECT tenancy.space_id() AS space_id)) AND (person = ( SELECT tenancy.person() AS person)))) WITH CHECK (((space_id = ( SELECT tenancy.space_id() AS space_id)) AND (person = ( SELECT tenancy.person() AS person))));

-- Name: credentials credentials_backup; Type: POLICY; Schema: public

CREATE POLICY credentials_backup ON public.credentials FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: credentials credentials_definer; Type: POLICY; Schema: public

CREATE POLICY credentials_definer ON public.credentials TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: credentials credentials_insert; Type: POLICY; Schema: public

CREATE POLICY credentials_insert ON public.credentials FOR INSERT TO fanfare_user WITH CHECK (
CASE
    WHEN (person IS NULL) THEN ( SELECT tenancy.has_role('admin'::text) AS has_role)
    ELSE (( SELECT tenancy.has_role('member'::text) AS has_role) AND ((((space_id)::text || ' '::text) || person) = ANY (( SELECT tenancy.own_places() AS own_places)::text[])))
END);

-- Name: credentials credentials_select; Type: POLICY; Schema: public

CREATE POLICY credentials_select ON public.credentials FOR SELECT TO fanfare_user USING (((person IS NULL) OR ((((space_id)::text || ' '::text) || person) = ANY (( SELECT tenancy.own_places() AS own_places)::text[])) OR ((shared_at IS NOT NULL) AND ( SELECT tenancy.reads_as_admin() AS reads_as_admin))));

-- Name: credentials credentials_tenant; Type: POLICY; Schema: public

CREATE POLICY credentials_tenant ON public.credentials AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: credentials credentials_update; Type: POLICY; Schema: public

CREATE POLICY credentials_update ON public.credentials FOR UPDATE TO fanfare_user USING (
CASE
    WHEN (person IS NULL) THEN ( SELECT tenancy.has_role('admin'::text) AS has_role)
    ELSE ((((space_id)::text || ' '::text) || person) = ANY (( SELECT tenancy.own_places() AS own_places)::text[]))
END) WITH CHECK (
CASE
    WHEN (person IS NULL) THEN ( SELECT tenancy.has_role('admin'::text) AS has_role)
    ELSE ((((space_id)::text || ' '::text) || person) = ANY (( SELECT tenancy.own_places() AS own_places)::text[]))
END);

-- Name: credentials credentials_worker; Type: POLICY; Schema: public

CREATE POLICY credentials_worker ON public.credentials TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: customers; Type: ROW SECURITY; Schema: public

ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;

-- Name: customers customers_admin_select; Type: POLICY; Schema: public

CREATE POLICY customers_admin_select ON public.customers FOR SELECT TO fanfare_admin USING (((erasing_at IS NULL) AND ( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role)));

-- Name: customers customers_admin_update; Type: POLICY; Schema: public

CREATE POLICY customers_admin_update ON public.customers FOR UPDATE TO fanfare_admin USING ((( SELECT tenancy.administers() AS administers) AND (id = ( SELECT tenancy.customer_id() AS customer_id)))) WITH CHECK (true);

-- Name: customers customers_agent_select; Type: POLICY; Schema: public

CREATE POLICY customers_agent_select ON public.customers FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: customers customers_backup; Type: POLICY; Schema: public

CREATE POLICY customers_backup ON public.customers FOR SELECT TO fanfare_backup USING (((id = ( SELECT tenancy.customer_id() AS customer_id)) AND (erasing_at IS NULL)));

-- Name: customers customers_definer; Type: POLICY; Schema: public

CREATE POLICY customers_definer ON public.customers TO fanfare_definer USING (((erasing_at IS NULL) OR (id = ( SELECT (NULLIF(current_setting('fanfare.erasing'::text, true), ''::text))::uuid AS "nullif")))) WITH CHECK (true);

-- Name: customers customers_select; Type: POLICY; Schema: public

CREATE POLICY customers_select ON public.customers FOR SELECT TO fanfare_user USING ((erasing_at IS NULL));

-- Name: customers customers_tenant; Type: POLICY; Schema: public

CREATE POLICY customers_tenant ON public.customers AS RESTRICTIVE TO fanfare_user, fanfare_agent USING ((id = ANY (( SELECT tenancy.customer_ids() AS customer_ids)::uuid[])));

-- Name: customers customers_update; Type: POLICY; Schema: public

CREATE POLICY customers_update ON public.customers FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('admin'::text) AS has_role) OR (( SELECT tenancy.member_role() AS member_role) = 'owner'::text))) WITH CHECK (true);

-- Name: customers customers_worker; Type: POLICY; Schema: public

CREATE POLICY customers_worker ON public.customers FOR SELECT TO fanfare_worker USING ((id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: drills; Type: ROW SECURITY; Schema: public

ALTER TABLE public.drills ENABLE ROW LEVEL SECURITY;

-- Name: drills drills_backup; Type: POLICY; Schema: public

CREATE POLICY drills_backup ON public.drills FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: drills drills_definer; Type: POLICY; Schema: public

CREATE POLICY drills_definer ON public.drills TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: drills drills_insert; Type: POLICY; Schema: public

CREATE POLICY drills_insert ON public.drills FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: drills drills_select; Type: POLICY; Schema: public

CREATE POLICY drills_select ON public.drills FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.permit_backups() AS permit_backups));

-- Name: drills drills_tenant; Type: POLICY; Schema: public

CREATE POLICY drills_tenant ON public.drills AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: drills drills_worker_select; Type: POLICY; Schema: public

CREATE POLICY drills_worker_select ON public.drills FOR SELECT TO fanfare_worker USING (true);

-- Name: drills drills_worker_update; Type: POLICY; Schema: public

CREATE POLICY drills_worker_update ON public.drills FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: email_templates; Type: ROW SECURITY; Schema: public

ALTER TABLE public.email_templates ENABLE ROW LEVEL SECURITY;

-- Name: email_templates email_templates_admin_delete; Type: POLICY; Schema: public

CREATE POLICY email_templates_admin_delete ON public.email_templates FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: email_templates email_templates_admin_insert; Type: POLICY; Schema: public

CREATE POLICY email_templates_admin_insert ON public.email_templates FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: email_templates email_templates_admin_update; Type: POLICY; Schema: public

CREATE POLICY email_templates_admin_update ON public.email_templates FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: email_templates email_templates_agent_delete; Type: POLICY; Schema: public

CREATE POLICY email_templates_agent_delete ON public.email_templates FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: email_templates email_templates_agent_insert; Type: POLICY; Schema: public

CREATE POLICY email_templates_agent_insert ON public.email_templates FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: email_templates email_templates_agent_select; Type: POLICY; Schema: public

CREATE POLICY email_templates_agent_select ON public.email_templates FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission));

-- Name: email_templates email_templates_agent_update; Type: POLICY; Schema: public

CREATE POLICY email_templates_agent_update ON public.email_templates FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL))) WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: email_templates email_templates_backup; Type: POLICY; Schema: public

CREATE POLICY email_templates_backup ON public.email_templates FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: email_templates email_templates_delete; Type: POLICY; Schema: public

CREATE POLICY email_templates_delete ON public.email_templates FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: email_templates email_templates_erase; Type: POLICY; Schema: public

CREATE POLICY email_templates_erase ON public.email_templates FOR DELETE TO fanfare_definer USING (true);

-- Name: email_templates email_templates_erase_select; Type: POLICY; Schema: public

CREATE POLICY email_templates_erase_select ON public.email_templates FOR SELECT TO fanfare_definer USING (true);

-- Name: email_templates email_templates_insert; Type: POLICY; Schema: public

CREATE POLICY email_templates_insert ON public.email_templates FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: email_templates email_templates_select; Type: POLICY; Schema: public

CREATE POLICY email_templates_select ON public.email_templates FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: email_templates email_templates_tenant; Type: POLICY; Schema: public

CREATE POLICY email_templates_tenant ON public.email_templates AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: email_templates email_templates_update; Type: POLICY; Schema: public

CREATE POLICY email_templates_update ON public.email_templates FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: erasures; Type: ROW SECURITY; Schema: public

ALTER TABLE public.erasures ENABLE ROW LEVEL SECURITY;

-- Name: erasures erasures_admin; Type: POLICY; Schema: public

CREATE POLICY erasures_admin ON public.erasures FOR SELECT TO fanfare_admin USING (( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role));

-- Name: erasures erasures_definer; Type: POLICY; Schema: public

CREATE POLICY erasures_definer ON public.erasures TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: erasures erasures_own; Type: POLICY; Schema: public

CREATE POLICY erasures_own ON public.erasures FOR SELECT TO fanfare_user, fanfare_admin USING ((requested_by = ( SELECT tenancy.user_id() AS user_id)));

-- Name: erasures erasures_worker; Type: POLICY; Schema: public

CREATE POLICY erasures_worker ON public.erasures FOR SELECT TO fanfare_worker USING (true);

-- Name: erasures erasures_worker_update; Type: POLICY; Schema: public

CREATE POLICY erasures_worker_update ON public.erasures FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: exports; Type: ROW SECURITY; Schema: public

ALTER TABLE public.exports ENABLE ROW LEVEL SECURITY;

-- Name: exports exports_admin_delete; Type: POLICY; Schema: public

CREATE POLICY exports_admin_delete ON public.exports FOR DELETE TO fanfare_admin USING ((( SELECT tenancy.permit_exports() AS permit_exports) AND ( SELECT tenancy.reason_given() AS reason_given)));

-- Name: exports exports_admin_insert; Type: POLICY; Schema: public

CREATE POLICY exports_admin_insert ON public.exports FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.permit_exports() AS permit_exports) AND ( SELECT tenancy.reason_given() AS reason_given)));

-- Name: exports exports_admin_update; Type: POLICY; Schema: public

CREATE POLICY exports_admin_update ON public.exports FOR UPDATE TO fanfare_admin USING ((( SELECT tenancy.permit_exports() AS permit_exports) AND ( SELECT tenancy.reason_given() AS reason_given))) WITH CHECK ((( SELECT tenancy.permit_exports() AS permit_exports) AND (expires_at <= ( SELECT now() AS now))));

-- Name: exports exports_backup; Type: POLICY; Schema: public

CREATE POLICY exports_backup ON public.exports FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: exports exports_definer; Type: POLICY; Schema: public

CREATE POLICY exports_definer ON public.exports FOR SELECT TO fanfare_definer USING (true);

-- Name: exports exports_delete; Type: POLICY; Schema: public

CREATE POLICY exports_delete ON public.exports FOR DELETE TO fanfare_user USING (( SELECT tenancy.permit_exports() AS permit_exports));

-- Name: exports exports_erase; Type: POLICY; Schema: public

CREATE POLICY exports_erase ON public.exports FOR DELETE TO fanfare_definer USING (true);

-- Name: exports exports_erase_select; Type: POLICY; Schema: public

CREATE POLICY exports_erase_select ON public.exports FOR SELECT TO fanfare_definer USING (true);

-- Name: exports exports_insert; Type: POLICY; Schema: public

CREATE POLICY exports_insert ON public.exports FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.permit_exports() AS permit_exports));

-- Name: exports exports_select; Type: POLICY; Schema: public

CREATE POLICY exports_select ON public.exports FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.permit_exports() AS permit_exports));

-- Name: exports exports_tenant; Type: POLICY; Schema: public

CREATE POLICY exports_tenant ON public.exports AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: exports exports_update; Type: POLICY; Schema: public

CREATE POLICY exports_update ON public.exports FOR UPDATE TO fanfare_user USING (( SELECT tenancy.permit_exports() AS permit_exports)) WITH CHECK ((( SELECT tenancy.permit_exports() AS permit_exports) AND (expires_at <= ( SELECT now() AS now))));

-- Name: exports exports_worker_select; Type: POLICY; Schema: public

CREATE POLICY exports_worker_select ON public.exports FOR SELECT TO fanfare_worker USING (true);

-- Name: exports exports_worker_update; Type: POLICY; Schema: public

CREATE POLICY exports_worker_update ON public.exports FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: file_changes; Type: ROW SECURITY; Schema: public

ALTER TABLE public.file_changes ENABLE ROW LEVEL SECURITY;

-- Name: file_changes file_changes_backup; Type: POLICY; Schema: public

CREATE POLICY file_changes_backup ON public.file_changes FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: file_changes file_changes_definer; Type: POLICY; Schema: public

CREATE POLICY file_changes_definer ON public.file_changes TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: file_changes file_changes_tenant; Type: POLICY; Schema: public

CREATE POLICY file_changes_tenant ON public.file_changes AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: file_changes file_changes_worker; Type: POLICY; Schema: public

CREATE POLICY file_changes_worker ON public.file_changes FOR SELECT TO fanfare_worker USING (true);

-- Name: file_changes file_changes_worker_delete; Type: POLICY; Schema: public

CREATE POLICY file_changes_worker_delete ON public.file_changes FOR DELETE TO fanfare_worker USING (true);

-- Name: idempotency_keys; Type: ROW SECURITY; Schema: public

ALTER TABLE public.idempotency_keys ENABLE ROW LEVEL SECURITY;

-- Name: idempotency_keys idempotency_keys_definer; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_definer ON public.idempotency_keys TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: idempotency_keys idempotency_keys_erase; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_erase ON public.idempotency_keys FOR DELETE TO fanfare_definer USING (true);

-- Name: idempotency_keys idempotency_keys_erase_select; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_erase_select ON public.idempotency_keys FOR SELECT TO fanfare_definer USING (true);

-- Name: idempotency_keys idempotency_keys_insert; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_insert ON public.idempotency_keys FOR INSERT TO fanfare_user, fanfare_agent, fanfare_admin WITH CHECK ((actor_id = ( SELECT tenancy.actor_id() AS actor_id)));

-- Name: idempotency_keys idempotency_keys_select; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_select ON public.idempotency_keys FOR SELECT TO fanfare_user, fanfare_agent, fanfare_admin USING ((actor_id = ( SELECT tenancy.actor_id() AS actor_id)));

-- Name: idempotency_keys idempotency_keys_update; Type: POLICY; Schema: public

CREATE POLICY idempotency_keys_update ON public.idempotency_keys FOR UPDATE TO fanfare_user, fanfare_agent, fanfare_admin USING ((actor_id = ( SELECT tenancy.actor_id() AS actor_id))) WITH CHECK ((actor_id = ( SELECT tenancy.actor_id() AS actor_id)));

-- Name: integrations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.integrations ENABLE ROW LEVEL SECURITY;

-- Name: integrations integrations_admin_insert; Type: POLICY; Schema: public

CREATE POLICY integrations_admin_insert ON public.integrations FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: integrations integrations_admin_update; Type: POLICY; Schema: public

CREATE POLICY integrations_admin_update ON public.integrations FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: integrations integrations_agent_select; Type: POLICY; Schema: public

CREATE POLICY integrations_agent_select ON public.integrations FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission));

-- Name: integrations integrations_backup; Type: POLICY; Schema: public

CREATE POLICY integrations_backup ON public.integrations FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: integrations integrations_definer; Type: POLICY; Schema: public

CREATE POLICY integrations_definer ON public.integrations FOR SELECT TO fanfare_definer USING (true);

-- Name: integrations integrations_definer_insert; Type: POLICY; Schema: public

CREATE POLICY integrations_definer_insert ON public.integrations FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: integrations integrations_definer_update; Type: POLICY; Schema: public

CREATE POLICY integrations_definer_update ON public.integrations FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: integrations integrations_erase; Type: POLICY; Schema: public

CREATE POLICY integrations_erase ON public.integrations FOR DELETE TO fanfare_definer USING (true);

-- Name: integrations integrations_erase_select; Type: POLICY; Schema: public

CREATE POLICY integrations_erase_select ON public.integrations FOR SELECT TO fanfare_definer USING (true);

-- Name: integrations integrations_insert; Type: POLICY; Schema: public

CREATE POLICY integrations_insert ON public.integrations FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: integrations integrations_select; Type: POLICY; Schema: public

CREATE POLICY integrations_select ON public.integrations FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: integrations integrations_tenant; Type: POLICY; Schema: public

CREATE POLICY integrations_tenant ON public.integrations AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: integrations integrations_update; Type: POLICY; Schema: public

CREATE POLICY integrations_update ON public.integrations FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: integrations integrations_worker_update; Type: POLICY; Schema: public

CREATE POLICY integrations_worker_update ON public.integrations FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: invitations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.invitations ENABLE ROW LEVEL SECURITY;

-- Name: invitations invitations_admin_insert; Type: POLICY; Schema: public

CREATE POLICY invitations_admin_insert ON public.invitations FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: invitations invitations_admin_select; Type: POLICY; Schema: public

CREATE POLICY invitations_admin_select ON public.invitations FOR SELECT TO fanfare_admin USING (( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role));

-- Name: invitations invitations_admin_update; Type: POLICY; Schema: public

CREATE POLICY invitations_admin_update ON public.invitations FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: invitations invitations_backup; Type: POLICY; Schema: public

CREATE POLICY invitations_backup ON public.invitations FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: invitations invitations_definer_select; Type: POLICY; Schema: public

CREATE POLICY invitations_definer_select ON public.invitations FOR SELECT TO fanfare_definer USING (true);

-- Name: invitations invitations_definer_update; Type: POLICY; Schema: public

CREATE POLICY invitations_definer_update ON public.invitations FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: invitations invitations_erase; Type: POLICY; Schema: public

CREATE POLICY invitations_erase ON public.invitations FOR DELETE TO fanfare_definer USING (true);

-- Name: invitations invitations_erase_select; Type: POLICY; Schema: public

CREATE POLICY invitations_erase_select ON public.invitations FOR SELECT TO fanfare_definer USING (true);

-- Name: invitations invitations_insert; Type: POLICY; Schema: public

CREATE POLICY invitations_insert ON public.invitations FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text))));

-- Name: invitations invitations_select; Type: POLICY; Schema: public

CREATE POLICY invitations_select ON public.invitations FOR SELECT TO fanfare_user USING ((( SELECT tenancy.member_role() AS member_role) = ANY (ARRAY['owner'::text, 'admin'::text])));

-- Name: invitations invitations_tenant; Type: POLICY; Schema: public

CREATE POLICY invitations_tenant ON public.invitations AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: invitations invitations_update; Type: POLICY; Schema: public

CREATE POLICY invitations_update ON public.invitations FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND ((role <> 'owner'::text) OR (expires_at <= ( SELECT now() AS now)))))) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: invitations invitations_worker_select; Type: POLICY; Schema: public

CREATE POLICY invitations_worker_select ON public.invitations FOR SELECT TO fanfare_worker USING (true);

-- Name: invitations invitations_worker_update; Type: POLICY; Schema: public

CREATE POLICY invitations_worker_update ON public.invitations FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: llm_budgets; Type: ROW SECURITY; Schema: public

ALTER TABLE public.llm_budgets ENABLE ROW LEVEL SECURITY;

-- Name: llm_budgets llm_budgets_admin_delete; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_admin_delete ON public.llm_budgets FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: llm_budgets llm_budgets_admin_insert; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_admin_insert ON public.llm_budgets FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: llm_budgets llm_budgets_admin_update; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_admin_update ON public.llm_budgets FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: llm_budgets llm_budgets_agent_select; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_agent_select ON public.llm_budgets FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: llm_budgets llm_budgets_backup; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_backup ON public.llm_budgets FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: llm_budgets llm_budgets_erase; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_erase ON public.llm_budgets FOR DELETE TO fanfare_definer USING (true);

-- Name: llm_budgets llm_budgets_erase_select; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_erase_select ON public.llm_budgets FOR SELECT TO fanfare_definer USING (true);

-- Name: llm_budgets llm_budgets_select; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_select ON public.llm_budgets FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: llm_budgets llm_budgets_tenant; Type: POLICY; Schema: public

CREATE POLICY llm_budgets_tenant ON public.llm_budgets AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: llm_months; Type: ROW SECURITY; Schema: public

ALTER TABLE public.llm_months ENABLE ROW LEVEL SECURITY;

-- Name: llm_months llm_months_agent_select; Type: POLICY; Schema: public

CREATE POLICY llm_months_agent_select ON public.llm_months FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: llm_months llm_months_backup; Type: POLICY; Schema: public

CREATE POLICY llm_months_backup ON public.llm_months FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: llm_months llm_months_definer; Type: POLICY; Schema: public

CREATE POLICY llm_months_definer ON public.llm_months TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: llm_months llm_months_select; Type: POLICY; Schema: public

CREATE POLICY llm_months_select ON public.llm_months FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: llm_months llm_months_tenant; Type: POLICY; Schema: public

CREATE POLICY llm_months_tenant ON public.llm_months AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: llm_reservations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.llm_reservations ENABLE ROW LEVEL SECURITY;

-- Name: llm_reservations llm_reservations_backup; Type: POLICY; Schema: public

CREATE POLICY llm_reservations_backup ON public.llm_reservations FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: llm_reservations llm_reservations_definer; Type: POLICY; Schema: public

CREATE POLICY llm_reservations_definer ON public.llm_reservations TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: llm_reservations llm_reservations_tenant; Type: POLICY; Schema: public

CREATE POLICY llm_reservations_tenant ON public.llm_reservations AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: login_revocations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.login_revocations ENABLE ROW LEVEL SECURITY;

-- Name: login_revocations login_revocations_definer; Type: POLICY; Schema: public

CREATE POLICY login_revocations_definer ON public.login_revocations TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: mcp_servers; Type: ROW SECURITY; Schema: public

ALTER TABLE public.mcp_servers ENABLE ROW LEVEL SECURITY;

-- Name: mcp_servers mcp_servers_admin_delete; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_admin_delete ON public.mcp_servers FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: mcp_servers mcp_servers_admin_insert; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_admin_insert ON public.mcp_servers FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: mcp_servers mcp_servers_admin_update; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_admin_update ON public.mcp_servers FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: mcp_servers mcp_servers_agent_select; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_agent_select ON public.mcp_servers FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['spaces:read'::text, 'credentials:write'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: mcp_servers mcp_servers_backup; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_backup ON public.mcp_servers FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: mcp_servers mcp_servers_definer; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_definer ON public.mcp_servers TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: mcp_servers mcp_servers_delete; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_delete ON public.mcp_servers FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: mcp_servers mcp_servers_insert; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_insert ON public.mcp_servers FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: mcp_servers mcp_servers_select; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_select ON public.mcp_servers FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: mcp_servers mcp_servers_tenant; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_tenant ON public.mcp_servers AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: mcp_servers mcp_servers_update; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_update ON public.mcp_servers FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: mcp_servers mcp_servers_worker_update; Type: POLICY; Schema: public

CREATE POLICY mcp_servers_worker_update ON public.mcp_servers FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: media; Type: ROW SECURITY; Schema: public

ALTER TABLE public.media ENABLE ROW LEVEL SECURITY;

-- Name: media media_admin_delete; Type: POLICY; Schema: public

CREATE POLICY media_admin_delete ON public.media FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: media media_admin_insert; Type: POLICY; Schema: public

CREATE POLICY media_admin_insert ON public.media FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: media media_admin_update; Type: POLICY; Schema: public

CREATE POLICY media_admin_update ON public.media FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: media media_agent_delete; Type: POLICY; Schema: public

CREATE POLICY media_agent_delete ON public.media FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: media media_agent_insert; Type: POLICY; Schema: public

CREATE POLICY media_agent_insert ON public.media FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (NOT (space_id IS DISTINCT FROM ( SELECT tenancy.space_id() AS space_id)))));

-- Name: media media_agent_select; Type: POLICY; Schema: public

CREATE POLICY media_agent_select ON public.media FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: media media_agent_update; Type: POLICY; Schema: public

CREATE POLICY media_agent_update ON public.media FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id))))) WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: media media_backup; Type: POLICY; Schema: public

CREATE POLICY media_backup ON public.media FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: media media_delete; Type: POLICY; Schema: public

CREATE POLICY media_delete ON public.media FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: media media_erase; Type: POLICY; Schema: public

CREATE POLICY media_erase ON public.media FOR DELETE TO fanfare_definer USING (true);

-- Name: media media_erase_select; Type: POLICY; Schema: public

CREATE POLICY media_erase_select ON public.media FOR SELECT TO fanfare_definer USING (true);

-- Name: media media_insert; Type: POLICY; Schema: public

CREATE POLICY media_insert ON public.media FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: media media_select; Type: POLICY; Schema: public

CREATE POLICY media_select ON public.media FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: media media_tenant; Type: POLICY; Schema: public

CREATE POLICY media_tenant ON public.media AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: media media_update; Type: POLICY; Schema: public

CREATE POLICY media_update ON public.media FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: media media_worker_delete; Type: POLICY; Schema: public

CREATE POLICY media_worker_delete ON public.media FOR DELETE TO fanfare_worker USING ((state <> 'ready'::text));

-- Name: memberships; Type: ROW SECURITY; Schema: public

ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY;

-- Name: memberships memberships_admin_delete; Type: POLICY; Schema: public

CREATE POLICY memberships_admin_delete ON public.memberships FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memberships memberships_admin_update; Type: POLICY; Schema: public

CREATE POLICY memberships_admin_update ON public.memberships FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memberships memberships_backup; Type: POLICY; Schema: public

CREATE POLICY memberships_backup ON public.memberships FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: memberships memberships_definer; Type: POLICY; Schema: public

CREATE POLICY memberships_definer ON public.memberships TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: memberships memberships_delete; Type: POLICY; Schema: public

CREATE POLICY memberships_delete ON public.memberships FOR DELETE TO fanfare_user USING ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text)) OR (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: memberships memberships_erase; Type: POLICY; Schema: public

CREATE POLICY memberships_erase ON public.memberships FOR DELETE TO fanfare_definer USING (true);

-- Name: memberships memberships_erase_select; Type: POLICY; Schema: public

CREATE POLICY memberships_erase_select ON public.memberships FOR SELECT TO fanfare_definer USING (true);

-- Name: memberships memberships_select; Type: POLICY; Schema: public

CREATE POLICY memberships_select ON public.memberships FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: memberships memberships_tenant; Type: POLICY; Schema: public

CREATE POLICY memberships_tenant ON public.memberships AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: memberships memberships_update; Type: POLICY; Schema: public

CREATE POLICY memberships_update ON public.memberships FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text)))) WITH CHECK ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text))));

-- Name: memberships memberships_worker; Type: POLICY; Schema: public

CREATE POLICY memberships_worker ON public.memberships FOR SELECT TO fanfare_worker USING (true);

-- Name: memories; Type: ROW SECURITY; Schema: public

ALTER TABLE public.memories ENABLE ROW LEVEL SECURITY;

-- Name: memories memories_admin_delete; Type: POLICY; Schema: public

CREATE POLICY memories_admin_delete ON public.memories FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memories memories_admin_insert; Type: POLICY; Schema: public

CREATE POLICY memories_admin_insert ON public.memories FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memories memories_admin_update; Type: POLICY; Schema: public

CREATE POLICY memories_admin_update ON public.memories FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memories memories_agent_delete; Type: POLICY; Schema: public

CREATE POLICY memories_agent_delete ON public.memories FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('memories:write'::text) AS has_permission) AND
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NOT NULL) THEN COALESCE((space_id = ( SELECT tenancy.space_id() AS space_id)), false)
    ELSE ((space_id IS NULL) OR ( SELECT tenancy.has_permission('conversations:read'::text) AS has_permission))
END));

-- Name: memories memories_agent_insert; Type: POLICY; Schema: public

CREATE POLICY memories_agent_insert ON public.memories FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('memories:write'::text) AS has_permission) AND
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NOT NULL) THEN COALESCE((space_id = ( SELECT tenancy.space_id() AS space_id)), false)
    ELSE ((space_id IS NULL) OR ( SELECT tenancy.has_permission('conversations:read'::text) AS has_permission))
END));

-- Name: memories memories_agent_select; Type: POLICY; Schema: public

CREATE POLICY memories_agent_select ON public.memories FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['memories:read'::text, 'memories:write'::text]) AS has_any_permission) AND ((space_id IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)) OR ( SELECT ((tenancy.space_id() IS NULL) AND tenancy.has_permission('conversations:read'::text))))));

-- Name: memories memories_agent_update; Type: POLICY; Schema: public

CREATE POLICY memories_agent_update ON public.memories FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('memories:write'::text) AS has_permission) AND
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NOT NULL) THEN COALESCE((space_id = ( SELECT tenancy.space_id() AS space_id)), false)
    ELSE ((space_id IS NULL) OR ( SELECT tenancy.has_permission('conversations:read'::text) AS has_permission))
END)) WITH CHECK ((( SELECT tenancy.has_permission('memories:write'::text) AS has_permission) AND
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NOT NULL) THEN COALESCE((space_id = ( SELECT tenancy.space_id() AS space_id)), false)
    ELSE ((space_id IS NULL) OR ( SELECT tenancy.has_permission('conversations:read'::text) AS has_permission))
END));

-- Name: memories memories_backup; Type: POLICY; Schema: public

CREATE POLICY memories_backup ON public.memories FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: memories memories_definer; Type: POLICY; Schema: public

CREATE POLICY memories_definer ON public.memories FOR SELECT TO fanfare_definer USING (true);

-- Name: memories memories_delete; Type: POLICY; Schema: public

CREATE POLICY memories_delete ON public.memories FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: memories memories_erase; Type: POLICY; Schema: public

CREATE POLICY memories_erase ON public.memories FOR DELETE TO fanfare_definer USING (true);

-- Name: memories memories_insert; Type: POLICY; Schema: public

CREATE POLICY memories_insert ON public.memories FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: memories memories_select; Type: POLICY; Schema: public

CREATE POLICY memories_select ON public.memories FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: memories memories_tenant; Type: POLICY; Schema: public

CREATE POLICY memories_tenant ON public.memories AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: memories memories_update; Type: POLICY; Schema: public

CREATE POLICY memories_update ON public.memories FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: memories memories_worker_select; Type: POLICY; Schema: public

CREATE POLICY memories_worker_select ON public.memories FOR SELECT TO fanfare_worker USING (true);

-- Name: memories memories_worker_update; Type: POLICY; Schema: public

CREATE POLICY memories_worker_update ON public.memories FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: messages; Type: ROW SECURITY; Schema: public

ALTER TABLE public.messages ENABLE ROW LEVEL SECURITY;

-- Name: messages messages_admin_delete; Type: POLICY; Schema: public

CREATE POLICY messages_admin_delete ON public.messages FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: messages messages_agent_select; Type: POLICY; Schema: public

CREATE POLICY messages_agent_select ON public.messages FOR SELECT TO fanfare_agent USING (
CASE
    WHEN (( SELECT tenancy.space_id() AS space_id) IS NULL) THEN ( SELECT tenancy.has_permission('conversations:read'::text) AS has_permission)
    ELSE (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['conversations:read'::text, 'memories:read'::text]) AS has_any_permission) AND (space_id = ( SELECT tenancy.space_id() AS space_id)))
END);

-- Name: messages messages_backup; Type: POLICY; Schema: public

CREATE POLICY messages_backup ON public.messages FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: messages messages_delete; Type: POLICY; Schema: public

CREATE POLICY messages_delete ON public.messages FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: messages messages_erase; Type: POLICY; Schema: public

CREATE POLICY messages_erase ON public.messages FOR DELETE TO fanfare_definer USING (true);

-- Name: messages messages_erase_select; Type: POLICY; Schema: public

CREATE POLICY messages_erase_select ON public.messages FOR SELECT TO fanfare_definer USING (true);

-- Name: messages messages_select; Type: POLICY; Schema: public

CREATE POLICY messages_select ON public.messages FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: messages messages_tenant; Type: POLICY; Schema: public

CREATE POLICY messages_tenant ON public.messages AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: messages messages_worker; Type: POLICY; Schema: public

CREATE POLICY messages_worker ON public.messages TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: old_credentials; Type: ROW SECURITY; Schema: public

ALTER TABLE public.old_credentials ENABLE ROW LEVEL SECURITY;

-- Name: old_credentials old_credentials_definer; Type: POLICY; Schema: public

CREATE POLICY old_credentials_definer ON public.old_credentials TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: pairings; Type: ROW SECURITY; Schema: public

ALTER TABLE public.pairings ENABLE ROW LEVEL SECURITY;

-- Name: pairings pairings_admin_update; Type: POLICY; Schema: public

CREATE POLICY pairings_admin_update ON public.pairings FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (state = ANY (ARRAY['denied'::text, 'revoked'::text]))));

-- Name: pairings pairings_agent_insert; Type: POLICY; Schema: public

CREATE POLICY pairings_agent_insert ON public.pairings FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('spaces:pair'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL) AND (permissions <@ ( SELECT tenancy.permissions() AS permissions))));

-- Name: pairings pairings_agent_select; Type: POLICY; Schema: public

CREATE POLICY pairings_agent_select ON public.pairings FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['spaces:pair'::text]) AS has_any_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: pairings pairings_backup; Type: POLICY; Schema: public

CREATE POLICY pairings_backup ON public.pairings FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: pairings pairings_definer; Type: POLICY; Schema: public

CREATE POLICY pairings_definer ON public.pairings FOR SELECT TO fanfare_definer USING (true);

-- Name: pairings pairings_erase; Type: POLICY; Schema: public

CREATE POLICY pairings_erase ON public.pairings FOR DELETE TO fanfare_definer USING (true);

-- Name: pairings pairings_insert; Type: POLICY; Schema: public

CREATE POLICY pairings_insert ON public.pairings FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: pairings pairings_select; Type: POLICY; Schema: public

CREATE POLICY pairings_select ON public.pairings FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: pairings pairings_tenant; Type: POLICY; Schema: public

CREATE POLICY pairings_tenant ON public.pairings AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: pairings pairings_update; Type: POLICY; Schema: public

CREATE POLICY pairings_update ON public.pairings FOR UPDATE TO fanfare_user USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK ((( SELECT tenancy.has_role('admin'::text) AS has_role) OR (state = ANY (ARRAY['denied'::text, 'revoked'::text]))));

-- Name: pairings pairings_worker; Type: POLICY; Schema: public

CREATE POLICY pairings_worker ON public.pairings TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: platform_post_media; Type: ROW SECURITY; Schema: public

ALTER TABLE public.platform_post_media ENABLE ROW LEVEL SECURITY;

-- Name: platform_post_media platform_post_media_admin_delete; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_admin_delete ON public.platform_post_media FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_post_media platform_post_media_admin_insert; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_admin_insert ON public.platform_post_media FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_post_media platform_post_media_agent_delete; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_agent_delete ON public.platform_post_media FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = platform_post_media.customer_id) AND (s.id = platform_post_media.platform_post_id)))))));

-- Name: platform_post_media platform_post_media_agent_insert; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_agent_insert ON public.platform_post_media FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = platform_post_media.customer_id) AND (s.id = platform_post_media.platform_post_id)))))));

-- Name: platform_post_media platform_post_media_agent_select; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_agent_select ON public.platform_post_media FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = platform_post_media.customer_id) AND (s.id = platform_post_media.platform_post_id)))))));

-- Name: platform_post_media platform_post_media_backup; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_backup ON public.platform_post_media FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: platform_post_media platform_post_media_definer_insert; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_definer_insert ON public.platform_post_media FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: platform_post_media platform_post_media_delete; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_delete ON public.platform_post_media FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: platform_post_media platform_post_media_erase; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_erase ON public.platform_post_media FOR DELETE TO fanfare_definer USING (true);

-- Name: platform_post_media platform_post_media_erase_select; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_erase_select ON public.platform_post_media FOR SELECT TO fanfare_definer USING (true);

-- Name: platform_post_media platform_post_media_insert; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_insert ON public.platform_post_media FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: platform_post_media platform_post_media_select; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_select ON public.platform_post_media FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: platform_post_media platform_post_media_tenant; Type: POLICY; Schema: public

CREATE POLICY platform_post_media_tenant ON public.platform_post_media AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: platform_posts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.platform_posts ENABLE ROW LEVEL SECURITY;

-- Name: platform_posts platform_posts_admin_delete; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_delete ON public.platform_posts FOR DELETE TO fanfare_admin USING ((( SELECT tenancy.has_system_role('manager'::text) AS has_system_role) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'cancelled'::text])) AND (attempt = 0)));

-- Name: platform_posts platform_posts_admin_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_insert ON public.platform_posts FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_posts platform_posts_admin_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_update ON public.platform_posts FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_posts platform_posts_agent_delete; Type: POLICY; Schema: public

CREATE POLICY platform_posts_agent_delete ON public.platform_posts FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'cancelled'::text])) AND (attempt = 0) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = platform_posts.customer_id) AND (s.id = platform_posts.post_id)))))));

-- Name: platform_posts platform_posts_agent_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_agent_insert ON public.platform_posts FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = platform_posts.customer_id) AND (s.id = platform_posts.post_id)))))));

-- Name: platform_posts platform_posts_agent_select; Type: POLICY; Schema: public

CREATE POLICY platform_posts_agent_select ON public.platform_posts FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = platform_posts.customer_id) AND (s.id = platform_posts.post_id)))))));

-- Name: platform_posts platform_posts_agent_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_agent_update ON public.platform_posts FOR UPDATE TO fanfare_agent USING (((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) OR (( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'failed'::text, 'cancelled'::text])))) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = platform_posts.customer_id) AND (s.id = platform_posts.post_id))))))) WITH CHECK (((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) OR (( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'failed'::text, 'cancelled'::text])))) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = platform_posts.customer_id) AND (s.id = platform_posts.post_id)))))));

-- Name: platform_posts platform_posts_backup; Type: POLICY; Schema: public

CREATE POLICY platform_posts_backup ON public.platform_posts FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: platform_posts platform_posts_definer; Type: POLICY; Schema: public

CREATE POLICY platform_posts_definer ON public.platform_posts FOR SELECT TO fanfare_definer USING (true);

-- Name: platform_posts platform_posts_definer_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_definer_insert ON public.platform_posts FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: platform_posts platform_posts_definer_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_definer_update ON public.platform_posts FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: platform_posts platform_posts_delete; Type: POLICY; Schema: public

CREATE POLICY platform_posts_delete ON public.platform_posts FOR DELETE TO fanfare_user USING ((( SELECT tenancy.has_role('member'::text) AS has_role) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'cancelled'::text])) AND (attempt = 0)));

-- Name: platform_posts platform_posts_erase; Type: POLICY; Schema: public

CREATE POLICY platform_posts_erase ON public.platform_posts FOR DELETE TO fanfare_definer USING (true);

-- Name: platform_posts platform_posts_erase_select; Type: POLICY; Schema: public

CREATE POLICY platform_posts_erase_select ON public.platform_posts FOR SELECT TO fanfare_definer USING (true);

-- Name: platform_posts platform_posts_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_insert ON public.platform_posts FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: platform_posts platform_posts_select; Type: POLICY; Schema: public

CREATE POLICY platform_posts_select ON public.platform_posts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: platform_posts platform_posts_tenant; Type: POLICY; Schema: public

CREATE POLICY platform_posts_tenant ON public.platform_posts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: platform_posts platform_posts_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_update ON public.platform_posts FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: platform_posts platform_posts_worker_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_worker_update ON public.platform_posts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: post_media; Type: ROW SECURITY; Schema: public

ALTER TABLE public.post_media ENABLE ROW LEVEL SECURITY;

-- Name: post_media post_media_admin_delete; Type: POLICY; Schema: public

CREATE POLICY post_media_admin_delete ON public.post_media FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: post_media post_media_admin_insert; Type: POLICY; Schema: public

CREATE POLICY post_media_admin_insert ON public.post_media FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: post_media post_media_agent_delete; Type: POLICY; Schema: public

CREATE POLICY post_media_agent_delete ON public.post_media FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = post_media.customer_id) AND (s.id = post_media.post_id)))))));

-- Name: post_media post_media_agent_insert; Type: POLICY; Schema: public

CREATE POLICY post_media_agent_insert ON public.post_media FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = post_media.customer_id) AND (s.id = post_media.post_id)))))));

-- Name: post_media post_media_agent_select; Type: POLICY; Schema: public

CREATE POLICY post_media_agent_select ON public.post_media FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = post_media.customer_id) AND (s.id = post_media.post_id)))))));

-- Name: post_media post_media_backup; Type: POLICY; Schema: public

CREATE POLICY post_media_backup ON public.post_media FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: post_media post_media_definer_insert; Type: POLICY; Schema: public

CREATE POLICY post_media_definer_insert ON public.post_media FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: post_media post_media_delete; Type: POLICY; Schema: public

CREATE POLICY post_media_delete ON public.post_media FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: post_media post_media_erase; Type: POLICY; Schema: public

CREATE POLICY post_media_erase ON public.post_media FOR DELETE TO fanfare_definer USING (true);

-- Name: post_media post_media_erase_select; Type: POLICY; Schema: public

CREATE POLICY post_media_erase_select ON public.post_media FOR SELECT TO fanfare_definer USING (true);

-- Name: post_media post_media_insert; Type: POLICY; Schema: public

CREATE POLICY post_media_insert ON public.post_media FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: post_media post_media_select; Type: POLICY; Schema: public

CREATE POLICY post_media_select ON public.post_media FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: post_media post_media_tenant; Type: POLICY; Schema: public

CREATE POLICY post_media_tenant ON public.post_media AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: post_metrics; Type: ROW SECURITY; Schema: public

ALTER TABLE public.post_metrics ENABLE ROW LEVEL SECURITY;

-- Name: post_metrics post_metrics_agent_select; Type: POLICY; Schema: public

CREATE POLICY post_metrics_agent_select ON public.post_metrics FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:read'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = post_metrics.customer_id) AND (s.id = post_metrics.platform_post_id)))))));

-- Name: post_metrics post_metrics_backup; Type: POLICY; Schema: public

CREATE POLICY post_metrics_backup ON public.post_metrics FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: post_metrics post_metrics_erase; Type: POLICY; Schema: public

CREATE POLICY post_metrics_erase ON public.post_metrics FOR DELETE TO fanfare_definer USING (true);

-- Name: post_metrics post_metrics_erase_select; Type: POLICY; Schema: public

CREATE POLICY post_metrics_erase_select ON public.post_metrics FOR SELECT TO fanfare_definer USING (true);

-- Name: post_metrics post_metrics_select; Type: POLICY; Schema: public

CREATE POLICY post_metrics_select ON public.post_metrics FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: post_metrics post_metrics_tenant; Type: POLICY; Schema: public

CREATE POLICY post_metrics_tenant ON public.post_metrics AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: post_metrics post_metrics_worker_insert; Type: POLICY; Schema: public

CREATE POLICY post_metrics_worker_insert ON public.post_metrics FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: post_metrics post_metrics_worker_update; Type: POLICY; Schema: public

CREATE POLICY post_metrics_worker_update ON public.post_metrics FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: post_reviews; Type: ROW SECURITY; Schema: public

ALTER TABLE public.post_reviews ENABLE ROW LEVEL SECURITY;

-- Name: post_reviews post_reviews_admin_insert; Type: POLICY; Schema: public

CREATE POLICY post_reviews_admin_insert ON public.post_reviews FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: post_reviews post_reviews_agent_insert; Type: POLICY; Schema: public

CREATE POLICY post_reviews_agent_insert ON public.post_reviews FOR INSERT TO fanfare_agent WITH CHECK ((((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (verdict = ANY (ARRAY['submitted'::text, 'withdrawn'::text, 'comment'::text]))) OR (( SELECT tenancy.may_approve() AS may_approve) AND (verdict = ANY (ARRAY['approved'::text, 'rejected'::text])))) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = post_reviews.customer_id) AND (s.id = post_reviews.post_id)))))));

-- Name: post_reviews post_reviews_agent_select; Type: POLICY; Schema: public

CREATE POLICY post_reviews_agent_select ON public.post_reviews FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = post_reviews.customer_id) AND (s.id = post_reviews.post_id)))))));

-- Name: post_reviews post_reviews_backup; Type: POLICY; Schema: public

CREATE POLICY post_reviews_backup ON public.post_reviews FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: post_reviews post_reviews_erase; Type: POLICY; Schema: public

CREATE POLICY post_reviews_erase ON public.post_reviews FOR DELETE TO fanfare_definer USING (true);

-- Name: post_reviews post_reviews_erase_select; Type: POLICY; Schema: public

CREATE POLICY post_reviews_erase_select ON public.post_reviews FOR SELECT TO fanfare_definer USING (true);

-- Name: post_reviews post_reviews_insert; Type: POLICY; Schema: public

CREATE POLICY post_reviews_insert ON public.post_reviews FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('member'::text) AS has_role) AND ((verdict <> ALL (ARRAY['approved'::text, 'rejected'::text])) OR ( SELECT tenancy.may_approve() AS may_approve))));

-- Name: post_reviews post_reviews_select; Type: POLICY; Schema: public

CREATE POLICY post_reviews_select ON public.post_reviews FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: post_reviews post_reviews_tenant; Type: POLICY; Schema: public

CREATE POLICY post_reviews_tenant ON public.post_reviews AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: posts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;

-- Name: posts posts_admin_insert; Type: POLICY; Schema: public

CREATE POLICY posts_admin_insert ON public.posts FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: posts posts_admin_update; Type: POLICY; Schema: public

CREATE POLICY posts_admin_update ON public.posts FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: posts posts_agent_insert; Type: POLICY; Schema: public

CREATE POLICY posts_agent_insert ON public.posts FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (NOT (space_id IS DISTINCT FROM ( SELECT tenancy.space_id() AS space_id)))));

-- Name: posts posts_agent_select; Type: POLICY; Schema: public

CREATE POLICY posts_agent_select ON public.posts FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: posts posts_agent_update; Type: POLICY; Schema: public

CREATE POLICY posts_agent_update ON public.posts FOR UPDATE TO fanfare_agent USING (((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) OR (( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'failed'::text, 'cancelled'::text])))) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id))))) WITH CHECK (((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) OR (( SELECT tenancy.has_permission('posts:write'::text) AS has_permission) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'failed'::text, 'cancelled'::text])))) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: posts posts_backup; Type: POLICY; Schema: public

CREATE POLICY posts_backup ON public.posts FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: posts posts_definer; Type: POLICY; Schema: public

CREATE POLICY posts_definer ON public.posts FOR SELECT TO fanfare_definer USING (true);

-- Name: posts posts_definer_insert; Type: POLICY; Schema: public

CREATE POLICY posts_definer_insert ON public.posts FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: posts posts_definer_update; Type: POLICY; Schema: public

CREATE POLICY posts_definer_update ON public.posts FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: posts posts_erase; Type: POLICY; Schema: public

CREATE POLICY posts_erase ON public.posts FOR DELETE TO fanfare_definer USING (true);

-- Name: posts posts_erase_select; Type: POLICY; Schema: public

CREATE POLICY posts_erase_select ON public.posts FOR SELECT TO fanfare_definer USING (true);

-- Name: posts posts_insert; Type: POLICY; Schema: public

CREATE POLICY posts_insert ON public.posts FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: posts posts_select; Type: POLICY; Schema: public

CREATE POLICY posts_select ON public.posts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: posts posts_tenant; Type: POLICY; Schema: public

CREATE POLICY posts_tenant ON public.posts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: posts posts_update; Type: POLICY; Schema: public

CREATE POLICY posts_update ON public.posts FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: posts posts_worker_update; Type: POLICY; Schema: public

CREATE POLICY posts_worker_update ON public.posts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: publish_attempts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.publish_attempts ENABLE ROW LEVEL SECURITY;

-- Name: publish_attempts publish_attempts_agent_select; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_agent_select ON public.publish_attempts FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = publish_attempts.customer_id) AND (s.id = publish_attempts.platform_post_id)))))));

-- Name: publish_attempts publish_attempts_backup; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_backup ON public.publish_attempts FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: publish_attempts publish_attempts_erase; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_erase ON public.publish_attempts FOR DELETE TO fanfare_definer USING (true);

-- Name: publish_attempts publish_attempts_erase_select; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_erase_select ON public.publish_attempts FOR SELECT TO fanfare_definer USING (true);

-- Name: publish_attempts publish_attempts_select; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_select ON public.publish_attempts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: publish_attempts publish_attempts_tenant; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_tenant ON public.publish_attempts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: publish_attempts publish_attempts_worker_insert; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_worker_insert ON public.publish_attempts FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: publish_attempts publish_attempts_worker_update; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_worker_update ON public.publish_attempts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: queue_slots; Type: ROW SECURITY; Schema: public

ALTER TABLE public.queue_slots ENABLE ROW LEVEL SECURITY;

-- Name: queue_slots queue_slots_admin_delete; Type: POLICY; Schema: public

CREATE POLICY queue_slots_admin_delete ON public.queue_slots FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: queue_slots queue_slots_admin_insert; Type: POLICY; Schema: public

CREATE POLICY queue_slots_admin_insert ON public.queue_slots FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: queue_slots queue_slots_agent_delete; Type: POLICY; Schema: public

CREATE POLICY queue_slots_agent_delete ON public.queue_slots FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: queue_slots queue_slots_agent_insert; Type: POLICY; Schema: public

CREATE POLICY queue_slots_agent_insert ON public.queue_slots FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL)));

-- Name: queue_slots queue_slots_agent_select; Type: POLICY; Schema: public

CREATE POLICY queue_slots_agent_select ON public.queue_slots FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission));

-- Name: queue_slots queue_slots_backup; Type: POLICY; Schema: public

CREATE POLICY queue_slots_backup ON public.queue_slots FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: queue_slots queue_slots_delete; Type: POLICY; Schema: public

CREATE POLICY queue_slots_delete ON public.queue_slots FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: queue_slots queue_slots_erase; Type: POLICY; Schema: public

CREATE POLICY queue_slots_erase ON public.queue_slots FOR DELETE TO fanfare_definer USING (true);

-- Name: queue_slots queue_slots_erase_select; Type: POLICY; Schema: public

CREATE POLICY queue_slots_erase_select ON public.queue_slots FOR SELECT TO fanfare_definer USING (true);

-- Name: queue_slots queue_slots_insert; Type: POLICY; Schema: public

CREATE POLICY queue_slots_insert ON public.queue_slots FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: queue_slots queue_slots_select; Type: POLICY; Schema: public

CREATE POLICY queue_slots_select ON public.queue_slots FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: queue_slots queue_slots_tenant; Type: POLICY; Schema: public

CREATE POLICY queue_slots_tenant ON public.queue_slots AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: rate_limit_rules; Type: ROW SECURITY; Schema: public

ALTER TABLE public.rate_limit_rules ENABLE ROW LEVEL SECURITY;

-- Name: rate_limit_rules rate_limit_rules_admin_delete; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_admin_delete ON public.rate_limit_rules FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: rate_limit_rules rate_limit_rules_admin_insert; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_admin_insert ON public.rate_limit_rules FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: rate_limit_rules rate_limit_rules_admin_update; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_admin_update ON public.rate_limit_rules FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: rate_limit_rules rate_limit_rules_agent_select; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_agent_select ON public.rate_limit_rules FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: rate_limit_rules rate_limit_rules_backup; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_backup ON public.rate_limit_rules FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: rate_limit_rules rate_limit_rules_definer; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_definer ON public.rate_limit_rules FOR SELECT TO fanfare_definer USING (true);

-- Name: rate_limit_rules rate_limit_rules_erase; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_erase ON public.rate_limit_rules FOR DELETE TO fanfare_definer USING (true);

-- Name: rate_limit_rules rate_limit_rules_erase_select; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_erase_select ON public.rate_limit_rules FOR SELECT TO fanfare_definer USING (true);

-- Name: rate_limit_rules rate_limit_rules_select; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_select ON public.rate_limit_rules FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: rate_limit_rules rate_limit_rules_tenant; Type: POLICY; Schema: public

CREATE POLICY rate_limit_rules_tenant ON public.rate_limit_rules AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: rate_limits; Type: ROW SECURITY; Schema: public

ALTER TABLE public.rate_limits ENABLE ROW LEVEL SECURITY;

-- Name: rate_limits rate_limits_backup; Type: POLICY; Schema: public

CREATE POLICY rate_limits_backup ON public.rate_limits FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: rate_limits rate_limits_definer; Type: POLICY; Schema: public

CREATE POLICY rate_limits_definer ON public.rate_limits TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: rate_limits rate_limits_erase; Type: POLICY; Schema: public

CREATE POLICY rate_limits_erase ON public.rate_limits FOR DELETE TO fanfare_definer USING (true);

-- Name: rate_limits rate_limits_erase_select; Type: POLICY; Schema: public

CREATE POLICY rate_limits_erase_select ON public.rate_limits FOR SELECT TO fanfare_definer USING (true);

-- Name: rate_limits rate_limits_tenant; Type: POLICY; Schema: public

CREATE POLICY rate_limits_tenant ON public.rate_limits AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: recurring_posts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.recurring_posts ENABLE ROW LEVEL SECURITY;

-- Name: recurring_posts recurring_posts_admin_delete; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_admin_delete ON public.recurring_posts FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: recurring_posts recurring_posts_admin_insert; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_admin_insert ON public.recurring_posts FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: recurring_posts recurring_posts_admin_update; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_admin_update ON public.recurring_posts FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: recurring_posts recurring_posts_agent_delete; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_agent_delete ON public.recurring_posts FOR DELETE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = recurring_posts.customer_id) AND (s.id = recurring_posts.post_id)))))));

-- Name: recurring_posts recurring_posts_agent_insert; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_agent_insert ON public.recurring_posts FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = recurring_posts.customer_id) AND (s.id = recurring_posts.post_id)))))));

-- Name: recurring_posts recurring_posts_agent_select; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_agent_select ON public.recurring_posts FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['posts:read'::text, 'posts:write'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = recurring_posts.customer_id) AND (s.id = recurring_posts.post_id)))))));

-- Name: recurring_posts recurring_posts_agent_update; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_agent_update ON public.recurring_posts FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = recurring_posts.customer_id) AND (s.id = recurring_posts.post_id))))))) WITH CHECK ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = recurring_posts.customer_id) AND (s.id = recurring_posts.post_id)))))));

-- Name: recurring_posts recurring_posts_backup; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_backup ON public.recurring_posts FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: recurring_posts recurring_posts_definer_update; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_definer_update ON public.recurring_posts FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: recurring_posts recurring_posts_delete; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_delete ON public.recurring_posts FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: recurring_posts recurring_posts_erase; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_erase ON public.recurring_posts FOR DELETE TO fanfare_definer USING (true);

-- Name: recurring_posts recurring_posts_erase_select; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_erase_select ON public.recurring_posts FOR SELECT TO fanfare_definer USING (true);

-- Name: recurring_posts recurring_posts_insert; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_insert ON public.recurring_posts FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: recurring_posts recurring_posts_select; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_select ON public.recurring_posts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: recurring_posts recurring_posts_tenant; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_tenant ON public.recurring_posts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: recurring_posts recurring_posts_update; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_update ON public.recurring_posts FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: recurring_posts recurring_posts_worker_update; Type: POLICY; Schema: public

CREATE POLICY recurring_posts_worker_update ON public.recurring_posts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: restores; Type: ROW SECURITY; Schema: public

ALTER TABLE public.restores ENABLE ROW LEVEL SECURITY;

-- Name: restores restores_admin_delete; Type: POLICY; Schema: public

CREATE POLICY restores_admin_delete ON public.restores FOR DELETE TO fanfare_admin USING ((( SELECT tenancy.permit_backups() AS permit_backups) AND ( SELECT tenancy.reason_given() AS reason_given) AND (state = ANY (ARRAY['planning'::text, 'planned'::text]))));

-- Name: restores restores_admin_insert; Type: POLICY; Schema: public

CREATE POLICY restores_admin_insert ON public.restores FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: restores restores_admin_update; Type: POLICY; Schema: public

CREATE POLICY restores_admin_update ON public.restores FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.permit_backups() AS permit_backups)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: restores restores_backup; Type: POLICY; Schema: public

CREATE POLICY restores_backup ON public.restores FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: restores restores_definer; Type: POLICY; Schema: public

CREATE POLICY restores_definer ON public.restores TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: restores restores_delete; Type: POLICY; Schema: public

CREATE POLICY restores_delete ON public.restores FOR DELETE TO fanfare_user USING ((( SELECT tenancy.permit_backups() AS permit_backups) AND (state = ANY (ARRAY['planning'::text, 'planned'::text]))));

-- Name: restores restores_insert; Type: POLICY; Schema: public

CREATE POLICY restores_insert ON public.restores FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: restores restores_select; Type: POLICY; Schema: public

CREATE POLICY restores_select ON public.restores FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.permit_backups() AS permit_backups));

-- Name: restores restores_tenant; Type: POLICY; Schema: public

CREATE POLICY restores_tenant ON public.restores AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: restores restores_update; Type: POLICY; Schema: public

CREATE POLICY restores_update ON public.restores FOR UPDATE TO fanfare_user USING (( SELECT tenancy.permit_backups() AS permit_backups)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: restores restores_worker_delete; Type: POLICY; Schema: public

CREATE POLICY restores_worker_delete ON public.restores FOR DELETE TO fanfare_worker USING ((state = ANY (ARRAY['planned'::text, 'done'::text, 'failed'::text])));

-- Name: restores restores_worker_select; Type: POLICY; Schema: public

CREATE POLICY restores_worker_select ON public.restores FOR SELECT TO fanfare_worker USING (true);

-- Name: restores restores_worker_update; Type: POLICY; Schema: public

CREATE POLICY restores_worker_update ON public.restores FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: space_people; Type: ROW SECURITY; Schema: public

ALTER TABLE public.space_people ENABLE ROW LEVEL SECURITY;

-- Name: space_people space_people_agent_select; Type: POLICY; Schema: public

CREATE POLICY space_people_agent_select ON public.space_people FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_permission('spaces:read'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (space_id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: space_people space_people_backup; Type: POLICY; Schema: public

CREATE POLICY space_people_backup ON public.space_people FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: space_people space_people_definer; Type: POLICY; Schema: public

CREATE POLICY space_people_definer ON public.space_people FOR SELECT TO fanfare_definer USING (true);

-- Name: space_people space_people_definer_hold; Type: POLICY; Schema: public

CREATE POLICY space_people_definer_hold ON public.space_people FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (false);

-- Name: space_people space_people_erase; Type: POLICY; Schema: public

CREATE POLICY space_people_erase ON public.space_people FOR DELETE TO fanfare_definer USING (true);

-- Name: space_people space_people_select; Type: POLICY; Schema: public

CREATE POLICY space_people_select ON public.space_people FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: space_people space_people_tenant; Type: POLICY; Schema: public

CREATE POLICY space_people_tenant ON public.space_people AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: space_people space_people_worker; Type: POLICY; Schema: public

CREATE POLICY space_people_worker ON public.space_people TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: spaces; Type: ROW SECURITY; Schema: public

ALTER TABLE public.spaces ENABLE ROW LEVEL SECURITY;

-- Name: spaces spaces_admin_update; Type: POLICY; Schema: public

CREATE POLICY spaces_admin_update ON public.spaces FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: spaces spaces_agent_select; Type: POLICY; Schema: public

CREATE POLICY spaces_agent_select ON public.spaces FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_permission('spaces:read'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (id = ( SELECT tenancy.space_id() AS space_id)))));

-- Name: spaces spaces_agent_select_own; Type: POLICY; Schema: public

CREATE POLICY spaces_agent_select_own ON public.spaces FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['credentials:write'::text]) AS has_any_permission) AND (id = ( SELECT tenancy.space_id() AS space_id))));

-- Name: spaces spaces_backup; Type: POLICY; Schema: public

CREATE POLICY spaces_backup ON public.spaces FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: spaces spaces_definer; Type: POLICY; Schema: public

CREATE POLICY spaces_definer ON public.spaces FOR SELECT TO fanfare_definer USING (true);

-- Name: spaces spaces_definer_hold; Type: POLICY; Schema: public

CREATE POLICY spaces_definer_hold ON public.spaces FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (false);

-- Name: spaces spaces_erase; Type: POLICY; Schema: public

CREATE POLICY spaces_erase ON public.spaces FOR DELETE TO fanfare_definer USING (true);

-- Name: spaces spaces_select; Type: POLICY; Schema: public

CREATE POLICY spaces_select ON public.spaces FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: spaces spaces_tenant; Type: POLICY; Schema: public

CREATE POLICY spaces_tenant ON public.spaces AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: spaces spaces_update; Type: POLICY; Schema: public

CREATE POLICY spaces_update ON public.spaces FOR UPDATE TO fanfare_user USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK ((( SELECT tenancy.has_role('admin'::text) AS has_role) OR (ended_at IS NOT NULL)));

-- Name: spaces spaces_worker; Type: POLICY; Schema: public

CREATE POLICY spaces_worker ON public.spaces TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: system_roles; Type: ROW SECURITY; Schema: public

ALTER TABLE public.system_roles ENABLE ROW LEVEL SECURITY;

-- Name: system_roles system_roles_admin; Type: POLICY; Schema: public

CREATE POLICY system_roles_admin ON public.system_roles FOR SELECT TO fanfare_admin USING (( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role));

-- Name: system_roles system_roles_definer; Type: POLICY; Schema: public

CREATE POLICY system_roles_definer ON public.system_roles FOR SELECT TO fanfare_definer USING (true);

-- Name: system_roles system_roles_self; Type: POLICY; Schema: public

CREATE POLICY system_roles_self ON public.system_roles FOR SELECT TO fanfare_user, fanfare_admin USING ((user_id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: usage_days; Type: ROW SECURITY; Schema: public

ALTER TABLE public.usage_days ENABLE ROW LEVEL SECURITY;

-- Name: usage_days usage_days_agent_select; Type: POLICY; Schema: public

CREATE POLICY usage_days_agent_select ON public.usage_days FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: usage_days usage_days_backup; Type: POLICY; Schema: public

CREATE POLICY usage_days_backup ON public.usage_days FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: usage_days usage_days_definer; Type: POLICY; Schema: public

CREATE POLICY usage_days_definer ON public.usage_days TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: usage_days usage_days_select; Type: POLICY; Schema: public

CREATE POLICY usage_days_select ON public.usage_days FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: usage_days usage_days_tenant; Type: POLICY; Schema: public

CREATE POLICY usage_days_tenant ON public.usage_days AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: usage_entries; Type: ROW SECURITY; Schema: public

ALTER TABLE public.usage_entries ENABLE ROW LEVEL SECURITY;

-- Name: usage_entries usage_entries_agent_select; Type: POLICY; Schema: public

CREATE POLICY usage_entries_agent_select ON public.usage_entries FOR SELECT TO fanfare_agent USING (( SELECT tenancy.has_permission('customer:read'::text) AS has_permission));

-- Name: usage_entries usage_entries_backup; Type: POLICY; Schema: public

CREATE POLICY usage_entries_backup ON public.usage_entries FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: usage_entries usage_entries_definer; Type: POLICY; Schema: public

CREATE POLICY usage_entries_definer ON public.usage_entries TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: usage_entries usage_entries_select; Type: POLICY; Schema: public

CREATE POLICY usage_entries_select ON public.usage_entries FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: usage_entries usage_entries_tenant; Type: POLICY; Schema: public

CREATE POLICY usage_entries_tenant ON public.usage_entries AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: users; Type: ROW SECURITY; Schema: public

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

-- Name: users users_backup; Type: POLICY; Schema: public

CREATE POLICY users_backup ON public.users FOR SELECT TO fanfare_backup USING ((id = ANY (( SELECT tenancy.backed_up_users() AS backed_up_users)::uuid[])));

-- Name: users users_colleagues; Type: POLICY; Schema: public

CREATE POLICY users_colleagues ON public.users FOR SELECT TO fanfare_user, fanfare_admin USING (((( SELECT NULLIF(current_setting('fanfare.customer_id'::text, true), ''::text) AS "nullif") IS NOT NULL) AND (id IN ( SELECT m.user_id
   FROM public.memberships m))));

-- Name: users users_definer; Type: POLICY; Schema: public

CREATE POLICY users_definer ON public.users TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: users users_inviters; Type: POLICY; Schema: public

CREATE POLICY users_inviters ON public.users FOR SELECT TO fanfare_worker USING ((id IN ( SELECT i.invited_by
   FROM public.invitations i
  WHERE (i.sealed_token IS NOT NULL))));

-- Name: users users_of_customer; Type: POLICY; Schema: public

CREATE POLICY users_of_customer ON public.users FOR SELECT TO fanfare_worker USING ((id IN ( SELECT m.user_id
   FROM public.memberships m)));

-- Name: users users_self; Type: POLICY; Schema: public

CREATE POLICY users_self ON public.users FOR SELECT TO fanfare_user, fanfare_admin USING ((id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: watched_topics; Type: ROW SECURITY; Schema: public

ALTER TABLE public.watched_topics ENABLE ROW LEVEL SECURITY;

-- Name: watched_topics watched_topics_definer; Type: POLICY; Schema: public

CREATE POLICY watched_topics_definer ON public.watched_topics TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: webhook_deliveries; Type: ROW SECURITY; Schema: public

ALTER TABLE public.webhook_deliveries ENABLE ROW LEVEL SECURITY;

-- Name: webhook_deliveries webhook_deliveries_admin_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_admin_insert ON public.webhook_deliveries FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.has_system_role('admin'::text) AS has_system_role) AND (event = 'webhook.test'::text)));

-- Name: webhook_deliveries webhook_deliveries_admin_update; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_admin_update ON public.webhook_deliveries FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_deliveries webhook_deliveries_backup; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_backup ON public.webhook_deliveries FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_deliveries webhook_deliveries_definer; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_definer ON public.webhook_deliveries FOR SELECT TO fanfare_definer USING (true);

-- Name: webhook_deliveries webhook_deliveries_definer_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_definer_insert ON public.webhook_deliveries FOR INSERT TO fanfare_definer WITH CHECK (true);

-- Name: webhook_deliveries webhook_deliveries_definer_update; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_definer_update ON public.webhook_deliveries FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: webhook_deliveries webhook_deliveries_erase; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_erase ON public.webhook_deliveries FOR DELETE TO fanfare_definer USING (true);

-- Name: webhook_deliveries webhook_deliveries_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_insert ON public.webhook_deliveries FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('admin'::text) AS has_role) AND (event = 'webhook.test'::text)));

-- Name: webhook_deliveries webhook_deliveries_select; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_select ON public.webhook_deliveries FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: webhook_deliveries webhook_deliveries_tenant; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_tenant ON public.webhook_deliveries AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_deliveries webhook_deliveries_update; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_update ON public.webhook_deliveries FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_deliveries webhook_deliveries_worker_select; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_worker_select ON public.webhook_deliveries FOR SELECT TO fanfare_worker USING (true);

-- Name: webhook_deliveries webhook_deliveries_worker_update; Type: POLICY; Schema: public

CREATE POLICY webhook_deliveries_worker_update ON public.webhook_deliveries FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: webhook_endpoints; Type: ROW SECURITY; Schema: public

ALTER TABLE public.webhook_endpoints ENABLE ROW LEVEL SECURITY;

-- Name: webhook_endpoints webhook_endpoints_admin_delete; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_admin_delete ON public.webhook_endpoints FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_endpoints webhook_endpoints_admin_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_admin_insert ON public.webhook_endpoints FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_endpoints webhook_endpoints_admin_update; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_admin_update ON public.webhook_endpoints FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_endpoints webhook_endpoints_backup; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_backup ON public.webhook_endpoints FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_endpoints webhook_endpoints_definer; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_definer ON public.webhook_endpoints FOR SELECT TO fanfare_definer USING (true);

-- Name: webhook_endpoints webhook_endpoints_definer_update; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_definer_update ON public.webhook_endpoints FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (false);

-- Name: webhook_endpoints webhook_endpoints_delete; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_delete ON public.webhook_endpoints FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_endpoints webhook_endpoints_erase; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_erase ON public.webhook_endpoints FOR DELETE TO fanfare_definer USING (true);

-- Name: webhook_endpoints webhook_endpoints_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_insert ON public.webhook_endpoints FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_endpoints webhook_endpoints_select; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_select ON public.webhook_endpoints FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: webhook_endpoints webhook_endpoints_tenant; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_tenant ON public.webhook_endpoints AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_endpoints webhook_endpoints_update; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_update ON public.webhook_endpoints FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_endpoints webhook_endpoints_worker_select; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_worker_select ON public.webhook_endpoints FOR SELECT TO fanfare_worker USING (true);

-- Name: webhook_endpoints webhook_endpoints_worker_update; Type: POLICY; Schema: public

CREATE POLICY webhook_endpoints_worker_update ON public.webhook_endpoints FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: webhook_secrets; Type: ROW SECURITY; Schema: public

ALTER TABLE public.webhook_secrets ENABLE ROW LEVEL SECURITY;

-- Name: webhook_secrets webhook_secrets_admin_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_admin_insert ON public.webhook_secrets FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_secrets webhook_secrets_admin_update; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_admin_update ON public.webhook_secrets FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: webhook_secrets webhook_secrets_backup; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_backup ON public.webhook_secrets FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_secrets webhook_secrets_definer; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_definer ON public.webhook_secrets FOR SELECT TO fanfare_definer USING (true);

-- Name: webhook_secrets webhook_secrets_definer_update; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_definer_update ON public.webhook_secrets FOR UPDATE TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: webhook_secrets webhook_secrets_erase; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_erase ON public.webhook_secrets FOR DELETE TO fanfare_definer USING (true);

-- Name: webhook_secrets webhook_secrets_insert; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_insert ON public.webhook_secrets FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_secrets webhook_secrets_select; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_select ON public.webhook_secrets FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: webhook_secrets webhook_secrets_tenant; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_tenant ON public.webhook_secrets AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: webhook_secrets webhook_secrets_update; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_update ON public.webhook_secrets FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: webhook_secrets webhook_secrets_worker_select; Type: POLICY; Schema: public

CREATE POLICY webhook_secrets_worker_select ON public.webhook_secrets FOR SELECT TO fanfare_worker USING (true);

-- Name: workers; Type: ROW SECURITY; Schema: public

ALTER TABLE public.workers ENABLE ROW LEVEL SECURITY;

-- Name: workers workers_definer; Type: POLICY; Schema: public

CREATE POLICY workers_definer ON public.workers FOR SELECT TO fanfare_definer USING (true);

-- Name: workers workers_worker; Type: POLICY; Schema: public

CREATE POLICY workers_worker ON public.workers TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: workspace_policies; Type: ROW SECURITY; Schema: public

ALTER TABLE public.workspace_policies ENABLE ROW LEVEL SECURITY;

-- Name: workspace_policies workspace_policies_admin_insert; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_admin_insert ON public.workspace_policies FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.administers() AS administers));

-- Name: workspace_policies workspace_policies_admin_update; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_admin_update ON public.workspace_policies FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK (( SELECT tenancy.administers() AS administers));

-- Name: workspace_policies workspace_policies_backup; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_backup ON public.workspace_policies FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: workspace_policies workspace_policies_definer; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_definer ON public.workspace_policies FOR SELECT TO fanfare_definer USING (true);

-- Name: workspace_policies workspace_policies_erase; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_erase ON public.workspace_policies FOR DELETE TO fanfare_definer USING (true);

-- Name: workspace_policies workspace_policies_insert; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_insert ON public.workspace_policies FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.member_role() AS member_role) = 'owner'::text));

-- Name: workspace_policies workspace_policies_select; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_select ON public.workspace_policies FOR SELECT TO fanfare_user, fanfare_admin USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin));

-- Name: workspace_policies workspace_policies_tenant; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_tenant ON public.workspace_policies AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: workspace_policies workspace_policies_update; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_update ON public.workspace_policies FOR UPDATE TO fanfare_user USING (( SELECT tenancy.reads_as_admin() AS reads_as_admin)) WITH CHECK ((( SELECT tenancy.member_role() AS member_role) = 'owner'::text));

-- Name: workspace_policies workspace_policies_worker; Type: POLICY; Schema: public

CREATE POLICY workspace_policies_worker ON public.workspace_policies FOR SELECT TO fanfare_worker USING (true);

-- Name: workspaces; Type: ROW SECURITY; Schema: public

ALTER TABLE public.workspaces ENABLE ROW LEVEL SECURITY;

-- Name: workspaces workspaces_backup; Type: POLICY; Schema: public

CREATE POLICY workspaces_backup ON public.workspaces FOR SELECT TO fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: workspaces workspaces_definer; Type: POLICY; Schema: public

CREATE POLICY workspaces_definer ON public.workspaces TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: workspaces workspaces_select; Type: POLICY; Schema: public

CREATE POLICY workspaces_select ON public.workspaces FOR SELECT TO fanfare_user, fanfare_agent, fanfare_admin USING (
CASE ( SELECT tenancy.reach_of_files() AS reach_of_files)
    WHEN 'all'::text THEN true
    WHEN 'own'::text THEN (space_id IS NULL)
    WHEN 'space'::text THEN (space_id = ( SELECT tenancy.space_id() AS space_id))
    ELSE false
END);

-- Name: workspaces workspaces_tenant; Type: POLICY; Schema: public

CREATE POLICY workspaces_tenant ON public.workspaces AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_backup USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: workspaces workspaces_worker; Type: POLICY; Schema: public

CREATE POLICY workspaces_worker ON public.workspaces FOR SELECT TO fanfare_worker USING (true);

-- Name: workspaces workspaces_worker_update; Type: POLICY; Schema: public

CREATE POLICY workspaces_worker_update ON public.workspaces FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: river_job; Type: ROW SECURITY; Schema: river

ALTER TABLE river.river_job ENABLE ROW LEVEL SECURITY;

-- Name: river_job river_job_admin_insert; Type: POLICY; Schema: river

CREATE POLICY river_job_admin_insert ON river.river_job FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.has_system_role('manager'::text) AS has_system_role) AND (state = ANY (ARRAY['available'::river.river_job_state, 'scheduled'::river.river_job_state])) AND (attempt = 0)));

-- Name: river_job river_job_admin_update; Type: POLICY; Schema: river

CREATE POLICY river_job_admin_update ON river.river_job FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (true);

-- Name: river_job river_job_agent_insert; Type: POLICY; Schema: river

CREATE POLICY river_job_agent_insert ON river.river_job FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND (kind = 'publish'::text) AND (state = ANY (ARRAY['available'::river.river_job_state, 'scheduled'::river.river_job_state])) AND (attempt = 0) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.platform_posts s
  WHERE ((s.customer_id = river_job.customer_id) AND (s.id = ((river_job.args ->> 'platform_post_id'::text))::uuid) AND (s.post_id = ((river_job.args ->> 'post_id'::text))::uuid)))))));

-- Name: river_job river_job_agent_insert_pairing; Type: POLICY; Schema: river

CREATE POLICY river_job_agent_insert_pairing ON river.river_job FOR INSERT TO fanfare_agent WITH CHECK ((( SELECT tenancy.has_permission('spaces:pair'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL) AND (kind = 'expire_pairing'::text) AND (state = ANY (ARRAY['available'::river.river_job_state, 'scheduled'::river.river_job_state])) AND (attempt = 0)));

-- Name: river_job river_job_agent_select; Type: POLICY; Schema: river

CREATE POLICY river_job_agent_select ON river.river_job FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_any_permission(VARIADIC ARRAY['jobs:read'::text, 'posts:publish'::text]) AS has_any_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = river_job.customer_id) AND (s.id = ((river_job.args ->> 'post_id'::text))::uuid)))))));

-- Name: river_job river_job_agent_select_pairing; Type: POLICY; Schema: river

CREATE POLICY river_job_agent_select_pairing ON river.river_job FOR SELECT TO fanfare_agent USING ((( SELECT tenancy.has_permission('spaces:pair'::text) AS has_permission) AND (( SELECT tenancy.space_id() AS space_id) IS NULL) AND (kind = 'expire_pairing'::text)));

-- Name: river_job river_job_agent_update; Type: POLICY; Schema: river

CREATE POLICY river_job_agent_update ON river.river_job FOR UPDATE TO fanfare_agent USING ((( SELECT tenancy.has_permission('posts:publish'::text) AS has_permission) AND ((( SELECT tenancy.space_id() AS space_id) IS NULL) OR (EXISTS ( SELECT
   FROM public.posts s
  WHERE ((s.customer_id = river_job.customer_id) AND (s.id = ((river_job.args ->> 'post_id'::text))::uuid))))))) WITH CHECK (true);

-- Name: river_job river_job_definer; Type: POLICY; Schema: river

CREATE POLICY river_job_definer ON river.river_job TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: river_job river_job_erase; Type: POLICY; Schema: river

CREATE POLICY river_job_erase ON river.river_job FOR DELETE TO fanfare_definer USING (true);

-- Name: river_job river_job_erase_select; Type: POLICY; Schema: river

CREATE POLICY river_job_erase_select ON river.river_job FOR SELECT TO fanfare_definer USING (true);

-- Name: river_job river_job_insert; Type: POLICY; Schema: river

CREATE POLICY river_job_insert ON river.river_job FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('member'::text) AS has_role) AND (state = ANY (ARRAY['available'::river.river_job_state, 'scheduled'::river.river_job_state])) AND (attempt = 0)));

-- Name: river_job river_job_select; Type: POLICY; Schema: river

CREATE POLICY river_job_select ON river.river_job FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: river_job river_job_tenant; Type: POLICY; Schema: river

CREATE POLICY river_job_tenant ON river.river_job AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK (((customer_id = ( SELECT tenancy.customer_id() AS customer_id)) AND ((args ->> 'customer_id'::text) = (customer_id)::text)));

-- Name: river_job river_job_update; Type: POLICY; Schema: river

CREATE POLICY river_job_update ON river.river_job FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (true);

-- Name: river_job river_job_worker; Type: POLICY; Schema: river

CREATE POLICY river_job_worker ON river.river_job TO fanfare_worker USING (true) WITH CHECK ((NOT ((args ->> 'customer_id'::text) IS DISTINCT FROM (customer_id)::text)));

-- Name: SCHEMA public; Type: ACL; Schema: -

REVOKE USAGE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO fanfare_login;
GRANT USAGE ON SCHEMA public TO fanfare_user;
GRANT USAGE ON SCHEMA public TO fanfare_agent;
GRANT USAGE ON SCHEMA public TO fanfare_admin;
GRANT USAGE ON SCHEMA public TO fanfare_worker;
GRANT USAGE ON SCHEMA public TO fanfare_definer;
GRANT USAGE ON SCHEMA public TO fanfare_backup;

-- Name: SCHEMA river; Type: ACL; Schema: -

GRANT USAGE ON SCHEMA river TO fanfare_login;
GRANT USAGE ON SCHEMA river TO fanfare_user;
GRANT USAGE ON SCHEMA river TO fanfare_admin;
GRANT USAGE ON SCHEMA river TO fanfare_worker;
GRANT USAGE ON SCHEMA river TO fanfare_definer;
GRANT USAGE ON SCHEMA river TO fanfare_agent;

-- Name: SCHEMA river_seen; Type: ACL; Schema: -

GRANT USAGE ON SCHEMA river_seen TO fanfare_definer;
GRANT USAGE ON SCHEMA river_seen TO fanfare_admin;

-- Name: SCHEMA tenancy; Type: ACL; Schema: -

GRANT USAGE ON SCHEMA tenancy TO fanfare_login;
GRANT USAGE ON SCHEMA tenancy TO fanfare_user;
GRANT USAGE ON SCHEMA tenancy TO fanfare_agent;
GRANT USAGE ON SCHEMA tenancy TO fanfare_admin;
GRANT USAGE ON SCHEMA tenancy TO fanfare_worker;
GRANT ALL ON SCHEMA tenancy TO fanfare_definer;
GRANT USAGE ON SCHEMA tenancy TO fanfare_backup;

-- Name: FUNCTION lo_creat(integer); Type: ACL; Schema: pg_catalog

REVOKE ALL ON FUNCTION pg_catalog.lo_creat(integer) FROM PUBLIC;

-- Name: FUNCTION lo_create(oid); Type: ACL; Schema: pg_catalog

REVOKE ALL ON FUNCTION pg_catalog.lo_create(oid) FROM PUBLIC;

-- Name: FUNCTION lo_from_bytea(oid, bytea); Type: ACL; Schema: pg_catalog

REVOKE ALL ON FUNCTION pg_catalog.lo_from_bytea(oid, bytea) FROM PUBLIC;

-- Name: FUNCTION set_config(text, text, boolean); Type: ACL; Schema: pg_catalog

REVOKE ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) TO fanfare_owner;
GRANT ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) TO fanfare_definer;
GRANT ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) TO fanfare_login;
GRANT ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) TO fanfare_worker;
GRANT ALL ON FUNCTION pg_catalog.set_config(text, text, boolean) TO fanfare_backup;

-- Name: FUNCTION river_job_state_in_bitmask(bitmask bit, state river.river_job_state); Type: ACL; Schema: river

REVOKE ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) FROM PUBLIC;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_user;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_admin;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_worker;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_definer;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_agent;

-- Name: FUNCTION accept_invitation(p_token_hash bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.accept_invitation(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.accept_invitation(p_token_hash bytea) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.accept_invitation(p_token_hash bytea) TO fanfare_admin;

-- Name: FUNCTION key_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.key_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.key_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.key_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.key_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.key_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.key_id() TO fanfare_definer;

-- Name: FUNCTION space_person_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.space_person_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.space_person_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.space_person_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.space_person_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.space_person_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.space_person_id() TO fanfare_definer;

-- Name: FUNCTION token_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.token_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.token_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.token_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.token_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.token_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.token_id() TO fanfare_definer;

-- Name: FUNCTION user_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_definer;

-- Name: FUNCTION actor_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.actor_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_definer;
GRANT ALL ON FUNCTION tenancy.actor_id() TO fanfare_login;

-- Name: FUNCTION acts_for(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.acts_for() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.acts_for() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.acts_for() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.acts_for() TO fanfare_admin;

-- Name: FUNCTION add_agent_token_key(p_id uuid, p_sealed bytea, p_key_id bigint, p_unusable uuid[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.add_agent_token_key(p_id uuid, p_sealed bytea, p_key_id bigint, p_unusable uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.add_agent_token_key(p_id uuid, p_sealed bytea, p_key_id bigint, p_unusable uuid[]) TO fanfare_login;

-- Name: FUNCTION add_up_usage(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.add_up_usage(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.add_up_usage(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION administers(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.administers() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.administers() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.administers() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.administers() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.administers() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.administers() TO fanfare_definer;

-- Name: FUNCTION agent_token_keys(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.agent_token_keys() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.agent_token_keys() TO fanfare_login;

-- Name: FUNCTION agree_with_platform_posts(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.agree_with_platform_posts() FROM PUBLIC;

-- Name: FUNCTION append_attempt(p_log jsonb, p_attempt jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.append_attempt(p_log jsonb, p_attempt jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.append_attempt(p_log jsonb, p_attempt jsonb) TO fanfare_worker;

-- Name: FUNCTION apply_file_change(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.apply_file_change(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.apply_file_change(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.apply_file_change(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.apply_file_change(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.approval(OUT required boolean, OUT approver_role text, OUT self_approval boolean) TO fanfare_worker;

-- Name: FUNCTION archive_workspace(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.archive_workspace(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.archive_workspace(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.archive_workspace(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION audit_change(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_change() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_change() TO fanfare_owner;

-- Name: TABLE audit_log; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.audit_log TO fanfare_worker;
GRANT SELECT,INSERT,DELETE ON TABLE public.audit_log TO fanfare_definer;
GRANT SELECT ON TABLE public.audit_log TO fanfare_backup;

-- Name: COLUMN audit_log.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.audit_log TO fanfare_definer;

-- Name: COLUMN audit_log.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.audit_log TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.audit_log TO fanfare_definer;

-- Name: COLUMN audit_log.id; Type: ACL; Schema: public

GRANT SELECT(id) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(id) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(id) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.occurred_at; Type: ACL; Schema: public

GRANT SELECT(occurred_at) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(occurred_at) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(occurred_at) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.actor_kind; Type: ACL; Schema: public

GRANT SELECT(actor_kind) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(actor_kind) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(actor_kind) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.actor_id; Type: ACL; Schema: public

GRANT SELECT(actor_id) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(actor_id) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(actor_id) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.system_role; Type: ACL; Schema: public

GRANT SELECT(system_role) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(system_role) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(system_role) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.reason; Type: ACL; Schema: public

GRANT SELECT(reason) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(reason) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(reason) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.action; Type: ACL; Schema: public

GRANT SELECT(action) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(action) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(action) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.resource_type; Type: ACL; Schema: public

GRANT SELECT(resource_type) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(resource_type) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(resource_type) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.resource_id; Type: ACL; Schema: public

GRANT SELECT(resource_id) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(resource_id) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(resource_id) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.changes; Type: ACL; Schema: public

GRANT SELECT(changes) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(changes) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(changes) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.request_id; Type: ACL; Schema: public

GRANT SELECT(request_id) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(request_id) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(request_id) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.ip; Type: ACL; Schema: public

GRANT SELECT(ip) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(ip) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(ip) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.user_agent; Type: ACL; Schema: public

GRANT SELECT(user_agent) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(user_agent) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(user_agent) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.operation; Type: ACL; Schema: public

GRANT SELECT(operation) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(operation) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(operation) ON TABLE public.audit_log TO fanfare_admin;

-- Name: COLUMN audit_log.database_role; Type: ACL; Schema: public

GRANT SELECT(database_role) ON TABLE public.audit_log TO fanfare_user;
GRANT SELECT(database_role) ON TABLE public.audit_log TO fanfare_agent;
GRANT SELECT(database_role) ON TABLE public.audit_log TO fanfare_admin;

-- Name: FUNCTION audit_context(p_action text, p_resource_type text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_context(p_action text, p_resource_type text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_context(p_action text, p_resource_type text) TO fanfare_definer;

-- Name: FUNCTION audit_customer_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_customer_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_customer_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.audit_customer_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.audit_customer_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.audit_customer_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.audit_customer_id() TO fanfare_backup;

-- Name: FUNCTION audit_cut(p_value jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_cut(p_value jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_cut(p_value jsonb) TO fanfare_definer;

-- Name: FUNCTION audit_deleted_messages(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_deleted_messages() FROM PUBLIC;

-- Name: FUNCTION audit_digest(r public.audit_log); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_digest(r public.audit_log) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_digest(r public.audit_log) TO fanfare_definer;

-- Name: FUNCTION audit_event(p_customer_id uuid, p_action text, p_resource_type text, p_resource_id text, p_details jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_event(p_customer_id uuid, p_action text, p_resource_type text, p_resource_id text, p_details jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_event(p_customer_id uuid, p_action text, p_resource_type text, p_resource_id text, p_details jsonb) TO fanfare_owner;

-- Name: FUNCTION audit_id(p_at timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_id(p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_id(p_at timestamp with time zone) TO fanfare_definer;

-- Name: FUNCTION audit_row(r public.audit_log, p_customer_id uuid, p_resource_id text, p_changes jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_row(r public.audit_log, p_customer_id uuid, p_resource_id text, p_changes jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_row(r public.audit_log, p_customer_id uuid, p_resource_id text, p_changes jsonb) TO fanfare_definer;

-- Name: FUNCTION audit_table(p_table regclass, p_resource text, p_id_column text, p_secret text[], p_ignored text[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_table(p_table regclass, p_resource text, p_id_column text, p_secret text[], p_ignored text[]) FROM PUBLIC;

-- Name: FUNCTION audit_value(p_value jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_value(p_value jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_value(p_value jsonb) TO fanfare_definer;

-- Name: FUNCTION audit_write(r public.audit_log); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.audit_write(r public.audit_log) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.audit_write(r public.audit_log) TO fanfare_definer;

-- Name: FUNCTION authorizations_to_do(p_platforms text[], p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.authorizations_to_do(p_platforms text[], p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.authorizations_to_do(p_platforms text[], p_limit integer) TO fanfare_worker;

-- Name: FUNCTION authorizations_to_remind(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.authorizations_to_remind(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.authorizations_to_remind(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION back_up(p_table regclass); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.back_up(p_table regclass) FROM PUBLIC;

-- Name: FUNCTION backed_up_users(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.backed_up_users() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.backed_up_users() TO fanfare_backup;

-- Name: FUNCTION backup_health(p_late interval, p_drill_late interval); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.backup_health(p_late interval, p_drill_late interval) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.backup_health(p_late interval, p_drill_late interval) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.backup_health(p_late interval, p_drill_late interval) TO fanfare_login;

-- Name: FUNCTION backups_to_do(p_drill_every interval, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.backups_to_do(p_drill_every interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.backups_to_do(p_drill_every interval, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_admin;

-- Name: FUNCTION begin_login_revocation(p_authorization_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.begin_login_revocation(p_authorization_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.begin_login_revocation(p_authorization_id uuid) TO fanfare_worker;

-- Name: FUNCTION begin_login_revocation_of_erased(p_erasure uuid, p_authorization_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.begin_login_revocation_of_erased(p_erasure uuid, p_authorization_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.begin_login_revocation_of_erased(p_erasure uuid, p_authorization_id uuid) TO fanfare_worker;

-- Name: FUNCTION begin_measuring(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.begin_measuring() FROM PUBLIC;

-- Name: FUNCTION begin_night(p_night date, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.begin_night(p_night date, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.begin_night(p_night date, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION bot_credential(p_platform text, p_bot text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.bot_credential(p_platform text, p_bot text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.bot_credential(p_platform text, p_bot text) TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.bot_credential(p_platform text, p_bot text) TO fanfare_worker;

-- Name: FUNCTION bot_held(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.bot_held(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.bot_held(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.bot_held(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.bot_held(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION bots_of(p_platform text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.bots_of(p_platform text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.bots_of(p_platform text) TO fanfare_worker;

-- Name: FUNCTION cancel_jobs(p_post_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) TO fanfare_agent;

-- Name: FUNCTION charge(p_customer uuid, p_caller text, p_endpoint text, p_quota integer, p_window integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.charge(p_customer uuid, p_caller text, p_endpoint text, p_quota integer, p_window integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.charge(p_customer uuid, p_caller text, p_endpoint text, p_quota integer, p_window integer) TO fanfare_definer;

-- Name: FUNCTION charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) TO fanfare_login;

-- Name: FUNCTION charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean) TO fanfare_login;

-- Name: FUNCTION charge_person(p_endpoint text, p_quota integer, p_window integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.charge_person(p_endpoint text, p_quota integer, p_window integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.charge_person(p_endpoint text, p_quota integer, p_window integer) TO fanfare_login;

-- Name: FUNCTION chat_holder(p_platform text, p_bot text, p_team text, p_kind text, p_chat text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.chat_holder(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.chat_holder(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) TO fanfare_worker;

-- Name: FUNCTION chat_permissions(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.chat_permissions() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.chat_permissions() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.chat_permissions() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.chat_permissions() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.chat_permissions() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.chat_permissions() TO fanfare_definer;

-- Name: FUNCTION chat_waits(p_platform text, p_bot text, p_team text, p_kind text, p_chat text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.chat_waits(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.chat_waits(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) TO fanfare_worker;

-- Name: FUNCTION chats_of_team(p_platform text, p_bot text, p_team text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.chats_of_team(p_platform text, p_bot text, p_team text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.chats_of_team(p_platform text, p_bot text, p_team text) TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.chats_of_team(p_platform text, p_bot text, p_team text) TO fanfare_worker;

-- Name: FUNCTION chats_to_do(p_share integer, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.chats_to_do(p_share integer, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.chats_to_do(p_share integer, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION check_limit(p_quota integer, p_window integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.check_limit(p_quota integer, p_window integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.check_limit(p_quota integer, p_window integer) TO fanfare_definer;

-- Name: FUNCTION check_time_zone(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.check_time_zone() FROM PUBLIC;

-- Name: FUNCTION claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea, OUT claimed boolean, OUT fingerprint bytea, OUT answer bytea) TO fanfare_admin;

-- Name: FUNCTION claim_login(p_customer_id uuid, p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.claim_login(p_customer_id uuid, p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.claim_login(p_customer_id uuid, p_id uuid) TO fanfare_definer;

-- Name: FUNCTION clean_workspaces(p_ids uuid[], p_unused_days integer, p_archive_days integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.clean_workspaces(p_ids uuid[], p_unused_days integer, p_archive_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.clean_workspaces(p_ids uuid[], p_unused_days integer, p_archive_days integer) TO fanfare_owner;

-- Name: FUNCTION connect_session_secret(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.connect_session_secret(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.connect_session_secret(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.connect_session_secret(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION content_changed(p_customer_id uuid, p_post_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.content_changed(p_customer_id uuid, p_post_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.content_changed(p_customer_id uuid, p_post_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.content_changed(p_customer_id uuid, p_post_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.content_changed(p_customer_id uuid, p_post_id uuid) TO fanfare_admin;

-- Name: FUNCTION copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamp with time zone) TO fanfare_worker;

-- Name: FUNCTION count_embedding(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_embedding() FROM PUBLIC;

-- Name: FUNCTION count_message(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_message() FROM PUBLIC;

-- Name: FUNCTION count_old_credentials(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_old_credentials() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.count_old_credentials() TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.count_old_credentials() TO fanfare_worker;

-- Name: FUNCTION count_published(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_published() FROM PUBLIC;

-- Name: FUNCTION count_sealed(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_sealed() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.count_sealed() TO fanfare_worker;

-- Name: FUNCTION count_usage(p_kind text, p_count bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_usage(p_kind text, p_count bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.count_usage(p_kind text, p_count bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.count_usage(p_kind text, p_count bigint) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.count_usage(p_kind text, p_count bigint) TO fanfare_admin;

-- Name: FUNCTION count_workspaces(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.count_workspaces() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.count_workspaces() TO fanfare_worker;

-- Name: FUNCTION create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) TO fanfare_admin;

-- Name: FUNCTION customer_health(p_customer_id uuid, OUT waiting bigint, OUT problems bigint, OUT accounts bigint, OUT next_post_at timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_health(p_customer_id uuid, OUT waiting bigint, OUT problems bigint, OUT accounts bigint, OUT next_post_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_health(p_customer_id uuid, OUT waiting bigint, OUT problems bigint, OUT accounts bigint, OUT next_post_at timestamp with time zone) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_health(p_customer_id uuid, OUT waiting bigint, OUT problems bigint, OUT accounts bigint, OUT next_post_at timestamp with time zone) TO fanfare_admin;

-- Name: FUNCTION customer_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_definer;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_backup;

-- Name: FUNCTION customer_ids(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_definer;

-- Name: FUNCTION customer_name(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_name() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_name() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_name() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.customer_name() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.customer_name() TO fanfare_worker;

-- Name: FUNCTION date_problem(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.date_problem() FROM PUBLIC;

-- Name: FUNCTION delete_expired_connect_sessions(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.delete_expired_connect_sessions(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.delete_expired_connect_sessions(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION delete_expired_idempotency_keys(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.delete_expired_idempotency_keys(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.delete_expired_idempotency_keys(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION delete_expired_tokens(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.delete_expired_tokens(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.delete_expired_tokens(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION drop_file_change(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.drop_file_change(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.drop_file_change(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.drop_file_change(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.drop_file_change(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION end_authorization(p_authorization_id uuid, p_version bigint, p_outcome text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.end_authorization(p_authorization_id uuid, p_version bigint, p_outcome text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.end_authorization(p_authorization_id uuid, p_version bigint, p_outcome text) TO fanfare_worker;

-- Name: FUNCTION end_credential_moves(p_customer_id uuid, p_owner_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.end_credential_moves(p_customer_id uuid, p_owner_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.end_credential_moves(p_customer_id uuid, p_owner_id uuid) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.end_credential_moves(p_customer_id uuid, p_owner_id uuid) TO fanfare_owner;

-- Name: TABLE llm_reservations; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.llm_reservations TO fanfare_definer;
GRANT SELECT ON TABLE public.llm_reservations TO fanfare_backup;

-- Name: FUNCTION end_llm(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.end_llm(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.end_llm(p_id uuid) TO fanfare_definer;

-- Name: FUNCTION end_login_revocation(p_authorization_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.end_login_revocation(p_authorization_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.end_login_revocation(p_authorization_id uuid) TO fanfare_worker;

-- Name: FUNCTION enter_as_agent(p_key_id uuid, p_token_id uuid, p_own_customer uuid, p_customer_id uuid, p_archived boolean, p_permissions text[], p_needs text[], p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_as_agent(p_key_id uuid, p_token_id uuid, p_own_customer uuid, p_customer_id uuid, p_archived boolean, p_permissions text[], p_needs text[], p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_as_agent(p_key_id uuid, p_token_id uuid, p_own_customer uuid, p_customer_id uuid, p_archived boolean, p_permissions text[], p_needs text[], p_request text) TO fanfare_definer;

-- Name: FUNCTION enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) TO fanfare_login;

-- Name: FUNCTION enter_connect(p_state_hash bytea, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_connect(p_state_hash bytea, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_connect(p_state_hash bytea, p_request text) TO fanfare_login;

-- Name: FUNCTION enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) TO fanfare_login;

-- Name: FUNCTION enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) TO fanfare_login;

-- Name: FUNCTION enter_user(p_subject text, p_customer_id uuid, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) TO fanfare_login;

-- Name: FUNCTION enter_worker(p_customer_id uuid, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) TO fanfare_worker;

-- Name: FUNCTION erase_step(p_erasure uuid, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.erase_step(p_erasure uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.erase_step(p_erasure uuid, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION erased_columns(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.erased_columns() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.erased_columns() TO fanfare_definer;

-- Name: FUNCTION erasing_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.erasing_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.erasing_id() TO fanfare_definer;

-- Name: FUNCTION expire_llm(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.expire_llm(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.expire_llm(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION exports_to_do(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.exports_to_do(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.exports_to_do(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION find_credential(p_integration_id uuid, p_purpose text, OUT credential bytea, OUT old_credential_id uuid, OUT deadline timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_credential(p_integration_id uuid, p_purpose text, OUT credential bytea, OUT old_credential_id uuid, OUT deadline timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_credential(p_integration_id uuid, p_purpose text, OUT credential bytea, OUT old_credential_id uuid, OUT deadline timestamp with time zone) TO fanfare_worker;

-- Name: FUNCTION find_llm_credential(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_llm_credential() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_llm_credential() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.find_llm_credential() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.find_llm_credential() TO fanfare_admin;

-- Name: FUNCTION find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.find_messages(p_space_id uuid, p_query text, p_before uuid, p_limit integer) TO fanfare_admin;

-- Name: FUNCTION find_old_owner(p_owner text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_old_owner(p_owner text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_old_owner(p_owner text) TO fanfare_owner;

-- Name: FUNCTION find_pairing_by_code(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_code text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_pairing_by_code(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_code text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_pairing_by_code(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_code text) TO fanfare_worker;

-- Name: FUNCTION find_pairing_by_link(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_link_hash bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_pairing_by_link(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_link_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_pairing_by_link(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_link_hash bytea) TO fanfare_worker;

-- Name: FUNCTION find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.find_posts(p_words text, p_campaign_id uuid, p_states text[], p_platform text, p_integration_id uuid, p_space_id uuid, p_by_time boolean, p_before_time timestamp with time zone, p_before uuid, p_limit integer) TO fanfare_admin;

-- Name: FUNCTION finish_erasure(p_erasure uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.finish_erasure(p_erasure uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.finish_erasure(p_erasure uuid) TO fanfare_worker;

-- Name: FUNCTION finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) TO fanfare_admin;

-- Name: FUNCTION follow_alt_text(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_alt_text() FROM PUBLIC;

-- Name: FUNCTION follow_authorization(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_authorization() FROM PUBLIC;

-- Name: FUNCTION follow_customer_name(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_customer_name() FROM PUBLIC;

-- Name: FUNCTION follow_customer_webhooks(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_customer_webhooks() FROM PUBLIC;

-- Name: FUNCTION follow_disconnection(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_disconnection() FROM PUBLIC;

-- Name: FUNCTION follow_email_template(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_email_template() FROM PUBLIC;

-- Name: FUNCTION follow_last_account(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_last_account() FROM PUBLIC;

-- Name: FUNCTION follow_media_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_media_content() FROM PUBLIC;

-- Name: FUNCTION follow_memory_text(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_memory_text() FROM PUBLIC;

-- Name: FUNCTION follow_platform_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_platform_post() FROM PUBLIC;

-- Name: FUNCTION follow_platform_post_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_platform_post_content() FROM PUBLIC;

-- Name: FUNCTION follow_post_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_post_content() FROM PUBLIC;

-- Name: FUNCTION follow_recurring_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_recurring_content() FROM PUBLIC;

-- Name: FUNCTION follow_recurring_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_recurring_post() FROM PUBLIC;

-- Name: FUNCTION follow_removed_bot(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_removed_bot() FROM PUBLIC;

-- Name: FUNCTION follow_webhook_state(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_webhook_state() FROM PUBLIC;

-- Name: FUNCTION forget_bot(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_bot() FROM PUBLIC;

-- Name: FUNCTION forget_chat(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_chat() FROM PUBLIC;

-- Name: FUNCTION forget_erased(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_erased() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.forget_erased() TO fanfare_worker;

-- Name: FUNCTION forget_rate_limit(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_rate_limit() FROM PUBLIC;

-- Name: FUNCTION forget_watched(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_watched() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.forget_watched() TO fanfare_worker;

-- Name: FUNCTION forget_webhooks(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.forget_webhooks(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.forget_webhooks(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION free_slot(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.free_slot() FROM PUBLIC;

-- Name: FUNCTION freeze_job(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.freeze_job() FROM PUBLIC;

-- Name: FUNCTION give_up_webhooks(p_keep integer, p_problem text, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.give_up_webhooks(p_keep integer, p_problem text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.give_up_webhooks(p_keep integer, p_problem text, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION guard_agent_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_agent_content() FROM PUBLIC;

-- Name: FUNCTION guard_authorization(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_authorization() FROM PUBLIC;

-- Name: FUNCTION guard_backup(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_backup() FROM PUBLIC;

-- Name: FUNCTION guard_bot(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_bot() FROM PUBLIC;

-- Name: FUNCTION guard_bot_update(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_bot_update() FROM PUBLIC;

-- Name: FUNCTION guard_chat_of_bot(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_chat_of_bot() FROM PUBLIC;

-- Name: FUNCTION guard_connect_session(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_connect_session() FROM PUBLIC;

-- Name: FUNCTION guard_credential(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_credential() FROM PUBLIC;

-- Name: FUNCTION guard_customer(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_customer() FROM PUBLIC;

-- Name: FUNCTION guard_email_template(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_email_template() FROM PUBLIC;

-- Name: FUNCTION guard_hold_of_erased(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_hold_of_erased() FROM PUBLIC;

-- Name: FUNCTION guard_integration(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_integration() FROM PUBLIC;

-- Name: FUNCTION guard_invitation(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_invitation() FROM PUBLIC;

-- Name: FUNCTION guard_mcp_server(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_mcp_server() FROM PUBLIC;

-- Name: FUNCTION guard_media(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_media() FROM PUBLIC;

-- Name: FUNCTION guard_media_of_space(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_media_of_space() FROM PUBLIC;

-- Name: FUNCTION guard_membership(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_membership() FROM PUBLIC;

-- Name: FUNCTION guard_name(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_name() FROM PUBLIC;

-- Name: FUNCTION guard_old_credential(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_old_credential() FROM PUBLIC;

-- Name: FUNCTION guard_pairing(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_pairing() FROM PUBLIC;

-- Name: FUNCTION guard_platform_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_platform_post() FROM PUBLIC;

-- Name: FUNCTION guard_platform_post_media(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_platform_post_media() FROM PUBLIC;

-- Name: FUNCTION guard_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_post() FROM PUBLIC;

-- Name: FUNCTION guard_post_media(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_post_media() FROM PUBLIC;

-- Name: FUNCTION guard_post_review(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_post_review() FROM PUBLIC;

-- Name: FUNCTION guard_recurring_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_recurring_content() FROM PUBLIC;

-- Name: FUNCTION guard_recurring_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_recurring_post() FROM PUBLIC;

-- Name: FUNCTION guard_restore(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_restore() FROM PUBLIC;

-- Name: FUNCTION guard_restored_backup(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_restored_backup() FROM PUBLIC;

-- Name: FUNCTION guard_revocation(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_revocation() FROM PUBLIC;

-- Name: FUNCTION guard_shown_media(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_shown_media() FROM PUBLIC;

-- Name: FUNCTION guard_space(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_space() FROM PUBLIC;

-- Name: FUNCTION guard_webhook(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_webhook() FROM PUBLIC;

-- Name: FUNCTION guard_webhook_delivery(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_webhook_delivery() FROM PUBLIC;

-- Name: FUNCTION guard_webhook_secret(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_webhook_secret() FROM PUBLIC;

-- Name: FUNCTION guard_workspace_policy(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_workspace_policy() FROM PUBLIC;

-- Name: FUNCTION permissions(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permissions() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permissions() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permissions() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permissions() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.permissions() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.permissions() TO fanfare_definer;

-- Name: FUNCTION has_any_permission(VARIADIC p_permissions text[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.has_any_permission(VARIADIC p_permissions text[]) TO fanfare_definer;

-- Name: FUNCTION has_permission(p_permission text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.has_permission(p_permission text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.has_permission(p_permission text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.has_permission(p_permission text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.has_permission(p_permission text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.has_permission(p_permission text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.has_permission(p_permission text) TO fanfare_definer;

-- Name: FUNCTION member_role(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.member_role() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.member_role() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.member_role() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.member_role() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.member_role() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.member_role() TO fanfare_definer;

-- Name: FUNCTION has_role(at_least text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.has_role(at_least text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.has_role(at_least text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.has_role(at_least text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.has_role(at_least text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.has_role(at_least text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.has_role(at_least text) TO fanfare_definer;

-- Name: FUNCTION has_space(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.has_space(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.has_space(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.has_space(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.has_space(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION has_system_role(at_least text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.has_system_role(at_least text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.has_system_role(at_least text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.has_system_role(at_least text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.has_system_role(at_least text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.has_system_role(at_least text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.has_system_role(at_least text) TO fanfare_definer;

-- Name: FUNCTION hold_customer(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.hold_customer() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.hold_customer() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.hold_customer() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.hold_customer() TO fanfare_agent;

-- Name: FUNCTION hold_email_template(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.hold_email_template() FROM PUBLIC;

-- Name: FUNCTION hold_login(p_connect_session_id uuid, p_login text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.hold_login(p_connect_session_id uuid, p_login text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.hold_login(p_connect_session_id uuid, p_login text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.hold_login(p_connect_session_id uuid, p_login text) TO fanfare_admin;

-- Name: FUNCTION hold_space(p_space_id uuid, p_person text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.hold_space(p_space_id uuid, p_person text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.hold_space(p_space_id uuid, p_person text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.hold_space(p_space_id uuid, p_person text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.hold_space(p_space_id uuid, p_person text) TO fanfare_admin;

-- Name: FUNCTION import_old_credential(p_id uuid, p_owner_id uuid, p_platform text, p_external_id text, p_name text, p_url text, p_credential bytea, p_key_id bigint, p_customer_ids uuid[], p_deadline timestamp with time zone, OUT problem text, OUT customer_id uuid, OUT changed boolean); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.import_old_credential(p_id uuid, p_owner_id uuid, p_platform text, p_external_id text, p_name text, p_url text, p_credential bytea, p_key_id bigint, p_customer_ids uuid[], p_deadline timestamp with time zone, OUT problem text, OUT customer_id uuid, OUT changed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.import_old_credential(p_id uuid, p_owner_id uuid, p_platform text, p_external_id text, p_name text, p_url text, p_credential bytea, p_key_id bigint, p_customer_ids uuid[], p_deadline timestamp with time zone, OUT problem text, OUT customer_id uuid, OUT changed boolean) TO fanfare_owner;

-- Name: FUNCTION in_shared_bots_chat(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.in_shared_bots_chat() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.in_shared_bots_chat() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.in_shared_bots_chat() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.in_shared_bots_chat() TO fanfare_admin;

-- Name: FUNCTION installation_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.installation_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_definer;
GRANT ALL ON FUNCTION tenancy.installation_id() TO fanfare_backup;

-- Name: FUNCTION integrations_to_check(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.integrations_to_check(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.integrations_to_check(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION is_settling(state text, problem_class text, external_id text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.is_settling(state text, problem_class text, external_id text) TO fanfare_definer;

-- Name: FUNCTION keep_content(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.keep_content() FROM PUBLIC;

-- Name: FUNCTION keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint) TO fanfare_admin;

-- Name: FUNCTION limit_memories(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.limit_memories() FROM PUBLIC;

-- Name: FUNCTION limit_recurring_posts(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.limit_recurring_posts() FROM PUBLIC;

-- Name: FUNCTION limit_webhooks(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.limit_webhooks() FROM PUBLIC;

-- Name: FUNCTION list_backups(p_customer_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.list_backups(p_customer_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.list_backups(p_customer_id uuid) TO fanfare_owner;

-- Name: FUNCTION list_workspaces(p_customer_id uuid, p_state text, p_unused_days integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.list_workspaces(p_customer_id uuid, p_state text, p_unused_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.list_workspaces(p_customer_id uuid, p_state text, p_unused_days integer) TO fanfare_owner;

-- Name: FUNCTION lock_login(p_platform text, p_external_id text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.lock_login(p_platform text, p_external_id text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.lock_login(p_platform text, p_external_id text) TO fanfare_definer;

-- Name: FUNCTION login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) TO fanfare_definer;

-- Name: FUNCTION maintain_audit(p_keep_months integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.maintain_audit(p_keep_months integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.maintain_audit(p_keep_months integer) TO fanfare_worker;

-- Name: FUNCTION make_audit_month(p_month timestamp without time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.make_audit_month(p_month timestamp without time zone) FROM PUBLIC;

-- Name: FUNCTION make_workspace(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.make_workspace() FROM PUBLIC;

-- Name: FUNCTION may_approve(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.may_approve() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.may_approve() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.may_approve() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.may_approve() TO fanfare_admin;

-- Name: FUNCTION may_connect_mcp(p_server_id uuid, p_person text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.may_connect_mcp(p_server_id uuid, p_person text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.may_connect_mcp(p_server_id uuid, p_person text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.may_connect_mcp(p_server_id uuid, p_person text) TO fanfare_admin;

-- Name: FUNCTION may_give_bots(p_customer_id uuid, p_user_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.may_give_bots(p_customer_id uuid, p_user_id uuid) FROM PUBLIC;

-- Name: FUNCTION mcp_registration(p_server_id uuid, p_person text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.mcp_registration(p_server_id uuid, p_person text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.mcp_registration(p_server_id uuid, p_person text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.mcp_registration(p_server_id uuid, p_person text) TO fanfare_admin;

-- Name: FUNCTION mcp_to_do(p_limit integer, p_of_customer integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.mcp_to_do(p_limit integer, p_of_customer integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.mcp_to_do(p_limit integer, p_of_customer integer) TO fanfare_worker;

-- Name: FUNCTION media_shown_elsewhere(p_media_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.media_shown_elsewhere(p_media_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.media_shown_elsewhere(p_media_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.media_shown_elsewhere(p_media_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.media_shown_elsewhere(p_media_id uuid) TO fanfare_admin;

-- Name: FUNCTION media_to_remove(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.media_to_remove(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.media_to_remove(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION memories_to_embed(p_model text, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.memories_to_embed(p_model text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.memories_to_embed(p_model text, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION month_of(p_at timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.month_of(p_at timestamp with time zone) TO fanfare_definer;

-- Name: FUNCTION nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.nearest_memories(p_space_id uuid, p_embedding real[], p_model text, p_limit integer) TO fanfare_admin;

-- Name: FUNCTION new_job_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.new_job_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_definer;

-- Name: FUNCTION nothing_entered(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.nothing_entered() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.nothing_entered() TO fanfare_definer;

-- Name: FUNCTION number_job(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.number_job() FROM PUBLIC;

-- Name: FUNCTION old_credential_of(p_owner_id uuid, p_platform text, p_external_id text, OUT id uuid, OUT credential bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.old_credential_of(p_owner_id uuid, p_platform text, p_external_id text, OUT id uuid, OUT credential bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.old_credential_of(p_owner_id uuid, p_platform text, p_external_id text, OUT id uuid, OUT credential bytea) TO fanfare_owner;

-- Name: FUNCTION old_credential_status(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.old_credential_status() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.old_credential_status() TO fanfare_owner;

-- Name: FUNCTION own_memberships(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.own_memberships() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.own_memberships() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.own_memberships() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.own_memberships() TO fanfare_agent;

-- Name: FUNCTION own_places(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.own_places() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.own_places() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.own_places() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.own_places() TO fanfare_admin;

-- Name: FUNCTION own_people(p_space_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.own_people(p_space_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.own_people(p_space_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.own_people(p_space_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.own_people(p_space_id uuid) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.own_people(p_space_id uuid) TO fanfare_definer;

-- Name: FUNCTION pairing_permissions(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.pairing_permissions() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.pairing_permissions() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.pairing_permissions() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.pairing_permissions() TO fanfare_admin;

-- Name: FUNCTION pairing_stands(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.pairing_stands(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.pairing_stands(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.pairing_stands(p_id uuid) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.pairing_stands(p_id uuid) TO fanfare_worker;

-- Name: FUNCTION pairing_state_of_code(p_code text, p_chat text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.pairing_state_of_code(p_code text, p_chat text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.pairing_state_of_code(p_code text, p_chat text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.pairing_state_of_code(p_code text, p_chat text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.pairing_state_of_code(p_code text, p_chat text) TO fanfare_admin;

-- Name: FUNCTION pairings_ready(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.pairings_ready(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.pairings_ready(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION permissions_known(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permissions_known() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permissions_known() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permissions_known() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permissions_known() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.permissions_known() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.permissions_known() TO fanfare_definer;

-- Name: FUNCTION permissions_of(p_role text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permissions_of(p_role text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permissions_of(p_role text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permissions_of(p_role text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permissions_of(p_role text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.permissions_of(p_role text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.permissions_of(p_role text) TO fanfare_definer;

-- Name: FUNCTION permissions_of_user(p_customer_id uuid, p_user_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permissions_of_user(p_customer_id uuid, p_user_id uuid) FROM PUBLIC;

-- Name: FUNCTION permit_admins(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_admins() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_admins() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_admins() TO fanfare_admin;

-- Name: FUNCTION permit_backups(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_backups() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_backups() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_backups() TO fanfare_admin;

-- Name: FUNCTION permit_conversations(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_conversations() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_conversations() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_conversations() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permit_conversations() TO fanfare_admin;

-- Name: FUNCTION permit_exports(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_exports() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_exports() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_exports() TO fanfare_admin;

-- Name: FUNCTION permit_pairing(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_pairing() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_pairing() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_pairing() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permit_pairing() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.permit_pairing() TO fanfare_definer;

-- Name: FUNCTION permit_tokens(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.permit_tokens() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.permit_tokens() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.permit_tokens() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.permit_tokens() TO fanfare_admin;

-- Name: FUNCTION person(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.person() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.person() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.person() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.person() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.person() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.person() TO fanfare_definer;

-- Name: FUNCTION plain_text(p_text text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.plain_text(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.plain_text(p_text text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.plain_text(p_text text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.plain_text(p_text text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.plain_text(p_text text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.plain_text(p_text text) TO fanfare_definer;

-- Name: FUNCTION post_query(p_customer_id uuid, p_words text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.post_query(p_customer_id uuid, p_words text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.post_query(p_customer_id uuid, p_words text) TO fanfare_definer;

-- Name: FUNCTION post_state(states text[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.post_state(states text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_definer;

-- Name: FUNCTION posts_to_measure(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.posts_to_measure(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.posts_to_measure(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION posts_with_media(p_customer_id uuid, p_media_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) TO fanfare_admin;

-- Name: FUNCTION queue_taken(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.queue_taken(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.queue_taken(p_limit integer) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.queue_taken(p_limit integer) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.queue_taken(p_limit integer) TO fanfare_admin;

-- Name: FUNCTION reach_of_files(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reach_of_files() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reach_of_files() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reach_of_files() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reach_of_files() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.reach_of_files() TO fanfare_definer;

-- Name: FUNCTION readiness(OUT schema_version text, OUT live_workers bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) TO fanfare_backup;

-- Name: FUNCTION system_role(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.system_role() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_definer;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_backup;

-- Name: FUNCTION reads_as_admin(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reads_as_admin() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reads_as_admin() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reads_as_admin() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.reads_as_admin() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reads_as_admin() TO fanfare_definer;

-- Name: FUNCTION reads_audit(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reads_audit() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reads_audit() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reads_audit() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reads_audit() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.reads_audit() TO fanfare_worker;

-- Name: FUNCTION reads_files(p_space_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reads_files(p_space_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reads_files(p_space_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reads_files(p_space_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reads_files(p_space_id uuid) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.reads_files(p_space_id uuid) TO fanfare_definer;

-- Name: FUNCTION reason_given(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reason_given() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reason_given() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reason_given() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reason_given() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.reason_given() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.reason_given() TO fanfare_definer;

-- Name: FUNCTION receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb) TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb) TO fanfare_worker;

-- Name: FUNCTION record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text) TO fanfare_login;

-- Name: FUNCTION recurring_posts_to_do(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.recurring_posts_to_do(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.recurring_posts_to_do(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text) TO fanfare_login;

-- Name: FUNCTION release_llm(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.release_llm(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.release_llm(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.release_llm(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.release_llm(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION remove_copies(p_customer_id uuid, p_recurrence_id uuid, p_after timestamp with time zone); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.remove_copies(p_customer_id uuid, p_recurrence_id uuid, p_after timestamp with time zone) FROM PUBLIC;

-- Name: FUNCTION request_erasure(p_id uuid, p_name text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.request_erasure(p_id uuid, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.request_erasure(p_id uuid, p_name text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.request_erasure(p_id uuid, p_name text) TO fanfare_admin;

-- Name: FUNCTION request_mcp_check(p_server_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.request_mcp_check(p_server_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.request_mcp_check(p_server_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.request_mcp_check(p_server_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.request_mcp_check(p_server_id uuid) TO fanfare_admin;

-- Name: FUNCTION reseal(p_table text, p_row_key text[], p_old bytea, p_new bytea, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reseal(p_table text, p_row_key text[], p_old bytea, p_new bytea, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reseal(p_table text, p_row_key text[], p_old bytea, p_new bytea, p_request text) TO fanfare_worker;

-- Name: FUNCTION reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reserve_llm(p_id uuid, p_kind text, p_own_key boolean, p_tokens bigint, p_cost_microusd bigint, p_monthly_tokens bigint, p_monthly_cost_microusd bigint, p_request text) TO fanfare_admin;

-- Name: FUNCTION reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) TO fanfare_admin;

-- Name: FUNCTION reserve_request(p_integration_id uuid, p_platform text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.reserve_request(p_integration_id uuid, p_platform text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.reserve_request(p_integration_id uuid, p_platform text) TO fanfare_worker;

-- Name: FUNCTION space_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.space_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.space_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.space_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.space_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.space_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.space_id() TO fanfare_definer;

-- Name: FUNCTION rights(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.rights() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.rights() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.rights() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.rights() TO fanfare_admin;

-- Name: FUNCTION seal_audit(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.seal_audit(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.seal_audit(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION sealed_by(p_sealed bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.sealed_by(p_sealed bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.sealed_by(p_sealed bytea) TO fanfare_definer;

-- Name: FUNCTION sealed_columns(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.sealed_columns() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.sealed_columns() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.sealed_columns() TO fanfare_definer;

-- Name: FUNCTION sealed_values(p_table text, p_key_id bigint, p_readable bigint[], p_after text[], p_limit integer, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.sealed_values(p_table text, p_key_id bigint, p_readable bigint[], p_after text[], p_limit integer, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.sealed_values(p_table text, p_key_id bigint, p_readable bigint[], p_after text[], p_limit integer, p_request text) TO fanfare_worker;

-- Name: FUNCTION search_query(p_query text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.search_query(p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.search_query(p_query text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.search_query(p_query text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.search_query(p_query text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.search_query(p_query text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.search_query(p_query text) TO fanfare_definer;

-- Name: FUNCTION settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.settle_llm(p_id uuid, p_input_tokens bigint, p_output_tokens bigint, p_cost_microusd bigint) TO fanfare_admin;

-- Name: FUNCTION shown_changed(p_customer_id uuid, p_post_ids uuid[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) TO fanfare_admin;

-- Name: FUNCTION snippet(p_text text, p_query text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.snippet(p_text text, p_query text) TO fanfare_definer;

-- Name: FUNCTION stranded_platform_posts(p_overdue interval, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.stranded_platform_posts(p_overdue interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.stranded_platform_posts(p_overdue interval, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION sweep_rate_limits(p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.sweep_rate_limits(p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.sweep_rate_limits(p_limit integer) TO fanfare_worker;

-- Name: FUNCTION take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) TO fanfare_admin;

-- Name: FUNCTION tell_change(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_change() FROM PUBLIC;

-- Name: FUNCTION tell_of_integration(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_of_integration() FROM PUBLIC;

-- Name: FUNCTION tell_of_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_of_post() FROM PUBLIC;

-- Name: FUNCTION tell_of_review(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_of_review() FROM PUBLIC;

-- Name: FUNCTION tell_pairing(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_pairing() FROM PUBLIC;

-- Name: FUNCTION tell_space(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_space() FROM PUBLIC;

-- Name: FUNCTION tell_webhooks(p_customer_id uuid, p_event text, p_data jsonb); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.tell_webhooks(p_customer_id uuid, p_event text, p_data jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.tell_webhooks(p_customer_id uuid, p_event text, p_data jsonb) TO fanfare_definer;

-- Name: FUNCTION time_zone(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.time_zone() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.time_zone() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.time_zone() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.time_zone() TO fanfare_admin;

-- Name: FUNCTION topic(p_customer_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.topic(p_customer_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.topic(p_customer_id uuid) TO fanfare_definer;

-- Name: FUNCTION touch(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.touch() FROM PUBLIC;

-- Name: FUNCTION touch_file_change(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.touch_file_change(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.touch_file_change(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.touch_file_change(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.touch_file_change(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION transition_allowed(entity text, from_state text, to_state text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_definer;

-- Name: FUNCTION unshare_of_token(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.unshare_of_token() FROM PUBLIC;

-- Name: FUNCTION usage_of_customers(p_month date, p_after uuid, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.usage_of_customers(p_month date, p_after uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.usage_of_customers(p_month date, p_after uuid, p_limit integer) TO fanfare_admin;

-- Name: FUNCTION use_authorization(p_authorization_id uuid, p_purpose text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_authorization(p_authorization_id uuid, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_authorization(p_authorization_id uuid, p_purpose text) TO fanfare_worker;

-- Name: FUNCTION use_authorizations_of_erased(p_erasure uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_authorizations_of_erased(p_erasure uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_authorizations_of_erased(p_erasure uuid) TO fanfare_worker;

-- Name: FUNCTION use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text, OUT outcome text, OUT id uuid, OUT redirect_uri text, OUT return_to text, OUT secret bytea); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text, OUT outcome text, OUT id uuid, OUT redirect_uri text, OUT return_to text, OUT secret bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text, OUT outcome text, OUT id uuid, OUT redirect_uri text, OUT return_to text, OUT secret bytea) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text, OUT outcome text, OUT id uuid, OUT redirect_uri text, OUT return_to text, OUT secret bytea) TO fanfare_admin;

-- Name: FUNCTION use_credential(p_integration_id uuid, p_purpose text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_credential(p_integration_id uuid, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_credential(p_integration_id uuid, p_purpose text) TO fanfare_worker;

-- Name: FUNCTION use_mcp_credential(p_id uuid, p_purpose text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_mcp_credential(p_id uuid, p_purpose text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_mcp_credential(p_id uuid, p_purpose text) TO fanfare_worker;

-- Name: FUNCTION use_mcp_credentials_of_erased(p_erasure uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_mcp_credentials_of_erased(p_erasure uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_mcp_credentials_of_erased(p_erasure uuid) TO fanfare_worker;

-- Name: FUNCTION use_workspace(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.use_workspace(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.use_workspace(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.use_workspace(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.use_workspace(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION warn_credential_moves(p_ahead interval); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.warn_credential_moves(p_ahead interval) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.warn_credential_moves(p_ahead interval) TO fanfare_worker;

-- Name: FUNCTION watch(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.watch() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.watch() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.watch() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.watch() TO fanfare_admin;

-- Name: FUNCTION webhook_post(p_customer_id uuid, p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.webhook_post(p_customer_id uuid, p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.webhook_post(p_customer_id uuid, p_id uuid) TO fanfare_definer;

-- Name: FUNCTION webhooks_due(p_endpoint_share integer, p_customer_share integer, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.webhooks_due(p_endpoint_share integer, p_customer_share integer, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.webhooks_due(p_endpoint_share integer, p_customer_share integer, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION withdraw_identity(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.withdraw_identity() FROM PUBLIC;

-- Name: FUNCTION withdraw_mcp_server(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.withdraw_mcp_server() FROM PUBLIC;

-- Name: FUNCTION withdraw_person(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.withdraw_person() FROM PUBLIC;

-- Name: FUNCTION withdraw_space(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.withdraw_space() FROM PUBLIC;

-- Name: FUNCTION words_of(p_text text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.words_of(p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.words_of(p_text text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.words_of(p_text text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.words_of(p_text text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.words_of(p_text text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.words_of(p_text text) TO fanfare_definer;

-- Name: FUNCTION words_of_space(p_space_id uuid, p_words tsvector); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.words_of_space(p_space_id uuid, p_words tsvector) TO fanfare_definer;

-- Name: FUNCTION words_of_post(p_customer_id uuid, p_title text, p_text text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.words_of_post(p_customer_id uuid, p_title text, p_text text) TO fanfare_definer;

-- Name: TABLE workspaces; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.workspaces TO fanfare_user;
GRANT SELECT ON TABLE public.workspaces TO fanfare_agent;
GRANT SELECT ON TABLE public.workspaces TO fanfare_admin;
GRANT SELECT ON TABLE public.workspaces TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workspaces TO fanfare_definer;
GRANT SELECT ON TABLE public.workspaces TO fanfare_backup;

-- Name: COLUMN workspaces.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.workspaces TO fanfare_definer;

-- Name: COLUMN workspaces.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.bytes; Type: ACL; Schema: public

GRANT UPDATE(bytes) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.entries; Type: ACL; Schema: public

GRANT UPDATE(entries) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.measured_at; Type: ACL; Schema: public

GRANT UPDATE(measured_at) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.last_used_at; Type: ACL; Schema: public

GRANT UPDATE(last_used_at) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.announced_at; Type: ACL; Schema: public

GRANT UPDATE(announced_at) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.wanted_at; Type: ACL; Schema: public

GRANT UPDATE(wanted_at) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.archived_at; Type: ACL; Schema: public

GRANT UPDATE(archived_at) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.archive_id; Type: ACL; Schema: public

GRANT UPDATE(archive_id) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.archive_sha256; Type: ACL; Schema: public

GRANT UPDATE(archive_sha256) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.archive_bytes; Type: ACL; Schema: public

GRANT UPDATE(archive_bytes) ON TABLE public.workspaces TO fanfare_worker;

-- Name: COLUMN workspaces.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.workspaces TO fanfare_worker;

-- Name: FUNCTION workspace_for(p_id uuid, p_change boolean, p_lock boolean); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.workspace_for(p_id uuid, p_change boolean, p_lock boolean) FROM PUBLIC;

-- Name: FUNCTION workspace_made(p_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.workspace_made(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.workspace_made(p_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.workspace_made(p_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.workspace_made(p_id uuid) TO fanfare_admin;

-- Name: FUNCTION workspaces_due(p_unused interval, p_notice interval, p_keep interval, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.workspaces_due(p_unused interval, p_notice interval, p_keep interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.workspaces_due(p_unused interval, p_notice interval, p_keep interval, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION workspaces_of_customers(p_state text, p_unused_since timestamp with time zone, p_after timestamp with time zone, p_after_id uuid, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.workspaces_of_customers(p_state text, p_unused_since timestamp with time zone, p_after timestamp with time zone, p_after_id uuid, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.workspaces_of_customers(p_state text, p_unused_since timestamp with time zone, p_after timestamp with time zone, p_after_id uuid, p_limit integer) TO fanfare_admin;

-- Name: FUNCTION workspaces_to_clean(p_customer_id uuid, p_unused_days integer, p_archive_days integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.workspaces_to_clean(p_customer_id uuid, p_unused_days integer, p_archive_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.workspaces_to_clean(p_customer_id uuid, p_unused_days integer, p_archive_days integer) TO fanfare_owner;

-- Name: FUNCTION writes_files(p_space_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.writes_files(p_space_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.writes_files(p_space_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.writes_files(p_space_id uuid) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.writes_files(p_space_id uuid) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.writes_files(p_space_id uuid) TO fanfare_definer;

-- Name: TABLE account_limits; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.account_limits TO fanfare_user;
GRANT SELECT ON TABLE public.account_limits TO fanfare_agent;
GRANT SELECT ON TABLE public.account_limits TO fanfare_admin;
GRANT SELECT ON TABLE public.account_limits TO fanfare_worker;
GRANT DELETE ON TABLE public.account_limits TO fanfare_definer;
GRANT SELECT ON TABLE public.account_limits TO fanfare_backup;

-- Name: COLUMN account_limits.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.account_limits TO fanfare_definer;

-- Name: COLUMN account_limits.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.account_limits TO fanfare_definer;

-- Name: COLUMN account_limits.integration_id; Type: ACL; Schema: public

GRANT INSERT(integration_id) ON TABLE public.account_limits TO fanfare_worker;

-- Name: COLUMN account_limits.quota; Type: ACL; Schema: public

GRANT INSERT(quota),UPDATE(quota) ON TABLE public.account_limits TO fanfare_worker;

-- Name: COLUMN account_limits.remaining; Type: ACL; Schema: public

GRANT INSERT(remaining),UPDATE(remaining) ON TABLE public.account_limits TO fanfare_worker;

-- Name: COLUMN account_limits.resets_at; Type: ACL; Schema: public

GRANT INSERT(resets_at),UPDATE(resets_at) ON TABLE public.account_limits TO fanfare_worker;

-- Name: COLUMN account_limits.paused_until; Type: ACL; Schema: public

GRANT INSERT(paused_until),UPDATE(paused_until) ON TABLE public.account_limits TO fanfare_worker;

-- Name: TABLE agent_token_keys; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE ON TABLE public.agent_token_keys TO fanfare_definer;

-- Name: COLUMN agent_token_keys.sealed; Type: ACL; Schema: public

GRANT UPDATE(sealed) ON TABLE public.agent_token_keys TO fanfare_definer;

-- Name: COLUMN agent_token_keys.key_id; Type: ACL; Schema: public

GRANT UPDATE(key_id) ON TABLE public.agent_token_keys TO fanfare_definer;

-- Name: TABLE agent_tokens; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.agent_tokens TO fanfare_user;
GRANT SELECT ON TABLE public.agent_tokens TO fanfare_agent;
GRANT SELECT ON TABLE public.agent_tokens TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.agent_tokens TO fanfare_definer;
GRANT SELECT ON TABLE public.agent_tokens TO fanfare_backup;

-- Name: COLUMN agent_tokens.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.agent_tokens TO fanfare_definer;

-- Name: COLUMN agent_tokens.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.agent_tokens TO fanfare_definer;

-- Name: COLUMN agent_tokens.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(id) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: COLUMN agent_tokens.name; Type: ACL; Schema: public

GRANT INSERT(name) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(name) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: COLUMN agent_tokens.permissions; Type: ACL; Schema: public

GRANT INSERT(permissions) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(permissions) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: COLUMN agent_tokens.expires_at; Type: ACL; Schema: public

GRANT INSERT(expires_at) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(expires_at) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: COLUMN agent_tokens.revoked_at; Type: ACL; Schema: public

GRANT UPDATE(revoked_at) ON TABLE public.agent_tokens TO fanfare_user;
GRANT UPDATE(revoked_at) ON TABLE public.agent_tokens TO fanfare_agent;
GRANT UPDATE(revoked_at) ON TABLE public.agent_tokens TO fanfare_admin;

-- Name: COLUMN agent_tokens.space_id; Type: ACL; Schema: public

GRANT INSERT(space_id) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(space_id) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: COLUMN agent_tokens.person; Type: ACL; Schema: public

GRANT INSERT(person) ON TABLE public.agent_tokens TO fanfare_user;
GRANT INSERT(person) ON TABLE public.agent_tokens TO fanfare_agent;

-- Name: TABLE api_keys; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.api_keys TO fanfare_definer;
GRANT SELECT ON TABLE public.api_keys TO fanfare_backup;

-- Name: COLUMN api_keys.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.api_keys TO fanfare_definer;

-- Name: COLUMN api_keys.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.api_keys TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.api_keys TO fanfare_definer;

-- Name: COLUMN api_keys.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(id) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(name),UPDATE(name) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(name) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.prefix; Type: ACL; Schema: public

GRANT SELECT(prefix),INSERT(prefix) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(prefix) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(prefix) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.key_hash; Type: ACL; Schema: public

GRANT INSERT(key_hash) ON TABLE public.api_keys TO fanfare_user;

-- Name: COLUMN api_keys.permissions; Type: ACL; Schema: public

GRANT SELECT(permissions),INSERT(permissions) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(permissions) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(permissions) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at),INSERT(expires_at) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(expires_at) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(expires_at) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.last_used_at; Type: ACL; Schema: public

GRANT SELECT(last_used_at) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(last_used_at) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(last_used_at) ON TABLE public.api_keys TO fanfare_worker;
GRANT UPDATE(last_used_at) ON TABLE public.api_keys TO fanfare_definer;

-- Name: COLUMN api_keys.revoked_at; Type: ACL; Schema: public

GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(revoked_at) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(version) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.api_keys TO fanfare_worker;

-- Name: COLUMN api_keys.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.api_keys TO fanfare_user;
GRANT SELECT(space_id) ON TABLE public.api_keys TO fanfare_admin;
GRANT SELECT(space_id) ON TABLE public.api_keys TO fanfare_worker;

-- Name: TABLE app_limits; Type: ACL; Schema: public

GRANT SELECT,INSERT ON TABLE public.app_limits TO fanfare_worker;

-- Name: COLUMN app_limits.paused_until; Type: ACL; Schema: public

GRANT UPDATE(paused_until) ON TABLE public.app_limits TO fanfare_worker;

-- Name: TABLE audit_seals; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE ON TABLE public.audit_seals TO fanfare_definer;
GRANT SELECT ON TABLE public.audit_seals TO fanfare_backup;

-- Name: COLUMN audit_seals.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.audit_seals TO fanfare_definer;

-- Name: COLUMN audit_seals.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.audit_seals TO fanfare_definer;

-- Name: TABLE audit_unsealed; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE ON TABLE public.audit_unsealed TO fanfare_definer;
GRANT SELECT ON TABLE public.audit_unsealed TO fanfare_backup;

-- Name: COLUMN audit_unsealed.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.audit_unsealed TO fanfare_definer;

-- Name: COLUMN audit_unsealed.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.audit_unsealed TO fanfare_definer;

-- Name: TABLE authorizations; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.authorizations TO fanfare_definer;
GRANT SELECT ON TABLE public.authorizations TO fanfare_backup;

-- Name: COLUMN authorizations.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(id) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(id),INSERT(id) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(platform) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(platform) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.external_id; Type: ACL; Schema: public

GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(external_id) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(external_id) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(name) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(name),UPDATE(name) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.state; Type: ACL; Schema: public

GRANT SELECT(state) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(state) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(state) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(state),UPDATE(state) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(state),UPDATE(state) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.state_since; Type: ACL; Schema: public

GRANT SELECT(state_since) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(state_since) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(state_since) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(state_since) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.reason; Type: ACL; Schema: public

GRANT SELECT(reason) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(reason) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(reason) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(reason),UPDATE(reason) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.scopes; Type: ACL; Schema: public

GRANT SELECT(scopes),INSERT(scopes),UPDATE(scopes) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(scopes) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(scopes),INSERT(scopes),UPDATE(scopes) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(scopes),UPDATE(scopes) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.credential; Type: ACL; Schema: public

GRANT INSERT(credential),UPDATE(credential) ON TABLE public.authorizations TO fanfare_user;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.authorizations TO fanfare_admin;
GRANT UPDATE(credential) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(credential),UPDATE(credential) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(key_id) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at),INSERT(expires_at),UPDATE(expires_at) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(expires_at) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(expires_at),INSERT(expires_at),UPDATE(expires_at) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(expires_at) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.renew_at; Type: ACL; Schema: public

GRANT INSERT(renew_at),UPDATE(renew_at) ON TABLE public.authorizations TO fanfare_user;
GRANT INSERT(renew_at),UPDATE(renew_at) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(renew_at),UPDATE(renew_at) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(renew_at) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.reconnect_by; Type: ACL; Schema: public

GRANT SELECT(reconnect_by),INSERT(reconnect_by),UPDATE(reconnect_by) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(reconnect_by) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(reconnect_by),INSERT(reconnect_by),UPDATE(reconnect_by) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(reconnect_by),UPDATE(reconnect_by) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(reconnect_by) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.lease; Type: ACL; Schema: public

GRANT SELECT(lease),UPDATE(lease) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.lease_until; Type: ACL; Schema: public

GRANT SELECT(lease_until),UPDATE(lease_until) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(lease_until) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.unanswered; Type: ACL; Schema: public

GRANT SELECT(unanswered),UPDATE(unanswered) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.failures; Type: ACL; Schema: public

GRANT SELECT(failures) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(failures) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(failures) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(failures),UPDATE(failures) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.failing_since; Type: ACL; Schema: public

GRANT SELECT(failing_since) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(failing_since) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(failing_since) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(failing_since),UPDATE(failing_since) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.failure; Type: ACL; Schema: public

GRANT SELECT(failure) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(failure) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(failure) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(failure),UPDATE(failure) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.renewed_at; Type: ACL; Schema: public

GRANT SELECT(renewed_at) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(renewed_at) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(renewed_at) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(renewed_at),UPDATE(renewed_at) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.reminded; Type: ACL; Schema: public

GRANT SELECT(reminded),UPDATE(reminded) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(reminded) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(created_by) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(version) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(version) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.authorizations TO fanfare_worker;
GRANT SELECT(version) ON TABLE public.authorizations TO fanfare_definer;

-- Name: COLUMN authorizations.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.authorizations TO fanfare_worker;

-- Name: COLUMN authorizations.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.authorizations TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.authorizations TO fanfare_agent;
GRANT SELECT(updated_at) ON TABLE public.authorizations TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.authorizations TO fanfare_worker;

-- Name: TABLE backup_status; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.backup_status TO fanfare_user;
GRANT SELECT ON TABLE public.backup_status TO fanfare_admin;
GRANT SELECT ON TABLE public.backup_status TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.backup_status TO fanfare_definer;
GRANT SELECT ON TABLE public.backup_status TO fanfare_backup;

-- Name: COLUMN backup_status.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.backup_status TO fanfare_definer;

-- Name: COLUMN backup_status.last_good_id; Type: ACL; Schema: public

GRANT INSERT(last_good_id),UPDATE(last_good_id) ON TABLE public.backup_status TO fanfare_worker;

-- Name: COLUMN backup_status.last_good_at; Type: ACL; Schema: public

GRANT INSERT(last_good_at),UPDATE(last_good_at) ON TABLE public.backup_status TO fanfare_worker;

-- Name: COLUMN backup_status.last_failed_at; Type: ACL; Schema: public

GRANT INSERT(last_failed_at),UPDATE(last_failed_at) ON TABLE public.backup_status TO fanfare_worker;

-- Name: COLUMN backup_status.drilled_at; Type: ACL; Schema: public

GRANT UPDATE(drilled_at) ON TABLE public.backup_status TO fanfare_worker;

-- Name: COLUMN backup_status.last_good_drill_at; Type: ACL; Schema: public

GRANT UPDATE(last_good_drill_at) ON TABLE public.backup_status TO fanfare_worker;

-- Name: COLUMN backup_status.last_failed_drill_at; Type: ACL; Schema: public

GRANT UPDATE(last_failed_drill_at) ON TABLE public.backup_status TO fanfare_worker;

-- Name: TABLE backups; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.backups TO fanfare_user;
GRANT SELECT ON TABLE public.backups TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.backups TO fanfare_worker;
GRANT SELECT,INSERT,DELETE ON TABLE public.backups TO fanfare_definer;
GRANT SELECT ON TABLE public.backups TO fanfare_backup;

-- Name: COLUMN backups.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.backups TO fanfare_definer;

-- Name: COLUMN backups.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.backups TO fanfare_user;
GRANT INSERT(id) ON TABLE public.backups TO fanfare_admin;

-- Name: COLUMN backups.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.is_full; Type: ACL; Schema: public

GRANT INSERT(is_full) ON TABLE public.backups TO fanfare_user;
GRANT INSERT(is_full) ON TABLE public.backups TO fanfare_admin;
GRANT UPDATE(is_full) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.previous_id; Type: ACL; Schema: public

GRANT UPDATE(previous_id) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.started_at; Type: ACL; Schema: public

GRANT UPDATE(started_at) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.finished_at; Type: ACL; Schema: public

GRANT UPDATE(finished_at) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.object_id; Type: ACL; Schema: public

GRANT UPDATE(object_id) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.manifest_sha256; Type: ACL; Schema: public

GRANT UPDATE(manifest_sha256) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.uses; Type: ACL; Schema: public

GRANT UPDATE(uses) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.files; Type: ACL; Schema: public

GRANT UPDATE(files) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.bytes; Type: ACL; Schema: public

GRANT UPDATE(bytes) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.stored_bytes; Type: ACL; Schema: public

GRANT UPDATE(stored_bytes) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.left_out; Type: ACL; Schema: public

GRANT UPDATE(left_out) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.unstable; Type: ACL; Schema: public

GRANT UPDATE(unstable) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.damaged_at; Type: ACL; Schema: public

GRANT UPDATE(damaged_at) ON TABLE public.backups TO fanfare_worker;

-- Name: COLUMN backups.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.backups TO fanfare_worker;

-- Name: TABLE bots; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.bots TO fanfare_user;
GRANT DELETE ON TABLE public.bots TO fanfare_admin;
GRANT DELETE ON TABLE public.bots TO fanfare_definer;
GRANT SELECT ON TABLE public.bots TO fanfare_backup;

-- Name: COLUMN bots.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(id) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(id),INSERT(id) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(platform) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(platform) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.bot; Type: ACL; Schema: public

GRANT SELECT(bot),INSERT(bot) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(bot) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(bot),INSERT(bot) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(bot) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(bot) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.team; Type: ACL; Schema: public

GRANT SELECT(team),INSERT(team) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(team) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(team),INSERT(team) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(team) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(team) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(name) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(name) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(name) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.username; Type: ACL; Schema: public

GRANT SELECT(username),INSERT(username),UPDATE(username) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(username) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(username),INSERT(username),UPDATE(username) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(username) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(username) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.credential; Type: ACL; Schema: public

GRANT INSERT(credential),UPDATE(credential) ON TABLE public.bots TO fanfare_user;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(credential),UPDATE(credential) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.key_id; Type: ACL; Schema: public

GRANT INSERT(key_id),UPDATE(key_id) ON TABLE public.bots TO fanfare_user;
GRANT INSERT(key_id),UPDATE(key_id) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.state; Type: ACL; Schema: public

GRANT SELECT(state) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(state) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(state) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(state),UPDATE(state) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(state) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.problem; Type: ACL; Schema: public

GRANT SELECT(problem) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(problem) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(problem) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(problem),UPDATE(problem) ON TABLE public.bots TO fanfare_worker;

-- Name: COLUMN bots.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(created_by) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.bots TO fanfare_worker;

-- Name: COLUMN bots.given_by; Type: ACL; Schema: public

GRANT SELECT(given_by) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(given_by) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(given_by) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(given_by) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(given_by) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(version) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(version) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.bots TO fanfare_worker;
GRANT SELECT(version) ON TABLE public.bots TO fanfare_definer;

-- Name: COLUMN bots.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.bots TO fanfare_worker;

-- Name: COLUMN bots.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.bots TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.bots TO fanfare_agent;
GRANT SELECT(updated_at) ON TABLE public.bots TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.bots TO fanfare_worker;

-- Name: TABLE caller_rate_limits; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.caller_rate_limits TO fanfare_definer;

-- Name: TABLE campaigns; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.campaigns TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.campaigns TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.campaigns TO fanfare_agent;
GRANT SELECT ON TABLE public.campaigns TO fanfare_worker;
GRANT DELETE ON TABLE public.campaigns TO fanfare_definer;
GRANT SELECT ON TABLE public.campaigns TO fanfare_backup;

-- Name: COLUMN campaigns.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.campaigns TO fanfare_definer;

-- Name: COLUMN campaigns.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.campaigns TO fanfare_definer;

-- Name: COLUMN campaigns.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(id) ON TABLE public.campaigns TO fanfare_admin;
GRANT INSERT(id) ON TABLE public.campaigns TO fanfare_agent;

-- Name: COLUMN campaigns.name; Type: ACL; Schema: public

GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO fanfare_admin;
GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO fanfare_agent;

-- Name: COLUMN campaigns.goal; Type: ACL; Schema: public

GRANT INSERT(goal),UPDATE(goal) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(goal),UPDATE(goal) ON TABLE public.campaigns TO fanfare_admin;
GRANT INSERT(goal),UPDATE(goal) ON TABLE public.campaigns TO fanfare_agent;

-- Name: COLUMN campaigns.starts_on; Type: ACL; Schema: public

GRANT INSERT(starts_on),UPDATE(starts_on) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(starts_on),UPDATE(starts_on) ON TABLE public.campaigns TO fanfare_admin;
GRANT INSERT(starts_on),UPDATE(starts_on) ON TABLE public.campaigns TO fanfare_agent;

-- Name: COLUMN campaigns.ends_on; Type: ACL; Schema: public

GRANT INSERT(ends_on),UPDATE(ends_on) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(ends_on),UPDATE(ends_on) ON TABLE public.campaigns TO fanfare_admin;
GRANT INSERT(ends_on),UPDATE(ends_on) ON TABLE public.campaigns TO fanfare_agent;

-- Name: COLUMN campaigns.archived_at; Type: ACL; Schema: public

GRANT UPDATE(archived_at) ON TABLE public.campaigns TO fanfare_user;
GRANT UPDATE(archived_at) ON TABLE public.campaigns TO fanfare_admin;
GRANT UPDATE(archived_at) ON TABLE public.campaigns TO fanfare_agent;

-- Name: TABLE chat_identities; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.chat_identities TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.chat_identities TO fanfare_admin;
GRANT SELECT ON TABLE public.chat_identities TO fanfare_worker;
GRANT DELETE ON TABLE public.chat_identities TO fanfare_definer;
GRANT SELECT ON TABLE public.chat_identities TO fanfare_backup;

-- Name: COLUMN chat_identities.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.platform; Type: ACL; Schema: public

GRANT INSERT(platform) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.bot; Type: ACL; Schema: public

GRANT INSERT(bot) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(bot) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.team; Type: ACL; Schema: public

GRANT INSERT(team) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(team) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.external_id; Type: ACL; Schema: public

GRANT INSERT(external_id) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: COLUMN chat_identities.user_id; Type: ACL; Schema: public

GRANT INSERT(user_id),UPDATE(user_id) ON TABLE public.chat_identities TO fanfare_worker;
GRANT SELECT(user_id) ON TABLE public.chat_identities TO fanfare_definer;

-- Name: TABLE chat_outbox; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.chat_outbox TO fanfare_worker;
GRANT SELECT,INSERT,DELETE ON TABLE public.chat_outbox TO fanfare_definer;

-- Name: COLUMN chat_outbox.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.platform; Type: ACL; Schema: public

GRANT INSERT(platform) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.bot; Type: ACL; Schema: public

GRANT INSERT(bot) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.team; Type: ACL; Schema: public

GRANT INSERT(team) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.kind; Type: ACL; Schema: public

GRANT INSERT(kind) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.chat; Type: ACL; Schema: public

GRANT INSERT(chat),UPDATE(chat) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.subject_id; Type: ACL; Schema: public

GRANT INSERT(subject_id) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.space_id; Type: ACL; Schema: public

GRANT INSERT(space_id) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.body; Type: ACL; Schema: public

GRANT INSERT(body),UPDATE(body) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.send_at; Type: ACL; Schema: public

GRANT UPDATE(send_at) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.attempts; Type: ACL; Schema: public

GRANT UPDATE(attempts) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.message_id; Type: ACL; Schema: public

GRANT UPDATE(message_id) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: COLUMN chat_outbox.ended_at; Type: ACL; Schema: public

GRANT UPDATE(ended_at) ON TABLE public.chat_outbox TO fanfare_worker;

-- Name: TABLE chat_polls; Type: ACL; Schema: public

GRANT SELECT,INSERT,UPDATE ON TABLE public.chat_polls TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.chat_polls TO fanfare_definer;

-- Name: TABLE chat_updates; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.chat_updates TO fanfare_worker;
GRANT SELECT,INSERT,DELETE ON TABLE public.chat_updates TO fanfare_definer;

-- Name: COLUMN chat_updates.chat; Type: ACL; Schema: public

GRANT UPDATE(chat) ON TABLE public.chat_updates TO fanfare_worker;

-- Name: COLUMN chat_updates.body; Type: ACL; Schema: public

GRANT UPDATE(body) ON TABLE public.chat_updates TO fanfare_worker;

-- Name: COLUMN chat_updates.handled_at; Type: ACL; Schema: public

GRANT UPDATE(handled_at) ON TABLE public.chat_updates TO fanfare_worker;

-- Name: COLUMN chat_updates.attempts; Type: ACL; Schema: public

GRANT UPDATE(attempts) ON TABLE public.chat_updates TO fanfare_worker;

-- Name: TABLE connect_sessions; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.connect_sessions TO fanfare_definer;
GRANT SELECT ON TABLE public.connect_sessions TO fanfare_backup;

-- Name: COLUMN connect_sessions.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.connect_sessions TO fanfare_definer;

-- Name: COLUMN connect_sessions.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.user_id; Type: ACL; Schema: public

GRANT SELECT(user_id) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(user_id) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.state_hash; Type: ACL; Schema: public

GRANT INSERT(state_hash) ON TABLE public.connect_sessions TO fanfare_user;
GRANT INSERT(state_hash) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.cookie_hash; Type: ACL; Schema: public

GRANT INSERT(cookie_hash) ON TABLE public.connect_sessions TO fanfare_user;
GRANT INSERT(cookie_hash) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.redirect_uri; Type: ACL; Schema: public

GRANT SELECT(redirect_uri),INSERT(redirect_uri) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(redirect_uri),INSERT(redirect_uri) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.return_to; Type: ACL; Schema: public

GRANT SELECT(return_to),INSERT(return_to) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(return_to),INSERT(return_to) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.secret; Type: ACL; Schema: public

GRANT INSERT(secret),UPDATE(secret) ON TABLE public.connect_sessions TO fanfare_user;
GRANT INSERT(secret),UPDATE(secret) ON TABLE public.connect_sessions TO fanfare_admin;
GRANT UPDATE(secret) ON TABLE public.connect_sessions TO fanfare_definer;

-- Name: COLUMN connect_sessions.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.connect_sessions TO fanfare_admin;
GRANT UPDATE(key_id) ON TABLE public.connect_sessions TO fanfare_definer;

-- Name: COLUMN connect_sessions.state; Type: ACL; Schema: public

GRANT SELECT(state),UPDATE(state) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(state),UPDATE(state) ON TABLE public.connect_sessions TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.connect_sessions TO fanfare_definer;

-- Name: COLUMN connect_sessions.result; Type: ACL; Schema: public

GRANT SELECT(result),UPDATE(result) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(result),UPDATE(result) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.login; Type: ACL; Schema: public

GRANT UPDATE(login) ON TABLE public.connect_sessions TO fanfare_user;
GRANT UPDATE(login) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.accounts; Type: ACL; Schema: public

GRANT SELECT(accounts),UPDATE(accounts) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(accounts),UPDATE(accounts) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(expires_at) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.mcp_server_id; Type: ACL; Schema: public

GRANT SELECT(mcp_server_id),INSERT(mcp_server_id) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(mcp_server_id),INSERT(mcp_server_id) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: COLUMN connect_sessions.person; Type: ACL; Schema: public

GRANT SELECT(person),INSERT(person) ON TABLE public.connect_sessions TO fanfare_user;
GRANT SELECT(person),INSERT(person) ON TABLE public.connect_sessions TO fanfare_admin;

-- Name: TABLE credential_moves; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.credential_moves TO fanfare_definer;
GRANT SELECT ON TABLE public.credential_moves TO fanfare_backup;

-- Name: COLUMN credential_moves.customer_id; Type: ACL; Schema: public

GRANT INSERT(customer_id) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.old_owner_id; Type: ACL; Schema: public

GRANT INSERT(old_owner_id) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.deadline; Type: ACL; Schema: public

GRANT INSERT(deadline),UPDATE(deadline) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.ended_at; Type: ACL; Schema: public

GRANT UPDATE(ended_at) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.uses; Type: ACL; Schema: public

GRANT UPDATE(uses) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.last_used_at; Type: ACL; Schema: public

GRANT UPDATE(last_used_at) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: COLUMN credential_moves.warned_at; Type: ACL; Schema: public

GRANT UPDATE(warned_at) ON TABLE public.credential_moves TO fanfare_definer;

-- Name: TABLE credentials; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.credentials TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.credentials TO fanfare_definer;
GRANT SELECT ON TABLE public.credentials TO fanfare_backup;

-- Name: COLUMN credentials.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(id),INSERT(id) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(space_id) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.kind; Type: ACL; Schema: public

GRANT SELECT(kind),INSERT(kind) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(kind),INSERT(kind) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(kind),INSERT(kind) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(kind) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.person; Type: ACL; Schema: public

GRANT SELECT(person),INSERT(person) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(person),INSERT(person) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(person),INSERT(person) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(person) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(name) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.provider; Type: ACL; Schema: public

GRANT SELECT(provider),INSERT(provider),UPDATE(provider) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(provider),INSERT(provider),UPDATE(provider) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(provider),INSERT(provider),UPDATE(provider) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(provider) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.model; Type: ACL; Schema: public

GRANT SELECT(model),INSERT(model),UPDATE(model) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(model),INSERT(model),UPDATE(model) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(model),INSERT(model),UPDATE(model) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(model) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.base_url; Type: ACL; Schema: public

GRANT SELECT(base_url),INSERT(base_url),UPDATE(base_url) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(base_url),INSERT(base_url),UPDATE(base_url) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(base_url),INSERT(base_url),UPDATE(base_url) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(base_url) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.hint; Type: ACL; Schema: public

GRANT SELECT(hint),INSERT(hint),UPDATE(hint) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(hint),INSERT(hint),UPDATE(hint) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(hint),INSERT(hint),UPDATE(hint) ON TABLE public.credentials TO fanfare_admin;

-- Name: COLUMN credentials.mcp_server_id; Type: ACL; Schema: public

GRANT SELECT(mcp_server_id),INSERT(mcp_server_id) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(mcp_server_id),INSERT(mcp_server_id) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(mcp_server_id),INSERT(mcp_server_id) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(mcp_server_id) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(mcp_server_id) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.login; Type: ACL; Schema: public

GRANT SELECT(login),INSERT(login),UPDATE(login) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(login),INSERT(login),UPDATE(login) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(login),INSERT(login),UPDATE(login) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(login) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.credential; Type: ACL; Schema: public

GRANT INSERT(credential),UPDATE(credential) ON TABLE public.credentials TO fanfare_user;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.credentials TO fanfare_agent;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.credentials TO fanfare_admin;
GRANT UPDATE(credential) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(credential) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(key_id) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.shared_at; Type: ACL; Schema: public

GRANT SELECT(shared_at),UPDATE(shared_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(shared_at),UPDATE(shared_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(shared_at),UPDATE(shared_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(shared_at) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(shared_at) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.shared_by; Type: ACL; Schema: public

GRANT SELECT(shared_by) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(shared_by) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(shared_by) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(shared_by) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.withdrawn_at; Type: ACL; Schema: public

GRANT SELECT(withdrawn_at),UPDATE(withdrawn_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(withdrawn_at),UPDATE(withdrawn_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(withdrawn_at),UPDATE(withdrawn_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(withdrawn_at) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(withdrawn_at) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.status; Type: ACL; Schema: public

GRANT SELECT(status) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(status) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(status) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(status),UPDATE(status) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.server; Type: ACL; Schema: public

GRANT SELECT(server) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(server) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(server) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(server),UPDATE(server) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.failure_code; Type: ACL; Schema: public

GRANT SELECT(failure_code) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(failure_code) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(failure_code) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(failure_code),UPDATE(failure_code) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.failure; Type: ACL; Schema: public

GRANT SELECT(failure) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(failure) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(failure) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(failure),UPDATE(failure) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.failures; Type: ACL; Schema: public

GRANT SELECT(failures) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(failures) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(failures) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(failures),UPDATE(failures) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.checked_at; Type: ACL; Schema: public

GRANT SELECT(checked_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(checked_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(checked_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(checked_at),UPDATE(checked_at) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.next_check_at; Type: ACL; Schema: public

GRANT SELECT(next_check_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(next_check_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(next_check_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(next_check_at),UPDATE(next_check_at) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(next_check_at) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at),INSERT(expires_at),UPDATE(expires_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(expires_at),INSERT(expires_at),UPDATE(expires_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(expires_at),INSERT(expires_at),UPDATE(expires_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.renew_at; Type: ACL; Schema: public

GRANT INSERT(renew_at),UPDATE(renew_at) ON TABLE public.credentials TO fanfare_user;
GRANT INSERT(renew_at),UPDATE(renew_at) ON TABLE public.credentials TO fanfare_agent;
GRANT INSERT(renew_at),UPDATE(renew_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(renew_at),UPDATE(renew_at) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.lease; Type: ACL; Schema: public

GRANT SELECT(lease),UPDATE(lease) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.lease_until; Type: ACL; Schema: public

GRANT SELECT(lease_until),UPDATE(lease_until) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.unanswered; Type: ACL; Schema: public

GRANT SELECT(unanswered),UPDATE(unanswered) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(created_by) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(version) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(version) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(version) ON TABLE public.credentials TO fanfare_definer;

-- Name: COLUMN credentials.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.credentials TO fanfare_worker;

-- Name: COLUMN credentials.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.credentials TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.credentials TO fanfare_agent;
GRANT SELECT(updated_at) ON TABLE public.credentials TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.credentials TO fanfare_worker;
GRANT UPDATE(updated_at) ON TABLE public.credentials TO fanfare_definer;

-- Name: TABLE customers; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.customers TO fanfare_user;
GRANT SELECT ON TABLE public.customers TO fanfare_admin;
GRANT SELECT ON TABLE public.customers TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.customers TO fanfare_definer;
GRANT SELECT ON TABLE public.customers TO fanfare_agent;
GRANT SELECT ON TABLE public.customers TO fanfare_backup;

-- Name: COLUMN customers.name; Type: ACL; Schema: public

GRANT UPDATE(name) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(name) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.description; Type: ACL; Schema: public

GRANT UPDATE(description) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(description) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.brand_voice; Type: ACL; Schema: public

GRANT UPDATE(brand_voice) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(brand_voice) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.audience; Type: ACL; Schema: public

GRANT UPDATE(audience) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(audience) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.language; Type: ACL; Schema: public

GRANT UPDATE(language) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(language) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.time_zone; Type: ACL; Schema: public

GRANT UPDATE(time_zone) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(time_zone) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.archived_at; Type: ACL; Schema: public

GRANT UPDATE(archived_at) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(archived_at) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.approval_required; Type: ACL; Schema: public

GRANT UPDATE(approval_required) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(approval_required) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.approver_role; Type: ACL; Schema: public

GRANT UPDATE(approver_role) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(approver_role) ON TABLE public.customers TO fanfare_admin;

-- Name: COLUMN customers.self_approval; Type: ACL; Schema: public

GRANT UPDATE(self_approval) ON TABLE public.customers TO fanfare_user;
GRANT UPDATE(self_approval) ON TABLE public.customers TO fanfare_admin;

-- Name: TABLE drills; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.drills TO fanfare_user;
GRANT SELECT ON TABLE public.drills TO fanfare_admin;
GRANT SELECT ON TABLE public.drills TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.drills TO fanfare_definer;
GRANT SELECT ON TABLE public.drills TO fanfare_backup;

-- Name: COLUMN drills.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.drills TO fanfare_definer;

-- Name: COLUMN drills.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.backup_id; Type: ACL; Schema: public

GRANT INSERT(backup_id) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.files; Type: ACL; Schema: public

GRANT UPDATE(files) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.bytes; Type: ACL; Schema: public

GRANT UPDATE(bytes) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.differences; Type: ACL; Schema: public

GRANT UPDATE(differences) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.drills TO fanfare_worker;

-- Name: COLUMN drills.finished_at; Type: ACL; Schema: public

GRANT UPDATE(finished_at) ON TABLE public.drills TO fanfare_worker;

-- Name: TABLE email_templates; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.email_templates TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.email_templates TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.email_templates TO fanfare_admin;
GRANT SELECT ON TABLE public.email_templates TO fanfare_worker;
GRANT DELETE ON TABLE public.email_templates TO fanfare_definer;
GRANT SELECT ON TABLE public.email_templates TO fanfare_backup;

-- Name: COLUMN email_templates.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.email_templates TO fanfare_definer;

-- Name: COLUMN email_templates.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.email_templates TO fanfare_definer;

-- Name: COLUMN email_templates.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.email_templates TO fanfare_user;
GRANT INSERT(id) ON TABLE public.email_templates TO fanfare_agent;
GRANT INSERT(id) ON TABLE public.email_templates TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.email_templates TO fanfare_definer;

-- Name: COLUMN email_templates.name; Type: ACL; Schema: public

GRANT INSERT(name),UPDATE(name) ON TABLE public.email_templates TO fanfare_user;
GRANT INSERT(name),UPDATE(name) ON TABLE public.email_templates TO fanfare_agent;
GRANT INSERT(name),UPDATE(name) ON TABLE public.email_templates TO fanfare_admin;

-- Name: COLUMN email_templates.subject; Type: ACL; Schema: public

GRANT INSERT(subject),UPDATE(subject) ON TABLE public.email_templates TO fanfare_user;
GRANT INSERT(subject),UPDATE(subject) ON TABLE public.email_templates TO fanfare_agent;
GRANT INSERT(subject),UPDATE(subject) ON TABLE public.email_templates TO fanfare_admin;
GRANT SELECT(subject) ON TABLE public.email_templates TO fanfare_definer;

-- Name: COLUMN email_templates.preview_text; Type: ACL; Schema: public

GRANT INSERT(preview_text),UPDATE(preview_text) ON TABLE public.email_templates TO fanfare_user;
GRANT INSERT(preview_text),UPDATE(preview_text) ON TABLE public.email_templates TO fanfare_agent;
GRANT INSERT(preview_text),UPDATE(preview_text) ON TABLE public.email_templates TO fanfare_admin;
GRANT SELECT(preview_text) ON TABLE public.email_templates TO fanfare_definer;

-- Name: COLUMN email_templates.html; Type: ACL; Schema: public

GRANT INSERT(html),UPDATE(html) ON TABLE public.email_templates TO fanfare_user;
GRANT INSERT(html),UPDATE(html) ON TABLE public.email_templates TO fanfare_agent;
GRANT INSERT(html),UPDATE(html) ON TABLE public.email_templates TO fanfare_admin;
GRANT SELECT(html) ON TABLE public.email_templates TO fanfare_definer;

-- Name: TABLE erasures; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.erasures TO fanfare_user;
GRANT SELECT ON TABLE public.erasures TO fanfare_admin;
GRANT SELECT ON TABLE public.erasures TO fanfare_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.erasures TO fanfare_definer;

-- Name: COLUMN erasures.files; Type: ACL; Schema: public

GRANT UPDATE(files) ON TABLE public.erasures TO fanfare_worker;

-- Name: TABLE exports; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.exports TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.exports TO fanfare_admin;
GRANT SELECT ON TABLE public.exports TO fanfare_worker;
GRANT DELETE ON TABLE public.exports TO fanfare_definer;
GRANT SELECT ON TABLE public.exports TO fanfare_backup;

-- Name: COLUMN exports.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.exports TO fanfare_definer;

-- Name: COLUMN exports.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.exports TO fanfare_definer;

-- Name: COLUMN exports.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.exports TO fanfare_user;
GRANT INSERT(id) ON TABLE public.exports TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.exports TO fanfare_definer;

-- Name: COLUMN exports.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.exports TO fanfare_worker;
GRANT SELECT(state) ON TABLE public.exports TO fanfare_definer;

-- Name: COLUMN exports.started_at; Type: ACL; Schema: public

GRANT UPDATE(started_at) ON TABLE public.exports TO fanfare_worker;

-- Name: COLUMN exports.finished_at; Type: ACL; Schema: public

GRANT UPDATE(finished_at) ON TABLE public.exports TO fanfare_worker;

-- Name: COLUMN exports.size_bytes; Type: ACL; Schema: public

GRANT UPDATE(size_bytes) ON TABLE public.exports TO fanfare_worker;

-- Name: COLUMN exports.sha256; Type: ACL; Schema: public

GRANT UPDATE(sha256) ON TABLE public.exports TO fanfare_worker;

-- Name: COLUMN exports.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.exports TO fanfare_worker;

-- Name: COLUMN exports.expires_at; Type: ACL; Schema: public

GRANT UPDATE(expires_at) ON TABLE public.exports TO fanfare_user;
GRANT UPDATE(expires_at) ON TABLE public.exports TO fanfare_admin;
GRANT UPDATE(expires_at) ON TABLE public.exports TO fanfare_worker;
GRANT SELECT(expires_at) ON TABLE public.exports TO fanfare_definer;

-- Name: TABLE file_changes; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.file_changes TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.file_changes TO fanfare_definer;
GRANT SELECT ON TABLE public.file_changes TO fanfare_backup;

-- Name: COLUMN file_changes.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.file_changes TO fanfare_definer;

-- Name: TABLE idempotency_keys; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.idempotency_keys TO fanfare_user;
GRANT SELECT ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT SELECT ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT DELETE ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.actor_id; Type: ACL; Schema: public

GRANT SELECT(actor_id) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.operation; Type: ACL; Schema: public

GRANT INSERT(operation) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT INSERT(operation) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT INSERT(operation) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(operation) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.key; Type: ACL; Schema: public

GRANT INSERT(key) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT INSERT(key) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT INSERT(key) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(key) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.fingerprint; Type: ACL; Schema: public

GRANT INSERT(fingerprint),UPDATE(fingerprint) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT INSERT(fingerprint),UPDATE(fingerprint) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT INSERT(fingerprint),UPDATE(fingerprint) ON TABLE public.idempotency_keys TO fanfare_admin;

-- Name: COLUMN idempotency_keys.acted_as; Type: ACL; Schema: public

GRANT UPDATE(acted_as) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT UPDATE(acted_as) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT UPDATE(acted_as) ON TABLE public.idempotency_keys TO fanfare_admin;

-- Name: COLUMN idempotency_keys.answer; Type: ACL; Schema: public

GRANT UPDATE(answer) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT UPDATE(answer) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT UPDATE(answer) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(answer),UPDATE(answer) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.key_id; Type: ACL; Schema: public

GRANT UPDATE(key_id) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT UPDATE(key_id) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT UPDATE(key_id) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.subject_id; Type: ACL; Schema: public

GRANT UPDATE(subject_id) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT UPDATE(subject_id) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT UPDATE(subject_id) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(subject_id) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: COLUMN idempotency_keys.created_at; Type: ACL; Schema: public

GRANT UPDATE(created_at) ON TABLE public.idempotency_keys TO fanfare_user;
GRANT UPDATE(created_at) ON TABLE public.idempotency_keys TO fanfare_agent;
GRANT UPDATE(created_at) ON TABLE public.idempotency_keys TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.idempotency_keys TO fanfare_definer;

-- Name: TABLE integrations; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.integrations TO fanfare_definer;
GRANT SELECT ON TABLE public.integrations TO fanfare_backup;

-- Name: COLUMN integrations.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.integrations TO fanfare_definer;
GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(id),INSERT(id) ON TABLE public.integrations TO fanfare_definer;
GRANT SELECT(id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(platform) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.external_id; Type: ACL; Schema: public

GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(external_id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(name),UPDATE(name) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(name) ON TABLE public.integrations TO fanfare_agent;
GRANT INSERT(name) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.url; Type: ACL; Schema: public

GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(url),UPDATE(url) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(url) ON TABLE public.integrations TO fanfare_agent;
GRANT INSERT(url) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.state; Type: ACL; Schema: public

GRANT SELECT(state),INSERT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(state),INSERT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_definer;
GRANT SELECT(state) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.credential; Type: ACL; Schema: public

GRANT INSERT(credential),UPDATE(credential) ON TABLE public.integrations TO fanfare_user;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(credential) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(credential),UPDATE(credential) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(key_id) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(version) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(version) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_agent;

-- Name: COLUMN integrations.authorization_id; Type: ACL; Schema: public

GRANT SELECT(authorization_id),INSERT(authorization_id),UPDATE(authorization_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(authorization_id),INSERT(authorization_id),UPDATE(authorization_id) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(authorization_id) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(authorization_id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(authorization_id) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.is_default; Type: ACL; Schema: public

GRANT SELECT(is_default),UPDATE(is_default) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(is_default),UPDATE(is_default) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(is_default) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(is_default) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(is_default),UPDATE(is_default) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.state_since; Type: ACL; Schema: public

GRANT SELECT(state_since) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(state_since) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(state_since) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(state_since) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.reason; Type: ACL; Schema: public

GRANT SELECT(reason) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(reason) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(reason) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(reason),UPDATE(reason) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(reason),UPDATE(reason) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.checked_at; Type: ACL; Schema: public

GRANT SELECT(checked_at) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(checked_at) ON TABLE public.integrations TO fanfare_admin;
GRANT SELECT(checked_at) ON TABLE public.integrations TO fanfare_agent;
GRANT SELECT(checked_at),UPDATE(checked_at) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(checked_at) ON TABLE public.integrations TO fanfare_definer;

-- Name: COLUMN integrations.old_credential_id; Type: ACL; Schema: public

GRANT SELECT(old_credential_id) ON TABLE public.integrations TO fanfare_worker;
GRANT SELECT(old_credential_id),INSERT(old_credential_id) ON TABLE public.integrations TO fanfare_definer;

-- Name: TABLE integrations_with_health; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.integrations_with_health TO fanfare_user;
GRANT SELECT ON TABLE public.integrations_with_health TO fanfare_admin;
GRANT SELECT ON TABLE public.integrations_with_health TO fanfare_agent;

-- Name: TABLE invitations; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.invitations TO fanfare_definer;
GRANT SELECT ON TABLE public.invitations TO fanfare_backup;

-- Name: COLUMN invitations.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.email; Type: ACL; Schema: public

GRANT SELECT(email),INSERT(email) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(email),INSERT(email) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(email) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(email) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.role; Type: ACL; Schema: public

GRANT SELECT(role),INSERT(role) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(role),INSERT(role) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(role) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(role) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.token_hash; Type: ACL; Schema: public

GRANT INSERT(token_hash) ON TABLE public.invitations TO fanfare_user;
GRANT INSERT(token_hash) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(token_hash) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.sealed_token; Type: ACL; Schema: public

GRANT INSERT(sealed_token) ON TABLE public.invitations TO fanfare_user;
GRANT INSERT(sealed_token) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(sealed_token),UPDATE(sealed_token) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(sealed_token),UPDATE(sealed_token) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.key_id; Type: ACL; Schema: public

GRANT INSERT(key_id) ON TABLE public.invitations TO fanfare_user;
GRANT INSERT(key_id) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.invited_by; Type: ACL; Schema: public

GRANT SELECT(invited_by) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(invited_by) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(invited_by) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(invited_by) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.invited_as_system; Type: ACL; Schema: public

GRANT SELECT(invited_as_system) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(expires_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(expires_at) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(expires_at) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.accepted_at; Type: ACL; Schema: public

GRANT SELECT(accepted_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(accepted_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(accepted_at) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(accepted_at),UPDATE(accepted_at) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.accepted_by; Type: ACL; Schema: public

GRANT SELECT(accepted_by) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(accepted_by) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(accepted_by) ON TABLE public.invitations TO fanfare_worker;
GRANT UPDATE(accepted_by) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.revoked_at; Type: ACL; Schema: public

GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(revoked_at),UPDATE(revoked_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(revoked_at) ON TABLE public.invitations TO fanfare_worker;
GRANT SELECT(revoked_at) ON TABLE public.invitations TO fanfare_definer;

-- Name: COLUMN invitations.sent_at; Type: ACL; Schema: public

GRANT SELECT(sent_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(sent_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(sent_at),UPDATE(sent_at) ON TABLE public.invitations TO fanfare_worker;

-- Name: COLUMN invitations.send_problem; Type: ACL; Schema: public

GRANT SELECT(send_problem) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(send_problem) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(send_problem),UPDATE(send_problem) ON TABLE public.invitations TO fanfare_worker;

-- Name: COLUMN invitations.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(version) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.invitations TO fanfare_worker;

-- Name: COLUMN invitations.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.invitations TO fanfare_worker;

-- Name: COLUMN invitations.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.invitations TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.invitations TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.invitations TO fanfare_worker;

-- Name: TABLE llm_budgets; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.llm_budgets TO fanfare_user;
GRANT SELECT ON TABLE public.llm_budgets TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.llm_budgets TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.llm_budgets TO fanfare_definer;
GRANT SELECT ON TABLE public.llm_budgets TO fanfare_backup;

-- Name: COLUMN llm_budgets.monthly_tokens; Type: ACL; Schema: public

GRANT INSERT(monthly_tokens),UPDATE(monthly_tokens) ON TABLE public.llm_budgets TO fanfare_admin;

-- Name: COLUMN llm_budgets.monthly_cost_microusd; Type: ACL; Schema: public

GRANT INSERT(monthly_cost_microusd),UPDATE(monthly_cost_microusd) ON TABLE public.llm_budgets TO fanfare_admin;

-- Name: TABLE llm_months; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.llm_months TO fanfare_user;
GRANT SELECT ON TABLE public.llm_months TO fanfare_agent;
GRANT SELECT ON TABLE public.llm_months TO fanfare_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.llm_months TO fanfare_definer;
GRANT SELECT ON TABLE public.llm_months TO fanfare_backup;

-- Name: TABLE login_revocations; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.login_revocations TO fanfare_definer;

-- Name: TABLE mcp_servers; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.mcp_servers TO fanfare_user;
GRANT DELETE ON TABLE public.mcp_servers TO fanfare_admin;
GRANT DELETE ON TABLE public.mcp_servers TO fanfare_definer;
GRANT SELECT ON TABLE public.mcp_servers TO fanfare_backup;

-- Name: COLUMN mcp_servers.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(id) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(id),INSERT(id) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(space_id) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(space_id) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(space_id) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(name) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(name) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(name) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.url; Type: ACL; Schema: public

GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(url) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(url) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(url) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.status; Type: ACL; Schema: public

GRANT SELECT(status) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(status) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(status) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(status),UPDATE(status) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.login; Type: ACL; Schema: public

GRANT SELECT(login) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(login) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(login) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(login),UPDATE(login) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT UPDATE(login) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.server; Type: ACL; Schema: public

GRANT SELECT(server) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(server) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(server) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(server),UPDATE(server) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.failure_code; Type: ACL; Schema: public

GRANT SELECT(failure_code) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(failure_code) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(failure_code) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(failure_code),UPDATE(failure_code) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.failure; Type: ACL; Schema: public

GRANT SELECT(failure) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(failure) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(failure) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(failure),UPDATE(failure) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.failures; Type: ACL; Schema: public

GRANT SELECT(failures) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(failures) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(failures) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(failures),UPDATE(failures) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.checked_at; Type: ACL; Schema: public

GRANT SELECT(checked_at) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(checked_at) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(checked_at) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(checked_at),UPDATE(checked_at) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(checked_at) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.next_check_at; Type: ACL; Schema: public

GRANT SELECT(next_check_at) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(next_check_at) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(next_check_at) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(next_check_at),UPDATE(next_check_at) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(next_check_at),UPDATE(next_check_at) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.metadata; Type: ACL; Schema: public

GRANT SELECT(metadata) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(metadata) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(metadata) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(metadata),UPDATE(metadata) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(metadata),UPDATE(metadata) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.registration; Type: ACL; Schema: public

GRANT UPDATE(registration) ON TABLE public.mcp_servers TO fanfare_user;
GRANT UPDATE(registration) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(registration),UPDATE(registration) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(key_id) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(key_id) ON TABLE public.mcp_servers TO fanfare_worker;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.mcp_servers TO fanfare_definer;

-- Name: COLUMN mcp_servers.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(created_by) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(version) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(version) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: COLUMN mcp_servers.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.mcp_servers TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.mcp_servers TO fanfare_agent;
GRANT SELECT(updated_at) ON TABLE public.mcp_servers TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.mcp_servers TO fanfare_worker;

-- Name: TABLE mcp_servers_with_status; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.mcp_servers_with_status TO fanfare_user;
GRANT SELECT ON TABLE public.mcp_servers_with_status TO fanfare_agent;
GRANT SELECT ON TABLE public.mcp_servers_with_status TO fanfare_admin;

-- Name: TABLE media; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.media TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.media TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.media TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.media TO fanfare_agent;
GRANT DELETE ON TABLE public.media TO fanfare_definer;
GRANT SELECT ON TABLE public.media TO fanfare_backup;

-- Name: COLUMN media.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.media TO fanfare_user;
GRANT INSERT(id) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(id) ON TABLE public.media TO fanfare_agent;
GRANT SELECT(id) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.path; Type: ACL; Schema: public

GRANT INSERT(path) ON TABLE public.media TO fanfare_user;
GRANT INSERT(path) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(path) ON TABLE public.media TO fanfare_agent;

-- Name: COLUMN media.content_type; Type: ACL; Schema: public

GRANT INSERT(content_type),UPDATE(content_type) ON TABLE public.media TO fanfare_user;
GRANT INSERT(content_type),UPDATE(content_type) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(content_type),UPDATE(content_type) ON TABLE public.media TO fanfare_agent;

-- Name: COLUMN media.bytes; Type: ACL; Schema: public

GRANT INSERT(bytes),UPDATE(bytes) ON TABLE public.media TO fanfare_user;
GRANT INSERT(bytes),UPDATE(bytes) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(bytes),UPDATE(bytes) ON TABLE public.media TO fanfare_agent;
GRANT SELECT(bytes) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.width; Type: ACL; Schema: public

GRANT INSERT(width),UPDATE(width) ON TABLE public.media TO fanfare_user;
GRANT INSERT(width),UPDATE(width) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(width),UPDATE(width) ON TABLE public.media TO fanfare_agent;

-- Name: COLUMN media.height; Type: ACL; Schema: public

GRANT INSERT(height),UPDATE(height) ON TABLE public.media TO fanfare_user;
GRANT INSERT(height),UPDATE(height) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(height),UPDATE(height) ON TABLE public.media TO fanfare_agent;

-- Name: COLUMN media.alt_text; Type: ACL; Schema: public

GRANT INSERT(alt_text),UPDATE(alt_text) ON TABLE public.media TO fanfare_user;
GRANT INSERT(alt_text),UPDATE(alt_text) ON TABLE public.media TO fanfare_admin;
GRANT INSERT(alt_text),UPDATE(alt_text) ON TABLE public.media TO fanfare_agent;
GRANT SELECT(alt_text) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.name; Type: ACL; Schema: public

GRANT INSERT(name),UPDATE(name) ON TABLE public.media TO fanfare_user;
GRANT INSERT(name),UPDATE(name) ON TABLE public.media TO fanfare_agent;
GRANT INSERT(name),UPDATE(name) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.duration_ms; Type: ACL; Schema: public

GRANT INSERT(duration_ms),UPDATE(duration_ms) ON TABLE public.media TO fanfare_user;
GRANT INSERT(duration_ms),UPDATE(duration_ms) ON TABLE public.media TO fanfare_agent;
GRANT INSERT(duration_ms),UPDATE(duration_ms) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.animated; Type: ACL; Schema: public

GRANT INSERT(animated),UPDATE(animated) ON TABLE public.media TO fanfare_user;
GRANT INSERT(animated),UPDATE(animated) ON TABLE public.media TO fanfare_agent;
GRANT INSERT(animated),UPDATE(animated) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.state; Type: ACL; Schema: public

GRANT INSERT(state),UPDATE(state) ON TABLE public.media TO fanfare_user;
GRANT INSERT(state),UPDATE(state) ON TABLE public.media TO fanfare_agent;
GRANT INSERT(state),UPDATE(state) ON TABLE public.media TO fanfare_admin;
GRANT SELECT(state) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.sha256; Type: ACL; Schema: public

GRANT UPDATE(sha256) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(sha256) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(sha256) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id) ON TABLE public.media TO fanfare_definer;

-- Name: COLUMN media.source; Type: ACL; Schema: public

GRANT UPDATE(source) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(source) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(source) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.source_id; Type: ACL; Schema: public

GRANT UPDATE(source_id) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(source_id) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(source_id) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.source_url; Type: ACL; Schema: public

GRANT UPDATE(source_url) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(source_url) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(source_url) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.photographer; Type: ACL; Schema: public

GRANT UPDATE(photographer) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(photographer) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(photographer) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.photographer_url; Type: ACL; Schema: public

GRANT UPDATE(photographer_url) ON TABLE public.media TO fanfare_user;
GRANT UPDATE(photographer_url) ON TABLE public.media TO fanfare_agent;
GRANT UPDATE(photographer_url) ON TABLE public.media TO fanfare_admin;

-- Name: TABLE memberships; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.memberships TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.memberships TO fanfare_admin;
GRANT SELECT,INSERT,DELETE ON TABLE public.memberships TO fanfare_definer;
GRANT SELECT ON TABLE public.memberships TO fanfare_worker;
GRANT SELECT ON TABLE public.memberships TO fanfare_backup;

-- Name: COLUMN memberships.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.memberships TO fanfare_definer;

-- Name: COLUMN memberships.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.memberships TO fanfare_definer;

-- Name: COLUMN memberships.role; Type: ACL; Schema: public

GRANT UPDATE(role) ON TABLE public.memberships TO fanfare_user;
GRANT UPDATE(role) ON TABLE public.memberships TO fanfare_admin;

-- Name: TABLE memories; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.memories TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.memories TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.memories TO fanfare_admin;
GRANT SELECT ON TABLE public.memories TO fanfare_worker;
GRANT DELETE ON TABLE public.memories TO fanfare_definer;
GRANT SELECT ON TABLE public.memories TO fanfare_backup;

-- Name: COLUMN memories.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.memories TO fanfare_definer;

-- Name: COLUMN memories.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.memories TO fanfare_definer;

-- Name: COLUMN memories.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.memories TO fanfare_user;
GRANT INSERT(id) ON TABLE public.memories TO fanfare_agent;
GRANT INSERT(id) ON TABLE public.memories TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.memories TO fanfare_definer;

-- Name: COLUMN memories.space_id; Type: ACL; Schema: public

GRANT INSERT(space_id) ON TABLE public.memories TO fanfare_user;
GRANT INSERT(space_id) ON TABLE public.memories TO fanfare_agent;
GRANT INSERT(space_id) ON TABLE public.memories TO fanfare_admin;

-- Name: COLUMN memories.text; Type: ACL; Schema: public

GRANT INSERT(text),UPDATE(text) ON TABLE public.memories TO fanfare_user;
GRANT INSERT(text),UPDATE(text) ON TABLE public.memories TO fanfare_agent;
GRANT INSERT(text),UPDATE(text) ON TABLE public.memories TO fanfare_admin;

-- Name: COLUMN memories.embedding; Type: ACL; Schema: public

GRANT UPDATE(embedding) ON TABLE public.memories TO fanfare_worker;

-- Name: COLUMN memories.embedding_model; Type: ACL; Schema: public

GRANT UPDATE(embedding_model) ON TABLE public.memories TO fanfare_worker;
GRANT SELECT(embedding_model) ON TABLE public.memories TO fanfare_definer;

-- Name: TABLE messages; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.messages TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.messages TO fanfare_admin;
GRANT SELECT ON TABLE public.messages TO fanfare_agent;
GRANT SELECT ON TABLE public.messages TO fanfare_worker;
GRANT DELETE ON TABLE public.messages TO fanfare_definer;
GRANT SELECT ON TABLE public.messages TO fanfare_backup;

-- Name: COLUMN messages.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.messages TO fanfare_definer;

-- Name: COLUMN messages.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.messages TO fanfare_definer;

-- Name: COLUMN messages.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.messages TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.messages TO fanfare_definer;

-- Name: COLUMN messages.space_id; Type: ACL; Schema: public

GRANT INSERT(space_id) ON TABLE public.messages TO fanfare_worker;
GRANT SELECT(space_id) ON TABLE public.messages TO fanfare_definer;

-- Name: COLUMN messages.direction; Type: ACL; Schema: public

GRANT INSERT(direction) ON TABLE public.messages TO fanfare_worker;

-- Name: COLUMN messages.person; Type: ACL; Schema: public

GRANT INSERT(person) ON TABLE public.messages TO fanfare_worker;

-- Name: COLUMN messages.person_name; Type: ACL; Schema: public

GRANT INSERT(person_name) ON TABLE public.messages TO fanfare_worker;

-- Name: COLUMN messages.text; Type: ACL; Schema: public

GRANT INSERT(text) ON TABLE public.messages TO fanfare_worker;

-- Name: COLUMN messages.said_at; Type: ACL; Schema: public

GRANT INSERT(said_at) ON TABLE public.messages TO fanfare_worker;
GRANT SELECT(said_at) ON TABLE public.messages TO fanfare_definer;

-- Name: COLUMN messages.search; Type: ACL; Schema: public

GRANT SELECT(search) ON TABLE public.messages TO fanfare_definer;

-- Name: TABLE old_credentials; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.name; Type: ACL; Schema: public

GRANT UPDATE(name) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.url; Type: ACL; Schema: public

GRANT UPDATE(url) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.credential; Type: ACL; Schema: public

GRANT UPDATE(credential) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.key_id; Type: ACL; Schema: public

GRANT UPDATE(key_id) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.last_used_at; Type: ACL; Schema: public

GRANT UPDATE(last_used_at) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: COLUMN old_credentials.uses; Type: ACL; Schema: public

GRANT UPDATE(uses) ON TABLE public.old_credentials TO fanfare_definer;

-- Name: TABLE pairings; Type: ACL; Schema: public

GRANT DELETE ON TABLE public.pairings TO fanfare_definer;
GRANT SELECT ON TABLE public.pairings TO fanfare_backup;

-- Name: COLUMN pairings.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(customer_id) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(customer_id) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(id) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(platform) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(platform) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.bot; Type: ACL; Schema: public

GRANT SELECT(bot),INSERT(bot) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(bot),INSERT(bot) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(bot) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(bot) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(bot) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.code_hash; Type: ACL; Schema: public

GRANT INSERT(code_hash) ON TABLE public.pairings TO fanfare_user;
GRANT INSERT(code_hash) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(code_hash) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.link_hash; Type: ACL; Schema: public

GRANT INSERT(link_hash) ON TABLE public.pairings TO fanfare_user;
GRANT INSERT(link_hash) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(link_hash) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.permissions; Type: ACL; Schema: public

GRANT SELECT(permissions),INSERT(permissions) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(permissions),INSERT(permissions) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(permissions) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(permissions) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.own; Type: ACL; Schema: public

GRANT SELECT(own),INSERT(own) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(own),INSERT(own) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(own) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(own) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(created_by) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(created_by) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(created_by) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.by_program; Type: ACL; Schema: public

GRANT SELECT(by_program) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(by_program) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(by_program) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(by_program) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.by_key; Type: ACL; Schema: public

GRANT SELECT(by_key) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(by_key) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(by_key) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(by_key) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(by_key) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.by_agent; Type: ACL; Schema: public

GRANT SELECT(by_agent) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(by_agent) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(by_agent) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(by_agent) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(by_agent) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(expires_at) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(expires_at) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(expires_at) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.state; Type: ACL; Schema: public

GRANT SELECT(state),UPDATE(state) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(state) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(state),UPDATE(state) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(state),UPDATE(state) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(state) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.claimed_by; Type: ACL; Schema: public

GRANT SELECT(claimed_by) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(claimed_by) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(claimed_by) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(claimed_by),UPDATE(claimed_by) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(claimed_by) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.claimed_at; Type: ACL; Schema: public

GRANT SELECT(claimed_at) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(claimed_at) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(claimed_at) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(claimed_at),UPDATE(claimed_at) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(claimed_at) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.team; Type: ACL; Schema: public

GRANT SELECT(team) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(team) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(team) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(team),UPDATE(team) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(team) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.kind; Type: ACL; Schema: public

GRANT SELECT(kind) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(kind) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(kind) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(kind),UPDATE(kind) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(kind) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.external_id; Type: ACL; Schema: public

GRANT SELECT(external_id) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(external_id) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(external_id) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(external_id),UPDATE(external_id) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.title; Type: ACL; Schema: public

GRANT SELECT(title) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(title) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(title) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(title),UPDATE(title) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.person_id; Type: ACL; Schema: public

GRANT SELECT(person_id) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(person_id) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(person_id) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(person_id),UPDATE(person_id) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(person_id) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.person_name; Type: ACL; Schema: public

GRANT SELECT(person_name) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(person_name) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(person_name) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(person_name),UPDATE(person_name) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.confirmed_at; Type: ACL; Schema: public

GRANT SELECT(confirmed_at),UPDATE(confirmed_at) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(confirmed_at) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(confirmed_at),UPDATE(confirmed_at) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(confirmed_at) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(confirmed_at) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.confirmed_by; Type: ACL; Schema: public

GRANT SELECT(confirmed_by) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(confirmed_by) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(confirmed_by) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(confirmed_by) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.held_elsewhere; Type: ACL; Schema: public

GRANT SELECT(held_elsewhere) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(held_elsewhere) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(held_elsewhere) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(held_elsewhere),UPDATE(held_elsewhere) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(space_id) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(space_id) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(space_id),UPDATE(space_id) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(space_id) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(version) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(version) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(version) ON TABLE public.pairings TO fanfare_worker;

-- Name: COLUMN pairings.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(created_at) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(created_at) ON TABLE public.pairings TO fanfare_worker;
GRANT SELECT(created_at) ON TABLE public.pairings TO fanfare_definer;

-- Name: COLUMN pairings.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.pairings TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.pairings TO fanfare_agent;
GRANT SELECT(updated_at) ON TABLE public.pairings TO fanfare_admin;
GRANT SELECT(updated_at) ON TABLE public.pairings TO fanfare_worker;

-- Name: TABLE platform_post_media; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.platform_post_media TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.platform_post_media TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.platform_post_media TO fanfare_admin;
GRANT SELECT ON TABLE public.platform_post_media TO fanfare_worker;
GRANT DELETE ON TABLE public.platform_post_media TO fanfare_definer;
GRANT SELECT ON TABLE public.platform_post_media TO fanfare_backup;

-- Name: COLUMN platform_post_media.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.platform_post_media TO fanfare_definer;

-- Name: COLUMN platform_post_media.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.platform_post_media TO fanfare_definer;

-- Name: COLUMN platform_post_media.platform_post_id; Type: ACL; Schema: public

GRANT INSERT(platform_post_id) ON TABLE public.platform_post_media TO fanfare_user;
GRANT INSERT(platform_post_id) ON TABLE public.platform_post_media TO fanfare_agent;
GRANT INSERT(platform_post_id) ON TABLE public.platform_post_media TO fanfare_admin;
GRANT SELECT(platform_post_id),INSERT(platform_post_id) ON TABLE public.platform_post_media TO fanfare_definer;

-- Name: COLUMN platform_post_media.media_id; Type: ACL; Schema: public

GRANT INSERT(media_id) ON TABLE public.platform_post_media TO fanfare_user;
GRANT INSERT(media_id) ON TABLE public.platform_post_media TO fanfare_agent;
GRANT INSERT(media_id) ON TABLE public.platform_post_media TO fanfare_admin;
GRANT SELECT(media_id),INSERT(media_id) ON TABLE public.platform_post_media TO fanfare_definer;

-- Name: COLUMN platform_post_media."position"; Type: ACL; Schema: public

GRANT INSERT("position") ON TABLE public.platform_post_media TO fanfare_user;
GRANT INSERT("position") ON TABLE public.platform_post_media TO fanfare_agent;
GRANT INSERT("position") ON TABLE public.platform_post_media TO fanfare_admin;
GRANT SELECT("position"),INSERT("position") ON TABLE public.platform_post_media TO fanfare_definer;

-- Name: TABLE platform_posts; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.platform_posts TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.platform_posts TO fanfare_agent;
GRANT DELETE ON TABLE public.platform_posts TO fanfare_definer;
GRANT SELECT ON TABLE public.platform_posts TO fanfare_backup;

-- Name: COLUMN platform_posts.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(id) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(id),INSERT(id) ON TABLE public.platform_posts TO fanfare_definer;
GRANT INSERT(id) ON TABLE public.platform_posts TO fanfare_agent;

-- Name: COLUMN platform_posts.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(post_id),INSERT(post_id) ON TABLE public.platform_posts TO fanfare_definer;
GRANT INSERT(post_id) ON TABLE public.platform_posts TO fanfare_agent;

-- Name: COLUMN platform_posts.integration_id; Type: ACL; Schema: public

GRANT INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_admin;
GRANT INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_agent;
GRANT SELECT(integration_id),INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.text; Type: ACL; Schema: public

GRANT INSERT(text),UPDATE(text) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(text),UPDATE(text) ON TABLE public.platform_posts TO fanfare_admin;
GRANT INSERT(text),UPDATE(text) ON TABLE public.platform_posts TO fanfare_agent;
GRANT SELECT(text),INSERT(text) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(state),UPDATE(state) ON TABLE public.platform_posts TO fanfare_definer;
GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_agent;

-- Name: COLUMN platform_posts.attempt; Type: ACL; Schema: public

GRANT UPDATE(attempt) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(attempt) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.retry_at; Type: ACL; Schema: public

GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(retry_at),UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_definer;
GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_agent;

-- Name: COLUMN platform_posts.checkpoint; Type: ACL; Schema: public

GRANT UPDATE(checkpoint) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.external_id; Type: ACL; Schema: public

GRANT UPDATE(external_id) ON TABLE public.platform_posts TO fanfare_worker;
GRANT UPDATE(external_id) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(external_id) ON TABLE public.platform_posts TO fanfare_admin;

-- Name: COLUMN platform_posts.external_url; Type: ACL; Schema: public

GRANT UPDATE(external_url) ON TABLE public.platform_posts TO fanfare_worker;
GRANT UPDATE(external_url) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(external_url) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(external_url) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.published_at; Type: ACL; Schema: public

GRANT UPDATE(published_at) ON TABLE public.platform_posts TO fanfare_worker;
GRANT UPDATE(published_at) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(published_at) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(published_at) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.problem_class; Type: ACL; Schema: public

GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_worker;
GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_agent;
GRANT SELECT(problem_class),UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_worker;
GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_agent;
GRANT SELECT(problem),UPDATE(problem) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.options; Type: ACL; Schema: public

GRANT INSERT(options),UPDATE(options) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(options),UPDATE(options) ON TABLE public.platform_posts TO fanfare_agent;
GRANT INSERT(options),UPDATE(options) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(options),INSERT(options) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.own_media; Type: ACL; Schema: public

GRANT INSERT(own_media),UPDATE(own_media) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(own_media),UPDATE(own_media) ON TABLE public.platform_posts TO fanfare_agent;
GRANT INSERT(own_media),UPDATE(own_media) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(own_media),INSERT(own_media) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.measure_at; Type: ACL; Schema: public

GRANT UPDATE(measure_at) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(measure_at) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: TABLE post_media; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.post_media TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.post_media TO fanfare_admin;
GRANT SELECT ON TABLE public.post_media TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.post_media TO fanfare_agent;
GRANT DELETE ON TABLE public.post_media TO fanfare_definer;
GRANT SELECT ON TABLE public.post_media TO fanfare_backup;

-- Name: COLUMN post_media.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.post_media TO fanfare_definer;

-- Name: COLUMN post_media.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.post_media TO fanfare_definer;

-- Name: COLUMN post_media.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.post_media TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.post_media TO fanfare_admin;
GRANT INSERT(post_id) ON TABLE public.post_media TO fanfare_agent;
GRANT SELECT(post_id),INSERT(post_id) ON TABLE public.post_media TO fanfare_definer;

-- Name: COLUMN post_media.media_id; Type: ACL; Schema: public

GRANT INSERT(media_id) ON TABLE public.post_media TO fanfare_user;
GRANT INSERT(media_id) ON TABLE public.post_media TO fanfare_admin;
GRANT INSERT(media_id) ON TABLE public.post_media TO fanfare_agent;
GRANT SELECT(media_id),INSERT(media_id) ON TABLE public.post_media TO fanfare_definer;

-- Name: COLUMN post_media."position"; Type: ACL; Schema: public

GRANT INSERT("position") ON TABLE public.post_media TO fanfare_user;
GRANT INSERT("position") ON TABLE public.post_media TO fanfare_admin;
GRANT INSERT("position") ON TABLE public.post_media TO fanfare_agent;
GRANT SELECT("position"),INSERT("position") ON TABLE public.post_media TO fanfare_definer;

-- Name: TABLE platform_post_files; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.platform_post_files TO fanfare_user;
GRANT SELECT ON TABLE public.platform_post_files TO fanfare_agent;
GRANT SELECT ON TABLE public.platform_post_files TO fanfare_admin;
GRANT SELECT ON TABLE public.platform_post_files TO fanfare_worker;

-- Name: TABLE post_metrics; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.post_metrics TO fanfare_user;
GRANT SELECT ON TABLE public.post_metrics TO fanfare_agent;
GRANT SELECT ON TABLE public.post_metrics TO fanfare_admin;
GRANT SELECT ON TABLE public.post_metrics TO fanfare_worker;
GRANT DELETE ON TABLE public.post_metrics TO fanfare_definer;
GRANT SELECT ON TABLE public.post_metrics TO fanfare_backup;

-- Name: COLUMN post_metrics.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.post_metrics TO fanfare_definer;

-- Name: COLUMN post_metrics.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.post_metrics TO fanfare_definer;

-- Name: COLUMN post_metrics.platform_post_id; Type: ACL; Schema: public

GRANT INSERT(platform_post_id) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.day; Type: ACL; Schema: public

GRANT INSERT(day) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.impressions; Type: ACL; Schema: public

GRANT INSERT(impressions),UPDATE(impressions) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.reach; Type: ACL; Schema: public

GRANT INSERT(reach),UPDATE(reach) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.likes; Type: ACL; Schema: public

GRANT INSERT(likes),UPDATE(likes) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.comments; Type: ACL; Schema: public

GRANT INSERT(comments),UPDATE(comments) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.shares; Type: ACL; Schema: public

GRANT INSERT(shares),UPDATE(shares) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.clicks; Type: ACL; Schema: public

GRANT INSERT(clicks),UPDATE(clicks) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: COLUMN post_metrics.measured_at; Type: ACL; Schema: public

GRANT UPDATE(measured_at) ON TABLE public.post_metrics TO fanfare_worker;

-- Name: TABLE post_reviews; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.post_reviews TO fanfare_user;
GRANT SELECT ON TABLE public.post_reviews TO fanfare_agent;
GRANT SELECT ON TABLE public.post_reviews TO fanfare_admin;
GRANT SELECT ON TABLE public.post_reviews TO fanfare_worker;
GRANT DELETE ON TABLE public.post_reviews TO fanfare_definer;
GRANT SELECT ON TABLE public.post_reviews TO fanfare_backup;

-- Name: COLUMN post_reviews.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.post_reviews TO fanfare_definer;

-- Name: COLUMN post_reviews.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.post_reviews TO fanfare_definer;

-- Name: COLUMN post_reviews.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.post_reviews TO fanfare_user;
GRANT INSERT(id) ON TABLE public.post_reviews TO fanfare_agent;
GRANT INSERT(id) ON TABLE public.post_reviews TO fanfare_admin;

-- Name: COLUMN post_reviews.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.post_reviews TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.post_reviews TO fanfare_agent;
GRANT INSERT(post_id) ON TABLE public.post_reviews TO fanfare_admin;
GRANT SELECT(post_id) ON TABLE public.post_reviews TO fanfare_definer;

-- Name: COLUMN post_reviews.post_version; Type: ACL; Schema: public

GRANT INSERT(post_version) ON TABLE public.post_reviews TO fanfare_user;
GRANT INSERT(post_version) ON TABLE public.post_reviews TO fanfare_agent;
GRANT INSERT(post_version) ON TABLE public.post_reviews TO fanfare_admin;

-- Name: COLUMN post_reviews.verdict; Type: ACL; Schema: public

GRANT INSERT(verdict) ON TABLE public.post_reviews TO fanfare_user;
GRANT INSERT(verdict) ON TABLE public.post_reviews TO fanfare_agent;
GRANT INSERT(verdict) ON TABLE public.post_reviews TO fanfare_admin;

-- Name: COLUMN post_reviews.comment; Type: ACL; Schema: public

GRANT INSERT(comment) ON TABLE public.post_reviews TO fanfare_user;
GRANT INSERT(comment) ON TABLE public.post_reviews TO fanfare_agent;
GRANT INSERT(comment) ON TABLE public.post_reviews TO fanfare_admin;

-- Name: TABLE posts; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.posts TO fanfare_user;
GRANT SELECT ON TABLE public.posts TO fanfare_admin;
GRANT SELECT ON TABLE public.posts TO fanfare_worker;
GRANT SELECT ON TABLE public.posts TO fanfare_agent;
GRANT DELETE ON TABLE public.posts TO fanfare_definer;
GRANT SELECT ON TABLE public.posts TO fanfare_backup;

-- Name: COLUMN posts.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(id) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(id),INSERT(id) ON TABLE public.posts TO fanfare_definer;
GRANT INSERT(id) ON TABLE public.posts TO fanfare_agent;

-- Name: COLUMN posts.campaign_id; Type: ACL; Schema: public

GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE public.posts TO fanfare_admin;
GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE public.posts TO fanfare_agent;
GRANT SELECT(campaign_id),INSERT(campaign_id) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.title; Type: ACL; Schema: public

GRANT INSERT(title),UPDATE(title) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(title),UPDATE(title) ON TABLE public.posts TO fanfare_admin;
GRANT INSERT(title),UPDATE(title) ON TABLE public.posts TO fanfare_agent;
GRANT SELECT(title),INSERT(title) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.text; Type: ACL; Schema: public

GRANT INSERT(text),UPDATE(text) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(text),UPDATE(text) ON TABLE public.posts TO fanfare_admin;
GRANT INSERT(text),UPDATE(text) ON TABLE public.posts TO fanfare_agent;
GRANT SELECT(text),INSERT(text) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.posts TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.posts TO fanfare_worker;
GRANT UPDATE(state) ON TABLE public.posts TO fanfare_agent;
GRANT SELECT(state),UPDATE(state) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.scheduled_at; Type: ACL; Schema: public

GRANT UPDATE(scheduled_at) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(scheduled_at) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(scheduled_at),INSERT(scheduled_at) ON TABLE public.posts TO fanfare_definer;
GRANT UPDATE(scheduled_at) ON TABLE public.posts TO fanfare_agent;

-- Name: COLUMN posts.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by),INSERT(created_by) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.approved_at; Type: ACL; Schema: public

GRANT UPDATE(approved_at) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(approved_at) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(approved_at) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(approved_at),INSERT(approved_at) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.approved_by; Type: ACL; Schema: public

GRANT SELECT(approved_by),INSERT(approved_by) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.submitted_by; Type: ACL; Schema: public

GRANT UPDATE(submitted_by) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(submitted_by) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(submitted_by) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(submitted_by),INSERT(submitted_by) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.edited_by; Type: ACL; Schema: public

GRANT UPDATE(edited_by) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(edited_by) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(edited_by) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(edited_by),INSERT(edited_by) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.submitted_for; Type: ACL; Schema: public

GRANT UPDATE(submitted_for) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(submitted_for) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(submitted_for) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(submitted_for),INSERT(submitted_for) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.edited_for; Type: ACL; Schema: public

GRANT UPDATE(edited_for) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(edited_for) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(edited_for) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(edited_for),INSERT(edited_for) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.slot_at; Type: ACL; Schema: public

GRANT UPDATE(slot_at) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(slot_at) ON TABLE public.posts TO fanfare_agent;
GRANT UPDATE(slot_at) ON TABLE public.posts TO fanfare_admin;

-- Name: COLUMN posts.recurrence_id; Type: ACL; Schema: public

GRANT SELECT(recurrence_id),INSERT(recurrence_id),UPDATE(recurrence_id) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.occurrence_at; Type: ACL; Schema: public

GRANT SELECT(occurrence_at),INSERT(occurrence_at) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.detached_at; Type: ACL; Schema: public

GRANT SELECT(detached_at),UPDATE(detached_at) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.space_id; Type: ACL; Schema: public

GRANT SELECT(space_id),INSERT(space_id) ON TABLE public.posts TO fanfare_definer;

-- Name: TABLE posts_with_platforms; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.posts_with_platforms TO fanfare_user;
GRANT SELECT ON TABLE public.posts_with_platforms TO fanfare_admin;
GRANT SELECT ON TABLE public.posts_with_platforms TO fanfare_agent;

-- Name: TABLE publish_attempts; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.publish_attempts TO fanfare_user;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_admin;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_worker;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_agent;
GRANT DELETE ON TABLE public.publish_attempts TO fanfare_definer;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_backup;

-- Name: COLUMN publish_attempts.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.publish_attempts TO fanfare_definer;

-- Name: COLUMN publish_attempts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.publish_attempts TO fanfare_definer;

-- Name: COLUMN publish_attempts.platform_post_id; Type: ACL; Schema: public

GRANT INSERT(platform_post_id) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.number; Type: ACL; Schema: public

GRANT INSERT(number) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.job_id; Type: ACL; Schema: public

GRANT INSERT(job_id) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.finished_at; Type: ACL; Schema: public

GRANT UPDATE(finished_at) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.outcome; Type: ACL; Schema: public

GRANT UPDATE(outcome) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.status; Type: ACL; Schema: public

GRANT UPDATE(status) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.code; Type: ACL; Schema: public

GRANT UPDATE(code) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: COLUMN publish_attempts.message; Type: ACL; Schema: public

GRANT UPDATE(message) ON TABLE public.publish_attempts TO fanfare_worker;

-- Name: TABLE queue_slots; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.queue_slots TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.queue_slots TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.queue_slots TO fanfare_admin;
GRANT SELECT ON TABLE public.queue_slots TO fanfare_worker;
GRANT DELETE ON TABLE public.queue_slots TO fanfare_definer;
GRANT SELECT ON TABLE public.queue_slots TO fanfare_backup;

-- Name: COLUMN queue_slots.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.queue_slots TO fanfare_definer;

-- Name: COLUMN queue_slots.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.queue_slots TO fanfare_definer;

-- Name: COLUMN queue_slots.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.queue_slots TO fanfare_user;
GRANT INSERT(id) ON TABLE public.queue_slots TO fanfare_agent;
GRANT INSERT(id) ON TABLE public.queue_slots TO fanfare_admin;

-- Name: COLUMN queue_slots.weekday; Type: ACL; Schema: public

GRANT INSERT(weekday) ON TABLE public.queue_slots TO fanfare_user;
GRANT INSERT(weekday) ON TABLE public.queue_slots TO fanfare_agent;
GRANT INSERT(weekday) ON TABLE public.queue_slots TO fanfare_admin;

-- Name: COLUMN queue_slots.local_time; Type: ACL; Schema: public

GRANT INSERT(local_time) ON TABLE public.queue_slots TO fanfare_user;
GRANT INSERT(local_time) ON TABLE public.queue_slots TO fanfare_agent;
GRANT INSERT(local_time) ON TABLE public.queue_slots TO fanfare_admin;

-- Name: TABLE rate_limit_rules; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.rate_limit_rules TO fanfare_user;
GRANT SELECT ON TABLE public.rate_limit_rules TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.rate_limit_rules TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.rate_limit_rules TO fanfare_definer;
GRANT SELECT ON TABLE public.rate_limit_rules TO fanfare_backup;

-- Name: COLUMN rate_limit_rules.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.rate_limit_rules TO fanfare_definer;

-- Name: COLUMN rate_limit_rules.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.rate_limit_rules TO fanfare_definer;

-- Name: COLUMN rate_limit_rules.endpoint; Type: ACL; Schema: public

GRANT INSERT(endpoint) ON TABLE public.rate_limit_rules TO fanfare_admin;

-- Name: COLUMN rate_limit_rules.quota; Type: ACL; Schema: public

GRANT INSERT(quota),UPDATE(quota) ON TABLE public.rate_limit_rules TO fanfare_admin;

-- Name: COLUMN rate_limit_rules.window_seconds; Type: ACL; Schema: public

GRANT INSERT(window_seconds),UPDATE(window_seconds) ON TABLE public.rate_limit_rules TO fanfare_admin;

-- Name: TABLE rate_limits; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.rate_limits TO fanfare_definer;
GRANT SELECT ON TABLE public.rate_limits TO fanfare_backup;

-- Name: COLUMN rate_limits.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.rate_limits TO fanfare_definer;

-- Name: COLUMN rate_limits.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.rate_limits TO fanfare_definer;

-- Name: TABLE recurring_posts; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.recurring_posts TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.recurring_posts TO fanfare_agent;
GRANT SELECT,DELETE ON TABLE public.recurring_posts TO fanfare_admin;
GRANT SELECT ON TABLE public.recurring_posts TO fanfare_worker;
GRANT DELETE ON TABLE public.recurring_posts TO fanfare_definer;
GRANT SELECT ON TABLE public.recurring_posts TO fanfare_backup;

-- Name: COLUMN recurring_posts.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(id) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(id) ON TABLE public.recurring_posts TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(post_id) ON TABLE public.recurring_posts TO fanfare_admin;
GRANT SELECT(post_id) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.rrule; Type: ACL; Schema: public

GRANT INSERT(rrule),UPDATE(rrule) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(rrule),UPDATE(rrule) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(rrule),UPDATE(rrule) ON TABLE public.recurring_posts TO fanfare_admin;

-- Name: COLUMN recurring_posts.starts_local; Type: ACL; Schema: public

GRANT INSERT(starts_local),UPDATE(starts_local) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(starts_local),UPDATE(starts_local) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(starts_local),UPDATE(starts_local) ON TABLE public.recurring_posts TO fanfare_admin;

-- Name: COLUMN recurring_posts.time_zone; Type: ACL; Schema: public

GRANT INSERT(time_zone),UPDATE(time_zone) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(time_zone),UPDATE(time_zone) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(time_zone),UPDATE(time_zone) ON TABLE public.recurring_posts TO fanfare_admin;

-- Name: COLUMN recurring_posts.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.recurring_posts TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT UPDATE(state) ON TABLE public.recurring_posts TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.recurring_posts TO fanfare_worker;
GRANT SELECT(state) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.next_at; Type: ACL; Schema: public

GRANT INSERT(next_at),UPDATE(next_at) ON TABLE public.recurring_posts TO fanfare_user;
GRANT INSERT(next_at),UPDATE(next_at) ON TABLE public.recurring_posts TO fanfare_agent;
GRANT INSERT(next_at),UPDATE(next_at) ON TABLE public.recurring_posts TO fanfare_admin;
GRANT UPDATE(next_at) ON TABLE public.recurring_posts TO fanfare_worker;

-- Name: COLUMN recurring_posts.made_until; Type: ACL; Schema: public

GRANT UPDATE(made_until) ON TABLE public.recurring_posts TO fanfare_worker;
GRANT SELECT(made_until),UPDATE(made_until) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.look_at; Type: ACL; Schema: public

GRANT UPDATE(look_at) ON TABLE public.recurring_posts TO fanfare_worker;
GRANT SELECT(look_at),UPDATE(look_at) ON TABLE public.recurring_posts TO fanfare_definer;

-- Name: COLUMN recurring_posts.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.recurring_posts TO fanfare_worker;

-- Name: COLUMN recurring_posts.skipped; Type: ACL; Schema: public

GRANT UPDATE(skipped) ON TABLE public.recurring_posts TO fanfare_worker;

-- Name: COLUMN recurring_posts.skipped_at; Type: ACL; Schema: public

GRANT UPDATE(skipped_at) ON TABLE public.recurring_posts TO fanfare_worker;

-- Name: TABLE restores; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.restores TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.restores TO fanfare_admin;
GRANT SELECT,DELETE ON TABLE public.restores TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE public.restores TO fanfare_definer;
GRANT SELECT ON TABLE public.restores TO fanfare_backup;

-- Name: COLUMN restores.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.restores TO fanfare_definer;

-- Name: COLUMN restores.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(id) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.backup_id; Type: ACL; Schema: public

GRANT INSERT(backup_id) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(backup_id) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.restores TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.restores TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.restores TO fanfare_worker;

-- Name: COLUMN restores.workspace_id; Type: ACL; Schema: public

GRANT INSERT(workspace_id) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(workspace_id) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.path; Type: ACL; Schema: public

GRANT INSERT(path) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(path) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.to_workspace_id; Type: ACL; Schema: public

GRANT INSERT(to_workspace_id) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(to_workspace_id) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.to_path; Type: ACL; Schema: public

GRANT INSERT(to_path) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(to_path) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.exact; Type: ACL; Schema: public

GRANT INSERT(exact) ON TABLE public.restores TO fanfare_user;
GRANT INSERT(exact) ON TABLE public.restores TO fanfare_admin;

-- Name: COLUMN restores.plan; Type: ACL; Schema: public

GRANT UPDATE(plan) ON TABLE public.restores TO fanfare_worker;

-- Name: COLUMN restores.losses; Type: ACL; Schema: public

GRANT UPDATE(losses) ON TABLE public.restores TO fanfare_worker;

-- Name: COLUMN restores.started_at; Type: ACL; Schema: public

GRANT UPDATE(started_at) ON TABLE public.restores TO fanfare_worker;

-- Name: COLUMN restores.finished_at; Type: ACL; Schema: public

GRANT UPDATE(finished_at) ON TABLE public.restores TO fanfare_worker;

-- Name: COLUMN restores.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.restores TO fanfare_worker;

-- Name: TABLE space_people; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.space_people TO fanfare_user;
GRANT SELECT ON TABLE public.space_people TO fanfare_agent;
GRANT SELECT ON TABLE public.space_people TO fanfare_admin;
GRANT SELECT ON TABLE public.space_people TO fanfare_worker;
GRANT DELETE ON TABLE public.space_people TO fanfare_definer;
GRANT SELECT ON TABLE public.space_people TO fanfare_backup;

-- Name: COLUMN space_people.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.space_people TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.space_id; Type: ACL; Schema: public

GRANT INSERT(space_id) ON TABLE public.space_people TO fanfare_worker;
GRANT SELECT(space_id) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.external_id; Type: ACL; Schema: public

GRANT INSERT(external_id) ON TABLE public.space_people TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.name; Type: ACL; Schema: public

GRANT INSERT(name),UPDATE(name) ON TABLE public.space_people TO fanfare_worker;

-- Name: COLUMN space_people.username; Type: ACL; Schema: public

GRANT INSERT(username),UPDATE(username) ON TABLE public.space_people TO fanfare_worker;

-- Name: COLUMN space_people.joined_at; Type: ACL; Schema: public

GRANT UPDATE(joined_at) ON TABLE public.space_people TO fanfare_worker;

-- Name: COLUMN space_people.left_at; Type: ACL; Schema: public

GRANT UPDATE(left_at) ON TABLE public.space_people TO fanfare_worker;
GRANT SELECT(left_at),UPDATE(left_at) ON TABLE public.space_people TO fanfare_definer;

-- Name: COLUMN space_people.asked; Type: ACL; Schema: public

GRANT UPDATE(asked) ON TABLE public.space_people TO fanfare_worker;

-- Name: TABLE spaces; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.spaces TO fanfare_user;
GRANT SELECT ON TABLE public.spaces TO fanfare_admin;
GRANT SELECT ON TABLE public.spaces TO fanfare_agent;
GRANT SELECT ON TABLE public.spaces TO fanfare_worker;
GRANT DELETE ON TABLE public.spaces TO fanfare_definer;
GRANT SELECT ON TABLE public.spaces TO fanfare_backup;

-- Name: COLUMN spaces.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(id) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.platform; Type: ACL; Schema: public

GRANT INSERT(platform) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(platform) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.bot; Type: ACL; Schema: public

GRANT INSERT(bot) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(bot) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.team; Type: ACL; Schema: public

GRANT INSERT(team) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(team) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.kind; Type: ACL; Schema: public

GRANT INSERT(kind) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(kind) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.external_id; Type: ACL; Schema: public

GRANT INSERT(external_id),UPDATE(external_id) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(external_id) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.title; Type: ACL; Schema: public

GRANT UPDATE(title) ON TABLE public.spaces TO fanfare_user;
GRANT UPDATE(title) ON TABLE public.spaces TO fanfare_admin;
GRANT INSERT(title),UPDATE(title) ON TABLE public.spaces TO fanfare_worker;

-- Name: COLUMN spaces.permissions; Type: ACL; Schema: public

GRANT UPDATE(permissions) ON TABLE public.spaces TO fanfare_user;
GRANT UPDATE(permissions) ON TABLE public.spaces TO fanfare_admin;
GRANT INSERT(permissions) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(permissions) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.paired_by; Type: ACL; Schema: public

GRANT INSERT(paired_by) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(paired_by) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.unreachable_at; Type: ACL; Schema: public

GRANT UPDATE(unreachable_at) ON TABLE public.spaces TO fanfare_worker;

-- Name: COLUMN spaces.move_requested_at; Type: ACL; Schema: public

GRANT UPDATE(move_requested_at) ON TABLE public.spaces TO fanfare_worker;

-- Name: COLUMN spaces.ended_at; Type: ACL; Schema: public

GRANT UPDATE(ended_at) ON TABLE public.spaces TO fanfare_user;
GRANT UPDATE(ended_at) ON TABLE public.spaces TO fanfare_admin;
GRANT UPDATE(ended_at) ON TABLE public.spaces TO fanfare_worker;
GRANT SELECT(ended_at),UPDATE(ended_at) ON TABLE public.spaces TO fanfare_definer;

-- Name: COLUMN spaces.ended_because; Type: ACL; Schema: public

GRANT UPDATE(ended_because) ON TABLE public.spaces TO fanfare_user;
GRANT UPDATE(ended_because) ON TABLE public.spaces TO fanfare_admin;
GRANT UPDATE(ended_because) ON TABLE public.spaces TO fanfare_worker;

-- Name: TABLE system_roles; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.system_roles TO fanfare_user;
GRANT SELECT ON TABLE public.system_roles TO fanfare_admin;
GRANT SELECT ON TABLE public.system_roles TO fanfare_definer;

-- Name: TABLE usage_days; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.usage_days TO fanfare_user;
GRANT SELECT ON TABLE public.usage_days TO fanfare_agent;
GRANT SELECT ON TABLE public.usage_days TO fanfare_admin;
GRANT SELECT ON TABLE public.usage_days TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_days TO fanfare_definer;
GRANT SELECT ON TABLE public.usage_days TO fanfare_backup;

-- Name: TABLE usage_entries; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.usage_entries TO fanfare_user;
GRANT SELECT ON TABLE public.usage_entries TO fanfare_agent;
GRANT SELECT ON TABLE public.usage_entries TO fanfare_admin;
GRANT SELECT ON TABLE public.usage_entries TO fanfare_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.usage_entries TO fanfare_definer;
GRANT SELECT ON TABLE public.usage_entries TO fanfare_backup;

-- Name: TABLE users; Type: ACL; Schema: public

GRANT SELECT,INSERT,UPDATE ON TABLE public.users TO fanfare_definer;
GRANT SELECT ON TABLE public.users TO fanfare_user;
GRANT SELECT ON TABLE public.users TO fanfare_admin;
GRANT SELECT ON TABLE public.users TO fanfare_backup;

-- Name: COLUMN users.id; Type: ACL; Schema: public

GRANT SELECT(id) ON TABLE public.users TO fanfare_worker;

-- Name: COLUMN users.email; Type: ACL; Schema: public

GRANT SELECT(email) ON TABLE public.users TO fanfare_worker;

-- Name: COLUMN users.email_verified; Type: ACL; Schema: public

GRANT SELECT(email_verified) ON TABLE public.users TO fanfare_worker;

-- Name: COLUMN users.name; Type: ACL; Schema: public

GRANT SELECT(name) ON TABLE public.users TO fanfare_worker;

-- Name: TABLE watched_topics; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.watched_topics TO fanfare_definer;

-- Name: TABLE webhook_deliveries; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT SELECT ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT SELECT ON TABLE public.webhook_deliveries TO fanfare_worker;
GRANT DELETE ON TABLE public.webhook_deliveries TO fanfare_definer;
GRANT SELECT ON TABLE public.webhook_deliveries TO fanfare_backup;

-- Name: COLUMN webhook_deliveries.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id),INSERT(customer_id) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT INSERT(id) ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT SELECT(id),INSERT(id) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.endpoint_id; Type: ACL; Schema: public

GRANT INSERT(endpoint_id) ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT INSERT(endpoint_id) ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT SELECT(endpoint_id),INSERT(endpoint_id) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.event; Type: ACL; Schema: public

GRANT INSERT(event) ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT INSERT(event) ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT SELECT(event),INSERT(event) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.payload; Type: ACL; Schema: public

GRANT INSERT(payload) ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT INSERT(payload) ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT INSERT(payload) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.webhook_deliveries TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.webhook_deliveries TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.webhook_deliveries TO fanfare_worker;
GRANT SELECT(state),UPDATE(state) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.attempts; Type: ACL; Schema: public

GRANT UPDATE(attempts) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.round; Type: ACL; Schema: public

GRANT UPDATE(round) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.next_at; Type: ACL; Schema: public

GRANT UPDATE(next_at) ON TABLE public.webhook_deliveries TO fanfare_worker;
GRANT SELECT(next_at),UPDATE(next_at) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.started_at; Type: ACL; Schema: public

GRANT UPDATE(started_at) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.status; Type: ACL; Schema: public

GRANT UPDATE(status) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.webhook_deliveries TO fanfare_worker;
GRANT UPDATE(problem) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: COLUMN webhook_deliveries.log; Type: ACL; Schema: public

GRANT UPDATE(log) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.delivered_at; Type: ACL; Schema: public

GRANT UPDATE(delivered_at) ON TABLE public.webhook_deliveries TO fanfare_worker;

-- Name: COLUMN webhook_deliveries.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.webhook_deliveries TO fanfare_definer;

-- Name: TABLE webhook_endpoints; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.webhook_endpoints TO fanfare_admin;
GRANT SELECT ON TABLE public.webhook_endpoints TO fanfare_worker;
GRANT DELETE ON TABLE public.webhook_endpoints TO fanfare_definer;
GRANT SELECT ON TABLE public.webhook_endpoints TO fanfare_backup;

-- Name: COLUMN webhook_endpoints.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.webhook_endpoints TO fanfare_definer;

-- Name: COLUMN webhook_endpoints.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.webhook_endpoints TO fanfare_definer;

-- Name: COLUMN webhook_endpoints.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT INSERT(id) ON TABLE public.webhook_endpoints TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.webhook_endpoints TO fanfare_definer;

-- Name: COLUMN webhook_endpoints.url; Type: ACL; Schema: public

GRANT INSERT(url),UPDATE(url) ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT INSERT(url),UPDATE(url) ON TABLE public.webhook_endpoints TO fanfare_admin;

-- Name: COLUMN webhook_endpoints.description; Type: ACL; Schema: public

GRANT INSERT(description),UPDATE(description) ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT INSERT(description),UPDATE(description) ON TABLE public.webhook_endpoints TO fanfare_admin;

-- Name: COLUMN webhook_endpoints.events; Type: ACL; Schema: public

GRANT INSERT(events),UPDATE(events) ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT INSERT(events),UPDATE(events) ON TABLE public.webhook_endpoints TO fanfare_admin;
GRANT SELECT(events) ON TABLE public.webhook_endpoints TO fanfare_definer;

-- Name: COLUMN webhook_endpoints.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.webhook_endpoints TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.webhook_endpoints TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.webhook_endpoints TO fanfare_worker;
GRANT SELECT(state),UPDATE(state) ON TABLE public.webhook_endpoints TO fanfare_definer;

-- Name: COLUMN webhook_endpoints.reason; Type: ACL; Schema: public

GRANT UPDATE(reason) ON TABLE public.webhook_endpoints TO fanfare_worker;

-- Name: COLUMN webhook_endpoints.failing_since; Type: ACL; Schema: public

GRANT UPDATE(failing_since) ON TABLE public.webhook_endpoints TO fanfare_worker;

-- Name: COLUMN webhook_endpoints.failures; Type: ACL; Schema: public

GRANT UPDATE(failures) ON TABLE public.webhook_endpoints TO fanfare_worker;

-- Name: TABLE webhook_secrets; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.webhook_secrets TO fanfare_worker;
GRANT DELETE ON TABLE public.webhook_secrets TO fanfare_definer;
GRANT SELECT ON TABLE public.webhook_secrets TO fanfare_backup;

-- Name: COLUMN webhook_secrets.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.webhook_secrets TO fanfare_admin;
GRANT SELECT(customer_id) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.webhook_secrets TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.endpoint_id; Type: ACL; Schema: public

GRANT SELECT(endpoint_id),INSERT(endpoint_id) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(endpoint_id),INSERT(endpoint_id) ON TABLE public.webhook_secrets TO fanfare_admin;

-- Name: COLUMN webhook_secrets.sealed; Type: ACL; Schema: public

GRANT INSERT(sealed) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT INSERT(sealed) ON TABLE public.webhook_secrets TO fanfare_admin;
GRANT SELECT(sealed),UPDATE(sealed) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.key_id; Type: ACL; Schema: public

GRANT INSERT(key_id) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT INSERT(key_id) ON TABLE public.webhook_secrets TO fanfare_admin;
GRANT SELECT(key_id),UPDATE(key_id) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.expires_at; Type: ACL; Schema: public

GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(expires_at),UPDATE(expires_at) ON TABLE public.webhook_secrets TO fanfare_admin;
GRANT SELECT(expires_at) ON TABLE public.webhook_secrets TO fanfare_definer;

-- Name: COLUMN webhook_secrets.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.webhook_secrets TO fanfare_admin;

-- Name: COLUMN webhook_secrets.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.webhook_secrets TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.webhook_secrets TO fanfare_admin;

-- Name: TABLE workers; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workers TO fanfare_worker;
GRANT SELECT ON TABLE public.workers TO fanfare_definer;

-- Name: TABLE workspace_policies; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.workspace_policies TO fanfare_user;
GRANT SELECT ON TABLE public.workspace_policies TO fanfare_admin;
GRANT SELECT ON TABLE public.workspace_policies TO fanfare_worker;
GRANT DELETE ON TABLE public.workspace_policies TO fanfare_definer;
GRANT SELECT ON TABLE public.workspace_policies TO fanfare_backup;

-- Name: COLUMN workspace_policies.ctid; Type: ACL; Schema: public

GRANT SELECT(ctid) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: COLUMN workspace_policies.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: COLUMN workspace_policies.unused_days; Type: ACL; Schema: public

GRANT INSERT(unused_days),UPDATE(unused_days) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(unused_days),UPDATE(unused_days) ON TABLE public.workspace_policies TO fanfare_admin;
GRANT SELECT(unused_days) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: COLUMN workspace_policies.archive_days; Type: ACL; Schema: public

GRANT INSERT(archive_days),UPDATE(archive_days) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(archive_days),UPDATE(archive_days) ON TABLE public.workspace_policies TO fanfare_admin;
GRANT SELECT(archive_days) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: COLUMN workspace_policies.legal_hold; Type: ACL; Schema: public

GRANT INSERT(legal_hold),UPDATE(legal_hold) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(legal_hold),UPDATE(legal_hold) ON TABLE public.workspace_policies TO fanfare_admin;
GRANT SELECT(legal_hold) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: COLUMN workspace_policies.hold_reason; Type: ACL; Schema: public

GRANT INSERT(hold_reason),UPDATE(hold_reason) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(hold_reason),UPDATE(hold_reason) ON TABLE public.workspace_policies TO fanfare_admin;

-- Name: COLUMN workspace_policies.hold_of_installation; Type: ACL; Schema: public

GRANT INSERT(hold_of_installation),UPDATE(hold_of_installation) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(hold_of_installation),UPDATE(hold_of_installation) ON TABLE public.workspace_policies TO fanfare_admin;

-- Name: COLUMN workspace_policies.quota; Type: ACL; Schema: public

GRANT INSERT(quota),UPDATE(quota) ON TABLE public.workspace_policies TO fanfare_user;
GRANT INSERT(quota),UPDATE(quota) ON TABLE public.workspace_policies TO fanfare_admin;
GRANT SELECT(quota) ON TABLE public.workspace_policies TO fanfare_definer;

-- Name: TABLE river_job; Type: ACL; Schema: river

GRANT SELECT ON TABLE river.river_job TO fanfare_user;
GRANT SELECT ON TABLE river.river_job TO fanfare_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_job TO fanfare_worker;
GRANT SELECT,DELETE ON TABLE river.river_job TO fanfare_definer;
GRANT SELECT ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.ctid; Type: ACL; Schema: river

GRANT SELECT(ctid) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.id; Type: ACL; Schema: river

GRANT INSERT(id) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(id) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(id) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.state; Type: ACL; Schema: river

GRANT INSERT(state) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(state) ON TABLE river.river_job TO fanfare_admin;
GRANT UPDATE(state) ON TABLE river.river_job TO fanfare_definer;
GRANT INSERT(state) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.max_attempts; Type: ACL; Schema: river

GRANT INSERT(max_attempts) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(max_attempts) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(max_attempts) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.created_at; Type: ACL; Schema: river

GRANT INSERT(created_at) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(created_at) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(created_at) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.finalized_at; Type: ACL; Schema: river

GRANT UPDATE(finalized_at) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.scheduled_at; Type: ACL; Schema: river

GRANT INSERT(scheduled_at) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(scheduled_at) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(scheduled_at) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.priority; Type: ACL; Schema: river

GRANT INSERT(priority) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(priority) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(priority) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.args; Type: ACL; Schema: river

GRANT INSERT(args) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(args) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(args) ON TABLE river.river_job TO fanfare_agent;
GRANT SELECT(args) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.kind; Type: ACL; Schema: river

GRANT INSERT(kind),UPDATE(kind) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(kind),UPDATE(kind) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(kind),UPDATE(kind) ON TABLE river.river_job TO fanfare_agent;
GRANT SELECT(kind) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.metadata; Type: ACL; Schema: river

GRANT INSERT(metadata) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(metadata) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(metadata) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.queue; Type: ACL; Schema: river

GRANT INSERT(queue) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(queue) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(queue) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.tags; Type: ACL; Schema: river

GRANT INSERT(tags) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(tags) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(tags) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.unique_key; Type: ACL; Schema: river

GRANT INSERT(unique_key) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(unique_key) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(unique_key) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.unique_states; Type: ACL; Schema: river

GRANT INSERT(unique_states) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(unique_states) ON TABLE river.river_job TO fanfare_admin;
GRANT INSERT(unique_states) ON TABLE river.river_job TO fanfare_agent;

-- Name: COLUMN river_job.customer_id; Type: ACL; Schema: river

GRANT SELECT(customer_id) ON TABLE river.river_job TO fanfare_definer;

-- Name: SEQUENCE river_job_id_seq; Type: ACL; Schema: river

GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_user;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_admin;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_worker;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_agent;

-- Name: TABLE river_leader; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_leader TO fanfare_worker;

-- Name: TABLE river_notification; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_notification TO fanfare_worker;

-- Name: SEQUENCE river_notification_id_seq; Type: ACL; Schema: river

GRANT USAGE ON SEQUENCE river.river_notification_id_seq TO fanfare_worker;

-- Name: TABLE river_queue; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_queue TO fanfare_worker;
GRANT SELECT ON TABLE river.river_queue TO fanfare_definer;

-- Name: TABLE river_job; Type: ACL; Schema: river_seen

GRANT SELECT ON TABLE river_seen.river_job TO fanfare_admin;

-- Name: TABLE river_queue; Type: ACL; Schema: river_seen

GRANT SELECT ON TABLE river_seen.river_queue TO fanfare_admin;

-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -

ALTER DEFAULT PRIVILEGES FOR ROLE fanfare_owner REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
