-- The schema that the migrations make, for reading. Made by go run ./db/schemadump; do not edit.
-- Everything belongs to fanfare_owner but the SECURITY DEFINER functions, which are fanfare_definer's. The roles
-- and the grants on the database are in roles.sql.

-- Name: public; Type: SCHEMA; Schema: -

-- *not* creating schema, since initdb creates it

-- Name: river; Type: SCHEMA; Schema: -

CREATE SCHEMA river;

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

-- Name: cancel_jobs(uuid); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.cancel_jobs(p_post_id uuid) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
declare
    v_count bigint;
begin
    -- The owner of an archived customer reads as a viewer but still stops its jobs. One of the two roles is
    -- always NULL, hence "is not true": NOT of NULL is no refusal.
    if (tenancy.has_role('member') or tenancy.has_system_role('manager')
        or tenancy.member_role() = 'owner' or tenancy.system_role() = 'admin') is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow cancelling jobs';
    end if;
    update river.river_job j
    set state = 'cancelled', finalized_at = now()
    where j.customer_id = tenancy.customer_id()
        and (p_post_id is null or j.args ->> 'post_id' = p_post_id::text)
        and j.state in ('available', 'pending', 'retryable', 'scheduled');
    get diagnostics v_count = row_count;
    return v_count;
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

