-- Asks for the erasure of the entered customer, in which nobody can be from then on.
-- name: ErasureRequest :exec
select tenancy.request_erasure(@id, @name);

-- name: ErasureGet :one
select e.id, e.subject_id, e.state, e.requested_by, e.requested_at, e.started_at, e.finished_at, e.has_files, e.counts, e.files, e.has_workspaces, e.has_backups
from erasures e
where e.id = @id;

-- name: ErasureList :many
select e.id, e.subject_id, e.state, e.requested_by, e.requested_at, e.started_at, e.finished_at, e.has_files, e.counts, e.files, e.has_workspaces, e.has_backups
from erasures e
where e.id < @before
order by e.id desc
limit @max_rows;

-- The erasure that the entered user has asked for, of a customer that is not there any more.
-- name: ErasureGetOwn :one
select e.id, e.subject_id, e.state, e.requested_by, e.requested_at, e.started_at, e.finished_at, e.has_files, e.counts, e.files, e.has_workspaces, e.has_backups
from erasures e
where e.subject_id = @subject_id and e.requested_by = tenancy.user_id();

-- Erasures that are not finished and have no job.
-- name: ErasureListToDo :many
select e.id
from erasures e
where e.state <> 'finished'
    and not exists (
        select from river.river_job j
        where j.kind = 'erase' and j.args ->> 'erasure_id' = e.id::text
            and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
order by e.id
limit @max_rows;

-- Notes how many files were found. Some may be deleted already when they are counted again.
-- name: ErasureNoteFiles :exec
update erasures
set files = greatest(files, @files)
where id = @id;

-- name: ErasureStep :one
select tenancy.erase_step(@id, @max_rows)::text as left_over;

-- name: ErasureFinish :one
select tenancy.finish_erasure(@id)::boolean as finished;

-- Deletes what came in at the moment of an erasure.
-- name: ErasureForget :one
select tenancy.forget_erased()::bigint as deleted;
