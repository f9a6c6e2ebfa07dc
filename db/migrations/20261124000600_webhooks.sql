-- migrate:up

-- Lifecycle webhooks (requirement P7): what happens to posts and accounts is told to addresses that the customer names.
-- A message is written by a trigger, in the transaction in which the thing happens, so that neither is there without the
-- other; workers send it.
set local row_security = off;

create table webhook_endpoints (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    url text not null,
    description text not null default '',
    -- of what it is told; empty: of everything
    events text[] not null default '{}',
    -- paused: nothing is sent until somebody resumes it; disabled: it has answered that it is gone (410)
    state text not null default 'active',
    state_since timestamptz not null default now(),
    -- person: somebody paused it; failing: nothing got through for a day and more; gone: see disabled
    reason text,
    -- since when nothing gets through, and how many messages in a row were given up
    failing_since timestamptz,
    failures integer not null default 0,
    created_by uuid default tenancy.user_id(),
    version bigint not null default 1,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint webhook_endpoints_pkey primary key (customer_id, id),
    constraint webhook_endpoints_customer_fkey foreign key (customer_id) references customers (id),
    constraint webhook_endpoints_created_by_fkey foreign key (created_by) references users (id),
    constraint webhook_endpoints_url_length check (char_length(url) between 1 and 2000),
    constraint webhook_endpoints_description_length check (char_length(description) <= 500),
    constraint webhook_endpoints_events_known check (events <@ array['post.scheduled', 'post.approval_requested', 'post.approved',
        'post.rejected', 'post.published', 'post.partially_published', 'post.failed', 'post.needs_attention', 'integration.needs_reauth']),
    constraint webhook_endpoints_state_known check (state in ('active', 'paused', 'disabled')),
    constraint webhook_endpoints_reason_known check (
        case state when 'active' then reason is null when 'paused' then reason in ('person', 'failing') else reason = 'gone' end)
);

-- What signs the messages to an endpoint. One is in use; the one before it signs too for a day.
create table webhook_secrets (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    endpoint_id uuid not null,
    sealed bytea not null,
    key_id bigint not null,
    -- NULL: in use
    expires_at timestamptz,
    created_by uuid default tenancy.user_id(),
    created_at timestamptz not null default now(),
    constraint webhook_secrets_pkey primary key (customer_id, id),
    constraint webhook_secrets_endpoint_fkey foreign key (customer_id, endpoint_id)
        references webhook_endpoints (customer_id, id) on delete cascade,
    constraint webhook_secrets_created_by_fkey foreign key (created_by) references users (id)
);
create unique index webhook_secrets_current_key on webhook_secrets (customer_id, endpoint_id) where expires_at is null;
create index webhook_secrets_by_endpoint on webhook_secrets (customer_id, endpoint_id);
create index webhook_secrets_by_expiry on webhook_secrets (expires_at) where expires_at is not null;

-- Messages to endpoints, each for a month. The id is the message's: it stays the same however often it is sent.
create table webhook_deliveries (
    customer_id uuid not null default tenancy.customer_id(),
    id uuid not null,
    endpoint_id uuid not null,
    event text not null,
    -- the body: type, timestamp, data
    payload jsonb not null,
    state text not null default 'pending',
    -- attempts in all, and in this round: when a person sends it again, a new one begins
    attempts integer not null default 0,
    round integer not null default 0,
    -- when the next attempt is due; NULL: none is, or the endpoint is not active, or the customer is archived. While an attempt
    -- is under way: when it is taken for broken off.
    next_at timestamptz default now(),
    -- when the attempt began that is under way
    started_at timestamptz,
    -- the last attempt's: the status of HTTP, NULL where there was no answer, and what was wrong
    status integer,
    problem text,
    -- the last attempts, oldest first: number, at, status, duration_ms, problem, excerpt
    log jsonb not null default '[]',
    delivered_at timestamptz,
    created_at timestamptz not null default now(),
    constraint webhook_deliveries_pkey primary key (customer_id, id),
    constraint webhook_deliveries_endpoint_fkey foreign key (customer_id, endpoint_id)
        references webhook_endpoints (customer_id, id) on delete cascade,
    constraint webhook_deliveries_state_known check (state in ('pending', 'delivered', 'failed')),
    constraint webhook_deliveries_next_while_pending check (next_at is null or state = 'pending'),
    constraint webhook_deliveries_payload_size check (octet_length(payload::text) <= 262144),
    constraint webhook_deliveries_log_bounded check (jsonb_typeof(log) = 'array' and jsonb_array_length(log) <= 20 and octet_length(log::text) <= 65536)
);
create index webhook_deliveries_by_endpoint on webhook_deliveries (customer_id, endpoint_id, id);
create index webhook_deliveries_waiting on webhook_deliveries (customer_id, endpoint_id, id) where state = 'pending';
create index webhook_deliveries_next on webhook_deliveries (customer_id, endpoint_id, next_at) where state = 'pending' and next_at is not null;
-- Looked for over all customers.
create index webhook_deliveries_due on webhook_deliveries (next_at) where state = 'pending' and next_at is not null;
create index webhook_deliveries_by_age on webhook_deliveries (created_at);
create index river_job_of_webhook on river.river_job (customer_id, (args ->> 'delivery_id'))
    where kind = 'webhook_delivery' and state in ('available', 'pending', 'retryable', 'running', 'scheduled');

