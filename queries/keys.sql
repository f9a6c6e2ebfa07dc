-- How many values of which table are under which key; key 0: they name none.
-- name: SealedCount :many
select c.table_name::text as table_name, coalesce(c.key_id, 0)::bigint as key_id, c.sealed_rows::bigint as sealed_rows
from tenancy.count_sealed() c;

-- Values of a table that are not under the wanted key; from here on the use of credentials is on record. An empty value
-- is one of which nobody has the key. What belongs to no customer is the installation's.
-- name: SealedValueList :many
select v.row_key::text[] as row_key, coalesce(v.customer_id, tenancy.installation_id())::uuid as customer_id,
    coalesce(v.platform, '')::text as platform, coalesce(v.key_id, 0)::bigint as key_id, coalesce(v.sealed, '')::bytea as sealed
from tenancy.sealed_values(@table_name, @key_id, @readable::bigint[], sqlc.narg('after')::text[], @max_rows, @request) v;

-- name: SealedValueReplace :one
select tenancy.reseal(@table_name, @row_key::text[], @old_value, @new_value, @request)::boolean as replaced;

-- What there is of re-encryption in the queue, the newest first.
-- name: ResealJobList :many
select j.id, j.state::text as state, coalesce((j.args ->> 'key_id')::bigint, 0)::bigint as key_id, j.created_at
from river.river_job j
where j.kind = 'reseal' and j.customer_id is null
order by j.id desc
limit 10;
