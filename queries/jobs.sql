-- name: JobList :many
select j.public_id, j.kind, j.state::text as state, j.queue, j.attempt, j.max_attempts, j.created_at, j.scheduled_at, j.attempted_at,
    j.finalized_at, coalesce(j.args ->> 'post_id', '')::text as post_id,
    coalesce(j.args ->> 'platform_post_id', '')::text as platform_post_id
from river.river_job j
where j.public_id < @before
order by j.public_id desc
limit @max_rows;

-- Cancels the waiting jobs of one post, or of all the customer's posts when none is named.
-- name: JobCancel :one
select tenancy.cancel_jobs(sqlc.narg('post_id')::uuid)::bigint as cancelled;

-- name: JobIsRunning :one
select exists (select from river.river_job j where j.id = @id and j.state = 'running');

-- Hands jobs that fall due within the window to River's fetch, which itself waits for the moment. River does
-- this every 5 s on one process alone; every worker does it, so a post is on time whichever of them die.
-- name: JobPromote :execrows
update river.river_job
set state = 'available'
where id in (
    select j.id
    from river.river_job j
    where j.state in ('scheduled', 'retryable') and j.scheduled_at <= now() + @ahead::interval
    order by j.scheduled_at
    limit @max_rows
    for update skip locked
);

-- Hands the running jobs of dead workers back to the queue, each with a new number: what a worker that was only out of
-- reach writes of the old one, River writes by number alone, concerns nobody who has it now.
-- name: JobRescue :many
update river.river_job
set id = nextval('river.river_job_id_seq'), state = 'available', scheduled_at = now(), max_attempts = greatest(max_attempts, attempt + 1)
where id in (
    select j.id
    from river.river_job j
    where j.state = 'running'
        and not exists (
            select from workers w
            where w.id = j.attempted_by[array_upper(j.attempted_by, 1)] and w.lease_until > now())
    limit @max_rows
    for update skip locked
)
returning id, kind;

-- How many of the entered customer's accounts are being checked at this moment by older jobs than this one. Jobs that
-- come at once do not all give way to each other: the oldest go on.
-- name: JobCountOlderChecks :one
select count(*)
from river.river_job j
where j.customer_id = tenancy.customer_id() and j.args ->> 'integration_id' is not null
    and j.kind = 'check_integration' and j.state = 'running' and j.id < @id;

-- Whether the entered user may look at the queue of all customers: a system admin, who gives a reason.
-- name: JobsMaySeeAll :one
select tenancy.has_system_role('admin')::boolean;