-- Name: enter_worker(uuid, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
    elsif old.archived_at is not null and current_user in ('fanfare_user', 'fanfare_admin') then
        raise insufficient_privilege using message = 'permission denied: the customer is archived';
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

-- Name: guard_platform_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_platform_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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
    -- Only the worker knows that a platform has a post. A person may say so of one that needs attention.
    if old.state <> new.state and current_user <> 'fanfare_worker' and (
        new.state in ('publishing', 'failed', 'needs_attention')
        or old.state = 'publishing'
        or (new.state = 'published' and old.state <> 'needs_attention'))
        and not (select r.rolsuper from pg_catalog.pg_roles r where r.rolname = current_user)
    then
        raise insufficient_privilege using message = 'permission denied: only the worker reports what was published';
    end if;
    -- Nothing is put on its way in a customer that is being archived at this moment.
    if new.state = 'scheduled' and old.state <> 'scheduled' and current_user in ('fanfare_user', 'fanfare_admin') then
        perform tenancy.hold_customer();
    end if;
    if new.text is distinct from old.text
        and old.state in ('publishing', 'published', 'needs_attention')
    then
        raise check_violation using message = format('a platform post that is %s cannot be changed', old.state),
            constraint = 'platform_posts_content_frozen', table = 'platform_posts', schema = 'public';
    end if;
    return new;
end
$$;

-- Name: guard_post(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.guard_post() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if tg_op = 'INSERT' then
        if new.state <> 'draft' then
            raise check_violation using message = 'a post begins as a draft',
                constraint = 'posts_state_transition', table = 'posts', schema = 'public';
        end if;
        return new;
    end if;
    if not tenancy.transition_allowed('post', old.state, new.state) then
        raise check_violation using message = format('a post that is %s cannot become %s', old.state, new.state),
            constraint = 'posts_state_transition', table = 'posts', schema = 'public';
    end if;
    -- What is being published, or is out, is not rewritten behind its back.
    if (new.title, new.text) is distinct from (old.title, old.text)
        and old.state in ('publishing', 'published', 'partially_published', 'needs_attention')
    then
        raise check_violation using message = format('a post that is %s cannot be changed', old.state),
            constraint = 'posts_content_frozen', table = 'posts', schema = 'public';
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
    if v_state in ('publishing', 'published', 'partially_published', 'needs_attention') then
        raise check_violation using message = format('a post that is %s cannot be changed', v_state),
            constraint = 'posts_content_frozen', table = 'posts', schema = 'public';
    end if;
    return v_row;
end
$$;

-- Name: member_role(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.member_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('fanfare.member_role'::text, true), ''::text);

-- Name: has_role(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_role(at_least text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((array_position(ARRAY['viewer'::text, 'member'::text, 'admin'::text, 'owner'::text], CASE WHEN ((tenancy.member_role() IS NOT NULL) AND (current_setting('fanfare.archived'::text, true) = 'on'::text)) THEN 'viewer'::text ELSE tenancy.member_role() END) >= array_position(ARRAY['viewer'::text, 'member'::text, 'admin'::text, 'owner'::text], at_least)), false);

-- Name: system_role(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.system_role() RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN NULLIF(current_setting('fanfare.system_role'::text, true), ''::text);

-- Name: has_system_role(text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.has_system_role(at_least text) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN COALESCE((array_position(ARRAY['viewer'::text, 'manager'::text, 'admin'::text], CASE WHEN ((tenancy.system_role() IS NOT NULL) AND (current_setting('fanfare.archived'::text, true) = 'on'::text)) THEN 'viewer'::text ELSE tenancy.system_role() END) >= array_position(ARRAY['viewer'::text, 'manager'::text, 'admin'::text], at_least)), false);

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

-- Name: new_job_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.new_job_id() RETURNS uuid
    LANGUAGE sql PARALLEL SAFE
    RETURN (((lpad(to_hex(((EXTRACT(epoch FROM clock_timestamp()) * (1000)::numeric))::bigint), 12, '0'::text) || '7'::text) || substr(replace((gen_random_uuid())::text, '-'::text, ''::text), 14)))::uuid;

-- Name: number_job(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.number_job() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.id := nextval('river.river_job_id_seq');
    end if;
    return new;
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

-- Name: post_state(text[]); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.post_state(states text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (COALESCE(cardinality(states), 0) = 0) THEN NULL::text WHEN ('publishing'::text = ANY (states)) THEN 'publishing'::text WHEN ('scheduled'::text = ANY (states)) THEN CASE WHEN (states && ARRAY['published'::text, 'failed'::text, 'needs_attention'::text]) THEN 'publishing'::text ELSE 'scheduled'::text END WHEN ('needs_attention'::text = ANY (states)) THEN 'needs_attention'::text WHEN ('published'::text = ANY (states)) THEN CASE WHEN (states && ARRAY['failed'::text, 'draft'::text, 'pending_approval'::text, 'approved'::text]) THEN 'partially_published'::text ELSE 'published'::text END WHEN ('failed'::text = ANY (states)) THEN 'failed'::text WHEN ('draft'::text = ANY (states)) THEN 'draft'::text WHEN ('pending_approval'::text = ANY (states)) THEN 'pending_approval'::text WHEN ('approved'::text = ANY (states)) THEN 'approved'::text ELSE 'cancelled'::text END;

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
        and greatest(p.scheduled_at, pp.retry_at) < now() - p_overdue
        and not exists (
            select from river.river_job j
            where j.customer_id = pp.customer_id
                and j.args ->> 'platform_post_id' = pp.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    limit p_limit;
end
$$;

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

-- Name: transition_allowed(text, text, text); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((from_state = to_state) OR (to_state = ANY (CASE ((entity || ' '::text) || from_state) WHEN 'platform_post draft'::text THEN ARRAY['pending_approval'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post pending_approval'::text THEN ARRAY['draft'::text, 'approved'::text, 'cancelled'::text] WHEN 'platform_post approved'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post scheduled'::text THEN ARRAY['draft'::text, 'approved'::text, 'publishing'::text, 'needs_attention'::text, 'cancelled'::text] WHEN 'platform_post publishing'::text THEN ARRAY['scheduled'::text, 'published'::text, 'failed'::text, 'needs_attention'::text] WHEN 'platform_post failed'::text THEN ARRAY['draft'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post needs_attention'::text THEN ARRAY['published'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'platform_post cancelled'::text THEN ARRAY['draft'::text] WHEN 'post draft'::text THEN ARRAY['pending_approval'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post pending_approval'::text THEN ARRAY['draft'::text, 'approved'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post approved'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'scheduled'::text, 'cancelled'::text] WHEN 'post scheduled'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'publishing'::text, 'needs_attention'::text, 'cancelled'::text] WHEN 'post publishing'::text THEN ARRAY['scheduled'::text, 'published'::text, 'partially_published'::text, 'failed'::text, 'needs_attention'::text, 'cancelled'::text, 'draft'::text, 'pending_approval'::text, 'approved'::text] WHEN 'post partially_published'::text THEN ARRAY['publishing'::text, 'published'::text, 'needs_attention'::text] WHEN 'post failed'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'cancelled'::text] WHEN 'post needs_attention'::text THEN ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'scheduled'::text, 'publishing'::text, 'published'::text, 'partially_published'::text, 'failed'::text, 'cancelled'::text] WHEN 'post cancelled'::text THEN ARRAY['draft'::text] ELSE ARRAY[]::text[] END)));

-- Name: user_id(); Type: FUNCTION; Schema: tenancy

CREATE FUNCTION tenancy.user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (NULLIF(current_setting('fanfare.user_id'::text, true), ''::text))::uuid;

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
    CONSTRAINT customers_audience_length CHECK ((char_length(audience) <= 10000)),
    CONSTRAINT customers_brand_voice_length CHECK ((char_length(brand_voice) <= 10000)),
    CONSTRAINT customers_description_length CHECK ((char_length(description) <= 10000)),
    CONSTRAINT customers_language_form CHECK (((language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$'::text) AND (char_length(language) <= 35))),
    CONSTRAINT customers_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 200))),
    CONSTRAINT customers_time_zone_length CHECK (((char_length(time_zone) >= 1) AND (char_length(time_zone) <= 64)))
);

ALTER TABLE ONLY public.customers FORCE ROW LEVEL SECURITY;

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
    CONSTRAINT integrations_credential_held CHECK ((((state = 'disconnected'::text) AND (credential IS NULL) AND (key_id IS NULL)) OR ((state <> 'disconnected'::text) AND (credential IS NOT NULL) AND (key_id IS NOT NULL)))),
    CONSTRAINT integrations_external_id_length CHECK (((char_length(external_id) >= 1) AND (char_length(external_id) <= 500))),
    CONSTRAINT integrations_name_length CHECK (((char_length(name) >= 1) AND (char_length(name) <= 500))),
    CONSTRAINT integrations_platform_known CHECK ((platform = ANY (ARRAY['twitter'::text, 'linkedin'::text, 'facebook'::text, 'mailchimp'::text, 'ghost'::text]))),
    CONSTRAINT integrations_state_known CHECK ((state = ANY (ARRAY['active'::text, 'needs_reauth'::text, 'disconnected'::text]))),
    CONSTRAINT integrations_url_length CHECK ((char_length(url) <= 2000))
);

ALTER TABLE ONLY public.integrations FORCE ROW LEVEL SECURITY;

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
    CONSTRAINT media_alt_text_length CHECK ((char_length(alt_text) <= 2000)),
    CONSTRAINT media_bytes_positive CHECK ((bytes > 0)),
    CONSTRAINT media_content_type_form CHECK ((content_type ~ '^(image|video)/[a-z0-9.+-]{1,100}$'::text)),
    CONSTRAINT media_path_length CHECK (((char_length(path) >= 1) AND (char_length(path) <= 1000)))
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
    CONSTRAINT platform_posts_external_id_length CHECK ((char_length(external_id) <= 500)),
    CONSTRAINT platform_posts_external_url_length CHECK ((char_length(external_url) <= 2000)),
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
    ( SELECT COALESCE(jsonb_agg(jsonb_build_object('id', pp.id, 'integration_id', pp.integration_id, 'platform', i.platform, 'text', COALESCE(pp.text, p.text), 'state', pp.state, 'external_url', pp.external_url, 'published_at', pp.published_at, 'problem_class', pp.problem_class, 'problem', pp.problem, 'retry_at', pp.retry_at) ORDER BY pp.id), '[]'::jsonb) AS "coalesce"
           FROM (public.platform_posts pp
             JOIN public.integrations i ON (((i.customer_id = pp.customer_id) AND (i.id = pp.integration_id))))
          WHERE ((pp.customer_id = p.customer_id) AND (pp.post_id = p.id))) AS platform_posts
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
    CONSTRAINT publish_attempts_outcome_known CHECK ((outcome = ANY (ARRAY['published'::text, 'credential'::text, 'invalid'::text, 'rate_limited'::text, 'payment_required'::text, 'transient'::text, 'unknown_outcome'::text, 'abandoned'::text, 'withdrawn'::text])))
);

ALTER TABLE ONLY public.publish_attempts FORCE ROW LEVEL SECURITY;

-- Name: system_roles; Type: TABLE; Schema: public

CREATE TABLE public.system_roles (
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT system_roles_role_known CHECK ((role = ANY (ARRAY['admin'::text, 'manager'::text, 'viewer'::text])))
);

ALTER TABLE ONLY public.system_roles FORCE ROW LEVEL SECURITY;

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

-- Name: workers; Type: TABLE; Schema: public

CREATE TABLE public.workers (
    id text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL,
    CONSTRAINT workers_id_length CHECK (((char_length(id) >= 1) AND (char_length(id) <= 100)))
);

ALTER TABLE ONLY public.workers FORCE ROW LEVEL SECURITY;

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

-- Name: river_job id; Type: DEFAULT; Schema: river

ALTER TABLE ONLY river.river_job ALTER COLUMN id SET DEFAULT nextval('river.river_job_id_seq'::regclass);

-- Name: river_notification id; Type: DEFAULT; Schema: river

ALTER TABLE ONLY river.river_notification ALTER COLUMN id SET DEFAULT nextval('river.river_notification_id_seq'::regclass);

-- Name: campaigns campaigns_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_pkey PRIMARY KEY (customer_id, id);

-- Name: customers customers_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

-- Name: integrations integrations_account_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_account_key UNIQUE (customer_id, platform, external_id);

-- Name: integrations integrations_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_pkey PRIMARY KEY (customer_id, id);

-- Name: media media_path_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_path_key UNIQUE (customer_id, path);

-- Name: media media_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_pkey PRIMARY KEY (customer_id, id);

-- Name: memberships memberships_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (customer_id, user_id);

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

-- Name: posts posts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (customer_id, id);

-- Name: publish_attempts publish_attempts_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.publish_attempts
    ADD CONSTRAINT publish_attempts_pkey PRIMARY KEY (customer_id, platform_post_id, number);

-- Name: system_roles system_roles_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.system_roles
    ADD CONSTRAINT system_roles_pkey PRIMARY KEY (user_id);

-- Name: users users_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

-- Name: users users_subject_key; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_subject_key UNIQUE (subject);

-- Name: workers workers_pkey; Type: CONSTRAINT; Schema: public

ALTER TABLE ONLY public.workers
    ADD CONSTRAINT workers_pkey PRIMARY KEY (id);

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

-- Name: memberships_by_user; Type: INDEX; Schema: public

CREATE INDEX memberships_by_user ON public.memberships USING btree (user_id);

-- Name: platform_posts_by_integration; Type: INDEX; Schema: public

CREATE INDEX platform_posts_by_integration ON public.platform_posts USING btree (customer_id, integration_id, id);

-- Name: platform_posts_under_way; Type: INDEX; Schema: public

CREATE INDEX platform_posts_under_way ON public.platform_posts USING btree (customer_id, id) WHERE (state = ANY (ARRAY['scheduled'::text, 'publishing'::text]));

-- Name: post_media_by_media; Type: INDEX; Schema: public

CREATE INDEX post_media_by_media ON public.post_media USING btree (customer_id, media_id);

-- Name: posts_by_campaign; Type: INDEX; Schema: public

CREATE INDEX posts_by_campaign ON public.posts USING btree (customer_id, campaign_id, id);

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

-- Name: river_job_of_platform_post; Type: INDEX; Schema: river

CREATE INDEX river_job_of_platform_post ON river.river_job USING btree (customer_id, ((args ->> 'platform_post_id'::text))) WHERE (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'running'::river.river_job_state, 'scheduled'::river.river_job_state]));

-- Name: river_job_of_post; Type: INDEX; Schema: river

CREATE INDEX river_job_of_post ON river.river_job USING btree (customer_id, ((args ->> 'post_id'::text))) WHERE (state = ANY (ARRAY['available'::river.river_job_state, 'pending'::river.river_job_state, 'retryable'::river.river_job_state, 'scheduled'::river.river_job_state]));

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

-- Name: campaigns campaigns_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER campaigns_touch BEFORE UPDATE ON public.campaigns FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: customers customers_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_guard BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.guard_customer();

-- Name: customers customers_time_zone_inserted; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_time_zone_inserted BEFORE INSERT ON public.customers FOR EACH ROW WHEN ((new.time_zone <> 'UTC'::text)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: customers customers_time_zone_updated; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_time_zone_updated BEFORE UPDATE ON public.customers FOR EACH ROW WHEN ((new.time_zone IS DISTINCT FROM old.time_zone)) EXECUTE FUNCTION tenancy.check_time_zone();

-- Name: customers customers_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER customers_touch BEFORE UPDATE ON public.customers FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: integrations integrations_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER integrations_touch BEFORE UPDATE ON public.integrations FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: media media_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER media_touch BEFORE UPDATE ON public.media FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: memberships memberships_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER memberships_guard BEFORE INSERT OR DELETE OR UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.guard_membership();

-- Name: memberships memberships_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER memberships_touch BEFORE UPDATE ON public.memberships FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: platform_posts platform_posts_follow_insert; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_insert AFTER INSERT OR DELETE ON public.platform_posts FOR EACH ROW EXECUTE FUNCTION tenancy.follow_platform_post();

-- Name: platform_posts platform_posts_follow_update; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_follow_update AFTER UPDATE ON public.platform_posts FOR EACH ROW WHEN (((((old.state IS DISTINCT FROM new.state) OR (old.text IS DISTINCT FROM new.text)) OR (old.external_url IS DISTINCT FROM new.external_url)) OR (old.problem IS DISTINCT FROM new.problem))) EXECUTE FUNCTION tenancy.follow_platform_post();

-- Name: platform_posts platform_posts_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_guard BEFORE INSERT OR UPDATE ON public.platform_posts FOR EACH ROW EXECUTE FUNCTION tenancy.guard_platform_post();

-- Name: platform_posts platform_posts_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER platform_posts_touch BEFORE UPDATE ON public.platform_posts FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: post_media post_media_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER post_media_guard BEFORE INSERT OR DELETE ON public.post_media FOR EACH ROW EXECUTE FUNCTION tenancy.guard_post_media();

-- Name: posts posts_guard; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_guard BEFORE INSERT OR UPDATE ON public.posts FOR EACH ROW EXECUTE FUNCTION tenancy.guard_post();

-- Name: posts posts_state_follows; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_state_follows BEFORE UPDATE ON public.posts FOR EACH ROW WHEN ((old.state IS DISTINCT FROM new.state)) EXECUTE FUNCTION tenancy.agree_with_platform_posts();

-- Name: posts posts_touch; Type: TRIGGER; Schema: public

CREATE TRIGGER posts_touch BEFORE UPDATE ON public.posts FOR EACH ROW EXECUTE FUNCTION tenancy.touch();

-- Name: river_job river_job_freeze; Type: TRIGGER; Schema: river

CREATE TRIGGER river_job_freeze BEFORE UPDATE ON river.river_job FOR EACH ROW EXECUTE FUNCTION tenancy.freeze_job();

-- Name: river_job river_job_number; Type: TRIGGER; Schema: river

CREATE TRIGGER river_job_number BEFORE INSERT ON river.river_job FOR EACH ROW EXECUTE FUNCTION tenancy.number_job();

-- Name: campaigns campaigns_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: campaigns campaigns_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.campaigns
    ADD CONSTRAINT campaigns_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: integrations integrations_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: integrations integrations_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: media media_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: media media_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.media
    ADD CONSTRAINT media_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: memberships memberships_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: memberships memberships_user_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

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

-- Name: posts posts_campaign_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_campaign_fkey FOREIGN KEY (customer_id, campaign_id) REFERENCES public.campaigns(customer_id, id);

-- Name: posts posts_created_by_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.users(id);

-- Name: posts posts_customer_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.posts
    ADD CONSTRAINT posts_customer_fkey FOREIGN KEY (customer_id) REFERENCES public.customers(id);

-- Name: publish_attempts publish_attempts_platform_post_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.publish_attempts
    ADD CONSTRAINT publish_attempts_platform_post_fkey FOREIGN KEY (customer_id, platform_post_id) REFERENCES public.platform_posts(customer_id, id) ON DELETE CASCADE;

-- Name: system_roles system_roles_user_fkey; Type: FK CONSTRAINT; Schema: public

ALTER TABLE ONLY public.system_roles
    ADD CONSTRAINT system_roles_user_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

-- Name: campaigns; Type: ROW SECURITY; Schema: public

ALTER TABLE public.campaigns ENABLE ROW LEVEL SECURITY;

-- Name: campaigns campaigns_admin_delete; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_delete ON public.campaigns FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_admin_insert; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_insert ON public.campaigns FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_admin_update; Type: POLICY; Schema: public

CREATE POLICY campaigns_admin_update ON public.campaigns FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: campaigns campaigns_delete; Type: POLICY; Schema: public

CREATE POLICY campaigns_delete ON public.campaigns FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: campaigns campaigns_insert; Type: POLICY; Schema: public

CREATE POLICY campaigns_insert ON public.campaigns FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: campaigns campaigns_select; Type: POLICY; Schema: public

CREATE POLICY campaigns_select ON public.campaigns FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: campaigns campaigns_tenant; Type: POLICY; Schema: public

CREATE POLICY campaigns_tenant ON public.campaigns AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: campaigns campaigns_update; Type: POLICY; Schema: public

CREATE POLICY campaigns_update ON public.campaigns FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: customers; Type: ROW SECURITY; Schema: public

ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY;

-- Name: customers customers_admin_select; Type: POLICY; Schema: public

CREATE POLICY customers_admin_select ON public.customers FOR SELECT TO fanfare_admin USING (( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role));

-- Name: customers customers_admin_update; Type: POLICY; Schema: public

CREATE POLICY customers_admin_update ON public.customers FOR UPDATE TO fanfare_admin USING (((( SELECT tenancy.system_role() AS system_role) = 'admin'::text) AND (id = ( SELECT tenancy.customer_id() AS customer_id)))) WITH CHECK (true);

-- Name: customers customers_definer; Type: POLICY; Schema: public

CREATE POLICY customers_definer ON public.customers TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: customers customers_select; Type: POLICY; Schema: public

CREATE POLICY customers_select ON public.customers FOR SELECT TO fanfare_user USING (true);

-- Name: customers customers_tenant; Type: POLICY; Schema: public

CREATE POLICY customers_tenant ON public.customers AS RESTRICTIVE TO fanfare_user, fanfare_agent USING ((id = ANY (( SELECT tenancy.customer_ids() AS customer_ids)::uuid[])));

-- Name: customers customers_update; Type: POLICY; Schema: public

CREATE POLICY customers_update ON public.customers FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('admin'::text) AS has_role) OR (( SELECT tenancy.member_role() AS member_role) = 'owner'::text))) WITH CHECK (true);

-- Name: customers customers_worker; Type: POLICY; Schema: public

CREATE POLICY customers_worker ON public.customers FOR SELECT TO fanfare_worker USING ((id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: integrations; Type: ROW SECURITY; Schema: public

ALTER TABLE public.integrations ENABLE ROW LEVEL SECURITY;

-- Name: integrations integrations_admin_insert; Type: POLICY; Schema: public

CREATE POLICY integrations_admin_insert ON public.integrations FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: integrations integrations_admin_update; Type: POLICY; Schema: public

CREATE POLICY integrations_admin_update ON public.integrations FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: integrations integrations_insert; Type: POLICY; Schema: public

CREATE POLICY integrations_insert ON public.integrations FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: integrations integrations_select; Type: POLICY; Schema: public

CREATE POLICY integrations_select ON public.integrations FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: integrations integrations_tenant; Type: POLICY; Schema: public

CREATE POLICY integrations_tenant ON public.integrations AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: integrations integrations_update; Type: POLICY; Schema: public

CREATE POLICY integrations_update ON public.integrations FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('admin'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('admin'::text) AS has_role));

-- Name: integrations integrations_worker_update; Type: POLICY; Schema: public

CREATE POLICY integrations_worker_update ON public.integrations FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: media; Type: ROW SECURITY; Schema: public

ALTER TABLE public.media ENABLE ROW LEVEL SECURITY;

-- Name: media media_admin_insert; Type: POLICY; Schema: public

CREATE POLICY media_admin_insert ON public.media FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: media media_admin_update; Type: POLICY; Schema: public

CREATE POLICY media_admin_update ON public.media FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: media media_insert; Type: POLICY; Schema: public

CREATE POLICY media_insert ON public.media FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: media media_select; Type: POLICY; Schema: public

CREATE POLICY media_select ON public.media FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: media media_tenant; Type: POLICY; Schema: public

CREATE POLICY media_tenant ON public.media AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: media media_update; Type: POLICY; Schema: public

CREATE POLICY media_update ON public.media FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: memberships; Type: ROW SECURITY; Schema: public

ALTER TABLE public.memberships ENABLE ROW LEVEL SECURITY;

-- Name: memberships memberships_admin_delete; Type: POLICY; Schema: public

CREATE POLICY memberships_admin_delete ON public.memberships FOR DELETE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memberships memberships_admin_insert; Type: POLICY; Schema: public

CREATE POLICY memberships_admin_insert ON public.memberships FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memberships memberships_admin_update; Type: POLICY; Schema: public

CREATE POLICY memberships_admin_update ON public.memberships FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('admin'::text) AS has_system_role));

-- Name: memberships memberships_definer; Type: POLICY; Schema: public

CREATE POLICY memberships_definer ON public.memberships TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: memberships memberships_delete; Type: POLICY; Schema: public

CREATE POLICY memberships_delete ON public.memberships FOR DELETE TO fanfare_user USING ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text)) OR (user_id = ( SELECT tenancy.user_id() AS user_id))));

-- Name: memberships memberships_insert; Type: POLICY; Schema: public

CREATE POLICY memberships_insert ON public.memberships FOR INSERT TO fanfare_user WITH CHECK ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text))));

