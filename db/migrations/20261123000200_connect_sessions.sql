-- migrate:up

-- Somebody on their way to connect an account: from the address of the platform's consent page, over the platform's
-- answer, to the choice of accounts. Bound to the user, the customer, the platform and the browser; the state that
-- travels through the platform is kept as a hash, and is good for ten minutes and for one use.
set local row_security = off;

create table connect_sessions (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    user_id uuid not null default tenancy.user_id(),
    -- why a system role acts here: the platform's answer comes without it
    admin_reason text default nullif(nullif(current_setting('fanfare.request', true), '')::jsonb ->> 'reason', ''),
    state_hash bytea not null,
    -- of the secret in a cookie of the browser that began
    cookie_hash bytea not null,
    redirect_uri text not null,
    return_to text not null,
    -- sealed: until the platform's answer the PKCE verifier, then the tokens until accounts are chosen
    secret bytea,
    key_id bigint,
    -- started, answered (the state is used up), choosing, connected, failed
    state text not null default 'started',
    -- a plain code, as the browser gets it
    result text,
    -- who has signed in, as the platform knows them, and the accounts to choose from
    login text,
    accounts jsonb not null default '[]',
    expires_at timestamptz not null default now() + interval '10 minutes',
    created_at timestamptz not null default now(),
    constraint connect_sessions_pkey primary key (customer_id, id),
    constraint connect_sessions_customer_fkey foreign key (customer_id) references customers (id),
    constraint connect_sessions_user_fkey foreign key (user_id) references users (id),
    constraint connect_sessions_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp')),
    constraint connect_sessions_state_known check (state in ('started', 'answered', 'choosing', 'connected', 'failed')),
    constraint connect_sessions_state_hash_size check (octet_length(state_hash) = 32),
    constraint connect_sessions_cookie_hash_size check (octet_length(cookie_hash) = 32),
    constraint connect_sessions_redirect_uri_length check (char_length(redirect_uri) <= 2000),
    constraint connect_sessions_return_to_length check (char_length(return_to) <= 2000),
    constraint connect_sessions_result_form check (result ~ '^[a-z_]{1,50}$'),
    constraint connect_sessions_result_given check ((state in ('connected', 'failed')) = (result is not null)),
    constraint connect_sessions_login_length check (char_length(login) between 1 and 500),
    constraint connect_sessions_accounts_size check (pg_column_size(accounts) <= 1000000),
    constraint connect_sessions_secret_held check (
        (state in ('connected', 'failed') and secret is null and key_id is null)
        or (state in ('started', 'choosing') and secret is not null and key_id is not null)
        or state = 'answered')
);

-- Whoever comes back from a platform has entered no customer yet and shows a state.
create index connect_sessions_by_state on connect_sessions (state_hash);
create index connect_sessions_by_age on connect_sessions (customer_id, expires_at);

create function tenancy.guard_connect_session() returns trigger
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
create trigger connect_sessions_guard before update on connect_sessions for each row execute function tenancy.guard_connect_session();

alter table connect_sessions enable row level security;
alter table connect_sessions force row level security;

create policy connect_sessions_tenant on connect_sessions as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- One's own alone, and only while one may connect accounts.
create policy connect_sessions_select on connect_sessions for select to fanfare_user, fanfare_admin
    using (user_id = (select tenancy.user_id()));
create policy connect_sessions_insert on connect_sessions for insert to fanfare_user
    with check ((select tenancy.has_role('admin')) and user_id = (select tenancy.user_id()));
create policy connect_sessions_update on connect_sessions for update to fanfare_user
    using ((select tenancy.has_role('admin')) and user_id = (select tenancy.user_id()))
    with check (user_id = (select tenancy.user_id()));
create policy connect_sessions_admin_insert on connect_sessions for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')) and user_id = (select tenancy.user_id()));
create policy connect_sessions_admin_update on connect_sessions for update to fanfare_admin
    using ((select tenancy.has_system_role('admin')) and user_id = (select tenancy.user_id()))
    with check (user_id = (select tenancy.user_id()));
grant select (customer_id, id, platform, user_id, redirect_uri, return_to, key_id, state, result, accounts, expires_at, created_at),
    insert (id, platform, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id),
    update (state, result, login, accounts, secret, key_id)
    on connect_sessions to fanfare_user, fanfare_admin;

create policy connect_sessions_definer on connect_sessions to fanfare_definer using (true) with check (true);
grant select, update (state), delete on connect_sessions to fanfare_definer;

