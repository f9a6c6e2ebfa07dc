-- migrate:up

-- One row per attempt at publishing a platform post, committed before the platform is called and finished
-- after it. A row without finished_at belongs to a worker that is at it or has died at it.
set local row_security = off;

create table publish_attempts (
    customer_id uuid not null default tenancy.customer_id(),
    platform_post_id uuid not null,
    number integer not null,
    job_id bigint not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    -- published, an error class, or abandoned (its worker died; a later attempt found out what became of it)
    outcome text,
    status integer,
    code text,
    message text,
    constraint publish_attempts_pkey primary key (customer_id, platform_post_id, number),
    constraint publish_attempts_platform_post_fkey foreign key (customer_id, platform_post_id)
        references platform_posts (customer_id, id) on delete cascade,
    constraint publish_attempts_outcome_known check (outcome in ('published', 'credential', 'invalid', 'rate_limited',
        'payment_required', 'transient', 'unknown_outcome', 'abandoned', 'withdrawn')),
    constraint publish_attempts_finished_has_outcome check ((finished_at is null) = (outcome is null))
);

alter table publish_attempts enable row level security;
alter table publish_attempts force row level security;

create policy publish_attempts_tenant on publish_attempts as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy publish_attempts_select on publish_attempts for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy publish_attempts_worker_insert on publish_attempts for insert to fanfare_worker with check (true);
create policy publish_attempts_worker_update on publish_attempts for update to fanfare_worker using (true) with check (true);

grant select on publish_attempts to fanfare_user, fanfare_admin;
grant select, insert (platform_post_id, number, job_id), update (finished_at, outcome, status, code, message)
    on publish_attempts to fanfare_worker;

-- migrate:down
drop table publish_attempts;
