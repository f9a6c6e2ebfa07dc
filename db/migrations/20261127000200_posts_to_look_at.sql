-- migrate:up transaction:false

-- What waits for a person, for the page that a day begins with: a few of many. Posts have no index with their state, which changes while they are published; their
-- platform posts have some already.
create index concurrently platform_posts_to_look_at on platform_posts (customer_id, state, post_id) where state in ('pending_approval', 'needs_attention', 'failed');

-- migrate:down transaction:false

drop index concurrently platform_posts_to_look_at;
