-- migrate:up

-- Credentials that agents work with: keys of language models, of a customer, a space or one person in it; and the MCP servers
-- that a space uses, with what lets in there. What somebody gives in a group is theirs alone until they share it.
set local row_security = off;

create table mcp_servers (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    space_id uuid not null,
    name text not null,
    url text not null,
    -- how it is without a credential; each credential has its own
    status text not null default 'unchecked',
    -- how it is signed in to: oauth, or token for one that its owner gives out; NULL: not known, or nobody has to
    login text,
    -- what it says of itself: name, version, tools
    server jsonb,
    failure_code text,
    failure text,
    -- checks in a row that failed
    failures integer not null default 0,
    checked_at timestamptz,
    -- NULL: the space has ended
    next_check_at timestamptz default now(),
    -- how people sign in, as internal/mcpclient has it
    metadata jsonb,
    -- sealed: this installation as a client of the server's authorization server
    registration bytea,
    key_id bigint,
    created_by uuid default coalesce(tenancy.user_id(), tenancy.acts_for()),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint mcp_servers_pkey primary key (customer_id, id),
    constraint mcp_servers_url_key unique (customer_id, space_id, url),
    constraint mcp_servers_space_key unique (customer_id, space_id, id),
    constraint mcp_servers_customer_fkey foreign key (customer_id) references customers (id),
    constraint mcp_servers_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint mcp_servers_created_by_fkey foreign key (created_by) references users (id),
    constraint mcp_servers_name_length check (char_length(name) between 1 and 100),
    constraint mcp_servers_url_length check (octet_length(url) between 1 and 2048),
    constraint mcp_servers_status_known check (status in ('unchecked', 'connected', 'needs_login', 'failing')),
    constraint mcp_servers_login_known check (login in ('oauth', 'token')),
    constraint mcp_servers_failure_length check (char_length(failure) <= 1000 and char_length(failure_code) <= 100),
    constraint mcp_servers_server_size check (octet_length(server::text) <= 1000000 and octet_length(metadata::text) <= 100000),
    constraint mcp_servers_registration_held check ((registration is null) = (key_id is null))
);
create index mcp_servers_to_check on mcp_servers (next_check_at) where next_check_at is not null;

create table credentials (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- NULL: the whole customer's
    space_id uuid,
    kind text not null,
    -- whose it is: their id on the space's platform, or 'agent:' and a name that programs give; NULL: the space's or the
    -- customer's own, which admins look after
    person text,
    name text not null,
    -- of a language model
    provider text,
    model text,
    base_url text not null default '',
    -- the last characters of a key
    hint text not null default '',
    -- of an MCP server; NULL once that is gone
    mcp_server_id uuid,
    login text,
    -- sealed; NULL once it is withdrawn and nobody else has to be told
    credential bytea,
    key_id bigint,
    -- since when its person lets the others in the space use it, and who said so: a user, a token, or somebody in the chat
    shared_at timestamptz,
    shared_by uuid,
    -- it is used no more; the worker tells the server, where it can be told, and deletes it
    withdrawn_at timestamptz,
    -- how the server is with it
    status text not null default 'unchecked',
    server jsonb,
    failure_code text,
    failure text,
    failures integer not null default 0,
    checked_at timestamptz,
    next_check_at timestamptz default now(),
    -- when the access token ends, and when it is to be renewed; NULL: never, or it cannot be
    expires_at timestamptz,
    renew_at timestamptz,
    -- who renews it, until when; compared and set in one statement
    lease uuid,
    lease_until timestamptz,
    -- a renewal was begun and nobody knows what the server made of it
    unanswered boolean not null default false,
    created_by uuid default coalesce(tenancy.user_id(), tenancy.acts_for()),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint credentials_pkey primary key (customer_id, id),
    constraint credentials_customer_fkey foreign key (customer_id) references customers (id),
    constraint credentials_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint credentials_server_fkey foreign key (customer_id, space_id, mcp_server_id) references mcp_servers (customer_id, space_id, id),
    constraint credentials_created_by_fkey foreign key (created_by) references users (id),
    constraint credentials_kind_whole check (case kind
        when 'llm' then provider is not null and model is not null and mcp_server_id is null and login is null
        when 'mcp' then provider is null and model is null and base_url = '' and login is not null and space_id is not null
            and (mcp_server_id is not null or withdrawn_at is not null)
        else false end),
    constraint credentials_person_in_space check (person is null or space_id is not null),
    constraint credentials_person_length check (char_length(person) between 1 and 200),
    constraint credentials_name_length check (char_length(name) between 1 and 100),
    constraint credentials_provider_known check (provider in ('anthropic', 'gemini', 'openai')),
    constraint credentials_model_length check (char_length(model) between 1 and 200),
    constraint credentials_base_url_length check (char_length(base_url) <= 2000),
    constraint credentials_hint_length check (char_length(hint) <= 4),
    constraint credentials_login_known check (login in ('oauth', 'token')),
    constraint credentials_held check ((credential is null) = (key_id is null) and (credential is not null or withdrawn_at is not null)),
    constraint credentials_shared_by_its_person check (shared_at is null or (person is not null and withdrawn_at is null)),
    constraint credentials_share_whole check ((shared_at is null) = (shared_by is null)),
    constraint credentials_status_known check (status in ('unchecked', 'connected', 'needs_login', 'failing')),
    constraint credentials_failure_length check (char_length(failure) <= 1000 and char_length(failure_code) <= 100),
    constraint credentials_server_size check (octet_length(server::text) <= 1000000),
    constraint credentials_lease_ends check ((lease is null) = (lease_until is null))
);
-- One key of a language model, and one way into a server, for a customer, a space and a person each.
create unique index credentials_llm_key on credentials (customer_id, space_id, person) nulls not distinct where kind = 'llm' and withdrawn_at is null;
create unique index credentials_mcp_key on credentials (customer_id, mcp_server_id, person) nulls not distinct where kind = 'mcp' and withdrawn_at is null;
create index credentials_by_space on credentials (customer_id, space_id, id);
create index credentials_to_check on credentials (next_check_at) where kind = 'mcp' and withdrawn_at is null;
create index credentials_to_renew on credentials (renew_at) where withdrawn_at is null and renew_at is not null;
create index credentials_withdrawn on credentials (withdrawn_at) where withdrawn_at is not null;
create index river_job_of_mcp on river.river_job (customer_id, (args ->> 'mcp_server_id'), (args ->> 'credential_id'))
    where kind in ('check_mcp_server', 'end_credential') and state in ('available', 'pending', 'retryable', 'running', 'scheduled');

