-- migrate:up

-- Times at which posts go out (requirement C4): the slots of a weekly queue, and posts that recur by a rule.
set local row_security = off;

-- The zone of the entered customer. A definer's, since not every key may read the customer.
create function tenancy.time_zone() returns text
language plpgsql stable security definer set search_path = '' as $$
begin
    return (select c.time_zone from public.customers c where c.id = tenancy.customer_id());
end
$$;
revoke execute on function tenancy.time_zone() from public;
grant execute on function tenancy.time_zone() to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.time_zone() owner to fanfare_definer;

-- A time of the week, by the clocks of the customer's zone, at which the next post of the queue goes out.
create table queue_slots (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- 0 is Sunday
    weekday smallint not null,
    -- such as 09:30
    local_time text not null,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    constraint queue_slots_pkey primary key (customer_id, id),
    constraint queue_slots_customer_fkey foreign key (customer_id) references customers (id),
    constraint queue_slots_created_by_fkey foreign key (created_by) references users (id),
    constraint queue_slots_time_key unique (customer_id, weekday, local_time),
    constraint queue_slots_weekday_known check (weekday between 0 and 6),
    constraint queue_slots_local_time_form check (local_time ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')
);

alter table queue_slots enable row level security;
alter table queue_slots force row level security;

create policy queue_slots_tenant on queue_slots as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy queue_slots_select on queue_slots for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy queue_slots_insert on queue_slots for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy queue_slots_delete on queue_slots for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy queue_slots_admin_insert on queue_slots for insert to fanfare_admin with check ((select tenancy.has_system_role('manager')));
create policy queue_slots_admin_delete on queue_slots for delete to fanfare_admin using ((select tenancy.has_system_role('manager')));
create policy queue_slots_agent_select on queue_slots for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy queue_slots_agent_insert on queue_slots for insert to fanfare_agent with check ((select tenancy.has_permission('posts:publish')));
create policy queue_slots_agent_delete on queue_slots for delete to fanfare_agent using ((select tenancy.has_permission('posts:publish')));
grant select, insert (id, weekday, local_time), delete on queue_slots to fanfare_user, fanfare_agent, fanfare_admin;
grant select on queue_slots to fanfare_worker; -- for an export
create policy queue_slots_erase on queue_slots for delete to fanfare_definer using (true);
create policy queue_slots_erase_select on queue_slots for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on queue_slots to fanfare_definer;
select tenancy.audit_table('queue_slots', 'queue_slot', 'id', '{}', '{}');

-- A post that goes out again and again. At each time that the rule gives, a copy of it does: an ordinary post, made
-- ahead of its time.
create table recurring_posts (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- what is copied
    post_id uuid not null,
    -- a recurrence rule of RFC 5545
    rrule text not null,
    -- the first day that counts, and the time of day of all of them, by the clocks of time_zone
    starts_local timestamp not null,
    time_zone text not null default tenancy.time_zone(),
    -- ended: by its rule
    state text not null default 'active',
    -- the next time; NULL: there is none
    next_at timestamptz,
    -- up to here every time has its copy, or has been passed over
    made_until timestamptz not null default now(),
    -- when a worker looks at it next
    look_at timestamptz not null default now(),
    -- why copies stay drafts: a sentence for people
    problem text,
    -- how many times were passed over, as they had passed before a worker came to them, and the last of them
    skipped bigint not null default 0,
    skipped_at timestamptz,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint recurring_posts_pkey primary key (customer_id, id),
    constraint recurring_posts_post_fkey foreign key (customer_id, post_id) references posts (customer_id, id),
    constraint recurring_posts_created_by_fkey foreign key (created_by) references users (id),
    constraint recurring_posts_rrule_form check (rrule ~ '^[A-Z0-9=;,+-]+$'),
    constraint recurring_posts_rrule_length check (char_length(rrule) <= 500),
    constraint recurring_posts_time_zone_length check (char_length(time_zone) between 1 and 64),
    constraint recurring_posts_state_known check (state in ('active', 'paused', 'ended')),
    constraint recurring_posts_problem_length check (char_length(problem) <= 2000)
);

create index recurring_posts_by_post on recurring_posts (customer_id, post_id);
-- Said twice, it would go out twice.
create unique index recurring_posts_rule_key on recurring_posts (customer_id, post_id, rrule, (starts_local::time), time_zone);
create index recurring_posts_to_look_at on recurring_posts (look_at) where state = 'active';

-- not valid: the columns are new and empty, and the owner, whom the policies hold off, could not look
alter table posts
    -- the slot of the queue that it has
    add column slot_at timestamptz,
    -- what it is a copy of, made for which time
    add column recurrence_id uuid,
    add column occurrence_at timestamptz,
    -- since when it is a post by itself: somebody has changed, moved or cancelled it
    add column detached_at timestamptz,
    add constraint posts_recurrence_fkey foreign key (customer_id, recurrence_id) references recurring_posts (customer_id, id) not valid,
    add constraint posts_recurrence_has_time check (recurrence_id is null or occurrence_at is not null) not valid;
-- No two posts have the same slot, and no time is copied twice, whoever tries at once.
create unique index posts_slot_key on posts (customer_id, slot_at) where slot_at is not null;
create unique index posts_occurrence_key on posts (customer_id, recurrence_id, occurrence_at) where recurrence_id is not null;
grant update (slot_at) on posts to fanfare_user, fanfare_agent, fanfare_admin;

-- A post that goes out at another time, or not at all, gives its slot back.
create function tenancy.free_slot() returns trigger
language plpgsql as $$
begin
    if new.scheduled_at is distinct from new.slot_at or (new.state <> old.state and new.state in ('draft', 'cancelled')) then
        new.slot_at := null;
    end if;
    return new;
end
$$;
-- after posts_guard, by its name
create trigger posts_slot before update on posts for each row when (new.slot_at is not null) execute function tenancy.free_slot();

create trigger recurring_posts_touch before update on recurring_posts for each row
    -- what workers note at every look is no new version
    when ((old.rrule, old.starts_local, old.time_zone, old.state, old.problem)
        is distinct from (new.rrule, new.starts_local, new.time_zone, new.state, new.problem))
    execute function tenancy.touch();
create trigger recurring_posts_time_zone_inserted before insert on recurring_posts
    for each row when (new.time_zone <> 'UTC') execute function tenancy.check_time_zone();
create trigger recurring_posts_time_zone_updated before update on recurring_posts
    for each row when (new.time_zone is distinct from old.time_zone) execute function tenancy.check_time_zone();

create function tenancy.guard_recurring_post() returns trigger
language plpgsql as $$
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
create trigger recurring_posts_guard before insert or update on recurring_posts for each row execute function tenancy.guard_recurring_post();

-- At most 200 of a customer, and 10 of one post: each has its copies, and is looked at again and again.
create function tenancy.limit_recurring_posts() returns trigger
language plpgsql as $$
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
create trigger recurring_posts_limit before insert on recurring_posts for each row execute function tenancy.limit_recurring_posts();

alter table recurring_posts enable row level security;
alter table recurring_posts force row level security;

create policy recurring_posts_tenant on recurring_posts as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy recurring_posts_select on recurring_posts for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy recurring_posts_insert on recurring_posts for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy recurring_posts_update on recurring_posts for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
create policy recurring_posts_delete on recurring_posts for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy recurring_posts_admin_insert on recurring_posts for insert to fanfare_admin with check ((select tenancy.has_system_role('manager')));
create policy recurring_posts_admin_update on recurring_posts for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));
create policy recurring_posts_admin_delete on recurring_posts for delete to fanfare_admin using ((select tenancy.has_system_role('manager')));
create policy recurring_posts_agent_select on recurring_posts for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy recurring_posts_agent_insert on recurring_posts for insert to fanfare_agent with check ((select tenancy.has_permission('posts:publish')));
create policy recurring_posts_agent_update on recurring_posts for update to fanfare_agent
    using ((select tenancy.has_permission('posts:publish'))) with check ((select tenancy.has_permission('posts:publish')));
