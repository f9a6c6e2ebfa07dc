-- migrate:up

-- Bots of customers' own, besides those of the installation, which are in its configuration. A chat of such a bot is its
-- customer's or nobody's.
set local row_security = off;

create table bots (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    -- the platform's id of it
    bot text not null,
    -- Slack's id of the workspace; '' elsewhere
    team text not null default '',
    name text not null default '',
    username text not null default '',
    -- sealed: the token, and what verifies deliveries
    credential bytea not null,
    key_id bigint not null,
    -- refused: the platform does not take the token any more, until there is another one
    state text not null default 'active',
    problem text,
    created_by uuid default tenancy.user_id(),
    -- who gave the secrets that it has: they could speak in its chats as anybody
    given_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint bots_pkey primary key (customer_id, id),
    -- One customer at a time: what happens in a bot's chats is found by it before anybody is entered.
    constraint bots_bot_key unique (platform, bot),
    constraint bots_customer_fkey foreign key (customer_id) references customers (id),
    constraint bots_created_by_fkey foreign key (created_by) references users (id),
    constraint bots_given_by_fkey foreign key (given_by) references users (id),
    constraint bots_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint bots_bot_length check (char_length(bot) between 1 and 100),
    constraint bots_team_length check (char_length(team) <= 100),
    constraint bots_name_length check (char_length(name) <= 300 and char_length(username) <= 300),
    constraint bots_state_known check (state in ('active', 'refused')),
    constraint bots_problem_length check (char_length(problem) <= 500)
);

create trigger bots_touch before update on bots for each row
    when (current_user <> 'fanfare_definer' or current_setting('fanfare.resealing', true) is distinct from 'on')
    execute function tenancy.touch();

-- A bot in whose chats another customer is already, as it was the installation's, becomes nobody's own. A definer's, as
-- nobody sees the spaces of others.
create function tenancy.guard_bot() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_advisory_xact_lock(hashtextextended('bots of ' || new.customer_id::text, 0)), -- one after the other, so that the count is true
        pg_advisory_xact_lock(hashtextextended('bot ' || new.platform || ' ' || new.bot, 0));
    if (select count(*) from public.bots b where b.customer_id = new.customer_id) >= 20 then
        raise check_violation using message = 'a customer has at most 20 bots', constraint = 'bots_limit', table = 'bots', schema = 'public';
    end if;
    if exists (
        select from public.spaces s
        where s.platform = new.platform and s.bot = new.bot and s.ended_at is null and s.customer_id <> new.customer_id)
        or exists (
        select from public.pairings p
        where p.platform = new.platform and p.bot = new.bot and p.state in ('open', 'claimed') and p.customer_id <> new.customer_id)
    then
        raise unique_violation using message = 'somebody else uses the bot', constraint = 'bots_bot_key', table = 'bots', schema = 'public';
    end if;
    return new;
end
$$;
revoke execute on function tenancy.guard_bot() from public;
create trigger bots_guard before insert on bots for each row execute function tenancy.guard_bot();

-- Only the worker finds out that a token is refused; another one begins anew.
create function tenancy.guard_bot_update() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        new.state := 'active';
        new.problem := null;
        if new.credential is distinct from old.credential then
            new.given_by := tenancy.user_id();
        end if;
    end if;
    return new;
end
$$;
create trigger bots_guard_update before update on bots for each row execute function tenancy.guard_bot_update();

-- A chat of a customer's own bot is theirs alone, whatever anybody pairs: also where a pairing or a space came about in another
-- way than by the API. A definer's, as nobody sees the bots of others.
create function tenancy.guard_chat_of_bot() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_advisory_xact_lock_shared(hashtextextended('bot ' || new.platform || ' ' || new.bot, 0));
    if exists (select from public.bots b where b.platform = new.platform and b.bot = new.bot and b.customer_id <> new.customer_id) then
        raise foreign_key_violation using message = 'there is no such bot', constraint = 'bots_of_others', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;
revoke execute on function tenancy.guard_chat_of_bot() from public;
create trigger pairings_guard_bot before insert on pairings for each row execute function tenancy.guard_chat_of_bot();
create trigger pairings_guard_bot_state before update of state on pairings for each row
    when (new.state in ('claimed', 'done')) execute function tenancy.guard_chat_of_bot();
create trigger spaces_guard_bot before insert on spaces for each row execute function tenancy.guard_chat_of_bot();

-- With a bot its chats end, and what was to be paired with it, and who is known there.
create function tenancy.follow_removed_bot() returns trigger
language plpgsql as $$
begin
    update public.pairings p set state = case p.state when 'open' then 'revoked' else 'denied' end
    where p.customer_id = old.customer_id and p.platform = old.platform and p.bot = old.bot and p.state in ('open', 'claimed');
    update public.spaces s set ended_at = now(), ended_because = 'released'
    where s.customer_id = old.customer_id and s.platform = old.platform and s.bot = old.bot and s.ended_at is null;
    delete from public.chat_identities i where i.customer_id = old.customer_id and i.platform = old.platform and i.bot = old.bot;
    return null;