-- Who the caller is at this moment, and where: ids of spaces, each with the platform's id of somebody in it and a space between
-- the two. In a chat it is whoever speaks, with a token the person that it names and never one of the chat, and of a member all
-- whom the customer knows them to be.
create function tenancy.own_places() returns text[]
language plpgsql stable security definer set search_path = '' as $$
begin
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        return array(
            select s.id::text || ' ' || tenancy.person()
            from public.spaces s
            where s.customer_id = tenancy.customer_id() and s.id = tenancy.space_id() and s.ended_at is null
                and (tenancy.person() like 'agent:%' or exists (
                    select from public.space_people p
                    where p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = tenancy.person() and p.left_at is null)));
    end if;
    return array(
        select s.id::text || ' ' || p.external_id
        from public.chat_identities i
            join public.spaces s on s.customer_id = i.customer_id and s.platform = i.platform and s.bot = i.bot and s.team = i.team and s.ended_at is null
            join public.space_people p on p.customer_id = s.customer_id and p.space_id = s.id and p.external_id = i.external_id and p.left_at is null
        where i.customer_id = tenancy.customer_id() and i.user_id = tenancy.user_id() and tenancy.member_role() is not null
        order by p.external_id);
end
$$;
revoke execute on function tenancy.own_places() from public;
grant execute on function tenancy.own_places() to fanfare_user, fanfare_agent, fanfare_admin;

-- The same of one space: the platform's ids alone.
create function tenancy.own_people(p_space_id uuid) returns text[]
language sql stable parallel safe
return array(select substr(o, 38) from unnest(tenancy.own_places()) o where substr(o, 1, 36) = p_space_id::text);
grant execute on function tenancy.own_people(uuid) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_definer;

-- Keeps a space, and somebody in it, as they are until the transaction ends, and tells whether they are there: whoever may give
-- something there, for that person or (NULL) for the space.
create function tenancy.hold_space(p_space_id uuid, p_person text) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    if (case
        when tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null
            then tenancy.has_permission('credentials:write') and p_space_id = tenancy.space_id() and p_person = tenancy.person()
        when p_person is null then tenancy.has_role('admin') or tenancy.has_system_role('admin')
        else tenancy.has_role('member') and p_person = any (tenancy.own_people(p_space_id)) end) is not true
    then
        raise insufficient_privilege using message = 'permission denied: it is not yours to give there';
    end if;
    perform from public.spaces s where s.customer_id = tenancy.customer_id() and s.id = p_space_id and s.ended_at is null for share;
    if not found then
        return false;
    end if;
    if p_person is null or p_person like 'agent:%' then
        return true;
    end if;
    perform from public.space_people p
    where p.customer_id = tenancy.customer_id() and p.space_id = p_space_id and p.external_id = p_person and p.left_at is null for share;
    return found;
end
$$;
revoke execute on function tenancy.hold_space(uuid, text) from public;
grant execute on function tenancy.hold_space(uuid, text) to fanfare_user, fanfare_agent, fanfare_admin;
-- So that they can be locked; nothing is changed.
create policy spaces_definer_hold on spaces for update to fanfare_definer using (true) with check (false);
create policy space_people_definer_hold on space_people for update to fanfare_definer using (true) with check (false);
grant update (ended_at) on spaces to fanfare_definer;
grant update (left_at) on space_people to fanfare_definer;

-- Who gives something for a person is in the space at that moment; what is withdrawn stays so; a new secret begins anew. Taking
-- back one's consent, or what one has given, takes no permission.
create function tenancy.guard_credential() returns trigger
language plpgsql as $$
declare
    v_person boolean := current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin');