-- Name: memberships memberships_select; Type: POLICY; Schema: public

CREATE POLICY memberships_select ON public.memberships FOR SELECT TO fanfare_user, fanfare_admin USING (true);

-- Name: memberships memberships_tenant; Type: POLICY; Schema: public

CREATE POLICY memberships_tenant ON public.memberships AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: memberships memberships_update; Type: POLICY; Schema: public

CREATE POLICY memberships_update ON public.memberships FOR UPDATE TO fanfare_user USING ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text)))) WITH CHECK ((( SELECT tenancy.has_role('owner'::text) AS has_role) OR (( SELECT tenancy.has_role('admin'::text) AS has_role) AND (role <> 'owner'::text))));

-- Name: platform_posts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.platform_posts ENABLE ROW LEVEL SECURITY;

-- Name: platform_posts platform_posts_admin_delete; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_delete ON public.platform_posts FOR DELETE TO fanfare_admin USING ((( SELECT tenancy.has_system_role('manager'::text) AS has_system_role) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'cancelled'::text])) AND (attempt = 0)));

-- Name: platform_posts platform_posts_admin_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_insert ON public.platform_posts FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_posts platform_posts_admin_update; Type: POLICY; Schema: public

CREATE POLICY platform_posts_admin_update ON public.platform_posts FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: platform_posts platform_posts_definer; Type: POLICY; Schema: public

