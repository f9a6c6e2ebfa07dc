-- migrate:up

-- What a post needs to go to every platform: options of each platform, files of its own, rounds of attempts, and the two
-- decisions that a person can make where the outcome is not known.
set local row_security = off;

alter table platform_posts
    -- what only its platform has: see platform.Options
    add column options jsonb not null default '{}',
    -- its files are its own (platform_post_media) and not the post's
    add column own_media boolean not null default false,
    -- the first attempt of this round: a post that a person puts on its way again begins a new one
    add column first_attempt integer not null default 1,
    add constraint platform_posts_options_object check (jsonb_typeof(options) = 'object' and octet_length(options::text) <= 65536);

-- Two platform posts are never the same one at the platform: what one has found there is not the other's.
create unique index platform_posts_external_key on platform_posts (customer_id, integration_id, external_id) where external_id is not null;

alter table publish_attempts
    drop constraint publish_attempts_outcome_known,
    -- waiting: the platform is still at work on what was uploaded
    add constraint publish_attempts_outcome_known check (outcome in ('published', 'credential', 'invalid', 'rate_limited',
        'payment_required', 'transient', 'unknown_outcome', 'abandoned', 'withdrawn', 'waiting'));

-- What is found in a file when it is uploaded.
alter table media
    add column name text not null default '',
    add column duration_ms bigint,
    add column animated boolean not null default false,
    add constraint media_name_length check (char_length(name) <= 255),
    add constraint media_duration_positive check (duration_ms >= 0);
grant insert (name, duration_ms, animated) on media to fanfare_user, fanfare_agent, fanfare_admin;

-- Which files a platform post shows in place of its post's, in which order.
create table platform_post_media (
    customer_id uuid not null default tenancy.customer_id(),
    platform_post_id uuid not null,
    media_id uuid not null,
    position integer not null,
    constraint platform_post_media_pkey primary key (customer_id, platform_post_id, media_id),
    constraint platform_post_media_position_key unique (customer_id, platform_post_id, position),
    constraint platform_post_media_platform_post_fkey foreign key (customer_id, platform_post_id)
        references platform_posts (customer_id, id) on delete cascade,
    constraint platform_post_media_media_fkey foreign key (customer_id, media_id) references media (customer_id, id),
    constraint platform_post_media_position_in_range check (position between 0 and 99)
);

create index platform_post_media_by_media on platform_post_media (customer_id, media_id);

alter table platform_post_media enable row level security;
alter table platform_post_media force row level security;

create policy platform_post_media_tenant on platform_post_media as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy platform_post_media_select on platform_post_media for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy platform_post_media_insert on platform_post_media for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy platform_post_media_delete on platform_post_media for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy platform_post_media_admin_insert on platform_post_media for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')));
create policy platform_post_media_admin_delete on platform_post_media for delete to fanfare_admin
    using ((select tenancy.has_system_role('manager')));
create policy platform_post_media_agent_select on platform_post_media for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy platform_post_media_agent_insert on platform_post_media for insert to fanfare_agent
    with check ((select tenancy.has_permission('posts:write')));
create policy platform_post_media_agent_delete on platform_post_media for delete to fanfare_agent
    using ((select tenancy.has_permission('posts:write')));
grant select, insert (platform_post_id, media_id, position), delete on platform_post_media to fanfare_user, fanfare_agent, fanfare_admin;
grant select on platform_post_media to fanfare_worker;
create policy platform_post_media_erase on platform_post_media for delete to fanfare_definer using (true);
create policy platform_post_media_erase_select on platform_post_media for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on platform_post_media to fanfare_definer;
select tenancy.audit_table('platform_post_media', 'platform_post_media', 'platform_post_id', '{}', '{}');

grant insert (options, own_media), update (options, own_media) on platform_posts to fanfare_user, fanfare_agent, fanfare_admin;
-- Where a person says that a post is there: see guard_platform_post.
grant update (external_id, external_url, published_at) on platform_posts to fanfare_user, fanfare_admin;

