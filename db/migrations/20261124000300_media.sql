-- migrate:up

-- Uploading files (requirement C5). A row is there before its file is in the bucket and until it is gone from there, so that
-- nothing is ever in the bucket of which no row tells. Only a file that is ready is shown by posts.
set local row_security = off;

alter table media
    -- uploading, then ready; deleting: its bytes are being deleted, or are to be
    add column state text not null default 'ready',
    -- of the file, once it is ready; NULL where it was uploaded before this was kept
    add column sha256 bytea,
    add constraint media_state_known check (state in ('uploading', 'ready', 'deleting')),
    add constraint media_sha256_length check (octet_length(sha256) = 32);

-- What the worker looks for: uploads that were broken off, and files that are to be deleted.
create index media_to_remove on media (updated_at) where state <> 'ready';

grant insert (state), update (state, content_type, bytes, sha256, width, height, duration_ms, animated, name), delete
    on media to fanfare_user, fanfare_agent, fanfare_admin;
grant delete on media to fanfare_worker;
create policy media_delete on media for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy media_admin_delete on media for delete to fanfare_admin using ((select tenancy.has_system_role('manager')));
create policy media_agent_delete on media for delete to fanfare_agent using ((select tenancy.has_permission('posts:write')));
create policy media_worker_delete on media for delete to fanfare_worker using (state <> 'ready');

-- How many bytes a customer's files may have together; NULL: as many as the installation lets everybody have.
alter table customers
    add column media_quota bigint,
    add constraint customers_media_quota_positive check (media_quota >= 0);

grant select (id, bytes, state, updated_at) on media to fanfare_definer;

-- Room for a file of p_bytes in the entered customer, where all its files together may have p_quota bytes unless the customer
-- has a quota of its own. With p_up_to, where the file's size is not known yet: for one of as many bytes as are left, up to
-- p_bytes. Answers how many bytes the row that follows in the transaction may take. Until it ends nobody else gets room.
-- At most 20 files are uploaded at once: each holds a connection and writes to the bucket. No upload lasts six hours.
create function tenancy.reserve_media(p_bytes bigint, p_up_to boolean, p_quota bigint) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_id uuid := tenancy.customer_id();
    v_quota bigint;
    v_used bigint;
    v_least bigint := case when p_up_to then 1 else p_bytes end;
begin
    perform pg_catalog.pg_advisory_xact_lock(7262836, hashtext(v_id::text));
    if (select count(*) from public.media m
        where m.customer_id = v_id and m.state = 'uploading' and m.updated_at > now() - interval '6 hours') >= 20
    then
        raise check_violation using message = 'a customer uploads at most 20 files at once',
            constraint = 'media_uploads', table = 'media', schema = 'public';
    end if;
    select coalesce(c.media_quota, p_quota) into v_quota from public.customers c where c.id = v_id;
    select coalesce(sum(m.bytes), 0) into v_used from public.media m where m.customer_id = v_id and m.state <> 'deleting';
    if v_used + v_least > v_quota then
        raise check_violation using message = format('the files have %s bytes of %s', v_used, v_quota),
            constraint = 'media_quota', table = 'media', schema = 'public';
    end if;
    return least(p_bytes, v_quota - v_used);
end
$$;
revoke execute on function tenancy.reserve_media(bigint, boolean, bigint) from public;
grant execute on function tenancy.reserve_media(bigint, boolean, bigint) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.reserve_media(bigint, boolean, bigint) owner to fanfare_definer;

