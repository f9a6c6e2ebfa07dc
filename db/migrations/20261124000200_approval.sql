-- migrate:up

-- Approval (requirement C3): a customer can ask that somebody approves what is published. What is changed afterwards is
-- to be approved again.
set local row_security = off;

alter table customers
    add column approval_required boolean not null default false,
    -- who may approve: this role and those above it
    add column approver_role text not null default 'admin',
    -- whether somebody may approve what they wrote or submitted themselves
    add column self_approval boolean not null default true,
    add constraint customers_approver_role_known check (approver_role in ('member', 'admin', 'owner'));
grant update (approval_required, approver_role, self_approval) on customers to fanfare_user, fanfare_admin;

-- not valid: the columns are new and empty, and the owner, whom the policies hold off, could not look
alter table posts
    -- NULL: as it is now, it is not approved
    add column approved_at timestamptz,
    add column approved_by uuid,
    add column submitted_by uuid,
    -- who changed last what it says
    add column edited_by uuid default tenancy.user_id(),
    -- whose key or token did so after them: who made it
    add column submitted_for uuid,
    add column edited_for uuid,
    add constraint posts_approved_by_fkey foreign key (approved_by) references users (id) not valid,
    add constraint posts_submitted_by_fkey foreign key (submitted_by) references users (id) not valid,
    add constraint posts_edited_by_fkey foreign key (edited_by) references users (id) not valid,
    add constraint posts_submitted_for_fkey foreign key (submitted_for) references users (id) not valid,
    add constraint posts_edited_for_fkey foreign key (edited_for) references users (id) not valid;
grant update (approved_at, submitted_by, edited_by, submitted_for, edited_for) on posts to fanfare_user, fanfare_agent, fanfare_admin;

-- Who edited is who made the change that is recorded.
create or replace trigger audit_insert after insert on posts referencing new table as new_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');
create or replace trigger audit_update after update on posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');
create or replace trigger audit_delete after delete on posts referencing old table as old_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at,edited_by,edited_for}');

