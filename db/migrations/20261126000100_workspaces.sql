-- migrate:up

-- Workspaces (requirements W1–W3): a directory of each customer and of each of its spaces. The directory is the truth for what is in it,
-- since programs that have it mounted write there too. The rows say who may use it, how much room it takes, and when it was used last.
set local row_security = off;

create or replace function tenancy.permissions_known() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish',
    'jobs:read', 'audit:read', 'tokens:mint', 'spaces:read', 'spaces:pair', 'conversations:read', 'memories:read', 'memories:write', 'credentials:write',
    'files:read', 'files:write'];

create or replace function tenancy.permissions_of(p_role text) returns text[]
language sql immutable parallel safe
return case p_role
    when 'owner' then tenancy.permissions_known()
    when 'admin' then tenancy.permissions_known()
    when 'member' then array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish', 'jobs:read',
        'spaces:read', 'memories:read', 'memories:write', 'credentials:write', 'files:read', 'files:write']
    when 'viewer' then array['customer:read', 'campaigns:read', 'posts:read', 'jobs:read', 'spaces:read', 'files:read']
    else array[]::text[]
end;

-- Of which workspaces the caller may read the files: all, the customer's own, that of the space where they act, or none. What is in a space is for whoever
-- acts there, and for those who may read what is said in all of them.
create function tenancy.reach_of_files() returns text
language plpgsql stable parallel safe as $$
begin
    if coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is null then
        return case when tenancy.reads_as_admin() then 'all' else 'own' end;
    elsif not tenancy.has_any_permission('files:read', 'files:write') then
        return 'none';
    elsif tenancy.space_id() is not null then
        return 'space';
    end if;
    return case when tenancy.has_permission('conversations:read') then 'all' else 'own' end;
end
$$;

-- Whether that reaches the workspace of p_space_id, NULL being the customer's own.
create function tenancy.reads_files(p_space_id uuid) returns boolean
language plpgsql stable parallel safe as $$
begin
    return case tenancy.reach_of_files() when 'all' then true when 'own' then p_space_id is null when 'space' then coalesce(p_space_id = tenancy.space_id(), false)
        else false end;
end
$$;

-- Whether the caller may change them; never in an archived customer.
create function tenancy.writes_files(p_space_id uuid) returns boolean
language plpgsql stable parallel safe as $$
begin
    if not tenancy.reads_files(p_space_id) then
        return false;
    elsif coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is not null then
        return tenancy.has_permission('files:write');
    elsif tenancy.member_role() is not null then
        return tenancy.has_role(case when p_space_id is null then 'member' else 'admin' end);
    end if;
    return tenancy.has_system_role(case when p_space_id is null then 'manager' else 'admin' end);
end
$$;
grant execute on function tenancy.reach_of_files(), tenancy.reads_files(uuid), tenancy.writes_files(uuid) to fanfare_user, fanfare_agent, fanfare_admin, fanfare_definer;
grant execute on function tenancy.key_id(), tenancy.token_id(), tenancy.has_any_permission(text[]), tenancy.has_role(text), tenancy.has_system_role(text)
    to fanfare_definer;

create table workspaces (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    -- NULL: the customer's own
    space_id uuid,
    -- new: its directory is still to be made. active. archiving: nobody has used it for long, and it is being put into an archive. archived: it is
    -- nowhere else. returning: somebody wants it back. restoring: files of a backup are being put in their places. deleted: nobody came back.
    state text not null default 'new',
    -- what it counts of the customer's quota. entries: files and directories
    bytes bigint not null default 0,
    entries bigint not null default 0,
    -- when its directory was looked through last
    measured_at timestamptz not null default now(),
    -- to the hour
    last_used_at timestamptz not null default now(),
    -- since when its admins know that it will be archived
    announced_at timestamptz,
    -- since when somebody wants it back
    wanted_at timestamptz,
    archived_at timestamptz,
    archive_id uuid,
    -- of the archive's manifest, in hexadecimal. There is an archive as long as archive_id is not NULL, whatever the state
    archive_sha256 text,
    archive_bytes bigint,
    -- why the last step came to nothing, for people
    problem text,
    -- the day on which somebody has last asked to have it archived, and how often on that day
    archive_asked_on date,
    archive_asked integer not null default 0,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workspaces_pkey primary key (customer_id, id),
    constraint workspaces_space_key unique nulls not distinct (customer_id, space_id),
    constraint workspaces_customer_fkey foreign key (customer_id) references customers (id),
    constraint workspaces_space_fkey foreign key (customer_id, space_id) references spaces (customer_id, id),
    constraint workspaces_state_known check (state in ('new', 'active', 'archiving', 'archived', 'returning', 'restoring', 'deleted')),
    constraint workspaces_counts check (bytes >= 0 and entries >= 0),
    constraint workspaces_archive_form check (archive_sha256 ~ '^[0-9a-f]{64}$'),
    constraint workspaces_archive_whole check (state not in ('archived', 'returning')
        or (archive_id is not null and archive_sha256 is not null and archived_at is not null)),
    constraint workspaces_problem_length check (char_length(problem) <= 2000)
);
-- What is due, of all customers; see tenancy.workspaces_due.
create index workspaces_to_make on workspaces (created_at) where state = 'new';
create index workspaces_under_way on workspaces (updated_at) where state in ('archiving', 'returning', 'restoring');
create index workspaces_to_forget on workspaces (updated_at) where state in ('active', 'deleted') and archive_id is not null;
create index workspaces_wanted on workspaces (wanted_at) where wanted_at is not null;
create index workspaces_to_announce on workspaces (last_used_at) where state = 'active' and announced_at is null;
create index workspaces_to_archive on workspaces (announced_at) where state = 'active' and announced_at is not null;
create index workspaces_to_delete on workspaces (archived_at) where state = 'archived';
create index workspaces_to_measure on workspaces (measured_at) where state = 'active';
create index river_job_of_workspace on river.river_job (customer_id, (args ->> 'workspace_id'))
    where args ->> 'workspace_id' is not null and state in ('available', 'pending', 'retryable', 'running', 'scheduled');

