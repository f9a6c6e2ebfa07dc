-- migrate:up

-- Files that posts refer to. The bytes are kept outside the database; a row says what they are.
set local row_security = off;

create table media (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    path text not null,
    content_type text not null,
    bytes bigint not null,
    width integer,
    height integer,
    alt_text text not null default '',
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint media_pkey primary key (customer_id, id),
    constraint media_path_key unique (customer_id, path),
    constraint media_customer_fkey foreign key (customer_id) references customers (id),
    constraint media_created_by_fkey foreign key (created_by) references users (id),
    constraint media_path_length check (char_length(path) between 1 and 1000),
    constraint media_content_type_form check (content_type ~ '^(image|video)/[a-z0-9.+-]{1,100}$'),
    constraint media_bytes_positive check (bytes > 0),
    constraint media_alt_text_length check (char_length(alt_text) <= 2000)
);

create trigger media_touch before update on media for each row execute function tenancy.touch();

alter table media enable row level security;
alter table media force row level security;

create policy media_tenant on media as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy media_select on media for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy media_insert on media for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy media_update on media for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
create policy media_admin_insert on media for insert to fanfare_admin with check ((select tenancy.has_system_role('manager')));
create policy media_admin_update on media for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));
grant select, insert (id, path, content_type, bytes, width, height, alt_text), update (alt_text)
    on media to fanfare_user, fanfare_admin;
grant select on media to fanfare_worker;

-- Which files a post shows, in which order.
create table post_media (
    customer_id uuid not null default tenancy.customer_id(),
    post_id uuid not null,
    media_id uuid not null,
    position integer not null,
    constraint post_media_pkey primary key (customer_id, post_id, media_id),
    constraint post_media_position_key unique (customer_id, post_id, position),
    constraint post_media_post_fkey foreign key (customer_id, post_id) references posts (customer_id, id) on delete cascade,
    constraint post_media_media_fkey foreign key (customer_id, media_id) references media (customer_id, id),
    constraint post_media_position_in_range check (position between 0 and 99)
);

create index post_media_by_media on post_media (customer_id, media_id);

alter table post_media enable row level security;
alter table post_media force row level security;

create policy post_media_tenant on post_media as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy post_media_select on post_media for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy post_media_insert on post_media for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy post_media_delete on post_media for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy post_media_admin_insert on post_media for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')));
create policy post_media_admin_delete on post_media for delete to fanfare_admin using ((select tenancy.has_system_role('manager')));
grant select, insert (post_id, media_id, position), delete on post_media to fanfare_user, fanfare_admin;
grant select on post_media to fanfare_worker;

-- The files are as much the post as its text, and are frozen with it. Locks the post, so that it does not
-- begin to be published meanwhile.
create function tenancy.guard_post_media() returns trigger
language plpgsql as $$
declare
    v_row public.post_media := case when tg_op = 'DELETE' then old else new end;
    v_state text;
begin
    select p.state into v_state
    from public.posts p where p.customer_id = v_row.customer_id and p.id = v_row.post_id
    for no key update;
    if v_state in ('publishing', 'published', 'partially_published', 'needs_attention') then
        raise check_violation using message = format('a post that is %s cannot be changed', v_state),
            constraint = 'posts_content_frozen', table = 'posts', schema = 'public';
    end if;
    return v_row;
end
$$;
create trigger post_media_guard before insert or delete on post_media
    for each row execute function tenancy.guard_post_media();

-- migrate:down
drop table post_media;
drop function tenancy.guard_post_media();
drop table media;
