-- migrate:up

-- Templates of e-mails (requirement C7). A platform post names its own in options.template_id.
set local row_security = off;

create table email_templates (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    name text not null,
    -- these three with variables such as {{title}}; the HTML is sanitised
    subject text not null default '',
    preview_text text not null default '',
    html text not null,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint email_templates_pkey primary key (customer_id, id),
    constraint email_templates_name_key unique (customer_id, name),
    constraint email_templates_customer_fkey foreign key (customer_id) references customers (id),
    constraint email_templates_created_by_fkey foreign key (created_by) references users (id),
    constraint email_templates_name_length check (char_length(name) between 1 and 100),
    constraint email_templates_subject_length check (char_length(subject) <= 255),
    constraint email_templates_preview_text_length check (char_length(preview_text) <= 255),
    constraint email_templates_html_length check (octet_length(html) between 1 and 200000)
);

create trigger email_templates_touch before update on email_templates for each row execute function tenancy.touch();

alter table email_templates enable row level security;
alter table email_templates force row level security;

create policy email_templates_tenant on email_templates as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy email_templates_select on email_templates for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy email_templates_insert on email_templates for insert to fanfare_user with check ((select tenancy.has_role('member')));
create policy email_templates_update on email_templates for update to fanfare_user
    using ((select tenancy.has_role('member'))) with check ((select tenancy.has_role('member')));
create policy email_templates_delete on email_templates for delete to fanfare_user using ((select tenancy.has_role('member')));
create policy email_templates_admin_insert on email_templates for insert to fanfare_admin
    with check ((select tenancy.has_system_role('manager')));
create policy email_templates_admin_update on email_templates for update to fanfare_admin
    using ((select tenancy.has_system_role('manager'))) with check ((select tenancy.has_system_role('manager')));
create policy email_templates_admin_delete on email_templates for delete to fanfare_admin
    using ((select tenancy.has_system_role('manager')));
create policy email_templates_agent_select on email_templates for select to fanfare_agent
    using ((select tenancy.has_any_permission('posts:read', 'posts:write', 'posts:publish')));
create policy email_templates_agent_insert on email_templates for insert to fanfare_agent
    with check ((select tenancy.has_permission('posts:write')));
create policy email_templates_agent_update on email_templates for update to fanfare_agent
    using ((select tenancy.has_permission('posts:write'))) with check ((select tenancy.has_permission('posts:write')));
create policy email_templates_agent_delete on email_templates for delete to fanfare_agent
    using ((select tenancy.has_permission('posts:write')));
grant select, insert (id, name, subject, preview_text, html), update (name, subject, preview_text, html), delete
    on email_templates to fanfare_user, fanfare_agent, fanfare_admin;
grant select on email_templates to fanfare_worker;
create policy email_templates_erase on email_templates for delete to fanfare_definer using (true);
create policy email_templates_erase_select on email_templates for select to fanfare_definer using (true);
grant select (ctid, customer_id), delete on email_templates to fanfare_definer;
select tenancy.audit_table('email_templates', 'email_template', 'id', '{}', '{}');

-- Which platform posts use a template.
create index platform_posts_by_template on platform_posts (customer_id, (options ->> 'template_id')) where options ? 'template_id';

-- A template is part of what the posts say that use it: it stays while they wait to be published, and does not change while
-- they are published, or while nobody knows whether they were.
create function tenancy.guard_email_template() returns trigger
language plpgsql as $$
declare
    v_state text;
begin
    select pp.state into v_state
    from public.platform_posts pp
    where pp.customer_id = old.customer_id and pp.options ->> 'template_id' = old.id::text and pp.options ? 'template_id'
        and (tenancy.is_settling(pp.state, pp.problem_class, pp.external_id)
            or pp.state = any (case when tg_op = 'DELETE' then array['pending_approval', 'approved', 'scheduled']
                when current_user = 'fanfare_agent' and not tenancy.has_permission('posts:publish') then array['approved', 'scheduled']
                else array[]::text[] end))
    -- what forbids most
    order by tenancy.is_settling(pp.state, pp.problem_class, pp.external_id) desc
    limit 1;
    if tg_op = 'UPDATE' and v_state in ('approved', 'scheduled') then
        raise insufficient_privilege using message = 'permission denied: a post that uses the template cannot be changed as it is';
    elsif v_state is not null then
        raise foreign_key_violation using message = format('a post that is %s uses the template', v_state),
            constraint = case when tg_op = 'DELETE' then 'email_templates_in_use' else 'email_templates_frozen' end,
            table = 'email_templates', schema = 'public';
    end if;
    if tg_op = 'DELETE' then
        return old;
    end if;
    return new;
