-- migrate:up

-- Keys with which programs act in one customer. Only a hash is kept: the key itself is shown once. A key may do
-- what its permissions say, and never more than the person who made it may do at that moment: when they lose
-- their role the key loses it too, and when they leave it is worth nothing.
set local row_security = off;

-- Every permission that there is.
create function tenancy.permissions_known() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish',
    'jobs:read', 'audit:read', 'tokens:mint'];

-- What a member's role may hand on. System roles hand nothing on: a key of theirs would act without a reason.
create function tenancy.permissions_of(p_role text) returns text[]
language sql immutable parallel safe
return case p_role
    when 'owner' then tenancy.permissions_known()
    when 'admin' then tenancy.permissions_known()
    when 'member' then array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish', 'jobs:read']
    when 'viewer' then array['customer:read', 'campaigns:read', 'posts:read', 'jobs:read']
    else array[]::text[]
end;

-- The API key that acts, NULL where none does. An agent token that was minted from a key acts with it.
create function tenancy.key_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('fanfare.key_id', true), '')::uuid;

-- The agent token that acts, NULL where none does.
create function tenancy.token_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('fanfare.token_id', true), '')::uuid;

-- Who acts: an agent token, a key or a person; NULL for the worker.
create function tenancy.actor_id() returns uuid
language sql stable parallel safe
return coalesce(tenancy.token_id(), tenancy.key_id(), tenancy.user_id());

-- What the entered key or token may do; empty for everybody else.
create function tenancy.permissions() returns text[]
language sql stable parallel safe
return coalesce(nullif(current_setting('fanfare.permissions', true), '')::text[], array[]::text[]);

-- Whether the entered key or token has a permission. In an archived customer only reading is left.
create function tenancy.has_permission(p_permission text) returns boolean
language sql stable parallel safe
return p_permission = any (tenancy.permissions())
    and (current_setting('fanfare.archived', true) is distinct from 'on' or p_permission like '%:read');

-- Whether it has one of several.
create function tenancy.has_any_permission(variadic p_permissions text[]) returns boolean
language sql stable parallel safe
return tenancy.permissions() && p_permissions;

grant execute on function tenancy.permissions_known(), tenancy.permissions_of(text), tenancy.key_id(), tenancy.token_id(),
    tenancy.actor_id(), tenancy.permissions(), tenancy.has_permission(text), tenancy.has_any_permission(text[])
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

create table api_keys (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    name text not null,
    -- the key's first characters, by which people recognise it
    prefix text not null,
    -- SHA-256 of the whole key, which has 256 random bits: nothing slower is needed
    key_hash bytea not null,
    permissions text[] not null,
    created_by uuid not null default tenancy.user_id(),
    expires_at timestamptz,
    -- to within five minutes
    last_used_at timestamptz,
    revoked_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint api_keys_pkey primary key (customer_id, id),
    constraint api_keys_customer_fkey foreign key (customer_id) references customers (id),
    constraint api_keys_created_by_fkey foreign key (created_by) references users (id),
    constraint api_keys_name_length check (char_length(name) between 1 and 200),
    constraint api_keys_prefix_length check (char_length(prefix) between 4 and 20),
    constraint api_keys_key_hash_size check (octet_length(key_hash) = 32),
    constraint api_keys_permissions_known check (permissions <@ tenancy.permissions_known() and cardinality(permissions) between 1 and 50)
);

-- A key is looked up before a tenant is known. Two keys of 256 random bits are never the same.
create unique index api_keys_by_hash on api_keys (key_hash);

-- What was revoked stays revoked, from the moment of the database's clock.
create function tenancy.guard_revocation() returns trigger
language plpgsql as $$
begin
    if old.revoked_at is not null then
        new.revoked_at := old.revoked_at;
    elsif new.revoked_at is not null then
        new.revoked_at := now();
    end if;
    return new;
end
$$;
create trigger api_keys_guard before update of revoked_at on api_keys for each row execute function tenancy.guard_revocation();
create trigger api_keys_touch before update of name, revoked_at on api_keys for each row execute function tenancy.touch();

alter table api_keys enable row level security;
alter table api_keys force row level security;

create policy api_keys_tenant on api_keys as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- Whoever sees what is the admins' business, also while the customer is archived: revoking a key is never too much.
create function tenancy.reads_as_admin() returns boolean
language sql stable parallel safe
return coalesce(tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() is not null, false);

-- The same as a demand, for queries that are refused and not empty where the answer is no.
create function tenancy.permit_admins() returns boolean
language plpgsql stable parallel safe as $$
begin
    if not tenancy.reads_as_admin() then
        raise insufficient_privilege using message = 'permission denied: this is the admins'' business';
    end if;
    return true;