create trigger workspaces_touch before update on workspaces for each row execute function tenancy.touch();

alter table workspaces enable row level security;
alter table workspaces force row level security;
create policy workspaces_tenant on workspaces as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy workspaces_select on workspaces for select to fanfare_user, fanfare_agent, fanfare_admin
    using (case (select tenancy.reach_of_files()) when 'all' then true when 'own' then space_id is null when 'space' then space_id = (select tenancy.space_id())
        else false end);
create policy workspaces_worker on workspaces for select to fanfare_worker using (true);
create policy workspaces_worker_update on workspaces for update to fanfare_worker using (true) with check (true);
create policy workspaces_definer on workspaces to fanfare_definer using (true) with check (true);
grant select on workspaces to fanfare_user, fanfare_agent, fanfare_admin;
grant select, update (state, bytes, entries, measured_at, last_used_at, announced_at, wanted_at, archived_at, archive_id, archive_sha256, archive_bytes, problem)
    on workspaces to fanfare_worker;
grant select (ctid), select, insert, update, delete on workspaces to fanfare_definer;

-- A change of files that is under way. It holds room from before the first byte until what has changed is counted; one whose maker is
-- silent for two minutes was broken off, and its workspace is measured anew.
create table file_changes (
    customer_id uuid not null,
    id uuid not null,
    workspace_id uuid not null,
    kind text not null,
    -- how many bytes the workspace may grow by
    bytes bigint not null,
    touched_at timestamptz not null default now(),
    constraint file_changes_pkey primary key (customer_id, id),
    constraint file_changes_workspace_fkey foreign key (customer_id, workspace_id) references workspaces (customer_id, id),
    constraint file_changes_kind_known check (kind in ('write', 'make_directory', 'move', 'delete')),
    constraint file_changes_bytes_known check (bytes >= 0)
);
create index file_changes_by_workspace on file_changes (customer_id, workspace_id);
create index file_changes_by_age on file_changes (touched_at);
alter table file_changes enable row level security;
alter table file_changes force row level security;
create policy file_changes_tenant on file_changes as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy file_changes_worker on file_changes for select to fanfare_worker using (true);
create policy file_changes_worker_delete on file_changes for delete to fanfare_worker using (true);
create policy file_changes_definer on file_changes to fanfare_definer using (true) with check (true);
grant select, delete on file_changes to fanfare_worker;
grant select (ctid), select, insert, update, delete on file_changes to fanfare_definer;

-- How long unused workspaces are kept, and how much room they have, where that is not as for everybody. No row: as for everybody.
create table workspace_policies (
    customer_id uuid not null default tenancy.customer_id(),
    -- days without use until the archive is announced; days that the archive is kept
    unused_days integer,
    archive_days integer,
    -- nothing is archived, deleted or erased
    legal_hold boolean not null default false,
    hold_reason text,
    -- a system admin has set the hold, and only they lift it
    hold_of_installation boolean not null default false,
    -- of all workspaces together, in bytes
    quota bigint,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint workspace_policies_pkey primary key (customer_id),
    constraint workspace_policies_customer_fkey foreign key (customer_id) references customers (id),
    constraint workspace_policies_days check (unused_days between 1 and 3650 and archive_days between 1 and 3650),
    constraint workspace_policies_hold_says_why check (legal_hold = (hold_reason is not null)),
    constraint workspace_policies_hold_of_whom check (legal_hold or not hold_of_installation),
    constraint workspace_policies_hold_reason_length check (char_length(hold_reason) between 1 and 1000),
    constraint workspace_policies_quota_positive check (quota >= 0)
);
create trigger workspace_policies_touch before update on workspace_policies for each row execute function tenancy.touch();