CREATE POLICY platform_posts_definer ON public.platform_posts FOR SELECT TO fanfare_definer USING (true);

-- Name: platform_posts platform_posts_delete; Type: POLICY; Schema: public

CREATE POLICY platform_posts_delete ON public.platform_posts FOR DELETE TO fanfare_user USING ((( SELECT tenancy.has_role('member'::text) AS has_role) AND (state = ANY (ARRAY['draft'::text, 'pending_approval'::text, 'approved'::text, 'cancelled'::text])) AND (attempt = 0)));

-- Name: platform_posts platform_posts_insert; Type: POLICY; Schema: public

CREATE POLICY platform_posts_insert ON public.platform_posts FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: platform_posts platform_posts_select; Type: POLICY; Schema: public

CREATE POLICY platform_posts_select ON public.platform_posts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: platform_posts platform_posts_tenant; Type: POLICY; Schema: public

CREATE POLICY platform_posts_tenant ON public.platform_posts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

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

-- Name: post_media post_media_delete; Type: POLICY; Schema: public

CREATE POLICY post_media_delete ON public.post_media FOR DELETE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: post_media post_media_insert; Type: POLICY; Schema: public

CREATE POLICY post_media_insert ON public.post_media FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: post_media post_media_select; Type: POLICY; Schema: public