end
$$;
grant execute on function tenancy.reads_as_admin(), tenancy.permit_admins() to fanfare_user, fanfare_admin;
create policy api_keys_select on api_keys for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy api_keys_insert on api_keys for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy api_keys_update on api_keys for update to fanfare_user
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.has_role('admin')) or revoked_at is not null);
create policy api_keys_admin_update on api_keys for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));

grant select (customer_id, id, name, prefix, permissions, created_by, expires_at, last_used_at, revoked_at, version, created_at, updated_at),
    update (name, revoked_at)
    on api_keys to fanfare_user, fanfare_admin;
grant insert (id, name, prefix, key_hash, permissions, expires_at) on api_keys to fanfare_user;

-- For exports.
create policy api_keys_worker on api_keys for select to fanfare_worker using (true);
grant select (customer_id, id, name, prefix, permissions, created_by, expires_at, last_used_at, revoked_at, version, created_at, updated_at)
    on api_keys to fanfare_worker;

create policy api_keys_definer on api_keys to fanfare_definer using (true) with check (true);
grant select, update (last_used_at) on api_keys to fanfare_definer;

select tenancy.audit_table('api_keys', 'api_key', 'id', '{key_hash}', '{last_used_at}');

-- What keys and agent tokens may do, table by table.
create policy customers_agent_select on customers for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
grant select on customers to fanfare_agent;
set local role fanfare_definer;
grant execute on function tenancy.own_memberships() to fanfare_agent; -- answers nothing: a key is a member of nothing
reset role;

create policy campaigns_agent_select on campaigns for select to fanfare_agent
    using ((select tenancy.has_any_permission('campaigns:read', 'campaigns:write')));
create policy campaigns_agent_insert on campaigns for insert to fanfare_agent with check ((select tenancy.has_permission('campaigns:write')));
create policy campaigns_agent_update on campaigns for update to fanfare_agent
    using ((select tenancy.has_permission('campaigns:write'))) with check ((select tenancy.has_permission('campaigns:write')));
create policy campaigns_agent_delete on campaigns for delete to fanfare_agent using ((select tenancy.has_permission('campaigns:write')));
grant select, delete,
    insert (id, name, goal, starts_on, ends_on),
    update (name, goal, starts_on, ends_on, archived_at)
    on campaigns to fanfare_agent;

-- Whoever drafts must know the accounts that there are.
create policy integrations_agent_select on integrations for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
grant select (customer_id, id, platform, external_id, name, url, state, key_id, created_by, version, created_at, updated_at)
    on integrations to fanfare_agent;

-- Writing is drafting: a post that is on its way or out is only touched with posts:publish.
create policy posts_agent_select on posts for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy posts_agent_insert on posts for insert to fanfare_agent with check ((select tenancy.has_permission('posts:write')));
create policy posts_agent_update on posts for update to fanfare_agent
    using ((select tenancy.has_permission('posts:publish'))
        or ((select tenancy.has_permission('posts:write')) and state in ('draft', 'pending_approval', 'failed', 'cancelled')))
    with check ((select tenancy.has_permission('posts:publish'))
        or ((select tenancy.has_permission('posts:write')) and state in ('draft', 'pending_approval', 'failed', 'cancelled')));
grant select,
    insert (id, campaign_id, title, text),
    update (campaign_id, title, text, state, scheduled_at)
    on posts to fanfare_agent;

create policy platform_posts_agent_select on platform_posts for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy platform_posts_agent_insert on platform_posts for insert to fanfare_agent
    with check ((select tenancy.has_permission('posts:write')));
create policy platform_posts_agent_update on platform_posts for update to fanfare_agent
    using ((select tenancy.has_permission('posts:publish'))
        or ((select tenancy.has_permission('posts:write')) and state in ('draft', 'pending_approval', 'failed', 'cancelled')))
    with check ((select tenancy.has_permission('posts:publish'))
        or ((select tenancy.has_permission('posts:write')) and state in ('draft', 'pending_approval', 'failed', 'cancelled')));
create policy platform_posts_agent_delete on platform_posts for delete to fanfare_agent
    using ((select tenancy.has_permission('posts:write')) and state in ('draft', 'pending_approval', 'cancelled') and attempt = 0);
grant select, delete,
    insert (id, post_id, integration_id, text),
    update (text, state, retry_at, problem_class, problem)
    on platform_posts to fanfare_agent;
grant select on posts_with_platforms to fanfare_agent;

-- With posts:publish alone nobody rewrites what is said.
create function tenancy.guard_agent_content() returns trigger
language plpgsql as $$
begin
    if current_user = 'fanfare_agent' and not tenancy.has_permission('posts:write') then
        raise insufficient_privilege using message = 'permission denied: changing what a post says needs posts:write';
    end if;
    return new;
end
$$;
create trigger posts_agent_content before update on posts for each row
    when ((old.title, old.text, old.campaign_id) is distinct from (new.title, new.text, new.campaign_id))
    execute function tenancy.guard_agent_content();