-- What the entered customer asks for. A definer's, since not every key may read the customer.
create function tenancy.approval(out required boolean, out approver_role text, out self_approval boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
    select c.approval_required, c.approver_role, c.self_approval into required, approver_role, self_approval
    from public.customers c where c.id = tenancy.customer_id();
end
$$;
revoke execute on function tenancy.approval() from public;
grant execute on function tenancy.approval() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
alter function tenancy.approval() owner to fanfare_definer;

-- How posts are approved is for those to change who may approve as it is; else whoever may not would let themselves.
create or replace function tenancy.guard_customer() returns trigger
language plpgsql as $$
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

-- Who made the key or token that acts, or the key that made the token; NULL where a person acts. A definer's, since keys do
-- not read keys.
create function tenancy.acts_for() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return coalesce(
        (select t.created_by from public.agent_tokens t where t.customer_id = tenancy.customer_id() and t.id = tenancy.token_id()),
        (select k.created_by from public.api_keys k where k.customer_id = tenancy.customer_id() and k.id = tenancy.key_id()));
end
$$;
revoke execute on function tenancy.acts_for() from public;
grant execute on function tenancy.acts_for() to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.acts_for() owner to fanfare_definer;

-- Whether the caller may approve in the entered customer. Keys and agents never may: somebody is to look.
create function tenancy.may_approve() returns boolean
language plpgsql stable as $$
begin
    return coalesce(current_user <> 'fanfare_agent'
        and (tenancy.has_system_role('manager') or tenancy.has_role((select a.approver_role from tenancy.approval() a))), false);
end
$$;
grant execute on function tenancy.may_approve() to fanfare_user, fanfare_agent, fanfare_admin;

create or replace function tenancy.guard_post() returns trigger
language plpgsql as $$
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

-- A post says something else now: nobody has approved that. What is approved is a draft again. Where approval is needed,
-- it is taken back until it is approved again, and so is what waits for its time; its time stays.
create function tenancy.content_changed(p_customer_id uuid, p_post_id uuid) returns void
language plpgsql as $$
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
grant execute on function tenancy.content_changed(uuid, uuid) to fanfare_user, fanfare_agent, fanfare_admin;

-- Posts show something else now, though their own rows are as they were. Each has a new version, since its ETag covers what
-- it shows: whoever approves names the one that they have seen, and whoever does so at this moment holds the row.
create function tenancy.shown_changed(p_customer_id uuid, p_post_ids uuid[]) returns void
language plpgsql as $$
declare
    v_id uuid;
begin
    for v_id in select distinct i from unnest(p_post_ids) i order by i loop
        update public.posts p set scheduled_at = p.scheduled_at where p.customer_id = p_customer_id and p.id = v_id;
        perform tenancy.content_changed(p_customer_id, v_id);
    end loop;
end
$$;
grant execute on function tenancy.shown_changed(uuid, uuid[]) to fanfare_user, fanfare_agent, fanfare_admin;

create function tenancy.follow_post_content() returns trigger
language plpgsql as $$
begin
    perform tenancy.content_changed(new.customer_id, new.id);
    return null;
end
$$;
create trigger posts_follow_content after update on posts for each row
    when ((old.title, old.text) is distinct from (new.title, new.text)) execute function tenancy.follow_post_content();

create function tenancy.follow_platform_post_content() returns trigger
language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        perform tenancy.content_changed(old.customer_id, old.post_id);
    else
        perform tenancy.content_changed(new.customer_id, new.post_id);
    end if;
    return null;
end
$$;
-- An account more, or less, is something else, too. What functions copy or erase is no change of what somebody wrote.
create trigger platform_posts_follow_account after insert or delete on platform_posts for each row
    when (current_user <> 'fanfare_definer') execute function tenancy.follow_platform_post_content();
create trigger platform_posts_follow_content after update on platform_posts for each row
    when ((old.text, old.options, old.own_media) is distinct from (new.text, new.options, new.own_media))
    execute function tenancy.follow_platform_post_content();

-- Once for each post, however many files change. Nothing is approved by whoever erases.
create function tenancy.follow_media_content() returns trigger
language plpgsql as $$
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
create trigger post_media_follow_insert after insert on post_media
    referencing new table as changed for each statement execute function tenancy.follow_media_content();
create trigger post_media_follow_delete after delete on post_media
    referencing old table as changed for each statement execute function tenancy.follow_media_content();
create trigger platform_post_media_follow_insert after insert on platform_post_media
    referencing new table as changed for each statement execute function tenancy.follow_media_content();
create trigger platform_post_media_follow_delete after delete on platform_post_media
    referencing old table as changed for each statement execute function tenancy.follow_media_content();

-- The posts of a customer that show a file.
create function tenancy.posts_with_media(p_customer_id uuid, p_media_id uuid) returns table (post_id uuid)
language plpgsql stable as $$
begin
    return query
    select m.post_id from public.post_media m where m.customer_id = p_customer_id and m.media_id = p_media_id
    union
    select pp.post_id
    from public.platform_post_media m join public.platform_posts pp on pp.customer_id = m.customer_id and pp.id = m.platform_post_id
    where m.customer_id = p_customer_id and m.media_id = p_media_id;
end
$$;
grant execute on function tenancy.posts_with_media(uuid, uuid) to fanfare_user, fanfare_agent, fanfare_admin;

-- Platform posts that are being published, or of which nobody knows whether readers have them: what they show stays. What
-- was never sent, because its account was not connected, is not among them.
create function tenancy.is_settling(state text, problem_class text, external_id text) returns boolean
language sql immutable parallel safe
return state = 'publishing' or (state = 'needs_attention' and (problem_class is distinct from 'credential' or external_id is not null));
grant execute on function tenancy.is_settling(text, text, text) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- A file's description is what the post says to those who cannot see it. It can be changed until everything is out, but not
-- while what shows it is being published.
create function tenancy.follow_alt_text() returns trigger
language plpgsql as $$
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
create trigger media_follow_alt_text after update on media for each row
    when (old.alt_text is distinct from new.alt_text) execute function tenancy.follow_alt_text();

-- What was said about a post on its way to being published. Rows are never changed.
create table post_reviews (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    post_id uuid not null,
    -- the version of the post that it is about
    post_version bigint not null,
    verdict text not null,
    comment text not null default '',
    created_by uuid default tenancy.user_id(),
    created_at timestamptz not null default now(),
    constraint post_reviews_pkey primary key (customer_id, id),
    constraint post_reviews_post_fkey foreign key (customer_id, post_id) references posts (customer_id, id),
    constraint post_reviews_created_by_fkey foreign key (created_by) references users (id),
    constraint post_reviews_verdict_known check (verdict in ('submitted', 'approved', 'rejected', 'withdrawn', 'comment')),
    constraint post_reviews_comment_length check (char_length(comment) <= 5000),
    constraint post_reviews_says_something check (verdict not in ('rejected', 'comment') or comment <> '')
);

-- What is said is said of the post as it is, and a decision is the one that was made.
create function tenancy.guard_post_review() returns trigger
language plpgsql as $$
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
create trigger post_reviews_guard before insert on post_reviews for each row execute function tenancy.guard_post_review();

create index post_reviews_by_post on post_reviews (customer_id, post_id, id);

alter table post_reviews enable row level security;
alter table post_reviews force row level security;

create policy post_reviews_tenant on post_reviews as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy post_reviews_select on post_reviews for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy post_reviews_insert on post_reviews for insert to fanfare_user
    with check ((select tenancy.has_role('member')) and (verdict not in ('approved', 'rejected') or (select tenancy.may_approve())));
create policy post_reviews_admin_insert on post_reviews for insert to fanfare_admin with check ((select tenancy.has_system_role('manager')));
create policy post_reviews_agent_select on post_reviews for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy post_reviews_agent_insert on post_reviews for insert to fanfare_agent
    with check ((select tenancy.has_permission('posts:write')) and verdict in ('submitted', 'withdrawn', 'comment'));
grant select, insert (id, post_id, post_version, verdict, comment) on post_reviews to fanfare_user, fanfare_agent, fanfare_admin;
grant select on post_reviews to fanfare_worker;
create policy post_reviews_erase on post_reviews for delete to fanfare_definer using (true);
create policy post_reviews_erase_select on post_reviews for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on post_reviews to fanfare_definer;
select tenancy.audit_table('post_reviews', 'post_review', 'id', '{}', '{}');

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
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;

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
    p.approved_at, p.approved_by
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
        where m.customer_id = p.customer_id and m.post_id = p.id)::jsonb as media_ids
