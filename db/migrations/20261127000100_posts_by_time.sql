-- migrate:up
set local row_security = off;

-- A calendar's weeks, and a report's days.
create index posts_by_time on posts (customer_id, scheduled_at, id) where scheduled_at is not null;

-- migrate:down
drop index posts_by_time;
