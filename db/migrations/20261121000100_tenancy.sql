-- migrate:up

-- What every policy and trigger reads: who has been entered, taken from transaction-local settings that
-- only the functions tenancy.enter_… set. A setting that was set in an earlier transaction of the same
-- connection reads as '' and not as NULL, hence nullif everywhere.

set local row_security = off;

alter default privileges revoke execute on functions from public;

create schema tenancy;
grant usage on schema tenancy, public to fanfare_login, fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
grant usage, create on schema tenancy to fanfare_definer;
grant usage on schema public to fanfare_definer;
revoke all on schema public from public;

-- The customer that has been entered. An error where none has: a statement outside a tenant transaction
-- must fail and not find nothing.
create function tenancy.customer_id() returns uuid
language plpgsql stable parallel safe as $$
declare
    v_id text := nullif(current_setting('fanfare.customer_id', true), '');
begin
    if v_id is null then
        raise insufficient_privilege using message = 'permission denied: no customer has been entered';
    end if;
    return v_id::uuid;
end
$$;

-- The customers that may be listed: the entered one, or all of the user's when none has been entered.
create function tenancy.customer_ids() returns uuid[]
language plpgsql stable parallel safe as $$
declare
    v_ids text := nullif(current_setting('fanfare.customer_ids', true), '');
begin
    if v_ids is null then
        raise insufficient_privilege using message = 'permission denied: no user has been entered';
    end if;
    return v_ids::uuid[];
end
$$;

-- The user who acts, NULL for the worker.
create function tenancy.user_id() returns uuid
language sql stable parallel safe
return nullif(current_setting('fanfare.user_id', true), '')::uuid;

-- The entered user's role in the entered customer, NULL where there is none.
create function tenancy.member_role() returns text
language sql stable parallel safe
return nullif(current_setting('fanfare.member_role', true), '');

-- The entered user's role over all customers, NULL where there is none.
create function tenancy.system_role() returns text
language sql stable parallel safe
return nullif(current_setting('fanfare.system_role', true), '');

-- Whether the entered member may do what at_least may do: owner > admin > member > viewer.
-- In an archived customer everybody is a viewer.
create function tenancy.has_role(at_least text) returns boolean
language sql stable parallel safe
return coalesce(
    array_position(array['viewer', 'member', 'admin', 'owner'],
        case when tenancy.member_role() is not null and current_setting('fanfare.archived', true) = 'on'
            then 'viewer' else tenancy.member_role() end)
    >= array_position(array['viewer', 'member', 'admin', 'owner'], at_least),
    false);

-- Whether the entered user's system role may do what at_least may do: admin > manager > viewer.
create function tenancy.has_system_role(at_least text) returns boolean
language sql stable parallel safe
return coalesce(
    array_position(array['viewer', 'manager', 'admin'],
        case when tenancy.system_role() is not null and current_setting('fanfare.archived', true) = 'on'
            then 'viewer' else tenancy.system_role() end)
    >= array_position(array['viewer', 'manager', 'admin'], at_least),
    false);

grant execute on function tenancy.customer_id(), tenancy.customer_ids(), tenancy.user_id(), tenancy.member_role(),
    tenancy.system_role(), tenancy.has_role(text), tenancy.has_system_role(text)
    to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker, fanfare_definer;

-- Counts a row's version (its ETag) and its time of change. No application code can forget it.
create function tenancy.touch() returns trigger
language plpgsql as $$
begin
    new.version := old.version + 1;
    new.updated_at := now();
    return new;
end
$$;

-- migrate:down
drop schema tenancy cascade;
