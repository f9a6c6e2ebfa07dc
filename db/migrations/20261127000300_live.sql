-- migrate:up
set local row_security = off;

-- Who looks at a customer is told that something has changed there, and looks again: what it is, they see under their own rights. Every change is in the audit log, so its
-- rows are what tells. A notification says no more than which customer it is, by a digest of its random id, as every role of the server may listen.
--
-- Commits that notify wait for each other (async.c, PreCommit_Notify), so nothing is told of a customer at whom nobody looks.

-- At whom somebody looks, by the digest, and until when. After a crash everybody says so again within a minute.
create unlogged table watched_topics (
    topic text not null,
    until timestamptz not null,
    constraint watched_topics_pkey primary key (topic)
) with (fillfactor = 50);
grant select, insert, update, delete on watched_topics to fanfare_definer;
alter table watched_topics enable row level security;
alter table watched_topics force row level security;
create policy watched_topics_definer on watched_topics to fanfare_definer using (true) with check (true);

create function tenancy.topic(p_customer_id uuid) returns text
language sql immutable parallel safe
return encode(sha256(uuid_send(p_customer_id)), 'hex');
revoke execute on function tenancy.topic(uuid) from public;
grant execute on function tenancy.topic(uuid) to fanfare_definer;

-- Has changes of the entered customer be told for two and a half minutes, and gives the topic. Whoever looks says so again each minute.
create function tenancy.watch() returns text
language plpgsql security definer set search_path = '' as $$
declare
    v_topic text := tenancy.topic(tenancy.customer_id());
begin
    if not exists (select from public.watched_topics w where w.topic = v_topic and w.until > now() + interval '90 seconds') then
        insert into public.watched_topics as w (topic, until) values (v_topic, now() + interval '150 seconds')
        on conflict (topic) do update set until = greatest(w.until, excluded.until);
    end if;
    return v_topic;
end
$$;
revoke execute on function tenancy.watch() from public;
grant execute on function tenancy.watch() to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.watch() owner to fanfare_definer;

-- To look by a system role and to be refused change nothing: if they were told, each look of a system admin's page would lead to the next.
create function tenancy.tell_change() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_topic text;
begin
    for v_topic in
        select w.topic
        from (select distinct a.customer_id from added a where a.action not in ('customer.access', 'request.refuse')) c
            join public.watched_topics w on w.topic = tenancy.topic(c.customer_id) and w.until > now()
    loop
        perform pg_catalog.pg_notify('fanfare_change', v_topic);
    end loop;
    return null;
end
$$;
create trigger tell_change after insert on audit_log referencing new table as added for each statement execute function tenancy.tell_change();
revoke execute on function tenancy.tell_change() from public;
alter function tenancy.tell_change() owner to fanfare_definer;

-- Forgets at whom nobody looks any more.
create function tenancy.forget_watched() returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    delete from public.watched_topics w where w.until < now() - interval '1 hour';
    get diagnostics v_count = row_count;
    return v_count;
end
$$;
revoke execute on function tenancy.forget_watched() from public;
grant execute on function tenancy.forget_watched() to fanfare_worker;
alter function tenancy.forget_watched() owner to fanfare_definer;

-- migrate:down

drop trigger tell_change on audit_log;
drop function tenancy.forget_watched();
drop function tenancy.tell_change();
drop function tenancy.watch();
drop function tenancy.topic(uuid);
drop table watched_topics;
