-- migrate:up

-- Erasing a customer covers its workspaces and their backups, but not while it is under a legal hold.
set local row_security = off;

-- Whether there are directories of its workspaces, and archives or backups of them: a worker that has none of these places must not finish.
alter table erasures
    add column has_workspaces boolean not null default false,
    add column has_backups boolean not null default false;

create or replace function tenancy.erased_columns() returns table (table_name text, column_name text, key_name text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('river.river_job', 'customer_id', 'ctid'),
        ('public.idempotency_keys', 'subject_id', 'ctid'),
        ('public.exports', 'customer_id', 'ctid'),
        ('public.invitations', 'customer_id', 'ctid'),
        ('public.agent_tokens', 'customer_id', 'ctid'),
        ('public.api_keys', 'customer_id', 'ctid'),
        ('public.chat_outbox', 'subject_id', 'ctid'),
        ('public.messages', 'customer_id', 'ctid'),
        ('public.memories', 'customer_id', 'ctid'),
        ('public.drills', 'customer_id', 'ctid'),
        ('public.restores', 'customer_id', 'ctid'),
        ('public.backups', 'customer_id', 'ctid'),
        ('public.backup_status', 'customer_id', 'ctid'),
        ('public.file_changes', 'customer_id', 'ctid'),
        ('public.workspaces', 'customer_id', 'ctid'),
        ('public.workspace_policies', 'customer_id', 'ctid'),
        ('public.credentials', 'customer_id', 'ctid'),
        ('public.pairings', 'customer_id', 'ctid'),
        ('public.chat_identities', 'customer_id', 'ctid'),
        ('public.space_people', 'customer_id', 'ctid'),
        ('public.usage_entries', 'customer_id', 'ctid'),
        ('public.usage_days', 'customer_id', 'ctid'),
        ('public.llm_reservations', 'customer_id', 'ctid'),
        ('public.llm_months', 'customer_id', 'ctid'),
        ('public.llm_budgets', 'customer_id', 'ctid'),
        ('public.webhook_deliveries', 'customer_id', 'ctid'),
        ('public.webhook_secrets', 'customer_id', 'ctid'),
        ('public.webhook_endpoints', 'customer_id', 'ctid'),
        ('public.queue_slots', 'customer_id', 'ctid'),
        ('public.recurring_posts', 'customer_id', 'ctid'),
        ('public.post_metrics', 'customer_id', 'ctid'),
        ('public.email_templates', 'customer_id', 'ctid'),
        ('public.account_limits', 'customer_id', 'ctid'),
        ('public.post_reviews', 'customer_id', 'ctid'),
        ('public.platform_post_media', 'customer_id', 'ctid'),
        ('public.post_media', 'customer_id', 'ctid'),
        ('public.publish_attempts', 'customer_id', 'ctid'),
        ('public.platform_posts', 'customer_id', 'ctid'),
        ('public.posts', 'customer_id', 'ctid'),
        ('public.media', 'customer_id', 'ctid'),
        ('public.campaigns', 'customer_id', 'ctid'),
        ('public.integrations', 'customer_id', 'ctid'),
        ('public.credential_moves', 'customer_id', 'ctid'),
        ('public.authorizations', 'customer_id', 'ctid'),
        ('public.connect_sessions', 'customer_id', 'ctid'),
        ('public.mcp_servers', 'customer_id', 'ctid'),
        ('public.spaces', 'customer_id', 'ctid'),
        ('public.bots', 'customer_id', 'ctid'),
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;

set local role fanfare_definer;
create or replace function tenancy.request_erasure(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_id uuid := tenancy.customer_id();
    v_name text;
    v_archived timestamptz;
begin
    if (tenancy.member_role() = 'owner' or tenancy.administers()) is not true then
        raise insufficient_privilege using message = 'permission denied: only an owner erases a customer';
    end if;
    perform set_config('fanfare.erasing', v_id::text, true);
    -- Members are changed under this lock too. After the wait the acting owner must still be one.
    select c.name, c.archived_at into v_name, v_archived from public.customers c where c.id = v_id for update;
    if tenancy.member_role() is not null and not exists (
        select from public.memberships m where m.customer_id = v_id and m.user_id = tenancy.user_id() and m.role = 'owner')
    then
        raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
    end if;
    if v_archived is null then
        raise check_violation using message = 'only an archived customer can be erased',
            constraint = 'erasures_of_archived', table = 'erasures', schema = 'public';
    end if;
    if exists (select from public.workspace_policies p where p.customer_id = v_id and p.legal_hold) then
        raise check_violation using message = 'the customer is under a legal hold',
            constraint = 'erasures_legal_hold', table = 'erasures', schema = 'public';
    end if;
    if v_name is distinct from p_name then
        raise check_violation using message = 'the customer has another name',
            constraint = 'erasures_name_given', table = 'erasures', schema = 'public';
    end if;
    insert into public.erasures (id, subject_id, requested_by, has_files, has_workspaces, has_backups)
    values (p_id, v_id, tenancy.user_id(), exists (select from public.exports e where e.customer_id = v_id)
            or exists (select from public.media m where m.customer_id = v_id),
        exists (select from public.workspaces w where w.customer_id = v_id and w.state <> 'new'),
        exists (select from public.backups b where b.customer_id = v_id)
            or exists (select from public.workspaces w where w.customer_id = v_id and w.archive_id is not null));
    update public.customers set erasing_at = now() where id = v_id;
    -- In the installation's log, as the customer's own is erased with it.
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase_request', 'customer', v_id::text,
        jsonb_build_object('erasure_id', p_id));
    perform set_config('fanfare.erasing', '', true);
end
$$;
reset role;

-- migrate:down
set local role fanfare_definer;
create or replace function tenancy.request_erasure(p_id uuid, p_name text) returns void
language plpgsql security definer set search_path = '' as $$
declare
    v_id uuid := tenancy.customer_id();
    v_name text;
    v_archived timestamptz;
begin
    if (tenancy.member_role() = 'owner' or tenancy.administers()) is not true then
        raise insufficient_privilege using message = 'permission denied: only an owner erases a customer';
    end if;
    perform set_config('fanfare.erasing', v_id::text, true);
    -- Members are changed under this lock too. After the wait the acting owner must still be one.
    select c.name, c.archived_at into v_name, v_archived from public.customers c where c.id = v_id for update;
    if tenancy.member_role() is not null and not exists (
        select from public.memberships m where m.customer_id = v_id and m.user_id = tenancy.user_id() and m.role = 'owner')
    then
        raise serialization_failure using message = 'the acting member''s role has changed meanwhile';
    end if;
    if v_archived is null then
        raise check_violation using message = 'only an archived customer can be erased',
            constraint = 'erasures_of_archived', table = 'erasures', schema = 'public';
    end if;
    if v_name is distinct from p_name then
        raise check_violation using message = 'the customer has another name',
            constraint = 'erasures_name_given', table = 'erasures', schema = 'public';
    end if;
    insert into public.erasures (id, subject_id, requested_by, has_files)
    values (p_id, v_id, tenancy.user_id(), exists (select from public.exports e where e.customer_id = v_id)
        or exists (select from public.media m where m.customer_id = v_id));
    update public.customers set erasing_at = now() where id = v_id;
    -- In the installation's log, as the customer's own is erased with it.
    perform tenancy.audit_event(tenancy.installation_id(), 'customer.erase_request', 'customer', v_id::text,
        jsonb_build_object('erasure_id', p_id));
    perform set_config('fanfare.erasing', '', true);
end
$$;
reset role;
create or replace function tenancy.erased_columns() returns table (table_name text, column_name text, key_name text)
language plpgsql immutable parallel safe as $$
begin
    return query
    values ('river.river_job', 'customer_id', 'ctid'),
        ('public.idempotency_keys', 'subject_id', 'ctid'),
        ('public.exports', 'customer_id', 'ctid'),
        ('public.invitations', 'customer_id', 'ctid'),
        ('public.agent_tokens', 'customer_id', 'ctid'),
        ('public.api_keys', 'customer_id', 'ctid'),
        ('public.chat_outbox', 'subject_id', 'ctid'),
        ('public.messages', 'customer_id', 'ctid'),
        ('public.memories', 'customer_id', 'ctid'),
        ('public.credentials', 'customer_id', 'ctid'),
        ('public.pairings', 'customer_id', 'ctid'),
        ('public.chat_identities', 'customer_id', 'ctid'),
        ('public.space_people', 'customer_id', 'ctid'),
        ('public.usage_entries', 'customer_id', 'ctid'),
        ('public.usage_days', 'customer_id', 'ctid'),
        ('public.llm_reservations', 'customer_id', 'ctid'),
        ('public.llm_months', 'customer_id', 'ctid'),
        ('public.llm_budgets', 'customer_id', 'ctid'),
        ('public.webhook_deliveries', 'customer_id', 'ctid'),
        ('public.webhook_secrets', 'customer_id', 'ctid'),
        ('public.webhook_endpoints', 'customer_id', 'ctid'),
        ('public.queue_slots', 'customer_id', 'ctid'),
        ('public.recurring_posts', 'customer_id', 'ctid'),
        ('public.post_metrics', 'customer_id', 'ctid'),
        ('public.email_templates', 'customer_id', 'ctid'),
        ('public.account_limits', 'customer_id', 'ctid'),
        ('public.post_reviews', 'customer_id', 'ctid'),
        ('public.platform_post_media', 'customer_id', 'ctid'),
        ('public.post_media', 'customer_id', 'ctid'),
        ('public.publish_attempts', 'customer_id', 'ctid'),
        ('public.platform_posts', 'customer_id', 'ctid'),
        ('public.posts', 'customer_id', 'ctid'),
        ('public.media', 'customer_id', 'ctid'),
        ('public.campaigns', 'customer_id', 'ctid'),
        ('public.integrations', 'customer_id', 'ctid'),
        ('public.credential_moves', 'customer_id', 'ctid'),
        ('public.authorizations', 'customer_id', 'ctid'),
        ('public.connect_sessions', 'customer_id', 'ctid'),
        ('public.mcp_servers', 'customer_id', 'ctid'),
        ('public.spaces', 'customer_id', 'ctid'),
        ('public.bots', 'customer_id', 'ctid'),
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
alter table erasures drop column has_backups, drop column has_workspaces;