-- How much room there is, is for whoever runs the installation to say, and so is the end of a hold that they have set.
create function tenancy.guard_workspace_policy() returns trigger
language plpgsql as $$
begin
    if current_user = 'fanfare_user' and new.quota is distinct from (case when tg_op = 'UPDATE' then old.quota end) then
        raise insufficient_privilege using message = 'permission denied: the quota is for whoever runs the installation to say';
    end if;
    if current_user = 'fanfare_user' and tg_op = 'UPDATE' and old.hold_of_installation
        and (new.legal_hold, new.hold_reason, new.hold_of_installation) is distinct from (old.legal_hold, old.hold_reason, true)
    then
        raise check_violation using message = 'the hold was set by whoever runs the installation',
            constraint = 'workspace_policies_hold_of_installation', table = 'workspace_policies', schema = 'public';
    elsif current_user = 'fanfare_user' and new.hold_of_installation and (tg_op = 'INSERT' or not old.hold_of_installation) then
        raise insufficient_privilege using message = 'permission denied: the hold of the installation is for whoever runs it to set';
    end if;
    return new;
end
$$;
create trigger workspace_policies_guard before insert or update on workspace_policies for each row execute function tenancy.guard_workspace_policy();

-- A hold comes before the request to erase the customer, which locks it, or is refused: nobody is told that there is one while everything goes.
create function tenancy.guard_hold_of_erased() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.customers c where c.id = new.customer_id and c.erasing_at is null for key share;
    if not found then
        raise no_data_found using message = 'there is no such customer', constraint = 'workspace_policies_customer_there', table = 'workspace_policies', schema = 'public';
    end if;
    return new;
end
$$;
create trigger workspace_policies_guard_erased before insert or update on workspace_policies for each row execute function tenancy.guard_hold_of_erased();
revoke execute on function tenancy.guard_hold_of_erased() from public;
alter function tenancy.guard_hold_of_erased() owner to fanfare_definer;

alter table workspace_policies enable row level security;
alter table workspace_policies force row level security;
create policy workspace_policies_tenant on workspace_policies as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy workspace_policies_select on workspace_policies for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
-- A hold may be set in an archived customer, too: before it is erased.
create policy workspace_policies_insert on workspace_policies for insert to fanfare_user with check ((select tenancy.member_role()) = 'owner');
create policy workspace_policies_update on workspace_policies for update to fanfare_user
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.member_role()) = 'owner');
create policy workspace_policies_admin_insert on workspace_policies for insert to fanfare_admin with check ((select tenancy.administers()));
create policy workspace_policies_admin_update on workspace_policies for update to fanfare_admin
    using ((select tenancy.reads_as_admin())) with check ((select tenancy.administers()));
create policy workspace_policies_worker on workspace_policies for select to fanfare_worker using (true);
grant select, insert (unused_days, archive_days, legal_hold, hold_reason, hold_of_installation, quota),
    update (unused_days, archive_days, legal_hold, hold_reason, hold_of_installation, quota) on workspace_policies to fanfare_user, fanfare_admin;
grant select on workspace_policies to fanfare_worker;
create policy workspace_policies_definer on workspace_policies for select to fanfare_definer using (true);
create policy workspace_policies_erase on workspace_policies for delete to fanfare_definer using (true);
grant select (ctid, customer_id, unused_days, archive_days, legal_hold, quota), delete on workspace_policies to fanfare_definer;
select tenancy.audit_table('workspace_policies', 'workspace_policy', 'customer_id', '{}', '{}');

-- A workspace is there as soon as what it is of.
create function tenancy.make_workspace() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_table_name = 'customers' then
        insert into public.workspaces (customer_id, id) values (new.id, gen_random_uuid()) on conflict do nothing;
    else
        insert into public.workspaces (customer_id, id, space_id) values (new.customer_id, gen_random_uuid(), new.id) on conflict do nothing;
    end if;
    return null;
end
$$;
create trigger customers_make_workspace after insert on customers for each row execute function tenancy.make_workspace();
create trigger spaces_make_workspace after insert on spaces for each row execute function tenancy.make_workspace();
revoke execute on function tenancy.make_workspace() from public;
alter function tenancy.make_workspace() owner to fanfare_definer;

-- The workspace, where the caller may read it, or change what is in it; one that they may not read is not there. With p_lock nobody else changes it meanwhile.
create function tenancy.workspace_for(p_id uuid, p_change boolean, p_lock boolean) returns workspaces
language plpgsql security definer set search_path = '' as $$
declare
    v_workspace public.workspaces;
