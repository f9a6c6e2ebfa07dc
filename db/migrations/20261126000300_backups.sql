-- migrate:up

-- Backups of the files of customers (requirements W4 and W5), their restoring, and drills. Whatever is in the bucket, a backup is whole only where its row is
-- ready: it has the manifest's digest. The admins' business, in an archived customer too, as exports are.
set local row_security = off;

-- How each customer's backups stand; made by the first night.
create table backup_status (
    customer_id uuid not null default tenancy.customer_id(),
    -- for which it was seen to last
    night date not null default '-infinity',
    last_good_id uuid,
    last_good_at timestamptz,
    last_failed_at timestamptz,
    -- of drills
    drilled_at timestamptz not null default '-infinity',
    last_good_drill_at timestamptz,
    last_failed_drill_at timestamptz,
    constraint backup_status_pkey primary key (customer_id),
    constraint backup_status_customer_fkey foreign key (customer_id) references customers (id)
);
create index backup_status_by_night on backup_status (night, customer_id);
create index backup_status_to_drill on backup_status (drilled_at, customer_id) where last_good_id is not null;

create table backups (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- queued, running, ready or failed; deleting: its time is over
    state text not null default 'queued',
    -- NULL: by the schedule
    requested_by uuid default tenancy.user_id(),
    night date,
    -- everything is stored, and not only what has changed since the one before
    is_full boolean not null default false,
    previous_id uuid,
    started_at timestamptz,
    finished_at timestamptz,
    -- under which it is, or is being, written: another one for each try
    object_id uuid,
    -- of the manifest as it is stored, in hexadecimal
    manifest_sha256 text,
    -- which objects it needs, of earlier backups too
    uses jsonb,
    files bigint,
    bytes bigint,
    -- what this backup itself takes in the bucket
    stored_bytes bigint,
    -- what could not be backed up, such as links, and what changed while it was read
    left_out bigint,
    unstable bigint,
    -- since when it is known that something of it is damaged or missing
    damaged_at timestamptz,
    problem text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint backups_pkey primary key (customer_id, id),
    constraint backups_customer_fkey foreign key (customer_id) references customers (id),
    constraint backups_requested_by_fkey foreign key (requested_by) references users (id),
    constraint backups_state_known check (state in ('queued', 'running', 'ready', 'failed', 'deleting')),
    constraint backups_sha256_form check (manifest_sha256 ~ '^[0-9a-f]{64}$'),
    constraint backups_ready_is_whole check (state <> 'ready' or (object_id is not null and manifest_sha256 is not null and uses is not null and finished_at is not null and files is not null and bytes is not null)),
    constraint backups_failed_says_why check (state <> 'failed' or problem is not null),
    constraint backups_problem_length check (char_length(problem) <= 2000)
);
create unique index backups_one_at_a_time on backups (customer_id) where state in ('queued', 'running');
create index backups_requested on backups (customer_id, created_at) where requested_by is not null;
create trigger backups_touch before update on backups for each row execute function tenancy.touch();

-- People have a backup made at most 10 times a day, as each is kept for a day, and may store everything anew.
create function tenancy.guard_backup() returns trigger
language plpgsql as $$
begin
    if new.requested_by is not null and (select count(*) from public.backups b where b.customer_id = new.customer_id and b.requested_by is not null
        and b.created_at > now() - interval '1 day') >= 10
    then
        raise check_violation using message = '10 backups were asked for within a day', constraint = 'backups_a_day', table = 'backups', schema = 'public';
    end if;
    return new;
end
$$;
create trigger backups_guard before insert on backups for each row execute function tenancy.guard_backup();

