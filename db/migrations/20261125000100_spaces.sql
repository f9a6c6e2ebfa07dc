-- migrate:up

-- Spaces: chats that are bound to a customer. Whoever acts in one acts as fanfare_agent and sees what belongs to that space
-- alone, by tenancy.space_id(). Keys and agent tokens may be of one space, too.
set local row_security = off;

-- The space that the caller acts in, NULL where in none. Only keys, tokens and chats ever have one.
create function tenancy.space_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('fanfare.space_id', true), '')::uuid;

-- Who speaks there: in a chat, by their id on the platform; with an agent token, 'agent:' and the name that it gives them, since
-- what a program says of who speaks makes nobody one of the people whom we hear ourselves. NULL: nobody in particular.
create function tenancy.person() returns text
language sql stable parallel safe
return nullif(current_setting('fanfare.person', true), '');

-- The same person as a row of space_people, where a chat acts for them and not a key or token.
create function tenancy.space_person_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('fanfare.space_person_id', true), '')::uuid;
grant execute on function tenancy.space_id(), tenancy.person(), tenancy.space_person_id()
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- Every permission that there is.
create or replace function tenancy.permissions_known() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish',
    'jobs:read', 'audit:read', 'tokens:mint', 'spaces:read', 'spaces:pair', 'conversations:read', 'memories:read', 'memories:write', 'credentials:write'];

-- What a member's role may hand on. System roles hand nothing on: a key of theirs would act without a reason.
create or replace function tenancy.permissions_of(p_role text) returns text[]
language sql immutable parallel safe
return case p_role
    when 'owner' then tenancy.permissions_known()
    when 'admin' then tenancy.permissions_known()
    when 'member' then array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish', 'jobs:read',
        'spaces:read', 'memories:read', 'memories:write', 'credentials:write']
    when 'viewer' then array['customer:read', 'campaigns:read', 'posts:read', 'jobs:read', 'spaces:read']
    else array[]::text[]
end;

-- What people in a chat may be allowed at most.
create function tenancy.chat_permissions() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'posts:read', 'posts:write', 'posts:publish', 'spaces:read', 'memories:read', 'memories:write', 'credentials:write'];
grant execute on function tenancy.chat_permissions() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

create table spaces (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    -- the platform's id of the bot whose chat it is
    bot text not null,
    -- Slack's id of the workspace; '' elsewhere
    team text not null default '',
    -- as the platform says, never guessed from an id
    kind text not null,
    external_id text not null,
    title text not null default '',
    -- what people in the chat may do who are nobody in Fanfare, as far as whoever paired it may do it at that moment
    permissions text[] not null,
    -- in whose name they do it
    paired_by uuid not null,
    -- since when nothing can be said there, because somebody blocked the bot; it comes back by itself
    unreachable_at timestamptz,
    -- since when somebody with a code of another customer wants the chat there
    move_requested_at timestamptz,
    -- the chat is the customer's no more; what was said in it stays
    ended_at timestamptz,
    ended_because text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint spaces_pkey primary key (customer_id, id),
    constraint spaces_customer_fkey foreign key (customer_id) references customers (id),
    constraint spaces_paired_by_fkey foreign key (paired_by) references users (id),
    constraint spaces_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint spaces_kind_known check (kind in ('user', 'group')),
    constraint spaces_bot_length check (char_length(bot) between 1 and 100),
    constraint spaces_team_length check (char_length(team) <= 100),
    constraint spaces_external_id_length check (char_length(external_id) between 1 and 200),
    constraint spaces_title_length check (char_length(title) <= 300),
    constraint spaces_permissions_known check (permissions <@ tenancy.chat_permissions() and cardinality(permissions) between 1 and 50),
    constraint spaces_ended_known check (ended_because in ('released', 'removed', 'gone')),
    constraint spaces_end_whole check ((ended_at is null) = (ended_because is null))
);
-- A chat belongs to one customer at a time. Only the worker makes spaces, so nobody learns from it who has which chat.
create unique index spaces_by_chat on spaces (platform, bot, team, kind, external_id) where ended_at is null;

create trigger spaces_touch before update on spaces for each row execute function tenancy.touch();

-- What has ended stays so.
create function tenancy.guard_space() returns trigger
language plpgsql as $$
begin
    if old.ended_at is not null then
        raise check_violation using message = 'the space has ended', constraint = 'spaces_ended', table = 'spaces', schema = 'public';
    elsif new.ended_at is not null then
        new.ended_at := now();
        if current_user in ('fanfare_user', 'fanfare_admin') then
            new.ended_because := 'released';
        end if;
    end if;
    return new;
end
$$;
create trigger spaces_guard before update on spaces for each row execute function tenancy.guard_space();

alter table spaces enable row level security;
alter table spaces force row level security;
create policy spaces_tenant on spaces as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy spaces_select on spaces for select to fanfare_user, fanfare_admin using (true);
create policy spaces_update on spaces for update to fanfare_user
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.has_role('admin')) or ended_at is not null);
create policy spaces_admin_update on spaces for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy spaces_agent_select on spaces for select to fanfare_agent
    using ((select tenancy.has_permission('spaces:read')) and ((select tenancy.space_id()) is null or id = (select tenancy.space_id())));
create policy spaces_worker on spaces to fanfare_worker using (true) with check (true);
grant select, update (title, permissions, ended_at, ended_because) on spaces to fanfare_user, fanfare_admin;
grant select on spaces to fanfare_agent;
grant select, insert (id, platform, bot, team, kind, external_id, title, permissions, paired_by),
    update (external_id, title, unreachable_at, move_requested_at, ended_at, ended_because) on spaces to fanfare_worker;
create policy spaces_definer on spaces for select to fanfare_definer using (true);
create policy spaces_erase on spaces for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, platform, bot, team, kind, external_id, permissions, paired_by, ended_at), delete on spaces to fanfare_definer;
select tenancy.audit_table('spaces', 'space', 'id', '{}', '{unreachable_at}');