create or replace function tenancy.transition_allowed(entity text, from_state text, to_state text) returns boolean
language sql immutable parallel safe
return from_state = to_state or to_state = any (case entity || ' ' || from_state
    when 'platform_post draft' then array['pending_approval', 'approved', 'scheduled', 'cancelled']
    when 'platform_post pending_approval' then array['draft', 'approved', 'cancelled']
    when 'platform_post approved' then array['draft', 'pending_approval', 'scheduled', 'cancelled']
    -- pending_approval: it was changed, and is to be approved again
    when 'platform_post scheduled' then array['draft', 'pending_approval', 'approved', 'publishing', 'needs_attention', 'cancelled']
    -- back to scheduled: nothing was published and another attempt is planned
    when 'platform_post publishing' then array['scheduled', 'published', 'failed', 'needs_attention']
    when 'platform_post failed' then array['draft', 'pending_approval', 'scheduled', 'cancelled']
    -- published: a person found it there; scheduled: a person wants it posted again; pending_approval: nothing was sent, and
    -- it is to be approved first
    when 'platform_post needs_attention' then array['published', 'scheduled', 'pending_approval', 'cancelled']
    when 'platform_post cancelled' then array['draft']
    when 'post draft' then array['pending_approval', 'approved', 'scheduled', 'cancelled']
    -- scheduled: one platform is approved and goes ahead of another that waits
    when 'post pending_approval' then array['draft', 'approved', 'scheduled', 'cancelled']
    when 'post approved' then array['draft', 'pending_approval', 'scheduled', 'cancelled']
    when 'post scheduled' then array['draft', 'pending_approval', 'approved', 'publishing', 'needs_attention', 'cancelled']
    -- draft, pending_approval, approved: one platform has failed and the others, which had not begun, are taken back
    when 'post publishing' then array['scheduled', 'published', 'partially_published', 'failed', 'needs_attention', 'cancelled',
        'draft', 'pending_approval', 'approved']
    when 'post partially_published' then array['publishing', 'published', 'needs_attention']
    when 'post failed' then array['draft', 'pending_approval', 'approved', 'scheduled', 'publishing', 'cancelled']
    when 'post needs_attention' then array['draft', 'pending_approval', 'approved', 'scheduled', 'publishing', 'published',
        'partially_published', 'failed', 'cancelled']
    when 'post cancelled' then array['draft']
    else array[]::text[]
end);

create or replace function tenancy.guard_platform_post() returns trigger
language plpgsql as $$
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
            or (new.state = 'scheduled' and (old.problem_class is distinct from 'credential' or old.external_id is not null)))
        then
            raise insufficient_privilege using message = 'permission denied: what became of the post is for a person to say';
        end if;
        if new.state = 'scheduled' and old.state <> 'scheduled' then
            -- Nothing is put on its way in a customer that is being archived at this moment.
            perform tenancy.hold_customer();
            new.first_attempt := old.attempt + 1;
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

create or replace trigger platform_posts_agent_content before update on platform_posts for each row
    when ((old.text, old.options, old.own_media) is distinct from (new.text, new.options, new.own_media))
    execute function tenancy.guard_agent_content();

create or replace trigger platform_posts_follow_update after update on platform_posts
    for each row when ((old.state, old.text, old.options, old.own_media, old.external_url, old.problem)
        is distinct from (new.state, new.text, new.options, new.own_media, new.external_url, new.problem))
    execute function tenancy.follow_platform_post();

-- The files are as much the post as its text, and are frozen with it. Locks the post, so that it does not
-- begin to be published meanwhile; who may not change the post as it is does not find it here.
create or replace function tenancy.guard_post_media() returns trigger
language plpgsql as $$
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

create function tenancy.guard_platform_post_media() returns trigger
language plpgsql as $$
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
create trigger platform_post_media_guard before insert or delete on platform_post_media
    for each row execute function tenancy.guard_platform_post_media();

