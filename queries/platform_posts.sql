-- name: PlatformPostCreate :exec
insert into platform_posts (id, post_id, integration_id, text, options, own_media)
values (@id, @post_id, @integration_id, @text, @options, @own_media);

-- name: PlatformPostSetContent :one
update platform_posts
set text = @text, options = @options, own_media = @own_media
where post_id = @post_id and integration_id = @integration_id
returning id;

-- name: PlatformPostMediaDelete :exec
delete from platform_post_media where platform_post_id = @platform_post_id;

-- Gives a platform post files of its own, in their order.
-- name: PlatformPostMediaCreate :exec
insert into platform_post_media (platform_post_id, media_id, position)
select @platform_post_id, m.id, m.place - 1
from unnest(@media_ids::uuid[]) with ordinality as m (id, place);

-- Takes the accounts off a post that are no longer named.
-- name: PlatformPostDeleteOthers :execrows
delete from platform_posts
where post_id = @post_id and integration_id <> all (@keep_integration_ids::uuid[]);

-- A post's platform posts, with what they say, and what must be known of their accounts to put it on its way.
-- name: PlatformPostListByPost :many
select pp.id, pp.integration_id, pp.state, p.title, coalesce(pp.text, p.text)::text as text, pp.options, pp.own_media,
    (select coalesce(jsonb_agg(f.file order by f.position), '[]') from platform_post_files f
        where f.customer_id = pp.customer_id and f.platform_post_id = pp.id)::jsonb as files,
    (select jsonb_build_object('subject', t.subject, 'preview_text', t.preview_text, 'html', t.html, 'customer', tenancy.customer_name())
        from email_templates t where t.customer_id = pp.customer_id and t.id::text = pp.options ->> 'template_id') as template,
    pp.problem_class, pp.external_id, i.platform, i.name as integration_name, i.state as integration_state,
    (p.approved_at is not null)::boolean as approved, (select a.required from tenancy.approval() a)::boolean as approval_required
from platform_posts pp
    join posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
    join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
where pp.post_id = @post_id
order by pp.id;

-- Puts up for approval what is not out and not under way, and what was never sent because its account was not connected.
-- name: PlatformPostSubmitByPost :execrows
update platform_posts
set state = 'pending_approval', retry_at = null, problem = null, problem_class = null
where post_id = @post_id
    and (state in ('draft', 'failed') or (state = 'needs_attention' and problem_class = 'credential' and external_id is null));

-- An account that joins a post which waits for approval waits with it.
-- name: PlatformPostSubmitAdded :execrows
update platform_posts pp
set state = 'pending_approval'
where pp.post_id = @post_id and pp.state = 'draft' and exists (
    select from platform_posts o
    where o.customer_id = pp.customer_id and o.post_id = pp.post_id and o.state = 'pending_approval');

-- name: PlatformPostWithdrawByPost :execrows
update platform_posts
set state = 'draft'
where post_id = @post_id and state = 'pending_approval';

-- name: PlatformPostApproveByPost :execrows
update platform_posts
set state = 'approved'
where post_id = @post_id and state = 'pending_approval';

-- name: PlatformPostQueueApproved :many
update platform_posts
set state = 'scheduled'
where post_id = @post_id and state = 'approved'
returning id;

-- A person has seen that it is there. What is known of it already, because part of it was published, is kept.
-- name: PlatformPostConfirm :execrows
update platform_posts
set state = 'published', external_id = coalesce(external_id, @external_id), external_url = @external_url,
    published_at = coalesce(sqlc.narg('published_at'), published_at, now()), retry_at = null, problem = null, problem_class = null
where id = @id and state = 'needs_attention';

-- Puts one platform post on its way again.
-- name: PlatformPostRetryOne :execrows
update platform_posts
set state = 'scheduled', retry_at = null, problem = null, problem_class = null
where id = @id and state in ('failed', 'needs_attention');

-- Makes the platform posts of a cancelled post drafts again, but for those that may be out.
-- name: PlatformPostReopenByPost :execrows
update platform_posts
set state = 'draft'
where post_id = @post_id and state = 'cancelled' and external_id is null and problem_class is distinct from 'unknown_outcome';

-- Puts a post's platform posts on their way: those that are not out and not under way. What failed is tried
-- again, and so is what was never sent because its account was not connected; what else a person must decide on is
-- left alone.
-- name: PlatformPostQueueByPost :many
update platform_posts
set state = 'scheduled', retry_at = null, problem = null, problem_class = null
where post_id = @post_id
    and (state in ('draft', 'approved', 'scheduled', 'failed') or (state = 'needs_attention' and problem_class = 'credential'))
returning id;

-- What made it wait is over; why it failed is kept.
-- name: PlatformPostCancelByPost :execrows
update platform_posts
set state = 'cancelled', retry_at = null, problem = case when state <> 'scheduled' then problem end,
    problem_class = case when state <> 'scheduled' then problem_class end
where post_id = @post_id and state in ('draft', 'pending_approval', 'approved', 'scheduled', 'failed', 'needs_attention');

-- Everything of the customer that waits for its time, when the customer is archived.
-- name: PlatformPostCancelScheduled :execrows
update platform_posts
set state = 'cancelled', retry_at = null, problem = null, problem_class = null
where state = 'scheduled';

-- name: PlatformPostCancel :execrows
update platform_posts
set state = 'cancelled', retry_at = null, problem = null, problem_class = null
where id = @id and state = 'scheduled';