select tenancy.audit_table('connect_sessions', 'connect_session', 'id', '{state_hash,cookie_hash,secret}', '{key_id,login,accounts,redirect_uri,admin_reason}');

-- Enters as whoever began the session of this state, in its customer, with what they may do there at this moment. It
-- can be entered for two more minutes than it may be used, so that what was begun in time can be told an end. FF008
-- says that there is no such session.
create function tenancy.enter_connect(p_state_hash bytea, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.enter_connect(bytea, text) from public;
grant execute on function tenancy.enter_connect(bytea, text) to fanfare_login;
alter function tenancy.enter_connect(bytea, text) owner to fanfare_definer;

-- Uses up the state of a session of the entered user, if everything fits, and answers what comes next: 'answered', or
-- why not: 'unknown', 'wrong_platform', 'wrong_browser', 'used' or 'expired'. A browser that does not fit uses up
-- nothing. One that fits learns the session's secret, once.
create function tenancy.use_connect_session(p_state_hash bytea, p_cookie_hash bytea, p_platform text,
    out outcome text, out id uuid, out redirect_uri text, out return_to text, out secret bytea)
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.use_connect_session(bytea, bytea, text) from public;
grant execute on function tenancy.use_connect_session(bytea, bytea, text) to fanfare_user, fanfare_admin;
alter function tenancy.use_connect_session(bytea, bytea, text) owner to fanfare_definer;

-- The sealed tokens of a session of the entered user whose accounts are to be chosen. NULL where there are none (any
-- more). Locks the session, so that it is finished once.
create function tenancy.connect_session_secret(p_id uuid) returns bytea
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.connect_session_secret(uuid) from public;
grant execute on function tenancy.connect_session_secret(uuid) to fanfare_user, fanfare_admin;
alter function tenancy.connect_session_secret(uuid) owner to fanfare_definer;

-- Forgets sessions an hour after their end. Answers how many.
create function tenancy.delete_expired_connect_sessions(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.delete_expired_connect_sessions(integer) from public;
grant execute on function tenancy.delete_expired_connect_sessions(integer) to fanfare_worker;
alter function tenancy.delete_expired_connect_sessions(integer) owner to fanfare_definer;

create or replace function tenancy.erased_columns() returns table (table_name text, column_name text, key_name text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('river.river_job', 'customer_id', 'ctid'),
        ('public.idempotency_keys', 'subject_id', 'ctid'),
        ('public.exports', 'customer_id', 'ctid'),
        ('public.invitations', 'customer_id', 'ctid'),
        ('public.agent_tokens', 'customer_id', 'ctid'),
        ('public.api_keys', 'customer_id', 'ctid'),
        ('public.post_media', 'customer_id', 'ctid'),
        ('public.publish_attempts', 'customer_id', 'ctid'),
        ('public.platform_posts', 'customer_id', 'ctid'),
        ('public.posts', 'customer_id', 'ctid'),
        ('public.media', 'customer_id', 'ctid'),
        ('public.campaigns', 'customer_id', 'ctid'),
        ('public.integrations', 'customer_id', 'ctid'),
        ('public.authorizations', 'customer_id', 'ctid'),
        ('public.connect_sessions', 'customer_id', 'ctid'),
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
grant select (ctid) on connect_sessions to fanfare_definer;

-- migrate:down
create or replace function tenancy.erased_columns() returns table (table_name text, column_name text, key_name text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('river.river_job', 'customer_id', 'ctid'),
        ('public.idempotency_keys', 'subject_id', 'ctid'),
        ('public.exports', 'customer_id', 'ctid'),
        ('public.invitations', 'customer_id', 'ctid'),
        ('public.agent_tokens', 'customer_id', 'ctid'),
        ('public.api_keys', 'customer_id', 'ctid'),
        ('public.post_media', 'customer_id', 'ctid'),
        ('public.publish_attempts', 'customer_id', 'ctid'),
        ('public.platform_posts', 'customer_id', 'ctid'),
        ('public.posts', 'customer_id', 'ctid'),
        ('public.media', 'customer_id', 'ctid'),
        ('public.campaigns', 'customer_id', 'ctid'),
        ('public.integrations', 'customer_id', 'ctid'),
        ('public.authorizations', 'customer_id', 'ctid'),
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
drop function tenancy.delete_expired_connect_sessions(integer);
drop function tenancy.connect_session_secret(uuid);
drop function tenancy.use_connect_session(bytea, bytea, text);
drop function tenancy.enter_connect(bytea, text);
drop table connect_sessions;
drop function tenancy.guard_connect_session();