end
$$;
create trigger bots_follow_removal after delete on bots for each row
    when (current_user <> 'fanfare_definer') execute function tenancy.follow_removed_bot();

-- What happened in its chats, and was still to be said there, is nobody's business any more: least of all whose the bot is next.
-- A definer's, as none of it is of a tenant. By its name it comes after the one above.
create function tenancy.forget_bot() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.chat_updates u where u.platform = old.platform and u.bot = old.bot;
    delete from public.chat_outbox o where o.platform = old.platform and o.bot = old.bot;
    delete from public.chat_polls p where p.platform = old.platform and p.bot = old.bot;
    return null;
end
$$;
revoke execute on function tenancy.forget_bot() from public;
create trigger bots_forget after delete on bots for each row execute function tenancy.forget_bot();

alter table bots enable row level security;
alter table bots force row level security;
create policy bots_tenant on bots as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy bots_select on bots for select to fanfare_user, fanfare_admin using (true);
create policy bots_insert on bots for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy bots_update on bots for update to fanfare_user using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy bots_delete on bots for delete to fanfare_user using ((select tenancy.has_role('admin')));
create policy bots_admin_insert on bots for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy bots_admin_update on bots for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy bots_admin_delete on bots for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
create policy bots_agent_select on bots for select to fanfare_agent using ((select tenancy.has_any_permission('spaces:read', 'spaces:pair')));
create policy bots_worker_select on bots for select to fanfare_worker using (true);
create policy bots_worker_update on bots for update to fanfare_worker using (true) with check (true);
grant select (customer_id, id, platform, bot, team, name, username, state, problem, created_by, given_by, version, created_at, updated_at)
    on bots to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
grant insert (id, platform, bot, team, name, username, credential, key_id), update (name, username, credential, key_id), delete on bots to fanfare_user, fanfare_admin;
grant update (state, problem) on bots to fanfare_worker;
create policy bots_definer on bots for select to fanfare_definer using (true);
create policy bots_definer_update on bots for update to fanfare_definer using (true) with check (true);
create policy bots_erase on bots for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, platform, bot, team, name, username, credential, key_id, state, given_by, version), update (credential, key_id), delete on bots to fanfare_definer;
select tenancy.audit_table('bots', 'bot', 'id', '{credential}', '{key_id}');

alter function tenancy.guard_bot() owner to fanfare_definer;
alter function tenancy.guard_chat_of_bot() owner to fanfare_definer;
alter function tenancy.forget_bot() owner to fanfare_definer;

