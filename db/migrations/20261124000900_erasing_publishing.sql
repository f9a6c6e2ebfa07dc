-- migrate:up

-- Erasing a customer covers the tables of publishing: webhooks, the queue, posts that recur, numbers, templates, limits.
set local row_security = off;

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
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;

-- migrate:down
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
        ('public.memberships', 'customer_id', 'ctid'),
        ('public.rate_limit_rules', 'customer_id', 'ctid'),
        ('public.rate_limits', 'customer_id', 'ctid'),
        -- last: what is still refused meanwhile is recorded there
        ('public.audit_unsealed', 'customer_id', 'ctid'),
        ('public.audit_seals', 'customer_id', 'number'),
        ('public.audit_log', 'customer_id', 'id');
end
$$;
