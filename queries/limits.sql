-- Takes one of the requests that an account still has at its platform. NULL: go ahead; else when to ask again.
-- name: AccountLimitReserve :one
select coalesce(tenancy.reserve_request(@integration_id, @platform), 'epoch')::timestamptz as wait_until, now()::timestamptz as database_now;

-- Notes what a platform says of an account. Of one window the fewest that are left count: answers arrive in any order, and some
-- requests are still on their way.
-- name: AccountLimitObserve :exec
insert into account_limits as l (integration_id, quota, remaining, resets_at)
values (@integration_id, sqlc.narg('quota'), @remaining, @resets_at)
on conflict (customer_id, integration_id) do update
set quota = coalesce(excluded.quota, l.quota), resets_at = excluded.resets_at,
    remaining = case
        when l.resets_at between excluded.resets_at - interval '5 seconds' and excluded.resets_at + interval '5 seconds'
            then least(l.remaining, excluded.remaining)
        else excluded.remaining end;

-- Gives back a request that was taken and not made.
-- name: AccountLimitReturn :exec
update account_limits
set remaining = least(remaining + 1, quota)
where integration_id = @integration_id and resets_at > now();

-- name: AccountLimitPause :exec
insert into account_limits as l (integration_id, paused_until)
values (@integration_id, now() + @pause::interval)
on conflict (customer_id, integration_id) do update
set paused_until = greatest(l.paused_until, excluded.paused_until);

-- name: AppLimitPause :exec
insert into app_limits as l (platform, paused_until)
values (@platform, now() + @pause::interval)
on conflict (platform) do update
set paused_until = greatest(l.paused_until, excluded.paused_until);