create policy recurring_posts_agent_delete on recurring_posts for delete to fanfare_agent using ((select tenancy.has_permission('posts:publish')));
create policy recurring_posts_worker_update on recurring_posts for update to fanfare_worker using (true) with check (true);
grant select, delete,
    insert (id, post_id, rrule, starts_local, time_zone, next_at),
    update (rrule, starts_local, time_zone, state, next_at)
    on recurring_posts to fanfare_user, fanfare_agent, fanfare_admin;
grant select, update (state, next_at, made_until, look_at, problem, skipped, skipped_at) on recurring_posts to fanfare_worker;
create policy recurring_posts_definer_update on recurring_posts for update to fanfare_definer using (true) with check (true);
create policy recurring_posts_erase on recurring_posts for delete to fanfare_definer using (true);
create policy recurring_posts_erase_select on recurring_posts for select to fanfare_definer using (true);
grant select (ctid, customer_id, id, post_id, state, made_until, look_at), update (made_until, look_at), delete on recurring_posts to fanfare_definer;
select tenancy.audit_table('recurring_posts', 'recurring_post', 'id', '{}', '{next_at,made_until,look_at,skipped,skipped_at}');

-- Copies are made and taken away by functions alone: what they say, and whether it is approved, is the post's that recurs.
create policy posts_definer_insert on posts for insert to fanfare_definer with check (true);
create policy platform_posts_definer_insert on platform_posts for insert to fanfare_definer with check (true);
create policy post_media_definer_insert on post_media for insert to fanfare_definer with check (true);
create policy platform_post_media_definer_insert on platform_post_media for insert to fanfare_definer with check (true);
grant select (campaign_id, title, text, created_by, approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for, recurrence_id, occurrence_at, detached_at),
    insert (customer_id, id, campaign_id, title, text, scheduled_at, created_by, approved_at, approved_by,
        submitted_by, edited_by, submitted_for, edited_for, recurrence_id, occurrence_at),
    update (recurrence_id, detached_at)
    on posts to fanfare_definer;