-- The people of a space, as the platform told of them.
create table space_people (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    space_id uuid not null,
    external_id text not null,
    name text not null default '',
    username text not null default '',
    joined_at timestamptz not null default now(),
    left_at timestamptz,
    -- what they were asked, and their next words are an answer to
    asked jsonb,
    constraint space_people_pkey primary key (customer_id, id),
    constraint space_people_person_key unique (customer_id, space_id, external_id),
    constraint space_people_customer_fkey foreign key (customer_id) references customers (id),
    constraint space_people_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint space_people_external_id_length check (char_length(external_id) between 1 and 200),
    -- so begin those of agent tokens
    constraint space_people_of_platform check (external_id not like 'agent:%'),
    constraint space_people_name_length check (char_length(name) <= 300),
    constraint space_people_username_length check (char_length(username) <= 300),
    constraint space_people_asked_size check (octet_length(asked::text) <= 10000)
);
alter table space_people enable row level security;
alter table space_people force row level security;
create policy space_people_tenant on space_people as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy space_people_select on space_people for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy space_people_agent_select on space_people for select to fanfare_agent
    using ((select tenancy.has_permission('spaces:read')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
create policy space_people_worker on space_people to fanfare_worker using (true) with check (true);
grant select on space_people to fanfare_user, fanfare_agent, fanfare_admin;
grant select, insert (id, space_id, external_id, name, username), update (name, username, joined_at, left_at, asked) on space_people to fanfare_worker;
create policy space_people_definer on space_people for select to fanfare_definer using (true);
create policy space_people_erase on space_people for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, space_id, external_id, left_at), delete on space_people to fanfare_definer;
select tenancy.audit_table('space_people', 'space_person', 'id', '{}', '{name,username,asked}');

-- Which member somebody in the chats of a bot is, in one customer: whoever paired a chat as their own. What they do in its chats
-- they do with their own rights. Another bot has not heard them: whoever runs it could say that it has.
create table chat_identities (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    bot text not null,
    team text not null default '',
    external_id text not null,
    user_id uuid not null,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint chat_identities_pkey primary key (customer_id, id),
    constraint chat_identities_person_key unique (customer_id, platform, bot, team, external_id),
    constraint chat_identities_customer_fkey foreign key (customer_id) references customers (id),
    constraint chat_identities_member_fkey foreign key (customer_id, user_id) references memberships (customer_id, user_id) on delete cascade,
    constraint chat_identities_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint chat_identities_bot_length check (char_length(bot) between 1 and 100),
    constraint chat_identities_external_id_length check (char_length(external_id) between 1 and 200),
    constraint chat_identities_of_platform check (external_id not like 'agent:%')
);
create index chat_identities_by_user on chat_identities (customer_id, user_id);
create trigger chat_identities_touch before update on chat_identities for each row execute function tenancy.touch();
alter table chat_identities enable row level security;
alter table chat_identities force row level security;
create policy chat_identities_tenant on chat_identities as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy chat_identities_select on chat_identities for select to fanfare_user, fanfare_admin
    using ((select tenancy.reads_as_admin()) or user_id = (select tenancy.user_id()));
-- Anybody takes back that a chat is theirs, and admins for them.
create policy chat_identities_delete on chat_identities for delete to fanfare_user
    using ((select tenancy.reads_as_admin()) or user_id = (select tenancy.user_id()));
create policy chat_identities_admin_delete on chat_identities for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
create policy chat_identities_worker on chat_identities to fanfare_worker using (true) with check (true);
grant select, delete on chat_identities to fanfare_user, fanfare_admin;
grant select, insert (id, platform, bot, team, external_id, user_id), update (user_id) on chat_identities to fanfare_worker;
create policy chat_identities_definer on chat_identities for select to fanfare_definer using (true);
create policy chat_identities_erase on chat_identities for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, platform, bot, team, external_id, user_id), delete on chat_identities to fanfare_definer;
select tenancy.audit_table('chat_identities', 'chat_identity', 'id', '{}', '{}');

-- Keys and tokens of one space. not valid: the columns are new and empty, and the owner, whom the policies hold off, could not look.
alter table api_keys
    add column space_id uuid,
    add constraint api_keys_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id) not valid;
alter table agent_tokens
    add column space_id uuid default tenancy.space_id(),
    -- who speaks, as the program calls them
    add column person text,
    add constraint agent_tokens_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id) not valid,
    add constraint agent_tokens_person_length check (char_length(person) between 1 and 100) not valid,
    add constraint agent_tokens_person_in_space check (person is null or space_id is not null) not valid;
grant insert (space_id) on api_keys to fanfare_user;
grant select (space_id) on api_keys to fanfare_user, fanfare_admin, fanfare_worker;
grant insert (space_id, person) on agent_tokens to fanfare_user, fanfare_agent;

-- A key of a space makes tokens of that space alone.
alter policy agent_tokens_agent_insert on agent_tokens
    with check ((select tenancy.has_permission('tokens:mint')) and (select tenancy.token_id()) is null
        and permissions <@ (select tenancy.permissions())::text[]
        and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));

-- What was made in a space belongs to it.
alter table posts
    add column space_id uuid default tenancy.space_id(),
    add constraint posts_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id) not valid;
alter table media
    add column space_id uuid default tenancy.space_id(),
    add constraint media_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id) not valid;
-- in which chat, or with what of which space, it was said
alter table post_reviews
    add column space_id uuid default tenancy.space_id(),
    add constraint post_reviews_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id) not valid;

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
    (select tenancy.time_zone()) as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.detached_at, p.space_id
from posts p;

-- What keys, tokens and chats of a space see and do, table by table: what belongs to the space. What belongs to the whole
-- customer they read, and do not change.
alter policy posts_agent_select on posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
alter policy posts_agent_update on posts
    using (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())))
    with check (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
-- Beside the default, which nobody overrules.
alter policy posts_agent_insert on posts
    with check ((select tenancy.has_permission('posts:write')) and space_id is not distinct from (select tenancy.space_id()));
alter policy media_agent_insert on media
    with check ((select tenancy.has_permission('posts:write')) and space_id is not distinct from (select tenancy.space_id()));
alter policy media_agent_select on media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
alter policy media_agent_update on media
    using ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())))
    with check ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
alter policy media_agent_delete on media
    using ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
alter policy platform_posts_agent_select on platform_posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = platform_posts.customer_id and s.id = platform_posts.post_id)));
alter policy platform_posts_agent_insert on platform_posts
    with check ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = platform_posts.customer_id and s.id = platform_posts.post_id)));
alter policy platform_posts_agent_update on platform_posts
    using (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = platform_posts.customer_id and s.id = platform_posts.post_id)))
    with check (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = platform_posts.customer_id and s.id = platform_posts.post_id)));
alter policy platform_posts_agent_delete on platform_posts
    using (((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'cancelled')) and (attempt = 0)) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = platform_posts.customer_id and s.id = platform_posts.post_id)));
alter policy post_media_agent_select on post_media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = post_media.customer_id and s.id = post_media.post_id)));
alter policy post_media_agent_insert on post_media
    with check ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = post_media.customer_id and s.id = post_media.post_id)));
alter policy post_media_agent_delete on post_media
    using ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = post_media.customer_id and s.id = post_media.post_id)));
alter policy post_reviews_agent_select on post_reviews
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = post_reviews.customer_id and s.id = post_reviews.post_id)));
alter policy recurring_posts_agent_select on recurring_posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = recurring_posts.customer_id and s.id = recurring_posts.post_id)));
alter policy recurring_posts_agent_insert on recurring_posts
    with check ((select tenancy.has_permission('posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = recurring_posts.customer_id and s.id = recurring_posts.post_id)));
alter policy recurring_posts_agent_update on recurring_posts
    using ((select tenancy.has_permission('posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = recurring_posts.customer_id and s.id = recurring_posts.post_id)))
    with check ((select tenancy.has_permission('posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = recurring_posts.customer_id and s.id = recurring_posts.post_id)));
alter policy recurring_posts_agent_delete on recurring_posts
    using ((select tenancy.has_permission('posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = recurring_posts.customer_id and s.id = recurring_posts.post_id)));
alter policy platform_post_media_agent_select on platform_post_media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = platform_post_media.customer_id and s.id = platform_post_media.platform_post_id)));
alter policy platform_post_media_agent_insert on platform_post_media
    with check ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = platform_post_media.customer_id and s.id = platform_post_media.platform_post_id)));
alter policy platform_post_media_agent_delete on platform_post_media
    using ((select tenancy.has_permission('posts:write')) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = platform_post_media.customer_id and s.id = platform_post_media.platform_post_id)));
alter policy publish_attempts_agent_select on publish_attempts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = publish_attempts.customer_id and s.id = publish_attempts.platform_post_id)));
alter policy post_metrics_agent_select on post_metrics
    using ((select tenancy.has_permission('posts:read')) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = post_metrics.customer_id and s.id = post_metrics.platform_post_id)));
