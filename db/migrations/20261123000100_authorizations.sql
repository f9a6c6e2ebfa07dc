-- migrate:up

-- What somebody has allowed Fanfare at a platform by signing in there: the tokens, and until when they hold. One
-- authorization carries the accounts (integrations) that were chosen of it. The tokens that renew it are sealed here;
-- what publishing needs is sealed in each integration, so that publishing never holds what could prolong itself.
set local row_security = off;

create table authorizations (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    -- who signed in, as the platform knows them
    external_id text not null,
    name text not null,
    -- revoking: its last account was disconnected, and the platform is still to be told
    state text not null default 'active',
    state_since timestamptz not null default now(),
    -- why a person must sign in again
    reason text,
    scopes text[] not null default '{}',
    credential bytea,
    key_id bigint,
    -- when the access token ends; NULL: never
    expires_at timestamptz,
    -- when it is to be renewed; NULL: there is nothing to renew
    renew_at timestamptz,
    -- by when somebody must have signed in again, whatever is renewed until then; NULL: never
    reconnect_by timestamptz,
    -- who renews it, until when; compared and set in one statement, so that there is one at a time
    lease uuid,
    lease_until timestamptz,
    -- a renewal was begun and nobody knows what the platform made of it
    unanswered boolean not null default false,
    -- renewals and revocations in a row that failed for a passing reason, and since when
    failures integer not null default 0,
    failing_since timestamptz,
    -- what the last of them was: misconfigured is the platform's word that it does not accept this installation's
    -- application, unreadable that the tokens could not be opened here
    failure text,
    renewed_at timestamptz,
    -- days before reconnect_by at which the owners were reminded last
    reminded integer,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint authorizations_pkey primary key (customer_id, id),
    constraint authorizations_login_key unique (customer_id, platform, external_id),
    constraint authorizations_customer_fkey foreign key (customer_id) references customers (id),
    constraint authorizations_created_by_fkey foreign key (created_by) references users (id),
    constraint authorizations_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp')),
    constraint authorizations_state_known check (state in ('active', 'needs_reauth', 'revoking', 'ended')),
    constraint authorizations_reason_known check (reason in ('revoked', 'refused', 'expired', 'interrupted')),
    constraint authorizations_failure_known check (failure in ('unavailable', 'rate_limited', 'misconfigured', 'bad_answer', 'unreadable')),
    constraint authorizations_reason_given check ((state = 'needs_reauth') = (reason is not null)),
    constraint authorizations_external_id_length check (char_length(external_id) between 1 and 500),
    constraint authorizations_name_length check (char_length(name) between 1 and 500),
    constraint authorizations_scopes_length check (cardinality(scopes) <= 100),
    -- What has ended keeps nothing; what has not says which key sealed it.
    constraint authorizations_credential_held check (
        (state = 'ended' and credential is null and key_id is null)
        or (state <> 'ended' and credential is not null and key_id is not null)),
    constraint authorizations_times_finite check (isfinite(expires_at) and isfinite(renew_at) and isfinite(reconnect_by)),
    constraint authorizations_lease_ends check ((lease is null) = (lease_until is null))
);

-- What the worker looks for, over all customers in the order of time.
create index authorizations_to_renew on authorizations (renew_at) where state = 'active' and renew_at is not null;
create index authorizations_to_revoke on authorizations (customer_id, id) where state = 'revoking';
create index authorizations_to_remind on authorizations (reconnect_by) where state = 'active' and reconnect_by is not null;

-- A new credential from a person begins everything anew.
create function tenancy.guard_authorization() returns trigger
language plpgsql as $$
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
create trigger authorizations_guard before update on authorizations for each row execute function tenancy.guard_authorization();
-- Not when a renewal is begun or fails: that is no change that somebody must have seen.
create trigger authorizations_touch before update of name, state, credential, expires_at, reconnect_by on authorizations
    for each row execute function tenancy.touch();

alter table authorizations enable row level security;
alter table authorizations force row level security;

