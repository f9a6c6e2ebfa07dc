-- migrate:up

-- Backups of one customer: `fanfare backup customer` runs pg_dump as fanfare_backup, which reads all columns of the one
-- customer that its session names (the setting fanfare.customer_id), and writes nothing. The policies decide, as for
-- everybody else; without the setting every read is refused. Whoever has this role's password can read each customer, one
-- after the other, with credentials as they are sealed. No role may become it, and it may become none.
set local row_security = off;

grant usage on schema public, tenancy to fanfare_backup;
grant execute on function tenancy.customer_id(), tenancy.audit_customer_id(), tenancy.system_role(), tenancy.installation_id() to fanfare_backup;
-- A backup says of which schema it is.
set local role fanfare_definer;
grant execute on function tenancy.readiness() to fanfare_backup;
set local role fanfare_owner;

-- Has a tenant table, and its parts, in backups of customers: for migrations, one line for each table that is added.
create function tenancy.back_up(p_table regclass) returns void
language plpgsql as $$
declare
    v record;
begin
    execute format('grant select on %s to fanfare_backup', p_table);
    execute format('create policy %I on %s for select to fanfare_backup using (customer_id = (select tenancy.customer_id()))',
        (select c.relname || '_backup' from pg_catalog.pg_class c where c.oid = p_table), p_table);
    -- Under the table's restrictive policy, as all that read tenants' rows.
    for v in
        select p.polname as name, string_agg(quote_ident(r.rolname), ', ') as roles
        from pg_catalog.pg_policy p join pg_catalog.pg_roles r on r.oid = any (p.polroles)
        where p.polrelid = p_table and not p.polpermissive
        group by p.polname
    loop
        execute format('alter policy %I on %s to %s, fanfare_backup', v.name, p_table, v.roles);
    end loop;
    -- pg_dump reads a divided table part by part.
    for v in select i.inhrelid::regclass as part from pg_catalog.pg_inherits i where i.inhparent = p_table loop
        perform tenancy.back_up(v.part);
    end loop;
end
$$;

do $$
declare
    v regclass;
begin
    for v in
        select c.oid from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
            and a.attname = 'customer_id' and not a.attisdropped
    loop
        perform tenancy.back_up(v);
    end loop;
end
$$;

create policy customers_backup on customers for select to fanfare_backup
    using (id = (select tenancy.customer_id()) and erasing_at is null);
grant select on customers to fanfare_backup;

-- The people to whom rows of the entered customer refer: without them those rows could not be put back.
create function tenancy.backed_up_users() returns uuid[]
language plpgsql stable as $$
declare
    v record;
    v_some uuid[];
    v_all uuid[] := '{}';
begin
    for v in
        select f.conrelid::regclass as name, a.attname as user_column
        from pg_catalog.pg_constraint f join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = f.conkey[1]
        where f.contype = 'f' and f.confrelid = 'public.users'::regclass
            and exists (select from pg_catalog.pg_attribute t where t.attrelid = f.conrelid and t.attname = 'customer_id' and not t.attisdropped)
    loop
        execute format('select array_agg(distinct %I) from %s', v.user_column, v.name) into v_some;
        v_all := v_all || v_some;
    end loop;
    return v_all;
end
$$;
grant execute on function tenancy.backed_up_users() to fanfare_backup;
create policy users_backup on users for select to fanfare_backup using (id = any ((select tenancy.backed_up_users())::uuid[]));
grant select on users to fanfare_backup;

-- As before, and each month that is made is in backups too.
create or replace function tenancy.maintain_audit(p_keep_months integer) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_this timestamp := date_trunc('month', now() at time zone 'UTC');
    v_month timestamp;
    v_name text;
begin
    if p_keep_months < 1 then
        raise invalid_parameter_value using message = 'the log is kept for one month at least';
    end if;
    if not pg_try_advisory_xact_lock(7262835004) then
        return;
    end if;
    -- Nobody waits behind this for long: the next call does what this one could not.
    perform set_config('lock_timeout', '2s', true);
    for v_month in select generate_series(v_this - interval '1 month', v_this + interval '12 months', interval '1 month')
    loop
        perform tenancy.make_audit_month(v_month);
    end loop;
    for v_name in
        select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.audit_log'::regclass
            and c.relname < 'audit_log_' || to_char(v_this - make_interval(months => p_keep_months), 'YYYY_MM')
        order by 1
    loop
        execute format('drop table public.%I', v_name);
        perform tenancy.audit_event(tenancy.installation_id(), 'audit.drop_month', 'audit_log', v_name,
            jsonb_build_object('keep_months', p_keep_months));
    end loop;