-- Locks a platform post for the worker, with everything that publishing needs. Its post is locked before
-- (PostLock), in the order in which the API locks them, and so that what is read here is newer than the wait.
-- name: PlatformPostLock :one
select pp.id, pp.post_id, pp.integration_id, pp.state, pp.attempt, pp.retry_at, pp.checkpoint, pp.external_id,
    coalesce(pp.text, p.text)::text as text, p.title, p.scheduled_at, pp.options, pp.first_attempt,
    (select coalesce(jsonb_agg(f.file order by f.position), '[]') from platform_post_files f
        where f.customer_id = pp.customer_id and f.platform_post_id = pp.id)::jsonb as files,
    (select jsonb_build_object('subject', t.subject, 'preview_text', t.preview_text, 'html', t.html, 'customer', tenancy.customer_name())
        from email_templates t where t.customer_id = pp.customer_id and t.id::text = pp.options ->> 'template_id') as template,
    i.platform, i.state as integration_state, i.version as integration_version,
    i.authorization_id, coalesce(a.version, 0)::bigint as authorization_version,
    (i.external_id is not distinct from a.external_id)::boolean as is_login,
    coalesce(i.state = 'active' and a.state = 'active' and a.expires_at <= now() + @margin::interval, false)::boolean as ending,
    (exists (select from account_limits l where l.integration_id = pp.integration_id)
        or exists (select from app_limits l where l.platform = i.platform and l.paused_until > now()))::boolean as limited,
    c.archived_at, now()::timestamptz as database_now
from platform_posts pp
    join posts p on p.customer_id = pp.customer_id and p.id = pp.post_id
    join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    left join authorizations a on a.customer_id = i.customer_id and a.id = i.authorization_id
    join customers c on c.id = pp.customer_id
where pp.id = @id
for no key update of pp;

-- How many of the entered customer's platform posts are at their platforms at this moment, and how many of them on one
-- account; those that wait to learn their outcome are not.
-- name: PlatformPostCountPublishing :one
select count(*) as of_customer, count(*) filter (where integration_id = @integration_id) as of_account
from platform_posts
where state = 'publishing' and retry_at is null;

-- Begins the attempt that follows the one the caller has seen, and takes the account's sealed credential for it,
-- which is recorded. What held up a post that is not out yet is over. NULL where the account is not connected. With an old_credential_id that is not zero it is an old
-- one, and can be had until the deadline.
-- name: PlatformPostStartAttempt :one
with started as (
    update platform_posts
    set state = 'publishing', attempt = attempt + 1, retry_at = null,
        problem = case when state = 'publishing' then problem end, problem_class = case when state = 'publishing' then problem_class end
    where id = @id and state in ('scheduled', 'publishing') and attempt = @attempts_so_far
    returning integration_id
)
select f.credential::bytea as credential, coalesce(f.deadline, 'epoch')::timestamptz as deadline,
    coalesce(f.old_credential_id, '00000000-0000-0000-0000-000000000000')::uuid as old_credential_id
from started s cross join lateral tenancy.find_credential(s.integration_id, 'publish') f;

-- Says why a post that is due has to wait, unless somebody has moved it meanwhile.
-- name: PlatformPostWait :execrows
update platform_posts pp
set retry_at = now() + @wait::interval, problem = @problem, problem_class = @problem_class
from posts p
where pp.id = @id and pp.state = 'scheduled' and coalesce(pp.retry_at <= now(), true)
    and p.customer_id = pp.customer_id and p.id = pp.post_id and coalesce(p.scheduled_at <= now(), true);

-- Keeps what an adapter must not repeat, as long as this attempt is still the newest one.
-- name: PlatformPostKeep :execrows
update platform_posts
set checkpoint = @checkpoint
where id = @id and state = 'publishing' and attempt = @attempt;

-- name: PlatformPostPublished :execrows
update platform_posts
set state = 'published', external_id = @external_id, external_url = @external_url, published_at = @published_at,
    problem = null, problem_class = null, retry_at = null
where id = @id and state = 'publishing' and attempt = @attempt;

-- Nothing was published and there will be another attempt.
-- name: PlatformPostRetry :execrows
update platform_posts
set state = 'scheduled', retry_at = now() + @wait::interval, problem = @problem, problem_class = @problem_class
where id = @id and state = 'publishing' and attempt = @attempt;

-- It stays at the platform, where readers have part of it or the outcome is not known yet; the next attempt goes on from there.
-- name: PlatformPostUnresolved :execrows
update platform_posts
set retry_at = now() + @wait::interval, problem = @problem, problem_class = @problem_class,
    external_id = coalesce(sqlc.narg('external_id'), external_id), external_url = coalesce(sqlc.narg('external_url'), external_url),
    published_at = coalesce(sqlc.narg('published_at'), published_at)
where id = @id and state = 'publishing' and attempt = @attempt;

-- It ends here until a person acts: failed, or needs_attention. Where part of it is out already, that is where.
-- name: PlatformPostStop :execrows
update platform_posts
set state = @state, problem = @problem, problem_class = @problem_class, retry_at = null,
    external_id = coalesce(sqlc.narg('external_id'), external_id), external_url = coalesce(sqlc.narg('external_url'), external_url),
    published_at = coalesce(sqlc.narg('published_at'), published_at)
where id = @id and state = 'publishing' and attempt = @attempt;

-- Whether another platform post of the same account is known to be the one with this id at the platform.
-- name: PlatformPostIsTaken :one
select exists (
    select from platform_posts pp
    where pp.integration_id = @integration_id and pp.external_id = @external_id and pp.id <> @id)::boolean as taken;

-- Due platform posts of all customers whose job is gone.
-- name: PlatformPostListStranded :many
select s.customer_id::uuid as customer_id, s.post_id::uuid as post_id, s.platform_post_id::uuid as platform_post_id
from tenancy.stranded_platform_posts(@overdue, @max_rows) s;
