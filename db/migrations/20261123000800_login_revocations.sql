-- migrate:up

-- Some platforms only end every grant of a person at once. Who needs a login is looked at before such a platform is told,
-- and a sign-in that comes meanwhile must not be taken for good.
set local row_security = off;

-- Logins whose grants a platform is told to end, and until when what it gives for them may be void. A login is a hash of
-- the platform and the person's id there: it is no customer's.
create table login_revocations (
    login bytea not null,
    until timestamptz not null,
    constraint login_revocations_pkey primary key (login),
    constraint login_revocations_login_size check (octet_length(login) = 32)
);
alter table login_revocations enable row level security;
alter table login_revocations force row level security;
create policy login_revocations_definer on login_revocations to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on login_revocations to fanfare_definer;

-- When the session's state was used up: from then on the platform gives something for it.
alter table connect_sessions add column answered_at timestamptz;
create or replace trigger audit_update after update on connect_sessions referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('connect_session', 'id', 'customer_id', '{state_hash,cookie_hash,secret}',
        '{version,created_at,updated_at,key_id,login,accounts,redirect_uri,admin_reason,answered_at}');

create or replace function tenancy.guard_connect_session() returns trigger
language plpgsql as $$
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

-- Makes what concerns a login wait for each other until the transaction ends, and gives the login's hash.
create function tenancy.lock_login(p_platform text, p_external_id text) returns bytea
language plpgsql as $$
declare
    v_login bytea := sha256(convert_to(p_platform || ' ' || p_external_id, 'utf8'));
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835, hashtext(encode(v_login, 'hex')));
    return v_login;
end
$$;
grant execute on function tenancy.lock_login(text, text) to fanfare_definer;

-- Sessions whose login is not known yet are not waited for: they find out by hold_login.
create or replace function tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) returns boolean
language plpgsql stable as $$
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

-- Begins to revoke the login of an authorization, unless somebody else needs it. The telling is over within a minute;
-- where nobody says so before, it is taken to be.
create function tenancy.claim_login(p_customer_id uuid, p_id uuid) returns boolean
language plpgsql as $$
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
grant execute on function tenancy.claim_login(uuid, uuid) to fanfare_definer;

set local role fanfare_definer;

create function tenancy.begin_login_revocation(p_authorization_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    return tenancy.claim_login(tenancy.customer_id(), p_authorization_id);
end
$$;
revoke execute on function tenancy.begin_login_revocation(uuid) from public;
grant execute on function tenancy.begin_login_revocation(uuid) to fanfare_worker;

create function tenancy.begin_login_revocation_of_erased(p_erasure uuid, p_authorization_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_subject uuid;
begin
    select e.subject_id into v_subject from public.erasures e where e.id = p_erasure and e.state = 'requested';
    return v_subject is not null and tenancy.claim_login(v_subject, p_authorization_id);
end
$$;
revoke execute on function tenancy.begin_login_revocation_of_erased(uuid, uuid) from public;
grant execute on function tenancy.begin_login_revocation_of_erased(uuid, uuid) to fanfare_worker;

-- The platform has answered: what it gives from now on is good.
create function tenancy.end_login_revocation(p_authorization_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_login bytea;
begin
    select tenancy.lock_login(a.platform, a.external_id) into v_login
    from public.authorizations a where a.customer_id = tenancy.customer_id() and a.id = p_authorization_id;
    update public.login_revocations r set until = clock_timestamp() where r.login = v_login and r.until > clock_timestamp();
end
$$;
revoke execute on function tenancy.end_login_revocation(uuid) from public;
grant execute on function tenancy.end_login_revocation(uuid) to fanfare_worker;

-- Whether what a session of the entered user was given for a login is good, as far as revocations go. None begins before
-- the transaction ends.
create function tenancy.hold_login(p_connect_session_id uuid, p_login text) returns boolean
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.hold_login(uuid, text) from public;
grant execute on function tenancy.hold_login(uuid, text) to fanfare_user, fanfare_admin;

drop function tenancy.login_in_use(uuid);
drop function tenancy.use_authorizations_of_erased(uuid);

-- Hands out the sealed tokens of a customer whose erasure was asked for and has not begun. Nobody can enter the customer
-- any more, so this is the way to tell the platforms; its use is recorded in the installation's log, as the customer's own
-- is erased.
create function tenancy.use_authorizations_of_erased(p_erasure uuid)
returns table (id uuid, platform text, credential bytea)
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
    select a.id, a.platform, a.credential
    from public.authorizations a
    where a.customer_id = v_subject and a.credential is not null
    order by a.id;
end
$$;
revoke execute on function tenancy.use_authorizations_of_erased(uuid) from public;
grant execute on function tenancy.use_authorizations_of_erased(uuid) to fanfare_worker;
reset role;

-- migrate:down
set local role fanfare_definer;
drop function tenancy.use_authorizations_of_erased(uuid);
drop function tenancy.hold_login(uuid, text);
drop function tenancy.end_login_revocation(uuid);
drop function tenancy.begin_login_revocation_of_erased(uuid, uuid);
drop function tenancy.begin_login_revocation(uuid);

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
reset role;

drop function tenancy.claim_login(uuid, uuid);
drop function tenancy.lock_login(text, text);
-- Whether somebody else needs a login at a platform: another authorization, or a connect session whose person is still
-- choosing accounts of it, or has only just come back so that nobody knows yet who has signed in.
create or replace function tenancy.login_needed(p_platform text, p_external_id text, p_customer_id uuid, p_id uuid) returns boolean
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

create or replace function tenancy.guard_connect_session() returns trigger
language plpgsql as $$
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
    end if;
    return new;
end
$$;
create or replace trigger audit_update after update on connect_sessions referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('connect_session', 'id', 'customer_id', '{state_hash,cookie_hash,secret}',
        '{version,created_at,updated_at,key_id,login,accounts,redirect_uri,admin_reason}');
alter table connect_sessions drop column answered_at;
drop table login_revocations;