alter policy river_job_agent_select on river.river_job
    using ((select tenancy.has_any_permission('jobs:read', 'posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = river_job.customer_id and s.id = (river_job.args ->> 'post_id')::uuid)));
alter policy river_job_agent_insert on river.river_job
    with check (((select tenancy.has_permission('posts:publish')) and (kind = 'publish') and (state in ('available', 'scheduled')) and (attempt = 0)) and ((select tenancy.space_id()) is null or exists (select from public.platform_posts s where s.customer_id = river_job.customer_id and s.id = (river_job.args ->> 'platform_post_id')::uuid and s.post_id = (river_job.args ->> 'post_id')::uuid)));
alter policy river_job_agent_update on river.river_job
    using ((select tenancy.has_permission('posts:publish')) and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = river_job.customer_id and s.id = (river_job.args ->> 'post_id')::uuid)));
alter policy campaigns_agent_insert on campaigns
    with check ((select tenancy.has_permission('campaigns:write')) and (select tenancy.space_id()) is null);
alter policy campaigns_agent_update on campaigns
    using ((select tenancy.has_permission('campaigns:write')) and (select tenancy.space_id()) is null)
    with check ((select tenancy.has_permission('campaigns:write')) and (select tenancy.space_id()) is null);
alter policy campaigns_agent_delete on campaigns
    using ((select tenancy.has_permission('campaigns:write')) and (select tenancy.space_id()) is null);
alter policy email_templates_agent_insert on email_templates
    with check ((select tenancy.has_permission('posts:write')) and (select tenancy.space_id()) is null);
alter policy email_templates_agent_update on email_templates
    using ((select tenancy.has_permission('posts:write')) and (select tenancy.space_id()) is null)
    with check ((select tenancy.has_permission('posts:write')) and (select tenancy.space_id()) is null);
alter policy email_templates_agent_delete on email_templates
    using ((select tenancy.has_permission('posts:write')) and (select tenancy.space_id()) is null);
alter policy queue_slots_agent_insert on queue_slots
    with check ((select tenancy.has_permission('posts:publish')) and (select tenancy.space_id()) is null);
alter policy queue_slots_agent_delete on queue_slots
    using ((select tenancy.has_permission('posts:publish')) and (select tenancy.space_id()) is null);
-- Whoever may approve may do so in a chat that is known to be theirs.
alter policy post_reviews_agent_insert on post_reviews
    with check (((select tenancy.has_permission('posts:write')) and verdict in ('submitted', 'withdrawn', 'comment')
            or (select tenancy.may_approve()) and verdict in ('approved', 'rejected'))
        and ((select tenancy.space_id()) is null or exists (select from public.posts s where s.customer_id = post_reviews.customer_id and s.id = post_reviews.post_id)));

-- Whether a file of the space that is entered is shown by a post that is not the space's.
create function tenancy.media_shown_elsewhere(p_media_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_space uuid := tenancy.space_id();
begin
    return exists (
        select from public.post_media m
            join public.media f on f.customer_id = m.customer_id and f.id = m.media_id and f.space_id = v_space
            join public.posts p on p.customer_id = m.customer_id and p.id = m.post_id
        where m.customer_id = v_customer and m.media_id = p_media_id and p.space_id is distinct from v_space)
        or exists (
        select from public.platform_post_media m
            join public.media f on f.customer_id = m.customer_id and f.id = m.media_id and f.space_id = v_space
            join public.platform_posts pp on pp.customer_id = m.customer_id and pp.id = m.platform_post_id
            join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where m.customer_id = v_customer and m.media_id = p_media_id and p.space_id is distinct from v_space);
end
$$;
revoke execute on function tenancy.media_shown_elsewhere(uuid) from public;
grant execute on function tenancy.media_shown_elsewhere(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
grant select (space_id) on posts to fanfare_definer;
grant select (space_id) on media to fanfare_definer;
alter function tenancy.media_shown_elsewhere(uuid) owner to fanfare_definer;

-- A file of a space stays as it is while posts show it that are not the space's: it does not see them, nor that they are
-- approved or on their way.
create function tenancy.guard_media_of_space() returns trigger
language plpgsql as $$
begin
    if tenancy.space_id() is not null and tenancy.media_shown_elsewhere(new.id) then
        if new.state <> old.state then
            raise foreign_key_violation using message = 'a post shows the file', constraint = 'media_in_use', table = 'media', schema = 'public';
        end if;
        raise insufficient_privilege using message = 'permission denied: a post that is not of this space shows the file';
    end if;
    return new;
end
$$;
create trigger media_guard_space before update on media for each row
    when (current_user = 'fanfare_agent' and (old.alt_text is distinct from new.alt_text or new.state = 'deleting'))
    execute function tenancy.guard_media_of_space();

-- As before, and in a space a file that the caller does not see is none: the foreign key would find it.
create or replace function tenancy.guard_shown_media() returns trigger
language plpgsql as $$
declare
    v_state text;
begin
    select m.state into v_state from public.media m where m.customer_id = new.customer_id and m.id = new.media_id for share;
    if v_state <> 'ready' or (v_state is null and tenancy.space_id() is not null) then
        raise foreign_key_violation using message = 'there is no such file',
            constraint = tg_table_name || '_media_fkey', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;

-- As before, and answers that are kept for repetitions are those of one space.
create or replace function tenancy.rights() returns text
language sql stable parallel safe
return coalesce(tenancy.member_role(), 'system ' || tenancy.system_role(), nullif(array_to_string(tenancy.permissions(), ' '), '') || coalesce(' in ' || tenancy.space_id(), ''), '');

-- The times at which posts of the entered customer go out, for whoever may see posts. Which posts those are is told only
-- where the caller sees them.
create function tenancy.queue_taken(p_limit integer) returns table (id uuid, title text, state text, scheduled_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_space uuid := tenancy.space_id();
begin
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        if not tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish') then
            raise insufficient_privilege using message = 'permission denied: the key does not allow reading posts';
        end if;
    end if;
    return query
    select case when v_space is null or p.space_id = v_space then p.id end, case when v_space is null or p.space_id = v_space then p.title end,
        case when v_space is null or p.space_id = v_space then p.state end, p.scheduled_at
    from public.posts p
    where p.customer_id = tenancy.customer_id() and p.scheduled_at > now() and p.state in ('pending_approval', 'approved', 'scheduled')
    order by p.scheduled_at, p.id
    limit p_limit;
end
$$;
revoke execute on function tenancy.queue_taken(integer) from public;
grant execute on function tenancy.queue_taken(integer) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.queue_taken(integer) owner to fanfare_definer;

-- As before, and a chat is whoever speaks in it.
create or replace function tenancy.actor_id() returns uuid
language sql stable parallel safe
return coalesce(tenancy.token_id(), tenancy.key_id(), tenancy.user_id(), tenancy.space_person_id());

create or replace function tenancy.audit_context(p_action text, p_resource_type text) returns public.audit_log
language plpgsql stable as $$
declare
    r public.audit_log;
    v_request jsonb;
    v_key uuid;
    v_token uuid;
begin
    r.action := p_action;
    r.resource_type := p_resource_type;
    if session_user = 'fanfare_worker' then
        r.actor_kind := 'worker';
    elsif session_user = 'fanfare_login' then
        v_key := nullif(current_setting('fanfare.key_id', true), '')::uuid;
        v_token := nullif(current_setting('fanfare.token_id', true), '')::uuid;
        r.actor_id := tenancy.actor_id();
        -- somebody in a chat who is no member acts as an agent does
        r.actor_kind := case when v_token is not null then 'agent' when v_key is not null then 'key'
            when tenancy.user_id() is not null then 'user' when r.actor_id is not null then 'agent' else 'nobody' end;
        r.system_role := tenancy.system_role();
    else
        r.actor_kind := 'database';
        r.database_role := session_user;
        return r;
    end if;
    v_request := nullif(current_setting('fanfare.request', true), '')::jsonb;
    if v_request is not null then
        r.request_id := v_request ->> 'id';
        r.ip := v_request ->> 'ip';
        r.user_agent := v_request ->> 'user_agent';
        r.operation := v_request ->> 'operation';
        if r.system_role is not null then -- what a member says beside their own rights would only mislead
            r.reason := v_request ->> 'reason';
        end if;
        r.job_id := v_request ->> 'job';
    end if;
    return r;
end
$$;

-- Whether the caller may approve in the entered customer. Keys and agents never may: somebody is to look. In a chat that is
-- known to be theirs, people may.
create or replace function tenancy.may_approve() returns boolean
language plpgsql stable as $$
declare
    v_role text := (select a.approver_role from tenancy.approval() a);
begin
    if current_user = 'fanfare_agent' then
        return coalesce(tenancy.user_id() is not null and tenancy.has_permission('posts:publish')
            and array_position(array['viewer', 'member', 'admin', 'owner'], nullif(current_setting('fanfare.chat_role', true), ''))
                >= array_position(array['viewer', 'member', 'admin', 'owner'], v_role), false);
    end if;
    return coalesce(tenancy.has_system_role('manager') or tenancy.has_role(v_role), false);
end
$$;

-- As before, and a space reads no log: it tells of the whole customer.
create or replace function tenancy.reads_audit() returns boolean
language plpgsql stable parallel safe as $$
declare
    v_allowed boolean := false;
begin
    if current_user = 'fanfare_user' then
        v_allowed := tenancy.member_role() in ('owner', 'admin');
    elsif current_user = 'fanfare_admin' then
        v_allowed := tenancy.system_role() is not null;
    elsif current_user = 'fanfare_agent' then
        v_allowed := tenancy.has_permission('audit:read') and tenancy.space_id() is null;
    elsif current_user = 'fanfare_worker' then
        v_allowed := true;
    end if;
    if v_allowed is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow reading the audit log';
    end if;
    return true;
end
$$;

-- Refuses a limit that is none: a number below one would be a charge that gives back what others have used.
create function tenancy.check_limit(p_quota integer, p_window integer) returns void
language plpgsql immutable as $$
begin
    if (p_quota between 1 and 1000000 and p_window between 1 and 86400) is not true then
        raise invalid_parameter_value using message = 'a limit is of 1 to 1000000 requests in 1 to 86400 seconds';
    end if;
end
$$;
revoke execute on function tenancy.check_limit(integer, integer) from public;
grant execute on function tenancy.check_limit(integer, integer) to fanfare_definer;

-- Charges one request that costs the installation something to the person behind it, over all their customers: to whoever acts, or
-- who made the key or the agent token, or who paired the chat. The customers that somebody makes do not multiply what they get.
create function tenancy.charge_person(p_endpoint text, p_quota integer, p_window integer) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_person uuid := coalesce(tenancy.user_id(), tenancy.acts_for());
begin
    if v_person is null then
        raise insufficient_privilege using message = 'permission denied: nobody stands behind the request';
    end if;
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(null, 'user:' || v_person, p_endpoint, p_quota, p_window);
end
$$;
revoke execute on function tenancy.charge_person(text, integer, integer) from public;
grant execute on function tenancy.charge_person(text, integer, integer) to fanfare_login;
alter function tenancy.charge_person(text, integer, integer) owner to fanfare_definer;

grant execute on function tenancy.actor_id() to fanfare_login;
set local role fanfare_definer;
-- As before, and of somebody in a chat who is no member: whoever paired it.
create or replace function tenancy.acts_for() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return coalesce(
        (select t.created_by from public.agent_tokens t where t.customer_id = tenancy.customer_id() and t.id = tenancy.token_id()),
        (select k.created_by from public.api_keys k where k.customer_id = tenancy.customer_id() and k.id = tenancy.key_id()),
        (select s.paired_by from public.spaces s
        where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and tenancy.space_person_id() is not null and tenancy.user_id() is null));
end
$$;

create or replace function tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean default false) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := nullif(current_setting('fanfare.customer_id', true), '');
    v_caller text := coalesce('key:' || nullif(current_setting('fanfare.key_id', true), ''), -- also for its tokens
        'token:' || nullif(current_setting('fanfare.token_id', true), ''), 'user:' || nullif(current_setting('fanfare.user_id', true), ''),
        'person:' || nullif(current_setting('fanfare.space_person_id', true), ''));
begin
    if v_caller is null then
        raise insufficient_privilege using message = 'permission denied: nobody has been entered';
    end if;
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(case when p_own then null else v_customer end, v_caller, p_endpoint, p_quota, p_window);
end
$$;

create or replace function tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) returns text
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.check_limit(p_quota, p_window);
    return tenancy.charge(null, 'address:' || p_address, p_endpoint, p_quota, p_window);
end
$$;

create or replace function tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid;
    v_member text;
    v_system text;
    v_archived boolean;
    v_ids text;
    v_set text;
begin
    v_set := set_config('fanfare.erasing', '', true);
    -- Nothing may be left of an earlier user of this connection. A leftover ends the connection's use.
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.user_id', true), '') is not null
        or nullif(current_setting('fanfare.key_id', true), '') is not null
        or nullif(current_setting('fanfare.token_id', true), '') is not null
        or nullif(current_setting('fanfare.customer_id', true), '') is not null
    then
        raise insufficient_privilege using message = 'permission denied: the connection still holds an earlier tenant';
    end if;
    if p_customer_id is not null then
        -- A member acts as a member even with a system role, so that one is looked up for others only.
        select u.id, m.role, c.archived_at is not null
        into v_user, v_member, v_archived
        from public.users u
            join public.memberships m on m.customer_id = p_customer_id and m.user_id = u.id
            join public.customers c on c.id = m.customer_id
        where u.subject = p_subject;
        if v_user is null then
            select u.id, s.role into v_user, v_system
            from public.users u left join public.system_roles s on s.user_id = u.id
            where u.subject = p_subject;
            select c.archived_at is not null into v_archived from public.customers c where c.id = p_customer_id;
        end if;
        v_ids := '{' || p_customer_id::text || '}';
    else
        select u.id, s.role,
            (select coalesce(array_agg(m.customer_id), '{}')::text from public.memberships m where m.user_id = u.id)
        into v_user, v_system, v_ids
        from public.users u
            left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    end if;
    if v_user is null then
        raise exception using errcode = 'FF001', message = 'unknown user';
    end if;
    -- v_archived is NULL where there is no such row: not there and not yours are the same.
    if p_customer_id is not null and (v_archived is null or (v_member is null and v_system is null)) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    -- Every setting is set, also those that do not apply: whatever a session has set for itself is overruled.
    v_set := set_config('fanfare.user_id', v_user::text, true);
    v_set := set_config('fanfare.customer_id', coalesce(p_customer_id::text, ''), true);
    v_set := set_config('fanfare.customer_ids', v_ids, true);
    v_set := set_config('fanfare.archived', case when v_archived then 'on' else '' end, true);
    v_set := set_config('fanfare.member_role', coalesce(v_member, ''), true);
    v_set := set_config('fanfare.system_role', coalesce(v_system, ''), true);
    v_set := set_config('fanfare.key_id', '', true);
    v_set := set_config('fanfare.token_id', '', true);
    v_set := set_config('fanfare.permissions', '', true);
    v_set := set_config('fanfare.space_id', '', true);
    v_set := set_config('fanfare.person', '', true);
    v_set := set_config('fanfare.space_person_id', '', true);
    v_set := set_config('fanfare.chat_role', '', true);
    v_set := set_config('fanfare.request', p_request, true);
    -- Every use of a system role is recorded, reading included.
    if v_system is not null and not pg_catalog.pg_is_in_recovery() then
        perform tenancy.audit_event(coalesce(p_customer_id, tenancy.installation_id()), 'customer.access', 'customer', p_customer_id::text, null);
    end if;
    return case when v_system is null then 'fanfare_user' else 'fanfare_admin' end;
end
$$;

create or replace function tenancy.enter_worker(p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.nothing_entered();
    if not exists (select from public.customers c where c.id = p_customer_id) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    perform set_config('fanfare.user_id', '', true),
        set_config('fanfare.customer_id', p_customer_id::text, true),
        set_config('fanfare.customer_ids', '{' || p_customer_id::text || '}', true),
        set_config('fanfare.archived', '', true),
        set_config('fanfare.member_role', '', true),
        set_config('fanfare.system_role', '', true),
        set_config('fanfare.key_id', '', true),
        set_config('fanfare.token_id', '', true),
        set_config('fanfare.permissions', '', true),
        set_config('fanfare.space_id', '', true),
        set_config('fanfare.person', '', true),
        set_config('fanfare.space_person_id', '', true),
        set_config('fanfare.chat_role', '', true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_worker';
end
$$;

create or replace function tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_key record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select k.id, k.customer_id, k.permissions, k.created_by, k.last_used_at, k.space_id, c.archived_at into v_key
    from public.api_keys k
        join public.customers c on c.id = k.customer_id
        left join public.spaces s on s.customer_id = k.customer_id and s.id = k.space_id and s.ended_at is null
    where k.key_hash = p_key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now()) and (k.space_id is null or s.id is not null);
    if found then
        v_permissions := array(select p from unnest(v_key.permissions) p
            where p = any (tenancy.permissions_of_user(v_key.customer_id, v_key.created_by)));
    end if;
    if v_key.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the key is not valid';
    end if;
    if (v_key.last_used_at is null or v_key.last_used_at < now() - interval '5 minutes') and not pg_catalog.pg_is_in_recovery() then
        update public.api_keys k set last_used_at = now()
        where (k.customer_id, k.id) in (
            select x.customer_id, x.id from public.api_keys x
            where x.customer_id = v_key.customer_id and x.id = v_key.id for no key update skip locked);
    end if;
    perform set_config('fanfare.space_id', coalesce(v_key.space_id::text, ''), true), set_config('fanfare.person', '', true),
        set_config('fanfare.space_person_id', '', true), set_config('fanfare.chat_role', '', true);
    return tenancy.enter_as_agent(v_key.id, null, v_key.customer_id, p_customer_id, v_key.archived_at is not null, v_permissions, p_needs, p_request);
end
$$;

create or replace function tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_token record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select t.id, t.api_key_id, t.customer_id, t.permissions, t.person as speaks, c.archived_at, coalesce(t.created_by, k.created_by) as person,
        case when t.api_key_id is null then t.permissions else k.permissions end as key_permissions,
        -- never wider than the key
        coalesce(k.space_id, t.space_id) as space_id
    into v_token
    from public.agent_tokens t
        join public.customers c on c.id = t.customer_id
        left join public.api_keys k on k.customer_id = t.customer_id and k.id = t.api_key_id
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
        left join public.spaces s on s.customer_id = t.customer_id and s.id = coalesce(k.space_id, t.space_id) and s.ended_at is null
    where t.customer_id = p_token_customer_id and t.id = p_token_id and t.revoked_at is null and t.expires_at > now() and (t.api_key_id is null or k.id is not null)
        and (coalesce(k.space_id, t.space_id) is null or s.id is not null);
    if found then
        v_permissions := array(select p from unnest(v_token.permissions) p
            where p = any (v_token.key_permissions)
                and p = any (tenancy.permissions_of_user(v_token.customer_id, v_token.person)));
    end if;
    if v_token.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the token is not valid';
    end if;
    perform set_config('fanfare.space_id', coalesce(v_token.space_id::text, ''), true), set_config('fanfare.person', coalesce('agent:' || v_token.speaks, ''), true),
        set_config('fanfare.space_person_id', '', true), set_config('fanfare.chat_role', '', true);
    return tenancy.enter_as_agent(v_token.api_key_id, v_token.id, v_token.customer_id, p_customer_id, v_token.archived_at is not null,
        v_permissions, p_needs, p_request);
end
$$;
reset role;

-- Enters a space as somebody who speaks in its chat, of whom the platform has told us. Whose chat it is known to be, they act
-- with their own rights as far as chats have any; others with those of the space, in the name of whoever paired it.
create function tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_permissions text[];
    v_role text;
begin
    perform tenancy.nothing_entered();
    select s.permissions, s.paired_by, p.id as person_id, c.archived_at, i.user_id into v
    from public.spaces s
        join public.customers c on c.id = s.customer_id
        join public.space_people p on p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = p_person and p.left_at is null
        left join public.chat_identities i on i.customer_id = s.customer_id and i.platform = s.platform and i.bot = s.bot and i.team = s.team and i.external_id = p_person
    where s.customer_id = p_space_customer_id and s.id = p_space_id and s.ended_at is null;
    if not found then
        raise exception using errcode = 'FF003', message = 'the chat is not of this space';
    end if;
    if v.user_id is not null then
        select m.role into v_role from public.memberships m where m.customer_id = p_space_customer_id and m.user_id = v.user_id;
        v_permissions := array(select p from unnest(tenancy.chat_permissions()) p where p = any (tenancy.permissions_of(v_role)));
    else
        v_permissions := array(select p from unnest(v.permissions) p where p = any (tenancy.permissions_of_user(p_space_customer_id, v.paired_by)));
    end if;
    if cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the chat has no rights any more';
    end if;
    perform set_config('fanfare.space_id', p_space_id::text, true), set_config('fanfare.person', p_person, true),
        set_config('fanfare.space_person_id', v.person_id::text, true), set_config('fanfare.chat_role', coalesce(v_role, ''), true);
    -- What is for people alone is for those who are known.
    perform tenancy.enter_as_agent(null, null, p_space_customer_id, p_customer_id, v.archived_at is not null, v_permissions,
        case when v.user_id is not null and coalesce(cardinality(p_needs), 0) = 0 then v_permissions else p_needs end, p_request);
    perform set_config('fanfare.user_id', coalesce(v.user_id::text, ''), true);
    return 'fanfare_agent';
end
$$;
revoke execute on function tenancy.enter_chat(uuid, uuid, text, uuid, text[], text) from public;
grant execute on function tenancy.enter_chat(uuid, uuid, text, uuid, text[], text) to fanfare_login;
grant select (permissions) on spaces to fanfare_definer;
alter function tenancy.enter_chat(uuid, uuid, text, uuid, text[], text) owner to fanfare_definer;

-- As before, and of chats: p_token_customer_id and p_token_id are the customer and the space, p_subject the person.
set local role fanfare_definer;
create or replace function tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    r public.audit_log := tenancy.audit_context('request.refuse', 'request');
    v_request jsonb := nullif(p_request, '')::jsonb;
    v_customer uuid;
begin
    if p_kind not in ('user', 'key', 'agent', 'chat', 'nobody') then
        raise invalid_parameter_value using message = 'unknown kind of caller';
    end if;
    r.actor_kind := case p_kind when 'chat' then 'agent' else p_kind end;
    if p_kind = 'user' then
        select u.id, s.role,
            case when exists (select from public.memberships m where m.customer_id = p_customer_id and m.user_id = u.id)
                or (s.role is not null and exists (select from public.customers c where c.id = p_customer_id)) then p_customer_id end
        into r.actor_id, r.system_role, v_customer
        from public.users u left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    elsif p_kind = 'key' then
        select k.id, k.customer_id into r.actor_id, v_customer from public.api_keys k where k.key_hash = p_key_hash;
    elsif p_kind = 'agent' then
        select t.id, t.customer_id into r.actor_id, v_customer from public.agent_tokens t
        where t.customer_id = p_token_customer_id and t.id = p_token_id;
    end if;
    if p_kind = 'chat' then
        select p.id, p.customer_id into r.actor_id, v_customer from public.space_people p
        where p.customer_id = p_token_customer_id and p.space_id = p_token_id and p.external_id = p_subject;
    end if;
    if p_kind in ('key', 'agent', 'chat') and v_customer is null then
        return;
    end if;
    r.request_id := v_request ->> 'id';
    r.ip := v_request ->> 'ip';
    r.user_agent := v_request ->> 'user_agent';
    r.operation := v_request ->> 'operation';
    if v_customer is not null and r.system_role is not null then
        r.reason := v_request ->> 'reason';
    end if;
    perform tenancy.audit_write(tenancy.audit_row(r, coalesce(v_customer, tenancy.installation_id()), null, jsonb_build_object('status', p_status)));
end
$$;

-- As before, and a space stops its own.
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
        and (tenancy.space_id() is null or exists (
            select from public.posts p
            where p.customer_id = j.customer_id and p.id = (j.args ->> 'post_id')::uuid and p.space_id = tenancy.space_id()))
        and j.state in ('available', 'pending', 'retryable', 'scheduled')
        -- what is at its platform already comes to its end, whatever becomes of the rest of the post
        and not exists (
            select from public.platform_posts pp
            where pp.customer_id = j.customer_id and pp.id = (j.args ->> 'platform_post_id')::uuid and pp.state = 'publishing');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;

-- As before; a copy belongs to the space of what it is a copy of.
create or replace function tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamptz) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_model uuid;
begin
    select r.post_id into v_model
    from public.recurring_posts r where r.customer_id = v_customer and r.id = p_recurrence and r.state = 'active' for no key update;
    perform from public.posts p where p.customer_id = v_customer and p.id = v_model for no key update;
    insert into public.posts (customer_id, id, campaign_id, title, text, scheduled_at, created_by,
        approved_at, approved_by, submitted_by, edited_by, submitted_for, edited_for, recurrence_id, occurrence_at, space_id)
    select v_customer, p_id, p.campaign_id, p.title, p.text, p_occurrence, p.created_by,
        p.approved_at, p.approved_by, p.submitted_by, p.edited_by, p.submitted_for, p.edited_for, p_recurrence, p_occurrence, p.space_id
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
reset role;
grant insert (space_id) on posts to fanfare_definer;

-- migrate:down
revoke insert (space_id) on posts from fanfare_definer;
set local role fanfare_definer;
create or replace function tenancy.copy_recurring_post(p_recurrence uuid, p_id uuid, p_occurrence timestamptz) returns boolean
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
        and j.state in ('available', 'pending', 'retryable', 'scheduled')
        -- what is at its platform already comes to its end, whatever becomes of the rest of the post
        and not exists (
            select from public.platform_posts pp
            where pp.customer_id = j.customer_id and pp.id = (j.args ->> 'platform_post_id')::uuid and pp.state = 'publishing');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
create or replace function tenancy.record_refusal(p_kind text, p_subject text, p_key_hash bytea, p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_status integer, p_request text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    r public.audit_log := tenancy.audit_context('request.refuse', 'request');
    v_request jsonb := nullif(p_request, '')::jsonb;
    v_customer uuid;
begin
    if p_kind not in ('user', 'key', 'agent', 'nobody') then
        raise invalid_parameter_value using message = 'unknown kind of caller';
    end if;
    r.actor_kind := p_kind;
    if p_kind = 'user' then
        select u.id, s.role,
            case when exists (select from public.memberships m where m.customer_id = p_customer_id and m.user_id = u.id)
                or (s.role is not null and exists (select from public.customers c where c.id = p_customer_id)) then p_customer_id end
        into r.actor_id, r.system_role, v_customer
        from public.users u left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    elsif p_kind = 'key' then
        select k.id, k.customer_id into r.actor_id, v_customer from public.api_keys k where k.key_hash = p_key_hash;
    elsif p_kind = 'agent' then
        select t.id, t.customer_id into r.actor_id, v_customer from public.agent_tokens t
        where t.customer_id = p_token_customer_id and t.id = p_token_id;
    end if;
    if p_kind in ('key', 'agent') and v_customer is null then
        return;
    end if;
    r.request_id := v_request ->> 'id';
    r.ip := v_request ->> 'ip';
    r.user_agent := v_request ->> 'user_agent';
    r.operation := v_request ->> 'operation';
    if v_customer is not null and r.system_role is not null then
        r.reason := v_request ->> 'reason';
    end if;
    perform tenancy.audit_write(tenancy.audit_row(r, coalesce(v_customer, tenancy.installation_id()), null, jsonb_build_object('status', p_status)));
end
$$;
reset role;
drop function tenancy.enter_chat(uuid, uuid, text, uuid, text[], text);
set local role fanfare_definer;
create or replace function tenancy.enter_token(p_token_customer_id uuid, p_token_id uuid, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_token record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select t.id, t.api_key_id, t.customer_id, t.permissions, c.archived_at, coalesce(t.created_by, k.created_by) as person,
        case when t.api_key_id is null then t.permissions else k.permissions end as key_permissions
    into v_token
    from public.agent_tokens t
        join public.customers c on c.id = t.customer_id
        left join public.api_keys k on k.customer_id = t.customer_id and k.id = t.api_key_id
            and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())
    where t.customer_id = p_token_customer_id and t.id = p_token_id and t.revoked_at is null and t.expires_at > now() and (t.api_key_id is null or k.id is not null);
    if found then
        v_permissions := array(select p from unnest(v_token.permissions) p
            where p = any (v_token.key_permissions)
                and p = any (tenancy.permissions_of_user(v_token.customer_id, v_token.person)));
    end if;
    if v_token.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the token is not valid';
    end if;
    return tenancy.enter_as_agent(v_token.api_key_id, v_token.id, v_token.customer_id, p_customer_id, v_token.archived_at is not null,
        v_permissions, p_needs, p_request);
end
$$;
create or replace function tenancy.enter_key(p_key_hash bytea, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_key record;
    v_permissions text[];
begin
    perform tenancy.nothing_entered();
    select k.id, k.customer_id, k.permissions, k.created_by, k.last_used_at, c.archived_at into v_key
    from public.api_keys k join public.customers c on c.id = k.customer_id
    where k.key_hash = p_key_hash and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
    if found then
        v_permissions := array(select p from unnest(v_key.permissions) p
            where p = any (tenancy.permissions_of_user(v_key.customer_id, v_key.created_by)));
    end if;
    if v_key.id is null or cardinality(v_permissions) = 0 then
        raise exception using errcode = 'FF003', message = 'the key is not valid';
    end if;
    if (v_key.last_used_at is null or v_key.last_used_at < now() - interval '5 minutes') and not pg_catalog.pg_is_in_recovery() then
        update public.api_keys k set last_used_at = now()
        where (k.customer_id, k.id) in (
            select x.customer_id, x.id from public.api_keys x
            where x.customer_id = v_key.customer_id and x.id = v_key.id for no key update skip locked);
    end if;
    return tenancy.enter_as_agent(v_key.id, null, v_key.customer_id, p_customer_id, v_key.archived_at is not null, v_permissions, p_needs, p_request);
end
$$;
create or replace function tenancy.enter_worker(p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.nothing_entered();
    if not exists (select from public.customers c where c.id = p_customer_id) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    perform set_config('fanfare.user_id', '', true),
        set_config('fanfare.customer_id', p_customer_id::text, true),
        set_config('fanfare.customer_ids', '{' || p_customer_id::text || '}', true),
        set_config('fanfare.archived', '', true),
        set_config('fanfare.member_role', '', true),
        set_config('fanfare.system_role', '', true),
        set_config('fanfare.key_id', '', true),
        set_config('fanfare.token_id', '', true),
        set_config('fanfare.permissions', '', true),
        set_config('fanfare.request', p_request, true);
    return 'fanfare_worker';
end
$$;
create or replace function tenancy.enter_user(p_subject text, p_customer_id uuid, p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid;
    v_member text;
    v_system text;
    v_archived boolean;
    v_ids text;
    v_set text;
begin
    v_set := set_config('fanfare.erasing', '', true);
    -- Nothing may be left of an earlier user of this connection. A leftover ends the connection's use.
    if current_setting('role') <> 'none' or nullif(current_setting('fanfare.user_id', true), '') is not null
        or nullif(current_setting('fanfare.key_id', true), '') is not null
        or nullif(current_setting('fanfare.token_id', true), '') is not null
        or nullif(current_setting('fanfare.customer_id', true), '') is not null
    then
        raise insufficient_privilege using message = 'permission denied: the connection still holds an earlier tenant';
    end if;
    if p_customer_id is not null then
        -- A member acts as a member even with a system role, so that one is looked up for others only.
        select u.id, m.role, c.archived_at is not null
        into v_user, v_member, v_archived
        from public.users u
            join public.memberships m on m.customer_id = p_customer_id and m.user_id = u.id
            join public.customers c on c.id = m.customer_id
        where u.subject = p_subject;
        if v_user is null then
            select u.id, s.role into v_user, v_system
            from public.users u left join public.system_roles s on s.user_id = u.id
            where u.subject = p_subject;
            select c.archived_at is not null into v_archived from public.customers c where c.id = p_customer_id;
        end if;
        v_ids := '{' || p_customer_id::text || '}';
    else
        select u.id, s.role,
            (select coalesce(array_agg(m.customer_id), '{}')::text from public.memberships m where m.user_id = u.id)
        into v_user, v_system, v_ids
        from public.users u
            left join public.system_roles s on s.user_id = u.id
        where u.subject = p_subject;
    end if;
    if v_user is null then
        raise exception using errcode = 'FF001', message = 'unknown user';
    end if;
    -- v_archived is NULL where there is no such row: not there and not yours are the same.
    if p_customer_id is not null and (v_archived is null or (v_member is null and v_system is null)) then
        raise exception using errcode = 'FF002', message = 'no such customer';
    end if;
    -- Every setting is set, also those that do not apply: whatever a session has set for itself is overruled.
    v_set := set_config('fanfare.user_id', v_user::text, true);
    v_set := set_config('fanfare.customer_id', coalesce(p_customer_id::text, ''), true);
    v_set := set_config('fanfare.customer_ids', v_ids, true);
    v_set := set_config('fanfare.archived', case when v_archived then 'on' else '' end, true);
    v_set := set_config('fanfare.member_role', coalesce(v_member, ''), true);
    v_set := set_config('fanfare.system_role', coalesce(v_system, ''), true);
    v_set := set_config('fanfare.key_id', '', true);
    v_set := set_config('fanfare.token_id', '', true);
    v_set := set_config('fanfare.permissions', '', true);
    v_set := set_config('fanfare.request', p_request, true);
    -- Every use of a system role is recorded, reading included.
    if v_system is not null and not pg_catalog.pg_is_in_recovery() then
        perform tenancy.audit_event(coalesce(p_customer_id, tenancy.installation_id()), 'customer.access', 'customer', p_customer_id::text, null);
    end if;
    return case when v_system is null then 'fanfare_user' else 'fanfare_admin' end;
end
$$;
create or replace function tenancy.charge_entered(p_endpoint text, p_quota integer, p_window integer, p_own boolean default false) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := nullif(current_setting('fanfare.customer_id', true), '');
    v_caller text := coalesce('key:' || nullif(current_setting('fanfare.key_id', true), ''), -- also for its tokens
        'token:' || nullif(current_setting('fanfare.token_id', true), ''), 'user:' || nullif(current_setting('fanfare.user_id', true), ''));
begin
    if v_caller is null then
        raise insufficient_privilege using message = 'permission denied: nobody has been entered';
    end if;
    return tenancy.charge(case when p_own then null else v_customer end, v_caller, p_endpoint, p_quota, p_window);
end
$$;
create or replace function tenancy.charge_address(p_address text, p_endpoint text, p_quota integer, p_window integer) returns text
language plpgsql security definer set search_path = '' as $$
begin
    return tenancy.charge(null, 'address:' || p_address, p_endpoint, p_quota, p_window);
end
$$;
create or replace function tenancy.acts_for() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return coalesce(
        (select t.created_by from public.agent_tokens t where t.customer_id = tenancy.customer_id() and t.id = tenancy.token_id()),
        (select k.created_by from public.api_keys k where k.customer_id = tenancy.customer_id() and k.id = tenancy.key_id()));
end
$$;
reset role;
revoke execute on function tenancy.actor_id() from fanfare_login;
create or replace function tenancy.reads_audit() returns boolean
language plpgsql stable parallel safe as $$
declare
    v_allowed boolean := false;
begin
    if current_user = 'fanfare_user' then
        v_allowed := tenancy.member_role() in ('owner', 'admin');
    elsif current_user = 'fanfare_admin' then
        v_allowed := tenancy.system_role() is not null;
    elsif current_user = 'fanfare_agent' then
        v_allowed := tenancy.has_permission('audit:read');
    elsif current_user = 'fanfare_worker' then
        v_allowed := true;
    end if;
    if v_allowed is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow reading the audit log';
    end if;
    return true;
end
$$;
create or replace function tenancy.may_approve() returns boolean
language plpgsql stable as $$
begin
    return coalesce(current_user <> 'fanfare_agent'
        and (tenancy.has_system_role('manager') or tenancy.has_role((select a.approver_role from tenancy.approval() a))), false);
end
$$;
create or replace function tenancy.audit_context(p_action text, p_resource_type text) returns public.audit_log
language plpgsql stable as $$
declare
    r public.audit_log;
    v_request jsonb;
    v_key uuid;
    v_token uuid;
begin
    r.action := p_action;
    r.resource_type := p_resource_type;
    if session_user = 'fanfare_worker' then
        r.actor_kind := 'worker';
    elsif session_user = 'fanfare_login' then
        v_key := nullif(current_setting('fanfare.key_id', true), '')::uuid;
        v_token := nullif(current_setting('fanfare.token_id', true), '')::uuid;
        r.actor_id := coalesce(v_token, v_key, tenancy.user_id());
        r.actor_kind := case when v_token is not null then 'agent' when v_key is not null then 'key'
            when r.actor_id is not null then 'user' else 'nobody' end;
        r.system_role := tenancy.system_role();
    else
        r.actor_kind := 'database';
        r.database_role := session_user;
        return r;
    end if;
    v_request := nullif(current_setting('fanfare.request', true), '')::jsonb;
    if v_request is not null then
        r.request_id := v_request ->> 'id';
        r.ip := v_request ->> 'ip';
        r.user_agent := v_request ->> 'user_agent';
        r.operation := v_request ->> 'operation';
        if r.system_role is not null then -- what a member says beside their own rights would only mislead
            r.reason := v_request ->> 'reason';
        end if;
        r.job_id := v_request ->> 'job';
    end if;
    return r;
end
$$;
create or replace function tenancy.actor_id() returns uuid
language sql stable parallel safe
return coalesce(tenancy.token_id(), tenancy.key_id(), tenancy.user_id());
drop function tenancy.queue_taken(integer);
drop trigger media_guard_space on media;
drop function tenancy.guard_media_of_space();
drop function tenancy.media_shown_elsewhere(uuid);
revoke select (space_id) on media from fanfare_definer;
create or replace function tenancy.guard_shown_media() returns trigger
language plpgsql as $$
declare
    v_state text;
begin
    select m.state into v_state from public.media m where m.customer_id = new.customer_id and m.id = new.media_id for share;
    if v_state <> 'ready' then
        raise foreign_key_violation using message = 'there is no such file',
            constraint = tg_table_name || '_media_fkey', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;
create or replace function tenancy.rights() returns text
language sql stable parallel safe
return coalesce(tenancy.member_role(), 'system ' || tenancy.system_role(), nullif(array_to_string(tenancy.permissions(), ' '), ''), '');
revoke select (space_id) on posts from fanfare_definer;
alter policy posts_agent_insert on posts
    with check ((select tenancy.has_permission('posts:write')));
alter policy media_agent_insert on media
    with check ((select tenancy.has_permission('posts:write')));
alter policy posts_agent_select on posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy posts_agent_update on posts
    using (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))))
    with check (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))));
