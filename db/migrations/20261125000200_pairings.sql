-- migrate:up

-- Pairing binds a chat to a customer. The dashboard gives a code of six digits, which somebody types into the chat, and a link
-- with 256 random bits. The link pairs at once; a code can be guessed, so that an admin confirms what it has brought.
set local row_security = off;

create table pairings (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    bot text not null,
    -- SHA-256 of the id's 16 bytes and the code: two pairings with one code do not look alike
    code_hash bytea not null,
    -- SHA-256 of the link's token
    link_hash bytea not null,
    -- what the chat's people shall be allowed who are nobody in Fanfare
    permissions text[] not null,
    -- whoever claims it in a chat of their own is the member who made it
    own boolean not null,
    created_by uuid not null default coalesce(tenancy.user_id(), tenancy.acts_for()),
    -- made with a key or token of theirs
    by_program boolean not null default false,
    -- which; it is worth no more than they are
    by_key uuid default tenancy.key_id(),
    by_agent uuid default tenancy.token_id(),
    -- of the code and the link, and once they are used, of the wait for what is missing
    expires_at timestamptz not null default now() + interval '15 minutes',
    state text not null default 'open',
    -- from here on the chat that has used it
    claimed_by text,
    claimed_at timestamptz,
    team text,
    kind text,
    external_id text,
    title text,
    person_id text,
    person_name text,
    confirmed_at timestamptz,
    confirmed_by uuid,
    -- another customer has the chat, and must release it first
    held_elsewhere boolean not null default false,
    space_id uuid,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint pairings_pkey primary key (customer_id, id),
    constraint pairings_customer_fkey foreign key (customer_id) references customers (id),
    constraint pairings_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint pairings_created_by_fkey foreign key (created_by) references users (id),
    constraint pairings_confirmed_by_fkey foreign key (confirmed_by) references users (id),
    constraint pairings_platform_known check (platform in ('telegram', 'whatsapp', 'slack')),
    constraint pairings_bot_length check (char_length(bot) between 1 and 100),
    constraint pairings_hash_size check (octet_length(code_hash) = 32 and octet_length(link_hash) = 32),
    constraint pairings_permissions_known check (permissions <@ tenancy.chat_permissions() and cardinality(permissions) between 1 and 50),
    constraint pairings_state_known check (state in ('open', 'claimed', 'done', 'denied', 'expired', 'revoked')),
    constraint pairings_claimed_by_known check (claimed_by in ('code', 'link')),
    constraint pairings_claim_whole check ((claimed_at is null) = (claimed_by is null) and (claimed_at is null) = (external_id is null)
        and (claimed_at is null) = (kind is null) and (claimed_at is null) = (team is null) and (claimed_at is null) = (person_id is null)),
    constraint pairings_kind_known check (kind in ('user', 'group')),
    constraint pairings_person_of_platform check (person_id not like 'agent:%'),
    constraint pairings_done_whole check ((state = 'done') = (space_id is not null))
);
create index pairings_by_time on pairings (customer_id, created_at);
create index pairings_open on pairings (platform, bot, expires_at) where state = 'open';
create unique index pairings_by_link on pairings (link_hash);
create index pairings_by_chat on pairings (platform, bot, external_id, claimed_at) where claimed_at is not null;
create index pairings_ready on pairings (claimed_at) where state = 'claimed' and (claimed_by = 'link' or confirmed_at is not null);

create trigger pairings_touch before update on pairings for each row execute function tenancy.touch();