-- At most 20 endpoints: each is told of everything.
create function tenancy.limit_webhooks() returns trigger
language plpgsql as $$
begin
    perform pg_catalog.pg_advisory_xact_lock(7262836, hashtext(new.customer_id::text));
    if (select count(*) from public.webhook_endpoints e where e.customer_id = new.customer_id) >= 20 then
        raise check_violation using message = 'a customer has at most 20 webhooks',
            constraint = 'webhook_endpoints_limit', table = 'webhook_endpoints', schema = 'public';
    end if;
    return new;
end
$$;
create trigger webhook_endpoints_limit before insert on webhook_endpoints for each row execute function tenancy.limit_webhooks();

-- People pause and resume; that an endpoint is gone, only it can say. Who resumes one, or gives it another address, lets
-- it begin anew.
create function tenancy.guard_webhook() returns trigger
language plpgsql as $$
begin
    if new.state <> old.state then
        new.state_since := now();
    end if;
    if current_user in ('fanfare_user', 'fanfare_admin') then
        if new.state <> old.state then
            if new.state = 'disabled' then
                raise insufficient_privilege using message = 'permission denied: an endpoint says itself that it is gone';
            end if;
            new.reason := case new.state when 'paused' then 'person' end;
        end if;
        if (new.state = 'active' and old.state <> 'active') or new.url <> old.url then
            new.failing_since := null;
            new.failures := 0;
        end if;
    end if;
    return new;
end
$$;
create trigger webhook_endpoints_guard before update on webhook_endpoints for each row execute function tenancy.guard_webhook();
-- Not when attempts are counted: that is no change that somebody must have seen. What people write always is one, as for
-- all that they look after: so a rotation says by the same state that there is another secret.
create trigger webhook_endpoints_touch before update on webhook_endpoints
    for each row when (current_user in ('fanfare_user', 'fanfare_admin')
        or (old.url, old.description, old.events, old.state) is distinct from (new.url, new.description, new.events, new.state))
    execute function tenancy.touch();

-- What waits for an endpoint that is not active is not due, and is due when it is active again. A definer's, as nobody
-- who changes an endpoint may say when messages are due.
create function tenancy.follow_webhook_state() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.webhook_deliveries d set next_at = case when new.state = 'active' then now() end
    where d.customer_id = new.customer_id and d.endpoint_id = new.id and d.state = 'pending' and d.event <> 'webhook.test';
    return null;
end
$$;
revoke execute on function tenancy.follow_webhook_state() from public;
create trigger webhook_endpoints_follow_state after update on webhook_endpoints
    for each row when ((old.state = 'active') is distinct from (new.state = 'active')) execute function tenancy.follow_webhook_state();

-- What waits when a customer is archived is not due, and is due when they are restored. A definer's, as above.
create function tenancy.follow_customer_webhooks() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update public.webhook_deliveries d set next_at = case when new.archived_at is null and (d.event = 'webhook.test' or exists (
        select from public.webhook_endpoints e where e.customer_id = d.customer_id and e.id = d.endpoint_id and e.state = 'active')) then now() end
    where d.customer_id = new.id and d.state = 'pending';
    return null;