CREATE POLICY post_media_select ON public.post_media FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: post_media post_media_tenant; Type: POLICY; Schema: public

CREATE POLICY post_media_tenant ON public.post_media AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: posts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.posts ENABLE ROW LEVEL SECURITY;

-- Name: posts posts_admin_insert; Type: POLICY; Schema: public

CREATE POLICY posts_admin_insert ON public.posts FOR INSERT TO fanfare_admin WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: posts posts_admin_update; Type: POLICY; Schema: public

CREATE POLICY posts_admin_update ON public.posts FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role));

-- Name: posts posts_definer; Type: POLICY; Schema: public

CREATE POLICY posts_definer ON public.posts FOR SELECT TO fanfare_definer USING (true);

-- Name: posts posts_insert; Type: POLICY; Schema: public

CREATE POLICY posts_insert ON public.posts FOR INSERT TO fanfare_user WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: posts posts_select; Type: POLICY; Schema: public

CREATE POLICY posts_select ON public.posts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: posts posts_tenant; Type: POLICY; Schema: public

CREATE POLICY posts_tenant ON public.posts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: posts posts_update; Type: POLICY; Schema: public

CREATE POLICY posts_update ON public.posts FOR UPDATE TO fanfare_user USING (( SELECT tenancy.has_role('member'::text) AS has_role)) WITH CHECK (( SELECT tenancy.has_role('member'::text) AS has_role));

-- Name: posts posts_worker_update; Type: POLICY; Schema: public

CREATE POLICY posts_worker_update ON public.posts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: publish_attempts; Type: ROW SECURITY; Schema: public

ALTER TABLE public.publish_attempts ENABLE ROW LEVEL SECURITY;

-- Name: publish_attempts publish_attempts_select; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_select ON public.publish_attempts FOR SELECT TO fanfare_user, fanfare_admin, fanfare_worker USING (true);

-- Name: publish_attempts publish_attempts_tenant; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_tenant ON public.publish_attempts AS RESTRICTIVE TO fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker USING ((customer_id = ( SELECT tenancy.customer_id() AS customer_id))) WITH CHECK ((customer_id = ( SELECT tenancy.customer_id() AS customer_id)));

-- Name: publish_attempts publish_attempts_worker_insert; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_worker_insert ON public.publish_attempts FOR INSERT TO fanfare_worker WITH CHECK (true);

-- Name: publish_attempts publish_attempts_worker_update; Type: POLICY; Schema: public

CREATE POLICY publish_attempts_worker_update ON public.publish_attempts FOR UPDATE TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: system_roles; Type: ROW SECURITY; Schema: public

ALTER TABLE public.system_roles ENABLE ROW LEVEL SECURITY;

-- Name: system_roles system_roles_admin; Type: POLICY; Schema: public

CREATE POLICY system_roles_admin ON public.system_roles FOR SELECT TO fanfare_admin USING (( SELECT tenancy.has_system_role('viewer'::text) AS has_system_role));

-- Name: system_roles system_roles_definer; Type: POLICY; Schema: public

CREATE POLICY system_roles_definer ON public.system_roles FOR SELECT TO fanfare_definer USING (true);

-- Name: system_roles system_roles_self; Type: POLICY; Schema: public

