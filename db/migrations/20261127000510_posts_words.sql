-- migrate:up
set local row_security = off;

create index posts_words on posts using gin (tenancy.words_of_post(customer_id, title, text));

-- migrate:down

drop index posts_words;