end
$$;
revoke execute on function tenancy.follow_customer_webhooks() from public;
create trigger customers_webhooks after update on customers
    for each row when ((old.archived_at is null) is distinct from (new.archived_at is null)) execute function tenancy.follow_customer_webhooks();

-- A secret that was replaced ends within a day, and does not come back.
create function tenancy.guard_webhook_secret() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        new.expires_at := least(new.expires_at, old.expires_at, now() + interval '24 hours');
    end if;
    return new;
end
$$;
create trigger webhook_secrets_guard before update of expires_at on webhook_secrets
    for each row execute function tenancy.guard_webhook_secret();

-- People can have a message sent again, and nothing besides. It is due at once, and has all its attempts before it.
create function tenancy.guard_webhook_delivery() returns trigger
language plpgsql as $$
begin
    if current_user in ('fanfare_user', 'fanfare_admin') then
        if new.state <> 'pending' then
            raise insufficient_privilege using message = 'permission denied: only the worker reports what was delivered';
        end if;
        new.round := 0;
        new.delivered_at := null;
        new.next_at := case when new.event = 'webhook.test' or exists (
            select from public.webhook_endpoints e
            where e.customer_id = new.customer_id and e.id = new.endpoint_id and e.state = 'active') then now() end;
    end if;
    return new;
end
$$;
create trigger webhook_deliveries_guard before update of state on webhook_deliveries
    for each row execute function tenancy.guard_webhook_delivery();

alter table webhook_endpoints enable row level security;
alter table webhook_endpoints force row level security;
alter table webhook_secrets enable row level security;
alter table webhook_secrets force row level security;
alter table webhook_deliveries enable row level security;
alter table webhook_deliveries force row level security;

create policy webhook_endpoints_tenant on webhook_endpoints as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy webhook_endpoints_select on webhook_endpoints for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy webhook_endpoints_insert on webhook_endpoints for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy webhook_endpoints_update on webhook_endpoints for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy webhook_endpoints_delete on webhook_endpoints for delete to fanfare_user using ((select tenancy.has_role('admin')));
create policy webhook_endpoints_admin_insert on webhook_endpoints for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy webhook_endpoints_admin_update on webhook_endpoints for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy webhook_endpoints_admin_delete on webhook_endpoints for delete to fanfare_admin using ((select tenancy.has_system_role('admin')));
create policy webhook_endpoints_worker_select on webhook_endpoints for select to fanfare_worker using (true);
create policy webhook_endpoints_worker_update on webhook_endpoints for update to fanfare_worker using (true) with check (true);
grant select, insert (id, url, description, events), update (url, description, events, state), delete on webhook_endpoints to fanfare_user, fanfare_admin;
grant select, update (state, reason, failing_since, failures) on webhook_endpoints to fanfare_worker;

create policy webhook_secrets_tenant on webhook_secrets as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy webhook_secrets_select on webhook_secrets for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
create policy webhook_secrets_insert on webhook_secrets for insert to fanfare_user with check ((select tenancy.has_role('admin')));
create policy webhook_secrets_update on webhook_secrets for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy webhook_secrets_admin_insert on webhook_secrets for insert to fanfare_admin with check ((select tenancy.has_system_role('admin')));
create policy webhook_secrets_admin_update on webhook_secrets for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy webhook_secrets_worker_select on webhook_secrets for select to fanfare_worker using (true);
grant select (customer_id, id, endpoint_id, expires_at, created_by, created_at), insert (id, endpoint_id, sealed, key_id), update (expires_at)
    on webhook_secrets to fanfare_user, fanfare_admin;
grant select on webhook_secrets to fanfare_worker;

create policy webhook_deliveries_tenant on webhook_deliveries as restrictive to fanfare_user, fanfare_agent, fanfare_admin, fanfare_worker
    using (customer_id = (select tenancy.customer_id())) with check (customer_id = (select tenancy.customer_id()));
create policy webhook_deliveries_select on webhook_deliveries for select to fanfare_user, fanfare_admin using ((select tenancy.reads_as_admin()));
-- What happens is told by triggers; people try whether it arrives.
create policy webhook_deliveries_insert on webhook_deliveries for insert to fanfare_user
    with check ((select tenancy.has_role('admin')) and event = 'webhook.test');
create policy webhook_deliveries_update on webhook_deliveries for update to fanfare_user
    using ((select tenancy.has_role('admin'))) with check ((select tenancy.has_role('admin')));
