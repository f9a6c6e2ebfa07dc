-- migrate:up

-- Where an installation cannot open its own tokens, no platform is to blame, and nobody who signs in anew at the platform
-- is helped for long.
set local row_security = off;

-- An account with its health and that of the authorization it hangs on (NULL where it has a key instead). Expiring is
-- what will stop within two weeks unless somebody signs in again, or whoever runs the installation sets its application
-- at the platform or its key set right, or within a day unless a renewal succeeds. What has ended already does not end at a time.
create or replace view integrations_with_health with (security_invoker = true) as
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
        select 'renewal_' || a.failure as reason, greatest(a.failing_since, a.state_since) as since
        where a.state = 'active' and a.failures > 0 and a.failure in ('misconfigured', 'unreadable') and a.expires_at < now() + interval '14 days'
            and coalesce(a.expires_at < a.reconnect_by, true)
        union all
        select 'renewal_failing', greatest(a.failing_since, a.state_since)
        where a.state = 'active' and a.failures > 0 and a.expires_at < now() + interval '1 day'
            and coalesce(a.expires_at < a.reconnect_by, true)
        union all
        select 'reconnect_due', greatest(a.reconnect_by - interval '14 days', a.state_since)
        where a.state = 'active' and a.reconnect_by < now() + interval '14 days'
        limit 1) e on true;

-- migrate:down
-- An account with its health and that of the authorization it hangs on (NULL where it has a key instead). Expiring is
-- what will stop within two weeks unless somebody signs in again, or whoever runs the installation sets its application
-- at the platform right, or within a day unless a renewal succeeds. What has ended already does not end at a time.
create or replace view integrations_with_health with (security_invoker = true) as
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
