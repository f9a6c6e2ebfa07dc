-- migrate:up

-- The answers to requests that carry an Idempotency-Key, kept for a day so that a repeated request changes nothing
-- and is answered as the first. Written in the transaction of the change itself: there is never one without the
-- other. Not a tenant table: a key belongs to who chose it, and customers are made with one too.
set local row_security = off;

-- With which rights the transaction acts: a member's role, a system role, or a key's permissions.
create function tenancy.rights() returns text
language sql stable parallel safe
return coalesce(tenancy.member_role(), 'system ' || tenancy.system_role(), nullif(array_to_string(tenancy.permissions(), ' '), ''), '');
grant execute on function tenancy.rights() to fanfare_user, fanfare_agent, fanfare_admin;

create table idempotency_keys (
    actor_id uuid not null default tenancy.actor_id(),
    operation text not null,
    key text not null,
    -- SHA-256 of what was asked, so that another request with the same key is told apart
    fingerprint bytea not null,
    -- with which rights: whoever has others now is not answered as before
    acted_as text not null default tenancy.rights(),
    -- sealed, since it may hold a new API key; NULL only until the transaction that makes it is over
    answer bytea,
    key_id bigint,
    -- the customer that it concerns, with whom it is erased
    subject_id uuid,
    created_at timestamptz not null default now(),
    constraint idempotency_keys_pkey primary key (actor_id, operation, key),
    constraint idempotency_keys_key_length check (char_length(key) between 1 and 255),
    constraint idempotency_keys_operation_length check (char_length(operation) between 1 and 100),
    constraint idempotency_keys_fingerprint_size check (octet_length(fingerprint) = 32)
);

create index idempotency_keys_by_age on idempotency_keys (created_at);
create index idempotency_keys_by_subject on idempotency_keys (subject_id);

alter table idempotency_keys enable row level security;
alter table idempotency_keys force row level security;

create policy idempotency_keys_select on idempotency_keys for select to fanfare_user, fanfare_agent, fanfare_admin
    using (actor_id = (select tenancy.actor_id()));
create policy idempotency_keys_insert on idempotency_keys for insert to fanfare_user, fanfare_agent, fanfare_admin
    with check (actor_id = (select tenancy.actor_id()));
create policy idempotency_keys_update on idempotency_keys for update to fanfare_user, fanfare_agent, fanfare_admin
    using (actor_id = (select tenancy.actor_id())) with check (actor_id = (select tenancy.actor_id()));
grant select, insert (operation, key, fingerprint), update (fingerprint, acted_as, answer, key_id, subject_id, created_at)
    on idempotency_keys to fanfare_user, fanfare_agent, fanfare_admin;

-- Claims a key for the transaction: answers nothing where the work is still to be done, else what was asked and
-- answered before. A request under way with the same key is waited for, for five seconds at most (55P03).
create function tenancy.claim_idempotency_key(p_operation text, p_key text, p_fingerprint bytea,
    out claimed boolean, out fingerprint bytea, out answer bytea)
language plpgsql set lock_timeout = '5s' as $$
declare
    v_acted_as text;
begin
    insert into public.idempotency_keys as k (operation, key, fingerprint) values (p_operation, p_key, p_fingerprint)
    on conflict on constraint idempotency_keys_pkey do update
        set fingerprint = excluded.fingerprint, acted_as = excluded.acted_as, answer = null, key_id = null, subject_id = null, created_at = now()
        where k.created_at < now() - interval '24 hours';
    claimed := found;
    if not claimed then
        if tenancy.system_role() is not null and nullif(current_setting('fanfare.customer_id', true), '') is not null then
            perform tenancy.reason_given();
        end if;
        select k.fingerprint, k.answer, k.acted_as into fingerprint, answer, v_acted_as from public.idempotency_keys k
        where k.actor_id = tenancy.actor_id() and k.operation = p_operation and k.key = p_key;
        if fingerprint = p_fingerprint and v_acted_as <> tenancy.rights() then
            raise insufficient_privilege using message = 'permission denied: the caller''s rights have changed since';
        end if;
    end if;
end
$$;
grant execute on function tenancy.claim_idempotency_key(text, text, bytea) to fanfare_user, fanfare_agent, fanfare_admin;

create policy idempotency_keys_definer on idempotency_keys to fanfare_definer using (true) with check (true);
grant select (actor_id, operation, key, subject_id, created_at), delete on idempotency_keys to fanfare_definer;

-- Forgets answers that are older than a day. Answers how many.
create function tenancy.delete_expired_idempotency_keys(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    delete from public.idempotency_keys k
    where (k.actor_id, k.operation, k.key) in (
        select x.actor_id, x.operation, x.key from public.idempotency_keys x
        where x.created_at < now() - interval '24 hours' limit p_limit);
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
revoke execute on function tenancy.delete_expired_idempotency_keys(integer) from public;
grant execute on function tenancy.delete_expired_idempotency_keys(integer) to fanfare_worker;
alter function tenancy.delete_expired_idempotency_keys(integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.delete_expired_idempotency_keys(integer);
drop function tenancy.claim_idempotency_key(text, text, bytea);
drop table idempotency_keys;
drop function tenancy.rights();