CREATE POLICY system_roles_self ON public.system_roles FOR SELECT TO fanfare_user, fanfare_admin USING ((user_id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: users; Type: ROW SECURITY; Schema: public

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;

-- Name: users users_colleagues; Type: POLICY; Schema: public

CREATE POLICY users_colleagues ON public.users FOR SELECT TO fanfare_user, fanfare_admin USING (((( SELECT NULLIF(current_setting('fanfare.customer_id'::text, true), ''::text) AS "nullif") IS NOT NULL) AND (id IN ( SELECT m.user_id
   FROM public.memberships m))));

-- Name: users users_definer; Type: POLICY; Schema: public

CREATE POLICY users_definer ON public.users TO fanfare_definer USING (true) WITH CHECK (true);

-- Name: users users_self; Type: POLICY; Schema: public

CREATE POLICY users_self ON public.users FOR SELECT TO fanfare_user, fanfare_admin USING ((id = ( SELECT tenancy.user_id() AS user_id)));

-- Name: workers; Type: ROW SECURITY; Schema: public

ALTER TABLE public.workers ENABLE ROW LEVEL SECURITY;

-- Name: workers workers_definer; Type: POLICY; Schema: public

CREATE POLICY workers_definer ON public.workers FOR SELECT TO fanfare_definer USING (true);

-- Name: workers workers_worker; Type: POLICY; Schema: public

CREATE POLICY workers_worker ON public.workers TO fanfare_worker USING (true) WITH CHECK (true);

-- Name: river_job; Type: ROW SECURITY; Schema: river

ALTER TABLE river.river_job ENABLE ROW LEVEL SECURITY;

-- Name: river_job river_job_admin_insert; Type: POLICY; Schema: river

CREATE POLICY river_job_admin_insert ON river.river_job FOR INSERT TO fanfare_admin WITH CHECK ((( SELECT tenancy.has_system_role('manager'::text) AS has_system_role) AND (state = ANY (ARRAY['available'::river.river_job_state, 'scheduled'::river.river_job_state])) AND (attempt = 0)));

-- Name: river_job river_job_admin_update; Type: POLICY; Schema: river

CREATE POLICY river_job_admin_update ON river.river_job FOR UPDATE TO fanfare_admin USING (( SELECT tenancy.has_system_role('manager'::text) AS has_system_role)) WITH CHECK (true);

-- Name: river_job river_job_definer; Type: POLICY; Schema: river

CREATE POLICY river_job_definer ON river.river_job TO fanfare_definer USING (true) WITH CHECK (true);

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

-- Name: SCHEMA river; Type: ACL; Schema: -

GRANT USAGE ON SCHEMA river TO fanfare_login;
GRANT USAGE ON SCHEMA river TO fanfare_user;
GRANT USAGE ON SCHEMA river TO fanfare_admin;
GRANT USAGE ON SCHEMA river TO fanfare_worker;
GRANT USAGE ON SCHEMA river TO fanfare_definer;

-- Name: SCHEMA tenancy; Type: ACL; Schema: -

GRANT USAGE ON SCHEMA tenancy TO fanfare_login;
GRANT USAGE ON SCHEMA tenancy TO fanfare_user;
GRANT USAGE ON SCHEMA tenancy TO fanfare_agent;
GRANT USAGE ON SCHEMA tenancy TO fanfare_admin;
GRANT USAGE ON SCHEMA tenancy TO fanfare_worker;
GRANT ALL ON SCHEMA tenancy TO fanfare_definer;

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

-- Name: FUNCTION river_job_state_in_bitmask(bitmask bit, state river.river_job_state); Type: ACL; Schema: river

REVOKE ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) FROM PUBLIC;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_user;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_admin;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_worker;
GRANT ALL ON FUNCTION river.river_job_state_in_bitmask(bitmask bit, state river.river_job_state) TO fanfare_definer;

-- Name: FUNCTION agree_with_platform_posts(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.agree_with_platform_posts() FROM PUBLIC;

-- Name: FUNCTION cancel_jobs(p_post_id uuid); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.cancel_jobs(p_post_id uuid) TO fanfare_admin;

-- Name: FUNCTION check_time_zone(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.check_time_zone() FROM PUBLIC;

-- Name: FUNCTION create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text, p_language text, p_time_zone text) TO fanfare_admin;

-- Name: FUNCTION customer_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.customer_id() TO fanfare_definer;

-- Name: FUNCTION customer_ids(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.customer_ids() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.customer_ids() TO fanfare_definer;

-- Name: FUNCTION enter_user(p_subject text, p_customer_id uuid, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) TO fanfare_login;

-- Name: FUNCTION enter_worker(p_customer_id uuid, p_request text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.enter_worker(p_customer_id uuid, p_request text) TO fanfare_worker;

-- Name: FUNCTION follow_platform_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.follow_platform_post() FROM PUBLIC;

-- Name: FUNCTION freeze_job(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.freeze_job() FROM PUBLIC;

-- Name: FUNCTION guard_customer(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_customer() FROM PUBLIC;

-- Name: FUNCTION guard_membership(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_membership() FROM PUBLIC;

-- Name: FUNCTION guard_platform_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_platform_post() FROM PUBLIC;

-- Name: FUNCTION guard_post(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_post() FROM PUBLIC;

-- Name: FUNCTION guard_post_media(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.guard_post_media() FROM PUBLIC;

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

-- Name: FUNCTION system_role(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.system_role() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.system_role() TO fanfare_definer;

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

-- Name: FUNCTION new_job_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.new_job_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.new_job_id() TO fanfare_worker;

-- Name: FUNCTION number_job(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.number_job() FROM PUBLIC;

-- Name: FUNCTION own_memberships(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.own_memberships() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.own_memberships() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.own_memberships() TO fanfare_admin;

-- Name: FUNCTION post_state(states text[]); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.post_state(states text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.post_state(states text[]) TO fanfare_definer;

-- Name: FUNCTION readiness(OUT schema_version text, OUT live_workers bigint); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) TO fanfare_login;
GRANT ALL ON FUNCTION tenancy.readiness(OUT schema_version text, OUT live_workers bigint) TO fanfare_worker;

-- Name: FUNCTION register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text) TO fanfare_login;

-- Name: FUNCTION stranded_platform_posts(p_overdue interval, p_limit integer); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.stranded_platform_posts(p_overdue interval, p_limit integer) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.stranded_platform_posts(p_overdue interval, p_limit integer) TO fanfare_worker;

-- Name: FUNCTION touch(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.touch() FROM PUBLIC;

-- Name: FUNCTION transition_allowed(entity text, from_state text, to_state text); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.transition_allowed(entity text, from_state text, to_state text) TO fanfare_definer;

-- Name: FUNCTION user_id(); Type: ACL; Schema: tenancy

REVOKE ALL ON FUNCTION tenancy.user_id() FROM PUBLIC;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_user;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_agent;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_admin;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_worker;
GRANT ALL ON FUNCTION tenancy.user_id() TO fanfare_definer;

-- Name: TABLE campaigns; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.campaigns TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(id) ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.name; Type: ACL; Schema: public

GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(name),UPDATE(name) ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.goal; Type: ACL; Schema: public

GRANT INSERT(goal),UPDATE(goal) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(goal),UPDATE(goal) ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.starts_on; Type: ACL; Schema: public

GRANT INSERT(starts_on),UPDATE(starts_on) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(starts_on),UPDATE(starts_on) ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.ends_on; Type: ACL; Schema: public

GRANT INSERT(ends_on),UPDATE(ends_on) ON TABLE public.campaigns TO fanfare_user;
GRANT INSERT(ends_on),UPDATE(ends_on) ON TABLE public.campaigns TO fanfare_admin;

-- Name: COLUMN campaigns.archived_at; Type: ACL; Schema: public

GRANT UPDATE(archived_at) ON TABLE public.campaigns TO fanfare_user;
GRANT UPDATE(archived_at) ON TABLE public.campaigns TO fanfare_admin;

-- Name: TABLE customers; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.customers TO fanfare_user;
GRANT SELECT ON TABLE public.customers TO fanfare_admin;
GRANT SELECT ON TABLE public.customers TO fanfare_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE public.customers TO fanfare_definer;

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

-- Name: TABLE integrations; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(customer_id) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.id; Type: ACL; Schema: public

GRANT SELECT(id),INSERT(id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(id),INSERT(id) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.platform; Type: ACL; Schema: public

GRANT SELECT(platform),INSERT(platform) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(platform),INSERT(platform) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.external_id; Type: ACL; Schema: public

GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(external_id),INSERT(external_id) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.name; Type: ACL; Schema: public

GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(name),INSERT(name),UPDATE(name) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(name) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.url; Type: ACL; Schema: public

GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(url),INSERT(url),UPDATE(url) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(url) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.state; Type: ACL; Schema: public

GRANT SELECT(state),INSERT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(state),INSERT(state),UPDATE(state) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.credential; Type: ACL; Schema: public

GRANT INSERT(credential),UPDATE(credential) ON TABLE public.integrations TO fanfare_user;
GRANT INSERT(credential),UPDATE(credential) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(credential) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.key_id; Type: ACL; Schema: public

GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(key_id),INSERT(key_id),UPDATE(key_id) ON TABLE public.integrations TO fanfare_admin;
GRANT UPDATE(key_id) ON TABLE public.integrations TO fanfare_worker;

-- Name: COLUMN integrations.created_by; Type: ACL; Schema: public

GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(created_by) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.version; Type: ACL; Schema: public

GRANT SELECT(version) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(version) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.created_at; Type: ACL; Schema: public

GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(created_at) ON TABLE public.integrations TO fanfare_admin;

-- Name: COLUMN integrations.updated_at; Type: ACL; Schema: public

GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_user;
GRANT SELECT(updated_at) ON TABLE public.integrations TO fanfare_admin;

-- Name: TABLE media; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.media TO fanfare_user;
GRANT SELECT ON TABLE public.media TO fanfare_admin;
GRANT SELECT ON TABLE public.media TO fanfare_worker;

-- Name: COLUMN media.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.media TO fanfare_user;
GRANT INSERT(id) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.path; Type: ACL; Schema: public

GRANT INSERT(path) ON TABLE public.media TO fanfare_user;
GRANT INSERT(path) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.content_type; Type: ACL; Schema: public

GRANT INSERT(content_type) ON TABLE public.media TO fanfare_user;
GRANT INSERT(content_type) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.bytes; Type: ACL; Schema: public

GRANT INSERT(bytes) ON TABLE public.media TO fanfare_user;
GRANT INSERT(bytes) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.width; Type: ACL; Schema: public

GRANT INSERT(width) ON TABLE public.media TO fanfare_user;
GRANT INSERT(width) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.height; Type: ACL; Schema: public

GRANT INSERT(height) ON TABLE public.media TO fanfare_user;
GRANT INSERT(height) ON TABLE public.media TO fanfare_admin;

-- Name: COLUMN media.alt_text; Type: ACL; Schema: public

GRANT INSERT(alt_text),UPDATE(alt_text) ON TABLE public.media TO fanfare_user;
GRANT INSERT(alt_text),UPDATE(alt_text) ON TABLE public.media TO fanfare_admin;

-- Name: TABLE memberships; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.memberships TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.memberships TO fanfare_admin;
GRANT SELECT,INSERT ON TABLE public.memberships TO fanfare_definer;

-- Name: COLUMN memberships.user_id; Type: ACL; Schema: public

GRANT INSERT(user_id) ON TABLE public.memberships TO fanfare_user;
GRANT INSERT(user_id) ON TABLE public.memberships TO fanfare_admin;

-- Name: COLUMN memberships.role; Type: ACL; Schema: public

GRANT INSERT(role),UPDATE(role) ON TABLE public.memberships TO fanfare_user;
GRANT INSERT(role),UPDATE(role) ON TABLE public.memberships TO fanfare_admin;

-- Name: TABLE platform_posts; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.platform_posts TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(id) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.platform_posts TO fanfare_admin;
GRANT SELECT(post_id) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.integration_id; Type: ACL; Schema: public

GRANT INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(integration_id) ON TABLE public.platform_posts TO fanfare_admin;

-- Name: COLUMN platform_posts.text; Type: ACL; Schema: public

GRANT INSERT(text),UPDATE(text) ON TABLE public.platform_posts TO fanfare_user;
GRANT INSERT(text),UPDATE(text) ON TABLE public.platform_posts TO fanfare_admin;

-- Name: COLUMN platform_posts.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(state) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.attempt; Type: ACL; Schema: public

GRANT UPDATE(attempt) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.retry_at; Type: ACL; Schema: public

GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(retry_at) ON TABLE public.platform_posts TO fanfare_worker;
GRANT SELECT(retry_at) ON TABLE public.platform_posts TO fanfare_definer;

-- Name: COLUMN platform_posts.checkpoint; Type: ACL; Schema: public

GRANT UPDATE(checkpoint) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.external_id; Type: ACL; Schema: public

GRANT UPDATE(external_id) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.external_url; Type: ACL; Schema: public

GRANT UPDATE(external_url) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.published_at; Type: ACL; Schema: public

GRANT UPDATE(published_at) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.problem_class; Type: ACL; Schema: public

GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(problem_class) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: COLUMN platform_posts.problem; Type: ACL; Schema: public

GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_user;
GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_admin;
GRANT UPDATE(problem) ON TABLE public.platform_posts TO fanfare_worker;

-- Name: TABLE post_media; Type: ACL; Schema: public

GRANT SELECT,DELETE ON TABLE public.post_media TO fanfare_user;
GRANT SELECT,DELETE ON TABLE public.post_media TO fanfare_admin;
GRANT SELECT ON TABLE public.post_media TO fanfare_worker;

-- Name: COLUMN post_media.post_id; Type: ACL; Schema: public

GRANT INSERT(post_id) ON TABLE public.post_media TO fanfare_user;
GRANT INSERT(post_id) ON TABLE public.post_media TO fanfare_admin;

-- Name: COLUMN post_media.media_id; Type: ACL; Schema: public

GRANT INSERT(media_id) ON TABLE public.post_media TO fanfare_user;
GRANT INSERT(media_id) ON TABLE public.post_media TO fanfare_admin;

-- Name: COLUMN post_media."position"; Type: ACL; Schema: public

GRANT INSERT("position") ON TABLE public.post_media TO fanfare_user;
GRANT INSERT("position") ON TABLE public.post_media TO fanfare_admin;

-- Name: TABLE posts; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.posts TO fanfare_user;
GRANT SELECT ON TABLE public.posts TO fanfare_admin;
GRANT SELECT ON TABLE public.posts TO fanfare_worker;

-- Name: COLUMN posts.customer_id; Type: ACL; Schema: public

GRANT SELECT(customer_id) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.id; Type: ACL; Schema: public

GRANT INSERT(id) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(id) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(id) ON TABLE public.posts TO fanfare_definer;

-- Name: COLUMN posts.campaign_id; Type: ACL; Schema: public

GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(campaign_id),UPDATE(campaign_id) ON TABLE public.posts TO fanfare_admin;

-- Name: COLUMN posts.title; Type: ACL; Schema: public

GRANT INSERT(title),UPDATE(title) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(title),UPDATE(title) ON TABLE public.posts TO fanfare_admin;

-- Name: COLUMN posts.text; Type: ACL; Schema: public

GRANT INSERT(text),UPDATE(text) ON TABLE public.posts TO fanfare_user;
GRANT INSERT(text),UPDATE(text) ON TABLE public.posts TO fanfare_admin;

-- Name: COLUMN posts.state; Type: ACL; Schema: public

GRANT UPDATE(state) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(state) ON TABLE public.posts TO fanfare_admin;
GRANT UPDATE(state) ON TABLE public.posts TO fanfare_worker;

-- Name: COLUMN posts.scheduled_at; Type: ACL; Schema: public

GRANT UPDATE(scheduled_at) ON TABLE public.posts TO fanfare_user;
GRANT UPDATE(scheduled_at) ON TABLE public.posts TO fanfare_admin;
GRANT SELECT(scheduled_at) ON TABLE public.posts TO fanfare_definer;

-- Name: TABLE posts_with_platforms; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.posts_with_platforms TO fanfare_user;
GRANT SELECT ON TABLE public.posts_with_platforms TO fanfare_admin;

-- Name: TABLE publish_attempts; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.publish_attempts TO fanfare_user;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_admin;
GRANT SELECT ON TABLE public.publish_attempts TO fanfare_worker;

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

-- Name: TABLE system_roles; Type: ACL; Schema: public

GRANT SELECT ON TABLE public.system_roles TO fanfare_user;
GRANT SELECT ON TABLE public.system_roles TO fanfare_admin;
GRANT SELECT ON TABLE public.system_roles TO fanfare_definer;

-- Name: TABLE users; Type: ACL; Schema: public

GRANT SELECT,INSERT,UPDATE ON TABLE public.users TO fanfare_definer;
GRANT SELECT ON TABLE public.users TO fanfare_user;
GRANT SELECT ON TABLE public.users TO fanfare_admin;

-- Name: TABLE workers; Type: ACL; Schema: public

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.workers TO fanfare_worker;
GRANT SELECT ON TABLE public.workers TO fanfare_definer;

-- Name: TABLE river_job; Type: ACL; Schema: river

GRANT SELECT ON TABLE river.river_job TO fanfare_user;
GRANT SELECT ON TABLE river.river_job TO fanfare_admin;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_job TO fanfare_worker;
GRANT SELECT ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.id; Type: ACL; Schema: river

GRANT INSERT(id) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(id) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.state; Type: ACL; Schema: river

GRANT INSERT(state) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(state) ON TABLE river.river_job TO fanfare_admin;
GRANT UPDATE(state) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.max_attempts; Type: ACL; Schema: river

GRANT INSERT(max_attempts) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(max_attempts) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.created_at; Type: ACL; Schema: river

GRANT INSERT(created_at) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(created_at) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.finalized_at; Type: ACL; Schema: river

GRANT UPDATE(finalized_at) ON TABLE river.river_job TO fanfare_definer;

-- Name: COLUMN river_job.scheduled_at; Type: ACL; Schema: river

GRANT INSERT(scheduled_at) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(scheduled_at) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.priority; Type: ACL; Schema: river

GRANT INSERT(priority) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(priority) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.args; Type: ACL; Schema: river

GRANT INSERT(args) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(args) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.kind; Type: ACL; Schema: river

GRANT INSERT(kind),UPDATE(kind) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(kind),UPDATE(kind) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.metadata; Type: ACL; Schema: river

GRANT INSERT(metadata) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(metadata) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.queue; Type: ACL; Schema: river

GRANT INSERT(queue) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(queue) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.tags; Type: ACL; Schema: river

GRANT INSERT(tags) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(tags) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.unique_key; Type: ACL; Schema: river

GRANT INSERT(unique_key) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(unique_key) ON TABLE river.river_job TO fanfare_admin;

-- Name: COLUMN river_job.unique_states; Type: ACL; Schema: river

GRANT INSERT(unique_states) ON TABLE river.river_job TO fanfare_user;
GRANT INSERT(unique_states) ON TABLE river.river_job TO fanfare_admin;

-- Name: SEQUENCE river_job_id_seq; Type: ACL; Schema: river

GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_user;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_admin;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO fanfare_worker;

-- Name: TABLE river_leader; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_leader TO fanfare_worker;

-- Name: TABLE river_notification; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_notification TO fanfare_worker;

-- Name: SEQUENCE river_notification_id_seq; Type: ACL; Schema: river

GRANT USAGE ON SEQUENCE river.river_notification_id_seq TO fanfare_worker;

-- Name: TABLE river_queue; Type: ACL; Schema: river

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE river.river_queue TO fanfare_worker;

-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -

ALTER DEFAULT PRIVILEGES FOR ROLE fanfare_owner REVOKE ALL ON FUNCTIONS  FROM PUBLIC;
