-- migrate:up

-- What happens in chats, and what is said there. An update is stored by its id before anything is done with it, and a job does
-- what is to be done, one update of a chat after the other; answers are stored with it in one transaction and sent afterwards.
-- These two are no tenant tables: most of what a bot is told of comes from chats that are nobody's yet. Their texts are
-- forgotten once they are handled; what is said in a space is kept in messages.
set local row_security = off;

create table chat_updates (
    platform text not null,
    bot text not null,
    -- the platform's
    update_id text not null,
    team text not null,
    kind text not null,
    chat text not null,
    -- by which the updates of a chat follow each other
    place bigint not null,
    -- as internal/chat has it; NULL once it is handled
    body jsonb,
    received_at timestamptz not null default now(),
    handled_at timestamptz,
    -- how often it was begun
    attempts integer not null default 0,
    constraint chat_updates_pkey primary key (platform, bot, update_id),
    constraint chat_updates_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint chat_updates_kind_known check (kind in ('user', 'group')),
    constraint chat_updates_update_id_length check (char_length(update_id) between 1 and 300),
    constraint chat_updates_chat_length check (char_length(bot) between 1 and 100 and char_length(team) <= 100 and char_length(chat) between 1 and 200),
    constraint chat_updates_body_size check (octet_length(body::text) <= 100000),
    constraint chat_updates_handled check ((handled_at is null) = (body is not null))
);
create index chat_updates_to_handle on chat_updates (platform, bot, team, kind, chat, place, received_at) where handled_at is null;
create index chat_updates_handled_at on chat_updates (handled_at) where handled_at is not null;
alter table chat_updates enable row level security;
alter table chat_updates force row level security;
create policy chat_updates_worker on chat_updates to fanfare_worker using (true) with check (true);
create policy chat_updates_definer on chat_updates to fanfare_definer using (true) with check (true);
grant select, update (body, handled_at, attempts, chat), delete on chat_updates to fanfare_worker;
grant select, insert, delete on chat_updates to fanfare_definer;

create table chat_outbox (
    id uuid not null,
    platform text not null,
    bot text not null,
    team text not null,
    kind text not null,
    chat text not null,
    -- whose it is, with whom it is erased; NULL for answers to a chat that is nobody's
    subject_id uuid,
    space_id uuid,
    -- what is to be said: {"message": …} as internal/chat has it, or {"event": …, "post_id": …}; NULL once that is done
    body jsonb,
    send_at timestamptz not null default now(),
    attempts integer not null default 0,
    created_at timestamptz not null default now(),
    -- the platform's id of the message, NULL where it was not sent
    message_id text,
    ended_at timestamptz,
    constraint chat_outbox_pkey primary key (id),
    constraint chat_outbox_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint chat_outbox_kind_known check (kind in ('user', 'group')),
    constraint chat_outbox_body_size check (octet_length(body::text) <= 200000),
    constraint chat_outbox_ended check ((ended_at is null) = (body is not null))
);
create index chat_outbox_to_send on chat_outbox (platform, bot, team, kind, chat, id) where ended_at is null;
create index chat_outbox_by_subject on chat_outbox (subject_id) where subject_id is not null;
create index chat_outbox_ended_at on chat_outbox (ended_at) where ended_at is not null;
alter table chat_outbox enable row level security;
alter table chat_outbox force row level security;
create policy chat_outbox_worker on chat_outbox to fanfare_worker using (true) with check (true);
create policy chat_outbox_definer on chat_outbox to fanfare_definer using (true) with check (true);
grant select, insert (id, platform, bot, team, kind, chat, subject_id, space_id, body), update (body, send_at, attempts, message_id, ended_at, chat), delete
    on chat_outbox to fanfare_worker;
grant select, insert, delete on chat_outbox to fanfare_definer;

-- Who fetches a bot's updates that are not delivered to us.
create table chat_polls (
    platform text not null,
    bot text not null,
    lease text not null,
    lease_until timestamptz not null,
    constraint chat_polls_pkey primary key (platform, bot)
);
alter table chat_polls enable row level security;
alter table chat_polls force row level security;
create policy chat_polls_worker on chat_polls to fanfare_worker using (true) with check (true);
create policy chat_polls_definer on chat_polls to fanfare_definer using (true) with check (true);
grant select, insert, update on chat_polls to fanfare_worker;
grant select, delete on chat_polls to fanfare_definer;

-- Stores an update unless it is there already. Answers 'new' or 'known', or where it is more than is taken in a minute 'dropped': of
-- a chat that is nobody's 20 updates, of all those together 300 at a customer's own bot. 'later': what is said in a space is to be told
-- again, as all bots of its customer have brought 600 in a minute; and so is everything once they have told of 3,000, taken or not, so
-- that whoever forges what their own bot is told is soon not listened to. 'closed': nothing is taken of any of them, as the customer is
-- archived. What is said in a space at a bot of the installation is all taken: after an outage a platform delivers at once what was
-- said meanwhile.
create function tenancy.receive_chat_update(p_platform text, p_bot text, p_update_id text, p_team text, p_kind text, p_chat text, p_place bigint, p_body jsonb)
returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_bot record;
    v_paired boolean;
    v_refused text := 'dropped';