create table restores (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    backup_id uuid not null,
    -- planning, then planned; then, if somebody starts it: queued, running, applying, and done or failed
    state text not null default 'planning',
    requested_by uuid default tenancy.user_id(),
    -- the one workspace, or all, and the media library, where both are NULL; of it a file or directory
    workspace_id uuid,
    path text,
    -- where to, if not where it was: a directory of a workspace
    to_workspace_id uuid,
    to_path text,
    -- what the backup does not have is removed
    exact boolean not null default false,
    -- what would be done: {"create": 1, "replace": 2, "unchanged": 3, "remove": 0, "kept": 0, "bytes": 4, "changes": [{"path", "action", "bytes"}, …]}
    plan jsonb,
    -- digests of all that the plan would remove or replace: no more than that is
    losses bytea,
    started_at timestamptz,
    finished_at timestamptz,
    problem text,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint restores_pkey primary key (customer_id, id),
    constraint restores_customer_fkey foreign key (customer_id) references customers (id),
    constraint restores_backup_fkey foreign key (customer_id, backup_id) references backups (customer_id, id) on delete cascade,
    constraint restores_workspace_fkey foreign key (customer_id, workspace_id) references workspaces (customer_id, id),
    constraint restores_to_workspace_fkey foreign key (customer_id, to_workspace_id) references workspaces (customer_id, id),
    constraint restores_requested_by_fkey foreign key (requested_by) references users (id),
    constraint restores_state_known check (state in ('planning', 'planned', 'queued', 'running', 'applying', 'done', 'failed')),
    constraint restores_path_of_workspace check (path is null or workspace_id is not null),
    constraint restores_place_whole check ((to_workspace_id is null) = (to_path is null)),
    constraint restores_elsewhere_of_workspace check (to_workspace_id is null or workspace_id is not null),
    constraint restores_exact_in_place check (not exact or to_workspace_id is null),
    constraint restores_path_length check (char_length(path) <= 1024 and char_length(to_path) <= 1024),
    constraint restores_planned check (state in ('planning', 'failed') or plan is not null),
    constraint restores_failed_says_why check (state <> 'failed' or problem is not null),
    constraint restores_problem_length check (char_length(problem) <= 2000)
);
create unique index restores_one_at_a_time on restores (customer_id) where state in ('queued', 'running', 'applying');
create unique index restores_one_plan_at_a_time on restores (customer_id) where state = 'planning';
create index restores_by_backup on restores (customer_id, backup_id);
create index restores_to_do on restores (updated_at) where state in ('planning', 'queued', 'running', 'applying');
create index backups_to_do on backups (updated_at) where state in ('queued', 'running', 'deleting');
create trigger restores_touch before update on restores for each row execute function tenancy.touch();

-- A restore goes through its states in order; people only start one that is planned.
create function tenancy.guard_restore() returns trigger
language plpgsql as $$
begin
    if new.state <> old.state and (
        current_user in ('fanfare_user', 'fanfare_admin') and (old.state, new.state) <> ('planned', 'queued')
        or (old.state, new.state) not in (('planning', 'planned'), ('planning', 'failed'), ('planned', 'queued'), ('planned', 'failed'), ('queued', 'running'),
            ('queued', 'failed'), ('running', 'applying'), ('running', 'done'), ('running', 'failed'), ('applying', 'done'), ('applying', 'failed')))
    then
        raise check_violation using message = format('a restore that is %s cannot become %s', old.state, new.state),
            constraint = 'restores_state_transition', table = 'restores', schema = 'public';
    end if;
    return new;
end
$$;
create trigger restores_guard before update on restores for each row execute function tenancy.guard_restore();

-- Only what is whole is restored. That it is there, the foreign key says.
create function tenancy.guard_restored_backup() returns trigger
language plpgsql as $$
declare
    v_state text := (select b.state from public.backups b where b.customer_id = new.customer_id and b.id = new.backup_id);
begin
    if v_state <> 'ready' then
        raise check_violation using message = 'the backup is not ready', constraint = 'restores_of_ready', table = 'restores', schema = 'public';
    end if;
    return new;
end
$$;

create table drills (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    backup_id uuid not null,
    state text not null default 'running',
    -- how many files and bytes were restored and compared, and how many of them were not as they should be
    files bigint,
    bytes bigint,
    differences bigint,
    problem text,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    constraint drills_pkey primary key (customer_id, id),
    constraint drills_customer_fkey foreign key (customer_id) references customers (id),
    constraint drills_backup_fkey foreign key (customer_id, backup_id) references backups (customer_id, id) on delete cascade,
    constraint drills_state_known check (state in ('running', 'good', 'failed')),
    constraint drills_good_is_whole check (state <> 'good' or (files is not null and bytes is not null and differences = 0)),
    constraint drills_failed_says_why check (state <> 'failed' or problem is not null),
    constraint drills_problem_length check (char_length(problem) <= 2000)
);
create index drills_by_backup on drills (customer_id, backup_id);
create unique index drills_one_at_a_time on drills (customer_id) where state = 'running';
create index drills_to_do on drills (created_at) where state = 'running';