grant select (text, options, own_media, attempt), insert (customer_id, id, post_id, integration_id, text, options, own_media) on platform_posts to fanfare_definer;
grant select (post_id, media_id, position), insert (customer_id, post_id, media_id, position) on post_media to fanfare_definer;
grant select (platform_post_id, media_id, position), insert (customer_id, platform_post_id, media_id, position) on platform_post_media to fanfare_definer;
grant select (post_id) on post_reviews to fanfare_definer;
grant execute on function tenancy.new_job_id() to fanfare_definer;

-- A copy is no change of what somebody wrote, nor is its end.
create or replace trigger platform_post_media_guard before insert or delete on platform_post_media
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.guard_platform_post_media();

-- Copies the post that recurs for one of its times, as a draft. Answers false where there is a copy for that time
-- already, or the recurrence is not active any more. Holds the post that recurs, so that no file is deleted that the copy
-- shows: whoever takes one off the post holds it too, and a file that a post shows is not deleted.
create function tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_model uuid;
begin
    select r.post_id into v_model
    from public.recurring_posts r where r.customer_id = v_customer and r.id = p_recurrence and r.state = 'active' for no key update;
    perform from public.posts p where p.customer_id = v_customer and p.id = v_model for no key update;
    insert into public.posts (customer_id, id, campaign_id, title, text, scheduled_at, created_by,
        approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for, recurrence_id, occurrence_at)
    select v_customer, p_id, p.campaign_id, p.title, p.text, p_occurrence, p.created_by,
        p.approved_at, p.approved_by, p.submitted_by, p.edited_by, p.submitted_for, p.edited_for, p_recurrence, p_occurrence
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
revoke execute on function tenancy.copy_recurring_post(uuid, uuid, timestamptz) from public;
grant execute on function tenancy.copy_recurring_post(uuid, uuid, timestamptz) to fanfare_worker;
alter function tenancy.copy_recurring_post(uuid, uuid, timestamptz) owner to fanfare_definer;