begin
    if tg_op = 'INSERT' then
        -- what is another customer's, the policies refuse
        if v_person and new.customer_id = tenancy.customer_id() and new.space_id is not null and not tenancy.hold_space(new.space_id, new.person) then
            raise foreign_key_violation using message = 'the space has ended, or the person is not in it',
                constraint = 'credentials_space_fkey', table = 'credentials', schema = 'public';
        end if;
        return new;
    end if;
    if old.withdrawn_at is not null and v_person then
        raise check_violation using message = 'the credential is withdrawn', constraint = 'credentials_ended', table = 'credentials', schema = 'public';
    end if;
    if new.withdrawn_at is not null then
        new.withdrawn_at := coalesce(old.withdrawn_at, now());
        new.shared_at := null;
        if new.login is distinct from 'oauth' then
            new.credential := null;
            new.key_id := null;
        end if;
        new.next_check_at := null;
        new.renew_at := null;
    end if;
    -- consent is for what it was given for
    if v_person and new.credential is distinct from old.credential and new.shared_at is not distinct from old.shared_at then
        new.shared_at := null;
    end if;
    if new.shared_at is null then
        new.shared_by := null;
    elsif old.shared_at is not null and new.credential is not distinct from old.credential then
        new.shared_at := old.shared_at;
        new.shared_by := old.shared_by;
    elsif v_person then
        if not tenancy.hold_space(new.space_id, new.person) then
            raise insufficient_privilege using message = 'permission denied: the person is not in the space';
        end if;
        -- whoever's key it is sees what is asked with it
        if current_user = 'fanfare_agent' and new.kind = 'llm' and not tenancy.has_permission('posts:write') then
            raise insufficient_privilege using message = 'permission denied: what posts are written with is shared by those who write posts';
        end if;
        new.shared_at := now();
        new.shared_by := tenancy.actor_id();
    end if;
    if v_person then
        if (current_user = 'fanfare_user' and not tenancy.has_role('member') or current_user = 'fanfare_agent' and not tenancy.has_permission('credentials:write'))
            and ((new.name, new.provider, new.model, new.base_url, new.hint) is distinct from (old.name, old.provider, old.model, old.base_url, old.hint)
                or (new.credential is distinct from old.credential and new.withdrawn_at is null) or (new.shared_at is not null and old.shared_at is null))
        then
            raise insufficient_privilege using message = 'permission denied: it can only be taken back';
        end if;
        if new.credential is distinct from old.credential and new.withdrawn_at is null then
            new.status := 'unchecked';
            new.server := null;
            new.failure_code := null;
            new.failure := null;
            new.failures := 0;
            new.checked_at := null;
            new.next_check_at := now();
            new.lease := null;
            new.lease_until := null;
            new.unanswered := false;
        end if;
    end if;
    return new;
