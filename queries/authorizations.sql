-- The id under which somebody's sign-in at a platform is known already: it is kept, and what is new is sealed for it.
-- name: AuthorizationFindByLogin :one
select a.id from authorizations a where a.platform = @platform and a.external_id = @external_id;

-- name: AuthorizationCreate :exec
insert into authorizations (id, platform, external_id, name, scopes, credential, key_id, expires_at, renew_at, reconnect_by)
values (@id, @platform, @external_id, @name, @scopes, @credential, @key_id, @expires_at, @renew_at, @reconnect_by);

-- Whoever signs in again replaces what their earlier sign-in gave; the database makes it active and ends a renewal
-- that is under way.
-- name: AuthorizationReconnect :execrows
update authorizations
set name = @name, scopes = @scopes, credential = @credential, key_id = @key_id, expires_at = @expires_at, renew_at = @renew_at,
    reconnect_by = @reconnect_by
where id = @id;

-- Where a renewal stands. due: the time for it has come; ending: the access token is not good for much longer; leased:
-- somebody is at it; waits: it failed, and is to be tried again later.
-- name: AuthorizationWatch :one
select a.platform, a.external_id, a.state, a.reason, a.version, a.renew_at, a.lease_until, a.state_since, a.failures, a.failure, a.created_at,
    coalesce(a.renew_at <= now(), false)::boolean as due,
    coalesce(a.expires_at <= now() + @margin::interval, false)::boolean as ending,
    coalesce(a.expires_at <= now(), false)::boolean as ended,
    coalesce(a.lease_until > now(), false)::boolean as leased,
    coalesce(a.failures > 0 and a.renew_at > now(), false)::boolean as waits
from authorizations a
where a.id = @id;

-- Takes the lease on a renewal, and the sealed tokens with it, which is recorded. No row where there is nothing to renew
-- (any more), or somebody else is at it: that is looked at under the row's lock. The access token that the platform
-- refused is renewed before its time, if it is still the one of refused_version. From here on nobody knows what the
-- platform has made of it until an answer is stored; was_unanswered says that this was so already.
-- name: AuthorizationTakeLease :one
with before as materialized (
    select a.id, a.unanswered
    from authorizations a
    where a.id = @id and a.state = 'active' and a.renew_at is not null and (a.lease is null or a.lease_until <= now())
        and (a.renew_at <= now()
            or (a.failures = 0 and (a.expires_at <= now() + @margin::interval or a.version = @refused_version::bigint)))
    for no key update
)
update authorizations a
set lease = @lease, lease_until = now() + @duration::interval, unanswered = true
from before b
where a.id = b.id
returning a.platform, a.external_id, a.version, a.failures, a.expires_at, a.reconnect_by, b.unanswered as was_unanswered,
    tenancy.use_authorization(a.id, 'renew')::bytea as credential;

-- Stores what a renewal gave, as long as the lease is still the caller's; the lease goes on where there is more to do.
-- An authorization that is being revoked has its newest tokens revoked.
-- name: AuthorizationStoreTokens :execrows
update authorizations
set credential = @credential, key_id = @key_id, scopes = @scopes, expires_at = @expires_at, renew_at = @renew_at,
    reminded = case when reconnect_by is distinct from @reconnect_by then null else reminded end, reconnect_by = @reconnect_by,
    lease = case when @keep_lease::boolean then lease end, lease_until = case when @keep_lease::boolean then lease_until end,
    unanswered = false, failures = 0, failing_since = null, failure = null, renewed_at = now()
where id = @id and lease = @lease and state in ('active', 'revoking');

-- Ends a renewal whose tokens are stored already.
-- name: AuthorizationRenewalDone :execrows
update authorizations
set lease = null, lease_until = null, failures = 0, failing_since = null, failure = null, renew_at = @renew_at
where id = @id and lease = @lease;

-- Gives the lease back after a renewal that failed for a passing reason.
-- name: AuthorizationRenewalFailed :execrows
update authorizations
set lease = null, lease_until = null, unanswered = @unanswered, failures = failures + 1, failing_since = coalesce(failing_since, now()),
    failure = @failure, renew_at = now() + @wait::interval
where id = @id and lease = @lease;

