-- migrate:up

-- A connected account on a platform. The credential is sealed before it gets here; people's roles can write
-- it and can never read it back, only the worker reads it.
set local row_security = off;

create table integrations (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    platform text not null,
    external_id text not null,
    name text not null,
    url text not null default '',
    state text not null default 'active',
    credential bytea,
    key_id bigint,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint integrations_pkey primary key (customer_id, id),
    constraint integrations_account_key unique (customer_id, platform, external_id),
    constraint integrations_customer_fkey foreign key (customer_id) references customers (id),
    constraint integrations_created_by_fkey foreign key (created_by) references users (id),
    constraint integrations_platform_known check (platform in ('twitter', 'linkedin', 'facebook', 'mailchimp', 'ghost')),
    constraint integrations_state_known check (state in ('active', 'needs_reauth', 'disconnected')),
    constraint integrations_external_id_length check (char_length(external_id) between 1 and 500),
    constraint integrations_name_length check (char_length(name) between 1 and 500),
    constraint integrations_url_length check (char_length(url) <= 2000),
    -- A disconnected account keeps nothing; every other one has a credential and says which key sealed it.
    constraint integrations_credential_held check (
        (state = 'disconnected' and credential is null and key_id is null)
        or (state <> 'disconnected' and credential is not null and key_id is not null))
);

create trigger integrations_touch before update on integrations for each row execute function tenancy.touch();

alter table integrations enable row level security;
alter table integrations force row level security;

create policy integrations_tenant on integrations as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy integrations_select on integrations for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy integrations_insert on integrations for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy integrations_update on integrations for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy integrations_admin_insert on integrations for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')));
create policy integrations_admin_update on integrations for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy integrations_worker_update on integrations for update to fanfare_worker using (true) with check (true);

grant select (customer_id, id, platform, external_id, name, url, state, key_id, created_by, version, created_at, updated_at),
    insert (id, platform, external_id, name, url, state, credential, key_id),
    update (name, url, state, credential, key_id)
    on integrations to fanfare_user, fanfare_admin;
grant select, update (name, url, state, credential, key_id) on integrations to fanfare_worker;

-- migrate:down
drop table integrations;