end
$$;
create trigger credentials_guard before insert or update on credentials for each row execute function tenancy.guard_credential();
-- Not when it is checked, renewed or sealed anew: that is no change that somebody must have seen.
create trigger credentials_touch before update on credentials
    for each row when (current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin')) execute function tenancy.touch();

-- Another address is another server: nothing that was given for the one before is shown to it.
create function tenancy.guard_mcp_server() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        -- what is another customer's, the policies refuse
        if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') and new.customer_id = tenancy.customer_id() and not tenancy.hold_space(new.space_id, null) then
            raise foreign_key_violation using message = 'there is no such space, or it has ended',
                constraint = 'mcp_servers_space_fkey', table = 'mcp_servers', schema = 'public';
        end if;
        perform pg_catalog.pg_advisory_xact_lock(7262837, hashtext(new.customer_id::text));
        if (select count(*) from public.mcp_servers m where m.customer_id = new.customer_id and m.space_id = new.space_id) >= 50 then
            raise check_violation using message = 'a space has at most 50 MCP servers',
                constraint = 'mcp_servers_limit', table = 'mcp_servers', schema = 'public';
        end if;
        if (select count(*) from public.mcp_servers m where m.customer_id = new.customer_id) >= 200 then
            raise check_violation using message = 'a customer has at most 200 MCP servers',
                constraint = 'mcp_servers_customer_limit', table = 'mcp_servers', schema = 'public';
        end if;
        return new;
    end if;
    if new.url <> old.url then
        new.status := 'unchecked';
        new.login := null;
        new.server := null;
        new.failure_code := null;
        new.failure := null;
        new.failures := 0;
        new.checked_at := null;
        new.next_check_at := now();
        new.metadata := null;
        new.registration := null;
        new.key_id := null;
    end if;
    return new;
end
$$;
create trigger mcp_servers_guard before insert or update on mcp_servers for each row execute function tenancy.guard_mcp_server();
create trigger mcp_servers_touch before update on mcp_servers
    for each row when (current_user in ('fanfare_user', 'fanfare_admin')) execute function tenancy.touch();

-- Withdraws what was given for a server that is deleted or has another address, and ends sign-ins that are under way.
create function tenancy.withdraw_mcp_server() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.credentials c
    set withdrawn_at = now(), mcp_server_id = case when tg_op = 'UPDATE' then c.mcp_server_id end
    where c.customer_id = old.customer_id and c.mcp_server_id = old.id;
    delete from public.connect_sessions s where s.customer_id = old.customer_id and s.mcp_server_id = old.id;
    if tg_op = 'UPDATE' then
        return new;
    end if;
    return old;
end
$$;
revoke execute on function tenancy.withdraw_mcp_server() from public;
create trigger mcp_servers_withdraw_deleted before delete on mcp_servers for each row execute function tenancy.withdraw_mcp_server();
create trigger mcp_servers_withdraw_moved after update on mcp_servers for each row when (old.url <> new.url) execute function tenancy.withdraw_mcp_server();

-- Who leaves a space takes along what they gave; with the space everything ends that was given for it.
create function tenancy.withdraw_person() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.credentials c set withdrawn_at = now()
    where c.customer_id = new.customer_id and c.space_id = new.space_id and c.person = new.external_id and c.withdrawn_at is null;
    return null;
end
$$;
revoke execute on function tenancy.withdraw_person() from public;
create trigger space_people_withdraw after update on space_people
    for each row when (old.left_at is null and new.left_at is not null) execute function tenancy.withdraw_person();

-- When somebody in a chat turns out to be another member than was known, or one where none was, what was given there before is
-- withdrawn: a link that somebody else made, and they were talked into following, makes nothing of theirs the other's.
create function tenancy.withdraw_identity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- what is being given at this moment is given before or after
    perform from public.space_people p
        join public.spaces s on s.customer_id = p.customer_id and s.id = p.space_id
    where s.customer_id = new.customer_id and s.platform = new.platform and s.bot = new.bot and s.team = new.team and p.external_id = new.external_id
    for no key update of p;
    update public.credentials c set withdrawn_at = now()
    from public.spaces s
    where s.customer_id = new.customer_id and s.platform = new.platform and s.bot = new.bot and s.team = new.team
        and c.customer_id = s.customer_id and c.space_id = s.id and c.person = new.external_id and c.withdrawn_at is null;
    return null;
end
$$;
revoke execute on function tenancy.withdraw_identity() from public;
create trigger chat_identities_withdraw after insert on chat_identities for each row execute function tenancy.withdraw_identity();
create trigger chat_identities_withdraw_changed after update on chat_identities
    for each row when (old.user_id <> new.user_id) execute function tenancy.withdraw_identity();

create function tenancy.withdraw_space() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.credentials c set withdrawn_at = now()
    where c.customer_id = new.customer_id and c.space_id = new.id and c.withdrawn_at is null;
    update public.mcp_servers m set next_check_at = null where m.customer_id = new.customer_id and m.space_id = new.id;
    -- What was still to be said there is nobody's business any more: least of all whose the chat is next.
    delete from public.chat_outbox o where o.subject_id = new.customer_id and o.space_id = new.id and o.ended_at is null;
    return null;
end
$$;
revoke execute on function tenancy.withdraw_space() from public;
create trigger spaces_withdraw after update on spaces
    for each row when (old.ended_at is null and new.ended_at is not null) execute function tenancy.withdraw_space();

-- What a token has shared is shared no more once it, or the key that it was made with, is revoked.
create function tenancy.unshare_of_token() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.credentials c set shared_at = null, version = c.version + 1, updated_at = now()
    where c.customer_id = new.customer_id and c.shared_at is not null and c.shared_by in (
        select t.id from public.agent_tokens t
        where t.customer_id = new.customer_id and new.id = case tg_table_name when 'api_keys' then t.api_key_id else t.id end);
    return null;
end
$$;
revoke execute on function tenancy.unshare_of_token() from public;
create trigger agent_tokens_unshare after update on agent_tokens
    for each row when (old.revoked_at is null and new.revoked_at is not null) execute function tenancy.unshare_of_token();
create trigger api_keys_unshare after update on api_keys
    for each row when (old.revoked_at is null and new.revoked_at is not null) execute function tenancy.unshare_of_token();

-- Takes back what somebody else shares in a space, which owners and admins may: the sharing, or with p_delete the whole of it. They
-- change nothing else of it, and do not see it afterwards. Answers how many that were.
create function tenancy.take_back_shared(p_id uuid, p_space_id uuid, p_version bigint, p_delete boolean) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    if (tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin') is not true then
        return 0;
    end if;
    update public.credentials c
    set shared_at = null, withdrawn_at = case when p_delete then now() end, version = c.version + 1, updated_at = now()
    where c.customer_id = tenancy.customer_id() and c.space_id = p_space_id and c.id = p_id and c.shared_at is not null and c.withdrawn_at is null
        and c.version = coalesce(p_version, c.version);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
revoke execute on function tenancy.take_back_shared(uuid, uuid, bigint, boolean) from public;
grant execute on function tenancy.take_back_shared(uuid, uuid, bigint, boolean) to fanfare_user, fanfare_agent, fanfare_admin;

alter table mcp_servers enable row level security;
alter table mcp_servers force row level security;
create policy mcp_servers_tenant on mcp_servers as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy mcp_servers_select on mcp_servers for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy mcp_servers_insert on mcp_servers for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy mcp_servers_update on mcp_servers for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy mcp_servers_delete on mcp_servers for delete to fanfare_user using ((select tenancy.has_role('admin')));
create policy mcp_servers_admin_insert on mcp_servers for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy mcp_servers_admin_update on mcp_servers for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy mcp_servers_admin_delete on mcp_servers for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
create policy mcp_servers_agent_select on mcp_servers for select to fanfare_agent
    using ((select tenancy.has_any_permission('spaces:read', 'credentials:write'))
        and ((select tenancy.space_id()) is null or space_id = (select tenancy.space_id())));
create policy mcp_servers_worker_update on mcp_servers for update to fanfare_worker using (true) with check (true);
grant select (customer_id, id, space_id, name, url, status, login, server, failure_code, failure, failures, checked_at, next_check_at, metadata, key_id,
        created_by, version, created_at, updated_at) on mcp_servers to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
grant insert (id, space_id, name, url), update (name, url, registration, key_id), delete on mcp_servers to fanfare_user, fanfare_admin;
grant update (status, login, server, failure_code, failure, failures, checked_at, next_check_at, metadata) on mcp_servers to fanfare_worker;
create policy mcp_servers_definer on mcp_servers to fanfare_definer using (true) with check (true);
grant select (ctid, customer_id, id, space_id, name, url, next_check_at, checked_at, registration, key_id, metadata), update (next_check_at, registration, key_id, metadata, login),
    delete on mcp_servers to fanfare_definer;
-- An address may hold what only its owner should know.
select tenancy.audit_table('mcp_servers', 'mcp_server', 'id', '{url,registration}',
    '{key_id,status,login,server,failure_code,failure,failures,checked_at,next_check_at,metadata}');

alter table credentials enable row level security;
alter table credentials force row level security;
create policy credentials_tenant on credentials as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- What is somebody's, nobody else sees before it is shared.
create policy credentials_select on credentials for select to fanfare_user
    using (person is null or (space_id::text || ' ' || person) = any ((select tenancy.own_places())::text[]) or (shared_at is not null and (select tenancy.reads_as_admin())));
create policy credentials_admin_select on credentials for select to fanfare_admin using (person is null or shared_at is not null);
create policy credentials_agent_select on credentials for select to fanfare_agent
    using ((select tenancy.has_any_permission('spaces:read', 'credentials:write'))
        and case when (select tenancy.space_id()) is null then person is null
            else space_id = (select tenancy.space_id()) and (person is null or person = (select tenancy.person())
                or (shared_at is not null and (person not like 'agent:%' or (select tenancy.token_id()) is not null))) end);
create policy credentials_worker on credentials to fanfare_worker using (true) with check (true);
create policy credentials_insert on credentials for insert to fanfare_user
    with check (case when person is null then (select tenancy.has_role('admin'))
        else (select tenancy.has_role('member')) and (space_id::text || ' ' || person) = any ((select tenancy.own_places())::text[]) end);
create policy credentials_update on credentials for update to fanfare_user
    using (case when person is null then (select tenancy.has_role('admin')) else (space_id::text || ' ' || person) = any ((select tenancy.own_places())::text[]) end)
    with check (case when person is null then (select tenancy.has_role('admin')) else (space_id::text || ' ' || person) = any ((select tenancy.own_places())::text[]) end);
create policy credentials_admin_insert on credentials for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')) and person is null);
create policy credentials_admin_update on credentials for update to fanfare_admin
    using ((select tenancy.has_system_role('admin')) and person is null)
    with check ((select tenancy.has_system_role('admin')) and person is null);
create policy credentials_agent_insert on credentials for insert to fanfare_agent
    with check ((select tenancy.has_permission('credentials:write')) and space_id = (select tenancy.space_id()) and person = (select tenancy.person()));
create policy credentials_agent_update on credentials for update to fanfare_agent
    using ((select tenancy.has_any_permission('spaces:read', 'credentials:write')) and space_id = (select tenancy.space_id()) and person = (select tenancy.person()))
    with check (space_id = (select tenancy.space_id()) and person = (select tenancy.person()));
grant select (customer_id, id, space_id, kind, person, name, provider, model, base_url, hint, mcp_server_id, login, key_id, shared_at, shared_by, withdrawn_at,
        status, server, failure_code, failure, failures, checked_at, next_check_at, expires_at, created_by, version, created_at, updated_at)
    on credentials to fanfare_user, fanfare_agent, fanfare_admin;
grant insert (id, space_id, kind, person, name, provider, model, base_url, hint, mcp_server_id, login, credential, key_id, expires_at, renew_at),
    update (name, provider, model, base_url, hint, login, credential, key_id, expires_at, renew_at, shared_at, withdrawn_at)
    on credentials to fanfare_user, fanfare_agent, fanfare_admin;
grant select (customer_id, id, space_id, kind, person, name, provider, model, base_url, mcp_server_id, login, key_id, shared_at, shared_by, withdrawn_at,
        status, server, failure_code, failure, failures, checked_at, next_check_at, expires_at, renew_at, lease, lease_until, unanswered,
        created_by, version, created_at, updated_at),
    update (credential, key_id, status, server, failure_code, failure, failures, checked_at, next_check_at, expires_at, renew_at, lease, lease_until, unanswered), delete
    on credentials to fanfare_worker;
create policy credentials_definer on credentials to fanfare_definer using (true) with check (true);
grant select, update (credential, key_id, mcp_server_id, shared_at, withdrawn_at, next_check_at, version, updated_at), delete on credentials to fanfare_definer;
grant select (ctid) on credentials to fanfare_definer;
select tenancy.audit_table('credentials', 'credential', 'id', '{credential,base_url}',
    '{key_id,status,server,failure_code,failure,failures,checked_at,next_check_at,expires_at,renew_at,lease,lease_until,unanswered}');

-- Whoever may change something in the space it is theirs knows that it is there.
create policy spaces_agent_select_own on spaces for select to fanfare_agent
    using ((select tenancy.has_any_permission('credentials:write')) and id = (select tenancy.space_id()));

-- Servers as the caller finds them: with the credential that is used for them, if there is one: their own, then the
-- space's, then what others share in the space.
create view mcp_servers_with_status with (security_invoker = true) as
select m.id, m.space_id, m.name, m.url, m.version, m.created_at, m.updated_at,
    m.status, m.login, m.server, m.failure_code, m.failure, m.checked_at, (m.key_id is not null)::boolean as registered,
    c.id as used_id, c.login as used_login, c.whose as used_of, c.expires_at as used_until, c.status as used_status, c.server as used_server,
    c.failure_code as used_failure_code, c.failure as used_failure, c.checked_at as used_checked_at
from mcp_servers m
    left join lateral (
        select o.id, o.status, o.server, o.failure_code, o.failure, o.checked_at, o.login, o.expires_at,
            case when o.person is null then 'space' when o.person = any (p.people) then 'me' else 'shared' end as whose
        from (select tenancy.own_people(m.space_id) as people) p
            join credentials o on o.customer_id = m.customer_id and o.mcp_server_id = m.id and o.kind = 'mcp' and o.withdrawn_at is null
                and (o.person is null or o.person = any (p.people)
                    or (o.shared_at is not null and (o.person not like 'agent:%' or tenancy.token_id() is not null)
                        and (cardinality(p.people) > 0 or tenancy.space_id() = m.space_id)))
        order by coalesce(o.person = any (p.people), false) desc, o.person is null desc, o.shared_at, o.id
        limit 1) c on true;
grant select on mcp_servers_with_status to fanfare_user, fanfare_agent, fanfare_admin;

-- Hands out the sealed key of the language model that answers the caller, and records the use: their own in the space that
-- they act in, then the space's, then the customer's, then one that somebody shares there: what others ask goes where an admin says,
-- if one has said it. What a program shares is for programs: no person is answered with it. No row: there is none.
create function tenancy.find_llm_credential() returns table (id uuid, provider text, model text, base_url text, credential bytea)
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_space uuid := tenancy.space_id();
    v_people text[] := tenancy.own_people(tenancy.space_id());
begin
    if (tenancy.has_role('member') or tenancy.has_system_role('manager') or tenancy.has_permission('posts:write')) is not true then
        raise insufficient_privilege using message = 'permission denied: the role does not allow asking a language model';
    end if;
    select c.id, c.provider, c.model, c.base_url, c.credential, c.person, c.space_id into v
    from public.credentials c
        left join public.spaces s on s.customer_id = c.customer_id and s.id = c.space_id
        left join public.space_people p on p.customer_id = c.customer_id and p.space_id = c.space_id and p.external_id = c.person
    where c.customer_id = tenancy.customer_id() and c.kind = 'llm' and c.withdrawn_at is null
        and (c.space_id is null or (c.space_id = v_space and s.ended_at is null
            and (c.person is null or case when c.person like 'agent:%' then c.person = any (v_people) or (c.shared_at is not null and tenancy.token_id() is not null)
                else p.id is not null and p.left_at is null and (c.person = any (v_people) or c.shared_at is not null) end)))
    order by coalesce(c.person = any (v_people), false) desc, c.person is null desc, c.space_id is null, c.shared_at, c.id
    limit 1;
    if v.id is null then
        return;
    end if;
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('credential.credential_use', 'credential'),
        tenancy.customer_id(), v.id::text, jsonb_build_object('purpose', 'generate')));
    return query select v.id, v.provider, v.model, v.base_url, v.credential;