from posts p;
grant select on posts_with_platforms to fanfare_user, fanfare_admin, fanfare_agent;
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
        ('public.credential_moves', 'customer_id', 'ctid'),
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

drop table post_reviews;
drop function tenancy.guard_post_review();
drop trigger media_follow_alt_text on media;
drop function tenancy.follow_alt_text();
drop function tenancy.is_settling(text, text, text);
drop function tenancy.posts_with_media(uuid, uuid);
drop trigger platform_post_media_follow_delete on platform_post_media;
drop trigger platform_post_media_follow_insert on platform_post_media;
drop trigger post_media_follow_delete on post_media;
drop trigger post_media_follow_insert on post_media;
drop function tenancy.follow_media_content();
drop trigger platform_posts_follow_content on platform_posts;
drop trigger platform_posts_follow_account on platform_posts;
drop function tenancy.follow_platform_post_content();
drop trigger posts_follow_content on posts;
drop function tenancy.follow_post_content();
drop function tenancy.shown_changed(uuid, uuid[]);
drop function tenancy.content_changed(uuid, uuid);
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

create or replace function tenancy.guard_post() returns trigger
language plpgsql as $$
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

drop function tenancy.may_approve();
drop function tenancy.acts_for();
create or replace function tenancy.guard_customer() returns trigger
language plpgsql as $$
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
drop function tenancy.approval();
create or replace trigger audit_insert after insert on posts referencing new table as new_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
create or replace trigger audit_update after update on posts referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
create or replace trigger audit_delete after delete on posts referencing old table as old_rows
    for each statement execute function tenancy.audit_change('post', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
alter table posts drop column edited_for, drop column submitted_for, drop column edited_by, drop column submitted_by, drop column approved_by, drop column approved_at;
alter table customers drop column self_approval, drop column approver_role, drop column approval_required;