-- What has ended stays so. People confirm what a code has brought, deny it, or take an open pairing back; everything else is
-- the worker's.
create function tenancy.guard_pairing() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if current_user = 'fanfare_agent' and new.own then
            raise insufficient_privilege using message = 'permission denied: a key or token has no chat of its own';
        end if;
        new.by_program := current_user = 'fanfare_agent';
        -- one after the other, so that the count is true
        perform pg_advisory_xact_lock(hashtextextended('pairings of ' || new.customer_id::text, 0));
        if (select count(*) from public.pairings p where p.customer_id = new.customer_id and p.state in ('open', 'claimed') and p.expires_at > now()) >= 10 then
            raise check_violation using message = 'ten pairings wait already', constraint = 'pairings_open_limit', table = 'pairings', schema = 'public';
        end if;
        -- programs leave room for people
        if new.by_program and (
            select count(*) from public.pairings p
            where p.customer_id = new.customer_id and p.by_program and p.state in ('open', 'claimed') and p.expires_at > now()) >= 5
        then
            raise check_violation using message = 'five pairings of programs wait already', constraint = 'pairings_program_limit', table = 'pairings', schema = 'public';
        end if;
        return new;
    end if;
    if old.state in ('done', 'denied', 'expired', 'revoked') then
        raise check_violation using message = format('the pairing is %s', old.state),
            constraint = 'pairings_ended', table = 'pairings', schema = 'public';
    end if;
    if (old.state, new.state) in (('claimed', 'open'), ('claimed', 'revoked'), ('open', 'done'), ('open', 'denied')) then
        raise check_violation using message = format('a pairing that is %s cannot become %s', old.state, new.state),
            constraint = 'pairings_state_transition', table = 'pairings', schema = 'public';
    end if;
    if current_user in ('fanfare_user', 'fanfare_admin', 'fanfare_agent') then
        if new.state not in (old.state, 'denied', 'revoked') then
            raise insufficient_privilege using message = 'permission denied: the chat decides that';
        end if;
        if new.confirmed_at is distinct from old.confirmed_at then
            if old.state <> 'claimed' or old.claimed_by <> 'code' or old.expires_at <= now() then
                raise check_violation using message = 'there is nothing to confirm', constraint = 'pairings_state_transition', table = 'pairings', schema = 'public';
            end if;
            -- Whoever is in that chat would speak as the member who made it.
            if old.own and old.kind = 'user' and old.created_by is distinct from tenancy.user_id() then
                raise insufficient_privilege using message = 'permission denied: only whoever made the pairing knows whether the chat is their own';
            end if;
            if not tenancy.pairing_stands(old.id) then
                raise check_violation using message = 'whoever made the pairing may not pair any more', constraint = 'pairings_maker', table = 'pairings', schema = 'public';
            end if;
            new.confirmed_at := coalesce(old.confirmed_at, now());
            new.confirmed_by := coalesce(old.confirmed_by, tenancy.user_id());
        end if;
    elsif current_user = 'fanfare_worker' and new.state = 'done' and not (new.claimed_by = 'link' or new.confirmed_at is not null) then
        raise insufficient_privilege using message = 'permission denied: nobody has confirmed what a code has brought';
    elsif current_user = 'fanfare_worker' and new.state = 'done' and not tenancy.pairing_stands(old.id) then
        raise insufficient_privilege using message = 'permission denied: whoever made the pairing may not pair any more';
    end if;
    return new;
end
$$;
create trigger pairings_guard before insert or update on pairings for each row execute function tenancy.guard_pairing();

alter table pairings enable row level security;
alter table pairings force row level security;
create policy pairings_tenant on pairings as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy pairings_select on pairings for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy pairings_insert on pairings for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy pairings_update on pairings for update to fanfare_user
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.has_role('admin')) or state in ('denied', 'revoked'));
-- A system role pairs nothing: the chat would act in the name of somebody who is no member.
create policy pairings_admin_update on pairings for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')) and state in ('denied', 'revoked'));
create policy pairings_agent_select on pairings for select to fanfare_agent
    using ((select tenancy.has_any_permission('spaces:pair')) and (select tenancy.space_id()) is null);
-- A space pairs no further chats.
create policy pairings_agent_insert on pairings for insert to fanfare_agent
    with check ((select tenancy.has_permission('spaces:pair')) and (select tenancy.space_id()) is null
        and permissions <@ (select tenancy.permissions())::text[]);
