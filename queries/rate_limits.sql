-- The customer's own limits.
-- name: RateLimitRuleList :many
select r.endpoint, r.quota, r.window_seconds, r.version
from rate_limit_rules r
order by r.endpoint;

-- name: RateLimitRuleGet :one
select r.endpoint, r.quota, r.window_seconds, r.version
from rate_limit_rules r
where r.endpoint = @endpoint;

-- name: RateLimitRuleSet :one
insert into rate_limit_rules (endpoint, quota, window_seconds)
values (@endpoint, @quota, @window_seconds)
on conflict (customer_id, endpoint) do update set quota = excluded.quota, window_seconds = excluded.window_seconds
returning version;

-- name: RateLimitRuleDelete :execrows
delete from rate_limit_rules
where endpoint = @endpoint and version = coalesce(sqlc.narg('version'), version);

-- Deletes what says nothing any more of how limits were used, up to so many rows of each table. Runs as the worker.
-- name: RateLimitSweep :one
select tenancy.sweep_rate_limits(@max_rows)::bigint;
