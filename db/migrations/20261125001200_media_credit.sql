-- migrate:up

-- Where a file comes from that nobody uploaded: a library of photos, whose terms ask for a credit wherever the photo is shown
-- (requirement C9). All of it is there, or nothing. It is part of what the file is, and does not change once the file is ready.
set local row_security = off;

alter table media
    -- the library, and its own id of the photo
    add column source text,
    add column source_id text,
    -- where the credit's links lead: the library, and who took the photo
    add column source_url text,
    add column photographer text,
    add column photographer_url text,
    -- not valid: the columns are new and empty, and the owner, whom the policies hold off, could not look
    add constraint media_source_known check (source in ('unsplash')) not valid,
    add constraint media_credit_whole check (num_nulls(source, source_id, source_url, photographer, photographer_url) in (0, 5)) not valid,
    add constraint media_credit_length check (char_length(source_id) between 1 and 100 and char_length(photographer) between 1 and 200
        and char_length(source_url) between 1 and 1000 and char_length(photographer_url) between 1 and 1000) not valid;

grant update (source, source_id, source_url, photographer, photographer_url) on media to fanfare_user, fanfare_agent, fanfare_admin;

-- As before; the credit is frozen with the file.
create or replace function tenancy.guard_media() returns trigger
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
    if old.state <> 'uploading' and (old.content_type, old.bytes, old.sha256, old.width, old.height, old.duration_ms, old.animated,
        old.source, old.source_id, old.source_url, old.photographer, old.photographer_url)
        is distinct from (new.content_type, new.bytes, new.sha256, new.width, new.height, new.duration_ms, new.animated,
        new.source, new.source_id, new.source_url, new.photographer, new.photographer_url)
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

-- migrate:down
create or replace function tenancy.guard_media() returns trigger
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

revoke update (source, source_id, source_url, photographer, photographer_url) on media from fanfare_user, fanfare_agent, fanfare_admin;
alter table media
    drop constraint media_credit_length, drop constraint media_credit_whole, drop constraint media_source_known,
    drop column photographer_url, drop column photographer, drop column source_url, drop column source_id, drop column source;
