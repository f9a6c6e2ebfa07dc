-- migrate:up

-- What tenants may enqueue: the jobs that the API makes in their name, each in its own queue. Everything else is the
-- workers' to make, such as what concerns the whole installation.
set local row_security = off;

-- A tenant's job gets its number from the sequence whatever was asked for: a chosen one could be another's. The time
-- of its making is now. What makes it the only one of its kind is a tenant's own: one that somebody else could choose
-- would keep others' jobs out.
create or replace function tenancy.number_job() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.queue := case new.kind when 'publish' then 'publish' when 'check_integration' then 'checks' when 'invitation_email' then 'mail' end;
        if new.queue is null then
            raise insufficient_privilege using message = 'permission denied: tenants enqueue no such job';
        end if;
        new.id := nextval('river.river_job_id_seq');
        new.created_at := now();
        new.unique_key := sha256(convert_to(new.customer_id::text, 'UTF8') || new.unique_key);
    end if;
    return new;
end
$$;

-- migrate:down
create or replace function tenancy.number_job() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        new.id := nextval('river.river_job_id_seq');
    end if;
    return new;
end
$$;
