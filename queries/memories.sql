-- name: MemoryCreate :exec
insert into memories (id, space_id, text)
values (@id, coalesce(sqlc.narg('space_id')::uuid, tenancy.space_id()), @text);

-- name: MemoryGet :one
select m.id, m.space_id, m.text, m.created_by, m.person, m.version, m.created_at, m.updated_at, ''::text as snippet
from memories m
where m.id = @id and (select tenancy.permit_conversations());

-- Of a space, the one that is named or that the caller acts in, with those of the whole customer; of all spaces where there is neither.
-- name: MemoryList :many
select m.id, m.space_id, m.text, m.created_by, m.person, m.version, m.created_at, m.updated_at, ''::text as snippet
from memories m
where m.id < @before and (select tenancy.permit_conversations())
    and (m.space_id is null or m.space_id = coalesce(sqlc.narg('space_id')::uuid, tenancy.space_id(), m.space_id))
order by m.id desc
limit @max_rows;

-- Those in which the query finds something, the best first, of the same as in MemoryList.
-- name: MemorySearch :many
select m.id, m.space_id, m.text, m.created_by, m.person, m.version, m.created_at, m.updated_at, tenancy.snippet(m.text, @query)::text as snippet
from memories m
where m.search @@ tenancy.search_query(@query) and (select tenancy.permit_conversations())
    and (m.space_id is null or m.space_id = coalesce(sqlc.narg('space_id')::uuid, tenancy.space_id(), m.space_id))
order by ts_rank_cd(m.search, tenancy.search_query(@query), 1) desc, m.id desc
limit @max_rows;

-- Those that mean most nearly the same as what the embedding is of, the nearest first; none without the extension vector.
-- name: MemoryNearest :many
select m.id, m.space_id, m.text, m.created_by, m.person, m.version, m.created_at, m.updated_at, ''::text as snippet, n.distance::double precision as distance
from tenancy.nearest_memories(sqlc.narg('space_id'), @embedding::real[], @model, @max_rows) n
    join memories m on m.id = n.id
where (select tenancy.permit_conversations())
order by n.distance, m.id desc;

-- name: MemoryUpdate :execrows
update memories
set text = @text
where id = @id and version = coalesce(sqlc.narg('version'), version) and (select tenancy.permit_conversations());

-- name: MemoryDelete :execrows
delete from memories
where id = @id and version = coalesce(sqlc.narg('version'), version) and (select tenancy.permit_conversations());

-- name: MemoryDeleteOfSpace :execrows
delete from memories m
where m.space_id = @space_id::uuid and (sqlc.narg('before')::timestamptz is null or m.created_at < sqlc.narg('before')) and (select tenancy.permit_conversations());

-- What is to be kept in mind when a post is written: of the caller's space and of the whole customer, the newest, as far as the caller may see it.
-- name: MemoryListForPost :many
select left(m.text, @max_characters::integer)::text as text
from memories m
where m.space_id is null or m.space_id = tenancy.space_id()
order by m.id desc
limit @max_rows;

-- name: MemoryListToEmbed :many
select m.customer_id::uuid as customer_id, m.id::uuid as id
from tenancy.memories_to_embed(@model, @max_rows) m;

-- name: MemoryForEmbedding :one
select m.text, m.version
from memories m
where m.id = @id and m.embedding_model is distinct from @model::text;

-- Without an embedding, the model refuses the text.
-- name: MemoryEmbed :execrows
update memories
set embedding = sqlc.narg('embedding')::real[], embedding_model = @model::text
where id = @id and version = @version;
