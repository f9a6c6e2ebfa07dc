-- Refused, and not empty, to who may not see it; so are the next.
-- name: WebhookList :many
select e.id, e.url, e.description, e.events, e.state, e.state_since, e.reason, e.failing_since, e.version, e.created_at, e.updated_at,
    s.expires_at as old_secret_until
from webhook_endpoints e
    left join webhook_secrets s on s.customer_id = e.customer_id and s.endpoint_id = e.id and s.expires_at > now()
where e.id < @before and (select tenancy.permit_admins())
order by e.id desc
limit @max_rows;

-- name: WebhookGet :one
select e.id, e.url, e.description, e.events, e.state, e.state_since, e.reason, e.failing_since, e.version, e.created_at, e.updated_at,
    s.expires_at as old_secret_until
from webhook_endpoints e
    left join webhook_secrets s on s.customer_id = e.customer_id and s.endpoint_id = e.id and s.expires_at > now()
where e.id = @id and (select tenancy.permit_admins());

-- name: WebhookCreate :exec
insert into webhook_endpoints (id, url, description, events)
values (@id, @url, @description, @events);

-- name: WebhookUpdate :execrows
update webhook_endpoints
set url = coalesce(sqlc.narg('url'), url),
    description = coalesce(sqlc.narg('description'), description),
    events = coalesce(sqlc.narg('events')::text[], events),
    state = coalesce(sqlc.narg('state'), state)
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- Says that it is changed, by what stands in another table.
-- name: WebhookTouch :execrows
update webhook_endpoints
set state = state
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: WebhookDelete :execrows
delete from webhook_endpoints
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: WebhookSecretCreate :exec
insert into webhook_secrets (id, endpoint_id, sealed, key_id)
values (@id, @endpoint_id, @sealed, @key_id);

-- The secret in use signs for so long from now on, the one before it not any more.
-- name: WebhookSecretReplace :exec
update webhook_secrets
set expires_at = case when expires_at is null then now() + @overlap::interval else now() end
where endpoint_id = @endpoint_id and (expires_at is null or expires_at > now());

-- name: WebhookDeliveryList :many
select d.id, d.endpoint_id, d.event, d.state, d.attempts, d.next_at, d.status, d.problem, d.delivered_at, d.created_at
from webhook_deliveries d
where d.endpoint_id = @endpoint_id and d.id < @before and d.state = coalesce(sqlc.narg('state'), d.state) and (select tenancy.permit_admins())
order by d.id desc
limit @max_rows;

-- name: WebhookDeliveryGet :one
select d.id, d.endpoint_id, d.event, d.state, d.attempts, d.next_at, d.status, d.problem, d.delivered_at, d.created_at, d.payload, d.log
from webhook_deliveries d
where d.id = @id and d.endpoint_id = @endpoint_id and (select tenancy.permit_admins());

-- name: WebhookTestCreate :exec
insert into webhook_deliveries (id, endpoint_id, event, payload)
values (@id, @endpoint_id, 'webhook.test', @payload);

-- name: WebhookDeliveryResend :execrows
update webhook_deliveries
set state = 'pending'
where id = @id and endpoint_id = @endpoint_id;

-- What is to be sent, of all customers.
-- name: WebhookListDue :many
select d.customer_id::uuid as customer_id, d.endpoint_id::uuid as endpoint_id, d.id::uuid as id
from tenancy.webhooks_due(@endpoint_share, @customer_share, @max_rows) d;

-- Begins an attempt, which is taken for broken off after so long: until then the message is not due. It concerns no row when
-- there is nothing to send. One that began before and has no end was broken off.
-- name: WebhookDeliveryStart :one
update webhook_deliveries d
set attempts = d.attempts + 1, round = d.round + 1, started_at = clock_timestamp(), next_at = now() + @patience::interval,
    log = case when d.started_at is null then d.log else tenancy.append_attempt(d.log, jsonb_build_object('number', d.attempts,
        'at', to_char(d.started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'problem', @broken_off::text)) end
from webhook_endpoints e
where d.id = @id and d.state = 'pending' and d.next_at <= now()
    and e.customer_id = d.customer_id and e.id = d.endpoint_id and (e.state = 'active' or d.event = 'webhook.test')
returning d.event, d.payload, d.attempts, d.round, e.url;

-- What signs, the secret in use first.
-- name: WebhookSecretListValid :many
select s.id, s.sealed
from webhook_secrets s
where s.endpoint_id = @endpoint_id and (s.expires_at is null or s.expires_at > now())
order by s.expires_at nulls first;

-- The endpoint is locked before the message, as by whoever pauses it.
-- name: WebhookWorks :exec
update webhook_endpoints
set failing_since = null, failures = 0
where id = @id and (failing_since is not null or failures > 0);

-- Counts a failed attempt, of a message that is given up or not. Its endpoint is paused if this is the one too many, or
-- disabled; ended tells whether that is so from now on.
-- name: WebhookFails :one
with before as (
    select w.customer_id, w.id, w.state,
        (w.state = 'active' and @gone::boolean)::boolean as gone,
        (w.state = 'active' and w.failures + @given_up::integer >= @patience::integer and w.failing_since <= now() - interval '24 hours')::boolean as failing
    from webhook_endpoints w where w.id = @id
    for no key update
)
update webhook_endpoints e
set failing_since = coalesce(e.failing_since, now()),
    failures = e.failures + @given_up,
    state = case when b.gone then 'disabled' when b.failing then 'paused' else e.state end,
    reason = case when b.gone then 'gone' when b.failing then 'failing' else e.reason end
from before b
where e.customer_id = b.customer_id and e.id = b.id
returning (b.gone or coalesce(b.failing, false))::boolean as ended;

-- name: WebhookDelivered :execrows
update webhook_deliveries d
set state = 'delivered', delivered_at = now(), next_at = null, started_at = null, status = @status::integer, problem = null,
    log = tenancy.append_attempt(d.log, @entry)
where d.id = @id and d.attempts = @attempts;

-- Another attempt follows after the wait, and none where there is none.
-- name: WebhookNotDelivered :execrows
update webhook_deliveries d
set state = case when sqlc.narg('wait_seconds')::double precision is null then 'failed' else 'pending' end,
    next_at = case when exists (select from webhook_endpoints e where e.customer_id = d.customer_id and e.id = d.endpoint_id and e.state = 'active')
        then now() + make_interval(secs => sqlc.narg('wait_seconds')) end,
    started_at = null, status = sqlc.narg('status')::integer, problem = @problem::text, log = tenancy.append_attempt(d.log, @entry)
where d.id = @id and d.attempts = @attempts;

-- name: WebhookGiveUp :one
select tenancy.give_up_webhooks(@keep, @problem, @max_rows)::bigint as given_up;

-- name: WebhookForget :one
select tenancy.forget_webhooks(@max_rows)::bigint as deleted;

-- What an e-mail tells of an endpoint that is not active any more.
-- name: WebhookForEmail :one
select u.email, c.name as customer_name, c.language, (c.archived_at is not null)::boolean as archived, e.url, e.description, e.state,
    coalesce(e.reason, '')::text as reason
from memberships m
    join customers c on c.id = m.customer_id
    join users u on u.id = m.user_id
    join webhook_endpoints e on e.customer_id = m.customer_id and e.id = @endpoint_id
where m.user_id = @user_id and m.role in ('owner', 'admin') and u.email_verified and u.email is not null;