begin
    if exists (select from public.chat_updates u where u.platform = p_platform and u.bot = p_bot and u.update_id = p_update_id) then
        return 'known';
    end if;
    select b.customer_id, c.archived_at is not null as archived into v_bot
    from public.bots b join public.customers c on c.id = b.customer_id
    where b.platform = p_platform and b.bot = p_bot;
    if v_bot.archived then
        return 'closed';
    end if;
    v_paired := exists (
        select from public.spaces s
        where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.kind = p_kind and s.external_id = p_chat and s.ended_at is null);
    if v_bot.customer_id is not null then
        begin
            perform tenancy.charge(null, 'bots:' || v_bot.customer_id::text, 'chat-told', 3000, 60);
        exception when sqlstate 'FF005' then
            return 'later';
        end;
    end if;
    begin -- what refuses takes back what was charged before it here, so that strangers use up nothing by what is not taken of them
        if v_bot.customer_id is not null then
            v_refused := case when v_paired then 'later' else 'dropped' end;
            perform tenancy.charge(null, 'bots:' || v_bot.customer_id::text, 'chat-update', 600, 60);
            if not v_paired then
                perform tenancy.charge(null, 'bot:' || p_platform || ':' || p_bot, 'chat-update', 300, 60);
            end if;
        end if;
        if not v_paired then
            perform tenancy.charge(null, 'chat:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot, p_team, p_kind, p_chat)::text, 'UTF8')), 'hex'),
                'chat-update', 20, 60);
        end if;
    exception when sqlstate 'FF005' then
        return v_refused;
    end;
    insert into public.chat_updates (platform, bot, update_id, team, kind, chat, place, body)
    values (p_platform, p_bot, p_update_id, p_team, p_kind, p_chat, p_place, p_body)
    on conflict on constraint chat_updates_pkey do nothing;
    return case when found then 'new' else 'known' end;
end
$$;
revoke execute on function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb) from public;
grant execute on function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb) to fanfare_login, fanfare_worker;
alter function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb) owner to fanfare_definer;