-- Gives the lease back, with nothing having been done.
-- name: AuthorizationGiveBackLease :execrows
update authorizations
set lease = null, lease_until = null, unanswered = @unanswered
where id = @id and lease = @lease;

-- The platform has ended the grant; says whoever holds the lease.
-- name: AuthorizationRenewalRefused :execrows
update authorizations
set state = 'needs_reauth', reason = @reason, lease = null, lease_until = null, unanswered = false
where id = @id and state = 'active' and lease = @lease;

-- Only a person can prolong it; found by using it. What somebody renews at this moment, or has renewed, is left alone.
-- name: AuthorizationNeedsReauth :execrows
update authorizations
set state = 'needs_reauth', reason = @reason
where id = @id and state = 'active' and version = @version and (lease is null or lease_until <= now());

-- What there is to do about authorizations of all customers.
-- name: AuthorizationListToDo :many
select a.customer_id::uuid as customer_id, a.id::uuid as id, a.work::text as work
from tenancy.authorizations_to_do(@platforms::text[], @max_rows) a;

-- name: AuthorizationListToRemind :many
select a.customer_id::uuid as customer_id, a.id::uuid as id, a.days::integer as days
from tenancy.authorizations_to_remind(@max_rows) a;

-- Notes that the owners are reminded, once for each number of days.
-- name: AuthorizationRemind :execrows
update authorizations
set reminded = @days::integer
where id = @id and state = 'active' and reconnect_by > now() and reconnect_by <= now() + make_interval(days => @days::integer)
    and (reminded is null or reminded > @days::integer);

-- The sealed tokens of an authorization, for a purpose that is recorded. NULL where there are none.
-- name: AuthorizationUse :one
select tenancy.use_authorization(@id, @purpose)::bytea as credential;

-- name: AuthorizationRevocationFailed :execrows
update authorizations
set failures = failures + 1, failing_since = coalesce(failing_since, now()), failure = @failure
where id = @id and state = 'revoking';

-- Whether a platform may be told to end every grant of a login: no other authorization needs it, of whatever customer. If
-- so, what somebody is given for the login until the telling has ended is not kept; see LoginHold.
-- name: AuthorizationBeginLoginRevocation :one
select tenancy.begin_login_revocation(@id)::boolean as begun;

-- name: AuthorizationBeginLoginRevocationOfErased :one
select tenancy.begin_login_revocation_of_erased(@erasure_id, @id)::boolean as begun;

-- Says that a platform has answered to AuthorizationBeginLoginRevocation.
-- name: AuthorizationEndLoginRevocation :exec
select tenancy.end_login_revocation(@id);

-- name: AuthorizationEnd :one
select tenancy.end_authorization(@id, @version, @outcome)::boolean as ended;

-- name: AuthorizationListOfErased :many
select a.id::uuid as id, a.platform::text as platform, a.credential::bytea as credential
from tenancy.use_authorizations_of_erased(@erasure_id) a;

-- What the worker writes an e-mail from: to one person, about an authorization or about one account. accounts are the
-- names of those that it is about.
-- name: ConnectionForEmail :one
select u.email, c.name as customer_name, c.language, (c.archived_at is not null)::boolean as archived,
    coalesce(a.platform, i.platform, '')::text as platform,
    coalesce(case when sqlc.narg('integration_id')::uuid is not null then i.state else a.state end, '')::text as state,
    coalesce(case when sqlc.narg('integration_id')::uuid is not null then i.reason else a.reason end, '')::text as reason,
    a.reconnect_by,
    coalesce(case when sqlc.narg('integration_id')::uuid is not null then array[i.name] else array(
        select x.name from integrations x
        where x.customer_id = a.customer_id and x.authorization_id = a.id and x.state <> 'disconnected'
        order by x.name, x.id limit 100) end, '{}')::text[] as accounts
from memberships m
    join customers c on c.id = m.customer_id
    join users u on u.id = m.user_id
    left join authorizations a on a.customer_id = m.customer_id and a.id = sqlc.narg('authorization_id')::uuid
    left join integrations i on i.customer_id = m.customer_id and i.id = sqlc.narg('integration_id')::uuid
where m.user_id = @user_id and m.role in ('owner', 'admin') and u.email_verified and u.email is not null;
