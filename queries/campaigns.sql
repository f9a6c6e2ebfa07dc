-- name: CampaignCreate :exec
insert into campaigns (id, name, goal, starts_on, ends_on)
values (@id, @name, @goal, @starts_on, @ends_on);

-- name: CampaignGet :one
select c.id, c.name, c.goal, c.starts_on, c.ends_on, c.archived_at, c.version, c.created_at, c.updated_at
from campaigns c
where c.id = @id;

-- name: CampaignList :many
select c.id, c.name, c.goal, c.starts_on, c.ends_on, c.archived_at, c.version, c.created_at, c.updated_at
from campaigns c
where c.id < @before and (@archived::boolean or c.archived_at is null)
order by c.id desc
limit @max_rows;

-- The dates may be set to nothing, so a flag says whether each is meant.
-- name: CampaignUpdate :execrows
update campaigns
set name = coalesce(sqlc.narg('name'), name),
    goal = coalesce(sqlc.narg('goal'), goal),
    starts_on = case when @starts_on_do_update::boolean then sqlc.narg('starts_on')::date else starts_on end,
    ends_on = case when @ends_on_do_update::boolean then sqlc.narg('ends_on')::date else ends_on end
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: CampaignArchive :execrows
update campaigns
set archived_at = coalesce(archived_at, now())
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: CampaignDelete :execrows
delete from campaigns
where id = @id and version = coalesce(sqlc.narg('version'), version);