begin
    if p_lock then
        select * into v_workspace from public.workspaces w where w.customer_id = tenancy.customer_id() and w.id = p_id for no key update;
    else
        select * into v_workspace from public.workspaces w where w.customer_id = tenancy.customer_id() and w.id = p_id;
    end if;
    if v_workspace.id is null or not tenancy.reads_files(v_workspace.space_id) then
        raise no_data_found using message = 'there is no such workspace', constraint = 'workspaces_there', table = 'workspaces', schema = 'public';
    end if;
    if p_change and not tenancy.writes_files(v_workspace.space_id) then
        raise insufficient_privilege using message = 'permission denied: files of this workspace may not be changed';
    end if;
    return v_workspace;
end
$$;
revoke execute on function tenancy.workspace_for(uuid, boolean, boolean) from public;
alter function tenancy.workspace_for(uuid, boolean, boolean) owner to fanfare_definer;

-- Notes that the workspace is used, which is to the hour, and answers its state. One that is archived is brought back.
create function tenancy.use_workspace(p_id uuid) returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_workspace public.workspaces := tenancy.workspace_for(p_id, false, false);
begin
    if v_workspace.state = 'deleted' and v_workspace.archive_id is null then
        update public.workspaces w set state = 'new', bytes = 0, entries = 0, last_used_at = now(), announced_at = null, archived_at = null
        where w.customer_id = v_workspace.customer_id and w.id = p_id and w.state = 'deleted';
        return 'new';
    end if;
    update public.workspaces w
    set last_used_at = now(), announced_at = null, wanted_at = case when w.state in ('archiving', 'archived', 'returning') then coalesce(w.wanted_at, now()) end
    where w.customer_id = v_workspace.customer_id and w.id = p_id and (
        w.last_used_at < now() - interval '1 hour' or w.announced_at is not null or (w.state in ('archiving', 'archived', 'returning') and w.wanted_at is null));
    return v_workspace.state;
