-- migrate:up

-- A person, known by the `sub` of a verified token. Not tenant data: one person works for many customers.
set local row_security = off;

create table users (
    id uuid not null,
    subject text not null,
    email text,
    email_verified boolean not null default false,
    name text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint users_pkey primary key (id),
    constraint users_subject_key unique (subject),
    constraint users_subject_length check (char_length(subject) between 1 and 255),
    constraint users_email_length check (char_length(email) <= 320),
    constraint users_name_length check (char_length(name) <= 200)
);

alter table users enable row level security;
alter table users force row level security;

-- The functions that enter a tenant look people up and register them.
create policy users_definer on users to fanfare_definer using (true) with check (true);
grant select, insert, update on users to fanfare_definer;

-- Everybody sees themselves; the colleagues' policy stands with memberships.
create policy users_self on users for select to fanfare_user, fanfare_admin using (id = (select tenancy.user_id()));
grant select on users to fanfare_user, fanfare_admin;

-- Registers a person on first sight of a verified subject, and keeps address and name as the issuer
-- tells them. Writes nothing when nothing changed. For the API's login alone, which has verified the token.
create function tenancy.register_user(p_id uuid, p_subject text, p_email text, p_email_verified boolean, p_name text)
returns uuid
language plpgsql security definer set search_path = '' as $$
declare
    v_id uuid;
begin
    insert into public.users as u (id, subject, email, email_verified, name)
    values (p_id, p_subject, p_email, p_email_verified, p_name)
    on conflict (subject) do update
        -- A token that leaves address or name out says nothing of them.
        set email = coalesce(excluded.email, u.email), name = coalesce(excluded.name, u.name), updated_at = now(),
            email_verified = case when excluded.email is null then u.email_verified else excluded.email_verified end
        where (excluded.email is not null and (u.email, u.email_verified) is distinct from (excluded.email, excluded.email_verified))
            or excluded.name <> coalesce(u.name, '')
    returning u.id into v_id;
    if v_id is null then
        select u.id into v_id from public.users u where u.subject = p_subject;
    end if;
    return v_id;
end
$$;
revoke execute on function tenancy.register_user(uuid, text, text, boolean, text) from public;
grant execute on function tenancy.register_user(uuid, text, text, boolean, text) to fanfare_login;
alter function tenancy.register_user(uuid, text, text, boolean, text) owner to fanfare_definer;

-- migrate:down
drop function tenancy.register_user(uuid, text, text, boolean, text);
drop table users;
