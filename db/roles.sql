-- The roles of Fanfare. They belong to the whole server, not to one database, so they are made here and
-- not in a migration. Safe to run again at any time; run by `fanfare migrate` when its own role may
-- create roles, else by whoever administers the server.
--
--   fanfare_owner    owns the schemas and tables and runs migrations; FORCE ROW LEVEL SECURITY holds for it too
--   fanfare_definer  owns the few SECURITY DEFINER functions; nobody can log in as it
--   fanfare_login    what the API logs in as: owns nothing, inherits nothing, may only enter a role below
--   fanfare_user     a person inside a customer, or with no customer yet
--   fanfare_agent    an API key or an agent token
--   fanfare_admin    a person with a system role
--   fanfare_worker   what the worker logs in as: River's tables, and one customer at a time
--   fanfare_backup   what backs up one customer logs in as: reads whole rows of one customer at a time, writes nothing

do $$
declare
    v_role text;
    v_attributes text;
begin
    -- One session at a time. The lock is the database's, though, and roles are the server's: installers on two
    -- databases of one server may still collide. Nothing is done then, and running this again helps.
    perform pg_catalog.pg_advisory_xact_lock(7262835001);
    for v_role, v_attributes in
        values ('fanfare_owner', 'login noinherit'),
               ('fanfare_definer', 'nologin noinherit'),
               ('fanfare_login', 'login noinherit'),
               ('fanfare_user', 'nologin noinherit'),
               ('fanfare_agent', 'nologin noinherit'),
               ('fanfare_admin', 'nologin noinherit'),
               ('fanfare_worker', 'login noinherit'),
               ('fanfare_backup', 'login noinherit')
    loop
        if not exists (select from pg_catalog.pg_roles where rolname = v_role) then
            execute pg_catalog.format('create role %I %s nocreatedb nocreaterole', v_role, v_attributes);
        end if;
    end loop;

    -- Memberships are granted once: granting them again would only rewrite the shared catalogue.
    for v_role in
        values ('fanfare_user'), ('fanfare_agent'), ('fanfare_admin')
    loop
        if not exists (
            select from pg_catalog.pg_auth_members m
            where m.roleid = v_role::regrole and m.member = 'fanfare_login'::regrole
        ) then
            execute pg_catalog.format('grant %I to fanfare_login', v_role);
        end if;
    end loop;

    -- The owner hands functions over to the definer, for which it must be a member of it.
    if not exists (
        select from pg_catalog.pg_auth_members m
        where m.roleid = 'fanfare_definer'::regrole and m.member = 'fanfare_owner'::regrole
    ) then
        grant fanfare_definer to fanfare_owner;
    end if;

    -- An installer that is no superuser must be able to act as the owner. From Postgres 16 on, whoever makes
    -- a role is a member of it that may not SET ROLE to it.
    if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
        and current_user <> 'fanfare_owner'
        and not pg_catalog.pg_has_role(current_user, 'fanfare_owner',
            case when pg_catalog.current_setting('server_version_num')::integer >= 160000 then 'set' else 'member' end)
    then
        execute pg_catalog.format('grant fanfare_owner to %I', current_user);
    end if;

    execute pg_catalog.format('grant create, connect, temporary on database %I to fanfare_owner', pg_catalog.current_database());
    execute pg_catalog.format('grant connect on database %I to fanfare_login, fanfare_worker, fanfare_backup', pg_catalog.current_database());
    execute pg_catalog.format('revoke all on database %I from public', pg_catalog.current_database());

    -- Where the installer owns it (as a superuser or as the database's owner): the schema in which tables live
    -- is the owner's.
    if (
        select nspowner <> 'fanfare_owner'::regrole and pg_catalog.pg_has_role(current_user, nspowner, 'usage')
        from pg_catalog.pg_namespace where nspname = 'public'
    ) then
        alter schema public owner to fanfare_owner;
    end if;

    -- set_config(), which could rewrite the settings that policies read, is only for the roles that have not
    -- entered a tenant. Only a superuser may take it away from everybody else.
    if (select rolsuper from pg_catalog.pg_roles where rolname = current_user) then
        if pg_catalog.has_function_privilege('fanfare_user', 'pg_catalog.set_config(text, text, boolean)', 'execute') then
            revoke execute on function pg_catalog.set_config(text, text, boolean) from public;
            grant execute on function pg_catalog.set_config(text, text, boolean)
                to fanfare_owner, fanfare_definer, fanfare_login, fanfare_worker;
        end if;
        -- pg_dump calls it; as this role is in no tenant but the one that its session names, it may.
        if not pg_catalog.has_function_privilege('fanfare_backup', 'pg_catalog.set_config(text, text, boolean)', 'execute') then
            grant execute on function pg_catalog.set_config(text, text, boolean) to fanfare_backup;
        end if;
        -- Large objects know no row-level security.
        revoke execute on function pg_catalog.lo_creat(integer), pg_catalog.lo_create(oid),
            pg_catalog.lo_from_bytea(oid, bytea) from public;
    end if;
end
$$;
