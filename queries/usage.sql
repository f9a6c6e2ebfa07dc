-- Counts what the entered customer uses, in the transaction in which it does: see tenancy.count_usage.
-- name: UsageCount :exec
select tenancy.count_usage(@kind, @count);

-- What the entered customer has used from one day to another, by period (day, month or total), kind and platform.
-- name: UsageList :many
select (case @group_by::text when 'day' then u.day when 'month' then date_trunc('month', u.day)::date else @from_day::date end)::date as period,
    u.kind, u.platform, sum(u.count)::bigint as count, sum(u.input_tokens)::bigint as input_tokens, sum(u.output_tokens)::bigint as output_tokens,
    sum(u.cost_microusd)::bigint as cost_microusd
from (
    select d.day, d.kind, d.platform, d.count, d.input_tokens, d.output_tokens, d.cost_microusd from usage_days d
    union all
    select e.day, e.kind, e.platform, e.count, e.input_tokens, e.output_tokens, e.cost_microusd from usage_entries e) u
where u.day between @from_day::date and @to_day::date
group by 1, u.kind, u.platform
order by 1, u.kind, u.platform;

-- What each customer has used in a month; for system roles, in no customer.
-- name: UsageListByCustomer :many
select u.customer_id::uuid as customer_id, u.name::text as name, u.used::jsonb as used
from tenancy.usage_of_customers(@month::date, @after::uuid, @max_rows::integer) u;

-- Adds up what was counted of all customers, up to so many entries. Runs as the worker.
-- name: UsageAddUp :one
select tenancy.add_up_usage(@max_rows)::bigint;