end
$$;
revoke execute on function tenancy.find_llm_credential() from public;
grant execute on function tenancy.find_llm_credential() to fanfare_user, fanfare_agent, fanfare_admin;

-- Hands out the sealed credential of an MCP server, and records the use. NULL where there is none: not one that is
-- withdrawn, unless to end it, nor of somebody who has left, or a space that has ended.
create function tenancy.use_mcp_credential(p_id uuid, p_purpose text) returns bytea
language plpgsql security definer set search_path = '' as $$
declare
    v_credential bytea;
begin
    select c.credential into v_credential
    from public.credentials c
        join public.spaces s on s.customer_id = c.customer_id and s.id = c.space_id
    where c.customer_id = tenancy.customer_id() and c.id = p_id and c.kind = 'mcp'
        and case p_purpose when 'revoke' then c.withdrawn_at is not null
            else c.withdrawn_at is null and s.ended_at is null and (c.person is null or c.person like 'agent:%' or exists (
                select from public.space_people p
                where p.customer_id = c.customer_id and p.space_id = c.space_id and p.external_id = c.person and p.left_at is null)) end;
    if v_credential is not null then
        perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('credential.credential_use', 'credential'),
            tenancy.customer_id(), p_id::text, jsonb_build_object('purpose', p_purpose)));
    end if;
    return v_credential;
