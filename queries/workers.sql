-- name: WorkerRenew :exec
insert into workers (id, lease_until)
values (@id, now() + @lease::interval)
on conflict (id) do update set lease_until = excluded.lease_until;

-- name: WorkerDelete :exec
delete from workers
where id = @id;

-- Forgets workers that have been dead for an hour.
-- name: WorkerDeleteStale :execrows
delete from workers
where lease_until < now() - interval '1 hour';

-- What a readiness check asks. Runs as a login, outside a tenant.
-- name: Readiness :one
select r.schema_version::text as schema_version, r.live_workers::bigint as live_workers
from tenancy.readiness() r;