end
$$;
revoke execute on function tenancy.use_workspace(uuid) from public;
grant execute on function tenancy.use_workspace(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.use_workspace(uuid) owner to fanfare_definer;

-- The directory of a new workspace is made.
create function tenancy.workspace_made(p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.workspace_for(p_id, false, false);
    update public.workspaces w set state = 'active' where w.customer_id = tenancy.customer_id() and w.id = p_id and w.state = 'new';
end
$$;
revoke execute on function tenancy.workspace_made(uuid) from public;
grant execute on function tenancy.workspace_made(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.workspace_made(uuid) owner to fanfare_definer;

-- Begins a change of files and holds room for it: p_bytes, or with p_up_to as many of them as half of what is left, so that one upload never takes all, where all
-- workspaces of the customer together may have p_quota bytes unless it has a quota of its own. Answers how many bytes there is room for. Until the transaction ends
-- nobody else gets room.
-- The workspace must be active: tenancy.use_workspace says so before.
-- At most 20 files and directories of one customer are written at once, as each holds a connection, and 10 in one workspace, whose people and tokens must not keep
-- others from it. What is deleted and moved waits for none of those, as long as fewer than 30 changes are under way. A workspace has 100,000 files and directories at most.
create function tenancy.begin_file_change(p_id uuid, p_workspace_id uuid, p_kind text, p_bytes bigint, p_up_to boolean, p_quota bigint) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_customer uuid := tenancy.customer_id();
    v_workspace public.workspaces := tenancy.workspace_for(p_workspace_id, true, false);
    v_quota bigint;
    v_used bigint;
    v_room bigint := p_bytes;
    v_writes constant boolean := p_kind not in ('delete', 'move');
begin
    if v_workspace.state <> 'active' then
        raise check_violation using message = format('the workspace is %s', v_workspace.state),
            constraint = 'workspaces_active', table = 'workspaces', schema = 'public';
    end if;
    perform pg_catalog.pg_advisory_xact_lock(7262837, hashtext(v_customer::text));
    if (select case when v_writes then count(*) filter (where c.kind not in ('delete', 'move')) >= 20
                or count(*) filter (where c.kind not in ('delete', 'move') and c.workspace_id = p_workspace_id) >= 10
            else count(*) >= 30 end
        from public.file_changes c where c.customer_id = v_customer)
    then
        raise check_violation using message = 'at most 20 files are written at once, and 10 in one workspace; 30 changes are under way in all',
            constraint = 'file_changes_at_once', table = 'file_changes', schema = 'public';
    end if;
    if p_kind in ('write', 'make_directory') and v_workspace.entries >= 100000 then
        raise check_violation using message = 'the workspace has 100000 files and directories',
            constraint = 'workspaces_entries', table = 'workspaces', schema = 'public';
    end if;
    if p_bytes > 0 then
        v_quota := coalesce((select p.quota from public.workspace_policies p where p.customer_id = v_customer), p_quota);
        v_used := (select coalesce(sum(w.bytes), 0) from public.workspaces w where w.customer_id = v_customer and w.state not in ('archived', 'deleted'))
            + (select coalesce(sum(c.bytes), 0) from public.file_changes c where c.customer_id = v_customer);
        if v_used + (case when p_up_to then 1 else p_bytes end) > v_quota then
            raise check_violation using message = format('the workspaces have %s bytes of %s', v_used, v_quota),
                constraint = 'workspaces_quota', table = 'workspaces', schema = 'public';
        end if;
        if p_up_to then
            v_room := least(p_bytes, greatest((v_quota - v_used) / 2, 1));
        end if;
    end if;
    insert into public.file_changes (customer_id, id, workspace_id, kind, bytes) values (v_customer, p_id, p_workspace_id, p_kind, v_room);
    return v_room;
end
$$;
revoke execute on function tenancy.begin_file_change(uuid, uuid, text, bigint, boolean, bigint) from public;
grant execute on function tenancy.begin_file_change(uuid, uuid, text, bigint, boolean, bigint) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.begin_file_change(uuid, uuid, text, bigint, boolean, bigint) owner to fanfare_definer;

-- Says that a change goes on. One that is gone was taken for broken off.
create function tenancy.touch_file_change(p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    update public.file_changes c set touched_at = now() where c.customer_id = tenancy.customer_id() and c.id = p_id;
    if not found then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
end
$$;
revoke execute on function tenancy.touch_file_change(uuid) from public;
grant execute on function tenancy.touch_file_change(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.touch_file_change(uuid) owner to fanfare_definer;

-- What a change does, it does from here to the end of the transaction: nobody else changes the workspace meanwhile. Whoever began it must still be allowed to.
create function tenancy.apply_file_change(p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_change public.file_changes;
    v_workspace public.workspaces;
begin
    select * into v_change from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id;
    if v_change.id is not null then
        v_workspace := tenancy.workspace_for(v_change.workspace_id, true, true);
        select * into v_change from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id for update;
    end if;
    if v_change.id is null or v_workspace.state <> 'active' then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
end
$$;
revoke execute on function tenancy.apply_file_change(uuid) from public;
grant execute on function tenancy.apply_file_change(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.apply_file_change(uuid) owner to fanfare_definer;

-- Counts what has changed, and notes in the log what it was. p_bytes and p_entries are by how much the workspace has grown.
create function tenancy.finish_file_change(p_id uuid, p_path text, p_to text, p_bytes bigint, p_entries bigint) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_change public.file_changes;
begin
    delete from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id returning * into v_change;
    if v_change.id is null then
        raise check_violation using message = 'the change was given up', constraint = 'file_changes_given_up', table = 'file_changes', schema = 'public';
    end if;
    if p_bytes > v_change.bytes then
        raise check_violation using message = 'the workspace has grown by more than the room that was held',
            constraint = 'workspaces_quota', table = 'workspaces', schema = 'public';
    end if;
    update public.workspaces w
    set bytes = greatest(w.bytes + p_bytes, 0), entries = greatest(w.entries + p_entries, 0), last_used_at = now(), announced_at = null
    where w.customer_id = v_change.customer_id and w.id = v_change.workspace_id;
    perform tenancy.audit_event(v_change.customer_id, 'file.' || v_change.kind, 'workspace', v_change.workspace_id::text,
        jsonb_strip_nulls(jsonb_build_object('path', left(p_path, 1024), 'to', left(p_to, 1024), 'bytes', p_bytes)));
end
$$;
revoke execute on function tenancy.finish_file_change(uuid, text, text, bigint, bigint) from public;
grant execute on function tenancy.finish_file_change(uuid, text, text, bigint, bigint) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.finish_file_change(uuid, text, text, bigint, bigint) owner to fanfare_definer;

-- The change has come to nothing.
create function tenancy.drop_file_change(p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
begin
    delete from public.file_changes c where c.customer_id = tenancy.customer_id() and c.id = p_id;
end
$$;
revoke execute on function tenancy.drop_file_change(uuid) from public;
grant execute on function tenancy.drop_file_change(uuid) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.drop_file_change(uuid) owner to fanfare_definer;

-- Has a workspace archived now; five times a day at most, since each writes an archive.
create function tenancy.archive_workspace(p_id uuid) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_workspace public.workspaces := tenancy.workspace_for(p_id, true, true);
begin
    if coalesce(tenancy.key_id(), tenancy.token_id(), tenancy.space_person_id(), tenancy.space_id()) is not null
        or not (tenancy.has_role('admin') or tenancy.has_system_role('admin'))
    then
        raise insufficient_privilege using message = 'permission denied: archiving is the admins'' business';
    end if;
    if exists (select from public.workspace_policies p where p.customer_id = v_workspace.customer_id and p.legal_hold) then
        raise check_violation using message = 'the customer is under a legal hold',
            constraint = 'workspaces_legal_hold', table = 'workspaces', schema = 'public';
    end if;
    if v_workspace.state not in ('active', 'archiving') then
        raise check_violation using message = format('the workspace is %s', v_workspace.state),
            constraint = 'workspaces_active', table = 'workspaces', schema = 'public';
    end if;
    if v_workspace.state = 'archiving' and v_workspace.wanted_at is null then
        return;
    elsif v_workspace.archive_asked_on = current_date and v_workspace.archive_asked >= 5 then
        raise check_violation using message = 'the workspace was archived 5 times today',
            constraint = 'workspaces_archive_asked', table = 'workspaces', schema = 'public';
    end if;
    update public.workspaces w
    set state = 'archiving', wanted_at = null, archive_asked_on = current_date,
        archive_asked = case when w.archive_asked_on = current_date then w.archive_asked else 0 end + 1
    where w.customer_id = v_workspace.customer_id and w.id = p_id;
end
$$;
revoke execute on function tenancy.archive_workspace(uuid) from public;
grant execute on function tenancy.archive_workspace(uuid) to fanfare_user, fanfare_admin;
alter function tenancy.archive_workspace(uuid) owner to fanfare_definer;

-- What the worker has to do with workspaces of all customers that has no job, and why. Ids only.
--   make: its directory. return: somebody wants it back. archiving, returning: a step that was begun. announce, archive, delete: nobody has used it for long.
--   measure: a change was broken off, or a day is over. forget: an archive that is not needed any more is still there.
-- p_unused, p_notice and p_keep are for customers without a policy of their own; a hold keeps everything as it is.
create function tenancy.workspaces_due(p_unused interval, p_notice interval, p_keep interval, p_limit integer)
returns table (customer_id uuid, id uuid, what text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    -- What has a job already, and customers that are being erased, must not hide others behind them.
    with free as not materialized (
        select w.*, coalesce(p.legal_hold, false) as held, p.unused_days, p.archive_days
        from public.workspaces w
            join public.customers c on c.id = w.customer_id
            left join public.workspace_policies p on p.customer_id = w.customer_id
        where c.erasing_at is null and not exists (
            select from river.river_job j where j.customer_id = w.customer_id and j.kind = 'workspace' and j.args ->> 'workspace_id' = w.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    )
    (select w.customer_id, w.id, 'make' from free w where w.state = 'new' order by w.created_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'return' from free w where w.wanted_at is not null order by w.wanted_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'archive' from free w where w.state = 'archiving' and w.wanted_at is null order by w.updated_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'announce' from free w
    where w.state = 'active' and w.announced_at is null and w.last_used_at < now() - p_unused and w.unused_days is null and not w.held
    order by w.last_used_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'announce' from public.workspace_policies p
        join free w on w.customer_id = p.customer_id
    where not p.legal_hold and p.unused_days is not null and w.state = 'active' and w.announced_at is null
        and w.last_used_at < now() - make_interval(days => p.unused_days)
    limit p_limit)
    union all
    (select w.customer_id, w.id, 'archive' from free w
    where w.state = 'active' and w.announced_at < now() - p_notice and not w.held
    order by w.announced_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'delete' from free w
    where w.state = 'archived' and w.archived_at < now() - p_keep and w.archive_days is null and not w.held and w.wanted_at is null
    order by w.archived_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'delete' from public.workspace_policies p
        join free w on w.customer_id = p.customer_id
    where not p.legal_hold and p.archive_days is not null and w.state = 'archived' and w.wanted_at is null
        and w.archived_at < now() - make_interval(days => p.archive_days)
    limit p_limit)
    union all
    (select w.customer_id, w.id, 'measure' from public.file_changes f
        join free w on w.customer_id = f.customer_id and w.id = f.workspace_id
    where f.touched_at < now() - interval '2 minutes'
    order by f.touched_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'measure' from free w where w.state = 'active' and w.measured_at < now() - interval '1 day' order by w.measured_at limit p_limit)
    union all
    (select w.customer_id, w.id, 'forget' from free w
    where w.state in ('active', 'deleted') and w.archive_id is not null and (w.state = 'deleted' or not w.held)
    order by w.updated_at limit p_limit);
end
$$;
revoke execute on function tenancy.workspaces_due(interval, interval, interval, integer) from public;
grant execute on function tenancy.workspaces_due(interval, interval, interval, integer) to fanfare_worker;
alter function tenancy.workspaces_due(interval, interval, interval, integer) owner to fanfare_definer;

-- The workspaces of all customers, those first that were not used for the longest, for system roles.
create function tenancy.workspaces_of_customers(p_state text, p_unused_since timestamptz, p_after timestamptz, p_after_id uuid, p_limit integer)
returns table (customer_id uuid, customer text, id uuid, space_id uuid, state text, bytes bigint, entries bigint, last_used_at timestamptz, announced_at timestamptz,
    archived_at timestamptz, archive_bytes bigint, legal_hold boolean, problem text, created_at timestamptz, updated_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not tenancy.has_system_role('viewer') then
        raise insufficient_privilege using message = 'permission denied: only system roles see all workspaces';
    end if;
    return query
    select w.customer_id, c.name, w.id, w.space_id, w.state, w.bytes, w.entries, w.last_used_at, w.announced_at, w.archived_at, w.archive_bytes,
        coalesce(p.legal_hold, false), w.problem, w.created_at, w.updated_at
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where (w.last_used_at, w.id) > (p_after, p_after_id) and c.erasing_at is null
        and (p_state is null or w.state = p_state) and (p_unused_since is null or w.last_used_at < p_unused_since)
    order by w.last_used_at, w.id
    limit p_limit;
end
$$;
revoke execute on function tenancy.workspaces_of_customers(text, timestamptz, timestamptz, uuid, integer) from public;
grant execute on function tenancy.workspaces_of_customers(text, timestamptz, timestamptz, uuid, integer) to fanfare_admin;
alter function tenancy.workspaces_of_customers(text, timestamptz, timestamptz, uuid, integer) owner to fanfare_definer;
create index workspaces_by_use on workspaces (last_used_at, id);

-- How many workspaces there are, and how much is in them, by state; for metrics and the operator.
create function tenancy.count_workspaces() returns table (state text, workspaces bigint, bytes numeric, entries numeric, archive_bytes numeric)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select w.state, count(*), coalesce(sum(w.bytes), 0), coalesce(sum(w.entries), 0), coalesce(sum(w.archive_bytes), 0) from public.workspaces w group by w.state;
end
$$;
revoke execute on function tenancy.count_workspaces() from public;
grant execute on function tenancy.count_workspaces() to fanfare_worker;
alter function tenancy.count_workspaces() owner to fanfare_definer;

-- What the operator's commands call, as fanfare_owner.

-- The workspaces of all customers, or of one, those first that were not used for the longest. p_state and p_unused_days choose among them; NULL does not.
create function tenancy.list_workspaces(p_customer_id uuid, p_state text, p_unused_days integer)
returns table (customer_id uuid, customer text, id uuid, space_id uuid, state text, bytes bigint, entries bigint, measured_at timestamptz,
    last_used_at timestamptz, announced_at timestamptz, archived_at timestamptz, archive_bytes bigint, legal_hold boolean, problem text)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select w.customer_id, c.name, w.id, w.space_id, w.state, w.bytes, w.entries, w.measured_at, w.last_used_at, w.announced_at, w.archived_at, w.archive_bytes,
        coalesce(p.legal_hold, false), w.problem
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where c.erasing_at is null and (p_customer_id is null or w.customer_id = p_customer_id) and (p_state is null or w.state = p_state)
        and (p_unused_days is null or w.last_used_at < now() - make_interval(days => p_unused_days))
    order by w.last_used_at, w.id;
end
$$;
revoke execute on function tenancy.list_workspaces(uuid, text, integer) from public;
alter function tenancy.list_workspaces(uuid, text, integer) owner to fanfare_definer;

-- What a cleaning would do: archive workspaces that nobody has used for p_unused_days, nor said anything in their spaces; delete archives that are older than
-- p_archive_days. kept says why one stays as it is: legal_hold, or policy, where the customer's own keeps its archives for longer.
create function tenancy.workspaces_to_clean(p_customer_id uuid, p_unused_days integer, p_archive_days integer)
returns table (customer_id uuid, customer text, id uuid, space_id uuid, what text, kept text, bytes bigint, archive_bytes bigint, last_used_at timestamptz, archived_at timestamptz)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select w.customer_id, c.name, w.id, w.space_id, case w.state when 'active' then 'archive' else 'delete' end,
        case when p.legal_hold then 'legal_hold' when w.state = 'archived' and w.archived_at >= now() - make_interval(days => p.archive_days) then 'policy' end,
        w.bytes, w.archive_bytes, w.last_used_at, w.archived_at
    from public.workspaces w
        join public.customers c on c.id = w.customer_id
        left join public.workspace_policies p on p.customer_id = w.customer_id
    where c.erasing_at is null and (p_customer_id is null or w.customer_id = p_customer_id) and (
        w.state = 'active' and w.last_used_at < now() - make_interval(days => p_unused_days) and not exists (
            select from public.messages m where m.customer_id = w.customer_id and m.space_id = w.space_id and m.said_at > now() - make_interval(days => p_unused_days))
        or w.state = 'archived' and w.wanted_at is null and w.archived_at < now() - make_interval(days => p_archive_days))
    order by w.last_used_at, w.id;
end
$$;
revoke execute on function tenancy.workspaces_to_clean(uuid, integer, integer) from public;
grant select (said_at) on messages to fanfare_definer;
alter function tenancy.workspaces_to_clean(uuid, integer, integer) owner to fanfare_definer;

-- Has workers do so with those of p_ids for which it is still so, and answers them. A hold that is being set comes before it or after.
create function tenancy.clean_workspaces(p_ids uuid[], p_unused_days integer, p_archive_days integer) returns table (id uuid, what text)
language plpgsql security definer set search_path = '' as $$
begin
    -- What would stay archiving for ever, as it is the workers with a bucket for backups who archive. Those begin the night of each customer.
    if not exists (select from public.backup_status s where s.night > now() - interval '3 days') then
        raise object_not_in_prerequisite_state using message = 'no worker that makes backups has been seen for three days; nothing would be archived or deleted';
    end if;
    lock table public.workspace_policies in share mode;
    perform from public.workspaces w where w.id = any (p_ids) order by w.customer_id, w.id for no key update;
    return query
    update public.workspaces w
    set state = case t.what when 'archive' then 'archiving' else 'deleted' end,
        wanted_at = null,
        bytes = case t.what when 'archive' then w.bytes else 0 end,
        entries = case t.what when 'archive' then w.entries else 0 end
    from tenancy.workspaces_to_clean(null, p_unused_days, p_archive_days) t
    where w.customer_id = t.customer_id and w.id = t.id and t.kept is null and w.id = any (p_ids)
    returning w.id, t.what;
end
$$;
revoke execute on function tenancy.clean_workspaces(uuid[], integer, integer) from public;
alter function tenancy.clean_workspaces(uuid[], integer, integer) owner to fanfare_definer;

set local role fanfare_definer;
grant execute on function tenancy.list_workspaces(uuid, text, integer), tenancy.workspaces_to_clean(uuid, integer, integer),
    tenancy.clean_workspaces(uuid[], integer, integer) to fanfare_owner;
set local role fanfare_owner;

-- migrate:down
drop function tenancy.clean_workspaces(uuid[], integer, integer);
revoke select (said_at) on messages from fanfare_definer;
drop function tenancy.workspaces_to_clean(uuid, integer, integer);
drop function tenancy.list_workspaces(uuid, text, integer);
drop function tenancy.count_workspaces();
drop function tenancy.workspaces_of_customers(text, timestamptz, timestamptz, uuid, integer);
drop function tenancy.workspaces_due(interval, interval, interval, integer);
drop function tenancy.archive_workspace(uuid);
drop function tenancy.drop_file_change(uuid);
drop function tenancy.finish_file_change(uuid, text, text, bigint, bigint);
drop function tenancy.apply_file_change(uuid);
drop function tenancy.touch_file_change(uuid);
drop function tenancy.begin_file_change(uuid, uuid, text, bigint, boolean, bigint);
drop function tenancy.workspace_made(uuid);
drop function tenancy.use_workspace(uuid);
drop function tenancy.workspace_for(uuid, boolean, boolean);
drop trigger spaces_make_workspace on spaces;
drop trigger customers_make_workspace on customers;
drop function tenancy.make_workspace();
drop index river.river_job_of_workspace;
drop table workspace_policies;
drop function tenancy.guard_hold_of_erased();
drop function tenancy.guard_workspace_policy();
drop table file_changes;
drop table workspaces;
drop function tenancy.writes_files(uuid);
drop function tenancy.reads_files(uuid);
drop function tenancy.reach_of_files();
create or replace function tenancy.permissions_of(p_role text) returns text[]
language sql immutable parallel safe
return case p_role
    when 'owner' then tenancy.permissions_known()
    when 'admin' then tenancy.permissions_known()
    when 'member' then array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish', 'jobs:read',
        'spaces:read', 'memories:read', 'memories:write', 'credentials:write']
    when 'viewer' then array['customer:read', 'campaigns:read', 'posts:read', 'jobs:read', 'spaces:read']
    else array[]::text[]
end;
create or replace function tenancy.permissions_known() returns text[]
language sql immutable parallel safe
return array['customer:read', 'campaigns:read', 'campaigns:write', 'posts:read', 'posts:write', 'posts:publish',
    'jobs:read', 'audit:read', 'tokens:mint', 'spaces:read', 'spaces:pair', 'conversations:read', 'memories:read', 'memories:write', 'credentials:write'];
