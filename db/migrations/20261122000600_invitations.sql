-- migrate:up

-- People get into a customer by an invitation to their e-mail address, and in no other way. Its token is known
-- to the person who was invited; here is its hash, and, while an e-mail waits to be sent, the sealed token.
set local row_security = off;

create table invitations (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    email text not null,
    role text not null,
    token_hash bytea not null,
    sealed_token bytea,
    key_id bigint,
    invited_by uuid not null default tenancy.user_id(),
    -- by their system role, and not as a member
    invited_as_system boolean not null default (tenancy.system_role() is not null),
    expires_at timestamptz not null default now() + interval '7 days',
    accepted_at timestamptz,
    accepted_by uuid,
    revoked_at timestamptz,
    sent_at timestamptz,
    send_problem text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint invitations_pkey primary key (customer_id, id),
    constraint invitations_token_hash_key unique (customer_id, token_hash),
    constraint invitations_customer_fkey foreign key (customer_id) references customers (id),
    constraint invitations_invited_by_fkey foreign key (invited_by) references users (id),
    constraint invitations_accepted_by_fkey foreign key (accepted_by) references users (id),
    constraint invitations_email_length check (char_length(email) between 3 and 320),
    -- Nothing that could end a line of a mail's header.
    constraint invitations_email_form check (email ~ '^[^@[:cntrl:][:space:]]+@[^@[:cntrl:][:space:]]+$'),
    constraint invitations_role_known check (role in ('owner', 'admin', 'member', 'viewer')),
    constraint invitations_token_hash_form check (octet_length(token_hash) = 32),
    constraint invitations_send_problem_length check (char_length(send_problem) <= 500),
    constraint invitations_accepted_by_somebody check ((accepted_at is null) = (accepted_by is null)),
    constraint invitations_one_end check (accepted_at is null or revoked_at is null),
    -- The token is kept for as long as there is an e-mail to write, and not a moment longer.
    constraint invitations_token_held check (
        (sealed_token is null and key_id is null)
        or (sealed_token is not null and key_id is not null
            and accepted_at is null and revoked_at is null and sent_at is null and send_problem is null))
);

-- One open invitation per address. Upper and lower case of A to Z are the same; anything else that a collation may
-- take for the same (the Kelvin sign for a K) is another address.
create unique index invitations_open_key on invitations (customer_id, lower(email collate "C"))
    where accepted_at is null and revoked_at is null;

-- Whoever accepts has entered no customer yet and shows a token.
create index invitations_by_token on invitations (token_hash);

-- What is over stays as it is. Revoking has a time of its own, not one to choose; with either end the token goes.
create function tenancy.guard_invitation() returns trigger
language plpgsql as $$
begin
    if (old.accepted_at is not null or old.revoked_at is not null)
        and (new.accepted_at, new.accepted_by, new.revoked_at) is distinct from (old.accepted_at, old.accepted_by, old.revoked_at)
    then
        raise check_violation using message = 'the invitation is over',
            constraint = 'invitations_over', table = 'invitations', schema = 'public';
    end if;
    if old.revoked_at is null and new.revoked_at is not null then
        new.revoked_at := now();
    end if;
    if new.accepted_at is not null or new.revoked_at is not null then
        new.sealed_token := null;
        new.key_id := null;
    end if;
    return new;
end
$$;
create trigger invitations_guard before update on invitations for each row execute function tenancy.guard_invitation();
-- Not when an e-mail is on record: that is no change that somebody must have seen.
create trigger invitations_touch before update of accepted_at, revoked_at on invitations for each row execute function tenancy.touch();

alter table invitations enable row level security;
alter table invitations force row level security;

create policy invitations_tenant on invitations as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- The addresses of strangers are for those who invite them, also while the customer is archived.
create policy invitations_select on invitations for select to fanfare_user
    using ((select tenancy.member_role()) in ('owner', 'admin'));
create policy invitations_admin_select on invitations for select to fanfare_admin
    using ((select tenancy.has_system_role('viewer')));
create policy invitations_insert on invitations for insert to fanfare_user
    with check ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner'));
create policy invitations_update on invitations for update to fanfare_user
    using ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and (role <> 'owner' or expires_at <= (select now()))))
    with check ((select tenancy.has_role('admin')));
create policy invitations_admin_insert on invitations for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy invitations_admin_update on invitations for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy invitations_worker_select on invitations for select to fanfare_worker using (true);
create policy invitations_worker_update on invitations for update to fanfare_worker using (true) with check (true);

