-- migrate:up

-- One post on one connected account: its text there, its state, what the platform calls it.
set local row_security = off;

create table platform_posts (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    post_id uuid not null,
    integration_id uuid not null,
    -- NULL: the post's own text
    text text,
    state text not null default 'draft',
    -- how many attempts have been made; the running attempt's number while publishing
    attempt integer not null default 0,
    -- not before this moment, after a failure that allows another try
    retry_at timestamptz,
    -- what an adapter must not repeat after a crash: ids of drafts and uploads at the platform
    checkpoint jsonb,
    external_id text,
    external_url text,
    published_at timestamptz,
    -- why it failed or needs attention: one of the error classes, and a sentence for people
    problem_class text,
    problem text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint platform_posts_pkey primary key (customer_id, id),
    constraint platform_posts_account_key unique (customer_id, post_id, integration_id),
    constraint platform_posts_post_fkey foreign key (customer_id, post_id) references posts (customer_id, id),
    constraint platform_posts_integration_fkey foreign key (customer_id, integration_id) references integrations (customer_id, id),
    constraint platform_posts_text_length check (char_length(text) between 1 and 100000),
    constraint platform_posts_state_known check (state in ('draft', 'pending_approval', 'approved', 'scheduled', 'publishing',
        'published', 'failed', 'needs_attention', 'cancelled')),
    constraint platform_posts_problem_class_known check (problem_class in
        ('credential', 'invalid', 'rate_limited', 'payment_required', 'transient', 'unknown_outcome')),
    constraint platform_posts_problem_length check (char_length(problem) <= 2000),
    constraint platform_posts_external_id_length check (char_length(external_id) <= 500),
    constraint platform_posts_external_url_length check (char_length(external_url) <= 2000),
    -- a time that every reader of JSON can read; platforms tell it
    constraint platform_posts_published_at_sane check (published_at between '2000-01-01' and '9999-01-01'),
    constraint platform_posts_published_is_somewhere check (state <> 'published' or (external_id is not null and published_at is not null)),
    constraint platform_posts_problem_told check (state not in ('failed', 'needs_attention') or (problem is not null and problem_class is not null))
);

create index platform_posts_by_integration on platform_posts (customer_id, integration_id, id);
-- What is on its way, for the sweep that looks for posts whose job is gone.
create index platform_posts_under_way on platform_posts (customer_id, id) where state in ('scheduled', 'publishing');

-- The state of a post, given the states of its platform posts. NULL when it has none.
create function tenancy.post_state(states text[]) returns text
language sql immutable parallel safe
return case
    when coalesce(cardinality(states), 0) = 0 then null
    when 'publishing' = any (states) then 'publishing'
    when 'scheduled' = any (states) then
        case when states && array['published', 'failed', 'needs_attention'] then 'publishing' else 'scheduled' end
    when 'needs_attention' = any (states) then 'needs_attention'
    when 'published' = any (states) then
        case when states && array['failed', 'draft', 'pending_approval', 'approved'] then 'partially_published' else 'published' end
    when 'failed' = any (states) then 'failed'
    when 'draft' = any (states) then 'draft'
    when 'pending_approval' = any (states) then 'pending_approval'
    when 'approved' = any (states) then 'approved'
    else 'cancelled'
end;
grant execute on function tenancy.post_state(text[]) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

create function tenancy.guard_platform_post() returns trigger
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
create trigger platform_posts_guard before insert or update on platform_posts
    for each row execute function tenancy.guard_platform_post();
create trigger platform_posts_touch before update on platform_posts for each row execute function tenancy.touch();

-- Carries a platform post's change to its post: the state that follows, and a new version, so that the
-- post's ETag covers what is shown of its platform posts. Locks the post first, so that two workers that
-- finish two platform posts of it at once see each other.
create function tenancy.follow_platform_post() returns trigger
language plpgsql as $$
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
create trigger platform_posts_follow_insert after insert or delete on platform_posts
    for each row execute function tenancy.follow_platform_post();
create trigger platform_posts_follow_update after update on platform_posts
    for each row when ((old.state, old.text, old.external_url, old.problem) is distinct from (new.state, new.text, new.external_url, new.problem))
    execute function tenancy.follow_platform_post();

-- A post's own state may not contradict its platform posts.
create function tenancy.agree_with_platform_posts() returns trigger
language plpgsql as $$
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
create trigger posts_state_follows before update on posts
    for each row when (old.state is distinct from new.state) execute function tenancy.agree_with_platform_posts();

alter table platform_posts enable row level security;
alter table platform_posts force row level security;

create policy platform_posts_tenant on platform_posts as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy platform_posts_select on platform_posts for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy platform_posts_insert on platform_posts for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy platform_posts_update on platform_posts for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
-- What has never been on its way may be taken off the post again.
create policy platform_posts_delete on platform_posts for delete to fanfare_user
    using ((select tenancy.has_role('member')) and state in ('draft', 'pending_approval', 'approved', 'cancelled') and attempt = 0);
create policy platform_posts_admin_insert on platform_posts for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')));
create policy platform_posts_admin_update on platform_posts for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));
create policy platform_posts_admin_delete on platform_posts for delete to fanfare_admin
    using ((select tenancy.has_system_role('manager')) and state in ('draft', 'pending_approval', 'approved', 'cancelled') and attempt = 0);
create policy platform_posts_worker_update on platform_posts for update to fanfare_worker using (true) with check (true);

grant select, delete,
    insert (id, post_id, integration_id, text),
    update (text, state, retry_at, problem_class, problem)
    on platform_posts to fanfare_user, fanfare_admin;
grant select,
    update (state, attempt, retry_at, checkpoint, external_id, external_url, published_at, problem_class, problem)
    on platform_posts to fanfare_worker;

-- A post as it is shown: with its platform posts. security_invoker: the policies of whoever reads apply.
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
grant select on posts_with_platforms to fanfare_user, fanfare_admin;

-- migrate:down
drop view posts_with_platforms;
drop trigger posts_state_follows on posts;
drop table platform_posts;
drop function tenancy.agree_with_platform_posts();
drop function tenancy.follow_platform_post();
drop function tenancy.guard_platform_post();
drop function tenancy.post_state(text[]);
