-- migrate:up

-- What the workers do with connected accounts by themselves: renew authorizations before they end, tell the platforms
-- of those that were disconnected, remind their owners, and look once a day whether each account still works.
set local row_security = off;

-- Looked for over all customers, in the order of time.
create index authorizations_to_expire on authorizations (expires_at) where state = 'active' and renew_at is null and expires_at is not null;
create index integrations_to_check on integrations ((coalesce(checked_at, created_at))) where state = 'active';
-- Who else has the same login at a platform.
create index authorizations_by_login on authorizations (platform, external_id);
-- The live job of an authorization or an account.
create index river_job_of_authorization on river.river_job (customer_id, (args ->> 'authorization_id'))
    where args ->> 'authorization_id' is not null and state in ('available', 'pending', 'retryable', 'running', 'scheduled');
create index river_job_of_integration on river.river_job (customer_id, (args ->> 'integration_id'))
    where args ->> 'integration_id' is not null and state in ('available', 'pending', 'retryable', 'running', 'scheduled');

grant select (renew_at, expires_at, lease_until, reconnect_by, reminded, version) on authorizations to fanfare_definer;
grant select (checked_at, created_at) on integrations to fanfare_definer;
-- Who is told of an account in trouble: those whose address is known to be theirs.
grant select (email_verified) on users to fanfare_worker;

-- Authorizations of all customers for which there is something to do and no job: 'renew', of the platforms that the
-- caller can speak to, and of any that has ended and cannot be renewed; or 'revoke'. Those of archived customers are
-- renewed too. Ids only.
create function tenancy.authorizations_to_do(p_platforms text[], p_limit integer)
returns table (customer_id uuid, id uuid, work text)
language plpgsql stable security definer set search_path = '' as $$
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
revoke execute on function tenancy.authorizations_to_do(text[], integer) from public;
grant execute on function tenancy.authorizations_to_do(text[], integer) to fanfare_worker;
alter function tenancy.authorizations_to_do(text[], integer) owner to fanfare_definer;

-- Authorizations of all customers whose owners are to be reminded to sign in again, with the number of days (14, 7 or
-- 1) that is reached. A reminder that was missed is left out for the next one. Ids only.
create function tenancy.authorizations_to_remind(p_limit integer)
returns table (customer_id uuid, id uuid, days integer)
language plpgsql stable security definer set search_path = '' as $$
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
revoke execute on function tenancy.authorizations_to_remind(integer) from public;
grant execute on function tenancy.authorizations_to_remind(integer) to fanfare_worker;
alter function tenancy.authorizations_to_remind(integer) owner to fanfare_definer;

-- Active accounts of all customers that nobody has seen working for a day and that have no job, the longest first; at
-- most p_limit less those for which a job was made within the last minute. Ids only.
create function tenancy.integrations_to_check(p_limit integer)
returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
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
revoke execute on function tenancy.integrations_to_check(integer) from public;
grant execute on function tenancy.integrations_to_check(integer) to fanfare_worker;
alter function tenancy.integrations_to_check(integer) owner to fanfare_definer;

-- Whether somebody else needs a login at a platform: another authorization, or a connect session whose person is still
-- choosing accounts of it, or has only just come back so that nobody knows yet who has signed in.
create function tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) returns boolean
language plpgsql stable as $$
begin
    return exists (
        select from public.authorizations o
        where o.platform = p_platform and o.external_id = p_external_id
            and (o.customer_id, o.id) <> (p_customer_id, p_id) and o.state in ('active', 'needs_reauth'))
        or exists (
            select from public.connect_sessions s
            where s.platform = p_platform and s.expires_at > now() - interval '2 minutes'
                and (s.state = 'answered' or (s.state = 'choosing' and s.login = p_external_id)));
end
$$;
grant execute on function tenancy.login_needed(text, text, uuid, uuid) to fanfare_definer;

-- Whether another authorization, of any customer, still needs the login that one of the entered customer has at its
-- platform. It says yes or no, and not whose.
create function tenancy.login_in_use(p_authorization_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from public.authorizations a
        where a.customer_id = tenancy.customer_id() and a.id = p_authorization_id
            and tenancy.login_needed(a.platform, a.external_id, a.customer_id, a.id));
end
$$;
revoke execute on function tenancy.login_in_use(uuid) from public;
grant execute on function tenancy.login_in_use(uuid) to fanfare_worker;
alter function tenancy.login_in_use(uuid) owner to fanfare_definer;

-- Forgets an authorization of the entered customer that is being revoked, and records what the platform made of it.
-- Answers false, and does nothing, where somebody has signed in again or its tokens were renewed since p_version.
create function tenancy.end_authorization(p_authorization_id uuid, p_version bigint, p_outcome text) returns boolean
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.end_authorization(uuid, bigint, text) from public;
grant execute on function tenancy.end_authorization(uuid, bigint, text) to fanfare_worker;
alter function tenancy.end_authorization(uuid, bigint, text) owner to fanfare_definer;

-- Hands out the sealed tokens of a customer whose erasure was asked for and has not begun, with whether the login is
-- needed by another customer. Nobody can enter the customer any more, so this is the way to tell the platforms; its
-- use is recorded in the installation's log, as the customer's own is erased.
create function tenancy.use_authorizations_of_erased(p_erasure uuid)
returns table (id uuid, platform text, credential bytea, in_use boolean)
language plpgsql security definer set search_path = '' as $$
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
    select a.id, a.platform, a.credential, tenancy.login_needed(a.platform, a.external_id, a.customer_id, a.id)
    from public.authorizations a
    where a.customer_id = v_subject and a.credential is not null
    order by a.id;
end
$$;
revoke execute on function tenancy.use_authorizations_of_erased(uuid) from public;
grant execute on function tenancy.use_authorizations_of_erased(uuid) to fanfare_worker;
alter function tenancy.use_authorizations_of_erased(uuid) owner to fanfare_definer;

-- A post can wait long for its account's access, and looks again and again: that is nothing to record each time.
create or replace trigger audit_update after update on platform_posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('platform_post', 'id', 'customer_id', '{}',
        '{version,created_at,updated_at,checkpoint,retry_at}');

-- migrate:down
create or replace trigger audit_update after update on platform_posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('platform_post', 'id', 'customer_id', '{}',
        '{version,created_at,updated_at,checkpoint}');
drop function tenancy.use_authorizations_of_erased(uuid);
drop function tenancy.end_authorization(uuid, bigint, text);
drop function tenancy.login_in_use(uuid);
drop function tenancy.login_needed(text, text, uuid, uuid);
drop function tenancy.integrations_to_check(integer);
drop function tenancy.authorizations_to_remind(integer);
drop function tenancy.authorizations_to_do(text[], integer);
revoke select (email_verified) on users from fanfare_worker;
revoke select (checked_at, created_at) on integrations from fanfare_definer;
revoke select (renew_at, expires_at, lease_until, reconnect_by, reminded, version) on authorizations from fanfare_definer;
drop index river.river_job_of_integration;
drop index river.river_job_of_authorization;
drop index authorizations_by_login;
drop index integrations_to_check;
drop index authorizations_to_expire;