end
$$;
revoke execute on function tenancy.use_mcp_credential(uuid, text) from public;
grant execute on function tenancy.use_mcp_credential(uuid, text) to fanfare_worker;

-- Hands out the sealed sign-ins at MCP servers of a customer that is to be erased, to end them there. One record for all.
create function tenancy.use_mcp_credentials_of_erased(p_erasure uuid) returns table (id uuid, credential bytea)
language plpgsql security definer set search_path = '' as $$
declare
    v_subject uuid;
begin
    select e.subject_id into v_subject from public.erasures e where e.id = p_erasure and e.state = 'requested';
    if v_subject is null or not exists (
        select from public.credentials c where c.customer_id = v_subject and c.kind = 'mcp' and c.login = 'oauth' and c.credential is not null)
    then
        return;
    end if;
    perform tenancy.audit_event(tenancy.installation_id(), 'credential.credential_use', 'customer', v_subject::text,
        jsonb_build_object('purpose', 'revoke', 'erasure_id', p_erasure));
    return query
    select c.id, c.credential
    from public.credentials c
    where c.customer_id = v_subject and c.kind = 'mcp' and c.login = 'oauth' and c.credential is not null
    order by c.id;
end
$$;
revoke execute on function tenancy.use_mcp_credentials_of_erased(uuid) from public;
grant execute on function tenancy.use_mcp_credentials_of_erased(uuid) to fanfare_worker;

-- Whether the entered user may sign in to a server: as the space, or as themselves in it.
create function tenancy.may_connect_mcp(p_server_id uuid, p_person text) returns boolean
language plpgsql stable security definer set search_path = '' as $$
declare
    v_space uuid := (select m.space_id from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id);
begin
    if v_space is null then
        return false;
    elsif p_person is null then
        return (tenancy.has_role('admin') or tenancy.has_system_role('admin')) is true;
    end if;
    return (tenancy.has_role('member') and p_person = any (tenancy.own_people(v_space))) is true;
end
$$;
revoke execute on function tenancy.may_connect_mcp(uuid, text) from public;
grant execute on function tenancy.may_connect_mcp(uuid, text) to fanfare_user, fanfare_admin;

-- Hands out what is needed to sign in to a server: how, and as which client (sealed, NULL: as none yet).
create function tenancy.mcp_registration(p_server_id uuid, p_person text) returns table (metadata jsonb, registration bytea)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not tenancy.may_connect_mcp(p_server_id, p_person) then
        raise insufficient_privilege using message = 'permission denied: the role does not allow signing in here';
    end if;
    return query select m.metadata, m.registration from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id;
