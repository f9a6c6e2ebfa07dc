-- Has changes of the entered customer be told for a while, and gives what they are told as.
-- name: LiveWatch :one
select tenancy.watch()::text as topic;

-- Nothing but what entering the customer refuses.
-- name: LiveMayWatch :one
select true;

-- name: LiveForget :one
select tenancy.forget_watched()::bigint as forgotten;
