-- migrate:up

-- Jobs are tenant data. River names the columns that it writes, so one more, filled by its default from the
-- entered tenant, is safe. A job that belongs to no customer (River's own upkeep) has NULL there.
set local row_security = off;

-- River numbers all jobs in one sequence, and the numbers of two of one's own jobs tell how many others had in
-- between. So what tenants are shown is an id of its own, a UUIDv7: 48 bits of milliseconds, then chance.
create function tenancy.new_job_id() returns uuid
language sql volatile parallel safe
return (lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0') || '7'
    || substr(replace(gen_random_uuid()::text, '-', ''), 14))::uuid;
grant execute on function tenancy.new_job_id() to fanfare_user, fanfare_admin, fanfare_worker;

alter table river.river_job
    add column customer_id uuid default nullif(current_setting('fanfare.customer_id', true), '')::uuid,
    add column public_id uuid not null default tenancy.new_job_id();

create index river_job_by_customer on river.river_job (customer_id, public_id);
-- The waiting jobs of one post, to cancel them with it.
create index river_job_of_post on river.river_job (customer_id, (args ->> 'post_id'))
    where state in ('available', 'pending', 'retryable', 'scheduled');
-- What falls due next, for the worker's promotion of scheduled jobs.
create index river_job_due on river.river_job (scheduled_at) where state in ('scheduled', 'retryable');

alter table river.river_job enable row level security;
alter table river.river_job force row level security;

create policy river_job_tenant on river.river_job as restrictive to fanfare_user, fanfare_agent, fanfare_admin
    using (customer_id = (select tenancy.customer_id()))
    with check (customer_id = (select tenancy.customer_id()) and args ->> 'customer_id' = customer_id::text);
create policy river_job_select on river.river_job for select to fanfare_user, fanfare_admin using (true);
create policy river_job_insert on river.river_job for insert to fanfare_user
    with check ((select tenancy.has_role('member')) and state in ('available', 'scheduled') and attempt = 0);
create policy river_job_admin_insert on river.river_job for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')) and state in ('available', 'scheduled') and attempt = 0);
-- River inserts with ON CONFLICT … DO UPDATE SET kind, so inserting needs this too; the trigger below
-- makes sure that nothing can be changed by it.
create policy river_job_update on river.river_job for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check (true);
create policy river_job_admin_update on river.river_job for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check (true);
-- A job that names a customer belongs to it: the worker too enqueues it inside the customer.
create policy river_job_worker on river.river_job to fanfare_worker using (true)
    with check (args ->> 'customer_id' is not distinct from customer_id::text);

create function tenancy.freeze_job() returns trigger
language plpgsql as $$
begin
    if new.kind is distinct from old.kind or new.customer_id is distinct from old.customer_id
        or new.args is distinct from old.args
    then
        raise insufficient_privilege using message = 'permission denied: a job''s kind, customer and arguments cannot be changed';
    end if;
    return new;
end
$$;
create trigger river_job_freeze before update on river.river_job for each row execute function tenancy.freeze_job();

-- A tenant's job gets its number from the sequence whatever was asked for: a chosen one could be another's.
create function tenancy.number_job() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.id := nextval('river.river_job_id_seq');
    end if;
    return new;
end
$$;
create trigger river_job_number before insert on river.river_job for each row execute function tenancy.number_job();

grant usage on schema river to fanfare_login, fanfare_user, fanfare_admin, fanfare_worker, fanfare_definer;
grant select,
    insert (id, args, created_at, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags, unique_key, unique_states),
    update (kind)
    on river.river_job to fanfare_user, fanfare_admin;
grant usage on sequence river.river_job_id_seq to fanfare_user, fanfare_admin, fanfare_worker;
grant execute on function river.river_job_state_in_bitmask(bit, river.river_job_state)
    to fanfare_user, fanfare_admin, fanfare_worker, fanfare_definer;

-- The worker runs the queue. Only river_job is tenant data; the rest of River's tables hold names of queues and leaders.
grant select, insert, update, delete
    on river.river_job, river.river_leader, river.river_queue, river.river_notification to fanfare_worker;
grant usage on sequence river.river_notification_id_seq to fanfare_worker;

create policy river_job_definer on river.river_job to fanfare_definer using (true) with check (true);
grant select, update (state, finalized_at) on river.river_job to fanfare_definer;

-- Cancels the waiting jobs of one post of the entered customer, or of all its posts when p_post_id is NULL.
-- Tenants may not update jobs, so this is the one way. A running job is not touched: it is at the platform.
create function tenancy.cancel_jobs(p_post_id uuid) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    -- The owner of an archived customer reads as a viewer but still stops its jobs. One of the two roles is
    -- always NULL, hence "is not true": NOT of NULL is no refusal.
    if (tenancy.has_role('member') or tenancy.has_system_role('manager')
        or tenancy.member_role() = 'owner' or tenancy.system_role() = 'admin') is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow cancelling jobs';
    end if;
    update river.river_job j
    set state = 'cancelled', finalized_at = now()
    where j.customer_id = tenancy.customer_id()
        and (p_post_id is null or j.args ->> 'post_id' = p_post_id::text)
        and j.state in ('available', 'pending', 'retryable', 'scheduled');
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
revoke execute on function tenancy.cancel_jobs(uuid) from public;
grant execute on function tenancy.cancel_jobs(uuid) to fanfare_user, fanfare_admin;
alter function tenancy.cancel_jobs(uuid) owner to fanfare_definer;

-- migrate:down
drop function tenancy.cancel_jobs(uuid);
drop trigger river_job_number on river.river_job;
drop function tenancy.number_job();
drop trigger river_job_freeze on river.river_job;
drop function tenancy.freeze_job();
alter table river.river_job disable row level security;
alter table river.river_job no force row level security;
drop policy river_job_tenant on river.river_job;
drop policy river_job_select on river.river_job;
drop policy river_job_insert on river.river_job;
drop policy river_job_admin_insert on river.river_job;
drop policy river_job_update on river.river_job;
drop policy river_job_admin_update on river.river_job;
drop policy river_job_worker on river.river_job;
drop policy river_job_definer on river.river_job;
drop index river.river_job_by_customer;
drop index river.river_job_of_post;
drop index river.river_job_due;
alter table river.river_job drop column customer_id, drop column public_id;
drop function tenancy.new_job_id();