create policy pairings_worker on pairings to fanfare_worker using (true) with check (true);
grant select (customer_id, id, platform, bot, permissions, own, created_by, by_program, by_key, by_agent, expires_at, state, claimed_by, claimed_at, team, kind, external_id, title,
        person_id, person_name, confirmed_at, confirmed_by, held_elsewhere, space_id, version, created_at, updated_at)
    on pairings to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
grant insert (id, platform, bot, code_hash, link_hash, permissions, own) on pairings to fanfare_user, fanfare_agent;
grant update (state, confirmed_at) on pairings to fanfare_user, fanfare_admin;
grant update (state, expires_at, claimed_by, claimed_at, team, kind, external_id, title, person_id, person_name, held_elsewhere, space_id) on pairings to fanfare_worker;
create policy pairings_definer on pairings for select to fanfare_definer using (true);
create policy pairings_erase on pairings for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, platform, bot, created_by, by_key, by_agent, code_hash, link_hash, expires_at, state, claimed_by, claimed_at, confirmed_at, team, kind, external_id, person_id),
    delete on pairings to fanfare_definer;
select tenancy.audit_table('pairings', 'pairing', 'id', '{code_hash,link_hash}', '{}');

-- Whether whoever made a pairing of the entered customer may still pair chats, with what it was made with: a key that is revoked or has
-- expired, and a token that is revoked, pair nothing any more. A token's own end is no matter: it may be sooner than that of a link.
create function tenancy.pairing_stands(p_id uuid) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from public.pairings p
            join public.memberships m on m.customer_id = p.customer_id and m.user_id = p.created_by and m.role in ('owner', 'admin')
        where p.customer_id = tenancy.customer_id() and p.id = p_id
            and (p.by_key is null or exists (
                select from public.api_keys k
                where k.customer_id = p.customer_id and k.id = p.by_key and k.revoked_at is null and (k.expires_at is null or k.expires_at > now())))
            and (p.by_agent is null or exists (
                select from public.agent_tokens t where t.customer_id = p.customer_id and t.id = p.by_agent and t.revoked_at is null)));
end
$$;
revoke execute on function tenancy.pairing_stands(uuid) from public;
grant execute on function tenancy.pairing_stands(uuid) to fanfare_user, fanfare_admin, fanfare_worker;
alter function tenancy.pairing_stands(uuid) owner to fanfare_definer;

-- Refuses, instead of showing nothing, whoever may not see pairings.
create function tenancy.permit_pairing() returns boolean
language plpgsql stable parallel safe as $$
begin
    if not (tenancy.reads_as_admin() or (tenancy.has_any_permission('spaces:pair') and tenancy.space_id() is null)) then
        raise insufficient_privilege using message = 'permission denied: pairing is the admins'' business';
    end if;
    return true;
end
$$;
grant execute on function tenancy.permit_pairing() to fanfare_user, fanfare_agent, fanfare_admin;

-- What the people of a chat get unless somebody says otherwise: they write, and do not publish.
create function tenancy.pairing_permissions() returns text[]
language sql stable parallel safe
return array(
    select p from unnest(tenancy.chat_permissions()) p
    where p not in ('posts:publish', 'credentials:write') and (cardinality(tenancy.permissions()) = 0 or p = any (tenancy.permissions())));
grant execute on function tenancy.pairing_permissions() to fanfare_user, fanfare_agent, fanfare_admin;

-- The pairing that a code stands for, typed into a chat; no row where there is none, or it has expired, or two have the same
-- code. One that this chat has used by that code already is found again, as what is done twice must answer the same.
-- Guessing is throttled: 5 codes in 15 minutes for a chat, 60 for a bot, and codes that are right, 10 in an hour for a
-- customer. It counts whatever becomes of it.
create function tenancy.find_pairing_by_code(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_code text)
returns table (throttled boolean, customer_id uuid, id uuid)
language plpgsql security definer set search_path = '' as $$
declare
    v_ids uuid[];
    v_customer uuid;
