-- migrate:up

-- What a post said when somebody decided on it, so that whoever looks again sees what has changed since. NULL: nobody kept it
-- then. Keys and agents decide nothing, so that no program fills the table.
set local row_security = off;

alter table post_reviews add column content jsonb;

-- What the post says is in the audit log by its own changes.
create or replace trigger audit_insert after insert on post_reviews referencing new table as new_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');
create or replace trigger audit_update after update on post_reviews referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');
create or replace trigger audit_delete after delete on post_reviews referencing old table as old_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at,content}');

-- A definer's: it is the same whoever speaks, also a key that does not see everything of the post. Of an e-mail template's
-- HTML, which may be long, it keeps a digest, and of an account the text only where it has its own.
create function tenancy.keep_content() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- before its version is read
    perform from public.posts p where p.customer_id = new.customer_id and p.id = new.post_id for no key update;
    new.content := (
        select jsonb_build_object(
            'title', p.title,
            'text', p.text,
            'scheduled_at', p.scheduled_at,
            'media_ids', (
                select coalesce(jsonb_agg(m.media_id order by m.position), '[]')
                from public.post_media m where m.customer_id = p.customer_id and m.post_id = p.id),
            'media', (
                select coalesce(jsonb_agg(jsonb_build_object('id', m.id, 'alt_text', m.alt_text) order by m.id), '[]')
                from public.media m
                where m.customer_id = p.customer_id and m.id in (
                    select pm.media_id from public.post_media pm where pm.customer_id = p.customer_id and pm.post_id = p.id
                    union all
                    select own.media_id
                    from public.platform_posts pp
                        join public.platform_post_media own on own.customer_id = pp.customer_id and own.platform_post_id = pp.id
                    where pp.customer_id = p.customer_id and pp.post_id = p.id)),
            'templates', (
                select coalesce(jsonb_agg(jsonb_build_object('id', t.id, 'subject', t.subject, 'preview_text', t.preview_text,
                    'html_sha256', encode(sha256(convert_to(t.html, 'UTF8')), 'hex'), 'customer_name', tenancy.customer_name()) order by t.id), '[]')
                from public.email_templates t
                where t.customer_id = p.customer_id and t.id::text in (
                    select pp.options ->> 'template_id' from public.platform_posts pp where pp.customer_id = p.customer_id and pp.post_id = p.id)),
            'platform_posts', (
                select coalesce(jsonb_agg(jsonb_build_object(
                    'integration_id', pp.integration_id,
                    'platform', i.platform,
                    'text', pp.text,
                    'options', pp.options,
                    'media_ids', case when pp.own_media then (
                        select coalesce(jsonb_agg(own.media_id order by own.position), '[]')
                        from public.platform_post_media own where own.customer_id = pp.customer_id and own.platform_post_id = pp.id) end)
                    order by pp.id), '[]')
                from public.platform_posts pp
                    join public.integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
                where pp.customer_id = p.customer_id and pp.post_id = p.id))
        from public.posts p
        where p.customer_id = new.customer_id and p.id = new.post_id);
    return new;
end
$$;
-- Its name comes before the guard's, which reads the version. What is restored keeps what it has.
create trigger post_reviews_content before insert on post_reviews for each row
    when (new.verdict in ('approved', 'rejected') and current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin'))
    execute function tenancy.keep_content();
revoke execute on function tenancy.keep_content() from public;
alter function tenancy.keep_content() owner to fanfare_definer;
grant select (alt_text) on media to fanfare_definer;
grant select (id, subject, preview_text, html) on email_templates to fanfare_definer;

-- migrate:down

revoke select (alt_text) on media from fanfare_definer;
revoke select (id, subject, preview_text, html) on email_templates from fanfare_definer;
drop trigger post_reviews_content on post_reviews;
drop function tenancy.keep_content();
create or replace trigger audit_insert after insert on post_reviews referencing new table as new_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
create or replace trigger audit_update after update on post_reviews referencing old table as old_rows new table as new_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
create or replace trigger audit_delete after delete on post_reviews referencing old table as old_rows
    for each statement execute function tenancy.audit_change('post_review', 'id', 'customer_id', '{}', '{version,created_at,updated_at}');
alter table post_reviews drop column content;