-- Takes away the copies after a moment, all of them where it is NULL, that nothing has been tried with and that nobody
-- has made their own. Locks the posts first, as whoever begins to publish one does.
create function tenancy.remove_copies(p_customer_id uuid, p_recurrence_id uuid, p_after timestamptz) returns void
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.remove_copies(uuid, uuid, timestamptz) from public;
alter function tenancy.remove_copies(uuid, uuid, timestamptz) owner to fanfare_definer;

-- What follows from a change of the recurrence itself. What is published stays, and is a post like any other.
create function tenancy.follow_recurring_post() returns trigger
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.follow_recurring_post() from public;
create trigger recurring_posts_follow_update after update on recurring_posts for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')
        and (old.rrule, old.starts_local, old.time_zone, old.state) is distinct from (new.rrule, new.starts_local, new.time_zone, new.state))
    execute function tenancy.follow_recurring_post();
create trigger recurring_posts_follow_delete before delete on recurring_posts for each row execute function tenancy.follow_recurring_post();
alter function tenancy.follow_recurring_post() owner to fanfare_definer;

-- What follows where somebody changes a post: a copy is theirs from then on; where it is the one that recurs, the copies
-- to come are made anew. With the argument "original" only the latter.
create function tenancy.follow_recurring_content() returns trigger
language plpgsql security definer set search_path = '' as $$
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
revoke execute on function tenancy.follow_recurring_content() from public;
create trigger posts_follow_recurring after update on posts for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')
        and (old.title, old.text, old.campaign_id, old.scheduled_at) is distinct from (new.title, new.text, new.campaign_id, new.scheduled_at))
    execute function tenancy.follow_recurring_content();
create trigger posts_follow_approval after update on posts for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') and old.approved_at is distinct from new.approved_at)
    execute function tenancy.follow_recurring_content('original');
create trigger platform_posts_follow_recurring after insert or delete on platform_posts for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')) execute function tenancy.follow_recurring_content();
create trigger platform_posts_follow_recurring_update after update on platform_posts for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')
        and ((old.text, old.options, old.own_media) is distinct from (new.text, new.options, new.own_media)
            or (old.state <> new.state and (new.state in ('draft', 'cancelled') or old.state = 'cancelled'))))
    execute function tenancy.follow_recurring_content();
create trigger post_media_follow_recurring after insert or delete on post_media for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')) execute function tenancy.follow_recurring_content();
create trigger platform_post_media_follow_recurring after insert or delete on platform_post_media for each row
    when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')) execute function tenancy.follow_recurring_content();
alter function tenancy.follow_recurring_content() owner to fanfare_definer;

-- What recurs goes out without anybody's doing: what it says, and where, is not for a key that only writes drafts.
create function tenancy.guard_recurring_content() returns trigger
language plpgsql as $$
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
create trigger posts_guard_recurring after update on posts for each row
    when (current_user = 'fanfare_agent' and (old.title, old.text, old.campaign_id) is distinct from (new.title, new.text, new.campaign_id))
    execute function tenancy.guard_recurring_content();
create trigger platform_posts_guard_recurring after insert or delete on platform_posts for each row
    when (current_user = 'fanfare_agent') execute function tenancy.guard_recurring_content();
create trigger platform_posts_guard_recurring_update after update on platform_posts for each row
    when (current_user = 'fanfare_agent' and ((old.text, old.options, old.own_media) is distinct from (new.text, new.options, new.own_media)
        or (old.state = 'cancelled') <> (new.state = 'cancelled')))
    execute function tenancy.guard_recurring_content();
create trigger post_media_guard_recurring after insert or delete on post_media for each row
    when (current_user = 'fanfare_agent') execute function tenancy.guard_recurring_content();
create trigger platform_post_media_guard_recurring after insert or delete on platform_post_media for each row
    when (current_user = 'fanfare_agent') execute function tenancy.guard_recurring_content();