begin
    return query
    select false, p.customer_id, p.id from public.pairings p
    where p.platform = p_platform and p.bot = p_bot and p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.person_id = p_person
        and p.claimed_by = 'code' and p.claimed_at > now() - interval '15 minutes' and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8'))
    order by p.claimed_at desc
    limit 1;
    if found then
        return;
    end if;
    begin
        perform tenancy.charge(null, 'pair:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot, p_team, p_kind, p_chat)::text, 'UTF8')), 'hex'),
            'pair-chat', 5, 900);
        perform tenancy.charge(null, 'pair:' || encode(sha256(convert_to(jsonb_build_array(p_platform, p_bot)::text, 'UTF8')), 'hex'), 'pair-bot', 60, 900);
    exception when sqlstate 'FF005' then
        return query select true, null::uuid, null::uuid;
        return;
    end;
    v_ids := array(
        select p.id from public.pairings p
            join public.customers c on c.id = p.customer_id and c.archived_at is null
        where p.platform = p_platform and p.bot = p_bot and p.state = 'open' and p.expires_at > now()
            and p.code_hash = sha256(uuid_send(p.id) || convert_to(p_code, 'UTF8')));
    if cardinality(v_ids) <> 1 then
        return;
    end if;
    select p.customer_id into v_customer from public.pairings p where p.id = v_ids[1] and p.platform = p_platform and p.bot = p_bot;
    begin
        perform tenancy.charge(null, 'pair:' || v_customer, 'pair-customer', 10, 3600);
    exception when sqlstate 'FF005' then
        return query select true, null::uuid, null::uuid;
        return;
    end;
    return query select false, v_customer, v_ids[1];
end
$$;
revoke execute on function tenancy.find_pairing_by_code(text, text, text, text, text, text, text) from public;
grant execute on function tenancy.find_pairing_by_code(text, text, text, text, text, text, text) to fanfare_worker;
alter function tenancy.find_pairing_by_code(text, text, text, text, text, text, text) owner to fanfare_definer;

-- The pairing whose link somebody has followed; no row where there is none or it has expired. One that this chat has used
-- already is found again, as above.
create function tenancy.find_pairing_by_link(p_platform text, p_bot text, p_team text, p_kind text, p_chat text, p_person text, p_link_hash bytea)
returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select p.customer_id, p.id
    from public.pairings p
        join public.customers c on c.id = p.customer_id and c.archived_at is null
    where p.link_hash = p_link_hash and p.platform = p_platform and p.bot = p_bot
        and (p.state = 'open' and p.expires_at > now()
            or p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.person_id = p_person and p.claimed_by = 'link'
                and p.claimed_at > now() - interval '15 minutes');
end
$$;
revoke execute on function tenancy.find_pairing_by_link(text, text, text, text, text, text, bytea) from public;
grant execute on function tenancy.find_pairing_by_link(text, text, text, text, text, text, bytea) to fanfare_worker;
alter function tenancy.find_pairing_by_link(text, text, text, text, text, text, bytea) owner to fanfare_definer;

