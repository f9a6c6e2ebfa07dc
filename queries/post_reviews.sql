-- Writes down what was said about a post; of which version, the database says. No row: there is no such post.
-- name: PostReviewCreate :execrows
insert into post_reviews (id, post_id, post_version, verdict, comment)
select @id::uuid, p.id, p.version, @verdict::text, @comment::text
from posts p
where p.id = @post_id;

-- Within a space, without the descriptions of files that are not seen there.
-- name: PostReviewGet :one
select r.id, r.post_version, r.verdict, r.comment, r.created_by, r.space_id, r.created_at,
    (case when r.content is null or (select tenancy.space_id()) is null then r.content
        else jsonb_set(r.content, '{media}', (
            select coalesce(jsonb_agg(described order by described ->> 'id'), '[]')
            from jsonb_array_elements(r.content -> 'media') described
            where exists (select from media m where m.customer_id = r.customer_id and m.id = (described ->> 'id')::uuid)))
    end)::jsonb as content
from post_reviews r
where r.post_id = @post_id and r.id = @id;

-- What was said about a post, newest first, without what the post said then, which may be long.
-- name: PostReviewList :one
select (select coalesce(jsonb_agg(jsonb_build_object(
            'id', r.id,
            'post_version', r.post_version,
            'verdict', r.verdict,
            'comment', r.comment,
            'created_by', r.created_by,
            'space_id', r.space_id,
            'created_at', r.created_at,
            'has_content', r.has_content) order by r.id desc), '[]')
        from (
            select pr.id, pr.post_version, pr.verdict, pr.comment, pr.created_by, pr.space_id, pr.created_at, pr.content is not null as has_content
            from post_reviews pr
            where pr.customer_id = p.customer_id and pr.post_id = p.id and pr.id < @before
            order by pr.id desc
            limit @max_rows) r)::jsonb as reviews
from posts p
where p.id = @post_id;
