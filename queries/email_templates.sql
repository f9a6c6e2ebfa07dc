-- name: EmailTemplateCreate :exec
insert into email_templates (id, name, subject, preview_text, html)
values (@id, @name, @subject, @preview_text, @html);

-- name: EmailTemplateGet :one
select t.id, t.name, t.subject, t.preview_text, t.html, t.version, t.created_at, t.updated_at
from email_templates t
where t.id = @id;

-- name: EmailTemplateList :many
select t.id, t.name, t.subject, t.preview_text, t.html, t.version, t.created_at, t.updated_at
from email_templates t
where t.id < @before
order by t.id desc
limit @max_rows;

-- name: EmailTemplateUpdate :execrows
update email_templates
set name = coalesce(sqlc.narg('name'), name), subject = coalesce(sqlc.narg('subject'), subject),
    preview_text = coalesce(sqlc.narg('preview_text'), preview_text), html = coalesce(sqlc.narg('html'), html)
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- name: EmailTemplateDelete :execrows
delete from email_templates
where id = @id and version = coalesce(sqlc.narg('version'), version);

-- A template, and the name of the customer, to be filled in.
-- name: EmailTemplateForPreview :one
select t.subject, t.preview_text, t.html, tenancy.customer_name()::text as customer
from email_templates t
where t.id = @id;