create policy authorizations_tenant on authorizations as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy authorizations_select on authorizations for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy authorizations_agent_select on authorizations for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy authorizations_insert on authorizations for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy authorizations_update on authorizations for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy authorizations_admin_insert on authorizations for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy authorizations_admin_update on authorizations for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy authorizations_worker_update on authorizations for update to fanfare_worker using (true) with check (true);

grant select (customer_id, id, platform, external_id, name, state, state_since, reason, scopes, key_id, expires_at, reconnect_by,
        failures, failing_since, failure, renewed_at, created_by, version, created_at, updated_at)
    on authorizations to fanfare_user, fanfare_agent, fanfare_admin;
grant insert (id, platform, external_id, name, scopes, credential, key_id, expires_at, renew_at, reconnect_by),
    update (name, scopes, credential, key_id, expires_at, renew_at, reconnect_by)
    on authorizations to fanfare_user, fanfare_admin;
grant select (customer_id, id, platform, external_id, name, state, state_since, reason, scopes, key_id, expires_at, renew_at, reconnect_by,
        lease, lease_until, unanswered, failures, failing_since, failure, renewed_at, reminded, created_by, version, created_at, updated_at),
    update (name, state, reason, scopes, credential, key_id, expires_at, renew_at, reconnect_by, lease, lease_until, unanswered,
        failures, failing_since, failure, renewed_at, reminded)
    on authorizations to fanfare_worker;

select tenancy.audit_table('authorizations', 'authorization', 'id', '{credential}',
    '{key_id,renew_at,lease,lease_until,unanswered,failures,failing_since,failure,renewed_at,reminded,state_since}');

-- The accounts of an authorization, which is the default of its platform, and how each fares by itself.
alter table integrations
    add column authorization_id uuid,
    -- where a post names a platform and no account
    add column is_default boolean not null default false,
    add column state_since timestamptz not null default now(),
    -- why it needs somebody to sign in again; access_lost: whoever signed in does not manage the account any more
    add column reason text,
    -- when it was last certain whether it works: the platform said so, or what it had allowed came to its end
    add column checked_at timestamptz,
    add constraint integrations_authorization_fkey foreign key (customer_id, authorization_id)
        references authorizations (customer_id, id) not valid,
    add constraint integrations_reason_known
        check (reason in ('revoked', 'refused', 'expired', 'interrupted', 'access_lost', 'moved_out')) not valid,
    add constraint integrations_default_connected check (not is_default or state <> 'disconnected') not valid;
-- The owner is under the policies too, and has entered no customer. Nobody else gets in before the transaction ends.
alter table authorizations no force row level security;
alter table integrations no force row level security;
alter table integrations validate constraint integrations_authorization_fkey;
alter table integrations validate constraint integrations_reason_known;
alter table integrations validate constraint integrations_default_connected;
create index integrations_by_authorization on integrations (customer_id, authorization_id) where authorization_id is not null;
set local row_security = on; -- the audit log is written by another role
update integrations i set is_default = true
where i.state <> 'disconnected' and not exists (
    select from integrations o where o.customer_id = i.customer_id and o.platform = i.platform and o.state <> 'disconnected' and o.id < i.id);
set local row_security = off;
alter table integrations force row level security;
alter table authorizations force row level security;
create unique index integrations_default_key on integrations (customer_id, platform) where is_default;

grant select (authorization_id, is_default, state_since, reason, checked_at),
    insert (authorization_id),
    update (authorization_id, is_default)
    on integrations to fanfare_user, fanfare_admin;
grant select (authorization_id, is_default, state_since, reason, checked_at) on integrations to fanfare_agent;
grant select (authorization_id, is_default, state_since, reason, checked_at), update (reason, checked_at) on integrations to fanfare_worker;
grant select (authorization_id, platform, is_default), update (is_default) on integrations to fanfare_definer;
create policy integrations_definer_update on integrations for update to fanfare_definer using (true) with check (true);

-- The first account of a platform is its default, and stays it until another is made so or it is disconnected.
create function tenancy.guard_integration() returns trigger
language plpgsql as $$
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
create trigger integrations_guard before insert or update on integrations for each row execute function tenancy.guard_integration();

