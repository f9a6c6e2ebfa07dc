-- name: WorkspaceGet :one
select w.id, w.space_id, w.state, w.bytes, w.entries, w.measured_at, w.last_used_at, w.announced_at, w.wanted_at, w.archived_at, w.archive_bytes, w.problem,
    w.version, w.created_at, w.updated_at,
    (w.last_used_at < now() - interval '1 hour' or w.announced_at is not null)::boolean as stale
from workspaces w
where w.id = @id;

-- The customer's own first, then those of spaces, the newest first.
-- name: WorkspaceList :many
select w.id, w.space_id, w.state, w.bytes, w.entries, w.measured_at, w.last_used_at, w.announced_at, w.wanted_at, w.archived_at, w.archive_bytes, w.problem,
    w.version, w.created_at, w.updated_at,
    (w.last_used_at < now() - interval '1 hour' or w.announced_at is not null)::boolean as stale
from workspaces w
where case when @first_page::boolean then true else w.space_id < @before::uuid end
order by w.space_id desc nulls first
limit @max_rows;

-- Notes the use and answers the state; see tenancy.use_workspace.
-- name: WorkspaceUse :one
select tenancy.use_workspace(@id)::text as state;

-- name: WorkspaceMade :exec
select tenancy.workspace_made(@id);

-- name: FileChangeBegin :one
select tenancy.begin_file_change(@id, @workspace_id, @kind, @bytes, @up_to, @quota)::bigint as room;

-- name: FileChangeTouch :exec
select tenancy.touch_file_change(@id);

-- name: FileChangeApply :exec
select tenancy.apply_file_change(@id);

-- name: FileChangeFinish :exec
select tenancy.finish_file_change(@id, sqlc.narg('path'), sqlc.narg('to_path'), @bytes, @entries);

-- name: FileChangeDrop :exec
select tenancy.drop_file_change(@id);

-- name: WorkspaceArchive :exec
select tenancy.archive_workspace(@id);

-- How the customer's unused workspaces are kept; no row where as for everybody.
-- name: WorkspacePolicyGet :many
select p.unused_days, p.archive_days, p.legal_hold, p.hold_reason, p.hold_of_installation, p.quota, p.version
from workspace_policies p
where (select tenancy.permit_admins());

-- A hold of which system admins say so is the installation's, also where an owner had set it before.
-- name: WorkspacePolicyCreate :execrows
insert into workspace_policies (unused_days, archive_days, legal_hold, hold_reason, hold_of_installation, quota)
values (sqlc.narg('unused_days'), sqlc.narg('archive_days'), @legal_hold, sqlc.narg('hold_reason'), @legal_hold and @says_hold::boolean and current_user = 'fanfare_admin', sqlc.narg('quota'))
on conflict do nothing;

-- name: WorkspacePolicyUpdate :execrows
update workspace_policies
set unused_days = sqlc.narg('unused_days'), archive_days = sqlc.narg('archive_days'), legal_hold = @legal_hold, hold_reason = sqlc.narg('hold_reason'),
    hold_of_installation = @legal_hold and (hold_of_installation or @says_hold::boolean and current_user = 'fanfare_admin'), quota = sqlc.narg('quota')
where version = coalesce(sqlc.narg('version'), version);

-- What the files of all workspaces take, and hold at the moment.
-- name: WorkspaceUsage :one
select coalesce(sum(w.bytes), 0)::bigint as bytes
from workspaces w
where w.state not in ('archived', 'deleted');

-- Of all customers. The zero id and the first day of all stand for none.
-- name: WorkspaceListOfCustomers :many
select w.customer_id::uuid as customer_id, w.customer::text as customer, w.id::uuid as id,
    coalesce(w.space_id, '00000000-0000-0000-0000-000000000000')::uuid as space_id, w.state::text as state, w.bytes::bigint as bytes,
    w.entries::bigint as entries, w.last_used_at::timestamptz as last_used_at, coalesce(w.announced_at, '0001-01-01 00:00Z')::timestamptz as announced_at,
    coalesce(w.archived_at, '0001-01-01 00:00Z')::timestamptz as archived_at, coalesce(w.archive_bytes, 0)::bigint as archive_bytes, w.legal_hold::boolean as legal_hold,
    coalesce(w.problem, '')::text as problem, w.created_at::timestamptz as created_at, w.updated_at::timestamptz as updated_at
from tenancy.workspaces_of_customers(sqlc.narg('state'), sqlc.narg('unused_since'), @after, @after_id, @max_rows) w;

-- What the worker has to do; see tenancy.workspaces_due.
-- name: WorkspaceListDue :many
select w.customer_id::uuid as customer_id, w.id::uuid as id, w.what::text as what
from tenancy.workspaces_due(@unused, @notice, @keep, @max_rows) w;

