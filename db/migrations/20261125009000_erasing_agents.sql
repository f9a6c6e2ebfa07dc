-- migrate:up

-- Erasing a customer covers what agents brought: spaces and what was said in them, pairings, credentials, MCP servers, bots, usage.
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

-- What is left of a chat that a customer had goes with it, unless the chat is another's by now: what happened in it, what was
-- said there, and the jobs that name it. The platform's id of a chat may be somebody's phone number.
create function tenancy.forget_chat() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if old.external_id is not null and not exists (
        select from public.spaces s
        where s.platform = old.platform and s.bot = old.bot and s.team = old.team and s.kind = old.kind and s.external_id = old.external_id
            and s.ended_at is null and s.customer_id <> old.customer_id)
    then
        delete from public.chat_updates u
        where u.platform = old.platform and u.bot = old.bot and u.team = old.team and u.kind = old.kind and u.chat = old.external_id;
        delete from public.chat_outbox o
        where o.platform = old.platform and o.bot = old.bot and o.team = old.team and o.kind = old.kind and o.chat = old.external_id;
        delete from river.river_job j
        where j.kind = 'chat' and j.args @> jsonb_build_object(
            'platform', old.platform, 'bot', old.bot, 'team', old.team, 'kind', old.kind, 'chat', old.external_id);
    end if;
    return null;
end
$$;
create trigger spaces_forget_chat after delete on spaces for each row execute function tenancy.forget_chat();
create trigger pairings_forget_chat after delete on pairings for each row execute function tenancy.forget_chat();
revoke execute on function tenancy.forget_chat() from public;
alter function tenancy.forget_chat() owner to fanfare_definer;
create index chat_updates_by_chat on chat_updates (chat);
create index chat_outbox_by_chat on chat_outbox (chat);
grant select (kind, args) on river.river_job to fanfare_definer;

-- migrate:down
drop trigger pairings_forget_chat on pairings;
drop trigger spaces_forget_chat on spaces;
revoke select (kind, args) on river.river_job from fanfare_definer;
drop index chat_outbox_by_chat;
drop index chat_updates_by_chat;
drop function tenancy.forget_chat();
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
