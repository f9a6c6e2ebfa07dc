-- Room for a file; see tenancy.reserve_media.
-- name: MediaReserve :one
select tenancy.reserve_media(@bytes, @up_to, @quota)::bigint as bytes;

-- name: MediaCreate :exec
insert into media (id, path, content_type, bytes, alt_text, name, state)
values (@id, 'set by the database', @content_type, @bytes, @alt_text, @name, 'uploading');

-- The file is in the bucket, and this is what it is. Where it comes from is there for photos of a library.
-- name: MediaReady :execrows
update media
set state = 'ready', bytes = @bytes, sha256 = @sha256, width = @width, height = @height, duration_ms = @duration_ms, animated = @animated,
    content_type = @content_type, alt_text = coalesce(sqlc.narg('alt_text'), alt_text),
    source = sqlc.narg('source'), source_id = sqlc.narg('source_id'), source_url = sqlc.narg('source_url'),
    photographer = sqlc.narg('photographer'), photographer_url = sqlc.narg('photographer_url')
where id = @id and state = 'uploading';

-- name: MediaGet :one
select m.id, m.name, m.alt_text, m.content_type, m.bytes, m.width, m.height, m.duration_ms, m.animated, m.sha256, m.path, m.created_by,
    m.source, m.source_id, m.source_url, m.photographer, m.photographer_url, m.version, m.created_at, m.updated_at
from media m
where m.id = @id and m.state = 'ready';

-- name: MediaList :many
select m.id, m.name, m.alt_text, m.content_type, m.bytes, m.width, m.height, m.duration_ms, m.animated, m.sha256, m.path, m.created_by,
    m.source, m.source_id, m.source_url, m.photographer, m.photographer_url, m.version, m.created_at, m.updated_at
from media m
where m.id < @before and m.state = 'ready'
order by m.id desc
limit @max_rows;

-- name: MediaUpdate :execrows
update media
set name = coalesce(sqlc.narg('name'), name), alt_text = coalesce(sqlc.narg('alt_text'), alt_text)
where id = @id and state = 'ready' and version = coalesce(sqlc.narg('version'), version);

-- Nobody sees it any more; then its bytes are deleted, then its row.
-- name: MediaHide :execrows
update media
set state = 'deleting'
where id = @id and state = 'ready' and version = coalesce(sqlc.narg('version'), version);

-- The upload has come to nothing.
-- name: MediaGiveUp :execrows
update media
set state = 'deleting'
where id = @id and state = 'uploading';

-- The file's bytes are deleted.
-- name: MediaDelete :exec
delete from media
where id = @id and state <> 'ready';

-- name: MediaListToRemove :many
select m.customer_id::uuid as customer_id, m.id::uuid as id
from tenancy.media_to_remove(@max_rows) m;

-- name: MediaListForBackup :many
select m.id, m.bytes, m.sha256, m.created_at
from media m
where m.state = 'ready' and m.id > @after
order by m.id
limit @max_rows;

-- name: MediaForBackup :one
select m.id, m.bytes, m.sha256, m.created_at
from media m
where m.state = 'ready' and m.id = @id;