create policy webhook_deliveries_admin_insert on webhook_deliveries for insert to fanfare_admin
    with check ((select tenancy.has_system_role('admin')) and event = 'webhook.test');
create policy webhook_deliveries_admin_update on webhook_deliveries for update to fanfare_admin
    using ((select tenancy.has_system_role('admin'))) with check ((select tenancy.has_system_role('admin')));
create policy webhook_deliveries_worker_select on webhook_deliveries for select to fanfare_worker using (true);
create policy webhook_deliveries_worker_update on webhook_deliveries for update to fanfare_worker using (true) with check (true);
grant select, insert (id, endpoint_id, event, payload), update (state) on webhook_deliveries to fanfare_user, fanfare_admin;
grant select, update (state, attempts, round, next_at, started_at, status, problem, log, delivered_at) on webhook_deliveries to fanfare_worker;

create policy webhook_endpoints_definer on webhook_endpoints for select to fanfare_definer using (true);
-- So that they can be locked; nothing is changed.
create policy webhook_endpoints_definer_update on webhook_endpoints for update to fanfare_definer using (true) with check (false);
create policy webhook_endpoints_erase on webhook_endpoints for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, events, state), update (state), delete on webhook_endpoints to fanfare_definer;
create policy webhook_secrets_definer on webhook_secrets for select to fanfare_definer using (true);
create policy webhook_secrets_definer_update on webhook_secrets for update to fanfare_definer using (true) with check (true);
create policy webhook_secrets_erase on webhook_secrets for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, sealed, key_id, expires_at), update (sealed, key_id), delete on webhook_secrets to fanfare_definer;
create policy webhook_deliveries_definer on webhook_deliveries for select to fanfare_definer using (true);
create policy webhook_deliveries_definer_insert on webhook_deliveries for insert to fanfare_definer with check (true);
create policy webhook_deliveries_definer_update on webhook_deliveries for update to fanfare_definer using (true) with check (true);
create policy webhook_deliveries_erase on webhook_deliveries for delete to fanfare_definer using (true);
grant select (ctid, customer_id, id, endpoint_id, event, state, next_at, created_at), insert (customer_id, id, endpoint_id, event, payload),
    update (state, next_at, problem), delete on webhook_deliveries to fanfare_definer;
grant select (title) on posts to fanfare_definer;
grant select (external_url, published_at, problem_class, problem) on platform_posts to fanfare_definer;

-- An address may hold what only its owner should know.
select tenancy.audit_table('webhook_endpoints', 'webhook', 'id', '{url}', '{state_since,failing_since,failures}'),
    tenancy.audit_table('webhook_secrets', 'webhook_secret', 'id', '{sealed}', '{key_id}');

-- Writes the message for every endpoint that wants it. An endpoint that somebody is deleting is waited for, so that the
-- message does not fail for want of it.
create function tenancy.tell_webhooks(p_customer_id uuid, p_event text, p_data jsonb) returns void
language plpgsql as $$
begin
    insert into public.webhook_deliveries (customer_id, id, endpoint_id, event, payload)
    select e.customer_id, tenancy.audit_id(clock_timestamp()), e.id, p_event, jsonb_build_object('type', p_event,
        'timestamp', to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'data', p_data)
    from public.webhook_endpoints e
    where e.customer_id = p_customer_id and e.state = 'active' and (e.events = '{}' or p_event = any (e.events))
    for key share of e;
end
$$;

-- What a message says of a post: nothing of what it says itself but its title. However long problems and addresses are and
-- however many accounts it is for, the message stays well below what webhook_deliveries_payload_size allows: what cannot
-- be told must not keep from happening what it would tell of.
create function tenancy.webhook_post(p_customer_id uuid, p_id uuid) returns jsonb
language plpgsql stable as $$
declare
    v_post jsonb;
    v_each jsonb;
