-- migrate:up

-- What a customer uses, by day and by kind: what an agency bills by. Days are those of UTC, as in the bills of providers: they do
-- not shift when a customer moves to another time zone. Kinds are words such as generate_post, search_images or post_published.
set local row_security = off;

create table usage_days (
    customer_id uuid not null default tenancy.customer_id(),
    day date not null,
    kind text not null,
    -- of published posts and of messages in chats, else ''
    platform text not null default '',
    count bigint not null default 0,
    -- of calls of an LLM. The cost is what the installation pays: none for a call with the customer's own key.
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_microusd bigint not null default 0,
    constraint usage_days_pkey primary key (customer_id, day, kind, platform),
    constraint usage_days_customer_fkey foreign key (customer_id) references customers (id),
    constraint usage_days_kind_form check (kind ~ '^[a-z][a-z_]{0,49}$'),
    constraint usage_days_counts_positive check (count >= 0 and input_tokens >= 0 and output_tokens >= 0 and cost_microusd >= 0)
);

alter table usage_days enable row level security;
alter table usage_days force row level security;

-- Members see what they use. Only functions write it.
create policy usage_days_tenant on usage_days as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy usage_days_select on usage_days for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy usage_days_agent_select on usage_days for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
grant select on usage_days to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
create policy usage_days_definer on usage_days to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on usage_days to fanfare_definer;

-- What is not in a day's row yet. Whoever uses something adds a row, and so waits for nobody, however many of a customer's posts
-- are published at once; the worker adds them up every minute. What a customer has used is both tables together, read in one
-- statement. There is no foreign key, which would lock and log the customer's row each time.
create table usage_entries (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null default gen_random_uuid(),
    day date not null default (now() at time zone 'UTC')::date,
    kind text not null,
    platform text not null default '',
    count bigint not null default 1,
    input_tokens bigint not null default 0,
    output_tokens bigint not null default 0,
    cost_microusd bigint not null default 0,
    constraint usage_entries_pkey primary key (customer_id, id),
    constraint usage_entries_kind_form check (kind ~ '^[a-z][a-z_]{0,49}$'),
    -- No sum of entries comes near the end of a bigint, which would keep all customers' from being added up.
    constraint usage_entries_counts_range check (count between 0 and 1000 and input_tokens between 0 and 1000000000000
        and output_tokens between 0 and 1000000000000 and cost_microusd between 0 and 1000000000000)
);

alter table usage_entries enable row level security;
alter table usage_entries force row level security;

create policy usage_entries_tenant on usage_entries as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy usage_entries_select on usage_entries for select to fanfare_user, fanfare_admin, fanfare_worker using (true);
create policy usage_entries_agent_select on usage_entries for select to fanfare_agent using ((select tenancy.has_permission('customer:read')));
grant select on usage_entries to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker;
create policy usage_entries_definer on usage_entries to fanfare_definer using (true) with check (true);
grant select, insert, update, delete on usage_entries to fanfare_definer;

-- Counts that the entered customer has used so many of a kind: search_images, requests to a library of photos, for whoever may read or
-- write posts; and embed_text, searches whose words an embeddings server was asked for, for whoever may search memories. Everything
-- else that is used is counted where it is done.
create function tenancy.count_usage(p_kind text, p_count bigint) returns void
language plpgsql security definer set search_path = '' as $$
begin
    if (p_kind in ('search_images', 'embed_text') and p_count between 1 and 100) is not true then
        raise invalid_parameter_value using message = 'what is counted is 1 to 100 of a kind that is counted by whoever uses it';
    end if;
    if (tenancy.has_role('viewer') or tenancy.has_system_role('viewer')
        or p_kind = 'search_images' and tenancy.has_any_permission('posts:read', 'posts:write')
        or p_kind = 'embed_text' and tenancy.has_any_permission('memories:read', 'memories:write')) is not true
    then
        raise insufficient_privilege using message = 'permission denied: the role does not allow searches';
    end if;
    insert into public.usage_entries (customer_id, kind, count) values (tenancy.customer_id(), p_kind, p_count);
end
$$;
revoke execute on function tenancy.count_usage(text, bigint) from public;
grant execute on function tenancy.count_usage(text, bigint) to fanfare_user, fanfare_agent, fanfare_admin;
alter function tenancy.count_usage(text, bigint) owner to fanfare_definer;

-- A post that is out counts on the day on which that was known, so that days that are over do not change. It is out for good.
create function tenancy.count_published() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.usage_entries (customer_id, kind, platform)
    select new.customer_id, 'post_published', i.platform
    from public.integrations i where i.customer_id = new.customer_id and i.id = new.integration_id;
    return null;
end
$$;
revoke execute on function tenancy.count_published() from public;
create trigger platform_posts_count_published after update on platform_posts for each row
    when (new.state = 'published' and old.state <> 'published')
    execute function tenancy.count_published();
alter function tenancy.count_published() owner to fanfare_definer;

