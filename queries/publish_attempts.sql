-- name: PublishAttemptCreate :exec
insert into publish_attempts (platform_post_id, number, job_id)
values (@platform_post_id, @number, @job_id);

-- name: PublishAttemptGet :one
select a.number, a.job_id, a.started_at, a.finished_at, a.outcome
from publish_attempts a
where a.platform_post_id = @platform_post_id and a.number = @number;

-- When this round of work on a platform post began, how often it ended in each way, how it ended last, and since when it has
-- ended in that way alone. An attempt whose worker died says nothing of that.
-- name: PublishAttemptSummary :one
with ended as (
    select a.number, a.started_at, a.outcome
    from publish_attempts a
    where a.platform_post_id = @platform_post_id and a.number >= @first_attempt and a.outcome <> 'abandoned'
), last as (
    select e.outcome from ended e order by e.number desc limit 1
)
select min(a.started_at)::timestamptz as first_started_at,
    count(*) filter (where a.outcome = 'transient') as transient_failures,
    count(*) filter (where a.outcome = 'unknown_outcome') as unknown_outcomes,
    count(*) filter (where a.outcome = 'rate_limited') as rate_limits,
    coalesce((select l.outcome from last l), '')::text as last_outcome,
    coalesce((select min(e.started_at) from ended e where not exists (
        select from ended o where o.number > e.number and o.outcome <> (select l.outcome from last l)) and e.outcome = (select l.outcome from last l)),
        now())::timestamptz as last_outcome_since
from publish_attempts a
where a.platform_post_id = @platform_post_id and a.number >= @first_attempt;

-- name: PublishAttemptFinish :execrows
update publish_attempts
set finished_at = now(), outcome = @outcome, status = @status, code = @code, message = @message
where platform_post_id = @platform_post_id and number = @number and finished_at is null;
