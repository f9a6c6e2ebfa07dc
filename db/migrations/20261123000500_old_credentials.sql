-- migrate:up

-- Credentials from an earlier installation, where they belonged to people; here they belong to customers' accounts. For
-- a time, an account that has none of its own finds the old one of whoever owned it there. Its first use moves it.
set local row_security = off;

-- What people have brought along. It belongs to no customer: one person's credential may serve several.
create table old_credentials (
    id uuid not null,
    owner_id uuid not null,
    platform text not null,
    external_id text not null,
    name text not null,
    url text not null default '',
    -- sealed, in the shape that an account's own credential has
    credential bytea not null,
    key_id bigint not null,
    created_at timestamptz not null default now(),
    last_used_at timestamptz,
    uses bigint not null default 0,
    constraint old_credentials_pkey primary key (id),
    constraint old_credentials_account_key unique (owner_id, platform, external_id),
    constraint old_credentials_owner_fkey foreign key (owner_id) references users (id),
    constraint old_credentials_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp', 'ghost')),
    constraint old_credentials_external_id_length check (char_length(external_id) between 1 and 500),
    constraint old_credentials_name_length check (char_length(name) between 1 and 500),
    constraint old_credentials_url_length check (char_length(url) <= 2000)
);

alter table old_credentials enable row level security;
alter table old_credentials force row level security;
create policy old_credentials_definer on old_credentials to fanfare_definer using (true) with check (true);
grant select, insert, update (name, url, credential, key_id, last_used_at, uses), delete on old_credentials to fanfare_definer;
select tenancy.audit_table('old_credentials', 'old_credential', 'id', '{credential}', '{key_id,last_used_at,uses}');

-- Old owner to new one: a customer whose accounts may use the credentials of a person, until when.
create table credential_moves (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    old_owner_id uuid not null,
    deadline timestamptz not null,
    created_at timestamptz not null default now(),
    -- when the old way was closed
    ended_at timestamptz,
    uses bigint not null default 0,
    last_used_at timestamptz,
    -- when somebody was told last that it ends soon
    warned_at timestamptz,
    constraint credential_moves_pkey primary key (customer_id, id),
    constraint credential_moves_owner_key unique (customer_id, old_owner_id),
    constraint credential_moves_customer_fkey foreign key (customer_id) references customers (id),
    constraint credential_moves_owner_fkey foreign key (old_owner_id) references users (id)
);

alter table credential_moves enable row level security;
alter table credential_moves force row level security;
create policy credential_moves_tenant on credential_moves as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy credential_moves_definer on credential_moves to fanfare_definer using (true) with check (true);
grant select, insert (customer_id, id, old_owner_id, deadline), update (deadline, ended_at, uses, last_used_at, warned_at), delete
    on credential_moves to fanfare_definer;
select tenancy.audit_table('credential_moves', 'credential_move', 'id', '{}', '{uses,last_used_at,warned_at}');

-- The old credential that an account lives by, or came from. No key leads there: the id stays when the old credential
-- is gone, so that it can be counted what has moved.
alter table integrations add column old_credential_id uuid;
alter table integrations drop constraint integrations_credential_held;
-- A disconnected account keeps nothing. Every other one has a credential and says which key sealed it, or an old one.
alter table integrations add constraint integrations_credential_held check (
    (state = 'disconnected' and credential is null and key_id is null and old_credential_id is null)
    or (state <> 'disconnected' and credential is not null and key_id is not null)
    or (state <> 'disconnected' and credential is null and key_id is null and old_credential_id is not null)) not valid;
alter table integrations validate constraint integrations_credential_held;
create index integrations_by_old_credential on integrations (customer_id, old_credential_id)
    where old_credential_id is not null and key_id is null;
grant select (old_credential_id) on integrations to fanfare_worker;
grant select (external_id, reason, old_credential_id), insert (customer_id, id, platform, external_id, name, url, old_credential_id),
    update (state, reason)
    on integrations to fanfare_definer;
create policy integrations_definer_insert on integrations for insert to fanfare_definer with check (true);

-- What has moved does not move back.
create function tenancy.guard_old_credential() returns trigger
language plpgsql as $$
begin
    if new.state = 'disconnected' then
        new.old_credential_id := null;
    elsif new.credential is null and old.credential is not null then
        raise check_violation using message = 'an account that is connected has a credential',
            constraint = 'integrations_credential_held', table = 'integrations', schema = 'public';
    end if;
    return new;