alter policy media_agent_select on media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy media_agent_update on media
    using ((select tenancy.has_permission('posts:write')))
    with check ((select tenancy.has_permission('posts:write')));
alter policy media_agent_delete on media
    using ((select tenancy.has_permission('posts:write')));
alter policy platform_posts_agent_select on platform_posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy platform_posts_agent_insert on platform_posts
    with check ((select tenancy.has_permission('posts:write')));
alter policy platform_posts_agent_update on platform_posts
    using (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))))
    with check (((select tenancy.has_permission('posts:publish')) or ((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'failed', 'cancelled')))));
alter policy platform_posts_agent_delete on platform_posts
    using (((select tenancy.has_permission('posts:write')) and (state in ('draft', 'pending_approval', 'cancelled')) and (attempt = 0)));
alter policy post_media_agent_select on post_media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy post_media_agent_insert on post_media
    with check ((select tenancy.has_permission('posts:write')));
alter policy post_media_agent_delete on post_media
    using ((select tenancy.has_permission('posts:write')));
alter policy post_reviews_agent_select on post_reviews
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy post_reviews_agent_insert on post_reviews
    with check (((select tenancy.has_permission('posts:write')) and (verdict in ('submitted', 'withdrawn', 'comment'))));
alter policy recurring_posts_agent_select on recurring_posts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy recurring_posts_agent_insert on recurring_posts
    with check ((select tenancy.has_permission('posts:publish')));
