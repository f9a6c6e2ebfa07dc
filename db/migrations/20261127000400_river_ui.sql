-- migrate:up
set local row_security = off;

-- River UI shows system admins the queue. It is River's own SQL that runs there, by names without a schema, so that it reads these views in place of
-- the tables. They show no more than a system admin may see of jobs, to nobody else, and cannot be written.
create schema river_seen;
grant usage, create on schema river_seen to fanfare_definer;

-- Of arguments only what names something is shown.
create view river_seen.river_job with (security_barrier = true) as
select j.id,
    (select coalesce(jsonb_object_agg(a.key, a.value), '{}') from jsonb_each(j.args) a where a.key like '%\_id' and jsonb_typeof(a.value) = 'string') as args,
    j.attempt, j.attempted_at, j.attempted_by, j.created_at, j.errors, j.finalized_at, j.kind, j.max_attempts, '{}'::jsonb as metadata, j.priority, j.queue, j.state,
    j.scheduled_at, j.tags, null::bytea as unique_key, null::bit(8) as unique_states
from river.river_job j
where (select tenancy.system_role() = 'admin' and nullif(current_setting('fanfare.customer_id', true), '') is null);

create view river_seen.river_queue with (security_barrier = true) as
select q.name, q.created_at, q.metadata, q.paused_at, q.updated_at
from river.river_queue q
where (select tenancy.system_role() = 'admin' and nullif(current_setting('fanfare.customer_id', true), '') is null);

grant select on river.river_queue to fanfare_definer;
alter view river_seen.river_job owner to fanfare_definer;
alter view river_seen.river_queue owner to fanfare_definer;
revoke create on schema river_seen from fanfare_definer;
grant usage on schema river_seen to fanfare_admin;
set local role fanfare_definer;
grant select on river_seen.river_job, river_seen.river_queue to fanfare_admin;
reset role;

-- migrate:down

drop view river_seen.river_queue;
drop view river_seen.river_job;
drop schema river_seen;
revoke select on river.river_queue from fanfare_definer;