-- name: WorkspaceCount :many
select w.state::text as state, w.workspaces::bigint as workspaces, w.bytes::bigint as bytes, w.entries::bigint as entries, w.archive_bytes::bigint as archive_bytes
from tenancy.count_workspaces() w;

-- Of all customers, for the operator. The zero id, the first day of all and an empty text stand for none.
-- name: WorkspaceListForOperator :many
select w.customer_id::uuid as customer_id, w.customer::text as customer, w.id::uuid as id,
    coalesce(w.space_id, '00000000-0000-0000-0000-000000000000')::uuid as space_id, w.state::text as state, w.bytes::bigint as bytes,
    w.entries::bigint as entries, w.measured_at::timestamptz as measured_at, w.last_used_at::timestamptz as last_used_at,
    coalesce(w.announced_at, '0001-01-01 00:00Z')::timestamptz as announced_at, coalesce(w.archived_at, '0001-01-01 00:00Z')::timestamptz as archived_at,
    coalesce(w.archive_bytes, 0)::bigint as archive_bytes, w.legal_hold::boolean as legal_hold, coalesce(w.problem, '')::text as problem
from tenancy.list_workspaces(sqlc.narg('customer')::uuid, sqlc.narg('state')::text, sqlc.narg('unused_days')::integer) w;

-- What a cleaning would do; see tenancy.workspaces_to_clean.
-- name: WorkspaceListToClean :many
select w.customer_id::uuid as customer_id, w.customer::text as customer, w.id::uuid as id,
    coalesce(w.space_id, '00000000-0000-0000-0000-000000000000')::uuid as space_id, w.what::text as what, coalesce(w.kept, '')::text as kept, w.bytes::bigint as bytes,
    coalesce(w.archive_bytes, 0)::bigint as archive_bytes, w.last_used_at::timestamptz as last_used_at, coalesce(w.archived_at, '0001-01-01 00:00Z')::timestamptz as archived_at
from tenancy.workspaces_to_clean(sqlc.narg('customer')::uuid, sqlc.narg('unused_days')::integer, sqlc.narg('archive_days')::integer) w;

-- name: WorkspaceClean :many
select w.id::uuid as id, w.what::text as what
from tenancy.clean_workspaces(@ids::uuid[], sqlc.narg('unused_days')::integer, sqlc.narg('archive_days')::integer) w;

-- name: WorkspaceForWorker :one
select w.id, w.space_id, w.state, w.bytes, w.entries, w.last_used_at, w.announced_at, w.wanted_at, w.archived_at, w.archive_id, w.archive_sha256, w.archive_bytes, w.version
from workspaces w
where w.id = @id;

-- name: WorkspaceListForWorker :many
select w.id, w.space_id, w.state, w.entries
from workspaces w
order by w.space_id nulls first;

-- name: WorkspaceMadeByWorker :execrows
update workspaces set state = 'active' where id = @id and state = 'new';

-- Forgets changes that were broken off: whoever still works at one finds it given up.
-- name: FileChangeForget :many
delete from file_changes
where workspace_id = @workspace_id and touched_at < now() - interval '2 minutes'
returning id;

-- name: FileChangeList :many
select c.id from file_changes c where c.workspace_id = @workspace_id;

-- What was found in the directory, unless something was changed since a version, if one is given. What kept it from being measured before does so no more.
-- name: WorkspaceMeasured :execrows
update workspaces
set bytes = @bytes, entries = @entries, measured_at = now(), problem = case when problem like 'It was not archived%' then problem end,
    last_used_at = greatest(last_used_at, least(sqlc.narg('changed_at')::timestamptz, now())),
    announced_at = case when sqlc.narg('changed_at')::timestamptz > announced_at then null else announced_at end
where id = @id and state = 'active' and version = coalesce(sqlc.narg('version'), version);

-- It is measured again in a day, after others.
-- name: WorkspaceNotMeasured :execrows
update workspaces set measured_at = now() where id = @id and state = 'active';

-- Nobody changes the workspace until the transaction ends.
-- name: WorkspaceLock :one
select w.version, w.state from workspaces w where w.id = @id for no key update;

-- Files of a backup are put in their places in an active workspace: nobody reads or writes there until that is done, and changes that are under way are given up.
-- The room that it will take is counted from now on.
-- name: WorkspaceBeginRestore :execrows
update workspaces
set state = 'restoring', bytes = greatest(bytes + @bytes, 0), entries = greatest(entries + @entries, 0)
where id = @id and state in ('active', 'restoring');

-- Nobody else gets room for files until the transaction ends; see tenancy.begin_file_change.
-- name: WorkspaceLockRoom :exec
select pg_advisory_xact_lock(7262837, hashtext(tenancy.customer_id()::text));

-- What the files take and what they may, as tenancy.begin_file_change counts it.
-- name: WorkspaceRoom :one
select ((select coalesce(sum(w.bytes), 0) from workspaces w where w.state not in ('archived', 'deleted'))
        + (select coalesce(sum(c.bytes), 0) from file_changes c))::bigint as used,
    coalesce((select p.quota from workspace_policies p), @quota)::bigint as quota;

