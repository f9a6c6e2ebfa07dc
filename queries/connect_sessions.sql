-- name: ConnectSessionCreate :one
insert into connect_sessions (id, platform, state_hash, cookie_hash, redirect_uri, return_to, secret, key_id)
values (@id, @platform, @state_hash, @cookie_hash, @redirect_uri, @return_to, @secret, @key_id)
returning expires_at;

-- Uses up a state that a platform has sent back, if it fits; see tenancy.use_connect_session. An id of zeros: none.
-- name: ConnectSessionUse :one
select s.outcome::text as outcome, s.id::uuid as id, coalesce(s.redirect_uri, '')::text as redirect_uri, coalesce(s.return_to, '')::text as return_to,
    s.secret::bytea as secret, tenancy.customer_id()::uuid as customer_id
from ( -- sqlc knows no columns of a function with OUT parameters
    select (u).outcome, coalesce((u).id, '00000000-0000-0000-0000-000000000000') as id, (u).redirect_uri, (u).return_to, (u).secret
    from tenancy.use_connect_session(@state_hash, @cookie_hash, @platform) u) s;

-- One's own session, whether one may (still) connect accounts, also where the customer is archived, and which accounts
-- of the platform are connected.
-- name: ConnectSessionGet :one
select s.id, s.platform, s.state, s.result, s.accounts, s.expires_at, (s.expires_at <= now())::boolean as expired,
    array(select i.external_id from integrations i where i.platform = s.platform and i.state <> 'disconnected')::text[] as connected
from connect_sessions s
where s.id = @id;

-- Whether the entered user is one of those who connect accounts, if the customer is not archived.
-- name: ConnectSessionMayRead :one
select coalesce(tenancy.member_role() in ('admin', 'owner') or tenancy.system_role() = 'admin', false)::boolean as allowed;

-- Keeps a login from being revoked until the transaction ends, and tells whether what a session was given for it is still
-- good: no revocation of the login was under way since the session's state was used up.
-- name: LoginHold :one
select tenancy.hold_login(@connect_session_id, @login::text)::boolean as good;

-- name: ConnectSessionChoose :execrows
update connect_sessions
set state = 'choosing', login = @login::text, accounts = @accounts, secret = @secret, key_id = @key_id
where id = @id and state = 'answered';

-- Ends a session that has not ended; its secret goes with it.
-- name: ConnectSessionFinish :execrows
update connect_sessions
set state = @state, result = @result::text
where id = @id and state not in ('connected', 'failed');

-- The sealed tokens of a session whose accounts are to be chosen, for whoever may choose; locks it.
-- name: ConnectSessionSecret :one
select tenancy.connect_session_secret(@id)::bytea as secret;

-- Fails a session whose state is used up and of which nothing was kept.
-- name: ConnectSessionFailAnswered :execrows
update connect_sessions
set state = 'failed', result = @result::text
where id = @id and state = 'answered';

-- name: ConnectSessionDeleteExpired :one
select tenancy.delete_expired_connect_sessions(@max_rows)::bigint as deleted;