-- Whoever may have a customer's data taken out of Fanfare, and put back.
create function tenancy.permit_backups() returns boolean
language plpgsql stable parallel safe as $$
begin
    if coalesce(tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin', false) then
        return true;
    end if;
    raise insufficient_privilege using message = 'permission denied: backups are the admins'' business';
end
$$;
grant execute on function tenancy.permit_backups() to fanfare_user, fanfare_admin;

do $$
declare
    v_table text;
begin
    foreach v_table in array array['backup_status', 'backups', 'restores', 'drills'] loop
        execute format('alter table %I enable row level security', v_table);
        execute format('alter table %I force row level security', v_table);
        execute format('create policy %I on %I as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
            using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()))', v_table || '_tenant', v_table);
        execute format('create policy %I on %I for select to fanfare_user, fanfare_admin using ((select tenancy.permit_backups()))', v_table || '_select', v_table);
        execute format('create policy %I on %I for select to fanfare_worker using (true)', v_table || '_worker_select', v_table);
        execute format('create policy %I on %I for update to fanfare_worker using (true) with check (true)', v_table || '_worker_update', v_table);
        execute format('create policy %I on %I to fanfare_definer using (true) with check (true)', v_table || '_definer', v_table);
        execute format('grant select on %I to fanfare_user, fanfare_admin, fanfare_worker', v_table);
        execute format('grant select (ctid), select, delete on %I to fanfare_definer', v_table);
    end loop;
end
$$;
create policy backups_insert on backups for insert to fanfare_user with check ((select tenancy.permit_backups()));
create policy backups_admin_insert on backups for insert to fanfare_admin with check ((select tenancy.administers()));
create policy backups_worker_delete on backups for delete to fanfare_worker using (state <> 'ready');
grant insert (id, is_full) on backups to fanfare_user, fanfare_admin;
grant update (state, is_full, previous_id, started_at, finished_at, object_id, manifest_sha256, uses, files, bytes, stored_bytes, left_out, unstable, damaged_at, problem), delete
    on backups to fanfare_worker;
grant insert on backups to fanfare_definer;
grant insert, update on backup_status to fanfare_definer;
create policy backup_status_insert on backup_status for insert to fanfare_worker with check (true);
grant insert (last_good_id, last_good_at, last_failed_at) on backup_status to fanfare_worker;
grant update (last_good_id, last_good_at, last_failed_at, drilled_at, last_good_drill_at, last_failed_drill_at) on backup_status to fanfare_worker;

-- Putting files back changes what is there, so not in an archived customer.
create policy restores_insert on restores for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy restores_update on restores for update to fanfare_user
    using ((select tenancy.permit_backups())) with check ((select tenancy.has_role('admin')));
create policy restores_delete on restores for delete to fanfare_user using ((select tenancy.permit_backups()) and state in ('planning', 'planned'));
create policy restores_admin_insert on restores for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy restores_admin_update on restores for update to fanfare_admin
    using ((select tenancy.permit_backups())) with check ((select tenancy.has_system_role('admin')));
create policy restores_admin_delete on restores for delete to fanfare_admin
    using ((select tenancy.permit_backups()) and (select tenancy.reason_given()) and state in ('planning', 'planned'));
create policy restores_worker_delete on restores for delete to fanfare_worker using (state in ('planned', 'done', 'failed'));
grant insert (id, backup_id, workspace_id, path, to_workspace_id, to_path, exact), update (state), delete on restores to fanfare_user, fanfare_admin;
grant update (state, plan, losses, started_at, finished_at, problem), delete on restores to fanfare_worker;
create trigger restores_of_ready before insert on restores for each row execute function tenancy.guard_restored_backup();
select tenancy.audit_table('restores', 'restore', 'id', '{}', '{plan,losses}');

create policy drills_insert on drills for insert to fanfare_worker with check (true);
grant insert (id, backup_id), update (state, files, bytes, differences, problem, finished_at) on drills to fanfare_worker;

-- Begins the night's backups of up to p_limit customers; the worker finds out which have nothing to back up. A new customer's first night is the next one. Answers how many customers it has seen to; fewer than p_limit: that was all.
create function tenancy.begin_night(p_night date, p_limit integer) returns integer
language plpgsql security definer set search_path = '' as $$
declare
    v_seen uuid[];
begin
    insert into public.backup_status (customer_id, night)
    select c.id, p_night from public.customers c
    where c.erasing_at is null and not exists (select from public.backup_status s where s.customer_id = c.id)
    limit p_limit on conflict do nothing;
    v_seen := array(
        select s.customer_id from public.backup_status s where s.night < p_night order by s.night, s.customer_id limit p_limit for update skip locked);
    update public.backup_status s set night = p_night where s.customer_id = any (v_seen);
    insert into public.backups (customer_id, id, requested_by, night)
    select c.id, gen_random_uuid(), null, p_night
    from public.customers c
    where c.id = any (v_seen) and c.erasing_at is null
    on conflict do nothing;
    return cardinality(v_seen);
end
$$;
revoke execute on function tenancy.begin_night(date, integer) from public;
grant execute on function tenancy.begin_night(date, integer) to fanfare_worker;
alter function tenancy.begin_night(date, integer) owner to fanfare_definer;