end
$$;
create trigger integrations_guard_old_credential before update on integrations
    for each row execute function tenancy.guard_old_credential();

-- Hands out the sealed credential with which the worker acts for an active account of the entered customer: its own,
-- or as long as a move of its owner to the customer is open, the old one, which is sealed for old_credential_id. Each
-- use is recorded. Nothing where there is none.
create function tenancy.find_credential(p_integration_id uuid, p_purpose text,
    out credential bytea, out old_credential_id uuid, out deadline timestamptz)
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_move uuid;
    v_platform text;
begin
    credential := tenancy.use_credential(p_integration_id, p_purpose);
    if credential is not null then
        return;
    end if;
    select o.credential, o.id, m.deadline, m.id, o.platform into credential, old_credential_id, deadline, v_move, v_platform
    from public.integrations i
        join public.old_credentials o on o.id = i.old_credential_id and o.platform = i.platform and o.external_id = i.external_id
        join public.credential_moves m on m.customer_id = i.customer_id and m.old_owner_id = o.owner_id
    where i.customer_id = v_customer and i.id = p_integration_id and i.state = 'active' and i.key_id is null
        and m.ended_at is null and m.deadline > now();
    if credential is null then
        return;
    end if;
    update public.credential_moves m set uses = m.uses + 1, last_used_at = now() where m.customer_id = v_customer and m.id = v_move;
    update public.old_credentials o set uses = o.uses + 1, last_used_at = now() where o.id = old_credential_id;
    perform tenancy.audit_write(tenancy.audit_row(tenancy.audit_context('old_credential.use', 'integration'),
        v_customer, p_integration_id::text, jsonb_build_object('purpose', p_purpose, 'platform', v_platform,
            'old_credential_id', old_credential_id, 'deadline', deadline)));
end
$$;
revoke execute on function tenancy.find_credential(uuid, text) from public;
grant execute on function tenancy.find_credential(uuid, text) to fanfare_worker;
alter function tenancy.find_credential(uuid, text) owner to fanfare_definer;

-- Closes the old way: of every move whose deadline has passed, or of the named one at once. An account that has not
-- moved needs a person then, and an old credential that no open move reaches is deleted. Answers the closed moves, and
-- how many accounts each has left behind.
create function tenancy.end_credential_moves(p_customer_id uuid, p_owner_id uuid)
returns table (customer_id uuid, move_id uuid, left_behind bigint)
language plpgsql security definer set search_path = '' as $$
declare
    v record;
begin
    -- Nobody is given an old credential meanwhile that is deleted below.
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    for v in
        update public.credential_moves m set ended_at = now()
        where m.ended_at is null and case when p_customer_id is null then m.deadline <= now()
            else m.customer_id = p_customer_id and m.old_owner_id = p_owner_id end
        returning m.customer_id, m.id, m.old_owner_id
    loop
        update public.integrations i set state = 'needs_reauth', reason = 'moved_out'
        where i.customer_id = v.customer_id and i.key_id is null and i.state in ('active', 'needs_reauth')
            and i.old_credential_id in (select o.id from public.old_credentials o where o.owner_id = v.old_owner_id);
        get diagnostics left_behind = row_count;
        customer_id := v.customer_id;
        move_id := v.id;
        return next;
    end loop;
    delete from public.old_credentials o
    where not exists (
        select from public.credential_moves m where m.old_owner_id = o.owner_id and m.ended_at is null);
end
$$;
revoke execute on function tenancy.end_credential_moves(uuid, uuid) from public;
grant execute on function tenancy.end_credential_moves(uuid, uuid) to fanfare_worker;
alter function tenancy.end_credential_moves(uuid, uuid) owner to fanfare_definer;

-- The moves that end within p_ahead and have accounts left to move, each once a day however many ask.
create function tenancy.warn_credential_moves(p_ahead interval)
returns table (customer_id uuid, move_id uuid, deadline timestamptz, left_to_move bigint)
language plpgsql security definer set search_path = '' as $$
begin
    return query
    with left_over as (
        select m.customer_id, m.id, count(*) as accounts
        from public.credential_moves m
            join public.old_credentials o on o.owner_id = m.old_owner_id
            join public.integrations i on i.customer_id = m.customer_id and i.old_credential_id = o.id
        where m.ended_at is null and m.deadline < now() + p_ahead and i.key_id is null and i.state = 'active'
        group by m.customer_id, m.id
    )
    update public.credential_moves m set warned_at = now()
    from left_over l
    where m.customer_id = l.customer_id and m.id = l.id
        and (m.warned_at is null or m.warned_at <= now() - interval '1 day')
    returning m.customer_id, m.id, m.deadline, l.accounts;