create trigger platform_posts_agent_content before update on platform_posts for each row
    when (old.text is distinct from new.text) execute function tenancy.guard_agent_content();

create policy publish_attempts_agent_select on publish_attempts for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
grant select on publish_attempts to fanfare_agent;

create policy media_agent_select on media for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy media_agent_insert on media for insert to fanfare_agent with check ((select tenancy.has_permission('posts:write')));
create policy media_agent_update on media for update to fanfare_agent
    using ((select tenancy.has_permission('posts:write'))) with check ((select tenancy.has_permission('posts:write')));
grant select, insert (id, path, content_type, bytes, width, height, alt_text), update (alt_text) on media to fanfare_agent;
create policy post_media_agent_select on post_media for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy post_media_agent_insert on post_media for insert to fanfare_agent with check ((select tenancy.has_permission('posts:write')));
create policy post_media_agent_delete on post_media for delete to fanfare_agent using ((select tenancy.has_permission('posts:write')));
grant select, insert (post_id, media_id, position), delete on post_media to fanfare_agent;

create policy river_job_agent_select on river.river_job for select to fanfare_agent
    using ((select tenancy.has_any_permission('jobs:read', 'posts:publish')));
create policy river_job_agent_insert on river.river_job for insert to fanfare_agent
    with check ((select tenancy.has_permission('posts:publish')) and kind = 'publish' and state in ('available', 'scheduled') and attempt = 0);
create policy river_job_agent_update on river.river_job for update to fanfare_agent
    using ((select tenancy.has_permission('posts:publish'))) with check (true);
grant usage on schema river to fanfare_agent;
grant select,
    insert (id, args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states),
    update (kind)
    on river.river_job to fanfare_agent;
grant usage on sequence river.river_job_id_seq to fanfare_agent;
grant execute on function river.river_job_state_in_bitmask(bit, river.river_job_state), tenancy.new_job_id() to fanfare_agent;

-- As before, and now also when a key puts a post on its way.
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
    if new.state = 'scheduled' and old.state <> 'scheduled' and current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
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
set local role fanfare_definer;
grant execute on function tenancy.hold_customer() to fanfare_agent;
reset role;

-- As before, and now also for keys, and for the jobs that publish alone: an archived customer is still exported.
set local role fanfare_definer;
create or replace function tenancy.cancel_jobs(p_post_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
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
        and j.state in ('available', 'pending', 'retryable', 'scheduled');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
grant execute on function tenancy.cancel_jobs(uuid) to fanfare_agent;
reset role;

-- migrate:down
set local role fanfare_definer;
revoke execute on function tenancy.own_memberships(), tenancy.hold_customer(), tenancy.cancel_jobs(uuid) from fanfare_agent;
create or replace function tenancy.cancel_jobs(p_post_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
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
reset role;
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
revoke execute on function river.river_job_state_in_bitmask(bit, river.river_job_state), tenancy.new_job_id() from fanfare_agent;
revoke all on sequence river.river_job_id_seq from fanfare_agent;
revoke all on river.river_job from fanfare_agent;
revoke usage on schema river from fanfare_agent;
drop policy river_job_agent_update on river.river_job;
drop policy river_job_agent_insert on river.river_job;
drop policy river_job_agent_select on river.river_job;
revoke all on customers, campaigns, integrations, posts, platform_posts, posts_with_platforms, publish_attempts, media, post_media
    from fanfare_agent;
drop policy post_media_agent_delete on post_media;
drop policy post_media_agent_insert on post_media;
drop policy post_media_agent_select on post_media;
drop policy media_agent_update on media;
drop policy media_agent_insert on media;
drop policy media_agent_select on media;
drop policy publish_attempts_agent_select on publish_attempts;
drop policy platform_posts_agent_delete on platform_posts;
drop policy platform_posts_agent_update on platform_posts;
drop policy platform_posts_agent_insert on platform_posts;
drop policy platform_posts_agent_select on platform_posts;
drop policy posts_agent_update on posts;
drop policy posts_agent_insert on posts;
drop policy posts_agent_select on posts;
drop policy integrations_agent_select on integrations;
drop policy campaigns_agent_delete on campaigns;
drop policy campaigns_agent_update on campaigns;
drop policy campaigns_agent_insert on campaigns;
drop policy campaigns_agent_select on campaigns;
drop policy customers_agent_select on customers;
drop trigger platform_posts_agent_content on platform_posts;
drop trigger posts_agent_content on posts;
drop function tenancy.guard_agent_content();
drop table api_keys;
drop function tenancy.permit_admins();
drop function tenancy.reads_as_admin();
drop function tenancy.guard_revocation();
drop function tenancy.has_any_permission(text[]);
drop function tenancy.has_permission(text);
drop function tenancy.permissions();
drop function tenancy.actor_id();
drop function tenancy.token_id();
drop function tenancy.key_id();
drop function tenancy.permissions_of(text);
drop function tenancy.permissions_known();