create trigger media_guard_recurring after update on media for each row
    when (current_user = 'fanfare_agent' and old.alt_text <> new.alt_text) execute function tenancy.guard_recurring_content();
create trigger email_templates_guard_recurring after update on email_templates for each row
    when (current_user = 'fanfare_agent'
        and (old.subject, old.preview_text, old.html) is distinct from (new.subject, new.preview_text, new.html))
    execute function tenancy.guard_recurring_content();

-- Recurrences of all customers that a worker is to look at: at most five of each, and one of everybody before the second of
-- anybody, so that none keeps the others waiting. Ids only.
create function tenancy.recurring_posts_to_do(p_limit integer) returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
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
revoke execute on function tenancy.recurring_posts_to_do(integer) from public;
grant execute on function tenancy.recurring_posts_to_do(integer) to fanfare_worker;
alter function tenancy.recurring_posts_to_do(integer) owner to fanfare_definer;

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
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids,
    p.approved_at, p.approved_by,
    (select tenancy.time_zone()) as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.detached_at
from posts p;

-- migrate:down
drop view posts_with_platforms;
create view posts_with_platforms with (security_invoker = true) as
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
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids,
    p.approved_at, p.approved_by
from posts p;
grant select on posts_with_platforms to fanfare_user, fanfare_admin, fanfare_agent;
drop function tenancy.recurring_posts_to_do(integer);
drop trigger email_templates_guard_recurring on email_templates;
drop trigger media_guard_recurring on media;
drop trigger platform_post_media_guard_recurring on platform_post_media;
drop trigger post_media_guard_recurring on post_media;
drop trigger platform_posts_guard_recurring_update on platform_posts;
drop trigger platform_posts_guard_recurring on platform_posts;
drop trigger posts_guard_recurring on posts;
drop function tenancy.guard_recurring_content();
drop trigger platform_post_media_follow_recurring on platform_post_media;
drop trigger post_media_follow_recurring on post_media;
drop trigger platform_posts_follow_recurring_update on platform_posts;
drop trigger platform_posts_follow_recurring on platform_posts;
drop trigger posts_follow_approval on posts;
drop trigger posts_follow_recurring on posts;
drop function tenancy.follow_recurring_content();
drop trigger recurring_posts_follow_delete on recurring_posts;
drop trigger recurring_posts_follow_update on recurring_posts;
drop function tenancy.follow_recurring_post();
drop function tenancy.remove_copies(uuid, uuid, timestamptz);
drop function tenancy.copy_recurring_post(uuid, uuid, timestamptz);
create or replace trigger platform_post_media_guard before insert or delete on platform_post_media
    for each row execute function tenancy.guard_platform_post_media();
revoke execute on function tenancy.new_job_id() from fanfare_definer;
revoke select (post_id) on post_reviews from fanfare_definer;
revoke select (platform_post_id, media_id, position), insert (customer_id, platform_post_id, media_id, position) on platform_post_media from fanfare_definer;
revoke select (post_id, media_id, position), insert (customer_id, post_id, media_id, position) on post_media from fanfare_definer;
revoke select (text, options, own_media, attempt), insert (customer_id, id, post_id, integration_id, text, options, own_media) on platform_posts from fanfare_definer;
revoke select (campaign_id, title, text, created_by, approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for),
    insert (customer_id, id, campaign_id, title, text, scheduled_at, created_by, approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for)
    on posts from fanfare_definer;
drop policy platform_post_media_definer_insert on platform_post_media;
drop policy post_media_definer_insert on post_media;
drop policy platform_posts_definer_insert on platform_posts;
drop policy posts_definer_insert on posts;
drop trigger posts_slot on posts;
drop function tenancy.free_slot();
drop index posts_occurrence_key;
drop index posts_slot_key;
alter table posts drop column detached_at, drop column occurrence_at, drop column recurrence_id, drop column slot_at;
drop table recurring_posts;
drop function tenancy.limit_recurring_posts();
drop function tenancy.guard_recurring_post();
drop table queue_slots;
drop function tenancy.time_zone();
