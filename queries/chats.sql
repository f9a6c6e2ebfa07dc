-- Stores what a platform tells of; answers new, known, dropped, later or closed. Runs as the API's login or the worker, outside of a tenant.
-- name: ChatUpdateReceive :one
select tenancy.receive_chat_update(@platform, @bot, @update_id, @team, @kind, @chat, @place, @body)::text as result;

-- Chats in which something happened or is to be said, without those that have a job: up to so many jobs of one party.
-- name: ChatListToDo :many
select c.platform::text as platform, c.bot::text as bot, c.team::text as team, c.kind::text as kind, c.chat::text as chat
from tenancy.chats_to_do(@share, @max_rows) c;

-- Drops what has waited in a chat for so long, and says whether more waits there.
-- name: ChatDrop :one
with updates as (
    update chat_updates
    set handled_at = now(), body = null
    where platform = @platform and bot = @bot and team = @team and kind = @kind and chat = @chat and handled_at is null
        and received_at <= now() - @older::interval
    returning 1
), outbox as (
    update chat_outbox
    set ended_at = now(), body = null
    where platform = @platform and bot = @bot and team = @team and kind = @kind and chat = @chat and ended_at is null
        and created_at <= now() - @older::interval
    returning 1
)
select (select count(*) from updates) + (select count(*) from outbox) as dropped,
    (exists (
        select from chat_updates u
        where u.platform = @platform and u.bot = @bot and u.team = @team and u.kind = @kind and u.chat = @chat and u.handled_at is null
            and u.received_at > now() - @older::interval)
    or exists (
        select from chat_outbox o
        where o.platform = @platform and o.bot = @bot and o.team = @team and o.kind = @kind and o.chat = @chat and o.ended_at is null
            and o.created_at > now() - @older::interval))::boolean as more;

-- What has waited in chats for so long that nobody expects an answer any more.
-- name: ChatGiveUp :one
with updates as (
    update chat_updates
    set handled_at = now(), body = null
    where handled_at is null and (platform, bot, update_id) in (
        select u.platform, u.bot, u.update_id from chat_updates u
        where u.handled_at is null and u.received_at < now() - @older::interval
        limit @max_rows)
    returning 1
), outbox as (
    update chat_outbox
    set ended_at = now(), body = null
    where ended_at is null and id in (
        select o.id from chat_outbox o
        where o.ended_at is null and o.created_at < now() - @older::interval
        limit @max_rows)
    returning 1
)
select (select count(*) from updates) as updates, (select count(*) from outbox) as messages;

-- For how many seconds the oldest thing that happened in a chat has been waiting; 0 where nothing does.
-- name: ChatOldest :one
select coalesce(extract(epoch from now() - min(u.received_at)), 0)::float8 as seconds
from chat_updates u
where u.handled_at is null;

-- The next thing that happened in a chat, counted as begun once more.
-- name: ChatUpdateBegin :one
update chat_updates
set attempts = attempts + 1
where (platform, bot, update_id) in (
    select u.platform, u.bot, u.update_id from chat_updates u
    where u.platform = @platform and u.bot = @bot and u.team = @team and u.kind = @kind and u.chat = @chat and u.handled_at is null
    order by u.place, u.received_at, u.update_id
    limit 1)
returning update_id, coalesce(body, '{}')::jsonb as body, attempts, received_at;

-- Whether something that happened in a chat is yet to be handled.
-- name: ChatHasUpdates :one
select exists (
    select from chat_updates u
    where u.platform = @platform and u.bot = @bot and u.team = @team and u.kind = @kind and u.chat = @chat and u.handled_at is null);

-- No row: somebody else has handled it meanwhile.
-- name: ChatUpdateHandled :execrows
update chat_updates
set handled_at = now(), body = null
where platform = @platform and bot = @bot and update_id = @update_id and handled_at is null;

-- name: ChatOutboxAdd :exec
insert into chat_outbox (id, platform, bot, team, kind, chat, subject_id, space_id, body)
values (@id, @platform, @bot, @team, @kind, @chat, @subject_id, @space_id, @body);

-- What is to be said next in a chat, also where its time has not come: nothing overtakes it.
-- name: ChatOutboxNext :one
select o.id, o.subject_id, o.space_id, coalesce(o.body, '{}')::jsonb as body, o.attempts, (o.send_at > now())::boolean as later
from chat_outbox o
where o.platform = @platform and o.bot = @bot and o.team = @team and o.kind = @kind and o.chat = @chat and o.ended_at is null
order by o.id
limit 1;

-- It was said, or where there is no message_id it never will be.
-- name: ChatOutboxEnd :exec
update chat_outbox
set ended_at = now(), body = null, message_id = sqlc.narg('message_id')
where id = @id and ended_at is null;

-- name: ChatOutboxPutOff :exec
update chat_outbox
set send_at = @send_at, attempts = attempts + 1
where id = @id and ended_at is null;