grant select (customer_id, id, email, role, invited_by, expires_at, accepted_at, accepted_by, revoked_at, sent_at, send_problem,
        version, created_at, updated_at),
    insert (id, email, role, token_hash, sealed_token, key_id),
    update (revoked_at)
    on invitations to fanfare_user, fanfare_admin;
grant select (customer_id, id, email, role, sealed_token, key_id, invited_by, expires_at, accepted_at, accepted_by, revoked_at, sent_at,
        send_problem, version, created_at, updated_at),
    update (sealed_token, key_id, sent_at, send_problem)
    on invitations to fanfare_worker;

-- An e-mail says who invites.
create policy users_inviters on users for select to fanfare_worker
    using (id in (select i.invited_by from invitations i where i.sealed_token is not null));
grant select (id, name, email) on users to fanfare_worker;

create policy invitations_definer_select on invitations for select to fanfare_definer using (true);
create policy invitations_definer_update on invitations for update to fanfare_definer using (true) with check (true);
grant select (customer_id, id, email, role, token_hash, invited_by, invited_as_system, expires_at, accepted_at, revoked_at),
    update (accepted_at, accepted_by)
    on invitations to fanfare_definer;

-- A stranger's address is not kept in a log that cannot forget.
select tenancy.audit_table('invitations', 'invitation', 'id', '{email,token_hash,sealed_token}', '{key_id}');

-- Makes the entered user, who is in no customer, a member of the customer that a token invites them to, and enters it
-- for the rest of the transaction. An invitation is for a verified address, for one use, and never worth more than
-- whoever made it still is. FF007 says that there is no such invitation, whatever is wrong with it.
create function tenancy.accept_invitation(p_token_hash bytea) returns uuid
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid := tenancy.user_id();
    v_email text;
    v_customer uuid;
    v_id uuid;
    v_role text;
begin
    if v_user is null or nullif(current_setting('fanfare.customer_id', true), '') is not null then
        raise insufficient_privilege using message = 'permission denied: an invitation is accepted by a user who has entered no customer';
    end if;
    select u.email into v_email from public.users u where u.id = v_user and u.email_verified;
    select i.customer_id, i.id into v_customer, v_id
    from public.invitations i
    where i.token_hash = p_token_hash and lower(i.email collate "C") = lower(v_email collate "C");
    -- Archiving, and every change of who is a member, waits for this lock or is seen after it.
    perform from public.customers c where c.id = v_customer and c.archived_at is null for no key update;
    if found then
        update public.invitations i
        set accepted_at = now(), accepted_by = v_user
        where i.customer_id = v_customer and i.id = v_id
            and i.accepted_at is null and i.revoked_at is null and i.expires_at > now()
            and (not i.invited_as_system and exists (
                    select from public.memberships m
                    where m.customer_id = i.customer_id and m.user_id = i.invited_by
                        and (m.role = 'owner' or (m.role = 'admin' and i.role <> 'owner')))
                or i.invited_as_system and exists (select from public.system_roles s where s.user_id = i.invited_by and s.role = 'admin'))
        returning i.role into v_role;
    end if;
    if v_role is null then
        raise exception using errcode = 'FF007', message = 'no such invitation';
    end if;
    insert into public.memberships (customer_id, user_id, role) values (v_customer, v_user, v_role);
    perform set_config('fanfare.customer_id', v_customer::text, true),
        set_config('fanfare.customer_ids', array[v_customer]::text, true),
        set_config('fanfare.member_role', v_role, true);
    return v_customer;
end
$$;
revoke execute on function tenancy.accept_invitation(bytea) from public;
grant execute on function tenancy.accept_invitation(bytea) to fanfare_user, fanfare_admin;
alter function tenancy.accept_invitation(bytea) owner to fanfare_definer;

-- Nobody is made a member without having agreed to it.
drop policy memberships_insert on memberships;
drop policy memberships_admin_insert on memberships;
revoke insert (user_id, role) on memberships from fanfare_user, fanfare_admin;

-- migrate:down
grant insert (user_id, role) on memberships to fanfare_user, fanfare_admin;
create policy memberships_insert on memberships for insert to fanfare_user
    with check ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner'));
create policy memberships_admin_insert on memberships for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
drop function tenancy.accept_invitation(bytea);
revoke select (id, name, email) on users from fanfare_worker;
drop policy users_inviters on users;
drop table invitations;
drop function tenancy.guard_invitation();