-- That an account still works is no change that somebody must have seen, nor one to record.
create or replace trigger integrations_touch before update of name, url, state, credential, authorization_id, is_default, reason on integrations
    for each row execute function tenancy.touch();
create or replace trigger audit_update after update on integrations referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('integration', 'id', 'customer_id', '{credential}',
        '{version,created_at,updated_at,key_id,state_since,checked_at}');

-- What follows from a disconnected account: posts that wait for it are a person's to decide on, and another account of the
-- platform becomes the default.
create policy authorizations_definer_select on authorizations for select to fanfare_definer using (true);
create policy authorizations_definer_update on authorizations for update to fanfare_definer using (true) with check (true);
grant select (customer_id, id, platform, external_id, state, credential), update (state) on authorizations to fanfare_definer;
create policy posts_definer_update on posts for update to fanfare_definer using (true) with check (true);
create policy platform_posts_definer_update on platform_posts for update to fanfare_definer using (true) with check (true);
grant select (state), update (state) on posts to fanfare_definer;
grant select (integration_id), update (state, problem, problem_class, retry_at) on platform_posts to fanfare_definer;

create function tenancy.follow_disconnection() returns trigger
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.follow_disconnection() from public;
create trigger integrations_follow_disconnection after update on integrations
    for each row when (old.state <> 'disconnected' and new.state = 'disconnected')
    execute function tenancy.follow_disconnection();
alter function tenancy.follow_disconnection() owner to fanfare_definer;

-- The database says so too, of posts whose account is disconnected.
create or replace function tenancy.guard_platform_post() returns trigger
language plpgsql as $$
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
    if old.state <> new.state and current_user not in ('fanfare_worker', 'fanfare_definer') and (
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

-- An authorization that only a person can prolong takes its accounts along.
create function tenancy.follow_authorization() returns trigger
language plpgsql as $$
begin
    update public.integrations i set state = 'needs_reauth', reason = new.reason, checked_at = now()
    where i.customer_id = new.customer_id and i.authorization_id = new.id and i.state = 'active';
    return null;
end
$$;
create trigger authorizations_follow after update on authorizations
    for each row when (old.state = 'active' and new.state = 'needs_reauth')
    execute function tenancy.follow_authorization();

-- Hands out the sealed tokens of an authorization of the entered customer, and records their use. NULL where there are
-- none. This is the only way to read them.
create function tenancy.use_authorization(p_authorization_id uuid, p_purpose text) returns bytea
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.use_authorization(uuid, text) from public;
grant execute on function tenancy.use_authorization(uuid, text) to fanfare_worker;
alter function tenancy.use_authorization(uuid, text) owner to fanfare_definer;

-- What is erased with a customer: an authorization after the accounts that refer to it.
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
create policy authorizations_erase on authorizations for delete to fanfare_definer using (true);
grant select (ctid), delete on authorizations to fanfare_definer;

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
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
drop function tenancy.use_authorization(uuid, text);
drop trigger authorizations_follow on authorizations;
drop function tenancy.follow_authorization();
create or replace function tenancy.guard_platform_post() returns trigger
language plpgsql as $$
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
drop trigger integrations_follow_disconnection on integrations;
drop function tenancy.follow_disconnection();
revoke select (integration_id), update (state, problem, problem_class, retry_at) on platform_posts from fanfare_definer;
revoke select (state), update (state) on posts from fanfare_definer;
drop policy platform_posts_definer_update on platform_posts;
drop policy posts_definer_update on posts;
create or replace trigger audit_update after update on integrations referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('integration', 'id', 'customer_id', '{credential}',
        '{version,created_at,updated_at,key_id}');
create or replace trigger integrations_touch before update on integrations for each row execute function tenancy.touch();
drop trigger integrations_guard on integrations;
drop function tenancy.guard_integration();
drop policy integrations_definer_update on integrations;
revoke select (platform) on integrations from fanfare_definer;
drop index integrations_default_key;
alter table integrations drop column authorization_id, drop column is_default, drop column state_since, drop column reason, drop column checked_at;
drop table authorizations;
drop function tenancy.guard_authorization();