-- The chats in which something happened or is to be said, and that have no job: those that have waited longest, and of each party in
-- turn. A party is a customer, with its chats and with all of its own bots, or else a bot of the installation with the chats that
-- are nobody's; it has up to p_share jobs at a time, so that none fills the queue. What must wait to be said keeps what comes after
-- it in its chat.
create function tenancy.chats_to_do(p_share integer, p_limit integer) returns table (platform text, bot text, team text, kind text, chat text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    with chats as (
        select w.platform, w.bot, w.team, w.kind, w.chat, min(w.since) as since, bool_or(w.since is null) as busy
        from (
            select j.args ->> 'platform' as platform, j.args ->> 'bot' as bot, j.args ->> 'team' as team, j.args ->> 'kind' as kind,
                j.args ->> 'chat' as chat, null::timestamptz as since
            from river.river_job j
            where j.kind = 'chat' and j.finalized_at is null
            union all
            select u.platform, u.bot, u.team, u.kind, u.chat, u.received_at
            from public.chat_updates u
            where u.handled_at is null
            union all
            select o.platform, o.bot, o.team, o.kind, o.chat, o.send_at
            from (
                select distinct on (n.platform, n.bot, n.team, n.kind, n.chat) n.platform, n.bot, n.team, n.kind, n.chat, n.send_at
                from public.chat_outbox n
                where n.ended_at is null
                order by n.platform, n.bot, n.team, n.kind, n.chat, n.id) o
            where o.send_at <= now()) w
        group by w.platform, w.bot, w.team, w.kind, w.chat
    ), turns as (
        select c.*, row_number() over (
            partition by coalesce(s.customer_id::text, b.customer_id::text, c.platform || ' ' || c.bot)
            order by c.busy desc, c.since, c.bot, c.chat) as turn
        from chats c
            left join public.spaces s on s.platform = c.platform and s.bot = c.bot and s.team = c.team and s.kind = c.kind and s.external_id = c.chat
                and s.ended_at is null
            left join public.bots b on b.platform = c.platform and b.bot = c.bot
    )
    select t.platform, t.bot, t.team, t.kind, t.chat
    from turns t
    where not t.busy and t.turn <= p_share
    order by t.turn, t.since
    limit p_limit;
end
$$;
revoke execute on function tenancy.chats_to_do(integer, integer) from public;
grant execute on function tenancy.chats_to_do(integer, integer) to fanfare_worker;
alter function tenancy.chats_to_do(integer, integer) owner to fanfare_definer;
-- Not by the states that have no such time: what the planner knows of them, it may not use under a policy.
create index river_job_of_chat on river.river_job (customer_id, (args ->> 'bot')) where kind = 'chat' and finalized_at is null;

-- What was said in a space: by its people and by the bot.
create table messages (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    space_id uuid not null,
    -- in: somebody said it; out: the bot
    direction text not null,
    -- who, by the platform's id; '' for the bot
    person text not null default '',
    person_name text not null default '',
    text text not null,
    said_at timestamptz not null default now(),
    constraint messages_pkey primary key (customer_id, id),
    constraint messages_customer_fkey foreign key (customer_id) references customers (id),
    constraint messages_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint messages_direction_known check (direction in ('in', 'out')),
    constraint messages_text_length check (char_length(text) <= 50000),
    constraint messages_person_length check (char_length(person) <= 200 and char_length(person_name) <= 300)
);
create index messages_by_space on messages (customer_id, space_id, id);
alter table messages enable row level security;
alter table messages force row level security;
create policy messages_tenant on messages as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy messages_select on messages for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy messages_delete on messages for delete to fanfare_user using ((select tenancy.has_role('admin')));
create policy messages_admin_delete on messages for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
-- In a space, what was said there; in no space, whoever may read all of it.
create policy messages_agent_select on messages for select to fanfare_agent
    using (case when (select tenancy.space_id()) is null then (select tenancy.has_permission('conversations:read'))
        else (select tenancy.has_any_permission('conversations:read', 'memories:read')) and space_id = (select tenancy.space_id()) end);
create policy messages_worker on messages to fanfare_worker using (true) with check (true);
grant select, delete on messages to fanfare_user, fanfare_admin;
grant select on messages to fanfare_agent;
grant select, insert (id, space_id, direction, person, person_name, text, said_at) on messages to fanfare_worker;
create policy messages_erase on messages for delete to fanfare_definer using (true);
create policy messages_erase_select on messages for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on messages to fanfare_definer;

-- A space is told what became of its posts.
create function tenancy.tell_space() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_space record;
begin
    select s.platform, s.bot, s.team, s.kind, s.external_id into v_space from public.spaces s where s.customer_id = new.customer_id and s.id = new.space_id and s.ended_at is null;
    if found then
        insert into public.chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
        values (tenancy.audit_id(clock_timestamp()), v_space.platform, v_space.bot, v_space.team, v_space.kind, v_space.external_id, new.customer_id, new.space_id,
            jsonb_build_object('event', 'post.' || new.state, 'post_id', new.id));
    end if;
    return null;
end
$$;
create trigger posts_tell_space after update on posts for each row
    when (new.space_id is not null and old.state <> new.state and new.state in ('published', 'partially_published', 'failed', 'needs_attention'))
    execute function tenancy.tell_space();
revoke execute on function tenancy.tell_space() from public;
alter function tenancy.tell_space() owner to fanfare_definer;

-- The chat that has used a pairing is told what becomes of it, in the same transaction: once, whoever dies meanwhile. Whose it
-- would be is not said before it is: the code may have been guessed.
create function tenancy.tell_pairing() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_text text := case
        when new.state = 'claimed' and new.held_elsewhere and not old.held_elsewhere then
            'This chat is in use already. It can be paired again once whoever uses it has released it, within a day.'
        when new.state = 'claimed' and old.state = 'open' and new.claimed_by = 'code' then
            'Thank you. Somebody must confirm in Fanfare now that this is the right chat, within an hour.'
        when new.state = 'done' then
            format('This chat is paired with %s. Try: write a post about our new opening hours', (select c.name from public.customers c where c.id = new.customer_id))
        when new.state = 'denied' then 'The pairing was not confirmed.'
        when new.state = 'expired' then 'The time for pairing this chat is over. Ask for a new code.'
    end;
begin
    if v_text is not null then
        insert into public.chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
        values (tenancy.audit_id(clock_timestamp()), new.platform, new.bot, new.team, new.kind, new.external_id, new.customer_id, new.space_id,
            jsonb_build_object('message', jsonb_build_object('Text', v_text)));
    end if;
    return null;
end
$$;
create trigger pairings_tell after update on pairings for each row
    when (new.external_id is not null and ((old.state, old.held_elsewhere) is distinct from (new.state, new.held_elsewhere)))
    execute function tenancy.tell_pairing();
revoke execute on function tenancy.tell_pairing() from public;
alter function tenancy.tell_pairing() owner to fanfare_definer;

-- migrate:down
drop trigger pairings_tell on pairings;
drop function tenancy.tell_pairing();
drop trigger posts_tell_space on posts;
drop function tenancy.tell_space();
drop table messages;
drop index river.river_job_of_chat;
drop function tenancy.chats_to_do(integer, integer);
drop function tenancy.receive_chat_update(text, text, text, text, text, text, bigint, jsonb);
drop table chat_polls;
drop table chat_outbox;
drop table chat_updates;
