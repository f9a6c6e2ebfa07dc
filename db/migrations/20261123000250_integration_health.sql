-- migrate:up

-- How connected accounts are, and what follows where one comes under another authorization.
set local row_security = off;

-- An account with its health and that of the authorization it hangs on (NULL where it has a key instead). Expiring is
-- what will stop within two weeks unless somebody signs in again, or whoever runs the installation sets its application
-- at the platform right, or within a day unless a renewal succeeds. What has ended already does not end at a time.
create view integrations_with_health with (security_invoker = true) as
select i.id, i.platform, i.external_id, i.name, i.url, i.state, i.is_default, i.version, i.created_at, i.updated_at,
    jsonb_build_object(
        'status', case when i.state <> 'active' then i.state when a.state = 'needs_reauth' then 'needs_reauth'
            when e.reason is not null then 'expiring' else 'active' end,
        'since', case when i.state <> 'active' then i.state_since when a.state = 'needs_reauth' then a.state_since
            when e.reason is not null then e.since else i.state_since end,
        'reason', case when i.state = 'active' then coalesce(a.reason, e.reason) else i.reason end,
        'expires_at', case when i.state = 'active' and a.state = 'active' then a.expires_at end,
        'reconnect_by', case when i.state = 'active' and a.state = 'active' then a.reconnect_by end,
        'checked_at', i.checked_at)::jsonb as health,
    case when a.id is not null then jsonb_build_object(
        'id', a.id,
        'name', a.name,
        'status', case when e.reason is not null then 'expiring' else a.state end,
        'since', case when e.reason is not null then e.since else a.state_since end,
        'reason', coalesce(a.reason, e.reason),
        'expires_at', case when a.state = 'active' then a.expires_at end,
        'reconnect_by', case when a.state = 'active' then a.reconnect_by end) else 'null' end::jsonb as login
from integrations i
    left join authorizations a on a.customer_id = i.customer_id and a.id = i.authorization_id
    left join lateral (
        -- the first of them that holds
        select 'renewal_misconfigured' as reason, greatest(a.failing_since, a.state_since) as since
        where a.state = 'active' and a.failures > 0 and a.failure = 'misconfigured' and a.expires_at < now() + interval '14 days'
            and coalesce(a.expires_at < a.reconnect_by, true)
        union all
        select 'renewal_failing', greatest(a.failing_since, a.state_since)
        where a.state = 'active' and a.failures > 0 and a.expires_at < now() + interval '1 day'
            and coalesce(a.expires_at < a.reconnect_by, true)
        union all
        select 'reconnect_due', greatest(a.reconnect_by - interval '14 days', a.state_since)
        where a.state = 'active' and a.reconnect_by < now() + interval '14 days'
        limit 1) e on true;
grant select on integrations_with_health to fanfare_user, fanfare_admin, fanfare_agent;

-- An authorization is withdrawn once its last account has been disconnected or has come under another. It is locked
-- before its accounts are looked at, so that two accounts which leave it at once see each other.
create function tenancy.follow_last_account() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform from public.authorizations a
    where a.customer_id = old.customer_id and a.id = old.authorization_id
    for no key update;
    update public.authorizations a set state = 'revoking'
    where a.customer_id = old.customer_id and a.id = old.authorization_id and a.state in ('active', 'needs_reauth')
        and not exists (
            select from public.integrations i
            where i.customer_id = old.customer_id and i.authorization_id = old.authorization_id and i.state <> 'disconnected');
    return null;
end
$$;
revoke execute on function tenancy.follow_last_account() from public;
create trigger integrations_follow_authorization after update on integrations
    for each row when (old.authorization_id is not null
        and ((old.state <> 'disconnected' and new.state = 'disconnected') or new.authorization_id is distinct from old.authorization_id))
    execute function tenancy.follow_last_account();
alter function tenancy.follow_last_account() owner to fanfare_definer;

-- migrate:down
drop trigger integrations_follow_authorization on integrations;
drop function tenancy.follow_last_account();
drop view integrations_with_health;