-- What is said in chats: in, what people say, and out, what the bot says.
create function tenancy.count_message() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.usage_entries (customer_id, kind, platform)
    select new.customer_id, case new.direction when 'in' then 'message_received' else 'message_sent' end, s.platform
    from public.spaces s where s.customer_id = new.customer_id and s.id = new.space_id;
    return null;
end
$$;
revoke execute on function tenancy.count_message() from public;
create trigger messages_count after insert on messages for each row execute function tenancy.count_message();
alter function tenancy.count_message() owner to fanfare_definer;

-- A memory whose meaning an embeddings server has told.
create function tenancy.count_embedding() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into public.usage_entries (customer_id, kind) values (new.customer_id, 'embed_text');
    return null;
end
$$;
revoke execute on function tenancy.count_embedding() from public;
create trigger memories_count_embedding after update on memories for each row
    when (new.embedding is not null and (new.embedding, new.embedding_model) is distinct from (old.embedding, old.embedding_model))
    execute function tenancy.count_embedding();
alter function tenancy.count_embedding() owner to fanfare_definer;

-- Adds up to p_limit entries to their days, and tells how many. It waits for no other worker, and days are written in one order.
-- Entries of customers that have been erased meanwhile are dropped.
create function tenancy.add_up_usage(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_count bigint;
begin
    with taken as (
        delete from public.usage_entries where ctid = any (array(
            select e.ctid from public.usage_entries e limit p_limit for update skip locked))
        returning customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd),
    added as (
        insert into public.usage_days as d (customer_id, day, kind, platform, count, input_tokens, output_tokens, cost_microusd)
        select t.customer_id, t.day, t.kind, t.platform, sum(t.count), sum(t.input_tokens), sum(t.output_tokens), sum(t.cost_microusd)
        from taken t join public.customers c on c.id = t.customer_id
        group by t.customer_id, t.day, t.kind, t.platform
        order by t.customer_id, t.day, t.kind, t.platform
        on conflict (customer_id, day, kind, platform) do update
        set count = d.count + excluded.count, input_tokens = d.input_tokens + excluded.input_tokens,
            output_tokens = d.output_tokens + excluded.output_tokens, cost_microusd = d.cost_microusd + excluded.cost_microusd)
    select count(*) into v_count from taken;
    return v_count;
end
$$;
revoke execute on function tenancy.add_up_usage(integer) from public;
grant execute on function tenancy.add_up_usage(integer) to fanfare_worker;
alter function tenancy.add_up_usage(integer) owner to fanfare_definer;

-- What the customers have used in a month, one after another by their ids after p_after, each with its kinds as JSON. For system
-- roles, in no customer.
create function tenancy.usage_of_customers(p_month date, p_after uuid, p_limit integer)
returns table (customer_id uuid, name text, used jsonb)
language plpgsql stable security definer set search_path = '' as $$
begin
    if tenancy.system_role() is null then
        raise insufficient_privilege using message = 'permission denied: not a system role';
    end if;
    return query
    select c.id, c.name, u.used
    from public.customers c
        cross join lateral (
            select jsonb_agg(jsonb_build_object('kind', k.kind, 'platform', k.platform, 'count', k.count, 'input_tokens', k.input_tokens,
                'output_tokens', k.output_tokens, 'cost_microusd', k.cost_microusd) order by k.kind, k.platform) as used
            from (
                select x.kind, x.platform, sum(x.count) as count, sum(x.input_tokens) as input_tokens, sum(x.output_tokens) as output_tokens,
                    sum(x.cost_microusd) as cost_microusd
                from (
                    select d.customer_id, d.day, d.kind, d.platform, d.count, d.input_tokens, d.output_tokens, d.cost_microusd from public.usage_days d
                    union all
                    select e.customer_id, e.day, e.kind, e.platform, e.count, e.input_tokens, e.output_tokens, e.cost_microusd from public.usage_entries e) x
                where x.customer_id = c.id and x.day >= date_trunc('month', p_month)::date and x.day < (date_trunc('month', p_month) + interval '1 month')::date
                group by x.kind, x.platform) k) u
    where c.id > p_after and u.used is not null and c.erasing_at is null
    order by c.id
    limit p_limit;
end
$$;
revoke execute on function tenancy.usage_of_customers(date, uuid, integer) from public;
grant execute on function tenancy.usage_of_customers(date, uuid, integer) to fanfare_admin;
alter function tenancy.usage_of_customers(date, uuid, integer) owner to fanfare_definer;

-- migrate:down
drop function tenancy.usage_of_customers(date, uuid, integer);
drop function tenancy.add_up_usage(integer);
drop trigger memories_count_embedding on memories;
drop function tenancy.count_embedding();
drop trigger messages_count on messages;
drop function tenancy.count_message();
drop trigger platform_posts_count_published on platform_posts;
drop function tenancy.count_published();
drop function tenancy.count_usage(text, bigint);
drop table usage_entries;
drop table usage_days;