end
$$;
revoke execute on function tenancy.mcp_registration(uuid, text) from public;
grant execute on function tenancy.mcp_registration(uuid, text) to fanfare_user, fanfare_admin;

-- Keeps how to sign in to a server and the client that was registered for it, if the server is still the same.
create function tenancy.keep_mcp_registration(p_server_id uuid, p_person text, p_url text, p_metadata jsonb, p_registration bytea, p_key_id bigint) returns boolean
language plpgsql security definer set search_path = '' as $$
begin
    if not tenancy.may_connect_mcp(p_server_id, p_person) then
        raise insufficient_privilege using message = 'permission denied: the role does not allow signing in here';
    end if;
    update public.mcp_servers m set metadata = p_metadata, login = 'oauth', registration = p_registration, key_id = p_key_id
    where m.customer_id = tenancy.customer_id() and m.id = p_server_id and m.url = p_url;
    return found;
end
$$;
revoke execute on function tenancy.keep_mcp_registration(uuid, text, text, jsonb, bytea, bigint) from public;
grant execute on function tenancy.keep_mcp_registration(uuid, text, text, jsonb, bytea, bigint) to fanfare_user, fanfare_admin;

-- Has a server of the entered customer looked at, with the credential that the caller would use, or all that have none of
-- somebody else's. Ten seconds after the last time at the earliest. Answers false where the caller sees no such server.
create function tenancy.request_mcp_check(p_server_id uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_space uuid;
    v_people text[];
begin
    select m.space_id into v_space from public.mcp_servers m where m.customer_id = tenancy.customer_id() and m.id = p_server_id;
    if v_space is null then
        return false;
    end if;
    if tenancy.token_id() is not null or tenancy.key_id() is not null or tenancy.space_person_id() is not null then
        if not tenancy.has_permission('credentials:write') or v_space <> coalesce(tenancy.space_id(), v_space) then
            return false;
        end if;
    -- in an archived customer nobody has these roles
    elsif not (tenancy.has_role('member') or tenancy.has_system_role('manager')) then
        return false;
    end if;
    v_people := tenancy.own_people(v_space);
    update public.mcp_servers m set next_check_at = greatest(now(), m.checked_at + interval '10 seconds')
    where m.customer_id = tenancy.customer_id() and m.id = p_server_id and m.next_check_at is not null;
    update public.credentials c set next_check_at = greatest(now(), c.checked_at + interval '10 seconds')
    where c.customer_id = tenancy.customer_id() and c.mcp_server_id = p_server_id and c.kind = 'mcp' and c.withdrawn_at is null
        and (c.person is null or c.person = any (v_people)
            or (c.shared_at is not null and (c.person not like 'agent:%' or tenancy.token_id() is not null)
                and (cardinality(v_people) > 0 or tenancy.space_id() = v_space)));
    return true;
end
$$;
revoke execute on function tenancy.request_mcp_check(uuid) from public;
grant execute on function tenancy.request_mcp_check(uuid) to fanfare_user, fanfare_agent, fanfare_admin;

-- What is to be done about servers and credentials of all customers and has no job: 'check', with a credential or without
-- (zeros), also where its access is to be renewed; and 'end' for what is withdrawn. Ids only. Of each work a customer has at most
-- p_of_customer jobs at a time that run or are about to, however many of its servers are due, and the oldest come first.
create function tenancy.mcp_to_do(p_limit integer, p_of_customer integer) returns table (customer_id uuid, server_id uuid, credential_id uuid, work text)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_none uuid := '00000000-0000-0000-0000-000000000000';
begin
    return query
    with due as (
        select m.customer_id, m.id as server_id, v_none as credential_id, 'check' as work, m.next_check_at as due
        from public.mcp_servers m join public.customers c on c.id = m.customer_id and c.archived_at is null
        where m.next_check_at is not null and m.next_check_at <= now()
        union all
        select m.customer_id, m.mcp_server_id, m.id, 'check', m.next_check_at
        from public.credentials m join public.customers c on c.id = m.customer_id and c.archived_at is null
        where m.kind = 'mcp' and m.withdrawn_at is null and m.next_check_at <= now()
        union all
        select m.customer_id, m.mcp_server_id, m.id, 'check', m.renew_at
        from public.credentials m join public.customers c on c.id = m.customer_id
        where m.withdrawn_at is null and m.renew_at is not null and m.renew_at <= now() and (m.lease_until is null or m.lease_until <= now())
            and (m.next_check_at > now() or c.archived_at is not null) -- else it is renewed when it is looked at
        union all
        select m.customer_id, coalesce(m.mcp_server_id, v_none), m.id, 'end', m.withdrawn_at
        from public.credentials m join public.customers c on c.id = m.customer_id
        where m.withdrawn_at is not null),
    jobless as (
        select d.*, row_number() over (partition by d.customer_id, d.work order by d.due, d.server_id, d.credential_id) as place
        from due d
        where not exists (
            select from river.river_job j
            where j.customer_id = d.customer_id and j.args ->> 'mcp_server_id' = d.server_id::text and j.args ->> 'credential_id' = d.credential_id::text
                and j.kind in ('check_mcp_server', 'end_credential')
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))),
    busy as (
        select j.customer_id, case j.kind when 'end_credential' then 'end' else 'check' end as work, count(*) as jobs
        from river.river_job j
        where j.kind in ('check_mcp_server', 'end_credential')
            and (j.state in ('available', 'pending', 'running') or (j.state = 'scheduled' and j.scheduled_at <= now() + interval '5 seconds'))
        group by 1, 2)
    select d.customer_id, d.server_id, d.credential_id, d.work
    from jobless d left join busy b on b.customer_id = d.customer_id and b.work = d.work
    where d.place <= p_of_customer - coalesce(b.jobs, 0)
    order by d.due
    limit p_limit;
