-- migrate:up

-- The tenant: one brand that an agency works for. Its id is the customer_id of every tenant table.
set local row_security = off;

create table customers (
    id uuid not null,
    name text not null,
    description text not null default '',
    brand_voice text not null default '',
    audience text not null default '',
    language text not null default 'en',
    time_zone text not null default 'UTC',
    archived_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint customers_pkey primary key (id),
    constraint customers_name_length check (char_length(name) between 1 and 200),
    constraint customers_description_length check (char_length(description) <= 10000),
    constraint customers_brand_voice_length check (char_length(brand_voice) <= 10000),
    constraint customers_audience_length check (char_length(audience) <= 10000),
    constraint customers_language_form check (language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$' and char_length(language) <= 35),
    constraint customers_time_zone_length check (char_length(time_zone) between 1 and 64)
);

create trigger customers_touch before update on customers for each row execute function tenancy.touch();

alter table customers enable row level security;
alter table customers force row level security;

-- Members see the entered customer, or all of theirs when none has been entered.
create policy customers_tenant on customers as restrictive to fanfare_user, fanfare_agent
    using (id = any ((select tenancy.customer_ids())::uuid[]));
create policy customers_select on customers for select to fanfare_user using (true);
create policy customers_update on customers for update to fanfare_user
    using ((select tenancy.has_role('admin')) or (select tenancy.member_role()) = 'owner')
    with check (true);
grant select on customers to fanfare_user;
grant update (name, description, brand_voice, audience, language, time_zone, archived_at) on customers to fanfare_user;

-- System roles see every customer; a system admin changes the one that has been entered.
create policy customers_admin_select on customers for select to fanfare_admin
    using ((select tenancy.has_system_role('viewer')));
create policy customers_admin_update on customers for update to fanfare_admin
    using ((select tenancy.system_role()) = 'admin' and id = (select tenancy.customer_id())) with check (true);
grant select on customers to fanfare_admin;
grant update (name, description, brand_voice, audience, language, time_zone, archived_at) on customers to fanfare_admin;

-- The worker sees the customer whose job it runs.
create policy customers_worker on customers for select to fanfare_worker using (id = (select tenancy.customer_id()));
grant select on customers to fanfare_worker;

create policy customers_definer on customers to fanfare_definer using (true) with check (true);
grant select, insert, update on customers to fanfare_definer;

-- Archiving and its end belong to the owner; an archived customer is changed in no other way.
create function tenancy.guard_customer() returns trigger
language plpgsql as $$
begin
    if old.archived_at is distinct from new.archived_at then
        if current_user = 'fanfare_user' and tenancy.member_role() is distinct from 'owner' then
            raise insufficient_privilege using message = 'permission denied: only an owner archives a customer';
        end if;
        -- Archived is a fact with a time of its own, not a time to choose.
        if new.archived_at is not null then
            new.archived_at := now();
        end if;
    elsif old.archived_at is not null and current_user in ('fanfare_user', 'fanfare_admin') then
        raise insufficient_privilege using message = 'permission denied: the customer is archived';
    end if;
    return new;
end
$$;
create trigger customers_guard before update on customers for each row execute function tenancy.guard_customer();

-- A time zone that Postgres knows, checked where it is stored so that every later reader can rely on it. The
-- form keeps out POSIX rules such as ABC+3. (Asking pg_timezone_names() would read every file of the zone
-- database.)
create function tenancy.check_time_zone() returns trigger
language plpgsql as $$
begin
    if new.time_zone ~ '^[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)*$' then
        perform now() at time zone new.time_zone;
        return new;
    end if;
    raise invalid_parameter_value;
exception when invalid_parameter_value then
    raise check_violation using message = 'unknown time zone', constraint = 'customers_time_zone_known',
        table = 'customers', schema = 'public', column = 'time_zone';
end
$$;
create trigger customers_time_zone_inserted before insert on customers
    for each row when (new.time_zone <> 'UTC') execute function tenancy.check_time_zone();
create trigger customers_time_zone_updated before update on customers
    for each row when (new.time_zone is distinct from old.time_zone) execute function tenancy.check_time_zone();

-- Holds the entered customer as it is until the end of the transaction, for a change that an archived customer
-- must not have: archiving waits for it, or it waits for archiving and is refused.
create function tenancy.hold_customer() returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_archived timestamptz;
begin
    select c.archived_at into v_archived from public.customers c where c.id = tenancy.customer_id() for share;
    if v_archived is not null then
        raise insufficient_privilege using message = 'permission denied: the customer is archived';
    end if;
end
$$;
revoke execute on function tenancy.hold_customer() from public;
grant execute on function tenancy.hold_customer() to fanfare_user, fanfare_admin;
alter function tenancy.hold_customer() owner to fanfare_definer;

-- migrate:down
drop function tenancy.hold_customer();
drop table customers;
drop function tenancy.guard_customer();
drop function tenancy.check_time_zone();
