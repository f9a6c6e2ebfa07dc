-- migrate:up

-- A user's role in one customer.
set local row_security = off;

create table memberships (
    customer_id uuid not null default tenancy.customer_id(),
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    version bigint not null default 1,
    constraint memberships_pkey primary key (customer_id, user_id),
    constraint memberships_customer_fkey foreign key (customer_id) references customers (id),
    constraint memberships_user_fkey foreign key (user_id) references users (id),
    constraint memberships_role_known check (role in ('owner', 'admin', 'member', 'viewer'))
);

-- "Which customers am I in?" is asked before a tenant is known.
create index memberships_by_user on memberships (user_id);

create trigger memberships_touch before update on memberships for each row execute function tenancy.touch();

alter table memberships enable row level security;
alter table memberships force row level security;

-- The policies compare with settings and never read memberships themselves: that would recurse.
create policy memberships_tenant on memberships as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy memberships_select on memberships for select to fanfare_user, fanfare_admin using (true);
-- An admin looks after admins, members and viewers; only an owner makes, changes or removes owners.
create policy memberships_insert on memberships for insert to fanfare_user
    with check ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner'));
create policy memberships_update on memberships for update to fanfare_user
    using ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner'))
    with check ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner'));
-- Everybody may leave.
create policy memberships_delete on memberships for delete to fanfare_user
    using ((select tenancy.has_role('owner')) or ((select tenancy.has_role('admin')) and role <> 'owner')
        or user_id = (select tenancy.user_id()));
create policy memberships_admin_insert on memberships for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy memberships_admin_update on memberships for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy memberships_admin_delete on memberships for delete to fanfare_admin
    using ((select tenancy.has_system_role('admin')));
grant select, delete on memberships to fanfare_user, fanfare_admin;
grant insert (user_id, role), update (role) on memberships to fanfare_user, fanfare_admin;

create policy memberships_definer on memberships to fanfare_definer using (true) with check (true);
grant select, insert on memberships to fanfare_definer;

-- Colleagues in the entered customer are visible by name and address.
create policy users_colleagues on users for select to fanfare_user, fanfare_admin
    using ((select nullif(current_setting('fanfare.customer_id', true), '')) is not null
        and id in (select m.user_id from memberships m));

-- Changes of a customer's members wait for each other, by a lock on the customer: two owners who leave at the
-- same moment, and somebody who makes a change while their own role is taken from them. (Each change has its
-- own membership locked already, so locking more of those would be a deadlock.) After the wait, what the
-- change relies on is looked up again: the acting member's role must still be the one that was entered with,
-- and a customer must keep an owner.
create function tenancy.guard_membership() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := case when tg_op = 'INSERT' then new.customer_id else old.customer_id end;
    v_role text;
begin
    -- Without a statement that sees what was committed meanwhile, the checks below prove nothing.
    if current_setting('transaction_isolation') = 'repeatable read' then
        raise feature_not_supported using message = 'members are changed in a read committed transaction';
    end if;
    if tenancy.member_role() is not null and v_customer <> tenancy.customer_id() then
        -- The policy would say so too, but after the lock.
        raise insufficient_privilege using message = 'permission denied: the membership is of another customer';
    end if;
    perform from public.customers c where c.id = v_customer for no key update;
    if tenancy.member_role() is not null then
        select m.role into v_role from public.memberships m
        where m.customer_id = v_customer and m.user_id = tenancy.user_id();
        if v_role is distinct from tenancy.member_role() then
            -- The transaction runs again and enters with the role of now.
            raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
        end if;
    end if;
    if tg_op <> 'INSERT' and old.role = 'owner' and (tg_op = 'DELETE' or new.role <> 'owner') then
        if not exists (
            select from public.memberships m
            where m.customer_id = old.customer_id and m.role = 'owner' and m.user_id <> old.user_id
        ) then
            raise check_violation using message = 'the last owner cannot leave or be demoted',
                constraint = 'memberships_keep_an_owner', table = 'memberships', schema = 'public';
        end if;
    end if;
    return case when tg_op = 'DELETE' then old else new end;
end
$$;
revoke execute on function tenancy.guard_membership() from public;
create trigger memberships_guard before insert or update or delete on memberships
    for each row execute function tenancy.guard_membership();
alter function tenancy.guard_membership() owner to fanfare_definer;

-- The entered user's own roles, for the list of their customers, where no customer has been entered.
create function tenancy.own_memberships() returns table (customer_id uuid, role text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select m.customer_id, m.role from public.memberships m
    where m.user_id = tenancy.user_id() and m.customer_id = any (tenancy.customer_ids());
end
$$;
revoke execute on function tenancy.own_memberships() from public;
grant execute on function tenancy.own_memberships() to fanfare_user, fanfare_admin;
alter function tenancy.own_memberships() owner to fanfare_definer;

-- Makes a customer whose owner is the entered user, and enters it for the rest of the transaction.
create function tenancy.create_customer(p_id uuid, p_name text, p_description text, p_brand_voice text, p_audience text,
    p_language text, p_time_zone text)
returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_user uuid := tenancy.user_id();
begin
    if v_user is null or nullif(current_setting('fanfare.customer_id', true), '') is not null then
        raise insufficient_privilege using message = 'permission denied: a customer is made by a user who has entered none';
    end if;
    insert into public.customers (id, name, description, brand_voice, audience, language, time_zone)
    values (p_id, p_name, p_description, p_brand_voice, p_audience, p_language, p_time_zone);
    insert into public.memberships (customer_id, user_id, role) values (p_id, v_user, 'owner');
    perform set_config('fanfare.customer_id', p_id::text, true),
        set_config('fanfare.customer_ids', array[p_id]::text, true),
        set_config('fanfare.member_role', 'owner', true);
end
$$;
revoke execute on function tenancy.create_customer(uuid, text, text, text, text, text, text) from public;
grant execute on function tenancy.create_customer(uuid, text, text, text, text, text, text) to fanfare_user, fanfare_admin;
alter function tenancy.create_customer(uuid, text, text, text, text, text, text) owner to fanfare_definer;

-- migrate:down
drop function tenancy.create_customer(uuid, text, text, text, text, text, text);
drop function tenancy.own_memberships();
drop policy users_colleagues on users;
drop table memberships;
drop function tenancy.guard_membership();