end
$$;
create trigger email_templates_guard_update before update on email_templates for each row
    when ((old.subject, old.preview_text, old.html) is distinct from (new.subject, new.preview_text, new.html))
    execute function tenancy.guard_email_template();
create trigger email_templates_guard_delete before delete on email_templates for each row
    when (current_user <> 'fanfare_definer') execute function tenancy.guard_email_template();

-- With it the posts that use it say something else.
create function tenancy.follow_email_template() returns trigger
language plpgsql as $$
begin
    perform tenancy.shown_changed(new.customer_id, array(
        select pp.post_id
        from public.platform_posts pp join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where pp.customer_id = new.customer_id and pp.options ->> 'template_id' = new.id::text and pp.options ? 'template_id'
            and p.state <> 'published'));
    -- after the posts are locked, so that none of them begins meanwhile
    if exists (
        select from public.platform_posts pp
        where pp.customer_id = new.customer_id and pp.options ->> 'template_id' = new.id::text and pp.options ? 'template_id'
            and tenancy.is_settling(pp.state, pp.problem_class, pp.external_id))
    then
        raise foreign_key_violation using message = 'a post that is being published uses the template',
            constraint = 'email_templates_frozen', table = 'email_templates', schema = 'public';
    end if;
    return null;
end
$$;
create trigger email_templates_follow_content after update on email_templates for each row
    when ((old.subject, old.preview_text, old.html) is distinct from (new.subject, new.preview_text, new.html))
    execute function tenancy.follow_email_template();

-- The customer's name stands in templates: with it, too, the posts that use one say something else.
create function tenancy.follow_customer_name() returns trigger
language plpgsql as $$
begin
    perform tenancy.shown_changed(new.id, array(
        select pp.post_id
        from public.platform_posts pp join public.posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
        where pp.customer_id = new.id and pp.options ? 'template_id' and p.state <> 'published'));
    -- after the posts are locked, so that none of them begins meanwhile
    if exists (
        select from public.platform_posts pp
        where pp.customer_id = new.id and pp.options ? 'template_id'
            and tenancy.is_settling(pp.state, pp.problem_class, pp.external_id))
    then
        raise check_violation using message = 'a post that is being published uses a template',
            constraint = 'customers_name_frozen', table = 'customers', schema = 'public';
    end if;
    return null;
end
$$;
create trigger customers_follow_name after update on customers for each row
    when (old.name <> new.name and current_user <> 'fanfare_definer') execute function tenancy.follow_customer_name();

-- Whoever names a template waits for whoever changes it, or the customer's name, so that what is named is what they know.
create function tenancy.hold_email_template() returns trigger
language plpgsql as $$
begin
    perform from public.email_templates t
    where t.customer_id = new.customer_id and t.id::text = new.options ->> 'template_id' for share;
    if current_user in ('fanfare_user', 'fanfare_agent', 'fanfare_admin') then
        perform tenancy.hold_customer();
    end if;
    return new;
end
$$;
create trigger platform_posts_hold_template before insert or update of options on platform_posts for each row
    when (current_user <> 'fanfare_definer' and new.options ? 'template_id') execute function tenancy.hold_email_template();

-- The entered customer's name, which stands in templates. A definer's, since not every key may read the customer.
create function tenancy.customer_name() returns text
language plpgsql stable security definer set search_path = '' as $$
begin
    return (select c.name from public.customers c where c.id = tenancy.customer_id());
end
$$;
revoke execute on function tenancy.customer_name() from public;
grant execute on function tenancy.customer_name() to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
alter function tenancy.customer_name() owner to fanfare_definer;

-- migrate:down
drop function tenancy.customer_name();
drop trigger customers_follow_name on customers;
drop function tenancy.follow_customer_name();
drop trigger platform_posts_hold_template on platform_posts;
drop function tenancy.hold_email_template();
drop index platform_posts_by_template;
drop table email_templates;
drop function tenancy.follow_email_template();
drop function tenancy.guard_email_template();