end
$$;

-- Makes one month of the log, unless it is there.
create function tenancy.make_audit_month(p_month timestamp) returns void
language plpgsql as $$
declare
    v_name text := 'audit_log_' || to_char(p_month, 'YYYY_MM');
begin
    if to_regclass('public.' || v_name) is not null then
        return;
    end if;
    -- Made first and attached then, which does not wait for those who write to the log.
    execute format('create table public.%I (like public.audit_log including defaults including constraints)', v_name);
    execute format('alter table public.%I enable row level security', v_name);
    execute format('alter table public.%I force row level security', v_name);
    perform tenancy.back_up(('public.' || v_name)::regclass);
    execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)', v_name,
        to_char(p_month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(p_month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
end
$$;

-- migrate:down
create or replace function tenancy.maintain_audit(p_keep_months integer) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_this timestamp := date_trunc('month', now() at time zone 'UTC');
    v_month timestamp;
    v_name text;
begin
    if p_keep_months < 1 then
        raise invalid_parameter_value using message = 'the log is kept for one month at least';
    end if;
    if not pg_try_advisory_xact_lock(7262835004) then
        return;
    end if;
    -- Nobody waits behind this for long: the next call does what this one could not.
    perform set_config('lock_timeout', '2s', true);
    for v_month in select generate_series(v_this - interval '1 month', v_this + interval '12 months', interval '1 month')
    loop
        v_name := 'audit_log_' || to_char(v_month, 'YYYY_MM');
        if to_regclass('public.' || v_name) is null then
            -- Made first and attached then, which does not wait for those who write to the log.
            execute format('create table public.%I (like public.audit_log including defaults including constraints)', v_name);
            execute format('alter table public.%I enable row level security', v_name);
            execute format('alter table public.%I force row level security', v_name);
            execute format('alter table public.audit_log attach partition public.%I for values from (%L) to (%L)', v_name,
                to_char(v_month, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(v_month + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
        end if;
    end loop;
    for v_name in
        select c.relname from pg_catalog.pg_inherits i join pg_catalog.pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'public.audit_log'::regclass
            and c.relname < 'audit_log_' || to_char(v_this - make_interval(months => p_keep_months), 'YYYY_MM')
        order by 1
    loop
        execute format('drop table public.%I', v_name);
        perform tenancy.audit_event(tenancy.installation_id(), 'audit.drop_month', 'audit_log', v_name,
            jsonb_build_object('keep_months', p_keep_months));
    end loop;
end
$$;
drop function tenancy.make_audit_month(timestamp);
do $$
declare
    v record;
begin
    for v in
        select p.polname as name, p.polrelid::regclass as on_table, p.polpermissive as permissive,
            (select string_agg(quote_ident(r.rolname), ', ') from pg_catalog.pg_roles r where r.oid = any (p.polroles) and r.rolname <> 'fanfare_backup') as others
        from pg_catalog.pg_policy p where 'fanfare_backup'::regrole = any (p.polroles)
    loop
        if v.permissive then
            execute format('drop policy %I on %s', v.name, v.on_table);
        else
            execute format('alter policy %I on %s to %s', v.name, v.on_table, v.others);
        end if;
    end loop;
    for v in
        select c.oid::regclass as on_table from pg_catalog.pg_class c cross join aclexplode(c.relacl) g
        where g.grantee = 'fanfare_backup'::regrole
    loop
        execute format('revoke select on %s from fanfare_backup', v.on_table);
    end loop;
end
$$;
drop function tenancy.backed_up_users();
drop function tenancy.back_up(regclass);
set local role fanfare_definer;
revoke execute on function tenancy.readiness() from fanfare_backup;
set local role fanfare_owner;
revoke execute on function tenancy.customer_id(), tenancy.audit_customer_id(), tenancy.system_role(), tenancy.installation_id() from fanfare_backup;
revoke usage on schema public, tenancy from fanfare_backup;
