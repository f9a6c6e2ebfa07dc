-- migrate:up

-- Erasure of a customer: everything that it has, for good. Asked for by an owner of the archived customer; from that
-- moment on nobody can enter it any more, and the worker deletes what there is, in steps that can be interrupted.
-- What is left is the receipt, and two rows in the installation's audit log. The people are not the customer's and stay.
set local row_security = off;

alter table customers add column erasing_at timestamptz;

-- A customer that is being erased is not there. The functions that enter a tenant look customers up as
-- fanfare_definer, so to all of them there is no such customer; only a function that erases says which one it
-- means, and sees it.
alter policy customers_definer on customers
    using (erasing_at is null or id = (select nullif(current_setting('fanfare.erasing', true), '')::uuid)) with check (true);
-- Nor is it in the list of one's customers.
alter policy customers_select on customers using (erasing_at is null);
alter policy customers_admin_select on customers using (erasing_at is null and (select tenancy.has_system_role('viewer')));

-- The receipts. Global, as they outlive the customer: subject_id was its id.
create table erasures (
    id uuid not null,
    subject_id uuid not null,
    state text not null default 'requested',
    requested_by uuid not null,
    requested_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    -- whether there may be files: a worker without the bucket must leave it to another
    has_files boolean not null,
    -- how many rows of which table are gone
    counts jsonb not null default '{}',
    files bigint not null default 0,
    constraint erasures_pkey primary key (id),
    constraint erasures_subject_key unique (subject_id),
    constraint erasures_requested_by_fkey foreign key (requested_by) references users (id),
    constraint erasures_state_known check (state in ('requested', 'running', 'finished')),
    constraint erasures_finished_has_time check ((state = 'finished') = (finished_at is not null))
);
create index erasures_under_way on erasures (id) where state <> 'finished';

alter table erasures enable row level security;
alter table erasures force row level security;
create policy erasures_own on erasures for select to fanfare_user, fanfare_admin using (requested_by = (select tenancy.user_id()));
create policy erasures_admin on erasures for select to fanfare_admin using ((select tenancy.has_system_role('viewer')));
create policy erasures_worker on erasures for select to fanfare_worker using (true);
create policy erasures_worker_update on erasures for update to fanfare_worker using (true) with check (true);
create policy erasures_definer on erasures to fanfare_definer using (true) with check (true);
grant select on erasures to fanfare_user, fanfare_admin;
grant select, update (files) on erasures to fanfare_worker;
grant select, insert, update on erasures to fanfare_definer;

-- The customer that is erased in this transaction: one that an erasure names, whatever the setting says.
create or replace function tenancy.erasing_id() returns uuid
language plpgsql stable parallel safe as $$
declare
    v_id uuid := nullif(current_setting('fanfare.erasing', true), '')::uuid;
begin
    if v_id is not null and not exists (select from public.erasures e where e.subject_id = v_id) then
        return null;
    end if;
    return v_id;
end
$$;

-- Every column that names a customer, in an order in which rows can be deleted: what refers to something comes
-- first. A table that is added to the schema is added here. Rows are taken by key_name: by their place, which every
-- table has, but from the audit log, where a policy stands between (below) that a place may not be compared before.
create function tenancy.erased_columns() returns table (table_name text, column_name text, key_name text)
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
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
grant execute on function tenancy.erased_columns() to fanfare_definer;

do $$
declare
    v record;
begin
    for v in select e.table_name, e.column_name, split_part(e.table_name, '.', 2) as name from tenancy.erased_columns() e loop
        execute format('create policy %I on %s for select to fanfare_definer using (true)', v.name || '_erase_select', v.table_name);
        execute format('create policy %I on %s for delete to fanfare_definer using (true)', v.name || '_erase', v.table_name);
        execute format('grant select (%I, ctid), delete on %s to fanfare_definer', v.column_name, v.table_name);
    end loop;
end
$$;
-- Rows of the audit log go with their customer and in no other way.
alter policy audit_log_erase on audit_log using (customer_id = (select tenancy.erasing_id()));
alter policy audit_seals_erase on audit_seals using (customer_id = (select tenancy.erasing_id()));
grant delete on customers to fanfare_definer;

-- What looks after single rows has nothing to look after when all of them go: a post does not follow its platform
-- posts, its files are not frozen, and no owner must stay. Nothing else is deleted as fanfare_definer there.
create or replace trigger platform_posts_follow_insert after insert or delete on platform_posts
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.follow_platform_post();
create or replace trigger post_media_guard before insert or delete on post_media
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.guard_post_media();
set local role fanfare_definer;
grant execute on function tenancy.guard_membership() to fanfare_owner;
reset role;
create or replace trigger memberships_guard before insert or update on memberships
    for each row execute function tenancy.guard_membership();
