-- migrate:up

-- Exports of a customer: everything that it has, as an archive in the bucket that can be fetched for a day. Admins
-- and owners make them, in an archived customer too: archiving must not keep anybody from their data. Hence the
-- policies look at member_role(), which is the same in an archived customer, and not at has_role().
set local row_security = off;

create table exports (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    state text not null default 'queued',
    requested_by uuid default tenancy.user_id(),
    started_at timestamptz,
    finished_at timestamptz,
    size_bytes bigint,
    -- of the archive, in hexadecimal
    sha256 text,
    -- why it failed, for people
    problem text,
    expires_at timestamptz,
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint exports_pkey primary key (customer_id, id),
    constraint exports_customer_fkey foreign key (customer_id) references customers (id),
    constraint exports_requested_by_fkey foreign key (requested_by) references users (id),
    constraint exports_state_known check (state in ('queued', 'running', 'ready', 'failed', 'expired')),
    constraint exports_sha256_form check (sha256 ~ '^[0-9a-f]{64}$'),
    constraint exports_problem_length check (char_length(problem) <= 2000),
    constraint exports_ready_is_whole check (state <> 'ready' or (size_bytes is not null and sha256 is not null and expires_at is not null)),
    constraint exports_failed_says_why check (state <> 'failed' or problem is not null)
);

-- One at a time; also what the worker looks for.
create unique index exports_one_at_a_time on exports (customer_id) where state in ('queued', 'running');
create index exports_to_expire on exports (customer_id, expires_at) where state = 'ready';

create trigger exports_touch before update on exports for each row execute function tenancy.touch();

alter table exports enable row level security;
alter table exports force row level security;

create policy exports_tenant on exports as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
-- Whoever may take a customer's data out of Fanfare.
create function tenancy.permit_exports() returns boolean
language plpgsql stable parallel safe as $$
begin
    if coalesce(tenancy.member_role() in ('owner', 'admin') or tenancy.system_role() = 'admin', false) then
        return true;
    end if;
    raise insufficient_privilege using message = 'permission denied: exports are the admins'' business';
end
$$;
grant execute on function tenancy.permit_exports() to fanfare_user, fanfare_admin;
create policy exports_select on exports for select to fanfare_user, fanfare_admin using ((select tenancy.permit_exports()));
create policy exports_insert on exports for insert to fanfare_user with check ((select tenancy.permit_exports()));
-- All that people change is that an export ends sooner.
create policy exports_update on exports for update to fanfare_user
    using ((select tenancy.permit_exports()))
    with check ((select tenancy.permit_exports()) and expires_at <= (select now()));
create policy exports_delete on exports for delete to fanfare_user using ((select tenancy.permit_exports()));
create policy exports_admin_insert on exports for insert to fanfare_admin
    with check ((select tenancy.permit_exports()) and (select tenancy.reason_given()));
create policy exports_admin_update on exports for update to fanfare_admin
    using ((select tenancy.permit_exports()) and (select tenancy.reason_given()))
    with check ((select tenancy.permit_exports()) and expires_at <= (select now()));
create policy exports_admin_delete on exports for delete to fanfare_admin
    using ((select tenancy.permit_exports()) and (select tenancy.reason_given()));
create policy exports_worker_select on exports for select to fanfare_worker using (true);
create policy exports_worker_update on exports for update to fanfare_worker using (true) with check (true);
grant select, insert (id), update (expires_at), delete on exports to fanfare_user, fanfare_admin;
grant select, update (state, started_at, finished_at, size_bytes, sha256, problem, expires_at) on exports to fanfare_worker;

select tenancy.audit_table('exports', 'export', 'id', '{}', '{}');

create policy exports_definer on exports for select to fanfare_definer using (true);
grant select (customer_id, id, state, expires_at) on exports to fanfare_definer;

-- What the worker has to do with exports of all customers: those to write that have no job (people insert none:
-- in an archived customer they may not), and those whose file is to be deleted. Ids only.
create function tenancy.exports_to_do(p_limit integer)
returns table (customer_id uuid, id uuid, expired boolean)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select e.customer_id, e.id, false
    from public.exports e
        join public.customers c on c.id = e.customer_id
    where e.state in ('queued', 'running')
        and not exists (
            select from river.river_job j
            where j.customer_id = e.customer_id and j.args ->> 'export_id' = e.id::text
                and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled'))
    union all
    select e.customer_id, e.id, true
    from public.exports e
        join public.customers c on c.id = e.customer_id
    where e.state = 'ready' and e.expires_at <= now()
    limit p_limit;
end
$$;
revoke execute on function tenancy.exports_to_do(integer) from public;
grant execute on function tenancy.exports_to_do(integer) to fanfare_worker;
alter function tenancy.exports_to_do(integer) owner to fanfare_definer;

-- What an export holds beyond what the worker reads anyway.
create policy memberships_worker on memberships for select to fanfare_worker using (true);
grant select on memberships to fanfare_worker;
create policy campaigns_worker on campaigns for select to fanfare_worker using (true);
grant select on campaigns to fanfare_worker;
-- The columns of users are granted to the worker with invitations.
create policy users_of_customer on users for select to fanfare_worker
    using (id in (select m.user_id from memberships m));

-- migrate:down
drop policy users_of_customer on users;
revoke select on campaigns from fanfare_worker;
drop policy campaigns_worker on campaigns;
revoke select on memberships from fanfare_worker;
drop policy memberships_worker on memberships;
drop function tenancy.exports_to_do(integer);
drop table exports;
drop function tenancy.permit_exports();