-- name: FileChangeGiveUp :exec
delete from file_changes where workspace_id = @workspace_id;

-- name: WorkspaceEndRestore :execrows
update workspaces
set state = 'active', bytes = coalesce(sqlc.narg('bytes'), bytes), entries = @entries, measured_at = now(), last_used_at = now(), announced_at = null
where id = @id and state = 'restoring';

-- Announces that a workspace will be archived, if nobody has used it for so long, nor said anything in its space. No row: somebody has.
-- name: WorkspaceAnnounce :execrows
update workspaces w set announced_at = now()
where w.id = @id and w.state = 'active' and w.announced_at is null
    and w.last_used_at < now() - coalesce((select make_interval(days => p.unused_days) from workspace_policies p), @unused::interval)
    and not exists (select from workspace_policies p where p.legal_hold)
    and not exists (select from messages m where m.space_id = w.space_id
        and m.said_at > now() - coalesce((select make_interval(days => p.unused_days) from workspace_policies p), @unused::interval));

-- What is said in its space is use of a workspace.
-- name: WorkspaceNoteTalk :execrows
update workspaces w set last_used_at = greatest(w.last_used_at, (select max(m.said_at) from messages m where m.space_id = w.space_id)), announced_at = null
where w.id = @id and w.space_id is not null and exists (select from messages m where m.space_id = w.space_id and m.said_at > w.last_used_at);

-- Begins the archiving of a workspace that was announced long enough ago, or goes on with one that has begun; not while somebody changes files or restores a backup.
-- name: WorkspaceBeginArchive :execrows
update workspaces w set state = 'archiving', archive_id = @archive_id, problem = null
where w.id = @id and w.wanted_at is null
    and (w.state = 'archiving' or w.state = 'active' and w.announced_at < now() - @notice::interval)
    and not exists (select from workspace_policies p where p.legal_hold)
    and not exists (select from file_changes c where c.workspace_id = w.id and c.touched_at > now() - interval '2 minutes')
    and not exists (select from restores r where r.state in ('running', 'applying'));

-- The archive is whole, and the directory set aside; nobody wanted the workspace meanwhile, and no hold was set.
-- name: WorkspaceArchived :execrows
update workspaces
set state = 'archived', archived_at = now(), archive_sha256 = @archive_sha256, archive_bytes = @archive_bytes, bytes = @bytes, entries = @entries, announced_at = null
where id = @id and state = 'archiving' and archive_id = @archive_id and wanted_at is null and not exists (select from workspace_policies p where p.legal_hold);

-- Somebody uses it after all.
-- name: WorkspaceStays :execrows
update workspaces
set state = 'active', wanted_at = null, announced_at = null, last_used_at = now(), problem = sqlc.narg('problem')
where id = @id and state = 'archiving';

-- name: WorkspaceBeginReturn :execrows
update workspaces set state = 'returning', problem = null where id = @id and state in ('archived', 'returning');

-- It comes back, though nobody has asked for it.
-- name: WorkspaceWanted :execrows
update workspaces set wanted_at = coalesce(wanted_at, now()) where id = @id and state = 'archived';

-- name: WorkspaceReturned :execrows
update workspaces
set state = 'active', bytes = @bytes, entries = @entries, measured_at = now(), last_used_at = now(), wanted_at = null, announced_at = null, archived_at = null
where id = @id and state = 'returning';

-- name: WorkspaceProblem :execrows
update workspaces set problem = @problem where id = @id;

-- The archive's time is over, and nobody wanted it back.
-- name: WorkspaceDeleted :execrows
update workspaces w
set state = 'deleted', bytes = 0, entries = 0
where w.id = @id and w.state = 'archived' and w.wanted_at is null
    and w.archived_at < now() - coalesce((select make_interval(days => p.archive_days) from workspace_policies p), @keep::interval)
    and not exists (select from workspace_policies p where p.legal_hold);

-- Nothing is left of the archive.
-- name: WorkspaceForgetArchive :execrows
update workspaces set archive_id = null, archive_sha256 = null, archive_bytes = null where id = @id and state in ('active', 'deleted') and archive_id = @archive_id;

-- name: WorkspaceForEmail :one
select u.email, c.name as customer_name, c.language, (c.archived_at is not null)::boolean as archived, w.announced_at,
    coalesce((select x.title from spaces x where x.id = w.space_id), '')::text as space, (w.space_id is not null)::boolean as of_space
from memberships m
    join customers c on c.id = m.customer_id
    join users u on u.id = m.user_id
    join workspaces w on w.customer_id = m.customer_id and w.id = @workspace_id
where m.user_id = @user_id and m.role in ('owner', 'admin') and u.email_verified and u.email is not null;