create trigger memberships_guard_delete before delete on memberships
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.guard_membership();
set local role fanfare_definer;
revoke execute on function tenancy.guard_membership() from fanfare_owner;
reset role;

-- Asks for the erasure of the entered customer, which must be archived and is named once more, so that it is not
-- another one that was meant.
create function tenancy.request_erasure(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_id uuid := tenancy.customer_id();
    v_name text;
    v_archived timestamptz;
begin
    if (tenancy.member_role() = 'owner' or tenancy.administers()) is not true then
        raise insufficient_privilege using message = 'permission denied: only an owner erases a customer';
    end if;
    perform set_config('fanfare.erasing', v_id::text, true);
    -- Members are changed under this lock too. After the wait the acting owner must still be one.
    select c.name, c.archived_at into v_name, v_archived from public.customers c where c.id = v_id for update;
    if tenancy.member_role() is not null and not exists (
        select from public.memberships m where m.customer_id = v_id and m.user_id = tenancy.user_id() and m.role = 'owner')
    then
        raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
    end if;
    if v_archived is null then
        raise check_violation using message = 'only an archived customer can be erased',
            constraint = 'erasures_of_archived', table = 'erasures', schema = 'public';
    end if;
    if v_name is distinct from p_name then
        raise check_violation using message = 'the customer has another name',
            constraint = 'erasures_name_given', table = 'erasures', schema = 'public';
    end if;
    insert into public.erasures (id, subject_id, requested_by, has_files)
    values (p_id, v_id, tenancy.user_id(), exists (select from public.exports e where e.customer_id = v_id)
        or exists (select from public.media m where m.customer_id = v_id));
    update public.customers set erasing_at = now() where id = v_id;
    -- In the installation's log, as the customer's own is erased with it.
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase_request', 'customer', v_id::text,
        jsonb_build_object('erasure_id', p_id));
    perform set_config('fanfare.erasing', '', true);
end
$$;
revoke execute on function tenancy.request_erasure(uuid, text) from public;
grant execute on function tenancy.request_erasure(uuid, text) to fanfare_user, fanfare_admin;
alter function tenancy.request_erasure(uuid, text) owner to fanfare_definer;

-- Deletes up to p_limit rows of a customer that is being erased, and counts them in the same transaction. Answers
-- what is left: 'jobs' that run, which must end first; 'rows'; or 'nothing', with the customer itself gone.
create function tenancy.erase_step(p_erasure uuid, p_limit integer) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_subject uuid;
    v record;
    v_count bigint;
    v_left bigint := p_limit;
    v_counts jsonb;
begin
    -- Locks the erasure: two workers would only wait for each other's rows.
    update public.erasures e set state = 'running', started_at = coalesce(e.started_at, now())
    where e.id = p_erasure and e.state <> 'finished'
    returning e.subject_id, e.counts into v_subject, v_counts;
    if v_subject is null then
        raise no_data_found using message = 'there is no such erasure under way';
    end if;
    perform set_config('fanfare.erasing', v_subject::text, true);
    delete from river.river_job j where j.customer_id = v_subject and j.state <> 'running';
    get diagnostics v_count = row_count;
    v_counts := v_counts || jsonb_build_object('river.river_job', coalesce((v_counts ->> 'river.river_job')::bigint, 0) + v_count);
    if exists (select from river.river_job j where j.customer_id = v_subject) then
        update public.erasures e set counts = v_counts where e.id = p_erasure;
        return 'jobs';
    end if;
    for v in select e.table_name, e.column_name, e.key_name from tenancy.erased_columns() e loop
        execute format('delete from %1$s where %2$I = $1 and %3$I = any (array(
            select t.%3$I from %1$s t where t.%2$I = $1 limit $2))', v.table_name, v.column_name, v.key_name) using v_subject, v_left;
        get diagnostics v_count = row_count;
        v_counts := v_counts || jsonb_build_object(v.table_name, coalesce((v_counts ->> v.table_name)::bigint, 0) + v_count);
        v_left := v_left - v_count;
        exit when v_left <= 0;
    end loop;
    if v_left > 0 then
        delete from public.customers c where c.id = v_subject;
        get diagnostics v_count = row_count;
        v_counts := v_counts || jsonb_build_object('public.customers', coalesce((v_counts ->> 'public.customers')::bigint, 0) + v_count);
    end if;
    update public.erasures e set counts = v_counts where e.id = p_erasure;
    return case when v_left > 0 then 'nothing' else 'rows' end;
