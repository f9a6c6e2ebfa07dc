-- name: BackupCreate :exec
insert into backups (id, is_full) values (@id, @is_full);

-- name: BackupGet :one
select b.id, b.state, b.requested_by, b.night, b.is_full, b.previous_id, b.started_at, b.finished_at, b.files, b.bytes, b.stored_bytes, b.left_out, b.unstable,
    b.damaged_at, b.problem, b.version, b.created_at
from backups b
where b.id = @id and b.state <> 'deleting' and (select tenancy.permit_backups());

-- Newest first.
-- name: BackupList :many
select b.id, b.state, b.requested_by, b.night, b.is_full, b.previous_id, b.started_at, b.finished_at, b.files, b.bytes, b.stored_bytes, b.left_out, b.unstable,
    b.damaged_at, b.problem, b.version, b.created_at
from backups b
where (b.created_at, b.id) < (@before::timestamptz, @before_id::uuid) and b.state <> 'deleting' and (select tenancy.permit_backups())
order by b.created_at desc, b.id desc
limit @max_rows;

-- name: BackupStatusGet :many
select s.last_good_id, s.last_good_at, s.last_failed_at, s.last_good_drill_at, s.last_failed_drill_at
from backup_status s
where (select tenancy.permit_backups());

-- name: RestoreCreate :exec
insert into restores (id, backup_id, workspace_id, path, to_workspace_id, to_path, exact)
values (@id, @backup_id, sqlc.narg('workspace_id'), sqlc.narg('path'), sqlc.narg('to_workspace_id'), sqlc.narg('to_path'), @exact);

-- name: RestoreGet :one
select r.id, r.backup_id, r.state, r.requested_by, r.workspace_id, r.path, r.to_workspace_id, r.to_path, r.exact, r.plan, r.started_at, r.finished_at, r.problem,
    r.version, r.created_at, r.updated_at
from restores r
where r.id = @id and (select tenancy.permit_backups());

-- Without the changes of their plans, which may be many.
-- name: RestoreList :many
select r.id, r.backup_id, r.state, r.requested_by, r.workspace_id, r.path, r.to_workspace_id, r.to_path, r.exact, (r.plan - 'changes')::jsonb as plan,
    r.started_at, r.finished_at, r.problem, r.version, r.created_at, r.updated_at
from restores r
where r.id < @before and (select tenancy.permit_backups())
order by r.id desc
limit @max_rows;

-- name: RestoreStart :execrows
update restores set state = 'queued' where id = @id and state = 'planned' and version = coalesce(sqlc.narg('version'), version);

-- name: RestoreDelete :execrows
delete from restores where id = @id and state in ('planning', 'planned') and version = coalesce(sqlc.narg('version'), version);

-- name: DrillList :many
select d.id, d.backup_id, d.state, d.files, d.bytes, d.differences, d.problem, d.created_at, d.finished_at
from drills d
where d.id < @before and (select tenancy.permit_backups())
order by d.id desc
limit @max_rows;

-- How the backups of all customers stand; see tenancy.backup_health.
-- name: BackupHealth :one
select h.customers::bigint as customers, h.late::bigint as late, coalesce(h.oldest_good_at, '0001-01-01 00:00Z')::timestamptz as oldest_good_at,
    coalesce(h.newest_good_at, '0001-01-01 00:00Z')::timestamptz as newest_good_at, h.failing::bigint as failing, h.drills_late::bigint as drills_late,
    h.drills_failing::bigint as drills_failing, coalesce(h.newest_good_drill_at, '0001-01-01 00:00Z')::timestamptz as newest_good_drill_at
from tenancy.backup_health(@late, @drill_late) h;

-- For the operator; see tenancy.list_backups.
-- name: BackupListForOperator :many
select b.id::uuid as id, b.object_id::uuid as object_id, b.manifest_sha256::text as manifest_sha256, b.finished_at::timestamptz as finished_at, b.files::bigint as files,
    b.bytes::bigint as bytes, (b.damaged_at is not null)::boolean as damaged
from tenancy.list_backups(@customer::uuid) b;

-- Begins the night's backups of so many customers; see tenancy.begin_night.
-- name: BackupBeginNight :one
select tenancy.begin_night(@night, @max_customers)::integer as seen;

-- name: BackupListToDo :many
select t.customer_id::uuid as customer_id, t.id::uuid as id, t.what::text as what
from tenancy.backups_to_do(@drill_every, @max_rows) t;

-- name: BackupForWorker :one
select b.id, b.state, b.is_full, b.previous_id, b.object_id, b.manifest_sha256, b.damaged_at, b.version, b.created_at, b.finished_at
from backups b
where b.id = @id;

-- The backups that are whole, newest first.
-- name: BackupListReady :many
select b.id, b.object_id::uuid as object_id, b.manifest_sha256::text as manifest_sha256, b.uses, b.is_full, b.damaged_at, b.created_at, b.finished_at::timestamptz as finished_at
from backups b
where b.state = 'ready'
order by b.finished_at desc;

-- name: BackupStart :execrows
update backups set state = 'running', started_at = now(), object_id = @object_id, previous_id = sqlc.narg('previous_id'), is_full = @is_full
where id = @id and state in ('queued', 'running');