end
$$;
revoke execute on function tenancy.warn_credential_moves(interval) from public;
grant execute on function tenancy.warn_credential_moves(interval) to fanfare_worker;
alter function tenancy.warn_credential_moves(interval) owner to fanfare_definer;

-- How many accounts of all customers still live by an old credential.
create function tenancy.count_old_credentials() returns bigint
language plpgsql stable security definer set search_path = '' as $$
begin
    return (select count(*) from public.integrations i
        where i.old_credential_id is not null and i.key_id is null and i.state = 'active');
end
$$;
revoke execute on function tenancy.count_old_credentials() from public;
grant execute on function tenancy.count_old_credentials() to fanfare_login, fanfare_worker;
alter function tenancy.count_old_credentials() owner to fanfare_definer;

-- What the operator's commands call, as fanfare_owner.

-- The people who may be meant by a subject or, where it is none's, by a verified e-mail address.
create function tenancy.find_old_owner(p_owner text) returns setof uuid
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select u.id from public.users u where u.subject = p_owner;
    if not found then
        return query select u.id from public.users u where lower(u.email) = lower(p_owner) and u.email_verified;
    end if;
end
$$;
revoke execute on function tenancy.find_old_owner(text) from public;
alter function tenancy.find_old_owner(text) owner to fanfare_definer;

-- An old credential that is stored already, so that it can be compared. Until the transaction ends nothing is deleted.
create function tenancy.old_credential_of(p_owner_id uuid, p_platform text, p_external_id text,
    out id uuid, out credential bytea)
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    select o.id, o.credential into id, credential from public.old_credentials o
    where o.owner_id = p_owner_id and o.platform = p_platform and o.external_id = p_external_id;
end
$$;
revoke execute on function tenancy.old_credential_of(uuid, text, text) from public;
alter function tenancy.old_credential_of(uuid, text, text) owner to fanfare_definer;

-- Stores an old credential (p_credential NULL: it is stored already) and lets customers use it: a move from its owner
-- to each of them, and an account where a customer has none for it. problem says why nothing was done, about which
-- customer: customer_unknown, or move_ended. changed says whether anything was new.
create function tenancy.import_old_credential(p_id uuid, p_owner_id uuid, p_platform text, p_external_id text, p_name text, p_url text,
    p_credential bytea, p_key_id bigint, p_customer_ids uuid[], p_deadline timestamptz,
    out problem text, out customer_id uuid, out changed boolean)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_count bigint;
begin
    if (p_deadline > now() and p_deadline <= now() + interval '1 year 1 day') is not true then
        raise invalid_parameter_value using message = 'the deadline must be within a year';
    end if;
    perform pg_catalog.pg_advisory_xact_lock(7262835005);
    changed := false;
    select 'customer_unknown', n.id into problem, customer_id from unnest(p_customer_ids) n(id)
    where not exists (select from public.customers c where c.id = n.id) limit 1;
    if not found then
        select 'move_ended', m.customer_id into problem, customer_id from public.credential_moves m
        where m.customer_id = any (p_customer_ids) and m.old_owner_id = p_owner_id and (m.ended_at is not null or m.deadline <= now()) limit 1;
    end if;
    if found then
        return;
    end if;
    if p_credential is not null then
        insert into public.old_credentials as o (id, owner_id, platform, external_id, name, url, credential, key_id)
        values (p_id, p_owner_id, p_platform, p_external_id, p_name, p_url, p_credential, p_key_id)
        on conflict (owner_id, platform, external_id) do update
        set name = excluded.name, url = excluded.url, credential = excluded.credential, key_id = excluded.key_id;
        changed := true;
    end if;
    insert into public.credential_moves as m (customer_id, id, old_owner_id, deadline)
    select distinct on (n.id) n.id, tenancy.audit_id(clock_timestamp()), p_owner_id, p_deadline from unnest(p_customer_ids) n(id)
    on conflict (customer_id, old_owner_id) do update set deadline = excluded.deadline where m.deadline <> excluded.deadline;
    get diagnostics v_count = row_count;
    changed := changed or v_count > 0;
    insert into public.integrations (customer_id, id, platform, external_id, name, url, old_credential_id)
    select distinct on (n.id) n.id, tenancy.audit_id(clock_timestamp()), p_platform, p_external_id, p_name, p_url, p_id from unnest(p_customer_ids) n(id)
    on conflict (customer_id, platform, external_id) do nothing;
    get diagnostics v_count = row_count;
    changed := changed or v_count > 0;
