-- migrate:up transaction:false

-- A calendar's weeks. posts may be large, and is written all the time.
create index concurrently posts_by_time on posts (customer_id, scheduled_at, id) where scheduled_at is not null;

-- migrate:down transaction:false

drop index concurrently posts_by_time;
