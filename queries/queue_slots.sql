-- name: QueueSlotList :many
select s.id, s.weekday, s.local_time, s.version, s.created_at
from queue_slots s
order by (s.weekday + 6) % 7, s.local_time;

-- name: QueueSlotGet :one
select s.id, s.weekday, s.local_time, s.version, s.created_at
from queue_slots s
where s.id = @id;

-- name: QueueSlotCreate :exec
insert into queue_slots (id, weekday, local_time)
values (@id, @weekday, @local_time);

-- name: QueueSlotDelete :execrows
delete from queue_slots
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- The zone by whose clocks the entered customer's times are, and the time by the database's clock.
-- name: CustomerClock :one
select coalesce(tenancy.time_zone(), 'UTC')::text as time_zone, now()::timestamptz as database_now;

-- Lets one at a time look for a free slot of the entered customer, until the end of the transaction.
-- name: QueueLock :exec
select pg_advisory_xact_lock(hashtextextended('queue of ' || tenancy.customer_id()::text, 0));

-- The times to come at which posts go out, which takes a slot at that time, in their order. What is not the caller's to see
-- has no title and state, and an id of zeros.
-- name: QueueListTaken :many
select coalesce(q.id, '00000000-0000-0000-0000-000000000000')::uuid as id, coalesce(q.title, '')::text as title,
    coalesce(q.state, '')::text as state, q.scheduled_at::timestamptz as scheduled_at
from tenancy.queue_taken(@max_rows) q;
