-- migrate:up

-- Tokens with which an AI agent acts in one customer for an hour at most: signed by this installation, known here by
-- their id (jti), made by an admin or from an API key. A token may do what it says, and never more than the key
-- and the person behind it may do at that moment.
set local row_security = off;

create table agent_tokens (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    name text not null,
    permissions text[] not null,
    -- who made it: a key or a person
    api_key_id uuid default tenancy.key_id(),
    created_by uuid default tenancy.user_id(),
    expires_at timestamptz not null,
    revoked_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint agent_tokens_pkey primary key (customer_id, id),
    constraint agent_tokens_customer_fkey foreign key (customer_id) references customers (id),
    constraint agent_tokens_key_fkey foreign key (customer_id, api_key_id) references api_keys (customer_id, id),
    constraint agent_tokens_created_by_fkey foreign key (created_by) references users (id),
    constraint agent_tokens_one_maker check (num_nonnulls(api_key_id, created_by) = 1),
    constraint agent_tokens_name_length check (char_length(name) between 1 and 200),
    constraint agent_tokens_short_lived check (expires_at <= created_at + interval '1 hour'),
    -- a token makes no further tokens: it would outlive itself
    constraint agent_tokens_permissions_known check (permissions <@ tenancy.permissions_known() and cardinality(permissions) between 1 and 50
        and not 'tokens:mint' = any (permissions))
);

create index agent_tokens_by_key on agent_tokens (customer_id, api_key_id);
create index agent_tokens_by_expiry on agent_tokens (expires_at);

create trigger agent_tokens_guard before update of revoked_at on agent_tokens for each row execute function tenancy.guard_revocation();
create trigger agent_tokens_touch before update on agent_tokens for each row execute function tenancy.touch();

alter table agent_tokens enable row level security;
alter table agent_tokens force row level security;

create policy agent_tokens_tenant on agent_tokens as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- Who may ask for tokens: admins, and keys that may mint, of which each sees its own.
create function tenancy.permit_tokens() returns boolean
language plpgsql stable parallel safe as $$
begin
    if not (tenancy.reads_as_admin() or tenancy.has_any_permission('tokens:mint')) then
        raise insufficient_privilege using message = 'permission denied: tokens are the admins'' business';
    end if;
    return true;
end
$$;
grant execute on function tenancy.reads_as_admin() to fanfare_agent;
grant execute on function tenancy.permit_tokens() to fanfare_user, fanfare_agent, fanfare_admin;
create policy agent_tokens_select on agent_tokens for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy agent_tokens_insert on agent_tokens for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy agent_tokens_update on agent_tokens for update to fanfare_user
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.reads_as_admin()));
create policy agent_tokens_admin_update on agent_tokens for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
-- A key that may mint sees and revokes its own tokens, and hands on nothing that it has not itself.
create policy agent_tokens_agent_select on agent_tokens for select to fanfare_agent
    using ((select tenancy.has_any_permission('tokens:mint')) and api_key_id = (select tenancy.key_id()));
create policy agent_tokens_agent_insert on agent_tokens for insert to fanfare_agent
    with check ((select tenancy.has_permission('tokens:mint')) and (select tenancy.token_id()) is null
        and permissions <@ (select tenancy.permissions())::text[]);
create policy agent_tokens_agent_update on agent_tokens for update to fanfare_agent
    using ((select tenancy.has_any_permission('tokens:mint')) and api_key_id = (select tenancy.key_id()))
    with check ((select tenancy.has_any_permission('tokens:mint')) and api_key_id = (select tenancy.key_id()));

grant select, update (revoked_at) on agent_tokens to fanfare_user, fanfare_agent, fanfare_admin;
grant insert (id, name, permissions, expires_at) on agent_tokens to fanfare_user, fanfare_agent;

create policy agent_tokens_definer on agent_tokens to fanfare_definer using (true) with check (true);
grant select, delete on agent_tokens to fanfare_definer;

select tenancy.audit_table('agent_tokens', 'agent_token', 'id', '{}', '{}');

-- Forgets tokens that expired a week ago; the audit log knows them for longer. Answers how many.
create function tenancy.delete_expired_tokens(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    delete from public.agent_tokens t
    where (t.customer_id, t.id) in (
        select x.customer_id, x.id from public.agent_tokens x
        where x.expires_at < now() - interval '7 days' limit p_limit);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
revoke execute on function tenancy.delete_expired_tokens(integer) from public;
grant execute on function tenancy.delete_expired_tokens(integer) to fanfare_worker;
alter function tenancy.delete_expired_tokens(integer) owner to fanfare_definer;

-- The private keys that sign agent tokens, sealed by the installation's key set. Not tenant data.
create table agent_token_keys (
    id uuid not null,
    sealed bytea not null,
    key_id bigint not null,
    created_at timestamptz not null default now(),
    constraint agent_token_keys_pkey primary key (id)
);
alter table agent_token_keys enable row level security;
alter table agent_token_keys force row level security;
create policy agent_token_keys_definer on agent_token_keys to fanfare_definer using (true) with check (true);
grant select, insert, delete on agent_token_keys to fanfare_definer;

select tenancy.audit_table('agent_token_keys', 'agent_token_key', 'id', '{sealed}', '{key_id}');

-- The keys, newest first: the first signs, all of them verify.
create function tenancy.agent_token_keys() returns table (id uuid, sealed bytea, created_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query select k.id, k.sealed, k.created_at from public.agent_token_keys k order by k.created_at desc, k.id desc;
end
$$;
revoke execute on function tenancy.agent_token_keys() from public;
grant execute on function tenancy.agent_token_keys() to fanfare_login;
alter function tenancy.agent_token_keys() owner to fanfare_definer;

-- Adds a key unless there is one that signs: younger than 90 days, and not one of p_unusable, which the caller cannot
-- open. Forgets those that have not signed for a day.
create function tenancy.add_agent_token_key(p_id uuid, p_sealed bytea, p_key_id bigint, p_unusable uuid[]) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262835002);
    if exists (select from public.agent_token_keys k where k.created_at > now() - interval '90 days' and k.id <> all (p_unusable)) then
        return;
    end if;
    delete from public.agent_token_keys k where k.created_at < now() - interval '91 days'
        and k.created_at < (select max(n.created_at) from public.agent_token_keys n) - interval '1 day';
    insert into public.agent_token_keys (id, sealed, key_id) values (p_id, p_sealed, p_key_id);
end
$$;
revoke execute on function tenancy.add_agent_token_key(uuid, bytea, bigint, uuid[]) from public;
grant execute on function tenancy.add_agent_token_key(uuid, bytea, bigint, uuid[]) to fanfare_login;
alter function tenancy.add_agent_token_key(uuid, bytea, bigint, uuid[]) owner to fanfare_definer;

-- migrate:down
drop function tenancy.add_agent_token_key(uuid, bytea, bigint, uuid[]);
drop function tenancy.agent_token_keys();
drop table agent_token_keys;
drop function tenancy.delete_expired_tokens(integer);
drop table agent_tokens;
drop function tenancy.permit_tokens();
revoke execute on function tenancy.reads_as_admin() from fanfare_agent;