alter policy recurring_posts_agent_update on recurring_posts
    using ((select tenancy.has_permission('posts:publish')))
    with check ((select tenancy.has_permission('posts:publish')));
alter policy recurring_posts_agent_delete on recurring_posts
    using ((select tenancy.has_permission('posts:publish')));
alter policy platform_post_media_agent_select on platform_post_media
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy platform_post_media_agent_insert on platform_post_media
    with check ((select tenancy.has_permission('posts:write')));
alter policy platform_post_media_agent_delete on platform_post_media
    using ((select tenancy.has_permission('posts:write')));
alter policy publish_attempts_agent_select on publish_attempts
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
alter policy post_metrics_agent_select on post_metrics
    using ((select tenancy.has_permission('posts:read')));
alter policy river_job_agent_select on river.river_job
    using ((select tenancy.has_any_permission('jobs:read', 'posts:publish')));
alter policy river_job_agent_update on river.river_job
    using ((select tenancy.has_permission('posts:publish')));
alter policy river_job_agent_insert on river.river_job
    with check (((select tenancy.has_permission('posts:publish')) and (kind = 'publish') and (state in ('available', 'scheduled')) and (attempt = 0)));
alter policy campaigns_agent_insert on campaigns
    with check ((select tenancy.has_permission('campaigns:write')));
