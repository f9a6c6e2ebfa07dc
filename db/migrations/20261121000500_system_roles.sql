-- migrate:up

-- A user's role over all customers.
set local row_security = off;

create table system_roles (
    user_id uuid not null,
    role text not null,
    created_at timestamptz not null default now(),
    constraint system_roles_pkey primary key (user_id),
    constraint system_roles_user_fkey foreign key (user_id) references users (id),
    constraint system_roles_role_known check (role in ('admin', 'manager', 'viewer'))
);

alter table system_roles enable row level security;
alter table system_roles force row level security;

create policy system_roles_self on system_roles for select to fanfare_user, fanfare_admin
    using (user_id = (select tenancy.user_id()));
create policy system_roles_admin on system_roles for select to fanfare_admin
    using ((select tenancy.has_system_role('viewer')));
grant select on system_roles to fanfare_user, fanfare_admin;

create policy system_roles_definer on system_roles for select to fanfare_definer using (true);
grant select on system_roles to fanfare_definer;

-- migrate:down
drop table system_roles;