-- A customer's own bot with its sealed credential: to verify what a platform delivers, before a tenant is known, and to speak. No
-- row where there is none. One of an archived customer says nothing, and what it is told is dropped. Its use is not recorded: it
-- happens with every message.
create function tenancy.bot_credential(p_platform text, p_bot text)
returns table (customer_id uuid, id uuid, team text, name text, username text, credential bytea, version bigint, archived boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select b.customer_id, b.id, b.team, b.name, b.username, b.credential, b.version, c.archived_at is not null
    from public.bots b join public.customers c on c.id = b.customer_id
    where b.platform = p_platform and b.bot = p_bot;
end
$$;
revoke execute on function tenancy.bot_credential(text, text) from public;
grant execute on function tenancy.bot_credential(text, text) to fanfare_login, fanfare_worker;
alter function tenancy.bot_credential(text, text) owner to fanfare_definer;

-- The customers' own bots of a platform, for a worker that fetches their updates. Those that the platform refuses are left out.
create function tenancy.bots_of(p_platform text) returns table (bot text, version bigint)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select b.bot, b.version
    from public.bots b join public.customers c on c.id = b.customer_id and c.archived_at is null
    where b.platform = p_platform and b.state = 'active'
    order by b.bot;
end
$$;
revoke execute on function tenancy.bots_of(text) from public;
grant execute on function tenancy.bots_of(text) to fanfare_worker;
alter function tenancy.bots_of(text) owner to fanfare_definer;

-- The chats of a bot in a workspace: it may be taken out of all of them at once.
create function tenancy.chats_of_team(p_platform text, p_bot text, p_team text) returns table (kind text, chat text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select s.kind, s.external_id
    from public.spaces s
    where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.ended_at is null;
end
$$;
revoke execute on function tenancy.chats_of_team(text, text, text) from public;
grant execute on function tenancy.chats_of_team(text, text, text) to fanfare_login, fanfare_worker;
alter function tenancy.chats_of_team(text, text, text) owner to fanfare_definer;

-- Whether the space that is entered is a chat of the installation's bot. Who speaks in the chats of a customer's own bot is only as
-- sure as those who gave it: they know its secrets, with which they can deliver what nobody said, or write buttons to others that
-- do not do what they say. One statement: with a bot its spaces end. A definer's, since not all who speak may read bots.
create function tenancy.in_shared_bots_chat() returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from public.spaces s
        where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and s.ended_at is null
            and not exists (select from public.bots b where b.platform = s.platform and b.bot = s.bot));
end
$$;
revoke execute on function tenancy.in_shared_bots_chat() from public;
grant execute on function tenancy.in_shared_bots_chat() to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.in_shared_bots_chat() owner to fanfare_definer;

-- As before, but in the chats of a customer's own bot only where it gains those who gave it nothing to speak as somebody else: where
-- admins may approve, also what they wrote.
create or replace function tenancy.may_approve() returns boolean
language plpgsql stable as $$
declare
    v_approval record;
begin
    select * into v_approval from tenancy.approval();
    if current_user = 'fanfare_agent' then
        return coalesce(tenancy.user_id() is not null and tenancy.has_permission('posts:publish')
            and array_position(array['viewer', 'member', 'admin', 'owner'], nullif(current_setting('fanfare.chat_role', true), ''))
                >= array_position(array['viewer', 'member', 'admin', 'owner'], v_approval.approver_role)
            and (v_approval.approver_role in ('member', 'admin') and v_approval.self_approval or tenancy.in_shared_bots_chat()), false);
    end if;
    return coalesce(tenancy.has_system_role('manager') or tenancy.has_role(v_approval.approver_role), false);
end
$$;

-- Whether somebody may give a customer's bots their secrets at this moment: the customer's owners and admins, and system admins.
create function tenancy.may_give_bots(p_customer_id uuid, p_user_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (select from public.memberships m where m.customer_id = p_customer_id and m.user_id = p_user_id and m.role in ('owner', 'admin'))
        or exists (select from public.system_roles s where s.user_id = p_user_id and s.role = 'admin');
end
$$;
revoke execute on function tenancy.may_give_bots(uuid, uuid) from public;
alter function tenancy.may_give_bots(uuid, uuid) owner to fanfare_definer;

-- Whether whoever gave a bot of the entered customer its secrets may still give it some. As long as they may not, nobody has rights in
-- its chats. A definer's, since not all who see bots see who is who.
create function tenancy.bot_held(p_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from public.bots b
        where b.customer_id = tenancy.customer_id() and b.id = p_id and tenancy.may_give_bots(b.customer_id, b.given_by));
end
$$;
revoke execute on function tenancy.bot_held(uuid) from public;
grant execute on function tenancy.bot_held(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.bot_held(uuid) owner to fanfare_definer;

set local role fanfare_definer;
-- As before, and in the chats of a customer's own bot nobody has rights while whoever gave its secrets may not give it any: they may
-- know them still, and could speak there as anybody.
create or replace function tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_permissions text[];
    v_role text;
begin
    perform tenancy.nothing_entered();
    select s.permissions, s.paired_by, p.id as person_id, c.archived_at, i.user_id,
        b.id is null or tenancy.may_give_bots(s.customer_id, b.given_by) as held into v
    from public.spaces s
        join public.customers c on c.id = s.customer_id
        join public.space_people p on p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = p_person and p.left_at is null
        left join public.chat_identities i on i.customer_id = s.customer_id and i.platform = s.platform and i.bot = s.bot and i.team = s.team and i.external_id = p_person
        left join public.bots b on b.platform = s.platform and b.bot = s.bot
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
    if not v.held or cardinality(v_permissions) = 0 then
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

-- As before, and of whoever speaks in a chat of a customer's own bot: who gave its secrets.
create or replace function tenancy.acts_for() returns uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return coalesce(
        (select t.created_by from public.agent_tokens t where t.customer_id = tenancy.customer_id() and t.id = tenancy.token_id()),
        (select k.created_by from public.api_keys k where k.customer_id = tenancy.customer_id() and k.id = tenancy.key_id()),
        (select coalesce(b.given_by, case when tenancy.user_id() is null then s.paired_by end)
        from public.spaces s left join public.bots b on b.platform = s.platform and b.bot = s.bot
        where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and tenancy.space_person_id() is not null));
end
$$;
reset role;

create or replace function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('bots', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', null),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential'),
        ('webhook_secrets', 'sealed', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;

-- migrate:down
set local role fanfare_definer;
create or replace function tenancy.enter_chat(p_space_customer_id uuid, p_space_id uuid, p_person text, p_customer_id uuid, p_needs text[], p_request text) returns text
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
reset role;
drop function tenancy.bot_held(uuid);
drop function tenancy.may_give_bots(uuid, uuid);
create or replace function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential'),
        ('webhook_secrets', 'sealed', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;
set local role fanfare_definer;
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
reset role;
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
drop function tenancy.in_shared_bots_chat();
drop function tenancy.chats_of_team(text, text, text);
drop function tenancy.bots_of(text);
drop function tenancy.bot_credential(text, text);
drop trigger spaces_guard_bot on spaces;
drop trigger pairings_guard_bot_state on pairings;
drop trigger pairings_guard_bot on pairings;
drop function tenancy.guard_chat_of_bot();
drop table bots;
drop function tenancy.forget_bot();
drop function tenancy.follow_removed_bot();
drop function tenancy.guard_bot_update();
drop function tenancy.guard_bot();
