-- The snippet marks what was found by characters 1 and 2; '' without a query.

-- name: MessageList :many
select m.id, m.space_id, m.direction, m.person, m.person_name, m.text, m.said_at, ''::text as snippet
from messages m
where m.space_id = @space_id and m.id < @before and (select tenancy.permit_conversations())
order by m.id desc
limit @max_rows;

-- name: MessageSearch :many
select m.id, m.space_id, m.direction, m.person, m.person_name, m.text, m.said_at, tenancy.snippet(m.text, @query)::text as snippet
from tenancy.find_messages(@space_id, @query, @before, @max_rows) f
    join messages m on m.id = f.id
where (select tenancy.permit_conversations())
order by m.id desc;

-- Whether the caller may: a system role needs to be admin's, with a reason.
-- name: MessageMayDelete :one
select (case when current_user = 'fanfare_admin' then tenancy.has_system_role('admin') else tenancy.has_role('admin') end)::boolean;

-- name: MessageDelete :execrows
delete from messages m
where m.space_id = @space_id and (sqlc.narg('before')::timestamptz is null or m.said_at < sqlc.narg('before')) and (select tenancy.permit_conversations());

-- Whether there is such a space for the caller, whatever they may read of it.
-- name: SpaceThere :one
select tenancy.has_space(@id)::boolean as there;