-- A file is what was uploaded. It goes through its states in order, and is deleted only where no post shows it.
create function tenancy.guard_media() returns trigger
language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
            -- where its bytes are is not for the caller to say
            new.path := 'customers/' || new.customer_id || '/media/' || new.id;
        end if;
        return new;
    end if;
    if old.state <> new.state and (old.state, new.state) not in (('uploading', 'ready'), ('uploading', 'deleting'), ('ready', 'deleting')) then
        raise check_violation using message = format('a file that is %s cannot become %s', old.state, new.state),
            constraint = 'media_state_transition', table = 'media', schema = 'public';
    end if;
    if old.state <> 'uploading' and (old.content_type, old.bytes, old.sha256, old.width, old.height, old.duration_ms, old.animated)
        is distinct from (new.content_type, new.bytes, new.sha256, new.width, new.height, new.duration_ms, new.animated)
    then
        raise check_violation using message = 'a file that is uploaded does not change',
            constraint = 'media_file_frozen', table = 'media', schema = 'public';
    end if;
    -- What a post says that is on its way is not for a key that only writes drafts.
    if current_user = 'fanfare_agent' and old.alt_text <> new.alt_text and not tenancy.has_permission('posts:publish') and exists (
        select from tenancy.posts_with_media(new.customer_id, new.id) s
            join public.posts p on p.customer_id = new.customer_id and p.id = s.post_id
        where p.state not in ('draft', 'pending_approval', 'failed', 'cancelled'))
    then
        raise insufficient_privilege using message = 'permission denied: a post that shows the file cannot be changed as it is';
    end if;
    if old.state = 'uploading' and new.bytes > old.bytes then
        raise check_violation using message = 'the file is larger than the room that was reserved for it',
            constraint = 'media_quota', table = 'media', schema = 'public';
    end if;
    if old.state = 'ready' and new.state = 'deleting' and (
        exists (select from public.post_media m where m.customer_id = new.customer_id and m.media_id = new.id)
        or exists (select from public.platform_post_media m where m.customer_id = new.customer_id and m.media_id = new.id))
    then
        raise foreign_key_violation using message = 'a post shows the file',
            constraint = 'media_in_use', table = 'media', schema = 'public';
    end if;
    return new;
end
$$;
create trigger media_guard before insert or update on media for each row execute function tenancy.guard_media();

-- Holds the file against being deleted meanwhile. One that is not whole, or about to go, is none.
create function tenancy.guard_shown_media() returns trigger
language plpgsql as $$
declare
    v_state text;
begin
    select m.state into v_state from public.media m where m.customer_id = new.customer_id and m.id = new.media_id for share;
    if v_state <> 'ready' then
        raise foreign_key_violation using message = 'there is no such file',
            constraint = tg_table_name || '_media_fkey', table = tg_table_name, schema = 'public';
    end if;
    return new;
end
$$;
-- A function that copies what a post shows holds that post instead: as long as it shows them, its files stay.
create trigger post_media_shown before insert on post_media
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.guard_shown_media();
create trigger platform_post_media_shown before insert on platform_post_media
    for each row when (current_user <> 'fanfare_definer') execute function tenancy.guard_shown_media();

-- Files of all customers that are to go: those that somebody deletes and has not finished with in a minute, and uploads that
-- were broken off a day ago, which is longer than any upload lasts. Ids only.
create function tenancy.media_to_remove(p_limit integer) returns table (customer_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    return query
    select m.customer_id, m.id
    from public.media m
        join public.customers c on c.id = m.customer_id
    where m.state <> 'ready' and m.updated_at < now() - case m.state when 'deleting' then interval '1 minute' else interval '1 day' end
        and c.erasing_at is null
    order by m.updated_at
    limit p_limit;
end
$$;
revoke execute on function tenancy.media_to_remove(integer) from public;
grant execute on function tenancy.media_to_remove(integer) to fanfare_worker;
alter function tenancy.media_to_remove(integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.media_to_remove(integer);
drop trigger platform_post_media_shown on platform_post_media;
drop trigger post_media_shown on post_media;
drop function tenancy.guard_shown_media();
drop trigger media_guard on media;
drop function tenancy.guard_media();
drop function tenancy.reserve_media(bigint, boolean, bigint);
revoke select (id, bytes, state, updated_at) on media from fanfare_definer;
alter table customers drop column media_quota;
drop policy media_worker_delete on media;
drop policy media_agent_delete on media;
drop policy media_admin_delete on media;
drop policy media_delete on media;
revoke delete on media from fanfare_worker;
revoke update (content_type, bytes, width, height, duration_ms, animated, name), delete
    on media from fanfare_user, fanfare_agent, fanfare_admin;
drop index media_to_remove;
alter table media drop column sha256, drop column state;