begin
    select jsonb_build_object('customer_id', p.customer_id, 'post_id', p.id, 'title', p.title, 'state', p.state,
        'scheduled_at', to_char(p.scheduled_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    into v_post
    from public.posts p where p.customer_id = p_customer_id and p.id = p_id;
    select coalesce(jsonb_agg(jsonb_build_object('id', pp.id, 'integration_id', pp.integration_id, 'platform', i.platform,
        'state', pp.state,
        -- a part of an address leads nowhere
        'external_url', case when char_length(pp.external_url) <= 1000 then pp.external_url end,
        'published_at', to_char(pp.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'problem_class', pp.problem_class,
        'problem', case when char_length(pp.problem) > 300 then left(pp.problem, 299) || '…' else pp.problem end) order by pp.id), '[]')
    into v_each
    from public.platform_posts pp
        join public.integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    where pp.customer_id = p_customer_id and pp.post_id = p_id;
    if octet_length(v_each::text) <= 131072 then
        return v_post || jsonb_build_object('platform_posts', v_each);
    end if;
    return v_post || jsonb_build_object('platform_posts_by_state', (
        select jsonb_object_agg(s.state, s.count)
        from (select pp.state, count(*) from public.platform_posts pp
            where pp.customer_id = p_customer_id and pp.post_id = p_id group by pp.state) s));
end
$$;
grant execute on function tenancy.tell_webhooks(uuid, text, jsonb), tenancy.webhook_post(uuid, uuid) to fanfare_definer;

create function tenancy.tell_of_post() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_event text;
begin
    if not exists (select from public.webhook_endpoints e where e.customer_id = new.customer_id and e.state = 'active') then
        return null;
    end if;
    if old.approved_at is null and new.approved_at is not null then
        perform tenancy.tell_webhooks(new.customer_id, 'post.approved', tenancy.webhook_post(new.customer_id, new.id));
    end if;
    if new.state <> old.state then
        v_event := case new.state
            when 'pending_approval' then 'post.approval_requested'
            -- and not when an attempt has come to nothing and another is planned
            when 'scheduled' then case when old.state <> 'publishing' then 'post.scheduled' end
            when 'published' then 'post.published'
            when 'partially_published' then 'post.partially_published'
            when 'failed' then 'post.failed'
            when 'needs_attention' then 'post.needs_attention' end;
        if v_event is not null then
            perform tenancy.tell_webhooks(new.customer_id, v_event, tenancy.webhook_post(new.customer_id, new.id));
        end if;
    end if;
    return null;
end
$$;
revoke execute on function tenancy.tell_of_post() from public;
create trigger posts_webhooks after update on posts
    for each row when (old.state is distinct from new.state or (old.approved_at is null and new.approved_at is not null))
    execute function tenancy.tell_of_post();

create function tenancy.tell_of_review() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if exists (select from public.webhook_endpoints e where e.customer_id = new.customer_id and e.state = 'active') then
        perform tenancy.tell_webhooks(new.customer_id, 'post.rejected',
            tenancy.webhook_post(new.customer_id, new.post_id) || jsonb_build_object('review_id', new.id));
    end if;
    return null;
end
$$;
revoke execute on function tenancy.tell_of_review() from public;
create trigger post_reviews_webhooks after insert on post_reviews
    for each row when (new.verdict = 'rejected') execute function tenancy.tell_of_review();

create function tenancy.tell_of_integration() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform tenancy.tell_webhooks(new.customer_id, 'integration.needs_reauth', jsonb_build_object('customer_id', new.customer_id,
        'integration_id', new.id, 'platform', new.platform, 'name', new.name, 'state', new.state, 'reason', new.reason));
    return null;
end
$$;
revoke execute on function tenancy.tell_of_integration() from public;
create trigger integrations_webhooks after update on integrations
    for each row when (old.state is distinct from new.state and new.state = 'needs_reauth') execute function tenancy.tell_of_integration();

-- A log of attempts with another one; the oldest make room.
create function tenancy.append_attempt(p_log jsonb, p_attempt jsonb) returns jsonb
language sql immutable parallel safe
return case when jsonb_array_length(p_log) >= 20 then p_log - 0 else p_log end || jsonb_build_array(jsonb_strip_nulls(p_attempt));
grant execute on function tenancy.append_attempt(jsonb, jsonb) to fanfare_worker;

-- Messages of all customers that are due and have no job, so many at most that with those that have one each endpoint
-- and each customer keep to their share and all of them to the limit; first of those who have the fewest under way. Ids
-- only.
--
-- It is asked several times a second, and touches what is due, not what there is: the oldest messages say which endpoints
-- there are. Only where these are not all that is due, since somebody is far behind, the index is gone through from endpoint
-- to endpoint, so that those behind hide nobody. (The subqueries are looked up by key, one by one; joins would be planned for
-- all customers.)
create function tenancy.webhooks_due(p_endpoint_share integer, p_customer_share integer, p_limit integer)
returns table (customer_id uuid, endpoint_id uuid, id uuid)
language plpgsql stable security definer set search_path = '' as $$
begin
    if not exists (
        select from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at <= now()
            and (select c.archived_at is null from public.customers c where c.id = d.customer_id)) then
        return;
    end if;
    return query
    with recursive live as materialized (
        select j.customer_id as customer, j.args ->> 'endpoint_id' as endpoint, j.args ->> 'delivery_id' as delivery
        from river.river_job j
        where j.kind = 'webhook_delivery' and j.state in ('available', 'pending', 'retryable', 'running', 'scheduled')
    ), live_of_endpoints as materialized (
        select l.endpoint, count(*) as count from live l group by l.endpoint
    ), live_of_customers as materialized (
        select l.customer, count(*) as count from live l group by l.customer
    ), oldest as materialized (
        select d.customer_id as customer, d.endpoint_id as endpoint from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at <= now()
        order by d.next_at
        limit 1000
    ), walk as (
        (select d.customer_id as customer, d.endpoint_id as endpoint from public.webhook_deliveries d
        where d.state = 'pending' and d.next_at is not null and (select count(*) from oldest) = 1000
        order by d.customer_id, d.endpoint_id
        limit 1)
        union all
        select n.customer_id, n.endpoint_id
        from walk w cross join lateral (
            select d.customer_id, d.endpoint_id from public.webhook_deliveries d
            where d.state = 'pending' and d.next_at is not null and (d.customer_id, d.endpoint_id) > (w.customer, w.endpoint)
            order by d.customer_id, d.endpoint_id
            limit 1) n
    ), endpoints as materialized (
        select o.customer, o.endpoint from oldest o
        union
        select w.customer, w.endpoint from walk w
    ), due as (
        select e.customer, e.endpoint, d.id as delivery, d.next_at,
            row_number() over (partition by e.customer, e.endpoint order by d.next_at, d.id)
                + coalesce((select l.count from live_of_endpoints l where l.endpoint = e.endpoint::text), 0) as endpoint_place
        from endpoints e cross join lateral (
            select d.id, d.next_at from public.webhook_deliveries d
            where d.customer_id = e.customer and d.endpoint_id = e.endpoint and d.state = 'pending' and d.next_at <= now()
                and (d.event = 'webhook.test' or (
                    select w.state = 'active' from public.webhook_endpoints w where w.customer_id = d.customer_id and w.id = d.endpoint_id))
            order by d.next_at
            limit p_endpoint_share) d
        where (select c.archived_at is null from public.customers c where c.id = e.customer)
            and d.id::text not in (select l.delivery from live l)
    ), placed as (
        select d.customer, d.endpoint, d.delivery, d.next_at,
            row_number() over (partition by d.customer order by d.next_at, d.delivery)
                + coalesce((select l.count from live_of_customers l where l.customer = d.customer), 0) as place
        from due d
        where d.endpoint_place <= p_endpoint_share
    )
    select p.customer, p.endpoint, p.delivery from placed p
    where p.place <= p_customer_share
    order by p.place, p.next_at
    limit greatest(p_limit - (select count(*) from live), 0);
end
$$;
revoke execute on function tenancy.webhooks_due(integer, integer, integer) from public;
grant execute on function tenancy.webhooks_due(integer, integer, integer) to fanfare_worker;

-- Gives up what waits beyond so many messages to one endpoint, the oldest first, and writes why. As many at most are given
-- up at once; it answers how many were.
create function tenancy.give_up_webhooks(p_keep integer, p_problem text, p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_given_up bigint;
begin
    update public.webhook_deliveries d set state = 'failed', next_at = null, problem = p_problem
    from (
        select w.customer_id, w.id
        from (
            select o.customer_id, o.endpoint_id from public.webhook_deliveries o where o.state = 'pending'
            group by o.customer_id, o.endpoint_id having count(*) > p_keep) full_endpoints
            cross join lateral (
                select o.customer_id, o.id from public.webhook_deliveries o
                where o.customer_id = full_endpoints.customer_id and o.endpoint_id = full_endpoints.endpoint_id and o.state = 'pending'
                order by o.id desc offset p_keep) w
        limit p_limit) w
    where d.customer_id = w.customer_id and d.id = w.id and d.state = 'pending';
    get diagnostics v_given_up = row_count;
    return v_given_up;
end
$$;
revoke execute on function tenancy.give_up_webhooks(integer, text, integer) from public;
grant execute on function tenancy.give_up_webhooks(integer, text, integer) to fanfare_worker;

-- Forgets messages after a month, and secrets that sign nothing any more, so many of each at most. It answers how many there
-- were of the more numerous: fewer than the limit, and nothing is left.
create function tenancy.forget_webhooks(p_limit integer) returns bigint
language plpgsql security definer set search_path = '' as $$
declare
    v_deliveries bigint;
    v_secrets bigint;
begin
    delete from public.webhook_deliveries d where d.ctid = any (array(
        select o.ctid from public.webhook_deliveries o where o.created_at < now() - interval '30 days' order by o.created_at limit p_limit));
    get diagnostics v_deliveries = row_count;
    delete from public.webhook_secrets s where s.ctid = any (array(
        select o.ctid from public.webhook_secrets o where o.expires_at < now() order by o.expires_at limit p_limit));
    get diagnostics v_secrets = row_count;
    return greatest(v_deliveries, v_secrets);
end
$$;
revoke execute on function tenancy.forget_webhooks(integer) from public;
grant execute on function tenancy.forget_webhooks(integer) to fanfare_worker;

alter function tenancy.follow_webhook_state() owner to fanfare_definer;
alter function tenancy.follow_customer_webhooks() owner to fanfare_definer;
alter function tenancy.tell_of_post() owner to fanfare_definer;
alter function tenancy.tell_of_review() owner to fanfare_definer;
alter function tenancy.tell_of_integration() owner to fanfare_definer;
alter function tenancy.webhooks_due(integer, integer, integer) owner to fanfare_definer;
alter function tenancy.give_up_webhooks(integer, text, integer) owner to fanfare_definer;
alter function tenancy.forget_webhooks(integer) owner to fanfare_definer;

create or replace function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential'),
        ('webhook_secrets', 'sealed', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null);
end
$$;

-- migrate:down
create or replace function tenancy.sealed_columns()
returns table (table_name text, column_name text, key_columns text[], key_types text[], customer_column text, platform_column text, resource text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('agent_token_keys', 'sealed', '{id}'::text[], '{uuid}'::text[], null, null, null),
        ('authorizations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'authorization'),
        ('connect_sessions', 'secret', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'connect_session'),
        ('idempotency_keys', 'answer', '{actor_id,operation,key}', '{uuid,text,text}', 'subject_id', null, null),
        ('integrations', 'credential', '{customer_id,id}', '{uuid,uuid}', 'customer_id', 'platform', 'integration'),
        ('invitations', 'sealed_token', '{customer_id,id}', '{uuid,uuid}', 'customer_id', null, null),
        ('old_credentials', 'credential', '{id}', '{uuid}', null, 'platform', 'old_credential');
end
$$;
drop trigger integrations_webhooks on integrations;
drop trigger post_reviews_webhooks on post_reviews;
drop trigger posts_webhooks on posts;
drop trigger customers_webhooks on customers;
drop function tenancy.forget_webhooks(integer);
drop function tenancy.give_up_webhooks(integer, text, integer);
drop function tenancy.webhooks_due(integer, integer, integer);
drop function tenancy.append_attempt(jsonb, jsonb);
drop function tenancy.tell_of_integration();
drop function tenancy.tell_of_review();
drop function tenancy.tell_of_post();
drop function tenancy.webhook_post(uuid, uuid);
drop function tenancy.tell_webhooks(uuid, text, jsonb);
revoke select (external_url, published_at, problem_class, problem) on platform_posts from fanfare_definer;
revoke select (title) on posts from fanfare_definer;
drop index river.river_job_of_webhook;
drop table webhook_deliveries;
drop table webhook_secrets;
drop table webhook_endpoints;
drop function tenancy.guard_webhook_delivery();
drop function tenancy.guard_webhook_secret();
drop function tenancy.follow_customer_webhooks();
drop function tenancy.follow_webhook_state();
drop function tenancy.guard_webhook();
drop function tenancy.limit_webhooks();
