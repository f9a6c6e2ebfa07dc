-- migrate:up

-- What is to be said, once, for a customer. The state of a post that has platform posts follows from
-- theirs (see platform_posts); either way only the transitions below exist, whoever asks.
set local row_security = off;

create table posts (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    campaign_id uuid,
    title text not null default '',
    text text not null,
    state text not null default 'draft',
    scheduled_at timestamptz,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint posts_pkey primary key (customer_id, id),
    constraint posts_customer_fkey foreign key (customer_id) references customers (id),
    constraint posts_campaign_fkey foreign key (customer_id, campaign_id) references campaigns (customer_id, id),
    constraint posts_created_by_fkey foreign key (created_by) references users (id),
    constraint posts_title_length check (char_length(title) <= 255),
    constraint posts_text_length check (char_length(text) between 1 and 100000),
    constraint posts_state_known check (state in ('draft', 'pending_approval', 'approved', 'scheduled', 'publishing',
        'published', 'partially_published', 'failed', 'needs_attention', 'cancelled')),
    -- also while publishing: an attempt that may be repeated puts the post back to scheduled
    constraint posts_scheduled_has_time check (state not in ('scheduled', 'publishing') or scheduled_at is not null)
);

create index posts_by_campaign on posts (customer_id, campaign_id, id);

-- The state machine, as a table that can be read. "entity" is post or platform_post.
create function tenancy.transition_allowed(entity text, from_state text, to_state text) returns boolean
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
grant execute on function tenancy.transition_allowed(text, text, text)
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

create function tenancy.guard_post() returns trigger
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
create trigger posts_guard before insert or update on posts for each row execute function tenancy.guard_post();
create trigger posts_touch before update on posts for each row execute function tenancy.touch();

alter table posts enable row level security;
alter table posts force row level security;

create policy posts_tenant on posts as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy posts_select on posts for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy posts_insert on posts for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy posts_update on posts for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
create policy posts_admin_insert on posts for insert to fanfare_admin with check ((select tenancy.has_system_role('manager')));
create policy posts_admin_update on posts for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));
create policy posts_worker_update on posts for update to fanfare_worker using (true) with check (true);

grant select,
    insert (id, campaign_id, title, text),
    update (campaign_id, title, text, state, scheduled_at)
    on posts to fanfare_user, fanfare_admin;
grant select, update (state) on posts to fanfare_worker;

-- migrate:down
drop table posts;
drop function tenancy.guard_post();
drop function tenancy.transition_allowed(text, text, text);