end
$$;
revoke execute on function tenancy.mcp_to_do(integer, integer) from public;
grant execute on function tenancy.mcp_to_do(integer, integer) to fanfare_worker;

-- Signing in to an MCP server is a way to a platform and back as any other: bound to the user, the customer, the browser.
alter table connect_sessions
    drop constraint connect_sessions_platform_known,
    add constraint connect_sessions_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp', 'mcp')) not valid;
alter table connect_sessions
    add column mcp_server_id uuid,
    -- as whom in the space; NULL: as the space
    add column person text,
    add constraint connect_sessions_server_fkey foreign key (customer_id, mcp_server_id) references mcp_servers (customer_id, id) not valid,
    add constraint connect_sessions_server_given check ((platform = 'mcp') = (mcp_server_id is not null)) not valid,
    add constraint connect_sessions_person_length check (char_length(person) between 1 and 200) not valid;
create index connect_sessions_by_server on connect_sessions (customer_id, mcp_server_id) where mcp_server_id is not null;
grant select (mcp_server_id, person), insert (mcp_server_id, person) on connect_sessions to fanfare_user, fanfare_admin;
create policy connect_sessions_mcp_insert on connect_sessions for insert to fanfare_user
    with check (platform = 'mcp' and user_id = (select tenancy.user_id()) and (select tenancy.has_role('member')) and person is not null);
create policy connect_sessions_mcp_update on connect_sessions for update to fanfare_user
    using (platform = 'mcp' and user_id = (select tenancy.user_id()) and (select tenancy.has_role('member')))
    with check (platform = 'mcp' and user_id = (select tenancy.user_id()));

create or replace function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('bots', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', null),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('credentials', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, 'credential'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('mcp_servers', 'registration', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, 'mcp_server'),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential'),
        ('webhook_secrets', 'sealed', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;

alter function tenancy.own_places() owner to fanfare_definer;
alter function tenancy.hold_space(uuid, text) owner to fanfare_definer;
alter function tenancy.withdraw_mcp_server() owner to fanfare_definer;
alter function tenancy.withdraw_person() owner to fanfare_definer;
alter function tenancy.withdraw_identity() owner to fanfare_definer;
alter function tenancy.withdraw_space() owner to fanfare_definer;
alter function tenancy.unshare_of_token() owner to fanfare_definer;
alter function tenancy.take_back_shared(uuid, uuid, bigint, boolean) owner to fanfare_definer;
alter function tenancy.find_llm_credential() owner to fanfare_definer;
alter function tenancy.use_mcp_credential(uuid, text) owner to fanfare_definer;
alter function tenancy.use_mcp_credentials_of_erased(uuid) owner to fanfare_definer;
alter function tenancy.may_connect_mcp(uuid, text) owner to fanfare_definer;
alter function tenancy.mcp_registration(uuid, text) owner to fanfare_definer;
alter function tenancy.keep_mcp_registration(uuid, text, text, jsonb, bytea, bigint) owner to fanfare_definer;
alter function tenancy.request_mcp_check(uuid) owner to fanfare_definer;
alter function tenancy.mcp_to_do(integer, integer) owner to fanfare_definer;

-- migrate:down
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
drop policy connect_sessions_mcp_update on connect_sessions;
drop policy connect_sessions_mcp_insert on connect_sessions;
drop index connect_sessions_by_server;
alter table connect_sessions no force row level security;
delete from connect_sessions where platform = 'mcp';
alter table connect_sessions force row level security;
alter table connect_sessions drop column mcp_server_id, drop column person, drop constraint connect_sessions_platform_known,
    add constraint connect_sessions_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp'));
drop function tenancy.mcp_to_do(integer, integer);
drop function tenancy.request_mcp_check(uuid);
drop function tenancy.keep_mcp_registration(uuid, text, text, jsonb, bytea, bigint);
drop function tenancy.mcp_registration(uuid, text);
drop function tenancy.may_connect_mcp(uuid, text);
drop function tenancy.use_mcp_credentials_of_erased(uuid);
drop function tenancy.use_mcp_credential(uuid, text);
drop function tenancy.find_llm_credential();
drop view mcp_servers_with_status;
drop policy spaces_agent_select_own on spaces;
drop function tenancy.take_back_shared(uuid, uuid, bigint, boolean);
drop trigger api_keys_unshare on api_keys;
drop trigger agent_tokens_unshare on agent_tokens;
drop function tenancy.unshare_of_token();
drop trigger spaces_withdraw on spaces;
drop function tenancy.withdraw_space();
drop trigger chat_identities_withdraw_changed on chat_identities;
drop trigger chat_identities_withdraw on chat_identities;
drop function tenancy.withdraw_identity();
drop trigger space_people_withdraw on space_people;
drop function tenancy.withdraw_person();
drop index river.river_job_of_mcp;
drop table credentials;
drop table mcp_servers;
drop function tenancy.withdraw_mcp_server();
drop function tenancy.guard_mcp_server();
drop function tenancy.guard_credential();
revoke update (left_at) on space_people from fanfare_definer;
revoke update (ended_at) on spaces from fanfare_definer;
drop policy space_people_definer_hold on space_people;
drop policy spaces_definer_hold on spaces;
drop function tenancy.hold_space(uuid, text);
drop function tenancy.own_people(uuid);
drop function tenancy.own_places();
