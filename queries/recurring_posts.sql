-- name: RecurringPostCreate :exec
insert into recurring_posts (id, post_id, rrule, starts_local, time_zone, next_at)
values (@id, @post_id, @rrule, (@starts_local::text)::timestamp, @time_zone, @next_at);

-- name: RecurringPostGet :one
select r.id, r.post_id, r.rrule, to_char(r.starts_local, 'YYYY-MM-DD"T"HH24:MI:SS')::text as starts_local, r.time_zone, r.state,
    r.next_at, r.problem, r.skipped, r.skipped_at, r.version, r.created_at, r.updated_at, now()::timestamptz as database_now
from recurring_posts r
where r.id = @id;

-- name: RecurringPostList :many
select r.id, r.post_id, r.rrule, to_char(r.starts_local, 'YYYY-MM-DD"T"HH24:MI:SS')::text as starts_local, r.time_zone, r.state,
    r.next_at, r.problem, r.skipped, r.skipped_at, r.version, r.created_at, r.updated_at, now()::timestamptz as database_now
from recurring_posts r
where r.id < @before
order by r.id desc
limit @max_rows;

-- Changes when it recurs. What had ended goes on.
-- name: RecurringPostUpdate :execrows
update recurring_posts
set rrule = @rrule, starts_local = (@starts_local::text)::timestamp, time_zone = @time_zone, next_at = @next_at,
    state = case when state = 'ended' then 'active' else state end
where id = @id;

-- name: RecurringPostSetState :execrows
update recurring_posts
set state = @state, next_at = @next_at
where id = @id;

-- name: RecurringPostDelete :execrows
delete from recurring_posts
where id = @id;

-- The copies of one to come, by their times.
-- name: RecurringPostListCopies :many
select p.id, p.occurrence_at::timestamptz as occurrence_at, p.state
from posts p
where p.recurrence_id = @recurrence_id::uuid and p.occurrence_at > now()
order by p.occurrence_at;

-- Recurrences of all customers that a worker is to look at.
-- name: RecurringPostListToDo :many
select r.customer_id::uuid as customer_id, r.id::uuid as id
from tenancy.recurring_posts_to_do(@max_rows) r;

-- Locks a recurrence and its post for a worker, unless another worker is at it, somebody is changing the post, or there is
-- nothing to do any more. It waits for neither: who changes the post locks it first, then the recurrence. A customer that is
-- being archived has nothing to do.
-- name: RecurringPostLock :one
select r.post_id, r.rrule, to_char(r.starts_local, 'YYYY-MM-DD"T"HH24:MI:SS')::text as starts_local, r.time_zone, r.made_until,
    p.state as post_state, now()::timestamptz as database_now
from recurring_posts r
    join posts p on p.customer_id = r.customer_id and p.id = r.post_id
    join customers c on c.id = r.customer_id and c.archived_at is null
where r.id = @id and r.state = 'active' and r.look_at <= now()
for no key update of r, p skip locked;

-- Makes the copy for one time, as a draft; false where there is one.
-- name: RecurringPostCopy :one
select tenancy.copy_recurring_post(@recurrence_id, @id, @occurrence_at)::boolean as made;

-- The copies to come that are not on their way, though nobody has touched them.
-- name: RecurringPostListDrafts :many
select p.id, p.occurrence_at::timestamptz as occurrence_at
from posts p
where p.recurrence_id = @recurrence_id::uuid and p.detached_at is null and p.state = 'draft' and p.occurrence_at > @after
order by p.occurrence_at;

-- Puts a copy on its way: at its time, or, where the customer wants it approved first and nobody has, as far as that.
-- name: RecurringPostQueueCopy :many
update platform_posts pp
set state = case when c.approval_required and p.approved_at is null then 'pending_approval' else 'scheduled' end
from posts p
    join customers c on c.id = p.customer_id
where pp.post_id = @post_id and pp.state = 'draft' and p.customer_id = pp.customer_id and p.id = pp.post_id
returning pp.id, pp.state;

-- Notes how far a worker has come, and when one is to look again.
-- name: RecurringPostLooked :exec
update recurring_posts
set state = @state, next_at = @next_at, made_until = @made_until, look_at = @look_at, problem = @problem,
    skipped = skipped + @skipped, skipped_at = coalesce(sqlc.narg('skipped_at'), skipped_at)
where id = @id;

-- Locks a recurrence for a change. Who may not change it does not find it here.
-- name: RecurringPostHold :one
select r.rrule, to_char(r.starts_local, 'YYYY-MM-DD"T"HH24:MI:SS')::text as starts_local, r.time_zone, r.state, r.version,
    now()::timestamptz as database_now
from recurring_posts r
where r.id = @id
for no key update;

-- Has a recurrence that a worker could not deal with looked at again later, and says so.
-- name: RecurringPostPutOff :exec
update recurring_posts
set look_at = now() + @wait::interval, problem = @problem
where id = @id and state = 'active' and look_at <= now();