-- name: BackupReady :execrows
update backups
set state = 'ready', finished_at = now(), manifest_sha256 = @manifest_sha256, uses = @uses, files = @files, bytes = @bytes, stored_bytes = @stored_bytes, left_out = @left_out,
    unstable = @unstable, problem = sqlc.narg('problem')
where id = @id and state = 'running' and object_id = @object_id;

-- name: BackupFail :execrows
update backups set state = 'failed', finished_at = now(), problem = @problem where id = @id and state in ('queued', 'running');

-- name: BackupDamaged :execrows
update backups set damaged_at = coalesce(damaged_at, now()), problem = @problem where id = @id and state = 'ready';

-- The last backup that is whole is one that is not known to be damaged.
-- name: BackupStatusLastGood :exec
update backup_status s set last_good_id = b.id, last_good_at = b.finished_at
from (select 1) x left join lateral (
    select b.id, b.finished_at from backups b where b.state = 'ready' and b.damaged_at is null order by b.finished_at desc limit 1) b on true
where s.last_good_id is distinct from b.id;

-- Not one from which somebody restores, or may be about to: a plan is forgotten after a day.
-- name: BackupLetGo :execrows
update backups b set state = 'deleting' where b.id = @id and b.state in ('ready', 'failed')
    and not exists (select from restores r where r.backup_id = b.id and r.state not in ('done', 'failed'));

-- What came to nothing, of which is told as long as of others.
-- name: BackupLetGoFailed :execrows
update backups set state = 'deleting' where state = 'failed' and created_at < now() - @after::interval;

-- name: BackupListGoing :many
select b.id from backups b where b.state = 'deleting';

-- name: BackupDelete :execrows
delete from backups where id = @id;

-- name: BackupStatusGood :exec
insert into backup_status (last_good_id, last_good_at) values (@backup_id, now())
on conflict (customer_id) do update set last_good_id = excluded.last_good_id, last_good_at = excluded.last_good_at;

-- name: BackupStatusFailed :exec
insert into backup_status (last_failed_at) values (now())
on conflict (customer_id) do update set last_failed_at = excluded.last_failed_at;

-- name: RestoreForWorker :one
select r.id, r.backup_id, r.state, r.workspace_id, r.path, r.to_workspace_id, r.to_path, r.exact, r.losses, b.object_id, b.manifest_sha256, b.state as backup_state
from restores r
    join backups b on b.customer_id = r.customer_id and b.id = r.backup_id
where r.id = @id;

-- name: RestorePlanned :execrows
update restores set state = 'planned', plan = @plan, losses = @losses where id = @id and state = 'planning';

-- Plans that nobody has started, but for the newest.
-- name: RestoreForgetPlans :execrows
delete from restores
where state = 'planned' and id not in (select r.id from restores r where r.state = 'planned' order by r.id desc limit @kept);

-- name: RestoreSetState :execrows
update restores
set state = @state, problem = sqlc.narg('problem'),
    started_at = case when @state::text = 'running' then coalesce(started_at, now()) else started_at end,
    finished_at = case when @state::text in ('done', 'failed') then now() end,
    losses = case when @state::text not in ('done', 'failed') then losses end
where id = @id and state not in ('done', 'failed');

-- Plans that nobody has started for a day, and what was done more than a year ago.
-- name: RestoreForget :execrows
delete from restores
where state = 'planned' and updated_at < now() - interval '1 day' or state in ('done', 'failed') and updated_at < now() - interval '1 year';

-- name: DrillCreate :exec
insert into drills (id, backup_id) values (@id, @backup_id);

-- name: DrillForWorker :one
select d.id, d.backup_id, d.state, b.object_id, b.manifest_sha256, b.state as backup_state
from drills d
    join backups b on b.customer_id = d.customer_id and b.id = d.backup_id
where d.id = @id;

-- name: DrillFinish :execrows
update drills
set state = @state, files = sqlc.narg('files'), bytes = sqlc.narg('bytes'), differences = sqlc.narg('differences'), problem = sqlc.narg('problem'), finished_at = now()
where id = @id and state = 'running';

-- name: BackupStatusDrilled :exec
update backup_status
set drilled_at = now(),
    last_good_drill_at = case when @good::boolean then now() else last_good_drill_at end,
    last_failed_drill_at = case when @good::boolean then last_failed_drill_at else now() end;

-- name: BackupStatusDrillBegun :execrows
update backup_status set drilled_at = now() where drilled_at < now() - @drill_every::interval;

-- Whether a restore of the customer is under way, which stages files in its workspaces.
-- name: RestoreUnderWay :one
select exists (select from restores r where r.state in ('running', 'applying'))::boolean as under_way;

-- Whether a drill of the customer is under way, which restores into temporary workspaces.
-- name: DrillUnderWay :one
select exists (select from drills d where d.state = 'running')::boolean as under_way;

-- Whether nothing of the customer is let go.
-- name: WorkspaceHeld :one
select exists (select from workspace_policies p where p.legal_hold)::boolean as held;

-- What is being written at this moment.
-- name: BackupListWriting :many
select b.object_id::uuid as object_id
from backups b
where b.state in ('queued', 'running') and b.object_id is not null;