end
$$;
revoke execute on function tenancy.import_old_credential(uuid, uuid, text, text, text, text, bytea, bigint, uuid[], timestamptz) from public;
alter function tenancy.import_old_credential(uuid, uuid, text, text, text, text, bytea, bigint, uuid[], timestamptz) owner to fanfare_definer;

-- How far the moves are: for each customer and platform the accounts that live by an old credential, have one of their
-- own by now, or were left behind; with the customer's moves as JSON.
create function tenancy.old_credential_status()
returns table (customer_id uuid, customer text, platform text, living bigint, moved bigint, left_behind bigint, moves jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    with accounts as (
        select i.customer_id, i.platform,
            count(*) filter (where i.key_id is null and i.state = 'active') as living,
            count(*) filter (where i.key_id is not null) as moved,
            count(*) filter (where i.key_id is null and i.state <> 'active') as left_behind
        from public.integrations i where i.old_credential_id is not null
        group by i.customer_id, i.platform
    ), owners as (
        select m.customer_id, jsonb_agg(jsonb_build_object('owner', u.subject, 'email', u.email, 'deadline', m.deadline,
            'ended_at', m.ended_at, 'uses', m.uses, 'last_used_at', m.last_used_at) order by m.deadline, m.id) as moves
        from public.credential_moves m join public.users u on u.id = m.old_owner_id
        group by m.customer_id
    )
    select c.id, c.name, coalesce(a.platform, ''), coalesce(a.living, 0), coalesce(a.moved, 0), coalesce(a.left_behind, 0),
        coalesce(o.moves, '[]')
    from public.customers c left join accounts a on a.customer_id = c.id left join owners o on o.customer_id = c.id
    where a.customer_id is not null or o.customer_id is not null
    order by c.name, c.id, a.platform;
end
$$;
revoke execute on function tenancy.old_credential_status() from public;
alter function tenancy.old_credential_status() owner to fanfare_definer;

set local role fanfare_definer;
grant execute on function tenancy.find_old_owner(text), tenancy.old_credential_of(uuid, text, text),
    tenancy.import_old_credential(uuid, uuid, text, text, text, text, bytea, bigint, uuid[], timestamptz),
    tenancy.old_credential_status(), tenancy.end_credential_moves(uuid, uuid)
    to fanfare_owner;
set local role fanfare_owner;

-- An old credential ends with the last customer that may use it: tenancy.end_credential_moves looks for such.
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

-- They are re-encrypted like everything that is sealed.
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
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential');
end
$$;

-- migrate:down
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
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;
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
drop function tenancy.old_credential_status();
drop function tenancy.import_old_credential(uuid, uuid, text, text, text, text, bytea, bigint, uuid[], timestamptz);
drop function tenancy.old_credential_of(uuid, text, text);
drop function tenancy.find_old_owner(text);
drop function tenancy.count_old_credentials();
drop function tenancy.warn_credential_moves(interval);
drop function tenancy.end_credential_moves(uuid, uuid);
drop function tenancy.find_credential(uuid, text);
-- An account that has no credential of its own is connected by a person again.
alter table integrations no force row level security;
set local row_security = on; -- the audit log is written by another role
update integrations set state = 'disconnected', old_credential_id = null where credential is null and state <> 'disconnected';
set local row_security = off;
alter table integrations force row level security;
drop trigger integrations_guard_old_credential on integrations;
drop function tenancy.guard_old_credential();
drop policy integrations_definer_insert on integrations;
revoke select (external_id, reason), insert (customer_id, id, platform, external_id, name, url), update (state, reason)
    on integrations from fanfare_definer;
alter table integrations drop constraint integrations_credential_held, drop column old_credential_id;
alter table integrations add constraint integrations_credential_held check (
    (state = 'disconnected' and credential is null and key_id is null)
    or (state <> 'disconnected' and credential is not null and key_id is not null)) not valid;
alter table integrations validate constraint integrations_credential_held;
drop table credential_moves;
drop table old_credentials;