-- A post as it is shown: with its platform posts and its files.
create or replace view posts_with_platforms with (security_invoker = true) as
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.created_by, p.version, p.created_at, p.updated_at,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'text', coalesce(pp.text, p.text),
            'own_text', pp.text is not null,
            'options', pp.options,
            'media_ids', case when pp.own_media then
                (select coalesce(jsonb_agg(m.media_id order by m.position), '[]') from platform_post_media m
                where m.customer_id = pp.customer_id and m.platform_post_id = pp.id) end,
            'state', pp.state,
            'external_url', pp.external_url,
            'published_at', pp.published_at,
            'problem_class', pp.problem_class,
            'problem', pp.problem,
            'retry_at', pp.retry_at) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts,
    (select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
        from post_media m
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids
from posts p;

-- The files that each platform post shows: its own, or its post's.
create view platform_post_files with (security_invoker = true) as
select pp.customer_id, pp.id as platform_post_id, f.position,
    jsonb_build_object('id', m.id, 'path', m.path, 'name', m.name, 'content_type', m.content_type, 'bytes', m.bytes,
        'width', coalesce(m.width, 0), 'height', coalesce(m.height, 0), 'duration_ms', coalesce(m.duration_ms, 0),
        'animated', m.animated, 'alt_text', m.alt_text) as file
from platform_posts pp
    join lateral (
        select pm.media_id, pm.position from post_media pm
        where not pp.own_media and pm.customer_id = pp.customer_id and pm.post_id = pp.post_id
        union all
        select own.media_id, own.position from platform_post_media own
        where pp.own_media and own.customer_id = pp.customer_id and own.platform_post_id = pp.id) f on true
    join media m on m.customer_id = pp.customer_id and m.id = f.media_id;
grant select on platform_post_files to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;

-- migrate:down
drop view platform_post_files;
drop view posts_with_platforms;
create view posts_with_platforms with (security_invoker = true) as
select p.id, p.campaign_id, p.title, p.text, p.state, p.scheduled_at, p.created_by, p.version, p.created_at, p.updated_at,
    (select coalesce(jsonb_agg(jsonb_build_object(
            'id', pp.id,
            'integration_id', pp.integration_id,
            'platform', i.platform,
            'text', coalesce(pp.text, p.text),
            'state', pp.state,
            'external_url', pp.external_url,
            'published_at', pp.published_at,
            'problem_class', pp.problem_class,
            'problem', pp.problem,
            'retry_at', pp.retry_at) order by pp.id), '[]')
        from platform_posts pp
            join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
        where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as platform_posts
from posts p;
grant select on posts_with_platforms to fanfare_user, fanfare_admin, fanfare_agent;
drop table platform_post_media;
drop function tenancy.guard_platform_post_media();
create or replace function tenancy.guard_post_media() returns trigger
language plpgsql as $$
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

create or replace trigger platform_posts_follow_update after update on platform_posts
    for each row when ((old.state, old.text, old.external_url, old.problem) is distinct from (new.state, new.text, new.external_url, new.problem))
    execute function tenancy.follow_platform_post();
create or replace trigger platform_posts_agent_content before update on platform_posts for each row
    when (old.text is distinct from new.text) execute function tenancy.guard_agent_content();
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

create or replace function tenancy.transition_allowed(entity text, from_state text, to_state text) returns boolean
language sql immutable parallel safe
return from_state = to_state or to_state = any (case entity || ' ' || from_state
    when 'platform_post draft' then array['pending_approval', 'approved', 'scheduled', 'cancelled']
    when 'platform_post pending_approval' then array['draft', 'approved', 'cancelled']
    when 'platform_post approved' then array['draft', 'pending_approval', 'scheduled', 'cancelled']
    when 'platform_post scheduled' then array['draft', 'approved', 'publishing', 'needs_attention', 'cancelled']
    -- back to scheduled: nothing was published and another attempt is planned
    when 'platform_post publishing' then array['scheduled', 'published', 'failed', 'needs_attention']
    when 'platform_post failed' then array['draft', 'scheduled', 'cancelled']
    -- published: a person found it there; scheduled: a person wants it posted again
    when 'platform_post needs_attention' then array['published', 'scheduled', 'cancelled']
    when 'platform_post cancelled' then array['draft']
    when 'post draft' then array['pending_approval', 'approved', 'scheduled', 'cancelled']
    -- scheduled: one platform is approved and goes ahead of another that waits
    when 'post pending_approval' then array['draft', 'approved', 'scheduled', 'cancelled']
    when 'post approved' then array['draft', 'pending_approval', 'scheduled', 'cancelled']
    when 'post scheduled' then array['draft', 'pending_approval', 'approved', 'publishing', 'needs_attention', 'cancelled']
    -- draft, pending_approval, approved: one platform has failed and the others, which had not begun, are taken back
    when 'post publishing' then array['scheduled', 'published', 'partially_published', 'failed', 'needs_attention', 'cancelled',
        'draft', 'pending_approval', 'approved']
    when 'post partially_published' then array['publishing', 'published', 'needs_attention']
    when 'post failed' then array['draft', 'pending_approval', 'approved', 'scheduled', 'publishing', 'cancelled']
    when 'post needs_attention' then array['draft', 'pending_approval', 'approved', 'scheduled', 'publishing', 'published',
        'partially_published', 'failed', 'cancelled']
    when 'post cancelled' then array['draft']
    else array[]::text[]
end);

revoke update (external_id, external_url, published_at) on platform_posts from fanfare_user, fanfare_admin;
alter table publish_attempts
    drop constraint publish_attempts_outcome_known,
    add constraint publish_attempts_outcome_known check (outcome in ('published', 'credential', 'invalid', 'rate_limited',
        'payment_required', 'transient', 'unknown_outcome', 'abandoned', 'withdrawn'));
alter table media drop column animated, drop column duration_ms, drop column name;
drop index platform_posts_external_key;
alter table platform_posts drop column first_attempt, drop column own_media, drop column options;
