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
