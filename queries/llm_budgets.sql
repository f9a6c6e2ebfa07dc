-- Reserves what a call of an LLM may use at most, before it is made: see tenancy.reserve_llm. FF011 where the month's budget does
-- not have as much; llm_reservations_request_key while the same request is under way.
-- name: LLMReserve :exec
select tenancy.reserve_llm(@id, @kind, @own_key, @tokens, @cost_microusd, @default_tokens, @default_cost_microusd, sqlc.narg('request'));

-- Puts what a call has used in the place of its reservation, and no more than that. False: the reservation has ended already, and nothing was done.
-- name: LLMSettle :one
select tenancy.settle_llm(@id, @input_tokens, @output_tokens, @cost_microusd)::boolean as settled;

-- Gives back the reservation of a call that has used nothing. False: it has ended already.
-- name: LLMRelease :one
select tenancy.release_llm(@id)::boolean as released;

-- The entered customer's own budget, if it has one (then version is not 0), and what was taken of this month's.
-- name: LLMBudgetGet :one
select b.monthly_tokens, b.monthly_cost_microusd, coalesce(b.version, 0)::bigint as version, x.month,
    coalesce(m.tokens, 0)::bigint as tokens, coalesce(m.cost_microusd, 0)::bigint as cost_microusd,
    coalesce(m.reserved_tokens, 0)::bigint as reserved_tokens, coalesce(m.reserved_cost_microusd, 0)::bigint as reserved_cost_microusd,
    coalesce(m.lost_tokens, 0)::bigint as lost_tokens, coalesce(m.lost_cost_microusd, 0)::bigint as lost_cost_microusd
from (select tenancy.month_of(now())::date as month) x
    left join llm_budgets b on true
    left join llm_months m on m.month = x.month;

-- name: LLMBudgetSet :one
insert into llm_budgets (monthly_tokens, monthly_cost_microusd)
values (sqlc.narg('monthly_tokens'), sqlc.narg('monthly_cost_microusd'))
on conflict (customer_id) do update set monthly_tokens = excluded.monthly_tokens, monthly_cost_microusd = excluded.monthly_cost_microusd
returning version;

-- name: LLMBudgetDelete :execrows
delete from llm_budgets
where version = coalesce(sqlc.narg('version'), version);

-- Finds reservations of all customers that were left behind, up to so many: see tenancy.expire_llm. Runs as the worker.
-- name: LLMExpire :one
select tenancy.expire_llm(@max_rows)::bigint;