-- A chat has another id.
-- name: ChatMoveUpdates :exec
update chat_updates
set chat = @new_chat
where platform = @platform and bot = @bot and team = @team and kind = @kind and chat = @chat and handled_at is null;

-- name: ChatMoveOutbox :exec
update chat_outbox
set chat = @new_chat
where platform = @platform and bot = @bot and team = @team and kind = @kind and chat = @chat and ended_at is null;

-- Forgets what was handled a week ago; platforms do not deliver anything again for that long.
-- name: ChatUpdateForget :execrows
delete from chat_updates
where (platform, bot, update_id) in (
    select u.platform, u.bot, u.update_id from chat_updates u where u.handled_at < now() - interval '7 days' limit @max_rows);

-- name: ChatOutboxForget :execrows
delete from chat_outbox
where id in (select o.id from chat_outbox o where o.ended_at < now() - interval '7 days' limit @max_rows);

-- Whose a chat is; no row where it is nobody's.
-- name: ChatHolder :one
select h.customer_id::uuid as customer_id, h.space_id::uuid as space_id
from tenancy.chat_holder(@platform, @bot, @team, @kind, @chat) h;

-- Whether a chat that is nobody's waits to be confirmed.
-- name: ChatWaits :one
select tenancy.chat_waits(@platform, @bot, @team, @kind, @chat)::boolean;

-- Takes the fetching of a bot's updates for a while; no row where somebody else has it.
-- name: ChatPollLease :one
insert into chat_polls as p (platform, bot, lease, lease_until)
values (@platform, @bot, @lease::text, now() + @duration::interval)
on conflict on constraint chat_polls_pkey do update
set lease = excluded.lease, lease_until = excluded.lease_until
where p.lease = excluded.lease or p.lease is null or p.lease_until < now()
returning p.next_offset;

-- name: ChatPollAdvance :execrows
update chat_polls
set next_offset = greatest(next_offset, @next_offset::bigint)
where platform = @platform and bot = @bot and lease = @lease::text;

-- Who speaks in a space, and is in it therefore.
-- name: SpacePersonSeen :one
insert into space_people as p (id, space_id, external_id, name, username)
values (@id, @space_id, @external_id, @name, @username)
on conflict on constraint space_people_person_key do update
set name = case when excluded.name = '' then p.name else excluded.name end,
    username = case when excluded.name = '' then p.username else excluded.username end,
    joined_at = case when p.left_at is null then p.joined_at else now() end, left_at = null
returning p.id, coalesce(p.asked, 'null')::jsonb as asked;

-- name: SpacePersonAsked :exec
update space_people
set asked = @asked
where space_id = @space_id and external_id = @external_id;

-- The numbers that others were given to choose by, before others were.
-- name: SpaceChoicesForget :exec
update space_people
set asked = case when asked ->> 'awaiting' = 'choice' then null else asked - 'choices' end
where space_id = @space_id and external_id <> @external_id and asked ? 'choices';

-- name: SpacePersonLeft :exec
update space_people
set left_at = now(), asked = null
where space_id = @space_id and external_id = @external_id and left_at is null;

-- name: SpaceBrief :one
select s.title, s.kind, c.name as customer
from spaces s join customers c on c.id = s.customer_id
where s.id = @id and s.ended_at is null;

-- name: SpaceTitle :exec
update spaces
set title = @title
where id = @id and ended_at is null and title <> @title;

-- name: SpaceReachable :exec
update spaces
set unreachable_at = case when @reachable::boolean then null else now() end
where id = @id and ended_at is null and (unreachable_at is null) <> @reachable::boolean;

-- name: SpaceEnd :exec
update spaces
set ended_at = now(), ended_because = @because::text
where id = @id and ended_at is null;

-- A chat has another id. No row where the chat of that id is a space already, having been paired meanwhile, or this one has ended.
-- name: SpaceMove :execrows
update spaces s
set external_id = @external_id
where s.id = @id and s.ended_at is null
    and not exists (select from tenancy.chat_holder(s.platform, s.bot, s.team, s.kind, @external_id) h where h.space_id <> s.id);

-- name: MessageCreate :exec
insert into messages (id, space_id, direction, person, person_name, text, said_at)
values (@id, @space_id, @direction, @person, @person_name, @text, @said_at)
on conflict do nothing;

-- What a space is told of one of its posts.
-- name: PostOutcome :one
select p.id, p.title, p.text, p.state, p.version,
    (select coalesce(jsonb_agg(jsonb_build_object('platform', i.platform, 'state', pp.state, 'url', coalesce(pp.external_url, ''), 'problem', coalesce(pp.problem, '')) order by pp.id), '[]')
    from platform_posts pp join integrations i on i.customer_id = pp.customer_id and i.id = pp.integration_id
    where pp.customer_id = p.customer_id and pp.post_id = p.id)::jsonb as outcomes
from posts p
where p.id = @id;