-- Which space a chat is, and whose; no row where it is nobody's.
create function tenancy.chat_holder(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) returns table (customer_id uuid, space_id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select s.customer_id, s.id from public.spaces s
    where s.platform = p_platform and s.bot = p_bot and s.team = p_team and s.kind = p_kind and s.external_id = p_chat and s.ended_at is null;
end
$$;
revoke execute on function tenancy.chat_holder(text, text, text, text, text) from public;
grant execute on function tenancy.chat_holder(text, text, text, text, text) to fanfare_worker;
alter function tenancy.chat_holder(text, text, text, text, text) owner to fanfare_definer;

-- Whether a chat that is nobody's has used a code, and somebody is still to confirm it.
create function tenancy.chat_waits(p_platform text, p_bot text, p_team text, p_kind text, p_chat text) returns boolean
language plpgsql stable security definer set search_path = '' as $$
begin
    return exists (
        select from public.pairings p
        where p.platform = p_platform and p.bot = p_bot and p.external_id = p_chat and p.kind = p_kind and p.team = p_team and p.claimed_at is not null
            and p.state = 'claimed' and p.claimed_by = 'code' and p.confirmed_at is null and p.expires_at > now());
end
$$;
revoke execute on function tenancy.chat_waits(text, text, text, text, text) from public;
grant execute on function tenancy.chat_waits(text, text, text, text, text) to fanfare_worker;
alter function tenancy.chat_waits(text, text, text, text, text) owner to fanfare_definer;

-- Pairings of all customers that may be completed: used by their link or confirmed, and the chat is nobody else's.
create function tenancy.pairings_ready(p_limit integer) returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select p.customer_id, p.id
    from public.pairings p
        join public.customers c on c.id = p.customer_id and c.archived_at is null
    where p.state = 'claimed' and (p.claimed_by = 'link' or p.confirmed_at is not null) and p.expires_at > now()
        and not exists (
            select from public.spaces s
            where s.platform = p.platform and s.bot = p.bot and s.team = p.team and s.kind = p.kind and s.external_id = p.external_id and s.ended_at is null
                and s.customer_id <> p.customer_id)
    order by p.claimed_at
    limit p_limit;
end
$$;
revoke execute on function tenancy.pairings_ready(integer) from public;
grant execute on function tenancy.pairings_ready(integer) to fanfare_worker;
alter function tenancy.pairings_ready(integer) owner to fanfare_definer;

-- As before, and the end of a pairing.
create or replace function tenancy.number_job() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.queue := case new.kind when 'publish' then 'publish' when 'check_integration' then 'checks' when 'invitation_email' then 'mail'
            when 'expire_pairing' then 'pairings' end;
        if new.queue is null then
            raise insufficient_privilege using message = 'permission denied: tenants enqueue no such job';
        end if;
        new.id := nextval('river.river_job_id_seq');
        new.created_at := now();
        new.unique_key := sha256(convert_to(new.customer_id::text, 'UTF8') || new.unique_key);
    end if;
    return new;
end
$$;
create policy river_job_agent_insert_pairing on river.river_job for insert to fanfare_agent
    with check ((select tenancy.has_permission('spaces:pair')) and (select tenancy.space_id()) is null and kind = 'expire_pairing' and state in ('available', 'scheduled') and attempt = 0);
-- River's INSERT shows what it has inserted.
create policy river_job_agent_select_pairing on river.river_job for select to fanfare_agent
    using ((select tenancy.has_permission('spaces:pair')) and (select tenancy.space_id()) is null and kind = 'expire_pairing');

-- migrate:down
drop policy river_job_agent_select_pairing on river.river_job;
drop policy river_job_agent_insert_pairing on river.river_job;
create or replace function tenancy.number_job() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.queue := case new.kind when 'publish' then 'publish' when 'check_integration' then 'checks' when 'invitation_email' then 'mail' end;
        if new.queue is null then
            raise insufficient_privilege using message = 'permission denied: tenants enqueue no such job';
        end if;
        new.id := nextval('river.river_job_id_seq');
        new.created_at := now();
        new.unique_key := sha256(convert_to(new.customer_id::text, 'UTF8') || new.unique_key);
    end if;
    return new;
end
$$;
drop function tenancy.pairings_ready(integer);
drop function tenancy.chat_waits(text, text, text, text, text);
drop function tenancy.chat_holder(text, text, text, text, text);
drop function tenancy.find_pairing_by_link(text, text, text, text, text, text, bytea);
drop function tenancy.find_pairing_by_code(text, text, text, text, text, text, text);
drop table pairings;
drop function tenancy.pairing_permissions();
drop function tenancy.permit_pairing();
drop function tenancy.guard_pairing();
drop function tenancy.pairing_stands(uuid);
