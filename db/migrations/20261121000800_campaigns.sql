-- migrate:up

-- A named group of posts with dates and a goal.
set local row_security = off;

create table campaigns (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    name text not null,
    goal text not null default '',
    starts_on date,
    ends_on date,
    archived_at timestamptz,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint campaigns_pkey primary key (customer_id, id),
    constraint campaigns_customer_fkey foreign key (customer_id) references customers (id),
    constraint campaigns_created_by_fkey foreign key (created_by) references users (id),
    constraint campaigns_name_length check (char_length(name) between 1 and 200),
    constraint campaigns_goal_length check (char_length(goal) <= 10000),
    constraint campaigns_dates_in_order check (ends_on >= starts_on)
);

create trigger campaigns_touch before update on campaigns for each row execute function tenancy.touch();

alter table campaigns enable row level security;
alter table campaigns force row level security;

create policy campaigns_tenant on campaigns as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy campaigns_select on campaigns for select to fanfare_user, fanfare_admin using (true);
create policy campaigns_insert on campaigns for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy campaigns_update on campaigns for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
create policy campaigns_delete on campaigns for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy campaigns_admin_delete on campaigns for delete to fanfare_admin
    using ((select tenancy.has_system_role('manager')));
create policy campaigns_admin_insert on campaigns for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')));
create policy campaigns_admin_update on campaigns for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));

grant select, delete,
    insert (id, name, goal, starts_on, ends_on),
    update (name, goal, starts_on, ends_on, archived_at)
    on campaigns to fanfare_user, fanfare_admin;

-- migrate:down
drop table campaigns;
