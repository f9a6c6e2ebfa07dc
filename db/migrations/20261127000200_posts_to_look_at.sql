-- migrate:up
set local row_security = off;

-- What waits for a person, for the page that a day begins with: the newest of many.
create index platform_posts_to_look_at on platform_posts (customer_id, state, updated_at, post_id) where state in ('pending_approval', 'needs_attention', 'failed');

-- migrate:down
drop index platform_posts_to_look_at;