end
$$;
revoke execute on function tenancy.erase_step(uuid, integer) from public;
grant execute on function tenancy.erase_step(uuid, integer) to fanfare_worker;
alter function tenancy.erase_step(uuid, integer) owner to fanfare_definer;

-- Writes the receipt, once there is nothing left that it could be untrue of. Answers false where something is.
create function tenancy.finish_erasure(p_erasure uuid) returns boolean
language plpgsql security definer set search_path = '' as $$
declare
    v_erasure public.erasures;
    v record;
    v_left boolean;
begin
    select * into v_erasure from public.erasures e where e.id = p_erasure for update;
    if v_erasure.id is null then
        raise no_data_found using message = 'there is no such erasure';
    end if;
    if v_erasure.state = 'finished' then
        return true;
    end if;
    perform set_config('fanfare.erasing', v_erasure.subject_id::text, true);
    if exists (select from public.customers c where c.id = v_erasure.subject_id) then
        return false;
    end if;
    for v in select e.table_name, e.column_name from tenancy.erased_columns() e loop
        execute format('select exists (select from %s where %I = $1)', v.table_name, v.column_name) into v_left using v_erasure.subject_id;
        if v_left then
            return false;
        end if;
    end loop;
    update public.erasures e set state = 'finished', finished_at = now() where e.id = p_erasure;
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase', 'customer', v_erasure.subject_id::text,
        jsonb_build_object('erasure_id', p_erasure, 'rows', v_erasure.counts, 'files', v_erasure.files));
    return true;
end
$$;
revoke execute on function tenancy.finish_erasure(uuid) from public;
grant execute on function tenancy.finish_erasure(uuid) to fanfare_worker;
alter function tenancy.finish_erasure(uuid) owner to fanfare_definer;

-- A transaction that had entered the customer before may have ended after everything else: where no foreign key
-- refuses its rows, a job or the answer to a request is left, which name the customer. For a quarter of an hour, which
-- no transaction lasts, they are looked for. Answers how many there were.
create function tenancy.forget_erased() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v record;
    v_count bigint;
    v_all bigint := 0;
begin
    for v in
        select c.table_name, c.column_name, e.subject_id
        from public.erasures e, tenancy.erased_columns() c
        where e.id in (
            select x.id from public.erasures x where x.state = 'finished' and x.finished_at > now() - interval '15 minutes'
            order by x.finished_at limit 500)
    loop
        perform set_config('fanfare.erasing', v.subject_id::text, true);
        execute format('delete from %s where %I = $1', v.table_name, v.column_name) using v.subject_id;
        get diagnostics v_count = row_count;
        v_all := v_all + v_count;
    end loop;
    return v_all;
end
$$;
revoke execute on function tenancy.forget_erased() from public;
grant execute on function tenancy.forget_erased() to fanfare_worker;
alter function tenancy.forget_erased() owner to fanfare_definer;

-- migrate:down
drop function tenancy.forget_erased();
drop function tenancy.finish_erasure(uuid);
drop function tenancy.erase_step(uuid, integer);
drop function tenancy.request_erasure(uuid, text);
set local role fanfare_definer;
grant execute on function tenancy.guard_membership() to fanfare_owner;
reset role;
drop trigger memberships_guard_delete on memberships;
create or replace trigger memberships_guard before insert or update or delete on memberships
    for each row execute function tenancy.guard_membership();
set local role fanfare_definer;
revoke execute on function tenancy.guard_membership() from fanfare_owner;
reset role;
create or replace trigger post_media_guard before insert or delete on post_media
    for each row execute function tenancy.guard_post_media();
create or replace trigger platform_posts_follow_insert after insert or delete on platform_posts
    for each row execute function tenancy.follow_platform_post();
revoke delete on customers from fanfare_definer;
do $$
declare
    v record;
begin
    for v in select e.table_name, e.column_name, split_part(e.table_name, '.', 2) as name from tenancy.erased_columns() e loop
        execute format('revoke select (ctid), delete on %s from fanfare_definer', v.table_name);
        execute format('drop policy %I on %s', v.name || '_erase', v.table_name);
        execute format('drop policy %I on %s', v.name || '_erase_select', v.table_name);
    end loop;
end
$$;
drop function tenancy.erased_columns();
create or replace function tenancy.erasing_id() returns uuid
language plpgsql stable parallel safe as $$
begin
    return null;
end
$$;
drop table erasures;
alter policy customers_admin_select on customers using ((select tenancy.has_system_role('viewer')));
alter policy customers_select on customers using (true);
alter policy customers_definer on customers using (true) with check (true);
alter table customers drop column erasing_at;