-- What the worker has to do with backups of all customers that has no job: backups to write, restores to plan or to do, drills to begin or to go on with. Ids only.
create function tenancy.backups_to_do(p_drill_every interval, p_limit integer) returns table (customer_id uuid, id uuid, what text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    with todo as (
        (select b.customer_id, b.id, 'backup' as what from public.backups b
        where (b.state in ('queued', 'running')
            or b.state = 'deleting' and not exists (select from public.workspace_policies p where p.customer_id = b.customer_id and p.legal_hold)) and not exists (
            select from river.river_job j where j.customer_id = b.customer_id and j.args ->> 'backup_id' = b.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by b.updated_at limit p_limit)
        union all
        (select r.customer_id, r.id, 'restore' from public.restores r
        where r.state in ('planning', 'queued', 'running', 'applying') and not exists (
            select from river.river_job j where j.customer_id = r.customer_id and j.args ->> 'restore_id' = r.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by r.updated_at limit p_limit)
        union all
        (select d.customer_id, d.id, 'drill' from public.drills d
        where d.state = 'running' and not exists (
            select from river.river_job j where j.customer_id = d.customer_id and j.args ->> 'drill_id' = d.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
        order by d.created_at limit p_limit)
        union all
        (select s.customer_id, s.last_good_id, 'begin_drill' from public.backup_status s
        where s.last_good_id is not null and s.drilled_at < now() - p_drill_every
        order by s.drilled_at, s.customer_id limit p_limit)
    )
    select t.customer_id, t.id, t.what
    from todo t
        join public.customers c on c.id = t.customer_id
    where c.erasing_at is null;
end
$$;
revoke execute on function tenancy.backups_to_do(interval, integer) from public;
grant execute on function tenancy.backups_to_do(interval, integer) to fanfare_worker;
alter function tenancy.backups_to_do(interval, integer) owner to fanfare_definer;

-- How the backups of all customers stand, for metrics and health: how many customers have one, of how many it is older than p_late or there is none though one was
-- begun so long ago, when the oldest last good one was made, and the same of drills.
create function tenancy.backup_health(p_late interval, p_drill_late interval)
returns table (customers bigint, late bigint, oldest_good_at timestamptz, newest_good_at timestamptz, failing bigint, drills_late bigint, drills_failing bigint, newest_good_drill_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select count(*) filter (where s.last_good_at is not null),
        count(*) filter (where s.last_good_at < now() - p_late or s.last_good_at is null and exists (
            select from public.backups b where b.customer_id = s.customer_id and b.created_at < now() - p_late)),
        min(s.last_good_at), max(s.last_good_at),
        count(*) filter (where s.last_failed_at is not null and s.last_failed_at > coalesce(s.last_good_at, '-infinity')),
        count(*) filter (where s.last_good_at is not null and coalesce(s.last_good_drill_at, '-infinity') < now() - p_drill_late),
        count(*) filter (where s.last_failed_drill_at is not null and s.last_failed_drill_at > coalesce(s.last_good_drill_at, '-infinity')),
        max(s.last_good_drill_at)
    from public.backup_status s;
end
$$;
revoke execute on function tenancy.backup_health(interval, interval) from public;
grant execute on function tenancy.backup_health(interval, interval) to fanfare_worker, fanfare_login;
alter function tenancy.backup_health(interval, interval) owner to fanfare_definer;

-- The backups of a customer that are whole, newest first, for the operator, who restores them without workers.
create function tenancy.list_backups(p_customer_id uuid)
returns table (id uuid, object_id uuid, manifest_sha256 text, finished_at timestamptz, files bigint, bytes bigint, damaged_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select b.id, b.object_id, b.manifest_sha256, b.finished_at, b.files, b.bytes, b.damaged_at
    from public.backups b where b.customer_id = p_customer_id and b.state = 'ready'
    order by b.finished_at desc;
end
$$;
revoke execute on function tenancy.list_backups(uuid) from public;
alter function tenancy.list_backups(uuid) owner to fanfare_definer;
set local role fanfare_definer;
grant execute on function tenancy.list_backups(uuid) to fanfare_owner;
set local role fanfare_owner;

-- migrate:down
drop function tenancy.list_backups(uuid);
drop function tenancy.backup_health(interval, interval);
drop function tenancy.backups_to_do(interval, integer);
drop function tenancy.begin_night(date, integer);
drop table drills;
drop table restores;
drop table backups;
drop table backup_status;
drop function tenancy.permit_backups();
drop function tenancy.guard_restored_backup();
drop function tenancy.guard_restore();
drop function tenancy.guard_backup();
