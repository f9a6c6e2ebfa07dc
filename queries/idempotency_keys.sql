-- Claims a key for the transaction, or gives what was asked and answered with it before.
-- name: IdempotencyKeyClaim :one
select c.claimed::boolean as claimed, coalesce(c.fingerprint, '')::bytea as fingerprint, coalesce(c.answer, '')::bytea as answer
from tenancy.claim_idempotency_key(@operation, @key, @fingerprint) c;

-- Keeps the answer, with the customer that the transaction is in by now.
-- name: IdempotencyKeyAnswer :execrows
update idempotency_keys
set answer = @answer, key_id = @key_id, subject_id = nullif(current_setting('fanfare.customer_id', true), '')::uuid
where actor_id = tenancy.actor_id() and operation = @operation and key = @key;

-- What was asked and answered with a key within the last day.
-- name: IdempotencyKeyGet :one
select k.fingerprint, coalesce(k.answer, '')::bytea as answer
from idempotency_keys k
where k.actor_id = tenancy.actor_id() and k.operation = @operation and k.key = @key and k.created_at > now() - interval '24 hours';

-- name: IdempotencyKeyDeleteExpired :one
select tenancy.delete_expired_idempotency_keys(@max_rows)::bigint as deleted;
