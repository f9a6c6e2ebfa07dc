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

-- The posts that go out at a time to come, which takes a slot at that time. The order is that of their times.
-- name: QueueListTaken :many
select p.id, p.title, p.state, p.scheduled_at::timestamptz as scheduled_at
from posts p
where p.scheduled_at > now() and p.state in ('pending_approval', 'approved', 'scheduled')
order by p.scheduled_at, p.id
limit @max_rows;