alter policy campaigns_agent_update on campaigns
    using ((select tenancy.has_permission('campaigns:write')))
    with check ((select tenancy.has_permission('campaigns:write')));
alter policy campaigns_agent_delete on campaigns
    using ((select tenancy.has_permission('campaigns:write')));
alter policy email_templates_agent_insert on email_templates
    with check ((select tenancy.has_permission('posts:write')));
alter policy email_templates_agent_update on email_templates
    using ((select tenancy.has_permission('posts:write')))
    with check ((select tenancy.has_permission('posts:write')));
alter policy email_templates_agent_delete on email_templates
    using ((select tenancy.has_permission('posts:write')));
alter policy queue_slots_agent_insert on queue_slots
    with check ((select tenancy.has_permission('posts:publish')));
alter policy queue_slots_agent_delete on queue_slots
    using ((select tenancy.has_permission('posts:publish')));
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
    p.approved_at, p.approved_by,
    (select tenancy.time_zone()) as time_zone, p.slot_at, p.recurrence_id, p.occurrence_at, p.detached_at
from posts p;
grant select on posts_with_platforms to fanfare_user, fanfare_admin, fanfare_agent;
alter table post_reviews drop column space_id;
alter table media drop column space_id;
alter table posts drop column space_id;
alter policy agent_tokens_agent_insert on agent_tokens
    with check ((select tenancy.has_permission('tokens:mint')) and (select tenancy.token_id()) is null
        and permissions <@ (select tenancy.permissions())::text[]);
alter table agent_tokens drop column person, drop column space_id;
alter table api_keys drop column space_id;
drop table chat_identities;
drop table space_people;
drop table spaces;
drop function tenancy.guard_space();
drop function tenancy.chat_permissions();
create or replace function tenancy.permissions_of(p_role text) returns text[]
language sql immutable parallel safe
return case p_role
    when 'owner' then tenancy.permissions_known()
    when 'admin' then tenancy.permissions_known()
    when 'member' then array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish', 'jobs:read']
    when 'viewer' then array['customer:read', 'campaigns:read', 'posts:read', 'jobs:read']
    else array[]::text[]
end;
create or replace function tenancy.permissions_known() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish',
    'jobs:read', 'audit:read', 'tokens:mint'];
drop function tenancy.charge_person(text, integer, integer);
drop function tenancy.check_limit(integer, integer);
drop function tenancy.space_person_id();
drop function tenancy.person();
drop function tenancy.space_id();
